#!/bin/sh
# Other programs rename, replace and remove messages during a session.
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

# What another program does between login and our command.
for change in \
	'mv Maildir/new/1.host Maildir/cur/1.host:2,S' \
	'mv Maildir/new/1.host Maildir/cur/1.host' \
	'mv Maildir/new/1.host Maildir/new/1.host:2,FS' \
	'mv Maildir/new/1.host Maildir/cur/1.host,S=4,W=5:2,S' \
	'mv Maildir/new/1.host Maildir/cur/1.host:1,experimental' \
	'mv Maildir/new/1.host Maildir/tmp/x; mv Maildir/tmp/x Maildir/cur/1.host:2,'
do
	check "P-35: RETR after: $change" '
		maildir one two && begin && '"$change"' &&
		ask "RETR 1" && rest | grep -x one && quit
	'

	check "P-35: TOP after: $change" '
		maildir one two && begin && '"$change"' &&
		ask "TOP 1 9" && rest | grep -x one && quit
	'

	check "P-35: LIST and STAT after: $change" '
		maildir one three && begin && '"$change"' &&
		ask "LIST 1" | grep -x "+OK 1 5" &&
		ask STAT | grep -x "+OK 2 12" &&
		ask "UIDL 1" | grep -x "+OK 1 1.host" && quit
	'

	check "P-52: DELE and QUIT after: $change" '
		maildir one two && begin && '"$change"' &&
		ask "DELE 1" && quit | grep -x "+OK bye" &&
		left 1 && [ -e Maildir/new/2.host ]
	'

	check "P-52: between DELE and QUIT: $change" '
		maildir one two && begin && ask "RETR 1" && rest &&
		ask "DELE 1" && '"$change"' &&
		quit | grep -x "+OK bye" &&
		left 1 && [ -e Maildir/new/2.host ]
	'
done

check 'P-143: the field of a size is corrected in cur/' '
	maildir && echo one | message "cur/1.host,S=3:2,S" &&
	begin && mv "Maildir/cur/1.host,S=3:2,S" "Maildir/cur/1.host,S=4,W=5:2,S" &&
	ask "RETR 1" && rest | grep -x one &&
	ask "UIDL 1" | grep -x "+OK 1 1.host,S=3" &&
	ask "DELE 1" && quit | grep -x "+OK bye" && left 0
'

check 'P-35: renamed again and again, before each command' '
	maildir one two && begin &&
	mv Maildir/new/1.host Maildir/cur/1.host:2, && ask "TOP 1 0" && rest &&
	mv Maildir/cur/1.host:2, Maildir/cur/1.host:2,S && ask "RETR 1" && rest &&
	mv Maildir/cur/1.host:2,S Maildir/cur/1.host:2,RS && ask "RETR 1" && rest &&
	mv Maildir/cur/1.host:2,RS Maildir/new/1.host && ask "RETR 1" &&
	rest | grep -x one &&
	ask "DELE 1" && mv Maildir/new/1.host Maildir/cur/1.host:2,FRS &&
	quit | grep -x "+OK bye" && left 1
'

check 'P-35: all 300 messages are moved to cur/ at once' '
	maildir &&
	for n in $(seq 300); do echo $n >Maildir/new/$n.host; done && begin &&
	for n in $(seq 300); do
		mv Maildir/new/$n.host Maildir/cur/$n.host:2,S
	done &&
	ask STAT | grep -qx "+OK 300 1392" &&
	ask "RETR 300" && rest | grep -qx 300 &&
	for n in $(seq 299); do tell "DELE $n" && hear >/dev/null || exit 1; done &&
	quit | grep -x "+OK bye" && left 1
'

check 'P-35: a message that vanished is -ERR [SYS/TEMP]; others are there' '
	maildir one two three && begin && rm Maildir/new/2.host &&
	ask "RETR 2" | grep "^-ERR \[SYS/TEMP\] " &&
	ask "TOP 2 0" | grep "^-ERR \[SYS/TEMP\] " &&
	ask "RETR 3" && rest | grep -x three &&
	ask "UIDL 2" | grep -x "+OK 2 2.host" &&
	quit | grep "^+OK"
'

check 'P-21: a message that vanished keeps its number, in LIST too' '
	maildir one two three && begin && ask LIST && rest &&
	rm Maildir/new/2.host &&
	ask STAT | grep -x "+OK 3 17" &&
	ask LIST && rest >lines && printf "1 5\n2 5\n3 7\n.\n" | diff -u - lines &&
	quit
'

check 'P-21: one that vanished before its size was known is still a line' '
	maildir one two three && begin && rm Maildir/new/2.host &&
	ask STAT | grep "^+OK 3 " &&
	ask LIST && rest >lines && in_order "^1 5$" "^2 [0-9]*$" "^3 7$" <lines &&
	ask "LIST 3" | grep -x "+OK 3 7" && quit
'

check 'P-52: a message that is gone already counts as removed' '
	maildir one two && begin && ask "DELE 1" && ask "DELE 2" &&
	rm Maildir/new/1.host &&
	quit | grep -x "+OK bye" && left 0
'

check 'P-52: the same where somebody set a time that is far away' '
	for when in "next year" yesterday; do
		maildir one two && begin && ask "DELE 1" && ask "DELE 2" &&
		rm Maildir/new/1.host &&
		touch -d "$when" Maildir/new Maildir/cur &&
		quit | grep -x "+OK bye" && left 0 || exit 1
		rm -r Maildir from to log
	done
'

check 'P-52: one that is gone and one that is kept: +OK' '
	maildir one two && begin && ask "DELE 1" && rm Maildir/new/1.host &&
	quit | grep -x "+OK bye" && left 1
'

check 'P-143: another file under the same name is not sent' '
	maildir one two && begin &&
	echo another >Maildir/tmp/x && mv Maildir/tmp/x Maildir/new/1.host &&
	ask "RETR 1" | grep "^-ERR \[SYS/TEMP\] " &&
	ask "TOP 1 9" | grep "^-ERR \[SYS/TEMP\] " &&
	ask "RETR 2" && rest | grep -x two && quit
'

check 'P-143: another file in its place, not to be read, keeps STAT from nobody' '
	maildir one two && begin && echo another >Maildir/tmp/x &&
	chmod 0 Maildir/tmp/x && mv Maildir/tmp/x Maildir/new/1.host &&
	ask STAT | grep -x "+OK 2 5" && ask "LIST 2" | grep -x "+OK 2 5" && quit
'

check 'P-143: another file under the same name is not removed' '
	maildir one two && begin && ask "RETR 1" && rest && ask "DELE 1" &&
	echo another >Maildir/tmp/x && mv Maildir/tmp/x Maildir/new/1.host &&
	quit | grep "^+OK" && left 2 && grep -x another Maildir/new/1.host
'

check 'P-143: another file under the same name is not flagged as seen' '
	maildir one && begin && ask "RETR 1" && rest &&
	echo another >Maildir/tmp/x && mv Maildir/tmp/x Maildir/new/1.host &&
	quit | grep "^+OK" && [ -e Maildir/new/1.host ]
'

check 'P-143: the same file under another unique name is not the message' '
	maildir one two && begin && ask "DELE 1" &&
	mv Maildir/new/1.host Maildir/new/9.host &&
	ask "RETR 1" | grep "^-ERR" &&
	quit | grep "^+OK" && left 2
'

check 'P-143: two messages that swap their names are neither sent nor removed' '
	maildir one twotwo && begin && ask "DELE 2" &&
	mv Maildir/new/1.host Maildir/tmp/x &&
	mv Maildir/new/2.host Maildir/new/1.host &&
	mv Maildir/tmp/x Maildir/new/2.host &&
	ask "RETR 1" | grep "^-ERR \[SYS/TEMP\] " &&
	quit | grep "^+OK" && left 2
'

# The messages go to cur/ when new/ has been read and cur/ has not; strace
# holds the program there for a while.
check 'P-142: a message that moves to cur/ during login is listed once' '
	maildir one two && touch -d yesterday Maildir/new Maildir/cur &&
	watch getdents64 && pop3 QUIT &&
	n=$(turn getdents64 "execve(.*maildir-pop3d") &&
	watch getdents64 \
		-e inject=getdents64:delay_enter=400000:when=$((n + 2)) &&
	rm trace log && mkfifo trace && start &&
	{ grep -m 1 "^getdents64.*= 0$" && {
		mv Maildir/new/1.host Maildir/cur/1.host:2,S
		cat >/dev/null &
	}; } <trace &&
	hear | good_greeting &&
	ask STAT | grep -x "+OK 2 10" &&
	ask "RETR 1" && rest | grep -x one &&
	ask "RETR 2" && rest | grep -x two &&
	ask "DELE 1" && quit | grep -x "+OK bye" && left 1
'

check 'P-142: a message that goes back to new/ during login is not missed' '
	maildir one && echo two | message cur/2.host:2,S &&
	touch -d yesterday Maildir/new Maildir/cur &&
	watch getdents64 && pop3 QUIT &&
	n=$(turn getdents64 "execve(.*maildir-pop3d") &&
	watch getdents64 \
		-e inject=getdents64:delay_enter=400000:when=$((n + 2)) &&
	rm trace log && mkfifo trace && start &&
	{ grep -m 1 "^getdents64.*= 0$" && {
		mv Maildir/cur/2.host:2,S Maildir/new/2.host
		cat >/dev/null &
	}; } <trace &&
	hear | good_greeting &&
	ask STAT | grep -x "+OK 2 10" &&
	ask "RETR 2" && rest | grep -x two &&
	quit
'

check 'P-142: directories that changed just now are read again, old ones not' '
	maildir one && touch -d yesterday Maildir/new Maildir/cur &&
	watch getdents64 && options=--keep-tmp &&
	pop3 QUIT && [ "$(calls | grep -c "^getdents64.*= 0$")" = 2 ] &&
	touch -d +30minutes Maildir/cur && pop3 QUIT &&
	calls | grep -c "^getdents64.*= 0$" >reads && cat reads &&
	[ "$(cat reads)" -ge 4 ] && [ "$(cat reads)" -le 8 ]
'

finish
