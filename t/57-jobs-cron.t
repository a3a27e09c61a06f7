# Schedules run at local times, also around clock changes, and each time is fired once,
# however many workers run.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(wait_until);
use Kedge::JobTest;

my $j = Kedge::JobTest->up;

# ---- next times, computed by the database ----------------------------------------------

my %all = (minutes => '0-59', hours => '0-23', days => '1-31', months => '1-12',
	weekdays => '0-6');

sub list
{
	my ($text) = @_;
	return 'ARRAY[' . join(',', map { /^(\d+)-(\d+)$/ ? $1 .. $2 : $_ } split /,/, $text) . ']';
}

# Returns the next n times after the given one, in local time with the offset from UTC.
sub next_times
{
	my ($n, $zone, $after, %field) = @_;
	my $fields = join ', ', map { list($field{$_} // $all{$_}) }
	    qw(minutes hours days months weekdays);
	my ($either, $every) = map { $_ ? 'true' : 'false' } @field{qw(either every_hour)};
	my $text = $j->sql(<<~"E");
		SET timezone = '$zone';
		WITH RECURSIVE t (n, at) AS (
			SELECT 0, '$after'::timestamptz
			UNION ALL
			SELECT n + 1, job_cron_next($fields, $either, $every, '$zone', at)
			FROM t WHERE n < $n
		)
		SELECT to_char(at, 'YYYY-MM-DD HH24:MI') || to_char(at, ' TZH') FROM t WHERE n > 0
		E
	return [ split /\n/, $text ];
}

# Time zones as POSIX rules: updates of tzdata do not change them.
my %zone = (
	berlin => 'CET-1CEST,M3.5.0,M10.5.0/3',
	new_york => 'EST5EDT,M3.2.0,M11.1.0',
	kathmandu => '<+0545>-5:45',
	half => '<+1030>-10:30<+11>-11,M10.1.0,M4.1.0', # the clock changes by half an hour
	begins_at_one => '<-03>3<-02>,M11.1.0/0,M2.3.0/0',
	havana => 'CST5CDT,M3.2.0/0,M11.1.0/1', # the clock is set back to the midnight before
	azores => '<-01>1<+00>,M3.5.0/0,M10.5.0/1',
	beirut => 'EET-2EEST,M3.5.0/0,M10.5.0/0', # the clock changes at midnight, in both directions
	cairo => 'EET-2EEST,M4.5.5/0,M10.5.4/24',
	nuuk => '<-02>2<-01>,M3.5.0/-1,M10.5.0/0', # the clock is set forward on the evening before
);
$zone{utc} = 'UTC';
my $berlin = $zone{berlin};
is_deeply(next_times(3, $berlin, '2026-03-27 12:00+01', minutes => 30, hours => 2),
	[ '2026-03-28 02:30 +01', '2026-03-29 03:30 +02', '2026-03-30 02:30 +02' ],
	'a time that does not exist in spring fires an hour later by local time');
is_deeply(next_times(3, $berlin, '2026-10-24 12:00+02', minutes => 30, hours => 2),
	[ '2026-10-25 02:30 +01', '2026-10-26 02:30 +01', '2026-10-27 02:30 +01' ],
	'a time that exists twice in autumn fires once');
is_deeply(next_times(5, $berlin, '2026-03-28 23:30+01', minutes => 0, every_hour => 1),
	[ '2026-03-29 00:00 +01', '2026-03-29 01:00 +01', '2026-03-29 03:00 +02',
		'2026-03-29 04:00 +02', '2026-03-29 05:00 +02' ],
	'an hourly schedule fires in each hour in spring');
is_deeply(next_times(5, $berlin, '2026-10-25 00:30+02', minutes => 0, every_hour => 1),
	[ '2026-10-25 01:00 +02', '2026-10-25 02:00 +02', '2026-10-25 02:00 +01',
		'2026-10-25 03:00 +01', '2026-10-25 04:00 +01' ],
	'an hourly schedule fires in both equal hours in autumn');
is_deeply(next_times(4, $berlin, '2026-10-25 02:40+02', minutes => '0,30', every_hour => 1),
	[ '2026-10-25 02:00 +01', '2026-10-25 02:30 +01', '2026-10-25 03:00 +01',
		'2026-10-25 03:30 +01' ],
	'a half-hourly schedule fires in both equal hours, too');
is_deeply(next_times(2, $zone{half}, '2026-10-03 12:00+1030', minutes => 15, hours => 2),
	[ '2026-10-04 02:45 +11', '2026-10-05 02:15 +11' ], 'a schedule fires at a clock change of half an hour');
is_deeply(next_times(2, $zone{begins_at_one}, '2018-11-03 12:00-03', minutes => 0, hours => 0),
	[ '2018-11-04 01:00 -02', '2018-11-05 00:00 -02' ], 'a schedule fires on a day that begins at 01:00');

# Time zones whose clocks change at midnight.
is_deeply(next_times(6, $zone{havana}, '2026-11-01 03:50+00', minutes => '0,15,30,45',
		every_hour => 1),
	[ map { my $o = $_; map { "2026-11-01 00:$_ -0$o" } $o == 4 ? qw(00 15 30 45) : qw(00 15) } 4, 5 ],
	'an hourly schedule fires in both first hours of a day that begins twice');
is_deeply(next_times(4, $zone{azores}, '2026-10-24 23:50+00', minutes => '0,30', every_hour => 1),
	[ '2026-10-25 00:00 +00', '2026-10-25 00:30 +00', '2026-10-25 00:00 -01',
		'2026-10-25 00:30 -01' ], 'in the Azores a half-hourly schedule fires in both equal hours');
is_deeply(next_times(2, $zone{havana}, '2026-10-31 12:00-04', minutes => 30, hours => 0),
	[ '2026-11-01 00:30 -05', '2026-11-02 00:30 -05' ], 'a daily schedule fires once in the first hour of a day that begins twice');
is_deeply(next_times(1, $zone{havana}, '2026-11-01 00:40-04', minutes => 30, hours => 0),
	[ '2026-11-01 00:30 -05' ], 'in Havana the next time is computed between the two equal hours');
is_deeply(next_times(2, $zone{beirut}, '2026-10-24 12:00+03', minutes => 30, hours => 23),
	[ '2026-10-24 23:30 +02', '2026-10-25 23:30 +02' ], 'a daily schedule fires once in a last hour that exists twice');
for my $row ([ 'havana', '2026-03-08', -4 ], [ 'cairo', '2026-04-24', 3 ],
	[ 'beirut', '2026-03-29', 3 ]) {
	my ($name, $day, $offset) = @$row;
	my $o = sprintf '%+03d', $offset;
	is_deeply(next_times(2, $zone{$name}, "$day 00:00$o", minutes => '0,30', hours => 0),
		[ "$day 01:00 $o", "$day 01:30 $o" ], "$name: a time that the first hour does not have fires in the second");
}
is_deeply(next_times(3, $zone{nuuk}, '2026-03-28 22:00-02', minutes => '0,30', hours => 23),
	[ '2026-03-29 00:00 -01', '2026-03-29 00:30 -01', '2026-03-29 23:00 -01' ],
	'times that the last hour does not have fire on the next day');
is_deeply(next_times(2, 'UTC', '2026-03-01 00:00+00', minutes => 0, hours => 0, days => 29,
		months => 2),
	[ '2028-02-29 00:00 +00', '2032-02-29 00:00 +00' ], 'a schedule for the 29th of February fires in leap years');
is_deeply(next_times(1, 'UTC', '2000-03-01 00:00+00', minutes => 0, hours => 0, days => 29,
		months => 2, weekdays => 2),
	[ '2028-02-29 00:00 +00' ], 'a schedule for the 29th of February and Tuesday fires when both match');
is_deeply(next_times(3, 'UTC', '2026-01-01 00:00+00', minutes => 0, hours => 0, days => 13,
		weekdays => 5, either => 1),
	[ '2026-01-02 00:00 +00', '2026-01-09 00:00 +00', '2026-01-13 00:00 +00' ],
	'a day matches by date or by weekday');
is_deeply(next_times(2, 'UTC', '2026-01-01 00:00+00', minutes => 0, hours => 0, days => 13,
		weekdays => 5),
	[ '2026-02-13 00:00 +00', '2026-03-13 00:00 +00' ], 'with a star a day must match by date and by weekday');
is_deeply(next_times(2, 'UTC', '2026-01-31 23:59:59.9+00', minutes => '0,59'),
	[ '2026-02-01 00:00 +00', '2026-02-01 00:59 +00' ], 'the next minute is in the next month');

# Computes the same times the slow way: a local clock advances minute by minute.
for my $name (sort keys %zone) {
	my $zone = $zone{$name};
	is($j->sql(<<~"E"), 'f', "$name: each minute around the clock changes of two years matches the slow way");
		WITH edge (at) AS (VALUES ('2026-03-08'::timestamptz), ('2026-03-29'),
			('2026-04-05'), ('2026-04-24'), ('2026-10-04'), ('2026-10-25'),
			('2026-10-30'), ('2026-11-01')),
		minute AS (
			SELECT m FROM edge, generate_series(at - interval '12 hours',
				at + interval '36 hours', '17 minutes') AS m
		)
		SELECT bool_or(
			job_cron_next(${\list('0-59')}, ${\list('0-23')}, ${\list('1-31')},
				${\list('1-12')}, ${\list('0-6')}, false, true, '$zone', m)
			IS DISTINCT FROM date_trunc('minute', m) + interval '1 minute')
		FROM minute
		E
}

# ---- each scheduled time enqueues one job ------------------------------------------------

my @masters = map { $j->work(WORKER_PROCESSES => 2) } 1 .. 2;
ok($j->becomes('SELECT count(*) FROM job_schedule', 4), 'the schedules are declared');
is($j->sql("SELECT timezone || ' ' || cron FROM job_schedule WHERE name = 'once'"),
	'<+0545>-5:45 30 2 1 7 *', 'the schedule has the declared time, zone and kind');
is($j->sql("SELECT to_char(next_at AT TIME ZONE timezone, 'HH24:MI') FROM job_schedule
	WHERE name = 'once'"), '02:30', 'the next time is the declared one');
ok($j->becomes('SELECT count(*) FROM job_worker', 4), 'four workers run');

sub jobs_of { return $j->sql("SELECT count(*) FROM job WHERE tags @> ARRAY['schedule:$_[0]']") }

for my $round (1 .. 5) {
	$j->sql("UPDATE job_schedule SET next_at = now() WHERE name = 'once'");
	ok($j->becomes("SELECT next_at > now() FROM job_schedule WHERE name = 'once'", 't'),
		'due schedules are fired');
}
is(jobs_of('once'), 5, 'four workers fire each due time once');
ok($j->becomes("SELECT count(*) FROM jobtest_effect WHERE kind = 'tick'", 5), 'the job is completed');
is($j->sql("SELECT last_job_id IN (SELECT id FROM job) FROM job_schedule WHERE name = 'once'"),
	't', 'the schedule has the id of its last job');

# ---- single schedules -----------------------------------------------------------------------

$j->sql("SELECT job_pause('default', true)");
for my $round (1 .. 3) {
	$j->sql("UPDATE job_schedule SET next_at = now() WHERE name = 'single'");
	ok($j->becomes("SELECT next_at > now() FROM job_schedule WHERE name = 'single'", 't'), 'the single schedule is due');
}
is(jobs_of('single'), 1, 'a single schedule enqueues nothing while its job waits');
$j->sql("SELECT job_pause('default', false); NOTIFY job");
ok($j->becomes("SELECT count(*) FROM job WHERE tags @> ARRAY['schedule:single'] AND state = 'completed'", 1),
	'the waiting job is completed');
$j->sql("UPDATE job_schedule SET next_at = now() WHERE name = 'single'");
ok($j->becomes("SELECT count(*) FROM job WHERE tags @> ARRAY['schedule:single']", 2), 'the single schedule enqueues its next job');
ok($j->becomes("SELECT count(*) FROM jobtest_effect WHERE kind = 'tick'", 7), 'the job is completed');

# ---- scheduled times that were missed ------------------------------------------------------

my $missed = $j->sql("SELECT date_trunc('hour', now()) - interval '3 years'");
$j->sql("UPDATE job_schedule SET next_at = '$missed' WHERE name = 'once'");
ok($j->becomes("SELECT next_at > now() FROM job_schedule WHERE name = 'once'", 't'),
	'three times of the schedule were missed');
is(jobs_of('once'), 6, 'CATCH_UP_ONCE enqueues one job for three missed times');
ok($j->becomes("SELECT max(due) = '$missed' FROM jobtest_effect e JOIN job_schedule s
	ON s.last_job_id = e.job_id WHERE s.name = 'once'", 't'), 'the first job after an outage has the first missed time as due_at');
my $before = jobs_of('all');
my $from = $j->sql("SELECT date_trunc('hour', now()) - interval '3 days'");
$j->sql("UPDATE job_schedule SET next_at = '$from' WHERE name = 'all'");
ok($j->becomes("SELECT next_at > now() FROM job_schedule WHERE name = 'all'", 't', 30),
	'72 hourly times were missed');
# An hour may end now, and its time may be fired after the read of next_at.
my $hours = $j->sql("SELECT extract(epoch FROM next_at - '$from')::int / 3600
	FROM job_schedule WHERE name = 'all'");
cmp_ok($hours, '>=', 73, 'the present hour may be due as well');
cmp_ok(jobs_of('all') - $before, '>=', $hours, 'CATCH_UP_ALL enqueues a job for each missed time');
ok($j->becomes(<<~"E", "$hours|$hours|0|t"), 'each job has the due_at of its time');
	SELECT count(*), count(DISTINCT due), count(*) FILTER (WHERE due <> date_trunc('hour', due)),
		max(due) - min(due) = interval '$hours hours' - interval '1 hour'
	FROM jobtest_effect e JOIN job j ON j.id = e.job_id
	WHERE j.tags \@> ARRAY['schedule:all'] AND due >= '$from'
		AND due < '$from'::timestamptz + interval '$hours hours'
	E
my $unscheduled = $j->enqueue('write');
ok($j->becomes("SELECT due IS NULL FROM jobtest_effect WHERE job_id = '$unscheduled'", 't'),
	'a job without a schedule has no due_at');
$before = jobs_of('skip');
$j->sql("UPDATE job_schedule SET next_at = '$missed' WHERE name = 'skip'");
ok($j->becomes("SELECT next_at > now() FROM job_schedule WHERE name = 'skip'", 't'),
	'years of times were missed');
is(jobs_of('skip') - $before, 0, 'CATCH_UP_SKIP enqueues no job for missed times');
$j->sql("UPDATE job_schedule SET next_at = now() - interval '1 s' WHERE name = 'skip'");
ok($j->becomes("SELECT next_at > now() FROM job_schedule WHERE name = 'skip'", 't'), 'the skip schedule is due now');
is(jobs_of('skip') - $before, 1, 'a due time that was not missed is fired');

# ---- a release that changes times ----------------------------------------------------------------

$j->stop($_) for @masters;
$j->sql("UPDATE job_schedule SET cron = '0 0 1 1 *', next_at = now() - interval '1 hour'
	WHERE name = 'once'");
$j->sql("UPDATE job_schedule SET next_at = now() - interval '90 minutes' WHERE name = 'all'");
$before = jobs_of('once');
my $all = jobs_of('all');
my $master = $j->work;
ok($j->becomes("SELECT cron FROM job_schedule WHERE name = 'once'", '30 2 1 7 *'),
	'a schedule has another declared time');
ok($j->becomes("SELECT next_at > now() FROM job_schedule WHERE name = 'all'", 't'),
	'another schedule has the same declared time');
is(jobs_of('once') - $before, 0, 'a schedule whose time changed drops its missed times');
cmp_ok(jobs_of('all') - $all, '>=', 2, 'a schedule that did not change keeps its missed times');
$j->stop($master);

# ---- two releases side by side -------------------------------------------------------------------

# The newer release lacks the schedule "skip", adds "new", and declares another time for
# "all".

sub names { return "SELECT string_agg(name, ' ' ORDER BY name) FROM job_schedule" }

# Sets in how many checks nobody has declared the schedule; the next check is due at
# once.
sub looked
{
	my ($name, $n) = @_;
	$j->sql("UPDATE job_schedule SET unseen = $n, looked_at = now() - interval '1 hour' WHERE name = '$name'");
}

sub due
{
	my ($name) = @_;
	my $jobs = jobs_of($name);
	$j->sql("UPDATE job_schedule SET next_at = now() - interval '1 s' WHERE name = '$name'");
	ok($j->becomes("SELECT next_at > now() FROM job_schedule WHERE name = '$name'", 't'),
		"the schedule $name is fired after the outage");
	is(jobs_of($name) - $jobs, 1, "the schedule $name enqueues one job");
}

my $seen = sub { return "SELECT unseen FROM job_schedule WHERE name = '$_[0]'" };
my ($old, $new) = ($j->work, $j->work(NEWER => 1));
ok($j->becomes(names(), 'all new once single skip'), 'the schedules of both releases are listed');
# Use one transaction: in between, the workers would declare their own schedules.
is($j->sql("BEGIN; UPDATE job_schedule SET unseen = 9, looked_at = now() - interval '1 hour'
		WHERE name IN ('once', 'new', 'single', 'skip');
	SELECT job_schedule_keep('{}', '{}', '{}'); " . names() . '; COMMIT'), 'all',
	'the tenth check without a declaration deletes the schedules');
ok($j->becomes(names(), 'all new once single skip'), 'a running release declares its schedules again');
$j->sql("UPDATE job_schedule SET next_at = '2100-01-01'");
looked($_, 5) for qw(once new single skip);
ok($j->becomes($seen->($_), 0, 25), "$_ is declared by a running release") for qw(once new single skip);
is($j->sql("SELECT count(*) FROM job_schedule WHERE next_at = '2100-01-01'"), 5, 'the schedules keep their next time');
due($_) for qw(once new skip);

$j->stop($old);
$before = jobs_of('skip');
$j->sql("UPDATE job_schedule SET next_at = now() - interval '1 s' WHERE name = 'skip'");
due('new');
is(jobs_of('skip') - $before, 0, 'a schedule stops with the last process that declares it');
looked('skip', 3);
ok($j->becomes($seen->('skip'), 4, 25), 'each check without a declaration is counted');
looked($_, 9) for qw(single skip);
ok($j->becomes(names(), 'all new once', 25), 'the tenth check deletes the schedule');
is($j->sql($seen->($_)), 0, "the schedule $_ is kept") for qw(once new);

# Makes it look as if the older release was the last to declare the time of "all", and
# then ended.
$j->sql("UPDATE job_schedule SET cron = '0 * * * *' WHERE name = 'all'");
looked('all', 9);
ok($j->becomes("SELECT cron FROM job_schedule WHERE name = 'all'", '15 * * * *', 25),
	'the declaration of the remaining release holds again');

# While no process runs, no schedule is deleted, and missed times are kept.
$j->stop($new);
$j->sql("UPDATE job_schedule SET looked_at = now() - interval '2 days',
	next_at = now() - interval '2 days'");
$old = $j->work;
ok($j->becomes($seen->('new'), 1), 'the process of the other release checks the schedules');
is($j->sql("SELECT next_at < now() FROM job_schedule WHERE name = 'new'"), 't', 'a check of the other release deletes no schedule');
$before = jobs_of('new');
$new = $j->work(NEWER => 1);
ok($j->becomes("SELECT next_at > now() FROM job_schedule WHERE name = 'new'", 't'), 'the first release declares its schedule again');
is(jobs_of('new') - $before, 1, 'the schedule has kept its missed times');
$j->stop($_) for $old, $new;
ok($j->down, 'the log has no errors');
done_testing;
