/*
 * cmd.c - splits a line, finds the table row, counts the arguments, calls the
 * handler; the loop of a state.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing that was typed: no octet of it is ever sent back (P-13).
 */
#include "protocol/cmd.h"

#include "base/log.h"
#include "base/num.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* ASCII only, whatever the locale (P-2). */
static char upper(char c)
{
	return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

static bool is_verb(const char *text, size_t len, const char *verb)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (upper(text[i]) != verb[i])
			return false;	/* the NUL of a shorter verb too */
	return verb[len] == '\0';
}

/* P-6: NUL, CR and other control octets make a line a syntax error. */
static bool has_control(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return true;
	return false;
}

/* Cuts one word off *text, with the blanks behind it (P-7). */
static size_t cut_word(char **text, const char **word)
{
	size_t len = strcspn(*text, " ");

	*word = *text;
	*text += len;
	if (**text == ' ')
		*(*text)++ = '\0';
	*text += strspn(*text, " ");
	return len;
}

static const struct command *find(const struct command *table,
    const char *verb, size_t len)
{
	const struct command *c;

	for (c = table; c->handler != NULL; c++)
		if (len < sizeof c->verb && is_verb(verb, len, c->verb))
			return c;
	return NULL;
}

/* Splits a line; NULL: *why it is no command of this state. */
static const struct command *parse(const struct command *table, char *text,
    size_t len, struct args *a, const char **why)
{
	const struct command *c;
	const char *verb;
	size_t verb_len;

	*why = "bad syntax";
	if (has_control(text, len))
		return NULL;
	verb_len = cut_word(&text, &verb);
	c = find(table, verb, verb_len);
	if (c == NULL) {
		*why = "unknown command";
		return NULL;
	}
	for (a->count = 0; *text != '\0'; a->count++) {
		if (a->count == c->max) {
			*why = "too many arguments";
			return NULL;
		}
		a->arg[a->count].len = cut_word(&text,
		    &a->arg[a->count].text);
	}
	*why = "argument missing";
	return a->count < c->min ? NULL : c;
}

static void log_command(const char *text, size_t len)
{
	log_line(LOG_INFO, "command");
	log_number("pid", (uint64_t)getpid());
	log_value("line", text, len, LOG_HOST_MAX);
	log_end();
}

/* The answer is -ERR; HANG_UP after too many in a row (P-10). */
static enum next refuse(struct session *s, const char *why, unsigned *bad,
    unsigned limit)
{
	if (++*bad < limit) {
		reply_err(&s->out, why);
		return STAY;
	}
	reply_err(&s->out, "too many bad commands");
	s->end = END_ERROR;
	return HANG_UP;
}

static enum next execute(struct session *s, const struct command *table,
    char *text, size_t len, unsigned *bad, unsigned limit)
{
	struct args a;
	const char *why;
	const struct command *c;

	if (s->config->verbose)
		log_command(text, len);
	c = parse(table, text, len, &a, &why);
	if (c == NULL)
		return refuse(s, why, bad, limit);
	*bad = 0;
	return c->handler(s, &a);
}

static enum next hang_up(struct session *s, enum end end)
{
	s->end = end;
	return HANG_UP;
}

/* Answers go out before anything that may wait (P-16). */
static enum next flush(struct session *s)
{
	switch (reply_flush(&s->out)) {
	case REPLY_GONE:
		return hang_up(s, END_DISCONNECT);
	case REPLY_STALLED:
		return hang_up(s, END_STALLED);
	case REPLY_SIGNAL:
		return hang_up(s, END_SIGNAL);
	case REPLY_GOOD:
		break;
	}
	return STAY;
}

enum next cmd_loop(struct session *s, const struct command *table,
    unsigned limit)
{
	enum next next = STAY;
	unsigned bad = 0;
	char *text;
	size_t len;

	while (next == STAY) {
		if (s->out.state != REPLY_GOOD || !line_waiting(&s->in))
			next = flush(s);
		if (next != STAY)
			break;
		switch (line_next(&s->in, &text, &len)) {
		case LINE_OK:
			next = execute(s, table, text, len, &bad, limit);
			break;
		case LINE_TOO_LONG:
			next = refuse(s, "line too long", &bad, limit);
			break;
		case LINE_IDLE:
			next = hang_up(s, END_TIMEOUT);
			break;
		case LINE_SIGNAL:
			next = hang_up(s, END_SIGNAL);
			break;
		case LINE_EOF:
		case LINE_FAIL:
			next = hang_up(s, END_DISCONNECT);
			break;
		}
	}
	return next;
}

struct message *cmd_message(struct session *s, const struct args *a)
{
	struct message *m;
	uint64_t n;

	if (num_parse(a->arg[0].text, a->arg[0].len, &n) == -1) {
		reply_err(&s->out, "that is not a message number");
		return NULL;
	}
	m = maildrop_find(&s->drop, n);
	if (m == NULL)
		reply_err(&s->out, "no such message");
	return m;
}
