#!/bin/sh
# UPDATE and the quota file of Maildir++ (P-149).  Beside those who read it:
# beside-quota.t.
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

# counted LINE...: what is in maildirsize now.
counted()
{
	printf '%s\n' "$@" | diff -u - Maildir/maildirsize
}

quota()
{
	printf '%s\n' "$@" >Maildir/maildirsize
}

check 'P-149: what QUIT removed is one line, by ,S= or by the size stored' '
	maildir one two &&
	echo three | message "cur/3.host,S=100,W=101:2,S" &&
	echo four | message cur/4.host:2,ST &&
	quota 1000S "114 4" &&
	pop3 "DELE 1" "DELE 3" "DELE 4" QUIT >actual &&
	[ "$(tail -n 1 actual)" = "+OK bye" ] &&
	counted 1000S "114 4" "-104 -2" &&
	left 1
'

check 'P-149: it is one write, and comes after all removals' '
	maildir one two && quota 1000S "8 2" &&
	watch unlinkat,write,openat &&
	pop3 "DELE 1" "DELE 2" QUIT >actual &&
	calls | in_order "^unlinkat.*1.host" "^unlinkat.*2.host" \
		"^write([0-9]*, \"-8 -2.n\", 6)" &&
	[ "$(calls | grep -c "^write.*-8 -2")" = 1 ] &&
	calls | grep maildirsize | grep -q O_APPEND
'

check 'P-149: a move to .Trash counts as a removal, flag T does not' '
	maildir one two && quota 1000S "8 2" &&
	options=--delete=trash &&
	pop3 "DELE 1" QUIT >actual &&
	counted 1000S "8 2" "-4 -1" &&
	options=--delete=flag &&
	pop3 "DELE 1" QUIT >actual &&
	counted 1000S "8 2" "-4 -1" &&
	[ -e Maildir/cur/2.host:2,T ]
'

check 'P-149: without QUIT, and without anything removed, there is no line' '
	maildir one two && quota 1000S "8 2" &&
	pop3 "DELE 1" >actual &&
	pop3 "RETR 1" QUIT >actual &&
	pop3 "DELE 1" RSET QUIT >actual &&
	counted 1000S "8 2"
'

check 'P-149: a message that others removed meanwhile is not counted' '
	maildir one two && quota 1000S "8 2" &&
	begin && ask "DELE 1" && ask "DELE 2" &&
	rm Maildir/new/1.host &&
	quit && counted 1000S "8 2" "-4 -1"
'

check 'P-149: the file is not made, nor written at 5120 octets, nor through a link' '
	maildir one two three &&
	pop3 "DELE 1" QUIT >actual && [ ! -e Maildir/maildirsize ] &&
	{ echo 1000S; yes "" | head -n 5114; } >Maildir/maildirsize &&
	cp Maildir/maildirsize before &&
	pop3 "DELE 1" QUIT >actual && cmp before Maildir/maildirsize &&
	mv Maildir/maildirsize Maildir/other &&
	ln -s other Maildir/maildirsize && echo 1000S >Maildir/other &&
	pop3 "DELE 1" QUIT >actual &&
	[ "$(tail -n 1 actual)" = "+OK bye" ] && left 0 &&
	[ "$(cat Maildir/other)" = 1000S ] &&
	grep -q "cannot open, so what is removed" log
'

check 'P-149: an error is logged, and changes no answer' '
	maildir one && quota 1000S "4 1" &&
	watch write -P "$PWD/Maildir/maildirsize" \
		-e inject=write:error=ENOSPC &&
	pop3 "DELE 1" QUIT >actual &&
	[ "$(tail -n 1 actual)" = "+OK bye" ] && left 0 &&
	grep -q "cannot append to.*maildirsize" log &&
	counted 1000S "4 1"
'

check 'P-149: a folder of Maildir++ has the file above it' '
	maildir one &&
	mkdir -p Maildir/.Sub/cur Maildir/.Sub/new Maildir/.Sub/tmp &&
	: >Maildir/.Sub/maildirfolder &&
	echo sub >Maildir/.Sub/new/1.host && quota 1000S "8 2" &&
	where=Maildir/.Sub && pop3 "DELE 1" QUIT >actual &&
	counted 1000S "8 2" "-4 -1" && [ ! -e Maildir/.Sub/new/1.host ]
'

check 'P-149: a name with a dot alone makes no folder' '
	mkdir outer && cd outer && maildir one && mv Maildir .Maildir &&
	echo 1000S >../maildirsize && where=.Maildir &&
	pop3 "DELE 1" QUIT >actual && [ "$(cat ../maildirsize)" = 1000S ]
'

finish
