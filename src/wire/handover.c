/*
 * handover.c - has the other side taken it, and the lingering close.
 *
 * What a kernel tells: TCP counts what the peer has not acknowledged
 * (SIOCOUTQ), a pipe what its reader has not read (FIONREAD), AF_UNIX the
 * memory that waits, so there only 0 says anything.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  the kernel.  Acknowledged is not stored: see DESIGN.
 */
#include "wire/handover.h"

#include "base/idle.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MS UINT64_C(1000000)		/* ns */
#define STANDSTILL (30000 * MS)		/* without one octet moving */
#define FIRST_PAUSE 5			/* ms; doubled up to LAST_PAUSE */
#define LAST_PAUSE 200
#define ANSWER (30000 * MS)
#define LINGER (2000 * MS)

enum kind { TCP, UNIX, PIPE, OTHER };

static enum kind kind_of(int fd)
{
	int domain;
	socklen_t len = sizeof domain;
	struct stat st;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0)
		return domain == AF_INET || domain == AF_INET6 ? TCP :
		    domain == AF_UNIX ? UNIX : OTHER;
	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) ? PIPE : OTHER;
}

/* Octets, of AF_UNIX memory, that the other side has not taken. */
static int queued(int fd, enum kind kind, uint64_t *octets)
{
	int n;

	if (kind == OTHER || ioctl(fd, kind == PIPE ? FIONREAD : SIOCOUTQ,
	    &n) == -1 || n < 0)
		return -1;
	*octets = (uint64_t)n;
	return 0;
}

/* Looks without taking anything away: SO_ERROR would say it only once. */
static bool shows(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & events) != 0;
}

bool handover_gone(int fd)
{
	return shows(fd, POLLERR | POLLHUP | POLLNVAL);
}

static bool arrived(int fd, enum kind kind, uint64_t queue, uint64_t accepted,
    uint64_t mark)
{
	if (kind == UNIX)	/* a peer that closed leaves 0 and an error */
		return queue == 0 && !shows(fd, POLLERR);
	return queue <= accepted && accepted - queue >= mark;
}

/* One look; *queue is what waits, for the caller to see progress by. */
static enum handover look(int fd, enum kind kind, uint64_t accepted,
    uint64_t mark, uint64_t *queue)
{
	if (mark == 0)
		return HANDOVER_YES;
	if (accepted < mark)
		return HANDOVER_NO;
	if (queued(fd, kind, queue) == -1)
		return HANDOVER_UNKNOWN;
	return arrived(fd, kind, *queue, accepted, mark) ? HANDOVER_YES :
	    HANDOVER_NO;
}

bool handover_counts(int fd)
{
	return kind_of(fd) != UNIX;
}

enum handover handover_now(int fd, uint64_t accepted, uint64_t mark)
{
	uint64_t queue;
	enum handover h = look(fd, kind_of(fd), accepted, mark, &queue);

	return h == HANDOVER_NO && accepted >= mark && !handover_gone(fd) ?
	    HANDOVER_UNKNOWN : h;
}

enum handover handover_wait(int fd, uint64_t accepted, uint64_t mark)
{
	enum kind kind = kind_of(fd);
	uint64_t queue, least = UINT64_MAX, moved = idle_clock();
	unsigned pause = FIRST_PAUSE;

	for (;;) {
		/* Dead first: what arrived before it died still counts. */
		bool over = accepted < mark || handover_gone(fd);
		enum handover h = look(fd, kind, accepted, mark, &queue);

		if (h != HANDOVER_NO)
			return h;
		if (over)
			return HANDOVER_NO;
		switch (idle_ask()) {
		case IDLE_EXPIRED:
			return HANDOVER_EXPIRED;
		case IDLE_SIGNAL:
			return HANDOVER_SIGNAL;
		case IDLE_GO_ON:
			break;
		}
		if (queue < least) {
			least = queue;
			moved = idle_clock();
		} else if (idle_clock() - moved > STANDSTILL) {
			return HANDOVER_NO;
		}
		idle_sleep(pause);
		pause = pause * 2 < LAST_PAUSE ? pause * 2 : LAST_PAUSE;
	}
}

/* Waits for events, but not beyond end; false: the time is over. */
static bool wait_until(int fd, short events, uint64_t end)
{
	uint64_t now;

	while ((now = idle_clock()) < end) {
		struct pollfd p = { .fd = fd, .events = events };
		int n = poll(&p, 1, (int)((end - now) / MS) + 1);

		if (n == 1)
			return true;
		if (n == -1 && errno != EINTR)
			return false;
	}
	return false;
}

int handover_say(int fd, const char *text, size_t len)
{
	uint64_t end = idle_clock() + ANSWER;

	while (len > 0) {
		ssize_t n;

		if (!wait_until(fd, POLLOUT, end))
			return -1;
		n = write(fd, text, len);
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		} else if (n == -1 && errno != EINTR && errno != EAGAIN) {
			return -1;
		}
	}
	return 0;
}

void handover_close(int in, int out)
{
	uint64_t end = idle_clock() + LINGER;
	char junk[4096];
	ssize_t n;

	if (shutdown(out, SHUT_WR) == -1)
		return;
	do {
		if (!wait_until(in, POLLIN, end))
			return;
		n = read(in, junk, sizeof junk);
	} while (n > 0 || (n == -1 && (errno == EINTR || errno == EAGAIN)));
}
