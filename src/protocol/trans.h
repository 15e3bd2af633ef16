/*
 * trans.h - the TRANSACTION state (RFC 1939 section 5; P-28...P-44).
 */
#ifndef PROTOCOL_TRANS_H
#define PROTOCOL_TRANS_H

#include "protocol/cmd.h"

#define TRANS_BAD_LIMIT 25	/* failed commands in a row: P-10 */

/*
 * Serves the maildrop in s until QUIT (ADVANCE: UPDATE is next) or another
 * end (HANG_UP: nothing may be removed).
 */
enum next trans_run(struct session *s);

#endif
