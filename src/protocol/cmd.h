/*
 * cmd.h - splits a line, finds the table row, counts the arguments, calls the
 * handler; the loop of a state; struct session (P-1...P-11, P-16).
 */
#ifndef PROTOCOL_CMD_H
#define PROTOCOL_CMD_H

#include "config.h"
#include "mail/maildir.h"
#include "mail/maildrop.h"
#include "mail/quota.h"
#include "mail/visit.h"
#include "wire/handover.h"
#include "wire/line.h"
#include "wire/peer.h"
#include "wire/reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CMD_ARGS 2	/* the most any command takes: TOP */

/* How a session ended, as the log names it. */
enum end {
	END_QUIT,
	END_QUIT_BEFORE_LOGIN,
	END_DISCONNECT,
	END_TIMEOUT,		/* it sent nothing: P-22 */
	END_STALLED,		/* it read nothing: P-24 */
	END_SIGNAL,
	END_ERROR
};

struct tally {
	uint64_t retr, retr_octets;	/* sent whole; octets on the wire */
	uint64_t top, top_octets;
	uint64_t marked, removed;	/* at QUIT */
	uint64_t seen;			/* got flag S */
	enum handover delivered;	/* what was sent before QUIT: U1 */
};

struct authz;		/* protocol/authz.c: what is known before login */

/* All that is one session's; each module gets the member it needs. */
struct session {
	const struct config *config;
	uint64_t began;			/* idle_clock() */
	struct peer peer;
	struct maildir dir;
	struct maildrop drop;
	struct visit visit;		/* what fills it */
	struct quota quota;
	struct line in;
	struct reply out;
	enum end end;
	struct tally tally;
	const char *user;		/* login name; NULL before login */
	const char *tls;		/* "no", a version, "yes" where nobody
					   names one, or NULL: not known */
	const char *method;		/* PASS, PLAIN, APOP, PREAUTH, or NULL */
	bool plaintext;			/* passwords may be sent: P-62 */
	bool stls;			/* STLS can be begun now: P-79 */
	struct authz *authz;		/* NULL in TRANSACTION */
};

enum next {
	STAY,		/* in this state */
	BAD,		/* the same, and the command counts as bad: P-10 */
	ADVANCE,	/* to the next one */
	HANG_UP		/* s->end says why */
};

struct args {
	size_t count;
	struct {
		const char *text;	/* NUL-terminated */
		size_t len;
	} arg[CMD_ARGS];
};

struct command {
	char verb[5];
	unsigned char min, max;		/* arguments */
	enum next (*handler)(struct session *s, const struct args *a);
	enum {
		CMD_WORDS,	/* arguments are words */
		CMD_REST,	/* one: the rest of the line, blanks trimmed */
		CMD_SECRET,	/* one: all behind one blank, never logged */
		CMD_HIDDEN,	/* words, never logged */
		CMD_SASL	/* the same, on a line that may be longer */
	} form;
};

/*
 * Reads and executes commands of one state; table ends with an empty row.
 * After limit bad ones in a row (P-10) the session ends.  ADVANCE or HANG_UP.
 */
enum next cmd_loop(struct session *s, const struct command *table,
    unsigned limit);

/*
 * Answers, then reads another line for a handler that needs one.  STAY: *text
 * and *len as from line_next(); BAD: it was too long; HANG_UP.
 */
enum next cmd_more(struct session *s, char **text, size_t *len);

/*
 * Makes the list of messages be there.  STAY; HANG_UP: it cannot be had, and
 * the -ERR has been given.
 */
enum next cmd_list(struct session *s);

/*
 * The message that the first argument names; NULL if there is none, and then
 * the -ERR has been given and *next says whether it was bad syntax (P-15).
 */
struct message *cmd_message(struct session *s, const struct args *a,
    enum next *next);

/* The same for a number of lines or so; -1 for NULL. */
int cmd_number(struct session *s, const struct args *a, size_t i,
    uint64_t *number, enum next *next);

#endif
