# The package on a server: a new Debian, booted by systemd in namespaces. It is installed,
# restarted, reloaded and upgraded under load, killed, rebooted, removed and purged.
#
# Needs root, debootstrap and, the first time, Debian's archive. KEDGE_SUITE chooses the
# release: bookworm (the default) or trixie.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Basename qw(basename);
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(slurp wait_until);
use Kedge::Server;

Kedge::Server::need();
my $suite = Kedge::Server::suite();
my $start = time;

sub took
{
	my ($what) = @_;
	diag sprintf '%s: %.1f s', $what, time - $start;
	$start = time;
	return;
}

my $deb = Kedge::Server::package_of($suite);
my $newer = Kedge::Server::package_of($suite, 'newer', change => Kedge::Server::newer_release());
took('build');

my $system = Kedge::Server->new($suite, $deb, $newer, qw(certbot pebble openssl));
took('system');
diag sprintf 'boot: %.1f s', $system->boot;

sub files
{
	my ($o) = ($system->in('find', qw(/etc /var/lib /usr /run /opt -xdev -iname *kedge*)))[1];
	return join "\n", sort grep { !m{/(dpkg/info|systemd/deb-systemd-helper)} } split /\n/, $o;
}

$system->install;
$system->active('installed');
my $url = $system->{url};
$system->answers(200, 'the health of all', 'http://127.0.0.1:9180/health');
like($system->answers(200, 'the health of verify', 'http://127.0.0.1:9180/health/auth/verify'),
	qr/"verify":"ok"/, 'its pool is named');
like($system->answers(200, 'the metrics of verify', 'http://127.0.0.1:9180/metrics/auth/verify'),
	qr/^kedge_/m, 'they have numbers');
$system->answers(401, 'nobody has signed in', '/api/wallet/accounts');
$system->sign_up;
my $accounts = $system->answers(200, 'a call of wallet', '/api/wallet/accounts');
like($accounts, qr/"currency":"USD"/, 'it has the first account');
$system->answers(200, 'a call of core', '/api/core/me');

# What must not be readable.
my $secret = $system->succeeds('root reads a secret', 'cat', '/etc/kedge/secrets/auth/AUTH_SECRET');
chomp $secret;
is(($system->in('runuser', '-u', 'kedge-core', 'cat', '/etc/kedge/secrets/auth/AUTH_SECRET'))[0], 1,
	'another service does not');
my $seen = ($system->in({ in => "$secret\n" }, 'sh', '-c',
		'grep -l -s -a -F -f - /proc/[0-9]*/cmdline /proc/[0-9]*/environ'))[1];
is($seen, '', 'no environment and no argument has it') if length $secret;
is(($system->in('runuser', '-u', 'kedge-core', '--', 'psql', '-h', '/run/postgresql', '-p', 5433, '-U', 'auth',
		'auth', '-c', 'SELECT 1'))[0], 2, 'one service cannot log in to the database of another');
my $ports = $system->succeeds('sockets', qw(ss -Hltn));
unlike($ports, qr/:5433\b/, 'the cluster has no TCP port');

# Each unit is confined, and its memory and its tasks are limited.
my @units = ($system->in(qw(systemctl list-units --all --plain --no-legend --full kedge*.service)))[1]
    =~ /^(kedge\S*)\.service/mg;
cmp_ok(scalar @units, '>=', 14, 'there are units: ' . join ' ', @units);
my %exposure;
for my $unit (@units, 'kedge-backup') {
	my $o = ($system->in(qw(systemd-analyze security --threshold=15), "$unit.service"))[1];
	my ($score) = $o =~ /exposure level for \S+ ([\d.]+)/;
	$exposure{$unit} = $score;
	cmp_ok($score // 10, '<=', 1.5, "$unit.service: exposure at most 1.5");
	like($system->shows($_, "$unit.service"), qr/^\d+$/, "$unit.service: has a limit $_")
	    for qw(MemoryMax TasksMax);
}
diag 'exposure: ' . join ', ', map {"$_ $exposure{$_}"} sort keys %exposure;
my $verify = $system->shows('MainPID', 'kedge-auth-verify');
unlike($system->succeeds('the network of verify', qw(nsenter -n -t), $verify, qw(ip -o addr)),
	qr/inet.* scope global/, 'verify has none');
isnt($system->out('readlink', "/proc/$verify/ns/net"), $system->out('readlink', '/proc/1/ns/net'),
	'and cannot reach a port of this host');

# Variables of the operator are read at a restart, which only the units need that have some.
my %before = map { $_ => started($_) } qw(kedge-auth kedge-core kedge-wallet);

sub started
{
	my ($unit) = @_;
	return $system->shows('ExecMainStartTimestampMonotonic', $unit);
}
$system->no_limits;
isnt(started($_), $before{$_}, "$_ was restarted with its new variable") for qw(kedge-auth kedge-core);
is(started('kedge-wallet'), $before{'kedge-wallet'}, 'wallet was not: nothing of it differs');

# Under load.
my @services = qw(kedge-core kedge-wallet kedge-auth kedge-auth-verify);
# One gap of some milliseconds may slip past the requests, so three times.
$system->load('restart', sub {
	for my $n (1 .. 3) {
		$system->succeeds("systemctl restart $_", qw(systemctl restart), $_) for @services;
	}
});
$system->load('reload', sub {
	for my $n (1 .. 3) {
		$system->succeeds("systemctl reload $_", qw(systemctl reload), $_) for @services;
	}
});
# What the newer release says before it is installed.
$system->succeeds('the newer package is unpacked elsewhere', qw(dpkg-deb -x),
	'/root/' . basename($newer), '/root/newer');
my $check = $system->succeeds('kedge upgrade --check', qw(/root/newer/usr/bin/kedge upgrade --check --system));
like($check, qr{sql/core/0900_newer\.sql \(in a transaction\)\n.*AccessExclusiveLock on public\.task},
	'it names the migration, and its lock');
like($check, qr{sql/core/0901_newer_index\.sql \(without a transaction\)}, 'and the index');
$system->load('upgrade', sub {
	$system->succeeds('the newer package is installed', qw(apt-get -q -y --no-install-recommends install),
		'/root/' . basename($newer));
});
is($system->out(qw(dpkg-query -W -f ${Version} kedge)), '0.1.1', 'the newer version is installed');
$system->active('upgraded');
my $stale = ($system->in('sh', '-c', 'ls -l /proc/[0-9]*/exe 2>/dev/null | grep "/usr/lib/kedge/.*(deleted)"'))[1];
is($stale, '', 'no process runs the old program');
like($system->out(qw(kedge version)), qr/0\.1\.1/, 'it says so');
is($system->sql('core', 'SELECT count(newer) FROM task'), '0', 'its migration has run');
is($system->sql('core', q{SELECT indisvalid FROM pg_index WHERE indexrelid = 'task_newer'::regclass}), 't',
	'the index is there, and valid');
$system->nothing_lost('each POST that was answered is stored, once');
%before = map { $_ => started($_) } @services;
$system->load('kedge apply', sub { $system->succeeds('kedge apply again', qw(kedge apply)) });
is(started($_), $before{$_}, "$_ was not restarted: nothing differs") for @services;

# A reboot.
$system->in(qw(systemctl --no-block reboot));
ok($system->wait_halted, 'the system halts');
diag sprintf 'boot with Kedge: %.1f s', $system->boot;
$system->recovers('after the reboot, the session is still valid', 200, '/api/wallet/accounts');
$system->active('rebooted');

# The first administrator, and jobs.
my $made = $system->succeeds('kedge user create', qw(kedge user create root@example.com --role admin));
like($made, qr/root\@example\.com/, 'it says whom it has made');
like($system->succeeds('kedge user list', qw(kedge user list)), qr/ada\@example\.com/, 'it lists who signed up');
like($system->succeeds('kedge jobs', qw(kedge jobs wallet schedules)), qr/\S/, 'it lists schedules');

# A name and a certificate, from pebble, a server of ACME for tests.
my $name = 'app.example.test';
$system->write('/etc/hosts', "127.0.0.1 localhost kedge-test $name\n");
$system->begin_acme;
my @acme = (qw(env REQUESTS_CA_BUNDLE=/root/acme.pem));
my $said = $system->succeeds('kedge domain', @acme, qw(kedge domain), $name, qw(--acme https://localhost:14000/dir));
like($said, qr{^https://\Q$name\E$}m, 'it prints the address');
$system->{curl} = [qw(--cacert /root/root.pem)];
is(($system->in('curl', '-sS', @{ $system->{curl} }, '-o', '/dev/null', '-w', '%{http_code} %{http_version}',
	"https://$name/"))[1], '200 2', 'https, with HTTP/2');
SKIP: {
	skip 'nginx of this release has no HTTP/3', 3 if ($system->in(qw(nginx -V)))[2] !~ /http_v3_module/;
	like(($system->in('curl', '-sSI', @{ $system->{curl} }, "https://$name/"))[1],
		qr/^alt-svc: h3=":443"/mi, 'it offers HTTP/3');
	like($system->out(qw(ss -Hlun)), qr/:443\b/, 'and listens on UDP');
	skip 'curl of this release has no HTTP/3', 1 if ($system->in(qw(curl -V)))[1] !~ /HTTP3/;
	is(($system->in('curl', '-sS', '--http3-only', @{ $system->{curl} }, '-o', '/dev/null', '-w',
		'%{http_code} %{http_version}', "https://$name/"))[1], '200 3', 'which answers');
}
is(($system->in('curl', '-sS', '-o', '/dev/null', '-w', '%{http_code} %{redirect_url}',
	"http://$name/x"))[1], "308 https://$name/x", 'http is redirected');
$system->{url} = "https://$name";
$system->sign_in('sign in over https');
like(slurp($system->root . '/root/jar'), qr/TRUE\t\d+\t__Secure-better-auth\.session_token/,
	'the cookie is Secure');
$system->answers(200, 'wallet over https', '/api/wallet/accounts');
is(($system->in('curl', '-sS', @{ $system->{curl} }, '-H', 'Origin: http://kedge-test', '-b', '/root/jar',
	'-o', '/dev/null', '-w', '%{http_code}', '-H', 'Content-Type: application/json', '-d', '{"title":"x"}',
	"https://$name/api/core/tasks"))[1], 403, 'the former origin is no longer trusted');
sub serial
{
	return ($system->in('sh', '-c', "openssl s_client -connect $name:443 -servername $name </dev/null"
		. ' 2>/dev/null | openssl x509 -noout -serial'))[1];
}
my $serial = serial();
like($serial, qr/^serial=\w+/, 'the certificate has a serial number');
$system->succeeds('certbot renews', @acme, qw(certbot -q renew --force-renewal --no-random-sleep-on-renew));
ok((wait_until { my $now = serial(); $now =~ /=/ && $now ne $serial } 10), 'nginx serves the new certificate');
took('TLS');

# The journal has the level of a line as its priority.
like(($system->in(qw(journalctl -u kedge-core -p err -o cat)))[1], qr/^(?!.*"level":"info")/s,
	'no line of level info is an error');
unlike(($system->in(qw(journalctl -u kedge-core -p warning -o cat)))[1], qr/^\{.*"level":"info"/m,
	'nor a warning');

# A user without any rights on the server can run a private stack.
$system->succeeds('a user', qw(useradd -m ada));
my $up = $system->succeeds('kedge up, as an ordinary user', qw(runuser -l ada -c), 'kedge up --detach --port 8090');
like($up, qr{ready on http://127\.0\.0\.1:8090}, 'it is ready');
$system->succeeds('kedge down', qw(runuser -l ada -c), 'kedge down');
$system->succeeds('no user', qw(userdel -r ada));

$system->succeeds('remove', qw(apt-get -q -y remove kedge));
is(($system->in('sh', '-c', 'ps -eo user:20,args | grep "^kedge"'))[1], '', 'no process is left');
is(($system->curl('http://127.0.0.1/'))[0], 200, 'nginx serves its own page again');
ok(-e $system->root . '/etc/kedge/secrets/auth/AUTH_SECRET', 'the secrets are kept until the purge');
$system->succeeds('purge', qw(apt-get -q -y purge kedge));
is(files(), '/etc/kedge', 'the files of Kedge are gone');
is(join(' ', map {basename($_)} glob $system->root . '/etc/kedge/*'), 'auth.env core.env',
	'the files of the administrator are kept');
is(slurp($system->root . '/etc/passwd') =~ /kedge/ ? 'some' : '', '', 'no user is left');
is(($system->in('pg_lsclusters', '-h'))[1] =~ /kedge/ ? 'some' : '', '', 'the cluster is gone');
took('the rest');
done_testing;
