/*
 * test_maildir.c - the only room that opens, renames or removes anything.
 */
#include "unit.h"

#include "mail/change.h"
#include "mail/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define HOUR (INT64_C(3600) * 1000)	/* ms */

static struct maildir m;
static struct stat st;

/* A new Maildir, opened. */
static const char *opened(void)
{
	const char *box = new_maildir();

	ck_assert_int_eq(maildir_open(&m, box), 0);
	return box;
}

/* What the last scan saw. */
static struct {
	size_t count;
	char name[8][300];
	uint64_t id[8];
} seen;

static int note(void *arg, enum maildir_sub sub, const char *name, uint64_t id)
{
	ck_assert_ptr_eq(arg, &seen);
	ck_assert(sub == MAILDIR_NEW || sub == MAILDIR_CUR);
	if (seen.count < 8) {
		snprintf(seen.name[seen.count], sizeof seen.name[0], "%s",
		    name);
		seen.id[seen.count] = id;
	}
	seen.count++;
	return 0;
}

static int scan(enum maildir_sub sub)
{
	seen.count = 0;
	return maildir_scan(&m, sub, note, &seen);
}

/* The id that a scan gives a message. */
static uint64_t id_of(enum maildir_sub sub, const char *name)
{
	size_t i;

	ck_assert_int_eq(scan(sub), 0);
	for (i = 0; i < seen.count && i < 8; i++)
		if (strcmp(seen.name[i], name) == 0)
			return seen.id[i];
	ck_abort_msg("%s was not seen", name);
}

/* --- opening ------------------------------------------------------------- */

START_TEST(a_maildir_is_opened_by_its_three_directories)
{
	opened();
	ck_assert_int_ne(m.root, -1);
	ck_assert_int_ne(m.sub[MAILDIR_NEW], -1);
	ck_assert_int_ne(m.sub[MAILDIR_CUR], -1);
	ck_assert_int_eq(fcntl(m.sub[MAILDIR_NEW], F_GETFD), FD_CLOEXEC);
	maildir_close(&m);
	ck_assert_int_eq(m.root, -1);
	ck_assert_int_eq(m.sub[MAILDIR_NEW], -1);
	ck_assert_int_eq(m.sub[MAILDIR_CUR], -1);
}
END_TEST

static const char *const sub_name[] = { "new", "cur" };

START_TEST(a_missing_directory_is_an_error_and_no_empty_maildrop)
{
	const char *box = new_maildir();
	int before = dup(0);

	ck_assert_int_eq(rmdir(path_in(box, sub_name[_i])), 0);
	ck_assert_int_eq(maildir_open(&m, box), -1);
	close(before);
	ck_assert_int_eq(dup(0), before);	/* nothing was left open */
	close(before);
}
END_TEST

START_TEST(a_directory_that_is_a_link_is_refused)
{
	const char *box = new_maildir(), *other = new_maildir();

	ck_assert_int_eq(rmdir(path_in(box, sub_name[_i])), 0);
	ck_assert_int_eq(symlink(path_in(other, sub_name[_i]),
	    path_in(box, sub_name[_i])), 0);
	ck_assert_int_eq(maildir_open(&m, box), -1);
}
END_TEST

START_TEST(a_file_in_place_of_a_directory_is_refused)
{
	const char *box = new_maildir();

	ck_assert_int_eq(rmdir(path_in(box, sub_name[_i])), 0);
	put(box, sub_name[_i], "");
	ck_assert_int_eq(maildir_open(&m, box), -1);
}
END_TEST

START_TEST(the_maildir_itself_may_be_a_link)
{
	const char *box = new_maildir(), *other = new_maildir();
	const char *link = path_in(other, "link");

	ck_assert_int_eq(symlink(box, link), 0);
	ck_assert_int_eq(maildir_open(&m, link), 0);
	maildir_close(&m);
	ck_assert_int_eq(maildir_open(&m, path_in(box, "nowhere")), -1);
}
END_TEST

/* --- scanning ------------------------------------------------------------ */

START_TEST(messages_are_the_regular_files_without_a_leading_dot)
{
	const char *box = opened();
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	put(box, "new/1.a", "a");
	put(box, "new/1.\n\033\xff%n", "a");
	put(box, "new/.hidden", "a");
	put(box, "cur/2.b:2,S", "a");
	ck_assert_int_eq(symlink("1.a", path_in(box, "new/3.link")), 0);
	ck_assert_int_eq(mkfifo(path_in(box, "new/4.fifo"), 0600), 0);
	ck_assert_int_eq(mkdir(path_in(box, "new/5.directory"), 0700), 0);
	snprintf(name.sun_path, sizeof name.sun_path, "%s",
	    path_in(box, "new/6.socket"));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
	close(fd);
	ck_assert_int_eq(scan(MAILDIR_NEW), 0);
	ck_assert_uint_eq(seen.count, 2);
	ck_assert_str_eq(seen.name[strcmp(seen.name[0], "1.a") == 0 ? 0 : 1],
	    "1.a");
	ck_assert(m.told_skipped);
	ck_assert_int_eq(scan(MAILDIR_CUR), 0);
	ck_assert_uint_eq(seen.count, 1);
	ck_assert_str_eq(seen.name[0], "2.b:2,S");
	maildir_close(&m);
}
END_TEST

START_TEST(a_hidden_file_alone_is_nothing_to_tell)
{
	const char *box = opened();

	put(box, "new/.hidden", "a");
	ck_assert_int_eq(scan(MAILDIR_NEW), 0);
	ck_assert_uint_eq(seen.count, 0);
	ck_assert(!m.told_skipped);
	maildir_close(&m);
}
END_TEST

START_TEST(every_message_of_a_large_directory_is_seen_again_and_again)
{
	const char *box = opened();
	char name[64];
	unsigned i;

	for (i = 0; i < 1500; i++) {
		snprintf(name, sizeof name, "cur/%u.M%uP1.a.host.example:2,S",
		    1700000000 + i, i);
		put(box, name, "");
	}
	ck_assert_int_eq(scan(MAILDIR_CUR), 0);
	ck_assert_uint_eq(seen.count, 1500);
	ck_assert_int_eq(scan(MAILDIR_CUR), 0);		/* from the start */
	ck_assert_uint_eq(seen.count, 1500);
	maildir_close(&m);
}
END_TEST

static int stop(void *arg, enum maildir_sub sub, const char *name, uint64_t id)
{
	(void)sub, (void)name, (void)id;
	++*(int *)arg;
	return -1;
}

START_TEST(who_asks_may_stop_the_scan)
{
	const char *box = opened();
	int calls = 0;

	put(box, "new/1", "");
	put(box, "new/2", "");
	ck_assert_int_eq(maildir_scan(&m, MAILDIR_NEW, stop, &calls), -1);
	ck_assert_int_eq(calls, 1);
	maildir_close(&m);
}
END_TEST

START_TEST(a_directory_that_cannot_be_read_is_an_error_and_not_empty)
{
	const char *box = opened();

	put(box, "new/1", "");
	close(m.sub[MAILDIR_NEW]);
	m.sub[MAILDIR_NEW] = open(path_in(box, "new/1"), O_RDONLY);
	ck_assert_int_eq(scan(MAILDIR_NEW), -1);
	ck_assert_int_eq(errno, ENOTDIR);
	maildir_close(&m);
}
END_TEST

START_TEST(two_messages_have_two_identities_that_outlive_a_rename)
{
	const char *box = opened();
	uint64_t a, b;

	put(box, "new/1.a", "a");
	put(box, "new/2.b", "bb");
	a = id_of(MAILDIR_NEW, "1.a");
	b = id_of(MAILDIR_NEW, "2.b");
	ck_assert_uint_ne(a, b);
	rename_in(box, "new/1.a", "cur/1.a:2,S");
	ck_assert_uint_eq(id_of(MAILDIR_CUR, "1.a:2,S"), a);
	maildir_close(&m);
}
END_TEST

static void set_times(const char *path, time_t atime, time_t mtime)
{
	struct timespec t[2] = { { .tv_sec = atime, .tv_nsec = 5 },
		{ .tv_sec = mtime, .tv_nsec = 5 } };

	ck_assert_int_eq(utimensat(AT_FDCWD, path, t, 0), 0);
}

/* As on filesystems whose inode numbers come and go. */
START_TEST(without_steady_inodes_size_and_mtime_are_the_identity)
{
	const char *box = opened();
	uint64_t id;

	m.probed = m.by_content = true;
	put(box, "new/1.a", "aaa");
	set_times(path_in(box, "new/1.a"), 1, 1700000000);
	id = id_of(MAILDIR_NEW, "1.a");
	ck_assert(maildir_look(&m, MAILDIR_NEW, "1.a", id, &st) == 0);
	ck_assert_int_eq(unlink(path_in(box, "new/1.a")), 0);
	put(box, "new/1.a", "bbb");
	set_times(path_in(box, "new/1.a"), 1, 1700000000);
	ck_assert(maildir_look(&m, MAILDIR_NEW, "1.a", id, &st) == 0);
	set_times(path_in(box, "new/1.a"), 1, 1700000001);
	ck_assert(maildir_look(&m, MAILDIR_NEW, "1.a", id, &st) == -1);
	ck_assert_int_eq(unlink(path_in(box, "new/1.a")), 0);
	put(box, "new/1.a", "four");
	set_times(path_in(box, "new/1.a"), 1, 1700000000);
	ck_assert(maildir_look(&m, MAILDIR_NEW, "1.a", id, &st) == -1);
	ck_assert_int_eq(maildir_remove(&m, MAILDIR_UNLINK, MAILDIR_NEW,
	    "1.a", id), MAILDIR_MISSING);
	ck_assert(there(box, "new/1.a"));
	maildir_close(&m);
}
END_TEST

START_TEST(a_change_shows_in_the_times_of_the_directories)
{
	const char *box = opened();
	struct maildir_times a, b;

	settle(box);
	ck_assert_int_eq(maildir_times(&m, &a), 0);
	ck_assert_int_eq(maildir_times(&m, &b), 0);
	ck_assert(maildir_same_times(&a, &b));
	put(box, _i == 0 ? "new/1" : "cur/1", "");
	ck_assert_int_eq(maildir_times(&m, &b), 0);
	ck_assert(!maildir_same_times(&a, &b));
	maildir_close(&m);
}
END_TEST

START_TEST(times_of_twenty_milliseconds_ago_may_hide_a_change)
{
	struct maildir_times t;
	struct timespec now;

	clock_by_waits(1, NULL);	/* it stands: nobody waits here */
	clock_gettime(CLOCK_REALTIME, &now);
	t.changed[0] = t.changed[1] = now;
	ck_assert(maildir_young(&t));
	clock_ahead(MAILDIR_YOUNG + 1);
	ck_assert(!maildir_young(&t));
	t.changed[1].tv_sec += 60;		/* a clock that was set back */
	ck_assert(maildir_young(&t));
	t.changed[1].tv_sec += MAILDIR_AHEAD;	/* touch(1), or a wrong year */
	ck_assert(!maildir_young(&t));
	t.changed[1].tv_sec -= MAILDIR_AHEAD + 120;
	ck_assert(!maildir_young(&t));
	clock_gettime(CLOCK_REALTIME, &t.changed[0]);
	ck_assert(maildir_young(&t));
	/* One second before, yet a few milliseconds ago. */
	clock_gettime(CLOCK_REALTIME, &now);
	clock_ahead(1000 - now.tv_nsec / 1000000 + 5);
	clock_gettime(CLOCK_REALTIME, &now);
	t.changed[0].tv_sec = now.tv_sec - 1;
	t.changed[0].tv_nsec = 999000000;
	ck_assert(maildir_young(&t));
}
END_TEST

/* --- opening a message --------------------------------------------------- */

/* As FAT has them, and ext4 with small inodes. */
START_TEST(times_in_whole_seconds_of_two_seconds_ago_may_hide_a_change)
{
	struct maildir_times t;
	struct timespec now;

	clock_by_waits(1, NULL);
	clock_gettime(CLOCK_REALTIME, &now);
	clock_ahead(1000 - now.tv_nsec / 1000000);
	clock_gettime(CLOCK_REALTIME, &now);
	t.changed[0].tv_sec = now.tv_sec - 60;
	t.changed[1].tv_sec = now.tv_sec;
	t.changed[0].tv_nsec = t.changed[1].tv_nsec = 0;
	ck_assert_uint_gt(maildir_young(&t), MAILDIR_COARSE - 1000);
	clock_ahead(MAILDIR_COARSE - 100);
	ck_assert_uint_gt(maildir_young(&t), 0);
	ck_assert_uint_le(maildir_young(&t), 100);
	clock_ahead(101);
	ck_assert_uint_eq(maildir_young(&t), 0);
}
END_TEST

START_TEST(a_message_is_opened_for_reading)
{
	const char *box = opened();
	char text[8];
	int fd;

	put(box, "new/1.a", "mail\n");
	fd = maildir_fetch(&m, MAILDIR_NEW, "1.a", id_of(MAILDIR_NEW, "1.a"),
	    &st);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(st.st_size, 5);
	ck_assert_int_eq(read(fd, text, sizeof text), 5);
	ck_assert_mem_eq(text, "mail\n", 5);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd);
	maildir_close(&m);
}
END_TEST

static void plant_link(const char *box)
{
	put(box, "tmp/elsewhere", "a");
	ck_assert_int_eq(symlink("../tmp/elsewhere",
	    path_in(box, "new/1.a")), 0);
}

static void plant_link_to_it(const char *box)
{
	rename_in(box, "tmp/old", "tmp/same");
	ck_assert_int_eq(symlink("../tmp/same", path_in(box, "new/1.a")), 0);
}

static void plant_fifo(const char *box)
{
	ck_assert_int_eq(mkfifo(path_in(box, "new/1.a"), 0644), 0);
}

static void plant_directory(const char *box)
{
	ck_assert_int_eq(mkdir(path_in(box, "new/1.a"), 0755), 0);
}

static void plant_socket(const char *box)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(name.sun_path, sizeof name.sun_path, "%s",
	    path_in(box, "new/1.a"));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
	close(fd);
}

static void plant_other_file(const char *box)
{
	put(box, "new/1.a", "another message");
}

static void plant_nothing(const char *box)
{
	(void)box;
}

static void (*const plant[])(const char *box) = { plant_link,
	plant_link_to_it, plant_fifo, plant_directory, plant_socket,
	plant_other_file, plant_nothing };

/* The message stays, under another name, so its inode is not used again. */
static uint64_t planted(const char *box, int what)
{
	uint64_t id;

	put(box, "new/1.a", "message");
	id = id_of(MAILDIR_NEW, "1.a");
	rename_in(box, "new/1.a", "tmp/old");
	plant[what](box);
	return id;
}

START_TEST(what_took_the_place_of_a_message_is_not_opened)
{
	const char *box = opened();
	uint64_t id = planted(box, _i);

	errno = 0;
	ck_assert_int_eq(maildir_fetch(&m, MAILDIR_NEW, "1.a", id, &st), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert(maildir_look(&m, MAILDIR_NEW, "1.a", id, &st) == -1);
	maildir_close(&m);
}
END_TEST

static const enum maildir_delete way[] = { MAILDIR_UNLINK, MAILDIR_TRASH,
	MAILDIR_FLAG };

START_TEST(what_took_the_place_of_a_message_is_not_touched)
{
	const char *box = opened();
	uint64_t id = planted(box, _i);
	bool was_there = there(box, "new/1.a");
	size_t i;

	ck_assert_int_eq(maildir_open_trash(&m), 0);
	for (i = 0; i < COUNT(way); i++)
		ck_assert_int_eq(maildir_remove(&m, way[i], MAILDIR_NEW,
		    "1.a", id), MAILDIR_MISSING);
	ck_assert_int_eq(maildir_mark_seen(&m, MAILDIR_NEW, "1.a", id),
	    MAILDIR_MISSING);
	ck_assert_int_eq(there(box, "new/1.a"), was_there);
	ck_assert_uint_eq(files_in(box, "cur"), 0);
	ck_assert_uint_eq(files_in(box, ".Trash/cur"), 0);
	maildir_close(&m);
}
END_TEST

static const char *const bad_name[] = { "../cur/1.a", "./../cur/1.a",
	"../new/../cur/1.a", "sub/1.a" };

START_TEST(a_name_with_a_slash_is_refused)
{
	const char *box = opened();
	uint64_t id;

	ck_assert_int_eq(mkdir(path_in(box, "new/sub"), 0755), 0);
	put(box, "cur/1.a", "message");
	id = id_of(MAILDIR_CUR, "1.a");
	ck_assert_int_eq(link(path_in(box, "cur/1.a"),
	    path_in(box, "new/sub/1.a")), 0);
	ck_assert_int_eq(maildir_fetch(&m, MAILDIR_NEW, bad_name[_i], id, &st),
	    -1);
	ck_assert(maildir_look(&m, MAILDIR_NEW, bad_name[_i], id, &st) == -1);
	ck_assert_int_ne(maildir_remove(&m, MAILDIR_UNLINK, MAILDIR_NEW,
	    bad_name[_i], id), MAILDIR_DONE);
	ck_assert(there(box, "cur/1.a"));
	ck_assert(there(box, "new/sub/1.a"));
	maildir_close(&m);
}
END_TEST

static const char *const no_name[] = { "", ".", ".." };

START_TEST(an_empty_name_and_dots_are_refused)
{
	opened();
	ck_assert_int_eq(maildir_fetch(&m, MAILDIR_NEW, no_name[_i], 0, &st),
	    -1);
	ck_assert(maildir_look(&m, MAILDIR_NEW, no_name[_i], 0, &st) == -1);
	ck_assert_int_ne(maildir_remove(&m, MAILDIR_UNLINK, MAILDIR_NEW,
	    no_name[_i], 0), MAILDIR_DONE);
	maildir_close(&m);
}
END_TEST

static const char *box_of_child;

static const char *mode_zero(void)
{
	uint64_t id = id_of(MAILDIR_NEW, "1.a");

	NEED(!maildir_forbidden(&m, MAILDIR_NEW, "2.open"));
	NEED(!maildir_forbidden(&m, MAILDIR_NEW, "3.none"));
	if (!as_no_root())
		return NULL;
	NEED(!maildir_forbidden(&m, MAILDIR_NEW, "2.open"));
	NEED(maildir_forbidden(&m, MAILDIR_NEW, "1.a"));
	errno = 0;
	NEED(maildir_fetch(&m, MAILDIR_NEW, "1.a", id, &st) == -1);
	NEED(errno == EACCES);		/* there, so not gone */
	NEED(maildir_look(&m, MAILDIR_NEW, "1.a", id, &st) == 0);
	return NULL;
}

START_TEST(a_message_of_mode_0_is_forbidden_and_not_gone)
{
	const char *box = opened();

	put(box, "new/1.a", "message");
	put(box, "new/2.open", "message");
	ck_assert_int_eq(chmod(path_in(box, "new/1.a"), 0), 0);
	assert_in_child(mode_zero);
	maildir_close(&m);
}
END_TEST

/* --- removing ------------------------------------------------------------ */

START_TEST(unlink_removes_one_message_and_no_other)
{
	const char *box = opened();

	put(box, "new/1.a", "one");
	put(box, "new/2.b", "two");
	put(box, "cur/1.a:2,S", "three");
	ck_assert_int_eq(maildir_remove(&m, MAILDIR_UNLINK, MAILDIR_NEW,
	    "1.a", id_of(MAILDIR_NEW, "1.a")), MAILDIR_DONE);
	ck_assert(!there(box, "new/1.a"));
	ck_assert(there(box, "new/2.b"));
	ck_assert(there(box, "cur/1.a:2,S"));
	maildir_close(&m);
}
END_TEST

static const char *not_ours(void)
{
	uint64_t id = id_of(MAILDIR_NEW, "1.a");

	if (!as_no_root())
		return NULL;
	NEED(maildir_remove(&m, MAILDIR_UNLINK, MAILDIR_NEW, "1.a", id) ==
	    MAILDIR_FAILED);
	NEED(maildir_mark_seen(&m, MAILDIR_NEW, "1.a", id) == MAILDIR_FAILED);
	NEED(there(box_of_child, "new/1.a"));
	return NULL;
}

START_TEST(a_removal_that_is_not_allowed_has_failed)
{
	box_of_child = opened();
	put(box_of_child, "new/1.a", "one");
	ck_assert_int_eq(chmod(path_in(box_of_child, "new"), 0555), 0);
	assert_in_child(not_ours);
	ck_assert_int_eq(chmod(path_in(box_of_child, "new"), 0755), 0);
	maildir_close(&m);
}
END_TEST

/* Whether the file has that text. */
static bool holds(const char *box, const char *name, const char *text)
{
	char got[64];
	int fd = open(path_in(box, name), O_RDONLY);
	size_t n = fd == -1 ? 0 : drain(fd, got, sizeof got);

	close(fd);
	return fd != -1 && n == strlen(text) && memcmp(got, text, n) == 0;
}

START_TEST(the_trash_is_a_maildir_folder_and_is_made_if_missing)
{
	const char *box = opened();

	ck_assert_int_eq(maildir_open_trash(&m), 0);
	ck_assert_int_ne(m.trash, -1);
	ck_assert(there(box, ".Trash/tmp"));
	ck_assert(there(box, ".Trash/new"));
	ck_assert(there(box, ".Trash/cur"));
	ck_assert(there(box, ".Trash/maildirfolder"));
	ck_assert_int_eq(stat(path_in(box, ".Trash"), &st), 0);
	ck_assert_int_eq(st.st_mode & 077, 0);
	maildir_close(&m);
	/* and is found again */
	put(box, ".Trash/cur/kept", "kept");
	ck_assert_int_eq(maildir_open(&m, box), 0);
	ck_assert_int_eq(maildir_open_trash(&m), 0);
	ck_assert(holds(box, ".Trash/cur/kept", "kept"));
	maildir_close(&m);
}
END_TEST

START_TEST(a_trash_that_was_half_made_is_completed)
{
	const char *box = opened();

	ck_assert_int_eq(mkdir(path_in(box, ".Trash"), 0700), 0);
	ck_assert_int_eq(mkdir(path_in(box, ".Trash/tmp"), 0700), 0);
	ck_assert_int_eq(maildir_open_trash(&m), 0);
	ck_assert(there(box, ".Trash/new"));
	ck_assert(there(box, ".Trash/maildirfolder"));
	maildir_close(&m);
}
END_TEST

START_TEST(the_trash_keeps_the_message_its_name_and_its_flags)
{
	const char *box = opened();

	put(box, "cur/1.a:2,RS", "one");
	ck_assert_int_eq(maildir_open_trash(&m), 0);
	ck_assert_int_eq(maildir_remove(&m, MAILDIR_TRASH, MAILDIR_CUR,
	    "1.a:2,RS", id_of(MAILDIR_CUR, "1.a:2,RS")), MAILDIR_DONE);
	ck_assert(!there(box, "cur/1.a:2,RS"));
	ck_assert(holds(box, ".Trash/cur/1.a:2,RS", "one"));
	maildir_close(&m);
}
END_TEST

START_TEST(nothing_in_the_trash_is_overwritten)
{
	const char *box = opened();
	int i;

	ck_assert_int_eq(maildir_open_trash(&m), 0);
	put(box, ".Trash/cur/1.a:2,S", "old");
	for (i = 0; i < 2; i++) {
		put(box, "cur/1.a:2,S", i == 0 ? "one" : "two");
		ck_assert_int_eq(maildir_remove(&m, MAILDIR_TRASH, MAILDIR_CUR,
		    "1.a:2,S", id_of(MAILDIR_CUR, "1.a:2,S")), MAILDIR_DONE);
		ck_assert(!there(box, "cur/1.a:2,S"));
	}
	ck_assert(holds(box, ".Trash/cur/1.a:2,S", "old"));
	ck_assert(holds(box, ".Trash/cur/1.a~2:2,S", "one"));
	ck_assert(holds(box, ".Trash/cur/1.a~3:2,S", "two"));
	maildir_close(&m);
}
END_TEST

START_TEST(a_trash_that_is_a_link_is_not_used_and_the_message_stays)
{
	const char *box = opened(), *other = new_maildir();

	if (_i == 0) {
		ck_assert_int_eq(symlink(other, path_in(box, ".Trash")), 0);
	} else {
		ck_assert_int_eq(mkdir(path_in(box, ".Trash"), 0700), 0);
		ck_assert_int_eq(symlink(path_in(other, "cur"),
		    path_in(box, ".Trash/cur")), 0);
	}
	put(box, "new/1.a", "one");
	ck_assert_int_eq(maildir_open_trash(&m), -1);
	ck_assert_int_eq(m.trash, -1);
	ck_assert_int_eq(maildir_remove(&m, MAILDIR_TRASH, MAILDIR_NEW, "1.a",
	    id_of(MAILDIR_NEW, "1.a")), MAILDIR_FAILED);
	ck_assert(holds(box, "new/1.a", "one"));
	ck_assert_uint_eq(files_in(other, "cur"), 0);
	maildir_close(&m);
}
END_TEST

/* What a link and an unlink that were cut short have left: P-142. */
START_TEST(a_second_name_of_the_same_file_is_no_other_message)
{
	const char *box = opened();
	uint64_t id;

	put(box, "new/1.a", "one");
	id = id_of(MAILDIR_NEW, "1.a");
	ck_assert_int_eq(maildir_open_trash(&m), 0);
	ck_assert_int_eq(link(path_in(box, "new/1.a"),
	    path_in(box, _i == 0 ? ".Trash/cur/1.a" : "cur/1.a:2,S")), 0);
	if (_i == 0)
		ck_assert_int_eq(maildir_remove(&m, MAILDIR_TRASH,
		    MAILDIR_NEW, "1.a", id), MAILDIR_DONE_HERE);
	else
		ck_assert_int_eq(maildir_mark_seen(&m, MAILDIR_NEW, "1.a", id),
		    MAILDIR_DONE);
	ck_assert_uint_eq(files_in(box, "new"), 0);
	ck_assert_uint_eq(files_in(box, "cur") + files_in(box, ".Trash/cur"),
	    1);
	ck_assert(holds(box, _i == 0 ? ".Trash/cur/1.a" : "cur/1.a:2,S",
	    "one"));
	maildir_close(&m);
}
END_TEST

START_TEST(a_removal_that_leaves_other_names_of_the_file_says_so)
{
	const char *box = opened();

	put(box, "new/1.a", "one");
	ck_assert_int_eq(link(path_in(box, "new/1.a"), path_in(box,
	    "cur/1.a:2,S")), 0);
	ck_assert_int_eq(maildir_remove(&m, MAILDIR_UNLINK, MAILDIR_NEW, "1.a",
	    id_of(MAILDIR_NEW, "1.a")), MAILDIR_DONE_HERE);
	ck_assert(!there(box, "new/1.a"));
	ck_assert_int_eq(maildir_remove(&m, MAILDIR_UNLINK, MAILDIR_CUR,
	    "1.a:2,S", id_of(MAILDIR_CUR, "1.a:2,S")), MAILDIR_DONE);
	maildir_close(&m);
}
END_TEST

static const struct {
	enum maildir_sub sub;
	const char *from, *trashed, *read;	/* NULL: it cannot be done */
} flag[] = {
	{ MAILDIR_NEW, "new/1.a", "cur/1.a:2,T", "cur/1.a:2,S" },
	{ MAILDIR_CUR, "cur/1.a:2,", "cur/1.a:2,T", "cur/1.a:2,S" },
	{ MAILDIR_CUR, "cur/1.a", "cur/1.a:2,T", "cur/1.a:2,S" },
	{ MAILDIR_CUR, "cur/1.a:2,FRab", "cur/1.a:2,FRTab",
	    "cur/1.a:2,FRSab" },
	{ MAILDIR_CUR, "cur/1.a:2,ST", "cur/1.a:2,ST", "cur/1.a:2,ST" },
	{ MAILDIR_NEW, "new/1.a:2,F", "cur/1.a:2,FT", "cur/1.a:2,FS" },
	{ MAILDIR_NEW, "new/1.a:2,ST", "cur/1.a:2,ST", "cur/1.a:2,ST" },
	{ MAILDIR_CUR, "cur/1.a:1,x", NULL, NULL },
	{ MAILDIR_CUR, "cur/1.a:unknown", NULL, NULL },
	{ MAILDIR_NEW, "new/1.a:3,S", NULL, NULL },
};

static void flagged(int i, bool deleted)
{
	const char *box = opened(), *name = flag[i].from + strlen("new/");
	const char *to = deleted ? flag[i].trashed : flag[i].read;
	enum maildir_result r;
	uint64_t id;

	put(box, flag[i].from, "one");
	id = id_of(flag[i].sub, name);
	r = deleted ? maildir_remove(&m, MAILDIR_FLAG, flag[i].sub, name, id) :
	    maildir_mark_seen(&m, flag[i].sub, name, id);
	ck_assert_int_eq(r, to != NULL ? MAILDIR_DONE :
	    deleted ? MAILDIR_FAILED : MAILDIR_MISSING);
	ck_assert(holds(box, to == NULL ? flag[i].from : to, "one"));
	ck_assert_uint_eq(files_in(box, "new") + files_in(box, "cur"), 1);
	maildir_close(&m);
}

START_TEST(flag_t_is_added_and_info_that_is_unknown_is_kept)
{
	flagged(_i, true);
}
END_TEST

START_TEST(flag_s_is_added_and_info_that_is_unknown_is_kept)
{
	flagged(_i, false);
}
END_TEST

START_TEST(a_flag_overwrites_no_other_message)
{
	const char *box = opened();
	uint64_t id;

	put(box, "new/1.a", "one");
	put(box, "cur/1.a:2,S", "two");
	put(box, "cur/1.a:2,T", "three");
	id = id_of(MAILDIR_NEW, "1.a");
	ck_assert_int_eq(maildir_mark_seen(&m, MAILDIR_NEW, "1.a", id),
	    MAILDIR_FAILED);
	ck_assert_int_eq(maildir_remove(&m, MAILDIR_FLAG, MAILDIR_NEW, "1.a",
	    id), MAILDIR_FAILED);
	ck_assert(holds(box, "new/1.a", "one"));
	ck_assert(holds(box, "cur/1.a:2,S", "two"));
	ck_assert(holds(box, "cur/1.a:2,T", "three"));
	maildir_close(&m);
}
END_TEST

START_TEST(a_name_that_would_grow_too_long_stays)
{
	const char *box = opened();
	char name[256], path[300];

	memset(name, 'a', 252);
	name[252] = '\0';
	snprintf(path, sizeof path, "new/%s", name);
	put(box, path, "one");
	ck_assert_int_ne(maildir_mark_seen(&m, MAILDIR_NEW, name,
	    id_of(MAILDIR_NEW, name)), MAILDIR_DONE);
	ck_assert_int_eq(maildir_remove(&m, MAILDIR_FLAG, MAILDIR_NEW, name,
	    id_of(MAILDIR_NEW, name)), MAILDIR_FAILED);
	ck_assert(holds(box, path, "one"));
	maildir_close(&m);
}
END_TEST

START_TEST(the_directories_can_be_synced)
{
	opened();
	ck_assert_int_eq(maildir_sync(&m, MAILDIR_UNLINK), 0);
	ck_assert_int_eq(maildir_open_trash(&m), 0);
	ck_assert_int_eq(maildir_sync(&m, MAILDIR_TRASH), 0);
	close(m.sub[MAILDIR_NEW]);
	m.sub[MAILDIR_NEW] = open("/dev/null", O_RDONLY);
	ck_assert_int_eq(maildir_sync(&m, MAILDIR_UNLINK), -1);
	maildir_close(&m);
}
END_TEST

/* --- the lock ------------------------------------------------------------ */

static const char *lock_again(void)
{
	struct maildir other;
	int r;

	NEED(maildir_open(&other, m.path) == 0);
	interrupt_often();
	r = maildir_lock(&other);
	maildir_close(&other);
	NEED(r == 1);
	return NULL;
}

static const char *lock_freed(void)
{
	struct maildir other;

	NEED(maildir_open(&other, m.path) == 0);
	NEED(maildir_lock(&other) == 0);
	maildir_close(&other);
	return NULL;
}

START_TEST(the_lock_is_one_sessions_until_it_ends)
{
	opened();
	ck_assert_int_eq(maildir_lock(&m), 0);
	ck_assert_uint_eq(files_in(m.path, "."), 3);	/* no lock file */
	assert_in_child(lock_again);
	maildir_close(&m);
	assert_in_child(lock_freed);
}
END_TEST

/* --- tmp/ ---------------------------------------------------------------- */

START_TEST(a_file_in_tmp_older_than_36_hours_is_removed)
{
	const char *box = opened();

	put(box, "tmp/1.a", "half a message");
	clock_ahead(36 * HOUR - 60000);
	maildir_clean_tmp(&m);
	ck_assert(there(box, "tmp/1.a"));
	clock_ahead(62000);
	maildir_clean_tmp(&m);
	ck_assert(!there(box, "tmp/1.a"));
	maildir_close(&m);
	clock_true();
}
END_TEST

START_TEST(the_newest_of_three_times_counts)
{
	const char *box = opened();
	time_t now, old;

	put(box, "tmp/read", "");
	put(box, "tmp/written", "");
	put(box, "tmp/old", "");
	clock_ahead(100 * HOUR);
	now = time(NULL);
	old = now - 99 * 3600;
	set_times(path_in(box, "tmp/read"), now - 35 * 3600, old);
	set_times(path_in(box, "tmp/written"), old, now - 35 * 3600);
	set_times(path_in(box, "tmp/old"), old, old);
	maildir_clean_tmp(&m);
	ck_assert(there(box, "tmp/read"));
	ck_assert(there(box, "tmp/written"));
	ck_assert(!there(box, "tmp/old"));
	/* A file that got these times only now: its ctime is new. */
	clock_true();
	put(box, "tmp/changed", "");
	set_times(path_in(box, "tmp/changed"), 1, 1);
	maildir_clean_tmp(&m);
	ck_assert(there(box, "tmp/changed"));
	maildir_close(&m);
	clock_true();
}
END_TEST

START_TEST(only_regular_files_in_tmp_are_removed)
{
	const char *box = opened();

	put(box, "new/1.a", "mail");
	put(box, "cur/2.b:2,S", "mail");
	put(box, "tmp/.hidden", "");
	ck_assert_int_eq(symlink("../new/1.a", path_in(box, "tmp/link")), 0);
	ck_assert_int_eq(mkfifo(path_in(box, "tmp/fifo"), 0600), 0);
	ck_assert_int_eq(mkdir(path_in(box, "tmp/directory"), 0700), 0);
	put(box, "tmp/directory/file", "");
	put(box, "tmp/file", "");
	clock_ahead(100 * HOUR);
	maildir_clean_tmp(&m);
	ck_assert(!there(box, "tmp/file"));
	ck_assert_uint_eq(files_in(box, "tmp"), 4);
	ck_assert(there(box, "tmp/directory/file"));
	ck_assert(there(box, "new/1.a"));
	ck_assert(there(box, "cur/2.b:2,S"));
	maildir_close(&m);
	clock_true();
}
END_TEST

START_TEST(a_hundred_files_are_removed_in_one_session)
{
	const char *box = opened();
	char name[32];
	int i;

	for (i = 0; i < 150; i++) {
		snprintf(name, sizeof name, "tmp/%d", i);
		put(box, name, "");
	}
	clock_ahead(100 * HOUR);
	maildir_clean_tmp(&m);
	ck_assert_uint_eq(files_in(box, "tmp"), 50);
	maildir_clean_tmp(&m);
	ck_assert_uint_eq(files_in(box, "tmp"), 0);
	maildir_close(&m);
	clock_true();
}
END_TEST

START_TEST(a_tmp_that_is_a_link_or_missing_is_left_alone)
{
	const char *box = opened(), *other = new_maildir();

	put(other, "new/1.a", "mail");
	ck_assert_int_eq(rmdir(path_in(box, "tmp")), 0);
	clock_ahead(100 * HOUR);
	maildir_clean_tmp(&m);
	ck_assert_int_eq(symlink(path_in(other, "new"), path_in(box, "tmp")),
	    0);
	maildir_clean_tmp(&m);
	ck_assert(there(other, "new/1.a"));
	maildir_close(&m);
	clock_true();
}
END_TEST

static void removing(Suite *s)
{
	TCase *tc = unit_case(s, "removing (S-1, P-143)");

	tcase_add_test(tc, unlink_removes_one_message_and_no_other);
	tcase_add_test(tc, a_removal_that_is_not_allowed_has_failed);
	tcase_add_loop_test(tc,
	    what_took_the_place_of_a_message_is_not_touched, 0, COUNT(plant));
	tcase_add_loop_test(tc,
	    a_second_name_of_the_same_file_is_no_other_message, 0, 2);
	tcase_add_test(tc,
	    a_removal_that_leaves_other_names_of_the_file_says_so);
	tcase_add_test(tc, the_directories_can_be_synced);
	tc = unit_case(s, "trash (S-2, P-148)");
	tcase_add_test(tc,
	    the_trash_is_a_maildir_folder_and_is_made_if_missing);
	tcase_add_test(tc, a_trash_that_was_half_made_is_completed);
	tcase_add_test(tc, the_trash_keeps_the_message_its_name_and_its_flags);
	tcase_add_test(tc, nothing_in_the_trash_is_overwritten);
	tcase_add_loop_test(tc,
	    a_trash_that_is_a_link_is_not_used_and_the_message_stays, 0, 2);
	tc = unit_case(s, "flags (S-2, P-54, P-144)");
	tcase_add_loop_test(tc,
	    flag_t_is_added_and_info_that_is_unknown_is_kept, 0, COUNT(flag));
	tcase_add_loop_test(tc,
	    flag_s_is_added_and_info_that_is_unknown_is_kept, 0, COUNT(flag));
	tcase_add_test(tc, a_flag_overwrites_no_other_message);
	tcase_add_test(tc, a_name_that_would_grow_too_long_stays);
}

Suite *maildir_suite(void)
{
	Suite *s = suite_create("maildir");
	TCase *tc = unit_case(s, "opening (P-141, S-8, S-17)");

	tcase_add_test(tc, a_maildir_is_opened_by_its_three_directories);
	tcase_add_loop_test(tc,
	    a_missing_directory_is_an_error_and_no_empty_maildrop, 0, 2);
	tcase_add_loop_test(tc, a_directory_that_is_a_link_is_refused, 0, 2);
	tcase_add_loop_test(tc, a_file_in_place_of_a_directory_is_refused, 0,
	    2);
	tcase_add_test(tc, the_maildir_itself_may_be_a_link);
	tc = unit_case(s, "scanning (P-140, P-141, P-143)");
	tcase_add_test(tc,
	    messages_are_the_regular_files_without_a_leading_dot);
	tcase_add_test(tc, a_hidden_file_alone_is_nothing_to_tell);
	tcase_add_test(tc,
	    every_message_of_a_large_directory_is_seen_again_and_again);
	tcase_add_test(tc, who_asks_may_stop_the_scan);
	tcase_add_test(tc,
	    a_directory_that_cannot_be_read_is_an_error_and_not_empty);
	tcase_add_test(tc,
	    two_messages_have_two_identities_that_outlive_a_rename);
	tcase_add_test(tc,
	    without_steady_inodes_size_and_mtime_are_the_identity);
	tc = unit_case(s, "times (P-142)");
	tcase_add_loop_test(tc,
	    a_change_shows_in_the_times_of_the_directories, 0, 2);
	tcase_add_test(tc, times_of_twenty_milliseconds_ago_may_hide_a_change);
	tcase_add_test(tc,
	    times_in_whole_seconds_of_two_seconds_ago_may_hide_a_change);
	tc = unit_case(s, "opening a message (S-7, S-8, P-35)");
	tcase_add_test(tc, a_message_is_opened_for_reading);
	tcase_add_loop_test(tc,
	    what_took_the_place_of_a_message_is_not_opened, 0, COUNT(plant));
	tcase_add_loop_test(tc, a_name_with_a_slash_is_refused, 0,
	    COUNT(bad_name));
	tcase_add_loop_test(tc, an_empty_name_and_dots_are_refused, 0,
	    COUNT(no_name));
	tcase_add_test(tc, a_message_of_mode_0_is_forbidden_and_not_gone);
	removing(s);
	tc = unit_case(s, "lock (P-56)");
	tcase_add_test(tc, the_lock_is_one_sessions_until_it_ends);
	tc = unit_case(s, "cleaning tmp/ (P-146)");
	tcase_add_test(tc, a_file_in_tmp_older_than_36_hours_is_removed);
	tcase_add_test(tc, the_newest_of_three_times_counts);
	tcase_add_test(tc, only_regular_files_in_tmp_are_removed);
	tcase_add_test(tc, a_hundred_files_are_removed_in_one_session);
	tcase_add_test(tc, a_tmp_that_is_a_link_or_missing_is_left_alone);
	return s;
}
