#!/bin/sh
# Sizes and RETR: octets as they are stored to octets on the wire.
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

# sent 'STORED' 'WIRE' [SIZE]: a message of these octets is listed with SIZE,
# and RETR sends it just so; LIST behind RETR says the same.  Both are for printf; SIZE is by default that of
# WIRE, which has no stuffed dots then.
sent()
{
	rm -rf Maildir
	# shellcheck disable=SC2059
	printf "$1" | message new/1.host &&
	pop3 LIST "RETR 1" QUIT >/dev/null &&
	{
		# shellcheck disable=SC2059
		size=${3:-$(printf "$2" | wc -c)}
		printf '+OK 1 messages\r\n1 %d\r\n.\r\n' "$size"
		printf '+OK %d octets\r\n' "$size"
		# shellcheck disable=SC2059
		printf "$2"
		printf '.\r\n+OK bye\r\n'
	} >expect &&
	sed 1d wire >octets && cmp expect octets &&
	! grep '^warning' log &&
	pop3 "RETR 1" "LIST 1" | tail -n 1 | grep -qx "+OK 1 $size" && return
	echo "stored '$1' came as:"
	cat -A octets
	return 1
}

check 'P-32: LF becomes CRLF' '
	sent "a\nb\n" "a\r\nb\r\n"
'

check 'P-32: CRLF stays CRLF' '
	sent "a\r\nb\r\n" "a\r\nb\r\n"
'

check 'P-32: LF and CRLF may be mixed' '
	sent "a\nb\r\nc\n\r\n\nd\r\n" "a\r\nb\r\nc\r\n\r\n\r\nd\r\n"
'

check 'P-30: a last line without an end gets one, and it is counted' '
	sent "a\nb" "a\r\nb\r\n" &&
	sent "a" "a\r\n" 3
'

check 'P-32: no blank line is added at the end' '
	sent "Subject: x\n\nbody\n" "Subject: x\r\n\r\nbody\r\n"
'

check 'P-32: an empty file is 0 octets' '
	sent "" "" 0
'

check 'P-32: a bare CR is data' '
	sent "a\rb\n" "a\rb\r\n" &&
	sent "\ra\n" "\ra\r\n" &&
	sent "a\r\r\nb\n" "a\r\r\nb\r\n"
'

check 'P-32: a CR at the end is data, and the end is added' '
	sent "a\r" "a\r\r\n" &&
	sent "\r" "\r\r\n"
'

check 'P-32: LF, CR and so on, in odd orders' '
	sent "\n" "\r\n" &&
	sent "\n\r" "\r\n\r\r\n" &&
	sent "\r\n\r" "\r\n\r\r\n" &&
	sent "\n\n\n" "\r\n\r\n\r\n" &&
	sent "\r\r\r\n" "\r\r\r\n"
'

check 'P-32: NUL passes unchanged' '
	sent "a\000b\n\000\n\000" "a\000b\r\n\000\r\n\000\r\n"
'

check 'P-32: octets of 8 bits and controls pass unchanged' '
	sent "\377\376\200\303\251\001\033[m\177\t\n" \
		"\377\376\200\303\251\001\033[m\177\t\r\n"
'

check 'P-33: a dot at the start of a message is doubled, and not counted' '
	sent ".a\n" "..a\r\n" 4 &&
	sent "." "..\r\n" 3
'

check 'P-33: a line of one dot is doubled, and so is every other in front' '
	sent "a\n.\nb\n..\n...c\n" "a\r\n..\r\nb\r\n...\r\n....c\r\n" 19
'

check 'P-33: a dot behind CRLF is doubled' '
	sent "a\r\n.\r\n.b\r\n" "a\r\n..\r\n..b\r\n" 10
'

check 'P-33: a dot behind a bare CR, or inside a line, is not' '
	sent "a\r.\nb.\n" "a\r.\r\nb.\r\n"
'

check 'P-33: a last line of a dot without an end' '
	sent "a\n." "a\r\n..\r\n" 6
'

# An independent account of what is right.
check 'P-30, P-32, P-33: 150 messages of random octets are right' '
	maildir &&
	cat >make <<-\EOF &&
	import os, random, re
	random.seed(1939)
	with open("expect", "wb") as expect:
	    lengths = [0, 1, 2, 3, 4095, 4096, 4097, 65535, 65536, 65537, 131072]
	    total = 0
	    sizes = b""
	    bodies = b""
	    for i in range(1, 151):
	        n = lengths[i] if i < len(lengths) else random.choice(
	            (random.randrange(40), random.randrange(70000)))
	        odds = random.choice((b".\r\n", b".\n", b"a.\r\n\0", b".\r\na",
	            b"\n", b"\r", b"abcdefghijklmnop.\r\n"))
	        stored = bytes(random.choices(odds, k=n))
	        if random.random() < .3:
	            stored = stored.replace(b"\r", b"")
	        with open("Maildir/new/%d.x" % i, "wb") as f:
	            f.write(stored)
	        lines = re.sub(b"\r?\n", b"\n", stored).split(b"\n")
	        if lines[-1] == b"":
	            lines.pop()
	        size = sum(len(l) + 2 for l in lines)
	        total += size
	        sizes += b"%d %d\r\n" % (i, size)
	        bodies += b"+OK %d octets\r\n" % size + b"".join(
	            (b"." if l[:1] == b"." else b"") + l + b"\r\n"
	            for l in lines) + b".\r\n"
	    expect.write(b"+OK 150 %d\r\n+OK 150 messages\r\n" % total + sizes +
	        b".\r\n" + bodies)
	EOF
	py make &&
	{ printf "STAT\r\nLIST\r\n" && seq -f "RETR %g$cr" 150; } >input &&
	session <input >/dev/null &&
	sed 1d wire | cmp - expect
'

check 'P-34: RETR needs a number, of a message that is there' '
	maildir one two &&
	pop3 "DELE 2" RETR "RETR 2" "RETR 3" "RETR x" "RETR 0" >actual &&
	[ "$(grep -c "^-ERR " actual)" = 5 ] && [ "$(wc -l <actual)" = 6 ]
'

check 'P-34: RETR may be repeated' '
	maildir one &&
	pop3 "RETR 1" "RETR 1" >actual &&
	[ "$(grep -cx one actual)" = 2 ]
'

check 'P-31: RETR names the size only if it is known' '
	maildir one &&
	pop3 "RETR 1" >actual &&
	! head -n 1 actual | grep "[1-46-9]" &&
	pop3 "LIST 1" "RETR 1" | grep -x "+OK 5 octets"
'

check 'P-31: ",W=" in a name is the size, where it can be true' '
	printf "a\nb\n" | message "new/1.host,S=4,W=6" &&
	printf "a\nb\n" | message "new/2.host,S=4,W=5:2,S" &&
	printf "a\nb\n" | message "cur/3.host,S=4,W=10:2,S" &&
	printf "a\nb\n" | message "cur/4.host,W=7,S=4:2,S" &&
	pop3 LIST | sed 1d >actual &&
	printf "1 6\n2 5\n3 10\n4 7\n.\n" | diff -u - actual
'

check 'P-31: ",W=" that cannot be true is ignored' '
	n=0 &&
	for field in "S=4,W=3" "S=4,W=11" "S=4,W=0" "S=4,W=" "S=4,W=x" \
		"S=4,W=6x" "S=4,W=-6" "S=4,W=99999999999999999999" "S=4,w=5" \
		"S=4,W =5" "W=3" "W=11" "S=4:2,W=5" "S=4,W=18446744073709551622"
	do
		n=$((n + 1)) && printf "a\nb\n" | message "cur/$n.host,$field"
	done &&
	pop3 LIST | sed 1d >actual &&
	{ seq -f "%g 6" $n && echo .; } | diff -u - actual
'

check 'P-31: without ",S=", the octets stored say whether ",W=" can be true' '
	printf "a\nb\n" | message "cur/1.host,W=5:2,S" &&
	printf "a\nb\n" | message "cur/2.host,W=10:2,S" &&
	printf "a\nb\n" | message "cur/3.host,S=x,W=7" &&
	pop3 LIST | sed 1d >actual &&
	printf "1 5\n2 10\n3 7\n.\n" | diff -u - actual
'

check 'P-31: ",W=" is only in the unique name' '
	printf "a\nb\n" | message "cur/1.W=5" &&
	printf "a\nb\n" | message "cur/W=5" &&
	pop3 LIST | sed 1d >actual &&
	printf "1 6\n2 6\n.\n" | diff -u - actual
'

check 'P-31: STAT, LIST and LIST with a number agree, in any order' '
	printf "a\nb" | message new/1.host && printf "a\n" | message new/2.host &&
	pop3 "LIST 2" STAT LIST "LIST 1" >actual &&
	in_order "^+OK 2 3$" "^+OK 2 9$" "^1 6$" "^2 3$" "^+OK 1 6$" <actual
'

check 'P-31: a size is fixed once it was said' '
	maildir one &&
	begin && ask "LIST 1" | grep -x "+OK 1 5" &&
	printf "more\n" >>Maildir/new/1.host &&
	ask "LIST 1" | grep -x "+OK 1 5" && ask STAT | grep -x "+OK 1 5"
'

check 'P-37: a file that grew is framed as usual, and logged' '
	maildir one two &&
	begin && ask LIST && rest >/dev/null &&
	printf ".more\n" >>Maildir/new/1.host &&
	ask "RETR 1" && rest >actual &&
	printf "one\n..more\n.\n" | diff -u - actual &&
	ask "RETR 2" && rest | grep -x two &&
	grep -c "^warning.*1\.host" log | grep -x 1
'

check 'P-37: a file that shrank is framed as usual, and logged' '
	maildir one two &&
	begin && ask LIST && rest >/dev/null &&
	printf "o" >Maildir/new/1.host &&
	ask "RETR 1" && rest >actual &&
	printf "o\n.\n" | diff -u - actual &&
	grep -q "^warning.*1\.host" log &&
	ask "RETR 2" && quit
'

check 'P-35: a read error before +OK is -ERR [SYS/TEMP]; the session goes on' '
	maildir one two && options=--no-size-cache &&
	watch read && pop3 "DELE 2" "RETR 1" >actual &&
	watch read -e inject=read:error=EIO:when=$(turn read "read(.*.one.n") &&
	pop3 "DELE 2" "RETR 1" "RETR 1" QUIT >actual &&
	in_order deleted "^-ERR \[SYS/TEMP\] " "^+OK" "^one$" "^\.$" \
		"^+OK bye" <actual &&
	left 1
'

check 'P-36: a read error after +OK: no dot, close, nothing removed' '
	maildir one && options=--no-size-cache &&
	head -c 200000 /dev/zero | tr "\0" x | message new/2.host &&
	watch read && pop3 "DELE 1" "RETR 2" >actual &&
	n=$(turn read "read(.*.xxxxx") &&
	watch read -e inject=read:error=EIO:when=$((n + 1)) &&
	printf "%s\r\n" "DELE 1" "RETR 2" NOOP QUIT | talk >wire &&
	grep -q "^+OK message follows" wire &&
	! grep -x "\.$cr" wire &&
	! grep -e nothing -e bye wire &&
	[ "$(tail -c 1 wire)" = x ] &&
	left 2
'

check 'P-29: a read error makes LIST and STAT -ERR [SYS/TEMP], this time' '
	maildir one && options=--no-size-cache &&
	watch read && pop3 LIST >actual && n=$(turn read "read(.*.one.n") &&
	watch read -e inject=read:error=EIO:when=$n..$((n + 1)) &&
	pop3 LIST STAT STAT QUIT >actual &&
	cut -c 1-15 actual >begins &&
	printf "%s\n" "-ERR [SYS/TEMP]" "-ERR [SYS/TEMP]" "+OK 1 5" "+OK bye" |
		diff -u - begins
'

# leased FILE: it is under the lease of somebody who gives it back when asked,
# as file servers do: by SIGIO, which ends him.
leased()
{
	mkfifo "$1.held" && {
		py -c '
import fcntl, os, signal, sys
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
signal.alarm(60)
print("held", flush=True)
signal.pause()' "$1" >"$1.held" &
	} && read -r answer <"$1.held" && [ "$answer" = held ] && rm "$1.held"
}

check 'P-35: a message under the lease of a file server is waited for' '
	maildir one two && own && leased Maildir/new/1.host &&
	leased Maildir/new/2.host &&
	pop3 STAT "RETR 1" "RETR 2" QUIT >actual && wait &&
	grep -x "+OK 2 10" actual && grep -x one actual && grep -x two actual
'

check 'P-149: so is the count of the quota' '
	maildir one two && printf "1000S\n8 2\n" >Maildir/maildirsize && own &&
	leased Maildir/maildirsize && pop3 "DELE 1" QUIT >actual && wait &&
	grep -qx -e "-4 -1" Maildir/maildirsize
'

finish
