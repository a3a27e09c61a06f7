# A user who has enabled a second factor cannot sign in with the password alone.  No plugin
# of auth asks for the second factor, so auth refuses the sign-in, and says why.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge;

my $k = Kedge->up(env => { AUTH_PLUGINS => 'email-password,admin,username,bearer' });
my $password = 'correct horse battery';
my $alice = $k->client;
my $r = $alice->post('/api/auth/sign-up/email', { name => 'A', email => 'alice@example.com',
	password => $password, username => 'alice' });
is($r->{status}, 200, 'a user signs up');
my $id = $r->{json}{user}{id};
my $sessions = qq{SELECT count(*) FROM session WHERE "userId" = '$id'};

# Signs in by the path; returns the status and the code.
sub sign_in
{
	my ($path, %body) = @_;
	my $s = $k->client->post("/api/auth/sign-in/$path", { password => $password, %body });
	return [ $s->{status}, $s->{json}{code} // '' ];
}
my @email = (email => 'email' => 'alice@example.com');
my @name = (username => 'username' => 'alice');

is_deeply(sign_in(@email), [ 200, '' ], 'without a second factor the password signs in');
$k->sql('auth', qq{UPDATE "user" SET "twoFactorEnabled" = true WHERE id = '$id'});
my $before = $k->sql('auth', $sessions);
for my $way (\@email, \@name) {
	my ($path, @who) = @$way;
	is_deeply(sign_in($path, @who), [ 403, 'TWO_FACTOR_NOT_SUPPORTED' ],
		"sign-in/$path: with a second factor the password alone does not sign in");
	is_deeply([ @{ sign_in($path, @who, password => 'not the password') }[0] ], [401],
		"sign-in/$path: a wrong password does not reveal the second factor");
}
$r = $k->client->post('/api/auth/sign-in/email', { email => 'alice@example.com', password => $password });
is_deeply([ $r->{headers}{'set-cookie'} // 'none' ], ['none'], 'the refusal sets no cookie');
like($r->{json}{message}, qr/second factor/, 'the message names the second factor');
is($k->sql('auth', $sessions), $before, 'no session has begun');

# Sessions that exist were begun with the second factor.
is($alice->session->{user}{id}, $id, 'a session from before stays valid');
is($alice->get('/api/core/whoami')->{status}, 200, 'a session from before is valid beyond auth');
$r = $alice->post('/api/auth/change-password', { currentPassword => $password,
	newPassword => 'another horse battery', revokeOtherSessions => \1 });
is($r->{status}, 200, 'its user changes the password and ends the other sessions') or diag($r->{body});
is($alice->session->{user}{id}, $id, 'the new session of a change of password is valid');
$password = 'another horse battery';
is_deeply(sign_in(@email), [ 403, 'TWO_FACTOR_NOT_SUPPORTED' ], 'the new password alone does not sign in');

for my $off ('false', 'NULL') {
	$k->sql('auth', qq{UPDATE "user" SET "twoFactorEnabled" = $off WHERE id = '$id'});
	is_deeply(sign_in(@email), [ 200, '' ], "twoFactorEnabled is $off: the password signs in");
}
ok($k->destroy, 'the logs have no sanitizer report or failed assertion');
done_testing;
