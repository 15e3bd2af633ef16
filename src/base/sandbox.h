/*
 * sandbox.h - what a process gives up before it reads a stranger's octets,
 * or before it serves a mailbox (S-3, S-6, S-7, S-10).
 *
 * Four walls, each whole without the others: resource limits, no_new_privs,
 * Landlock (which files) and seccomp (which system calls).  What the kernel
 * is too old for is left out; that is logged by sandbox_session(), which
 * every way to serve mail goes through, and is no error.  Nothing can be
 * taken back.
 *
 * To be done before, for it is not possible inside: log_open() and tzset()
 * (both before chroot(2)), idle_start(), peer_find() and peer_tune(), closing
 * of inherited descriptors, every set*id call.
 *
 * Built with NO_SANDBOX (configure --disable-sandbox; for sanitizers,
 * valgrind and coverage): no seccomp, no Landlock, no RLIMIT_AS or NPROC.
 */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* What a session after login may do besides reading its Maildir. */
struct sandbox_maildir {
	int root;		/* descriptor of the Maildir; stays the caller's */
	int quota;		/* of one above that has its maildirsize; 0 (which
				 * is the connection): there is none */
	bool trash;		/* --delete=trash: .Trash was made before; it needs
				 * no rights that cur/ has not: see sandbox.c */
};

/*
 * The first line of main: no core file, and no ptrace(2) by others of the
 * same uid (S-6).  -1: errno; nothing is logged, there is no log yet.
 */
int sandbox_begin(void);

/*
 * Before login: no file, no socket, no process; 64 MiB, 10 s of CPU, 32
 * descriptors.  unprivileged: not root, so that RLIMIT_NPROC 0 means
 * something.  -1: logged; do not read a single octet.
 */
int sandbox_front(bool unprivileged);

/*
 * After login, as the owner of the mailbox: the Maildir and nothing else;
 * 256 MiB, 600 s, 32 descriptors.  new/, cur/ and .Trash/cur have to be there
 * by now.  -1: logged; do not serve.
 */
int sandbox_session(const struct sandbox_maildir *m);

/*
 * The parent of a checker: wait4(2), exit, signal handlers that call
 * alarm(2), and nothing else; not even a line for the log.  -1: logged.
 */
int sandbox_wait(void);

#define SANDBOX_LAYERS 96	/* octets that are enough, NUL included */

/*
 * One line for --version, without a line feed; what this build or this kernel
 * lacks is named:
 *
 *	sandbox: seccomp landlock-abi-7 no_new_privs rlimits
 *	sandbox: landlock-abi-7 no_new_privs rlimits; missing: seccomp
 *	no sandbox
 */
void sandbox_layers(char *out, size_t room);

#endif
