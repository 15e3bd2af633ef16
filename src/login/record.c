/*
 * record.c - what one record of the passwd-file says (P-152).
 *
 * Runs as: the keeper.
 * Trusts:  the operator, who wrote it, not that it is without mistakes.
 */
#include "login/record.h"

#include "base/num.h"
#include "login/nets.h"
#include "login/template.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void record_split(char *record, char *field[RECORD_FIELDS])
{
	char *colon;
	size_t i;

	for (i = 0; i < RECORD_FIELDS; i++) {
		field[i] = record;
		colon = i == RECORD_EXTRA ? NULL : strchr(record, ':');
		if (colon != NULL)
			*colon = '\0';
		record = colon != NULL ? colon + 1 : record + strlen(record);
	}
}

/*
 * The next word of the extra field, split at its "="; *value is NULL without
 * one.  NULL: no more.  Leaves the field as it is.
 */
static const char *next_extra(const char **extra, size_t *key_len,
    const char **value, size_t *value_len)
{
	const char *word = *extra + strspn(*extra, " ");
	size_t len = strcspn(word, " ");

	*extra = word + len;
	*key_len = len;
	*value = memchr(word, '=', len);
	if (*value != NULL) {
		*key_len = (size_t)(*value - word);
		*value_len = len - *key_len - 1;
		++*value;
	}
	return len == 0 ? NULL : word;
}

static bool is_key(const char *word, size_t len, const char *key)
{
	return len == strlen(key) && memcmp(word, key, len) == 0;
}

const char *record_objection(char *field[RECORD_FIELDS], const char *ip)
{
	const char *extra = field[RECORD_EXTRA], *word, *value;
	size_t len, value_len = 0;

	while ((word = next_extra(&extra, &len, &value, &value_len)) != NULL) {
		if (is_key(word, len, "nologin") ||
		    is_key(word, len, "nopassword"))
			return "disabled";
		if (is_key(word, len, "allow_nets") && (value == NULL ||
		    !nets_allow(value, value_len, ip)))
			return "nets";
	}
	return NULL;
}

const char *record_mistake(char *field[RECORD_FIELDS])
{
	const char *extra = field[RECORD_EXTRA], *word, *value;
	size_t len, value_len = 0;

	while ((word = next_extra(&extra, &len, &value, &value_len)) != NULL)
		if (is_key(word, len, "allow_nets") && (value == NULL ||
		    !nets_sound(value, value_len)))
			return "allow_nets has a word that cannot be read, so "
			    "every login of this user is refused";
	return NULL;
}

/* A uid or gid: 0, or -1 and *wrong says why. */
static int read_id(const char *text, uint64_t *id, const char **wrong)
{
	if (num_parse_range(text, 0, UINT32_MAX - 1, id) == -1)
		*wrong = "uid and gid must be numbers";
	else if (*id == 0)
		*wrong = "uid or gid is 0: root has no mail here";
	else
		return 0;
	return -1;
}

static const char *take_ids(char *field[RECORD_FIELDS], bool as_root,
    struct auth_identity *who)
{
	uint64_t uid = geteuid(), gid = getegid();
	const char *wrong = NULL;

	if (as_root && (field[RECORD_UID][0] == '\0' || field[RECORD_GID][0] == '\0'))
		return "uid or gid is missing: needed where the server is "
		    "started as root";
	if ((field[RECORD_UID][0] != '\0' && read_id(field[RECORD_UID], &uid, &wrong) == -1)
	    || (field[RECORD_GID][0] != '\0' &&
	    read_id(field[RECORD_GID], &gid, &wrong) == -1))
		return wrong;
	if (!as_root && uid != geteuid())
		return "uid is not the one this server runs as; start it as "
		    "root, or as that user";
	who->switch_user = as_root;
	who->uid = (uid_t)uid;
	who->gid = as_root ? (gid_t)gid : getegid();
	return NULL;
}

static const char *take_home(const char *home, struct auth_identity *who)
{
	if (home[0] != '\0' && home[0] != '/')
		return "home is not absolute; begin it with /";
	if (strlen(home) > AUTH_PATH_MAX)
		return "home is too long";
	strcpy(who->home, home);
	return NULL;
}

/*
 * Where Dovecot's "maildir:path[:option]..." has the inbox: the path, or what
 * option INBOX= says.
 */
static const char *inbox_of(char *location)
{
	char *path = location + strlen("maildir:"), *option = path, *colon;

	while ((colon = strchr(option, ':')) != NULL) {
		*colon = '\0';
		option = colon + 1;
		if (strncmp(option, "INBOX=", 6) == 0)
			path = option + 6;
	}
	return path;
}

/* As Dovecot reads it: "~/" and a relative path are below the home. */
static const char *take_mail(char *location, struct auth_identity *who)
{
	char path[AUTH_PATH_MAX + 1];
	const char *below = path;
	size_t home = strlen(who->home);

	if (strncmp(location, "maildir:", strlen("maildir:")) != 0)
		return "userdb_mail must be maildir:PATH";
	if (template_expand_home(inbox_of(location), who->user, who->home,
	    path, sizeof path) == -1)
		return "userdb_mail is too long, or has a % form that is "
		    "unknown or that this user has no value for";
	if (path[0] == '\0' || (path[0] == '~' && path[1] != '/' &&
	    path[1] != '\0'))
		return "userdb_mail has no path that can be used";
	if (path[0] == '/')
		home = 0;
	else if (home == 0)
		return "userdb_mail is below a home that is not there";
	if (path[0] == '~')
		below += path[1] == '/' ? 2 : 1;
	if (snprintf(who->mail, sizeof who->mail, "%.*s%s%s", (int)home,
	    who->home, home > 0 && below[0] != '\0' ? "/" : "", below) >
	    AUTH_PATH_MAX)
		return "userdb_mail is too long";
	return NULL;
}

static const char *find_mail(const char *extra, struct auth_identity *who)
{
	char location[RECORD_LIMIT + 1];
	const char *word, *value, *wrong;
	size_t len, value_len = 0;

	while ((word = next_extra(&extra, &len, &value, &value_len)) != NULL) {
		if (!is_key(word, len, "userdb_mail") || value == NULL)
			continue;
		memcpy(location, value, value_len);
		location[value_len] = '\0';
		wrong = take_mail(location, who);
		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}

const char *record_identity(char *field[RECORD_FIELDS], bool as_root,
    struct auth_identity *who)
{
	const char *wrong = take_ids(field, as_root, who);

	if (wrong == NULL)
		wrong = take_home(field[RECORD_HOME], who);
	if (wrong == NULL)
		wrong = find_mail(field[RECORD_EXTRA], who);
	return wrong;
}
