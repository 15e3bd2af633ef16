/*
 * auth_pam.c - system users, through PAM.
 *
 * The library is loaded at the first login: a build with PAM costs nothing
 * where it is not used, and runs where it is not installed.
 *
 * Runs as: the keeper, as started (PAM's modules want root).
 * Trusts:  the library, and the modules that the administrator has named: they
 *          run in this process.  Of what the client sent, nothing.
 */
#include "login/auth.h"

#include "base/log.h"

#include <string.h>

#ifdef HAVE_PAM

#include <dlfcn.h>
#include <errno.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdlib.h>
#include <unistd.h>

#define LIBRARY "libpam.so.0"	/* Linux-PAM's name since 1.0 */
#define TTY "pop3"		/* pam_time and pam_access want one */

static struct {
	int (*start)(const char *, const char *, const struct pam_conv *,
	    pam_handle_t **);
	int (*start_confdir)(const char *, const char *,
	    const struct pam_conv *, const char *, pam_handle_t **);
	int (*authenticate)(pam_handle_t *, int);
	int (*acct_mgmt)(pam_handle_t *, int);
	int (*set_item)(pam_handle_t *, int, const void *);
	int (*get_item)(const pam_handle_t *, int, const void **);
	int (*end)(pam_handle_t *, int);
	const char *(*strerror)(pam_handle_t *, int);
} pam;

/* One login: whom PAM is asked about, and what it said last. */
struct attempt {
	const struct auth_request *r;
	const char *service;
	pam_handle_t *handle;
	int code;
};

bool auth_pam_built(void)
{
	return true;
}

/* Casts: ISO C has no way from dlsym()'s void * to a function; POSIX has. */
static bool load(void)
{
	static void *lib;

	if (lib != NULL)
		return true;
	/* Global, because some modules do not name libpam themselves. */
	lib = dlopen(LIBRARY, RTLD_NOW | RTLD_GLOBAL);
	if (lib == NULL) {
		log_error("PAM is not installed; install libpam, or use "
		    "another way to log in:", dlerror());
		return false;
	}
	*(void **)&pam.start = dlsym(lib, "pam_start");
	*(void **)&pam.start_confdir = dlsym(lib, "pam_start_confdir");
	*(void **)&pam.authenticate = dlsym(lib, "pam_authenticate");
	*(void **)&pam.acct_mgmt = dlsym(lib, "pam_acct_mgmt");
	*(void **)&pam.set_item = dlsym(lib, "pam_set_item");
	*(void **)&pam.get_item = dlsym(lib, "pam_get_item");
	*(void **)&pam.end = dlsym(lib, "pam_end");
	*(void **)&pam.strerror = dlsym(lib, "pam_strerror");
	if (pam.start != NULL && pam.authenticate != NULL &&
	    pam.acct_mgmt != NULL && pam.set_item != NULL &&
	    pam.get_item != NULL && pam.end != NULL && pam.strerror != NULL)
		return true;
	log_error("a function is missing; install another libpam than",
	    LIBRARY);
	lib = NULL;	/* stays loaded, but is not used */
	return false;
}

bool auth_pam_usable(void)
{
	return load();
}

static void drop_answers(struct pam_response *answer, int count)
{
	int i;

	for (i = 0; i < count; i++)
		if (answer[i].resp != NULL) {
			explicit_bzero(answer[i].resp, strlen(answer[i].resp));
			free(answer[i].resp);
		}
	free(answer);
}

/* 0; or -1: POP3 has no answer to this, or there is no memory. */
static int answer_one(const struct pam_message *question,
    struct pam_response *answer, const char *secret)
{
	switch (question->msg_style) {
	case PAM_PROMPT_ECHO_OFF:
		answer->resp = strdup(secret);	/* PAM wipes and frees it */
		return answer->resp == NULL ? -1 : 0;
	case PAM_ERROR_MSG:
	case PAM_TEXT_INFO:
		return 0;	/* nobody there to read it */
	default:
		log_error("PAM asks for more than a password, and a POP3 "
		    "client cannot answer: take what asks out of the "
		    "service's file in /etc/pam.d", NULL);
		return -1;
	}
}

static int converse(int count, const struct pam_message **question,
    struct pam_response **answers, void *secret)
{
	struct pam_response *answer;
	int i;

	if (count <= 0 || count > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	answer = calloc((size_t)count, sizeof *answer);
	if (answer == NULL)
		return PAM_BUF_ERR;
	for (i = 0; i < count; i++)
		if (answer_one(question[i], &answer[i], secret) == -1) {
			drop_answers(answer, count);
			return PAM_CONV_ERR;
		}
	*answers = answer;
	return PAM_SUCCESS;
}

#ifdef PAM_FAIL_DELAY		/* a Linux-PAM extension */
/* Instead of PAM's sleep: the caller has a deadline for all answers (P-67). */
static void no_delay(int code, unsigned microseconds, void *secret)
{
	(void)code, (void)microseconds, (void)secret;
}
#endif

/* The verdict on what PAM said, where it was not PAM_SUCCESS. */
static enum auth_verdict verdict_of(const struct attempt *a,
    const char **reason)
{
	switch (a->code) {
	case PAM_AUTH_ERR:
	case PAM_MAXTRIES:
		*reason = "credentials";
		return AUTH_REFUSED;
	case PAM_USER_UNKNOWN:
		*reason = "unknown";
		return AUTH_REFUSED;
	case PAM_PERM_DENIED:
	case PAM_ACCT_EXPIRED:
	case PAM_CRED_EXPIRED:
	case PAM_AUTHTOK_EXPIRED:
	case PAM_NEW_AUTHTOK_REQD:
		*reason = "disabled";
		return AUTH_REFUSED;
	case PAM_AUTHINFO_UNAVAIL:
	case PAM_SYSTEM_ERR:
	case PAM_BUF_ERR:
	case PAM_TRY_AGAIN:
		*reason = "pam";
		return AUTH_TEMP;
	case PAM_ABORT:
	case PAM_OPEN_ERR:
	case PAM_SYMBOL_ERR:
	case PAM_SERVICE_ERR:
	case PAM_MODULE_UNKNOWN:
	case PAM_NO_MODULE_DATA:
	case PAM_BAD_ITEM:
	case PAM_CRED_INSUFFICIENT:
		*reason = "pam";
		return AUTH_PERM;
	default:	/* PAM_CONV_ERR, and all that is no success: S-15 */
		*reason = "credentials";
		return AUTH_REFUSED;
	}
}

static enum auth_verdict failed(const struct attempt *a, const char *call,
    const char **reason)
{
	enum auth_verdict verdict = verdict_of(a, reason);

	if (verdict == AUTH_REFUSED)
		return verdict;
	log_line(LOG_ERR, "pam-failed");
	log_number("pid", (uint64_t)getpid());
	log_string("service", a->service);
	log_string("call", call);
	log_string("error", a->handle == NULL ? NULL :
	    pam.strerror(a->handle, a->code));
	log_end();
	if (verdict == AUTH_PERM)
		log_error("is there a right PAM service? See the modules "
		    "named in /etc/pam.d, file", a->service);
	return verdict;
}

static int ask(struct attempt *a, const char **call)
{
	const int flags = PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK;

	*call = "pam_set_item";
	if (a->r->ip[0] != '\0')
		a->code = pam.set_item(a->handle, PAM_RHOST, a->r->ip);
	if (a->code == PAM_SUCCESS)
		a->code = pam.set_item(a->handle, PAM_TTY, TTY);
#ifdef PAM_FAIL_DELAY
	if (a->code == PAM_SUCCESS)
		a->code = pam.set_item(a->handle, PAM_FAIL_DELAY,
		    (const void *)no_delay);
#endif
	if (a->code == PAM_SUCCESS) {
		*call = "pam_authenticate";
		a->code = pam.authenticate(a->handle, flags);
	}
	if (a->code == PAM_SUCCESS) {
		*call = "pam_acct_mgmt";
		a->code = pam.acct_mgmt(a->handle, flags);
	}
	return a->code == PAM_SUCCESS ? 0 : -1;
}

/* P-58: other names fail like a wrong password. */
static bool plain(const char *name)
{
	size_t i;

	for (i = 0; name[i] != '\0'; i++)
		if (name[i] < 0x21 || name[i] > 0x7e || name[i] == '/')
			return false;
	return i > 0 && i <= AUTH_NAME_MAX && name[0] != '.';
}

/* What getpwnam(3) may leave where it found nobody and nothing is wrong. */
static bool not_there(int error)
{
	return error == 0 || error == ENOENT || error == ESRCH ||
	    error == EBADF || error == EPERM;
}

/* PAM has seen the right password: all else is trouble of ours (P-77). */
static enum auth_verdict no_passwd_entry(const char *user, int error,
    const char **reason)
{
	if (!not_there(error)) {
		errno = error;
		log_errno("cannot look up user", user);
		*reason = "pam";
		return AUTH_TEMP;
	}
	log_warning("PAM accepts a user whom the system does not know (see "
	    "getent passwd); refused:", user);
	*reason = "unknown";
	return AUTH_REFUSED;
}

static enum auth_verdict wrong_record(const char *what, const char *user,
    const char **reason)
{
	log_error(what, user);
	*reason = "record";
	return AUTH_PERM;
}

/* PAM has said yes: who is that on this system? */
static enum auth_verdict identify(const char *user, uid_t min_uid,
    struct auth_identity *who, const char **reason)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL)
		return no_passwd_entry(user, errno, reason);
	if (pw->pw_uid == 0 || pw->pw_gid == 0 || pw->pw_uid < min_uid) {
		log_warning("PAM accepts a user whose uid or gid is 0, or "
		    "whose uid is below --min-uid; refused:", user);
		*reason = "disabled";
		return AUTH_REFUSED;
	}
	if (pw->pw_dir[0] != '\0' && pw->pw_dir[0] != '/')
		return wrong_record("the home that getent passwd shows is not "
		    "absolute:", user, reason);
	if (strlen(pw->pw_dir) > AUTH_PATH_MAX)
		return wrong_record("the home that getent passwd shows is too "
		    "long:", user, reason);
	if (geteuid() != 0 && pw->pw_uid != geteuid())
		return wrong_record("the server must be started as root to "
		    "serve user", user, reason);
	who->switch_user = geteuid() == 0;
	who->uid = pw->pw_uid;
	who->gid = pw->pw_gid;
	who->groups = who->switch_user;
	strcpy(who->user, user);
	strcpy(who->home, pw->pw_dir);
	return AUTH_OK;
}

/* A module may have changed the name; what it is now counts. */
static enum auth_verdict accept_user(const struct attempt *a, uid_t min_uid,
    struct auth_identity *who, const char **reason)
{
	const void *user = NULL;

	if (pam.get_item(a->handle, PAM_USER, &user) != PAM_SUCCESS ||
	    user == NULL || !plain(user)) {
		log_error("a module left no usable name in PAM service",
		    a->service);
		*reason = "unknown";
		return AUTH_REFUSED;
	}
	return identify(user, min_uid, who, reason);
}

static int begin(struct attempt *a, const char *confdir,
    const struct pam_conv *conversation)
{
	if (confdir == NULL)
		a->code = pam.start(a->service, a->r->name, conversation,
		    &a->handle);
	else if (pam.start_confdir != NULL)
		a->code = pam.start_confdir(a->service, a->r->name,
		    conversation, confdir, &a->handle);
	else
		a->code = PAM_ABORT;
	if (a->code != PAM_SUCCESS)
		a->handle = NULL;
	return a->code == PAM_SUCCESS ? 0 : -1;
}

enum auth_verdict auth_pam_check_in(const char *confdir, const char *service,
    uid_t min_uid, const struct auth_request *r, struct auth_identity *who,
    const char **reason)
{
	struct attempt a = { .r = r, .service = service };
	/* The cast drops a const: converse() only reads. */
	const struct pam_conv conversation = { converse, (void *)r->secret };
	enum auth_verdict verdict;
	const char *call = "pam_start";

	memset(who, 0, sizeof *who);
	*reason = "unsupported";
	if (r->kind == AUTH_APOP)
		return AUTH_REFUSED;
	*reason = "unknown";
	if (strlen(r->name) != r->name_len || !plain(r->name))
		return AUTH_REFUSED;
	*reason = "credentials";
	if (strlen(r->secret) != r->secret_len || r->secret_len == 0 ||
	    r->secret_len > AUTH_SECRET_MAX)
		return AUTH_REFUSED;
	*reason = "pam";
	if (!load())
		return AUTH_PERM;
	if (begin(&a, confdir, &conversation) == -1 || ask(&a, &call) == -1)
		verdict = failed(&a, call, reason);
	else
		verdict = accept_user(&a, min_uid, who, reason);
	if (a.handle != NULL)
		pam.end(a.handle, a.code);
	if (verdict != AUTH_OK)
		memset(who, 0, sizeof *who);
	return verdict;
}

#else

bool auth_pam_built(void)
{
	return false;
}

bool auth_pam_usable(void)
{
	log_error("this build has no PAM", NULL);
	return false;
}

enum auth_verdict auth_pam_check_in(const char *confdir, const char *service,
    uid_t min_uid, const struct auth_request *r, struct auth_identity *who,
    const char **reason)
{
	(void)confdir, (void)min_uid, (void)r;
	memset(who, 0, sizeof *who);
	*reason = "pam";
	log_error("this build has no PAM; cannot use service", service);
	return AUTH_PERM;
}

#endif

enum auth_verdict auth_pam_check(const char *service, uid_t min_uid,
    const struct auth_request *r, struct auth_identity *who,
    const char **reason)
{
	return auth_pam_check_in(NULL, service, min_uid, r, who, reason);
}
