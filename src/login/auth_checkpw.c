/*
 * auth_checkpw.c - passwords checked by a program.
 *
 * Runs as: the keeper, whoever started us; the checker changes to the user.
 * Trusts:  the operator to have chosen the checker, not the checker to be
 *          without faults: it may exit 0, die, hang or write garbage.
 */
#include "login/auth_checkpw.h"

#include "base/idle.h"
#include "base/log.h"
#include "base/num.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIPE_VARIABLE "MAILDIR_POP3D_SESSION"
#define PATIENCE (60 * UINT64_C(1000000000))	/* ns for the checker */
#define LOOK 50		/* ms between looks whether it has exited */
#define TURN 10000	/* ms the session waits for its turn */

/* P-58: a name like that is nobody's, and no checker hears of it. */
static bool is_name(const char *name)
{
	const char *c;

	for (c = name; *c != '\0'; c++)
		if (*c < 0x21 || *c > 0x7e || *c == '/')
			return false;
	return name[0] != '.';
}

/* name 00 secret 00 stamp 00; 0 if it is too long (P-97, P-116). */
static size_t credentials(const struct auth_request *r,
    char out[AUTH_CHECKPW_OCTETS])
{
	size_t stamp = strlen(r->stamp), n = 0;

	if (r->name_len + r->secret_len + stamp + 3 > AUTH_CHECKPW_OCTETS)
		return 0;
	memcpy(out, r->name, r->name_len + 1);
	n += r->name_len + 1;
	memcpy(out + n, r->secret, r->secret_len + 1);
	n += r->secret_len + 1;
	memcpy(out + n, r->stamp, stamp + 1);
	return n + stamp + 1;
}

/* S-13: a new environment, of nothing but what was validated. */
static char **environment(const struct auth_checkpw *c,
    const struct auth_request *r, int pipe)
{
	static char text[8][128];
	static char *list[9];
	const char *tz = getenv("TZ");
	size_t n = 0;

	snprintf(text[n++], sizeof text[0], "PATH=" AUTH_CHECKPW_PATH);
	snprintf(text[n++], sizeof text[0], "%s=%d", PIPE_VARIABLE, pipe);
	if (tz != NULL && strlen(tz) < 100)
		snprintf(text[n++], sizeof text[0], "TZ=%s", tz);
	snprintf(text[n++], sizeof text[0], "PROTO=TCP");
	if (*r->ip != '\0')
		snprintf(text[n++], sizeof text[0], "TCPREMOTEIP=%s", r->ip);
	if (*c->port != '\0')
		snprintf(text[n++], sizeof text[0], "TCPREMOTEPORT=%s",
		    c->port);
	if (*c->tls_text != '\0')
		snprintf(text[n++], sizeof text[0], "SSL_PROTOCOL=%s",
		    c->tls_text);
	list[n] = NULL;
	while (n-- > 0)
		list[n] = text[n];
	return list;
}

/* P-121: nothing of ours goes with the checker. */
static void reset_signals(void)
{
	sigset_t none;
	int sig;

	alarm(0);
	for (sig = 1; sig < 32; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child.  3 is the checker's, and the pipe lies above it. */
static void become_checker(const struct auth_checkpw *c,
    const struct auth_request *r, int in, int tell)
{
	int high = fcntl(tell, F_DUPFD, 10);

	if (c->swap_read != -1 && (dup2(c->swap_read, 0) == -1 ||
	    dup2(c->swap_write, 1) == -1))
		_exit(111);
	if (high == -1 || dup2(in, 3) == -1 || fcntl(3, F_SETFD, 0) == -1)
		_exit(111);
	syscall(SYS_close_range, 4U, (unsigned)high - 1, 0U);
	syscall(SYS_close_range, (unsigned)high + 1, ~0U, 0U);
	reset_signals();
	/* execve, with PATH searched as execvp does. */
	environ = environment(c, r, high);
	execvp(c->command[0], (char *const *)c->command);
	_exit(errno == ENOENT ? 127 : 126);
}

static void complain(const struct auth_checkpw *c, const char *what,
    int number, const char *advice)
{
	char text[128];

	snprintf(text, sizeof text, "%s %d; %s", what, number, advice);
	log_error(text, c->command[0]);
}

/* P-118; and exit 0 without the octet is no success (S-15). */
static enum auth_verdict verdict(int status, const struct auth_checkpw *c,
    const char **reason)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		return AUTH_REFUSED;
	*reason = "checker";
	if (WIFSIGNALED(status)) {
		complain(c, "the checker was killed by signal",
		    WTERMSIG(status), "look at what is logged by");
		return AUTH_TEMP;
	}
	switch (WEXITSTATUS(status)) {
	case 111:
		complain(c, "the checker has a temporary problem, exit",
		    111, "look at what is logged by");
		return AUTH_TEMP;
	case 126:
		log_error("the checker, or the program it runs, cannot be "
		    "executed (exit 126): look at the mode of",
		    c->command[0]);
		return AUTH_PERM;
	case 127:
		log_error("the checker, or the program it runs, is not there "
		    "(exit 127): look at", c->command[0]);
		return AUTH_PERM;
	case 0:
		log_error("the checker exited 0 and ran no session: it must "
		    "exec its arguments:", c->command[0]);
		return AUTH_PERM;
	default:
		complain(c, "the checker does not follow the checkpassword "
		    "interface, or was misused, exit", WEXITSTATUS(status),
		    "see the manual of");
		return AUTH_PERM;
	}
}

/* The end of a pipe that the checker let go of is there at once: no waiting
 * by poll(2) then. */
static bool told(int fd, unsigned timeout)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char octet;

	if (poll(&p, 1, (int)timeout) != 1)
		return false;
	if (read(fd, &octet, 1) == 1)
		return true;
	idle_sleep(timeout);
	return false;
}

/* Until the octet, the checker's end, or the end of our patience. */
static enum auth_verdict wait_for_session(struct auth_checkpw *c,
    const char **reason)
{
	uint64_t end = idle_clock() + PATIENCE;
	int status;

	while (idle_clock() < end && idle_ask() == IDLE_GO_ON) {
		bool octet = told(c->hold, LOOK);

		if (waitpid(c->session, &status, WNOHANG) != c->session) {
			if (octet)
				return AUTH_OK;
			continue;
		}
		/* Ours has run and ended, in between; it exits 0 (P-120). */
		if (status == 0 && (octet || told(c->hold, 0)))
			return AUTH_OK;
		return verdict(status, c, reason);
	}
	kill(c->session, SIGKILL);
	waitpid(c->session, &status, 0);
	if (idle_ask() == IDLE_GO_ON)
		log_error("the checker did not answer in 60 s and was killed; "
		    "look at what is logged by", c->command[0]);
	*reason = "checker";
	return AUTH_TEMP;
}

static enum auth_verdict failed(const char *what, const char **reason)
{
	log_errno(what, NULL);
	*reason = "system";
	return AUTH_TEMP;
}

enum auth_verdict auth_checkpw_check(struct auth_checkpw *c,
    const struct auth_request *r, const char **reason)
{
	char octets[AUTH_CHECKPW_OCTETS];
	size_t len = credentials(r, octets);
	int in[2], tell[2];
	enum auth_verdict v;
	ssize_t n;

	if (len == 0 || !is_name(r->name)) {
		explicit_bzero(octets, sizeof octets);
		return AUTH_REFUSED;
	}
	if (pipe2(in, O_CLOEXEC) == -1) {
		explicit_bzero(octets, sizeof octets);
		return failed("cannot make a pipe for the checker", reason);
	}
	n = write(in[1], octets, len);	/* under PIPE_BUF: whole, at once */
	explicit_bzero(octets, sizeof octets);
	close(in[1]);
	if (n != (ssize_t)len || pipe2(tell, O_CLOEXEC) == -1) {
		close(in[0]);
		return failed("cannot make a pipe for the checker", reason);
	}
	c->session = fork();
	if (c->session == 0)
		become_checker(c, r, in[0], tell[1]);
	close(in[0]);
	close(tell[1]);
	c->hold = tell[0];
	v = c->session == -1 ? failed("cannot fork for the checker", reason) :
	    wait_for_session(c, reason);
	if (v != AUTH_OK)
		close(c->hold);
	return v;
}

int auth_checkpw_pipe(void)
{
	const char *text = getenv(PIPE_VARIABLE);
	uint64_t fd;
	struct stat st;

	if (text == NULL || num_parse_range(text, 3, 1 << 20, &fd) == -1 ||
	    fstat((int)fd, &st) == -1 || !S_ISFIFO(st.st_mode))
		return -1;
	return (int)fd;
}

int auth_checkpw_arrived(void)
{
	struct pollfd p = { .fd = auth_checkpw_pipe() };
	bool said = getenv(PIPE_VARIABLE) != NULL;
	int r = -1;

	if (!said)
		return 0;
	unsetenv(PIPE_VARIABLE);
	if (p.fd == -1)
		return -1;
	/* POLLERR: the parent has closed its end, the front is gone. */
	if (write(p.fd, "", 1) == 1)
		r = poll(&p, 1, TURN) == 1 ? 1 : -1;
	close(p.fd);
	return r;
}
