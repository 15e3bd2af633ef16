/* mail.c - see mail.h. */
#include "mail.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	size_t at;
} keys[] = {
	{ "count", offsetof(struct mail_sums, count) },
	{ "stored", offsetof(struct mail_sums, stored) },
	{ "wire", offsetof(struct mail_sums, wire) },
	{ "sizes", offsetof(struct mail_sums, sizes) },
	{ "sizes_stored", offsetof(struct mail_sums, sizes_stored) },
	{ "bodies", offsetof(struct mail_sums, bodies) },
	{ "bodies_blank", offsetof(struct mail_sums, bodies_blank) },
	{ "tops", offsetof(struct mail_sums, tops) },
	{ "tops_blank", offsetof(struct mail_sums, tops_blank) },
};

#define KEYS (sizeof keys / sizeof keys[0])

_Noreturn void mail_die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(111);
}

uint64_t mail_number(const char *text)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0') {
		fprintf(stderr, "bench: %s: must be a number\n", text);
		exit(100);
	}
	return n;
}

uint64_t mail_digest(uint64_t digest, const char *octets, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		digest = (digest ^ (unsigned char)octets[i]) *
		    UINT64_C(0x100000001b3);
	return digest;
}

uint64_t mail_mix(uint64_t value)
{
	value += UINT64_C(0x9e3779b97f4a7c15);
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

void mail_add(struct mail_sums *m, const char *octets, size_t len)
{
	uint64_t digest = MAIL_DIGEST, wire = 0;
	size_t at = 0;
	bool header = true;

	while (at < len) {
		const char *line = octets + at;
		const char *lf = memchr(line, '\n', len - at);
		size_t n = lf == NULL ? len - at : (size_t)(lf - line);

		digest = mail_digest(digest, line, n);
		digest = mail_digest(digest, "\r\n", 2);
		wire += n + 2;
		if (header && n == 0) {
			m->tops += mail_mix(digest);
			m->tops_blank += mail_mix(mail_digest(digest, "\r\n",
			    2));
			header = false;
		}
		at += n + 1;
	}
	m->bodies += mail_mix(digest);
	m->bodies_blank += mail_mix(mail_digest(digest, "\r\n", 2));
	m->count++;
	m->stored += len;
	m->wire += wire;
	m->sizes += mail_mix(wire);
	m->sizes_stored += mail_mix(len);
}

void mail_save(const struct mail_sums *m, const char *path)
{
	FILE *f = fopen(path, "w");
	size_t i;

	if (f == NULL)
		mail_die(path);
	for (i = 0; i < KEYS; i++)
		fprintf(f, "%s %" PRIu64 "\n", keys[i].name,
		    *(const uint64_t *)(const void *)((const char *)m +
		    keys[i].at));
	if (fclose(f) == EOF)
		mail_die(path);
}

void mail_load(struct mail_sums *m, const char *path)
{
	FILE *f = fopen(path, "r");
	char name[32];
	uint64_t value;
	size_t i;

	memset(m, 0, sizeof *m);
	if (f == NULL)
		mail_die(path);
	while (fscanf(f, "%31s %" SCNu64, name, &value) == 2)
		for (i = 0; i < KEYS; i++)
			if (strcmp(name, keys[i].name) == 0)
				*(uint64_t *)(void *)((char *)m +
				    keys[i].at) = value;
	fclose(f);
}
