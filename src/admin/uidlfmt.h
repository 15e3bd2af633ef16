/*
 * uidlfmt.h - Dovecot's pop3_uidl_format: how it makes a UIDL of what it
 * knows about a message.
 *
 * Up to Dovecot 2.3, by letters:
 *
 *	%v %u %f %g	uidvalidity, uid, file name, GUID; %% a per cent sign
 *	%08Xu		X hex, L lower, U upper case, R turned round, M MD5,
 *			H and N hashes: in the order they are written; 08
 *			fills up with zeros, 8 cuts, 3.8 cuts behind 3
 * From 2.4 on, by words, and filters behind them:
 *
 *	%{uidvalidity} %{uid} %{filename} %{guid}
 *	%{uid | hex(8)}	also upper, lower, md5, hexlify, reverse, substr(a, n)
 *			and truncate(n)
 */
#ifndef ADMIN_UIDLFMT_H
#define ADMIN_UIDLFMT_H

#include "admin/edit.h"

#include <stddef.h>
#include <stdint.h>

#define UIDLFMT_DEFAULT "%08Xu%08Xv"	/* 2.4 has the same in words */

struct uidlfmt_mail {
	uint32_t uid, uidvalidity;
	const char *filename;		/* up to the colon */
	const char *guid;
};

/* NULL where every message can be given a UIDL, else what is wrong. */
const char *uidlfmt_check(const char *format);

/*
 * Writes the UIDL to out, without a NUL; its octets.  0: it is empty or too
 * long, or a filter does not fit this message.
 */
size_t uidlfmt_make(const char *format, const struct uidlfmt_mail *mail,
    char out[EDIT_MAX]);

#endif
