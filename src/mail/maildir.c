/*
 * maildir.c - the only room that opens, renames or removes anything in a
 * Maildir.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  the operator's path.  Nothing below it: other programs, and other
 *          people with rights there, rename, replace and plant at any time.
 */
#include "mail/maildir.h"

#include "base/idle.h"
#include "base/log.h"
#include "mail/name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define LOCK_WAIT 2000		/* ms: P-56 */
#define LOCK_PAUSE 50		/* ms */
#define ENTRIES 32768		/* octets of directory a call */
#define TMP_AGE 129600		/* s: 36 hours, P-146 */
#define TMP_REMOVED 100		/* files a session: P-146 */
#define TMP_SEEN 1000		/* entries looked at: bounds the work (S-10) */
#define COPIES 99		/* names tried for one that is taken */

/* What getdents64(2) fills in; no C library declares it for everybody. */
struct entry {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

static const char *const sub_name[MAILDIR_SUBS] = { "new", "cur" };

/* Says which file of which Maildir, and why. */
static void complain(const struct maildir *m, const char *what,
    const char *sub, const char *name)
{
	char path[1024];
	int saved = errno;

	snprintf(path, sizeof path, "%s/%s%s%s", m->path, sub,
	    *name == '\0' ? "" : "/", name);
	errno = saved;
	log_errno(what, path);
}

static int open_sub(const struct maildir *m, const char *sub)
{
	int fd = openat(m->root, sub, DIRECTORY | O_NOFOLLOW);

	if (fd == -1)
		complain(m, "cannot open directory", sub, "");
	return fd;
}

int maildir_open(struct maildir *m, const char *path)
{
	memset(m, 0, sizeof *m);
	m->path = path;
	m->sub[MAILDIR_NEW] = m->sub[MAILDIR_CUR] = m->trash = -1;
	m->root = open(path, DIRECTORY);
	if (m->root == -1) {
		log_errno("cannot open Maildir", path);
		return -1;
	}
	m->sub[MAILDIR_NEW] = open_sub(m, sub_name[MAILDIR_NEW]);
	m->sub[MAILDIR_CUR] = open_sub(m, sub_name[MAILDIR_CUR]);
	if (m->sub[MAILDIR_NEW] != -1 && m->sub[MAILDIR_CUR] != -1)
		return 0;
	maildir_close(m);
	return -1;
}

static void close_fd(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

void maildir_close(struct maildir *m)
{
	close_fd(&m->root);
	close_fd(&m->sub[MAILDIR_NEW]);
	close_fd(&m->sub[MAILDIR_CUR]);
	close_fd(&m->trash);
}

int maildir_lock(struct maildir *m)
{
	unsigned waited;

	for (waited = 0; flock(m->root, LOCK_EX | LOCK_NB) == -1;
	    waited += LOCK_PAUSE) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			log_errno("cannot lock Maildir", m->path);
			return -1;
		}
		if (waited >= LOCK_WAIT)
			return 1;
		idle_sleep(LOCK_PAUSE);
	}
	return 0;
}

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
	close_fd(&fd);
	if (mkdirat(m->root, ".Trash/cur", 0700) == -1 && errno != EEXIST)
		return -1;
	return 0;
}

/* Both steps by descriptor: neither .Trash nor its cur may be a link. */
static int open_trash(const struct maildir *m)
{
	int folder = openat(m->root, ".Trash", DIRECTORY | O_NOFOLLOW);
	int fd = -1;

	if (folder != -1)
		fd = openat(folder, "cur", DIRECTORY | O_NOFOLLOW);
	close_fd(&folder);
	return fd;
}

int maildir_open_trash(struct maildir *m)
{
	m->trash = open_trash(m);
	if (m->trash == -1 && errno == ENOENT && make_trash(m) == 0)
		m->trash = open_trash(m);
	if (m->trash != -1)
		return 0;
	complain(m, "cannot make or open folder", ".Trash", "cur");
	return -1;
}

/* Size and mtime in one number, for filesystems without steady inodes. */
static uint64_t content_id(const struct stat *st)
{
	uint64_t id = (uint64_t)st->st_size * UINT64_C(0x9e3779b97f4a7c15);

	id = (id ^ (uint64_t)st->st_mtim.tv_sec) *
	    UINT64_C(0xbf58476d1ce4e5b9);
	id = (id ^ (uint64_t)st->st_mtim.tv_nsec) *
	    UINT64_C(0x94d049bb133111eb);
	return id ^ id >> 31;
}

static bool is_message(const struct maildir *m, const struct stat *st,
    uint64_t id)
{
	return S_ISREG(st->st_mode) &&
	    (m->by_content ? content_id(st) : st->st_ino) == id;
}

/* Filesystems whose inode numbers, or those readdir gives, are not steady. */
static bool unsteady(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) == -1)
		return true;
	switch ((unsigned long)fs.f_type) {
	case OVERLAYFS_SUPER_MAGIC:
	case FUSE_SUPER_MAGIC:
	case MSDOS_SUPER_MAGIC:
	case V9FS_MAGIC:
	case CIFS_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
		return true;
	default:
		return false;
	}
}

/* The first message tells whether readdir's inode numbers are stat's. */
static void probe(struct maildir *m, enum maildir_sub sub,
    const struct entry *e)
{
	struct stat st;

	if (fstatat(m->sub[sub], e->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return;		/* gone meanwhile: the next one will do */
	m->by_content = st.st_ino != e->ino || unsteady(m->sub[sub]);
	m->probed = true;
}

static void tell_skipped(struct maildir *m, enum maildir_sub sub,
    const char *name)
{
	if (!m->told_skipped) {
		errno = EINVAL;
		complain(m, "not a regular file, skipped:", sub_name[sub],
		    name);
	}
	m->told_skipped = true;
}

/* 1: a message, *id is set; 0: none, or gone; -1: errno. */
static int identify(struct maildir *m, enum maildir_sub sub,
    const struct entry *e, uint64_t *id)
{
	struct stat st;

	if (e->name[0] == '.')
		return 0;
	if (e->type == DT_REG || e->type == DT_UNKNOWN) {
		if (!m->probed)
			probe(m, sub, e);
		if (e->type == DT_REG && !m->by_content) {
			*id = e->ino;
			return 1;
		}
		if (fstatat(m->sub[sub], e->name, &st, AT_SYMLINK_NOFOLLOW) ==
		    -1)
			return errno == ENOENT ? 0 : -1;
		*id = m->by_content ? content_id(&st) : st.st_ino;
		if (S_ISREG(st.st_mode))
			return 1;
	}
	tell_skipped(m, sub, e->name);
	return 0;
}

/* The part of the directory that buf holds. */
static int scan_piece(struct maildir *m, enum maildir_sub sub, char *buf,
    size_t len, int (*each)(void *, enum maildir_sub, const char *, uint64_t),
    void *arg)
{
	size_t at;
	uint64_t id;

	for (at = 0; at < len; ) {
		/* The kernel aligns them for this struct. */
		const struct entry *e = (const void *)(buf + at);

		switch (identify(m, sub, e, &id)) {
		case -1:
			return -1;
		case 1:
			if (each(arg, sub, e->name, id) == -1)
				return -1;
			break;
		}
		at += e->reclen;
	}
	return 0;
}

int maildir_scan(struct maildir *m, enum maildir_sub sub,
    int (*each)(void *, enum maildir_sub, const char *, uint64_t), void *arg)
{
	static _Alignas(struct entry) char buf[ENTRIES];
	long n;

	if (lseek(m->sub[sub], 0, SEEK_SET) == -1)
		return -1;
	while ((n = syscall(SYS_getdents64, m->sub[sub], buf, sizeof buf)) > 0)
		if (scan_piece(m, sub, buf, (size_t)n, each, arg) == -1)
			return -1;
	return n == 0 ? 0 : -1;
}

int maildir_times(const struct maildir *m, struct maildir_times *t)
{
	struct stat st;
	int i;

	for (i = 0; i < MAILDIR_SUBS; i++) {
		if (fstat(m->sub[i], &st) == -1)
			return -1;
		t->changed[i] = st.st_mtim;
	}
	return 0;
}

bool maildir_same_times(const struct maildir_times *a,
    const struct maildir_times *b)
{
	int i;

	for (i = 0; i < MAILDIR_SUBS; i++)
		if (a->changed[i].tv_sec != b->changed[i].tv_sec ||
		    a->changed[i].tv_nsec != b->changed[i].tv_nsec)
			return false;
	return true;
}

bool maildir_young(const struct maildir_times *t)
{
	struct timespec now;
	int i;

	clock_gettime(CLOCK_REALTIME, &now);
	for (i = 0; i < MAILDIR_SUBS; i++) {
		int64_t s = now.tv_sec - t->changed[i].tv_sec;
		int64_t ns = now.tv_nsec - t->changed[i].tv_nsec;

		/* A time in the future tells nothing either. */
		if (s < 0 || (s <= 1 && s * 1000000000 + ns <
		    MAILDIR_YOUNG * INT64_C(1000000)))
			return true;
	}
	return false;
}

int maildir_fetch(const struct maildir *m, enum maildir_sub sub,
    const char *name, uint64_t id, struct stat *st)
{
	/* O_NONBLOCK: a FIFO must not hold us.  Regular files ignore it. */
	int saved, fd = openat(m->sub[sub], name, O_RDONLY | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd == -1) {
		if (errno == ELOOP || errno == ENXIO || errno == ENODEV)
			errno = ENOENT;		/* a link, socket or device */
		return -1;
	}
	if (fstat(fd, st) == 0) {
		if (is_message(m, st, id))
			return fd;
		errno = ENOENT;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* 0: it is there and is that message; -1: errno, as maildir_fetch() says. */
static int look(const struct maildir *m, enum maildir_sub sub,
    const char *name, uint64_t id, struct stat *st)
{
	if (fstatat(m->sub[sub], name, st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	if (is_message(m, st, id))
		return 0;
	errno = ENOENT;
	return -1;
}

bool maildir_is(const struct maildir *m, enum maildir_sub sub,
    const char *name, uint64_t id, struct stat *st)
{
	return look(m, sub, name, id, st) == 0;
}

bool maildir_forbidden(const struct maildir *m, enum maildir_sub sub,
    const char *name)
{
	return faccessat(m->sub[sub], name, R_OK, AT_EACCESS) == -1 &&
	    errno == EACCES;
}

/* rename(2) that never replaces; where it cannot, by link and unlink. */
static int move(int from, const char *name, int to, const char *new_name)
{
	if (syscall(SYS_renameat2, from, name, to, new_name, RENAME_NOREPLACE)
	    == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(from, name, to, new_name, 0) == -1)
		return -1;
	return unlinkat(from, name, 0);
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
	complain(m, what, sub_name[sub], name);
	return MAILDIR_FAILED;
}

enum maildir_result maildir_remove(const struct maildir *m,
    enum maildir_delete way, enum maildir_sub sub, const char *name,
    uint64_t id)
{
	struct stat st;
	int r = look(m, sub, name, id, &st);

	if (r == -1)
		return result(m, r, "cannot look at", sub, name);
	switch (way) {
	case MAILDIR_UNLINK:
		r = unlinkat(m->sub[sub], name, 0);
		return result(m, r, "cannot remove", sub, name);
	case MAILDIR_TRASH:
		if (m->trash == -1)
			return MAILDIR_FAILED;	/* logged at login */
		r = move_to_trash(m, sub, name);
		return result(m, r, "cannot move to .Trash/cur:", sub, name);
	case MAILDIR_FLAG:
		r = add_flag(m, sub, name, 'T');
		return result(m, r, "cannot add flag T (the info must be "
		    "\":2,\" and the name no longer than 255 octets) to",
		    sub, name);
	}
	return MAILDIR_FAILED;
}

enum maildir_result maildir_mark_seen(const struct maildir *m,
    enum maildir_sub sub, const char *name, uint64_t id)
{
	struct stat st;
	int r = look(m, sub, name, id, &st);

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
	complain(m, "cannot fsync", name, "");
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
	int tmp = openat(m->root, "tmp", DIRECTORY | O_NOFOLLOW);
	DIR *dir = tmp == -1 ? NULL : fdopendir(tmp);

	if (dir != NULL) {
		clean(tmp, dir);
		closedir(dir);		/* and tmp */
	} else {
		close_fd(&tmp);
	}
}
