/*
 * mailbox.c - where the mail of somebody who logged in is.
 *
 * Runs as: the keeper, which is the user by now; the administrator's --check.
 * Trusts:  the operator's MAILDIR and record; of the login name, nothing.
 */
#include "login/mailbox.h"

#include "login/template.h"

#include <stdio.h>

const char *mailbox_path(const struct auth_identity *who, const char *maildir,
    char *path, size_t room)
{
	if (who->mail[0] != '\0') {
		snprintf(path, room, "%s", who->mail);
		return NULL;
	}
	if (template_expand(maildir, who->user, path, room) == -1)
		return "the login name does not fit into MAILDIR (%n, %d are "
		    "what stands before and after its @):";
	if (path[0] != '/' && who->home[0] == '\0')
		return "MAILDIR is not absolute and the passwd-file has no "
		    "home; give one to";
	return NULL;
}
