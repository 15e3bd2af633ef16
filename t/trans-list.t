#!/bin/sh
# STAT, LIST, DELE, RSET, NOOP: the frozen list (RFC 1939 sections 4 and 5).
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

check 'P-28: STAT is the count and the octets, and nothing behind them' '
	maildir one two three &&
	[ "$(pop3 STAT)" = "+OK 3 17" ]
'

check 'P-28: STAT of an empty maildrop' '
	maildir &&
	[ "$(pop3 STAT)" = "+OK 0 0" ]
'

check 'P-28: STAT leaves deleted messages out of both numbers' '
	maildir one two three &&
	pop3 "DELE 3" STAT "DELE 1" STAT "DELE 2" STAT >actual &&
	cat >expect <<-\EOF &&
	+OK message 3 deleted
	+OK 2 10
	+OK message 1 deleted
	+OK 1 5
	+OK message 2 deleted
	+OK 0 0
	EOF
	diff -u expect actual
'

check 'P-29: LIST is a line for each message, and a dot' '
	maildir one three &&
	pop3 LIST | sed 1d >actual &&
	cat >expect <<-\EOF &&
	1 5
	2 7
	.
	EOF
	diff -u expect actual
'

check 'P-29: LIST of an empty maildrop is +OK and a dot' '
	maildir &&
	pop3 LIST >actual &&
	[ "$(wc -l <actual)" = 2 ] &&
	in_order "^+OK " "^\.$" <actual
'

check 'P-29: LIST with a number is one line' '
	maildir one three &&
	pop3 "LIST 2" "LIST 1" >actual &&
	printf "+OK 2 7\n+OK 1 5\n" | diff -u - actual
'

check 'P-29: LIST leaves deleted messages out, and keeps their numbers free' '
	maildir one two three &&
	pop3 "DELE 2" LIST "LIST 2" "LIST 3" >actual &&
	sed 1,2d actual >lines &&
	cat >expect <<-\EOF &&
	1 5
	3 7
	.
	-ERR no such message
	+OK 3 7
	EOF
	diff -u expect lines
'

check 'P-29: LIST when all is deleted' '
	maildir one two &&
	pop3 "DELE 1" "DELE 2" LIST >actual &&
	sed 1,3d actual >lines && [ "$(cat lines)" = . ]
'

check 'P-41: a deleted message is no message for any command' '
	maildir one two &&
	pop3 "DELE 1" "DELE 1" "LIST 1" "UIDL 1" "RETR 1" "TOP 1 0" >actual &&
	[ "$(grep -c "^-ERR " actual)" = 5 ] && [ "$(wc -l <actual)" = 6 ]
'

check 'P-41: DELE touches no file' '
	maildir one two &&
	printf three | message cur/3.host:2,S &&
	tree Maildir/new Maildir/cur >before &&
	begin && ask "DELE 1" && ask "DELE 3" && ask STAT &&
	tree Maildir/new Maildir/cur | diff -u before - &&
	left 3
'

check 'P-42: RSET unmarks everything, and numbers and sizes stay' '
	maildir one two three &&
	pop3 LIST "DELE 1" "DELE 3" RSET LIST STAT "RETR 1" QUIT >actual &&
	in_order "^1 5$" "^2 5$" "^3 7$" "^\.$" deleted deleted "^+OK" \
		"^1 5$" "^2 5$" "^3 7$" "^\.$" "^+OK 3 17$" "^one$" <actual &&
	left 3
'

check 'P-42: after RSET, DELE works again' '
	maildir one two &&
	pop3 "DELE 1" RSET "DELE 1" "DELE 1" QUIT >actual &&
	[ "$(grep -c "^+OK" actual)" = 4 ] &&
	[ -e Maildir/new/2.host ] && left 1
'

check 'P-42: RSET with nothing deleted is +OK' '
	maildir &&
	pop3 RSET | grep -q "^+OK "
'

check 'P-42: there is no LAST' '
	maildir one &&
	pop3 LAST "RETR 1" LAST >actual &&
	[ "$(grep -c "^-ERR " actual)" = 2 ]
'

check 'P-43: NOOP is +OK and does nothing' '
	maildir one &&
	pop3 "DELE 1" NOOP STAT RSET NOOP STAT >actual &&
	in_order deleted "^+OK" "^+OK 0 0$" "^+OK" "^+OK" "^+OK 1 5$" <actual
'

check 'P-21: deleting moves no other number: RETR 2 stays RETR 2' '
	maildir one two three &&
	pop3 "DELE 1" "RETR 2" "DELE 2" "RETR 3" QUIT >actual &&
	in_order deleted "^two$" deleted "^three$" <actual &&
	[ -e Maildir/cur/3.host:2,S ] && left 1
'

check 'P-21: mail that arrives later is not seen in this session' '
	maildir one &&
	begin && ask STAT &&
	printf "zero\n" >Maildir/new/0.host &&
	printf "two\n" >Maildir/cur/2.host:2, &&
	ask STAT | grep -qx "+OK 1 5" &&
	ask LIST && rest >lines && [ "$(wc -l <lines)" = 2 ] &&
	ask "RETR 1" && rest | grep -qx one &&
	ask "RETR 2" | grep -q "^-ERR" &&
	ask "UIDL 1" | grep -qx "+OK 1 1.host" &&
	ask "DELE 1" && quit &&
	left 2
'

check 'P-21: mail that arrives during a session is there in the next one' '
	maildir one &&
	begin && printf "two\n" >Maildir/new/2.host && ask STAT && quit &&
	pop3 STAT | grep -qx "+OK 2 10"
'

check 'P-140: names that begin with a dot are no messages' '
	maildir one &&
	for name in .hidden .1.host ...; do
		echo x | message "new/$name" && echo x | message "cur/$name:2,"
	done &&
	[ "$(pop3 STAT)" = "+OK 1 5" ] &&
	pop3 "DELE 1" QUIT &&
	left 6
'

check 'P-140: messages are in new/ and in cur/, with info and without' '
	maildir one &&
	for name in 2.host:2,S 3.host:2, 4.host 5.host:1,x 6.host:x 7.host:; do
		echo x | message "cur/$name"
	done &&
	echo x | message new/8.host:2,S &&
	[ "$(pop3 STAT)" = "+OK 8 26" ]
'

check 'P-148: folders are not served' '
	maildir one &&
	mkdir -p Maildir/.Sent/new Maildir/.Sent/cur Maildir/.Sent/tmp &&
	echo sent >Maildir/.Sent/cur/1.sent:2,S && echo x >Maildir/tmp/1.tmp &&
	[ "$(pop3 STAT)" = "+OK 1 5" ]
'

check 'P-159: STAT, LIST, UIDL, TOP, NOOP, CAPA and QUIT change nothing' '
	maildir one two && printf "x\n" | message cur/3.host:2,F &&
	own && tree >before &&
	pop3 CAPA STAT LIST UIDL "TOP 1 0" "TOP 3 5" NOOP QUIT >actual &&
	tree >after && sed "/^ d/d" before >b && sed "/^ d/d" after >a &&
	diff -u b a
'

check 'P-26: RETR without QUIT changes nothing' '
	maildir one two && own && tree Maildir/new Maildir/cur >before &&
	pop3 "RETR 1" "DELE 2" >actual &&
	tree Maildir/new Maildir/cur | diff -u before -
'

finish
