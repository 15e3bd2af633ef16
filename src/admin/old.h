/*
 * old.h - what another server has written down about its UIDLs: the file in
 * memory, its lines, and the records a reader makes of them (P-48).
 */
#ifndef ADMIN_OLD_H
#define ADMIN_OLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OLD_FILE_MAX ((size_t)256 << 20)	/* octets of a list */

struct old_record {
	size_t name;		/* unique name: offset in texts, with a NUL */
	size_t uidl;		/* the same; "" where it cannot be one */
	uint64_t rank;		/* where it stood in the old server's list */
	bool fixed;		/* written down, not made of uid and format */
};

struct old {
	char *file;		/* octets as read, and one NUL behind them */
	size_t len, at;		/* octets; where the next line begins */

	struct old_record *list;
	size_t count, room;	/* records */
	char *texts;
	size_t texts_used, texts_room;	/* octets */

	unsigned version;	/* of the list's form */
	size_t unread;		/* lines that nothing could be made of */
};

/* Reads fd to its end.  -1: errno; EFBIG: over OLD_FILE_MAX. */
int old_read(struct old *o, int fd);
void old_free(struct old *o);

/*
 * The next whole line, NUL in the place of its LF; NULL at the end.  A last
 * line without LF may be half of one: it is left out.  A line may hold NULs:
 * strlen() of it is below *len then.
 */
char *old_line(struct old *o, size_t *len);

/*
 * Keeps a record.  name is cut at the first colon; uidl, len octets, is kept
 * as "" unless it can be one.  -1: no memory.
 */
int old_add(struct old *o, const char *name, const char *uidl, size_t len,
    uint64_t rank, bool fixed);

/* Another UIDL for a record; -1: no memory. */
int old_set_uidl(struct old *o, struct old_record *r, const char *uidl,
    size_t len);

/* Whether a name in a list can be a message's. */
bool old_name_ok(const char *name);

const char *old_text(const struct old *o, size_t offset);

#endif
