#!/bin/sh
# File names that were chosen to do harm (S-9, P-45 to P-47).
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

# bad NAME...: makes Maildir with a message in cur/ of each name, for printf.
bad()
{
	maildir
	count=0
	for name; do
		count=$((count + 1))
		# shellcheck disable=SC2059
		name=$(printf -- "$name@") && echo x >"Maildir/cur/${name%@}"
	done
}

# served N: N messages are listed in plain ASCII, can be had, and go.
served()
{
	{
		printf 'STAT\r\nLIST\r\nUIDL\r\n'
		seq -f "RETR %g$cr" "$1"
		seq -f "TOP %g 1$cr" "$1"
		seq -f "DELE %g$cr" "$1"
		printf 'QUIT\r\n'
	} | session >actual || return 1
	head -n 1 actual | grep -x "+OK $1 $(($1 * 3))" &&
	! grep '[^ -~]' actual &&
	[ "$(grep -c '^x$' actual)" = $((2 * $1)) ] &&
	[ "$(wc -l <actual)" = $((2 * ($1 + 2) + $1 * 8 + 2)) ] &&
	tail -n 1 actual | grep -x '+OK bye' && left 0
}

# The lines the log may have, each beginning with its word.
log_is_clean()
{
	! grep -av '^\(login\|session\|error\|warning\|command\) [ -~]*$' log
}

long=$(head -c 255 /dev/zero | tr '\0' x)

# As printf has them.
# shellcheck disable=SC1003
for name in 'a\nb' 'a\n.\n+OK' '\n' '\r\n' 'a\rb' '\033[2J\033]0;x\007' '%%n%%s%%n' \
	' ' 'a b' ' a' 'a ' '\t' '\377\376' '\303\244' '\001' '\177' "$long" \
	'-rf' '*' '?' '~' '$(id)' '`id`' ';' '|' '\\' '"' '#' '&' '+OK' '-ERR x' \
	':' '::' ':2,' ':2,S:2,T' ',' ',S=' ',S=3,W=99' '=' '\240' \
	'18446744073709551616' '-1' '0' '00' '1e9' '\342\200\256x'; do
	check "S-9: a message named '$(printf %.30s "$name")' is served" '
		bad '"'$name'"' && served 1 && log_is_clean
	'
done

check 'S-9: all of them together are served, each with a uid of its own' '
	bad "a\nb" "\n" "\r\n" "a\rb" "\033[2J" "%%n%%s" " " "a b" "\t" "\377" \
		"\001" "\177" "$long" -rf "*" "=" ",S=1" "\\\\" "\"" 0 00 &&
	pop3 UIDL >uidl && sed -e 1d -e "/^\.$/d" uidl | cut -d" " -f2 >uids &&
	[ "$(sort -u uids | wc -l)" = $count ] &&
	! grep -v "^[!-~]\{1,70\}$" uids &&
	served $count && log_is_clean
'

check 'S-9: a name that is logged has its octets escaped' '
	bad "1.a\nsession ip=192.0.2.1 end=quit" "2.b\033[2J\\\\x" "3.%%n%%s\377" \
		"4 5" &&
	chmod 000 Maildir/cur/* &&
	pop3 "RETR 1" "RETR 2" "RETR 3" "RETR 4" LIST >actual &&
	[ "$(grep -c "^-ERR \[SYS/TEMP\]" actual)" = 4 ] &&
	log_is_clean && [ "$(grep -c "^session " log)" = 1 ] &&
	! grep "ip=192" log | grep "^session" &&
	grep -F "1.a\x0Asession\x20ip" log &&
	grep -F "2.b\x1B[2J\x5Cx" log && grep -F "3.%n%s\xFF" log &&
	grep -F "4\x205" log
'

check 'S-9: a name that is logged does not grow a line beyond all bounds' '
	bad "$(printf %s "$long" | tr x "\001")" && chmod 000 Maildir/cur/* &&
	pop3 "RETR 1" && log_is_clean && [ "$(wc -L <log)" -le 2048 ]
'

check 'S-9: the name of the Maildir is escaped in the log' '
	where=$(printf "no\nsession ip=192.0.2.1\033") &&
	refused 111 "[SYS/TEMP] " && log_is_clean && [ "$(wc -l <log)" = 2 ] &&
	! grep -v "^error pid=[0-9]*: " log
'

check 'S-9: nothing of a name is in any answer but UIDL' '
	bad 1.zebra 2.zebra:2,S && chmod 000 Maildir/cur/1.zebra &&
	pop3 STAT LIST "RETR 1" "RETR 2" "TOP 1 0" "DELE 1" "DELE 2" QUIT \
		>actual && ! grep zebra actual
'

check 'S-9: what a client sends is escaped in the log of --verbose' '
	maildir one && options=-v &&
	printf "NOOP\033[2J\r\nX\nsession ip=192.0.2.1\nRETR %%n\0\377\r\nQUIT\r\n" |
		session && log_is_clean &&
	[ "$(grep -c "^session " log)" = 1 ] && grep "^command" log
'

check 'P-45: names of 255 octets that differ at the end have different uids' '
	maildir && for end in a b c; do
		echo x >"Maildir/cur/${long%x}$end"
	done &&
	[ "$(pop3 UIDL | sed 1d | cut -d" " -f2 | sort -u | wc -l)" = 4 ] &&
	served 3
'

check 'P-54: names with odd octets go from new/ to cur/ as they are' '
	maildir && name=$(printf "1.a\n\033%%n\377 b") &&
	echo x >"Maildir/new/$name" && pop3 "RETR 1" QUIT &&
	[ -e "Maildir/cur/$name:2,S" ]
'

finish
