/*
 * texts.c - finds a text among many.
 *
 * Sorted by a digest of the text and, where two have the same, by the texts
 * themselves: a digest that somebody makes collide costs compares, no more.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in a text.
 */
#include "mail/texts.h"

#include "mail/order.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a */
static uint64_t digest(const char *text, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	return h;
}

static int compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int r = memcmp(a, b, a_len < b_len ? a_len : b_len);

	if (r == 0 && a_len != b_len)
		r = a_len < b_len ? -1 : 1;
	return r;
}

/* The sort is stable: equal texts stay in the order of their numbers. */
static int in_order(const void *arg, uint32_t a, uint32_t b)
{
	const struct texts *t = arg;
	size_t a_len, b_len;
	const char *x = t->get(t->arg, a, &a_len);
	const char *y = t->get(t->arg, b, &b_len);

	return compare(x, a_len, y, b_len);
}

int texts_index(struct texts *t, size_t count, texts_get *get,
    const void *arg)
{
	size_t i;

	t->count = count;
	t->get = get;
	t->arg = arg;
	t->order = order_new(count);
	if (t->order == NULL)
		return -1;
	for (i = 0; i < count; i++) {
		size_t len;
		const char *text = get(arg, (uint32_t)i, &len);

		t->order[i].key = digest(text, len);
	}
	order_sort(t->order, count, in_order, t);
	return 0;
}

void texts_free(struct texts *t)
{
	free(t->order);
	t->order = NULL;
	t->count = 0;
}

/* How the text at a place in the order stands to text. */
static int stands(const struct texts *t, size_t at, uint64_t key,
    const char *text, size_t len)
{
	size_t other_len;
	const char *other;

	if (t->order[at].key != key)
		return t->order[at].key < key ? -1 : 1;
	other = t->get(t->arg, t->order[at].index, &other_len);
	return compare(other, other_len, text, len);
}

/* The first place where that text or one above it is. */
static size_t place(const struct texts *t, uint64_t key, const char *text,
    size_t len)
{
	size_t from = 0, to = t->count;

	while (from < to) {
		size_t at = from + (to - from) / 2;

		if (stands(t, at, key, text, len) < 0)
			from = at + 1;
		else
			to = at;
	}
	return from;
}

uint32_t texts_find(const struct texts *t, const char *text, size_t len)
{
	uint64_t key = digest(text, len);
	size_t at = place(t, key, text, len);

	if (at == t->count || stands(t, at, key, text, len) != 0)
		return TEXTS_NONE;
	return t->order[at].index;
}

uint32_t texts_find_only(const struct texts *t, const char *text, size_t len)
{
	uint64_t key = digest(text, len);
	size_t at = place(t, key, text, len);

	if (at == t->count || stands(t, at, key, text, len) != 0)
		return TEXTS_NONE;
	if (at + 1 < t->count && stands(t, at + 1, key, text, len) == 0)
		return TEXTS_NONE;
	return t->order[at].index;
}
