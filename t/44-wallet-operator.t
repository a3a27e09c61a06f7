# What operators of the wallet do: deposits, withdrawals, reversals, freezing,
# currencies, statements.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(parallel slurp wait_until);
use Kedge::Wallet;

my $k = Kedge->up;
my $w = Kedge::Wallet->new($k);
my $base = '/api/wallet';
my $op = $w->{operator};
my ($alice, $bob) = map { $w->user($_) } qw(alice bob);
my ($a, $b) = ($alice->{account}, $bob->{account});
my $nowhere = '01890a5d-ac96-774b-bcce-b302099a8057';

sub expect
{
	my ($r, $status, $code, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is("$r->{status} " . ($r->{json}{code} // $r->{json}{status} // ''), "$status $code", $name)
	    or diag($r->{body});
	return;
}

# ---- only operators -----------------------------------------------------------------

for my $path ('/deposits', '/withdrawals', "/transfers/$nowhere/reverse", "/accounts/$a/freeze",
	"/accounts/$a/unfreeze", '/currencies')
{
	is($alice->post("$base$path", {})->{status}, 403, "POST $path is 403 for a user");
	is($k->client->post("$base$path", {})->{status}, 401, "POST $path requires a session");
}
is($alice->get("$base/$_")->{status}, 403, "GET $_ is 403 for a user")
    for 'ledger/check', 'accounts?kind=system', "accounts?userId=$bob->{id}";
my $admin = $k->user('admin');
$k->role($admin, 'admin');
is($admin->get("$base/ledger/check")->{status}, 200, 'an admin may check the ledger');

# ---- deposits and withdrawals -------------------------------------------------------

my %in = (accountId => $a, amount => 1000, provider => 'bank', reference => 'r1', memo => 'cash');
my $r = $op->post("$base/deposits", \%in);
expect($r, 201, 'posted', 'a deposit is answered with 201');
is_deeply([ @{ $r->{json} }{qw(kind creditAccountId amount provider reference memo)} ],
	[ 'deposit', $a, 1000, 'bank', 'r1', 'cash' ], 'the deposit has the given members');
is($w->state_of($a), '1000/0/1000', 'the deposit arrives');
my ($house) = @{ $op->get("$base/accounts?kind=system")->{json}{items} };
is("$house->{name} $house->{balance}", 'external:USD -1000', 'the deposit debits the system account external:USD');
my $again = $op->post("$base/deposits", \%in);
is($again->{body}, $r->{body}, 'the same reference gets the same answer');
is($again->{headers}{'idempotency-replayed'}, 'true', 'the repeated answer has Idempotency-Replayed');
for my $row ([ amount => 999 ], [ accountId => $b ], [ memo => 'card' ]) {
	expect($op->post("$base/deposits", { %in, @$row }), 409, 'REFERENCE_REUSED', "the same reference with another $row->[0] is refused");
}
expect($op->post("$base/withdrawals", \%in), 409, 'REFERENCE_REUSED', 'the reference of a deposit cannot be used for a withdrawal');
is($op->post("$base/deposits", { %in, provider => 'card' })->{status}, 201, 'the same reference of another provider is another deposit');
is($w->state_of($a), '2000/0/2000', 'each deposit arrived once');
my %out = (%in, amount => 500, reference => 'w1');
expect($op->post("$base/withdrawals", { %out, amount => 2001 }), 422, 'INSUFFICIENT_FUNDS', 'a withdrawal of more than the balance is refused');
expect($op->post("$base/withdrawals", \%out), 201, 'posted', 'the reference of a refused withdrawal can be used again');
is($w->state_of($a), '1500/0/1500', 'the withdrawal debits the account');
is($w->state_of($house->{id}), '-1500/0/-1500', 'the withdrawal credits the system account');
expect($op->post("$base/deposits", { %in, accountId => $_, reference => "n$_" }), 404,
	'ACCOUNT_NOT_FOUND', 'a deposit to an unknown account is refused')
    for $nowhere, $house->{id};
expect($op->post("$base/deposits", { %in, amount => $_, reference => "x$_" }), 422,
	'AMOUNT_OUT_OF_RANGE', "a deposit of $_ is refused")
    for 0, -1, 9007199254740992;
for my $field (qw(accountId amount provider reference)) {
	my %less = %in;
	delete $less{$field};
	is($op->post("$base/deposits", \%less)->{json}{fields}[0]{field}, $field, "a deposit without $field is refused");
}
my @one = parallel(16, sub {
	my $r = $op->copy->post("$base/deposits", { %in, amount => 7, reference => 'many' });
	return [ @$r{qw(status body)} ];
});
is(scalar(grep { $_->[0] == 201 && $_->[1] eq $one[0][1] } @one), 16, '16 deposits at once with one reference get one answer');
is($w->state_of($a), '1507/0/1507', 'deposits at once with one reference arrive once');
# Two deposits to different accounts with the same reference: only one of them is made.
@one = parallel(8, sub {
	my ($i) = @_;
	return $op->copy->post("$base/deposits",
		{ %in, accountId => $i % 2 ? $a : $b, amount => 1, reference => 'either' })->{status};
});
is(join(' ', sort @one), join(' ', (201) x 4, (409) x 4), 'one reference for two accounts: the first account gets it, the other is refused');

# ---- reversals ----------------------------------------------------------------------

my $t = $w->move($alice, $a, $b, 100)->{json};
sub reverse_it
{
	my ($id, $body, %opt) = @_;
	return Kedge::Wallet::post($op, "/transfers/$id/reverse", $body, %opt);
}
my $had = $w->account($b)->{balance};
$r = reverse_it($t->{id}, { amount => 30, memo => 'oops' }, key => 'v1');
expect($r, 200, 'posted', 'a part of a transfer is reversed');
is_deeply([ @{ $r->{json} }{qw(id reversedAmount)} ], [ $t->{id}, 30 ], 'a part of the transfer is reversed');
my $reversal = $bob->get("$base/transfers/$r->{json}{reversalId}")->{json};
is_deeply(
	[ @$reversal{qw(kind reverses amount debitAccountId creditAccountId memo)} ],
	[ 'reversal', $t->{id}, 30, $b, $a, 'oops' ],
	'the reversal is a transfer of its own'
);
is($w->account($b)->{balance}, $had - 30, 'the reversal moves the money back');
expect(reverse_it($t->{id}, { amount => 71 }), 422, 'REVERSAL_TOO_LARGE', 'a reversal of more than the rest is refused');
expect(reverse_it($t->{id}, { amount => 0 }), 422, 'AMOUNT_OUT_OF_RANGE', 'a reversal of 0 is refused');
my $rest = reverse_it($t->{id}, {}, key => 'v2');
expect($rest, 200, 'reversed', 'the rest of a transfer is reversed');
is($rest->{json}{reversedAmount}, 100, 'a second reversal takes the rest');
expect(reverse_it($t->{id}, {}), 422, 'ALREADY_REVERSED', 'a reversed transfer cannot be reversed again');
is(reverse_it($t->{id}, { amount => 30, memo => 'oops' }, key => 'v1')->{body}, $r->{body},
	'repeating the first reversal returns its first answer');
is(reverse_it($t->{id}, undef, key => 'v2')->{body}, $rest->{body}, 'repeating the second reversal returns its answer');
expect(reverse_it($t->{id}, { amount => 31, memo => 'oops' }, key => 'v1'), 409,
	'IDEMPOTENCY_KEY_REUSED', 'the key of a reversal with another amount is refused');
expect(reverse_it($reversal->{id}, {}), 422, 'NOT_REVERSIBLE', 'a reversal cannot be reversed');
expect(reverse_it($nowhere, {}), 404, 'TRANSFER_NOT_FOUND', 'an unknown transfer cannot be reversed');
my $hold = $w->move($alice, $a, $b, 10, hold => JSON::PP::true)->{json}{id};
expect(reverse_it($hold, {}), 422, 'NOT_REVERSIBLE', 'a hold cannot be reversed');
Kedge::Wallet::post($bob, "/transfers/$hold/capture", { amount => 4 });
expect(reverse_it($hold, { amount => 5 }), 422, 'REVERSAL_TOO_LARGE', 'of a captured hold the captured amount can be reversed');
expect(reverse_it($hold, {}), 200, 'reversed', 'a captured hold is reversed');
$t = $w->move($alice, $a, $b, 50)->{json}{id};
$w->move($bob, $b, $a, $w->account($b)->{available});
expect(reverse_it($t, {}), 422, 'INSUFFICIENT_FUNDS', 'money that was spent cannot be reversed');
$t = $w->move($alice, $a, $b, 60)->{json}{id};
my @parts = parallel(8, sub { return reverse_it($t, { amount => 20 })->{status} });
is(scalar(grep { $_ == 200 } @parts), 3, 'of 60 three reversals of 20 succeed, however many are sent at once');

# ---- actor and reason ------------------------------------------------------------

# Checks that both operators see who acted and why, and that the user does not. Returns the
# transfer as the user sees it.
sub told
{
	my ($name, $id, $who, %want) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @fields = sort keys %want;
	for my $viewer ($op, $admin) {
		my $t = $viewer->get("$base/transfers/$id")->{json};
		is_deeply({ map { $_ => $t->{$_} } @fields }, \%want, "$name: operators see by whom and why");
	}
	my $t = $who->get("$base/transfers/$id")->{json};
	is_deeply([ @$t{@fields} ], [ map { undef } @fields ], "$name: the users who take part do not see by whom and why");
	return $t;
}
$w->fund($a, 100);
my $in = $op->post("$base/deposits", { %in, amount => 5, reference => 'why', reason => 'cheque 4' });
is($in->{json}{reason}, 'cheque 4', 'the deposit has a reason');
told('a deposit', $in->{json}{id}, $alice, createdBy => $op->{id}, reason => 'cheque 4');
is($op->post("$base/deposits", { %in, amount => 5, reference => 'why', reason => 'cheque 4' })->{body}, $in->{body},
	'a repeated deposit gets the same answer');
expect($op->post("$base/deposits", { %in, amount => 5, reference => 'why' }), 409, 'REFERENCE_REUSED',
	'a withdrawal without the reason is another one');
my $out = $op->post("$base/withdrawals", { %in, amount => 5, reference => 'why out', reason => 'asked for' });
told('a withdrawal', $out->{json}{id}, $alice, createdBy => $op->{id}, reason => 'asked for');
$r = reverse_it($in->{json}{id}, { reason => 'bounced' }, key => 'why-1');
told('a reversal', $r->{json}{reversalId}, $alice, createdBy => $op->{id}, reason => 'bounced');
is(reverse_it($in->{json}{id}, { reason => 'bounced' }, key => 'why-1')->{body}, $r->{body}, 'a repeated reversal gets the same answer');
expect(reverse_it($in->{json}{id}, { reason => 'else' }, key => 'why-1'), 409, 'IDEMPOTENCY_KEY_REUSED',
	'a reversal with another reason and the same key is refused');
my ($gave, $took) = map { $w->move($alice, $a, $b, 3, hold => JSON::PP::true)->{json} } 1, 2;
is($gave->{createdBy}, $alice->{id}, 'the creator of a transfer sees their own id');
is_deeply([ @$gave{qw(settledAt settledBy settledReason)} ], [ undef, undef, undef ], 'a hold that is open has no settledAt');
is($bob->get("$base/transfers/$gave->{id}")->{json}{createdBy}, undef, 'the payee does not see who created the transfer');
Kedge::Wallet::post($op, "/transfers/$gave->{id}/release", { reason => 'too old' });
my $released = told('a release', $gave->{id}, $bob, settledBy => $op->{id}, settledReason => 'too old');
like($released->{settledAt}, qr/^\d{4}-\d\d-\d\dT/, 'the released hold has the time of its release');
$r = Kedge::Wallet::post($op, "/transfers/$took->{id}/capture", { amount => 1, reason => 'agreed' }, key => 'why-2');
told('a capture', $took->{id}, $bob, settledBy => $op->{id}, settledReason => 'agreed');
is(Kedge::Wallet::post($op, "/transfers/$took->{id}/capture", { amount => 1, reason => 'agreed' }, key => 'why-2')->{body},
	$r->{body}, 'a repeated capture gets the same answer');
is($k->sql('wallet', "SELECT settled_by, settled_reason, settled_at > created_at FROM transfer WHERE id = '$took->{id}'"),
	"$op->{id}|agreed|t", 'the database has who settled the hold, why and when');
my $own = $w->move($alice, $a, $b, 3, hold => JSON::PP::true)->{json}{id};
is(Kedge::Wallet::post($bob, "/transfers/$own/release", { reason => 'changed my mind' })->{json}{settledReason},
	'changed my mind', 'the payee sees the reason that the payee gave');
is($alice->get("$base/transfers/$own")->{json}{settledReason}, undef, 'the payer does not see the reason of the payee');
is(Kedge::Wallet::post($bob, "/transfers/$own/release", { amount => 1 })->{status}, 400, 'release with an amount is refused');

# The available amount of a system account stays a number that JSON represents exactly.
my ($limit) = grep { $_->{name} eq 'external:USD' } @{ $op->get("$base/accounts?kind=system")->{json}{items} };
my $most = 9007199254740991 + $limit->{available};
expect($w->move($op, $limit->{id}, $b, $most + 1, hold => JSON::PP::true), 422, 'AMOUNT_OUT_OF_RANGE',
	'a hold beyond the limit of a system account is refused');
expect($w->move($op, $limit->{id}, $b, $most, hold => JSON::PP::true, key => 'bound'), 201, 'held', 'a hold up to the limit of a system account is made');
is($w->account($limit->{id})->{available}, -9007199254740991, 'the available amount may fall to the least number');
expect($w->deposit($a, 1), 422, 'AMOUNT_OUT_OF_RANGE', 'a deposit beyond the limit of a system account is refused');
expect($w->move($op, $limit->{id}, $b, $most, hold => JSON::PP::true, key => 'bound'), 201, 'held', 'the hold up to the limit is answered again');
my ($bound) = split /\n/, $k->sql('wallet', "SELECT id FROM transfer WHERE debit_account_id = '$limit->{id}' AND status = 'held'");
Kedge::Wallet::post($op, "/transfers/$bound/release");
is($k->sql('wallet', "SELECT least FROM account WHERE id = '$limit->{id}'"), -9007199254740991, 'the table has the least number');

# ---- frozen -------------------------------------------------------------------------

$hold = $w->move($alice, $a, $b, 10, hold => JSON::PP::true)->{json}{id};
my $free = $w->move($alice, $a, $b, 10, hold => JSON::PP::true)->{json}{id};
is($op->get("$base/accounts/$a")->{json}{freezeChangedAt}, undef, 'an account that was never frozen has no freezeChangedAt');
is($op->post("$base/accounts/$a/freeze")->{json}{freezeReason}, undef, 'an account can be frozen without a reason');
$r = $op->post("$base/accounts/$a/freeze", { reason => 'case 17' });
is("$r->{status} $r->{json}{frozen}", '200 1', 'an account can be frozen again with a reason');
is_deeply([ @{ $r->{json} }{qw(freezeChangedBy freezeReason)} ], [ $op->{id}, 'case 17' ], 'the operator sees who froze the account and why');
like($r->{json}{freezeChangedAt}, qr/^\d{4}-\d\d-\d\dT/, 'a frozen account has the time of the freeze');
my $seen = $alice->get("$base/accounts/$a")->{json};
is_deeply([ @$seen{qw(frozen freezeChangedAt freezeChangedBy freezeReason)} ],
	[ JSON::PP::true, $r->{json}{freezeChangedAt}, undef, undef ], 'the owner sees that the account is frozen and when, but not by whom and why');
($seen) = grep { $_->{id} eq $a } @{ $alice->get("$base/accounts")->{json}{items} };
is_deeply([ @$seen{qw(freezeChangedBy freezeReason)} ], [ undef, undef ], 'the list of accounts does not show by whom and why either');
is($op->post("$base/accounts/$a/freeze", $_)->{status}, 400, 'no freeze with ' . (%$_)[0])
    for { reason => '' }, { reason => 'x' x 501 }, { reason => 7 }, { why => 'x' };
expect($w->move($alice, $a, $b, 1), 422, 'ACCOUNT_FROZEN', 'a frozen account pays nothing');
$w->fund($b, 5);
expect($w->move($bob, $b, $a, 1), 422, 'ACCOUNT_FROZEN', 'a frozen account receives nothing');
expect($w->deposit($a, 1), 422, 'ACCOUNT_FROZEN', 'a frozen account receives no deposit');
expect(Kedge::Wallet::post($bob, "/transfers/$hold/capture", {}), 422, 'ACCOUNT_FROZEN', 'a hold of a frozen account cannot be captured');
expect(Kedge::Wallet::post($bob, "/transfers/$free/release"), 200, 'released', 'a hold of a frozen account can be released');
$r = $op->post("$base/accounts/$a/unfreeze", { reason => 'closed' });
ok(!$r->{json}{frozen}, 'the account is thawed');
is_deeply([ @{ $r->{json} }{qw(freezeChangedBy freezeReason)} ], [ $op->{id}, 'closed' ], 'the operator sees who thawed the account and why');
is($k->sql('wallet', "SELECT frozen, user_id, reason FROM account_freeze WHERE account_id = '$a' ORDER BY id"),
	join("\n", "t|$op->{id}|", "t|$op->{id}|case 17", "f|$op->{id}|closed"), 'each freeze and thaw is kept');
expect(Kedge::Wallet::post($bob, "/transfers/$hold/capture", {}), 200, 'captured', 'a thawed account pays again');
expect($op->post("$base/accounts/$nowhere/$_"), 404, 'ACCOUNT_NOT_FOUND', "an unknown account has no $_")
    for qw(freeze unfreeze);

# ---- accounts and currencies --------------------------------------------------------

$r = $alice->post("$base/accounts", { name => 'Yen', currency => 'JPY' });
is($r->{status}, 201, 'a user opens another account');
is_deeply([ @{ $r->{json} }{qw(name currency balance held available frozen)} ],
	[ 'Yen', 'JPY', 0, 0, 0, JSON::PP::false ], 'the new account is empty');
is_deeply($alice->get($r->{headers}{location})->{json}, $r->{json}, 'Location leads to the new account');
expect($alice->post("$base/accounts", { name => 'x', currency => 'QQQ' }), 422, 'CURRENCY_UNKNOWN', 'QQQ');
for my $row ([ name => '' ], [ name => 'x' x 101 ], [ name => undef ], [ currency => 7 ],
	[ balance => 5 ], [ userId => $bob->{id} ], [ kind => 'system' ])
{
	is($alice->post("$base/accounts", { name => 'x', currency => 'USD', @$row })->{status}, 400,
		"account with $row->[0] " . ($row->[1] // 'null'));
}
is(scalar @{ $op->get("$base/accounts?userId=$alice->{id}")->{json}{items} }, 2, 'an operator lists both accounts of the user');
is(scalar @{ $op->get("$base/accounts?userId=nobody")->{json}{items} }, 0, 'listing the accounts of an unknown user creates none');
is($op->get("$base/accounts/$a")->{json}{id}, $a, 'an operator can read any account');
my %known = map { $_->{code} => $_ } @{ $alice->get("$base/currencies")->{json}{items} };
my %unsaid = (createdAt => undef, createdBy => undef, reason => undef);
is_deeply($known{KWD}, { code => 'KWD', exponent => 3, iso => JSON::PP::true, %unsaid }, 'the ISO currencies are listed with their exponents');
$r = $op->post("$base/currencies", { code => 'POINTS', exponent => 0, reason => 'for loyalty' });
is($r->{status}, 201, 'an operator adds a currency') or diag($r->{body});
my $points = $r->{json};
my $added = delete $points->{createdAt};
is_deeply($points, { code => 'POINTS', exponent => 0, iso => JSON::PP::false, createdBy => $op->{id},
	reason => 'for loyalty' }, 'the added currency is not marked as ISO, and has its creator');
for my $who ($op, $alice) {
	my ($seen) = grep { $_->{code} eq 'POINTS' } @{ $who->get("$base/currencies")->{json}{items} };
	is_deeply($seen, { %$points, createdAt => $added, $who == $op ? () : (createdBy => undef, reason => undef) },
		$who == $op ? 'as operators see' : 'only operators see who added a currency and why');
}
# An account's balance is at most 2^53 - 1 minor units.
expect($op->post("$base/currencies", { code => "X$_", exponent => $_ }), 422, 'EXPONENT_TOO_LARGE',
	"a currency with an exponent of $_ is refused") for 10, 18;
is($op->post("$base/currencies", { code => 'X9', exponent => 9 })->{status}, 400, 'a currency code of two characters is refused');
is($op->post("$base/currencies", { code => 'XX9', exponent => 9 })->{status}, 201, 'a currency with an exponent of 9 is added');
expect($op->post("$base/currencies", { code => 'POINTS', exponent => 2 }), 409, 'CURRENCY_EXISTS', 'the same currency can be added again');
for my $row ([ code => 'x' ], [ code => 'abc' ], [ code => '1AB' ], [ code => 'A' x 13 ],
	[ exponent => -1 ], [ exponent => 19 ], [ exponent => '2' ])
{
	is($op->post("$base/currencies", { code => 'GOLD', exponent => 2, @$row })->{status}, 400,
		"a currency with $row->[0] $row->[1] is refused");
}
my ($x, $y) = map { $_->post("$base/accounts", { name => 'P', currency => 'POINTS' })->{json}{id} }
    $alice, $bob;
$w->fund($x, 10);
expect($w->move($alice, $x, $y, 10), 201, 'posted', 'money in the added currency can be deposited');
expect($w->move($alice, $a, $y, 10), 422, 'CURRENCY_MISMATCH', 'money cannot move into another currency');

# ---- statements ---------------------------------------------------------------------

my $none = $alice->get("$base/accounts/$a/statements")->{json};
my $this_month = $k->sql('wallet', "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM')");
is_deeply([ grep { $_->{month} ge $this_month } @{ $none->{items} } ], [], 'there is no statement for the present month');
is($none->{nextCursor}, undef, 'a list without statements has no next page');
# Moves all entries to the 10th of the month before the last, in the same order.
# Entries cannot be changed, so triggers are disabled for this.
my $month = $k->sql('wallet', "SET session_replication_role = replica;
    CREATE TEMP TABLE month AS SELECT date_trunc('month', now() AT TIME ZONE 'UTC')
	- interval '2 months' AS begins;
    UPDATE entry SET created_at = (begins + interval '9 days') AT TIME ZONE 'UTC'
	+ (created_at - (SELECT min(created_at) FROM entry)) FROM month;
    UPDATE account SET created_at = (begins - interval '1 month') AT TIME ZONE 'UTC' FROM month;
    SELECT begins::date FROM month");
is($k->sql('wallet', "SELECT ledger_write_statements((date '$month' + interval '1 year')::date)"), 0,
	'a month that is not over gets no statement');
for my $n (-1, 0, 1) {
	my $made = $k->sql('wallet',
		"SELECT ledger_write_statements((date '$month' + interval '$n months')::date)");
	cmp_ok($made, '>', 0, 'the statements of a past month are written');
	is($k->sql('wallet',
			"SELECT ledger_write_statements((date '$month' + interval '$n months')::date)"),
		0, 'statements are not written a second time');
}
$r = $alice->get("$base/accounts/$a/statements?limit=2")->{json};
my $balance = $w->account($a)->{balance};
my ($last, $busy) = @{ $r->{items} };
is_deeply([ @$last{qw(opening closing credits debits entries)} ], [ $balance, $balance, 0, 0, 0 ],
	'a month without entries has a statement');
is($busy->{month}, substr($month, 0, 7), 'the statement is that of the month before');
is_deeply([ @$busy{qw(opening closing)} ], [ 0, $balance ], 'the statement has the opening and closing balance');
is($busy->{opening} + $busy->{credits} - $busy->{debits}, $busy->{closing}, 'opening, credits and debits add up to closing');
is($busy->{entries}, $k->sql('wallet', "SELECT count(*) FROM entry WHERE account_id = '$a'"), 'the statement counts the entries of the month');
$r = $alice->get("$base/accounts/$a/statements?limit=2&cursor=$r->{nextCursor}")->{json};
is(scalar @{ $r->{items} }, 1, 'the next page has the other statement');
is($bob->get("$base/accounts/$a/statements")->{status}, 404, "another user's statements are 404");

# Statements that are missing are written, whatever the current month is.
my $all = $k->sql('wallet', 'SELECT count(*) FROM statement');
my $rows = "SELECT account_id, month, opening, closing, credits, debits, entries, last_seq
    FROM statement ORDER BY account_id, month";
my $written = $k->sql('wallet', $rows);
$k->sql('wallet', 'DELETE FROM statement');
is($k->sql('wallet', 'SELECT ledger_write_missing_statements()'), $all, 'a statement is written for each month that lacks one');
is($k->sql('wallet', $rows), $written, 'the statements that are written again are the same');
is($k->sql('wallet', 'SELECT ledger_write_missing_statements()'), 0, 'no statement is missing after that');
my $job = $k->sql('wallet', q(SELECT job_id FROM job_enqueue('ledger.statements', '{"month": "2026-10-15"}')));
ok(wait_until(sub { $k->sql('wallet', "SELECT state FROM job WHERE id = '$job'") eq 'discarded' }, 20),
	'a month that is invalid is not tried again');

# The turnover of a statement may exceed int64, unlike a balance.
$k->sql('wallet', "UPDATE statement SET credits = credits + 92233720368547758070,
    debits = debits + 92233720368547758070 WHERE account_id = '$a' AND month = '$month'");
$r = $alice->get("$base/accounts/$a/statements");
is($r->{status}, 200, 'a turnover beyond 64 bits is added up');
like($r->{body}, qr/"credits":922337203685477[0-9]{5},/, 'sums beyond 2^53 are written exactly');

# A clock is set back over the end of a month: each statement still begins with the
# balance at which the previous one ended.
my $carol = $w->user('carol');
$w->fund($carol->{account}, $_) for 100, 50, 30;
$k->sql('wallet', "SET session_replication_role = replica;
    UPDATE account SET created_at = '2026-01-01Z' WHERE id = '$carol->{account}';
    UPDATE entry SET created_at = (ARRAY['2026-01-31 23:59:59Z', '2026-02-01 00:00:00.2Z',
	'2026-01-31 23:59:59.5Z']::timestamptz[])[seq - 1] WHERE account_id = '$carol->{account}';
    INSERT INTO entry (transfer_id, account_id, seq, currency, amount, balance_after, created_at)
    VALUES (uuidv7(), '$carol->{account}', 5, 'USD', -80, 100, '2026-02-01 00:00:01Z')");
$k->sql('wallet', "SELECT ledger_write_statements('$_')") for '2026-01-01', '2026-02-01';
is($k->sql('wallet', "SELECT month, opening, closing, credits, debits, entries FROM statement
    WHERE account_id = '$carol->{account}' AND month <= '2026-02-01' ORDER BY month"),
	"2026-01-01|0|180|180|0|3\n2026-02-01|180|100|0|80|1", 'months are complete although the clock was set back');
$k->sql('wallet', "SET session_replication_role = replica;
    DELETE FROM entry WHERE account_id = '$carol->{account}' AND seq = 5");

# ---- the check ----------------------------------------------------------------------

my $books = $w->check;
is($books->{accounts}, $k->sql('wallet', 'SELECT count(*) FROM account'), 'the check counts the accounts');
is($books->{transfers}, $k->sql('wallet', 'SELECT count(*) FROM transfer'), 'the check counts the transfers');
is($books->{entries}, $k->sql('wallet', 'SELECT count(*) FROM entry'), 'the check counts the entries');
my $elsewhere = $nowhere =~ s/7$/8/r;

# Inserts a transfer and its two entries, between any two accounts.
sub moved
{
	my ($debit, $credit, $currency) = @_;
	return "WITH t AS (INSERT INTO transfer (status, debit_account_id, credit_account_id, currency, amount)
	    VALUES ('posted', '$debit', '$credit', '$currency', 5) RETURNING id)
	    INSERT INTO entry (transfer_id, account_id, seq, currency, amount, balance_after)
	    SELECT id, side.account::uuid, 999, '$currency', side.amount, side.amount FROM t,
		(VALUES ('$debit', -5), ('$credit', 5)) AS side (account, amount)";
}
my @breaks = (
	[ balance => "UPDATE account SET balance = balance + 1 WHERE id = '$b'" ],
	[ held => "UPDATE account SET held = 1 WHERE id = '$b'" ],
	[ currency => "DELETE FROM entry WHERE (account_id, seq) IN (SELECT account_id, seq FROM entry LIMIT 1)" ],
	[ running => "UPDATE entry SET balance_after = balance_after + 1 WHERE account_id = '$b' AND amount > 0" ],
	[ transfer => "DELETE FROM transfer WHERE id = '$t'" ],
	[ transfer => "UPDATE transfer SET amount = amount + 1 WHERE id = '$t'" ],
	[ reversal => "UPDATE transfer SET reversed_amount = 1 WHERE id = '$t'" ],
	# References to rows that do not exist, while all sums are correct.
	[ balance => moved($nowhere, $elsewhere, 'USD') ],
	[ balance => moved($a, $b, 'EUR') ],
	[ held => "INSERT INTO transfer (status, debit_account_id, credit_account_id, currency, amount)
	    VALUES ('held', '$nowhere', '$b', 'USD', 5)" ],
	[ reversal => "INSERT INTO transfer (kind, status, debit_account_id, credit_account_id, currency,
	    amount, reverses) VALUES ('reversal', 'released', '$a', '$b', 'USD', 5, '$nowhere')" ],
);
for my $row (@breaks) {
	my ($kind, $sql) = @$row;
	my $found = $k->sql('wallet', "BEGIN; SET LOCAL session_replication_role = replica; $sql;
	    SELECT mismatches FROM ledger_check(100); ROLLBACK");
	like($found, qr/"kind"\s*:\s*"$kind"/, "the check finds the damage: $sql");
}
# Waits for a metric of the wallet, which the service reads from the database every five
# seconds.
sub metric
{
	my ($name, $value) = @_;
	my $read = wait_until {
		my ($found) = $k->monitor->get('/metrics/wallet')->{body} =~
		    /^\Q$name\E\{service="wallet"\} (\d+)$/m;
		return defined $found && (!defined $value || $found == $value) ? [$found] : undef;
	} 20;
	return $read && $read->[0];
}

# Runs the check as a job, in slices: it finds mismatches within a slice, and mismatches
# that only the totals show.
sub check_job
{
	my ($payload) = @_;
	my $id = $k->sql('wallet', "SELECT job_id FROM job_enqueue('ledger.check', '$payload', p_max_attempts => 1)");
	wait_until(sub { $k->sql('wallet', "SELECT finished_at IS NOT NULL FROM job WHERE id = '$id'") eq 't' }, 60);
	return $k->sql('wallet', "SELECT state, result->>'full', result->>'mismatches' FROM job WHERE id = '$id'");
}
is(check_job('{}'), 'completed|false|0', 'the nightly check looks at new entries');
is(check_job('{"full":true}'), 'completed|true|0', 'the weekly check looks at everything, in slices');
is($k->sql('wallet', "SELECT cron FROM job_schedule WHERE name = 'ledger.check-full'"), '47 4 * * 0', 'the full check is scheduled on Sundays');
is($op->get("$base/ledger/check")->{json}{entries}, 0, 'a check after a check finds no new entries');
$k->sql('wallet', "SET session_replication_role = replica;
    UPDATE transfer SET created_at = created_at - interval '1 day', settled_at = settled_at - interval '1 day'");
is(check_job('{"full":true}'), 'completed|true|0', 'a full check succeeds when all entries are new');
my $odd = '01890a5d-0000-774b-bcce-b302099a8057';
$k->sql('wallet', "SET session_replication_role = replica;
    INSERT INTO transfer (id, debit_account_id, credit_account_id, currency, amount, created_at)
    VALUES ('$odd', '$a', '$b', 'USD', 5, now() - interval '1 day')");
is(check_job('{}'), 'completed|false|0', 'a transfer without entries is not found by a check of new entries');
is(check_job('{"full":true}'), 'discarded|true|1', 'a full check finds damage in checked entries');
like(slurp($k->dir . '/log/wallet.log'), qr/"ledger check failed","kind":"transfer","id":"$odd"/, 'the log names the damaged transfer');
my $full = $op->get("$base/ledger/check?full=true")->{json};
is_deeply([ @$full{qw(ok full since)}, $full->{mismatches}[0]{id} ],
	[ JSON::PP::false, JSON::PP::true, undef, $odd ], 'a full check by request finds the damage, too');
my $new = $op->get("$base/ledger/check")->{json};
is_deeply([ @$new{qw(ok full)} ], [ JSON::PP::true, JSON::PP::false ], 'a check of new entries reports ok');
ok(defined $new->{since}, 'a check of new entries says since when');
ok(defined metric(kedge_ledger_mismatches => 1), 'the metric keeps the mismatches of the full check');
$k->sql('wallet', "SET session_replication_role = replica; DELETE FROM transfer WHERE id = '$odd'");
is(check_job('{"full":true}'), 'completed|true|0', 'a full check succeeds when the damage is repaired');
is($op->get("$base/ledger/check?full=yes")->{status}, 400, 'the parameter full must be true or false');

# The check over HTTP also reports a mismatch.
$k->sql('wallet', "SET session_replication_role = replica; $breaks[0][1]");
$r = $op->get("$base/ledger/check")->{json};
ok(!$r->{ok}, 'the check reports ok: false');
is($r->{mismatches}[0]{id}, $b, 'the check names the damaged account');
like(slurp($k->dir . '/log/wallet.log'), qr/"level":"error".*"ledger check failed","kind":"balance","id":"$b"/,
	'the log has an error about the balance');
ok(defined metric(kedge_ledger_mismatches => scalar @{ $r->{mismatches} }), 'the metric counts the mismatches');
$k->sql('wallet', "SET session_replication_role = replica;
    UPDATE account SET balance = balance - 1 WHERE id = '$b'");
ok($op->get("$base/ledger/check")->{json}{ok}, 'the check reports ok: true when the balance is repaired');
ok(defined metric(kedge_ledger_mismatches => 0), 'the metric is 0 when the balance is repaired');
my $checked = metric('kedge_ledger_checked_timestamp_seconds');
cmp_ok(abs($checked - time), '<', 60, 'the metric has the time of the last check');
done_testing;
