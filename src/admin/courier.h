/*
 * courier.h - reads Courier's courierpop3dsizelist, versions 0 to 3.
 */
#ifndef ADMIN_COURIER_H
#define ADMIN_COURIER_H

#include "admin/old.h"

#define COURIER_LIST "courierpop3dsizelist"

/*
 * Makes records of the file in o.  NULL; else what is wrong with the file as
 * a whole, to be logged before its name.
 */
const char *courier_read(struct old *o);

#endif
