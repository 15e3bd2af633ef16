/*
 * keeper.c - the side that checks passwords.
 *
 * Deaf until login: it never reads the connection, and writes to it only
 * after the front has exited.
 *
 * Runs as: whoever started us, root perhaps.
 * Trusts:  nothing the front sends: who it says it is, is checked here, and
 *          what it says of peer and TLS goes to the log and to allow_nets.
 */
#include "login/keeper.h"

#include "base/idle.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS UINT64_C(1000000)	/* ns */
#define SECOND (1000 * MS)

const char *keeper_method(const struct broker_request *r)
{
	return r->kind == BROKER_PASS ? "PASS" :
	    r->kind == BROKER_PLAIN ? "PLAIN" : "APOP";
}

const char *keeper_tls(const struct broker_request *r)
{
	if (!r->tls)
		return "no";
	return r->tls_len > 0 ? r->tls_text : "yes";
}

static void log_failure(const struct broker_request *r, const char *reason)
{
	log_line(LOG_NOTICE, "login-failed");
	log_who(r->ip, r->port, getpid(), r->name);
	log_string("tls", keeper_tls(r));
	log_string("method", keeper_method(r));
	log_string("reason", reason);
	log_end();
}

static enum auth_verdict check(struct keeper *k, struct broker_request *r,
    struct auth_identity *who, const char **reason)
{
	const struct auth_request a = {
		.kind = r->kind == BROKER_PASS ? AUTH_PASS :
		    r->kind == BROKER_PLAIN ? AUTH_PLAIN : AUTH_APOP,
		.name = r->name, .name_len = r->name_len,
		.secret = r->secret, .secret_len = r->secret_len,
		.stamp = r->stamp, .ip = r->ip,
	};
	enum auth_verdict v = AUTH_REFUSED;

	memset(who, 0, sizeof *who);
	*reason = "credentials";
	if (r->name_len > 0 && r->secret_len > 0)	/* P-95, P-97 */
		v = k->check(k->arg, &a, r, who, reason);
	explicit_bzero(r->secret, sizeof r->secret);
	return v;
}

/* Waits for octets or the end of time; the answer is idle_ask()'s. */
static enum idle wait_for(int fd, uint64_t end)
{
	enum idle idle;

	while ((idle = idle_ask()) == IDLE_GO_ON) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		uint64_t now = idle_clock();
		int left = -1, n;

		if (end != 0 && now >= end)
			return fd == -1 ? IDLE_GO_ON : IDLE_EXPIRED;
		if (end != 0)	/* at most a day: an int is enough */
			left = (int)((end - now) / MS) + 1;
		n = poll(&p, 1, left);
		/* Where it cannot wait, the read that follows can, or says
		 * why not: no turning round and round. */
		if (n == 1 || (n == -1 && errno != EINTR && fd != -1))
			return IDLE_GO_ON;
	}
	return idle;
}

static void reap(struct keeper *k, int *status)
{
	*status = 0;
	while (waitpid(k->front, status, 0) == -1 && errno == EINTR)
		;
	k->front = -1;
}

/* The front will never speak again. */
static void end_front(struct keeper *k)
{
	int status;

	if (k->front == -1)
		return;
	kill(k->front, SIGKILL);
	reap(k, &status);
}

/* Whether it exits by itself, in a second at most. */
static bool went(const struct keeper *k, int *status)
{
	uint64_t end = idle_clock() + SECOND;
	struct pollfd p = { .events = POLLIN };
	pid_t got;

	/* Old kernels lack the call, and poll(2) then only waits. */
	p.fd = (int)syscall(SYS_pidfd_open, k->front, 0U);
	while ((got = waitpid(k->front, status, WNOHANG)) == 0 &&
	    idle_clock() < end)
		poll(&p, 1, p.fd == -1 ? 1 : 1000);
	if (p.fd != -1)
		close(p.fd);
	return got == k->front;
}

/* It went without a record: it was killed, by the sandbox perhaps. */
static enum keeper_result front_gone(struct keeper *k)
{
	int status = 0;

	/* It may have closed the road, and stay: it is not waited for. */
	if (!went(k, &status)) {
		kill(k->front, SIGKILL);
		reap(k, &status);
	}
	k->front = -1;
	log_line(LOG_ERR, "error");
	log_number("pid", (uint64_t)getpid());
	log_string("what", "front-died");
	if (WIFSIGNALED(status))
		log_number("signal", (uint64_t)WTERMSIG(status));
	else
		log_number("status", (uint64_t)WEXITSTATUS(status));
	log_end();
	return WIFEXITED(status) && WEXITSTATUS(status) == 111 ?
	    KEEPER_FAILED : KEEPER_BROKEN;
}

/* Tells the front to go, and waits until it has. */
static enum keeper_result let_go(struct keeper *k)
{
	const struct broker_verdict v = { BROKER_GO, 1 };
	int status;

	if (broker_answer(k->broker, &v) == -1)
		return front_gone(k);
	if (went(k, &status))
		k->front = -1;
	else
		end_front(k);
	return KEEPER_LOGIN;
}

static enum broker_answer answer_of(enum auth_verdict v)
{
	return v == AUTH_TEMP ? BROKER_TEMP :
	    v == AUTH_PERM ? BROKER_PERM : BROKER_REFUSED;
}

/* One try.  KEEPER_END: not in, go on. */
static enum keeper_result try(struct keeper *k, struct broker_request *r,
    struct auth_identity *who, unsigned tries)
{
	uint64_t deadline = idle_clock() + KEEPER_DEADLINE * MS;
	struct broker_verdict answer;
	const char *reason;
	enum auth_verdict v = check(k, r, who, &reason);

	if (v == AUTH_OK)
		return let_go(k);
	log_failure(r, reason);
	/* One time for every refusal, whatever it cost to find out. */
	switch (wait_for(-1, deadline)) {
	case IDLE_EXPIRED:
		return KEEPER_TIMEOUT;
	case IDLE_SIGNAL:
		return KEEPER_SIGNAL;
	case IDLE_GO_ON:
		break;
	}
	answer.answer = (uint8_t)answer_of(v);
	answer.last = tries >= KEEPER_TRIES;
	return broker_answer(k->broker, &answer) == -1 ? front_gone(k) :
	    KEEPER_END;
}

static enum keeper_result serve(struct keeper *k, struct broker_request *r,
    struct auth_identity *who, uint64_t end)
{
	unsigned tries = 0;

	for (;;) {
		enum keeper_result result;

		switch (wait_for(k->broker, end)) {
		case IDLE_EXPIRED:
			return KEEPER_TIMEOUT;
		case IDLE_SIGNAL:
			return KEEPER_SIGNAL;
		case IDLE_GO_ON:
			break;
		}
		switch (broker_receive(k->broker, r)) {
		case 0:
			return front_gone(k);
		case 1:
			break;
		default:
			log_error("the part before login broke the rules, "
			    "connection closed: a fault of this "
			    "program, or an attack", NULL);
			return KEEPER_BROKEN;
		}
		if (r->kind == BROKER_END)
			return KEEPER_END;
		if (tries++ >= KEEPER_TRIES) {
			log_error("the part before login asked too often, "
			    "connection closed: a fault of this program, or "
			    "an attack", NULL);
			return KEEPER_BROKEN;
		}
		result = try(k, r, who, tries);
		if (result != KEEPER_END)
			return result;
	}
}

enum keeper_result keeper_run(struct keeper *k, struct broker_request *r,
    struct auth_identity *who)
{
	enum keeper_result result;

	memset(r, 0, sizeof *r);
	alarm(k->login_timeout);	/* a check that takes long hears it, too */
	result = serve(k, r, who, k->login_timeout == 0 ? 0 :
	    idle_clock() + k->login_timeout * SECOND);
	alarm(0);
	end_front(k);
	close(k->broker);
	return result;
}
