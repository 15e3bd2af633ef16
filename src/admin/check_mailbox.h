/*
 * check_mailbox.h - --check: can this user serve this Maildir.
 */
#ifndef ADMIN_CHECK_MAILBOX_H
#define ADMIN_CHECK_MAILBOX_H

#include "login/auth.h"

#include <stdbool.h>

/*
 * Looks at path, which is relative to the home of who, or where that is "" to
 * the working directory; as that user where who->switch_user.  What is wrong
 * goes to finding.h; name, for these lines, says whose it is.  trash: what is
 * deleted shall go there.
 */
void check_mailbox(const struct auth_identity *who, const char *path,
    const char *name, bool trash);

#endif
