/*
 * name.h - what a file name in a Maildir says (P-45, P-49, P-143, P-144,
 * P-147).
 *
 *	1700000000.M1P2.host,S=1234,W=1270:2,RS
 *	`------- unique name ------------'  `flags
 *	`---- key ---------'
 *
 * Names are chosen by deliverers and, in part, by who sends mail: every octet
 * but NUL and / may stand in them.
 */
#ifndef MAIL_NAME_H
#define MAIL_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_LIMIT 255	/* octets of a file name, without a NUL */

/* Whether it can be a message's at all: one file's, in this directory (S-7). */
bool name_ok(const char *name);

/* Octets up to the first colon: what stays when flags change. */
size_t name_unique(const char *name);

bool name_same_unique(const char *a, const char *b);

/* Octets up to the first comma or colon: what stays when sizes are corrected
 * too. */
size_t name_key(const char *name);

/*
 * The number after ",S=" or ",W=" (key is the letter) in the unique name:
 * digits up to a comma, the colon or the end.  -1: absent or absurd.
 */
int name_field(const char *name, char key, uint64_t *number);

/* Whether the info is ":2," and has the flag. */
bool name_has_flag(const char *name, char flag);

/*
 * Writes to out the name that the message has in cur/ with the flag added, in
 * its place in ASCII order.  -1: its info is not of the form ":2,", which is
 * left alone, or the new name would be too long.
 */
int name_add_flag(const char *name, char flag, char out[NAME_LIMIT + 1]);

/*
 * Writes to out the name with "~copy" after the unique name; -1: too long.
 */
int name_add_copy(const char *name, unsigned copy, char out[NAME_LIMIT + 1]);

/*
 * The order of a maildrop (P-49): the leading decimal number, none counting
 * as 0, then the octets of the unique name.  a and b are unique names.
 */
int name_compare(const char *a, size_t a_len, const char *b, size_t b_len);

/*
 * A number that grows with the leading number of name, NAME_ORDER_TOP for all
 * that are too long for 64 bits; equal ones need name_compare().
 */
#define NAME_ORDER_TOP UINT64_MAX
uint64_t name_order(const char *name);

#endif
