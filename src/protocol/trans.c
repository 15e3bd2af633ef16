/*
 * trans.c - the TRANSACTION state: STAT LIST RETR DELE NOOP RSET TOP UIDL CAPA
 * QUIT.
 *
 * DELE only marks.  Nothing here removes or renames anything.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing that was typed, nothing in a message.
 */
#include "protocol/trans.h"

#include "base/idle.h"
#include "base/num.h"
#include "mail/size.h"
#include "protocol/capa.h"
#include "protocol/retr.h"
#include "wire/handover.h"

#include <string.h>

/* How often to look whether the client that asked for sizes is still there. */
#define LOOK_MESSAGES 1000
#define LOOK_AFTER UINT64_C(1000000000)	/* ns, where each is slow to open */

static const char unsized[] = "[SYS/TEMP] a message cannot be read now";

static uint64_t number_of(const struct session *s, const struct message *m)
{
	return maildrop_number_of(&s->drop, m);
}

/* Reading many files may take long: is it still wanted? */
static bool still_wanted(struct session *s)
{
	if (handover_gone(s->out.fd))
		s->end = END_DISCONNECT;
	else if (idle_ask() == IDLE_SIGNAL)
		s->end = END_SIGNAL;
	else
		return true;
	return false;
}

/* STAY: it is known; BAD: the -ERR has been given; HANG_UP. */
static enum next size_one(struct session *s, struct message *m)
{
	if (m->octets != SIZE_UNKNOWN)
		return STAY;
	if (maildrop_size(&s->drop, m) == -1) {
		reply_err(&s->out, unsized);
		return BAD;
	}
	visit_learnt(&s->visit);
	return STAY;
}

/*
 * The same for every message.  What was learnt is kept though the client may
 * have left: it will come back.
 */
static enum next size_all(struct session *s)
{
	uint64_t looked = idle_clock();
	enum next next = cmd_list(s);
	size_t i;

	for (i = 0; i < s->drop.count && next == STAY; i++) {
		struct message *m = &s->drop.list[i];

		if ((m->marks & MESSAGE_DELETED) != 0 ||
		    m->octets != SIZE_UNKNOWN)
			continue;
		next = size_one(s, m);
		if (i % LOOK_MESSAGES == 0 ||
		    idle_clock() - looked >= LOOK_AFTER) {
			looked = idle_clock();
			if (!still_wanted(s))
				return HANG_UP;
		}
	}
	return next;
}

static enum next do_stat(struct session *s, const struct args *a)
{
	struct maildrop_totals t = maildrop_totals(&s->drop);

	(void)a;
	if (!t.known) {
		enum next next = size_all(s);

		if (next != STAY)
			return next == BAD ? STAY : next;
		t = maildrop_totals(&s->drop);
	}
	s->visit.told = true;
	reply_text(&s->out, "+OK ");
	reply_number(&s->out, t.count);
	reply_text(&s->out, " ");
	reply_number(&s->out, t.octets);
	reply_end(&s->out);
	return STAY;
}

/* "n size" or "n uid": in one piece, since a list has many. */
static void scan_line(struct session *s, const struct message *m)
{
	char line[2 * NUM_DIGITS + 3];
	size_t n = num_format(line, number_of(s, m));

	line[n++] = ' ';
	n += num_format(line + n, m->octets);
	memcpy(line + n, "\r\n", 2);
	reply_octets(&s->out, line, n + 2);
}

static void uidl_line(struct session *s, const struct message *m)
{
	char line[NUM_DIGITS + UIDL_KNOWN_LIMIT + 3];
	size_t n = num_format(line, number_of(s, m));

	line[n++] = ' ';
	n += maildrop_uidl(&s->drop, m, line + n);
	memcpy(line + n, "\r\n", 2);
	reply_octets(&s->out, line, n + 2);
}

/* A multi-line answer with a line for each message that is not deleted. */
static void each_line(struct session *s,
    void (*print)(struct session *, const struct message *))
{
	size_t i;

	reply_text(&s->out, "+OK ");
	reply_number(&s->out, maildrop_totals(&s->drop).count);
	reply_text(&s->out, " messages");
	reply_end(&s->out);
	for (i = 0; i < s->drop.count; i++) {
		const struct message *m = maildrop_at(&s->drop, i);

		if ((m->marks & MESSAGE_DELETED) == 0)
			print(s, m);
	}
	reply_dot(&s->out);
}

static enum next do_list(struct session *s, const struct args *a)
{
	struct message *m;
	enum next next;

	if (a->count == 0) {
		next = size_all(s);
		if (next == STAY)
			each_line(s, scan_line);
		return next == BAD ? STAY : next;
	}
	m = cmd_message(s, a, &next);
	if (m == NULL)
		return next;
	if (size_one(s, m) == STAY) {
		reply_text(&s->out, "+OK ");
		scan_line(s, m);
	}
	return STAY;
}

static enum next do_uidl(struct session *s, const struct args *a)
{
	struct message *m;
	enum next next;

	if (a->count == 0) {
		next = cmd_list(s);
		if (next == STAY)
			each_line(s, uidl_line);
		return next;
	}
	m = cmd_message(s, a, &next);
	if (m != NULL) {
		reply_text(&s->out, "+OK ");
		uidl_line(s, m);
	}
	return next;
}

static enum next do_dele(struct session *s, const struct args *a)
{
	enum next next;
	struct message *m = cmd_message(s, a, &next);

	if (m != NULL) {
		m->marks |= MESSAGE_DELETED;
		reply_text(&s->out, "+OK message ");
		reply_number(&s->out, number_of(s, m));
		reply_text(&s->out, " deleted");
		reply_end(&s->out);
	}
	return next;
}

static enum next do_noop(struct session *s, const struct args *a)
{
	(void)a;
	reply_ok(&s->out, "nothing done");
	return STAY;
}

static enum next do_rset(struct session *s, const struct args *a)
{
	size_t i;

	(void)a;
	for (i = 0; i < maildrop_listed(&s->drop); i++)
		s->drop.list[i].marks &= (uint8_t)~MESSAGE_DELETED;
	reply_ok(&s->out, "nothing is deleted");
	return STAY;
}

static enum next do_quit(struct session *s, const struct args *a)
{
	(void)a;
	s->end = END_QUIT;
	return ADVANCE;
}

static const struct command transaction[] = {
	/* verb	  args	handler		source */
	{ "CAPA", 0, 0, capa_reply, CMD_WORDS },	/* RFC 2449 section 5 */
	{ "DELE", 1, 1, do_dele, CMD_WORDS },	/* RFC 1939 section 5 */
	{ "LIST", 0, 1, do_list, CMD_WORDS },
	{ "NOOP", 0, 0, do_noop, CMD_WORDS },
	{ "QUIT", 0, 0, do_quit, CMD_WORDS },	/* the one way to UPDATE */
	{ "RETR", 1, 1, retr_message, CMD_WORDS },
	{ "RSET", 0, 0, do_rset, CMD_WORDS },
	{ "STAT", 0, 0, do_stat, CMD_WORDS },
	{ "TOP",  2, 2, retr_top, CMD_WORDS },	/* section 7 */
	{ "UIDL", 0, 1, do_uidl, CMD_WORDS },
	{ "", 0, 0, NULL, CMD_WORDS }
};

enum next trans_run(struct session *s)
{
	return cmd_loop(s, transaction, TRANS_BAD_LIMIT);
}
