/*
 * scheme.c - does this secret fit this stored password.
 *
 * No digest is computed here by hand but SHA-256, which the UIDLs need
 * anyway; everything else is crypt(3)'s work.
 *
 * Runs as: the keeper, before it becomes anybody.
 * Trusts:  the record as far as it is the operator's, not that it is whole;
 *          of the secret, nothing.
 */
#include "login/scheme.h"

#include "base/log.h"
#include "base/sha256.h"
#include "login/sasl.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#ifdef HAVE_CRYPT		/* musl's static build may go without */
#include <crypt.h>
#endif

enum kind { UNKNOWN, DAMAGED, LOCKED, CLEAR, HASH, DIGEST, SALTED };
enum encoding { RAW, HEX, BASE64, NONSENSE };

/* A record taken apart; data ends with a NUL that len does not count. */
struct stored {
	enum kind kind;
	size_t len;
	unsigned char data[SCHEME_RECORD_MAX + 1];
};

static const struct {
	const char *name;
	enum kind kind;
} schemes[] = {		/* P-153 */
	{ "PLAIN", CLEAR }, { "CLEAR", CLEAR }, { "CLEARTEXT", CLEAR },
	{ "CRYPT", HASH }, { "MD5-CRYPT", HASH }, { "BLF-CRYPT", HASH },
	{ "SHA256-CRYPT", HASH }, { "SHA512-CRYPT", HASH },
	{ "SHA256", DIGEST }, { "SSHA256", SALTED },
};

static const struct {
	const char *name;
	enum encoding encoding;
} encodings[] = { { "HEX", HEX }, { "B64", BASE64 }, { "BASE64", BASE64 } };

/* The methods we take (P-150, P-151), and how many octets their hash has
 * behind the last "$" (with bcrypt the salt too). */
static const struct method {
	const char *prefix;
	size_t hash;
} methods[] = {
	{ "$y$", 43 }, { "$gy$", 43 }, { "$7$", 43 },
	{ "$2a$", 53 }, { "$2b$", 53 }, { "$2x$", 53 }, { "$2y$", 53 },
	{ "$6$", 86 }, { "$5$", 43 }, { "$sha1$", 28 },
	{ "$md5$", 22 }, { "$md5,", 22 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char hash_octets[] = "./0123456789abcdefghijklmnopqrstuvwxyz"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* Whether the len octets are word, which is in upper case. */
static bool is_word(const char *text, size_t len, const char *word)
{
	size_t i;

	for (i = 0; i < len && word[i] != '\0'; i++) {
		char c = text[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (c != word[i])
			return false;
	}
	return i == len && word[i] == '\0';
}

static enum kind kind_of(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < COUNT(schemes); i++)
		if (is_word(name, len, schemes[i].name))
			return schemes[i].kind;
	return UNKNOWN;
}

static enum encoding encoding_of(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < COUNT(encodings); i++)
		if (is_word(name, len, encodings[i].name))
			return encodings[i].encoding;
	return NONSENSE;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int from_hex(const char *text, size_t len, struct stored *s)
{
	size_t i;

	if (len % 2 != 0 || len / 2 > SCHEME_RECORD_MAX)
		return -1;
	for (i = 0; i < len; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high == -1 || low == -1)
			return -1;
		s->data[i / 2] = (unsigned char)(high << 4 | low);
	}
	s->len = len / 2;
	return 0;
}

static int decode(enum encoding e, const char *text, size_t len,
    struct stored *s)
{
	if (e == HEX)
		return from_hex(text, len, s);
	if (e == BASE64)
		return sasl_base64(text, len, s->data, SCHEME_RECORD_MAX,
		    &s->len);
	if (len > SCHEME_RECORD_MAX)
		return -1;
	memcpy(s->data, text, len);
	s->len = len;
	return 0;
}

/* What the decoded data makes of the kind that the scheme promised. */
static enum kind look(const struct stored *s)
{
	const char *text = (const char *)s->data;

	if (s->len == 0)
		return LOCKED;
	switch (s->kind) {
	case CLEAR:
		return strlen(text) == s->len ? CLEAR : DAMAGED;
	case HASH:
		if (text[0] == '!' || text[0] == '*' || strcmp(text, "x") == 0)
			return LOCKED;
		return strlen(text) == s->len ? HASH : DAMAGED;
	case DIGEST:
		return s->len == SHA256_LEN ? DIGEST : DAMAGED;
	case SALTED:
		return s->len > SHA256_LEN ? SALTED : DAMAGED;
	default:
		return s->kind;
	}
}

/* The caller wipes s. */
static void take_apart(struct stored *s, const char *record)
{
	const char *data = record, *end, *dot;
	enum encoding e = RAW;

	memset(s, 0, sizeof *s);
	s->kind = HASH;		/* P-153: without braces */
	if (record[0] == '{') {
		end = strchr(record, '}');
		s->kind = UNKNOWN;
		if (end == NULL)
			return;
		record++;
		data = end + 1;
		dot = memchr(record, '.', (size_t)(end - record));
		s->kind = kind_of(record, (size_t)((dot ? dot : end) - record));
		if (s->kind == DIGEST || s->kind == SALTED)
			e = BASE64;
		/* 32 octets are never 64 in base64; Dovecot does the same. */
		if (s->kind == DIGEST && strlen(data) == 2 * (size_t)SHA256_LEN)
			e = HEX;
		if (dot != NULL)
			e = encoding_of(dot + 1, (size_t)(end - dot - 1));
	}
	if (s->kind == UNKNOWN)
		return;
	if (e == NONSENSE)
		s->kind = UNKNOWN;
	else if (decode(e, data, strlen(data), s) == -1)
		s->kind = DAMAGED;
	else
		s->kind = look(s);
}

static const struct method *method_of(const char *text)
{
	size_t i;

	for (i = 0; i < COUNT(methods); i++)
		if (strncmp(text, methods[i].prefix,
		    strlen(methods[i].prefix)) == 0)
			return &methods[i];
	return NULL;
}

/* A method we take, with a hash as long as that method's. */
static bool method_ok(const struct stored *s)
{
	const char *text = (const char *)s->data, *hash;
	const struct method *m = s->kind == HASH ? method_of(text) : NULL;

	if (m == NULL)
		return false;
	hash = strrchr(text, '$') + 1;	/* each prefix has one */
	return strlen(hash) == m->hash && strspn(hash, hash_octets) == m->hash;
}

/* Takes as long for any stored string of the same length, and no less if the
 * lengths differ. */
static bool same(const void *computed, size_t len, const void *stored,
    size_t stored_len)
{
	const unsigned char *a = computed, *b = stored;
	unsigned differ = len != stored_len;
	size_t i;

	for (i = 0; i < len; i++)
		differ |= a[i] ^ b[i < stored_len ? i : 0];
	return differ == 0;
}

#ifdef HAVE_CRYPT
/*
 * One crypt(3).  What it gives when it fails is never a match (P-150, S-15):
 * NULL, "*0", "*1", or anything shorter than the hash of DES.
 */
static enum scheme_result try_crypt(const struct stored *s, const char *secret)
{
	static struct crypt_data scratch;	/* 32 KiB: not for a stack */
	const char *hash = crypt_r(secret, (const char *)s->data, &scratch);
	enum scheme_result result = SCHEME_UNUSABLE;
	int saved = errno;

	if (hash != NULL && hash[0] != '*' && strlen(hash) >= 13)
		result = same(hash, strlen(hash), s->data, s->len) ?
		    SCHEME_MATCH : SCHEME_NO;
	explicit_bzero(&scratch, sizeof scratch);
	errno = saved;
	return result;
}

const char *scheme_missing(void)
{
	return NULL;
}
#else
static enum scheme_result try_crypt(const struct stored *s, const char *secret)
{
	(void)s, (void)secret;
	return SCHEME_UNUSABLE;
}

const char *scheme_missing(void)
{
	return "this build has no crypt(3): of stored passwords only {PLAIN}, "
	    "{SHA256} and {SSHA256} can be used";
}
#endif

static enum scheme_result try_digest(const struct stored *s,
    const char *secret)
{
	unsigned char digest[SHA256_LEN];
	struct sha256 sum;
	bool fits;

	sha256_start(&sum);
	sha256_add(&sum, secret, strlen(secret));
	sha256_add(&sum, s->data + SHA256_LEN, s->len - SHA256_LEN);
	sha256_end(&sum, digest);
	fits = same(digest, sizeof digest, s->data, SHA256_LEN);
	explicit_bzero(digest, sizeof digest);
	return fits ? SCHEME_MATCH : SCHEME_NO;
}

#define NAME_SHOWN 24		/* octets of "{SCHEME.ENC}" in the log */
#define METHOD_SHOWN 6		/* of "$sha1$" */

/*
 * Logs what, and name up to its end octet if it is short and looks like the
 * name of a scheme or method: a record that is not what it should be may be a
 * password somebody forgot to put {PLAIN} before.
 */
static void complain(const char *what, const char *name, size_t max, char end)
{
	char shown[NAME_SHOWN + 1];
	size_t len = 1;

	while (len < max - 1 && name[len] != '\0' && name[len] != end &&
	    (strchr(hash_octets, name[len]) != NULL || name[len] == '-'))
		len++;
	if (name[len] != end) {
		log_error(what, NULL);
		return;
	}
	memcpy(shown, name, len + 1);
	shown[len + 1] = '\0';
	log_error(what, shown);
}

static void complain_of_hash(const struct stored *s)
{
	const char *text = (const char *)s->data;

	if (scheme_missing() != NULL) {
		log_error(scheme_missing(), NULL);
		return;
	}
	if (text[0] != '$') {
		log_error("stored password has no {SCHEME} and is no hash that "
		    "is taken here: make one of yescrypt or SHA-512, or write "
		    "{PLAIN} before a password in the clear", NULL);
		return;
	}
	complain(method_of(text) != NULL ?
	    "stored password: crypt(3) cannot use this hash: it is damaged, its "
	    "method not built in, or there is no memory for it; method" :
	    "stored password: a hash of yescrypt or SHA-512 would do, but not "
	    "one of method", text, METHOD_SHOWN, '$');
}

static void complain_of(const struct stored *s, const char *record)
{
	if (s->kind == HASH)
		complain_of_hash(s);
	else if (record[0] != '{')
		log_error("stored password is too long", NULL);
	else
		complain(s->kind == UNKNOWN ?
		    "stored password: {CRYPT} would do, but not scheme" :
		    "stored password: the data is damaged or too long for "
		    "scheme", record, NAME_SHOWN, '}');
}

static enum scheme_result try_stored(const struct stored *s,
    const char *secret)
{
	switch (s->kind) {
	case LOCKED:
		return SCHEME_NO;
	case CLEAR:
		return same(secret, strlen(secret), s->data, s->len) ?
		    SCHEME_MATCH : SCHEME_NO;
	case HASH:
		return method_ok(s) ? try_crypt(s, secret) : SCHEME_UNUSABLE;
	case DIGEST:
	case SALTED:
		return try_digest(s, secret);
	default:
		return SCHEME_UNUSABLE;
	}
}

enum scheme_result scheme_check(const char *record, const char *secret)
{
	enum scheme_result result;
	struct stored s;

	take_apart(&s, record);
	result = try_stored(&s, secret);
	if (result == SCHEME_UNUSABLE)
		complain_of(&s, record);
	explicit_bzero(&s, sizeof s);
	return result;
}

bool scheme_locked(const char *record)
{
	struct stored s;
	bool locked;

	take_apart(&s, record);
	locked = s.kind == LOCKED;
	explicit_bzero(&s, sizeof s);
	return locked;
}

bool scheme_costs(const char *record)
{
	struct stored s;
	bool costs;

	take_apart(&s, record);
	costs = scheme_missing() == NULL && method_ok(&s);
	explicit_bzero(&s, sizeof s);
	return costs;
}

bool scheme_work(const char *record, const char *secret)
{
	struct stored s;
	bool worked;

	take_apart(&s, record);
	worked = method_ok(&s) && try_crypt(&s, secret) != SCHEME_UNUSABLE;
	explicit_bzero(&s, sizeof s);
	return worked;
}
