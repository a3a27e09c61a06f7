# kedge logs: the lines of nginx and all services as one log, in the order of time; chosen
# by request, time, level and service; and followed across rotations and restarts.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use File::Temp qw(tempdir);
use Kedge qw(jdecode jencode need run slurp wait_until);

need(qw(nginx));
my $k = Kedge->up;
my $dir = $k->dir;
my ($s, $out, $err);

sub logs { ($s, $out, $err) = $k->kedge('logs', @_); return map { jdecode($_) } split /\n/, $out }
sub write_file
{
	my ($mode, $file, $text) = @_;
	open my $h, $mode, $file or die "$file: $!";
	print {$h} $text;
	close $h or die "$file: $!";
	return;
}
sub line
{
	my ($time, $service, $msg, %more) = @_;
	my $level = delete $more{level} // 'info';
	my $fields = join '', map {qq(,"$_":"$more{$_}")} sort keys %more;
	return qq({"time":"2026-11-30T21:15:$time","level":"$level","service":"$service"$fields,"msg":"$msg"}\n);
}

# ---- one request ----------------------------------------------------------------------

# core asks auth for a new user, so one request is in the logs of several services; nginx
# has refused another one itself.
my $new = $k->user('bob');
my $r = $new->get('/api/core/me');
my $id = $r->{headers}{'x-request-id'};
ok($id, 'a response has the id of the request');
my @lines;
ok(
	wait_until(sub { @lines = logs('--request', $id); 2 <= grep { $_->{msg} eq 'request' } @lines }, 10),
	'its lines are found'
) or diag($out, $err);
is($s, 0, 'logs --request');
my %service = map { $_->{service} => 1 } @lines;
is_deeply([ sort keys %service ], [qw(auth core)], 'of both services');
is_deeply([ grep { $_->{request_id} ne $id } @lines ], [], '--request shows no line of another request');
is_deeply([ map { $_->{time} } @lines ], [ sort map { $_->{time} } @lines ], 'in the order of time');
@lines = logs('auth', '--request', $id);
is_deeply([ grep { $_->{service} ne 'auth' } @lines ], [], 'of one service');
is_deeply([ map { $_->{msg} } logs('--service', 'auth', '--request', $id) ],
	[ map { $_->{msg} } @lines ], '--service is the same');
my $lost = $k->client->get('/nothing/here')->{headers}{'x-request-id'};
ok(wait_until(sub { @lines = logs('--request', $lost); $s == 0 }, 10), "nginx's own lines are found");
is($lines[0]{service}, 'nginx', 'and are its own');

# ---- time, level, order ---------------------------------------------------------------

@lines = logs('--since', '10m');
is($s, 0, 'logs --since');
like($out, qr/\Q$id\E/, 'shows everything since then');
my %all = map { $_->{service} => 1 } @lines;
is_deeply([ grep { !$all{$_} } qw(auth core nginx postgres redis-core) ], [],
	'of all processes, those that write no JSON, too') or diag(join ' ', sort keys %all);
my @time = map { $_->{time} } @lines;
is_deeply(\@time, [ sort @time ], 'the lines of all logs are in the order of time');
my %levels = map { $_->{level} => 1 } logs('--since', '10m', '--level', 'warn');
is_deeply([ grep { !/^(?:warn|error)$/ } keys %levels ], [], '--level');
ok($levels{warn}, 'has warnings, such as those of Redis');
logs('--since', '2999-01-01T00:00:00Z');
is($s, 1, 'nothing since a time to come');
like($err, qr/no line was found/, 'an id without lines is reported');
is(scalar(@{ [ logs('-n', 3) ] }), 3, '-n: so many lines');
my ($last) = logs('--lines=1', '--since', '1h');
is($last->{time}, $time[-1], 'the newest ones') if ($last->{msg} eq $lines[-1]{msg});

for my $wrong (
	[ 2, qr/no request id/, '--request', 'a"b' ],
	[ 2, qr/no request id/, '--request', '' ],
	[ 2, qr/how long ago/, '--since', 'yesterday' ],
	[ 2, qr/how long ago/, '--since', '5' ],
	[ 2, qr/how long ago/, '--since', '2026-02-30T00:00:00Z' ],
	[ 2, qr/debug, info, warn or error/, '--level', 'loud' ],
	[ 2, qr/number from 1/, '-n', '0' ],
	[ 1, qr{no log of \.\./env/core}, '../env/core', '--since', '1m' ],
	[ 1, qr/no log of cor; did you mean core\?/, 'cor' ],
	[ 1, qr/no log of walet; did you mean wallet\?/, '--service', 'core,walet' ])
{
	my ($status, $like, @args) = @$wrong;
	logs(@args);
	is($s, $status, "logs @args: refused");
	like($err, $like, 'the error says why');
	is(scalar(() = $err =~ /\n/g), 1, 'the error is one line');
}

# Text gets a time and a level; what a process that dies writes is an error.
write_file('>', "$dir/log/core.log", line('01.000Z', 'core', 'one') . "core.c:7: Assertion failed\n"
	    . line('04.000Z', 'core', 'four') . "no newline at the end");
write_file('>', "$dir/log/postgres.log",
	"2026-11-30 21:15:02.500 UTC [7] app\@core ERROR:  relation \"x\" does not exist\n"
	    . "2026-11-30 21:15:02.600 UTC [7] LOG:  checkpoint\n\tcontinued \"\xff\n");
write_file('>', "$dir/log/nginx.log", '2026/11/30 21:15:03 [crit] 7#7: *1 open() failed' . "\n");
write_file('>', "$dir/log/redis-core.log", "77:M 30 Nov 2026 21:15:00.250 # Can't save\n");
{
	local $ENV{TZ} = 'UTC';
	@lines = logs('core', 'postgres', 'nginx', 'redis-core');
}
is_deeply([ map {"$_->{time} $_->{level} $_->{service} $_->{msg}"} @lines ], [
	"2026-11-30T21:15:00.250Z warn redis-core # Can't save",
	'2026-11-30T21:15:01.000Z info core one',
	'2026-11-30T21:15:01.000Z error core core.c:7: Assertion failed',
	'2026-11-30T21:15:02.500Z error postgres [7] app@core ERROR:  relation "x" does not exist',
	'2026-11-30T21:15:02.600Z info postgres [7] LOG:  checkpoint',
	"2026-11-30T21:15:02.600Z info postgres \tcontinued \"?",
	'2026-11-30T21:15:03.000Z error nginx [crit] 7#7: *1 open() failed',
	'2026-11-30T21:15:04.000Z info core four',
	'2026-11-30T21:15:04.000Z error core no newline at the end',
], 'lines of all forms, merged') or diag($out);

# A log that was rotated meanwhile.
write_file('>>', "$dir/log/core.log.1", line('00.500Z', 'core', 'rotated', request_id => 'r1'));
is_deeply([ map { $_->{msg} } logs('core', '--request', 'r1') ], ['rotated'],
	'the log before the rotation is read, too');

# ---- following ------------------------------------------------------------------------

my $followed = "$dir/followed";
my $kedge = Kedge->binary('kedge');
my $pid = fork // die $!;
if ($pid == 0) {
	open STDOUT, '>', $followed or die $!;
	exec $kedge, 'logs', '-f', '--service', 'core,nginx', '--level', 'info', '--dir', $dir;
	die $!;
}
END { kill TERM => $pid if $pid }
my $seen = sub { my ($what) = @_; return scalar(() = (slurp($followed) // '') =~ /"msg":"$what"/g) };
my $log = "$dir/log/core.log";
sub appears
{
	my ($msg, $why) = @_;
	ok(wait_until(sub { $seen->($msg) > 0 }, 20), $why) or diag(slurp($followed));
	return;
}
appears('four', 'what is there is shown');
is($seen->('rotated'), 1, 'a line of the rotated log is shown once');
write_file('>>', $log, "\n" . line('10.000Z', 'core', 'appended') . line('11.000Z', 'core', 'quiet', level => 'debug'));
appears('appended', 'a new line is shown');
# A line is shown when it is complete.
my @halves = unpack 'a40 a*', line('12.000Z', 'core', 'halves');
write_file('>>', $log, $halves[0]);
write_file('>>', "$dir/log/nginx.log", line('13.000Z', 'nginx', 'meanwhile'));
appears('meanwhile', 'of another log, too');
is($seen->('halves'), 0, 'half a line is not shown');
write_file('>>', $log, $halves[1]);
appears('halves', 'until it is complete');

# As logrotate does it: the writer has the renamed file open for a while.
open my $old, '>>', $log or die $!;
$old->autoflush(1);
unlink "$log.1";
rename $log, "$log.1" or die $!;
print {$old} line('20.000Z', 'core', 'after the renaming');
write_file('>>', $log, line('21.000Z', 'core', 'in the new file'));
appears('in the new file', 'a file that has taken the place of another one is followed');
appears('after the renaming', 'and so is the one before');
print {$old} line('22.000Z', 'core', 'late');
appears('late', 'as long as somebody writes to it');
close $old;

# As "up" does it: the file is copied and emptied. The last lines are only in the copy.
kill STOP => $pid;
write_file('>>', $log, line('30.000Z', 'core', 'only in the copy'));
unlink "$log.1";
system('cp', $log, "$log.1") == 0 or die;
write_file('>', $log, line('31.000Z', 'core', 'emptied'));
kill CONT => $pid;
appears('emptied', 'a file that was emptied is followed');
is($seen->('only in the copy'), 1, 'what was only in the copy is shown, once');
is($seen->('appended'), 1, 'no line is shown twice after a rotation');

# The same without a copy: the old copy is not shown again.
kill STOP => $pid;
write_file('>', $log, line('32.000Z', 'core', 'no copy'));
truncate $log, length line('32.000Z', 'core', 'no copy');
kill CONT => $pid;
write_file('>>', "$dir/log/nginx.log", line('33.000Z', 'nginx', 'tick'));
appears('tick', 'the next lines');
is($seen->('only in the copy'), 1, 'an old copy is not shown again');

# A log that did not exist, and a restart of everything.
write_file('>', "$dir/log/core-later.log", line('40.000Z', 'core-later', 'a new log'));
appears('a new log', 'a log that is new is followed');
my $starts = $seen->('service started');
is(($k->kedge('restart'))[0], 0, 'restart');
ok(wait_until(sub { $seen->('service started') > $starts }, 20), 'the new process is followed');
is($seen->('quiet'), 0, 'the level holds while following');
my @shown = map { jdecode($_) // diag("no JSON: $_") } split /\n/, slurp($followed);
is_deeply([ grep { $_->{service} !~ /^(?:core|core-later|nginx)$/ } @shown ], [], 'and the services do');
kill INT => $pid;
waitpid $pid, 0;
is($? & 127, 2, 'Ctrl-C ends it');

# ---- on a server ----------------------------------------------------------------------

# The journal, log files and nginx's logs. A mount namespace has an /etc and a /var/log of
# its own, and a journalctl that writes down what it is asked.
SKIP: {
	skip 'needs root for a mount namespace', 12 if $> != 0;
	my $place = tempdir('kedge-logs-XXXXXX', DIR => $ENV{TMPDIR}, CLEANUP => 1);
	mkdir $_ or die "$_: $!"
	    for map {"$place/$_"} qw(etc etc/kedge log log/nginx log/kedge log/kedge/core bin);
	my $spec = jdecode(slurp("$Kedge::ROOT/kedge.json"));
	my $config = sub { write_file('>', "$place/etc/kedge/kedge.json", jencode($spec)) };
	my $entry = sub { my ($unit, $text) = @_; return $text =~ /"time":"([^Z]+)Z/ ? "${1}000+0000 host $unit\[7]: $text" : $text };
	my $line = sub { line("0$_[0].000Z", $_[1], 'request', request_id => $_[2]) };
	$config->();
	write_file('>', "$place/journal", $entry->('kedge-core', $line->(2, 'core', 'abc'))
		    . "2026-11-30T21:15:02.500000+00:00 host systemd[1]: Started kedge-core.service.\n"
		    . "2026-11-30T21:15:02.600000+0000 host kedge-core[7]: Assertion abc failed\n"
		    . $entry->('kedge-auth-verify', $line->(1, 'auth', 'abc'))
		    . $entry->('kedge-auth', $line->(1, 'auth', 'abcd')) . "-- cursor: s=1;i=9\n");
	write_file('>', "$place/log/nginx/access.log", $line->(3, 'nginx', 'abc') . $line->(4, 'nginx', 'other'));
	write_file('>', "$place/bin/journalctl",
		"#!/bin/sh\necho \"\$*\" >>'$place/asked'\ncase \"\$*\" in\n"
		    . "*--follow*) cat '$place/more'; echo done >'$place/done'; exec sleep 1000 ;;\nesac\ncat '$place/journal'\n");
	write_file('>', "$place/more", $entry->('kedge-core', $line->(5, 'core', 'abc')));
	chmod 0755, "$place/bin/journalctl";
	my $on_server = sub {
		return ({ env => { PATH => "$place/bin:$ENV{PATH}", KEDGE_ROOT => $Kedge::ROOT } },
			'unshare', '-m', 'sh', '-c', "mount --bind '$place/etc' /etc && mount --bind '$place/log' /var/log && "
			    . "exec \"\$0\" logs --system \"\$@\"", $kedge, @_);
	};
	($s, $out, $err) = run($on_server->('--request', 'abc', '--since', '2026-11-30T21:00:00Z'));
	is($s, 0, 'logs --system') or diag($err);
	is_deeply([ map { jdecode($_)->{service} } split /\n/, $out ], [qw(auth core nginx)],
		'the journal and nginx\'s log, in the order of time');
	my $asked = slurp("$place/asked");
	like($asked, qr/-u kedge-\* --grep=abc/, 'journalctl searches the units');
	like($asked, qr/--since=2026-11-30 21:00:00 UTC/, 'since that time');
	unlike($out, qr/abcd|other|Started/, 'no line of another request or unit is shown');
	unlink "$place/asked";
	($s, $out, $err) = run($on_server->('core', '--level', 'error', '--since', '2026-11-30T21:00:00Z'));
	is(jdecode($out)->{msg}, 'Assertion abc failed', 'the last words of a process are an error') or diag($err);
	like(slurp("$place/asked"), qr/-u kedge-core\.service -u kedge-core-\*\.service/, 'the units of one service');
	unlike(slurp("$place/asked"), qr/kedge-\* /, 'journalctl is asked for no other units');
	$spec->{log} = { destination => 'files', directory => '/var/log/kedge' };
	$config->();
	write_file('>', "$place/log/kedge/core/core.log", $line->(6, 'core', 'in-a-file'));
	($s, $out, $err) = run($on_server->('--request', 'in-a-file'));
	is($s, 0, 'services that write to files') or diag($err);
	is(jdecode($out)->{time}, '2026-11-30T21:15:06.000Z', "the line in the service's file is found");
	# With -f, journalctl is asked for the lines after the last one that was shown.
	unlink "$place/asked";
	my (undef, @command) = $on_server->('-f', '--request', 'abc');
	my $follower = fork // die $!;
	if ($follower == 0) {
		@ENV{qw(PATH KEDGE_ROOT)} = ("$place/bin:$ENV{PATH}", $Kedge::ROOT);
		open STDOUT, '>', "$place/followed" or die $!;
		exec @command or die $!;
	}
	ok(wait_until(sub { (slurp("$place/followed") // '') =~ /21:15:05/ }, 20), 'the journal is followed');
	like(slurp("$place/asked"), qr/--follow.*--after-cursor=s=1;i=9/, 'behind the last line');
	kill TERM => $follower;
	waitpid $follower, 0;
}
done_testing;
