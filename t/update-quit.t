#!/bin/sh
# UPDATE: what QUIT removes, when, and what it says (RFC 1939 section 6).
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

check 'P-50: QUIT removes what DELE marked, and only that' '
	maildir one two three && echo four | message cur/4.host:2,S &&
	pop3 "DELE 2" "DELE 4" STAT QUIT >actual &&
	cat >expect <<-\EOF &&
	+OK message 2 deleted
	+OK message 4 deleted
	+OK 2 12
	+OK bye
	EOF
	diff -u expect actual &&
	left 2 && [ -e Maildir/new/1.host ] && [ -e Maildir/new/3.host ]
'

check 'P-50: QUIT with nothing marked removes nothing' '
	maildir one two &&
	[ "$(pop3 QUIT)" = "+OK bye" ] && left 2
'

check 'P-50: QUIT after RSET removes nothing' '
	maildir one two &&
	pop3 "DELE 1" "DELE 2" RSET QUIT && left 2
'

check 'P-50: of two links to one file, listed as two, the marked one goes' '
	for n in 1 2; do
		rm -rf Maildir && maildir && echo one >Maildir/new/1.host,S=4 &&
		ln Maildir/new/1.host,S=4 Maildir/cur/1.host,S=5:2,S &&
		pop3 STAT "DELE $n" QUIT >actual &&
		printf "+OK 2 10\n+OK message $n deleted\n+OK bye\n" |
			diff -u - actual && left 1 || exit 1
	done
'

check 'P-26: the end of the input removes nothing' '
	maildir one two &&
	pop3 "DELE 1" "DELE 2" && left 2
'

check 'P-26: a QUIT that is refused removes nothing' '
	maildir one &&
	pop3 "DELE 1" "QUIT now" " QUIT" "QUIT 1" QUITS && left 1
'

check 'P-51: exactly one answer to QUIT, and nothing behind it' '
	maildir one &&
	pop3 "DELE 1" QUIT QUIT NOOP "RETR 1" >actual &&
	[ "$(wc -l <actual)" = 2 ]
'

check 'S-1: nothing is removed or renamed before QUIT has been read' '
	maildir one two three &&
	watch read,unlinkat,renameat2,renameat,rename,unlink,linkat &&
	begin && ask "DELE 1" && ask "RETR 2" && rest && ask "DELE 3" &&
	ask NOOP && quit &&
	calls >lines && in_order "read(0, .*QUIT" unlinkat unlinkat renameat \
		<lines &&
	sed "/QUIT/,\$d" lines | { ! grep -e unlink -e rename -e link; }
'

check 'S-1: without QUIT nothing is removed or renamed at all' '
	maildir one two && options=--no-size-cache &&
	watch read,unlinkat,renameat2,renameat,rename,unlink,linkat &&
	pop3 "RETR 1" "DELE 1" "RETR 2" STAT &&
	calls >lines && grep "read(0" lines && ! grep -e unlink -e rename lines
'

check 'P-51: the answer to QUIT follows all removals' '
	maildir one two three &&
	watch write,unlinkat &&
	pop3 "DELE 1" "DELE 3" QUIT &&
	calls >lines && [ "$(grep -c "^unlinkat" lines)" = 2 ] &&
	in_order unlinkat unlinkat "write(1, .+OK bye" <lines
'

check 'S-2: nothing is opened for writing but what is made anew, in tmp/, and maildirsize' '
	maildir one two &&
	watch openat,open,creat,truncate,ftruncate &&
	pop3 "RETR 1" "DELE 1" "RETR 2" LIST QUIT &&
	calls >lines && grep openat lines >/dev/null &&
	! grep -e O_TRUNC -e truncate -e creat lines &&
	! grep -e O_WRONLY -e O_RDWR lines | grep -v -e O_EXCL -e /dev/null \
		-e "\"maildirsize\", O_WRONLY.*O_APPEND"
'

check 'S-8: every open of a message refuses links and waits for nothing' '
	maildir one &&
	watch openat &&
	pop3 LIST "RETR 1" "TOP 1 0" QUIT &&
	calls | grep "1\.host" >lines && [ "$(wc -l <lines)" = 3 ] &&
	for flag in O_NOFOLLOW O_NONBLOCK O_NOCTTY O_CLOEXEC O_RDONLY; do
		[ "$(grep -c $flag lines)" = 3 ] || exit 1
	done
'

check 'P-53: with mail unread and the client gone, nothing is removed' '
	maildir one && begin &&
	tell "RETR 1" "DELE 1" QUIT && exec 4<&- &&
	wait "$server" &&
	left 1 && [ -e Maildir/new/1.host ] &&
	grep "delivered=no" log
'

check 'P-53: while mail is unread, QUIT waits; when it is read, it removes' '
	maildir one && mkfifo trace && watch ioctl &&
	start && tell "RETR 1" "DELE 1" QUIT && exec 7<trace &&
	grep -m 2 "ioctl(1, FIONREAD, \[[1-9]" <&7 && {
		cat <&7 >/dev/null &
	} &&
	left 1 && [ -e Maildir/new/1.host ] &&
	over | tail -n 1 | grep -x "+OK bye" && left 0
'

check 'P-53: data that only TOP sent must have been taken, too' '
	maildir one && begin &&
	tell "TOP 1 0" "DELE 1" QUIT && exec 4<&- &&
	wait "$server" && left 1
'

check 'P-53: short answers that nobody read do not keep mail' '
	maildir one two && begin && ask "RETR 1" && rest && ask NOOP &&
	tell "DELE 1" STAT NOOP QUIT && exec 4<&- &&
	wait "$server" && left 1
'

check 'P-53: DELE without RETR needs no hand-over' '
	maildir one two && begin &&
	tell "DELE 1" QUIT && exec 4<&- &&
	wait "$server" && left 1
'

check 'P-55: signals that come during the removals stop nothing' '
	maildir one two three four &&
	for signal in TERM HUP INT ALRM; do
		maildir one two three four &&
		watch unlinkat -e inject=unlinkat:signal=$signal:when=1 &&
		pop3 "DELE 1" "DELE 2" "DELE 3" QUIT >actual &&
		tail -n 1 actual | grep -x "+OK bye" && left 1 || exit 1
	done
'

# musl makes alarm(2) of setitimer(2).
check 'P-55: they are blocked, and the alarm is off, before the first removal' '
	maildir one &&
	watch rt_sigprocmask,alarm,setitimer,unlinkat &&
	pop3 "DELE 1" QUIT &&
	calls | sed "s/setitimer([^}]*}, it_value={tv_sec=\([0-9]*\).*/alarm(\1)/
		1,/alarm(600)/d" >lines &&
	grep "rt_sigprocmask(SIG_BLOCK" lines >mask &&
	for signal in ALRM TERM HUP INT; do grep -w $signal mask; done &&
	in_order "alarm(0)" unlinkat <lines &&
	in_order "SIG_BLOCK" unlinkat <lines
'

check 'P-51: 1,000 messages are removed by one QUIT' '
	maildir &&
	for n in $(seq 1000); do echo x >Maildir/new/$n.host; done &&
	{ seq -f "DELE %g$cr" 1000; printf "QUIT\r\n"; } | session >actual &&
	[ "$(grep -c "^+OK" actual)" = 1001 ] && left 0
'

# P-54.

check 'P-54: what RETR sent and stays goes to cur/ with flag S' '
	maildir one two three &&
	pop3 "RETR 1" "RETR 2" "DELE 2" QUIT &&
	left 2 && [ -e Maildir/cur/1.host:2,S ] && [ -e Maildir/new/3.host ] &&
	grep -x one Maildir/cur/1.host:2,S
'

check 'P-54: in cur/, S is put in its place among the flags' '
	for flags in "" FR T a DFPRT RTab S Z; do
		echo x | message "cur/1.${flags}x:2,$flags"
	done &&
	printf "RETR %d\r\n" 1 2 3 4 5 6 7 8 >input && printf "QUIT\r\n" >>input &&
	session <input >/dev/null &&
	ls Maildir/cur | sort >actual &&
	printf "%s\n" 1.x:2,S 1.FRx:2,FRS 1.Tx:2,ST 1.ax:2,Sa \
		1.DFPRTx:2,DFPRST 1.RTabx:2,RSTab 1.Sx:2,S 1.Zx:2,SZ | sort |
		diff -u - actual
'

check 'P-144: unknown info is kept, and such a file is not renamed' '
	for name in cur/1.a:1,x cur/2.b:x cur/3.c:3,S cur/4.d: new/5.e:1,; do
		echo x | message $name
	done && tree Maildir/new Maildir/cur | sort >before &&
	pop3 "RETR 1" "RETR 2" "RETR 3" "RETR 4" "RETR 5" QUIT >actual &&
	tail -n 1 actual | grep -x "+OK bye" &&
	ls Maildir/new Maildir/cur >names &&
	for name in 1.a:1,x 2.b:x 3.c:3,S 4.d: 5.e:1,; do
		grep -qxF -e $name names || exit 1
	done
'

check 'P-54: the flag is not set where the session ends without QUIT' '
	maildir one && pop3 "RETR 1" && [ -e Maildir/new/1.host ]
'

check 'P-54: the flag is not set for what was not sent to its end' '
	maildir one && head -c 300000 /dev/zero | message new/2.host &&
	begin && tell "RETR 2" QUIT && exec 4<&- && wait "$server" &&
	[ -e Maildir/new/2.host ]
'

check 'P-54: what moved since RETR gets its flag where it is now' '
	maildir one two three && begin &&
	ask "RETR 1" && rest >/dev/null && ask "RETR 2" && rest >/dev/null &&
	ask "RETR 3" && rest >/dev/null && rm Maildir/new/3.host &&
	mv Maildir/new/1.host Maildir/cur/1.host:2,F &&
	quit | grep -x "+OK bye" && left 2 &&
	[ -e Maildir/cur/1.host:2,FS ] && [ -e Maildir/cur/2.host:2,S ] &&
	grep "^session .* seen=2 " log
'

check 'P-54: nobody is searched where nothing has moved' '
	maildir one && echo two | message cur/2.host:1,x &&
	touch -d "1 hour ago" Maildir/new Maildir/cur && watch lseek &&
	options=--no-size-cache && pop3 "RETR 1" "RETR 2" QUIT >actual &&
	[ -e Maildir/cur/1.host:2,S ] && calls >lines &&
	[ "$(grep -c "^lseek([0-9]*, 0, SEEK_SET)" lines)" = 2 ]
'

check 'P-54: removals come first, then flags' '
	maildir one two &&
	watch unlinkat,renameat2 &&
	pop3 "RETR 1" "DELE 2" QUIT &&
	calls | in_order "unlinkat.*2\.host" "renameat2.*1\.host.*NOREPLACE"
'

check 'P-54: nothing is overwritten' '
	maildir one && echo other | message cur/1.host:2,S &&
	pop3 UIDL "RETR 1" "RETR 2" QUIT >actual &&
	tail -n 1 actual | grep "^+OK" &&
	left 2 && grep -x other Maildir/cur/1.host:2,S
'

check 'P-54: a failure changes no answer, and is logged' '
	maildir one && chmod 555 Maildir/new &&
	pop3 "RETR 1" QUIT | tail -n 1 | grep -x "+OK bye" &&
	left 1 && grep "^error.*1\.host.*Permission denied" log
'

check 'P-54: a name that is too long for the flag stays as it is' '
	maildir &&
	long=1.$(head -c 253 /dev/zero | tr "\0" x) && echo x >Maildir/new/$long &&
	pop3 "RETR 1" QUIT | tail -n 1 | grep -x "+OK bye" &&
	[ -e Maildir/new/$long ]
'

check 'P-54: --keep-new moves nothing and sets no flag' '
	maildir one && echo two | message cur/2.host:2,F &&
	options=--keep-new &&
	pop3 "RETR 1" "RETR 2" QUIT &&
	[ -e Maildir/new/1.host ] && [ -e Maildir/cur/2.host:2,F ]
'

check 'P-54: --keep-new still removes' '
	maildir one two && options=--keep-new &&
	pop3 "RETR 1" "DELE 1" QUIT && left 1
'

finish
