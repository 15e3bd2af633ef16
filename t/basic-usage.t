#!/bin/sh
# The command line: options, exit codes and what is said about wrong use.
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

# wrong WORD... -- OPTION...: exit code 100, "-ERR [SYS/PERM]" for the client,
# and one line in the log that has every WORD in it.
wrong()
{
	words=
	while [ "$1" != -- ]; do
		printf '%s\n' "$1"
		shift
	done >words
	shift
	code=0
	# shellcheck disable=SC2086
	$as "$pop3d" "$@" </dev/null 2>log | cat >wire
	# shellcheck disable=SC2086
	$as "$pop3d" "$@" </dev/null >/dev/null 2>&1 || code=$?
	cat log wire
	[ "$code" = 100 ] && [ "$(wc -l <log)" = 1 ] &&
	good_lines wire && [ "$(wc -l <wire)" = 1 ] &&
	grep -q '^-ERR \[SYS/PERM\] [^ ]' wire &&
	while read -r word; do
		grep -qF -e "$word" log || { echo "not said: $word"; return 1; }
	done <words
}

# Each names the option, the value and what would be right.

check 'a time below 600 seconds is refused (P-22)' '
	wrong --idle-timeout 599 600 86400 -- --preauth --idle-timeout=599
'

check 'a time above a day is refused' '
	wrong --idle-timeout 86401 600 86400 -- --preauth --idle-timeout=86401
'

check 'a time that is no number is refused' '
	wrong --idle-timeout 10m 600 -- --preauth --idle-timeout=10m &&
	wrong --idle-timeout "must be" 600 -- --preauth --idle-timeout= &&
	wrong --idle-timeout -600 -- --preauth --idle-timeout=-600 &&
	wrong --idle-timeout +600 -- --preauth --idle-timeout=+600 &&
	wrong --idle-timeout 600 -- --preauth "--idle-timeout= 600"
'

check 'a time beyond 64 bits does not wrap' '
	wrong --idle-timeout 18446744073709552216 -- \
		--preauth --idle-timeout=18446744073709552216 &&
	wrong --idle-timeout 4294967896 -- --preauth --idle-timeout=4294967896
'

check 'an unknown way to delete is refused' '
	wrong --delete perhaps unlink trash flag -- --preauth --delete=perhaps
'

check 'an unknown log is refused' '
	wrong --log perhaps syslog stderr none auto -- --preauth --log=perhaps
'

check 'days of expiry that are no number are refused' '
	wrong --expire soon NEVER -- --preauth --expire=soon &&
	wrong --expire -1 NEVER -- --preauth --expire=-1 &&
	wrong --expire never NEVER -- --preauth --expire=never
'

check 'an unknown option is named' '
	wrong --no-such-option --help -- --preauth --no-such-option
'

check 'an option without its value is named' '
	wrong --delete --help -- --preauth --delete
'

check 'an option with a value it does not take is refused' '
	wrong --lock -- --preauth --lock=yes
'

check 'without a way to log in nothing is served' '
	maildir one &&
	wrong --preauth -- Maildir &&
	wrong --preauth --
'

check 'two Maildirs are refused, and the second is named' '
	wrong two -- --preauth one two
'

check 'an empty Maildir name is refused' '
	wrong MAILDIR -- --preauth ""
'

check '%u in the Maildir is refused with --preauth' '
	wrong "%u" --preauth -- --preauth "mail/%u"
'

check 'P-18: of wrong use the client hears neither option nor value' '
	wrong perhaps -- --preauth --delete=perhaps &&
	! grep -q -e perhaps -e delete wire
'

check 'of two wrong options there is still one line only' '
	wrong --delete -- --preauth --delete=perhaps --log=perhaps
'

check 'wrong use is told by --log=none to nobody' '
	code=0 &&
	{ $as "$pop3d" --preauth --log=none --delete=perhaps </dev/null \
		>wire 2>log || code=$?; } &&
	[ "$code" = 100 ] && ! [ -s log ] && [ -s wire ]
'

check 'a Maildir that is missing is named in the log, and the exit code is 111' '
	where=no-such-maildir &&
	refused 111 "[SYS/TEMP] " &&
	grep -q "no-such-maildir.*No such file" log
'

check 'the largest and smallest values are taken' '
	maildir &&
	options="--idle-timeout=600 --expire=0" && pop3 QUIT &&
	options="--idle-timeout=86400 --expire=36500" && pop3 QUIT &&
	options="--idle-timeout=0600" && pop3 QUIT
'

check 'options may follow one another, with values as words of their own' '
	maildir one &&
	options="-v --log stderr --delete flag --lock --keep-new --keep-tmp" &&
	options="$options --sync --expire NEVER --idle-timeout 601 --" &&
	pop3 "DELE 1" QUIT &&
	[ -f Maildir/cur/1.host:2,T ]
'

check 'the default Maildir is "Maildir"' '
	maildir one &&
	own &&
	printf "STAT\r\n" | $as "$pop3d" --preauth >wire 2>log &&
	grep -q "^+OK 1 5$cr\$" wire
'

check 'a Maildir with an absolute name is served' '
	maildir one &&
	where=$PWD/Maildir &&
	pop3 STAT >actual && grep -qx "+OK 1 5" actual
'

check 'a Maildir with a long relative name is served' '
	mkdir -p "a b/c" && maildir one && mv Maildir "a b/c/my mail" &&
	where="./a b/../a b/c/my mail/" &&
	pop3 STAT >actual && grep -qx "+OK 1 5" actual
'

check 'a Maildir that is a symbolic link is served' '
	maildir one && mv Maildir elsewhere && ln -s elsewhere Maildir &&
	pop3 STAT >actual && grep -qx "+OK 1 5" actual
'

check '--help fits 24 lines of 80 columns, and exits 0' '
	$as "$pop3d" --help </dev/null >help 2>errors &&
	! [ -s errors ] &&
	[ "$(wc -l <help)" -le 24 ] &&
	! grep ".\{81\}" help &&
	grep -q ^usage: help
'

check '--help names every option that there is' '
	$as "$pop3d" --help >help &&
	for option in preauth idle-timeout delete lock keep-new keep-tmp sync \
		expire log verbose help version; do
		grep -q -e "--$option\>" help || { echo "$option"; exit 1; }
	done
'

check '--version begins with the name and a number, and exits 0' '
	$as "$pop3d" --version </dev/null >version 2>errors &&
	! [ -s errors ] &&
	head -n 1 version | grep -q "^maildir-pop3d [0-9][0-9.]*$"
'

check '--help and --version need neither Maildir nor --preauth' '
	mkdir empty && cd empty &&
	$as "$pop3d" --help | grep -q usage &&
	$as "$pop3d" --version | grep -q maildir-pop3d
'

# S-3.  As another user, the root of a namespace of our own will do.
root=
[ -n "$as" ] || root='unshare -r'
if $root true 2>/dev/null; then
	check 'S-3: uid 0 is refused, with exit code 100 and a reason' '
		maildir one &&
		code=0 &&
		{ printf "STAT\r\n" | $root "$pop3d" --preauth >wire 2>log ||
			code=$?; } &&
		[ "$code" = 100 ] &&
		grep -q "^-ERR \[SYS/PERM\] " wire &&
		[ "$(wc -l <wire)" = 1 ] &&
		grep -q "root" log
	'
else
	skip 'S-3: uid 0 is refused' 'not root, and no user namespaces'
fi

finish
