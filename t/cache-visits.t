#!/bin/sh
# The size cache, seen from outside: what a visit costs and leaves (P-31).
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

cache=Maildir/maildir-pop3d.sizes

# rested: the folders look as if nothing had changed there for an hour.
rested()
{
	touch -d '1 hour ago' Maildir/new Maildir/cur
}

# reads N: so many directories of messages were read in the visit traced last.
reads()
{
	calls >lines
	found=$(grep -c '^lseek([0-9]*, 0, SEEK_SET)' lines || :)
	[ "$found" = "$1" ] && return
	echo "directories read: $found, not $1"
	cat lines
	return 1
}

check 'P-31: what was asked is kept, and nothing else of the Maildir changes' '
	maildir one two && rested && own && tree >before &&
	pop3 STAT QUIT && [ -f $cache ] && tree | diff -u before - &&
	[ -z "$(ls Maildir/tmp)" ] && [ "$(stat -c %a $cache)" = 600 ]
'

check 'P-31: the next visit reads no directory and no message' '
	maildir one two && rested && pop3 LIST QUIT >first &&
	watch lseek,openat && pop3 LIST QUIT >second && diff -u first second &&
	reads 0 && ! grep host lines
'

check 'P-31: STAT alone reads nothing but the head of the cache' '
	maildir one two three && rested && pop3 STAT QUIT >first &&
	watch read,lseek,openat && pop3 STAT QUIT >second &&
	diff -u first second && reads 0 && grep -q dpSize lines &&
	sed "1,/dpSize/d" lines >after && ! grep "^read([1-9]" after
'

check 'P-31: UIDL, LIST, RETR and TOP are the same from the cache' '
	maildir one .two && printf "a: b\n\nc\n" | message "cur/7.h:2,S" &&
	rested && set -- UIDL LIST "UIDL 2" "LIST 3" "RETR 2" "TOP 3 0" STAT &&
	pop3 "$@" LIST >first && rested && pop3 STAT >again &&
	pop3 "$@" LIST >second && sed "s/ [0-9]* octets\| message follows//" \
		first >f && sed "s/ [0-9]* octets\| message follows//" second |
		diff -u f -
'

check 'S-17: a delivery, a removal and a rename are seen in the next visit' '
	maildir one two && rested && pop3 LIST >before &&
	printf "three\n" | message new/3.host &&
	pop3 LIST | grep -x "3 7" && rm Maildir/new/1.host &&
	pop3 LIST >actual && printf "+OK 2 messages\n1 5\n2 7\n.\n" |
		diff -u - actual &&
	mv Maildir/new/2.host Maildir/cur/2.host:2,S &&
	pop3 LIST "RETR 1" | grep -x two
'

check 'S-17: mail in a folder whose old times were put back is seen' '
	maildir one && rested && cp -p --attributes-only -r Maildir old &&
	pop3 LIST >before && printf "two\n" | message new/2.host &&
	touch -r old/new Maildir/new && pop3 LIST | grep -x "2 5"
'

check 'S-17: of a message with two names one is removed, the other is listed' '
	for name in new/1.host cur/1.host:2,S; do
		rm -rf Maildir && maildir one && echo two | message cur/2.host:2,S &&
		ln Maildir/new/1.host Maildir/cur/1.host:2,S && rested &&
		[ "$(pop3 STAT)" = "+OK 2 10" ] && rm "Maildir/$name" &&
		[ "$(pop3 STAT)" = "+OK 2 10" ] || exit 1
	done
'

check 'P-35: a message renamed behind the cache is found by its new name' '
	maildir one two && rested && pop3 LIST >before &&
	begin && mv Maildir/new/2.host Maildir/cur/2.host:2,FS &&
	ask "RETR 2" && rest | grep -x two && ask "RETR 1" && rest >actual &&
	quit
'

check 'P-31: what a session learnt is kept, however it ended' '
	maildir one two && rested &&
	begin && ask STAT && over && [ -f $cache ] && rm $cache from to &&
	begin && ask STAT && kill -TERM $(pid | tail -n 1) && over &&
	[ -f $cache ] && rm $cache from to &&
	begin && ask STAT && kill -ALRM $(pid | tail -n 1) && over &&
	[ -f $cache ]
'

check 'P-31: RETR that finds another length corrects the cache' '
	printf "a\nb\n" | message "new/1.host,S=4,W=5" && rested &&
	pop3 "LIST 1" "RETR 1" "LIST 1" | grep -cx "+OK 1 5" | grep -x 2 &&
	rested && pop3 "LIST 1" STAT >actual &&
	printf "+OK 1 6\n+OK 1 6\n" | diff -u - actual
'

check 'P-31: what a message counts for while it is away is not kept' '
	maildir one two && begin && mv Maildir/new/1.host away && ask LIST &&
	rest | grep -x "2 5" && quit && mv away Maildir/new/1.host &&
	[ "$(pop3 STAT)" = "+OK 2 10" ]
'

check 'P-31: nor what it counts for while it may not be read' '
	maildir one two && chmod 0 Maildir/new/1.host && pop3 LIST QUIT &&
	[ -f $cache ] && chmod 600 Maildir/new/1.host &&
	[ "$(pop3 STAT)" = "+OK 2 10" ]
'

check 'P-31: --no-size-cache reads none and writes none' '
	maildir one two && rested && options=--no-size-cache &&
	pop3 LIST && [ ! -e $cache ] && options= && pop3 LIST &&
	[ -f $cache ] && rested && rm -f trace && options=--no-size-cache &&
	watch openat,lseek && pop3 LIST && reads 2 && ! grep sizes lines
'

check 'P-31: a Maildir that cannot be written is served all the same' '
	maildir one two && own && chmod a-w Maildir Maildir/tmp &&
	[ "$(pop3 LIST STAT QUIT | tail -n 1)" = "+OK bye" ] &&
	pop3 LIST QUIT | grep -x "2 5" && [ ! -e $cache ]
'

check 'P-31: a full disk costs the cache and nothing else' '
	maildir one two && rested &&
	watch write && pop3 LIST QUIT >right && n=$(turn write "dpSize") &&
	rm $cache &&
	watch write -e inject=write:error=ENOSPC:when=$n &&
	pop3 LIST QUIT | diff -u right - && calls | grep ENOSPC &&
	[ ! -e $cache ] && [ -z "$(ls Maildir/tmp)" ] &&
	grep "cannot write the cache of sizes (--no-size-cache" log
'

check 'S-7: whatever lies in its place is no list' '
	maildir one two && rested && pop3 LIST >right &&
	for text in "" x "$(head -c 400 /dev/zero | tr "\0" y)"; do
		printf "%s" "$text" >$cache && pop3 LIST | diff -u right - ||
			exit 1
	done &&
	head -c 100000 /dev/urandom >$cache && pop3 LIST | diff -u right - &&
	rm $cache && ln -s /etc/passwd $cache && pop3 LIST | diff -u right - &&
	rm $cache && mkdir $cache && pop3 LIST | diff -u right - &&
	[ -d $cache ]
'

check 'P-56: two sessions that write at once leave one whole cache' '
	maildir one two three && rested &&
	begin && ask LIST && rest >/dev/null &&
	start_other && line <&6 >/dev/null && printf "LIST\r\nQUIT\r\n" >&5 &&
	exec 5>&- && cat <&6 >/dev/null && quit >/dev/null &&
	watch lseek && pop3 STAT | grep -x "+OK 3 17" && reads 0
'

# Each file takes 50 ms to open: sixty take longer than the client stays.
check 'P-31: a client that gives up and comes back goes on where it was' '
	maildir $(seq 60) && rested && visits=0 && : >answer &&
	watch openat -e inject=openat:delay_exit=50000 &&
	until grep -q "^60 4" answer; do
		visits=$((visits + 1)) && [ $visits -lt 30 ] && start &&
		hear >/dev/null && tell LIST &&
		{ timeout 1 sed -u "/^\.$cr/q" <&4 >answer || :; } &&
		exec 3>&- 4<&- && wait "$server" && rm to from || exit 1
	done &&
	[ $visits -gt 1 ] && grep -c "end=disconnect.*octets=-" log &&
	trace= && pop3 "LIST 60" | grep -x "+OK 60 4"
'

finish
