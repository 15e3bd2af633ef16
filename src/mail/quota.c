/*
 * quota.c - Maildir++'s file maildirsize.
 *
 * It is appended to by everybody who delivers or removes, a line at a time, so
 * the line is one write(2).  It is never made, read or counted anew here: who
 * delivers next does that when the file has grown, or is wrong.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing: the file may be a link or a FIFO by now (S-8).
 */
#include "mail/quota.h"

#include "base/num.h"
#include "mail/name.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LEVELS 8	/* of folders, at most */

/* Only the path is asked: nobody else shall pay a system call for this. */
static bool named_as_folder(const char *path)
{
	size_t end = strlen(path);

	while (end > 0 && path[end - 1] == '/')
		end--;
	while (end > 0 && path[end - 1] != '/')
		end--;
	return path[end] == '.' && strchr("./", path[end + 1]) == NULL;
}

static bool is_folder(int dir)
{
	return faccessat(dir, "maildirfolder", F_OK, 0) == 0;
}

void quota_above(struct quota *q, const struct maildir *m)
{
	int dir = m->root, levels;

	memset(q, 0, sizeof *q);
	q->above = q->fd = -1;
	if (!named_as_folder(m->path))
		return;
	for (levels = 0; levels < LEVELS && is_folder(dir); levels++) {
		dir = openat(dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (q->above != -1)
			close(q->above);
		q->above = dir;
	}
}

/* The time between this and the line is short: who counts anew meanwhile puts
 * another file there, and our line does not spoil that. */
void quota_open(struct quota *q, const struct maildir *m)
{
	const int dir = q->above == -1 ? m->root : q->above;
	struct stat st;

	q->fd = maildir_open_file(dir, QUOTA_NAME, O_WRONLY | O_APPEND);
	if (q->fd == -1) {
		if (errno != ENOENT)
			maildir_complain(m, "cannot open, so what is removed "
			    "stays in the count:", QUOTA_NAME, "");
		return;
	}
	if (fstat(q->fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size < QUOTA_MAX)
		return;
	close(q->fd);
	q->fd = -1;
}

uint64_t quota_weigh(const struct quota *q, const struct maildir *m,
    enum maildir_sub sub, const char *name)
{
	uint64_t octets;
	struct stat st;

	if (q->fd == -1)
		return 0;
	if (name_field(name, 'S', &octets) == 0 && octets <= INT64_MAX)
		return octets;
	return fstatat(m->sub[sub], name, &st, AT_SYMLINK_NOFOLLOW) == -1 ?
	    0 : (uint64_t)st.st_size;
}

void quota_removed(struct quota *q, const char *name, uint64_t octets)
{
	if (name_has_flag(name, 'T'))
		return;
	q->octets += octets;
	q->count++;
}

/* "-5 -1", LF: no minus before a 0. */
static size_t format(const struct quota *q, char line[2 * NUM_DIGITS + 4])
{
	size_t len = 0;

	if (q->octets > 0)
		line[len++] = '-';
	len += num_format(line + len, q->octets);
	line[len++] = ' ';
	line[len++] = '-';
	len += num_format(line + len, q->count);
	line[len++] = '\n';
	return len;
}

void quota_close(struct quota *q, const struct maildir *m)
{
	char line[2 * NUM_DIGITS + 4];
	size_t len = format(q, line);

	if (q->fd != -1 && q->count > 0 && write(q->fd, line, len) !=
	    (ssize_t)len)
		maildir_complain(m, "cannot append to", QUOTA_NAME, "");
	if (q->fd != -1)
		close(q->fd);
	if (q->above != -1)
		close(q->above);
	q->fd = q->above = -1;
}
