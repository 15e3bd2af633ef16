/*
 * peer.c - who is connected.
 *
 * Runs as: whoever the launcher chose.
 * Trusts:  the operator to have chosen the launcher; not the variables to be
 *          clean, nor to be this connection's: the address is for the log.
 */
#include "wire/peer.h"

#include "base/num.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Where launchers say it, in the order of P-124; proto: only if PROTO is. */
static const struct {
	const char *proto, *ip, *port;
} said[] = {
	{ "TCP", "TCPREMOTEIP", "TCPREMOTEPORT" },
	{ "TCP6", "TCPREMOTEIP", "TCPREMOTEPORT" },
	{ "SSL", "TCPREMOTEIP", "TCPREMOTEPORT" },
	{ "TCP6", "TCP6REMOTEIP", "TCP6REMOTEPORT" },
	{ "SSL", "SSLREMOTEIP", "SSLREMOTEPORT" },
	{ NULL, "REMOTE_ADDR", "REMOTE_PORT" },		/* systemd */
	{ NULL, "REMOTE_HOST", "REMOTE_PORT" },		/* stunnel, xinetd */
};

static void print_address(struct peer *p, int family, const void *address)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	const unsigned char *octets = address;

	if (family == AF_INET6 && memcmp(octets, mapped, sizeof mapped) == 0) {
		family = AF_INET;
		octets += sizeof mapped;
	}
	if (inet_ntop(family, octets, p->ip, sizeof p->ip) == NULL)
		p->ip[0] = '\0';
}

static bool parse_address(struct peer *p, const char *text)
{
	unsigned char address[16];

	if (text == NULL)
		return false;
	if (inet_pton(AF_INET, text, address) == 1)
		print_address(p, AF_INET, address);
	else if (inet_pton(AF_INET6, text, address) == 1)
		print_address(p, AF_INET6, address);
	return p->ip[0] != '\0';
}

static void set_port(struct peer *p, uint64_t port)
{
	p->port[num_format(p->port, port)] = '\0';
}

int peer_set(struct peer *p, int family, const void *address, unsigned port)
{
	p->ip[0] = p->port[0] = '\0';
	if ((family != AF_INET && family != AF_INET6) || port > 65535)
		return -1;
	print_address(p, family, address);
	set_port(p, port);
	return 0;
}

static bool from_environment(struct peer *p)
{
	const char *proto = getenv("PROTO");
	size_t i;

	for (i = 0; i < sizeof said / sizeof said[0]; i++) {
		const char *port = getenv(said[i].port);
		uint64_t number;

		if (said[i].proto != NULL &&
		    strcmp(proto == NULL ? "TCP" : proto, said[i].proto) != 0)
			continue;
		if (!parse_address(p, getenv(said[i].ip)))
			continue;
		if (port != NULL && num_parse_range(port, 0, 65535, &number)
		    == 0)
			set_port(p, number);
		return true;
	}
	return false;
}

const char *peer_variable(size_t i, const char **value, bool *sound)
{
	bool port = i % 2 == 1;
	struct peer p = { "", "" };
	uint64_t number;
	const char *name;

	if (i / 2 >= sizeof said / sizeof said[0])
		return NULL;
	name = port ? said[i / 2].port : said[i / 2].ip;
	*value = getenv(name);
	*sound = *value != NULL && (port ?
	    num_parse_range(*value, 0, 65535, &number) == 0 :
	    parse_address(&p, *value));
	return name;
}

static void from_socket(struct peer *p, int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} name;
	socklen_t len = sizeof name;

	memset(&name, 0, sizeof name);	/* it may fill in nothing at all */
	if (getpeername(fd, &name.any, &len) == -1)
		return;
	if (name.any.sa_family == AF_INET)
		peer_set(p, AF_INET, &name.v4.sin_addr,
		    ntohs(name.v4.sin_port));
	else if (name.any.sa_family == AF_INET6)
		peer_set(p, AF_INET6, &name.v6.sin6_addr,
		    ntohs(name.v6.sin6_port));
}

void peer_find(struct peer *p, int fd)
{
	struct peer real = { "", "" };

	p->ip[0] = p->port[0] = '\0';
	if (from_environment(p) && p->port[0] != '\0')
		return;
	from_socket(&real, fd);
	/* xinetd names no port; under a wrapper the socket is another's. */
	if (p->ip[0] == '\0' || strcmp(p->ip, real.ip) == 0)
		*p = real;
}

void peer_tune(int fd)
{
	static const struct {
		int level, name, value;
	} option[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 60 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 15 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 4 },
	};
	size_t i;

	for (i = 0; i < sizeof option / sizeof option[0]; i++)
		if (setsockopt(fd, option[i].level, option[i].name,
		    &option[i].value, sizeof option[i].value) == -1)
			return;		/* no TCP socket: nothing to tune */
}
