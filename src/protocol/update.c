/*
 * update.c - the UPDATE state: carry out the deletions (RFC 1939 section 6).
 *
 * Nothing else calls maildir_remove().  QUIT in TRANSACTION leads here and no
 * other way does: a lost connection, a timeout or an error deletes nothing.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  the list made at login, not the names now on disk: a message that
 *          is already gone counts as deleted.
 */
#include "protocol/update.h"

#include "base/idle.h"
#include "mail/name.h"
#include "wire/handover.h"

#include <stdbool.h>
#include <string.h>

#define PAUSE 5		/* ms, besides what maildir_young() says */

static const char bye[] = "+OK bye\r\n";
static const char not_delivered[] =
    "-ERR [SYS/TEMP] not all mail was delivered, nothing removed\r\n";
static const char not_removed[] =
    "-ERR [SYS/TEMP] some deleted messages not removed\r\n";
static const char not_synced[] =
    "-ERR [SYS/TEMP] messages removed, but perhaps not for good\r\n";

static bool is_marked(const struct message *m)
{
	return (m->marks & (MESSAGE_DELETED | MESSAGE_REMOVED)) ==
	    MESSAGE_DELETED;
}

/* Was fetched to its end, is kept, and can have flag S but has not (P-54). */
static bool is_newly_read(const struct maildrop *d, const struct message *m)
{
	char flagged[NAME_LIMIT + 1];

	return (m->marks & (MESSAGE_DELETED | MESSAGE_RETRIEVED)) ==
	    MESSAGE_RETRIEVED && !(m->sub == MAILDIR_CUR &&
	    name_has_flag(maildrop_name(d, m), 'S')) &&
	    name_add_flag(maildrop_name(d, m), 'S', flagged) == 0;
}

static size_t count_marked(const struct maildrop *d)
{
	size_t n = 0, i;

	for (i = 0; i < maildrop_listed(d); i++)
		n += is_marked(&d->list[i]);
	return n;
}

/*
 * Notes where everything is now.  We have just changed these directories
 * ourselves: only after a pause can their times show what others do meanwhile.
 * True: who was not found is gone.
 */
static bool follow(struct maildrop *d)
{
	struct maildir_times t;

	idle_sleep(PAUSE + (maildir_times(d->dir, &t) == -1 ? MAILDIR_YOUNG :
	    maildir_young(&t)));
	return maildrop_follow(d) == 1;
}

/* One attempt for each message that is marked; counts those to look for. */
static size_t remove_marked(struct session *s, size_t *failed)
{
	size_t missing = 0, i;

	for (i = 0; i < s->drop.count; i++) {
		struct message *m = &s->drop.list[i];
		const char *name = maildrop_name(&s->drop, m);
		uint64_t octets;

		if (!is_marked(m))
			continue;
		octets = quota_weigh(&s->quota, &s->dir,
		    (enum maildir_sub)m->sub, name);
		switch (maildir_remove(&s->dir, s->config->delete,
		    (enum maildir_sub)m->sub, name, m->id)) {
		case MAILDIR_DONE:
			m->marks |= MESSAGE_REMOVED;
			quota_removed(&s->quota, name, octets);
			break;
		case MAILDIR_DONE_HERE:	/* in the other folder too? */
			quota_removed(&s->quota, name, octets);
			missing++;
			break;
		case MAILDIR_MISSING:
			missing++;
			break;
		case MAILDIR_FAILED:
			++*failed;
			break;
		}
	}
	return missing;
}

/* Who was found by no search that nothing disturbed, is gone: P-52. */
static void count_as_removed(struct maildrop *d)
{
	size_t i;

	for (i = 0; i < d->count; i++)
		if (is_marked(&d->list[i]) &&
		    (d->list[i].marks & MESSAGE_GONE) != 0)
			d->list[i].marks |= MESSAGE_REMOVED;
}

/*
 * U2.  Other programs may rename meanwhile: who is not found is searched and
 * tried again (P-52).  True: everything marked is gone.
 */
static bool remove_all(struct session *s)
{
	size_t failed = 0, missing = remove_marked(s, &failed);
	int searches;

	for (searches = 0; missing > 0 && searches < MAILDROP_SEARCHES;
	    searches++) {
		if (follow(&s->drop))
			count_as_removed(&s->drop);
		failed = 0;
		missing = remove_marked(s, &failed);
	}
	return missing == 0 && failed == 0;
}

/* One attempt for each message that was read; counts those to look for. */
static size_t mark_seen_once(struct session *s)
{
	size_t missing = 0, i;

	for (i = 0; i < maildrop_listed(&s->drop); i++) {
		const struct message *m = &s->drop.list[i];
		enum maildir_result r;

		if (!is_newly_read(&s->drop, m))
			continue;
		r = maildir_mark_seen(&s->dir, (enum maildir_sub)m->sub,
		    maildrop_name(&s->drop, m), m->id);
		s->tally.seen += r == MAILDIR_DONE;
		missing += r == MAILDIR_MISSING;
	}
	return missing;
}

/*
 * U3.  A failure is logged where it is met, and changes no answer (P-54).  Who
 * has moved since RETR is searched once: a program that shows the same mail
 * moves what is new to cur/.
 */
static void mark_seen(struct session *s)
{
	if (mark_seen_once(s) > 0 && maildrop_follow(&s->drop) != -1)
		mark_seen_once(s);
}

static const char *remove_and_flag(struct session *s)
{
	const char *answer = bye;

	/* What did not arrive was not read either. */
	if (s->tally.delivered == HANDOVER_NO)
		return s->tally.marked > 0 ? not_delivered : bye;
	/* A message that is flagged stays in the count: P-149. */
	if (s->tally.marked > 0 && s->config->delete != MAILDIR_FLAG)
		quota_open(&s->quota, &s->dir);
	if (s->tally.marked > 0 && !remove_all(s))
		answer = not_removed;
	s->tally.removed = s->tally.marked - count_marked(&s->drop);
	if (!s->config->keep_new)
		mark_seen(s);
	quota_close(&s->quota, &s->dir);
	if (s->config->sync && (s->tally.removed > 0 || s->tally.seen > 0) &&
	    maildir_sync(&s->dir, s->config->delete) == -1 && answer == bye)
		answer = not_synced;
	return answer;
}

enum handover update_handed_over(const struct session *s, bool wait)
{
	const struct reply *out = &s->out;
	uint64_t accepted = out->accepted;

	if (!handover_counts(out->fd))
		accepted -= out->unsure;
	return wait ? handover_wait(out->fd, accepted, out->mark) :
	    handover_now(out->fd, accepted, out->mark);
}

/* U1.  Nothing is removed before all that RETR and TOP sent has arrived. */
static enum handover hand_over(struct session *s)
{
	enum reply_state state = reply_flush(&s->out);

	if (state == REPLY_STALLED)
		return HANDOVER_EXPIRED;
	if (state == REPLY_SIGNAL)
		return HANDOVER_SIGNAL;
	/* Octets after the mark may be lost: they are only short answers. */
	return update_handed_over(s, s->tally.marked > 0);
}

/* Up to here a signal or the alarm ends the session with nothing removed. */
static bool disarm(struct session *s)
{
	switch (idle_disarm()) {
	case IDLE_EXPIRED:
		s->end = END_STALLED;
		return false;
	case IDLE_SIGNAL:
		s->end = END_SIGNAL;
		return false;
	case IDLE_GO_ON:
		break;
	}
	return true;
}

void update_run(struct session *s)
{
	enum handover h;
	const char *answer;

	s->tally.marked = count_marked(&s->drop);
	h = hand_over(s);
	s->tally.delivered = h;
	if (h == HANDOVER_EXPIRED || h == HANDOVER_SIGNAL) {
		s->end = h == HANDOVER_SIGNAL ? END_SIGNAL : END_STALLED;
		return;
	}
	if (!disarm(s))
		return;
	answer = remove_and_flag(s);
	if (handover_say(s->out.fd, answer, strlen(answer)) == 0)
		s->out.accepted += strlen(answer);
	handover_close(s->in.fd, s->out.fd);
}
