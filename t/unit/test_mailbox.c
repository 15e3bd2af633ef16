/* test_mailbox.c - where the mail of somebody who logged in is. */
#include "unit.h"

#include "login/mailbox.h"

#include <string.h>

static char path[64];

static const char *of(const char *user, const char *home, const char *mail,
    const char *maildir)
{
	struct auth_identity who;

	memset(&who, 0, sizeof who);
	strcpy(who.user, user);
	strcpy(who.home, home);
	strcpy(who.mail, mail);
	memset(path, 'x', sizeof path);
	return mailbox_path(&who, maildir, path, sizeof path);
}

START_TEST(the_record_comes_before_the_command_line)
{
	ck_assert_ptr_null(of("a@b", "/h", "/own", "/var/%d/%n"));
	ck_assert_str_eq(path, "/own");
	ck_assert_ptr_null(of("a@b", "/h", "", "/var/%d/%n"));
	ck_assert_str_eq(path, "/var/b/a");
}
END_TEST

START_TEST(a_relative_maildir_wants_a_home)
{
	ck_assert_ptr_null(of("a", "/h", "", "Maildir"));
	ck_assert_str_eq(path, "Maildir");
	ck_assert_ptr_nonnull(strstr(of("a", "", "", "Maildir"), "home"));
	ck_assert_ptr_null(of("a", "", "", "/M"));
}
END_TEST

START_TEST(a_name_that_does_not_fit_has_no_mail)
{
	ck_assert_ptr_nonnull(strstr(of("a", "/h", "", "/%d"), "MAILDIR"));
	ck_assert_ptr_nonnull(strstr(of("../a", "/h", "", "/%u"), "MAILDIR"));
}
END_TEST

Suite *mailbox_suite(void)
{
	Suite *s = suite_create("mailbox");
	TCase *tc = unit_case(s, "where it is (P-152, S-7)");

	tcase_add_test(tc, the_record_comes_before_the_command_line);
	tcase_add_test(tc, a_relative_maildir_wants_a_home);
	tcase_add_test(tc, a_name_that_does_not_fit_has_no_mail);
	return s;
}
