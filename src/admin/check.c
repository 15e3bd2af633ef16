/*
 * check.c - maildir-pop3d --check: looks over a set-up.
 *
 * What can be found out here is asked of the rooms that will do the work, so
 * that the words are those of the log.  What only a launcher has (variables,
 * descriptors) is looked at where it is there.
 *
 * Runs as: the administrator.
 * Trusts:  the command line as far as main.c does.
 */
#include "admin/check.h"

#include "admin/check_mailbox.h"
#include "admin/check_users.h"
#include "admin/check_way.h"
#include "admin/finding.h"
#include "base/log.h"
#include "base/priv.h"
#include "base/sandbox.h"
#include "login/scheme.h"
#include "wire/peer.h"
#include "wire/stls.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool has_login(const struct config *c)
{
	return c->way && c->what != CONFIG_PREAUTH;
}

/* --- options that do not go together ------------------------------------ */

/* No TLS that we know of, and no passwords without (P-62). */
static void no_plaintext(const struct config *c)
{
	if (c->proxy_protocol) {	/* P-139 */
		finding_note("--proxy-protocol without --tls: passwords are "
		    "taken where the header says that there is TLS, as "
		    "HAProxy's does with send-proxy-v2-ssl; others do not");
	} else if (c->apop) {
		finding_note("--apop: there is no other way to log in without "
		    "--tls and --allow-plaintext");
	} else {
		finding_mend("neither --tls nor --allow-plaintext: every "
		    "password is refused, nobody can log in");
		finding_edit("add --tls=on behind a wrapper that encrypts, "
		    "--tls=ucspi behind one that offers STLS, or "
		    "--allow-plaintext where the network is trusted");
	}
}

static void together(const struct config *c)
{
	if (has_login(c) && c->tls == CONFIG_TLS_OFF && !c->allow_plaintext)
		no_plaintext(c);
	if (c->tls == CONFIG_TLS_ON && c->allow_plaintext)
		finding_note("--allow-plaintext has no effect with --tls=on");
	if (c->way && !has_login(c) && (c->tls == CONFIG_TLS_UCSPI ||
	    c->allow_plaintext || c->login_timeout > 0 || c->proxy_protocol))
		finding_note("--preauth: --tls=ucspi, --allow-plaintext, "
		    "--login-timeout and --proxy-protocol have no effect");
	if (c->proxy_protocol)
		finding_note("--proxy-protocol: whoever can connect without the "
		    "proxy can name any address as his: let nobody else reach "
		    "the port");
	if (c->lock)
		finding_note("--lock binds only sessions that have it too");
}

/* --- this build, this kernel --------------------------------------------- */

static void build(void)
{
	char layers[SANDBOX_LAYERS];

	sandbox_layers(layers, sizeof layers);
	if (strstr(layers, "missing") == NULL && strncmp(layers, "sandbox:",
	    8) == 0)
		finding_well("%s", layers);
	else
		finding_note("%s: served without; seccomp wants a kernel with "
		    "CONFIG_SECCOMP_FILTER, Landlock one from 5.19 on with "
		    "landlock in /sys/kernel/security/lsm, both a build "
		    "without --disable-sandbox", layers);
	if (scheme_missing() != NULL)
		finding_note("%s", scheme_missing());
}

/* --- the part before login ----------------------------------------------- */

/* priv.c's words end in the command. */
static void cannot(const char *error)
{
	static const char mark[] = ": mend it with: ";
	const char *command = strstr(error, mark);

	if (command == NULL) {
		finding_mend("%s", error);
		finding_edit("as it says");
		return;
	}
	finding_mend("%.*s", (int)(command - error), error);
	finding_do("%s", command + strlen(mark));
}

static void front(const struct config *c)
{
	struct priv_front f = { .dir = -1 };
	char error[PRIV_ERROR];

	if (priv_front_user(&f, c->user, error) == -1)
		cannot(error);
	else
		finding_well("--user=%s: uid %u", c->user, f.uid);
	if (priv_front_dir(&f, c->chroot, error) == -1)
		cannot(error);
	else
		finding_well("--chroot=%s: root's, and empty", c->chroot);
	if (f.dir != -1)
		close(f.dir);
}

/* --- what a launcher or wrapper says ------------------------------------- */

/* Some stand in several rows. */
static bool seen_before(size_t row, const char *name)
{
	const char *value;
	bool sound;

	while (row-- > 0)
		if (strcmp(peer_variable(row, &value, &sound), name) == 0)
			return true;
	return false;
}

static void variables(void)
{
	const char *name, *value;
	unsigned set = 0, unsound = 0;
	bool sound;
	size_t i;

	for (i = 0; (name = peer_variable(i, &value, &sound)) != NULL; i++) {
		if (value == NULL || seen_before(i, name))
			continue;
		set++;
		if (sound)
			continue;
		unsound++;
		finding_mend("%s=%.64s: %s: nothing is learnt from it", name,
		    value, i % 2 == 0 ? "no numeric address" : "no port");
		finding_do("unset %s", name);
	}
	if (set == 0)
		finding_note("no variable of a launcher is set here: the "
		    "client's address will be that of the connection; to look "
		    "at a launcher's, let it start this command");
	else if (unsound == 0)
		finding_well("the launcher's variables: %u, all can be read",
		    set);
}

static void ucspi(void)
{
	static const char *const name[] = { "SSLCTLFD", "SSLREADFD",
		"SSLWRITEFD" };
	struct stls t;
	size_t i, set = 0;

	for (i = 0; i < 3; i++)
		set += getenv(name[i]) != NULL;
	stls_find(&t);
	if (t.control != -1) {
		finding_well("--tls=ucspi: the wrapper's descriptors are "
		    "there: STLS can be offered");
		return;
	}
	if (set == 0) {
		finding_note("--tls=ucspi: SSLCTLFD, SSLREADFD and SSLWRITEFD "
		    "are not set here; let the wrapper start this command to "
		    "see whether STLS can be offered");
		return;
	}
	finding_mend("--tls=ucspi: SSLCTLFD, SSLREADFD and SSLWRITEFD must be "
	    "numbers of open descriptors, the first a socket's: STLS is not "
	    "offered");
	finding_edit("start the program directly from a wrapper that has the "
	    "UCSPI-TLS interface, such as s6-ucspitlsd, and let nothing "
	    "between them close descriptors");
}

/* --- the log ------------------------------------------------------------- */

static bool reaches(int kind)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX,
		.sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, kind | SOCK_CLOEXEC, 0);
	bool r = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;

	close(fd);
	return r;
}

/* As syslog(3) will try it: musl's knows no daemon that listens by stream. */
static bool reaches_syslog(void)
{
#ifdef __GLIBC__
	if (reaches(SOCK_STREAM))
		return true;
#endif
	return reaches(SOCK_DGRAM);
}

static void where_logged(const struct config *c)
{
	enum log_to to = log_choice(c->log);

	if (c->log == LOG_TO_NONE) {
		finding_note("--log=none: nobody will know what went wrong");
	} else if (c->log == LOG_TO_STDERR || to == LOG_TO_STDERR) {
		finding_well("the log: standard error, where that is a pipe, a "
		    "file, a terminal or the journal, and not the client; "
		    "else syslog");
		if (!reaches_syslog())
			finding_note("the log: where it is none of these, as "
			    "under inetd, every line is lost: nobody listens "
			    "at /dev/log");
	} else if (reaches_syslog()) {
		finding_well("the log: syslog, facility mail%s", c->log ==
		    LOG_TO_AUTO ? "; standard error where that is a pipe, a "
		    "file or the journal" : "");
	} else {
		finding_mend("the log: syslog, but nobody listens at /dev/log: "
		    "every line is lost");
		finding_edit("start a syslog daemon (apt-get install rsyslog), "
		    "or use --log=stderr with a launcher that keeps standard "
		    "error");
	}
}

/* ------------------------------------------------------------------------- */

/* main.c has set them for a session; who presses Ctrl-C means it. */
static void plain_signals(void)
{
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
}

static void nothing(const char *line)
{
	(void)line;
}

static void all(const struct config *c)
{
	bool as_root = geteuid() == 0;

	if (has_login(c) || !as_root)
		finding_note("looked at as the server is, if it is started by "
		    "uid %u as this is", geteuid());
	together(c);
	build();
	if (has_login(c) && as_root)
		front(c);
	if (c->what == CONFIG_PASSWD_FILE)
		check_users(c, as_root);
	else if (c->what == CONFIG_PAM)
		check_pam(c, as_root);
	else if (c->what == CONFIG_CHECKPASSWORD)
		check_checker(c);
	else
		check_named(c);
	if (c->tls == CONFIG_TLS_UCSPI)
		ucspi();
	variables();
	where_logged(c);
}

int check_run(const struct config *c, const char *error)
{
	unsigned count;

	plain_signals();
	log_divert(nothing);
	if (*error != '\0') {
		finding_mend("the command line: %s", error);
		finding_edit("the command line, as it says");
	} else {
		all(c);
	}
	count = finding_count();
	if (count > FINDING_MOST)
		dprintf(1, "and %u more\n", count - FINDING_MOST);
	dprintf(1, count == 0 ? "nothing to mend\n" : "%u to mend\n", count);
	return count > 0;
}
