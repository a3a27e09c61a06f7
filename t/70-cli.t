# kedge up and related commands: everything starts and stops together, errors are
# reported in one line, and nothing is left behind.
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

# A stack that should have failed to start must not outlive the test.
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
	isnt($status, 0, "$name: fails");
	is(scalar(() = "$out$err" =~ /\n/g), 1, "$name: one line") or diag("$out$err");
	return;
}

# ---- up, status, logs -----------------------------------------------------------

like($k->{up_output}, qr{http://127\.0\.0\.1:@{[ $k->port ]}\b}, 'up says where');
my ($status, $out, $err) = $k->kedge('status');
is($status, 0, 'status');
for my $what (qw(nginx postgres redis auth core wallet)) {
	like($out, qr/$what/i, "with $what");
}
($status, $out, $err) = $k->kedge('logs');
is($status, 0, 'logs') or diag($err);
like($out, qr/core/, 'of the services');

# ---- what is in the way -----------------------------------------------------------

one_line('the directory is in use', $k->kedge('up', '--port', free_port(), '--detach'));
is($alice->get('/api/core/whoami')->{status}, 200, 'and the one that runs is not disturbed');
($status, $out, $err) = run($kedge, 'up', '--dir', "$other/d", '--port', $k->port, '--detach');
one_line('the port is in use', $status, $out, $err);
like($err, qr/@{[ $k->port ]}/, 'named');
ok(!(grep { (readlink("$_/cwd") // '') =~ /^\Q$other\E/ } files('/proc', qr/^\d+$/)),
	'nothing is left running');
mkdir "$other/taken";
open my $f, '>', "$other/taken/file" or die;
close $f;
one_line('a directory of somebody else',
	run($kedge, 'up', '--dir', "$other/taken", '--port', free_port(), '--detach'));
is_deeply([ map {s{.*/}{}r} files("$other/taken") ], ['file'], 'which stays as it was');
one_line('a directory that cannot be made',
	run($kedge, 'up', '--dir', '/proc/nowhere/d', '--port', free_port(), '--detach'));
# Characters that nginx takes for a variable or a pattern, and libpq for two hosts.
for my $name ('x $x', 'x$', 'x*', 'x?', 'x[y]', 'x,y') {
	($status, $out, $err) =
	    run($kedge, 'up', '--dir', "$other/$name", '--port', free_port(), '--detach');
	one_line("the directory $name", $status, $out, $err);
	my ($odd) = $name =~ /([^\w ])/;
	like($err, qr/\Q$other\E.*"\Q$odd\E"/, 'and its character named');
	ok(!-e "$other/$name", 'and not made');
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
# A process that cannot start: one line, and what was started is stopped.
($status, $out, $err) =
    run({ env => { CORE_THREADS => 'many' } }, $kedge, 'up', '--dir', "$other/bad", '--port',
	free_port(), '--detach');
isnt($status, 0, 'a service that cannot start');
like("$out$err", qr/core/, 'is named');
ok(!(grep { (readlink("$_/cwd") // '') =~ /^\Q$other\E/ } files('/proc', qr/^\d+$/)),
	'nothing is left running');
# A missing tool is named.  Servers are also searched in fixed places, so PATH cannot
# hide them: each one is covered by a file that cannot be executed, in a separate mount
# namespace.  An ordinary user may do that as root of a user namespace, and returns to
# the original user id, because kedge behaves differently as root.
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
			'which is named');
		like($err, qr/"kedge setup"/, 'with what helps');
	}
}

# ---- two beside each other ---------------------------------------------------------

my $j = Kedge->up;
is($j->client->get('/api/auth/ok')->{status}, 200, 'a second stack');
is($k->client->get('/api/auth/ok')->{status}, 200, 'beside the first');
is($j->client->get('/api/core/whoami', cookie => $alice->cookie_header)->{status}, 401,
	'of which it knows nobody');
isnt($j->service_env('auth')->{AUTH_SECRET}, undef, 'with a secret');
$j->down;
is(scalar $j->processes, 0, 'down: nothing of it is left');
is($alice->get('/api/core/whoami')->{status}, 200, 'and the first goes on');
is(($j->kedge('down'))[0], 0, 'down again: nothing to do');
isnt(($j->kedge('status'))[0], 0, 'status says that nothing runs');
# Another version would not read its data, and must not try.
open my $made_by, '>', $j->dir . '/pg/data/PG_VERSION' or die "PG_VERSION: $!";
print $made_by "7\n";
close $made_by;
($status, $out, $err) = $j->kedge('up', '--port', 0, '--detach');
one_line('the PostgreSQL that made the data is missing', $status, $out, $err);
like($err, qr/PostgreSQL 7\b/, 'and its version named');

# ---- data survives -------------------------------------------------------------

$k->down;
is(scalar $k->processes, 0, 'everything stopped');
my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $k->port);
ok(!$s, 'the port is free');

# Another process has a read lock on the lock file, which earlier releases allowed
# everybody to open.
my $lock = $k->dir . '/lock';
is(sprintf('%04o', (stat $lock)[2] & 07777), '0600', 'nobody else can open the lock');
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
is(sysread($locked, my $byte, 1), 1, 'a stranger holds a read lock');
($status, $out, $err) = $k->kedge('down');
is($status, 0, 'down: nothing runs') or diag($err);
is(waitpid($stranger, POSIX::WNOHANG()), 0, 'and the stranger is left alone');
chmod 0644, $lock or die "$lock: $!";
my $t = time;
$k->start;
my $took = time - $t;
is(waitpid($stranger, POSIX::WNOHANG()), 0, 'up: is not kept waiting by the stranger');
is(sprintf('%04o', (stat $lock)[2] & 07777), '0600', 'and shuts it out');
kill KILL => $stranger;
waitpid $stranger, 0;
one_line('the supervisor holds the lock', $k->kedge('up', '--port', 0, '--detach'));
$alice->{base} = $alice->{origin} = $k->base;
my $r = $alice->get('/api/core/whoami');
is($r->{status}, 200, 'the session survives');
note(sprintf 'warm start %.2f s, first verified request %.2f s', $took, time - $t);
cmp_ok($took, '<', 6, 'a warm start takes no time (make bench has the figure)');
is($alice->get("/api/core/tasks/$task")->{json}{title}, 'survives', 'and so does the data');

# ---- logs do not grow without bound ----------------------------------------------

# Made too long by a hole, which needs no disk space.
my $core_log = $k->dir . '/log/core.log';
truncate $core_log, 17 << 20 or die "$core_log: $!";
ok(wait_until(sub { -s $core_log < 1 << 20 }, 30), 'a log that is too long is emptied');
cmp_ok(-s "$core_log.1", '>', 16 << 20, 'and what it held is beside it');
my $id = $alice->get('/api/core/whoami')->{headers}{'x-request-id'};
ok(wait_until(sub { slurp($core_log) =~ /\Q$id\E/ }, 10), 'the service writes on');
cmp_ok(-s $core_log, '<', 1 << 20, 'at its new end');

# ---- it supervises --------------------------------------------------------------

my @kinds =
    ('nginx', 'auth', 'core', 'wallet', 'postgres', 'redis-auth', 'redis-core', 'redis-wallet');
for my $kind (@kinds) {
	my @pids = $k->pids($kind);
	is(scalar @pids, 1, "one $kind") or next;
	$k->kill_pid(KILL => @pids);
	my $back =
	    wait_until(sub { my @now = $k->pids($kind); @now == 1 && $now[0] != $pids[0] }, 15);
	ok($back, "$kind: started again after kill -9");
	ok($k->wait_healthy(15), "$kind: all is well again")
	    or diag(join ' ', map { $k->client->get("/health/$_")->{body} } Kedge::services());
	ok(
		wait_until(
			sub {
				$alice->get('/api/core/me')->{status} == 200
				    && $alice->get('/api/wallet/accounts')->{status} == 200
			},
			10
		),
		"$kind: and everything answers");
}

# ---- it takes everything with it -------------------------------------------------

for my $signal (qw(TERM KILL)) {
	my ($supervisor) = $k->pids('supervisor');
	ok($supervisor, 'the supervisor') or last;
	$k->kill_pid($signal => $supervisor);
	ok(wait_until(sub { !$k->processes }, 25), "SIG$signal of the supervisor: nothing is left")
	    or diag(explain([ $k->processes ]));
	$k->start;
	$alice->{base} = $alice->{origin} = $k->base;
	is($alice->get("/api/core/tasks/$task")->{json}{title}, 'survives',
		"up again after SIG$signal, with its data");
}

# In the foreground: the URL, then Ctrl-C.
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
	'in the foreground');
kill INT => $pid;
my $gone = wait_until(sub { waitpid($pid, POSIX::WNOHANG()) == $pid }, 25);
ok($gone, 'until Ctrl-C');
is($? >> 8, 0, 'which is no failure');
is(scalar $k->processes, 0, 'nothing is left');

# ---- as root, where the user of PostgreSQL cannot go ------------------------------

SKIP: {
	skip 'only root has this', 1 if $> != 0;
	my $closed = "$other/closed";
	mkdir $closed, 0700;
	my %person = (email => 'root@example.com', password => 'correct horse battery');
	for my $life (1, 2) {
		my ($s, $o, $e) = run($kedge, 'up', '--dir', "$closed/d", '--port', '0', '--detach');
		is($s, 0, "below a closed directory, life $life") or diag("$o$e");
		my ($url) = "$o$e" =~ m{(http://127\.0\.0\.1:\d+)};
		my $c = Kedge::Client->new(base => $url // 'http://127.0.0.1:1');
		is($c->post('/api/auth/sign-up/email', { name => 'r', %person })->{status}, 200, 'a person')
		    if $life == 1;
		is($c->post('/api/auth/sign-in/email', {%person})->{status}, 200, 'signs in');
		is((run($kedge, 'down', '--dir', "$closed/d"))[0], 0, 'and down');
	}
	my $elsewhere = readlink "$closed/d/pg";
	ok(defined $elsewhere && -d $elsewhere, 'the cluster is where that user can go');
	remove_tree($elsewhere) if defined $elsewhere && $elsewhere =~ m{^/var/lib/kedge/pg-\w+$};
}

# ---- migrations ---------------------------------------------------------------

$k->start;
($status, $out, $err) = $k->kedge('migrate');
is($status, 0, 'migrate again: nothing to do') or diag("$out$err");
my $applied = $k->sql('core',
	q{SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename = 'task'});
is($applied, 1, 'core has its tables');
done_testing;
