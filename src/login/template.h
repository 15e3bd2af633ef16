/*
 * template.h - a login name put into the operator's path (S-7).
 *
 *	%u	the whole login name		%%	one %
 *	%n	what stands before the first @	%h	the home, where there is
 *	%d	what stands after it			one (passwd-file only)
 *
 * ASCII letters of the name are folded to lower case first (P-58).
 */
#ifndef LOGIN_TEMPLATE_H
#define LOGIN_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

/* An ASCII letter in lower case, whatever the locale; else c. */
char template_fold(char c);

/*
 * Whether a name of len octets may become part of a path: [A-Za-z0-9._+@-]
 * only, no ".."; neither the name nor what stands before or after its first @
 * is empty or begins with a dot.
 */
bool template_name_ok(const char *name, size_t len);

/*
 * Expands template into out, which has room octets, the NUL included.
 * 0, or -1: unknown % form; no room; a name is wanted (%u, %n, %d) that is not
 * template_name_ok(); %d and the name has no @.  out is "" then.
 */
int template_expand(const char *template, const char *user, char *out,
    size_t room);

/* The same; %h is home, and -1 where home is "" and wanted. */
int template_expand_home(const char *template, const char *user,
    const char *home, char *out, size_t room);

/*
 * For the command line, which has no %h: 1 if template wants a name, 0 if it
 * does not, -1 if it has an unknown % form.
 */
int template_check(const char *template);

#endif
