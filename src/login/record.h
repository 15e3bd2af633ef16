/*
 * record.h - what one record of the passwd-file says (P-152).
 *
 *	user:password:uid:gid:gecos:home:shell:key=value key=value...
 */
#ifndef LOGIN_RECORD_H
#define LOGIN_RECORD_H

#include "login/auth.h"

#define RECORD_LIMIT 4096	/* octets of a line, without its end: P-154 */

enum {
	RECORD_NAME, RECORD_PASSWORD, RECORD_UID, RECORD_GID, RECORD_GECOS,
	RECORD_HOME, RECORD_SHELL, RECORD_EXTRA, RECORD_FIELDS
};

/*
 * Ends the fields where their colons are; those that are not there are "", and
 * the last keeps its own colons.
 */
void record_split(char *record, char *field[RECORD_FIELDS]);

/*
 * What the extra fields say against a login from ip: "disabled" or "nets", or
 * NULL.
 */
const char *record_objection(char *field[RECORD_FIELDS], const char *ip);

/* What in the extra fields lets nobody in, by mistake; or NULL. */
const char *record_mistake(char *field[RECORD_FIELDS]);

/*
 * Fills who, whose user is set, from uid, gid, home and userdb_mail.  NULL, or
 * what is wrong, in words for the administrator.
 */
const char *record_identity(char *field[RECORD_FIELDS], bool as_root,
    struct auth_identity *who);

#endif
