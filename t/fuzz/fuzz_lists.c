/*
 * fuzz_lists.c - what other servers wrote down about their UIDLs:
 * admin/dovecot.c, courier.c, uidlfmt.c, xuidl.c (P-48).  Root may start the
 * import, and the files are a user's.
 *
 * The first octet chooses the reader, the first line is a UIDL format, the rest
 * is the file.
 */
#include "fuzz.h"

#include "admin/courier.h"
#include "admin/dovecot.h"
#include "admin/uidlfmt.h"
#include "admin/xuidl.h"
#include "mail/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t lines_of(const char *text, size_t len)
{
	size_t n = 0, i;

	for (i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

static void sound(const struct old *o, const char *text, size_t len)
{
	size_t lines = lines_of(text, len), i;

	must(o->count + o->unread <= lines, "a record is a line");
	for (i = 0; i < o->count; i++) {
		const struct old_record *r = &o->list[i];
		const char *name = old_text(o, r->name);
		const char *uidl = old_text(o, r->uidl);
		size_t k;

		must(r->name < o->texts_used && r->uidl < o->texts_used,
		    "its texts are there");
		must(old_name_ok(name) && strchr(name, ':') == NULL,
		    "S-7: a name that a message can have");
		must(strlen(uidl) <= 255, "P-44: 255 octets at most");
		for (k = 0; uidl[k] != '\0'; k++)
			must(uidl[k] > ' ' && uidl[k] <= '~', "P-44: 21..7E");
	}
}

static void read_list(bool dovecot, const char *format, const char *text,
    size_t len)
{
	struct old o;
	const char *wrong;
	int fd = fuzz_file(text, len);

	memset(&o, 0, sizeof o);
	must(old_read(&o, fd) == 0 && o.len == len, "it is read");
	close(fd);
	wrong = dovecot ? dovecot_read(&o, format) : courier_read(&o);
	if (wrong == NULL)
		sound(&o, text, len);
	else
		must(strncmp(wrong, "the first line", 14) == 0, wrong);
	old_free(&o);
}

static void read_header(const char *text, size_t len)
{
	static char buf[XUIDL_HEADER];
	const char *value = NULL;
	size_t n = 0;
	int fd = fuzz_file(text, len), r = xuidl_read(fd, buf, &value, &n);

	close(fd);
	must(r == 0 || r == 1, "there is one, or there is none");
	if (r == 0 || n == 0)
		return;
	must(value >= buf && value + n <= buf + XUIDL_HEADER, "a piece of it");
	must(memchr(value, '\n', n) == NULL, "of one line");
	must(memmem(text, len, value, n) != NULL, "that is in the message");
}

/* The default, which most have: uid and uidvalidity in hex. */
static void plain_format(uint32_t uid, uint32_t validity, const char *name)
{
	const struct uidlfmt_mail mail = { uid, validity, name, name };
	char out[EDIT_MAX], want[20];

	snprintf(want, sizeof want, "%08x%08x", uid, validity);
	must(uidlfmt_make(UIDLFMT_DEFAULT, &mail, out) == 16 &&
	    memcmp(out, want, 16) == 0, "as printf has it");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char format[300], name[40];
	const uint8_t *lf;
	const char *text;
	size_t n;

	fuzz_count(len);
	lf = len < 2 ? NULL : memchr(data + 1, '\n', len - 1);
	if (lf == NULL || lf - data > 250)
		return 0;
	n = (size_t)(lf - data) - 1;
	memcpy(format, data + 1, n);
	format[n] = '\0';
	text = (const char *)lf + 1;
	len -= n + 2;
	snprintf(name, sizeof name, "%.*s", (int)(len < 30 ? len : 30), text);
	plain_format((uint32_t)len * 77777u, (uint32_t)data[0] << 24 | 1, name);
	if (uidlfmt_check(format) != NULL)
		strcpy(format, UIDLFMT_DEFAULT);
	fuzz_short(data[0] >> 2);
	if (data[0] % 4 < 3)
		read_list(data[0] % 4 < 2, format, text, len);
	else
		read_header(text, len);
	fuzz_short(0);
	fuzz_descriptors();
	return 0;
}
