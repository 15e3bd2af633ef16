/*
 * sasl.h - decoders for AUTH: base64 and the message of PLAIN (P-90...P-97).
 *
 * No descriptors and no memory of its own: octets in, octets out.  What goes
 * through here is a password, so the buffers are the caller's to wipe; this
 * room wipes only what it wrote itself and will not hand over.
 */
#ifndef LOGIN_SASL_H
#define LOGIN_SASL_H

#include <stddef.h>

#define SASL_LINE_LIMIT 1026	/* octets, CRLF included: P-91 */
#define SASL_PART_MAX 255	/* octets of a part of PLAIN: P-95 */
#define SASL_PLAIN_MAX 767	/* three parts and two NUL: P-91 */

/*
 * Decodes len octets of strict base64 (RFC 4648 section 4, P-90): no blanks,
 * no line ends, padding required and its bits zero.  Nothing at all is the
 * empty string; the "=" of an empty initial response (P-88) is the caller's.
 * in and out must not overlap.
 *
 * 0   *out_len octets are in out; at most room were written.  No NUL is added.
 * -1  not base64, or more than room: all of out is wiped, *out_len is 0.  The
 *     answer is "-ERR" without [AUTH]: P-90.
 */
int sasl_base64(const char *in, size_t len, unsigned char *out, size_t room,
    size_t *out_len);

/*
 * The parts point into the message.  A NUL follows the name; the secret has
 * no end but secret_len.  The authzid is not here: it has no effect (P-96).
 */
struct sasl_plain {
	const char *name;	/* octets of 21..7E: P-93 */
	size_t name_len;	/* 1..SASL_PART_MAX */
	const char *secret;	/* valid UTF-8 without NUL */
	size_t secret_len;	/* 1..SASL_PART_MAX */
};

enum sasl_result {
	SASL_OK,
	/*
	 * Well-formed, and no credentials of anybody: a part is too long or
	 * not UTF-8 (P-95, P-97), the name is not of 21..7E (P-93), the
	 * authzid is another (P-96).  The answer is that to a wrong password,
	 * [AUTH] and deadline (P-61, P-67): a client that sends a password in
	 * Latin-1 must ask its user again.
	 */
	SASL_REFUSED,
	/*
	 * Not the form of PLAIN (RFC 4616 section 2): the NULs are not two, or
	 * name or secret are missing.  A fault of the client, as "PASS" with
	 * no argument is (P-59): "-ERR" without [AUTH], which would make it
	 * forget a password nobody looked at (P-77).
	 */
	SASL_BAD
};

/*
 * Takes a decoded message apart (P-95).  Unless SASL_OK, *p is all zero.
 * A name with "/" or a leading "." is SASL_OK: P-58 is for every road to a
 * login, and the back ends' to keep.
 */
enum sasl_result sasl_plain(const unsigned char *msg, size_t len,
    struct sasl_plain *p);

#endif
