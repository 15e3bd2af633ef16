/* test_name.c - what a file name in a Maildir says. */
#include "unit.h"

#include "mail/name.h"

#include <string.h>

static const struct {
	const char *name;
	size_t unique, key;
} part[] = {
	{ "1700000000.M1P2.host,S=1234,W=1270:2,RS", 34, 20 },
	{ "1.a:2,S", 3, 3 }, { "1.a", 3, 3 }, { "1.a,S=3", 7, 3 },
	{ "1.a:2,S:x", 3, 3 }, { "1.a:2,S,W=1", 3, 3 }, { ",", 1, 0 },
	{ ":", 0, 0 }, { "", 0, 0 },
};

START_TEST(a_name_has_a_unique_part_and_a_key)
{
	ck_assert_uint_eq(name_unique(part[_i].name), part[_i].unique);
	ck_assert_uint_eq(name_key(part[_i].name), part[_i].key);
}
END_TEST

static const char *const not_ok[] = { "", ".", "..", ".hidden", "a/b", "/a",
	"../cur/1.a", "1.a/" };

START_TEST(what_cannot_be_a_file_of_this_directory_is_no_name)
{
	ck_assert(!name_ok(not_ok[_i]));
}
END_TEST

START_TEST(any_other_octets_are_a_name_up_to_255_of_them)
{
	char name[NAME_LIMIT + 2];

	ck_assert(name_ok("1.a:2,S"));
	ck_assert(name_ok("a.."));
	ck_assert(name_ok("-"));
	ck_assert(name_ok("\n\x1b\xff%n"));
	memset(name, 'a', sizeof name);
	name[NAME_LIMIT] = '\0';
	ck_assert(name_ok(name));
	name[NAME_LIMIT] = 'a';
	name[NAME_LIMIT + 1] = '\0';
	ck_assert(!name_ok(name));
}
END_TEST

#define NONE UINT64_MAX

static const struct {
	const char *name;
	uint64_t s, w;
} field[] = {
	{ "1.a,S=1234,W=1270:2,S", 1234, 1270 },
	{ "1.a,W=1270,S=1234", 1234, 1270 },
	{ "1.a,S=0012", 12, NONE },
	{ "1.a,Q=5,S=7,X", 7, NONE },
	{ "1.a", NONE, NONE }, { "1.a,", NONE, NONE }, { "1.a,S", NONE, NONE },
	{ "1.a,S=", NONE, NONE }, { "1.a,S=:2,", NONE, NONE },
	{ "1.a,S=12x,W=3", NONE, 3 }, { "1.a,S=-1", NONE, NONE },
	{ "1.a,S=+1", NONE, NONE }, { "1.a,S= 1", NONE, NONE },
	{ "1.a,s=5,w=5", NONE, NONE },
	{ "1.a,SS=5", NONE, NONE }, { "1.aS=5", NONE, NONE },
	{ "S=5", NONE, NONE },
	{ "1.a:2,S=5,W=6", NONE, NONE },	/* behind the colon: flags */
	{ "1.a,S=5:2,W=6", 5, NONE },
};

START_TEST(a_size_field_is_digits_up_to_comma_colon_or_end)
{
	uint64_t s = NONE, w = NONE;

	ck_assert_int_eq(name_field(field[_i].name, 'S', &s),
	    field[_i].s == NONE ? -1 : 0);
	ck_assert_int_eq(name_field(field[_i].name, 'W', &w),
	    field[_i].w == NONE ? -1 : 0);
	ck_assert_uint_eq(s, field[_i].s);
	ck_assert_uint_eq(w, field[_i].w);
}
END_TEST

START_TEST(flags_stand_behind_colon_2_comma_and_nowhere_else)
{
	ck_assert(name_has_flag("1.a:2,FS", 'S'));
	ck_assert(name_has_flag("1.a:2,FS", 'F'));
	ck_assert(!name_has_flag("1.a:2,FS", 'T'));
	ck_assert(!name_has_flag("1.a:2,", 'S'));
	ck_assert(!name_has_flag("1.aS", 'S'));
	ck_assert(!name_has_flag("1.aT:1,T", 'T'));
	ck_assert(!name_has_flag("1.a:T", 'T'));
	ck_assert(!name_has_flag("1.a:3,T", 'T'));
	ck_assert(!name_has_flag("1.a:2T", 'T'));
	ck_assert(!name_has_flag("1.a:2,s", 'S'));
}
END_TEST

static const struct {
	const char *name;
	char flag;
	const char *flagged;	/* NULL: it cannot be done */
} added[] = {
	{ "1.a", 'S', "1.a:2,S" },
	{ "1.a,S=3", 'T', "1.a,S=3:2,T" },
	{ "1.a:2,", 'S', "1.a:2,S" },
	{ "1.a:2,RT", 'S', "1.a:2,RST" },
	{ "1.a:2,DF", 'S', "1.a:2,DFS" },
	{ "1.a:2,T", 'S', "1.a:2,ST" },
	{ "1.a:2,Rab", 'S', "1.a:2,RSab" },	/* keywords come last */
	{ "1.a:2,\xe4", 'S', "1.a:2,S\xe4" },
	{ "1.a:2,S", 'S', "1.a:2,S" },
	{ "1.a:2,TS", 'S', "1.a:2,TS" },	/* wrong order, but there */
	{ "1.a:1,x", 'S', NULL },		/* other info is left alone */
	{ "1.a:3,S", 'S', NULL },
	{ "1.a:", 'S', NULL },
	{ "1.a:2", 'S', NULL },
};

START_TEST(a_flag_is_added_in_ascii_order)
{
	char out[NAME_LIMIT + 1] = "untouched";

	ck_assert_int_eq(name_add_flag(added[_i].name, added[_i].flag, out),
	    added[_i].flagged == NULL ? -1 : 0);
	if (added[_i].flagged != NULL)
		ck_assert_str_eq(out, added[_i].flagged);
}
END_TEST

/* A name of len octets that ends in end. */
static const char *name_of(size_t len, const char *end)
{
	static char name[NAME_LIMIT + 2];

	memset(name, 'a', len);
	strcpy(name + len - strlen(end), end);
	return name;
}

START_TEST(a_name_never_grows_beyond_255_octets)
{
	char out[NAME_LIMIT + 2];

	out[NAME_LIMIT + 1] = '#';
	ck_assert_int_eq(name_add_flag(name_of(251, ""), 'S', out), 0);
	ck_assert_uint_eq(strlen(out), 255);
	ck_assert_int_eq(name_add_flag(name_of(252, ""), 'S', out), -1);
	ck_assert_int_eq(name_add_flag(name_of(254, ":2,R"), 'S', out), 0);
	ck_assert_uint_eq(strlen(out), 255);
	ck_assert_int_eq(name_add_flag(name_of(255, ":2,R"), 'S', out), -1);
	ck_assert_int_eq(name_add_flag(name_of(255, ":2,S"), 'S', out), 0);
	ck_assert_int_eq(name_add_copy(name_of(253, ":2,S"), 2, out), 0);
	ck_assert_uint_eq(strlen(out), 255);
	ck_assert_int_eq(name_add_copy(name_of(253, ":2,S"), 10, out), -1);
	ck_assert_int_eq(name_add_copy(name_of(254, ":2,S"), 2, out), -1);
	ck_assert_int_eq(out[NAME_LIMIT + 1], '#');
}
END_TEST

START_TEST(a_copy_is_marked_behind_its_unique_name)
{
	char out[NAME_LIMIT + 1];

	ck_assert_int_eq(name_add_copy("1.a,S=3:2,S", 2, out), 0);
	ck_assert_str_eq(out, "1.a,S=3~2:2,S");
	ck_assert_int_eq(name_add_copy("1.a", 10, out), 0);
	ck_assert_str_eq(out, "1.a~10");
	ck_assert_int_eq(name_add_copy("1.a:other", 4294967295U, out), 0);
	ck_assert_str_eq(out, "1.a~4294967295:other");
}
END_TEST

/* Each stands before the next. */
static const char *const ascending[] = {
	"",				/* no number is 0 */
	"-5", ".5", "0", "00", "0a", "a", "z", "\xe4",
	"01", "1", "1.", "1.a", "1.a,", "1.b",
	"2", "9", "10", "0011", "11", "99", "100",
	"1699999999.z", "1700000000.a", "1700000000.b",
	"18446744073709551615",		/* 2^64-1 */
	"18446744073709551616",		/* 2^64: not 0 */
	"18446744073709551617",
	"00018446744073709551618.a", "18446744073709551618.a",
	"99999999999999999999", "100000000000000000000",
	"340282366920938463463374607431768211456",
};

static int compare(const char *a, const char *b)
{
	return name_compare(a, strlen(a), b, strlen(b));
}

START_TEST(names_stand_in_the_order_of_their_numbers_then_of_their_octets)
{
	size_t i, j;

	for (i = 0; i < COUNT(ascending); i++)
		for (j = 0; j < COUNT(ascending); j++) {
			int order = compare(ascending[i], ascending[j]);

			if ((i < j && order >= 0) || (i > j && order <= 0) ||
			    (i == j && order != 0))
				ck_abort_msg("\"%s\" and \"%s\": %d",
				    ascending[i], ascending[j], order);
		}
	ck_assert_int_lt(compare("2", "10"), 0);
}
END_TEST

START_TEST(only_the_unique_names_are_compared)
{
	ck_assert_int_eq(name_compare("1.a:2,S", 3, "1.a:2,RS", 3), 0);
	ck_assert_int_eq(name_compare("1.a:2,S", 3, "1.a", 3), 0);
	ck_assert_int_lt(name_compare("1.a:2,S", 3, "1.a,S=1", 7), 0);
}
END_TEST

START_TEST(the_quick_key_never_contradicts_the_order)
{
	size_t i;

	for (i = 1; i < COUNT(ascending); i++)
		ck_assert_uint_le(name_order(ascending[i - 1]),
		    name_order(ascending[i]));
	ck_assert_uint_eq(name_order("0017.a"), 17);
	ck_assert_uint_eq(name_order("a17"), 0);
	ck_assert_uint_eq(name_order("18446744073709551616"), NAME_ORDER_TOP);
	ck_assert_uint_eq(name_order("99999999999999999999"), NAME_ORDER_TOP);
}
END_TEST

Suite *name_suite(void)
{
	Suite *s = suite_create("name");
	TCase *tc = unit_case(s, "parts (P-45, P-143)");

	tcase_add_loop_test(tc, a_name_has_a_unique_part_and_a_key, 0,
	    COUNT(part));
	tc = unit_case(s, "names at all (S-7)");
	tcase_add_loop_test(tc,
	    what_cannot_be_a_file_of_this_directory_is_no_name, 0,
	    COUNT(not_ok));
	tcase_add_test(tc, any_other_octets_are_a_name_up_to_255_of_them);
	tc = unit_case(s, "size fields (P-147)");
	tcase_add_loop_test(tc,
	    a_size_field_is_digits_up_to_comma_colon_or_end, 0, COUNT(field));
	tc = unit_case(s, "flags (P-144)");
	tcase_add_test(tc,
	    flags_stand_behind_colon_2_comma_and_nowhere_else);
	tcase_add_loop_test(tc, a_flag_is_added_in_ascii_order, 0,
	    COUNT(added));
	tcase_add_test(tc, a_name_never_grows_beyond_255_octets);
	tcase_add_test(tc, a_copy_is_marked_behind_its_unique_name);
	tc = unit_case(s, "order (P-49)");
	tcase_add_test(tc,
	    names_stand_in_the_order_of_their_numbers_then_of_their_octets);
	tcase_add_test(tc, only_the_unique_names_are_compared);
	tcase_add_test(tc, the_quick_key_never_contradicts_the_order);
	return s;
}
