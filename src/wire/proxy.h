/*
 * proxy.h - the header of the PROXY protocol, versions 1 and 2
 * (P-131...P-139).
 *
 * The header comes before the greeting and says whom the proxy speaks for.
 * It is believed: whether this connection is a proxy's is the operator's to
 * know (--proxy), never guessed from the octets.
 */
#ifndef WIRE_PROXY_H
#define WIRE_PROXY_H

#include "wire/peer.h"

#include <stdbool.h>
#include <stddef.h>

#define PROXY_WAIT 10		/* seconds for the whole header: P-131 */
#define PROXY_V1_MAX 107	/* octets, CRLF included: P-134 */
#define PROXY_V2_START 16	/* octets before addresses and TLVs: P-135 */
#define PROXY_V2_BLOCK_MAX 8192	/* octets of these: P-136 */
#define PROXY_TEXT_MAX 33	/* a TLS version with its NUL */

struct proxy {
	struct peer peer;	/* the source; empty if local */
	bool local;	/* nobody was named (LOCAL, UNKNOWN, UNSPEC, UNIX,
			   DGRAM): the real endpoints stay, P-136 */
	bool tls;	/* the client speaks TLS to the proxy: P-139 */
	char tls_text[PROXY_TEXT_MAX];	/* its version, of 21..7E; "" if not
					   told, or told in other octets */
};

enum proxy_result {
	PROXY_OK,
	PROXY_BAD,	/* malformed, cut short, or a read error: log, close,
			   say nothing (P-133) */
	PROXY_TIMEOUT,	/* not whole after PROXY_WAIT, or idle_ask() ended it */
	PROXY_EOF	/* closed or reset before the first octet: a health
			   check, not worth a log line */
};

/*
 * Reads the header and not one octet after it (P-132).  fd stays the
 * caller's, may be non-blocking, and is waited for by poll(2), never in
 * read(2).  Unless PROXY_OK, *p names nobody and no TLS.
 */
enum proxy_result proxy_read(int fd, struct proxy *p);

/*
 * The same for a whole header in memory, CRLF or block included and nothing
 * behind it.  0, or -1 for any deviation.
 */
int proxy_parse_v1(const char *line, size_t len, struct proxy *p);
int proxy_parse_v2(const unsigned char *header, size_t len, struct proxy *p);

#endif
