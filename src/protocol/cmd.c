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
    const char *line)
{
	size_t len = strcspn(line, " ");
	const struct command *c;

	for (c = table; c->handler != NULL; c++)
		if (len < sizeof c->verb && is_verb(line, len, c->verb))
			return c;
	return NULL;
}

/* The words behind the verb; the answer is NULL, or why they do not fit. */
static const char *split(const struct command *c, char *text, struct args *a)
{
	const char *verb;

	cut_word(&text, &verb);
	for (a->count = 0; *text != '\0'; a->count++) {
		if (a->count == c->max)
			return "too many arguments";
		a->arg[a->count].len = cut_word(&text,
		    &a->arg[a->count].text);
	}
	return a->count < c->min ? "argument missing" : NULL;
}

/* The rest of the line: a name may hold blanks (P-58). */
static const char *take_rest(char *text, size_t len, struct args *a)
{
	char *end = text + len;

	while (end[-1] == ' ')
		*--end = '\0';
	text += strcspn(text, " ");
	text += strspn(text, " ");
	a->count = 1;
	a->arg[0].text = text;
	a->arg[0].len = (size_t)(end - text);
	return text == end ? "argument missing" : NULL;
}

/* All behind one blank, as it is: P-59. */
static const char *take_secret(const struct command *c, char *text,
    size_t len, struct args *a)
{
	size_t verb = strlen(c->verb) + 1;

	if (memchr(text, '\0', len) != NULL || memchr(text, '\r', len) != NULL)
		return "bad syntax";
	if (len <= verb)
		return "argument missing";
	a->count = 1;
	a->arg[0].text = text + verb;
	a->arg[0].len = len - verb;
	return NULL;
}

static const char *parse(const struct command *c, char *text, size_t len,
    struct args *a)
{
	if (c->form == CMD_SECRET)
		return take_secret(c, text, len, a);
	if (has_control(text, len))
		return "bad syntax";
	if (c->form == CMD_REST)
		return take_rest(text, len, a);
	return split(c, text, a);
}

/*
 * A secret is never shown, and what is no command of this state may be one
 * that was typed in the wrong place (S-6).
 */
static void log_command(const struct command *c, const char *text, size_t len)
{
	log_line(LOG_INFO, "command");
	log_number("pid", (uint64_t)getpid());
	if (c == NULL)
		log_string("line", "?");
	else if (c->form == CMD_WORDS || c->form == CMD_REST)
		log_value("line", text, len, LOG_HOST_MAX);
	else
		log_string("line", c->verb);
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
	const struct command *c = find(table, text);
	const char *why = "unknown command";
	struct args a;
	enum next next;

	if (s->config->verbose)
		log_command(c, text, len);
	if (c != NULL)
		why = s->in.raw > LINE_LIMIT && c->form != CMD_SASL ?
		    "line too long" : parse(c, text, len, &a);
	if (why != NULL)
		return refuse(s, why, bad, limit);
	next = c->handler(s, &a);
	if (next != BAD) {
		*bad = 0;
		return next;
	}
	if (++*bad < limit)
		return STAY;
	s->end = END_ERROR;
	return HANG_UP;
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

enum next cmd_more(struct session *s, char **text, size_t *len)
{
	if ((s->out.state != REPLY_GOOD || !line_waiting(&s->in)) &&
	    flush(s) == HANG_UP)
		return HANG_UP;
	switch (line_next(&s->in, text, len)) {
	case LINE_OK:
		return STAY;
	case LINE_TOO_LONG:
		return BAD;
	case LINE_IDLE:
		return hang_up(s, END_TIMEOUT);
	case LINE_SIGNAL:
		return hang_up(s, END_SIGNAL);
	case LINE_FLOOD:
		return hang_up(s, END_ERROR);
	case LINE_EOF:
	case LINE_FAIL:
		break;
	}
	return hang_up(s, END_DISCONNECT);
}

enum next cmd_loop(struct session *s, const struct command *table,
    unsigned limit)
{
	enum next next = STAY;
	unsigned bad = 0;
	char *text;
	size_t len;

	while (next == STAY) {
		next = cmd_more(s, &text, &len);
		if (next == STAY)
			next = execute(s, table, text, len, &bad, limit);
		else if (next == BAD)
			next = refuse(s, "line too long", &bad, limit);
		if (s->authz != NULL)	/* it may have been a secret: S-6 */
			line_wipe(&s->in);
	}
	return next;
}

int cmd_number(struct session *s, const struct args *a, size_t i,
    uint64_t *number, enum next *next)
{
	*next = STAY;
	if (num_parse(a->arg[i].text, a->arg[i].len, number) == 0)
		return 0;
	reply_err(&s->out, "that is not a number");
	*next = BAD;
	return -1;
}

enum next cmd_list(struct session *s)
{
	if (visit_list(&s->visit) == 0)
		return STAY;
	reply_err(&s->out, "[SYS/TEMP] maildir not usable");
	return hang_up(s, END_ERROR);
}

struct message *cmd_message(struct session *s, const struct args *a,
    enum next *next)
{
	struct message *m;
	uint64_t n;

	if (cmd_number(s, a, 0, &n, next) == -1)
		return NULL;
	*next = cmd_list(s);
	if (*next == HANG_UP)
		return NULL;
	m = maildrop_find(&s->drop, n);
	if (m == NULL)
		reply_err(&s->out, "no such message");
	return m;
}
