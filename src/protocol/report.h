/*
 * report.h - the two lines of a session in the log (interface: "What is
 * logged").
 */
#ifndef PROTOCOL_REPORT_H
#define PROTOCOL_REPORT_H

#include "protocol/cmd.h"

/* "login": the user is served from here on. */
void report_login(const struct session *s);

/* "session": how it ended, and what it moved. */
void report_session(const struct session *s);

#endif
