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

#include "base/log.h"
#include "base/num.h"
#include "mail/name.h"
#include "mail/order.h"
#include "mail/size.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCANS 3			/* at most, at login: P-142 */
#define NAMES_MAX UINT32_MAX	/* octets of names: offsets have 32 bits */

static const char *name_of(const struct maildrop *d, const struct message *m)
{
	return d->names + m->name;
}

const char *maildrop_name(const struct maildrop *d, const struct message *m)
{
	return d->names + m->path;
}

/* The one multiplication: room for one more than used, doubled. */
static int grow(void **block, size_t used, size_t wanted, size_t *room,
    size_t size)
{
	size_t more = *room < 64 ? 64 : *room;
	void *p;

	while (more < used + wanted) {
		if (more > SIZE_MAX / 2 / size) {
			errno = ENOMEM;
			return -1;
		}
		more *= 2;
	}
	if (more == *room)
		return 0;
	p = realloc(*block, more * size);
	if (p == NULL)
		return -1;
	*block = p;
	*room = more;
	return 0;
}

/* Keeps a name; -1: errno. */
static int keep_name(struct maildrop *d, const char *name, uint32_t *offset)
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

/* maildir_scan() calls this at login. */
static int take(void *arg, enum maildir_sub sub, const char *name, uint64_t id)
{
	struct maildrop *d = arg;
	struct message *m;
	void *block = d->list;

	if (d->trashed_hidden && name_has_flag(name, 'T'))
		return 0;
	if (grow(&block, d->count, 1, &d->room, sizeof *d->list) == -1)
		return -1;
	d->list = block;
	m = &d->list[d->count];
	memset(m, 0, sizeof *m);
	if (keep_name(d, name, &m->name) == -1)
		return -1;
	m->path = m->name;
	m->id = id;
	m->octets = SIZE_UNKNOWN;
	m->sub = (uint8_t)sub;
	d->count++;
	return 0;
}

/* new/ first: the other order misses a message that moves meanwhile. */
static int scan_both(struct maildir *dir, int (*each)(void *,
    enum maildir_sub, const char *, uint64_t), void *arg)
{
	if (maildir_scan(dir, MAILDIR_NEW, each, arg) == 0 &&
	    maildir_scan(dir, MAILDIR_CUR, each, arg) == 0)
		return 0;
	return -1;
}

/*
 * Both directories, and again while they change under our eyes: a rename
 * during readdir may hide a file, and a client that synchronises would take
 * it for deleted (P-142).  The list is the union of all sightings.
 */
static int scan_at_login(struct maildrop *d)
{
	struct maildir_times before, after;
	int scans = 0;
	bool young;

	if (maildir_times(d->dir, &before) == -1)
		return -1;
	do {
		young = maildir_young(&before);
		if (scan_both(d->dir, take, d) == -1 ||
		    maildir_times(d->dir, &after) == -1)
			return -1;
		if (maildir_same_times(&before, &after) && !young)
			break;
		before = after;
	} while (++scans < SCANS);
	return 0;
}

static int compare_unique(const struct maildrop *d, const struct message *a,
    const struct message *b)
{
	const char *x = name_of(d, a), *y = name_of(d, b);

	return name_compare(x, name_unique(x), y, name_unique(y));
}

/* P-49; sightings of one message side by side, in the order they were made. */
static int in_order(const void *arg, uint32_t a, uint32_t b)
{
	const struct maildrop *d = arg;
	int order = compare_unique(d, &d->list[a], &d->list[b]);

	if (order == 0 && d->list[a].id != d->list[b].id)
		order = d->list[a].id < d->list[b].id ? -1 : 1;
	return order;
}

static int sort(struct maildrop *d)
{
	struct message *sorted;
	struct order *order = order_new(d->count);
	size_t i;

	if (order == NULL)
		return -1;
	for (i = 0; i < d->count; i++)
		order[i].key = name_order(name_of(d, &d->list[i]));
	order_sort(order, d->count, in_order, d);
	sorted = malloc(d->count * sizeof *sorted);	/* as large as list */
	if (sorted == NULL) {
		free(order);
		return -1;
	}
	for (i = 0; i < d->count; i++)
		sorted[i] = d->list[order[i].index];
	free(order);
	free(d->list);
	d->list = sorted;
	d->room = d->count;
	return 0;
}

static bool still_there(const struct maildrop *d, const struct message *m)
{
	struct stat st;

	return maildir_is(d->dir, (enum maildir_sub)m->sub,
	    maildrop_name(d, m), m->id, &st);
}

/*
 * The sightings from..to have one unique name; keeps each message once, and
 * numbers the copies (P-47).  Returns how many it kept, at out.
 */
static size_t merge(const struct maildrop *d, const struct message *from,
    const struct message *to, struct message *out)
{
	size_t kept = 0, i;

	for (; from < to; from++) {
		bool again = from + 1 < to && from[1].id == from[0].id;

		if (!again)	/* the latest sighting says where it is */
			out[kept++] = *from;
	}
	if (kept == 1)
		return 1;
	/* One of them may be what another program made of another. */
	for (i = 0; i < kept && kept > 1; )
		if (still_there(d, &out[i])) {
			i++;
		} else {
			memmove(&out[i], &out[i + 1],
			    (kept - i - 1) * sizeof out[0]);
			kept--;
		}
	for (i = 1; i < kept; i++)
		out[i].copy = (uint32_t)i + 1;
	return kept;
}

static void merge_sightings(struct maildrop *d)
{
	size_t from = 0, to, kept = 0;

	for (; from < d->count; from = to) {
		for (to = from + 1; to < d->count && compare_unique(d,
		    &d->list[from], &d->list[to]) == 0; to++)
			;
		kept += merge(d, &d->list[from], &d->list[to], &d->list[kept]);
	}
	d->count = kept;
	if (d->count > MAILDROP_LIMIT) {
		log_warning("only the first million messages are served in",
		    d->dir->path);
		d->count = MAILDROP_LIMIT;
	}
}

int maildrop_load(struct maildrop *d, struct maildir *dir, bool trashed_hidden)
{
	memset(d, 0, sizeof *d);
	d->dir = dir;
	d->trashed_hidden = trashed_hidden;
	if (scan_at_login(d) == 0 && (d->count < 2 || sort(d) == 0)) {
		merge_sightings(d);
		return 0;
	}
	log_errno("cannot list Maildir", dir->path);
	maildrop_free(d);
	return -1;
}

void maildrop_free(struct maildrop *d)
{
	free(d->list);
	free(d->names);
	d->list = NULL;
	d->names = NULL;
	d->count = d->room = d->names_used = d->names_room = 0;
}

struct message *maildrop_find(const struct maildrop *d, uint64_t n)
{
	struct message *m;

	if (n < 1 || n > d->count)
		return NULL;
	m = &d->list[n - 1];
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
		if (!maildir_is(d->dir, (enum maildir_sub)m->sub, name, m->id,
		    &st))
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
		return 0;
	}
	log_errno("cannot read, to learn its size:", name);
	if (errno != EACCES || !maildir_forbidden(d->dir, sub, name) ||
	    !maildir_is(d->dir, sub, name, m->id, &st))
		return -1;
	m->octets = (uint64_t)st.st_size;
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
		log_errno("cannot read, to learn its size:",
		    maildrop_name(d, m));
	close(fd);
	return r;
}

struct maildrop_totals maildrop_totals(const struct maildrop *d)
{
	struct maildrop_totals t = { .known = true };
	size_t i;

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
		const char *name = name_of(d, &d->list[at]);
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

size_t maildrop_uidl(const struct maildrop *d, const struct message *m,
    char out[UIDL_LIMIT])
{
	char text[NAME_LIMIT + 1 + NUM_DIGITS + 1];
	const char *name = name_of(d, m);
	size_t len = name_unique(name), n;

	if (m->copy == 0)
		return uidl_make(name, len, out);
	memcpy(text, name, len);
	text[len++] = '~';
	len += num_format(text + len, m->copy);
	n = uidl_make(text, len, out);
	if (!taken(d, text, len))
		return n;
	/*
	 * A message has that very name.  Its UIDL is the name, so the hashed
	 * form is free; or it is hashed too, and then another text must be.
	 */
	if (n != len || memcmp(out, text, len) != 0)
		text[len++] = '~';
	return uidl_hash(text, len, out);
}

/* What maildrop_follow() hands to note(). */
struct search {
	struct maildrop *d;
	struct order *by_id;
};

/* The first of by_id with that id or a larger one. */
static size_t first_with(const struct order *by_id, size_t count, uint64_t id)
{
	size_t from = 0, to = count;

	while (from < to) {
		size_t at = from + (to - from) / 2;

		if (by_id[at].key < id)
			from = at + 1;
		else
			to = at;
	}
	return from;
}

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
	return keep_name(d, name, &m->path);
}

/* maildir_scan() calls this while messages are followed. */
static int note(void *arg, enum maildir_sub sub, const char *name, uint64_t id)
{
	struct search *s = arg;
	struct maildrop *d = s->d;
	size_t key = name_key(name), i;

	for (i = first_with(s->by_id, d->count, id);
	    i < d->count && s->by_id[i].key == id; i++) {
		struct message *m = &d->list[s->by_id[i].index];
		const char *known = name_of(d, m);

		if (name_key(known) != key || memcmp(known, name, key) != 0)
			continue;
		if (move_to(d, m, name) == -1)
			return -1;
		m->sub = (uint8_t)sub;
		m->marks &= (uint8_t)~(MESSAGE_UNSEEN | MESSAGE_GONE);
	}
	return 0;
}

static int any_order(const void *arg, uint32_t a, uint32_t b)
{
	(void)arg, (void)a, (void)b;
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
	order_sort(s.by_id, d->count, any_order, NULL);
	r = scan_both(d->dir, note, &s);
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
	young = maildir_young(&before);
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
