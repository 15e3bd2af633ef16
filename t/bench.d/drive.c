/*
 * drive.c - sessions with one server over two pipes: what they cost it, and
 * whether its answers are right.
 *
 *	drive [OPTION]... WORK SUMS COMMAND [ARG]...
 *
 * WORK is empty (QUIT), stat (STAT QUIT), list (STAT UIDL LIST QUIT), retr,
 * top, dele (each message, one command at a time), mem (list, and the memory
 * before QUIT), or raw (the command's output is read to its end, no POP3).
 * Prints "ok CPU WALL PRIVATE" in microseconds and octets a session, or "X" and
 * what was wrong.
 *
 * The CPU time is that of every process of the server, by wait4(2); the
 * answers are kept and looked at when the server is gone, so that the client
 * adds as little as it can.
 */
#include "mail.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <getopt.h>
#include <grp.h>

#define PATIENCE 300	/* seconds for a run */

enum work { EMPTY, STAT, LIST, RETR, TOP, DELE, MEM, RAW };

static const char *const works[] = { "empty", "stat", "list", "retr", "top",
	"dele", "mem", "raw" };

static struct {
	enum work work;
	struct mail_sums sums;
	char **command;
	const char *dir, *log, *user, *secret;
	char **environment;	/* NULL: ours */
	uint64_t uid, times;
	bool greeting, pin, two, allow_lf, allow_blank;
} option = { .times = 1, .greeting = true };

extern char **environ;

struct server {
	pid_t pid;
	int in, out;	/* its descriptors 0 and 1 */
};

/* All that the server said. */
static char *said;
static size_t used, room;

static _Noreturn void wrong(const char *what)
{
	printf("X\t%s\n", what);
	fflush(stdout);
	kill(0, SIGKILL);
	_exit(1);
}

static _Noreturn void wrong_reply(const char *what, const char *at)
{
	char text[200];
	size_t i, left = used - (size_t)(at - said);

	snprintf(text, sizeof text, "%s: %.*s", what,
	    left > 60 ? 60 : (int)left, at);
	for (i = 0; text[i] != '\0'; i++)
		if (text[i] < ' ')
			text[i] = '|';
	wrong(text);
}

static uint64_t microseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t spent(const struct rusage *r)
{
	return (uint64_t)(r->ru_utime.tv_sec + r->ru_stime.tv_sec) * 1000000 +
	    (uint64_t)(r->ru_utime.tv_usec + r->ru_stime.tv_usec);
}

static void make_room(size_t octets)
{
	room = octets;
	said = mmap(NULL, room, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (said == MAP_FAILED)
		mail_die("mmap");
}

/*
 * -p: client and server on one CPU, the last we may have, which saves waking
 * another for each answer.  -P: each on one of its own, as where a stream is
 * read while it is written; left alone, it is now this and now that.
 */
static cpu_set_t first_cpu, last_cpu;

static void find_cpus(void)
{
	cpu_set_t set;
	size_t cpu;

	CPU_ZERO(&first_cpu);
	CPU_ZERO(&last_cpu);
	if (sched_getaffinity(0, sizeof set, &set) == -1)
		mail_die("sched_getaffinity");
	for (cpu = 0; !CPU_ISSET(cpu, &set); cpu++)
		;
	CPU_SET(cpu, &first_cpu);
	for (cpu = CPU_SETSIZE - 1; !CPU_ISSET(cpu, &set); cpu--)
		;
	CPU_SET(cpu, &last_cpu);
}

static void pin(const cpu_set_t *cpu)
{
	if (option.pin)
		sched_setaffinity(0, sizeof *cpu, cpu);
}

/* --- the server --------------------------------------------------------- */

static void become(int in, int out)
{
	gid_t gid = (gid_t)option.uid;
	uid_t uid = (uid_t)option.uid;
	int log = open(option.log == NULL ? "/dev/null" : option.log,
	    O_WRONLY | O_APPEND);

	if (log == -1 || dup2(in, 0) == -1 || dup2(out, 1) == -1 ||
	    dup2(log, 2) == -1)
		_exit(111);
	close(log);
	if (option.uid != 0 && (setgroups(0, NULL) == -1 ||
	    setresgid(gid, gid, gid) == -1 || setresuid(uid, uid, uid) == -1))
		_exit(111);
	if (option.dir != NULL && chdir(option.dir) == -1)
		_exit(111);
	signal(SIGPIPE, SIG_DFL);
	pin(&last_cpu);
	execve(option.command[0], option.command, option.environment);
	_exit(127);
}

/*
 * By vfork: a copy of our page tables would be put down to the server, and it
 * would grow with what we keep.  The child touches only its own variables.
 */
static struct server start(void)
{
	struct server s;
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) == -1 || pipe2(from, O_CLOEXEC) == -1)
		mail_die("pipe");
	s.pid = vfork();
	if (s.pid == -1)
		mail_die("vfork");
	if (s.pid == 0)
		become(to[0], from[1]);
	close(to[0]);
	close(from[1]);
	s.in = to[1];
	s.out = from[0];
	return s;
}

static void reap(struct server *s)
{
	int status;

	close(s->in);
	close(s->out);
	/* What it forked and left comes to us: PR_SET_CHILD_SUBREAPER. */
	while (wait(&status) != -1 || errno == EINTR)
		if (WIFSIGNALED(status))
			wrong("the server was killed by a signal");
}

/* --- the client --------------------------------------------------------- */

/* 0 at the end of the server's output. */
static size_t hear(struct server *s)
{
	ssize_t n;

	if (used == room)
		wrong("the server says more than it should");
	n = read(s->out, said + used, room - used);
	if (n == -1)
		mail_die("read");
	used += (size_t)n;
	return (size_t)n;
}

/* The answer that began at from is whole. */
static bool whole(size_t from, bool lines)
{
	size_t n = used - from;

	if (n < 2 || memcmp(said + used - 2, "\r\n", 2) != 0)
		return false;
	if (!lines || said[from] != '+')
		return true;
	return n >= 5 && memcmp(said + used - 5, "\r\n.\r\n", 5) == 0;
}

static void hear_answer(struct server *s, bool lines)
{
	size_t from = used;

	while (!whole(from, lines))
		if (hear(s) == 0)
			wrong_reply("the server is gone", said + from);
}

static void tell(struct server *s, const char *text)
{
	size_t len = strlen(text);

	if (write(s->in, text, len) != (ssize_t)len)
		wrong("the server is gone");
}

static void ask(struct server *s, const char *text, bool lines)
{
	tell(s, text);
	hear_answer(s, lines);
}

/* Private octets: what one session more takes. */
static uint64_t private_memory(pid_t pid)
{
	char path[64], line[256];
	uint64_t total = 0, n;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;	/* nobody but root may look */
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "Private_Clean: %" SCNu64, &n) == 1 ||
		    sscanf(line, "Private_Dirty: %" SCNu64, &n) == 1)
			total += n * 1024;
	fclose(f);
	return total;
}

static void begin(struct server *s)
{
	char line[256];

	if (option.greeting)
		hear_answer(s, false);
	if (option.user == NULL)
		return;
	snprintf(line, sizeof line, "USER %s\r\n", option.user);
	ask(s, line, false);
	snprintf(line, sizeof line, "PASS %s\r\n", option.secret);
	ask(s, line, false);
}

static void ask_each(struct server *s, const char *format, bool lines)
{
	char line[64];
	uint64_t n;

	for (n = 1; n <= option.sums.count; n++) {
		snprintf(line, sizeof line, format, n);
		ask(s, line, lines);
	}
}

/* The session; where its commands' answers begin is at the greeting's end. */
static void talk(struct server *s, uint64_t *private)
{
	switch (option.work) {
	case EMPTY:
	case RAW:
		break;
	case STAT:
		ask(s, "STAT\r\n", false);
		break;
	case LIST:
	case MEM:
		ask(s, "STAT\r\n", false);
		ask(s, "UIDL\r\n", true);
		ask(s, "LIST\r\n", true);
		break;
	case RETR:
		ask_each(s, "RETR %" PRIu64 "\r\n", true);
		break;
	case TOP:
		ask_each(s, "TOP %" PRIu64 " 0\r\n", true);
		break;
	case DELE:
		ask_each(s, "DELE %" PRIu64 "\r\n", false);
		break;
	}
	if (option.work == MEM)
		*private = private_memory(s->pid);
	tell(s, "QUIT\r\n");
	while (hear(s) > 0)
		;
}

/* --- whether the answers are right -------------------------------------- */

static const char *at;	/* what has not been looked at */

/* One line without its CRLF; the end of the answers is an error. */
static const char *next_line(size_t *len)
{
	const char *line = at;
	const char *end = memchr(at, '\n', used - (size_t)(at - said));

	if (end == NULL || end == at || end[-1] != '\r')
		wrong_reply("no line", at);
	*len = (size_t)(end - 1 - line);
	at = end + 1;
	return line;
}

static const char *next_ok(void)
{
	size_t len;
	const char *line = next_line(&len);

	if (len < 3 || memcmp(line, "+OK", 3) != 0)
		wrong_reply("not +OK", line);
	return line;
}

static bool is_dot(const char *line, size_t len)
{
	return len == 1 && line[0] == '.';
}

static void check_stat(void)
{
	const char *line = next_ok();
	uint64_t count, octets;

	if (sscanf(line, "+OK %" SCNu64 " %" SCNu64, &count, &octets) != 2 ||
	    count != option.sums.count || (octets != option.sums.wire &&
	    !(option.allow_lf && octets == option.sums.stored)))
		wrong_reply("STAT", line);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void check_uidl(void)
{
	uint64_t *seen = calloc(option.sums.count + 1, sizeof *seen);
	const char *line;
	uint64_t n = 0, i;
	size_t len;

	if (seen == NULL)
		mail_die("calloc");
	next_ok();
	while (line = next_line(&len), !is_dot(line, len)) {
		const char *space = memchr(line, ' ', len);

		if (space == NULL || strtoull(line, NULL, 10) != n + 1 ||
		    n == option.sums.count)
			wrong_reply("UIDL", line);
		seen[n++] = mail_digest(MAIL_DIGEST, space,
		    (size_t)(line + len - space));
	}
	if (n != option.sums.count)
		wrong_reply("UIDL stops at", line);
	qsort(seen, n, sizeof *seen, by_value);
	for (i = 1; i < n; i++)
		if (seen[i] == seen[i - 1])
			wrong("UIDL: one UID for two messages");
	free(seen);
}

static void check_list(void)
{
	const char *line;
	uint64_t n = 0, sizes = 0;
	size_t len;

	next_ok();
	while (line = next_line(&len), !is_dot(line, len)) {
		char *end;

		if (strtoull(line, &end, 10) != ++n)
			wrong_reply("LIST", line);
		sizes += mail_mix(strtoull(end, NULL, 10));
	}
	if (n != option.sums.count || (sizes != option.sums.sizes &&
	    !(option.allow_lf && sizes == option.sums.sizes_stored)))
		wrong_reply("LIST: the sizes, before", line);
}

/* One body, its dots taken out. */
static uint64_t digest_body(uint64_t *octets)
{
	uint64_t digest = MAIL_DIGEST;
	const char *line;
	size_t len;

	next_ok();
	while (line = next_line(&len), !is_dot(line, len)) {
		if (line[0] == '.') {
			line++;
			len--;
		}
		digest = mail_digest(digest, line, len + 2);
		*octets += len + 2;
	}
	return mail_mix(digest);
}

static void check_bodies(uint64_t right, uint64_t with_blank, bool count)
{
	uint64_t n, sum = 0, octets = 0;

	for (n = 0; n < option.sums.count; n++)
		sum += digest_body(&octets);
	if (option.allow_blank && sum == with_blank)
		return;
	if (sum != right || (count && octets != option.sums.wire))
		wrong("the bodies are not the messages");
}

static void check(void)
{
	const char *raw = said + used;
	uint64_t n;

	at = said;
	if (option.work == RAW) {
		if ((uint64_t)(raw - said) != option.sums.stored)
			wrong("not the octets of the file");
		return;
	}
	for (n = option.user == NULL ? 0 : 2; n > 0; n--)
		next_ok();
	if (option.greeting)
		next_ok();
	switch (option.work) {
	case EMPTY:
	case RAW:
		break;
	case STAT:
		check_stat();
		break;
	case LIST:
	case MEM:
		check_stat();
		check_uidl();
		check_list();
		break;
	case RETR:
		check_bodies(option.sums.bodies, option.sums.bodies_blank,
		    true);
		break;
	case TOP:
		check_bodies(option.sums.tops, option.sums.tops_blank, false);
		break;
	case DELE:
		for (n = 0; n < option.sums.count; n++)
			next_ok();
		break;
	}
	next_ok();	/* QUIT */
	if (at != said + used)
		wrong_reply("more after QUIT", at);
}

/* --- the run ------------------------------------------------------------ */

struct cost {
	uint64_t cpu, wall, private;
};

static void session(struct cost *c)
{
	struct rusage before, after;
	uint64_t began = microseconds();
	struct server s;

	getrusage(RUSAGE_CHILDREN, &before);
	used = 0;
	s = start();
	if (option.work != RAW)
		begin(&s);
	if (option.work == RAW)
		while (hear(&s) > 0)
			;
	else
		talk(&s, &c->private);
	reap(&s);
	c->wall += microseconds() - began;
	getrusage(RUSAGE_CHILDREN, &after);
	c->cpu += spent(&after) - spent(&before);
	check();
}

/* A file of NAME=VALUE lines becomes the server's whole environment. */
static char **read_environment(const char *path)
{
	static char *list[256], line[4096];
	FILE *f = fopen(path, "r");
	size_t n = 0;

	if (f == NULL)
		mail_die(path);
	while (n < 255 && fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		list[n++] = strdup(line);
	}
	fclose(f);
	return list;
}

static void read_options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+a:d:e:l:n:pPs:u:x")) != -1)
		switch (c) {
		case 'a':	/* a known flaw of this server: lf, blank */
			option.allow_lf |= strcmp(optarg, "lf") == 0;
			option.allow_blank |= strcmp(optarg, "blank") == 0;
			break;
		case 'd':	/* its working directory */
			option.dir = optarg;
			break;
		case 'e':
			option.environment = read_environment(optarg);
			break;
		case 'l':	/* where its descriptor 2 goes */
			option.log = optarg;
			break;
		case 'n':	/* sessions, one after the other */
			option.times = mail_number(optarg);
			break;
		case 'P':
			option.two = true;
			/* FALLTHROUGH */
		case 'p':
			option.pin = true;
			break;
		case 's':	/* USER:PASS */
			option.user = optarg;
			option.secret = strchr(optarg, ':');
			if (option.secret == NULL)
				exit(100);
			*strchr(optarg, ':') = '\0';
			option.secret++;
			break;
		case 'u':
			option.uid = mail_number(optarg);
			break;
		case 'x':	/* it has no greeting */
			option.greeting = false;
			break;
		default:
			exit(100);
		}
}

static void read_work(int argc, char **argv)
{
	if (argc < 3)
		exit(100);
	for (option.work = EMPTY; strcmp(argv[0], works[option.work]) != 0;
	    option.work++)
		if (option.work == RAW)
			exit(100);
	mail_load(&option.sums, argv[1]);
	option.command = argv + 2;
}

/*
 * One session while another of the same server is open, on the same mailbox:
 * what the two share is not private.
 */
static void two_sessions(struct cost *c)
{
	struct server sibling = start(), s;

	begin(&sibling);
	ask(&sibling, "STAT\r\n", false);
	used = 0;
	s = start();
	begin(&s);
	talk(&s, &c->private);
	check();
	tell(&sibling, "QUIT\r\n");
	while (hear(&sibling) > 0)
		;
	close(sibling.in);
	close(sibling.out);
	reap(&s);
}

int main(int argc, char **argv)
{
	struct cost total = { 0, 0, 0 };
	uint64_t n;

	option.environment = environ;
	read_options(argc, argv);
	read_work(argc - optind, argv + optind);
	setpgid(0, 0);
	signal(SIGPIPE, SIG_IGN);
	alarm(PATIENCE);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	find_cpus();
	pin(option.two ? &first_cpu : &last_cpu);
	make_room((size_t)(option.work == RETR || option.work == RAW ?
	    option.sums.wire / 50 * 51 + option.sums.count * 100 :
	    option.sums.count * 1024) + (1 << 20));
	for (n = 0; n < option.times; n++)
		if (option.work == MEM)
			two_sessions(&total);
		else
			session(&total);
	printf("ok\t%.3f\t%.3f\t%" PRIu64 "\n",
	    (double)total.cpu / (double)option.times,
	    (double)total.wall / (double)option.times,
	    total.private / option.times);
	return 0;
}
