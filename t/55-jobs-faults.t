# Workers die, hang, freeze or lose their database: the effect of each job happens once,
# and other jobs are not affected.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use POSIX ();
use Time::HiRes qw(time);
use Kedge qw(wait_until slurp);
use Kedge::JobTest;

my $j = Kedge::JobTest->up;

sub error_of
{
	my ($id, $n) = @_;
	return $j->job($id)->{attempts}[ $n // 0 ]{error};
}

# Returns the counters of a kind in /metrics: completed jobs, failed attempts, discarded
# jobs.
sub counted
{
	my ($kind, $counts) = @_;
	return $j->becomes("SELECT completed, failed, discarded FROM job_stat WHERE kind = '$kind'", $counts);
}

sub is_told
{
	my ($what, $kind, $id) = @_;
	return scalar grep { /"msg":"$what","kind":"$kind","job":"$id"/ } split /\n/, $j->log_text;
}

# ---- kill -9 in the middle of a handler ---------------------------------------------------

my $master = $j->work(WORKER_LEASE_S => 600); # a long lease, so that none expires during the test
my @batch = map { $j->enqueue('write') } 1 .. 3;
ok($j->reached($_, 'completed'), 'a job before the crash is completed') for @batch;

my $hit = $j->enqueue('write.wait', { ms => 2000 });
ok($j->reached($hit, 'running'), 'a handler has written and waits');
# Short jobs lower the mean run time, so that the next claim takes several jobs.
my ($runner) = $j->runners($master);
my $began = time;
kill KILL => $runner;
ok($j->becomes("SELECT cardinality(attempts) FROM job WHERE id = '$hit'", 1, 20),
	'killing the process fails the attempt');
cmp_ok(time - $began, '<', 10, 'the death is noticed long before the lease is over');
is(error_of($hit), 'the worker died', 'the history has the error "the worker died"');
ok($j->reached($hit, 'completed'), 'another process completes the job');
is($j->effects($hit), 1, 'the job that was killed has its effect once');
is($j->job($hit)->{attempt}, 2, 'the second attempt completes the job that was killed');
is($j->sql('SELECT count(*) FROM job_worker'), 1, 'the dead worker is not registered');
$j->stop($master);

# ---- a crash releases the other claimed jobs -----------------------------------------------

$j->sql("SELECT job_pause('default', true)");
my @before = map { $j->enqueue('write') } 1 .. 4;
my $crash = $j->enqueue('crash');
my @after = map { $j->enqueue('write') } 1 .. 4;
$j->sql("SELECT job_pause('default', false)");
$master = $j->work;
ok($j->reached($_, 'completed', 30), 'jobs beside one that crashes are completed') for @before, @after;
is($j->effects($_), 1, 'each released job has its effect once') for @before, @after;
is(scalar @{ $j->job($_)->{attempts} }, 1, 'each released job has one attempt') for @before, @after;
ok($j->reached($crash, 'discarded', 30), 'a job that always crashes is discarded');
is_deeply([ map { $_->{error} } @{ $j->job($crash)->{attempts} } ],
	[ ('the worker died') x 2 ], 'each crash counts as an attempt');
is($j->effects($crash), 0, 'a job that crashed has no effect');
is($j->sql("SELECT failed, discarded FROM job_stat WHERE kind = 'crash'"),
	'2|1', 'the failures and the discarded job are counted');
is(is_told('job attempt failed', 'crash', $crash), 1, 'the first crash is logged as a failed attempt');
is(is_told('job discarded', 'crash', $crash), 1, 'the last crash is logged as a discarded job');

# ---- completed jobs are counted although the process dies----------------------------------------

for my $round (1 .. 3) {
	# When the second job is claimed, the first one has been counted.
	ok($j->reached($j->enqueue('limited', { ms => 0 }), 'completed'), 'a job within its limit is completed') for 1 .. 2;
	my ($pid) = $j->runners($master);
	kill KILL => $pid;
	ok(wait_until(sub { (($j->runners($master))[0] // $pid) != $pid }, 20), 'the next job kills the process');
}
ok($j->becomes("SELECT completed >= 3 FROM job_stat WHERE kind = 'limited'", 't'),
	'jobs that a killed process had completed are counted');

# ---- the time limit ------------------------------------------------------------------------

my @noops = map { $j->enqueue('noop') } 1 .. 3;
ok($j->reached($_, 'completed'), 'a job before the slow one is completed') for @noops;
my $late = $j->enqueue('late', { ms => 60_000 });
ok($j->reached($late, 'discarded', 20), 'a handler over its time limit is ended');
is(error_of($late), 'time limit of 1 s exceeded', 'the history names the time limit');
is($j->effects($late), 0, 'the transaction of a handler over its limit is rolled back');
ok(counted('late', '0|1|1'), 'the discarded job is counted');
is(is_told('job discarded', 'late', $late), 1, 'the failed attempt is logged once');
ok(counted('noop', '3|0|0'), 'jobs that the ended process had completed are counted');
my $off = $j->enqueue('late', { ms => 60_000 });
ok($j->reached($off, 'running'), 'a second handler runs over its limit');
$j->sql("SELECT job_cancel('$off')");
ok($j->reached($off, 'cancelled', 20), 'a job that is cancelled meanwhile is cancelled at its limit');
my $fine = $j->enqueue('late', { ms => 100 });
ok($j->reached($fine, 'completed', 20), 'a handler within its time limit is completed');
ok(counted('late', '1|1|1'), 'a cancelled job counts as no failure');
$j->stop($master);

# ---- connections to a server that does not answer -------------------------------------------

# As when PostgreSQL's host is gone and resets no connection.  A handler's statement may
# take an hour, but the library's own statements have a time limit.
$master = $j->work(WORKER_LEASE_S => 600, WORKER_PROCESSES => 1, DATABASE_TIMEOUT_MS => 500);
my $heard = $j->enqueue('write');
ok($j->reached($heard, 'completed'), 'a worker runs jobs');
my @silent = split /\n/, $j->sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'jobtest'");
cmp_ok(scalar @silent, '>=', 2, 'the worker has connections to the server');
kill STOP => @silent;
my $unheard = $j->enqueue('write');
ok($j->reached($unheard, 'completed', 30), 'with silent connections the worker goes on over new ones');
kill CONT => @silent;
$j->stop($master);

# ---- frozen for longer than the lease --------------------------------------------------------

my $first = $j->work(WORKER_LEASE_S => 5);
my $frozen = $j->enqueue('write.wait', { ms => 1500 });
ok($j->reached($frozen, 'running'), 'a job runs while its worker is frozen');
($runner) = $j->runners($first);
kill STOP => $runner;
my $second = $j->work(WORKER_LEASE_S => 5);
ok($j->reached($frozen, 'completed', 40), 'another worker completes the job of a frozen process');
is(error_of($frozen), 'the worker went silent', 'the history says that the worker went silent');
my $worker = $j->job($frozen)->{attempts}[1]{worker};
kill CONT => $runner;
ok($j->becomes('SELECT count(*) FROM job_worker', 2), 'the frozen worker registers again when it continues');
ok(wait_until(sub { $j->log_text =~ /worker registration lost/ }), 'the lost registration is logged');
is($j->effects($frozen), 1, 'what the frozen worker did late has no effect');
is(is_told('job attempt failed', 'write.wait', $frozen), 1, 'the log has the failed attempt of the reclaimed job');
is_deeply([ map { $_->{outcome} } @{ $j->job($frozen)->{attempts} } ],
	[qw(failed completed)], 'the late end is not in the history');
my @both = map { $j->enqueue('write.wait', { ms => 300 }) } 1 .. 6;
ok($j->reached($_, 'completed'), 'a job is completed after the freeze') for @both;
is($j->sql('SELECT count(DISTINCT pid) FROM jobtest_effect WHERE job_id IN ('
		. join(',', map { "'$_'" } @both) . ')'), 2, 'both workers run jobs');
$j->stop($first);

# ---- PostgreSQL goes away when a worker has just lost its jobs ------------------------------------

# Returns the CPU time that a process has used, in seconds.
sub cpu_s
{
	my ($pid) = @_;
	my @stat = split ' ', (slurp("/proc/$pid/stat") // '') =~ s/^.*\) //r;
	return ($stat[11] + $stat[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

my $third = $j->work(WORKER_LEASE_S => 5);
my $held = $j->enqueue('write.wait', { ms => 3000 });
ok($j->reached($held, 'running'), "a job runs while its worker's registration is deleted");
my ($name) = $j->sql("SELECT name FROM job_worker w JOIN job j ON j.worker_id = w.id
	WHERE j.id = '$held'") =~ m{/(\d+)$};
my $warned = () = $j->log_text =~ /worker registration lost/g;
$j->sql("DELETE FROM job_claim; DELETE FROM job_worker WHERE name LIKE '%/$name'");
ok(wait_until(sub { my $n = () = $j->log_text =~ /worker registration lost/g; $n > $warned }, 15),
	'the worker notices that its registration is lost');
$j->stop_postgres('immediate');
ok(wait_until(sub { $j->log_text =~ /retrying jobs one by one|"statement":"job_reclaim"/ }, 15),
	'a statement fails while PostgreSQL is away');
my ($cpu, $elapsed) = (cpu_s($name), time);
wait_until(sub { time - $elapsed > 2 });
cmp_ok(cpu_s($name) - $cpu, '<', 0.3, 'waiting for PostgreSQL uses little CPU time');
$j->start_postgres;
$j->sql("UPDATE job SET state = 'cancelled', finished_at = now() WHERE id = '$held'");
$j->stop($third);

# ---- PostgreSQL restarts -----------------------------------------------------------------------

my @storm = map { $j->enqueue('write.wait', { ms => 50 }) } 1 .. 40;
$j->reached($storm[2], 'completed');
$j->stop_postgres('immediate');
my ($alive) = $j->runners($second);
$j->start_postgres;
ok($j->reached($_, 'completed', 40), 'a job is completed after PostgreSQL was restarted') for @storm;
is($j->effects($_), 1, 'the job has its effect once after the restart') for @storm;
is(($j->runners($second))[0], $alive, 'the same process goes on after the restart');
ok($j->reached($j->enqueue('write'), 'completed'), 'a notification wakes the worker after the restart');

$j->stop($second);

# ---- jobs behind a long one are released, cancelled ones do not run ------------------------------------

# A worker claims many jobs at once when the last jobs were short.
sub take_as_one_batch
{
	my ($enqueue) = @_;
	my @short = map { $j->enqueue('write') } 1 .. 60;
	ok($j->becomes("SELECT count(*) FROM job WHERE kind = 'write' AND state <> 'completed'", 0, 30), 'short jobs are completed');
	$j->sql("SELECT job_pause('default', true)");
	my @ids = $enqueue->();
	$j->sql("SELECT job_pause('default', false); NOTIFY job");
	return @ids;
}

my $busy = $j->work(DRAIN_TIMEOUT_MS => 500, WORKER_LEASE_S => 600);
my ($slow, @beside) = take_as_one_batch(sub {
	my @first = map { $j->enqueue('write') } 1 .. 3;
	my $slow = $j->enqueue('write.wait', { ms => 55_000 });
	return ($slow, @first, map { $j->enqueue('write') } 1 .. 10);
});
ok($j->reached($slow, 'running'), 'a long job runs that was claimed with thirteen others');
ok($j->reached($_, 'completed'), 'a job before the long job is completed') for @beside[ 0 .. 2 ];
my $in = join ',', map { "'$_'" } @beside[ 3 .. $#beside ];
ok($j->becomes("SELECT count(*) FROM job WHERE id IN ($in) AND state = 'available' AND attempt = 0", 10),
	'the jobs behind the long one are released without an attempt');
my $idle = $j->work(WORKER_POLL_MS => 60_000);
ok($j->becomes("SELECT count(*) FROM job WHERE id IN ($in) AND state = 'completed'", 10),
	'another worker completes the released jobs');
is($j->state($slow), 'running', 'the long job still runs');
is($j->sql("SELECT count(*) FROM jobtest_effect WHERE job_id IN ($in)"), 10, 'each released job has its effect once');
$j->sql("SELECT job_cancel('$slow')");
$j->stop($_) for $busy, $idle;
is($j->state($slow), 'cancelled', 'the long job is cancelled');

my $one = $j->work;
my ($canceller, @off) = take_as_one_batch(sub {
	my $first = $j->sql("SELECT job_id FROM job_enqueue('write', '{}', p_priority => 6)");
	my $external = $j->enqueue('wait', { ms => 0 }, priority => 8);
	my @cancel = map { $j->enqueue('cancel.other', { id => $_ }, priority => 4) } $first, $external;
	return ($cancel[0], $first, $external, $cancel[1], $j->enqueue('write', {}, priority => 7));
});
my $behind_them = pop @off;
ok($j->reached($behind_them, 'completed'), 'one job cancels others of its batch');
ok($j->reached($_, 'cancelled'), 'a job that was cancelled by another of its batch is cancelled') for @off[ 0, 1 ];
is($j->effects($_), 0, 'the cancelled job has no effect') for @off[ 0, 1 ];
is_deeply([ @{ $j->job($_) }{qw(attempt attempts)} ], [ 0, [] ], 'the cancelled job has no attempt') for @off[ 0, 1 ];
is($j->effects($behind_them), 1, 'the other jobs of the batch have their effect');
$j->stop($one);

# ---- draining ------------------------------------------------------------------------------------

$master = $j->work;
my $running = $j->enqueue('write.wait', { ms => 5000 }); # long enough to be noticed on a busy machine
my @rest = map { $j->enqueue('write.wait', { ms => 0 }) } 1 .. 3;
ok($j->reached($running, 'running'), 'a job runs when the worker is told to stop');
is($j->stop($master), 0, 'after SIGTERM the master exits with 0');
is($j->state($running), 'completed', 'the running handler has completed its job');
is($j->effects($running), 1, 'the completed job has its effect');
is($j->state($_), 'available', 'a job that had not begun is available') for @rest;
is($j->sql('SELECT count(*) FROM job_worker') . $j->sql('SELECT count(*) FROM job_claim'),
	'00', 'no worker and no claim is left');
my ($again) = $j->work;
ok($j->reached($_, 'completed'), 'the next worker completes the released job') for @rest;
$j->stop($again);

# At the drain deadline a handler is ended; its job is available at once, without
# waiting for the end of the lease.
$master = $j->work(WORKER_LEASE_S => 600, DRAIN_TIMEOUT_MS => 2000);
my $long = $j->enqueue('write.wait', { ms => 25_000 });
ok($j->reached($long, 'running'), 'a long handler runs');
my $behind = $j->enqueue('write');
is($j->stop($master), 0, 'after SIGTERM the master does not wait for a long handler');
is($j->state($long), 'retryable', 'the job of the long handler is retryable');
is(error_of($long), 'the worker was stopped during the attempt', 'the history says that the worker was stopped');
is($j->sql("SELECT failed, discarded FROM job_stat WHERE kind = 'write.wait'"),
	'3|0', 'the killed, the frozen and the ended attempt are counted');
is(is_told('job attempt failed', 'write.wait', $long), 1, 'the failed attempt is logged once');
is($j->effects($long), 0, 'a job that crashed has no effect');
is($j->state($behind), 'available', 'the job behind the running one is available');
is($j->sql('SELECT count(*) FROM job_worker') . $j->sql('SELECT count(*) FROM job_claim'),
	'00', 'no worker and no claim is left');
$j->sql("SELECT job_cancel('$long')");
$again = $j->work;
ok($j->reached($behind, 'completed'), 'the next worker completes the job behind');

# ---- rolling restart ---------------------------------------------------------------------------------

my $over = $j->enqueue('write.wait', { ms => 1500 });
ok($j->reached($over, 'running'), 'a job runs during the rolling restart');
my ($old) = $j->runners($again);
kill HUP => $again;
ok(
	wait_until(
		sub {
			my @now = $j->runners($again);
			@now == 1 && $now[0] != $old
		},
		20
	),
	'after SIGHUP a new process runs');
is($j->state($over), 'completed', 'the old process has completed its job');
is(scalar @{ $j->job($over)->{attempts} }, 1, 'the job had one attempt');
ok($j->reached($j->enqueue('write'), 'completed'), 'the new process runs jobs');

# Simulates a worker of a host that is gone: no master here supervises this process.
$j->stop($again);
my $dead = $j->sql("INSERT INTO job_worker (name, beat_at)
	VALUES ('elsewhere', now() - interval '1 hour') RETURNING id");
my $lost = $j->enqueue('write');
is($j->sql("SELECT count(*) FROM job_claim($dead, 'default', '{0,0,0,0,0,0,0,0,0,0}', 10, 0)"),
	1, 'a worker of another host has claimed a job');
$master = $j->work;
ok($j->reached($lost, 'completed', 30), 'when its lease is over another worker completes the job');
my ($status) = $j->try_sql("SELECT count(*) FROM job_claim($dead, 'default',
	'{0,0,0,0,0,0,0,0,0,0}', 10, 0)");
$j->stop($master);
my $unclaimed = $j->enqueue('write');
($status) = $j->try_sql("SELECT count(*) FROM job_claim($dead, 'default',
	'{0,0,0,0,0,0,0,0,0,0}', 10, 0)");
isnt($status, 0, 'a worker without a registration cannot claim');
is($j->state($unclaimed), 'available', 'a job that could not be claimed is available');
ok($j->down, 'the log has no errors');
done_testing;
