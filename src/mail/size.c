/*
 * size.c - the size of a message on the wire.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in a name or a message.
 */
#include "mail/size.h"

#include "base/crlf.h"

#include <errno.h>
#include <unistd.h>

#define PIECE 65536	/* octets a read: a small message is one */

bool size_plausible(uint64_t wire, uint64_t stored)
{
	return wire <= SIZE_MAX_NAMED && wire >= stored &&
	    wire - stored <= stored + 2;
}

int size_read(int fd, uint64_t stored, uint64_t *octets)
{
	static char piece[PIECE];
	struct crlf c;
	uint64_t got = 0;
	ssize_t n;

	crlf_start(&c);
	do {
		n = read(fd, piece, sizeof piece);
		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0) {
			crlf_count(&c, piece, (size_t)n);
			got += (uint64_t)n;
		}
		/* A short read at the known end needs no other to say 0. */
	} while (n != 0 && !(got >= stored && n < PIECE));
	crlf_count_end(&c);
	*octets = c.octets;
	return 0;
}
