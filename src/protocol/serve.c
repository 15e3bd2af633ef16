/*
 * serve.c - one mailbox, from its opening to the last line in the log.
 *
 * Runs as: the owner of the mailbox; sandboxed, once it is open.
 * Trusts:  the operator's path.
 */
#include "protocol/serve.h"

#include "base/log.h"
#include "base/sandbox.h"
#include "protocol/report.h"
#include "protocol/trans.h"
#include "protocol/update.h"
#include "wire/handover.h"

#include <unistd.h>

static const char temporary[] = "-ERR [SYS/TEMP] maildir not usable\r\n";
static const char in_use[] = "-ERR [IN-USE] maildrop is open elsewhere\r\n";

static int shut_in(const struct session *s)
{
	const struct sandbox_maildir m = {
		.root = s->dir.root,
		.quota = s->quota.above == -1 ? 0 : s->quota.above,
		.trash = s->config->delete == MAILDIR_TRASH,
	};

	return sandbox_session(&m);
}

const char *serve_open(struct session *s, const char *path)
{
	const struct config *c = s->config;
	int busy;

	if (maildir_open(&s->dir, path) == -1)
		return temporary;
	busy = c->lock ? maildir_lock(&s->dir) : 0;
	if (busy == 1)
		log_warning("another session holds the lock of", path);
	if (busy != 0)
		return busy == 1 ? in_use : temporary;
	if (c->delete == MAILDIR_TRASH)
		maildir_open_trash(&s->dir);	/* if not: QUIT will say */
	quota_above(&s->quota, &s->dir);
	if (shut_in(s) == -1)
		return temporary;
	return visit_begin(&s->visit, &s->drop, &s->dir,
	    c->delete == MAILDIR_FLAG, !c->no_size_cache) == -1 ? temporary :
	    NULL;
}

bool serve_in_use(const char *refusal)
{
	return refusal == in_use;
}

void serve_run(struct session *s, const char *greeting)
{
	reply_ok(&s->out, greeting);
	reply_flush(&s->out);
	report_login(s, getpid());
	if (!s->config->keep_tmp)
		maildir_clean_tmp(&s->dir);
	if (trans_run(s) == ADVANCE) {
		update_run(s);
	} else if (s->end == END_DISCONNECT || s->end == END_ERROR) {
		/* A client that closed its sending side may still read. */
		reply_flush(&s->out);
		handover_close(s->in.fd, s->out.fd);
	}
	if (s->tally.delivered == HANDOVER_UNKNOWN)
		s->tally.delivered = update_handed_over(s, false);
	visit_end(&s->visit);
	report_session(s);
	maildrop_free(&s->drop);
}
