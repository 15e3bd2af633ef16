/*
 * dovecot.c - reads Dovecot's dovecot-uidlist.
 *
 *	1 UIDVALIDITY NEXT		version 1; then UID NAME
 *	2 ...				then UID FLAGS NAME
 *	3 V<uidvalidity> N<next> ...	then UID [LETTER<value> ...] :NAME
 *
 * The letters that matter: P, the UIDL, where an empty one means the name; O,
 * the place in POP3's order; G, a GUID.  Without O a message stands behind
 * all that have one.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in the file.
 */
#include "admin/dovecot.h"

#include "admin/uidlfmt.h"
#include "base/num.h"
#include "mail/name.h"

#include <string.h>

#define UID_MAX (UINT32_MAX - 1)
#define UNORDERED UINT32_MAX		/* what a missing O counts as */

struct line {
	uint64_t uid, order;
	char *pop3_uidl, *guid;		/* NULL where there is none */
	char *name;
};

/* The word that p points to, NUL-terminated; p moves to the next. */
static char *take_word(char **p)
{
	char *word = *p;

	*p += strcspn(*p, " ");
	if (**p == ' ')
		*(*p)++ = '\0';
	return word;
}

/* "V1234", "N5", "Gabc" in any order. */
static int take_fields(char *p, uint64_t *validity)
{
	while (*p != '\0') {
		char *word = take_word(&p);

		if (*word == 'V' && num_parse_range(word + 1, 1, UINT32_MAX,
		    validity) == 0)
			return 0;
	}
	return -1;
}

static int take_header(struct old *o, char *p, uint64_t *validity)
{
	const char *version = take_word(&p);

	if (strlen(version) != 1 || *version < '1' || *version > '3')
		return -1;
	o->version = (unsigned)(*version - '0');
	if (o->version == 3 || *p == 'V')
		return take_fields(p, validity);
	return num_parse_range(take_word(&p), 1, UINT32_MAX, validity);
}

/* Only the first of a letter counts. */
static void take_letter(struct line *l, char *word)
{
	if (*word == 'P' && l->pop3_uidl == NULL)
		l->pop3_uidl = word + 1;
	else if (*word == 'G' && l->guid == NULL)
		l->guid = word + 1;
	else if (*word == 'O' && l->order == UINT64_MAX &&
	    num_parse_range(word + 1, 0, UINT32_MAX, &l->order) == -1)
		l->order = UNORDERED;
}

static int split(char *p, unsigned version, struct line *l)
{
	memset(l, 0, sizeof *l);
	l->order = UINT64_MAX;
	if (num_parse_range(take_word(&p), 1, UID_MAX, &l->uid) == -1)
		return -1;
	if (version == 2)
		take_word(&p);
	while (version == 3 && *p != ':') {
		if (*p == '\0')
			return -1;
		take_letter(l, take_word(&p));
	}
	if (l->order == UINT64_MAX)
		l->order = UNORDERED;
	l->name = version == 3 ? p + 1 : p;
	return old_name_ok(l->name) ? 0 : -1;
}

static int keep(struct old *o, const struct line *l, uint64_t validity,
    const char *format)
{
	const struct uidlfmt_mail mail = { (uint32_t)l->uid,
		(uint32_t)validity, l->name,
		l->guid != NULL && *l->guid != '\0' ? l->guid : l->name };
	char made[EDIT_MAX];
	const char *uidl = l->pop3_uidl;
	size_t len;

	if (uidl == NULL) {
		len = uidlfmt_make(format, &mail, made);
		uidl = made;
	} else {
		if (*uidl == '\0')
			uidl = l->name;
		len = strlen(uidl);
	}
	return old_add(o, l->name, uidl, len, l->order << 32 | l->uid,
	    l->pop3_uidl != NULL);
}

const char *dovecot_read(struct old *o, const char *format)
{
	uint64_t validity;
	struct line l;
	size_t len;
	char *line = old_line(o, &len);

	if (line == NULL || strlen(line) != len ||
	    take_header(o, line, &validity) == -1)
		return "the first line is not that of a version from 1 to 3:";
	while ((line = old_line(o, &len)) != NULL) {
		if (strlen(line) != len || split(line, o->version, &l) == -1) {
			o->unread++;
			continue;
		}
		l.name[name_unique(l.name)] = '\0';
		if (keep(o, &l, validity, format) == -1)
			return "no memory for list";
	}
	return NULL;
}
