/* plain.c - a message as the wire has it. */
#include "plain.h"

#include <stdlib.h>

static void put(struct plain *p, char c, bool counts)
{
	p->text[p->len++] = c;
	p->size += counts;
}

void plain_wire(const char *in, size_t len, struct plain *p)
{
	bool start = true;
	size_t i;

	p->text = malloc(2 * len + 3);
	p->len = p->size = 0;
	if (p->text == NULL)
		abort();
	for (i = 0; i < len; i++) {
		if (start && in[i] == '.')
			put(p, '.', false);
		if (in[i] == '\n' && (i == 0 || in[i - 1] != '\r'))
			put(p, '\r', true);
		put(p, in[i], true);
		start = in[i] == '\n';
	}
	if (len > 0 && in[len - 1] != '\n') {
		put(p, '\r', true);
		put(p, '\n', true);
	}
}

/* Octets of the line at in, its LF included. */
static size_t line_of(const char *in, size_t len)
{
	size_t n = 0;

	while (n < len && in[n] != '\n')
		n++;
	return n < len ? n + 1 : n;
}

size_t plain_top(const char *in, size_t len, uint64_t lines, bool *body)
{
	size_t at = 0;

	*body = false;
	while (at < len && !*body) {
		size_t n = line_of(in + at, len - at);

		*body = (n == 1 && in[at] == '\n') ||
		    (n == 2 && in[at] == '\r' && in[at + 1] == '\n');
		at += n;
	}
	for (; at < len && lines > 0; lines--)
		at += line_of(in + at, len - at);
	return at;
}
