/* test_md5.c - MD5 (RFC 1321). */
#include "unit.h"

#include "admin/md5.h"

#include <stdio.h>
#include <string.h>

static const char *hex(const void *octets, size_t len)
{
	static char text[2 * MD5_LEN + 1];
	unsigned char digest[MD5_LEN];
	size_t i;

	md5(octets, len, digest);
	for (i = 0; i < MD5_LEN; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return text;
}

/* RFC 1321 appendix A.5, and md5sum(1). */
static const struct {
	const char *text, *digest;
} known[] = {
	{ "", "d41d8cd98f00b204e9800998ecf8427e" },
	{ "a", "0cc175b9c0f1b6a831c399e269772661" },
	{ "abc", "900150983cd24fb0d6963f7d28e17f72" },
	{ "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
	{ "abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b" },
	{ "1234567890123456789012345678901234567890123456789012345678901234"
	  "5678901234567890", "57edf4a22be3c955ac49da2e2107b67a" },
};

START_TEST(the_digests_of_the_rfc_are_found)
{
	ck_assert_str_eq(hex(known[_i].text, strlen(known[_i].text)),
	    known[_i].digest);
}
END_TEST

/* Lengths at which the padding just fits into a block, and does not. */
static const struct {
	size_t len;
	const char *digest;
} xs[] = {
	{ 55, "04364420e25c512fd958a70738aa8f72" },
	{ 56, "668a72d5ba17f08e62dabcafad6db14b" },
	{ 63, "7dc2ca208106a2f703567bdff99d8981" },
	{ 64, "c1bb4f81d892b2d57947682aeb252456" },
	{ 4096, "20439f79e4e9dc95be34b21029221f80" },
};

START_TEST(a_block_may_be_full_or_nearly_so)
{
	static char x[MD5_TEXT_MAX];

	memset(x, 'x', sizeof x);
	ck_assert_str_eq(hex(x, xs[_i].len), xs[_i].digest);
}
END_TEST

Suite *md5_suite(void)
{
	Suite *s = suite_create("md5");
	TCase *c = unit_case(s, "digests (RFC 1321 A.5)");

	tcase_add_loop_test(c, the_digests_of_the_rfc_are_found, 0,
	    COUNT(known));
	tcase_add_loop_test(c, a_block_may_be_full_or_nearly_so, 0,
	    COUNT(xs));
	return s;
}
