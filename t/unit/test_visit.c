/*
 * test_visit.c - what one visit leaves for the next.
 *
 * Filesystems whose clocks are coarse are played: what happens in a directory
 * sets its mtime to a time cut down to some seconds, and fstat(2), which is
 * the tests' own here, says that its ctime is the same.
 */
#include "unit.h"

#include "mail/maildrop.h"
#include "mail/name.h"
#include "mail/size.h"
#include "mail/visit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

static struct maildir m;
static struct maildrop d;
static struct visit v;
static const char *box;

static int64_t coarse;		/* ns; 0: times are as they are */
static long filesystem;		/* what fstatfs(2) says */

int fstat(int fd, struct stat *st)
{
	int r = fstatat(fd, "", st, AT_EMPTY_PATH);

	if (r == 0 && coarse != 0 && S_ISDIR(st->st_mode))
		st->st_ctim = st->st_mtim;
	return r;
}

int fstatfs(int fd, struct statfs *fs)
{
	int r = (int)syscall(SYS_fstatfs, fd, fs);

	if (filesystem != 0)
		fs->f_type = filesystem;
	return r;
}

static void begin(void)
{
	box = new_maildir();
	before_scan = NULL;
	coarse = 0;
	filesystem = EXT4_SUPER_MAGIC;
	scans = 0;
}

static void leave(void)
{
	visit_end(&v);
	maildrop_free(&d);
	maildir_close(&m);
}

static void end(void)
{
	before_scan = NULL;
	coarse = filesystem = 0;
}

static void enter_as(bool hidden, bool keep)
{
	scans = 0;
	ck_assert_int_eq(maildir_open(&m, box), 0);
	ck_assert_int_eq(visit_begin(&v, &d, &m, hidden, keep), 0);
}

static void enter(void)
{
	enter_as(false, true);
}

static void size_all(void)
{
	size_t i;

	ck_assert_int_eq(visit_list(&v), 0);
	for (i = 0; i < d.count; i++)
		if (d.list[i].octets == SIZE_UNKNOWN) {
			ck_assert_int_eq(maildrop_size(&d, &d.list[i]), 0);
			visit_learnt(&v);
		}
}

/* A whole visit that asks for every size. */
static void visit(void)
{
	enter();
	size_all();
	leave();
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

static void set_time(const char *name, int64_t when)
{
	const struct timespec t[2] = {
		{ when / SECOND, when % SECOND }, { when / SECOND, when % SECOND }
	};

	ck_assert_int_eq(utimensat(AT_FDCWD, path_in(box, name), t, 0), 0);
}

static bool kept(void)
{
	return there(box, SIZECACHE_NAME);
}

/* The time from which on what it says can be trusted. */
static int64_t kept_since(void)
{
	struct stat st;

	ck_assert_int_eq(stat(path_in(box, SIZECACHE_NAME), &st), 0);
	return (int64_t)st.st_mtim.tv_sec * SECOND + st.st_mtim.tv_nsec;
}

static void three_messages(void)
{
	put(box, "new/1.a", "one\n");
	put(box, "cur/2.b:2,S", "two two\n");
	put(box, "new/3.c", "three");
}

/* --- nothing has changed -------------------------------------------------- */

START_TEST(directories_at_rest_are_not_read_again)
{
	three_messages();
	settle(box);
	visit();
	ck_assert(kept());
	enter();
	ck_assert_uint_eq(scans, 0);
	ck_assert_ptr_null(d.list);
	ck_assert_uint_eq(maildrop_totals(&d).count, 3);
	ck_assert_uint_eq(maildrop_totals(&d).octets, 5 + 9 + 7);
	ck_assert(maildrop_totals(&d).known);
	ck_assert_int_eq(visit_list(&v), 0);
	ck_assert_uint_eq(scans, 0);
	ck_assert_uint_eq(d.count, 3);
	ck_assert_str_eq(maildrop_name(&d, &d.list[1]), "2.b:2,S");
	ck_assert_uint_eq(d.list[2].octets, 7);
	ck_assert_uint_eq(maildrop_totals(&d).octets, 5 + 9 + 7);
	leave();
}
END_TEST

START_TEST(without_a_cache_none_is_read_and_none_written)
{
	three_messages();
	settle(box);
	enter_as(false, false);
	size_all();
	leave();
	ck_assert(!kept());
	visit();
	enter_as(false, false);
	ck_assert_uint_eq(scans, 2);
	ck_assert_uint_eq(d.list[0].octets, SIZE_UNKNOWN);
	leave();
}
END_TEST

START_TEST(on_a_filesystem_nobody_knows_they_are_always_read)
{
	three_messages();
	settle(box);
	visit();
	filesystem = NFS_SUPER_MAGIC;
	enter();
	ck_assert_uint_eq(scans, 2);
	ck_assert_uint_eq(d.list[0].octets, 5);	/* sizes are known all the same */
	leave();
}
END_TEST

START_TEST(a_visit_that_found_it_right_but_too_young_makes_it_older)
{
	int64_t since;

	three_messages();
	clock_ahead(100);
	visit();
	since = kept_since();
	enter();
	ck_assert_uint_ge(scans, 2);	/* too young */
	leave();
	ck_assert_int_eq(kept_since(), since);	/* still is */
	clock_ahead(5000);
	enter();
	ck_assert_uint_eq(scans, 2);
	leave();
	ck_assert_int_gt(kept_since(), since + 4 * SECOND);
	enter();
	ck_assert_uint_eq(scans, 0);
	leave();
}
END_TEST

/* Only the directory that has changed is read. */
START_TEST(one_delivery_costs_one_directory)
{
	three_messages();
	settle(box);
	visit();
	put(box, "new/4.d", "four\n");
	set_time("new", now() - 50 * SECOND);
	enter();
	ck_assert_uint_eq(scans, 1);
	ck_assert_uint_eq(d.count, 4);
	ck_assert_uint_eq(d.list[0].octets, 5);
	ck_assert_uint_eq(d.list[1].octets, 9);
	ck_assert_uint_eq(d.list[2].octets, 7);
	ck_assert_uint_eq(d.list[3].octets, SIZE_UNKNOWN);
	size_all();
	leave();
	enter();
	ck_assert_uint_eq(scans, 0);
	ck_assert_uint_eq(maildrop_totals(&d).octets, 5 + 9 + 7 + 6);
	leave();
}
END_TEST

static void moves_meanwhile(unsigned n)
{
	if (n == 0)
		rename_in(box, "new/3.c", "cur/3.c:2,S");
}

START_TEST(a_directory_that_changes_meanwhile_is_read_after_all)
{
	three_messages();
	settle(box);
	visit();
	put(box, "new/4.d", "four\n");
	set_time("new", now() - 50 * SECOND);
	before_scan = moves_meanwhile;
	enter();
	before_scan = NULL;
	ck_assert_uint_eq(d.count, 4);
	ck_assert_str_eq(maildrop_name(&d, &d.list[2]), "3.c:2,S");
	leave();
}
END_TEST

/*
 * A search that comes later does not choose what an identity is: the file it
 * would ask may be another by now.
 */
START_TEST(what_an_identity_is_stays_as_the_cache_has_it)
{
	three_messages();
	settle(box);
	visit();
	enter();
	ck_assert_int_eq(visit_list(&v), 0);
	ck_assert_uint_eq(scans, 0);
	rename_in(box, "new/3.c", "cur/3.c:2,S");
	settle(box);
	filesystem = FUSE_SUPER_MAGIC;
	ck_assert_int_eq(maildrop_follow(&d), 1);
	ck_assert_uint_eq(d.list[0].marks & MESSAGE_GONE, 0);
	ck_assert_str_eq(maildrop_name(&d, &d.list[2]), "3.c:2,S");
	leave();
}
END_TEST

/*
 * A copy that brings the folders' old times with it, a clock that was set
 * back: the mtime is the old one, the ctime tells.
 */
START_TEST(a_time_that_was_set_back_hides_nothing)
{
	int64_t old = now() - 60 * SECOND;

	three_messages();
	set_time("new", old);
	set_time("cur", old);
	visit();
	enter();
	ck_assert_uint_eq(scans, 0);
	leave();
	put(box, "new/4.d", "four\n");
	set_time("new", old);
	visit();
	enter();
	ck_assert_uint_eq(d.count, 4);
	leave();
	unlink(path_in(box, "cur/2.b:2,S"));
	set_time("cur", old);
	enter();
	ck_assert_uint_eq(d.count, 3);
	leave();
}
END_TEST

START_TEST(another_folder_of_the_same_times_is_another)
{
	three_messages();
	settle(box);
	visit();
	rename_in(box, "cur", "old");
	ck_assert_int_eq(mkdir(path_in(box, "cur"), 0755), 0);
	settle(box);
	coarse = 1;		/* nor does its ctime differ */
	enter();
	ck_assert_uint_eq(d.count, 2);
	leave();
}
END_TEST

/* --- every order and equality of times (S-17) ------------------------------ */

/* What the cache's time and a directory's may be to each other, in ns. */
static const int64_t apart[] = {
	-100 * SECOND, -3 * SECOND, -2 * SECOND - 1, -2 * SECOND,
	-2 * SECOND + 1, -SECOND, -1, 0, 1, SECOND, 2 * SECOND, 100 * SECOND,
};

START_TEST(a_time_is_trusted_if_it_is_older_by_more_than_clocks_hide)
{
	int64_t when = now() - 1000 * SECOND;
	const char *sub = _i % 2 == 0 ? "new" : "cur";

	coarse = 1;
	three_messages();
	settle(box);
	visit();
	/* As the cache says they are, and then as old as the case wants. */
	set_time("new", when);
	set_time("cur", when);
	visit();
	set_time(SIZECACHE_NAME, when - apart[_i / 2]);
	enter();
	ck_assert_uint_eq(scans, apart[_i / 2] < -2 * SECOND ? 0 : 2);
	leave();
	/* One is old enough, the other is not: it alone is read. */
	set_time(sub, when - 500 * SECOND);
	visit();
	set_time(SIZECACHE_NAME, when - apart[_i / 2]);
	enter();
	ck_assert_uint_eq(scans, apart[_i / 2] < -2 * SECOND ? 0 :
	    apart[_i / 2] <= 498 * SECOND ? 1 : 2);
	leave();
}
END_TEST

static uint32_t seed;
static unsigned next_name;

/* The time of a directory that changes now, as a coarse clock has it. */
static void touch(const char *sub)
{
	int64_t t = now();

	set_time(sub, t - t % coarse);
}

static void comes_meanwhile(unsigned n)
{
	if (n != 1)
		return;
	put(box, "new/4.d", "four\n");
	touch("new");
	clock_ahead(5000);
}

/* In one tick of the clock with what came before, behind the reader's back. */
START_TEST(what_comes_during_a_long_scan_is_seen_the_next_time)
{
	coarse = 2 * SECOND;
	clock_ahead((int64_t)(2000 - now() / 1000000 % 2000));
	three_messages();
	touch("new");
	touch("cur");
	clock_ahead(500);
	before_scan = comes_meanwhile;
	visit();
	before_scan = NULL;
	clock_ahead(5000);
	enter();
	ck_assert_int_eq(visit_list(&v), 0);
	ck_assert_uint_eq(d.count, 4);
	leave();
}
END_TEST

/* Any file of the directory; false: it is empty. */
static bool any(const char *sub, char path[300])
{
	DIR *dir = opendir(path_in(box, sub));
	unsigned left = dice(&seed) % 4;
	struct dirent *e;
	bool found = false;

	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.') {
			snprintf(path, 300, "%s/%s", sub, e->d_name);
			found = true;
			if (left-- == 0)
				break;
		}
	closedir(dir);
	return found;
}

/* What another program may do: deliver, remove, move to cur/, flag. */
static void something_happens(void)
{
	const char *sub = dice(&seed) % 2 == 0 ? "new" : "cur";
	char path[300], other[320];
	size_t end_of_name;

	switch (dice(&seed) % 4) {
	case 0:
	case 1:
		snprintf(path, sizeof path, "%s/%u.x%s", sub, ++next_name,
		    *sub == 'c' ? ":2," : "");
		put(box, path, "text\n");
		touch(sub);
		break;
	case 2:
		if (!any(sub, path))
			return;
		unlink(path_in(box, path));
		touch(sub);
		break;
	default:
		if (!any(sub, path))
			return;
		end_of_name = strcspn(path + 4, ":");
		snprintf(other, sizeof other, "cur/%.*s:2,%s",
		    (int)end_of_name, path + 4,
		    strstr(path, ":2,S") != NULL ? "" : "S");
		rename_in(box, path, other);
		touch(sub);
		touch("cur");
	}
}

/* Unique names of what is there, as bits: there are few. */
static uint64_t there_now(void)
{
	static const char *const sub[] = { "new", "cur" };
	uint64_t bits = 0;
	struct dirent *e;
	size_t i;

	for (i = 0; i < COUNT(sub); i++) {
		DIR *dir = opendir(path_in(box, sub[i]));

		while ((e = readdir(dir)) != NULL)
			if (e->d_name[0] != '.')
				bits |= UINT64_C(1) << atoi(e->d_name);
		closedir(dir);
	}
	return bits;
}

static unsigned happens_at;	/* before which directory is read */

/* A large directory on a slow disk takes seconds to be read. */
static void time_passes(void)
{
	if (dice(&seed) % 2 == 0)
		clock_ahead((int64_t)(dice(&seed) % 14) * 250);
}

static void happens_meanwhile(unsigned n)
{
	time_passes();
	if (n == happens_at) {
		something_happens();
		time_passes();
	}
}

static uint64_t listed(void)
{
	uint64_t bits = 0, bit;
	size_t i;

	ck_assert_int_eq(visit_list(&v), 0);
	for (i = 0; i < d.count; i++) {
		bit = UINT64_C(1) << atoi(maildrop_name(&d, &d.list[i]));
		ck_assert_msg((bits & bit) == 0, "twice: %s",
		    maildrop_name(&d, &d.list[i]));
		bits |= bit;
	}
	return bits;
}

/* A day of a Maildir: visits, what happens between and during them. */
static void play(void)
{
	unsigned step;

	for (step = 0; step < 12; step++) {
		uint64_t before, after, seen;

		clock_ahead((int64_t)(dice(&seed) % 14) * 250);
		if (dice(&seed) % 2 == 0)
			something_happens();
		time_passes();
		happens_at = dice(&seed) % 4;
		before = there_now();
		before_scan = happens_meanwhile;
		enter();
		before_scan = NULL;
		seen = listed();
		after = there_now();
		ck_assert_msg((before & after & ~seen) == 0 &&
		    (seen & ~(before | after)) == 0, "step %u: %#jx and %#jx, "
		    "listed %#jx", step, (uintmax_t)before, (uintmax_t)after,
		    (uintmax_t)seen);
		if (dice(&seed) % 2 == 0)
			size_all();
		time_passes();
		if (dice(&seed) % 3 == 0)
			something_happens();
		leave();
	}
}

static const int64_t clocks[] = { 1, SECOND, 2 * SECOND };

START_TEST(nothing_is_missed_whatever_the_clock)
{
	unsigned round;

	for (round = 0; round < 80; round++) {
		box = new_maildir();
		seed = 1 + (uint32_t)_i * 1000 + round;
		next_name = 0;
		coarse = clocks[_i % (int)COUNT(clocks)];
		play();
		clock_true();	/* libcheck looks at it too */
	}
}
END_TEST

/* --- sizes ---------------------------------------------------------------- */

START_TEST(a_size_follows_its_message_and_no_other)
{
	three_messages();
	visit();
	rename_in(box, "new/1.a", "cur/1.a:2,FS");
	unlink(path_in(box, "new/3.c"));
	put(box, "new/keeps-an-inode-busy", "");
	put(box, "new/3.c", "another");
	put(box, "new/0.z", "zero");
	enter();
	ck_assert_uint_eq(d.count, 5);
	ck_assert_str_eq(maildrop_name(&d, &d.list[2]), "1.a:2,FS");
	ck_assert_uint_eq(d.list[2].octets, 5);
	ck_assert_uint_eq(d.list[3].octets, 9);
	size_all();
	ck_assert_uint_eq(d.list[4].octets, 9);
	leave();
}
END_TEST

START_TEST(the_cache_is_asked_before_the_name)
{
	put(box, "cur/1.a,S=4,W=6:2,S", "a\nb\n");
	settle(box);
	enter();
	size_all();
	ck_assert_uint_eq(d.list[0].octets, 6);
	visit_correct(&v, &d.list[0], 7);
	visit_correct(&v, &d.list[0], 8);
	ck_assert_uint_eq(d.list[0].octets, 6);	/* fixed in this visit */
	leave();
	enter();
	ck_assert_int_eq(visit_list(&v), 0);
	ck_assert_uint_eq(d.list[0].octets, 8);
	leave();
}
END_TEST

/* What a name said that another program corrects, is not kept. */
START_TEST(a_size_is_not_kept_for_a_name_that_did_not_say_it)
{
	struct stat st;

	put(box, "cur/1.a,S=4,W=5:2,S", "a\nb\n");
	put(box, "cur/1.a0:2,S", "two");
	settle(box);
	enter();
	size_all();
	ck_assert_uint_eq(d.list[0].octets, 5);
	rename_in(box, "cur/1.a,S=4,W=5:2,S", "cur/1.a,S=4:2,S");
	close(maildrop_fetch(&d, &d.list[0], &st));	/* it is followed */
	ck_assert_str_eq(maildrop_name(&d, &d.list[0]), "1.a,S=4:2,S");
	leave();
	enter();
	ck_assert_int_eq(visit_list(&v), 0);
	ck_assert_uint_eq(d.list[0].octets, SIZE_UNKNOWN);
	ck_assert_uint_eq(d.list[1].octets, 5);
	size_all();
	ck_assert_uint_eq(d.list[0].octets, 6);
	leave();
}
END_TEST

START_TEST(corrections_in_any_order_are_kept)
{
	static const unsigned order[] = { 5, 2, 7, 2, 0, 9, 5 };
	char file[32];
	size_t i;

	for (i = 0; i < 10; i++) {
		snprintf(file, sizeof file, "cur/%zu.a:2,S", 10 + i);
		put(box, file, "x\n");
	}
	settle(box);
	enter();
	size_all();
	for (i = 0; i < COUNT(order); i++)
		visit_correct(&v, &d.list[order[i]], 100 + order[i]);
	leave();
	enter();
	ck_assert_int_eq(visit_list(&v), 0);
	for (i = 0; i < 10; i++)
		ck_assert_uint_eq(d.list[i].octets, i == 0 || i == 2 ||
		    i == 5 || i == 7 || i == 9 ? 100 + i : 3);
	leave();
}
END_TEST

START_TEST(what_was_learnt_is_kept_every_ten_seconds)
{
	put(box, "new/1.a", "one\n");
	put(box, "new/2.b", "two\n");
	enter();
	ck_assert_int_eq(maildrop_size(&d, &d.list[0]), 0);
	visit_learnt(&v);
	ck_assert(!kept());
	clock_ahead(VISIT_SAVE * 1000);
	visit_learnt(&v);
	ck_assert(kept());
	unlink(path_in(box, SIZECACHE_NAME));
	visit_learnt(&v);
	ck_assert(!kept());
	leave();
	ck_assert(kept());
}
END_TEST

START_TEST(what_was_not_learnt_is_asked_the_next_time)
{
	three_messages();
	settle(box);
	enter();
	ck_assert_int_eq(maildrop_size(&d, &d.list[1]), 0);
	visit_learnt(&v);
	leave();
	enter();
	ck_assert_uint_eq(scans, 0);
	ck_assert_uint_eq(maildrop_totals(&d).count, 3);
	ck_assert(!maildrop_totals(&d).known);
	size_all();
	ck_assert_uint_eq(maildrop_totals(&d).octets, 5 + 9 + 7);
	leave();
	enter();
	ck_assert(maildrop_totals(&d).known);
	leave();
}
END_TEST

START_TEST(names_alone_and_removed_messages_are_not_worth_a_file)
{
	three_messages();
	enter();
	leave();
	ck_assert(!kept());
	enter();
	size_all();
	d.list[0].marks = d.list[1].marks = d.list[2].marks = MESSAGE_REMOVED;
	leave();
	ck_assert(!kept());
}
END_TEST

START_TEST(messages_flagged_t_are_hidden_or_not_as_asked)
{
	three_messages();
	put(box, "cur/4.d:2,T", "four\n");
	settle(box);
	visit();
	enter_as(true, true);
	ck_assert_uint_eq(d.count, 3);
	ck_assert_uint_eq(d.list[0].octets, 5);
	leave();
	enter_as(true, true);
	ck_assert_uint_eq(scans, 0);
	ck_assert_uint_eq(d.count, 3);
	leave();
	enter();
	ck_assert_uint_eq(d.count, 4);
	leave();
}
END_TEST

START_TEST(copies_keep_their_uidls)
{
	char a[UIDL_KNOWN_LIMIT], b[UIDL_KNOWN_LIMIT];
	size_t n, i, len[2];

	put(box, "new/1.a", "one\n");
	put(box, "cur/1.a:2,S", "another\n");
	put(box, "cur/1.a:2,FS", "a third\n");
	settle(box);
	enter();
	size_all();
	ck_assert_uint_eq(d.count, 3);
	len[0] = maildrop_uidl(&d, &d.list[2], a);
	leave();
	enter();
	ck_assert_uint_eq(scans, 0);
	ck_assert_int_eq(visit_list(&v), 0);
	len[1] = maildrop_uidl(&d, &d.list[2], b);
	ck_assert_uint_eq(len[0], len[1]);
	ck_assert_mem_eq(a, b, len[0]);
	for (i = 0; i < 3; i++)
		for (n = 0; n < i; n++)
			ck_assert_uint_ne(d.list[i].copy, d.list[n].copy);
	leave();
}
END_TEST

/* --- damage --------------------------------------------------------------- */

static void spoil(off_t at)
{
	int fd = open(path_in(box, SIZECACHE_NAME), O_RDWR);
	struct timespec t[2];
	struct stat st;
	char c;

	fstat(fd, &st);
	ck_assert_int_eq(pread(fd, &c, 1, at), 1);
	c ^= 1;
	ck_assert_int_eq(pwrite(fd, &c, 1, at), 1);
	t[0] = t[1] = st.st_mtim;
	futimens(fd, t);
	close(fd);
}

START_TEST(a_damaged_cache_is_made_anew)
{
	off_t size;
	off_t at;
	struct stat st;

	three_messages();
	settle(box);
	visit();
	stat(path_in(box, SIZECACHE_NAME), &st);
	size = st.st_size;
	for (at = 0; at < size; at++) {
		spoil(at);
		enter();
		ck_assert_int_eq(visit_list(&v), 0);
		ck_assert_uint_eq(d.count, 3);
		size_all();
		ck_assert_uint_eq(maildrop_totals(&d).octets, 5 + 9 + 7);
		leave();
		enter();
		ck_assert_msg(scans == 0, "octet %jd", (intmax_t)at);
		leave();
	}
}
END_TEST

START_TEST(a_damaged_cache_is_no_part_of_a_list)
{
	struct stat st;
	off_t at;

	three_messages();
	settle(box);
	visit();
	stat(path_in(box, SIZECACHE_NAME), &st);
	for (at = (off_t)sizeof v.cache.head; at < st.st_size; at++) {
		spoil(at);
		put(box, "new/0.x", "x\n");
		set_time("new", now() - 40 * SECOND);
		enter();
		ck_assert_uint_eq(d.count, 4);
		size_all();
		ck_assert_uint_eq(maildrop_totals(&d).octets, 5 + 9 + 7 + 3);
		leave();
		unlink(path_in(box, "new/0.x"));
		set_time("new", now() - 30 * SECOND);
		visit();
	}
}
END_TEST

/* Right in all its sums, but in another order than the list's. */
static const char *unordered(void *arg, struct sizecache_entry *e)
{
	static const char *const name[] = { "3.c", "1.a", "2.b:2,S" };
	size_t *n = arg;

	if (*n == COUNT(name))
		return NULL;
	e->id = 1 + *n;
	e->octets = 1;
	e->sub = *n == 2 ? MAILDIR_CUR : MAILDIR_NEW;
	return name[(*n)++];
}

/* In the place of a right one, with its stamps; from the nth name on. */
static void write_unordered(size_t n)
{
	struct sizecache_head head;

	three_messages();
	settle(box);
	visit();
	enter();
	head = v.cache.head;
	memset(head.count, 0, sizeof head.count);
	head.octets = head.names = head.body_sum = head.head_sum = 0;
	leave();
	ck_assert_int_eq(maildir_open(&m, box), 0);
	ck_assert_int_eq(sizecache_write(&m, &head, v.scan.began, unordered,
	    &n), 0);
	maildir_close(&m);
}

START_TEST(a_list_that_is_not_in_order_is_damaged)
{
	write_unordered(0);
	enter();
	ck_assert_uint_eq(scans, 0);
	ck_assert_int_eq(visit_list(&v), 0);
	ck_assert_uint_eq(scans, 2);
	ck_assert_uint_eq(d.list[0].octets, SIZE_UNKNOWN);
	leave();
}
END_TEST

/* If the client was told what a head counted wrong. */
START_TEST(a_count_that_was_wrong_ends_the_session)
{
	write_unordered(1);
	spoil((off_t)sizeof v.cache.head);
	enter();
	ck_assert_uint_eq(maildrop_totals(&d).count, 2);
	v.told = _i;
	ck_assert_int_eq(visit_list(&v), _i ? -1 : 0);
	ck_assert_uint_eq(d.count, 3);
	leave();
	enter();
	ck_assert_uint_eq(maildrop_totals(&d).count, 3);
	leave();
}
END_TEST

static TCase *visit_case(Suite *s, const char *name)
{
	TCase *tc = unit_case(s, name);

	tcase_add_checked_fixture(tc, begin, end);
	return tc;
}

Suite *visit_suite(void)
{
	Suite *s = suite_create("visit");
	TCase *tc = visit_case(s, "nothing has changed (S-17)");

	tcase_add_test(tc, directories_at_rest_are_not_read_again);
	tcase_add_test(tc, without_a_cache_none_is_read_and_none_written);
	tcase_add_test(tc, on_a_filesystem_nobody_knows_they_are_always_read);
	tcase_add_test(tc,
	    a_visit_that_found_it_right_but_too_young_makes_it_older);
	tcase_add_test(tc, one_delivery_costs_one_directory);
	tcase_add_test(tc,
	    a_directory_that_changes_meanwhile_is_read_after_all);
	tcase_add_test(tc, what_an_identity_is_stays_as_the_cache_has_it);
	tcase_add_test(tc, a_time_that_was_set_back_hides_nothing);
	tcase_add_test(tc, another_folder_of_the_same_times_is_another);
	tc = visit_case(s, "every order of times (P-142, S-17)");
	tcase_add_loop_test(tc,
	    a_time_is_trusted_if_it_is_older_by_more_than_clocks_hide, 0,
	    2 * COUNT(apart));
	tcase_add_test(tc,
	    what_comes_during_a_long_scan_is_seen_the_next_time);
	tcase_add_loop_test(tc, nothing_is_missed_whatever_the_clock, 0, 9);
	tc = visit_case(s, "sizes (P-31)");
	tcase_add_test(tc, a_size_follows_its_message_and_no_other);
	tcase_add_test(tc, the_cache_is_asked_before_the_name);
	tcase_add_test(tc, a_size_is_not_kept_for_a_name_that_did_not_say_it);
	tcase_add_test(tc, corrections_in_any_order_are_kept);
	tcase_add_test(tc, what_was_learnt_is_kept_every_ten_seconds);
	tcase_add_test(tc, what_was_not_learnt_is_asked_the_next_time);
	tcase_add_test(tc,
	    names_alone_and_removed_messages_are_not_worth_a_file);
	tcase_add_test(tc, messages_flagged_t_are_hidden_or_not_as_asked);
	tcase_add_test(tc, copies_keep_their_uidls);
	tc = visit_case(s, "damage (S-7)");
	tcase_add_test(tc, a_damaged_cache_is_made_anew);
	tcase_add_test(tc, a_damaged_cache_is_no_part_of_a_list);
	tcase_add_test(tc, a_list_that_is_not_in_order_is_damaged);
	tcase_add_loop_test(tc, a_count_that_was_wrong_ends_the_session, 0, 2);
	return s;
}
