# S6, session lifecycle: no session fixation, new tokens when rights change, and an
# ended session is invalid everywhere from the next request on.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge;

my $k = Kedge->up;
my @everywhere =
    ('/api/core/whoami', '/api/core/tasks', '/api/wallet/accounts', '/api/auth/list-sessions');

sub dead
{
	my ($c, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is_deeply([ map { $c->get($_)->{status} } @everywhere ], [ (401) x @everywhere ], $name);
	is($c->get('/api/auth/get-session', cookie => $c->cookie_header)->{body}, 'null',
		"$name: get-session is null");
	return;
}

sub alive
{
	my ($c, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is_deeply([ map { $c->get($_)->{status} } @everywhere ], [ (200) x @everywhere ], $name);
	return;
}

# Session fixation: the cookie from before the sign-in is replaced.
my $alice = $k->user('alice');
my $mallory = $k->user('mallory');
my $victim = $k->client;
@$victim{qw(email password id)} = @$alice{qw(email password id)};
$victim->{jar} = { %{ $mallory->{jar} } };
my $before = $victim->{jar}{'better-auth.session_token'};
is($victim->sign_in->{status}, 200, 'signing in over a planted cookie succeeds');
isnt($victim->{jar}{'better-auth.session_token'}, $before, 'signing in over a planted cookie sets another token');
is($victim->get('/api/core/whoami')->{json}{userId}, $alice->{id}, 'the session after signing in is that of the user');
is($mallory->get('/api/core/whoami')->{json}{userId}, $mallory->{id}, 'the planted session stays that of its owner');
my $r = $k->client->post(
	'/api/auth/sign-up/email',
	{ name => 'x', email => 'fixed@example.com', password => 'correct horse battery',
		token => $mallory->{token}, sessionId => 'x'
	},
	cookie => $mallory->cookie_header);
isnt($r->{json}{token}, $mallory->{token}, 'sign-up over a planted cookie sets another token')
    if $r->{status} == 200;
my %token = map { $k->again($alice)->{token} => 1 } 1 .. 5;
is(scalar keys %token, 5, 'each sign-in has a new token');

# Every way to end a session is tested while the session is cached.
my @ways = (
	[ 'sign-out' => sub { my ($c) = @_; $c->copy->sign_out } ],
	[
		'revoke-session' => sub {
			my ($c, $other) = @_;
			$other->post('/api/auth/revoke-session', { token => $c->{token} })
		}
	],
	[
		'revoke-other-sessions' => sub {
			my ($c, $other) = @_;
			$other->post('/api/auth/revoke-other-sessions', {})
		}
	],
	[ 'revoke-sessions' =>
		    sub { my ($c, $other) = @_; $other->post('/api/auth/revoke-sessions', {}) }
	],
	[
		'change-password with revocation' => sub {
			my ($c, $other) = @_;
			$other->post(
				'/api/auth/change-password',
				{ currentPassword => $c->{password},
					newPassword => 'another password',
					revokeOtherSessions => JSON::PP::true
				})
		}
	],
);
for my $row (@ways) {
	my ($name, $end) = @$row;
	my $c = $k->user('lifecycle');
	my $other = $k->again($c);
	alive($c, "$name: the session is valid before") for 1 .. 2;
	is($end->($c, $other)->{status}, 200, $name);
	dead($c, "$name: the session is ended");
}

# change-password without revokeOtherSessions: the other sessions stay valid, as with
# BetterAuth.
my $bob = $k->user('bob');
my $phone = $k->again($bob);
$bob->post('/api/auth/change-password',
	{ currentPassword => $bob->{password}, newPassword => 'another password' });
alive($phone, 'change-password without revocation keeps the other sessions');
my $old = $bob->copy;
$r = $bob->post(
	'/api/auth/change-password',
	{ currentPassword => 'another password', newPassword => 'a third password',
		revokeOtherSessions => JSON::PP::true
	});
is($r->{status}, 200, 'change-password with revocation succeeds');
dead($old, 'change-password with revocation ends the own old token');
dead($phone, 'change-password with revocation ends the other session');
alive($bob, 'change-password with revocation begins a valid session');

# When a user's role changes, the same session has the new rights at once, whether they
# are more or less.
my $carol = $k->user('carol');
alive($carol, 'the session of a user is valid before the role changes');
$k->role($carol, 'admin');
is($carol->get('/api/core/admin/stats')->{status}, 200, 'a new administrator has access at once');
$k->role($carol, 'user');
is($carol->get('/api/core/admin/stats')->{status}, 403, 'a former administrator has no access at once');

# A session that has expired by the clock is invalid, although Redis still has it.
my $dave = $k->user('dave');
alive($dave, 'the session is valid before its end');
$k->sql('auth',
	qq{UPDATE session SET "expiresAt" = now() + interval '2 s' WHERE "userId" = '$dave->{id}'});
$k->redis('auth')->cmd('FLUSHALL');
is($dave->get('/api/core/whoami')->{status}, 200, 'a session is valid two seconds before its end');
ok(Kedge::wait_until(sub { $dave->get('/api/core/whoami')->{status} == 401 }, 8),
	'a cached session ends at its time');
dead($dave, 'an expired session is refused everywhere');

# The user is deleted by SQL and the cache is empty: nothing restores the session.
my $erin = $k->user('erin');
alive($erin, 'the session is valid before the user is deleted');
$k->sql('auth', qq{DELETE FROM "user" WHERE id = '$erin->{id}'});
$k->redis('auth')->cmd('FLUSHALL');
dead($erin, 'the session of a deleted user is refused');

# A session that somebody else wrote into Redis is not valid.
my $frank = $k->user('frank');
alive($frank, 'the session is cached');
my $redis = $k->redis('auth');
for my $key ($redis->keys_like('*')) {
	unlike($key, qr/\Q$frank->{token}\E/, 'no key of Redis contains a session token');
	my $value = eval { $redis->cmd('GET', $key) };
	unlike($value // '', qr/\Q$frank->{token}\E/, 'no value of Redis contains a session token');
}
done_testing;
