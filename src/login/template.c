/*
 * template.c - a login name put into the operator's path (S-7).
 *
 * Runs as: the keeper, before it becomes anybody.
 * Trusts:  the template, which is the operator's; of the name, nothing.
 */
#include "login/template.h"

#include <string.h>

char template_fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool part_ok(const char *part, size_t len)
{
	return len > 0 && part[0] != '.';
}

/* An octet of [A-Za-z0-9._+@-]; the locale has no say. */
static bool octet_ok(char c)
{
	char low = template_fold(c);

	return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("._+@-", c) != NULL);
}

bool template_name_ok(const char *name, size_t len)
{
	const char *at = memchr(name, '@', len);
	size_t i;

	for (i = 0; i < len; i++)
		if (!octet_ok(name[i]) ||
		    (i > 0 && name[i] == '.' && name[i - 1] == '.'))
			return false;
	if (at == NULL)
		return part_ok(name, len);
	return part_ok(name, (size_t)(at - name)) &&
	    part_ok(at + 1, len - 1 - (size_t)(at - name));
}

/* What form, the octet behind a %, stands for; NULL: nothing. */
static const char *value_of(char form, const char *user, const char *home,
    size_t *len)
{
	size_t whole = strlen(user), before = strcspn(user, "@");

	if (form == '%') {
		*len = 1;
		return "%";
	}
	if (form == 'h') {
		*len = strlen(home);
		return *len == 0 ? NULL : home;
	}
	if (form == '\0' || strchr("und", form) == NULL ||
	    !template_name_ok(user, whole))
		return NULL;
	if (form == 'd' && before == whole)
		return NULL;
	*len = form == 'n' ? before : whole;
	if (form != 'd')
		return user;
	*len -= before + 1;
	return user + before + 1;
}

/* Folds all it copies unless it is %h: a home stays as it is. */
static int put(char *out, size_t room, size_t *used, const char *text,
    size_t len, bool folded)
{
	size_t i;

	if (len >= room - *used)
		return -1;
	for (i = 0; i < len; i++)
		out[(*used)++] = folded ? template_fold(text[i]) : text[i];
	return 0;
}

int template_expand_home(const char *template, const char *user,
    const char *home, char *out, size_t room)
{
	size_t used = 0, len;
	const char *t = template, *value;

	if (room == 0)
		return -1;
	for (; *t != '\0'; t++) {
		bool form = *t == '%';

		value = t;
		len = 1;
		if (form)
			value = value_of(*++t, user, home, &len);
		if (value == NULL || put(out, room, &used, value, len,
		    form && *t != 'h') == -1) {
			out[0] = '\0';
			return -1;
		}
	}
	out[used] = '\0';
	return 0;
}

int template_expand(const char *template, const char *user, char *out,
    size_t room)
{
	return template_expand_home(template, user, "", out, room);
}

int template_check(const char *template)
{
	const char *t;
	int wants = 0;

	for (t = strchr(template, '%'); t != NULL; t = strchr(t + 1, '%')) {
		t++;
		if (*t == '\0' || strchr("und%", *t) == NULL)
			return -1;
		if (*t != '%')
			wants = 1;
	}
	return wants;
}
