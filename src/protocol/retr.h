/*
 * retr.h - RETR and TOP: a message on its way to the client (RFC 1939
 * sections 5 and 7; P-34...P-40).
 */
#ifndef PROTOCOL_RETR_H
#define PROTOCOL_RETR_H

#include "protocol/cmd.h"

/*
 * The handlers.  Whatever can be known before +OK is found out before it, the
 * first read included; a read error after it ends the session without the
 * final dot, so that no client takes a piece for the whole.
 */
enum next retr_message(struct session *s, const struct args *a);
enum next retr_top(struct session *s, const struct args *a);

#endif
