/*
 * plain.h - a message as the wire has it, octet by octet and without thought
 * for speed: what the program's converter is compared with.
 */
#ifndef PLAIN_H
#define PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plain {
	char *text;	/* as RETR sends it, stuffed, without the final dot */
	size_t len;
	size_t size;	/* as LIST says it */
};

/* The caller frees text. */
void plain_wire(const char *in, size_t len, struct plain *p);

/*
 * How many of the stored octets TOP sends: the header with its empty line,
 * and lines of the body.  *body: there is such a line.
 */
size_t plain_top(const char *in, size_t len, uint64_t lines, bool *body);

#endif
