# kedge upgrade --check: what a release would do, found out without doing it.
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

done_testing;
