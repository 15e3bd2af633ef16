# setup.sh - what t/try, t/check and their like begin with: packages and a
# copy of the source to build in.  To be sourced; needs sh, apt, dpkg and
# coreutils, nothing more.
# shellcheck shell=sh

top=$(cd "$(dirname "$0")/.." && pwd)

say() { printf '%s\n' "$*"; }
die() { say "$0: $*" >&2; exit 1; }

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# Whether every package named is installed.
have() {
	for package; do
		case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
		*' installed') ;;
		*) return 1 ;;
		esac
	done
}

policy=/usr/sbin/policy-rc.d

# Installs what is missing of the packages named, and starts no service: a
# policy that answers 101 forbids it meanwhile.
need() {
	have "$@" && return
	say "installing: $*"
	if [ -e $policy ]; then
		as_root mv $policy $policy.before
	fi
	printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
	as_root chmod 755 $policy
	failed=
	as_root apt-get -qq update &&
	    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
	    --no-install-recommends -o Dpkg::Use-Pty=0 install "$@" \
	    >"${work:-/tmp}/apt.log" 2>&1 || failed=yes
	as_root rm -f $policy
	if [ -e $policy.before ]; then
		as_root mv $policy.before $policy
	fi
	[ -z "$failed" ] || {
		tail -n 20 "${work:-/tmp}/apt.log" >&2
		die "cannot install: $*"
	}
}

# A folder of our own that everybody can look into; $cleanup names functions
# or commands to run before it is removed.
work=$(mktemp -d "${TMPDIR:-/tmp}/maildir-pop3d.XXXXXX") || die 'no folder'
chmod 755 "$work"
cleanup=:
leave() {
	status=$?
	trap - EXIT
	$cleanup 2>/dev/null || :
	chmod -R u+rwX "$work"
	rm -rf "$work"
	exit $status
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# fetch NAME PACKAGE...: unpacks them in $work/NAME, for those of which Debian
# installs one at a time.
fetch() {
	folder=$work/$1
	shift
	mkdir "$folder" "$folder/deb"
	chmod 777 "$folder/deb"		# apt downloads as a user of its own
	download "$@" || {
		as_root apt-get -qq update	# nothing was installed today
		download "$@"
	} || {
		say "cannot fetch: $*" >&2
		cat "$work/apt.log" >&2
		return 1
	}
	for deb in "$folder"/deb/*.deb; do
		dpkg -x "$deb" "$folder"
	done
}

download() {
	(cd "$folder/deb" && apt-get -qq download "$@") >"$work/apt.log" 2>&1
}

# Copies the source to $work/src and makes configure there; the checkout
# stays as it is, and may be read-only.
stage() {
	mkdir "$work/src"
	(cd "$top" && cp -R configure.ac Makefile.am README COPYING .clang-tidy \
	    src man t "$work/src")
	(cd "$work/src" && autoreconf -fi) >"$work/autoreconf.log" 2>&1 || {
		cat "$work/autoreconf.log"
		die 'autoreconf failed'
	}
}

# shellcheck disable=SC2034 # for who sources this
build_packages='autoconf automake make gcc libc6-dev pkg-config'
