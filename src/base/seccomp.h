/*
 * seccomp.h - which system calls a process may still make: one table of rows,
 * and the BPF program made of it.
 *
 * Whatever has no row in its stage kills the process (SIGSYS).  sandbox.c
 * installs it; the rest is public for the tests, which run the program over
 * every number and take the rows away one by one.
 */
#ifndef BASE_SECCOMP_H
#define BASE_SECCOMP_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Where the program is known to be right: the table has been looked through
 * for these, and arguments are read as little-endian.  Elsewhere, and for the
 * x32 ABI, it is built without.
 */
#if defined __x86_64__ && defined __LP64__
#define SECCOMP_ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__ && defined __LP64__ && defined __AARCH64EL__
#define SECCOMP_ARCH AUDIT_ARCH_AARCH64
#endif

enum seccomp_stage {	/* bits */
	SECCOMP_BEFORE = 1,	/* login: sandbox_front() */
	SECCOMP_AFTER = 2,	/* login: sandbox_session() */
	SECCOMP_WAIT = 4	/* for a child: sandbox_wait() */
};

/* What a row asks of the arguments; what does not fit kills, or has an errno
 * where that is said. */
enum seccomp_check {
	CALL_KILL,	/* what no row names */
	CALL_ALLOW,
	CALL_EACCES,	/* never, but by an errno */
	CALL_OPEN,	/* no O_TRUNC, no O_TMPFILE; O_CREAT only with O_EXCL */
	CALL_OPENAT,	/* the same, flags one argument further */
	CALL_NO_EXEC,	/* memory without PROT_EXEC */
	CALL_QUEUE,	/* ioctl: FIONREAD, SIOCOUTQ; else ENOTTY */
	CALL_UNIX,	/* socket: AF_UNIX; else EACCES */
	CALL_NO_ADDRESS,	/* sendto: where it is connected to */
	CALL_NO_PATH,	/* utimensat: a file that is open */
	CALL_SOL_SOCKET,	/* getsockopt: no protocol's own options */
	CALL_FLAGS,	/* fcntl: duplicate; descriptor and file flags */
	CALL_ITSELF,	/* tgkill, tkill: only this process, which is
			 * the one that makes the program */
	CALL_CHECKS
};

struct seccomp_row {
	uint16_t number;	/* of the call */
	uint8_t stages;		/* enum seccomp_stage, or-ed */
	uint8_t check;		/* enum seccomp_check */
};

#ifdef SECCOMP_ARCH

extern const struct seccomp_row seccomp_table[];
extern const size_t seccomp_rows;

#define SECCOMP_ROWS 96		/* at most */
#define SECCOMP_PROGRAM 256	/* instructions; a jump skips 255 at most */

/*
 * Makes the program for a stage, at the start of out, and returns its length;
 * 0: too many rows, or none.  Rows may stand in any order, each number once a stage.
 */
size_t seccomp_program(struct sock_filter out[SECCOMP_PROGRAM],
    const struct seccomp_row *table, size_t rows, enum seccomp_stage stage);

#endif

/* Whether this build and this kernel have it. */
bool seccomp_available(void);

/*
 * Installs the stage's program for good; no_new_privs must be set.  -1: errno.
 * 0 also where it is not available.
 */
int seccomp_install(enum seccomp_stage stage);

#endif
