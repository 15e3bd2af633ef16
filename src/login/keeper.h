/*
 * keeper.h - the side that checks passwords: counts the tries, keeps the
 * deadline, says what happened (P-61, P-67, S-5, S-15).
 */
#ifndef LOGIN_KEEPER_H
#define LOGIN_KEEPER_H

#include "login/auth.h"
#include "login/broker.h"

#include <sys/types.h>

#define KEEPER_TRIES 3		/* failed logins a connection: P-67 */
#define KEEPER_DEADLINE 2000	/* ms until a failure is answered: P-67 */

struct keeper {
	int broker;		/* our end */
	pid_t front;
	unsigned login_timeout;	/* seconds until login, in all; 0: no limit */

	/* The back end; *reason is a word for the log if it is no AUTH_OK. */
	enum auth_verdict (*check)(void *arg, const struct auth_request *r,
	    const struct broker_request *from, struct auth_identity *who,
	    const char **reason);
	void *arg;
};

enum keeper_result {
	KEEPER_LOGIN,		/* the front has exited: it is our turn */
	KEEPER_END,		/* the front is done, request->end says why */
	KEEPER_TIMEOUT,		/* the time for login is over, or SIGALRM */
	KEEPER_SIGNAL,		/* SIGTERM or its like */
	KEEPER_FAILED,		/* logged: no front could be made */
	KEEPER_BROKEN		/* logged: the front died or broke the rules */
};

/*
 * Answers the front's requests until one of these.  *request is the last one,
 * its secret wiped; *who is filled on KEEPER_LOGIN.  In every case the front
 * is gone when it returns.
 */
enum keeper_result keeper_run(struct keeper *k,
    struct broker_request *request, struct auth_identity *who);

/* "PASS", "PLAIN" or "APOP", for the log. */
const char *keeper_method(const struct broker_request *r);

/* "no", a version, or "yes". */
const char *keeper_tls(const struct broker_request *r);

#endif
