/*
 * courier.c - reads Courier's courierpop3dsizelist.
 *
 *	NAME SIZE			version 0, no header
 *	/1 NEXT				header; then NAME SIZE N
 *	/2 NEXT UIDVALIDITY		then NAME SIZE N:UIDVALIDITY
 *	/3 NEXT UIDVALIDITY		then NAME SIZE N:UIDVALIDITY:UTF8
 *
 * A name may hold blanks, so a line is split at its last ones.  The lines are
 * in the order in which that server numbered the messages.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in the file.
 */
#include "admin/courier.h"

#include "base/num.h"
#include "mail/name.h"

#include <string.h>

static const char no_memory[] = "no memory for list";

/* NULL, or what is behind the last blank, which becomes the end of line. */
static char *cut_last(char *line)
{
	char *blank = strrchr(line, ' ');

	if (blank == NULL)
		return NULL;
	*blank = '\0';
	return blank + 1;
}

/* The name, with what a UIDL may not hold, and ' " +, as +HH. */
static size_t escape(const char *name, char out[3 * NAME_LIMIT])
{
	static const char hex[] = "0123456789ABCDEF";
	size_t unique = name_unique(name), n = 0, i;

	for (i = 0; i < unique; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c < 0x21 || c > 0x7e || strchr("'\"+", c) != NULL) {
			out[n++] = '+';
			out[n++] = hex[c >> 4];
			out[n++] = hex[c & 15];
		} else {
			out[n++] = (char)c;
		}
	}
	return n;
}

/* The next number of several with colons between them. */
static int take_number(const char **text, uint64_t *number)
{
	size_t len = strcspn(*text, ":");

	if (num_parse(*text, len, number) == -1 || *number == UINT64_MAX)
		return -1;
	*text += len;
	return 0;
}

/* "n", "n:uidvalidity" or "n:uidvalidity:utf8", as the version has it. */
static int take_numbers(const char *text, unsigned version, uint64_t *n,
    uint64_t *validity)
{
	uint64_t utf8;

	*validity = 0;
	if (take_number(&text, n) == -1)
		return -1;
	if (version >= 2 && (*text++ != ':' ||
	    take_number(&text, validity) == -1))
		return -1;
	if (version >= 3 && (*text++ != ':' || take_number(&text, &utf8) ==
	    -1))
		return -1;
	return *text == '\0' ? 0 : -1;
}

static size_t numbered(char out[3 * NAME_LIMIT], uint64_t n,
    uint64_t validity)
{
	size_t len = 3;

	memcpy(out, "UID", 3);
	len += num_format(out + len, n);
	if (validity != 0) {
		out[len++] = '-';
		len += num_format(out + len, validity);
	}
	return len;
}

/* 1: kept; 0: nothing can be made of the line; -1: no memory. */
static int take_line(struct old *o, char *line)
{
	char uidl[3 * NAME_LIMIT];
	const char *numbers = o->version > 0 ? cut_last(line) : "0";
	const char *size = numbers == NULL ? NULL : cut_last(line);
	uint64_t n = 0, validity = 0;
	size_t len;

	if (size == NULL || num_parse(size, strlen(size), &n) == -1 ||
	    !old_name_ok(line))
		return 0;
	if (take_numbers(numbers, o->version, &n, &validity) == -1)
		return 0;
	len = n == 0 ? escape(line, uidl) : numbered(uidl, n, validity);
	return old_add(o, line, uidl, len, o->count, true) == -1 ? -1 : 1;
}

/* "/V NEXT ...".  -1: another version. */
static int take_header(struct old *o, const char *line)
{
	if (line[1] < '1' || line[1] > '3' || line[2] != ' ')
		return -1;
	o->version = (unsigned)(line[1] - '0');
	return 0;
}

const char *courier_read(struct old *o)
{
	char *line;
	size_t len;

	o->version = 0;
	if (o->len > 0 && o->file[0] == '/' &&
	    ((line = old_line(o, &len)) == NULL || strlen(line) != len ||
	    take_header(o, line) == -1))
		return "the first line is not that of a version from 0 to 3:";
	while ((line = old_line(o, &len)) != NULL) {
		int r = strlen(line) == len ? take_line(o, line) : 0;

		if (r == -1)
			return no_memory;
		o->unread += r == 0;
	}
	return NULL;
}
