/* test_courier.c - reads Courier's courierpop3dsizelist. */
#include "unit.h"

#include "admin/courier.h"

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

static const char *read_list(const char *text)
{
	ck_assert_int_eq(old_read(&o, holding(text)), 0);
	return courier_read(&o);
}

/* Record i is that name with that UIDL. */
static void is(size_t i, const char *name, const char *uidl)
{
	ck_assert_uint_lt(i, o.count);
	ck_assert_str_eq(old_text(&o, o.list[i].name), name);
	ck_assert_str_eq(old_text(&o, o.list[i].uidl), uidl);
	ck_assert_uint_eq(o.list[i].rank, i);
}

START_TEST(version_0_shows_names)
{
	ck_assert_ptr_null(read_list("1700000001.M1.host:2,S 27\n"
	    "2.a b'\"+\xe4:2, 5\n"));
	ck_assert_uint_eq(o.version, 0);
	ck_assert_uint_eq(o.count, 2);
	is(0, "1700000001.M1.host", "1700000001.M1.host");
	is(1, "2.a b'\"+\xe4", "2.a+20b+27+22+2B+E4");
}
END_TEST

START_TEST(version_1_shows_numbers)
{
	ck_assert_ptr_null(read_list("/1 9\n1.a:2, 27 8\n2.b:2,S 1 007\n"
	    "3.c 2 0\n"));
	ck_assert_uint_eq(o.version, 1);
	is(0, "1.a", "UID8");
	is(1, "2.b", "UID7");
	is(2, "3.c", "3.c");
}
END_TEST

START_TEST(version_2_shows_numbers_and_the_uidvalidity)
{
	ck_assert_ptr_null(read_list("/2 9 1700000000\n"
	    "1.a:2, 27 8:1700000000\n2.b:2, 27 7:0\n3.c:2, 27 0:5\n"));
	ck_assert_uint_eq(o.version, 2);
	is(0, "1.a", "UID8-1700000000");
	is(1, "2.b", "UID7");
	is(2, "3.c", "3.c");
}
END_TEST

START_TEST(version_3_says_whether_it_is_utf8_too)
{
	ck_assert_ptr_null(read_list("/3 2 1795461770\n"
	    "1700000001.M1P1.h:2, 27 1:1795461770:0\n"
	    "a b c:2, 27 2:3:1\n"));
	ck_assert_uint_eq(o.version, 3);
	ck_assert_uint_eq(o.unread, 0);
	is(0, "1700000001.M1P1.h", "UID1-1795461770");
	is(1, "a b c", "UID2-3");
}
END_TEST

static const char *const bad_lines[] = {
	"", " ", "  ", "1.a", "1.a 5", "1.a 5 ", "1.a  5:1:0", " 5 1:1:0",
	"1.a x 1:1:0", "1.a -5 1:1:0", "1.a 5 1:1", "1.a 5 1:1:", "1.a 5 :1:0",
	"1.a 5 1::0", "1.a 5 1:1:0:0", "1.a 5 1:1:0 ", "1.a 5 -1:1:0",
	"1.a 5 18446744073709551615:1:0", "1.a 5 99999999999999999999999:1:0",
	"1.a 5 1:99999999999999999999999:0", "../1.a 5 1:1:0",
	".a 5 1:1:0", "a/b 5 1:1:0", ":2,S 5 1:1:0", "1.a 5 1:1:0x",
};

START_TEST(a_line_of_another_form_is_passed_over_and_counted)
{
	char text[256] = "/3 2 1\n1.x:2, 5 1:1:0\n";

	strcat(text, bad_lines[_i]);
	strcat(text, "\n2.y:2, 5 2:1:0\n");
	ck_assert_ptr_null(read_list(text));
	ck_assert_uint_eq(o.unread, 1);
	ck_assert_uint_eq(o.count, 2);
	is(0, "1.x", "UID1-1");
	is(1, "2.y", "UID2-1");
}
END_TEST

START_TEST(a_nul_or_a_missing_lf_costs_that_line_alone)
{
	static const char text[] = "/3 2 1\n1.a 5 1:1:0\0\n2.b 5 2:1:0\n"
	    "3.c 5 3:1:0";

	ck_assert_int_eq(old_read(&o, holding_octets(text, sizeof text - 1)),
	    0);
	ck_assert_ptr_null(courier_read(&o));
	ck_assert_uint_eq(o.count, 1);
	ck_assert_uint_eq(o.unread, 1);
	is(0, "2.b", "UID2-1");
}
END_TEST

static const char *const bad_headers[] = {
	"/", "/\n", "/3\n", "/3x 1 1\n", "/4 1 1\n", "/0 1 1\n", "/10 1\n",
	"/ 1\n", "/-1 1\n",
};

START_TEST(another_version_is_refused)
{
	ck_assert_ptr_nonnull(read_list(bad_headers[_i]));
	ck_assert_uint_eq(o.count, 0);
}
END_TEST

START_TEST(a_name_of_255_octets_fits_and_its_escapes_may_not)
{
	char text[300];

	memset(text, '+', 255);
	strcpy(text + 255, " 5\n");
	ck_assert_ptr_null(read_list(text));
	ck_assert_uint_eq(o.count, 1);
	ck_assert_str_eq(old_text(&o, o.list[0].uidl), "");
}
END_TEST

START_TEST(an_empty_list_has_no_records)
{
	ck_assert_ptr_null(read_list(""));
	ck_assert_uint_eq(o.count, 0);
}
END_TEST

Suite *courier_suite(void)
{
	Suite *s = suite_create("courier");
	TCase *c = unit_case(s, "courierpop3dsizelist (P-48)");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, version_0_shows_names);
	tcase_add_test(c, version_1_shows_numbers);
	tcase_add_test(c, version_2_shows_numbers_and_the_uidvalidity);
	tcase_add_test(c, version_3_says_whether_it_is_utf8_too);
	tcase_add_loop_test(c, a_line_of_another_form_is_passed_over_and_counted,
	    0, COUNT(bad_lines));
	tcase_add_test(c, a_nul_or_a_missing_lf_costs_that_line_alone);
	tcase_add_loop_test(c, another_version_is_refused, 0,
	    COUNT(bad_headers));
	tcase_add_test(c, a_name_of_255_octets_fits_and_its_escapes_may_not);
	tcase_add_test(c, an_empty_list_has_no_records);
	return s;
}
