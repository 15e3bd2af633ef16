/*
 * match.h - which line of a list is about which message (P-143).
 *
 * By the unique name; and where that fails, by the key, if one line and one
 * message are left that have it: other servers correct ",S=" and ",W=" in
 * names.
 */
#ifndef MAIL_MATCH_H
#define MAIL_MATCH_H

#include "mail/texts.h"

#define MATCH_NONE TEXTS_NONE

struct match_names {
	size_t count;
	texts_get *get;		/* unique names */
	const void *arg;
};

/*
 * For each message, in found[], the number of its line, or MATCH_NONE.  Of
 * several lines with one name the first counts; of several messages with one
 * name the first gets it.  found has room for all messages.  -1: no memory.
 */
int match_names(const struct match_names *lines,
    const struct match_names *messages, uint32_t *found);

#endif
