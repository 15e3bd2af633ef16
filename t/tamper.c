/*
 * tamper.c - runs a program, numbers its system calls, and does harm at one of
 * them: kills the process that makes it, lets it fail, or cuts it short.
 *
 *	tamper [-u UID] [-n N] [-c CALL] [-k enter|exit] [-e ERRNO] [-s] [-p]
 *	    -o FILE PROGRAM [ARG]...
 *
 *	-u UID     the program runs as that user and group, without groups
 *	-n N       at the Nth call, counted from 1
 *	-c CALL    at the Nth of those that have this number
 *	-k WHEN    SIGKILL to who makes it, before or after it has been made
 *	-e ERRNO   the call is not made, and fails with this number
 *	-s         its third argument is halved: a short read or write
 *	-p         -e and -s at every later call of that kind, too
 *	-o FILE    what happened, line by line (below)
 *
 * A process counts from the first line of our main() on, which limits core
 * files (S-6): what the dynamic loader does before would be told apart by
 * nothing else.  Processes it starts count with it, in one row of numbers.
 *
 *	> N PID CALL ARG ARG ARG	a call begins
 *	< N RESULT			it has returned
 *	! N				the harm was done
 *	x PID exit CODE			a process ended
 *	x PID signal NUMBER
 *
 * Exit code: the program's, 128 and the number if a signal ended it; 125 if
 * nothing could be started.
 */
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 16

struct process {
	pid_t pid;
	int counts;		/* its main() has begun */
	unsigned long call;	/* the number of the present one, or 0 */
	int fails;		/* it is one that shall fail */
};

static struct process processes[PROCESSES];
static FILE *out;
static unsigned long made, at, met, hit;
static int kill_enter, kill_exit, error, shorten, persist;
static long only = -1;		/* -c */
static long kind = -1;		/* of the Nth call, once it was made */

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "tamper: %s: %s\n", what, strerror(errno));
	exit(125);
}

static struct process *find(pid_t pid)
{
	int i, spare = -1;

	for (i = 0; i < PROCESSES; i++) {
		if (processes[i].pid == pid)
			return &processes[i];
		if (processes[i].pid == 0 && spare == -1)
			spare = i;
	}
	if (spare == -1) {
		errno = EAGAIN;
		die("too many processes");
	}
	memset(&processes[spare], 0, sizeof processes[spare]);
	processes[spare].pid = pid;
	return &processes[spare];
}

static void start(char **argv, const char *uid)
{
	pid_t pid = fork();

	if (pid == -1)
		die("fork");
	if (pid != 0)
		return;
	if (uid != NULL) {
		uid_t id = (uid_t)strtoul(uid, NULL, 10);

		if (setgroups(0, NULL) == -1 || setresgid(id, id, id) == -1 ||
		    setresuid(id, id, id) == -1)
			die("cannot become another user");
	}
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
		die("PTRACE_TRACEME");
	raise(SIGSTOP);
	execv(argv[0], argv);
	die(argv[0]);
}

/* --- the registers, as far as one has to know them ----------------------- */

#if defined __x86_64__
enum { CAN_CHANGE = 1 };

static void poke(pid_t pid, size_t where, long value)
{
	/* Both are integers in disguise: the call's own types. */
	if (ptrace(PTRACE_POKEUSER, pid, (void *)where, (void *)value) == -1)
		die("PTRACE_POKEUSER");
}

static void skip_call(pid_t pid)
{
	poke(pid, offsetof(struct user, regs.orig_rax), -1);
}

static void set_third(pid_t pid, long value)
{
	poke(pid, offsetof(struct user, regs.rdx), value);
}

static void set_result(pid_t pid, long value)
{
	poke(pid, offsetof(struct user, regs.rax), value);
}
#else
enum { CAN_CHANGE = 0 };
static void skip_call(pid_t pid) { (void)pid; }
static void set_third(pid_t pid, long value) { (void)pid; (void)value; }
static void set_result(pid_t pid, long value) { (void)pid; (void)value; }
#endif

/* --- one call ------------------------------------------------------------- */

static int chosen(const struct process *p, long nr)
{
	if (only != -1 && nr != only)
		return 0;
	if ((only == -1 ? p->call : ++met) == at) {
		kind = nr;
		hit = p->call;
		return 1;
	}
	return persist && hit != 0 && nr == kind;
}

static void enter(struct process *p, const struct __ptrace_syscall_info *info)
{
	long nr = (long)info->entry.nr;
	long third = (long)info->entry.args[2];

	if (!p->counts && nr == SYS_prlimit64 &&
	    info->entry.args[1] == RLIMIT_CORE)
		p->counts = 1;
	if (!p->counts)
		return;
	p->call = ++made;
	fprintf(out, "> %lu %d %ld %ld %ld %ld\n", p->call, (int)p->pid, nr,
	    (long)info->entry.args[0], (long)info->entry.args[1], third);
	if (!chosen(p, nr))
		return;
	if (kill_enter || error != 0 || shorten)
		fprintf(out, "! %lu\n", p->call);
	if (kill_enter)
		kill(p->pid, SIGKILL);
	if (shorten && third > 1)
		set_third(p->pid, third / 2);
	if (error != 0) {
		skip_call(p->pid);
		p->fails = 1;
	}
}

static void leave(struct process *p, const struct __ptrace_syscall_info *info)
{
	long result = (long)info->exit.rval;

	if (p->call == 0)
		return;
	if (p->fails) {
		/* brk(2) fails by an address that is not the one wanted. */
		result = kind == SYS_brk ? 0 : -error;
		set_result(p->pid, result);
		p->fails = 0;
	}
	fprintf(out, "< %lu %ld\n", p->call, result);
	if (kill_exit && p->call == hit) {
		fprintf(out, "! %lu\n", p->call);
		kill(p->pid, SIGKILL);
	}
	p->call = 0;
}

static void at_call(struct process *p)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, (void *)sizeof info, &info)
	    <= 0)
		return;			/* killed meanwhile */
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		enter(p, &info);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		leave(p, &info);
}

/* --- stops ---------------------------------------------------------------- */

static void ended(struct process *p, int status)
{
	if (WIFEXITED(status))
		fprintf(out, "x %d exit %d\n", (int)p->pid,
		    WEXITSTATUS(status));
	else
		fprintf(out, "x %d signal %d\n", (int)p->pid,
		    WTERMSIG(status));
	p->pid = 0;
}

/* What the program shall get of the signal that stopped it. */
static int stopped(struct process *p, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;
	unsigned long child;

	if (sig == (SIGTRAP | 0x80)) {
		at_call(p);
		return 0;
	}
	switch (event) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		if (ptrace(PTRACE_GETEVENTMSG, p->pid, NULL, &child) == 0)
			find((pid_t)child)->counts = p->counts;
		return 0;
	case PTRACE_EVENT_EXEC:
		p->counts = 0;
		p->call = 0;
		return 0;
	default:
		break;
	}
	return sig == SIGSTOP || sig == SIGTRAP ? 0 : sig;
}

static int follow(void)
{
	pid_t pid, first = 0;
	int status, code = 125, begun = 0;

	while ((pid = waitpid(-1, &status, __WALL)) != -1) {
		struct process *p = find(pid);
		int sig = 0;

		if (!begun) {
			first = pid;
			begun = 1;
			if (WIFSTOPPED(status) && ptrace(PTRACE_SETOPTIONS,
			    pid, NULL, (void *)(long)(PTRACE_O_TRACESYSGOOD |
			    PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			    PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
			    PTRACE_O_EXITKILL)) == -1)
				die("PTRACE_SETOPTIONS");
		}
		if (!WIFSTOPPED(status)) {
			if (pid == first)
				code = WIFEXITED(status) ?
				    WEXITSTATUS(status) :
				    128 + WTERMSIG(status);
			ended(p, status);
			continue;
		}
		sig = stopped(p, status);
		ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)sig);
	}
	return code;
}

int main(int argc, char **argv)
{
	const char *uid = NULL;
	int c, code;

	while ((c = getopt(argc, argv, "+u:n:c:k:e:spo:")) != -1)
		switch (c) {
		case 'u':
			uid = optarg;
			break;
		case 'n':
			at = strtoul(optarg, NULL, 10);
			break;
		case 'c':
			only = atol(optarg);
			break;
		case 'k':
			kill_enter = strcmp(optarg, "enter") == 0;
			kill_exit = !kill_enter;
			break;
		case 'e':
			error = atoi(optarg);
			break;
		case 's':
			shorten = 1;
			break;
		case 'p':
			persist = 1;
			break;
		case 'o':
			out = fopen(optarg, "we");
			if (out == NULL)
				die(optarg);
			setvbuf(out, NULL, _IOLBF, 0);	/* we may be killed */
			break;
		default:
			return 125;
		}
	if (out == NULL || optind == argc)
		return 125;
	if ((error != 0 || shorten) && !CAN_CHANGE) {
		errno = ENOSYS;
		die("registers are known for x86_64 only");
	}
	start(argv + optind, uid);
	code = follow();
	return fclose(out) == 0 ? code : 125;
}
