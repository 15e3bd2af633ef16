#!/bin/sh
# UIDL, and the order of messages (RFC 1939 section 7).
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

# uidl: the lines of UIDL, without the status and the dot.
uidl()
{
	pop3 UIDL QUIT >uidl.all || return 1
	sed -e 1d -e '/^\.$/,$d' uidl.all
}

# hashed 'NAME': the hashed form of a unique name; NAME is for printf.
hashed()
{
	# shellcheck disable=SC2059
	printf "$1" | py -c '
import base64, hashlib, sys
h = hashlib.sha256(sys.stdin.buffer.read()).digest()
print("=" + base64.urlsafe_b64encode(h).decode().rstrip("="))'
}

check 'P-44: UIDL is a line for each message, and a dot' '
	maildir one two &&
	pop3 UIDL >actual &&
	head -n 1 actual | grep -q "^+OK" &&
	sed 1d actual >lines &&
	printf "1 1.host\n2 2.host\n.\n" | diff -u - lines
'

check 'P-44: UIDL with a number is one line' '
	maildir one two &&
	[ "$(pop3 "UIDL 2")" = "+OK 2 2.host" ]
'

check 'P-44: UIDL of an empty maildrop' '
	maildir &&
	[ "$(pop3 UIDL | sed 1d)" = . ]
'

check 'P-44: UIDL leaves deleted messages out' '
	maildir one two three &&
	pop3 "DELE 2" UIDL "UIDL 2" | sed 1,2d >actual &&
	in_order "^1 1.host$" "^3 3.host$" "^\.$" "^-ERR " <actual &&
	[ "$(wc -l <actual)" = 4 ]
'

check 'P-44: uids are the same in every session' '
	maildir one two three &&
	for n in 1 2 3 4; do echo x | message "cur/$n.d  $n:2,S"; done &&
	uidl >first && uidl >second && pop3 "DELE 1" "RETR 2" >actual &&
	uidl >third &&
	[ "$(wc -l <first)" = 7 ] && diff first second && diff first third
'

check 'P-45: the uid outlives flags, the move to cur/ and a deletion' '
	maildir one two &&
	pop3 "UIDL 2" >before &&
	pop3 "RETR 2" "DELE 1" QUIT >/dev/null &&
	[ -e Maildir/cur/2.host:2,S ] &&
	mv Maildir/cur/2.host:2,S Maildir/cur/2.host:2,FRS &&
	pop3 "UIDL 1" >after &&
	[ "$(cat before) $(cat after)" = "+OK 2 2.host +OK 1 2.host" ]
'

check 'P-45: the uid is the name up to the colon, with the fields of sizes' '
	: | message "cur/1.M2P3_4.host,S=0,W=0:2,S" &&
	: | message "cur/2.host,U=5,FMD5=x:2,a" &&
	: | message "cur/3.a\\057b\\072c:1,new" &&
	uidl >actual &&
	cat >expect <<-\EOF &&
	1 1.M2P3_4.host,S=0,W=0
	2 2.host,U=5,FMD5=x
	3 3.a\057b\072c
	EOF
	diff -u expect actual
'

check 'P-45: every octet of 21 to 7E is taken as it is' '
	py - <<-\EOF &&
	import os
	os.makedirs("Maildir/new"); os.makedirs("Maildir/cur")
	os.makedirs("Maildir/tmp")
	with open("expect", "w") as expect:
	    for n, c in enumerate((chr(c) for c in range(0x21, 0x7f)
	        if chr(c) not in "/:"), 1):
	        open("Maildir/cur/%d.%s:2,S" % (n, c), "w").close()
	        expect.write("%d %d.%s\n" % (n, n, c))
	EOF
	uidl | diff -u expect -
'

check 'P-45: 70 octets are a uid, 71 are hashed' '
	maildir &&
	long=1.$(head -c 68 /dev/zero | tr "\0" x) &&
	: >"Maildir/cur/$long:2,S" && : >"Maildir/new/2$long" &&
	uidl >actual &&
	printf "1 %s\n2 %s\n" "$long" "$(hashed "2$long")" |
		diff -u - actual
'

check 'P-46: a blank, a control, DEL or 8 bits: hashed' '
	maildir &&
	n=0 && for octet in 001 011 012 015 033 040 177 200 303 377; do
		n=$((n + 1)) &&
		name=$(printf "$n.\\${octet}x") &&
		: >"Maildir/cur/$name:2,S" &&
		echo "$n $(hashed "$n.\\${octet}x")"
	done >expect &&
	uidl | diff -u expect -
'

check 'P-46: a name of the hashed shape is hashed too' '
	maildir &&
	shape=$(hashed "anything else") && : >"Maildir/cur/$shape:2,S" &&
	uidl >actual &&
	printf "1 %s\n" "$(hashed "$shape")" | diff -u - actual
'

check 'P-46: a name that only begins so, or is shorter, is not' '
	maildir &&
	shape=$(hashed "anything else") &&
	: >"Maildir/cur/${shape}x" && : >"Maildir/cur/${shape%?}" &&
	: >"Maildir/cur/=${shape%??}." &&
	uidl >actual &&
	[ "$(cut -d" " -f2 actual | sort)" = "$(ls Maildir/cur | sort)" ]
'

check 'P-46: an empty unique name is hashed' '
	maildir && : >"Maildir/cur/:2,S" &&
	uidl >actual &&
	printf "1 %s\n" "$(hashed "")" | diff -u - actual
'

check 'P-44: no uid is empty or longer than 70 octets' '
	maildir &&
	py - <<-\EOF &&
	import os, random
	random.seed(44)
	for n in range(400):
	    name = bytes(random.choice([c for c in range(1, 256) if c != 47])
	        for _ in range(random.randrange(1, 200)))
	    if name[:1] != b".":
	        open(b"Maildir/cur/" + name, "wb").close()
	EOF
	uidl >actual &&
	[ "$(wc -l <actual)" -gt 300 ] &&
	! grep -v "^[1-9][0-9]* [!-~]\{1,70\}$" actual
'

check 'P-47: two files of one unique name have two uids' '
	maildir one &&
	echo two more | message cur/1.host:2,S &&
	uidl >actual &&
	sort -k 2 actual | cut -d" " -f2 >uids &&
	printf "1.host\n1.host~2\n" | diff -u - uids
'

check 'P-47: three files of one unique name, with the sizes of each' '
	maildir one &&
	echo 2222 | message cur/1.host:2,S && echo 333333 | message cur/1.host:2,
	uidl >first && uidl >second && diff first second &&
	cut -d" " -f2 first >uids &&
	printf "%s\n" "1.host" "1.host~2" "1.host~3" | diff -u - uids &&
	pop3 LIST | sed -e 1d -e "/\./d" | cut -d" " -f2 | sort >sizes &&
	printf "5\n6\n8\n" | diff -u - sizes
'

check 'P-47: the copy that is deleted is the one that RETR showed' '
	maildir one &&
	echo two more | message cur/1.host:2,S &&
	pop3 "RETR 2" "DELE 2" QUIT | grep -e "^one" -e "^two" >shown &&
	left 1 && ! cat Maildir/new/* Maildir/cur/* | grep -f shown
'

check 'P-47: "~2" that would make 71 octets is hashed' '
	maildir &&
	long=1.$(head -c 67 /dev/zero | tr "\0" x) &&
	: >"Maildir/new/$long" && : >"Maildir/cur/$long:2,S" &&
	uidl | cut -d" " -f2 >actual &&
	printf "%s\n" "$long" "$(hashed "$long~2")" | diff -u - actual
'

check 'P-47: "~2" that another message has is hashed' '
	maildir &&
	: >Maildir/new/1.host && : >Maildir/cur/1.host:2,S &&
	: >Maildir/cur/1.host~2:2,S &&
	uidl | cut -d" " -f2 | sort >actual &&
	printf "%s\n" 1.host 1.host~2 "$(hashed "1.host~2")" | sort |
		diff -u - actual
'

check 'P-47: the same where the name itself is hashed' '
	maildir &&
	: >"Maildir/new/1 a" && : >"Maildir/cur/1 a:2,S" &&
	: >"Maildir/cur/1 a~2:2,S" &&
	uidl | cut -d" " -f2 | sort -u >actual &&
	[ "$(wc -l <actual)" = 3 ] &&
	grep -qxF -e "$(hashed "1 a")" actual &&
	grep -qxF -e "$(hashed "1 a~2")" actual
'

check 'P-142: two names of one file are one message' '
	maildir one &&
	ln Maildir/new/1.host Maildir/cur/1.host:2,S &&
	uidl >actual && [ "$(cat actual)" = "1 1.host" ] &&
	pop3 "RETR 1" | grep -x one
'

check 'P-51: of a message with two names, none is left after DELE' '
	maildir one two &&
	ln Maildir/new/1.host Maildir/cur/1.host:2,S &&
	pop3 "DELE 1" QUIT &&
	left 1
'

check 'P-49: by the number at the start, not by its digits' '
	for name in 10.a 9.a 1000000000.a 999999999.a 2.a 100.a; do
		: | message "cur/$name:2,S"
	done &&
	uidl | cut -d" " -f2 | tr "\n" " " >actual &&
	echo "2.a 9.a 10.a 100.a 999999999.a 1000000000.a " | tr -d "\n" |
		cmp - actual
'

check 'P-49: numbers of any length, and leading zeros' '
	for name in 18446744073709551617.a 18446744073709551616.a \
		18446744073709551615.a 340282366920938463463374607431768211456.a \
		4294967296.a 4294967295.a 00000000000000000000000000000004.a \
		99999999999999999999.a 100000000000000000000.a; do
		: | message "cur/$name:2,S"
	done &&
	uidl | cut -d" " -f2 >actual &&
	cat >expect <<-\EOF &&
	00000000000000000000000000000004.a
	4294967295.a
	4294967296.a
	18446744073709551615.a
	18446744073709551616.a
	18446744073709551617.a
	99999999999999999999.a
	100000000000000000000.a
	340282366920938463463374607431768211456.a
	EOF
	diff -u expect actual
'

check 'P-49: no number is 0, and equal numbers go by the octets of the name' '
	for name in 1.b 1.a 1.B 01.z 1 1a a b 0.x Z _ 1.aa; do
		: | message "cur/$name:2,S"
	done && mv Maildir/cur/a:2,S Maildir/new/a &&
	uidl | cut -d" " -f2 >actual &&
	printf "%s\n" 0.x Z _ a b 01.z 1 1.B 1.a 1.aa 1.b 1a | diff -u - actual
'

check 'P-49: new/ and cur/ are one row, and flags move nothing' '
	maildir &&
	: >Maildir/new/3.x && : >Maildir/cur/2.x:2,S && : >Maildir/new/1.x &&
	: >Maildir/cur/4.x:2,FRS && uidl >before &&
	printf "1 1.x\n2 2.x\n3 3.x\n4 4.x\n" | diff -u - before &&
	mv Maildir/new/3.x Maildir/cur/3.x:2,T &&
	mv Maildir/cur/2.x:2,S Maildir/cur/2.x:2,FS &&
	uidl | diff -u before -
'

check 'P-49: the order of 3,000 messages is the same in each session' '
	maildir &&
	py - <<-\EOF &&
	import random
	random.seed(49)
	names = set("%d.%d" % (random.randrange(500), random.randrange(10**6))
	    for _ in range(3000))
	for name in names:
	    open("Maildir/cur/" + name + ":2,", "w").close()
	names = sorted(names, key=lambda n: (int(n.split(".")[0]), n))
	with open("expect", "w") as f:
	    f.write("".join("%d %s\n" % p for p in enumerate(names, 1)))
	EOF
	uidl | diff -u expect -
'

finish
