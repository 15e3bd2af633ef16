/* test_texts.c - finds a text among many. */
#include "unit.h"

#include "mail/texts.h"

#include <stdio.h>
#include <string.h>

static const char *word(const void *arg, uint32_t i, size_t *len)
{
	const char *const *words = arg;

	*len = strlen(words[i]);
	return words[i];
}

static uint32_t find(const struct texts *t, const char *text)
{
	return texts_find(t, text, strlen(text));
}

START_TEST(each_text_is_found_and_no_other)
{
	static const char *const words[] = { "b", "", "a", "ab", "\xff" };
	struct texts t;
	uint32_t i;

	ck_assert_int_eq(texts_index(&t, COUNT(words), word, words), 0);
	for (i = 0; i < COUNT(words); i++)
		ck_assert_uint_eq(find(&t, words[i]), i);
	ck_assert_uint_eq(find(&t, "c"), TEXTS_NONE);
	ck_assert_uint_eq(find(&t, "abc"), TEXTS_NONE);
	ck_assert_uint_eq(texts_find(&t, "ab", 1), 2);
	texts_free(&t);
}
END_TEST

START_TEST(of_equal_texts_the_lowest_number_is_found)
{
	static const char *const words[] = { "x", "y", "x", "z", "y", "x" };
	struct texts t;

	ck_assert_int_eq(texts_index(&t, COUNT(words), word, words), 0);
	ck_assert_uint_eq(find(&t, "x"), 0);
	ck_assert_uint_eq(find(&t, "y"), 1);
	ck_assert_uint_eq(texts_find_only(&t, "x", 1), TEXTS_NONE);
	ck_assert_uint_eq(texts_find_only(&t, "y", 1), TEXTS_NONE);
	ck_assert_uint_eq(texts_find_only(&t, "z", 1), 3);
	ck_assert_uint_eq(texts_find_only(&t, "w", 1), TEXTS_NONE);
	texts_free(&t);
}
END_TEST

START_TEST(among_no_texts_nothing_is_found)
{
	struct texts t;

	ck_assert_int_eq(texts_index(&t, 0, word, NULL), 0);
	ck_assert_uint_eq(find(&t, ""), TEXTS_NONE);
	ck_assert_uint_eq(texts_find_only(&t, "", 0), TEXTS_NONE);
	texts_free(&t);
}
END_TEST

static char many[2000][16];

static const char *one_of_many(const void *arg, uint32_t i, size_t *len)
{
	(void)arg;
	*len = strlen(many[i]);
	return many[i];
}

START_TEST(many_are_found_as_few_are)
{
	struct texts t;
	uint32_t i;

	for (i = 0; i < COUNT(many); i++)	/* each twice, in no order */
		snprintf(many[i], sizeof many[0], "%u.host",
		    i % 1000 * 7919 % 1009);
	ck_assert_int_eq(texts_index(&t, COUNT(many), one_of_many, NULL), 0);
	for (i = 0; i < COUNT(many); i++)
		ck_assert_uint_eq(find(&t, many[i]), i % 1000);
	texts_free(&t);
}
END_TEST

Suite *texts_suite(void)
{
	Suite *s = suite_create("texts");
	TCase *c = unit_case(s, "a text among many (P-47)");

	tcase_add_test(c, each_text_is_found_and_no_other);
	tcase_add_test(c, of_equal_texts_the_lowest_number_is_found);
	tcase_add_test(c, among_no_texts_nothing_is_found);
	tcase_add_test(c, many_are_found_as_few_are);
	return s;
}
