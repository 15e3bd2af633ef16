/*
 * test_auth_pam.c - system users through PAM: real stacks of real modules,
 * in a folder of the test's own.
 */
#include "unit.h"

#include "base/log.h"
#include "login/auth.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct auth_identity who;
static const char *reason;
static char logged[4096];

static bool nobody(void)
{
	static const struct auth_identity zero;

	return memcmp(&who, &zero, sizeof who) == 0;
}

static enum auth_verdict ask(const char *folder, const char *service,
    uid_t min_uid, const char *name, const char *secret)
{
	struct auth_request r = { .kind = AUTH_PASS, .name = name,
		.name_len = strlen(name), .secret = secret,
		.secret_len = strlen(secret), .stamp = "", .ip = "192.0.2.7" };
	int fd = memfd_create("log", MFD_CLOEXEC), saved = dup(2);
	enum auth_verdict verdict;

	memset(&who, 0x5a, sizeof who);
	dup2(fd, 2);
	log_open(LOG_TO_STDERR);
	verdict = auth_pam_check_in(folder, service, min_uid, &r, &who,
	    &reason);
	log_open(LOG_TO_NONE);
	dup2(saved, 2);
	close(saved);
	lseek(fd, 0, SEEK_SET);
	logged[drain(fd, logged, sizeof logged - 1)] = '\0';
	close(fd);
	return verdict;
}

#define LOGS(text) ck_assert_msg(strstr(logged, text) != NULL, "%s", logged)

#ifdef HAVE_PAM
#include <dlfcn.h>

/* A folder with the service "pop3" of these lines, and "other" denying. */
static const char *stack(const char *lines)
{
	const char *box = new_maildir();

	put(box, "pop3", lines);
	put(box, "other", "auth required pam_deny.so\n"
	    "account required pam_deny.so\n");
	return box;
}

/* pam_start_confdir() came with Linux-PAM 1.4. */
static bool can_test(void)
{
	void *lib = dlopen("libpam.so.0", RTLD_NOW | RTLD_GLOBAL);

	return lib != NULL && dlsym(lib, "pam_start_confdir") != NULL;
}

/* Someone who may log in here: ourselves, or nobody where we are root. */
static const struct passwd *someone(void)
{
	return geteuid() == 0 ? getpwnam("nobody") : getpwuid(geteuid());
}

#define PERMIT "auth required pam_permit.so\naccount required pam_permit.so\n"
#define NEEDS_SOMEONE() \
	const struct passwd *pw = someone(); \
	if (!can_test() || pw == NULL || pw->pw_uid == 0 || pw->pw_gid == 0) \
		return

START_TEST(whom_pam_accepts_becomes_the_system_user)
{
	NEEDS_SOMEONE();
	ck_assert_int_eq(ask(stack(PERMIT), "pop3", 1, pw->pw_name, "pw"),
	    AUTH_OK);
	ck_assert_uint_eq(who.uid, pw->pw_uid);
	ck_assert_uint_eq(who.gid, pw->pw_gid);
	ck_assert_str_eq(who.user, pw->pw_name);
	ck_assert_str_eq(who.home, pw->pw_dir);
	ck_assert_str_eq(who.mail, "");
	ck_assert_int_eq(who.switch_user, geteuid() == 0);
	ck_assert_int_eq(who.groups, geteuid() == 0);
	ck_assert_str_eq(logged, "");
}
END_TEST

START_TEST(a_uid_below_the_least_is_refused)
{
	NEEDS_SOMEONE();
	ck_assert_int_eq(ask(stack(PERMIT), "pop3", pw->pw_uid, pw->pw_name,
	    "pw"), AUTH_OK);
	ck_assert_int_eq(ask(stack(PERMIT), "pop3", pw->pw_uid + 1,
	    pw->pw_name, "pw"), AUTH_REFUSED);
	ck_assert_str_eq(reason, "disabled");
	ck_assert(nobody());
	LOGS("--min-uid");
}
END_TEST

START_TEST(root_is_refused_whatever_pam_says)
{
	if (!can_test())
		return;
	ck_assert_int_eq(ask(stack(PERMIT), "pop3", 0, "root", "pw"),
	    AUTH_REFUSED);
	ck_assert_str_eq(reason, "disabled");
	ck_assert(nobody());
	LOGS("root");
}
END_TEST

/* The system's users, and some that no system should have. */
static struct passwd odd[] = {
	{ .pw_name = "odd-uid", .pw_uid = 0, .pw_gid = 100, .pw_dir = "/" },
	{ .pw_name = "odd-gid", .pw_uid = 4242, .pw_gid = 0, .pw_dir = "/" },
	{ .pw_name = "odd-home", .pw_uid = 4242, .pw_gid = 100,
	    .pw_dir = "home" },
	{ .pw_name = "odd-other", .pw_uid = 4242, .pw_gid = 100,
	    .pw_dir = "" },
};

struct passwd *getpwnam(const char *name)
{
	static struct passwd pw;
	static char buf[8192];
	struct passwd *found;
	size_t i;

	for (i = 0; i < COUNT(odd); i++)
		if (strcmp(name, odd[i].pw_name) == 0)
			return &odd[i];
	if (strncmp(name, "odd-error-", 10) == 0) {
		errno = atoi(name + 10);
		return NULL;
	}
	errno = getpwnam_r(name, &pw, buf, sizeof buf, &found);
	return found;
}

START_TEST(an_odd_record_of_the_system_is_no_login)
{
	if (!can_test())
		return;
	ck_assert_int_eq(ask(stack(PERMIT), "pop3", 0, "odd-uid", "pw"),
	    AUTH_REFUSED);
	ck_assert_int_eq(ask(stack(PERMIT), "pop3", 0, "odd-gid", "pw"),
	    AUTH_REFUSED);
	ck_assert_str_eq(reason, "disabled");
	ck_assert_int_eq(ask(stack(PERMIT), "pop3", 0, "odd-home", "pw"),
	    AUTH_PERM);
	ck_assert_str_eq(reason, "record");
	ck_assert(nobody());
}
END_TEST

/* Those of getpwnam(3), and what modules for a network leave; then those that
 * it names for a user who is not there. */
static const struct {
	int error;
	enum auth_verdict verdict;
} lookups[] = {
	{ EIO, AUTH_TEMP }, { EMFILE, AUTH_TEMP }, { ENFILE, AUTH_TEMP },
	{ ENOMEM, AUTH_TEMP }, { EINTR, AUTH_TEMP }, { ERANGE, AUTH_TEMP },
	{ EAGAIN, AUTH_TEMP }, { ETIMEDOUT, AUTH_TEMP },
	{ ECONNREFUSED, AUTH_TEMP }, { EACCES, AUTH_TEMP },
	{ 0, AUTH_REFUSED }, { ENOENT, AUTH_REFUSED },
	{ ESRCH, AUTH_REFUSED }, { EBADF, AUTH_REFUSED },
	{ EPERM, AUTH_REFUSED },
};

START_TEST(a_system_that_cannot_say_who_it_is_is_no_wrong_password)
{
	char name[32];

	if (!can_test())
		return;
	snprintf(name, sizeof name, "odd-error-%d", lookups[_i].error);
	ck_assert_int_eq(ask(stack(PERMIT), "pop3", 0, name, "pw"),
	    lookups[_i].verdict);
	if (lookups[_i].verdict == AUTH_TEMP)
		LOGS("cannot look up user odd-error-");
	ck_assert(nobody());
}
END_TEST

START_TEST(only_root_serves_others)
{
	if (!can_test() || geteuid() == 4242)
		return;
	ck_assert_int_eq(ask(stack(PERMIT), "pop3", 0, "odd-other", "pw"),
	    geteuid() == 0 ? AUTH_OK : AUTH_PERM);
	if (geteuid() == 0)
		ck_assert_str_eq(who.home, "");
	else
		LOGS("must be started as root to serve user odd-other");
}
END_TEST

START_TEST(a_user_the_system_does_not_know_is_refused)
{
	if (!can_test())
		return;
	ck_assert_int_eq(ask(stack(PERMIT), "pop3", 0, "no.such.user", "pw"),
	    AUTH_REFUSED);
	ck_assert_str_eq(reason, "unknown");
	ck_assert(nobody());
	LOGS("does not know (see getent passwd); refused: no.such.user");
}
END_TEST

static const struct {
	const char *lines;
	enum auth_verdict verdict;
	const char *reason;
} stacks[] = {
	{ PERMIT, AUTH_OK, NULL },
	{ "auth required pam_deny.so\naccount required pam_permit.so\n",
	    AUTH_REFUSED, "credentials" },
	{ "auth required pam_permit.so\naccount required pam_deny.so\n",
	    AUTH_REFUSED, NULL },
	{ "", AUTH_REFUSED, NULL },
	{ "auth required pam_permit.so\n", AUTH_REFUSED, NULL },
	{ "account required pam_permit.so\n", AUTH_REFUSED, NULL },
	{ "auth required pam_debug.so auth=auth_err\n", AUTH_REFUSED,
	    "credentials" },
	{ "auth required pam_debug.so auth=maxtries\n", AUTH_REFUSED,
	    "credentials" },
	{ "auth required pam_debug.so auth=user_unknown\n", AUTH_REFUSED,
	    "unknown" },
	{ "auth required pam_debug.so auth=perm_denied\n", AUTH_REFUSED,
	    "disabled" },
	{ "auth required pam_debug.so auth=conv_err\n", AUTH_REFUSED,
	    "credentials" },
	{ "auth required pam_debug.so auth=authinfo_unavail\n", AUTH_TEMP,
	    "pam" },
	{ "auth required pam_debug.so auth=system_err\n", AUTH_TEMP, "pam" },
	{ "auth required pam_debug.so auth=buf_err\n", AUTH_TEMP, "pam" },
	{ "auth required pam_debug.so auth=abort\n", AUTH_PERM, "pam" },
	{ "auth required pam_debug.so auth=service_err\n", AUTH_PERM, "pam" },
	{ "auth required pam_debug.so auth=cred_insufficient\n", AUTH_PERM,
	    "pam" },
	{ "auth required pam_no_such_module.so\n", AUTH_PERM, "pam" },
	{ "auth required pam_permit.so\n"
	    "account required pam_debug.so acct=acct_expired\n",
	    AUTH_REFUSED, "disabled" },
	{ "auth required pam_permit.so\n"
	    "account required pam_debug.so acct=new_authtok_reqd\n",
	    AUTH_REFUSED, "disabled" },
	{ "auth required pam_permit.so\n"
	    "account required pam_debug.so acct=authinfo_unavail\n",
	    AUTH_TEMP, "pam" },
	{ "auth required pam_permit.so\n"
	    "account required pam_no_such_module.so\n", AUTH_PERM, "pam" },
};

START_TEST(what_pam_says_has_its_answer)
{
	NEEDS_SOMEONE();
	ck_assert_int_eq(ask(stack(stacks[_i].lines), "pop3", 1, pw->pw_name,
	    "secret-word"), stacks[_i].verdict);
	if (stacks[_i].reason != NULL)
		ck_assert_str_eq(reason, stacks[_i].reason);
	if (stacks[_i].verdict != AUTH_OK)
		ck_assert(nobody());
	if (stacks[_i].verdict >= AUTH_TEMP) {
		LOGS("pam-failed pid=");
		LOGS(" service=pop3 call=pam_a");
	}
	if (stacks[_i].verdict == AUTH_PERM)
		LOGS("/etc/pam.d, file pop3");
	ck_assert_ptr_null(strstr(logged, "secret-word"));
}
END_TEST

/*
 * In a process that ends by SIGKILL: Linux-PAM 1.5 loses 96 octets where
 * pam_start() fails, which is not ours to answer for.
 */
START_TEST(a_service_that_is_missing_is_a_wrong_setup)
{
	static const char *const name[] = { "pop3", "../pop3" };
	unsigned *good = mmap(NULL, sizeof *good, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *box = new_maildir();
	pid_t pid;
	size_t i;

	ck_assert_ptr_ne(good, MAP_FAILED);
	if (!can_test())
		return;
	pid = fork();
	for (i = 0; pid == 0 && i < COUNT(name); i++)
		*good += ask(box, name[i], 1, "al", "pw") == AUTH_PERM &&
		    strcmp(reason, "pam") == 0 &&
		    strstr(logged, "call=pam_start") != NULL;
	if (pid == 0)
		raise(SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_uint_eq(*good, COUNT(name));
	munmap(good, sizeof *good);
}
END_TEST

/* pam_exec gives the program the password on stdin, as the module got it. */
START_TEST(the_secret_reaches_the_module_as_it_was_sent)
{
	char lines[2048];
	const char *box = new_maildir();
	char script[512];

	NEEDS_SOMEONE();
	snprintf(script, sizeof script, "%s", path_in(box, "ask"));
	put(box, "ask", "#!/bin/sh\n"
	    "[ \"$PAM_RHOST $PAM_TTY $PAM_SERVICE\" = '192.0.2.7 pop3 pop3' ]"
	    " && [ \"$(tr -d '\\000')\" = '  s p:a$c\\e \xc3\xa4' ]\n");
	snprintf(lines, sizeof lines, "auth required pam_exec.so quiet "
	    "expose_authtok /bin/sh %s\naccount required pam_permit.so\n",
	    script);
	ck_assert_int_eq(ask(stack(lines), "pop3", 1, pw->pw_name,
	    "  s p:a$c\\e \xc3\xa4"), AUTH_OK);
	/* To pam_exec a program that fails is a failure of the system. */
	ck_assert_int_eq(ask(stack(lines), "pop3", 1, pw->pw_name, "other"),
	    AUTH_TEMP);
}
END_TEST

START_TEST(a_list_of_names_decides)
{
	char lines[512], name[128];
	const char *box = new_maildir();

	NEEDS_SOMEONE();
	snprintf(name, sizeof name, "%s\n", pw->pw_name);
	put(box, "list", name);
	snprintf(lines, sizeof lines, "auth required pam_listfile.so item=user "
	    "sense=allow onerr=fail file=%s\nauth required pam_permit.so\n"
	    "account required pam_permit.so\n", path_in(box, "list"));
	ck_assert_int_eq(ask(stack(lines), "pop3", 1, pw->pw_name, "pw"),
	    AUTH_OK);
	ck_assert_int_eq(ask(stack(lines), "pop3", 1, "games", "pw"),
	    AUTH_REFUSED);
}
END_TEST

/* Two refusals; the seconds they took. */
static time_t refusals(const char *someone)
{
	static const char lines[] = "auth required pam_unix.so\n"
	    "account required pam_unix.so\n";
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	ck_assert_int_eq(ask(stack(lines), "pop3", 1, someone, "wrong"),
	    AUTH_REFUSED);
	ck_assert_int_eq(ask(stack(lines), "pop3", 1, "no.such.user",
	    "wrong"), AUTH_REFUSED);
	ck_assert(nobody());
	clock_gettime(CLOCK_MONOTONIC, &to);
	return to.tv_sec - from.tv_sec;
}

/*
 * pam_unix asks for 2 s after each.  A busy machine may need some itself, but
 * not every time.
 */
START_TEST(the_password_file_of_the_system_refuses_a_wrong_secret)
{
	int chances = 5;

	NEEDS_SOMEONE();
	while (refusals(pw->pw_name) > 1)
		ck_assert_int_gt(--chances, 0);
}
END_TEST

static const char *const hostile[] = { "", "/", "a/b", "../x", ".x", ".",
	"..", "a b", " ", "a\n", "a\t", "\x7f", "\xc3\xa4", "a\x01" };

START_TEST(a_hostile_name_is_refused_before_pam_sees_it)
{
	ck_assert_int_eq(ask("/nonexistent", "pop3", 1, hostile[_i], "pw"),
	    AUTH_REFUSED);
	ck_assert_str_eq(reason, "unknown");
	ck_assert_str_eq(logged, "");
	ck_assert(nobody());
}
END_TEST

START_TEST(a_name_or_secret_that_is_too_long_is_refused)
{
	char text[AUTH_SECRET_MAX + 2];

	NEEDS_SOMEONE();
	memset(text, 'a', sizeof text);
	text[sizeof text - 1] = '\0';
	ck_assert_int_eq(ask(stack(PERMIT), "pop3", 1, text, "pw"),
	    AUTH_REFUSED);
	ck_assert_int_eq(ask(stack(PERMIT), "pop3", 1, pw->pw_name, text),
	    AUTH_REFUSED);
	ck_assert_int_eq(ask(stack(PERMIT), "pop3", 1, pw->pw_name, ""),
	    AUTH_REFUSED);
	ck_assert_int_eq(ask(stack(PERMIT), "pop3", 1, pw->pw_name, text + 1),
	    AUTH_OK);
}
END_TEST

START_TEST(a_request_whose_lengths_lie_is_refused)
{
	struct auth_request r = { .kind = AUTH_PASS, .secret = "pw\0x",
		.secret_len = 4, .stamp = "", .ip = "" };

	NEEDS_SOMEONE();
	r.name = pw->pw_name;
	r.name_len = strlen(r.name);
	ck_assert_int_eq(auth_pam_check_in(stack(PERMIT), "pop3", 1, &r, &who,
	    &reason), AUTH_REFUSED);
	r.secret_len = 2;
	ck_assert_int_eq(auth_pam_check_in(stack(PERMIT), "pop3", 1, &r, &who,
	    &reason), AUTH_OK);
	r.name_len++;
	ck_assert_int_eq(auth_pam_check_in(stack(PERMIT), "pop3", 1, &r, &who,
	    &reason), AUTH_REFUSED);
	r.name_len--;
	r.kind = AUTH_APOP;
	ck_assert_int_eq(auth_pam_check_in(stack(PERMIT), "pop3", 1, &r, &who,
	    &reason), AUTH_REFUSED);
	ck_assert_str_eq(reason, "unsupported");
}
END_TEST

START_TEST(this_build_knows_pam)
{
	ck_assert(auth_pam_built());
}
END_TEST
#else
START_TEST(a_build_without_pam_says_so)
{
	ck_assert(!auth_pam_built());
	ck_assert_int_eq(ask(NULL, "pop3", 1, "al", "pw"), AUTH_PERM);
	ck_assert_str_eq(reason, "pam");
	ck_assert(nobody());
	LOGS("no PAM");
}
END_TEST
#endif

Suite *auth_pam_suite(void)
{
	Suite *s = suite_create("auth_pam");
	TCase *tc = unit_case(s, "who it is (S-14, P-58)");

#ifdef HAVE_PAM
	tcase_add_test(tc, this_build_knows_pam);
	tcase_add_test(tc, whom_pam_accepts_becomes_the_system_user);
	tcase_add_test(tc, a_uid_below_the_least_is_refused);
	tcase_add_test(tc, root_is_refused_whatever_pam_says);
	tcase_add_test(tc, an_odd_record_of_the_system_is_no_login);
	tcase_add_loop_test(tc,
	    a_system_that_cannot_say_who_it_is_is_no_wrong_password, 0,
	    COUNT(lookups));
	tcase_add_test(tc, only_root_serves_others);
	tcase_add_test(tc, a_user_the_system_does_not_know_is_refused);
	tcase_add_loop_test(tc, a_hostile_name_is_refused_before_pam_sees_it,
	    0, COUNT(hostile));
	tcase_add_test(tc, a_name_or_secret_that_is_too_long_is_refused);
	tcase_add_test(tc, a_request_whose_lengths_lie_is_refused);

	tc = unit_case(s, "what PAM says (P-61, S-15)");
	tcase_add_loop_test(tc, what_pam_says_has_its_answer, 0,
	    COUNT(stacks));
	tcase_add_test(tc, a_service_that_is_missing_is_a_wrong_setup);

	tc = unit_case(s, "the conversation (P-59)");
	tcase_add_test(tc, the_secret_reaches_the_module_as_it_was_sent);
	tcase_add_test(tc, a_list_of_names_decides);
	tcase_add_test(tc,
	    the_password_file_of_the_system_refuses_a_wrong_secret);
#else
	tcase_add_test(tc, a_build_without_pam_says_so);
#endif
	return s;
}
