# S2, identity injection: no header, query parameter or body creates an identity.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jdecode);
use Kedge::FastCGI qw(fcgi_request);
use Kedge::Raw qw(raw_http);

my $k = Kedge->up;
my $port = $k->port;
my $alice = $k->user('alice');
my $bob = $k->user('bob');
my $verdict = fcgi_request(
	$k->dir . '/run/verify.sock',
	{ REQUEST_METHOD => 'GET', KEDGE_METHOD => 'GET', KEDGE_AUDIENCE => 'core',
		KEDGE_GUARD => 'standard', KEDGE_ROLES => '',
		KEDGE_PATH => '/api/core/whoami', KEDGE_RAW_URI => '/api/core/whoami',
		KEDGE_HOST => '127.0.0.1', KEDGE_SCHEME => 'http', QUERY_STRING => '',
		REMOTE_ADDR => '127.0.0.1', KEDGE_REQUEST_ID => 't',
		HTTP_COOKIE => $bob->cookie_header,
	});
my $assertion = $verdict->{headers}{'kedge-identity'};
ok($assertion, "a valid assertion of bob, which a client should never have");

my @names = (
	'Kedge-Identity', 'KEDGE_IDENTITY', 'Kedge_Identity', 'kedge-identity', 'X-Kedge-Identity',
	'HTTP_KEDGE_IDENTITY', 'HTTP-KEDGE-IDENTITY',
	'Remote-User', 'Remote_User', 'REMOTE_USER', 'X-Remote-User', 'Remote-Groups',
	'X-Forwarded-User', 'X_Forwarded_User', 'X-User-Id', 'X-User', 'X-Auth-User', 'Auth-Id',
	'X-Auth-Request-User', 'X-WEBAUTH-USER', 'X-Authenticated-User', 'X-Kedge-Roles',
	'Kedge-Audience', 'Kedge-Guard', 'KEDGE_GUARD', 'Kedge-Roles', 'Kedge-Path',
	'Kedge-Method', 'Authorization', 'X-Original-User', 'Proxy');
my @values = ($assertion, "Bearer $assertion", $bob->{id}, 'admin', $bob->{token}, 'none', '');

sub raw_get
{
	my (@lines) = @_;
	return raw_http(
		$port,
		join(   "\r\n", "GET /api/core/whoami HTTP/1.1", "Host: 127.0.0.1:$port", @lines,
			'Connection: close', '', ''
		),
		10);
}

my (@in, @other);
for my $name (@names) {
	for my $value (@values) {
		my $a = raw_get("$name: $value");
		push @in, "$name: $value" if $a->{status} == 200;
	}
}
is_deeply(\@in, [], 'nobody stays nobody with any of ' . @names * @values . ' headers');

# With the cookie of alice's session the identity is alice, whatever else the request
# contains.
my $cookie = 'Cookie: ' . $alice->cookie_header;
for my $name (@names) {
	for my $lines (
		["$name: $assertion"], [ "$name: $assertion", "$name: $bob->{id}" ],
		["$name:"], [ "Connection: $name", "$name: $assertion" ]
	) {
		my $a = raw_get($cookie, @$lines);
		next if $a->{status} =~ /^(400|401)$/;
		my $who = jdecode($a->{body})->{userId} // '';
		push @other, "@$lines: $a->{status} $who" if $who ne $alice->{id};
	}
}
is_deeply(\@other, [], 'no header makes alice another user');
is(jdecode(raw_get($cookie)->{body})->{userId}, $alice->{id}, 'a request without such a header has the identity of the cookie');

# Hop-by-hop headers that name the cookie or the verdict's header must not let a request
# pass.
for my $hop ('Cookie', 'Kedge-Identity', 'Host', 'Origin', 'X-Request-Id') {
	my $a = raw_get($cookie, "Connection: close, $hop");
	like($a->{status}, qr/^(200|400|401)$/, "Connection: $hop is answered with 200, 400 or 401");
	is(jdecode($a->{body})->{userId}, $alice->{id}, "with Connection: $hop the user is alice or nobody")
	    if $a->{status} == 200;
}

# Two Cookie headers of different users: their cookies are never mixed.
my $bobs = $bob->{jar}{'better-auth.session_token'};
my $alices = $alice->{jar}{'better-auth.session_token'};
for my $lines (
	[ "Cookie: better-auth.session_token=$alices", "Cookie: better-auth.session_token=$bobs" ],
	[ "Cookie: x=y", "Cookie: better-auth.session_token=$alices" ],
	["Cookie: better-auth.session_token=$alices; better-auth.session_token=$bobs"],
	[ "Cookie: better-auth.session_token=" . $alices =~ s/\..*//sr . '.' . $bobs =~
		    s/^.*?\.//sr
	]
) {
	my $a = raw_get(@$lines);
	my $who = (jdecode($a->{body}) // {})->{userId};
	ok(!defined $who || $who eq $alice->{id}, 'of two cookies the first one counts, or none')
	    or diag("@$lines\n$a->{status} $a->{body}");
}
isnt(
	raw_get("Cookie: better-auth.session_token=" . $alices =~ s/\..*//sr . '.' . $bobs =~
		    s/^.*?\.//sr
	)->{status},
	200,
	"a token with another session's signature is not accepted");

# A header that may occur once but occurs twice is answered as a client error (400), not
# with 5xx.
for my $lines ([ $cookie, $cookie ], [ 'Cookie: a=1', 'Cookie: b=2' ],
	[ $cookie, "Origin: http://127.0.0.1:$port", 'Origin: https://evil.example' ],
	[ $cookie, "Referer: http://127.0.0.1:$port/", 'Referer: https://evil.example/' ]) {
	my $a = raw_get(@$lines);
	like($a->{status}, qr/^(200|400|401|403)$/, 'twice: ' . join ', ', map { s/:.*//r } @$lines);
}

# Members of the query or the body that look like an identity are ignored.
for my $q (
	"userId=$bob->{id}", "KEDGE_IDENTITY=$assertion", "kedge_identity=$assertion",
	"user=$bob->{id}", "token=$bob->{token}", "access_token=$assertion"
) {
	is(     $k->client->get("/api/core/whoami?$q")->{status}, 401, 'nobody with ?' . substr $q,
		0,
		30);
	is($alice->get("/api/core/whoami?$q")->{status}, 400, 'whoami with the parameter is 400');
	is($alice->get("/api/auth/get-session?$q")->{json}{user}{id}, $alice->{id},
		'get-session with the parameter returns the user of the cookie');
}

# Requests sent directly to the services' sockets: without nginx's parameter there is no
# identity.
for my $row ([ core => '/api/core/whoami' ], [ wallet => '/api/wallet/accounts' ]) {
	my ($service, $path) = @$row;
	my %call = (
		REQUEST_METHOD => 'GET', KEDGE_PATH => $path, KEDGE_RAW_URI => $path,
		QUERY_STRING => '', REMOTE_ADDR => '127.0.0.1', KEDGE_HOST => 'a',
		KEDGE_SCHEME => 'http',
		KEDGE_REQUEST_ID => 't', CONTENT_TYPE => '', CONTENT_LENGTH => '');
	for my $name (
		qw(HTTP_KEDGE_IDENTITY HTTP_AUTHORIZATION REMOTE_USER HTTP_REMOTE_USER AUTH_ID kedge_identity KEDGE_IDENTITY_ KEDGE-IDENTITY)
	) {
		is(
			fcgi_request(
				$k->dir . "/run/$service.sock", { %call, $name => $assertion }
			)->{status},
			401,
			"$service: an assertion in $name is not accepted");
	}
}
# A parameter whose name contains "=" and a value.
for my $row ([ core => '/api/core/whoami' ]) {
	my ($service, $path) = @$row;
	my @call = (
		REQUEST_METHOD => 'GET', KEDGE_PATH => $path, KEDGE_RAW_URI => $path,
		QUERY_STRING => '',
		REMOTE_ADDR => '127.0.0.1', KEDGE_HOST => 'a', KEDGE_SCHEME => 'http',
		KEDGE_REQUEST_ID => 't', CONTENT_TYPE => '', CONTENT_LENGTH => '');
	my $socket = $k->dir . "/run/$service.sock";
	is(     fcgi_request($socket, [ @call, KEDGE_IDENTITY => $assertion ])->{status}, 200,
		'the unchanged assertion is accepted');
	for my $name (
		"KEDGE_IDENTITY=$assertion", "KEDGE_IDENTITY=$assertion\0", "X\0KEDGE_IDENTITY",
		"\0KEDGE_IDENTITY", 'KEDGE_IDENTITY ', ' KEDGE_IDENTITY', ''
	) {
		isnt(   fcgi_request($socket, [ @call, $name => $assertion ])->{status} // 0, 200,
			'but not under the name ' . Kedge::jencode(substr $name, 0, 20));
	}
	isnt(   fcgi_request($socket, [ @call, KEDGE_IDENTITY => "$assertion\0" ])->{status} // 0,
		200,
		'an assertion with a NUL after it is not accepted');
}
done_testing;
