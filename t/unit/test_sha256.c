/* test_sha256.c - SHA-256 by the examples of its standard. */
#include "unit.h"

#include "base/sha256.h"

#include <stdio.h>
#include <string.h>

static const char *hex_of(struct sha256 *s)
{
	static char hex[2 * SHA256_LEN + 1];
	unsigned char digest[SHA256_LEN];
	size_t i;

	sha256_end(s, digest);
	for (i = 0; i < sizeof digest; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return hex;
}

static const struct {
	const char *text, *digest;
} example[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad" },
	/* 448 bits: the length just does not fit into the first block */
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	    "248d6a61d20638b8e5c026930c3e6039"
	    "a33ce45964ff2167f6ecedd419db06c1" },
	/* 896 bits */
	{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
	    "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
	    "cf5b16a778af8380036ce59e7b049237"
	    "0b249b11e8f07a51afac45037afee9d1" },
};

START_TEST(an_example_of_the_standard_gives_its_digest)
{
	struct sha256 s;

	sha256_start(&s);
	sha256_add(&s, example[_i].text, strlen(example[_i].text));
	ck_assert_str_eq(hex_of(&s), example[_i].digest);
}
END_TEST

START_TEST(a_million_a_give_the_digest_of_the_standard)
{
	struct sha256 s;
	char a[997];
	size_t left, n;

	memset(a, 'a', sizeof a);
	sha256_start(&s);
	for (left = 1000000; left > 0; left -= n) {
		n = left < sizeof a ? left : sizeof a;
		sha256_add(&s, a, n);
	}
	ck_assert_str_eq(hex_of(&s), "cdc76e5c9914fb9281a1c7e284d73e67"
	    "f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

/*
 * The digest of all digests of the octets 0, 1, 2 ... 199 in every length:
 * python3 -c 'import hashlib as h; s=h.sha256
 * print(s(b"".join(s(bytes(range(n))).digest()
 *     for n in range(201))).hexdigest())'
 */
START_TEST(every_length_around_the_block_is_padded_right)
{
	unsigned char octet[200], digest[SHA256_LEN];
	struct sha256 all, one;
	size_t i;

	for (i = 0; i < sizeof octet; i++)
		octet[i] = (unsigned char)i;
	sha256_start(&all);
	for (i = 0; i <= sizeof octet; i++) {
		sha256_start(&one);
		sha256_add(&one, octet, i);
		sha256_end(&one, digest);
		sha256_add(&all, digest, sizeof digest);
	}
	ck_assert_str_eq(hex_of(&all), "64ef7c229fce2408b5336b6a542fea0e"
	    "078c3a87d2da85cb3fc52e2008b65021");
}
END_TEST

START_TEST(the_pieces_a_message_comes_in_do_not_matter)
{
	unsigned char octet[150], whole[SHA256_LEN], digest[SHA256_LEN];
	struct sha256 s;
	size_t a, b;

	memset(octet, 'x', sizeof octet);
	sha256_start(&s);
	sha256_add(&s, octet, sizeof octet);
	sha256_end(&s, whole);
	for (a = 0; a <= sizeof octet; a++)
		for (b = a; b <= sizeof octet; b++) {
			sha256_start(&s);
			sha256_add(&s, octet, a);
			sha256_add(&s, octet + a, b - a);
			sha256_add(&s, octet + b, sizeof octet - b);
			sha256_end(&s, digest);
			if (memcmp(digest, whole, sizeof whole) != 0)
				ck_abort_msg("split at %zu and %zu", a, b);
		}
}
END_TEST

START_TEST(nothing_of_the_message_stays_behind)
{
	static const struct sha256 nothing;
	unsigned char digest[SHA256_LEN];
	struct sha256 s;

	memset(&s, 0, sizeof s);	/* its padding too */
	sha256_start(&s);
	sha256_add(&s, "secret", 6);
	sha256_end(&s, digest);
	ck_assert_mem_eq(&s, &nothing, sizeof s);
}
END_TEST

Suite *sha256_suite(void)
{
	Suite *s = suite_create("sha256");
	TCase *tc = unit_case(s, "digests (FIPS 180-4 section 6.2)");

	tcase_add_loop_test(tc, an_example_of_the_standard_gives_its_digest, 0,
	    COUNT(example));
	tcase_add_test(tc, a_million_a_give_the_digest_of_the_standard);
	tcase_add_test(tc, every_length_around_the_block_is_padded_right);
	tcase_add_test(tc, the_pieces_a_message_comes_in_do_not_matter);
	tc = unit_case(s, "secrets (S-6)");
	tcase_add_test(tc, nothing_of_the_message_stays_behind);
	return s;
}
