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
is($anyone->get($_)->{status}, 200, "$_ is for everyone") for sort keys %open;
for my $path ($whoami, '/api/core/me', '/api/core/tasks', '/api/core/admin/stats',
	'/api/wallet/accounts') {
	my $r = $anyone->get($path);
	is($r->{status}, 401, "$path is not");
	is($r->{json}{code}, 'UNAUTHENTICATED', 'and says so');
}
is($alice->get('/api/core/admin/stats')->{status}, 403, 'a user is no administrator');
is($alice->get('/api/core/admin/nothing')->{status}, 403, 'nowhere under /admin/');
is($alice->get('/api/core/admin/stats')->{json}{code}, 'FORBIDDEN', 'and is told so');

# A new role is effective on the next request, although the session is in the cache.
for my $role ('admin', 'user', 'editor,admin', 'administrator', 'admin2', 'user,admin', 'user') {
	$k->role($alice, $role);
	my %roles = map { $_ => 1 } split /,/, $role;
	is($alice->get('/api/core/admin/stats')->{status}, $roles{admin} ? 200 : 403,
		"role $role: admin or not");
	is_deeply($alice->get($whoami)->{json}{roles}, [ split /,/, $role ], 'whoami says so');
}

# A banned user is refused.  The ban is set by SQL, so the test empties the cache.
my $banned = $k->user('banned');
is($banned->get($whoami)->{status}, 200, 'not yet banned');
$k->sql('auth', qq{UPDATE "user" SET banned = true WHERE id = '$banned->{id}'});
$k->redis('auth')->cmd('FLUSHALL');
is($banned->get($whoami)->{status}, 403, 'banned');
$k->sql('auth',
	qq{UPDATE "user" SET "banExpires" = now() - interval '1 s' WHERE id = '$banned->{id}'});
$k->redis('auth')->cmd('FLUSHALL');
is($banned->get($whoami)->{status}, 200, 'and no longer');
$k->sql('auth',
qq{UPDATE "user" SET banned = true, "banExpires" = now() + interval '1500 ms' WHERE id = '$banned->{id}'}
);
$k->redis('auth')->cmd('FLUSHALL');
is($banned->get($whoami)->{status}, 403, 'banned for a while');
ok(wait_until(sub { $banned->get($whoami)->{status} == 200 }, 10),
	'which ends by itself, also in the cache');

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
		is($who->(join '; ', @$cookies), $want, "cookies $kinds: $want") for 1 .. 2;
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
		is($lines->($path, 'a=b', $b), "200 $bob->{id}", "$path: two Cookie lines");
		is($lines->($path, $dead[0], $b, $c), "200 $bob->{id}", "$path: three of them");
		is($lines->($path, $c, "x=y; $b"), "200 $carol->{id}", "$path: in their order");
	}

	# After sign-out no session is valid, whatever cookies the browser sends next.
	is($anyone->post('/api/auth/sign-out', {}, cookie => "$dead[0]; $b; $c")->{status}, 200,
		'sign-out with several');
	is($who->($_), 401, 'ends all of them') for $b, $c;
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
	is($alice->get($whoami)->{status}, 200, 'yes');
	is($anyone->get($whoami)->{status}, 401, 'no');
	is($alice->get('/api/core/admin/stats')->{status}, 403, 'not you');
};
$requests->() for 1 .. 3;
my $sockets = sockets_of_verify();
like($sockets, qr/socket:/, 'verify has connections');
$requests->() for 1 .. 20;
is(sockets_of_verify(), $sockets, 'and has the same after sixty verdicts');
is(join(' ', files("$k->{dir}/nginx/tmp/fastcgi")), '', 'nginx has written none of them');
ok(-c '/dev/null', 'to /dev/null neither');

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
	is($alice->post('/api/core/tasks', { title => 'x' }, %opt)->{status}, $want, "POST $name");
}
my $task = $alice->post('/api/core/tasks', { title => 'keep me' })->{json}{id};
for my $method (qw(DELETE PATCH)) {
	is(
		$alice->request(
			$method => "/api/core/tasks/$task", json => {},
			origin => 'https://evil.example'
		)->{status},
		403,
		"$method from elsewhere");
}
is($alice->get("/api/core/tasks/$task", origin => 'https://evil.example')->{status}, 200,
	'a GET does not care');
is($alice->post('/api/auth/sign-out', {}, origin => 'https://evil.example')->{status}, 403,
	'nor can they sign us out');
is($alice->get($whoami)->{status}, 200, 'still in');

# ---- what a refusal leaves behind -----------------------------------------------

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
	is($r->{status}, $want->[0], "$name: $want->[0]");
	my $line = line_of($r);
	is_deeply([ @$line{qw(method status audience guard path reason)} ], [ $method, @$want ],
		"$name: in the log")
	    or diag(jencode($line));
	is($line->{user}, $want->[0] == 403 ? $client->{id} : undef, 'with who it was');
	unlike(jencode($line), qr/hush|session_token/, 'without secrets');
	my ($text) = grep { index($_, qq("request_id":"$line->{request_id}")) >= 0 && /"reason":/ }
	    split /\n/, $k->log_text('auth');
	is(scalar(() = $text =~ /"path":/g), 1, 'and each member once');
}

# ---- where a browser goes -----------------------------------------------------

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
	is($r->{status}, $want, "$name: $want");
	like($r->{headers}{'cache-control'} // '', qr/no-store/, "$name: not to be kept");
	ok(!exists $r->{headers}{location}, "$name: no Location") if $want == 401;
	is($r->{json}{code}, 'UNAUTHENTICATED', "$name: in JSON, too");
	ok(!@{ $r->{cookies} }, "$name: no cookie");
}
is($anyone->post('/api/core/tasks', { title => 'x' }, headers => {%navigate})->{status}, 401,
	'a form post is not redirected');
for my $path (
	$whoami, '/api/core/tasks?status=open&limit=2',
	'/api/core/a%20b?c=%26d&e=http://evil.example/',
	'/api/core//evil.example', '/api/core/%0d%0aSet-Cookie:x=y',
	'/api/core/x?next=//evil.example#y', '/api/core/%22%3E%3Cscript%3E',
	'/api/core/a%3fb%23c%25d?x=%3f', '/api/core/%c3%a9'
) {
	my $r = $anyone->get($path, headers => {%navigate});
	if ($r->{status} == 400) {
		pass("$path: refused");
		next;
	}
	is($r->{status}, 302, "$path: to sign in");
	my $to = $r->{headers}{location};
	my $base = $k->base;
	like($to, qr{^(?:\Q$base\E)?/[^/\\]}, 'on this site') unless $to =~ m{^(?:\Q$base\E)?/$};
	like($to, qr{^[\x21-\x7e]+$}, 'in one clean line');
	my ($next) = $to =~ /[?&]next=([^&]*)/;
	ok(defined $next, 'with the way back');
	$next =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
	like($next, qr{^/(?!/)[\x21-\x7e]*$}, 'an address as it is written');
	my ($asked, $query) = split /\?/, $path =~ s/#.*//r, 2;
	my ($back, $again) = split /\?/, $next, 2;
	s{%([0-9A-Fa-f]{2})}{chr hex $1}ge, s{//+}{/}g for $asked, $back;
	is($back, $asked, 'of the same path');
	is($again, $query, 'and query');
}
my $r = $alice->get('/api/core/admin/stats', headers => {%navigate});
is($r->{status}, 403, 'who is signed in and not allowed is told so, not sent round in circles');

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
is($verdict->{status}, 204, 'yes') or diag(explain($verdict));
is($verdict->{body}, '', 'without a body');
my $jws = $verdict->{headers}{'kedge-identity'};
cmp_ok(length $jws, '<', 1024, 'a short assertion');
my @part = split /\./, $jws;
is(jdecode(decode_base64url($part[0]))->{alg}, 'HS256', 'HS256');
my $claims = jdecode(decode_base64url($part[1]));
is($claims->{ $_->[0] }, $_->[1], "$_->[0]")
    for [ iss => 'auth' ], [ aud => 'core' ], [ sub => $alice->{id} ],
    [ sid => $alice->session->{session}{id} ];
is_deeply($claims->{roles}, ['user'], 'roles');
is(ref $claims->{accounts}, 'ARRAY', 'accounts');
cmp_ok(abs($claims->{iat} - time), '<', 5, 'of now');
is(int($claims->{iat_ms} / 1000), $claims->{iat}, 'to the millisecond');
ok(!exists $claims->{required_roles}, 'where no role is asked for');
cmp_ok($claims->{exp} - $claims->{iat}, '<=', 60, 'for seconds');
my $key = decode_base64url($k->service_env('core')->{CORE_IDENTITY_KEY});
is(length $key, 32, "core's key");
is(encode_base64url(hmac_sha256("$part[0].$part[1]", $key)), $part[2], 'signed with it');
unlike($part[2],
qr/^@{[ encode_base64url(hmac_sha256("$part[0].$part[1]", $k->service_env('auth')->{AUTH_SECRET})) ]}$/,
	"not with auth's secret");
is(fcgi_request($socket, { %ask, HTTP_COOKIE => '' })->{status}, 401, 'nobody: 401');
is(fcgi_request($socket, { %ask, KEDGE_GUARD => 'role-gated', KEDGE_ROLES => 'admin' })->{status},
	403, 'not an admin: 403');
$verdict = fcgi_request($socket, { %ask, KEDGE_GUARD => 'role-gated', KEDGE_ROLES => 'editor,user' });
is($verdict->{status}, 204, 'a user where users may');
is_deeply(
	jdecode(decode_base64url((split /\./, $verdict->{headers}{'kedge-identity'})[1]))->{required_roles},
	[qw(editor user)], 'the assertion tells what was asked for');
is(fcgi_request($socket, { %ask, KEDGE_GUARD => 'role-gated', KEDGE_ROLES => '' })->{status}, 403,
	'role-gated for nobody: 403');
for my $odd (
	[ KEDGE_GUARD => 'whatever' ], [ KEDGE_GUARD => '' ], [ KEDGE_GUARD => 'flexible ' ],
	[ KEDGE_AUDIENCE => 'nobody' ],
	[ KEDGE_AUDIENCE => '' ], [ KEDGE_AUDIENCE => '../core' ]
) {
	my $a = fcgi_request($socket, { %ask, @$odd });
	isnt($a->{status}, 204, "$odd->[0] '$odd->[1]' opens nothing");
	ok(!exists $a->{headers}{'kedge-identity'}, 'and asserts nothing');
}
for my $missing (qw(KEDGE_AUDIENCE KEDGE_GUARD KEDGE_METHOD)) {
	my %less = %ask;
	delete $less{$missing};
	isnt(fcgi_request($socket, \%less)->{status}, 204, "without $missing: no");
}
is(fcgi_request($socket, [ HTTP_COOKIE => 'better-auth.session_token=x', %ask ])->{status}, 204,
	'two Cookie parameters are one');
isnt(fcgi_request($socket, [ %ask, HTTP_ORIGIN => $k->base, HTTP_ORIGIN => 'null' ])->{status}, 204,
	'two Origin parameters: no');
ok(wait_until(sub { $k->log_text('auth') =~ /"path":"\Q$whoami\E",[^}]*"reason":"malformed"/ }, 10),
	'which the log tells, too');

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
is($status_of->(sign(\%good)), 200, 'a good assertion');
is(fcgi_request($core, { %call, REQUEST_METHOD => 'GET' })->{status}, 401, 'none: 401');
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
	like($status_of->($token) // 'cut', qr/^(401|400|413|431|cut)$/, "assertion $name: nobody");
}
isnt(
	fcgi_request(
		$core,
		[ %call, KEDGE_IDENTITY => sign(\%good),
			KEDGE_IDENTITY => sign({ %good, sub => 'x' })
		]
	)->{status},
	200,
	'two assertions: nobody');
is($status_of->(sign(\%good)), 200, 'and core is well');
isnt(
	fcgi_request(
		$core,
		{ %call, KEDGE_PATH => '/api/core/admin/stats',
			KEDGE_RAW_URI => '/api/core/admin/stats',
			KEDGE_IDENTITY => sign(\%good)
		}
	)->{status},
	200,
	'a location that lost its role still asks for it');
done_testing;
