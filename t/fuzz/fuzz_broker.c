/*
 * fuzz_broker.c - what the keeper, who may be root, takes from the front:
 * login/broker.c (S-3, S-4, S-15).
 */
#include "fuzz.h"

#include "login/broker.h"
#include "protocol/cmd.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void text_ok(const char *text, size_t len, size_t max, bool visible)
{
	size_t i;

	must(len <= max && strlen(text) == len, "its length is its own");
	for (i = 0; visible && i < len; i++)
		must(text[i] > ' ' && text[i] <= '~', "S-9");
}

static void sound(const struct broker_request *r)
{
	must(r->kind >= BROKER_PASS && r->kind <= BROKER_END, "a kind");
	must(r->end <= END_ERROR, "an end");
	must((r->stls | r->tls | r->health) <= 1, "yes or no");
	text_ok(r->name, r->name_len, BROKER_NAME, false);
	text_ok(r->secret, r->secret_len, BROKER_SECRET, false);
	text_ok(r->stamp, r->stamp_len, BROKER_STAMP, true);
	text_ok(r->tls_text, r->tls_len, BROKER_TLS, true);
	text_ok(r->ip, r->ip_len, BROKER_IP, true);
	text_ok(r->port, r->port_len, BROKER_PORT, true);
}

/* The octets as a record, its texts ended where their lengths say. */
static void mended(const uint8_t *data, size_t len, struct broker_request *r)
{
	memset(r, 0, sizeof *r);
	memcpy(r, data, len < sizeof *r ? len : sizeof *r);
	r->kind = (uint8_t)(1 + r->kind % 4);
	r->end = (uint8_t)(r->end % (END_ERROR + 1));
	r->stls &= 1;
	r->tls &= 1;
	r->health &= 1;
	r->name[r->name_len] = '\0';
	r->secret[r->secret_len] = '\0';
	r->stamp_len = r->tls_len = r->ip_len = r->port_len = 0;
	r->stamp[0] = r->tls_text[0] = r->ip[0] = r->port[0] = '\0';
}

static int pass_on(int fd[2], const void *record, size_t len,
    struct broker_request *r)
{
	must(send(fd[0], record, len, MSG_NOSIGNAL) == (ssize_t)len, "sent");
	memset(r, 0xa5, sizeof *r);
	return broker_receive(fd[1], r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct broker_request r, m;
	int fd[2], got;

	fuzz_count(len);
	must(broker_pair(fd) == 0, "a pair");
	got = len == 0 ? -1 : pass_on(fd, data, len, &r);
	must(got == 1 || got == -1, "one record, or a broken one");
	if (got == 1) {
		must(len >= sizeof r, "a whole one");
		sound(&r);
	}
	mended(data, len, &m);
	got = pass_on(fd, &m, sizeof m, &r);
	must((got == 1) == (strlen(m.name) == m.name_len &&
	    strlen(m.secret) == m.secret_len),
	    "with a NUL inside it is refused, and else taken");
	close(fd[0]);
	must(broker_receive(fd[1], &r) == 0, "and then the front has gone");
	close(fd[1]);
	return 0;
}
