/*
 * listing.h - the message list as it is made at login (P-47, P-49, P-142).
 */
#ifndef MAIL_LISTING_H
#define MAIL_LISTING_H

#include "mail/maildrop.h"

#include <stdbool.h>

/*
 * Lists the Maildir, which stays the caller's; trashed_hidden with
 * --delete=flag.  -1: logged, and d is empty.
 */
int maildrop_load(struct maildrop *d, struct maildir *dir,
    bool trashed_hidden);

/*
 * The same in steps, for visit.c, which knows a part of it: begin, add what is
 * known, scan, end.  -1: logged, and d is empty.
 */
struct listing_scan {
	struct maildir_times times;	/* of the directories, as listed */
	struct timespec began;		/* when they began to be read */
	bool steady;			/* the list is what was there then */
};

void listing_begin(struct maildrop *d, struct maildir *dir,
    bool trashed_hidden);
int listing_add(struct maildrop *d, enum maildir_sub sub, const char *name,
    uint64_t id, uint64_t octets);

/*
 * Reads the directories that known, an or of 1 << sub, does not name: all
 * that was in those at s->times has been added.  If they change meanwhile
 * they are read too.
 */
int listing_scan(struct maildrop *d, struct listing_scan *s, unsigned known);
int listing_end(struct maildrop *d);

/*
 * Compares two messages by their places in the list (P-49); copies of one
 * unique name stand side by side, by their identities.
 */
int listing_compare(const char *a, uint64_t a_id, const char *b,
    uint64_t b_id);

#endif
