/*
 * fuzz_body.c - a message on its way to the wire: base/crlf.c and mail/size.c
 * (P-30, P-32, P-33, P-38...P-40).
 *
 * The first two octets choose pieces and lines, the rest is the message.  It
 * is cut at any places, and must come out as the plain converter says.
 */
#include "fuzz.h"
#include "plain.h"

#include "base/crlf.h"
#include "mail/size.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned state;

static size_t up_to(size_t most)
{
	state = state * 1103515245 + 12345;
	return most == 0 ? 0 : 1 + (state >> 16) % most;
}

static void try_count(const char *in, size_t len, size_t size)
{
	struct crlf c;
	size_t at = 0, n;

	crlf_start(&c);
	for (; at < len; at += n) {
		n = up_to(len - at);
		crlf_count(&c, in + at, n);
	}
	crlf_count_end(&c);
	must(c.octets == size, "what is counted is what is sent");
}

/* In pieces, into rooms that are hardly large enough. */
static size_t send_some(struct crlf *c, const char *in, size_t len, char *out)
{
	size_t at = 0, used = 0;

	while (at < len) {
		size_t piece = up_to(len - at);

		while (piece > 0) {
			size_t n = piece, room = CRLF_ROOM + up_to(9);

			used += crlf_send(c, in + at, &n, out + used, room);
			must(n > 0 && n <= piece, "some is taken");
			at += n;
			piece -= n;
		}
	}
	return used;
}

static void try_send(const char *in, size_t len, const struct plain *ref,
    char *out)
{
	struct crlf c;
	size_t used;

	crlf_start(&c);
	used = send_some(&c, in, len, out);
	used += crlf_send_end(&c, out + used);
	must(used == ref->len && memcmp(out, ref->text, used) == 0,
	    "what is sent is what the plain converter makes");
	must(c.octets == ref->size, "its size leaves stuffed dots out");
}

static void try_top(const char *in, size_t len, uint64_t lines)
{
	struct top t;
	size_t at = 0, taken = 0, n;
	bool body;

	top_start(&t, lines);
	while (at < len && !top_done(&t)) {
		n = up_to(len - at);
		taken += top_cut(&t, in + at, n);
		at += n;
		if (taken < at)
			break;
	}
	must(taken == plain_top(in, len, lines, &body), "TOP ends where lines do");
	must(t.body == body, "the separator line is seen");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *in = (const char *)data + 2;
	struct plain ref;
	uint64_t octets;
	char *out;
	int fd;

	fuzz_count(len);
	if (len < 2)
		return 0;
	len -= 2;
	state = data[0] * 7919u + 1;
	plain_wire(in, len, &ref);
	out = malloc(2 * len + 64);
	must(out != NULL, "memory");
	try_count(in, len, ref.size);
	try_send(in, len, &ref, out);
	try_top(in, len, data[1] % 16);
	fd = fuzz_file(in, len);
	fuzz_short(state);
	must(size_read(fd, len, &octets) == 0 && octets == ref.size,
	    "the size of the file is that of its octets");
	fuzz_short(0);
	close(fd);
	free(out);
	free(ref.text);
	return 0;
}
