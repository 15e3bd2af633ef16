/* test_xuidl.c - the X-UIDL header of a message. */
#include "unit.h"

#include "admin/xuidl.h"

#include <string.h>

static char buf[XUIDL_HEADER];

/* "-" where there is none. */
static const char *value_of(const char *text)
{
	static char value[256];
	const char *v;
	size_t len;

	switch (xuidl_read(holding(text), buf, &v, &len)) {
	case 1:
		ck_assert_uint_lt(len, sizeof value);
		memcpy(value, v, len);
		value[len] = '\0';
		return value;
	case 0:
		return "-";
	default:
		return "error";
	}
}

/* As Dovecot 2.3 shows them; but blanks at the end are cut, as clients do. */
static const struct {
	const char *text, *value;
} cases[] = {
	{ "X-UIDL: plain\n\nb\n", "plain" },
	{ "x-uidl: lower\n\nb\n", "lower" },
	{ "X-UIDL:nospace\n\nb\n", "nospace" },
	{ "X-UIDL:   spaces  \t \n\nb\n", "spaces" },
	{ "X-UIDL: two words\n\nb\n", "two words" },
	{ "X-UIDL: first\nX-UIDL: second\n\nb\n", "first" },
	{ "X-UIDL:\n folded\n\nb\n", "" },
	{ "X-UIDL: a\n\tb\n\nb\n", "" },
	{ "X-UIDL:\n\nb\n", "" },
	{ "X-UIDL:  \nX-UIDL: second\n\nb\n", "" },
	{ "X-UIDL : blank\n\nb\n", "blank" },
	{ "Subject: x\n\nX-UIDL: body\n", "-" },
	{ "Subject: x\r\n\r\nX-UIDL: body\n", "-" },
	{ "X-UIDL: eof", "eof" },
	{ "X-UIDL: crlf\r\n\r\nb\r\n", "crlf" },
	{ "From x y z\nX-UIDL: afterfrom\n\nb\n", "afterfrom" },
	{ "nocolon\nX-UIDL: afterjunk\n\nb\n", "afterjunk" },
	{ " lead\nX-UIDL: afterlead\n\nb\n", "afterlead" },
	{ "Subject: a\n X-UIDL: folded\n\nb\n", "-" },
	{ "X-UIDLX: other\n\nb\n", "-" },
	{ "X-UIDL\n\nb\n", "-" },
	{ "X-UIDL", "-" },
	{ "X-UIDL:", "" },
	{ "X-UIDL \t", "-" },
	{ "", "-" },
	{ "\nX-UIDL: body\n", "-" },
};

START_TEST(the_first_one_in_the_header_counts)
{
	ck_assert_str_eq(value_of(cases[_i].text), cases[_i].value);
}
END_TEST

START_TEST(far_into_a_message_nobody_looks)
{
	static char text[2 * XUIDL_HEADER];

	memset(text, 'x', sizeof text - 32);
	memcpy(text + XUIDL_HEADER - 9, "\nX-UIDL: a\n\n", 13);
	ck_assert_str_eq(value_of(text), "");
	memset(text, 'x', sizeof text - 32);
	memcpy(text + XUIDL_HEADER, "\nX-UIDL: a\n\n", 13);
	ck_assert_str_eq(value_of(text), "-");
}
END_TEST

Suite *xuidl_suite(void)
{
	Suite *s = suite_create("xuidl");
	TCase *c = unit_case(s, "pop3_reuse_xuidl (P-48)");

	tcase_add_loop_test(c, the_first_one_in_the_header_counts, 0,
	    COUNT(cases));
	tcase_add_test(c, far_into_a_message_nobody_looks);
	return s;
}
