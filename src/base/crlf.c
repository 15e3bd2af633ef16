/*
 * crlf.c - stored octets to wire octets (P-30, P-32, P-33, P-38...P-40).
 *
 * Lines are found by memchr() and moved by memcpy(), which the C library does
 * at the speed of memory; the state is one octet, so that a line start is
 * known whatever the pieces are.  (qpopper kept lines in a buffer and lost
 * the line starts of lines that did not fit.)
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in the message.
 */
#include "base/crlf.h"

#include <string.h>

void crlf_start(struct crlf *c)
{
	c->octets = 0;
	c->last = '\n';
}

/*
 * How many of COUNTED octets at p are an LF that becomes CRLF.  So many, and
 * counted in one octet, that the compiler takes sixteen at a time.
 */
#define COUNTED 128
static size_t count_block(const char *p)
{
	unsigned char n = 0;
	unsigned i;

	for (i = 0; i < COUNTED; i++)
		n = (unsigned char)(n + (unsigned char)((p[i] == '\n') &
		    (p[(int)i - 1] != '\r')));
	return n;
}

void crlf_count(struct crlf *c, const char *in, size_t len)
{
	size_t added, i;

	if (len == 0)
		return;
	added = in[0] == '\n' && c->last != '\r';
	for (i = 1; len - i >= COUNTED; i += COUNTED)
		added += count_block(in + i);
	for (; i < len; i++)
		added += (size_t)((in[i] == '\n') & (in[i - 1] != '\r'));
	c->octets += len + added;
	c->last = in[len - 1];
}

static size_t missing(const struct crlf *c)
{
	return c->last == '\n' ? 0 : 2;
}

void crlf_count_end(struct crlf *c)
{
	c->octets += missing(c);
}

size_t crlf_send(struct crlf *c, const char *in, size_t *len, char *out,
    size_t room)
{
	const char *p = in, *const end = in + *len, *lf;
	char *o = out, *const stop = out + room, last = c->last;

	while (p < end && stop - o >= CRLF_ROOM) {
		size_t n;

		if (last == '\n' && *p == '.') {
			*o++ = '.';
			c->octets--;	/* stuffed: on the wire, not in the size */
		}
		/* A line, or the piece of it that is here and fits. */
		n = (size_t)(end - p < stop - o - 2 ? end - p : stop - o - 2);
		lf = memchr(p, '\n', n);
		if (lf != NULL)
			n = (size_t)(lf - p);
		memcpy(o, p, n);
		o += n;
		p += n;
		if (n > 0)
			last = p[-1];
		if (lf == NULL)
			continue;
		if (last != '\r')
			*o++ = '\r';
		*o++ = last = *p++;
	}
	c->last = last;
	c->octets += (uint64_t)(o - out);
	*len = (size_t)(p - in);
	return (size_t)(o - out);
}

size_t crlf_send_end(struct crlf *c, char *out)
{
	size_t n = missing(c);

	memcpy(out, "\r\n", n);
	c->octets += n;
	c->last = '\n';
	return n;
}

void top_start(struct top *t, uint64_t lines)
{
	t->lines = lines;
	t->at = TOP_START;
	t->body = false;
}

/* Octets up to and with the separator line, or len if it is not in them. */
static size_t cut_header(struct top *t, const char *in, size_t len)
{
	size_t i;

	for (i = 0; i < len && !t->body; i++) {
		if (in[i] == '\n') {
			t->body = t->at != TOP_TEXT;
			t->at = TOP_START;
		} else if (in[i] == '\r' && t->at == TOP_START) {
			t->at = TOP_CR;
		} else {
			const char *lf = memchr(in + i, '\n', len - i);

			t->at = TOP_TEXT;
			i = (lf == NULL ? len : (size_t)(lf - in)) - 1;
		}
	}
	return i;
}

size_t top_cut(struct top *t, const char *in, size_t len)
{
	size_t n = cut_header(t, in, len);

	while (n < len && t->lines > 0) {
		const char *lf = memchr(in + n, '\n', len - n);

		if (lf == NULL)
			return len;
		n = (size_t)(lf - in) + 1;
		t->lines--;
	}
	return n;
}

bool top_done(const struct top *t)
{
	return t->body && t->lines == 0;
}
