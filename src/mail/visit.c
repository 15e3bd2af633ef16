/*
 * visit.c - what one visit leaves for the next.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  the times of directories, as visit.h says and where the filesystem
 *          is known to tell them; nothing else in the cache (S-7).
 */
#include "mail/visit.h"

#include "base/grow.h"
#include "base/idle.h"
#include "base/log.h"
#include "mail/name.h"
#include "mail/size.h"

#include <stdlib.h>
#include <string.h>

#define BOTH (1U << MAILDIR_NEW | 1U << MAILDIR_CUR)
#define NS INT64_C(1000000000)

struct visit_correction {
	size_t index;
	uint64_t octets;
};

/* --- is the cache's list still the Maildir's? ---------------------------- */

static struct sizecache_stamp stamp(const struct maildir_times *t,
    enum maildir_sub sub)
{
	return (struct sizecache_stamp){
		.dev = t->dev[sub],
		.ino = t->ino[sub],
		.mtime = t->changed[sub].tv_sec,
		.mtime_ns = t->changed[sub].tv_nsec,
		.ctime = t->touched[sub].tv_sec,
		.ctime_ns = t->touched[sub].tv_nsec,
	};
}

static bool same_stamp(const struct visit *v, enum maildir_sub sub)
{
	const struct sizecache_stamp now = stamp(&v->scan.times, sub);

	return memcmp(&now, &v->cache.head.sub[sub], sizeof now) == 0;
}

/* Whether changes since then would show in that directory's time. */
static bool shows_changes(const struct visit *v, enum maildir_sub sub,
    const struct timespec *then)
{
	const struct timespec *t = &v->scan.times.changed[sub];
	int64_t s = then->tv_sec - t->tv_sec;

	return s > VISIT_GRANULARITY ||
	    (s == VISIT_GRANULARITY && then->tv_nsec > t->tv_nsec);
}

/* Flags that a list of ours has, but for those that it may have. */
static uint64_t kind(const struct visit *v)
{
	return (v->drop->dir->by_content ? SIZECACHE_BY_CONTENT : 0U) |
	    (v->drop->trashed_hidden ? SIZECACHE_T_HIDDEN : 0U);
}

static bool same_kind(const struct visit *v, uint64_t flags)
{
	return (v->cache.head.flags & flags) == (kind(v) & flags);
}

/* The directories, as bits, of which the cache has what is in them now. */
static unsigned known(const struct visit *v)
{
	const struct sizecache *c = &v->cache;
	enum maildir_sub sub;
	unsigned bits = 0;

	if (c->fd == -1 || (c->head.flags & SIZECACHE_STEADY) == 0 ||
	    !same_kind(v, SIZECACHE_BY_CONTENT | SIZECACHE_T_HIDDEN))
		return 0;
	for (sub = MAILDIR_NEW; sub < MAILDIR_SUBS; sub++)
		if (c->dev == v->scan.times.dev[sub] && same_stamp(v, sub) &&
		    shows_changes(v, sub, &c->mtime))
			bits |= 1U << sub;
	return bits != 0 && maildir_local(v->drop->dir) ? bits : 0;
}

/* --- the list, from the cache -------------------------------------------- */

static size_t cached(const struct sizecache *c)
{
	return (size_t)(c->head.count[MAILDIR_NEW] +
	    c->head.count[MAILDIR_CUR]);
}

/* Behind what is there already, in the list's order (P-47, P-49). */
static int append(struct maildrop *d, const struct sizecache_entry *e,
    uint64_t *last)
{
	struct message *m = &d->list[d->count];
	const uint64_t order = name_order(e->name);
	const char *before;

	memset(m, 0, sizeof *m);
	m->id = e->id;
	m->octets = e->octets;
	m->sub = (uint8_t)e->sub;
	m->name = m->path = (uint32_t)d->names_used;
	/* Most often the leading number is enough to see the order. */
	if (d->count > 0 && order <= *last) {
		before = maildrop_first_name(d, m - 1);
		if (listing_compare(before, m[-1].id, e->name, e->id) >= 0)
			return -1;
		if (name_same_unique(before, e->name))
			m->copy = m[-1].copy == 0 ? 2 : m[-1].copy + 1;
	}
	memcpy(d->names + d->names_used, e->name, e->len + 1);
	d->names_used += e->len + 1;
	d->count++;
	*last = order;
	return 0;
}

/* Exactly the room that the head says; -1: damaged, or no memory. */
static int read_list(struct sizecache *c, struct maildrop *d)
{
	size_t count = cached(c), octets = (size_t)c->head.names + count;
	struct sizecache_entry e;
	uint64_t last = 0;
	int r;

	d->count = 0;
	d->list = malloc((count + 1) * sizeof *d->list);
	d->names = malloc(octets + 1);
	if (d->list == NULL || d->names == NULL)
		return -1;
	d->room = count + 1;
	d->names_room = octets + 1;
	while ((r = sizecache_next(c, &e)) == 1)
		if (d->count == count || d->names_used + e.len + 1 > octets ||
		    append(d, &e, &last) == -1)
			return -1;
	return r;
}

/* What is in the known directories, to be completed by a scan. */
static int add_known(struct visit *v, unsigned bits)
{
	struct sizecache_entry e;
	int r;

	while ((r = sizecache_next(&v->cache, &e)) == 1)
		if ((bits & 1U << e.sub) != 0 && listing_add(v->drop, e.sub,
		    e.name, e.id, e.octets) == -1)
			return -1;
	return r;
}

/* --- sizes, from a cache whose list is not the Maildir's any more --------- */

/*
 * Both are in the same order, so it is one merge.  True: the cache is the
 * list.  A message is one of the cache's if it has its unique name and
 * identity.
 */
static bool take_sizes(struct visit *v)
{
	struct maildrop *d = v->drop;
	struct sizecache_entry e;
	bool same = true;
	size_t i = 0;
	int r, order = 0;

	sizecache_rewind(&v->cache);
	while ((r = sizecache_next(&v->cache, &e)) == 1) {
		struct message *m;

		for (; i < d->count; i++, same = false) {
			m = &d->list[i];
			order = listing_compare(maildrop_first_name(d, m),
			    m->id, e.name, e.id);
			if (order >= 0)
				break;
		}
		if (i == d->count || order != 0) {
			same = false;
			continue;
		}
		m = &d->list[i++];
		m->octets = e.octets;
		same = same && m->sub == e.sub &&
		    strcmp(maildrop_first_name(d, m), e.name) == 0;
	}
	if (r == 0)
		return same && i == d->count;
	for (i = 0; i < d->count; i++)
		d->list[i].octets = SIZE_UNKNOWN;
	return false;
}

static bool all_sized(const struct maildrop *d)
{
	size_t i;

	for (i = 0; i < d->count; i++)
		if (d->list[i].octets == SIZE_UNKNOWN)
			return false;
	return true;
}

/* The list was read, with bits from the cache; is that right for next time? */
static void compare(struct visit *v, unsigned bits)
{
	const struct sizecache *c = &v->cache;
	bool same_times = (c->head.flags & SIZECACHE_STEADY) != 0 &&
	    same_stamp(v, MAILDIR_NEW) && same_stamp(v, MAILDIR_CUR);

	v->changed = true;
	if (bits != 0 && (all_sized(v->drop) ||
	    ((bits & 1U << MAILDIR_NEW) == 0 &&
	    c->head.count[MAILDIR_NEW] == 0)))
		return;		/* it has no more sizes for us */
	if (!same_kind(v, SIZECACHE_BY_CONTENT) || !take_sizes(v))
		return;
	v->changed = !same_kind(v, SIZECACHE_T_HIDDEN) || (!same_times &&
	    v->scan.steady && maildir_local(v->drop->dir));
	if (same_times && v->scan.steady &&
	    shows_changes(v, MAILDIR_NEW, &v->scan.began) &&
	    shows_changes(v, MAILDIR_CUR, &v->scan.began))
		sizecache_refresh(c, v->scan.began);
}

/* Goes on as if there were no cache. */
static void forget(struct visit *v)
{
	struct maildrop *d = v->drop;
	struct maildir *dir = d->dir;
	bool hidden = d->trashed_hidden;

	log_warning("the cache of sizes is damaged, and made anew, in",
	    dir->path);
	sizecache_remove(&v->cache, dir);
	maildrop_free(d);
	listing_begin(d, dir, hidden);
}

static int look(struct visit *v)
{
	struct maildir *dir = v->drop->dir;

	if (maildir_times(dir, &v->scan.times) == 0)
		return 0;
	log_errno("cannot list Maildir", dir->path);
	return -1;
}

static int scan(struct visit *v, unsigned bits)
{
	struct maildrop *d = v->drop;

	if (bits != 0 && add_known(v, bits) == -1) {
		forget(v);
		bits = 0;
	}
	if (listing_scan(d, &v->scan, bits) == -1 || listing_end(d) == -1)
		return -1;
	v->changed = true;
	if (v->cache.fd != -1)
		compare(v, bits);
	sizecache_close(&v->cache);
	return 0;
}

static int number(struct maildrop *d)
{
	if (maildrop_number(d) == 0)
		return 0;
	maildrop_free(d);
	return -1;
}

int visit_begin(struct visit *v, struct maildrop *d, struct maildir *dir,
    bool trashed_hidden, bool keep)
{
	unsigned bits;

	memset(v, 0, sizeof *v);
	v->drop = d;
	v->keeps = keep;
	v->saved = idle_clock();
	v->cache.fd = -1;
	listing_begin(d, dir, trashed_hidden);
	if (look(v) == -1)
		return -1;
	if (keep)
		sizecache_open(&v->cache, dir);
	bits = known(v);
	if (bits != 0)		/* the ids in it are inode numbers: all are */
		dir->probed = true;
	if (bits != BOTH)
		return scan(v, bits) == -1 ? -1 : number(d);
	v->scan.began = v->cache.mtime;
	v->scan.steady = true;
	d->count = cached(&v->cache);
	d->octets = (v->cache.head.flags & SIZECACHE_SIZED) != 0 ?
	    v->cache.head.octets : SIZE_UNKNOWN;
	return 0;
}

int visit_list(struct visit *v)
{
	struct maildrop *d = v->drop;
	size_t count = d->count;

	if (v->cache.fd == -1)
		return 0;
	if (read_list(&v->cache, d) == 0) {
		sizecache_close(&v->cache);
		return number(d);
	}
	forget(v);
	if (look(v) == -1 || scan(v, 0) == -1 || number(d) == -1)
		return -1;
	if (d->count == count || !v->told)
		return 0;
	log_warning("session ended: a damaged cache of sizes had counted the "
	    "messages in", d->dir->path);
	return -1;
}

/* --- what was learnt, for the next visit ---------------------------------- */

struct saving {
	const struct visit *v;
	size_t next, correction;	/* both in the list's order */
};

static uint64_t octets_to_keep(struct saving *s, size_t index)
{
	const struct visit *v = s->v;
	const struct visit_correction *c = v->corrections;
	const struct message *m = &v->drop->list[index];

	while (s->correction < v->corrected &&
	    c[s->correction].index < index)
		s->correction++;
	if (s->correction < v->corrected && c[s->correction].index == index)
		return c[s->correction].octets;
	/*
	 * What it counts for in this visit may be wrong in the next; so may a
	 * ",W=" that somebody has corrected since.
	 */
	return (m->marks & MESSAGE_UNREAD) != 0 ||
	    maildrop_corrected(v->drop, m) ? SIZE_UNKNOWN : m->octets;
}

/* sizecache_write() asks for the next message. */
static const char *each(void *arg, struct sizecache_entry *e)
{
	struct saving *s = arg;
	const struct maildrop *d = s->v->drop;
	const struct message *m;

	while (s->next < d->count &&
	    (d->list[s->next].marks & MESSAGE_REMOVED) != 0)
		s->next++;
	if (s->next == d->count)
		return NULL;
	m = &d->list[s->next];
	e->id = m->id;
	e->octets = octets_to_keep(s, s->next);
	e->sub = (enum maildir_sub)m->sub;
	s->next++;
	/* In the order of the list: see sizecache_next(). */
	return maildrop_corrected(d, m) ? maildrop_first_name(d, m) :
	    maildrop_name(d, m);
}

/* Whether there is a size to be kept: a list of names alone is not worth it. */
static bool worth_keeping(const struct maildrop *d)
{
	size_t i;

	for (i = 0; i < maildrop_listed(d); i++)
		if (d->list[i].octets != SIZE_UNKNOWN &&
		    (d->list[i].marks & (MESSAGE_REMOVED | MESSAGE_GONE |
		    MESSAGE_UNREAD)) == 0)
			return true;
	return false;
}

static void save(struct visit *v)
{
	struct sizecache_head head = { .flags = kind(v) };
	struct saving s = { v, 0, 0 };
	struct maildrop *d = v->drop;

	v->saved = idle_clock();
	if (!worth_keeping(d))
		return;
	/* With one of two names it would not know what is in both folders. */
	if (v->scan.steady && !d->two_names && d->count < MAILDROP_LIMIT)
		head.flags |= SIZECACHE_STEADY;
	head.sub[MAILDIR_NEW] = stamp(&v->scan.times, MAILDIR_NEW);
	head.sub[MAILDIR_CUR] = stamp(&v->scan.times, MAILDIR_CUR);
	/* Once it cannot be written, one line in the log is enough. */
	v->keeps = sizecache_write(d->dir, &head, v->scan.began, each, &s) ==
	    0;
	v->changed = false;
}

void visit_learnt(struct visit *v)
{
	v->changed = true;
	if (v->keeps && idle_clock() - v->saved >= VISIT_SAVE * (uint64_t)NS)
		save(v);
}

void visit_correct(struct visit *v, const struct message *m, uint64_t octets)
{
	size_t index = (size_t)(m - v->drop->list), at = v->corrected;
	struct visit_correction *c;
	void *block = v->corrections;

	if (grow(&block, v->corrected, 1, &v->room, sizeof *c) == -1)
		return;		/* the wrong one is kept: RETR will tell again */
	c = v->corrections = block;
	/* In the list's order, which is that of most clients too. */
	while (at > 0 && c[at - 1].index >= index)
		at--;
	if (at == v->corrected || c[at].index != index) {
		memmove(&c[at + 1], &c[at], (v->corrected - at) * sizeof *c);
		v->corrected++;
	}
	c[at] = (struct visit_correction){ index, octets };
	visit_learnt(v);
}

void visit_end(struct visit *v)
{
	if (v->keeps && v->changed)
		save(v);
	sizecache_close(&v->cache);
	free(v->corrections);
	v->corrections = NULL;
	v->corrected = v->room = 0;
}
