/* test_proxy.c - the header of the PROXY protocol. */
#include "unit.h"

#include "base/idle.h"
#include "wire/proxy.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GUARD 0xa5	/* what no parser left */

static struct proxy p;

static bool is_empty(void)
{
	return p.peer.ip[0] == '\0' && p.peer.port[0] == '\0' && p.local &&
	    !p.tls && p.tls_text[0] == '\0';
}

static bool is_peer(const char *ip, const char *port)
{
	return strcmp(p.peer.ip, ip) == 0 && strcmp(p.peer.port, port) == 0 &&
	    !p.local;
}

/* --- version 1 ----------------------------------------------------------- */

/* From memory that ends where the line does. */
static int v1_octets(const char *line, size_t len)
{
	char *exact = malloc(len + 1);
	int r;

	memcpy(exact + 1, line, len);
	memset(&p, GUARD, sizeof p);
	r = proxy_parse_v1(exact + 1, len, &p);
	free(exact);
	if (r == -1)
		ck_assert(is_empty());
	return r;
}

static int v1(const char *line)
{
	return v1_octets(line, strlen(line));
}

static const struct {
	const char *line, *ip, *port;
} v1_good[] = {
	{ "PROXY TCP4 192.0.2.1 198.51.100.2 56324 110\r\n", "192.0.2.1",
	  "56324" },
	{ "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
	  "255.255.255.255", "65535" },
	{ "PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0", "0" },
	{ "PROXY TCP6 2001:db8::1 2001:db8::2 56324 110\r\n", "2001:db8::1",
	  "56324" },
	{ "PROXY TCP6 2001:0DB8:0000::0001 ::1 1 2\r\n", "2001:db8::1", "1" },
	{ "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "65535" },
	{ "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 7 8\r\n",
	  "192.0.2.1", "7" },
	{ "PROXY TCP6 ::ffff:c000:201 ::1 7 8\r\n", "192.0.2.1", "7" },
};

START_TEST(the_source_of_version_1_is_the_peer)
{
	ck_assert_int_eq(v1(v1_good[_i].line), 0);
	ck_assert(is_peer(v1_good[_i].ip, v1_good[_i].port));
	ck_assert(!p.tls);
	ck_assert_str_eq(p.tls_text, "");
}
END_TEST

static const char *const v1_unknown[] = {
	"PROXY UNKNOWN\r\n",
	"PROXY UNKNOWN \r\n",
	"PROXY UNKNOWN any thing \x01\xff\r goes\r\n",
	("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
};

START_TEST(unknown_leaves_the_real_endpoints)
{
	ck_assert_int_eq(v1(v1_unknown[_i]), 0);
	ck_assert(is_empty());
}
END_TEST

static const char *const v1_bad[] = {
	"", "\n", "\r\n", "P", "PROXY", "PROXY\r\n", "PROXY \r\n",
	"PROXY TCP4\r\n", "PROXY TCP4 \r\n", "PROXY TCP4    \r\n",
	/* line ends */
	"PROXY TCP4 192.0.2.1 192.0.2.2 1 2",
	"PROXY UNKNOWN", "PROXY UNKNOWN\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r",
	"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nCAPA\r\n",
	"PROXY UNKNOWN\nPROXY UNKNOWN\r\n", "PROXY UNKNOWN x\ny\r\n",
	/* words */
	"proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
	"PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n",
	"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
	"PROXY TCP 192.0.2.1 192.0.2.2 1 2\r\n",
	"PROXY TCP44 192.0.2.1 192.0.2.2 1 2\r\n",
	"PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
	"PROXY UNKNOWNS\r\n", "PROXY UNKNOW\r\n", "PROXY unknown\r\n",
	"PROXYTCP4 192.0.2.1 192.0.2.2 1 2\r\n", "PASS secret and more\r\n",
	/* blanks */
	" PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
	"PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
	"PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
	"PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2  1 2\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2 1  2\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n",
	"PROXY TCP4\t192.0.2.1 192.0.2.2 1 2\r\n",
	"PROXY TCP4 192.0.2.1\t192.0.2.2 1 2\r\n",
	/* too few, too many */
	"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2\r\n", "PROXY TCP4 192.0.2.1\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
	/* addresses */
	"PROXY TCP4 192.0.02.1 192.0.2.2 1 2\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.02 1 2\r\n",
	"PROXY TCP4 00.0.0.0 192.0.2.2 1 2\r\n",
	"PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n",
	"PROXY TCP4 192.0.2.1.1 192.0.2.2 1 2\r\n",
	"PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.256 1 2\r\n",
	"PROXY TCP4 3221225985 192.0.2.2 1 2\r\n",
	"PROXY TCP4 localhost 192.0.2.2 1 2\r\n",
	"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
	"PROXY TCP4 192.0.2.1 ::1 1 2\r\n",
	"PROXY TCP4 ::ffff:192.0.2.1 192.0.2.2 1 2\r\n",
	"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
	"PROXY TCP6 ::1 192.0.2.2 1 2\r\n",
	"PROXY TCP6 2001:db8::1::2 ::1 1 2\r\n",
	"PROXY TCP6 2001:db8::12345 ::1 1 2\r\n",
	"PROXY TCP6 fe80::1%lo ::1 1 2\r\n", "PROXY TCP6 [::1] ::1 1 2\r\n",
	"PROXY TCP6 0:0:0:0:0:0:0:0:0 ::1 1 2\r\n",
	"PROXY TCP6 000000000000000000000000000000000000000000000 ::1 1 2\r\n",
	"PROXY TCP6 0000000000000000000000000000000000000000000000 ::1 1 2\r\n",
	"PROXY TCP6 0000:0000:0000:0000:0000:0000:0000:0000::00 ::1 1 2\r\n",
	"PROXY TCP6 0000:0000:0000:0000:0000:0000:0000:0000:0000 ::1 1 2\r\n",
	/* ports */
	"PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2 1 02\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2 00 2\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2 1x 2\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2 1 x2\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2 18446744073709551617 2\r\n",
};

START_TEST(a_deviation_in_version_1_is_refused)
{
	ck_assert_int_eq(v1(v1_bad[_i]), -1);
}
END_TEST

START_TEST(a_nul_in_version_1_cuts_nothing)
{
	static const char first[] =
	    "PROXY TCP4 192.0.2.1\0x 192.0.2.2 1 2\r\n";
	static const char second[] =
	    "PROXY TCP4 192.0.2.1 192.0.2.2\0 1 2\r\n";
	static const char third[] = "PROXY TCP4 192.0.2.1 192.0.2.2 1\0 2\r\n";
	static const char word[] = "PROXY TCP4\0 192.0.2.1 192.0.2.2 1 2\r\n";

	ck_assert_int_eq(v1_octets(first, sizeof first - 1), -1);
	ck_assert_int_eq(v1_octets(second, sizeof second - 1), -1);
	ck_assert_int_eq(v1_octets(third, sizeof third - 1), -1);
	ck_assert_int_eq(v1_octets(word, sizeof word - 1), -1);
}
END_TEST

/* UNKNOWN, filled up to len octets with CRLF. */
static const char *long_line(size_t len)
{
	static char line[256];

	memset(line, 'x', sizeof line);
	memcpy(line, "PROXY UNKNOWN ", 14);
	memcpy(line + len - 2, "\r\n", 3);
	return line;
}

START_TEST(version_1_has_107_octets_at_most)
{
	ck_assert_int_eq(v1(long_line(106)), 0);
	ck_assert_int_eq(v1(long_line(107)), 0);
	ck_assert_int_eq(v1(long_line(108)), -1);
	ck_assert_int_eq(v1(long_line(109)), -1);
}
END_TEST

START_TEST(version_1_cut_anywhere_is_refused)
{
	size_t len;

	for (len = 0; len < strlen(v1_good[_i].line); len++)
		ck_assert_int_eq(v1_octets(v1_good[_i].line, len), -1);
}
END_TEST

/* --- version 2 ----------------------------------------------------------- */

static unsigned char h[70000];	/* the header being made */
static size_t h_len;

static void add(const void *octets, size_t len)
{
	ck_assert_uint_le(h_len + len, sizeof h);
	memcpy(h + h_len, octets, len);
	h_len += len;
	h[14] = (unsigned char)((h_len - 16) >> 8);
	h[15] = (unsigned char)(h_len - 16);
}

static void fill(size_t len)
{
	while (len-- > 0)
		add("z", 1);
}

/* The first 16 octets. */
static void begin(unsigned command, unsigned family)
{
	unsigned char two[2] = { (unsigned char)command,
		(unsigned char)family };

	memset(h, GUARD, sizeof h);
	memcpy(h, "\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a", 12);
	memcpy(h + 12, two, 2);
	h_len = 16;
	add("", 0);
}

#define TCP4 "\xc0\x00\x02\x01" "\xc6\x33\x64\x02" "\xdc\x04" "\x00\x6e"
#define TCP6 \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01" \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02" "\xdc\x04" "\x00\x6e"

static void tcp4(void)
{
	begin(0x21, 0x11);
	add(TCP4, 12);
}

static void tcp6(void)
{
	begin(0x21, 0x21);
	add(TCP6, 36);
}

static void tlv(unsigned type, const void *value, size_t len)
{
	unsigned char start[3] = { (unsigned char)type,
		(unsigned char)(len >> 8), (unsigned char)len };

	add(start, 3);
	add(value, len);
}

static const char nothing[0xffff];	/* a value of any length */

/* With a table, as the parser has none. */
static uint32_t crc32c(const unsigned char *octets, size_t len)
{
	uint32_t table[256], crc = 0xffffffff, n;
	size_t i;

	for (n = 0; n < 256; n++) {
		uint32_t c = n;

		for (i = 0; i < 8; i++)
			c = c & 1 ? c >> 1 ^ 0x82f63b78 : c >> 1;
		table[n] = c;
	}
	while (len-- > 0)
		crc = crc >> 8 ^ table[(crc ^ *octets++) & 255];
	return ~crc;
}

/* A TLV for the sum; sum_now() sets it when the header is whole. */
static size_t sum_at;

static void sum_place(void)
{
	tlv(0x03, "\0\0\0\0", 4);
	sum_at = h_len - 4;
}

static void sum_now(void)
{
	uint32_t crc = crc32c(h, h_len);

	h[sum_at] = (unsigned char)(crc >> 24);
	h[sum_at + 1] = (unsigned char)(crc >> 16);
	h[sum_at + 2] = (unsigned char)(crc >> 8);
	h[sum_at + 3] = (unsigned char)crc;
}

/* From memory that ends where the header does. */
static int v2_octets(size_t len)
{
	unsigned char *exact = malloc(len + 1);
	int r;

	memcpy(exact + 1, h, len);
	memset(&p, GUARD, sizeof p);
	r = proxy_parse_v2(exact + 1, len, &p);
	free(exact);
	if (r == -1)
		ck_assert(is_empty());
	return r;
}

static int v2(void)
{
	return v2_octets(h_len);
}

START_TEST(the_source_of_version_2_is_the_peer)
{
	tcp4();
	ck_assert_int_eq(v2(), 0);
	ck_assert(is_peer("192.0.2.1", "56324"));
	ck_assert(!p.tls);
	tcp6();
	ck_assert_int_eq(v2(), 0);
	ck_assert(is_peer("2001:db8::1", "56324"));
	begin(0x21, 0x21);
	add("\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x07", 16);
	add(TCP6, 20);
	ck_assert_int_eq(v2(), 0);
	ck_assert_str_eq(p.peer.ip, "192.0.2.7");
}
END_TEST

START_TEST(local_leaves_the_real_endpoints_whatever_its_block)
{
	begin(0x20, 0x00);	/* as health checks are sent */
	ck_assert_int_eq(v2(), 0);
	ck_assert(is_empty());
	ck_assert_int_eq(v2_octets(17), -1);	/* not a header alone */
	begin(0x20, 0x11);
	add(TCP4, 12);
	tlv(0x20, "\x01\0\0\0\0", 5);
	ck_assert_int_eq(v2(), 0);
	ck_assert(is_empty());
	begin(0x20, 0xff);
	fill(5);
	ck_assert_int_eq(v2(), 0);
	ck_assert(is_empty());
	begin(0x20, 0x21);
	fill(8192);
	ck_assert_int_eq(v2(), 0);
	fill(1);
	ck_assert_int_eq(v2(), -1);
}
END_TEST

/* The octets its addresses have; -1: must be dropped. */
static int needed(unsigned family)
{
	static const int octets[] = { 0, 12, 36, 216 };

	return family >> 4 > 3 || (family & 15) > 2 ? -1 :
	    octets[family >> 4];
}

START_TEST(every_family_is_taken_or_left_or_dropped)
{
	unsigned family;

	for (family = 0; family < 256; family++) {
		int octets = needed(family);

		begin(0x21, family);
		add(TCP6 TCP6 TCP6 TCP6 TCP6 TCP6, octets == -1 ? 216 :
		    (size_t)octets);
		ck_assert_int_eq(v2(), octets == -1 ? -1 : 0);
		ck_assert_int_eq(p.local, family != 0x11 && family != 0x21);
		if (p.local)
			ck_assert(is_empty());
		if (octets > 0)
			ck_assert_int_eq((begin(0x21, family),
			    fill((size_t)octets - 1), v2()), -1);
	}
}
END_TEST

START_TEST(tlvs_count_where_no_peer_is_named_too)
{
	static const unsigned family[] = { 0x00, 0x12, 0x22, 0x31, 0x32 };
	size_t i;

	for (i = 0; i < COUNT(family); i++) {
		begin(0x21, family[i]);
		fill((size_t)needed(family[i]));
		tlv(0x20, "\x01\0\0\0\0\x21\0\7TLSv1.3", 15);
		ck_assert_int_eq(v2(), 0);
		ck_assert(p.local);
		ck_assert(p.tls);
		ck_assert_str_eq(p.tls_text, "TLSv1.3");
		ck_assert_str_eq(p.peer.ip, "");
		add("\x04", 1);
		ck_assert_int_eq(v2(), -1);
	}
}
END_TEST

START_TEST(every_version_and_command_but_two_is_dropped)
{
	unsigned command;

	for (command = 0; command < 256; command++) {
		begin(command, 0x11);
		add(TCP4, 12);
		ck_assert_int_eq(v2(), command == 0x21 || command == 0x20 ?
		    0 : -1);
	}
}
END_TEST

START_TEST(an_octet_of_the_signature_that_differs_is_refused)
{
	size_t i;

	for (i = 0; i < 12; i++) {
		tcp4();
		h[i] ^= 1;
		ck_assert_int_eq(v2(), -1);
	}
}
END_TEST

/* One with everything in it: what a proxy may say at most. */
static void rich(void)
{
	tcp6();
	sum_place();
	tlv(0x01, "pop3", 4);
	tlv(0x02, "mail.example.org", 16);
	tlv(0x04, "\0\0\0", 3);
	tlv(0x05, "0123456789abcdef", 16);
	tlv(0x20, "\x07\0\0\0\0" "\x21\0\7TLSv1.3" "\x22\0\5alice"
	    "\x23\0\2ab" "\x24\0\1c" "\x25\0\1d" "\x26\0\1e" "\x27\0\1f"
	    "\x28\0\0", 15 + 8 + 5 + 4 * 4 + 3);
	tlv(0x30, "blue", 4);
	tlv(0xe0, "", 0);
	tlv(0xff, "\xff\xff\xff", 3);
	sum_now();
}

START_TEST(version_2_cut_anywhere_is_refused)
{
	size_t len, whole;

	rich();
	whole = h_len;
	for (len = 0; len < whole; len++)
		ck_assert_int_eq(v2_octets(len), -1);
	ck_assert_int_eq(v2_octets(whole), 0);
	ck_assert_int_eq(v2_octets(whole + 1), -1);
	ck_assert(is_empty());
}
END_TEST

/* Cut, and the length says so: only between TLVs is that a header. */
START_TEST(tlvs_fill_the_block_exactly)
{
	static const unsigned char value[] = "\x01\0\0\0\0";
	size_t len;

	tcp4();
	tlv(0x04, "", 0);
	tlv(0x05, "id", 2);
	tlv(0x20, value, 5);
	for (len = 16; len <= 16 + 12 + 3 + 5 + 8; len++) {
		h_len = len;
		add("", 0);
		ck_assert_int_eq(v2(), len == 28 || len == 31 || len == 36 ||
		    len == 44 ? 0 : -1);
	}
	tcp4();
	add("\x04\xff\xff", 3);
	ck_assert_int_eq(v2(), -1);
	tcp4();
	add("\x04\0\1", 3);
	ck_assert_int_eq(v2(), -1);
}
END_TEST

START_TEST(all_kinds_of_tlv_together)
{
	rich();
	ck_assert_int_eq(v2(), 0);
	ck_assert(is_peer("2001:db8::1", "56324"));
	ck_assert(p.tls);
	ck_assert_str_eq(p.tls_text, "TLSv1.3");
}
END_TEST

START_TEST(a_type_that_means_nothing_is_skipped)
{
	unsigned type;

	for (type = 0; type < 256; type++) {
		if (type == 0x03 || type == 0x05 || type == 0x20)
			continue;
		tcp4();
		tlv(type, "", 0);
		tlv(type, nothing, 500);
		ck_assert_int_eq(v2(), 0);
		ck_assert(is_peer("192.0.2.1", "56324"));
		ck_assert(!p.tls);
	}
}
END_TEST

START_TEST(a_unique_id_has_128_octets_at_most)
{
	tcp4();
	tlv(0x05, nothing, 0);
	tlv(0x05, nothing, 128);
	ck_assert_int_eq(v2(), 0);
	tcp4();
	tlv(0x05, nothing, 129);
	ck_assert_int_eq(v2(), -1);
}
END_TEST

START_TEST(a_block_has_8192_octets_at_most)
{
	tcp4();
	tlv(0x04, nothing, 8192 - 12 - 3);
	ck_assert_uint_eq(h_len, 16 + 8192);
	ck_assert_int_eq(v2(), 0);
	tcp4();
	tlv(0x04, nothing, 8192 - 12 - 3 + 1);
	ck_assert_int_eq(v2(), -1);
	tcp4();
	tlv(0x04, nothing, 0xffff - 12 - 3);
	ck_assert_int_eq(v2(), -1);
}
END_TEST

START_TEST(the_sum_of_the_rule)
{
	ck_assert_uint_eq(crc32c((const unsigned char *)"123456789", 9),
	    0xe3069283);
}
END_TEST

START_TEST(a_right_sum_passes_wherever_it_stands)
{
	tcp4();
	sum_place();
	sum_now();
	ck_assert_int_eq(v2(), 0);
	tcp6();
	tlv(0x05, "id", 2);
	sum_place();
	tlv(0x04, "padding", 7);
	sum_now();
	ck_assert_int_eq(v2(), 0);
	begin(0x21, 0x00);
	sum_place();
	sum_now();
	ck_assert_int_eq(v2(), 0);
}
END_TEST

START_TEST(one_bit_that_differs_is_seen_by_the_sum)
{
	size_t bit;

	tcp4();
	sum_place();
	tlv(0x05, "id", 2);
	sum_now();
	for (bit = 16 * 8; bit < h_len * 8; bit++) {
		h[bit / 8] ^= (unsigned char)(1 << bit % 8);
		if (bit / 8 != 28)	/* the sum's own type */
			ck_assert_int_eq(v2(), -1);
		h[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	ck_assert_int_eq(v2(), 0);
}
END_TEST

START_TEST(a_sum_has_four_octets)
{
	size_t len;

	for (len = 0; len < 9; len++) {
		tcp4();
		tlv(0x03, "\0\0\0\0\0\0\0\0\0", len);
		sum_at = 31;
		if (len >= 4)
			sum_now();
		ck_assert_int_eq(v2(), len == 4 ? 0 : -1);
	}
}
END_TEST

static void ssl(const char *value, size_t len)
{
	tcp4();
	tlv(0x20, value, len);
}

START_TEST(the_first_bit_says_whether_there_is_tls)
{
	char value[] = "?\0\0\0\0\x21\0\7TLSv1.2";
	unsigned client;

	for (client = 0; client < 256; client++) {
		value[0] = (char)client;
		ssl(value, sizeof value - 1);
		ck_assert_int_eq(v2(), 0);
		ck_assert_int_eq(p.tls, client & 1);
		ck_assert_str_eq(p.tls_text, client & 1 ? "TLSv1.2" : "");
	}
	ssl("\x01\xff\xff\xff\xff", 5);		/* no certificate */
	ck_assert_int_eq(v2(), 0);
	ck_assert(p.tls);
	ck_assert_str_eq(p.tls_text, "");
}
END_TEST

START_TEST(an_ssl_tlv_cut_anywhere_is_refused)
{
	static const char value[] =
	    "\x01\0\0\0\0\x21\0\7TLSv1.3\x22\0\5alice";
	size_t len;

	for (len = 0; len < sizeof value; len++) {
		ssl(value, len);
		ck_assert_int_eq(v2(), len == 5 || len == 15 || len == 23 ?
		    0 : -1);
	}
	ssl("\x01\0\0\0\0\x22\xff\xff" "alice", 13);
	ck_assert_int_eq(v2(), -1);
}
END_TEST

START_TEST(an_ssl_tlv_comes_once)
{
	ssl("\x01\0\0\0\0", 5);
	tlv(0x20, "\0\0\0\0\0", 5);
	ck_assert_int_eq(v2(), -1);
}
END_TEST

static const struct {
	const char *said;
	size_t len;
	const char *text;
} version[] = {
	{ "TLSv1.3", 7, "TLSv1.3" },
	{ "!~", 2, "!~" },
	{ "", 0, "" },
	{ "TLS 1.3", 7, "" },
	{ "TLSv1.3\n", 8, "" },
	{ "TLS\0v1.3", 8, "" },
	{ "TLSv1.3\x7f", 8, "" },
	{ "\xffTLS", 4, "" },
	{ "12345678901234567890123456789012", 32,
	  "12345678901234567890123456789012" },
	{ "123456789012345678901234567890123", 33, "" },
};

START_TEST(a_version_is_printable_and_short_or_not_told)
{
	char value[64] = "\x01\0\0\0\0\x21\0";

	value[7] = (char)version[_i].len;
	memcpy(value + 8, version[_i].said, version[_i].len);
	ssl(value, 8 + version[_i].len);
	ck_assert_int_eq(v2(), 0);
	ck_assert(p.tls);
	ck_assert_str_eq(p.tls_text, version[_i].text);
}
END_TEST

START_TEST(random_changes_never_name_somebody_and_fail)
{
	static unsigned char kept[sizeof h];
	uint32_t seed = 131;
	size_t len, i, n;

	rich();
	len = h_len;
	memcpy(kept, h, len);
	for (i = 0; i < 200000; i++) {
		memcpy(h, kept, len);
		for (n = dice(&seed) % 4 + 1; n > 0; n--)
			h[12 + dice(&seed) % (len - 12)] =
			    (unsigned char)(dice(&seed) >> 24);
		v2_octets(dice(&seed) % 4 == 0 ? dice(&seed) % len : len);
	}
}
END_TEST

/* --- reading ------------------------------------------------------------- */

static int input[2];	/* [0] is read by the program */

static void connection(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    input), 0);
}

static void arrived(const void *octets, size_t len)
{
	ck_assert_int_eq(write(input[1], octets, len), (ssize_t)len);
}

static enum proxy_result read_it(void)
{
	memset(&p, GUARD, sizeof p);
	return proxy_read(input[0], &p);
}

/* What proxy_read() left, and the end of it. */
static void left_is(const char *text)
{
	char buf[64];
	size_t len;

	close(input[1]);
	len = drain(input[0], buf, sizeof buf);
	ck_assert_uint_eq(len, strlen(text));
	ck_assert_mem_eq(buf, text, len);
	close(input[0]);
}

START_TEST(not_one_octet_after_version_1_is_read)
{
	connection();
	arrived(v1_good[_i].line, strlen(v1_good[_i].line));
	arrived("CAPA\r\n", 6);
	ck_assert_int_eq(read_it(), PROXY_OK);
	ck_assert(is_peer(v1_good[_i].ip, v1_good[_i].port));
	left_is("CAPA\r\n");
}
END_TEST

START_TEST(not_one_octet_after_version_2_is_read)
{
	connection();
	rich();
	arrived(h, h_len);
	arrived("CAPA\r\n", 6);
	ck_assert_int_eq(read_it(), PROXY_OK);
	ck_assert(is_peer("2001:db8::1", "56324"));
	ck_assert(p.tls);
	left_is("CAPA\r\n");

	connection();
	begin(0x20, 0);
	arrived(h, h_len);
	arrived("\x16\x03", 2);
	ck_assert_int_eq(read_it(), PROXY_OK);
	ck_assert(is_empty());
	left_is("\x16\x03");

	connection();
	begin(0x20, 0);
	fill(8192);
	arrived(h, h_len);
	arrived("x", 1);
	ck_assert_int_eq(read_it(), PROXY_OK);
	left_is("x");
}
END_TEST

START_TEST(unknown_is_read_and_leaves_the_real_endpoints)
{
	connection();
	arrived(long_line(107), 107);
	arrived("Q", 1);
	ck_assert_int_eq(read_it(), PROXY_OK);
	ck_assert(is_empty());
	left_is("Q");
}
END_TEST

START_TEST(the_octet_after_the_107th_stays)
{
	connection();
	arrived(long_line(108), 108);
	ck_assert_int_eq(read_it(), PROXY_BAD);
	ck_assert(is_empty());
	left_is("\n");
}
END_TEST

START_TEST(a_bad_line_is_bad_when_read)
{
	size_t i;

	for (i = 0; i < COUNT(v1_bad); i++) {
		connection();
		/* Some are bad because of what follows; reading stops there. */
		arrived(v1_bad[i], strlen(v1_bad[i]));
		close(input[1]);
		if (strncmp(v1_bad[i], "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
		    36) == 0)
			ck_assert_int_eq(read_it(), PROXY_OK);
		else if (v1_bad[i][0] == '\0')
			ck_assert_int_eq(read_it(), PROXY_EOF);
		else
			ck_assert_int_eq(read_it(), PROXY_BAD);
		close(input[0]);
	}
}
END_TEST

/* The length says 8193: the 17th octet must not be waited for. */
START_TEST(too_long_a_block_is_refused_before_it_comes)
{
	connection();
	tcp4();
	tlv(0x04, nothing, 8192 - 12 - 3 + 1);
	arrived(h, 16);
	ck_assert_int_eq(read_it(), PROXY_BAD);
	left_is("");
	connection();
	begin(0x22, 0x11);
	add(TCP4, 12);
	arrived(h, 17);
	ck_assert_int_eq(read_it(), PROXY_BAD);
	left_is("\xc0");
}
END_TEST

START_TEST(another_protocol_is_found_out_by_its_first_octets)
{
	static const struct {
		const char *text, *left;
	} other[] = {
		{ "USER x\r\n", "SER x\r\n" }, { "\r\n\r\n\r\n", "\n" },
		{ "PASS x", "SS x" }, { "PROXy TCP4 ", " TCP4 " },
		{ "\x16\x03\x01", "\x03\x01" }, { "\nPROXY", "PROXY" },
		{ "proxy", "roxy" }, { "\rPROXY", "ROXY" },
	};
	size_t i;

	for (i = 0; i < COUNT(other); i++) {
		connection();
		arrived(other[i].text, strlen(other[i].text));
		ck_assert_int_eq(read_it(), PROXY_BAD);
		left_is(other[i].left);
	}
}
END_TEST

START_TEST(a_connection_without_an_octet_is_a_health_check)
{
	connection();
	close(input[1]);
	ck_assert_int_eq(read_it(), PROXY_EOF);
	ck_assert(is_empty());
	close(input[0]);
	/* A reset: what we sent was not read. */
	connection();
	ck_assert_int_eq(write(input[0], "x", 1), 1);
	close(input[1]);
	ck_assert_int_eq(read_it(), PROXY_EOF);
	close(input[0]);
}
END_TEST

START_TEST(the_end_inside_a_header_is_bad)
{
	size_t len, whole;

	rich();
	whole = h_len;
	for (len = 1; len < whole; len++) {
		connection();
		arrived(h, len);
		close(input[1]);
		ck_assert_int_eq(read_it(), PROXY_BAD);
		ck_assert(is_empty());
		close(input[0]);
	}
	whole = strlen(v1_good[0].line);
	for (len = 1; len < whole; len++) {
		connection();
		arrived(v1_good[0].line, len);
		close(input[1]);
		ck_assert_int_eq(read_it(), PROXY_BAD);
		ck_assert(is_empty());
		close(input[0]);
	}
}
END_TEST

/* --- slowly -------------------------------------------------------------- */

static void pause_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* Another process, that writes an octet every so many ms, and then stays. */
static pid_t drip(const void *octets, size_t len, long ms)
{
	const char *at = octets;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	close(input[0]);
	for (; len > 0; at++, len--) {
		pause_ms(ms);
		if (write(input[1], at, 1) != 1)
			_exit(1);
	}
	pause();
	_exit(0);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(input[0]);
	close(input[1]);
}

static void without_blocking(void)
{
	ck_assert_int_eq(fcntl(input[0], F_SETFL, O_NONBLOCK), 0);
}

START_TEST(octet_by_octet_is_as_good)
{
	pid_t pid;

	connection();
	if (_i)
		without_blocking();
	pid = drip(v1_good[3].line, strlen(v1_good[3].line), 1);
	ck_assert_int_eq(read_it(), PROXY_OK);
	ck_assert(is_peer(v1_good[3].ip, v1_good[3].port));
	end(pid);

	connection();
	if (_i)
		without_blocking();
	rich();
	pid = drip(h, h_len, 1);
	ck_assert_int_eq(read_it(), PROXY_OK);
	ck_assert(is_peer("2001:db8::1", "56324"));
	end(pid);
}
END_TEST

/* Whenever nothing is there, another octet comes, 0.4 s later. */
static const unsigned char *dripping;
static size_t dripping_left;

static int another_octet(void)
{
	if (dripping_left > 0) {
		ck_assert_int_eq(write(input[1], dripping, 1), 1);
		dripping++;
		dripping_left--;
	}
	return 0;
}

static void drips(const void *octets, size_t len)
{
	uint64_t began;

	ck_assert_uint_gt(len * 400, PROXY_WAIT * 1000);
	connection();
	dripping = octets;
	dripping_left = len;
	clock_by_waits(400, another_octet);
	began = idle_clock();
	ck_assert_int_eq(read_it(), PROXY_TIMEOUT);
	ck_assert_uint_eq(idle_clock() - began,
	    PROXY_WAIT * UINT64_C(1000000000));
	ck_assert(is_empty());
	close(input[0]);
	close(input[1]);
}

START_TEST(dripping_buys_no_time)
{
	drips(v1_good[3].line, strlen(v1_good[3].line));
	rich();
	drips(h, h_len);
}
END_TEST

START_TEST(silence_ends_after_ten_seconds)
{
	uint64_t began;

	connection();
	arrived("PROXY", (size_t)_i);	/* so many octets, and no more */
	clock_by_waits(60000, NULL);
	began = idle_clock();
	poll_longest = 0;
	ck_assert_int_eq(read_it(), PROXY_TIMEOUT);
	ck_assert(is_empty());
	ck_assert_int_eq(poll_longest, 10000);	/* one wait, no loop */
	ck_assert_uint_eq(idle_clock() - began, UINT64_C(10000000000));
}
END_TEST

static void on_usr1(int sig)
{
	(void)sig;
}

/* Another process, that sends us sig so many times, every 100 ms. */
static pid_t sending(int sig, int times)
{
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	for (; times > 0 && getppid() == parent; times--) {
		pause_ms(100);
		kill(parent, sig);
	}
	_exit(0);
}

static const char *is_interrupted(void)
{
	struct sigaction sa = { .sa_handler = on_usr1 };
	pid_t drops, signals;

	idle_start();
	sigaction(SIGUSR1, &sa, NULL);
	connection();
	drops = drip("PROXY UNKNOWN\r\n", 15, 30);
	signals = sending(SIGUSR1, 20);
	NEED(read_it() == PROXY_OK);
	kill(signals, SIGKILL);
	waitpid(signals, NULL, 0);
	end(drops);
	return NULL;
}

START_TEST(a_signal_that_ends_nothing_does_not_end_the_wait)
{
	assert_in_child(is_interrupted);
}
END_TEST

static int ending;

/* On a machine that has only started, as well: nothing else is armed yet. */
static const char *is_ended(void)
{
	struct timespec before, after;
	pid_t pid;

	clock_ahead(-(int64_t)(idle_clock() / 1000000) + 1000);
	idle_start();
	connection();
	arrived("PROXY", 5);
	clock_gettime(CLOCK_MONOTONIC, &before);
	pid = sending(ending, 1);
	NEED(read_it() == PROXY_TIMEOUT);
	clock_gettime(CLOCK_MONOTONIC, &after);
	NEED(after.tv_sec - before.tv_sec < PROXY_WAIT - 1);
	NEED(is_empty());
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return NULL;
}

START_TEST(sigalrm_and_sigterm_end_the_wait)
{
	static const int sig[] = { SIGALRM, SIGTERM, SIGHUP, SIGINT };

	ending = sig[_i];
	assert_in_child(is_ended);
}
END_TEST

Suite *proxy_suite(void)
{
	Suite *s = suite_create("proxy");
	TCase *tc;

	tc = unit_case(s, "version 1 (P-134)");
	tcase_add_loop_test(tc, the_source_of_version_1_is_the_peer, 0,
	    COUNT(v1_good));
	tcase_add_loop_test(tc, unknown_leaves_the_real_endpoints, 0,
	    COUNT(v1_unknown));
	tcase_add_loop_test(tc, a_deviation_in_version_1_is_refused, 0,
	    COUNT(v1_bad));
	tcase_add_test(tc, a_nul_in_version_1_cuts_nothing);
	tcase_add_test(tc, version_1_has_107_octets_at_most);
	tcase_add_loop_test(tc, version_1_cut_anywhere_is_refused, 0,
	    COUNT(v1_good));

	tc = unit_case(s, "version 2 (P-135, P-136)");
	tcase_add_test(tc, the_source_of_version_2_is_the_peer);
	tcase_add_test(tc,
	    local_leaves_the_real_endpoints_whatever_its_block);
	tcase_add_test(tc, every_family_is_taken_or_left_or_dropped);
	tcase_add_test(tc, tlvs_count_where_no_peer_is_named_too);
	tcase_add_test(tc, every_version_and_command_but_two_is_dropped);
	tcase_add_test(tc, an_octet_of_the_signature_that_differs_is_refused);
	tcase_add_test(tc, version_2_cut_anywhere_is_refused);
	tcase_add_test(tc, a_block_has_8192_octets_at_most);
	tcase_add_test(tc, random_changes_never_name_somebody_and_fail);

	tc = unit_case(s, "version 2: TLVs (P-137)");
	tcase_add_test(tc, tlvs_fill_the_block_exactly);
	tcase_add_test(tc, all_kinds_of_tlv_together);
	tcase_add_test(tc, a_type_that_means_nothing_is_skipped);
	tcase_add_test(tc, a_unique_id_has_128_octets_at_most);

	tc = unit_case(s, "version 2: CRC-32C (P-138)");
	tcase_add_test(tc, the_sum_of_the_rule);
	tcase_add_test(tc, a_right_sum_passes_wherever_it_stands);
	tcase_add_test(tc, one_bit_that_differs_is_seen_by_the_sum);
	tcase_add_test(tc, a_sum_has_four_octets);

	tc = unit_case(s, "version 2: TLS (P-139)");
	tcase_add_test(tc, the_first_bit_says_whether_there_is_tls);
	tcase_add_test(tc, an_ssl_tlv_cut_anywhere_is_refused);
	tcase_add_test(tc, an_ssl_tlv_comes_once);
	tcase_add_loop_test(tc, a_version_is_printable_and_short_or_not_told,
	    0, COUNT(version));

	tc = unit_case(s, "reading, exactly (P-132, P-133)");
	tcase_add_loop_test(tc, not_one_octet_after_version_1_is_read, 0,
	    COUNT(v1_good));
	tcase_add_test(tc, not_one_octet_after_version_2_is_read);
	tcase_add_test(tc, unknown_is_read_and_leaves_the_real_endpoints);
	tcase_add_test(tc, the_octet_after_the_107th_stays);
	tcase_add_test(tc, a_bad_line_is_bad_when_read);
	tcase_add_test(tc, too_long_a_block_is_refused_before_it_comes);
	tcase_add_test(tc, another_protocol_is_found_out_by_its_first_octets);
	tcase_add_test(tc, a_connection_without_an_octet_is_a_health_check);
	tcase_add_test(tc, the_end_inside_a_header_is_bad);

	tc = unit_case(s, "reading, in time (P-131)");
	tcase_add_loop_test(tc, octet_by_octet_is_as_good, 0, 2);
	tcase_add_test(tc, dripping_buys_no_time);
	tcase_add_loop_test(tc, silence_ends_after_ten_seconds, 0, 6);
	tcase_add_test(tc,
	    a_signal_that_ends_nothing_does_not_end_the_wait);
	tcase_add_loop_test(tc, sigalrm_and_sigterm_end_the_wait, 0, 4);
	return s;
}
