#!/bin/sh
# Answers, CAPA, and answers to commands that come all at once (RFC 1939
# section 3, RFC 2449 sections 5 to 8, RFC 3206).
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

# What has an answer of one line, good and bad.
every_single()
{
	printf '%s\r\n' STAT "LIST 1" "LIST 9" "UIDL 1" "UIDL 9" "RETR 9" \
		"TOP 9 0" NOOP "DELE 1" "DELE 1" "LIST 1" "RETR 1" RSET \
		"RETR" "RETR x" "TOP 1" "TOP 1 x" "STAT x" BAD "" " x" \
		"USER x" "LIST -1" LAST
}

check 'P-11: one answer of one line to each command' '
	maildir one &&
	every_single >input &&
	session <input >actual &&
	[ "$(wc -l <actual)" = "$(wc -l <input)" ]
'

check 'P-12: a blank and text always follow +OK and -ERR' '
	maildir one &&
	{ every_single && printf "QUIT\r\n"; } | session >actual &&
	! grep -v -e "^+OK [^ ]" -e "^-ERR [^ ]" actual
'

check 'P-12: that is so in long answers too' '
	maildir one &&
	pop3 CAPA LIST UIDL "RETR 1" "TOP 1 0" >actual &&
	[ "$(grep -c "^+OK [^ ]" actual)" = 5 ]
'

check 'P-13: there is no "[" in a text of ours, and it is plain ASCII' '
	maildir one &&
	{ every_single && printf "QUIT\r\n"; } | session >actual &&
	! grep "\[" actual &&
	! grep "[^ -~]" actual
'

check 'P-13: nothing the client sent comes back' '
	maildir one &&
	pop3 "zebra" "STAT zebra" "RETR zebra" "RETR 1 zebra" "TOP 1 zebra" \
		"TOP zebra 1" "USER zebra" "LIST 777777" "RETR 777777" \
		"DELE 777777" "zebra [zebra] <zebra>" >actual &&
	[ "$(wc -l <actual)" = 11 ] &&
	! grep -i -e zebra -e 777777 actual
'

check 'P-76: a response code stands right behind -ERR and a blank' '
	maildir one two &&
	begin &&
	rm Maildir/new/1.host &&
	ask "RETR 1" >actual &&
	grep -q "^-ERR \[SYS/TEMP\] [^ []" actual &&
	[ "$(tr -cd "[" <actual | wc -c)" = 1 ]
'

check 'P-14: a long answer ends with a line of one dot' '
	maildir one two &&
	for command in CAPA LIST UIDL "RETR 1" "TOP 1 0"; do
		pop3 "$command" >actual &&
		[ "$(tail -n 1 actual)" = . ] &&
		[ "$(grep -cx "\." actual)" = 1 ] || exit 1
	done
'

check 'P-14: -ERR is never a long answer' '
	maildir one &&
	pop3 "RETR 9" "TOP 9 9" "LIST 9" "UIDL 9" "CAPA x" NOOP >actual &&
	[ "$(wc -l <actual)" = 6 ] && ! grep -x "\." actual
'

check 'P-15: numbers have no leading zeros and no signs' '
	maildir one two three four five six seven eight nine ten eleven &&
	pop3 STAT LIST "LIST 7" UIDL "UIDL 7" >actual &&
	! grep -e "^0" -e "^+OK 0" -e " 0[0-9]" -e " [+-][0-9]" actual
'

check 'P-70: CAPA says what there is, in this order' '
	maildir &&
	pop3 CAPA >actual &&
	sed 1d actual >lines &&
	cat >expect <<-\EOF &&
	TOP
	UIDL
	RESP-CODES
	AUTH-RESP-CODE
	PIPELINING
	IMPLEMENTATION maildir-pop3d
	.
	EOF
	diff -u expect lines
'

check 'P-68: CAPA begins with +OK, and its lines are tags and parameters' '
	maildir &&
	options=--expire=30 &&
	pop3 CAPA >actual &&
	head -n 1 actual | grep -q "^+OK [^ ]" &&
	! sed -e 1d -e "/^\.$/d" actual |
		grep -v "^[!--/-~][!--/-~]*\( [!-~][!-~]*\)*$"
'

check 'P-68: CAPA may be asked again, at any time' '
	maildir one &&
	pop3 CAPA "DELE 1" capa >actual &&
	[ "$(grep -cx PIPELINING actual)" = 2 ]
'

check 'P-72: EXPIRE with the days, between PIPELINING and IMPLEMENTATION' '
	maildir &&
	options=--expire=30 && pop3 CAPA >actual &&
	in_order "^PIPELINING$" "^EXPIRE 30$" "^IMPLEMENTATION" <actual
'

check 'P-72: EXPIRE NEVER, and EXPIRE 0' '
	maildir &&
	options=--expire=NEVER && pop3 CAPA | grep -qx "EXPIRE NEVER" &&
	options=--expire=0 && pop3 CAPA | grep -qx "EXPIRE 0"
'

check 'P-72, P-73, P-79: no EXPIRE, LOGIN-DELAY, APOP, STLS and no X tags' '
	maildir &&
	pop3 CAPA >actual &&
	! grep -i -e ^EXPIRE -e ^LOGIN-DELAY -e ^APOP -e ^STLS -e ^X actual
'

check 'P-73: every capability announced works' '
	maildir "Subject: one" &&
	pop3 "TOP 1 0" "UIDL 1" NOOP >actual &&
	[ "$(grep -c "^+OK " actual)" = 3 ]
'

check 'P-74: answers come in the order of the commands' '
	maildir one two three &&
	printf "%s\r\n" "LIST 3" "UIDL 2" "RETR 1" "DELE 1" STAT BAD \
		"LIST 1" RSET QUIT >input &&
	session <input >actual &&
	cat >expect <<-\EOF &&
	+OK 3 7
	+OK 2 2.host
	+OK message follows
	one
	.
	+OK message 1 deleted
	+OK 2 12
	-ERR unknown command
	-ERR no such message
	+OK nothing is deleted
	+OK bye
	EOF
	diff -u expect actual
'

check 'P-74: commands may come octet by octet' '
	maildir one &&
	begin &&
	for octet in S T A T "\r" "\n"; do printf "$octet" >&3; done &&
	hear >actual && grep -qx "+OK 1 5" actual &&
	for octet in Q U I T "\r" "\n"; do printf "$octet" >&3; done &&
	over
'

check 'P-74: 60,000 octets of commands are all answered, though nobody reads' '
	maildir one two &&
	py -c "print(\"LIST 1\\r\\nUIDL 2\\r\\nNOOP\\r\\n\" * 2727)" >input &&
	start &&
	head -c 59994 input >&3 &&
	exec 3>&- &&
	over >actual &&
	py - <<-\EOF
	text = open("actual").read().split("\n")[1:-1]
	assert len(text) == 2727 * 3, len(text)
	for i in range(0, len(text), 3):
	    assert text[i] == "+OK 1 5", (i, text[i])
	    assert text[i + 1] == "+OK 2 2.host", (i, text[i + 1])
	    assert text[i + 2][:4] == "+OK ", (i, text[i + 2])
	EOF
'

check 'P-75: who sends and does not read stops us, not our memory' '
	maildir one &&
	head -c 200000 /dev/zero | tr "\0" "x" | fold -w 70 |
		message new/2.long &&
	begin &&
	ask NOOP &&
	before=$(awk "/^RssAnon/ { print \$2 }" "/proc/$(pid)/status") &&
	py -c "print(\"RETR 2\\r\\n\" * 7000, end=\"\")" >input &&
	head -c 56000 input >&3 &&
	queued 4 -ge 60000 &&
	after=$(awk "/^RssAnon/ { print \$2 }" "/proc/$(pid)/status") &&
	echo "$before $after" &&
	[ $((after - before)) -le 256 ]
'

check 'P-16: answers to commands that are at hand go out together' '
	maildir &&
	py -c "print(\"NOOP\\r\\n\" * 300, end=\"\")" >input &&
	watch write &&
	session <input >actual &&
	[ "$(wc -l <actual)" = 300 ] &&
	[ "$(calls | grep -c "write(1,")" -le 4 ]
'

check 'P-16: an answer goes out before we wait for the next command' '
	maildir one &&
	begin &&
	ask STAT && ask NOOP && ask "LIST 1" && ask BAD && quit
'

check 'P-16: a command with the beginning of another is answered' '
	maildir one &&
	begin &&
	printf "STAT\r\nNO" >&3 &&
	hear | grep -qx "+OK 1 5" &&
	printf "OP\r\n" >&3 &&
	hear | grep -q "^+OK"
'

check 'P-16: answers go out before UPDATE' '
	maildir one &&
	watch write,unlinkat &&
	pop3 "DELE 1" QUIT &&
	calls | in_order "write(1,.*deleted" unlinkat "write(1, .+OK bye"
'

finish
