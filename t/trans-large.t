#!/bin/sh
# Messages beyond what 32 bits count, and lines beyond any buffer.  The files
# are sparse, and take no room.
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

# body COMMAND...: hands it what follows greeting and status.
body()
{
	read -r greeting && read -r status && "$@"
}

check 'S-10: a line of 1 GiB, listed and sent to the last octet' '
	maildir && truncate -s 1G Maildir/new/1.large &&
	[ "$(pop3 "LIST 1")" = "+OK 1 1073741826" ] &&
	{ head -c 1G /dev/zero && printf "\r\n.\r\n"; } | cksum >expect &&
	printf "RETR 1\r\n" | talk | body cksum | diff -u expect -
'

# One check: the octets need be read from the disk only once.
check 'P-15: a message beyond 4 GiB, in LIST and STAT, and sent to its end' '
	maildir && truncate -s 4294967297 Maildir/new/1.large &&
	printf ".\nend\n" >>Maildir/new/1.large &&
	echo x | message new/2.host &&
	printf "%s\n" "+OK 1 4294967305" "+OK 2 4294967308" >expect &&
	pop3 "LIST 1" STAT | diff -u expect - &&
	printf "RETR 1\r\n" | talk | body wc -c >octets &&
	[ "$(cat octets)" = $((4294967305 + 3)) ]
'

check 'P-38: TOP of a line of 1 GiB sends it whole, and TOP 0 none of it' '
	maildir && printf "S: x\n\n" | message new/1.large &&
	truncate -s 1G Maildir/new/1.large &&
	pop3 "TOP 1 0" | sed 1d >actual &&
	printf "S: x\n\n.\n" | diff -u - actual &&
	printf "TOP 1 1\r\n" | talk | body wc -c >octets &&
	[ "$(cat octets)" = $((1073741824 + 2 + 2 + 3)) ]
'

finish
