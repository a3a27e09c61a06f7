# The HTTP edge: rules for every request, whatever its path.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Test::More;
use Kedge qw(jdecode jencode slurp wait_until);
use Kedge::Raw qw(raw_http raw_open raw_read raw_answers);

my $k = Kedge->up;
my $port = $k->port;
my $alice = $k->user('alice');
my $anyone = $k->client;
my $cookie = $alice->cookie_header;

sub is_error
{
	my ($r, $status, $code, $name) = @_;
	is($r->{status}, $status, "$name: the status is $status");
	like($r->{headers}{'content-type'} // '', qr{^application/json}, "$name: the error is JSON");
	my $e = $r->{json} // jdecode($r->{body} // '') // {};
	is($e->{code}, $code, "$name: the code is $code") if defined $code;
	ok(defined $e->{code} && $e->{code} =~ /^[A-Z][A-Z0-9_]*$/, "$name: the code is in capitals")
	    unless defined $code;
	ok(length($e->{message} // ''), "$name: the error has a message");
	ok(length($e->{requestId} // ''), "$name: the error has the request's id");
	return $e;
}

# ---- headers ----------------------------------------------------------------

for my $path ('/', '/app.js', '/api/core/whoami', '/nowhere', '/api/auth/ok') {
	my $r = $anyone->get($path);
	my $h = $r->{headers};
	is($h->{'x-content-type-options'}, 'nosniff', "$path: the answer has X-Content-Type-Options nosniff");
	like($h->{'referrer-policy'} // '', qr/no-referrer|same-origin|strict-origin/,
		"$path: the answer has a Referrer-Policy");
	ok(            ($h->{'x-frame-options'} // '') eq 'DENY'
		    || ($h->{'content-security-policy'} // '') =~ /frame-ancestors 'none'/,
		"$path: the answer may not be framed");
	like($h->{server} // 'nginx', qr/^nginx$/, "$path: the answer does not show nginx's version");
	ok(length($h->{'x-request-id'} // ''), "$path: the answer has X-Request-Id");
	ok(!exists $h->{'access-control-allow-origin'}, "$path: the answer has no CORS header");
}
my %id = map { $anyone->get('/api/auth/ok')->{headers}{'x-request-id'} => 1 } 1 .. 5;
is(scalar keys %id, 5, 'each request has another id');
my $r = $anyone->get('/api/core/whoami');
my $e = is_error($r, 401, 'UNAUTHENTICATED', 'no session');
is($e->{requestId}, $r->{headers}{'x-request-id'}, 'the request id of the error equals X-Request-Id');
like($r->{headers}{'cache-control'} // '', qr/no-store/, 'an error has Cache-Control no-store');
like($alice->get('/api/core/whoami')->{headers}{'cache-control'} // '', qr/no-store|private/,
	"a user's data have Cache-Control no-store");
my $logged = $alice->get('/api/core/whoami')->{headers}{'x-request-id'};
ok(wait_until(sub { $k->log_text('core') =~ /\Q$logged\E/ }, 5), 'the log has the request id of the error');
my ($line) = grep {/whoami/} split /\n/, $k->log_text('core');
my $log = jdecode($line // '');
is(ref $log, 'HASH', 'each line of the log is JSON');
unlike($k->log_text(''), qr/\Q$alice->{token}\E/, 'no log contains a session token');
unlike($k->log_text(''), qr/correct horse battery/, 'no log contains a password');

# ---- methods -----------------------------------------------------------------

$r = $alice->post('/api/core/whoami', {});
is_error($r, 405, undef, 'POST whoami');
like($r->{headers}{allow} // '', qr/\bGET\b/, 'the 405 has Allow with GET');
$r = $alice->request(PUT => '/api/core/tasks', json => {});
is_error($r, 405, undef, 'PUT tasks');
is(join(',', sort split /,\s*/, $r->{headers}{allow} // ''), 'GET,HEAD,POST',
	'Allow lists the methods of the path');
is_error($alice->get('/api/core/nothing'), 404, 'NOT_FOUND', 'unknown path of core');
is_error($anyone->get('/api/core/nothing'), 401, undef,
	'unknown path of core, nobody: says nothing of paths');
is_error($anyone->get('/api/nothing'), 404, undef, 'unknown service');
is($anyone->get('/nowhere')->{status}, 404, 'a page that does not exist is 404');
for my $method (qw(TRACE CONNECT FOO get)) {
	my $a =
	    raw_http($port,
"$method /api/core/whoami HTTP/1.1\r\nHost: 127.0.0.1:$port\r\nCookie: $cookie\r\nConnection: close\r\n\r\n"
	    );
	like($a->{status}, qr/^(400|403|405|501)$/, "the method $method is refused");
	unlike($a->{body} // '', qr/userId/, "the method $method reaches no handler");
}
for my $path ('/', '/app.js', '/nowhere', '/api/core/whoami') {
	my $a = raw_http($port,
		"TRACE $path HTTP/1.1\r\nHost: 127.0.0.1:$port\r\nConnection: close\r\n\r\n");
	is_error($a, 405, 'METHOD_NOT_ALLOWED', "TRACE $path");
	like($a->{headers}{allow} // '', qr/^GET, HEAD\b/, 'the 405 of a page has Allow with GET and HEAD');
	unlike($a->{headers}{allow} // '', qr/TRACE/, 'Allow does not list TRACE');
}
for my $row ([ POST => '/' ], [ POST => '/app.js' ], [ PUT => '/' ], [ OPTIONS => '/app.js' ]) {
	my ($method, $path) = @$row;
	$r = $anyone->request($method => $path);
	is_error($r, 405, 'METHOD_NOT_ALLOWED', "$method $path");
	is($r->{headers}{allow}, 'GET, HEAD', 'the Allow of a page is GET and HEAD');
}
my $head = raw_http($port,
	"HEAD /api/core/whoami HTTP/1.1\r\nHost: 127.0.0.1:$port\r\nConnection: close\r\n\r\n");
is($head->{status}, 401, 'HEAD without a session is 401, like GET');
# HEAD works wherever GET does, with the same response but without the body.
sub head
{
	my ($path, $as, $accept) = @_;
	return raw_http($port, "HEAD $path HTTP/1.1\r\nHost: 127.0.0.1:$port\r\n"
		    . "Accept: @{[ $accept // '*/*' ]}\r\n"
		    . "Cookie: @{[ $as->cookie_header ]}\r\nConnection: close\r\n\r\n");
}
my $headed = $alice->post('/api/core/tasks', { title => 'headed' })->{json}{id};
my $account = $alice->get('/api/wallet/accounts')->{json}{items}[0]{id};
for my $path ("/api/core/tasks/$headed", '/api/core/whoami', '/api/core/openapi.json',
	'/api/wallet/accounts')
{
	my $get = $alice->get($path);
	$r = head($path, $alice);
	is($r->{status}, 200, "HEAD $path is answered with 200");
	is($r->{body} // '', '', "HEAD $path: the answer has no body");
	is($r->{headers}{$_}, $get->{headers}{$_}, "HEAD $path: the header $_ is that of GET")
	    for qw(content-type content-length etag cache-control);
}
$r = head("/api/wallet/accounts/$account/entries", $alice, 'text/csv');
is($r->{status}, 200, 'HEAD of a CSV stream is answered with 200');
like($r->{headers}{'content-type'}, qr{^text/csv}, 'HEAD of a CSV stream has its media type');
is(head('/api/core/tasks/01a20127-0000-7000-8000-000000000000', $alice)->{status}, 404,
	'HEAD of a task that does not exist is 404');
is(head('/api/wallet/deposits', $alice)->{status}, 405, 'HEAD of a path without GET is 405');
is(head('/api/core/admin/stats', $alice)->{status}, 403, 'HEAD of a path for admins is 403 for a user');
is($alice->request(HEAD => '/api/core/whoami', headers => { Origin => 'https://evil.example' })
	    ->{status}, 200, 'HEAD is accepted from another origin, because it changes nothing');
is(head($_, $alice)->{status}, 404, "HEAD $_ is 404 as in BetterAuth")
    for '/api/auth/ok', '/api/auth/get-session';
{
	my $admin = $k->user('head');
	$k->role($admin, 'admin');
	is(head('/api/auth/jobs/queues', $admin)->{status}, 200, "HEAD of auth's jobs is answered with 200");
}
$r = $anyone->request(OPTIONS => '/api/core/whoami');
like($r->{status}, qr/^(401|404|405|204)$/, 'OPTIONS does not reach a handler');
for my $override (qw(X-HTTP-Method-Override X-HTTP-Method X-Method-Override)) {
	is($alice->get('/api/core/tasks', headers => { $override => 'DELETE' })->{status}, 200,
		"the header $override does not change the method");
}
is($alice->get('/api/core/tasks?_method=POST')->{status}, 400, 'the query parameter _method is refused');

# ---- bodies ------------------------------------------------------------------

my $tasks = '/api/core/tasks';
my $task = { title => 'x' };
is_error(
	$alice->request(
		POST => $tasks, body => 'title=x', type => 'application/x-www-form-urlencoded'
	),
	415, undef, 'a form');
is_error($alice->request(POST => $tasks, body => '{"title":"x"}', type => 'text/plain'), 415,
	undef, 'text');
is(
	$alice->request(
		POST => $tasks, body => '{"title":"x"}', type => 'application/json;charset=UTF-8'
	)->{status},
	201,
	'a media type with charset is accepted');
my @malformed = (
	[ 'nothing', '' ], [ 'half', '{"title":"x"' ], [ 'trailing bytes', '{"title":"x"}x' ],
	[ 'two values', '{"title":"x"}{"title":"y"}' ],
	[ 'a duplicate key', '{"title":"x","title":"y"}' ],
	[ 'an escaped duplicate', '{"title":"x","titl\u0065":"y"}' ],
	[ 'a comment', '{"title":"x"/**/}' ],
	[ 'single quotes', "{'title':'x'}" ], [ 'a trailing comma', '{"title":"x",}' ],
	[ 'invalid UTF-8', "{\"title\":\"\xff\xfe\"}" ],
	[ 'overlong UTF-8', "{\"title\":\"\xc0\xaf\"}" ],
	[ 'a surrogate in UTF-8', "{\"title\":\"\xed\xa0\x80\"}" ],
	[ 'a lone surrogate', '{"title":"\ud800"}' ],
	[ 'a NUL escape', '{"title":"a\u0000b"}' ], [ 'a raw NUL', "{\"title\":\"a\0b\"}" ],
	[ 'a control character', "{\"title\":\"a\nb\"}" ], [ 'NaN', '{"title":NaN}' ],
	[ 'deep nesting', '{"title":' . '[' x 5000 . ']' x 5000 . '}' ],
	[ 'deep objects', '{"a":' x 5000 . '1' . '}' x 5000 ],
	[ 'an array', '[{"title":"x"}]' ], [ 'a string', '"title"' ], [ 'null', 'null' ],
	[ 'a huge number', '{"title":' . '9' x 400 . '}' ],
	[ 'an unknown field', '{"title":"x","surprise":1}' ],
);
for my $row (@malformed) {
	my ($name, $body) = @$row;
	$r = $alice->request(POST => $tasks, body => $body, type => 'application/json');
	is_error($r, 400, undef, $name);
}
$e = is_error($alice->post($tasks, { title => 7, notes => [], status => 'late' }), 400, undef,
	'wrong types');
is_deeply([ sort map { $_->{field} } @{ $e->{fields} // [] } ], [qw(notes status title)],
	'the error names each invalid field');
is_deeply(
	[
		grep {
			       !length($_->{problem} // '')
			    || !length($_->{message} // '')
			    || ($_->{in} // '') ne 'body'
		} @{ $e->{fields} }
	],
	[],
	'each field error has a place, a problem and a message');

# ---- sizes -------------------------------------------------------------------

is_error(
	$alice->request(
		POST => $tasks, body => jencode({ title => 'x', notes => 'n' x 300_000 }),
		type => 'application/json'
	),
	413, 'PAYLOAD_TOO_LARGE',
	"over the route's limit");
is_error(
	$alice->request(
		POST => $tasks, body => jencode({ title => 'x' x 2_000_000 }),
		type => 'application/json'
	),
	413, 'PAYLOAD_TOO_LARGE',
	'over 1 MiB');
is_error(
	$anyone->request(
		POST => '/api/auth/sign-in/email', body => '{"email":"' . 'x' x 2_000_000 . '"}',
		type => 'application/json'
	),
	413, 'PAYLOAD_TOO_LARGE',
	'over 1 MiB at sign-in');
like(
	$anyone->request(
		POST => '/api/auth/sign-in/email', body => '{"email":"' . 'x' x 900_000 . '"}',
		type => 'application/json'
	)->{status},
	qr/^(400|413)$/,
	'a body of 900 kB is refused at sign-in');
like(raw_http($port, 'GET /api/core/whoami?' . 'x' x 40_000 . " HTTP/1.1\r\nHost: a\r\n\r\n")
	    ->{status}, qr/^(400|414)$/, 'a URI of 40 000 bytes is refused');
like(
	raw_http(
		$port,
		"GET /api/core/whoami HTTP/1.1\r\nHost: a\r\nX: " . 'x' x 70_000 . "\r\n\r\n"
	)->{status},
	qr/^(400|431|494)$/,
	'a header of 70 000 bytes is refused');
like(
	raw_http(
		$port,
		"GET /api/core/whoami HTTP/1.1\r\nHost: a\r\nCookie: "
		    . 'x=y; ' x 1500
		    . "\r\nConnection: close\r\n\r\n"
	)->{status},
	qr/^(400|401|431|494)$/,
	'a cookie header of 7 500 bytes is served or refused');
like(
	raw_http(
		$port,
		"GET /api/core/whoami HTTP/1.1\r\nHost: a\r\n"
		    . join('', map {"X-$_: y\r\n"} 1 .. 900)
		    . "Connection: close\r\n\r\n"
	)->{status},
	qr/^(400|401|431|494)$/,
	'a request with many headers is served or refused');

# ---- framing ------------------------------------------------------------------

my $json = '{"title":"chunked"}';
my $start =
"POST $tasks HTTP/1.1\r\nHost: 127.0.0.1:$port\r\nOrigin: http://127.0.0.1:$port\r\nCookie: $cookie\r\nContent-Type: application/json\r\n";
my $a = raw_http($port, "${start}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
	    . sprintf("%x\r\n%s\r\n0\r\n\r\n", length $json, $json));
is($a->{status}, 201, 'a chunked body is accepted') or diag($a->{body});
$a =
    raw_http($port,
	      "${start}Expect: 100-continue\r\nContent-Length: "
	    . length($json)
	    . "\r\nConnection: close\r\n\r\n$json");
is($a->{status}, 201, 'a body after Expect: 100-continue is accepted');
my @smuggling = (
	[ 'two lengths', "${start}Content-Length: 19\r\nContent-Length: 5\r\n\r\n$json" ],
	[ 'a signed length', "${start}Content-Length: +19\r\n\r\n$json" ],
	[ 'length and chunks',
"${start}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n$json\r\n0\r\n\r\n"
	],
	[ 'another coding',
		"${start}Transfer-Encoding: gzip, chunked\r\n\r\n13\r\n$json\r\n0\r\n\r\n"
	],
	[ 'two codings',
"${start}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n13\r\n$json\r\n0\r\n\r\n"
	],
	[ 'a blank before the colon', "GET /api/auth/ok HTTP/1.1\r\nHost : a\r\n\r\n" ],
	[ 'a folded header', "GET /api/auth/ok HTTP/1.1\r\nHost: a\r\n b\r\n\r\n" ],
	[ 'two hosts', "GET /api/auth/ok HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" ],
	[ 'no host', "GET /api/auth/ok HTTP/1.1\r\n\r\n" ],
	[ 'a bad chunk', "${start}Transfer-Encoding: chunked\r\n\r\nzz\r\n$json\r\n0\r\n\r\n" ],
	[ 'HTTP/9', "GET /api/auth/ok HTTP/9.9\r\nHost: a\r\n\r\n" ],
	[ 'NUL in a header', "GET /api/auth/ok HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n" ],
);
for my $row (@smuggling) {
	my ($name, $bytes) = @$row;
	my @answers =
	    raw_http($port,
		$bytes
		    . "GET /api/auth/ok HTTP/1.1\r\nHost: a\r\nX-Second: 1\r\nConnection: close\r\n\r\n",
		5);
	like($answers[0]{status} // 'none', qr/^(400|411|501|505)$/, "$name: the request is refused");
	is_error($answers[0], $answers[0]{status}, undef, $name);
	is(scalar @answers, 1, "$name: the rest of the connection is not taken for a request");
}
my @two =
    raw_http($port,
"GET /api/auth/ok HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /api/core/whoami HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: $cookie\r\nConnection: close\r\n\r\n"
    );
is_deeply([ map { $_->{status} } @two ], [ 200, 200 ], 'two pipelined requests are answered');
is(raw_http($port, "GET /api/auth/ok HTTP/1.0\r\n\r\n")->{status}, 200, 'a request of HTTP/1.0 is answered');
is(
	raw_http(
		$port,
"GET http://127.0.0.1:$port/api/auth/ok HTTP/1.1\r\nHost: 127.0.0.1:$port\r\nConnection: close\r\n\r\n"
	)->{status},
	200,
	'a request with an absolute URI is answered');

# A body larger than a FastCGI record, and a response larger than a FastCGI record.
my $long = { title => 'long', notes => 'ö' x 9000 };
utf8::decode($long->{notes});
$r = $alice->post($tasks, $long);
is($r->{status}, 201, 'notes of 18 kB are accepted');
is(length $alice->get("$tasks/$r->{json}{id}")->{json}{notes}, 9000, 'a long text is returned as it was sent');
$alice->post($tasks, $long) for 1 .. 8;
my $page = $alice->get("$tasks?limit=100");
cmp_ok(length $page->{body}, '>', 150_000, 'a response of more than two FastCGI records is complete');
ok($page->{json}, 'a large page is complete');

# ---- which paths are served ---------------------------------------------------

for my $path (qw(/_verify /api/auth/provision /metrics /health/live /internal /api/core /api/auth))
{
	my $status = $anyone->get($path)->{status};
	ok($status == 404 || ($path eq '/api/core' && $status =~ /^(301|401|404)$/),
		"GET $path is not served ($status)");
}
is($anyone->post('/api/auth/provision', {})->{status}, 404, 'a client cannot reach /api/auth/provision');
# What is for monitoring has a listener of its own.
for my $path ('/health', map { ("/health/$_", "/health/$_/live", "/metrics/$_") } Kedge::services(), 'auth/verify') {
	is($anyone->get($path)->{status}, 404, "$path is not served to clients");
}
is($k->monitor->get('/metrics/core', host => 'app.example.com')->{status}, 421,
	'the listener for monitoring refuses other names');
is($k->monitor->get('/metrics/core', headers => { 'X-Forwarded-For' => '192.0.2.1' })->{status}, 403,
	'and what a proxy passes on');
is($k->monitor->get($_)->{status}, 404, "and has no $_") for '/', '/api/core/me', '/api/auth/ok', '/metrics';
for my $service (Kedge::services()) {
	for my $path ("/health/$service", "/health/$service/live") {
		$r = $k->monitor->get($path);
		is($r->{status}, 200, $path);
		ok($r->{json}, 'the answer to a large request is JSON');
	}
	$r = $k->monitor->get("/metrics/$service");
	is($r->{status}, 200, "/metrics/$service is answered with 200");
	like($r->{headers}{'content-type'}, qr{^text/plain}, "/metrics/$service has the type text/plain");
	like($r->{body}, qr/^# TYPE \w+ (counter|gauge|histogram)$/m, "/metrics/$service has the text format of Prometheus");
}
# Each metric is in METRICS.md with its type.  Metrics read from the database may appear
# a little later.
my %documented = slurp("$FindBin::Bin/../docs/METRICS.md") =~ /^\| `(kedge_\w+)` \| (\w+),/mg;
ok(wait_until(sub { $k->monitor->get('/metrics/wallet')->{body} =~ /^kedge_job_queue_depth\{/m }, 20),
	'the metrics of jobs appear after a while');
for my $service (Kedge::services()) {
	my %types = $k->monitor->get("/metrics/$service")->{body} =~ /^# TYPE (\w+) (\w+)$/mg;
	is_deeply([ grep { ($documented{$_} // '') ne $types{$_} } sort keys %types ],
		[], "$service: each metric is documented");
}
like($k->monitor->get('/metrics/auth')->{body}, qr/^kedge_worker_processes_ready\{service="auth",pool="$_"\} [1-9]/m,
	"auth: the metrics have the pool $_") for qw(api verify worker);
my $ready = $k->monitor->get('/health/core')->{json};
ok((grep { defined && !ref && $_ eq 'ok' } values %$ready), 'readiness reports the state of each dependency')
    or diag(jencode($ready));
is($k->monitor->get('/health')->{status}, 200, '/health is answered with 200');
my $pools = $k->monitor->get('/health/auth')->{json}{pools};
is_deeply($pools, { map { $_ => 'ok' } qw(api verify worker) }, 'readiness lists each pool');

# Returns how many requests core has counted, summed over all processes of the pool.
sub counted
{
	my $sum = 0;
	for (split /\n/, $k->monitor->get('/metrics/core')->{body}) {
		$sum += $1 if /^\w*requests\w*(?:\{[^}]*\})? (\d+)/ && !/_bucket|_sum/;
	}
	return $sum;
}
my $before = counted();
$alice->get('/api/core/whoami') for 1 .. 40;
cmp_ok(counted() - $before, '>=', 40, 'at least the 40 requests are counted');
cmp_ok(counted() - $before, '<=', 60, 'no request is counted twice');

# ---- files ------------------------------------------------------------------

$r = $anyone->get('/');
like($r->{headers}{'content-type'}, qr{^text/html}, '/ is an HTML page');
like($r->{headers}{'content-security-policy'} // '', qr/default-src/, 'the page has a Content-Security-Policy');
unlike($r->{headers}{'content-security-policy'} // 'unsafe', qr/unsafe|\*/, 'the Content-Security-Policy allows nothing unsafe');
unlike($r->{body}, qr/<script(?![^>]*\bsrc=)|\son\w+=|style=/, 'the page has no inline script or style');
for my $path (
	qw(/.git/config /kedge.json /../kedge.json /%2e%2e/kedge.json /web/ /nginx/ /env/auth.env /..%2fenv/auth.env
	/app.js/../../kedge.json /.run/env/auth.env)
) {
	my $s =
	    raw_http($port, "GET $path HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")->{status};
	like($s, qr/^(400|403|404)$/, "$path is not served ($s)");
}

# ---- the access line: one for each request, whoever answered it -----------------

my %lines; # the sample is chosen by the request's id
sub lines
{
	my ($id) = @_;
	%lines = ();
	for my $file (glob $k->dir . '/log/*.log') {
		for (split /\n/, slurp($file)) {
			my $line = /^\{/ ? jdecode($_) : undef;
			next if !$line || ($line->{msg} // '') ne 'request';
			push @{ $lines{ $line->{request_id} } }, $line;
		}
	}
	return $lines{$id};
}
# The access line may be written shortly after the response.
sub line
{
	my ($r, $what) = @_;
	my $id = $r->{headers}{'x-request-id'};
	my $found = wait_until(sub { lines($id) }, 5) // [];
	is(scalar @$found, 1, "$what: the request has one access line") or diag(jencode($found));
	return $found->[0] // {};
}
my $firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
my @core = (service => 'core', route => '/whoami');
my @nginx = (service => 'nginx', route => '', upstream_us => undef);
for my $row (
	[ 'a service', "GET /api/core/tasks?limit=17 HTTP/1.1\r\nCookie: $cookie",
		method => 'GET', path => '/api/core/tasks', status => 200, service => 'core', route => '/tasks',
		pool => 'api' ],
	[ 'a service, no body', "HEAD /api/core/whoami HTTP/1.1\r\nCookie: $cookie",
		method => 'HEAD', path => '/api/core/whoami', status => 200, bytes => 0, @core ],
	[ 'no route', "GET /api/auth/there%20is/none%0a HTTP/1.1", path => "/api/auth/there is/none\n",
		status => 404, service => 'auth', route => '' ],
	[ 'refused by a service', "POST /api/core/whoami HTTP/1.1\r\nCookie: $cookie\r\nOrigin: " . $k->base . "\r\nContent-Length: 0",
		method => 'POST', path => '/api/core/whoami', status => 405, service => 'core', route => '' ],
	[ 'refused by verify', 'GET /api/core/me?token=secret HTTP/1.1', path => '/api/core/me',
		status => 401, service => 'auth', pool => 'verify', route => 'verdict', method => 'GET' ],
	[ 'a file', 'GET /app.js?v=secret HTTP/1.1', path => '/app.js', status => 200,
		bytes => -s "$FindBin::Bin/../web/app.js", @nginx ],
	[ 'no file', "GET /none%0a%ff\"\\\xff HTTP/1.1", path => '/none%0a%ff"\\', status => 404, @nginx ],
	[ 'no service', 'GET /api/none HTTP/1.1', path => '/api/none', status => 404, @nginx ],
	[ 'a refused method', 'DELETE /app.css HTTP/1.1', method => 'DELETE', path => '/app.css', status => 405,
		@nginx ],
	[ 'no request', 'GET /app.css HTTP/1.1' . "\r\nHost: b", status => 400, @nginx ],
	[ 'too long an address', 'GET /' . 'a' x 9000 . ' HTTP/1.1', status => 414, path => '', @nginx ],
) {
	my ($name, $head, %want) = @$row;
	my $answer = raw_http($port,
		"$head\r\nHost: a\r\nUser-Agent: $firefox\r\nConnection: close\r\n\r\n");
	is($answer->{status}, $want{status}, "$name: the answer is $want{status}");
	my $line = line($answer, $name);
	is($line->{$_}, $want{$_}, "$name: the access line has the right $_") for sort keys %want;
	like($line->{time} // '', qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?:Z|[+-]\d\d:\d\d)$/, "$name: the access line has the time");
	like($line->{us} // '', qr/^\d+$/, "$name: the access line has the duration in microseconds");
	is($line->{ip}, '127.0.0.1', "$name: the access line has the client's address");
	is($line->{agent}, $want{status} =~ /^4(?:00|14)$/ ? 'none' : 'Firefox', "$name: the access line has the user agent")
	    if $want{status} != 400;
	unlike(jencode($line), qr/secret|limit/, "$name: the access line does not contain the query");
}

# nginx and the service have a table each to recognise the client program in User-Agent:
# both give the same result.
for my $agent ('', 'curl/8.1', 'Wget/1.21', 'node', 'undici', 'axios/1.2', 'python-requests/2.3',
	'Python-urllib/3.1', 'Go-http-client/1.1', 'okhttp/4.9', 'PostmanRuntime/7.2', 'x curl/8',
	'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'SomeCRAWLer', 'a Spider',
	'Yahoo! Slurp', 'Mozilla/5.0 AppleWebKit/537.36 Chrome/126.0 Safari/537.36',
	'Mozilla/5.0 Chrome/126.0 Safari/537.36 Edg/126.0', 'Mozilla/5.0 Chrome/1 Safari/5 EdgA/126.0',
	'EdgiOS/1', 'Mozilla/5.0 Chrome/1 Safari/5 OPR/111.0', 'Opera/9.8', 'SamsungBrowser/25.0 Chrome/1',
	'Mozilla/5.0 FxiOS/127.0 Safari/605.1', 'CriOS/126.0 Safari/604', 'Chromium/1', 'HeadlessChrome/1 Safari/5',
	'Mozilla/5.0 Version/17.4 Safari/605.1.15', $firefox) {
	my ($here, $there) = map {
		line(raw_http($port, "GET $_ HTTP/1.1\r\nHost: a\r\n" . (length $agent ? "User-Agent: $agent\r\n" : '') .
			    "Connection: close\r\n\r\n"), "$agent at $_")->{agent}
	} qw(/favicon.svg /api/auth/ok);
	is($there, $here, "the user agent $agent is logged as $here");
}

# When the client has disconnected, nginx logs the request, and the service writes
# another event.  The request waits for a lock in the database, so that it is still in
# progress.
open my $psql, '|-', Kedge::tool('psql'), '-Atq', '-o', '/dev/null', '-d', $k->url_as('kedge', 'core')
    or die;
$psql->autoflush;
print {$psql} "BEGIN; LOCK TABLE profile IN ACCESS EXCLUSIVE MODE;\n";
my $waiting = sub {
	return $k->sql('core', "SELECT count(*) FROM pg_locks WHERE relation = 'profile'::regclass AND $_[0]") > 0
};
ok(wait_until(sub { $waiting->("granted AND mode = 'AccessExclusiveLock'") }, 10), 'another session locks a table');
my $left = raw_open($port);
syswrite $left, "GET /api/core/me HTTP/1.1\r\nHost: a\r\nUser-Agent: Wget/leaves\r\nCookie: $cookie\r\n\r\n";
ok(wait_until(sub { $waiting->('NOT granted') }, 10), 'a request waits for the lock');
close $left;
my $leaver = sub {
	lines('');
	return (grep { $_->{agent} eq 'Wget' && $_->{path} eq '/api/core/me' } map { @$_ } values %lines)[0];
};
my $early = wait_until(sub { $leaver->() }, 10) // {};
is($early->{service}, 'nginx', 'nginx logs a request whose client disconnects');
is($early->{status}, 499, 'the access line of nginx has the status 499');
print {$psql} "ROLLBACK;\n";
close $psql;
ok(wait_until(
	sub { $k->log_text('core') =~ /"request_id":"$early->{request_id}","msg":"request abandoned"/ }, 10),
	'core logs that the request was abandoned');
is(scalar @{ lines($early->{request_id}) // [] }, 1, 'the request has one access line');
# ---- nginx's own lines ----------------------------------------------------------

# An address that requests missing paths only does not cause a line for each request.
my $asking = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port,
	LocalAddr => '127.0.9.9') or die "connect: $!";
my $asked = 4000;
my $answered = 0;
for (1 .. $asked / 100) {
	syswrite $asking, "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n" x 100;
	for (my $text = ''; (() = $text =~ m{HTTP/1.1 404 }g) < 100 || $text !~ /\}\z/;) {
		sysread($asking, $text, 65536, length $text) or die "cut off: $text";
	}
	$answered += 100;
}
is($answered, $asked, "$asked requests of one address get 404");
ok($anyone->get('/nowhere-else')->{status} == 404
	    && wait_until(sub { $k->log_text('nginx') =~ m{"path":"/nowhere-else"} }, 10),
	'the requests of another address are logged meanwhile');
my $own_lines = () = $k->log_text('nginx') =~ /"status":404.*"ip":"127\.0\.9\.9"/g;
cmp_ok($own_lines, '>=', 900, "the first 900 or more requests of an address are logged ($own_lines)");
cmp_ok($own_lines, '<', $asked, 'not all requests of an address are logged');

# There are no lines either for responses that nginx gives before it selects a location,
# because the requests above have used up the burst of lines.
for my $row (
	[ 'a service that is not there', "GET /api/nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 404 ],
	[ 'a malformed request', "GET /x HTTP/1.1\r\nHost: a b\r\n\r\n", 400 ],
	[ 'too long an address', 'GET /' . 'a' x 9000 . " HTTP/1.1\r\nHost: a\r\n\r\n", 414 ],
	[ 'too large a body', "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n", 413 ],
	[ 'a method that is none', "TRACE /x HTTP/1.1\r\nHost: a\r\n\r\n", 405 ],
) {
	my ($what, $text, $status) = @$row;
	my $count = sub {
		scalar(() = $k->log_text('nginx') =~ /"status":$status,.*"ip":"127\.0\.9\.9"/g)
	};
	my ($n, $good, $before) = (300, 0, $count->());
	for (1 .. $n) {
		my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port,
			LocalAddr => '127.0.9.9') or die "connect: $!";
		syswrite $s, $text;
		sysread $s, my $answer, 65536;
		$good++ if $answer =~ m{^HTTP/1.1 $status .*^Content-Type: application/json.*"code":"}ms;
	}
	is($good, $n, "$what: each of $n requests gets the same answer");
	$anyone->get("/nowhere-$status");
	ok(wait_until(sub { $k->log_text('nginx') =~ m{"path":"/nowhere-$status"} }, 10), "$what: nginx logs the first requests");
	cmp_ok($count->() - $before, '<', $n, "$what: not every request is logged");
}

done_testing;
