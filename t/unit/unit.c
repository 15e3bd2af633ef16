/*
 * unit.c - runs all unit tests: TAP on stdout.
 *
 * libcheck's own variables choose: CK_RUN_SUITE=crlf, CK_RUN_CASE, CK_FORK=no
 * for valgrind and debuggers.
 */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 60	/* seconds for one test, on a slow machine */

static char home[256];	/* where the Maildirs are */

/* With --coverage a process that ends by _exit() must write what it counted. */
extern void __gcov_dump(void) __attribute__((weak));

/* --- the clock ----------------------------------------------------------- */

static int64_t ahead;			/* ns */
static bool stands;			/* see clock_by_waits() */
static int64_t stands_at[2];		/* CLOCK_REALTIME and the others */
static int wait_step;
static int (*wait_meanwhile)(void);
int poll_longest;

static int64_t true_clock(clockid_t id)
{
	struct timespec t;

	syscall(SYS_clock_gettime, id, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t our_clock(clockid_t id)
{
	return ahead + (stands ? stands_at[id != CLOCK_REALTIME] :
	    true_clock(id));
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	int64_t now = our_clock(id);

	t->tv_sec = now / 1000000000;
	t->tv_nsec = now % 1000000000;
	return 0;
}

time_t time(time_t *t)
{
	time_t now = our_clock(CLOCK_REALTIME) / 1000000000;

	if (t != NULL)
		*t = now;
	return now;
}

void clock_ahead(int64_t milliseconds)
{
	ahead += milliseconds * 1000000;
}

void clock_by_waits(int step, int (*meanwhile)(void))
{
	if (!stands) {
		stands_at[0] = true_clock(CLOCK_REALTIME);
		stands_at[1] = true_clock(CLOCK_MONOTONIC);
	}
	stands = true;
	wait_step = step;
	wait_meanwhile = meanwhile;
}

void clock_true(void)
{
	ahead = 0;
	stands = false;
}

static int poll_true(struct pollfd *fds, nfds_t n, int ms)
{
	struct timespec t = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L };

	return ppoll(fds, n, ms < 0 ? NULL : &t, NULL);
}

int poll(struct pollfd *fds, nfds_t n, int ms)
{
	int found;

	if (ms > poll_longest)
		poll_longest = ms;
	if (!stands)
		return poll_true(fds, n, ms);
	while ((found = poll_true(fds, n, 0)) == 0 && ms != 0) {
		int step = ms > 0 && ms < wait_step ? ms : wait_step;

		clock_ahead(step);
		if (ms > 0)
			ms -= step;
		if (wait_meanwhile != NULL && wait_meanwhile() == -1) {
			errno = EINTR;
			return -1;
		}
	}
	return found;
}

/* --- descriptors and processes ------------------------------------------- */

int holding_octets(const void *octets, size_t len)
{
	int fd = memfd_create("octets", MFD_CLOEXEC);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, octets, len), (ssize_t)len);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

int holding(const char *text)
{
	return holding_octets(text, strlen(text));
}

size_t drain(int fd, char *buf, size_t room)
{
	size_t used = 0;
	ssize_t n;

	while (used < room && (n = read(fd, buf + used, room - used)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			break;
		used += (size_t)n;
	}
	return used;
}

const char *in_child(const char *(*f)(void))
{
	static char why[512];
	int status, end[2];
	size_t len;
	pid_t pid;

	ck_assert_int_eq(pipe(end), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		const char *text;
		ssize_t n;

		/*
		 * fork(2) took the alarm away, and idle.c, which may have set
		 * it in a test before this one, sets it once a second.
		 */
		clock_ahead(2000);
		text = f();
		n = text == NULL ? 0 : write(end[1], text, strlen(text));

		if (__gcov_dump != NULL)
			__gcov_dump();
		_exit(n == -1);
	}
	close(end[1]);
	len = drain(end[0], why, sizeof why - 1);
	why[len] = '\0';
	close(end[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (len == 0 && status != 0)
		snprintf(why, sizeof why, "the process ended with status "
		    "0x%x", (unsigned)status);
	return why[0] == '\0' ? NULL : why;
}

static void interrupted(int sig)
{
	(void)sig;
}

void interrupt_often(void)
{
	struct itimerval often = { { .tv_usec = 5000 }, { .tv_usec = 5000 } };
	struct sigaction sa = { .sa_handler = interrupted };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

bool as_no_root(void)
{
	const uid_t nobody = 65534;

	if (geteuid() != 0)
		return true;
	if (setgroups(0, NULL) == 0 && setresgid(nobody, nobody, nobody) == 0 &&
	    setresuid(nobody, nobody, nobody) == 0)
		return true;
	fprintf(stderr, "# not shown: root cannot become another user\n");
	return false;
}

/* Xorshift, by George Marsaglia (Journal of Statistical Software 8, 2003). */
uint32_t dice(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* --- Maildirs ------------------------------------------------------------ */

const char *path_in(const char *box, const char *name)
{
	static char path[4][1024];
	static unsigned next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof path[0], "%s/%s", box, name);
	return p;
}

/* Open to others: some tests look at it as another user. */
void (*before_scan)(unsigned n);
unsigned scans;

off_t lseek(int fd, off_t offset, int whence)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		if (before_scan != NULL)
			before_scan(scans);
		scans++;
	}
	return (off_t)syscall(SYS_lseek, fd, offset, whence);
}

const char *new_maildir(void)
{
	static const char *const sub[] = { "tmp", "new", "cur" };
	static char box[4][280];
	static unsigned next;
	char *b = box[next++ % 4];
	size_t i;

	snprintf(b, sizeof box[0], "%s/XXXXXX", home);
	ck_assert_ptr_nonnull(mkdtemp(b));
	ck_assert_int_eq(chmod(b, 0755), 0);
	for (i = 0; i < COUNT(sub); i++)
		ck_assert_int_eq(mkdir(path_in(b, sub[i]), 0755), 0);
	return b;
}

void put_octets(const char *box, const char *name, const void *octets,
    size_t len)
{
	int fd = open(path_in(box, name), O_WRONLY | O_CREAT | O_EXCL, 0644);

	ck_assert_msg(fd != -1, "cannot make %s: %s", name, strerror(errno));
	ck_assert_int_eq(write(fd, octets, len), (ssize_t)len);
	close(fd);
}

void put(const char *box, const char *name, const char *text)
{
	put_octets(box, name, text, strlen(text));
}

void rename_in(const char *box, const char *from, const char *to)
{
	ck_assert_int_eq(rename(path_in(box, from), path_in(box, to)), 0);
}

bool there(const char *box, const char *name)
{
	struct stat st;

	return lstat(path_in(box, name), &st) == 0;
}

size_t files_in(const char *box, const char *sub)
{
	DIR *dir = opendir(path_in(box, sub));
	struct dirent *e;
	size_t n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((e = readdir(dir)) != NULL)
		n += strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0;
	closedir(dir);
	return n;
}

static void set_times(const char *box, time_t from_now)
{
	static const char *const sub[] = { "new", "cur" };
	struct timespec t[2];
	size_t i;

	clock_gettime(CLOCK_REALTIME, &t[0]);
	t[0].tv_sec += from_now;
	t[1] = t[0];
	for (i = 0; i < COUNT(sub); i++)
		ck_assert_int_eq(utimensat(AT_FDCWD, path_in(box, sub[i]), t,
		    0), 0);
}

void settle(const char *box)
{
	set_times(box, -60);
}

void unsettle(const char *box)
{
	set_times(box, 10);
}

static int remove_one(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* --- all of them --------------------------------------------------------- */

TCase *unit_case(Suite *s, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, PATIENCE);
	/* Without fork() a test leaves the clock to the next one. */
	tcase_add_checked_fixture(tc, clock_true, clock_true);
	suite_add_tcase(s, tc);
	return tc;
}

int main(void)
{
	static Suite *(*const suite[])(void) = {
		num_suite, crlf_suite, idle_suite, log_suite, sha256_suite,
		line_suite, reply_suite, handover_suite, peer_suite,
		name_suite, order_suite, uidl_suite, size_suite,
		maildir_suite, maildrop_suite, sizecache_suite, visit_suite,
		config_suite, cmd_suite,
		sandbox_suite, proxy_suite, stls_suite, sasl_suite,
		apop_suite, scheme_suite, template_suite, auth_file_suite,
		auth_pam_suite, md5_suite, texts_suite, match_suite,
		old_suite, courier_suite, dovecot_suite, uidlfmt_suite,
		xuidl_suite, known_suite, users_suite, mailbox_suite,
		fds_suite, finding_suite, quota_suite, uidlfile_suite,
	};
	const char *tmp = getenv("TMPDIR");
	SRunner *sr = srunner_create(NULL);
	int failed;
	size_t i;

	snprintf(home, sizeof home, "%s/unit-XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(home) == NULL || chmod(home, 0755) == -1) {
		printf("Bail out! cannot make %s: %s\n", home,
		    strerror(errno));
		return 1;
	}
	for (i = 0; i < COUNT(suite); i++)
		srunner_add_suite(sr, suite[i]());
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	nftw(home, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return failed != 0;
}
