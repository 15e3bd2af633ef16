/* dialogue.c - what was typed and what was answered, side by side. */
#include "dialogue.h"

#include "fuzz.h"

#include <string.h>

static void split(struct typed *t)
{
	size_t i = 0;

	t->words = 0;
	t->plain = t->len > 0 && t->text[0] != ' ';
	for (i = 0; i < t->len; i++)
		if ((unsigned char)t->text[i] < ' ' || t->text[i] == 0x7f)
			t->plain = false;
	for (i = 0; i < t->len; ) {
		size_t from = i;

		while (i < t->len && t->text[i] != ' ')
			i++;
		if (t->words < WORDS) {
			t->word[t->words] = t->text + from;
			t->word_len[t->words] = i - from;
		}
		t->words++;
		while (i < t->len && t->text[i] == ' ')
			i++;
	}
}

bool dialogue_typed(struct cursor *in, struct typed *t)
{
	const char *lf = in->at == in->end ? NULL :
	    memchr(in->at, '\n', (size_t)(in->end - in->at));

	if (lf == NULL)
		return false;
	t->text = in->at;
	t->len = (size_t)(lf - in->at);
	t->raw = t->len + 1;
	if (t->len > 0 && t->text[t->len - 1] == '\r')
		t->len--;
	in->at = lf + 1;
	split(t);
	return true;
}

bool dialogue_is(const struct typed *t, size_t i, const char *word)
{
	size_t k;

	if (i >= t->words || i >= WORDS || t->word_len[i] != strlen(word))
		return false;
	for (k = 0; word[k] != '\0'; k++) {
		char c = t->word[i][k];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (c != word[k])
			return false;
	}
	return true;
}

bool dialogue_number(const struct typed *t, size_t i, uint64_t *n)
{
	size_t k;

	if (i >= t->words || i >= WORDS)
		return false;
	*n = 0;
	for (k = 0; k < t->word_len[i]; k++) {
		char c = t->word[i][k];

		if (c < '0' || c > '9')
			return false;
		*n = *n > UINT64_MAX / 10 - 1 ? UINT64_MAX :
		    *n * 10 + (uint64_t)(c - '0');
	}
	return true;
}

static bool cut_line(struct cursor *out, const char **text, size_t *len)
{
	const char *lf;

	if (out->at == out->end)
		return false;
	lf = memchr(out->at, '\n', (size_t)(out->end - out->at));
	must(lf != NULL && lf > out->at && lf[-1] == '\r',
	    "P-11: every line ends in CRLF");
	*text = out->at;
	*len = (size_t)(lf - out->at) - 1;
	out->at = lf + 1;
	return true;
}

/* P-11 to P-13. */
static void well_formed(const struct reply_line *r, size_t len)
{
	static const char *const codes[] = { "[AUTH] ", "[SYS/TEMP] ",
		"[SYS/PERM] ", "[IN-USE] " };
	size_t i, from = 0;

	must(len + 2 <= 512, "P-11: 512 octets at most");
	for (i = 0; r->status == ERR && i < 4; i++)
		if (r->len > strlen(codes[i]) &&
		    memcmp(r->text, codes[i], strlen(codes[i])) == 0)
			from = strlen(codes[i]);
	must(r->status == CHALLENGE || (r->len > from && r->text[from] != ' '),
	    "P-12: there is a text");
	for (i = from; i < r->len; i++)
		must(r->text[i] >= ' ' && r->text[i] <= '~' &&
		    r->text[i] != '[', "P-13: printable ASCII without [");
}

bool dialogue_reply(struct cursor *out, struct reply_line *r)
{
	static const char *const begin[] = { "+OK ", "-ERR ", "+ " };
	const char *text;
	size_t len, i;

	if (!cut_line(out, &text, &len))
		return false;
	for (i = 0; i < 3; i++)
		if (len >= strlen(begin[i]) &&
		    memcmp(text, begin[i], strlen(begin[i])) == 0)
			break;
	must(i < 3, "P-12: +OK, -ERR, or a challenge");
	r->status = (enum status)i;
	r->text = text + strlen(begin[i]);
	r->len = len - strlen(begin[i]);
	well_formed(r, len);
	return true;
}

bool dialogue_line(struct cursor *out, const char **text, size_t *len)
{
	must(cut_line(out, text, len), "P-14: it ends in a dot");
	if (*len == 1 && (*text)[0] == '.')
		return false;
	must(*len == 0 || (*text)[0] != '.' || (*text)[1] == '.',
	    "P-14: stuffed");
	return true;
}

bool dialogue_says(const struct reply_line *r, const char *text)
{
	return r->len == strlen(text) && memcmp(r->text, text, r->len) == 0;
}
