/*
 * main.c - the order of the stages, the process split, exit codes.
 *
 *	front:  a user of its own, in an empty directory, sandboxed
 *	        PROXY header -> greeting -> authz --name, secret--> broker
 *	keeper: as started, deaf until login
 *	        broker -> auth -> priv -> sandbox -> maildrop -> trans -> update
 *
 * Runs as: whoever the launcher chose; then see each stage.
 * Trusts:  the operator's command line, nothing it inherits.
 */
#include "admin/check.h"
#include "admin/import.h"
#include "base/fds.h"
#include "base/idle.h"
#include "base/log.h"
#include "base/priv.h"
#include "base/sandbox.h"
#include "config.h"
#include "login/apop.h"
#include "login/auth.h"
#include "login/auth_checkpw.h"
#include "login/broker.h"
#include "login/keeper.h"
#include "login/mailbox.h"
#include "login/scheme.h"
#include "protocol/authz.h"
#include "protocol/cmd.h"
#include "protocol/report.h"
#include "protocol/serve.h"
#include "wire/handover.h"
#include "wire/stls.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_SERVED = 0, EXIT_USAGE = 100, EXIT_SYSTEM = 111 };

static const char permanent[] =
    "-ERR [SYS/PERM] this server is not set up right\r\n";
static const char temporary[] = "-ERR [SYS/TEMP] try again later\r\n";

/* Too large for a stack; all zero at the start. */
static struct session session;

/*
 * The client that waits hears of it in words of ours, never the details; from
 * the part before login, where a keeper still waits for our octet (P-120).
 */
static int refuse(const char *text, int code)
{
	if (!isatty(1) && auth_checkpw_pipe() == -1) {
		handover_say(1, text, strlen(text));
		handover_close(0, 1);
	}
	return code;
}

/*
 * A person at a terminal is told there; else it goes to the log.  Where error
 * ends in a command, sh passes over what is added.
 */
static int wrong_use(const char *what, int code)
{
	char error[PRIV_ERROR + 64];

	snprintf(error, sizeof error, "%s  # more: maildir-pop3d --check",
	    what);
	if (isatty(2))
		dprintf(2, "maildir-pop3d: %s\n", error);
	else
		log_error(error, NULL);
	return refuse(permanent, code);
}

/* --- after login: the owner of the mailbox ------------------------------ */

static int serve_preauth(void)
{
	int arrived = auth_checkpw_arrived();
	const struct config *c = session.config;
	const char *refusal;

	if (arrived == -1) {
		log_error("nothing is served: the checker closed the "
		    "descriptor that MAILDIR_POP3D_SESSION names; it must "
		    "leave it open", NULL);
		return EXIT_SYSTEM;
	}
	/* CAPA says what it said before login: P-69. */
	session.plaintext = arrived == 1 &&
	    (c->tls == CONFIG_TLS_ON || c->allow_plaintext);
	session.user = getenv("USER");		/* a checker sets it: P-119 */
	line_init(&session.in, 0);
	reply_init(&session.out, 1);
	refusal = serve_open(&session, c->maildir);
	if (refusal != NULL) {
		if (arrived == 0 && !serve_in_use(refusal))
			log_error("nothing is served; maildir-pop3d --check "
			    "says more of", c->maildir);
		refuse(refusal, EXIT_SYSTEM);
		/* Exit codes are the checker's, when there is one: P-120. */
		return arrived == 1 || serve_in_use(refusal) ? EXIT_SERVED :
		    EXIT_SYSTEM;
	}
	if (arrived == 0) {	/* else the keeper has said it */
		session.tls = c->tls == CONFIG_TLS_ON ? "yes" : NULL;
		session.method = "PREAUTH";
	}
	serve_run(&session, arrived == 1 ? "logged in" : "POP3 ready");
	return EXIT_SERVED;
}

/* Where the mail of who is: NULL, or the line with -ERR; logged. */
static const char *mailbox_of(const struct auth_identity *who,
    char path[PATH_MAX])
{
	const char *wrong;

	if (who->home[0] != '\0' && chdir(who->home) == -1) {
		log_errno("cannot change to the user's home; make it, or "
		    "correct the user's record:", who->home);
		return temporary;
	}
	wrong = mailbox_path(who, session.config->maildir, path, PATH_MAX);
	if (wrong == NULL)
		return NULL;
	log_error(wrong, who->user);
	return permanent;
}

/* The keeper becomes the session: the front is gone. */
static void serve_user(const struct broker_request *r,
    const struct auth_identity *who, struct stls *stls)
{
	char path[PATH_MAX];
	const char *refusal;

	if (r->stls && stls_swap(stls) == -1)	/* before a single octet */
		return;
	line_init(&session.in, 0);
	reply_init(&session.out, 1);
	session.in.octets = r->in;
	session.out.accepted = r->out;
	session.user = who->user;
	session.plaintext = r->tls || session.config->allow_plaintext;
	if (who->switch_user && priv_become(who->uid, who->gid,
	    who->groups ? who->user : NULL) == -1) {
		refusal = temporary;
	} else {
		session.tls = keeper_tls(r);
		session.method = keeper_method(r);	/* a login, from here */
		refusal = mailbox_of(who, path);
	}
	if (refusal == NULL)
		refusal = serve_open(&session, path);
	if (refusal == NULL) {
		serve_run(&session, "logged in");
		return;
	}
	refuse(refusal, EXIT_SERVED);
	session.end = END_ERROR;
	report_login(&session, getpid());
	report_session(&session);
}

/* --- before login: the keeper, and the front it starts ------------------ */

struct login {
	struct keeper keeper;
	struct priv_front front;
	struct stls stls;		/* the keeper's own copy */
	struct auth_checkpw checkpw;
	const char *command[AUTH_CHECKPW_WORDS + 1];
	int root;			/* started as root */
};

/* CHECKER ARG... ourselves --preauth OPTION... MAILDIR; -1: too long. */
static int checker_command(struct login *l, int tls)
{
	static char self[PATH_MAX];
	const struct config *c = session.config;
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	size_t n = 0, i;

	if (len == -1)
		return -1;
	self[len] = '\0';
	for (i = 0; c->checker[i] != NULL; i++)
		if (n < AUTH_CHECKPW_WORDS - CONFIG_WORDS - 4)
			l->command[n++] = c->checker[i];
		else
			return -1;
	l->command[n++] = self;
	l->command[n++] = "--preauth";
	for (i = 0; c->words[i] != NULL; i++)
		l->command[n++] = c->words[i];
	if (tls)
		l->command[n++] = "--tls=on";
	l->command[n++] = c->maildir;
	l->command[n] = NULL;
	return 0;
}

static enum auth_verdict check(void *arg, const struct auth_request *a,
    const struct broker_request *from, struct auth_identity *who,
    const char **reason)
{
	struct login *l = arg;
	const struct config *c = session.config;

	switch (c->what) {
	case CONFIG_PASSWD_FILE:
		return auth_file_check(c->passwd_file, l->root, a, who,
		    reason);
	case CONFIG_PAM:
		return auth_pam_check(c->pam_service, c->min_uid, a, who,
		    reason);
	default:
		break;
	}
	if (checker_command(l, from->tls) == -1) {
		*reason = "system";
		return AUTH_PERM;
	}
	l->checkpw.command = l->command;
	l->checkpw.port = from->port;
	l->checkpw.tls_text = from->tls_text;
	l->checkpw.swap_read = from->stls ? l->stls.read : -1;
	l->checkpw.swap_write = from->stls ? l->stls.write : -1;
	return auth_checkpw_check(&l->checkpw, a, reason);
}

/* The checker runs the session; launchers count by us, so we stay. */
static int wait_for_session(struct login *l,
    const struct broker_request *r)
{
	int status;

	session.user = r->name;
	session.tls = keeper_tls(r);
	session.method = keeper_method(r);
	report_login(&session, l->checkpw.session);
	close(0);
	close(1);
	if (l->stls.read != -1)
		close(l->stls.read);
	if (l->stls.write != -1)
		close(l->stls.write);
	close(l->checkpw.hold);			/* now it speaks: P-120 */
	if ((l->root && priv_become(l->front.uid, l->front.gid, NULL) == -1) ||
	    sandbox_wait() == -1)
		return EXIT_SERVED;		/* the session goes on */
	while (waitpid(l->checkpw.session, &status, 0) == -1 &&
	    errno == EINTR)
		;
	return EXIT_SERVED;
}

static _Noreturn void run_front(struct login *l, int broker)
{
	if ((l->root && priv_front_enter(&l->front) == -1) ||
	    sandbox_front(true) == -1)
		exit(EXIT_SYSTEM);
	line_init(&session.in, 0);
	reply_init(&session.out, 1);
	authz_run(&session, broker, &l->stls);
	exit(EXIT_SERVED);
}

_Static_assert(END_ERROR == BROKER_ENDS, "broker.c lets no other through");

/* A session that ended before login; health checks are passed over. */
static void report_end(enum keeper_result result,
    const struct broker_request *r)
{
	switch (result) {
	case KEEPER_TIMEOUT:
		session.end = END_TIMEOUT;
		break;
	case KEEPER_SIGNAL:
		session.end = END_SIGNAL;
		break;
	case KEEPER_END:
		session.end = (enum end)r->end;
		if (r->health || (r->end == END_DISCONNECT && r->in == 0))
			return;
		break;
	default:
		session.end = END_ERROR;
		break;
	}
	session.in.octets = r->in;
	session.out.accepted = r->out;
	session.tally.delivered = HANDOVER_YES;
	report_session(&session);
}

static void take_peer(const struct broker_request *r)
{
	if (r->ip_len == 0)
		return;
	memcpy(session.peer.ip, r->ip, sizeof session.peer.ip);
	memcpy(session.peer.port, r->port, sizeof session.peer.port);
}

static int keep(struct login *l)
{
	static struct broker_request r;
	static struct auth_identity who;
	enum keeper_result result = keeper_run(&l->keeper, &r, &who);

	take_peer(&r);
	if (result == KEEPER_FAILED)
		return refuse(temporary, EXIT_SYSTEM);
	if (result != KEEPER_LOGIN)
		report_end(result, &r);
	else if (session.config->what == CONFIG_CHECKPASSWORD)
		return wait_for_session(l, &r);
	else
		serve_user(&r, &who, &l->stls);
	return EXIT_SERVED;
}

static int serve_login(void)
{
	static struct login l;
	const struct config *c = session.config;
	char error[PRIV_ERROR];
	int pair[2];

	l.root = geteuid() == 0;
	if (l.root && priv_front_find(&l.front, c->user, c->chroot, error) ==
	    -1)
		return wrong_use(error, EXIT_SYSTEM);
	l.stls.control = l.stls.read = l.stls.write = -1;
	if (c->tls == CONFIG_TLS_UCSPI)
		stls_find(&l.stls);
	if (broker_pair(pair) == -1 || (l.keeper.front = fork()) == -1) {
		log_errno("cannot start the part before login; look at the "
		    "launcher's limits of processes and descriptors", NULL);
		return refuse(temporary, EXIT_SYSTEM);
	}
	if (l.keeper.front == 0) {
		close(pair[1]);
		run_front(&l, pair[0]);
	}
	close(pair[0]);
	if (l.root)
		close(l.front.dir);		/* the front's alone */
	if (l.stls.control != -1)
		close(l.stls.control);	/* the front's alone */
	l.stls.control = -1;
	l.keeper.broker = pair[1];
	l.keeper.login_timeout = c->login_timeout;
	l.keeper.check = check;
	l.keeper.arg = &l;
	return keep(&l);
}

/* --- the start ---------------------------------------------------------- */

/* Whatever else was left open is not ours (S-12), but for these. */
static void close_others(const struct config *c)
{
	struct stls t = { -1, -1, -1 };
	int keep[4];

	if (c->tls == CONFIG_TLS_UCSPI)
		stls_find(&t);
	keep[0] = t.control;
	keep[1] = t.read;
	keep[2] = t.write;
	keep[3] = c->what == CONFIG_PREAUTH ? auth_checkpw_pipe() : -1;
	/* syslog(3) would go on with the number, whatever file has it then. */
	log_close();
	fds_close_but(keep, sizeof keep / sizeof keep[0]);
	log_open(c->log);
}

static int print(const char *text)
{
	return dprintf(1, "%s", text) < 0 ? EXIT_SYSTEM : EXIT_SERVED;
}

static int print_version(void)
{
	char layers[SANDBOX_LAYERS];
	const char *no_crypt = scheme_missing();

	sandbox_layers(layers, sizeof layers);
	return dprintf(1, PACKAGE_STRING "\n%s\nPAM: %s\ncrypt(3): %s\n",
	    layers, auth_pam_built() ? "yes" : "no",
	    no_crypt == NULL ? "yes" : no_crypt) < 0 ? EXIT_SYSTEM :
	    EXIT_SERVED;
}

int main(int argc, char **argv)
{
	static struct config c;
	char error[CONFIG_ERROR];
	int begun = sandbox_begin(), descriptors = fds_check();
	int r;

	idle_start();
	umask(077);
	tzset();			/* while its files can be read */
	r = config_read(&c, argc, argv, error);
	if (config_is_check(argc, argv) && (r == -1 || c.check))
		return check_run(&c, r == -1 ? error : "");
	if (c.what == CONFIG_IMPORT)	/* no client is there */
		return r == -1 ? import_refuse(error) : import_run(&c.import);
	log_open(c.log);
	if (descriptors == -1) {
		log_error("descriptors 0 and 1 must be open, they are the "
		    "connection: start it by a launcher, or on a terminal",
		    NULL);
		return EXIT_USAGE;
	}
	if (r == -1)
		return wrong_use(error, EXIT_USAGE);
	if (c.what == CONFIG_HELP)
		return print(config_help);
	if (c.what == CONFIG_VERSION)
		return print_version();
	if (begun == -1) {
		log_errno("cannot forbid core files, by RLIMIT_CORE and "
		    "PR_SET_DUMPABLE", NULL);
		return refuse(temporary, EXIT_SYSTEM);
	}
	if (c.what == CONFIG_PREAUTH && (getuid() == 0 || geteuid() == 0))
		return wrong_use("--preauth: must not be run as root, start "
		    "it as the owner of the Maildir", EXIT_USAGE);
	close_others(&c);
	idle_set(c.idle_timeout);
	session.config = &c;
	session.began = idle_clock();
	peer_find(&session.peer, 0);
	peer_tune(1);
	if (c.apop)		/* while we may ask */
		c.hostname = apop_host(c.hostname);
	return c.what == CONFIG_PREAUTH ? serve_preauth() : serve_login();
}
