/*
 * uidlfile.h - MAILDIR/maildir-pop3d.uidl: UIDLs that clients know from
 * another server (P-44, P-47, P-49).
 *
 *	maildir-pop3d-uidl 1
 *	000000016b04924e 1700000001.M1P1.host,S=1234
 *	000000026b04924e 1700000002.M2P1.host,S=99
 *
 * A header with the version; then a line for each message: the UIDL, 1..255
 * octets of 21..7E, a blank, and the message's unique name, which is all up to
 * the LF.  The lines are in the order in which messages are numbered.
 *
 * --import writes it; a session reads it, as it reads all that lies in a
 * Maildir: every length and octet is looked at, and memory is some 50 octets a
 * line and the file itself.
 */
#ifndef MAIL_UIDLFILE_H
#define MAIL_UIDLFILE_H

#include "mail/match.h"
#include "mail/uidl.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UIDLFILE_NAME "maildir-pop3d.uidl"
#define UIDLFILE_HEADER "maildir-pop3d-uidl 1\n"
#define UIDLFILE_MAX (64 << 20)	/* octets: some 800,000 lines (S-10) */

struct maildir;
struct uidlfile;

/*
 * Reads the file.  0: *out is what it says, or NULL where there is none.  -1:
 * logged; it cannot be read or is of another kind, and to go on without it
 * would let clients fetch everything again.  A single line that is none is
 * passed over, and logged.
 */
int uidlfile_read(const struct maildir *m, struct uidlfile **out);
void uidlfile_free(struct uidlfile **f);

/*
 * Says which messages there are, by their unique names, in the order of
 * P-49 without such a file.  Those with a line come first now, in the order of
 * the lines.  -1: no memory.
 */
int uidlfile_number(struct uidlfile *f, const struct match_names *messages);

/* Which message has that number, and the other way round; both from 0. */
size_t uidlfile_message(const struct uidlfile *f, size_t number);
size_t uidlfile_number_of(const struct uidlfile *f, size_t message);

/* The UIDL of a message, with its length; NULL: it has no line. */
const char *uidlfile_uidl(const struct uidlfile *f, size_t message,
    size_t *len);

/* Whether some line has that UIDL, be its message there or not. */
bool uidlfile_has(const struct uidlfile *f, const char *uidl, size_t len);

#endif
