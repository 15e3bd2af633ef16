/*
 * uidl.c - where a UIDL comes from.
 *
 * The name up to the colon survives the move from new/ to cur/ and every
 * change of flags, and it is qmail's rule, so that who moves in from qmail
 * keeps every UIDL.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in a name: no octet reaches the client unchecked (S-9).
 */
#include "mail/uidl.h"

#include "base/sha256.h"

#include <stdint.h>
#include <string.h>

#define HASHED_LEN 44	/* "=" and 32 octets in base64url */

static const char base64url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Eight octets at a time: UIDL asks this of each octet of every name. */
static bool all_in_range(const char *text, size_t len)
{
	const uint64_t ones = UINT64_MAX / 255, high = ones << 7;
	uint64_t word;

	for (; len >= sizeof word; text += sizeof word, len -= sizeof word) {
		memcpy(&word, text, sizeof word);
		/* The high bit: 21 or above, below 7F, no octet of 8 bits. */
		if ((((word | high) - 0x21 * ones) & ~(word + ones) & ~word &
		    high) != high)
			return false;
	}
	for (; len > 0; text++, len--)
		if (*text < 0x21 || *text > 0x7e)
			return false;
	return true;
}

static bool is_uidl(const char *text, size_t len, size_t most)
{
	return len >= 1 && len <= most && all_in_range(text, len);
}

bool uidl_known_ok(const char *text, size_t len)
{
	return is_uidl(text, len, UIDL_KNOWN_LIMIT);
}

static bool looks_hashed(const char *text, size_t len)
{
	size_t i;

	if (len != HASHED_LEN || text[0] != '=')
		return false;
	for (i = 1; i < len; i++)
		if (strchr(base64url, text[i]) == NULL)
			return false;
	return true;
}

size_t uidl_hash(const char *octets, size_t len, char out[UIDL_LIMIT])
{
	struct sha256 s;
	unsigned char digest[SHA256_LEN + 1];	/* a multiple of 3 */
	size_t i, n = 0;

	sha256_start(&s);
	sha256_add(&s, octets, len);
	sha256_end(&s, digest);
	digest[SHA256_LEN] = 0;
	out[n++] = '=';
	for (i = 0; i < sizeof digest; i += 3) {
		unsigned bits = (unsigned)digest[i] << 16 |
		    (unsigned)digest[i + 1] << 8 | digest[i + 2];

		out[n++] = base64url[bits >> 18];
		out[n++] = base64url[bits >> 12 & 63];
		out[n++] = base64url[bits >> 6 & 63];
		out[n++] = base64url[bits & 63];
	}
	return n - 1;	/* the last one would be padding */
}

size_t uidl_make(const char *unique, size_t len, char out[UIDL_LIMIT])
{
	if (!is_uidl(unique, len, UIDL_LIMIT) || looks_hashed(unique, len))
		return uidl_hash(unique, len, out);
	memcpy(out, unique, len);
	return len;
}
