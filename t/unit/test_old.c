/* test_old.c - what another server has written down about its UIDLs. */
#include "unit.h"

#include "admin/old.h"

#include <string.h>

static struct old o;

static void setup(void)
{
	memset(&o, 0, sizeof o);
}

static void teardown(void)
{
	old_free(&o);
}

static void reads(const void *octets, size_t len)
{
	ck_assert_int_eq(old_read(&o, holding_octets(octets, len)), 0);
	ck_assert_uint_eq(o.len, len);
}

START_TEST(a_line_is_what_ends_in_lf_and_half_a_line_is_none)
{
	static const char text[] = "one\n\ntw\0o\nhalf";
	size_t len;

	reads(text, sizeof text - 1);
	ck_assert_str_eq(old_line(&o, &len), "one");
	ck_assert_uint_eq(len, 3);
	ck_assert_str_eq(old_line(&o, &len), "");
	ck_assert_uint_eq(len, 0);
	ck_assert_str_eq(old_line(&o, &len), "tw");
	ck_assert_uint_eq(len, 4);		/* it holds a NUL */
	ck_assert_ptr_null(old_line(&o, &len));
	ck_assert_ptr_null(old_line(&o, &len));
}
END_TEST

START_TEST(an_empty_file_has_no_line)
{
	size_t len;

	reads("", 0);
	ck_assert_ptr_null(old_line(&o, &len));
}
END_TEST

static const char *uidl(size_t i)
{
	return old_text(&o, o.list[i].uidl);
}

START_TEST(a_record_keeps_the_name_up_to_the_colon)
{
	ck_assert_int_eq(old_add(&o, "1.a,S=5:2,RS", "u1", 2, 7, true), 0);
	ck_assert_int_eq(old_add(&o, "2.b", "u2 more", 2, 8, false), 0);
	ck_assert_uint_eq(o.count, 2);
	ck_assert_str_eq(old_text(&o, o.list[0].name), "1.a,S=5");
	ck_assert_str_eq(uidl(0), "u1");
	ck_assert_uint_eq(o.list[0].rank, 7);
	ck_assert(o.list[0].fixed && !o.list[1].fixed);
	ck_assert_str_eq(uidl(1), "u2");
}
END_TEST

START_TEST(what_is_no_uidl_is_kept_as_none)
{
	char a[256];

	memset(a, 'a', sizeof a);
	old_add(&o, "1", a, 255, 0, true);
	old_add(&o, "2", a, 256, 0, true);
	old_add(&o, "3", "", 0, 0, true);
	old_add(&o, "4", "a b", 3, 0, true);
	old_add(&o, "5", "a\x7f", 2, 0, true);
	old_add(&o, "6", "\xe4", 1, 0, true);
	old_add(&o, "7", "a\0b", 3, 0, true);
	old_add(&o, "8", "!~", 2, 0, true);
	ck_assert_uint_eq(strlen(uidl(0)), 255);
	ck_assert_str_eq(uidl(1), "");
	ck_assert_str_eq(uidl(2), "");
	ck_assert_str_eq(uidl(3), "");
	ck_assert_str_eq(uidl(4), "");
	ck_assert_str_eq(uidl(5), "");
	ck_assert_str_eq(uidl(6), "");
	ck_assert_str_eq(uidl(7), "!~");
}
END_TEST

START_TEST(a_name_that_is_no_messages_is_refused)
{
	char a[257];

	memset(a, 'a', sizeof a - 1);
	a[256] = '\0';
	ck_assert(!old_name_ok(a));
	a[255] = '\0';
	ck_assert(old_name_ok(a));
	ck_assert(!old_name_ok(""));
	ck_assert(!old_name_ok(":2,S"));
	ck_assert(!old_name_ok(".hidden"));
	ck_assert(!old_name_ok("../1.a"));
	ck_assert(!old_name_ok("cur/1.a"));
	ck_assert(old_name_ok("1.a b\x01:2,S"));
}
END_TEST

Suite *old_suite(void)
{
	Suite *s = suite_create("old");
	TCase *c = unit_case(s, "the old server's list (P-48)");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_line_is_what_ends_in_lf_and_half_a_line_is_none);
	tcase_add_test(c, an_empty_file_has_no_line);
	tcase_add_test(c, a_record_keeps_the_name_up_to_the_colon);
	tcase_add_test(c, what_is_no_uidl_is_kept_as_none);
	tcase_add_test(c, a_name_that_is_no_messages_is_refused);
	return s;
}
