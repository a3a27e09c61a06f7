# Point-in-time recovery with pgBackRest, by the settings and commands of docs/BACKUP.md:
# a cluster goes back to the moment before a table was dropped.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use File::Temp qw(tempdir);
use Kedge qw(need run slurp tool wait_until);

need(qw(pgbackrest psql));
my ($bin) = sort { ($b =~ /(\d+)/)[0] <=> ($a =~ /(\d+)/)[0] } glob '/usr/lib/postgresql/*/bin';
plan skip_all => 'PostgreSQL\'s server is missing' unless $bin && -x "$bin/initdb";
my @as = $> == 0 ? (tool('setpriv'), qw(--reuid=postgres --regid=postgres --clear-groups)) : ();

my $dir = tempdir('kedge-pitr-XXXXXX', DIR => '/tmp', CLEANUP => 1);
my $data = "$dir/data";
if ($> == 0) {
	my ($uid, $gid) = (getpwnam 'postgres')[ 2, 3 ];
	chown $uid, $gid, $dir or die "$dir: $!";
}
my %env = (PGBACKREST_CONFIG => "$dir/pgbackrest.conf", PGHOST => $dir, PGUSER => 'postgres',
	PGDATABASE => 'postgres', LC_ALL => 'C.UTF-8', PGCONNECT_TIMEOUT => 10);

# Runs a command as the user of the cluster; returns (status, output, errors).
sub as_owner { return run({ dir => $dir, env => \%env, timeout => 120 }, @as, @_) }

sub sql
{
	my ($sql) = @_;
	my ($status, $out, $err) = as_owner(tool('psql'), '-AtqX', '-v', 'ON_ERROR_STOP=1', '-c', $sql);
	die "$sql: $err" if $status != 0;
	chomp $out;
	return $out;
}

# What the page says, with the paths of this test.
my $page = slurp("$Kedge::ROOT/docs/BACKUP.md");
my ($conf) = $page =~ /^```ini\n(.*?)^```$/ms;
my ($settings) = $page =~ /^```\n(archive_mode.*?)^```$/ms;
my ($commands) = $page =~ /^```sh pitr\n(pgbackrest --stanza=kedge stanza-create.*?)^```$/ms;
my ($restore) = $page =~ /^sudo -u postgres (pgbackrest .*?restore)$/ms;
ok($conf && $settings && $commands && $restore, 'the page has settings and commands') or BAIL_OUT('docs');
$conf =~ s{^repo1-path=.*}{repo1-path=$dir/repo\nlog-path=$dir\nlock-path=$dir\nspool-path=$dir}m;
$conf =~ s{^pg1-path=.*}{pg1-path=$data}m;
$conf =~ s{^pg1-socket-path=.*}{pg1-socket-path=$dir}m;
$conf =~ s{^pg1-port=.*}{pg1-port=5432}m;

sub write_file
{
	my ($file, $mode, $text) = @_;
	open my $fh, $mode, $file or die "$file: $!";
	print {$fh} $text;
	close $fh or die "$file: $!";
	return;
}
write_file("$dir/pgbackrest.conf", '>', $conf);
my ($status, $out, $err) = as_owner("$bin/initdb", '-D', $data, '-A', 'trust', '-U', 'postgres', '-N');
is($status, 0, 'a cluster') or diag($err);
write_file("$data/postgresql.conf", '>>',
	"listen_addresses = ''\nunix_socket_directories = '$dir'\nfsync = off\n$settings");

sub start
{
	my ($s, $o, $e) = as_owner("$bin/pg_ctl", '-D', $data, '-w', '-l', "$dir/log", 'start');
	is($s, 0, 'it starts') or diag($o, $e, slurp("$dir/log"));
	return;
}
sub stop { return as_owner("$bin/pg_ctl", '-D', $data, '-w', '-m', 'fast', 'stop') }
END { stop() if defined $data && -e "$data/postmaster.pid" }
start();
sql('CREATE TABLE thing (name text)');
sql(q{INSERT INTO thing VALUES ('before the backup')});
for my $command (grep {/\S/} map {s/\s*#.*//r} split /\n/, $commands) {
	($status, $out, $err) = as_owner(tool('sh'), '-c', $command);
	is($status, 0, $command) or diag($out, $err);
}
# pgBackRest notes the end of a backup in whole seconds, and only restores to a moment
# after it.
my $ended = time;
wait_until(sub { time > $ended + 1 });
sql(q{INSERT INTO thing VALUES ('after the backup')});
my $target = sql('SELECT clock_timestamp()');
sql('DROP TABLE thing');
($status, $out, $err) = as_owner(tool('sh'), '-c', 'pgbackrest --stanza=kedge check');
is($status, 0, 'the log of the mistake is archived') or diag($out, $err);
stop();
$restore =~ s/--target="[^"]*"/--target="$target"/ or die 'no target in the page';
($status, $out, $err) = as_owner(tool('sh'), '-c', $restore);
is($status, 0, 'restore') or diag($out, $err);
start();
ok(wait_until(sub { sql('SELECT pg_is_in_recovery()') eq 'f' }, 60), 'the recovery ends');
is(sql('SELECT string_agg(name, $$, $$ ORDER BY name) FROM thing'), 'after the backup, before the backup',
	'what was written until that moment is there again');
sql(q{INSERT INTO thing VALUES ('new')});
($status, $out, $err) = as_owner(tool('sh'), '-c', 'pgbackrest --stanza=kedge --type=full backup');
is($status, 0, 'and the next full backup succeeds') or diag($out, $err);
done_testing;
