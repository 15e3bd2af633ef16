/*
 * fds.h - the descriptors a process starts with (S-12).
 */
#ifndef BASE_FDS_H
#define BASE_FDS_H

#include <stddef.h>

/*
 * 0 and 1 are the connection: -1 if one of them is not open.  A missing 2
 * becomes /dev/null, or the next file that is opened would be it.
 */
int fds_check(void);

/* Closes all above 2 but the n in keep, of which those below 3 say nothing. */
void fds_close_but(const int *keep, size_t n);

#endif
