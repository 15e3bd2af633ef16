/* test_match.c - which line of a list is about which message. */
#include "unit.h"

#include "mail/match.h"

#include <string.h>

#define MOST 6

static const char *word(const void *arg, uint32_t i, size_t *len)
{
	const char *const *words = arg;

	*len = strlen(words[i]);
	return words[i];
}

static size_t count(const char *const words[])
{
	size_t n = 0;

	while (words[n] != NULL)
		n++;
	return n;
}

static uint32_t found[MOST];

static void match(const char *const lines[], const char *const messages[])
{
	const struct match_names l = { count(lines), word, lines };
	const struct match_names m = { count(messages), word, messages };

	memset(found, 0xee, sizeof found);
	ck_assert_int_eq(match_names(&l, &m, found), 0);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NOTHING ((const char *const[]){ NULL })

START_TEST(a_message_has_the_line_with_its_name)
{
	match(WORDS("3.c", "1.a", "2.b"), WORDS("1.a", "2.b", "4.d", "3.c"));
	ck_assert_uint_eq(found[0], 1);
	ck_assert_uint_eq(found[1], 2);
	ck_assert_uint_eq(found[2], MATCH_NONE);
	ck_assert_uint_eq(found[3], 0);
}
END_TEST

START_TEST(a_size_in_the_name_may_have_been_corrected)
{
	match(WORDS("1.a,S=1,W=2", "2.b"), WORDS("1.a,S=1,W=3", "2.b,S=7"));
	ck_assert_uint_eq(found[0], 0);
	ck_assert_uint_eq(found[1], 1);
}
END_TEST

START_TEST(the_whole_name_goes_before_the_key)
{
	match(WORDS("1.a,S=1", "1.a,S=2"), WORDS("1.a,S=2", "1.a,S=1"));
	ck_assert_uint_eq(found[0], 1);
	ck_assert_uint_eq(found[1], 0);
	/* one line, one message left: of the same key, it is the same */
	match(WORDS("1.a,S=1", "1.a,S=2"), WORDS("1.a,S=2", "1.a,S=3"));
	ck_assert_uint_eq(found[0], 1);
	ck_assert_uint_eq(found[1], 0);
}
END_TEST

START_TEST(a_key_that_two_have_is_nobodys)
{
	match(WORDS("1.a,S=1"), WORDS("1.a,S=2", "1.a,S=3"));
	ck_assert_uint_eq(found[0], MATCH_NONE);
	ck_assert_uint_eq(found[1], MATCH_NONE);
	match(WORDS("1.a,S=1", "1.a,S=2"), WORDS("1.a,S=3"));
	ck_assert_uint_eq(found[0], MATCH_NONE);
}
END_TEST

START_TEST(no_line_is_two_messages)
{
	match(WORDS("1.a", "1.a"), WORDS("1.a", "9.z"));
	ck_assert_uint_eq(found[0], 0);
	ck_assert_uint_eq(found[1], MATCH_NONE);
}
END_TEST

START_TEST(without_lines_or_messages_there_is_nothing)
{
	match(NOTHING, WORDS("1.a"));
	ck_assert_uint_eq(found[0], MATCH_NONE);
	match(WORDS("1.a"), NOTHING);
	match(NOTHING, NOTHING);
}
END_TEST

Suite *match_suite(void)
{
	Suite *s = suite_create("match");
	TCase *c = unit_case(s, "the same message (P-143)");

	tcase_add_test(c, a_message_has_the_line_with_its_name);
	tcase_add_test(c, a_size_in_the_name_may_have_been_corrected);
	tcase_add_test(c, the_whole_name_goes_before_the_key);
	tcase_add_test(c, a_key_that_two_have_is_nobodys);
	tcase_add_test(c, no_line_is_two_messages);
	tcase_add_test(c, without_lines_or_messages_there_is_nothing);
	return s;
}
