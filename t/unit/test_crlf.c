/*
 * test_crlf.c - stored octets to wire octets.
 *
 * canonical() and top_end() say the same as crlf.c in the most naive way; the
 * property tests compare the two over all ways to cut a text into pieces.
 */
#include "unit.h"

#include "base/crlf.h"

#include <stdio.h>
#include <string.h>

#define TEXT 4096	/* octets of the longest text */
#define WIRE (3 * TEXT + 8)

/* The message with every line end as CRLF, nothing stuffed: P-32. */
static size_t canonical(const char *text, size_t len, char *out)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
			out[n++] = '\r';
		out[n++] = text[i];
	}
	if (len > 0 && text[len - 1] != '\n') {
		out[n++] = '\r';
		out[n++] = '\n';
	}
	return n;
}

/* What a client makes of it: a dot at the start of a line is taken away. */
static size_t unstuffed(const char *wire, size_t len, char *out)
{
	bool start = true;
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (!start || wire[i] != '.')
			out[n++] = wire[i];
		start = wire[i] == '\n';
	}
	return n;
}

/* Whether a client could take a line of the message for its end. */
static bool has_lone_dot(const char *wire, size_t len)
{
	size_t i;

	for (i = 0; i + 3 <= len; i++)
		if ((i == 0 || wire[i - 1] == '\n') &&
		    memcmp(wire + i, ".\r\n", 3) == 0)
			return true;
	return false;
}

/* How a text is cut: the pieces' lengths come from bits or from dice(). */
struct cut {
	uint32_t bits;	/* bit i: a cut behind octet i; 0 with a seed */
	uint32_t seed;	/* not 0: pieces of random length */
	size_t room;	/* octets of output at a time; 0: random too */
};

static size_t piece_of(struct cut *c, size_t at, size_t len)
{
	size_t n = 1;

	if (c->seed != 0)
		n = 1 + dice(&c->seed) % (dice(&c->seed) % 8 == 0 ? 500 : 7);
	else
		while (at + n < len && (c->bits >> (at + n - 1) & 1) == 0)
			n++;
	return n < len - at ? n : len - at;
}

static uint64_t counted(const char *text, size_t len, struct cut c)
{
	struct crlf state;
	size_t at, n;

	crlf_start(&state);
	for (at = 0; at < len; at += n) {
		n = piece_of(&c, at, len);
		crlf_count(&state, text + at, n);
	}
	crlf_count_end(&state);
	return state.octets;
}

/* Sends text; NULL, or what went wrong. */
static const char *send(const char *text, size_t len, struct cut c,
    char *wire, size_t *wire_len, uint64_t *octets)
{
	char out[600];
	struct crlf state;
	size_t at = 0, n, end, w = 0;

	crlf_start(&state);
	for (end = 0; end < len; ) {
		end += piece_of(&c, end, len);
		while (at < end) {
			size_t room = c.room != 0 ? c.room : CRLF_ROOM +
			    dice(&c.seed) % (sizeof out - CRLF_ROOM);
			size_t taken = end - at;

			/* What lies behind the room must stay as it is. */
			memset(out, '#', sizeof out);
			n = crlf_send(&state, text + at, &taken, out, room);
			if (taken == 0 || taken > end - at)
				return "octets taken";
			if (n > room)
				return "octets written";
			if (room < sizeof out && out[room] != '#')
				return "wrote beyond its room";
			memcpy(wire + w, out, n);
			w += n;
			at += taken;
		}
	}
	w += crlf_send_end(&state, wire + w);
	*wire_len = w;
	*octets = state.octets;
	return NULL;
}

/* The property of all properties: LIST cannot lie about RETR. */
static const char *lie(const char *text, size_t len, struct cut c)
{
	static char wire[WIRE], plain[WIRE], want[WIRE];
	size_t wire_len, plain_len, want_len = canonical(text, len, want);
	uint64_t octets;
	const char *why = send(text, len, c, wire, &wire_len, &octets);

	if (why != NULL)
		return why;
	plain_len = unstuffed(wire, wire_len, plain);
	if (plain_len != want_len || memcmp(plain, want, want_len) != 0)
		return "what a client unstuffs is not the message";
	if (has_lone_dot(wire, wire_len))
		return "a line of one dot was sent";
	if (octets != want_len)
		return "crlf_send() counted wrongly";
	if (counted(text, len, c) != want_len)
		return "crlf_count() counted wrongly";
	return NULL;
}

static void shows(const char *text, size_t len, struct cut c, const char *why)
{
	char shown[4 * 64 + 1];
	size_t i, n = 0;

	for (i = 0; i < len && i < 64; i++)
		n += (size_t)snprintf(shown + n, sizeof shown - n, "\\x%02X",
		    (unsigned char)text[i]);
	ck_abort_msg("%s: %s (%zu octets), cuts 0x%x, seed %u, room %zu", why,
	    shown, len, c.bits, c.seed, c.room);
}

static const char alphabet[] = { '\r', '\n', '.', '\0', 'a', '\xe4' };

static const size_t rooms[] = { CRLF_ROOM, 5, 6, 7, 100 };

/* Every text of 0..5 octets of the alphabet, in every way to cut it. */
START_TEST(the_size_is_what_is_sent_for_all_short_texts_in_all_pieces)
{
	size_t len = (size_t)_i, i, r;
	uint32_t number, texts = 1, cuts = len < 2 ? 1 : 1U << (len - 1);
	char text[8];

	for (i = 0; i < len; i++)
		texts *= COUNT(alphabet);
	for (number = 0; number < texts; number++) {
		uint32_t digits = number;
		struct cut c = { 0 };

		for (i = 0; i < len; i++, digits /= COUNT(alphabet))
			text[i] = alphabet[digits % COUNT(alphabet)];
		for (c.bits = 0; c.bits < cuts; c.bits++)
			for (r = 0; r < COUNT(rooms); r++) {
				const char *why;

				c.room = rooms[r];
				why = lie(text, len, c);
				if (why != NULL)
					shows(text, len, c, why);
			}
	}
	ck_assert_uint_gt(number, 0);
}
END_TEST

static size_t random_text(char *text, uint32_t *seed)
{
	static const char biased[] = "\r\n\r\n\n.\n.\n.\0";
	size_t len = dice(seed) % TEXT, i;

	for (i = 0; i < len; i++)
		text[i] = dice(seed) % 4 == 0 ?
		    (char)(dice(seed) % 256) :
		    biased[dice(seed) % sizeof biased];
	return len;
}

START_TEST(the_size_is_what_is_sent_for_random_texts_in_random_pieces)
{
	char text[TEXT];
	uint32_t seed = 19391939, i;

	for (i = 0; i < 1500; i++) {
		size_t len = random_text(text, &seed);
		struct cut c = { .seed = seed,
			.room = i % 3 == 0 ? 0 : CRLF_ROOM + i % 61 };
		const char *why = lie(text, len, c);

		if (why != NULL)
			shows(text, len, c, why);
	}
	ck_assert_uint_eq(i, 1500);
}
END_TEST

static const struct {
	const char *stored, *wire;
	uint64_t octets;
} conversion[] = {
	{ "", "", 0 },
	{ "a\nb\n", "a\r\nb\r\n", 6 },
	{ "a\r\nb\r\n", "a\r\nb\r\n", 6 },
	{ "a\nb", "a\r\nb\r\n", 6 },		/* a last line without end */
	{ "a\rb\r\r\n", "a\rb\r\r\n", 6 },	/* a bare CR is data */
	{ "a\r", "a\r\r\n", 4 },
	{ "\n\n", "\r\n\r\n", 4 },
	{ ".", "..\r\n", 3 },
	{ ".\n", "..\r\n", 3 },
	{ "..\n.a\na.\n", "...\r\n..a\r\na.\r\n", 12 },
	{ "a\r.b\n", "a\r.b\r\n", 6 },		/* no line start behind CR */
	{ "\xff\xfe\n", "\xff\xfe\r\n", 4 },
};

START_TEST(stored_octets_become_wire_octets)
{
	const char *stored = conversion[_i].stored;
	char wire[64];
	size_t len;
	uint64_t octets;
	struct cut whole = { .room = 64 };

	ck_assert_ptr_null(send(stored, strlen(stored), whole, wire, &len,
	    &octets));
	ck_assert_uint_eq(len, strlen(conversion[_i].wire));
	ck_assert_mem_eq(wire, conversion[_i].wire, len);
	ck_assert_uint_eq(octets, conversion[_i].octets);
	ck_assert_uint_eq(counted(stored, strlen(stored), whole),
	    conversion[_i].octets);
}
END_TEST

START_TEST(a_piece_of_no_octets_changes_nothing)
{
	struct crlf c;

	crlf_start(&c);
	crlf_count(&c, "a\r", 2);
	crlf_count(&c, "", 0);
	crlf_count(&c, "\n", 1);
	crlf_count_end(&c);
	ck_assert_uint_eq(c.octets, 3);
}
END_TEST

START_TEST(one_octet_at_least_is_taken_into_the_smallest_room)
{
	char out[CRLF_ROOM];
	struct crlf c;
	size_t taken = 2, n;

	crlf_start(&c);
	n = crlf_send(&c, ".\n", &taken, out, sizeof out);
	ck_assert_uint_ge(taken, 1);
	ck_assert_uint_ge(n, 2);
	ck_assert_mem_eq(out, "..\r\n", n);
}
END_TEST

START_TEST(nothing_is_taken_into_less_room)
{
	char out[CRLF_ROOM];
	struct crlf c;
	size_t taken = 2;

	crlf_start(&c);
	ck_assert_uint_eq(crlf_send(&c, "ab", &taken, out, CRLF_ROOM - 1), 0);
	ck_assert_uint_eq(taken, 0);
}
END_TEST

/* --- TOP ----------------------------------------------------------------- */

/* Octets of the header, its empty line and lines lines of body: P-40. */
static size_t top_end(const char *text, size_t len, uint64_t lines)
{
	bool body = false;
	size_t start, end;

	for (start = 0; start < len; start = end) {
		if (body && lines-- == 0)
			return start;
		for (end = start; end < len && text[end] != '\n'; end++)
			;
		end += end < len;
		if (text[start] == '\n' || (end - start == 2 &&
		    memcmp(text + start, "\r\n", 2) == 0))
			body = true;
	}
	return len;
}

static size_t top_sum(const char *text, size_t len, uint64_t lines,
    struct cut c, bool *done)
{
	struct top t;
	size_t at, n, sum = 0;

	top_start(&t, lines);
	for (at = 0; at < len; at += n) {
		size_t cut;

		n = piece_of(&c, at, len);
		cut = top_cut(&t, text + at, n);
		sum += cut;
		if (cut < n)
			break;
	}
	*done = top_done(&t);
	return sum;
}

START_TEST(top_ends_where_it_must_for_all_short_texts_in_all_pieces)
{
	static const char octet[] = { '\r', '\n', 'a', '.' };
	size_t len = (size_t)_i, i;
	uint32_t number, texts = 1U << 2 * len;
	uint32_t cuts = len < 2 ? 1 : 1U << (len - 1);
	char text[8];
	bool done;

	for (number = 0; number < texts; number++) {
		struct cut c = { 0 };
		uint64_t lines;

		for (i = 0; i < len; i++)
			text[i] = octet[number >> 2 * i & 3];
		for (c.bits = 0; c.bits < cuts; c.bits++)
			for (lines = 0; lines < 4; lines++)
				if (top_sum(text, len, lines, c, &done) !=
				    top_end(text, len, lines))
					shows(text, len, c, "TOP");
	}
	ck_assert_uint_gt(number, 0);
}
END_TEST

static const struct {
	const char *text;
	uint64_t lines;
	const char *top;
	bool done;
} top[] = {
	{ "A: b\n\none\ntwo\n", 0, "A: b\n\n", true },
	{ "A: b\n\none\ntwo\n", 1, "A: b\n\none\n", true },
	{ "A: b\n\none\ntwo\n", 2, "A: b\n\none\ntwo\n", true },
	{ "A: b\n\none\ntwo\n", 3, "A: b\n\none\ntwo\n", false },
	{ "A: b\n\none\ntwo", 2, "A: b\n\none\ntwo", false },
	{ "A: b\n\none\ntwo", UINT64_MAX, "A: b\n\none\ntwo", false },
	{ "A: b\r\n\r\none\r\n", 0, "A: b\r\n\r\n", true },
	{ "\nbody\n", 0, "\n", true },		/* no header at all */
	{ "\r\nbody\n", 1, "\r\nbody\n", true },
	{ "A: b\nC: d\n", 0, "A: b\nC: d\n", false },	/* no empty line */
	{ "A: b\n \nC: d\n\n1\n", 0, "A: b\n \nC: d\n\n", true },
	{ "A: b\n\r\r\n\n1\n", 0, "A: b\n\r\r\n\n", true },
	{ "A: b\r\r\n\n1\n", 0, "A: b\r\r\n\n", true },
	{ "A: b\n\n\n\n1\n", 1, "A: b\n\n\n", true },
	{ "", 5, "", false },
};

START_TEST(top_is_the_header_the_empty_line_and_n_lines)
{
	const char *text = top[_i].text;
	struct cut whole = { 0 }, single = { .bits = ~0U };
	bool done;

	ck_assert_uint_eq(top_sum(text, strlen(text), top[_i].lines, whole,
	    &done), strlen(top[_i].top));
	ck_assert_int_eq(done, top[_i].done);
	ck_assert_uint_eq(top_sum(text, strlen(text), top[_i].lines, single,
	    &done), strlen(top[_i].top));
	ck_assert_int_eq(done, top[_i].done);
}
END_TEST

START_TEST(a_nul_does_not_end_a_header_nor_a_line)
{
	static const char text[] = "A: b\0c\n\0\n\none\0more\ntwo\n";
	struct cut whole = { 0 };
	bool done;

	ck_assert_uint_eq(top_sum(text, sizeof text - 1, 1, whole, &done),
	    sizeof text - 1 - strlen("two\n"));
}
END_TEST

START_TEST(top_of_random_texts_in_random_pieces_ends_where_it_must)
{
	char text[TEXT];
	uint32_t seed = 2449, i;
	bool done;

	for (i = 0; i < 1500; i++) {
		size_t len = random_text(text, &seed);
		struct cut c = { .seed = seed };
		uint64_t lines = dice(&seed) % 40;

		if (top_sum(text, len, lines, c, &done) !=
		    top_end(text, len, lines))
			shows(text, len, c, "TOP");
	}
	ck_assert_uint_eq(i, 1500);
}
END_TEST

Suite *crlf_suite(void)
{
	Suite *s = suite_create("crlf");
	TCase *tc = unit_case(s, "conversion (RFC 1939 section 3, P-32, P-33)");

	tcase_add_loop_test(tc, stored_octets_become_wire_octets, 0,
	    COUNT(conversion));
	tcase_add_test(tc, a_piece_of_no_octets_changes_nothing);
	tcase_add_test(tc, one_octet_at_least_is_taken_into_the_smallest_room);
	tcase_add_test(tc, nothing_is_taken_into_less_room);
	tc = unit_case(s, "LIST and RETR agree (RFC 1939 section 11, P-30)");
	tcase_add_loop_test(tc,
	    the_size_is_what_is_sent_for_all_short_texts_in_all_pieces, 0, 6);
	tcase_add_test(tc,
	    the_size_is_what_is_sent_for_random_texts_in_random_pieces);
	tc = unit_case(s, "TOP (RFC 1939 section 7, P-38, P-40)");
	tcase_add_loop_test(tc, top_is_the_header_the_empty_line_and_n_lines,
	    0, COUNT(top));
	tcase_add_test(tc, a_nul_does_not_end_a_header_nor_a_line);
	tcase_add_loop_test(tc,
	    top_ends_where_it_must_for_all_short_texts_in_all_pieces, 0, 7);
	tcase_add_test(tc,
	    top_of_random_texts_in_random_pieces_ends_where_it_must);
	return s;
}
