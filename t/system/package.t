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
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(slurp wait_until);
use Kedge::System;

plan skip_all => 'needs root' if $>;
plan skip_all => 'debootstrap is not there (./kedge setup system)'
    if !qx(sh -c 'command -v debootstrap');

my $suite = $ENV{KEDGE_SUITE} // 'bookworm';
my $start = time;

sub took
{
	my ($what) = @_;
	diag sprintf '%s: %.1f s', $what, time - $start;
	$start = time;
	return;
}

my $dir = Kedge::System::build($suite, 'first');
my ($deb) = grep { !/dbgsym/ } glob "$dir/*.deb";
ok($deb, 'the package is built') or BAIL_OUT('there is no package');
took('build');

# A newer release: other bytes in each program, and a higher version.
sub newer
{
	my ($version) = @_;
	my $tree = "$dir/newer";
	Kedge::System::call('rm', '-rf', $tree);
	Kedge::System::call('dpkg-deb', '-R', $deb, $tree);
	Kedge::System::call('sed', '-i', "s/^Version: .*/Version: $version/", "$tree/DEBIAN/control");
	for my $program (glob "$tree/usr/lib/kedge/*") {
		next if -d $program;
		open my $file, '>>', $program or die "$program: $!";
		print {$file} "\n# $version\n";
		close $file or die $!;
	}
	my $path = "$dir/kedge_${version}_newer.deb";
	Kedge::System::call('dpkg-deb', '--root-owner-group', '-b', $tree, $path);
	return $path;
}
my $newer = newer('0.1.1');

my $system = Kedge::System->new($suite, $deb, $newer, qw(certbot pebble openssl));
took('system');
diag sprintf 'boot: %.1f s', $system->boot;
$start = time;

sub succeeds
{
	my ($name, @command) = @_;
	my ($s, $o, $e) = $system->in(@command);
	is($s, 0, $name) or diag "$o$e";
	return $o;
}

sub _write
{
	my ($path, $text) = @_;
	open my $file, '>', $system->root . $path or die $!;
	print {$file} $text;
	close $file or die $!;
	return;
}

sub files
{
	my ($o) = ($system->in('find', qw(/etc /var/lib /usr /run /opt -xdev -iname *kedge*)))[1];
	return join "\n", sort grep { !m{/(dpkg/info|systemd/deb-systemd-helper)} } split /\n/, $o;
}

# Install. It asks nothing: the standard input is empty.
succeeds('the package is installed', qw(apt-get -q -y --no-install-recommends install),
	'/root/' . basename($deb));
took('installation with what it depends on');

sub active
{
	my ($when) = @_;
	my @units = qw(kedge.target kedge-auth.socket kedge-auth-verify.socket kedge-core.socket
	    kedge-wallet.socket kedge-links.socket kedge-auth kedge-auth-verify kedge-auth-worker kedge-core
	    kedge-core-worker kedge-wallet kedge-wallet-worker kedge-links
	    kedge-links-worker kedge-redis@auth kedge-redis@core kedge-redis@wallet nginx);
	my ($s, $o) = $system->in('systemctl', 'is-active', @units);
	is($s, 0, "$when: each unit is active") or diag join ' ', map {"$_"} $o =~ /(\w+)/g;
	# Units of systemd itself want what namespaces do not have, such as kernel modules.
	my $failed = ($system->in(qw(systemctl --failed --plain --no-legend)))[1];
	is(join("\n", grep { !/^systemd-/ } split /\n/, $failed), '', "$when: no unit has failed");
	return;
}
active('installed');

my $url = 'http://kedge-test';

sub curl
{
	my @args = @_;
	my ($s, $o, $e) = $system->in('curl', '-sS', '-m', 20, '-w', "\n%{http_code}", '-H', "Origin: $url",
		'-H', 'Content-Type: application/json', '-b', '/root/jar', '-c', '/root/jar', @args);
	my ($body, $code) = $o =~ /^(.*)\n(\d+)$/s;
	return ($code // 0, $body // $e);
}

sub answers
{
	my ($expected, $name, @args) = @_;
	my ($code, $body) = curl(@args);
	is($code, $expected, $name) or diag $body;
	return $body;
}
answers(200, 'the health of all', "$url/health");
like(answers(200, 'the health of verify', "http://127.0.0.1/health/auth/verify"), qr/"verify":"ok"/,
	'its pool is named');
like(answers(200, 'the metrics of verify', "http://127.0.0.1/metrics/auth/verify"), qr/^kedge_/m,
	'they have numbers');
answers(401, 'nobody has signed in', "$url/api/wallet/accounts");
answers(200, 'sign up through nginx', '-d',
	'{"name":"Ada","email":"ada@example.com","password":"correct horse battery"}',
	"$url/api/auth/sign-up/email");
my $accounts = answers(200, 'a call of wallet', "$url/api/wallet/accounts");
like($accounts, qr/"currency":"USD"/, 'it has the first account');
answers(200, 'a call of core', "$url/api/core/me");

# What must not be readable.
my $secret = succeeds('root reads a secret', 'cat', '/etc/kedge/secrets/auth/AUTH_SECRET');
chomp $secret;
is(($system->in('runuser', '-u', 'kedge-core', 'cat', '/etc/kedge/secrets/auth/AUTH_SECRET'))[0], 1,
	'another service does not');
my $seen = ($system->in({ in => "$secret\n" }, 'sh', '-c',
		'grep -l -s -a -F -f - /proc/[0-9]*/cmdline /proc/[0-9]*/environ'))[1];
is($seen, '', 'no environment and no argument has it') if length $secret;
is(($system->in('runuser', '-u', 'kedge-core', '--', 'psql', '-h', '/run/postgresql', '-p', 5433, '-U', 'auth',
		'auth', '-c', 'SELECT 1'))[0], 2, 'one service cannot log in to the database of another');
my $ports = succeeds('sockets', qw(ss -Hltn));
unlike($ports, qr/:5433\b/, 'the cluster has no TCP port');

# Each unit is confined.
for my $unit (qw(kedge-auth kedge-auth-verify kedge-auth-worker kedge-core kedge-core-worker
	kedge-wallet kedge-wallet-worker kedge-links kedge-links-worker kedge-redis@auth
	kedge-migrate)) {
	my $o = ($system->in(qw(systemd-analyze security --threshold=15), "$unit.service"))[1];
	my ($score) = $o =~ /exposure level for \S+ ([\d.]+)/;
	cmp_ok($score // 10, '<=', 1.5, "$unit.service: exposure at most 1.5");
}

# Variables of the operator: no rate limits, since one client makes all requests.
_write('/etc/kedge/auth.env', "AUTH_RATE_LIMIT=off\n");
_write('/etc/kedge/core.env', "CORE_WRITE_RATE=0\n");

sub started
{
	my ($unit) = @_;
	return ($system->in(qw(systemctl show -P ExecMainStartTimestampMonotonic), $unit))[1];
}
my %before = map { $_ => started($_) } qw(kedge-auth kedge-core kedge-wallet);
succeeds('kedge apply', qw(kedge apply));
isnt(started($_), $before{$_}, "$_ was restarted with its new variable") for qw(kedge-auth kedge-core);
is(started('kedge-wallet'), $before{'kedge-wallet'}, 'wallet was not: nothing of it differs');

# Under load.
my ($cookie) = map { (split /\t/)[6] } grep { /session_token/ } split /\n/,
    slurp($system->root . '/root/jar');
my $posted = 0;

sub load
{
	my ($name, $during) = @_;
	my $stop = $system->root . '/root/stop';
	unlink $stop;
	my $result = File::Temp->new;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDOUT, '>', $result->filename or POSIX::_exit(126);
		exec 'nsenter', '-n', '-u', '-t', $system->{init}, "$FindBin::Bin/load", $stop, 'http://127.0.0.1', $url,
		    "better-auth.session_token=$cookie", 4 or POSIX::_exit(127);
	}
	select undef, undef, undef, 0.5; # some requests before
	my $begin = time;
	$during->();
	my $took = time - $begin;
	select undef, undef, undef, 0.5; # and some after
	open my $file, '>', $stop or die $!;
	close $file;
	waitpid $pid, 0;
	my $counts = eval { decode_json(slurp($result->filename)) } // {};
	my @bad = grep { /^(get|post) [^2]/ } sort keys %$counts;
	ok(!@bad, "$name: no request failed") or diag join "\n", map {"$counts->{$_} x $_"} @bad;
	cmp_ok($counts->{'get 200'} // 0, '>', 50, "$name: there was load");
	$posted += $counts->{'post 201'} // 0;
	diag sprintf '%s: %.1f s, %d GETs, %d POSTs, longest %d and %d ms', $name, $took,
	    $counts->{'get 200'} // 0, $counts->{'post 201'} // 0, $counts->{'longest get ms'} // 0,
	    $counts->{'longest post ms'} // 0;
	return;
}
my @services = qw(kedge-core kedge-wallet kedge-auth kedge-auth-verify);
# One gap of some milliseconds may slip past the requests, so three times.
load('restart', sub {
	for my $n (1 .. 3) {
		succeeds("systemctl restart $_", qw(systemctl restart), $_) for @services;
	}
});
load('reload', sub {
	for my $n (1 .. 3) {
		succeeds("systemctl reload $_", qw(systemctl reload), $_) for @services;
	}
});
load('upgrade', sub {
	succeeds('the newer package is installed', qw(apt-get -q -y --no-install-recommends install),
		'/root/' . basename($newer));
});
is(($system->in(qw(dpkg-query -W -f ${Version} kedge)))[1], '0.1.1', 'the newer version is installed');
active('upgraded');
my $stale = ($system->in('sh', '-c', 'ls -l /proc/[0-9]*/exe 2>/dev/null | grep "/usr/lib/kedge/.*(deleted)"'))[1];
is($stale, '', 'no process runs the old program');
my $tasks = ($system->in('psql', '-h', '/run/postgresql', '-p', 5433, '-U', 'postgres', '-Atc',
		"SELECT count(*) FROM task WHERE title LIKE 'load %'", 'core'))[1];
is($tasks + 0, $posted, 'each POST that was answered is stored, once');
%before = map { $_ => started($_) } @services;
load('kedge apply', sub { succeeds('kedge apply again', qw(kedge apply)) });
is(started($_), $before{$_}, "$_ was not restarted: nothing differs") for @services;

# A master that is killed.
my ($main) = ($system->in(qw(systemctl show -P MainPID kedge-core)))[1] =~ /(\d+)/;
succeeds('kill -9', 'kill', '-9', $main);
my $killed = time;
ok((wait_until { (curl("$url/api/core/me"))[0] eq '200' } 20), 'core answers again');
diag sprintf 'after kill -9: %.1f s', time - $killed;

# A reboot.
$system->in(qw(systemctl --no-block reboot));
ok($system->wait_halted, 'the system halts');
diag sprintf 'boot with Kedge: %.1f s', $system->boot;
my $booted = time;
ok((wait_until { (curl("$url/api/wallet/accounts"))[0] eq '200' } 60), 'after the reboot, the session is still valid');
diag sprintf 'first verified request %.1f s after the boot', time - $booted;
active('rebooted');

# The first administrator, and jobs.
my $made = succeeds('kedge user create', qw(kedge user create root@example.com --role admin));
like($made, qr/root\@example\.com/, 'it says whom it has made');
like(succeeds('kedge user list', qw(kedge user list)), qr/ada\@example\.com/, 'it lists who signed up');
like(succeeds('kedge jobs', qw(kedge jobs wallet schedules)), qr/\S/, 'it lists schedules');

# A name and a certificate, from pebble, a server of ACME for tests.
succeeds('certbot is installed', qw(apt-get -q -y --no-install-recommends install certbot pebble openssl));
my $name = 'app.example.test';
_write('/etc/hosts', "127.0.0.1 localhost kedge-test $name\n");
_write('/root/pebble.json', encode_json({ pebble => { listenAddress => '127.0.0.1:14000',
	managementListenAddress => '127.0.0.1:15000', certificate => '/root/acme.pem',
	privateKey => '/root/acme.key', httpPort => 80, tlsPort => 443 } }));
succeeds('a certificate of the issuer itself', qw(openssl req -x509 -newkey rsa:2048 -nodes -days 2
	-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout /root/acme.key -out /root/acme.pem));
succeeds('pebble', qw(systemd-run --unit=pebble -E PEBBLE_VA_NOSLEEP=1 -E PEBBLE_WFE_NONCEREJECT=0
	pebble -config /root/pebble.json));
ok((wait_until { ($system->in(qw(curl -sS --cacert /root/acme.pem -o /root/root.pem
	https://localhost:15000/roots/0)))[0] == 0 } 20), 'pebble answers');
my @acme = (qw(env REQUESTS_CA_BUNDLE=/root/acme.pem));
my $said = succeeds('kedge domain', @acme, qw(kedge domain), $name, qw(--acme https://localhost:14000/dir));
like($said, qr{^https://\Q$name\E$}m, 'it prints the address');
my @tls = qw(--cacert /root/root.pem);
is(($system->in('curl', '-sS', @tls, '-o', '/dev/null', '-w', '%{http_code} %{http_version}',
	"https://$name/"))[1], '200 2', 'https, with HTTP/2');
is(($system->in('curl', '-sS', '-o', '/dev/null', '-w', '%{http_code} %{redirect_url}',
	"http://$name/x"))[1], "308 https://$name/x", 'http is redirected');
$url = "https://$name";
answers(200, 'sign in over https', @tls, '-d', '{"email":"ada@example.com","password":"correct horse battery"}',
	"$url/api/auth/sign-in/email");
like(slurp($system->root . '/root/jar'), qr/TRUE\t\d+\t__Secure-better-auth\.session_token/,
	'the cookie is Secure');
answers(200, 'wallet over https', @tls, "$url/api/wallet/accounts");
is(($system->in('curl', '-sS', @tls, '-H', 'Origin: http://kedge-test', '-b', '/root/jar', '-o', '/dev/null',
	'-w', '%{http_code}', '-X', 'POST', '-H', 'Content-Type: application/json', '-d', '{"title":"x"}',
	"$url/api/core/tasks"))[1], 403, 'the former origin is no longer trusted');
sub serial
{
	return ($system->in('sh', '-c', "openssl s_client -connect $name:443 -servername $name </dev/null"
		. ' 2>/dev/null | openssl x509 -noout -serial'))[1];
}
my $serial = serial();
like($serial, qr/^serial=\w+/, 'the certificate has a serial number');
succeeds('certbot renews', @acme, qw(certbot -q renew --force-renewal --no-random-sleep-on-renew));
ok((wait_until { my $now = serial(); $now =~ /=/ && $now ne $serial } 10), 'nginx serves the new certificate');
took('TLS');

# The journal has the level of a line as its priority.
like(($system->in(qw(journalctl -u kedge-core -p err -o cat)))[1], qr/^(?!.*"level":"info")/s,
	'no line of level info is an error');
unlike(($system->in(qw(journalctl -u kedge-core -p warning -o cat)))[1], qr/^\{.*"level":"info"/m,
	'nor a warning');

# Anybody can run a private stack.
succeeds('a user', qw(useradd -m ada));
my $up = succeeds('kedge up, as an ordinary user', qw(runuser -l ada -c), 'kedge up --detach --port 8090');
like($up, qr{ready on http://127\.0\.0\.1:8090}, 'it is ready');
succeeds('kedge down', qw(runuser -l ada -c), 'kedge down');
succeeds('no user', qw(userdel -r ada));

succeeds('remove', qw(apt-get -q -y remove kedge));
is(($system->in('sh', '-c', 'ps -eo user:20,args | grep "^kedge"'))[1], '', 'no process is left');
is((curl('http://127.0.0.1/'))[0], 200, 'nginx serves its own page again');
ok(-e $system->root . '/etc/kedge/secrets/auth/AUTH_SECRET', 'the secrets are kept until the purge');
succeeds('purge', qw(apt-get -q -y purge kedge));
is(files(), '/etc/kedge', 'the files of Kedge are gone');
is(join(' ', map {basename($_)} glob $system->root . '/etc/kedge/*'), 'auth.env core.env',
	'the files of the administrator are kept');
is(slurp($system->root . '/etc/passwd') =~ /kedge/ ? 'some' : '', '', 'no user is left');
is(($system->in('pg_lsclusters', '-h'))[1] =~ /kedge/ ? 'some' : '', '', 'the cluster is gone');
took('the rest');
done_testing;
