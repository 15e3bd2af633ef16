/*
 * size.h - the size of a message on the wire (P-30, P-31).
 */
#ifndef MAIL_SIZE_H
#define MAIL_SIZE_H

#include <stdbool.h>
#include <stdint.h>

#define SIZE_UNKNOWN UINT64_MAX

/* A name says no more: the sum of a million such fits into 63 bits. */
#define SIZE_MAX_NAMED (INT64_MAX / 1000000)

/*
 * Whether wire, the number after ",W=" in a name, can be the size of a
 * message of stored octets: stored <= wire <= 2 * stored + 2 (P-31).
 */
bool size_plausible(uint64_t wire, uint64_t stored);

/*
 * Reads the message at fd, which has stored octets, from where it stands to
 * its end.  0: *octets is what RETR will send.  -1: read error, in errno.
 */
int size_read(int fd, uint64_t stored, uint64_t *octets);

#endif
