# S10, FastCGI and resource abuse: whatever comes over the socket, nothing dies,
# nothing hangs, and the next request is served.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(jencode wait_until);
use Kedge::FastCGI qw(:DEFAULT fcgi_request fcgi_open fcgi_record fcgi_pair fcgi_answer);
use Kedge::Raw qw(raw_http raw_open raw_read);

my $k = Kedge->up;
my $alice = $k->user('alice');
my %pid = map { my $kind = $_; ($kind => join ' ', $k->pids($kind)) }
    qw(auth core wallet auth-api auth-verify core-api wallet-api);

my ($BEGIN, $ABORT, $PARAMS, $STDIN) = (1, 2, 4, 5);
my %call = (
	REQUEST_METHOD => 'GET', KEDGE_PATH => '/api/core/whoami',
	KEDGE_RAW_URI => '/api/core/whoami', QUERY_STRING => '', REMOTE_ADDR => '127.0.0.1',
	KEDGE_HOST => 'a',
	KEDGE_SCHEME => 'http', KEDGE_REQUEST_ID => 't', CONTENT_TYPE => '', CONTENT_LENGTH => '');
my $begin = fcgi_record($BEGIN, pack('nCx5', 1, 0));
my $params = fcgi_record($PARAMS, join '', map { fcgi_pair($_, $call{$_}) } sort keys %call);
my $whole = $begin . $params . fcgi_record($PARAMS, '') . fcgi_record($STDIN, '');

# Sends the bytes, half-closes, and waits until the other side has had enough.
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

my $long = 'x' x 70_000;
my @case = (
	[ 'nothing', '' ], [ 'one byte', "\1" ], [ 'seven bytes', substr $begin, 0, 7 ],
	[ 'another version', fcgi_record($BEGIN, pack('nCx5', 1, 0), version => 9) . $params ],
	[ 'an unknown type', fcgi_record(99, 'x') . $whole ],
	[ 'a management record',
		fcgi_record(9, fcgi_pair('FCGI_MAX_CONNS', ''), id => 0) . $whole
	],
	[ 'a role that is none',
		fcgi_record($BEGIN, pack('nCx5', 9, 0)) . $params . fcgi_record($PARAMS, '')
	],
	[ 'params before begin', $params . $whole ],
	[ 'stdin before params', $begin . fcgi_record($STDIN, 'x') . $params ],
	[ 'another id',
		$begin
		    . fcgi_record($PARAMS, fcgi_pair('A', 'b'), id => 7)
		    . $params
		    . fcgi_record($PARAMS, '')
		    . fcgi_record($STDIN, '')
	],
	[ 'two begins', $begin . $begin . $whole ],
	[ 'an abort', $begin . fcgi_record($ABORT, '') ],
	[ 'an abort in the params', $begin . $params . fcgi_record($ABORT, '') ],
	[ 'maximal padding',
		fcgi_record($BEGIN, pack('nCx5', 1, 0), padding => 255)
		    . fcgi_record(
			$PARAMS, join('', map { fcgi_pair($_, $call{$_}) } sort keys %call),
			padding => 255
		    )
		    . fcgi_record($PARAMS, '', padding => 255)
		    . fcgi_record($STDIN, '', padding => 255)
	],
	[ 'a record of 65535',
		$begin . fcgi_record($PARAMS, 'x' x 65535) . $params . fcgi_record($PARAMS, '')
	],
	[ 'a length that lies', $begin . fcgi_record($PARAMS, 'x', length => 65535) ],
	[ 'trailing records', $whole . $whole . 'garbage' ],
	[ 'zeros', "\0" x 100_000 ],
	[ 'ones', "\xff" x 100_000 ],
);
# Name and value lengths at every border, with and without the bytes.
for my $n (0, 1, 127, 128, 129, 255, 256, 65_535, 65_536, 0x7fff_ffff) {
	for my $v (0, 127, 128, 65_535, 0x7fff_ffff) {
		my $four = sub { pack 'N', $_[0] | 0x8000_0000 };
		push @case,
		    [ "name $n, value $v, nothing there",
			      $begin
			    . fcgi_record($PARAMS, $four->($n) . $four->($v))
			    . fcgi_record($PARAMS, '')
			    . fcgi_record($STDIN, '') ];
		push @case,
		    [ "name $n, value $v, some there",
			      $begin
			    . fcgi_record($PARAMS, $four->($n) . $four->($v) . 'x' x 300)
			    . fcgi_record($PARAMS, '')
			    . fcgi_record($STDIN, '') ];
	}
}
push @case,
    [ "length $_",
	$begin . fcgi_record($PARAMS, $_) . fcgi_record($PARAMS, '') . fcgi_record($STDIN, '') ]
    for "\x80", "\x80\0", "\x80\0\0\0", "\1", "\1\x80", "\xff\xff\xff\xff\xff\xff\xff\xff";
push @case,
    [ 'many parameters',
	      $begin
	    . join('', map { fcgi_record($PARAMS, fcgi_pair("HTTP_X_$_", 'y' x 1000)) } 1 .. 2000)
	    . fcgi_record($PARAMS, '')
	    . fcgi_record($STDIN, '') ];
push @case,
    [   'one huge parameter',
	$begin
	    . join(
		'', fcgi_record($PARAMS, substr fcgi_pair('HTTP_X', 'y' x 5_000_000), 0, 65535),
		map { fcgi_record($PARAMS, 'y' x 65535) } 1 .. 76
	    )
	    . fcgi_record($PARAMS, '')
	    . fcgi_record($STDIN, '') ];

for my $name (qw(core verify auth)) {
	my $socket = $k->dir . "/run/$name.sock";
	my $t = time;
	my (@passed, @slow);
	for my $row (@case) {
		my $begun = time;
		my $a = send_bytes($socket, $row->[1]);
		push @passed, $row->[0] if $name eq 'core' && ($a->{status} // 0) == 200;
		push @passed, $row->[0] if $name eq 'verify' && ($a->{status} // 0) == 204;
		push @slow, $row->[0] if time - $begun > 2.5;
	}
	is_deeply(\@passed, [], "$name: nothing of it passes");
	is_deeply(\@slow, [], "$name: nothing of it is waited for when the peer has closed");
	note(sprintf '%s: %.1f s', $name, time - $t);
}
# The same parameter twice.
for my $twice (sort keys %call) {
	my $a = fcgi_request($k->dir . '/run/core.sock', [ %call, $twice => $call{$twice} ]);
	isnt($a->{status} // 0, 200, "$twice twice");
}
# Cut at every byte.
my @cut = map { send_bytes($k->dir . '/run/core.sock', substr $whole, 0, $_) }
    grep { $_ % 3 == 0 } 1 .. length($whole) - 1;
is((grep { ($_->{status} // 0) == 200 } @cut), 0, 'cut anywhere, it is no request');

# Bodies that break off, at nginx: the client goes away in the middle.
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
is(scalar @{ $alice->get('/api/core/tasks')->{json}{items} }, 0, 'half a body makes no task');
# And where the service is told that more comes than does.
for my $claim (1, 100, 1_000_000, -1, '9' x 30, 'x', '') {
	my $a = fcgi_request(
		$k->dir . '/run/core.sock',
		{ %call, REQUEST_METHOD => 'POST', KEDGE_PATH => '/api/core/tasks',
			CONTENT_TYPE => 'application/json', CONTENT_LENGTH => $claim
		},
		'{"title":',
		deadline_s => 5);
	like($a->{status} // 'cut', qr/^(400|401|403|411|413|cut)$/, "CONTENT_LENGTH '$claim'");
}

# Hostile JSON, as deep and as wide as the limits let through.
for my $row (
	[ 'deep', '[' x 30_000 ], [ 'deep and closed', '[' x 30_000 . ']' x 30_000 ],
	[ 'wide', '{' . join(',', map {qq("k$_":$_)} 1 .. 4000) . '}' ],
	[ 'colliding',
		'{'
		    . join(
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
	my $t = time;
	my $r = $alice->request(POST => '/api/core/tasks', body => $row->[1],
		type => 'application/json');
	like($r->{status}, qr/^(400|413)$/, "JSON $row->[0]");
	cmp_ok(time - $t, '<', 1, 'in no time');
}

# Everything is as it was: the same processes, and they answer.
for my $kind (sort keys %pid) {
	is(join(' ', $k->pids($kind)), $pid{$kind}, "$kind: nothing died");
	isnt($pid{$kind}, '', "$kind: was there");
}
is($alice->get('/api/core/whoami')->{status}, 200, 'a verified request');
is($alice->get('/api/wallet/accounts')->{status}, 200, 'and another');
my @all = Kedge::parallel(
	16,
	sub {
		my $c = $alice->copy;
		return join ',', map { $c->get('/api/core/whoami')->{status} } 1 .. 20
	});
is_deeply([ grep { $_ ne join ',', (200) x 20 } @all ], [], 'no thread was lost');
unlike($k->log_text('core') . $k->log_text('auth'), qr/AddressSanitizer|runtime error|assert/i,
	'nothing was hurt');
done_testing;
