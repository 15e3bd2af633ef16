/*
 * fuzz_passwd.c - a passwd-file: login/auth_file.c, record.c, scheme.c, nets.c
 * (P-150...P-154, S-15).
 *
 * The first octet chooses, then come three lines, the name, the secret and
 * the client's address; the rest is the file.  crypt(3) is ours: what it costs
 * is no matter here, what it answers is.
 */
#include "fuzz.h"

#include "login/auth.h"
#include "login/record.h"
#include "login/template.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct crypt_data;
char *crypt_r(const char *secret, const char *setting,
    struct crypt_data *data);

/* Right for the secret "match"; else a hash of something else, or a failure
 * in one of its forms. */
char *crypt_r(const char *secret, const char *setting, struct crypt_data *data)
{
	static char text[4096];

	(void)data;
	switch (secret[0]) {
	case '0':
		return NULL;
	case '1':
		return strcpy(text, "*0");
	case '2':
		return strcpy(text, "short");
	}
	snprintf(text, sizeof text, "%s", setting);
	if (strcmp(secret, "match") != 0 && text[0] != '\0')
		text[strlen(text) - 1] ^= 1;
	return text;
}

struct question {
	char name[300], secret[300], ip[300];
	const char *file;
	size_t len;
};

static bool take_line(const char **at, const char *end, char out[300])
{
	const char *lf = memchr(*at, '\n', (size_t)(end - *at));

	if (lf == NULL || lf - *at >= 300)
		return false;
	memcpy(out, *at, (size_t)(lf - *at));
	out[lf - *at] = '\0';
	*at = lf + 1;
	return true;
}

static bool same_folded(const char *a, size_t len, const char *b)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (template_fold(a[i]) != template_fold(b[i]))
			return false;
	return b[len] == '\0';
}

/* The record that counts, or NULL; *n is its length. */
static const char *find(const struct question *q, size_t *n)
{
	const char *at = q->file, *end = at + q->len;

	for (; at < end; at += *n + 1) {
		const char *lf = memchr(at, '\n', (size_t)(end - at)), *colon;
		size_t len;

		len = *n = (size_t)((lf == NULL ? end : lf) - at);
		if (len > 0 && at[len - 1] == '\r')
			len--;
		if (len == 0 || len > RECORD_LIMIT || at[0] == '#' ||
		    memchr(at, '\0', len) != NULL)
			continue;
		colon = memchr(at, ':', len);
		if (same_folded(at, (size_t)((colon == NULL ? at + len :
		    colon) - at), q->name)) {
			*n = len;
			return at;
		}
	}
	return NULL;
}

static void nobody(const struct auth_identity *who)
{
	static const struct auth_identity none;

	must(memcmp(who, &none, sizeof none) == 0, "nobody's identity");
}

static void sound(const struct auth_identity *who, const struct question *q,
    bool as_root)
{
	must(strlen(who->user) == strlen(q->name) &&
	    same_folded(q->name, strlen(q->name), who->user), "the user asked");
	must(who->home[0] == '\0' || who->home[0] == '/', "an absolute home");
	must(who->mail[0] == '\0' || who->mail[0] == '/', "an absolute path");
	must(who->switch_user == as_root, "who is root becomes somebody");
	must(!as_root || (who->uid != 0 && who->gid != 0), "S-3: not root");
	must(as_root || who->uid == geteuid(), "who is not root stays");
	must(!who->groups, "no system user");
}

/* Whether "nologin" is a word of the extra fields, behind seven colons. */
static bool may_not(const char *record, size_t len)
{
	const char *at = record, *end = record + len;
	int colons;

	for (colons = 0; colons < 7 && at != NULL; colons++) {
		at = memchr(at, ':', (size_t)(end - at));
		at = at == NULL ? NULL : at + 1;
	}
	return at != NULL && memmem(at, (size_t)(end - at), " nologin ", 9) !=
	    NULL;
}

/* "name:{PLAIN}secret" and nothing more. */
static bool is_simple(const char *record, size_t len, const char *secret)
{
	char want[RECORD_LIMIT];
	const char *colon = memchr(record, ':', len);
	size_t n;

	if (colon == NULL || strchr(secret, ':') != NULL || secret[0] == '\0')
		return false;
	n = (size_t)snprintf(want, sizeof want, ":{PLAIN}%s", secret);
	return len - (size_t)(colon - record) == n &&
	    memcmp(colon, want, n) == 0;
}

static void try_file(const struct question *q, bool as_root)
{
	struct auth_request r = { .kind = AUTH_PASS, .name = q->name,
		.secret = q->secret, .stamp = "", .ip = q->ip };
	struct auth_identity who;
	const char *reason = NULL, *record;
	enum auth_verdict v;
	size_t len = 0;

	r.name_len = strlen(q->name);
	r.secret_len = strlen(q->secret);
	fuzz_write("passwd", q->file, q->len);
	v = auth_file_check("passwd", as_root, &r, &who, &reason);
	record = template_name_ok(q->name, r.name_len) &&
	    r.name_len <= AUTH_NAME_MAX && r.secret_len <= AUTH_SECRET_MAX ?
	    find(q, &len) : NULL;
	must(v != AUTH_TEMP, "the file is in reach");
	if (v == AUTH_OK) {
		must(record != NULL, "only who has a record");
		must(r.secret_len > 0, "never without a secret");
		must(!may_not(record, len), "P-152: not who may not");
		sound(&who, q, as_root);
		return;
	}
	nobody(&who);
	must(reason != NULL, "there is a reason");
	if (record == NULL)
		must(v == AUTH_REFUSED, "who is not there is refused");
	else if (!as_root)
		must(!is_simple(record, len, q->secret),
		    "who is there with that secret is let in");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static bool begun;
	struct question q;
	const char *at = (const char *)data + 1, *end = at - 1 + len;

	fuzz_count(len);
	if (!begun)
		fuzz_folder();
	begun = true;
	if (len < 4 || !take_line(&at, end, q.name) ||
	    !take_line(&at, end, q.secret) || !take_line(&at, end, q.ip))
		return 0;
	q.file = at;
	q.len = (size_t)(end - at);
	fuzz_short(data[0] >> 1);
	try_file(&q, false);
	try_file(&q, true);
	fuzz_short(0);
	fuzz_descriptors();
	return 0;
}
