/*
 * scheme.h - does this secret fit this stored password (P-150, P-151, P-153).
 *
 * A stored password is "{SCHEME[.ENC]}data" or, without braces, what crypt(3)
 * made.  Taken are PLAIN, CLEAR, CLEARTEXT; CRYPT, MD5-CRYPT, BLF-CRYPT,
 * SHA256-CRYPT, SHA512-CRYPT (one and the same: the hash says what it is);
 * SHA256 and SSHA256.  ENC is HEX, B64 or BASE64.  Case does not matter.
 *
 * Of the methods of crypt(3) those of DES ("_" of BSDi too), $1$ and $3$ are
 * refused.  A libc without crypt(3) has none; scheme_missing() says so.
 */
#ifndef LOGIN_SCHEME_H
#define LOGIN_SCHEME_H

#include <stdbool.h>

#define SCHEME_RECORD_MAX 511	/* octets of a stored password that is used */

enum scheme_result { SCHEME_MATCH, SCHEME_NO, SCHEME_UNUSABLE };

/*
 * Strings are compared whole, in a time that does not depend on where they
 * differ; everything computed is wiped.
 *
 * SCHEME_MATCH     the secret fits.
 * SCHEME_NO        it does not; or the field is a lock: empty, or it begins
 *                  with "!" or "*", or is "x" (P-151).
 * SCHEME_UNUSABLE  nothing can fit it: an unknown scheme, data that cannot be
 *                  decoded, a method refused or not known to crypt(3).
 *                  Logged, by the name of the scheme and no more.
 */
enum scheme_result scheme_check(const char *record, const char *secret);

/* Whether the field is a lock (P-151): no secret fits, and nothing is wrong. */
bool scheme_locked(const char *record);

/*
 * Whether scheme_check() of this record costs one crypt(3), as far as its
 * form tells: a method we take, and a hash of that method's length.
 */
bool scheme_costs(const char *record);

/*
 * The same work as scheme_check() of such a record, for nothing: what an
 * unknown user costs (S-5).  false: crypt(3) would not take the record, and
 * nothing was spent.
 */
bool scheme_work(const char *record, const char *secret);

/* Why records of crypt(3) cannot be used in this build; NULL if they can. */
const char *scheme_missing(void);

#endif
