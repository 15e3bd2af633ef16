/*
 * match.c - which line of a list is about which message.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in a name.
 */
#include "mail/match.h"

#include "mail/name.h"

#include <stdbool.h>
#include <stdlib.h>

/* The numbers of the names that are still to be matched, for their keys. */
struct rest {
	const struct match_names *names;
	uint32_t *number;
	size_t count;
};

static const char *rest_key(const void *arg, uint32_t i, size_t *len)
{
	const struct rest *r = arg;
	const char *name = r->names->get(r->names->arg, r->number[i], len);
	size_t j;

	for (j = 0; j < *len && name[j] != ','; j++)
		;
	*len = j;
	return name;
}

/* Every message whose line has the same unique name. */
static int match_whole(const struct match_names *lines,
    const struct match_names *messages, bool *taken, uint32_t *found)
{
	struct texts t;
	size_t i;

	if (texts_index(&t, lines->count, lines->get, lines->arg) == -1)
		return -1;
	for (i = 0; i < messages->count; i++) {
		size_t len;
		const char *name = messages->get(messages->arg, (uint32_t)i,
		    &len);
		uint32_t line = texts_find(&t, name, len);

		if (line != MATCH_NONE && taken[line])
			line = MATCH_NONE;
		if (line != MATCH_NONE)
			taken[line] = true;
		found[i] = line;
	}
	texts_free(&t);
	return 0;
}

/* The keys of what is left: on each side one, or it is nobody's. */
static int match_rest(const struct rest *lines, const struct rest *messages,
    uint32_t *found)
{
	struct texts by_line = { 0 }, by_message = { 0 };
	size_t i;
	int r = -1;

	if (texts_index(&by_line, lines->count, rest_key, lines) == 0 &&
	    texts_index(&by_message, messages->count, rest_key, messages) == 0)
		r = 0;
	for (i = 0; r == 0 && i < messages->count; i++) {
		size_t len;
		const char *key = rest_key(messages, (uint32_t)i, &len);
		uint32_t line = texts_find_only(&by_line, key, len);

		if (line != TEXTS_NONE &&
		    texts_find_only(&by_message, key, len) != TEXTS_NONE)
			found[messages->number[i]] = lines->number[line];
	}
	texts_free(&by_line);
	texts_free(&by_message);
	return r;
}

static int match_keys(const struct match_names *lines,
    const struct match_names *messages, const bool *taken, uint32_t *found)
{
	struct rest l = { lines, NULL, 0 }, m = { messages, NULL, 0 };
	size_t i;
	int r = -1;

	l.number = calloc(lines->count + 1, sizeof *l.number);
	m.number = calloc(messages->count + 1, sizeof *m.number);
	if (l.number != NULL && m.number != NULL) {
		for (i = 0; i < lines->count; i++)
			if (!taken[i])
				l.number[l.count++] = (uint32_t)i;
		for (i = 0; i < messages->count; i++)
			if (found[i] == MATCH_NONE)
				m.number[m.count++] = (uint32_t)i;
		r = l.count > 0 && m.count > 0 ? match_rest(&l, &m, found) : 0;
	}
	free(l.number);
	free(m.number);
	return r;
}

int match_names(const struct match_names *lines,
    const struct match_names *messages, uint32_t *found)
{
	bool *taken = calloc(lines->count + 1, sizeof *taken);
	int r = -1;

	if (taken != NULL && match_whole(lines, messages, taken, found) == 0)
		r = match_keys(lines, messages, taken, found);
	free(taken);
	return r;
}
