/*
 * check.h - maildir-pop3d --check: looks over a set-up.
 *
 * Given the options of a launcher it says what is well and what to mend, in
 * the lines of finding.h.  It looks with the rights it was started with, so it
 * is started as the launcher starts the server; as root it looks at a Maildir
 * as the user who will serve it.  It writes nothing but those lines, and no
 * password or hash in them.
 */
#ifndef ADMIN_CHECK_H
#define ADMIN_CHECK_H

#include "config.h"

/*
 * c as config_read() filled it; error: what it said, if it failed, else "".
 * The exit code: 0, or 1 if there is something to mend.
 */
int check_run(const struct config *c, const char *error);

#endif
