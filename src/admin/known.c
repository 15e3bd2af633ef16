/*
 * known.c - the lines of maildir-pop3d.uidl.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in names and UIDLs but that old.c has looked at them.
 */
#include "admin/known.h"

#include "base/num.h"
#include "mail/match.h"
#include "mail/name.h"
#include "mail/order.h"

#include <stdlib.h>
#include <string.h>

/* --- which record is about which message ---------------------------------- */

/* Records from the last to the first: the later one counts. */
static const char *record_name(const void *arg, uint32_t i, size_t *len)
{
	const struct old *o = arg;
	const char *name = old_text(o, o->list[o->count - 1 - i].name);

	*len = strlen(name);
	return name;
}

struct originals {
	const struct maildrop *d;
	uint32_t *message;	/* those that are no copies */
	size_t count;
};

static const char *message_name(const void *arg, uint32_t i, size_t *len)
{
	const struct originals *m = arg;
	const char *name = maildrop_first_name(m->d,
	    &m->d->list[m->message[i]]);

	*len = name_unique(name);
	return name;
}

int known_match(const struct old *o, const struct maildrop *d,
    uint32_t *record_of)
{
	struct originals m = { d, calloc(d->count + 1, sizeof *m.message), 0 };
	uint32_t *found = calloc(d->count + 1, sizeof *found);
	const struct match_names lines = { o->count, record_name, o };
	size_t i;
	int r = -1;

	if (m.message != NULL && found != NULL) {
		for (i = 0; i < d->count; i++) {
			record_of[i] = MATCH_NONE;
			if (d->list[i].copy == 0)
				m.message[m.count++] = (uint32_t)i;
		}
		r = match_names(&lines, &(struct match_names){ m.count,
		    message_name, &m }, found);
		for (i = 0; r == 0 && i < m.count; i++)
			if (found[i] != MATCH_NONE)
				record_of[m.message[i]] =
				    (uint32_t)(o->count - 1 - found[i]);
	}
	free(m.message);
	free(found);
	return r;
}

/* --- in the old server's order -------------------------------------------- */

/* A name with LF has no line of its own: no server's list had it either. */
bool known_usable(const struct old *o, const struct maildrop *d,
    size_t message, uint32_t record)
{
	const char *name = maildrop_first_name(d, &d->list[message]);

	return *old_text(o, o->list[record].uidl) != '\0' &&
	    memchr(name, '\n', name_unique(name)) == NULL;
}

static int collect(struct known *k, const struct old *o,
    const struct maildrop *d, const uint32_t *record_of)
{
	size_t i;

	k->list = calloc(d->count + 1, sizeof *k->list);
	if (k->list == NULL)
		return -1;
	for (i = 0; i < d->count; i++) {
		uint32_t r = record_of[i];

		if (r == MATCH_NONE)
			continue;
		k->found++;
		if (known_usable(o, d, i, r))
			k->list[k->count++] = (struct known_line){
			    (uint32_t)i, r, o->list[r].uidl };
	}
	return 0;
}

/* By rank; equal ones as the maildrop has them. */
static int sort(struct known *k, const struct old *o)
{
	struct order *order = order_new(k->count);
	struct known_line *sorted = calloc(k->count + 1, sizeof *sorted);
	size_t i;
	int r = order == NULL || sorted == NULL ? -1 : 0;

	for (i = 0; r == 0 && i < k->count; i++)
		order[i].key = o->list[k->list[i].record].rank;
	if (r == 0) {
		order_sort(order, k->count, NULL, NULL);
		for (i = 0; i < k->count; i++)
			sorted[i] = k->list[order[i].index];
		memcpy(k->list, sorted, k->count * sizeof *sorted);
	}
	free(order);
	free(sorted);
	return r;
}

/* --- a UIDL that comes again ---------------------------------------------- */

struct uidls {
	const struct known *k;
	const struct old *o;
};

static const char *uidl_of(const void *arg, uint32_t i, size_t *len)
{
	const struct uidls *u = arg;
	const char *uidl = old_text(u->o, u->k->list[i].uidl);

	*len = strlen(uidl);
	return uidl;
}

/*
 * The next "UIDL-n" that no message has.  Two of these cannot be equal: what
 * is before the last mark would be, and the number too.  n: how many there are
 * of this UIDL so far.  0: none is short enough.
 */
static size_t next_of(const struct texts *t, const char *uidl, char mark,
    uint32_t *n, char out[UIDL_KNOWN_LIMIT + 1 + NUM_DIGITS])
{
	size_t len = strlen(uidl), end;

	memcpy(out, uidl, len);
	out[len++] = mark;
	do
		end = len + num_format(out + len, ++*n);
	while (end <= UIDL_KNOWN_LIMIT &&
	    texts_find(t, out, end) != TEXTS_NONE);
	return end <= UIDL_KNOWN_LIMIT ? end : 0;
}

/* Their new UIDLs go to changed; the index needs the old ones meanwhile. */
static int rename_doubles(struct known *k, struct old *o,
    const struct texts *t, size_t *changed, uint32_t *copies, char mark)
{
	char text[UIDL_KNOWN_LIMIT + 1 + NUM_DIGITS];
	uint32_t i;

	for (i = 0; i < k->count; i++) {
		const char *uidl = old_text(o, k->list[i].uidl);
		uint32_t first = texts_find(t, uidl, strlen(uidl));
		struct old_record r = { 0 };
		size_t len;

		changed[i] = k->list[i].uidl;
		if (first == i)
			continue;
		k->doubled++;
		if (copies[first] == 0)
			copies[first] = 1;
		len = next_of(t, uidl, mark, &copies[first], text);
		if (old_set_uidl(o, &r, text, len) == -1)
			return -1;
		changed[i] = r.uidl;	/* "" where none is short enough */
	}
	return 0;
}

static void take_changed(struct known *k, const struct old *o,
    const size_t *changed)
{
	size_t kept = 0, i;

	for (i = 0; i < k->count; i++) {
		k->list[kept] = k->list[i];
		k->list[kept].uidl = changed[i];
		kept += *old_text(o, changed[i]) != '\0';
	}
	k->count = kept;
}

static int part(struct known *k, struct old *o, char mark)
{
	const struct uidls uidls = { k, o };
	struct texts t = { 0 };
	size_t *changed = calloc(k->count + 1, sizeof *changed);
	uint32_t *copies = calloc(k->count + 1, sizeof *copies);
	int r = -1;

	if (changed != NULL && copies != NULL &&
	    texts_index(&t, k->count, uidl_of, &uidls) == 0 &&
	    rename_doubles(k, o, &t, changed, copies, mark) == 0) {
		take_changed(k, o, changed);
		r = 0;
	}
	texts_free(&t);
	free(changed);
	free(copies);
	return r;
}

int known_make(struct known *k, struct old *o, const struct maildrop *d,
    const uint32_t *record_of, char mark)
{
	memset(k, 0, sizeof *k);
	if (collect(k, o, d, record_of) == -1 || sort(k, o) == -1)
		return -1;
	return part(k, o, mark);
}

void known_free(struct known *k)
{
	free(k->list);
	k->list = NULL;
	k->count = 0;
}
