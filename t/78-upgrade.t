# kedge upgrade --check: what a release would do, found out without doing it; and kedge
# logs --request: one request in all logs.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use File::Temp qw(tempdir);
use Kedge qw(jdecode need run slurp wait_until);

need(qw(nginx pg_dump psql));
my $k = Kedge->up;
my $alice = $k->user('alice');
$alice->post('/api/core/tasks', { title => 'one' });

# ---- upgrade --check ------------------------------------------------------------------

my ($s, $out, $err) = $k->kedge('upgrade', '--check');
is($s, 0, 'the present release') or diag($err);
like($out, qr/^core: the database is up to date$/m, 'has nothing to do');
like($out, qr/^nothing stands in the way of this release$/m, 'and says so');
($s, $out, $err) = $k->kedge('upgrade');
is($s, 2, 'without --check it is refused');

# The files of a release with more migrations.
my $root = tempdir('kedge-upgrade-XXXXXX', DIR => $ENV{TMPDIR}, CLEANUP => 1);
for my $name (grep { $_ ne 'sql' } map {m{([^/]+)$}} glob "$Kedge::ROOT/*") {
	symlink "$Kedge::ROOT/$name", "$root/$name" or die "$name: $!";
}
system('cp', '-r', "$Kedge::ROOT/sql", "$root/sql") == 0 or die 'cp';

sub migration
{
	my ($name, $sql) = @_;
	open my $fh, '>', "$root/sql/core/$name" or die "$name: $!";
	print {$fh} $sql;
	close $fh;
	return;
}
my @check = ('upgrade', '--check', { env => { KEDGE_ROOT => $root } });
migration('9001_note.sql', "ALTER TABLE task ADD COLUMN remark text;\nCREATE TABLE remark (id bigint);\n");
migration('9002_index.sql', "-- kedge: no transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS"
	    . " task_remark ON task (remark);\n");
migration('9003_index.sql', "CREATE INDEX remark_id ON remark (id);\nCREATE INDEX task_remarks ON task (remark, id);\n");
my $before = $k->sql('postgres', 'SELECT string_agg(datname, $$ $$ ORDER BY 1) FROM pg_database');
$k->sql('core', 'ANALYZE task');
($s, $out, $err) = $k->kedge(@check);
is($s, 0, 'a release with migrations') or diag($err);
my ($core) = $out =~ /^(core: these migrations will be run:\n(?: .*\n)+)/m;
like($core, qr{
	^\ \ sql/core/9001_note.sql\ \(in\ a\ transaction\)\n
	\ \ \ \ AccessExclusiveLock\ on\ public.task\ \(about\ 1\ rows,\ \d+\ kB\):\ reads\ and\ writes\ wait\ meanwhile\n
	\ \ \ \ \d+\ ms\ on\ an\ empty\ copy\n
	\ \ sql/core/9002_index.sql\ \(without\ a\ transaction\)\n
	\ \ \ \ one\ statement\ on\ an\ index,\ while\ reads\ and\ writes\ go\ on}mx, 'tells the locks');
like($core, qr/9003_index.sql.*\n    ShareLock on public.task .*: writes wait meanwhile\n/, 'of the last one, too');
unlike($core, qr/public\.remark/, 'a table that the release makes is in nobody\'s way');
is($k->sql('core', q{SELECT to_regclass('remark') IS NULL}), 't', 'nothing was done');
is($k->sql('postgres', 'SELECT string_agg(datname, $$ $$ ORDER BY 1) FROM pg_database'), $before,
	'no database is left behind');

migration('9004_wrong.sql', "ALTER TABLE task\n\tDROP COLUMN nothing;\n");
($s, $out, $err) = $k->kedge(@check);
is($s, 1, 'a migration that fails');
like($err, qr/core: 9004_wrong\.sql fails on an empty copy .*"nothing"/, 'is named');
is($k->sql('postgres', 'SELECT string_agg(datname, $$ $$ ORDER BY 1) FROM pg_database'), $before,
	'again no database is left behind');
unlink "$root/sql/core/$_" for '9004_wrong.sql';

# Settings that this release does not have.
open my $fh, '>>', $k->dir . '/kedge.env' or die $!;
print {$fh} "CORE_FORMER_NAME=1\nCORE_THREADS=4\n";
close $fh;
($s, $out, $err) = $k->kedge('upgrade', '--check');
is($s, 1, 'a setting that no longer exists');
like($err, qr/kedge\.env: CORE_FORMER_NAME does not exist in this release/, 'is named');
unlike($err, qr/CORE_THREADS/, 'others are not');

# ---- logs --request -------------------------------------------------------------------

# core asks auth for a new user, so one request is in the logs of several services; nginx
# has refused another one itself.
my $new = $k->user('bob');
my $r = $new->get('/api/core/me');
my $id = $r->{headers}{'x-request-id'};
ok($id, 'a response has the id of the request');
my @lines;
ok(
	wait_until(
		sub {
			($s, $out, $err) = $k->kedge('logs', '--request', $id);
			@lines = map { jdecode($_) } split /\n/, $out;
			return 2 <= grep { ($_->{msg} // '') eq 'request' } @lines;
		},
		10
	),
	'its lines are found'
) or diag($out, $err);
is($s, 0, 'logs --request');
my %service = map { $_->{service} => 1 } @lines;
is_deeply([ sort keys %service ], [qw(auth core)], 'of both services');
is_deeply([ grep { $_->{request_id} ne $id } @lines ], [], 'and no others');
is_deeply([ map { $_->{time} } @lines ], [ sort map { $_->{time} } @lines ], 'in the order of time');
($s, $out, $err) = $k->kedge('logs', 'auth', '--request', $id);
is_deeply([ grep { jdecode($_)->{service} ne 'auth' } split /\n/, $out ], [], 'of one service');
my $lost = $k->client->get('/nothing/here')->{headers}{'x-request-id'};
ok(wait_until(sub { ($s, $out) = $k->kedge('logs', '--request', $lost); $s == 0 }, 10),
	"nginx's own lines are found");
is(jdecode((split /\n/, $out)[0])->{service}, 'nginx', 'and are its own');
($s, $out, $err) = $k->kedge('logs', '--since', '10m');
is($s, 0, 'logs --since');
like($out, qr/\Q$id\E/, 'shows everything since then');
my @time = map { jdecode($_)->{time} } split /\n/, $out;
is_deeply(\@time, [ sort @time ], 'in the order of time');
($s, $out, $err) = $k->kedge('logs', '--since', '2999-01-01T00:00:00Z');
is($s, 1, 'nothing since a time to come');
like($err, qr/no line was found/, 'is told');
for my $wrong ([ '--request', 'a"b' ], [ '--request', '' ], [ '--since', 'yesterday' ], [ '--since', '5' ],
	[ '-f', '--request', 'x' ], [ '../env/core', '--since', '1m' ]) {
	($s, $out, $err) = $k->kedge('logs', @$wrong);
	isnt($s, 0, "logs @$wrong: refused");
	isnt($err, '', 'with a message');
}
# A log that was rotated meanwhile.
my $dir = $k->dir;
system("cat '$dir/log/core.log' >>'$dir/log/core.log.1' && : >'$dir/log/core.log'") == 0 or die;
($s, $out, $err) = $k->kedge('logs', 'core', '--request', $id);
is($s, 0, 'the log before the rotation is read, too');

# On a server: the journal and nginx's logs. A mount namespace has an /etc and a /var/log of
# its own, and a journalctl that writes down what it is asked.
SKIP: {
	skip 'needs root for a mount namespace', 5 if $> != 0;
	my $place = tempdir('kedge-logs-XXXXXX', DIR => $ENV{TMPDIR}, CLEANUP => 1);
	mkdir $_ or die "$_: $!" for map {"$place/$_"} qw(etc etc/kedge log log/nginx bin);
	my $write = sub {
		my ($file, $text) = @_;
		open my $h, '>', "$place/$file" or die "$file: $!";
		print {$h} $text;
		close $h;
	};
	my $line = sub { qq({"time":"2026-11-30T21:15:0$_[0].000Z","level":"info","service":"$_[1]","request_id":"$_[2]","msg":"request"}\n) };
	$write->('etc/kedge/kedge.json', slurp("$Kedge::ROOT/kedge.json"));
	$write->('journal', $line->(2, 'core', 'abc') . "Started kedge-core.service.\n" . $line->(1, 'auth', 'abc')
		    . $line->(1, 'auth', 'abcd'));
	$write->('log/nginx/access.log', $line->(3, 'nginx', 'abc') . $line->(4, 'nginx', 'other'));
	$write->('bin/journalctl', "#!/bin/sh\necho \"\$*\" >'$place/asked'\ncat '$place/journal'\n");
	chmod 0755, "$place/bin/journalctl";
	($s, $out, $err) = run({ env => { PATH => "$place/bin:$ENV{PATH}", KEDGE_ROOT => $Kedge::ROOT } },
		'unshare', '-m', 'sh', '-c', "mount --bind '$place/etc' /etc && mount --bind '$place/log' /var/log && "
		    . "exec '$ENV{BUILD}/kedge' logs --system --request abc --since 2026-11-30T21:00:00Z");
	is($s, 0, 'logs --system') or diag($err);
	is_deeply([ map { jdecode($_)->{service} } split /\n/, $out ], [qw(auth core nginx)],
		'the journal and nginx\'s log, in the order of time');
	like(slurp("$place/asked"), qr/-u kedge-\* --grep=abc/, 'journalctl searches the units');
	like(slurp("$place/asked"), qr/--since=2026-11-30 21:00:00 UTC/, 'since that time');
	unlike($out, qr/abcd|other|Started/, 'and nothing else is shown');
}
done_testing;
