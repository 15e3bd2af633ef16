#!/bin/sh
# Filesystems that are not the local kind: FUSE (bindfs) and overlay, mounted
# for real; what NFS does, silly renames, ESTALE, slow answers, by fault
# injection.  Not tried here: a real NFS server.
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source-path=SCRIPTDIR source=lib.sh

# Mounts are this script's alone, and go with it.
if [ "$(id -u)" = 0 ] && [ -z "${OWN_MOUNTS:-}" ] && unshare -m true; then
	OWN_MOUNTS=yes exec unshare -m sh "$0" "$@"
fi
. "${T:?}/lib.sh"

# Three messages in a Maildir that is mounted over Maildir.
on_overlay()
{
	mkdir disk && mount -t tmpfs none disk || return
	mkdir disk/upper disk/work Maildir
	mkdir -p disk/lower/cur disk/lower/new disk/lower/tmp
	fill disk/lower
	own
	mount -t overlay none Maildir -o \
		lowerdir=disk/lower,upperdir=disk/upper,workdir=disk/work
}

on_fuse()
{
	mkdir -p disk/cur disk/new disk/tmp Maildir
	fill disk
	own
	bindfs -o allow_other disk Maildir
}

fill()
{
	printf "Subject: one\n\none\n" >"$1/new/1.host"
	printf "Subject: two\n\n.two\n" >"$1/cur/2.host:2,"
	printf "Subject: three\n\nthree" >"$1/cur/3.host:2,S"
}

off()
{
	umount Maildir 2>/dev/null
	umount disk 2>/dev/null
	:
}

# Lists, fetches, deletes, marks; twice, so that what was kept is used.
visit()
{
	pop3 STAT LIST UIDL "RETR 1" "TOP 2 9" "DELE 3" QUIT >actual
	head -n 1 actual | grep -x "+OK 3 68"
	grep -x "+OK 21 octets" actual
	tail -n 1 actual | grep -x "+OK bye"
	sed -n "/^Subject/,/^\./p" actual >texts
	printf "%s\n" "Subject: one" "" one . "Subject: two" "" ..two |
		diff -u - texts
	[ -e Maildir/cur/1.host:2,S ] && [ ! -e Maildir/new/1.host ]
	[ ! -e Maildir/cur/3.host:2,S ] && left 2
	pop3 LIST UIDL "DELE 1" QUIT >actual
	grep -qx "2 2.host" actual && left 1
	pop3 UIDL QUIT | grep -qx "1 2.host"
	pop3 UIDL QUIT | grep -qx "1 2.host"
}

# Others rename, replace and deliver while a session runs.
beside()
{
	begin
	ask LIST >/dev/null && rest >/dev/null
	mv Maildir/new/1.host Maildir/cur/1.host:2,F
	[ "$(ask "RETR 1")" = "+OK 21 octets" ]
	rest | grep -qx one
	mv "Maildir/cur/2.host:2," gone
	echo "another message under that name" >"Maildir/cur/2.host:2,"
	own
	ask "RETR 2" | grep "^-ERR .SYS/TEMP. "
	ask "DELE 1" && ask "DELE 2" && ask "DELE 3"
	mv Maildir/cur/1.host:2,F Maildir/cur/1.host:2,FS
	echo late >Maildir/new/4.host
	quit | grep "^+OK bye"
	[ "$(cat "Maildir/cur/2.host:2,")" = "another message under that name" ]
	[ -e Maildir/new/4.host ] && left 2
}

# on KIND 'sentence' CODE...
on()
{
	if [ -z "${OWN_MOUNTS:-}" ]; then
		skip "$2 ($1)" 'mounts need root'
	elif [ "$1" = fuse ] && { ! command -v bindfs >/dev/null ||
	    [ ! -c /dev/fuse ]; }; then
		skip "$2 ($1)" 'no bindfs or no /dev/fuse'
	elif [ "$1" = overlay ] && ! grep -q overlay /proc/filesystems; then
		skip "$2 ($1)" 'no overlay filesystem'
	else
		check "$2 ($1)" "on_$1; set +e; ( set -e; $3 ); r=\$?; off; exit \$r"
	fi
}

for kind in fuse overlay; do
	on $kind 'P-143: a session lists, fetches, deletes and marks' visit
	on $kind 'P-143: a file that others put there is another message' beside
	on $kind 'P-31: the size cache keeps no list that it cannot trust' '
		touch -d "1 hour ago" Maildir/new Maildir/cur
		pop3 LIST QUIT >first
		watch getdents64
		pop3 LIST QUIT >second
		cmp first second
		[ "$(grep -c "^getdents64" trace)" -ge 4 ]
	'
	on $kind 'P-48: --import writes its file there' '
		"$pop3d" --import=qmail Maildir
		pop3 UIDL QUIT | grep -qx "1 .*host"
		[ "$(wc -l <Maildir/maildir-pop3d.uidl)" = 4 ]
	'
done

# --- what NFS does --------------------------------------------------------

check 'P-140: silly renames (.nfs...) are no messages, and left alone' '
	maildir one two
	echo busy >Maildir/cur/.nfs000000000012345600000001
	echo busy >Maildir/new/.nfs000000000012345600000002
	[ "$(pop3 STAT "DELE 1" "DELE 2" QUIT | head -n 1)" = "+OK 2 10" ]
	[ "$(find Maildir -name ".nfs*" | wc -l)" = 2 ]
'

check 'P-52: a message that was removed while it was open elsewhere is gone' '
	maildir one two
	begin && ask "DELE 1"
	mv Maildir/new/1.host Maildir/new/.nfs000000000012345600000001
	[ "$(quit)" = "+OK bye" ]
	[ -e Maildir/new/.nfs000000000012345600000001 ] && left 2
'

check 'P-35: ESTALE when a message is opened or read is -ERR, and no end' '
	for call in openat read; do
		rm -rf Maildir && maildir one two
		watch $call -P "$PWD/Maildir/new/1.host" -P 1.host \
			-e inject=$call:error=ESTALE
		pop3 "RETR 1" "RETR 2" QUIT >actual
		trace=
		grep -q "^$call.*ESTALE.*INJECTED" trace || continue
		head -n 1 actual | grep "^-ERR .SYS/TEMP. "
		grep -qx two actual
		[ "$(tail -n 1 actual)" = "+OK bye" ] && left 2
		echo $call >>met
	done
	grep -q . met
'

check 'P-51: ESTALE at the removal is -ERR, and the others are removed' '
	maildir one two three
	watch unlinkat -e inject=unlinkat:error=ESTALE:when=1
	pop3 "DELE 1" "DELE 2" QUIT >actual
	trace=
	tail -n 1 actual | grep "^-ERR .SYS/TEMP. some deleted"
	left 2 && [ ! -e Maildir/new/2.host ]
'

check 'S-17: ESTALE from a directory is no empty maildrop' '
	maildir one
	watch getdents64 -e inject=getdents64:error=ESTALE
	refused 111 "[SYS/TEMP] "
	trace=
	left 1
'

check 'P-24: slow calls change no answer' '
	maildir one two three
	watch read,openat,getdents64,newfstatat,unlinkat,renameat2 \
		-e inject=read,openat,getdents64,newfstatat,unlinkat,renameat2:delay_enter=20000
	pop3 LIST UIDL "RETR 1" "DELE 2" QUIT >actual
	trace=
	grep -qx one actual && [ "$(tail -n 1 actual)" = "+OK bye" ]
	left 2 && [ -e Maildir/cur/1.host:2,S ]
'

finish
