/*
 * report.c - the two lines of a session in the log.
 *
 * The address stands before anything a client chose, so that no user name
 * can pass for one (S-9).
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in the values; log.c escapes them.
 */
#include "protocol/report.h"

#include "base/idle.h"
#include "base/log.h"
#include "mail/size.h"

#include <unistd.h>

void report_login(const struct session *s, pid_t pid)
{
	if (s->method == NULL)
		return;
	log_line(LOG_INFO, "login");
	log_who(s->peer.ip, s->peer.port, pid, s->user);
	log_string("tls", s->tls);
	log_string("method", s->method);
	log_end();
}

/* The whole maildrop as it was at login; "-" if a size was never asked. */
static void log_octets(const struct maildrop *d)
{
	const size_t listed = maildrop_listed(d);
	uint64_t octets = listed == 0 ? d->octets : 0;
	size_t i;

	for (i = 0; i < listed && octets != SIZE_UNKNOWN; i++)
		octets = d->list[i].octets == SIZE_UNKNOWN ? SIZE_UNKNOWN :
		    octets + d->list[i].octets;
	if (octets == SIZE_UNKNOWN)
		log_string("octets", NULL);
	else
		log_number("octets", octets);
}

void report_session(const struct session *s)
{
	static const char *const end[] = { "quit", "quit-before-login",
		"disconnect", "timeout", "stalled", "signal", "error" };
	static const char *const delivered[] = { "unknown", "yes", "no",
		"no", "no" };
	const struct tally *t = &s->tally;

	log_line(LOG_INFO, "session");
	log_who(s->peer.ip, s->peer.port, getpid(), s->user);
	log_string("end", end[s->end]);
	log_number("messages", s->drop.count);
	log_octets(&s->drop);
	log_pair("retr", t->retr, t->retr_octets);
	log_pair("top", t->top, t->top_octets);
	log_pair("del", t->removed, t->marked);
	log_number("kept", s->drop.count - t->removed);
	log_number("seen", t->seen);
	log_number("in", s->in.octets);
	log_number("out", s->out.accepted);
	log_string("delivered", delivered[t->delivered]);
	log_seconds("seconds", idle_clock() - s->began);
	log_end();
}
