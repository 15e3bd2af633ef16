#!/bin/sh
# UPDATE where something cannot be removed (RFC 1939 section 6, P-51, P-52).
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

failed='^-ERR \[SYS/TEMP\] [^ []'

check 'P-51: cur/ is read-only: -ERR [SYS/TEMP], the rest is removed' '
	maildir one two && echo three | message cur/3.host:2,S &&
	echo four | message cur/4.host:2, &&
	chmod 555 Maildir/cur &&
	pop3 "DELE 1" "DELE 3" QUIT >actual &&
	tail -n 1 actual | grep "$failed" &&
	[ "$(wc -l <actual)" = 3 ] &&
	left 3 && [ -e Maildir/new/2.host ] && [ -e Maildir/cur/3.host:2,S ] &&
	grep "^error.*3\.host:2,S.*Permission denied" log
'

check 'P-51: new/ is read-only: likewise' '
	maildir one two && echo three | message cur/3.host:2,S &&
	chmod 555 Maildir/new &&
	pop3 "DELE 1" "DELE 3" QUIT | tail -n 1 | grep "$failed" &&
	left 2 && [ -e Maildir/new/1.host ] && [ -e Maildir/new/2.host ]
'

check 'P-51: a failure is not one for QUIT that removes nothing' '
	maildir one && chmod 555 Maildir/new Maildir/cur &&
	pop3 "RETR 1" QUIT | tail -n 1 | grep -x "+OK bye"
'

check 'P-52: after a failure the session can be had again, with all uids' '
	maildir one two && chmod 555 Maildir/new &&
	pop3 UIDL "DELE 1" QUIT >actual && chmod 755 Maildir/new &&
	pop3 UIDL "DELE 1" QUIT >again &&
	tail -n 1 actual | grep "$failed" && tail -n 1 again | grep "^+OK" &&
	sed 4q actual >first && sed 4q again | diff first - && left 1
'

for n in 1 2 3; do
	check "P-52: removal $n of 3 fails, the others are tried" '
		maildir one two three four &&
		watch unlinkat -e inject=unlinkat:error=EIO:when='$n' &&
		pop3 "DELE 1" "DELE 2" "DELE 3" QUIT | tail -n 1 |
			grep "$failed" &&
		left 2 && [ -e Maildir/new/'$n'.host ]
	'
done

check 'P-52: all removals fail: all is there' '
	maildir one two three &&
	watch unlinkat -e inject=unlinkat:error=EROFS &&
	pop3 "DELE 1" "DELE 2" "DELE 3" QUIT | tail -n 1 | grep "$failed" &&
	left 3
'

check 'P-52: ENOENT where the message is there: it is searched and removed' '
	maildir one two &&
	watch unlinkat -e inject=unlinkat:error=ENOENT:when=1..2 &&
	pop3 "DELE 1" QUIT | tail -n 1 | grep -x "+OK bye" && left 1
'

check 'P-52: where searching never finds an end, -ERR, and nothing is lost' '
	maildir one two &&
	watch unlinkat -e inject=unlinkat:error=ENOENT &&
	pop3 "DELE 1" QUIT | tail -n 1 | grep "$failed" && left 2 &&
	[ "$(calls | grep -c "^unlinkat.*1\.host")" -ge 2 ] &&
	[ "$(calls | grep -c "^unlinkat.*1\.host")" -le 7 ]
'

check 'P-52: a directory that cannot be searched: -ERR, not "gone"' '
	maildir one two && begin && ask "DELE 1" &&
	rm Maildir/new/1.host && chmod 000 Maildir/new &&
	quit | tail -n 1 >actual && chmod 755 Maildir/new && left 1 &&
	grep "$failed" actual
'

check 'P-52: an error in looking at a message is not "gone"' '
	maildir one && echo two | message cur/2.host:2, &&
	watch newfstatat -P 2.host:2, -e inject=newfstatat:error=EIO &&
	pop3 "DELE 2" QUIT | tail -n 1 | grep "$failed" && left 2
'

check 'P-54: messages that could not be removed are not lost to flags' '
	maildir one two && echo three | message cur/3.host:2, &&
	watch unlinkat -e inject=unlinkat:error=EIO &&
	pop3 "RETR 1" "RETR 2" "RETR 3" "DELE 1" "DELE 3" QUIT | tail -n 1 |
		grep "$failed" &&
	left 3
'

# --sync.

check 'U5: without --sync there is no fsync' '
	maildir one two && watch fsync,fdatasync,sync,syncfs &&
	pop3 "RETR 2" "DELE 1" QUIT && ! calls | grep sync
'

check 'U5: --sync: fsync of the directories, after removals, before the answer' '
	maildir one && echo two | message cur/2.host:2,S &&
	watch openat,unlinkat,fsync,write && options=--sync &&
	pop3 "DELE 1" "DELE 2" QUIT &&
	calls >lines &&
	for sub in new cur; do
		fd=$(sed -n "s/^openat(.*\"$sub\".*= //p" lines | head -n 1) &&
		in_order unlinkat unlinkat "^fsync($fd) *= 0" \
			"write(1, .+OK bye" <lines || exit 1
	done
'

check 'U5: --sync comes after the flags, too' '
	maildir one && watch renameat2,fsync,write && options=--sync &&
	pop3 "RETR 1" QUIT &&
	calls | in_order renameat2 "^fsync(.*= 0" "write(1, .+OK bye"
'

check 'U5: --sync of the trash: what was moved there, too' '
	maildir one && watch openat,renameat2,fsync,write &&
	options="--sync --delete=trash" &&
	pop3 "DELE 1" QUIT && calls >lines &&
	to=$(sed -n "s/^renameat2(.*1\.host\", \([0-9]*\),.*/\1/p" lines) &&
	[ -n "$to" ] &&
	in_order renameat2 "^fsync($to) *= 0" "write(1, .+OK bye" <lines
'

check 'U5: an error of fsync is -ERR [SYS/TEMP]' '
	maildir one && options=--sync &&
	watch fsync -e inject=fsync:error=EIO:when=1 &&
	pop3 "DELE 1" QUIT | tail -n 1 | grep "$failed"
'

check 'U5: --sync with nothing to do syncs nothing' '
	maildir one && options=--sync && watch fsync &&
	pop3 STAT QUIT && ! calls | grep fsync
'

finish
