/*
 * uidlwrite.h - writes MAILDIR/maildir-pop3d.uidl, whole or not at all.
 */
#ifndef ADMIN_UIDLWRITE_H
#define ADMIN_UIDLWRITE_H

#include "mail/maildir.h"

#include <stddef.h>

/*
 * Puts the text in the place of the file: made in tmp/, on disk before it is
 * renamed.  -1: logged, and the old one is as it was.
 */
int uidlwrite(const struct maildir *m, const char *text, size_t len);

#endif
