# A service as a process: inherited sockets, drain, crash, and the end of the master.
# Runs core alone, without nginx.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Fcntl qw(F_SETFD FD_CLOEXEC);
use File::Temp qw(tempdir);
use IO::Handle;
use IO::Socket::UNIX;
use Socket qw(SOCK_STREAM SOMAXCONN);
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(files slurp wait_until);
use Kedge::FastCGI qw(fcgi_answer fcgi_open fcgi_pair fcgi_record fcgi_request);

my $k = Kedge->up;
my $place = tempdir(CLEANUP => 1);
my %live = (
	REQUEST_METHOD => 'GET', KEDGE_PATH => '/health/live', KEDGE_RAW_URI => '/health/live',
	QUERY_STRING => '', REMOTE_ADDR => '127.0.0.1', KEDGE_HOST => 'a', KEDGE_SCHEME => 'http',
	KEDGE_REQUEST_ID => 't', KEDGE_IDENTITY => '', CONTENT_TYPE => '', CONTENT_LENGTH => '');

# Starts core with its environment; $prepare runs in the child before exec.
my @started;

sub start
{
	my ($env, $prepare) = @_;
	my $log = "$place/log" . @started;
	my $pid = fork // die;
	if (!$pid) {
		Kedge::in_child();
		my $own = $k->service_env('core');
		%ENV = (PATH => $ENV{PATH}, %$own, CORE_PROCESSES => 2, CORE_THREADS => 4,
			CORE_WORKER_PROCESSES => 0, %$env);
		chdir $k->dir;
		open STDERR, '>', $log;
		$prepare->() if $prepare;
		$ENV{LISTEN_PID} = $$ if exists $ENV{LISTEN_PID};
		exec { Kedge->binary('core') } Kedge->binary('core') or POSIX::_exit(127);
	}
	push @started, $pid;
	return ($pid, $log);
}

END {
	my $s = $?;
	kill KILL => grep {defined} @started;
	$? = $s
}

sub workers
{
	my ($pid) = @_;
	return
	    map {m{/proc/(\d+)}}
	    grep { (slurp("$_/stat") // '') =~ /\) [^Z] $pid / }
	    files('/proc', qr/^\d+$/)
}

sub sockets
{
	my ($pid) = @_;
	return
	    scalar grep { (readlink // '') =~ /^socket:/ }
	    map { files("/proc/$_/fd") }
	    workers($pid)
}

sub gone
{
	my ($pid, $s) = @_;
	return wait_until(sub { waitpid($pid, POSIX::WNOHANG()) == $pid }, $s)
}

sub answers
{
	my ($socket) = @_;
	return wait_until(
		sub {
			-S $socket && eval {
				(fcgi_request($socket, \%live, '', deadline_s => 2)->{status} // 0)
				    == 200
			}
		},
		10)
}

# ---- a socket that the service creates -------------------------------------------------

my $socket = "$place/own.sock";
my ($pid, $log) = start({ CORE_LISTEN => "unix:$socket" });
ok(answers($socket), 'core answers on its own socket');
is((stat $socket)[2] & 0777, 0660, 'the socket is accessible to owner and group');
my @w;
ok(wait_until(sub { (@w = workers($pid)) == 2 }, 5), 'the master starts two workers');

# The process writes its log to a file, which a reload reopens.
my ($to_file) = start({ CORE_LISTEN => "unix:$place/file.sock", CORE_LOG_FILE => "$place/core.log" });
ok(answers("$place/file.sock"), 'core with a log file answers');
ok(wait_until(sub { slurp("$place/core.log") =~ /"msg":"service started"/ }, 5), 'the log file has the event "service started"');
is((stat "$place/core.log")[2] & 0777, 0640, 'the log file is readable for owner and group');
rename "$place/core.log", "$place/core.log.1" or die;
kill HUP => $to_file;
ok(wait_until(sub { (slurp("$place/core.log") // '') =~ /"msg":"restart complete"/ }, 15), 'a reload opens the log file again');
kill TERM => $to_file;
ok(gone($to_file, 15), 'core with a log file exits');

# A worker that dies is replaced, logged, and counted.
kill KILL => $w[0];
ok(
	wait_until(
		sub {
			my @now = workers($pid);
			@now == 2 && !grep { $_ == $w[0] } @now
		},
		10
	),
	'a worker that dies is replaced');
ok(
	wait_until(
		sub { slurp($log) =~ /"pid":$w[0]\b/ && slurp($log) =~ /died|killed|signal|ended/ },
		5
	),
	'the death of a worker is logged');
my $counted = sub {
	fcgi_request($socket, { %live, KEDGE_PATH => '/metrics', KEDGE_RAW_URI => '/metrics' })
	    ->{body}
};
like($counted->(), qr/^kedge_\w*(restart|death|died|crash|worker)\w*(\{[^}]*\})? 1$/m,
	'the death of a worker is counted')
    or diag($counted->());
# A worker that dies immediately, again and again, is restarted with back-off.
my %seen = map { $_ => 1 } workers($pid);
my $end = time + 2;
my $deaths = 0;
while (time < $end) {
	for my $worker (workers($pid)) {
		kill KILL => $worker and $deaths++;
	}
	select undef, undef, undef, 0.005;
}
cmp_ok($deaths, '<', 60, "a worker that dies at start is started again with pauses: $deaths deaths in two seconds");
ok(wait_until(sub { workers($pid) == 2 }, 15), 'both workers run again in the end');
ok(answers($socket), 'core answers again after its workers died');

# SIGTERM: a request in progress is finished, and the process exits in time.
ok(wait_until(sub { sockets($pid) == 2 }, 5), 'each worker has the socket of its pool only');
my $slow = fcgi_open($socket);
my $stream = join '', map { fcgi_pair($_, $live{$_}) } sort keys %live;
syswrite $slow, fcgi_record(1, pack 'nCx5', 1, 0) . fcgi_record(4, $stream) . fcgi_record(4, '');
ok(wait_until(sub { sockets($pid) > 2 }, 5), 'a worker reads a request');
kill TERM => $pid;
wait_until(sub { slurp($log) =~ /draining/ }, 5);
syswrite $slow, fcgi_record(5, '');
is(fcgi_answer($slow)->{status}, 200, 'SIGTERM: a request in progress is finished');
ok(gone($pid, 15), 'the master exits after SIGTERM');
is($? >> 8, 0, 'the exit status after SIGTERM is 0');
is(scalar workers($pid), 0, 'no worker is left after SIGTERM');

# A request that never ends does not prevent the exit.
($pid, $log) = start({ CORE_LISTEN => "unix:$socket", CORE_DRAIN_TIMEOUT_MS => 1000 });
ok(answers($socket), 'core answers on a socket whose file existed');
my $stuck = fcgi_open($socket);
syswrite $stuck, fcgi_record(1, pack 'nCx5', 1, 0) . fcgi_record(4, $stream);
my $t = time;
kill TERM => $pid;
ok(gone($pid, 15), 'core exits although a request does not end');
cmp_ok(time - $t, '<', 6, 'core exits at its drain deadline');

# During the drain, while a job still runs, a serving worker that dies is replaced.
($pid, $log) = start(
	{
		CORE_LISTEN => "unix:$socket", CORE_PROCESSES => 1, CORE_WORKER_PROCESSES => 1,
		CORE_DRAIN_TIMEOUT_MS => 60_000
	});
my $of_pool = sub {
	my ($pool) = @_;
	return ((slurp($log) // q()) =~ /"worker ready","of_pool":"$pool","index":\d+,"pid":(\d+)/g)[-1];
};
ok(wait_until(sub { $of_pool->('api') && $of_pool->('worker') }, 10), 'one worker serves requests, another runs jobs');
my ($server, $runner) = ($of_pool->('api'), $of_pool->('worker'));
kill STOP => $runner;    # the worker acts as if it ran a long job
kill TERM => $pid;
ok(wait_until(sub { slurp($log) =~ /draining/ }, 5), 'SIGTERM: the service drains while a job runs');
ok(answers($socket), 'a request is served while a job drains');
kill KILL => $server;
ok(wait_until(sub { $of_pool->('api') != $server }, 10), 'a worker that dies while a job drains is replaced');
ok(answers($socket), 'the replacement of the worker serves requests');
is(scalar workers($pid), 2, 'one worker is replaced by one worker');
kill CONT => $runner;
ok(gone($pid, 15), 'core exits when the job has ended');
is($? >> 8, 0, 'the exit status is 0 when the job has ended');

# ---- sockets that it is given --------------------------------------------------------

sub listener
{
	my ($path) = @_;
	unlink $path;
	my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $path, Listen => 64)
	    or die "listen: $!";
	return $s;
}
for my $row (
	[ 'LISTEN_FDS of systemd', 3, { LISTEN_FDS => 1, LISTEN_PID => 'mine' } ],
	[       'LISTEN_FDS with a name', 3,
		{ LISTEN_FDS => 1, LISTEN_PID => 'mine', LISTEN_FDNAMES => 'api' }
	],
	[ 'descriptor 0', 0, {} ]
) {
	my ($name, $fd, $env) = @$row;
	my $given = "$place/given.sock";
	my $s = listener($given);
	# A client that connects before the service runs must wait, not fail.
	my $early = fcgi_open($given);
	syswrite $early,
	      fcgi_record(1, pack 'nCx5', 1, 0)
	    . fcgi_record(4, $stream)
	    . fcgi_record(4, '')
	    . fcgi_record(5, '');
	($pid, $log) = start(
		{ CORE_LISTEN => "unix:$place/unused.sock", CORE_WORKER_PROCESSES => 1, %$env },
		sub {
			POSIX::dup2(fileno $s, $fd) if fileno $s != $fd;
			fcntl IO::Handle->new_from_fd($fd, 'r'), F_SETFD, 0 if fileno $s == $fd;
		});
	is(fcgi_answer($early, 15)->{status}, 200, "$name: a connection made before the start is served")
	    or diag(slurp($log));
	ok(answers($given), "$name: a connection made after the start is served");
	ok(!-e "$place/unused.sock", "$name: the service opens no other socket");
	kill HUP => $pid;
	ok(wait_until(sub { slurp($log) =~ /restart|replac|execut/i && answers($given) }, 10),
		"$name: the socket is kept over a rolling restart");
	kill TERM => $pid;
	ok(gone($pid, 15), "$name: the service exits");
	ok(-S $given, "$name: the service leaves the socket file, which it was given");
	close $s;
}
# Inherited sockets are ignored if LISTEN_PID is the id of another process.
($pid, $log) = start({ CORE_LISTEN => "unix:$socket", LISTEN_FDS => 1 },
	sub { delete $ENV{LISTEN_PID}; $ENV{LISTEN_FDS} = 1; });
kill TERM => $pid if answers($socket);
ok(gone($pid, 15), 'LISTEN_FDS without LISTEN_PID is ignored');

# ---- workers end with their master -----------------------------------------------------

($pid, $log) = start({ CORE_LISTEN => "unix:$socket" });
ok(answers($socket), 'core answers before its master is killed');
@w = workers($pid);
kill KILL => $pid;
gone($pid, 5);
ok(
	wait_until(
		sub {
			!grep { -d "/proc/$_" && (slurp("/proc/$_/stat") // '') !~ /\) Z / } @w
		},
		15
	),
	'kill -9 of the master takes its workers with it');

# ---- SIGHUP with a binary that does not work -------------------------------------------

my $copy = "$place/core";
system 'cp', Kedge->binary('core'), $copy;
my $log2 = "$place/hup.log";
$pid = fork // die;
if (!$pid) {
	Kedge::in_child();
	%ENV = (PATH => $ENV{PATH}, %{ $k->service_env('core') }, CORE_PROCESSES => 1,
		CORE_THREADS => 2, CORE_WORKER_PROCESSES => 0, CORE_LISTEN => "unix:$socket");
	chdir $k->dir;
	open STDERR, '>', $log2;
	exec {$copy} $copy or POSIX::_exit(127);
}
push @started, $pid;
ok(answers($socket), 'a copy of the binary answers');
rename $copy, "$copy.old";
open my $f, '>', $copy or die;
print $f "#!/bin/sh\nexit 1\n";
close $f;
chmod 0755, $copy;
@w = workers($pid);
kill HUP => $pid;
ok(wait_until(sub { slurp($log2) =~ /check/i }, 10), 'a new binary that fails --check is not used')
    or diag(slurp($log2));
# The child process that made the check may still be exiting.
ok(wait_until(sub { "@{[ workers($pid) ]}" eq "@w" }, 10), 'the old workers keep running');
ok(answers($socket), 'core answers after the refused reload');
unlink $copy;
rename "$copy.old", $copy;
kill HUP => $pid;
ok(wait_until(sub { my @now = workers($pid); @now == 1 && $now[0] != $w[0] }, 15),
	'a new binary that passes --check replaces the workers');
ok(answers($socket), 'core answers after the reload');
kill TERM => $pid;
ok(gone($pid, 15), 'core exits after SIGTERM');
# ---- the limit on log lines ------------------------------------------------------------

# A thousand refusals do not cause a thousand log lines; the lines that were dropped are
# counted.
sub refused
{
	my ($socket, $n) = @_;
	return scalar grep {
		fcgi_request($socket,
			{ %live, KEDGE_PATH => '/api/core/me', KEDGE_RAW_URI => '/api/core/me' })
		    ->{status} == 401
	} 1 .. $n
}
$socket = "$place/flood.sock";
($pid, $log) = start({ CORE_LISTEN => "unix:$socket", CORE_PROCESSES => 1 });
ok(answers($socket), 'core answers before it refuses 1000 requests');
is(refused($socket, 1000), 1000, 'core refuses 1000 requests');
kill TERM => $pid;
ok(gone($pid, 15), 'core exits after 1000 refusals');
my $text = slurp($log);
my $lines = () = $text =~ /"msg":"request".*"status":401/g;
my $dropped = 0;
$dropped += $1 while $text =~ /"msg":"log lines dropped","of":"request","count":(\d+),"status":401/g;
cmp_ok($dropped, '>', 0, "some refusals have no access line: $lines of 1000 have one");
is($lines + $dropped, 1000, 'refusals without an access line are counted');

# Neither a reader that has stopped nor a full disk stops the service.
pipe my $stuck_r, my $stuck_w or die;
$stuck_w->blocking(0);
1 while syswrite $stuck_w, 'x' x 4096;
$stuck_w->blocking(1); # blocking, as standard error is when the service is started in a terminal
my %sink = (
	'a pipe that nobody reads' => sub { open STDERR, '>&', $stuck_w },
	'a full disk' => sub { open STDERR, '>>', '/dev/full' });
for my $what (sort keys %sink) {
	$socket = "$place/stuck" . @started;
	($pid) = start({ CORE_LISTEN => "unix:$socket", CORE_LOG_LEVEL => 'debug' }, $sink{$what});
	ok(answers($socket), "core starts with its log in $what");
	is(refused($socket, 50), 50, "core answers 50 requests with its log in $what");
	kill TERM => $pid;
	ok(gone($pid, 15), "core exits with its log in $what");
}

done_testing;
