/* test_fds.c - the descriptors a process starts with. */
#include "unit.h"

#include "base/fds.h"

#include <fcntl.h>
#include <unistd.h>

static bool open_at(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

static const char *closes_but_those(void)
{
	static const int keep[] = { -1, 12, 1, 10 };
	int fd;

	for (fd = 3; fd < 20; fd++)
		NEED(dup2(0, fd) == fd);
	fds_close_but(keep, COUNT(keep));
	NEED(open_at(0) && open_at(1) && open_at(2));
	for (fd = 3; fd < 20; fd++)
		NEED(open_at(fd) == (fd == 10 || fd == 12));
	fds_close_but(NULL, 0);
	NEED(!open_at(10) && !open_at(12) && open_at(2));
	return NULL;
}

START_TEST(what_is_not_named_is_closed)
{
	assert_in_child(closes_but_those);
}
END_TEST

static const char *stands_in_for_2(void)
{
	NEED(fds_check() == 0);
	close(2);
	NEED(fds_check() == 0 && open_at(2));
	close(0);
	NEED(fds_check() == -1);
	return NULL;
}

START_TEST(the_connection_must_be_there_and_2_is_made)
{
	assert_in_child(stands_in_for_2);
}
END_TEST

Suite *fds_suite(void)
{
	Suite *s = suite_create("fds");
	TCase *tc = unit_case(s, "at the start (S-12)");

	tcase_add_test(tc, what_is_not_named_is_closed);
	tcase_add_test(tc, the_connection_must_be_there_and_2_is_made);
	return s;
}
