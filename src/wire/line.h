/*
 * line.h - octets in: one bounded command line at a time (P-3...P-6).
 */
#ifndef WIRE_LINE_H
#define WIRE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_LIMIT 512		/* octets, CRLF included: P-4 */
#define LINE_BUFFER 8192	/* octets read ahead; only after login, P-82 */
#define LINE_FLOOD_LIMIT 65536	/* octets thrown away before login: P-5 */

enum line_result { LINE_OK, LINE_TOO_LONG, LINE_EOF, LINE_IDLE, LINE_SIGNAL,
	LINE_FLOOD, LINE_FAIL };

struct line {
	int fd;
	bool eof;		/* nothing more will come */
	bool ahead;		/* reads more than a line; else octet by octet */
	bool skipping;		/* inside a line that was too long */
	size_t limit;		/* octets of a line, CRLF included */
	size_t raw;		/* octets of the last line, its end included */
	uint64_t skipped;	/* octets of lines that were too long */
	size_t start, end;	/* what is read and not yet taken, in buf */
	uint64_t octets;	/* read in all */
	char buf[LINE_BUFFER];
};

/*
 * fd stays the caller's, and may be non-blocking.  Lines of up to LINE_LIMIT
 * octets are taken, and octets are read ahead.
 */
void line_init(struct line *in, int fd);

/*
 * Before login: lines of up to limit octets, under LINE_BUFFER, and never an
 * octet read beyond the line feed, so that nothing is left over when the
 * descriptors change hands (P-82).
 */
void line_init_before_login(struct line *in, int fd, size_t limit);

/*
 * Reads one command line (RFC 1939 section 3); a bare LF ends a line too.
 *
 * LINE_OK        *text is the line without its end, NUL-terminated, inside
 *                in->buf: good until the next call.  *len is in octets; a NUL
 *                among them is the caller's to refuse (P-6).
 * LINE_TOO_LONG  over in->limit: eaten whole and told once, never cut (P-5).
 * LINE_FLOOD     before login: LINE_FLOOD_LIMIT octets were eaten so.
 * LINE_EOF       the client closed; an unfinished last line is dropped (P-26).
 * LINE_IDLE      idle_ask() said so: close without a word (P-22).
 * LINE_SIGNAL    the same for SIGTERM and its like.
 * LINE_FAIL      read error, in errno.
 */
enum line_result line_next(struct line *in, char **text, size_t *len);

/* Wipes the lines that were taken; what was read ahead stays. */
void line_wipe(struct line *in);

/* Whether line_next() would answer without reading: answers may wait. */
bool line_waiting(const struct line *in);

#endif
