# verify's verdicts: which requests pass nginx, with which assertion, and where refused
# requests are redirected.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(hmac_sha256);
use MIME::Base64 qw(decode_base64url encode_base64url);
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(files jdecode jencode wait_until);
use Kedge::FastCGI qw(fcgi_request);
use Kedge::Raw qw(raw_http);

my $k = Kedge->up;
my $alice = $k->user('alice');
my $anyone = $k->client;
my $whoami = '/api/core/whoami';

# ---- guards ---------------------------------------------------------------------

my %open = map { $_ => 1 } '/', '/api/auth/ok', '/api/auth/get-session', '/api/core/openapi.json',
    '/api/wallet/openapi.json', '/api/auth/openapi.json';
is($anyone->get($_)->{status}, 200, "$_ is served without a session") for sort keys %open;
for my $path ($whoami, '/api/core/me', '/api/core/tasks', '/api/core/admin/stats',
	'/api/wallet/accounts') {
	my $r = $anyone->get($path);
	is($r->{status}, 401, "$path is answered with 401 without a session");
	is($r->{json}{code}, 'UNAUTHENTICATED', "$path: the 401 has the code UNAUTHENTICATED");
}
is($alice->get('/api/core/admin/stats')->{status}, 403, '/admin/stats is 403 for a user');
is($alice->get('/api/core/admin/nothing')->{status}, 403, 'a path below /admin/ that does not exist is 403 for a user');
is($alice->get('/api/core/admin/stats')->{json}{code}, 'FORBIDDEN', 'the 403 below /admin/ has the code FORBIDDEN');

# A new role is effective on the next request, although the session is in the cache.
for my $role ('admin', 'user', 'editor,admin', 'administrator', 'admin2', 'user,admin', 'user') {
	$k->role($alice, $role);
	my %roles = map { $_ => 1 } split /,/, $role;
	is($alice->get('/api/core/admin/stats')->{status}, $roles{admin} ? 200 : 403,
		"the role $role may read /admin/stats only if it is admin");
	is_deeply($alice->get($whoami)->{json}{roles}, [ split /,/, $role ], 'whoami returns the roles of the user');
}

# A banned user is refused.  The ban is set by SQL, so the test empties the cache.
my $banned = $k->user('banned');
is($banned->get($whoami)->{status}, 200, 'a user who is not banned is accepted');
$k->sql('auth', qq{UPDATE "user" SET banned = true WHERE id = '$banned->{id}'});
$k->redis('auth')->cmd('FLUSHALL');
is($banned->get($whoami)->{status}, 403, 'a banned user gets 403');
$k->sql('auth',
	qq{UPDATE "user" SET "banExpires" = now() - interval '1 s' WHERE id = '$banned->{id}'});
$k->redis('auth')->cmd('FLUSHALL');
is($banned->get($whoami)->{status}, 200, 'a user whose ban has expired is accepted');
$k->sql('auth',
qq{UPDATE "user" SET banned = true, "banExpires" = now() + interval '1500 ms' WHERE id = '$banned->{id}'}
);
$k->redis('auth')->cmd('FLUSHALL');
is($banned->get($whoami)->{status}, 403, 'a user with a ban that ends later gets 403');
ok(wait_until(sub { $banned->get($whoami)->{status} == 200 }, 10),
	'a ban ends at its time, also for cached sessions');

# ---- several cookies of one name ---------------------------------------------------

# A browser may send cookies of other paths or domains: the first one whose session is
# valid is used, by verify and by auth.
{
	my ($bob, $carol) = map { $k->user($_) } qw(bob carol);
	my ($name) = keys %{ $bob->{jar} };
	my @dead = map {
		my $c = $k->again($alice);
		my $copy = $c->copy;
		$c->sign_out;
		"$name=$copy->{jar}{$name}";
	} 1 .. 5;
	my ($b, $c, $forged) = ("$name=$bob->{jar}{$name}", "$name=$carol->{jar}{$name}", "$name=x.y");
	(my $changed = $c) =~ s/=(.)/'=' . ($1 eq 'A' ? 'B' : 'A')/e;
	my $who = sub {
		my ($cookie) = @_;
		my $verdict = $anyone->get($whoami, cookie => $cookie);
		my $session = $anyone->get('/api/auth/get-session', cookie => $cookie);
		my $list = $anyone->get('/api/auth/list-sessions', cookie => $cookie);
		my $id = $verdict->{json}{userId} // '';
		my $seen = $session->{json} ? $session->{json}{user}{id} : '';
		my @cleared = grep {/session_token=;/} @{ $session->{cookies} };
		return $seen ne $id ? "verify $id, auth $seen"
		    : $list->{status} != ($id ne '' ? 200 : 401) ? "list-sessions $list->{status}"
		    : $id ne '' && @cleared ? 'a cookie is taken back'
		    : $id eq $bob->{id} ? 'bob' : $id eq $carol->{id} ? 'carol' : $id || $verdict->{status};
	};
	for my $row (
		[ [$b] => 'bob' ],
		[ [ $dead[0], $b ] => 'bob' ],
		[ [ $b, $dead[0] ] => 'bob' ],
		[ [ $b, $c ] => 'bob' ],
		[ [ $c, $b ] => 'carol' ],
		[ [ @dead[ 0 .. 2 ], $c, $b ] => 'carol' ],
		[ [ $forged, $changed, $b ] => 'bob' ],
		[ [ ($dead[0]) x 8, $b ] => 'bob' ],
		[ [ ($forged) x 15, $b ] => 'bob' ],
		# Of up to sixteen cookies with the session's name, at most four
		# sessions are looked up.
		[ [ @dead[ 0 .. 3 ], $b ] => 401 ],
		[ [ ($forged) x 16, $b ] => 401 ],
		[ [ @dead, $forged, $changed ] => 401 ],
	) {
		my ($cookies, $want) = @$row;
		my $kinds = join ', ', map {
			my $one = $_;
			$one eq $b ? 'bob' : $one eq $c ? 'carol' : (grep { $_ eq $one } @dead) ? 'dead' : 'forged'
		} @$cookies;
		is($who->(join '; ', @$cookies), $want, "with the cookies $kinds the session is: $want") for 1 .. 2;
	}

	# Two Cookie header lines, which nginx joins from 1.23 on.
	my $lines = sub {
		my ($path, @cookies) = @_;
		my $r = raw_http($k->port,
			"GET $path HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
			    . join('', map {"Cookie: $_\r\n"} @cookies) . "\r\n");
		my $json = jdecode($r->{body}) // {};
		return "$r->{status} " . (($json->{user} ? $json->{user}{id} : $json->{userId}) // '');
	};
	for my $path ($whoami, '/api/auth/get-session') {
		is($lines->($path, 'a=b', $b), "200 $bob->{id}", "$path: of two Cookie lines the valid one counts");
		is($lines->($path, $dead[0], $b, $c), "200 $bob->{id}", "$path: of three Cookie lines the first valid one counts");
		is($lines->($path, $c, "x=y; $b"), "200 $carol->{id}", "$path: two valid Cookie lines count in their order");
	}

	# After sign-out no session is valid, whatever cookies the browser sends next.
	is($anyone->post('/api/auth/sign-out', {}, cookie => "$dead[0]; $b; $c")->{status}, 200,
		'sign-out with several session cookies succeeds');
	is($who->($_), 401, 'sign-out has ended each session of the cookies') for $b, $c;
}

# ---- connections ------------------------------------------------------------------

# nginx keeps its connections to verify open, whatever the verdict, and stores no
# response of verify.
sub sockets_of_verify
{
	return join ' ', sort map { readlink($_) // () }
	    map { files("/proc/$_/fd") } $k->pids('auth-verify');
}
my $requests = sub {
	is($alice->get($whoami)->{status}, 200, 'verify accepts a user');
	is($anyone->get($whoami)->{status}, 401, 'verify refuses a request without a session');
	is($alice->get('/api/core/admin/stats')->{status}, 403, 'verify refuses a user without the role');
};
$requests->() for 1 .. 3;
my $sockets = sockets_of_verify();
like($sockets, qr/socket:/, 'nginx has connections to verify');
$requests->() for 1 .. 20;
is(sockets_of_verify(), $sockets, 'nginx has the same connections to verify after sixty verdicts');
is(join(' ', files("$k->{dir}/nginx/tmp/fastcgi")), '', 'nginx has written no verdict to its temporary directory');
ok(-c '/dev/null', 'nginx has not replaced /dev/null');

# ---- CSRF -----------------------------------------------------------------------

my $host = '127.0.0.1:' . $k->port;
my @csrf = (
	[ 'from our page', 201, origin => $k->base ],
	[ 'from our page, as fetch does', 201, origin => $k->base,
		headers => { 'Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Mode' => 'cors' }
	],
	[ 'from elsewhere', 403, origin => 'https://evil.example' ],
	[ 'from elsewhere, claiming same-origin', 403, origin => 'https://evil.example',
		headers => { 'Sec-Fetch-Site' => 'same-origin' }
	],
	[ 'from our host on another port', 403, origin => 'http://127.0.0.1:1' ],
	[ 'from our host over https', 403, origin => "https://$host" ],
	[ 'from a longer host', 403, origin => $k->base . '.evil.example' ],
	[ 'from null', 403, origin => 'null' ],
	[ 'across sites, no Origin', 403, origin => undef,
		headers => { 'Sec-Fetch-Site' => 'cross-site' }
	],
	[ 'from a sibling site, no Origin', 403, origin => undef,
		headers => { 'Sec-Fetch-Site' => 'same-site' }
	],
	[ 'same-origin, no Origin', 201, origin => undef,
		headers => { 'Sec-Fetch-Site' => 'same-origin' }
	],
	[ 'with a foreign Referer', 403, origin => undef,
		headers => { Referer => 'https://evil.example/' }
	],
	[ 'with two origins', 403, origin => $k->base . ' https://evil.example' ],
);
for my $row (@csrf) {
	my ($name, $want, %opt) = @$row;
	is($alice->post('/api/core/tasks', { title => 'x' }, %opt)->{status}, $want, "POST with $name is answered with $want");
}
my $task = $alice->post('/api/core/tasks', { title => 'keep me' })->{json}{id};
for my $method (qw(DELETE PATCH)) {
	is(
		$alice->request(
			$method => "/api/core/tasks/$task", json => {},
			origin => 'https://evil.example'
		)->{status},
		403,
		"$method from another origin is refused");
}
is($alice->get("/api/core/tasks/$task", origin => 'https://evil.example')->{status}, 200,
	'GET from another origin is served');
is($alice->post('/api/auth/sign-out', {}, origin => 'https://evil.example')->{status}, 403,
	'sign-out from another origin is refused');
is($alice->get($whoami)->{status}, 200, 'the session is valid after the refused sign-out');

# ---- what a refused request changes ---------------------------------------------

sub line_of
{
	my ($r) = @_;
	my $id = $r->{headers}{'x-request-id'};
	my $line;
	wait_until(sub { ($line) = grep {/"$id".*"verdict"/} split /\n/, $k->log_text('auth') }, 10);
	return jdecode($line // '{}');
}
my $gone = $k->user('gone')->copy;
$gone->copy->sign_out;
$k->sql('auth', qq{UPDATE "user" SET "banExpires" = NULL WHERE id = '$banned->{id}'});
$k->redis('auth')->cmd('FLUSHALL');
my @refused = (
	[
		'no session', $anyone, GET => "$whoami?token=hush",
		[ 401, 'core', 'standard', $whoami, 'no_session' ]
	],
	[
		'an ended one', $gone, GET => '/api/wallet/accounts',
		[ 401, 'wallet', 'standard', '/api/wallet/accounts', 'ended' ]
	],
	[
		'another origin', $alice, PATCH => "/api/core/tasks/$task",
		[ 403, 'core', 'standard', "/api/core/tasks/$task", 'origin' ],
		json => {}, origin => 'https://evil.example'
	],
	[
		'no such role', $alice, DELETE => '/api/core/admin/%22x%0a',
		[ 403, 'core', 'role-gated', "/api/core/admin/\"x\n", 'role' ]
	],
	[ 'a ban', $banned, GET => $whoami, [ 403, 'core', 'standard', $whoami, 'banned' ] ],
	[
		'a long path', $anyone, GET => '/api/core/' . 'x' x 2000,
		[ 401, 'core', 'standard', '/api/core/' . 'x' x 1014 . "\x{2026}", 'no_session' ]
	],
);
for my $row (@refused) {
	my ($name, $client, $method, $path, $want, %opt) = @$row;
	my $r = $client->copy->request($method => $path, %opt);
	is($r->{status}, $want->[0], "$name: the request is answered with $want->[0]");
	my $line = line_of($r);
	is_deeply([ @$line{qw(method status audience guard path reason)} ], [ $method, @$want ],
		"$name: the access line has method, audience, guard, path and reason")
	    or diag(jencode($line));
	is($line->{user}, $want->[0] == 403 ? $client->{id} : undef, "$name: the access line has the user if the user is known");
	unlike(jencode($line), qr/hush|session_token/, "$name: the access line contains no secret");
	my ($text) = grep { index($_, qq("request_id":"$line->{request_id}")) >= 0 && /"reason":/ }
	    split /\n/, $k->log_text('auth');
	is(scalar(() = $text =~ /"path":/g), 1, "$name: each member of the access line occurs once");
}

# ---- redirects of a browser to the sign-in page -------------------------------

my %navigate =
    ('Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Dest' => 'document', Accept => 'text/html');
my @browser = (
	[ 'a navigation', 302, {%navigate} ],
	[ 'an old browser', 302, { Accept => 'text/html,application/xhtml+xml,*/*;q=0.8' } ],
	[ 'fetch', 401, { 'Sec-Fetch-Mode' => 'cors', Accept => '*/*' } ],
	[ 'fetch that asks for HTML', 401, { 'Sec-Fetch-Mode' => 'cors', Accept => 'text/html' } ],
	[ 'curl', 401, { Accept => '*/*' } ],
	[ 'an image', 401, { 'Sec-Fetch-Mode' => 'no-cors', Accept => 'image/*' } ],
);
for my $row (@browser) {
	my ($name, $want, $headers) = @$row;
	my $r = $anyone->get($whoami, headers => $headers);
	is($r->{status}, $want, "$name: the answer is $want");
	like($r->{headers}{'cache-control'} // '', qr/no-store/, "$name: the answer has Cache-Control no-store");
	ok(!exists $r->{headers}{location}, "$name: the answer has no Location") if $want == 401;
	is($r->{json}{code}, 'UNAUTHENTICATED', "$name: the answer is JSON with the code UNAUTHENTICATED");
	ok(!@{ $r->{cookies} }, "$name: the answer sets no cookie");
}
is($anyone->post('/api/core/tasks', { title => 'x' }, headers => {%navigate})->{status}, 401,
	'a form is not redirected to sign in');
for my $path (
	$whoami, '/api/core/tasks?status=open&limit=2',
	'/api/core/a%20b?c=%26d&e=http://evil.example/',
	'/api/core//evil.example', '/api/core/%0d%0aSet-Cookie:x=y',
	'/api/core/x?next=//evil.example#y', '/api/core/%22%3E%3Cscript%3E',
	'/api/core/a%3fb%23c%25d?x=%3f', '/api/core/%c3%a9'
) {
	my $r = $anyone->get($path, headers => {%navigate});
	if ($r->{status} == 400) {
		pass("$path: the request is refused");
		next;
	}
	is($r->{status}, 302, "$path: the browser is redirected to sign in");
	my $to = $r->{headers}{location};
	my $base = $k->base;
	like($to, qr{^(?:\Q$base\E)?/[^/\\]}, "$path: the redirect stays on this site") unless $to =~ m{^(?:\Q$base\E)?/$};
	like($to, qr{^[\x21-\x7e]+$}, "$path: the redirect has no control characters");
	my ($next) = $to =~ /[?&]next=([^&]*)/;
	ok(defined $next, "$path: the redirect names the page to return to");
	$next =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
	like($next, qr{^/(?!/)[\x21-\x7e]*$}, "$path: the page to return to is an encoded path");
	my ($asked, $query) = split /\?/, $path =~ s/#.*//r, 2;
	my ($back, $again) = split /\?/, $next, 2;
	s{%([0-9A-Fa-f]{2})}{chr hex $1}ge, s{//+}{/}g for $asked, $back;
	is($back, $asked, "$path: the page to return to has the requested path");
	is($again, $query, "$path: the page to return to has the requested query");
}
my $r = $alice->get('/api/core/admin/stats', headers => {%navigate});
is($r->{status}, 403, 'a signed-in browser without the role gets 403 and no redirect');

# ---- the assertion -------------------------------------------------------------

my $socket = $k->dir . '/run/verify.sock';
my %ask = (
	REQUEST_METHOD => 'GET', KEDGE_METHOD => 'GET', KEDGE_AUDIENCE => 'core',
	KEDGE_GUARD => 'standard',
	KEDGE_ROLES => '', KEDGE_PATH => $whoami, KEDGE_HOST => '127.0.0.1',
	KEDGE_SCHEME => 'http', QUERY_STRING => '',
	KEDGE_RAW_URI => $whoami,
	REMOTE_ADDR => '127.0.0.1', KEDGE_REQUEST_ID => 'test',
	HTTP_COOKIE => $alice->cookie_header,
);
my $verdict = fcgi_request($socket, \%ask);
is($verdict->{status}, 204, 'verify answers 204 to a valid session') or diag(explain($verdict));
is($verdict->{body}, '', 'the verdict has no body');
my $jws = $verdict->{headers}{'kedge-identity'};
cmp_ok(length $jws, '<', 1024, 'the assertion is shorter than 1024 bytes');
my @part = split /\./, $jws;
is(jdecode(decode_base64url($part[0]))->{alg}, 'HS256', 'the assertion is signed with HS256');
my $claims = jdecode(decode_base64url($part[1]));
is($claims->{ $_->[0] }, $_->[1], "the assertion has the claim $_->[0]")
    for [ iss => 'auth' ], [ aud => 'core' ], [ sub => $alice->{id} ],
    [ sid => $alice->session->{session}{id} ];
is_deeply($claims->{roles}, ['user'], 'the assertion has the roles');
is(ref $claims->{accounts}, 'ARRAY', 'the assertion has a list of accounts');
cmp_ok(abs($claims->{iat} - time), '<', 5, 'iat is the present time');
is(int($claims->{iat_ms} / 1000), $claims->{iat}, 'iat_ms is iat with milliseconds');
ok(!exists $claims->{required_roles}, 'the assertion has no required_roles without a role');
cmp_ok($claims->{exp} - $claims->{iat}, '<=', 60, 'the assertion expires within 60 seconds');
my $key = decode_base64url($k->service_env('core')->{CORE_IDENTITY_KEY});
is(length $key, 32, "core's key has 32 bytes");
is(encode_base64url(hmac_sha256("$part[0].$part[1]", $key)), $part[2], "the assertion is signed with core's key");
unlike($part[2],
qr/^@{[ encode_base64url(hmac_sha256("$part[0].$part[1]", $k->service_env('auth')->{AUTH_SECRET})) ]}$/,
	"the assertion is not signed with auth's secret");
is(fcgi_request($socket, { %ask, HTTP_COOKIE => '' })->{status}, 401, 'verify answers 401 without a cookie');
is(fcgi_request($socket, { %ask, KEDGE_GUARD => 'role-gated', KEDGE_ROLES => 'admin' })->{status},
	403, 'verify answers 403 to a user who is not an admin');
$verdict = fcgi_request($socket, { %ask, KEDGE_GUARD => 'role-gated', KEDGE_ROLES => 'editor,user' });
is($verdict->{status}, 204, 'a location for the role user accepts a user');
is_deeply(
	jdecode(decode_base64url((split /\./, $verdict->{headers}{'kedge-identity'})[1]))->{required_roles},
	[qw(editor user)], 'the assertion has the roles that the location requires');
is(fcgi_request($socket, { %ask, KEDGE_GUARD => 'role-gated', KEDGE_ROLES => '' })->{status}, 403,
	'verify answers 403 to a role-gated location without roles');
for my $odd (
	[ KEDGE_GUARD => 'whatever' ], [ KEDGE_GUARD => '' ], [ KEDGE_GUARD => 'flexible ' ],
	[ KEDGE_AUDIENCE => 'nobody' ],
	[ KEDGE_AUDIENCE => '' ], [ KEDGE_AUDIENCE => '../core' ]
) {
	my $a = fcgi_request($socket, { %ask, @$odd });
	isnt($a->{status}, 204, "$odd->[0] '$odd->[1]' is not answered with 204");
	ok(!exists $a->{headers}{'kedge-identity'}, 'a refused request gets no assertion');
}
for my $missing (qw(KEDGE_AUDIENCE KEDGE_GUARD KEDGE_METHOD)) {
	my %less = %ask;
	delete $less{$missing};
	isnt(fcgi_request($socket, \%less)->{status}, 204, "verify does not answer 204 without $missing");
}
is(fcgi_request($socket, [ HTTP_COOKIE => 'better-auth.session_token=x', %ask ])->{status}, 204,
	'verify reads two Cookie parameters as one');
isnt(fcgi_request($socket, [ %ask, HTTP_ORIGIN => $k->base, HTTP_ORIGIN => 'null' ])->{status}, 204,
	'verify does not answer 204 to two Origin parameters');
ok(wait_until(sub { $k->log_text('auth') =~ /"path":"\Q$whoami\E",[^}]*"reason":"malformed"/ }, 10),
	'the log has two Origin parameters as malformed');

# Which assertions core accepts.
my $core = $k->dir . '/run/core.sock';
my %call = (
	REQUEST_METHOD => 'GET', KEDGE_PATH => $whoami, QUERY_STRING => '', CONTENT_TYPE => '',
	CONTENT_LENGTH => '',
	REMOTE_ADDR => '127.0.0.1', KEDGE_HOST => '127.0.0.1', KEDGE_SCHEME => 'http',
	KEDGE_REQUEST_ID => 'test',
	KEDGE_RAW_URI => $whoami,
);

sub sign
{
	my ($claims, %opt) = @_;
	my $text = encode_base64url(jencode($opt{header} // { alg => 'HS256', typ => 'JWT' })) . '.'
	    . encode_base64url(jencode($claims));
	return "$text." . encode_base64url(hmac_sha256($text, $opt{key} // $key));
}
my $now = int time;
my %good = (iss => 'auth', aud => 'core', sub => $alice->{id}, sid => 's', roles => ['user'],
	accounts => ['core'], iat => $now, exp => $now + 20);
my $status_of = sub { return fcgi_request($core, { %call, KEDGE_IDENTITY => $_[0] })->{status} };
is($status_of->(sign(\%good)), 200, 'core accepts a valid assertion');
is(fcgi_request($core, { %call, REQUEST_METHOD => 'GET' })->{status}, 401, 'core answers 401 without an assertion');
my $other_key = decode_base64url($k->service_env('wallet')->{WALLET_IDENTITY_KEY});
my @bad = (
	[ 'empty', '' ], [ 'garbage', 'a.b.c' ], [ 'no dots', 'abc' ],
	[ 'for wallet', sign({ %good, aud => 'wallet' }) ],
	[ 'for a list', sign({ %good, aud => ['core'] }) ],
	[ 'for everybody', sign({ %good, aud => '*' }) ],
	[ "with wallet's key", sign(\%good, key => $other_key) ],
	[ 'with no key', sign(\%good, key => '') ],
	[ "with auth's secret", sign(\%good, key => $k->service_env('auth')->{AUTH_SECRET}) ],
	[ 'of another issuer', sign({ %good, iss => 'core' }) ],
	[ 'expired', sign({ %good, iat => $now - 100, exp => $now - 60 }) ],
	[ 'of the future', sign({ %good, iat => $now + 100, exp => $now + 120 }) ],
	[ 'for a century', sign({ %good, exp => $now + 3_000_000_000 }) ],
	[ 'without exp', sign({ map { $_ => $good{$_} } grep { $_ ne 'exp' } keys %good }) ],
	[ 'without aud', sign({ map { $_ => $good{$_} } grep { $_ ne 'aud' } keys %good }) ],
	[ 'without sub', sign({ map { $_ => $good{$_} } grep { $_ ne 'sub' } keys %good }) ],
	[ 'with an empty sub', sign({ %good, sub => '' }) ],
	[ 'with sub a number', sign({ %good, sub => 7 }) ],
	[ 'with exp a text', sign({ %good, exp => '' . ($now + 20) }) ],
	[ 'alg none', sign(\%good, header => { alg => 'none' }) =~ s/[^.]*$//r ],
	[ 'alg none with a signature', sign(\%good, header => { alg => 'none' }) ],
	[ 'alg HS512', sign(\%good, header => { alg => 'HS512' }) ],
	[ 'alg RS256', sign(\%good, header => { alg => 'RS256' }) ],
	[ 'with padding', sign(\%good) . '=' ], [ 'with a tail', sign(\%good) . '.x' ],
	[ 'with a blank', ' ' . sign(\%good) ],
	[ 'signature cut', substr(sign(\%good), 0, -3) ],
	[ 'signature gone', sign(\%good) =~ s/[^.]*$//r ],
	[ 'payload changed', join '.', (split /\./, sign(\%good))[0],
		encode_base64url(jencode({ %good, sub => 'x' })), (split /\./, sign(\%good))[2]
	],
	[ 'a megabyte', 'x' x 1_000_000 ],
);
for my $row (@bad) {
	my ($name, $token) = @$row;
	like($status_of->($token) // 'cut', qr/^(401|400|413|431|cut)$/, "core refuses an assertion with $name");
}
isnt(
	fcgi_request(
		$core,
		[ %call, KEDGE_IDENTITY => sign(\%good),
			KEDGE_IDENTITY => sign({ %good, sub => 'x' })
		]
	)->{status},
	200,
	'core refuses two assertions');
is($status_of->(sign(\%good)), 200, 'core answers after the refused assertions');
isnt(
	fcgi_request(
		$core,
		{ %call, KEDGE_PATH => '/api/core/admin/stats',
			KEDGE_RAW_URI => '/api/core/admin/stats',
			KEDGE_IDENTITY => sign(\%good)
		}
	)->{status},
	200,
	'core checks the role of a path even if nginx did not ask for it');
done_testing;
