/*
 * test_log.c - lines for the administrator.
 *
 * syslog(3) is the tests' own here: what would go there is caught, and no
 * machine's log is written to.
 */
#include "unit.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#undef syslog	/* a macro or an inline function with _FORTIFY_SOURCE */

static int syslog_fd = -1;
static char opened[64];		/* what openlog() was told */

void openlog(const char *ident, int option, int facility)
{
	snprintf(opened, sizeof opened, "[%s %s %d]", ident,
	    (option & LOG_PID) != 0 ? "pid" : "-", facility);
}

static void caught(int priority, const char *format, va_list arg)
    __attribute__((format(printf, 2, 0)));

static void caught(int priority, const char *format, va_list arg)
{
	char text[4096];
	int n = snprintf(text, sizeof text, "%s<%d>", opened, priority);

	if (syslog_fd == -1)
		return;		/* another suite's, PAM's perhaps */
	n += vsnprintf(text + n, sizeof text - (size_t)n, format, arg);
	if (write(syslog_fd, text, (size_t)n) != n)
		_exit(99);
}

void syslog(int priority, const char *format, ...)
{
	va_list arg;

	va_start(arg, format);
	caught(priority, format, arg);
	va_end(arg);
}

/* What syslog(3) is with _FORTIFY_SOURCE. */
void __syslog_chk(int priority, int flag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void __syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list arg;

	(void)flag;
	va_start(arg, format);
	caught(priority, format, arg);
	va_end(arg);
}

/* What descriptor 2 is, for run(). */
enum two { PIPE, FULL_PIPE, REGULAR, SOCKET, JOURNAL, NULL_DEVICE, TERMINAL };

/* What else 0 and 1 are: the same as 2, or not. */
enum zero_and_one { OTHERS, SAME_AS_0, SAME_AS_1 };

static char on_stderr[8192], on_syslog[8192];
static size_t writes;		/* to a pipe: how many */

static void child(int two, int catcher, enum zero_and_one which,
    enum log_to to, void (*say)(void))
{
	int null = open("/dev/zero", O_RDWR);	/* no file of another case */

	syslog_fd = catcher;
	dup2(two, 2);
	dup2(which == SAME_AS_0 ? 2 : null, 0);
	dup2(which == SAME_AS_1 ? 2 : null, 1);
	log_open(to);
	say();
	_exit(0);
}

/* One read(2) for each write(2): the pipe keeps them apart. */
static size_t collect(int fd, char *text, size_t room, size_t *pieces)
{
	size_t used = 0;
	ssize_t n;

	*pieces = 0;
	while ((n = read(fd, text + used, room - 1 - used)) > 0) {
		used += (size_t)n;
		++*pieces;
	}
	text[used] = '\0';
	return used;
}

/* Descriptors of that kind: end[1] is to be 2, end[0] reads what it gets. */
static void make(enum two kind, int end[2])
{
	char octets[4096] = "";

	switch (kind) {
	case PIPE:
	case FULL_PIPE:
		ck_assert_int_eq(pipe2(end, O_DIRECT | O_NONBLOCK), 0);
		while (kind == FULL_PIPE &&
		    write(end[1], octets, sizeof octets) > 0)
			;
		break;
	case REGULAR:
		end[0] = end[1] = holding("");
		break;
	case SOCKET:
	case JOURNAL:
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, end), 0);
		break;
	case NULL_DEVICE:
		end[0] = end[1] = open("/dev/null", O_RDWR);
		break;
	case TERMINAL:
		end[0] = posix_openpt(O_RDWR | O_NOCTTY);
		end[1] = end[0] == -1 || grantpt(end[0]) == -1 ||
		    unlockpt(end[0]) == -1 ? -1 :
		    open(ptsname(end[0]), O_RDWR | O_NOCTTY);
		break;
	}
}

/* Runs say() with the log opened like that; fills on_stderr, on_syslog. */
static void run(enum two kind, enum zero_and_one which, enum log_to to,
    void (*say)(void))
{
	int end[2], catcher[2], status;
	struct stat st;
	char journal[64];
	size_t pieces;
	pid_t pid;

	make(kind, end);
	ck_assert_int_ne(end[1], -1);
	ck_assert_int_eq(pipe(catcher), 0);
	ck_assert_int_eq(fstat(end[1], &st), 0);
	unsetenv("JOURNAL_STREAM");
	snprintf(journal, sizeof journal, "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	if (kind == JOURNAL)
		setenv("JOURNAL_STREAM", journal, 1);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0)
		child(end[1], catcher[1], which, to, say);
	close(catcher[1]);
	collect(catcher[0], on_syslog, sizeof on_syslog, &pieces);
	close(catcher[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	if (kind == REGULAR)
		ck_assert_int_eq(lseek(end[0], 0, SEEK_SET), 0);
	if (kind == SOCKET || kind == JOURNAL)
		shutdown(end[1], SHUT_WR);
	if (kind == TERMINAL)
		ck_assert_int_ne(fcntl(end[0], F_SETFL, O_NONBLOCK), -1);
	writes = 0;
	on_stderr[0] = '\0';
	if (kind != FULL_PIPE)
		collect(end[0], on_stderr, sizeof on_stderr, &writes);
	close(end[0]);
	if (end[0] != end[1])
		close(end[1]);
	unsetenv("JOURNAL_STREAM");
}

static const char *on_a_pipe(void (*say)(void))
{
	run(PIPE, OTHERS, LOG_TO_AUTO, say);
	return on_stderr;
}

/* --- lines --------------------------------------------------------------- */

static void say_session(void)
{
	log_line(LOG_INFO, "session");
	log_string("ip", "192.0.2.1");
	log_string("port", "");
	log_string("tls", NULL);
	log_number("pid", 4242);
	log_pair("retr", 3, UINT64_MAX);
	log_seconds("seconds", UINT64_C(1204999999));
	log_seconds("none", 999999);
	log_end();
}

START_TEST(a_line_is_a_word_and_its_values)
{
	ck_assert_str_eq(on_a_pipe(say_session), "session ip=192.0.2.1 port=- "
	    "tls=- pid=4242 retr=3/18446744073709551615 seconds=1.204 "
	    "none=0.000\n");
	ck_assert_uint_eq(writes, 1);
}
END_TEST

static void say_two(void)
{
	log_line(LOG_INFO, "one");
	log_end();
	log_line(LOG_INFO, "two");
	log_end();
}

START_TEST(each_line_is_one_write)
{
	ck_assert_str_eq(on_a_pipe(say_two), "one\ntwo\n");
	ck_assert_uint_eq(writes, 2);
}
END_TEST

static void say_all_octets(void)
{
	char octets[256];
	size_t i;

	for (i = 0; i < sizeof octets; i++)
		octets[i] = (char)i;
	log_line(LOG_INFO, "x");
	log_value("v", octets, sizeof octets, sizeof octets);
	log_end();
}

START_TEST(what_is_not_21_to_7e_or_has_a_meaning_is_escaped_in_a_value)
{
	char want[2048] = "x v=";
	size_t n = strlen(want);
	unsigned i;

	for (i = 0; i < 256; i++)
		n += (size_t)snprintf(want + n, sizeof want - n, i < 0x21 ||
		    i > 0x7e || i == '\\' || i == '=' || i == '"' ?
		    "\\x%02X" : "%c", i);
	strcpy(want + n, "\n");
	ck_assert_str_eq(on_a_pipe(say_all_octets), want);
}
END_TEST

static void say_who(void)
{
	log_line(LOG_INFO, "login");
	log_who("192.0.2.1", "40112", 4242, "a b");
	log_end();
	log_line(LOG_INFO, "login");
	log_who("", "", 1, NULL);
	log_end();
}

START_TEST(the_address_stands_before_the_name)
{
	ck_assert_str_eq(on_a_pipe(say_who), "login ip=192.0.2.1 port=40112 "
	    "pid=4242 user=a\\x20b\nlogin ip=- port=- pid=1 user=-\n");
}
END_TEST

static const char *name_to_log;

static void say_user(void)
{
	log_line(LOG_INFO, "x");
	log_value("user", name_to_log, strlen(name_to_log), LOG_NAME_MAX);
	log_end();
}

static const struct {
	const char *name, *line;
} user[] = {
	{ "%s%n%x", "x user=%s%n%x\n" },
	{ "a ip=192.0.2.9", "x user=a\\x20ip\\x3D192.0.2.9\n" },
	{ "a\nlogin ip=1", "x user=a\\x0Alogin\\x20ip\\x3D1\n" },
	{ "<0>\r\n\033[2J", "x user=<0>\\x0D\\x0A\\x1B[2J\n" },
	{ "\\x0A", "x user=\\x5Cx0A\n" },
	{ "", "x user=\n" },
};

START_TEST(a_name_cannot_pass_for_anything_else)
{
	name_to_log = user[_i].name;
	ck_assert_str_eq(on_a_pipe(say_user), user[_i].line);
}
END_TEST

static char long_text[3000];

static void say_long(void)
{
	log_line(LOG_INFO, "x");
	log_value("name", long_text, strlen(long_text), LOG_NAME_MAX);
	log_string("host", long_text);
	log_number("n", 1);
	log_end();
}

START_TEST(a_name_is_cut_at_64_octets_and_a_host_at_255)
{
	char want[512];

	memset(long_text, 'a', 299);
	snprintf(want, sizeof want, "x name=%.64s host=%.255s n=1\n",
	    long_text, long_text);
	ck_assert_str_eq(on_a_pipe(say_long), want);
	/* Octets count before they are escaped: none is shown by half. */
	memset(long_text, '\n', 299);
	on_a_pipe(say_long);
	ck_assert_uint_eq(strlen(on_stderr),
	    strlen("x name= host= n=1\n") + 4 * 64 + 4 * 255);
}
END_TEST

static void say_too_much(void)
{
	int i;

	log_line(LOG_INFO, "x");
	for (i = 0; i < 40; i++)
		log_string("host", long_text);
	log_end();
}

START_TEST(a_line_of_any_length_is_one_line_in_one_write)
{
	memset(long_text, 'a', 299);
	on_a_pipe(say_too_much);
	ck_assert_uint_eq(writes, 1);
	ck_assert_uint_gt(strlen(on_stderr), 1000);
	ck_assert_uint_le(strlen(on_stderr), 4096);	/* PIPE_BUF */
	ck_assert_ptr_eq(strchr(on_stderr, '\n'),
	    on_stderr + strlen(on_stderr) - 1);
}
END_TEST

/* --- errors in free words ------------------------------------------------ */

static int errno_after;

static void say_errno(void)
{
	errno = ENOENT;
	log_errno("cannot read", "new/1.a b\\\n");
	errno_after = errno;
	log_number("errno", 0);
	if (errno_after != ENOENT)
		_exit(98);
}

/* "error pid=N: rest", without the number. */
static const char *without_pid(const char *text)
{
	static char line[1024];
	const char *number = strstr(text, "pid=");

	ck_assert_ptr_nonnull(number);
	snprintf(line, sizeof line, "%.*s%s", (int)(number + 4 - text), text,
	    number + 4 + strspn(number + 4, "0123456789"));
	return line;
}

START_TEST(an_error_says_what_and_which_and_why_and_keeps_errno)
{
	ck_assert_str_eq(without_pid(on_a_pipe(say_errno)), "error pid=: "
	    "cannot read new/1.a\\x20b\\x5C\\x0A: No such file or directory\n");
}
END_TEST

static void say_error(void)
{
	log_error("--delete=\n\xff: must be unlink", NULL);
}

START_TEST(an_error_may_quote_an_option_but_no_octet_of_it_passes_raw)
{
	ck_assert_str_eq(without_pid(on_a_pipe(say_error)),
	    "error pid=: --delete=\\x0A\\xFF: must be unlink\n");
}
END_TEST

static void say_backslash(void)
{
	log_error("MAILDIR \"\\x0A\"", NULL);
}

START_TEST(a_backslash_in_free_words_is_escaped_too)
{
	ck_assert_str_eq(without_pid(on_a_pipe(say_backslash)),
	    "error pid=: MAILDIR \"\\x5Cx0A\"\n");
}
END_TEST

static void say_warning(void)
{
	log_warning("another session holds the lock of", "Maildir");
}

START_TEST(a_warning_is_called_one)
{
	ck_assert_str_eq(without_pid(on_a_pipe(say_warning)), "warning pid=: "
	    "another session holds the lock of Maildir\n");
}
END_TEST

/* --- where lines go ------------------------------------------------------ */

static void say_word(void)
{
	log_line(LOG_NOTICE, "word");
	log_end();
}

static const struct {
	enum two two;
	enum zero_and_one which;
	bool stderr_is_used;
} guard[] = {
	{ PIPE, OTHERS, true },
	{ REGULAR, OTHERS, true },
	{ TERMINAL, OTHERS, true },
	{ JOURNAL, OTHERS, true },
	{ SOCKET, OTHERS, false },	/* stunnel: another, yet the client */
	{ NULL_DEVICE, OTHERS, false },	/* a device, and no terminal */
	{ PIPE, SAME_AS_0, false }, { PIPE, SAME_AS_1, false },
	{ REGULAR, SAME_AS_1, false },
	{ TERMINAL, SAME_AS_1, false },
	{ SOCKET, SAME_AS_0, false }, { SOCKET, SAME_AS_1, false },
	{ JOURNAL, SAME_AS_1, false },
};

START_TEST(stderr_is_used_only_where_it_cannot_be_the_client)
{
	static const enum log_to to[] = { LOG_TO_AUTO, LOG_TO_STDERR };
	size_t i;

	for (i = 0; i < COUNT(to); i++) {
		run(guard[_i].two, guard[_i].which, to[i], say_word);
		if (guard[_i].stderr_is_used) {
			ck_assert_ptr_nonnull(strstr(on_stderr, "word"));
			ck_assert_str_eq(on_syslog, "");
		} else {
			ck_assert_str_eq(on_stderr, "");
			ck_assert_ptr_nonnull(strstr(on_syslog, "word"));
		}
	}
}
END_TEST

static const char *const stream[] = { "", ":", "0:0", "x", "1", "1:", ":1" };

START_TEST(a_socket_that_is_not_the_journal_is_not_used)
{
	int end[2], catcher[2];
	size_t pieces;
	pid_t pid;

	make(SOCKET, end);
	ck_assert_int_eq(pipe(catcher), 0);
	setenv("JOURNAL_STREAM", stream[_i], 1);
	pid = fork();
	if (pid == 0)
		child(end[1], catcher[1], OTHERS, LOG_TO_AUTO, say_word);
	close(catcher[1]);
	close(end[1]);
	unsetenv("JOURNAL_STREAM");
	ck_assert_uint_gt(collect(catcher[0], on_syslog, sizeof on_syslog,
	    &pieces), 0);
	ck_assert_uint_eq(collect(end[0], on_stderr, sizeof on_stderr,
	    &pieces), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	close(catcher[0]);
	close(end[0]);
}
END_TEST

START_TEST(lines_for_the_journal_begin_with_their_severity)
{
	run(JOURNAL, OTHERS, LOG_TO_AUTO, say_word);
	ck_assert_str_eq(on_stderr, "<5>word\n");
	run(JOURNAL, OTHERS, LOG_TO_AUTO, say_warning);
	ck_assert_int_eq(strncmp(on_stderr, "<4>warning pid=", 15), 0);
	run(JOURNAL, OTHERS, LOG_TO_AUTO, say_error);
	ck_assert_int_eq(strncmp(on_stderr, "<3>error pid=", 13), 0);
	run(PIPE, OTHERS, LOG_TO_AUTO, say_word);
	ck_assert_str_eq(on_stderr, "word\n");
}
END_TEST

START_TEST(syslog_gets_facility_mail_our_name_and_the_pid)
{
	char want[64];

	run(PIPE, OTHERS, LOG_TO_SYSLOG, say_word);
	snprintf(want, sizeof want, "[maildir-pop3d pid %d]<%d>word", LOG_MAIL,
	    LOG_NOTICE);
	ck_assert_str_eq(on_syslog, want);
	ck_assert_str_eq(on_stderr, "");
}
END_TEST

static void say_percent(void)
{
	name_to_log = "%n%s";
	say_user();
}

START_TEST(syslog_takes_no_value_for_a_format)
{
	run(PIPE, OTHERS, LOG_TO_SYSLOG, say_percent);
	ck_assert_ptr_nonnull(strstr(on_syslog, ">x user=%n%s"));
}
END_TEST

START_TEST(no_log_is_no_log)
{
	run(PIPE, OTHERS, LOG_TO_NONE, say_error);
	ck_assert_str_eq(on_stderr, "");
	ck_assert_str_eq(on_syslog, "");
}
END_TEST

static void ring(int sig)
{
	(void)sig;
}

/* The five seconds a reader has are cut short by a signal. */
static void say_to_nobody(void)
{
	struct itimerval soon = { .it_value = { .tv_usec = 20000 } };
	struct sigaction sa = { .sa_handler = ring };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	say_word();
	if (write(syslog_fd, "went on", 7) != 7)
		_exit(97);
}

START_TEST(a_reader_that_does_not_read_costs_the_line_and_not_the_session)
{
	run(FULL_PIPE, OTHERS, LOG_TO_AUTO, say_to_nobody);
	ck_assert_str_eq(on_syslog, "went on");
}
END_TEST

Suite *log_suite(void)
{
	Suite *s = suite_create("log");
	TCase *tc = unit_case(s, "lines (P-130)");

	tcase_add_test(tc, a_line_is_a_word_and_its_values);
	tcase_add_test(tc, each_line_is_one_write);
	tcase_add_test(tc, the_address_stands_before_the_name);
	tcase_add_test(tc, a_line_of_any_length_is_one_line_in_one_write);
	tc = unit_case(s, "escapes and lengths (S-9)");
	tcase_add_test(tc,
	    what_is_not_21_to_7e_or_has_a_meaning_is_escaped_in_a_value);
	tcase_add_loop_test(tc, a_name_cannot_pass_for_anything_else, 0,
	    COUNT(user));
	tcase_add_test(tc, a_name_is_cut_at_64_octets_and_a_host_at_255);
	tcase_add_test(tc,
	    an_error_says_what_and_which_and_why_and_keeps_errno);
	tcase_add_test(tc,
	    an_error_may_quote_an_option_but_no_octet_of_it_passes_raw);
	tcase_add_test(tc, a_backslash_in_free_words_is_escaped_too);
	tcase_add_test(tc, a_warning_is_called_one);
	tc = unit_case(s, "where lines go (P-129)");
	tcase_add_loop_test(tc,
	    stderr_is_used_only_where_it_cannot_be_the_client, 0,
	    COUNT(guard));
	tcase_add_loop_test(tc, a_socket_that_is_not_the_journal_is_not_used,
	    0, COUNT(stream));
	tcase_add_test(tc, no_log_is_no_log);
	tcase_add_test(tc,
	    a_reader_that_does_not_read_costs_the_line_and_not_the_session);
	tc = unit_case(s, "the journal and syslog (P-130)");
	tcase_add_test(tc, lines_for_the_journal_begin_with_their_severity);
	tcase_add_test(tc, syslog_gets_facility_mail_our_name_and_the_pid);
	tcase_add_test(tc, syslog_takes_no_value_for_a_format);
	return s;
}
