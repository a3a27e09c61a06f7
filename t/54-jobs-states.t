# A job runs after the transaction that enqueued it has committed, and ends in the state
# that its handler reports.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(wait_until median);
use Kedge::JobTest;

my $j = Kedge::JobTest->up;

# ---- enqueueing, before a worker runs -------------------------------------------------

my $rolled_back = $j->sql("BEGIN; SELECT job_id FROM job_enqueue('write', '{}'); ROLLBACK");
my @ids = map { $j->enqueue('write') } 1 .. 5;
my $urgent = $j->enqueue('write', {}, priority => 0);
my $later = $j->enqueue('write', {}, run_at => '2100-01-01T00:00:00Z');
is($j->state($rolled_back), '', 'a job whose transaction was rolled back does not exist');

my @keyed = map { $j->sql("SELECT job_id, duplicate FROM job_enqueue('write', '{}', p_unique_key => 'k')") }
    1, 2;
my ($first, $second) = map { [ split /\|/ ] } @keyed;
is_deeply([ $second->[0], $first->[1], $second->[1] ], [ $first->[0], 'f', 't' ],
	'enqueueing with a taken unique key returns the job that has it');

my $nonsense = $j->enqueue('nonsense', {}, max_attempts => 1);
my %once = map { $_ => $j->enqueue($_) } qw(fail fail.once fail.sql discard snooze.once deferred);
my $misfit = $j->enqueue('write.wait', { ms => 'long' });
my $stranger = $j->enqueue('of.tomorrow');
my $called_off = $j->enqueue('write');
is($j->sql("SELECT job_cancel('$called_off')"), 'cancelled', 'a waiting job is cancelled at once');

my $master = $j->work;

# ---- how attempts end ------------------------------------------------------------------

ok($j->reached($_, 'completed'), 'the job is completed') for @ids, $urgent, $first->[0];
is($j->effects($_), 1, 'a completed job has had its effect once') for @ids;
is($j->sql('SELECT job_id FROM jobtest_effect ORDER BY n LIMIT 1'), $urgent,
	'the job with the highest priority runs first');
my $history = $j->job($ids[0])->{attempts};
is(scalar @$history, 1, 'the history of a completed job has one attempt');
is($history->[0]{outcome}, 'completed', 'the attempt in the history has completed');
like($history->[0]{worker}, qr{/jobtest-0/\d+$}, 'the history names the worker');
like($history->[0]{$_}, qr/^\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z$/, "the attempt has the time $_")
    for qw(startedAt endedAt);
is($j->effects($rolled_back), 0, 'a job that was rolled back never runs');
is($j->state($later), 'available', 'a job with a later run_at waits');
is($j->state($called_off), 'cancelled', 'a cancelled job stays cancelled');
is($j->effects($called_off), 0, 'a cancelled job has no effect');

ok($j->reached($once{fail}, 'discarded'), 'a job that always fails is discarded');
my $job = $j->job($once{fail});
is($job->{attempt}, 3, 'the failing job is discarded after three attempts');
is_deeply([ map { "$_->{attempt} $_->{outcome} $_->{error}" } @{ $job->{attempts} } ],
	[ map { "$_ failed as it ? must" } 1 .. 3 ], 'the history has each failed attempt');
is($j->effects($once{fail}), 0, 'the writes of failed attempts are rolled back');

ok($j->reached($once{'fail.once'}, 'completed'), 'a job that fails once is completed');
is($j->job($once{'fail.once'})->{attempt}, 2, 'the second attempt completes the job');
is_deeply($j->job($once{'fail.once'})->{result}, { done => JSON::PP::true }, 'the result of a job is stored');

ok($j->reached($once{'fail.sql'}, 'discarded'),
	'a failed statement fails the attempt, whatever the handler returns');
is($j->effects($once{'fail.sql'}), 0, 'a failed statement rolls back the handler\'s earlier writes');

ok($j->reached($once{deferred}, 'discarded'), 'a constraint that is checked at the commit fails the attempt');

ok($j->reached($nonsense, 'discarded'), 'a result that cannot be stored fails the attempt');
like($j->job($nonsense)->{attempts}[0]{error}, qr/^its result cannot be stored: \S/, 'the error says why the result cannot be stored');
is($j->effects($nonsense), 0, 'a result that cannot be stored rolls back the writes');

ok($j->reached($once{discard}, 'discarded'), 'a handler can discard its job');
is($j->job($once{discard})->{attempt}, 1, 'the discarded job had one attempt');

ok($j->reached($once{'snooze.once'}, 'completed'), 'a snoozed job runs later');
is($j->job($once{'snooze.once'})->{attempt}, 1, 'snoozing counts no attempt');

ok($j->reached($misfit, 'discarded'), 'a payload that does not fit the schema discards the job');
like($j->job($misfit)->{attempts}[0]{error}, qr/^payload: ms /, 'the error names the field of the payload');

ok(
	wait_until(sub { @{ $j->job($stranger)->{attempts} } }),
	'a job of an unknown kind is claimed');
is($j->state($stranger), 'available', 'a job of an unknown kind is snoozed');
is($j->sql("SELECT count(*) FROM job_waiting WHERE job_id = '$stranger'"), 1, 'the snoozed job waits for a later time');

my $bare = $j->sql("SELECT job_id FROM job_enqueue('fail', '{}'); NOTIFY job");
is(join(' ', @{ $j->job($bare) }{qw(max_attempts backoff backoff_base_s)}), '3 constant 1',
	'SQL enqueues with the settings that the kind declares');
ok($j->reached($bare, 'discarded'), 'a job that SQL enqueued ends by those settings');

# ---- unique keys -----------------------------------------------------------------------

my $freed = $j->sql("SELECT duplicate FROM job_enqueue('write', '{}', p_unique_key => 'k')");
is($freed, 'f', 'a unique key is free when its job has ended');
my $keep = "p_unique_key => 'for.a.while', p_unique_period_s => 3600";
my $holder = $j->enqueue('write', {}, unique_key => 'for.a.while', unique_period_s => 3600);
ok($j->reached($holder, 'completed'), 'a job whose unique key has a period is completed');
is($j->sql("SELECT duplicate FROM job_enqueue('write', '{}', $keep)"), 't', 'the key stays taken until the period is over');
is($j->sql("SELECT duplicate FROM job_enqueue('noop', '{}', $keep)"),
	'f', 'the same key of another kind is free');
$j->sql("UPDATE job_unique SET expires_at = now() WHERE job_id = '$holder'");
is($j->sql("SELECT duplicate FROM job_enqueue('write', '{}', $keep)"), 'f', 'the key is free when the period is over');

# ---- retry, cancel, pause -------------------------------------------------------------------------

is($j->sql("SELECT job_retry('$ids[0]')"), 'available', 'retry makes a completed job available');
ok(wait_until(sub { $j->effects($ids[0]) == 2 }), 'the retried job has its effect again');
ok($j->reached($ids[0], 'completed'), 'the retried job is completed');
is(scalar @{ $j->job($ids[0])->{attempts} }, 2, 'the history has the attempts before and after the retry');

is($j->sql("SELECT job_retry('$once{fail}')"), 'available', 'retry makes a discarded job available');
ok($j->reached($once{fail}, 'discarded'), 'the retried job fails again');
is(scalar @{ $j->job($once{fail})->{attempts} }, 6, 'the retried job has all its attempts again');

is($j->sql("SELECT job_retry('$later')"), 'available', 'retry makes a waiting job available');
ok($j->reached($later, 'completed'), 'a retried job that waited runs now');
is($j->effects($later), 1, 'a retried job has its effect once');

$j->sql("SELECT job_pause('default', true)");
my $paused = $j->enqueue('write');
my $other = $j->enqueue('noop');
ok($j->reached($other, 'completed'), 'jobs of other queues run while one queue is paused');
is($j->state($paused), 'available', 'no job of the paused queue is claimed');
$j->sql("SELECT job_pause('default', false); NOTIFY job");
ok($j->reached($paused, 'completed'), 'the job runs when the queue is resumed');

my $long = $j->enqueue('wait', { ms => 60_000 });
ok($j->reached($long, 'running'), 'a long job runs');
ok(wait_until(sub { $j->job($long)->{result} }), 'the progress of a running job is visible');
is($j->sql("SELECT job_cancel('$long')"), 'running', 'cancel asks a running job to stop');
ok($j->reached($long, 'cancelled', 5), 'the running job stops soon');
is($j->effects($long), 0, 'a job that stopped has no effect');
is($j->job($long)->{attempts}[0]{error}, 'told to stop', 'the history says that it was told to stop');

# ---- notifications ------------------------------------------------------------------------

$j->stop($master);
$master = $j->work(WORKER_POLL_MS => 20_000);
wait_until(sub { $j->sql('SELECT count(*) FROM job_worker') == 1 });
ok($j->reached($j->enqueue('write'), 'completed'), 'a worker with a long poll interval runs a job');
my @ms;
for (1 .. 20) {
	my $id = $j->enqueue('write');
	ok($j->reached($id, 'completed', 5), 'a notification wakes the worker') or last;
	push @ms, $j->sql("SELECT extract(epoch FROM e.at - j.created_at) * 1000
		FROM jobtest_effect e JOIN job j ON j.id = e.job_id WHERE j.id = '$id'");
}
note(sprintf 'from the commit to the effect: median %.1f ms', median(@ms));
cmp_ok(median(@ms), '<', 1000, 'a notification wakes an idle worker within a second');

my $soon = $j->enqueue('write', {}, run_at => $j->sql("SELECT now() + interval '700 ms'"));
ok($j->reached($soon, 'completed', 10), 'a job that becomes due later runs without a poll');
cmp_ok($j->sql("SELECT extract(epoch FROM e.at - j.run_at) FROM jobtest_effect e
	JOIN job j ON j.id = e.job_id WHERE j.id = '$soon'"), '>=', 0, 'a job does not run before its time');

# ---- retention -----------------------------------------------------------------------------

$j->stop($master);
$j->sql("UPDATE job SET finished_at = now() - interval '1 hour'
	WHERE id IN ('$ids[1]', '$once{discard}', '$called_off')");
$master = $j->work(JOBS_KEEP_COMPLETED_S => 1800, JOBS_KEEP_CANCELLED_S => 1800);
ok($j->becomes("SELECT count(*) FROM job WHERE id IN ('$ids[1]', '$called_off')", 0),
	'jobs that ended longer ago than their retention are deleted');
is($j->state($ids[2]), 'completed', 'jobs that ended recently are kept');
is($j->state($once{discard}), 'discarded', 'discarded jobs have a longer retention');

ok(
	wait_until(
		sub { $j->sql("SELECT completed FROM job_stat WHERE kind = 'write'") >= 20 }, 15),
	'counters are flushed to the database');
is($j->sql("SELECT failed, discarded FROM job_stat WHERE kind = 'fail'"),
	'9|3', 'failed attempts and discarded jobs are counted');
is($j->stop($master), 0, 'the master exits with 0 after SIGTERM');
is($j->sql('SELECT count(*) FROM job_worker'), 0, 'no worker is registered after SIGTERM');
ok($j->down, 'the log has no errors');
done_testing;
