/*
 * check_way.c - --check: PAM, a checker, or a Maildir that is named.
 *
 * Runs as: the administrator.
 * Trusts:  the command line as far as main.c does.
 */
#include "admin/check_way.h"

#include "admin/check_filesystem.h"
#include "admin/check_mailbox.h"
#include "admin/finding.h"
#include "admin/owner.h"
#include "base/log.h"
#include "login/auth.h"
#include "login/auth_checkpw.h"
#include "login/mailbox.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- PAM ----------------------------------------------------------------- */

static const char *const pam_folders[] = { "/etc/pam.d", "/usr/lib/pam.d" };

static void hear(const char *line)
{
	finding_mend("--pam: %s", line);
	finding_edit("install Linux-PAM (Debian: libpam0g), or use another "
	    "way to log in");
}

/* What Debian has for all services; elsewhere it is called otherwise. */
static void advise_service(const char *path)
{
	if (access("/etc/pam.d/common-auth", F_OK) == 0)
		finding_do("printf '@include common-auth\\n@include "
		    "common-account\\n' >%s", finding_quote(path));
	else
		finding_edit("write %s: an auth and an account line, as "
		    "maildir-pop3d.pam of the source has them", path);
}

/* The file of a service; if there is none, where it would be: false. */
static bool find_service(const char *name, char path[PATH_MAX],
    struct stat *st)
{
	size_t i;

	for (i = 0; i < sizeof pam_folders / sizeof *pam_folders; i++) {
		snprintf(path, PATH_MAX, "%s/%s", pam_folders[i], name);
		if (stat(path, st) == 0)
			return true;
	}
	snprintf(path, PATH_MAX, "%s/%s", pam_folders[0], name);
	return false;
}

/* Whether a line names pam_deny, or nobody can tell. */
static bool denies(const char *path)
{
	FILE *file = fopen(path, "re");
	char text[512];
	bool r = file == NULL;

	while (!r && fgets(text, sizeof text, file) != NULL)
		r = text[strspn(text, " \t")] != '#' &&
		    strstr(text, "pam_deny") != NULL;
	if (file != NULL)
		fclose(file);
	return r;
}

/* Debian's "other" is what all services have; elsewhere it lets nobody in. */
static void missing_service(const char *name, const char *path)
{
	char other[PATH_MAX];
	struct stat st;

	if (find_service("other", other, &st) && !denies(other)) {
		finding_note("--pam=%s: %s is missing: PAM's %s decides", name,
		    path, other);
		return;
	}
	finding_mend("--pam=%s: %s is missing: PAM's \"other\" service "
	    "decides, which refuses everybody", name, path);
	advise_service(path);
}

static void service(const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	if (!find_service(name, path, &st))
		missing_service(name, path);
	else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 || st.st_uid != 0) {
		finding_mend("--pam=%s: %s can be written by others than root",
		    name, path);
		finding_do("chown root %s && chmod go-w %s",
		    finding_quote(path), finding_quote(path));
	} else if (access(path, R_OK) == -1) {
		finding_mend("--pam=%s: %s cannot be read: %s", name, path,
		    strerror(errno));
		finding_do("chmod a+r %s", finding_quote(path));
	} else {
		finding_well("--pam=%s: %s is there", name, path);
	}
}

/* Without root PAM serves our own user, and nobody else. */
static void own_mail(const struct config *c)
{
	static struct auth_identity who;
	const struct passwd *pw = getpwuid(geteuid());
	char path[PATH_MAX];

	if (pw == NULL)
		return;
	snprintf(who.user, sizeof who.user, "%s", pw->pw_name);
	snprintf(who.home, sizeof who.home, "%s", pw->pw_dir);
	who.uid = geteuid();
	who.gid = getegid();
	finding_note("--pam without root: only %s can log in", who.user);
	if (mailbox_path(&who, c->maildir, path, sizeof path) == NULL)
		check_mailbox(&who, path, "your mail",
		    c->delete == MAILDIR_TRASH);
}

void check_pam(const struct config *c, bool as_root)
{
	log_divert(hear);
	if (auth_pam_usable())
		service(c->pam_service);
	if (!as_root) {
		own_mail(c);
		return;
	}
	finding_note("whose mail is where PAM's users say at login; to look at "
	    "one's: su -s /bin/sh NAME -c 'cd && maildir-pop3d --check %s'",
	    c->maildir);
}

/* --- a checker ----------------------------------------------------------- */

/* As execvp(3) will look for it. */
static bool find_program(const char *name, char path[PATH_MAX])
{
	const char *at = AUTH_CHECKPW_PATH;

	if (strchr(name, '/') != NULL) {
		snprintf(path, PATH_MAX, "%s", name);
		return access(path, F_OK) == 0;
	}
	for (;;) {
		size_t len = strcspn(at, ":");

		snprintf(path, PATH_MAX, "%.*s/%s", (int)len, at, name);
		if (access(path, F_OK) == 0)
			return true;
		if (at[len] == '\0')
			return false;
		at += len + 1;
	}
}

static void checker(const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	if (!find_program(name, path)) {
		finding_mend("checker %s: not there%s", name, strchr(name,
		    '/') != NULL ? "" : ", nor in any of " AUTH_CHECKPW_PATH);
		finding_edit("install it, or name it from / on");
	} else if (stat(path, &st) == -1 || !S_ISREG(st.st_mode)) {
		finding_mend("checker %s: no file that can be run", path);
		finding_edit("name a program");
	} else if (access(path, X_OK) == -1) {
		finding_mend("checker %s: it may not be run", path);
		finding_do("chmod a+x %s", finding_quote(path));
	} else if (path[0] != '/') {
		finding_mend("checker %s: relative to where the launcher "
		    "starts the program, often /", path);
		finding_edit("name it from / on, as in $PWD/%s", path);
	} else {
		finding_well("checker %s: can be run", path);
	}
}

/* The user that the checker becomes runs this program again. */
static void ourselves(void)
{
	char self[PATH_MAX], dir[PATH_MAX], *slash = self;
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	struct stat st;

	self[len == -1 ? 0 : len] = '\0';
	while ((slash = strchr(slash + 1, '/')) != NULL) {
		snprintf(dir, sizeof dir, "%.*s", (int)(slash - self), self);
		if (stat(dir, &st) == 0 && (st.st_mode & S_IXOTH) == 0) {
			finding_mend("%s: users may not pass through %s to run "
			    "the session", self, dir);
			finding_do("chmod o+x %s", finding_quote(dir));
		}
	}
	if (stat(self, &st) == 0 && (st.st_mode & (S_IXOTH | S_IROTH)) !=
	    (S_IXOTH | S_IROTH)) {
		finding_mend("%s: users may not run it as their session",
		    self);
		finding_do("chmod o+rx %s", finding_quote(self));
	}
}

void check_checker(const struct config *c)
{
	checker(c->checker[0]);
	ourselves();
	if (c->maildir[0] == '/')
		check_named(c);
	else
		finding_note("%s is below the home that the checker changes "
		    "to; to look at one's: su -s /bin/sh NAME -c 'cd && "
		    "maildir-pop3d --check %s'", c->maildir, c->maildir);
}

/* --- a Maildir ----------------------------------------------------------- */

/* Root: as the owner of the Maildir, or where it is not there, of what it is
 * to be in. */
static bool owner_of(const char *path, struct auth_identity *who)
{
	char up[PATH_MAX], *slash;
	struct stat st;

	snprintf(up, sizeof up, "%s", path);
	while (stat(up, &st) == -1 && (slash = strrchr(up, '/')) != NULL)
		slash[slash == up ? 1 : 0] = '\0';
	if (stat(up, &st) == -1 && stat(".", &st) == -1)
		return false;
	who->uid = st.st_uid;
	who->gid = owner_group(&st);
	who->switch_user = true;
	return who->uid != 0 && who->gid != 0;
}

void check_named(const struct config *c)
{
	static struct auth_identity who;
	unsigned before = finding_count();

	who.uid = geteuid();
	who.gid = getegid();
	if (geteuid() == 0 && !owner_of(c->maildir, &who)) {
		bool there = access(c->maildir, F_OK) == 0;

		finding_mend("Maildir %s: %s", c->maildir, there ? "root's: "
		    "mail is not served as root" : "not there");
		finding_edit(there ? "chown -R USER:GROUP %s, whose mail it is"
		    : "name the Maildir of a user, not %s",
		    finding_quote(c->maildir));
		return;
	}
	check_mailbox(&who, c->maildir, "Maildir",
	    c->delete == MAILDIR_TRASH);
	check_filesystem(c->maildir, c->lock);
	if (finding_count() == before)
		finding_well("Maildir %s: uid %u can serve it", c->maildir,
		    who.uid);
	if (geteuid() == 0)
		finding_note("--preauth is to be started as uid %u, not as "
		    "root", who.uid);
}
