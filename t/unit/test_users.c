/* test_users.c - the passwd-file as a whole. */
#include "unit.h"

#include "base/log.h"
#include "login/record.h"
#include "login/users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct users users;
static char said[512];

static void hear(const char *line)
{
	snprintf(said, sizeof said, "%s", line);
}

static const char *file(const char *octets, size_t len)
{
	const char *box = new_maildir();

	said[0] = '\0';
	log_divert(hear);
	put_octets(box, "passwd", octets, len);
	return path_in(box, "passwd");
}

#define OPEN(path) users_open(&users, path, false)

/* The next line is that; it is as long, or all of it is there. */
static bool next_is(const char *line)
{
	char *text;
	size_t len;

	return users_next(&users, &text, &len) == 1 && len == strlen(line) &&
	    memcmp(text, line, len) == 0;
}

static int end(void)
{
	char *text;
	size_t len;
	int r = users_next(&users, &text, &len);

	users_close(&users);
	log_divert(NULL);
	return r;
}

START_TEST(lines_come_without_their_ends_and_are_counted)
{
	static const char octets[] = "one\n\ntwo\r\nlast";

	ck_assert_int_eq(OPEN(file(octets, sizeof octets - 1)), AUTH_OK);
	ck_assert(next_is("one") && next_is("") && next_is("two"));
	ck_assert_uint_eq(users.line, 3);
	ck_assert(next_is("last"));
	ck_assert_uint_eq(users.line, 4);
	ck_assert_int_eq(end(), 0);
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(an_empty_file_has_no_line)
{
	ck_assert_int_eq(OPEN(file("", 0)), AUTH_OK);
	ck_assert_int_eq(end(), 0);
}
END_TEST

START_TEST(a_line_too_long_is_empty_and_the_next_one_whole)
{
	static char octets[RECORD_LIMIT + 64];
	size_t longest = RECORD_LIMIT;

	memset(octets, 'x', sizeof octets);
	octets[longest] = '\n';
	ck_assert_int_eq(OPEN(file(octets, longest + 1)), AUTH_OK);
	ck_assert_int_eq(end(), 1);
	ck_assert_str_eq(said, "");

	octets[longest] = 'x';
	memcpy(octets + longest + 1, "\nnext\n", 6);
	ck_assert_int_eq(OPEN(file(octets, longest + 7)), AUTH_OK);
	ck_assert(next_is(""));
	ck_assert_ptr_nonnull(strstr(said, "line 1: skipped"));
	ck_assert(next_is("next"));
	ck_assert_int_eq(end(), 0);
}
END_TEST

START_TEST(a_line_with_a_nul_is_empty)
{
	ck_assert_int_eq(OPEN(file("a\0b:c\nnext\n", 11)), AUTH_OK);
	ck_assert(next_is(""));
	ck_assert_ptr_nonnull(strstr(said, "NUL"));
	ck_assert(next_is("next"));
	ck_assert_int_eq(end(), 0);
}
END_TEST

START_TEST(a_file_that_grows_while_it_is_read_is_not_the_whole_file)
{
	const char *path = file("one\n", 4);
	FILE *more;

	ck_assert_int_eq(OPEN(path), AUTH_OK);
	more = fopen(path, "a");
	fputs("two\n", more);
	fclose(more);
	ck_assert(next_is("one") && next_is("two"));
	ck_assert_int_eq(end(), -1);
	ck_assert_ptr_nonnull(strstr(said, "changed while it was read"));
}
END_TEST

START_TEST(who_else_can_write_it_makes_it_no_passwd_file)
{
	const char *path = file("one\n", 4);

	ck_assert_int_eq(chmod(path, 0620), 0);
	ck_assert_int_eq(OPEN(path), AUTH_PERM);
	ck_assert_ptr_nonnull(strstr(said, "chmod go-w"));
	ck_assert_int_eq(OPEN("/dev/null"), AUTH_PERM);
	ck_assert_int_eq(OPEN("/nonexistent"), AUTH_TEMP);
	log_divert(NULL);
}
END_TEST

Suite *users_suite(void)
{
	Suite *s = suite_create("users");
	TCase *tc = unit_case(s, "lines (P-154)");

	tcase_add_test(tc, lines_come_without_their_ends_and_are_counted);
	tcase_add_test(tc, an_empty_file_has_no_line);
	tcase_add_test(tc, a_line_too_long_is_empty_and_the_next_one_whole);
	tcase_add_test(tc, a_line_with_a_nul_is_empty);
	tcase_add_test(tc,
	    a_file_that_grows_while_it_is_read_is_not_the_whole_file);

	tc = unit_case(s, "rights (P-154)");
	tcase_add_test(tc, who_else_can_write_it_makes_it_no_passwd_file);
	return s;
}
