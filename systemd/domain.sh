#!/bin/sh
# domain.sh NAME... [--email ADDRESS] [--acme URL]: gives this host its names and a
# certificate for them. `kedge domain` executes it.
#
# The names come first, without TLS, because the issuer of the certificate fetches a file
# from this host by each of them. If it does not succeed, the names stay.
set -eu

fail() { # STATUS MESSAGE
	status=$1
	shift
	echo "kedge: domain: $*" >&2
	exit "$status"
}

names=
email=
acme=
while [ $# -gt 0 ]; do
	case $1 in
	--email | --acme)
		[ $# -ge 2 ] || fail 2 "$1 needs a value; see \"kedge domain --help\""
		if [ "$1" = --email ]; then email=$2; else acme=$2; fi
		shift
		;;
	-*) fail 2 "there is no option $1; see \"kedge domain --help\"" ;;
	*) names="$names $1" ;;
	esac
	shift
done
names=${names# }
[ -n "$names" ] || fail 2 'which name? see "kedge domain --help"'
first=${names%% *}
command -v certbot >/dev/null || fail 1 'certbot is missing: apt install certbot'

# A name with other characters than these is refused by the parser of kedge.json.
# shellcheck disable=SC2086 # one argument for each name
list=$(printf '"%s", ' $names)
kedge apply set serverNames "[${list%, }]"
mkdir -p /var/lib/kedge/acme
chmod 755 /var/lib/kedge /var/lib/kedge/acme
kedge apply

set -- certonly --non-interactive --agree-tos --webroot -w /var/lib/kedge/acme \
	--cert-name "$first" --deploy-hook 'systemctl reload nginx.service'
for name in $names; do
	set -- "$@" -d "$name"
done
if [ -n "$email" ]; then
	set -- "$@" --email "$email"
else
	set -- "$@" --register-unsafely-without-email
fi
[ -z "$acme" ] || set -- "$@" --server "$acme"
certbot --quiet "$@" || fail 1 "there is no certificate for $names; certbot says why" \
	'above and in /var/log/letsencrypt. The names are served without TLS until' \
	'"kedge domain" is repeated'

live=/etc/letsencrypt/live/$first
kedge apply set tls \
	"{ \"certificate\": \"$live/fullchain.pem\", \"key\": \"$live/privkey.pem\" }"
kedge apply
echo "https://$first"
