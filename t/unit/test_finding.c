/* test_finding.c - what --check says, line by line. */
#include "unit.h"

#include "admin/finding.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const words[] = {
	"plain", "/var/vmail/a.b@c-d_e+f,g%h:1", "", " ", "a b", "it's", "'",
	"$HOME", "`id`", "a;b", "*", "?", "~", "\\", "\"", "#x", "=x", "!x",
	"-n", "\xc3\xa9t\xc3\xa9", "a\tb", "\x1b[31m", "(x)", "{a,b}",
	"&", "|", "<", ">",
};

/* What sh makes of the word. */
START_TEST(a_quoted_word_is_for_sh_the_same_octets)
{
	char command[512], got[256] = "";
	size_t n;
	FILE *sh;

	snprintf(command, sizeof command, "printf %%s %s",
	    finding_quote(words[_i]));
	/* "-n" is no option there, but let printf have no say. */
	if (words[_i][0] == '-')
		snprintf(command, sizeof command, "printf -- %s",
		    finding_quote(words[_i]));
	sh = popen(command, "r");
	n = fread(got, 1, sizeof got - 1, sh);
	got[n] = '\0';
	ck_assert_int_eq(pclose(sh), 0);
	ck_assert_str_eq(got, words[_i]);
}
END_TEST

START_TEST(a_quoted_word_shows_a_terminal_nothing_but_ascii)
{
	const char *c = finding_quote(words[_i]);

	for (; *c != '\0'; c++)
		ck_assert(*c >= 0x20 && *c <= 0x7e);
}
END_TEST

START_TEST(a_word_too_long_is_cut_and_still_one_word)
{
	static char text[3 * FINDING_ROOM];
	const char *quoted;

	memset(text, '\'', sizeof text - 1);
	quoted = finding_quote(text);
	ck_assert_uint_lt(strlen(quoted), FINDING_ROOM);
	ck_assert_int_eq(quoted[strlen(quoted) - 1], '\'');
}
END_TEST

static char shown[1 << 16];

static const char *says_many(void)
{
	int pipe_[2];
	unsigned i;

	NEED(pipe(pipe_) == 0 && dup2(pipe_[1], 1) == 1);
	finding_well("a\tb%s", "\xff");
	for (i = 0; i < FINDING_MOST + 2; i++) {
		finding_mend("thing %u", i);
		finding_do("mend %u", i);
	}
	close(1);
	close(pipe_[1]);
	shown[drain(pipe_[0], shown, sizeof shown - 1)] = '\0';
	NEED(strncmp(shown, "well: a\\x09b\\xFF\nmend: thing 0\n"
	    "    do: mend 0\nmend: thing 1\n", 56) == 0);
	NEED(strstr(shown, "thing 49") != NULL);
	NEED(strstr(shown, "do: mend 49") != NULL);
	NEED(strstr(shown, "thing 50") == NULL);
	NEED(strstr(shown, "do: mend 50") == NULL);
	NEED(finding_count() == FINDING_MOST + 2);
	return NULL;
}

START_TEST(lines_are_escaped_counted_and_no_more_than_enough)
{
	assert_in_child(says_many);
}
END_TEST

Suite *finding_suite(void)
{
	Suite *s = suite_create("finding");
	TCase *tc = unit_case(s, "words for sh");

	tcase_add_loop_test(tc, a_quoted_word_is_for_sh_the_same_octets, 0,
	    COUNT(words));
	tcase_add_loop_test(tc,
	    a_quoted_word_shows_a_terminal_nothing_but_ascii, 0, COUNT(words));
	tcase_add_test(tc, a_word_too_long_is_cut_and_still_one_word);
	tc = unit_case(s, "lines (S-9)");
	tcase_add_test(tc, lines_are_escaped_counted_and_no_more_than_enough);
	return s;
}
