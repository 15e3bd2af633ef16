/*
 * line.c - octets in: one bounded command line at a time.
 *
 * The time a client has is given once a command, not once a read: who drips
 * octets gains nothing (P-23).
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing; the octets come from strangers.
 */
#include "wire/line.h"

#include "base/idle.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

void line_init(struct line *in, int fd)
{
	in->fd = fd;
	in->eof = false;
	in->ahead = true;
	in->skipping = false;
	in->limit = LINE_LIMIT;
	in->raw = 0;
	in->skipped = 0;
	in->start = in->end = 0;
	in->octets = 0;
}

void line_init_before_login(struct line *in, int fd, size_t limit)
{
	line_init(in, fd);
	in->ahead = false;
	in->limit = limit;
}

static char *line_feed(const struct line *in)
{
	return memchr(in->buf + in->start, '\n', in->end - in->start);
}

bool line_waiting(const struct line *in)
{
	return in->eof || line_feed(in) != NULL;
}

void line_wipe(struct line *in)
{
	explicit_bzero(in->buf, in->start);
	explicit_bzero(in->buf + in->end, sizeof in->buf - in->end);
}

/* Drops what is here of a line that is too long already. */
static void skip(struct line *in)
{
	in->skipping = true;
	in->skipped += in->end - in->start;
	in->start = in->end = 0;
}

/* Takes a line out of the buffer; false if none is whole.  Never reads. */
static bool take(struct line *in, char **text, size_t *len,
    enum line_result *result)
{
	char *lf = line_feed(in);
	size_t n;

	if (lf == NULL) {
		if (in->skipping || in->end - in->start >= in->limit)
			skip(in);
		return false;
	}
	*text = in->buf + in->start;
	n = (size_t)(lf - *text);
	in->raw = n + 1;
	in->start += n + 1;
	if (in->skipping || n + 1 > in->limit) {
		in->skipping = false;
		*result = LINE_TOO_LONG;
		return true;
	}
	if (n > 0 && (*text)[n - 1] == '\r')
		n--;
	(*text)[n] = '\0';
	*len = n;
	return true;
}

static void wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	poll(&p, 1, -1);
}

/* Holds the only read(2). */
static enum line_result fill(struct line *in)
{
	ssize_t n;

	if (in->eof)
		return LINE_EOF;
	memmove(in->buf, in->buf + in->start, in->end - in->start);
	in->end -= in->start;
	in->start = 0;
	switch (idle_ask()) {
	case IDLE_EXPIRED:
		return LINE_IDLE;
	case IDLE_SIGNAL:
		return LINE_SIGNAL;
	case IDLE_GO_ON:
		break;
	}
	if (!in->ahead && in->skipped > LINE_FLOOD_LIMIT)
		return LINE_FLOOD;
	n = read(in->fd, in->buf + in->end,
	    in->ahead ? sizeof in->buf - in->end : 1);
	if (n > 0) {
		in->end += (size_t)n;
		in->octets += (uint64_t)n;
	} else if (n == 0) {
		in->eof = true;
	} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
		wait_readable(in->fd);
	} else if (errno != EINTR) {
		return LINE_FAIL;
	}
	return LINE_OK;
}

enum line_result line_next(struct line *in, char **text, size_t *len)
{
	enum line_result r = LINE_OK;

	idle_restart();		/* once a command, not once a read */
	while (r == LINE_OK && !take(in, text, len, &r))
		r = fill(in);
	return r;
}
