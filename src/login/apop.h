/*
 * apop.h - the timestamp of the greeting and the form of APOP's digest
 * (RFC 1939 section 7, P-64, P-65).
 *
 * Whether the digest is right is for a back end to say: it has the secret.
 */
#ifndef LOGIN_APOP_H
#define LOGIN_APOP_H

#include <stdbool.h>
#include <stddef.h>

#define APOP_STAMP_MAX 128	/* octets, "<" and ">" included, a NUL not */
#define APOP_DIGEST_LEN 32	/* hex digits of an MD5 */

/*
 * Writes "<pid.seconds.32-hex-random@host>" and a NUL to out; APOP_STAMP_MAX
 * + 1 octets of room are always enough.  It is a msg-id of RFC 822, never
 * the same twice.
 *
 * The host is hostname if that is a domain of letters, digits, "-" and
 * single dots, and fits; else, or if it is NULL, "localhost".  It is
 * decoration: what makes the stamp unique is the random part.
 *
 * 0, or -1 with errno: no random octets, or ERANGE for too little room.  Then
 * out is "" if room is not 0, and APOP must not be offered.
 */
int apop_stamp(char *out, size_t room, const char *hostname);

/* hostname, or this host's name if it is NULL, good for ever; or NULL. */
const char *apop_host(const char *hostname);

/* Whether the len octets are APOP_DIGEST_LEN hex digits, of either case. */
bool apop_digest(const char *text, size_t len);

#endif
