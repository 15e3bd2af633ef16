/*
 * apop.c - the timestamp of the greeting and the form of APOP's digest.
 *
 * Runs as: the front, before login.
 * Trusts:  the kernel's random octets; not the host name to be one.
 */
#include "login/apop.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define RANDOM_LEN 16		/* octets */

/* By ASCII alone, whatever the locale (P-2). */
static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	    (c >= 'A' && c <= 'F');
}

static bool is_host_octet(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || c == '-';
}

/* A domain of RFC 822: no dot at either end, nor two together. */
static bool is_host(const char *name)
{
	char before = '.';

	for (; *name != '\0'; before = *name++)
		if (!is_host_octet(*name) && (*name != '.' || before == '.'))
			return false;
	return before != '.';
}

/* 16 octets are never a part of what was asked for, but may be interrupted
 * while the kernel has none yet. */
static int random_hex(char hex[2 * RANDOM_LEN + 1])
{
	unsigned char octets[RANDOM_LEN];
	ssize_t n;
	size_t i;

	do
		n = getrandom(octets, sizeof octets, 0);
	while (n == -1 && errno == EINTR);
	if (n != sizeof octets)
		return -1;
	for (i = 0; i < sizeof octets; i++) {
		*hex++ = "0123456789abcdef"[octets[i] >> 4];
		*hex++ = "0123456789abcdef"[octets[i] & 15];
	}
	*hex = '\0';
	return 0;
}

static int print(char *out, size_t room, const char *hex, const char *host)
{
	int n = snprintf(out, room, "<%ld.%lld.%s@%s>", (long)getpid(),
	    (long long)time(NULL), hex, host);

	return n < 0 || (size_t)n >= room || n > APOP_STAMP_MAX ? -1 : 0;
}

const char *apop_host(const char *hostname)
{
	static char own[HOST_NAME_MAX + 1];

	return hostname == NULL && gethostname(own, sizeof own) == 0 ? own :
	    hostname;
}

int apop_stamp(char *out, size_t room, const char *hostname)
{
	char hex[2 * RANDOM_LEN + 1];

	if (room > 0)
		out[0] = '\0';
	if (random_hex(hex) == -1)
		return -1;
	if (hostname != NULL && is_host(hostname) &&
	    print(out, room, hex, hostname) == 0)
		return 0;
	if (print(out, room, hex, "localhost") == 0)
		return 0;
	if (room > 0)
		out[0] = '\0';
	errno = ERANGE;
	return -1;
}

bool apop_digest(const char *text, size_t len)
{
	size_t i;

	if (len != APOP_DIGEST_LEN)
		return false;
	for (i = 0; i < len; i++)
		if (!is_hex(text[i]))
			return false;
	return true;
}
