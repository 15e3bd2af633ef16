/*
 * fuzz_sasl.c - base64 and the message of PLAIN: login/sasl.c (P-90...P-97).
 *
 * The octets are taken as base64, as a message of PLAIN, and, encoded by us,
 * as base64 again.
 */
#include "fuzz.h"

#include "login/sasl.h"

#include <stdlib.h>
#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t encode(const unsigned char *in, size_t len, char *out)
{
	size_t i, n = 0;

	for (i = 0; i < len; i += 3) {
		unsigned b = (unsigned)in[i] << 16;

		b |= i + 1 < len ? (unsigned)in[i + 1] << 8 : 0;
		b |= i + 2 < len ? in[i + 2] : 0;
		out[n++] = alphabet[b >> 18];
		out[n++] = alphabet[b >> 12 & 63];
		out[n++] = i + 1 < len ? alphabet[b >> 6 & 63] : '=';
		out[n++] = i + 2 < len ? alphabet[b & 63] : '=';
	}
	return n;
}

/* What is taken is what encoding the result would give, octet by octet. */
static void try_decode(const uint8_t *data, size_t len)
{
	size_t room = len / 4 * 3, n, back;
	unsigned char *out = malloc(room + 1);
	char *text = malloc(len + 8);

	must(out != NULL && text != NULL, "memory");
	if (sasl_base64((const char *)data, len, out, room, &n) == 0) {
		must(n <= room, "no more than there is room for");
		back = encode(out, n, text);
		must(back == len && memcmp(text, data, len) == 0,
		    "only the one way to write it is taken");
		if (n > 0)
			must(sasl_base64((const char *)data, len, out, n - 1,
			    &back) == -1 && back == 0, "too little room");
	} else {
		must(n == 0, "nothing of what is no base64");
	}
	free(text);
	free(out);
}

static void try_encoded(const uint8_t *data, size_t len)
{
	char *text = malloc(len / 3 * 4 + 8);
	unsigned char *out = malloc(len + 1);
	size_t n = encode(data, len, text), back;

	must(sasl_base64(text, n, out, len, &back) == 0 && back == len &&
	    memcmp(out, data, len) == 0, "base64 of anything is taken");
	free(out);
	free(text);
}

/* RFC 3629, by decoding each character. */
static bool plain_utf8(const unsigned char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		unsigned more = s[i] < 0x80 ? 0 : s[i] >= 0xf0 ? 3 :
		    s[i] >= 0xe0 ? 2 : 1, k;
		uint32_t c = more == 0 ? s[i] : s[i] & (0x3fu >> more);
		static const uint32_t least[] = { 1, 0x80, 0x800, 0x10000 };

		if ((s[i] >= 0x80 && s[i] < 0xc0) || s[i] >= 0xf8 ||
		    i + more >= len)
			return false;
		for (k = 1; k <= more; k++) {
			if ((s[i + k] & 0xc0) != 0x80)
				return false;
			c = c << 6 | (s[i + k] & 0x3f);
		}
		if (c < least[more] || c > 0x10ffff ||
		    (c >= 0xd800 && c <= 0xdfff))
			return false;
		i += more + 1;
	}
	return true;
}

static bool is_name(const unsigned char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return len >= 1 && len <= 255;
}

static enum sasl_result expected(const uint8_t *data, size_t len)
{
	const uint8_t *a = len == 0 ? NULL : memchr(data, 0, len), *b;
	size_t left, name, secret, as;

	if (a == NULL)
		return SASL_BAD;
	left = len - (size_t)(a + 1 - data);
	b = memchr(a + 1, 0, left);
	if (b == NULL || memchr(b + 1, 0, len - (size_t)(b + 1 - data)) != NULL)
		return SASL_BAD;
	as = (size_t)(a - data);
	name = (size_t)(b - a) - 1;
	secret = len - (size_t)(b + 1 - data);
	if (name == 0 || secret == 0)
		return SASL_BAD;
	if (!is_name(a + 1, name) || secret > 255 ||
	    !plain_utf8(b + 1, secret) ||
	    (as != 0 && (as != name || memcmp(data, a + 1, as) != 0)))
		return SASL_REFUSED;
	return SASL_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sasl_plain p;
	enum sasl_result r;

	fuzz_count(len);
	try_decode(data, len);
	try_encoded(data, len);
	r = sasl_plain(data, len, &p);
	must(r == expected(data, len), "PLAIN is what RFC 4616 says");
	if (r == SASL_OK)
		must(p.name[p.name_len] == '\0' && p.secret ==
		    p.name + p.name_len + 1 && p.secret + p.secret_len ==
		    (const char *)data + len, "the parts are the message's");
	else
		must(p.name == NULL && p.secret == NULL && p.secret_len == 0,
		    "nothing is handed over");
	return 0;
}
