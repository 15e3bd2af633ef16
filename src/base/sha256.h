/*
 * sha256.h - SHA-256 (FIPS 180-4 section 6.2), for UIDLs (P-46) and stored
 * passwords (P-153).  Leaves nothing of what it hashed behind (S-6).
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_LEN 32	/* octets of a digest */

struct sha256 {
	uint32_t h[8];
	uint64_t octets;		/* taken so far */
	unsigned char block[64];	/* the unfinished one */
};

void sha256_start(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t len);

/* Ends the message; s holds nothing of it afterwards. */
void sha256_end(struct sha256 *s, unsigned char digest[SHA256_LEN]);

#endif
