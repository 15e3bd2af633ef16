/*
 * xuidl.h - the X-UIDL header of a message, as Dovecot's pop3_reuse_xuidl
 * reads it.
 */
#ifndef ADMIN_XUIDL_H
#define ADMIN_XUIDL_H

#include <stddef.h>

#define XUIDL_HEADER ((size_t)65536)	/* octets of a message looked at */

/*
 * Looks in the first octets of the message for the first X-UIDL.  1: *value
 * and *len say where its value is in buf, without blanks around it; it may be
 * empty and hold anything.  0: there is none.  -1: errno.
 */
int xuidl_read(int fd, char buf[XUIDL_HEADER], const char **value,
    size_t *len);

#endif
