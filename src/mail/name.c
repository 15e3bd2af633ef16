/*
 * name.c - what a file name in a Maildir says.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  nothing in a name.
 */
#include "mail/name.h"

#include "base/num.h"

#include <string.h>

bool name_ok(const char *name)
{
	return name[0] != '\0' && name[0] != '.' &&
	    strchr(name, '/') == NULL && strlen(name) <= NAME_LIMIT;
}

size_t name_unique(const char *name)
{
	return (size_t)(strchrnul(name, ':') - name);
}

bool name_same_unique(const char *a, const char *b)
{
	size_t n = name_unique(a);

	return strncmp(a, b, n) == 0 && (b[n] == '\0' || b[n] == ':');
}

size_t name_key(const char *name)
{
	return strcspn(name, ",:");
}

int name_field(const char *name, char key, uint64_t *number)
{
	size_t end = name_unique(name), i;

	for (i = name_key(name); i < end; i += 1 + strcspn(name + i + 1, ",:"))
		if (name[i + 1] == key && name[i + 2] == '=')
			return num_parse(name + i + 3,
			    strcspn(name + i + 3, ",:"), number);
	return -1;
}

/* The flags behind ":2,"; NULL if the info is of another form, or none. */
static const char *flags_of(const char *name)
{
	const char *info = name + name_unique(name);

	return strncmp(info, ":2,", 3) == 0 ? info + 3 : NULL;
}

bool name_has_flag(const char *name, char flag)
{
	const char *flags = flags_of(name);

	return flags != NULL && strchr(flags, flag) != NULL;
}

int name_add_flag(const char *name, char flag, char out[NAME_LIMIT + 1])
{
	const char *flags = flags_of(name);
	size_t len = strlen(name), at;

	if (flags == NULL) {
		if (name[name_unique(name)] != '\0' || len + 4 > NAME_LIMIT)
			return -1;
		memcpy(out, name, len);
		memcpy(out + len, ":2,", 3);
		out[len + 3] = flag;
		out[len + 4] = '\0';
		return 0;
	}
	if (strchr(flags, flag) != NULL) {
		memcpy(out, name, len + 1);
		return 0;
	}
	if (len + 1 > NAME_LIMIT)
		return -1;
	at = (size_t)(flags - name);
	while (name[at] != '\0' && (unsigned char)name[at] <
	    (unsigned char)flag)
		at++;
	memcpy(out, name, at);
	out[at] = flag;
	memcpy(out + at + 1, name + at, len - at + 1);
	return 0;
}

int name_add_copy(const char *name, unsigned copy, char out[NAME_LIMIT + 1])
{
	size_t len = strlen(name), at = name_unique(name), n;
	char suffix[1 + NUM_DIGITS] = "~";

	n = 1 + num_format(suffix + 1, copy);
	if (len + n > NAME_LIMIT)
		return -1;
	memcpy(out, name, at);
	memcpy(out + at, suffix, n);
	memcpy(out + at + n, name + at, len - at + 1);
	return 0;
}

/* The leading number without its leading zeros; *len may be 0. */
static const char *leading(const char *name, size_t *len)
{
	const char *digits = name, *end;

	while (*digits == '0')
		digits++;
	for (end = digits; *end >= '0' && *end <= '9'; end++)
		;
	*len = (size_t)(end - digits);
	return digits;
}

uint64_t name_order(const char *name)
{
	uint64_t number = 0;
	size_t len;
	const char *digits = leading(name, &len);

	if (len > 0)
		num_parse(digits, len, &number);
	return number;
}

int name_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t a_digits, b_digits;
	const char *x = leading(a, &a_digits), *y = leading(b, &b_digits);
	int order;

	if (a_digits != b_digits)
		return a_digits < b_digits ? -1 : 1;
	order = memcmp(x, y, a_digits);
	if (order == 0)
		order = memcmp(a, b, a_len < b_len ? a_len : b_len);
	if (order == 0 && a_len != b_len)
		order = a_len < b_len ? -1 : 1;
	return order;
}
