# Random operations from many clients at once, against a model.
#
# Each client notes what it was answered.  Answers name amounts and accounts, so
# the sum of what was acknowledged is what every balance must be, in whatever
# order it happened.  SEED=n repeats the choices (the order is the machine's).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(parallel);
use Kedge::Wallet;

my $seed = $ENV{SEED} // (time ^ $$ << 8) & 0xffffff;
diag("SEED=$seed");
my $k = Kedge->up(env => { WALLET_PROCESSES => 2 });
my $w = Kedge::Wallet->new($k);
my $base = '/api/wallet';
my $clients = 8;
my $steps = $ENV{KEDGE_T_LONG} ? 500 : 80;
my @users = map { $w->user("u$_") } 1 .. 4;
my %owner; # account => user
my %currency;
for my $user (@users) {
	my $second = $user->post("$base/accounts", { name => 'Second', currency => 'USD' })->{json}{id};
	my $yen = $user->post("$base/accounts", { name => 'Yen', currency => 'JPY' })->{json}{id};
	for my $id ($user->{account}, $second, $yen) {
		$owner{$id} = $user;
		$currency{$id} = $id eq $yen ? 'JPY' : 'USD';
	}
}
my @accounts = sort keys %owner;
my %start;
for my $id (@accounts) {
	$w->fund($id, $start{$id} = 5_000);
}
# One that nothing ever moves on; its balance would show a stray entry.
my $still = $w->user('still', 77)->{account};

sub pick { return $_[ int rand @_ ] }

# One client's life: [what it did, status, answer].
sub live
{
	my ($i) = @_;
	srand($seed * 1000 + $i);
	my %session = map { $_->{id} => $_->copy } @users;
	my $op = $w->{operator}->copy;
	my (@log, @holds, @posted);
	my $note = sub { push @log, [ @_ ]; return };
	for my $n (1 .. $steps) {
		my ($from, $to) = (pick(@accounts), pick(@accounts));
		my $who = $session{ $owner{$from}{id} };
		my $amount = pick(1, 7, 100, 900, 4_000, 20_000);
		my $key = "m-$i-$n";
		my $what = pick(('transfer') x 6, ('hold') x 3, ('settle') x 3, 'batch', 'batch', 'reverse',
			'deposit', 'withdrawal');
		if ($what eq 'transfer' || $what eq 'hold') {
			my @hold = $what eq 'hold' ? (hold => JSON::PP::true) : ();
			my $r = $w->move($who, $from, $to, $amount, key => $key, @hold);
			# Now and then the answer is lost, and the client asks again.
			$r = $w->move($who, $from, $to, $amount, key => $key, @hold) if rand() < 0.1;
			$note->($what, $r->{status}, $r->{json});
			push @holds, $r->{json} if $what eq 'hold' && $r->{status} == 201;
			push @posted, $r->{json} if $what eq 'transfer' && $r->{status} == 201;
		} elsif ($what eq 'settle' && @holds) {
			my $hold = splice @holds, int rand @holds, 1;
			my $payee = $session{ $owner{ $hold->{creditAccountId} }{id} };
			my $verb = pick(qw(capture capture release));
			my $part = $verb eq 'capture' && rand() < 0.5
			    ? { amount => 1 + int rand $hold->{amount} } : {};
			my $r = Kedge::Wallet::post($payee, "/transfers/$hold->{id}/$verb", $part, key => $key);
			$note->($verb, $r->{status}, $r->{json});
			push @posted, $r->{json} if $r->{status} == 200 && $verb eq 'capture';
		} elsif ($what eq 'batch') {
			my @items = map { { debitAccountId => $from, creditAccountId => pick(@accounts),
				amount => pick(1, 50, 3_000) } } 1 .. 1 + int rand 8;
			my $r = Kedge::Wallet::post($who, '/transfers/batch',
				{ atomic => pick(JSON::PP::true, JSON::PP::false), transfers => \@items }, key => $key);
			$note->('batch', $r->{status}, $r->{json});
			if ($r->{status} == 200) {
				$note->('transfer', 201, $_->{transfer})
				    for grep { $_->{transfer} } @{ $r->{json}{results} };
			}
		} elsif ($what eq 'reverse' && @posted) {
			my $t = pick(@posted);
			my $moved = $t->{capturedAmount} // $t->{amount};
			my $r = Kedge::Wallet::post($op, "/transfers/$t->{id}/reverse",
				rand() < 0.5 ? {} : { amount => 1 + int rand $moved }, key => $key);
			$r->{json}{by} = $op->get("$base/transfers/$r->{json}{reversalId}")->{json}
			    if $r->{status} == 200;
			$note->('reverse', $r->{status}, $r->{json});
		} elsif ($what eq 'deposit' || $what eq 'withdrawal') {
			my $r = $op->post("$base/${what}s", { accountId => $from, amount => $amount,
				provider => 'bank', reference => $key });
			$note->($what, $r->{status}, $r->{json});
		}
	}
	return \@log;
}
my @logs = parallel($clients, \&live);

# ---- the model ----------------------------------------------------------------------

my (%balance, %held, %seen, %refused);
%balance = %start;
sub move
{
	my ($t, $amount) = @_;
	$balance{ $t->{debitAccountId} } -= $amount;
	$balance{ $t->{creditAccountId} } += $amount;
	return;
}
for my $log (map { @$_ } @logs) {
	my ($what, $status, $t) = @$log;
	if ($status >= 300) {
		$refused{ $t->{code} // "status $status" }++;
		next;
	}
	$seen{$what}++;
	move($t, $t->{amount}) if $what =~ /^(?:transfer|deposit|withdrawal)$/;
	move($t->{by}, $t->{by}{amount}) if $what eq 'reverse';
	$held{ $t->{debitAccountId} } += $t->{amount} if $what eq 'hold';
	$held{ $t->{debitAccountId} } -= $t->{amount} if $what eq 'capture' || $what eq 'release';
	move($t, $t->{capturedAmount}) if $what eq 'capture';
}
diag('done: ' . join ', ', map { "$seen{$_} $_" } sort keys %seen);
diag('refused: ' . join ', ', map { "$refused{$_} $_" } sort keys %refused);
my %may = map { $_ => 1 } qw(INSUFFICIENT_FUNDS SAME_ACCOUNT CURRENCY_MISMATCH ALREADY_REVERSED
    REVERSAL_TOO_LARGE);
is_deeply([ grep { !$may{$_} } keys %refused ], [], 'nothing but what the domain says');
for my $id (@accounts) {
	my $is = $w->state_of($id);
	my $b = $balance{$id};
	my $h = $held{$id} // 0;
	is($is, join('/', $b, $h, $b - $h), "$currency{$id} of $owner{$id}{name}");
	cmp_ok($b - $h, '>=', 0, 'which is not below zero');
	my $newest = $owner{$id}->get("$base/accounts/$id/entries?limit=1")->{json}{items}[0];
	is($newest->{balanceAfter}, $b, 'and is what the newest entry leaves');
}
is($w->state_of($still), '77/0/77', 'who took no part has what they had');
my %total;
$total{ $currency{$_} } += $balance{$_} for @accounts;
for my $currency (sort keys %total) {
	my $outside = $k->sql('wallet', "SELECT balance FROM account WHERE name = 'external:$currency'");
	is($total{$currency} + $outside + ($currency eq 'USD' ? 77 : 0), 0, "$currency: none made, none lost");
}
$w->check;
done_testing;
