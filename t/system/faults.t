# A server when things break: processes are killed, disks are full. Each fault is answered
# with a status and a code, and the server recovers from it by itself.
#
# Needs root, debootstrap and, the first time, Debian's archive. KEDGE_SUITE chooses the
# release.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use Test::More;
use Kedge qw(wait_until);
use Kedge::Server;

Kedge::Server::need();
my $suite = Kedge::Server::suite();
my $server = Kedge::Server->new($suite, Kedge::Server::package_of($suite));
$server->boot;

# Small disks: for PostgreSQL, and for nginx's logs.
sub small_disk
{
	my ($dir, $size) = @_;
	$server->succeeds("a disk of $size for $dir", 'sh', '-euc',
		"mkdir -p $dir; mount -t tmpfs -o size=$size,mode=755 small $dir");
	return;
}

# Fills a disk completely; 1 MiB is less than any file of the log.
sub fill
{
	my ($dir) = @_;
	my $failed = ($server->in('dd', 'if=/dev/zero', "of=$dir/filler", 'bs=64k'))[0];
	is($failed, 1, "$dir is full");
	return;
}
small_disk('/var/lib/postgresql', '400m');
small_disk('/var/log/nginx', '2m');
$server->install;
$server->sign_up;
$server->no_limits;
$server->answers(200, 'a call of core', '/api/core/me');
$server->answers(200, 'a call of wallet', '/api/wallet/accounts');

# A task that cannot be compressed.
sub post
{
	my $notes = join '', map { chr 33 + int rand 90 } 1 .. 4000;
	return ('-d', encode_json({ title => 'fault', notes => $notes =~ tr/"\\@/xxx/r }), '/api/core/tasks');
}

# The pid of the main process of a unit. Without it, a test would kill nothing.
sub main_pid
{
	my ($unit) = @_;
	my $pid = $server->shows('MainPID', $unit);
	ok($pid > 1, "$unit runs") or BAIL_OUT("$unit does not run");
	return $pid;
}

# Kills the process; the unit must have another one soon.
sub killed
{
	my ($unit, @path) = @_;
	my $pid = main_pid($unit);
	$server->succeeds("kill -9 of $unit", 'kill', '-9', $pid);
	my $now;
	ok((wait_until {
		$now = $server->shows('MainPID', $unit);
		$now ne '0' && $now ne $pid && $server->shows('ActiveState', $unit) eq 'active';
	} 60), "$unit is started again") or diag $now;
	$server->recovers("killed $unit, a verified request", 200, @path);
	return;
}
killed('kedge-core', '/api/core/me');
killed('kedge-auth-verify', '/api/core/me');
killed('kedge-auth', '/api/auth/get-session');
killed('kedge-core-worker', '/api/core/me');
killed('kedge-redis@auth', '/api/core/me');
killed('kedge-redis@core', '/api/core/me');
killed('nginx', '/api/core/me');
killed('postgresql@' . $server->version . '-kedge', '/api/core/me');
$server->answers(201, 'and a write', post());

# One process of a pool: its master replaces it, and the others go on.
my $master = main_pid('kedge-core');
my ($worker, @others) = $server->out('pgrep', '-P', $master) =~ /(\d+)/g;
my $processes = 1 + @others;
my $counts = $server->load('a process of core is killed', sub {
	$server->succeeds('kill -9 of one process', 'kill', '-9', $worker);
	ok((wait_until {
		my @now = $server->out('pgrep', '-P', $master) =~ /(\d+)/g;
		@now >= $processes && !grep { $_ eq $worker } @now;
	} 20), 'it is replaced');
}, qr/ 50[234]/);
is($server->shows('MainPID', 'kedge-core'), $master, 'by the same master');

# PostgreSQL's disk is full. What it stored before stays readable.
fill('/var/lib/postgresql');
my ($code, $body);
ok((wait_until { ($code, $body) = $server->curl(post()); $code ne '201' } 120),
	'a write that needs room is refused');
is($code, 503, 'with the status 503');
like($body, qr/"code":"[A-Z_]+"/, 'and a code: ' . ($body =~ /"code":"(\w+)"/ ? $1 : $body));
# A log that cannot grow ends the server, again and again.
ok((wait_until {
	($server->in('psql', '-h', '/run/postgresql', '-p', $server->port, '-U', 'postgres', '-Atc',
		'SELECT pg_switch_wal(); CREATE TABLE filler AS SELECT generate_series(1, 300000)',
		'core'))[0] == 2;
} 60), 'the server ends, because its log has no room');
ok((wait_until { ($code, $body) = $server->curl('/api/core/tasks'); $code ne '200' } 30),
	'now requests are refused');
is($code, 503, 'with the status 503');
like($body, qr/"code":"[A-Z_]+"/, 'and a code: ' . ($body =~ /"code":"(\w+)"/ ? $1 : $body));
$server->succeeds('there is room again', 'rm', '/var/lib/postgresql/filler');
$server->recovers('room for PostgreSQL, a read', 200, '/api/core/tasks');
$server->recovers('room for PostgreSQL, a write', 201, post());

# Without room for nginx's log, requests are served.
fill('/var/log/nginx');
$server->answers(200, 'no room for the access log', '/api/core/me');
$server->answers(201, 'nor is a write refused', post());
$server->succeeds('there is room again', 'rm', '/var/log/nginx/filler');
$server->answers(200, 'room for the access log', '/api/core/me');
$server->active('after all of this');
done_testing;
