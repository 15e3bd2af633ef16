/*
 * sizecache.h - the list and the sizes kept between visits: the file
 * MAILDIR/maildir-pop3d.sizes (P-31, S-2, S-7).
 *
 * It holds the message list of a visit in its order, and what the directories
 * looked like when it was read.  It is never needed for a right answer: it may
 * be removed, damaged or replaced at any time, and is believed only as far as
 * it is whole.  Whether the list still is the Maildir's is decided by visit.c.
 *
 *	the head	struct sizecache_head
 *	a record	8 octets	identity: maildir_scan()'s id
 *	for each	8		octets on the wire, or SIZE_UNKNOWN
 *	message		1		enum maildir_sub
 *			1		octets of the name, 1..255
 *			...		the whole name, without a NUL
 *
 * in the machine's own order of octets.  A file of another machine, or of
 * another version, is none.
 */
#ifndef MAIL_SIZECACHE_H
#define MAIL_SIZECACHE_H

#include "mail/maildir.h"
#include "mail/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define SIZECACHE_NAME "maildir-pop3d.sizes"

enum {	/* flags of the head */
	SIZECACHE_BY_CONTENT = 1,	/* ids are no inode numbers: P-143 */
	SIZECACHE_T_HIDDEN = 2,		/* messages flagged T are left out */
	SIZECACHE_SIZED = 4,		/* every size is known */
	SIZECACHE_STEADY = 8		/* the times below are those of the list */
};

/* A directory or file as stat(2) has it; all 0: none. */
struct sizecache_stamp {
	uint64_t dev, ino, size;
	int64_t mtime, mtime_ns, ctime, ctime_ns;
};

/* 64-bit numbers only: it is written as it lies. */
struct sizecache_head {
	uint64_t magic;
	uint64_t flags;
	uint64_t count[MAILDIR_SUBS];	/* messages in each */
	uint64_t octets;		/* the sum of the sizes that are known */
	uint64_t names;			/* octets of all names */
	struct sizecache_stamp sub[MAILDIR_SUBS];
	uint64_t body_sum;		/* over the records */
	uint64_t head_sum;		/* over all before */
};

struct sizecache_entry {
	uint64_t id, octets;
	enum maildir_sub sub;
	size_t len;			/* of the name */
	char name[NAME_LIMIT + 1];	/* name_ok() */
};

/* --- reading ------------------------------------------------------------ */

struct sizecache {
	int fd;			/* -1: there is none */
	struct sizecache_head head;
	struct timespec mtime;	/* of the file: see sizecache_write() */
	uint64_t dev;
	/* how far it has been read */
	struct sizecache_head seen;	/* what the records add up to */
	size_t start, end;
	bool ended;
};

/*
 * Opens the cache and reads its head.  True: the head is whole.  False: none,
 * c->fd is -1; logged only if it is damaged.
 */
bool sizecache_open(struct sizecache *c, const struct maildir *m);
void sizecache_close(struct sizecache *c);

/* Closes it and removes the file: it is damaged. */
void sizecache_remove(struct sizecache *c, const struct maildir *m);

/* Begins with the first record, again. */
void sizecache_rewind(struct sizecache *c);

/*
 * 1: *e is the next message; 0: that was all, and it adds up to what the head
 * says; -1: the file is damaged, and nothing that came before may be kept.
 * One cache at a time is read or written.
 */
int sizecache_next(struct sizecache *c, struct sizecache_entry *e);

/* --- writing ------------------------------------------------------------ */

/* The next message to be written: its name, and *e but for that; NULL: end. */
typedef const char *sizecache_each(void *arg, struct sizecache_entry *e);

/*
 * Writes a new cache through tmp/ and puts it in the place of the old one.
 * Flags (but SIZED) and stamps of head are the caller's.  began, when its
 * directories began to be read, becomes the file's mtime: what changes in
 * them later has a later time, if they are older than that by more than a
 * clock can hide.  -1: logged; the old one is still there.
 */
int sizecache_write(const struct maildir *m, const struct sizecache_head *head,
    struct timespec began, sizecache_each *each, void *arg);

/* Sets that time anew; it does not matter if that fails. */
void sizecache_refresh(const struct sizecache *c, struct timespec began);

#endif
