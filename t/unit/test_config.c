/* test_config.c - argv to struct config. */
#include "unit.h"

#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define WORDS 12

static struct config c;
static char error[CONFIG_ERROR];

/* Reads "maildir-pop3d" and the words after it, the last of which is NULL. */
static int read_words(const char *const words[])
{
	static char copy[WORDS][512];
	char *argv[WORDS + 1] = { (char []){ "maildir-pop3d" } };
	int argc = 1;

	for (; words[argc - 1] != NULL; argc++) {
		snprintf(copy[argc], sizeof copy[0], "%s", words[argc - 1]);
		argv[argc] = copy[argc];
	}
	optind = 0;	/* getopt_long(3) begins anew */
	memset(&c, '#', sizeof c);
	memset(error, 0, sizeof error);
	return config_read(&c, argc, argv, error);
}

#define READ(...) read_words((const char *const[]){ __VA_ARGS__, NULL })

START_TEST(without_an_option_everything_is_as_the_manual_says)
{
	ck_assert_int_eq(READ("--preauth"), 0);
	ck_assert_int_eq(c.what, CONFIG_PREAUTH);
	ck_assert_str_eq(c.maildir, "Maildir");
	ck_assert_uint_eq(c.idle_timeout, 600);
	ck_assert_int_eq(c.delete, MAILDIR_UNLINK);
	ck_assert(!c.lock && !c.keep_new && !c.keep_tmp && !c.sync);
	ck_assert(!c.verbose);
	ck_assert_ptr_null(c.expire);
	ck_assert_int_eq(c.log, LOG_TO_AUTO);
}
END_TEST

START_TEST(each_option_sets_what_it_says)
{
	ck_assert_int_eq(READ("--preauth", "--idle-timeout=900",
	    "--delete=trash", "--lock", "--keep-new", "--keep-tmp", "--sync",
	    "--expire=30", "--log=none", "--verbose", "mail/box"), 0);
	ck_assert_str_eq(c.maildir, "mail/box");
	ck_assert_uint_eq(c.idle_timeout, 900);
	ck_assert_int_eq(c.delete, MAILDIR_TRASH);
	ck_assert(c.lock && c.keep_new && c.keep_tmp && c.sync && c.verbose);
	ck_assert_str_eq(c.expire, "30");
	ck_assert_int_eq(c.log, LOG_TO_NONE);
}
END_TEST

START_TEST(one_option_sets_nothing_else)
{
	ck_assert_int_eq(READ("--preauth", "--lock"), 0);
	ck_assert(c.lock && !c.keep_new && !c.keep_tmp && !c.sync &&
	    !c.verbose);
	ck_assert_int_eq(READ("--preauth", "--keep-new"), 0);
	ck_assert(!c.lock && c.keep_new && !c.keep_tmp && !c.sync);
	ck_assert_int_eq(READ("--preauth", "--keep-tmp"), 0);
	ck_assert(!c.lock && !c.keep_new && c.keep_tmp && !c.sync);
	ck_assert_int_eq(READ("--preauth", "--sync"), 0);
	ck_assert(!c.lock && !c.keep_new && !c.keep_tmp && c.sync);
	ck_assert_int_eq(READ("--preauth", "-v"), 0);
	ck_assert(c.verbose && !c.lock);
}
END_TEST

START_TEST(a_value_may_be_a_word_of_its_own)
{
	ck_assert_int_eq(READ("--preauth", "--delete", "flag", "--log",
	    "stderr", "--idle-timeout", "86400", "--expire", "NEVER"), 0);
	ck_assert_int_eq(c.delete, MAILDIR_FLAG);
	ck_assert_int_eq(c.log, LOG_TO_STDERR);
	ck_assert_uint_eq(c.idle_timeout, 86400);
	ck_assert_str_eq(c.expire, "NEVER");
}
END_TEST

START_TEST(each_word_of_a_choice_is_its_own)
{
	ck_assert_int_eq(READ("--preauth", "--delete=unlink",
	    "--log=syslog"), 0);
	ck_assert_int_eq(c.delete, MAILDIR_UNLINK);
	ck_assert_int_eq(c.log, LOG_TO_SYSLOG);
	ck_assert_int_eq(READ("--preauth", "--log=auto"), 0);
	ck_assert_int_eq(c.log, LOG_TO_AUTO);
}
END_TEST

START_TEST(the_ends_of_a_range_are_in_it)
{
	ck_assert_int_eq(READ("--preauth", "--idle-timeout=600",
	    "--expire=0"), 0);
	ck_assert_int_eq(READ("--preauth", "--idle-timeout=86400",
	    "--expire=36500"), 0);
}
END_TEST

/* Each error names the option, its value, and what would be right. */
static const struct {
	const char *word, *names, *right;
} wrong[] = {
	{ "--idle-timeout=599", "--idle-timeout=599", "600 to 86400" },
	{ "--idle-timeout=86401", "--idle-timeout=86401", "600 to 86400" },
	{ "--idle-timeout=0", "--idle-timeout=0", "600" },
	{ "--idle-timeout=-1", "--idle-timeout=-1", "600" },
	{ "--idle-timeout=10m", "--idle-timeout=10m", "seconds" },
	{ "--idle-timeout=", "--idle-timeout=", "600" },
	{ "--idle-timeout=4294967896", "--idle-timeout=4294967896", "600" },
	{ "--delete=remove", "--delete=remove", "unlink, trash or flag" },
	{ "--delete=", "--delete=", "unlink, trash or flag" },
	{ "--delete=Trash", "--delete=Trash", "unlink, trash or flag" },
	{ "--delete=trash ", "--delete=trash ", "unlink, trash or flag" },
	{ "--log=file", "--log=file", "auto, syslog, stderr or none" },
	{ "--expire=soon", "--expire=soon", "NEVER or 0 to 36500" },
	{ "--expire=never", "--expire=never", "NEVER" },
	{ "--expire=36501", "--expire=36501", "36500" },
	{ "--expire=30 USER", "--expire=30 USER", "36500" },
	{ "--nonsense", "--nonsense", "--help" },
	{ "-x", "-x", "--help" },
	{ "-xv", "-x", "--help" },
	{ "--delete", "--delete", "--help" },
	{ "%u/Maildir", "%u/Maildir", "--preauth" },
	{ "/mail/%n", "/mail/%n", "--preauth" },
	{ "", "MAILDIR", "directory" },
};

START_TEST(an_error_names_the_option_its_value_and_what_is_right)
{
	ck_assert_int_eq(READ("--preauth", wrong[_i].word), -1);
	ck_assert_msg(strstr(error, wrong[_i].names) != NULL,
	    "\"%s\" does not name %s", error, wrong[_i].names);
	ck_assert_msg(strstr(error, wrong[_i].right) != NULL,
	    "\"%s\" does not say %s", error, wrong[_i].right);
	ck_assert_ptr_null(strchr(error, '\n'));
}
END_TEST

START_TEST(a_value_of_any_length_leaves_room_for_what_is_right)
{
	char word[400];

	memset(word, 'x', sizeof word - 1);
	word[sizeof word - 1] = '\0';
	memcpy(word, "--delete=", 9);
	ck_assert_int_eq(READ("--preauth", word), -1);
	ck_assert_uint_lt(strlen(error), CONFIG_ERROR);
	ck_assert_int_eq(strncmp(error, "--delete=xxx", 12), 0);
	ck_assert_ptr_nonnull(strstr(error, "unlink, trash or flag"));
}
END_TEST

START_TEST(a_second_maildir_is_named)
{
	ck_assert_int_eq(READ("--preauth", "one", "two"), -1);
	ck_assert_ptr_nonnull(strstr(error, "two"));
	ck_assert_ptr_nonnull(strstr(error, "one MAILDIR"));
}
END_TEST

START_TEST(options_end_at_the_first_word_that_is_none)
{
	ck_assert_int_eq(READ("--preauth", "Maildir", "--lock"), -1);
	ck_assert_ptr_nonnull(strstr(error, "--lock"));
	ck_assert_int_eq(READ("--preauth", "--", "--lock"), 0);
	ck_assert_str_eq(c.maildir, "--lock");
	ck_assert(!c.lock);
}
END_TEST

START_TEST(a_way_to_log_in_must_be_given)
{
	ck_assert_int_eq(READ("Maildir"), -1);
	ck_assert_ptr_nonnull(strstr(error, "--preauth"));
	ck_assert_ptr_nonnull(strstr(error, "--help"));
}
END_TEST

START_TEST(an_error_still_goes_where_log_says)
{
	ck_assert_int_eq(READ("--log=stderr", "--nonsense"), -1);
	ck_assert_int_eq(c.log, LOG_TO_STDERR);
}
END_TEST

START_TEST(help_and_version_need_nothing_else)
{
	ck_assert_int_eq(READ("--help"), 0);
	ck_assert_int_eq(c.what, CONFIG_HELP);
	ck_assert_int_eq(READ("--version"), 0);
	ck_assert_int_eq(c.what, CONFIG_VERSION);
}
END_TEST

START_TEST(the_help_fits_a_terminal_and_names_each_option)
{
	static const char *const option[] = { "--preauth", "--idle-timeout=",
		"--delete=", "--lock", "--keep-new", "--keep-tmp", "--sync",
		"--expire=", "--log=", "--verbose", "-v", "--help",
		"--version", "--import=", "--uidl-format=", "--reuse-xuidl",
		"--list=", "--dry-run" };
	const char *line, *lf;
	size_t i, lines = 0;

	for (i = 0; i < COUNT(option); i++)
		ck_assert_ptr_nonnull(strstr(config_help, option[i]));
	for (line = config_help; (lf = strchr(line, '\n')) != NULL;
	    line = lf + 1, lines++)
		ck_assert_int_le(lf - line, 80);
	ck_assert_str_eq(line, "");
	ck_assert_uint_le(lines, 24);
}
END_TEST

START_TEST(import_has_options_of_its_own)
{
	ck_assert_int_eq(READ("--import=dovecot", "--uidl-format=%f",
	    "--reuse-xuidl", "--list=a/list", "--dry-run", "box"), 0);
	ck_assert_int_eq(c.what, CONFIG_IMPORT);
	ck_assert_int_eq(c.import.from, IMPORT_DOVECOT);
	ck_assert_str_eq(c.import.maildir, "box");
	ck_assert_str_eq(c.import.format, "%f");
	ck_assert_str_eq(c.import.list, "a/list");
	ck_assert(c.import.reuse_xuidl && c.import.dry_run);
	ck_assert_int_eq(READ("--import=qmail", "box"), 0);
	ck_assert_int_eq(c.import.from, IMPORT_QMAIL);
	ck_assert(!c.import.reuse_xuidl && !c.import.dry_run);
	ck_assert_ptr_null(c.import.format);
	ck_assert_ptr_null(c.import.list);
	ck_assert_int_eq(READ("--import=courier", "box"), 0);
	ck_assert_int_eq(c.import.from, IMPORT_COURIER);
}
END_TEST

START_TEST(options_of_import_go_with_the_right_one)
{
	ck_assert_int_eq(READ("--import=dovecot"), -1);
	ck_assert_ptr_nonnull(strstr(error, "MAILDIR"));
	ck_assert_int_eq(READ("--import=exim", "box"), -1);
	ck_assert_ptr_nonnull(strstr(error, "dovecot, courier or qmail"));
	ck_assert_int_eq(READ("--import=dovecot", "--preauth", "box"), -1);
	ck_assert_int_eq(READ("--import=dovecot", "%u"), -1);
	ck_assert_int_eq(READ("--import=courier", "--uidl-format=%u", "box"),
	    -1);
	ck_assert_int_eq(READ("--import=qmail", "--reuse-xuidl", "box"), -1);
	ck_assert_int_eq(READ("--import=qmail", "--list=x", "box"), -1);
	ck_assert_int_eq(READ("--preauth", "--list=x"), -1);
	ck_assert_int_eq(READ("--preauth", "--dry-run"), -1);
	ck_assert_ptr_nonnull(strstr(error, "--import"));
	ck_assert_int_eq(READ("--preauth", "--uidl-format=%u"), -1);
	ck_assert_int_eq(READ("--import=dovecot", "--uidl-format=%m", "box"),
	    -1);
	ck_assert_ptr_nonnull(strstr(error, "--uidl-format=%m: "));
	ck_assert_int_eq(READ("--import=dovecot", "--list=", "box"), -1);
}
END_TEST

Suite *config_suite(void)
{
	Suite *s = suite_create("config");
	TCase *tc = unit_case(s, "options (interface, P-22)");

	tcase_add_test(tc, without_an_option_everything_is_as_the_manual_says);
	tcase_add_test(tc, each_option_sets_what_it_says);
	tcase_add_test(tc, one_option_sets_nothing_else);
	tcase_add_test(tc, a_value_may_be_a_word_of_its_own);
	tcase_add_test(tc, each_word_of_a_choice_is_its_own);
	tcase_add_test(tc, the_ends_of_a_range_are_in_it);
	tcase_add_test(tc, options_end_at_the_first_word_that_is_none);
	tcase_add_test(tc, help_and_version_need_nothing_else);
	tcase_add_test(tc, the_help_fits_a_terminal_and_names_each_option);
	tcase_add_test(tc, import_has_options_of_its_own);
	tcase_add_test(tc, options_of_import_go_with_the_right_one);
	tc = unit_case(s, "errors (interface, P-18)");
	tcase_add_loop_test(tc,
	    an_error_names_the_option_its_value_and_what_is_right, 0,
	    COUNT(wrong));
	tcase_add_test(tc, a_value_of_any_length_leaves_room_for_what_is_right);
	tcase_add_test(tc, a_second_maildir_is_named);
	tcase_add_test(tc, a_way_to_log_in_must_be_given);
	tcase_add_test(tc, an_error_still_goes_where_log_says);
	return s;
}
