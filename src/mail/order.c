/*
 * order.c - sorts indexes by a number and, where it is equal, by a function.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing.
 */
#include "mail/order.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT (SIZE_MAX / 2 / sizeof(struct order))

struct order *order_new(size_t count)
{
	struct order *o;
	size_t i;

	if (count >= LIMIT) {
		errno = ENOMEM;
		return NULL;
	}
	/* Behind them is where order_sort() puts a half to merge. */
	o = malloc((count + count / 2 + 1) * sizeof *o);
	if (o == NULL)
		return NULL;
	for (i = 0; i < count; i++)
		o[i].index = (uint32_t)i;
	return o;
}

struct by {
	order_compare *compare;
	const void *arg;
};

static bool above(const struct order *a, const struct order *b,
    const struct by *by)
{
	if (a->key != b->key)
		return a->key > b->key;
	return by->compare != NULL &&
	    by->compare(by->arg, a->index, b->index) > 0;
}

/* Halves first, then both into one; depth is the logarithm of count.
 * NOLINTNEXTLINE(misc-no-recursion) */
static void sort(struct order *o, size_t count, struct order *spare,
    const struct by *by)
{
	size_t half = count / 2, a = 0, b = half, n = 0;

	if (count < 2)
		return;
	sort(o, half, spare, by);
	sort(o + half, count - half, spare, by);
	if (!above(&o[half - 1], &o[half], by))
		return;		/* in order already */
	memcpy(spare, o, half * sizeof *o);
	while (a < half && b < count)
		o[n++] = above(&spare[a], &o[b], by) ? o[b++] : spare[a++];
	memcpy(o + n, spare + a, (half - a) * sizeof *o);
}

void order_sort(struct order *o, size_t count, order_compare *compare,
    const void *arg)
{
	struct by by = { compare, arg };

	sort(o, count, o + count, &by);
}

size_t order_find(const struct order *o, size_t count, uint64_t key)
{
	size_t from = 0, to = count;

	while (from < to) {
		size_t at = from + (to - from) / 2;

		if (o[at].key < key)
			from = at + 1;
		else
			to = at;
	}
	return from;
}
