/* test_apop.c - the timestamp of the greeting and the form of a digest. */
#include "unit.h"

#include "login/apop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * The getrandom(2) the program sees: interrupted so many times first, then
 * refused, or giving fewer octets than asked for.
 */
static int interrupted;
static int refused;	/* an errno */
static ssize_t missing;

ssize_t getrandom(void *buf, size_t len, unsigned flags)
{
	if (interrupted > 0 || refused != 0) {
		errno = interrupted-- > 0 ? EINTR : refused;
		return -1;
	}
	return syscall(SYS_getrandom, buf, len, flags) - missing;
}

static char stamp[256];

static const char *host(const char *text)
{
	const char *at = strrchr(text, '@');

	ck_assert_ptr_nonnull(at);
	return at + 1;
}

START_TEST(pid_and_seconds_and_random_octets_and_host)
{
	char hex[64], name[64], end[4], again[256];
	long pid;
	long long seconds, now = (long long)time(NULL);

	ck_assert_int_eq(apop_stamp(stamp, sizeof stamp, "mail.example.org"),
	    0);
	ck_assert_int_eq(sscanf(stamp, "<%ld.%lld.%32[0-9a-f]@%63[^>]%3s",
	    &pid, &seconds, hex, name, end), 5);
	ck_assert_int_eq(pid, getpid());
	ck_assert_int_ge(seconds, now);
	ck_assert_int_le(seconds, now + 5);
	ck_assert_uint_eq(strlen(hex), 32);
	ck_assert_str_eq(name, "mail.example.org");
	ck_assert_str_eq(end, ">");
	snprintf(again, sizeof again, "<%ld.%lld.%s@%s>", pid, seconds, hex,
	    name);
	ck_assert_str_eq(stamp, again);
}
END_TEST

START_TEST(no_two_are_the_same)
{
	static char all[200][APOP_STAMP_MAX + 1];
	size_t i, j;

	for (i = 0; i < COUNT(all); i++) {
		ck_assert_int_eq(apop_stamp(all[i], sizeof all[i], "h"), 0);
		for (j = 0; j < i; j++)
			ck_assert_str_ne(strrchr(all[i], '.'),
			    strrchr(all[j], '.'));
	}
}
END_TEST

START_TEST(each_hex_digit_occurs_in_each_place)
{
	unsigned seen[32] = { 0 };
	size_t i, j;

	for (i = 0; i < 1000; i++) {
		const char *hex;

		ck_assert_int_eq(apop_stamp(stamp, sizeof stamp, "h"), 0);
		hex = host(stamp) - 33;
		for (j = 0; j < 32; j++)
			seen[j] |= 1u << (strchr("0123456789abcdef", hex[j]) -
			    "0123456789abcdef");
	}
	for (j = 0; j < 32; j++)
		ck_assert_uint_eq(seen[j], 0xffff);
}
END_TEST

static const char *const hosts[] = { "a", "mail", "mail.example.org",
	"MAIL-2.Example.ORG", "192.0.2.1", "x--y.z", "-a-",
	"a123456789b123456789c123456789d123456789e123456789" };

START_TEST(a_domain_is_the_host)
{
	ck_assert_int_eq(apop_stamp(stamp, sizeof stamp, hosts[_i]), 0);
	stamp[strlen(stamp) - 1] = '\0';
	ck_assert_str_eq(host(stamp), hosts[_i]);
}
END_TEST

static const char *const no_hosts[] = { NULL, "", ".", "..", ".a", "a.",
	"a..b", "a b", "a>b", "a<b", "a@b", "a\tb", "a\r\nb", "a_b", "a/b",
	"a:b", "[a]", "m\xc3\xbcll", "a\x7f", "a\xff", "a\x01", "a!b", "%s" };

START_TEST(anything_else_is_localhost)
{
	ck_assert_int_eq(apop_stamp(stamp, sizeof stamp, no_hosts[_i]), 0);
	ck_assert_str_eq(host(stamp), "localhost>");
}
END_TEST

START_TEST(a_host_that_does_not_fit_is_localhost)
{
	char name[256];
	size_t rest;

	ck_assert_int_eq(apop_stamp(stamp, sizeof stamp, "h"), 0);
	rest = strlen(stamp) - 1;
	memset(name, 'n', sizeof name);
	name[APOP_STAMP_MAX - rest] = '\0';
	ck_assert_int_eq(apop_stamp(stamp, APOP_STAMP_MAX + 1, name), 0);
	ck_assert_uint_eq(strlen(stamp), APOP_STAMP_MAX);
	ck_assert_str_ne(host(stamp), "localhost>");
	name[APOP_STAMP_MAX - rest] = 'n';
	name[APOP_STAMP_MAX - rest + 1] = '\0';
	ck_assert_int_eq(apop_stamp(stamp, sizeof stamp, name), 0);
	ck_assert_str_eq(host(stamp), "localhost>");
	name[255] = '\0';
	memset(name, 'n', 255);
	ck_assert_int_eq(apop_stamp(stamp, APOP_STAMP_MAX + 1, name), 0);
	ck_assert_str_eq(host(stamp), "localhost>");
}
END_TEST

START_TEST(too_little_room_is_an_error_and_nothing_is_written_beyond)
{
	size_t len, room;

	ck_assert_int_eq(apop_stamp(stamp, sizeof stamp, "a"), 0);
	len = strlen(stamp);
	ck_assert_int_eq(apop_stamp(stamp, len + 1, "a"), 0);
	ck_assert_uint_eq(strlen(stamp), len);
	for (room = 0; room <= len; room++) {
		memset(stamp, 'x', sizeof stamp);
		errno = 0;
		ck_assert_int_eq(apop_stamp(stamp, room, "a"), -1);
		ck_assert_int_eq(errno, ERANGE);
		ck_assert_int_eq(stamp[0], room == 0 ? 'x' : '\0');
		ck_assert_int_eq(stamp[room], 'x');
	}
}
END_TEST

START_TEST(an_interrupted_call_is_made_again)
{
	interrupted = 2;
	ck_assert_int_eq(apop_stamp(stamp, sizeof stamp, "a"), 0);
	ck_assert_int_eq(interrupted, 0);
}
END_TEST

START_TEST(without_random_octets_there_is_no_stamp)
{
	strcpy(stamp, "<old>");
	refused = ENOSYS;
	ck_assert_int_eq(apop_stamp(stamp, sizeof stamp, "a"), -1);
	ck_assert_int_eq(errno, ENOSYS);
	ck_assert_str_eq(stamp, "");
	refused = 0;
	missing = 1;
	strcpy(stamp, "<old>");
	ck_assert_int_eq(apop_stamp(stamp, sizeof stamp, "a"), -1);
	ck_assert_str_eq(stamp, "");
	missing = 0;
}
END_TEST

static bool digest(const char *text)
{
	return apop_digest(text, strlen(text));
}

START_TEST(a_digest_is_32_hex_digits_of_either_case)
{
	ck_assert(digest("c4c9334bac560ecc979e58001b3e22fb"));
	ck_assert(digest("C4C9334BAC560ECC979E58001B3E22FB"));
	ck_assert(digest("0123456789abcdefABCDEF9876543210"));
	ck_assert(apop_digest("c4c9334bac560ecc979e58001b3e22fbx", 32));
}
END_TEST

START_TEST(another_length_is_no_digest)
{
	ck_assert(!digest(""));
	ck_assert(!digest("c"));
	ck_assert(!digest("c4c9334bac560ecc979e58001b3e22f"));
	ck_assert(!digest("c4c9334bac560ecc979e58001b3e22fb0"));
	ck_assert(!digest("c4c9334bac560ecc979e58001b3e22fb "));
	ck_assert(!digest("c4c9334bac560ecc979e58001b3e22fb"
	    "c4c9334bac560ecc979e58001b3e22fb"));
}
END_TEST

START_TEST(each_octet_in_each_place_is_a_digit_or_refused)
{
	char text[32];
	size_t place;
	int c;

	for (place = 0; place < sizeof text; place++)
		for (c = 0; c < 256; c++) {
			memset(text, 'a', sizeof text);
			text[place] = (char)c;
			ck_assert_int_eq(apop_digest(text, sizeof text),
			    c != 0 && strchr("0123456789abcdefABCDEF", c) !=
			    NULL);
		}
}
END_TEST

Suite *apop_suite(void)
{
	Suite *s = suite_create("apop");
	TCase *tc;

	tc = unit_case(s, "timestamp (P-64, RFC 1939 section 7)");
	tcase_add_test(tc, pid_and_seconds_and_random_octets_and_host);
	tcase_add_test(tc, no_two_are_the_same);
	tcase_add_test(tc, each_hex_digit_occurs_in_each_place);
	tcase_add_loop_test(tc, a_domain_is_the_host, 0, COUNT(hosts));
	tcase_add_loop_test(tc, anything_else_is_localhost, 0,
	    COUNT(no_hosts));
	tcase_add_test(tc, a_host_that_does_not_fit_is_localhost);
	tcase_add_test(tc,
	    too_little_room_is_an_error_and_nothing_is_written_beyond);

	tc = unit_case(s, "timestamp: getrandom (P-64)");
	tcase_add_test(tc, an_interrupted_call_is_made_again);
	tcase_add_test(tc, without_random_octets_there_is_no_stamp);

	tc = unit_case(s, "digest (P-65)");
	tcase_add_test(tc, a_digest_is_32_hex_digits_of_either_case);
	tcase_add_test(tc, another_length_is_no_digest);
	tcase_add_test(tc, each_octet_in_each_place_is_a_digit_or_refused);
	return s;
}
