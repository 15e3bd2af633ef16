/*
 * auth.h - does this secret belong to this name, and who is it then
 * (P-57..P-62, P-150..P-154).
 *
 * One file per back end: auth_file.c for a passwd-file, auth_pam.c for system
 * users.  A back end decides once (S-15): AUTH_OK is a positive record, never
 * "no error seen".  It sends nothing; it logs what the administrator must
 * mend, and *reason, one word, goes into the line login-failed.
 *
 * A verdict about a single record is given only to who knows its password:
 * until then everything about it is AUTH_REFUSED, in the same work (S-5).
 */
#ifndef LOGIN_AUTH_H
#define LOGIN_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define AUTH_NAME_MAX 255	/* octets, without a NUL: P-58, P-95 */
#define AUTH_SECRET_MAX 255	/* the same; under crypt(3)'s 512 */
#define AUTH_PATH_MAX 1023	/* octets of a home or Maildir */

enum auth_kind { AUTH_PASS, AUTH_PLAIN, AUTH_APOP };

/* What the client sent.  Strings are NUL-terminated besides their lengths and
 * hold no NUL inside (the back ends look again); the caller wipes them. */
struct auth_request {
	enum auth_kind kind;
	const char *name;
	size_t name_len;
	const char *secret;
	size_t secret_len;
	const char *stamp;	/* APOP: with its <>; else "" */
	const char *ip;		/* the client's address, "" if unknown */
};

enum auth_verdict {
	AUTH_OK,
	AUTH_REFUSED,	/* -ERR [AUTH] authentication failed: P-61 */
	AUTH_TEMP,	/* -ERR [SYS/TEMP]: trouble that may pass */
	AUTH_PERM	/* -ERR [SYS/PERM]: somebody must mend something */
};

/* Who the session becomes; all zero unless AUTH_OK. */
struct auth_identity {
	bool switch_user;	/* uid and gid are to be taken on */
	uid_t uid;		/* never 0 where switch_user; else ours */
	gid_t gid;
	bool groups;		/* a system user: initgroups(user) */
	char user[AUTH_NAME_MAX + 1];	/* folded for a passwd-file (P-58) */
	char home[AUTH_PATH_MAX + 1];	/* absolute, or "" */
	char mail[AUTH_PATH_MAX + 1];	/* absolute: the Maildir the record
					 * itself names; or "" */
};

/*
 * Reasons, for the log alone.  AUTH_REFUSED:
 *	credentials	wrong password, or PAM says no more than that
 *	unknown		no such user, or a name that can be none
 *	disabled	locked, nologin, nopassword, expired, uid too low
 *	nets		not from an address in allow_nets
 *	hash		the stored password cannot be used
 *	unsupported	APOP: the back end has no secret in the clear
 * AUTH_TEMP, AUTH_PERM:
 *	file		the passwd-file as a whole
 *	record		the user's record
 *	pam		the library, the service or a module
 */

/*
 * The user's record in the passwd-file at path (P-150..P-154).  as_root: the
 * record must give uid and gid, neither of them 0, and the file must be
 * root's or ours.  Otherwise a uid in the record must be our own.
 *
 * AUTH_TEMP is a file out of reach (missing too), an I/O error, or a file
 * that changed while it was read; AUTH_PERM one that is no regular file, is a
 * link, or that others can write.
 */
enum auth_verdict auth_file_check(const char *path, bool as_root,
    const struct auth_request *r, struct auth_identity *who,
    const char **reason);

/* Whether this build knows PAM. */
bool auth_pam_built(void);

/* Whether the library can be loaded; if not, that is logged. */
bool auth_pam_usable(void);

/*
 * A system user through the PAM service; authentication and account, no
 * session and no credentials.  Users with uid 0, gid 0 or a uid below min_uid
 * are refused.  Loads libpam at the first call, so call it before any
 * sandbox.  Does not sleep after a failure, as far as PAM lets us choose.
 *
 * Started as root it serves everybody; otherwise only our own user.
 */
enum auth_verdict auth_pam_check(const char *service, uid_t min_uid,
    const struct auth_request *r, struct auth_identity *who,
    const char **reason);

/*
 * The same with services from the folder confdir instead of the system's; for
 * tests, which have no right to write there.  NULL is the system's.
 */
enum auth_verdict auth_pam_check_in(const char *confdir, const char *service,
    uid_t min_uid, const struct auth_request *r, struct auth_identity *who,
    const char **reason);

#endif
