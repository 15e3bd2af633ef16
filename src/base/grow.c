/*
 * grow.c - room for one more: the one multiplication of sizes.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing; a product that does not fit is no memory.
 */
#include "base/grow.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#define LARGE (16 << 20)	/* octets */

int grow(void **block, size_t used, size_t wanted, size_t *room,
    size_t size)
{
	size_t more = *room < 64 ? 64 : *room;
	void *p;

	while (more < used + wanted) {
		if (more > SIZE_MAX / 2 / size) {
			errno = ENOMEM;
			return -1;
		}
		/* Address space is limited, and a large block costs it. */
		more += more * size < LARGE ? more : more / 2;
	}
	if (more == *room)
		return 0;
	p = realloc(*block, more * size);
	if (p == NULL)
		return -1;
	*block = p;
	*room = more;
	return 0;
}
