/*
 * check_way.h - --check: PAM, a checker, or a Maildir that is named.
 */
#ifndef ADMIN_CHECK_WAY_H
#define ADMIN_CHECK_WAY_H

#include "config.h"

void check_pam(const struct config *c, bool as_root);

/* The program, and what it runs: ourselves. */
void check_checker(const struct config *c);

/* MAILDIR as its owner, or without root as who we are. */
void check_named(const struct config *c);

#endif
