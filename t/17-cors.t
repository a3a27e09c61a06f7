# Pages of other origins: AUTH_TRUSTED_ORIGINS decides who may read answers (CORS headers)
# and who may write (the check of the origin), on every path and for every kind of answer.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Test::More;
use Kedge qw(jdecode run slurp);
use Kedge::Raw qw(raw_http);

my $page = 'https://app.example.com';
my $evil = 'https://evil.example';
my @list = ($page, 'https://*.example.org', '*.any.example:8443', 'http://10.*',
	'https://a?c.example', 'https://*-x*.two.example', 'http://[::1]:3000', 'https://*.Case.example',
	'capacitor://localhost', 'exp://*.dev', 'path://host/cb/*', 'http://localhost:5173');
my $k = Kedge->up(env => { AUTH_TRUSTED_ORIGINS => join ',', @list });
my $own = $k->base;
my $port = $k->port;
my $alice = $k->user('alice');
my $anyone = $k->client;

sub cors { my ($r) = @_; return join ' ', sort grep {/^access-control-/} keys %{ $r->{headers} } }

sub has_cors
{
	my ($r, $origin, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $h = $r->{headers};
	is($h->{'access-control-allow-origin'}, $origin, "$name: the page may read it");
	is($h->{'access-control-allow-credentials'}, 'true', "$name: with credentials");
	my $exposed = $h->{'access-control-expose-headers'} // '';
	like($exposed, qr/(^|, )$_(,|$)/, "$name: and $_")
	    for qw(Retry-After X-Request-Id ETag Idempotency-Replayed Location);
	return varies($r, $name);
}

sub varies
{
	my ($r, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $vary = $r->{headers}{vary} // '';
	$vary = join ', ', @$vary if ref $vary;
	return like($vary, qr/\bOrigin\b/, "$name: caches keep origins apart");
}

sub has_none
{
	my ($r, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(cors($r), '', "$name: no CORS header");
	return varies($r, $name);
}

# ---- every kind of answer ------------------------------------------------------------

my $task = $alice->post('/api/core/tasks', { title => 'x' });
my $large = { title => 'x' x 200_000 };
my $huge = 'x' x (1 << 20) . 'y';
my @answers = (
	[ 'auth', 200, sub { $anyone->get('/api/auth/ok', @_) } ],
	[ 'get-session', 200, sub { $alice->get('/api/auth/get-session', @_) } ],
	[ 'an OpenAPI document', 200, sub { $anyone->get('/api/core/openapi.json', @_) } ],
	[ 'core', 200, sub { $alice->get('/api/core/whoami', @_) } ],
	[ 'wallet', 200, sub { $alice->get('/api/wallet/accounts', @_) } ],
	[ 'created', 201, sub { $alice->post('/api/core/tasks', { title => 'y' }, @_) }, 'writes' ],
	[ 'not modified', 304, sub {
		my (%o) = @_;
		$alice->get($task->{headers}{location},
			headers => { %{ $o{headers} // {} }, 'If-None-Match' => $task->{headers}{etag} }, %o)
	} ],
	[ 'a refusal of core', 404, sub { $alice->get('/api/core/nothing', @_) } ],
	[ 'invalid input', 400, sub { $alice->post('/api/core/tasks', {}, @_) }, 'writes' ],
	[ 'a method of core', 405, sub { $alice->request(PUT => '/api/core/tasks', json => {}, @_) },
		'writes' ],
	[ 'a large body', 413, sub { $alice->post('/api/core/tasks', $large, @_) }, 'writes' ],
	[ "nginx's 401", 401, sub { $anyone->get('/api/core/whoami', @_) } ],
	[ "nginx's 403", 403, sub { $alice->get('/api/core/admin/stats', @_) } ],
	[ "nginx's 404", 404, sub { $anyone->get('/api/nothing', @_) } ],
	[ 'a bare prefix', 404, sub { $anyone->get('/api/core', @_) } ],
	[ "nginx's 413", 413, sub {
		$alice->request(POST => '/api/core/tasks', body => $huge, type => 'application/json', @_)
	}, 'writes' ],
	[ 'a wrong password', 401, sub {
		$anyone->post('/api/auth/sign-in/email', { email => 'a@example.com', password => 'x' x 9 }, @_)
	}, 'writes' ],
);
for my $row (@answers) {
	my ($name, $status, $send, $writes) = @$row;
	my $r = $send->(origin => $page);
	is($r->{status}, $status, "$name: $status") or diag($r->{body});
	has_cors($r, $page, $name);
	for my $none (undef, ($writes ? () : ($evil, 'null'))) {
		$r = $send->(origin => $none);
		has_none($r, "$name, origin " . ($none // 'absent'));
	}
}
for my $none ($evil, 'null') {
	has_none($alice->post('/api/core/tasks', { title => 'y' }, origin => $none),
		"a refused write of $none");
	has_none($alice->post('/api/auth/sign-out', {}, origin => $none), "a refused sign-out of $none");
}
# What is refused before nginx has read the headers to their end.
for my $row (
	[ 431, "GET /api/core/whoami HTTP/1.1\r\nHost: x\r\nOrigin: $page\r\nX-A: @{[ 'a' x 9000 ]}\r\n\r\n" ],
	[ 400, "GET /api/core/whoami HTTP/1.1\r\nHost: x\r\nOrigin: $page\r\nContent-Length: x\r\n\r\n" ])
{
	my ($status, $bytes) = @$row;
	my ($r) = raw_http($port, $bytes);
	is($r->{status}, $status, "nginx's $status");
	is($r->{headers}{'access-control-allow-origin'}, $page, "nginx's $status: the page may read it");
}
is(cors($anyone->get('/', origin => $page)), '', 'files of the site are for its own pages');

# ---- preflights ----------------------------------------------------------------------

sub preflight
{
	my ($path, $origin, %more) = @_;
	return $anyone->request(OPTIONS => $path, origin => $origin, headers => {
		'Access-Control-Request-Method' => 'PATCH',
		'Access-Control-Request-Headers' => 'content-type,idempotency-key,if-match', %more });
}
my @paths = ('/api/core/tasks', '/api/core/admin/stats', '/api/core', '/api/core/openapi.json',
	'/api/wallet/transfers', '/api/auth/sign-in/email', '/api/auth/jobs/queues',
	'/api/auth/provision', '/api/nothing');
for my $path (@paths) {
	my $r = preflight($path, $page);
	is($r->{status}, 204, "preflight of $path");
	has_cors($r, $page, "preflight of $path");
	my $h = $r->{headers};
	is($h->{'access-control-allow-methods'}, 'GET, HEAD, POST, PUT, PATCH, DELETE', 'any method');
	is($h->{'access-control-allow-headers'}, 'content-type,idempotency-key,if-match',
		'the headers that it asked for');
	cmp_ok($h->{'access-control-max-age'} // 0, '>=', 600, 'the browser may keep the answer to a preflight');
	for my $none ($evil, 'null') {
		$r = preflight($path, $none);
		is($r->{status}, 403, "preflight of $path for $none is refused");
		has_none($r, "preflight of $path for $none");
		is($r->{json}{code}, 'ORIGIN_NOT_TRUSTED', 'the refused preflight has a code');
	}
}
is(preflight('/api/core/tasks', $page, 'Access-Control-Request-Headers' => 'x_y')
	->{headers}{'access-control-allow-headers'}, undef, 'no header that nginx ignores');
is($anyone->request(OPTIONS => '/api/core/tasks', origin => $page)->{status}, 401,
	'what is no preflight is a request');
is($anyone->request(OPTIONS => '/api/core/tasks', origin => undef,
	headers => { 'Access-Control-Request-Method' => 'GET' })->{status}, 401, 'nor without origin');
is(preflight('/api/core/tasks', $own)->{status}, 401, 'no preflight for pages of the site itself');

# ---- hostile origins: nginx and auth agree -------------------------------------------

# Each row: the origin, and whether it is trusted.  An origin with a third column gets no
# header, whatever auth says of it: no browser writes it in that way, or it needs none.
my @origins = (
	[ $own, 1, 'of this site' ],
	[ "$own.evil.example", 0 ],
	[ 'http://127.0.0.1', 0 ],
	[ "http://127.0.0.1:$port\@evil.example", 0 ],
	[ "http://127.1:$port", 0 ],
	[ "https://127.0.0.1:$port", 0 ],
	[ $page, 1 ],
	[ 'http://app.example.com', 0 ],
	[ 'https://app.example.com.', 0 ],
	[ 'https://app.example.com.evil.example', 0 ],
	[ 'https://evil-app.example.com', 0 ],
	[ 'https://x.app.example.com', 0 ],
	[ 'https://appxexample.com', 0 ],
	[ 'https://app.example.comm', 0 ],
	[ 'https://app.example.com:8443', 0 ],
	[ 'https://app.example.com:443', 1, 'odd' ],
	[ 'https://app.example.com:0443', 1, 'odd' ],
	[ 'https://app.example.com:', 1, 'odd' ],
	[ 'https://app.example.com/', 1, 'odd' ],
	[ 'https://app.example.com/x', 1, 'odd' ],
	[ 'https://APP.example.com', 1, 'odd' ],
	[ 'HTTPS://app.example.com', 1, 'odd' ],
	[ 'https://evil.example@app.example.com', 0 ],
	[ 'https://app.example.com@evil.example', 0 ],
	[ 'https://app.example.com:x@evil.example', 0 ],
	[ 'https:\\\\app.example.com', 0 ],
	[ 'https://app.example.com\\.evil.example', 0 ],
	[ 'https://app.example.com%2eevil.example', 0 ],
	[ 'https://app.example.com https://evil.example', 0 ],
	[ 'https://evil.example https://app.example.com', 0 ],
	[ 'https://app.example.com,https://evil.example', 0 ],
	[ 'https://evil.example/https://app.example.com', 0 ],
	[ 'https://evil.example?https://app.example.com', 0 ],
	[ 'https://evil.example#https://app.example.com', 0 ],
	[ 'app.example.com', 0 ],
	[ '//app.example.com', 0 ],
	[ 'https:app.example.com', 0 ],
	[ 'https://a.example.org', 1 ],
	[ 'https://a.b.c.example.org', 1 ],
	[ 'https://example.org', 0 ],
	[ 'https://evilexample.org', 0 ],
	[ 'http://a.example.org', 0 ],
	[ 'https://a.example.org:8443', 0 ],
	[ 'https://a.example.org.', 0 ],
	[ 'https://a.example.org.evil.example', 0 ],
	[ 'https://evil.example/.example.org', 0 ],
	[ 'https://evil.example?.example.org', 0 ],
	[ 'https://evil.example#.example.org', 0 ],
	[ 'https://evil.example:80@a.example.org', 0 ],
	[ 'https://evil.example\\.example.org', 0 ],
	[ 'https://evil.example%00.example.org', 0 ],
	[ 'https://evil example.org', 0 ],
	[ 'https://[::1].example.org', 0 ],
	[ 'https://A.EXAMPLE.ORG', 1, 'odd' ],
	[ 'https://a.case.example', 1 ],
	[ 'http://a.any.example:8443', 1 ],
	[ 'https://a.any.example:8443', 1 ],
	[ 'https://a.any.example', 0 ],
	[ 'https://a.any.example:84430', 0 ],
	[ 'ftp://a.any.example:8443', 0 ],
	[ 'http://10.1.2.3', 1 ],
	[ 'http://10.1.2.3:8080', 1 ],
	[ 'http://10.1.2.3:65535', 1 ],
	[ 'http://10.1.2.3:65536', 0 ],
	[ 'http://10.1.2.3:080', 1, 'odd' ],
	[ 'http://10.1.2', 0 ],
	[ 'http://10.1.2.256', 0 ],
	[ 'http://10.01.2.3', 0 ],
	[ 'http://10.evil.example', 0 ],
	[ 'http://10.1.2.3.evil.example', 0 ],
	[ 'https://10.1.2.3', 0 ],
	[ 'https://abc.example', 1 ],
	[ 'https://a.c.example', 1 ],
	[ 'https://ac.example', 0 ],
	[ 'https://a/c.example', 0 ],
	[ 'https://a-x.two.example', 1 ],
	[ 'https://a-x-x-b.two.example', 1 ],
	[ 'https://a-xb.c-x.two.example', 1 ],
	[ 'https://-x.two.example', 1 ],
	[ 'https://a-y.two.example', 0 ],
	[ 'https://' . '-x' x 100 . '.two.exampl', 0 ],
	[ 'http://[::1]:3000', 1 ],
	[ 'http://[::1]', 0 ],
	[ 'http://[::1]:3001', 0 ],
	[ 'http://[0:0:0:0:0:0:0:1]:3000', 0 ],
	[ 'http://[::ffff:127.0.0.1]:3000', 0 ],
	[ 'http://::1:3000', 0 ],
	[ 'http://localhost:5173', 1 ],
	[ 'http://localhost.:5173', 0 ],
	[ 'http://localhost:51730', 0 ],
	[ 'http://localhost', 0 ],
	[ 'capacitor://localhost', 1 ],
	[ 'capacitor://localhost.evil', 0 ],
	[ 'capacitor://evil', 0 ],
	[ 'CAPACITOR://localhost', 1, 'odd' ],
	[ 'capacitorx://localhost', 0 ],
	[ 'exp://a.dev', 1 ],
	[ 'exp://a.dev.evil', 0 ],
	[ 'exp://x@a.dev', 0 ],
	[ 'path://host', 0 ],
	[ 'path://host/cb/x', 1, 'odd' ],
	[ 'null', 0 ],
	[ 'NULL', 0 ],
	[ '*', 0 ],
	[ 'https://*.example.org', 0 ],
	[ 'https://', 0 ],
	[ 'https://.', 0 ],
	[ 'file://', 0 ],
	[ 'chrome-extension://app.example.com', 0 ],
);
my $origin_codes = qr/^(?:INVALID_ORIGIN|MISSING_OR_NULL_ORIGIN|ORIGIN_NOT_TRUSTED)$/;
for my $row (@origins) {
	my ($origin, $trusted, $odd) = @$row;
	my $granted = $anyone->get('/api/auth/ok', origin => $origin)
	    ->{headers}{'access-control-allow-origin'};
	is($granted, $trusted && !$odd ? $origin : undef, "$origin: nginx");
	my $r = $alice->post('/api/auth/update-user', { name => 'Alice' }, origin => $origin);
	is($r->{status}, $trusted ? 200 : 403, "$origin: auth") or diag($r->{body});
	like($r->{json}{code}, $origin_codes, 'because of the origin') if !$trusted;
	$r = $alice->post('/api/core/tasks', {}, origin => $origin);
	is($r->{status}, $trusted ? 400 : 403, "$origin: verify") or diag($r->{body});
}
# What a refused origin is told: at auth, by BetterAuth's code and our own sentence; at
# every service by verify; and to a preflight.
my $refused = $alice->post('/api/auth/update-user', { name => 'x' }, origin => $evil);
is("$refused->{status} $refused->{json}{code} $refused->{json}{message}",
	'403 INVALID_ORIGIN Invalid origin', 'auth: as BetterAuth');
for my $row (
	[ 'auth', $refused->{json}{help} ],
	map { [ $_->[0], "$_->[1]{json}{code} $_->[1]{json}{message}" ] }
	[ 'core', $alice->post('/api/core/tasks', { title => 'x' }, origin => $evil) ],
	[ 'wallet', $alice->post('/api/wallet/transfers', {}, origin => $evil) ],
	[ 'a preflight', preflight('/api/core/tasks', $evil) ],
	[ 'a preflight of auth', preflight('/api/auth/update-user', $evil) ])
{
	my ($name, $text) = @$row;
	like($text // '', qr/^ORIGIN_NOT_TRUSTED\b/, "$name: the code");
	like($text // '', qr/\Q$evil\E/, "$name: names the origin");
	like($text // '', qr/AUTH_TRUSTED_ORIGINS/, "$name: and the variable");
	like($text // '', qr{docs/ORIGINS\.md}, "$name: and the page");
}
for my $origin (undef, 'null', 'https://"}evil') {
	my $r = $alice->post('/api/core/tasks', { title => 'x' }, origin => $origin);
	is("$r->{status} $r->{json}{code}", '403 ORIGIN_NOT_TRUSTED', 'no origin: the same code');
	like($r->{json}{message}, qr/must have the header Origin/, 'the message says which header is missing');
}
my $r401 = $anyone->get('/api/core/whoami', headers => { Authorization => 'Bearer x' });
like($r401->{json}{message}, qr/^The header Authorization is not accepted\..* bearer in AUTH_PLUGINS/,
	'a bearer token where the plugin is off: verify says so');
$r401 = $anyone->post('/api/auth/update-user', { name => 'x' }, headers => { Authorization => 'Bearer x' });
is("$r401->{status} $r401->{json}{code}", '401 UNAUTHORIZED', 'auth answers 401, too');
like($r401->{json}{help}, qr/add bearer to AUTH_PLUGINS/, 'the 401 says which plugin to add');
my ($umlaut) = raw_http($port, "GET /api/auth/ok HTTP/1.1\r\nHost: x\r\n"
	    . "Origin: https://\xc3\xbc.example.org\r\nConnection: close\r\n\r\n");
has_none($umlaut, 'a host that is not ASCII');
my ($renamed) = raw_http($port, "GET /api/auth/ok HTTP/1.1\r\nHost: localhost:$port\r\n"
	    . "Origin: $own\r\nConnection: close\r\n\r\n");
has_cors($renamed, $own, 'AUTH_URL calls the API by another name of the host');
my ($two) = raw_http($port, "GET /api/auth/ok HTTP/1.1\r\nHost: x\r\nOrigin: $page\r\n"
	    . "Origin: $evil\r\nConnection: close\r\n\r\n");
isnt($two->{headers}{'access-control-allow-origin'}, $evil, 'not the second of two origins');

# ---- errors that nginx itself answers ------------------------------------------------

# Fills what one address may have in progress at once.
my @held;
for (1 .. 256) {
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port,
		LocalAddr => '127.0.4.1') or die "connect: $!";
	syswrite $s, "POST /api/auth/sign-in/email HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
	    . "Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n";
	sysread $s, my $answer, 4096;
	push @held, $s;
}
my $over = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, LocalAddr => '127.0.4.1')
    or die "connect: $!";
syswrite $over, "GET /api/auth/ok HTTP/1.1\r\nHost: x\r\nOrigin: $page\r\nConnection: close\r\n\r\n";
my ($full) = Kedge::Raw::raw_answers(Kedge::Raw::raw_read($over));
is($full->{status}, 429, "nginx's 429");
has_cors($full, $page, "nginx's 429");
close $_ for @held;

$k->kill_pid(STOP => $k->pids('supervisor')); # which would start them again
$k->kill_pid(KILL => $k->pids('core'), $k->pids('core-api'));
my $r = $alice->get('/api/core/whoami', origin => $page);
is($r->{status}, 502, "nginx's 502");
has_cors($r, $page, "nginx's 502");
$k->kill_pid(KILL => $k->pids('auth'), $k->pids('auth-verify'));
$r = $alice->get('/api/wallet/accounts', origin => $page);
is($r->{status}, 503, "nginx's 503");
has_cors($r, $page, "nginx's 503");
is(preflight('/api/wallet/accounts', $page)->{status}, 204, 'a preflight needs no service');
$k->kill_pid(CONT => $k->pids('supervisor'));
ok($k->wait_healthy, 'all are back');

# ---- AUTH_TRUSTED_ORIGINS changes ------------------------------------------------------

$k->down;
$k->{env}{AUTH_TRUSTED_ORIGINS} = "$evil";
$k->start;
$alice->{base} = $anyone->{base} = $k->base;
is($alice->get('/api/core/whoami', origin => $evil)->{headers}{'access-control-allow-origin'},
	$evil, 'another list: nginx');
is($alice->post('/api/core/tasks', {}, origin => $evil)->{status}, 400, 'verify');
is($alice->get('/api/core/whoami', origin => $page)->{headers}{'access-control-allow-origin'},
	undef, 'and what was removed: nginx');
is($alice->post('/api/core/tasks', {}, origin => $page)->{status}, 403, 'verify');

# ---- entries that can never match ------------------------------------------------------

for my $row (
	[ 'https://*.example.org/', 'https://*.example.org' ],
	[ 'https://ok.example, *.example.org/*', '*.example.org' ],
	[ 'https://*.example.org:443', 'https://*.example.org' ],
	[ 'app.example.com', 'https://app.example.com' ],
	[ '"https://app.example.com"', 'https://app.example.com' ],
	[ 'null', 'https://app.example.com' ])
{
	my ($list, $instead) = @$row;
	my ($status, $out, $err) = $k->kedge('up', '--port', '0', '--detach', '--dir', "$k->{dir}-2",
		{ env => { AUTH_TRUSTED_ORIGINS => $list } });
	is($status, 1, "$list: kedge up refuses it");
	like($err, qr/^kedge: AUTH_TRUSTED_ORIGINS: ".*" matches no page: .*; write .*\Q$instead\E/,
		'the error says what to write instead') or diag("$out$err");
	($status, $out, $err) = run({ env => { %{ $k->service_env('auth') }, AUTH_TRUSTED_ORIGINS => $list },
		dir => $k->{dir} }, Kedge->binary('auth'), '--check');
	isnt($status, 0, "$list: so does auth");
	like($err, qr/"msg":"invalid trusted origin"/, 'auth logs the invalid origin') or diag("$out$err");
}

# For every service, `kedge up` prints the name of a misspelled variable and of the variable
# that was probably meant.
$k->down;
$k->{env}{AUTH_TRUSTED_ORIGIN} = $page;
$k->{env}{WALLET_THREAD} = 4;
$k->start;
for my $row ([ 'AUTH_TRUSTED_ORIGIN', 'auth', 'AUTH_TRUSTED_ORIGINS' ],
	[ 'WALLET_THREAD', 'wallet', 'WALLET_THREADS' ])
{
	my ($given, $service, $meant) = @$row;
	like($k->{up_output}, qr/^kedge: $given is set, but $service has no such variable; did you mean $meant\?$/m,
		"$given: did you mean $meant");
}
done_testing;
