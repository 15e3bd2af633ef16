/*
 * config.c - argv to struct config, nothing else.
 *
 * Runs as: whoever the launcher chose.
 * Trusts:  the operator; still, every value is checked, since a wrong one
 *          would be found out by a user, not by its author.
 */
#include "config.h"

#include "base/idle.h"
#include "base/num.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define IDLE_MAX 86400		/* seconds: a day */
#define EXPIRE_MAX 36500	/* days */

enum option_name { OPT_PREAUTH = 256, OPT_IDLE_TIMEOUT, OPT_DELETE, OPT_LOCK,
	OPT_KEEP_NEW, OPT_KEEP_TMP, OPT_SYNC, OPT_EXPIRE, OPT_LOG, OPT_HELP,
	OPT_VERBOSE, OPT_VERSION };

static const struct option options[] = {
	{ "preauth",	   no_argument,	      NULL, OPT_PREAUTH },
	{ "idle-timeout",  required_argument, NULL, OPT_IDLE_TIMEOUT },
	{ "delete",	   required_argument, NULL, OPT_DELETE },
	{ "lock",	   no_argument,	      NULL, OPT_LOCK },
	{ "keep-new",	   no_argument,	      NULL, OPT_KEEP_NEW },
	{ "keep-tmp",	   no_argument,	      NULL, OPT_KEEP_TMP },
	{ "sync",	   no_argument,	      NULL, OPT_SYNC },
	{ "expire",	   required_argument, NULL, OPT_EXPIRE },
	{ "log",	   required_argument, NULL, OPT_LOG },
	{ "verbose",	   no_argument,	      NULL, OPT_VERBOSE },
	{ "help",	   no_argument,	      NULL, OPT_HELP },
	{ "version",	   no_argument,	      NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 }
};

const char config_help[] =
"usage: maildir-pop3d --preauth [OPTION]... [MAILDIR]\n"
"Speaks POP3 on standard input and output for the Maildir MAILDIR (default:\n"
"Maildir).  Started by inetd, systemd, tcpserver, a TLS wrapper or a script.\n"
"\n"
"  --preauth               login has happened: greet, then serve the Maildir\n"
"  --idle-timeout=SECONDS  inactivity autologout, at least 600 (default 600)\n"
"  --delete=unlink|trash|flag\n"
"                          what QUIT does with deleted messages: remove them,\n"
"                          move them to .Trash, or add flag T (default unlink)\n"
"  --lock                  one session at a time per Maildir\n"
"  --keep-new              change no flags, move nothing out of new/\n"
"  --keep-tmp              leave old files in tmp/ alone\n"
"  --sync                  fsync the directories before QUIT is answered\n"
"  --expire=DAYS|NEVER     what CAPA says about expiry (default: nothing)\n"
"  --log=auto|syslog|stderr|none\n"
"                          auto: stderr unless it may be the client, else\n"
"                          syslog, facility mail (default auto)\n"
"  -v, --verbose           also log each command\n"
"  --help, --version       print this, or the version, and exit\n"
"\n"
"Manual: man maildir-pop3d\n";

static const char *const delete_words[] = { "unlink", "trash", "flag", NULL };
static const char *const log_words[] = { "auto", "syslog", "stderr", "none",
	NULL };

/* Which of words value is, in the order of the enum it stands for; or -1. */
static int word(const char *const words[], const char *value)
{
	int i;

	for (i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], value) == 0)
			return i;
	return -1;
}

static int number(uint64_t min, uint64_t max, unsigned *value)
{
	uint64_t n;

	if (num_parse_range(optarg, min, max, &n) == -1)
		return -1;
	*value = (unsigned)n;
	return 0;
}

static int expire(struct config *c)
{
	unsigned days;

	c->expire = optarg;
	return strcmp(optarg, "NEVER") == 0 ? 0 :
	    number(0, EXPIRE_MAX, &days);
}

/* One option; -1: *right says what its value must be. */
static int take(struct config *c, int option, bool *preauth,
    const char **right)
{
	int i;

	switch (option) {
	case OPT_PREAUTH:
		*preauth = true;
		return 0;
	case OPT_IDLE_TIMEOUT:
		*right = "600 to 86400 seconds (RFC 1939 section 3)";
		return number(IDLE_MIN, IDLE_MAX, &c->idle_timeout);
	case OPT_DELETE:
		*right = "unlink, trash or flag";
		if ((i = word(delete_words, optarg)) != -1)
			c->delete = (enum maildir_delete)i;
		return i;
	case OPT_LOCK:
		c->lock = true;
		return 0;
	case OPT_KEEP_NEW:
		c->keep_new = true;
		return 0;
	case OPT_KEEP_TMP:
		c->keep_tmp = true;
		return 0;
	case OPT_SYNC:
		c->sync = true;
		return 0;
	case OPT_EXPIRE:
		*right = "NEVER or 0 to 36500 days";
		return expire(c);
	case OPT_LOG:
		*right = "auto, syslog, stderr or none";
		if ((i = word(log_words, optarg)) != -1)
			c->log = (enum log_to)i;
		return i;
	case OPT_VERBOSE:
	case 'v':
		c->verbose = true;
		return 0;
	case OPT_HELP:
		c->what = CONFIG_HELP;
		return 0;
	default:
		c->what = CONFIG_VERSION;
		return 0;
	}
}

/* getopt_long() takes abbreviations; there is one way to say a thing. */
static bool abbreviated(const char *said, const char *name)
{
	return strncmp(said, "--", 2) == 0 &&
	    strcspn(said + 2, "=") != strlen(name);
}

static int read_options(struct config *c, int argc, char **argv,
    bool *preauth, char error[CONFIG_ERROR])
{
	const char *right = "", *said = argv[1];
	int option, i;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:v", options, &i)) != -1) {
		if (option == ':') {
			snprintf(error, CONFIG_ERROR,
			    "option %s needs a value: see --help", said);
			return -1;
		}
		if (option == '?' || (option != 'v' && abbreviated(said,
		    options[i].name))) {
			snprintf(error, CONFIG_ERROR,
			    "unknown option %s: see --help", said);
			return -1;
		}
		if (take(c, option, preauth, &right) == -1) {
			snprintf(error, CONFIG_ERROR, "--%s=%s: must be %s",
			    options[i].name, optarg, right);
			return -1;
		}
		said = argv[optind];
	}
	return 0;
}

static int read_maildir(struct config *c, char **words,
    char error[CONFIG_ERROR])
{
	if (words[0] == NULL)
		return 0;
	c->maildir = words[0];
	if (words[1] != NULL)
		snprintf(error, CONFIG_ERROR, "one MAILDIR at most, but "
		    "\"%s\" follows: see --help", words[1]);
	else if (c->maildir[0] == '\0')
		snprintf(error, CONFIG_ERROR,
		    "MAILDIR is empty: name a directory");
	else if (strchr(c->maildir, '%') != NULL)
		snprintf(error, CONFIG_ERROR, "MAILDIR \"%s\": %%u, %%n and "
		    "%%d cannot be used with --preauth, where the working "
		    "directory decides", c->maildir);
	else
		return 0;
	return -1;
}

int config_read(struct config *c, int argc, char **argv,
    char error[CONFIG_ERROR])
{
	bool preauth = false;

	memset(c, 0, sizeof *c);
	c->maildir = "Maildir";
	c->idle_timeout = IDLE_MIN;
	if (read_options(c, argc, argv, &preauth, error) == -1)
		return -1;
	if (c->what != CONFIG_SERVE)
		return 0;
	if (!preauth) {
		snprintf(error, CONFIG_ERROR,
		    "say how users log in, with --preauth: see --help");
		return -1;
	}
	return read_maildir(c, argv + optind, error);
}
