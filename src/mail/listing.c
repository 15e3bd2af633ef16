/*
 * listing.c - the message list as it is made at login (P-47, P-49, P-142).
 *
 * What was sighted in both directories, perhaps more than once, is sorted, and
 * each message is kept once.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in a name; that one name is one message only as P-143 says.
 */
#include "mail/listing.h"

#include "base/grow.h"
#include "base/log.h"
#include "mail/name.h"
#include "mail/order.h"
#include "mail/size.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SCANS 3			/* at most, at login: P-142 */

/* What is handed to take(). */
struct sightings {
	struct maildrop *d;
	struct order *by_id;	/* of the scans before this one, or NULL */
	size_t known;		/* messages in it */
	size_t seen;		/* in this scan */
};

static bool sighted_before(const struct sightings *s, enum maildir_sub sub,
    const char *name, uint64_t id)
{
	const struct maildrop *d = s->d;
	size_t i;

	for (i = order_find(s->by_id, s->known, id);
	    i < s->known && s->by_id[i].key == id; i++) {
		const struct message *m = &d->list[s->by_id[i].index];

		if (m->sub == sub &&
		    strcmp(maildrop_first_name(d, m), name) == 0)
			return true;
	}
	return false;
}

int listing_add(struct maildrop *d, enum maildir_sub sub, const char *name,
    uint64_t id, uint64_t octets)
{
	struct message *m;
	void *block = d->list;

	if (grow(&block, d->count, 1, &d->room, sizeof *d->list) == -1)
		return -1;
	d->list = block;
	m = &d->list[d->count];
	memset(m, 0, sizeof *m);
	if (maildrop_keep_name(d, name, &m->name) == -1)
		return -1;
	m->path = m->name;
	m->id = id;
	m->octets = octets;
	m->sub = (uint8_t)sub;
	d->count++;
	return 0;
}

/* maildir_scan() calls this at login. */
static int take(void *arg, enum maildir_sub sub, const char *name, uint64_t id)
{
	struct sightings *s = arg;

	s->seen++;
	if (sighted_before(s, sub, name, id))
		return 0;
	return listing_add(s->d, sub, name, id, SIZE_UNKNOWN);
}

static int scan(struct maildrop *d, unsigned known, struct sightings *s)
{
	enum maildir_sub sub;

	for (sub = MAILDIR_NEW; sub < MAILDIR_SUBS; sub++)
		if ((known & 1U << sub) == 0 &&
		    maildir_scan(d->dir, sub, take, s) == -1)
			return -1;
	return 0;
}

/* Once more; what was sighted before is not kept twice. */
static int scan_again(struct maildrop *d, unsigned known, struct sightings *s)
{
	size_t i;
	int r;

	*s = (struct sightings){ d, order_new(d->count), d->count, 0 };
	if (s->by_id == NULL)
		return -1;
	for (i = 0; i < s->known; i++)
		s->by_id[i].key = d->list[i].id;
	order_sort(s->by_id, s->known, NULL, NULL);
	r = scan(d, known, s);
	free(s->by_id);
	return r;
}

/* Whether the list is what this scan saw, and nothing that has gone since. */
static bool is_all(const struct maildrop *d, unsigned known,
    const struct sightings *s)
{
	size_t count = s->seen, i;

	for (i = 0; known != 0 && i < d->count; i++)
		count += (known >> d->list[i].sub) & 1;
	return count == d->count;
}

/* Of the directories in known, those that have not changed. */
static unsigned still_known(unsigned known, const struct maildir_times *a,
    const struct maildir_times *b)
{
	enum maildir_sub sub;

	for (sub = MAILDIR_NEW; sub < MAILDIR_SUBS; sub++)
		if (!maildir_same_time(a, b, sub))
			known &= ~(1U << sub);
	return known;
}

/*
 * Again while they change under our eyes: a rename during readdir may hide a
 * file, and a client that synchronises would take it for deleted (P-142).
 * The list is the union of all sightings.
 */
static int scan_steadily(struct maildrop *d, struct listing_scan *s,
    unsigned known)
{
	struct sightings sightings = { d, NULL, 0, 0 };
	struct maildir_times before;
	bool young, still = false;
	int scans, r;

	for (scans = 0; scans < SCANS && !still; scans++) {
		before = s->times;
		clock_gettime(CLOCK_REALTIME, &s->began);
		young = maildir_young(&before);
		r = scans == 0 ? scan(d, known, &sightings) :
		    scan_again(d, known, &sightings);
		if (r == -1 || maildir_times(d->dir, &s->times) == -1)
			return -1;
		still = !young && maildir_same_times(&before, &s->times);
		s->steady = still && is_all(d, known, &sightings);
		known = still_known(known, &before, &s->times);
	}
	return 0;
}

static int compare_unique(const char *a, const char *b)
{
	return name_compare(a, name_unique(a), b, name_unique(b));
}

int listing_compare(const char *a, uint64_t a_id, const char *b, uint64_t b_id)
{
	int order = strcmp(a, b) == 0 ? 0 : compare_unique(a, b);

	if (order == 0 && a_id != b_id)
		order = a_id < b_id ? -1 : 1;
	return order;
}

/* Sightings of one message side by side, in the order they were made. */
static int in_order(const void *arg, uint32_t a, uint32_t b)
{
	const struct maildrop *d = arg;
	const struct message *x = &d->list[a], *y = &d->list[b];

	return listing_compare(maildrop_first_name(d, x), x->id,
	    maildrop_first_name(d, y), y->id);
}

/* Gives back what the list has grown too large. */
static int shrink(struct maildrop *d)
{
	struct message *list = realloc(d->list,
	    (d->count + 1) * sizeof *list);

	if (list == NULL)
		return -1;
	d->list = list;
	d->room = d->count + 1;
	return 0;
}

/* Moves each message to where order says, without a second list. */
static void arrange(struct maildrop *d, struct order *order)
{
	uint32_t i, at, from;

	for (i = 0; i < d->count; i++) {
		struct message first = d->list[i];

		for (at = i; order[at].index != i; at = from) {
			from = order[at].index;
			d->list[at] = d->list[from];
			order[at].index = at;
		}
		d->list[at] = first;
		order[at].index = at;
	}
}

static int sort(struct maildrop *d)
{
	struct order *order = order_new(d->count);
	size_t i;

	if (order == NULL)
		return -1;
	for (i = 0; i < d->count; i++)
		order[i].key = name_order(maildrop_first_name(d, &d->list[i]));
	order_sort(order, d->count, in_order, d);
	arrange(d, order);
	free(order);
	return 0;
}

/* 1, 0; -1: errno. */
static int still_there(const struct maildrop *d, const struct message *m)
{
	struct stat st;

	if (maildir_look(d->dir, (enum maildir_sub)m->sub,
	    maildrop_first_name(d, m), m->id, &st) == 0)
		return 1;
	return errno == ENOENT ? 0 : -1;
}

/* Of messages of one unique name, leaves those that are there. */
static int drop_gone(const struct maildrop *d, struct message *list,
    size_t *count)
{
	size_t i, kept = 0;

	for (i = 0; i < *count; i++) {
		int there = still_there(d, &list[i]);

		if (there == -1)
			return -1;	/* not known to be gone: S-17 */
		/* One at least: the last may move at this moment. */
		if (there == 1 || (kept == 0 && i + 1 == *count))
			list[kept++] = list[i];
	}
	*count = kept;
	return 0;
}

/*
 * The sightings from..to have one unique name; keeps each message once, as it
 * was seen last, and numbers the copies (P-47).  *count: how many it kept, at
 * out.  -1: errno.
 */
static int merge(struct maildrop *d, const struct message *from,
    const struct message *to, struct message *out, size_t *count)
{
	bool trashed = false;
	size_t kept = 0, i;

	for (; from < to; from++) {
		trashed = trashed || (d->trashed_hidden &&
		    name_has_flag(maildrop_first_name(d, from), 'T'));
		if (from + 1 < to && from[1].id == from[0].id) {
			d->two_names = true;
			continue;
		}
		if (!trashed)
			out[kept++] = *from;
		trashed = false;
	}
	/* One of them may be what another program made of another. */
	if (kept > 1 && drop_gone(d, out, &kept) == -1)
		return -1;
	for (i = 1; i < kept; i++)
		out[i].copy = (uint32_t)i + 1;
	*count = kept;
	return 0;
}

/* What was sighted more than once is kept once: so is its name. */
static int compact(struct maildrop *d)
{
	size_t used = 0, i;
	char *names;

	for (i = 0; i < d->count; i++)
		used += strlen(maildrop_first_name(d, &d->list[i])) + 1;
	names = malloc(used + 1);
	if (names == NULL)
		return -1;
	used = 0;
	for (i = 0; i < d->count; i++) {
		struct message *m = &d->list[i];
		size_t len = strlen(maildrop_first_name(d, m)) + 1;

		memcpy(names + used, maildrop_first_name(d, m), len);
		m->name = m->path = (uint32_t)used;
		used += len;
	}
	free(d->names);
	d->names = names;
	d->names_used = used;
	d->names_room = used + 1;
	return 0;
}

static int merge_sightings(struct maildrop *d)
{
	size_t from = 0, to, kept = 0, some;

	for (; from < d->count; from = to) {
		const char *name = maildrop_first_name(d, &d->list[from]);

		for (to = from + 1; to < d->count && compare_unique(name,
		    maildrop_first_name(d, &d->list[to])) == 0; to++)
			;
		if (merge(d, &d->list[from], &d->list[to], &d->list[kept],
		    &some) == -1)
			return -1;
		kept += some;
	}
	d->count = kept;
	if (d->count > MAILDROP_LIMIT) {
		log_warning("only the first million messages are served in",
		    d->dir->path);
		d->count = MAILDROP_LIMIT;
	}
	return 0;
}

/* Gives back the room of what was sighted twice. */
static int tidy(struct maildrop *d, size_t sightings)
{
	if (d->count == sightings)
		return 0;
	return compact(d) == 0 && shrink(d) == 0 ? 0 : -1;
}

static int failed(struct maildrop *d)
{
	log_errno("cannot list Maildir", d->dir->path);
	maildrop_free(d);
	return -1;
}

void listing_begin(struct maildrop *d, struct maildir *dir,
    bool trashed_hidden)
{
	memset(d, 0, sizeof *d);
	d->dir = dir;
	d->trashed_hidden = trashed_hidden;
}

int listing_scan(struct maildrop *d, struct listing_scan *s, unsigned known)
{
	return scan_steadily(d, s, known) == -1 ? failed(d) : 0;
}

int listing_end(struct maildrop *d)
{
	size_t sightings = d->count;

	if ((d->count >= 2 && sort(d) == -1) || merge_sightings(d) == -1 ||
	    tidy(d, sightings) == -1)
		return failed(d);
	return 0;
}

int maildrop_load(struct maildrop *d, struct maildir *dir, bool trashed_hidden)
{
	struct listing_scan s;

	listing_begin(d, dir, trashed_hidden);
	if (maildir_times(dir, &s.times) == -1)
		return failed(d);
	return listing_scan(d, &s, 0) == -1 ? -1 : listing_end(d);
}
