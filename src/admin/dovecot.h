/*
 * dovecot.h - reads Dovecot's dovecot-uidlist, versions 1 to 3.
 */
#ifndef ADMIN_DOVECOT_H
#define ADMIN_DOVECOT_H

#include "admin/old.h"

#define DOVECOT_LIST "dovecot-uidlist"

/*
 * Makes records of the file in o; format is checked by uidlfmt_check().  A
 * record is fixed where the list itself has the UIDL.  NULL; else what is
 * wrong with the file as a whole, to be logged before its name.
 */
const char *dovecot_read(struct old *o, const char *format);

#endif
