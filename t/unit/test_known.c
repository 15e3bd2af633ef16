/* test_known.c - the lines of maildir-pop3d.uidl. */
#include "unit.h"

#include "admin/known.h"
#include "mail/listing.h"
#include "mail/match.h"

#include <string.h>

static const char *box;
static struct maildir dir;
static struct maildrop drop;
static struct old o;
static struct known k;
static uint32_t record_of[8];

static void setup(void)
{
	box = new_maildir();
	memset(&o, 0, sizeof o);
	memset(&drop, 0, sizeof drop);
	memset(&k, 0, sizeof k);
}

static void teardown(void)
{
	known_free(&k);
	old_free(&o);
	maildrop_free(&drop);
	maildir_close(&dir);
}

static void record(const char *name, const char *uidl, uint64_t rank)
{
	ck_assert_int_eq(old_add(&o, name, uidl, strlen(uidl), rank, true), 0);
}

static void make(char mark)
{
	settle(box);
	ck_assert_int_eq(maildir_open(&dir, box), 0);
	ck_assert_int_eq(maildrop_load(&drop, &dir, false), 0);
	ck_assert_uint_le(drop.count, COUNT(record_of));
	ck_assert_int_eq(known_match(&o, &drop, record_of), 0);
	ck_assert_int_eq(known_make(&k, &o, &drop, record_of, mark), 0);
}

/* Line i is of that file, with that UIDL. */
static void is(size_t i, const char *name, const char *uidl)
{
	ck_assert_uint_lt(i, k.count);
	ck_assert_str_eq(maildrop_first_name(&drop,
	    &drop.list[k.list[i].message]), name);
	ck_assert_str_eq(old_text(&o, k.list[i].uidl), uidl);
}

START_TEST(lines_are_in_the_old_servers_order)
{
	put(box, "cur/1.a:2,S", "x");
	put(box, "new/2.b", "x");
	put(box, "cur/3.c,S=1:2,", "x");
	record("2.b:2,RS", "two", 30);
	record("9.gone", "gone", 5);
	record("3.c,S=1", "three", 10);
	record("1.a", "one", 20);
	make('-');
	ck_assert_uint_eq(k.count, 3);
	ck_assert_uint_eq(k.found, 3);
	is(0, "3.c,S=1:2,", "three");
	is(1, "1.a:2,S", "one");
	is(2, "2.b", "two");
}
END_TEST

START_TEST(of_two_records_with_one_name_the_later_counts)
{
	put(box, "cur/1.a:2,S", "x");
	record("1.a", "early", 1);
	record("1.a:2,S", "late", 2);
	make('-');
	ck_assert_uint_eq(k.count, 1);
	is(0, "1.a:2,S", "late");
}
END_TEST

START_TEST(a_uidl_that_comes_again_gets_the_next_free_number)
{
	put(box, "cur/1.a:2,", "x");
	put(box, "cur/2.b:2,", "x");
	put(box, "cur/3.c:2,", "x");
	put(box, "cur/4.d:2,", "x");
	put(box, "cur/5.e:2,", "x");
	record("1.a", "u", 1);
	record("2.b", "u", 2);
	record("3.c", "u-3", 3);
	record("4.d", "u", 4);
	record("5.e", "u-3", 5);
	make('-');
	ck_assert_uint_eq(k.doubled, 3);
	is(0, "1.a:2,", "u");
	is(1, "2.b:2,", "u-2");
	is(2, "3.c:2,", "u-3");
	is(3, "4.d:2,", "u-4");
	is(4, "5.e:2,", "u-3-2");
}
END_TEST

START_TEST(where_no_number_fits_behind_it_there_is_no_line)
{
	char u[256];

	memset(u, 'u', 255);
	u[255] = '\0';
	put(box, "cur/1.a:2,", "x");
	put(box, "cur/2.b:2,", "x");
	put(box, "cur/3.c:2,", "x");
	record("1.a", u, 1);
	record("2.b", u, 2);
	record("3.c", "v", 3);
	make('~');
	ck_assert_uint_eq(k.count, 2);
	is(0, "1.a:2,", u);
	is(1, "3.c:2,", "v");
}
END_TEST

START_TEST(what_is_no_uidl_or_has_no_line_is_left_out)
{
	put(box, "cur/1.a:2,", "x");
	put(box, "cur/2.b\nx:2,", "x");
	put(box, "cur/3.c:2,", "x");
	record("1.a", "no uidl", 1);
	record("2.b\nx", "u", 2);
	record("3.c", "v", 3);
	make('~');
	ck_assert_uint_eq(k.found, 3);
	ck_assert_uint_eq(k.count, 1);
	is(0, "3.c:2,", "v");
	ck_assert(!known_usable(&o, &drop, 0, record_of[0]));
	ck_assert(known_usable(&o, &drop, 2, record_of[2]));
}
END_TEST

START_TEST(the_copy_of_a_name_has_no_line)
{
	put(box, "new/1.a", "x");
	put(box, "cur/1.a:2,S", "another");
	record("1.a", "u", 1);
	record("1.a", "v", 2);
	make('~');
	ck_assert_uint_eq(drop.count, 2);
	ck_assert_uint_eq(k.count, 1);
	ck_assert_uint_eq(k.list[0].message, 0);
	ck_assert_uint_eq(record_of[1], MATCH_NONE);
}
END_TEST

Suite *known_suite(void)
{
	Suite *s = suite_create("known");
	TCase *c = unit_case(s, "the lines to be written (P-47, P-49)");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, lines_are_in_the_old_servers_order);
	tcase_add_test(c, of_two_records_with_one_name_the_later_counts);
	tcase_add_test(c, a_uidl_that_comes_again_gets_the_next_free_number);
	tcase_add_test(c, where_no_number_fits_behind_it_there_is_no_line);
	tcase_add_test(c, what_is_no_uidl_or_has_no_line_is_left_out);
	tcase_add_test(c, the_copy_of_a_name_has_no_line);
	return s;
}
