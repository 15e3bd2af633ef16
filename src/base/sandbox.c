/*
 * sandbox.c - what a process gives up: resource limits, the right to gain
 * rights, files (Landlock), system calls (seccomp.c).
 *
 * In this order, since each is done by calls that the next one may deny.
 *
 * Runs as: everybody; root too, as the parent of a checker.
 * Trusts:  the kernel.  A wall it does not have is left out: no S-rule rests
 *          on one alone.
 */
#include "base/sandbox.h"

#include "base/log.h"
#include "base/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MIB ((rlim_t)1 << 20)

/* --- resource limits (S-10) and no_new_privs ---------------------------- */

/* What a resource is numbered by: glibc's enum, elsewhere an int. */
#ifdef __GLIBC__
typedef __rlimit_resource_t resource_number;
#else
typedef int resource_number;
#endif

struct limit {
	resource_number resource;
	rlim_t most;
};

static const struct limit front[] = {
#ifndef NO_SANDBOX	/* sanitizers and valgrind reserve terabytes */
	{ RLIMIT_AS, 64 * MIB },
#endif
	{ RLIMIT_CPU, 10 },
	{ RLIMIT_NOFILE, 32 },
	{ RLIMIT_CORE, 0 },
};

/* No RLIMIT_FSIZE: stderr may be a large log file (S-10). */
static const struct limit session[] = {
#ifndef NO_SANDBOX
	{ RLIMIT_AS, 256 * MIB },
#endif
	{ RLIMIT_CPU, 600 },
	{ RLIMIT_NOFILE, 32 },
	{ RLIMIT_CORE, 0 },
};

/* Soft and hard; a limit that is lower already stays. */
static int limit(resource_number resource, rlim_t most)
{
	struct rlimit r;

	if (getrlimit(resource, &r) == -1)
		return -1;
	if (r.rlim_max > most)
		r.rlim_max = most;
	if (r.rlim_cur > r.rlim_max)
		r.rlim_cur = r.rlim_max;
	return setrlimit(resource, &r);
}

static int limit_all(const struct limit *l, size_t n)
{
	for (; n > 0; n--, l++)
		if (limit(l->resource, l->most) == -1) {
			log_errno("nothing is served: cannot set resource "
			    "limits", NULL);
			return -1;
		}
	return 0;
}

/* Dumpable again: a change of uid may have set it to fs.suid_dumpable. */
static int no_new_privs(void)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		return 0;
	log_errno("nothing is served: prctl cannot give up privileges", NULL);
	return -1;
}

/* --- Landlock ----------------------------------------------------------- */

/*
 * The kernel's interface, written down here: headers in use are often older
 * than kernels.  The numbers are the same on all architectures that have it.
 */
#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#define __NR_landlock_add_rule 445
#define __NR_landlock_restrict_self 446
#endif

#define WANT_VERSION 1U		/* a flag of create_ruleset */
#define PATH_BENEATH 1		/* a kind of rule */

#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_READ_DIR (UINT64_C(1) << 3)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_REG (UINT64_C(1) << 8)
#define FS_REFER (UINT64_C(1) << 13)	/* rename and link between folders */
#define FS_UP_TO(last) ((UINT64_C(1) << ((last) + 1)) - 1)
#define NET_TCP UINT64_C(3)		/* bind, connect */
#define SCOPE_ALL UINT64_C(3)		/* abstract sockets, signals */

struct ruleset {		/* what is denied unless a rule allows it */
	uint64_t fs, net, scoped;
};

struct rule {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));	/* as the kernel has it */

/*
 * What each version can deny, the newest first: all of it is.  Not the first
 * version: it forbids every rename from new/ to cur/.  Scoping leaves alone
 * sockets with a path, so syslog(3) can come back to /dev/log.
 */
static const struct {
	int abi;
	struct ruleset deny;
} version[] = {
	{ 6, { FS_UP_TO(15), NET_TCP, SCOPE_ALL } },
	{ 5, { FS_UP_TO(15), NET_TCP, 0 } },	/* ioctl of devices */
	{ 4, { FS_UP_TO(14), NET_TCP, 0 } },
	{ 3, { FS_UP_TO(14), 0, 0 } },		/* truncate */
	{ 2, { FS_UP_TO(13), 0, 0 } },		/* refer */
};

/* 0: this build or this kernel has none. */
static int landlock_abi(void)
{
#ifdef NO_SANDBOX
	return 0;
#else
	long abi = syscall(__NR_landlock_create_ruleset, NULL, (size_t)0,
	    WANT_VERSION);

	return abi < 0 ? 0 : (int)abi;
#endif
}

/* The ruleset's descriptor, or -1: errno, 0 if the kernel is too old. */
static int ruleset_new(void)
{
	const int abi = landlock_abi();
	size_t i;

	for (i = 0; i < sizeof version / sizeof version[0]; i++)
		if (abi >= version[i].abi)
			return (int)syscall(__NR_landlock_create_ruleset,
			    &version[i].deny, sizeof version[i].deny, 0U);
	errno = 0;
	return -1;
}

static int allow(int ruleset, int fd, uint64_t rights)
{
	struct rule r = { rights, fd };

	return (int)syscall(__NR_landlock_add_rule, ruleset, PATH_BENEATH, &r,
	    0U);
}

/*
 * Below the Maildir, where it is there and is of that kind.  If not, whoever
 * wants to write it will meet that, and say so.
 */
static int allow_writing(int ruleset, int root, const char *name, mode_t kind)
{
	int r = 0, fd = openat(root, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd == -1)
		return 0;
	if (fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == kind)
		r = allow(ruleset, fd, FS_WRITE_FILE);
	close(fd);
	return r;
}

/*
 * The folders of the Maildir must not differ in their rights: no file can be
 * moved to where more is allowed.  So .Trash gets no more than cur/ has, and
 * needs no more, as it was made before; what moves out of tmp/ loses the
 * right to be written, as it should.
 */
static int allow_maildir(int ruleset, int root, int quota)
{
	if (allow(ruleset, root, FS_READ_FILE | FS_READ_DIR | FS_REMOVE_FILE |
	    FS_MAKE_REG | FS_REFER) == -1)
		return -1;
	if (allow_writing(ruleset, root, "tmp", S_IFDIR) == -1)
		return -1;
	return allow_writing(ruleset, quota == 0 ? root : quota,
	    "maildirsize", S_IFREG);
}

/* No file at all, or those of a Maildir. */
static int landlock(const struct sandbox_maildir *m)
{
	int ruleset = ruleset_new(), r = -1;

	if (ruleset == -1 && errno == 0)
		return 0;
	if (ruleset != -1 && (m == NULL || allow_maildir(ruleset, m->root,
	    m->quota) == 0))
		r = (int)syscall(__NR_landlock_restrict_self, ruleset, 0U);
	if (r == -1)
		log_errno("nothing is served: cannot set up Landlock", NULL);
	if (ruleset != -1)
		close(ruleset);
	return r;
}

/* --- the stages --------------------------------------------------------- */

static int calls(enum seccomp_stage stage)
{
	if (seccomp_install(stage) == 0)
		return 0;
	log_errno("nothing is served: cannot set up seccomp", NULL);
	return -1;
}

/* Once a connection, and only where a wall could have been. */
static void tell_missing(void)
{
#ifndef NO_SANDBOX
	if (landlock_abi() < 2)
		log_warning("this kernel has no Landlock, or too old a one: "
		    "serving without; Linux 5.19 has it, if lsm= names it",
		    NULL);
	if (!seccomp_available())
		log_warning("no seccomp on this kernel or architecture: "
		    "serving without; CONFIG_SECCOMP_FILTER would be it",
		    NULL);
#endif
}

int sandbox_begin(void)
{
	if (limit(RLIMIT_CORE, 0) == -1)
		return -1;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int sandbox_front(bool unprivileged)
{
	static const struct limit no_child[] = { { RLIMIT_NPROC, 0 } };

	if (limit_all(front, sizeof front / sizeof front[0]) == -1)
		return -1;
#ifdef NO_SANDBOX	/* LeakSanitizer makes a process at exit */
	unprivileged = false;
#endif
	if (unprivileged && limit_all(no_child, 1) == -1)
		return -1;
	if (no_new_privs() == -1 || landlock(NULL) == -1)
		return -1;
	return calls(SECCOMP_BEFORE);
}

int sandbox_session(const struct sandbox_maildir *m)
{
	if (limit_all(session, sizeof session / sizeof session[0]) == -1)
		return -1;
	tell_missing();
	if (no_new_privs() == -1 || landlock(m) == -1)
		return -1;
	return calls(SECCOMP_AFTER);
}

int sandbox_wait(void)
{
	return no_new_privs() == -1 ? -1 : calls(SECCOMP_WAIT);
}

void sandbox_layers(char *out, size_t room)
{
#ifdef NO_SANDBOX
	snprintf(out, room, "no sandbox");
#else
	const int abi = landlock_abi();
	const bool seccomp = seccomp_available(), files = abi >= 2;
	char landlock_name[32] = "";

	if (files)
		snprintf(landlock_name, sizeof landlock_name,
		    " landlock-abi-%d", abi);
	snprintf(out, room, "sandbox:%s%s no_new_privs rlimits%s%s%s",
	    seccomp ? " seccomp" : "", landlock_name,
	    seccomp && files ? "" : "; missing:", seccomp ? "" : " seccomp",
	    files ? "" : " landlock");
#endif
}
