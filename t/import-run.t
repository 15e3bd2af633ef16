#!/bin/sh
# --import: what it takes, what it says, what it leaves alone (P-44, P-47...
# P-49, S-3, S-9).  Against the servers themselves: import-dovecot.t and
# import-courier.t.
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

# import OPTION...: as whoever runs this script, root or not; what it says is
# in the files said and log, its exit code in code.
import()
{
	own
	code=0
	$trace "$pop3d" "$@" >said 2>log || code=$?
	[ "$code" = 0 ] || sed 's/^/# /' log
}

# list TEXT...: lines of dovecot-uidlist, behind its header.
list()
{
	printf '%s\n' '3 V1795461710 N9 G0123456789abcdef0123456789abcdef' \
		"$@" >Maildir/dovecot-uidlist
}

uidl=Maildir/maildir-pop3d.uidl

check 'P-48: each message in the list gets a line, in the order of the list' '
	maildir one two three
	mv Maildir/new/2.host "Maildir/cur/2.host:2,RS"
	list "1 :3.host" "2 W5 Pold :2.host:2,S" "3 :9.gone"
	import --import=dovecot Maildir
	[ $code = 0 ]
	cat >expect <<-\EOF
	maildir-pop3d-uidl 1
	000000016b04924e 3.host
	old 2.host
	EOF
	diff -u expect $uidl
	grep -qx "UIDLs taken over: 2" said
	grep -q "^records whose message is not there.*: 1$" said
	grep -q "^messages that are not in the list,.*: 1$" said
	[ ! -s log ]
'

check 'P-48: nothing else in the Maildir is changed' '
	maildir one two
	list "1 :1.host" "2 :2.host"
	echo 1000S >Maildir/maildirsize
	own
	tree >before
	import --import=dovecot Maildir
	[ $code = 0 ] && [ -f $uidl ] && [ -z "$(ls -A Maildir/tmp)" ]
	rm $uidl
	tree | grep -Ev "^(|tmp) d " >after
	grep -Ev "^(|tmp) d " before | diff -u - after
'

check 'P-48: --dry-run shows the lines and writes nothing' '
	maildir one
	list "1 :1.host"
	own
	tree >before
	import --import=dovecot --dry-run Maildir
	[ $code = 0 ]
	grep -qx "000000016b04924e 1.host" said
	tree | diff -u before -
'

check 'P-48: it can be run again, and then the newer list counts' '
	maildir one two
	list "1 :1.host"
	import --import=dovecot Maildir
	list "1 :1.host" "2 Pnew :2.host"
	import --import=dovecot Maildir
	[ $code = 0 ] && [ "$(wc -l <$uidl)" = 3 ]
	grep -qx "new 2.host" $uidl
	cp $uidl first
	import --import=dovecot Maildir
	cmp first $uidl
'

check 'P-48: --uidl-format and --list are for lists and formats of other kinds' '
	maildir one
	list "7 :1.host"
	mkdir control && mv Maildir/dovecot-uidlist control/
	import --import=dovecot --uidl-format=%v.%u --list=control/dovecot-uidlist \
		Maildir
	[ $code = 0 ] && grep -qx "1795461710.7 1.host" $uidl
'

check 'P-48: --reuse-xuidl takes X-UIDL headers, but not before a UIDL in the list' '
	printf "X-UIDL: mine\n\nb\n" | message new/1.host
	printf "X-UIDL: not this\n\nb\n" | message new/2.host
	printf "X-UIDL: nor-this\n\nb\n" | message new/3.host
	printf "Subject: x\n\nX-UIDL: body\n" | message new/4.host
	list "1 :1.host" "2 :2.host" "3 Pold :3.host" "4 :4.host"
	import --import=dovecot --reuse-xuidl --uidl-format=%u Maildir
	[ $code = 0 ]
	printf "%s\n" "maildir-pop3d-uidl 1" "mine 1.host" "old 3.host" \
		"4 4.host" | diff -u - $uidl
	grep -q "^not taken.*new/2.host" said
'

check 'P-48: courierpop3dsizelist is read in its own order' '
	maildir one two
	printf "/3 3 17\n2.host:2, 4 1:17:0\n1.host:2,S 4 2:17:0\n" \
		>Maildir/courierpop3dsizelist
	import --import=courier Maildir
	[ $code = 0 ]
	printf "%s\n" "maildir-pop3d-uidl 1" "UID1-17 2.host" "UID2-17 1.host" |
		diff -u - $uidl
'

check 'P-44: names that qmail shows are taken up to 255 octets, in its order' '
	maildir one two
	long=$(printf "%0240d" 7).host
	echo long >Maildir/new/$long
	echo odd >"Maildir/new/3.a b"
	touch -d "2001-01-01" Maildir/new/2.host
	touch -d "2002-01-01" Maildir/new/$long
	import --import=qmail Maildir
	[ $code = 0 ]
	printf "%s\n" "maildir-pop3d-uidl 1" "2.host 2.host" "$long $long" \
		"1.host 1.host" | diff -u - $uidl
	grep -q "^not taken.*new/3.a b" said
'

check 'P-47: a UIDL that comes again keeps its first message' '
	maildir one two three
	list "1 Psame :1.host" "2 Psame :2.host" "3 Psame-2 :3.host"
	import --import=dovecot Maildir
	[ $code = 0 ]
	printf "%s\n" "maildir-pop3d-uidl 1" "same 1.host" "same-3 2.host" \
		"same-2 3.host" | diff -u - $uidl
'

# --- when nothing is taken ---------------------------------------------

# refuses CODE TEXT: exit code, words, and no file.
refuses()
{
	[ "$code" = "$1" ] && grep -q -e "$2" log && [ ! -e "$uidl" ] &&
	[ -z "$(ls -A Maildir/tmp)" ]
}

check 'P-48: without a list, or with one of another kind, the exit code is 100' '
	maildir one
	import --import=dovecot Maildir
	refuses 100 "no dovecot-uidlist in the Maildir.*--list=FILE"
	import --import=courier Maildir
	refuses 100 "no courierpop3dsizelist"
	import --import=courier --list=nowhere Maildir
	refuses 100 "nowhere: No such file"
	echo "5 something" >Maildir/dovecot-uidlist
	import --import=dovecot Maildir
	refuses 100 "not that of a version from 1 to 3"
	list "1 :2.gone"
	import --import=dovecot Maildir
	refuses 100 "no UIDL could be taken over"
'

check 'S-8: a list that is a link, a FIFO or a directory is refused' '
	maildir one
	list "1 :1.host"
	mv Maildir/dovecot-uidlist real
	ln -s ../real Maildir/dovecot-uidlist
	import --import=dovecot Maildir
	refuses 111 "cannot open list"
	rm Maildir/dovecot-uidlist
	mkfifo Maildir/dovecot-uidlist
	import --import=dovecot Maildir
	refuses 111 "cannot read list"
	rm Maildir/dovecot-uidlist
	mkdir Maildir/dovecot-uidlist
	import --import=dovecot Maildir
	refuses 111 "cannot read list"
'

check 'P-48: whatever call fails, the old file stays and tmp/ is clean' '
	maildir one
	list "1 :1.host"
	import --import=dovecot Maildir
	[ $code = 0 ]
	cp $uidl first
	list "1 Pother :1.host"
	for call in write fsync renameat2; do
		watch $call -e inject=$call:error=EIO:when=1
		import --import=dovecot Maildir
		trace=
		grep -q "^$call.*INJECTED" trace
		[ $code = 111 ] || { echo "$call: $code"; exit 1; }
		cmp first $uidl
		[ -z "$(ls -A Maildir/tmp)" ]
	done
	import --import=dovecot Maildir
	[ $code = 0 ] && grep -qx "other 1.host" $uidl
'
check 'P-48: without tmp/ or the right to write, the exit code is 111' '
	maildir one
	list "1 :1.host"
	rmdir Maildir/tmp
	import --import=dovecot Maildir
	[ $code = 111 ] && grep -q "cannot write, by way of tmp/.*No such file" log
	mkdir Maildir/tmp && own
	chmod 555 Maildir/tmp
	import --import=dovecot Maildir
	[ $code = 111 ] && grep -q "cannot write.*denied" log
	chmod 755 Maildir/tmp
	[ ! -e "$uidl" ]
'

# --- who, and what is said ---------------------------------------------

if [ "$(id -u)" = 0 ]; then
check 'S-3: root becomes the owner before it looks at anything below' '
	maildir one
	list "1 :1.host"
	import --import=dovecot Maildir
	[ $code = 0 ] && [ "$(stat -c %u:%g:%a $uidl)" = 7777:7777:600 ]
	echo secret >for-root
	chmod 600 for-root && chown 0:0 for-root
	rm $uidl
	code=0
	"$pop3d" --import=dovecot --list=for-root Maildir >said 2>log || code=$?
	refuses 111 "cannot open list for-root: Permission denied"
'

check 'S-3: a Maildir of root is refused, and so is another user'\''s' '
	maildir one
	list "1 :1.host"
	code=0
	"$pop3d" --import=dovecot Maildir >said 2>log || code=$?
	refuses 100 "belongs to root"
	code=0
	chmod 777 . Maildir Maildir/tmp
	$as "$pop3d" --import=dovecot Maildir >said 2>log || code=$?
	refuses 100 "by root or by the owner"
'
fi

check 'S-9: names and UIDLs of any octets are said escaped, or not taken' '
	maildir one
	e=$(printf "\033")
	printf "x\n" >"Maildir/new/2.${e}[31m%n\\"
	printf "x\n" >"Maildir/new/3.b
	.host"
	list "1 P${e}a :1.host" "2 Pok :2.${e}[31m%n\\" "3 Pb :3.b"
	import --import=dovecot --dry-run Maildir
	[ $code = 0 ]
	! grep -q "$e" said log
	grep -Fqx "ok 2.\\x1B[31m%n\\x5C" said
	grep -q "^not taken.*: the UIDL of new/1.host" said
	grep -qx "UIDLs taken over: 1" said
'

check 'P-48: what is wrong is said on standard error, and nothing else anywhere' '
	maildir one
	for words in "--import=exim Maildir" "--import=qmail" \
	    "--import=qmail --list=x Maildir" \
	    "--import=dovecot --uidl-format=x Maildir"; do
		code=0
		# shellcheck disable=SC2086 # they are words
		"$pop3d" $words >said 2>&1 </dev/null || code=$?
		[ $code = 100 ] && [ "$(wc -l <said)" = 1 ]
		grep -q "^maildir-pop3d: --" said
	done
'

finish
