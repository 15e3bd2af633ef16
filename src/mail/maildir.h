/*
 * maildir.h - the only room that opens, renames or removes anything in a
 * Maildir (P-140...P-148, S-1, S-2, S-7, S-8).
 *
 * All work goes through the descriptors of directories opened once, by names
 * that readdir gave.  Which files there are and what becomes of them is
 * decided elsewhere.
 */
#ifndef MAIL_MAILDIR_H
#define MAIL_MAILDIR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* In the order they are read: a message moves from the first to the second. */
enum maildir_sub { MAILDIR_NEW, MAILDIR_CUR, MAILDIR_SUBS };

/* What QUIT does with a message that was deleted (--delete). */
enum maildir_delete { MAILDIR_UNLINK, MAILDIR_TRASH, MAILDIR_FLAG };

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
 * Opens .Trash/cur, and makes the Maildir++ folder if it is missing.  -1:
 * logged; every removal by MAILDIR_TRASH will fail.
 */
int maildir_open_trash(struct maildir *m);

/*
 * Calls each for every message in sub.  id is the message's identity (P-143):
 * the inode number, or a digest of size and mtime where inode numbers cannot
 * be relied on.  name is good until each returns; each returns -1 to stop.
 * -1: the directory cannot be read to its end, in errno, or each said so.
 */
int maildir_scan(struct maildir *m, enum maildir_sub sub,
    int (*each)(void *arg, enum maildir_sub sub, const char *name,
    uint64_t id), void *arg);

/* When the directories last changed.  -1: in errno. */
struct maildir_times {
	struct timespec changed[MAILDIR_SUBS];	/* mtime */
};
int maildir_times(const struct maildir *m, struct maildir_times *t);
bool maildir_same_times(const struct maildir_times *a,
    const struct maildir_times *b);

/*
 * Whether a change after now could leave these times as they are, because
 * they are so young that a coarse clock may not have moved on (P-142).
 */
#define MAILDIR_YOUNG 20	/* ms */
bool maildir_young(const struct maildir_times *t);

/*
 * Opens a message for reading: a regular file of that identity, no link, no
 * FIFO (S-8).  Fills *st.  -1: in errno; ENOENT where there is no such file
 * or it is not the same message.
 */
int maildir_fetch(const struct maildir *m, enum maildir_sub sub,
    const char *name, uint64_t id, struct stat *st);

/* Whether the name is there and is that message; fills *st if so. */
bool maildir_is(const struct maildir *m, enum maildir_sub sub,
    const char *name, uint64_t id, struct stat *st);

/* Whether we may not read that file at all, ever: its mode says so. */
bool maildir_forbidden(const struct maildir *m, enum maildir_sub sub,
    const char *name);

enum maildir_result {
	MAILDIR_DONE,
	MAILDIR_MISSING,	/* no such name, or another message has it */
	MAILDIR_FAILED		/* logged */
};

/* Removes a message in the given way; never overwrites.  update.c only. */
enum maildir_result maildir_remove(const struct maildir *m,
    enum maildir_delete way, enum maildir_sub sub, const char *name,
    uint64_t id);

/*
 * Moves a message to cur/ with flag S, or adds the flag there (P-54).  One
 * whose info is of another form is left alone: MAILDIR_MISSING.
 */
enum maildir_result maildir_mark_seen(const struct maildir *m,
    enum maildir_sub sub, const char *name, uint64_t id);

/* fsyncs the directories a removal in that way touches; -1: logged. */
int maildir_sync(const struct maildir *m, enum maildir_delete way);

/* Removes what lay in tmp/ untouched for 36 hours (P-146).  Cannot fail. */
void maildir_clean_tmp(const struct maildir *m);

#endif
