/*
 * report.h - the two lines of a session in the log (interface: "What is
 * logged").
 */
#ifndef PROTOCOL_REPORT_H
#define PROTOCOL_REPORT_H

#include "protocol/cmd.h"

#include <sys/types.h>

/*
 * "login": the user is served from here on, by process pid.  Says nothing if
 * s->method is NULL: somebody else has said it.
 */
void report_login(const struct session *s, pid_t pid);

/* "session": how it ended, and what it moved. */
void report_session(const struct session *s);

#endif
