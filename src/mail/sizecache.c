/*
 * sizecache.c - the list and the sizes kept between visits.
 *
 * Both ways in pieces of one size through one buffer: a million messages are
 * 80 MB, and memory is limited (S-10).
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in the file (S-7): whoever can write the Maildir can write
 *          it.  Its sums find damage, not malice.
 */
#include "mail/sizecache.h"

#include "base/log.h"
#include "base/num.h"
#include "mail/change.h"
#include "mail/listing.h"
#include "mail/size.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x3153657a69537064)	/* "dpSizeS1" */
#define FIXED 18		/* octets of a record without the name */
#define RECORD (FIXED + NAME_LIMIT)
#define PIECE 65536		/* octets a read or write; a multiple of 8 */

/* What is left of a record that a piece cuts lies in front of the next. */
#define FRONT 280		/* at least RECORD; a multiple of 8 */
_Static_assert(FRONT >= RECORD && FRONT % 8 == 0 && PIECE % 8 == 0,
    "a record fits in front of a piece, and pieces are whole words");
static char buf[FRONT + PIECE];

/* Not for secrecy: it tells a damaged file from a whole one. */
static uint64_t sum(uint64_t s, const void *octets, size_t len)
{
	const char *p = octets;
	uint64_t word;

	for (; len > 0; p += sizeof word) {
		size_t n = len < sizeof word ? len : sizeof word;

		word = 0;
		memcpy(&word, p, n);
		s = (s ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		s ^= s >> 29;
		len -= n;
	}
	return s;
}

static uint64_t head_sum(const struct sizecache_head *h)
{
	return sum(MAGIC, h, offsetof(struct sizecache_head, head_sum));
}

/* --- reading ------------------------------------------------------------ */

static bool whole_head(const struct sizecache_head *h, off_t size)
{
	uint64_t count;

	if (h->magic != MAGIC || h->head_sum != head_sum(h) ||
	    h->count[MAILDIR_NEW] > MAILDROP_LIMIT ||
	    h->count[MAILDIR_CUR] > MAILDROP_LIMIT)
		return false;
	count = h->count[MAILDIR_NEW] + h->count[MAILDIR_CUR];
	return count <= MAILDROP_LIMIT && h->octets <= INT64_MAX &&
	    h->names >= count && h->names <= count * NAME_LIMIT &&
	    (uint64_t)size == sizeof *h + count * FIXED + h->names;
}

static bool read_head(struct sizecache *c)
{
	struct stat st;

	if (fstat(c->fd, &st) == -1 || !S_ISREG(st.st_mode))
		return false;
	c->mtime = st.st_mtim;
	c->dev = st.st_dev;
	return read(c->fd, &c->head, sizeof c->head) ==
	    (ssize_t)sizeof c->head && whole_head(&c->head, st.st_size);
}

bool sizecache_open(struct sizecache *c, const struct maildir *m)
{
	c->fd = maildir_open_file(m->root, SIZECACHE_NAME, O_RDONLY);
	if (c->fd == -1)
		return false;
	if (read_head(c)) {
		sizecache_rewind(c);
		return true;
	}
	log_warning("not a whole cache of sizes, so it is made anew: "
	    SIZECACHE_NAME " in", m->path);
	sizecache_close(c);
	return false;
}

void sizecache_close(struct sizecache *c)
{
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
}

void sizecache_remove(struct sizecache *c, const struct maildir *m)
{
	sizecache_close(c);
	unlinkat(m->root, SIZECACHE_NAME, 0);
}

void sizecache_rewind(struct sizecache *c)
{
	memset(&c->seen, 0, sizeof c->seen);
	c->start = c->end = FRONT;
	c->ended = lseek(c->fd, sizeof c->head, SEEK_SET) == -1;
}

/* Behind what is left goes the next piece; false: read error. */
static bool fill(struct sizecache *c)
{
	size_t left = c->end - c->start, got = 0;
	ssize_t n;

	memmove(buf + FRONT - left, buf + c->start, left);
	do {
		n = read(c->fd, buf + FRONT + got, PIECE - got);
		if (n == -1 && errno != EINTR)
			return false;
		got += n > 0 ? (size_t)n : 0;
	} while (n != 0 && got < PIECE);
	c->seen.body_sum = sum(c->seen.body_sum, buf + FRONT, got);
	c->start = FRONT - left;
	c->end = FRONT + got;
	c->ended = got < PIECE;
	return true;
}

/* Whether len octets of the record are at hand. */
static bool at_hand(struct sizecache *c, size_t len)
{
	if (c->end - c->start >= len)
		return true;
	return !c->ended && fill(c) && c->end - c->start >= len;
}

static bool adds_up(const struct sizecache *c)
{
	const struct sizecache_head *h = &c->head, *s = &c->seen;

	return s->count[MAILDIR_NEW] == h->count[MAILDIR_NEW] &&
	    s->count[MAILDIR_CUR] == h->count[MAILDIR_CUR] &&
	    s->octets == h->octets && s->names == h->names &&
	    s->body_sum == h->body_sum;
}

/* A name in it is a file's, as readdir(3) would give it (S-7). */
static bool take_name(struct sizecache_entry *e, const char *name)
{
	memcpy(e->name, name, e->len);
	e->name[e->len] = '\0';
	return e->len >= 1 && memchr(name, '\0', e->len) == NULL &&
	    name_ok(e->name);
}

int sizecache_next(struct sizecache *c, struct sizecache_entry *e)
{
	const unsigned char *p;

	if (!at_hand(c, FIXED))
		return c->ended && c->start == c->end && adds_up(c) ? 0 : -1;
	e->len = (unsigned char)buf[c->start + FIXED - 1];
	if (!at_hand(c, FIXED + e->len))
		return -1;
	p = (const unsigned char *)buf + c->start;
	memcpy(&e->id, p, sizeof e->id);
	memcpy(&e->octets, p + 8, sizeof e->octets);
	e->sub = p[16] == 0 ? MAILDIR_NEW : MAILDIR_CUR;
	if (p[16] >= MAILDIR_SUBS || !take_name(e, buf + c->start + FIXED))
		return -1;
	if (e->octets != SIZE_UNKNOWN) {
		if (e->octets > SIZE_MAX_NAMED)
			return -1;
		c->seen.octets += e->octets;
	} else if ((c->head.flags & SIZECACHE_SIZED) != 0) {
		return -1;
	}
	c->seen.count[e->sub]++;
	c->seen.names += e->len;
	c->start += FIXED + e->len;
	return 1;
}

/* --- writing ------------------------------------------------------------ */

struct writing {
	const struct maildir_file *file;
	size_t used;			/* of the piece */
	struct sizecache_head head;
};

static int flush(struct writing *w)
{
	w->head.body_sum = sum(w->head.body_sum, buf, w->used);
	if (maildir_write_file(w->file, buf, w->used) == -1)
		return -1;
	w->used = 0;
	return 0;
}

static int put(struct writing *w, const void *octets, size_t len)
{
	while (len > 0) {
		size_t n = PIECE - w->used < len ? PIECE - w->used : len;

		memcpy(buf + w->used, octets, n);
		w->used += n;
		octets = (const char *)octets + n;
		len -= n;
		if (w->used == PIECE && flush(w) == -1)
			return -1;
	}
	return 0;
}

static int put_record(struct writing *w, const struct sizecache_entry *e,
    const char *name)
{
	size_t len = strlen(name);
	unsigned char fixed[FIXED];

	memcpy(fixed, &e->id, sizeof e->id);
	memcpy(fixed + 8, &e->octets, sizeof e->octets);
	fixed[16] = (unsigned char)e->sub;
	fixed[17] = (unsigned char)len;
	if (put(w, fixed, sizeof fixed) == -1 || put(w, name, len) == -1)
		return -1;
	w->head.count[e->sub]++;
	w->head.names += len;
	if (e->octets == SIZE_UNKNOWN)
		w->head.flags &= ~(uint64_t)SIZECACHE_SIZED;
	else
		w->head.octets += e->octets;
	return 0;
}

/* The head is known last, and lies first. */
static int write_body(struct writing *w, sizecache_each *each, void *arg)
{
	struct sizecache_entry e;
	const char *name;

	if (maildir_write_file(w->file, &w->head, sizeof w->head) == -1)
		return -1;
	while ((name = each(arg, &e)) != NULL)
		if (put_record(w, &e, name) == -1)
			return -1;
	if (flush(w) == -1)
		return -1;
	w->head.head_sum = head_sum(&w->head);
	if (lseek(w->file->fd, 0, SEEK_SET) == -1)
		return -1;
	return maildir_write_file(w->file, &w->head, sizeof w->head);
}

static int set_mtime(int fd, struct timespec began)
{
	const struct timespec times[2] = { { 0, UTIME_OMIT }, began };

	return futimens(fd, times);
}

int sizecache_write(const struct maildir *m, const struct sizecache_head *head,
    struct timespec began, sizecache_each *each, void *arg)
{
	struct maildir_file f;
	struct writing w = { .file = &f, .head = *head };

	w.head.magic = MAGIC;
	w.head.flags |= SIZECACHE_SIZED;
	if (maildir_begin_file(m, &f) == -1)
		goto fail;
	if (write_body(&w, each, arg) == 0 && set_mtime(f.fd, began) == 0 &&
	    maildir_end_file(m, &f, SIZECACHE_NAME) == 0)
		return 0;
	maildir_drop_file(&f);
fail:
	log_errno("cannot write the cache of sizes (--no-size-cache keeps none)",
	    m->path);
	return -1;
}

void sizecache_refresh(const struct sizecache *c, struct timespec began)
{
	set_mtime(c->fd, began);
}
