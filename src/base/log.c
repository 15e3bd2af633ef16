/*
 * log.c - lines for the administrator: syslog or stderr.
 *
 * Under most inetds descriptor 2 is the client's own socket, and a log line
 * would be read as POP3; may_be_client() decides (P-129).
 *
 * Runs as: everybody.
 * Trusts:  no octet of any value: all are escaped (S-9).
 */
#include "base/log.h"

#include "base/num.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_OCTETS 2048	/* under PIPE_BUF: one write(2) is whole */
#define WHAT_MAX 640		/* octets of our own words */
#define PATIENCE 5000		/* ms for a log reader that does not read */

/* The destination is global: everybody logs, nobody is handed a log. */
static enum log_to dest = LOG_TO_NONE;
static bool journal;		/* lines on stderr begin with <severity> */
static void (*diverted)(const char *line);	/* to whom, or NULL */
static bool waits;		/* stderr is a pipe or socket: it may be full */

static char line[LINE_MAX_OCTETS];
static size_t used;
static int severity;

static bool same_file(const struct stat *a, int fd)
{
	struct stat b;

	if (fstat(fd, &b) == -1)
		return errno != EBADF;	/* closed: it is no client */
	return a->st_dev == b.st_dev && a->st_ino == b.st_ino;
}

/* systemd says "device:inode" of the socket that leads to its journal. */
static bool is_journal(const struct stat *st)
{
	const char *v = getenv("JOURNAL_STREAM");
	const char *colon = v == NULL ? NULL : strchr(v, ':');
	uint64_t dev, ino;

	return colon != NULL && S_ISSOCK(st->st_mode) &&
	    num_parse(v, (size_t)(colon - v), &dev) == 0 &&
	    num_parse(colon + 1, strlen(colon + 1), &ino) == 0 &&
	    dev == st->st_dev && ino == st->st_ino;
}

/* P-129: whatever is not surely somewhere else may be the client. */
static bool may_be_client(void)
{
	struct stat st;

	if (fstat(2, &st) == -1 || same_file(&st, 0) || same_file(&st, 1))
		return true;
	journal = is_journal(&st);
	waits = !S_ISREG(st.st_mode);
	return !(journal || S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode) ||
	    isatty(2));
}

enum log_to log_choice(enum log_to to)
{
	if (to == LOG_TO_AUTO || to == LOG_TO_STDERR)
		to = may_be_client() ? LOG_TO_SYSLOG : LOG_TO_STDERR;
	return to;
}

void log_divert(void (*told)(const char *line))
{
	diverted = told;
}

void log_close(void)
{
	if (dest == LOG_TO_SYSLOG)
		closelog();
}

void log_open(enum log_to to)
{
	dest = log_choice(to);
	if (dest == LOG_TO_SYSLOG)
		openlog("maildir-pop3d", LOG_PID | LOG_NDELAY, LOG_MAIL);
}

void log_by_hand(void)
{
	dest = LOG_TO_STDERR;
}

static void add(const char *text, size_t len)
{
	size_t room = sizeof line - 1 - used;	/* one octet for the LF */

	if (len > room)
		len = room;
	memcpy(line + used, text, len);
	used += len;
}

static void add_text(const char *text)
{
	add(text, strlen(text));
}

static void add_number(uint64_t number)
{
	char digits[NUM_DIGITS];

	add(digits, num_format(digits, number));
}

/* first..7E as they are, but for those in special; the rest as \xHH. */
static void add_escaped(const char *text, size_t len, unsigned char first,
    const char *special)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		char escaped[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };

		if (c < first || c > 0x7e || strchr(special, c) != NULL)
			add(escaped, sizeof escaped);
		else
			add(text + i, 1);
	}
}

void log_line(int level, const char *word)
{
	severity = level;
	used = 0;
	if (dest == LOG_TO_STDERR && journal) {
		add_text("<");
		add_number((uint64_t)level);
		add_text(">");
	}
	add_text(word);
}

static void add_key(const char *key)
{
	add_text(" ");
	add_text(key);
	add_text("=");
}

void log_value(const char *key, const char *value, size_t len, size_t max)
{
	add_key(key);
	add_escaped(value, len < max ? len : max, 0x21, "\\=\"");
}

void log_string(const char *key, const char *value)
{
	if (value == NULL || *value == '\0')
		value = "-";
	log_value(key, value, strlen(value), LOG_HOST_MAX);
}

void log_number(const char *key, uint64_t number)
{
	add_key(key);
	add_number(number);
}

void log_pair(const char *key, uint64_t a, uint64_t b)
{
	log_number(key, a);
	add_text("/");
	add_number(b);
}

void log_seconds(const char *key, uint64_t nanoseconds)
{
	uint64_t ms = nanoseconds / 1000000;
	char digits[4] = { '.', (char)('0' + ms / 100 % 10),
		(char)('0' + ms / 10 % 10), (char)('0' + ms % 10) };

	log_number(key, ms / 1000);
	add(digits, sizeof digits);
}

void log_who(const char *ip, const char *port, pid_t pid, const char *user)
{
	if (user == NULL || *user == '\0')
		user = "-";
	log_string("ip", ip);
	log_string("port", port);
	log_number("pid", (uint64_t)pid);
	log_value("user", user, strlen(user), LOG_NAME_MAX);
}

/* A reader that stopped reading costs the line, not the session. */
static void to_stderr(void)
{
	struct pollfd p = { .fd = 2, .events = POLLOUT };
	ssize_t n;

	if (waits && poll(&p, 1, PATIENCE) != 1)
		return;
	line[used++] = '\n';
	do
		n = write(2, line, used);
	while (n == -1 && errno == EINTR);
}

void log_end(void)
{
	if (diverted != NULL) {
		line[used] = '\0';
		diverted(line);
		return;
	}
	if (dest == LOG_TO_STDERR)
		to_stderr();
	else if (dest == LOG_TO_SYSLOG)
		syslog(severity, "%.*s", (int)used, line);
}

static size_t at_most(const char *text, size_t max)
{
	size_t len = strlen(text);

	return len < max ? len : max;
}

static void say(int level, const char *word, const char *what,
    const char *name, const char *why)
{
	log_line(level, word);
	log_number("pid", (uint64_t)getpid());
	add_text(": ");
	if (diverted != NULL)
		used = 0;
	add_escaped(what, at_most(what, WHAT_MAX), 0x20, "\\");
	if (name != NULL) {
		add_text(" ");
		add_escaped(name, at_most(name, LOG_HOST_MAX), 0x21, "\\");
	}
	if (why != NULL) {
		add_text(": ");
		add_escaped(why, strlen(why), 0x20, "");
	}
	log_end();
}

void log_error(const char *what, const char *name)
{
	say(LOG_ERR, "error", what, name, NULL);
}

void log_warning(const char *what, const char *name)
{
	say(LOG_WARNING, "warning", what, name, NULL);
}

void log_errno(const char *what, const char *name)
{
	int saved = errno;

	say(LOG_ERR, "error", what, name, strerror(saved));
	errno = saved;
}
