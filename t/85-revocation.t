# After sign-out a session is refused on the next request, in every process: also when
# verify fills the cache at the same time, and whatever happens to Redis.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(parallel wait_until);
use Kedge::Load;

my $k = Kedge->up;

# Several processes send verify requests continuously while the session ends.  No
# request that began after the response to the sign-out may pass.
sub race
{
	my ($name, $warm, $end, $during) = @_;
	my $c = $k->user('race');
	my $other = $k->again($c);
	if ($warm) {
		$c->get('/api/core/whoami') for 1 .. 4;
	} else {
		$k->redis('auth')->cmd('FLUSHALL');
	}
	my $load = Kedge::Load->start(
		procs => 4,
		code => sub {
			my ($i) = @_;
			my $t = $c->copy;
			my $path = $i % 2 ? '/api/core/whoami' : '/api/wallet/accounts';
			return sub {
				my $begun = time;
				my $status = $t->get($path)->{status};
				return ($status, $status == 200 ? $begun : undef);
			};
		});
	$during->() if $during;
	my $r = $end->($c->copy, $other);
	my $answered = time;
	# The same processes send requests for a moment longer, to notice a late fill of
	# the cache.
	my $after = $k->client;
	my @late = map { $c->copy->get('/api/core/whoami')->{status} } 1 .. 30;
	my ($count, undef, $passed) = $load->stop;
	is($r->{status}, 200, "$name: the revocation is answered with 200");
	is((grep { $_ != 401 } @late), 0, "$name: each request after the answer is refused")
	    or diag("@late");
	is((grep { $_ > $answered } @$passed), 0, "$name: no later request is served, in any process")
	    or diag(sprintf '%d passed late', scalar grep { $_ > $answered } @$passed);
	is(join(' ', grep { !/^(200|401)$/ } keys %$count), '', "$name: each request got 200 or 401")
	    or diag(explain($count));
	return;
}

my $sign_out = sub { $_[0]->sign_out };
my $revoke = sub { $_[1]->post('/api/auth/revoke-session', { token => $_[0]{token} }) };
my $revoke_all = sub { $_[1]->post('/api/auth/revoke-sessions', {}) };
my $change = sub {
	$_[1]->post(
		'/api/auth/change-password',
		{ currentPassword => $_[0]{password}, newPassword => 'another password',
			revokeOtherSessions => JSON::PP::true
		})
};
for my $round (1 .. 3) {
	race("sign-out, warm ($round)", 1, $sign_out);
	race("sign-out, cold ($round)", 0, $sign_out);
	race(   "sign-out while the cache is emptied ($round)",
		1,
		$sign_out,
		sub {
			my $pid = fork // die;
			if (!$pid) {
				Kedge::in_child();
				my $redis = $k->redis('auth');
				my $end = time + 0.3;
				$redis->cmd('FLUSHALL') while time < $end;
				POSIX::_exit(0);
			}
			return;
		});
}
race('revoke-session', 1, $revoke);
race('revoke-sessions', 1, $revoke_all);
race('change-password', 1, $change);

# Redis is frozen, and continues right after the response.
my @redis = $k->pids('redis-auth');
race(   'sign-out, Redis frozen',
	1,
	sub {
		my ($c, $other) = @_;
		$k->kill_pid(STOP => @redis);
		my $r = $c->sign_out;
		$k->kill_pid(CONT => @redis);
		return $r;
	});
# Redis is killed in the middle of the sign-out.
race(   'sign-out, Redis killed',
	1,
	sub {
		my ($c) = @_;
		$k->kill_pid(KILL => $k->pids('redis-auth'));
		return $c->sign_out;
	});
wait_until(sub { $k->pids('redis-auth') && $k->monitor->get('/health/auth')->{status} == 200 }, 15);
# All connections to Redis are closed during the sign-out.
race(   'sign-out, connections to Redis cut',
	1,
	sub {
		my ($c) = @_;
		$k->redis('auth')->cmd('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
		return $c->sign_out;
	});
# Redis is read-only: reading works, but invalidating does not.
race(   'sign-out, Redis read-only',
	1,
	sub {
		my ($c) = @_;
		my $redis = $k->redis('auth');
		$redis->cmd('CONFIG', 'SET', 'min-replicas-to-write', '5');
		my $r = $c->sign_out;
		$redis->cmd('CONFIG', 'SET', 'min-replicas-to-write', '0');
		return $r;
	});
# Workers are restarted: the new workers must not use outdated state.
race(   'sign-out, auth restarting',
	1,
	sub {
		my ($c) = @_;
		kill HUP => $k->pids('auth');
		return $c->sign_out;
	});

# A verify process is suspended between reading PostgreSQL and filling Redis, as well as
# a test can do it from outside: at random points, and continued later.
my $late = 0;
my $rounds = 12;
for my $round (1 .. $rounds) {
	my $c = $k->user('frozen');
	$k->redis('auth')->cmd('FLUSHALL');
	my $pid = fork // die;
	if (!$pid) {
		Kedge::in_child();
		$c->copy->get('/api/core/whoami');
		POSIX::_exit(0);
	}
	select undef, undef, undef, 0.0005 * $round; # let the request run for a moment
	my @verify = $k->pids('auth-verify');
	$k->kill_pid(STOP => @verify);
	my $r = $c->copy->sign_out;
	$k->kill_pid(CONT => @verify);
	waitpid $pid, 0;
	$late++ if $r->{status} != 200;
	$late++ if grep { $c->copy->get('/api/core/whoami')->{status} != 401 } 1 .. 5;
}
is($late, 0, "$rounds sign-outs with verify frozen during the fill are effective");

# A sign-out is effective for all services, whatever the audience of the request.
my $c = $k->user('all');
my @paths = ('/api/core/whoami', '/api/core/me', '/api/wallet/accounts', '/api/auth/list-sessions');
is_deeply([ map { $c->get($_)->{status} } @paths ], [ (200) x 4 ], 'the session is accepted by all services');
my $copy = $c->copy;
$c->sign_out;
is_deeply([ map { $copy->get($_)->{status} } @paths ], [ (401) x 4 ], 'the session is refused by all services');
# A sign-out of a session whose row is already deleted still removes it from the cache.
$c = $k->user('gone');
$copy = $c->copy;
$copy->get('/api/core/whoami');
$k->sql('auth', qq{DELETE FROM session WHERE token = '$c->{token}'});
is($c->sign_out->{status}, 200, 'a sign-out of a session without a row succeeds');
is($copy->get('/api/core/whoami')->{status}, 401, 'the session without a row is refused after the sign-out');
done_testing;
