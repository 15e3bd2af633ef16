/*
 * broker.c - the one road from the front to the keeper.
 *
 * Runs as: both.
 * Trusts:  the keeper: nothing the front sends.
 */
#include "login/broker.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int broker_pair(int fd[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd);
}

int broker_put(char *to, uint8_t *to_len, uint8_t max, const char *text,
    uint64_t len)
{
	if (len > max) {
		*to_len = 0;
		to[0] = '\0';
		return -1;
	}
	memcpy(to, text, len);
	to[len] = '\0';
	*to_len = (uint8_t)len;
	return 0;
}

/* A signal is no reason to lose a record: who wants to end us, kills. */
static ssize_t send_record(int fd, const void *record, size_t len)
{
	ssize_t n;

	do
		n = write(fd, record, len);
	while (n == -1 && errno == EINTR);
	return n;
}

struct broker_verdict broker_ask(int fd, struct broker_request *r)
{
	struct broker_verdict v = { BROKER_GONE, 1 };
	ssize_t n = send_record(fd, r, sizeof *r);
	bool waits = r->kind != BROKER_END;

	explicit_bzero(r->secret, sizeof r->secret);
	if (n != (ssize_t)sizeof *r || !waits)
		return v;
	do
		n = read(fd, &v, sizeof v);
	while (n == -1 && errno == EINTR);
	if (n != (ssize_t)sizeof v)
		v = (struct broker_verdict){ BROKER_GONE, 1 };
	return v;
}

static bool is_text(const char *text, size_t len, size_t max)
{
	return len <= max && memchr(text, '\0', max + 1) == text + len;
}

static bool is_visible(const char *text, size_t len, size_t max)
{
	size_t i;

	if (!is_text(text, len, max))
		return false;
	for (i = 0; i < len; i++)
		if (text[i] < 0x21 || text[i] > 0x7e)
			return false;
	return true;
}

static bool is_sound(const struct broker_request *r)
{
	return r->kind >= BROKER_PASS && r->kind <= BROKER_END &&
	    r->end <= BROKER_ENDS && r->stls <= 1 && r->tls <= 1 &&
	    r->health <= 1 &&
	    is_text(r->name, r->name_len, BROKER_NAME) &&
	    is_text(r->secret, r->secret_len, BROKER_SECRET) &&
	    is_visible(r->stamp, r->stamp_len, BROKER_STAMP) &&
	    is_visible(r->tls_text, r->tls_len, BROKER_TLS) &&
	    is_visible(r->ip, r->ip_len, BROKER_IP) &&
	    is_visible(r->port, r->port_len, BROKER_PORT);
}

int broker_receive(int fd, struct broker_request *r)
{
	ssize_t n = read(fd, r, sizeof *r);

	if (n == 0)
		return 0;
	if (n == -1)
		return errno == ECONNRESET ? 0 : -1;
	errno = 0;
	return n == (ssize_t)sizeof *r && is_sound(r) ? 1 : -1;
}

int broker_answer(int fd, const struct broker_verdict *v)
{
	return send_record(fd, v, sizeof *v) == (ssize_t)sizeof *v ? 0 : -1;
}
