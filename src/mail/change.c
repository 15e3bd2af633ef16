/*
 * change.c - the only room that renames or removes anything in a Maildir.
 *
 * No message is ever overwritten (S-2): a name that is taken is left alone.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing: each message is looked at before it is touched (S-1).
 */
#include "mail/change.h"

#include "mail/name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TMP_AGE 129600		/* s: 36 hours, P-146 */
#define TMP_REMOVED 100		/* files a session: P-146 */
#define TMP_SEEN 1000		/* entries looked at: bounds the work (S-10) */
#define COPIES 99		/* names tried for one that is taken */

/* cur/ comes last: where it is, the folder is complete. */
static int make_trash(const struct maildir *m)
{
	static const char *const part[] = { ".Trash", ".Trash/tmp",
		".Trash/new" };
	size_t i;
	int fd;

	for (i = 0; i < sizeof part / sizeof part[0]; i++)
		if (mkdirat(m->root, part[i], 0700) == -1 && errno != EEXIST)
			return -1;
	fd = openat(m->root, ".Trash/maildirfolder",
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1 && errno != EEXIST)
		return -1;
	if (fd != -1)
		close(fd);
	if (mkdirat(m->root, ".Trash/cur", 0700) == -1 && errno != EEXIST)
		return -1;
	return 0;
}

/* Both steps by descriptor: neither .Trash nor its cur may be a link. */
static int open_trash(const struct maildir *m)
{
	int folder = openat(m->root, ".Trash", MAILDIR_DIRECTORY | O_NOFOLLOW);
	int fd = -1;

	if (folder != -1)
		fd = openat(folder, "cur", MAILDIR_DIRECTORY | O_NOFOLLOW);
	if (folder != -1)
		close(folder);
	return fd;
}

int maildir_open_trash(struct maildir *m)
{
	m->trash = open_trash(m);
	if (m->trash == -1 && errno == ENOENT && make_trash(m) == 0)
		m->trash = open_trash(m);
	if (m->trash != -1)
		return 0;
	maildir_complain(m, "cannot make or open folder", ".Trash", "cur");
	return -1;
}

/* Two names of one file: what a link and an unlink, cut short, leave. */
static bool one_file(int a, const char *name, int b, const char *other)
{
	struct stat x, y;

	return fstatat(a, name, &x, AT_SYMLINK_NOFOLLOW) == 0 &&
	    fstatat(b, other, &y, AT_SYMLINK_NOFOLLOW) == 0 &&
	    x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* rename(2) that never replaces; where it cannot, by link and unlink. */
static int move(int from, const char *name, int to, const char *new_name)
{
	if (syscall(SYS_renameat2, from, name, to, new_name, RENAME_NOREPLACE)
	    == 0)
		return 0;
	if ((errno == EINVAL || errno == ENOSYS) &&
	    linkat(from, name, to, new_name, 0) == 0)
		return unlinkat(from, name, 0);
	if (errno != EEXIST)
		return -1;
	if (one_file(from, name, to, new_name))
		return unlinkat(from, name, 0);
	errno = EEXIST;
	return -1;
}

/* The name is kept; where the trash has it already, "~2" and so on is added. */
static int move_to_trash(const struct maildir *m, enum maildir_sub sub,
    const char *name)
{
	char other[NAME_LIMIT + 1];
	unsigned copy;
	int r;

	r = move(m->sub[sub], name, m->trash, name);
	for (copy = 2; r == -1 && errno == EEXIST && copy <= COPIES; copy++) {
		if (name_add_copy(name, copy, other) == -1)
			break;
		r = move(m->sub[sub], name, m->trash, other);
	}
	return r;
}

/* In cur/ with the flag; a name that has it already is left as it is. */
static int add_flag(const struct maildir *m, enum maildir_sub sub,
    const char *name, char flag)
{
	char flagged[NAME_LIMIT + 1];

	if (name_add_flag(name, flag, flagged) == -1) {
		errno = EINVAL;
		return -1;
	}
	if (sub == MAILDIR_CUR && strcmp(name, flagged) == 0)
		return 0;
	return move(m->sub[sub], name, m->sub[MAILDIR_CUR], flagged);
}

static enum maildir_result result(const struct maildir *m, int r,
    const char *what, enum maildir_sub sub, const char *name)
{
	if (r == 0)
		return MAILDIR_DONE;
	if (errno == ENOENT)
		return MAILDIR_MISSING;
	maildir_complain(m, what, maildir_sub_name[sub], name);
	return MAILDIR_FAILED;
}

/* In the given way; errno is why not, *what is the log's word for it. */
static int take_away(const struct maildir *m, enum maildir_delete way,
    enum maildir_sub sub, const char *name, const char **what)
{
	switch (way) {
	case MAILDIR_UNLINK:
		*what = "cannot remove";
		return unlinkat(m->sub[sub], name, 0);
	case MAILDIR_TRASH:
		*what = "cannot move to .Trash/cur:";
		return move_to_trash(m, sub, name);
	case MAILDIR_FLAG:
		break;
	}
	*what = "cannot add flag T (the info must be \":2,\", the name no "
	    "longer than 255 octets) to";
	return add_flag(m, sub, name, 'T');
}

enum maildir_result maildir_remove(const struct maildir *m,
    enum maildir_delete way, enum maildir_sub sub, const char *name,
    uint64_t id)
{
	const char *what = "cannot look at";
	struct stat st;
	int r = maildir_look(m, sub, name, id, &st);

	if (way == MAILDIR_TRASH && m->trash == -1)
		return MAILDIR_FAILED;		/* logged at login */
	if (r == 0) {
		r = take_away(m, way, sub, name, &what);
		/* Still there: it is where it was to go that is missing. */
		if (r == -1 && errno == ENOENT && way != MAILDIR_UNLINK &&
		    maildir_look(m, sub, name, id, &st) == 0)
			errno = ENOTDIR;
	}
	if (r == 0 && way != MAILDIR_FLAG && st.st_nlink > 1)
		return MAILDIR_DONE_HERE;
	return result(m, r, what, sub, name);
}

enum maildir_result maildir_mark_seen(const struct maildir *m,
    enum maildir_sub sub, const char *name, uint64_t id)
{
	struct stat st;
	int r = maildir_look(m, sub, name, id, &st);

	if (r == 0)
		r = add_flag(m, sub, name, 'S');
	if (r == -1 && errno == EINVAL)
		return MAILDIR_MISSING;	/* other info is left alone: P-144 */
	return result(m, r, "cannot add flag S to", sub, name);
}

static int sync_one(const struct maildir *m, int fd, const char *name)
{
	if (fd == -1 || fsync(fd) == 0)
		return 0;
	maildir_complain(m, "cannot fsync", name, "");
	return -1;
}

int maildir_sync(const struct maildir *m, enum maildir_delete way)
{
	int r = sync_one(m, m->sub[MAILDIR_NEW], "new") |
	    sync_one(m, m->sub[MAILDIR_CUR], "cur");

	if (way == MAILDIR_TRASH)
		r |= sync_one(m, m->trash, ".Trash/cur");
	return r;
}

static int open_tmp(const struct maildir *m)
{
	return openat(m->root, "tmp", MAILDIR_DIRECTORY | O_NOFOLLOW);
}

/* Who is killed meanwhile leaves it to maildir_clean_tmp(). */
int maildir_begin_file(const struct maildir *m, struct maildir_file *f)
{
	struct timespec now;
	int saved;

	f->tmp = open_tmp(m);
	if (f->tmp == -1)
		return -1;
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(f->name, sizeof f->name, "maildir-pop3d.%jd.%ld.%ld",
	    (intmax_t)now.tv_sec, now.tv_nsec, (long)getpid());
	f->fd = openat(f->tmp, f->name, O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0600);
	if (f->fd != -1)
		return 0;
	saved = errno;
	close(f->tmp);
	errno = saved;
	return -1;
}

int maildir_write_file(const struct maildir_file *f, const void *octets,
    size_t len)
{
	const char *p = octets;

	while (len > 0) {
		ssize_t n = write(f->fd, p, len);

		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int maildir_end_file(const struct maildir *m, struct maildir_file *f,
    const char *name)
{
	int fd = f->fd;

	f->fd = -1;
	if (close(fd) == -1)	/* NFS says there what it could not write */
		return -1;
	if (syscall(SYS_renameat2, f->tmp, f->name, m->root, name, 0U) == -1)
		return -1;
	close(f->tmp);
	return 0;
}

void maildir_drop_file(struct maildir_file *f)
{
	int saved = errno;

	if (f->fd != -1)
		close(f->fd);
	unlinkat(f->tmp, f->name, 0);
	close(f->tmp);
	errno = saved;
}

static bool stale(const struct stat *st, time_t now)
{
	return S_ISREG(st->st_mode) && now - st->st_atime > TMP_AGE &&
	    now - st->st_mtime > TMP_AGE && now - st->st_ctime > TMP_AGE;
}

/* P-146: noatime mounts keep no atime, so the newest of the three counts. */
static void clean(int tmp, DIR *dir)
{
	time_t now = time(NULL);
	int seen = 0, removed = 0;
	struct dirent *e;

	while (removed < TMP_REMOVED && seen++ < TMP_SEEN &&
	    (e = readdir(dir)) != NULL) {
		struct stat st;

		if (e->d_name[0] == '.' || fstatat(tmp, e->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) == -1 || !stale(&st, now))
			continue;
		removed += unlinkat(tmp, e->d_name, 0) == 0;
	}
}

void maildir_clean_tmp(const struct maildir *m)
{
	int tmp = open_tmp(m);
	DIR *dir = tmp == -1 ? NULL : fdopendir(tmp);

	if (dir != NULL) {
		clean(tmp, dir);
		closedir(dir);		/* and tmp */
	} else if (tmp != -1) {
		close(tmp);
	}
}
