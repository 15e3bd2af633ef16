/*
 * sasl.c - decoders for AUTH: base64 and the message of PLAIN.
 *
 * Runs as: the front, before login.
 * Trusts:  nothing; the octets come from strangers.
 */
#include "login/sasl.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* What a character stands for, 0..63; -1 for all that are not base64. */
static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Three octets of four characters, or -1.  The last pad of them are "=". */
static int32_t quantum(const char *in, size_t pad)
{
	int32_t bits = 0;
	size_t i;

	for (i = 0; i < 4 - pad; i++) {
		int s = sextet(in[i]);

		if (s == -1)
			return -1;
		bits = bits * 64 + s;
	}
	for (; i < 4; i++)
		bits *= 64;
	return bits;
}

/* How many "=" end the text; a third is a character like any other. */
static size_t padding(const char *in, size_t len)
{
	if (len == 0 || in[len - 1] != '=')
		return 0;
	return in[len - 2] == '=' ? 2 : 1;
}

static bool decode(const char *in, size_t len, unsigned char *out)
{
	size_t pad = padding(in, len), i;

	for (i = 0; i < len; i += 4) {
		size_t dropped = i + 4 == len ? pad : 0;
		int32_t bits = quantum(in + i, dropped);

		if (bits == -1 || (bits & ((1 << 8 * dropped) - 1)) != 0)
			return false;	/* the bits of the pad, too: P-90 */
		*out++ = (unsigned char)(bits >> 16);
		if (dropped < 2)
			*out++ = (unsigned char)(bits >> 8);
		if (dropped < 1)
			*out++ = (unsigned char)bits;
	}
	return true;
}

int sasl_base64(const char *in, size_t len, unsigned char *out, size_t room,
    size_t *out_len)
{
	*out_len = 0;
	if (len % 4 == 0 && len / 4 * 3 - padding(in, len) <= room &&
	    decode(in, len, out)) {
		*out_len = len / 4 * 3 - padding(in, len);
		return 0;
	}
	explicit_bzero(out, room);
	return -1;
}

/* RFC 3629 section 4, row by row: what the second octet may be decides. */
static const struct {
	unsigned char first, last;	/* of the first octet */
	unsigned char low, high;	/* of the second */
	unsigned char more;		/* octets after the first */
} utf8[] = {
	{ 0x01, 0x7f, 0x00, 0x00, 0 },	/* NUL divides, and is in no part */
	{ 0xc2, 0xdf, 0x80, 0xbf, 1 },
	{ 0xe0, 0xe0, 0xa0, 0xbf, 2 },	/* below: overlong */
	{ 0xe1, 0xec, 0x80, 0xbf, 2 },
	{ 0xed, 0xed, 0x80, 0x9f, 2 },	/* above: surrogates */
	{ 0xee, 0xef, 0x80, 0xbf, 2 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 3 },	/* below: overlong */
	{ 0xf1, 0xf3, 0x80, 0xbf, 3 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 3 },	/* above: over 10FFFF */
};

/* The octets of the character at s, of which there are left; 0 if none. */
static size_t character(const unsigned char *s, size_t left)
{
	size_t row = 0, i;

	while (row < sizeof utf8 / sizeof utf8[0] && s[0] > utf8[row].last)
		row++;
	if (row == sizeof utf8 / sizeof utf8[0] || s[0] < utf8[row].first ||
	    left <= utf8[row].more)
		return 0;
	for (i = 1; i <= utf8[row].more; i++) {
		unsigned char low = i == 1 ? utf8[row].low : 0x80;
		unsigned char high = i == 1 ? utf8[row].high : 0xbf;

		if (s[i] < low || s[i] > high)
			return 0;
	}
	return i;
}

static bool is_utf8(const unsigned char *s, size_t len)
{
	while (len > 0) {
		size_t n = character(s, len);

		if (n == 0)
			return false;
		s += n;
		len -= n;
	}
	return true;
}

/* SASLprep without its tables: what it changes is refused (P-93). */
static bool is_name(const unsigned char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (s[i] < 0x21 || s[i] > 0x7e)
			return false;
	return true;
}

/* The part at *at, up to a NUL or to end; *at moves past it and the NUL. */
static size_t take(const unsigned char **at, const unsigned char *end,
    const unsigned char **part)
{
	const unsigned char *nul = memchr(*at, '\0', (size_t)(end - *at));

	*part = *at;
	*at = nul == NULL ? end : nul + 1;
	return (size_t)((nul == NULL ? end : nul) - *part);
}

static bool has_form(const unsigned char *msg, size_t len)
{
	size_t nuls = 0, i;

	for (i = 0; i < len; i++)
		nuls += msg[i] == '\0';
	return nuls == 2;
}

enum sasl_result sasl_plain(const unsigned char *msg, size_t len,
    struct sasl_plain *p)
{
	const unsigned char *at = msg, *end, *as, *name, *secret;
	size_t as_len, name_len, secret_len;

	memset(p, 0, sizeof *p);
	if (!has_form(msg, len))
		return SASL_BAD;
	end = msg + len;
	as_len = take(&at, end, &as);
	name_len = take(&at, end, &name);
	secret_len = take(&at, end, &secret);
	if (name_len == 0 || secret_len == 0)
		return SASL_BAD;
	if (name_len > SASL_PART_MAX || secret_len > SASL_PART_MAX ||
	    !is_name(name, name_len) || !is_utf8(secret, secret_len))
		return SASL_REFUSED;
	if (as_len != 0 &&
	    (as_len != name_len || memcmp(as, name, name_len) != 0))
		return SASL_REFUSED;	/* no authorisation by proxy: P-96 */
	p->name = (const char *)name;
	p->name_len = name_len;
	p->secret = (const char *)secret;
	p->secret_len = secret_len;
	return SASL_OK;
}
