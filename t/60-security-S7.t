# S7, account pre-hijack: while an address is not verified, an account is protected by
# its password alone, and gives no other rights.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge;

my $k = Kedge->up;

# Mallory registers the victim's address before the victim does, in any spelling.
my $password = 'correct horse battery';
my @spelling = ('victim@example.com', 'VICTIM@example.com', 'Victim@EXAMPLE.com');
is(
	$k->client->post(
		'/api/auth/sign-up/email',
		{ name => 'm', email => 'Victim@Example.Com', password => 'password of mallory' }
	)->{status},
	200,
	"somebody else signs up with the victim's address");
for my $email (@spelling) {
	my $r = $k->client->post('/api/auth/sign-up/email',
		{ name => 'v', email => $email, password => $password });
	is($r->{status}, 422, "$email is taken: no second account is made");
	is(
		$k->client->post(
			'/api/auth/sign-in/email', { email => $email, password => $password }
		)->{status},
		401,
		"the victim's password does not open that account");
}
is($k->sql('auth', q{SELECT count(*) FROM "user" WHERE lower(email) = 'victim@example.com'}), 1,
	'there is one user with the address');
is($k->sql('auth', q{SELECT "emailVerified" FROM "user" WHERE email = 'victim@example.com'}), 'f',
	'the address is not verified');

# No request can verify or change the e-mail address of an account.
my $mallory = $k->client;
@$mallory{qw(email password)} = ('victim@example.com', 'password of mallory');
$mallory->sign_in;
for my $body ({ emailVerified => JSON::PP::true }, { email => 'boss@example.com' },
	{ name => 'm', emailVerified => JSON::PP::true, email => '' }) {
	$mallory->post('/api/auth/update-user', $body);
}
is(
	$k->sql('auth',
q{SELECT email, "emailVerified" FROM "user" WHERE email IN ('victim@example.com', 'boss@example.com')}
	),
	'victim@example.com|f',
	'no user got another address');

# An account of another provider has no password, and nobody can give it one.
$k->sql('auth',
q{INSERT INTO "user" (id, name, email, "emailVerified") VALUES ('oauth-user', 'O', 'oauth@example.com', true);
    INSERT INTO account (id, "accountId", "providerId", "userId", "updatedAt") VALUES ('oauth-account', '4711', 'github', 'oauth-user', now())}
);
for my $try ('', 'null', 'undefined', '4711', $password) {
	isnt(
		$k->client->post(
			'/api/auth/sign-in/email',
			{ email => 'oauth@example.com', password => $try }
		)->{status},
		200,
		"an account without a password does not accept '$try'");
}
is(
	$k->client->post(
		'/api/auth/sign-up/email',
		{ name => 'o', email => 'OAuth@example.com', password => $password }
	)->{status},
	422,
	'sign-up does not add an account to the user');
is($k->sql('auth', q{SELECT count(*) FROM account WHERE "userId" = 'oauth-user'}), 1,
	'the user still has one account');
# An empty or malformed hash does not match any password either.
my $broken = $k->user('broken');
for my $hash ("''", 'NULL', "':'", "'x'", "'00:00'", "repeat('0', 32) || ':'",
	"':' || repeat('0', 128)", "'" . 'z' x 32 . ':' . 'z' x 128 . "'") {
	$k->sql('auth', qq{UPDATE account SET password = $hash WHERE "userId" = '$broken->{id}'});
	for my $try ('', 'x', $password) {
		my $r = $k->client->post('/api/auth/sign-in/email',
			{ email => $broken->{email}, password => $try });
		isnt($r->{status}, 200, "the hash $hash accepts no password");
	}
}
done_testing;
