#!/bin/sh
# --lock: one session at a time (P-56).
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

hear_other()
{
	line <&6
}

check 'P-56: without --lock two sessions may be open' '
	maildir one two && begin && start_other && hear_other &&
	ask "DELE 1" && printf "DELE 2\r\n" >&5 && hear_other &&
	quit | grep -x "+OK bye" &&
	printf "QUIT\r\n" >&5 && hear_other | grep -x "+OK bye" && left 0
'

check 'P-52: without --lock two sessions may delete the same message: +OK' '
	maildir one && begin && start_other && hear_other &&
	ask "DELE 1" && printf "DELE 1\r\n" >&5 && hear_other &&
	quit | grep -x "+OK bye" &&
	printf "QUIT\r\n" >&5 && hear_other | grep -x "+OK bye" && left 0
'

check 'P-56: with --lock a second session gets -ERR [IN-USE], within 2 s' '
	maildir one && options=--lock && begin &&
	began=$(date +%s%N) &&
	code=0 && { printf "STAT\r\nQUIT\r\n" | talk >wire || code=$?; } &&
	took=$((($(date +%s%N) - began) / 1000000)) && echo "$took ms" &&
	good_lines wire && [ "$(wc -l <wire)" = 1 ] &&
	grep "^-ERR \[IN-USE\] [^ []" wire &&
	[ $took -ge 1900 ] && [ $took -le 15000 ] &&
	ask STAT | grep -x "+OK 1 5" && quit
'

check 'P-56: the lock is let go in the end' '
	maildir one && options=--lock &&
	pop3 QUIT && pop3 STAT && pop3 "DELE 1" QUIT && left 0
'

check 'P-56: the lock of a session that was killed is gone' '
	maildir one && options=--lock && begin && ask NOOP &&
	kill -KILL "$(pid)" && ! hear &&
	pop3 STAT | grep -x "+OK 1 5"
'

check 'P-56: the lock is on the Maildir, and by whatever name it is called' '
	maildir one && ln -s Maildir other && options=--lock && begin &&
	where=other && { printf "QUIT\r\n" | talk >wire || :; } &&
	grep "^-ERR \[IN-USE\]" wire
'

check 'P-56: there is no lock file' '
	maildir one && options=--lock && find Maildir | sort >before &&
	begin && ask STAT &&
	find Maildir ! -name maildir-pop3d.sizes | sort | diff -u before -
'

check 'P-56: another session without --lock does not heed it' '
	maildir one && options=--lock && begin && options= &&
	pop3 STAT | grep -x "+OK 1 5"
'

finish
