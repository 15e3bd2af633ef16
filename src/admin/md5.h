/*
 * md5.h - MD5 (RFC 1321), for formats that ask for it: a name of a name, no
 * secret and no proof of anything.
 */
#ifndef ADMIN_MD5_H
#define ADMIN_MD5_H

#include <stddef.h>

#define MD5_LEN 16	/* octets of a digest */
#define MD5_TEXT_MAX ((size_t)4096)	/* octets that can be digested */

/* The digest of len octets, at most MD5_TEXT_MAX. */
void md5(const void *octets, size_t len, unsigned char digest[MD5_LEN]);

#endif
