# The ledger compared with a model of it.  First one client, each of whose responses the
# model predicts.  Then many clients at once with the same accounts, holds and
# transfers, where the model is told which requests were acknowledged.  In both cases
# the model knows each balance, each held amount and the state of every transfer.
#
# KEDGE_SEED=n repeats the random choices (with many clients the order of events still
# varies).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use List::Util qw(min sum0);
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(jencode parallel wait_until);
use Kedge::Money qw(said);
use Kedge::Raw qw(raw_open);
use Kedge::Wallet;

my $seed = $ENV{KEDGE_SEED} // (time ^ $$ << 8) & 0xffffff;
diag("KEDGE_SEED=$seed");
my $long = $ENV{KEDGE_T_LONG} ? 10 : 1;
my $k = Kedge->up(env => { WALLET_PROCESSES => 2 });
my $w = Kedge::Wallet->new($k);
my $base = '/api/wallet';
my ($yes, $no) = (JSON::PP::true, JSON::PP::false);
my $most = 9007199254740991;
my $nowhere = '01890a5d-ac96-774b-bcce-b302099a8057';

sub pick { return $_[ int rand @_ ] }
sub post { return Kedge::Wallet::post(@_[ 0 .. 2 ], key => $_[3]) }

# ---- the model ------------------------------------------------------------------------

my (%account, %transfer);
my @users = map { $w->user("u$_") } 0 .. 3;
$_->{is_operator} = 0 for @users;
$w->{operator}{is_operator} = 1;

# Applies an acknowledged transfer to the model; $t has the members of the response.
sub made
{
	my ($t) = @_;
	die "$t->{id} was made before" if $transfer{ $t->{id} };
	my ($d, $c) = @account{ @$t{qw(debitAccountId creditAccountId)} };
	$transfer{ $t->{id} } = { d => $d, c => $c, amount => $t->{amount}, captured => undef, reversed => 0,
		status => $t->{status}, kind => $t->{kind} };
	if ($t->{status} eq 'held') {
		$d->{held} += $t->{amount};
	} else {
		$d->{balance} -= $t->{amount};
		$c->{balance} += $t->{amount};
	}
	return;
}

sub settled
{
	my ($id, $captured) = @_;
	my $t = $transfer{$id};
	die "$id was settled before" if $t->{status} ne 'held';
	$t->{status} = defined $captured ? 'captured' : 'released';
	$t->{captured} = $captured;
	$t->{d}{held} -= $t->{amount};
	$t->{d}{balance} -= $captured // 0;
	$t->{c}{balance} += $captured // 0;
	return;
}

sub moved { my ($t) = @_; return $t->{captured} // $t->{amount} }

sub reversed
{
	my ($id, $reversal, $amount) = @_;
	my $t = $transfer{$id};
	$t->{reversed} += $amount;
	die "$id: more came back than had gone" if $t->{reversed} > moved($t);
	$t->{status} = 'reversed' if $t->{reversed} == moved($t);
	made({ id => $reversal, debitAccountId => $t->{c}{id}, creditAccountId => $t->{d}{id},
		amount => $amount, status => 'posted', kind => 'reversal' });
	return;
}

# Returns why an amount cannot move from account $d to $c; `freed` is the part of it
# that a hold reserves already.
sub in_the_way
{
	my ($d, $c, $amount, $freed, $hold) = @_;
	# The available amount of any account, also of a system account, stays a number
	# that JSON represents exactly.
	my $beyond = ($hold ? $d->{held} : $c->{balance}) + $amount > $most
	    || $d->{balance} - $d->{held} + $freed - $amount < -$most;
	return grep {$_} (
		($d->{frozen} || $c->{frozen}) && 'ACCOUNT_FROZEN',
		($amount < 1 || $amount > $most || $beyond) && 'AMOUNT_OUT_OF_RANGE',
		$d->{owner} && $d->{balance} - $d->{held} + $freed < $amount && 'INSUFFICIENT_FUNDS'
	);
}

# Returns the error codes with which a request may be refused; if there are none, it
# must succeed.
sub why_no_transfer
{
	my ($who, $order) = @_;
	my ($d, $c) = @account{ @$order{qw(debitAccountId creditAccountId)} };
	my @same = $order->{debitAccountId} eq $order->{creditAccountId} ? 'SAME_ACCOUNT' : ();
	return ('ACCOUNT_NOT_FOUND', @same)
	    if !$d || !$c || !$who->{is_operator} && (($d->{owner} // $w) != $who || !$c->{owner});
	return @same if @same;
	return 'CURRENCY_MISMATCH' if $d->{currency} ne $c->{currency};
	return in_the_way($d, $c, $order->{amount}, 0, $order->{hold});
}

sub why_no_settlement
{
	my ($who, $t, $amount) = @_;
	if (!$who->{is_operator} && ($t->{c}{owner} // $w) != $who) {
		return ($t->{d}{owner} // $w) == $who ? 'NOT_THE_PAYEE' : 'TRANSFER_NOT_FOUND';
	}
	return 'HOLD_NOT_OPEN' if $t->{status} ne 'held';
	return () unless defined $amount; # a release
	return ($amount > $t->{amount} ? 'CAPTURE_TOO_LARGE' : (),
		grep { $_ ne 'INSUFFICIENT_FUNDS' } in_the_way($t->{d}, $t->{c}, $amount, $t->{amount}));
}

sub why_no_reversal
{
	my ($t, $amount) = @_;
	return 'ALREADY_REVERSED' if $t->{status} eq 'reversed';
	return 'NOT_REVERSIBLE' if $t->{kind} eq 'reversal' || $t->{status} !~ /^(?:posted|captured)$/;
	return ($amount > moved($t) - $t->{reversed} ? 'REVERSAL_TOO_LARGE' : (),
		in_the_way($t->{c}, $t->{d}, $amount, 0));
}

# Return the state as text, from the database and from the model, for comparison.
sub compare
{
	my ($name) = @_;
	my %is = map { split ' ', $_, 2 } split /\n/, $k->sql('wallet', <<~'SQL');
		SELECT id || ' ' || concat_ws(' ', balance, held, frozen,
			(SELECT coalesce(sum(amount), 0) FROM entry WHERE account_id = a.id))
		FROM account a
		UNION ALL
		SELECT id || ' ' || concat_ws(' ', kind, status, debit_account_id, credit_account_id, amount,
			coalesce(captured_amount::text, '-'), reversed_amount)
		FROM transfer
		SQL
	my %should = (
		(map { ($_->{id} => join ' ', @$_{qw(balance held)}, $_->{frozen} ? 't' : 'f', $_->{balance}) }
			    values %account),
		map {
			my $t = $transfer{$_};
			($_ => join ' ', @$t{qw(kind status)}, $t->{d}{id}, $t->{c}{id}, $t->{amount},
				$t->{captured} // '-', $t->{reversed});
		} keys %transfer
	);
	my @ids = sort keys %{ { %is, %should } };
	for my $id (@ids) {
		$_->{$id} //= 'nothing' for \%is, \%should;
	}
	my @wrong = grep { $is{$_} ne $should{$_} } @ids;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(scalar @wrong, 0, "$name: " . keys(%account) . ' accounts, ' . keys(%transfer) . ' transfers')
	    or diag(map {"$_\n\tis     $is{$_}\n\tshould $should{$_}\n"} @wrong);
	is(scalar(grep { $_->{owner} && ($_->{balance} < $_->{held} || $_->{held} < 0) } values %account), 0,
		'no balance is less than its held amount');
	$w->check("$name: the books are right");
	return;
}

# ---- the stage --------------------------------------------------------------------------

for my $user (@users) {
	my @ids = ($user->{account},
		map { $user->post("$base/accounts", { name => $_, currency => $_ })->{json}{id} } qw(USD JPY));
	$account{$_} = { id => $_, owner => $user } for @ids;
}
my @mine = sort keys %account;
$w->deposit($_, 2_000) for @mine; # the first deposit of a currency also creates the system's accounts
for my $line (split /\n/, $k->sql('wallet', 'SELECT id, currency FROM account')) {
	my ($id, $currency) = split /\|/, $line;
	my $of = { id => $id, currency => $currency, balance => 0, held => 0, frozen => 0 };
	$account{$id} = { %{ $account{$id} // {} }, %$of };
}
my %house;
for my $line (split /\n/, $k->sql('wallet', "SELECT id, currency FROM account WHERE name LIKE 'external:%'")) {
	my ($id, $currency) = split /\|/, $line;
	$house{$currency} = $account{$id};
}
for my $line (split /\n/, $k->sql('wallet',
		'SELECT id, kind, debit_account_id, credit_account_id, amount FROM transfer'))
{
	my %t = (status => 'posted');
	@t{qw(id kind debitAccountId creditAccountId amount)} = split /\|/, $line;
	$t{amount} += 0;
	made(\%t);
}
compare('to begin with');

# ---- one client ---------------------------------------------------------------------------

srand $seed;
my ($cold, $rich);
my @all = (@mine, (map { $_->{id} } values %house), $nowhere);
my @amounts = (1, 1, 7, 30, 100, 300, 900, 0, -3, 5_000, $most, $most + 1);
my (%done, @requests);

# Asserts that the response is an allowed one, and applies its effect to the model if it
# is a success.
sub foretold
{
	my ($what, $who, $path, $body, $why, $then) = @_;
	my $key = "one-" . @requests;
	my $r = post($who, $path, $body, $key);
	my $is = $r->{status} < 300 ? 'done' : $r->{json}{code} // $r->{status};
	my %may = map { $_ => 1 } @$why ? @$why : 'done';
	$done{"$what $is"}++;
	if (!$may{$is}) {
		fail("$path " . jencode($body) . ": $is, not " . join ' or ', keys %may);
		return;
	}
	push @requests, [ $who, $path, $body, $key, $r ];
	$then->($r->{json}) if $is eq 'done';
	return;
}

sub owner { return $account{ $_[0] } ? $account{ $_[0] }{owner} : undef }

# Picks another account, mostly in the same currency.
sub like_it
{
	my ($id) = @_;
	my @like = grep { $account{$_}{currency} eq ($account{$id} // $house{USD})->{currency} } @mine;
	return rand() < 0.9 ? pick(grep { $_ ne $id } @like) : pick(@mine);
}

sub random_order
{
	my $from = rand() < 0.9 ? pick(@mine) : pick(@all);
	my $to = rand() < 0.9 ? like_it($from) : pick(@all);
	my $who = rand() < 0.1 ? pick(@users, $w->{operator}) : (owner($from) // $w->{operator});
	return ($who, { debitAccountId => $from, creditAccountId => $to, amount => pick(@amounts),
		rand() < 0.3 ? (hold => $yes) : () });
}

my %try = (
	transfer => sub {
		my ($who, $order) = random_order();
		foretold('transfer', $who, '/transfers', $order, [ why_no_transfer($who, $order) ], \&made);
	},
	settle => sub {
		my $id = pick(sort grep { rand() < 0.2 || $transfer{$_}{status} eq 'held' } keys %transfer)
		    // return;
		my $t = $transfer{$id};
		my $who = rand() < 0.8 ? $t->{c}{owner} // $w->{operator} : pick(@users, $w->{operator});
		if (rand() < 0.3) {
			my @why = why_no_settlement($who, $t);
			@why = () if $t->{status} eq 'released' && "@why" eq 'HOLD_NOT_OPEN'; # again
			foretold('release', $who, "/transfers/$id/release", {}, \@why,
				sub { settled($id) if $t->{status} eq 'held' });
			return;
		}
		my $amount = pick(undef, undef, 1, $t->{amount} - 1, $t->{amount} + 1, 0);
		foretold('capture', $who, "/transfers/$id/capture", { amount => $amount },
			[ why_no_settlement($who, $t, $amount // $t->{amount}) ],
			sub { settled($id, $amount // $t->{amount}) });
	},
	reverse => sub {
		my $id = pick(sort keys %transfer);
		my $t = $transfer{$id};
		my $amount = pick(undef, 1, 5, $t->{amount}, 0);
		my $is = $amount // moved($t) - $t->{reversed};
		foretold('reverse', $w->{operator}, "/transfers/$id/reverse", { amount => $amount },
			[ why_no_reversal($t, $is) ], sub { reversed($id, $_[0]{reversalId}, $is) });
	},
	external => sub {
		my $way = pick(qw(deposit withdrawal));
		my $a = $account{ pick(@mine) };
		my $house = $house{ $a->{currency} };
		my $amount = pick(@amounts);
		my @way = $way eq 'deposit' ? ($house, $a) : ($a, $house);
		foretold($way, $w->{operator}, "/${way}s", { accountId => $a->{id}, amount => $amount,
			provider => 'p', reference => 'r' . @requests }, [ in_the_way(@way, $amount, 0) ], \&made);
	},
	batch => sub {
		my ($who) = random_order();
		my @orders = map { (random_order())[1] } 1 .. 1 + int rand 6;
		my $atomic = rand() < 0.5;
		# The items are applied one after the other to a copy of the model.
		my @before = map { { %$_ } } my @accounts = values %account;
		my @why = map {
			my @no = why_no_transfer($who, $_);
			my ($d, $c) = @account{ @$_{qw(debitAccountId creditAccountId)} };
			if (!@no) {
				$d->{held} += $_->{amount} if $_->{hold};
				$d->{balance} -= $_->{amount} unless $_->{hold};
				$c->{balance} += $_->{amount} unless $_->{hold};
			}
			\@no;
		} @orders;
		%{ $accounts[$_] } = %{ $before[$_] } for 0 .. $#accounts;
		my ($first) = grep { @$_ } @why;
		foretold($atomic ? 'atomic' : 'batch', $who, '/transfers/batch',
			{ atomic => $atomic ? $yes : $no, transfers => \@orders }, $atomic && $first ? $first : [],
			sub {
				my @results = @{ $_[0]{results} };
				for my $i (0 .. $#orders) {
					my $is = $results[$i]{error}{code} // 'done';
					$done{"item $is"}++;
					fail("item $i: $is, not " . join ' or ', @{ $why[$i] })
					    unless grep { $is eq $_ } @{ $why[$i] } ? @{ $why[$i] } : 'done';
					made($results[$i]{transfer}) if $is eq 'done';
				}
			});
	},
	freeze => sub {
		my $a = $account{ pick(@mine) };
		$a->{frozen} = $a->{frozen} ? 0 : rand() < 0.5;
		$w->{operator}->post("$base/accounts/$a->{id}/" . ($a->{frozen} ? 'freeze' : 'unfreeze'));
		$done{freeze}++;
	},
	again => sub {
		return unless @requests;
		my ($who, $path, $body, $key, $first) = @{ pick(@requests) };
		return if $first->{status} >= 300;
		my $r = post($who, $path, $body, $key);
		$done{again}++;
		is($r->{body}, $first->{body}, "$path: the repeated request gets the first answer") if $r->{body} ne $first->{body};
	},
);
my @deck = map { ($_->[0]) x $_->[1] } [ transfer => 8 ], [ settle => 5 ], [ reverse => 3 ], [ external => 3 ],
    [ batch => 3 ], [ freeze => 1 ], [ again => 2 ];
my $end = time + 6 * $long;
my $steps = 0;
while ($steps < 400 * $long && time < $end) {
	$steps++;
	$try{ pick(@deck) }->();
}
note(join ', ', map {"$_ $done{$_}"} sort keys %done);
cmp_ok($steps, '>=', 50, "one client: $steps steps have the results that the model computes");
compare('one client');
for my $id ((sort keys %transfer)[ 0, 3, -1 ]) {
	my $t = $w->{operator}->get("$base/transfers/$id")->{json};
	is(join(' ', @$t{qw(status amount reversedAmount)}),
		join(' ', @{ $transfer{$id} }{qw(status amount reversed)}), 'the transfer has the status of the model');
}

# ---- many clients -----------------------------------------------------------------------------

for my $a (map { $account{$_} } @mine) {
	$w->{operator}->post("$base/accounts/$a->{id}/unfreeze") if $a->{frozen};
	$a->{frozen} = 0;
	made($w->deposit($a->{id}, 3_000)->{json}) if $a->{balance} < $most / 2;
}
# One account has enough money for all transfers; the other accounts never run out of
# money.
$rich = $users[0]->post("$base/accounts", { name => 'Rich', currency => 'USD' })->{json}{id};
$account{$rich} = { id => $rich, owner => $users[0], currency => 'USD', balance => 0, held => 0, frozen => 0 };
my $funds = $w->deposit($rich, 1_000_000_000)->{json};
made($funds);
push @mine, $rich;
$cold = $account{ $users[1]{account} }; # this account is frozen at some times

# Runs one client's random actions of a round; returns a summary of the responses.  All
# clients settle and reverse transfers of earlier rounds.
sub live
{
	my ($i, $round, $holds, $posted) = @_;
	srand($seed * 1000 + $round * 100 + $i);
	my %me = map { $_->{id} => $_->copy } @users;
	my $operator = $w->{operator}->copy;
	my @log;
	my $end = time + 4 * $long;
	for my $n (1 .. 60 * $long) {
		last if time > $end;
		my $from = pick(@mine, $rich, $rich);
		my $to = like_it($from);
		my $who = $me{ $account{$from}{owner}{id} };
		my $order = { debitAccountId => $from, creditAccountId => $to,
			amount => pick(1, 7, 60, 500, 2_000) };
		my $key = "many-$round-$i-$n";
		my $what = pick(('transfer') x 5, ('hold') x 4, ('settle') x 6, ('reverse') x 3,
			qw(deposit withdrawal batch batch freeze));
		my ($r, $id);
		if ($what eq 'transfer' || $what eq 'hold') {
			$order->{hold} = $yes if $what eq 'hold';
			$order->{expiresInSeconds} = 1 if $what eq 'hold' && rand() < 0.3;
			# Sometimes the client disconnects before the response and
			# repeats the request.  This is only done where no other client
			# can change the response between the two requests.
			give_up($who, $order, $key) if rand() < 0.3 && $from eq $rich && $to ne $cold->{id};
			$r = post($who, '/transfers', $order, $key);
			if ($r->{status} == 201 && rand() < 0.2) {
				my $again = post($who, '/transfers', $order, $key);
				push @log, [ 'another answer', "$r->{body} $again->{body}" ]
				    if $again->{body} ne $r->{body};
			}
		} elsif ($what eq 'settle') {
			my $hold = (splice @$holds, int rand @$holds, 1) // next;
			$id = $hold->{id};
			$what = pick(qw(capture capture release));
			my $amount = pick(undef, 1 + int rand $hold->{amount});
			$r = post($me{ $hold->{payee} }, "/transfers/$id/$what",
				$what eq 'capture' ? { amount => $amount } : {}, $key);
		} elsif ($what eq 'reverse') {
			my $t = pick(@$posted) // next;
			$id = $t->{id};
			$r = post($operator, "/transfers/$id/reverse",
				{ amount => pick(undef, 1 + int rand $t->{amount}) }, $key);
			# The response does not contain the reversed amount, so read the
			# reversal's transfer.
			$r->{json}{by} = $operator->get("$base/transfers/$r->{json}{reversalId}")->{json}{amount}
			    if $r->{status} == 200;
		} elsif ($what eq 'batch') {
			$r = post($who, '/transfers/batch', { atomic => pick($yes, $no), transfers => [
				map { { %$order, creditAccountId => like_it($from), amount => pick(1, 50, 900) } }
				    1 .. 1 + int rand 8 ] }, $key);
		} elsif ($what eq 'freeze') {
			$r = $operator->post("$base/accounts/$cold->{id}/" . pick(qw(freeze unfreeze unfreeze)));
		} else {
			$r = $operator->post("$base/${what}s", { accountId => $from, amount => $order->{amount},
				provider => 'p', reference => $key });
		}
		push @log, [ $what, said($r), $r->{json}, $id, $from ];
	}
	return \@log;
}

sub give_up
{
	my ($who, $order, $key) = @_;
	my $body = jencode($order);
	my $s = raw_open($k->port);
	syswrite $s, join "\r\n", "POST $base/transfers HTTP/1.1", 'Host: 127.0.0.1', 'Origin: ' . $k->base,
	    'Cookie: ' . $who->cookie_header, 'Content-Type: application/json', "Idempotency-Key: $key",
	    'Content-Length: ' . length $body, '', $body;
	close $s;
	return;
}

# The error codes with which requests may be refused when there are many clients.
my %may = (
	transfer => qr/SAME_ACCOUNT|CURRENCY_MISMATCH|INSUFFICIENT_FUNDS|ACCOUNT_FROZEN/,
	settle => qr/HOLD_NOT_OPEN|HOLD_EXPIRED|ACCOUNT_FROZEN/,
	reverse => qr/ALREADY_REVERSED|REVERSAL_TOO_LARGE|INSUFFICIENT_FUNDS|ACCOUNT_FROZEN/,
	external => qr/INSUFFICIENT_FUNDS|ACCOUNT_FROZEN/,
	freeze => qr/(?!)/,
);
@may{qw(hold batch)} = ($may{transfer}) x 2;
@may{qw(capture release)} = ($may{settle}) x 2;
@may{qw(deposit withdrawal)} = ($may{external}) x 2;
my ($short, %told) = (0);
for my $round (1 .. 3) {
	my @open = sort grep { $transfer{$_}{status} eq 'held' && $transfer{$_}{c}{owner} } keys %transfer;
	my @gone = sort grep { $transfer{$_}{kind} ne 'reversal' && $transfer{$_}{status} =~ /posted|captured/
	    && $_ ne $funds->{id} } keys %transfer; # these transfers are not reversed
	# So few transfers are picked from that several clients work on the same ones.
	@open = @open[ -min(30, scalar @open) .. -1 ];
	@gone = @gone[ -min(20, scalar @gone) .. -1 ];
	my @holds = map {
		{ id => $_, amount => $transfer{$_}{amount}, payee => $transfer{$_}{c}{owner}{id} }
	} @open;
	my @posted = map { { id => $_, amount => moved($transfer{$_}) } } @gone;
	my @logs = parallel(13, sub {
		my ($i) = @_;
		return live($i, $round, \@holds, \@posted) if $i < 12;
		# Runs the job that releases expired holds, again and again.
		my ($expired, $end) = (0, time + 3 * $long);
		$expired += $k->sql('wallet', 'SELECT expired FROM ledger_expire(100)') while time < $end;
		return [ [ 'expired', $expired ] ];
	});
	my @log = map { @{ $_ // [ ['lost'] ] } } @logs;
	# Apply first the created transfers, then their changes.
	for my $line (@log) {
		my ($what, $said, $t, $id, $from) = @$line;
		if ($what eq 'expired') {
			$told{expired} += $said;
			next;
		}
		$told{ $what . ' ' . ($said // '') }++;
		my ($code) = ($said // '') =~ /^\d+ ([A-Z_]+)$/;
		my $rule = $may{$what} // fail("$what: unexpected result $said") && next;
		if (($said // '') !~ /^2/) {
			fail("$what: unexpected result $said") if !$code || $code !~ /^(?:$rule)\z/;
			fail("$what: $code for a user with enough funds") if $code eq 'INSUFFICIENT_FUNDS'
			    && $what ne 'reverse' && $from eq $rich;
		} elsif ($what =~ /^(?:transfer|hold|deposit|withdrawal)$/) {
			made($t);
		} elsif ($what eq 'batch') {
			for my $result (@{ $t->{results} }) {
				my $no = $result->{error}{code};
				fail("unexpected result of an item: $no")
				    if $no && ($no !~ /^(?:$rule)\z/ || $no eq 'INSUFFICIENT_FUNDS' && $from eq $rich);
				made($result->{transfer}) unless $no;
			}
		}
	}
	for my $line (@log) {
		my ($what, $said, $t, $id) = @$line;
		next unless $id && $said =~ /^2/;
		settled($id, $t->{capturedAmount}) if $what =~ /^(?:capture|release)$/ && $said eq '200';
		reversed($id, $t->{reversalId}, $t->{by}) if $what eq 'reverse';
	}
	# Only these holds can expire; whether one has expired depends on the clock.
	my $brief = "expires_at - created_at <= interval '1 s'";
	wait_until(sub {
		$told{expired} += $k->sql('wallet', 'SELECT expired FROM ledger_expire(100)');
		$k->sql('wallet', "SELECT count(*) FROM transfer WHERE status = 'held' AND $brief") == 0;
	});
	for my $id (split /\n/, $k->sql('wallet', "SELECT id FROM transfer WHERE status = 'expired' AND $brief")) {
		my $t = $transfer{$id} // next;
		next if $t->{status} eq 'expired';
		settled($id);
		$t->{status} = 'expired';
		$short++;
	}
	$cold->{frozen} = 0;
	$w->{operator}->post("$base/accounts/$cold->{id}/unfreeze");
	compare("round $round");
}
note(join ', ', map {"$_: $told{$_}"} sort keys %told);
cmp_ok($short, '>', 0, "some holds expire by the job ($short)");
cmp_ok($told{expired}, '<=', $short, 'no hold expires twice');
cmp_ok(sum0(@told{ grep { /^capture 200$/ } keys %told }), '>', 0, 'some holds are captured');
cmp_ok(sum0(@told{ grep { /HOLD_NOT_OPEN/ } keys %told }), '>', 0, 'some operations come too late for their hold');
cmp_ok(sum0(@told{ grep { /^reverse 200$/ } keys %told }), '>', 0, 'some transfers are reversed');
is($k->sql('wallet', <<~'SQL'), 0, 'the times of an account are in the order of its entries');
	SELECT count(*) FROM (SELECT created_at < lag(created_at)
		OVER (PARTITION BY account_id ORDER BY seq) AS back FROM entry) e WHERE back
	SQL
done_testing;
