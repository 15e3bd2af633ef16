/*
 * authz.c - the AUTHORIZATION state: USER PASS APOP AUTH STLS CAPA QUIT.
 *
 * Runs as: the front: a user of its own, in an empty directory, sandboxed.
 * Trusts:  nothing that was typed.  It decides nothing either: the keeper
 *          does, and counts.
 */
#include "protocol/authz.h"

#include "base/idle.h"
#include "base/log.h"
#include "login/apop.h"
#include "login/broker.h"
#include "login/keeper.h"
#include "login/sasl.h"
#include "protocol/capa.h"
#include "wire/handover.h"
#include "wire/proxy.h"
#include "wire/stls.h"

#include <poll.h>
#include <string.h>
#include <strings.h>

/* "AUTH PLAIN " before the longest response that is ever read (P-91). */
#define LONGEST_LINE (SASL_LINE_LIMIT + 32)

struct authz {
	int broker;
	struct stls stls;
	bool swapped;			/* STLS was done: P-127 */
	bool broken;			/* STLS was tried and failed */
	bool tls;			/* TLS is on, however it came */
	bool health;			/* nobody but a health check so far */
	char tls_text[STLS_TEXT_MAX];	/* its version, if anybody says it */
	char name[BROKER_NAME + 1];	/* USER's; "" if none is valid now */
	char stamp[APOP_STAMP_MAX + 1];	/* "" if APOP is not offered */
	unsigned failures;		/* logins refused, and cancelled: P-89 */
};

/* P-62 and P-63: decided anew whenever TLS begins. */
static void set_policy(struct session *s)
{
	s->plaintext = s->authz->tls || s->config->allow_plaintext;
	s->stls = !s->authz->tls && s->authz->stls.control != -1;
}

static void put(char *to, uint8_t *len, uint8_t max, const char *text)
{
	broker_put(to, len, max, text, strlen(text));
}

/* All that the keeper is told besides who wants to log in. */
static void fill(const struct session *s, struct broker_request *r,
    enum broker_kind kind)
{
	const struct authz *z = s->authz;

	memset(r, 0, sizeof *r);
	r->kind = (uint8_t)kind;
	r->stls = z->swapped;
	r->tls = z->tls;
	r->in = s->in.octets;
	r->out = s->out.accepted;
	put(r->tls_text, &r->tls_len, BROKER_TLS, z->tls_text);
	put(r->ip, &r->ip_len, BROKER_IP, s->peer.ip);
	put(r->port, &r->port_len, BROKER_PORT, s->peer.port);
}

static const char *refusal(enum broker_answer answer)
{
	switch (answer) {
	case BROKER_TEMP:
		return "[SYS/TEMP] login is not possible now";
	case BROKER_PERM:
		return "[SYS/PERM] login is not set up right";
	default:
		return "[AUTH] authentication failed";	/* P-61: one text */
	}
}

/* The keeper counts what it is asked; what was cancelled, it never hears. */
static enum next failed(struct session *s)
{
	s->end = END_ERROR;
	return ++s->authz->failures < KEEPER_TRIES ? STAY : HANG_UP;
}

/*
 * Asks the keeper.  What is too long for it is asked as an empty secret, which
 * fails like a wrong one (P-97).
 */
static enum next ask(struct session *s, enum broker_kind kind,
    const char *name, size_t name_len, const char *secret, size_t secret_len)
{
	struct broker_request r;
	struct broker_verdict v;

	fill(s, &r, kind);
	if (broker_put(r.name, &r.name_len, BROKER_NAME, name, name_len) ==
	    -1)
		secret_len = 0;
	broker_put(r.secret, &r.secret_len, BROKER_SECRET, secret, secret_len);
	if (kind == BROKER_APOP)
		put(r.stamp, &r.stamp_len, BROKER_STAMP, s->authz->stamp);
	v = broker_ask(s->authz->broker, &r);
	if (v.answer == BROKER_GO)
		return ADVANCE;
	s->end = END_ERROR;
	if (v.answer == BROKER_GONE)
		return HANG_UP;
	reply_err(&s->out, refusal((enum broker_answer)v.answer));
	return v.last ? HANG_UP : failed(s);
}

static enum next refuse_plaintext(struct session *s)
{
	reply_err(&s->out, "use STLS or port 995 first");
	return STAY;
}

static enum next say(struct session *s, enum next next, const char *error)
{
	reply_err(&s->out, error);
	return next;
}

static enum next do_user(struct session *s, const struct args *a)
{
	struct authz *z = s->authz;

	if (!s->plaintext)
		return refuse_plaintext(s);
	if (a->arg[0].len > BROKER_NAME)
		return say(s, BAD, "name too long");
	memcpy(z->name, a->arg[0].text, a->arg[0].len + 1);
	reply_ok(&s->out, "send PASS");		/* whoever it is: P-57 */
	return STAY;
}

static enum next do_pass(struct session *s, const struct args *a)
{
	struct authz *z = s->authz;
	char name[BROKER_NAME + 1];

	if (!s->plaintext)
		return refuse_plaintext(s);
	if (z->name[0] == '\0')
		return say(s, BAD, "send USER first");
	memcpy(name, z->name, sizeof name);
	z->name[0] = '\0';			/* used up: P-60 */
	return ask(s, BROKER_PASS, name, strlen(name), a->arg[0].text,
	    a->arg[0].len);
}

static enum next do_apop(struct session *s, const struct args *a)
{
	struct authz *z = s->authz;
	char digest[APOP_DIGEST_LEN];
	size_t i;

	z->name[0] = '\0';
	/* The stamp came in plaintext: it says nothing after STLS (P-80). */
	if (z->stamp[0] == '\0' || z->swapped)
		return say(s, BAD, "APOP is not offered");
	if (!apop_digest(a->arg[1].text, a->arg[1].len))
		return say(s, BAD, "that is no digest");
	for (i = 0; i < sizeof digest; i++)	/* as checkers expect it */
		digest[i] = (char)(a->arg[1].text[i] | 0x20);
	return ask(s, BROKER_APOP, a->arg[0].text, a->arg[0].len, digest,
	    sizeof digest);
}

/* One SASL PLAIN message in base64. */
static enum next plain(struct session *s, const char *text, size_t len)
{
	unsigned char message[SASL_PLAIN_MAX + 1];
	struct sasl_plain p;
	size_t n;
	enum next next;

	if (sasl_base64(text, len, message, sizeof message, &n) == -1)
		return say(s, BAD, "that is not base64");
	switch (sasl_plain(message, n, &p)) {
	case SASL_OK:
		next = ask(s, BROKER_PLAIN, p.name, p.name_len, p.secret,
		    p.secret_len);
		break;
	case SASL_REFUSED:
		next = ask(s, BROKER_PLAIN, "", 0, "", 0);
		break;
	default:
		next = say(s, BAD, "that is not a PLAIN message");
		break;
	}
	explicit_bzero(message, sizeof message);
	return next;
}

static enum next do_auth(struct session *s, const struct args *a)
{
	enum next next;
	char *text;
	size_t len;

	s->authz->name[0] = '\0';
	if (strcasecmp(a->arg[0].text, "PLAIN") != 0)
		return say(s, BAD, "mechanism not offered");
	if (!s->plaintext)
		return refuse_plaintext(s);
	if (a->count == 2 && strcmp(a->arg[1].text, "=") == 0)
		return plain(s, "", 0);
	if (a->count == 2)
		return plain(s, a->arg[1].text, a->arg[1].len);
	reply_text(&s->out, "+ ");
	reply_end(&s->out);
	next = cmd_more(s, &text, &len);
	if (next == BAD)
		return say(s, BAD, "line too long");
	if (next != STAY)
		return next;
	if (len == 1 && text[0] == '*') {
		reply_err(&s->out, "cancelled");
		return failed(s);
	}
	return plain(s, text, len);
}

/* P-81: whoever speaks before our +OK is not who will speak TLS. */
static bool spoke_too_early(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}

static enum next do_stls(struct session *s, const struct args *a)
{
	struct authz *z = s->authz;

	(void)a;
	if (!s->stls)
		return say(s, BAD, "STLS is not possible now");
	s->end = END_ERROR;
	if (spoke_too_early(s->in.fd)) {
		log_warning("octets came before STLS was answered, "
		    "connection closed", s->peer.ip);
		return HANG_UP;
	}
	reply_ok(&s->out, "begin TLS");
	if (reply_flush(&s->out) != REPLY_GOOD) {
		s->end = END_DISCONNECT;
		return HANG_UP;
	}
	switch (stls_start(&z->stls, z->tls_text)) {
	case STLS_OK:
		break;
	case STLS_FAILED:
		s->end = END_DISCONNECT;
		z->broken = true;		/* not a word more: P-127 */
		return HANG_UP;
	case STLS_EXPIRED:
		s->end = END_TIMEOUT;
		return HANG_UP;
	case STLS_SIGNAL:
		s->end = END_SIGNAL;
		return HANG_UP;
	}
	/* Nothing from before is known any more, but failures: P-80. */
	z->swapped = z->tls = true;
	z->name[0] = '\0';
	set_policy(s);
	return STAY;
}

static enum next do_quit(struct session *s, const struct args *a)
{
	(void)a;
	reply_ok(&s->out, "bye");
	s->end = END_QUIT_BEFORE_LOGIN;
	return HANG_UP;
}

static const struct command authorization[] = {
	/* verb	  args	handler			source */
	{ "APOP", 2, 2, do_apop, CMD_HIDDEN },	/* RFC 1939 section 7 */
	{ "AUTH", 1, 2, do_auth, CMD_SASL },	/* RFC 5034 section 4 */
	{ "CAPA", 0, 0, capa_reply, CMD_WORDS },	/* RFC 2449 section 5 */
	{ "PASS", 1, 1, do_pass, CMD_SECRET },	/* RFC 1939 section 7 */
	{ "QUIT", 0, 0, do_quit, CMD_WORDS },	/* section 4 */
	{ "STLS", 0, 0, do_stls, CMD_WORDS },	/* RFC 2595 section 4 */
	{ "USER", 1, 1, do_user, CMD_REST },	/* RFC 1939 section 7 */
	{ "", 0, 0, NULL, CMD_WORDS }
};

/* P-131...P-136; false: there is nobody to talk to. */
static bool read_proxy(struct session *s)
{
	struct authz *z = s->authz;
	struct proxy p;

	if (!s->config->proxy_protocol)
		return true;
	switch (proxy_read(s->in.fd, &p)) {
	case PROXY_OK:
		break;
	case PROXY_EOF:
		z->health = true;
		s->end = END_DISCONNECT;
		return false;
	case PROXY_TIMEOUT:
		s->end = idle_ask() == IDLE_SIGNAL ? END_SIGNAL : END_TIMEOUT;
		return false;
	case PROXY_BAD:
		log_warning("no valid PROXY header, connection closed; only "
		    "a proxy that sends one may connect, not", s->peer.ip);
		s->end = END_ERROR;
		return false;
	}
	z->health = p.local;
	if (p.tls) {
		z->tls = true;
		strcpy(z->tls_text, p.tls_text);	/* as long */
	}
	if (!p.local)
		s->peer = p.peer;
	return true;
}

static void greet(struct session *s)
{
	struct authz *z = s->authz;

	z->stamp[0] = '\0';
	if (s->config->apop && apop_stamp(z->stamp, sizeof z->stamp,
	    s->config->hostname) == -1)
		log_errno("no random numbers: APOP is not offered", NULL);
	reply_text(&s->out, "+OK POP3 ready");
	if (z->stamp[0] != '\0') {
		reply_text(&s->out, " ");
		reply_text(&s->out, z->stamp);
	}
	reply_end(&s->out);
}

/* The last words, unless it is not the time for any. */
static void leave(struct session *s)
{
	struct broker_request r;

	if (s->end != END_TIMEOUT && s->end != END_SIGNAL &&
	    s->end != END_STALLED && !s->authz->broken) {
		reply_flush(&s->out);
		handover_close(s->in.fd, s->out.fd);
	}
	fill(s, &r, BROKER_END);
	r.end = (uint8_t)s->end;
	r.health = s->authz->health && s->in.octets == 0;
	broker_ask(s->authz->broker, &r);
}

void authz_run(struct session *s, int broker, const struct stls *stls)
{
	static struct authz z;

	memset(&z, 0, sizeof z);	/* whoever was here before: S-4 */
	z.broker = broker;
	s->authz = &z;
	z.tls = s->config->tls == CONFIG_TLS_ON;
	if (z.tls)
		stls_told(z.tls_text);
	z.stls = *stls;
	line_init_before_login(&s->in, s->in.fd, LONGEST_LINE);
	if (read_proxy(s)) {
		set_policy(s);
		greet(s);
		if (cmd_loop(s, authorization, AUTHZ_BAD_LIMIT) == ADVANCE)
			return;		/* the keeper speaks from here on */
	}
	leave(s);
}
