/*
 * check_filesystem.h - --check: what the filesystem under a Maildir means.
 */
#ifndef ADMIN_CHECK_FILESYSTEM_H
#define ADMIN_CHECK_FILESYSTEM_H

#include <stdbool.h>

/*
 * What there is to say of the filesystem, once for each.  locks: the server
 * shall lock.
 */
void check_filesystem(const char *path, bool locks);

#endif
