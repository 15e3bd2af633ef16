/*
 * maildir.h - what is in a Maildir: the only room that opens anything in it
 * (P-140...P-148, S-7, S-8); what changes it is in change.h.
 *
 * All work goes through the descriptors of directories opened once, by names
 * that readdir gave.  Which files there are and what becomes of them is
 * decided elsewhere.
 */
#ifndef MAIL_MAILDIR_H
#define MAIL_MAILDIR_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* In the order they are read: a message moves from the first to the second. */
enum maildir_sub { MAILDIR_NEW, MAILDIR_CUR, MAILDIR_SUBS };
extern const char *const maildir_sub_name[MAILDIR_SUBS];

/* How directories are opened. */
#define MAILDIR_DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

struct maildir {
	const char *path;		/* the caller's; for the log only */
	int root;			/* descriptors */
	int sub[MAILDIR_SUBS];
	int trash;			/* .Trash/cur, or -1 */
	bool probed;			/* the choice below has been made */
	bool by_content;		/* inode numbers cannot be relied on */
	bool told_skipped;		/* a file of another kind was logged */
};

/*
 * Opens path, its new/ and cur/; path itself may be a link.  -1: logged, and
 * nothing is left open.  A directory that is missing is an error, never an
 * empty maildrop (P-141).
 */
int maildir_open(struct maildir *m, const char *path);
void maildir_close(struct maildir *m);

/*
 * Locks the Maildir against other sessions with --lock, waiting for at most
 * 2 s (P-56).  0; 1: another session holds it; -1: logged.
 */
int maildir_lock(struct maildir *m);

/*
 * Calls each for every message in sub.  id is the message's identity (P-143):
 * the inode number, or a digest of size and mtime where inode numbers cannot
 * be relied on.  name is good until each returns; each returns -1 to stop.
 * -1: the directory cannot be read to its end, in errno, or each said so.
 */
typedef int maildir_each(void *arg, enum maildir_sub sub, const char *name,
    uint64_t id);
int maildir_scan(struct maildir *m, enum maildir_sub sub, maildir_each *each,
    void *arg);

/* new/, then cur/: the other order misses a message that moves meanwhile. */
int maildir_scan_both(struct maildir *m, maildir_each *each, void *arg);

/*
 * Whether it is on a filesystem of this host, whose directories have the time
 * of their last change at once: those we know.  (A network filesystem may be
 * a minute late.)
 */
bool maildir_local(const struct maildir *m);

/* Which directories those are, and when they last changed.  -1: in errno. */
struct maildir_times {
	struct timespec changed[MAILDIR_SUBS];	/* mtime: anybody may set it */
	struct timespec touched[MAILDIR_SUBS];	/* ctime: only the kernel */
	uint64_t dev[MAILDIR_SUBS], ino[MAILDIR_SUBS];
};
int maildir_times(const struct maildir *m, struct maildir_times *t);
bool maildir_same_time(const struct maildir_times *a,
    const struct maildir_times *b, enum maildir_sub sub);
bool maildir_same_times(const struct maildir_times *a,
    const struct maildir_times *b);

/*
 * Whether a change after now could leave these times as they are, because
 * they are so young that a coarse clock may not have moved on (P-142): then
 * in how many milliseconds it could not any more, else 0.  Times in whole
 * seconds are those of a filesystem that has no others.  A time that is still
 * to come is young, too, unless it is so far away that no clock gave it: then
 * a change puts the present in its place.
 */
#define MAILDIR_YOUNG 20	/* ms */
#define MAILDIR_COARSE 2000	/* ms: FAT's; others that are coarse have 1 s */
#define MAILDIR_AHEAD 3600	/* s */
unsigned maildir_young(const struct maildir_times *t);

/*
 * openat(2) that no link, FIFO or terminal can lead astray or hold (S-8).  A
 * lease of a file server (NFS, SMB) on this host, which has it from a client
 * that wrote the file, is waited for: 2 s at most.
 */
int maildir_open_file(int dir, const char *name, int flags);

/*
 * Opens a message for reading: a regular file of that identity, no link, no
 * FIFO (S-8).  Fills *st.  -1: in errno; ENOENT where there is no such file
 * or it is not the same message.
 */
int maildir_fetch(const struct maildir *m, enum maildir_sub sub,
    const char *name, uint64_t id, struct stat *st);

/*
 * Looks whether the name is there and is that message, and fills *st.  -1: in
 * errno, as maildir_fetch() says.
 */
int maildir_look(const struct maildir *m, enum maildir_sub sub,
    const char *name, uint64_t id, struct stat *st);

/* Whether we may not read that file at all, ever: its mode says so. */
bool maildir_forbidden(const struct maildir *m, enum maildir_sub sub,
    const char *name);

/* Logs errno for a file or directory of the Maildir; keeps errno. */
void maildir_complain(const struct maildir *m, const char *what,
    const char *sub, const char *name);

#endif
