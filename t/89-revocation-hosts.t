# A sign-out is effective on every host: also after Redis has failed over and back, and
# when some hosts cannot reach Redis or PostgreSQL.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use IO::Socket::INET;
use POSIX ();
use Kedge qw(free_port parallel tool wait_until);
use Kedge::FastCGI qw(fcgi_request);
use Kedge::Redis;
use Kedge::Relay;

# Starts a separate redis-server, over TCP as replicas need it, in the stack's directory
# so that it ends with the stack.
my @servers;

sub start_redis
{
	my ($dir) = @_;
	for (1 .. 5) {
		my $port = free_port();
		my $socket = "$dir/own-$port.sock";
		my $pid = fork // die "fork: $!";
		if (!$pid) {
			Kedge::in_child();
			chdir $dir;
			open STDOUT, '>', '/dev/null';
			{ exec tool('redis-server'), '--bind', '127.0.0.1', '--port', $port, '--dir', $dir,
			    '--unixsocket', $socket, '--save', '', '--repl-diskless-sync-delay', 0,
			    '--repl-ping-replica-period', 1 }
			POSIX::_exit(127);
		}
		my $redis;
		wait_until(sub { ($redis = Kedge::Redis->new($socket)) || waitpid($pid, POSIX::WNOHANG()) }, 10);
		next unless $redis; # another process has taken the port meanwhile
		push @servers, $pid;
		return { port => $port, redis => $redis, pid => $pid, socket => $socket };
	}
	die 'no redis-server';
}

END {
	my $status = $?;
	for my $pid (@servers) {
		kill KILL => $pid;
		waitpid $pid, 0;
	}
	$? = $status;
}

sub state { my ($s) = @_; return { $s->{redis}->cmd('INFO', 'replication') =~ /^(\w+):(.*?)\r?$/mg } }

sub follow
{
	my ($replica, $master) = @_;
	$replica->{redis}->cmd('REPLICAOF', '127.0.0.1', $master->{port});
	return wait_until(
		sub {
			my $now = state($replica);
			$now->{role} eq 'slave' && ($now->{master_link_status} // '') eq 'up';
		},
		30);
}

# Returns whether a Redis has the cached claims of a user's session.
sub holds
{
	my ($s, $c) = @_;
	my $redis = $s->{redis};
	return grep { ($redis->cmd('GET', $_) // '') =~ /\t\Q$c->{id}\E\t/ } $redis->keys_like('*');
}

# ---- Redis fails over, and back ---------------------------------------------------------

my $dir = File::Temp->newdir('kedge-t-XXXXXX', DIR => $ENV{TMPDIR} // '/tmp');
my $one = start_redis("$dir");
my $two = start_redis("$dir");
my $k = Kedge->up(env => { AUTH_REDIS_URL => "redis://127.0.0.1:$one->{port}", AUTH_CACHE_LEASE_S => 2 });

sub whoami { return $_[0]->copy->get('/api/core/whoami')->{status} }
{
	my $c = $k->user('failover');
	ok(wait_until(sub { whoami($c); holds($one, $c) }, 30), 'fail-over: a session is cached');
	ok(follow($two, $one), 'fail-over: a replica follows the master');
	# When a Redis gets its first replica, it begins a new history (its replication
	# id changes).
	ok(
		wait_until(
			sub { whoami($c); holds($one, $c) && holds($two, $c) }, 30), 'fail-over: the replica has the cached session');
	$two->{redis}->cmd('REPLICAOF', 'NO', 'ONE');
	my $before = $c->copy;
	is($c->sign_out->{status}, 200, 'fail-over: a sign-out at the old master succeeds');
	is(whoami($before), 401, 'fail-over: the signed-out session is refused');
	ok(follow($one, $two), 'fail-over: the old master follows the new one');
	ok(scalar holds($one, $before), 'fail-over: the old master has the session again');
	is(whoami($before), 401, 'fail-over: verify does not read a replica');
	$one->{redis}->cmd('REPLICAOF', 'NO', 'ONE');
	my @after = map { whoami($before) } 1 .. 8;
	is("@after", join(' ', (401) x 8), 'fail-over and back: every process refuses the signed-out session');
	my $other = $k->user('after');
	ok(wait_until(sub { whoami($other); holds($one, $other) }, 30), 'fail-over and back: the cache is used again');
}

# ---- a host that reaches Redis, and another that reaches PostgreSQL --------------------

# Starts a second host of auth: a master and workers with separate sockets and shared
# memory.  It reaches PostgreSQL and Redis through relays that can be cut.
my %env = %{ $k->service_env('auth') };
my ($database) = map { -S "$_/.s.PGSQL.5432" ? "$_/.s.PGSQL.5432" : () } "$k->{dir}/pg", glob "$k->{dir}/*";
my $far_dir = "$k->{dir}/far";
mkdir $far_dir or die "mkdir: $!";
chmod 0755, $far_dir;
my $to_postgres = Kedge::Relay->start(from => "$far_dir/.s.PGSQL.5432", to => $database);
my $far_pid = fork // die "fork: $!";
if (!$far_pid) {
	Kedge::in_child();
	my $url = $env{AUTH_DATABASE_URL};
	$url =~ s/host=[^&]*/host=$far_dir/ or die "no host in $url";
	%ENV = (%ENV, %env, AUTH_DATABASE_URL => $url, AUTH_CACHE_LEASE_S => 2,
		AUTH_REDIS_URL => "unix:$one->{socket}",
		AUTH_LISTEN => 'unix:far/api.sock', AUTH_VERIFY_LISTEN => 'unix:far/verify.sock',
		AUTH_PROCESSES => 1, AUTH_VERIFY_PROCESSES => 1, AUTH_WORKERS => 0);
	chdir $k->{dir};
	open STDERR, '>', 'log/far.log';
	{ exec Kedge->binary('auth') }
	POSIX::_exit(127);
}
push @servers, $far_pid;

# Returns the response that nginx would get from the other host.
sub far
{
	my ($c) = @_;
	my $cookie = join '; ', map {"$_=$c->{jar}{$_}"} keys %{ $c->{jar} };
	my $r = eval {
		fcgi_request("$far_dir/verify.sock",
			{ REQUEST_METHOD => 'GET', REMOTE_ADDR => '127.0.0.1', KEDGE_METHOD => 'GET',
				KEDGE_PATH => '/x', KEDGE_RAW_URI => '/x', KEDGE_HOST => '127.0.0.1',
				KEDGE_SCHEME => 'http', KEDGE_REQUEST_ID => 'far', KEDGE_AUDIENCE => 'core',
				KEDGE_GUARD => 'standard', HTTP_COOKIE => $cookie });
	};
	return $r->{status} // 0;
}
{
	my $c = $k->user('far');
	my $kept = $k->user('kept');
	ok(wait_until(sub { far($c) == 204 }, 30), 'another host: verify accepts a session')
	    or diag(Kedge::slurp("$k->{dir}/log/far.log"));
	ok(
		wait_until(
			sub { far($_) for $c, $kept; holds($one, $c) && holds($one, $kept) }, 30),
		'another host: two sessions are cached');

	# The test's stack (one host) can no longer reach Redis, and the other host can
	# no longer reach PostgreSQL.
	$one->{redis}->cmd('CONFIG', 'SET', 'port', 0);
	$one->{redis}->cmd('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
	$to_postgres->cut;
	my $before = $c->copy;
	my (@status, @late);
	# A 503 means that the sign-out is not certain yet; a 200 confirms it.
	ok(
		wait_until(
			sub {
				push @status, $k->again($kept)->post('/api/auth/revoke-sessions', {})->{status}
				    if !@status;
				my $r = $before->copy->sign_out;
				push @status, $r->{status};
				return $r->{status} == 200;
			},
			30
		),
		'another host: a sign-out is answered with 200 in the end') or diag("@status");
	is((grep { !/^(200|503)$/ } @status), 0, 'another host: each sign-out gets 200 or 503') or diag("@status");
	push @late, map { far($_) } $before, $before;
	is_deeply(\@late, [ 503, 503 ], 'another host: verify answers 503 when its lease is over');
	ok(scalar holds($one, $c), 'another host: its Redis still has the session');
	is(whoami($before), 401, "another host: this host's Redis has no session");

	$one->{redis}->cmd('CONFIG', 'SET', 'port', $one->{port});
	$to_postgres = Kedge::Relay->start(from => "$far_dir/.s.PGSQL.5432", to => $database);
	ok(wait_until(sub { far($before) == 401 }, 30), 'another host: verify refuses the session when the network is back');
	my $new = $k->user('new');
	ok(wait_until(sub { far($new); holds($one, $new) }, 30), 'another host: sessions are cached again');
}
kill TERM => $far_pid;
waitpid $far_pid, 0;
is(
	$k->sql('auth', 'SELECT count(*) FROM kedge_session_host'), 1,
	'a host that stops deletes the row of its lease');
done_testing;
