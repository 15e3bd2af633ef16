/*
 * config.c - argv to struct config, nothing else.
 *
 * Runs as: whoever the launcher chose.
 * Trusts:  the operator; still, every value is checked, since a wrong one
 *          would be found out by a user, not by its author.
 */
#include "config.h"

#include "admin/import_check.h"
#include "base/idle.h"
#include "base/num.h"
#include "login/auth.h"
#include "login/template.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define DAY 86400		/* seconds: the longest time that can be set */
#define EXPIRE_MAX 36500	/* days */
#define MIN_UID 1000		/* as Debian's first user */

#ifndef EMPTY_DIR		/* configure chooses; make install makes it */
#define EMPTY_DIR "/usr/local/lib/maildir-pop3d/empty"
#endif

enum option_name { OPT_PREAUTH = 256, OPT_PASSWD_FILE, OPT_PAM,
	OPT_CHECKPASSWORD, OPT_CHECK, OPT_TLS, OPT_ALLOW_PLAINTEXT,
	OPT_LOGIN_TIMEOUT,
	OPT_PROXY_PROTOCOL, OPT_HOSTNAME, OPT_APOP, OPT_USER, OPT_CHROOT,
	OPT_MIN_UID, OPT_IMPORT, OPT_UIDL_FORMAT, OPT_REUSE_XUIDL, OPT_LIST,
	OPT_DRY_RUN, OPT_IDLE_TIMEOUT, OPT_DELETE, OPT_LOCK, OPT_KEEP_NEW,
	OPT_KEEP_TMP, OPT_NO_SIZE_CACHE, OPT_SYNC, OPT_EXPIRE, OPT_LOG,
	OPT_HELP, OPT_VERBOSE, OPT_VERSION };

static const struct option options[] = {
	{ "preauth",	    no_argument,       NULL, OPT_PREAUTH },
	{ "passwd-file",    required_argument, NULL, OPT_PASSWD_FILE },
	{ "pam",	    optional_argument, NULL, OPT_PAM },
	{ "checkpassword",  no_argument,       NULL, OPT_CHECKPASSWORD },
	{ "check",	    no_argument,       NULL, OPT_CHECK },
	{ "tls",	    required_argument, NULL, OPT_TLS },
	{ "allow-plaintext", no_argument,      NULL, OPT_ALLOW_PLAINTEXT },
	{ "login-timeout",  required_argument, NULL, OPT_LOGIN_TIMEOUT },
	{ "proxy-protocol", no_argument,       NULL, OPT_PROXY_PROTOCOL },
	{ "hostname",	    required_argument, NULL, OPT_HOSTNAME },
	{ "apop",	    no_argument,       NULL, OPT_APOP },
	{ "user",	    required_argument, NULL, OPT_USER },
	{ "chroot",	    required_argument, NULL, OPT_CHROOT },
	{ "min-uid",	    required_argument, NULL, OPT_MIN_UID },
	{ "import",	    required_argument, NULL, OPT_IMPORT },
	{ "uidl-format",    required_argument, NULL, OPT_UIDL_FORMAT },
	{ "reuse-xuidl",    no_argument,       NULL, OPT_REUSE_XUIDL },
	{ "list",	    required_argument, NULL, OPT_LIST },
	{ "dry-run",	    no_argument,       NULL, OPT_DRY_RUN },
	{ "idle-timeout",   required_argument, NULL, OPT_IDLE_TIMEOUT },
	{ "delete",	    required_argument, NULL, OPT_DELETE },
	{ "lock",	    no_argument,       NULL, OPT_LOCK },
	{ "keep-new",	    no_argument,       NULL, OPT_KEEP_NEW },
	{ "keep-tmp",	    no_argument,       NULL, OPT_KEEP_TMP },
	{ "no-size-cache",  no_argument,       NULL, OPT_NO_SIZE_CACHE },
	{ "sync",	    no_argument,       NULL, OPT_SYNC },
	{ "expire",	    required_argument, NULL, OPT_EXPIRE },
	{ "log",	    required_argument, NULL, OPT_LOG },
	{ "verbose",	    no_argument,       NULL, OPT_VERBOSE },
	{ "help",	    no_argument,       NULL, OPT_HELP },
	{ "version",	    no_argument,       NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 }
};

/* What a session that a checker starts is told again: interface. */
static bool is_session_option(int option)
{
	return option >= OPT_IDLE_TIMEOUT || option == 'v' ||
	    option == OPT_ALLOW_PLAINTEXT;
}

const char config_help[] =
"usage: maildir-pop3d --preauth [OPTION]... [MAILDIR]\n"
"       maildir-pop3d --passwd-file=FILE [OPTION]... [MAILDIR]\n"
"       maildir-pop3d --pam[=SERVICE] [OPTION]... [MAILDIR]\n"
"       maildir-pop3d --checkpassword [OPTION]... MAILDIR CHECKER [ARG]...\n"
"       maildir-pop3d --import=dovecot|courier|qmail [OPTION]... MAILDIR\n"
"       maildir-pop3d --check [OPTION]... [MAILDIR]\n"
"POP3 on standard input and output for MAILDIR (default Maildir; %u %n %d: the\n"
"login name, its parts).  --check: says what in this set-up is to be mended.\n"
"  --tls=off|on|ucspi       off; on: a wrapper encrypts; ucspi: offer STLS\n"
"  --allow-plaintext        accept passwords without TLS\n"
"  --idle-timeout=SECONDS   autologout, at least 600 (default 600)\n"
"  --login-timeout=SECONDS  whole time until login (default 0: no limit)\n"
"  --delete=unlink|trash|flag  what QUIT does: remove, move to .Trash, flag T\n"
"  --lock, --sync           one session at a time; fsync before QUIT is answered\n"
"  --keep-new, --keep-tmp, --no-size-cache  leave new/ and flags, old files in\n"
"                           tmp/ alone; keep no file of sizes in the Maildir\n"
"  --expire=DAYS|NEVER      what CAPA says about expiry (default: nothing)\n"
"  --proxy-protocol         a PROXY v1 or v2 header comes first\n"
"  --apop, --hostname=NAME  offer APOP (with --checkpassword); name in its stamp\n"
"  --user=NAME, --chroot=DIR  who and where the part before login is, for root\n"
"  --min-uid=N              refuse system users below (default 1000)\n"
"  --uidl-format=FORMAT, --reuse-xuidl, --list=FILE, --dry-run  with --import\n"
"  --log=auto|syslog|stderr|none  auto: stderr where it is not the client\n"
"  -v, --verbose, --help, --version  log each command too; see the manual\n";

static const char *const delete_words[] = { "unlink", "trash", "flag", NULL };
static const char *const log_words[] = { "auto", "syslog", "stderr", "none",
	NULL };
static const char *const import_words[] = { "dovecot", "courier", "qmail",
	NULL };
static const char *const tls_words[] = { "off", "on", "ucspi", NULL };

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

/* A name that is one file's, not a path. */
static int plain_name(const char **name)
{
	*name = optarg;
	return *optarg == '\0' || strchr(optarg, '/') != NULL ? -1 : 0;
}

static int text(const char **value)
{
	*value = optarg;
	return *optarg == '\0' ? -1 : 0;
}

/* The ways to log in, and what is not for a client: exactly one. */
static int way(struct config *c, int option, unsigned *ways)
{
	++*ways;
	switch (option) {
	case OPT_PASSWD_FILE:
		c->what = CONFIG_PASSWD_FILE;
		return text(&c->passwd_file);
	case OPT_PAM:
		c->what = CONFIG_PAM;
		return optarg == NULL ? 0 : plain_name(&c->pam_service);
	case OPT_CHECKPASSWORD:
		c->what = CONFIG_CHECKPASSWORD;
		return 0;
	case OPT_IMPORT:
		c->what = CONFIG_IMPORT;
		c->import.from = (enum import_from)word(import_words, optarg);
		return word(import_words, optarg);
	default:
		c->what = CONFIG_PREAUTH;
		return 0;
	}
}

/* An option with a value; -1: *right says what it must be. */
static int take_value(struct config *c, int option, const char **right)
{
	int i;

	switch (option) {
	case OPT_TLS:
		*right = "off, on or ucspi";
		if ((i = word(tls_words, optarg)) != -1)
			c->tls = (unsigned)i;
		return i;
	case OPT_LOGIN_TIMEOUT:
		*right = "0 to 86400 seconds";
		return number(0, DAY, &c->login_timeout);
	case OPT_HOSTNAME:
		*right = "a host name";
		return text(&c->hostname);
	case OPT_USER:
		*right = "a user name";
		return text(&c->user);
	case OPT_CHROOT:
		*right = "an absolute path";
		return text(&c->chroot) == 0 && optarg[0] == '/' ? 0 : -1;
	case OPT_MIN_UID:
		*right = "1 to 4294967294";
		return number(1, UINT32_MAX - 1, &c->min_uid);
	case OPT_UIDL_FORMAT:
		*right = "like Dovecot's pop3_uidl_format";
		return text(&c->import.format);
	case OPT_LIST:
		*right = "a file name";
		return text(&c->import.list);
	case OPT_IDLE_TIMEOUT:
		*right = "600 to 86400 seconds (RFC 1939 section 3)";
		return number(IDLE_MIN, DAY, &c->idle_timeout);
	case OPT_DELETE:
		*right = "unlink, trash or flag";
		if ((i = word(delete_words, optarg)) != -1)
			c->delete = (enum maildir_delete)i;
		return i;
	case OPT_EXPIRE:
		*right = "NEVER or 0 to 36500 days";
		return expire(c);
	default:
		*right = "auto, syslog, stderr or none";
		if ((i = word(log_words, optarg)) != -1)
			c->log = (enum log_to)i;
		return i;
	}
}

static int take(struct config *c, int option, unsigned *ways,
    const char **right)
{
	switch (option) {
	case OPT_PREAUTH:
	case OPT_PASSWD_FILE:
	case OPT_PAM:
	case OPT_CHECKPASSWORD:
	case OPT_IMPORT:
		*right = option == OPT_PAM ? "the name of a file in "
		    "/etc/pam.d" : option == OPT_IMPORT ? "dovecot, courier "
		    "or qmail" : "a file name";
		return way(c, option, ways);
	case OPT_CHECK:
		*right = "the first option";
		return c->check ? 0 : -1;
	case OPT_ALLOW_PLAINTEXT:
		c->allow_plaintext = true;
		return 0;
	case OPT_PROXY_PROTOCOL:
		c->proxy_protocol = true;
		return 0;
	case OPT_APOP:
		c->apop = true;
		return 0;
	case OPT_LOCK:
		c->lock = true;
		return 0;
	case OPT_KEEP_NEW:
		c->keep_new = true;
		return 0;
	case OPT_KEEP_TMP:
		c->keep_tmp = true;
		return 0;
	case OPT_NO_SIZE_CACHE:
		c->no_size_cache = true;
		return 0;
	case OPT_SYNC:
		c->sync = true;
		return 0;
	case OPT_REUSE_XUIDL:
		c->import.reuse_xuidl = true;
		return 0;
	case OPT_DRY_RUN:
		c->import.dry_run = true;
		return 0;
	case OPT_VERBOSE:
	case 'v':
		c->verbose = true;
		return 0;
	case OPT_HELP:
	case OPT_VERSION:
		c->what = option == OPT_HELP ? CONFIG_HELP : CONFIG_VERSION;
		c->check = false;
		return 0;
	default:
		return take_value(c, option, right);
	}
}

/* getopt_long() takes abbreviations; there is one way to say a thing. */
static bool abbreviated(const char *said, const char *name)
{
	return strncmp(said, "--", 2) == 0 &&
	    strcspn(said + 2, "=") != strlen(name);
}

/* Keeps the words of an option, from argv[from] on, for the session. */
static int keep_words(struct config *c, char **argv, int from, size_t *kept)
{
	for (; from < optind; from++) {
		if (*kept == CONFIG_WORDS)
			return -1;
		c->words[(*kept)++] = argv[from];
	}
	return 0;
}

static int read_options(struct config *c, int argc, char **argv,
    unsigned *ways, char error[CONFIG_ERROR])
{
	const char *right = "";
	int option, i, from = 1;
	size_t kept = 0;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:v", options, &i)) != -1) {
		const char *said = argv[from];

		if (option == ':') {
			snprintf(error, CONFIG_ERROR,
			    "option %.64s needs a value: see --help", said);
			return -1;
		}
		if (option == '?' || (option != 'v' && abbreviated(said,
		    options[i].name))) {
			snprintf(error, CONFIG_ERROR,
			    "unknown option %.64s: see --help", said);
			return -1;
		}
		if (take(c, option, ways, &right) == -1) {
			snprintf(error, CONFIG_ERROR, "--%s%s%.64s: must be %s",
			    options[i].name, optarg == NULL ? "" : "=",
			    optarg == NULL ? "" : optarg, right);
			return -1;
		}
		if (c->what == CONFIG_HELP || c->what == CONFIG_VERSION)
			return 0;
		/* TLS is told in another way: by then it is on, or not. */
		if (is_session_option(option) &&
		    keep_words(c, argv, from, &kept) == -1) {
			snprintf(error, CONFIG_ERROR, "too many options: %d "
			    "words at most", CONFIG_WORDS);
			return -1;
		}
		from = optind;
	}
	return 0;
}

static int read_words(struct config *c, char **words,
    char error[CONFIG_ERROR])
{
	bool checker = c->what == CONFIG_CHECKPASSWORD;
	int wants_name;

	if (checker && (words[0] == NULL || words[1] == NULL)) {
		snprintf(error, CONFIG_ERROR, "--checkpassword: MAILDIR and "
		    "CHECKER must follow: see --help");
		return -1;
	}
	if (words[0] == NULL && c->what == CONFIG_IMPORT) {
		snprintf(error, CONFIG_ERROR, "--import: MAILDIR must follow: "
		    "see --help");
		return -1;
	}
	if (words[0] == NULL)
		return 0;
	c->maildir = c->import.maildir = words[0];
	c->checker = words + 1;
	wants_name = template_check(c->maildir);
	if (words[1] != NULL && !checker)
		snprintf(error, CONFIG_ERROR, "one MAILDIR at most, but "
		    "\"%.64s\" follows: see --help", words[1]);
	else if (c->maildir[0] == '\0')
		snprintf(error, CONFIG_ERROR,
		    "MAILDIR is empty: name a directory");
	else if (wants_name == -1)
		snprintf(error, CONFIG_ERROR, "MAILDIR \"%.64s\": of %% forms "
		    "there are %%u, %%n, %%d and %%%%", c->maildir);
	else if (strchr(c->maildir, '%') != NULL &&
	    (checker || c->what == CONFIG_PREAUTH ||
	    c->what == CONFIG_IMPORT))
		snprintf(error, CONFIG_ERROR, "MAILDIR \"%.64s\": %%u, %%n and "
		    "%%d cannot be used with --preauth, --checkpassword and "
		    "--import, where the working directory decides",
		    c->maildir);
	else
		return 0;
	return -1;
}

/* What each option alone cannot know. */
static int check_together(const struct config *c, unsigned ways,
    char error[CONFIG_ERROR])
{
	if (ways > 1 || (ways == 0 && !c->check))
		snprintf(error, CONFIG_ERROR, "say how users log in, by one "
		    "of --preauth, --passwd-file, --pam, --checkpassword: "
		    "see --help");
	else if (c->what == CONFIG_PAM && !auth_pam_built())
		snprintf(error, CONFIG_ERROR, "--pam: this build has no PAM: "
		    "build it where libpam's header is "
		    "(security/pam_appl.h), or use another way to log in");
	else if (c->apop && c->what != CONFIG_CHECKPASSWORD)
		snprintf(error, CONFIG_ERROR, "--apop: goes with "
		    "--checkpassword only, whose checker knows the secrets");
	else if (c->check && c->what == CONFIG_IMPORT)
		snprintf(error, CONFIG_ERROR, "--import: does not go with "
		    "--check; give --dry-run");
	else
		return import_check(&c->import, c->what == CONFIG_IMPORT,
		    error, CONFIG_ERROR);
	return -1;
}

bool config_is_check(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[1], "--check") == 0;
}

int config_read(struct config *c, int argc, char **argv,
    char error[CONFIG_ERROR])
{
	unsigned ways = 0;

	memset(c, 0, sizeof *c);
	c->maildir = "Maildir";
	c->pam_service = "pop3";
	c->user = "maildir-pop3d";
	c->chroot = EMPTY_DIR;
	c->min_uid = MIN_UID;
	c->idle_timeout = IDLE_MIN;
	c->check = config_is_check(argc, argv);
	if (read_options(c, argc, argv, &ways, error) == -1)
		return -1;
	if (c->what == CONFIG_HELP || c->what == CONFIG_VERSION)
		return 0;
	c->way = ways > 0;
	if (check_together(c, ways, error) == -1)
		return -1;
	return read_words(c, argv + optind, error);
}
