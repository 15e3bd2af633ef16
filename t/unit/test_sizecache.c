/*
 * test_sizecache.c - the list and the sizes kept between visits.
 */
#include "unit.h"

#include "mail/size.h"
#include "mail/sizecache.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct maildir m;
static struct sizecache c;
static const char *box;

static const struct timespec began = { 1700000000, 123456789 };

static const struct sizecache_entry some[] = {
	{ 11, 5, MAILDIR_NEW, 0, "1.a" },
	{ 12, SIZE_UNKNOWN, MAILDIR_CUR, 0, "2.b,S=3:2,S" },
	{ UINT64_MAX, 0, MAILDIR_CUR, 0, "3\n\377:2," },
};

struct source {
	const struct sizecache_entry *next, *end;
};

static const char *each(void *arg, struct sizecache_entry *e)
{
	struct source *s = arg;

	if (s->next == s->end)
		return NULL;
	*e = *s->next++;
	return s->next[-1].name;
}

static int write_some(size_t n)
{
	struct sizecache_head head = { .flags = SIZECACHE_STEADY };
	struct source s = { some, some + n };

	return sizecache_write(&m, &head, began, each, &s);
}

static void begin(void)
{
	box = new_maildir();
	ck_assert_int_eq(maildir_open(&m, box), 0);
}

static void end(void)
{
	sizecache_close(&c);
	maildir_close(&m);
}

/* All entries until the end or until what is wrong: what next() said then. */
static int read_all(size_t *n)
{
	struct sizecache_entry e;
	int r;

	for (*n = 0; (r = sizecache_next(&c, &e)) == 1; ++*n)
		if (*n < COUNT(some)) {
			ck_assert_uint_eq(e.id, some[*n].id);
			ck_assert_uint_eq(e.octets, some[*n].octets);
			ck_assert_int_eq(e.sub, some[*n].sub);
			ck_assert_str_eq(e.name, some[*n].name);
			ck_assert_uint_eq(e.len, strlen(e.name));
		}
	return r;
}

START_TEST(what_is_written_is_read)
{
	size_t n;

	ck_assert_int_eq(write_some(COUNT(some)), 0);
	ck_assert(sizecache_open(&c, &m));
	ck_assert_uint_eq(c.head.flags, SIZECACHE_STEADY);
	ck_assert_uint_eq(c.head.count[MAILDIR_NEW], 1);
	ck_assert_uint_eq(c.head.count[MAILDIR_CUR], 2);
	ck_assert_uint_eq(c.head.octets, 5);
	ck_assert_int_eq(c.mtime.tv_sec, began.tv_sec);
	ck_assert_int_eq(c.mtime.tv_nsec, began.tv_nsec);
	ck_assert_int_eq(read_all(&n), 0);
	ck_assert_uint_eq(n, COUNT(some));
	sizecache_rewind(&c);
	ck_assert_int_eq(read_all(&n), 0);
	ck_assert_uint_eq(n, COUNT(some));
	ck_assert_uint_eq(files_in(box, "tmp"), 0);
}
END_TEST

START_TEST(only_where_every_size_is_known_it_says_so)
{
	ck_assert_int_eq(write_some(1), 0);
	ck_assert(sizecache_open(&c, &m));
	ck_assert_uint_eq(c.head.flags, SIZECACHE_STEADY | SIZECACHE_SIZED);
}
END_TEST

START_TEST(a_new_one_takes_the_place_of_the_old_one)
{
	size_t n;

	put(box, SIZECACHE_NAME, "something else");
	ck_assert_int_eq(write_some(2), 0);
	ck_assert_int_eq(write_some(3), 0);
	ck_assert(sizecache_open(&c, &m));
	ck_assert_int_eq(read_all(&n), 0);
	ck_assert_uint_eq(n, 3);
}
END_TEST

START_TEST(its_time_can_be_set_anew)
{
	struct timespec later = { 1800000000, 5 };
	struct stat st;

	ck_assert_int_eq(write_some(3), 0);
	ck_assert(sizecache_open(&c, &m));
	sizecache_refresh(&c, later);
	ck_assert_int_eq(stat(path_in(box, SIZECACHE_NAME), &st), 0);
	ck_assert_int_eq(st.st_mtim.tv_sec, later.tv_sec);
	ck_assert_int_eq(st.st_mtim.tv_nsec, later.tv_nsec);
}
END_TEST

/* More than a piece, names of every length: records are cut everywhere. */
static const char *many(void *arg, struct sizecache_entry *e)
{
	static char name[NAME_LIMIT + 1];
	unsigned *n = arg;

	if (*n == 3000)
		return NULL;
	memset(name, 'a' + (int)(*n % 26), sizeof name);
	name[1 + *n % NAME_LIMIT] = '\0';
	e->id = *n;
	e->octets = *n * 7;
	e->sub = *n % 3 == 0 ? MAILDIR_NEW : MAILDIR_CUR;
	++*n;
	return name;
}

START_TEST(a_large_one_is_read_as_it_was_written)
{
	const struct sizecache_head head = { .flags = 0 };
	struct sizecache_entry e, want;
	unsigned n = 0, i = 0;

	ck_assert_int_eq(sizecache_write(&m, &head, began, many, &n), 0);
	ck_assert_uint_eq(n, 3000);
	ck_assert(sizecache_open(&c, &m));
	for (n = 0; sizecache_next(&c, &e) == 1; i++) {
		const char *name = many(&n, &want);

		ck_assert_str_eq(e.name, name);
		ck_assert_uint_eq(e.id, want.id);
		ck_assert_uint_eq(e.octets, want.octets);
		ck_assert_int_eq(e.sub, want.sub);
	}
	ck_assert_uint_eq(i, 3000);
	sizecache_rewind(&c);
	for (i = 0; sizecache_next(&c, &e) == 1; i++)
		;
	ck_assert_uint_eq(i, 3000);
}
END_TEST

/* --- what cannot be believed (S-7) --------------------------------------- */

static char file[4096];
static size_t length;

static void take_file(void)
{
	int fd = open(path_in(box, SIZECACHE_NAME), O_RDONLY);

	length = drain(fd, file, sizeof file);
	close(fd);
}

static void put_file(size_t len)
{
	unlink(path_in(box, SIZECACHE_NAME));
	put_octets(box, SIZECACHE_NAME, file, len);
}

/* Whether that file gets a reader to its end. */
static bool believed(void)
{
	struct sizecache_entry e;
	int r = -1;

	if (sizecache_open(&c, &m)) {
		while ((r = sizecache_next(&c, &e)) == 1)
			;
		sizecache_close(&c);
	}
	return r == 0;
}

START_TEST(a_file_that_is_cut_anywhere_is_none)
{
	size_t len;

	ck_assert_int_eq(write_some(3), 0);
	take_file();
	put_file(length);
	ck_assert(believed());
	for (len = 0; len < length; len++) {
		put_file(len);
		ck_assert_msg(!believed(), "cut at %zu", len);
	}
	file[length] = 0;
	put_file(length + 1);
	ck_assert(!believed());
}
END_TEST

START_TEST(an_octet_that_is_changed_anywhere_is_found)
{
	size_t at;

	ck_assert_int_eq(write_some(3), 0);
	take_file();
	for (at = 0; at < length; at++) {
		file[at] ^= 0x10;
		put_file(length);
		ck_assert_msg(!believed(), "octet %zu", at);
		file[at] ^= 0x10;
	}
}
END_TEST

/* Whoever writes it can make the sums right: names are looked at too. */
static const char *const wrong_name[] = {
	"", ".", "..", ".a", "a/b", "/", "../../etc/passwd",
};

START_TEST(a_name_that_is_no_files_is_found)
{
	const struct sizecache_head head = { .flags = 0 };
	struct sizecache_entry e = { 1, 1, MAILDIR_NEW, 0, "" };
	struct source s = { &e, &e + 1 };

	snprintf(e.name, sizeof e.name, "%s", wrong_name[_i]);
	ck_assert_int_eq(sizecache_write(&m, &head, began, each, &s), 0);
	ck_assert(!believed());
}
END_TEST

START_TEST(a_size_beyond_all_measure_is_found)
{
	const struct sizecache_head head = { .flags = 0 };
	struct sizecache_entry e = { 1, SIZE_MAX_NAMED, MAILDIR_NEW, 0, "a" };
	struct source s = { &e, &e + 1 };

	ck_assert_int_eq(sizecache_write(&m, &head, began, each, &s), 0);
	ck_assert(believed());
	e.octets++;
	s.next = &e;
	ck_assert_int_eq(sizecache_write(&m, &head, began, each, &s), 0);
	ck_assert(!believed());
}
END_TEST

START_TEST(a_link_a_folder_and_a_fifo_are_none)
{
	ck_assert(!sizecache_open(&c, &m));
	ck_assert_int_eq(write_some(3), 0);
	rename_in(box, SIZECACHE_NAME, "elsewhere");
	ck_assert_int_eq(symlink("elsewhere", path_in(box, SIZECACHE_NAME)),
	    0);
	ck_assert(!sizecache_open(&c, &m));
	unlink(path_in(box, SIZECACHE_NAME));
	ck_assert_int_eq(mkfifo(path_in(box, SIZECACHE_NAME), 0600), 0);
	ck_assert(!sizecache_open(&c, &m));
	unlink(path_in(box, SIZECACHE_NAME));
	ck_assert_int_eq(mkdir(path_in(box, SIZECACHE_NAME), 0700), 0);
	ck_assert(!sizecache_open(&c, &m));
	/* Nor can it be written there, and nothing is left behind. */
	ck_assert_int_eq(write_some(3), -1);
	ck_assert_uint_eq(files_in(box, "tmp"), 0);
}
END_TEST

START_TEST(without_tmp_it_is_not_written)
{
	ck_assert_int_eq(rmdir(path_in(box, "tmp")), 0);
	ck_assert_int_eq(write_some(3), -1);
	ck_assert_int_eq(symlink("cur", path_in(box, "tmp")), 0);
	ck_assert_int_eq(write_some(3), -1);
	ck_assert_uint_eq(files_in(box, "cur"), 0);
}
END_TEST

static TCase *sizecache_case(Suite *s, const char *name)
{
	TCase *tc = unit_case(s, name);

	tcase_add_checked_fixture(tc, begin, end);
	return tc;
}

Suite *sizecache_suite(void)
{
	Suite *s = suite_create("sizecache");
	TCase *tc = sizecache_case(s, "the file (P-31, S-2)");

	tcase_add_test(tc, what_is_written_is_read);
	tcase_add_test(tc, only_where_every_size_is_known_it_says_so);
	tcase_add_test(tc, a_new_one_takes_the_place_of_the_old_one);
	tcase_add_test(tc, its_time_can_be_set_anew);
	tcase_add_test(tc, a_large_one_is_read_as_it_was_written);
	tcase_add_test(tc, without_tmp_it_is_not_written);
	tc = sizecache_case(s, "trust (S-7, S-8)");
	tcase_add_test(tc, a_file_that_is_cut_anywhere_is_none);
	tcase_add_test(tc, an_octet_that_is_changed_anywhere_is_found);
	tcase_add_loop_test(tc, a_name_that_is_no_files_is_found, 0,
	    COUNT(wrong_name));
	tcase_add_test(tc, a_size_beyond_all_measure_is_found);
	tcase_add_test(tc, a_link_a_folder_and_a_fifo_are_none);
	return s;
}
