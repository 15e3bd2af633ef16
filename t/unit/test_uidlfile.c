/* test_uidlfile.c - UIDLs from another server, as a session has them. */
#include "unit.h"

#include "mail/maildir.h"
#include "mail/uidlfile.h"

#include <string.h>

static const char *box;
static struct maildir m;
static struct uidlfile *f;

static void setup(void)
{
	box = new_maildir();
	ck_assert_int_eq(maildir_open(&m, box), 0);
}

static void teardown(void)
{
	uidlfile_free(&f);
	maildir_close(&m);
}

static int reads(const char *text, size_t len)
{
	put_octets(box, UIDLFILE_NAME, text, len);
	return uidlfile_read(&m, &f);
}

static const char *word(const void *arg, uint32_t i, size_t *len)
{
	const char *const *words = arg;

	*len = strlen(words[i]);
	return words[i];
}

static const char *uidl(size_t message)
{
	size_t len;
	const char *u = uidlfile_uidl(f, message, &len);

	ck_assert(u == NULL || strlen(u) == len);
	return u == NULL ? "-" : u;
}

START_TEST(lines_give_uidls_and_numbers)
{
	static const char text[] = UIDLFILE_HEADER "c 3.c\ngone 9.z\na 1.a\n";
	static const char *const words[] = { "1.a", "2.b", "3.c", "4.d" };
	const struct match_names names = { COUNT(words), word, words };
	static const size_t order[] = { 2, 0, 1, 3 };
	size_t i;

	ck_assert_int_eq(reads(text, sizeof text - 1), 0);
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(uidlfile_number(f, &names), 0);
	for (i = 0; i < COUNT(order); i++) {
		ck_assert_uint_eq(uidlfile_message(f, i), order[i]);
		ck_assert_uint_eq(uidlfile_number_of(f, order[i]), i);
	}
	ck_assert_str_eq(uidl(0), "a");
	ck_assert_str_eq(uidl(1), "-");
	ck_assert_str_eq(uidl(2), "c");
	ck_assert(uidlfile_has(f, "gone", 4));
	ck_assert(!uidlfile_has(f, "gon", 3));
	ck_assert(!uidlfile_has(f, "1.a", 3));
}
END_TEST

START_TEST(no_file_is_no_error)
{
	ck_assert_int_eq(uidlfile_read(&m, &f), 0);
	ck_assert_ptr_null(f);
}
END_TEST

START_TEST(a_header_alone_names_nobody)
{
	static const char *const words[] = { "1.a" };
	const struct match_names names = { 1, word, words };

	ck_assert_int_eq(reads(UIDLFILE_HEADER, strlen(UIDLFILE_HEADER)), 0);
	ck_assert_int_eq(uidlfile_number(f, &names), 0);
	ck_assert_uint_eq(uidlfile_message(f, 0), 0);
	ck_assert_str_eq(uidl(0), "-");
}
END_TEST

static const char *const other_kinds[] = {
	"", "\n", "maildir-pop3d-uidl", "maildir-pop3d-uidl 1",
	"maildir-pop3d-uidl 1x\n", "maildir-pop3d-uidl 2\n",
	"Maildir-pop3d-uidl 1\n", "maildir-pop3d-uidl 1\r\n",
	"3 V1795461710 N9\n1 :1.a\n",
};

START_TEST(a_file_of_another_kind_is_an_error)
{
	ck_assert_int_eq(reads(other_kinds[_i], strlen(other_kinds[_i])), -1);
	ck_assert_ptr_null(f);
}
END_TEST

/* Whatever octets there are: no UIDL of another kind comes out. */
START_TEST(random_lines_do_no_harm)
{
	static const char *const words[] = { "1.a", "2.b", "3.c", "1", "a" };
	const struct match_names names = { COUNT(words), word, words };
	static const char some[] = "ab1.~! \n\n\0\xff:/23c";
	uint32_t seed = (uint32_t)_i + 1;
	char text[400] = UIDLFILE_HEADER;
	size_t len = strlen(text), i, j, n;
	bool seen[COUNT(words)] = { false };

	while (len < sizeof text)
		text[len++] = some[dice(&seed) % (sizeof some - 1)];
	ck_assert_int_eq(reads(text, len), 0);
	ck_assert_int_eq(uidlfile_number(f, &names), 0);
	for (i = 0; i < COUNT(words); i++) {
		const char *u = uidlfile_uidl(f, i, &n);

		ck_assert(u == NULL || uidl_known_ok(u, n));
		for (j = 0; j < i; j++)
			ck_assert(u == NULL || strcmp(uidl(j), u) != 0);
		ck_assert(!seen[uidlfile_message(f, i)]);
		seen[uidlfile_message(f, i)] = true;
		ck_assert_uint_eq(uidlfile_message(f,
		    uidlfile_number_of(f, i)), i);
	}
}
END_TEST

Suite *uidlfile_suite(void)
{
	Suite *s = suite_create("uidlfile");
	TCase *c = unit_case(s, "UIDLs from another server (P-44, P-49)");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, lines_give_uidls_and_numbers);
	tcase_add_test(c, no_file_is_no_error);
	tcase_add_test(c, a_header_alone_names_nobody);
	tcase_add_loop_test(c, a_file_of_another_kind_is_an_error, 0,
	    COUNT(other_kinds));
	tcase_add_loop_test(c, random_lines_do_no_harm, 0, 40);
	return s;
}
