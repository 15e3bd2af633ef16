/*
 * maildrop.c - the frozen message list.
 *
 * Names lie one after the other in one block, and messages point into it by
 * 32-bit offsets: a message costs its name and 33 octets.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in a name; identities only as P-143 defines them.
 */
#include "mail/maildrop.h"

#include "base/grow.h"
#include "base/log.h"
#include "base/num.h"
#include "mail/name.h"
#include "mail/order.h"
#include "mail/size.h"
#include "mail/uidlfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMES_MAX UINT32_MAX	/* octets of names: offsets have 32 bits */

const char *maildrop_first_name(const struct maildrop *d,
    const struct message *m)
{
	return d->names + m->name;
}

const char *maildrop_name(const struct maildrop *d, const struct message *m)
{
	return d->names + m->path;
}

bool maildrop_corrected(const struct maildrop *d, const struct message *m)
{
	return m->path != m->name && !name_same_unique(
	    maildrop_first_name(d, m), maildrop_name(d, m));
}

void maildrop_complain(const struct maildrop *d, const struct message *m,
    const char *what)
{
	maildir_complain(d->dir, what, maildir_sub_name[m->sub],
	    maildrop_name(d, m));
}

int maildrop_keep_name(struct maildrop *d, const char *name,
    uint32_t *offset)
{
	size_t len = strlen(name) + 1;
	void *block = d->names;

	if (d->names_used + len > NAMES_MAX) {
		errno = ENOMEM;
		return -1;
	}
	if (grow(&block, d->names_used, len, &d->names_room, 1) == -1)
		return -1;
	d->names = block;
	memcpy(d->names + d->names_used, name, len);
	*offset = (uint32_t)d->names_used;
	d->names_used += len;
	return 0;
}

void maildrop_free(struct maildrop *d)
{
	free(d->list);
	free(d->names);
	uidlfile_free(&d->uidls);
	d->list = NULL;
	d->names = NULL;
	d->count = d->room = d->names_used = d->names_room = 0;
}

size_t maildrop_listed(const struct maildrop *d)
{
	return d->list == NULL ? 0 : d->count;
}

/* A copy has no line: what is returned for it is no name (P-47). */
static const char *unique_name(const void *arg, uint32_t i, size_t *len)
{
	const struct maildrop *d = arg;
	const char *name = d->list[i].copy != 0 ? "/" :
	    maildrop_first_name(d, &d->list[i]);

	*len = name_unique(name);
	return name;
}

int maildrop_number(struct maildrop *d)
{
	const struct match_names names = { d->count, unique_name, d };

	if (uidlfile_read(d->dir, &d->uidls) == -1)
		return -1;
	if (d->uidls == NULL || uidlfile_number(d->uidls, &names) == 0)
		return 0;
	log_errno("cannot number the messages of", d->dir->path);
	return -1;
}

struct message *maildrop_at(const struct maildrop *d, size_t i)
{
	return &d->list[d->uidls == NULL ? i : uidlfile_message(d->uidls, i)];
}

uint64_t maildrop_number_of(const struct maildrop *d, const struct message *m)
{
	size_t i = (size_t)(m - d->list);

	return 1 + (d->uidls == NULL ? i : uidlfile_number_of(d->uidls, i));
}

struct message *maildrop_find(const struct maildrop *d, uint64_t n)
{
	struct message *m;

	if (n < 1 || n > maildrop_listed(d))
		return NULL;
	m = maildrop_at(d, n - 1);
	return (m->marks & MESSAGE_DELETED) != 0 ? NULL : m;
}

int maildrop_fetch(struct maildrop *d, struct message *m, struct stat *st)
{
	int searches = 0;

	for (;;) {
		int r, fd = maildir_fetch(d->dir, (enum maildir_sub)m->sub,
		    maildrop_name(d, m), m->id, st);

		if (fd != -1 || errno != ENOENT)
			return fd;
		if (searches++ == MAILDROP_SEARCHES)
			break;
		r = maildrop_follow(d);
		if (r == -1) {
			errno = EIO;	/* not known to be gone */
			return -1;
		}
		if (r == 1 && (m->marks & MESSAGE_GONE) != 0)
			break;
	}
	errno = ENOENT;
	return -1;
}

/* P-31: by ",W=" where it can be true.  -1: the file must be read. */
static int size_by_name(const struct maildrop *d, const struct message *m,
    uint64_t *octets)
{
	const char *name = maildrop_name(d, m);
	struct stat st;
	uint64_t stored;

	if (name_field(name, 'W', octets) == -1)
		return -1;
	if (name_field(name, 'S', &stored) == -1) {
		if (maildir_look(d->dir, (enum maildir_sub)m->sub, name,
		    m->id, &st) == -1)
			return -1;
		stored = (uint64_t)st.st_size;
	}
	return size_plausible(*octets, stored) ? 0 : -1;
}

/* It cannot be opened; why, decides what it counts for. */
static int size_without_reading(const struct maildrop *d, struct message *m)
{
	enum maildir_sub sub = (enum maildir_sub)m->sub;
	const char *name = maildrop_name(d, m);
	bool gone = errno == ENOENT;
	struct stat st;

	if (gone) {
		m->octets = 0;
		m->marks |= MESSAGE_UNREAD;
		return 0;
	}
	maildrop_complain(d, m, "cannot read, to learn its size:");
	if (errno != EACCES || !maildir_forbidden(d->dir, sub, name))
		return -1;
	if (maildir_look(d->dir, sub, name, m->id, &st) == 0)
		m->octets = (uint64_t)st.st_size;
	else if (errno == ENOENT)	/* another file is in its place */
		m->octets = 0;
	else
		return -1;
	m->marks |= MESSAGE_UNREAD;
	return 0;
}

int maildrop_size(struct maildrop *d, struct message *m)
{
	struct stat st;
	uint64_t octets;
	int fd, r;

	if (m->octets != SIZE_UNKNOWN)
		return 0;
	if (size_by_name(d, m, &octets) == 0) {
		m->octets = octets;
		return 0;
	}
	errno = ENOENT;
	if ((m->marks & MESSAGE_GONE) != 0)
		return size_without_reading(d, m);
	fd = maildrop_fetch(d, m, &st);
	if (fd == -1)
		return size_without_reading(d, m);
	r = size_read(fd, (uint64_t)st.st_size, &octets);
	if (r == 0)
		m->octets = octets;
	else
		maildrop_complain(d, m, "cannot read, to learn its size:");
	close(fd);
	return r;
}

struct maildrop_totals maildrop_totals(const struct maildrop *d)
{
	struct maildrop_totals t = { .known = true };
	size_t i;

	if (d->list == NULL && d->count > 0)
		return (struct maildrop_totals){ d->count, d->octets,
			d->octets != SIZE_UNKNOWN };
	for (i = 0; i < d->count; i++) {
		const struct message *m = &d->list[i];

		if ((m->marks & MESSAGE_DELETED) != 0)
			continue;
		t.count++;
		if (m->octets == SIZE_UNKNOWN)
			t.known = false;
		else
			t.octets += m->octets;
	}
	return t;
}

/* Whether a message of the list has that unique name. */
static bool taken(const struct maildrop *d, const char *unique, size_t len)
{
	size_t from = 0, to = d->count;

	while (from < to) {
		size_t at = from + (to - from) / 2;
		const char *name = maildrop_first_name(d, &d->list[at]);
		int order = name_compare(unique, len, name, name_unique(name));

		if (order == 0)
			return true;
		if (order < 0)
			to = at;
		else
			from = at + 1;
	}
	return false;
}

/* Whether another message has that UIDL, which was made of that text. */
static bool in_use(const struct maildrop *d, const char *text, size_t len,
    const char *uidl, size_t uidl_len)
{
	return taken(d, text, len) || (d->uidls != NULL &&
	    uidlfile_has(d->uidls, uidl, uidl_len));
}

/* "name~n"; that of a copy, or where another server's UIDL is the name. */
static size_t numbered_uidl(const struct maildrop *d, const char *name,
    size_t len, uint32_t copy, char out[UIDL_KNOWN_LIMIT])
{
	char text[NAME_LIMIT + 1 + NUM_DIGITS + 1];
	size_t n;

	memcpy(text, name, len);
	text[len++] = '~';
	len += num_format(text + len, copy);
	n = uidl_make(text, len, out);
	if (!in_use(d, text, len, out, n))
		return n;
	/*
	 * A message has that very name.  Where its UIDL is the name, the
	 * hashed form is free; where it is hashed too, another text must be.
	 */
	if (n != len || memcmp(out, text, len) != 0)
		while (taken(d, text, len))	/* names are not so long */
			text[len++] = '~';
	n = uidl_hash(text, len, out);
	if (d->uidls != NULL && uidlfile_has(d->uidls, out, n)) {
		text[len++] = '/';	/* somebody meant it: no name has that */
		n = uidl_hash(text, len, out);
	}
	return n;
}

size_t maildrop_uidl(const struct maildrop *d, const struct message *m,
    char out[UIDL_KNOWN_LIMIT])
{
	const char *name = maildrop_first_name(d, m);
	const char *known = NULL;
	size_t len = name_unique(name), n;
	uint32_t copy = m->copy;

	if (d->uidls != NULL)
		known = uidlfile_uidl(d->uidls, (size_t)(m - d->list), &n);
	if (known != NULL) {
		memcpy(out, known, n);
		return n;
	}
	n = uidl_make(name, len, out);
	if (d->uidls != NULL && uidlfile_has(d->uidls, out, n))
		copy = copy == 0 ? 2 : copy + 1;	/* all one further */
	return copy == 0 ? n : numbered_uidl(d, name, len, copy, out);
}

/* What maildrop_follow() hands to note(). */
struct search {
	struct maildrop *d;
	struct order *by_id;
};

/* A name of as many octets as the old one takes its place: no growth. */
static int move_to(struct maildrop *d, struct message *m, const char *name)
{
	char *old = d->names + m->path;
	size_t len = strlen(name);

	if (strcmp(old, name) == 0)
		return 0;
	if (m->path != m->name && len <= strlen(old)) {
		memcpy(old, name, len + 1);
		return 0;
	}
	return maildrop_keep_name(d, name, &m->path);
}

static bool same_key(const struct maildrop *d, const struct message *m,
    const char *name)
{
	const char *known = maildrop_first_name(d, m);
	size_t key = name_key(name);

	return name_key(known) == key && memcmp(known, name, key) == 0;
}

/*
 * maildir_scan() calls this while messages are followed.  Two links to one
 * file that were listed as two messages stay two, each with its own name: who
 * removes the one keeps the other (P-50).
 */
static int note(void *arg, enum maildir_sub sub, const char *name, uint64_t id)
{
	const struct search *s = arg;
	struct maildrop *d = s->d;
	size_t i = order_find(s->by_id, d->count, id), to, same = 0;

	for (to = i; to < d->count && s->by_id[to].key == id; to++)
		same += same_key(d, &d->list[s->by_id[to].index], name);
	for (; i < to; i++) {
		struct message *m = &d->list[s->by_id[i].index];

		if (!same_key(d, m, name) || (same > 1 &&
		    !name_same_unique(maildrop_first_name(d, m), name)))
			continue;
		if (move_to(d, m, name) == -1)
			return -1;
		m->sub = (uint8_t)sub;
		m->marks &= (uint8_t)~(MESSAGE_UNSEEN | MESSAGE_GONE);
	}
	return 0;
}

static int look_for_all(struct maildrop *d)
{
	struct search s = { d, order_new(d->count) };
	size_t i;
	int r;

	if (s.by_id == NULL)
		return -1;
	for (i = 0; i < d->count; i++) {
		s.by_id[i].key = d->list[i].id;
		d->list[i].marks |= MESSAGE_UNSEEN;
	}
	order_sort(s.by_id, d->count, NULL, NULL);
	r = maildir_scan_both(d->dir, note, &s);
	free(s.by_id);
	return r;
}

static void note_gone(struct maildrop *d)
{
	size_t i;

	for (i = 0; i < d->count; i++)
		if ((d->list[i].marks & MESSAGE_UNSEEN) != 0)
			d->list[i].marks |= MESSAGE_GONE;
}

int maildrop_follow(struct maildrop *d)
{
	struct maildir_times before, after;
	bool young;

	if (maildir_times(d->dir, &before) == -1)
		goto fail;
	young = maildir_young(&before) > 0;
	if (look_for_all(d) == -1 || maildir_times(d->dir, &after) == -1)
		goto fail;
	if (young || !maildir_same_times(&before, &after))
		return 0;
	note_gone(d);
	return 1;
fail:
	log_errno("cannot search Maildir", d->dir->path);
	return -1;
}
