# The test causes events and checks that metrics and health change accordingly.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(parallel run wait_until);
use Kedge::Money qw(hold_lock);
use Kedge::Raw qw(raw_open raw_read);
use Kedge::Receiver;

my $began = time;
my $k = Kedge->up(
	env => {
		CORE_PROCESSES => 1, CORE_THREADS => 2, CORE_DATABASE_CONNECTIONS => 1,
		CORE_DATABASE_TIMEOUT_MS => 60_000, CORE_DATABASE_SLOW_MS => 1,
		CORE_WORKER_PROCESSES => 1, CORE_WEBHOOK_ALLOW_PRIVATE => 'on',
		AUTH_PROCESSES => 1, AUTH_HASH_CONCURRENCY => 1, AUTH_HASH_QUEUE => 1,
		AUTH_VERIFY_PROCESSES => 1, AUTH_REDIS_TIMEOUT_MS => 10_000,
	});
my @person = map { $k->user($_) } qw(alice bob carol);
my $alice = $person[0];
my $root = $k->user('root');
$k->role($root, 'admin');

# Returns all series of a service: name and labels => value.
my %seen;
sub metrics
{
	my ($service) = @_;
	%seen = $k->monitor->get("/metrics/$service")->{body} =~ /^(kedge_\S+\{.*\}) ([\d.e+-]+)$/mg;
	return \%seen;
}

# Returns the value of a series of the pool api; further labels are given as text.
sub value
{
	my ($service, $name, %of) = @_;
	my $label = defined $of{label} ? ",$of{label}" : '';
	my $pool = $of{pool} // 'api';
	return metrics($service)->{qq($name\{service="$service",pool="$pool"$label})};
}

# The pool verify answers requests for its own health and metrics, since it may have a
# master of its own. When nginx asks for a verdict, it names the audience in a parameter, so
# verify never takes such a request for one about its health or metrics.
my ($health) = map { $_->{body} } $k->monitor->get('/health/auth/verify');
like($health, qr/"verify":"ok"/, 'verify answers about its health');
cmp_ok(scalar keys %{ metrics('auth/verify') }, '>', 50, 'and has metrics');

# Waits until each of these gauges of a service has the given value.
sub become
{
	my ($name, $service, @rows) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @is;
	wait_until(
		sub {
			@is = map { [ @$_[ 0, 1 ], value($service, $_->[0], label => $_->[1]) ] } @rows;
			return !grep { $is[$_][2] != $rows[$_][2] } 0 .. $#rows;
		},
		20);
	my ($got, $want) = map {
		join "\n", map { join ' ', map { $_ // '-' } @$_ } @$_
	} \@is, \@rows;
	is($got, $want, $name);
	return;
}

# Asserts that each series has increased by at least the given amount.
sub grew
{
	my ($name, $service, $before, %by) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $now = metrics($service);
	my @not = grep { ($now->{$_} // 0) - ($before->{$_} // 0) < $by{$_} } sort keys %by;
	is("@not", '', $name);
	return;
}

sub of_core { return map { s/^(\w+)/$1\{service="core",pool="api"/r . '}' } @_ }

# ---- the service ----------------------------------------------------------------------

my $version = (run($k->binary('kedge'), '--version'))[1];
my ($number) = $version =~ /(\d+\.\S+)/;
is(metrics('core')->{qq(kedge_build_info{service="core",version="$number"})}, 1, 'kedge_build_info has the release');
my $start = $seen{'kedge_start_time_seconds{service="core"}'};
cmp_ok($start, '>=', int $began, 'kedge_start_time_seconds is not before the test began');
cmp_ok($start, '<=', time, 'kedge_start_time_seconds is not in the future');
is(value('core', 'kedge_threads_max'), 2, 'kedge_threads_max has the thread limit of kedge.json');
cmp_ok(value('core', 'kedge_connections_max'), '>=', 16, 'kedge_connections_max is at least 16');
is(value('core', 'kedge_worker_processes_wanted', pool => 'worker'), 1, 'core wants one process for jobs');
my @bounds = sort { $a <=> $b }
    map { /kedge_event_loop_round_seconds_bucket\{.*pool="api".*le="([\d.]+)"/ ? $1 : () } keys %seen;
is("$bounds[0] $bounds[-1]", '0.0001 60', 'histograms reach from 0.1 ms to 60 s');
my $rounds = of_core('kedge_event_loop_round_seconds_count');
my $before = { %{ metrics('core') } };
$alice->get('/api/core/whoami');
grew('rounds of the event loop are timed', 'core', $before, (of_core('kedge_event_loop_round_seconds_count'))[0] => 1);

# ---- each route has its own name -------------------------------------------------------

for my $service (Kedge::services()) {
	my $paths = $k->client->get("/api/$service/openapi.json")->{json}{paths};
	my @routes = grep { $paths->{$_}{get} } sort keys %$paths;
	$root->get(s/\{\w+\}/01890a5d-ac96-774b-bcce-b302099a8057/gr) for @routes;
	my $now = metrics($service);
	is_deeply(
		[ grep {
				my $route = qq(route="GET $_");
				!grep { index($_, $route) > 0 } keys %$now
			} @routes ], [], "$service: a series for each of " . @routes . ' routes');
}

# ---- threads, connections, PostgreSQL ---------------------------------------------------

# Three requests: the first has the only database connection and waits for a lock, the
# second has the other thread, and the third waits for a thread.
$_->get('/api/core/me') for @person;
my @quiet = (
	[ 'kedge_threads_busy', undef, 0 ], [ 'kedge_thread_queue_depth', undef, 0 ],
	[ 'kedge_connections', 'state="busy"', 0 ],
	[ 'kedge_db_connections', 'state="busy"', 0 ],
	[ 'kedge_db_connections', 'state="idle"', 1 ],
	[ 'kedge_db_pool_waiting', undef, 0 ],
	[ 'kedge_db_away', undef, 0 ],
);
become('calm', 'core', @quiet);
$before = { %{ metrics('core') } };
my $lock = hold_lock($k, 'LOCK TABLE profile', 'core');
my @waiting;
for my $who (@person) {
	push @waiting, raw_open($k->port);
	syswrite $waiting[-1], "GET /api/core/me HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: "
	    . $who->cookie_header . "\r\nConnection: close\r\n\r\n";
}
become('three requests, two threads, one connection', 'core',
	[ 'kedge_threads_busy', undef, 2 ], [ 'kedge_thread_queue_depth', undef, 1 ],
	[ 'kedge_threads', undef, 2 ],
	[ 'kedge_connections', 'state="busy"', 3 ],
	[ 'kedge_db_connections', 'state="busy"', 1 ],
	[ 'kedge_db_connections', 'state="idle"', 0 ],
	[ 'kedge_db_pool_waiting', undef, 1 ]);
my $since = time;
wait_until(sub { time - $since > 0.05 }, 1);
my $held_s = time - $since;
$lock->();
my @ids;
for (@waiting) {
	my $answer = raw_read($_, 60);
	like($answer, qr{^HTTP/1.1 200 }, 'each of the waiting requests is answered with 200');
	push @ids, $answer =~ /^X-Request-Id: (\S+)/mi;
}
for my $id (@ids) {
	my $us = wait_until(sub {
		($k->log_text('core') =~ /"request_id":"$id","msg":"request",.*"us":(\d+)/)[0]
	}, 10);
	cmp_ok($us // 0, '>=', $held_s * 1e6, 'the access line of a slow request has its duration');
}
become('calm again', 'core', @quiet);
my @of_core = of_core(qw(kedge_thread_queue_seconds_sum kedge_db_pool_wait_seconds_sum
	kedge_db_statement_seconds_sum));
grew('the waiting is in the sums', 'core', $before, map { $_ => $held_s } @of_core);
@of_core = of_core(qw(kedge_thread_queue_seconds_count kedge_db_pool_wait_seconds_count
	kedge_db_statement_seconds_count kedge_db_queries_total));
grew('and in the counts', 'core', $before, map { $_ => 3 } @of_core);
grew('one statement was slow', 'core', $before, of_core('kedge_db_slow_statements_total'), 1);
my ($duration) = of_core('kedge_http_request_duration_seconds_sum');
$duration =~ s/\}$/,route="GET \/api\/core\/me"}/;
grew('so were three requests', 'core', $before, $duration => 3 * $held_s);

# ---- PostgreSQL is away -----------------------------------------------------------------

# The service's database connection is closed, and a new connection gets no answer,
# because the server does not accept it.
my ($postgres) = $k->pids('postgres');
my ($session) = split /\n/, $k->sql('postgres', 'SELECT pid FROM pg_stat_activity'
	    . " WHERE usename = 'core' AND query LIKE '%profile%' ORDER BY query_start DESC");
$before = { %{ metrics('core') } };
$k->kill_pid(STOP => $postgres);
$k->kill_pid(TERM => $session);
ok(wait_until(sub { !-d "/proc/$session" || Kedge::is_gone($session) }, 10), 'the PostgreSQL session ends');
my $asking = raw_open($k->port);
syswrite $asking, "GET /api/core/me HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: "
    . $alice->cookie_header . "\r\nConnection: close\r\n\r\n";
become('a connection is being made', 'core', [ 'kedge_db_connections', 'state="connecting"', 1 ]);
like(raw_read($asking, 30), qr{^HTTP/1.1 503 }, 'the request without PostgreSQL is answered with 503');
become('PostgreSQL is away', 'core', [ 'kedge_db_away', undef, 1 ],
	[ 'kedge_db_connections', 'state="connecting"', 0 ]);
grew('which is an error', 'core', $before, of_core('kedge_db_errors_total'), 1);
$k->kill_pid(CONT => $postgres);
ok(wait_until(sub { $alice->get('/api/core/me')->{status} == 200 }, 30), 'core answers again with PostgreSQL');
become('and counts as such', 'core', @quiet);
grew('with a connection made anew', 'core', $before, of_core('kedge_db_reconnects_total'), 1);

# ---- Redis --------------------------------------------------------------------------------

ok($k->wait_cached($alice), 'a session is cached');
my %of_redis = map { ($_ => qq($_\{service="auth",pool="verify"})) }
    map {"kedge_$_"} qw(cache_hits_total cache_misses_total cache_errors_total
    redis_command_seconds_count redis_command_seconds_sum redis_pool_wait_seconds_count);
$before = { %{ metrics('auth') } };
$alice->get('/api/core/whoami');
grew('a hit', 'auth', $before, map { $of_redis{"kedge_$_"} => 1 }
		    qw(cache_hits_total redis_command_seconds_count redis_pool_wait_seconds_count));
my $kept = value('auth', 'kedge_redis_connections', pool => 'verify', label => 'state="idle"');
cmp_ok($kept, '>=', 1, 'verify reads the session over a kept connection');
$before = { %{ metrics('auth') } };
$k->again($alice)->get('/api/core/whoami');
grew('a miss', 'auth', $before, $of_redis{kedge_cache_misses_total} => 1);
my ($redis) = $k->pids('redis-auth');
$before = { %{ metrics('auth') } };
$k->kill_pid(STOP => $redis);
$asking = raw_open($k->port);
syswrite $asking, "GET /api/core/whoami HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: "
    . $alice->cookie_header . "\r\nConnection: close\r\n\r\n";
ok(wait_until(sub {
	(value('auth', 'kedge_redis_connections', pool => 'verify', label => 'state="busy"') // 0) > 0
}, 10), 'verify has a Redis command without an answer');
like(raw_read($asking, 30), qr{^HTTP/1.1 (?:200|503) }, 'the request is answered without Redis');
ok(wait_until(sub {
	$alice->get('/api/core/whoami');
	return value('auth', 'kedge_redis_breaker_open', pool => 'verify') == 1
}, 60), 'the circuit breaker opens');
$health = $k->monitor->get('/health/auth');
is("$health->{status} $health->{json}{status} $health->{json}{redis}", '200 ok away',
	'health reports Redis as away and the service as ok');
grew('an error', 'auth', $before, $of_redis{kedge_cache_errors_total} => 1);
$k->kill_pid(CONT => $redis);
ok(wait_until(sub {
	$alice->get('/api/core/whoami');
	return value('auth', 'kedge_redis_breaker_open', pool => 'verify') == 0
}, 30), 'the breaker closes when Redis answers again');
ok(wait_until(sub {
	value('auth', 'kedge_redis_connections', pool => 'verify', label => 'state="busy"') == 0
}, 10), 'no connection to Redis is busy any more');

# ---- HTTP to other servers ---------------------------------------------------------------

my $receiver = Kedge::Receiver->new;
my %endpoint = map {
	my $r = $root->post('/api/core/webhooks', { url => $_->[1], kinds => ['made'] });
	($_->[0] => $r->{json}{id})
} [ slow => $receiver->url('/slow') ], [ none => 'http://127.0.0.1:' . Kedge::free_port() . '/' ];
sub deliver
{
	my ($to) = @_;
	$k->sql('core', "SELECT job_enqueue('webhook.deliver', '{\"endpointId\":\"$endpoint{$to}\","
		    . '"eventId":"e","type":"made","data":{},"timestamp":"2026-01-01T00:00:00Z"}' . "')");
	return;
}
my %of_remote = map { ($_ => qq(kedge_remote_$_\{service="core",pool="worker"})) }
    qw(calls_total errors_total call_seconds_count);
$before = { %{ metrics('core') } };
deliver('slow');
ok(wait_until(sub {
	(value('core', 'kedge_remote_calls_in_progress', pool => 'worker') // 0) == 1
}, 20), 'kedge_remote_calls_in_progress counts a call');
deliver('none');
ok(wait_until(sub {
	(metrics('core')->{ $of_remote{errors_total} } // 0) - ($before->{ $of_remote{errors_total} } // 0) == 2
}, 40), 'an unanswered call and a refused call are counted as errors');
grew('both are counted and timed', 'core', $before, map { $of_remote{$_} => 2 } qw(calls_total call_seconds_count));
is(value('core', 'kedge_remote_calls_in_progress', pool => 'worker'), 0, 'no HTTP call is in progress any more');

# ---- processes that make no progress --------------------------------------------------------

# verify's only process is frozen, so no request can pass.  The process for jobs is
# frozen, too, but no request needs it.
my @frozen = map { $k->pids($_) } qw(auth-verify core-worker);
is(scalar @frozen, 2, 'verify and the job pool each have a process');
is($k->monitor->get('/health/auth')->{json}{pools}{verify}, 'ok', 'health reports the pool verify as ok');
is($k->monitor->get('/health/core')->{json}{pools}{worker}, 'ok', 'health reports the pool worker as ok');
$k->kill_pid(STOP => @frozen);
ok(wait_until(sub { $k->monitor->get('/health/auth')->{status} == 503 }, 90), 'auth is not healthy without verify');
$health = $k->monitor->get('/health/auth')->{json};
is_deeply([ $health->{status}, @{ $health->{pools} }{qw(api verify)} ], [qw(away ok away)], 'health names the pool that is away');
ok(wait_until(sub { $k->monitor->get('/health/core')->{json}{pools}{worker} eq 'away' }, 90),
	'health reports a stopped pool of workers as away');
is($k->monitor->get('/health/core')->{status}, 200, 'core is healthy without its workers');
$k->kill_pid(CONT => @frozen);
ok(wait_until(sub { $k->monitor->get('/health/auth')->{status} == 200 }, 30), 'auth is healthy when verify runs again');
ok(wait_until(sub { $k->monitor->get('/health/core')->{json}{pools}{worker} eq 'ok' }, 30), 'the pool of workers is ok when it runs again');

# ---- passwords -----------------------------------------------------------------------------

sub of_password { return value('auth', "kedge_password_$_[0]") }
my %password = map { ($_ => of_password($_)) }
    qw(hashes_total rejected_total hash_seconds_count hash_wait_seconds_count);
my @status = parallel(16, sub {
	my $c = $k->client(timeout => 60);
	@$c{qw(email password)} = @$alice{qw(email password)};
	return $c->sign_in->{status};
});
my $good = grep { $_ == 200 } @status;
my $refused = grep { $_ == 429 } @status;
is($good + $refused, 16, "of 16 sign-ins at once $good succeed and the others get 429");
is(of_password('rejected_total') - $password{rejected_total}, $refused, 'each refused sign-in is counted');
is(of_password($_) - $password{$_}, $good, "$_: each hash is counted")
    for qw(hashes_total hash_seconds_count hash_wait_seconds_count);
is(of_password('hashes_waiting'), 0, 'no sign-in waits for a hash any more');

done_testing;
