/*
 * idle.h - the inactivity autologout and the signals that end a session
 * (RFC 1939 section 3, P-22...P-26, P-55, S-11).
 *
 * One alarm(2) counts the time a client lets us wait, in reading and in
 * writing alike.  SIGALRM sent from outside is the same event.  A handler
 * sets a flag and calls alarm(1) again, so that a signal that falls between
 * the look at the flag and the blocking call still ends that call, a second
 * later.
 */
#ifndef BASE_IDLE_H
#define BASE_IDLE_H

#include <stdint.h>

#define IDLE_MIN 600	/* seconds: RFC 1939 section 3, "at least 10 minutes" */
#define IDLE_LOOKS 20	/* in the time, at a client that is slow to read */

enum idle {
	IDLE_GO_ON,	/* nothing happened, or the alarm came early */
	IDLE_EXPIRED,	/* the client was silent for the whole time */
	IDLE_SIGNAL	/* SIGTERM, SIGHUP or SIGINT */
};

/*
 * Sets every signal the session depends on, whatever was inherited: handlers
 * without SA_RESTART, SIGPIPE and SIGXFSZ ignored, SIGCHLD default, none
 * blocked.  The alarm is not yet running.
 */
void idle_start(void);

/* The time idle_restart() gives, in seconds; IDLE_MIN if never called. */
void idle_set(unsigned seconds);

/*
 * A command has come, or an answer begins: the time begins anew.  Cheap: the
 * alarm is armed at most once a second of the clock (P-23).
 */
void idle_restart(void);

/*
 * Octets have left: the time begins anew (P-24).  Did they leave in a write(2)
 * that the alarm cut short, nobody knows when: perhaps just now, perhaps at
 * once, and the client has read nothing since.  It is believed, once: from
 * then on the alarm comes IDLE_LOOKS times in the time, and who reads nothing
 * is let go after two periods and two looks at the latest.
 */
void idle_sent(void);

/* To be asked before each call that may block, and after each EINTR. */
enum idle idle_ask(void);

/*
 * UPDATE begins (P-25, P-55): the alarm is off, and from here on SIGALRM,
 * SIGTERM, SIGHUP and SIGINT are blocked.  The answer is what had come until
 * then; anything but IDLE_GO_ON means that nothing may be removed.
 */
enum idle idle_disarm(void);

/* Sleeps; a signal ends it early.  For retries, never for order. */
void idle_sleep(unsigned milliseconds);

/* Nanoseconds of a clock that never goes back. */
uint64_t idle_clock(void);

#endif
