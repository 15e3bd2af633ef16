/*
 * test_idle.c - the inactivity autologout and the signals.
 *
 * Each in a process of its own: what a signal has told is never taken back.
 */
#include "unit.h"

#include "base/idle.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* What is left of the kernel's alarm, in ms; 0: none. */
static long alarm_left(void)
{
	struct itimerval t;

	getitimer(ITIMER_REAL, &t);
	return t.it_value.tv_sec * 1000 + t.it_value.tv_usec / 1000;
}

/* The alarm of the kernel, as it comes when the time is over. */
static void alarm_comes(int64_t milliseconds)
{
	clock_ahead(milliseconds);
	raise(SIGALRM);
}

static bool is_blocked(int sig)
{
	sigset_t set;

	sigprocmask(SIG_BLOCK, NULL, &set);
	return sigismember(&set, sig) == 1;
}

static const char *whatever_was_inherited(void)
{
	static const int sig[] = { SIGALRM, SIGTERM, SIGHUP, SIGINT };
	struct sigaction sa;
	sigset_t all;
	size_t i;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (i = 0; i < COUNT(sig); i++)
		signal(sig[i], SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_DFL);
	idle_start();
	for (i = 0; i < COUNT(sig); i++) {
		NEED(!is_blocked(sig[i]));
		sigaction(sig[i], NULL, &sa);
		NEED(sa.sa_handler != SIG_IGN && sa.sa_handler != SIG_DFL);
		NEED((sa.sa_flags & SA_RESTART) == 0);
	}
	sigaction(SIGPIPE, NULL, &sa);
	NEED(sa.sa_handler == SIG_IGN);
	sigaction(SIGCHLD, NULL, &sa);
	NEED(sa.sa_handler == SIG_DFL);
	NEED(!is_blocked(SIGCHLD) && !is_blocked(SIGUSR1));
	NEED(alarm_left() == 0);
	NEED(idle_ask() == IDLE_GO_ON);
	return NULL;
}

START_TEST(signals_are_set_whatever_was_inherited)
{
	assert_in_child(whatever_was_inherited);
}
END_TEST

static const char *ten_minutes(void)
{
	idle_start();
	idle_restart();
	NEED(alarm_left() > 599000 && alarm_left() <= 600000);
	return NULL;
}

START_TEST(a_client_has_ten_minutes_if_nobody_says_otherwise)
{
	assert_in_child(ten_minutes);
}
END_TEST

static const char *silence(void)
{
	idle_start();
	idle_set(900);
	idle_restart();
	NEED(alarm_left() > 899000);
	NEED(idle_ask() == IDLE_GO_ON);
	alarm_comes(900001);
	NEED(idle_ask() == IDLE_EXPIRED);
	NEED(idle_ask() == IDLE_EXPIRED);
	return NULL;
}

START_TEST(silence_for_the_whole_time_ends_the_session)
{
	assert_in_child(silence);
}
END_TEST

static const char *by_hand(void)
{
	idle_start();
	idle_restart();
	raise(SIGALRM);
	/* What a client sends just now must not hide it. */
	idle_restart();
	NEED(idle_ask() == IDLE_EXPIRED);
	return NULL;
}

START_TEST(an_alarm_sent_by_hand_is_the_same_event)
{
	assert_in_child(by_hand);
}
END_TEST

/* The commands came half a second apart, and the alarm was set by the first. */
static const char *too_early(void)
{
	idle_start();
	idle_restart();
	clock_ahead(500);
	idle_restart();
	alarm_comes(600000 - 500 + 100);
	NEED(idle_ask() == IDLE_GO_ON);		/* 599.6 s since the last */
	NEED(alarm_left() > 0 && alarm_left() <= 1000);
	alarm_comes(1000);
	NEED(idle_ask() == IDLE_EXPIRED);
	return NULL;
}

START_TEST(an_alarm_that_comes_too_early_is_set_for_the_rest)
{
	assert_in_child(too_early);
}
END_TEST

static const char *once_a_second(void)
{
	clock_by_waits(1, NULL);	/* it stands: nobody waits here */
	idle_start();
	idle_restart();
	alarm(300);			/* another one would be seen */
	idle_restart();
	NEED(alarm_left() <= 300000);	/* not set again */
	clock_ahead(1001);
	idle_restart();
	NEED(alarm_left() > 300000);	/* set again */
	return NULL;
}

START_TEST(the_alarm_is_set_once_a_second_at_most)
{
	assert_in_child(once_a_second);
}
END_TEST

static const char *a_command_in_time(void)
{
	int i;

	idle_start();
	for (i = 0; i < 5; i++) {
		idle_restart();
		clock_ahead(599000);
		NEED(idle_ask() == IDLE_GO_ON);
	}
	/* And one that came together with the alarm. */
	idle_restart();
	alarm_comes(600001);
	idle_restart();
	NEED(idle_ask() == IDLE_GO_ON);
	NEED(alarm_left() > 599000);
	return NULL;
}

START_TEST(a_command_gives_the_whole_time_anew)
{
	assert_in_child(a_command_in_time);
}
END_TEST

/* A write gives back what it placed only when the alarm cuts it short. */
static const char *nobody_reads(void)
{
	int i;

	idle_start();
	idle_restart();
	alarm_comes(600000);
	idle_sent();			/* placed ten minutes ago */
	NEED(alarm_left() > 29000 && alarm_left() <= 30000);
	alarm_comes(30000);
	idle_sent();			/* what there was room for */
	for (i = 0; i < 19; i++) {
		NEED(alarm_left() > 29000 && alarm_left() <= 30000);
		alarm_comes(30000);
		NEED(idle_ask() == IDLE_GO_ON);
	}
	alarm_comes(30000);
	NEED(idle_ask() == IDLE_EXPIRED);	/* after 1230 s, not 1800 */
	return NULL;
}

START_TEST(a_client_that_takes_nothing_is_believed_once)
{
	assert_in_child(nobody_reads);
}
END_TEST

static const char *reads_now_and_then(void)
{
	int i, j;

	idle_start();
	idle_restart();
	alarm_comes(600000);
	idle_sent();
	for (i = 0; i < 5; i++) {
		for (j = 0; j < 19; j++) {
			alarm_comes(30000);
			NEED(idle_ask() == IDLE_GO_ON);
		}
		idle_sent();
	}
	clock_ahead(1001);
	idle_restart();			/* the next command */
	NEED(alarm_left() > 599000);
	return NULL;
}

START_TEST(a_client_that_takes_little_is_never_cut)
{
	assert_in_child(reads_now_and_then);
}
END_TEST

static const char *a_handler_sets_it_again(void)
{
	idle_start();
	raise(SIGALRM);
	NEED(alarm_left() > 0 && alarm_left() <= 1000);
	alarm(0);
	raise(SIGTERM);
	NEED(alarm_left() > 0 && alarm_left() <= 1000);
	return NULL;
}

START_TEST(an_alarm_between_the_look_and_the_read_comes_again)
{
	assert_in_child(a_handler_sets_it_again);
}
END_TEST

static const char *a_read_is_interrupted(void)
{
	int end[2];
	char octet;

	NEED(pipe(end) == 0);
	idle_start();
	idle_set(1);
	idle_restart();
	errno = 0;
	NEED(read(end[0], &octet, 1) == -1);
	NEED(errno == EINTR);
	NEED(idle_ask() == IDLE_EXPIRED);
	return NULL;
}

START_TEST(the_kernels_own_alarm_interrupts_a_read)
{
	assert_in_child(a_read_is_interrupted);
}
END_TEST

static int which;

static const char *told_to_end(void)
{
	idle_start();
	idle_restart();
	raise(which);
	NEED(idle_ask() == IDLE_SIGNAL);
	idle_restart();
	NEED(idle_ask() == IDLE_SIGNAL);
	NEED(idle_disarm() == IDLE_SIGNAL);
	return NULL;
}

START_TEST(a_signal_to_end_is_told_and_never_forgotten)
{
	which = _i == 0 ? SIGTERM : _i == 1 ? SIGHUP : SIGINT;
	assert_in_child(told_to_end);
}
END_TEST

static const char *no_peer(void)
{
	int end[2];

	idle_start();
	NEED(pipe(end) == 0);
	close(end[0]);
	errno = 0;
	NEED(write(end[1], "x", 1) == -1);
	NEED(errno == EPIPE);
	return NULL;
}

START_TEST(a_peer_that_left_is_an_error_and_no_death)
{
	assert_in_child(no_peer);
}
END_TEST

static const char *disarmed(void)
{
	idle_start();
	idle_restart();
	NEED(idle_disarm() == IDLE_GO_ON);
	NEED(alarm_left() == 0);
	NEED(is_blocked(SIGALRM) && is_blocked(SIGTERM));
	NEED(is_blocked(SIGHUP) && is_blocked(SIGINT));
	raise(SIGTERM);
	raise(SIGALRM);
	NEED(idle_ask() == IDLE_GO_ON);
	return NULL;
}

START_TEST(update_is_not_disturbed)
{
	assert_in_child(disarmed);
}
END_TEST

static const char *too_late_to_update(void)
{
	idle_start();
	idle_restart();
	raise(SIGALRM);
	NEED(idle_disarm() == IDLE_EXPIRED);
	NEED(alarm_left() == 0);
	return NULL;
}

START_TEST(update_hears_what_had_come_before_it)
{
	assert_in_child(too_late_to_update);
}
END_TEST

START_TEST(the_clock_never_goes_back)
{
	uint64_t last = idle_clock(), now;
	unsigned i;

	for (i = 0; i < 100000; i++, last = now) {
		now = idle_clock();
		if (now < last)
			ck_abort_msg("%ju after %ju", (uintmax_t)now,
			    (uintmax_t)last);
	}
	ck_assert_uint_gt(last, 0);
}
END_TEST

Suite *idle_suite(void)
{
	Suite *s = suite_create("idle");
	TCase *tc = unit_case(s, "signals (S-11, P-25)");

	tcase_add_test(tc, signals_are_set_whatever_was_inherited);
	tcase_add_test(tc, a_client_that_takes_nothing_is_believed_once);
	tcase_add_test(tc, a_client_that_takes_little_is_never_cut);
	tcase_add_test(tc, an_alarm_between_the_look_and_the_read_comes_again);
	tcase_add_test(tc, the_kernels_own_alarm_interrupts_a_read);
	tcase_add_loop_test(tc, a_signal_to_end_is_told_and_never_forgotten, 0,
	    3);
	tcase_add_test(tc, a_peer_that_left_is_an_error_and_no_death);
	tc = unit_case(s, "autologout (RFC 1939 section 3, P-22, P-23)");
	tcase_add_test(tc, a_client_has_ten_minutes_if_nobody_says_otherwise);
	tcase_add_test(tc, silence_for_the_whole_time_ends_the_session);
	tcase_add_test(tc, an_alarm_sent_by_hand_is_the_same_event);
	tcase_add_test(tc, an_alarm_that_comes_too_early_is_set_for_the_rest);
	tcase_add_test(tc, the_alarm_is_set_once_a_second_at_most);
	tcase_add_test(tc, a_command_gives_the_whole_time_anew);
	tcase_add_test(tc, the_clock_never_goes_back);
	tc = unit_case(s, "UPDATE (P-25, P-55)");
	tcase_add_test(tc, update_is_not_disturbed);
	tcase_add_test(tc, update_hears_what_had_come_before_it);
	return s;
}
