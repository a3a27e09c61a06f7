# A batch checks its accounts without locks, and locks them when it moves money.
# Changes in between are noticed, and batches without common accounts do not wait for
# each other.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(parallel);
use Kedge::Money qw(hold_lock later wait_blocked);
use Kedge::Wallet qw(item batch codes);

my $k = Kedge->up;
my $w = Kedge::Wallet->new($k);
my $alice = $w->user('alice', 1000);
my ($bob, $carol) = map { $w->user($_, 100) } qw(bob carol);
my ($a, $b, $c) = map { $_->{account} } $alice, $bob, $carol;
my $savings = $alice->post('/api/wallet/accounts', { name => 'Savings', currency => 'USD' })->{json}{id};
$w->fund($savings, 100);

# Makes changes in another transaction, which commits while a batch waits for an
# account.
sub overtaken
{
	my ($sql, $who, $atomic, @items) = @_;
	my $unlock = hold_lock($k, $sql);
	my $answer = later(sub { my $r = batch($who, $atomic, \@items); return { %$r{qw(status json)} } });
	wait_blocked($k, 1);
	my $then = $k->sql('wallet', 'SELECT clock_timestamp()');
	$unlock->('COMMIT; BEGIN');
	return { %{ $answer->() }, then => $then };
}

sub moves
{
	my ($who, $from, $to, $amount) = @_;
	return "SELECT ledger_transfer('$who->{id}', false, gen_random_uuid()::text, '\\x00', '$from', '$to',"
	    . " $amount, NULL, NULL, NULL)";
}

sub freezes { return "SELECT ledger_freeze('$savings', $_[0])" }
sub free { return $w->account($a)->{available} }

# ---- the state changes between check and commit -----------------------------------------

my @three = (item($a, $b, 30), item($savings, $b, 1), item($a, $b, 20));
my $r = overtaken(moves($alice, $a, $c, free() - 25), $alice, 0, @three);
is(codes($r), 'INSUFFICIENT_FUNDS posted posted', 'funds that were spent meanwhile are not available to the batch');
is(free(), 5, 'the remaining funds were used');

$w->fund($a, 1000);
$r = overtaken(moves($alice, $a, $c, free() - 45), $alice, 1, @three);
is("$r->{status} $r->{json}{code} $r->{json}{index}", '422 INSUFFICIENT_FUNDS 2', 'an atomic batch names the item without funds');
is(free(), 45, 'a refused atomic batch moves no money');

$r = overtaken(freezes('true'), $alice, 0, @three[ 1, 0 ]);
is(codes($r), 'ACCOUNT_FROZEN posted', 'an account that was frozen meanwhile is refused');
$k->sql('wallet', freezes('false'));
$r = overtaken(freezes('true'), $alice, 1, @three[ 1, 0 ]);
is("$r->{json}{code} $r->{json}{index}", 'ACCOUNT_FROZEN 0', 'an atomic batch with an account that was frozen meanwhile is refused');
$r = overtaken(freezes('false'), $alice, 0, @three[ 1, 0 ]);
is(codes($r), 'posted INSUFFICIENT_FUNDS', 'a batch uses an account that was thawed meanwhile');

$r = overtaken(moves($bob, $b, $a, 70), $alice, 0, item($a, $c, free() + 70));
is(codes($r), 'posted', 'a batch counts funds that arrived meanwhile');
is(free(), 0, 'the last unit of the funds was used');

$w->fund($a, 10);
$r = overtaken(moves($bob, $b, $c, 1), $alice, 0,
	item($a, $b, 10, hold => JSON::PP::true, expiresInSeconds => 60));
is(codes($r), 'held', 'a hold in a batch is made');
is($k->sql('wallet', "SELECT created_at > '$r->{then}', expires_at - created_at FROM transfer"
	    . " WHERE id = '$r->{json}{results}[0]{transfer}{id}'"), 't|00:01:00',
	'the expiry of the hold counts from its creation, not from when the batch began to wait');

# ---- batches at the same time -------------------------------------------------------------

my $unlock = hold_lock($k, "SELECT FROM account WHERE id = '$a' FOR UPDATE");
my $waits = later(sub { codes(batch($alice, 0, [ item($savings, $a, 1) ])) });
wait_blocked($k, 1);
is(codes(batch($bob, 0, [ item($b, $c, 1) ])), 'posted', 'a batch without a shared account does not wait');
$unlock->();
is($waits->(), 'posted', 'the batch with the shared account continues');

# Batches with the same accounts in different orders; one item is refused, so that the
# batches are made item by item.
$w->fund($_, 1000) for $a, $savings;
my %seen;
$seen{$_}++ for parallel(6, sub {
	my ($i) = @_;
	my $me = $alice->copy;
	my @items = map { (item($a, $b, 1), item($savings, $c, 1)) } 1 .. 10;
	@items = reverse @items if $i % 2;
	my %codes = map { codes(batch($me, 0, [ @items, item($a, $b, 1_000_000) ])) => 1 } 1 .. 10;
	return join ', ', keys %codes;
});
is_deeply(\%seen, { 'posted ' x 20 . 'INSUFFICIENT_FUNDS' => 6 }, 'concurrent batches post all items except the refused one');
is($k->sql('postgres', "SELECT deadlocks FROM pg_stat_database WHERE datname = 'wallet'"), 0,
	'PostgreSQL has counted no deadlock');
$w->check('and the books are right');

# ---- rows in any order ------------------------------------------------------------------------

# Rows refer to their item by its number, because a query plan may return them in any
# order.
my %door = ('ledger_batch' => 'text, boolean, text, bytea, boolean, text, uuid[], uuid[], bigint[], text[], json[],'
	    . ' integer[], text[], bytea[]', 'ledger_transfers' => 'json');
for my $name (sort keys %door) {
	my $arguments = join ', ', map {"\$$_"} 1 .. split /, /, $door{$name};
	$k->sql('wallet', "ALTER FUNCTION $name($door{$name}) RENAME TO ${name}_in_order;
	    CREATE FUNCTION $name($door{$name}) RETURNS SETOF ledger_made LANGUAGE sql SECURITY DEFINER
	    SET search_path = pg_catalog, public, pg_temp
	    AS 'SELECT * FROM ${name}_in_order($arguments) ORDER BY item DESC'");
}
sub memo_of { return $k->sql('wallet', "SELECT memo FROM transfer WHERE id = '$_[0]'") }
$w->fund($a, 1000);
my $backwards = batch($alice, 0, [ map { item($a, $b, $_ == 3 ? 1_000_000 : 1, memo => "item $_") } 1 .. 5 ]);
is(codes($backwards), 'posted posted INSUFFICIENT_FUNDS posted posted', 'a batch whose rows come in another order is answered item by item');
is(join(' ', map { memo_of($_->{transfer}{id}) } grep { $_->{transfer} } @{ $backwards->{json}{results} }),
	'item 1 item 2 item 4 item 5', 'each result is in the place of its item');
$backwards = batch($alice, 1, [ item($a, $b, 1), item($a, $b, 1_000_000) ]);
is("$backwards->{status} $backwards->{json}{index}", '422 1', 'an atomic batch names its refused item');
my @wrong = grep { !defined || $_ } parallel(8, sub {
	my ($i) = @_;
	my ($me, @mine) = ($alice->copy);
	for my $n (1 .. 5) {
		my $t = $w->move($me, $a, $b, 1, memo => "of $i: $n")->{json};
		push @mine, "$t->{id} $n";
	}
	return join ', ', grep { my ($id, $n) = split; memo_of($id) ne "of $i: $n" } @mine;
});
is("@wrong", '', 'forty single transfers at once get their own answers');
done_testing;
