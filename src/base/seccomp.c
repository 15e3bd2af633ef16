/*
 * seccomp.c - which system calls a process may still make.
 *
 * The kernel runs a new filter once for every call number, to learn which it
 * may allow without asking again.  So the program is a balanced search: seven
 * compares a number, where one compare a row took two to three times as long
 * to install, at each login.
 *
 * Runs as: everybody who is about to be shut in.
 * Trusts:  the table.
 */
#include "base/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef SECCOMP_ARCH

/* Numbers that kernel headers older than the call lack: the same everywhere. */
#ifndef __NR_faccessat2
#define __NR_faccessat2 439
#endif

#define BEFORE SECCOMP_BEFORE
#define AFTER SECCOMP_AFTER
#define BOTH (SECCOMP_BEFORE | SECCOMP_AFTER)
#define WAIT SECCOMP_WAIT
#define ALL (SECCOMP_BEFORE | SECCOMP_AFTER | SECCOMP_WAIT)

/*
 * One row a call, as glibc and musl make it.  The C library chooses among
 * several for one function: poll or ppoll, alarm or setitimer, fstat or
 * newfstatat.
 */
const struct seccomp_row seccomp_table[] = {
	/* the connection, the broker, the log */
	{ __NR_read,		BOTH,	CALL_ALLOW },
	{ __NR_write,		BOTH,	CALL_ALLOW },
	{ __NR_ppoll,		BOTH,	CALL_ALLOW },
	{ __NR_close,		BOTH,	CALL_ALLOW },
	{ __NR_fcntl,		BOTH,	CALL_FLAGS },
	{ __NR_shutdown,	BOTH,	CALL_ALLOW },	/* lingering close */
	{ __NR_ioctl,		BOTH,	CALL_QUEUE },	/* ENOTTY: isatty() */
	{ __NR_getsockopt,	AFTER,	CALL_SOL_SOCKET },	/* handover */
	{ __NR_dup3,		BEFORE,	CALL_ALLOW },	/* STLS */
	{ __NR_sendto,		BOTH,	CALL_NO_ADDRESS },	/* syslog(3) */
	/* A log daemon that restarts costs the front its lines, and the
	 * session nothing.  NSS would ask for other domains, and lives. */
	{ __NR_socket,		BEFORE,	CALL_EACCES },
	{ __NR_socket,		AFTER,	CALL_UNIX },
	{ __NR_connect,		AFTER,	CALL_ALLOW },

	/* time and signals; who was stopped and goes on restarts his call */
	{ __NR_restart_syscall,	ALL,	CALL_ALLOW },
	{ __NR_rt_sigaction,	ALL,	CALL_ALLOW },
	{ __NR_rt_sigprocmask,	ALL,	CALL_ALLOW },
	{ __NR_rt_sigreturn,	ALL,	CALL_ALLOW },
	{ __NR_rt_sigsuspend,	WAIT,	CALL_ALLOW },
	{ __NR_setitimer,	ALL,	CALL_ALLOW },	/* alarm(2) */
	{ __NR_nanosleep,	BOTH,	CALL_ALLOW },
	{ __NR_clock_nanosleep,	BOTH,	CALL_ALLOW },
	{ __NR_clock_gettime,	BOTH,	CALL_ALLOW },	/* vDSO cannot always */
	{ __NR_gettimeofday,	BOTH,	CALL_ALLOW },
	{ __NR_getpid,		BOTH,	CALL_ALLOW },	/* a log line's */
	{ __NR_gettid,		BOTH,	CALL_ALLOW },	/* abort(3), so that */
	{ __NR_tgkill,		BOTH,	CALL_ITSELF },	/* it says SIGABRT */
	{ __NR_tkill,		BOTH,	CALL_ITSELF },	/* musl's */
	{ __NR_exit,		ALL,	CALL_ALLOW },
	{ __NR_exit_group,	ALL,	CALL_ALLOW },
	{ __NR_wait4,		WAIT,	CALL_ALLOW },

	/* memory */
	{ __NR_brk,		BOTH,	CALL_ALLOW },
	{ __NR_mmap,		BOTH,	CALL_NO_EXEC },
	{ __NR_mprotect,	BOTH,	CALL_NO_EXEC },
	{ __NR_munmap,		BOTH,	CALL_ALLOW },
	{ __NR_mremap,		AFTER,	CALL_ALLOW },	/* the list grows */
	{ __NR_madvise,		AFTER,	CALL_ALLOW },
	{ __NR_getrandom,	BOTH,	CALL_ALLOW },	/* malloc's, APOP's */

	/* the Maildir */
	{ __NR_openat,		AFTER,	CALL_OPENAT },
	{ __NR_newfstatat,	AFTER,	CALL_ALLOW },
	{ __NR_fstat,		AFTER,	CALL_ALLOW },
	{ __NR_statx,		AFTER,	CALL_ALLOW },
	{ __NR_fstatfs,		AFTER,	CALL_ALLOW },
	{ __NR_faccessat,	AFTER,	CALL_ALLOW },
	{ __NR_faccessat2,	AFTER,	CALL_ALLOW },
	{ __NR_getuid,		AFTER,	CALL_ALLOW },	/* without faccessat2 */
	{ __NR_geteuid,		AFTER,	CALL_ALLOW },	/* libc looks itself */
	{ __NR_getgid,		AFTER,	CALL_ALLOW },
	{ __NR_getegid,		AFTER,	CALL_ALLOW },
	{ __NR_getdents64,	AFTER,	CALL_ALLOW },
	{ __NR_lseek,		AFTER,	CALL_ALLOW },
	{ __NR_pread64,		AFTER,	CALL_ALLOW },
	{ __NR_readv,		AFTER,	CALL_ALLOW },
	{ __NR_writev,		AFTER,	CALL_ALLOW },
	{ __NR_flock,		AFTER,	CALL_ALLOW },
	{ __NR_fsync,		AFTER,	CALL_ALLOW },
	{ __NR_utimensat,	AFTER,	CALL_NO_PATH },	/* the size cache's */
	{ __NR_unlinkat,	AFTER,	CALL_ALLOW },
	{ __NR_renameat2,	AFTER,	CALL_ALLOW },
	{ __NR_linkat,		AFTER,	CALL_ALLOW },	/* no NOREPLACE there */

	/* older forms; an architecture like aarch64 has none of them */
#ifdef __NR_poll
	{ __NR_poll,		BOTH,	CALL_ALLOW },
#endif
#ifdef __NR_dup2
	{ __NR_dup2,		BEFORE,	CALL_ALLOW },
#endif
#ifdef __NR_alarm
	{ __NR_alarm,		ALL,	CALL_ALLOW },
#endif
#ifdef __NR_time
	{ __NR_time,		BOTH,	CALL_ALLOW },
#endif
#ifdef __NR_open
	{ __NR_open,		AFTER,	CALL_OPEN },
#endif
};

const size_t seccomp_rows = sizeof seccomp_table / sizeof seccomp_table[0];

_Static_assert(sizeof seccomp_table / sizeof seccomp_table[0] <= SECCOMP_ROWS,
    "a program of so many rows has longer jumps than BPF knows");

/* The numbers from here up to the next piece have one verdict. */
struct piece {
	uint32_t from;
	uint8_t check;
};

/*
 * A program is written from its end: a jump goes forward only, so its targets
 * are there already.  A position is an index into out.
 */
struct build {
	struct sock_filter *out;
	size_t first;			/* position of what was written last */
	size_t leaf[CALL_CHECKS];	/* where a check begins, 0: not yet */
};

static size_t put(struct build *b, unsigned code, uint32_t k, size_t yes,
    size_t no)
{
	size_t at = --b->first;

	b->out[at] = (struct sock_filter){ (uint16_t)code,
		(uint8_t)(yes - at - 1), (uint8_t)(no - at - 1), k };
	return at;
}

static size_t give(struct build *b, uint32_t verdict)
{
	return put(b, BPF_RET | BPF_K, verdict, b->first, b->first);
}

/* Compares what was loaded last: BPF_JEQ, JGT, JGE, JSET. */
static size_t test(struct build *b, unsigned how, uint32_t k, size_t yes,
    size_t no)
{
	return put(b, BPF_JMP | BPF_K | how, k, yes, no);
}

/* Goes on with what was written last, as jumps of 0 do. */
static size_t load(struct build *b, size_t offset)
{
	return put(b, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, b->first,
	    b->first);
}

/* The lower half: all the kernel looks at where the argument is an int. */
static size_t load_int(struct build *b, size_t argument)
{
	return load(b, offsetof(struct seccomp_data, args[argument]));
}

/* S-2: nothing is truncated, and nothing opened that O_CREAT did not make. */
static size_t open_flags(struct build *b, size_t argument)
{
	const size_t allow = b->leaf[CALL_ALLOW], kill = b->leaf[CALL_KILL];
	size_t at;

	at = test(b, BPF_JSET, O_EXCL, allow, kill);
	at = test(b, BPF_JSET, O_CREAT, at, allow);
	test(b, BPF_JSET, O_TRUNC | (O_TMPFILE & ~O_DIRECTORY), kill, at);
	return load_int(b, argument);
}

static size_t null_pointer(struct build *b, size_t argument)
{
	const size_t allow = b->leaf[CALL_ALLOW], kill = b->leaf[CALL_KILL];
	size_t at;

	test(b, BPF_JEQ, 0, allow, kill);
	at = load(b, offsetof(struct seccomp_data, args[argument]) + 4);
	test(b, BPF_JEQ, 0, at, kill);
	return load_int(b, argument);
}

static size_t place(struct build *b, enum seccomp_check check)
{
	const size_t allow = b->leaf[CALL_ALLOW], kill = b->leaf[CALL_KILL];
	size_t at;

	switch (check) {
	case CALL_EACCES:
		return give(b, SECCOMP_RET_ERRNO | EACCES);
	case CALL_OPEN:
		return open_flags(b, 1);
	case CALL_OPENAT:
		return open_flags(b, 2);
	case CALL_NO_EXEC:
		test(b, BPF_JSET, PROT_EXEC, kill, allow);
		return load_int(b, 2);
	case CALL_QUEUE:
		at = give(b, SECCOMP_RET_ERRNO | ENOTTY);
		at = test(b, BPF_JEQ, SIOCOUTQ, allow, at);
		test(b, BPF_JEQ, FIONREAD, allow, at);
		return load_int(b, 1);
	case CALL_UNIX:
		at = give(b, SECCOMP_RET_ERRNO | EACCES);
		test(b, BPF_JEQ, AF_UNIX, allow, at);
		return load_int(b, 0);
	case CALL_NO_ADDRESS:
		return null_pointer(b, 4);
	case CALL_NO_PATH:
		return null_pointer(b, 1);
	case CALL_SOL_SOCKET:
		test(b, BPF_JEQ, SOL_SOCKET, allow, kill);
		return load_int(b, 1);
	case CALL_FLAGS:
		at = test(b, BPF_JEQ, F_DUPFD_CLOEXEC, allow, kill);
		test(b, BPF_JGT, F_SETFL, at, allow);	/* 0 to 4 are these */
		return load_int(b, 1);
	case CALL_ITSELF:
		test(b, BPF_JEQ, (uint32_t)getpid(), allow, kill);
		return load_int(b, 0);
	case CALL_ALLOW:
	case CALL_KILL:
	case CALL_CHECKS:
		break;
	}
	return kill;
}

static size_t leaf(struct build *b, uint8_t check)
{
	if (b->leaf[check] == 0)
		b->leaf[check] = place(b, (enum seccomp_check)check);
	return b->leaf[check];
}

/* The number is loaded; which of n pieces is it in?  Of our own table.
 * NOLINTNEXTLINE(misc-no-recursion) */
static size_t search(struct build *b, const struct piece *piece, size_t n)
{
	size_t below, above;

	if (n == 1)
		return leaf(b, piece->check);
	above = search(b, piece + n / 2, n - n / 2);
	below = search(b, piece, n / 2);
	return test(b, BPF_JGE, piece[n / 2].from, above, below);
}

/* Ends the last piece here; one that is empty, or no different, goes. */
static size_t begin(struct piece *piece, size_t n, uint32_t from,
    uint8_t check)
{
	if (n > 0 && piece[n - 1].from == from)
		n--;
	if (n > 0 && piece[n - 1].check == check)
		return n;
	piece[n] = (struct piece){ from, check };
	return n + 1;
}

/* Sorts as it goes: call numbers differ between architectures. */
static size_t rows_of_stage(const struct seccomp_row *sorted[],
    const struct seccomp_row *table, size_t rows, enum seccomp_stage stage)
{
	size_t n = 0, i, j;

	for (i = 0; i < rows; i++) {
		if ((table[i].stages & stage) == 0)
			continue;
		for (j = n++; j > 0 && sorted[j - 1]->number > table[i].number;
		    j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = &table[i];
	}
	return n;
}

size_t seccomp_program(struct sock_filter out[SECCOMP_PROGRAM],
    const struct seccomp_row *table, size_t rows, enum seccomp_stage stage)
{
	const struct seccomp_row *row[SECCOMP_ROWS];
	struct piece piece[2 * SECCOMP_ROWS + 2];
	struct build b = { .out = out, .first = SECCOMP_PROGRAM };
	size_t pieces, n, i;

	if (rows > SECCOMP_ROWS)
		return 0;
	n = rows_of_stage(row, table, rows, stage);
	if (n == 0)
		return 0;
	pieces = begin(piece, 0, 0, CALL_KILL);
	for (i = 0; i < n; i++) {
		uint32_t number = row[i]->number;

		pieces = begin(piece, pieces, number, row[i]->check);
		pieces = begin(piece, pieces, number + 1, CALL_KILL);
	}
	/*
	 * -1 is no call.  A tracer that skips one, as strace does to inject an
	 * error, puts it there: the test suites of others work inside.
	 */
	pieces = begin(piece, pieces, UINT32_MAX, CALL_ALLOW);
	b.leaf[CALL_KILL] = give(&b, SECCOMP_RET_KILL_PROCESS);
	b.leaf[CALL_ALLOW] = give(&b, SECCOMP_RET_ALLOW);
	/* x32's numbers are above all rows: the last but one refuses them. */
	search(&b, piece, pieces);
	i = load(&b, offsetof(struct seccomp_data, nr));
	test(&b, BPF_JEQ, SECCOMP_ARCH, i, b.leaf[CALL_KILL]);
	load(&b, offsetof(struct seccomp_data, arch));
	n = SECCOMP_PROGRAM - b.first;
	memmove(out, out + b.first, n * sizeof out[0]);
	return n;
}

#endif

#if defined SECCOMP_ARCH && !defined NO_SANDBOX

/* Without a program: a kernel that has filters wants to read it first. */
bool seccomp_available(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) == -1 &&
	    errno == EFAULT;
}

int seccomp_install(enum seccomp_stage stage)
{
	struct sock_filter filter[SECCOMP_PROGRAM];
	struct sock_fprog program = { .filter = filter };
	int saved;

	program.len = (unsigned short)seccomp_program(filter, seccomp_table,
	    seccomp_rows, stage);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
		return 0;
	saved = errno;
	if (!seccomp_available())
		return 0;
	errno = saved;
	return -1;
}

#else

bool seccomp_available(void)
{
	return false;
}

int seccomp_install(enum seccomp_stage stage)
{
	(void)stage;
	return 0;
}

#endif
