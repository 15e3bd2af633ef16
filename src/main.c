/*
 * main.c - the order of the stages; exit codes.
 *
 * Runs as: the owner of the mailbox.  Started as root it refuses (S-3).
 * Trusts:  the operator's command line, nothing it inherits.
 */
#include "base/idle.h"
#include "base/log.h"
#include "config.h"
#include "protocol/cmd.h"
#include "protocol/report.h"
#include "protocol/trans.h"
#include "protocol/update.h"
#include "wire/handover.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum exit_code { EXIT_SERVED = 0, EXIT_USAGE = 100, EXIT_SYSTEM = 111 };

static const char permanent[] =
    "-ERR [SYS/PERM] this server is not set up right\r\n";
static const char temporary[] = "-ERR [SYS/TEMP] maildir not usable\r\n";
static const char in_use[] = "-ERR [IN-USE] maildrop is open elsewhere\r\n";

/*
 * 0 and 1 are the connection; without 2, the next file opened would take its
 * place.  Whatever else was left open is not ours (S-12).
 */
static int check_descriptors(void)
{
	if (fcntl(0, F_GETFD) == -1 || fcntl(1, F_GETFD) == -1)
		return -1;
	if (fcntl(2, F_GETFD) == -1 && open("/dev/null", O_RDWR) != 2)
		return -1;
	syscall(SYS_close_range, 3U, ~0U, 0U);	/* old kernels: nothing lost */
	return 0;
}

/* The client that waits hears of it in words of ours, never the details. */
static enum exit_code refuse(const char *text, enum exit_code code)
{
	if (!isatty(1)) {
		handover_say(1, text, strlen(text));
		handover_close(0, 1);
	}
	return code;
}

/* A person at a terminal is told there; else it goes to the log. */
static enum exit_code wrong_use(const char *error)
{
	if (isatty(2))
		dprintf(2, "maildir-pop3d: %s\n", error);
	else
		log_error(error, NULL);
	return refuse(permanent, EXIT_USAGE);
}

/* The -ERR for a maildrop that cannot be served, or NULL. */
static const char *open_maildrop(struct session *s)
{
	const struct config *c = s->config;
	int busy;

	if (maildir_open(&s->dir, c->maildir) == -1)
		return temporary;
	busy = c->lock ? maildir_lock(&s->dir) : 0;
	if (busy != 0)
		return busy == 1 ? in_use : temporary;
	if (c->delete == MAILDIR_TRASH)
		maildir_open_trash(&s->dir);	/* if not: QUIT will say */
	return maildrop_load(&s->drop, &s->dir, c->delete == MAILDIR_FLAG) ==
	    -1 ? temporary : NULL;
}

static void run(struct session *s)
{
	reply_ok(&s->out, "POP3 ready");
	reply_flush(&s->out);
	report_login(s);
	if (!s->config->keep_tmp)
		maildir_clean_tmp(&s->dir);
	if (trans_run(s) == ADVANCE) {
		update_run(s);
	} else if (s->end == END_DISCONNECT || s->end == END_ERROR) {
		/* A client that closed its sending side may still read. */
		reply_flush(&s->out);
		handover_close(s->in.fd, s->out.fd);
	}
	if (s->tally.delivered == HANDOVER_UNKNOWN)
		s->tally.delivered = handover_now(s->out.fd, s->out.accepted,
		    s->out.mark);
	report_session(s);
}

static enum exit_code serve(const struct config *c)
{
	static struct session s;	/* too large for a stack */
	const char *refusal;

	s.config = c;
	s.began = idle_clock();
	peer_find(&s.peer, 0);
	peer_tune(1);
	line_init(&s.in, 0);
	reply_init(&s.out, 1);
	refusal = open_maildrop(&s);
	if (refusal == NULL)
		run(&s);
	maildrop_free(&s.drop);
	if (refusal == in_use)
		log_warning("another session holds the lock of", c->maildir);
	return refusal == NULL ? EXIT_SERVED : refuse(refusal,
	    refusal == in_use ? EXIT_SERVED : EXIT_SYSTEM);
}

static enum exit_code print(const char *text)
{
	return dprintf(1, "%s", text) < 0 ? EXIT_SYSTEM : EXIT_SERVED;
}

int main(int argc, char **argv)
{
	struct config c;
	char error[CONFIG_ERROR];
	int r, descriptors = check_descriptors();

	idle_start();
	umask(077);
	r = config_read(&c, argc, argv, error);
	log_open(c.log);
	if (descriptors == -1) {
		log_error("descriptors 0 and 1 must be open: they are the "
		    "connection", NULL);
		return EXIT_USAGE;
	}
	if (r == -1)
		return wrong_use(error);
	if (c.what == CONFIG_HELP)
		return print(config_help);
	if (c.what == CONFIG_VERSION)
		return print(PACKAGE_STRING "\n");
	if (getuid() == 0 || geteuid() == 0)
		return wrong_use("--preauth: must not be run as root, start "
		    "it as the owner of the Maildir");
	idle_set(c.idle_timeout);
	return serve(&c);
}
