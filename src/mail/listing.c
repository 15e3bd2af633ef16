/*
 * listing.c - the message list as it is made at login (P-47, P-49, P-142).
 *
 * What is sighted in both directories, perhaps more than once, is sorted; of
 * it merge.c keeps each message once.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in a name.
 */
#include "mail/listing.h"

#include "base/grow.h"
#include "base/log.h"
#include "mail/merge.h"
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
	int r;

	*s = (struct sightings){ d, merge_by_id(d), d->count, 0 };
	if (s->by_id == NULL)
		return -1;
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
		young = maildir_young(&before) > 0;
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

int listing_compare(const char *a, uint64_t a_id, const char *b, uint64_t b_id)
{
	int order = strcmp(a, b) == 0 ? 0 :
	    name_compare(a, name_unique(a), b, name_unique(b));

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
	if (scan_steadily(d, s, known) == -1 ||
	    (!s->steady && merge_corrected(d) == -1))
		return failed(d);
	return 0;
}

int listing_end(struct maildrop *d)
{
	if ((d->count >= 2 && sort(d) == -1) || merge_sightings(d) == -1)
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
