/*
 * auth_file.c - users of a passwd-file (P-150..P-154).
 *
 * The file is read from end to end whoever asks, and whatever comes out, an
 * answer "no" has cost one crypt(3): the user's own record, or where that
 * costs nothing (no such user, locked, {PLAIN}, a broken hash) one of the
 * first records of the file that does (S-5).  What is wrong with a record is
 * said only to who knows its password.
 *
 * Runs as: the keeper, before it becomes anybody.
 * Trusts:  the file's owner, once its rights are right; not that its lines
 *          are whole.  Of what the client sent, nothing.
 */
#include "login/auth.h"

#include "base/log.h"
#include "base/num.h"
#include "login/scheme.h"
#include "login/template.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_LIMIT 4096		/* octets, without its end: P-154 */
#define READ_ROOM 32768		/* a large file in few read(2)s */
#define DUMMIES 4		/* the first may look right and yet be broken */

enum { NAME, PASSWORD, UID, GID, GECOS, HOME, SHELL, EXTRA, FIELDS };

/* All that is read of the file; wiped as a whole. */
struct passwd_file {
	const char *path;
	int fd;
	uint64_t octets;		/* read so far */
	uint64_t line;			/* number of the one taken last */
	bool skipping;			/* inside a line that is too long */
	size_t start, end;		/* of what is in buf and not taken */
	char buf[READ_ROOM];

	char name[AUTH_NAME_MAX + 1];	/* folded; "" matches nobody */
	uint64_t found;			/* line of the record, 0: none */
	char record[LINE_LIMIT + 1];
	size_t dummies;
	char dummy[DUMMIES][SCHEME_RECORD_MAX + 1];
};

static void complain(const struct passwd_file *f, uint64_t line,
    const char *what)
{
	char text[256];

	snprintf(text, sizeof text, "line %ju: %s: passwd-file",
	    (uintmax_t)line, what);
	log_error(text, f->path);
}

/* --- the file ------------------------------------------------------------ */

/* Out of reach may pass; what is no file of ours must be mended. */
static enum auth_verdict open_failed(const char *path)
{
	if (errno == ELOOP) {
		log_error("passwd-file is a symbolic link; name the file "
		    "itself:", path);
		return AUTH_PERM;
	}
	log_errno("cannot open passwd-file", path);
	return AUTH_TEMP;
}

static enum auth_verdict check_rights(const struct passwd_file *f,
    bool as_root, const struct stat *st)
{
	const char *wrong = NULL;

	if (!S_ISREG(st->st_mode))
		wrong = "passwd-file is not a regular file:";
	else if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		wrong = "passwd-file can be written by group or others; chmod "
		    "go-w";
	else if (as_root && st->st_uid != 0 && st->st_uid != geteuid())
		wrong = "passwd-file belongs to another user; chown root";
	if (wrong == NULL)
		return AUTH_OK;
	log_error(wrong, f->path);
	return AUTH_PERM;
}

/* As S-8: a link, FIFO or device must do no harm by being opened. */
static enum auth_verdict open_file(struct passwd_file *f, bool as_root,
    struct stat *st)
{
	enum auth_verdict verdict;

	f->fd = open(f->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC);
	if (f->fd == -1)
		return open_failed(f->path);
	if (fstat(f->fd, st) == -1) {
		log_errno("cannot look at passwd-file", f->path);
		verdict = AUTH_TEMP;
	} else {
		verdict = check_rights(f, as_root, st);
	}
	if (verdict != AUTH_OK)
		close(f->fd);
	return verdict;
}

/* Makes room and reads once.  1, 0 at the end of the file, -1. */
static int fill(struct passwd_file *f)
{
	ssize_t n;

	memmove(f->buf, f->buf + f->start, f->end - f->start);
	f->end -= f->start;
	f->start = 0;
	do
		n = read(f->fd, f->buf + f->end, sizeof f->buf - f->end);
	while (n == -1 && errno == EINTR);
	if (n == -1) {
		log_errno("cannot read passwd-file", f->path);
		return -1;
	}
	f->end += (size_t)n;
	f->octets += (uint64_t)n;
	return n > 0;
}

/*
 * Takes the next line out of buf; at_end: the rest is one, too.  What is
 * longer than a line may be is thrown away as it comes, whatever its length.
 */
static bool take(struct passwd_file *f, bool at_end, char **text, size_t *len)
{
	size_t have = f->end - f->start;
	char *from = f->buf + f->start, *lf = memchr(from, '\n', have);
	bool too_long;

	if (lf == NULL && (!at_end || (have == 0 && !f->skipping))) {
		if (f->skipping || have > LINE_LIMIT + 1) {
			f->skipping = true;
			f->start = f->end;
		}
		return false;
	}
	*text = from;
	*len = lf == NULL ? have : (size_t)(lf - from);
	f->start += *len + (lf != NULL);
	if (*len > 0 && from[*len - 1] == '\r')
		--*len;
	too_long = f->skipping || *len > LINE_LIMIT;
	f->skipping = false;
	f->line++;
	if (too_long || memchr(from, '\0', *len) != NULL) {
		complain(f, f->line, too_long ? "skipped, it has more than "
		    "4096 octets" : "skipped, it has a NUL in it");
		*len = 0;
	}
	return true;
}

/* --- a line -------------------------------------------------------------- */

/* P-58: either side is folded. */
static bool names(const char *line, size_t len, const char *name)
{
	size_t i;

	for (i = 0; i < len && line[i] != ':' && name[i] != '\0'; i++)
		if (template_fold(line[i]) != name[i])
			return false;
	return i > 0 && name[i] == '\0' && (i == len || line[i] == ':');
}

/* Copies a line's password field; false: it is longer than any in use. */
static bool copy_password(char out[SCHEME_RECORD_MAX + 1], const char *line,
    size_t len)
{
	const char *from = memchr(line, ':', len), *end;
	size_t n;

	if (from == NULL)
		return false;
	from++;
	end = memchr(from, ':', len - (size_t)(from - line));
	n = (size_t)((end == NULL ? line + len : end) - from);
	if (n > SCHEME_RECORD_MAX)
		return false;
	memcpy(out, from, n);
	out[n] = '\0';
	return true;
}

static void see_line(struct passwd_file *f, const char *line, size_t len)
{
	char *dummy = f->dummy[f->dummies];

	if (len == 0 || line[0] == '#')
		return;
	if (f->dummies < DUMMIES && copy_password(dummy, line, len) &&
	    scheme_costs(dummy))
		f->dummies++;
	if (f->found == 0 && names(line, len, f->name)) {
		f->found = f->line;	/* P-152: the first counts */
		memcpy(f->record, line, len);
		f->record[len] = '\0';
	}
}

static enum auth_verdict read_all(struct passwd_file *f, bool as_root)
{
	enum auth_verdict verdict;
	struct stat st;
	size_t len;
	char *line;
	int more;

	verdict = open_file(f, as_root, &st);
	if (verdict != AUTH_OK)
		return verdict;
	do {
		more = fill(f);
		while (more != -1 && take(f, more == 0, &line, &len))
			see_line(f, line, len);
	} while (more == 1);
	close(f->fd);
	if (more == 0 && f->octets == (uint64_t)st.st_size)
		return AUTH_OK;
	if (more == 0)	/* half a file must not read as "unknown user" */
		log_error("passwd-file changed while it was read; write a new "
		    "one and rename it:", f->path);
	return AUTH_TEMP;
}

/* --- the record ---------------------------------------------------------- */

/* Ends the fields where their colons are; the last keeps its own. */
static void split(char *record, char *field[FIELDS])
{
	char *colon;
	size_t i;

	for (i = 0; i < FIELDS; i++) {
		field[i] = record;
		colon = i == EXTRA ? NULL : strchr(record, ':');
		if (colon != NULL)
			*colon = '\0';
		record = colon != NULL ? colon + 1 : record + strlen(record);
	}
}

/*
 * The next word of the extra field, split at its "="; *value is NULL without
 * one.  NULL: no more.  Leaves the field as it is.
 */
static const char *next_extra(const char **extra, size_t *key_len,
    const char **value, size_t *value_len)
{
	const char *word = *extra + strspn(*extra, " ");
	size_t len = strcspn(word, " ");

	*extra = word + len;
	*key_len = len;
	*value = memchr(word, '=', len);
	if (*value != NULL) {
		*key_len = (size_t)(*value - word);
		*value_len = len - *key_len - 1;
		++*value;
	}
	return len == 0 ? NULL : word;
}

static bool is_key(const char *word, size_t len, const char *key)
{
	return len == strlen(key) && memcmp(word, key, len) == 0;
}

/* --- allow_nets ---------------------------------------------------------- */

struct net {
	int family;
	unsigned bits;
	unsigned char octet[16];
};

/* An IPv4 address that came through an IPv6 socket is an IPv4 address. */
static void unmap(struct net *n)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (n->family == AF_INET6 && n->bits >= 96 &&
	    memcmp(n->octet, mapped, sizeof mapped) == 0) {
		n->family = AF_INET;
		n->bits -= 96;
		memmove(n->octet, n->octet + 12, 4);
	}
}

/* "address[/bits]" in len octets. */
static int read_net(const char *text, size_t len, struct net *n)
{
	char buf[INET6_ADDRSTRLEN + 4], *slash;
	uint64_t bits;

	if (len >= sizeof buf)
		return -1;
	memcpy(buf, text, len);
	buf[len] = '\0';
	slash = strchr(buf, '/');
	if (slash != NULL)
		*slash = '\0';
	n->family = strchr(buf, ':') != NULL ? AF_INET6 : AF_INET;
	bits = n->family == AF_INET6 ? 128 : 32;
	if (inet_pton(n->family, buf, n->octet) != 1 || (slash != NULL &&
	    num_parse_range(slash + 1, 0, bits, &bits) == -1))
		return -1;
	n->bits = (unsigned)bits;
	unmap(n);
	return 0;
}

static bool in_net(const struct net *who, const struct net *n)
{
	unsigned whole = n->bits / 8, rest = n->bits % 8;

	return who->family == n->family &&
	    memcmp(who->octet, n->octet, whole) == 0 && (rest == 0 ||
	    ((who->octet[whole] ^ n->octet[whole]) >> (8 - rest)) == 0);
}

/*
 * P-152: one word of the list that cannot be read refuses, wherever it
 * stands.  "local" means Dovecot's connections without an address: ours with
 * none are of unknown origin, so it lets nobody in.
 */
static bool nets_allow(const char *list, size_t len, const char *ip)
{
	bool inside = false;
	struct net who, n;
	size_t word;

	if (read_net(ip, strlen(ip), &who) == -1 || strchr(ip, '/') != NULL)
		return false;
	for (;;) {
		const char *comma = memchr(list, ',', len);

		word = comma == NULL ? len : (size_t)(comma - list);
		if (!is_key(list, word, "local")) {
			if (read_net(list, word, &n) == -1)
				return false;
			inside |= in_net(&who, &n);
		}
		if (comma == NULL)
			return inside;
		list += word + 1;
		len -= word + 1;
	}
}

/* --- who it is ----------------------------------------------------------- */

/* What the extra fields say against this login: a reason, or NULL. */
static const char *objection(const char *extra, const char *ip)
{
	const char *word, *value;
	size_t len, value_len = 0;

	while ((word = next_extra(&extra, &len, &value, &value_len)) != NULL) {
		if (is_key(word, len, "nologin") ||
		    is_key(word, len, "nopassword"))
			return "disabled";
		if (is_key(word, len, "allow_nets") && (value == NULL ||
		    !nets_allow(value, value_len, ip)))
			return "nets";
	}
	return NULL;
}

/* A uid or gid: 0, or -1 and *wrong says why. */
static int read_id(const char *text, uint64_t *id, const char **wrong)
{
	if (num_parse_range(text, 0, UINT32_MAX - 1, id) == -1)
		*wrong = "uid and gid must be numbers";
	else if (*id == 0)
		*wrong = "uid or gid is 0: root has no mail here";
	else
		return 0;
	return -1;
}

static const char *take_ids(char *field[FIELDS], bool as_root,
    struct auth_identity *who)
{
	uint64_t uid = geteuid(), gid = getegid();
	const char *wrong = NULL;

	if (as_root && (field[UID][0] == '\0' || field[GID][0] == '\0'))
		return "uid or gid is missing: needed where the server is "
		    "started as root";
	if ((field[UID][0] != '\0' && read_id(field[UID], &uid, &wrong) == -1)
	    || (field[GID][0] != '\0' &&
	    read_id(field[GID], &gid, &wrong) == -1))
		return wrong;
	if (!as_root && uid != geteuid())
		return "uid is not the one this server runs as; start it as "
		    "root, or as that user";
	who->switch_user = as_root;
	who->uid = (uid_t)uid;
	who->gid = as_root ? (gid_t)gid : getegid();
	return NULL;
}

static const char *take_home(const char *home, struct auth_identity *who)
{
	if (home[0] != '\0' && home[0] != '/')
		return "home is not absolute";
	if (strlen(home) > AUTH_PATH_MAX)
		return "home is too long";
	strcpy(who->home, home);
	return NULL;
}

/*
 * Where Dovecot's "maildir:path[:option]..." has the inbox: the path, or what
 * option INBOX= says.
 */
static const char *inbox_of(char *location)
{
	char *path = location + strlen("maildir:"), *option = path, *colon;

	while ((colon = strchr(option, ':')) != NULL) {
		*colon = '\0';
		option = colon + 1;
		if (strncmp(option, "INBOX=", 6) == 0)
			path = option + 6;
	}
	return path;
}

/* As Dovecot reads it: "~/" and a relative path are below the home. */
static const char *take_mail(char *location, struct auth_identity *who)
{
	char path[AUTH_PATH_MAX + 1];
	const char *below = path;
	size_t home = strlen(who->home);

	if (strncmp(location, "maildir:", strlen("maildir:")) != 0)
		return "userdb_mail is not maildir:PATH";
	if (template_expand_home(inbox_of(location), who->user, who->home,
	    path, sizeof path) == -1)
		return "userdb_mail is too long, or has a % form that is "
		    "unknown or that this user has no value for";
	if (path[0] == '\0' || (path[0] == '~' && path[1] != '/' &&
	    path[1] != '\0'))
		return "userdb_mail has no path that can be used";
	if (path[0] == '/')
		home = 0;
	else if (home == 0)
		return "userdb_mail is below a home that is not there";
	if (path[0] == '~')
		below += path[1] == '/' ? 2 : 1;
	if (snprintf(who->mail, sizeof who->mail, "%.*s%s%s", (int)home,
	    who->home, home > 0 && below[0] != '\0' ? "/" : "", below) >
	    AUTH_PATH_MAX)
		return "userdb_mail is too long";
	return NULL;
}

static const char *find_mail(const char *extra, struct auth_identity *who)
{
	char location[LINE_LIMIT + 1];
	const char *word, *value, *wrong;
	size_t len, value_len = 0;

	while ((word = next_extra(&extra, &len, &value, &value_len)) != NULL) {
		if (!is_key(word, len, "userdb_mail") || value == NULL)
			continue;
		memcpy(location, value, value_len);
		location[value_len] = '\0';
		wrong = take_mail(location, who);
		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}

/* The secret is right. */
static enum auth_verdict admit(const struct passwd_file *f, bool as_root,
    char *field[FIELDS], const char *ip, struct auth_identity *who,
    const char **reason)
{
	const char *wrong;

	*reason = objection(field[EXTRA], ip);
	if (*reason != NULL)
		return AUTH_REFUSED;
	strcpy(who->user, f->name);
	wrong = take_ids(field, as_root, who);
	if (wrong == NULL)
		wrong = take_home(field[HOME], who);
	if (wrong == NULL)
		wrong = find_mail(field[EXTRA], who);
	if (wrong == NULL)
		return AUTH_OK;
	complain(f, f->found, wrong);
	*reason = "record";
	return AUTH_PERM;
}

static enum auth_verdict judge(struct passwd_file *f, bool as_root,
    const struct auth_request *r, struct auth_identity *who,
    const char **reason)
{
	enum auth_verdict verdict = AUTH_REFUSED;
	enum scheme_result fits = SCHEME_NO;
	char *field[FIELDS];
	bool worked = false;
	size_t i;

	split(f->record, field);	/* all empty, if there is none */
	*reason = "unknown";
	if (f->found != 0) {
		fits = scheme_check(field[PASSWORD], r->secret);
		worked = fits != SCHEME_UNUSABLE &&
		    scheme_costs(field[PASSWORD]);
		*reason = fits == SCHEME_UNUSABLE ? "hash" :
		    scheme_locked(field[PASSWORD]) ? "disabled" :
		    "credentials";
	}
	if (fits == SCHEME_UNUSABLE)
		complain(f, f->found, "[SYS/PERM] the stored "
		    "password cannot be used");
	if (fits == SCHEME_MATCH && r->secret_len > 0)
		verdict = admit(f, as_root, field, r->ip, who, reason);
	for (i = 0; verdict == AUTH_REFUSED && !worked && i < f->dummies; i++)
		worked = scheme_work(f->dummy[i], r->secret);
	return verdict;
}

/* S-15: lengths and strings agree, or it is nobody's name and secret. */
static bool is_sound(const struct auth_request *r)
{
	return r->name_len <= AUTH_NAME_MAX &&
	    r->secret_len <= AUTH_SECRET_MAX &&
	    strlen(r->name) == r->name_len &&
	    strlen(r->secret) == r->secret_len &&
	    template_name_ok(r->name, r->name_len);
}

enum auth_verdict auth_file_check(const char *path, bool as_root,
    const struct auth_request *r, struct auth_identity *who,
    const char **reason)
{
	struct passwd_file f;
	enum auth_verdict verdict;
	size_t i;

	memset(who, 0, sizeof *who);
	*reason = "unsupported";
	if (r->kind == AUTH_APOP)
		return AUTH_REFUSED;
	*reason = "file";
	memset(&f, 0, sizeof f);
	f.path = path;
	if (is_sound(r))
		for (i = 0; i < r->name_len; i++)
			f.name[i] = template_fold(r->name[i]);
	verdict = read_all(&f, as_root);
	if (verdict == AUTH_OK)
		verdict = judge(&f, as_root, r, who, reason);
	if (verdict != AUTH_OK)
		memset(who, 0, sizeof *who);
	explicit_bzero(&f, sizeof f);
	return verdict;
}
