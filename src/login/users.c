/*
 * users.c - the passwd-file as a whole: its rights, and its lines (P-154).
 *
 * Runs as: the keeper, before it becomes anybody; the administrator's --check.
 * Trusts:  the file's owner, once its rights are right; not that its lines
 *          are whole.
 */
#include "login/users.h"

#include "base/log.h"
#include "login/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void users_complain(const struct users *f, uint64_t line, const char *what)
{
	char text[256];

	snprintf(text, sizeof text, "line %ju: %s: passwd-file",
	    (uintmax_t)line, what);
	log_error(text, f->path);
}

/* Out of reach may pass; what is no file of ours must be mended. */
static enum auth_verdict open_failed(const char *path)
{
	char text[128];
	int saved;

	if (errno == ELOOP) {
		log_error("passwd-file is a symbolic link; name the file "
		    "itself:", path);
		return AUTH_PERM;
	}
	saved = errno;
	snprintf(text, sizeof text, "cannot open passwd-file, which uid %ju "
	    "must be able to read:", (uintmax_t)geteuid());
	errno = saved;
	log_errno(text, path);
	return AUTH_TEMP;
}

static enum auth_verdict check_rights(const struct users *f,
    bool as_root, const struct stat *st)
{
	const char *wrong = NULL;

	if (!S_ISREG(st->st_mode))
		wrong = "passwd-file must be a regular file, unlike";
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
enum auth_verdict users_open(struct users *f, const char *path, bool as_root)
{
	enum auth_verdict verdict;
	struct stat st;

	f->path = path;
	f->octets = f->line = 0;
	f->skipping = f->ended = false;
	f->start = f->end = 0;
	f->fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC);
	if (f->fd == -1)
		return open_failed(path);
	if (fstat(f->fd, &st) == -1) {
		log_errno("cannot look at passwd-file", path);
		verdict = AUTH_TEMP;
	} else {
		verdict = check_rights(f, as_root, &st);
		f->size = (uint64_t)st.st_size;
	}
	if (verdict != AUTH_OK)
		users_close(f);
	return verdict;
}

/* Makes room and reads once.  1, 0 at the end of the file, -1. */
static int fill(struct users *f)
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
static bool take(struct users *f, bool at_end, char **text, size_t *len)
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
		users_complain(f, f->line, too_long ? "skipped, it has more "
		    "than 4096 octets" : "skipped, it has a NUL in it");
		*len = 0;
	}
	return true;
}

/* Half a file must not read as "unknown user". */
static int end_of(const struct users *f)
{
	if (f->octets == f->size)
		return 0;
	log_error("passwd-file changed while it was read; write a new one and "
	    "rename it:", f->path);
	return -1;
}

int users_next(struct users *f, char **text, size_t *len)
{
	while (!take(f, f->ended, text, len)) {
		int more = f->ended ? end_of(f) : fill(f);

		if (more == -1 || f->ended)
			return more;
		f->ended = more == 0;
	}
	return 1;
}

void users_close(struct users *f)
{
	close(f->fd);
	f->fd = -1;
}
