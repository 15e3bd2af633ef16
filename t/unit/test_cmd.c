/*
 * test_cmd.c - lines to commands, through the table of TRANSACTION.
 */
#include "unit.h"

#include "mail/listing.h"
#include "protocol/cmd.h"
#include "protocol/trans.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct session s;
static struct config config;
static char got[65536];
static enum next next;

/* A session on a Maildir of two messages. */
static void begin(void)
{
	const char *box = new_maildir();

	put(box, "new/1.a", "Subject: one\n\n.dot\nend\n");
	put(box, "cur/2.b:2,S", "no header's end\n");
	memset(&s, 0, sizeof s);
	memset(&config, 0, sizeof config);
	s.config = &config;
	ck_assert_int_eq(maildir_open(&s.dir, box), 0);
	ck_assert_int_eq(visit_begin(&s.visit, &s.drop, &s.dir, false,
	    false), 0);
}

static void end(void)
{
	maildrop_free(&s.drop);
	maildir_close(&s.dir);
}

/* What the server answers to these octets; next and s.end say how it ended. */
static const char *answers_to(const char *octets, size_t len)
{
	int out = holding("");

	line_init(&s.in, holding_octets(octets, len));
	reply_init(&s.out, out);
	next = trans_run(&s);
	reply_flush(&s.out);
	ck_assert_int_eq(lseek(out, 0, SEEK_SET), 0);
	got[drain(out, got, sizeof got - 1)] = '\0';
	close(s.in.fd);
	close(out);
	return got;
}

static const char *answers(const char *text)
{
	return answers_to(text, strlen(text));
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		n++;
	return n;
}

/* --- splitting ------------------------------------------------------------ */

static const char *const good[] = {
	"STAT", "stat", "sTaT", "NOOP", "noop", "RSET", "LIST", "list 1",
	"LIST  1", "LIST 1 ", "LIST 1   ", "STAT ", "NOOP   ", "UIDL", "uidl 2",
	"TOP 1 0", "top  1   0 ", "RETR 1", "RETR 00001", "DELE 2", "CAPA",
	"capa", "TOP 1 18446744073709551617",
};

START_TEST(a_command_is_taken_in_any_case_and_with_any_number_of_blanks)
{
	char line[64];

	snprintf(line, sizeof line, "%s\r\n", good[_i]);
	ck_assert_int_eq(strncmp(answers(line), "+OK ", 4), 0);
	ck_assert_uint_eq(count(got, "-ERR"), 0);
}
END_TEST

#define OCTETS(text) { text, sizeof text - 1 }

static const struct {
	const char *octets;
	size_t len;
} bad[] = {
	OCTETS(""), OCTETS(" "), OCTETS(" STAT"), OCTETS("  "),
	/* not commands, or not of this state */
	OCTETS("STA"), OCTETS("STATS"), OCTETS("S"), OCTETS("XTND"),
	OCTETS("LAST"), OCTETS("STAT1"), OCTETS("CAPABILITY"),
	OCTETS("USER a"), OCTETS("PASS b"), OCTETS("APOP a b"),
	OCTETS("AUTH PLAIN"), OCTETS("STLS"), OCTETS("UTF8"), OCTETS("LANG"),
	OCTETS("QUIT\xff"), OCTETS("\xd3TAT"), OCTETS("STA\x54\x80"),
	/* too many or too few arguments */
	OCTETS("STAT x"), OCTETS("NOOP x"), OCTETS("QUIT now"),
	OCTETS("CAPA x"), OCTETS("RSET 1"), OCTETS("LIST 1 2"),
	OCTETS("UIDL 1 2"), OCTETS("RETR 1 2"), OCTETS("DELE 1 2"),
	OCTETS("TOP 1 2 3"), OCTETS("RETR"), OCTETS("RETR "), OCTETS("DELE"),
	OCTETS("TOP"), OCTETS("TOP 1"), OCTETS("TOP 1 "),
	/* control octets, of which none separates or cuts */
	OCTETS("STAT\0"), OCTETS("STAT\0x"), OCTETS("\0STAT"),
	OCTETS("RETR\t1"), OCTETS("RETR 1\t"), OCTETS("STAT\r"),
	OCTETS("ST\rAT"), OCTETS("QUIT\x7f"), OCTETS("QUIT\x1b"),
	OCTETS("QUIT\x01"), OCTETS("LIST 1\0002"), OCTETS("\x1f"),
};

START_TEST(anything_else_is_one_error_and_the_session_goes_on)
{
	char line[64];

	memcpy(line, bad[_i].octets, bad[_i].len);
	memcpy(line + bad[_i].len, "\r\nNOOP\r\n", 8);
	answers_to(line, bad[_i].len + 8);
	ck_assert_int_eq(strncmp(got, "-ERR ", 5), 0);
	ck_assert_uint_eq(count(got, "\r\n"), 2);
	ck_assert_ptr_nonnull(strstr(got, "\r\n+OK "));
	ck_assert_uint_eq(maildrop_totals(&s.drop).count, 2);
	ck_assert_int_eq(next, HANG_UP);
	ck_assert_int_eq(s.end, END_DISCONNECT);
}
END_TEST

START_TEST(a_bare_lf_ends_a_command)
{
	answers("NOOP\nSTAT\n");
	ck_assert_uint_eq(count(got, "+OK "), 2);
}
END_TEST

static const char *const number[] = { "0", "3", "00", "4294967297",
	"18446744073709551615", "18446744073709551616", "18446744073709551617",
	"340282366920938463463374607431768211457",
	"-1", "+1", "1.0", "0x1", "a", "1a", "'1'", "*", "1-2" };

START_TEST(a_number_that_is_no_message_is_an_error_and_touches_none)
{
	static const char *const verb[] = { "LIST %s", "UIDL %s", "RETR %s",
		"DELE %s", "TOP %s 1" };
	char word[128], line[160];
	size_t i;

	for (i = 0; i < COUNT(verb); i++) {
		char *at;

		/* No format from a table: -Wformat=2 is right about it. */
		snprintf(word, sizeof word, "%s", verb[i]);
		at = strchr(word, '%');
		*at = '\0';
		snprintf(line, sizeof line, "%s%s%s\r\n", word, number[_i],
		    at + 2);
		ck_assert_int_eq(strncmp(answers(line), "-ERR ", 5), 0);
		ck_assert_uint_eq(count(got, "\r\n"), 1);
		ck_assert_uint_eq(maildrop_totals(&s.drop).count, 2);
	}
}
END_TEST

START_TEST(a_number_of_lines_must_be_one)
{
	ck_assert_int_eq(strncmp(answers("TOP 1 x\r\n"), "-ERR ", 5), 0);
	ck_assert_int_eq(strncmp(answers("TOP 1 -1\r\n"), "-ERR ", 5), 0);
}
END_TEST

START_TEST(a_command_of_255_octets_works)
{
	char line[256];

	snprintf(line, sizeof line, "LIST %0248d\r\n", 1);
	ck_assert_uint_eq(strlen(line), 255);
	ck_assert_str_eq(answers(line), "+OK 1 27\r\n");
}
END_TEST

START_TEST(a_line_too_long_is_one_error_and_none_of_it_is_executed)
{
	char line[2000];

	memset(line, ' ', sizeof line);
	memcpy(line, "DELE 1", 6);
	memcpy(line + 1000, "DELE 2\r\nNOOP\r\n", 14);
	answers_to(line, 1014);
	ck_assert_int_eq(strncmp(got, "-ERR ", 5), 0);
	ck_assert_ptr_nonnull(strstr(got, "\r\n+OK "));
	ck_assert_uint_eq(count(got, "\r\n"), 2);
	ck_assert_uint_eq(maildrop_totals(&s.drop).count, 2);
}
END_TEST

/* --- answers -------------------------------------------------------------- */

START_TEST(an_answer_repeats_nothing_that_was_sent)
{
	answers("XYZZY [IN-USE]\r\nRETR [AUTH]xyzzy\r\nTOP 1 xyzzy\r\n"
	    "SOMETHING\r\nxyzzy\r\n");
	ck_assert_uint_eq(count(got, "-ERR "), 5);
	ck_assert_ptr_null(strstr(got, "xyzzy"));
	ck_assert_ptr_null(strstr(got, "XYZZY"));
	ck_assert_ptr_null(strstr(got, "["));
}
END_TEST

START_TEST(a_session_of_all_commands_reads_as_it_should)
{
	ck_assert_str_eq(answers("STAT\r\nLIST\r\nUIDL\r\nLIST 2\r\n"
	    "UIDL 1\r\nRETR 1\r\nDELE 1\r\nDELE 1\r\nRETR 1\r\nLIST\r\n"
	    "STAT\r\nRSET\r\nSTAT\r\nNOOP\r\nQUIT\r\nNOOP\r\n"),
	    "+OK 2 44\r\n"
	    "+OK 2 messages\r\n1 27\r\n2 17\r\n.\r\n"
	    "+OK 2 messages\r\n1 1.a\r\n2 2.b\r\n.\r\n"
	    "+OK 2 17\r\n"
	    "+OK 1 1.a\r\n"
	    "+OK 27 octets\r\nSubject: one\r\n\r\n..dot\r\nend\r\n.\r\n"
	    "+OK message 1 deleted\r\n"
	    "-ERR no such message\r\n"
	    "-ERR no such message\r\n"
	    "+OK 1 messages\r\n2 17\r\n.\r\n"
	    "+OK 1 17\r\n"
	    "+OK nothing is deleted\r\n"
	    "+OK 2 44\r\n"
	    "+OK nothing done\r\n");
	ck_assert_int_eq(next, ADVANCE);
	ck_assert_int_eq(s.end, END_QUIT);
}
END_TEST

START_TEST(top_sends_the_header_and_n_lines)
{
	ck_assert_str_eq(answers("TOP 1 0\r\nTOP 1 1\r\nTOP 1 99\r\n"),
	    "+OK top of message follows\r\nSubject: one\r\n\r\n.\r\n"
	    "+OK top of message follows\r\nSubject: one\r\n\r\n..dot\r\n.\r\n"
	    "+OK top of message follows\r\nSubject: one\r\n\r\n..dot\r\n"
	    "end\r\n.\r\n");
}
END_TEST

START_TEST(top_ends_a_header_that_has_no_end_and_retr_does_not)
{
	ck_assert_str_eq(answers("TOP 2 0\r\nLIST 2\r\nRETR 2\r\n"),
	    "+OK top of message follows\r\nno header's end\r\n\r\n.\r\n"
	    "+OK 2 17\r\n"
	    "+OK 17 octets\r\nno header's end\r\n.\r\n");
}
END_TEST

START_TEST(capabilities_stand_in_their_order)
{
	ck_assert_str_eq(answers("CAPA\r\n"), "+OK capabilities follow\r\n"
	    "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n"
	    "IMPLEMENTATION maildir-pop3d\r\n.\r\n");
	config.expire = "30";
	ck_assert_ptr_nonnull(strstr(answers("CAPA\r\n"),
	    "\r\nPIPELINING\r\nEXPIRE 30\r\nIMPLEMENTATION"));
}
END_TEST

/* --- the end of a session ------------------------------------------------- */

static char *lines(const char *line, unsigned times)
{
	static char text[65536];

	for (text[0] = '\0'; times > 0; times--)
		strcat(text, line);
	return text;
}

static const char *const counts_as_bad[] = { "FOO\r\n", "STAT x\r\n", "\r\n",
	"USER a\r\n", "NOOP\x01\r\n", "RETR\r\n", "RETR x\r\n",
	"TOP 1 x\r\n", "LIST 1\x7f\r\n", "LIST 99 9\r\n" };

START_TEST(too_many_bad_commands_in_a_row_end_the_session)
{
	answers(strcat(lines(counts_as_bad[_i], TRANS_BAD_LIMIT),
	    "DELE 1\r\nQUIT\r\n"));
	ck_assert_uint_eq(count(got, "-ERR "), 25);
	ck_assert_uint_eq(count(got, "\r\n"), 25);
	ck_assert_int_eq(next, HANG_UP);
	ck_assert_int_eq(s.end, END_ERROR);
	ck_assert_uint_eq(maildrop_totals(&s.drop).count, 2);
}
END_TEST

START_TEST(lines_too_long_count_as_bad)
{
	char line[700];

	memset(line, 'x', sizeof line);
	strcpy(line + 600, "\r\n");
	answers(lines(line, 26));
	ck_assert_uint_eq(count(got, "-ERR "), 25);
	ck_assert_int_eq(s.end, END_ERROR);
}
END_TEST

START_TEST(a_good_command_forgives_the_bad_ones)
{
	static char text[2048];

	strcpy(text, lines("FOO\r\n", 24));
	strcat(text, "NOOP\r\n");
	strcat(text, lines("FOO\r\n", 24));
	answers(strcat(text, "QUIT\r\n"));
	ck_assert_uint_eq(count(got, "-ERR "), 48);
	ck_assert_int_eq(next, ADVANCE);
}
END_TEST

START_TEST(an_error_about_a_message_is_no_bad_command)
{
	answers(strcat(lines("RETR 99\r\n", 60), "QUIT\r\n"));
	ck_assert_uint_eq(count(got, "-ERR "), 60);
	ck_assert_int_eq(next, ADVANCE);
}
END_TEST

static const char *const without_quit[] = { "DELE 1\r\n", "DELE 1\r\nQUIT",
	"DELE 1\r\nQUIT\r", "DELE 1\r\nQUI", "" };

START_TEST(without_a_whole_quit_there_is_no_update)
{
	answers(without_quit[_i]);
	ck_assert_int_eq(next, HANG_UP);
	ck_assert_int_eq(s.end, END_DISCONNECT);
}
END_TEST

START_TEST(a_client_that_is_gone_ends_the_session)
{
	int out[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, out), 0);
	close(out[0]);
	line_init(&s.in, holding("NOOP\r\nDELE 1\r\nQUI"));
	reply_init(&s.out, out[1]);
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(trans_run(&s), HANG_UP);
	ck_assert_int_eq(s.end, END_DISCONNECT);
}
END_TEST

/* --- pipelining ----------------------------------------------------------- */

START_TEST(answers_to_commands_at_hand_go_out_together)
{
	int out[2];
	ssize_t n;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, out), 0);
	line_init(&s.in, holding("NOOP\r\nFOO\r\nSTAT\r\nNOOP\r\n"));
	reply_init(&s.out, out[1]);
	ck_assert_int_eq(trans_run(&s), HANG_UP);
	close(out[1]);
	n = read(out[0], got, sizeof got - 1);
	ck_assert_int_gt(n, 0);
	got[n] = '\0';
	ck_assert_str_eq(got, "+OK nothing done\r\n-ERR unknown command\r\n"
	    "+OK 2 44\r\n+OK nothing done\r\n");
	ck_assert_int_eq(read(out[0], got, sizeof got), 0);
	close(out[0]);
}
END_TEST

/* Waits for the answer, and only then sends the next command. */
START_TEST(an_answer_goes_out_before_the_server_waits)
{
	int us[2], status, i;
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, us), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		close(us[0]);
		line_init(&s.in, us[1]);
		reply_init(&s.out, us[1]);
		_exit(trans_run(&s) != ADVANCE);
	}
	close(us[1]);
	for (i = 0; i < 3; i++) {
		/* and half of the next command at once */
		ck_assert_int_eq(write(us[0], "STAT\r\nNO", 8), 8);
		n = read(us[0], got, sizeof got);
		ck_assert_int_eq(n, 10);
		ck_assert_mem_eq(got, "+OK 2 44\r\n", 10);
		ck_assert_int_eq(write(us[0], "OP\r\n", 4), 4);
		n = read(us[0], got, sizeof got);
		ck_assert_int_eq(n, 18);
	}
	ck_assert_int_eq(write(us[0], "QUIT\r\n", 6), 6);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(us[0]);
}
END_TEST

static TCase *cmd_case(Suite *suite, const char *title)
{
	TCase *tc = unit_case(suite, title);

	tcase_add_checked_fixture(tc, begin, end);
	return tc;
}

Suite *cmd_suite(void)
{
	Suite *suite = suite_create("cmd");
	TCase *tc = cmd_case(suite, "splitting (RFC 2449 section 3, P-1..P-9)");

	tcase_add_loop_test(tc,
	    a_command_is_taken_in_any_case_and_with_any_number_of_blanks, 0,
	    COUNT(good));
	tcase_add_loop_test(tc,
	    anything_else_is_one_error_and_the_session_goes_on, 0, COUNT(bad));
	tcase_add_test(tc, a_bare_lf_ends_a_command);
	tcase_add_test(tc, a_command_of_255_octets_works);
	tcase_add_test(tc,
	    a_line_too_long_is_one_error_and_none_of_it_is_executed);
	tc = cmd_case(suite, "numbers (RFC 1939 section 4, P-15)");
	tcase_add_loop_test(tc,
	    a_number_that_is_no_message_is_an_error_and_touches_none, 0,
	    COUNT(number));
	tcase_add_test(tc, a_number_of_lines_must_be_one);
	tc = cmd_case(suite, "answers (RFC 1939 section 5, P-11..P-14)");
	tcase_add_test(tc, an_answer_repeats_nothing_that_was_sent);
	tcase_add_test(tc, a_session_of_all_commands_reads_as_it_should);
	tcase_add_test(tc, top_sends_the_header_and_n_lines);
	tcase_add_test(tc,
	    top_ends_a_header_that_has_no_end_and_retr_does_not);
	tcase_add_test(tc, capabilities_stand_in_their_order);
	tc = cmd_case(suite, "the end of a session (P-10, P-26)");
	tcase_add_loop_test(tc,
	    too_many_bad_commands_in_a_row_end_the_session, 0,
	    COUNT(counts_as_bad));
	tcase_add_test(tc, lines_too_long_count_as_bad);
	tcase_add_test(tc, a_good_command_forgives_the_bad_ones);
	tcase_add_test(tc, an_error_about_a_message_is_no_bad_command);
	tcase_add_loop_test(tc, without_a_whole_quit_there_is_no_update, 0,
	    COUNT(without_quit));
	tcase_add_test(tc, a_client_that_is_gone_ends_the_session);
	tc = cmd_case(suite, "pipelining (RFC 2449 section 6.6, P-16, P-74)");
	tcase_add_test(tc, answers_to_commands_at_hand_go_out_together);
	tcase_add_test(tc, an_answer_goes_out_before_the_server_waits);
	return suite;
}
