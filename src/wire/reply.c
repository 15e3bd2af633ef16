/*
 * reply.c - octets out: status lines, multi-line answers, byte-stuffing.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing; a client that does not read is cut by the alarm, which
 *          every write that moves data begins anew (P-24).
 */
#include "wire/reply.h"

#include "base/idle.h"
#include "base/num.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

void reply_init(struct reply *out, int fd)
{
	out->fd = fd;
	out->state = REPLY_GOOD;
	out->accepted = out->unsure = out->mark = 0;
	out->used = 0;
}

static void wait_writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	poll(&p, 1, -1);
}

/* Holds the only write(2) of the session.  Returns the octets taken. */
static size_t push(struct reply *out, const char *data, size_t len)
{
	ssize_t n;

	switch (idle_ask()) {
	case IDLE_EXPIRED:
		out->state = REPLY_STALLED;
		return 0;
	case IDLE_SIGNAL:
		out->state = REPLY_SIGNAL;
		return 0;
	case IDLE_GO_ON:
		break;
	}
	n = write(out->fd, data, len);
	if (n >= 0) {
		idle_sent();
		return (size_t)n;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		wait_writable(out->fd);
	else if (errno != EINTR)
		out->state = REPLY_GONE;
	return 0;
}

enum reply_state reply_flush(struct reply *out)
{
	size_t done = 0, last = 0;

	if (out->used > 0 && out->state == REPLY_GOOD)
		idle_restart();
	while (out->state == REPLY_GOOD && done < out->used) {
		size_t n = push(out, out->buf + done, out->used - done);

		out->accepted += n;
		done += n;
		last = n > 0 ? n : last;
	}
	if (out->state == REPLY_GONE)
		out->unsure += last;
	out->used = 0;
	return out->state;
}

/* What fits now; with nothing in the buffer that is at least REPLY_BUFFER. */
static size_t room(struct reply *out, size_t wanted)
{
	if (sizeof out->buf - out->used < wanted)
		reply_flush(out);
	return sizeof out->buf - out->used;
}

void reply_octets(struct reply *out, const char *octets, size_t len)
{
	room(out, len);
	memcpy(out->buf + out->used, octets, len);
	out->used += len;
}

void reply_text(struct reply *out, const char *text)
{
	reply_octets(out, text, strlen(text));
}

void reply_number(struct reply *out, uint64_t number)
{
	room(out, NUM_DIGITS);
	out->used += num_format(out->buf + out->used, number);
}

void reply_end(struct reply *out)
{
	reply_octets(out, "\r\n", 2);
}

void reply_ok(struct reply *out, const char *text)
{
	reply_text(out, "+OK ");
	reply_text(out, text);
	reply_end(out);
}

void reply_err(struct reply *out, const char *text)
{
	reply_text(out, "-ERR ");
	reply_text(out, text);
	reply_end(out);
}

void reply_dot(struct reply *out)
{
	reply_octets(out, ".\r\n", 3);
}

void reply_body(struct reply *out, struct crlf *c, const char *in, size_t len)
{
	while (len > 0 && out->state == REPLY_GOOD) {
		size_t fits = room(out, CRLF_ROOM), taken = len;

		out->used += crlf_send(c, in, &taken, out->buf + out->used,
		    fits);
		in += taken;
		len -= taken;
	}
}

void reply_body_line(struct reply *out, struct crlf *c)
{
	room(out, CRLF_ROOM);
	out->used += crlf_send_end(c, out->buf + out->used);
}

void reply_body_end(struct reply *out, struct crlf *c)
{
	reply_body_line(out, c);
	reply_dot(out);
	out->mark = out->accepted + out->used;
}
