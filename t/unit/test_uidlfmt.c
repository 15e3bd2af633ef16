/* test_uidlfmt.c - Dovecot's pop3_uidl_format. */
#include "unit.h"

#include "admin/uidlfmt.h"

#include <string.h>

static const struct uidlfmt_mail mail = { 1, 0x6b08860e,
	"1700000001.abcdefgh.host", "1700000001.abcdefgh.host" };

static const char *make_for(const char *format, const struct uidlfmt_mail *m)
{
	static char text[EDIT_MAX + 1];

	text[uidlfmt_make(format, m, text)] = '\0';
	return text;
}

static const char *make(const char *format)
{
	return make_for(format, &mail);
}

/* What Dovecot 2.3.19 showed for that message. */
static const struct {
	const char *format, *uidl;
} letters[] = {
	{ "%08Xu%08Xv", "000000016b08860e" },
	{ "%u", "1" }, { "%v", "1795720718" },
	{ "%f", "1700000001.abcdefgh.host" },
	{ "%g", "1700000001.abcdefgh.host" },
	{ "%-3f", "170" }, { "%5f", "17000" },
	{ "%Mf", "baa6edd79be3fb2c422bed589038726d" },
	{ "%5.3f", "000" }, { "%-4.2f", "ho" }, { "%-30.2f", "17" },
	{ "%-40f", "1700000001.abcdefgh.host" },
	{ "%-03f", "1700000001.abcdefgh.host" },
	{ "%02.4f", "0000" },
	{ "%Rf", "tsoh.hgfedcba.1000000071" },
	{ "%Hf", "a645c14" }, { "%16Hf", "4" }, { "%7.Hf", "a645c14" },
	{ "%Nf", "9be3fb2c" }, { "%10Nf", "6" }, { "%4Nu", "2" },
	{ "%Xf-%u", "0-1" },
	{ "%UXv", "6b08860e" }, { "%XUv", "6B08860E" },
	{ "%LUf", "1700000001.ABCDEFGH.HOST" },
	{ "%MMf", "42433760d3ad2a62499c4b80c31f64c1" },
	{ "%-5u", "1" }, { "%010u", "0000000001" }, { "%10u", "1" },
	{ "%%%u%%", "%1%" }, { "%u%", "1" },
	{ "%HNu", "fa475530" },
	{ "%LRUMf", "8ce5c40e21474599711a630c63959a19" },
	{ "%2.08Xu", "00000000" },
	{ "%05Mu", "c4ca4238a0b923820dcc509a6f75849b" },
	{ "a b%u", "a b1" },
	{ "x%u.%v", "x1.1795720718" },
};

START_TEST(letters_mean_what_they_mean_there)
{
	ck_assert_msg(uidlfmt_check(letters[_i].format) == NULL, "%s: %s",
	    letters[_i].format, uidlfmt_check(letters[_i].format));
	ck_assert_str_eq(make(letters[_i].format), letters[_i].uidl);
}
END_TEST

/* By the source of Dovecot 2.4. */
static const struct {
	const char *format, *uidl;
} words[] = {
	{ "%{uid | hex(8)}%{uidvalidity | hex(8)}", "000000016b08860e" },
	{ "%{uid|hex(8)}%{uidvalidity|hex(8)}", "000000016b08860e" },
	{ "%{ uid | hex ( 8 ) }", "00000001" },
	{ "%{uid}", "1" }, { "%{uidvalidity}", "1795720718" },
	{ "%{filename}/%{guid}",
	  "1700000001.abcdefgh.host/1700000001.abcdefgh.host" },
	{ "%{uidvalidity | hex}", "6b08860e" },
	{ "%{uidvalidity | hex(4)}", "860e" },
	{ "%{uidvalidity | hex(-4)}", "6b08" },
	{ "%{uid | hex(-4)}", "1000" },
	{ "%{uidvalidity | hex | upper}", "6B08860E" },
	{ "%{uidvalidity | hex | upper | lower}", "6b08860e" },
	{ "%{filename | md5 | hexlify}", "baa6edd79be3fb2c422bed589038726d" },
	{ "%{filename | md5 | hexlify(8)}", "baa6edd7" },
	{ "%{filename | reverse}", "tsoh.hgfedcba.1000000071" },
	{ "%{filename | substr(0, 3)}", "170" },
	{ "%{filename | substr(-4)}", "host" },
	{ "%{filename | substr(11, -5)}", "abcdefgh" },
	{ "%{filename | truncate(4)}", "1700" },
	{ "%{filename | truncate(99)}", "1700000001.abcdefgh.host" },
};

START_TEST(words_and_filters_mean_what_they_mean_there)
{
	ck_assert_ptr_null(uidlfmt_check(words[_i].format));
	ck_assert_str_eq(make(words[_i].format), words[_i].uidl);
}
END_TEST

static const char *const wrong[] = {
	"", "abc", "%", "%%", "abc%", "%m", "%z%u", "%{foo}%u", "%{uid",
	"%{}", "%{uid | }", "%{uid | foo}", "%{uid | hex(}", "%{uid | hex(8}",
	"%{uid | hex(x)}", "%{uid | hex(8, 8)}", "%{uid | hex(8) x}",
	"%{uid hex}", "%{filename | hex}", "%{filename | md5}",
	"%{uid | upper(1)}", "%{uid | truncate}", "%{uid | truncate(-1)}",
	"%{uid | substr()}", "%{uid | substr(99)}",
	"%{uid | substr(1, 2, 3)}", "%{uid | hexlify(-1)}",
	"%{uid | averyveryverylongname}", "%0-3f", "%Eu", "%Du", "%+u",
	"%99999999999u", "%1.1000u", "%LLLLLLLLLu", "%4.4",
};

START_TEST(what_dovecot_or_we_cannot_do_is_said)
{
	const char *why = uidlfmt_check(wrong[_i]);

	ck_assert_ptr_nonnull(why);
	ck_assert_uint_gt(strlen(why), 5);
}
END_TEST

START_TEST(what_does_not_fit_one_message_is_nothing_for_it)
{
	char long_name[EDIT_MAX + 1];
	struct uidlfmt_mail m = mail;

	memset(long_name, 'n', sizeof long_name);
	long_name[255] = '\0';
	m.filename = long_name;
	ck_assert_uint_eq(strlen(make_for("%f%f%f%f", &m)), 1020);
	ck_assert_str_eq(make_for("%f%f%f%f%f", &m), "");
	ck_assert_uint_eq(strlen(make_for("%f%f%f%fabcd", &m)), 1024);
	ck_assert_str_eq(make_for("%f%f%f%fabcde", &m), "");
	long_name[255] = 'n';
	long_name[600] = '\0';
	ck_assert_str_eq(make_for("%{filename | hexlify}", &m), "");
	m.filename = "";
	ck_assert_str_eq(make_for("%f", &m), "");
	ck_assert_str_eq(make_for("%{filename | substr(1)}", &m), "");
	ck_assert_str_eq(make_for("%{filename | hex}%u", &m), "");
	ck_assert_str_eq(make_for("%-3.2f%5.f%Rf%Mf", &m),
	    "d41d8cd98f00b204e9800998ecf8427e");
}
END_TEST

Suite *uidlfmt_suite(void)
{
	Suite *s = suite_create("uidlfmt");
	TCase *c = unit_case(s, "pop3_uidl_format (P-48)");

	tcase_add_loop_test(c, letters_mean_what_they_mean_there, 0,
	    COUNT(letters));
	tcase_add_loop_test(c, words_and_filters_mean_what_they_mean_there,
	    0, COUNT(words));
	tcase_add_loop_test(c, what_dovecot_or_we_cannot_do_is_said, 0,
	    COUNT(wrong));
	tcase_add_test(c, what_does_not_fit_one_message_is_nothing_for_it);
	return s;
}
