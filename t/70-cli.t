# kedge up and related commands: all processes start and end together, an error is
# reported in one line, and no process is left behind.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Cwd qw(abs_path);
use Fcntl qw(F_RDLCK F_SETLK SEEK_SET);
use File::Path qw(remove_tree);
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(files free_port run slurp wait_until);

my $k = Kedge->up;
my $kedge = Kedge->binary('kedge');
my $other = File::Temp::tempdir(CLEANUP => 1);
chmod 0755, $other;
my $alice = $k->user('alice');
my $task = $alice->post('/api/core/tasks', { title => 'survives' })->{json}{id};

# Stops a stack that was expected not to start, but has started.
END {
	my $s = $?;
	run($kedge, 'down', '--dir', $_)
	    for grep { -e "$_/lock" } defined $other ? files($other) : ();
	$? = $s;
}

sub one_line
{
	my ($name, $status, $out, $err) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	isnt($status, 0, "$name: the command fails");
	is(scalar(() = "$out$err" =~ /\n/g), 1, "$name: the error is one line") or diag("$out$err");
	return;
}

# ---- up, status, logs -----------------------------------------------------------

like($k->{up_output}, qr{http://127\.0\.0\.1:@{[ $k->port ]}\b}, 'up prints the address');
my ($status, $out, $err) = $k->kedge('status');
is($status, 0, 'kedge status succeeds');
for my $what (qw(nginx postgres redis auth core wallet)) {
	like($out, qr/$what/i, "kedge status shows $what");
}
($status, $out, $err) = $k->kedge('logs');
is($status, 0, 'kedge logs succeeds') or diag($err);
like($out, qr/core/, 'the log of a service is shown');

# ---- failing starts --------------------------------------------------------------

one_line('the directory is in use', $k->kedge('up', '--port', free_port(), '--detach'));
is($alice->get('/api/core/whoami')->{status}, 200, 'the running stack still answers');
($status, $out, $err) = run($kedge, 'up', '--dir', "$other/d", '--port', $k->port, '--detach');
one_line('the port is in use', $status, $out, $err);
like($err, qr/@{[ $k->port ]}/, 'the error names the port in use');
ok(!(grep { (readlink("$_/cwd") // '') =~ /^\Q$other\E/ } files('/proc', qr/^\d+$/)),
	'no process of the failed start is left');
mkdir "$other/taken";
open my $f, '>', "$other/taken/file" or die;
close $f;
($status, $out, $err) = run($kedge, 'up', '--dir', "$other/taken", '--port', free_port(), '--detach');
one_line('a directory of somebody else', $status, $out, $err);
like($err, qr/holds other files \(file\)/, 'the error names a file that is there');
is_deeply([ map {s{.*/}{}r} files("$other/taken") ], ['file'], 'the directory is unchanged');
one_line('a directory that cannot be made',
	run($kedge, 'up', '--dir', '/proc/nowhere/d', '--port', free_port(), '--detach'));
# Characters in values that nginx or libpq would interpret.
for my $name ('x $x', 'x$', 'x*', 'x?', 'x[y]', 'x,y') {
	($status, $out, $err) =
	    run($kedge, 'up', '--dir', "$other/$name", '--port', free_port(), '--detach');
	one_line("the directory $name", $status, $out, $err);
	my ($odd) = $name =~ /([^\w ])/;
	like($err, qr/\Q$other\E.*"\Q$odd\E"/, 'the error names the character');
	ok(!-e "$other/$name", 'the directory is not made');
}
mkdir "$other/to \$x";
symlink "$other/to \$x", "$other/link";
one_line('a link to such a one',
	run($kedge, 'up', '--dir', "$other/link", '--port', free_port(), '--detach'));
one_line("port $_", run($kedge, 'up', '--dir', "$other/p", '--port', $_, '--detach'))
    for qw(65536 x -1);
one_line('an unknown command', run($kedge, 'surprise'));
one_line('an unknown option', run($kedge, 'up', '--surprise'));
one_line('status of nothing', run($kedge, 'status', '--dir', "$other/none"));
# When a process cannot start, the error is one line, and the other processes are
# stopped.
($status, $out, $err) =
    run({ env => { CORE_THREADS => 'many' } }, $kedge, 'up', '--dir', "$other/bad", '--port',
	free_port(), '--detach');
isnt($status, 0, 'up fails when a service cannot start');
like("$out$err", qr/core/, 'the error names the service');
ok(!(grep { (readlink("$_/cwd") // '') =~ /^\Q$other\E/ } files('/proc', qr/^\d+$/)),
	'no process of the failed start is left');
# When a program is missing, the error names it.  Servers are also searched in fixed
# directories, so changing PATH does not hide them.  Instead the test covers each
# program by a bind mount of /dev/null in a mount namespace of its own.  An ordinary
# user can do that as root of a user namespace, and then becomes the same user again,
# since kedge behaves differently as root.
sub without
{
	my ($name, @cmd) = @_;
	my ($uid, $gid) = ($>, $) + 0);
	my @as = $uid == 0 ? () : ('unshare', '-U', "--map-user=$uid", "--map-group=$gid");
	my %hidden = map { abs_path($_) => 1 } grep { -x && !-d } map { "$_/$name" }
	    grep {m{^/}} split(/:/, $ENV{PATH} // ''), qw(/usr/local/sbin /usr/sbin /sbin),
	    qw(/usr/local/bin /usr/bin /bin), map { "$_/bin" } files('/usr/lib/postgresql');
	return run('unshare', $uid == 0 ? '-m' : '-rm', 'sh', '-ec',
		'while [ "$1" != -- ]; do mount --bind /dev/null "$1"; shift; done; shift; exec "$@"',
		'sh', sort(keys %hidden), '--', @as, @cmd);
}
for my $name (qw(postgres redis-server nginx)) {
	SKIP: {
		skip "nothing can be hidden here: $name", 4 if (without($name, 'true'))[0] != 0;
		($status, $out, $err) =
		    without($name, $kedge, 'up', '--dir', "$other/t", '--port', '0', '--detach');
		one_line("without $name", $status, $out, $err);
		like($err, $name eq 'postgres' ? qr/PostgreSQL's server is missing/ : qr/\b$name is missing/,
			'the error names the missing program');
		like($err, qr/"kedge setup"/, 'the error names kedge setup');
	}
}

# ---- two stacks -------------------------------------------------------------------

my $j = Kedge->up;
is($j->client->get('/api/auth/ok')->{status}, 200, 'a second stack starts');
is($k->client->get('/api/auth/ok')->{status}, 200, 'auth of the first stack answers beside the second');
is($j->client->get('/api/core/whoami', cookie => $alice->cookie_header)->{status}, 401,
	'a user of the first stack cannot sign in to the second');
isnt($j->service_env('auth')->{AUTH_SECRET}, undef, 'the second stack has a secret of its own');
$j->down;
is(scalar $j->processes, 0, 'after down no process is left');
is($alice->get('/api/core/whoami')->{status}, 200, 'the first stack still answers');
is(($j->kedge('down'))[0], 0, 'down of a stopped stack succeeds');
isnt(($j->kedge('status'))[0], 0, 'status of a stopped stack exits with 3');
# Another major version of PostgreSQL cannot read the data directory and must not be
# started on it.
open my $made_by, '>', $j->dir . '/pg/data/PG_VERSION' or die "PG_VERSION: $!";
print $made_by "7\n";
close $made_by;
($status, $out, $err) = $j->kedge('up', '--port', 0, '--detach');
one_line('the PostgreSQL that made the data is missing', $status, $out, $err);
like($err, qr/PostgreSQL 7\b/, 'the error names the version of the cluster');

# ---- data survives -------------------------------------------------------------

$k->down;
is(scalar $k->processes, 0, 'no process is left after down');
my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $k->port);
ok(!$s, 'the port is free after down');

# Another user holds a read lock on the lock file, which earlier releases let
# everybody open.
my $lock = $k->dir . '/lock';
is(sprintf('%04o', (stat $lock)[2] & 07777), '0600', 'other users cannot open the lock file');
chmod 0644, $lock or die "$lock: $!";
pipe my $locked, my $lock_done or die "pipe: $!";
my $stranger = fork // die "fork: $!";
if ($stranger == 0) {
	Kedge::in_child();
	open my $held, '<', $lock or POSIX::_exit(1);
	POSIX::setuid(65534) if $> == 0;
	my $flock = pack 's s x![q] q q i x![q]', F_RDLCK, SEEK_SET, 0, 0, 0;
	fcntl $held, F_SETLK, $flock or POSIX::_exit(2);
	syswrite $lock_done, '.';
	sleep 60;
	POSIX::_exit(0);
}
close $lock_done;
is(sysread($locked, my $byte, 1), 1, 'another user holds a read lock on an old lock file');
($status, $out, $err) = $k->kedge('down');
is($status, 0, 'down succeeds while another user holds the lock') or diag($err);
is(waitpid($stranger, POSIX::WNOHANG()), 0, 'down does not stop the other process');
chmod 0644, $lock or die "$lock: $!";
$k->start;
is(waitpid($stranger, POSIX::WNOHANG()), 0, 'up starts in spite of the other lock');
is(sprintf('%04o', (stat $lock)[2] & 07777), '0600', 'up replaces the lock file');
kill KILL => $stranger;
waitpid $stranger, 0;
one_line('the supervisor holds the lock', $k->kedge('up', '--port', 0, '--detach'));
$alice->{base} = $alice->{origin} = $k->base;
my $r = $alice->get('/api/core/whoami');
is($r->{status}, 200, 'a session is valid after a restart');
is($alice->get("/api/core/tasks/$task")->{json}{title}, 'survives', 'a task is there after a restart');

# ---- logs do not grow without bound ----------------------------------------------

# A sparse file exceeds the size limit without using disk space.
my $core_log = $k->dir . '/log/core.log';
truncate $core_log, 17 << 20 or die "$core_log: $!";
ok(wait_until(sub { -s $core_log < 1 << 20 }, 30), 'a log that is too long is truncated');
cmp_ok(-s "$core_log.1", '>', 16 << 20, 'the copy of the log is beside it');
my $id = $alice->get('/api/core/whoami')->{headers}{'x-request-id'};
ok(wait_until(sub { slurp($core_log) =~ /\Q$id\E/ }, 10), 'the service goes on writing to its log');
cmp_ok(-s $core_log, '<', 1 << 20, 'it appends to the truncated log');

# ---- restarts -------------------------------------------------------------------

my @kinds =
    ('nginx', 'auth', 'core', 'wallet', 'postgres', 'redis-auth', 'redis-core', 'redis-wallet');
for my $kind (@kinds) {
	my @pids = $k->pids($kind);
	is(scalar @pids, 1, "one $kind runs") or next;
	$k->kill_pid(KILL => @pids);
	my $back =
	    wait_until(sub { my @now = $k->pids($kind); @now == 1 && $now[0] != $pids[0] }, 15);
	ok($back, "$kind: the process is started again after kill -9");
	ok($k->wait_healthy(15), "$kind: all services are healthy after it was killed")
	    or diag(join ' ', map { $k->monitor->get("/health/$_")->{body} } Kedge::services());
	ok(
		wait_until(
			sub {
				$alice->get('/api/core/me')->{status} == 200
				    && $alice->get('/api/wallet/accounts')->{status} == 200
			},
			10
		),
		"$kind: all services answer");
}

# ---- the supervisor is killed -----------------------------------------------------

for my $signal (qw(TERM KILL)) {
	my ($supervisor) = $k->pids('supervisor');
	ok($supervisor, 'the supervisor of the stack is found') or last;
	$k->kill_pid($signal => $supervisor);
	ok(wait_until(sub { !$k->processes }, 25), "SIG$signal to the supervisor: no process is left")
	    or diag(explain([ $k->processes ]));
	$k->start;
	$alice->{base} = $alice->{origin} = $k->base;
	is($alice->get("/api/core/tasks/$task")->{json}{title}, 'survives',
		"after SIG$signal up starts again with the data");
}

# kedge runs in the foreground until Ctrl-C.
$k->down;
my $port = free_port();
my $log = "$other/log";
my $pid = fork // die;
if (!$pid) {
	Kedge::in_child();
	open STDOUT, '>', $log;
	open STDERR, '>&', \*STDOUT;
	exec {$kedge} $kedge, 'up', '--dir', $k->dir, '--port', $port or POSIX::_exit(127);
}
ok(wait_until(sub { (slurp($log) // '') =~ m{http://127\.0\.0\.1:$port} }, 20),
	'up in the foreground prints the address');
kill INT => $pid;
my $gone = wait_until(sub { waitpid($pid, POSIX::WNOHANG()) == $pid }, 25);
ok($gone, 'Ctrl-C ends kedge up');
is($? >> 8, 0, 'after Ctrl-C up exits with 0');
is(scalar $k->processes, 0, 'after Ctrl-C no process is left');

# ---- as root, in a directory closed to PostgreSQL ----------------------------------

SKIP: {
	skip 'only root has this', 1 if $> != 0;
	my $closed = "$other/closed";
	mkdir $closed, 0700;
	my %person = (email => 'root@example.com', password => 'correct horse battery');
	for my $life (1, 2) {
		my ($s, $o, $e) = run($kedge, 'up', '--dir', "$closed/d", '--port', '0', '--detach');
		is($s, 0, "up works below a closed directory ($life)") or diag("$o$e");
		my ($url) = "$o$e" =~ m{(http://127\.0\.0\.1:\d+)};
		my $c = Kedge::Client->new(base => $url // 'http://127.0.0.1:1');
		is($c->post('/api/auth/sign-up/email', { name => 'r', %person })->{status}, 200, 'kedge user create succeeds below a closed directory')
		    if $life == 1;
		is($c->post('/api/auth/sign-in/email', {%person})->{status}, 200, 'the user created below a closed directory can sign in');
		is((run($kedge, 'down', '--dir', "$closed/d"))[0], 0, 'kedge down succeeds with standard input closed');
	}
	my $elsewhere = readlink "$closed/d/pg";
	ok(defined $elsewhere && -d $elsewhere, 'the cluster is in a directory that the user of PostgreSQL can reach');
	remove_tree($elsewhere) if defined $elsewhere && $elsewhere =~ m{^/var/lib/kedge/pg-\w+$};
}

# ---- migrations ---------------------------------------------------------------

$k->start;
($status, $out, $err) = $k->kedge('migrate');
is($status, 0, 'migrate without new files succeeds') or diag("$out$err");
my $applied = $k->sql('core',
	q{SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename = 'task'});
is($applied, 1, 'the database of core has its migrations');
done_testing;
