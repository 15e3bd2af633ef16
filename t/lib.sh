# shellcheck shell=sh
# lib.sh - what the test scripts share: ". "$T/lib.sh"", checks, then finish.
#
# POP3D is the program, by its absolute path; T is this folder.  Everything
# happens in a folder of our own, which is removed in the end.  The program
# does not serve root: then it runs, as a copy it can reach, as a user that
# nobody is, and owns the Maildirs.
#
# A check is a sentence, with its rule in front, and shell code that must
# succeed.  The code runs in an empty folder of its own, under set -e, with
# nothing on descriptors 3 to 9, which the session helpers use.

: "${POP3D:?the program to test, by its absolute path}"
: "${T:?the folder with the tests}"
case $POP3D in
/*)	;;
*)	echo 'Bail out! POP3D must be an absolute path'; exit 1 ;;
esac

LC_ALL=C
export LC_ALL
unset CDPATH TCPREMOTEIP TCPREMOTEPORT PROTO
umask 022

cr=$(printf '\r')
number=0
failures=0
as=			# what makes the program another user's
trace=			# strace and its options, for a check that wants it
options=		# of the program, for a check that wants some
where=Maildir		# its argument
pop3d=
tracer=strace
traced_as=

work=$(mktemp -d "${TMPDIR:-/tmp}/maildir-pop3d.XXXXXX") || exit 1
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

clean_up()
{
	cd /
	chmod -R u+rwx "$work" 2>/dev/null	# some check took it away
	rm -rf "$work"
}

chmod 755 "$work"
work=$(cd "$work" && pwd -P) && cd "$work" || exit 1
mkdir bin && cp "$POP3D" bin/maildir-pop3d && chmod 755 bin/maildir-pop3d ||
	exit 1
pop3d=$work/bin/maildir-pop3d
# strace must be allowed to look into a process that keeps others out (S-6):
# as root it is, as anybody else in a user namespace of its own.
if [ "$(id -u)" = 0 ]; then
	as='setpriv --reuid=7777 --regid=7777 --clear-groups'
	traced_as=$as
else
	tracer='unshare --user --map-current-user --keep-caps strace'
	traced_as='setpriv --ambient-caps=-all --inh-caps=-all'
fi
$tracer -o /dev/null true 2>/dev/null || tracer=
# Found once: a wrapper in PATH may be slow.
python=$(python3 -c 'import sys; print(sys.executable)') || exit 1
if ! $as "$pop3d" --version >/dev/null; then
	echo "Bail out! cannot run $pop3d ($as)"
	exit 1
fi

# --- checks ------------------------------------------------------------

# check 'sentence' 'code'
check()
{
	case $tracer$2 in
	*strace*) ;;
	*'watch '*|*'ages '*)
		skip "$1" 'no strace, or it may not trace'
		return
		;;
	esac
	number=$((number + 1))
	mkdir "$work/$number"
	(
		set -e
		cd "$work/$number"
		trap leave EXIT
		eval "$2"
	) </dev/null >"$work/output" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
	status=$?		# not in an if: there, set -e has no effect
	if [ $status = 0 ]; then
		printf 'ok %s - %s\n' "$number" "$1"
	else
		printf 'not ok %s - %s\n' "$number" "$1"
		failures=$((failures + 1))
		head -n 60 "$work/output" | cat -v | sed 's/^/# /'
		sed -n '1,10s/^/# log: /p' "$work/$number/log" 2>/dev/null |
			cat -v
	fi
	chmod -R u+rwx "$work/$number" 2>/dev/null
	rm -rf "${work:?}/$number"
}

# skip 'sentence' 'why': only for what this machine cannot do.
skip()
{
	number=$((number + 1))
	printf 'ok %s - %s # SKIP %s\n' "$number" "$1" "$2"
}

# The plan; the last line of every script.
finish()
{
	echo "1..$number"
	[ "$failures" = 0 ]
	exit
}

# Ends a check: whatever still runs sees its client leave.
leave()
{
	exec 3>&- 4<&- 5>&- 6<&-
	wait
}

# --- Maildirs ----------------------------------------------------------

# maildir TEXT...: makes Maildir, with a message in new/ of each TEXT and LF:
# 1.host, 2.host and so on.
maildir()
{
	mkdir -p Maildir/tmp Maildir/new Maildir/cur
	made=0
	for text; do
		made=$((made + 1))
		printf '%s\n' "$text" >"Maildir/new/$made.host"
	done
}

# message PATH: makes a message of standard input; PATH is below Maildir.
message()
{
	[ -d Maildir/tmp ] || maildir
	cat >"Maildir/$1"
}

# As root, gives what the check made to the user who is served; what is his
# is left alone, with its ctime.
own()
{
	[ "$(id -u)" != 0 ] ||
		find . ! -user 7777 -exec chown -h 7777:7777 {} +
}

# left N: so many messages are in new/ and cur/.
left()
{
	found=$(find Maildir/new Maildir/cur -type f -printf x | wc -c)
	[ "$found" = "$1" ] && return
	echo "left: $found messages, not $1:"
	ls Maildir/new Maildir/cur
	return 1
}

# tree [PATH...]: every file with kind, size, inode and times, to be compared;
# but not the cache of sizes, which is no mail, nor the folders it is made in.
tree()
{
	find "${@:-Maildir}" ! -name maildir-pop3d.sizes \
		! -path Maildir ! -path Maildir/tmp \
		-printf '%P %y %m %s %i %T@ %l\n' | sort
}

# --- sessions ----------------------------------------------------------

# The program, on the descriptors we have, with $options and $where.
serve()
{
	own
	# shellcheck disable=SC2086 # they are words
	timeout -k 5 100 $trace $as "$pop3d" --preauth $options "$where" \
		3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
}

# Input to output through pipes; the log goes to the file log.  The status is
# the program's.
talk()
{
	{ serve 2>>log; echo $? >code; } | cat
	return "$(cat code)"
}

# good_lines FILE: every line of FILE ends in CRLF, the last one too.
good_lines()
{
	if grep -anv "$cr\$" "$1" || [ -n "$(tail -c 1 "$1")" ]; then
		echo "$1: a line that does not end in CRLF"
		return 1
	fi
}

# good_greeting: P-17.  The line is on standard input.
good_greeting()
{
	IFS= read -r greeting
	greeting=${greeting%"$cr"}
	case $greeting in
	*'<'*|*'['*) ;;
	'+OK '[!\ ]*) [ ${#greeting} -le 510 ] && return ;;
	esac
	echo "not a greeting: $greeting"
	return 1
}

# pop3 COMMAND...: a session; prints the answers, without the greeting and
# without CR at the ends of lines.  What came is in the file wire.
pop3()
{
	if [ $# -gt 0 ]; then
		printf '%s\r\n' "$@" | session
	else
		session </dev/null
	fi
}

# The same with the octets of standard input.
session()
{
	talk >wire || {
		echo "exit code $?" >&2
		return 1
	}
	good_lines wire >&2 && good_greeting <wire >&2 || return 1
	sed -e 1d -e "s/$cr\$//" wire
}

# refused CODE TEXT: no session can be had; there is one line instead, "-ERR",
# TEXT and more, and the exit code is CODE.
refused()
{
	code=0
	printf 'QUIT\r\n' | talk >wire || code=$?
	good_lines wire || return 1
	cat wire
	echo "exit code $code"
	[ "$code" = "$1" ] && [ "$(wc -l <wire)" = 1 ] || return 1
	case $(cat wire) in
	"-ERR $2"*) ;;
	*) return 1 ;;
	esac
}

# --- sessions step by step ---------------------------------------------

# begin: starts a session on two FIFOs and reads the greeting.
begin()
{
	start
	hear | good_greeting
}

# The same without waiting for anything.
start()
{
	mkfifo to from
	(
		exec 3>&- 4>&- 5>&- 6>&-
		serve 2>>log
	) <to >from &
	server=$!
	exec 3>to 4<from
}

# start_other: a second one beside it, on descriptors 5 and 6.
start_other()
{
	mkfifo to2 from2
	(
		exec 3>&- 4>&- 5>&- 6>&-
		serve 2>>log2
	) <to2 >from2 &
	exec 5>to2 6<from2
}

# One line of standard input, with CRLF; printed without the CR.
line()
{
	IFS= read -r heard || return 1
	case $heard in
	*"$cr")	printf '%s\n' "${heard%"$cr"}" ;;
	*)	echo "no CRLF: $heard"; return 1 ;;
	esac
}

# hear: one line of an answer.  tell COMMAND: sends it.  ask: both.
hear()
{
	line <&4
}

tell()
{
	printf '%s\r\n' "$@" >&3
}

ask()
{
	tell "$1"
	hear
}

# rest: the lines of a long answer after the first, and the dot.
rest()
{
	case $heard in
	-ERR*) return 1 ;;
	esac
	sed -u "/^\.$cr\$/q" <&4 >rest.wire
	good_lines rest.wire && sed "s/$cr\$//" rest.wire &&
	[ "$(tail -n 1 rest.wire)" = ".$cr" ]
}

# over: we close, read what still comes and wait for the end.  Its status is
# the program's.
over()
{
	exec 3>&-
	sed "s/$cr\$//" <&4
	exec 4<&-
	wait "$server"
}

# quit: QUIT, its answer, and nothing behind it.
quit()
{
	tell QUIT
	over
}

# pid: of the program, once it has logged that the session began.
pid()
{
	sed -n 's/^login .* pid=\([0-9]*\) .*/\1/p' log
}

# --- system calls ------------------------------------------------------

# watch NAMES [OPTION...]: has strace watch these calls in what is started
# next.  calls: prints them, one a line, without those of what led to the
# program, where no -P left them out.
watch()
{
	watched=execve,$1
	shift
	trace="$tracer -o $PWD/trace -e trace=$watched $*"
	as=$traced_as
}

calls()
{
	if grep -q '^execve' trace; then
		sed '0,/^execve(.*maildir-pop3d"/d' trace
	else
		cat trace
	fi
}

# turn CALL RE: which CALL, as strace counts them for "when=", is the first
# from the line on that matches RE.  For a second run, in which it shall fail.
turn()
{
	sed "/$2/,\$d" trace >before
	cmp -s before trace && echo "turn: no line for $2" >&2 && return 1
	echo $((1 + $(grep -c "^$1(" before || :)))
}

# in_order RE...: among the lines of standard input is one for each RE, in
# this order.
in_order()
{
	cat >order
	for re; do
		if ! grep -n -m 1 -e "$re" order >found; then
			echo "in_order: no line for $re, or not behind the others"
			return 1
		fi
		sed "1,$(cut -d: -f1 found)d" order >order.rest
		mv order.rest order
	done
}

# --- Python ------------------------------------------------------------

py()
{
	"$python" "$@"
}

# queued FD TEST N: waits until as many octets as "-ge N" or "-le N" says lie
# in the pipe on descriptor FD, whichever end of it that is.
queued()
{
	py -c '
import fcntl, struct, sys, termios, time
fd, test, limit = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
end = time.monotonic() + 30
while True:
    n = struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"0000"))[0]
    if n >= limit if test == "-ge" else n <= limit:
        break
    if time.monotonic() > end:
        sys.exit("queued: %d octets" % n)
    time.sleep(0.002)
' "$@"
}
