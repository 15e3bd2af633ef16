/*
 * test_maildrop.c - the frozen message list.
 */
#include "unit.h"

#include "mail/listing.h"
#include "mail/maildrop.h"
#include "mail/name.h"
#include "mail/size.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct maildir m;
static struct maildrop d;
static struct stat st;
static const char *box;

static void begin(void)
{
	box = new_maildir();
	before_scan = NULL;
	scans = 0;
}

static void end(void)
{
	before_scan = NULL;
	maildrop_free(&d);
	maildir_close(&m);
}

static void load(void)
{
	ck_assert_int_eq(maildir_open(&m, box), 0);
	ck_assert_int_eq(maildrop_load(&d, &m, false), 0);
}

static void load_again(void)
{
	maildrop_free(&d);
	maildir_close(&m);
	load();
}

static struct message *number(size_t n)
{
	ck_assert_uint_ge(n, 1);
	ck_assert_uint_le(n, d.count);
	return &d.list[n - 1];
}

static const char *name(size_t n)
{
	return maildrop_name(&d, number(n));
}

static const char *uidl(size_t n)
{
	static char text[8][UIDL_KNOWN_LIMIT + 1];
	static unsigned next;
	char *t = text[next++ % 8];
	size_t len = maildrop_uidl(&d, number(n), t);

	ck_assert_uint_ge(len, 1);
	ck_assert_uint_le(len, UIDL_LIMIT);
	t[len] = '\0';
	return t;
}

/* The text of message n, or NULL with errno. */
static const char *text_of(size_t n)
{
	static char text[256];
	int fd = maildrop_fetch(&d, number(n), &st);

	if (fd == -1)
		return NULL;
	text[drain(fd, text, sizeof text - 1)] = '\0';
	close(fd);
	return text;
}

static uint64_t size_of(size_t n)
{
	ck_assert_int_eq(maildrop_size(&d, number(n)), 0);
	return number(n)->octets;
}

/* --- the list ------------------------------------------------------------ */

START_TEST(an_empty_maildir_is_an_empty_maildrop)
{
	load();
	ck_assert_uint_eq(d.count, 0);
	ck_assert_ptr_null(maildrop_find(&d, 0));
	ck_assert_ptr_null(maildrop_find(&d, 1));
	ck_assert_uint_eq(maildrop_totals(&d).count, 0);
	ck_assert_uint_eq(maildrop_totals(&d).octets, 0);
	ck_assert(maildrop_totals(&d).known);
	ck_assert_int_ne(maildrop_follow(&d), -1);
}
END_TEST

/* In order of delivery, not of digits, octets or directories. */
static const char *const in_order[] = {
	"new/.5", "new/0.x", "cur/a:2,S", "new/007", "cur/7.a:2,",
	"new/7.a,S=1", "new/7.b", "cur/10.a:2,RS", "new/99", "cur/100:2,",
	"new/1699999999.b", "cur/1700000000.M1:2,S",
	"new/18446744073709551615.a", "cur/18446744073709551616.a",
	"new/000018446744073709551617.a", "cur/18446744073709551617.a:2,S",
	"cur/99999999999999999999.a", "new/100000000000000000000.a",
};

START_TEST(the_order_is_that_of_the_leading_numbers_then_of_the_octets)
{
	size_t i, hidden = 1;

	for (i = COUNT(in_order); i > 0; i--)
		put(box, in_order[(i * 7) % COUNT(in_order)], "");
	load();
	ck_assert_uint_eq(d.count, COUNT(in_order) - hidden);
	for (i = 1; i <= d.count; i++)
		ck_assert_str_eq(name(i), in_order[i - 1 + hidden] + 4);
}
END_TEST

START_TEST(a_number_finds_its_message_and_no_other)
{
	put(box, "new/1.a", "");
	put(box, "new/2.b", "");
	load();
	ck_assert_ptr_eq(maildrop_find(&d, 1), &d.list[0]);
	ck_assert_ptr_eq(maildrop_find(&d, 2), &d.list[1]);
	ck_assert_ptr_null(maildrop_find(&d, 0));
	ck_assert_ptr_null(maildrop_find(&d, 3));
	ck_assert_ptr_null(maildrop_find(&d, (UINT64_C(1) << 32) + 1));
	ck_assert_ptr_null(maildrop_find(&d, UINT64_MAX));
	d.list[0].marks |= MESSAGE_DELETED;
	ck_assert_ptr_null(maildrop_find(&d, 1));
	ck_assert_ptr_eq(maildrop_find(&d, 2), &d.list[1]);
	ck_assert_uint_eq(maildrop_totals(&d).count, 1);
}
END_TEST

START_TEST(mail_that_comes_later_is_not_seen)
{
	put(box, "new/2.b", "two");
	load();
	put(box, "new/1.a", "one");
	settle(box);
	ck_assert_int_eq(maildrop_follow(&d), 1);
	ck_assert_uint_eq(d.count, 1);
	ck_assert_str_eq(text_of(1), "two");
}
END_TEST

START_TEST(a_large_maildrop_is_listed_whole_and_in_order)
{
	char file[64];
	unsigned i;

	for (i = 0; i < 2000; i++) {
		snprintf(file, sizeof file, "%s/%u.M%uP1.host%s",
		    i % 3 == 0 ? "new" : "cur", 1700000000 + i * 37 % 2000,
		    i, i % 3 == 0 ? "" : ":2,S");
		put(box, file, "");
	}
	load();
	ck_assert_uint_eq(d.count, 2000);
	for (i = 1; i <= 2000; i++)
		if (strtoul(name(i), NULL, 10) != 1700000000 + i - 1)
			ck_abort_msg("message %u is %s", i, name(i));
}
END_TEST

static void with_trashed(bool hidden)
{
	put(box, "cur/1.a:2,T", "");
	put(box, "cur/2.b:2,ST", "");
	put(box, "cur/3.c:2,S", "");
	put(box, "new/4.T", "");
	ck_assert_int_eq(maildir_open(&m, box), 0);
	ck_assert_int_eq(maildrop_load(&d, &m, hidden), 0);
}

START_TEST(messages_flagged_t_are_listed)
{
	with_trashed(false);
	ck_assert_uint_eq(d.count, 4);
}
END_TEST

START_TEST(messages_flagged_t_are_hidden_where_t_means_deleted)
{
	with_trashed(true);
	ck_assert_uint_eq(d.count, 2);
	ck_assert_str_eq(name(1), "3.c:2,S");
	ck_assert_str_eq(name(2), "4.T");
}
END_TEST

static void gets_flag_t(unsigned n)
{
	if (n == 1)
		rename_in(box, "new/1.a", "cur/1.a:2,T");
}

START_TEST(a_message_that_gets_flag_t_while_it_is_listed_is_hidden)
{
	put(box, "new/1.a", "one");
	put(box, "new/2.b", "two");
	settle(box);
	before_scan = gets_flag_t;
	ck_assert_int_eq(maildir_open(&m, box), 0);
	ck_assert_int_eq(maildrop_load(&d, &m, true), 0);
	before_scan = NULL;
	ck_assert_uint_eq(d.count, 1);
	ck_assert_str_eq(uidl(1), "2.b");
}
END_TEST

START_TEST(a_directory_that_cannot_be_read_is_no_empty_maildrop)
{
	put(box, "new/1.a", "");
	ck_assert_int_eq(maildir_open(&m, box), 0);
	close(m.sub[MAILDIR_CUR]);
	m.sub[MAILDIR_CUR] = holding("");
	ck_assert_int_eq(maildrop_load(&d, &m, false), -1);
	ck_assert_uint_eq(d.count, 0);
	ck_assert_ptr_null(d.list);
	ck_assert_ptr_null(d.names);
}
END_TEST

/* --- changes while the directories are read ------------------------------- */

static void moves_after_new_was_read(unsigned n)
{
	if (n == 1)
		rename_in(box, "new/1.a", "cur/1.a:2,S");
}

static void moves_before_new_is_read(unsigned n)
{
	if (n == 0)
		rename_in(box, "new/1.a", "cur/1.a:2,S");
}

/* cur/ was not read yet when it left, nor new/ any more when it came. */
static void hides(unsigned n)
{
	if (n == 1)
		rename_in(box, "cur/1.a:2,S", "new/1.a");
}

static void gets_a_flag_between_the_rounds(unsigned n)
{
	if (n == 1)
		put(box, "new/3.c", "three");
	if (n == 2)
		rename_in(box, "new/1.a", "new/1.a:2,F");
}

/* Each starts from 1.a here, and must list it once, and whole. */
static const struct {
	const char *from;
	void (*change)(unsigned n);
	size_t count;
} change[] = {
	{ "new/1.a", moves_after_new_was_read, 2 },
	{ "new/1.a", moves_before_new_is_read, 2 },
	{ "cur/1.a:2,S", hides, 2 },
	{ "new/1.a", gets_a_flag_between_the_rounds, 3 },
};

START_TEST(a_message_that_moves_while_it_is_listed_is_listed_once)
{
	put(box, change[_i].from, "one");
	put(box, "cur/2.b:2,S", "two");
	settle(box);
	before_scan = change[_i].change;
	load();
	before_scan = NULL;
	ck_assert_uint_eq(d.count, change[_i].count);
	ck_assert_str_eq(uidl(1), "1.a");
	ck_assert_str_eq(uidl(2), "2.b");
	ck_assert_str_eq(text_of(1), "one");
	ck_assert_str_eq(text_of(2), "two");
}
END_TEST

static void gets_its_size(unsigned n)
{
	if (n == 2)
		rename_in(box, "cur/1.a,S=3:2,S", "cur/1.a,S=4:2,FS");
}

static void gets_its_size_twice(unsigned n)
{
	gets_its_size(n);
	if (n == 4)
		rename_in(box, "cur/1.a,S=4:2,FS", "cur/1.a,S=5,W=6:2,FS");
}

static const struct {
	void (*change)(unsigned n);
	const char *uidl;
} correction[] = {
	{ gets_its_size, "1.a,S=4" },
	{ gets_its_size_twice, "1.a,S=5,W=6" },
};

/* A new message that makes the scan be repeated, and one of two names. */
static void delivers_and_corrects(unsigned n)
{
	if (n == 1)
		put(box, "new/3.c", "three");
	correction[0].change(n);
}

START_TEST(a_message_whose_name_is_corrected_is_listed_once)
{
	put(box, "cur/1.a,S=3:2,S", "one");
	put(box, "cur/2.b:2,S", "two");
	unsettle(box);		/* it is read again */
	before_scan = correction[_i].change;
	load();
	before_scan = NULL;
	ck_assert_uint_eq(d.count, 2);
	ck_assert_str_eq(uidl(1), correction[_i].uidl);
	ck_assert_str_eq(text_of(1), "one");
	ck_assert_str_eq(text_of(2), "two");
}
END_TEST

START_TEST(two_links_that_stay_are_two_messages_however_often_they_are_read)
{
	put(box, "cur/1.a,S=3:2,S", "one");
	ck_assert_int_eq(link(path_in(box, "cur/1.a,S=3:2,S"),
	    path_in(box, "cur/1.a,S=5:2,S")), 0);
	before_scan = delivers_and_corrects;
	load();
	before_scan = NULL;
	ck_assert_uint_eq(d.count, 3);
}
END_TEST

static void is_removed(unsigned n)
{
	if (n == 1)
		ck_assert_int_eq(unlink(path_in(box, "new/1.a")), 0);
}

START_TEST(the_list_is_the_union_of_what_was_seen)
{
	put(box, "new/1.a", "one");
	put(box, "cur/2.b:2,S", "two");
	settle(box);
	before_scan = is_removed;
	load();
	before_scan = NULL;
	ck_assert_uint_eq(d.count, 2);		/* it was there: P-142 */
	ck_assert_ptr_null(text_of(1));
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_str_eq(text_of(2), "two");
}
END_TEST

START_TEST(directories_at_rest_are_read_once)
{
	put(box, "new/1.a", "");
	settle(box);
	load();
	ck_assert_uint_eq(scans, 2);
}
END_TEST

START_TEST(young_directories_are_read_again)
{
	put(box, "new/1.a", "");
	unsettle(box);
	load();
	ck_assert_uint_ge(scans, 4);
	ck_assert_uint_le(scans, 6);
	ck_assert_uint_eq(d.count, 1);
}
END_TEST

static void changes_for_ever(unsigned n)
{
	char file[32];

	snprintf(file, sizeof file, "new/%u.x", 1000 + n);
	put(box, file, "");
}

START_TEST(directories_that_never_rest_are_read_three_times)
{
	put(box, "new/1.a", "");
	settle(box);
	before_scan = changes_for_ever;
	load();
	before_scan = NULL;
	ck_assert_uint_eq(scans, 6);
	ck_assert_uint_ge(d.count, 5);
}
END_TEST

/* --- copies --------------------------------------------------------------- */

START_TEST(one_file_of_two_names_is_one_message)
{
	put(box, "new/1.a", "one");
	ck_assert_int_eq(link(path_in(box, "new/1.a"),
	    path_in(box, "cur/1.a:2,S")), 0);
	load();
	ck_assert_uint_eq(d.count, 1);
	ck_assert_str_eq(uidl(1), "1.a");
	ck_assert_str_eq(text_of(1), "one");
}
END_TEST

/* All UIDLs are well-formed, and two messages never have the same. */
static void check_all_differ(void)
{
	char seen[16][UIDL_LIMIT + 1];
	size_t i, j;

	for (i = 0; i < d.count; i++) {
		strcpy(seen[i], uidl(i + 1));
		ck_assert_uint_eq(strspn(seen[i], "!\"#$%&'()*+,-./0123456789"
		    ":;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
		    "abcdefghijklmnopqrstuvwxyz{|}~"), strlen(seen[i]));
		for (j = 0; j < i; j++)
			ck_assert_str_ne(seen[i], seen[j]);
	}
}

/* Whether some message has that UIDL. */
static bool has(const char *wanted)
{
	size_t i;

	for (i = 1; i <= d.count; i++)
		if (strcmp(uidl(i), wanted) == 0)
			return true;
	return false;
}

START_TEST(two_files_of_one_unique_name_are_both_listed)
{
	char text[8];

	put(box, "new/1.a", "one");
	put(box, "cur/1.a:2,S", "two");
	put(box, "cur/1.a:2,", "three");
	load();
	ck_assert_uint_eq(d.count, 3);
	ck_assert_str_eq(uidl(1), "1.a");
	ck_assert_str_eq(uidl(2), "1.a~2");
	ck_assert_str_eq(uidl(3), "1.a~3");
	strcpy(text, text_of(2));
	ck_assert_str_ne(text_of(1), text);
	ck_assert_str_ne(text_of(3), text);
	/* And the next session shows them as this one does. */
	load_again();
	ck_assert_uint_eq(d.count, 3);
	ck_assert_str_eq(uidl(2), "1.a~2");
	ck_assert_str_eq(text_of(2), text);
}
END_TEST

START_TEST(a_copy_whose_uidl_is_a_message_gets_the_hash_of_it)
{
	put(box, "new/a", "one");
	put(box, "cur/a:2,S", "two");
	put(box, "new/a~2", "three");
	load();
	ck_assert_uint_eq(d.count, 3);
	check_all_differ();
	ck_assert(has("a"));
	ck_assert(has("a~2"));
	ck_assert(has("=lJbJOin0nWDTKLdHErBCepl6pZIFNkOLA2dVRzwipF0"));
	ck_assert_str_eq(uidl(3), "a~2");
	ck_assert_str_eq(text_of(3), "three");
}
END_TEST

START_TEST(copies_of_copies_have_uidls_of_their_own)
{
	put(box, "new/a", "");
	put(box, "cur/a:2,S", "");
	put(box, "new/a~2", "");
	put(box, "cur/a~2:2,S", "");
	put(box, "new/a~2~2", "");
	put(box, "new/a~3", "");
	load();
	ck_assert_uint_eq(d.count, 6);
	check_all_differ();
}
END_TEST

/* File names of n times "x", and behind it end. */
static const char *long_name(const char *sub, size_t n, const char *behind)
{
	static char file[4][300];
	static unsigned next;
	char *f = file[next++ % 4];

	snprintf(f, sizeof file[0], "%s/%0*d%s", sub, (int)n, 0, behind);
	memset(f + strlen(sub) + 1, 'x', n);
	return f;
}

START_TEST(a_copy_whose_uidl_is_too_long_is_hashed)
{
	char want[UIDL_LIMIT + 1];
	const char *text = long_name("new", 69, "~2") + 4;

	put(box, long_name("new", 69, ""), "");
	put(box, long_name("cur", 69, ":2,S"), "");
	load();
	ck_assert_uint_eq(d.count, 2);
	ck_assert_str_eq(uidl(1), long_name("new", 69, "") + 4);
	want[uidl_hash(text, strlen(text), want)] = '\0';
	ck_assert_str_eq(uidl(2), want);
}
END_TEST

/* Where name and copy are hashed alike, files named as the copies clash. */
static const struct {
	size_t length;
	const char *behind[4];
} clash[] = {
	{ 68, { "~2" } },		/* just not hashed: 70 octets */
	{ 69, { "~2" } },
	{ 71, { "~2" } },
	{ 71, { "~2", "~2~" } },
	{ 71, { "~2", "~2~", "~2~~" } },
	{ 69, { "~2", "~2~" } },
	{ 66, { "~2", "~2~" } },
};

START_TEST(names_made_to_clash_with_a_copy_do_not)
{
	size_t i;

	put(box, long_name("new", clash[_i].length, ""), "");
	put(box, long_name("cur", clash[_i].length, ":2,S"), "");
	for (i = 0; clash[_i].behind[i] != NULL; i++)
		put(box, long_name("new", clash[_i].length,
		    clash[_i].behind[i]), "");
	load();
	ck_assert_uint_eq(d.count, 2 + i);
	check_all_differ();
}
END_TEST

START_TEST(the_longest_names_can_have_copies)
{
	put(box, long_name("new", 255, ""), "");
	put(box, long_name("cur", 252, ":2,"), "");
	put(box, long_name("new", 252, ""), "");
	load();
	ck_assert_uint_eq(d.count, 3);
	check_all_differ();
}
END_TEST

/* --- where messages are now ----------------------------------------------- */

static const char *const moved_to[] = { "cur/1.a:2,S", "new/1.a:2,F",
	"cur/1.a", "cur/1.a,S=3,W=4:2,RS", "cur/1.a,S=3" };

START_TEST(a_message_that_another_program_renamed_is_followed)
{
	put(box, "new/1.a", "one");
	put(box, "new/2.b", "two");
	load();
	rename_in(box, "new/1.a", moved_to[_i]);
	ck_assert_str_eq(text_of(1), "one");
	ck_assert_str_eq(text_of(2), "two");
	ck_assert_str_eq(name(1), moved_to[_i] + 4);
	ck_assert_str_eq(uidl(1), "1.a");	/* as at login */
	/* and back, and again under a shorter and a longer name */
	rename_in(box, moved_to[_i], "cur/1.a:2,");
	ck_assert_str_eq(text_of(1), "one");
	rename_in(box, "cur/1.a:2,", "cur/1.a:2,DFPRSTabcdef");
	ck_assert_str_eq(text_of(1), "one");
	ck_assert_str_eq(name(1), "1.a:2,DFPRSTabcdef");
	ck_assert_str_eq(name(2), "2.b");
}
END_TEST

START_TEST(another_message_of_the_same_name_is_not_it)
{
	put(box, "new/1.a", "one");
	load();
	rename_in(box, "new/1.a", "tmp/away");
	put(box, "cur/1.a:2,S", "another");
	ck_assert_ptr_null(text_of(1));
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(the_same_file_of_another_name_is_not_it)
{
	put(box, "new/1.a", "one");
	load();
	rename_in(box, "new/1.a", "cur/2.b:2,S");
	ck_assert_ptr_null(text_of(1));
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(a_message_that_is_gone_is_gone)
{
	put(box, "new/1.a", "one");
	put(box, "new/2.b", "two");
	load();
	ck_assert_int_eq(unlink(path_in(box, "new/1.a")), 0);
	settle(box);
	scans = 0;
	errno = 0;
	ck_assert_ptr_null(text_of(1));
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_uint_eq(scans, 2);	/* one search that nothing disturbed */
	ck_assert_int_ne(number(1)->marks & MESSAGE_GONE, 0);
	ck_assert_int_eq(number(2)->marks & MESSAGE_GONE, 0);
	ck_assert_str_eq(text_of(2), "two");
}
END_TEST

static void runs_away(unsigned n)
{
	static const char *const to[] = { "new/1.a:2,A", "cur/1.a:2,B" };

	if (n % 2 == 0)
		return;
	if (there(box, to[0]))
		rename_in(box, to[0], to[1]);
	else if (there(box, to[1]))
		rename_in(box, to[1], to[0]);
}

START_TEST(a_message_that_moves_on_is_searched_five_times_at_most)
{
	put(box, "new/1.a:2,A", "one");
	load();
	settle(box);
	rename_in(box, "new/1.a:2,A", "cur/1.a:2,B");
	scans = 0;
	before_scan = runs_away;
	text_of(1);
	before_scan = NULL;
	ck_assert_uint_le(scans, 2 * MAILDROP_SEARCHES);
	ck_assert_uint_ge(scans, 2);
}
END_TEST

START_TEST(a_search_tells_whether_it_was_disturbed)
{
	put(box, "new/1.a", "one");
	load();
	put(box, "new/2.b", "");
	unsettle(box);
	ck_assert_int_eq(maildrop_follow(&d), 0);
	settle(box);
	ck_assert_int_eq(maildrop_follow(&d), 1);
	settle(box);
	before_scan = changes_for_ever;
	ck_assert_int_eq(maildrop_follow(&d), 0);
	before_scan = NULL;
	close(m.sub[MAILDIR_CUR]);
	m.sub[MAILDIR_CUR] = holding("");
	ck_assert_int_eq(maildrop_follow(&d), -1);
}
END_TEST

START_TEST(a_search_that_fails_does_not_say_that_a_message_is_gone)
{
	put(box, "new/1.a", "one");
	load();
	rename_in(box, "new/1.a", "cur/1.a:2,S");
	close(m.sub[MAILDIR_CUR]);
	m.sub[MAILDIR_CUR] = holding("");
	errno = 0;
	ck_assert_int_eq(maildrop_fetch(&d, number(1), &st), -1);
	ck_assert_int_ne(errno, ENOENT);
}
END_TEST

/* --- sizes ---------------------------------------------------------------- */

static const struct {
	const char *name;
	uint64_t octets;
} sized[] = {		/* the text is 4 octets, 6 on the wire */
	{ "new/1.a", 6 },
	{ "new/1.a,W=6", 6 },
	{ "new/1.a,W=7", 7 },			/* taken on trust */
	{ "new/1.a,W=10", 10 }, { "new/1.a,W=11", 6 },
	{ "new/1.a,W=4", 4 }, { "new/1.a,W=3", 6 },
	{ "new/1.a,S=100,W=150", 150 },		/* S, not st_size, is asked */
	{ "new/1.a,S=100,W=99", 6 }, { "new/1.a,S=100,W=203", 6 },
	{ "cur/1.a,S=4,W=5:2,S", 5 },
	{ "cur/1.a:2,W=7", 6 },			/* flags are no field */
	{ "new/1.a,W=7x", 6 }, { "new/1.a,W=", 6 }, { "new/1.a,W=-7", 6 },
	{ "new/1.a,S=4", 6 }, { "new/1.a,S=99", 6 },
	{ "new/1.a,S=18446744073709551615,W=18446744073709551615", 6 },
	{ "new/1.a,S=9223372036854775808,W=18446744073709551615", 6 },
};

START_TEST(a_size_comes_from_the_name_if_it_can_be_true_else_from_the_file)
{
	put(box, sized[_i].name, "a\nb\n");
	load();
	ck_assert(!maildrop_totals(&d).known);
	ck_assert_uint_eq(size_of(1), sized[_i].octets);
	ck_assert(maildrop_totals(&d).known);
	ck_assert_uint_eq(maildrop_totals(&d).octets, sized[_i].octets);
}
END_TEST

START_TEST(a_size_is_fixed_once_it_is_known)
{
	put(box, "new/1.a", "a\n");
	load();
	ck_assert_uint_eq(size_of(1), 3);
	ck_assert_int_eq(unlink(path_in(box, "new/1.a")), 0);
	put(box, "new/1.a", "a longer message\n");
	ck_assert_uint_eq(size_of(1), 3);
}
END_TEST

START_TEST(a_renamed_message_is_sized_where_it_is_now)
{
	put(box, "new/1.a", "a\n");
	load();
	rename_in(box, "new/1.a", "cur/1.a:2,S");
	ck_assert_uint_eq(size_of(1), 3);
}
END_TEST

START_TEST(a_message_that_is_gone_has_no_octets)
{
	put(box, "new/1.a", "a\n");
	put(box, "new/2.b", "a\n");
	load();
	ck_assert_int_eq(unlink(path_in(box, "new/1.a")), 0);
	settle(box);
	ck_assert_uint_eq(size_of(1), 0);
	ck_assert_uint_eq(size_of(2), 3);
	ck_assert_uint_eq(maildrop_totals(&d).octets, 3);
}
END_TEST

static const char *hidden_by_its_mode(void)
{
	if (!as_no_root())
		return NULL;
	NEED(maildrop_size(&d, &d.list[0]) == 0);
	NEED(d.list[0].octets == 4);
	return NULL;
}

START_TEST(a_message_hidden_by_its_mode_has_the_size_stored)
{
	put(box, "new/1.a", "a\nb\n");
	ck_assert_int_eq(chmod(path_in(box, "new/1.a"), 0), 0);
	load();
	assert_in_child(hidden_by_its_mode);
}
END_TEST

START_TEST(totals_leave_deleted_messages_out)
{
	put(box, "new/1.a", "a\n");
	put(box, "new/2.b", "bb\n");
	put(box, "new/3.c", "ccc\n");
	load();
	number(3)->marks |= MESSAGE_DELETED;
	ck_assert_uint_eq(size_of(1), 3);
	ck_assert(!maildrop_totals(&d).known);
	ck_assert_uint_eq(size_of(2), 4);
	ck_assert(maildrop_totals(&d).known);
	ck_assert_uint_eq(maildrop_totals(&d).count, 2);
	ck_assert_uint_eq(maildrop_totals(&d).octets, 7);
}
END_TEST

static TCase *maildrop_case(Suite *s, const char *title)
{
	TCase *tc = unit_case(s, title);

	tcase_add_checked_fixture(tc, begin, end);
	return tc;
}

static void follow_cases(Suite *s)
{
	TCase *tc = maildrop_case(s, "where messages are now (P-35, P-143)");

	tcase_add_loop_test(tc,
	    a_message_that_another_program_renamed_is_followed, 0,
	    COUNT(moved_to));
	tcase_add_test(tc, another_message_of_the_same_name_is_not_it);
	tcase_add_test(tc, the_same_file_of_another_name_is_not_it);
	tcase_add_test(tc, a_message_that_is_gone_is_gone);
	tcase_add_test(tc,
	    a_message_that_moves_on_is_searched_five_times_at_most);
	tcase_add_test(tc, a_search_tells_whether_it_was_disturbed);
	tcase_add_test(tc,
	    a_search_that_fails_does_not_say_that_a_message_is_gone);
	tc = maildrop_case(s, "sizes (RFC 1939 section 11, P-31)");
	tcase_add_loop_test(tc,
	    a_size_comes_from_the_name_if_it_can_be_true_else_from_the_file,
	    0, COUNT(sized));
	tcase_add_test(tc, a_size_is_fixed_once_it_is_known);
	tcase_add_test(tc, a_renamed_message_is_sized_where_it_is_now);
	tcase_add_test(tc, a_message_that_is_gone_has_no_octets);
	tcase_add_test(tc, a_message_hidden_by_its_mode_has_the_size_stored);
	tcase_add_test(tc, totals_leave_deleted_messages_out);
}

Suite *maildrop_suite(void)
{
	Suite *s = suite_create("maildrop");
	TCase *tc = maildrop_case(s, "the list (RFC 1939 section 4, P-21)");

	tcase_add_test(tc, an_empty_maildir_is_an_empty_maildrop);
	tcase_add_test(tc, a_number_finds_its_message_and_no_other);
	tcase_add_test(tc, mail_that_comes_later_is_not_seen);
	tcase_add_test(tc,
	    a_directory_that_cannot_be_read_is_no_empty_maildrop);
	tc = maildrop_case(s, "order (P-49)");
	tcase_add_test(tc,
	    the_order_is_that_of_the_leading_numbers_then_of_the_octets);
	tcase_add_test(tc, a_large_maildrop_is_listed_whole_and_in_order);
	tc = maildrop_case(s, "flag T (P-144)");
	tcase_add_test(tc, messages_flagged_t_are_listed);
	tcase_add_test(tc,
	    messages_flagged_t_are_hidden_where_t_means_deleted);
	tcase_add_test(tc,
	    a_message_that_gets_flag_t_while_it_is_listed_is_hidden);
	tc = maildrop_case(s, "changes while it is listed (P-142)");
	tcase_add_loop_test(tc,
	    a_message_that_moves_while_it_is_listed_is_listed_once, 0,
	    COUNT(change));
	tcase_add_loop_test(tc,
	    a_message_whose_name_is_corrected_is_listed_once, 0,
	    COUNT(correction));
	tcase_add_test(tc,
	    two_links_that_stay_are_two_messages_however_often_they_are_read);
	tcase_add_test(tc, the_list_is_the_union_of_what_was_seen);
	tcase_add_test(tc, directories_at_rest_are_read_once);
	tcase_add_test(tc, young_directories_are_read_again);
	tcase_add_test(tc, directories_that_never_rest_are_read_three_times);
	tc = maildrop_case(s, "copies (P-47)");
	tcase_add_test(tc, one_file_of_two_names_is_one_message);
	tcase_add_test(tc, two_files_of_one_unique_name_are_both_listed);
	tcase_add_test(tc,
	    a_copy_whose_uidl_is_a_message_gets_the_hash_of_it);
	tcase_add_test(tc, copies_of_copies_have_uidls_of_their_own);
	tcase_add_test(tc, a_copy_whose_uidl_is_too_long_is_hashed);
	tcase_add_loop_test(tc, names_made_to_clash_with_a_copy_do_not, 0,
	    COUNT(clash));
	tcase_add_test(tc, the_longest_names_can_have_copies);
	follow_cases(s);
	return s;
}
