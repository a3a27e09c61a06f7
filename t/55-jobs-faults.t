# Workers that crash, hang, freeze and lose their database: an effect happens once, and
# other jobs are not affected.
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

# The values in /metrics for a kind: completed attempts, failed ones, discarded jobs.
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

my $master = $j->work(WORKER_LEASE_S => 600); # so that no lease expires here
my @batch = map { $j->enqueue('write') } 1 .. 3;
ok($j->reached($_, 'completed'), 'before') for @batch;

my $hit = $j->enqueue('write.wait', { ms => 2000 });
ok($j->reached($hit, 'running'), 'a handler has written and waits');
# Their short mean duration makes them part of one batch with later jobs.
my ($runner) = $j->runners($master);
my $began = time;
kill KILL => $runner;
ok($j->becomes("SELECT cardinality(attempts) FROM job WHERE id = '$hit'", 1, 20),
	'its process is killed: the attempt is known to have failed');
cmp_ok(time - $began, '<', 10, 'at once, not after the lease');
is(error_of($hit), 'the worker died', 'and the history says why');
ok($j->reached($hit, 'completed'), 'another process does it again');
is($j->effects($hit), 1, 'and its effect is there once');
is($j->job($hit)->{attempt}, 2, 'with the second attempt');
is($j->sql('SELECT count(*) FROM job_worker'), 1, 'the dead is not registered any more');
$j->stop($master);

# ---- a crash takes the rest of its batch along, unharmed -----------------------------------

$j->sql("SELECT job_pause('default', true)");
my @before = map { $j->enqueue('write') } 1 .. 4;
my $crash = $j->enqueue('crash');
my @after = map { $j->enqueue('write') } 1 .. 4;
$j->sql("SELECT job_pause('default', false)");
$master = $j->work;
ok($j->reached($_, 'completed', 30), 'jobs beside one that crashes are completed') for @before, @after;
is($j->effects($_), 1, 'each once') for @before, @after;
is(scalar @{ $j->job($_)->{attempts} }, 1, 'and are not charged for it') for @before, @after;
ok($j->reached($crash, 'discarded', 30), 'the one that crashes is discarded in the end');
is_deeply([ map { $_->{error} } @{ $j->job($crash)->{attempts} } ],
	[ ('the worker died') x 2 ], 'each attempt was counted');
is($j->effects($crash), 0, 'without effect');
is($j->sql("SELECT failed, discarded FROM job_stat WHERE kind = 'crash'"),
	'2|1', 'both are counted, and that it is discarded');
is(is_told('job attempt failed', 'crash', $crash), 1, 'the log tells of the first');
is(is_told('job discarded', 'crash', $crash), 1, 'and of the last');

# ---- what was done is counted, whoever dies then ---------------------------------------------

for my $round (1 .. 3) {
	# When the second job is claimed, the first one has been counted.
	ok($j->reached($j->enqueue('limited', { ms => 0 }), 'completed'), 'done') for 1 .. 2;
	my ($pid) = $j->runners($master);
	kill KILL => $pid;
	ok(wait_until(sub { (($j->runners($master))[0] // $pid) != $pid }, 20), 'and its process is killed');
}
ok($j->becomes("SELECT completed >= 3 FROM job_stat WHERE kind = 'limited'", 't'),
	'what a process did that was killed is counted');

# ---- the time limit ------------------------------------------------------------------------

my @noops = map { $j->enqueue('noop') } 1 .. 3;
ok($j->reached($_, 'completed'), 'before it') for @noops;
my $late = $j->enqueue('late', { ms => 60_000 });
ok($j->reached($late, 'discarded', 20), 'a handler over its time limit is ended');
is(error_of($late), 'time limit of 1 s exceeded', 'and the history says so');
is($j->effects($late), 0, 'its transaction is rolled back');
ok(counted('late', '0|1|1'), 'it is counted');
is(is_told('job discarded', 'late', $late), 1, 'and in the log');
ok(counted('noop', '3|0|0'), 'as is what its process had done before');
my $off = $j->enqueue('late', { ms => 60_000 });
ok($j->reached($off, 'running'), 'one more');
$j->sql("SELECT job_cancel('$off')");
ok($j->reached($off, 'cancelled', 20), 'that was called off meanwhile');
my $fine = $j->enqueue('late', { ms => 100 });
ok($j->reached($fine, 'completed', 20), 'one within its limit is not');
ok(counted('late', '1|1|1'), 'and what was called off is no failure');
$j->stop($master);

# ---- the server of its connection says nothing more ----------------------------------------

# As when its host disappears without a reset.  Handlers may take an hour; statements of
# the library may not.
$master = $j->work(WORKER_LEASE_S => 600, WORKER_PROCESSES => 1, DATABASE_TIMEOUT_MS => 500);
my $heard = $j->enqueue('write');
ok($j->reached($heard, 'completed'), 'it works');
my @silent = split /\n/, $j->sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'jobtest'");
cmp_ok(scalar @silent, '>=', 2, 'on its connections');
kill STOP => @silent;
my $unheard = $j->enqueue('write');
ok($j->reached($unheard, 'completed', 30), 'they are silent: it goes on with others');
kill CONT => @silent;
$j->stop($master);

# ---- frozen for longer than the lease --------------------------------------------------------

my $first = $j->work(WORKER_LEASE_S => 5);
my $frozen = $j->enqueue('write.wait', { ms => 1500 });
ok($j->reached($frozen, 'running'), 'a handler runs');
($runner) = $j->runners($first);
kill STOP => $runner;
my $second = $j->work(WORKER_LEASE_S => 5);
ok($j->reached($frozen, 'completed', 40), 'its process is frozen: another one does the job');
is(error_of($frozen), 'the worker went silent', 'since the first was silent');
my $worker = $j->job($frozen)->{attempts}[1]{worker};
kill CONT => $runner;
ok($j->becomes('SELECT count(*) FROM job_worker', 2), 'awake again, the first registers anew');
ok(wait_until(sub { $j->log_text =~ /worker registration lost/ }), 'as it says');
is($j->effects($frozen), 1, 'what it did late has no effect');
is(is_told('job attempt failed', 'write.wait', $frozen), 1, 'and the log has the job that was freed');
is_deeply([ map { $_->{outcome} } @{ $j->job($frozen)->{attempts} } ],
	[qw(failed completed)], 'nor a place in the history');
my @both = map { $j->enqueue('write.wait', { ms => 300 }) } 1 .. 6;
ok($j->reached($_, 'completed'), 'both go on') for @both;
is($j->sql('SELECT count(DISTINCT pid) FROM jobtest_effect WHERE job_id IN ('
		. join(',', map { "'$_'" } @both) . ')'), 2, 'and share the work');
$j->stop($first);

# ---- PostgreSQL goes away when a worker has just lost its jobs ------------------------------------

# The processor time that a process has used, in seconds.
sub cpu_s
{
	my ($pid) = @_;
	my @stat = split ' ', (slurp("/proc/$pid/stat") // '') =~ s/^.*\) //r;
	return ($stat[11] + $stat[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

my $third = $j->work(WORKER_LEASE_S => 5);
my $held = $j->enqueue('write.wait', { ms => 3000 });
ok($j->reached($held, 'running'), 'a handler runs');
my ($name) = $j->sql("SELECT name FROM job_worker w JOIN job j ON j.worker_id = w.id
	WHERE j.id = '$held'") =~ m{/(\d+)$};
my $warned = () = $j->log_text =~ /worker registration lost/g;
$j->sql("DELETE FROM job_claim; DELETE FROM job_worker WHERE name LIKE '%/$name'");
ok(wait_until(sub { my $n = () = $j->log_text =~ /worker registration lost/g; $n > $warned }, 15),
	'its worker learns that it was worker registration lost');
$j->stop_postgres('immediate');
ok(wait_until(sub { $j->log_text =~ /retrying jobs one by one|"statement":"job_reclaim"/ }, 15),
	'and its handler ends while PostgreSQL is away');
my ($cpu, $elapsed) = (cpu_s($name), time);
wait_until(sub { time - $elapsed > 2 });
cmp_ok(cpu_s($name) - $cpu, '<', 0.3, 'it waits for it without a spin');
$j->start_postgres;
$j->sql("UPDATE job SET state = 'cancelled', finished_at = now() WHERE id = '$held'");
$j->stop($third);

# ---- PostgreSQL restarts -----------------------------------------------------------------------

my @storm = map { $j->enqueue('write.wait', { ms => 50 }) } 1 .. 40;
$j->reached($storm[2], 'completed');
$j->stop_postgres('immediate');
my ($alive) = $j->runners($second);
$j->start_postgres;
ok($j->reached($_, 'completed', 40), 'PostgreSQL restarted: completed') for @storm;
is($j->effects($_), 1, 'once') for @storm;
is(($j->runners($second))[0], $alive, 'by the same process');
ok($j->reached($j->enqueue('write'), 'completed'), 'which is woken as before');

$j->stop($second);

# ---- a long job keeps no others waiting, nor what was cancelled ---------------------------------------

# A worker whose jobs were short claims many at once.
sub take_as_one_batch
{
	my ($enqueue) = @_;
	my @short = map { $j->enqueue('write') } 1 .. 60;
	ok($j->becomes("SELECT count(*) FROM job WHERE kind = 'write' AND state <> 'completed'", 0, 30), 'short jobs');
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
ok($j->reached($slow, 'running'), 'a long job runs, claimed with thirteen others');
ok($j->reached($_, 'completed'), 'one before it is completed') for @beside[ 0 .. 2 ];
my $in = join ',', map { "'$_'" } @beside[ 3 .. $#beside ];
ok($j->becomes("SELECT count(*) FROM job WHERE id IN ($in) AND state = 'available' AND attempt = 0", 10),
	'those behind it are given back, and are charged nothing');
my $idle = $j->work(WORKER_POLL_MS => 60_000);
ok($j->becomes("SELECT count(*) FROM job WHERE id IN ($in) AND state = 'completed'", 10),
	'another worker does them');
is($j->state($slow), 'running', 'while the long one runs');
is($j->sql("SELECT count(*) FROM jobtest_effect WHERE job_id IN ($in)"), 10, 'each once');
$j->sql("SELECT job_cancel('$slow')");
$j->stop($_) for $busy, $idle;
is($j->state($slow), 'cancelled', 'the long one is cancelled');

my $one = $j->work;
my ($canceller, @off) = take_as_one_batch(sub {
	my $first = $j->sql("SELECT job_id FROM job_enqueue('write', '{}', p_priority => 6)");
	my $external = $j->enqueue('wait', { ms => 0 }, priority => 8);
	my @cancel = map { $j->enqueue('cancel.other', { id => $_ }, priority => 4) } $first, $external;
	return ($cancel[0], $first, $external, $cancel[1], $j->enqueue('write', {}, priority => 7));
});
my $behind_them = pop @off;
ok($j->reached($behind_them, 'completed'), 'one job cancels others of its batch');
ok($j->reached($_, 'cancelled'), 'which are cancelled') for @off[ 0, 1 ];
is($j->effects($_), 0, 'and did nothing') for @off[ 0, 1 ];
is_deeply([ @{ $j->job($_) }{qw(attempt attempts)} ], [ 0, [] ], 'nor were they ever tried') for @off[ 0, 1 ];
is($j->effects($behind_them), 1, 'the others do what they do');
$j->stop($one);

# ---- draining ------------------------------------------------------------------------------------

$master = $j->work;
my $running = $j->enqueue('write.wait', { ms => 5000 }); # time to see it on a busy machine
my @rest = map { $j->enqueue('write.wait', { ms => 0 }) } 1 .. 3;
ok($j->reached($running, 'running'), 'a handler runs');
is($j->stop($master), 0, 'SIGTERM: the process ends well');
is($j->state($running), 'completed', 'after the handler');
is($j->effects($running), 1, 'with its effect');
is($j->state($_), 'available', 'the rest waits') for @rest;
is($j->sql('SELECT count(*) FROM job_worker') . $j->sql('SELECT count(*) FROM job_claim'),
	'00', 'nothing is left behind');
my ($again) = $j->work;
ok($j->reached($_, 'completed'), 'for the next') for @rest;
$j->stop($again);

# A job that takes longer is ended, and another worker need not wait for a lease to
# expire.
$master = $j->work(WORKER_LEASE_S => 600, DRAIN_TIMEOUT_MS => 2000);
my $long = $j->enqueue('write.wait', { ms => 25_000 });
ok($j->reached($long, 'running'), 'a long handler runs');
my $behind = $j->enqueue('write');
is($j->stop($master), 0, 'SIGTERM: the process ends before it does');
is($j->state($long), 'retryable', 'and it is to be tried again');
is(error_of($long), 'the worker was stopped during the attempt', 'as the history says');
is($j->sql("SELECT failed, discarded FROM job_stat WHERE kind = 'write.wait'"),
	'3|0', 'it is counted, as are the one that was killed and the one that was frozen');
is(is_told('job attempt failed', 'write.wait', $long), 1, 'and in the log');
is($j->effects($long), 0, 'without effect');
is($j->state($behind), 'available', 'what is behind it waits');
is($j->sql('SELECT count(*) FROM job_worker') . $j->sql('SELECT count(*) FROM job_claim'),
	'00', 'and nothing is left behind');
$j->sql("SELECT job_cancel('$long')");
$again = $j->work;
ok($j->reached($behind, 'completed'), 'for the next');

# ---- rolling restart ---------------------------------------------------------------------------------

my $over = $j->enqueue('write.wait', { ms => 1500 });
ok($j->reached($over, 'running'), 'a handler runs');
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
	'SIGHUP: a new process takes over');
is($j->state($over), 'completed', 'when the old one has ended its job');
is(scalar @{ $j->job($over)->{attempts} }, 1, 'in peace');
ok($j->reached($j->enqueue('write'), 'completed'), 'and works');

# A worker whose jobs cannot be reclaimed by its slot, as on a host that does not exist
# any more.
$j->stop($again);
my $dead = $j->sql("INSERT INTO job_worker (name, beat_at)
	VALUES ('elsewhere', now() - interval '1 hour') RETURNING id");
my $lost = $j->enqueue('write');
is($j->sql("SELECT count(*) FROM job_claim($dead, 'default', '{0,0,0,0,0,0,0,0,0,0}', 10, 0)"),
	1, 'a worker of another host had claimed a job');
$master = $j->work;
ok($j->reached($lost, 'completed', 30), 'its lease is over: others do it');
my ($status) = $j->try_sql("SELECT count(*) FROM job_claim($dead, 'default',
	'{0,0,0,0,0,0,0,0,0,0}', 10, 0)");
$j->stop($master);
my $unclaimed = $j->enqueue('write');
($status) = $j->try_sql("SELECT count(*) FROM job_claim($dead, 'default',
	'{0,0,0,0,0,0,0,0,0,0}', 10, 0)");
isnt($status, 0, 'and it cannot claim any more');
is($j->state($unclaimed), 'available', 'anything');
ok($j->down, 'no complaints');
done_testing;
