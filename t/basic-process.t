#!/bin/sh
# What a launcher leaves us: descriptors, environment, signals; and how much
# memory a session takes (S-10 to S-13).
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

# kilobytes KEY: of the program, as the kernel counts them.
kilobytes()
{
	awk -v key="$1:" '$1 == key { print $2 }' "/proc/$(pid)/status"
}

check 'S-12: with 20 descriptors left open, none stays open' '
	maildir one && own &&
	cat >start <<-\EOF &&
	import os, subprocess, sys
	r, w = os.pipe()
	for fd in range(20, 40):
	    os.dup2(w, fd)		# they can be inherited
	p = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE,
	    stdout=subprocess.PIPE, close_fds=False)
	for fd in range(20, 40):
	    os.close(fd)
	os.close(w)
	assert p.stdout.readline()[:4] == b"+OK "
	assert os.read(r, 1) == b""		# all others have closed it
	p.stdin.write(b"STAT\r\nQUIT\r\n")
	p.stdin.flush()
	assert p.stdout.read() == b"+OK 1 5\r\n+OK bye\r\n"
	assert p.wait() == 0
	EOF
	timeout 60 "$python" start $as "$pop3d" --preauth
'

check 'S-12: with 500 descriptors left open, a session is served' '
	maildir one && own &&
	cat >start <<-\EOF &&
	import os, resource, sys
	hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
	resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 600), hard))
	fd = os.open("/dev/null", os.O_RDWR)
	for n in range(10, 510):
	    os.dup2(fd, n)
	os.execvp(sys.argv[1], sys.argv[1:])
	EOF
	printf "STAT\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n" |
		timeout 60 "$python" start $as "$pop3d" --preauth >wire &&
	grep -q "^+OK bye$cr\$" wire &&
	left 0
'

check 'S-12: without descriptor 2 a session is served' '
	maildir one && own &&
	printf "STAT\r\nDELE 1\r\nQUIT\r\n" |
		$as "$pop3d" --preauth 2>&- >wire &&
	grep -q "^+OK bye$cr\$" wire &&
	[ "$(wc -l <wire)" = 4 ] &&
	left 0
'

check 'S-12: without descriptor 0 or 1 there is no session, exit code 100' '
	maildir one && own &&
	code=0 && { $as "$pop3d" --preauth <&- >wire 2>log || code=$?; } &&
	echo $code && [ $code = 100 ] &&
	code=0 && { $as "$pop3d" --preauth >&- 2>log || code=$?; } &&
	echo $code && [ $code = 100 ]
'

check 'S-13: with an empty environment a session is served' '
	maildir one && own &&
	printf "STAT\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n" |
		env -i $as "$pop3d" --preauth >wire 2>log ||
	printf "STAT\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n" |
		$as env -i "$pop3d" --preauth >wire 2>log &&
	grep -q "^+OK 1 5$cr\$" wire && grep -q "^+OK bye$cr\$" wire &&
	left 0
'

check 'S-13: no variable changes what is served, or how' '
	maildir one && own &&
	printf "STAT\r\nDELE 1\r\nQUIT\r\n" | $as env MAILDIR=/etc HOME=/ \
		IFS=D PATH=. POSIXLY_CORRECT=1 LC_ALL=tr_TR.UTF-8 TZ=../../x \
		MALLOC_CHECK_=3 MALLOC_PERTURB_=165 GETOPT=--keep-new \
		LONG="$(head -c 100000 /dev/zero | tr "\0" x)" \
		"$pop3d" --preauth >wire 2>log &&
	grep -q "^+OK 1 5$cr\$" wire && grep -q "^+OK bye$cr\$" wire &&
	left 0
'

check 'S-11: inherited signal masks and dispositions do not matter' '
	maildir one && own &&
	cat >start <<-\EOF &&
	import os, signal, sys
	for sig in range(1, 32):
	    if sig not in (signal.SIGKILL, signal.SIGSTOP):
	        signal.signal(sig, signal.SIG_IGN)
	signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
	os.execvp(sys.argv[1], sys.argv[1:])
	EOF
	mkfifo to from &&
	{ timeout 60 "$python" start $as "$pop3d" --preauth <to >from 2>log & } &&
	server=$! &&
	exec 3>to 4<from &&
	hear && ask "DELE 1" &&
	kill -TERM "$(pid)" &&
	! hear && wait "$server" &&
	grep -q end=signal log && left 1
'

for signal in TERM HUP INT; do
	check "P-26: SIG$signal ends a session, and nothing is removed" '
		maildir one &&
		begin && ask "DELE 1" &&
		kill -'$signal' "$(pid)" &&
		! hear &&
		wait "$server" &&
		left 1
	'
done

check 'P-26: SIGKILL removes nothing' '
	maildir one &&
	begin && ask "DELE 1" &&
	kill -KILL "$(pid)" &&
	! hear &&
	left 1
'

check 'P-26: a client that does not read any more ends the session' '
	maildir one two && head -c 300000 /dev/zero | message new/3.large &&
	begin && ask "DELE 1" &&
	exec 4<&- &&
	tell "RETR 3" QUIT &&
	wait "$server" &&
	left 3
'

check 'S-11: SIGPIPE kills nothing: the session ends in order, with its line' '
	maildir one &&
	begin && exec 4<&- && tell NOOP &&
	wait "$server" &&
	grep -q "^session .*end=disconnect" log
'

check 'S-11: a limit of file sizes costs log and cache, and no answer' '
	maildir one two && as="prlimit --fsize=0 $as" &&
	pop3 STAT "DELE 1" QUIT >actual &&
	printf "+OK 2 10\n+OK message 1 deleted\n+OK bye\n" |
		diff -u - actual &&
	left 1 && [ ! -s log ] && [ ! -e Maildir/maildir-pop3d.sizes ] &&
	[ -z "$(ls Maildir/tmp)" ]
'

# Names of 40 octets; the list is made, sized and printed.  Directories whose
# time is soon to come are read again (P-142), which must not cost memory.
for when in yesterday +30minutes; do
	check "S-10: name and 64 octets a message; new/ changed $when" '
		maildir &&
		for what in empty full; do
			touch -d '$when' Maildir/new Maildir/cur &&
			begin && ask STAT && ask LIST && rest >/dev/null &&
			ask UIDL && rest >/dev/null && ask STAT &&
			kilobytes RssAnon >$what && quit && rm to from log &&
			py - <<-\EOF
			for i in range(20000):
			    name = "Maildir/cur/%010d.%s:2,S" % (i, "x" * 25)
			    open(name, "w").close()
			EOF
		done &&
		cat empty full &&
		[ $((($(cat full) - $(cat empty)) * 1024)) -le \
			$((20000 * (40 + 64))) ]
	'
done

check 'S-10: RETR of 100 MiB needs no more memory than RETR of 1 KiB' '
	maildir &&
	head -c 1024 /dev/zero | tr "\0" x | message new/1.host &&
	truncate -s 100M Maildir/new/2.host &&
	begin && ask "RETR 1" && rest >/dev/null && ask NOOP &&
	kilobytes VmHWM >small &&
	tell "RETR 2" NOOP && { grep -am 1 "^+OK nothing" >/dev/null; } <&4 &&
	kilobytes VmHWM >large &&
	cat small large &&
	[ $(($(cat large) - $(cat small))) -le 256 ]
'

check 'S-10: a line of 100 MiB takes no memory' '
	maildir &&
	begin && ask NOOP && kilobytes VmHWM >small &&
	head -c 104857600 /dev/zero >&3 && printf "\r\n" >&3 &&
	hear | grep "^-ERR" && ask NOOP &&
	kilobytes VmHWM >large &&
	cat small large &&
	[ $(($(cat large) - $(cat small))) -le 256 ]
'

check 'S-10: 500,000 header lines take no memory, and TOP finds their end' '
	maildir &&
	{ yes "X-Header: y" | head -n 500000 && printf "\nbody\n"; } |
		message new/1.host &&
	begin && ask NOOP && kilobytes VmHWM >small &&
	tell "TOP 1 0" &&
	{ sed "/^\.$cr\$/q" >top; } <&4 &&
	kilobytes VmHWM >large &&
	cat small large &&
	[ "$(wc -l <top)" = 500003 ] &&
	[ $(($(cat large) - $(cat small))) -le 256 ]
'

finish
