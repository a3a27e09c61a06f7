# auth is down, slow or sends something wrong: requests are refused with a clear
# response, and only a verdict lets a request through.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use IO::Socket::UNIX;
use Socket qw(SOCK_STREAM);
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(jdecode wait_until);
use Kedge::FastCGI qw(fcgi_record fcgi_request);
use Kedge::Raw qw(raw_answers raw_open raw_read);

# Uses another stack, because nginx waits half a minute for a service that hangs: the
# request is sent now and checked at the end.
my $hung = Kedge->up;
my @hung_api = $hung->pids('core-api');
my @late = late($hung->user('bob'));

my $k = Kedge->up;
my $alice = $k->user('alice');
my @paths = ('/api/core/whoami', '/api/core/me', '/api/wallet/accounts', '/api/core/openapi.json',
	'/api/auth/ok');
$alice->get($_) for @paths;

sub late
{
	my ($who) = @_;
	die 'core does not answer' if $who->get('/api/core/whoami')->{status} != 200;
	$hung->kill_pid(STOP => @hung_api);
	my $common = "Host: 127.0.0.1:@{[ $hung->port ]}\r\nOrigin: @{[ $hung->base ]}\r\n"
	    . "Cookie: @{[ $who->cookie_header ]}\r\nConnection: close\r\n";
	my $task = '{"title":"late"}';
	my @requests = (
		"GET /api/core/whoami HTTP/1.1\r\n$common\r\n",
		"POST /api/core/tasks HTTP/1.1\r\n${common}Content-Type: application/json\r\n"
		    . "Content-Length: @{[ length $task ]}\r\n\r\n$task",
	);
	return map {
		my $s = raw_open($hung->port);
		syswrite $s, $_;
		$s
	} @requests;
}

# $within_s: nginx gives verify up after 3 s (nginx/verify.conf.in), and after a further
# try; the rest is for a slow machine.
sub denied
{
	my ($name, $within_s) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	for my $path ('/api/core/whoami', '/api/wallet/accounts') {
		my $t = time;
		my $r = $alice->get($path);
		my $took = time - $t;
		is($r->{status}, 503, "$name: $path is answered with 503");
		is($r->{json}{code}, 'UNAVAILABLE', "$name: the 503 is JSON") or diag($r->{body});
		like($r->{headers}{'retry-after'} // '', qr/^\d+$/, "$name: the 503 has Retry-After");
		like($r->{headers}{'cache-control'} // '', qr/no-store/, "$name: the 503 has Cache-Control no-store");
		cmp_ok($took, '<', $within_s, sprintf '%s: after %.1f s', $name, $took);
	}
	my $r = $alice->post('/api/core/tasks', { title => 'never' });
	is($r->{status}, 503, "$name: a POST is answered with 503");
	is($k->client->get('/')->{status}, 200, "$name: the page is served");
	is($k->client->get('/api/core/openapi.json')->{status}, 200,
		"$name: a path without guard is served");
	return;
}

# ---- slow and down ------------------------------------------------------------------

my @verify = $k->pids('auth-verify');
is(scalar @verify, 2, 'verify has two processes');
$k->kill_pid(STOP => $verify[0]);
my @status = map { $alice->copy->get('/api/core/whoami')->{status} } 1 .. 8;
is((grep { $_ == 200 || $_ == 503 } @status), 8, 'while one verify process hangs, each request gets a verdict or 503');
cmp_ok((grep { $_ == 200 } @status) + 0, '>=', 1, 'the other verify process gives verdicts') or diag("@status");
$k->kill_pid(STOP => $verify[1]);
denied('both hang', 8);
is($k->client->get('/api/auth/ok')->{status}, 200, 'auth itself answers while verify hangs');
$k->kill_pid(CONT => @verify);
ok(wait_until(sub { $alice->get('/api/core/whoami')->{status} == 200 }, 15), 'all requests are served when the process continues');
is($k->sql('core', 'SELECT count(*) FROM task'), 0, 'no refused request was executed');

# ---- another program answers on verify's socket ----------------------------------------

# Replaces auth's socket by that of another server.
my $path = $k->dir . '/run/verify.sock';
rename $path, "$path.away" or die "rename: $!";
$k->kill_pid(KILL => @verify); # this also ends the connections that nginx keeps to the killed process
denied('gone', 5);

sub answer
{
	my ($head, $body) = @_;
	return
	      fcgi_record(6, "$head\r\n\r\n" . ($body // ''))
	    . fcgi_record(6, '')
	    . fcgi_record(3, pack 'NCx3', 0, 0)
}

sub with_verify
{
	my ($bytes, $code) = @_;
	my $pid = fork // die;
	if (!$pid) {
		Kedge::in_child();
		$SIG{PIPE} = 'IGNORE';
		unlink $path;
		my $listen =
		    IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $path, Listen => 64)
		    or die "listen: $!";
		while (my $s = $listen->accept) {
			my $in = '';
			# Reads the FastCGI request to the end of its parameters and of
			# its body.
			while ($in !~ /\x01\x05..\x00\x00..\z/s) {
				sysread $s, $in, 65536, length $in or last;
			}
			syswrite $s, $bytes if length $bytes;
			close $s;
		}
		POSIX::_exit(0);
	}
	wait_until(sub { -S $path && IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path) },
		5);
	$code->();
	kill KILL => $pid;
	waitpid $pid, 0;
	unlink $path;
	return;
}

my $old = fcgi_request(
	"$path.away",
	{ REQUEST_METHOD => 'GET', KEDGE_METHOD => 'GET', KEDGE_AUDIENCE => 'wallet',
		KEDGE_GUARD => 'standard', KEDGE_ROLES => '',
		KEDGE_PATH => '/api/wallet/accounts', KEDGE_RAW_URI => '/api/wallet/accounts',
		KEDGE_HOST => '127.0.0.1', KEDGE_SCHEME => 'http', QUERY_STRING => '',
		REMOTE_ADDR => '127.0.0.1', KEDGE_REQUEST_ID => 't',
		HTTP_COOKIE => $alice->cookie_header,
	}
)->{headers}{'kedge-identity'};
ok($old, 'core refuses an assertion for wallet');
my @wrong = (
	[ 'nothing', '', 503 ], [ 'garbage', 'garbage' x 100, 503 ],
	[ 'a broken record', "\1\6\0\1", 503 ],
	[ 'an end without an answer', fcgi_record(3, pack 'NCx3', 0, 0), 503 ],
	[ 'overloaded', fcgi_record(3, pack 'NCx3', 0, 2), 503 ],
	[ '500', answer('Status: 500 Oops'), 503 ], [ '502', answer('Status: 502 Oops'), 503 ],
	[ '302', answer("Status: 302 Found\r\nLocation: /"), 503 ],
	[ '404', answer('Status: 404 Not Found'), 503 ],
	[ '429', answer('Status: 429 Slow Down'), 503 ],
	[ '301 to inside', answer("Status: 301 Moved\r\nLocation: /api/core/me"), 503 ],
	[ '100', answer('Status: 100 Continue'), 503 ],
	[ 'headers without end', fcgi_record(6, 'Status: 204 Yes'), 503 ],
	[ 'huge headers', answer("Status: 204 Yes\r\nKedge-Identity: " . 'x' x 30_000), 503 ],
	[ 'yes, but who?', answer('Status: 204 No Content'), 401 ],
	[ 'yes, nobody', answer("Status: 204 No Content\r\nKedge-Identity: "), 401 ],
	[ 'yes, of garbage', answer("Status: 204 No Content\r\nKedge-Identity: a.b.c"), 401 ],
	[ 'yes, for wallet', answer("Status: 204 No Content\r\nKedge-Identity: $old"), 401 ],
	[ 'yes, in another header',
		answer(
"Status: 204 No Content\r\nX-Kedge-Identity: $old\r\nX-Accel-Redirect: /api/core/me"
		),
		401
	],
	[ 'yes, with a body',
		answer("Status: 200 OK\r\nContent-Type: text/html", '<h1>yes</h1>'), 401
	],
	[ '401', answer('Status: 401 No'), 401 ], [ '403', answer('Status: 403 No'), 403 ],
);
for my $row (@wrong) {
	my ($name, $bytes, $want) = @$row;
	with_verify(
		$bytes,
		sub {
			my $r = $alice->get('/api/core/whoami');
			is($r->{status}, $want, "a verify that answers with $name: the client gets $want") or diag($r->{body});
			like($r->{headers}{'content-type'} // '', qr{^application/json},
				"a verify that answers with $name: the error is JSON");
			unlike($r->{body}, qr/"userId"/, "a verify that answers with $name: no request reaches core");
		});
}
rename "$path.away", $path or die "rename: $!";
ok(wait_until(sub { $alice->get('/api/core/whoami')->{status} == 200 }, 15),
	'requests are served when the real verify answers again');

# ---- nginx's own answers while a service is away ----------------------------------------

rename $k->dir . '/run/core.sock', $k->dir . '/run/core.away' or die "rename: $!";
$k->kill_pid(KILL => $k->pids('core-api')); # this also ends the connections that nginx keeps to the killed process
my $r = $alice->get('/api/core/whoami');
like($r->{status}, qr/^50[23]$/, 'core is stopped: the answer is 502 or 503');
like($r->{json}{code} // '', qr/^(BAD_GATEWAY|UNAVAILABLE)$/, 'the 502 or 503 is JSON');
is($alice->get('/api/wallet/accounts')->{status}, 200, 'wallet is served while core is stopped');
rename $k->dir . '/run/core.away', $k->dir . '/run/core.sock' or die "rename: $!";
ok(wait_until(sub { $alice->get('/api/core/whoami')->{status} == 200 }, 15), 'core is served when it runs again');
my @api = $k->pids('auth-api');
$k->kill_pid(STOP => @api);
is($alice->get('/api/core/whoami')->{status}, 200, "verdicts are given while auth's pool api hangs");
$k->kill_pid(CONT => @api);

# ---- nginx's answers for a service that hangs --------------------------------------------

is($hung->client->get('/api/auth/ok')->{status}, 200, 'auth is served while core hangs');
for my $row ([ 'a GET', $late[0] ], [ 'a POST', $late[1] ]) {
	my ($name, $socket) = @$row;
	my $late = raw_answers(raw_read($socket, 40)) // {};
	is($late->{status}, 504, "while core hangs, $name gets 504");
	my $h = $late->{headers};
	like($h->{'content-type'} // '', qr{^application/json}, "$name: the error is JSON");
	like($h->{'cache-control'} // '', qr/no-store/, "$name: the error has Cache-Control no-store");
	is($h->{'x-content-type-options'}, 'nosniff', "$name: the error has X-Content-Type-Options");
	my $e = jdecode($late->{body} // '') // {};
	is($e->{code}, 'GATEWAY_TIMEOUT', "$name: the code is GATEWAY_TIMEOUT") or diag($late->{body});
	ok(length($e->{message} // ''), "$name: the error has a message");
	ok(length($e->{requestId} // ''), "$name: the error has the request's id");
	is($e->{requestId}, $h->{'x-request-id'}, "$name: the request's id is that of the header");
	is_deeply([ sort keys %$e ], [ sort keys %{ $r->{json} } ], "$name: the error has the members of other errors");
}
$hung->kill_pid(CONT => @hung_api);
ok($hung->wait_healthy(15), 'core is healthy when it continues');
done_testing;
