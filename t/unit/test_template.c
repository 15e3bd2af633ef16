/* test_template.c - a login name put into the operator's path. */
#include "unit.h"

#include "login/template.h"

#include <string.h>

static char out[64];

static const struct {
	const char *template, *user, *expect;
} fits[] = {
	{ "Maildir", "alice", "Maildir" },
	{ "", "alice", "" },
	{ "/var/mail/%u", "alice", "/var/mail/alice" },
	{ "/var/mail/%u", "Alice@Example.ORG", "/var/mail/alice@example.org" },
	{ "/var/mail/%d/%n", "alice@example.org",
	    "/var/mail/example.org/alice" },
	{ "%d/%n", "a@b@c", "b@c/a" },
	{ "%n", "alice", "alice" },
	{ "100%%/%n%%", "alice", "100%/alice%" },
	{ "%%u", "alice", "%u" },
	{ "%u%u", "a.b+c_d-9", "a.b+c_d-9a.b+c_d-9" },
	{ "Mail/UPPER/%u", "BOB", "Mail/UPPER/bob" },
};

START_TEST(each_form_gives_its_part_in_lower_case)
{
	ck_assert_int_eq(template_expand(fits[_i].template, fits[_i].user,
	    out, sizeof out), 0);
	ck_assert_str_eq(out, fits[_i].expect);
}
END_TEST

static const struct {
	const char *template, *user;
} fails[] = {
	{ "%x", "alice" }, { "%", "alice" }, { "a/%", "alice" },
	{ "%U", "alice" }, { "%{user}", "alice" }, { "%Lu", "alice" },
	{ "%h", "alice" }, { "%d", "alice" }, { "%d", "alice@" },
	{ "%1u", "alice" },
};

START_TEST(an_unknown_form_or_a_missing_part_fails)
{
	memset(out, 'x', sizeof out);
	ck_assert_int_eq(template_expand(fails[_i].template, fails[_i].user,
	    out, sizeof out), -1);
	ck_assert_str_eq(out, "");
}
END_TEST

static const char *const hostile[] = { "", ".", "..", "../x", "a/b", "/",
	".hidden", "a..b", "..a", "a..", "@", "@b", "a@", ".a@b", "a@.b",
	"a@..", "a b", "a\tb", "a\nb", "a:b", "a%b", "%u", "a\\b", "a~b", "~",
	"$HOME", "a*", "\xc3\xa4", "a\x7f", "a,b", "a=b", "a;b", "a'b" };

START_TEST(a_hostile_name_becomes_no_path)
{
	const char *name = hostile[_i];

	ck_assert(!template_name_ok(name, strlen(name)));
	ck_assert_int_eq(template_expand("%u", name, out, sizeof out), -1);
	ck_assert_int_eq(template_expand("x%n", name, out, sizeof out), -1);
	ck_assert_int_eq(template_expand("x/%d", name, out, sizeof out), -1);
}
END_TEST

START_TEST(a_name_that_is_not_wanted_does_not_matter)
{
	ck_assert_int_eq(template_expand("Maildir", hostile[_i], out,
	    sizeof out), 0);
	ck_assert_str_eq(out, "Maildir");
	ck_assert_int_eq(template_expand("%%", hostile[_i], out, sizeof out),
	    0);
}
END_TEST

START_TEST(a_nul_makes_no_good_name)
{
	ck_assert(!template_name_ok("a\0b", 3));
	ck_assert(!template_name_ok("a\0", 2));
	ck_assert(template_name_ok("a\0b", 1));
}
END_TEST

START_TEST(each_single_octet_is_judged_by_the_rule)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+@-";
	int c;

	for (c = 0; c < 256; c++) {
		char name[] = { 'a', (char)c, 'a' };

		ck_assert_int_eq(template_name_ok(name, 3),
		    c != 0 && strchr(good, c) != NULL);
	}
}
END_TEST

START_TEST(no_octet_is_written_beyond_the_room)
{
	char tight[8] = "-------";

	ck_assert_int_eq(template_expand("x/%u", "alice", tight, 8), 0);
	ck_assert_str_eq(tight, "x/alice");
	memset(tight, '-', sizeof tight);
	ck_assert_int_eq(template_expand("x/%u", "alice", tight, 7), -1);
	ck_assert_int_eq(tight[7], '-');
	ck_assert_str_eq(tight, "");
	ck_assert_int_eq(template_expand("abcdefgh", "a", tight, 8), -1);
	ck_assert_int_eq(template_expand("", "a", tight, 0), -1);
}
END_TEST

START_TEST(a_home_is_put_in_as_it_stands)
{
	ck_assert_int_eq(template_expand_home("%h/%n", "Al", "/Home/A%u",
	    out, sizeof out), 0);
	ck_assert_str_eq(out, "/Home/A%u/al");
	ck_assert_int_eq(template_expand_home("%h/x", "al", "", out,
	    sizeof out), -1);
}
END_TEST

START_TEST(the_command_line_is_told_what_a_template_wants)
{
	ck_assert_int_eq(template_check("Maildir"), 0);
	ck_assert_int_eq(template_check("a%%b"), 0);
	ck_assert_int_eq(template_check("/m/%d/%n"), 1);
	ck_assert_int_eq(template_check("%%%u"), 1);
	ck_assert_int_eq(template_check("%%u"), 0);
	ck_assert_int_eq(template_check("%u%"), -1);
	ck_assert_int_eq(template_check("%u/%x"), -1);
	ck_assert_int_eq(template_check("%h"), -1);
	ck_assert_int_eq(template_check("%%%"), -1);
}
END_TEST

Suite *template_suite(void)
{
	Suite *s = suite_create("template");
	TCase *tc = unit_case(s, "forms (P-58, interface)");

	tcase_add_loop_test(tc, each_form_gives_its_part_in_lower_case, 0,
	    COUNT(fits));
	tcase_add_loop_test(tc, an_unknown_form_or_a_missing_part_fails, 0,
	    COUNT(fails));
	tcase_add_test(tc, no_octet_is_written_beyond_the_room);
	tcase_add_test(tc, a_home_is_put_in_as_it_stands);
	tcase_add_test(tc, the_command_line_is_told_what_a_template_wants);

	tc = unit_case(s, "names (S-7)");
	tcase_add_loop_test(tc, a_hostile_name_becomes_no_path, 0,
	    COUNT(hostile));
	tcase_add_loop_test(tc, a_name_that_is_not_wanted_does_not_matter, 0,
	    COUNT(hostile));
	tcase_add_test(tc, a_nul_makes_no_good_name);
	tcase_add_test(tc, each_single_octet_is_judged_by_the_rule);
	return s;
}
