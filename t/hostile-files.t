#!/bin/sh
# What is no message, and what takes the place of one (S-8, P-141, P-143).
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

# plant KIND PATH: makes something that is no regular file.
plant()
{
	case $1 in
	link)	ln -s ../../secret "$2" ;;
	dangling) ln -s nowhere "$2" ;;
	loop)	ln -s "$(basename "$2")" "$2" ;;
	fifo)	mkfifo "$2" ;;
	directory) mkdir "$2" ;;
	socket)	py -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$2" ;;
	device)	mknod "$2" c 1 5 ;;	# of endless zeros
	esac
}

kinds='link dangling loop fifo directory socket'
mknod null c 1 3 2>/dev/null && [ -n "$as" ] && kinds="$kinds device"
rm -f null
case $kinds in
*device) ;;
*)	skip 'S-8: a device is no message' 'only root makes devices' ;;
esac

for kind in $kinds; do
	check "S-8: a $kind in new/ and in cur/ is no message" '
		maildir one && echo secret >secret &&
		plant '"$kind"' Maildir/new/0.planted &&
		plant '"$kind"' Maildir/cur/2.planted:2,S &&
		pop3 STAT LIST UIDL "RETR 1" "DELE 1" QUIT >actual &&
		in_order "^+OK 1 5$" "^1 5$" "^1 1\.host$" "^one$" "+OK bye" \
			<actual && ! grep secret actual &&
		ls -d Maildir/new/0.planted Maildir/cur/2.planted:2,S
	'

	check "S-8: RETR of what has become a $kind since LIST" '
		maildir one two && echo secret >secret && begin &&
		ask LIST && rest && rm Maildir/new/1.host &&
		plant '"$kind"' Maildir/new/1.host &&
		ask "RETR 1" | grep "^-ERR \[SYS/TEMP\] " &&
		ask "TOP 1 9" | grep "^-ERR \[SYS/TEMP\] " &&
		ask "LIST 1" | grep -x "+OK 1 5" &&
		ask "RETR 2" && rest | grep -x two && quit
	'

	check "S-8: LIST and STAT of what has become a $kind since login" '
		maildir one two && echo secret >secret && begin &&
		rm Maildir/new/1.host && plant '"$kind"' Maildir/new/1.host &&
		ask STAT | grep "^+OK 2 " && ask "LIST 2" | grep -x "+OK 2 5" &&
		ask LIST && rest && quit
	'

	check "S-8: DELE and QUIT leave what has become a $kind" '
		maildir one two && echo secret >secret && begin &&
		ask "RETR 1" && rest && ask "DELE 1" && rm Maildir/new/1.host &&
		plant '"$kind"' Maildir/new/1.host &&
		quit | grep -x "+OK bye" &&
		ls -d Maildir/new/1.host && grep -x secret secret && left 1
	'

	check "S-8: what was read and has become a $kind gets no flag" '
		maildir one && echo secret >secret && begin &&
		ask "RETR 1" && rest && rm Maildir/new/1.host &&
		plant '"$kind"' Maildir/new/1.host &&
		quit | grep -x "+OK bye" && ls -d Maildir/new/1.host
	'
done

check 'P-141: what is skipped is logged once' '
	maildir one && for n in 2 3 4 5; do
		mkdir Maildir/new/$n.d && mkfifo Maildir/cur/$n.f
	done && pop3 STAT LIST UIDL QUIT &&
	[ "$(grep -c "not a regular file" log)" = 1 ]
'

check 'S-8: a file of mode 0: -ERR [SYS/TEMP], and the session goes on' '
	maildir one two && chmod 0 Maildir/new/1.host &&
	pop3 "RETR 1" "TOP 1 0" "RETR 2" UIDL QUIT >actual &&
	in_order "^-ERR \[SYS/TEMP\]" "^-ERR \[SYS/TEMP\]" "^two$" \
		"^1 1\.host$" "^2 2\.host$" "^+OK bye" <actual
'

check 'S-8: a file of mode 0 does not take LIST and STAT from the others' '
	maildir one two three && chmod 0 Maildir/new/2.host &&
	pop3 STAT LIST "LIST 3" >actual &&
	in_order "^+OK 3 " "^1 5$" "^2 [0-9]*$" "^3 7$" "^\.$" "^+OK 3 7$" \
		<actual
'

check 'S-8: a file of mode 0 can be deleted' '
	maildir one two && chmod 0 Maildir/new/1.host &&
	pop3 "DELE 1" QUIT | tail -n 1 | grep -x "+OK bye" && left 1
'

check 'S-8: a hard link to another file is served as a message, no more' '
	maildir one && echo other >other && ln other Maildir/new/2.host &&
	pop3 "RETR 2" "DELE 2" QUIT | grep -x other &&
	left 1 && grep -x other other
'

check 'S-8: a message swapped for a link to itself is not followed' '
	maildir one && begin && ask STAT &&
	mv Maildir/new/1.host kept && ln -s ../../kept Maildir/new/1.host &&
	ask "RETR 1" | grep "^-ERR \[SYS/TEMP\]" && ask "DELE 1" && quit &&
	[ -L Maildir/new/1.host ] && grep -x one kept
'

check 'P-143: a file swapped for a larger one between LIST and RETR' '
	maildir one && begin && ask "LIST 1" &&
	head -c 100000 /dev/zero >Maildir/tmp/x &&
	mv Maildir/tmp/x Maildir/new/1.host &&
	ask "RETR 1" | grep "^-ERR \[SYS/TEMP\]" && quit
'

finish
