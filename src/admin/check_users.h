/*
 * check_users.h - --check: the passwd-file, each of its lines, and each
 * user's Maildir.
 */
#ifndef ADMIN_CHECK_USERS_H
#define ADMIN_CHECK_USERS_H

#include "config.h"

#define CHECK_USERS_MAILBOXES 1000	/* Maildirs that are looked at */
#define CHECK_USERS_HASHING 5		/* seconds for trying hashes */

/* as_root: the server is started as root. */
void check_users(const struct config *c, bool as_root);

#endif
