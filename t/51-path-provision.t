# First contact: a base service creates one record of the user and tells auth, however
# many requests arrive at once and whatever fails in between.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(hmac_sha256);
use IO::Socket::UNIX;
use MIME::Base64 qw(decode_base64url encode_base64url);
use Socket qw(SOCK_STREAM);
use Test::More;
use Kedge qw(jencode jdecode parallel wait_until);
use Kedge::Raw qw(raw_answers raw_read);

my $k = Kedge->up;

# ---- fifty first requests at once ------------------------------------------------

my $alice = $k->user('alice');
my @status = parallel(
	50,
	sub {
		my ($i) = @_;
		return $alice->copy->get($i % 2 ? '/api/core/me' : '/api/wallet/accounts')
		    ->{status};
	});
is_deeply([ grep { $_ != 200 } @status ], [], 'fifty first requests at once are answered with 200');
is($k->sql('core', "SELECT count(*) FROM profile WHERE user_id = '$alice->{id}'"), 1,
	'fifty first requests create one profile');
is($k->sql('wallet', "SELECT count(*) FROM wallet WHERE user_id = '$alice->{id}'"), 1,
	'fifty first requests create one wallet');
is($k->sql('wallet', "SELECT count(*) FROM account WHERE user_id = '$alice->{id}'"), 1,
	'fifty first requests create one account');
my $user = $alice->session->{user};
ok($user->{hasCoreAccount} && $user->{hasWalletAccount}, 'the user object shows both service accounts');
is(
	$k->sql('auth',
"SELECT string_agg(service, ',' ORDER BY service) FROM service_account WHERE user_id = '$alice->{id}'"
	),
	'core,wallet',
	'auth has each service account once');

# ---- a crash between the two steps --------------------------------------------------

my $bob = $k->user('bob');
$k->sql('core',
	"INSERT INTO profile (user_id, display_name) VALUES ('$bob->{id}', 'Before the crash')");
is($bob->session->{user}{hasCoreAccount} ? 1 : 0, 0, 'auth does not list a profile that it was not told of');
is($bob->get('/api/core/me')->{json}{displayName}, 'Before the crash', 'a profile from before a crash is kept');
ok(wait_until(sub { $bob->session->{user}{hasCoreAccount} }, 5), 'auth is told of the profile by a later request');
is($k->sql('core', "SELECT count(*) FROM profile WHERE user_id = '$bob->{id}'"), 1, 'there is still one profile');
# auth lists the account, but the service's record is missing, as after restoring an
# older database.
$k->sql('auth', "INSERT INTO service_account (user_id, service) VALUES ('$bob->{id}', 'wallet')");
$k->redis('auth')->cmd('FLUSHALL');
my $r = $bob->get('/api/wallet/accounts');
like($r->{status}, qr/^(200|404|503)$/, 'a request is answered when auth lists an account whose record is missing');

# ---- auth is unavailable ----------------------------------------------------------

my $carol = $k->user('carol');
is($carol->get('/api/core/whoami')->{status}, 200, 'a request that needs no record is served while auth is stopped');
my @api = $k->pids('auth-api');
ok(scalar @api, 'the workers of the api pool are found');
$k->kill_pid(STOP => @api);
my @r = map { $carol->get($_) } '/api/core/me', '/api/wallet/accounts', '/api/core/tasks';
is_deeply([ map { $_->{status} } @r ], [ 200, 200, 200 ],
	'first contact succeeds although auth does not answer');
$k->kill_pid(CONT => @api);
ok(
	wait_until(
		sub {
			$carol->get('/api/core/me');
			$carol->get('/api/wallet/accounts');
			my $u = ($carol->session // {})->{user} // {};
			$u->{hasCoreAccount} && $u->{hasWalletAccount}
		},
		20
	),
	'auth is told of both records when it runs again');
is($k->sql('wallet', "SELECT count(*) FROM account WHERE user_id = '$carol->{id}'"), 1,
	'there is one account of the user');

# ---- clients cannot call /provision --------------------------------------------

my $dave = $k->user('dave');
my %key = (
	core => decode_base64url($k->service_env('core')->{CORE_IDENTITY_KEY}),
	wallet => decode_base64url($k->service_env('wallet')->{WALLET_IDENTITY_KEY}));

sub token
{
	my ($claims, $key, $header) = @_;
	my $text = encode_base64url(jencode($header // { alg => 'HS256', typ => 'JWT' })) . '.'
	    . encode_base64url(jencode($claims));
	return "$text." . encode_base64url(hmac_sha256($text, $key));
}

sub provision
{
	my ($token) = @_;
	my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $k->dir . '/run/internal.sock')
	    or die "internal.sock: $!";
	print $s "POST /api/auth/provision HTTP/1.1\r\nHost: auth.internal\r\n",
	    (defined $token ? "Authorization: Bearer $token\r\n" : ''),
	    "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
	$s->flush;
	my $a = raw_answers(raw_read($s));
	return $a;
}
my $now = time;
my %claims = (iss => 'core', aud => 'auth', sub => $dave->{id}, iat => $now, exp => $now + 30);
my $first = $alice->{id};
my @bad = (
	[ 'nothing', undef ], [ 'garbage', 'x' ],
	[ 'an assertion of auth', token({ %claims, iss => 'auth', aud => 'core' }, $key{core}) ],
	[ 'for another audience', token({ %claims, aud => 'core' }, $key{core}) ],
	[ "core with wallet's key", token(\%claims, $key{wallet}) ],
	[ "wallet with core's key", token({ %claims, iss => 'wallet' }, $key{core}) ],
	[ 'of auth itself', token({ %claims, iss => 'auth' }, $key{core}) ],
	[ 'of a service that is none', token({ %claims, iss => 'nobody' }, $key{core}) ],
	[ 'expired', token({ %claims, iat => $now - 100, exp => $now - 70 }, $key{core}) ],
	[ 'for an hour', token({ %claims, exp => $now + 3600 }, $key{core}) ],
	[ 'of nobody', token({ %claims, sub => '' }, $key{core}) ],
	[ 'alg none', token(\%claims, $key{core}, { alg => 'none' }) =~ s/[^.]*$//r ],
	[ 'unsigned', token(\%claims, '') ],
);
for my $row (@bad) {
	my ($name, $token) = @$row;
	is(provision($token)->{status}, 401, "provision with $name is refused");
}
is($k->sql('auth', "SELECT count(*) FROM service_account WHERE user_id = '$dave->{id}'"), 0,
	'a refused provisioning stores nothing');
my $a = provision(token({ %claims, sub => 'nobody-there' }, $key{core}));
like($a->{status}, qr/^(404|422)$/, 'provisioning of an unknown user is refused');
is_deeply(jdecode(provision(token(\%claims, $key{core}))->{body}), { status => JSON::PP::true },
	'core may report its own account');
is(provision(token(\%claims, $key{core}))->{status}, 200, 'core may report its account twice');
is(
	$k->sql('auth',
		"SELECT string_agg(service, ',') FROM service_account WHERE user_id = '$dave->{id}'"
	),
	'core',
	'the account is stored once, for core');
for my $c ($k->client, $dave) {
	is(
		$c->post(
			'/api/auth/provision', {},
			headers => { Authorization => 'Bearer ' . token(\%claims, $key{core}) }
		)->{status},
		404,
		'provisioning with a valid token is refused from outside');
}
done_testing;
