/*
 * mailbox.c - makes a Maildir of generated messages, the same each time.
 *
 *	mailbox MAILDIR SUMS COUNT plain|sized OCTETS UID
 *	mailbox --one FILE SUMS SUMS-AFTER
 *
 * The messages have about OCTETS octets each, a tenth to two times that; one
 * of 64 KiB and more has exactly that size.  They lie in cur/, with the flag
 * S, so that no server has a reason to rename one.  plain: names as most
 * deliverers make them; sized: with ,S= and ,W=.  --one makes one message
 * more, to be delivered, and the sums with it.
 */
#include "mail.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGE 65536

static uint64_t state = UINT64_C(0x706f7033);	/* the seed */

static uint64_t random_below(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state * UINT64_C(0x2545f4914f6cdd1d) >> 20) % n;
}

static char *message;
static size_t used, room;

static void add(const char *octets, size_t len)
{
	if (used + len > room) {
		room = (used + len) * 2;
		message = realloc(message, room);
		if (message == NULL)
			mail_die("realloc");
	}
	memcpy(message + used, octets, len);
	used += len;
}

static void add_header(uint64_t n)
{
	char text[1024];
	int len = snprintf(text, sizeof text,
	    "Return-Path: <sender%" PRIu64 "@example.org>\n"
	    "Received: from relay.example.org (relay.example.org "
	    "[192.0.2.%" PRIu64 "])\n"
	    "\tby mx.example.com with ESMTPS id %016" PRIx64 "\n"
	    "\tfor <bench@example.com>; Mon, 2 Mar 2026 10:11:12 +0100\n"
	    "Message-ID: <%" PRIu64 ".%016" PRIx64 "@example.org>\n"
	    "From: Sender %" PRIu64 " <sender%" PRIu64 "@example.org>\n"
	    "To: bench@example.com\n"
	    "Subject: generated message %" PRIu64 "\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=us-ascii\n"
	    "\n", n % 97, n % 254, mail_mix(n), n, mail_mix(n + 1), n % 97,
	    n % 97, n);

	add(text, (size_t)len);
}

/* One line of the body; one in 40 begins with a dot, one in 12 is empty. */
static void add_line(size_t most)
{
	static const char letters[] = "etaoin shrdlu etaoin shrdlu cmfwyp "
	    "vbgkqj xz etaoin shrdlu ETAOIN ";
	char line[80];
	size_t len = random_below(12) == 0 ? 0 : 40 + random_below(37), i;

	if (len > most)
		len = most;
	for (i = 0; i < len; i++)
		line[i] = letters[random_below(64)];
	if (len > 0 && random_below(40) == 0)
		line[0] = '.';
	line[len] = '\n';
	add(line, len + 1);
}

static void write_message(uint64_t n, uint64_t octets)
{
	uint64_t target = octets >= LARGE ? octets :
	    octets / 10 + random_below(octets * 2);

	used = 0;
	add_header(n);
	while (used < target)
		add_line(target - used - 1);
}

static void save(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	size_t done = 0;

	if (fd == -1)
		mail_die(path);
	while (done < used) {
		ssize_t w = write(fd, message + done, used - done);

		if (w == -1)
			mail_die(path);
		done += (size_t)w;
	}
	if (close(fd) == -1)
		mail_die(path);
}

static void own(const char *path, uint64_t uid)
{
	if (geteuid() == 0 && lchown(path, (uid_t)uid, (gid_t)uid) == -1)
		mail_die(path);
}

static void folder(const char *path, uint64_t uid)
{
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		mail_die(path);
	own(path, uid);
}

static void name(char *path, size_t size, const char *maildir, uint64_t n,
    bool sized, uint64_t wire)
{
	char fields[64] = "";

	if (sized)
		snprintf(fields, sizeof fields, ",S=%zu,W=%" PRIu64, used,
		    wire);
	if ((size_t)snprintf(path, size, "%s/cur/%" PRIu64 ".M%" PRIu64
	    "P%" PRIu64 ".mx.example.com%s:2,S", maildir,
	    UINT64_C(1700000000) + n * 61, mail_mix(n) % 1000000,
	    1000 + mail_mix(n + 7) % 30000, fields) >= size) {
		errno = ENAMETOOLONG;
		mail_die(maildir);
	}
}

static void one(char **argv)
{
	struct mail_sums sums;

	mail_load(&sums, argv[2]);
	write_message(sums.count, 3000);
	save(argv[1]);
	mail_add(&sums, message, used);
	mail_save(&sums, argv[3]);
}

int main(int argc, char **argv)
{
	static const char *const subs[] = { "", "/tmp", "/new", "/cur" };
	struct mail_sums sums;
	char path[4096];
	uint64_t count, octets, uid, n;
	bool sized;
	size_t i;

	if (argc == 5 && strcmp(argv[1], "--one") == 0) {
		one(argv + 1);
		return 0;
	}
	if (argc != 7)
		return 100;
	memset(&sums, 0, sizeof sums);
	count = mail_number(argv[3]);
	sized = strcmp(argv[4], "sized") == 0;
	octets = mail_number(argv[5]);
	uid = mail_number(argv[6]);
	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "%s%s", argv[1], subs[i]);
		folder(path, uid);
	}
	for (n = 0; n < count; n++) {
		uint64_t before = sums.wire;

		write_message(n, octets);
		mail_add(&sums, message, used);
		name(path, sizeof path, argv[1], n, sized,
		    sums.wire - before);
		save(path);
		own(path, uid);
	}
	mail_save(&sums, argv[2]);
	free(message);
	return 0;
}
