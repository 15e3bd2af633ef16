/* test_line.c - octets in: one bounded command line at a time. */
#include "unit.h"

#include "base/idle.h"
#include "wire/line.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct line in;
static char *text;
static size_t len;

/* A line of n octets in all, "xxx...x" and end. */
static const char *line_of(size_t n, const char *end)
{
	static char lines[2][70000];
	static unsigned next;
	char *line = lines[next++ % 2];

	memset(line, 'x', n);
	strcpy(line + n - strlen(end), end);
	return line;
}

static const char *both(const char *a, const char *b)
{
	static char octets[140000];

	strcpy(octets, a);
	return strcat(octets, b);
}

START_TEST(crlf_ends_a_line_and_is_no_part_of_it)
{
	line_init(&in, holding("STAT\r\nUIDL 1\r\n"));
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_str_eq(text, "STAT");
	ck_assert_uint_eq(len, 4);
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_str_eq(text, "UIDL 1");
	ck_assert_uint_eq(len, 6);
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_EOF);
}
END_TEST

START_TEST(a_bare_lf_ends_a_line_too)
{
	line_init(&in, holding("STAT\nNOOP\n\n"));
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_str_eq(text, "STAT");
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_str_eq(text, "NOOP");
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_uint_eq(len, 0);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(only_one_cr_belongs_to_the_end)
{
	line_init(&in, holding("A\r\r\n\r\nB\rC\r\n"));
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_str_eq(text, "A\r");
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_uint_eq(len, 0);
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_str_eq(text, "B\rC");
	ck_assert_uint_eq(len, 3);
}
END_TEST

START_TEST(a_nul_does_not_cut_a_line_short)
{
	line_init(&in, holding_octets("QUIT\0x\r\nNOOP\r\n", 14));
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_uint_eq(len, 6);
	ck_assert_mem_eq(text, "QUIT\0x", 7);
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_str_eq(text, "NOOP");
}
END_TEST

START_TEST(a_line_of_255_octets_and_one_of_the_limit_work)
{
	line_init(&in, holding(both(line_of(255, "\r\n"), "NOOP\r\n")));
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_uint_eq(len, 253);
	line_init(&in, holding(both(line_of(LINE_LIMIT, "\r\n"), "NOOP\r\n")));
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_uint_eq(len, LINE_LIMIT - 2);
	ck_assert_str_eq(text, line_of(LINE_LIMIT - 2, ""));
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_str_eq(text, "NOOP");
	line_init(&in, holding(line_of(LINE_LIMIT, "\n")));
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_uint_eq(len, LINE_LIMIT - 1);
}
END_TEST

static const struct {
	size_t octets;
	const char *end;
} long_line[] = {
	{ LINE_LIMIT + 1, "\r\n" }, { LINE_LIMIT + 1, "\n" },
	{ LINE_LIMIT + 2, "\r\n" }, { 600, "QUIT\r\n" },
	{ LINE_BUFFER - 1, "\r\n" }, { LINE_BUFFER, "\r\n" },
	{ LINE_BUFFER + 1, "\r\n" }, { LINE_BUFFER + LINE_LIMIT, "\r\n" },
	{ 3 * LINE_BUFFER, "\n" }, { 65536, "\r\n" },
};

START_TEST(too_long_is_one_error_and_the_next_command_survives)
{
	line_init(&in, holding(both(line_of(long_line[_i].octets,
	    long_line[_i].end), "NOOP\r\n")));
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_TOO_LONG);
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_str_eq(text, "NOOP");
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_EOF);
}
END_TEST

START_TEST(each_line_that_is_too_long_is_told)
{
	line_init(&in, holding(both(line_of(600, "\r\n"),
	    line_of(9000, "\r\n"))));
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_TOO_LONG);
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_TOO_LONG);
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_EOF);
}
END_TEST

/* Octet by octet is how a slow or malicious client sends. */
START_TEST(the_pieces_that_octets_come_in_do_not_matter)
{
	const char *octets = both(line_of(700, "\r\n"), "NOOP\r\nQUIT\n");
	size_t i;
	int end[2], status;
	pid_t pid;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, end), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		for (i = 0; i < strlen(octets); i++)
			if (send(end[1], octets + i, 1, 0) != 1)
				_exit(1);
		_exit(0);
	}
	close(end[1]);
	line_init(&in, end[0]);
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_TOO_LONG);
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_str_eq(text, "NOOP");
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_str_eq(text, "QUIT");
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_EOF);
	ck_assert_uint_eq(in.octets, strlen(octets));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(end[0]);
}
END_TEST

/* Thousands of lines, some long: every one of them, in their order. */
START_TEST(lines_are_whole_wherever_a_read_ends)
{
	uint32_t seed = 512, i;
	char *octets = malloc(3000 * 700), *o = octets;
	size_t *want = malloc(3000 * sizeof *want);

	ck_assert_ptr_nonnull(octets);
	ck_assert_ptr_nonnull(want);
	for (i = 0; i < 3000; i++) {
		want[i] = dice(&seed) % (dice(&seed) % 4 == 0 ? 690 : 20);
		memset(o, 'a' + (int)(i % 26), want[i]);
		o += want[i];
		memcpy(o, "\r\n", 2);
		o += 2;
	}
	line_init(&in, holding_octets(octets, (size_t)(o - octets)));
	for (i = 0; i < 3000; i++) {
		enum line_result r = line_next(&in, &text, &len);

		if (want[i] + 2 > LINE_LIMIT ? r != LINE_TOO_LONG :
		    r != LINE_OK || len != want[i] || strlen(text) != len ||
		    (len > 0 && text[len - 1] != 'a' + (char)(i % 26)))
			ck_abort_msg("seed 512, line %u of %zu octets", i,
			    want[i]);
	}
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_EOF);
	ck_assert_uint_eq(in.octets, (size_t)(o - octets));
	free(octets);
	free(want);
}
END_TEST

/* --- before login --------------------------------------------------------- */

START_TEST(before_login_not_an_octet_is_read_beyond_the_line)
{
	static const char octets[] = "USER ab\r\nPASS b\r\nSTAT\r\n";
	char rest[64];
	int fd = holding(octets);

	line_init_before_login(&in, fd, LINE_LIMIT);
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_str_eq(text, "USER ab");
	ck_assert(!line_waiting(&in));
	ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 9);
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_str_eq(text, "PASS b");
	ck_assert_int_eq(read(fd, rest, sizeof rest), 6);
	ck_assert_mem_eq(rest, "STAT\r\n", 6);
	close(fd);
}
END_TEST

START_TEST(before_login_the_limit_is_the_one_that_was_asked_for)
{
	line_init_before_login(&in, holding(both(line_of(1026, "\r\n"),
	    line_of(1027, "\r\n"))), 1026);
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_uint_eq(len, 1024);
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_TOO_LONG);
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_EOF);
}
END_TEST

START_TEST(before_login_64_kib_of_junk_end_the_session)
{
	char *junk = malloc(80000);

	ck_assert_ptr_nonnull(junk);
	memset(junk, 'x', 80000);
	memcpy(junk + 60000, "\r\nQUIT\r\n", 8);
	line_init_before_login(&in, holding_octets(junk, 80000), LINE_LIMIT);
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_TOO_LONG);
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_str_eq(text, "QUIT");
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_FLOOD);
	ck_assert_uint_gt(in.octets, LINE_FLOOD_LIMIT);
	ck_assert_uint_lt(in.octets, LINE_FLOOD_LIMIT + 2 * LINE_LIMIT);
	/* after it nobody counts */
	line_init(&in, holding_octets(junk + 60008, 80000 - 60008));
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_EOF);
	free(junk);
}
END_TEST

static const char *const unfinished[] = { "", "QUIT", "QUIT\r" };

START_TEST(an_unfinished_last_line_is_no_command)
{
	line_init(&in, holding(both("DELE 1\r\n", unfinished[_i])));
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_EOF);
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_EOF);
}
END_TEST

START_TEST(an_unfinished_line_that_is_too_long_is_no_command)
{
	line_init(&in, holding(line_of(5000, "QUIT")));
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_EOF);
}
END_TEST

START_TEST(a_line_at_hand_means_that_answers_may_wait)
{
	line_init(&in, holding("STAT\r\nNOOP\r\nQU"));
	ck_assert(!line_waiting(&in));	/* nothing is read yet */
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert(line_waiting(&in));
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert(!line_waiting(&in));	/* "QU" is no line yet */
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_EOF);
	ck_assert(line_waiting(&in));	/* nobody need be asked */
}
END_TEST

START_TEST(a_descriptor_that_does_not_block_is_waited_for)
{
	int end[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe2(end, O_NONBLOCK), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		idle_sleep(20);		/* most likely the reader waits now */
		_exit(write(end[1], "NOOP\r\n", 6) != 6);
	}
	close(end[1]);
	line_init(&in, end[0]);
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_OK);
	ck_assert_str_eq(text, "NOOP");
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_EOF);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(end[0]);
}
END_TEST

START_TEST(a_read_error_is_told_with_its_errno)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	ck_assert_int_ne(fd, -1);
	line_init(&in, fd);
	errno = 0;
	ck_assert_int_eq(line_next(&in, &text, &len), LINE_FAIL);
	ck_assert_int_eq(errno, EISDIR);
	close(fd);
}
END_TEST

static const char *the_alarm(void)
{
	int end[2];

	NEED(pipe(end) == 0);
	idle_start();
	line_init(&in, end[0]);
	NEED(write(end[1], "NOOP\r\nQU", 8) == 8);
	NEED(line_next(&in, &text, &len) == LINE_OK);
	raise(SIGALRM);
	NEED(line_next(&in, &text, &len) == LINE_IDLE);
	return NULL;
}

START_TEST(the_alarm_ends_the_waiting_for_a_line)
{
	assert_in_child(the_alarm);
}
END_TEST

static const char *a_signal(void)
{
	int end[2];

	NEED(pipe(end) == 0);
	idle_start();
	line_init(&in, end[0]);
	raise(SIGTERM);
	NEED(line_next(&in, &text, &len) == LINE_SIGNAL);
	return NULL;
}

START_TEST(a_signal_ends_the_waiting_for_a_line)
{
	assert_in_child(a_signal);
}
END_TEST

/* An octet every 0.3 s of the second that the client has for a command. */
static const char *dripping(void)
{
	int end[2];

	NEED(pipe(end) == 0);
	idle_start();
	idle_set(1);
	NEED(write(end[1], "x", 1) == 1);
	line_init(&in, end[0]);
	if (fork() == 0) {
		int i;

		for (i = 0; i < 6; i++) {
			idle_sleep(300);
			if (write(end[1], "x", 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	NEED(line_next(&in, &text, &len) == LINE_IDLE);
	NEED(in.octets > 0);
	return NULL;
}

START_TEST(dripping_octets_buys_no_time)
{
	assert_in_child(dripping);
}
END_TEST

Suite *line_suite(void)
{
	Suite *s = suite_create("line");
	TCase *tc = unit_case(s, "line ends (RFC 1939 section 3, P-6)");

	tcase_add_test(tc, crlf_ends_a_line_and_is_no_part_of_it);
	tcase_add_test(tc, a_bare_lf_ends_a_line_too);
	tcase_add_test(tc, only_one_cr_belongs_to_the_end);
	tcase_add_test(tc, a_nul_does_not_cut_a_line_short);
	tc = unit_case(s, "limits (RFC 2449 section 4, P-3, P-4, P-5)");
	tcase_add_test(tc, a_line_of_255_octets_and_one_of_the_limit_work);
	tcase_add_loop_test(tc,
	    too_long_is_one_error_and_the_next_command_survives, 0,
	    COUNT(long_line));
	tcase_add_test(tc, each_line_that_is_too_long_is_told);
	tc = unit_case(s, "reading (P-16, P-74)");
	tcase_add_test(tc, the_pieces_that_octets_come_in_do_not_matter);
	tcase_add_test(tc, lines_are_whole_wherever_a_read_ends);
	tcase_add_test(tc, a_line_at_hand_means_that_answers_may_wait);
	tcase_add_test(tc, a_descriptor_that_does_not_block_is_waited_for);
	tc = unit_case(s, "before login (P-5, P-82, P-91)");
	tcase_add_test(tc, before_login_not_an_octet_is_read_beyond_the_line);
	tcase_add_test(tc,
	    before_login_the_limit_is_the_one_that_was_asked_for);
	tcase_add_test(tc, before_login_64_kib_of_junk_end_the_session);
	tc = unit_case(s, "the end (P-26)");
	tcase_add_loop_test(tc, an_unfinished_last_line_is_no_command, 0,
	    COUNT(unfinished));
	tcase_add_test(tc, an_unfinished_line_that_is_too_long_is_no_command);
	tcase_add_test(tc, a_read_error_is_told_with_its_errno);
	tc = unit_case(s, "autologout (RFC 1939 section 3, P-22, P-23)");
	tcase_add_test(tc, the_alarm_ends_the_waiting_for_a_line);
	tcase_add_test(tc, a_signal_ends_the_waiting_for_a_line);
	tcase_add_test(tc, dripping_octets_buys_no_time);
	return s;
}
