#!/bin/sh
# apply.sh: sets up the services of this host as /etc/kedge/kedge.json says. `kedge
# apply` executes it, and so does the package when it is installed or upgraded. It can
# be repeated: it only changes, starts and restarts what differs.
#
# Without systemd (in a chroot) it does all but start and stop.
set -eu
umask 022

lib=/usr/lib/kedge
etc=/etc/kedge
units=/etc/systemd/system
applied=/var/lib/kedge/applied
# A maintainer script sets this, so that the policy of the host (policy-rc.d) decides
# what may be started.
invoke=${KEDGE_INVOKE:-systemctl}

fail() {
	echo "kedge: $*" >&2
	exit 1
}

# Two at once would write the same files. The file is where only root can make one: in
# /run/lock, another user's would stop every installation, or be a link to another file.
exec 9>/run/kedge-apply.lock
flock 9

has_systemd() {
	[ -d /run/systemd/system ]
}

list=$(kedge apply services)
names=$(echo "$list" | awk '$1 == "service" { print $2 }')
with() { # NEED: the names of the services that have it
	echo "$list" | awk -v need="$1" '$1 == "service" {
		for (i = 4; i <= NF; i++) if ($i == need) print $2 }'
}
connections=$(echo "$list" | awk '$1 == "connections" { print $2 }')

# Users. The user kedge runs the migrations, as the owner of each database.
{
	echo 'u kedge - "Kedge migrations" /var/lib/kedge'
	for name in $names; do
		echo "u kedge-$name - \"Kedge $name\" /var/lib/kedge/$name"
	done
} | systemd-sysusers -

# Directories. Each service's group can read the secrets of that service only.
mkdir -p "$etc/generated" "$etc/nginx.d" "$etc/secrets" /var/lib/kedge "$applied"
chmod 711 "$etc/secrets"
for user in kedge $(echo "$names" | sed 's/^/kedge-/'); do
	dir=$etc/secrets/${user#kedge-}
	mkdir -p "$dir"
	chgrp "$user" "$dir"
	chmod 750 "$dir"
done

# PostgreSQL: a cluster of its own beside the host's others, so that nothing of theirs
# changes: neither pg_hba.conf nor a role, and no port is opened. A service whose
# connection string is there already (see docs/INSTALL.md) has its database elsewhere.
cluster= # "VERSION PORT"
find_cluster() {
	cluster=$(pg_lsclusters --no-header 2>/dev/null |
		awk '$2 == "kedge" { print $1, $3 }' | sort -V | tail -n 1)
}
needs_cluster() {
	for name in $(with postgres); do
		variable=$(echo "$list" | awk -v name="$name" '$2 == name { print $3 }')
		url=$etc/secrets/$name/${variable}_DATABASE_URL
		if [ -e "$url" ]; then
			grep -q 'host=/run/postgresql' "$url" && return
		else
			grep -q "^[[:blank:]]*${variable}_DATABASE_URL\(_FILE\)\{0,1\}[[:blank:]]*=" \
				"$etc/$name.env" 2>/dev/null || return 0
		fi
	done
	return 1
}
make_cluster() {
	version=
	for dir in /usr/lib/postgresql/*/bin/postgres; do
		[ -x "$dir" ] && version=$(printf '%s\n%s\n' "$version" "$dir" |
			sed 's|/usr/lib/postgresql/\(.*\)/bin/postgres|\1|' |
			sort -V | tail -n 1)
	done
	[ -n "$version" ] || fail "PostgreSQL's server is missing: install the" \
		"package postgresql, or write the connection string of each" \
		"service to $etc/secrets/SERVICE/SERVICE_DATABASE_URL"
	pg_createcluster --start-conf=auto --encoding=UTF8 --locale=C.UTF-8 \
		"$version" kedge >/dev/null
	find_cluster
}
# write FILE: replaces the file by the standard input; true if it was different. The
# directory is that of the user postgres, who could put a link to another file there: so
# this is done with the rights of postgres.
write() {
	# shellcheck disable=SC2016 # the inner shell expands it
	runuser -u postgres -- sh -c '
		set -e
		rm -f "$1.new"
		cat >"$1.new"
		if cmp -s "$1.new" "$1"; then
			rm "$1.new"
			exit 1
		fi
		[ ! -e "$1" ] || chmod --reference="$1" "$1.new"
		mv "$1.new" "$1"
	' write "$1"
}
# install_drop_in FILE: replaces a drop-in by the standard input, if it is different.
install_drop_in() {
	mkdir -p "${1%/*}"
	cat >"$1.new"
	if cmp -s "$1.new" "$1"; then
		rm "$1.new"
		return
	fi
	mv "$1.new" "$1"
	! has_systemd || systemctl daemon-reload
}
configure_cluster() {
	version=${cluster% *}
	dir=/etc/postgresql/$version/kedge
	mark='# Written by "kedge apply" from /etc/kedge/kedge.json.'
	runuser -u postgres -- mkdir -p "$dir/conf.d"
	changed=
	restart=
	# Another number needs a restart of the server, and requests fail meanwhile. So it
	# is only changed to have more, and then by a good part.
	connections=$(((connections + 199) / 200 * 200))
	has=$(sed -n 's/^max_connections = \([0-9]*\)$/\1/p' "$dir/conf.d/kedge.conf" 2>/dev/null |
		head -n 1)
	[ "${has:-0}" -le "$connections" ] || connections=$has
	write "$dir/conf.d/kedge.conf" <<-CONF && restart=yes
		$mark Add settings in other files of this directory.
		listen_addresses = ''
		max_connections = $connections
	CONF
	write "$dir/pg_hba.conf" <<-HBA && changed=yes
		$mark
		local all all peer map=kedge
	HBA
	{
		echo "$mark"
		echo 'kedge root postgres'
		echo 'kedge postgres postgres'
		for name in $(with postgres); do
			echo "kedge kedge-$name $name"
			echo "kedge kedge ${name}_owner"
			echo "kedge root ${name}_owner"
		done
	} | write "$dir/pg_ident.conf" && changed=yes
	# Debian's unit does not start a server again that was killed, or that has found no
	# room for its log. "pg_ctlcluster stop" is a clean end, and stays possible.
	install_drop_in "$units/postgresql@$version-kedge.service.d/kedge.conf" <<-UNIT
		# Generated by "kedge apply": the server starts again by itself.
		[Unit]
		StartLimitIntervalSec=0

		[Service]
		Restart=on-failure
		RestartSec=1
	UNIT
	if [ "$(pg_lsclusters --no-header | awk '$2 == "kedge" { print $4 }')" != online ]; then
		pg_start start
	elif [ -n "$restart" ]; then
		pg_start restart
	elif [ -n "$changed" ]; then
		pg_ctlcluster "$version" kedge reload
	fi
}
pg_start() { # start|restart
	if has_systemd; then
		systemctl daemon-reload
		systemctl "$1" "postgresql@$version-kedge.service"
	else
		pg_ctlcluster "$version" kedge "$1"
	fi
}

unset PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE PGSERVICE
if needs_cluster; then
	find_cluster
	[ -n "$cluster" ] || make_cluster
	configure_cluster
	PGHOST=/run/postgresql PGPORT=${cluster#* }
	export PGHOST PGPORT
fi
kedge apply secrets
[ -z "$cluster" ] || kedge apply databases
# The services still run the previous release: each migration lets it run on.
kedge migrate --system

# The files, and the units from them.
kedge render

has_systemd || exit 0

# The units of services that are gone: stopped while systemd still knows them.
for state in "$applied"/kedge-*; do
	unit=${state##*/}
	if [ ! -e "$state" ] || [ -e "$units/$unit" ]; then
		continue
	fi
	systemctl stop "$unit"
	rm -f "$state" "$units/kedge.target.wants/$unit"
done
systemctl daemon-reload

# The users of services that are gone, with their Redis and their sockets. The database
# and the secrets are left: whoever put the service out of kedge.json may put it back.
for user in $(getent passwd |
	sed -n 's|^kedge-\([^:]*\):.*:/var/lib/kedge/\1:[^:]*$|\1|p'); do
	case " $(echo "$names" | tr '\n' ' ') " in *" $user "*) continue ;; esac
	systemctl stop "kedge-redis@$user.service"
	rm -rf "/run/kedge/$user"
	if [ -d "/var/lib/kedge/$user" ] &&
		! rmdir --ignore-fail-on-non-empty "/var/lib/kedge/$user"; then
		fail "cannot remove /var/lib/kedge/$user"
	fi
	if [ -e "/var/lib/kedge/$user" ]; then
		echo "kedge: the service $user is gone; its user kedge-$user stays," \
			"because /var/lib/kedge/$user is not empty" >&2
		continue
	fi
	chgrp -R root "$etc/secrets/$user"
	userdel "kedge-$user"
	echo "kedge: the service $user is gone; its database and $etc/secrets/$user are" \
		"left" >&2
done

# Starts a unit that is new. Restarts one whose program, file or variables differ from
# what was applied last; its socket stays open meanwhile.
state_of() { # UNIT SERVICE
	find "$units/$1" "$units/$1.d" "$lib/$2" "$etc/generated/env/$2.env" "$etc/$2.env" \
		"$etc/secrets/$2" /usr/lib/systemd/system/kedge-.service.d \
		/lib/systemd/system/kedge-.service.d -type f \
		-exec sha256sum {} + 2>/dev/null | sort | sha256sum
}
apply_unit() { # UNIT SERVICE
	state=$(state_of "$1" "$2")
	before=$(cat "$applied/$1" 2>/dev/null || :)
	if [ -z "$before" ]; then
		systemctl --quiet enable "$1"
		"$invoke" start "$1"
	elif [ "$state" != "$before" ]; then
		"$invoke" restart "$1"
	fi
	echo "$state" >"$applied/$1"
}
for unit in "$units"/kedge-*.socket; do
	[ -e "$applied/${unit##*/}" ] || systemctl --quiet enable "${unit##*/}"
	: >"$applied/${unit##*/}"
	"$invoke" start "${unit##*/}"
done
for name in $(with verify); do
	apply_unit "kedge-$name-verify.service" "$name"
done
for name in $names; do
	apply_unit "kedge-$name.service" "$name"
done
for name in $(with worker); do
	apply_unit "kedge-$name-worker.service" "$name"
done
"$invoke" start kedge.target

# nginx: its unit gets our main file by a drop-in, if it has no sites of others; those
# would disappear. Their administrator decides.
drop_in=$units/nginx.service.d/kedge.conf
conf=$etc/generated/nginx/nginx.conf
has_other_sites() {
	for file in /etc/nginx/sites-enabled/* /etc/nginx/conf.d/*.conf; do
		[ -e "$file" ] || continue
		[ "$(readlink -f "$file")" = /etc/nginx/sites-available/default ] || return 0
	done
	return 1
}
if [ ! -e "$drop_in" ] && has_other_sites; then
	echo "kedge: nginx has sites in /etc/nginx, so its configuration is left as it" \
		"is; docs/INSTALL.md says how to put $conf in its place" >&2
	exit 0
fi
nginx -q -t -c "$conf" || fail "nginx does not accept $conf"
if ! systemctl --quiet is-active nginx.service; then
	reload=start
elif [ -e "$drop_in" ]; then
	reload=reload
else
	reload=restart
fi
install_drop_in "$drop_in" <<-UNIT
	# Generated by "kedge apply": nginx runs with the main file of Kedge.
	[Unit]
	StartLimitIntervalSec=0

	[Service]
	ExecStartPre=
	# An nginx that was killed leaves its socket behind, and a new nginx does not
	# replace the file.
	ExecStartPre=/bin/rm -f /run/kedge/internal.sock
	ExecStartPre=/usr/sbin/nginx -t -q -c $conf -g 'daemon on; master_process on;'
	ExecStart=
	ExecStart=/usr/sbin/nginx -c $conf -g 'daemon on; master_process on;'
	ExecReload=
	ExecReload=/usr/sbin/nginx -c $conf -g 'daemon on; master_process on;' -s reload
	LimitNOFILE=65536
	# Debian's unit does not start it again when it was killed.
	Restart=on-failure
	RestartSec=1
UNIT
workers() {
	pgrep -P "$(systemctl show -P MainPID nginx.service)" | sort || :
}
before=$(workers)
"$invoke" "$reload" nginx.service
# A policy of the host may have left nginx as it was.
if [ "$reload" != reload ] || [ "$invoke" != systemctl ]; then
	exit 0
fi
# A reload ends before nginx has read its files, and what comes next (the issuer of a
# certificate, a person) relies on them. So wait for the first new process.
for _ in $(seq 100); do
	! workers | grep -qvxF "$before" || exit 0
	sleep 0.1
done
fail 'nginx did not begin to use its new configuration within 10 s; journalctl -u nginx' \
	'and /var/log/nginx/error.log say why'
