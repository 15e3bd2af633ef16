/*
 * crlf.h - stored octets to wire octets (P-30, P-32, P-33, P-38...P-40).
 *
 * A message is stored with LF, CRLF or both; on the wire every line ends in
 * CRLF.  The size a scan listing names and the octets RETR sends both come
 * from here, so the one cannot lie about the other:
 *
 *   LF without CR before it   becomes CRLF
 *   CRLF                      stays
 *   CR without LF after it    is data
 *   NUL and octets over 7E    are data
 *   last line without LF      gets CRLF; an empty message stays empty
 *   dot at a line's start     is doubled on the wire, never counted
 *
 * The state carries what the next piece must know, so a message may be handed
 * over in pieces of any length.
 */
#ifndef BASE_CRLF_H
#define BASE_CRLF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crlf {
	uint64_t octets;	/* on the wire so far, stuffed dots left out */
	char last;	/* the octet before this piece; LF at the very start */
};

/* Begins a message. */
void crlf_start(struct crlf *c);

/* Counts len stored octets at in, and sends nothing. */
void crlf_count(struct crlf *c, const char *in, size_t len);

/* Ends a count: c->octets is the size of the message (RFC 1939 section 11). */
void crlf_count_end(struct crlf *c);

/*
 * Converts and stuffs as much of in as surely fits: *len is what there is and
 * becomes what was taken, room is what out holds.  Returns the octets written.
 * Takes at least one octet if room is CRLF_ROOM or more.
 */
#define CRLF_ROOM 4
size_t crlf_send(struct crlf *c, const char *in, size_t *len, char *out,
    size_t room);

/*
 * Ends what was sent: writes the CRLF that the last line lacks to CRLF_ROOM
 * octets at out.  Returns the octets written, 0 or 2.
 */
size_t crlf_send_end(struct crlf *c, char *out);

/*
 * TOP: where the header and n lines of body end (P-38...P-40).
 */
struct top {
	uint64_t lines;		/* of the body still to be sent */
	enum { TOP_START, TOP_CR, TOP_TEXT } at;	/* in the header's line */
	bool body;		/* the separator line has been seen */
};

/* Begins a message of which lines lines of body are wanted. */
void top_start(struct top *t, uint64_t lines);

/*
 * How many of the len octets at in, the next piece of the message, belong to
 * the answer.  Fewer than len: that was all of it.
 */
size_t top_cut(struct top *t, const char *in, size_t len);

/* Whether nothing more of the message is wanted. */
bool top_done(const struct top *t);

#endif
