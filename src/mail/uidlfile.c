/*
 * uidlfile.c - MAILDIR/maildir-pop3d.uidl: UIDLs from another server.
 *
 * The file is kept whole, with NULs in the places of blanks and line feeds;
 * lines point into it.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in the file: anybody with rights in the Maildir may have
 *          written it (S-9).
 */
#include "mail/uidlfile.h"

#include "base/log.h"
#include "mail/maildir.h"
#include "mail/name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct line {
	uint32_t uidl, name;	/* offsets in text */
};

struct uidlfile {
	char *text;
	size_t len;
	struct line *line;
	size_t count;
	size_t bad, first_bad;	/* lines passed over; the first one's number */
	struct texts by_uidl;
	size_t messages;
	uint32_t *line_of;	/* of each message, or MATCH_NONE */
	uint32_t *message;	/* of each number */
	uint32_t *number;	/* of each message */
};

/* --- the file ------------------------------------------------------------- */

static int read_text(struct uidlfile *f, int fd, size_t size)
{
	ssize_t n = 1;

	f->text = malloc(size + 1);
	if (f->text == NULL)
		return -1;
	while (n > 0 && f->len < size) {
		n = read(fd, f->text + f->len, size - f->len);
		if (n == -1 && errno == EINTR)
			n = 1;
		else if (n > 0)
			f->len += (size_t)n;
	}
	f->text[f->len] = '\0';
	return n == -1 ? -1 : 0;
}

/* 1: read; 0: there is none; -1: errno. */
static int read_file(struct uidlfile *f, int root)
{
	struct stat st;
	int r, saved, fd = maildir_open_file(root, UIDLFILE_NAME, O_RDONLY);

	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	r = fstat(fd, &st);
	if (r == 0 && (!S_ISREG(st.st_mode) || st.st_size > UIDLFILE_MAX)) {
		errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
		r = -1;
	}
	if (r == 0)
		r = read_text(f, fd, (size_t)st.st_size);
	saved = errno;
	close(fd);
	errno = saved;
	return r == -1 ? -1 : 1;
}

/* --- its lines ------------------------------------------------------------ */

static bool name_of_message(const char *name, size_t len)
{
	return strlen(name) == len && name_ok(name) &&
	    name_unique(name) == len;
}

/* text..end is a line without its LF, which is a NUL now. */
static bool take_line(struct uidlfile *f, char *text, char *end)
{
	char *blank = memchr(text, ' ', (size_t)(end - text));

	if (blank == NULL || !uidl_known_ok(text, (size_t)(blank - text)) ||
	    !name_of_message(blank + 1, (size_t)(end - blank - 1)))
		return false;
	*blank = '\0';
	f->line[f->count].uidl = (uint32_t)(text - f->text);
	f->line[f->count].name = (uint32_t)(blank + 1 - f->text);
	f->count++;
	return true;
}

/* What is behind the last LF may be half of a line: it is none. */
static void take_lines(struct uidlfile *f, char *text)
{
	char *end, *last = f->text + f->len;
	size_t number;

	for (number = 2; (end = memchr(text, '\n', (size_t)(last - text))) !=
	    NULL; text = end + 1, number++) {
		*end = '\0';
		if (take_line(f, text, end))
			continue;
		if (f->bad++ == 0)
			f->first_bad = number;
	}
	if (text < last && f->bad++ == 0)
		f->first_bad = number;
}

static size_t count_lines(const struct uidlfile *f)
{
	const char *p = f->text, *end = f->text + f->len;
	size_t n = 0;

	for (; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		n++;
	return n;
}

static const char *line_uidl(const void *arg, uint32_t i, size_t *len)
{
	const struct uidlfile *f = arg;
	const char *uidl = f->text + f->line[i].uidl;

	*len = strlen(uidl);
	return uidl;
}

static const char *line_name(const void *arg, uint32_t i, size_t *len)
{
	const struct uidlfile *f = arg;
	const char *name = f->text + f->line[i].name;

	*len = strlen(name);
	return name;
}

/* 0; 1: it is of another kind; -1: no memory. */
static int parse(struct uidlfile *f)
{
	const size_t header = sizeof UIDLFILE_HEADER - 1;

	if (f->len < header || memcmp(f->text, UIDLFILE_HEADER, header) != 0)
		return 1;
	f->line = calloc(count_lines(f) + 1, sizeof *f->line);
	if (f->line == NULL)
		return -1;
	take_lines(f, f->text + header);
	return texts_index(&f->by_uidl, f->count, line_uidl, f);
}

static void tell_bad(const struct uidlfile *f, const struct maildir *m)
{
	char text[160];

	snprintf(text, sizeof text, "passed over: lines that are no UIDL, "
	    "blank and name, %zu of them; the first is number %zu of "
	    UIDLFILE_NAME " in", f->bad, f->first_bad);
	log_warning(text, m->path);
}

int uidlfile_read(const struct maildir *m, struct uidlfile **out)
{
	struct uidlfile *f = calloc(1, sizeof *f);
	int r = f == NULL ? -1 : read_file(f, m->root);

	*out = NULL;
	if (r == 0) {
		uidlfile_free(&f);
		return 0;
	}
	if (r == 1)
		r = parse(f);
	if (r == 0) {
		if (f->bad > 0)
			tell_bad(f, m);
		*out = f;
		return 0;
	}
	if (r == 1)
		log_error("its first line is not \"maildir-pop3d-uidl 1\"; "
		    "import again, or remove it and let clients fetch all "
		    "anew: " UIDLFILE_NAME " in", m->path);
	else
		maildir_complain(m, "cannot read", UIDLFILE_NAME, "");
	uidlfile_free(&f);
	return -1;
}

void uidlfile_free(struct uidlfile **f)
{
	if (*f == NULL)
		return;
	texts_free(&(*f)->by_uidl);
	free((*f)->text);
	free((*f)->line);
	free((*f)->line_of);
	free((*f)->message);
	free((*f)->number);
	free(*f);
	*f = NULL;
}

/* --- the messages --------------------------------------------------------- */

/* A line whose UIDL an earlier one has gives none: P-47. */
static bool is_first(const struct uidlfile *f, uint32_t line)
{
	size_t len;
	const char *uidl = line_uidl(f, line, &len);

	return texts_find(&f->by_uidl, uidl, len) == line;
}

/* Lines first, in their order; then the others, in theirs. */
static void order(struct uidlfile *f, uint32_t *message_of)
{
	uint32_t n = 0, i;

	memset(message_of, 0xff, f->count * sizeof *message_of);
	for (i = 0; i < f->messages; i++)
		if (f->line_of[i] != MATCH_NONE)
			message_of[f->line_of[i]] = i;
	for (i = 0; i < f->count; i++)
		if (message_of[i] != MATCH_NONE)
			f->message[n++] = message_of[i];
	for (i = 0; i < f->messages; i++)
		if (f->line_of[i] == MATCH_NONE)
			f->message[n++] = i;
	for (i = 0; i < f->messages; i++)
		f->number[f->message[i]] = i;
}

int uidlfile_number(struct uidlfile *f, const struct match_names *messages)
{
	const struct match_names lines = { f->count, line_name, f };
	uint32_t *message_of = calloc(f->count + 1, sizeof *message_of);
	size_t i;
	int r = -1;

	f->messages = messages->count;
	f->line_of = calloc(f->messages + 1, sizeof *f->line_of);
	f->message = calloc(f->messages + 1, sizeof *f->message);
	f->number = calloc(f->messages + 1, sizeof *f->number);
	if (message_of != NULL && f->line_of != NULL && f->message != NULL &&
	    f->number != NULL)
		r = match_names(&lines, messages, f->line_of);
	if (r == 0) {
		order(f, message_of);
		for (i = 0; i < f->messages; i++)
			if (f->line_of[i] != MATCH_NONE &&
			    !is_first(f, f->line_of[i]))
				f->line_of[i] = MATCH_NONE;
	}
	free(message_of);
	return r;
}

size_t uidlfile_message(const struct uidlfile *f, size_t number)
{
	return f->message[number];
}

size_t uidlfile_number_of(const struct uidlfile *f, size_t message)
{
	return f->number[message];
}

const char *uidlfile_uidl(const struct uidlfile *f, size_t message,
    size_t *len)
{
	return f->line_of[message] == MATCH_NONE ? NULL :
	    line_uidl(f, f->line_of[message], len);
}

bool uidlfile_has(const struct uidlfile *f, const char *uidl, size_t len)
{
	return texts_find(&f->by_uidl, uidl, len) != TEXTS_NONE;
}
