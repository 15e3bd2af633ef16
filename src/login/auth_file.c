/*
 * auth_file.c - users of a passwd-file (P-150..P-154).
 *
 * The file is read from end to end whoever asks, and whatever comes out, an
 * answer "no" has cost one crypt(3): the user's own record, or where that
 * costs nothing (no such user, locked, {PLAIN}, a broken hash) one of the
 * first records of the file that does (S-5).  What is wrong with a record is
 * said only to who knows its password.
 *
 * Runs as: the keeper, before it becomes anybody.
 * Trusts:  the file's owner, once its rights are right; not that its lines
 *          are whole.  Of what the client sent, nothing.
 */
#include "login/auth.h"

#include "login/record.h"
#include "login/scheme.h"
#include "login/template.h"
#include "login/users.h"

#include <string.h>

#define DUMMIES 4		/* the first may look right and yet be broken */

/* All that is read of the file; wiped as a whole. */
struct search {
	struct users users;
	char name[AUTH_NAME_MAX + 1];	/* folded; "" matches nobody */
	uint64_t found;			/* line of the record, 0: none */
	char record[RECORD_LIMIT + 1];
	size_t dummies;
	char dummy[DUMMIES][SCHEME_RECORD_MAX + 1];
};

/* --- the file, line by line ---------------------------------------------- */

/* P-58: either side is folded. */
static bool names(const char *line, size_t len, const char *name)
{
	size_t i;

	for (i = 0; i < len && line[i] != ':' && name[i] != '\0'; i++)
		if (template_fold(line[i]) != name[i])
			return false;
	return i > 0 && name[i] == '\0' && (i == len || line[i] == ':');
}

/* Copies a line's password field; false: it is longer than any in use. */
static bool copy_password(char out[SCHEME_RECORD_MAX + 1], const char *line,
    size_t len)
{
	const char *from = memchr(line, ':', len), *end;
	size_t n;

	if (from == NULL)
		return false;
	from++;
	end = memchr(from, ':', len - (size_t)(from - line));
	n = (size_t)((end == NULL ? line + len : end) - from);
	if (n > SCHEME_RECORD_MAX)
		return false;
	memcpy(out, from, n);
	out[n] = '\0';
	return true;
}

static void see_line(struct search *f, const char *line, size_t len)
{
	char *dummy = f->dummy[f->dummies];

	if (len == 0 || line[0] == '#')
		return;
	if (f->dummies < DUMMIES && copy_password(dummy, line, len) &&
	    scheme_costs(dummy))
		f->dummies++;
	if (f->found == 0 && names(line, len, f->name)) {
		f->found = f->users.line;	/* P-152: the first counts */
		memcpy(f->record, line, len);
		f->record[len] = '\0';
	}
}

static enum auth_verdict read_all(struct search *f, const char *path,
    bool as_root)
{
	enum auth_verdict verdict = users_open(&f->users, path, as_root);
	size_t len;
	char *line;
	int more;

	if (verdict != AUTH_OK)
		return verdict;
	while ((more = users_next(&f->users, &line, &len)) == 1)
		see_line(f, line, len);
	users_close(&f->users);
	return more == 0 ? AUTH_OK : AUTH_TEMP;
}

/* --- the verdict --------------------------------------------------------- */

/* The secret is right. */
static enum auth_verdict admit(const struct search *f, bool as_root,
    char *field[RECORD_FIELDS], const char *ip, struct auth_identity *who,
    const char **reason)
{
	const char *wrong;

	*reason = record_objection(field, ip);
	if (*reason != NULL)
		return AUTH_REFUSED;
	strcpy(who->user, f->name);
	wrong = record_identity(field, as_root, who);
	if (wrong == NULL)
		return AUTH_OK;
	users_complain(&f->users, f->found, wrong);
	*reason = "record";
	return AUTH_PERM;
}

static enum auth_verdict judge(struct search *f, bool as_root,
    const struct auth_request *r, struct auth_identity *who,
    const char **reason)
{
	enum auth_verdict verdict = AUTH_REFUSED;
	enum scheme_result fits = SCHEME_NO;
	char *field[RECORD_FIELDS];
	bool worked = false;
	size_t i;

	record_split(f->record, field);	/* all empty, if there is none */
	*reason = "unknown";
	if (f->found != 0) {
		fits = scheme_check(field[RECORD_PASSWORD], r->secret);
		worked = fits != SCHEME_UNUSABLE &&
		    scheme_costs(field[RECORD_PASSWORD]);
		*reason = fits == SCHEME_UNUSABLE ? "hash" :
		    scheme_locked(field[RECORD_PASSWORD]) ? "disabled" :
		    "credentials";
	}
	if (fits == SCHEME_UNUSABLE)
		users_complain(&f->users, f->found, "[SYS/PERM] the stored "
		    "password cannot be used");
	if (fits == SCHEME_MATCH && r->secret_len > 0)
		verdict = admit(f, as_root, field, r->ip, who, reason);
	for (i = 0; verdict == AUTH_REFUSED && !worked && i < f->dummies; i++)
		worked = scheme_work(f->dummy[i], r->secret);
	return verdict;
}

/* S-15: lengths and strings agree, or it is nobody's name and secret. */
static bool is_sound(const struct auth_request *r)
{
	return r->name_len <= AUTH_NAME_MAX &&
	    r->secret_len <= AUTH_SECRET_MAX &&
	    strlen(r->name) == r->name_len &&
	    strlen(r->secret) == r->secret_len &&
	    template_name_ok(r->name, r->name_len);
}

enum auth_verdict auth_file_check(const char *path, bool as_root,
    const struct auth_request *r, struct auth_identity *who,
    const char **reason)
{
	struct search f;
	enum auth_verdict verdict;
	size_t i;

	memset(who, 0, sizeof *who);
	*reason = "unsupported";
	if (r->kind == AUTH_APOP)
		return AUTH_REFUSED;
	*reason = "file";
	memset(&f, 0, sizeof f);
	if (is_sound(r))
		for (i = 0; i < r->name_len; i++)
			f.name[i] = template_fold(r->name[i]);
	verdict = read_all(&f, path, as_root);
	if (verdict == AUTH_OK)
		verdict = judge(&f, as_root, r, who, reason);
	if (verdict != AUTH_OK)
		memset(who, 0, sizeof *who);
	explicit_bzero(&f, sizeof f);
	return verdict;
}
