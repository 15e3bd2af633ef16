/*
 * edit.c - a short text and what can be made of it.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing: what does not fit is said, not cut.
 */
#include "admin/edit.h"

#include "admin/md5.h"
#include "base/num.h"

#include <stdio.h>
#include <string.h>

bool edit_set(struct edit *t, const char *octets, size_t len)
{
	if (len > sizeof t->octets)
		return false;
	memmove(t->octets, octets, len);
	t->len = len;
	return true;
}

bool edit_append(struct edit *t, const char *octets, size_t len)
{
	if (len > sizeof t->octets - t->len)
		return false;
	memcpy(t->octets + t->len, octets, len);
	t->len += len;
	return true;
}

/* With zeros before it, width octets at least. */
bool edit_fill(struct edit *t, size_t width)
{
	size_t more = t->len < width ? width - t->len : 0;

	if (t->len + more > sizeof t->octets)
		return false;
	memmove(t->octets + more, t->octets, t->len);
	memset(t->octets, '0', more);
	t->len += more;
	return true;
}

void edit_cut(struct edit *t, size_t from, size_t len)
{
	if (from > t->len)
		from = t->len;
	if (len > t->len - from)
		len = t->len - from;
	memmove(t->octets, t->octets + from, len);
	t->len = len;
}

static void to_case(struct edit *t, char first, char last)
{
	size_t i;

	for (i = 0; i < t->len; i++)
		if (t->octets[i] >= first && t->octets[i] <= last)
			t->octets[i] ^= 'a' ^ 'A';
}

void edit_upper(struct edit *t)
{
	to_case(t, 'a', 'z');
}

void edit_lower(struct edit *t)
{
	to_case(t, 'A', 'Z');
}

void edit_reverse(struct edit *t)
{
	size_t i;

	for (i = 0; i < t->len / 2; i++) {
		char c = t->octets[i];

		t->octets[i] = t->octets[t->len - 1 - i];
		t->octets[t->len - 1 - i] = c;
	}
}

void edit_set_hex(struct edit *t, uint64_t number)
{
	t->len = (size_t)snprintf(t->octets, sizeof t->octets, "%jx",
	    (uintmax_t)number);
}

/* Of decimal digits; -1: there are others. */
int edit_to_hex(struct edit *t)
{
	uint64_t number;

	if (num_parse(t->octets, t->len, &number) == -1)
		return -1;
	edit_set_hex(t, number);
	return 0;
}

void edit_to_md5(struct edit *t)
{
	unsigned char digest[MD5_LEN];

	md5(t->octets, t->len, digest);
	memcpy(t->octets, digest, sizeof digest);
	t->len = sizeof digest;
}

bool edit_hexlify(struct edit *t)
{
	static const char hex[] = "0123456789abcdef";
	size_t i;

	if (2 * t->len > sizeof t->octets)
		return false;
	for (i = t->len; i-- > 0; ) {
		unsigned char c = (unsigned char)t->octets[i];

		t->octets[2 * i] = hex[c >> 4];
		t->octets[2 * i + 1] = hex[c & 15];
	}
	t->len *= 2;
	return true;
}

/* The hash of compilers' symbol tables (ELF, P. J. Weinberger). */
uint64_t edit_elf_hash(const struct edit *t)
{
	uint32_t h = 0, top;
	size_t i;

	for (i = 0; i < t->len; i++) {
		h = (h << 4) + (unsigned char)t->octets[i];
		top = h & 0xf0000000;
		h ^= top >> 24;
		h ^= top;
	}
	return h;
}

uint64_t edit_md5_hash(const struct edit *t)
{
	unsigned char digest[MD5_LEN];
	uint64_t h = 0;
	size_t i;

	md5(t->octets, t->len, digest);
	for (i = 0; i < 8; i++)
		h = h << 8 | digest[i];
	return h;
}
