/*
 * fuzz_trans.c - everything after login: protocol/trans.c, retr.c, update.c,
 * serve.c, with the rooms below (P-1...P-16, P-28...P-55).
 *
 * The first octet chooses options, the rest is what the client sends to a
 * maildrop of seven messages.  Every reply is known beforehand, and so is what
 * must be left in the Maildir.
 */
#include "fuzz.h"
#include "dialogue.h"
#include "plain.h"

#include "base/sandbox.h"
#include "mail/change.h"
#include "protocol/serve.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *sub, *name, *uidl;
	const char *text;
	size_t len;
} mail[] = {
#define TEXT(text) text, sizeof text - 1
	{ "new", "1.host", "1.host",
	    TEXT("Subject: one\n\nline\n.\n..dot\n...\n") },
	{ "cur", "2.host,S=30:2,", "2.host,S=30",
	    TEXT("A: b\r\n\r\nbare\rCR\r\r\n.\r\nno end") },
	{ "new", "3.host", "3.host", TEXT("") },
	{ "cur", "4.host:2,S", "4.host", TEXT("No: body") },
	{ "new", "5.a b", NULL,
	    TEXT(".\n\n\0\1\377\376.\r.\n\n\n.x\n\r\n\r") },
	{ "cur", "6.host,W=20:2,FR", "6.host,W=20",
	    TEXT("L: 1\n\n1\n2\n3\n4\n") },
	{ "new", "7.host", "7.host", NULL, 9000 },
};
#define COUNT (sizeof mail / sizeof mail[0])

static char big[9000];
static struct plain wire[COUNT];
static struct session s;

static const char *text_of(size_t i)
{
	return mail[i].text == NULL ? big : mail[i].text;
}

/* --- the Maildir -------------------------------------------------------- */

static void empty(const char *path)
{
	char file[600];
	DIR *dir = opendir(path);
	struct dirent *e;

	if (dir == NULL)
		return;
	while ((e = readdir(dir)) != NULL) {
		snprintf(file, sizeof file, "%s/%s", path, e->d_name);
		if (e->d_name[0] != '.')
			must(unlink(file) == 0, file);
	}
	closedir(dir);
}

static void fill(void)
{
	char path[600];
	size_t i;

	empty("m/new");
	empty("m/cur");
	empty("m/.Trash/cur");
	for (i = 0; i < COUNT; i++) {
		snprintf(path, sizeof path, "m/%s/%s", mail[i].sub,
		    mail[i].name);
		fuzz_write(path, text_of(i), mail[i].len);
	}
}

static void begin(void)
{
	size_t i;

	fuzz_folder();
	must(mkdir("m", 0700) == 0 && mkdir("m/new", 0700) == 0 &&
	    mkdir("m/cur", 0700) == 0 && mkdir("m/tmp", 0700) == 0, "m");
	for (i = 0; i < sizeof big; i++)
		big[i] = i % 61 == 60 ? '\n' : i % 61 == 0 ? '.' : 'b';
	for (i = 0; i < COUNT; i++)
		plain_wire(text_of(i), mail[i].len, &wire[i]);
	fill();
}

/* Where message i is now, by the part of its name that stays; or NULL. */
static const char *found_in(size_t i)
{
	static const char *const folders[] = { "m/new", "m/cur",
		"m/.Trash/cur" };
	size_t unique = strcspn(mail[i].name, ":"), k;
	const char *found = NULL;

	for (k = 0; k < 3; k++) {
		DIR *dir = opendir(folders[k]);
		struct dirent *e;

		while (dir != NULL && (e = readdir(dir)) != NULL)
			if (strncmp(e->d_name, mail[i].name, unique) == 0 &&
			    strchr(":~", e->d_name[unique]) != NULL) {
				must(found == NULL, "P-142: in one place");
				found = strchr(e->d_name, 'T') != NULL ?
				    "flagged" : folders[k];
			}
		if (dir != NULL)
			closedir(dir);
	}
	return found;
}

/* --- the dialogue ------------------------------------------------------- */

struct model {
	bool deleted[COUNT], fetched[COUNT];
	bool quit;
	unsigned bad;
};

static bool next_message(struct model *m, size_t *i)
{
	while (*i < COUNT && m->deleted[*i])
		++*i;
	return *i < COUNT;
}

static void same(const char *text, size_t len, const char *want)
{
	must(len == strlen(want) && memcmp(text, want, len) == 0, want);
}

/* "n size" or "n uid" of message i. */
static void scan_line(const char *text, size_t len, size_t i, bool uidl)
{
	char want[100];

	if (!uidl) {
		snprintf(want, sizeof want, "%zu %zu", i + 1, wire[i].size);
		same(text, len, want);
	} else if (mail[i].uidl != NULL) {
		snprintf(want, sizeof want, "%zu %s", i + 1, mail[i].uidl);
		same(text, len, want);
	} else {
		must(len == 2 + 44 && text[0] == (char)('1' + i) &&
		    text[2] == '=', "P-46: a hashed one");
	}
}

static void list(struct model *m, struct cursor *out, bool uidl)
{
	const char *text;
	size_t len, i = 0;

	while (dialogue_line(out, &text, &len)) {
		must(next_message(m, &i), "P-29: who is deleted is left out");
		scan_line(text, len, i++, uidl);
	}
	must(!next_message(m, &i), "P-29: all the others are there");
}

static void totals(struct model *m, const struct reply_line *r)
{
	size_t count = 0, octets = 0, i;
	char want[60];

	for (i = 0; i < COUNT; i++)
		if (!m->deleted[i]) {
			count++;
			octets += wire[i].size;
		}
	snprintf(want, sizeof want, "%zu %zu", count, octets);
	same(r->text, r->len, want);
}

static void body(struct cursor *out, const char *want, size_t len)
{
	must((size_t)(out->end - out->at) >= len + 3 &&
	    memcmp(out->at, want, len) == 0 &&
	    memcmp(out->at + len, ".\r\n", 3) == 0,
	    "the message, octet by octet, and a dot");
	out->at += len + 3;
}

static void top(struct cursor *out, size_t i, uint64_t lines)
{
	bool separated;
	size_t len = plain_top(text_of(i), mail[i].len, lines, &separated);
	struct plain p;

	plain_wire(text_of(i), len, &p);
	if (!separated) {	/* P-39 */
		memcpy(p.text + p.len, "\r\n", 2);
		p.len += 2;
	}
	body(out, p.text, p.len);
	free(p.text);
}

/* Commands about one message; the text of RETR names its size. */
static void one_message(struct model *m, const struct typed *t,
    const struct reply_line *r, struct cursor *out, size_t i)
{
	uint64_t lines = 0;

	if (dialogue_is(t, 0, "DELE")) {
		m->deleted[i] = true;
	} else if (dialogue_is(t, 0, "RETR")) {
		m->fetched[i] = true;
		body(out, wire[i].text, wire[i].len);
	} else if (dialogue_is(t, 0, "TOP")) {
		must(dialogue_number(t, 2, &lines), "P-38");
		top(out, i, lines);
	} else {
		scan_line(r->text, r->len, i, dialogue_is(t, 0, "UIDL"));
	}
}

/* How many arguments the verb may have; false: there is no such verb. */
static bool arguments(const struct typed *t, size_t *min, size_t *max)
{
	static const struct {
		const char *verb;
		size_t min, max;
	} verbs[] = {
		{ "CAPA", 0, 0 }, { "DELE", 1, 1 }, { "LIST", 0, 1 },
		{ "NOOP", 0, 0 }, { "QUIT", 0, 0 }, { "RETR", 1, 1 },
		{ "RSET", 0, 0 }, { "STAT", 0, 0 }, { "TOP", 2, 2 },
		{ "UIDL", 0, 1 },
	};
	size_t i;

	for (i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (dialogue_is(t, 0, verbs[i].verb)) {
			*min = verbs[i].min;
			*max = verbs[i].max;
			return true;
		}
	return false;
}

enum kind { BAD_SYNTAX, NO_MESSAGE, GOOD };

/* What the line is; *i is the message it names, COUNT: none. */
static enum kind judge(const struct model *m, const struct typed *t, size_t *i)
{
	size_t min, max, k;
	uint64_t n;

	*i = COUNT;
	if (t->raw > 512 || !t->plain || !arguments(t, &min, &max) ||
	    t->words - 1 < min || t->words - 1 > max)
		return BAD_SYNTAX;
	for (k = 1; k < t->words; k++)
		if (!dialogue_number(t, k, &n))
			return BAD_SYNTAX;
	if (t->words == 1)
		return GOOD;
	dialogue_number(t, 1, &n);
	if (n < 1 || n > COUNT || m->deleted[n - 1])
		return NO_MESSAGE;
	*i = (size_t)n - 1;
	return GOOD;
}

/* No argument, or no message. */
static void whole(struct model *m, const struct typed *t,
    const struct reply_line *r, struct cursor *out)
{
	const char *text;
	size_t len;

	if (dialogue_is(t, 0, "STAT"))
		totals(m, r);
	else if (dialogue_is(t, 0, "LIST") || dialogue_is(t, 0, "UIDL"))
		list(m, out, dialogue_is(t, 0, "UIDL"));
	else if (dialogue_is(t, 0, "RSET"))
		memset(m->deleted, 0, sizeof m->deleted);
	else if (dialogue_is(t, 0, "QUIT"))
		m->quit = true;
	else if (dialogue_is(t, 0, "CAPA"))
		while (dialogue_line(out, &text, &len))
			must(len > 0 && len <= 510, "capa-line");
}

static void compare(struct model *m, const uint8_t *data, size_t len,
    const char *text, size_t text_len)
{
	struct cursor in = { (const char *)data, (const char *)data + len };
	struct cursor out = { text, text + text_len };
	struct reply_line r;
	struct typed t;
	enum kind kind;
	size_t i;

	must(dialogue_reply(&out, &r) && r.status == OK, "P-17: a greeting");
	while (!m->quit && m->bad < 25 && dialogue_typed(&in, &t)) {
		kind = judge(m, &t, &i);
		must(dialogue_reply(&out, &r), "P-11: a reply to each line");
		must(r.status == (kind == GOOD ? OK : ERR), "the right one");
		m->bad = kind == BAD_SYNTAX ? m->bad + 1 : 0;
		if (kind != GOOD)
			continue;
		if (i < COUNT)
			one_message(m, &t, &r, &out, i);
		else
			whole(m, &t, &r, &out);
	}
	must(out.at == out.end, "P-11: and one only");
	must(m->quit == (s.end == END_QUIT), "P-26");
}

/* S-1: what was marked at QUIT is gone as --delete says; no other is. */
static void look_at_mail(const struct model *m, const struct config *c)
{
	size_t i;

	for (i = 0; i < COUNT; i++) {
		const char *where = found_in(i);
		bool gone = m->quit && m->deleted[i];
		char first[16];

		snprintf(first, sizeof first, "m/%s", mail[i].sub);
		if (gone && c->delete == MAILDIR_UNLINK)
			must(where == NULL, "P-50: marked and removed");
		else if (gone && c->delete == MAILDIR_TRASH)
			must(where != NULL && strcmp(where, "m/.Trash/cur") ==
			    0, "marked and in the trash");
		else if (gone)
			must(where != NULL && strcmp(where, "flagged") == 0,
			    "marked and flagged");
		else if (m->quit && m->fetched[i] && !c->keep_new)
			must(where != NULL && strcmp(where, "m/cur") == 0,
			    "P-54: read, and in cur/");
		else
			must(where != NULL && strcmp(where, first) == 0,
			    "S-1: not marked, or no QUIT: where it was");
	}
}

/* We go on when the session has ended, and need more than it does. */
int sandbox_session(const struct sandbox_maildir *m)
{
	(void)m;
	return 0;
}

static void serve(const struct config *c)
{
	sigset_t none;

	must(serve_open(&s, "m") == NULL, "it opens");
	must(c->delete != MAILDIR_TRASH || s.dir.trash != -1,
	    "the trash, too");
	serve_run(&s, "POP3 ready");
	maildir_close(&s.dir);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static bool begun;
	struct config c = { .what = CONFIG_PREAUTH, .maildir = "m" };
	struct model m;
	size_t text_len;
	char *text;
	int in, out;

	fuzz_count(len);
	if (!begun)
		begin();
	begun = true;
	if (len == 0)
		return 0;
	memset(&m, 0, sizeof m);
	memset(&s, 0, sizeof s);
	c.delete = (enum maildir_delete)(data[0] % 3);
	c.keep_new = (data[0] & 4) != 0;
	c.sync = (data[0] & 8) != 0;
	c.verbose = true;
	in = fuzz_file(data + 1, len - 1);
	out = fuzz_file("", 0);
	s.config = &c;
	line_init(&s.in, in);
	reply_init(&s.out, out);
	fuzz_short((data[0] & 16) != 0 ? data[0] * 7919u : 0);
	serve(&c);
	fuzz_short(0);
	text = fuzz_read(out, &text_len);
	compare(&m, data + 1, len - 1, text, text_len);
	look_at_mail(&m, &c);
	if (m.quit)
		fill();
	free(text);
	close(in);
	close(out);
	fuzz_descriptors();
	return 0;
}
