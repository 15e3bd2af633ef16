/* test_stls.c - TLS begun by a UCSPI-TLS helper. */
#include "unit.h"

#include "base/idle.h"
#include "wire/stls.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct stls t;

static bool is_none(void)
{
	return t.control == -1 && t.read == -1 && t.write == -1;
}

static void say(const char *name, int fd)
{
	char text[16];

	snprintf(text, sizeof text, "%d", fd);
	setenv(name, text, 1);
}

/* What a launcher with a helper gives: ours are control[0], decrypted[0] and
 * encrypted[1]. */
static int control[2], decrypted[2], encrypted[2];

static void launched(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, control), 0);
	ck_assert_int_eq(pipe(decrypted), 0);
	ck_assert_int_eq(pipe(encrypted), 0);
	say("SSLCTLFD", control[0]);
	say("SSLREADFD", decrypted[0]);
	say("SSLWRITEFD", encrypted[1]);
	t.control = t.read = t.write = 4711;
}

static void forgotten(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		close(control[i]);
		close(decrypted[i]);
		close(encrypted[i]);
	}
}

/* --- finding ------------------------------------------------------------- */

START_TEST(the_three_numbers_are_found_and_closed_on_exec)
{
	launched();
	stls_find(&t);
	ck_assert_int_eq(t.control, control[0]);
	ck_assert_int_eq(t.read, decrypted[0]);
	ck_assert_int_eq(t.write, encrypted[1]);
	ck_assert_int_eq(fcntl(t.control, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(t.read, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(t.write, F_GETFD), FD_CLOEXEC);
	forgotten();
}
END_TEST

START_TEST(reading_and_writing_may_be_one)
{
	launched();
	say("SSLREADFD", encrypted[1]);
	stls_find(&t);
	ck_assert_int_eq(t.read, encrypted[1]);
	ck_assert_int_eq(t.write, encrypted[1]);
	forgotten();
}
END_TEST

static const char *const variables[] = { "SSLCTLFD", "SSLREADFD",
	"SSLWRITEFD" };

static const char *const no_numbers[] = { NULL, "", " ", "x", "3x", "x3",
	"-1", "-3", "+3", " 3", "3 ", "3\n", "0x3", "3.0", "0", "1", "2",
	"00", "02", "999999", "2147483647", "2147483648", "4294967299",
	"4294967295", "18446744073709551619", "99999999999999999999999" };

START_TEST(what_is_no_descriptor_above_2_offers_nothing)
{
	size_t i;

	for (i = 0; i < COUNT(variables); i++) {
		launched();
		/* So that 3 itself is open, and "3x" fails for its x. */
		ck_assert_int_ne(fcntl(3, F_GETFD), -1);
		if (no_numbers[_i] == NULL)
			unsetenv(variables[i]);
		else
			setenv(variables[i], no_numbers[_i], 1);
		stls_find(&t);
		ck_assert(is_none());
		forgotten();
	}
}
END_TEST

START_TEST(what_is_not_open_offers_nothing)
{
	size_t i;
	int fd;

	for (i = 0; i < COUNT(variables); i++) {
		launched();
		fd = dup(control[0]);
		ck_assert_int_ne(fd, -1);
		say(variables[i], fd);
		close(fd);
		stls_find(&t);
		ck_assert(is_none());
		forgotten();
	}
}
END_TEST

START_TEST(control_is_a_socket)
{
	int fd = holding("");

	launched();
	say("SSLCTLFD", decrypted[1]);
	stls_find(&t);
	ck_assert(is_none());
	say("SSLCTLFD", fd);
	stls_find(&t);
	ck_assert(is_none());
	close(fd);
	forgotten();
}
END_TEST

START_TEST(control_is_none_of_the_others)
{
	launched();
	say("SSLREADFD", control[0]);
	stls_find(&t);
	ck_assert(is_none());
	say("SSLREADFD", decrypted[0]);
	say("SSLWRITEFD", control[0]);
	stls_find(&t);
	ck_assert(is_none());
	forgotten();
}
END_TEST

/* --- the helper ---------------------------------------------------------- */

static void pause_ms(long ms)
{
	struct timespec ts = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

/* How the helper behaves: what it answers, and then. */
static struct {
	const char *answer;
	size_t len;
	long before, between;	/* ms before it, and after each octet */
	size_t late;		/* octets at its end that come 50 ms later */
	bool stays;		/* never closes */
	bool deaf;		/* never reads what it is told */
} plan;

static void all(const char *octets, size_t len)
{
	for (; len > 0; octets++, len--) {
		if (write(control[1], octets, 1) != 1)
			_exit(1);
		pause_ms(plan.between);
	}
}

static void two_pieces(const char *octets, size_t len)
{
	size_t first = len - plan.late;

	if (write(control[1], octets, first) != (ssize_t)first)
		_exit(1);
	if (plan.late == 0)
		return;
	pause_ms(50);
	if (write(control[1], octets + first, plan.late) !=
	    (ssize_t)plan.late)
		_exit(1);
}

/*
 * Waits for the order, then answers.  What the client sends comes decrypted
 * once there was an answer; the order itself goes back so that it is seen.
 */
static void help(void)
{
	char order[] = "?APA\r\n";

	signal(SIGPIPE, SIG_DFL);
	close(control[0]);
	if (plan.deaf)
		_exit(0);
	do
		if (read(control[1], order, 1) != 1)
			_exit(1);
	while (order[0] == 'x');		/* what filled the socket */
	pause_ms(plan.before);
	if (plan.between > 0)
		all(plan.answer, plan.len);
	else
		two_pieces(plan.answer, plan.len);
	if (write(decrypted[1], order, 6) != 6)
		_exit(1);
	if (plan.stays)
		pause();
	_exit(0);
}

static pid_t helper(void)
{
	pid_t pid;

	launched();
	stls_find(&t);
	pid = fork();
	if (pid == 0)
		help();
	close(control[1]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static char text[STLS_TEXT_MAX];

/* The connection is the helper's now, and nothing else of it is open. */
static const char *swapped(void)
{
	char buf[16];

	NEED(is_none());
	NEED(fcntl(control[0], F_GETFD) == -1);
	NEED(fcntl(decrypted[0], F_GETFD) == -1);
	NEED(fcntl(encrypted[1], F_GETFD) == -1);
	NEED(fcntl(0, F_GETFD) == 0 && fcntl(1, F_GETFD) == 0);
	NEED(write(1, "hello", 5) == 5);
	NEED(read(encrypted[0], buf, sizeof buf) == 5);
	NEED(memcmp(buf, "hello", 5) == 0);
	NEED(read(0, buf, 6) == 6);
	NEED(memcmp(buf, "YAPA\r\n", 6) == 0);
	return NULL;
}

/* The plan as it stands, in a process of its own. */
static enum stls_result wanted;
static const char *wanted_text;

static const char *runs(void)
{
	const char *why = NULL;
	enum stls_result r;
	pid_t pid;

	idle_start();
	pid = helper();
	memset(text, 'x', sizeof text);
	r = stls_start(&t, text);
	NEED(r == wanted);
	NEED(strcmp(text, wanted_text) == 0);
	if (r == STLS_OK)
		why = swapped();
	end(pid);
	return why;
}

static void answer(const char *octets, size_t len, const char *protocol)
{
	plan.answer = octets;
	plan.len = len;
	wanted = STLS_OK;
	wanted_text = protocol;
	assert_in_child(runs);
}

static void fails(const char *octets, size_t len)
{
	plan.answer = octets;
	plan.len = len;
	wanted = STLS_FAILED;
	wanted_text = "";
	assert_in_child(runs);
}

/* A string literal with its NULs; the one at its end counts. */
#define strings(literal) literal, sizeof(literal)

START_TEST(a_report_gives_the_protocol)
{
	answer(strings("SSL_PROTOCOL=TLSv1.3\0"), "TLSv1.3");
	answer(strings("SSL_PROTOCOL=TLSv1.2\0"
	    "SSL_CIPHER=ECDHE-RSA-AES128-GCM-SHA256\0"
	    "SSL_TLS_SNI_SERVERNAME\0SSL_PEER_CERT_HASH\0"
	    "SSL_PEER_CERT_SUBJECT\0"), "TLSv1.2");
	answer(strings("A=b\0SSL_PROTOCOL=TLSv1.3\0C=d\0"), "TLSv1.3");
}
END_TEST

static const char *keeps_the_environment(void)
{
	static const char octets[] = "SSL_PROTOCOL=TLSv1.3\0IN_A_REPORT=x\0"
	    "PATH_OF_A_TEST\0";
	const char *why;

	unsetenv("SSL_PROTOCOL");
	setenv("PATH_OF_A_TEST", "as it was", 1);
	plan.answer = octets;
	plan.len = sizeof octets;
	wanted = STLS_OK;
	wanted_text = "TLSv1.3";
	why = runs();
	NEED(getenv("SSL_PROTOCOL") == NULL);
	NEED(getenv("IN_A_REPORT") == NULL);
	NEED(strcmp(getenv("PATH_OF_A_TEST"), "as it was") == 0);
	return why;
}

START_TEST(nothing_of_the_report_enters_the_environment)
{
	assert_in_child(keeps_the_environment);
}
END_TEST

START_TEST(a_report_of_nothing_is_a_handshake_too)
{
	answer("", 1, "");
	answer("\0\0\0", 3, "");
}
END_TEST

START_TEST(a_name_alone_unsets_it)
{
	answer(strings("SSL_PROTOCOL\0"), "");
	answer(strings("SSL_PROTOCOL=TLSv1.3\0SSL_PROTOCOL\0"), "");
	answer(strings("SSL_PROTOCOL\0SSL_PROTOCOL=TLSv1.3\0"), "TLSv1.3");
	answer(strings("SSL_PROTOCOL=\0"), "");
}
END_TEST

START_TEST(other_names_are_other_names)
{
	answer(strings("SSL_PROTOCOLS=TLSv1.3\0"), "");
	answer(strings("XSSL_PROTOCOL=TLSv1.3\0"), "");
	answer(strings("ssl_protocol=TLSv1.3\0"), "");
	answer(strings("SSL_PROTO=TLSv1.3\0"), "");
	answer(strings("X=SSL_PROTOCOL=TLSv1.3\0"), "");
	answer(strings("=\0==\0SSL\0"), "");
}
END_TEST

START_TEST(what_follows_the_empty_string_is_not_looked_at)
{
	plan.stays = true;	/* nor is its end waited for */
	answer(strings("A=b\0\0SSL_PROTOCOL=TLSv1.3\0"), "");
	plan.stays = false;
}
END_TEST

START_TEST(the_end_after_a_whole_string_is_an_end)
{
	answer("SSL_PROTOCOL=TLSv1.3", 21, "TLSv1.3");
}
END_TEST

START_TEST(no_answer_is_no_handshake)
{
	fails("", 0);
}
END_TEST

START_TEST(an_answer_cut_short_is_none)
{
	fails("SSL_PROTOCOL=TLSv1.3", 20);
	fails("S", 1);
	fails("A=b\0SSL_PROTOCOL=TLSv1", 22);
}
END_TEST

START_TEST(a_helper_that_left_cannot_be_told)
{
	plan.deaf = true;
	fails("", 0);
	plan.deaf = false;
}
END_TEST

static const struct {
	const char *said, *text;
} protocol[] = {
	{ "TLSv1.3", "TLSv1.3" }, { "!~", "!~" }, { "a=b", "a=b" },
	{ "TLS v1.3", "" }, { "TLS\nv1.3", "" }, { "TLS\r", "" },
	{ "\x1b[31mTLS", "" }, { "TLS\x7f", "" }, { "TLS\x80", "" },
	{ "\xff", "" }, { "\x01", "" }, { "\t", "" },
	{ "12345678901234567890123456789012",
	  "12345678901234567890123456789012" },
	{ "123456789012345678901234567890123", "" },
};

START_TEST(a_protocol_is_printable_and_short_or_not_told)
{
	char octets[128];
	int len = snprintf(octets, sizeof octets, "SSL_PROTOCOL=%s",
	    protocol[_i].said);

	octets[len + 1] = '\0';
	answer(octets, (size_t)len + 2, protocol[_i].text);
}
END_TEST

START_TEST(so_is_what_a_wrapper_before_us_tells)
{
	setenv("SSL_PROTOCOL", protocol[_i].said, 1);
	stls_told(text);
	ck_assert_str_eq(text, protocol[_i].text);
	unsetenv("SSL_PROTOCOL");
	stls_told(text);
	ck_assert_str_eq(text, "");
}
END_TEST

/* So long an answer, whole or not; the protocol is the last of it. */
static const char *long_answer(size_t len, bool whole)
{
	static const char last[] = "\0SSL_PROTOCOL=TLSv1.3";
	static char octets[STLS_ANSWER_MAX + 4096];

	memset(octets, 'x', sizeof octets);
	if (whole) {
		memcpy(octets + len - sizeof last - 1, last, sizeof last);
		octets[len - 1] = '\0';
	}
	return octets;
}

START_TEST(an_answer_has_16_kib_at_most)
{
	plan.stays = true;
	answer(long_answer(STLS_ANSWER_MAX - 1, true), STLS_ANSWER_MAX - 1,
	    "TLSv1.3");
	answer(long_answer(STLS_ANSWER_MAX, true), STLS_ANSWER_MAX,
	    "TLSv1.3");
	plan.late = 1;
	answer(long_answer(STLS_ANSWER_MAX, true), STLS_ANSWER_MAX,
	    "TLSv1.3");
	plan.late = 0;
	fails(long_answer(STLS_ANSWER_MAX + 1, true), STLS_ANSWER_MAX + 1);
	fails(long_answer(STLS_ANSWER_MAX, false), STLS_ANSWER_MAX);
	fails(long_answer(STLS_ANSWER_MAX + 4096, false),
	    STLS_ANSWER_MAX + 4096);
	plan.stays = false;
}
END_TEST

START_TEST(an_answer_may_come_octet_by_octet)
{
	plan.between = 1;
	answer(strings("SSL_PROTOCOL=TLSv1.3\0A=b\0"), "TLSv1.3");
	fails("SSL_PROTOCOL=TLSv1.3", 20);
	plan.between = 0;
}
END_TEST

/* --- waiting ------------------------------------------------------------- */

static const char *does_not_block(void)
{
	const char *why;
	char junk[4096];
	pid_t pid;

	idle_start();
	memset(junk, 'x', sizeof junk);
	launched();
	stls_find(&t);
	fcntl(t.control, F_SETFL, O_NONBLOCK);
	/* Full: even the order must wait. */
	while (write(t.control, junk, sizeof junk) > 0)
		;
	NEED(errno == EAGAIN);
	pid = fork();
	if (pid == 0) {
		pause_ms(50);
		help();
	}
	close(control[1]);
	NEED(stls_start(&t, text) == STLS_OK);
	NEED(strcmp(text, "TLSv1.3") == 0);
	why = swapped();
	end(pid);
	return why;
}

START_TEST(a_descriptor_that_does_not_block_is_as_good)
{
	static const char octets[] = "SSL_PROTOCOL=TLSv1.3\0";

	plan.answer = octets;
	plan.len = sizeof octets;
	plan.before = 50;
	assert_in_child(does_not_block);
	plan.before = 0;
}
END_TEST

static void on_usr1(int sig)
{
	(void)sig;
}

/* Another process, that sends us sig after 100 ms, and again every 100. */
static pid_t sending(int sig)
{
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	for (;;) {
		pause_ms(100);
		if (kill(parent, sig) == -1 || getppid() != parent)
			_exit(0);
	}
}

static const char *is_interrupted(void)
{
	struct sigaction sa = { .sa_handler = on_usr1 };
	const char *why;
	pid_t helps, signals;

	idle_start();
	sigaction(SIGUSR1, &sa, NULL);
	helps = helper();
	signals = sending(SIGUSR1);
	NEED(stls_start(&t, text) == STLS_OK);
	end(signals);
	why = swapped();
	end(helps);
	return why;
}

START_TEST(a_signal_that_ends_nothing_does_not_end_the_wait)
{
	plan.answer = "";
	plan.len = 1;
	plan.before = 350;
	assert_in_child(is_interrupted);
	plan.before = 0;
}
END_TEST

static int ending;

static const char *is_ended(void)
{
	struct timespec before, after;
	pid_t helps, signals;

	idle_start();
	helps = helper();
	signals = sending(ending);
	clock_gettime(CLOCK_MONOTONIC, &before);
	NEED(stls_start(&t, text) ==
	    (ending == SIGALRM ? STLS_EXPIRED : STLS_SIGNAL));
	clock_gettime(CLOCK_MONOTONIC, &after);
	NEED(after.tv_sec - before.tv_sec < 30);
	NEED(strcmp(text, "") == 0);
	NEED(fcntl(t.control, F_GETFD) != -1);	/* nothing was swapped */
	end(helps);
	end(signals);
	return NULL;
}

START_TEST(a_helper_that_hangs_is_ended_by_the_alarm_or_a_signal)
{
	static const int sig[] = { SIGALRM, SIGTERM, SIGHUP, SIGINT };

	ending = sig[_i % 4];
	plan.stays = true;
	plan.answer = _i < 4 ? "" : "SSL_PROTOCOL=TLSv1.3";
	plan.len = _i < 4 ? 0 : 20;
	assert_in_child(is_ended);
	plan.stays = false;
}
END_TEST

START_TEST(a_helper_that_drips_is_ended_by_the_alarm)
{
	static char octets[4000];

	memset(octets, 'x', sizeof octets);
	plan.answer = octets;
	plan.len = sizeof octets;
	plan.between = 10;
	ending = SIGALRM;
	assert_in_child(is_ended);
	plan.between = 0;
}
END_TEST

/* With the kernel's own alarm, after one second of four. */
static const char *is_too_slow(void)
{
	pid_t pid;

	idle_start();
	idle_set(1);
	pid = helper();
	NEED(stls_start(&t, text) == STLS_EXPIRED);
	end(pid);
	return NULL;
}

START_TEST(dripping_buys_no_time)
{
	static char octets[400];

	memset(octets, 'x', sizeof octets);
	plan.answer = octets;
	plan.len = sizeof octets;
	plan.between = 10;
	assert_in_child(is_too_slow);
	plan.between = 0;
}
END_TEST

/* --- the swap ------------------------------------------------------------ */

/* No octet, and no end: the other process still has its own to ask with. */
static const char *swap_alone(void)
{
	char buf[8];

	launched();
	stls_find(&t);
	NEED(stls_swap(&t) == 0);
	NEED(write(decrypted[1], "YAPA\r\n", 6) == 6);
	NEED(recv(control[1], buf, 1, MSG_DONTWAIT) == 0);
	return swapped();
}

START_TEST(the_swap_alone_asks_for_nothing)
{
	assert_in_child(swap_alone);
}
END_TEST

static const char *swap_without_control(void)
{
	launched();
	stls_find(&t);
	close(t.control);
	t.control = -1;
	NEED(stls_swap(&t) == 0);
	NEED(write(decrypted[1], "YAPA\r\n", 6) == 6);
	return swapped();
}

START_TEST(control_may_be_closed_before)
{
	assert_in_child(swap_without_control);
}
END_TEST

static const char *swap_one(void)
{
	int both[2];
	char buf[8];

	launched();
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0);
	say("SSLREADFD", both[0]);
	say("SSLWRITEFD", both[0]);
	stls_find(&t);
	NEED(stls_swap(&t) == 0);
	NEED(is_none());
	NEED(fcntl(both[0], F_GETFD) == -1);
	NEED(write(1, "out", 3) == 3);
	NEED(read(both[1], buf, sizeof buf) == 3);
	NEED(write(both[1], "in", 2) == 2);
	NEED(read(0, buf, sizeof buf) == 2);
	return NULL;
}

START_TEST(one_descriptor_becomes_both)
{
	assert_in_child(swap_one);
}
END_TEST

static const char *swap_closed(void)
{
	launched();
	stls_find(&t);
	close(t.read);
	NEED(stls_swap(&t) == -1);
	NEED(errno == EBADF);
	launched();
	stls_find(&t);
	close(t.write);
	NEED(stls_swap(&t) == -1);
	NEED(errno == EBADF);
	t.control = t.read = t.write = -1;
	NEED(stls_swap(&t) == -1);
	NEED(stls_start(&t, text) == STLS_FAILED);
	return NULL;
}

START_TEST(what_was_closed_meanwhile_is_an_error)
{
	assert_in_child(swap_closed);
}
END_TEST

static const char *answers_but_closed(void)
{
	pid_t pid;

	idle_start();
	pid = helper();
	close(t.write);
	NEED(stls_start(&t, text) == STLS_FAILED);
	end(pid);
	return NULL;
}

START_TEST(a_handshake_without_descriptors_is_none)
{
	plan.answer = "";
	plan.len = 1;
	assert_in_child(answers_but_closed);
}
END_TEST

Suite *stls_suite(void)
{
	Suite *s = suite_create("stls");
	TCase *tc;

	tc = unit_case(s, "the numbers (P-125)");
	tcase_add_test(tc, the_three_numbers_are_found_and_closed_on_exec);
	tcase_add_test(tc, reading_and_writing_may_be_one);
	tcase_add_loop_test(tc, what_is_no_descriptor_above_2_offers_nothing,
	    0, COUNT(no_numbers));
	tcase_add_test(tc, what_is_not_open_offers_nothing);
	tcase_add_test(tc, control_is_a_socket);
	tcase_add_test(tc, control_is_none_of_the_others);

	tc = unit_case(s, "the report (P-126)");
	tcase_add_test(tc, a_report_gives_the_protocol);
	tcase_add_test(tc, nothing_of_the_report_enters_the_environment);
	tcase_add_test(tc, a_report_of_nothing_is_a_handshake_too);
	tcase_add_test(tc, a_name_alone_unsets_it);
	tcase_add_test(tc, other_names_are_other_names);
	tcase_add_test(tc, what_follows_the_empty_string_is_not_looked_at);
	tcase_add_test(tc, the_end_after_a_whole_string_is_an_end);
	tcase_add_test(tc, no_answer_is_no_handshake);
	tcase_add_test(tc, an_answer_cut_short_is_none);
	tcase_add_test(tc, a_helper_that_left_cannot_be_told);
	tcase_add_loop_test(tc, a_protocol_is_printable_and_short_or_not_told,
	    0, COUNT(protocol));
	tcase_add_loop_test(tc, so_is_what_a_wrapper_before_us_tells,
	    0, COUNT(protocol));
	tcase_add_test(tc, an_answer_has_16_kib_at_most);
	tcase_add_test(tc, an_answer_may_come_octet_by_octet);

	tc = unit_case(s, "waiting for it (P-22, P-126)");
	tcase_add_test(tc, a_descriptor_that_does_not_block_is_as_good);
	tcase_add_test(tc,
	    a_signal_that_ends_nothing_does_not_end_the_wait);
	tcase_add_loop_test(tc,
	    a_helper_that_hangs_is_ended_by_the_alarm_or_a_signal, 0, 8);
	tcase_add_test(tc, a_helper_that_drips_is_ended_by_the_alarm);
	tcase_add_test(tc, dripping_buys_no_time);

	tc = unit_case(s, "the swap (P-127)");
	tcase_add_test(tc, the_swap_alone_asks_for_nothing);
	tcase_add_test(tc, control_may_be_closed_before);
	tcase_add_test(tc, one_descriptor_becomes_both);
	tcase_add_test(tc, what_was_closed_meanwhile_is_an_error);
	tcase_add_test(tc, a_handshake_without_descriptors_is_none);
	return s;
}
