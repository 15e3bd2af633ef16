#!/bin/sh
# The greeting, the states and the ways a session ends or cannot begin.
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

check 'P-17: the server speaks first, without being spoken to' '
	maildir one &&
	begin &&
	quit
'

check 'P-17: the greeting is +OK and text, with no timestamp for APOP' '
	maildir &&
	printf "QUIT\r\n" | talk >wire &&
	head -n 1 wire >greeting &&
	grep -q "^+OK [^ ].*$cr\$" greeting &&
	! grep -q "[<>[]" greeting
'

check 'P-17: there is no version number in the greeting' '
	maildir &&
	printf "QUIT\r\n" | talk | head -n 1 >greeting &&
	version=$("$pop3d" --version | sed "s/.* //;q") &&
	[ -n "$version" ] &&
	! grep -qF -e "$version" greeting
'

check 'P-20: there is no greeting before new/ and cur/ have been read' '
	maildir one &&
	watch openat,getdents64,write &&
	pop3 QUIT >actual &&
	calls | in_order "\"new\"" "\"cur\"" "getdents64" "getdents64" \
		"write(1, .+OK" "write(1, .+OK bye" &&
	calls | sed "/write(1/,\$d" | in_order "\"cur\"" getdents64
'

check 'P-18: no Maildir: -ERR [SYS/TEMP] for a greeting, then close' '
	refused 111 "[SYS/TEMP] "
'

check 'P-18: a wrong option: -ERR [SYS/PERM] for a greeting, then close' '
	maildir one &&
	options=--delete=perhaps &&
	refused 100 "[SYS/PERM] "
'

check 'P-13: a refusal tells the client no path and no error text' '
	where=no/such/maildir &&
	refused 111 "[SYS/TEMP] " &&
	sed "s,SYS/TEMP,," wire >text &&
	! grep -qi -e such -e directory -e / text
'

check 'P-19: --preauth means TRANSACTION from the first command on' '
	maildir one &&
	pop3 STAT QUIT >actual &&
	cat >expect <<-\EOF &&
	+OK 1 5
	+OK bye
	EOF
	diff -u expect actual
'

check 'P-19: commands of AUTHORIZATION are refused in TRANSACTION' '
	maildir one &&
	pop3 "USER one" "PASS two" "APOP one 0123456789abcdef0123456789abcdef" \
		"AUTH PLAIN" AUTH STLS UTF8 LANG "LANG *" QUIT >actual &&
	[ "$(grep -c "^-ERR " actual)" = 9 ] &&
	[ "$(grep -c "^+OK " actual)" = 1 ] &&
	[ "$(wc -l <actual)" = 10 ]
'

check 'P-77: [AUTH] is on no answer after login' '
	maildir one &&
	pop3 "USER one" "PASS two" "AUTH PLAIN" "RETR 9" QUIT >actual &&
	! grep -q "AUTH\]" actual
'

check 'P-19: in UPDATE nothing more is read' '
	maildir one two &&
	pop3 "DELE 1" QUIT "DELE 2" STAT QUIT >actual &&
	cat >expect <<-\EOF &&
	+OK message 1 deleted
	+OK bye
	EOF
	diff -u expect actual &&
	left 1
'

check 'P-51: the server closes after QUIT, though the client does not' '
	maildir one &&
	begin &&
	ask QUIT &&
	! hear &&
	wait "$server"
'

check 'P-120: a session that ends by QUIT exits 0' '
	maildir one &&
	printf "QUIT\r\n" | talk >wire
'

check 'P-120: a session that ends without QUIT exits 0' '
	maildir one &&
	printf "STAT\r\n" | talk >wire
'

check 'P-120: a session whose client never said a word exits 0' '
	maildir one &&
	talk </dev/null >wire
'

finish
