/*
 * fuzz_authz.c - everything before login: protocol/authz.c and cmd.c, with
 * the rooms below (P-1...P-19, P-57...P-98).
 *
 * The first octet chooses options, the second what the keeper answers; the
 * rest is what the client sends.  STLS is off.
 */
#include "fuzz.h"
#include "dialogue.h"

#include "login/broker.h"
#include "login/keeper.h"
#include "login/sasl.h"
#include "protocol/authz.h"
#include "wire/proxy.h"
#include "wire/stls.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PLAINTEXT = 1, APOP = 2, PROXY = 4, TLS = 8 };

#define ANSWERS 12	/* more than anybody may ask for */

static struct session s;

/* Two bits each say what the keeper answers; the third refusal is the last. */
static uint8_t answer(unsigned choice, unsigned i)
{
	static const uint8_t answers[] = { BROKER_REFUSED, BROKER_TEMP,
		BROKER_REFUSED, BROKER_GO };

	return answers[choice >> 2 * (i % 4) & 3];
}

static void prepare_answers(int fd, unsigned choice)
{
	unsigned i;

	for (i = 0; i < ANSWERS; i++) {
		struct broker_verdict v = { answer(choice, i),
			i + 1 >= KEEPER_TRIES };

		must(broker_answer(fd, &v) == 0, "an answer");
	}
}

/*
 * What was asked: sound, no oftener than allowed; the end was told, or else
 * somebody was let in: true.
 */
static bool look_at_requests(int fd, unsigned choice, const uint8_t *data,
    size_t len)
{
	struct broker_request r;
	unsigned asked = 0, ends = 0;
	bool went;
	int got;

	while ((got = broker_receive(fd, &r)) == 1) {
		must(ends == 0, "nothing after the end");
		if (r.kind == BROKER_END) {
			ends++;
			continue;
		}
		asked++;
		if (r.kind == BROKER_PASS)
			must(r.name_len > 0 && r.secret_len <= len &&
			    memmem(data, len, r.name, r.name_len) != NULL &&
			    memmem(data, len, r.secret, r.secret_len) != NULL,
			    "name and secret are what was typed");
	}
	must(got == 0, "every record is sound");
	must(asked <= KEEPER_TRIES, "S-10: three logins");
	went = asked > 0 && answer(choice, asked - 1) == BROKER_GO;
	must(ends == !went, "the keeper knows how it ended");
	return went;
}

/* Reads the answer to one line; false: the connection was closed there. */
static bool match(const struct typed *t, bool sasl, struct cursor *out,
    const struct config *c, bool *over, bool *more)
{
	struct reply_line r;
	const char *text;
	size_t len;

	*more = false;
	if (!dialogue_reply(out, &r))
		return false;
	if (sasl) {
		must(r.status == ERR, "who is not let in hears -ERR");
		return true;
	}
	if (r.status == CHALLENGE) {
		must(dialogue_is(t, 0, "AUTH") && dialogue_is(t, 1, "PLAIN") &&
		    t->words == 2, "only AUTH is answered by a challenge");
		must(c->allow_plaintext || c->tls == CONFIG_TLS_ON,
		    "S-16: no password without TLS");
		*more = true;
		return true;
	}
	if (r.status == ERR)
		return true;
	must(t->plain, "P-6: control octets are bad syntax");
	if (dialogue_is(t, 0, "USER")) {
		must(c->allow_plaintext || c->tls == CONFIG_TLS_ON, "S-16");
	} else if (dialogue_is(t, 0, "QUIT")) {
		must(t->words == 1, "P-8");
		*over = true;
	} else {
		must(dialogue_is(t, 0, "CAPA") && t->words == 1,
		    "P-19: nothing else succeeds before login");
		while (dialogue_line(out, &text, &len))
			must(len > 0 && len <= 510, "capa-line");
	}
	return true;
}

static void compare(const struct config *c, const uint8_t *data, size_t len,
    size_t used, bool went, const char *text, size_t text_len)
{
	struct cursor in = { (const char *)data, (const char *)data + len };
	struct cursor out = { text, text + text_len };
	struct reply_line r;
	bool over = false, sasl = false, missing = false;
	struct typed t;

	in.at += used;
	must(dialogue_reply(&out, &r) && r.status == OK, "P-17: a greeting");
	must((memchr(r.text, '<', r.len) != NULL) == c->apop,
	    "P-17: a stamp if APOP is offered");
	while (!over && !missing && dialogue_typed(&in, &t))
		missing = !match(&t, sasl, &out, c, &over, &sasl);
	must(out.at == out.end, "P-11: one reply to each line");
	must(!missing || went || s.end == END_ERROR,
	    "P-11: a line without a reply");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct stls none = { -1, -1, -1 };
	struct config c = { .what = CONFIG_PASSWD_FILE };
	int pair[2], in, out;
	size_t text_len, used = 0;
	unsigned choice;
	sigset_t empty;
	char *text;
	struct proxy p;
	bool went;

	fuzz_count(len);
	if (len < 2)
		return 0;
	c.allow_plaintext = (data[0] & PLAINTEXT) != 0;
	c.apop = (data[0] & APOP) != 0;
	c.proxy_protocol = (data[0] & PROXY) != 0;
	c.tls = (data[0] & TLS) != 0 ? CONFIG_TLS_ON : CONFIG_TLS_OFF;
	c.verbose = true;
	must(broker_pair(pair) == 0, "a pair");
	choice = data[1];
	prepare_answers(pair[1], choice);
	data += 2;
	len -= 2;
	in = fuzz_file(data, len);
	out = fuzz_file("", 0);
	memset(&s, 0, sizeof s);
	s.config = &c;
	line_init(&s.in, in);
	reply_init(&s.out, out);
	fuzz_short((unsigned)len * 31 + 1);
	authz_run(&s, pair[0], &none);
	fuzz_short(0);
	sigemptyset(&empty);
	sigprocmask(SIG_SETMASK, &empty, NULL);
	text = fuzz_read(out, &text_len);
	shutdown(pair[0], SHUT_WR);
	went = look_at_requests(pair[1], choice, data, len);
	close(pair[0]);
	if (c.proxy_protocol) {
		lseek(in, 0, SEEK_SET);
		if (proxy_read(in, &p) == PROXY_OK)
			used = (size_t)lseek(in, 0, SEEK_CUR);
	}
	if (c.proxy_protocol && used == 0)
		must(text_len == 0, "P-133: not a word");
	else
		compare(&c, data, len, used, went, text, text_len);
	free(text);
	close(pair[1]);
	close(in);
	close(out);
	fuzz_descriptors();
	return 0;
}
