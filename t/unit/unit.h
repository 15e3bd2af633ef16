/*
 * unit.h - what the unit tests share.
 *
 * One file test_x.c for each room x.c, one suite in it, and in that a test
 * case for each rule, named with the rule's source.
 */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

Suite *apop_suite(void);
Suite *auth_file_suite(void);
Suite *auth_pam_suite(void);
Suite *cmd_suite(void);
Suite *config_suite(void);
Suite *courier_suite(void);
Suite *crlf_suite(void);
Suite *dovecot_suite(void);
Suite *fds_suite(void);
Suite *finding_suite(void);
Suite *handover_suite(void);
Suite *idle_suite(void);
Suite *known_suite(void);
Suite *line_suite(void);
Suite *log_suite(void);
Suite *mailbox_suite(void);
Suite *maildir_suite(void);
Suite *maildrop_suite(void);
Suite *match_suite(void);
Suite *md5_suite(void);
Suite *name_suite(void);
Suite *num_suite(void);
Suite *old_suite(void);
Suite *order_suite(void);
Suite *peer_suite(void);
Suite *proxy_suite(void);
Suite *quota_suite(void);
Suite *reply_suite(void);
Suite *sandbox_suite(void);
Suite *sasl_suite(void);
Suite *scheme_suite(void);
Suite *sha256_suite(void);
Suite *size_suite(void);
Suite *sizecache_suite(void);
Suite *stls_suite(void);
Suite *template_suite(void);
Suite *texts_suite(void);
Suite *uidl_suite(void);
Suite *uidlfile_suite(void);
Suite *uidlfmt_suite(void);
Suite *visit_suite(void);
Suite *xuidl_suite(void);
Suite *users_suite(void);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A new test case of s; name says which rule it is about. */
TCase *unit_case(Suite *s, const char *name);

/* A descriptor from which text can be read, and then the end of the file. */
int holding(const char *text);
int holding_octets(const void *octets, size_t len);

/* Reads fd to its end, or until nothing more is there now; returns octets. */
size_t drain(int fd, char *buf, size_t room);

/*
 * Runs f in a process of its own: for what changes signals, descriptors or
 * state that cannot be taken back.  There f uses NEED() instead of assertions.
 * NULL: all was well; else what was not.
 */
const char *in_child(const char *(*f)(void));
#define NEED(what) NEED_AT(what, __LINE__)
#define NEED_AT(what, line) NEED_TEXT(what, line)
#define NEED_TEXT(what, line) \
	do { if (!(what)) return "line " #line ": " #what; } while (0)
#define assert_in_child(f) \
	do { \
		const char *why_ = in_child(f); \
		ck_assert_msg(why_ == NULL, "%s", why_ == NULL ? "" : why_); \
	} while (0)

/* In a child only.  From now on every wait is interrupted each 5 ms. */
void interrupt_often(void);

/*
 * In a child only: gives up root, for whom no file is closed.  false: cannot
 * be done here (a namespace without other users), so nothing can be shown.
 */
bool as_no_root(void);

/* The next of a row of random numbers; *seed is not 0. */
uint32_t dice(uint32_t *seed);

/* A new, empty Maildir, kept until all tests are over. */
const char *new_maildir(void);

/* In that Maildir: name is "new/1.a", ".Trash/cur/x" and the like. */
const char *path_in(const char *box, const char *name);
void put(const char *box, const char *name, const char *text);
void put_octets(const char *box, const char *name, const void *octets,
    size_t len);
void rename_in(const char *box, const char *from, const char *to);
bool there(const char *box, const char *name);
size_t files_in(const char *box, const char *sub);

/* Lets new/ and cur/ look as if nothing had changed there for a minute. */
void settle(const char *box);

/* And these will still be young when they are read, on a busy machine too. */
void unsettle(const char *box);

/*
 * lseek(2) is the tests' own: maildir.c calls it when it begins to read a
 * directory, and that is when "another program" can rename under its eyes.
 * scans counts those, before_scan is called with how many came before.
 */
extern void (*before_scan)(unsigned n);
extern unsigned scans;

/*
 * The clock the program sees: time(2) and clock_gettime(2) are the tests' own.
 * clock_true(): as that of the machine again.
 */
void clock_ahead(int64_t milliseconds);
void clock_true(void);

/*
 * From now on the clock stands still but for the waits of poll(2), which take
 * no time of ours: so nothing depends on how busy the machine is.  Where there
 * is nothing for poll(2), it goes on by step milliseconds at a time, and
 * meanwhile(), if there is one, acts for the rest of the world after each;
 * -1: the wait is interrupted.
 */
void clock_by_waits(int step, int (*meanwhile)(void));

/* The longest wait that poll(2) was asked for, in ms; may be set to 0. */
extern int poll_longest;

#endif
