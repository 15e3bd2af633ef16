/*
 * fuzz_sizes.c - the file of sizes kept between visits: mail/sizecache.c
 * (S-7, P-31).
 *
 * The first octet chooses: the rest is the file as it stands, or its records,
 * and the head is made so that it fits them.  What is read must be what a
 * plain reader finds, to the last record, or nothing at all.
 */
#include "fuzz.h"

#include "mail/maildir.h"
#include "mail/name.h"
#include "mail/size.h"
#include "mail/sizecache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x3153657a69537064)
#define FIXED 18

static uint64_t sum(uint64_t s, const void *octets, size_t len)
{
	const char *p = octets;

	for (; len > 0; p += 8) {
		size_t n = len < 8 ? len : 8;
		uint64_t word = 0;

		memcpy(&word, p, n);
		s = (s ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		s ^= s >> 29;
		len -= n;
	}
	return s;
}

/* The record at in: its octets, or 0: there is no good one. */
static size_t record(const uint8_t *in, size_t len, uint64_t flags,
    struct sizecache_entry *e)
{
	if (len < FIXED || len < FIXED + (size_t)in[17] || in[16] > 1)
		return 0;
	memcpy(&e->id, in, 8);
	memcpy(&e->octets, in + 8, 8);
	e->sub = (enum maildir_sub)in[16];
	e->len = in[17];
	memcpy(e->name, in + FIXED, e->len);
	e->name[e->len] = '\0';
	if (e->len == 0 || strlen(e->name) != e->len || e->name[0] == '.' ||
	    strchr(e->name, '/') != NULL)
		return 0;
	if (e->octets == SIZE_UNKNOWN)
		return (flags & SIZECACHE_SIZED) != 0 ? 0 : FIXED + e->len;
	return e->octets > SIZE_MAX_NAMED ? 0 : FIXED + e->len;
}

/* The head for these records; true: they are good, to the last one. */
static bool make_head(const uint8_t *in, size_t len, uint64_t flags,
    struct sizecache_head *h)
{
	struct sizecache_entry e;
	size_t at = 0, n;

	memset(h, 0, sizeof *h);
	h->magic = MAGIC;
	h->flags = flags;
	h->body_sum = sum(0, in, len);
	while (at < len && (n = record(in + at, len - at, flags, &e)) > 0) {
		h->count[e.sub]++;
		h->names += e.len;
		h->octets += e.octets == SIZE_UNKNOWN ? 0 : e.octets;
		at += n;
	}
	h->head_sum = sum(MAGIC, h, offsetof(struct sizecache_head, head_sum));
	return at == len;
}

/* All of it: 0, or -1; each record as the plain reader has it. */
static int read_all(struct sizecache *c, const uint8_t *in, size_t len)
{
	struct sizecache_entry e, want;
	size_t at = 0, n;
	int r;

	while ((r = sizecache_next(c, &e)) == 1) {
		n = record(in + at, len - at, c->head.flags, &want);
		must(n > 0, "a good record");
		must(e.id == want.id && e.octets == want.octets &&
		    e.sub == want.sub && e.len == want.len &&
		    strcmp(e.name, want.name) == 0, "the same record");
		must(name_ok(e.name), "S-7");
		at += n;
	}
	must(r == -1 || at == len, "to the last one");
	return r;
}

static void try_file(const struct maildir *m, const uint8_t *body, size_t len,
    bool good)
{
	struct sizecache c;

	/* The head is read at once, or the file is none. */
	if (!sizecache_open(&c, m)) {
		must(!good, "a whole file is read");
		must(c.fd == -1, "and nothing stays open");
		return;
	}
	fuzz_short((unsigned)len);
	must((read_all(&c, body, len) == 0) == good, "whole, or not at all");
	sizecache_rewind(&c);
	must((read_all(&c, body, len) == 0) == good, "and again");
	fuzz_short(0);
	sizecache_close(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct maildir m;
	struct sizecache_head head;
	size_t front = 0, rest;
	uint8_t *file;
	bool good = false;

	fuzz_count(len);
	if (m.path == NULL) {
		fuzz_folder();
		must(mkdir("m", 0700) == 0 && mkdir("m/new", 0700) == 0 &&
		    mkdir("m/cur", 0700) == 0 && maildir_open(&m, "m") == 0,
		    "a Maildir");
	}
	if (len == 0)
		return 0;
	rest = len - 1;
	if ((data[0] & 1) == 0) {
		front = sizeof head;
		good = make_head(data + 1, rest, data[0] >> 1 & 7, &head);
	} else if (rest > sizeof head) {
		struct sizecache_head own, right;

		memcpy(&own, data + 1, sizeof own);
		data += sizeof own;
		rest -= sizeof own;
		good = make_head(data + 1, rest, own.flags, &right);
		right.sub[0] = own.sub[0];
		right.sub[1] = own.sub[1];
		right.head_sum = sum(MAGIC, &right,
		    offsetof(struct sizecache_head, head_sum));
		good = good && memcmp(&own, &right, sizeof own) == 0;
		head = own;
		front = sizeof head;
	}
	file = malloc(front + rest + 1);
	must(file != NULL, "memory");
	memcpy(file, &head, front);
	memcpy(file + front, data + 1, rest);
	fuzz_write("m/" SIZECACHE_NAME, file, front + rest);
	free(file);
	try_file(&m, data + 1, rest, good);
	fuzz_descriptors();
	return 0;
}
