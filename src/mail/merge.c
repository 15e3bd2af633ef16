/*
 * merge.c - of what was sighted at login, each message once (P-47, P-142).
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in a name; that one name is one message only as P-143 says.
 */
#include "mail/merge.h"

#include "base/log.h"
#include "mail/name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct order *merge_by_id(const struct maildrop *d)
{
	struct order *o = order_new(d->count);
	size_t i;

	for (i = 0; o != NULL && i < d->count; i++)
		o[i].key = d->list[i].id;
	if (o != NULL)
		order_sort(o, d->count, NULL, NULL);
	return o;
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

/* Names of one file, the second by a program that corrected ",S=" (P-143). */
static bool is_corrected(const char *a, const char *b)
{
	size_t key = name_key(a);

	return name_key(b) == key && memcmp(a, b, key) == 0 &&
	    !name_same_unique(a, b);
}

/* Of some sightings of one file, whether the first was corrected since. */
static int was_corrected(const struct maildrop *d, const struct order *of,
    size_t count)
{
	const struct message *m = &d->list[of[0].index];
	int there;
	size_t i;

	for (i = 1; i < count; i++) {
		if (!is_corrected(maildrop_first_name(d, m),
		    maildrop_first_name(d, &d->list[of[i].index])))
			continue;
		there = still_there(d, m);
		return there == -1 ? -1 : !there;
	}
	return 0;
}

int merge_corrected(struct maildrop *d)
{
	struct order *by_id = merge_by_id(d);
	size_t kept = 0, i, to = 0;
	int r = by_id == NULL ? -1 : 0;

	for (i = 0; r != -1 && i < d->count; i++) {
		if (to <= i)
			for (to = i + 1; to < d->count &&
			    by_id[to].key == by_id[i].key; to++)
				;
		r = was_corrected(d, by_id + i, to - i);
		if (r == 1)
			d->list[by_id[i].index].marks |= MESSAGE_GONE;
	}
	free(by_id);
	for (i = 0; r != -1 && i < d->count; i++)
		if ((d->list[i].marks & MESSAGE_GONE) == 0)
			d->list[kept++] = d->list[i];
	d->count = r == -1 ? d->count : kept;
	return r == -1 ? -1 : 0;
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

static int compare_unique(const char *a, const char *b)
{
	return name_compare(a, name_unique(a), b, name_unique(b));
}

static int merge_all(struct maildrop *d)
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

/* Gives back the room of what was sighted twice. */
static int tidy(struct maildrop *d, size_t sightings)
{
	if (d->count == sightings)
		return 0;
	return compact(d) == 0 && shrink(d) == 0 ? 0 : -1;
}

int merge_sightings(struct maildrop *d)
{
	size_t sightings = d->count;

	return merge_all(d) == -1 || tidy(d, sightings) == -1 ? -1 : 0;
}
