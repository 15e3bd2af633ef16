/* test_dovecot.c - reads Dovecot's dovecot-uidlist. */
#include "unit.h"

#include "admin/dovecot.h"
#include "admin/uidlfmt.h"

#include <string.h>

#define V "3 V1795461710 N9 G000102030405060708090a0b0c0d0e0f\n"

static struct old o;

static void setup(void)
{
	memset(&o, 0, sizeof o);
}

static void teardown(void)
{
	old_free(&o);
}

static const char *read_list(const char *text, const char *format)
{
	ck_assert_int_eq(old_read(&o, holding(text)), 0);
	return dovecot_read(&o, format);
}

static void is(size_t i, const char *name, const char *uidl)
{
	ck_assert_uint_lt(i, o.count);
	ck_assert_str_eq(old_text(&o, o.list[i].name), name);
	ck_assert_str_eq(old_text(&o, o.list[i].uidl), uidl);
}

START_TEST(version_3_makes_uidls_of_uid_and_uidvalidity)
{
	ck_assert_ptr_null(read_list(V "1 W34 :1.a:2,S\n26 :2.b,S=5,W=6\n"
	    "4294967294 S1 W2 :3.c d\n", UIDLFMT_DEFAULT));
	ck_assert_uint_eq(o.version, 3);
	ck_assert_uint_eq(o.count, 3);
	is(0, "1.a", "000000016b04924e");
	is(1, "2.b,S=5,W=6", "0000001a6b04924e");
	is(2, "3.c d", "fffffffe6b04924e");
	ck_assert(!o.list[0].fixed);
}
END_TEST

START_TEST(versions_1_and_2_are_read_too)
{
	ck_assert_ptr_null(read_list("1 1795461710 9\n1 1.a:2,S\n2 2.b c\n",
	    UIDLFMT_DEFAULT));
	ck_assert_uint_eq(o.version, 1);
	is(0, "1.a", "000000016b04924e");
	is(1, "2.b c", "000000026b04924e");
	old_free(&o);
	ck_assert_ptr_null(read_list("2 1795461710 9\n1 0 1.a:2,S\n",
	    UIDLFMT_DEFAULT));
	ck_assert_uint_eq(o.version, 2);
	is(0, "1.a", "000000016b04924e");
	old_free(&o);
	ck_assert_ptr_null(read_list("2 V1795461710 N9\n1 0 1.a\n", "%u.%v"));
	is(0, "1.a", "1.1795461710");
}
END_TEST

START_TEST(p_is_the_uidl_and_an_empty_one_means_the_name)
{
	ck_assert_ptr_null(read_list(V "1 Pold-1 :1.a:2,S\n2 P :2.b:2,S\n"
	    "3 Pfoo W3 Pbar :3.c\n4 W3 G P!~ :4.d\n", "%u"));
	is(0, "1.a", "old-1");
	is(1, "2.b", "2.b");
	is(2, "3.c", "foo");
	is(3, "4.d", "!~");
	ck_assert(o.list[0].fixed && o.list[1].fixed);
}
END_TEST

START_TEST(g_is_the_guid_and_without_it_the_name_is)
{
	ck_assert_ptr_null(read_list(V "1 Gabc :1.a:2,S\n2 :2.b\n3 G :3.c\n",
	    "%g/%f"));
	is(0, "1.a", "abc/1.a");
	is(1, "2.b", "2.b/2.b");
	is(2, "3.c", "3.c/3.c");
}
END_TEST

/* In the order of O and uid: a, b ... */
START_TEST(who_has_an_o_comes_first)
{
	static const char letters[] = "cfaegbdh";
	size_t i, j;

	ck_assert_ptr_null(read_list(V "1 O5 :c\n2 :f\n3 O0 :a\n"
	    "4 O4294967294 :e\n5 Oabc :g\n6 O1 :b\n7 O5 :d\n8 O4294967296 :h\n",
	    "%u"));
	ck_assert_uint_eq(o.count, 8);
	for (i = 0; i < o.count; i++)
		for (j = 0; j < o.count; j++)
			ck_assert_int_eq(letters[i] < letters[j],
			    o.list[i].rank < o.list[j].rank);
}
END_TEST

static const char *const bad_lines[] = {
	"", " ", "x :9.z", "0 :9.z", "4294967295 :9.z", "99999999999 :9.z",
	"-1 :9.z", "5", "5 ", "5:9.z", "5 9.z", "5 W1 9.z", "5 :", "5 ::2,S",
	"5 :../9.z", "5 :a/b", "5 :.z", " 5 :9.z", "5x :9.z",
};

START_TEST(a_line_of_another_form_is_passed_over_and_counted)
{
	char text[256] = V "1 :1.a\n";

	strcat(text, bad_lines[_i]);
	strcat(text, "\n2 :2.b\n");
	ck_assert_ptr_null(read_list(text, "%u"));
	ck_assert_uint_eq(o.unread, 1);
	ck_assert_uint_eq(o.count, 2);
	is(0, "1.a", "1");
	is(1, "2.b", "2");
}
END_TEST

START_TEST(a_nul_or_a_missing_lf_costs_that_line_alone)
{
	static const char text[] = V "1 :1.a\0\n2 :2.b\n3 :3.c";

	ck_assert_int_eq(old_read(&o, holding_octets(text, sizeof text - 1)),
	    0);
	ck_assert_ptr_null(dovecot_read(&o, "%u"));
	ck_assert_uint_eq(o.count, 1);
	ck_assert_uint_eq(o.unread, 1);
	is(0, "2.b", "2");
}
END_TEST

static const char *const bad_headers[] = {
	"", "\n", "3", "3\n", "3 \n", "3 N9 Gx\n", "3 V0 N9\n",
	"3 V4294967296 N9\n", "3 Vx\n", "3 V\n", "4 V1 N9\n", "33 V1 N9\n",
	"1 0 5\n", "1 x 5\n", "1\n", "1 99999999999999999999 5\n", "V1 3\n",
	" 3 V1 N2\n", "-3 V1\n",
};

START_TEST(another_header_is_refused)
{
	ck_assert_ptr_nonnull(read_list(bad_headers[_i], "%u"));
	ck_assert_uint_eq(o.count, 0);
}
END_TEST

START_TEST(what_is_too_long_for_a_uidl_is_none)
{
	char text[1200] = V "1 P";

	memset(text + strlen(text), 'p', 256);
	strcat(text, " :1.a\n2 P");
	memset(text + strlen(text), 'p', 255);
	strcat(text, " :2.b\n3 G");
	memset(text + strlen(text), 'g', 255);
	strcat(text, " :3.c\n");
	ck_assert_ptr_null(read_list(text, "x%g"));
	ck_assert_uint_eq(o.count, 3);
	is(0, "1.a", "");
	ck_assert_uint_eq(strlen(old_text(&o, o.list[1].uidl)), 255);
	is(2, "3.c", "");
}
END_TEST

Suite *dovecot_suite(void)
{
	Suite *s = suite_create("dovecot");
	TCase *c = unit_case(s, "dovecot-uidlist (P-48)");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, version_3_makes_uidls_of_uid_and_uidvalidity);
	tcase_add_test(c, versions_1_and_2_are_read_too);
	tcase_add_test(c, p_is_the_uidl_and_an_empty_one_means_the_name);
	tcase_add_test(c, g_is_the_guid_and_without_it_the_name_is);
	tcase_add_test(c, who_has_an_o_comes_first);
	tcase_add_loop_test(c, a_line_of_another_form_is_passed_over_and_counted,
	    0, COUNT(bad_lines));
	tcase_add_test(c, a_nul_or_a_missing_lf_costs_that_line_alone);
	tcase_add_loop_test(c, another_header_is_refused, 0,
	    COUNT(bad_headers));
	tcase_add_test(c, what_is_too_long_for_a_uidl_is_none);
	return s;
}
