#!/bin/sh
# tmp/: what deliverers left behind is cleaned away (P-146).
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

# Nobody can make a file look old, as its ctime is when that was tried.  So
# strace tells the program what times a file has.
#
# ages NAME ATIME MTIME CTIME: the next session sees NAME, in tmp/, as a
# regular file with times so many seconds ago.  (In struct stat of 64-bit
# Linux they stand at 72, 88 and 104; the mode at 24, or at 16.)
ages()
{
	octets=$(py - "$2" "$3" "$4" <<-\EOF
	import struct, sys, time
	stat = bytearray(120)
	struct.pack_into("<Q", stat, 16, 0o100644)
	struct.pack_into("<I", stat, 24, 0o100644)
	for at, age in zip((72, 88, 104), sys.argv[1:]):
	    struct.pack_into("<q", stat, at, int(time.time()) - int(age))
	print(stat.hex())
	EOF
	)
	watch newfstatat,unlinkat,write -P "$1" \
		-e "inject=newfstatat:poke_exit=@arg3=$octets"
}

old=130000		# seconds: more than 36 hours
new=129000		# less

check 'P-146: a file not touched for 36 hours is removed, at login' '
	maildir && echo x >Maildir/tmp/1.x && ages 1.x $old $old $old &&
	pop3 && ! [ -e Maildir/tmp/1.x ]
'

for times in "$new $old $old" "$old $new $old" "$old $old $new" \
	"$new $new $new" "0 0 0" "-9999 $old $old"; do
	check "P-146: atime, mtime, ctime of $times s ago: it stays" '
		maildir && echo x >Maildir/tmp/1.x && ages 1.x '"$times"' &&
		pop3 NOOP QUIT && [ -e Maildir/tmp/1.x ] &&
		grep "newfstatat.*1\.x" trace
	'
done

check 'P-146: old by mtime and atime alone, as "touch -d" makes it: it stays' '
	maildir && echo x >Maildir/tmp/1.x && touch -d "10 days ago" Maildir/tmp/1.x &&
	pop3 QUIT && [ -e Maildir/tmp/1.x ]
'

check 'P-146: a fresh file stays, and so does what is not a file' '
	maildir && echo x >Maildir/tmp/1.x && mkdir Maildir/tmp/2.x &&
	ln -s 1.x Maildir/tmp/3.x && mkfifo Maildir/tmp/4.x &&
	ls Maildir/tmp >before && pop3 QUIT && ls Maildir/tmp | diff before -
'

check 'P-146: names that begin with a dot stay' '
	maildir && echo x >Maildir/tmp/.x && ages .x $old $old $old &&
	pop3 QUIT && [ -e Maildir/tmp/.x ]
'

check 'P-146: at most 100 in a session, the others in the next' '
	maildir && for n in $(seq 150); do : >Maildir/tmp/$n.x; done &&
	ages "1.x$(seq -s "" -f " -P %g.x" 2 150)" $old $old $old &&
	pop3 QUIT && [ "$(ls Maildir/tmp | wc -l)" = 50 ] &&
	pop3 QUIT && [ "$(ls Maildir/tmp | wc -l)" = 0 ]
'

check 'P-146: --keep-tmp leaves all of it' '
	maildir && echo x >Maildir/tmp/1.x && ages 1.x $old $old $old &&
	options=--keep-tmp && pop3 QUIT && [ -e Maildir/tmp/1.x ]
'

check 'P-146: it happens behind the reply to the login' '
	maildir && watch openat,write && pop3 QUIT &&
	calls | grep -v O_PATH >lines &&
	in_order "write(1, .+OK" "openat(.*\"tmp\"" <lines &&
	sed "/write(1/,\$d" lines | { ! grep "\"tmp\""; }
'

check 'P-146: failures are ignored: read-only, missing, a link' '
	maildir one && echo x >Maildir/tmp/1.x && ages 1.x $old $old $old &&
	chmod 555 Maildir/tmp &&
	pop3 QUIT && [ -e Maildir/tmp/1.x ] && chmod 755 Maildir/tmp &&
	mkdir elsewhere && mv Maildir/tmp/1.x elsewhere && rmdir Maildir/tmp &&
	pop3 STAT | grep -x "+OK 1 5" && ln -s ../elsewhere Maildir/tmp &&
	pop3 STAT | grep -x "+OK 1 5" && [ -e elsewhere/1.x ]
'

check 'P-146: only tmp/ is cleaned, not new/ and cur/' '
	maildir one && echo x | message cur/2.host:2,S &&
	ages 1.host $old $old $old && pop3 QUIT && left 2 &&
	ages 2.host:2,S $old $old $old && pop3 QUIT && left 2
'

finish
