/* test_num.c - decimal numbers, strictly. */
#include "unit.h"

#include "base/num.h"

#include <string.h>

static int parse(const char *text, uint64_t *value)
{
	return num_parse(text, strlen(text), value);
}

START_TEST(digits_are_read_as_they_stand)
{
	uint64_t v = 7;

	ck_assert_int_eq(parse("0", &v), 0);
	ck_assert_uint_eq(v, 0);
	ck_assert_int_eq(parse("1234567890", &v), 0);
	ck_assert_uint_eq(v, 1234567890);
	ck_assert_int_eq(num_parse("42x", 2, &v), 0);
	ck_assert_uint_eq(v, 42);
}
END_TEST

START_TEST(leading_zeros_do_not_matter)
{
	uint64_t v = 0;

	ck_assert_int_eq(parse("007", &v), 0);
	ck_assert_uint_eq(v, 7);
	ck_assert_int_eq(parse("00000000000000000000000000000000001", &v), 0);
	ck_assert_uint_eq(v, 1);
}
END_TEST

static const char *const no_number[] = { "", "+1", "-1", " 1", "1 ", "1.0",
	"0x10", "1e3", "a", "1a", "/", ":", "\xb1", "1\t", "--1", "'1'" };

START_TEST(anything_but_digits_is_refused_and_changes_nothing)
{
	uint64_t v = 77;

	ck_assert_int_eq(parse(no_number[_i], &v), -1);
	ck_assert_uint_eq(v, 77);
}
END_TEST

START_TEST(a_nul_is_no_digit)
{
	uint64_t v = 77;

	ck_assert_int_eq(num_parse("1\0002", 3, &v), -1);
	ck_assert_uint_eq(v, 77);
}
END_TEST

static const struct {
	const char *text;
	uint64_t value;
} large[] = {
	{ "4294967295", UINT32_MAX },
	{ "4294967296", UINT64_C(4294967296) },
	{ "9223372036854775808", UINT64_C(9223372036854775808) },
	{ "18446744073709551609", UINT64_MAX - 6 },
	{ "18446744073709551614", UINT64_MAX - 1 },
	{ "18446744073709551615", UINT64_MAX },
	{ "18446744073709551616", UINT64_MAX },		/* would wrap to 0 */
	{ "18446744073709551617", UINT64_MAX },		/* to 1 */
	{ "18446744073709551620", UINT64_MAX },
	{ "184467440737095516170", UINT64_MAX },
	{ "99999999999999999999999999999999", UINT64_MAX },
	{ "340282366920938463463374607431768211457", UINT64_MAX }, /* 2^128+1 */
};

START_TEST(a_number_beyond_64_bits_is_the_largest_and_never_wraps)
{
	uint64_t v = 77;

	ck_assert_int_eq(parse(large[_i].text, &v), 0);
	ck_assert_uint_eq(v, large[_i].value);
}
END_TEST

START_TEST(a_range_holds_both_its_ends_and_no_more)
{
	uint64_t v = 77;

	ck_assert_int_eq(num_parse_range("599", 600, 86400, &v), -1);
	ck_assert_int_eq(num_parse_range("86401", 600, 86400, &v), -1);
	ck_assert_int_eq(num_parse_range("18446744073709552216", 600, 86400,
	    &v), -1);
	ck_assert_int_eq(num_parse_range("", 0, 1, &v), -1);
	ck_assert_int_eq(num_parse_range("+600", 600, 86400, &v), -1);
	ck_assert_uint_eq(v, 77);
	ck_assert_int_eq(num_parse_range("600", 600, 86400, &v), 0);
	ck_assert_uint_eq(v, 600);
	ck_assert_int_eq(num_parse_range("86400", 600, 86400, &v), 0);
	ck_assert_uint_eq(v, 86400);
}
END_TEST

static const struct {
	uint64_t value;
	const char *text;
} printed[] = {
	{ 0, "0" }, { 9, "9" }, { 10, "10" }, { 100, "100" },
	{ 4294967296, "4294967296" },
	{ UINT64_MAX, "18446744073709551615" },
};

START_TEST(a_number_is_printed_without_leading_zeros_or_a_nul)
{
	char out[NUM_DIGITS + 1];
	size_t n;

	memset(out, '#', sizeof out);
	n = num_format(out, printed[_i].value);
	ck_assert_uint_eq(n, strlen(printed[_i].text));
	ck_assert_mem_eq(out, printed[_i].text, n);
	ck_assert_int_eq(out[n], '#');
}
END_TEST

START_TEST(what_is_printed_is_read_back)
{
	uint32_t seed = 20240101, i;
	char out[NUM_DIGITS];

	for (i = 0; i < 2000; i++) {
		uint64_t v = ((uint64_t)dice(&seed) << 32 | dice(&seed)) >>
		    dice(&seed) % 64, back = ~v;

		if (num_parse(out, num_format(out, v), &back) == -1 ||
		    back != v)
			ck_abort_msg("round %u of seed 20240101: %ju, %ju", i,
			    (uintmax_t)v, (uintmax_t)back);
	}
}
END_TEST

Suite *num_suite(void)
{
	Suite *s = suite_create("num");
	TCase *tc = unit_case(s, "reading (RFC 1939 section 4, P-15)");

	tcase_add_test(tc, digits_are_read_as_they_stand);
	tcase_add_test(tc, leading_zeros_do_not_matter);
	tcase_add_loop_test(tc,
	    anything_but_digits_is_refused_and_changes_nothing, 0,
	    COUNT(no_number));
	tcase_add_test(tc, a_nul_is_no_digit);
	tcase_add_loop_test(tc,
	    a_number_beyond_64_bits_is_the_largest_and_never_wraps, 0,
	    COUNT(large));
	tc = unit_case(s, "options (P-22)");
	tcase_add_test(tc, a_range_holds_both_its_ends_and_no_more);
	tc = unit_case(s, "printing (P-15)");
	tcase_add_loop_test(tc,
	    a_number_is_printed_without_leading_zeros_or_a_nul, 0,
	    COUNT(printed));
	tcase_add_test(tc, what_is_printed_is_read_back);
	return s;
}
