/*
 * nets.h - from which addresses a user may log in (P-152).
 */
#ifndef LOGIN_NETS_H
#define LOGIN_NETS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether ip is in one of the networks of a list "address[/bits],..." of len
 * octets.  A word that cannot be read refuses, wherever it stands.  "local"
 * means Dovecot's connections without an address: ours with none are of
 * unknown origin, so it lets nobody in.
 */
bool nets_allow(const char *list, size_t len, const char *ip);

/* Whether every word of the list can be read. */
bool nets_sound(const char *list, size_t len);

#endif
