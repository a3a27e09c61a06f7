# Redis is stopped, frozen, restarted or full: that costs speed, not correctness.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(wait_until);
use Kedge::Load;

my $k = Kedge->up;
my $alice = $k->user('alice');
# Returns two numbers of auth's pool verify: how many of its Redis commands have failed, and
# how many of its circuit breakers for Redis are open.
sub cache_errors
{
	my $text = $k->monitor->get('/metrics/auth')->{body};
	return map {
		my $sum = 0;
		$sum += $_ for $text =~ /^\Q$_\E\{[^}]*pool="verify"[^}]*\} ([\d.e+-]+)$/mg;
		$sum
	} qw(kedge_cache_errors_total kedge_redis_breaker_open);
}

my $whole_way = sub {
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $c = $k->user('whole');
	my @status = map { $_->() } sub { $c->get('/api/core/whoami')->{status} },
	    sub { $c->post('/api/core/tasks', { title => 'x' })->{status} },
	    sub { $c->get('/api/wallet/accounts')->{status} }, sub { $c->sign_out->{status} };
	is("@status", '200 201 200 200', "$name: sign-up, reads and writes succeed");
	return;
};
$whole_way->('with Redis');

# ---- frozen: connections stay, nothing answers -----------------------------------

my @redis = map { $k->pids("redis-$_") } qw(auth core wallet);
is(scalar @redis, 3, 'each of three services has a Redis');
my $load = Kedge::Load->start(
	procs => 2,
	code => sub {
		my $c = $alice->copy;
		return sub { return $c->get('/api/core/whoami')->{status} };
	});
$k->kill_pid(STOP => @redis);
my ($errors) = cache_errors();
$whole_way->('frozen');
my $c = $k->user('frozen');
my $bob = $c->copy;
is($c->sign_out->{status}, 200, 'a sign-out while Redis is frozen succeeds');
is($bob->get('/api/core/whoami')->{status}, 401, 'the session is refused while Redis is frozen');
$alice->get('/api/core/whoami') for 1 .. 20;
my ($now, $open) = cache_errors();
$k->kill_pid(CONT => @redis);
my $count = $load->stop;
is_deeply([ sort keys %$count ], [200], 'no verdict failed while Redis was frozen');
cmp_ok($open, '>', 0, 'the circuit breaker is open while Redis is frozen');
cmp_ok($now - $errors, '<', $count->{200} / 4,
	sprintf 'few verdicts wait for the frozen Redis: %d errors in %d verdicts', $now - $errors, $count->{200});
is($bob->get('/api/core/whoami')->{status}, 401, 'the session is refused when Redis continues with its old contents');
ok($k->wait_healthy, 'all services are healthy when Redis continues');

# ---- dead, and kept dead ------------------------------------------------------------

# Redis is killed each time the supervisor has started it.
my $dave = $k->user('dave');
my $dave2 = $dave->copy;
is($dave->get('/api/core/whoami')->{status}, 200, 'a session is cached');
$load = Kedge::Load->start(
	procs => 1,
	code => sub {
		my $c = $alice->copy;
		return sub { return $c->get('/api/core/whoami')->{status} };
	});
for (1 .. 3) {
	$k->kill_pid(KILL => $k->pids('redis-auth'));
	is($dave2->get('/api/core/whoami')->{status}, $_ == 1 ? 200 : 401, 'a session is served without Redis until its sign-out');
	is($dave->sign_out->{status}, 200, 'a sign-out without Redis succeeds') if $_ == 1;
	is($dave2->get('/api/core/whoami')->{status}, 401, 'the session is refused without Redis');
	wait_until(sub { $k->pids('redis-auth') }, 15);
	is($dave2->get('/api/core/whoami')->{status}, 401, 'the session is refused when Redis is back');
}
($count) = $load->stop;
is_deeply([ sort keys %$count ], [200], 'no verdict failed while Redis was stopped');

# ---- gone for long -------------------------------------------------------------

# A directory in place of Redis's socket prevents Redis from starting.
{
	my $socket = $k->dir . '/run/redis-auth.sock';
	my $grace = $k->user('grace');
	my $grace2 = $grace->copy;
	$grace2->get('/api/core/whoami') for 1 .. 3;
	my ($pid) = $k->pids('redis-auth');
	rename $socket, "$socket.away" or die "rename: $!";
	mkdir $socket or die "mkdir: $!";
	$k->kill_pid(KILL => $pid);
	$whole_way->('gone');
	is($grace->sign_out->{status}, 200, 'a sign-out succeeds while Redis cannot start');
	is($grace2->get('/api/core/whoami')->{status}, 401, 'the session is refused while Redis cannot start');
	my @gone = map { $alice->get($_)->{status} } ('/api/core/whoami', '/api/core/me') x 20;
	is((grep { $_ != 200 } @gone), 0, 'requests are verified while Redis cannot start');
	is($k->monitor->get('/health/auth')->{status}, 200, 'auth is ready while Redis cannot start');
	rmdir $socket;
	ok(wait_until(sub { $k->redis('auth') }, 30), 'Redis starts again');
	is($grace2->get('/api/core/whoami')->{status}, 401, 'the signed-out session is refused when Redis is back');
	unlink "$socket.away";
}

# ---- Redis restarts with an old snapshot -----------------------------------------

# A snapshot is taken, a session is signed out while Redis is down, and the old snapshot
# is loaded: the cache then has a session that has ended.
ok($k->wait_healthy, 'all services are healthy again');
my $erin = $k->user('erin');
my $erin2 = $erin->copy;
my $redis = $k->redis('auth');
wait_until(sub { $erin2->get('/api/core/whoami'); scalar $redis->keys_like('*') }, 15);
my %cached = map { $_ => $redis->cmd('DUMP', $_) } $redis->keys_like('*');
cmp_ok(scalar keys %cached, '>=', 1, 'Redis has cached sessions');
$k->kill_pid(STOP => $k->pids('redis-auth'));
is($erin->sign_out->{status}, 200, 'a sign-out succeeds while Redis cannot be reached');
$k->kill_pid(CONT => $k->pids('redis-auth'));
$redis = $k->redis('auth');
$redis->cmd('RESTORE', $_, 60_000, $cached{$_}, 'REPLACE') for keys %cached;
is($erin2->get('/api/core/whoami')->{status}, 401, 'old entries that are loaded again do not revive a session');
is($erin2->get('/api/auth/get-session')->{body}, 'null', 'get-session is null for the signed-out session');

# ---- Redis is full, or has keys of another program ----------------------------------

$redis->cmd('CONFIG', 'SET', 'maxmemory', '1');
$redis->cmd('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
$whole_way->('full');
$redis->cmd('CONFIG', 'SET', 'maxmemory', '0');
my $frank = $k->user('frank');
$frank->get('/api/core/whoami');
for my $key ($redis->keys_like('*')) {
	$redis->cmd('DEL', $key);
	$redis->cmd('RPUSH', $key, 'of another type');
}
is($frank->get('/api/core/whoami')->{status}, 200, 'keys of another type are treated as missing');
$redis->cmd('FLUSHALL');
$frank->get('/api/core/whoami');
for my $garbage ('', 'x', "\0" x 100, '{}', 'null', '[' x 1000, 'x' x 1_000_000) {
	$redis->cmd('SET', $_, $garbage) for $redis->keys_like('*');
	my $r = $frank->get('/api/core/whoami');
	is($r->{status}, 200, 'garbage of ' . length($garbage) . ' bytes is a miss');
	is($r->{json}{userId}, $frank->{id}, 'garbage in Redis does not change the user of a session');
}

# ---- rate limits without Redis ---------------------------------------------------

my $j = Kedge->up(env => { AUTH_RATE_LIMIT => 'on' });
$j->kill_pid(STOP => $j->pids('redis-auth'));
my @status = map {
	$j->client->post(
		'/api/auth/sign-in/email',
		{ email => 'x@example.com', password => 'wrong password' }
	)->{status}
} 1 .. 8;
cmp_ok(scalar(grep { $_ == 429 } @status), '>=', 4, 'rate limits hold without Redis')
    or diag("@status");
is((grep {/^5/} @status), 0, 'no request gets a 5xx');
$j->kill_pid(CONT => $j->pids('redis-auth'));
done_testing;
