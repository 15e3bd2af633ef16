/*
 * serve.h - one mailbox, from its opening to the last line in the log.
 */
#ifndef PROTOCOL_SERVE_H
#define PROTOCOL_SERVE_H

#include "protocol/cmd.h"

/*
 * Opens the maildrop at path, locks it if asked to, and enters the sandbox
 * (P-20).  config of s is set.  NULL: it can be served; else the line with
 * -ERR that says why not, and everything is logged.
 */
const char *serve_open(struct session *s, const char *path);

/* Whether that line says that another session holds the lock. */
bool serve_in_use(const char *refusal);

/*
 * Answers the login with greeting, logs it, speaks TRANSACTION and UPDATE, and
 * logs the end.
 */
void serve_run(struct session *s, const char *greeting);

#endif
