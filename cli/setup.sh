#!/bin/sh
# setup.sh [--dry-run] SET...: installs the packages that the sets need, or fails.  With
# --dry-run, it prints the command that would install what is missing, and fails if
# there is one.  What apt prints goes to build/setup.log.
#
#   up    to build and run a stack
#   test  in addition, to test it
#   lint  to check the sources, and to fuzz
#   bench to measure
#   system to test the package, as root
#
# Each program or library is looked for itself, so it may also come from elsewhere
# than the distribution.  The sets that were found are written to build/setup.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)

fail() {
	echo "kedge: $*" >&2
	exit 1
}

dry_run=
if [ "${1-}" = --dry-run ]; then
	dry_run=yes
	shift
fi
[ $# -gt 0 ] || set -- up
sets=$*
log=$root/build/setup.log
stamp=$root/build/setup

# The checks. The directories of servers may be missing from an ordinary user's PATH.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

has_command() {
	command -v "$1" >/dev/null 2>&1
}
has_library() {
	has_command pkg-config && pkg-config --exists "$1"
}
has_header() {
	[ -e "/usr/include/$1" ] || [ -e "/usr/local/include/$1" ]
}
# Debian and Ubuntu have the fix of CVE-2025-23016 in older versions of libfcgi, too.
libfcgi_is_fixed() {
	has_command dpkg-query || return 0
	version=$(dpkg-query -W -f '${Version}' libfcgi-dev 2>/dev/null) ||
		return 0
	case $version in
	2.4.2-2+deb12u* | 2.4.2-2) fixed=2.4.2-2+deb12u1 ;;
	2.4.2-2.1*) fixed=2.4.2-2.1ubuntu0.24.04.1 ;;
	*) fixed=2.4.5 ;;
	esac
	# A version with "build1" is not fixed, and sorts before one with "ubuntu0".
	dpkg --compare-versions "$version" ge "$fixed"
}
has_libfcgi() {
	has_header fcgiapp.h && libfcgi_is_fixed
}
has_postgres() {
	has_command postgres || ls /usr/lib/postgresql/*/bin/postgres \
		>/dev/null 2>&1
}
# The packages of t/compat need version 20 of node; an older node can download that
# version.
has_node() {
	has_command node &&
		major=$(node -p 'process.versions.node.split(".")[0]') &&
		[ "$major" -ge 18 ]
}
# That of the distribution, for which its packages are.
has_python_module() {
	/usr/bin/python3 -c "import $1" 2>/dev/null
}
has_perl() {
	has_command perl && perl -MTest::More -MHTTP::Tiny -MJSON::PP -e 1 \
		2>/dev/null
}

# The compiler, and its run-time library, which is a separate package in some releases.
can_fuzz() {
	echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
		clang -fsanitize=fuzzer,address -x c -o /dev/null - 2>/dev/null
}

missing=
unavailable=

need() { # PACKAGE TEST...
	package=$1
	shift
	"$@" || missing="$missing $package"
}

# These packages are wanted, but not available everywhere. Tests that need a missing
# package are skipped.
want() {
	package=$1
	shift
	"$@" || unavailable="$unavailable $package"
}

need_up() {
	need gcc has_command gcc
	need libc6-dev has_header stdio.h
	need make has_command make
	need pkg-config has_command pkg-config
	need libfcgi-dev has_libfcgi
	need libscrypt-dev has_header libscrypt.h
	need libpq-dev has_library libpq
	need libhiredis-dev has_library hiredis
	need libjansson-dev has_library jansson
	need libcurl4-openssl-dev has_library libcurl
	need libssl-dev has_library libcrypto
	need libutf8proc-dev has_library libutf8proc
	need libsodium-dev has_library libsodium
	need libsystemd-dev has_library libsystemd
	need libqrencode-dev has_library libqrencode
	need libpng-dev has_library libpng
	need nginx has_command nginx
	need postgresql has_postgres
	need redis-server has_command redis-server
	need tzdata test -e /usr/share/zoneinfo/Europe/Berlin
	need curl has_command curl
	need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
}
need_test() {
	need perl has_perl
	need check has_library check
	need python3-aiosmtpd has_python_module aiosmtpd
	need openssl has_command openssl
	need python3 has_command python3
	want python3-jwt has_python_module jwt
	want python3-waitress has_python_module waitress
	want python3-psycopg2 has_python_module psycopg2
	need age has_command age
	want pgbackrest has_command pgbackrest
	# Reads the QR codes of links back.
	want zbar-tools has_command zbarimg
	want nodejs has_node
	want npm has_command npm
	want chromium has_command chromium
}
need_lint() {
	need clang has_command clang
	need libclang-rt-dev can_fuzz
	need bear has_command bear
	need clang-format has_command clang-format
	need clang-tidy has_command clang-tidy
	need cppcheck has_command cppcheck
	need mandoc has_command mandoc
	need prometheus has_command promtool
	need perl has_perl
}
need_bench() {
	need wrk has_command wrk
	need perl has_perl
	want nodejs has_node
	want npm has_command npm
}

need_system() {
	# Their packages start a server on port 80, so they are not in the set test;
	# t/19-proxy.t leaves out what is not installed.
	want haproxy has_command haproxy
	want caddy has_command caddy
	# Compiles what docs/ADDING-A-SERVICE.md shows in Go; it has 250 MB.
	want golang-go has_command go
	need podman has_command podman
	need buildah has_command buildah
	need podman-compose has_command podman-compose
	need debootstrap has_command debootstrap
	need dpkg-dev has_command dpkg-deb
	need iproute2 has_command ip
	need util-linux has_command nsenter
	need perl has_perl
}

look() {
	missing=
	unavailable=
	for set in $sets; do
		case $set in
		up | test | lint | bench | system) "need_$set" ;;
		*) fail "setup: there is no set $set; there are up, test, lint," \
			'bench, system' ;;
		esac
	done
	missing=${missing# }
}

# The line that installs packages, to be pasted.
line() { # PACKAGES
	echo "sudo apt-get install --no-install-recommends $*"
}

# Says why nothing is installed, and the line to paste.
refuse() { # WHY PACKAGES
	why=$1
	shift
	echo "kedge: packages are missing, and $why:" >&2
	line "$@" >&2
	exit 1
}

begin_log() {
	# Root may have written the last log.
	if ! { mkdir -p "$root/build" && rm -f "$log" && : >"$log"; } 2>/dev/null; then
		log=$(mktemp "${TMPDIR:-/tmp}/kedge-setup-XXXXXX.log")
	fi
}

install() { # PACKAGES
	begin_log
	if [ "$(id -u)" = 0 ]; then
		set -- sh "$root/cli/install.sh" --log "$log" "$@"
	elif has_command sudo; then
		# sudo -v is not used, because it asks for a password more often than
		# this command.
		sudo sh -c : || refuse 'sudo does not let you install them' "$@"
		set -- sudo sh "$root/cli/install.sh" --log "$log" "$@"
	else
		refuse 'you are not root, and there is no sudo' "$@"
	fi
	"$@" && return
	echo "kedge: the installation failed. The end of $log:" >&2
	tail -n 15 "$log" | sed 's/^/  /' >&2
	exit 1
}

# Prints the wanted packages that this release of the distribution has.
obtainable() {
	for package in $unavailable; do
		# On Ubuntu, the package chromium only installs a snap.
		case $package-${ID-}-${VERSION_ID-} in
		chromium-ubuntu-*) continue ;;
		esac
		printf ' %s' "$package"
	done
}

# Prints what is missing. If a library is installed but must not be used, prints only
# that.
fail_missing() { # WORDS
	case " $missing " in
	*' libfcgi-dev '*)
		has_header fcgiapp.h &&
			fail "libfcgi-dev $version has CVE-2025-23016;" \
				"$fixed has the fix: apt-get install libfcgi-dev"
		;;
	esac
	fail "$@"
}

look
if [ -n "$dry_run" ]; then
	# shellcheck disable=SC2086 # package names contain no blanks
	[ -z "$missing$unavailable" ] || line $missing $unavailable
	[ -z "$missing" ]
	exit
fi
ID=
if [ -r /etc/os-release ]; then
	# shellcheck source=/dev/null
	. /etc/os-release
fi
case ${ID-}-${VERSION_ID-} in
debian-12* | debian-13* | ubuntu-24.04*) supported=yes ;;
*) supported= ;;
esac

if [ -n "$missing" ] && [ -z "$supported" ]; then
	fail_missing "missing: $missing (Debian's names). This system is not Debian" \
		"12 or 13 or Ubuntu 24.04, so nothing is installed. If it has apt:" \
		"$(line "$missing")"
fi
if [ -n "$supported" ]; then
	wanted=$(obtainable)
	if [ -n "$missing$wanted" ]; then
		# The list is split into words: package names contain no blanks.
		# shellcheck disable=SC2086
		install $missing $wanted
		look
		[ -z "$missing" ] || fail_missing "still missing: $missing"
	fi
fi
if [ -n "$unavailable" ]; then
	echo "not there, so tests that need it are skipped:$unavailable"
	case "$unavailable " in
	*' nodejs '*) echo 'nodejs must be version 18 or newer' ;;
	esac
fi
# If the file build/setup cannot be written, the next start only takes longer.
if mkdir -p "$root/build" 2>/dev/null; then
	# shellcheck disable=SC3013 # every sh of Linux has -nt
	if [ "$stamp" -nt "$0" ] && read -r have <"$stamp"; then
		sets="$sets $have"
	fi
	echo "$sets" >"$stamp" 2>/dev/null || :
fi
