/*
 * mail.h - what a generated mailbox holds, and whether an answer is right.
 *
 * Servers list messages in orders of their own, so that what is known of a
 * mailbox are sums over all its messages, which no order changes.
 */
#ifndef BENCH_MAIL_H
#define BENCH_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of each sum: as RFC 1939 has it, and as a server with a known flaw does. */
struct mail_sums {
	uint64_t count;
	uint64_t stored;	/* octets of the files */
	uint64_t wire;		/* octets with CRLF */
	uint64_t sizes;		/* digests of each wire size */
	uint64_t sizes_stored;	/* of each file size: allow=lf */
	uint64_t bodies;	/* digests of each body, dots taken out */
	uint64_t bodies_blank;	/* with an empty line added: allow=blank */
	uint64_t tops;		/* of the header and the empty line */
	uint64_t tops_blank;
};

/* FNV-1a, 64 bits. */
uint64_t mail_digest(uint64_t digest, const char *octets, size_t len);
#define MAIL_DIGEST UINT64_C(0xcbf29ce484222325)

/* What is added up for a digest or a size. */
uint64_t mail_mix(uint64_t value);

/* One message, as it is stored, to the sums. */
void mail_add(struct mail_sums *m, const char *octets, size_t len);

/* "key value" lines.  They end the program when they cannot. */
void mail_save(const struct mail_sums *m, const char *path);
void mail_load(struct mail_sums *m, const char *path);

_Noreturn void mail_die(const char *what);

/* ARGUMENT=NUMBER, or the end of the program. */
uint64_t mail_number(const char *text);

#endif
