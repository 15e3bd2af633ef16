/*
 * uidlwrite.c - writes MAILDIR/maildir-pop3d.uidl, whole or not at all.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in tmp/.
 */
#include "admin/uidlwrite.h"

#include "mail/change.h"
#include "mail/uidlfile.h"

#include <errno.h>
#include <unistd.h>

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd);
}

int uidlwrite(const struct maildir *m, const char *text, size_t len)
{
	struct maildir_file f;

	if (maildir_begin_file(m, &f) == -1) {
		maildir_complain(m, "cannot write, by way of tmp/:",
		    UIDLFILE_NAME, "");
		return -1;
	}
	if (write_all(f.fd, text, len) == -1 ||
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
