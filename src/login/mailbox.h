/*
 * mailbox.h - where the mail of somebody who logged in is (P-152, S-7).
 */
#ifndef LOGIN_MAILBOX_H
#define LOGIN_MAILBOX_H

#include "login/auth.h"

/*
 * Writes to path, which has room octets, the Maildir that the record names, or
 * else what MAILDIR of the command line becomes for who; that may be relative
 * to who's home.  NULL; or what is wrong, in words to which the login name is
 * added.
 */
const char *mailbox_path(const struct auth_identity *who, const char *maildir,
    char *path, size_t room);

#endif
