/* test_size.c - the size of a message on the wire. */
#include "unit.h"

#include "mail/size.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	uint64_t wire, stored;
	bool plausible;
} claim[] = {
	{ 0, 0, true }, { 2, 0, true }, { 3, 0, false },
	{ 99, 100, false }, { 100, 100, true }, { 150, 100, true },
	{ 202, 100, true }, { 203, 100, false },
	{ 0, 1, false }, { 4, 1, true }, { 5, 1, false },
	/* sums and products that would not fit into 64 bits */
	{ 5, UINT64_MAX, false },
	{ UINT64_MAX, 100, false },
	{ 0, UINT64_MAX - 1, false },
	{ 1, UINT64_MAX - 1, false },
	{ 0, UINT64_MAX - 2, false },
	{ UINT64_MAX - 1, 3, false },
	{ UINT64_C(1) << 63, (UINT64_C(1) << 62) - 1, false },
	/* a million of the largest can be added up */
	{ SIZE_MAX_NAMED, SIZE_MAX_NAMED, true },
	{ SIZE_MAX_NAMED + 1, SIZE_MAX_NAMED, false },
};

START_TEST(a_size_in_a_name_is_believed_only_where_it_can_be_true)
{
	ck_assert_int_eq(size_plausible(claim[_i].wire, claim[_i].stored),
	    claim[_i].plausible);
}
END_TEST

START_TEST(the_sign_of_an_unknown_size_is_never_believed)
{
	ck_assert(!size_plausible(SIZE_UNKNOWN, SIZE_UNKNOWN));
	ck_assert(!size_plausible(SIZE_UNKNOWN, SIZE_UNKNOWN - 1));
	ck_assert(!size_plausible(SIZE_UNKNOWN, SIZE_UNKNOWN / 2 + 1));
}
END_TEST

static uint64_t size_of(int fd, uint64_t stored)
{
	uint64_t octets = 77;

	ck_assert_int_eq(size_read(fd, stored, &octets), 0);
	close(fd);
	return octets;
}

START_TEST(a_message_is_counted_as_it_will_be_sent)
{
	ck_assert_uint_eq(size_of(holding(""), 0), 0);
	ck_assert_uint_eq(size_of(holding("a\nb\r\n.c"), 7), 10);
}
END_TEST

START_TEST(a_message_that_grew_or_shrank_is_counted_as_it_is)
{
	ck_assert_uint_eq(size_of(holding("a\nb\n"), 2), 6);
	ck_assert_uint_eq(size_of(holding("a\nb\n"), 0), 6);
	ck_assert_uint_eq(size_of(holding("a\n"), 1000), 3);
}
END_TEST

/* CR and LF that lie on both sides of every end of a piece. */
START_TEST(a_message_of_many_pieces_is_counted_across_their_ends)
{
	size_t len = 65536 * 2 + 10, i;
	char *text = malloc(len);

	ck_assert_ptr_nonnull(text);
	for (i = 0; i < len; i++)
		text[i] = i % 2 == 0 ? '\n' : '\r';
	text[len - 1] = '\n';
	text[len - 2] = 'x';
	/* The first LF and the last two are bare: all else is CRLF. */
	ck_assert_uint_eq(size_of(holding_octets(text, len), len), len + 2);
	memset(text, '\n', len);
	ck_assert_uint_eq(size_of(holding_octets(text, len), len), 2 * len);
	free(text);
}
END_TEST

START_TEST(octets_before_the_offset_do_not_count)
{
	int fd = holding("12345\n");

	ck_assert_int_eq(lseek(fd, 4, SEEK_SET), 4);
	ck_assert_uint_eq(size_of(fd, 6), 3);
}
END_TEST

START_TEST(a_read_error_is_an_error_and_not_the_end)
{
	uint64_t octets = 77;
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(size_read(fd, 10, &octets), -1);
	ck_assert_int_eq(errno, EISDIR);
	ck_assert_uint_eq(octets, 77);
	close(fd);
}
END_TEST

Suite *size_suite(void)
{
	Suite *s = suite_create("size");
	TCase *tc = unit_case(s, "sizes in names (P-31)");

	tcase_add_loop_test(tc,
	    a_size_in_a_name_is_believed_only_where_it_can_be_true, 0,
	    COUNT(claim));
	tcase_add_test(tc, the_sign_of_an_unknown_size_is_never_believed);
	tc = unit_case(s, "reading (RFC 1939 section 11, P-30)");
	tcase_add_test(tc, a_message_is_counted_as_it_will_be_sent);
	tcase_add_test(tc,
	    a_message_that_grew_or_shrank_is_counted_as_it_is);
	tcase_add_test(tc,
	    a_message_of_many_pieces_is_counted_across_their_ends);
	tcase_add_test(tc, octets_before_the_offset_do_not_count);
	tcase_add_test(tc, a_read_error_is_an_error_and_not_the_end);
	return s;
}
