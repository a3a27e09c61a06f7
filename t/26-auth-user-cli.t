# kedge user creates users on the command line.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge;

my $k = Kedge->up;
sub create { my $opt = ref $_[-1] ? pop : {}; return $k->kedge('user', 'create', @_, $opt) }

my ($status, $out, $err) =
    create('Root@Example.com', '--name', 'Root', '--role', 'admin', '--password-stdin',
	{ in => "correct horse battery\n" });
is($status, 0, 'kedge user create succeeds') or diag("$out$err");
my $root = $k->client;
@$root{qw(email password)} = ('root@example.com', 'correct horse battery');
is($root->sign_in->{status}, 200, 'the created user signs in with the password from standard input');
is($root->get('/api/core/admin/stats')->{status}, 200, 'the created user is an administrator');
is($root->session->{user}{name}, 'Root', 'the created user has the given name');
unlike("$out$err", qr/correct horse/, 'the command does not print the password');

my @bad = (
	[ 'twice', ['root@example.com'], "correct horse battery" ],
	[ 'twice in other letters', ['ROOT@EXAMPLE.COM'], "correct horse battery" ],
	[ 'no address', ['root'], "correct horse battery" ],
	[ 'a short password', ['a@example.com'], 'short' ],
	[ 'a long password', ['a@example.com'], 'x' x 129 ],
	[ 'no password', ['a@example.com'], '' ],
	[ 'an unknown option', [ 'a@example.com', '--surprise' ], 'correct horse battery' ],
);
for my $row (@bad) {
	my ($name, $args, $password) = @$row;
	my ($s, $o, $e) = create(@$args, '--password-stdin', { in => $password });
	isnt($s, 0, "$name: kedge user fails");
	like("$o$e", qr/^.+\n\z/, "$name: the error is one line") or diag("$o$e") unless "$o$e" =~ /^usage/;
}
is($k->sql('auth', q{SELECT count(*) FROM "user"}), 1, 'no user was created by the refused commands');

my $alice = $k->user('alice');
($status, $out) = $k->kedge('user', 'list');
is($status, 0, 'kedge user list succeeds');
like($out, qr/root\@example\.com.*admin|admin.*root\@example\.com/, 'the list has the administrator');
like($out, qr/\Q$alice->{email}\E/, 'the list has users who signed up');
unlike($out, qr/[0-9a-f]{32}:|\Q$alice->{token}\E/, 'the list contains no hash and no token');

is($alice->get('/api/core/admin/stats')->{status}, 403, 'a user who signed up is not an administrator');
($status, $out, $err) = $k->kedge('user', 'role', $alice->{email}, 'admin');
is($status, 0, 'kedge user role succeeds') or diag("$out$err");
is($alice->get('/api/core/admin/stats')->{status}, 200, 'the new role is effective at once');
isnt(($k->kedge('user', 'role', 'nobody@example.com', 'admin'))[0], 0, 'a role for an unknown address is refused');
for my $roles ('', ',', ',admin', 'admin,', 'admin,,editor', 'admin, editor') {
	my ($s, $o, $e) = $k->kedge('user', 'role', $alice->{email}, $roles);
	isnt($s, 0, "the roles '$roles' are refused");
	like($e, qr/comma/, 'the error says how roles are separated');
	isnt((create('roles@example.com', '--role', $roles))[0], 0, 'a new user with invalid roles is refused');
}
is($k->sql('auth', qq{SELECT role FROM "user" WHERE id = '$alice->{id}'}),
	'admin', 'the refused command did not change the role');
is(($k->kedge('user', 'role', $alice->{email}, 'editor,admin'))[0], 0, 'several roles separated by a comma are accepted');
isnt(($k->kedge('user', 'surprise'))[0], 0, 'an unknown subcommand is refused');
# ---- one user: show, ban, unban, sign-out --------------------------------------------

my $bob = $k->user('bob');
$bob->get('/api/core/me');
my $show = sub { my ($s, $o, $e) = $k->kedge('user', 'show', @_); return $s == 0 ? $o : "$s $e" };
like($show->($bob->{email}), qr/^id +\Q$bob->{id}\E\n.*^services +core\n^sessions +1$/ms, 'show prints a user');
my $facts = Kedge::jdecode($show->(uc $bob->{email}, '--json'));
is("$facts->{email} $facts->{sessions} $facts->{banned}", "$bob->{email} 1 0", 'show --json does, too');
is(($k->kedge('user', 'ban', $bob->{email}, '--reason', 'a "test"', '--until', '2999-01-31T12:00:00+01:00'))[0], 0,
	'user ban succeeds');
is($bob->get('/api/core/whoami')->{status}, 401, 'the next request of the banned user is refused');
isnt($bob->sign_in->{status}, 200, 'the banned user cannot sign in');
like($show->($bob->{email}), qr/^banned +until 2999-01-31T11:00:00\.000Z: a "test"$/m, 'show prints the ban');
is(($k->kedge('user', 'unban', $bob->{email}))[0], 0, 'user unban succeeds');
unlike($show->($bob->{email}), qr/banned/, 'the ban is lifted');
is($bob->sign_in->{status}, 200, 'the user signs in again');
is($bob->get('/api/core/whoami')->{status}, 200, 'and is let through');
is(($k->kedge('user', 'sign-out', $bob->{email}))[0], 0, 'user sign-out succeeds');
is($bob->get('/api/core/whoami')->{status}, 401, 'the session has ended');
for my $row (
	[ 1, qr/no user with that address/, 'show', 'nobody@example.com' ],
	[ 1, qr/no user with that address/, 'ban', 'nobody' ],
	[ 1, qr/no user with that address/, 'sign-out', 'nobody@example.com' ],
	[ 1, qr/--until needs a time like/, 'ban', $bob->{email}, '--until', 'tomorrow' ],
	[ 1, qr/1000 bytes at most/, 'ban', $bob->{email}, '--reason', 'x' x 1001 ],
	[ 2, qr/^usage/, 'ban', $bob->{email}, '--for', 'ever' ],
	[ 2, qr/^usage/, 'unban' ],
	[ 2, qr/^usage/, 'show', $bob->{email}, '--xml' ])
{
	my ($want, $like, @args) = @$row;
	my ($s, $o, $e) = $k->kedge('user', @args);
	is($s, $want, "user $args[0]: wrong arguments or an unknown user have the status $want");
	like($e, $like, 'the error says what is wrong');
}
unlike($show->($bob->{email}), qr/banned/, 'the refused commands have banned nobody');

# ---- sessions, password, delete ------------------------------------------------------

sub user_json
{
	my ($s, $o, $e) = $k->kedge('user', @_, '--json');
	is($s, 0, "user $_[0] --json") or diag($e);
	return Kedge::jdecode($o);
}
is($bob->sign_in->{status}, 200, 'bob is signed in');
$k->again($bob); # twice
my $sessions = user_json('sessions', $bob->{email});
is(scalar(@$sessions), 2, 'sessions lists both');
is_deeply([ sort keys %{ $sessions->[0] } ], [qw(createdAt expiresAt id ipAddress userAgent)],
	'with what an operator needs, and without the token');
cmp_ok($sessions->[0]{createdAt}, 'ge', $sessions->[1]{createdAt}, 'the newest one first');
($status, $out) = $k->kedge('user', 'sessions', $bob->{email});
like($out, qr/^\Q$sessions->[0]{id}\E\t\S+Z\t\S+Z\t127\.0\.0\.1\t/, 'and as text');
is_deeply(user_json('sessions', 'root@example.com')->[1], undef, 'of one user only');

($status, $out, $err) = $k->kedge('user', 'password', $bob->{email}, '--password-stdin', { in => "a new password\n" });
is("$status$out", '0', 'user password') or diag($err);
is($bob->get('/api/core/whoami')->{status}, 401, 'the sessions have ended');
is($bob->sign_in->{status}, 401, 'the old password is refused');
$bob->{password} = 'a new password';
is($bob->sign_in->{status}, 200, 'the new one is accepted');
my $made = user_json('password', $bob->{email}, '--generate');
is(length $made->{password}, 20, 'a password is made');
is($made->{sessions}, 0, 'and ends the sessions, too');
$bob->{password} = $made->{password};
is($bob->sign_in->{status}, 200, 'it is accepted');
# A user who signs in elsewhere has no account with a password.
$k->sql('auth', qq{DELETE FROM account WHERE "userId" = '$bob->{id}'});
is(($k->kedge('user', 'password', $bob->{email}, '--password-stdin', { in => "first password\n" }))[0], 0,
	'the first password of a user');
$bob->{password} = 'first password';
is($bob->sign_in->{status}, 200, 'is accepted');
is($k->sql('auth', qq{SELECT count(*) FROM account WHERE "userId" = '$bob->{id}'}), 1, 'in one account');
for my $row (
	[ 1, qr/no terminal.*--password-stdin or --generate/, 'password', $bob->{email} ],
	[ 1, qr/--password-stdin or --generate/, 'password', $bob->{email}, '--generate', '--password-stdin' ],
	[ 1, qr/no user with that address/, 'password', 'nobody@example.com', '--generate' ],
	[ 1, qr/too short/, 'password', $bob->{email}, '--password-stdin' ],
	[ 1, qr/say --yes/, 'delete', $bob->{email} ],
	[ 1, qr/no user with that address/, 'delete', 'nobody@example.com', '--yes' ],
	[ 2, qr/^usage/, 'delete', $bob->{email}, '--force' ],
	[ 2, qr/^usage/, 'sessions' ],
	[ 2, qr/^usage/, 'list', '--limit', '0' ],
	[ 2, qr/^usage/, 'list', '--limit' ])
{
	my ($want, $like, @args) = @$row;
	my ($s, $o, $e) = $k->kedge('user', @args, { in => "short\n" });
	is($s, $want, "user @args: status $want");
	like($e, $like, 'the error says what is wrong');
	is(scalar(() = $e =~ /\n/g), 1, 'in one line') or diag($e);
}
is($bob->get('/api/core/whoami')->{status}, 200, 'the refused commands have changed nothing');
is(user_json('role', $bob->{email}, 'editor')->{role}, 'editor', 'the user after a change');
is(user_json('ban', $bob->{email})->{banned}, JSON::PP::true(), 'is printed');
is(user_json('unban', $bob->{email})->{banned}, JSON::PP::false(), 'by every command');
is(user_json('delete', $bob->{email}, '--yes')->{id}, $bob->{id}, 'user delete');
is($bob->get('/api/core/whoami')->{status}, 401, 'the session of a deleted user is refused at once');
is($bob->sign_in->{status}, 401, 'and a sign-in');
is($k->sql('auth', qq{SELECT (SELECT count(*) FROM "user" WHERE id = '$bob->{id}') +
	(SELECT count(*) FROM account WHERE "userId" = '$bob->{id}') +
	(SELECT count(*) FROM session WHERE "userId" = '$bob->{id}') +
	(SELECT count(*) FROM service_account WHERE user_id = '$bob->{id}')}), 0, 'no row is left');
is(user_json('create', 'made@example.com', '--generate')->{email}, 'made@example.com', 'user create');

# ---- a second factor that was lost: the plugin is off here, t/auth/two-factor.t has it on ----

my $carol = $k->user('carol');
my $other = $k->user('other');
sub rows { return $k->sql('auth', qq{SELECT (SELECT count(*) FROM "twoFactor" WHERE "userId" = '$_[0]{id}') || ' ' ||
	(SELECT count(*) FROM verification WHERE value = '$_[0]{id}' AND identifier LIKE 'trust-device-%')}) }
sub audited { return $k->sql('auth', q{SELECT count(*) FROM audit_event WHERE action = 'user.two-factor-off'}) }
for my $user ($carol, $other) {
	$k->sql('auth', qq{UPDATE "user" SET "twoFactorEnabled" = true WHERE id = '$user->{id}';
		INSERT INTO "twoFactor" (id, "userId", secret, "backupCodes")
		VALUES ('tf$user->{id}', '$user->{id}', 's', 'b');
		INSERT INTO verification (id, identifier, value, "expiresAt", "createdAt", "updatedAt")
		VALUES ('v$user->{id}', 'trust-device-$user->{id}', '$user->{id}', now() + interval '1 day', now(), now())});
}
like($show->($carol->{email}), qr/^two-factor +enabled$/m, 'show says that a second factor is enabled');
is(user_json('show', $carol->{email})->{twoFactorEnabled}, JSON::PP::true(), 'in JSON, too');
is($carol->sign_in->{status}, 403, 'the password alone does not sign in');
for my $row ([ 2, qr/^usage/, 'two-factor', $carol->{email} ], [ 2, qr/^usage/, 'two-factor', $carol->{email}, '--on' ],
	[ 1, qr/no user with that address/, 'two-factor', 'nobody@example.com', '--off' ])
{
	my ($want, $like, @args) = @$row;
	my ($s, $o, $e) = $k->kedge('user', @args);
	is($s, $want, "user @args: status $want");
	like($e, $like, 'the error says what is wrong');
}
is(rows($carol), '1 1', 'the refused commands have changed nothing');
($status, $out, $err) = $k->kedge('user', 'two-factor', $carol->{email}, '--off');
is("$status$out$err", '0', 'user two-factor --off');
is(rows($carol), '0 0', 'neither the second factor nor a trusted browser is left');
is(rows($other), '1 1', 'those of others are');
is(audited(), 1, 'the audit log has it');
is($k->sql('auth', q{SELECT object_id FROM audit_event WHERE action = 'user.two-factor-off'}), $carol->{id}, 'with the user');
like($show->($carol->{email}), qr/^two-factor +off$/m, 'show says that there is none');
is($carol->get('/api/core/whoami')->{status}, 200, 'the session has not ended');
is($carol->sign_in->{status}, 200, 'the password signs in');
($status, $out, $err) = $k->kedge('user', 'two-factor', uc $carol->{email}, '--off', '--json');
is($status, 0, 'once more');
like($err, qr/^auth: \Q$carol->{email}\E has no second factor$/, 'says that there is none');
is(Kedge::jdecode($out)->{twoFactorEnabled}, JSON::PP::false(), 'and prints the user');
is(audited(), 1, 'and is not in the audit log');

# ---- many users ----------------------------------------------------------------------

my $few = $k->sql('auth', 'SELECT count(*) FROM "user"');
my @first = map { $_->{email} } @{ user_json('list', '--limit', 2) };
my @rest = map { $_->{email} } @{ user_json('list', '--after', $first[1]) };
is(scalar(@first), 2, 'list --limit');
is_deeply([ @first, @rest ], [ map { $_->{email} } @{ user_json('list') } ], 'list --after goes on behind it');
($status, $out, $err) = $k->kedge('user', 'list', '--limit', 2);
like($err, qr/there are more: --after \Q$first[1]\E$/, 'that there are more is said');
($status, $out, $err) = $k->kedge('user', 'list', '--limit', $few);
is($err, '', 'unless there are not');
is_deeply(user_json('list', '--after', "\x{7a}\x{7a}\x{7a}\@zzz.example"), [], 'behind the last one there is none');
$k->sql('auth', q{SET session_replication_role = replica;
	INSERT INTO "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
	SELECT 'many' || n, 'Many', 'many' || n || '@example.com', false, now(), now() FROM generate_series(1, 100000) n});
($status, $out, $err) = $k->kedge('user', 'list');
is($status, 0, 'a list of 100 000') or diag($err);
my @all = map { (split /\t/)[1] } split /\n/, $out;
is(scalar(@all), $few + 100_000, 'has them all');
my %once = map { $_ => 1 } @all;
is(scalar(keys %once), scalar(@all), 'each once');
is(scalar(@{ user_json('list') }), $few + 100_000, 'in JSON, too');
my $peak = 0;
my $pid = open my $list, '-|', 'sh', '-c', 'exec "$0" user list --dir "$1"', Kedge->binary('kedge'), $k->dir or die $!;
while (<$list>) {
	next if $. % 10_000;
	my ($kib) = (Kedge::slurp("/proc/$pid/status") // '') =~ /^VmHWM:\s+(\d+)/m;
	$peak = $kib if ($kib // 0) > $peak;
}
close $list;
cmp_ok($peak, '<', 64 * 1024, 'and a list is never in memory as a whole');

done_testing;
