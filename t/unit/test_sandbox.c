/*
 * test_sandbox.c - sandbox.c and the table of system calls in seccomp.c.
 *
 * The program for the kernel is run here over every number, against lists
 * written down once more; then the kernel itself is asked, in processes that
 * may be killed.
 */
#include "unit.h"

#include "base/idle.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "base/seccomp.h"
#include "mail/change.h"
#include "mail/maildir.h"
#include "wire/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *box;		/* a Maildir */

#ifndef NO_SANDBOX

/* The status of a process that does f and ends with 0, if it lives. */
static int ending(void (*f)(void))
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		sandbox_begin();
		f();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

#define lives(f) ck_assert_int_eq(ending(f), 0)

static void dies(void (*f)(void))
{
	int status = ending(f);

	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
	    "status 0x%x, not death by SIGSYS", (unsigned)status);
}

#endif

/* --- the program, run by hand -------------------------------------------- */

#ifdef SECCOMP_ARCH

#ifndef __NR_faccessat2
#define __NR_faccessat2 439
#endif

#define B SECCOMP_BEFORE
#define A SECCOMP_AFTER
#define W SECCOMP_WAIT
#define NUMBERS 600	/* more than there are */
#define COMPARES 8	/* at most, to find out about a number */

static const enum seccomp_stage stage[] = { B, A, W };

/* What may be called, by number and not by what it is for. */
static const struct {
	int number, stages;
} expected[] = {
	{ __NR_read, B | A }, { __NR_write, B | A }, { __NR_close, B | A },
	{ __NR_fstat, A }, { __NR_lseek, A }, { __NR_mmap, B | A },
	{ __NR_mprotect, B | A }, { __NR_munmap, B | A }, { __NR_brk, B | A },
	{ __NR_rt_sigaction, B | A | W }, { __NR_rt_sigprocmask, B | A | W },
	{ __NR_rt_sigreturn, B | A | W }, { __NR_ioctl, B | A },
	{ __NR_pread64, A }, { __NR_readv, A }, { __NR_writev, A },
	{ __NR_mremap, A }, { __NR_madvise, A }, { __NR_nanosleep, B | A },
	{ __NR_setitimer, B | A | W }, { __NR_getpid, B | A },
	{ __NR_socket, B | A }, { __NR_connect, A }, { __NR_sendto, B | A },
	{ __NR_shutdown, B | A }, { __NR_getsockopt, A },
	{ __NR_exit, B | A | W }, { __NR_wait4, W }, { __NR_fcntl, B | A },
	{ __NR_flock, A }, { __NR_fsync, A }, { __NR_gettimeofday, B | A },
	{ __NR_getuid, A }, { __NR_getgid, A }, { __NR_geteuid, A },
	{ __NR_getegid, A }, { __NR_rt_sigsuspend, W }, { __NR_fstatfs, A },
	{ __NR_gettid, B | A }, { __NR_tkill, B | A },
	{ __NR_getdents64, A }, { __NR_restart_syscall, B | A | W },
	{ __NR_clock_gettime, B | A }, { __NR_clock_nanosleep, B | A },
	{ __NR_exit_group, B | A | W }, { __NR_tgkill, B | A },
	{ __NR_openat, A }, { __NR_newfstatat, A }, { __NR_unlinkat, A },
	{ __NR_linkat, A }, { __NR_faccessat, A }, { __NR_ppoll, B | A },
	{ __NR_dup3, B }, { __NR_renameat2, A }, { __NR_getrandom, B | A },
	{ __NR_statx, A }, { __NR_faccessat2, A }, { __NR_utimensat, A },
#ifdef __x86_64__
	{ __NR_open, A }, { __NR_poll, B | A }, { __NR_dup2, B },
	{ __NR_alarm, B | A | W }, { __NR_time, B | A },
#endif
};

static int stages_of(unsigned number)
{
	size_t i;

	for (i = 0; i < COUNT(expected); i++)
		if (expected[i].number == (int)number)
			return expected[i].stages;
	return 0;
}

/* Arguments that no check refuses, and with which no call does anything. */
static void fit(unsigned number, uint64_t args[6])
{
	size_t i;

	for (i = 0; i < 6; i++)
		args[i] = UINT64_MAX;
	switch (number) {
#ifdef __NR_open
	case __NR_open:
		args[1] = O_RDONLY;
		break;
#endif
	case __NR_openat:
		args[2] = O_RDONLY;
		break;
	case __NR_mmap:
	case __NR_mprotect:
		args[2] = PROT_READ;
		break;
	case __NR_ioctl:
		args[1] = FIONREAD;
		break;
	case __NR_socket:
		args[0] = AF_UNIX;
		break;
	case __NR_sendto:
		args[4] = 0;
		break;
	case __NR_utimensat:
		args[1] = 0;
		break;
	case __NR_getsockopt:
		args[1] = SOL_SOCKET;
		break;
	case __NR_fcntl:
		args[1] = F_GETFD;
		break;
	case __NR_tgkill:
	case __NR_tkill:
		args[0] = args[1] = (uint64_t)getpid();
		args[2] = 0;
		break;
	}
}

static struct sock_filter program[SECCOMP_PROGRAM];
static size_t length;
static unsigned compares;	/* of the last run */

static void make(enum seccomp_stage s)
{
	length = seccomp_program(program, seccomp_table, seccomp_rows, s);
	ck_assert_uint_gt(length, 0);
}

/* As the kernel runs it. */
static uint32_t run(const struct seccomp_data *d)
{
	uint32_t a = 0, k;
	size_t at;

	compares = 0;
	for (at = 0; at < length; at++) {
		const struct sock_filter *f = &program[at];
		bool yes = false;

		k = f->k;
		switch (f->code) {
		case BPF_RET | BPF_K:
			return k;
		case BPF_LD | BPF_W | BPF_ABS:
			ck_assert_uint_le(k, sizeof *d - sizeof a);
			memcpy(&a, (const char *)d + k, sizeof a);
			continue;
		case BPF_JMP | BPF_K | BPF_JEQ:
			yes = a == k;
			break;
		case BPF_JMP | BPF_K | BPF_JGT:
			yes = a > k;
			break;
		case BPF_JMP | BPF_K | BPF_JGE:
			yes = a >= k;
			break;
		case BPF_JMP | BPF_K | BPF_JSET:
			yes = (a & k) != 0;
			break;
		default:
			ck_abort_msg("instruction 0x%x", f->code);
		}
		compares++;
		at += yes ? f->jt : f->jf;
	}
	ck_abort_msg("the program has no end");
}

static uint32_t verdict(unsigned number, const uint64_t args[6])
{
	struct seccomp_data d = { .nr = (int)number, .arch = SECCOMP_ARCH };

	memcpy(d.args, args, sizeof d.args);
	return run(&d);
}

static uint32_t verdict_fit(unsigned number)
{
	uint64_t args[6];

	fit(number, args);
	return verdict(number, args);
}

static uint32_t verdict_with(unsigned number, size_t argument, uint64_t value)
{
	uint64_t args[6];

	fit(number, args);
	args[argument] = value;
	return verdict(number, args);
}

#define ALLOWED SECCOMP_RET_ALLOW
#define KILLED SECCOMP_RET_KILL_PROCESS
#define ERROR(number) (SECCOMP_RET_ERRNO | (number))

START_TEST(every_number_has_the_verdict_of_the_list)
{
	size_t i;
	unsigned n;

	for (i = 0; i < COUNT(stage); i++) {
		make(stage[i]);
		for (n = 0; n < NUMBERS; n++) {
			uint32_t want = (stages_of(n) & (int)stage[i]) != 0 ?
			    ALLOWED : KILLED;

			if (n == __NR_socket && stage[i] == B)
				want = ERROR(EACCES);
			ck_assert_msg(verdict_fit(n) == want,
			    "call %u in stage %d: 0x%x", n, (int)stage[i],
			    (unsigned)verdict_fit(n));
		}
	}
}
END_TEST

START_TEST(another_architecture_and_strange_numbers_kill)
{
	struct seccomp_data d = { .arch = SECCOMP_ARCH };
	size_t i;
	unsigned n;

	for (i = 0; i < COUNT(stage); i++) {
		make(stage[i]);
		for (n = 0; n < NUMBERS; n++) {
			d.arch = SECCOMP_ARCH;
			d.nr = (int)(n | 0x40000000U);	/* x32 */
			ck_assert_uint_eq(run(&d), KILLED);
			d.nr = (int)n;
			d.arch = AUDIT_ARCH_I386;
			ck_assert_uint_eq(run(&d), KILLED);
			d.arch = AUDIT_ARCH_ARM;
			ck_assert_uint_eq(run(&d), KILLED);
		}
		d.arch = SECCOMP_ARCH;
		/* no call at all: what a tracer puts there to skip one */
		d.nr = -1;
		ck_assert_uint_eq(run(&d), ALLOWED);
		d.nr = -2;
		ck_assert_uint_eq(run(&d), KILLED);
	}
}
END_TEST

START_TEST(a_number_takes_few_compares)
{
	static const uint64_t none[6];
	size_t i;
	unsigned n;

	for (i = 0; i < COUNT(stage); i++) {
		make(stage[i]);
		for (n = 0; n < NUMBERS; n++)
			if (verdict(n, none) == KILLED ||
			    stages_of(n) == (int)(B | A | W))
				/* without the one for the architecture */
				ck_assert_uint_le(compares - 1, COMPARES);
	}
}
END_TEST

START_TEST(nothing_is_opened_to_be_overwritten)
{
	static const struct {
		int flags;
		uint32_t want;
	} v[] = {
		{ O_RDONLY, ALLOWED },
		{ O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, ALLOWED },
		{ O_RDONLY | O_DIRECTORY, ALLOWED },
		{ O_WRONLY | O_APPEND, ALLOWED },	/* maildirsize */
		{ O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, ALLOWED },
		{ O_WRONLY | O_CREAT, KILLED },
		{ O_WRONLY | O_CREAT | O_APPEND, KILLED },
		{ O_WRONLY | O_TRUNC, KILLED },
		{ O_RDONLY | O_TRUNC, KILLED },
		{ O_WRONLY | O_CREAT | O_EXCL | O_TRUNC, KILLED },
		{ O_RDWR | O_TMPFILE, KILLED },
		{ O_RDWR | O_TMPFILE | O_EXCL, KILLED },
	};
	size_t i;

	make(A);
	for (i = 0; i < COUNT(v); i++) {
		uint64_t flags = (uint64_t)v[i].flags;

		ck_assert_uint_eq(verdict_with(__NR_openat, 2, flags),
		    v[i].want);
		/* The kernel does not see the upper half of an int. */
		ck_assert_uint_eq(verdict_with(__NR_openat, 2, flags |
		    UINT64_MAX << 32), v[i].want);
#ifdef __NR_open
		ck_assert_uint_eq(verdict_with(__NR_open, 1, flags),
		    v[i].want);
#endif
	}
}
END_TEST

START_TEST(arguments_are_looked_at)
{
	static const struct {
		unsigned number, argument;
		uint64_t value;
		uint32_t want;
	} v[] = {
		{ __NR_mmap, 2, PROT_READ | PROT_WRITE, ALLOWED },
		{ __NR_mmap, 2, PROT_NONE, ALLOWED },
		{ __NR_mmap, 2, PROT_READ | PROT_EXEC, KILLED },
		{ __NR_mprotect, 2, PROT_READ | PROT_WRITE, ALLOWED },
		{ __NR_mprotect, 2, PROT_EXEC, KILLED },
		{ __NR_ioctl, 1, FIONREAD, ALLOWED },
		{ __NR_ioctl, 1, SIOCOUTQ, ALLOWED },
		{ __NR_ioctl, 1, 0x5401, ERROR(ENOTTY) },	/* TCGETS */
		{ __NR_ioctl, 1, TIOCSTI, ERROR(ENOTTY) },
		{ __NR_sendto, 4, 0, ALLOWED },
		{ __NR_sendto, 4, 1, KILLED },
		{ __NR_sendto, 4, UINT64_C(1) << 32, KILLED },
		{ __NR_fcntl, 1, F_GETFD, ALLOWED },
		{ __NR_fcntl, 1, F_SETFL, ALLOWED },
		{ __NR_fcntl, 1, F_DUPFD_CLOEXEC, ALLOWED },
		{ __NR_fcntl, 1, F_SETLK, KILLED },
		{ __NR_fcntl, 1, F_SETOWN, KILLED },
		{ __NR_fcntl, 1, F_SETLEASE, KILLED },
		{ __NR_tgkill, 0, 1, KILLED },
		{ __NR_tgkill, 0, UINT64_MAX, KILLED },
		{ __NR_tkill, 0, 1, KILLED },
	};
	size_t i, s;

	for (s = 0; s < 2; s++) {
		make(stage[s]);
		for (i = 0; i < COUNT(v); i++)
			ck_assert_msg(verdict_with(v[i].number, v[i].argument,
			    v[i].value) == v[i].want, "row %zu", i);
	}
	make(A);
	ck_assert_uint_eq(verdict_with(__NR_utimensat, 1, 0), ALLOWED);
	ck_assert_uint_eq(verdict_with(__NR_utimensat, 1, 1), KILLED);
	ck_assert_uint_eq(verdict_with(__NR_getsockopt, 1, SOL_SOCKET),
	    ALLOWED);
	ck_assert_uint_eq(verdict_with(__NR_getsockopt, 1, IPPROTO_TCP),
	    KILLED);
	ck_assert_uint_eq(verdict_with(__NR_socket, 0, AF_INET),
	    ERROR(EACCES));
	ck_assert_uint_eq(verdict_with(__NR_socket, 0, AF_NETLINK),
	    ERROR(EACCES));
}
END_TEST

/* The table without its row i. */
static struct seccomp_row fewer[SECCOMP_ROWS];

static void make_without(size_t row, enum seccomp_stage s)
{
	size_t i, n = 0;

	for (i = 0; i < seccomp_rows; i++)
		if (i != row)
			fewer[n++] = seccomp_table[i];
	length = seccomp_program(program, fewer, n, s);
	ck_assert_uint_gt(length, 0);
}

START_TEST(without_its_row_a_number_kills_and_no_other_changes)
{
	const struct seccomp_row *r = &seccomp_table[_i];
	uint32_t before[NUMBERS];
	unsigned n;
	size_t i;

	for (i = 0; i < COUNT(stage); i++) {
		make(stage[i]);
		for (n = 0; n < NUMBERS; n++)
			before[n] = verdict_fit(n);
		make_without((size_t)_i, stage[i]);
		for (n = 0; n < NUMBERS; n++)
			ck_assert_uint_eq(verdict_fit(n), n == r->number &&
			    (r->stages & stage[i]) != 0 ? KILLED : before[n]);
	}
}
END_TEST

START_TEST(a_table_too_long_or_without_rows_makes_no_program)
{
	static struct seccomp_row many[SECCOMP_ROWS + 1];
	size_t i;

	for (i = 0; i < COUNT(many); i++)
		many[i] = (struct seccomp_row){ (uint16_t)(3 * i + 1), B,
			(uint8_t)(i % CALL_CHECKS) };
	ck_assert_uint_eq(seccomp_program(program, many, COUNT(many), B), 0);
	ck_assert_uint_eq(seccomp_program(program, many, COUNT(many) - 1, A),
	    0);
	/* As many as there may be, with every check, and gaps between. */
	length = seccomp_program(program, many, COUNT(many) - 1, B);
	ck_assert_uint_gt(length, 2 * SECCOMP_ROWS - 20);
	ck_assert_uint_eq(verdict_fit(4), ALLOWED);
	ck_assert_uint_eq(verdict_fit(5), KILLED);
}
END_TEST

/* --- the kernel: call by call -------------------------------------------- */

#ifndef NO_SANDBOX

static const struct seccomp_row *row;

static void handler(int sig)
{
	(void)sig;
}

static void call_the_row(void)
{
	struct sock_fprog p = { (unsigned short)length, program };
	uint64_t a[6];
	sigset_t set;

	fit(row->number, a);
	if (row->number == __NR_rt_sigreturn) {	/* comes at the unblocking */
		signal(SIGUSR1, handler);
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGUSR1);
	}
	/* Once more, since tgkill's program knows the process. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) == -1)
		_exit(1);
	if (row->number == __NR_rt_sigreturn)
		sigprocmask(SIG_UNBLOCK, &set, NULL);
	else if (row->number == __NR_exit || row->number == __NR_exit_group)
		syscall(row->number, 0);
	else
		syscall(row->number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static enum seccomp_stage in_stage;

static void with_the_row(void)
{
	make(in_stage);
	call_the_row();
}

static void without_the_row(void)
{
	make_without((size_t)(row - seccomp_table), in_stage);
	call_the_row();
}

START_TEST(a_call_lives_by_its_row_and_dies_without)
{
	size_t i;

	row = &seccomp_table[_i];
	for (i = 0; i < COUNT(stage); i++) {
		in_stage = stage[i];
		if ((row->stages & in_stage) == 0)
			continue;
		lives(with_the_row);
		dies(without_the_row);
	}
}
END_TEST

static void enter_front(void)
{
	if (sandbox_front(true) == -1)
		_exit(1);
}

static void enter_session(void)
{
	struct sandbox_maildir m = { .root = open(box, O_RDONLY) };

	if (m.root == -1 || sandbox_session(&m) == -1)
		_exit(1);
}

static void enter_wait(void)
{
	if (sandbox_wait() == -1)
		_exit(1);
}

static void (*enter)(void);
static void (*deed)(void);

static void do_deed(void)
{
	enter();
	deed();
}

static void runs_another(void)
{
	execl("/bin/true", "true", (char *)NULL);
}

static void traces(void)
{
	syscall(SYS_ptrace, 0, 0, 0, 0);
}

static void forks(void)
{
	syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void kills(void)
{
	kill(getppid(), 0);
}

static void becomes_root(void)
{
	syscall(SYS_setuid, 0);
}

static void asks_prctl(void)
{
	prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

static void truncates(void)
{
	syscall(SYS_openat, -1, "/dev/null", O_WRONLY | O_TRUNC, 0);
}

static void creates(void)
{
	syscall(SYS_openat, -1, "/dev/null", O_WRONLY | O_CREAT, 0600);
}

static void maps_code(void)
{
	syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void makes_code(void)
{
	static _Alignas(65536) char page[65536];

	syscall(SYS_mprotect, page, sizeof page, PROT_READ | PROT_EXEC);
}

static void tunes_sockets(void)
{
	setsockopt(0, SOL_SOCKET, SO_KEEPALIVE, &(int){ 1 }, sizeof(int));
}

static void renames_by_force(void)
{
	rename("a", "b");
}

static void makes_a_directory(void)
{
	mkdirat(-1, "a", 0700);
}

#ifdef __x86_64__
static void calls_x32(void)
{
	syscall(0x40000000L | SYS_getpid);
}
#endif

START_TEST(who_does_what_no_stage_may_dies)
{
	static void (*const everybody[])(void) = {
		enter_front, enter_session, enter_wait,
	};
	static void (*const forbidden[])(void) = {
		runs_another, traces, forks, kills, becomes_root, asks_prctl,
		truncates, creates, maps_code, makes_code, tunes_sockets,
		renames_by_force, makes_a_directory,
#ifdef __x86_64__
		calls_x32,
#endif
	};
	size_t i;

	box = new_maildir();
	deed = forbidden[_i % (int)COUNT(forbidden)];
	if (_i >= (int)COUNT(forbidden))
		return;
	for (i = 0; i < COUNT(everybody); i++) {
		enter = everybody[i];
		dies(do_deed);
	}
}
END_TEST

#ifdef __x86_64__
static void calls_i386(void)
{
	long number = 20;	/* getpid there */

	__asm__ volatile ("int $0x80" : "+a"(number) : : "memory");
}

/* A kernel without 32-bit programs sends SIGSEGV instead. */
START_TEST(a_call_of_another_architecture_dies)
{
	int status;

	enter = enter_front;
	deed = calls_i386;
	status = ending(do_deed);
	ck_assert(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSYS ||
	    WTERMSIG(status) == SIGSEGV));
}
END_TEST
#endif

static void opens_a_file(void)
{
	open("/dev/null", O_RDONLY);
}

static void looks_at_a_file(void)
{
	struct stat st;

	fstatat(AT_FDCWD, "/", &st, 0);
}

START_TEST(the_front_has_no_files)
{
	enter = enter_front;
	deed = opens_a_file;
	dies(do_deed);
	deed = looks_at_a_file;
	dies(do_deed);
}
END_TEST

/* --- what must go on inside ----------------------------------------------- */

static const char *other_sockets_are_refused_alive(void)
{
	enter_session();
	NEED(socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EACCES);
	NEED(socket(AF_INET6, SOCK_DGRAM, 0) == -1 && errno == EACCES);
	NEED(socket(AF_NETLINK, SOCK_RAW, 0) == -1 && errno == EACCES);
	NEED(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) != -1);
	return NULL;
}

static const char *no_socket_at_all_before_login(void)
{
	enter_front();
	NEED(socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EACCES);
	NEED(socket(AF_UNIX, SOCK_DGRAM, 0) == -1 && errno == EACCES);
	return NULL;
}

START_TEST(sockets_are_refused_by_an_error)
{
	box = new_maildir();
	assert_in_child(other_sockets_are_refused_alive);
	assert_in_child(no_socket_at_all_before_login);
}
END_TEST

/* What libc calls on its own, for both stages. */
static const char *ordinary_life(void)
{
	struct timespec t = { .tv_nsec = 1000 };
	char *p = malloc(100);
	size_t n;

	for (n = 1 << 10; n <= 1 << 20 && p != NULL; n *= 2) {
		free(p);
		p = malloc(n);
	}
	free(p);
	NEED(p != NULL);
	NEED(!isatty(1));
	NEED(nanosleep(&t, NULL) == 0);
	idle_start();
	idle_restart();
	NEED(idle_ask() == IDLE_GO_ON);
	raise(SIGUSR2);
	idle_sleep(1);
	log_open(LOG_TO_NONE);
	log_error("nobody reads this", NULL);
	syslog(LOG_DEBUG, "test");	/* whether or not /dev/log is there */
	NEED(idle_disarm() == IDLE_GO_ON);
	return NULL;
}

static void before_it(void)
{
	signal(SIGUSR2, handler);
	tzset();
	openlog("unit", LOG_PID | LOG_NDELAY, LOG_MAIL);
}

static const char *front_works(void)
{
	static const char text[] = "-ERR no\r\n";
	char got[32];
	int end[2], copy;

	before_it();
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, end) == 0);
	enter_front();
	NEED(handover_say(end[0], text, strlen(text)) == 0);
	NEED(read(end[1], got, sizeof got) == (ssize_t)strlen(text));
	NEED(shutdown(end[1], SHUT_WR) == 0);
	handover_close(end[0], end[0]);
	copy = dup2(end[0], end[1]);		/* STLS swaps so */
	NEED(copy == end[1] && fcntl(copy, F_SETFD, FD_CLOEXEC) == 0);
	return ordinary_life();
}

/* The rooms that touch the Maildir, by their own functions. */
static int none(void *arg, enum maildir_sub sub, const char *name, uint64_t id)
{
	(void)sub, (void)name;
	*(uint64_t *)arg = id;
	return 0;
}

static const char *session_works(void)
{
	struct sandbox_maildir s = { .trash = true };
	struct maildir m;
	struct stat st;
	uint64_t id;
	void *list;
	int end[2];

	before_it();
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, end) == 0);
	NEED(maildir_open(&m, box) == 0 && maildir_open_trash(&m) == 0);
	s.root = m.root;
	NEED(sandbox_session(&s) == 0);
	NEED(maildir_lock(&m) == 0);
	NEED(maildir_scan(&m, MAILDIR_NEW, none, &id) == 0);
	NEED(maildir_fetch(&m, MAILDIR_NEW, "1", id, &st) != -1);
	NEED(!maildir_forbidden(&m, MAILDIR_NEW, "1"));
	NEED(maildir_mark_seen(&m, MAILDIR_NEW, "1", id) == MAILDIR_DONE);
	NEED(maildir_remove(&m, MAILDIR_FLAG, MAILDIR_CUR, "1:2,S", id) ==
	    MAILDIR_DONE);
	NEED(maildir_remove(&m, MAILDIR_TRASH, MAILDIR_CUR, "1:2,ST", id) ==
	    MAILDIR_DONE);
	NEED(maildir_scan(&m, MAILDIR_CUR, none, &id) == 0);
	NEED(maildir_remove(&m, MAILDIR_UNLINK, MAILDIR_CUR, "2:2,", id) ==
	    MAILDIR_DONE);
	NEED(maildir_sync(&m, MAILDIR_TRASH) == 0);
	maildir_clean_tmp(&m);
	NEED(handover_wait(end[0], 1, 1) == HANDOVER_YES);
	list = realloc(malloc(1 << 20), 8 << 20);
	NEED(list != NULL);
	free(list);
	return ordinary_life();
}

START_TEST(the_program_lives_inside)
{
	box = new_maildir();
	put(box, "new/1", "a\n");
	put(box, "cur/2:2,", "b\n");
	put(box, "tmp/3", "c\n");
	assert_in_child(front_works);
	assert_in_child(session_works);
	ck_assert(there(box, ".Trash/cur/1:2,ST"));
	ck_assert_uint_eq(files_in(box, "new") + files_in(box, "cur"), 0);
}
END_TEST

static void aborts(void)
{
	abort();
}

START_TEST(abort_says_what_it_is)
{
	int status;

	enter = enter_front;
	deed = aborts;
	status = ending(do_deed);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST

/* SIGTERM while it waits: idle.c's handler calls alarm(2). */
static const char *a_parent_waits(void)
{
	int status;
	pid_t me = getpid(), pid;

	idle_start();
	pid = fork();
	if (pid == 0) {
		usleep(30000);
		kill(me, SIGTERM);
		usleep(30000);
		_exit(3);
	}
	NEED(sandbox_wait() == 0);
	while (wait4(pid, &status, 0, NULL) == -1)
		if (errno != EINTR)
			_exit(9);
	_exit(WEXITSTATUS(status) == 3 ? 0 : 8);
}

START_TEST(the_parent_of_a_checker_waits)
{
	assert_in_child(a_parent_waits);
}
END_TEST

#endif	/* NO_SANDBOX */
#endif	/* SECCOMP_ARCH */

/* --- Landlock ------------------------------------------------------------- */

#ifndef NO_SANDBOX

static const char *elsewhere;	/* another Maildir */
static int root;

static unsigned abi(void)
{
	char line[SANDBOX_LAYERS];
	const char *p;

	sandbox_layers(line, sizeof line);
	p = strstr(line, "landlock-abi-");
	return p == NULL ? 0 : (unsigned)strtoul(p + 13, NULL, 10);
}

static const char *shut_in(void)
{
	struct sandbox_maildir m = { 0 };

	root = m.root = open(box, O_RDONLY | O_DIRECTORY);
	m.trash = true;
	NEED(root != -1);
	NEED(sandbox_session(&m) == 0);
	return NULL;
}

#define SHUT_IN() \
	do { const char *why = shut_in(); if (why != NULL) return why; } while (0)

static bool denied(int dir, const char *name, int flags)
{
	return openat(dir, name, flags, 0600) == -1 && errno == EACCES;
}

static int move(const char *from, const char *to, unsigned flags)
{
	return (int)syscall(SYS_renameat2, root, from, root, to, flags);
}

static const char *nothing_outside(void)
{
	char path[1100];

	snprintf(path, sizeof path, "%s", path_in(elsewhere, "new/1"));
	SHUT_IN();
	NEED(denied(root, path, O_RDONLY));
	NEED(denied(root, "../", O_RDONLY | O_DIRECTORY));
	NEED(denied(root, "..", O_RDONLY | O_DIRECTORY));
	NEED(denied(root, "new/../../../../etc/passwd", O_RDONLY));
	NEED(denied(AT_FDCWD, "/etc/passwd", O_RDONLY));
	NEED(denied(AT_FDCWD, "/proc/self/mem", O_RDWR));
	NEED(denied(root, "link", O_RDONLY));
	NEED(unlinkat(AT_FDCWD, path, 0) == -1 && errno == EACCES);
	NEED(syscall(SYS_renameat2, AT_FDCWD, path, root, "new/x", 0) == -1);
	NEED(linkat(AT_FDCWD, path, root, "new/x", 0) == -1);
	NEED(syscall(SYS_renameat2, root, "new/1", AT_FDCWD, path, 0) == -1);
	return NULL;
}

static const char *its_own_work(void)
{
	int fd;

	SHUT_IN();
	NEED(openat(root, "new", O_RDONLY | O_DIRECTORY) != -1);
	NEED(openat(root, "new/1", O_RDONLY | O_NOFOLLOW) != -1);
	NEED(move("new/1", "cur/1:2,S", 1) == 0);	/* NOREPLACE */
	NEED(move("cur/1:2,S", "cur/1:2,ST", 1) == 0);
	NEED(move("cur/1:2,ST", ".Trash/cur/1:2,ST", 1) == 0);
	NEED(linkat(root, "new/2", root, "cur/2", 0) == 0);
	NEED(linkat(root, "cur/2", root, ".Trash/cur/2", 0) == 0);
	NEED(unlinkat(root, "new/2", 0) == 0);
	NEED(unlinkat(root, "cur/2", 0) == 0);
	fd = openat(root, "maildirsize", O_WRONLY | O_APPEND);
	NEED(fd != -1 && write(fd, "-1 -1\n", 6) == 6);
	return NULL;
}

/* The size cache: made in tmp/, put in the place of the old one (S-2). */
static const char *the_size_cache(void)
{
	int fd;

	SHUT_IN();
	fd = openat(root, "tmp/x", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	NEED(fd != -1 && write(fd, "new", 3) == 3 && fsync(fd) == 0);
	NEED(move("tmp/x", "maildir-pop3d.sizes", 0) == 0);
	NEED(openat(root, "maildir-pop3d.sizes", O_RDONLY) != -1);
	NEED(denied(root, "maildir-pop3d.sizes", O_WRONLY));
	return NULL;
}

static const char *no_message_is_written(void)
{
	SHUT_IN();
	NEED(denied(root, "new/1", O_WRONLY));
	NEED(denied(root, "new/1", O_RDWR | O_APPEND));
	NEED(denied(root, "cur/made", O_WRONLY | O_CREAT | O_EXCL));
	NEED(denied(root, "made", O_WRONLY | O_CREAT | O_EXCL));
	NEED(denied(root, ".Trash/cur/made", O_WRONLY | O_CREAT | O_EXCL));
	NEED(unlinkat(root, "empty", AT_REMOVEDIR) == -1 && errno == EACCES);
	/* Not to where it could be written either. */
	NEED(move("new/1", "tmp/1", 0) == -1);
	return NULL;
}

static void plant(void)
{
	struct maildir m;

	box = new_maildir();
	elsewhere = new_maildir();
	put(elsewhere, "new/1", "another's\n");
	put(box, "new/1", "a\n");
	put(box, "new/2", "b\n");
	put(box, "maildirsize", "1S\n");
	put(box, "maildir-pop3d.sizes", "old");
	ck_assert_int_eq(symlink(path_in(elsewhere, "new/1"),
	    path_in(box, "link")), 0);
	ck_assert_int_eq(mkdir(path_in(box, "empty"), 0700), 0);
	ck_assert_int_eq(maildir_open(&m, box), 0);
	ck_assert_int_eq(maildir_open_trash(&m), 0);
	maildir_close(&m);
}

START_TEST(nothing_outside_the_maildir_can_be_reached)
{
	if (abi() < 2)
		return;
	plant();
	assert_in_child(nothing_outside);
	ck_assert(there(elsewhere, "new/1") && there(box, "new/1"));
}
END_TEST

START_TEST(all_a_session_does_can_be_done)
{
	plant();
	assert_in_child(its_own_work);
	ck_assert(there(box, ".Trash/cur/1:2,ST"));
	ck_assert(there(box, ".Trash/cur/2"));
	assert_in_child(the_size_cache);
}
END_TEST

START_TEST(no_message_can_be_changed)
{
	if (abi() < 2)
		return;
	plant();
	assert_in_child(no_message_is_written);
	ck_assert(there(box, "new/1") && there(box, "empty"));
}
END_TEST

static const char *without_tmp(void)
{
	SHUT_IN();
	return openat(root, "new/1", O_RDONLY) == -1 ? "not open" : NULL;
}

START_TEST(what_may_be_written_may_be_missing_or_of_another_kind)
{
	plant();
	ck_assert_int_eq(unlink(path_in(box, "maildirsize")), 0);
	ck_assert_int_eq(rmdir(path_in(box, "tmp")), 0);
	assert_in_child(without_tmp);
	ck_assert_int_eq(mkfifo(path_in(box, "maildirsize"), 0600), 0);
	ck_assert_int_eq(symlink(elsewhere, path_in(box, "tmp")), 0);
	assert_in_child(without_tmp);
}
END_TEST

static struct sockaddr_un with_path, abstract;
static socklen_t abstract_len;

static const char *reaches_a_log_daemon(void)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd, tcp = socket(AF_INET, SOCK_STREAM, 0);
	unsigned version = abi();

	SHUT_IN();
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	NEED(connect(fd, (struct sockaddr *)&with_path, sizeof with_path) ==
	    0);
	NEED(send(fd, "x", 1, MSG_NOSIGNAL) == 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	NEED(connect(fd, (struct sockaddr *)&abstract, abstract_len) == -1 ||
	    version < 6);
	NEED(connect(tcp, (struct sockaddr *)&v4, sizeof v4) == -1);
	NEED(errno == EACCES || version < 4 || tcp == -1);
	return NULL;
}

START_TEST(a_new_log_daemon_is_found_and_nobody_else)
{
	int a = socket(AF_UNIX, SOCK_DGRAM, 0);
	int b = socket(AF_UNIX, SOCK_DGRAM, 0);

	plant();
	with_path.sun_family = abstract.sun_family = AF_UNIX;
	snprintf(with_path.sun_path, sizeof with_path.sun_path, "%s",
	    path_in(elsewhere, "log"));
	abstract_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
	    (size_t)snprintf(abstract.sun_path + 1,
	    sizeof abstract.sun_path - 1, "maildir-pop3d-%d", (int)getpid()));
	ck_assert_int_eq(bind(a, (struct sockaddr *)&with_path,
	    sizeof with_path), 0);
	ck_assert_int_eq(bind(b, (struct sockaddr *)&abstract, abstract_len),
	    0);
	assert_in_child(reaches_a_log_daemon);
	close(a);
	close(b);
}
END_TEST

/* --- an old kernel -------------------------------------------------------- */

/* From here on one call fails, if its first argument is that one. */
static int take_away(unsigned number, uint32_t first, unsigned error)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_K | BPF_JEQ, number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16),
		BPF_JUMP(BPF_JMP | BPF_K | BPF_JEQ, first, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { COUNT(f), f };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) |
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p);
}

static const char *with_an_old_kernel(void)
{
	char line[SANDBOX_LAYERS], said[1024];
	int out = memfd_create("log", 0);
	ssize_t n;

	NEED(dup2(out, 2) == 2);
	log_open(LOG_TO_STDERR);
	NEED(take_away(444, 0, ENOSYS) == 0);	/* landlock_create_ruleset */
	sandbox_layers(line, sizeof line);
	NEED(strcmp(line, "sandbox: seccomp no_new_privs rlimits; "
	    "missing: landlock") == 0);
	NEED(take_away(SYS_prctl, PR_SET_SECCOMP, EINVAL) == 0);
	sandbox_layers(line, sizeof line);
	NEED(strcmp(line, "sandbox: no_new_privs rlimits; "
	    "missing: seccomp landlock") == 0);
	SHUT_IN();
	NEED(openat(root, "../", O_RDONLY) != -1);	/* nothing there */
	n = pread(out, said, sizeof said - 1, 0);
	NEED(n > 0);
	said[n] = '\0';
	NEED(strstr(said, "warning") == said);
	NEED(strstr(said, "no Landlock") != NULL);
	NEED(strstr(said, "no seccomp") != NULL);
	NEED(sandbox_front(false) == 0 && sandbox_wait() == 0);
	NEED(pread(out, said, sizeof said, n) == 0);	/* said once */
	return NULL;
}

START_TEST(a_wall_the_kernel_lacks_is_told_and_no_error)
{
	if (!seccomp_available() || abi() == 0)
		return;
	plant();
	assert_in_child(with_an_old_kernel);
}
END_TEST

#endif	/* NO_SANDBOX */

/* --- limits, and the rest -------------------------------------------------- */

static int gate[2];	/* the child enters, says so, and is looked at */

static pid_t start(int (*f)(void))
{
	pid_t pid;
	char c;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, gate), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		close(gate[0]);
		if (f() == -1 || write(gate[1], "x", 1) != 1 ||
		    read(gate[1], &c, 1) != 0)
			_exit(1);
		_exit(0);
	}
	close(gate[1]);
	ck_assert_int_eq(read(gate[0], &c, 1), 1);
	return pid;
}

static void stop(pid_t pid)
{
	int status;

	close(gate[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static void has_limit(pid_t pid, int resource, rlim_t most)
{
	struct rlimit r;

	ck_assert_int_eq(prlimit(pid, (unsigned)resource, NULL, &r), 0);
	ck_assert_uint_eq(r.rlim_max, most);
	ck_assert_uint_eq(r.rlim_cur, most);
}

/* Field of /proc/PID/status, a number. */
static unsigned status_field(pid_t pid, const char *field)
{
	char path[64], text[4096], *at;
	int fd;
	size_t n;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY);
	n = drain(fd, text, sizeof text - 1);
	text[n] = '\0';
	close(fd);
	at = strstr(text, field);
	return at == NULL ? 99 : (unsigned)strtoul(at + strlen(field), NULL,
	    10);
}

static int front_of_a_stranger(void)
{
	return sandbox_front(true);
}

static int session_of_somebody(void)
{
	struct sandbox_maildir m = { .root = open(box, O_RDONLY) };

	return sandbox_session(&m);
}

START_TEST(limits_are_as_said)
{
	pid_t pid = start(front_of_a_stranger);

	has_limit(pid, RLIMIT_CPU, 10);
	has_limit(pid, RLIMIT_NOFILE, 32);
	has_limit(pid, RLIMIT_CORE, 0);
#ifndef NO_SANDBOX
	has_limit(pid, RLIMIT_AS, 64 << 20);
	has_limit(pid, RLIMIT_NPROC, 0);
#endif
	ck_assert_uint_eq(status_field(pid, "NoNewPrivs:"), 1);
	ck_assert_uint_eq(status_field(pid, "Seccomp:"),
	    seccomp_available() ? 2 : 0);
	stop(pid);
	box = new_maildir();
	pid = start(session_of_somebody);
	has_limit(pid, RLIMIT_CPU, 600);
	has_limit(pid, RLIMIT_NOFILE, 32);
	has_limit(pid, RLIMIT_CORE, 0);
#ifndef NO_SANDBOX
	has_limit(pid, RLIMIT_AS, 256 << 20);
#endif
	ck_assert_uint_eq(status_field(pid, "NoNewPrivs:"), 1);
	stop(pid);
}
END_TEST

static const char *lower_stays(void)
{
	struct rlimit r = { 5, 20 };

	NEED(setrlimit(RLIMIT_CPU, &r) == 0);
	NEED(sandbox_front(false) == 0);
	return NULL;
}

START_TEST(a_lower_limit_stays)
{
	assert_in_child(lower_stays);
}
END_TEST

static const char *begins(void)
{
	struct rlimit r;

	NEED(sandbox_begin() == 0);
	NEED(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	NEED(getrlimit(RLIMIT_CORE, &r) == 0);
	NEED(r.rlim_cur == 0 && r.rlim_max == 0);
	return NULL;
}

START_TEST(no_core_and_no_tracer_from_the_first_line)
{
	assert_in_child(begins);
}
END_TEST

START_TEST(version_names_the_walls)
{
	char line[SANDBOX_LAYERS];

	sandbox_layers(line, sizeof line);
	ck_assert(strchr(line, '\n') == NULL);
#ifdef NO_SANDBOX
	ck_assert_str_eq(line, "no sandbox");
#else
	ck_assert(strncmp(line, "sandbox: ", 9) == 0);
	ck_assert_ptr_nonnull(strstr(line, " no_new_privs rlimits"));
	ck_assert_int_eq(strstr(line, "missing:") == NULL,
	    seccomp_available() && abi() >= 2);
#endif
}
END_TEST

/* Generous, for slow machines: it costs a tenth of a millisecond. */
START_TEST(it_costs_little)
{
	int64_t best = INT64_MAX;
	int i;

	box = new_maildir();
	for (i = 0; i < 10; i++) {
		struct sandbox_maildir m = { .root = open(box, O_RDONLY) };
		struct timespec a, b;
		int64_t took[1];
		int end[2];
		pid_t pid;

		ck_assert_int_eq(pipe(end), 0);
		pid = fork();
		if (pid == 0) {
			clock_gettime(CLOCK_MONOTONIC, &a);
			sandbox_session(&m);
			clock_gettime(CLOCK_MONOTONIC, &b);
			took[0] = (b.tv_sec - a.tv_sec) * 1000000000 +
			    b.tv_nsec - a.tv_nsec;
			_exit(write(end[1], took, sizeof took) == -1);
		}
		ck_assert_int_eq(read(end[0], took, sizeof took),
		    (ssize_t)sizeof took);
		waitpid(pid, NULL, 0);
		if (took[0] < best)
			best = took[0];
		close(end[0]);
		close(end[1]);
		close(m.root);
	}
	ck_assert_int_lt(best, 5000000);
}
END_TEST

Suite *sandbox_suite(void);

Suite *sandbox_suite(void)
{
	Suite *s = suite_create("sandbox");
	TCase *tc;

#ifdef SECCOMP_ARCH
	const int rows = (int)seccomp_rows;

	tc = unit_case(s, "the program for the kernel (S-2, S-3)");
	tcase_add_test(tc, every_number_has_the_verdict_of_the_list);
	tcase_add_test(tc, another_architecture_and_strange_numbers_kill);
	tcase_add_test(tc, a_number_takes_few_compares);
	tcase_add_test(tc, nothing_is_opened_to_be_overwritten);
	tcase_add_test(tc, arguments_are_looked_at);
	tcase_add_test(tc, a_table_too_long_or_without_rows_makes_no_program);
	tcase_add_loop_test(tc,
	    without_its_row_a_number_kills_and_no_other_changes, 0, rows);
#ifndef NO_SANDBOX
	if (seccomp_available()) {
		tc = unit_case(s, "system calls, by the kernel (S-2, S-3)");
		tcase_add_loop_test(tc,
		    a_call_lives_by_its_row_and_dies_without, 0, rows);
		tcase_add_loop_test(tc, who_does_what_no_stage_may_dies, 0,
		    14);
#ifdef __x86_64__
		tcase_add_test(tc, a_call_of_another_architecture_dies);
#endif
		tcase_add_test(tc, the_front_has_no_files);
		tcase_add_test(tc, sockets_are_refused_by_an_error);
		tcase_add_test(tc, the_program_lives_inside);
		tcase_add_test(tc, abort_says_what_it_is);
		tcase_add_test(tc, the_parent_of_a_checker_waits);
	}
#endif
#endif
#ifndef NO_SANDBOX
	tc = unit_case(s, "files (S-1, S-7)");
	tcase_add_test(tc, nothing_outside_the_maildir_can_be_reached);
	tcase_add_test(tc, all_a_session_does_can_be_done);
	tcase_add_test(tc, no_message_can_be_changed);
	tcase_add_test(tc,
	    what_may_be_written_may_be_missing_or_of_another_kind);
	tcase_add_test(tc, a_new_log_daemon_is_found_and_nobody_else);
	tcase_add_test(tc, a_wall_the_kernel_lacks_is_told_and_no_error);
#endif
	tc = unit_case(s, "limits (S-6, S-10)");
	tcase_add_test(tc, limits_are_as_said);
	tcase_add_test(tc, a_lower_limit_stays);
	tcase_add_test(tc, no_core_and_no_tracer_from_the_first_line);
	tcase_add_test(tc, version_names_the_walls);
	tcase_add_test(tc, it_costs_little);
	return s;
}
