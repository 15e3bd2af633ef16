/*
 * uidlfile.h - MAILDIR/maildir-pop3d.uidl: UIDLs that clients know from
 * another server (P-44, P-47, P-49).
 *
 *	maildir-pop3d-uidl 1
 *	000000016b04924e 1700000001.M1P1.host,S=1234
 *	000000026b04924e 1700000002.M2P1.host,S=99
 *
 * A header with the version; then a line for each message: the UIDL, 1..255
 * octets of 21..7E, a blank, and the message's unique name, which is all up to
 * the LF.  The lines are in the order in which messages are numbered.
 */
#ifndef MAIL_UIDLFILE_H
#define MAIL_UIDLFILE_H

#define UIDLFILE_NAME "maildir-pop3d.uidl"
#define UIDLFILE_HEADER "maildir-pop3d-uidl 1\n"

#endif
