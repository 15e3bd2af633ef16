/*
 * owner.c - who works on somebody's Maildir is that somebody.
 *
 * Only the directory's owner is looked up before; whatever the path means a
 * moment later is then met with that user's rights, and no others.
 *
 * Runs as: root, or the owner of the mailbox; afterwards the owner.
 * Trusts:  the operator's path, to name whose mail it is.
 */
#include "admin/owner.h"

#include "base/log.h"
#include "base/priv.h"

#include <pwd.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

gid_t owner_group(const struct stat *st)
{
	const struct passwd *pw;

	if (st->st_gid != 0)
		return st->st_gid;
	pw = getpwuid(st->st_uid);
	return pw == NULL ? 0 : pw->pw_gid;
}

enum owner_result owner_become(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1) {
		log_errno("cannot look at Maildir", path);
		return OWNER_FAILED;
	}
	if (geteuid() != 0 && st.st_uid == geteuid())
		return OWNER_BECOME;
	if (geteuid() != 0) {
		log_error("must be run by root or by the owner of Maildir",
		    path);
		return OWNER_WRONG;
	}
	if (st.st_uid == 0) {
		log_error("belongs to root; give it to the user whose mail it "
		    "is, by chown -R:", path);
		return OWNER_WRONG;
	}
	return priv_become(st.st_uid, owner_group(&st), NULL) == -1 ?
	    OWNER_FAILED : OWNER_BECOME;
}
