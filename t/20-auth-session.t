# A user signs up, is recognised by all services, signs out, and is recognised by none.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Kedge;

my $k = Kedge->up;
my $c = $k->client;
my $email = 'Alice.Session@Example.com';
my $password = "pa\x{17f}\x{fb01} w\x{f6}rd";

# ---- sign-up ------------------------------------------------------------------

is($c->get('/api/auth/get-session')->{body}, 'null', 'get-session without a cookie is null');
is($c->get('/api/core/whoami')->{status}, 401, 'core answers 401 without a cookie');
my $r = $c->post('/api/auth/sign-up/email',
	{ name => 'Alice', email => $email, password => $password });
is($r->{status}, 200, 'sign-up succeeds') or diag($r->{body});
my $user = $r->{json}{user};
my $token = $r->{json}{token};
is($user->{email}, lc $email, 'the address is stored in lower case');
is($user->{role}, 'user', 'a new user has the role user');
is(ref $user->{emailVerified}, 'JSON::PP::Boolean', 'emailVerified is a JSON boolean');
is_deeply([ sort grep {/^has/} keys %$user ], [qw(hasCoreAccount hasLinksAccount hasWalletAccount)],
	'the user has a member for each base service')
    or diag(join ' ', keys %$user);
cmp_ok(length $token, '>=', 32, 'the session token has at least 32 characters');
is(scalar @{ $r->{cookies} }, 1, 'sign-up sets one cookie');
like(   $r->{cookies}[0],
qr/^better-auth\.session_token=\Q$token\E\.[A-Za-z0-9%]+; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/,
	'the session cookie has the attributes of BetterAuth in their order');
cmp_ok(length((split /;/, $r->{cookies}[0])[0]), '<', 160, 'the session cookie has less than 160 characters');

# ---- the rows of a sign-up -----------------------------------------------------

my $id = $user->{id};
is($k->sql('auth', qq{SELECT name, email, "emailVerified" FROM "user" WHERE id = '$id'}),
	'Alice|' . lc($email) . '|f', 'the row of the user is stored');
my $hash =
    $k->sql('auth',
qq{SELECT password FROM account WHERE "userId" = '$id' AND "accountId" = '$id' AND "providerId" = 'credential'}
    );
like($hash, qr/^[0-9a-f]{32}:[0-9a-f]{128}$/, "the password hash is in BetterAuth's format");
is($k->sql('auth', qq{SELECT token FROM session WHERE "userId" = '$id'}), $token, 'the row of the session is stored');
is(
	$k->sql('auth',
qq{SELECT date_trunc('minute', "expiresAt" - "createdAt") FROM session WHERE "userId" = '$id'}
	),
	'7 days',
	'a session lasts a week');
my $bits = length($token) * log($token =~ /[_-]/ ? 64 : 62) / log(2);
cmp_ok($bits, '>=', 250, 'the session token has 256 bits of randomness') or diag($token);

# ---- other services accept the session -----------------------------------------

my $session = $c->session;
is($session->{user}{id}, $id, 'get-session returns the user');
is($session->{session}{userId}, $id, 'get-session returns the session of the user');
is($session->{session}{userAgent}, 'kedge-test', 'the session has the user agent');
is($session->{session}{ipAddress}, '127.0.0.1', "the session has the client's address");
my $who = $c->get('/api/core/whoami');
is_deeply($who->{json}, { userId => $id, sessionId => $session->{session}{id}, roles => ['user'] },
	'whoami returns user, session and roles');
unlike($who->{body}, qr/\Q$token\E/, 'whoami does not return the session token');
is($c->get('/api/core/me')->{json}{userId}, $id, 'core has a profile of the user');
my $accounts = $c->get('/api/wallet/accounts')->{json}{items};
is(scalar @$accounts, 1, 'wallet has one account of the user');
$session = $c->session;
ok($session->{user}{hasCoreAccount} && $session->{user}{hasWalletAccount}, 'auth lists both service accounts of the user');

# ---- another browser ------------------------------------------------------------

my $phone = $k->client;
@$phone{qw(email password)} = (uc $email, $password);
is($phone->sign_in(password => 'something else')->{status}, 401, 'a wrong password gets 401');
is($phone->get('/api/core/whoami')->{status}, 401, 'after a wrong password core answers 401');
$r = $phone->sign_in(rememberMe => JSON::PP::false);
is($r->{status}, 200, 'sign-in without rememberMe succeeds');
is_deeply(
	[ map {s/=.*?; /; /r} @{ $r->{cookies} } ],
	[ 'better-auth.session_token; Path=/; HttpOnly; SameSite=Lax',
		'better-auth.dont_remember; Path=/; HttpOnly; SameSite=Lax'
	],
	'signing in without rememberMe sets cookies without Max-Age');
is($phone->get('/api/core/whoami')->{json}{userId}, $id, 'both browsers are signed in as the same user');
is(
	$k->sql('auth',
qq{SELECT date_trunc('minute', "expiresAt" - "createdAt") FROM session WHERE token = '$r->{json}{token}'}
	),
	'1 day',
	'a session without rememberMe lasts a day');
my $list = $c->get('/api/auth/list-sessions')->{json};
is(scalar @$list, 2, 'list-sessions returns both sessions');

# A password may be typed in any Unicode normalisation form.
my $nfd = $k->client;
@$nfd{qw(email password)} = ($email, "pasfi wo\x{308}rd");
is($nfd->sign_in->{status}, 200, 'a password in another Unicode form is the same after NFKC');

# ---- signed out -----------------------------------------------------------------

my $thief = $c->copy;
is($thief->get('/api/core/whoami')->{status}, 200, 'a copy of the cookie is accepted before sign-out');
$r = $c->sign_out;
is_deeply($r->{json}, { success => JSON::PP::true }, 'sign-out succeeds');
my $all_cleared = [ map {"better-auth.$_=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"}
	    qw(session_token session_data dont_remember) ];
sub cleared { return [ map {s/=.*?; /=; /r} @{ $_[0]{cookies} } ] }
is_deeply(cleared($r), $all_cleared, 'sign-out clears the cookies');
is_deeply($c->{jar}, {}, 'the browser has no cookie after sign-out');
is($thief->get('/api/core/whoami')->{status}, 401, 'core refuses a copy of the cookie after sign-out');
is($thief->get('/api/wallet/accounts')->{status}, 401, 'wallet refuses a copy of the cookie after sign-out');
is($thief->get('/api/auth/get-session')->{body}, 'null', 'get-session with a copy of the cookie is null after sign-out');
is($k->sql('auth', qq{SELECT count(*) FROM session WHERE token = '$token'}), 0, 'the row of the session is deleted by sign-out');
is($phone->get('/api/core/whoami')->{status}, 200, 'the session of the other browser stays valid');
is($phone->sign_out->{status}, 200, 'the second browser signs out');
is($phone->get('/api/core/whoami')->{status}, 401, 'the second browser is signed out');

# ---- concurrent requests when a session is to be extended ------------------------

# Makes the session several days old and sends a request; returns the tokens of the
# session cookies that the response sets.
sub given
{
	my ($c, $path, $data) = @_;
	$k->sql('auth',
qq{UPDATE session SET "expiresAt" = now() + interval '3 days' WHERE "userId" = '$c->{id}'});
	my $r = $c->post("/api/auth/$path", $data);
	is($r->{status}, 200, $path) or diag($r->{body});
	return [ map {/^better-auth\.session_token=([^.]*)\..*; Max-Age=604800;/} @{ $r->{cookies} } ],
	    $r;
}
my $dora = $k->user('dora');
my ($given, $changed) = given($dora, 'update-user', { name => 'Dora' });
is_deeply($given, [ $dora->{token} ], 'update-user sets the session cookie once when a refresh is due');
($given) = given($dora, 'revoke-other-sessions', {});
is_deeply($given, [ $dora->{token} ], 'revoke-other-sessions sets the session cookie once');
($given) = given($dora, 'revoke-session', { token => $k->again($dora)->{token} });
is_deeply($given, [ $dora->{token} ], 'revoke-session of another session sets the session cookie once');
($given, $changed) = given(
	$dora,
	'change-password',
	{ currentPassword => $dora->{password}, newPassword => 'battery staple',
		revokeOtherSessions => JSON::PP::true
	});
isnt($changed->{json}{token}, $dora->{token}, 'change-password begins another session');
is_deeply($given, [ $changed->{json}{token} ], 'change-password sets the cookie of the new session only');
is(scalar @{ $changed->{cookies} }, 1, 'change-password does not set the cookie of the old session');
($given, $changed) = given($dora, 'revoke-sessions', {});
is_deeply(cleared($changed), $all_cleared, 'revoke-sessions clears the cookies of the browser');
is($dora->session, undef, 'get-session is null after revoke-sessions');
$dora->{password} = 'battery staple';
$dora->sign_in;
(undef, $changed) = given($dora, 'revoke-session', { token => $dora->session->{session}{token} });
is_deeply(cleared($changed), $all_cleared, 'revoke-session with the own token clears the cookies');

# ---- headers that claim another user ---------------------------------------------

my $bob = $k->user('bob');
my $cookie = $bob->{jar}{'better-auth.session_token'};
my %variant = (
	'no signature' => $cookie =~ s/\..*//sr,
	'an empty signature' => $cookie =~ s/\..*/./sr,
	'another signature' => $cookie =~ s/\.(.)/'.' . ($1 eq 'A' ? 'B' : 'A')/er,
	'another token' => ($cookie =~ s/^(.)/$1 eq 'A' ? 'B' : 'A'/er),
	'a token that ends early' => $cookie =~ s/^(.{20})[^.]*/$1/r,
	'the token alone, signed by nobody' => "$bob->{token}.",
	'twice' => "$cookie.$cookie",
	'capitals' => uc $cookie,
	'a blank' => " ",
	'ten thousand bytes' => 'x' x 4000 . '.' . 'y' x 3000,
	'percent' => '%%%',
	'NUL' => "$bob->{token}%00.$cookie",
);
for my $name (sort keys %variant) {
	my $r = $k->client->get('/api/core/whoami',
		cookie => "better-auth.session_token=$variant{$name}");
	like($r->{status}, qr/^40[01]$/, "a cookie with $name is not accepted");
}
is(
	$k->client->get(
		'/api/core/whoami', cookie => "a=b; better-auth.session_token=$cookie; c=d"
	)->{status},
	200,
	'the session cookie is found among other cookies');
is(
	$k->client->get(
		'/api/core/whoami', cookie => '',
		headers => { Authorization => "Bearer $bob->{token}" }
	)->{status},
	401,
	'the session token is not accepted as a bearer token');
is(
	$k->client->get(
		"/api/core/whoami?better-auth.session_token=$cookie&token=$bob->{token}",
		cookie => ''
	)->{status},
	401,
	'the session token is not accepted in the query');
done_testing;
