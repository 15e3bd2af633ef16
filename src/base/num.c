/*
 * num.c - decimal numbers, strictly (P-15).
 *
 * Runs as: everybody, before and after login.
 * Trusts:  nothing; the digits come from strangers.
 */
#include "base/num.h"

#include <string.h>

int num_parse(const char *text, size_t len, uint64_t *value)
{
	uint64_t v = 0;
	size_t i;

	if (len == 0)
		return -1;
	for (i = 0; i < len; i++) {
		unsigned digit = (unsigned)(unsigned char)text[i] - '0';

		if (digit > 9)
			return -1;
		if (v > (UINT64_MAX - digit) / 10)
			v = UINT64_MAX;	/* stays: every further digit is over */
		else
			v = v * 10 + digit;
	}
	*value = v;
	return 0;
}

int num_parse_range(const char *text, uint64_t min, uint64_t max,
    uint64_t *value)
{
	uint64_t v;

	if (num_parse(text, strlen(text), &v) == -1 || v < min || v > max)
		return -1;
	*value = v;
	return 0;
}

/* Two digits at a time: a long list is mostly numbers. */
static const char pairs[] =
    "00010203040506070809101112131415161718192021222324"
    "25262728293031323334353637383940414243444546474849"
    "50515253545556575859606162636465666768697071727374"
    "75767778798081828384858687888990919293949596979899";

size_t num_format(char *out, uint64_t value)
{
	char digits[NUM_DIGITS];
	size_t at = NUM_DIGITS;

	for (; value >= 100; value /= 100) {
		at -= 2;
		memcpy(digits + at, pairs + 2 * (value % 100), 2);
	}
	if (value >= 10) {
		at -= 2;
		memcpy(digits + at, pairs + 2 * value, 2);
	} else {
		digits[--at] = (char)('0' + value);
	}
	memcpy(out, digits + at, NUM_DIGITS - at);
	return NUM_DIGITS - at;
}
