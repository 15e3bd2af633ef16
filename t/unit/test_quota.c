/* test_quota.c - Maildir++'s file maildirsize. */
#include "unit.h"

#include "mail/quota.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *box;
static struct maildir m;
static struct quota q;

static void setup(void)
{
	box = new_maildir();
}

static void teardown(void)
{
	maildir_close(&m);
}

static void begin_at(const char *path)
{
	ck_assert_int_eq(maildir_open(&m, path), 0);
	quota_above(&q, &m);
	quota_open(&q, &m);
}

static void begin(const char *text)
{
	if (text != NULL && there(box, "maildirsize"))
		unlink(path_in(box, "maildirsize"));
	if (text != NULL)
		put(box, "maildirsize", text);
	begin_at(box);
}

/* What is in the file now. */
static const char *content(void)
{
	static char text[2 * QUOTA_MAX];
	int fd = open(path_in(box, "maildirsize"), O_RDONLY);
	ssize_t n;

	ck_assert_int_ne(fd, -1);
	n = read(fd, text, sizeof text - 1);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	close(fd);
	return text;
}

START_TEST(one_line_says_what_was_removed)
{
	begin("1000S\n500 3\n");
	quota_removed(&q, "1.a:2,S", 20);
	quota_removed(&q, "2.b", 7);
	quota_close(&q, &m);
	ck_assert_str_eq(content(), "1000S\n500 3\n-27 -2\n");
	ck_assert_int_eq(q.fd, -1);
}
END_TEST

START_TEST(who_was_flagged_t_is_not_in_the_count)
{
	begin("1000S\n500 3\n");
	quota_removed(&q, "1.a:2,ST", 20);
	quota_close(&q, &m);
	ck_assert_str_eq(content(), "1000S\n500 3\n");
}
END_TEST

START_TEST(an_empty_message_counts_without_a_minus_before_0)
{
	begin("5C\n0 1\n");
	quota_removed(&q, "1.a", 0);
	quota_close(&q, &m);
	ck_assert_str_eq(content(), "5C\n0 1\n0 -1\n");
}
END_TEST

START_TEST(nothing_removed_is_no_line)
{
	begin("5C\n0 1\n");
	quota_close(&q, &m);
	ck_assert_str_eq(content(), "5C\n0 1\n");
}
END_TEST

START_TEST(the_file_is_never_made)
{
	begin(NULL);
	ck_assert_int_eq(q.fd, -1);
	quota_removed(&q, "1.a", 5);
	quota_close(&q, &m);
	ck_assert(!there(box, "maildirsize"));
}
END_TEST

START_TEST(a_file_of_5120_octets_is_left_to_who_counts_anew)
{
	char text[QUOTA_MAX + 1];

	memset(text, '\n', QUOTA_MAX);
	text[QUOTA_MAX] = '\0';
	begin(text);
	ck_assert_int_eq(q.fd, -1);
	maildir_close(&m);
	text[QUOTA_MAX - 1] = '\0';
	begin(text);
	ck_assert_int_ne(q.fd, -1);
	quota_removed(&q, "1.a", 5);
	quota_close(&q, &m);
	ck_assert_uint_eq(strlen(content()), QUOTA_MAX - 1 + 6);
}
END_TEST

START_TEST(a_link_a_fifo_and_a_directory_are_left_alone)
{
	const char *path = path_in(box, "maildirsize");

	put(box, "elsewhere", "1S\n");
	ck_assert_int_eq(symlink("elsewhere", path), 0);
	begin(NULL);
	ck_assert_int_eq(q.fd, -1);
	maildir_close(&m);
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	begin(NULL);
	ck_assert_int_eq(q.fd, -1);
	maildir_close(&m);
	unlink(path);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	begin(NULL);
	ck_assert_int_eq(q.fd, -1);
	quota_close(&q, &m);
	rmdir(path);
}
END_TEST

START_TEST(octets_are_those_of_the_name_or_those_stored)
{
	begin("1000S\n");
	put(box, "new/1.a,S=99,W=100", "abc");
	put(box, "new/2.b", "abcd");
	put(box, "new/3.c,S=x", "abcde");
	put(box, "new/4.d,S=99999999999999999999", "abcdef");
	ck_assert_uint_eq(quota_weigh(&q, &m, MAILDIR_NEW,
	    "1.a,S=99,W=100"), 99);
	ck_assert_uint_eq(quota_weigh(&q, &m, MAILDIR_NEW, "2.b"), 4);
	ck_assert_uint_eq(quota_weigh(&q, &m, MAILDIR_NEW, "3.c,S=x"), 5);
	ck_assert_uint_eq(quota_weigh(&q, &m, MAILDIR_NEW,
	    "4.d,S=99999999999999999999"), 6);
	quota_close(&q, &m);
	ck_assert_uint_eq(quota_weigh(&q, &m, MAILDIR_NEW, "2.b"), 0);
}
END_TEST

/* A folder as Maildir++ makes it. */
static const char *make_folder(const char *of, const char *name)
{
	static const char *const part[] = { "", "/tmp", "/new", "/cur" };
	static char folder[2][512];
	static unsigned next;
	char *path = folder[next++ % 2];
	size_t i;

	for (i = 0; i < COUNT(part); i++) {
		snprintf(path, sizeof folder[0], "%s/%s%s", of, name,
		    part[i]);
		ck_assert_int_eq(mkdir(path, 0700), 0);
	}
	snprintf(path, sizeof folder[0], "%s/%s", of, name);
	put(path, "maildirfolder", "");
	return path;
}

START_TEST(a_folder_has_the_file_above_it)
{
	const char *sub = make_folder(box, ".Sub");
	const char *deep = make_folder(sub, ".Deep");

	put(box, "maildirsize", "1000S\n");
	begin_at(sub);
	quota_removed(&q, "1.a", 5);
	quota_close(&q, &m);
	ck_assert_str_eq(content(), "1000S\n-5 -1\n");
	maildir_close(&m);
	begin_at(deep);
	quota_removed(&q, "1.a", 6);
	quota_close(&q, &m);
	ck_assert_str_eq(content(), "1000S\n-5 -1\n-6 -1\n");
	ck_assert_int_eq(q.above, -1);
	/* no folder, only a name with a dot */
	maildir_close(&m);
	unlink(path_in(sub, "maildirfolder"));
	begin_at(sub);
	ck_assert_int_eq(q.above, -1);
	ck_assert_int_eq(q.fd, -1);
}
END_TEST

Suite *quota_suite(void)
{
	Suite *s = suite_create("quota");
	TCase *c = unit_case(s, "maildirsize (P-149)");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, one_line_says_what_was_removed);
	tcase_add_test(c, who_was_flagged_t_is_not_in_the_count);
	tcase_add_test(c, an_empty_message_counts_without_a_minus_before_0);
	tcase_add_test(c, nothing_removed_is_no_line);
	tcase_add_test(c, the_file_is_never_made);
	tcase_add_test(c, a_file_of_5120_octets_is_left_to_who_counts_anew);
	tcase_add_test(c, a_link_a_fifo_and_a_directory_are_left_alone);
	tcase_add_test(c, octets_are_those_of_the_name_or_those_stored);
	tcase_add_test(c, a_folder_has_the_file_above_it);
	return s;
}
