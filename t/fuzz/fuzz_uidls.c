/*
 * fuzz_uidls.c - UIDLs taken over from another server, as a session reads them:
 * mail/uidlfile.c, match.c, texts.c (P-44, P-47, P-49).
 *
 * The first octet chooses; then come the unique names of messages, a line each,
 * up to an empty one; the rest is the file, without its header if that octet is
 * even.  Which message gets which UIDL and number must be what a plain reader
 * finds, who compares everything with everything.
 */
#include "fuzz.h"

#include "mail/maildir.h"
#include "mail/name.h"
#include "mail/uidlfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MESSAGES 40
#define LINES 400
#define NONE LINES

struct text {
	const char *at;
	size_t len;
};

struct question {
	struct text message[MESSAGES];
	size_t messages;
	struct text uidl[LINES], name[LINES];
	size_t lines;
	size_t line_of[MESSAGES];
	size_t order[MESSAGES];
};

static bool equal(struct text a, struct text b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static struct text key(struct text name)
{
	const char *comma = memchr(name.at, ',', name.len);

	if (comma != NULL)
		name.len = (size_t)(comma - name.at);
	return name;
}

/* A name up to its colon, as a file can have it. */
static bool is_name(struct text t)
{
	return t.len > 0 && t.len <= NAME_LIMIT && t.at[0] != '.' &&
	    memchr(t.at, '\0', t.len) == NULL &&
	    memchr(t.at, '/', t.len) == NULL &&
	    memchr(t.at, ':', t.len) == NULL;
}

static bool is_uidl(struct text t)
{
	size_t i;

	for (i = 0; i < t.len; i++)
		if (t.at[i] <= ' ' || t.at[i] > '~')
			return false;
	return t.len > 0 && t.len <= 255;
}

static bool next_line(struct text *rest, struct text *line)
{
	const char *lf = memchr(rest->at, '\n', rest->len);

	if (lf == NULL)
		return false;
	line->at = rest->at;
	line->len = (size_t)(lf - rest->at);
	rest->at = lf + 1;
	rest->len -= line->len + 1;
	return true;
}

/* false: more than there is room for, or no end. */
static bool take_messages(struct question *q, struct text *rest)
{
	struct text line;

	while (next_line(rest, &line)) {
		if (line.len == 0)
			return true;
		if (!is_name(line) || q->messages == MESSAGES)
			return false;
		q->message[q->messages++] = line;
	}
	return false;
}

/* rest is behind the header. */
static bool take_lines(struct question *q, struct text rest)
{
	struct text line, name;

	while (next_line(&rest, &line)) {
		const char *blank = memchr(line.at, ' ', line.len);

		if (blank == NULL)
			continue;
		name.at = blank + 1;
		name.len = line.len - (size_t)(name.at - line.at);
		line.len = (size_t)(blank - line.at);
		if (!is_uidl(line) || !is_name(name))
			continue;
		if (q->lines == LINES)
			return false;
		q->uidl[q->lines] = line;
		q->name[q->lines++] = name;
	}
	return true;
}

/* --- what is right ------------------------------------------------------ */

static bool taken(const struct question *q, size_t line)
{
	size_t i;

	for (i = 0; i < q->messages; i++)
		if (q->line_of[i] == line)
			return true;
	return false;
}

/* The first line of a name, for the first message that has it. */
static void by_name(struct question *q)
{
	size_t i, k;

	for (i = 0; i < q->messages; i++)
		q->line_of[i] = NONE;
	for (i = 0; i < q->messages; i++) {
		for (k = 0; k < q->lines && !equal(q->message[i], q->name[k]);
		    k++)
			;
		q->line_of[i] = k < q->lines && !taken(q, k) ? k : NONE;
	}
}

/* One line and one message that are left have that key: P-143. */
static size_t only(const struct question *q, const size_t *before, size_t i)
{
	struct text mine = key(q->message[i]);
	size_t found = NONE, k;

	for (k = 0; k < q->messages; k++)
		if (k != i && before[k] == NONE &&
		    equal(key(q->message[k]), mine))
			return NONE;
	for (k = 0; k < q->lines; k++) {
		size_t j;

		for (j = 0; j < q->messages && before[j] != k; j++)
			;
		if (j < q->messages || !equal(key(q->name[k]), mine))
			continue;
		if (found != NONE)
			return NONE;
		found = k;
	}
	return found;
}

static void by_key(struct question *q)
{
	size_t before[MESSAGES], i;

	memcpy(before, q->line_of, sizeof before);
	for (i = 0; i < q->messages; i++)
		if (before[i] == NONE)
			q->line_of[i] = only(q, before, i);
}

/* P-49: those with a line first, as the lines stand. */
static void number(struct question *q)
{
	size_t n = 0, i, k;

	for (k = 0; k < q->lines; k++)
		for (i = 0; i < q->messages; i++)
			if (q->line_of[i] == k)
				q->order[n++] = i;
	for (i = 0; i < q->messages; i++)
		if (q->line_of[i] == NONE)
			q->order[n++] = i;
	must(n == q->messages, "each has one number");
}

/* P-47: of two lines with one UIDL the first keeps it. */
static bool is_again(const struct question *q, size_t line)
{
	size_t k;

	for (k = 0; k < line; k++)
		if (equal(q->uidl[k], q->uidl[line]))
			return true;
	return false;
}

/* --- what the program says ------------------------------------------------ */

static const char *message(const void *arg, uint32_t i, size_t *len)
{
	const struct question *q = arg;

	*len = q->message[i].len;
	return q->message[i].at;
}

static void compare(struct question *q, struct uidlfile *f)
{
	const struct match_names names = { q->messages, message, q };
	size_t i;

	by_name(q);
	by_key(q);
	number(q);
	must(uidlfile_number(f, &names) == 0, "memory");
	for (i = 0; i < q->messages; i++) {
		struct text u = { NULL, 0 };
		size_t line = q->line_of[i];

		must(uidlfile_message(f, i) == q->order[i], "P-49: the order");
		must(uidlfile_number_of(f, q->order[i]) == i, "and back");
		u.at = uidlfile_uidl(f, i, &u.len);
		if (line == NONE || is_again(q, line))
			must(u.at == NULL, "P-47: no UIDL from there");
		else
			must(u.at != NULL && equal(u, q->uidl[line]) &&
			    u.at[u.len] == '\0', "P-44: the UIDL of its line");
	}
	for (i = 0; i < q->lines; i++)
		must(uidlfile_has(f, q->uidl[i].at, q->uidl[i].len),
		    "a line's UIDL is known");
	must(!uidlfile_has(f, "no UIDL", 7), "and nothing else");
}

static struct maildir m;

static void begin(void)
{
	if (m.path != NULL)
		return;
	fuzz_folder();
	must(mkdir("m", 0700) == 0 && mkdir("m/new", 0700) == 0 &&
	    mkdir("m/cur", 0700) == 0 && maildir_open(&m, "m") == 0,
	    "a Maildir");
}

static void try_file(struct question *q, const char *file, size_t len)
{
	static const size_t head = sizeof UIDLFILE_HEADER - 1;
	struct text rest = { file + head, len - head };
	struct uidlfile *f = NULL;
	bool good = len >= head && memcmp(file, UIDLFILE_HEADER, head) == 0;

	if (good && !take_lines(q, rest))
		return;
	fuzz_write("m/" UIDLFILE_NAME, file, len);
	fuzz_short((unsigned)len);
	must((uidlfile_read(&m, &f) == 0) == good, "of this kind, or none");
	fuzz_short(0);
	must((f != NULL) == good, "it is read");
	if (good)
		compare(q, f);
	uidlfile_free(&f);
	must(f == NULL, "it is gone");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct question q = { .messages = 0 };
	struct text rest = { (const char *)data + 1, len - (len > 0) };
	size_t head = 0;
	char *file;

	fuzz_count(len);
	begin();
	if (len == 0 || !take_messages(&q, &rest))
		return 0;
	if (data[0] % 2 == 0)
		head = sizeof UIDLFILE_HEADER - 1;
	file = malloc(head + rest.len + 1);
	must(file != NULL, "memory");
	memcpy(file, UIDLFILE_HEADER, head);
	memcpy(file + head, rest.at, rest.len);
	try_file(&q, file, head + rest.len);
	free(file);
	fuzz_descriptors();
	return 0;
}
