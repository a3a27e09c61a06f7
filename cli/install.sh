#!/bin/sh
# install.sh [--log FILE] PACKAGE...: installs packages as root with apt, and leaves no
# server of the distribution running that was not running before.  Prints one line for
# each step; what apt prints is appended to FILE.
#
# Debian starts a server when it installs it, and again at each boot; and it
# creates a PostgreSQL cluster.  Kedge only needs the programs.  Servers that were
# installed before are left as they are, running or not.
set -eu

log=/dev/stdout
if [ "${1-}" = --log ]; then
	log=$2
	shift 2
fi

policy=/usr/sbin/policy-rc.d
policy_before=$policy.before-kedge
cluster_dir=/etc/postgresql-common/createcluster.d
cluster_conf=$cluster_dir/kedge.conf
servers='nginx postgresql redis-server prometheus'

# policy-rc.d is recognised by this line as one that this script has written.
mark='# By kedge, while it installs packages.'
ours() {
	[ "$(sed -n 2p "$1")" = "$mark" ]
}

known() { # whether the machine already has this server
	[ -e "/etc/init.d/$1" ] || [ -e "/lib/systemd/system/$1.service" ] ||
		[ -e "/usr/lib/systemd/system/$1.service" ]
}

before=
for server in $servers; do
	if known "$server"; then
		before="$before $server"
	fi
done
# Services of other packages (such as dbus, which a browser needs) are not started
# either.
units_before=
for file in /etc/init.d/* /etc/systemd/system/*.* /lib/systemd/system/*.* \
	/usr/lib/systemd/system/*.*; do
	[ -e "$file" ] || continue
	unit=${file##*/}
	units_before="$units_before ${unit%.service}"
done
clusters_before=$(ls -d /etc/postgresql/*/* 2>/dev/null || :)
newline='
'
dirs_made=

restore() {
	status=$?
	trap - EXIT
	rm -f "$cluster_conf"
	for dir in $dirs_made; do
		rmdir "$dir" 2>/dev/null || :
	done
	rm -f "$policy"
	if [ -e "$policy_before" ]; then
		mv "$policy_before" "$policy"
	fi
	exit "$status"
}

# The list begins with the innermost directory, because rmdir removes only empty ones.
make_dir() {
	[ -d "$1" ] && return
	make_dir "${1%/*}"
	mkdir "$1"
	dirs_made="$1 $dirs_made"
}

trap restore EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# policy-rc.d is called before a server is started or stopped during an installation. An
# existing policy-rc.d still decides about all servers that are not new. One that a
# killed run of this script has left behind is replaced.
if [ -e "$policy" ] && [ ! -e "$policy_before" ] && ! ours "$policy"; then
	mv "$policy" "$policy_before"
fi
cat >"$policy" <<POLICY
#!/bin/sh
$mark
unit=\${1%.service}
case \$unit in
nginx | postgresql* | redis* | prometheus*) exit 101 ;;
*@*) unit=\${unit%%@*}@ ;;
esac
case "$units_before " in
*" \$unit "*) ;;
*) exit 101 ;;
esac
[ -x $policy_before ] && exec $policy_before "\$@"
exit 0
POLICY
chmod 755 "$policy"

make_dir "$cluster_dir"
echo 'create_main_cluster = false' >"$cluster_conf"

# Nobody can answer questions during this installation, and needrestart would restart
# servers.
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
echo 'reading the lists of packages (apt-get update)'
apt-get -q update >>"$log" 2>&1
echo "installing $# packages (apt-get install): $*"
apt-get -q -y --no-install-recommends install "$@" >>"$log" 2>&1

# The new servers must not be started at the next boot either.
for server in $servers; do
	case "$before " in
	*" $server "*) continue ;;
	esac
	known "$server" || continue
	# deb-systemd-helper works only if it seems to be called by a package's script.
	DPKG_MAINTSCRIPT_PACKAGE=$server deb-systemd-helper disable \
		"$server.service" >/dev/null 2>&1 || :
	if command -v update-rc.d >/dev/null 2>&1; then
		update-rc.d "$server" disable >/dev/null 2>&1 || :
	fi
done
# If the installation has created a cluster nevertheless, the cluster and its contents
# are kept, but it is not started.
for cluster in /etc/postgresql/*/*; do
	[ -e "$cluster/start.conf" ] || continue
	case "$newline$clusters_before$newline" in
	*"$newline$cluster$newline"*) ;;
	*) echo disabled >"$cluster/start.conf" ;;
	esac
done
