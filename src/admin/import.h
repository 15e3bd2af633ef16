/*
 * import.h - --import: takes the UIDLs of another server over (P-48).
 */
#ifndef ADMIN_IMPORT_H
#define ADMIN_IMPORT_H

#include <stdbool.h>

/* Exit codes. */
enum { IMPORT_TAKEN = 0, IMPORT_WRONG = 100, IMPORT_FAILED = 111 };

enum import_from { IMPORT_DOVECOT, IMPORT_COURIER, IMPORT_QMAIL };

struct import_options {
	enum import_from from;
	const char *maildir;
	const char *list;	/* NULL: where that server keeps it */
	const char *format;	/* Dovecot's pop3_uidl_format, or NULL */
	bool reuse_xuidl;	/* Dovecot's pop3_reuse_xuidl */
	bool dry_run;		/* write nothing, print the lines */
};

/* Tells what was wrong with the command line; the exit code. */
int import_refuse(const char *error);

/*
 * Reads what the old server has written down, writes MAILDIR/
 * maildir-pop3d.uidl and says on standard output what it took and what not.
 * IMPORT_TAKEN when something was taken; IMPORT_WRONG, wrong use or nothing
 * to take, and IMPORT_FAILED, the system failed: nothing was changed.
 */
int import_run(const struct import_options *o);

#endif
