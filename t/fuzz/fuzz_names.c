/*
 * fuzz_names.c - file names: mail/name.c, uidl.c, order.c, and a Maildir of
 * them by listing.c (P-45...P-49, P-140, P-142, P-143, P-147).
 *
 * Each line is a name; those a filesystem can have become files, the first
 * octet says which of them in cur/.
 */
#include "fuzz.h"

#include "mail/listing.h"
#include "mail/maildrop.h"
#include "mail/name.h"
#include "mail/order.h"
#include "mail/uidl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES 24

struct names {
	size_t count;
	char name[NAMES][NAME_LIMIT + 3];
};

static void split(const char *at, size_t len, struct names *n)
{
	const char *end = at + len, *lf;

	for (n->count = 0; at < end && n->count < NAMES; at = lf + 1) {
		size_t m;

		lf = memchr(at, '\n', (size_t)(end - at));
		if (lf == NULL)
			lf = end;
		m = (size_t)(lf - at);
		if (m > NAME_LIMIT + 2)
			m = NAME_LIMIT + 2;
		memcpy(n->name[n->count], at, m);
		n->name[n->count++][m] = '\0';
	}
}

/* --- one name ----------------------------------------------------------- */

static void legal_uidl(const char *uidl, size_t len)
{
	size_t i;

	must(len >= 1 && len <= UIDL_LIMIT, "P-44: 1..70 octets");
	for (i = 0; i < len; i++)
		must(uidl[i] > ' ' && uidl[i] <= '~', "P-44: 21..7E");
}

/* ",S=" or ",W=" by looking at each comma of the unique name. */
static bool plain_field(const char *name, char key, uint64_t *value)
{
	size_t end = strcspn(name, ":"), i, k;

	for (i = 0; i < end; i++) {
		if (name[i] != ',' || name[i + 1] != key || name[i + 2] != '=')
			continue;
		*value = 0;
		for (k = i + 3; name[k] >= '0' && name[k] <= '9'; k++)
			*value = *value > (UINT64_MAX - 9) / 10 ? UINT64_MAX :
			    *value * 10 + (uint64_t)(name[k] - '0');
		return k > i + 3 && (k == end || name[k] == ',');
	}
	return false;
}

static void try_name(const char *name)
{
	char out[NAME_LIMIT + 1], again[NAME_LIMIT + 1], uidl[UIDL_LIMIT];
	size_t unique = name_unique(name);
	uint64_t value, want = 0;

	must(name_key(name) <= unique && unique <= strlen(name), "parts");
	must(!name_ok(name) || (name[0] != '.' && strchr(name, '/') == NULL &&
	    name[0] != '\0'), "S-7: what can be one file here");
	legal_uidl(uidl, uidl_make(name, unique, uidl));
	if (strlen(name) < NAME_LIMIT) {
		int r = name_field(name, 'S', &value);

		must((r == 0) == plain_field(name, 'S', &want), "P-147");
		if (r == 0 && want < UINT64_MAX / 2)
			must(value == want, "the number that stands there");
	}
	if (strlen(name) <= NAME_LIMIT && name_add_flag(name, 'S', out) == 0) {
		must(strlen(out) <= NAME_LIMIT, "no longer than a name is");
		must(name_unique(out) == unique &&
		    memcmp(out, name, unique) == 0, "P-45: unique stays");
		must(name_has_flag(out, 'S'), "it has the flag");
		must(name_add_flag(out, 'S', again) == 0 &&
		    strcmp(out, again) == 0, "once");
	}
}

/* --- two, and all ------------------------------------------------------- */

static int compare(const char *a, const char *b)
{
	return name_compare(a, name_unique(a), b, name_unique(b));
}

static void try_pair(const char *a, const char *b)
{
	char x[UIDL_LIMIT], y[UIDL_LIMIT];
	size_t m = name_unique(a), n = name_unique(b);
	size_t xs = uidl_make(a, m, x), ys = uidl_make(b, n, y);
	bool same = m == n && memcmp(a, b, m) == 0;

	must(same == (xs == ys && memcmp(x, y, xs) == 0),
	    "P-46: another name, another UIDL");
	must(same == (compare(a, b) == 0), "P-49: only equals are equal");
	must((compare(a, b) < 0) == (compare(b, a) > 0), "one order");
	if (name_order(a) < name_order(b))
		must(compare(a, b) < 0, "the number is of that order");
}

static int by_name(const void *arg, uint32_t a, uint32_t b)
{
	const struct names *n = arg;

	return compare(n->name[a], n->name[b]);
}

static void try_order(const struct names *n)
{
	struct order *o = order_new(n->count);
	size_t i;

	must(o != NULL, "memory");
	for (i = 0; i < n->count; i++)
		o[i].key = name_order(n->name[i]);
	order_sort(o, n->count, by_name, n);
	for (i = 1; i < n->count; i++) {
		int c = compare(n->name[o[i - 1].index], n->name[o[i].index]);

		must(c < 0 || (c == 0 && o[i - 1].index < o[i].index),
		    "in order, and equals as they stood");
	}
	free(o);
}

/* --- a Maildir ---------------------------------------------------------- */

static size_t make(const struct names *n, unsigned in_cur)
{
	size_t made = 0, i;

	for (i = 0; i < n->count; i++) {
		char path[NAME_LIMIT + 16];
		int fd;

		if (strchr(n->name[i], '/') != NULL || n->name[i][0] == '\0' ||
		    strlen(n->name[i]) > NAME_LIMIT)
			continue;
		snprintf(path, sizeof path, "m/%s/%s",
		    in_cur >> i % 8 & 1 ? "cur" : "new", n->name[i]);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
		must(fd != -1 || errno == EEXIST || errno == EISDIR, path);
		if (fd == -1)
			continue;
		close(fd);
		made += n->name[i][0] != '.';
	}
	return made;
}

static void clear(const struct names *n)
{
	char path[NAME_LIMIT + 16];
	size_t i;

	for (i = 0; i < n->count; i++) {
		if (strchr(n->name[i], '/') != NULL)
			continue;
		snprintf(path, sizeof path, "m/new/%s", n->name[i]);
		unlink(path);
		snprintf(path, sizeof path, "m/cur/%s", n->name[i]);
		unlink(path);
	}
}

static void no_two_alike(const struct maildrop *d)
{
	char a[UIDL_KNOWN_LIMIT], b[UIDL_KNOWN_LIMIT];
	size_t i, k;

	for (i = 0; i < d->count; i++) {
		size_t len = maildrop_uidl(d, &d->list[i], a);

		legal_uidl(a, len);
		for (k = 0; k < i; k++)
			must(len != maildrop_uidl(d, &d->list[k], b) ||
			    memcmp(a, b, len) != 0, "P-47: one UIDL for two");
		if (i > 0)
			must(compare(maildrop_first_name(d, &d->list[i - 1]),
			    maildrop_first_name(d, &d->list[i])) <= 0, "P-49");
	}
}

static void try_maildir(const struct names *n, unsigned in_cur)
{
	struct maildir m;
	struct maildrop d;
	size_t made = make(n, in_cur), i;

	must(maildir_open(&m, "m") == 0, "it opens");
	must(maildrop_load(&d, &m, false) == 0, "it is listed");
	must(d.count == made, "P-140: every file, once");
	no_two_alike(&d);
	must(maildrop_follow(&d) != -1, "it is searched");
	for (i = 0; i < d.count; i++)
		must((d.list[i].marks & MESSAGE_GONE) == 0 &&
		    strcmp(maildrop_name(&d, &d.list[i]),
		    maildrop_first_name(&d, &d.list[i])) == 0,
		    "P-35: who has not moved is where he was");
	maildrop_free(&d);
	maildir_close(&m);
	clear(n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct names n;
	static bool begun;
	size_t i, k;

	fuzz_count(len);
	if (!begun) {
		fuzz_folder();
		must(mkdir("m", 0700) == 0 && mkdir("m/new", 0700) == 0 &&
		    mkdir("m/cur", 0700) == 0, "a Maildir");
	}
	begun = true;
	if (len == 0)
		return 0;
	split((const char *)data + 1, len - 1, &n);
	for (i = 0; i < n.count; i++) {
		try_name(n.name[i]);
		for (k = 0; k < i; k++)
			try_pair(n.name[i], n.name[k]);
	}
	try_order(&n);
	try_maildir(&n, data[0]);
	fuzz_descriptors();
	return 0;
}
