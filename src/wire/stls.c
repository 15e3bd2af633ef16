/*
 * stls.c - TLS begun by a UCSPI-TLS helper.
 *
 * Runs as: the front, before login; the swap alone also as the keeper.
 * Trusts:  the launcher to have chosen the helper, and the helper to encrypt;
 *          not its numbers to be descriptors, nor its report to be short or
 *          printable: names in it are the client's certificate's.
 */
#include "wire/stls.h"

#include "base/idle.h"
#include "base/num.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct stls none = { -1, -1, -1 };

/* The number that a variable names, if it is above 2; or -1. */
static int named(const char *variable)
{
	const char *text = getenv(variable);
	uint64_t fd;

	if (text == NULL || num_parse_range(text, 3, INT_MAX, &fd) == -1)
		return -1;
	return (int)fd;
}

static bool is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* That all three are open, and there, shows when they get close-on-exec. */
void stls_find(struct stls *t)
{
	t->control = named("SSLCTLFD");
	t->read = named("SSLREADFD");
	t->write = named("SSLWRITEFD");
	if (t->control == t->read || t->control == t->write ||
	    !is_socket(t->control) ||
	    fcntl(t->control, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(t->read, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(t->write, F_SETFD, FD_CLOEXEC) == -1)
		*t = none;
}

/* What ends the wait; STLS_OK: it goes on. */
static enum stls_result ask(void)
{
	switch (idle_ask()) {
	case IDLE_EXPIRED:
		return STLS_EXPIRED;
	case IDLE_SIGNAL:
		return STLS_SIGNAL;
	case IDLE_GO_ON:
		break;
	}
	return STLS_OK;
}

/* After a call that failed: waits if that will help. */
static enum stls_result again(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (errno == EAGAIN || errno == EWOULDBLOCK)
		poll(&p, 1, -1);
	else if (errno != EINTR)
		return STLS_FAILED;
	return ask();
}

/* "Y" is start and report.  With "y" a failed handshake would look like a
 * client that hangs up. */
static enum stls_result order(int control)
{
	enum stls_result r = ask();

	while (r == STLS_OK && write(control, "Y", 1) != 1)
		r = again(control, POLLOUT);
	return r;
}

/* Whether an empty string is among the len octets: a NUL that ends nothing. */
static bool is_whole(const char *answer, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (answer[i] == '\0' && (i == 0 || answer[i - 1] == '\0'))
			return true;
	return false;
}

/*
 * Reads the report to the empty string that ends it, or to EOF after a whole
 * string: that the empty one comes is custom, not needed to understand.
 */
static enum stls_result receive(int control, char *answer, size_t *len)
{
	enum stls_result r = ask();

	*len = 0;
	while (r == STLS_OK && !is_whole(answer, *len)) {
		ssize_t n;

		if (*len == STLS_ANSWER_MAX)
			return STLS_FAILED;
		n = read(control, answer + *len, STLS_ANSWER_MAX - *len);
		if (n == 0)
			return *len > 0 && answer[*len - 1] == '\0' ? STLS_OK :
			    STLS_FAILED;
		if (n > 0)
			*len += (size_t)n;
		r = n > 0 ? ask() : again(control, POLLIN);
	}
	return r;
}

/* The value, if it may stand in a log line; else "". */
static void set_text(char text[STLS_TEXT_MAX], const char *value)
{
	size_t len = strlen(value), i;

	text[0] = '\0';
	if (len >= STLS_TEXT_MAX)
		return;
	for (i = 0; i < len; i++)
		if (value[i] < 0x21 || value[i] > 0x7e)
			return;
	memcpy(text, value, len + 1);
}

/* The strings up to an empty one; each of them has its NUL by now. */
static void find_protocol(char text[STLS_TEXT_MAX], const char *answer,
    size_t len)
{
	static const char name[] = "SSL_PROTOCOL";
	const char *at = answer, *end = answer + len;

	for (; at < end && *at != '\0'; at += strlen(at) + 1) {
		if (strncmp(at, name, sizeof name - 1) != 0)
			continue;
		if (at[sizeof name - 1] == '=')
			set_text(text, at + sizeof name);
		else if (at[sizeof name - 1] == '\0')
			text[0] = '\0';		/* a name alone unsets it */
	}
}

void stls_told(char text[STLS_TEXT_MAX])
{
	const char *value = getenv("SSL_PROTOCOL");

	text[0] = '\0';
	if (value != NULL)
		set_text(text, value);
}

enum stls_result stls_start(struct stls *t, char text[STLS_TEXT_MAX])
{
	char answer[STLS_ANSWER_MAX];
	size_t len;
	enum stls_result r;

	text[0] = '\0';
	idle_restart();		/* once: a helper that drips gains no time */
	r = order(t->control);
	if (r == STLS_OK)
		r = receive(t->control, answer, &len);
	if (r != STLS_OK)
		return r;
	find_protocol(text, answer, len);
	return stls_swap(t) == 0 ? STLS_OK : STLS_FAILED;
}

int stls_swap(struct stls *t)
{
	if (dup2(t->read, 0) == -1 || dup2(t->write, 1) == -1)
		return -1;
	if (t->control != -1)
		close(t->control);
	close(t->read);
	if (t->write != t->read)
		close(t->write);
	*t = none;
	return 0;
}
