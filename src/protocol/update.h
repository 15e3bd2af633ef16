/*
 * update.h - the UPDATE state: carry out the deletions (RFC 1939 section 6;
 * P-50...P-55, U1...U6).
 */
#ifndef PROTOCOL_UPDATE_H
#define PROTOCOL_UPDATE_H

#include "protocol/cmd.h"

/*
 * To be called after QUIT in TRANSACTION and at no other time: makes sure that
 * the mail sent has arrived, removes what is marked, flags what was read, and
 * gives QUIT its one answer, which tells what happened.  s->end is END_QUIT,
 * or why nothing was removed nor answered.
 */
void update_run(struct session *s);

/*
 * Whether all that RETR and TOP sent has arrived; wait: for as long as it
 * takes, and 30 s without progress at most.
 */
enum handover update_handed_over(const struct session *s, bool wait);

#endif
