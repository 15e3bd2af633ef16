/*
 * tcp.c - sessions by TCP, with whatever listens on 127.0.0.1.
 *
 *	tcp logins PORT AT-A-TIME TOTAL SUMS SECRET
 *		logs in as bench0, bench1, ...: "ok LOGINS/S"
 *	tcp refused PORT TIMES
 *		nobody, bench0 with a wrong password, and disabled, side by
 *		side: "ok UNKNOWN WRONG DISABLED", medians in ms
 *	tcp retr PORT SUMS		by RETR, one at a time: "ok MICROSECONDS"
 *	tcp fetch PORT SUMS		the same, from a plain copy
 *	tcp copy MAILDIR		the plain copy, for descriptors 0 and 1
 *
 * "X" and a reason instead of "ok" when an answer is wrong.
 */
#include "mail.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 300	/* seconds for a run */
#define BUFFER 1024

static _Noreturn void wrong(const char *what, const char *said)
{
	printf("X\t%s: %.60s\n", what, said);
	exit(1);
}

static uint64_t microseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int dial(const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_port = htons((uint16_t)mail_number(port));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd == -1 || connect(fd, (struct sockaddr *)&to, sizeof to) == -1)
		mail_die("connect");
	return fd;
}

static void tell(int fd, const char *text)
{
	size_t len = strlen(text);

	if (write(fd, text, len) != (ssize_t)len)
		wrong("the connection broke", text);
}

/* --- many at a time ----------------------------------------------------- */

enum step { GREETING, USER, PASS, STAT, QUIT, END };

struct client {
	int fd;
	unsigned name;
	enum step step;
	size_t used;
	char buf[BUFFER];
	uint64_t asked;		/* microseconds */
};

static struct mail_sums sums;
static const char *port, *secret;
static int queue;

static void call(struct client *c)
{
	struct epoll_event e = { .events = EPOLLIN };

	c->fd = dial(port);
	c->step = GREETING;
	c->used = 0;
	e.data.ptr = c;
	if (epoll_ctl(queue, EPOLL_CTL_ADD, c->fd, &e) == -1)
		mail_die("epoll_ctl");
}

static void check_stat(const char *line)
{
	uint64_t count, octets;

	if (sscanf(line, "+OK %" SCNu64 " %" SCNu64, &count, &octets) != 2 ||
	    count != sums.count || octets != sums.wire)
		wrong("STAT", line);
}

/* A whole line came: the next command. */
static void answer(struct client *c)
{
	char line[128];

	if (c->buf[0] != '+')
		wrong("not +OK", c->buf);
	switch (c->step++) {
	case GREETING:
		snprintf(line, sizeof line, "USER bench%u\r\n", c->name);
		tell(c->fd, line);
		break;
	case USER:
		snprintf(line, sizeof line, "PASS %s\r\n", secret);
		tell(c->fd, line);
		break;
	case PASS:
		tell(c->fd, "STAT\r\n");
		break;
	case STAT:
		check_stat(c->buf);
		tell(c->fd, "QUIT\r\n");
		break;
	default:
		break;
	}
}

/* 0: the server closed. */
static ssize_t hear(struct client *c)
{
	ssize_t n = read(c->fd, c->buf + c->used, BUFFER - 1 - c->used);

	if (n == -1)
		wrong("the connection broke", strerror(errno));
	c->used += (size_t)n;
	c->buf[c->used] = '\0';
	return n;
}

static bool session_over(struct client *c)
{
	if (hear(c) == 0) {
		if (c->step != END)
			wrong("the server closed", c->buf);
		close(c->fd);
		return true;
	}
	if (c->used > 1 && c->buf[c->used - 1] == '\n') {
		answer(c);
		c->used = 0;
	}
	return false;
}

static void logins(uint64_t at_a_time, uint64_t total)
{
	struct client *all = calloc(at_a_time, sizeof *all);
	struct epoll_event e[64];
	uint64_t begun = 0, over = 0, began = microseconds();

	if (all == NULL)
		mail_die("calloc");
	for (; begun < at_a_time && begun < total; begun++) {
		all[begun].name = (unsigned)begun;
		call(&all[begun]);
	}
	while (over < total) {
		int i, n = epoll_wait(queue, e, 64, -1);

		for (i = 0; i < n; i++) {
			if (!session_over(e[i].data.ptr))
				continue;
			over++;
			if (begun < total) {
				begun++;
				call(e[i].data.ptr);
			}
		}
	}
	printf("ok\t%.1f\n", (double)total * 1e6 /
	    (double)(microseconds() - began));
	free(all);
}

/* --- refused ------------------------------------------------------------ */

#define KINDS 3

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof *values, by_value);
	return n % 2 == 1 ? values[n / 2] :
	    (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* A line came; true: it was the refusal. */
static bool refused_now(struct client *c)
{
	static const char *const names[KINDS] = { "nobody", "bench0",
	    "disabled" };
	char line[64];

	c->used = 0;
	switch (c->step++) {
	case GREETING:
		snprintf(line, sizeof line, "USER %s\r\n", names[c->name]);
		tell(c->fd, line);
		return false;
	case USER:
		c->asked = microseconds();
		tell(c->fd, "PASS not-the-password\r\n");
		return false;
	default:
		if (c->buf[0] != '-')
			wrong("not -ERR", c->buf);
		return true;
	}
}

static void refused(uint64_t times)
{
	struct client *all = calloc(KINDS * times, sizeof *all);
	double *took = calloc(KINDS * times, sizeof *took);
	struct epoll_event e[64];
	uint64_t over = 0, k;

	if (all == NULL || took == NULL)
		mail_die("calloc");
	for (k = 0; k < KINDS * times; k++) {
		all[k].name = (unsigned)(k % KINDS);
		call(&all[k]);
	}
	while (over < KINDS * times) {
		int i, n = epoll_wait(queue, e, 64, -1);

		for (i = 0; i < n; i++) {
			struct client *c = e[i].data.ptr;

			if (hear(c) == 0)
				wrong("the server closed", c->buf);
			if (c->buf[c->used - 1] != '\n' || !refused_now(c))
				continue;
			k = (uint64_t)(c - all);
			took[k % KINDS * times + k / KINDS] =
			    (double)(microseconds() - c->asked) / 1000;
			close(c->fd);
			over++;
		}
	}
	printf("ok\t%.3f\t%.3f\t%.3f\n", median(took, times),
	    median(took + times, times), median(took + 2 * times, times));
	free(all);
	free(took);
}

/* --- one at a time ------------------------------------------------------ */

static char *said;
static size_t used, room;

static void more(int fd)
{
	ssize_t n = read(fd, said + used, room - used);

	if (n <= 0)
		wrong("the connection broke", n == 0 ? "" : strerror(errno));
	used += (size_t)n;
}

static void line_from(int fd)
{
	used = 0;
	do
		more(fd);
	while (memchr(said, '\n', used) == NULL);
	if (said[0] != '+') {
		said[used < 60 ? used : 60] = '\0';
		wrong("not +OK", said);
	}
}

static bool ended(void)
{
	return used >= 5 && memcmp(said + used - 5, "\r\n.\r\n", 5) == 0;
}

/* One message; *wire is its size as it arrived, dots counted. */
static void fetch(int fd, uint64_t n, bool plain)
{
	char line[64];
	size_t header;

	snprintf(line, sizeof line, "RETR %" PRIu64 "\r\n", n);
	tell(fd, line);
	line_from(fd);
	if (!plain) {
		while (!ended())
			more(fd);
		return;
	}
	header = (size_t)((char *)memchr(said, '\n', used) - said) + 1;
	while (used < header + strtoull(said + 4, NULL, 10))
		more(fd);
}

static void one_at_a_time(bool plain)
{
	int fd = dial(port);
	uint64_t n, octets = 0, began;

	room = sums.wire / 50 * 51 + BUFFER * 1024;
	said = malloc(room);
	if (said == NULL)
		mail_die("malloc");
	memset(said, 0, room);
	line_from(fd);
	began = microseconds();
	for (n = 1; n <= sums.count; n++) {
		fetch(fd, n, plain);
		octets += used;
	}
	if (octets < (plain ? sums.stored : sums.wire))
		wrong("octets are missing", "");
	printf("ok\t%" PRIu64 "\n", microseconds() - began);
	tell(fd, "QUIT\r\n");
	close(fd);
}

/* --- the plain copy ----------------------------------------------------- */

static int is_message(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* "+OK octets" and the file, as it is, in as few writes as read(2) gives. */
static void copy_one(const char *name)
{
	static char buf[65536 + 64];
	struct stat st;
	int fd = open(name, O_RDONLY), len;
	ssize_t n;

	if (fd == -1 || fstat(fd, &st) == -1)
		exit(111);
	len = snprintf(buf, 64, "+OK %jd\r\n", (intmax_t)st.st_size);
	while ((n = read(fd, buf + len, 65536)) > 0) {
		if (write(1, buf, (size_t)(n + len)) != n + len)
			exit(111);
		len = 0;
	}
	close(fd);
}

static void copy(const char *maildir)
{
	struct dirent **list;
	char line[64];
	int one = 1, n;

	if (chdir(maildir) == -1 || chdir("cur") == -1)
		mail_die(maildir);
	n = scandir(".", &list, is_message, alphasort);
	setsockopt(1, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	tell(1, "+OK\r\n");
	while (read(0, line, sizeof line) > 0 && line[0] == 'R') {
		long k = strtol(line + 5, NULL, 10);

		if (k < 1 || k > n)
			exit(100);
		copy_one(list[k - 1]->d_name);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	alarm(PATIENCE);
	if (strcmp(what, "copy") == 0) {
		copy(argv[2]);
		return 0;
	}
	queue = epoll_create1(EPOLL_CLOEXEC);
	port = argv[2];
	if (strcmp(what, "logins") == 0 && argc == 7) {
		mail_load(&sums, argv[5]);
		secret = argv[6];
		logins(mail_number(argv[3]), mail_number(argv[4]));
	} else if (strcmp(what, "refused") == 0 && argc == 4) {
		refused(mail_number(argv[3]));
	} else if (argc == 4) {
		mail_load(&sums, argv[3]);
		one_at_a_time(strcmp(what, "fetch") == 0);
	} else {
		return 100;
	}
	return 0;
}
