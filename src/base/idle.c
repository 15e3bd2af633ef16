/*
 * idle.c - the inactivity autologout and the signals that end a session.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  no inherited disposition or mask: a launcher may leave SIGALRM
 *          ignored or blocked, and then alarm() never ends an idle session.
 */
#include "base/idle.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)	/* ns */

/* Global because a handler has no argument. */
static volatile sig_atomic_t rang;	/* SIGALRM came */
static volatile sig_atomic_t told;	/* SIGTERM, SIGHUP or SIGINT came */

static unsigned period = IDLE_MIN;	/* seconds */
static unsigned look = IDLE_MIN;	/* seconds until the next alarm, at most */
static uint64_t active;		/* the client's last sign of life */
static uint64_t due;		/* when the kernel's alarm comes; 0: not armed */
static uint64_t armed;		/* when it was set */

static void on_alarm(int sig)
{
	(void)sig;
	rang = 1;
	alarm(1);
}

/* alarm(1) here too, for the same race: see idle.h. */
static void on_end(int sig)
{
	(void)sig;
	told = 1;
	alarm(1);
}

static void handle(int sig, void (*handler)(int))
{
	struct sigaction sa;

	memset(&sa, 0, sizeof sa);
	sa.sa_handler = handler;
	sigemptyset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

uint64_t idle_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

void idle_start(void)
{
	sigset_t none;

	rang = told = 0;
	due = 0;		/* a fork(2) leaves the alarm with the parent */
	handle(SIGALRM, on_alarm);
	handle(SIGTERM, on_end);
	handle(SIGHUP, on_end);
	handle(SIGINT, on_end);
	handle(SIGPIPE, SIG_IGN);
	handle(SIGXFSZ, SIG_IGN);	/* write(2) says EFBIG */
	handle(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void idle_set(unsigned seconds)
{
	period = look = seconds;
}

static void arm(uint64_t now, unsigned seconds)
{
	armed = now;
	due = now + seconds * SECOND;
	alarm(seconds);
}

/* Not the kernel's alarm, which comes when it is due: somebody's kill(1). */
static int sent_by_hand(uint64_t now)
{
	return due == 0 || now < due;
}

static void restart(uint64_t now)
{
	if (rang && sent_by_hand(now))
		return;		/* the flag stays for idle_ask() */
	active = now;
	if (!rang && due != 0 && now - armed < SECOND)
		return;
	rang = 0;
	arm(now, look);
}

void idle_restart(void)
{
	look = period;
	restart(idle_clock());
}

void idle_sent(void)
{
	if (rang)
		look = (period + IDLE_LOOKS - 1) / IDLE_LOOKS;
	restart(idle_clock());
}

enum idle idle_ask(void)
{
	uint64_t now, end;
	unsigned left;

	if (told)
		return IDLE_SIGNAL;
	if (!rang)
		return IDLE_GO_ON;
	now = idle_clock();
	end = active + period * SECOND;
	if (sent_by_hand(now) || now >= end)
		return IDLE_EXPIRED;
	rang = 0;
	left = (unsigned)((end - now + SECOND - 1) / SECOND);
	arm(now, left < look ? left : look);
	return IDLE_GO_ON;
}

enum idle idle_disarm(void)
{
	enum idle before;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	before = idle_ask();
	alarm(0);
	return before;
}

void idle_sleep(unsigned milliseconds)
{
	poll(NULL, 0, (int)milliseconds);
}
