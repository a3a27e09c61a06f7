# A verdict can be older than the body: nginx asks auth when it has the headers, and
# passes the request on when it has the body.  A slow client is not refused for its
# slowness, and nothing is done for a user who has signed out meanwhile.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(hmac_sha256);
use IO::Socket::UNIX;
use MIME::Base64 qw(decode_base64url encode_base64url);
use Socket qw(SOCK_STREAM);
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(jencode jdecode wait_until);
use Kedge::FastCGI qw(fcgi_request);
use Kedge::Raw qw(raw_answers raw_open raw_read);

my $k = Kedge->up;
my %key = map { $_ => decode_base64url($k->service_env($_)->{ uc($_) . '_IDENTITY_KEY' }) }
    qw(core wallet);
my $verify_pids = [ $k->pids('auth-verify') ];
my $bound_s = 600; # the value of IDENTITY_BODY_MAX_S in web/identity.h

sub sign
{
	my ($claims, $key) = @_;
	my $text = encode_base64url(jencode({ alg => 'HS256' })) . '.'
	    . encode_base64url(jencode($claims));
	return "$text." . encode_base64url(hmac_sha256($text, $key));
}

# Returns an assertion for core about the session, issued the given time ago.
sub assertion
{
	my ($who, $age_s, %other) = @_;
	my $ms = int((time - $age_s) * 1000);
	my $iat = int($ms / 1000);
	$who->{sid} //= $who->session->{session}{id};
	my $key = delete $other{key} // $key{ $other{aud} // 'core' };
	my %claims = (
		iss => 'auth', aud => 'core', sub => $who->{id}, sid => $who->{sid},
		roles => ['user'], accounts => [ 'core', 'wallet' ],
		iat => $iat, exp => $iat + 30, iat_ms => $ms, %other,
	);
	return sign({ map { $_ => $claims{$_} } grep { defined $claims{$_} } keys %claims }, $key);
}

# Sends core the parameters that nginx would pass on after it has read the body.
sub handed_on
{
	my ($assertion, %opt) = @_;
	my $service = $opt{service} // 'core';
	my $path = $opt{path} // '/api/core/tasks';
	my $body = $opt{body} // jencode({ title => $opt{title} // 'slow' });
	return fcgi_request(
		$k->dir . "/run/$service.sock",
		{ REQUEST_METHOD => $opt{method} // 'POST', KEDGE_PATH => $path, KEDGE_RAW_URI => $path,
			QUERY_STRING => '', KEDGE_HOST => '127.0.0.1', KEDGE_SCHEME => 'http',
			REMOTE_ADDR => '127.0.0.1', KEDGE_REQUEST_ID => 'slow-body-test',
			KEDGE_IDENTITY => $assertion,
			CONTENT_TYPE => length $body ? 'application/json' : '',
			CONTENT_LENGTH => length $body || '',
			%{ $opt{params} // {} },
		},
		$body,
		deadline_s => 20
	);
}

sub tasks_of
{
	my ($who) = @_;
	return $k->sql('core', "SELECT count(*) FROM task WHERE user_id = '$who->{id}'");
}

# ---- a slow connection --------------------------------------------------------------

sub verdicts
{
	my $text = $k->monitor->get('/metrics/auth')->{body};
	my $n = 0;
	$n += $1 while $text =~ /^kedge_http_requests_total\{[^}]*route="verdict"[^}]*\} (\d+)/mg;
	return $n;
}

# Sends all of the request but its last byte, and returns when nginx has the verdict.
sub begin_slowly
{
	my ($who, $task) = @_;
	my $before = verdicts();
	my $s = raw_open($k->port);
	syswrite $s, "POST /api/core/tasks HTTP/1.1\r\nHost: 127.0.0.1:@{[ $k->port ]}\r\n"
	    . "Origin: @{[ $k->base ]}\r\nCookie: @{[ $who->cookie_header ]}\r\nConnection: close\r\n"
	    . "Content-Type: application/json\r\nContent-Length: @{[ length $task ]}\r\n\r\n"
	    . substr $task, 0, -1;
	wait_until(sub { verdicts() > $before }, 10) or die 'nginx did not ask verify';
	return ($s, time);
}

# The client is so slow that the verdict is older than a second.
sub end_slowly
{
	my ($s, $begun, $task) = @_;
	wait_until(sub { time - $begun > 1.1 }, 5);
	syswrite $s, substr $task, -1;
	return raw_answers(raw_read($s, 20)) // {};
}

my $alice = $k->user('alice');
my $bob = $k->user('bob');
$_->get('/api/core/me') for $alice, $bob;
my $task = jencode({ title => 'over a slow line' });
my @alice = begin_slowly($alice, $task);
my @bob = begin_slowly($bob, $task);
is($bob->copy->sign_out->{status}, 200, 'a user signs out while the body of a request arrives');
my $a = end_slowly(@bob, $task);
is($a->{status}, 401, 'a body that ends after the sign-out gets 401') or diag($a->{body});
is(tasks_of($bob), 0, 'the request of the signed-out user stores nothing');
$a = end_slowly(@alice, $task);
is($a->{status}, 201, 'the slow request of a signed-in user succeeds')
    or diag($a->{body});
is(tasks_of($alice), 1, 'the slow request is executed once');

# ---- an assertion that has expired on the way ----------------------------------------

is(handed_on(assertion($alice, 0))->{status}, 201, 'a request with a fresh verdict succeeds');
my $before = verdicts();
is(handed_on(assertion($alice, 0.2))->{status}, 201, 'a request with a verdict of 0.2 s succeeds');
is(verdicts(), $before, 'a verdict of 0.2 s is not renewed');
for my $age (2, 25, 40, 200, $bound_s - 20) {
	$a = handed_on(assertion($alice, $age));
	is($a->{status}, 201, "a body of $age s is accepted") or diag($a->{body});
}
cmp_ok(verdicts(), '>=', $before + 5, 'auth renews the verdict of each slow body');
is(handed_on(assertion($alice, 100), method => 'GET', path => '/api/core/me', body => '{}')->{status},
	200, 'a GET with an old verdict and a body is answered');
is(handed_on(assertion($alice, 100), method => 'GET', path => '/api/core/whoami',
	body => '{}')->{status}, 200, 'a GET with an old verdict is answered by the event loop, too');
is(handed_on(assertion($alice, 100), method => 'GET', path => '/api/core/me', body => '')->{status},
	401, 'a GET with an old verdict and no body is refused');

my $wallet = $alice->get('/api/wallet/accounts')->{json}{items}[0]{id};
my $other = $alice->post('/api/wallet/accounts', { name => 'n', currency => 'USD' })->{json}{id};
my $batch = jencode({ transfers => [ map { {
	debitAccountId => $wallet, creditAccountId => $other, amount => 1, memo => 'm' x 500
} } 1 .. 1000 ] });
$a = handed_on(assertion($alice, 300, aud => 'wallet'), service => 'wallet', body => $batch,
	path => '/api/wallet/transfers/batch', params => { HTTP_IDEMPOTENCY_KEY => 'slow' });
is($a->{status}, 200, sprintf 'a batch of %d KiB that took 300 s', length($batch) / 1024)
    or diag($a->{body});

# ---- requests that must be refused --------------------------------------------------

my $tasks = tasks_of($alice);
my $carol = $k->user('carol');
$carol->{sid} = $carol->session->{session}{id};
my @refused = (
	[ 'older than any body', assertion($alice, $bound_s + 10) ],
	[ 'of the future', assertion($alice, -100) ],
	[ "another's session", assertion($alice, 40, sid => $carol->{sid}) ],
	[ 'no session', assertion($alice, 40, sid => 'nobody') ],
	[ 'for wallet', assertion($alice, 40, aud => 'wallet') ],
	[ "with wallet's key", assertion($alice, 40, key => $key{wallet}) ],
	[ 'unsigned', assertion($alice, 40, key => '') ],
	[ 'whose times disagree', assertion($alice, 40, iat_ms => int(time * 1000)) ],
	[ 'for an hour', assertion($alice, 40, exp => int(time) + 3600) ],
);
is(handed_on($_->[1])->{status}, 401, "an old assertion $_->[0] is refused") for @refused;

# The user loses the role that the location, or the route, requires.
is(handed_on(assertion($alice, 5, required_roles => ['user']))->{status}, 201,
	'an old verdict for a role-gated location is renewed');
is(handed_on(assertion($alice, 5, required_roles => ['editor'], roles => ['editor']))->{status},
	403, "an old verdict is not renewed when the location's role was removed");
my %currency = (service => 'wallet', path => '/api/wallet/currencies',
	body => jencode({ code => 'SLOWBODY', exponent => 2 }));
is(handed_on(assertion($alice, 5, aud => 'wallet', roles => ['operator']), %currency)->{status},
	403, "an old verdict is not renewed when the route's role was removed");
is($k->sql('wallet', "SELECT count(*) FROM currency WHERE code = 'SLOWBODY'"), 0,
	'the refused request stores nothing');
$k->sql('auth', qq{UPDATE "user" SET banned = true WHERE id = '$carol->{id}'});
is(handed_on(assertion($carol, 5))->{status}, 403, 'an old verdict is not renewed for a banned user');
is(tasks_of($carol), 0, 'the request of the banned user stores nothing');

# Sends the request for a second verdict as another program could.
sub ask
{
	my (%header) = @_;
	my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $k->dir . '/run/internal.sock')
	    or die "internal.sock: $!";
	print $s "GET /api/auth/reverify HTTP/1.1\r\nHost: auth.internal\r\nConnection: close\r\n",
	    (map { "$_: $header{$_}\r\n" } keys %header), "\r\n";
	$s->flush;
	return raw_answers(raw_read($s));
}

sub service
{
	my ($name, $key, %other) = @_;
	my $now = int time;
	return 'Bearer ' . sign({ iss => $name, aud => 'auth', sub => $alice->{id}, iat => $now,
		exp => $now + 30, %other }, $key);
}
my $core = service(core => $key{core});
$a = ask('Authorization' => $core, 'Kedge-Assertion' => assertion($alice, 40));
is($a->{status}, 200, "auth answers core's question with 200");
my $renewed = jdecode(decode_base64url((split /\./, $a->{body})[1]));
is_deeply([ @$renewed{qw(aud sub sid)} ], [ 'core', $alice->{id}, $alice->{sid} ],
	'the renewed assertion is for the same service, user and session');
cmp_ok(abs($renewed->{iat_ms} / 1000 - time), '<', 5, 'the renewed assertion has the present time');
my @strangers = (
	[ 'nobody', undef, assertion($alice, 40) ],
	[ 'a client', $alice->cookie_header, assertion($alice, 40) ],
	[ "core without an assertion", $core, undef ],
	[ "core with wallet's key", service(core => $key{wallet}), assertion($alice, 40) ],
	[ "wallet with core's assertion", service(wallet => $key{wallet}), assertion($alice, 40) ],
	[ "core with wallet's assertion", $core, assertion($alice, 40, aud => 'wallet') ],
	[ 'core of another user', service(core => $key{core}, sub => $bob->{id}), assertion($alice, 40) ],
	[ 'core with its own token', $core, $core =~ s/^Bearer //r ],
	[ 'core with a replay', $core, assertion($alice, $bound_s + 10) ],
	[ "core with an older release's", $core, assertion($alice, 40, iat_ms => undef) ],
);
for my $row (@strangers) {
	my ($name, $authorization, $assertion) = @$row;
	$a = ask((defined $authorization ? (Authorization => $authorization) : ()),
		(defined $assertion ? ('Kedge-Assertion' => $assertion) : ()));
	is($a->{status}, 401, "$name: auth answers the question with 401");
	is($a->{body}, '', "$name: the answer has no assertion") or diag($a->{body});
}
ok(wait_until(sub {
	$k->log_text('auth') =~ /"msg":"request","method":"GET","path":"\/api\/auth\/reverify","route":"\/reverify","status":401,/
    }, 10), 'the log has the refused questions');
is($alice->get('/api/auth/reverify', headers => {
	Authorization => $core, 'Kedge-Assertion' => assertion($alice, 40) })->{status},
	404, 'reverify is refused on the public listener');

# ---- auth is unavailable ------------------------------------------------------------

$tasks = tasks_of($alice);
my $old = assertion($alice, 40);
my $fresh = assertion($alice, 0);
$k->kill_pid(STOP => @$verify_pids);
is(handed_on(assertion($alice, 0))->{status}, 201, 'while auth hangs, a request with a fresh verdict succeeds');
$a = handed_on($old);
is($a->{status}, 503, 'while auth hangs, a request with an old verdict gets 503') or diag($a->{body});
like($a->{headers}{'retry-after'} // '', qr/^\d+$/, 'the 503 while auth hangs has Retry-After');
is(tasks_of($alice), $tasks + 1, 'the request that got 503 stores nothing');
$k->kill_pid(CONT => @$verify_pids);
ok(wait_until(sub { handed_on($old)->{status} == 201 }, 15), 'requests with an old verdict succeed when auth continues');

$alice->sign_out;
is(handed_on($old)->{status}, 401, 'an old assertion is refused after the sign-out');
done_testing;
