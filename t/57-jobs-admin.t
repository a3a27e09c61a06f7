# Jobs as administrators manage them: HTTP routes, command line and metrics; and
# handlers that are programs.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(wait_until jdecode jencode need slurp files);

need('python3');
my $k = Kedge->up;
my $root = $k->user('root');
$k->role($root, 'admin');
my $alice = $k->user('alice');
my $jobs = '/api/core/jobs';
my $nobody = '01890000-0000-7000-8000-000000000001';

sub enqueue
{
	my ($payload, %opt) = @_;
	my $kind = delete $opt{kind} // 'example.factorize';
	my %args = (queue => "'cpu'", max_attempts => 3, %opt);
	return $k->sql('core', "SELECT job_id FROM job_enqueue('$kind', '" . jencode($payload)
	    . "', " . join(', ', map { "p_$_ => $args{$_}" } sort keys %args) . ')');
}

sub job { return $root->get("$jobs/$_[0]")->{json} }
sub reached { my ($id, $state, $s) = @_; return wait_until { job($id)->{state} eq $state } $s }

sub queue
{
	my ($name) = @_;
	my ($q) = grep { $_->{name} eq $name } @{ $root->get("$jobs/queues")->{json}{items} };
	return $q;
}

sub cli { return $k->kedge('jobs', 'core', @_) }

# Returns the processes of the program, whatever their parents are.
sub programs
{
	return grep { (slurp("$_/cmdline") // '') =~ /factorize\.py/ && (slurp("$_/environ") // '') =~ /KEDGE_JOB_ID/ }
	    files('/proc', qr/^\d+$/);
}

# ---- only admins may use the routes ---------------------------------------------------

my @routes = (
	[ GET => $jobs ], [ GET => "$jobs/queues" ], [ GET => "$jobs/schedules" ],
	[ GET => "$jobs/$nobody" ], [ POST => "$jobs/$nobody/retry" ],
	[ POST => "$jobs/$nobody/cancel" ], [ POST => $jobs ], [ POST => "$jobs/queues/cpu/pause" ],
	[ POST => "$jobs/queues/cpu/resume" ],
);
for my $row (@routes) {
	my ($method, $path) = @$row;
	is($alice->request($method, $path)->{status}, 403, "$method $path: a user gets 403");
	is($k->client->request($method, $path)->{status}, 401, "$method $path: without a session 401");
}
is(queue('cpu')->{paused}, JSON::PP::false, 'the refused requests paused no queue');

# ---- a program as handler -------------------------------------------------------------

my $id = enqueue({ number => '600851475143' }, request_id => "'request-9'");
ok(reached($id, 'completed'), 'a job whose handler is a program is completed');
my $job = job($id);
is_deeply($job->{result}, { factors => [qw(71 839 1471 6857)] }, 'the job has the result of the program');
is_deeply($job->{payload}, { number => '600851475143' }, 'the job has its payload');
is($job->{requestId}, 'request-9', 'the job has the id of the request that enqueued it');
is(scalar @{ $job->{attempts} }, 1, 'the job had one attempt');
is($job->{attempts}[0]{outcome}, 'completed', 'the attempt has completed');

$id = enqueue({ number => 'twelve' });
ok(reached($id, 'discarded'), 'exit status 100 discards the job');
$job = job($id);
is($job->{attempt}, 1, 'exit status 100 discards after one attempt');
is($job->{lastError}, 'the number is not a whole number above 0', 'the error line of the program is the error of the job');
$id = enqueue({ number => 12 });
ok(reached($id, 'discarded'), 'a payload that does not fit discards the job');
like(job($id)->{lastError}, qr/^payload: number /, 'the error comes from the schema, before the program runs');

# RSA-100 is the product of two primes of 50 digits, so factorising it takes long.
my $hard = '1522605027922533360535618378132637429718068114961380688657908494580122963258952897654000350692006139';
$id = enqueue({ number => $hard });
ok(wait_until(sub { (job($id)->{result} // {})->{left} }), 'progress is visible while the program runs');
is(job($id)->{state}, 'running', 'the job is running');
is(scalar(my @running = programs()), 1, 'the program runs in a process');
is(queue('cpu')->{running}, 1, 'the queue counts the running job');
my $r = $root->post("$jobs/$id/retry");
is($r->{status}, 409, 'retry of a running job is refused');
is($r->{json}{code}, 'JOB_RUNNING', 'the error code gives the reason');
$r = $root->post("$jobs/$id/cancel");
is($r->{status}, 200, 'a running job can be cancelled');
ok(reached($id, 'cancelled', 8), 'the running job is cancelled soon');
ok(wait_until(sub { !programs() }, 5), 'no process of the program is left');
is($root->post("$jobs/$id/cancel")->{status}, 200, 'cancelling a cancelled job succeeds');

# ---- lists --------------------------------------------------------------------------------

is($root->post("$jobs/queues/cpu/pause")->{json}{paused}, JSON::PP::true, 'a queue is paused');
my @waiting = map { enqueue({ number => "$_" }, tags => $_ % 2 ? "'{odd}'" : "'{even,more}'") } 1 .. 7;
my ($cursor, @seen) = ('');
my $pages = 0;
while (defined $cursor) {
	$r = $root->get("$jobs?queue=cpu&state=available&limit=3&cursor=$cursor");
	is($r->{status}, 200, 'a page of jobs is returned');
	push @seen, map { $_->{id} } @{ $r->{json}{items} };
	$cursor = $r->{json}{nextCursor};
	last if ++$pages > 10;
}
is_deeply(\@seen, [ reverse @waiting ], 'the pages have all waiting jobs, newest first');
is($pages, 3, 'the jobs are on three pages');
my ($item) = @{ $root->get("$jobs?limit=1")->{json}{items} };
ok(!exists $item->{payload}, 'jobs in a list have no payload');
is_deeply($item->{tags}, ['odd'], 'a job in a list has its tags');
is(scalar @{ $root->get("$jobs?tag=even")->{json}{items} }, 3, 'the list can be filtered by tag');
is(scalar @{ $root->get("$jobs?state=discarded")->{json}{items} }, 2, 'the list can be filtered by state');
is(scalar @{ $root->get("$jobs?kind=example.factorize&limit=100")->{json}{items} }, 11, 'the list can be filtered by kind');
is(scalar @{ $root->get("$jobs?kind=another")->{json}{items} }, 0, 'another kind has no jobs');
$r = $root->get("$jobs?queue=cpu&limit=2");
is($root->get("$jobs?queue=other&limit=2&cursor=$r->{json}{nextCursor}")->{status}, 400,
	'a cursor with other filters is refused');
is($root->get("$jobs?$_")->{status}, 400, "GET jobs?$_ is refused")
    for qw(state=odd limit=0 limit=101 limit=x cursor=x);
is($root->get("$jobs/$nobody")->{status}, 404, 'an unknown job id is 404');
is($root->get("$jobs/x")->{status}, 400, 'an id that is no UUID is 400');
is($root->post("$jobs/$nobody/$_")->{status}, 404, "$_ of an unknown queue is 404") for qw(retry cancel);
is($root->request(DELETE => "$jobs/$nobody")->{status}, 405, 'DELETE of a job is 405');

# ---- retry, cancel, pause -----------------------------------------------------------------------------

my $q = queue('cpu');
is_deeply([ @$q{qw(available scheduled retryable running)} ], [ 7, 0, 0, 0 ], 'seven jobs are available in the paused queue');
ok(defined $q->{oldestAt}, 'the oldest available job has an age');
my $later = enqueue({ number => '6' }, run_at => "'2100-01-01T00:00:00Z'");
is(queue('cpu')->{scheduled}, 1, 'one job is scheduled');
is($root->post("$jobs/$waiting[0]/cancel")->{json}{state}, 'cancelled', 'a waiting job is cancelled');
is(queue('cpu')->{available}, 6, 'six jobs are available after the cancellation');
is($root->post("$jobs/$later/retry")->{json}{state}, 'available', 'retry makes the scheduled job available');
is(queue('cpu')->{available}, 7, 'seven jobs are available after the retry');
is($root->post("$jobs/queues/nowhere/pause")->{status}, 404, 'resuming an unknown queue is 404');
is($root->post("$jobs/queues/cpu/resume")->{json}{paused}, JSON::PP::false, 'the queue is resumed');
ok(reached($_, 'completed'), 'the jobs of the resumed queue are completed') for @waiting[ 1 .. 6 ], $later;
is(job($waiting[0])->{state}, 'cancelled', 'the cancelled job stays cancelled');
is_deeply(job($waiting[5])->{result}{factors}, [qw(2 3)], 'the program has factorized 6');
$r = $root->post("$jobs/$waiting[5]/cancel");
is($r->{status}, 409, 'cancelling a completed job is refused');
is($r->{json}{code}, 'JOB_ENDED', 'the error code gives the reason');
# A worker may claim the job before the response is written.
like($root->post("$jobs/$waiting[5]/retry")->{json}{state}, qr/^(?:available|running|completed)$/,
	'a completed job can be retried');
ok(wait_until(sub { @{ job($waiting[5])->{attempts} } == 2 }), 'the retried job runs again');
ok(reached($waiting[0], 'cancelled'), 'the cancelled job is unchanged');
is($root->post("$jobs/$waiting[0]/retry")->{status}, 200, 'a cancelled job can be retried');
ok(reached($waiting[0], 'completed'), 'the retried job is completed');

# ---- enqueueing by hand -----------------------------------------------------------------------

my %twelve = (kind => 'example.factorize', payload => { number => '12' });
$r = $root->post($jobs, \%twelve);
is($r->{status}, 201, 'POST /jobs enqueues a job');
my $own = $r->{json};
is_deeply([ @$own{qw(kind queue maxAttempts)}, $own->{payload} ],
	[ 'example.factorize', 'cpu', 3, { number => '12' } ], 'the job has the settings of its kind');
is($r->{headers}{location}, "$jobs/$own->{id}", 'Location is the path of the new job');
my %key = (headers => { 'Idempotency-Key' => 'k' });
$r = $root->post($jobs, \%twelve, %key);
is($r->{status}, 400, 'POST /jobs refuses an Idempotency-Key: it would enqueue a second job');
is_deeply($r->{json}{fields} && $r->{json}{fields}[0]{field}, 'Idempotency-Key', 'the error names the header');
is($root->post("$jobs/queues/cpu/resume", undef, %key)->{status}, 200, 'resume accepts one: a repetition changes nothing');
ok(reached($own->{id}, 'completed'), 'the job that POST /jobs enqueued is completed');
for my $row (
	[ 'another kind', { %twelve, kind => 'nobody.knows' }, 'kind' ], [ 'no kind', { payload => {} }, 'kind' ],
	[ 'a forged event', { kind => 'webhook.deliver', payload => {} }, 'kind' ],
	[ 'no payload', { kind => 'example.factorize' }, 'payload.number' ],
	[ 'a number', { %twelve, payload => { number => 12 } }, 'payload.number' ],
	[ 'a list', { %twelve, payload => [] }, 'payload' ], [ 'a queue', { %twelve, queue => 'x' }, 'queue' ],
) {
	my ($name, $body, $field) = @$row;
	$r = $root->post($jobs, $body);
	is($r->{status}, 400, "a job with $name is refused");
	is($r->{json}{fields}[0]{field}, $field, 'the error names the field') or diag($r->{body});
}
is($alice->post($jobs, \%twelve)->{status}, 403, 'a user may not enqueue jobs');
my ($s, $o, $e) = cli('enqueue', 'example.factorize', '{"number": "15"}', '--json');
is($s, 0, 'kedge jobs core enqueue') or diag($e);
ok(reached(jdecode($o)->{id}, 'completed'), 'the job that the command enqueued is completed');
for my $row ([ qr/no kind/, 'nobody.knows' ], [ qr/payload: number /, 'example.factorize' ],
	[ qr/only the service itself may enqueue/, 'webhook.deliver' ],
	[ qr/payload: \S/, 'example.factorize', '{' ]) {
	my ($error, @words) = @$row;
	($s, $o, $e) = cli('enqueue', @words);
	is($s, 1, "jobs @words is refused");
	like($e, $error, 'the error gives the reason');
}

# ---- the command line ---------------------------------------------------------------------------

my ($status, $out, $err) = cli('list', '--state', 'discarded');
is($status, 0, 'kedge jobs core list succeeds') or diag($err);
my @lines = split /\n/, $out;
is(scalar @lines, 3, 'jobs list prints a heading and two jobs');
like($lines[0], qr/^ID +STATE +KIND +QUEUE +ATTEMPT +RUN AT +LAST ERROR$/, 'the first line is the heading');
like($lines[2], qr/ discarded +example\.factorize +cpu +1\/3 .*the number is not a whole/, 'the second line is a job');
($status, $out) = cli('list', '--limit', '2', '--json');
my $list = jdecode($out);
is(scalar @$list, 2, '--json and --limit are accepted');
is(ref $list->[0]{tags}, 'ARRAY', '--json prints the jobs as the routes send them');
($status, $out) = cli('list', '--kind', 'example.factorize', '--queue', 'cpu', '--tag', 'odd', '--json');
is(scalar @{ jdecode($out) }, 4, 'jobs list with filters prints the jobs that match');
($status, $out) = cli('show', $waiting[5]);
is($status, 0, 'jobs show succeeds');
like($out, qr/^state +completed$/m, 'show prints the state');
like($out, qr/^payload +\{"number": "6"\}$/m, 'show prints the payload');
like($out, qr/^result +\{"factors": \["2", "3"\]\}$/m, 'show prints the result');
is(scalar(() = $out =~ /^1 +\d{4}-\S+ +\d{4}-\S+ +completed /mg), 2, 'show prints both attempts');
($status, $out) = cli('show', '--json', $waiting[5]);
is_deeply(jdecode($out), job($waiting[5]), 'show --json prints the response of the route');
($status, $out, $err) = cli('retry', $waiting[1], $nobody, $waiting[2]);
is($status, 1, 'retry exits with 1 when one job cannot be retried');
my $now = qr/(?:available|running|completed)/;
like($out, qr/^$waiting[1] $now\n$waiting[2] $now$/m, 'jobs retry retries the other jobs when one is refused');
like($err, qr/there is no job $nobody/, 'the error names the job that was not');
ok(reached($_, 'completed'), 'the retried jobs are completed') for @waiting[ 1, 2 ];
($status, $out, $err) = cli('cancel', $waiting[1]);
is($status, 1, 'cancel of an ended job exits with 1');
like($err, qr/The job has ended/, 'the error gives the reason');
is((cli('show', "x'; DROP"))[0], 1, 'an id that is no UUID is 400');
($status, $out) = cli('pause', 'cpu');
like($out, qr/^cpu +paused /m, 'jobs pause prints the paused queue');
is(queue('cpu')->{paused}, JSON::PP::true, 'the command shows the queue as paused');
($status, $out) = cli('resume', 'cpu', '--json');
is(jdecode($out)->[0]{paused}, JSON::PP::false, 'jobs resume prints the resumed queue');
($status, $out, $err) = cli('pause', 'nowhere');
is($status, 1, 'pause of an unknown queue exits with 1');
like((cli('queues'))[1], qr/^webhooks +open +1 +0 /m, 'jobs queues shows the queue of webhooks');
is((cli('schedules'))[0], 0, 'jobs schedules succeeds');
for my $wrong ([], ['fly'], [ 'list', 'x' ], [ 'list', '--state', 'odd' ], [ 'list', '--limit', '0' ],
	[ 'show' ], ['enqueue'], [ 'retry' ], [ 'pause' ], [ 'list', '--queue' ], [ 'list', '--what' ]) {
	my ($s, undef, $e) = cli(@$wrong);
	is($s, 2, "jobs @$wrong is wrong usage");
	like($e, qr/^usage: core jobs list|^kedge: jobs (?:needs a verb|has no verb fly); see "kedge jobs --help"$/,
		'the usage is printed, or where it is');
}

# ---- metrics and OpenAPI ----------------------------------------------------------------------------

my $text;
ok(wait_until(sub {
	$text = $k->monitor->get('/metrics/core')->{body};
	$text =~ /^kedge_jobs_completed_total\{service="core",kind="example\.factorize"\} 1[1-9]$/m;
}, 20), 'completed jobs are counted') or diag($text);
like($text, qr/^kedge_jobs_discarded_total\{service="core",kind="example\.factorize"\} 2$/m, 'discarded jobs are counted');
like($text, qr/^kedge_job_failures_total\{service="core",kind="example\.factorize"\} [2-9]$/m, 'failed attempts are counted');
like($text, qr/^kedge_job_run_seconds_bucket\{service="core",kind="example\.factorize",le="\+Inf"\} 1\d$/m,
	'run times are counted');
like($text, qr/^kedge_job_queue_depth\{service="core",queue="cpu",state="available"\} \d+$/m, 'the metrics have the depth of the queue');
like($text, qr/^kedge_job_queue_oldest_age_seconds\{service="core",queue="cpu"\} \d+$/m, 'the metrics have the age of the oldest job');
my $paths = $k->client->get('/api/core/openapi.json')->{json}{paths};
ok(exists $paths->{"/api/core$_"}, "OpenAPI has the path $_")
    for qw(/jobs /jobs/{id} /jobs/{id}/retry /jobs/queues /jobs/queues/{queue}/pause /jobs/schedules);
done_testing;
