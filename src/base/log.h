/*
 * log.h - lines for the administrator (P-129, P-130, S-9).
 *
 * Each line goes out whole, in one write(2) or one syslog(3), and holds no
 * octet outside 20..7E.  Who calls never gets an error: a log that cannot be
 * written ends no session.
 *
 * A line is built piece by piece, in memory of its own:
 *
 *	log_line(LOG_INFO, "session");
 *	log_text("user", name, len, LOG_NAME);
 *	log_number("pid", pid);
 *	log_end();
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <syslog.h>

#define LOG_NAME_MAX 64		/* octets of a name that are shown: S-9 */
#define LOG_HOST_MAX 255	/* of a host or another long value */

enum log_to { LOG_TO_AUTO, LOG_TO_SYSLOG, LOG_TO_STDERR, LOG_TO_NONE };

/*
 * Chooses the destination.  AUTO is stderr where it cannot be the client,
 * else syslog; STDERR is guarded by the same test (P-129).  Descriptors 0, 1
 * and 2 must be open.
 */
void log_open(enum log_to to);

/* Before descriptors are closed that this room may have opened. */
void log_close(void);

/* The same for what is run by hand: 2 is no client's, whatever it is. */
void log_by_hand(void);

/* Where log_open() would lead: LOG_TO_SYSLOG, _STDERR or _NONE. */
enum log_to log_choice(enum log_to to);

/*
 * From now on lines go nowhere but to told, without an end; those in free
 * words begin with what, not with "error pid=N: ".  For who wants to hear what
 * a room would log (--check).
 */
void log_divert(void (*told)(const char *line));

/* Begins a line with its first word. */
void log_line(int level, const char *word);

/* Adds " key=value"; octets outside 21..7E and \ = " become \xHH.  At most
 * max octets of value are shown. */
void log_value(const char *key, const char *value, size_t len, size_t max);

/* The same for a string without an end of its own; NULL or "" is "-". */
void log_string(const char *key, const char *value);
void log_number(const char *key, uint64_t number);

/* Adds " key=a/b". */
void log_pair(const char *key, uint64_t a, uint64_t b);

/* Adds " key=S.mmm". */
void log_seconds(const char *key, uint64_t nanoseconds);

/*
 * Adds the client's address, the process and the login name, in the order in
 * which every line has them: the address before anything a client chose.
 * NULL or "" is "-".
 */
void log_who(const char *ip, const char *port, pid_t pid, const char *user);

/* Sends the line. */
void log_end(void);

/*
 * A whole line in free words: "error pid=N: what name: why".  name is shown
 * escaped, or left out where NULL; log_errno() adds errno's text, and keeps
 * errno.
 */
void log_error(const char *what, const char *name);
void log_warning(const char *what, const char *name);
void log_errno(const char *what, const char *name);

#endif
