# Many jobs and several workers: the concurrency limit of a queue holds for all workers
# together, and while workers are killed every effect happens once.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(wait_until);
use Kedge::JobTest;

my $j = Kedge::JobTest->up;

# ---- concurrency: two masters, two processes each, and one slot --------------------------------

my @limited = map { $j->enqueue('limited', { ms => 30 }) } 1 .. 30;
my @masters = map { $j->work(WORKER_PROCESSES => 2) } 1 .. 2;
ok($j->becomes("SELECT count(*) FROM job WHERE kind = 'limited' AND state = 'completed'", 30, 60),
	'thirty jobs of a queue with concurrency 1 are completed');
# The history has the start and the end of each attempt; the handler runs between the
# two.
is($j->sql(<<~'E'), 0, 'no two jobs of the limited queue ran at the same time');
	WITH span AS (
		SELECT id, (attempts[1] ->> 'startedAt')::timestamptz AS a,
			(attempts[1] ->> 'endedAt')::timestamptz AS b
		FROM job WHERE kind = 'limited'
	)
	SELECT count(*) FROM span x JOIN span y ON x.id < y.id
	WHERE x.a < y.b - interval '2 ms' AND y.a < x.b - interval '2 ms'
	E
cmp_ok($j->sql("SELECT count(DISTINCT pid) FROM jobtest_effect WHERE kind = 'limited'"),
	'>=', 1, 'at least one worker ran the jobs of the limited queue');
my @free = map { $j->enqueue('write.wait', { ms => 100 }) } 1 .. 24;
ok($j->reached($_, 'completed', 30), 'a job of the queue without a limit is completed') for @free;
cmp_ok($j->sql("SELECT count(DISTINCT pid) FROM jobtest_effect WHERE kind = 'write.wait'"),
	'>=', 3, 'at least three workers ran the other jobs');

# ---- kills ---------------------------------------------------------------------------------------

# Workers are killed and restarted while they run thousands of jobs.
my $n = 8000;
$j->sql("SELECT count(job_enqueue('write', '{}')) FROM generate_series(1, $n / 2)");
$j->sql("SELECT count(job_enqueue('write', '{}', p_priority => 3, p_run_at => now()
	+ make_interval(secs => i::double precision / 500))) FROM generate_series(1, $n / 2) AS i");
$j->sql('NOTIFY job');
my $left = "SELECT count(*) FROM job WHERE kind = 'write' AND state <> 'completed'";
my $kills = 0;
for my $round (1 .. 40) {
	last if $j->sql($left) == 0;
	my $master = $masters[ $round % 2 ];
	my @runners = $j->runners($master) or next;
	if ($round % 8 == 0) {
		kill HUP => $master;
	} else {
		$kills += kill KILL => $runners[ $round % @runners ];
	}
	$j->sql('SELECT pg_sleep(0.02 + random() * 0.1)');
}
note("$kills processes were killed");
cmp_ok($kills, '>', 3, 'more than three processes were killed');
ok($j->becomes($left, 0, 120), 'every job is completed');
is($j->sql("SELECT count(*) FROM jobtest_effect WHERE kind = 'write'"), $n, 'each of the jobs has its effect');
is($j->sql("SELECT count(*) FROM (SELECT job_id FROM jobtest_effect WHERE kind = 'write'
	GROUP BY job_id HAVING count(*) > 1) AS twice"), 0, 'no job has its effect twice');
is($j->sql('SELECT count(*) FROM job_ready'), 0, 'job_ready has no hint left');
is($j->sql('SELECT count(*) FROM job_waiting WHERE run_at <= now()'), 0, 'job_waiting has no due hint left');

# ---- unique keys, enqueued concurrently -------------------------------------------------------------

my @ids = Kedge::parallel(16,
	sub { $j->sql("SELECT job_id FROM job_enqueue('write', '{}', p_unique_key => 'storm',
		p_unique_period_s => 600)") });
is(scalar keys %{ { map { $_ => 1 } @ids } }, 1, 'sixteen concurrent enqueues with one unique key make one job');
$j->sql('NOTIFY job');
ok($j->reached($ids[0], 'completed'), 'the one job of the unique key is completed');
is($j->effects($ids[0]), 1, 'the job has its effect once');

# ---- claims do not read dead rows -----------------------------------------------------------------------

is($j->stop($_), 0, 'the worker exits with status 0') for @masters;
my $one = $j->work(WORKER_POLL_MS => 60_000); # a worker that sleeps does not scan for jobs
my $snapshot = $j->session;
print $snapshot "BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT count(*) FROM job;\n";
ok(
	wait_until(sub { $j->sql("SELECT count(*) FROM pg_stat_activity
		WHERE state = 'idle in transaction' AND backend_xmin IS NOT NULL") }),
	'a snapshot is held open');

# Returns how many index entries the claims have read, including those of dead rows.
# PostgreSQL reports a session's numbers after it was idle for a second.
my $read = sub {
	my ($last, $same) = (-1, 0);
	wait_until {
		my $now = $j->sql("SELECT pg_sleep(0.3); SELECT idx_tup_read
			FROM pg_stat_user_indexes WHERE indexrelname = 'job_ready_pkey'") =~ s/\s+//r;
		$same = $now eq $last ? $same + 1 : 0;
		$last = $now;
		$same == 5;
	} 30;
	return $last;
};
my @looked;
for my $round (1 .. 4) {
	my $before = $read->();
	$j->sql("SELECT count(job_enqueue('noop', '{}', 'bulk')) FROM generate_series(1, 8000)");
	my $last = $j->enqueue('noop');
	ok($j->reached($last, 'completed', 120), "round $round: the last job is completed");
	push @looked, ($read->() - $before) / 8000;
}
note('index entries read for each job: ' . join ', ', map { sprintf '%.1f', $_ } @looked);
# Scans from the beginning of the index would read thousands of entries.  Full scans, at
# most one a second, read a few.
cmp_ok($looked[-1], '<', 100,
	'claims read few index entries although thousands are dead');
print $snapshot "COMMIT;\n";
close $snapshot;

is($j->stop($one), 0, 'the master exits with 0');
ok($j->down, 'the log has no errors');
done_testing;
