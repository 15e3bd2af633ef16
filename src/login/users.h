/*
 * users.h - the passwd-file as a whole: its rights, and its lines (P-154).
 *
 * What a line says is in record.h.
 */
#ifndef LOGIN_USERS_H
#define LOGIN_USERS_H

#include "login/auth.h"

#include <stdint.h>

#define USERS_ROOM 32768	/* a large file in few read(2)s */

/* The caller wipes it: there are passwords in buf. */
struct users {
	const char *path;		/* the caller's */
	int fd;
	uint64_t size;			/* of the file, when it was opened */
	uint64_t octets;		/* read so far */
	uint64_t line;			/* number of the one taken last */
	bool ended;			/* there is no more to read */
	bool skipping;			/* inside a line that is too long */
	size_t start, end;		/* of what is in buf and not taken */
	char buf[USERS_ROOM];
};

/*
 * Opens the file.  as_root: it must be root's, or ours.  AUTH_OK, or as
 * auth_file_check() says; logged.
 */
enum auth_verdict users_open(struct users *f, const char *path, bool as_root);

/*
 * The next line, without its end and without a NUL behind it, good until the
 * next call.  One that is too long, or has a NUL in it, is logged and comes as
 * an empty line.  1; 0: there is no more; -1: it cannot be read, or changed
 * meanwhile; logged.
 */
int users_next(struct users *f, char **text, size_t *len);
void users_close(struct users *f);

/* Logs "line N: what: passwd-file PATH". */
void users_complain(const struct users *f, uint64_t line, const char *what);

#endif
