/*
 * finding.c - what --check says, line by line.
 *
 * Runs as: the administrator, or the owner of the mailbox looked at.
 * Trusts:  no octet of a name: a terminal reads this.
 */
#include "admin/finding.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define QUOTES 4		/* words that are good at a time */

static unsigned count;

/* Text escaped as the log escapes it. */
static void escape(const char *text, char *out, size_t room)
{
	size_t used = 0;

	for (; *text != '\0' && used + 5 < room; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c > 0x7e)
			used += (size_t)snprintf(out + used, room - used,
			    "\\x%02X", (unsigned)c);
		else
			out[used++] = *text;
	}
	out[used] = '\0';
}

static void __attribute__((format(printf, 2, 0))) print(const char *before,
    const char *format, va_list args)
{
	char text[FINDING_ROOM], shown[FINDING_ROOM];

	if (count > FINDING_MOST)	/* the advice of the last one is shown */
		return;
	vsnprintf(text, sizeof text, format, args);
	escape(text, shown, sizeof shown);
	dprintf(1, "%s: %s\n", before, shown);
}

void finding_well(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print("well", format, args);
	va_end(args);
}

void finding_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print("note", format, args);
	va_end(args);
}

void finding_mend(const char *format, ...)
{
	va_list args;

	count++;
	va_start(args, format);
	print("mend", format, args);
	va_end(args);
}

void finding_do(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print("    do", format, args);
	va_end(args);
}

void finding_edit(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print("    edit", format, args);
	va_end(args);
}

/* What stands for c between single quotes. */
static size_t quoted(char c, char *out, size_t room)
{
	unsigned char octet = (unsigned char)c;
	int n;

	if (c == '\'')
		n = snprintf(out, room, "'\\''");
	else if (octet < 0x20 || octet > 0x7e)
		n = snprintf(out, room, "'\"$(printf '\\%03o')\"'",
		    (unsigned)octet);
	else
		n = snprintf(out, room, "%c", c);
	return (size_t)n;
}

static bool plain(const char *text)
{
	return *text != '\0' && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789./_-+:@,%=") ==
	    strlen(text) && *text != '=';
}

const char *finding_quote(const char *text)
{
	static char words[QUOTES][FINDING_ROOM];
	static unsigned next;
	char *out = words[next++ % QUOTES];
	size_t used = 1;

	if (plain(text) && strlen(text) < FINDING_ROOM) {
		strcpy(out, text);
		return out;
	}
	out[0] = '\'';
	for (; *text != '\0' && used + 24 < FINDING_ROOM; text++)
		used += quoted(*text, out + used, FINDING_ROOM - used);
	strcpy(out + used, "'");
	return out;
}

unsigned finding_count(void)
{
	return count;
}

void finding_add(unsigned more)
{
	count += more;
}
