#!/bin/sh
# --delete=trash and --delete=flag: other things that QUIT does with messages.
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

failed='^-ERR \[SYS/TEMP\] [^ []'

# trashed NAME...: these and no others are in .Trash/cur.
trashed()
{
	printf '%s\n' "$@" | sort >trashed.expect
	# shellcheck disable=SC2012
	ls Maildir/.Trash/cur | sort | diff -u trashed.expect -
}

check 'trash: QUIT moves to .Trash/cur, under the same name' '
	maildir one two && echo three | message cur/3.host:2,FS &&
	options=--delete=trash &&
	pop3 "DELE 1" "DELE 3" QUIT | tail -n 1 | grep -x "+OK bye" &&
	left 1 && trashed 1.host 3.host:2,FS &&
	grep -x one Maildir/.Trash/cur/1.host &&
	grep -x three Maildir/.Trash/cur/3.host:2,FS
'

check 'P-148: .Trash is made as a folder, for its owner alone' '
	maildir one && options=--delete=trash && pop3 "DELE 1" QUIT &&
	for sub in . tmp new cur; do
		[ "$(stat -c "%F %a" Maildir/.Trash/$sub)" = "directory 700" ] ||
			exit 1
	done && [ -f Maildir/.Trash/maildirfolder ]
'

check 'trash: nothing is unlinked, and what is there is not replaced' '
	maildir one && options=--delete=trash &&
	watch unlinkat,renameat,renameat2,rename,linkat &&
	pop3 "DELE 1" QUIT && calls >lines &&
	! grep -e unlink -e link lines &&
	grep -c "renameat2.*NOREPLACE" lines && ! grep rename lines |
		grep -v NOREPLACE
'

check 'trash: nothing happens without QUIT' '
	maildir one && options=--delete=trash && pop3 "DELE 1" && left 1
'

check 'trash: a name that is there already: both are kept' '
	maildir one && options=--delete=trash &&
	pop3 "DELE 1" QUIT && maildir another &&
	pop3 "DELE 1" QUIT | tail -n 1 | grep -x "+OK bye" && maildir third &&
	pop3 "DELE 1" QUIT | tail -n 1 | grep -x "+OK bye" && left 0 &&
	cat Maildir/.Trash/cur/* | sort >actual &&
	printf "another\none\nthird\n" | diff -u - actual &&
	[ -e Maildir/.Trash/cur/1.host ]
'

check 'trash: the info stays at the end of the other name' '
	echo one | message cur/1.host:2,FS && mkdir -p Maildir/.Trash/cur &&
	echo old >Maildir/.Trash/cur/1.host:2,FS && options=--delete=trash &&
	pop3 "DELE 1" QUIT | tail -n 1 | grep -x "+OK bye" && left 0 &&
	[ "$(ls Maildir/.Trash/cur | grep -c "^1\.host.*:2,FS$")" = 2 ]
'

check 'trash: an existing folder is used as it is' '
	maildir one && mkdir -p Maildir/.Trash/cur && chmod 770 Maildir/.Trash &&
	options=--delete=trash && pop3 "DELE 1" QUIT && trashed 1.host &&
	[ "$(stat -c %a Maildir/.Trash)" = 770 ]
'

check 'trash: a folder that has no cur/ gets one' '
	maildir one && mkdir -p Maildir/.Trash/new && options=--delete=trash &&
	pop3 "DELE 1" QUIT | tail -n 1 | grep -x "+OK bye" && trashed 1.host
'

check 'trash: where it cannot be made, QUIT is -ERR and nothing is removed' '
	maildir one two && chmod 555 Maildir && options=--delete=trash &&
	pop3 STAT "DELE 1" QUIT >actual && grep -x "+OK 2 10" actual &&
	tail -n 1 actual | grep "$failed" && left 2 && [ -s log ]
'

check 'trash: where it cannot be made, QUIT without DELE is +OK' '
	maildir one && chmod 555 Maildir && options=--delete=trash &&
	pop3 "RETR 1" QUIT | tail -n 1 | grep -x "+OK bye"
'

check 'trash: where it is read-only, QUIT is -ERR and nothing is removed' '
	maildir one && mkdir -p Maildir/.Trash/cur &&
	chmod 555 Maildir/.Trash/cur && options=--delete=trash &&
	pop3 "DELE 1" QUIT | tail -n 1 | grep "$failed" && left 1
'

check 'S-8: trash: .Trash, or its cur/, is a link: nothing goes there' '
	maildir one && mkdir -p elsewhere/cur && ln -s ../elsewhere Maildir/.Trash &&
	options=--delete=trash &&
	pop3 "DELE 1" QUIT | tail -n 1 | grep "$failed" && left 1 &&
	rm Maildir/.Trash && mkdir Maildir/.Trash &&
	ln -s ../../elsewhere/cur Maildir/.Trash/cur &&
	pop3 "DELE 1" QUIT | tail -n 1 | grep "$failed" && left 1 &&
	[ -z "$(ls elsewhere/cur)" ]
'

check 'trash: .Trash is removed during the session: -ERR, and the log says so' '
	maildir one two && options=--delete=trash &&
	begin && ask "DELE 1" && rm -r Maildir/.Trash &&
	quit | tail -n 1 | grep "$failed" && left 2 &&
	grep "^error .*cannot move to .Trash/cur: Maildir/new/1.host" log
'

check 'trash: .Trash is a file: -ERR, and it stays' '
	maildir one && echo file >Maildir/.Trash && options=--delete=trash &&
	pop3 "DELE 1" QUIT | tail -n 1 | grep "$failed" && left 1 &&
	grep -x file Maildir/.Trash
'

check 'trash: a name of 255 octets that is there already: -ERR or both kept' '
	maildir &&
	long=1.$(head -c 253 /dev/zero | tr "\0" x) && echo new >Maildir/new/$long &&
	mkdir -p Maildir/.Trash/cur && echo old >Maildir/.Trash/cur/$long &&
	options=--delete=trash && pop3 "DELE 1" QUIT &&
	cat Maildir/new/* Maildir/.Trash/cur/* | sort >actual &&
	printf "new\nold\n" | diff -u - actual &&
	grep -x old Maildir/.Trash/cur/$long
'

# --delete=flag.

check 'flag: QUIT adds T, and moves what is new to cur/' '
	maildir one two && options=--delete=flag &&
	pop3 "DELE 1" QUIT | tail -n 1 | grep -x "+OK bye" &&
	left 2 && [ -e Maildir/cur/1.host:2,T ] && [ -e Maildir/new/2.host ]
'

check 'flag: T is put in its place among the flags' '
	for flags in "" S DFPRS a Sa Z RSab; do
		echo x | message "cur/1.${flags}x:2,$flags"
	done && options=--delete=flag &&
	printf "DELE %d\r\n" 1 2 3 4 5 6 7 >input && printf "QUIT\r\n" >>input &&
	session <input | tail -n 1 | grep -x "+OK bye" &&
	ls Maildir/cur | sort >actual &&
	printf "%s\n" 1.x:2,T 1.Sx:2,ST 1.DFPRSx:2,DFPRST 1.ax:2,Ta \
		1.Sax:2,STa 1.Zx:2,TZ 1.RSabx:2,RSTab | sort | diff -u - actual
'

check 'flag: nothing is unlinked' '
	maildir one && options=--delete=flag &&
	watch unlinkat,unlink,rename,renameat,linkat &&
	pop3 "RETR 1" "DELE 1" QUIT && ! calls | grep "("
'

check 'P-144: flag: messages flagged T are hidden from later visits' '
	maildir one two && options=--delete=flag && pop3 "DELE 1" QUIT &&
	pop3 STAT UIDL | grep -v "^+OK [0-9] messages" >actual &&
	printf "+OK 1 5\n1 2.host\n.\n" | diff -u - actual
'

check 'P-144: otherwise messages flagged T are listed' '
	maildir one && echo two | message cur/2.host:2,ST &&
	[ "$(pop3 STAT)" = "+OK 2 10" ] &&
	options=--delete=trash && [ "$(pop3 STAT)" = "+OK 2 10" ]
'

check 'P-144: flag: T in other places than among the flags hides nothing' '
	for name in 1.T 2.host:1,T 3.host:2,t 4,T:2,S; do
		echo x | message "cur/$name"
	done && options=--delete=flag && [ "$(pop3 STAT)" = "+OK 4 12" ]
'

check 'P-144: flag: info that is unknown is kept, and QUIT is -ERR' '
	maildir one && echo x | message cur/2.host:1,x &&
	options=--delete=flag &&
	pop3 "DELE 1" "DELE 2" QUIT | tail -n 1 | grep "$failed" &&
	left 2 && [ -e Maildir/cur/2.host:1,x ] && [ -e Maildir/cur/1.host:2,T ]
'

check 'flag: a name too long for the flag: -ERR, and it stays' '
	maildir &&
	long=1.$(head -c 253 /dev/zero | tr "\0" x) && echo x >Maildir/new/$long &&
	options=--delete=flag && pop3 "DELE 1" QUIT | tail -n 1 |
		grep "$failed" && [ -e Maildir/new/$long ]
'

check 'S-2: flag: nothing is overwritten' '
	maildir one && echo other | message cur/1.host:2,T &&
	options=--delete=flag && [ "$(pop3 STAT)" = "+OK 1 5" ] &&
	pop3 "DELE 1" QUIT | tail -n 1 | grep "$failed" &&
	left 2 && grep -x other Maildir/cur/1.host:2,T &&
	grep -x one Maildir/new/1.host
'

check 'flag: what RETR sent gets S as well, or at least T' '
	maildir one && options=--delete=flag &&
	pop3 "RETR 1" "DELE 1" QUIT | tail -n 1 | grep -x "+OK bye" &&
	ls Maildir/cur | grep -x -e "1.host:2,T" -e "1.host:2,ST"
'

check 'flag: --keep-new changes no other flags, T is set all the same' '
	maildir one two && options="--delete=flag --keep-new" &&
	pop3 "RETR 1" "RETR 2" "DELE 1" QUIT &&
	[ -e Maildir/cur/1.host:2,T ] && [ -e Maildir/new/2.host ]
'

finish
