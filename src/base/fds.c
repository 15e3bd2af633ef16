/*
 * fds.c - the descriptors a process starts with (S-12).
 *
 * Runs as: whoever the launcher chose.
 * Trusts:  nobody to have closed what it opened.
 */
#include "base/fds.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

int fds_check(void)
{
	if (fcntl(0, F_GETFD) == -1 || fcntl(1, F_GETFD) == -1)
		return -1;
	if (fcntl(2, F_GETFD) == -1 && open("/dev/null", O_RDWR) != 2)
		return -1;
	return 0;
}

/* The lowest of them from from on. */
static int next_kept(const int *keep, size_t n, int from)
{
	int next = INT_MAX;

	for (; n > 0; n--, keep++)
		if (*keep >= from && *keep < next)
			next = *keep;
	return next;
}

void fds_close_but(const int *keep, size_t n)
{
	int from = 3, next;

	for (;;) {
		next = next_kept(keep, n, from);
		/* Old kernels lack the call: nothing is lost. */
		if (next > from)
			syscall(SYS_close_range, (unsigned)from,
			    next == INT_MAX ? ~0U : (unsigned)(next - 1), 0U);
		if (next == INT_MAX)
			return;
		from = next + 1;
	}
}
