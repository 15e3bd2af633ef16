/*
 * config.h - what the command line says.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include "admin/import.h"
#include "base/log.h"
#include "mail/change.h"

#include <stdbool.h>
#include <sys/types.h>

#define CONFIG_WORDS 64	/* of session options, at most */

struct config {
	enum {
		CONFIG_PREAUTH, CONFIG_PASSWD_FILE, CONFIG_PAM,
		CONFIG_CHECKPASSWORD, CONFIG_IMPORT, CONFIG_HELP,
		CONFIG_VERSION
	} what;
	bool check;			/* --check: look it over, do not serve */
	bool way;			/* what was said; else only --check was */
	const char *maildir;		/* a template where a name is known */
	const char *passwd_file;
	const char *pam_service;
	char **checker;			/* CHECKER ARG..., ended by NULL */
	enum {
		CONFIG_TLS_OFF, CONFIG_TLS_ON, CONFIG_TLS_UCSPI
	} tls;
	bool allow_plaintext;
	bool proxy_protocol;
	bool apop;
	const char *hostname;		/* NULL: ask the system */
	const char *user;		/* the part before login: who */
	const char *chroot;		/* and where */
	uid_t min_uid;
	unsigned login_timeout;		/* seconds; 0: no limit */
	unsigned idle_timeout;		/* seconds, at least IDLE_MIN */
	enum maildir_delete delete;
	bool lock;
	bool keep_new;
	bool keep_tmp;
	bool no_size_cache;
	bool sync;
	bool verbose;
	const char *expire;		/* "NEVER", days in decimal, or NULL */
	enum log_to log;
	struct import_options import;	/* with CONFIG_IMPORT */

	/* The options a session needs, as they were typed; NULL at the end. */
	const char *words[CONFIG_WORDS + 1];
};

#define CONFIG_ERROR 256	/* octets of a message, NUL included */

/*
 * Reads argv; strings stay argv's.  -1: error is one line that names the
 * option, its value and what would be right; c->log is set all the same.
 */
int config_read(struct config *c, int argc, char **argv,
    char error[CONFIG_ERROR]);

/* Whether it is --check that is asked for, however wrong the rest is. */
bool config_is_check(int argc, char **argv);

/* For --help: 24 lines of 80 columns at most. */
extern const char config_help[];

#endif
