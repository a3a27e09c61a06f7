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

is($c->get('/api/auth/get-session')->{body}, 'null', 'nobody yet');
is($c->get('/api/core/whoami')->{status}, 401, 'nor in core');
my $r = $c->post('/api/auth/sign-up/email',
	{ name => 'Alice', email => $email, password => $password });
is($r->{status}, 200, 'sign-up') or diag($r->{body});
my $user = $r->{json}{user};
my $token = $r->{json}{token};
is($user->{email}, lc $email, 'the address in its one form');
is($user->{role}, 'user', 'a user');
is(ref $user->{emailVerified}, 'JSON::PP::Boolean', 'booleans are booleans');
is_deeply([ sort grep {/^has/} keys %$user ], [qw(hasCoreAccount hasLinksAccount hasWalletAccount)],
	'an account member for each base service')
    or diag(join ' ', keys %$user);
cmp_ok(length $token, '>=', 32, 'a token');
is(scalar @{ $r->{cookies} }, 1, 'one cookie');
like(   $r->{cookies}[0],
qr/^better-auth\.session_token=\Q$token\E\.[A-Za-z0-9%]+; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/,
	"with BetterAuth's attributes in BetterAuth's order");
cmp_ok(length((split /;/, $r->{cookies}[0])[0]), '<', 160, 'a short one');

# ---- what was written ----------------------------------------------------------

my $id = $user->{id};
is($k->sql('auth', qq{SELECT name, email, "emailVerified" FROM "user" WHERE id = '$id'}),
	'Alice|' . lc($email) . '|f', 'the user');
my $hash =
    $k->sql('auth',
qq{SELECT password FROM account WHERE "userId" = '$id' AND "accountId" = '$id' AND "providerId" = 'credential'}
    );
like($hash, qr/^[0-9a-f]{32}:[0-9a-f]{128}$/, "the password in BetterAuth's format");
is($k->sql('auth', qq{SELECT token FROM session WHERE "userId" = '$id'}), $token, 'the session');
is(
	$k->sql('auth',
qq{SELECT date_trunc('minute', "expiresAt" - "createdAt") FROM session WHERE "userId" = '$id'}
	),
	'7 days',
	'for a week');
my $bits = length($token) * log($token =~ /[_-]/ ? 64 : 62) / log(2);
cmp_ok($bits, '>=', 250, 'the token is as long as 256 bits need') or diag($token);

# ---- known everywhere ----------------------------------------------------------

my $session = $c->session;
is($session->{user}{id}, $id, 'get-session');
is($session->{session}{userId}, $id, 'its session');
is($session->{session}{userAgent}, 'kedge-test', 'from which browser');
is($session->{session}{ipAddress}, '127.0.0.1', 'from which address');
my $who = $c->get('/api/core/whoami');
is_deeply($who->{json}, { userId => $id, sessionId => $session->{session}{id}, roles => ['user'] },
	'whoami');
unlike($who->{body}, qr/\Q$token\E/, 'which does not show the token');
is($c->get('/api/core/me')->{json}{userId}, $id, 'a profile');
my $accounts = $c->get('/api/wallet/accounts')->{json}{items};
is(scalar @$accounts, 1, 'a wallet with one account');
$session = $c->session;
ok($session->{user}{hasCoreAccount} && $session->{user}{hasWalletAccount}, 'auth knows of both');

# ---- another browser ------------------------------------------------------------

my $phone = $k->client;
@$phone{qw(email password)} = (uc $email, $password);
is($phone->sign_in(password => 'something else')->{status}, 401, 'a wrong password');
is($phone->get('/api/core/whoami')->{status}, 401, 'is nobody');
$r = $phone->sign_in(rememberMe => JSON::PP::false);
is($r->{status}, 200, 'the right one, until the browser closes');
is_deeply(
	[ map {s/=.*?; /; /r} @{ $r->{cookies} } ],
	[ 'better-auth.session_token; Path=/; HttpOnly; SameSite=Lax',
		'better-auth.dont_remember; Path=/; HttpOnly; SameSite=Lax'
	],
	'two cookies without Max-Age');
is($phone->get('/api/core/whoami')->{json}{userId}, $id, 'the same person');
is(
	$k->sql('auth',
qq{SELECT date_trunc('minute', "expiresAt" - "createdAt") FROM session WHERE token = '$r->{json}{token}'}
	),
	'1 day',
	'for a day');
my $list = $c->get('/api/auth/list-sessions')->{json};
is(scalar @$list, 2, 'two sessions');

# A password may be typed in any Unicode normalisation form.
my $nfd = $k->client;
@$nfd{qw(email password)} = ($email, "pasfi wo\x{308}rd");
is($nfd->sign_in->{status}, 200, 'NFKC makes it the same password');

# ---- signed out -----------------------------------------------------------------

my $thief = $c->copy;
is($thief->get('/api/core/whoami')->{status}, 200, 'a stolen cookie works');
$r = $c->sign_out;
is_deeply($r->{json}, { success => JSON::PP::true }, 'until sign-out');
my $all_cleared = [ map {"better-auth.$_=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"}
	    qw(session_token session_data dont_remember) ];
sub cleared { return [ map {s/=.*?; /=; /r} @{ $_[0]{cookies} } ] }
is_deeply(cleared($r), $all_cleared, 'which clears the cookies');
is_deeply($c->{jar}, {}, 'all of them');
is($thief->get('/api/core/whoami')->{status}, 401, 'then core knows nobody');
is($thief->get('/api/wallet/accounts')->{status}, 401, 'nor wallet');
is($thief->get('/api/auth/get-session')->{body}, 'null', 'nor auth');
is($k->sql('auth', qq{SELECT count(*) FROM session WHERE token = '$token'}), 0, 'the row is gone');
is($phone->get('/api/core/whoami')->{status}, 200, 'the phone is still in');
is($phone->sign_out->{status}, 200, 'until it signs out too');
is($phone->get('/api/core/whoami')->{status}, 401, 'out');

# ---- a refresh is due: one cookie at most, and of a session that lives -----------

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
is_deeply($given, [ $dora->{token} ], 'the cookie, once');
($given) = given($dora, 'revoke-other-sessions', {});
is_deeply($given, [ $dora->{token} ], 'also where only others end');
($given) = given($dora, 'revoke-session', { token => $k->again($dora)->{token} });
is_deeply($given, [ $dora->{token} ], 'one by one, too');
($given, $changed) = given(
	$dora,
	'change-password',
	{ currentPassword => $dora->{password}, newPassword => 'battery staple',
		revokeOtherSessions => JSON::PP::true
	});
isnt($changed->{json}{token}, $dora->{token}, 'a new session');
is_deeply($given, [ $changed->{json}{token} ], 'and its cookie alone');
is(scalar @{ $changed->{cookies} }, 1, 'nothing of the old one');
($given, $changed) = given($dora, 'revoke-sessions', {});
is_deeply(cleared($changed), $all_cleared, 'whoever ends all sessions is signed out in the browser');
is($dora->session, undef, 'nobody');
$dora->{password} = 'battery staple';
$dora->sign_in;
(undef, $changed) = given($dora, 'revoke-session', { token => $dora->session->{session}{token} });
is_deeply(cleared($changed), $all_cleared, 'also by the token of the own session');

# ---- who has a session is decided here and nowhere else --------------------------

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
	like($r->{status}, qr/^40[01]$/, "cookie with $name: nobody");
}
is(
	$k->client->get(
		'/api/core/whoami', cookie => "a=b; better-auth.session_token=$cookie; c=d"
	)->{status},
	200,
	'among other cookies');
is(
	$k->client->get(
		'/api/core/whoami', cookie => '',
		headers => { Authorization => "Bearer $bob->{token}" }
	)->{status},
	401,
	'not as a bearer');
is(
	$k->client->get(
		"/api/core/whoami?better-auth.session_token=$cookie&token=$bob->{token}",
		cookie => ''
	)->{status},
	401,
	'not in the query');
done_testing;
