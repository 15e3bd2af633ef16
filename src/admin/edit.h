/*
 * edit.h - a short text and what can be made of it: for UIDL formats.
 *
 * A function that says false found no room and left the text as it pleased.
 */
#ifndef ADMIN_EDIT_H
#define ADMIN_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EDIT_MAX ((size_t)1024)	/* octets */

struct edit {
	char octets[EDIT_MAX];	/* without a NUL */
	size_t len;
	bool binary;		/* the caller's: it is no text now */
};

bool edit_set(struct edit *t, const char *octets, size_t len);
bool edit_append(struct edit *t, const char *octets, size_t len);

/* Zeros before it, until it has width octets. */
bool edit_fill(struct edit *t, size_t width);

/* len octets from there on, or as many as there are. */
void edit_cut(struct edit *t, size_t from, size_t len);

void edit_upper(struct edit *t);	/* ASCII */
void edit_lower(struct edit *t);
void edit_reverse(struct edit *t);

void edit_set_hex(struct edit *t, uint64_t number);

/* A decimal number in hex; -1: it is none, and left as it was. */
int edit_to_hex(struct edit *t);

/* Its MD5, 16 octets; each octet as two digits of hex. */
void edit_to_md5(struct edit *t);
bool edit_hexlify(struct edit *t);

/* Hashes that Dovecot's formats know: of ELF, and the head of the MD5. */
uint64_t edit_elf_hash(const struct edit *t);
uint64_t edit_md5_hash(const struct edit *t);

#endif
