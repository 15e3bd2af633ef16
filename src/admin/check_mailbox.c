/*
 * check_mailbox.c - --check: can this user serve this Maildir.
 *
 * Rights are not worked out from modes: a child becomes the user, and asks the
 * kernel, which knows of ACLs and of root on a network filesystem too.
 *
 * Runs as: the administrator; the child as who will serve the mail.
 * Trusts:  nothing in the Maildir.
 */
#include "admin/check_mailbox.h"

#include "admin/finding.h"
#include "base/log.h"
#include "base/priv.h"
#include "mail/maildir.h"
#include "mail/uidlfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGES 1000		/* that are looked at in a directory */
#define CACHE "maildir-pop3d.sizes"
#define PATH_ROOM (2 * PATH_MAX + 32)	/* of a home, a Maildir, a file in it */

/* One Maildir that is looked at. */
struct look {
	const char *name;		/* whose */
	const char *path;		/* absolute */
	uid_t uid;			/* ours, by now */
	gid_t gid;
	bool trash;			/* --delete=trash */
};

/* --- advice -------------------------------------------------------------- */

/*
 * The directory on the way to path that we may not pass through, or where
 * something that is no directory stands; false: there is none.
 */
static bool blocked_at(const char *path, char dir[PATH_MAX])
{
	const char *slash = path;
	struct stat st;

	while ((slash = strchr(slash + 1, '/')) != NULL) {
		snprintf(dir, PATH_MAX, "%.*s", (int)(slash - path), path);
		if (stat(dir, &st) == -1)
			return false;
		if (!S_ISDIR(st.st_mode) || access(dir, X_OK) == -1)
			return true;
	}
	return false;
}

/* Which part of a mode is about us. */
static char class_of(const struct look *l, const struct stat *st)
{
	return st->st_uid == l->uid ? 'u' : st->st_gid == l->gid ? 'g' : 'o';
}

/* path cannot be reached, for another reason than that it is not there. */
static void unreachable(const struct look *l, const char *path)
{
	const char *why = strerror(errno);
	char dir[PATH_MAX];
	struct stat st;

	if (!blocked_at(path, dir) || stat(dir, &st) == -1) {
		finding_mend("%s: %s: %s", l->name, path, why);
		finding_edit("look at it as uid %u: setpriv --reuid=%u "
		    "--regid=%u --clear-groups ls -la %s", l->uid, l->uid,
		    l->gid, finding_quote(path));
	} else if (!S_ISDIR(st.st_mode)) {
		finding_mend("%s: %s: %s is no directory", l->name, path, dir);
		finding_edit("name another Maildir, or move %s out of the way",
		    dir);
	} else {
		finding_mend("%s: %s: uid %u may not pass through %s",
		    l->name, path, l->uid, dir);
		finding_do("chmod %c+x %s", class_of(l, &st),
		    finding_quote(dir));
	}
}

static void make(const struct look *l, const char *what, const char *words)
{
	finding_mend("%s: %s is missing", l->name, what);
	finding_do("mkdir -p -m 700 %s && chown %u:%u %s", words, l->uid,
	    l->gid, words);
}

/* Something is not ours, or its mode keeps us out. */
static void give(const struct look *l, const char *path, mode_t mode,
    uid_t owner, const char *wrong)
{
	const char *quoted = finding_quote(path);

	finding_mend("%s: %s: %s (mode %03o, uid %u; served by uid %u)",
	    l->name, path, wrong, mode & 07777U, owner, l->uid);
	if (owner == l->uid)
		finding_do("chmod u+rwx %s", quoted);
	else
		finding_do("chown -R %u:%u %s && chmod u+rwx %s", l->uid,
		    l->gid, finding_quote(l->path), quoted);
}

/* --- a directory --------------------------------------------------------- */

/* A link: sessions do not follow it below the Maildir. */
static void is_link(const struct look *l, const char *path)
{
	const char *quoted = finding_quote(path);
	struct stat st;

	finding_mend("%s: %s is a symbolic link, which is not followed",
	    l->name, path);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		finding_do("mv \"$(readlink -f %s)\" %s.real && rm %s && "
		    "mv %s.real %s", quoted, quoted, quoted, quoted, quoted);
	else
		finding_do("rm %s && mkdir -m 700 %s && chown %u:%u %s",
		    quoted, quoted, l->uid, l->gid, quoted);
}

static void in_the_way(const struct look *l, const char *path)
{
	const char *quoted = finding_quote(path);

	finding_mend("%s: %s is no directory", l->name, path);
	finding_do("mv %s %s.was-in-the-way && mkdir -m 700 %s && chown %u:%u "
	    "%s", quoted, quoted, quoted, l->uid, l->gid, quoted);
}

/* Whether we can work in the directory; that others can is told, too. */
static bool usable(const struct look *l, const char *path,
    const struct stat *st)
{
	if (access(path, R_OK | W_OK | X_OK) == -1 && errno != EROFS) {
		give(l, path, st->st_mode, st->st_uid,
		    "cannot be read and written");
		return false;
	}
	if ((st->st_mode & S_IWOTH) != 0) {
		finding_mend("%s: %s: everybody can write it", l->name, path);
		finding_do("chmod o-w %s", finding_quote(path));
	}
	return true;
}

static bool directory(const struct look *l, const char *path)
{
	struct stat st;

	if (lstat(path, &st) == -1 && errno == ENOENT)
		make(l, path, finding_quote(path));
	else if (lstat(path, &st) == -1)
		unreachable(l, path);
	else if (S_ISLNK(st.st_mode))
		is_link(l, path);
	else if (!S_ISDIR(st.st_mode))
		in_the_way(l, path);
	else
		return usable(l, path, &st);
	return false;
}

/* --- what is in it ------------------------------------------------------- */

/* Mail that another user delivered, root above all. */
static void messages(const struct look *l, const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	unsigned seen = 0, closed = 0;

	if (dir == NULL)
		return;
	while (seen < MESSAGES && (e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		seen++;
		if (faccessat(dirfd(dir), e->d_name, R_OK, 0) == -1 &&
		    errno == EACCES)
			closed++;
	}
	closedir(dir);
	if (closed == 0)
		return;
	finding_mend("%s: %s: messages that uid %u cannot read: %u", l->name,
	    path, l->uid, closed);
	finding_do("chown -R %u:%u %s && chmod -R u+r %s", l->uid, l->gid,
	    finding_quote(path), finding_quote(path));
}

/* What keeps the sizes: a file that the session can replace. */
static void cache(const struct look *l)
{
	char path[PATH_ROOM];
	struct stat st;

	snprintf(path, sizeof path, "%s/" CACHE, l->path);
	if (lstat(path, &st) == -1 || (S_ISREG(st.st_mode) &&
	    access(path, R_OK | W_OK) == 0))
		return;
	finding_mend("%s: %s: not a file that uid %u can use for the sizes; it "
	    "may be removed at any time", l->name, path, l->uid);
	finding_do("rm -r %s", finding_quote(path));
}

static char told[FINDING_ROOM];		/* what uidlfile.c said */

static void hear(const char *line)
{
	snprintf(told, sizeof told, "%s", line);
}

/* The UIDLs of another server: where they cannot be read, nothing is served. */
static void uidls(const struct look *l)
{
	char path[PATH_ROOM];
	const char *quoted;
	struct maildir m = { .path = l->path };
	struct uidlfile *f;
	int r;

	m.root = open(l->path, MAILDIR_DIRECTORY);
	log_divert(hear);
	r = uidlfile_read(&m, &f);
	close(m.root);
	if (r == 0) {
		if (told[0] != '\0')
			finding_note("%s: %s", l->name, told);
		uidlfile_free(&f);
		return;
	}
	snprintf(path, sizeof path, "%s/" UIDLFILE_NAME, l->path);
	quoted = finding_quote(path);
	finding_mend("%s: %s", l->name, told);
	if (access(path, R_OK) == -1 && errno == EACCES)
		finding_do("chown %u:%u %s && chmod u+r %s", l->uid, l->gid,
		    quoted, quoted);
	else
		finding_edit("bring it over again by --import; or rm %s: then "
		    "clients fetch all mail anew", quoted);
}

static void below(const struct look *l, const char *sub)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof path, "%s/%s", l->path, sub);
	if (directory(l, path) && strcmp(sub, "tmp") != 0)
		messages(l, path);
}

/* A session makes it where it is missing. */
static void trash(const struct look *l)
{
	static const char *const part[] = { ".Trash", ".Trash/cur" };
	char path[PATH_ROOM];
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof part / sizeof *part; i++) {
		snprintf(path, sizeof path, "%s/%s", l->path, part[i]);
		if ((lstat(path, &st) == -1 && errno == ENOENT) ||
		    !directory(l, path))
			return;
	}
}

/* The Maildir itself may be a link. */
static bool root(const struct look *l)
{
	char words[FINDING_ROOM];
	const char *quoted = finding_quote(l->path);
	struct stat st;

	if (stat(l->path, &st) == -1) {
		snprintf(words, sizeof words, "%s %s/new %s/cur %s/tmp",
		    quoted, quoted, quoted, quoted);
		if (errno == ENOENT)
			make(l, l->path, words);
		else
			unreachable(l, l->path);
		return false;
	}
	if (S_ISDIR(st.st_mode))
		return usable(l, l->path, &st);
	in_the_way(l, l->path);
	return false;
}

static void maildir(const struct look *l)
{
	if (!root(l))
		return;
	below(l, maildir_sub_name[MAILDIR_NEW]);
	below(l, maildir_sub_name[MAILDIR_CUR]);
	below(l, "tmp");
	cache(l);
	uidls(l);
	if (l->trash)
		trash(l);
}

/* --- as that user -------------------------------------------------------- */

static bool enter_home(const struct auth_identity *who, const struct look *l)
{
	char inside[AUTH_PATH_MAX + 3];

	if (who->home[0] == '\0' || chdir(who->home) == 0)
		return true;
	snprintf(inside, sizeof inside, "%s/.", who->home);
	if (errno == ENOENT)
		make(l, who->home, finding_quote(who->home));
	else
		unreachable(l, inside);
	return false;
}

static void look(const struct auth_identity *who, const char *path,
    struct look *l)
{
	char absolute[PATH_MAX * 2], here[PATH_MAX] = "";

	if (!enter_home(who, l))
		return;
	if (path[0] != '/' && getcwd(here, sizeof here) == NULL)
		snprintf(here, sizeof here, "%s", who->home);
	snprintf(absolute, sizeof absolute, "%s%s%s", here,
	    path[0] == '/' || strcmp(here, "/") == 0 ? "" : "/", path);
	l->path = absolute;
	maildir(l);
	l->path = NULL;
}

void check_mailbox(const struct auth_identity *who, const char *path,
    const char *name, bool trash)
{
	struct look l = { name, path, who->uid, who->gid, trash };
	unsigned before = finding_count();
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		if (who->switch_user && priv_become(who->uid, who->gid,
		    who->groups ? who->user : NULL) == -1)
			_exit(0);	/* told */
		look(who, path, &l);
		before = finding_count() - before;
		_exit(before < 100 ? (int)before : 100);
	}
	if (child == -1 || waitpid(child, &status, 0) != child ||
	    !WIFEXITED(status)) {
		finding_mend("%s: could not be looked at: %s", name,
		    strerror(errno));
		finding_edit("allow this user more processes (ulimit -u), and "
		    "try again");
		return;
	}
	finding_add((unsigned)WEXITSTATUS(status));
}
