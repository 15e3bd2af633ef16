/*
 * visit.h - what one visit leaves for the next: whether the list kept in the
 * size cache still is the Maildir's, and when it is written anew.
 *
 * A directory is not read again if it is the one that was listed, neither its
 * mtime nor its ctime has changed since, and that mtime was more than
 * VISIT_GRANULARITY old when it began to be read: a clock that stands still
 * for so long would hide a later change.  The cache file's own mtime is when
 * that was.  Then the list comes from the cache; the head alone, where nobody
 * asks for more than STAT.
 */
#ifndef MAIL_VISIT_H
#define MAIL_VISIT_H

#include "mail/listing.h"
#include "mail/maildrop.h"
#include "mail/sizecache.h"

#include <stdbool.h>
#include <stdint.h>

#define VISIT_GRANULARITY 2	/* s: FAT's, the coarsest there is */
#define VISIT_SAVE 10		/* s, at most, until what was learnt is kept */

struct visit_correction;

struct visit {
	struct maildrop *drop;
	bool keeps;		/* a cache is kept */
	bool changed;		/* it does not say what is known now */
	bool told;		/* the client has heard how many there are */
	struct sizecache cache;	/* open while the list is still in it */
	struct listing_scan scan;	/* of the list */
	uint64_t saved;		/* idle_clock() when it was, or the beginning */
	struct visit_correction *corrections;
	size_t corrected, room;
};

/*
 * Opens the maildrop d of dir as maildrop_load() does; its list may come
 * later.  keep: with a size cache.  -1: logged, and there is nothing to end.
 */
int visit_begin(struct visit *v, struct maildrop *d, struct maildir *dir,
    bool trashed_hidden, bool keep);

/*
 * Makes the list be there.  -1: logged; it cannot be had, or is not the one
 * that was counted and told, and the session must end.
 */
int visit_list(struct visit *v);

/* The size of a message was learnt.  Saves, if the last time is long ago. */
void visit_learnt(struct visit *v);

/* A message has another size than its listed one, which stays (P-31). */
void visit_correct(struct visit *v, const struct message *m, uint64_t octets);

/*
 * At the end, however it came: writes the cache, if there is something new in
 * it.  Cannot fail but in the log.
 */
void visit_end(struct visit *v);

#endif
