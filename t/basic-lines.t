#!/bin/sh
# Command lines: their syntax, their length and their end (RFC 1939 section 3,
# RFC 2449 sections 3 and 4).
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

# octets N CHARACTER: so many of it.
octets()
{
	head -c "$1" /dev/zero | tr '\0' "$2"
}

# answers GOOD BAD: how many of the answers in actual are +OK and -ERR, and
# that there is no other line.
answers()
{
	good=$(grep -c '^+OK [^ ]' actual) || :
	bad=$(grep -c '^-ERR [^ ]' actual) || :
	[ "$good $bad" = "$1 $2" ] && [ "$(wc -l <actual)" = $(($1 + $2)) ] &&
		return
	echo "$good good and $bad bad, not $1 and $2:"
	head -n 20 actual
	return 1
}

check 'P-2: the case of a keyword does not matter' '
	maildir one &&
	pop3 stat Stat sTAT NOOP noop nOoP rset "dele 1" quit >actual &&
	answers 9 0 &&
	left 0
'

check 'P-2: the status is in upper case' '
	maildir &&
	pop3 noop perhaps quit >actual &&
	grep -q "^+OK " actual && grep -q "^-ERR " actual
'

check 'P-1: a keyword that only begins like one is unknown' '
	maildir one &&
	pop3 STA STATS QUI QUITS QUITQUIT TO TOPP NOO NOOPS DEL "DELET 1" \
		"LISTEN" "UIDLS 1" "RETRY 1" "RSETS" STAT.QUIT "DELE1" >actual &&
	answers 0 17
'

check 'P-3: a line of 255 octets works' '
	maildir one &&
	{
		printf "LIST " && octets 247 0 && printf "1\r\n" &&
		printf "QUIT\r\n"
	} >input && [ "$(head -n 1 input | wc -c)" = 255 ] &&
	session <input >actual &&
	grep -qx "+OK 1 5" actual
'

check 'P-4: a line of 512 octets with CRLF works' '
	maildir one &&
	{ printf "LIST " && octets 504 0 && printf "1\r\n"; } >input &&
	[ "$(wc -c <input)" = 512 ] &&
	session <input >actual &&
	[ "$(cat actual)" = "+OK 1 5" ]
'

check 'P-4: a line of 513 octets with CRLF fails' '
	maildir one &&
	{ printf "LIST " && octets 505 0 && printf "1\r\n"; } >input &&
	session <input >actual &&
	answers 0 1
'

check 'P-4: 512 octets that end in a bare LF work, 513 fail' '
	maildir one &&
	{ printf "LIST " && octets 505 0 && printf "1\n"; } >input &&
	{ printf "LIST " && octets 506 0 && printf "1\n"; } >>input &&
	session <input >actual &&
	answers 1 1
'

check 'P-7: blanks at the end count, up to 512 octets' '
	maildir one &&
	{ printf "NOOP" && octets 506 " " && printf "\r\n"; } >input &&
	{ printf "NOOP" && octets 507 " " && printf "\r\n"; } >>input &&
	session <input >actual &&
	answers 1 1
'

# Around the limit, and around what may be the size of a buffer.
check 'P-5: a line too long is one -ERR, and its tail is no command' '
	maildir one &&
	for n in 503 504 505 506 507 508 509 510 511 512 513 514 515 516 \
		1017 1018 1023 1024 1025 1536 2041 2048 4090 4096 4097 \
		8180 8181 8182 8183 8184 8185 8186 8187 8188 8189 8190 \
		8191 8192 8193 8697 8704 16384 65530 65536 65537; do
		octets $n x && printf "DELE 1\r\nNOOP\r\n"
	done >input &&
	session <input >actual &&
	grep -c "" actual &&
	answers 45 45 &&
	left 1
'

for n in 510 511 512 513 600 8191 8192 8193 20000; do
	check "P-5: a line that is read up to its octet $n, and then the rest" '
		maildir one && begin &&
		octets '$n' x >&3 && queued 3 -le 0 && tell "DELE 1" NOOP QUIT &&
		over >actual && cat actual &&
		sed 1q actual | grep "^-ERR" && answers 2 1 && left 1
	'
done

check 'P-5: a line of 1 MiB is one -ERR, and the next command works' '
	maildir one &&
	{ octets 1048576 x && printf "\r\nSTAT\r\n"; } | session >actual &&
	answers 1 1 &&
	grep -qx "+OK 1 5" actual
'

check 'P-5: 1 MiB without a line end is never answered, nor executed' '
	maildir one &&
	{ printf "DELE 1\r\n" && octets 1048576 x && printf "\r\r\rQUIT"; } |
		session >actual &&
	answers 1 0 &&
	left 1
'

check 'P-5: of a line too long no part is executed, whatever it begins with' '
	maildir one &&
	{ printf "DELE 1" && octets 600 " " && printf "\r\nQUIT\r\n"; } |
		session >actual &&
	answers 1 1 &&
	left 1
'

check 'P-6: a bare LF ends a line' '
	maildir one &&
	printf "STAT\nNOOP\nDELE 1\nQUIT\n" | session >actual &&
	answers 4 0 &&
	left 0
'

check 'P-6: CRLF and LF may be mixed' '
	maildir one &&
	printf "STAT\nNOOP\r\nDELE 1\nQUIT\r\n" | session >actual &&
	answers 4 0
'

check 'P-6: a CR that is not at the end is a syntax error' '
	maildir one &&
	printf "NOOP\r\r\nNO\rOP\r\nNOOP\rNOOP\r\n\rNOOP\r\n\r\r\nDELE\r1\n" |
		session >actual &&
	answers 0 6
'

check 'P-6: nor does a CR end a command behind its argument' '
	maildir one &&
	printf "LIST 1\r\r\nDELE 1\rQUIT\r\nLIST \r1\r\nQUIT \rx\r\n" |
		session >actual &&
	answers 0 4 &&
	left 1
'

check 'P-6: a CR alone ends nothing' '
	maildir one &&
	printf "DELE 1\r\nNOOP\rQUIT\rQUIT" | session >actual &&
	answers 1 0 &&
	left 1
'

check 'P-6: a NUL is a syntax error and cuts nothing short' '
	maildir one &&
	printf "DELE 1\0\r\nNOOP\0\r\nSTAT\0x\r\n\0\r\n\0NOOP\r\nNO\0OP\r\n" \
		>input &&
	printf "QUIT\0\r\nQUIT\0now\r\nSTAT\r\n" >>input &&
	session <input >actual &&
	answers 1 8 &&
	grep -qx "+OK 1 5" actual &&
	left 1
'

check 'P-6: every other control octet is a syntax error' '
	maildir one &&
	for octet in 001 002 003 004 005 006 007 010 011 013 014 016 017 020 \
		021 022 023 024 025 026 027 030 031 032 033 034 035 036 037 \
		177; do
		printf "NOOP\\$octet\r\nLIST \\${octet}1\r\nNOOP\r\n"
	done >input &&
	session <input >actual &&
	answers 30 60
'

check 'P-6: octets of 8 bits are no command and no argument' '
	maildir one &&
	printf "N\303\226OP\r\n\377\r\nLIST \200\r\nSTAT \351\r\n" |
		session >actual &&
	answers 0 4
'

check 'P-7: several blanks may separate, and blanks may follow' '
	maildir one &&
	pop3 "STAT " "STAT   " "LIST  1" "LIST 1 " "TOP   1   0  " >actual &&
	[ "$(grep -c "^+OK " actual)" = 5 ] && ! grep "^-ERR" actual
'

check 'P-7: a TAB separates nothing' '
	maildir one &&
	printf "LIST\t1\r\nSTAT\t\r\nRETR\t1\r\nDELE \t1\r\nTOP 1\t0\r\n" |
		session >actual &&
	answers 0 5
'

check 'P-7: a blank in front, an empty line and a line of blanks are errors' '
	maildir one &&
	pop3 " STAT" "" " " "   NOOP" "  QUIT" STAT >actual &&
	answers 1 5
'

check 'P-8: too many arguments are refused' '
	maildir one two &&
	pop3 "STAT x" "STAT 1" "QUIT now" "RETR 1 2" "CAPA x" "LIST 1 2" \
		"DELE 1 2" "NOOP x" "RSET 1" "UIDL 1 2" "TOP 1 2 3" STAT \
		>actual &&
	answers 1 11 &&
	grep -qx "+OK 2 10" actual &&
	left 2
'

check 'P-8: too few arguments are refused' '
	maildir one &&
	pop3 RETR DELE TOP "TOP 1" "RETR " "DELE  " "TOP 1 " >actual &&
	answers 0 7
'

check 'P-9: an unknown command is refused and the session goes on' '
	maildir one &&
	pop3 HELO XTND LAST RPOP "HELP" XYZZY "GET / HTTP/1.0" STAT QUIT \
		>actual &&
	answers 2 7
'

check 'P-10: the 25th bad command in a row is the last, without UPDATE' '
	maildir one &&
	{
		printf "DELE 1\r\n" &&
		i=0 && while [ $i -lt 25 ]; do
			i=$((i + 1)) && printf "BAD\r\n"
		done &&
		printf "NOOP\r\nQUIT\r\n"
	} >input &&
	session <input >actual &&
	answers 1 25 &&
	left 1
'

check 'P-10: 24 in a row are not too many, and a good one starts anew' '
	maildir one &&
	for round in 1 2 3; do
		i=0 && while [ $i -lt 24 ]; do
			i=$((i + 1)) && printf "BAD\r\n"
		done && printf "NOOP\r\n"
	done >input &&
	session <input >actual &&
	answers 3 72
'

check 'P-10: lines too long, wrong states and bad arguments count too' '
	maildir one &&
	for round in 1 2 3 4 5; do
		octets 600 x && printf "\r\nUSER x\r\n\r\nSTAT 1\r\nNO\0OP\r\n"
	done >input &&
	printf "NOOP\r\n" >>input &&
	session <input >actual &&
	answers 0 25
'

check 'P-10: an argument that is no number is bad syntax, and counts' '
	maildir one &&
	i=0 && while [ $i -lt 25 ]; do
		i=$((i + 1)) && printf "RETR one\r\n"
	done >input &&
	printf "NOOP\r\n" >>input &&
	session <input >actual &&
	answers 0 25
'

check 'P-10: an -ERR about a message does not count' '
	maildir one &&
	i=0 && while [ $i -lt 30 ]; do
		i=$((i + 1)) && printf "RETR 9\r\nDELE 9\r\nLIST 0\r\n"
	done >input &&
	printf "NOOP\r\n" >>input &&
	session <input >actual &&
	answers 1 90
'

check 'P-15: leading zeros are allowed' '
	maildir one &&
	pop3 "LIST 01" "LIST 0000000000000000000000000000000000000001" \
		"UIDL 001" "DELE 0001" >actual &&
	answers 4 0
'

check 'P-15: signs, fractions, hexadecimal and words are no numbers' '
	maildir one &&
	pop3 "LIST +1" "LIST -1" "LIST 1.0" "LIST 0x1" "LIST one" "LIST 1a" \
		"LIST 1," "RETR -1" "DELE +1" "UIDL *" "TOP 1 +0" "TOP 1 -1" \
		"TOP +1 0" "TOP 1 x" "TOP x 1" >actual &&
	answers 0 15
'

check 'P-15: 0 and what is above the count are no messages' '
	maildir one &&
	pop3 "LIST 0" "LIST 00" "LIST 2" "RETR 0" "DELE 0" "UIDL 0" "TOP 0 0" \
		"RETR 2" "DELE 2" "UIDL 2" "TOP 2 0" >actual &&
	answers 0 11
'

check 'P-15: no number wraps: beyond 16, 32 and 64 bits' '
	maildir one &&
	for n in 257 65537 2147483649 4294967297 9223372036854775809 \
		18446744073709551615 18446744073709551616 \
		18446744073709551617 36893488147419103233 \
		340282366920938463463374607431768211457 \
		99999999999999999999999999999999999999999999999999; do
		printf "LIST $n\r\nRETR $n\r\nDELE $n\r\n"
	done >input &&
	session <input >actual &&
	answers 0 33 &&
	left 1
'

check 'P-26: a QUIT without its line end is no command' '
	maildir one &&
	printf "DELE 1\r\nQUIT" | session >actual &&
	answers 1 0 &&
	left 1
'

check 'P-26: a QUIT with CR but without LF is no command' '
	maildir one &&
	printf "DELE 1\r\nQUIT\r" | session >actual &&
	answers 1 0 &&
	left 1
'

finish
