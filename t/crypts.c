/*
 * crypts.c - counts the calls of crypt(3), for t/login-work.t.
 *
 * A library that stands before libcrypt by LD_PRELOAD and passes every call
 * on.  Of each it adds a line to the file that $CRYPTS names: the process, the
 * octets of the phrase (not the phrase), whether a hash came out, and the
 * setting up to its last "$", which has the method, the cost and the salt.
 * The first line, "loaded", says that it stands there at all.
 *
 * It opens the file for each line: the program closes what it did not open
 * itself (S-12).
 */
#define _GNU_SOURCE
#include <crypt.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add(const char *line, int len)
{
	const char *path = getenv("CRYPTS");
	int fd = path == NULL ? -1 : open(path, O_WRONLY | O_APPEND);

	/* A line too few would be taken for work that was not done. */
	if (fd == -1 || write(fd, line, (size_t)len) != len)
		abort();
	close(fd);
}

__attribute__((constructor)) static void loaded(void)
{
	add("loaded\n", 7);
}

static char *note(const char *phrase, const char *setting, char *hash)
{
	const char *end = strrchr(setting, '$');
	char line[512];
	int len = snprintf(line, sizeof line, "%d %zu %s %.*s\n",
	    (int)getpid(), strlen(phrase),
	    hash == NULL || hash[0] == '*' ? "nothing" : "hash",
	    end == NULL ? 0 : (int)(end + 1 - setting), setting);

	add(line, len);
	return hash;
}

/* What stands behind us; the cast of a pointer that ISO C does not know. */
static void *next(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (found == NULL)
		abort();
	return found;
}

char *crypt(const char *phrase, const char *setting)
{
	char *(*f)(const char *, const char *);

	*(void **)&f = next("crypt");
	return note(phrase, setting, f(phrase, setting));
}

char *crypt_r(const char *phrase, const char *setting, struct crypt_data *data)
{
	char *(*f)(const char *, const char *, struct crypt_data *);

	*(void **)&f = next("crypt_r");
	return note(phrase, setting, f(phrase, setting, data));
}

char *crypt_rn(const char *phrase, const char *setting, void *data, int size)
{
	char *(*f)(const char *, const char *, void *, int);

	*(void **)&f = next("crypt_rn");
	return note(phrase, setting, f(phrase, setting, data, size));
}

char *crypt_ra(const char *phrase, const char *setting, void **data, int *size)
{
	char *(*f)(const char *, const char *, void **, int *);

	*(void **)&f = next("crypt_ra");
	return note(phrase, setting, f(phrase, setting, data, size));
}
