/*
 * maildir.c - what is in a Maildir: opens it, lists it, opens messages.
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
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define LOCK_WAIT 2000		/* ms: P-56 */
#define LOCK_PAUSE 50		/* ms */
#define LEASE_WAIT 2000		/* ms: see maildir_open_file() */
#define LEASE_PAUSE 20		/* ms */
#define PATH_SHOWN 1024		/* octets of a path for the log */
#define ENTRIES 32768		/* octets of directory a call */

/* Not in the kernel's headers, or not in old ones. */
#define ZFS_SUPER_MAGIC 0x2fc12fc1
#define JFS_SUPER_MAGIC 0x3153464a
#ifndef BCACHEFS_SUPER_MAGIC
#define BCACHEFS_SUPER_MAGIC 0xca451a4e
#endif

/* What getdents64(2) fills in; no C library declares it for everybody. */
struct entry {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

const char *const maildir_sub_name[MAILDIR_SUBS] = { "new", "cur" };

static void path_of(const struct maildir *m, const char *sub,
    const char *name, char path[PATH_SHOWN])
{
	snprintf(path, PATH_SHOWN, "%s/%s%s%s", m->path, sub,
	    *name == '\0' ? "" : "/", name);
}

void maildir_complain(const struct maildir *m, const char *what,
    const char *sub, const char *name)
{
	char path[PATH_SHOWN];
	int saved = errno;

	path_of(m, sub, name, path);
	errno = saved;
	log_errno(what, path);
}

static int open_sub(const struct maildir *m, const char *sub)
{
	int fd = openat(m->root, sub, MAILDIR_DIRECTORY | O_NOFOLLOW);

	if (fd == -1)
		maildir_complain(m, "cannot open this part of the Maildir, "
		    "which must be a directory:", sub, "");
	return fd;
}

static void cannot_open(const char *path)
{
	char what[128];
	int saved = errno;

	snprintf(what, sizeof what, "cannot open Maildir; it must be a "
	    "directory, with new, cur and tmp, of uid %ju:",
	    (uintmax_t)geteuid());
	errno = saved;
	log_errno(what, path);
}

int maildir_open(struct maildir *m, const char *path)
{
	memset(m, 0, sizeof *m);
	m->path = path;
	m->sub[MAILDIR_NEW] = m->sub[MAILDIR_CUR] = m->trash = -1;
	m->root = open(path, MAILDIR_DIRECTORY);
	if (m->root == -1) {
		cannot_open(path);
		return -1;
	}
	m->sub[MAILDIR_NEW] = open_sub(m, maildir_sub_name[MAILDIR_NEW]);
	m->sub[MAILDIR_CUR] = open_sub(m, maildir_sub_name[MAILDIR_CUR]);
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
static int unsteady(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) == -1)
		return errno == ENOSYS ? 1 : -1;
	switch ((unsigned long)fs.f_type) {
	case OVERLAYFS_SUPER_MAGIC:
	case FUSE_SUPER_MAGIC:
	case MSDOS_SUPER_MAGIC:
	case V9FS_MAGIC:
	case CIFS_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
		return 1;
	default:
		return 0;
	}
}

bool maildir_local(const struct maildir *m)
{
	static const unsigned long known[] = {
		EXT4_SUPER_MAGIC,	/* and ext2, ext3 */
		XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC,
		TMPFS_MAGIC, ZFS_SUPER_MAGIC, BCACHEFS_SUPER_MAGIC,
		JFS_SUPER_MAGIC, REISERFS_SUPER_MAGIC
	};
	struct statfs fs;
	size_t i;

	if (fstatfs(m->sub[MAILDIR_CUR], &fs) == -1)
		return false;
	for (i = 0; i < sizeof known / sizeof known[0]; i++)
		if ((unsigned long)fs.f_type == known[i])
			return true;
	return false;
}

/*
 * The first message tells whether readdir's inode numbers are stat's.  -1:
 * errno; a guess would give messages of one name each other's UIDLs.
 */
static int probe(struct maildir *m, enum maildir_sub sub,
    const struct entry *e)
{
	struct stat st;
	int no_steady_ino;

	if (fstatat(m->sub[sub], e->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : -1;	/* the next one does */
	no_steady_ino = unsteady(m->sub[sub]);
	if (no_steady_ino == -1)
		return -1;
	m->by_content = st.st_ino != e->ino || no_steady_ino == 1;
	m->probed = true;
	return 0;
}

static void tell_skipped(struct maildir *m, enum maildir_sub sub,
    const char *name)
{
	char path[PATH_SHOWN];

	if (!m->told_skipped) {
		path_of(m, maildir_sub_name[sub], name, path);
		log_warning("skipped, as all that is not a regular file:",
		    path);
	}
	m->told_skipped = true;
}

/* 1: a message, *id is set; 0: none, or gone; -1: errno. */
static int identify(struct maildir *m, enum maildir_sub sub,
    const struct entry *e, uint64_t *id)
{
	struct stat st;

	if (!name_ok(e->name))
		return 0;
	if (e->type == DT_REG || e->type == DT_UNKNOWN) {
		if (!m->probed && probe(m, sub, e) == -1)
			return -1;
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
static int scan_piece(struct maildir *m, enum maildir_sub sub,
    const char *buf, size_t len, maildir_each *each, void *arg)
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

int maildir_scan(struct maildir *m, enum maildir_sub sub, maildir_each *each,
    void *arg)
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

int maildir_scan_both(struct maildir *m, maildir_each *each, void *arg)
{
	if (maildir_scan(m, MAILDIR_NEW, each, arg) == -1)
		return -1;
	return maildir_scan(m, MAILDIR_CUR, each, arg);
}

int maildir_times(const struct maildir *m, struct maildir_times *t)
{
	struct stat st;
	int i;

	for (i = 0; i < MAILDIR_SUBS; i++) {
		if (fstat(m->sub[i], &st) == -1)
			return -1;
		t->changed[i] = st.st_mtim;
		t->touched[i] = st.st_ctim;
		t->dev[i] = st.st_dev;
		t->ino[i] = st.st_ino;
	}
	return 0;
}

static bool same_moment(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool maildir_same_time(const struct maildir_times *a,
    const struct maildir_times *b, enum maildir_sub sub)
{
	return a->ino[sub] == b->ino[sub] && a->dev[sub] == b->dev[sub] &&
	    same_moment(&a->changed[sub], &b->changed[sub]) &&
	    same_moment(&a->touched[sub], &b->touched[sub]);
}

bool maildir_same_times(const struct maildir_times *a,
    const struct maildir_times *b)
{
	return maildir_same_time(a, b, MAILDIR_NEW) &&
	    maildir_same_time(a, b, MAILDIR_CUR);
}

/* Milliseconds until a change would surely show in that time. */
static unsigned hides_for(const struct timespec *t, const struct timespec *now)
{
	const int64_t hidden = t->tv_nsec == 0 ? MAILDIR_COARSE :
	    MAILDIR_YOUNG;
	int64_t s = now->tv_sec - t->tv_sec, age;

	if (s < 0 && s > -MAILDIR_AHEAD)
		return MAILDIR_YOUNG;	/* a file server's clock is ahead */
	if (s < 0 || s > MAILDIR_COARSE / 1000)
		return 0;
	age = (s * 1000000000 + now->tv_nsec - t->tv_nsec) / 1000000;
	return age < hidden ? (unsigned)(hidden - age) : 0;
}

unsigned maildir_young(const struct maildir_times *t)
{
	struct timespec now;
	unsigned most = 0, ms;
	int i;

	clock_gettime(CLOCK_REALTIME, &now);
	for (i = 0; i < MAILDIR_SUBS; i++) {
		ms = hides_for(&t->changed[i], &now);
		most = ms > most ? ms : most;
	}
	return most;
}

/* O_NONBLOCK: a FIFO must not hold us.  To a regular file a lease alone says
 * EAGAIN, and the kernel has told who holds it by then. */
int maildir_open_file(int dir, const char *name, int flags)
{
	unsigned waited;

	for (waited = 0;; waited += LEASE_PAUSE) {
		int fd = openat(dir, name, flags | O_NOFOLLOW | O_NONBLOCK |
		    O_NOCTTY | O_CLOEXEC);

		if (fd != -1 || errno != EAGAIN || waited >= LEASE_WAIT)
			return fd;
		idle_sleep(LEASE_PAUSE);
	}
}

int maildir_fetch(const struct maildir *m, enum maildir_sub sub,
    const char *name, uint64_t id, struct stat *st)
{
	int saved, fd;

	errno = ENOENT;
	if (!name_ok(name))
		return -1;
	fd = maildir_open_file(m->sub[sub], name, O_RDONLY);
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

int maildir_look(const struct maildir *m, enum maildir_sub sub,
    const char *name, uint64_t id, struct stat *st)
{
	if (name_ok(name)) {
		if (fstatat(m->sub[sub], name, st, AT_SYMLINK_NOFOLLOW) == -1)
			return -1;
		if (is_message(m, st, id))
			return 0;
	}
	errno = ENOENT;
	return -1;
}

bool maildir_forbidden(const struct maildir *m, enum maildir_sub sub,
    const char *name)
{
	return faccessat(m->sub[sub], name, R_OK, AT_EACCESS) == -1 &&
	    errno == EACCES;
}
