/*
 * fuzz_template.c - a login name put into a path: login/template.c (S-7).
 *
 * Up to the first line feed the octets are a template, behind it a name.
 */
#include "fuzz.h"

#include "login/template.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static bool plain_part(const char *s, size_t len)
{
	return len > 0 && s[0] != '.';
}

/* S-7, in one sentence. */
static bool plain_ok(const char *name, size_t len)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+@-";
	size_t before = strcspn(name, "@");

	if (strspn(name, good) != len || strstr(name, "..") != NULL ||
	    !plain_part(name, before))
		return false;
	return before == len || plain_part(name + before + 1, len - before - 1);
}

/* The folder that the operator meant, whoever the user is. */
static void stays_below(const char *user)
{
	static const char *const templates[] = {
		"/v/%u/Maildir", "/v/%d/%n/Maildir", "/v/%n@%d", "/v/x%n"
	};
	char out[PATH_MAX], *part;
	size_t i;

	for (i = 0; i < 4; i++) {
		int slashes = 0, want = i == 0 ? 3 : i == 1 ? 4 : 2;

		if (template_expand(templates[i], user, out, sizeof out) == -1) {
			must(out[0] == '\0', "no piece of a path");
			continue;
		}
		must(strncmp(out, "/v/", 3) == 0, "below what was named");
		for (part = out; part != NULL; part = strchr(part + 1, '/')) {
			slashes++;
			must(part[1] != '.' && part[1] != '/' &&
			    part[1] != '\0', "S-7: no part is hidden or empty");
		}
		must(slashes == want, "and as deep");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *lf = len == 0 ? NULL : memchr(data, '\n', len);
	size_t cut = lf == NULL ? 0 : (size_t)(lf - data);
	char template[4096], user[4096], out[64];
	int r;

	fuzz_count(len);
	if (len > 4000)
		return 0;
	memcpy(template, data, cut);
	template[cut] = '\0';
	len -= lf == NULL ? 0 : cut + 1;
	memcpy(user, data + (lf == NULL ? 0 : cut + 1), len);
	user[len] = '\0';
	if (strlen(user) == len)
		must(template_name_ok(user, len) == plain_ok(user, len),
		    "S-7: which names may be in a path");
	else
		must(!template_name_ok(user, len), "none with a NUL in it");
	stays_below(user);
	memset(out, 0x5a, sizeof out);
	r = template_expand(template, user, out, sizeof out - 1);
	must(strlen(out) < sizeof out - 1 && out[sizeof out - 1] == 0x5a,
	    "it ends where there is room");
	must(r == 0 || out[0] == '\0', "nothing of what did not fit");
	if (template_check(template) == -1)
		must(r == -1 || strstr(template, "%h") != NULL,
		    "a form that is refused at the start is no form later");
	return 0;
}
