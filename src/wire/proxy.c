/*
 * proxy.c - the header of the PROXY protocol, versions 1 and 2.
 *
 * Nothing in it is believed by halves: one octet that is not as the
 * specification has it, and the connection ends (P-133).
 *
 * Runs as: the front, before the greeting.
 * Trusts:  the operator that a proxy is in front; not the octets.
 */
#include "wire/proxy.h"

#include "base/idle.h"
#include "base/num.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char v1_start[] = "PROXY ";
static const char v2_start[] = "\r\n\r\n\0\r\nQUIT\n";	/* P-135 */

#define V1_START (sizeof v1_start - 1)
#define V2_START (sizeof v2_start - 1)

/* How every header begins, and what is left of a wrong one: -1. */
static int nobody(struct proxy *p)
{
	memset(p, 0, sizeof *p);
	p->local = true;
	return -1;
}

/* --- version 1 (P-134) --------------------------------------------------- */

/* The text at *at up to end or the next SP, after which *at stands then. */
static size_t field(const char **at, const char *end, const char **text)
{
	const char *sp = memchr(*at, ' ', (size_t)(end - *at));

	*text = *at;
	*at = sp == NULL ? end : sp + 1;
	return (size_t)((sp == NULL ? end : sp) - *text);
}

static int v1_address(const char **at, const char *end, int family,
    unsigned char address[16])
{
	char text[INET6_ADDRSTRLEN];
	const char *from;
	size_t len = field(at, end, &from);

	if (len >= sizeof text || memchr(from, '\0', len) != NULL)
		return -1;
	memcpy(text, from, len);
	text[len] = '\0';
	return inet_pton(family, text, address) == 1 ? 0 : -1;
}

static int v1_port(const char **at, const char *end, unsigned *port)
{
	const char *text;
	size_t len = field(at, end, &text);
	uint64_t number;

	if (num_parse(text, len, &number) == -1 || number > 65535 ||
	    (text[0] == '0' && len > 1))
		return -1;
	*port = (unsigned)number;
	return 0;
}

/* src SP dst SP sport SP dport; what is said of us is only checked. */
static int v1_endpoints(const char *at, const char *end, int family,
    struct proxy *p)
{
	unsigned char source[16], destination[16];
	unsigned sport, dport;

	if (end[-1] == ' ' ||
	    v1_address(&at, end, family, source) == -1 ||
	    v1_address(&at, end, family, destination) == -1 ||
	    v1_port(&at, end, &sport) == -1 ||
	    v1_port(&at, end, &dport) == -1 || at != end)
		return -1;
	p->local = false;
	return peer_set(&p->peer, family, source, sport);
}

static bool is(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(text, word, len) == 0;
}

int proxy_parse_v1(const char *line, size_t len, struct proxy *p)
{
	const char *at, *end, *family;
	size_t n;

	nobody(p);
	if (len > PROXY_V1_MAX || len < V1_START + 2 ||
	    memcmp(line, v1_start, V1_START) != 0 ||
	    memcmp(line + len - 2, "\r\n", 2) != 0 ||
	    memchr(line, '\n', len - 1) != NULL)
		return -1;
	at = line + V1_START;
	end = line + len - 2;
	n = field(&at, end, &family);
	if (is(family, n, "UNKNOWN"))
		return 0;		/* whatever follows it */
	if (is(family, n, "TCP4"))
		return v1_endpoints(at, end, AF_INET, p);
	if (is(family, n, "TCP6"))
		return v1_endpoints(at, end, AF_INET6, p);
	return -1;
}

/* --- version 2 (P-135...P-139) ------------------------------------------- */

enum { LOCAL, PROXY };				/* what octet 13 says */
enum { UNSPEC, INET, INET6, UNIX, FAMILIES };	/* and octet 14: the family, */
enum { ANY, STREAM, DGRAM, TRANSPORTS };	/* the transport */

enum { TLV_CRC32C = 0x03, TLV_UNIQUE_ID = 0x05, TLV_SSL = 0x20,
	TLV_SSL_VERSION = 0x21 };

#define UNIQUE_ID_MAX 128	/* octets */
#define SSL_START 5		/* octets before the sub-TLVs: client, verify */
#define SSL_ON 0x01		/* in client */

struct tlv {
	unsigned type;
	size_t len;
	const unsigned char *value;
};

static unsigned two(const unsigned char *octets)
{
	return (unsigned)octets[0] << 8 | octets[1];
}

/* The TLV at *at, and *at is behind it; -1 if it goes beyond end. */
static int next_tlv(const unsigned char **at, const unsigned char *end,
    struct tlv *t)
{
	if (end - *at < 3)
		return -1;
	t->type = (*at)[0];
	t->len = two(*at + 1);
	t->value = *at + 3;
	if ((size_t)(end - t->value) < t->len)
		return -1;
	*at = t->value + t->len;
	return 0;
}

/* One octet more of a CRC-32C (P-138): a header or so, no table needed. */
static uint32_t crc32c(uint32_t crc, unsigned octet)
{
	int bit;

	crc ^= octet;
	for (bit = 0; bit < 8; bit++)
		crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
	return crc;
}

/* Whether the sum at sum, four octets of the header, is the header's. */
static bool right_sum(const unsigned char *header, size_t len,
    const unsigned char *sum)
{
	uint32_t crc = UINT32_C(0xffffffff);
	size_t at = (size_t)(sum - header), i;

	for (i = 0; i < len; i++)
		crc = crc32c(crc, i >= at && i < at + 4 ? 0 : header[i]);
	return (crc ^ UINT32_C(0xffffffff)) ==
	    ((uint32_t)two(sum) << 16 | two(sum + 2));
}

/* For the log: what could not stand there is as if it was not told. */
static void set_text(char text[PROXY_TEXT_MAX], const struct tlv *t)
{
	size_t i;

	text[0] = '\0';
	if (t->len >= PROXY_TEXT_MAX)
		return;
	for (i = 0; i < t->len; i++)
		if (t->value[i] < 0x21 || t->value[i] > 0x7e)
			return;
	memcpy(text, t->value, t->len);
	text[t->len] = '\0';
}

static int take_ssl(const struct tlv *ssl, struct proxy *p)
{
	const unsigned char *at, *end = ssl->value + ssl->len;
	struct tlv sub;

	if (ssl->len < SSL_START)
		return -1;
	p->tls = (ssl->value[0] & SSL_ON) != 0;
	for (at = ssl->value + SSL_START; at < end; ) {
		if (next_tlv(&at, end, &sub) == -1)
			return -1;
		if (sub.type == TLV_SSL_VERSION && p->tls)
			set_text(p->tls_text, &sub);
	}
	return 0;
}

/*
 * Those that mean something here are checked, all others are skipped.  A
 * header that says twice whether there is TLS says nothing.
 */
static int take_tlvs(const unsigned char *header, size_t len, size_t start,
    struct proxy *p)
{
	const unsigned char *at = header + start, *end = header + len;
	bool ssl = false;
	struct tlv t;

	while (at < end) {
		if (next_tlv(&at, end, &t) == -1)
			return -1;
		if (t.type == TLV_CRC32C) {
			if (t.len != 4 || !right_sum(header, len, t.value))
				return -1;
		} else if (t.type == TLV_UNIQUE_ID) {
			if (t.len > UNIQUE_ID_MAX)
				return -1;
		} else if (t.type == TLV_SSL) {
			if (ssl || take_ssl(&t, p) == -1)
				return -1;
			ssl = true;
		}
	}
	return 0;
}

/* Octets of block, or -1 if what the first 16 say can be no header. */
static int v2_block(const unsigned char *header)
{
	unsigned len = two(header + 14);

	if (memcmp(header, v2_start, V2_START) != 0 ||
	    (header[12] != (2 << 4 | LOCAL) &&
	    header[12] != (2 << 4 | PROXY)) || len > PROXY_V2_BLOCK_MAX)
		return -1;
	return (int)len;
}

static int v2_endpoints(const unsigned char *block, size_t len,
    unsigned family, unsigned transport, struct proxy *p)
{
	/* Two addresses, of INET and INET6 two ports, too. */
	static const size_t octets[FAMILIES] = { 0, 12, 36, 216 };
	size_t address = family == INET ? 4 : 16;

	if (family >= FAMILIES || transport >= TRANSPORTS ||
	    len < octets[family])
		return -1;
	if ((family == INET || family == INET6) && transport == STREAM) {
		p->local = false;
		peer_set(&p->peer, family == INET ? AF_INET : AF_INET6, block,
		    two(block + 2 * address));
	}
	return (int)octets[family];
}

int proxy_parse_v2(const unsigned char *header, size_t len, struct proxy *p)
{
	int block, addresses;

	nobody(p);
	if (len < PROXY_V2_START || (block = v2_block(header)) == -1 ||
	    len - PROXY_V2_START != (size_t)block)
		return -1;
	if (header[12] == (2 << 4 | LOCAL))
		return 0;	/* a health check; its block means nothing */
	addresses = v2_endpoints(header + PROXY_V2_START, (size_t)block,
	    header[13] >> 4, header[13] & 15, p);
	if (addresses == -1 || take_tlvs(header, len,
	    PROXY_V2_START + (size_t)addresses, p) == -1)
		return nobody(p);
	return 0;
}

/* --- reading (P-131, P-132) ---------------------------------------------- */

struct input {
	int fd;
	uint64_t deadline;	/* idle_clock(): ns */
	size_t len;
	unsigned char octets[PROXY_V2_START + PROXY_V2_BLOCK_MAX];
};

/* Milliseconds, rounded up: a poll too short would only be done again. */
static int left(const struct input *in)
{
	uint64_t now = idle_clock();

	return now >= in->deadline ? 0 :
	    (int)((in->deadline - now + 999999) / 1000000);
}

/* Holds the only read(2): one, of what is there, at most up to want. */
static enum proxy_result fill(struct input *in, size_t want)
{
	struct pollfd pfd = { .fd = in->fd, .events = POLLIN };
	int wait = left(in);
	ssize_t n;

	if (wait == 0 || idle_ask() != IDLE_GO_ON)
		return PROXY_TIMEOUT;
	if (poll(&pfd, 1, wait) < 1)
		return PROXY_OK;	/* time or signal: the next call sees */
	n = read(in->fd, in->octets + in->len, want - in->len);
	if (n > 0) {
		in->len += (size_t)n;
		return PROXY_OK;
	}
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK ||
	    errno == EINTR))
		return PROXY_OK;
	return in->len == 0 ? PROXY_EOF : PROXY_BAD;
}

static enum proxy_result fill_to(struct input *in, size_t want)
{
	enum proxy_result r = PROXY_OK;

	while (r == PROXY_OK && in->len < want)
		r = fill(in, want);
	return r;
}

/* Octet by octet, so that another protocol is found out by its first ones. */
static enum proxy_result expect(struct input *in, const char *start,
    size_t len)
{
	enum proxy_result r;

	while (in->len < len) {
		r = fill_to(in, in->len + 1);
		if (r != PROXY_OK)
			return r;
		if (memcmp(in->octets, start, in->len) != 0)
			return PROXY_BAD;
	}
	return PROXY_OK;
}

static enum proxy_result read_v1(struct input *in, struct proxy *p)
{
	enum proxy_result r = expect(in, v1_start, V1_START);

	while (r == PROXY_OK && in->octets[in->len - 1] != '\n')
		r = in->len == PROXY_V1_MAX ? PROXY_BAD :
		    fill_to(in, in->len + 1);
	if (r == PROXY_OK &&
	    proxy_parse_v1((const char *)in->octets, in->len, p) == -1)
		r = PROXY_BAD;
	return r;
}

static enum proxy_result read_v2(struct input *in, struct proxy *p)
{
	enum proxy_result r = expect(in, v2_start, V2_START);
	int block;

	if (r == PROXY_OK)
		r = fill_to(in, PROXY_V2_START);
	if (r != PROXY_OK)
		return r;
	block = v2_block(in->octets);
	if (block == -1)
		return PROXY_BAD;
	r = fill_to(in, PROXY_V2_START + (size_t)block);
	if (r == PROXY_OK && proxy_parse_v2(in->octets, in->len, p) == -1)
		r = PROXY_BAD;
	return r;
}

enum proxy_result proxy_read(int fd, struct proxy *p)
{
	struct input in;
	enum proxy_result r;

	nobody(p);
	idle_restart();		/* armed, a SIGALRM from outside counts: P-22 */
	in.fd = fd;
	in.deadline = idle_clock() + PROXY_WAIT * UINT64_C(1000000000);
	in.len = 0;
	r = fill_to(&in, 1);
	if (r != PROXY_OK)
		return r;
	if (in.octets[0] == (unsigned char)v1_start[0])
		return read_v1(&in, p);
	if (in.octets[0] == (unsigned char)v2_start[0])
		return read_v2(&in, p);
	return PROXY_BAD;
}
