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

size_t num_format(char *out, uint64_t value)
{
	char digits[NUM_DIGITS];
	size_t n = 0, i;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	for (i = 0; i < n; i++)
		out[i] = digits[n - 1 - i];
	return n;
}
