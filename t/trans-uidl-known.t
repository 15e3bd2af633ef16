#!/bin/sh
# maildir-pop3d.uidl: what a session makes of the UIDLs of another server, and
# of a file that somebody has spoilt (P-44, P-47, P-49, S-8, S-9).
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

# known LINE...: the file, behind its header.
known()
{
	printf '%s\n' 'maildir-pop3d-uidl 1' "$@" >Maildir/maildir-pop3d.uidl
}

# shows UIDL...: UIDL answers these, in this order.
shows()
{
	pop3 UIDL QUIT >actual
	n=0
	for uidl; do
		n=$((n + 1))
		echo "$n $uidl"
	done >expect
	sed -e 1d -e "/^\.\$/,\$d" actual | diff -u expect -
}

check 'P-49: who is in the file comes first, in its order, then the others' '
	maildir one two three four
	known "c 3.host" "gone 9.host" "a 1.host"
	shows c a 2.host 4.host
	rm Maildir/new/3.host
	shows a 2.host 4.host
'

check 'P-21: all commands mean the same message by a number' '
	maildir one two three
	known "c 3.host" "a 1.host"
	pop3 LIST "LIST 1" "UIDL 2" "UIDL 3" "RETR 1" "TOP 3 0" "DELE 2" UIDL \
		QUIT >actual
	printf "%s\n" "+OK 3 messages" "1 7" "2 5" "3 5" . "+OK 1 7" \
		"+OK 2 a" "+OK 3 2.host" "+OK 7 octets" three . >expect
	head -n 11 actual | diff -u expect -
	grep -qx "+OK message 2 deleted" actual
	[ "$(sed -n "/^+OK 2 messages/,/^\./p" actual | tr "\n" " ")" = \
		"+OK 2 messages 1 c 3 2.host . " ]
	[ ! -e Maildir/new/1.host ]
	left 2
'

check 'P-44: 255 octets are shown as they are, flags and folders change nothing' '
	long=$(printf "%0255d" 0)
	maildir one two
	known "$long 1.host" "!~ 2.host"
	shows "$long" "!~"
	mv Maildir/new/1.host Maildir/cur/1.host:2,RS
	shows "$long" "!~"
'

check 'P-143: a corrected size in the name is the same message' '
	maildir one two
	mv Maildir/new/1.host Maildir/new/1.host,S=4,W=5
	known "a 1.host,S=4,W=9" "b 2.host,S=4"
	shows a b
	mv Maildir/new/2.host Maildir/cur/2.host,S=4,W=5:2,S
	shows a b
'

check 'P-47: new mail whose name is a UIDL in the file gets ~2' '
	maildir one two three
	known "2.host 1.host" "3.host 9.gone"
	shows 2.host "2.host~2" "3.host~2"
	printf x >Maildir/new/2.host~2
	pop3 UIDL QUIT | sed -n "s/^[1-4] //p" >actual
	[ "$(sort -u actual | wc -l)" = 4 ]
	[ "$(head -n 1 actual)" = 2.host ]
'

check 'P-47: copies of a name: the first has the line, and all differ' '
	maildir one
	echo other >Maildir/cur/1.host:2,S
	known "u 1.host" "1.host~2 9.gone"
	pop3 UIDL QUIT >actual
	grep -qx "1 u" actual
	[ "$(sed -n "s/^2 //p" actual | cut -c 1)" = "=" ]
	known "1.host 9.gone"
	shows "1.host~2" "1.host~3"
	known "u 1.host" "v 1.host,S=9"
	shows u "1.host~2"
'

check 'P-47: a UIDL that stands there twice is the first one'\''s' '
	maildir one two
	known "u 2.host" "u 1.host"
	shows u 1.host
	rm Maildir/new/2.host
	shows 1.host
'

check 'P-46: whatever the file takes away, no two messages show the same' '
	maildir one two three
	touch "Maildir/new/4.a b"
	hash=$(pop3 "UIDL 4" QUIT | sed -n "s/^+OK 4 //p")
	known "$hash 3.host" "1.host~2 2.host" "1.host 9.gone"
	pop3 UIDL QUIT | sed -n "s/^[1-4] //p" >actual
	[ "$(head -n 1 actual)" = "$hash" ]
	[ "$(wc -l <actual)" = 4 ] && [ "$(sort -u actual | wc -l)" = 4 ]
'

check 'P-44: the next visit, with the list kept, shows the same' '
	maildir one two three
	known "c 3.host" "a 1.host"
	touch -d "1 minute ago" Maildir/new Maildir/cur
	pop3 STAT QUIT >/dev/null
	shows c a 2.host
	shows c a 2.host
	known "b 2.host"
	shows b 1.host 3.host
	rm Maildir/maildir-pop3d.uidl
	shows 1.host 2.host 3.host
'

# --- a file that somebody has spoilt -------------------------------------

check 'S-9: a line of another form is passed over, and the first is logged' '
	maildir one two three four
	e=$(printf "\033")
	printf "%s\n" "maildir-pop3d-uidl 1" "a 1.host" "nothing" "b  2.host" \
		"${e}c 2.host" "d 2.host:2,S" "e ../2.host" " 2.host" "f " "" \
		"$(printf "%0256d" 0) 2.host" "g cur/2.host" "h .2.host" \
		"i 4.host" >Maildir/maildir-pop3d.uidl
	printf "j\\0 2.host\nk 2.host\\0\nl 3.host" \
		>>Maildir/maildir-pop3d.uidl
	shows a i 2.host 3.host
	grep -q "no UIDL, blank and name, 13 of them; the first is number 3" log
	! grep -q "$e" log
'

check 'P-18: a file of another kind ends the session, and nothing is lost' '
	maildir one
	for text in "" "maildir-pop3d-uidl 1" "maildir-pop3d-uidl 2
a 1.host" "a 1.host"; do
		printf "%s" "$text" >Maildir/maildir-pop3d.uidl
		refused 111 "[SYS/TEMP] "
		grep -q "import again, or remove it" log && rm log
	done
	left 1
'

check 'S-8: nor is a link, a FIFO or a directory read' '
	maildir one
	known "a 1.host"
	mv Maildir/maildir-pop3d.uidl Maildir/real
	ln -s real Maildir/maildir-pop3d.uidl
	refused 111 "[SYS/TEMP] "
	rm Maildir/maildir-pop3d.uidl && mkfifo Maildir/maildir-pop3d.uidl
	refused 111 "[SYS/TEMP] "
	rm Maildir/maildir-pop3d.uidl && mkdir Maildir/maildir-pop3d.uidl
	refused 111 "[SYS/TEMP] "
	grep -q "cannot read.*maildir-pop3d.uidl" log
'

check 'S-10: 65 MiB of lines are refused, not read' '
	maildir one
	truncate -s 65M Maildir/maildir-pop3d.uidl
	refused 111 "[SYS/TEMP] "
	grep -q "maildir-pop3d.uidl: File too large" log
'

check 'P-44: without the file one open is all there is' '
	maildir one two
	watch openat,newfstatat,fstat
	pop3 UIDL LIST QUIT >actual
	[ "$(calls | grep -c maildir-pop3d.uidl)" = 1 ]
	calls | grep maildir-pop3d.uidl | grep -q ENOENT
'

finish
