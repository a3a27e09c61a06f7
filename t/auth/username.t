# The plugin username answers like BetterAuth's and works with BetterAuth's client.  Of
# two users who want one name at the same time, one gets it.  Wrong passwords are
# counted for the account, whichever of its names was used.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Kedge qw(parallel);
use Kedge::Node;

my $password = 'correct horse battery';
my $off = Kedge->up;
my $r = $off->client->post('/api/auth/sign-up/email',
	{ name => 'A', email => 'off@example.com', password => $password, username => 'off' });
is($r->{status}, 200, 'off: sign-up ignores the member username');
ok(!exists $r->{json}{user}{username} && !exists $r->{json}{user}{displayUsername},
	'off: the user has no username');
is($off->sql('auth', q{SELECT username IS NULL FROM "user"}), 't', 'off: the row has no username');
for my $path ('sign-in/username', 'is-username-available') {
	$r = $off->client->post("/api/auth/$path", { username => 'off', password => $password });
	is_deeply([ $r->{status}, $r->{json}{code} ], [ 404, 'NOT_SUPPORTED' ], "off: $path is 404");
}
ok($off->destroy, 'the logs have no sanitizer report or failed assertion');

my $k = Kedge::Node->compare_plugin('username');
# The columns exist, and an index makes names unique.
my $shape = q{SELECT column_name, data_type, is_nullable, coalesce(column_default, '')
    FROM information_schema.columns WHERE table_name = 'user' AND column_name ILIKE '%username'
    UNION ALL SELECT indexname, indexdef, '', '' FROM pg_indexes
    WHERE tablename = 'user' AND indexdef LIKE '%(username)' ORDER BY 1};
is($k->sql('auth', $shape), $k->sql('oracle', $shape), 'the columns and the index are those of BetterAuth');

# An adopted database may have an index that only has the name. The migrations from the
# one that makes the index on are run again, without what they have made.
my $undo = q{DROP INDEX user_username_key; DELETE FROM kedge_migration WHERE version >= 13;
    DROP TRIGGER IF EXISTS kedge_user_email_changed ON "user"; DROP TABLE IF EXISTS kedge_mail;
    DROP INDEX IF EXISTS kedge_verification_value; DROP FUNCTION IF EXISTS kedge_user_deleted CASCADE;};
for my $row (
	[ 'not unique' => 'CREATE INDEX user_username_key ON "user" (username)' ],
	[ 'of another column' => 'CREATE UNIQUE INDEX user_username_key ON "user" (id)' ],
	[ 'of some rows' => q{CREATE UNIQUE INDEX user_username_key ON "user" (username) WHERE username > 'm'} ],
	[ 'of more columns' => 'CREATE UNIQUE INDEX user_username_key ON "user" (username, id)' ],
	[ 'of another table' => 'CREATE UNIQUE INDEX user_username_key ON account (id)' ]) {
	my ($what, $statement) = @$row;
	$k->sql('auth', "$undo $statement");
	my ($status, undef, $err) = $k->kedge('migrate', 'auth');
	is($status, 1, "kedge migrate refuses an index that is $what");
	like($err, qr/user_username_key is not a valid unique index/, 'the error says that the index is not valid') or diag($err);
}
$k->sql('auth', $undo);
is(($k->kedge('migrate', 'auth'))[0], 0, 'kedge migrate creates the index where there is none');
is($k->sql('auth', $shape), $k->sql('oracle', $shape), 'the index is that of BetterAuth');

sub sign_up
{
	my ($name, %more) = @_;
	return $k->client->post('/api/auth/sign-up/email',
		{ name => $name, email => "$name\@race.example", password => $password, %more });
}

# Two users sign up with one name at the same time: the unique index lets one succeed,
# and the other gets the error that the name is taken.
for my $round (1 .. 3) {
	my @both = parallel(2, sub { my ($i) = @_;
		my $s = sign_up("racer$round$i", username => "winner$round");
		return [ $s->{status}, $s->{json}{code} // '' ] });
	is_deeply([ sort { $a->[0] <=> $b->[0] } @both ],
		[ [ 200, '' ], [ 400, 'USERNAME_IS_ALREADY_TAKEN' ] ], 'of two sign-ups with one username one succeeds');
}
my @users = map { my $c = $k->client; $c->post('/api/auth/sign-up/email', { name => $_,
	email => "$_\@race.example", password => $password }); $c } qw(left right);
my @both = parallel(2, sub { my ($i) = @_;
	my $u = $users[$i]->post('/api/auth/update-user', { username => 'the_one' });
	return [ $u->{status}, $u->{json}{code} // '' ] });
is_deeply([ sort { $a->[0] <=> $b->[0] } @both ],
	[ [ 200, '' ], [ 400, 'USERNAME_IS_ALREADY_TAKEN' ] ], 'of two changes to one username one succeeds');
for my $value (7, \1, {}, ['x']) {
	$r = sign_up('typed', username => $value);
	is_deeply([ $r->{status}, $r->{json}{code} ], [ 400, 'VALIDATION_ERROR' ],
		'a username that is not a string is refused') or diag($r->{body});
}
ok($k->destroy, 'the logs have no sanitizer report or failed assertion');

# Wrong passwords with one name of the account also count for its other name.
$k = Kedge->up(env => { AUTH_PLUGINS => 'email-password,username', AUTH_RATE_LIMIT => 'on',
	AUTH_USERNAME_MIN => 5, AUTH_USERNAME_MAX => 6, AUTH_USERNAME_IMMUTABLE => 'on' });
my $ann = $k->client;
is($ann->post('/api/auth/sign-up/email', { name => 'A', email => 'ann@example.com',
	password => $password, username => 'annie' })->{status}, 200, 'sign-up with a username succeeds');
is($ann->post('/api/auth/update-user', { username => $_ })->{json}{code}, 'USERNAME_TOO_SHORT',
	"AUTH_USERNAME_MIN: $_ is refused") for 'anni';
is($ann->post('/api/auth/update-user', { username => $_ })->{json}{code}, 'USERNAME_TOO_LONG',
	"AUTH_USERNAME_MAX: $_ is refused") for 'annieee';
$r = $ann->post('/api/auth/update-user', { username => 'other' });
is_deeply([ $r->{status}, $r->{json}{code} ], [ 400, 'USERNAME_IS_IMMUTABLE' ],
	'AUTH_USERNAME_IMMUTABLE refuses another name');
is($ann->post('/api/auth/update-user', { username => 'Annie' })->{status}, 200, 'AUTH_USERNAME_IMMUTABLE accepts the same name in other letters');
for my $none (undef, '') {
	$r = $ann->post('/api/auth/update-user', { username => $none });
	is($r->{status}, 400, 'AUTH_USERNAME_IMMUTABLE refuses to remove the name') or diag($r->{body});
	is($k->sql('auth', q{SELECT username FROM "user" WHERE email = 'ann@example.com'}), 'annie', 'AUTH_USERNAME_IMMUTABLE keeps the stored name');
}
$r = $ann->post('/api/auth/update-user', { username => undef, name => 'A' });
is($r->{json}{code}, 'USERNAME_IS_IMMUTABLE', 'AUTH_USERNAME_IMMUTABLE counts null as a change') or diag($r->{body});
is($ann->post('/api/auth/update-user', { name => 'B' })->{status}, 200, 'AUTH_USERNAME_IMMUTABLE accepts a change without the name');
my $nameless = $k->client;
is($nameless->post('/api/auth/sign-up/email', { name => 'N', email => 'n@example.com',
	password => $password })->{status}, 200, 'sign-up without a username succeeds');
is($nameless->post('/api/auth/update-user', { username => undef, name => 'N' })->{status}, 200,
	'null is accepted for a user without a username');
is($nameless->post('/api/auth/update-user', { username => 'later' })->{status}, 200,
	'a user without a username can set the first one');
my $limits = $k->redis('auth');
my ($tries, $answer) = (0);
my @ways = ([ 'sign-in/email', 'email', 'ann@example.com' ], [ 'sign-in/username', 'username', 'annie' ],
	[ 'sign-in/username', 'username', 'ANNIE' ]);
for (1 .. 40) {
	# Requests are also limited by address, with a separate counter, which is reset
	# here.
	$limits->cmd(DEL => $_) for $limits->keys_like("*ip|*");
	my ($path, $member, $name) = @{ $ways[$tries % @ways] };
	$answer = $k->client->post("/api/auth/$path", { $member => $name, password => 'wrong password' });
	last if $answer->{status} == 429;
	$tries++;
}
is($answer->{status}, 429, 'a wrong guess beyond the limit gets 429');
is($tries, 20, '20 wrong guesses are allowed, by whatever name');
done_testing;
