# kedge backup and restore: a backup is consistent while the services write, a damaged or
# half-made one is never taken for a good one, and a restore brings back what there was.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use File::Temp qw(tempdir);
use Digest::SHA qw(sha256_hex);
use POSIX ();
use Kedge qw(jdecode jencode need run slurp tool wait_until);
use Kedge::Load;

need(qw(nginx pg_dump pg_restore age age-keygen tar));

my $k = Kedge->up;
my $place = tempdir('kedge-backup-XXXXXX', DIR => $ENV{TMPDIR}, CLEANUP => 1);
my $to = "$place/backups";
my ($s, $out, $err) = run(tool('age-keygen'), '-o', "$place/key");
is($s, 0, 'age-keygen makes a key') or diag($err);
(undef, my $public) = run(tool('age-keygen'), '-y', "$place/key");
open my $fh, '>', "$place/key.pub" or die $!;
print {$fh} $public;
close $fh;

sub backups { return sort grep {m{/kedge-[^/]+$}} glob "$to/*" }

sub backup
{
	my (@args) = @_;
	# Two backups within one second would have the same name, so try again.
	my @before = backups();
	my ($status, $stdout, $stderr);
	wait_until(sub {
		($status, $stdout, $stderr) = $k->kedge('backup', '--to', $to, @args);
		$stderr !~ /exists already/;
	}, 10);
	my %old = map { $_ => 1 } @before;
	my ($new) = grep { !$old{$_} } backups();
	return ($status, $stdout, $stderr, $new);
}

# ---- a backup under load --------------------------------------------------------------

my $alice = $k->user('alice');
$alice->get($_) for '/api/core/me', '/api/wallet/accounts';
my $root = $k->user('root');
$k->role($root, 'admin');
my ($account) = map { $_->{id} } @{ $alice->get('/api/wallet/accounts')->{json}{items} };
my $deposit = sub {
	my ($key) = @_;
	return $root->post('/api/wallet/deposits',
		{ accountId => $account, amount => 5, provider => 'bank', reference => "r$key" })->{status};
};
is($deposit->('first'), 201, 'some money');
my $load = Kedge::Load->start(
	procs => 2,
	code => sub {
		my ($i) = @_;
		my $n = 0;
		return sub {
			return $deposit->("$i-" . $n++) if $i == 0;
			return $alice->copy->post('/api/core/tasks', { title => 'x' })->{status};
		};
	});
($s, $out, $err, my $first) = backup('--recipients', "$place/key.pub");
is_deeply([ keys %{ scalar $load->stop } ], [201], 'the services go on meanwhile');
is($s, 0, 'a first backup succeeds') or diag($err);
is($err, '', 'the first backup prints no error');
ok($first, 'the first backup exists') or BAIL_OUT('no backup');
my $manifest = jdecode(slurp("$first/manifest.json"));
is_deeply([ map { $_->{service} } @{ $manifest->{databases} } ],
	[ Kedge::services('postgres') ], 'each database is in the manifest');
my %table = map { my $d = $_; map { ("$d->{service} $_->{name}" => $_->{rows}) } @{ $d->{tables} } }
    @{ $manifest->{databases} };
cmp_ok($table{'auth public."user"'}, '>=', 2, 'the manifest has the number of rows of a table');
cmp_ok($table{'core public.task'}, '>=', 1, 'those of core, too');
my ($wallet) = grep { $_->{service} eq 'wallet' } @{ $manifest->{databases} };
cmp_ok($wallet->{ledger}{entries}, '>=', 2, "and the ledger's totals");
cmp_ok(scalar @{ $wallet->{migrations} }, '>=', 10, 'the manifest has the migrations');
is(sprintf('%04o', (stat $first)[2] & 07777), '0700', 'the directory is for its owner alone');
is_deeply([ grep { (stat $_)[2] & 077 } glob "$first/*" ], [], 'only the owner can read the files of a backup');
my $secret = $k->service_env('auth')->{AUTH_SECRET};
(undef, my $found) = run('grep', '-rlaF', $secret, $to);
is($found, '', "auth's secret is in no file");
($s, $out) = run(tool('sh'), '-c', "age -d -i '$place/key' '$first/secrets.tar.age' | tar -xOf - secrets/auth/AUTH_SECRET");
is($out, "$secret\n", 'the key decrypts the secrets');

# ---- verify -----------------------------------------------------------------------------

sub databases { return [ split /\n/, $k->sql('postgres', q{SELECT datname FROM pg_database ORDER BY 1}) ] }
my $before = databases();
($s, $out, $err) = $k->kedge('restore', '--verify', $first, '--identity', "$place/key");
is($s, 0, 'restore --verify') or diag($err);
like($out, qr/^wallet: \d+ tables with \d+ rows are as in the backup, and the ledger is consistent$/m,
	'restore --verify compares the databases');
like($out, qr/^secrets: \d+ files can be decrypted$/m, 'restore --verify decrypts the secrets');
like($out, qr/can be restored$/, 'restore --verify says that the backup can be restored');
is_deeply(databases(), $before, 'restore --verify leaves no database behind');

# A copy of the backup that `change` has changed must be refused.
sub refused
{
	my ($name, $like, $change) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $copy = "$place/copy";
	system('rm', '-rf', $copy);
	system('cp', '-r', $first, $copy) == 0 or die 'cp';
	$change->($copy);
	my ($status, undef, $error) = $k->kedge('restore', '--verify', $copy);
	is($status, 1, "$name: refused");
	like($error, $like, "$name: told");
	is_deeply(databases(), $before, "$name: no database is left");
	return;
}

sub edit
{
	my ($file, $from, $by) = @_;
	my $text = slurp($file);
	$text =~ s/$from/$by/ or die "$file: no $from";
	open my $h, '>', $file or die $!;
	print {$h} $text;
	close $h;
	return;
}
refused('a damaged dump', qr/core\.dump is damaged/, sub {
	open my $h, '+<', "$_[0]/core.dump" or die $!;
	seek $h, -100, 2;
	print {$h} 'x';
	close $h;
});
refused('a cut dump', qr/wallet\.dump is damaged/, sub { truncate "$_[0]/wallet.dump", 1000 });
refused('a missing dump', qr/cannot read .*auth\.dump/, sub { unlink "$_[0]/auth.dump" });
refused('another row count', qr/the table public\.task has \d+ rows; the backup says 9999/,
	sub { edit("$_[0]/manifest.json", qr/(?<="public\.task", "rows": )\d+/, '9999') });
refused('other content', qr/the table public\.task has as many rows as the backup says, with other/,
	sub { edit("$_[0]/manifest.json", qr/("public\.task", "rows": \d+, "hash": ")/, '"public.task", "rows": '
		. $table{'core public.task'} . ', "hash": "1') });
refused('other totals', qr/wallet: the ledger's totals are not those/,
	sub { edit("$_[0]/manifest.json", qr/"transfers": /, '"transfers": 1') });
refused('no manifest', qr/manifest\.json: No such file/, sub { unlink "$_[0]/manifest.json" });
refused('a manifest of something else', qr/is not a manifest of "kedge backup"/,
	sub { edit("$_[0]/manifest.json", 'kedge backup', 'somebody') });
refused('a file elsewhere', qr/is not a manifest/,
	sub { edit("$_[0]/manifest.json", 'core.dump', '../core.dump') });

# ---- a half-made backup, and retention ---------------------------------------------------

my $pid = fork // die "fork: $!";
if ($pid == 0) {
	Kedge::in_child();
	$ENV{PATH} = "$place/bin:$ENV{PATH}";
	mkdir "$place/bin";
	open my $h, '>', "$place/bin/pg_dump" or die $!;
	print {$h} "#!/bin/sh\ntouch '$place/dumping'\nexec sleep 600\n";
	close $h;
	chmod 0755, "$place/bin/pg_dump";
	setpgrp;
	exec "$ENV{BUILD}/kedge", 'backup', '--to', $to, '--dir', $k->dir or POSIX::_exit(127);
}
ok(wait_until(sub { -e "$place/dumping" }, 20), 'a backup has begun');
my @partial = glob "$to/.partial-*";
is(scalar @partial, 1, 'it writes beside the others');
is_deeply([ backups() ], [$first], 'an unfinished backup does not look complete');
($s, $out, $err) = $k->kedge('backup', '--to', $to);
is($s, 1, 'a second one at the same time is refused');
like($err, qr/another backup is being written/, 'the refusal of a second backup says why');
kill KILL => -$pid;
waitpid $pid, 0;
is_deeply([ glob "$to/.partial-*" ], \@partial, 'a killed one leaves its part');
# A directory that somebody else has prepared is neither written to nor removed.
mkdir "$to/.partial-kedge-20200101T000000Z" or die $!;
for my $row ([ 0777, $> ], ($> == 0 ? [ 0700, 33 ] : ())) {
	chmod $row->[0], "$to/.partial-kedge-20200101T000000Z";
	chown $row->[1], -1, "$to/.partial-kedge-20200101T000000Z";
	($s, $out, $err) = $k->kedge('backup', '--to', $to);
	is($s, 1, sprintf 'a prepared directory is refused (%04o, owner %d)', @$row);
	like($err, qr/\.partial-kedge-20200101T000000Z was not made by "kedge backup" of this user/, 'the refused directory is named');
	ok(-d "$to/.partial-kedge-20200101T000000Z", 'the refused directory is left alone');
}
rmdir "$to/.partial-kedge-20200101T000000Z";
# These are not backups of this command, or not complete, and must survive.
mkdir "$to/$_" or die "$_: $!" for 'kedge-20200101T000000Z', 'kedge-notes', 'precious';
($s, $out, $err, my $second) = backup('--keep', 2);
is($s, 0, 'the next one') or diag($err);
like($err, qr/the secrets are not in the backup: name a file .* --recipients/, 'tells what is missing');
is_deeply([ glob "$to/.partial-*" ], [], 'has removed what was left');
is_deeply([ grep { -e "$_/manifest.json" } backups() ], [ $first, $second ], 'two are kept');
($s, $out, $err, my $third) = backup('--keep', 2, '--recipients', "$place/key.pub");
is_deeply([ grep { -e "$_/manifest.json" } backups() ], [ $second, $third ], 'the oldest is removed');
like($out, qr/removed \Q$first\E$/m, 'the removed backup is named');
ok(-d "$to/$_", "$_ is left alone") for 'kedge-20200101T000000Z', 'kedge-notes', 'precious';
($s, $out, $err) = $k->kedge('backup', '--keep', 0);
is($s, 2, '--keep 0 is refused');

# ---- restore -----------------------------------------------------------------------------

my $tasks = sub { scalar @{ $_[0]->get('/api/core/tasks?limit=100')->{json}{items} // [] } };
my $balance = sub { $alice->get("/api/wallet/accounts/$account")->{json}{balance} };
my ($was, $rows) = ($balance->(), $k->sql('core', 'SELECT count(*) FROM task'));
my $bob = $k->user('bob');
$deposit->('later');
$alice->post('/api/core/tasks', { title => 'after the backup' });
isnt($balance->(), $was, 'something is written after the backup');
($s, $out, $err) = $k->kedge('restore', $third);
is($s, 1, 'restore without --yes changes nothing');
like($out, qr/^core: the database core is renamed to core_before_\S+, and the one of the backup/m,
	'restore without --yes says what it would do');
like($err, qr/nothing was changed; "--yes" does it/, 'restore without --yes names the option');
isnt($balance->(), $was, 'restore without --yes changes nothing');
($s, $out, $err) = $k->kedge('restore', '--yes', $third);
is($s, 0, 'restore --yes') or diag($err);
ok($k->wait_healthy, 'the services are ready again');
is($balance->(), $was, "the wallet's balance is that of the backup");
is($k->sql('core', 'SELECT count(*) FROM task'), $rows, 'the tasks of the backup are restored');
is($alice->get('/api/core/whoami')->{status}, 200, 'a session of that time is valid');
is($bob->get('/api/core/whoami')->{status}, 401, 'a user who came later is unknown');
is($deposit->('again'), 201, 'money moves again');
is($alice->post('/api/core/tasks', { title => 'x' })->{status}, 201, 'tasks can be added after a restore');
my ($old) = $out =~ /core: the old database is (core_before_\w+);/;
ok($old && (grep { $_ eq $old } @{ databases() }), 'the old database is still there');
($s, $out, $err) = $k->try_sql('core', 'SET ROLE core; CREATE TABLE forbidden ()');
isnt($s, 0, 'the rights of the roles are as before');
($s, $out, $err) = $k->sql_as_app('wallet', 'SELECT 1', 'core');
isnt($s, 0, 'after a restore no service can open the database of another');
for my $wrong ([], [ '--verify', "$place/nothing" ], [ "$to/precious" ]) {
	($s, $out, $err) = $k->kedge('restore', @$wrong);
	isnt($s, 0, "restore @$wrong: refused");
	isnt($err, '', 'the failed restore prints an error');
}

# ---- the secrets -------------------------------------------------------------------------

my $dir = $k->dir;
my %was = map { $_ => slurp("$dir/secrets/$_") } 'auth/AUTH_SECRET', 'core/CORE_DATABASE_PASSWORD', 'core/CORE_IDENTITY_KEY';
for my $wrong ([ $third, '--secrets' ], [ $third, '--secrets', '--verify', '--identity', "$place/key" ]) {
	($s, $out, $err) = $k->kedge('restore', @$wrong);
	is($s, 2, "restore @$wrong[1 .. $#$wrong]: wrong usage");
}
($s, $out, $err) = $k->kedge('restore', $third, '--secrets', '--yes', '--identity', "$place/key");
is($s, 1, 'secrets of services that run are not replaced');
like($err, qr/"kedge down" stops them/, 'the refused restore says what to do');
my $carol = $k->again($alice);
$k->down;
system('rm', '-r', "$dir/secrets") == 0 or die;
open $fh, '>', "$dir/kedge.env" or die $!;
print {$fh} "CORE_THREADS=3\n";
close $fh;
($s, $out, $err) = $k->kedge('restore', $third, '--secrets', '--identity', "$place/key");
is($s, 1, 'restore of the secrets without --yes fails');
like($out, qr/secrets: \d+ files can be decrypted/, 'restore without --yes checks that the secrets can be decrypted');
ok(!-e "$dir/secrets", 'restore without --yes writes no secrets');
run(tool('age-keygen'), '-o', "$place/other");
($s, $out, $err) = $k->kedge('restore', $third, '--secrets', '--yes', '--identity', "$place/other");
is($s, 1, 'restore with another key fails');
like($err, qr/the secrets cannot be decrypted with \S+other/, 'the error names the key that does not fit');
mkdir "$dir/secrets" or die $!;
($s, $out, $err) = $k->kedge('restore', $third, '--secrets', '--yes', '--identity', "$place/key");
is($s, 0, 'the secrets are put back') or diag($err);
is(slurp("$dir/secrets/$_"), $was{$_}, "$_ is that of the backup") for sort keys %was;
is(sprintf('%04o', (stat "$dir/secrets/auth/AUTH_SECRET")[2] & 07777), '0600', 'a restored secret has its mode');
my ($old_dir) = $out =~ /the ones before are in (\S+)$/m;
ok(-d "$old_dir/secrets", 'the present ones were kept');
is(slurp("$dir/kedge.env"), "CORE_THREADS=3\n", 'what the backup does not have stays');
ok(!-e "$dir/.restored-secrets", 'restore leaves no temporary directory');
# An archive that leads out of its directory.
mkdir "$place/evil" or die $!;
mkdir "$place/evil/secrets" or die $!;
symlink '/etc/passwd', "$place/evil/secrets/x" or die $!;
system('cp', '-r', $third, "$to/evil") == 0 or die;
system("tar -C '$place/evil' -cf - secrets | '" . tool('age') . "' -R '$place/key.pub' >'$to/evil/secrets.tar.age'") == 0 or die;
$manifest = slurp("$to/evil/manifest.json");
my ($bytes, $sha) = (-s "$to/evil/secrets.tar.age", sha256_hex(slurp("$to/evil/secrets.tar.age")));
my $json = jdecode($manifest);
@{ $json->{secrets} }{qw(bytes sha256)} = ($bytes, $sha);
open $fh, '>', "$to/evil/manifest.json" or die $!;
print {$fh} jencode($json);
close $fh;
wait_until(sub { # the names of what was there before have a resolution of one second
	($s, $out, $err) = $k->kedge('restore', "$to/evil", '--secrets', '--yes', '--identity', "$place/key");
	$err !~ /wait a second/;
}, 10);
is($s, 1, 'an archive with a link is refused');
like($err, qr{the archive has \S+/secrets/x, which is neither a file nor a directory}, 'the error names the link in the archive');
is(slurp("$dir/secrets/auth/AUTH_SECRET"), $was{'auth/AUTH_SECRET'}, 'a refused archive replaces no secret');
$k->start(port => $k->port);
is($carol->get('/api/core/whoami')->{status}, 200, 'a session of before is valid again');
done_testing;
