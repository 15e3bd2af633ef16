/*
 * priv.h - every call that changes who the process is (S-3, S-14).
 */
#ifndef BASE_PRIV_H
#define BASE_PRIV_H

#include <sys/types.h>

/*
 * Becomes uid and gid for good, with the supplementary groups of user, or
 * none where user is NULL.  uid 0 and gid 0 are refused.  Afterwards it is
 * proven that root cannot be taken back.
 * 0; -1: logged, and the process must end, since it may be half changed.
 */
int priv_become(uid_t uid, gid_t gid, const char *user);

/* Who and where the part before login is, when started as root. */
struct priv_front {
	uid_t uid;
	gid_t gid;
	int dir;		/* descriptor of the directory, or -1 */
};

/*
 * Looks up the user and opens the directory, which must be empty, root's and
 * writable by nobody else.  0; -1: error says in one line what is wrong and
 * which command mends it.
 */
#define PRIV_ERROR 512	/* octets of that line, NUL included */
int priv_front_find(struct priv_front *f, const char *user, const char *dir,
    char error[PRIV_ERROR]);

/* The two halves of it, each with its own error. */
int priv_front_user(struct priv_front *f, const char *user,
    char error[PRIV_ERROR]);
int priv_front_dir(struct priv_front *f, const char *dir,
    char error[PRIV_ERROR]);

/*
 * Shuts the process into the directory and becomes the user.  chroot(2) is
 * left out where the build has no sandbox.  0; -1: logged.
 */
int priv_front_enter(struct priv_front *f);

#endif
