# The plugin bearer answers like BetterAuth's and works with BetterAuth's client.
# verify accepts its token, does not check the origin for it, and tells the services the
# kind of the credential.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use MIME::Base64 qw(decode_base64url);
use Test::More;
use Kedge qw(jdecode parallel);
use Kedge::FastCGI qw(fcgi_request);
use Kedge::Node;

my $off = Kedge->up;
my $alice = $off->user('alice');
my %token = (headers => { Authorization => "Bearer $alice->{token}" });
is($off->client->get('/api/core/whoami', %token)->{status}, 401, 'off: verify ignores a bearer token');
is($off->client->get('/api/auth/get-session', %token)->{body}, 'null', 'off: get-session ignores a bearer token');
ok(!exists $alice->sign_in->{headers}{'set-auth-token'}, 'off: sign-in returns no set-auth-token');
ok($off->destroy, 'the logs have no sanitizer report or failed assertion');

my $k = Kedge::Node->compare_plugin('bearer');
$alice = $k->user('alice');
my $r = $alice->sign_in;
my $signed = $r->{headers}{'set-auth-token'};
is($r->{headers}{'access-control-expose-headers'}, 'set-auth-token', 'sign-in exposes set-auth-token to pages');
my $raw = $r->{json}{token};
sub by { my ($value) = @_; return (headers => { Authorization => "Bearer $value" }) }

# ---- verify --------------------------------------------------------------------------------

my $nobody = $k->client(origin => undef);
for my $form ([ raw => $raw ], [ signed => $signed ]) {
	my ($what, $value) = @$form;
	is($nobody->get('/api/core/whoami', by($value))->{json}{userId}, $alice->{id}, "verify accepts the $what token");
	is($nobody->post('/api/core/tasks', { title => 'x' }, by($value))->{status}, 201,
		'a bearer token needs no origin for a POST');
	is($nobody->post('/api/core/tasks', { title => 'x' }, by($value), origin => 'https://evil.example')
		->{status}, 201, 'a bearer token is accepted from any origin, because no browser sends it by itself');
}
# The cookie of the same session, without a token: the origin is checked.
my $cookie = $alice->cookie_header;
is($nobody->post('/api/core/tasks', { title => 'x' }, cookie => $cookie, origin => 'https://evil.example')
	->{status}, 403, 'a cookie from a foreign origin is refused');
# A token that is not valid does not exempt a request with a cookie from the origin
# check.
for my $bad ('x.y', '', 'x y', "$raw." . ('A' x 43) . '=') {
	is($nobody->post('/api/core/tasks', { title => 'x' }, by($bad), cookie => $cookie,
		origin => 'https://evil.example')->{status}, 403, "a cookie from a foreign origin is refused beside the token '$bad'");
}
is($nobody->get('/api/core/whoami', by('nobody-has-this'), cookie => $cookie)->{status}, 401,
	'a bearer token takes precedence over the cookie, valid or not');
for my $bad ('a' x 2000, "$raw'--", '%00', '..', "$signed.$signed") {
	is($nobody->get('/api/core/whoami', by($bad))->{status}, 401, 'verify refuses an invalid token')
	    or diag($bad);
	is($nobody->get('/api/auth/get-session', by($bad))->{status}, 200, 'get-session with an invalid token is no error');
}

# ---- the assertion has the kind of the credential --------------------------------------------

sub verdict
{
	my (%more) = @_;
	return fcgi_request("$k->{dir}/run/verify.sock", {
		REQUEST_METHOD => 'GET', KEDGE_PATH => '/api/core/x', KEDGE_AUDIENCE => 'core',
		KEDGE_GUARD => 'standard', KEDGE_METHOD => 'GET', QUERY_STRING => '',
		REMOTE_ADDR => '127.0.0.1', KEDGE_HOST => 'h', KEDGE_SCHEME => 'http',
		KEDGE_REQUEST_ID => 'test', KEDGE_RAW_URI => '/api/core/x', %more });
}
sub assertion
{
	my $answer = verdict(@_);
	return jdecode(decode_base64url((split /\./, $answer->{headers}{'kedge-identity'} // '..')[1]));
}
is(assertion(HTTP_AUTHORIZATION => "Bearer $raw")->{credential}, 'bearer', 'the assertion of a token has the credential bearer');
is(assertion(HTTP_COOKIE => $cookie)->{credential}, 'cookie', 'the assertion of a cookie has the credential cookie');
is(verdict(HTTP_AUTHORIZATION => "Bearer $_")->{status}, 401, 'a token that is not text is ignored')
    for "\xc3\xbc", "\xff\xfe", "a\x01b", "a\tb";

# ---- signed out means out ----------------------------------------------------------------------

is($nobody->post('/api/auth/sign-out', {}, by($raw))->{status}, 200, 'sign-out with a token succeeds');
is($nobody->get('/api/core/whoami', by($_))->{status}, 401, 'the token is refused after sign-out') for $raw, $signed;
# A token beside the cookie of another session.
my $of_bob = $k->user('bob')->cookie_header;
sub whoami { return $nobody->get('/api/core/whoami', cookie => $of_bob)->{status} }
$r = $nobody->get('/api/auth/get-session', by('x'), cookie => $of_bob);
is($r->{body}, 'null', 'get-session with an unknown token is null');
is(whoami(), 200, 'the session of the cookie beside the unknown token is valid');
is_deeply($r->{cookies}, [], 'an unknown token does not clear the cookies');
is($nobody->post('/api/auth/sign-out', {}, by('x'), cookie => $of_bob, origin => 'https://evil.example')
	->{status}, 403, 'a page of another origin cannot end a session by adding a token');
is(whoami(), 200, 'the session is valid after the refused sign-out');
is($nobody->post('/api/auth/sign-out', {}, by('x'), cookie => $of_bob, origin => $k->base)->{status}, 200,
	'sign-out with a token and a cookie succeeds');
is(whoami(), 401, 'sign-out with a token also ends the session of the cookie');

# ---- invented tokens -----------------------------------------------------------------------------

my $epoch = sub { return $k->sql('auth', 'SELECT epoch FROM kedge_session_epoch') };
is($nobody->post('/api/auth/sign-out', {}, by('invented'))->{status}, 200, 'sign-out with an unknown token succeeds');
# Two sign-outs with one raw token, at once: neither is answered before verify refuses the
# token.
for my $round (1 .. 5) {
	my $token = $k->user("twin$round")->sign_in->{json}{token};
	$nobody->get('/api/core/whoami', by($token)) for 1 .. 3;
	my @both = parallel(2, sub {
		my $c = $k->client(origin => undef);
		return [ map { $_->{status} } $c->post('/api/auth/sign-out', {}, by($token)),
			$c->get('/api/core/whoami', by($token)) ] });
	is_deeply(\@both, [ [ 200, 401 ], [ 200, 401 ] ], 'the token is refused after two sign-outs at once');
}
my $live = $k->user('carol')->sign_in->{json};
my @redis = $k->pids('redis-auth');
$k->kill_pid(STOP => @redis);
my $before = $epoch->();
my %status;
$status{ $nobody->post('/api/auth/sign-out', {}, by("invented-$_"))->{status} }++ for 1 .. 20;
is($epoch->(), $before, 'without Redis, sign-outs with unknown tokens do not raise the epoch');
is_deeply(\%status, { 503 => 20 }, 'without Redis, sign-outs with unknown tokens get 503');
is($nobody->post('/api/auth/sign-out', {}, by($live->{token}))->{status}, 200, 'without Redis, a sign-out with a valid token succeeds');
cmp_ok($epoch->(), '>', $before, 'without Redis, a sign-out with a valid token raises the epoch');
$k->kill_pid(CONT => @redis);
is($nobody->get('/api/core/whoami', by($live->{token}))->{status}, 401, 'the signed-out token is refused when Redis is back');
ok($k->wait_healthy, 'all services are healthy when Redis is back');
ok($k->destroy, 'the logs have no sanitizer report or failed assertion');

# ---- AUTH_BEARER_REQUIRE_SIGNATURE ---------------------------------------------------------------

$k = Kedge::Node->compare_plugin('bearer', script => 'bearer-signed',
	options => '{"requireSignature":true}', env => { AUTH_BEARER_REQUIRE_SIGNATURE => 'on' });
$alice = $k->user('alice');
$r = $alice->sign_in;
is($k->client->get('/api/core/whoami', by($r->{json}{token}))->{status}, 401,
	'verify refuses the raw token');
is($k->client->get('/api/core/whoami', by($r->{headers}{'set-auth-token'}))->{status}, 200,
	'with AUTH_BEARER_REQUIRE_SIGNATURE a signed token is accepted');
done_testing;
