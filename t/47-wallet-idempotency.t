# One key, 64 clients: once, on any process, and a day later.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(parallel);
use Kedge::Wallet;

my $k = Kedge->up(env => { WALLET_PROCESSES => 3 });
my $w = Kedge::Wallet->new($k);
my $base = '/api/wallet';
my $alice = $w->user('alice', 100_000);
my $bob = $w->user('bob');
my ($a, $b) = ($alice->{account}, $bob->{account});

# Runs it in so many clients at once: how many made it, how many were replays,
# and the bodies.
sub at_once
{
	my ($n, $code) = @_;
	my @r = parallel($n, sub {
		my $r = $code->($_[0], $alice->copy);
		return [ $r->{status}, $r->{headers}{'idempotency-replayed'} ? 1 : 0, $r->{body} ];
	});
	my %count;
	$count{"$_->[0] $_->[1]"}++ for @r;
	my %bodies = map { $_->[2] => 1 } grep { $_->[0] < 300 } @r;
	return (\%count, scalar keys %bodies);
}
my %body = (debitAccountId => $a, creditAccountId => $b, amount => 10);
my ($count, $bodies) = at_once(64, sub { Kedge::Wallet::post($_[1], '/transfers', \%body, key => 'one') });
is_deeply($count, { '201 0' => 1, '201 1' => 63 }, '64 clients, one key: one made it');
is($bodies, 1, 'all have its answer');
is($w->account($a)->{balance}, 99_990, 'once');

# Half of them with another body: whoever is first decides, the others hear so.
($count, $bodies) = at_once(64, sub {
	Kedge::Wallet::post($_[1], '/transfers', { %body, amount => 1 + $_[0] % 2 }, key => 'two') });
is($count->{'201 0'}, 1, 'two bodies, one key: one made it');
is($count->{'201 1'} + 1, 32, 'those that asked for the same have its answer');
is($count->{'409 0'}, 32, 'the others are refused');
is($bodies, 1, 'there is one answer');

my $batch = { atomic => JSON::PP::true, transfers => [ map { { %body, amount => $_ } } 1 .. 5 ] };
($count, $bodies) = at_once(32, sub { Kedge::Wallet::post($_[1], '/transfers/batch', $batch, key => 'three') });
is_deeply($count, { '200 0' => 1, '200 1' => 31 }, 'a batch');
is($bodies, 1, 'one answer');
# The same item in batches of their own.
($count) = at_once(32, sub {
	my ($i, $c) = @_;
	return Kedge::Wallet::post($c, '/transfers/batch',
		{ transfers => [ { %body, amount => 1 + $i }, { %body, idempotencyKey => 'item' } ] });
});
is_deeply($count, { '200 0' => 32 }, 'batches that share an item');
is($k->sql('wallet', "SELECT count(*) FROM transfer t JOIN idempotency i ON i.transfer_id = t.id
    WHERE i.key = 'item'"), 1, 'it was made once');
my $sum = 10 + $k->sql('wallet', "SELECT amount FROM transfer JOIN idempotency i ON i.transfer_id = transfer.id
    WHERE i.key = 'two'") + 15 + 528 + 10;
is($w->account($a)->{balance}, 100_000 - $sum, 'the money agrees');

my $hold = $w->move($alice, $a, $b, 30, hold => JSON::PP::true)->{json}{id};
my @captured = parallel(32, sub {
	my $r = Kedge::Wallet::post($bob->copy, "/transfers/$hold/capture", { amount => 20 }, key => 'cap');
	return "$r->{status} " . ($r->{headers}{'idempotency-replayed'} // 'made');
});
is(scalar(grep { $_ eq '200 made' } @captured), 1, 'a capture');
is(scalar(grep { $_ eq '200 true' } @captured), 31, 'the others are its replays');
my $done = $w->move($alice, $a, $b, 30)->{json}{id};
my @reversed = parallel(32, sub {
	my $r = Kedge::Wallet::post($w->{operator}->copy, "/transfers/$done/reverse", { amount => 10 }, key => 'rev');
	return "$r->{status} " . ($r->{headers}{'idempotency-replayed'} // 'made');
});
is(scalar(grep { $_ eq '200 made' } @reversed), 1, 'a reversal');
is(scalar(grep { $_ eq '200 true' } @reversed), 31, 'the others are its replays');

# A day later, by a process that was not there; after the time they are forgotten.
my $first = Kedge::Wallet::post($alice, '/transfers', \%body, key => 'day');
$k->sql('wallet', "UPDATE idempotency SET created_at = created_at - interval '1 day'");
$k->sql('wallet', 'SELECT ledger_forget_keys(30)');
$k->down;
$k->start;
$alice = $k->again($alice);
my $later = Kedge::Wallet::post($alice, '/transfers', \%body, key => 'day');
is($later->{body}, $first->{body}, 'a day and a restart later: the same answer');
is($later->{headers}{'idempotency-replayed'}, 'true', 'which says so');
$k->sql('wallet', "UPDATE idempotency SET created_at = created_at - interval '30 days' WHERE key = 'day'");
is($k->sql('wallet', 'SELECT ledger_forget_keys(30)'), 1, 'thirty days later it is forgotten');
$w->{operator} = $k->again($w->{operator});
is(Kedge::Wallet::post($alice, '/transfers', \%body, key => 'day')->{headers}{'idempotency-replayed'}, undef,
	'and may be used again');
$w->check;
done_testing;
