/*
 * finding.h - what --check says: one line a finding, on standard output.
 *
 *	well: passwd-file /etc/mail.passwd: 3 users
 *	note: no variable of a wrapper is set here
 *	mend: passwd-file /etc/mail.passwd: others can read it
 *	    do: chmod go-r /etc/mail.passwd
 *
 * After each "mend" comes one line that says what mends it: "do", a command
 * for sh as it stands, or "edit", in words.  Octets outside 20..7E are shown as
 * \xHH but in a command, where finding_quote() has dealt with them.
 */
#ifndef ADMIN_FINDING_H
#define ADMIN_FINDING_H

#define FINDING_MOST 50		/* things to mend that are shown */
#define FINDING_ROOM 2048	/* octets of a line, NUL included; more is cut */
#define FINDING_FORMAT __attribute__((format(printf, 1, 2)))

void finding_well(const char *format, ...) FINDING_FORMAT;
void finding_note(const char *format, ...) FINDING_FORMAT;
void finding_mend(const char *format, ...) FINDING_FORMAT;
void finding_do(const char *format, ...) FINDING_FORMAT;
void finding_edit(const char *format, ...) FINDING_FORMAT;

/*
 * A word for sh that stands for exactly these octets, but for a line feed,
 * which has no form on one line; good until the fourth call after this one.
 */
const char *finding_quote(const char *text);

/* How many things to mend there were; a child that looked adds its own. */
unsigned finding_count(void);
void finding_add(unsigned more);

#endif
