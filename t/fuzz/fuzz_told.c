/*
 * fuzz_told.c - what the program is told by who started it: the report of a
 * UCSPI-TLS helper, and the launcher's variables: wire/stls.c, peer.c (P-124,
 * P-126, S-9).
 *
 * Up to the first line feed, if there is one, words for the variables; the
 * rest is the report, after which the helper hangs up.
 */
#include "fuzz.h"

#include "base/idle.h"
#include "wire/peer.h"
#include "wire/stls.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_visible(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (text[i] < 0x21 || text[i] > 0x7e)
			return false;
	return true;
}

/* --- the helper ----------------------------------------------------------- */

/* Up to the empty string, or all if the last has its NUL; 0: no report. */
static size_t whole(const char *in, size_t len)
{
	size_t i;

	for (i = 0; i < len && i < STLS_ANSWER_MAX; i++)
		if (in[i] == '\0' && (i == 0 || in[i - 1] == '\0'))
			return i + 1;
	return len > 0 && len < STLS_ANSWER_MAX && in[len - 1] == '\0' ? len :
	    0;
}

/* The last of that name; "" if there is none that may be shown. */
static void protocol(const char *in, size_t len, char out[STLS_TEXT_MAX])
{
	const char *at, *end = in + len;

	out[0] = '\0';
	for (at = in; at < end; at += strlen(at) + 1) {
		const char *value = at + strlen("SSL_PROTOCOL=");

		if (strcmp(at, "SSL_PROTOCOL") == 0)
			out[0] = '\0';
		if (strncmp(at, "SSL_PROTOCOL=", strlen("SSL_PROTOCOL=")) != 0)
			continue;
		out[0] = '\0';
		if (strlen(value) < STLS_TEXT_MAX &&
		    is_visible(value, strlen(value)))
			strcpy(out, value);
	}
}

/* What the engine has on 0 and 1 comes back. */
static enum stls_result start(struct stls *t, char text[STLS_TEXT_MAX])
{
	int in = fcntl(0, F_DUPFD_CLOEXEC, 3);
	int out = fcntl(1, F_DUPFD_CLOEXEC, 3);
	enum stls_result r = stls_start(t, text);

	if (r == STLS_OK)
		must(t->control == -1 && t->read == -1 && t->write == -1,
		    "all three are used");
	if (in == -1)
		close(0);
	else
		must(dup2(in, 0) == 0 && close(in) == 0, "0 as it was");
	if (out == -1)
		close(1);
	else
		must(dup2(out, 1) == 1 && close(out) == 0, "1 as it was");
	return r;
}

static void try_report(const char *in, size_t len)
{
	char text[STLS_TEXT_MAX], want[STLS_TEXT_MAX], order;
	size_t n = whole(in, len);
	struct stls t;
	int fd[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0 &&
	    write(fd[1], in, len) == (ssize_t)len &&
	    shutdown(fd[1], SHUT_WR) == 0, "a helper");
	t.control = fd[0];
	t.read = t.write = open("/dev/null", O_RDWR);
	must((start(&t, text) == STLS_OK) == (n > 0), "P-126: a whole report");
	must(read(fd[1], &order, 1) == 1 && order == 'Y', "it was asked for");
	protocol(in, n, want);
	must(n == 0 || strcmp(text, want) == 0, "its SSL_PROTOCOL");
	if (n == 0)
		must(text[0] == '\0' && close(t.control) == 0 &&
		    close(t.read) == 0, "nothing was taken");
	close(fd[1]);
}

/* --- the launcher --------------------------------------------------------- */

static const char *const variables[] = {
	"PROTO", "TCPREMOTEIP", "TCPREMOTEPORT", "TCP6REMOTEIP",
	"TCP6REMOTEPORT", "SSLREMOTEIP", "SSLREMOTEPORT", "REMOTE_ADDR",
	"REMOTE_HOST", "REMOTE_PORT", "SSL_PROTOCOL",
};

#define VARIABLES (sizeof variables / sizeof variables[0])

static bool is_address(const char *text)
{
	unsigned char octets[16];

	return inet_pton(AF_INET, text, octets) == 1 ||
	    inet_pton(AF_INET6, text, octets) == 1;
}

/* S-9: what comes out is an address and a number, or nothing. */
static void try_variables(char *words)
{
	char text[STLS_TEXT_MAX], *word;
	struct peer p;
	size_t i = 0;

	for (i = 0; i < VARIABLES; i++)
		unsetenv(variables[i]);
	for (i = 0; i < VARIABLES && (word = strsep(&words, " ")) != NULL; i++)
		if (word[0] != '\0')
			must(setenv(variables[i], word, 1) == 0, "memory");
	peer_find(&p, -1);
	must(p.ip[0] == '\0' || is_address(p.ip), "an address");
	must(strncmp(p.ip, "::ffff:", 7) != 0 || strchr(p.ip, '.') == NULL,
	    "P-124: mapped ones as IPv4");
	must(strspn(p.port, "0123456789") == strlen(p.port), "a port");
	must(p.port[0] == '\0' || (p.ip[0] != '\0' && atoi(p.port) < 65536),
	    "of that address");
	stls_told(text);
	must(is_visible(text, strlen(text)), "S-9");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *lf = len == 0 ? NULL : memchr(data, '\n', len);
	char words[400] = "";
	size_t n = 0;

	fuzz_count(len);
	if (lf != NULL && (n = (size_t)(lf - data) + 1) < sizeof words) {
		memcpy(words, data, n - 1);
		words[n - 1] = '\0';
		try_variables(words);
	}
	try_report((const char *)data + n, len - n);
	fuzz_descriptors();
	return 0;
}
