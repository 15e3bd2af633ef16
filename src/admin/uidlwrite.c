/*
 * uidlwrite.c - writes MAILDIR/maildir-pop3d.uidl, whole or not at all.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in tmp/.
 */
#include "admin/uidlwrite.h"

#include "mail/change.h"
#include "mail/uidlfile.h"

#include <unistd.h>

int uidlwrite(const struct maildir *m, const char *text, size_t len)
{
	struct maildir_file f;

	if (maildir_begin_file(m, &f) == -1) {
		maildir_complain(m, "cannot write, by way of tmp/:",
		    UIDLFILE_NAME, "");
		return -1;
	}
	if (maildir_write_file(&f, text, len) == -1 || fsync(f.fd) == -1 ||
	    maildir_end_file(m, &f, UIDLFILE_NAME) == -1) {
		maildir_drop_file(&f);
		maildir_complain(m, "cannot write, by way of tmp/:",
		    UIDLFILE_NAME, "");
		return -1;
	}
	if (fsync(m->root) == -1)
		maildir_complain(m, "written, but perhaps not for good:",
		    UIDLFILE_NAME, "");
	return 0;
}
