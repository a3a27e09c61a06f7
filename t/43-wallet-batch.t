# Batches: their order, atomic batches and batches of independent items, and idempotency
# keys of batches and of items.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(parallel);
use Kedge::Wallet qw(item batch codes);

my $k = Kedge->up;
my $w = Kedge::Wallet->new($k);
my $alice = $w->user('alice', 1000);
my ($bob, $carol) = map { $w->user($_) } qw(bob carol);
my ($a, $b, $c) = map { $_->{account} } $alice, $bob, $carol;

# ---- independent items --------------------------------------------------------------

my @items = (
	item($a, $b, 600, memo => 'first', metadata => { n => 1 }),
	item($a, $b, 600), # the debit account has too little left
	item($a, $c, 400), # the account has exactly this amount left
	item($b, $a, 1), # the debit account belongs to another user
	item($a, $a, 1), item($a, '01890a5d-ac96-774b-bcce-b302099a8057', 1), item($a, $b, 0),
);
my $r = batch($alice, 0, \@items, key => 'b1');
is($r->{status}, 200, 'a batch is answered with 200') or diag($r->{body});
is(
	codes($r),
	'posted INSUFFICIENT_FUNDS posted ACCOUNT_NOT_FOUND SAME_ACCOUNT ACCOUNT_NOT_FOUND AMOUNT_OUT_OF_RANGE',
	'a batch has one result for each item, in order'
);
my $first = $r->{json}{results}[0]{transfer};
is($first->{memo}, 'first', 'the result has the memo of its item');
is_deeply($alice->get("/api/wallet/transfers/$first->{id}")->{json}, $first, 'each result is a transfer that can be read');
ok(length $r->{json}{results}[1]{error}{message}, 'a refused item has a message');
is($w->state_of($a), '0/0/0', 'the debited account is empty');
is($w->state_of($b), '600/0/600', 'the credited account has the whole amount');
my $again = batch($alice, 0, \@items, key => 'b1');
is($again->{body}, $r->{body}, 'the same key gets the same answer');
is($again->{headers}{'idempotency-replayed'}, 'true', 'the repeated answer has Idempotency-Replayed');
is(batch($alice, 1, \@items, key => 'b1')->{json}{code}, 'IDEMPOTENCY_KEY_REUSED', 'another batch with the same key is IDEMPOTENCY_KEY_REUSED');
is(batch($alice, 0, [ reverse @items ], key => 'b1')->{status}, 409, 'the same items in another order are another batch');
is($w->state_of($b), '600/0/600', 'repetitions move no money');
is($w->move($alice, $a, $b, 1, key => 'b1')->{json}{code}, 'IDEMPOTENCY_KEY_REUSED',
	'a single transfer with the key of a batch is IDEMPOTENCY_KEY_REUSED');

# Texts are stored unchanged, whatever characters they contain. If only some items have a
# member, the member is stored for these items only.
$w->fund($a, 10);
my $house = $k->sql('wallet', "SELECT id FROM account WHERE name = 'external:USD'");
my @texts = ('', 'NULL', '{}', 'a,"b"', "\\", "\\\\x00\"", "\x{20ac}\n\t'", ' ', undef, '}');
$r = batch($alice, 0, [ map { item($a, $b, 1, defined $_ ? (memo => $_, metadata => { "\\\"$_" => $_ }) : ()) }
	    @texts ]);
my @seen = map { $alice->get("/api/wallet/transfers/$_->{transfer}{id}")->{json} } @{ $r->{json}{results} };
is_deeply([ map { $_->{memo} } @seen ], \@texts, 'memos are stored as they were written');
is_deeply([ map { $_->{metadata} } @seen ], [ map { defined $_ ? { "\\\"$_" => $_ } : undef } @texts ],
	'metadata are stored as they were written');
is($w->state_of($b), '610/0/610', 'each of the transfers moved money');
is(batch($bob, 1, [ item($b, $a, 10) ])->{status}, 200, 'the money is moved back by a batch');
is(batch($alice, 1, [ item($a, $house, 10) ])->{json}{code}, 'ACCOUNT_NOT_FOUND', 'a user cannot pay to a system account');
$r = batch($alice, 0, [ item($a, $house, 1), item($a, $c, 10) ]);
is(codes($r), 'ACCOUNT_NOT_FOUND posted', 'an item that pays to a system account is refused, the others are posted');
is(batch($carol, 1, [ item($c, $b, 10) ])->{status}, 200, 'a user pays money on that a batch has brought');
is(batch($bob, 1, [ item($b, $a, 10) ])->{status}, 200, 'the money is moved back by another batch');
is(batch($w->{operator}, 1, [ item($a, $house, 10) ])->{status}, 200, 'an operator can pay to a system account');

# Money that one item brings is available to the items after it.
$r = batch($bob, 0, [ item($b, $c, 600), item($b, $c, 1) ]);
is(codes($r), 'posted INSUFFICIENT_FUNDS', 'the second item is refused when the first has used the funds');
my $mine = $bob->post('/api/wallet/accounts', { name => 'Savings', currency => 'USD' })->{json}{id};
$w->fund($b, 10);
$r = batch($bob, 1, [ item($b, $mine, 10), item($mine, $b, 7), item($b, $mine, 7) ]);
is(codes($r), 'posted posted posted', 'items that move money to and fro are posted one after the other');
is($w->state_of($mine), '10/0/10', 'the balances add up after transfers to and fro');
my @batch = map { "'$_->{transfer}{id}'" } @{ $r->{json}{results} };
is($k->sql('wallet', 'SELECT count(DISTINCT created_at) FROM entry WHERE transfer_id IN ('
		    . join(', ', @batch) . ')'), 1, 'all entries of a batch have one time');
is($k->sql('wallet', <<~'SQL'), 0, 'no entry has a time before that of an earlier entry');
	SELECT count(*) FROM (SELECT created_at < lag(created_at)
		OVER (PARTITION BY account_id ORDER BY seq) AS back FROM entry) e WHERE back
	SQL

# ---- atomic batches -----------------------------------------------------------------

$w->fund($a, 100);
$r = batch($alice, 1, [ item($a, $b, 60), item($a, $c, 60), item($a, $b, 1) ], key => 'b2');
is("$r->{status} $r->{json}{code}", '422 INSUFFICIENT_FUNDS', 'an atomic batch is refused because of one item');
is($r->{json}{index}, 1, 'the error of an atomic batch names the index of the item');
ok($r->{json}{requestId}, "the error of an atomic batch has the request's id");
is($w->state_of($a), '100/0/100', 'a refused atomic batch moves no money');
$r = batch($alice, 1, [ item($a, $b, 40), item($a, $c, 60) ], key => 'b2');
is(codes($r), 'posted posted', 'a refused atomic batch leaves its key free');
is($w->state_of($a), '0/0/0', 'an atomic batch that succeeds moves all');

# ---- keys of items ------------------------------------------------------------------

$w->fund($a, 100);
my $keyed = item($a, $b, 5, idempotencyKey => 'i1');
$r = batch($alice, 0, [ $keyed, item($a, $b, 1) ]);
is(codes($r), 'posted posted', 'items with their own keys are posted');
my $one = $r->{json}{results}[0]{transfer};
$r = batch($alice, 0, [ $keyed, item($a, $b, 1) ]);
is_deeply($r->{json}{results}[0]{transfer}, $one, 'an item with a used key returns the same transfer in another batch');
$r = $w->move($alice, $a, $b, 5, key => 'i1');
is("$r->{status} $r->{json}{id}", "201 $one->{id}", 'a single transfer with the key of an item returns the same transfer');
is($r->{headers}{'idempotency-replayed'}, 'true', 'the single transfer has Idempotency-Replayed');
$r = batch($alice, 0, [ item($a, $b, 6, idempotencyKey => 'i1') ]);
is(codes($r), 'IDEMPOTENCY_KEY_REUSED', 'an item with a used key and another amount is refused');
is(batch($alice, 1, [ item($a, $b, 6, idempotencyKey => 'i1') ])->{json}{code},
	'IDEMPOTENCY_KEY_REUSED', 'an atomic batch with the used key is refused');
$w->move($alice, $a, $b, 2, key => 'i2');
$r = batch($alice, 0, [ item($a, $b, 2, idempotencyKey => 'i2') ]);
is(codes($r), 'posted', 'a batch of one item is posted');
$r = batch($alice, 0, [ item($a, $b, 5000, idempotencyKey => 'i3') ]);
is(codes($r), 'INSUFFICIENT_FUNDS', 'an item without funds is refused');
is($w->move($alice, $a, $b, 3, key => 'i3')->{status}, 201, 'a refused item leaves its key free');
is($w->state_of($a), '88/0/88', 'each key moved money once');

# ---- holds, limits, mistakes --------------------------------------------------------

$r = batch($alice, 0, [ item($a, $b, 80, hold => JSON::PP::true, expiresInSeconds => 60),
		item($a, $b, 10), item($a, $b, 8) ]);
is(codes($r), 'held INSUFFICIENT_FUNDS posted', 'a batch may contain a hold');
is($w->state_of($a), '80/80/0', 'holds in a batch reserve their amounts');
my @bad = (
	[ [], 'transfers' ], [ {}, 'transfers' ], [ [1], 'transfers' ],
	[ [ item($a, $b, 1), item($a, $b, '1') ], 'transfers[1].amount' ],
	[ [ item($a, $b, 1, surprise => 1) ], 'transfers[0].surprise' ],
	[ [ item($a, $b, 1, expiresInSeconds => 9) ], 'transfers[0].expiresInSeconds' ],
	[ [ item($a, $b, 1, idempotencyKey => 'a b') ], 'transfers[0].idempotencyKey' ],
	[ [ map { item($a, $b, 1, idempotencyKey => 'twice') } 1, 2 ], 'transfers' ],
);
for my $row (@bad) {
	my ($items, $field) = @$row;
	my $r = batch($alice, 0, $items);
	is("$r->{status} " . ($r->{json}{fields}[0]{field} // ''), "400 $field", "a batch with a mistake in $field is refused");
}
is($alice->post('/api/wallet/transfers/batch', { transfers => [ item($a, $b, 1) ] })->{json}{code},
	'IDEMPOTENCY_KEY_REQUIRED', 'a batch without an idempotency key is refused');
is(batch($alice, 0, [ map { item($a, $b, 1) } 1 .. 1001 ])->{json}{code}, 'BATCH_TOO_LARGE',
	'a batch of more than 1000 items is refused');
$w->fund($a, 1000);
$r = batch($alice, 1, [ map { item($a, $_ % 2 ? $b : $c, 1) } 1 .. 1000 ]);
is($r->{status}, 200, 'a batch of 1000 items is answered with 200') or diag(substr $r->{body}, 0, 300);
is(scalar(grep { $_->{transfer} } @{ $r->{json}{results} }), 1000, 'each of 1000 items is posted');
is($w->state_of($a), '80/80/0', 'the 1000 transfers moved money');

# Batches that run at the same time, with the same accounts in different orders.
$w->fund($_, 1000) for $a, $b, $c;
my @all = parallel(6, sub {
	my ($i) = @_;
	my $who = (map { $_->copy } $alice, $bob, $carol)[ $i % 3 ];
	my $from = ($a, $b, $c)[ $i % 3 ];
	my @to = grep { $_ ne $from } $a, $b, $c;
	@to = reverse @to if $i > 2;
	my %seen;
	for my $n (1 .. 10) {
		my $r = batch($who, $n % 2, [ map { item($from, $to[ $_ % @to ], 1) } 1 .. 20 ]);
		$seen{ $r->{status} }++;
	}
	return \%seen;
});
my %seen;
for my $part (@all) {
	$seen{$_} += $part->{$_} for keys %$part;
}
is_deeply(\%seen, { 200 => 60 }, '60 batches at once all succeed, although they lock the same accounts');
$w->check;
done_testing;
