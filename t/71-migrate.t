# kedge migrate: files that were run must not change; a file is run completely or not at
# all, and only once, also when kedge migrate runs twice at the same time; and an older
# release accepts a database that a newer one has migrated.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha256_hex);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use Test::More;
use Kedge qw(files jdecode run slurp wait_until);
use Kedge::Money qw(hold_lock);

my $k = Kedge->up;

# Makes a copy of the wallet's migrations, which this test changes.
my $root = tempdir('kedge-t-XXXXXX', TMPDIR => 1, CLEANUP => 1);
system('cp', '-a', "$Kedge::ROOT/sql", "$Kedge::ROOT/kedge.json", $root) == 0
    or die "cannot copy sql to $root";
my $sql = "$root/sql/wallet";
my @released = map {s{.*/}{}r} files($sql, qr/\.sql$/);
my $n = 1 + ($released[-1] =~ /^0*(\d+)/)[0]; # no file gets this number at first: gaps are allowed

sub file
{
	my ($version, $what) = @_;
	return sprintf '%04d_%s.sql', $version, $what;
}

sub put
{
	my ($name, $text) = @_;
	unlink "$sql/$name";
	open my $f, '>:raw', "$sql/$name" or die "$sql/$name: $!";
	print $f $text;
	close $f or die "$sql/$name: $!";
	return;
}

sub migrate
{
	return $k->kedge('migrate', 'wallet', { env => { KEDGE_ROOT => $root } });
}

# Returns everything that a migration could leave in the database: the record of
# migrations, and the names and definitions of all objects.
sub contents
{
	return $k->sql('wallet', <<'SQL');
SELECT 'run', m::text FROM kedge_migration m
UNION ALL SELECT 'run', m::text FROM kedge_library_migration m
UNION ALL SELECT 'relation', oid || ' ' || relname FROM pg_class
	WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'function', oid || ' ' || proname || ' ' || md5(prosrc) FROM pg_proc
	WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'currency', c::text FROM currency c
ORDER BY 1, 2
SQL
}

sub recorded
{
	my ($from) = @_;
	return [ split /\n/, $k->sql('wallet', 'SELECT name FROM kedge_migration'
		    . " WHERE version >= $from ORDER BY version") ];
}

# Asserts that migrate prints one line with the reason and changes nothing.
sub refused
{
	my ($name, $like) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $before = contents();
	my ($status, $out, $err) = migrate();
	is($status, 1, "$name: refused");
	is($out, '', "$name: nothing is reported as run");
	like($err, qr/\A[^\n]*$like[^\n]*\n\z/, "$name: one line gives the reason");
	is(contents(), $before, "$name: the database is unchanged");
	return;
}

sub applied
{
	my ($name, @files) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $out, $err) = migrate();
	is($status, 0, "$name: succeeds") or diag($err);
	is_deeply([ "$out$err" =~ /migrating wallet: (\S+)/g ], \@files, "$name: the expected files are run");
	return;
}

applied('the released files');

# ---- a database from when the library's files were links ------------------------------

# Each service had the library's files in its own folder, with its own numbers.
my %link = (
	auth => { job => 4, webhook => 5, job_cancel_count => 7 },
	core => { job => 4, webhook => 5, job_cancel_count => 6 },
	wallet => { job => 5, webhook => 6, job_cancel_count => 12 },
);
my %text_of = map { m{/(\d+)_(\w+)\.sql$} ? ($2 => slurp($_)) : () } files("$root/sql/job");

# Returns the text that was run at that time; its comments may have been rewritten
# since.
sub first_checksum
{
	my ($text) = @_;
	return $text =~ /^-- kedge: formerly (\S+)$/m ? $1 : sha256_hex($text);
}

# Returns all objects except the record of migrations.
my $objects = 'SELECT md5(string_agg(d, chr(10) ORDER BY d)) FROM ('
    . ' SELECT oid || relname AS d FROM pg_class'
    . " WHERE relnamespace = 'public'::regnamespace AND relname !~ '^(kedge_library|audit_)'"
    . ' UNION ALL SELECT oid || proname || prosrc || xmin FROM pg_proc'
    . " WHERE pronamespace = 'public'::regnamespace AND proname !~ '^audit_') AS o";
# An older database has no audit log.
my $no_audit = "DROP TABLE audit_event, audit_link, audit_unlinked CASCADE; DO \$\$ DECLARE f regprocedure; BEGIN"
    . " FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname ~ '^audit_' LOOP"
    . " EXECUTE format('DROP FUNCTION %s CASCADE', f); END LOOP; END \$\$";
for my $service (sort keys %link) {
	my $record = "SELECT folder, version, name FROM kedge_library_migration ORDER BY 1, 2";
	my $fresh = $k->sql($service, $record);
	like($fresh, qr/^audit\|1\|0001_audit\.sql\nbase\|1\|0001_uuidv7\.sql\nbase\|2\|0002_uuidv7_bound\.sql\njob\|1\|0001_job\.sql\n/,
		"$service: the library's files are recorded by folder");
	is($k->sql($service, "SELECT count(*) FROM kedge_migration WHERE name ~ 'webhook'"), 0,
		"$service: the library's files are not recorded as its own");
	$k->sql($service, join ';', $no_audit, 'DROP TABLE kedge_library_migration', map {
		sprintf "INSERT INTO kedge_migration VALUES (%d, '%04d_%s.sql', '%s', '2025-01-02 03:04Z')",
		    $link{$service}{$_}, $link{$service}{$_}, $_, first_checksum($text_of{$_})
	} keys %{ $link{$service} });
	my %own = map { m{([^/]+)$} ? ($1 => slurp($_)) : () } files("$root/sql/$service", qr/\.sql$/);
	$k->sql($service, "UPDATE kedge_migration SET checksum = '" . first_checksum($own{$_})
		    . "' WHERE name = '$_'") for keys %own;
	my $own = $k->sql($service, 'SELECT * FROM kedge_migration ORDER BY version');
	my $before = $k->sql($service, $objects);
	my ($status, $out, $err) = $k->kedge('migrate', $service, { env => { KEDGE_ROOT => $root } });
	is($status, 0, "$service, older database: it is migrated") or diag($err);
	# auth's first migration has already created the function of base/.
	is_deeply([ "$out$err" =~ /migrating \w+: (\S+)/g ],
		[ $service eq 'auth' ? 'base/0001_uuidv7.sql' : (), 'base/0002_uuidv7_bound.sql', 'audit/0001_audit.sql' ],
		"$service, older database: nothing is run again");
	is($k->sql($service, $record), $fresh, "$service, older database: the files are recorded by folder");
	is($k->sql($service, 'SELECT applied_at FROM kedge_library_migration'
			    . " WHERE name = '0001_job.sql'"), '2025-01-02 03:04:00+00',
		"$service, older database: the files keep the time at which they were run");
	is($k->sql($service, $objects), $before, "$service, older database: no object is made again");
	is($k->sql($service, "SELECT * FROM kedge_migration WHERE checksum <> '' ORDER BY version"), $own,
		"$service, older database: the previous release finds its record");
	is($k->sql($service, 'SELECT max(version) - count(*) FROM kedge_migration'), 0,
		"$service, older database: kedge_migration has every number");
	is(($k->kedge('migrate', $service, { env => { KEDGE_ROOT => $root } }))[1],
		"the databases are up to date\n", "$service, older database: another run has nothing to do");
}
# A file with another text is not taken for the library's file.
my $version = $link{wallet}{webhook};
my $sum = $k->sql('wallet', "SELECT checksum FROM kedge_migration WHERE version = $version");
$k->sql('wallet', "UPDATE kedge_migration SET checksum = repeat('0', 64) WHERE version = $version");
refused('a row of another text', qr{wallet: \d+_webhook\.sql has been run, and sql/wallet/ has no file});
$k->sql('wallet', "UPDATE kedge_migration SET checksum = '$sum' WHERE version = $version");
applied('the restored row');
# A file that is added to the library later is applied in each database, once, before
# the service's own files.
my $library = "$root/sql/job/0900_later.sql";
my $user = "$sql/" . file($n, 'user');
open my $later, '>', $library or die "$library: $!";
print $later "CREATE TABLE later (id integer);\n";
close $later;
put(file($n, 'user'), "CREATE TABLE later_user (LIKE later);\n");
applied('a new file of the library', 'job/0900_later.sql', file($n, 'user'));
applied('a new file of the library a second time');
open $later, '>>', $library or die "$library: $!";
print $later "-- changed\n";
close $later;
refused('a file of the library that was changed', qr/0900_later\.sql is not what was run/);
unlink $library, $user;
$k->sql('wallet', "DROP TABLE later, later_user; DELETE FROM kedge_migration WHERE version = $n;"
	    . ' DELETE FROM kedge_library_migration WHERE version = 900');

# ---- files that are not what was run -----------------------------------------------

# There is also a new migration, which must not be run as long as a file that was run
# has changed.
my $next = file($n + 1, 'next');
put($next, "CREATE TABLE next (id integer);\n");
my $old = $released[1];
# Returns the file without the line that names an earlier checksum, so that the record
# must have the checksum of this text.
my $text = slurp("$sql/$old") =~ s/^-- kedge: formerly .*\n//mgr;
put($old, $text);
$k->sql('wallet', "UPDATE kedge_migration SET checksum = '" . sha256_hex($text) . "' WHERE name = '$old'");
put($old, "$text-- a remark\n");
refused('a file that was changed', qr/wallet: \Q$old\E is not what was run as \Q$old\E/);
put($old, $text);
rename "$sql/$old", "$sql/0002_renamed.sql" or die "rename: $!";
refused('one that was renamed', qr/wallet: 0002_renamed\.sql is not what was run as \Q$old\E/);
unlink "$sql/0002_renamed.sql";
refused('one that is gone', qr{wallet: \Q$old\E has been run, and sql/wallet/ has no file});
put($old, $text);
put('0002_twice.sql', "SELECT 1;\n");
refused('a number that is there twice', qr/0002_twice\.sql: \Q$old\E has the same number/);
unlink "$sql/0002_twice.sql";
for my $name ('first.sql', '0000_zero.sql', '12_short.sql') {
	put($name, "SELECT 1;\n");
	refused("one without a number, $name", qr/\Q$name\E: a migration is named NNNN_what/);
	unlink "$sql/$name";
}
applied('all as it was, and a new one', $next);
put(file($n, 'between'), "SELECT 1;\n");
refused('one whose number is before that of one that was run',
	qr/kedge_migration has no version $n, but later ones/);
unlink "$sql/" . file($n, 'between');
is($k->sql('wallet', "SELECT checksum FROM kedge_migration WHERE version = $n + 1"),
	sha256_hex(slurp("$sql/$next")), 'the file is recorded with its checksum');

# ---- comments that were rewritten ---------------------------------------------------

# The file names the checksum of the text that was run.  That checksum stays in the
# record, so that the previous release, which has the old text, can still migrate.
my $before_words = contents();
my $line = sub { "-- kedge: formerly $_[0]\n" };
my $other = sha256_hex('another text');
for my $row (
	[ 'as its first line', $line->(sha256_hex($text)) . $text ],
	[ 'beside another', "-- New words.\n\n" . $line->($other) . $line->(sha256_hex($text)) . $text ],
	[ 'with ends of lines from elsewhere', $line->(sha256_hex($text)) =~ s/\n/\r\n/r . $text ],
) {
	my ($name, $now) = @$row;
	put($old, $now);
	applied("a file that names its former checksum, $name");
	is(contents(), $before_words, "$name: the database is unchanged");
}
for my $row (
	[ 'that it was something else', $line->($other) . $text ],
	[ 'it after its first statement', "SELECT 1;\n" . $line->(sha256_hex($text)) . $text ],
	[ 'it within a line', '-- ' . $line->(sha256_hex($text)) . $text ],
) {
	my ($name, $now) = @$row;
	put($old, $now);
	refused("a file that says $name", qr/wallet: \Q$old\E is not what was run as \Q$old\E/);
}
for my $sum ('', ' ' . substr(sha256_hex($text), 1), ' ' . uc sha256_hex($text),
	'  ' . sha256_hex($text), ' ' . sha256_hex($text) . '0', ' ' . sha256_hex($text) . ' ')
{
	put($old, "-- kedge: formerly$sum\n$text");
	refused("a line with '$sum'", qr/\Q$old\E: expected "-- kedge: formerly", a blank and a SHA-256/);
}
put($old, $text);

# ---- all or nothing -----------------------------------------------------------------

# Each file fails after its first statement.  Files that were run before it stay
# applied; files after it are not run.
my $after = file($n + 4, 'after');
my $half = file($n + 3, 'half');
my $good = file($n + 2, 'good');
put($good, "CREATE TABLE good (id integer);\n");
put($half, "CREATE TABLE half (id integer);\nINSERT INTO half VALUES (1);\nSELECT nonsense;\n");
put($after, "CREATE TABLE after (id integer);\n");
my ($status, $out, $err) = migrate();
is($status, 1, 'the second of three files fails');
like($err, qr{sql/wallet/\Q$half\E:3: .*nonsense.*\n\z}, 'the error has the line and is the last output');
is_deeply(recorded($n + 2), [$good], 'only the first file is recorded');
is( $k->sql('wallet', "SELECT to_regclass('good'), to_regclass('half'), to_regclass('after')"),
	'good||', 'only the first file has an effect');
my @halves = (
	[ 'an error of the data', 'SELECT 1 / 0;', qr/division by zero/ ],
	[ 'an error that only the commit finds',
		'ALTER TABLE half ADD FOREIGN KEY (nr) REFERENCES half'
		    . ' DEFERRABLE INITIALLY DEFERRED; INSERT INTO half VALUES (2, 3);',
		qr/violates foreign key/
	],
	[ 'a record of its own, so that there is none to be made',
		"INSERT INTO kedge_migration VALUES ($n + 3, 'half', '');", qr/duplicate key/
	],
	[ 'the end of its transaction', 'ROLLBACK;', qr/it ends the transaction/ ],
	[ 'an end of its own', 'COMMIT;', qr/it ends the transaction/ ],
	[ 'an end and a beginning of its own', 'COMMIT; BEGIN; SELECT 1 / 0;',
		qr/it ends the transaction/
	],
	[ 'another beginning', 'ROLLBACK; BEGIN; CREATE TABLE second ();',
		qr/it ends the transaction/
	],
);
for my $row (@halves) {
	my ($name, $statement, $like) = @$row;
	put($half, "CREATE TABLE half (nr integer, id integer PRIMARY KEY);\n"
		    . "INSERT INTO currency VALUES ('XHH', 2);\n$statement\n");
	my $before = contents();
	($status, $out, $err) = migrate();
	is($status, 1, "$name: fails");
	like($err, $like, "$name: the error has the reason");
	is(contents(), $before, "$name: the failed file is rolled back");
}
put($half, "CREATE TABLE half (id integer);\nINSERT INTO half VALUES (1);\n");
applied('mended', $half, $after);
is($k->sql('wallet', 'SELECT count(*) FROM half'), 1, 'the object exists once');
is_deeply(recorded($n + 2), [ $good, $half, $after ], 'the file is recorded');
applied('all files a second time');

# ---- two migrations at once ----------------------------------------------------------

# A lock of this test holds the first run in the middle of a migration until the
# second run has read which files have been run, and waits.
my $slow = file($n + 5, 'slow');
my $last = file($n + 6, 'last');
put($slow, "INSERT INTO half VALUES (5);\nLOCK TABLE good;\n");
put($last, "INSERT INTO half VALUES (6);\n");

sub begin
{
	my $log = File::Temp->new;
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		Kedge::in_child();
		$ENV{KEDGE_ROOT} = $root;
		open STDOUT, '>', $log->filename or POSIX::_exit(126);
		open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
		my $kedge = Kedge->binary('kedge');
		exec {$kedge} $kedge, 'migrate', '--dir', $k->dir, 'wallet' or POSIX::_exit(127);
	}
	return { pid => $pid, log => $log };
}

sub waiting
{
	return join ' ', split /\n/, $k->sql('postgres', 'SELECT wait_event FROM pg_stat_activity'
		    . " WHERE usename = 'wallet_owner' AND wait_event_type = 'Lock' ORDER BY 1");
}
my $unlock = hold_lock($k, 'LOCK TABLE good');
my @two = (begin());
ok(wait_until(sub { waiting() eq 'relation' }, 20), 'one run is in the middle of a migration');
push @two, begin();
ok(wait_until(sub { slurp($two[1]{log}->filename) =~ /waiting for another migration/ }, 20),
	'another run waits for the first');
is($k->sql('wallet', 'SELECT count(*) FROM half'), 1, 'the first run has committed nothing yet');
$unlock->();
for my $one (@two) {
	my $ended = wait_until(sub { waitpid($one->{pid}, POSIX::WNOHANG()) == $one->{pid} }, 20);
	ok($ended, 'the run ends') or kill KILL => $one->{pid};
	is($?, 0, 'the run succeeds') or diag(slurp($one->{log}->filename));
}
my @said = map { join ' ', slurp($_->{log}->filename) =~ /migrating wallet: (\S+)/g } @two;
is_deeply(\@said, [ "$slow $last", '' ], 'the first run has run both files, the second none');
is_deeply(recorded($n + 5), [ $slow, $last ], 'each file is recorded');
is($k->sql('wallet', "SELECT string_agg(id::text, ' ' ORDER BY id) FROM half"), '1 5 6',
	'each file was run once');

# ---- waiting for locks ---------------------------------------------------------------------

# An open transaction with a lock on the table delays the migration, but no other
# session: the migration waits for two seconds, rolls back, and names the holder of the
# lock.
my $wide = file($n + 7, 'wide');
put($wide, "ALTER TABLE half ADD COLUMN wide integer;\n");
$unlock = hold_lock($k, 'LOCK TABLE half IN ACCESS SHARE MODE');
my $one = begin();
ok(wait_until(sub { waiting() eq 'relation' }, 20), 'a migration waits for a lock');
is($k->sql('wallet', 'SELECT count(*) FROM half'), 3, 'a reader of the table waits for a short time only');
ok(wait_until(sub { slurp($one->{log}->filename) =~ /could not get its locks \(try 2/ }, 30),
	'the migration has tried again');
like(slurp($one->{log}->filename), qr/process \d+ \(role kedge, application "[^"]*"\) holds locks on half/,
	'the message names the session that holds the lock');
$unlock->();
ok(wait_until(sub { waitpid($one->{pid}, POSIX::WNOHANG()) == $one->{pid} }, 20), 'the migration ends when the lock is free');
is($?, 0, 'the migration has succeeded') or diag(slurp($one->{log}->filename));
is_deeply(recorded($n + 7), [$wide], 'the migration is recorded once');

my $never = file($n + 8, 'never');
put($never, "CREATE TABLE never (id integer);\nALTER TABLE half ADD COLUMN never integer;\n");
$unlock = hold_lock($k, 'LOCK TABLE half IN ACCESS SHARE MODE');
my $until = contents();
($status, $out, $err) = $k->kedge('migrate', 'wallet',
	{ env => { KEDGE_ROOT => $root, KEDGE_MIGRATION_PATIENCE_S => 1 } });
is($status, 1, 'the migration fails when its timeout is over');
like($err, qr{sql/wallet/\Q$never\E: given up after \d+ tries .*holds locks on half.*\n\z},
	'the error says so and is the last output');
is(contents(), $until, 'the migration was rolled back');
$unlock->();
applied('with the table free', $never);
my $index = file($n + 9, 'index');
put($index, "SELECT 1;\n");
for my $wrong ('', '0', 'x', '90000') {
	($status, $out, $err) = $k->kedge('migrate', 'wallet',
		{ env => { KEDGE_ROOT => $root, KEDGE_MIGRATION_PATIENCE_S => $wrong } });
	is($status, 1, "a timeout of '$wrong' is refused");
	like($err, qr/KEDGE_MIGRATION_PATIENCE_S: expected/, 'the error names the variable');
}

# ---- without a transaction ---------------------------------------------------------------------

my $marker = "-- kedge: no transaction\n";
for my $row (
	[ 'what needs none', "CREATE TABLE alone (id integer);\n" ],
	[ 'an index that would be there already', "CREATE INDEX CONCURRENTLY half_id ON half (id);\n" ],
	[ 'one that locks', "CREATE INDEX IF NOT EXISTS half_id ON half (id);\n" ],
	[ 'a name in quotes', qq{CREATE INDEX CONCURRENTLY IF NOT EXISTS "Half" ON half (id);\n} ],
) {
	my ($name, $statement) = @$row;
	put($index, $marker . $statement);
	refused("without a transaction, $name", qr/\Q$index\E: without a transaction there is one statement/);
}
for my $row (
	[ 'two statements', "${marker}CREATE INDEX CONCURRENTLY IF NOT EXISTS half_id ON half (id);\n"
		    . "SELECT 1;\n"
	],
	[ 'the mark left out', "CREATE INDEX CONCURRENTLY IF NOT EXISTS half_id ON half (id);\n" ],
) {
	my ($name, $text) = @$row;
	put($index, $text);
	$until = contents();
	($status, $out, $err) = migrate();
	is($status, 1, "$name: fails");
	like($err, qr/\Q$index\E.*cannot (?:run inside|be executed)/, "$name: the error has the reason");
	is(contents(), $until, "$name: the failed file is rolled back");
}

# CREATE INDEX CONCURRENTLY is killed while it waits for a writing transaction: an
# invalid index is left.
sub index_is
{
	return $k->sql('wallet', 'SELECT indisvalid FROM pg_index'
		    . " WHERE indexrelid = to_regclass('half_id')");
}
put($index, "$marker-- Why, in words.\n\n"
	    . "create unique index concurrently if not exists\n\thalf_id ON half (id);\n");
$unlock = hold_lock($k, 'INSERT INTO half VALUES (7)');
$one = begin();
ok(wait_until(sub { index_is() eq 'f' && waiting() eq 'virtualxid' }, 20), 'an index is being made');
my $reading = $k->sql('wallet', 'INSERT INTO half VALUES (8); SELECT count(*) FROM half');
is($reading, 4, 'readers and writers of the table do not wait');
my $third = begin();
ok(wait_until(sub { slurp($third->{log}->filename) =~ /waiting for another migration/ }, 20),
	'a second run waits without delaying the first');
$k->sql('postgres', 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity'
	    . " WHERE usename = 'wallet_owner' AND wait_event = 'virtualxid'");
ok(wait_until(sub { waitpid($one->{pid}, POSIX::WNOHANG()) == $one->{pid} }, 20), 'the first run is killed');
isnt($?, 0, 'the second run fails');
# The third run drops the invalid index, and waits for that transaction like the first
# run.
ok(wait_until(sub { slurp($third->{log}->filename) =~ /dropping the index half_id/ }, 20),
	'the third run drops the invalid index');
$unlock->();
ok(wait_until(sub { waitpid($third->{pid}, POSIX::WNOHANG()) == $third->{pid} }, 20), 'the third run ends');
is($?, 0, 'the migration has succeeded') or diag(slurp($third->{log}->filename));
is(index_is(), 't', 'the index exists and is valid');
is_deeply(recorded($n + 9), [$index], 'the file is recorded');
my $gone = file($n + 10, 'gone');
put($gone, "${marker}DROP INDEX CONCURRENTLY IF EXISTS half_id;\n");
applied('an index dropped', $gone);
is(index_is(), '', 'the index is dropped');

# ---- a database that is ahead of the files ----------------------------------------------

# The previous release starts again: it lacks the new migrations and must not change the
# database.
unlink map { "$sql/$_" } grep { /^(\d+)/ && $1 > $n } map {s{.*/}{}r} files($sql);
my $before = contents();
applied('the former files');
is(contents(), $before, 'the older release changes nothing');
put($old, "$text-- a remark\n");
refused('but a file that was changed', qr/\Q$old\E is not what was run/);
put($old, $text);

# A row of the record was deleted by hand, so it is not known which files were run.
my $row = $k->sql('wallet', 'DELETE FROM kedge_migration WHERE version = 3'
	    . " RETURNING format('(%s, %L, %L)', version, name, checksum)");
refused('without the record of one', qr/wallet: .* no version 3, but later ones/);
$k->sql('wallet', "INSERT INTO kedge_migration VALUES $row");
applied('a complete record');

# ---- the connection string -------------------------------------------------------------

($status, $out, $err) = $k->kedge('migrate', 'wallet',
	{ env => { WALLET_MIGRATION_URL => 'postgresql://u:swan@fish@127.0.0.1/d' } });
is($status, 1, 'a password that is not percent-encoded is refused');
like($err, qr/\A\S+ WALLET_MIGRATION_URL: [^\n]*percent-encoded[^\n]*\n\z/, 'the error names the variable');
unlike($err, qr/swan|fish/, 'the error shows no part of the value');

# ---- looking ---------------------------------------------------------------------------

my %copy = (env => { KEDGE_ROOT => $root });
($status, $out, $err) = $k->kedge('migrate', 'core', '--status', \%copy);
is($status, 0, 'migrate --status') or diag($err);
like($out, qr/^core: up to date, \d+ files$/m, 'nothing is missing');
$next = '0900_next.sql';
open my $core, '>', "$root/sql/core/$next" or die $!;
print {$core} "CREATE TABLE next_table (id bigint);\n";
close $core;
($status, $out, $err) = $k->kedge('migrate', 'core', '--status', \%copy);
is($status, 0, 'it is no failure that something is missing') or diag($err);
like($out, qr{\Acore: 1 of \d+ files to run:\n  sql/core/\Q$next\E\n\z}, 'the missing migration is named');
($status, $out) = $k->kedge('migrate', '--status', '--json', \%copy);
my %state = map { $_->{service} => $_ } @{ jdecode($out)->{services} };
is_deeply($state{core}{pending}, ["core/$next"], 'the missing migration is in the JSON');
ok(!$state{core}{upToDate} && $state{wallet}{upToDate}, 'of each service');
cmp_ok($state{wallet}{applied}, '>', 0, 'the files that were run are counted');
($status, $out, $err) = $k->kedge('migrate', 'core', '--dry-run', \%copy);
is($status, 0, 'migrate --dry-run') or diag($err);
is($out, "-- core\n-- sql/core/$next\nBEGIN;\nCREATE TABLE next_table (id bigint);\n\nCOMMIT;\n\n", 'prints the SQL');
is($k->sql('core', q{SELECT to_regclass('next_table')}), '', 'neither changes anything');
for my $wrong ([ qr/--status looks at/, '--json' ], [ qr/--status or --dry-run/, '--status', '--dry-run' ],
	[ qr/no service walet; did you mean wallet\?/, 'walet' ])
{
	my ($like, @args) = @$wrong;
	($status, $out, $err) = $k->kedge('migrate', @args);
	is($status, 2, "migrate @args: wrong usage");
	like($err, $like, 'the error says why');
}

# A server that accepts connections and never answers, as a host that is gone behind a
# firewall: the other services are looked at, and the command ends.
my $silent = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die $!;
my $black_hole = 'postgresql://wallet_owner@127.0.0.1:' . $silent->sockport . '/wallet';
($status, $out, $err) = $k->kedge('migrate', '--status', '--json',
	{ env => { WALLET_MIGRATION_URL => $black_hole, KEDGE_ROOT => $root } });
is($status, 1, 'a database that does not answer is a failure');
like($err, qr/\A\S+ cannot migrate wallet: .*timeout[^\n]*\n\z/, 'the error of an unreachable server is one line');
%state = map { $_->{service} => $_ } @{ jdecode($out)->{services} };
is($state{wallet}{pending}, undef, 'its state is not known');
is_deeply($state{core}{pending}, ["core/$next"], 'that of the others is');

# With a URL there need be no stack.
my $nowhere = tempdir('kedge-t-XXXXXX', TMPDIR => 1, CLEANUP => 1) . '/none';
my @elsewhere = (Kedge->binary('kedge'), 'migrate', 'core', '--dir', $nowhere);
my %url = (CORE_MIGRATION_URL => $k->url_as('core_owner', 'core'), KEDGE_ROOT => $root);
($status, $out, $err) = run(@elsewhere);
is($status, 1, 'without a stack and without a URL it fails');
like($err, qr{no stack in \S+/none, and CORE_MIGRATION_URL is not set}, 'the error says that the stack and the URL are missing');
($status, $out, $err) = run({ env => \%url }, @elsewhere, '--status');
is($status, 0, 'with the URL, --check succeeds') or diag($err);
like($out, qr/\Q$next\E/, 'at that database');
($status, $out, $err) = run({ env => \%url }, @elsewhere);
is($status, 0, 'with the URL, the database is migrated') or diag($err);
is($k->sql('core', q{SELECT to_regclass('next_table')}), 'next_table', 'the file was run');
ok(!-e $nowhere, 'migrating by URL makes no stack');
unlink "$root/sql/core/$next";
$k->sql('core', 'DROP TABLE next_table; DELETE FROM kedge_migration WHERE version = 900');

# ---- all services ---------------------------------------------------------------------

# When one service fails, the success of the others must not hide it.
put($old, "$text-- a remark\n");
$before = contents();
($status, $out, $err) = $k->kedge('migrate', { env => { KEDGE_ROOT => $root } });
is($status, 1, 'migrate fails when one of all services is refused');
is($out, '', 'migrate does not print that the databases are up to date');
is(contents(), $before, 'the refused database is unchanged');
is(($k->kedge('migrate', 'core', { env => { KEDGE_ROOT => $root } }))[0], 0,
	'migrating one service ignores the others');
done_testing;
