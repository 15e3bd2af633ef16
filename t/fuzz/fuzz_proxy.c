/*
 * fuzz_proxy.c - the header of the PROXY protocol: wire/proxy.c
 * (P-131...P-139).
 *
 * The octets come on a descriptor, followed by a command; whatever is read of
 * them, not one more may be.
 */
#include "fuzz.h"

#include "wire/proxy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char behind[] = "QUIT\r\n";

/* Where the header would end, or 0: it has no end. */
static size_t end_of(const uint8_t *data, size_t len)
{
	const uint8_t *lf;

	if (len > 0 && data[0] == 'P') {
		lf = memchr(data, '\n', len);
		return lf == NULL ? 0 : (size_t)(lf - data) + 1;
	}
	if (len < PROXY_V2_START)
		return 0;
	return PROXY_V2_START + (size_t)(data[14] << 8 | data[15]);
}

static void sound(const struct proxy *p)
{
	unsigned char address[16];
	char *rest;
	long port;
	size_t i;

	for (i = 0; p->tls_text[i] != '\0'; i++)
		must(p->tls_text[i] > ' ' && p->tls_text[i] <= '~', "S-9");
	must(p->tls || p->tls_text[0] == '\0', "no version without TLS");
	if (p->local) {
		must(p->peer.ip[0] == '\0' && p->peer.port[0] == '\0',
		    "nobody was named");
		return;
	}
	must(inet_pton(strchr(p->peer.ip, ':') ? AF_INET6 : AF_INET,
	    p->peer.ip, address) == 1, "an address");
	port = strtol(p->peer.port, &rest, 10);
	must(*rest == '\0' && rest != p->peer.port && port >= 0 &&
	    port <= 65535, "a port");
}

/* Version 1: the words are those of the line. */
static void same_words(const uint8_t *data, size_t len, const struct proxy *p)
{
	char line[PROXY_V1_MAX + 1], source[64], dest[64], family[8];
	unsigned sport, dport;
	unsigned char a[16];

	must(len <= PROXY_V1_MAX, "P-134");
	if (p->local)
		return;
	memcpy(line, data, len);
	line[len] = '\0';
	must(sscanf(line, "PROXY %7s %63s %63s %u %u", family, source, dest,
	    &sport, &dport) == 5, "five words");
	must(inet_pton(strcmp(family, "TCP4") == 0 ? AF_INET : AF_INET6,
	    source, a) == 1 && (unsigned)atoi(p->peer.port) == sport,
	    "the address and port of the line");
	if (strcmp(family, "TCP4") == 0)
		must(strcmp(source, p->peer.ip) == 0, "the address itself");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct proxy p, q;
	enum proxy_result r;
	size_t end = end_of(data, len);
	char *all = malloc(len + sizeof behind);
	off_t at;
	int fd, parsed = -1;

	fuzz_count(len);
	must(all != NULL, "memory");
	memcpy(all, data, len);
	memcpy(all + len, behind, sizeof behind);
	fd = fuzz_file(all, len + sizeof behind - 1);
	fuzz_short(len == 0 ? 0 : data[len - 1]);
	r = proxy_read(fd, &p);
	fuzz_short(0);
	at = lseek(fd, 0, SEEK_CUR);
	if (end != 0 && end <= len)
		parsed = data[0] == 'P' ?
		    proxy_parse_v1((const char *)data, end, &q) :
		    proxy_parse_v2(data, end, &q);
	if (r == PROXY_OK) {
		/* The command behind it may have ended a line that had no end. */
		if (end != 0 && end <= len) {
			must((size_t)at == end, "P-132: not one octet more");
			must(parsed == 0 && memcmp(&p.peer.ip, &q.peer.ip,
			    sizeof p.peer.ip) == 0 && p.tls == q.tls,
			    "as in memory");
		}
		sound(&p);
		if (data[0] == 'P' && end != 0 && end <= len)
			same_words(data, end, &p);
	} else {
		must(r == PROXY_BAD, "there was something, and time enough");
		must(parsed == -1, "what is right in memory is right here");
		must(p.local && !p.tls, "nobody is named");
	}
	close(fd);
	free(all);
	return 0;
}
