/*
 * quota.h - Maildir++'s file maildirsize: what was removed is taken off the
 * count that deliverers keep (P-149).
 *
 * Where there is no such file there is no quota, and nothing is done.
 */
#ifndef MAIL_QUOTA_H
#define MAIL_QUOTA_H

#include "mail/maildir.h"

#define QUOTA_NAME "maildirsize"
#define QUOTA_MAX 5120	/* octets: readers count anew from here on */

struct quota {
	int above;		/* see quota_above() */
	int fd;			/* of the file, or -1: nobody counts */
	uint64_t octets;	/* removed: as stored, not as sent */
	uint64_t count;
};

/*
 * Sets q->above to the directory that has the file, or to -1 where that is
 * the Maildir itself.  A folder of a Maildir++, whose name begins with a dot,
 * has it further up.  To be called before the sandbox closes the way there.
 */
void quota_above(struct quota *q, const struct maildir *m);

/* Opens the file, if there is one, before anything is removed. */
void quota_open(struct quota *q, const struct maildir *m);

/* Octets of a message that is about to be removed, by its name or inode. */
uint64_t quota_weigh(const struct quota *q, const struct maildir *m,
    enum maildir_sub sub, const char *name);

/* It was removed.  One that was flagged T had been taken off already. */
void quota_removed(struct quota *q, const char *name, uint64_t octets);

/* Appends the line and closes what is open.  Errors are logged only. */
void quota_close(struct quota *q, const struct maildir *m);

#endif
