# A body has a total time limit, however slowly it arrives, and slow bodies do not keep
# other clients out.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(jdecode jencode parallel wait_until);
use Kedge::Raw qw(raw_answers);

my $timeout_s = 3;
my $k = Kedge->up(env => { AUTH_PROCESSES => 1, CORE_PROCESSES => 1,
	AUTH_BODY_TIMEOUT_MS => 1000 * $timeout_s, CORE_BODY_TIMEOUT_MS => 1000 * $timeout_s,
	CORE_DRAIN_TIMEOUT_MS => 2000 });
my $alice = $k->user('alice');
$alice->get('/api/core/me');
local $SIG{PIPE} = 'IGNORE';

# Sends the head of a request with a body of the given length, and the first bytes of
# the body.
sub begin
{
	my ($address, $first, $length, %opt) = @_;
	my $s = $opt{over} // IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $k->port,
		LocalAddr => $address) // die "$address: $!";
	my $type = exists $opt{type} ? '' : "Content-Type: application/json\r\n";
	my $path = $opt{path} // '/api/auth/sign-in/email';
	my $method = $opt{method} // 'POST';
	syswrite $s, "$method $path HTTP/1.1\r\nHost: 127.0.0.1:@{[ $k->port ]}\r\n"
	    . "Origin: @{[ $k->base ]}\r\n$type"
	    . ($opt{head} // '')
	    . (defined $length ? "Content-Length: $length\r\n" : "Transfer-Encoding: chunked\r\n")
	    . "\r\n$first";
	return $s;
}

# Reads one response on a connection that is kept open.
sub read_one
{
	my ($s) = @_;
	my $select = IO::Select->new($s);
	my $text = '';
	while ($select->can_read(10)) {
		sysread $s, $text, 65536, length $text or last;
		last if $text =~ /\r\n\r\n(.*)/s && $text =~ /^Content-Length: (\d+)\r$/mi
		    && length(($text =~ /\r\n\r\n(.*)/s)[0]) >= ($text =~ /^Content-Length: (\d+)\r$/mi)[0];
	}
	return raw_answers($text) // { status => 'none', body => $text };
}

sub mine { return "Cookie: @{[ $alice->cookie_header ]}\r\n" }
sub tasks { return $k->sql('core', "SELECT count(*) FROM task WHERE user_id = '$alice->{id}'") }

# Sends one byte at a time, with pauses, until the other side has closed; returns its
# response and the time of the response.
sub trickle
{
	my ($s, $byte, $deadline_s) = @_;
	my $begun = time;
	my $text = '';
	while (time - $begun < $deadline_s) {
		syswrite $s, $byte;
		while (IO::Select->new($s)->can_read(0.2)) {
			my $n = sysread $s, $text, 65536, length $text;
			return ($text, time - $begun) unless $n;
		}
	}
	return ($text, 999);
}

# ---- a client that sends byte by byte ------------------------------

my @cases = (
	[ 'with a length', 60000, ' ' ],
	[ 'in chunks', undef, "1\r\n \r\n" ],
	[ 'to a route that reads none', 60000, ' ', path => '/api/auth/sign-out' ],
	[ 'to no route', 60000, ' ', path => '/api/auth/none' ],
	[ 'that is too large', 600_000, ' ' ],
	[ 'behind auth', 60000, ' ', path => '/api/core/tasks', head => mine() ],
);
my $before = tasks();
my @ended = parallel(scalar @cases, sub {
	my (undef, $length, $byte, %opt) = @{ $cases[ $_[0] ] };
	return [ trickle(begin('127.0.0.1', '', $length, %opt), $byte, $timeout_s + 9) ];
});
for my $i (0 .. $#cases) {
	my $name = $cases[$i][0];
	my ($text, $s_taken) = @{ $ended[$i] };
	cmp_ok($s_taken, '<', $timeout_s + 8, "a body $name that never ends is ended");
	cmp_ok($s_taken, '>=', $timeout_s, 'the 408 does not come before the time limit');
	my $answer = raw_answers($text) // {};
	is($answer->{status}, 408, 'a body that is too slow gets 408') or diag($text);
	is((jdecode($answer->{body} // '') // {})->{code}, 'REQUEST_TIMEOUT', 'the 408 has the code REQUEST_TIMEOUT');
}
is(tasks(), $before, 'the slow request created no task');

# A client that sends fast enough has more time: one more second for each 16 KiB.
my $task = '{"title":"large"' . ' ' x 60_000 . '}';
my $s = begin('127.0.0.1', '', length $task, head => mine(), path => '/api/core/tasks');
my $begun = time;
for my $part (0 .. 5) {
	wait_until(sub { time - $begun > $part * ($timeout_s + 1) / 5 }, 10);
	syswrite $s, substr $task, $part * 10_000, $part < 5 ? 10_000 : 20_000;
}
my $a = read_one($s);
is($a->{status}, 201, 'a body of 60 KB gets more time') or diag($a->{body});
cmp_ok(time - $begun, '>', $timeout_s, 'the body arrived after the time limit');

# ---- a slow client gets the same response as a fast one ------------------------------

# Sends the body in two parts; during the pause between them the service has the first
# one.  All requests use one connection, so that each one follows the end of a body.
sub in_chunks { return join '', map { sprintf "%x\r\n%s\r\n", length, $_ } @_ }
my $large = '{"title":"' . 'x' x 300_000 . '"}';
my @slow = (
	[ 201, 'in chunks', '/api/core/tasks', undef, in_chunks('{"title":'), in_chunks('"late"}', '') ],
	[ 400, 'in chunks, and no JSON', '/api/core/tasks', undef, in_chunks('{"title":'), in_chunks('"', '') ],
	[ 400, 'in chunks where none is read', '/api/core/tasks', undef, in_chunks('{'),
		in_chunks('"a":1}', ''), 'UNEXPECTED_BODY', method => 'GET' ],
	[ 413, 'in chunks that are too many', '/api/core/tasks', undef, in_chunks(substr $large, 0, 100),
		in_chunks(substr($large, 100), ''), 'PAYLOAD_TOO_LARGE' ],
	[ 413, 'that is too large', '/api/core/tasks', length $large, substr($large, 0, 100),
		substr($large, 100), 'PAYLOAD_TOO_LARGE' ],
	[ 404, 'to no route', '/api/core/none', 10, 'x' x 5, 'x' x 5, 'NOT_FOUND' ],
	[ 405, 'to a route of GET', '/api/core/me', 10, 'x' x 5, 'x' x 5, 'METHOD_NOT_ALLOWED' ],
	[ 415, 'of no type', '/api/core/tasks', 10, 'x' x 5, 'x' x 5, 'UNSUPPORTED_MEDIA_TYPE',
		type => undef ],
	[ 201, 'with a length', '/api/core/tasks', 16, '{"title":', '"late"}' ],
);
my $line;
for my $case (@slow) {
	my ($status, $name, $path, $length, $first, $rest, $code, %opt) = @$case;
	$line = begin('127.0.0.1', $first, $length, head => mine(), path => $path, over => $line, %opt);
	select undef, undef, undef, 0.2;
	syswrite $line, $rest;
	my $answer = read_one($line);
	is($answer->{status}, $status, "a slow body $name is answered with $status") or diag($answer->{body});
	is((jdecode($answer->{body}) // {})->{code}, $code, "the error has the code $code") if $code;
}

# ---- a client that disconnects ------------------------------

$before = tasks();
$s = begin('127.0.0.1', '{"title":"left"', 16, head => mine(), path => '/api/core/tasks');
my $lines = () = $k->log_text('nginx') =~ m{"path":"/api/core/tasks"}g;
close $s;
ok(wait_until(sub {
	my @all = $k->log_text('nginx') =~ m{"path":"/api/core/tasks"}g;
	@all > $lines
}, 10), 'the disconnect in the middle of a body is logged');
is(tasks(), $before, 'the request with half a body created no task');

# The worker dies while a body arrives: the rest of the body is not given to another
# worker.
$s = begin('127.0.0.1', '{"title":"dead"', 16, head => mine(), path => '/api/core/tasks');
my ($worker) = $k->pids('core-api');
ok(wait_until(sub {
	$k->monitor->get('/metrics/core')->{body} =~ /^kedge_connections\{[^}]*state="body"\} 1$/m
}, 5), 'a worker waits for a body');
$k->kill_pid(KILL => $worker);
syswrite $s, '}';
$a = read_one($s);
is($a->{status}, 502, 'a body whose worker is killed gets 502') or diag($a->{body});
is(tasks(), $before, 'the request whose worker was killed created no task');
ok(wait_until(sub { $alice->get('/api/core/me')->{status} == 200 }, 10), 'the next worker serves requests');

# The worker is replaced by a reload: a body that arrives in time is served, and another
# one gets a response that asks to repeat the request.  So many bytes have arrived that
# the time limits for bodies do not end the request before.
my $moved = '{"title":"moved"' . ' ' x 80_000;
my @replaced = map { begin('127.0.0.1', $moved, 2 + length $moved, head => mine(),
	path => '/api/core/tasks') } 1, 2;
ok(wait_until(sub {
	$k->monitor->get('/metrics/core')->{body} =~ /^kedge_connections\{[^}]*state="body"\} 2$/m
}, 5), 'a worker waits for two bodies');
my ($old) = $k->pids('core-api');
kill HUP => ($k->pids('core'))[0];
ok(wait_until(sub { grep { $_ != $old } $k->pids('core-api') }, 10), 'SIGHUP: a new worker starts');
syswrite $replaced[0], ' }';
is(read_one($replaced[0])->{status}, 201, 'a body that arrives while its worker drains is served');
$a = read_one($replaced[1]);
is($a->{status}, 503, 'a body that does not arrive while its worker drains gets 503') or diag($a->{body});
ok(wait_until(sub { !grep { $_ == $old } $k->pids('core-api') }, 10), 'the old worker exits');
unlike($k->log_text('core'), qr/worker did not drain in time/, 'the worker exits before its drain deadline');

# ---- many clients that send byte by byte, from several networks ------------------------------

sub sign_in
{
	my ($address, $pause_s, $more) = @_;
	my $body = jencode({ email => $alice->{email}, password => $alice->{password} });
	$body =~ s/\}$/',"x":"' . 'x' x $more . '"}'/e if $more;
	my $s = begin($address, '', length $body);
	my $begun = time;
	wait_until(sub { time - $begun > $pause_s }, 5);
	syswrite $s, $body;
	return read_one($s)->{status};
}

# There are more connections than may wait at once; each connection that is ended is
# opened again at once.
my @open;
sub attack
{
	my ($n, $networks) = @_;
	push @open, map { begin('127.0.' . (10 + $_ % $networks) . '.1', '{"email":', 60000) } 1 .. $n;
	splice @open, 0, @open - 800 if @open > 800;
	return;
}
my %answers;
my $end = time + 2 * $timeout_s + 2;
attack(400, 8);
while (time < $end) {
	attack(200, 8);
	$answers{ sign_in('127.0.90.1', @$_) }++ for [0], [0.3], [ 0.1, 20_000 ];
	$answers{ $k->client->post('/api/auth/sign-in/email',
		{ email => $alice->{email}, password => $alice->{password} })->{status} }++;
}
is(join(' ', map {"$_: $answers{$_}"} grep { $_ ne '200' } sort keys %answers), '',
	'a normal body is served beside hundreds of slow ones');
cmp_ok($answers{200} // 0, '>=', 4, "normal bodies are served at least four times beside slow ones ($answers{200})");
like($k->log_text('auth'), qr/"status":503/, 'some slow bodies get 503');
done_testing;
