/*
 * import.c - --import: takes the UIDLs of another server over.
 *
 *	owner, list -> sandbox -> records -> messages -> lines -> file
 *
 * Nothing but maildir-pop3d.uidl is changed, and that at the very end.
 *
 * Runs as: root, or the owner of the mailbox; from the first look at anything
 *          below MAILDIR on, the owner.
 * Trusts:  the operator's command line, nothing in list, names and messages.
 */
#include "admin/import.h"

#include "admin/courier.h"
#include "admin/dovecot.h"
#include "admin/known.h"
#include "admin/owner.h"
#include "admin/uidlfmt.h"
#include "admin/uidlwrite.h"
#include "admin/xuidl.h"
#include "base/grow.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "mail/listing.h"
#include "mail/match.h"
#include "mail/name.h"
#include "mail/uidlfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct import {
	const struct import_options *o;
	const char *list;		/* name of the old server's, for words */
	struct maildir dir;
	struct maildrop drop;
	struct old old;
	uint32_t *record_of;		/* of each message */
	struct known known;
	char *text;			/* of the file to be written */
	size_t used, room;
};

static const char *const list_name[] = { DOVECOT_LIST, COURIER_LIST, NULL };

static int no_memory(void)
{
	log_errno("cannot import", NULL);
	return IMPORT_FAILED;
}

/* --- the old server's list ------------------------------------------------ */

static int open_failed(const struct import *m)
{
	char text[256];

	if (errno != ENOENT) {
		log_errno("cannot open list", m->list);
		return IMPORT_FAILED;
	}
	snprintf(text, sizeof text, "there is no %s in the Maildir; if it is "
	    "kept elsewhere, name it by --list=FILE:",
	    list_name[m->o->from]);
	if (m->o->list == NULL)
		log_error(text, m->o->maildir);
	else
		log_errno("cannot open list", m->o->list);
	return IMPORT_WRONG;
}

/* In the Maildir no link is followed; one that was named may be one. */
static int open_list(const struct import *m)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

	return m->o->list != NULL ? open(m->o->list, flags) :
	    openat(m->dir.root, m->list, flags | O_NOFOLLOW);
}

static int read_list(struct import *m)
{
	struct stat st;
	int r, fd = open_list(m);

	if (fd == -1)
		return open_failed(m);
	r = fstat(fd, &st);
	if (r == 0 && !S_ISREG(st.st_mode)) {
		errno = EINVAL;
		r = -1;
	}
	if (r == 0)
		r = old_read(&m->old, fd);
	if (r == -1)
		log_errno("cannot read list", m->list);
	close(fd);
	return r == -1 ? IMPORT_FAILED : 0;
}

/* qmail has no list: the names are the UIDLs, the mtimes the order. */
static int list_names(struct import *m)
{
	size_t i;

	for (i = 0; i < m->drop.count; i++) {
		const struct message *a = &m->drop.list[i];
		const char *name = maildrop_first_name(&m->drop, a);
		struct stat st;

		if (a->copy != 0 || maildir_look(&m->dir,
		    (enum maildir_sub)a->sub, name, a->id, &st) == -1)
			continue;
		if (old_add(&m->old, name, name, name_unique(name),
		    st.st_mtime < 0 ? 0 : (uint64_t)st.st_mtime, true) == -1)
			return no_memory();
	}
	return 0;
}

static int make_records(struct import *m)
{
	const char *wrong = NULL;

	if (m->o->from == IMPORT_QMAIL)
		return list_names(m);
	if (m->o->from == IMPORT_COURIER)
		wrong = courier_read(&m->old);
	else
		wrong = dovecot_read(&m->old, m->o->format == NULL ?
		    UIDLFMT_DEFAULT : m->o->format);
	if (wrong == NULL)
		return 0;
	log_error(wrong, m->list);
	return IMPORT_WRONG;
}

/* --- X-UIDL --------------------------------------------------------------- */

static int reuse(struct import *m, struct message *a, struct old_record *r)
{
	static char buf[XUIDL_HEADER];
	const char *value;
	struct stat st;
	size_t len;
	int found = 0, fd = maildrop_fetch(&m->drop, a, &st);

	if (fd == -1) {
		if (errno == ENOENT)	/* gone meanwhile */
			return 0;
	} else {
		found = xuidl_read(fd, buf, &value, &len);
		close(fd);
	}
	if (fd == -1 || found == -1) {
		log_errno("cannot read, for its X-UIDL:",
		    maildrop_first_name(&m->drop, a));
		return IMPORT_FAILED;
	}
	return found == 1 && old_set_uidl(&m->old, r, value, len) == -1 ?
	    no_memory() : 0;
}

static int reuse_all(struct import *m)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < m->drop.count; i++) {
		struct old_record *record;

		if (m->record_of[i] == MATCH_NONE)
			continue;
		record = &m->old.list[m->record_of[i]];
		if (!record->fixed)
			r = reuse(m, &m->drop.list[i], record);
	}
	return r;
}

/* --- the file ------------------------------------------------------------- */

static int add(struct import *m, const char *text, size_t len)
{
	void *block = m->text;

	if (grow(&block, m->used, len, &m->room, 1) == -1)
		return -1;
	m->text = block;
	memcpy(m->text + m->used, text, len);
	m->used += len;
	return 0;
}

static int make_text(struct import *m)
{
	size_t i;

	if (add(m, UIDLFILE_HEADER, sizeof UIDLFILE_HEADER - 1) == -1)
		return -1;
	for (i = 0; i < m->known.count; i++) {
		const struct known_line *l = &m->known.list[i];
		const char *uidl = old_text(&m->old, l->uidl);
		const char *name = maildrop_first_name(&m->drop,
		    &m->drop.list[l->message]);

		if (add(m, uidl, strlen(uidl)) == -1 ||
		    add(m, " ", 1) == -1 ||
		    add(m, name, name_unique(name)) == -1 ||
		    add(m, "\n", 1) == -1)
			return -1;
	}
	return 0;
}

/* --- what is said --------------------------------------------------------- */

/* Names are others' words: only what can be read goes out as it is (S-9). */
static void print_octets(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] > 0x7e || text[i] == '\\')
			printf("\\x%02X", (unsigned char)text[i]);
		else
			putchar(text[i]);
}

static void print_text(const struct import *m)
{
	const char *p = m->text, *end = m->text + m->used, *lf;

	for (; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		print_octets(p, (size_t)(lf - p));
		putchar('\n');
	}
}

static void print_name(const struct import *m, size_t i)
{
	const struct message *a = &m->drop.list[i];
	const char *name = maildrop_first_name(&m->drop, a);

	printf("%s/", maildir_sub_name[a->sub]);
	print_octets(name, strlen(name));
}

/* Those that the old server showed with something that is no UIDL. */
static void print_unusable(const struct import *m)
{
	size_t i;

	for (i = 0; i < m->drop.count; i++) {
		if (m->record_of[i] == MATCH_NONE || known_usable(&m->old,
		    &m->drop, i, m->record_of[i]))
			continue;
		printf("not taken, as it was not 1 to 255 octets of 21..7E: "
		    "the UIDL of ");
		print_name(m, i);
		putchar('\n');
	}
}

static void print_count(size_t count, const char *what)
{
	if (count > 0)
		printf("%s: %zu\n", what, count);
}

static void report(const struct import *m)
{
	if (m->o->from == IMPORT_QMAIL)
		printf("file names, as qmail shows them\n");
	else
		printf("%s, version %u, records: %zu\n", m->list,
		    m->old.version, m->old.count);
	print_unusable(m);
	print_count(m->old.unread, "lines that could not be read");
	print_count(m->old.count - m->known.found,
	    "records whose message is not there (any more)");
	print_count(m->drop.count - m->known.found, "messages that are not in "
	    "the list, whose UIDLs come from their file names");
	print_count(m->known.doubled, m->o->from == IMPORT_DOVECOT ?
	    "UIDLs that came again, now with -2, -3 ... behind them, as "
	    "pop3_uidl_duplicates=rename has it" :
	    "UIDLs that came again, now with ~2, ~3 ... behind them");
	printf("UIDLs taken over: %zu\n", m->known.count);
}

/* --- all of it ------------------------------------------------------------ */

static int shut_in(const struct import *m)
{
	const struct sandbox_maildir s = { .root = m->dir.root };

	return sandbox_session(&s) == -1 ? IMPORT_FAILED : 0;
}

static int find_messages(struct import *m)
{
	if (maildrop_load(&m->drop, &m->dir, false) == -1)
		return IMPORT_FAILED;
	m->record_of = calloc(m->drop.count + 1, sizeof *m->record_of);
	return m->record_of == NULL ? no_memory() : 0;
}

static int find_uidls(struct import *m)
{
	int r = make_records(m);

	if (r != 0)
		return r;
	if (known_match(&m->old, &m->drop, m->record_of) == -1)
		return no_memory();
	if (m->o->reuse_xuidl && (r = reuse_all(m)) != 0)
		return r;
	if (known_make(&m->known, &m->old, &m->drop, m->record_of,
	    m->o->from == IMPORT_DOVECOT ? '-' : '~') == -1 ||
	    make_text(m) == -1)
		return no_memory();
	return 0;
}

static int finish(const struct import *m)
{
	report(m);
	if (m->known.count == 0) {
		log_error("no UIDL could be taken over, nothing was written "
		    "to", m->o->maildir);
		return IMPORT_WRONG;
	}
	if (m->o->dry_run) {
		printf("would write " UIDLFILE_NAME ":\n");
		print_text(m);
	} else if (uidlwrite(&m->dir, m->text, m->used) == -1) {
		return IMPORT_FAILED;
	} else {
		printf("written: %s/" UIDLFILE_NAME "\n", m->o->maildir);
	}
	return fflush(stdout) == 0 ? IMPORT_TAKEN : IMPORT_FAILED;
}

static int import(struct import *m)
{
	int r = 0;

	if (m->o->from != IMPORT_QMAIL)
		r = read_list(m);
	if (r == 0)
		r = shut_in(m);
	if (r == 0)
		r = find_messages(m);
	if (r == 0)
		r = find_uidls(m);
	return r == 0 ? finish(m) : r;
}

int import_refuse(const char *error)
{
	fprintf(stderr, "maildir-pop3d: %s\n", error);
	return IMPORT_WRONG;
}

int import_run(const struct import_options *o)
{
	struct import m = { .o = o };
	int r;

	log_by_hand();
	m.list = o->list != NULL ? o->list : list_name[o->from];
	switch (owner_become(o->maildir)) {
	case OWNER_WRONG:
		return IMPORT_WRONG;
	case OWNER_FAILED:
		return IMPORT_FAILED;
	case OWNER_BECOME:
		break;
	}
	if (maildir_open(&m.dir, o->maildir) == -1)
		return IMPORT_FAILED;
	r = import(&m);
	known_free(&m.known);
	old_free(&m.old);
	maildrop_free(&m.drop);
	free(m.record_of);
	free(m.text);
	maildir_close(&m.dir);
	return r;
}
