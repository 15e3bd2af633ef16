/*
 * nomem.c - to be preloaded: an allocation fails.
 *
 * NOMEM_AT=N: the Nth one since main() began, which calls umask() first;
 * NOMEM_ALL: all that follow, too.  Says "nomem" on descriptor 2 then.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* glibc's own: to look them up could need memory. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

static unsigned long left;	/* until one fails; 0: none will */
static int all;

mode_t umask(mode_t mask)
{
	const char *at = getenv("NOMEM_AT");

	left = at == NULL ? 0 : strtoul(at, NULL, 10);
	all = getenv("NOMEM_ALL") != NULL;
	return (mode_t)syscall(SYS_umask, mask);
}

static int fails(void)
{
	if (left == 0 || --left > 0)
		return 0;
	left = all ? 1 : 0;
	if (write(2, "nomem\n", 6) == -1)
		left = 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
	return fails() ? NULL : __libc_realloc(block, size);
}
