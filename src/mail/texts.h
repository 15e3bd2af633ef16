/*
 * texts.h - finds a text among many: names, UIDLs (P-47, P-49).
 *
 * The texts stay where they are, the caller's; the index keeps numbers, 24
 * octets a text.  Finding one costs the logarithm of their count, whoever
 * chose the texts: no table that somebody could fill unevenly.
 */
#ifndef MAIL_TEXTS_H
#define MAIL_TEXTS_H

#include <stddef.h>
#include <stdint.h>

/* Text number i, 0..count-1, and its length in octets. */
typedef const char *texts_get(const void *arg, uint32_t i, size_t *len);

struct texts {
	struct order *order;
	size_t count;
	texts_get *get;
	const void *arg;
};

#define TEXTS_NONE UINT32_MAX

/* 0; -1: no memory, in errno.  To be freed by texts_free(). */
int texts_index(struct texts *t, size_t count, texts_get *get,
    const void *arg);
void texts_free(struct texts *t);

/* The lowest number of that text, or TEXTS_NONE. */
uint32_t texts_find(const struct texts *t, const char *text, size_t len);

/* The same where no other number has it, else TEXTS_NONE. */
uint32_t texts_find_only(const struct texts *t, const char *text,
    size_t len);

#endif
