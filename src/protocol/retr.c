/*
 * retr.c - RETR and TOP.
 *
 * A message streams through one fixed buffer; its length changes nothing.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in a message, nor that it stays as long as it was.
 */
#include "protocol/retr.h"

#include "base/crlf.h"
#include "base/log.h"
#include "mail/size.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define RETR_PIECE 65536	/* octets a read */
#define TOP_PIECE 4096		/* octets of the first: most headers fit */

struct sending {
	int fd;
	uint64_t stored;	/* octets of the file when it was opened */
	uint64_t got;		/* read so far */
	bool ended;		/* nothing more is to be read */
	struct top *top;	/* where to stop; NULL: at the end */
	struct crlf crlf;
	size_t piece;		/* octets of the next read */
	char buf[RETR_PIECE];
};

enum sent { SENT, REFUSED, BROKEN };

/* Octets in buf, or -1.  A short read at the known end is the last one. */
static ssize_t read_piece(struct sending *p)
{
	ssize_t n;

	do
		n = read(p->fd, p->buf, p->piece);
	while (n == -1 && errno == EINTR);
	if (n != -1) {
		p->got += (uint64_t)n;
		p->ended = n == 0 ||
		    ((size_t)n < p->piece && p->got >= p->stored);
	}
	p->piece = RETR_PIECE;
	return n;
}

static void send_piece(struct reply *out, struct sending *p, size_t len)
{
	if (p->top != NULL) {
		len = top_cut(p->top, p->buf, len);
		p->ended = p->ended || top_done(p->top);
	}
	reply_body(out, &p->crlf, p->buf, len);
}

/* What follows the last piece. */
static void send_end(struct reply *out, struct sending *p)
{
	reply_body_line(out, &p->crlf);
	if (p->top != NULL && !p->top->body)	/* no separator line: P-39 */
		reply_body(out, &p->crlf, "\n", 1);
	reply_body_end(out, &p->crlf);
}

/* Sends the n octets in buf and the rest; -1: errno, and no final dot. */
static int send_all(struct reply *out, struct sending *p, ssize_t n)
{
	for (;;) {
		if (n == -1)
			return -1;
		send_piece(out, p, (size_t)n);
		if (p->ended || out->state != REPLY_GOOD)
			break;
		n = read_piece(p);
	}
	send_end(out, p);
	return 0;
}

static enum sent refuse(struct session *s, const struct message *m)
{
	if (errno == ENOENT) {
		reply_err(&s->out, "[SYS/TEMP] message is gone");
		return REFUSED;
	}
	maildrop_complain(&s->drop, m, "cannot read");
	reply_err(&s->out, "[SYS/TEMP] message cannot be read");
	return REFUSED;
}

static void say_ok(struct reply *out, const struct message *m,
    const struct top *top)
{
	if (top != NULL) {
		reply_ok(out, "top of message follows");
	} else if (m->octets == SIZE_UNKNOWN) {
		reply_ok(out, "message follows");
	} else {
		reply_text(out, "+OK ");
		reply_number(out, m->octets);
		reply_text(out, " octets");
		reply_end(out);
	}
}

/* From the open file at p->fd. */
static enum sent send_file(struct session *s, const struct message *m,
    struct sending *p)
{
	ssize_t n = read_piece(p);

	if (n == -1) {
		if (errno == ENOENT)
			errno = EIO;	/* not gone: it was opened */
		return refuse(s, m);
	}
	say_ok(&s->out, m, p->top);
	if (send_all(&s->out, p, n) == -1) {
		maildrop_complain(&s->drop, m, "session ended: cannot read");
		return BROKEN;
	}
	return s->out.state == REPLY_GOOD ? SENT : REFUSED;
}

/* The message, or its top; *octets is what was sent of it. */
static enum sent send_message(struct session *s, struct message *m,
    struct top *top, uint64_t *octets)
{
	static struct sending p;
	struct stat st;
	enum sent sent;

	p.fd = maildrop_fetch(&s->drop, m, &st);
	if (p.fd == -1)
		return refuse(s, m);
	p.stored = (uint64_t)st.st_size;
	p.got = 0;
	p.top = top;
	p.piece = top == NULL ? RETR_PIECE : TOP_PIECE;
	crlf_start(&p.crlf);
	sent = send_file(s, m, &p);
	close(p.fd);
	*octets = p.crlf.octets;
	return sent;
}

static enum next after(struct session *s, enum sent sent)
{
	if (sent != BROKEN)
		return STAY;
	s->end = END_ERROR;
	return HANG_UP;
}

/* A file of another length than was said: the dot frames it (P-37). */
static void check_size(struct session *s, struct message *m, uint64_t octets)
{
	if (m->octets == SIZE_UNKNOWN) {
		m->octets = octets;
		visit_learnt(&s->visit);
	} else if (m->octets != octets) {
		log_warning("another size was listed than was sent for",
		    maildrop_name(&s->drop, m));
		visit_correct(&s->visit, m, octets);
	}
}

enum next retr_message(struct session *s, const struct args *a)
{
	enum next next;
	struct message *m = cmd_message(s, a, &next);
	uint64_t octets;
	enum sent sent;

	if (m == NULL)
		return next;
	sent = send_message(s, m, NULL, &octets);
	if (sent == SENT) {
		check_size(s, m, octets);
		m->marks |= MESSAGE_RETRIEVED;
		s->tally.retr++;
		s->tally.retr_octets += octets;
	}
	return after(s, sent);
}

enum next retr_top(struct session *s, const struct args *a)
{
	struct message *m;
	struct top top;
	uint64_t lines, octets;
	enum next next;
	enum sent sent;

	if (cmd_number(s, a, 1, &lines, &next) == -1)
		return next;
	m = cmd_message(s, a, &next);
	if (m == NULL)
		return next;
	top_start(&top, lines);
	sent = send_message(s, m, &top, &octets);
	if (sent == SENT) {
		s->tally.top++;
		s->tally.top_octets += octets;
	}
	return after(s, sent);
}
