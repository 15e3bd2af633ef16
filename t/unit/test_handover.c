/* test_handover.c - has the other side taken it, and the lingering close. */
#include "unit.h"

#include "base/idle.h"
#include "wire/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)	/* of idle_clock() */

/* us[0] is the client's side, us[1] ours. */
static int us[2];

static void by_pipe(void)
{
	ck_assert_int_eq(pipe(us), 0);
}

static void by_unix(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, us), 0);
}

static void by_tcp(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	socklen_t len = sizeof to;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	us[0] = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&to, &len), 0);
	ck_assert_int_eq(connect(us[0], (struct sockaddr *)&to, sizeof to), 0);
	us[1] = accept(fd, NULL, NULL);
	ck_assert_int_ne(us[1], -1);
	close(fd);
}

static void send_octets(size_t n)
{
	char octets[4096] = "";

	ck_assert_int_eq(write(us[1], octets, n), (ssize_t)n);
}

static void read_octets(size_t n)
{
	char octets[4096];

	ck_assert_int_eq(read(us[0], octets, n), (ssize_t)n);
}

/* Writes until no more goes in; returns the octets taken. */
static size_t fill_it(void)
{
	char octets[4096] = "";
	size_t sum = 0;
	ssize_t n;

	ck_assert_int_ne(fcntl(us[1], F_SETFL, O_NONBLOCK), -1);
	while ((n = write(us[1], octets, sizeof octets)) > 0)
		sum += (size_t)n;
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_ne(fcntl(us[1], F_SETFL, 0), -1);
	return sum;
}

/* The client resets the connection. */
static void reset(void)
{
	struct linger now = { .l_onoff = 1 };

	ck_assert_int_eq(setsockopt(us[0], SOL_SOCKET, SO_LINGER, &now,
	    sizeof now), 0);
	close(us[0]);
}

/* Reads everything in a process of its own, and ends at the end. */
static pid_t reader(void)
{
	char octets[4096];
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		close(us[1]);
		idle_sleep(20);	/* most likely somebody waits for us now */
		while (read(us[0], octets, sizeof octets) > 0)
			;
		_exit(0);
	}
	return pid;
}

static void (*const connection[])(void) = { by_pipe, by_unix, by_tcp };

START_TEST(with_nothing_to_hand_over_there_is_nothing_to_ask)
{
	connection[_i]();
	close(us[0]);
	ck_assert_int_eq(handover_now(us[1], 0, 0), HANDOVER_YES);
	ck_assert_int_eq(handover_wait(us[1], 0, 0), HANDOVER_YES);
	ck_assert_int_eq(handover_wait(-1, 10, 0), HANDOVER_YES);
}
END_TEST

START_TEST(what_write_did_not_take_was_not_handed_over)
{
	connection[_i]();
	send_octets(10);
	read_octets(10);
	ck_assert_int_eq(handover_now(us[1], 10, 11), HANDOVER_NO);
	ck_assert_int_eq(handover_wait(us[1], 10, 11), HANDOVER_NO);
}
END_TEST

START_TEST(what_was_read_was_handed_over)
{
	connection[_i]();
	send_octets(10);
	read_octets(10);
	ck_assert_int_eq(handover_wait(us[1], 10, 10), HANDOVER_YES);
	ck_assert_int_eq(handover_now(us[1], 10, 10), HANDOVER_YES);
}
END_TEST

START_TEST(a_client_that_has_read_all_may_close)
{
	connection[_i]();
	send_octets(10);
	read_octets(10);
	close(us[0]);
	ck_assert_int_eq(handover_wait(us[1], 10, 10), HANDOVER_YES);
	ck_assert_int_eq(handover_now(us[1], 10, 10), HANDOVER_YES);
}
END_TEST

START_TEST(a_client_that_reads_late_is_waited_for)
{
	size_t n;
	pid_t pid;

	connection[_i]();
	n = fill_it();
	ck_assert_int_eq(handover_now(us[1], n, n), HANDOVER_UNKNOWN);
	pid = reader();
	ck_assert_int_eq(handover_wait(us[1], n, n), HANDOVER_YES);
	close(us[1]);
	close(us[0]);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(after_thirty_seconds_without_one_octet_moving_it_is_no)
{
	uint64_t began;
	size_t n;

	connection[_i]();
	n = fill_it();
	clock_by_waits(60000, NULL);
	began = idle_clock();
	ck_assert_int_eq(handover_wait(us[1], n, n), HANDOVER_NO);
	ck_assert_uint_ge(idle_clock() - began, 30 * SECOND);
	ck_assert_uint_lt(idle_clock() - began, 31 * SECOND);
}
END_TEST

/* Every 25 s some octets move, and in the end all of them. */
static uint64_t moves_at;
static size_t waiting;

static int reads_a_little(void)
{
	char octets[65536];
	size_t n = waiting > 60000 ? 100 : waiting;

	if (idle_clock() < moves_at)
		return 0;
	moves_at += 25 * SECOND;
	waiting -= n;
	ck_assert_int_eq(read(us[0], octets, n), (ssize_t)n);
	return 0;
}

START_TEST(a_slow_client_is_no_dead_client)
{
	uint64_t began;
	size_t n;

	by_pipe();
	n = waiting = fill_it();
	ck_assert_uint_ge(n, 61000);
	clock_by_waits(60000, reads_a_little);
	began = idle_clock();
	moves_at = began + 25 * SECOND;
	ck_assert_int_eq(handover_wait(us[1], n, n), HANDOVER_YES);
	ck_assert_uint_eq(waiting, 0);
	ck_assert_uint_gt(idle_clock() - began, 250 * SECOND);
}
END_TEST

/* --- pipes --------------------------------------------------------------- */

START_TEST(of_a_pipe_the_octets_up_to_the_mark_must_be_read)
{
	by_pipe();
	send_octets(10);
	ck_assert_int_eq(handover_now(us[1], 10, 4), HANDOVER_UNKNOWN);
	read_octets(3);
	ck_assert_int_eq(handover_now(us[1], 10, 4), HANDOVER_UNKNOWN);
	read_octets(1);
	ck_assert_int_eq(handover_now(us[1], 10, 4), HANDOVER_YES);
	ck_assert_int_eq(handover_wait(us[1], 10, 4), HANDOVER_YES);
	ck_assert_int_eq(handover_now(us[1], 10, 5), HANDOVER_UNKNOWN);
}
END_TEST

START_TEST(a_pipe_whose_reader_left_with_the_message_unread_is_no)
{
	by_pipe();
	send_octets(10);
	read_octets(4);
	close(us[0]);
	ck_assert_int_eq(handover_now(us[1], 10, 5), HANDOVER_NO);
	ck_assert_int_eq(handover_wait(us[1], 10, 5), HANDOVER_NO);
	/* but what came before it left was taken */
	ck_assert_int_eq(handover_wait(us[1], 10, 4), HANDOVER_YES);
}
END_TEST

/* --- AF_UNIX ------------------------------------------------------------- */

START_TEST(of_a_unix_socket_all_must_be_read)
{
	by_unix();
	send_octets(10);
	ck_assert_int_eq(handover_now(us[1], 10, 4), HANDOVER_UNKNOWN);
	read_octets(9);
	ck_assert_int_eq(handover_now(us[1], 10, 4), HANDOVER_UNKNOWN);
	read_octets(1);
	ck_assert_int_eq(handover_now(us[1], 10, 4), HANDOVER_YES);
}
END_TEST

START_TEST(a_unix_peer_that_closed_with_octets_unread_is_no)
{
	by_unix();
	send_octets(10);
	read_octets(4);
	close(us[0]);
	ck_assert_int_eq(_i == 0 ? handover_wait(us[1], 10, 4) :
	    handover_now(us[1], 10, 4), HANDOVER_NO);
}
END_TEST

/* Its queue is empty then, and only an error that is told once says why. */
START_TEST(a_no_stays_a_no_however_often_one_asks)
{
	by_unix();
	send_octets(10);
	close(us[0]);
	ck_assert_int_eq(handover_now(us[1], 10, 10), HANDOVER_NO);
	ck_assert_int_eq(handover_now(us[1], 10, 10), HANDOVER_NO);
	ck_assert_int_eq(handover_wait(us[1], 10, 10), HANDOVER_NO);
}
END_TEST

/* --- TCP ----------------------------------------------------------------- */

START_TEST(of_tcp_the_octets_up_to_the_mark_must_be_acknowledged)
{
	size_t n;

	by_tcp();
	n = fill_it();
	ck_assert_int_eq(handover_wait(us[1], n, 1), HANDOVER_YES);
	ck_assert_int_eq(handover_now(us[1], n, n), HANDOVER_UNKNOWN);
}
END_TEST

START_TEST(a_reset_with_the_message_in_the_queue_is_no)
{
	size_t n;

	by_tcp();
	n = fill_it();
	reset();
	ck_assert_int_eq(handover_wait(us[1], n, n), HANDOVER_NO);
	ck_assert_int_eq(handover_now(us[1], n, n), HANDOVER_NO);
	ck_assert_int_eq(handover_wait(us[1], n, n), HANDOVER_NO);
}
END_TEST

/* Careless scripts: the message was read, the short answers never are. */
START_TEST(a_reset_after_the_message_is_no_harm)
{
	by_tcp();
	send_octets(100);
	read_octets(100);
	ck_assert_int_eq(handover_wait(us[1], 100, 100), HANDOVER_YES);
	send_octets(20);
	reset();
	ck_assert_int_eq(handover_wait(us[1], 120, 100), HANDOVER_YES);
	ck_assert_int_eq(handover_now(us[1], 120, 100), HANDOVER_YES);
}
END_TEST

START_TEST(a_half_closed_client_is_normal)
{
	size_t n;
	pid_t pid;

	by_tcp();
	n = fill_it();
	ck_assert_int_eq(shutdown(us[0], SHUT_WR), 0);
	ck_assert_int_eq(handover_now(us[1], n, n), HANDOVER_UNKNOWN);
	pid = reader();
	ck_assert_int_eq(handover_wait(us[1], n, n), HANDOVER_YES);
	close(us[1]);
	close(us[0]);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

/* --- what the kernel does not tell --------------------------------------- */

START_TEST(of_a_file_or_a_device_nothing_is_known)
{
	int null = open("/dev/null", O_WRONLY), file = holding("");
	int tty = posix_openpt(O_RDWR | O_NOCTTY);

	ck_assert_int_eq(handover_now(null, 10, 10), HANDOVER_UNKNOWN);
	ck_assert_int_eq(handover_wait(null, 10, 10), HANDOVER_UNKNOWN);
	ck_assert_int_eq(handover_now(file, 10, 10), HANDOVER_UNKNOWN);
	ck_assert_int_eq(handover_wait(file, 10, 10), HANDOVER_UNKNOWN);
	if (tty != -1) {
		ck_assert_int_eq(handover_now(tty, 10, 10), HANDOVER_UNKNOWN);
		ck_assert_int_eq(handover_wait(tty, 10, 10), HANDOVER_UNKNOWN);
		close(tty);
	}
	close(null);
	close(file);
}
END_TEST

/* --- signals ------------------------------------------------------------- */

static const char *while_waiting(int sig, enum handover want)
{
	idle_start();
	idle_restart();
	by_pipe();
	send_octets(10);
	raise(sig);
	NEED(handover_wait(us[1], 10, 10) == want);
	return NULL;
}

static const char *the_alarm(void)
{
	return while_waiting(SIGALRM, HANDOVER_EXPIRED);
}

static const char *a_signal(void)
{
	return while_waiting(SIGTERM, HANDOVER_SIGNAL);
}

START_TEST(the_alarm_and_signals_end_the_waiting)
{
	assert_in_child(the_alarm);
	assert_in_child(a_signal);
}
END_TEST

/* --- the last answer ----------------------------------------------------- */

START_TEST(the_last_answer_is_written)
{
	char got[16];

	connection[_i]();
	ck_assert_int_eq(handover_say(us[1], "+OK bye\r\n", 9), 0);
	ck_assert_int_eq(read(us[0], got, sizeof got), 9);
	ck_assert_mem_eq(got, "+OK bye\r\n", 9);
}
END_TEST

START_TEST(the_last_answer_to_nobody_is_lost)
{
	signal(SIGPIPE, SIG_IGN);
	if (_i == 0)
		by_pipe();
	else
		by_unix();
	close(us[0]);
	ck_assert_int_eq(handover_say(us[1], "+OK bye\r\n", 9), -1);
}
END_TEST

static int interrupted(void)
{
	return -1;
}

START_TEST(the_last_answer_waits_thirty_seconds_at_most)
{
	uint64_t began;

	by_pipe();
	fill_it();
	clock_by_waits(100, interrupted);
	began = idle_clock();
	ck_assert_int_eq(handover_say(us[1], "+OK bye\r\n", 9), -1);
	ck_assert_uint_ge(idle_clock() - began, 30 * SECOND);
	ck_assert_uint_lt(idle_clock() - began, 31 * SECOND);
}
END_TEST

/* --- the lingering close ------------------------------------------------- */

START_TEST(a_pipe_is_not_lingered_on)
{
	uint64_t began;

	by_pipe();
	clock_by_waits(100, NULL);
	began = idle_clock();
	handover_close(us[0], us[1]);
	ck_assert_uint_eq(idle_clock() - began, 0);
}
END_TEST

START_TEST(a_client_that_does_not_close_is_left_after_two_seconds)
{
	uint64_t began;

	by_unix();
	clock_by_waits(100, interrupted);
	began = idle_clock();
	handover_close(us[1], us[1]);
	ck_assert_uint_ge(idle_clock() - began, 2 * SECOND);
	ck_assert_uint_lt(idle_clock() - began, 3 * SECOND);
}
END_TEST

/* It sent commands nobody reads: a plain close would reset the connection. */
START_TEST(the_last_answer_arrives_though_input_was_left_unread)
{
	char junk[20000] = "", got[16];
	int status;
	pid_t pid;

	by_tcp();
	ck_assert_int_eq(write(us[0], junk, sizeof junk), sizeof junk);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		close(us[0]);
		if (handover_say(us[1], "+OK bye\r\n", 9) == -1)
			_exit(1);
		handover_close(us[1], us[1]);
		_exit(0);
	}
	close(us[1]);
	idle_sleep(20);		/* most likely it would have reset it now */
	ck_assert_int_eq(write(us[0], junk, 100), 100);
	ck_assert_int_eq(read(us[0], got, sizeof got), 9);
	ck_assert_mem_eq(got, "+OK bye\r\n", 9);
	ck_assert_int_eq(read(us[0], got, sizeof got), 0);
	close(us[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_client_that_closed_ends_the_lingering)
{
	uint64_t began;

	by_unix();
	ck_assert_int_eq(write(us[0], "QUIT\r\n", 6), 6);
	close(us[0]);
	clock_by_waits(100, NULL);
	began = idle_clock();
	handover_close(us[1], us[1]);
	ck_assert_uint_eq(idle_clock() - began, 0);
}
END_TEST

Suite *handover_suite(void)
{
	Suite *s = suite_create("handover");
	TCase *tc = unit_case(s, "any connection (U1, P-53)");
	int all = COUNT(connection);

	tcase_add_loop_test(tc,
	    with_nothing_to_hand_over_there_is_nothing_to_ask, 0, all);
	tcase_add_loop_test(tc, what_write_did_not_take_was_not_handed_over, 0,
	    all);
	tcase_add_loop_test(tc, what_was_read_was_handed_over, 0, all);
	tcase_add_loop_test(tc, a_client_that_has_read_all_may_close, 0, all);
	tcase_add_loop_test(tc, a_client_that_reads_late_is_waited_for, 0,
	    all);
	tcase_add_loop_test(tc,
	    after_thirty_seconds_without_one_octet_moving_it_is_no, 0, all);
	tcase_add_test(tc, a_slow_client_is_no_dead_client);
	tcase_add_test(tc, the_alarm_and_signals_end_the_waiting);
	tc = unit_case(s, "pipes (U1: FIONREAD)");
	tcase_add_test(tc, of_a_pipe_the_octets_up_to_the_mark_must_be_read);
	tcase_add_test(tc,
	    a_pipe_whose_reader_left_with_the_message_unread_is_no);
	tc = unit_case(s, "AF_UNIX (U1: SIOCOUTQ and SO_ERROR)");
	tcase_add_test(tc, of_a_unix_socket_all_must_be_read);
	tcase_add_loop_test(tc,
	    a_unix_peer_that_closed_with_octets_unread_is_no, 0, 2);
	tcase_add_test(tc, a_no_stays_a_no_however_often_one_asks);
	tc = unit_case(s, "TCP (U1: SIOCOUTQ)");
	tcase_add_test(tc,
	    of_tcp_the_octets_up_to_the_mark_must_be_acknowledged);
	tcase_add_test(tc, a_reset_with_the_message_in_the_queue_is_no);
	tcase_add_test(tc, a_reset_after_the_message_is_no_harm);
	tcase_add_test(tc, a_half_closed_client_is_normal);
	tc = unit_case(s, "what the kernel cannot tell (U1)");
	tcase_add_test(tc, of_a_file_or_a_device_nothing_is_known);
	tc = unit_case(s, "the last answer (U6)");
	tcase_add_loop_test(tc, the_last_answer_is_written, 0, all);
	tcase_add_loop_test(tc, the_last_answer_to_nobody_is_lost, 0, 2);
	tcase_add_test(tc, the_last_answer_waits_thirty_seconds_at_most);
	tc = unit_case(s, "the lingering close (U6)");
	tcase_add_test(tc, a_pipe_is_not_lingered_on);
	tcase_add_test(tc,
	    a_client_that_does_not_close_is_left_after_two_seconds);
	tcase_add_test(tc,
	    the_last_answer_arrives_though_input_was_left_unread);
	tcase_add_test(tc, a_client_that_closed_ends_the_lingering);
	return s;
}
