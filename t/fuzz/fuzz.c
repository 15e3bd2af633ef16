/* fuzz.c - what the fuzzers share. */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static uint64_t cases, octets;
static unsigned shortness;
static int free_before;		/* the lowest descriptor */

/* The engine's own alarm must stay: ours would end the hunt. */
unsigned alarm(unsigned seconds)
{
	(void)seconds;
	return 0;
}

static void tell(void)
{
	fprintf(stderr, "fuzz: %ju cases, %ju octets\n", (uintmax_t)cases,
	    (uintmax_t)octets);
}

static int lowest_free(void)
{
	int fd = open("/dev/null", O_RDONLY);

	close(fd);
	return fd;
}

void fuzz_count(size_t len)
{
	free_before = lowest_free();
	if (cases++ == 0)
		atexit(tell);
	octets += len;
}

void fuzz_must(bool ok, const char *what, const char *file, int line)
{
	if (ok)
		return;
	fprintf(stderr, "%s:%d: wrong: %s (errno: %s)\n", file, line, what,
	    strerror(errno));
	abort();
}

static int drop(const char *path, const struct stat *st, int kind,
    struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static void remove_folder(void)
{
	nftw(folder, drop, 8, FTW_DEPTH | FTW_PHYS);
}

void fuzz_folder(void)
{
	strcpy(folder, "/dev/shm/maildir-pop3d.XXXXXX");
	if (mkdtemp(folder) == NULL) {
		strcpy(folder, "/tmp/maildir-pop3d.XXXXXX");
		must(mkdtemp(folder) != NULL, "a folder can be made");
	}
	atexit(remove_folder);
	must(chdir(folder) == 0, "one can go there");
}

void fuzz_write(const char *path, const void *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	must(fd != -1 && pwrite(fd, text, len, 0) == (ssize_t)len &&
	    close(fd) == 0, path);
}

int fuzz_file(const void *text, size_t len)
{
	int fd = memfd_create("fuzz", 0);

	must(fd != -1 && pwrite(fd, text, len, 0) == (ssize_t)len,
	    "a file in memory");
	return fd;
}

char *fuzz_read(int fd, size_t *len)
{
	struct stat st;
	char *text;

	must(fstat(fd, &st) == 0, "fstat");
	*len = (size_t)st.st_size;
	text = malloc(*len + 1);
	must(text != NULL && pread(fd, text, *len, 0) == (ssize_t)*len,
	    "what was written can be read");
	text[*len] = '\0';
	return text;
}

/*
 * The engine opens some too, in a thread of its own: they do not stay.  In the
 * first case the fuzzer opens what it keeps.
 */
void fuzz_descriptors(void)
{
	int tries;

	for (tries = 0; lowest_free() > free_before && tries < 200; tries++)
		poll(NULL, 0, 5);
	must(cases == 1 || tries < 200, "a descriptor was left open");
}

/* --- short counts ------------------------------------------------------- */

void fuzz_short(unsigned seed)
{
	shortness = seed;
}

/* Files only: a record on a socket is whole or not there. */
static size_t shorten(int fd, size_t count)
{
	if (shortness == 0 || count < 2 || lseek(fd, 0, SEEK_CUR) == -1)
		return count;
	shortness = shortness * 1103515245 + 12345;
	if ((shortness & 0x800) != 0 && count > 7)
		count = 7;
	return 1 + (shortness >> 16) % count;
}

ssize_t __real_read(int fd, void *buf, size_t count);
ssize_t __wrap_read(int fd, void *buf, size_t count);
ssize_t __wrap_read(int fd, void *buf, size_t count)
{
	return __real_read(fd, buf, shorten(fd, count));
}

ssize_t __real_write(int fd, const void *buf, size_t count);
ssize_t __wrap_write(int fd, const void *buf, size_t count);
ssize_t __wrap_write(int fd, const void *buf, size_t count)
{
	return __real_write(fd, buf, shorten(fd, count));
}
