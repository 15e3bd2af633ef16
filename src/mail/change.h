/*
 * change.h - the only room that renames or removes anything in a Maildir
 * (P-50...P-54, P-144, P-146, P-148, S-1, S-2).
 *
 * Which message, and whether at all, is decided elsewhere.
 */
#ifndef MAIL_CHANGE_H
#define MAIL_CHANGE_H

#include "mail/maildir.h"

#include <stdint.h>

/* What QUIT does with a message that was deleted (--delete). */
enum maildir_delete { MAILDIR_UNLINK, MAILDIR_TRASH, MAILDIR_FLAG };

/*
 * Opens .Trash/cur, and makes the Maildir++ folder if it is missing.  -1:
 * logged; every removal by MAILDIR_TRASH will fail.
 */
int maildir_open_trash(struct maildir *m);

enum maildir_result {
	MAILDIR_DONE,
	MAILDIR_DONE_HERE,	/* but the file has other names somewhere */
	MAILDIR_MISSING,	/* no such name, or another message has it */
	MAILDIR_FAILED		/* logged */
};

/* Removes a message in the given way; never overwrites.  update.c only. */
enum maildir_result maildir_remove(const struct maildir *m,
    enum maildir_delete way, enum maildir_sub sub, const char *name,
    uint64_t id);

/*
 * Moves a message to cur/ with flag S, or adds the flag there (P-54).  One
 * whose info is of another form is left alone: MAILDIR_MISSING.
 */
enum maildir_result maildir_mark_seen(const struct maildir *m,
    enum maildir_sub sub, const char *name, uint64_t id);

/* fsyncs the directories a removal in that way touches; -1: logged. */
int maildir_sync(const struct maildir *m, enum maildir_delete way);

/*
 * A file of our own, beside the messages: made in tmp/, written piece by
 * piece, and put into the Maildir under name, where it takes the place
 * of what was there (S-2).  -1: in errno, and maildir_drop_file() is to be
 * called after a begin that went well.  fd is open until then.
 */
struct maildir_file {
	int fd;			/* closed by end and drop */
	int tmp;		/* the folder */
	char name[64];
};
int maildir_begin_file(const struct maildir *m, struct maildir_file *f);
int maildir_write_file(const struct maildir_file *f, const void *octets,
    size_t len);
int maildir_end_file(const struct maildir *m, struct maildir_file *f,
    const char *name);
void maildir_drop_file(struct maildir_file *f);		/* keeps errno */

/* Removes what lay in tmp/ untouched for 36 hours (P-146).  Cannot fail. */
void maildir_clean_tmp(const struct maildir *m);

#endif
