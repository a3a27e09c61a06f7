# S10, FastCGI and use of resources: whatever is sent to a service's socket, no process
# crashes or hangs, and the next request is served.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(files jencode slurp wait_until);
use Kedge::FastCGI qw(:DEFAULT fcgi_request fcgi_open fcgi_record fcgi_pair fcgi_answer);
use Kedge::Raw qw(raw_http raw_open raw_read);

my $k = Kedge->up;
my $alice = $k->user('alice');
my %pid = map { my $kind = $_; ($kind => join ' ', $k->pids($kind)) }
    qw(auth core wallet auth-api auth-verify core-api wallet-api);

my ($BEGIN, $ABORT, $PARAMS, $STDIN) = (1, 2, 4, 5);
my %about = (
	REQUEST_METHOD => 'GET', QUERY_STRING => '', REMOTE_ADDR => '127.0.0.1', KEDGE_HOST => 'a',
	KEDGE_SCHEME => 'http', KEDGE_REQUEST_ID => 't', CONTENT_TYPE => '', CONTENT_LENGTH => '');
my %ask = (
	%about, KEDGE_METHOD => 'GET', KEDGE_AUDIENCE => 'core', KEDGE_GUARD => 'standard',
	KEDGE_ROLES => '', KEDGE_PATH => '/api/core/whoami', KEDGE_RAW_URI => '/api/core/whoami',
	HTTP_COOKIE => $alice->cookie_header);
my $identity = fcgi_request($k->dir . '/run/verify.sock', \%ask)->{headers}{'kedge-identity'};
my %call = (
	%about, KEDGE_PATH => '/api/core/whoami', KEDGE_RAW_URI => '/api/core/whoami',
	KEDGE_IDENTITY => $identity);
my %ok = (%about, KEDGE_PATH => '/api/auth/ok', KEDGE_RAW_URI => '/api/auth/ok');
# Requests that succeed; each of the defects below must make them fail.
my %good = (core => [ \%call, 200 ], verify => [ \%ask, 204 ], auth => [ \%ok, 200 ]);

# Sends the bytes, closes the sending direction, and waits until the service has closed
# the connection.
sub send_bytes
{
	my ($socket, $bytes, %opt) = @_;
	my $s = fcgi_open($socket);
	local $SIG{PIPE} = 'IGNORE';
	my $at = 0;
	while ($at < length $bytes) {
		my $n = syswrite $s, $bytes, 65536, $at;
		last unless $n;
		$at += $n;
	}
	shutdown $s, 1 unless $opt{open};
	return fcgi_answer($s, $opt{deadline_s} // 3);
}

my $begin = fcgi_record($BEGIN, pack('nCx5', 1, 0));
my $end = fcgi_record($PARAMS, '') . fcgi_record($STDIN, '');

sub pairs
{
	my ($call) = @_;
	return join '', map { fcgi_pair($_, $call->{$_}) } sort keys %$call
}
# Returns a valid request with additional parameters.
sub with { my ($params, @more) = @_; return $begin . $params . join('', @more) . $end }

sub broken
{
	my ($call) = @_;
	my $pairs = pairs($call);
	my $params = fcgi_record($PARAMS, $pairs);
	my @case = (
		[ 'nothing', '' ],
		[ 'one byte', "\1" ],
		[ 'seven bytes', substr $begin, 0, 7 ],
		[ 'another version',
			fcgi_record($BEGIN, pack('nCx5', 1, 0), version => 9) . $params . $end
		],
		[ 'a role that is none', fcgi_record($BEGIN, pack('nCx5', 9, 0)) . $params . $end ],
		[ 'params before begin', $params . with($params) ],
		[ 'stdin before params', $begin . fcgi_record($STDIN, 'x') . $params . $end ],
		[ 'another id', with($params, fcgi_record($PARAMS, fcgi_pair('A', 'b'), id => 7)) ],
		[ 'two begins', $begin . with($params) ],
		[ 'an abort', $begin . fcgi_record($ABORT, '') ],
		[ 'an abort in the params', with($params, fcgi_record($ABORT, '')) ],
		[ 'a record of 65535', with(fcgi_record($PARAMS, 'x' x 65535), $params) ],
		[ 'a length that lies', with($params, fcgi_record($PARAMS, 'x', length => 65535)) ],
		[ 'zeros', "\0" x 100_000 ],
		[ 'ones', "\xff" x 100_000 ],
		[ 'many parameters',
			with(   $params,
				map { fcgi_record($PARAMS, fcgi_pair("HTTP_X_$_", 'y' x 1000)) }
				    1 .. 2000
			)
		],
		[ 'one huge parameter',
			with(   $params,
				fcgi_record(
					$PARAMS, substr fcgi_pair('HTTP_X', 'y' x 5_000_000), 0,
					65535
				),
				map { fcgi_record($PARAMS, 'y' x 65535) } 1 .. 76
			)
		],
	);
	# Lengths of names and values at every limit; the announced bytes are sent or
	# missing.
	my $four = sub { pack 'N', $_[0] | 0x8000_0000 };
	for my $n (0, 1, 127, 128, 129, 255, 256, 65_535, 65_536, 0x7fff_ffff) {
		for my $v (0, 127, 128, 65_535, 0x7fff_ffff) {
			my $lengths = $four->($n) . $four->($v);
			push @case,
			    [ "name $n, value $v, nothing there",
				with($params, fcgi_record($PARAMS, $lengths)) ];
			push @case, [
				"name $n, value $v, some there",
				with($params, fcgi_record($PARAMS, $lengths . 'x' x 300)) ];
		}
	}
	for my $lengths ("\x80", "\x80\0", "\x80\0\0\0", "\1", "\1\x80", "\xff" x 8) {
		push @case,
		    [ 'lengths ' . unpack('H*', $lengths),
			with($params, fcgi_record($PARAMS, $lengths)) ];
	}
	# A parameter that nginx sets must not occur twice.  A Cookie may: a client may
	# send two such header lines.
	for my $twice (grep { $_ ne 'HTTP_COOKIE' } sort keys %$call) {
		push @case,
		    [ "$twice twice",
			with($params, fcgi_record($PARAMS, fcgi_pair($twice, $call->{$twice}))) ];
	}
	# The request is cut off after every third byte.
	my $whole = with($params);
	push @case, map { [ "cut at $_", substr $whole, 0, $_ ] }
	    grep { $_ % 3 == 0 } 1 .. length($begin . $params);
	return @case;
}

for my $name (sort keys %good) {
	my ($call, $yes) = @{ $good{$name} };
	my $socket = $k->dir . "/run/$name.sock";
	my $params = fcgi_record($PARAMS, pairs($call));
	is(send_bytes($socket, with($params))->{status}, $yes, "$name: the same parameters in nginx's form are accepted");
	my (@passed, @slow);
	for my $row (broken($call)) {
		my ($what, $bytes) = @$row;
		my $begun = time;
		my $a = send_bytes($socket, $bytes);
		push @passed, $what if ($a->{status} // 0) == $yes;
		push @slow, $what if time - $begun > 2.5;
	}
	is_deeply(\@passed, [], "$name: no broken request is answered with success");
	is_deeply(\@slow, [], "$name: the service does not wait for the rest when the peer has closed");
	# Unusual but valid requests: whether they are served or not, the process
	# continues.
	send_bytes($socket, $_)
	    for fcgi_record(99, 'x') . with($params),
	    fcgi_record(9, fcgi_pair('FCGI_MAX_CONNS', ''), id => 0) . with($params),
	    with($params) . with($params) . 'garbage',
	    fcgi_record($BEGIN, pack('nCx5', 1, 0), padding => 255) . $params . $end;
	is(send_bytes($socket, with($params))->{status}, $yes, "$name: parameters in nginx's form are accepted afterwards");
}

# Bodies that are cut off: the client disconnects from nginx in the middle of the body.
my $cookie = $alice->cookie_header;
my $body = jencode({ title => 'x' x 150, notes => 'n' x 9000 });
my $head =
      "POST /api/core/tasks HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: "
    . $k->base
    . "\r\nCookie: $cookie\r\nContent-Type: application/json\r\nContent-Length: "
    . length($body)
    . "\r\n\r\n";
for (my $at = 0; $at < length $body; $at += 311) {
	my $s = raw_open($k->port);
	print $s $head, substr $body, 0, $at;
	close $s;
}
is(scalar @{ $alice->get('/api/core/tasks')->{json}{items} }, 0, 'half a body creates no task');
# The Content-Length is larger than the body.
for my $claim (1, 100, 1_000_000, -1, '9' x 30, 'x', '') {
	my $a = fcgi_request(
		$k->dir . '/run/core.sock',
		{ %call, REQUEST_METHOD => 'POST', KEDGE_PATH => '/api/core/tasks',
			CONTENT_TYPE => 'application/json', CONTENT_LENGTH => $claim
		},
		'{"title":',
		deadline_s => 5);
	like($a->{status} // 'cut', qr/^(400|401|403|411|413|cut)$/, "CONTENT_LENGTH '$claim' is refused");
}

# Hostile JSON, as deep and as wide as the limits allow. The test measures the processor
# time of core's processes, which other load does not affect.
sub processor_s
{
	my $ns = 0;
	for my $task (map { files("/proc/$_/task") } $k->pids('core-api')) {
		$ns += (split ' ', slurp("$task/schedstat") // 0)[0];
	}
	return $ns / 1e9;
}
cmp_ok(processor_s(), '>', 0, 'the parent of the workers is found');
for my $row (
	[ 'deep', '[' x 30_000 ], [ 'deep and closed', '[' x 30_000 . ']' x 30_000 ],
	[ 'wide', '{' . join(',', map {qq("k$_":$_)} 1 .. 4000) . '}' ],
	[ 'colliding',
		'{' . join(
			',',
			map { '"' . ("Ez" x ($_ % 13)) . ("FY" x (13 - $_ % 13)) . "$_\":1" }
			    1 .. 1500
		    )
		    . '}'
	],
	[ 'digits', '{"title":' . '1' x 60_000 . '}' ],
	[ 'exponent', '{"title":1e999999999}' ],
	[ 'escapes', '{"title":"' . '\\u0041' x 9000 . '"}' ]
) {
	my $before = processor_s();
	my $r = $alice->request(
		POST => '/api/core/tasks', body => $row->[1],
		type => 'application/json');
	like($r->{status}, qr/^(400|413)$/, "a JSON body of $row->[0] is refused");
	cmp_ok(processor_s() - $before, '<', 0.5, "refusing $row->[0] costs less than half a second of processor time");
}

# The same processes as before are still running and answer.
for my $kind (sort keys %pid) {
	is(join(' ', $k->pids($kind)), $pid{$kind}, "$kind: the processes are the same as before");
	isnt($pid{$kind}, '', "$kind: a process ran before");
}
is($alice->get('/api/core/whoami')->{status}, 200, 'a verified request to core succeeds afterwards');
is($alice->get('/api/wallet/accounts')->{status}, 200, 'a verified request to wallet succeeds afterwards');
my @all = Kedge::parallel(
	16,
	sub {
		my $c = $alice->copy;
		return join ',', map { $c->get('/api/core/whoami')->{status} } 1 .. 20
	});
is_deeply([ grep { $_ ne join ',', (200) x 20 } @all ], [], 'all threads serve requests afterwards');
unlike( $k->log_text('core') . $k->log_text('auth'), qr/AddressSanitizer|runtime error|assert/i,
	'no log has a sanitizer report or failed assertion');
done_testing;
