#!/bin/sh
# Trouble with the Maildir is never an empty mailbox (S-17, P-140, P-141).
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${T:?}/lib.sh"

# trouble 'WHAT' 'CODE': after CODE there is no session, and not an empty one.
trouble()
{
	check "P-141: $1: -ERR [SYS/TEMP], exit code 111" '
		maildir one && echo two | message cur/2.host:2,S &&
		'"$2"' &&
		refused 111 "[SYS/TEMP] " && [ "$(wc -l <log)" -ge 1 ]
	'
}

trouble 'the Maildir is missing' 'mv Maildir other'
trouble 'new/ is missing' 'mv Maildir/new other'
trouble 'cur/ is missing' 'mv Maildir/cur other'
trouble 'new/ and cur/ are missing' 'rm -r Maildir/new Maildir/cur'
trouble 'the Maildir is a file' 'mv Maildir other && echo >Maildir'
trouble 'the Maildir is a FIFO' 'mv Maildir other && mkfifo Maildir'
trouble 'the Maildir is a dangling link' 'mv Maildir x && ln -s no Maildir'
trouble 'new/ is a file' 'mv Maildir/new x && echo >Maildir/new'
trouble 'cur/ is a file' 'mv Maildir/cur x && echo >Maildir/cur'
trouble 'new/ is a FIFO' 'mv Maildir/new x && mkfifo Maildir/new'
trouble 'new/ is a link' 'mv Maildir/new x && ln -s ../x Maildir/new'
trouble 'cur/ is a link' 'mv Maildir/cur x && ln -s ../x Maildir/cur'
trouble 'new/ cannot be read' 'chmod 333 Maildir/new'
trouble 'cur/ cannot be read' 'chmod 000 Maildir/cur'
trouble 'the Maildir cannot be entered' 'chmod 600 Maildir'
trouble 'the Maildir cannot be read' 'chmod 000 Maildir'

check 'S-17: EIO from getdents64: -ERR [SYS/TEMP]' '
	maildir one two && watch getdents64 && pop3 QUIT &&
	n=$(turn getdents64 "execve(.*maildir-pop3d") &&
	for when in $n $((n + 1)) $((n + 2)) $((n + 3)) $n+; do
		watch getdents64 -e inject=getdents64:error=EIO:when=$when &&
		refused 111 "[SYS/TEMP] " || exit 1
	done
'

check 'S-17: EIO from fstat of a directory: -ERR [SYS/TEMP]' '
	maildir one two && watch openat,fstat,newfstatat,statx && pop3 QUIT &&
	faults= && for call in fstat newfstatat statx; do
		faults="$faults -e inject=$call:error=EIO:when=$(turn $call \
			"\"cur\"")+"
	done && watch openat,fstat,newfstatat,statx $faults &&
	refused 111 "[SYS/TEMP] "
'

# Who cannot be looked at is not gone, and not another message either.
check 'S-17: EIO where two of one name are told apart: neither is left out' '
	maildir one && echo two | message cur/1.host:2,S &&
	watch newfstatat -P 1.host:2,S -e inject=newfstatat:error=EIO &&
	refused 111 "[SYS/TEMP] "
'

check 'S-17: EIO where it is asked how messages are told apart: no guess' '
	maildir one && echo two | message cur/1.host:2,S &&
	watch fstatfs -e inject=fstatfs:error=EIO && refused 111 "[SYS/TEMP] " &&
	watch newfstatat -P 1.host -e inject=newfstatat:error=EIO &&
	refused 111 "[SYS/TEMP] "
'

check 'P-142: EIO after some of a directory: an error, not its end' '
	maildir && for n in $(seq 2000); do : >Maildir/new/$n.host; done &&
	watch getdents64 && pop3 QUIT &&
	n=$(turn getdents64 "execve(.*maildir-pop3d") &&
	watch getdents64 -e inject=getdents64:error=EIO:when=$((n + 1)) &&
	refused 111 "[SYS/TEMP] "
'

for errno in ENFILE EMFILE ENOMEM EACCES; do
	check "S-17: $errno from openat of cur/: -ERR [SYS/TEMP]" '
		maildir one &&
		watch openat -P cur -e inject=openat:error='"$errno"' &&
		refused 111 "[SYS/TEMP] "
	'
done

# Memory fails from the first reading of a directory on.  (brk fails by
# returning an address that is not the one asked for.)
check 'S-17: no memory for the list: -ERR [SYS/TEMP], not a shorter one' '
	maildir && for n in $(seq 3000); do : >Maildir/new/$n.host; done &&
	watch brk,mmap,mremap,getdents64 && pop3 STAT &&
	faults= && for call in brk:retval=0 mmap:error=ENOMEM \
		mremap:error=ENOMEM; do
		faults="$faults -e inject=$call:when=$(turn ${call%%:*} \
			"^getdents64")+"
	done && echo "$faults" &&
	watch brk,mmap,mremap $faults &&
	refused 111 "[SYS/TEMP] "
'

check 'P-140: a Maildir that cannot be written to can be read' '
	maildir one && chmod 555 Maildir Maildir/new Maildir/cur Maildir/tmp &&
	pop3 STAT "RETR 1" "TOP 1 0" UIDL QUIT >actual &&
	in_order "^+OK 1 5$" "^one$" "^one$" "1\.host" "^+OK bye" <actual
'

check 'P-140: the Maildir itself may be a link, and a link to a link' '
	maildir one && mv Maildir real && ln -s real link && ln -s link Maildir &&
	pop3 STAT "DELE 1" QUIT | head -n 1 | grep -x "+OK 1 5" &&
	[ -z "$(ls real/new)" ]
'

check 'S-7: the Maildir is renamed during a session: it is still that one' '
	maildir one two && begin && ask STAT && mv Maildir old && maildir other &&
	ask "RETR 1" && rest | grep -x one && ask "DELE 1" && ask "DELE 2" &&
	quit | grep -x "+OK bye" &&
	left 1 && [ -z "$(ls old/new)" ]
'

check 'S-7: new/ is replaced by a link during a session: not followed' '
	maildir one && mkdir other && echo secret >other/1.host && begin &&
	mv Maildir/new Maildir/.moved && ln -s ../other Maildir/new &&
	ask "RETR 1" && rest | grep -x one && ask "DELE 1" &&
	quit | grep -x "+OK bye" && [ -e other/1.host ] && [ -z "$(ls Maildir/.moved)" ]
'

check 'S-7: the Maildir is removed during a session: no mail, no crash' '
	maildir one && begin && rm -r Maildir && ask "RETR 1" | grep "^-ERR" &&
	ask "DELE 1" && quit >actual && cat actual && [ "$(wc -l <actual)" = 1 ]
'

check 'P-141: an empty Maildir is one, and no error' '
	maildir && [ "$(pop3 STAT)" = "+OK 0 0" ]
'

check 'S-17: cur/ that can be read, but not entered, hides no message' '
	maildir one && echo two | message cur/2.host:2,S && chmod 444 Maildir/cur &&
	code=0 && { printf "STAT\r\nUIDL\r\nRETR 2\r\nDELE 2\r\nQUIT\r\n" |
		talk >wire || code=$?; } && good_lines wire && cat wire &&
	if [ $code = 0 ]; then
		grep -q "^2 2\.host" wire &&
		[ "$(grep -c "^-ERR \[SYS/TEMP\]" wire)" -ge 2 ]
	else
		grep -q "^-ERR \[SYS/TEMP\]" wire
	fi && chmod 755 Maildir/cur && left 2
'

finish
