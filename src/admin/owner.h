/*
 * owner.h - who works on somebody's Maildir at an administrator's word is
 * that somebody (S-3).
 */
#ifndef ADMIN_OWNER_H
#define ADMIN_OWNER_H

#include <sys/stat.h>

enum owner_result {
	OWNER_BECOME,
	OWNER_WRONG,		/* said: it is nobody's, or another's */
	OWNER_FAILED		/* said: the system did not let us */
};

/*
 * Becomes the owner of the directory path, for good, if started as root.  Any
 * other user must be the owner already.
 */
enum owner_result owner_become(const char *path);

/*
 * The group to be in as the owner of a directory: its own, or where that is
 * root's, as of one that root made and gave away, the owner's; 0: none.
 */
gid_t owner_group(const struct stat *st);

#endif
