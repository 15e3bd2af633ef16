/*
 * import_check.c - the command line of --import.
 *
 * Runs as: whoever the launcher chose; nothing is opened.
 * Trusts:  nothing: see config.c.
 */
#include "admin/import_check.h"

#include "admin/uidlfmt.h"

#include <stdio.h>

int import_check(const struct import_options *o, bool import, char *error,
    size_t room)
{
	const bool list = import && o->from != IMPORT_QMAIL;
	const bool format = import && o->from == IMPORT_DOVECOT;
	const char *wrong = o->format == NULL ? NULL :
	    uidlfmt_check(o->format);

	if ((o->format != NULL || o->reuse_xuidl) && !format)
		snprintf(error, room, "--uidl-format, --reuse-xuidl: go with "
		    "--import=dovecot only");
	else if (o->list != NULL && !list)
		snprintf(error, room, "--list: goes with --import=dovecot or "
		    "courier only");
	else if (o->dry_run && !import)
		snprintf(error, room, "--dry-run: goes with --import only");
	else if (wrong != NULL)
		snprintf(error, room, "--uidl-format=%.64s: %s", o->format,
		    wrong);
	else
		return 0;
	return -1;
}
