/*
 * uidlwrite.c - writes MAILDIR/maildir-pop3d.uidl, whole or not at all.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in tmp/: a name that is taken is passed over.
 */
#include "admin/uidlwrite.h"

#include "mail/uidlfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TRIES 10	/* names */

/* A file that nobody else has, in tmp/; its name. */
static int make(int tmp, char *name, size_t room)
{
	int try, fd = -1;

	for (try = 0; fd == -1 && try < TRIES; try++) {
		snprintf(name, room, "%jd.P%jdQ%d." UIDLFILE_NAME,
		    (intmax_t)time(NULL), (intmax_t)getpid(), try);
		fd = openat(tmp, name, O_WRONLY | O_CREAT | O_EXCL |
		    O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd == -1 && errno != EEXIST)
			return -1;
	}
	return fd;
}

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

static int replace(const struct maildir *m, int tmp, const char *text,
    size_t len)
{
	char name[128];
	int saved, r, fd = make(tmp, name, sizeof name);

	if (fd == -1)
		return -1;
	r = write_all(fd, text, len);
	if (close(fd) == -1)
		r = -1;
	/* Not rename(3), which is a call of its own: seccomp knows this one. */
	if (r == 0)
		r = (int)syscall(SYS_renameat2, tmp, name, m->root,
		    UIDLFILE_NAME, 0U);
	saved = errno;
	if (r == -1)
		unlinkat(tmp, name, 0);
	errno = saved;
	return r;
}

int uidlwrite(const struct maildir *m, const char *text, size_t len)
{
	int tmp = openat(m->root, "tmp", MAILDIR_DIRECTORY | O_NOFOLLOW);
	int r;

	if (tmp == -1) {
		maildir_complain(m, "cannot open directory", "tmp", "");
		return -1;
	}
	r = replace(m, tmp, text, len);
	if (r == -1)
		maildir_complain(m, "cannot write, by way of tmp/:",
		    UIDLFILE_NAME, "");
	close(tmp);
	if (r == 0 && fsync(m->root) == -1)
		maildir_complain(m, "written, but perhaps not for good:",
		    UIDLFILE_NAME, "");
	return r;
}
