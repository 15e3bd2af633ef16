/*
 * authz.h - the AUTHORIZATION state: USER PASS APOP AUTH STLS CAPA QUIT
 * (RFC 1939 section 4, 5034, 2595; P-17...P-19, P-57...P-98).
 */
#ifndef PROTOCOL_AUTHZ_H
#define PROTOCOL_AUTHZ_H

#include "protocol/cmd.h"

#include <stdbool.h>

struct stls;

#define AUTHZ_BAD_LIMIT 10	/* failed commands in a row: P-10 */

/*
 * Talks to a client that has not logged in, on the connection of s, and asks
 * the keeper at the other end of broker whether it may.  config, peer, in and
 * out of s are set; stls are the descriptors for STLS, or -1 each.  Returns
 * when there is nothing more to say here: the client has logged in, or is
 * gone, or was told to go; the keeper knows which.
 *
 * Never reads beyond a line, and its memory does not grow.
 */
void authz_run(struct session *s, int broker, const struct stls *stls);

#endif
