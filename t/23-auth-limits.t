# Rate limits are on by default, cannot be evaded, and affect only the client that
# causes them; password hashing is limited in number and in memory.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use IO::Select;
use IO::Socket::INET;
use JSON::PP qw(encode_json);
use Kedge qw(files parallel slurp wait_until);
use Kedge::FastCGI qw(fcgi_send);
use Kedge::Load;
use Kedge::Raw qw(raw_answers raw_read);

# ---- the default ----------------------------------------------------------------

{
	my $k = Kedge->up(env => { AUTH_RATE_LIMIT => undef });
	my $c = $k->client;
	# A password that is too long is refused without hashing it, so that even a slow
	# machine is fast enough for this test.
	my %login = (email => 'nobody@example.com', password => 'x' x 129);
	my @r =
	    map { $c->post('/api/auth/sign-in/email', { %login, email => $_ }) }
	    'nobody@example.com', 'NOBODY@example.com', 'other@example.com', 'third@example.com',
	    'nobody@example.com';
	is_deeply([ map { $_->{status} } @r ], [ 400, 400, 400, 429, 429 ],
		'three sign-ins are allowed, whatever the e-mail address');
	my ($refused) = $k->monitor->get('/metrics/auth')->{body} =~
	    /^kedge_rate_limited_total\{service="auth",pool="api"\} (\d+)$/m;
	is($refused, 2, 'each refused request is counted once');
	my $h = $r[3]{headers};
	like($h->{'x-retry-after'} // '', qr/^(?:[1-9]|10)$/, 'X-Retry-After has the value of BetterAuth');
	is($h->{'retry-after'}, $h->{'x-retry-after'}, 'Retry-After equals X-Retry-After');
	like($h->{'content-type'}, qr{^application/json}, 'the 429 is JSON');
	is($r[3]{json}{message}, 'Too many requests. Please try again later.',
		'the 429 has the message of BetterAuth');
	is(
		$c->post(
			'/api/auth/sign-up/email',
			{ name => 'x', email => 'x@example.com', password => 'short' }
		)->{status},
		400,
		'sign-up has a count of its own');
	is($c->get('/api/auth/get-session')->{status}, 200, 'get-session is served while sign-in is limited');
	is($k->client->get('/api/auth/ok')->{status}, 200, 'other paths are served while sign-in is limited');
	for my $header (
		[ 'X-Forwarded-For' => '203.0.113.7' ], [ 'X-Real-IP' => '203.0.113.7' ],
		[ Forwarded => 'for=203.0.113.7' ], [ 'X-Client-IP' => '203.0.113.7' ],
		[ 'CF-Connecting-IP' => '203.0.113.7' ],
		[ 'True-Client-IP' => '203.0.113.7' ],
		[ 'X-Forwarded-For' => '203.0.113.7, 127.0.0.1' ]
	) {
		my $r =
		    $k->client->post('/api/auth/sign-in/email', {%login}, headers => {@$header});
		is($r->{status}, 429, "the header $header->[0] does not change the counted address");
	}
	for my $path (
		'/api/auth/sign-in/email?x=1', '/api/auth//sign-in/email',
		'/api/auth/./sign-in/email',
		'/api/auth/sign-in/%65mail'
	) {
		my $r = $k->client->post($path, {%login});
		like($r->{status}, qr/^(429|404|400)$/, "$path counts as the same path");
	}
	my $r = $k->client->request(
		POST => '/api/auth/sign-in/email', body => 'email=nobody%40example.com&password=x',
		type => 'application/x-www-form-urlencoded');
	is($r->{status}, 429, 'a form counts as the same path');

	# The other routes allow 100 requests in ten seconds, counted over all processes
	# together.
	my $began = time;
	my @status = map {@$_} parallel(
		4,
		sub {
			my $c = $k->client;
			return [ map { $c->get('/api/auth/ok')->{status} } 1 .. 40 ];
		});
	my $took_s = time - $began;
	my $good = grep { $_ == 200 } @status;
	# The limit allows ten more in each second that the requests took.
	cmp_ok($good, '<=', 101 + 10 * $took_s, 'about 100 of 160 requests at once are served')
	    or diag("in $took_s s");
	cmp_ok($good, '>=', 90, 'at least 90 of the requests are served');
	is((grep { $_ != 200 && $_ != 429 } @status), 0, 'the other requests are answered with 429');

	# Jobs and webhooks have a separate counter, and so have paths that do not
	# exist.
	my $root = $k->user('root');
	$k->role($root, 'admin');
	my $cookie = $root->cookie_header;
	# Sends requests on one connection; returns the responses' statuses.
	my $ask = sub {
		my ($address, @paths) = @_;
		my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $k->port,
			LocalAddr => $address) or die "connect: $!";
		my $last = pop @paths;
		print $s (map {"GET $_ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: $cookie\r\n\r\n"} @paths),
		    "GET $last HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: $cookie\r\nConnection: close\r\n\r\n";
		$s->flush;
		return map { [ $_->{status}, $_->{headers}{'retry-after'} ] } raw_answers(raw_read($s, 60));
	};
	# Ten requests per second are allowed again; the test sends so many that this
	# makes no difference.
	my $use_up = sub {
		my ($path) = @_;
		return wait_until(sub { ($ask->('127.0.0.1', ($path) x 100))[-1][0] == 429 }, 60);
	};
	ok($use_up->('/api/auth/nothing'), 'the limit of paths that do not exist is used up');
	for my $path ('/api/auth/jobs', '/api/auth/webhooks') {
		my @r = $ask->('127.0.0.1', ('/api/auth/nothing') x 50, $path, ('/api/auth/nothing') x 50);
		is($r[50][0], 200, "$path has a count apart from paths that do not exist");
		# On a busy machine some of these requests are allowed, because the
		# limit allows ten more in each second.
		for ([ before => @r[ 0 .. 49 ] ], [ after => @r[ 51 .. 100 ] ]) {
			my ($when, @nothing) = @$_;
			cmp_ok(scalar(grep { $_->[0] == 429 } @nothing), '>', 25,
				"paths that do not exist are refused $when");
		}
		ok($use_up->($path), "$path has a limit");
		@r = $ask->('127.0.0.1', ($path) x 20);
		is($r[-1][0], 429, "$path: a request over the limit gets 429");
		like($r[-1][1] // '', qr/^[1-9]\d*$/, "$path: the 429 has Retry-After");
		is(($ask->('127.0.9.9', $path))[0][0], 200, 'another client address is served');
	}
	my $later = wait_until(
		sub {
			my $r = $c->post('/api/auth/sign-in/email', {%login});
			return $r->{status} == 400;
		},
		25);
	ok($later, 'a request is accepted again after the wait');
}

# ---- hashing --------------------------------------------------------------------

{
	# Run a single process, which has one queue for hashing and can be suspended.
	my $k = Kedge->up(env => { AUTH_HASH_CONCURRENCY => 2, AUTH_HASH_QUEUE => 8,
			AUTH_PROCESSES => 1 });
	my $alice = $k->user('alice');
	my $sign_in = sub {
		my $c = $k->client(timeout => 60);
		@$c{qw(email password)} = @$alice{qw(email password)};
		my $r = $c->sign_in;
		return [ $r->{status}, $r->{headers}{'retry-after'}, $r->{json}{message} ];
	};
	$alice->get('/api/core/whoami') for 1 .. 5;
	my $load = Kedge::Load->start(
		procs => 1,
		code => sub {
			my $c = $alice->copy;
			return sub { return $c->get('/api/core/whoami')->{status} };
		});
	my $storm_began = time;
	my @r = parallel(64, $sign_in);
	my $storm_s = time - $storm_began;
	my ($count, $slowest) = $load->stop;
	my %by = ();
	$by{ $_->[0] }++ for @r;
	cmp_ok($by{200} // 0, '>=', 10, 'of 64 sign-ins at once at least 10 succeed');
	cmp_ok($by{429} // 0, '>=', 1, 'of 64 sign-ins at once some get 429');
	is(($by{200} // 0) + ($by{429} // 0), 64, 'of 64 sign-ins at once each gets 200 or 429') or diag(explain(\%by));
	is((grep { $_->[0] == 429 && ($_->[1] // '') !~ /^[1-9]\d*$/ } @r), 0,
		'each 429 has Retry-After');
	is_deeply([ keys %$count ], [200], 'verify answers each request with 200 during the sign-ins');
	cmp_ok($slowest, '<', $storm_s / 2, 'no verified request waits for the hashes');
	is($sign_in->()->[0], 200, 'a sign-in succeeds after the burst');
	my $most = 0;
	for my $pid ($k->pids('auth-api'), $k->pids('auth')) {
		my ($kb) = (slurp("/proc/$pid/status") // '') =~ /^VmHWM:\s+(\d+)/m;
		$most = $kb if ($kb // 0) > $most;
	}
	cmp_ok($most / 1024, '<', 2 * 32 + 64, 'the burst used the memory of two hashes at most')
	    or diag("$most kB");

	# No password is hashed for a client that has disconnected.  The process is
	# suspended, so that all clients have disconnected before it sees the first
	# request.  They connect without nginx, which might not have passed on
	# everything by then.
	my $hashes = sub {
		return ($k->monitor->get('/metrics/auth')->{body} =~
			    /^kedge_password_hashes_total\{service="auth",pool="api"\} (\d+)$/m)[0];
	};
	my $abandoned = sub {
		return scalar(() = $k->log_text('auth') =~
			    m{"msg":"request abandoned","method":"POST","path":"/api/auth/sign-up/email","route":"/sign-up/email","status":499}g);
	};
	my $before = $hashes->();
	my ($stopped) = $k->pids('auth-api');
	$k->kill_pid(STOP => $stopped);
	for my $n (1 .. 8) {
		my $body = encode_json({ name => 'gone', email => "gone$n\@example.com",
				password => 'correct horse battery staple' });
		fcgi_send("$k->{dir}/run/auth.sock", {
			REQUEST_METHOD => 'POST', KEDGE_PATH => '/api/auth/sign-up/email',
			KEDGE_RAW_URI => '/api/auth/sign-up/email', QUERY_STRING => '',
			CONTENT_TYPE => 'application/json', CONTENT_LENGTH => length $body,
			REMOTE_ADDR => '127.0.0.1', KEDGE_HOST => '127.0.0.1', KEDGE_SCHEME => 'http',
			KEDGE_REQUEST_ID => 'gone', HTTP_ORIGIN => $k->base
		}, $body)->close;
	}
	$k->kill_pid(CONT => $stopped);
	ok(wait_until(sub { $abandoned->() == 8 }, 20), 'sign-ups whose clients disconnected have access lines with 499')
	    or diag($abandoned->() . ' of 8');
	is($sign_in->()->[0], 200, 'a sign-in whose client stays is served');
	is($hashes->(), $before + 1, 'only the sign-in whose client stayed cost a hash');
	is($k->sql('auth', q{SELECT count(*) FROM "user" WHERE name = 'gone'}), 0,
		'no user is stored for a sign-up whose client disconnected');
	is((() = $k->monitor->get('/metrics/auth')->{body} =~ /sign-up.*status="499"\} 8$/mg), 1,
		'sign-ups with status 499 are counted in the metrics');

	# Networks take turns at hashing.  The process is suspended until all requests
	# are sent; one network sends more than the queue has room for before the other
	# network sends any.
	my @asked;
	my $ask = sub {
		my ($address, $n) = @_;
		my $body = encode_json({ map { ($_ => $alice->{$_}) } qw(email password) });
		for (1 .. $n) {
			my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $k->port,
				LocalAddr => $address) or die "connect: $!";
			print $s "POST /api/auth/sign-in/email HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: "
			    . $k->base . "\r\nContent-Type: application/json\r\nContent-Length: "
			    . length($body) . "\r\nConnection: close\r\n\r\n$body";
			$s->flush;
			push @asked, { socket => $s, address => $address };
		}
	};
	# Returns how many requests nginx has read: it has accepted the connection, and
	# no bytes wait in the kernel.  nginx passes a request on in the same step in
	# which it reads it.
	my $read = sub {
		my %port = map { $_->{socket}->sockport => 1 } @asked;
		return scalar grep {
			my ($mine, $theirs, $waits) = /^ *\d+: \w+:(\w+) \w+:(\w+) 01 \w+:(\w+)/;
			defined $waits && hex $mine == $k->port && $port{ hex $theirs } && hex $waits == 0
		} split /\n/, slurp('/proc/net/tcp');
	};
	($stopped) = $k->pids('auth-api');
	$k->kill_pid(STOP => $stopped);
	$ask->('127.0.2.1', 30);
	ok(wait_until(sub { $read->() == 30 }, 20), '30 sign-ins of one network arrive') or diag($read->());
	$ask->('127.0.3.1', 2);
	ok(wait_until(sub { $read->() == 32 }, 20), 'two sign-ins of another network arrive') or diag($read->());
	$k->kill_pid(CONT => $stopped);
	my (@order, %got);
	my $select = IO::Select->new(map { $_->{socket} } @asked);
	while (my @ready = $select->can_read(60)) {
		for my $s (@ready) {
			my ($one) = grep { $_->{socket} == $s } @asked;
			next if sysread $s, $one->{text}, 65536, length($one->{text} // '');
			$select->remove($s);
			my ($status) = ($one->{text} // '') =~ m{^HTTP/1.1 (\d+)};
			push @order, "$one->{address} $status";
			$got{ $order[-1] }++;
		}
	}
	is($got{'127.0.3.1 200'}, 2, 'both sign-ins of the second network succeed although the queue was full');
	cmp_ok($got{'127.0.2.1 429'} // 0, '>=', 1, 'the first network has filled the queue: some of its sign-ins get 429');
	is($order[-1], '127.0.2.1 200', 'the last sign-in of the first network is served after the second network') or diag(explain(\@order));

	# The time of a response must not reveal whether a user exists.  Processor time
	# is measured, because other load of the machine would affect the elapsed time;
	# the minimum of many alternating tries is used.
	my ($api) = $k->pids('auth-api');
	my $worked_ns = sub {
		my $ns = 0;
		$ns += (split ' ', slurp("$_/schedstat"))[0] for files("/proc/$api/task");
		return $ns;
	};
	my $social = $k->user('social');
	$k->sql('auth', qq{DELETE FROM account WHERE "userId" = '$social->{id}'});
	my %email = (known => $alice->{email}, unknown => 'nobody@example.com',
		'without a password' => $social->{email});
	my %least;
	my $c = $k->client;
	for (1 .. 15) {
		for my $who (sort keys %email) {
			my $before = $worked_ns->();
			$c->post('/api/auth/sign-in/email',
				{ email => $email{$who}, password => 'wrong password' });
			my $took = ($worked_ns->() - $before) / 1e9;
			$least{$who} = $took if !defined $least{$who} || $took < $least{$who};
		}
	}
	for my $who ('unknown', 'without a password') {
		cmp_ok( abs($least{$who} - $least{known}) / $least{known}, '<', 0.25,
			sprintf '%s %.1f ms, known %.1f ms', $who, 1000 * $least{$who},
			1000 * $least{known});
	}
}
done_testing;
