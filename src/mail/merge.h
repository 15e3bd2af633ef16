/*
 * merge.h - of what was sighted at login, each message once (P-47, P-142).
 */
#ifndef MAIL_MERGE_H
#define MAIL_MERGE_H

#include "mail/maildrop.h"
#include "mail/order.h"

/*
 * The list by identity, and of one identity as it stands; the caller frees it
 * with free().  NULL: no memory.
 */
struct order *merge_by_id(const struct maildrop *d);

/*
 * Where directories were read more than once, a message may have been seen
 * under the name it had and under the one that a program gave it meanwhile to
 * correct ",S=" (P-143).  Leaves the one seen last.  d is in the order of the
 * sightings.  -1: errno.
 */
int merge_corrected(struct maildrop *d);

/*
 * Leaves one sighting of each message, the last, and numbers the copies of one
 * unique name (P-47).  d is sorted by listing_compare().  -1: errno.
 */
int merge_sightings(struct maildrop *d);

#endif
