/* test_uidl.c - where a UIDL comes from. */
#include "unit.h"

#include "mail/uidl.h"

#include <string.h>

/* The UIDL of len octets as a string. */
static const char *uidl_of(const char *unique, size_t len)
{
	static char text[4][UIDL_LIMIT + 1];
	static unsigned next;
	char *t = text[next++ % 4];

	t[uidl_make(unique, len, t)] = '\0';
	return t;
}

static const char *uidl(const char *unique)
{
	return uidl_of(unique, strlen(unique));
}

#define TEN "0123456789"
#define A70 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char *const kept[] = {
	"1700000000.M1P2.host,S=1234,W=1270", "a", "!", "~",
	"1.#\"$%&'()*+,-./;<=>?@[\\]^_`{|}~",
	TEN TEN TEN TEN TEN TEN TEN,		/* 70 octets */
	"=", "=abc",
	/* not quite the shape of a hash: 43 and 45 octets; a dot; no "=" */
	"=pa0LeHWXQ-KI1oRxTsQ2XMZOUaRxvnKRhT_gmfwwv7",
	"=pa0LeHWXQ-KI1oRxTsQ2XMZOUaRxvnKRhT_gmfwwv7EE",
	"=pa0LeHWXQ-KI1oRxTsQ2XMZOUaRxvnKRhT_gmfwwv7.",
	"=pa0LeHWXQ-KI1oRxTsQ2XMZOUaRxvnKRhT/gmfwwv7E",
	"-pa0LeHWXQ-KI1oRxTsQ2XMZOUaRxvnKRhT_gmfwwv7E",
};

START_TEST(a_name_that_is_a_uidl_is_kept_as_qmail_did)
{
	ck_assert_str_eq(uidl(kept[_i]), kept[_i]);
}
END_TEST

/* The digests were computed by Python's hashlib and base64. */
static const struct {
	const char *unique, *uidl;
} hashed[] = {
	{ "", "=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU" },
	{ A70 "a", "=7vpM--p5QAwvQjnh9wLgLr7Odh94tqNcnSwWenn5Vww" },
	{ "1.a b", "=8gPjjZPEtvZBTOyIifvWpvcjNQMwPCmv1AEFRwmH7l0" },
	{ "1.\xe4", "=LQkj9VOVLU8T1OplhvjVTCxI6q94kQMUctVWd0q6yF8" },
	{ "1.\x7f", "=ck6CVaTmlFpHcWrg9OcYjW4SFAVbxGkxtlKQGwJk_Fk" },
	{ "1.\x1f", "=xNjs_kccsE2ofucEIEDrmE5lQiwlJqa3GVDq-uphys0" },
	{ "1.\n", "=tfbWYQgXUD_hhLbASvrFUpFJYRFupw0WNqYCGBZf0iA" },
	/* a name that has the shape of a hash is hashed, too */
	{ "=LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE",
	    "=mibLyZk82bFPGgsO9iSM_pbakpYpA8jiv4ayJyaLGw8" },
};

START_TEST(a_name_that_is_none_is_hashed)
{
	ck_assert_str_eq(uidl(hashed[_i].unique), hashed[_i].uidl);
}
END_TEST

START_TEST(the_longest_file_name_is_hashed_whole)
{
	char name[255];

	memset(name, 'a', sizeof name);
	ck_assert_str_eq(uidl_of(name, sizeof name),
	    "=sPMyPno8rYrmd4NAzCoXrgyzHIGN83Z82nw91CNyXpA");
}
END_TEST

START_TEST(a_hash_is_44_octets_and_takes_no_other_name_into_account)
{
	char out[UIDL_LIMIT];

	memset(out, '#', sizeof out);
	ck_assert_uint_eq(uidl_hash("m 3", 3, out), 44);
	ck_assert_mem_eq(out, "=pa0LeHWXQ-KI1oRxTsQ2XMZOUaRxvnKRhT_gmfwwv7E",
	    44);
}
END_TEST

START_TEST(only_len_octets_of_the_name_count)
{
	ck_assert_str_eq(uidl_of("1.host:2,S", 6), "1.host");
}
END_TEST

START_TEST(every_octet_outside_21_to_7e_makes_a_hash)
{
	char name[3] = "1.";
	unsigned octet;

	for (octet = 1; octet < 256; octet++) {
		bool whole;

		name[1] = (char)octet;
		whole = strcmp(uidl(name), name) == 0;
		if (whole != (octet >= 0x21 && octet <= 0x7e))
			ck_abort_msg("octet %02X", octet);
	}
	ck_assert_uint_eq(octet, 256);
}
END_TEST

/* Names made to collide: every pair of them must have two UIDLs. */
START_TEST(no_two_names_have_one_uidl)
{
	const char *name[2 * COUNT(hashed) + COUNT(kept)];
	char copy[COUNT(name)][UIDL_LIMIT + 1];
	size_t n = 0, i, j;

	for (i = 0; i < COUNT(kept); i++)
		name[n++] = kept[i];
	for (i = 0; i < COUNT(hashed); i++) {
		name[n++] = hashed[i].unique;
		name[n++] = hashed[i].uidl;	/* a name like that hash */
	}
	for (i = 0; i < n; i++)
		strcpy(copy[i], uidl(name[i]));
	for (i = 0; i < n; i++)
		for (j = 0; j < i; j++)
			if (strcmp(name[i], name[j]) != 0)
				ck_assert_str_ne(copy[i], copy[j]);
}
END_TEST

Suite *uidl_suite(void)
{
	Suite *s = suite_create("uidl");
	TCase *tc = unit_case(s, "names (RFC 1939 section 7, P-45)");

	tcase_add_loop_test(tc, a_name_that_is_a_uidl_is_kept_as_qmail_did, 0,
	    COUNT(kept));
	tcase_add_test(tc, only_len_octets_of_the_name_count);
	tc = unit_case(s, "hashes (P-46)");
	tcase_add_loop_test(tc, a_name_that_is_none_is_hashed, 0,
	    COUNT(hashed));
	tcase_add_test(tc, the_longest_file_name_is_hashed_whole);
	tcase_add_test(tc,
	    a_hash_is_44_octets_and_takes_no_other_name_into_account);
	tcase_add_test(tc, every_octet_outside_21_to_7e_makes_a_hash);
	tcase_add_test(tc, no_two_names_have_one_uidl);
	return s;
}
