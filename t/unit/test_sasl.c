/* test_sasl.c - base64 and the message of PLAIN. */
#include "unit.h"

#include "login/sasl.h"

#include <stdlib.h>
#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define GUARD 0xa5	/* what no decoder wrote */

static unsigned char out[1100];
static size_t out_len;

static int decode_in(const char *text, size_t len, size_t room)
{
	memset(out, GUARD, sizeof out);
	out_len = 4711;
	return sasl_base64(text, len, out, room, &out_len);
}

static int decode(const char *text)
{
	return decode_in(text, strlen(text), 768);
}

/* Whether n octets from the i-th on are all c. */
static bool all(size_t i, size_t n, unsigned char c)
{
	while (n-- > 0)
		if (out[i++] != c)
			return false;
	return true;
}

static void refused(const char *text, size_t len, size_t room)
{
	ck_assert_int_eq(decode_in(text, len, room), -1);
	ck_assert_uint_eq(out_len, 0);
	ck_assert(all(0, room, 0));
	ck_assert(all(room, sizeof out - room, GUARD));
}

static size_t encode(const unsigned char *in, size_t len, char *text)
{
	char *at = text;
	size_t i;

	for (i = 0; i < len; i += 3) {
		uint32_t b = (uint32_t)in[i] << 16;

		if (i + 1 < len)
			b |= (uint32_t)in[i + 1] << 8;
		if (i + 2 < len)
			b |= in[i + 2];
		*at++ = alphabet[b >> 18];
		*at++ = alphabet[b >> 12 & 63];
		*at++ = i + 1 < len ? alphabet[b >> 6 & 63] : '=';
		*at++ = i + 2 < len ? alphabet[b & 63] : '=';
	}
	return (size_t)(at - text);
}

static const struct {
	const char *text, *octets;
} vector[] = {
	{ "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" }, { "Zm9v", "foo" },
	{ "Zm9vYg==", "foob" }, { "Zm9vYmE=", "fooba" },
	{ "Zm9vYmFy", "foobar" },
};

START_TEST(the_vectors_of_the_rfc)
{
	size_t len = strlen(vector[_i].octets);

	ck_assert_int_eq(decode(vector[_i].text), 0);
	ck_assert_uint_eq(out_len, len);
	ck_assert_mem_eq(out, vector[_i].octets, len);
	ck_assert(all(len, sizeof out - len, GUARD));
}
END_TEST

START_TEST(any_octets_come_back_as_they_were)
{
	unsigned char octets[770];
	char text[1030];
	uint32_t seed = 4648;
	size_t len, i;

	for (len = 0; len <= 768; len++) {
		for (i = 0; i < len; i++)
			octets[i] = (unsigned char)(dice(&seed) >> 24);
		ck_assert_int_eq(decode_in(text, encode(octets, len, text),
		    768), 0);
		ck_assert_uint_eq(out_len, len);
		ck_assert_mem_eq(out, octets, len);
	}
}
END_TEST

START_TEST(each_octet_in_each_place_is_base64_or_refused)
{
	char text[4];
	int place, c;

	for (place = 0; place < 4; place++)
		for (c = 0; c < 256; c++) {
			bool good = c != 0 && strchr(alphabet, c) != NULL;

			memcpy(text, "AAAA", 4);
			text[place] = (char)c;
			if (good || (place == 3 && c == '='))
				ck_assert_int_eq(decode_in(text, 4, 3), 0);
			else
				refused(text, 4, 3);
		}
}
END_TEST

static const char *const bad[] = {
	"A", "AA", "AAA", "AAAAA", "AAAAAA", "AAAAAAA",	/* padding missing */
	"=", "==", "===", "====", "=AAA", "A=AA", "AA=A", "A===", "A=A=",
	"AAA=BBB", "AAA=BBBB", "AA==BBBB", "AAA=AAA=", "AA==AA==",
	"AAAA=", "AAAA==", "AAAA===", "AAAA====", "=AAAA===",
	"AA A", "AAA ", " AAA", "AAAA\r\n", "AAAA\n", "AAAA    ", "AA\r\n",
	"AA-A", "AA_A", "AA.A", "AA*A", "*", "AA,A", "AA~A",
	"\xc1\xc1\xc1\xc1", "AAAA\xff\xff\xff\xff",
	/* The bits of the pad are not zero. */
	"AB==", "AC==", "AE==", "AI==", "AAB=", "AAC=", "Zh==", "Zm9=",
	"Zm9vYh==", "//==", "///=", "AHVzZXIAc2VjcmV1=",
};

START_TEST(what_is_not_strict_is_refused_and_leaves_nothing)
{
	refused(bad[_i], strlen(bad[_i]), 768);
}
END_TEST

START_TEST(a_nul_does_not_end_the_text)
{
	refused("AAAA\0AAA", 8, 768);
	refused("Zg==\0\0\0\0", 8, 768);
	refused("\0AAA", 4, 768);
}
END_TEST

START_TEST(the_pad_bits_are_zero_or_it_is_refused)
{
	char text[5] = "AA==";
	int i;

	for (i = 0; i < 64; i++) {
		text[1] = alphabet[i];
		ck_assert_int_eq(decode(text), i % 16 == 0 ? 0 : -1);
	}
	memcpy(text, "AAA=", 4);
	for (i = 0; i < 64; i++) {
		text[2] = alphabet[i];
		ck_assert_int_eq(decode(text), i % 4 == 0 ? 0 : -1);
	}
}
END_TEST

START_TEST(the_room_is_kept_to_the_octet)
{
	static const char *const text[] = { "Zm9vYmFy", "Zm9vYmE=",
		"Zm9vYg==" };
	size_t len = 6 - (size_t)_i, room;

	for (room = 0; room <= 8; room++)
		if (room < len) {
			refused(text[_i], 8, room);
		} else {
			ck_assert_int_eq(decode_in(text[_i], 8, room), 0);
			ck_assert_uint_eq(out_len, len);
			ck_assert(all(len, sizeof out - len, GUARD));
		}
}
END_TEST

START_TEST(a_fault_at_the_end_wipes_the_beginning)
{
	char text[1024];

	memset(text, 'Z', sizeof text);
	text[1023] = '!';
	refused(text, sizeof text, 768);
	text[1023] = 'Z';
	refused(text, sizeof text, SASL_PLAIN_MAX);
}
END_TEST

START_TEST(the_longest_plain_fits_the_longest_line)
{
	ck_assert_uint_eq((SASL_PLAIN_MAX + 2) / 3 * 4 + 2, SASL_LINE_LIMIT);
	ck_assert_uint_eq(3 * SASL_PART_MAX + 2, SASL_PLAIN_MAX);
}
END_TEST

/* --- PLAIN --------------------------------------------------------------- */

static struct sasl_plain p;

static enum sasl_result plain_octets(const void *msg, size_t len)
{
	memset(&p, GUARD, sizeof p);
	return sasl_plain(msg, len, &p);
}

/* A string literal with its NULs inside and without the one at its end. */
#define plain(literal) plain_octets(literal, sizeof(literal) - 1)

#define is(result, literal) \
	do { \
		ck_assert_int_eq(plain(literal), result); \
		ck_assert_ptr_null(p.name); \
		ck_assert_ptr_null(p.secret); \
		ck_assert_uint_eq(p.name_len, 0); \
		ck_assert_uint_eq(p.secret_len, 0); \
	} while (0)

static void names(const char *name, const char *secret)
{
	ck_assert_uint_eq(p.name_len, strlen(name));
	ck_assert_mem_eq(p.name, name, p.name_len);
	ck_assert_int_eq(p.name[p.name_len], '\0');
	ck_assert_uint_eq(p.secret_len, strlen(secret));
	ck_assert_mem_eq(p.secret, secret, p.secret_len);
}

START_TEST(name_and_secret_are_found)
{
	ck_assert_int_eq(plain("\0tim\0tanstaaftanstaaf"), SASL_OK);
	names("tim", "tanstaaftanstaaf");
	ck_assert_int_eq(plain("\0a\0b"), SASL_OK);
	names("a", "b");
	ck_assert_int_eq(plain("\0a/.b@c\0 s p \t\r\n\x01\x7f "), SASL_OK);
	names("a/.b@c", " s p \t\r\n\x01\x7f ");
	ck_assert_int_eq(decode("AHVzZXIAc2VjcmV0"), 0);
	ck_assert_int_eq(plain_octets(out, out_len), SASL_OK);
	names("user", "secret");
}
END_TEST

START_TEST(the_parts_point_into_the_message)
{
	static const char msg[] = "me\0me\0secret";

	ck_assert_int_eq(plain_octets(msg, sizeof msg - 1), SASL_OK);
	ck_assert_ptr_eq(p.name, msg + 3);
	ck_assert_ptr_eq(p.secret, msg + 6);
	ck_assert_uint_eq(p.secret_len, 6);
}
END_TEST

START_TEST(an_authzid_is_the_name_or_refused)
{
	ck_assert_int_eq(plain("tim\0tim\0secret"), SASL_OK);
	names("tim", "secret");
	is(SASL_REFUSED, "Ursel\0Kurt\0xipj3plmq");
	is(SASL_REFUSED, "Tim\0tim\0secret");
	is(SASL_REFUSED, "ti\0tim\0secret");
	is(SASL_REFUSED, "timm\0tim\0secret");
	is(SASL_REFUSED, "tin\0tim\0secret");
	is(SASL_REFUSED, "secret\0tim\0secret");
	is(SASL_REFUSED, " \0tim\0secret");
	is(SASL_REFUSED, "\xff\0tim\0secret");
}
END_TEST

START_TEST(the_nuls_are_two)
{
	is(SASL_BAD, "");
	is(SASL_BAD, "tim");
	is(SASL_BAD, "tim secret");
	is(SASL_BAD, "\0timsecret");
	is(SASL_BAD, "tim\0secret");
	is(SASL_BAD, "\0tim\0secret\0");
	is(SASL_BAD, "\0tim\0sec\0ret");
	is(SASL_BAD, "\0\0tim\0secret");
	is(SASL_BAD, "\0\0\0");
	is(SASL_BAD, "\0");
	ck_assert_int_eq(sasl_plain((const unsigned char *)"", 0, &p),
	    SASL_BAD);
}
END_TEST

START_TEST(name_and_secret_are_not_empty)
{
	is(SASL_BAD, "\0\0");
	is(SASL_BAD, "\0\0secret");
	is(SASL_BAD, "\0tim\0");
	is(SASL_BAD, "tim\0tim\0");
	is(SASL_BAD, "tim\0\0secret");
	is(SASL_BAD, "tim\0\0");
}
END_TEST

START_TEST(no_piece_of_a_message_is_read_beyond)
{
	static const char msg[] = "me\0me\0secret";
	size_t len;

	for (len = 0; len < sizeof msg; len++) {
		unsigned char exact[sizeof msg];

		memset(exact, 'x', sizeof exact);
		memcpy(exact, msg, len);
		/* The last octet of msg is a NUL: the third. */
		ck_assert_int_eq(plain_octets(exact, len),
		    len > 6 && len < sizeof msg ? SASL_OK : SASL_BAD);
		if (len > 6)
			ck_assert_uint_eq(p.secret_len, len - 6);
	}
	ck_assert_int_eq(plain_octets(msg, sizeof msg), SASL_BAD);
}
END_TEST

/* A message of three parts of so many octets 'a'. */
static enum sasl_result parts(size_t as, size_t name, size_t secret)
{
	static unsigned char msg[1024];
	size_t len = as + name + secret + 2;

	memset(msg, 'a', sizeof msg);
	msg[as] = msg[as + 1 + name] = '\0';
	return plain_octets(msg, len);
}

START_TEST(parts_of_255_octets_pass_and_of_256_do_not)
{
	ck_assert_int_eq(parts(0, 255, 255), SASL_OK);
	ck_assert_uint_eq(p.name_len, 255);
	ck_assert_uint_eq(p.secret_len, 255);
	ck_assert_int_eq(parts(255, 255, 255), SASL_OK);
	ck_assert_int_eq(parts(0, 256, 1), SASL_REFUSED);
	ck_assert_ptr_null(p.name);
	ck_assert_int_eq(parts(0, 1, 256), SASL_REFUSED);
	ck_assert_int_eq(parts(256, 256, 1), SASL_REFUSED);
	ck_assert_int_eq(parts(256, 1, 1), SASL_REFUSED);
	ck_assert_int_eq(parts(0, 400, 400), SASL_REFUSED);
}
END_TEST

START_TEST(a_name_is_of_printable_ascii)
{
	int c;

	for (c = 1; c < 256; c++) {
		unsigned char msg[] = "\0x?x\0secret";

		msg[2] = (unsigned char)c;
		ck_assert_int_eq(plain_octets(msg, sizeof msg - 1),
		    c > 0x20 && c < 0x7f ? SASL_OK : SASL_REFUSED);
	}
	is(SASL_REFUSED, "\0j\xc3\xb6rg\0secret");
}
END_TEST

static const char *const utf8[] = {
	"\x01", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
	"\xe1\x80\x80", "\xec\xbf\xbf", "\xed\x80\x80", "\xed\x9f\xbf",
	"\xee\x80\x80", "\xef\xbf\xbf", "\xef\xbb\xbf", "\xf0\x90\x80\x80",
	"\xf1\x80\x80\x80", "\xf3\xbf\xbf\xbf", "\xf4\x80\x80\x80",
	"\xf4\x8f\xbf\xbf", "p\xc3\xa4ss\xe2\x82\xac\xf0\x9f\x90\x88!",
};

static const char *const not_utf8[] = {
	"\x80", "\xbf", "\xff", "\xfe", "\xe4",		/* Latin-1 */
	"\xc0\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf",
	"\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf",		/* overlong */
	"\xed\xa0\x80", "\xed\xbf\xbf", "\xed\xad\xbf\xed\xbf\xbf",
	"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf7\xbf\xbf\xbf",
	"\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80",
	"\xc2", "\xe1\x80", "\xf1\x80\x80",		/* cut short */
	"\xc2x", "\xe1\x80x", "\xe1x\x80", "\xf1\x80\x80x", "\xf1\x80x\x80",
	"\xc2\xc2", "\xe1\x80\xc0", "\xf1\x80\x80\xff", "\xc2\x80\x80",
	"\xe1\xbf\x7f", "\xf1\xbf\xbf\x7f", "\xe1\x80\xe1",
};

/* In memory that ends where the message does. */
static enum sasl_result plain_alone(const char *msg, size_t len)
{
	char *exact = malloc(len);
	enum sasl_result r;

	memcpy(exact, msg, len);
	r = plain_octets(exact, len);
	free(exact);
	return r;
}

/* With it as the secret, alone and between others. */
static void secret(const char *text, enum sasl_result result)
{
	char msg[64] = "\0tim";
	size_t len = strlen(text);

	memcpy(msg + 5, text, len);
	ck_assert_int_eq(plain_alone(msg, 5 + len), result);
	memcpy(msg + 5, "ab", 2);
	memcpy(msg + 7, text, len);
	msg[7 + len] = 'c';
	ck_assert_int_eq(plain_alone(msg, 8 + len), result);
}

START_TEST(a_secret_is_utf8)
{
	secret(utf8[_i], SASL_OK);
}
END_TEST

START_TEST(a_secret_that_is_not_utf8_is_refused)
{
	secret(not_utf8[_i], SASL_REFUSED);
}
END_TEST

/* The definition instead of the table: RFC 3629 section 3. */
static size_t put_character(uint32_t c, char *to)
{
	if (c < 0x80)
		return (size_t)(*to = (char)c, 1);
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 63));
		to[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 63));
	to[2] = (char)(0x80 | (c >> 6 & 63));
	to[3] = (char)(0x80 | (c & 63));
	return 4;
}

START_TEST(each_character_there_is_passes_and_no_other)
{
	char msg[16] = "\0t\0";
	uint32_t c;

	for (c = 1; c < 0x120000; c++) {
		size_t len = put_character(c, msg + 3);
		bool good = c < 0xd800 || (c > 0xdfff && c < 0x110000);

		if ((plain_octets(msg, 3 + len) == SASL_OK) != good)
			ck_abort_msg("U+%04X", c);
	}
}
END_TEST

Suite *sasl_suite(void)
{
	Suite *s = suite_create("sasl");
	TCase *tc;

	tc = unit_case(s, "base64 (P-90, RFC 4648)");
	tcase_add_loop_test(tc, the_vectors_of_the_rfc, 0, COUNT(vector));
	tcase_add_test(tc, any_octets_come_back_as_they_were);
	tcase_add_test(tc, each_octet_in_each_place_is_base64_or_refused);
	tcase_add_loop_test(tc,
	    what_is_not_strict_is_refused_and_leaves_nothing, 0, COUNT(bad));
	tcase_add_test(tc, a_nul_does_not_end_the_text);
	tcase_add_test(tc, the_pad_bits_are_zero_or_it_is_refused);

	tc = unit_case(s, "base64: room and wiping (P-91, S-6)");
	tcase_add_loop_test(tc, the_room_is_kept_to_the_octet, 0, 3);
	tcase_add_test(tc, a_fault_at_the_end_wipes_the_beginning);
	tcase_add_test(tc, the_longest_plain_fits_the_longest_line);

	tc = unit_case(s, "PLAIN (P-95, RFC 4616 section 2)");
	tcase_add_test(tc, name_and_secret_are_found);
	tcase_add_test(tc, the_parts_point_into_the_message);
	tcase_add_test(tc, the_nuls_are_two);
	tcase_add_test(tc, name_and_secret_are_not_empty);
	tcase_add_test(tc, no_piece_of_a_message_is_read_beyond);

	tc = unit_case(s, "PLAIN: nobody's credentials (P-93, P-95...P-97)");
	tcase_add_test(tc, an_authzid_is_the_name_or_refused);
	tcase_add_test(tc, parts_of_255_octets_pass_and_of_256_do_not);
	tcase_add_test(tc, a_name_is_of_printable_ascii);
	tcase_add_loop_test(tc, a_secret_is_utf8, 0, COUNT(utf8));
	tcase_add_loop_test(tc, a_secret_that_is_not_utf8_is_refused, 0,
	    COUNT(not_utf8));
	tcase_add_test(tc, each_character_there_is_passes_and_no_other);
	return s;
}
