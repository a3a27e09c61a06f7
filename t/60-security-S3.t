# S3, spoofed headers of proxies: what a client says about its address, host, scheme and
# path affects neither what the services decide nor what they record.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jdecode);
use Kedge::Raw qw(raw_http);

my $k = Kedge->up;
my $port = $k->port;
my $alice = $k->user('alice');
my @spoof = (
	[ 'X-Forwarded-For' => '203.0.113.7' ], [ 'X-Forwarded-For' => '127.0.0.1' ],
	[ 'X-Forwarded-For' => '10.0.0.1, 203.0.113.7' ], [ 'X-Forwarded-For' => 'x' x 2000 ],
	[ 'X-Real-IP' => '203.0.113.7' ],
	[ Forwarded => 'for=203.0.113.7;host=evil.example;proto=https' ],
	[ 'X-Forwarded-Uri' => '/api/auth/ok' ], [ 'X-Original-URL' => '/api/auth/ok' ],
	[ 'X-Rewrite-URL' => '/api/auth/ok' ], [ 'X-Original-URI' => '/api/auth/ok' ],
	[ 'X-Forwarded-Path' => '/api/auth/ok' ], [ 'X-Forwarded-Prefix' => '/api/auth' ],
	[ 'X-Forwarded-Method' => 'GET' ], [ 'X-Original-Method' => 'GET' ],
	[ 'X-Forwarded-Host' => 'evil.example' ], [ 'X-Forwarded-Proto' => 'https' ],
	[ 'X-Forwarded-Scheme' => 'https' ], [ 'X-Forwarded-Port' => '443' ],
	[ 'X-Forwarded-Server' => 'evil.example' ], [ 'X-Host' => 'evil.example' ],
	[ 'X-Accel-Redirect' => '/api/auth/ok' ], [ 'X-Sendfile' => '/etc/passwd' ],
	[ 'User-Agent' => 'kube-probe/1.0' ], [ 'User-Agent' => 'GoogleHC/1.0' ],
	[ 'X-Health-Check' => '1' ],
);

# Rules.
for my $row (@spoof) {
	my ($name, $value) = @$row;
	my $short = "$name: " . substr $value, 0, 30;
	is($k->client->get('/api/core/whoami', headers => {@$row})->{status}, 401,
		"$short: a request without a session is 401");
	is($alice->get('/api/core/admin/stats', headers => {@$row})->{status}, 403,
		"$short: a user does not become an administrator");
	is($alice->get('/api/core/whoami', headers => {@$row})->{json}{userId}, $alice->{id},
		"$short: a request with a session has its user");
	is(
		$alice->post(
			'/api/core/tasks', { title => 'x' }, headers => {@$row},
			origin => 'https://evil.example'
		)->{status},
		403,
		"$short: a POST from another origin is refused");
}

# The client's headers do not affect redirects, cookies and links.
my %navigate = ('Sec-Fetch-Mode' => 'navigate', Accept => 'text/html');
my $plain = $k->client->get('/api/core/whoami', headers => {%navigate})->{headers}{location};
for my $row (@spoof) {
	my $r = $k->client->get('/api/core/whoami', headers => { %navigate, @$row });
	is($r->{headers}{location}, $plain, "$row->[0]: the redirect to sign in is the same");
}
for my $host ('evil.example', 'evil.example:80', "127.0.0.1:$port.evil.example", 'EVIL.example',
	'a@evil.example', '[::1]', 'evil.example.') {
	my $a =
	    raw_http($port,
"GET /api/core/whoami HTTP/1.1\r\nHost: $host\r\nSec-Fetch-Mode: navigate\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
	    );
	ok(            $a->{status} == 400
		    || $a->{status} == 404
		    || $a->{status} == 421
		    || $a->{headers}{location} !~ /evil/i, "Host: $host does not appear in the redirect")
	    or diag($a->{headers}{location});
	$a =
	    raw_http($port,
"GET http://$host/api/core/whoami HTTP/1.1\r\nHost: 127.0.0.1:$port\r\nSec-Fetch-Mode: navigate\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
	    );
	ok(            $a->{status} == 400
		    || $a->{status} == 404
		    || $a->{status} == 421
		    || ($a->{headers}{location} // '') !~ /evil/i, 'an absolute URI does not change the redirect');
}
for my $pair ([ 'evil.example', 'evil.example' ], [ "127.0.0.1:$port", 'https://evil.example' ]) {
	my ($host, $origin) = @$pair;
	my $body = '{"email":"x@example.com","password":"xxxxxxxxxx"}';
	my $a =
	    raw_http($port,
"POST /api/auth/sign-in/email HTTP/1.1\r\nHost: $host\r\nOrigin: http://evil.example\r\nContent-Type: application/json\r\nContent-Length: "
		    . length($body)
		    . "\r\nConnection: close\r\n\r\n$body");
	isnt($a->{status}, 200, 'an Origin that equals a forged Host is refused');
	is(jdecode($a->{body})->{code}, 'INVALID_ORIGIN', 'an origin of another scheme is INVALID_ORIGIN') if $a->{status} == 403;
}
my $secure =
    $k->client->post('/api/auth/sign-in/email',
	{ email => $alice->{email}, password => $alice->{password} },
	headers => { 'X-Forwarded-Proto' => 'https' });
unlike($secure->{cookies}[0], qr/Secure/, 'a forwarded header does not make cookies secure');

# Sessions and log lines have the address that nginx saw.
for my $row (grep { $_->[0] =~ /For|IP|Forwarded$/ } @spoof) {
	my $c = $k->client;
	my $r = $c->post('/api/auth/sign-in/email',
		{ email => $alice->{email}, password => $alice->{password} }, headers => {@$row});
	is($c->session->{session}{ipAddress}, '127.0.0.1',
		"$row->[0]: the session has the client's real address");
}
unlike($k->log_text('auth'), qr/203\.0\.113\.7/, 'the log does not contain the forwarded address');

# What is for monitoring is on a listener of its own, which a proxy cannot reach by accident;
# if it does, it is refused.  t/60-security-S8.t tests the counting of attempts.
for my $path ('/metrics/auth', '/health') {
	is($k->client->get($path)->{status}, 404, "$path is not served to clients");
	is($k->monitor->get($path)->{status}, 200, "$path is served to programs on this host");
	is($k->monitor->get($path, headers => { $_ => '127.0.0.1' })->{status}, 403, "$path: not with $_")
	    for 'X-Forwarded-For', 'Forwarded';
}
done_testing;
