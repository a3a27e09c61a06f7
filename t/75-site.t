# The nginx of a server, as "kedge render" configures it: TLS, HTTP/2, names, redirect,
# monitoring.  It runs in a mount and a network namespace of its own, with the real paths
# and ports, in front of the services of a stack.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;
use Kedge qw(jdecode jencode need run slurp);

need(qw(nginx openssl curl unshare ip));
Kedge::skip_file('only root can make namespaces') if $> != 0;
Kedge::skip_file('namespaces are not allowed here') if (run('unshare', '-mn', 'true'))[0] != 0;
my $k = Kedge->up;
my $dir = $k->dir;
my $alice = $k->user('alice');
my $top = tempdir(CLEANUP => 1);
chmod 0755, $top;

sub write_file { my ($path, $text) = @_; make_path($path =~ s{/[^/]*$}{}r); open my $f, '>', $path or die "$path: $!"; print $f $text; close $f; return }
my $shape = jdecode(slurp("$Kedge::ROOT/kedge.json"));
$shape->{serverNames} = [ 'app.example', 'www.app.example' ];
$shape->{tls} = { certificate => "$top/cert.pem", key => "$top/key.pem", hsts => 86400 };
$shape->{web} = "$Kedge::ROOT/web";
$shape->{trustedProxies} = ['10.9.0.0/16'];
write_file("$top/kedge.json", jencode($shape));
is((run('openssl', qw(req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 60 -subj /CN=app.example),
	'-addext', 'subjectAltName=DNS:app.example,DNS:www.app.example', '-keyout', "$top/key.pem", '-out', "$top/cert.pem"))[0], 0, 'a certificate');
write_file("$top/nginx.d/extra.conf", "location = /extra { default_type text/plain; return 200 'extra\\n'; }\n");
write_file("$top/acme/.well-known/acme-challenge/token", "proof\n");

# The script that runs inside the namespaces.  It links the stack's sockets to where the
# sockets of systemd's units would be.
write_file("$top/inside.sh", <<'SH');
set -eu
top=$1 stack=$2 kedge=$3 nginx=$4
ip link set lo up
ip addr add 10.9.0.1/32 dev lo
# A copy of /etc, and empty directories, that end with this namespace.
mkdir "$top/etc" && cp -a /etc/. "$top/etc/" 2>/dev/null || :
mount --bind "$top/etc" /etc
mount -t tmpfs none /run
for d in /var/lib /var/log; do mount -t tmpfs none $d; done
mkdir -p /var/log/nginx /var/lib/nginx /var/lib/kedge /etc/kedge /run/kedge
cp -r "$top/acme" /var/lib/kedge/acme
cp "$top/kedge.json" /etc/kedge/
cp -r "$top/nginx.d" /etc/kedge/nginx.d
cat "$stack/env/auth.env" >/dev/null
for s in auth core wallet links; do
	mkdir /run/kedge/$s
	[ ! -e "$stack/run/$s.sock" ] || ln -s "$stack/run/$s.sock" /run/kedge/$s/api.sock
done
ln -s "$stack/run/verify.sock" /run/kedge/auth/verify.sock
"$kedge" render --what nginx,env
sed -i 's/^user www-data;/user root;/' /etc/kedge/generated/nginx/nginx.conf
"$nginx" -c /etc/kedge/generated/nginx/nginx.conf -g 'daemon on;'
status=0
get() { # NAME CURL-ARGUMENTS: prints the answer between marks
	name=$1
	shift
	echo "== $name"
	curl -sS -i --max-time 10 --cacert "$top/cert.pem" \
		--resolve app.example:443:127.0.0.1 --resolve app.example:80:127.0.0.1 \
		--resolve www.app.example:443:127.0.0.1 --resolve other.example:443:127.0.0.1 \
		--resolve other.example:80:127.0.0.1 "$@" -w '\n[%{http_version} %{ssl_verify_result}]\n' 2>&1 || echo "[curl $?]"
}
get redirect 'http://app.example/a/b?c=d'
get acme http://app.example/.well-known/acme-challenge/token
get other http://other.example/
get noname -H 'Host;' http://127.0.0.1/
get monitoring http://localhost:9180/health
get metrics http://127.0.0.1:9180/metrics/core
get public http://localhost/health
get rebound -H 'Host: app.example' http://127.0.0.1:9180/metrics/core
get remote --interface 10.9.0.1 -H 'Host: localhost' http://10.9.0.1:9180/health
get refused https://app.example/api/core/whoami
get user -H "Cookie: $COOKIE" https://app.example/api/core/whoami
get second https://www.app.example/api/auth/ok
get sni https://other.example/
get host -H 'Host: other.example' https://app.example/
get page https://app.example/
get extra https://app.example/extra
get proxied --interface 10.9.0.1 -H 'X-Forwarded-For: 203.0.113.9' https://app.example/nothing --resolve app.example:443:10.9.0.1
get tls11 --tls-max 1.1 https://app.example/
echo "== log"
cat /var/log/nginx/access.log
echo "== doctor"
"$kedge" doctor --system --json nginx bypass address certificate || :
echo "== drift"
"$kedge" doctor --system --json files || :
echo "== fixed"
"$kedge" render --what nginx,env --force
"$kedge" doctor --system --json --fix files || :
"$kedge" doctor --system --json files || :
ls /etc/systemd/system/kedge-core.socket
kill -QUIT "$(cat /run/nginx.pid)"
SH
chmod 0711, "$dir", "$dir/run";
my ($status, $out, $err) = run({ timeout => 120, env => { COOKIE => $alice->cookie_header } }, 'unshare', '-mn', '--propagation', 'private',
	'sh', "$top/inside.sh", $top, $dir, Kedge->binary('kedge'), Kedge::tool('nginx'));
is($status, 0, 'it runs') or diag($out, $err);
my %got = $out =~ /^== (\w+)\n(.*?)(?=^== |\z)/gms;

like($got{redirect}, qr{^HTTP/1\.1 308 .*^Location: https://app\.example/a/b\?c=d\r$}ms, 'http: redirected, with path and query');
like($got{acme}, qr{^HTTP/1\.1 200 .*^proof$}ms, 'http: but not the proof for a certificate');
like($got{$_}, qr{^HTTP/1\.1 421 .*"code":"MISDIRECTED_REQUEST"}s, "http: $_ name is refused") for qw(other);
like($got{noname}, qr{^HTTP/1\.1 400 }, 'http: a request without a name is malformed');
unlike($got{$_}, qr/^strict-transport-security/mi, "http: $_ has no HSTS, which only https may set") for qw(other redirect monitoring);
like($got{monitoring}, qr{^HTTP/1\.1 200 .*"status":"ok"}s, 'http: health for programs on this host');
like($got{metrics}, qr{^HTTP/1\.1 200 .*^kedge_}ms, 'http: and metrics');
like($got{remote}, qr{^\[curl 7\]$}m, 'http: others cannot connect there');
like($got{public}, qr{^HTTP/1\.1 421 }, 'http: health is not at the address of clients');
like($got{rebound}, qr{^HTTP/1\.1 421 }, 'http: nor is there another name at that of monitoring');
like($got{refused}, qr{^HTTP/2 401 .*"code":"UNAUTHENTICATED"}s, 'https: HTTP/2, and nobody is refused');
like($got{refused}, qr/^\[2 0\]$/m, 'https: the certificate is accepted');
like($got{refused}, qr/^strict-transport-security: max-age=86400\r$/mi, 'https: with HSTS');
like($got{user}, qr{^HTTP/2 200 .*"userId":"\Q$alice->{id}\E"}s, 'https: a user is let through');
like($got{second}, qr{^HTTP/2 200 }, 'https: the second name');
like($got{sni}, qr{^\[curl 35\]$}m, 'https: another name gets no certificate');
like($got{host}, qr{^HTTP/2 421 .*"code":"MISDIRECTED_REQUEST"}s, 'https: nor an answer under this one');
like($got{page}, qr{^HTTP/2 200 .*^content-type: text/html}msi, 'https: the page');
like($got{page}, qr/^strict-transport-security: max-age=86400\r$/mi, 'https: with HSTS, too');
like($got{extra}, qr{^HTTP/2 200 .*^extra$}ms, 'an addition of the operator');
like($got{tls11}, qr{^\[curl 35\]$}m, 'TLS 1.1 is refused');
my ($line) = grep {m{"path":"/nothing"}} split /\n/, $got{log};
is(jdecode($line // '{}')->{ip}, '203.0.113.9', 'the client behind a proxy');

my $doctor = jdecode($got{doctor} // '') // {};
is_deeply([ grep { $_->{severity} ne 'note' } @{ $doctor->{findings} } ], [], 'kedge doctor --system finds nothing')
    or diag(explain $doctor);
my ($sent) = map { $_->{what} =~ /^(\d+) requests without a session/ } @{ $doctor->{findings} };
cmp_ok($sent, '>', 500, 'after hundreds of requests over TLS');
my @drift = @{ (jdecode($got{drift}) // {})->{findings} // [] };
ok((grep { $_->{severity} eq 'error' && $_->{what} =~ m{^/etc/kedge/generated/nginx/nginx\.conf was edited} } @drift), 'an edited file is found');
ok((grep { $_->{what} =~ m{^/etc/systemd/system/kedge-core\.socket is missing} } @drift), 'and missing units');
my ($repair, $after) = map { jdecode($_) } grep {/^\{/} split /\n/, $got{fixed};
like($repair->{findings}[0]{what} // '', qr/^\d+ files were written$/, '--fix writes what is missing');
is_deeply($after->{findings}, [], 'and then nothing is left');
like($got{fixed}, qr{^/etc/systemd/system/kedge-core\.socket$}m, 'the file is there');
done_testing;
