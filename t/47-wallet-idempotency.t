# A key has one effect, however many clients send it at once, whichever process serves
# them, whatever crashes meanwhile, and however late they repeat it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jencode parallel wait_until);
use Kedge::Money qw(at_once hold_lock later said wait_blocked);
use Kedge::Raw qw(raw_http raw_open raw_read raw_answers);
use Kedge::Wallet;

my $k = Kedge->up(env => { WALLET_PROCESSES => 3, WALLET_DATABASE_TIMEOUT_MS => 20_000 });
my $w = Kedge::Wallet->new($k);
my $base = '/api/wallet';
my ($yes, $no) = (JSON::PP::true, JSON::PP::false);
my $alice = $w->user('alice', 100_000);
my $bob = $w->user('bob');
my ($a, $b) = ($alice->{account}, $bob->{account});
is(scalar(my @workers = $k->pids('wallet-api')), 3, 'three processes of wallet serve requests');

# The responses that clients got; the test repeats their requests at the end.
my @said;

sub post { return Kedge::Wallet::post(@_[ 0 .. 2 ], key => $_[3]) }

sub asked
{
	my ($who, $path, $body, $key) = @_;
	my $r = post($who, $path, $body, $key);
	push @said, [ $who, $path, $body, $key, $r ] if $r->{status} < 300 && said($r) !~ /again/;
	return $r;
}

sub order
{
	my ($amount, %more) = @_;
	return { debitAccountId => $a, creditAccountId => $b, amount => $amount, %more };
}

sub count_of
{
	my ($memo) = @_;
	return $k->sql('wallet', "SELECT count(*) FROM transfer WHERE memo = '$memo'");
}

# An account id in capitals is the same id.
my $small = post($alice, '/transfers', order(1), 'case');
my $large = post($alice, '/transfers', { %{ order(1) }, debitAccountId => uc $a }, 'case');
is(said($large), '201 again', 'ids in capitals are the same request');
is($large->{body}, $small->{body}, 'the same request with ids in capitals gets the same answer');
is(post($alice, '/transfers', { %{ order(1) }, creditAccountId => uc $b }, 'case-2')->{json}{creditAccountId},
	$b, 'the answer has the ids in lower case');

# ---- an account ------------------------------------------------------------------------

sub accounts_named
{
	my ($name) = @_;
	return $k->sql('wallet', "SELECT count(*) FROM account WHERE name = '$name'");
}
my $wish = { name => 'holiday', currency => 'EUR' };
my $opened = asked($alice, '/accounts', $wish, 'open-1');
is(said($opened), '201', 'an account is opened with a key') or diag($opened->{body});
is($opened->{json}{$_}, 0, "the new account has $_ 0") for qw(balance held available);
my $more = post($alice, '/accounts', $wish, 'open-1');
is(said($more), '201 again', 'the repeated request is answered again');
is($more->{body}, $opened->{body}, 'the repeated answer has the same body');
is($more->{headers}{location}, $opened->{headers}{location}, 'the repeated answer has the same Location');
is(accounts_named('holiday'), 1, 'the repeated request opens one account');
is($alice->get("$base/accounts/$opened->{json}{id}")->{json}{name}, 'holiday', 'the account of the answer exists');
is(post($alice, '/accounts', { %$wish, name => 'other' }, 'open-1')->{json}{code},
	'IDEMPOTENCY_KEY_REUSED', 'another account with the same key is refused');
is(post($alice, '/transfers', order(1), 'open-1')->{json}{code}, 'IDEMPOTENCY_KEY_REUSED',
	'a transfer with the key of an account is refused');
is(post($alice, '/accounts', $wish, 'case')->{json}{code}, 'IDEMPOTENCY_KEY_REUSED',
	'an account with the key of a transfer is refused');
is(said(post($bob, '/accounts', $wish, 'open-1')), '201', 'the same key of another user is another key');
is(said(post($alice, '/accounts', { name => 'n', currency => 'NONE' }, 'open-2')), '422 CURRENCY_UNKNOWN',
	'an account in an unknown currency is refused');
is(said(post($alice, '/accounts', { name => 'second', currency => 'EUR' }, 'open-2')), '201',
	'a refused request leaves its key free');
is(post($alice, '/accounts', $wish, 'two words')->{status}, 400, 'an invalid key is refused');
is($alice->post("$base/accounts", { name => 'twice', currency => 'EUR' })->{status}, 201,
	'an account without a key is opened') for 1, 2;
is(accounts_named('twice'), 2, 'without a key each request opens an account');
my ($opens, @answers) = at_once(24, sub {
	return Kedge::Wallet::post($alice->copy, '/accounts', { name => 'race', currency => 'EUR' },
		key => 'open-race');
});
is_deeply($opens, { '201' => 1, '201 again' => 23 }, 'of 24 requests at once with one key one opens the account');
is(scalar @answers, 1, 'requests at once with one key get one answer');
is(accounts_named('race'), 1, 'requests at once with one key open one account');

# ---- one key, many clients ------------------------------------------------------------

# The request took the last available money; repeating it does not need more.
my $poor = $w->user('poor', 10);
my ($count, @bodies) = at_once(64, sub {
	return Kedge::Wallet::post($poor->copy, '/transfers',
		{ %{ order(10) }, debitAccountId => $poor->{account} }, key => 'one');
});
is_deeply($count, { '201' => 1, '201 again' => 63 }, 'of 64 clients with one key one makes the transfer');
is(scalar @bodies, 1, 'the 64 clients get the same answer, byte for byte');
is($w->state_of($poor->{account}), '0/0/0', 'the paying account is empty');
is($w->state_of($b), '12/0/12', 'the money arrives once');

($count, @bodies) =
    at_once(64, sub { post($alice->copy, '/transfers', order(1 + $_[0] % 2), 'two') });
is_deeply($count, { '201' => 1, '201 again' => 31, '409 IDEMPOTENCY_KEY_REUSED' => 32 },
	'with two bodies and one key the first body decides');
is(scalar @bodies, 1, 'with two bodies and one key there is one answer');

my @users = map { $w->user("user$_", 100) } 1 .. 8;
($count, @bodies) = at_once(64, sub {
	my $user = $users[ $_[0] % 8 ];
	return Kedge::Wallet::post($user->copy, '/transfers',
		{ %{ order(100) }, debitAccountId => $user->{account} }, key => 'mine');
});
is_deeply($count, { '201' => 8, '201 again' => 56 }, 'of eight users with the same key each makes one transfer');
is(scalar @bodies, 8, 'eight users with the same key get eight answers');
is(scalar(grep { $w->state_of($_->{account}) ne '0/0/0' } @users), 0, 'each user has paid once');

my $hold = asked($alice, '/transfers', order(300, hold => $yes), 'hold')->{json}{id};
my $done = asked($alice, '/transfers', order(300), 'done')->{json}{id};
my %deposit = (accountId => $a, amount => 50, provider => 'bank', reference => 'one');
for my $row (
	[ 'a hold', 201, $alice, '/transfers', order(5, hold => $yes) ],
	[ 'a capture', 200, $bob, "/transfers/$hold/capture", { amount => 200 } ],
	[ 'a reversal', 200, $w->{operator}, "/transfers/$done/reverse", { amount => 70 } ],
	[ 'an atomic batch', 200, $alice, '/transfers/batch',
		{ atomic => $yes, transfers => [ map { order($_) } 1 .. 5 ] } ],
	[ 'a batch', 200, $alice, '/transfers/batch',
		{ transfers => [ order(1), order(0), order(2) ] } ],
	[ 'a deposit', 201, $w->{operator}, '/deposits', \%deposit ],
	[ 'a withdrawal', 201, $w->{operator}, '/withdrawals', { %deposit, reference => 'two' } ],
) {
	my ($name, $status, $who, $path, $body) = @$row;
	my ($count, @bodies) = at_once(32, sub { post($who->copy, $path, $body, $name =~ tr/ /-/r) });
	is_deeply($count, { $status => 1, "$status again" => 31 }, "$name from 32 clients is made once");
	is(scalar @bodies, 1, "$name from 32 clients: all get the same answer");
}
$w->check('so far');

# ---- a key with another request ---------------------------------------------------------

for my $row (
	[ $alice, '/transfers', order(301) ],
	[ $alice, '/transfers', order(300, memo => '') ],
	[ $alice, '/transfers', order(300, hold => $yes) ],
	[ $alice, '/transfers/batch', { transfers => [ order(300) ] } ],
	[ $alice, "/transfers/$hold/capture", {} ],
) {
	my ($who, $path, $body) = @$row;
	is(said(Kedge::Wallet::post($who, $path, $body, key => 'done')), '409 IDEMPOTENCY_KEY_REUSED',
		"$path " . jencode($body));
}
asked($w->{operator}, '/transfers', order(1), 'operators');
is(said(Kedge::Wallet::post($w->{operator}, "/transfers/$done/reverse", {}, key => 'operators')),
	'409 IDEMPOTENCY_KEY_REUSED', 'a reversal with the key of another operation is refused');
my $batch = asked($alice, '/transfers/batch',
	{ transfers => [ order(7, idempotencyKey => 'done'), order(300, idempotencyKey => 'done-too'),
			order(8, idempotencyKey => 'item') ] }, 'batch');
is(join(' ', map { $_->{error}{code} // $_->{transfer}{status} } @{ $batch->{json}{results} }),
	'IDEMPOTENCY_KEY_REUSED posted posted', 'an item with the key of another operation is refused');
my $single = Kedge::Wallet::post($alice, '/transfers', order(8), key => 'item');
is(said($single), '201 again', 'a single transfer with the key of an item is answered again');
is_deeply($single->{json}, $batch->{json}{results}[2]{transfer}, 'the single transfer is that of the batch');
$single = asked($alice, '/transfers', order(9), 'alone');
$batch = asked($alice, '/transfers/batch',
	{ atomic => $yes, transfers => [ order(9, idempotencyKey => 'alone') ] }, 'batch-2');
is_deeply($batch->{json}{results}, [ { transfer => $single->{json} } ], 'an item with the key of a single transfer returns that transfer');

# ---- a refusal leaves the key free ----------------------------------------------------

($count) = at_once(32, sub {
	return Kedge::Wallet::post($poor->copy, '/transfers',
		{ %{ order(40) }, debitAccountId => $poor->{account} }, key => 'later');
});
is_deeply($count, { '422 INSUFFICIENT_FUNDS' => 32 }, '32 transfers with one key and no funds are all refused');
my $asking = later(sub {
	my ($count, @bodies) = at_once(16, sub {
		my $c = $poor->copy;
		my $r;
		wait_until(sub {
			$r = Kedge::Wallet::post($c, '/transfers',
				{ %{ order(40) }, debitAccountId => $poor->{account} }, key => 'later');
			$r->{status} != 422;
		}, 20);
		$r;
	});
	return [ $count, scalar @bodies ];
});
$w->fund($poor->{account}, 100);
is_deeply($asking->(), [ { '201' => 1, '201 again' => 15 }, 1 ], 'when there are funds, 16 requests with the key move them once');
is($w->state_of($poor->{account}), '60/0/60', 'the account is debited once after the refusals');
my %other = (%{ order(1) }, debitAccountId => $poor->{account});
my $carol = $w->user('carol', 5);
for my $row (
	[ '422 INSUFFICIENT_FUNDS', amount => 61 ],
	[ '422 AMOUNT_OUT_OF_RANGE', amount => 0 ],
	[ '422 SAME_ACCOUNT', creditAccountId => $poor->{account} ],
	[ '404 ACCOUNT_NOT_FOUND', creditAccountId => '01890a5d-ac96-774b-bcce-b302099a8057' ],
	[ '404 ACCOUNT_NOT_FOUND', debitAccountId => $carol->{account} ],
	[ '400 INVALID_REQUEST', amount => 'x' ],
) {
	my ($want, %change) = @$row;
	is(said(post($poor, '/transfers', { %other, %change }, 'free')), $want, $want);
}
is(said(asked($poor, '/transfers', \%other, 'free')), '201', 'a refused request leaves its key free for another body');
is(said(Kedge::Wallet::post($poor, '/transfers', { %other, amount => 61 }, key => 'free')),
	'409 IDEMPOTENCY_KEY_REUSED', 'the key is taken after it has succeeded');
$w->{operator}->post("$base/accounts/$poor->{account}/freeze");
is(said(post($poor, '/transfers', \%other, 'frozen')), '422 ACCOUNT_FROZEN', 'a transfer from a frozen account is refused');
is(said(Kedge::Wallet::post($poor, '/transfers', \%other, key => 'free')), '201 again',
	'a used key is answered although the account is frozen');
$w->{operator}->post("$base/accounts/$poor->{account}/unfreeze");
is(said(asked($poor, '/transfers', \%other, 'frozen')), '201', 'the same key succeeds when the account is thawed');
my $items = { atomic => $yes, transfers => [ map { { %other, amount => $_ } } 30, 29 ] };
is(said(Kedge::Wallet::post($poor, '/transfers/batch', $items, key => 'all')), '422 INSUFFICIENT_FUNDS',
	'an atomic batch without funds is refused');
is($w->state_of($poor->{account}), '58/0/58', 'an atomic batch without funds moves nothing');
$w->fund($poor->{account}, 1);
is(said(asked($poor, '/transfers/batch', $items, 'all')), '200', 'the same batch succeeds when there are funds');

# ---- a repetition gets the first answer after later changes -----------------------------

my %first = (
	captured => asked($alice, '/transfers',
		order(100, hold => $yes, memo => 'x', metadata => { n => 1 }), 'h1'),
	released => asked($alice, '/transfers', order(100, hold => $yes), 'h2'),
	expired => asked($alice, '/transfers', order(100, hold => $yes), 'h3'),
	reversed => asked($alice, '/transfers', order(100), 'p1'),
);
my %id = map { $_ => $first{$_}{json}{id} } keys %first;
is(said(asked($bob, "/transfers/$id{captured}/capture", { amount => 60 }, 'c1')), 200, 'a part of a hold is captured');
my $released = Kedge::Wallet::post($bob, "/transfers/$id{released}/release");
is($released->{json}{status}, 'released', 'a hold is released');
$k->sql('wallet', "UPDATE transfer SET status = 'expired' WHERE id = '$id{expired}'");
my @reversals = ([ captured => 10 ], [ captured => 20 ], [ reversed => 1 ], [ captured => undef ],
	[ reversed => undef ]);
for my $i (0 .. $#reversals) {
	my ($what, $amount) = @{ $reversals[$i] };
	my $r = asked($w->{operator}, "/transfers/$id{$what}/reverse", { amount => $amount }, "r$i");
	is(said($r), 200, "$what: the transfer is reversed") or diag($r->{body});
	is($r->{json}{status}, defined $amount ? $what =~ s/reversed/posted/r : 'reversed',
		"$what: the transfer is \"posted\" after a part, and \"reversed\" after the rest");
}
my $external = $w->{operator}->post("$base/deposits", \%deposit);
is(said($external), '201 again', 'a repeated deposit is answered again');
is(said(asked($w->{operator}, "/transfers/$external->{json}{id}/reverse", {}, 'r-deposit')), 200,
	'the deposit is reversed');
is($w->{operator}->post("$base/deposits", \%deposit)->{body}, $external->{body}, 'the repeated deposit gets the same answer after its reversal');
my $second = $k->user('second');
$k->role($second, 'operator');
is($second->post("$base/deposits", \%deposit)->{body}, $external->{body}, 'another operator gets the same answer for the deposit');
for my $change ([ amount => 51 ], [ accountId => $b ], [ memo => 'x' ]) {
	is(said($second->post("$base/deposits", { %deposit, @$change })), '409 REFERENCE_REUSED',
		"the reference with another $change->[0] is REFERENCE_REUSED");
}
is(said($second->post("$base/withdrawals", \%deposit)), '409 REFERENCE_REUSED', 'the reference of a deposit for a withdrawal is REFERENCE_REUSED');
is(said(Kedge::Wallet::post($bob, "/transfers/$id{captured}/capture", { amount => 61 }, key => 'c1')),
	'409 IDEMPOTENCY_KEY_REUSED', 'the key of a capture with another amount is refused');
is(Kedge::Wallet::post($bob, "/transfers/$id{released}/release")->{body}, $released->{body},
	'a second release gets the same answer');

# ---- what a key is ------------------------------------------------------------------------

my $cookie = $alice->cookie_header;
sub bytes
{
	my ($headers, $body) = @_;
	return join "\r\n", "POST $base/transfers HTTP/1.1", 'Host: 127.0.0.1', 'Origin: ' . $k->base,
	    "Cookie: $cookie", 'Content-Type: application/json', 'Connection: close',
	    'Content-Length: ' . length $body, @$headers, '', $body;
}
for my $row (
	[ 201 => 'k-1' ], [ 201 => 'K-1' ], [ 201 => ' k-1' ], [ 201 => 'k-1  ' ],
	[ 201 => '!' ], [ 201 => '~' x 255 ], [ 201 => q{"k-1"} ], [ 201 => 'a,b' ], [ 201 => '%20' ],
	[ 201 => q{';--} ], [ 201 => '0' ], [ 400 => '~' x 256 ], [ 400 => '~' x 3000 ], [ 400 => '' ],
	[ 400 => ' ' ], [ 400 => 'a b' ], [ 400 => "a\tb" ],
	[ 400 => "a\x7f" ], [ 400 => "\xc3\xa4" ], [ 400 => "\x80" ], [ 400 => "a\x01b" ],
) {
	my ($want, $key) = @$row;
	my $r = raw_http($k->port, bytes([ "Idempotency-Key: $key" ], jencode(order(1))));
	is($r->{status}, $want, 'a key: ' . substr jencode($key), 0, 20) or diag($r->{body});
	is($r->{headers}{'idempotency-replayed'}, $key =~ /^\s|\s$/ && $key =~ /k-1/ ? 'true' : undef,
		'blanks around an idempotency key are ignored');
}
# A request with two keys is refused, since it is not defined which one would count.
# nginx passes both on or, from 1.23 on, joins them with a comma and a space.
my $r = raw_http($k->port,
	bytes([ 'Idempotency-Key: d-1', 'Idempotency-Key: d-2' ], jencode(order(1, memo => 'twins'))));
like($r->{status}, qr/^40[03]$/, 'a request with two idempotency keys is refused');
is(count_of('twins'), 0, 'a request with two idempotency keys moves nothing');

# ---- clients that die -----------------------------------------------------------------------

my $text = bytes([ 'Idempotency-Key: dead-1' ], jencode(order(1, memo => 'dead-1')));
for my $part (10, length($text) - 200, length($text) - 1) {
	my $s = raw_open($k->port);
	syswrite $s, substr $text, 0, $part;
	close $s;
}
is(said(asked($alice, '/transfers', order(2, memo => 'dead-1'), 'dead-1')), '201',
	'half a request does not use its key');
is(count_of('dead-1'), 1, 'half a request moves nothing');

my $unlock = hold_lock($k, "SELECT FROM account WHERE id = '$a' FOR UPDATE");
my $socket = raw_open($k->port);
syswrite $socket, bytes([ 'Idempotency-Key: dead-2' ], jencode(order(3, memo => 'dead-2')));
wait_blocked($k, 1);
close $socket; # disconnects while the request is being executed
my $order = order(3, memo => 'dead-2');
my $retry = later(sub { said(post($alice->copy, '/transfers', $order, 'dead-2')) });
wait_blocked($k, 2);
$unlock->();
is($retry->(), '201 again', 'a client that disconnects during the commit gets the answer when it asks again');
is(count_of('dead-2'), 1, 'the transfer of the disconnected client is made once');

# All clients disconnect before they get a response; half of them reset the connection.
parallel(32, sub {
	my $s = raw_open($k->port);
	syswrite $s, bytes([ 'Idempotency-Key: dead-3' ], jencode(order(4, memo => 'dead-3')));
	setsockopt $s, Socket::SOL_SOCKET(), Socket::SO_LINGER(), pack 'ii', 1, 0 if $_[0] % 2;
	close $s;
	return 1;
});
like(said(asked($alice, '/transfers', order(4, memo => 'dead-3'), 'dead-3')), qr/^201/,
	'32 clients that disconnect have made one transfer');
is(count_of('dead-3'), 1, 'a client that disconnects after the commit has one transfer');

# ---- servers that die -------------------------------------------------------------------------

# The first request has inserted its key, but not committed, when its connection is
# closed.
$unlock = hold_lock($k, 'LOCK TABLE transfer IN SHARE MODE');
$order = order(5, memo => 'cut');
my $cut = later(sub { said(post($alice->copy, '/transfers', $order, 'cut')) });
wait_blocked($k, 1);
my $first_pid = $k->sql('postgres', "SELECT pid FROM pg_stat_activity WHERE usename = 'wallet'"
	    . " AND wait_event_type = 'Lock'");
$retry = later(sub { said(post($alice->copy, '/transfers', $order, 'cut')) });
wait_blocked($k, 2);
$k->sql('postgres', "SELECT pg_terminate_backend($first_pid)");
like($cut->(), qr/^503 /, 'the request whose database session was terminated gets 503');
$unlock->();
is($retry->(), '201', 'the request that waited for the same key makes the transfer');
is(said(post($alice, '/transfers', $order, 'cut')), '201 again', 'the request that got 503 is answered when it is repeated');
is(count_of('cut'), 1, 'the transfer with that key is made once');

# The process is killed, but the database completes its statement.
$unlock = hold_lock($k, "SELECT FROM account WHERE id = '$a' FOR UPDATE");
$order = order(6, memo => 'killed');
$cut = later(sub { post($alice->copy, '/transfers', $order, 'killed')->{status} });
wait_blocked($k, 1);
$k->kill_pid(KILL => $k->pids('wallet-api'));
like($cut->(), qr/^50[234]$/, 'the request whose process was killed gets 502, 503 or 504');
$k->wait_healthy;
$retry = later(sub { said(post($alice->copy, '/transfers', $order, 'killed')) });
wait_blocked($k, 2);
$unlock->();
is($retry->(), '201 again', 'the repeated request finds the finished transfer');
is(count_of('killed'), 1, 'the transfer of the killed process is made once');
$w->check('after deaths');

# ---- repetitions after a crash, a restart and weeks -----------------------------------

my @state = map { $w->state_of($_) } $a, $b, $poor->{account};
sub all_again
{
	my ($name) = @_;
	my @wrong;
	for my $row (@said) {
		my ($who, $path, $body, $key, $first) = @$row;
		my $r = Kedge::Wallet::post($who, $path, $body, key => $key);
		push @wrong, "$key: " . said($r) . " $r->{body}\nnot $first->{body}"
		    if $r->{body} ne $first->{body} || said($r) ne "$first->{status} again";
	}
	is_deeply(\@wrong, [], "$name: all " . @said . ' are answered as the first time');
	is_deeply([ map { $w->state_of($_) } $a, $b, $poor->{account} ], \@state, 'the repeated requests change no balance');
	return;
}
cmp_ok(scalar @said, '>=', 20, 'the test has at least 20 keys');
all_again('all keys at once');
$k->kill_pid(KILL => $k->pids('postgres'));
ok($k->wait_healthy(30), 'wallet is healthy after PostgreSQL was killed');
all_again('all keys after a crash');
$k->sql('wallet', "UPDATE idempotency SET created_at = created_at - interval '29 days'");
is($k->sql('wallet', 'SELECT ledger_forget_keys(30)'), 0, 'a key of less than 30 days is kept');
$k->down;
$k->start;
$_->{base} = $_->{origin} = $k->base for $alice, $bob, $poor, $w->{operator};
all_again('all keys after weeks and a restart');
$k->sql('wallet', "UPDATE idempotency SET created_at = created_at - interval '2 days' WHERE key = 'alone'");
is($k->sql('wallet', 'SELECT ledger_forget_keys(30)'), 1, 'a key of more than 30 days is deleted');
is(said(post($alice, '/transfers', order(9), 'alone')), '201', 'a deleted key can be used again');
$w->check;
done_testing;
