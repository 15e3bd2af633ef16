/*
 * num.h - decimal numbers, strictly (P-15).
 *
 * No sign, no blanks, no locale, no overflow: what strtoul() forgives is an
 * attack or a mistake on the wire.
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stddef.h>
#include <stdint.h>

#define NUM_DIGITS 20	/* octets of the largest uint64_t, without a NUL */

/*
 * Reads all len octets of text as 1*DIGIT; leading zeros are allowed.
 * 0: *value is set; a number beyond UINT64_MAX is UINT64_MAX, never wrapped.
 * -1: empty, or an octet that is no digit.  *value is untouched.
 */
int num_parse(const char *text, size_t len, uint64_t *value);

/*
 * As num_parse(), and the value must be min..max; -1 also where it is not.
 * For options and stored fields, which are NUL-terminated.
 */
int num_parse_range(const char *text, uint64_t min, uint64_t max,
    uint64_t *value);

/*
 * Writes value in decimal, no leading zeros, no NUL, to out, which has room
 * for NUM_DIGITS octets.  Returns the number of octets written, 1..NUM_DIGITS.
 */
size_t num_format(char *out, uint64_t value);

#endif
