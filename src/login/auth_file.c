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

#include "base/log.h"
#include "login/record.h"
#include "login/scheme.h"
#include "login/template.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_ROOM 32768		/* a large file in few read(2)s */
#define DUMMIES 4		/* the first may look right and yet be broken */

/* All that is read of the file; wiped as a whole. */
struct passwd_file {
	const char *path;
	int fd;
	uint64_t octets;		/* read so far */
	uint64_t line;			/* number of the one taken last */
	bool skipping;			/* inside a line that is too long */
	size_t start, end;		/* of what is in buf and not taken */
	char buf[READ_ROOM];

	char name[AUTH_NAME_MAX + 1];	/* folded; "" matches nobody */
	uint64_t found;			/* line of the record, 0: none */
	char record[RECORD_LIMIT + 1];
	size_t dummies;
	char dummy[DUMMIES][SCHEME_RECORD_MAX + 1];
};

static void complain(const struct passwd_file *f, uint64_t line,
    const char *what)
{
	char text[256];

	snprintf(text, sizeof text, "line %ju: %s: passwd-file",
	    (uintmax_t)line, what);
	log_error(text, f->path);
}

/* --- the file ------------------------------------------------------------ */

/* Out of reach may pass; what is no file of ours must be mended. */
static enum auth_verdict open_failed(const char *path)
{
	if (errno == ELOOP) {
		log_error("passwd-file is a symbolic link; name the file "
		    "itself:", path);
		return AUTH_PERM;
	}
	log_errno("cannot open passwd-file", path);
	return AUTH_TEMP;
}

static enum auth_verdict check_rights(const struct passwd_file *f,
    bool as_root, const struct stat *st)
{
	const char *wrong = NULL;

	if (!S_ISREG(st->st_mode))
		wrong = "passwd-file is not a regular file:";
	else if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		wrong = "passwd-file can be written by group or others; chmod "
		    "go-w";
	else if (as_root && st->st_uid != 0 && st->st_uid != geteuid())
		wrong = "passwd-file belongs to another user; chown root";
	if (wrong == NULL)
		return AUTH_OK;
	log_error(wrong, f->path);
	return AUTH_PERM;
}

/* As S-8: a link, FIFO or device must do no harm by being opened. */
static enum auth_verdict open_file(struct passwd_file *f, bool as_root,
    struct stat *st)
{
	enum auth_verdict verdict;

	f->fd = open(f->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC);
	if (f->fd == -1)
		return open_failed(f->path);
	if (fstat(f->fd, st) == -1) {
		log_errno("cannot look at passwd-file", f->path);
		verdict = AUTH_TEMP;
	} else {
		verdict = check_rights(f, as_root, st);
	}
	if (verdict != AUTH_OK)
		close(f->fd);
	return verdict;
}

/* Makes room and reads once.  1, 0 at the end of the file, -1. */
static int fill(struct passwd_file *f)
{
	ssize_t n;

	memmove(f->buf, f->buf + f->start, f->end - f->start);
	f->end -= f->start;
	f->start = 0;
	do
		n = read(f->fd, f->buf + f->end, sizeof f->buf - f->end);
	while (n == -1 && errno == EINTR);
	if (n == -1) {
		log_errno("cannot read passwd-file", f->path);
		return -1;
	}
	f->end += (size_t)n;
	f->octets += (uint64_t)n;
	return n > 0;
}

/*
 * Takes the next line out of buf; at_end: the rest is one, too.  What is
 * longer than a line may be is thrown away as it comes, whatever its length.
 */
static bool take(struct passwd_file *f, bool at_end, char **text, size_t *len)
{
	size_t have = f->end - f->start;
	char *from = f->buf + f->start, *lf = memchr(from, '\n', have);
	bool too_long;

	if (lf == NULL && (!at_end || (have == 0 && !f->skipping))) {
		if (f->skipping || have > RECORD_LIMIT + 1) {
			f->skipping = true;
			f->start = f->end;
		}
		return false;
	}
	*text = from;
	*len = lf == NULL ? have : (size_t)(lf - from);
	f->start += *len + (lf != NULL);
	if (*len > 0 && from[*len - 1] == '\r')
		--*len;
	too_long = f->skipping || *len > RECORD_LIMIT;
	f->skipping = false;
	f->line++;
	if (too_long || memchr(from, '\0', *len) != NULL) {
		complain(f, f->line, too_long ? "skipped, it has more than "
		    "4096 octets" : "skipped, it has a NUL in it");
		*len = 0;
	}
	return true;
}

/* --- a line -------------------------------------------------------------- */

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

static void see_line(struct passwd_file *f, const char *line, size_t len)
{
	char *dummy = f->dummy[f->dummies];

	if (len == 0 || line[0] == '#')
		return;
	if (f->dummies < DUMMIES && copy_password(dummy, line, len) &&
	    scheme_costs(dummy))
		f->dummies++;
	if (f->found == 0 && names(line, len, f->name)) {
		f->found = f->line;	/* P-152: the first counts */
		memcpy(f->record, line, len);
		f->record[len] = '\0';
	}
}

static enum auth_verdict read_all(struct passwd_file *f, bool as_root)
{
	enum auth_verdict verdict;
	struct stat st;
	size_t len;
	char *line;
	int more;

	verdict = open_file(f, as_root, &st);
	if (verdict != AUTH_OK)
		return verdict;
	do {
		more = fill(f);
		while (more != -1 && take(f, more == 0, &line, &len))
			see_line(f, line, len);
	} while (more == 1);
	close(f->fd);
	if (more == 0 && f->octets == (uint64_t)st.st_size)
		return AUTH_OK;
	if (more == 0)	/* half a file must not read as "unknown user" */
		log_error("passwd-file changed while it was read; write a new "
		    "one and rename it:", f->path);
	return AUTH_TEMP;
}

/* --- the verdict --------------------------------------------------------- */

/* The secret is right. */
static enum auth_verdict admit(const struct passwd_file *f, bool as_root,
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
	complain(f, f->found, wrong);
	*reason = "record";
	return AUTH_PERM;
}

static enum auth_verdict judge(struct passwd_file *f, bool as_root,
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
		complain(f, f->found, "[SYS/PERM] the stored "
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
	struct passwd_file f;
	enum auth_verdict verdict;
	size_t i;

	memset(who, 0, sizeof *who);
	*reason = "unsupported";
	if (r->kind == AUTH_APOP)
		return AUTH_REFUSED;
	*reason = "file";
	memset(&f, 0, sizeof f);
	f.path = path;
	if (is_sound(r))
		for (i = 0; i < r->name_len; i++)
			f.name[i] = template_fold(r->name[i]);
	verdict = read_all(&f, as_root);
	if (verdict == AUTH_OK)
		verdict = judge(&f, as_root, r, who, reason);
	if (verdict != AUTH_OK)
		memset(who, 0, sizeof *who);
	explicit_bzero(&f, sizeof f);
	return verdict;
}
