#!/bin/sh
# TOP: the header, and so many lines of the body (RFC 1939 section 7).
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

# top LINES 'STORED' 'WIRE': TOP 1 LINES of these octets sends just so.
top()
{
	rm -rf Maildir
	# shellcheck disable=SC2059
	printf "$2" | message new/1.host &&
	pop3 "TOP 1 $1" >/dev/null &&
	{
		printf '+OK top of message follows\r\n'
		# shellcheck disable=SC2059
		printf "$3"
		printf '.\r\n'
	} >expect &&
	sed 1d wire >octets && cmp expect octets && return
	echo "TOP 1 $1 of '$2' came as:"
	cat -A octets
	return 1
}

check 'P-38: the header, the blank line, and so many lines' '
	top 1 "S: x\n\na\nb\nc\n" "S: x\r\n\r\na\r\n" &&
	top 2 "S: x\n\na\nb\nc\n" "S: x\r\n\r\na\r\nb\r\n"
'

check 'P-38: no lines: header and blank line' '
	top 0 "S: x\nT: y\n\na\nb\n" "S: x\r\nT: y\r\n\r\n"
'

check 'P-38: more lines than there are: all of it' '
	top 2 "S: x\n\na\nb\n" "S: x\r\n\r\na\r\nb\r\n" &&
	top 3 "S: x\n\na\nb\n" "S: x\r\n\r\na\r\nb\r\n" &&
	top 1000000 "S: x\n\na\nb\n" "S: x\r\n\r\na\r\nb\r\n"
'

check 'P-38: numbers beyond 32, 63 and 64 bits saturate' '
	for n in 4294967296 4294967297 9223372036854775808 \
		18446744073709551616 18446744073709551617 \
		99999999999999999999999999999999; do
		top $n "S: x\n\na\nb\nc\n" "S: x\r\n\r\na\r\nb\r\nc\r\n" ||
			exit 1
	done
'

check 'P-38: both arguments are required' '
	maildir one &&
	pop3 TOP "TOP 1" "TOP 1 " "TOP 1 x" "TOP 1 -1" "TOP 1 1 1" >actual &&
	[ "$(grep -c "^-ERR " actual)" = 6 ]
'

check 'P-38: no such message' '
	maildir one two &&
	pop3 "DELE 2" "TOP 2 0" "TOP 3 0" "TOP 0 0" >actual &&
	[ "$(grep -c "^-ERR " actual)" = 3 ]
'

check 'P-38: dots are stuffed, in the header and in the body' '
	top 3 ".S: x\n..T\n\n.\n..\na.\n.z\n" \
		"..S: x\r\n...T\r\n\r\n..\r\n...\r\na.\r\n"
'

check 'P-40: lines that end in CRLF' '
	top 1 "S: x\r\n\r\na\r\nb\r\n" "S: x\r\n\r\na\r\n" &&
	top 0 "S: x\r\n\r\na\r\n" "S: x\r\n\r\n"
'

check 'P-40: a header in CRLF and its end in LF, and the other way round' '
	top 1 "S: x\r\n\na\nb\n" "S: x\r\n\r\na\r\n" &&
	top 1 "S: x\n\r\na\nb\n" "S: x\r\n\r\na\r\n"
'

check 'P-40: an empty first line: there is no header' '
	top 0 "\na\nb\n" "\r\n" &&
	top 1 "\na\nb\n" "\r\na\r\n" &&
	top 1 "\r\na\nb\n" "\r\na\r\n"
'

check 'P-40: the first empty line is the end, not a later one' '
	top 2 "S: x\n\na\n\nb\n" "S: x\r\n\r\na\r\n\r\n" &&
	top 1 "S: x\n\n\n\nb\n" "S: x\r\n\r\n\r\n"
'

check 'P-40: a line of a bare CR, of blanks or of a NUL is not empty' '
	top 0 "S: x\n\r\r\nT: y\n\na\n" "S: x\r\n\r\r\nT: y\r\n\r\n" &&
	top 0 "S: x\n\rT\n\na\n" "S: x\r\n\rT\r\n\r\n" &&
	top 0 "S: x\n \t\nT: y\n\na\n" "S: x\r\n \t\r\nT: y\r\n\r\n" &&
	top 0 "S: x\n\000\nT: y\n\na\n" "S: x\r\n\000\r\nT: y\r\n\r\n"
'

check 'P-40: a last line without LF is a line' '
	top 1 "S: x\n\na" "S: x\r\n\r\na\r\n" &&
	top 2 "S: x\n\na\nb" "S: x\r\n\r\na\r\nb\r\n" &&
	top 1 "S: x\n\na\nb" "S: x\r\n\r\na\r\n"
'

check 'P-39: a message without a blank line behind its header gets one' '
	top 0 "S: x\nT: y\n" "S: x\r\nT: y\r\n\r\n" &&
	top 5 "S: x\nT: y\n" "S: x\r\nT: y\r\n\r\n" &&
	top 5 "S: x\r\n" "S: x\r\n\r\n"
'

check 'P-39: so it does if the last line has no end' '
	top 0 "S: x" "S: x\r\n\r\n" &&
	top 0 "S: x\r" "S: x\r\r\n\r\n" &&
	top 0 "S: x\n." "S: x\r\n..\r\n\r\n"
'

check 'P-39: TOP of an empty file is a blank line' '
	top 0 "" "\r\n" &&
	top 9 "" "\r\n"
'

check 'P-39: RETR adds no blank line' '
	printf "S: x\nT: y\n" | message new/1.host &&
	pop3 "RETR 1" | sed 1d >actual &&
	printf "S: x\nT: y\n.\n" | diff -u - actual
'

check 'P-38: lines longer than any buffer' '
	maildir &&
	py - <<-\EOF &&
	h = b"S: " + b"x" * 70000
	lines = [bytes([65 + i]) * (60000 + 1999 * i) for i in range(5)]
	open("Maildir/new/1.x", "wb").write(b"\n".join([h, b""] + lines))
	w = [h, b""] + lines
	open("expect", "wb").write(b"\r\n".join(w[:2]) + b"\r\n.\r\n" +
	    b"\r\n".join(w[:4]) + b"\r\n.\r\n" + b"\r\n".join(w) + b"\r\n.\r\n")
	EOF
	pop3 "TOP 1 0" "TOP 1 2" "TOP 1 5" >/dev/null &&
	grep -av "^+OK" wire | cmp - expect
'

check 'P-38: the end of the header at every place around a read' '
	maildir &&
	py - <<-\EOF &&
	n = 0
	with open("expect", "wb") as expect, open("input", "wb") as commands:
	    for end in (b"\n", b"\r\n"):
	        for at in list(range(4085, 4104)) + list(range(65525, 65545)):
	            n += 1
	            head = b"x" * at
	            with open("Maildir/new/%d.x" % n, "wb") as f:
	                f.write(head + end + end + b"a" + end + b"b" + end)
	            expect.write(head + b"\r\n\r\na\r\n.\r\n")
	            commands.write(b"TOP %d 1\r\n" % n)
	EOF
	session <input >/dev/null &&
	grep -av "^+OK" wire | cmp - expect
'

check 'P-38: TOP reads no more than it sends, and a little' '
	printf "S: x\n\nbody\n" | message new/1.host &&
	truncate -s 50M Maildir/new/1.host &&
	watch openat,read,close &&
	pop3 "TOP 1 1" >/dev/null &&
	calls | sed -n "/openat(.*1\.host/,/^close/p" >lines && cat lines &&
	n=$(grep -c "^read(" lines) && [ "$n" -ge 1 ] && [ "$n" -le 2 ]
'

check 'P-54: TOP is no reason to flag a message as seen' '
	maildir "S: x" &&
	pop3 "TOP 1 99" QUIT && [ -e Maildir/new/1.host ]
'

finish
