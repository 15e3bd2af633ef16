/* test_peer.c - who is connected. */
#include "unit.h"

#include "wire/peer.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const variable[] = { "PROTO", "TCPREMOTEIP",
	"TCPREMOTEPORT", "TCP6REMOTEIP", "TCP6REMOTEPORT", "SSLREMOTEIP",
	"SSLREMOTEPORT", "REMOTE_ADDR", "REMOTE_HOST", "REMOTE_PORT" };

static void clean_environment(void)
{
	size_t i;

	for (i = 0; i < COUNT(variable); i++)
		unsetenv(variable[i]);
}

/* Sets "A=1 B=2", and finds the peer of a descriptor that is no socket. */
static const struct peer *peer_of(const char *environment)
{
	static struct peer p;
	char text[512], *word;

	clean_environment();
	strcpy(text, environment);
	for (word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
		char *equals = strchr(word, '=');

		*equals = '\0';
		setenv(word, equals + 1, 1);
	}
	memset(&p, '#', sizeof p);
	peer_find(&p, -1);
	return &p;
}

static const struct {
	const char *environment, *ip, *port;
} found[] = {
	{ "", "", "" },
	{ "PROTO=TCP TCPREMOTEIP=192.0.2.1 TCPREMOTEPORT=40112",
	    "192.0.2.1", "40112" },
	{ "PROTO=TCP6 TCP6REMOTEIP=2001:db8::1 TCP6REMOTEPORT=1",
	    "2001:db8::1", "1" },
	{ "PROTO=TCP6 TCPREMOTEIP=2001:db8::2 TCPREMOTEPORT=2",
	    "2001:db8::2", "2" },
	{ "PROTO=SSL SSLREMOTEIP=192.0.2.3 SSLREMOTEPORT=3",
	    "192.0.2.3", "3" },
	{ "PROTO=SSL TCPREMOTEIP=192.0.2.4 TCPREMOTEPORT=4",
	    "192.0.2.4", "4" },
	{ "REMOTE_ADDR=192.0.2.5 REMOTE_PORT=5", "192.0.2.5", "5" },
	{ "REMOTE_ADDR=2001:db8::5 REMOTE_PORT=5", "2001:db8::5", "5" },
	{ "REMOTE_HOST=192.0.2.6", "192.0.2.6", "" },
	/* variables of another protocol than the one that is spoken */
	{ "PROTO=TCP SSLREMOTEIP=192.0.2.7", "", "" },
	{ "PROTO=TCP TCP6REMOTEIP=2001:db8::7", "", "" },
	{ "PROTO=UNIX TCPREMOTEIP=192.0.2.7", "", "" },
	/* precedence */
	{ "PROTO=TCP TCPREMOTEIP=192.0.2.1 REMOTE_ADDR=192.0.2.2 "
	    "REMOTE_HOST=192.0.2.3", "192.0.2.1", "" },
	{ "REMOTE_ADDR=192.0.2.2 REMOTE_HOST=192.0.2.3", "192.0.2.2", "" },
	{ "PROTO=SSL TCPREMOTEIP=192.0.2.1 TCPREMOTEPORT=1 "
	    "SSLREMOTEIP=192.0.2.2 SSLREMOTEPORT=2", "192.0.2.1", "1" },
	/* an address and the port that belongs to it, never another's */
	{ "PROTO=TCP TCPREMOTEIP=192.0.2.1 REMOTE_PORT=9", "192.0.2.1", "" },
	/* what does not parse is passed over */
	{ "PROTO=TCP TCPREMOTEIP=localhost REMOTE_ADDR=192.0.2.2",
	    "192.0.2.2", "" },
	{ "PROTO=TCP TCPREMOTEIP= REMOTE_ADDR=192.0.2.2", "192.0.2.2", "" },
	{ "PROTO=TCP TCPREMOTEIP=192.0.2.256", "", "" },
	{ "PROTO=TCP TCPREMOTEIP=192.0.2", "", "" },
	{ "PROTO=TCP TCPREMOTEIP=192.0.2.1.1", "", "" },
	{ "PROTO=TCP TCPREMOTEIP=192.0.2.1\nuser=root", "", "" },
	{ "REMOTE_HOST=mail.example.com REMOTE_PORT=5", "", "" },
	{ "REMOTE_ADDR=fe80::1%eth0", "", "" },
	{ "REMOTE_ADDR=[2001:db8::1]", "", "" },
	/* mapped, and printed anew */
	{ "PROTO=TCP6 TCP6REMOTEIP=::ffff:192.0.2.9 TCP6REMOTEPORT=9",
	    "192.0.2.9", "9" },
	{ "REMOTE_ADDR=::FFFF:C000:0209", "192.0.2.9", "" },
	{ "REMOTE_ADDR=::192.0.2.9", "::192.0.2.9", "" },
	{ "REMOTE_ADDR=2001:0DB8:0000:0000:0000:0000:0000:000A",
	    "2001:db8::a", "" },
	{ "REMOTE_ADDR=1111:2222:3333:4444:5555:6666:7777:8888",
	    "1111:2222:3333:4444:5555:6666:7777:8888", "" },
	/* ports */
	{ "REMOTE_ADDR=192.0.2.1 REMOTE_PORT=65535", "192.0.2.1", "65535" },
	{ "REMOTE_ADDR=192.0.2.1 REMOTE_PORT=0", "192.0.2.1", "0" },
	{ "REMOTE_ADDR=192.0.2.1 REMOTE_PORT=65536", "192.0.2.1", "" },
	{ "REMOTE_ADDR=192.0.2.1 REMOTE_PORT=-1", "192.0.2.1", "" },
	{ "REMOTE_ADDR=192.0.2.1 REMOTE_PORT=", "192.0.2.1", "" },
	{ "REMOTE_ADDR=192.0.2.1 REMOTE_PORT=5x", "192.0.2.1", "" },
	{ "REMOTE_ADDR=192.0.2.1 REMOTE_PORT=000000000099", "192.0.2.1",
	    "99" },
	{ "REMOTE_PORT=5", "", "" },
};

START_TEST(the_environment_says_who_it_is)
{
	const struct peer *p = peer_of(found[_i].environment);

	ck_assert_str_eq(p->ip, found[_i].ip);
	ck_assert_str_eq(p->port, found[_i].port);
}
END_TEST

/* A TCP connection over loopback: the server's end, of the client's port. */
static int accepted(int family, const char *to, uint16_t *port)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr *any = family == AF_INET ? (struct sockaddr *)&v4 :
	    (struct sockaddr *)&v6;
	socklen_t len = family == AF_INET ? sizeof v4 : sizeof v6;
	int fd = socket(family, SOCK_STREAM, 0), client, off = 0;
	int client_family = strchr(to, ':') == NULL ? AF_INET : AF_INET6;

	if (fd == -1)
		return -1;
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	if (bind(fd, any, len) == -1 || listen(fd, 1) == -1 ||
	    getsockname(fd, any, &len) == -1)
		return -1;
	v4.sin_port = v6.sin6_port = family == AF_INET ? v4.sin_port :
	    v6.sin6_port;
	inet_pton(client_family, to, client_family == AF_INET ?
	    (void *)&v4.sin_addr : (void *)&v6.sin6_addr);
	v4.sin_family = AF_INET;
	client = socket(client_family, SOCK_STREAM, 0);
	any = client_family == AF_INET ? (struct sockaddr *)&v4 :
	    (struct sockaddr *)&v6;
	len = client_family == AF_INET ? sizeof v4 : sizeof v6;
	if (client == -1 || connect(client, any, len) == -1 ||
	    getsockname(client, any, &len) == -1)
		return -1;
	*port = ntohs(client_family == AF_INET ? v4.sin_port : v6.sin6_port);
	return accept(fd, NULL, NULL);
}

static const struct {
	int family;
	const char *to, *ip;
} connection[] = {
	{ AF_INET, "127.0.0.1", "127.0.0.1" },
	{ AF_INET6, "::1", "::1" },
	{ AF_INET6, "127.0.0.1", "127.0.0.1" },	/* mapped by the kernel */
};

START_TEST(without_an_environment_the_socket_says_it)
{
	struct peer p;
	uint16_t port;
	int fd = accepted(connection[_i].family, connection[_i].to, &port);

	if (fd == -1 && connection[_i].family == AF_INET6)
		return;		/* a machine without IPv6 */
	ck_assert_int_ne(fd, -1);
	clean_environment();
	peer_find(&p, fd);
	ck_assert_str_eq(p.ip, connection[_i].ip);
	ck_assert_int_eq(atoi(p.port), port);
	close(fd);
}
END_TEST

START_TEST(under_a_wrapper_the_socket_comes_last)
{
	struct peer p;
	uint16_t port;
	int fd = accepted(AF_INET, "127.0.0.1", &port);

	ck_assert_int_ne(fd, -1);
	clean_environment();
	setenv("REMOTE_HOST", "192.0.2.1", 1);
	peer_find(&p, fd);
	ck_assert_str_eq(p.ip, "192.0.2.1");
	ck_assert_str_eq(p.port, "");
	setenv("REMOTE_HOST", "127.0.0.1", 1);	/* xinetd: it is the same */
	peer_find(&p, fd);
	ck_assert_str_eq(p.ip, "127.0.0.1");
	ck_assert_int_eq(atoi(p.port), port);
	setenv("REMOTE_PORT", "1", 1);		/* stunnel: it is not */
	peer_find(&p, fd);
	ck_assert_str_eq(p.port, "1");
	unsetenv("REMOTE_PORT");
	setenv("REMOTE_HOST", "no address", 1);
	peer_find(&p, fd);
	ck_assert_str_eq(p.ip, "127.0.0.1");
	close(fd);
}
END_TEST

START_TEST(a_pipe_and_a_unix_socket_have_no_address)
{
	struct peer p;
	int end[2];

	clean_environment();
	ck_assert_int_eq(pipe(end), 0);
	peer_find(&p, end[0]);
	ck_assert_str_eq(p.ip, "");
	ck_assert_str_eq(p.port, "");
	close(end[0]);
	close(end[1]);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, end), 0);
	peer_find(&p, end[0]);
	ck_assert_str_eq(p.ip, "");
	ck_assert_str_eq(p.port, "");
	close(end[0]);
	close(end[1]);
}
END_TEST

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof value;

	ck_assert_int_eq(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

START_TEST(a_dead_peer_of_a_tcp_connection_is_noticed)
{
	uint16_t port;
	int fd = accepted(AF_INET, "127.0.0.1", &port);

	ck_assert_int_ne(fd, -1);
	peer_tune(fd);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	ck_assert_int_eq(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 15);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 4);
	close(fd);
}
END_TEST

START_TEST(another_kind_of_socket_is_left_as_it_is)
{
	int end[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, end), 0);
	peer_tune(end[0]);
	ck_assert_int_eq(option(end[0], SOL_SOCKET, SO_KEEPALIVE), 0);
	close(end[0]);
	close(end[1]);
}
END_TEST

Suite *peer_suite(void)
{
	Suite *s = suite_create("peer");
	TCase *tc = unit_case(s, "environment (P-122, P-124)");

	tcase_add_checked_fixture(tc, clean_environment, clean_environment);
	tcase_add_loop_test(tc, the_environment_says_who_it_is, 0,
	    COUNT(found));
	tc = unit_case(s, "sockets (P-123, P-124)");
	tcase_add_checked_fixture(tc, clean_environment, clean_environment);
	tcase_add_loop_test(tc, without_an_environment_the_socket_says_it, 0,
	    COUNT(connection));
	tcase_add_test(tc, under_a_wrapper_the_socket_comes_last);
	tcase_add_test(tc, a_pipe_and_a_unix_socket_have_no_address);
	tc = unit_case(s, "options of the socket (P-56)");
	tcase_add_test(tc, a_dead_peer_of_a_tcp_connection_is_noticed);
	tcase_add_test(tc, another_kind_of_socket_is_left_as_it_is);
	return s;
}
