/*
 * grow.h - room for one more.
 */
#ifndef BASE_GROW_H
#define BASE_GROW_H

#include <stddef.h>

/*
 * Makes room for wanted elements of size octets behind the used ones in a
 * block from malloc(3), which may be NULL and moves; *room counts elements and
 * grows by a half at least, so that a list of n costs some n copies.  0; -1:
 * errno, and the block is as it was.
 */
int grow(void **block, size_t used, size_t wanted, size_t *room, size_t size);

#endif
