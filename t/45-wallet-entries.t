# Entries of an account: pages with the running balance, filters by time, and CSV in
# limited memory.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Kedge qw(jdecode slurp wait_until);
use Kedge::FastCGI qw(fcgi_answer fcgi_request fcgi_send);
use Kedge::Money qw(hold_lock);
use Kedge::Wallet;

# Freed memory that AddressSanitizer retains must not count.
$ENV{ASAN_OPTIONS} = join ':', $ENV{ASAN_OPTIONS} // (), 'quarantine_size_mb=1';
my $k = Kedge->up(env => { WALLET_PROCESSES => 1 });
my $w = Kedge::Wallet->new($k);
my $base = '/api/wallet';
my $alice = $w->user('alice', 1000);
my $bob = $w->user('bob');
my ($a, $b) = ($alice->{account}, $bob->{account});
my @memos = ('plain', 'with, comma', qq{with "quotes"}, "two\nlines", '=1+1', '+1', '-1', '@x', "\ttab",
	"\x{2603}", '', undef);
my $balance = 1000;
my @expected = ([ 1000, 1000, undef ]);
for my $memo (@memos) {
	$balance -= 3;
	my $r = $w->move($alice, $a, $b, 3, memo => $memo);
	unshift @expected, [ -3, $balance, $memo ];
}

sub entries { my ($query) = @_; return $alice->get("$base/accounts/$a/entries" . ($query // '')) }
my $all = entries('?limit=100')->{json};
is_deeply([ map { [ @$_{qw(amount balanceAfter memo)} ] } @{ $all->{items} } ], \@expected,
	'the list has the newest entry first, with the balance after each');
is($all->{nextCursor}, undef, 'the list of entries is one page');
is_deeply([ sort keys %{ $all->{items}[0] } ],
	[ sort qw(id transferId amount balanceAfter memo createdAt) ], 'an entry has its six members');
is($alice->get("$base/transfers/$all->{items}[0]{transferId}")->{status}, 200, 'the entry has the id of its transfer');
my (@paged, $cursor);
for my $n (1 .. 10) {
	my $r = entries('?limit=4' . ($cursor ? "&cursor=$cursor" : ''))->{json};
	push @paged, @{ $r->{items} };
	# Entries made while a client reads the pages are on no later page.
	$w->move($alice, $a, $b, 1) if $n == 1;
	$cursor = $r->{nextCursor} or last;
}
is_deeply(\@paged, $all->{items}, 'the pages have the same entries as the list');
my $at = $all->{items}[5]{createdAt};
my $older = entries("?to=$at")->{json}{items};
my $newer = entries("?from=$at")->{json}{items};
is(@$older + @$newer, @{ $all->{items} } + 1, 'from is inclusive and to exclusive');
is($newer->[-1]{createdAt}, $at, 'the parameter from is inclusive');
is_deeply(entries("?from=$at&to=$at")->{json}{items}, [], 'the parameter to is exclusive');
is(entries($_)->{status}, 400, "GET entries?$_ is refused")
    for '?limit=0', '?limit=101', '?from=x', '?to=0000-01-01T00:00:00Z', '?cursor=x',
    "?from=$at&cursor=" . entries('?limit=1')->{json}{nextCursor};
is($bob->get("$base/accounts/$a/entries")->{json}{code}, 'ACCOUNT_NOT_FOUND', "another user's entries are ACCOUNT_NOT_FOUND");
is($w->{operator}->get("$base/accounts/$a/entries")->{status}, 200, 'an operator can read any entries');

# Entries whose times are not in order, as after setting a clock back by an hour.
my $clock = $w->user('clock', 1);
$w->fund($clock->{account}, 1) for 1 .. 11;
$k->sql('wallet', "SET session_replication_role = replica;
    UPDATE entry SET created_at = timestamptz '2026-01-01Z' + seq * interval '20 min'
	- CASE WHEN seq > 6 THEN interval '1 hour' ELSE interval '0' END
    WHERE account_id = '$clock->{account}'");
my @times = map { sprintf '2026-01-01T%02d:%02d:00Z', $_ / 60, $_ % 60 } map { $_ * 10 } 0 .. 24;
my (@wrong, $looked);
for my $from (undef, @times) {
	for my $to (undef, grep { !defined $from || $_ ge $from } @times) {
		my $query = join '&', defined $from ? "from=$from" : (), defined $to ? "to=$to" : ();
		my $found = join ' ', map { $_->{id} }
		    @{ $clock->get("$base/accounts/$clock->{account}/entries?$query")->{json}{items} };
		my $there = $k->sql('wallet', "SELECT coalesce(string_agg(id::text, ' ' ORDER BY seq DESC), '') FROM entry
		    WHERE account_id = '$clock->{account}'" . (defined $from ? " AND created_at >= '$from'" : '')
			    . (defined $to ? " AND created_at < '$to'" : ''));
		push @wrong, $query if $found ne $there;
		$looked++;
	}
}
is("@wrong", '', "the list between any two of $looked pairs of times is right");
is($k->sql('wallet', "SELECT entry_seq_at('$clock->{account}', t) FROM unnest(ARRAY[
    timestamptz '-infinity', '2026-01-01T01:00Z', 'infinity']) t"),
	join("\n", 1, 3, 14), 'entry_seq_at() finds the entry of a time by bisection');

# ---- CSV ----------------------------------------------------------------------------

sub csv
{
	my ($who, $id, $query, $accept) = @_;
	return $who->get("$base/accounts/$id/entries" . ($query // ''),
		headers => { Accept => $accept // 'text/csv' });
}

# The CSV follows RFC 4180 strictly.
sub parse
{
	my ($text) = @_;
	my @rows;
	while (length $text) {
		my @row;
		while (1) {
			if ($text =~ s/\A"((?:[^"]|"")*)"//) {
				push @row, $1 =~ s/""/"/gr;
			} else {
				$text =~ s/\A([^",\r\n]*)//;
				push @row, $1;
			}
			last unless $text =~ s/\A,//;
		}
		$text =~ s/\A\r\n// or die "not CSV: " . substr $text, 0, 40;
		push @rows, \@row;
	}
	return @rows;
}
my $r = csv($alice, $a);
is($r->{status}, 200, 'the CSV is answered with 200');
like($r->{headers}{'content-type'}, qr{^text/csv; charset=utf-8}, 'the CSV has the type text/csv');
like(join(', ', map { ref ? @$_ : $_ } $r->{headers}{vary}), qr/\bAccept\b/, 'the CSV has Vary: Accept');
my ($head, @rows) = parse($r->{body});
is(join(',', @$head), 'id,transferId,amount,balanceAfter,memo,createdAt', 'the CSV has a header line');
$all = entries('?limit=100')->{json}{items};
my @want = map {
	my $memo = $_->{memo} // '';
	utf8::encode($memo);
	$memo = "'$memo" if $memo =~ /^[=+\-@\t\r]/;
	[ @$_{qw(id transferId amount balanceAfter)}, $memo, $_->{createdAt} ]
} @$all;
is_deeply(\@rows, \@want, 'the CSV has the entries of the list, with formulas quoted');
($head, @rows) = parse(csv($alice, $a, "?from=$at")->{body});
is(scalar @rows, scalar @$newer, 'the CSV with from and to has the entries of that time');
my $next = entries('?limit=2')->{json}{nextCursor};
($head, @rows) = parse(csv($alice, $a, "?limit=1&cursor=$next")->{body});
is(scalar @rows, scalar @$all, 'the CSV has all entries, whatever limit and cursor say');
like(csv($alice, $a, '', $_)->{headers}{'content-type'}, qr/csv/, "Accept: $_ is answered with CSV")
    for 'text/csv;q=0.9, application/json;q=0.1', 'TEXT/CSV';
like(csv($alice, $a, '', $_)->{headers}{'content-type'}, qr/json/, "Accept: $_ is answered with JSON")
    for '*/*', 'text/csvx', 'application/json';
is(csv($bob, $a)->{status}, 404, "another user's CSV is 404");
is(parse(csv($bob, $bob->post("$base/accounts", { name => 'n', currency => 'EUR' })->{json}{id})->{body}),
	1, 'the CSV of an account without entries is its header line');

# ---- a million ----------------------------------------------------------------------

my $many = $ENV{KEDGE_T_LONG} ? 1_000_000 : 100_000;
my $busy = $w->user('busy', 1);
my $id = $busy->{account};
$k->sql('wallet', "SET session_replication_role = replica;
    INSERT INTO entry (transfer_id, account_id, seq, currency, amount, balance_after)
    SELECT uuidv7(), '$id', 1000 + n, 'USD', CASE n % 2 WHEN 0 THEN -1 ELSE 1 END, 1 + n % 2
    FROM generate_series(1, $many) n");
# Reads the process's peak memory, as the kernel has recorded it since it was reset ("5"
# written to clear_refs).  Repeated measuring would make this client read too slowly.
my ($wallet) = $k->pids('wallet-api');
sub resident
{
	my ($name) = @_;
	return (slurp("/proc/$wallet/status") =~ /^$name:\s+(\d+)/m)[0];
}
csv($alice, $a);
my $before = resident('VmRSS');
open my $clear_refs, '>', "/proc/$wallet/clear_refs" or die "clear_refs: $!";
print $clear_refs '5';
close $clear_refs or die "clear_refs: $!";
my ($lines, $bytes) = (0, 0);
my $got = $busy->{http}->request('GET', $k->base . "$base/accounts/$id/entries", {
	headers => { Accept => 'text/csv', Cookie => $busy->cookie_header },
	data_callback => sub {
		$lines += $_[0] =~ tr/\n//;
		$bytes += length $_[0];
	},
});
my $most = resident('VmHWM') - $before;
is($got->{status}, 200, "a CSV of $many entries is answered with 200") or diag($got->{content});
is($lines, $many + 2, "a CSV of $many entries has all lines");
cmp_ok($most, '<', 4096, "a large CSV needs bounded memory (KiB more than before: $most; $bytes bytes)");

# The database fails in the middle of a stream, while a statement waits for a lock: the
# response must not look complete.  The request is sent without HTTP::Tiny, which would
# repeat it.
my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $k->port) or die $!;
print $socket "GET $base/accounts/$id/entries HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/csv\r\n"
    . 'Cookie: ' . $busy->cookie_header . "\r\nConnection: close\r\n\r\n";
my $text = '';
sysread $socket, $text, 100, length $text while $text !~ /createdAt/;
my $unlock = hold_lock($k, 'LOCK TABLE entry');
my $readable = IO::Select->new($socket);
ok(wait_until(sub {
	sysread $socket, $text, 65536, length $text while $readable->can_read(0);
	return $k->sql('postgres', 'SELECT count(*) FROM pg_stat_activity'
		    . " WHERE usename = 'wallet' AND wait_event_type = 'Lock'") > 0;
}, 20), 'a stream waits for its next entries');
$k->kill_pid(KILL => ($k->pids('postgres-backend'))[0]);
1 while sysread $socket, $text, 65536, length $text;
{
	local $SIG{PIPE} = 'IGNORE'; # the session has ended with its server, so writing to it may fail
	$unlock->();
}
like($text, qr{^HTTP/1.1 200 }, 'the stream begins with 200');
unlike($text, qr/\r\n0\r\n\r\n\z/, 'the stream that fails is cut off without a last chunk');
# The log does not report success, and names the id of the request that failed.
my ($request_id) = $text =~ /^X-Request-Id: (\S+)/mi;
my @said;
ok(wait_until(sub {
	@said = grep {/"request_id":"$request_id"/} split /\n/, $k->log_text('wallet');
	grep {/"msg":"request"/} @said
}, 10), 'the access line of a stream is written when the stream ends');
my $line = jdecode((grep {/"msg":"request"/} @said)[0]);
is_deeply([ @$line{qw(status sent_status)} ], [ 503, 200 ], 'the access line has the status 503 and the sent status 200');
ok((grep {/"statement":"entry_select_page"/} @said), 'the database error has the id of the request')
    or diag("@said");
ok(wait_until(sub { entries()->{status} == 200 }, 30), 'entries are served when PostgreSQL is back');
# Streams whose clients read nothing occupy a thread each, so one user gets at most two
# streams.  A stream has begun when its first bytes have arrived, and it cannot end,
# because no buffer has room for all of it.
my $path = "$base/accounts/$id/entries";
my $verdict = fcgi_request($k->dir . '/run/verify.sock', { REQUEST_METHOD => 'GET',
	KEDGE_METHOD => 'GET', KEDGE_AUDIENCE => 'wallet', KEDGE_GUARD => 'standard',
	KEDGE_ROLES => '', KEDGE_PATH => $path, KEDGE_RAW_URI => $path, KEDGE_HOST => '127.0.0.1',
	KEDGE_SCHEME => 'http', QUERY_STRING => '', REMOTE_ADDR => '127.0.0.1',
	KEDGE_REQUEST_ID => 'entries-verdict', HTTP_COOKIE => $busy->cookie_header });
sub leave_unread
{
	my ($id) = @_;
	my $s = fcgi_send($k->dir . '/run/wallet.sock', { REQUEST_METHOD => 'GET',
		KEDGE_PATH => $path, KEDGE_RAW_URI => $path, QUERY_STRING => '',
		KEDGE_HOST => '127.0.0.1', KEDGE_SCHEME => 'http', REMOTE_ADDR => '127.0.0.1',
		KEDGE_REQUEST_ID => $id, KEDGE_IDENTITY => $verdict->{headers}{'kedge-identity'},
		HTTP_ACCEPT => 'text/csv' });
	IO::Select->new($s)->can_read(20);
	sysread $s, my $first, 100;
	like($first // '', qr{^.{8}Status: 200 }s, 'a stream whose client does not read begins');
	return $s;
}
my @unread = map { leave_unread("entries-unread-$_") } 1 .. 2;
my $third = csv($busy, $id, '?from=2100-01-01T00:00:00Z');
is($third->{status}, 429, 'a third stream of the user is refused');
is($third->{json}{code}, 'TOO_MANY_STREAMS', 'a third stream of the user is TOO_MANY_STREAMS');
like($third->{headers}{'retry-after'}, qr/^\d+$/, 'the 429 of a stream has Retry-After');
is($busy->get("$base/accounts/$id/entries")->{status}, 200, 'pages are served while the user has two streams');
is(csv($alice, $a)->{status}, 200, 'the streams of other users are served');
# When a client reads no byte, the service ends the stream, and the response does not
# look complete.
ok(wait_until(sub { csv($busy, $id, '?from=2100-01-01T00:00:00Z')->{status} == 200 }, 25),
	'streams whose clients do not read end, and a new one begins');
for my $n (1, 2) {
	ok(wait_until(sub { $k->log_text('wallet') =~ /"request_id":"entries-unread-$n","msg":"request",.*"status":499,"sent_status":200/ }, 25),
		'the access line of an unread stream has status 499');
	is(fcgi_answer($unread[ $n - 1 ])->{end}, undef, 'an unread stream has no last record');
}
# nginx reads no more of the response than its memory buffers hold: it writes nothing to
# a file.
my $lazy = IO::Socket::INET->new(Proto => 'tcp') or die "socket: $!";
setsockopt $lazy, Socket::SOL_SOCKET(), Socket::SO_RCVBUF(), 4096;
$lazy->connect($k->port, Socket::inet_aton('127.0.0.1')) or die "connect: $!";
print $lazy "GET $path HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/csv\r\nCookie: "
    . $busy->cookie_header . "\r\n\r\n";
$lazy->flush;
$text = '';
sysread $lazy, $text, 100, length $text while $text !~ /createdAt/;
($request_id) = $text =~ /^X-Request-Id: (\S+)/mi;
ok(wait_until(sub { $k->log_text('wallet') =~ /"request_id":"$request_id","msg":"request",(.*)/ && ($line = $1) }, 40),
	'a stream that nginx cannot buffer ends');
like($line, qr/"status":499,"sent_status":200/, 'an unread stream through nginx ends with the status 499');
unlike($k->log_text('nginx'), qr/temporary file/, 'nginx writes no temporary file for a stream');
close $lazy;
# A client that disconnects does not occupy a thread for long.
for my $n (1 .. 20) {
	eval {
		local $SIG{__DIE__};
		$busy->{http}->request('GET', $k->base . "$base/accounts/$id/entries", {
			headers => { Accept => 'text/csv', Cookie => $busy->cookie_header },
			data_callback => sub { die "enough\n" },
		});
	};
}
is(entries()->{status}, 200, 'streams of clients that disconnected are not counted');
done_testing;
