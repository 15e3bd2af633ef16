/*
 * priv.c - every call that changes who the process is.
 *
 * Runs as: root, if it was started so, and then no more.
 * Trusts:  no call to have worked because it said so: afterwards it is tried
 *          to take root back, and only a failure counts (S-14).
 */
#include "base/priv.h"

#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool can_take_root_back(void)
{
	return setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0 ||
	    getuid() == 0 || geteuid() == 0;
}

int priv_become(uid_t uid, gid_t gid, const char *user)
{
	char what[128];
	int saved;

	if (uid == 0 || gid == 0) {
		log_error("mail is not served as root: uid and gid must not "
		    "be 0", user);
		return -1;
	}
	if ((user == NULL ? setgroups(0, NULL) : initgroups(user, gid)) ==
	    -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1) {
		saved = errno;
		snprintf(what, sizeof what, "cannot become uid %ju, gid %ju; "
		    "root needs CAP_SETUID and CAP_SETGID for it%s",
		    (uintmax_t)uid, (uintmax_t)gid,
		    user == NULL ? "" : ", user");
		errno = saved;
		log_errno(what, user);
		return -1;
	}
	if (can_take_root_back()) {
		log_error("root was not given up", user);
		return -1;
	}
	return 0;
}

static bool is_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy == -1 ? NULL : fdopendir(copy);
	int entries = 0;

	if (dir == NULL) {
		if (copy != -1)
			close(copy);
		return false;
	}
	while (readdir(dir) != NULL)
		entries++;
	closedir(dir);
	return entries == 2;	/* . and .. */
}

int priv_front_dir(struct priv_front *f, const char *dir,
    char error[PRIV_ERROR])
{
	struct stat st;

	f->dir = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (f->dir == -1 && (errno == ENOTDIR || errno == ELOOP)) {
		snprintf(error, PRIV_ERROR, "--chroot=%s: must be a directory, "
		    "no link and no file: name another", dir);
		return -1;
	}
	if (f->dir == -1) {
		snprintf(error, PRIV_ERROR, "--chroot=%s: %s: mend it with: "
		    "mkdir -p -m 755 %s", dir, strerror(errno), dir);
		return -1;
	}
	if (fstat(f->dir, &st) == -1 || st.st_uid != 0 ||
	    (st.st_mode & 022) != 0) {
		snprintf(error, PRIV_ERROR, "--chroot=%s: must be root's and "
		    "writable by nobody else: mend it with: chown root:root "
		    "%s && chmod 755 %s", dir, dir, dir);
		return -1;
	}
	if (!is_empty(f->dir)) {
		snprintf(error, PRIV_ERROR, "--chroot=%s: must be empty: look "
		    "what is in it with ls -a %s, or name another directory",
		    dir, dir);
		return -1;
	}
	return 0;
}

int priv_front_user(struct priv_front *f, const char *user,
    char error[PRIV_ERROR])
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL) {
		snprintf(error, PRIV_ERROR, "--user=%s: %s: mend it with: "
		    "useradd --system --user-group --home-dir /nonexistent "
		    "--shell /usr/sbin/nologin %s", user, errno == 0 ?
		    "there is no such user" : strerror(errno), user);
		return -1;
	}
	if (pw->pw_uid == 0 || pw->pw_gid == 0) {
		snprintf(error, PRIV_ERROR, "--user=%s: must not be root nor "
		    "in group root: name another user", user);
		return -1;
	}
	f->uid = pw->pw_uid;
	f->gid = pw->pw_gid;
	return 0;
}

int priv_front_find(struct priv_front *f, const char *user, const char *dir,
    char error[PRIV_ERROR])
{
	f->dir = -1;
	if (priv_front_user(f, user, error) == -1)
		return -1;
	return priv_front_dir(f, dir, error);
}

int priv_front_enter(struct priv_front *f)
{
#ifndef NO_SANDBOX
	if (fchdir(f->dir) == -1 || chroot(".") == -1) {
		log_errno("cannot enter the directory of --chroot, for which "
		    "root needs CAP_SYS_CHROOT", NULL);
		return -1;
	}
#endif
	close(f->dir);
	f->dir = -1;
	return priv_become(f->uid, f->gid, NULL);
}
