/*
 * old.c - what another server has written down about its UIDLs.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in the file: the servers that wrote it did so with names
 *          that deliverers chose, and with headers of messages.
 */
#include "admin/old.h"

#include "base/grow.h"
#include "mail/name.h"
#include "mail/uidl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE 65536	/* octets a read(2), at least */

int old_read(struct old *o, int fd)
{
	size_t room = 0;
	ssize_t n = 1;

	while (n > 0) {
		void *block = o->file;

		if (o->len > OLD_FILE_MAX) {
			errno = EFBIG;
			return -1;
		}
		if (grow(&block, o->len, PIECE + 1, &room, 1) == -1)
			return -1;
		o->file = block;
		do
			n = read(fd, o->file + o->len, room - o->len - 1);
		while (n == -1 && errno == EINTR);
		if (n > 0)
			o->len += (size_t)n;
	}
	o->file[o->len] = '\0';
	return (int)n;
}

void old_free(struct old *o)
{
	free(o->file);
	free(o->list);
	free(o->texts);
	memset(o, 0, sizeof *o);
}

char *old_line(struct old *o, size_t *len)
{
	char *line = o->file + o->at;
	char *end = o->at < o->len ? memchr(line, '\n', o->len - o->at) : NULL;

	if (end == NULL)
		return NULL;
	*end = '\0';
	*len = (size_t)(end - line);
	o->at += *len + 1;
	return line;
}

/* Behind the texts so far, with a NUL. */
static int keep(struct old *o, const char *text, size_t len, size_t *offset)
{
	void *block = o->texts;

	if (grow(&block, o->texts_used, len + 1, &o->texts_room, 1) == -1)
		return -1;
	o->texts = block;
	memcpy(o->texts + o->texts_used, text, len);
	o->texts[o->texts_used + len] = '\0';
	*offset = o->texts_used;
	o->texts_used += len + 1;
	return 0;
}

int old_add(struct old *o, const char *name, const char *uidl, size_t len,
    uint64_t rank, bool fixed)
{
	struct old_record r = { .rank = rank, .fixed = fixed };
	void *block = o->list;

	if (grow(&block, o->count, 1, &o->room, sizeof *o->list) == -1)
		return -1;
	o->list = block;
	if (keep(o, name, name_unique(name), &r.name) == -1 ||
	    old_set_uidl(o, &r, uidl, len) == -1)
		return -1;
	o->list[o->count++] = r;
	return 0;
}

int old_set_uidl(struct old *o, struct old_record *r, const char *uidl,
    size_t len)
{
	return keep(o, uidl, uidl_known_ok(uidl, len) ? len : 0, &r->uidl);
}

bool old_name_ok(const char *name)
{
	return name_unique(name) > 0 && name[0] != '.' &&
	    strchr(name, '/') == NULL && strlen(name) <= NAME_LIMIT;
}

const char *old_text(const struct old *o, size_t offset)
{
	return o->texts + offset;
}
