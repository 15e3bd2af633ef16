/*
 * listing.h - the message list as it is made at login (P-47, P-49, P-142).
 */
#ifndef MAIL_LISTING_H
#define MAIL_LISTING_H

#include "mail/maildrop.h"

#include <stdbool.h>

#define MAILDROP_LIMIT 1000000	/* messages served; beyond: logged (S-10) */

/*
 * Lists the Maildir, which stays the caller's; trashed_hidden with
 * --delete=flag.  -1: logged, and d is empty.
 */
int maildrop_load(struct maildrop *d, struct maildir *dir,
    bool trashed_hidden);

#endif
