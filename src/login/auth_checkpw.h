/*
 * auth_checkpw.h - passwords checked by a program (P-116...P-121).
 *
 * The checker is told name and password on descriptor 3, becomes the user and
 * runs our own session, which says so by one octet on a pipe: only that octet
 * is a success, never "no error seen" (S-15).
 */
#ifndef LOGIN_AUTH_CHECKPW_H
#define LOGIN_AUTH_CHECKPW_H

#include "login/auth.h"

#include <sys/types.h>

#define AUTH_CHECKPW_OCTETS 512	/* on descriptor 3, in all: P-116 */
#define AUTH_CHECKPW_WORDS 128	/* of the whole command */

struct auth_checkpw {
	const char *const *command;	/* CHECKER ARG... and the session */
	const char *port;		/* with auth_request's ip, for the */
	const char *tls_text;		/* environment; "" if unknown */
	int swap_read, swap_write;	/* STLS was done on these; or -1 */

	/* Filled on AUTH_OK: */
	pid_t session;
	int hold;	/* the session waits until this is closed */
};

/* Where a checker is looked for that is no path, and its own PATH. */
#define AUTH_CHECKPW_PATH \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum auth_verdict auth_checkpw_check(struct auth_checkpw *c,
    const struct auth_request *r, const char **reason);

/*
 * The other end, in the session: tells the parent that it runs, and waits for
 * its turn to speak.  1: done; 0: nobody waits; -1: somebody does and cannot
 * be told, so that nothing may be served.
 */
int auth_checkpw_arrived(void);

/* The descriptor of that pipe, or -1: it must survive the start. */
int auth_checkpw_pipe(void);

#endif
