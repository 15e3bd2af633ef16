/*
 * xuidl.c - the X-UIDL header of a message.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  no octet of the message: whoever sent it wrote this header.
 */
#include "admin/xuidl.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* The first octets, as many as there are and fit. */
static ssize_t read_start(int fd, char buf[XUIDL_HEADER])
{
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < XUIDL_HEADER) {
		n = read(fd, buf + len, XUIDL_HEADER - len);
		if (n == -1 && errno == EINTR)
			n = 1;
		else if (n > 0)
			len += (size_t)n;
	}
	return n == -1 ? -1 : (ssize_t)len;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Where the line's value begins; NULL: another header. */
static const char *value_of(const char *line, const char *end)
{
	static const char name[] = "X-UIDL";
	const size_t len = sizeof name - 1;

	if ((size_t)(end - line) <= len || strncasecmp(line, name, len) != 0)
		return NULL;
	for (line += len; line < end && is_blank(*line); line++)
		;
	if (line == end || *line++ != ':')
		return NULL;
	while (line < end && is_blank(*line))
		line++;
	return line;
}

int xuidl_read(int fd, char buf[XUIDL_HEADER], const char **value,
    size_t *len)
{
	ssize_t octets = read_start(fd, buf);
	const char *line = buf, *end, *last;

	if (octets == -1)
		return -1;
	for (last = buf + octets; line < last; line = end + 1) {
		end = memchr(line, '\n', (size_t)(last - line));
		if (end == NULL)
			end = last;
		if (end == line || (*line == '\r' && end == line + 1))
			return 0;	/* the header ends */
		*value = value_of(line, end);
		if (*value == NULL)
			continue;
		/* A value that goes on in the next line is none. */
		if (end + 1 < last && is_blank(end[1])) {
			*len = 0;
			return 1;
		}
		*len = (size_t)(end - *value);
		while (*len > 0 && (is_blank((*value)[*len - 1]) ||
		    (*value)[*len - 1] == '\r'))
			--*len;
		return 1;
	}
	return 0;
}
