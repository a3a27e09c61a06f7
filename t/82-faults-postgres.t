# PostgreSQL is restarted, frozen or stopped: requests that need it get 503, and the
# service recovers by itself; cached sessions are still verified.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(parallel wait_until);
use Kedge::Load;

my $k = Kedge->up;
my $alice = $k->user('alice');
my $never = $k->user('never');
$alice->get($_) for '/api/core/me', '/api/wallet/accounts', '/api/core/whoami';
ok($alice->post('/api/core/tasks', { title => 'before' })->{status} == 201, 'core creates a task before the fault');

ok($k->wait_cached($alice), 'the session is cached');

# The limits of seconds in this test are promises of the services: a connection is given
# up after 2 s, a statement after 5 s (*_DATABASE_TIMEOUT_MS); the rest of each limit is
# for a slow machine.
sub outage
{
	my ($name) = @_;
	my $r = $alice->get('/api/core/whoami');
	is($r->{status}, 200, "$name: a cached session verifies");
	for my $row ([ GET => '/api/core/me' ], [ GET => '/api/core/tasks' ],
		[ POST => '/api/core/tasks', { title => 'lost' } ],
		[ GET => '/api/wallet/accounts' ]) {
		my ($method, $path, $data) = @$row;
		my $t = time;
		my $r = $alice->request($method, $path, defined $data ? (json => $data) : ());
		is($r->{status}, 503, "$name: $method $path is answered with 503");
		like($r->{headers}{'retry-after'} // '', qr/^\d+$/, "$name: the 503 has Retry-After");
		is($r->{json}{code}, 'UNAVAILABLE', "$name: the 503 has the code UNAVAILABLE") or diag($r->{body});
		unlike($r->{body}, qr/postgres|socket|libpq|SQL|FATAL/i,
			"$name: the error contains nothing about PostgreSQL");
		cmp_ok(time - $t, '<', 8, "$name: the 503 comes within 8 s");
	}
	$r = $k->client->post('/api/auth/sign-in/email',
		{ email => $alice->{email}, password => $alice->{password} });
	like($r->{status}, qr/^(500|503)$/, "$name: a sign-in gets 500 or 503");
	is($k->monitor->get('/health/core')->{status}, 503, "$name: core is not ready");
	is($k->monitor->get('/health/core/live')->{status}, 200, "$name: core is live");
	return;
}

# A session that is not cached cannot be verified without PostgreSQL, so it is refused.
sub uncached
{
	my ($name) = @_;
	$k->redis('auth')->cmd('FLUSHALL');
	my $t = time;
	my $r = $never->get('/api/core/whoami');
	is($r->{status}, 503, "$name: a session that is not cached gets 503");
	like($r->{headers}{'retry-after'} // '', qr/^\d+$/, "$name: the 503 of verify has Retry-After");
	cmp_ok(time - $t, '<', 8, "$name: the 503 of verify comes within 8 s");
	is($k->client->get('/api/core/whoami')->{status}, 401,
		"$name: a request without a cookie gets 401");
	my $forged = $never->copy;
	s/^(.)/$1 eq 'A' ? 'B' : 'A'/e for values %{ $forged->{jar} };
	is($forged->get('/api/core/whoami')->{status}, 401,
		"$name: a forged cookie gets 401 without a query");
	return;
}

# ---- restarted under load -----------------------------------------------------------

my $writers = Kedge::Load->start(
	procs => 2,
	code => sub {
		my ($i) = @_;
		my $c = $alice->copy;
		my $n = 0;
		return sub {
			my $r = $c->post('/api/core/tasks', { title => "w$i-" . ++$n });
			return ($r->{status}, $r->{status} == 201 ? $r->{json}{id} : undef);
		};
	});
my $verdicts = Kedge::Load->start(
	procs => 1,
	code => sub {
		my $c = $alice->copy;
		return sub { return $c->get('/api/core/whoami')->{status} };
	});
for my $signal (qw(INT QUIT)) {
	my ($old) = $k->pids('postgres');
	kill $signal => $old; # first a fast shutdown, then an immediate one
	ok(wait_until(sub { my ($now) = $k->pids('postgres'); $now && $now != $old }, 20),
		"the supervisor restarts PostgreSQL after SIG$signal");
	ok(
		wait_until(
			sub {
				$alice->post('/api/core/tasks', { title => 'after' })->{status} ==
				    201
			},
			20
		),
		'requests succeed after the restart');
	ok($k->wait_healthy(15), 'all services are healthy after the restart');
}
my ($written, undef, $ids) = $writers->stop;
my ($verified) = $verdicts->stop;
is(join(' ', grep { !/^(201|503)$/ } keys %$written), '',
	'in-flight requests fail with 503 and nothing else')
    or diag(explain($written));
is_deeply([ keys %$verified ], [200], 'cached sessions verified all the time')
    or diag(explain($verified));
my %there = map { $_ => 1 } split /\n/,
    $k->sql('core', "SELECT id FROM task WHERE user_id = '$alice->{id}'");
is_deeply([ grep { !$there{$_} } @$ids ], [], 'no acknowledged write is lost');

# ---- frozen -----------------------------------------------------------------------

ok($k->wait_cached($alice), 'the session is cached');
my @frozen = ($k->pids('postgres'), $k->pids('postgres-backend'));
$k->kill_pid(STOP => @frozen);
is($alice->get('/api/core/whoami')->{status}, 200, 'frozen: a cached session verifies');
my $t = time;
my $r = $alice->get('/api/core/me');
is($r->{status}, 503, 'frozen PostgreSQL: a request that needs it gets 503');
cmp_ok(time - $t, '<', 12, 'frozen PostgreSQL: the 503 comes within 12 s');
my @answers = parallel(41, sub {
	my ($i) = @_;
	my $c = $alice->copy(timeout => 30);
	return $c->get('/api/core/me')->{status} if $i < 40;
	my @status;
	my $end = time + 1.5;
	push @status, $c->get('/api/core/whoami')->{status} while time < $end;
	return join ' ', grep { $_ != 200 } @status;
});
is(pop @answers, '', 'frozen PostgreSQL: requests without a database are served while all threads hang');
is(join(' ', grep { $_ != 503 } @answers), '', 'frozen PostgreSQL: requests beyond the threads get 503');
$k->kill_pid(CONT => @frozen);
ok(wait_until(sub { $alice->get('/api/core/me')->{status} == 200 }, 20), 'PostgreSQL continues: requests are served again');

# ---- gone for a while ---------------------------------------------------------------

# The data directory is moved away, since otherwise the supervisor would start
# PostgreSQL again at once.
ok($k->wait_cached($alice), 'the session is cached');
my $data = $k->dir . '/pg/data';
my ($postgres) = $k->pids('postgres');
rename $data, "$data.away" or die "rename: $!";
$k->kill_pid(KILL => $postgres);
wait_until(sub { !$k->pids('postgres-backend') }, 10);
$alice->get('/api/core/whoami');
outage('gone');
uncached('gone');
ok(wait_until(sub { $k->log_text('kedge') =~ /PostgreSQL has no data/ }, 15),
	'PostgreSQL without data: the supervisor logs it and continues');
rename "$data.away", $data or die "rename: $!";
ok(
	wait_until(
		sub {
			$alice->get('/api/core/me')->{status} == 200
			    && $never->get('/api/core/whoami')->{status} == 200
		},
		40
	),
	'PostgreSQL with data again: requests are served again');
ok($k->wait_healthy(20), 'all services are healthy when PostgreSQL is back');
is($alice->post('/api/core/tasks', { title => 'after' })->{status}, 201, 'core creates a task when PostgreSQL is back');

# ---- connections cut, one by one ------------------------------------------------------

for my $service (qw(auth core wallet)) {
	$k->sql('postgres',
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '$service'"
	);
	my $path = { auth => '/api/auth/list-sessions', core => '/api/core/me',
		wallet => '/api/wallet/accounts' }->{$service};
	my @status = map { $alice->get($path)->{status} } 1 .. 10;
	is((grep { !/^(200|503)$/ } @status), 0, "$service: requests on closed connections get 200 or 503");
	is($status[-1], 200, "$service: connections that were closed are opened again") or diag("@status");
}
# When a table is locked, PostgreSQL's statement timeout ends the wait.
my $locker = fork // die;
if (!$locker) {
	Kedge::in_child();
	$k->try_sql('core', 'BEGIN; LOCK TABLE task; SELECT pg_sleep(30)');
	POSIX::_exit(0);
}
ok(
	wait_until(
		sub {
			$k->sql('core',
"SELECT count(*) FROM pg_locks WHERE relation = 'task'::regclass AND mode = 'AccessExclusiveLock' AND granted"
			) > 0
		},
		10
	),
	'another session locks the table');
$t = time;
$r = $alice->get('/api/core/tasks');
is($r->{status}, 503, 'a statement that waits too long for a lock gets 503') or diag($r->{body});
cmp_ok(time - $t, '<', 20, 'the 503 of the lock comes within 20 s');
is($alice->get('/api/core/whoami')->{status}, 200, 'other routes are served while the table is locked');

# nginx repeats a GET when the worker dies; a request that also crashes the second
# worker is not given to a third one.
pipe my $said_r, my $said_w or die;
my $asker = fork // die;
if (!$asker) {
	Kedge::in_child();
	syswrite $said_w, $alice->copy->get('/api/core/tasks')->{status};
	POSIX::_exit(0);
}
close $said_w;
my %seen;
for my $time (qw(first second)) {
	my $is_new = sub {
		my @waiting = split /\n/, $k->sql('core',
"SELECT pid FROM pg_stat_activity WHERE datname = 'core' AND wait_event_type = 'Lock'"
		);
		return grep { !$seen{$_}++ } @waiting;
	};
	ok(wait_until(sub { $is_new->() }, 10), "the $time worker serves the request that crashes it");
	# All are stopped before the first one is killed: otherwise nginx could repeat the
	# request at a process that is killed a moment later.
	my @workers = $k->pids('core-api');
	$k->kill_pid($_ => @workers) for qw(STOP KILL);
}
sysread $said_r, my $said, 100;
waitpid $asker, 0;
is($said, 500, 'the third worker refuses the request that crashed two');
ok(wait_until(sub { $k->log_text('core') =~ /"msg":"request refused after it crashed workers"/ }, 10),
	'the log has the refused request');
$k->sql('postgres',
"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%LOCK TABLE task%' AND pid <> pg_backend_pid()"
);
waitpid $locker, 0;
ok(wait_until(sub { $alice->get('/api/core/tasks')->{status} == 200 }, 10), 'core serves requests again after the crashes');
done_testing;
