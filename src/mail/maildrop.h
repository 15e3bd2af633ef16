/*
 * maildrop.h - the frozen message list: numbers, sizes, UIDLs, deletion marks,
 * totals (RFC 1939 sections 4 and 5; P-21, P-31, P-35, P-41...P-49, P-142).
 *
 * The list is made once, at login, and keeps its numbers.  Where a message is
 * now may change: other programs rename it, and it is followed.
 */
#ifndef MAIL_MAILDROP_H
#define MAIL_MAILDROP_H

#include "mail/maildir.h"
#include "mail/uidl.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAILDROP_LIMIT 1000000	/* messages served; beyond: logged (S-10) */

enum {
	MESSAGE_DELETED = 1,	/* marked by DELE */
	MESSAGE_RETRIEVED = 2,	/* sent to its end by RETR: P-54 */
	MESSAGE_REMOVED = 4,	/* by UPDATE */
	MESSAGE_GONE = 8,	/* somebody else did: maildrop_follow() */
	MESSAGE_UNSEEN = 16,	/* while maildrop_follow() looks */
	MESSAGE_UNREAD = 32	/* its size was not to be had, and is no one's */
};

struct message {
	uint64_t id;		/* see maildir_scan() */
	uint64_t octets;	/* on the wire, or SIZE_UNKNOWN */
	uint32_t name;		/* at login: offset in names, NUL-terminated */
	uint32_t path;		/* now: the same */
	uint32_t copy;		/* 0, or n for the nth of one unique name */
	uint8_t sub;		/* enum maildir_sub, now */
	uint8_t marks;
};

struct maildrop {
	struct maildir *dir;
	struct message *list;	/* NULL: not there yet, see visit.h */
	size_t count, room;	/* messages */
	uint64_t octets;	/* of all, while the list is not there; or */
				/* SIZE_UNKNOWN */
	char *names;
	size_t names_used, names_room;	/* octets */
	bool trashed_hidden;	/* messages flagged T are left out */
	struct uidlfile *uidls;	/* from another server, or NULL */
	bool two_names;		/* a message was sighted under two of them */
};

/* Made by maildrop_load() of listing.h; frees what it holds. */
void maildrop_free(struct maildrop *d);

/* Messages in the list: count, or 0 while it is not there. */
size_t maildrop_listed(const struct maildrop *d);

/*
 * Once the list is there: reads maildir-pop3d.uidl, which gives UIDLs and
 * lets the messages in it come first (P-49).  The list itself stays in the
 * order of names; numbers are what changes.  -1: logged.
 */
int maildrop_number(struct maildrop *d);

/* The message with the place i, 0..count-1, in the client's order. */
struct message *maildrop_at(const struct maildrop *d, size_t i);

/* The number a client knows it by: 1..count. */
uint64_t maildrop_number_of(const struct maildrop *d,
    const struct message *m);

/* Message number n, 1..count, or NULL if there is none or it is deleted. */
struct message *maildrop_find(const struct maildrop *d, uint64_t n);

/*
 * Opens a message wherever it is now, and fills *st.  -1: errno; ENOENT: it
 * is gone (P-35).
 */
int maildrop_fetch(struct maildrop *d, struct message *m, struct stat *st);

/*
 * Makes m->octets known.  A message that is gone is 0 octets; one that its
 * mode hides from us has the size stored.  -1: logged; try again later.
 */
int maildrop_size(struct maildrop *d, struct message *m);

/* Messages that are not deleted, and the sum of their sizes so far known. */
struct maildrop_totals {
	size_t count;
	uint64_t octets;
	bool known;		/* the size of every one of them is */
};
struct maildrop_totals maildrop_totals(const struct maildrop *d);

/* Writes m's UIDL to out; returns its octets. */
size_t maildrop_uidl(const struct maildrop *d, const struct message *m,
    char out[UIDL_KNOWN_LIMIT]);

/* The name m had at login. */
const char *maildrop_first_name(const struct maildrop *d,
    const struct message *m);

/* Whether its ",S=" or ",W=" is another one now: P-143, P-147. */
bool maildrop_corrected(const struct maildrop *d, const struct message *m);

/* Keeps a name and says where; -1: errno. */
int maildrop_keep_name(struct maildrop *d, const char *name,
    uint32_t *offset);

/* The name m has now, for maildir_remove() and its like. */
const char *maildrop_name(const struct maildrop *d, const struct message *m);

/* Logs errno for its file, with the whole path; keeps errno. */
void maildrop_complain(const struct maildrop *d, const struct message *m,
    const char *what);

/*
 * Reads both directories and notes where every message is now.  1: nothing
 * changed meanwhile, so that who was not seen is MESSAGE_GONE; 0: something
 * did, and it may only have moved; -1: logged.
 */
int maildrop_follow(struct maildrop *d);
#define MAILDROP_SEARCHES 5	/* at most, for one message: P-35, P-52 */

#endif
