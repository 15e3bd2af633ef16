/*
 * dialogue.h - what was typed and what was answered, side by side: one reply
 * to each line, each well-formed (P-1...P-14).
 */
#ifndef DIALOGUE_H
#define DIALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const char *at, *end;
};

#define WORDS 4

/* A command line, split as P-1, P-6 and P-7 say. */
struct typed {
	const char *text;	/* without its end */
	size_t len, raw;	/* raw: with it */
	bool plain;		/* no control octet, no blank in front */
	size_t words;		/* the verb is the first; more than WORDS: not
				   all are here */
	const char *word[WORDS];
	size_t word_len[WORDS];
};

/* The next whole line, or false. */
bool dialogue_typed(struct cursor *in, struct typed *t);

/* Whether word i is this one, whatever its case. */
bool dialogue_is(const struct typed *t, size_t i, const char *word);

/* Word i as a number, saturated; false: it is none (P-15). */
bool dialogue_number(const struct typed *t, size_t i, uint64_t *n);

enum status { OK, ERR, CHALLENGE };

struct reply_line {
	enum status status;
	const char *text;	/* behind "+OK " */
	size_t len;
};

/* The next reply's first line; false: there is none.  Must be well-formed. */
bool dialogue_reply(struct cursor *out, struct reply_line *r);

/* A line of a multi-line answer, stuffed as it is; false: it was the dot. */
bool dialogue_line(struct cursor *out, const char **text, size_t *len);

/* Whether a reply's text is this. */
bool dialogue_says(const struct reply_line *r, const char *text);

#endif
