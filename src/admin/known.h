/*
 * known.h - the lines of maildir-pop3d.uidl: which messages keep which UIDL,
 * in which order (P-47, P-49).
 */
#ifndef ADMIN_KNOWN_H
#define ADMIN_KNOWN_H

#include "admin/old.h"
#include "mail/maildrop.h"

struct known_line {
	uint32_t message;	/* index in the maildrop */
	uint32_t record;	/* index in the old list */
	size_t uidl;		/* offset in the old list's texts */
};

struct known {
	struct known_line *list;
	size_t count;
	size_t found;		/* messages that the old server knew */
	size_t doubled;		/* UIDLs it showed again: "-2" and so on */
};

/*
 * Which record is about which message: by match.h, the later of two records
 * with one name.  record_of has room for all messages; MATCH_NONE: none.  A
 * copy of a unique name (P-47) has none.  -1: no memory.
 */
int known_match(const struct old *o, const struct maildrop *d,
    uint32_t *record_of);

/* Whether that record can be that message's line. */
bool known_usable(const struct old *o, const struct maildrop *d,
    size_t message, uint32_t record);

/*
 * Puts them in the old server's order, leaves out those whose UIDL cannot be
 * one, and lets a UIDL that comes again have mark and a number behind it.
 * -1: no memory.
 */
int known_make(struct known *k, struct old *o, const struct maildrop *d,
    const uint32_t *record_of, char mark);
void known_free(struct known *k);

#endif
