/*
 * uidlfmt.c - Dovecot's pop3_uidl_format.
 *
 * What each form does was looked up by running Dovecot 2.3 on it, odd ones
 * too; 2.4's was read in its source.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing: neither the operator's format nor a name's length.
 */
#include "admin/uidlfmt.h"

#include "admin/edit.h"
#include "base/num.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MODIFIERS 8		/* letters before a variable */
#define WIDTH_MAX 999

/* What stands between a % and the end of its variable. */
struct field {
	bool zeros;		/* fill up, do not cut */
	long offset, width;
	const char *modifiers;
	size_t n_modifiers;
	char variable;
	const char *filters;	/* 2.4's, or NULL; up to the brace */
};

static const struct {
	const char *word;
	char letter;
} variables[] = {
	{ "uidvalidity", 'v' },
	{ "uid", 'u' },
	{ "filename", 'f' },
	{ "guid", 'g' },
	{ NULL, 0 }
};

/* --- reading a format ----------------------------------------------------- */

/* "08", "-3": whether it begins with 0, and the number.  -1: too large. */
static int take_width(const char **p, bool *zeros, long *width)
{
	long sign = 1, n = 0;

	if (**p == '-') {
		sign = -1;
		++*p;
	}
	*zeros = **p == '0';
	for (; **p >= '0' && **p <= '9'; ++*p)
		if ((n = n * 10 + (**p - '0')) > WIDTH_MAX)
			return -1;
	*width = sign * n;
	return 0;
}

static char variable_of(const char *word, size_t len)
{
	size_t i;

	for (i = 0; variables[i].word != NULL; i++)
		if (strlen(variables[i].word) == len &&
		    strncmp(variables[i].word, word, len) == 0)
			return variables[i].letter;
	return 0;
}

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " ");
}

/* "{name | filter ...}", p behind the brace. */
static const char *take_words(const char **p, struct field *f)
{
	const char *end = strchr(*p, '}'), *word = skip_blanks(*p);

	if (end == NULL)
		return "a { without }";
	f->variable = variable_of(word, strcspn(word, " |}"));
	if (f->variable == 0)
		return "of words there are uidvalidity, uid, filename and "
		    "guid";
	f->filters = skip_blanks(word + strcspn(word, " |}"));
	*p = end + 1;
	return NULL;
}

/* p behind a %.  NULL, or what is wrong. */
static const char *take_field(const char **p, struct field *f)
{
	memset(f, 0, sizeof *f);
	if (**p == '{') {
		++*p;
		return take_words(p, f);
	}
	if (take_width(p, &f->zeros, &f->width) == -1)
		return "a width above 999";
	if (**p == '.') {
		++*p;
		f->offset = f->width;
		if (take_width(p, &f->zeros, &f->width) == -1)
			return "a width above 999";
	}
	f->modifiers = *p;
	f->n_modifiers = strspn(*p, "LUXRMHN");
	*p += f->n_modifiers;
	if (f->n_modifiers > MODIFIERS)
		return "too many letters before a variable";
	f->variable = **p;
	if (**p == '\0')
		return NULL;		/* a % at the end is nothing */
	++*p;
	if (f->variable == 'm')
		return "%m is of mbox: Dovecot has none in a Maildir";
	if (strchr("vufg%", f->variable) == NULL)
		return "of variables there are %v, %u, %f, %g and %%, with L, "
		    "U, X, R, M, H and N";
	return NULL;
}

/* --- making a UIDL -------------------------------------------------------- */

static bool set_value(struct edit *t, char variable,
    const struct uidlfmt_mail *mail)
{
	char digits[NUM_DIGITS];

	switch (variable) {
	case 'u':
		return edit_set(t, digits, num_format(digits, mail->uid));
	case 'v':
		return edit_set(t, digits, num_format(digits, mail->uidvalidity));
	case 'f':
		return edit_set(t, mail->filename, strlen(mail->filename));
	case 'g':
		return edit_set(t, mail->guid, strlen(mail->guid));
	case '%':
		return edit_set(t, "%", 1);
	default:
		t->len = 0;
		return true;
	}
}

/* H and N use up the width, as a modulus, and the offset, for zeros. */
static bool hash(struct edit *t, struct field *f, uint64_t h)
{
	size_t zeros = (size_t)(f->offset > 0 ? f->offset : 0);

	if (f->width != 0)
		h %= (uint64_t)labs(f->width);
	edit_set_hex(t, (uint32_t)h);
	f->width = f->offset = 0;
	return edit_fill(t, zeros);
}

static bool modify(struct edit *t, char letter, struct field *f)
{
	switch (letter) {
	case 'L':
		edit_lower(t);
		return true;
	case 'U':
		edit_upper(t);
		return true;
	case 'X':
		if (edit_to_hex(t) == -1)
			edit_set_hex(t, 0);
		return true;
	case 'R':
		edit_reverse(t);
		return true;
	case 'M':
		edit_to_md5(t);
		return edit_hexlify(t);
	case 'H':
		return hash(t, f, edit_elf_hash(t));
	default:
		return hash(t, f, edit_md5_hash(t));
	}
}

static bool by_letters(struct edit *t, struct field *f)
{
	size_t i, from;

	for (i = 0; i < f->n_modifiers; i++)
		if (!modify(t, f->modifiers[i], f))
			return false;
	from = (size_t)labs(f->offset);
	if (f->offset < 0)
		from = from < t->len ? t->len - from : 0;
	edit_cut(t, from, t->len);
	if (f->zeros)
		return f->width < 0 || edit_fill(t, (size_t)f->width);
	if (f->width != 0)
		edit_cut(t, 0, (size_t)labs(f->width));
	return true;
}

/* "hex(8)": a name and up to two numbers. */
struct filter {
	char name[16];
	unsigned n;
	long number[2];
};

/* p at a name.  false: it is no filter. */
static bool take_filter(const char **p, struct filter *f)
{
	size_t len = strspn(*p, "abcdefghijklmnopqrstuvwxyz0123456789_");

	memset(f, 0, sizeof *f);
	if (len == 0 || len >= sizeof f->name)
		return false;
	memcpy(f->name, *p, len);
	*p = skip_blanks(*p + len);
	if (**p != '(')
		return true;
	do {
		bool zeros;

		*p = skip_blanks(*p + 1);
		if (f->n == 2 || strchr("-0123456789", **p) == NULL ||
		    take_width(p, &zeros, &f->number[f->n++]) == -1)
			return false;
		*p = skip_blanks(*p);
	} while (**p == ',');
	if (**p != ')')
		return false;
	*p = skip_blanks(*p + 1);
	return true;
}

/* hex(n): the last n digits, or with n below 0 the first, filled up. */
static bool filter_hex(struct edit *t, long n)
{
	if (edit_to_hex(t) == -1)
		return false;
	if (n > 0) {
		if (!edit_fill(t, (size_t)n))
			return false;
		edit_cut(t, t->len - (size_t)n, (size_t)n);
	}
	while (n < 0 && t->len < (size_t)-n)
		edit_append(t, "0", 1);
	if (n < 0)
		edit_cut(t, 0, (size_t)-n);
	return true;
}

static bool filter_substr(struct edit *t, const struct filter *f)
{
	long len = (long)t->len, from = f->number[0], n = f->number[1];

	if (from < -len || from > len || n < -len || n > len)
		return false;
	if (from < 0)
		from += len;
	if (f->n == 1)
		n = len - from;
	else if (n < 0)
		n += len - from;
	if (n < 0 || n + from > len)
		return false;
	edit_cut(t, (size_t)from, (size_t)n);
	return true;
}

static bool filter_hexlify(struct edit *t, long n)
{
	if (n < 0 || !edit_hexlify(t) || !edit_fill(t, (size_t)n))
		return false;
	if (n > 0)
		edit_cut(t, 0, (size_t)n);
	t->binary = false;
	return true;
}

static bool is(const struct filter *f, const char *name, unsigned least,
    unsigned most)
{
	return strcmp(f->name, name) == 0 && f->n >= least && f->n <= most;
}

static bool apply_filter(struct edit *t, const struct filter *f)
{
	if (is(f, "hex", 0, 1))
		return filter_hex(t, f->number[0]);
	if (is(f, "hexlify", 0, 1))
		return filter_hexlify(t, f->number[0]);
	if (is(f, "substr", 1, 2))
		return filter_substr(t, f);
	if (is(f, "truncate", 1, 1) && f->number[0] >= 0)
		edit_cut(t, 0, (size_t)f->number[0]);
	else if (is(f, "upper", 0, 0))
		edit_upper(t);
	else if (is(f, "lower", 0, 0))
		edit_lower(t);
	else if (is(f, "reverse", 0, 0))
		edit_reverse(t);
	else if (is(f, "md5", 0, 0)) {
		edit_to_md5(t);
		t->binary = true;
	} else
		return false;
	return true;
}

static bool by_filters(struct edit *t, const char *p)
{
	struct filter f;

	while (*p == '|') {
		p = skip_blanks(p + 1);
		if (!take_filter(&p, &f) || !apply_filter(t, &f))
			return false;
	}
	return *p == '}' && !t->binary;
}

/* One field's text behind what out has.  false: too long, or no filter. */
static bool expand(struct edit *out, struct field *f,
    const struct uidlfmt_mail *mail)
{
	struct edit t = { .len = 0 };

	return set_value(&t, f->variable, mail) &&
	    (f->filters != NULL ? by_filters(&t, f->filters) :
	    by_letters(&t, f)) && edit_append(out, t.octets, t.len);
}

size_t uidlfmt_make(const char *format, const struct uidlfmt_mail *mail,
    char out[EDIT_MAX])
{
	struct edit t = { .len = 0 };
	struct field f;

	while (*format != '\0') {
		size_t plain = strcspn(format, "%");

		if (!edit_append(&t, format, plain))
			return 0;
		format += plain;
		if (*format++ == '\0')
			break;
		if (take_field(&format, &f) != NULL || !expand(&t, &f, mail))
			return 0;
	}
	memcpy(out, t.octets, t.len);
	return t.len;
}

const char *uidlfmt_check(const char *format)
{
	/* A message like any other: what does not fit it fits none. */
	static const struct uidlfmt_mail any = { 4294967294U, 4294967295U,
		"1700000000.M123456P1234.mail.example.org,S=1234,W=1270",
		"1700000000.M123456P1234.mail.example.org" };
	char out[EDIT_MAX];
	const char *p = format, *wrong;
	bool varies = false;

	while (*(p += strcspn(p, "%")) != '\0') {
		struct field f;

		p++;
		wrong = take_field(&p, &f);
		if (wrong != NULL)
			return wrong;
		varies = varies || (f.variable != '%' && f.variable != '\0');
	}
	if (!varies)
		return "no variable in it, so all messages would have the "
		    "same";
	if (uidlfmt_make(format, &any, out) == 0)
		return "of filters there are hex, hexlify behind md5, upper, "
		    "lower, reverse, substr and truncate";
	return NULL;
}
