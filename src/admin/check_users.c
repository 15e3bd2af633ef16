/*
 * check_users.c - --check: the passwd-file, each of its lines, and each user's
 * Maildir.
 *
 * Every line is read by the rooms that a login goes through, and what they
 * would log is what is told.  A field is never shown: one colon too many, and
 * a piece of the password stands where another was expected.
 *
 * Runs as: the administrator.
 * Trusts:  the operator, who wrote the file, not that it is without mistakes.
 */
#include "admin/check_users.h"

#include "admin/check_filesystem.h"
#include "admin/check_mailbox.h"
#include "admin/finding.h"
#include "base/grow.h"
#include "base/idle.h"
#include "base/log.h"
#include "base/sha256.h"
#include "login/mailbox.h"
#include "login/record.h"
#include "login/scheme.h"
#include "login/template.h"
#include "login/users.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A name's digest, so that all are of one size, and the line it stands in. */
struct seen {
	unsigned char name[SHA256_LEN];
	uint64_t line;
};

/* The file, while it is looked at. */
struct file {
	const struct config *c;
	bool as_root;
	struct users users;
	struct seen *seen;		/* every name there is */
	size_t count, room;
	size_t locked;			/* users that cannot log in, by will */
	size_t mailboxes;		/* looked at */
	uint64_t hashing;		/* ns spent on it */
	size_t unhashed;		/* hashes that were only looked at */
};

/* --- the file as a whole ------------------------------------------------- */

static char told[FINDING_ROOM];		/* what the rooms said last */

static void hear(const char *line)
{
	snprintf(told, sizeof told, "%s", line);
}

/* What mends a file that users_open() refuses. */
static void advise_opening(const char *path, bool as_root)
{
	const char *quoted = finding_quote(path);
	struct stat st;

	if (lstat(path, &st) == -1 && errno == ENOENT)
		finding_do("install -m 600 -o %u /dev/null %s", geteuid(),
		    quoted);
	else if (lstat(path, &st) == -1)
		finding_edit("name a file in a directory that uid %u can "
		    "pass through", geteuid());
	else if (S_ISLNK(st.st_mode))
		finding_edit("--passwd-file=$(readlink -f %s)", quoted);
	else if (!S_ISREG(st.st_mode))
		finding_edit("name a file of lines NAME:PASSWORD:UID:GID::"
		    "HOME::");
	else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		finding_do("chmod go-w %s", quoted);
	else if (as_root)
		finding_do("chown root %s", quoted);
	else
		finding_do("chown %u %s && chmod 400 %s", geteuid(), quoted,
		    quoted);
}

static void rights(const char *path)
{
	struct stat st;

	if (path[0] != '/') {
		finding_mend("--passwd-file=%s: relative to where the "
		    "launcher starts the program, often /", path);
		finding_edit("name it from / on, as in --passwd-file=$PWD/%s",
		    finding_quote(path));
	}
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & S_IROTH) != 0) {
		finding_mend("passwd-file %s: everybody can read the "
		    "passwords", path);
		finding_do("chmod o-r %s", finding_quote(path));
	}
}

/* --- a line -------------------------------------------------------------- */

static void wrong_line(const struct file *f, const char *name,
    const char *wrong, const char *edit)
{
	finding_mend("passwd-file %s: line %ju%s%s: %s", f->users.path,
	    (uintmax_t)f->users.line, *name == '\0' ? "" : ", ", name, wrong);
	finding_edit("line %ju: %s", (uintmax_t)f->users.line, edit);
}

static void remember(struct file *f, const char *name)
{
	void *block = f->seen;
	struct sha256 sum;

	if (grow(&block, f->count, 1, &f->room, sizeof *f->seen) == -1)
		return;
	f->seen = block;
	sha256_start(&sum);
	sha256_add(&sum, name, strlen(name));
	sha256_end(&sum, f->seen[f->count].name);
	f->seen[f->count++].line = f->users.line;
}

/* Whether the stored password is of use; an empty secret fits none. */
static bool password(struct file *f, const char *name, const char *stored)
{
	uint64_t began = idle_clock();
	enum scheme_result fits;

	if (scheme_costs(stored) && f->hashing >
	    CHECK_USERS_HASHING * UINT64_C(1000000000)) {
		f->unhashed++;
		return true;
	}
	fits = scheme_check(stored, "");
	f->hashing += idle_clock() - began;
	if (fits != SCHEME_UNUSABLE)
		return true;
	wrong_line(f, name, told, "put what \"openssl passwd -6\" prints into "
	    "the second field");
	return false;
}

static void mailbox(struct file *f, const struct auth_identity *who)
{
	char path[PATH_MAX], whose[AUTH_NAME_MAX + 16], absolute[2 * PATH_MAX];
	const char *wrong = mailbox_path(who, f->c->maildir, path,
	    sizeof path);

	if (wrong != NULL) {
		snprintf(absolute, sizeof absolute, "%s %s", wrong, who->user);
		wrong_line(f, who->user, absolute, "write the home into the "
		    "sixth field, or userdb_mail=maildir:PATH into the eighth");
		return;
	}
	if (f->mailboxes >= CHECK_USERS_MAILBOXES)
		return;
	f->mailboxes++;
	snprintf(whose, sizeof whose, "mail of %s", who->user);
	check_mailbox(who, path, whose, f->c->delete == MAILDIR_TRASH);
	snprintf(absolute, sizeof absolute, "%s%s%s", path[0] == '/' ? "" :
	    who->home, path[0] == '/' ? "" : "/", path);
	check_filesystem(absolute, f->c->lock);
}

static void user(struct file *f, const char *name,
    char *field[RECORD_FIELDS])
{
	static struct auth_identity who;
	const char *wrong = record_mistake(field), *why;
	char numbers[160];

	if (wrong != NULL)
		wrong_line(f, name, wrong, "write allow_nets=ADDRESS or "
		    "ADDRESS/BITS, several with a comma between them and no "
		    "space");
	if (!password(f, name, field[RECORD_PASSWORD]))
		return;
	why = record_objection(field, "");
	if (scheme_locked(field[RECORD_PASSWORD]) ||
	    (why != NULL && strcmp(why, "disabled") == 0)) {
		f->locked++;
		return;
	}
	memset(&who, 0, sizeof who);
	strcpy(who.user, name);
	wrong = record_identity(field, f->as_root, &who);
	if (wrong == NULL) {
		mailbox(f, &who);
		return;
	}
	snprintf(numbers, sizeof numbers, "NAME:PASSWORD:UID:GID:GECOS:HOME:"
	    "SHELL:EXTRA is the form; %s", f->as_root ? "UID and GID are "
	    "those of who owns the mail" : "UID may be left empty");
	wrong_line(f, name, wrong, numbers);
}

static void line(struct file *f, const char *text, size_t len)
{
	static char record[RECORD_LIMIT + 1];
	char *field[RECORD_FIELDS], *c;

	if (len == 0 || text[0] == '#')
		return;
	memcpy(record, text, len);
	record[len] = '\0';
	if (strchr(record, ':') == NULL) {
		wrong_line(f, "", "no record, there is no colon in it",
		    "write NAME:PASSWORD:UID:GID::HOME::, or # in front");
		return;
	}
	record_split(record, field);
	for (c = field[RECORD_NAME]; *c != '\0'; c++)
		*c = template_fold(*c);
	if (!template_name_ok(field[RECORD_NAME],
	    strlen(field[RECORD_NAME])) ||
	    strlen(field[RECORD_NAME]) > AUTH_NAME_MAX) {
		wrong_line(f, "", "nobody can log in by this name",
		    "use A-Z a-z 0-9 . _ + @ - for the name, no dot in front "
		    "and no two dots together");
		return;
	}
	remember(f, field[RECORD_NAME]);
	user(f, field[RECORD_NAME], field);
	explicit_bzero(record, sizeof record);
}

/* --- all of them --------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int r = memcmp(x->name, y->name, sizeof x->name);

	return r != 0 ? r : (x->line > y->line) - (x->line < y->line);
}

/* What can be told of no line alone. */
static void duplicates(struct file *f)
{
	const char *path = f->users.path;
	size_t i, first = 0;

	if (f->count > 0)
		qsort(f->seen, f->count, sizeof *f->seen, by_name);
	for (i = 1; i < f->count; i++) {
		if (memcmp(f->seen[i].name, f->seen[first].name,
		    sizeof f->seen[i].name) != 0) {
			first = i;
			continue;
		}
		/* Only made a comment: the numbers of lines stay right. */
		finding_mend("passwd-file %s: line %ju: never used, line %ju "
		    "has the name already", path, (uintmax_t)f->seen[i].line,
		    (uintmax_t)f->seen[first].line);
		finding_do("sed -i '%jus/^/#/' %s",
		    (uintmax_t)f->seen[i].line, finding_quote(path));
	}
}

static void forget(struct file *f)
{
	free(f->seen);
	explicit_bzero(f, sizeof *f);
}

static void summary(const struct file *f)
{
	if (f->count == 0)
		finding_note("passwd-file %s: no users in it: man 5 "
		    "maildir-pop3d-passwd says how a line is written",
		    f->users.path);
	else
		finding_well("passwd-file %s: read to its end; users: %zu, "
		    "locked: %zu, Maildirs looked at: %zu", f->users.path,
		    f->count, f->locked, f->mailboxes);
	if (f->mailboxes == CHECK_USERS_MAILBOXES)
		finding_note("no more than %zu Maildirs are looked at",
		    f->mailboxes);
	if (f->unhashed > 0)
		finding_note("hashes not tried, as that takes too long: %zu",
		    f->unhashed);
}

void check_users(const struct config *c, bool as_root)
{
	static struct file f;
	const char *path = c->passwd_file;
	char *text;
	size_t len;
	int more;

	log_divert(hear);
	f.c = c;
	f.as_root = as_root;
	rights(path);
	if (users_open(&f.users, path, as_root) != AUTH_OK) {
		finding_mend("%s", told);
		advise_opening(path, as_root);
		return;
	}
	for (;;) {
		told[0] = '\0';
		more = users_next(&f.users, &text, &len);
		if (told[0] != '\0') {
			finding_mend("%s", told);
			finding_edit(more == 1 ? "make line %ju shorter, or "
			    "remove it" : "write a new file, and rename it; "
			    "line %ju was the last", (uintmax_t)f.users.line);
		}
		if (more != 1)
			break;
		line(&f, text, len);
	}
	users_close(&f.users);
	duplicates(&f);
	summary(&f);
	forget(&f);
}
