/* test_reply.c - octets out: status lines, multi-line answers, stuffing. */
#include "unit.h"

#include "base/idle.h"
#include "wire/reply.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct reply out;
static struct crlf state;
static char got[400000];
static size_t got_len;

/* The client's side of a socket where each write(2) stays one piece. */
static int client;

static void connected(void)
{
	int end[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK,
	    0, end), 0);
	client = end[0];
	reply_init(&out, end[1]);
}

/* What the next write(2) sent; "" if there was none. */
static const char *written(void)
{
	ssize_t n = recv(client, got, sizeof got - 1, 0);

	got_len = n < 0 ? 0 : (size_t)n;
	got[got_len] = '\0';
	return got;
}

START_TEST(an_answer_is_one_write)
{
	connected();
	reply_ok(&out, "2 messages");
	reply_number(&out, 1);
	reply_text(&out, " ");
	reply_number(&out, 120);
	reply_end(&out);
	reply_octets(&out, "2 3xx", 3);
	reply_end(&out);
	reply_dot(&out);
	ck_assert_str_eq(written(), "");	/* not before it is flushed */
	ck_assert_int_eq(reply_flush(&out), REPLY_GOOD);
	ck_assert_str_eq(written(),
	    "+OK 2 messages\r\n1 120\r\n2 3\r\n.\r\n");
	ck_assert_str_eq(written(), "");
	ck_assert_uint_eq(out.accepted, 31);
}
END_TEST

START_TEST(answers_to_pipelined_commands_share_a_write)
{
	connected();
	reply_ok(&out, "one");
	reply_err(&out, "two");
	reply_ok(&out, "three");
	ck_assert_int_eq(reply_flush(&out), REPLY_GOOD);
	ck_assert_str_eq(written(), "+OK one\r\n-ERR two\r\n+OK three\r\n");
}
END_TEST

START_TEST(nothing_to_say_writes_nothing)
{
	connected();
	ck_assert_int_eq(reply_flush(&out), REPLY_GOOD);
	ck_assert_str_eq(written(), "");
	ck_assert_uint_eq(out.accepted, 0);
}
END_TEST

START_TEST(a_message_is_stuffed_and_ended)
{
	connected();
	crlf_start(&state);
	reply_body(&out, &state, ".\n..a\nb", 7);
	reply_body_end(&out, &state);
	ck_assert_int_eq(reply_flush(&out), REPLY_GOOD);
	ck_assert_str_eq(written(), "..\r\n...a\r\nb\r\n.\r\n");
	ck_assert_uint_eq(state.octets, 11);
}
END_TEST

START_TEST(an_empty_message_is_a_dot_alone)
{
	connected();
	crlf_start(&state);
	reply_body_end(&out, &state);
	ck_assert_int_eq(reply_flush(&out), REPLY_GOOD);
	ck_assert_str_eq(written(), ".\r\n");
	ck_assert_uint_eq(state.octets, 0);
}
END_TEST

START_TEST(a_dot_is_stuffed_wherever_a_chunk_ends)
{
	static const char stored[] = ".\n..\r\n.a\n\r.\n\n.\r\n.x";
	static const char wire[] =
	    "..\r\n...\r\n..a\r\n\r.\r\n\r\n..\r\n..x\r\n.\r\n";
	size_t len = sizeof stored - 1, a, b;

	connected();
	for (a = 0; a <= len; a++)
		for (b = a; b <= len; b++) {
			crlf_start(&state);
			reply_body(&out, &state, stored, a);
			reply_body(&out, &state, stored + a, b - a);
			reply_body(&out, &state, stored + b, len - b);
			reply_body_end(&out, &state);
			reply_flush(&out);
			if (strcmp(written(), wire) != 0)
				ck_abort_msg("split at %zu and %zu: %s", a, b,
				    got);
		}
	ck_assert_uint_eq(state.octets, sizeof wire - 1 - 5 - 3);
}
END_TEST

/* Longer than the buffer; its end falls on every place of a line in turn. */
START_TEST(a_dot_is_stuffed_wherever_the_buffer_ends)
{
	size_t len = REPLY_BUFFER + 200, i, shift, lines, n;
	char *stored = malloc(len);

	ck_assert_ptr_nonnull(stored);
	for (shift = 0; shift < 8; shift++) {
		int fd = holding("");

		for (i = 0; i < len; i++)
			stored[i] = i % 3 == 2 ? '\n' : i % 3 == 0 ? '.' : 'x';
		lines = len / 3;
		len -= len % 3;
		reply_init(&out, fd);
		reply_octets(&out, "01234567", shift);
		crlf_start(&state);
		reply_body(&out, &state, stored, len);
		reply_body_end(&out, &state);
		ck_assert_int_eq(reply_flush(&out), REPLY_GOOD);
		ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
		n = drain(fd, got, sizeof got);
		ck_assert_uint_eq(n, shift + lines * 5 + 3);
		for (i = 0; i < lines; i++)
			if (memcmp(got + shift + i * 5, "..x\r\n", 5) != 0)
				ck_abort_msg("shift %zu, line %zu", shift, i);
		ck_assert_uint_eq(state.octets, lines * 4);
		ck_assert_uint_eq(out.accepted, n);
		ck_assert_uint_eq(out.mark, n);
		close(fd);
	}
	free(stored);
}
END_TEST

START_TEST(an_answer_longer_than_the_buffer_is_sent_whole)
{
	int fd = holding("");
	unsigned i;
	size_t n;

	reply_init(&out, fd);
	for (i = 0; i < 20000; i++) {
		reply_number(&out, UINT64_MAX - i);
		reply_end(&out);
	}
	ck_assert_int_eq(reply_flush(&out), REPLY_GOOD);
	ck_assert_uint_eq(out.accepted, 20000 * 22);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	n = drain(fd, got, sizeof got);
	ck_assert_uint_eq(n, sizeof got);
	for (i = 0; i < n / 22; i++)
		if (memcmp(got + i * 22, "1844674407370", 13) != 0 ||
		    memcmp(got + i * 22 + 20, "\r\n", 2) != 0)
			ck_abort_msg("line %u", i);
	close(fd);
}
END_TEST

START_TEST(a_write_error_sticks)
{
	int end[2], other = holding("");

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe(end), 0);
	reply_init(&out, end[1]);
	close(end[0]);
	reply_ok(&out, "nobody listens");
	ck_assert_int_eq(reply_flush(&out), REPLY_GONE);
	ck_assert_uint_eq(out.accepted, 0);
	/* Even if it could be written now, it would be a torn answer. */
	out.fd = other;
	crlf_start(&state);
	reply_ok(&out, "more");
	reply_body(&out, &state, "a\n", 2);
	reply_body_end(&out, &state);
	ck_assert_int_eq(reply_flush(&out), REPLY_GONE);
	ck_assert_uint_eq(out.accepted, 0);
	ck_assert_int_eq(lseek(other, 0, SEEK_END), 0);
	/* Nor may the message count as delivered. */
	ck_assert_uint_gt(out.mark, out.accepted);
	close(other);
	close(end[1]);
}
END_TEST

START_TEST(the_mark_is_the_end_of_the_last_message_and_no_short_answer)
{
	connected();
	reply_ok(&out, "1 octets");		/* 14 octets */
	ck_assert_uint_eq(out.mark, 0);
	crlf_start(&state);
	reply_body(&out, &state, "a\n", 2);	/* 3 */
	ck_assert_uint_eq(out.mark, 0);
	reply_body_end(&out, &state);		/* 3 */
	ck_assert_uint_eq(out.mark, 20);
	reply_ok(&out, "deleted");
	reply_flush(&out);
	reply_ok(&out, "bye");
	reply_flush(&out);
	ck_assert_uint_eq(out.mark, 20);
	ck_assert_uint_eq(out.accepted, 33 + 9);
	crlf_start(&state);
	reply_body_end(&out, &state);
	ck_assert_uint_eq(out.mark, 45);
}
END_TEST

/* A client that reads slowly, and a descriptor that does not block. */
START_TEST(every_octet_arrives_though_write_takes_few_at_a_time)
{
	int end[2], status;
	uint32_t i;
	size_t n;
	pid_t pid;

	ck_assert_int_eq(pipe2(end, _i == 0 ? 0 : O_NONBLOCK), 0);
	ck_assert_int_ne(fcntl(end[1], F_SETPIPE_SZ, 4096), -1);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		reply_init(&out, end[1]);
		for (i = 0; i < 50000; i++)
			reply_octets(&out, (const char *)&i, sizeof i);
		_exit(reply_flush(&out) != REPLY_GOOD ||
		    out.accepted != 200000);
	}
	close(end[1]);
	ck_assert_int_ne(fcntl(end[0], F_SETFL, 0), -1);
	n = drain(end[0], got, sizeof got);
	ck_assert_uint_eq(n, 200000);
	for (i = 0; i < 50000; i++)
		if (memcmp(got + i * sizeof i, &i, sizeof i) != 0)
			ck_abort_msg("word %u", i);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(end[0]);
}
END_TEST

static const char *stalled(void)
{
	int end[2];

	NEED(pipe(end) == 0);
	idle_start();
	idle_set(1);
	reply_init(&out, end[1]);
	memset(out.buf, 'x', sizeof out.buf);
	out.used = sizeof out.buf;
	NEED(reply_flush(&out) == REPLY_GOOD);	/* the pipe is full now */
	reply_ok(&out, "this one blocks");
	NEED(reply_flush(&out) == REPLY_STALLED);
	NEED(out.accepted == sizeof out.buf);
	return NULL;
}

START_TEST(a_client_that_reads_nothing_is_idle)
{
	assert_in_child(stalled);
}
END_TEST

static const char *told_to_end(void)
{
	int fd = holding("");

	idle_start();
	raise(SIGHUP);
	reply_init(&out, fd);
	reply_ok(&out, "too late");
	NEED(reply_flush(&out) == REPLY_SIGNAL);
	NEED(lseek(fd, 0, SEEK_END) == 0);
	return NULL;
}

START_TEST(a_signal_ends_the_writing)
{
	assert_in_child(told_to_end);
}
END_TEST

Suite *reply_suite(void)
{
	Suite *s = suite_create("reply");
	TCase *tc = unit_case(s, "answers (RFC 1939 section 3, P-11, P-16)");

	tcase_add_test(tc, an_answer_is_one_write);
	tcase_add_test(tc, answers_to_pipelined_commands_share_a_write);
	tcase_add_test(tc, nothing_to_say_writes_nothing);
	tcase_add_test(tc, an_answer_longer_than_the_buffer_is_sent_whole);
	tc = unit_case(s, "byte-stuffing (RFC 1939 section 3, P-14, P-33)");
	tcase_add_test(tc, a_message_is_stuffed_and_ended);
	tcase_add_test(tc, an_empty_message_is_a_dot_alone);
	tcase_add_test(tc, a_dot_is_stuffed_wherever_a_chunk_ends);
	tcase_add_test(tc, a_dot_is_stuffed_wherever_the_buffer_ends);
	tc = unit_case(s, "writing (P-24, P-26)");
	tcase_add_test(tc, a_write_error_sticks);
	tcase_add_loop_test(tc,
	    every_octet_arrives_though_write_takes_few_at_a_time, 0, 2);
	tcase_add_test(tc, a_client_that_reads_nothing_is_idle);
	tcase_add_test(tc, a_signal_ends_the_writing);
	tc = unit_case(s, "the mark (U1)");
	tcase_add_test(tc,
	    the_mark_is_the_end_of_the_last_message_and_no_short_answer);
	return s;
}
