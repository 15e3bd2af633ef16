/*
 * reply.h - octets out: status lines, multi-line answers, byte-stuffing
 * (P-11...P-16, P-33).
 *
 * Everything goes through one buffer, so that an answer is one write(2) and
 * the answers to pipelined commands share one.  A write error sticks: later
 * calls do nothing, and reply_state() tells when asked.
 */
#ifndef WIRE_REPLY_H
#define WIRE_REPLY_H

#include "base/crlf.h"

#include <stddef.h>
#include <stdint.h>

#define REPLY_BUFFER 65536	/* octets */

enum reply_state {
	REPLY_GOOD,
	REPLY_GONE,	/* the client cannot be written to any more */
	REPLY_STALLED,	/* it read nothing for the idle time: P-24 */
	REPLY_SIGNAL	/* SIGTERM or its like came while we waited */
};

struct reply {
	int fd;
	enum reply_state state;
	uint64_t accepted;	/* octets write(2) has taken */
	uint64_t unsure;	/* of them: taken by a write(2) that was cut
				   short by the end of the connection */
	uint64_t mark;		/* of them and those in buf: the end of the
				   last message that was sent whole */
	size_t used;
	char buf[REPLY_BUFFER];
};

/* fd stays the caller's, and may be non-blocking. */
void reply_init(struct reply *out, int fd);

/* Pieces of a line, in printable ASCII of ours: never input (P-13). */
void reply_text(struct reply *out, const char *text);
void reply_octets(struct reply *out, const char *octets, size_t len);
void reply_number(struct reply *out, uint64_t number);
void reply_end(struct reply *out);		/* CRLF */

/* A whole line: "+OK " or "-ERR ", then text. */
void reply_ok(struct reply *out, const char *text);
void reply_err(struct reply *out, const char *text);

/* The "." that ends a multi-line answer. */
void reply_dot(struct reply *out);

/* Stored octets of a message, converted and stuffed: crlf_start() first. */
void reply_body(struct reply *out, struct crlf *c, const char *in, size_t len);

/* Ends the last line of a message, if it has no end of its own. */
void reply_body_line(struct reply *out, struct crlf *c);

/* The same, and ends the message: the dot, and the mark (U1). */
void reply_body_end(struct reply *out, struct crlf *c);

/* Writes everything, waiting for the client as long as it goes on reading. */
enum reply_state reply_flush(struct reply *out);

#endif
