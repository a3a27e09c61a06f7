# What an administrator does on a server: backups by the timer, their check and a restore,
# new secrets, a service that is removed, and a database on another server.
#
# Needs root, debootstrap and, the first time, Debian's archive. KEDGE_SUITE chooses the
# release.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use Test::More;
use Kedge qw(slurp wait_until);
use Kedge::Server;

Kedge::Server::need();
my $suite = Kedge::Server::suite();
my $server = Kedge::Server->new($suite, Kedge::Server::package_of($suite), qw(age postgresql));
$server->boot;

# wallet's database is on another server: the host's other cluster, by TCP and a password,
# since this one cannot know the difference. Its connection strings are written before
# the first start, as docs/INSTALL.md says.
$server->succeeds('another PostgreSQL server', qw(apt-get -q -y --no-install-recommends install
	postgresql age));
my @elsewhere = qw(runuser -u postgres -- psql -p 5432 -Xqv ON_ERROR_STOP=1);
$server->succeeds('roles and a database there', @elsewhere,
	'-c', q{CREATE ROLE wallet LOGIN PASSWORD 'first'},
	'-c', q{CREATE ROLE wallet_owner LOGIN PASSWORD 'owner'},
	'-c', q{CREATE ROLE boss SUPERUSER LOGIN PASSWORD 'boss'},
	'-c', q{CREATE DATABASE wallet OWNER wallet_owner TEMPLATE template0 ENCODING 'UTF8'},
	'-c', q{REVOKE ALL ON DATABASE wallet FROM PUBLIC},
	'-c', q{GRANT CONNECT ON DATABASE wallet TO wallet});
$server->succeeds('directories for connection strings', qw(install -d -m 750
	/etc/kedge/secrets/wallet /etc/kedge/secrets/kedge));
$server->write('/etc/kedge/secrets/wallet/WALLET_DATABASE_URL',
	"postgresql://wallet:first\@127.0.0.1:5432/wallet\n");
$server->write('/etc/kedge/secrets/kedge/WALLET_MIGRATION_URL',
	"postgresql://wallet_owner:owner\@127.0.0.1:5432/wallet\n");
for my $unit (qw(kedge-wallet kedge-wallet-worker kedge-migrate kedge-backup)) {
	$server->succeeds("a drop-in of $unit", 'mkdir', '-p', "/etc/systemd/system/$unit.service.d");
	$server->write("/etc/systemd/system/$unit.service.d/database.conf", <<'UNIT');
[Service]
PrivateNetwork=no
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
IPAddressDeny=
IPAddressAllow=127.0.0.1
IPAddressDeny=any
UNIT
}
$server->install;
$server->active('installed');
$server->no_limits;
$server->sign_up;
like($server->answers(200, 'wallet', '/api/wallet/accounts'), qr/"currency"/, 'works');
is($server->out(@elsewhere, '-Atc', q{SELECT count(*) > 0 FROM account}, 'wallet'), 't',
	'its rows are on the other server');
is($server->sql('postgres', q{SELECT count(*) FROM pg_database WHERE datname = 'wallet'}), '0',
	'and it has no database here');
$server->answers(201, 'a task', '-d', '{"title":"before the backup"}', '/api/core/tasks');

# The timer.
$server->succeeds('a key', 'sh', '-c',
	'age-keygen -o /root/backup.key && age-keygen -y /root/backup.key >/etc/kedge/backup.pub');
$server->succeeds('enable the timer', qw(systemctl enable --now kedge-backup.timer));
like($server->out(qw(systemctl list-timers --all kedge-backup.timer)), qr/kedge-backup\.service/,
	'it waits for the night');
$server->succeeds('a drop-in', qw(mkdir -p /etc/systemd/system/kedge-backup.timer.d));
$server->write('/etc/systemd/system/kedge-backup.timer.d/now.conf',
	"[Timer]\nOnCalendar=\nOnActiveSec=1s\nRandomizedDelaySec=0\nAccuracySec=100ms\n");
$server->succeeds('daemon-reload', qw(systemctl daemon-reload));
$server->succeeds('for which this test does not wait', qw(systemctl restart kedge-backup.timer));
my @backups;
ok((wait_until { @backups = glob $server->root . '/var/lib/kedge/backups/kedge-*' } 120),
	'the timer has made a backup')
    or diag $server->out(qw(journalctl -u kedge-backup -o cat));
ok((wait_until { $server->shows('ActiveState', 'kedge-backup.service') eq 'inactive' } 60), 'it ends');
is($server->shows('Result', 'kedge-backup.service'), 'success', 'and succeeded')
    or diag $server->out(qw(journalctl -u kedge-backup -o cat));
my ($backup) = map { substr $_, length $server->root } @backups;
is($server->out('stat', '-c', '%a %U', '/var/lib/kedge/backups'), '700 root', 'only root can read backups');
ok(-s $server->root . "$backup/$_", "it has $_") for qw(auth.dump core.dump wallet.dump links.dump
	manifest.json secrets.tar.age);
my @admin = ('env', 'KEDGE_ADMIN_URL_WALLET=postgresql://boss:boss@127.0.0.1:5432/postgres');
my ($status, $out, $err) = $server->in(@admin, qw(kedge restore --system --verify), $backup,
	qw(--identity /root/backup.key));
is($status, 0, 'kedge restore --verify') or diag "$out$err";

# A restore.
$server->answers(201, 'a second task', '-d', '{"title":"after the backup"}', '/api/core/tasks');
$server->succeeds('kedge restore', @admin, qw(kedge restore --system --yes), $backup);
$server->recovers('restored, a request of the same session', 200, '/api/core/me');
my $tasks = $server->answers(200, 'the tasks', '/api/core/tasks');
like($tasks, qr/before the backup/, 'the first one is there');
unlike($tasks, qr/after the backup/, 'the second one is not');
$server->active('restored');

# Secrets, under load: nobody is signed out, and no request fails.
sub rotates
{
	my ($name, @command) = @_;
	my $said;
	$server->load($name, sub { $said = $server->succeeds($name, @command) });
	$server->answers(200, "$name: the session goes on", '/api/wallet/accounts');
	return $said;
}

sub secret { return slurp($server->root . "/etc/kedge/secrets/$_[0]") }
my %before = map { $_ => secret($_) } qw(auth/AUTH_SECRET core/CORE_IDENTITY_KEY
    wallet/WALLET_DATABASE_URL);
rotates('kedge secrets rotate auth-secret', qw(kedge secrets rotate auth-secret --system));
isnt(secret('auth/AUTH_SECRET'), $before{'auth/AUTH_SECRET'}, 'there is another secret');
isnt(secret('core/CORE_IDENTITY_KEY'), $before{'core/CORE_IDENTITY_KEY'}, 'and another key for core');
my $key = secret('core/CORE_IDENTITY_KEY');
my ($refused, undef, $why) = $server->in(qw(kedge secrets rotate assertion --system));
is($refused, 1, 'a second time within 7 days is refused');
like($why, qr/--force/, 'and the message says what to do');
$server->sign_in('sign in: a cookie with the new secret');
rotates('kedge secrets rotate assertion', qw(kedge secrets rotate assertion --force --system));
isnt(secret('core/CORE_IDENTITY_KEY'), $key, 'there is another key');
rotates('kedge secrets rotate database wallet', @admin,
	qw(kedge secrets rotate database wallet --system));
isnt(secret('wallet/WALLET_DATABASE_URL'), $before{'wallet/WALLET_DATABASE_URL'},
	'there is another password');
is($server->out(@elsewhere, '-Atc', q{SELECT count(*) FROM pg_authid WHERE rolname = 'wallet'
	AND rolpassword IS NULL}), '1', 'the former login has none any more');
like($server->succeeds('kedge secrets rotate database core',
		qw(kedge secrets rotate database core --system)) , qr/^/, 'core has no password');
$server->succeeds('kedge secrets rotate redis', qw(kedge secrets rotate redis --system));
is($server->out('sh', '-c', 'find /etc/kedge/secrets/*/ -type f ! -name "WALLET_*_URL" ! -perm 640'), '',
	'each secret is readable by its service only');

# A service that is removed.
my $spec = JSON::PP->new->canonical->pretty;
my $json = $spec->decode(slurp($server->root . '/etc/kedge/kedge.json'));
my $whole = $spec->encode($json);
$json->{services} = [ grep { $_->{name} ne 'links' } @{ $json->{services} } ];
$server->write('/etc/kedge/kedge.json', $spec->encode($json));
$server->load('kedge apply without links', sub { $server->succeeds('kedge apply', qw(kedge apply)) });
is($server->out('sh', '-c', 'ls -d /etc/systemd/system/kedge*links* /etc/systemd/system/*/kedge*links*'
	. ' /run/kedge/*links* /var/lib/kedge/links 2>/dev/null'), '', 'no unit, no socket and no directory is left');
is($server->out(qw(systemctl list-units --all --plain --no-legend), 'kedge*links*'), '', 'systemd knows none');
is($server->out('sh', '-c', 'getent passwd kedge-links; getent group kedge-links; ps -eo user:20 | grep kedge-links'),
	'', 'its user is gone, and so are its processes');
$server->answers(404, 'its prefix is not found', '/api/links/links');
is($server->sql('postgres', q{SELECT count(*) FROM pg_database WHERE datname = 'links'}), '1',
	'its database is left');
$server->active('without links', 'links');
# And back.
$server->write('/etc/kedge/kedge.json', $whole);
$server->succeeds('links comes back', qw(kedge apply));
$server->recovers('links again', 200, '/api/links/links');
$server->active('with links again');
done_testing;
