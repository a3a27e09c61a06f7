# The states of a job: an enqueued job runs once it is committed, and ends as its
# handler says.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(wait_until median);
use Kedge::JobTest;

my $j = Kedge::JobTest->up;

# ---- enqueueing, before anybody works ------------------------------------------------

my $rolled_back = $j->sql("BEGIN; SELECT job_id FROM job_enqueue('write', '{}'); ROLLBACK");
my @ids = map { $j->enqueue('write') } 1 .. 5;
my $urgent = $j->enqueue('write', {}, priority => 0);
my $later = $j->enqueue('write', {}, run_at => '2100-01-01T00:00:00Z');
is($j->state($rolled_back), '', 'rolled back: there is no job');

my @keyed = map { $j->sql("SELECT job_id, duplicate FROM job_enqueue('write', '{}', p_unique_key => 'k')") }
    1, 2;
my ($first, $second) = map { [ split /\|/ ] } @keyed;
is_deeply([ $second->[0], $first->[1], $second->[1] ], [ $first->[0], 'f', 't' ],
	'a unique key that is taken gives the job that has it');

my $nonsense = $j->enqueue('nonsense', {}, max_attempts => 1);
my %once = map { $_ => $j->enqueue($_) } qw(fail fail.once fail.sql discard snooze.once deferred);
my $misfit = $j->enqueue('write.wait', { ms => 'long' });
my $stranger = $j->enqueue('of.tomorrow');
my $called_off = $j->enqueue('write');
is($j->sql("SELECT job_cancel('$called_off')"), 'cancelled', 'one that waits is cancelled at once');

my $master = $j->work;

# ---- what becomes of them --------------------------------------------------------------

ok($j->reached($_, 'completed'), 'completed') for @ids, $urgent, $first->[0];
is($j->effects($_), 1, 'and its effect is there, once') for @ids;
is($j->sql('SELECT job_id FROM jobtest_effect ORDER BY n LIMIT 1'), $urgent,
	'the most urgent first');
my $history = $j->job($ids[0])->{attempts};
is(scalar @$history, 1, 'its history has one attempt');
is($history->[0]{outcome}, 'completed', 'that completed');
like($history->[0]{worker}, qr{/jobtest-0/\d+$}, 'by a worker with a name');
like($history->[0]{$_}, qr/^\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z$/, "with its time: $_")
    for qw(startedAt endedAt);
is($j->effects($rolled_back), 0, 'what was rolled back is never run');
is($j->state($later), 'available', 'what is due later waits');
is($j->state($called_off), 'cancelled', 'what was cancelled is not run');
is($j->effects($called_off), 0, 'and has no effect');

ok($j->reached($once{fail}, 'discarded'), 'one that always fails is discarded in the end');
my $job = $j->job($once{fail});
is($job->{attempt}, 3, 'after its three attempts');
is_deeply([ map { "$_->{attempt} $_->{outcome} $_->{error}" } @{ $job->{attempts} } ],
	[ map { "$_ failed as it ? must" } 1 .. 3 ], 'the history tells of each');
is($j->effects($once{fail}), 0, 'nothing of what it wrote stayed');

ok($j->reached($once{'fail.once'}, 'completed'), 'one that fails once is completed');
is($j->job($once{'fail.once'})->{attempt}, 2, 'by its second attempt');
is_deeply($j->job($once{'fail.once'})->{result}, { done => JSON::PP::true }, 'its result is kept');

ok($j->reached($once{'fail.sql'}, 'discarded'),
	'a statement that fails fails the job, whatever the handler says');
is($j->effects($once{'fail.sql'}), 0, 'and undoes what it wrote before');

ok($j->reached($once{deferred}, 'discarded'), 'so does a constraint that is checked at the commit');

ok($j->reached($nonsense, 'discarded'), 'a result that cannot be kept fails the attempt');
like($j->job($nonsense)->{attempts}[0]{error}, qr/^its result cannot be stored: \S/, 'and says why');
is($j->effects($nonsense), 0, 'and undoes what it wrote');

ok($j->reached($once{discard}, 'discarded'), 'a handler can discard its job');
is($j->job($once{discard})->{attempt}, 1, 'at once');

ok($j->reached($once{'snooze.once'}, 'completed'), 'one that was put off runs later');
is($j->job($once{'snooze.once'})->{attempt}, 1, 'and that counted as no attempt');

ok($j->reached($misfit, 'discarded'), 'a payload that does not fit discards the job');
like($j->job($misfit)->{attempts}[0]{error}, qr/^payload: ms /, 'and the history names the field');

ok(
	wait_until(sub { @{ $j->job($stranger)->{attempts} } }),
	'a kind that this release does not know');
is($j->state($stranger), 'available', 'waits for one that does');
is($j->sql("SELECT count(*) FROM job_waiting WHERE job_id = '$stranger'"), 1, 'some time from now');

my $bare = $j->sql("SELECT job_id FROM job_enqueue('fail', '{}'); NOTIFY job");
is(join(' ', @{ $j->job($bare) }{qw(max_attempts backoff backoff_base_s)}), '3 constant 1',
	'what SQL enqueues now is as the kind says');
ok($j->reached($bare, 'discarded'), 'and ends so');

# ---- unique keys -----------------------------------------------------------------------

my $freed = $j->sql("SELECT duplicate FROM job_enqueue('write', '{}', p_unique_key => 'k')");
is($freed, 'f', 'a unique key is free again when its job has ended');
my $keep = "p_unique_key => 'for.a.while', p_unique_period_s => 3600";
my $holder = $j->enqueue('write', {}, unique_key => 'for.a.while', unique_period_s => 3600);
ok($j->reached($holder, 'completed'), 'with a period');
is($j->sql("SELECT duplicate FROM job_enqueue('write', '{}', $keep)"), 't', 'it stays taken');
is($j->sql("SELECT duplicate FROM job_enqueue('noop', '{}', $keep)"),
	'f', 'in its kind; elsewhere it is another');
$j->sql("UPDATE job_unique SET expires_at = now() WHERE job_id = '$holder'");
is($j->sql("SELECT duplicate FROM job_enqueue('write', '{}', $keep)"), 'f', 'until it is over');

# ---- by hand ---------------------------------------------------------------------------

is($j->sql("SELECT job_retry('$ids[0]')"), 'available', 'a completed job is replayed');
ok(wait_until(sub { $j->effects($ids[0]) == 2 }), 'and does its work again');
ok($j->reached($ids[0], 'completed'), 'to its end');
is(scalar @{ $j->job($ids[0])->{attempts} }, 2, 'with both attempts in its history');

is($j->sql("SELECT job_retry('$once{fail}')"), 'available', 'so is a discarded one');
ok($j->reached($once{fail}, 'discarded'), 'which fails again');
is(scalar @{ $j->job($once{fail})->{attempts} }, 6, 'three times more');

is($j->sql("SELECT job_retry('$later')"), 'available', 'one that waits need not');
ok($j->reached($later, 'completed'), 'and runs now');
is($j->effects($later), 1, 'once');

$j->sql("SELECT job_pause('default', true)");
my $paused = $j->enqueue('write');
my $other = $j->enqueue('noop');
ok($j->reached($other, 'completed'), 'paused: another queue goes on');
is($j->state($paused), 'available', 'and nothing is taken from this one');
$j->sql("SELECT job_pause('default', false); NOTIFY job");
ok($j->reached($paused, 'completed'), 'resumed: it is');

my $long = $j->enqueue('wait', { ms => 60_000 });
ok($j->reached($long, 'running'), 'a long job runs');
ok(wait_until(sub { $j->job($long)->{result} }), 'and shows its progress');
is($j->sql("SELECT job_cancel('$long')"), 'running', 'it is asked to stop');
ok($j->reached($long, 'cancelled', 5), 'and does, soon');
is($j->effects($long), 0, 'before its effect');
is($j->job($long)->{attempts}[0]{error}, 'told to stop', 'as the history says');

# ---- waking up ---------------------------------------------------------------------------

$j->stop($master);
$master = $j->work(WORKER_POLL_MS => 20_000);
wait_until(sub { $j->sql('SELECT count(*) FROM job_worker') == 1 });
ok($j->reached($j->enqueue('write'), 'completed'), 'a worker that would sleep for long');
my @ms;
for (1 .. 20) {
	my $id = $j->enqueue('write');
	ok($j->reached($id, 'completed', 5), 'is woken') or last;
	push @ms, $j->sql("SELECT extract(epoch FROM e.at - j.created_at) * 1000
		FROM jobtest_effect e JOIN job j ON j.id = e.job_id WHERE j.id = '$id'");
}
note(sprintf 'from the commit to the effect: median %.1f ms', median(@ms));
cmp_ok(median(@ms), '<', 1000, 'at once');

my $soon = $j->enqueue('write', {}, run_at => $j->sql("SELECT now() + interval '700 ms'"));
ok($j->reached($soon, 'completed', 10), 'one that is due later wakes it, too');
cmp_ok($j->sql("SELECT extract(epoch FROM e.at - j.run_at) FROM jobtest_effect e
	JOIN job j ON j.id = e.job_id WHERE j.id = '$soon'"), '>=', 0, 'not before its time');

# ---- retention -----------------------------------------------------------------------------

$j->stop($master);
$j->sql("UPDATE job SET finished_at = now() - interval '1 hour'
	WHERE id IN ('$ids[1]', '$once{discard}', '$called_off')");
$master = $j->work(JOBS_KEEP_COMPLETED_S => 1800, JOBS_KEEP_CANCELLED_S => 1800);
ok($j->becomes("SELECT count(*) FROM job WHERE id IN ('$ids[1]', '$called_off')", 0),
	'what ended long ago is deleted');
is($j->state($ids[2]), 'completed', 'what did not is kept');
is($j->state($once{discard}), 'discarded', 'as is what failed for good, longer');

ok(
	wait_until(
		sub { $j->sql("SELECT completed FROM job_stat WHERE kind = 'write'") >= 20 }, 15),
	'the counters arrive');
is($j->sql("SELECT failed, discarded FROM job_stat WHERE kind = 'fail'"),
	'9|3', 'failures and those for good');
is($j->stop($master), 0, 'a worker ends when it is told to');
is($j->sql('SELECT count(*) FROM job_worker'), 0, 'and leaves nothing behind');
ok($j->down, 'no complaints');
done_testing;
