/*
 * handover.h - has the other side taken it? (threats.md section 4: U1, U6)
 *
 * RETR, DELE and QUIT may arrive in one segment: when QUIT is read, the
 * message may still sit in a queue of this host, and the connection may be
 * dead.  Removing it then would lose it.
 */
#ifndef WIRE_HANDOVER_H
#define WIRE_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum handover {
	HANDOVER_UNKNOWN,	/* the kernel cannot tell, or not yet */
	HANDOVER_YES,		/* TCP: acknowledged; pipe, AF_UNIX: taken */
	HANDOVER_NO,		/* dead, or nothing moved for 30 s */
	HANDOVER_EXPIRED,	/* idle_ask() said so meanwhile */
	HANDOVER_SIGNAL
};

/*
 * Waits until the first mark octets of all that was written to fd have
 * arrived; accepted of them were taken by write(2).  With mark 0 there is
 * nothing to ask: HANDOVER_YES.
 */
enum handover handover_wait(int fd, uint64_t accepted, uint64_t mark);

/* The same without waiting: what has not yet arrived is HANDOVER_UNKNOWN. */
enum handover handover_now(int fd, uint64_t accepted, uint64_t mark);

/*
 * Whether the kernel counts the octets of fd.  It does not for AF_UNIX: there
 * a write(2) that was cut short tells nothing of what was taken.
 */
bool handover_counts(int fd);

/* Whether nobody is there any more to read what is written to fd. */
bool handover_gone(int fd);

/*
 * Writes the last answer, len octets, at most 512, never waiting for more
 * than 30 s in all and in no call that could wait longer (U6).
 * 0, or -1 with the answer lost; that changes nothing.
 */
int handover_say(int fd, const char *text, size_t len);

/*
 * The lingering close of a socket: no more output, then input is read until
 * the client closes too, for 2 s at most, so that input nobody read does not
 * reset the connection before the last answer has arrived.
 */
void handover_close(int in, int out);

#endif
