/*
 * import_check.h - the command line of --import.
 */
#ifndef ADMIN_IMPORT_CHECK_H
#define ADMIN_IMPORT_CHECK_H

#include "admin/import.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the options fit each other; import: there is an --import at all.
 * -1: error is one line, as config_read() has it.
 */
int import_check(const struct import_options *o, bool import, char *error,
    size_t room);

#endif
