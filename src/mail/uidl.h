/*
 * uidl.h - where a UIDL comes from (P-44...P-46).
 */
#ifndef MAIL_UIDL_H
#define MAIL_UIDL_H

#include <stdbool.h>
#include <stddef.h>

#define UIDL_LIMIT 70	/* octets of a UIDL: RFC 1939 section 7 */
#define UIDL_KNOWN_LIMIT 255	/* of one that clients know already: P-44 */

/* Whether another server's UIDL can be taken over: 1..255 octets of 21..7E. */
bool uidl_known_ok(const char *text, size_t len);

/*
 * The UIDL of a unique name, len octets: the name itself where it is one
 * (1..70 octets of 21..7E) and not of the hashed shape, else the hashed form.
 * No two names have the same.  Writes it to out, without a NUL; returns its
 * length in octets.
 */
size_t uidl_make(const char *unique, size_t len, char out[UIDL_LIMIT]);

/* "=" and SHA-256 of the octets in base64url, without padding: 44 octets. */
size_t uidl_hash(const char *octets, size_t len, char out[UIDL_LIMIT]);

#endif
