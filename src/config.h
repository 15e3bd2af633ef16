/*
 * config.h - what the command line says.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include "base/log.h"
#include "mail/maildir.h"

#include <stdbool.h>

struct config {
	enum { CONFIG_SERVE, CONFIG_HELP, CONFIG_VERSION } what;
	const char *maildir;
	unsigned idle_timeout;		/* seconds, at least IDLE_MIN */
	enum maildir_delete delete;
	bool lock;
	bool keep_new;
	bool keep_tmp;
	bool sync;
	bool verbose;
	const char *expire;		/* "NEVER", days in decimal, or NULL */
	enum log_to log;
};

#define CONFIG_ERROR 256	/* octets of a message, NUL included */

/*
 * Reads argv; strings stay argv's.  -1: error is one line that names the
 * option, its value and what would be right; c->log is set all the same.
 */
int config_read(struct config *c, int argc, char **argv,
    char error[CONFIG_ERROR]);

/* For --help: 24 lines of 80 columns at most. */
extern const char config_help[];

#endif
