# Transfers over HTTP: what they move, which are refused, and idempotency keys.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jencode);
use Kedge::Wallet;

my $k = Kedge->up;
my $w = Kedge::Wallet->new($k);
my $base = '/api/wallet';
my $alice = $w->user('alice', 10_000);
my $bob = $w->user('bob');
my ($from, $to) = ($alice->{account}, $bob->{account});
my $nowhere = '01890a5d-ac96-774b-bcce-b302099a8057';

# ---- one transfer ---------------------------------------------------------------

my %body = (
	debitAccountId => $from, creditAccountId => $to, amount => 1050,
	memo => "rent, \x{2603}", metadata => { b => [ 1, 2.5, undef ], a => { x => 'y' } },
);
my $r = Kedge::Wallet::post($alice, '/transfers', \%body, key => 'k1');
is($r->{status}, 201, 'a transfer is answered with 201') or diag($r->{body});
my $t = $r->{json};
like($t->{id}, qr/^[0-9a-f]{8}-[0-9a-f]{4}-7/, 'the transfer has a UUID of version 7');
is_deeply(
	{ map { $_ => $t->{$_} } grep { $_ !~ /^(id|createdAt)$/ } keys %$t },
	{
		%body, kind => 'transfer', createdBy => $alice->{id}, status => 'posted', currency => 'USD', reversedAmount => 0,
		map { $_ => undef } qw(expiresAt capturedAmount reverses provider reference settledBy settledAt settledReason reason)
	},
	'the transfer has the requested members'
);
like($t->{createdAt}, qr/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, 'the transfer has the time of its creation');
is($w->state_of($from), '8950/0/8950', 'the debited account has less');
is($w->state_of($to), '1050/0/1050', 'the credited account has more');
is_deeply($_->get("$base/transfers/$t->{id}")->{json}, $t, "$_->{name} can read the transfer") for $alice, $w->{operator};
is_deeply($bob->get("$base/transfers/$t->{id}")->{json}, { %$t, createdBy => undef },
	'the payee can read the transfer, but not who created it');
my $carol = $w->user('carol');
is($carol->get("$base/transfers/$t->{id}")->{status}, 404, 'a user who takes no part cannot read the transfer');
is($carol->get("$base/transfers/$t->{id}")->{json}{code}, 'TRANSFER_NOT_FOUND', 'the code is TRANSFER_NOT_FOUND');

# ---- a repeated request -----------------------------------------------------------

my $again = Kedge::Wallet::post($alice, '/transfers', \%body, key => 'k1');
is($again->{status}, 201, 'the same key and body are answered with 201 again');
is($again->{body}, $r->{body}, 'the repeated answer is the same, byte for byte');
is($again->{headers}{'idempotency-replayed'}, 'true', 'the repeated answer has Idempotency-Replayed');
is($r->{headers}{'idempotency-replayed'}, undef, 'the first answer has no Idempotency-Replayed');
my $spelled = sprintf '{ "metadata":{"a":{"x":"y"},"b":[1,2.50,null]},"amount":1050,"memo":"rent, '
    . '\u2603", "creditAccountId":"%s","debitAccountId":"%s"}', uc $to, $from;
$again = $alice->post("$base/transfers", undef, body => $spelled, type => 'application/json',
	headers => { 'Idempotency-Key' => 'k1' });
is($again->{body}, $r->{body}, 'the same body with another spelling gets the same answer');
for my $row ([ amount => 1051 ], [ memo => 'rent' ], [ memo => undef ], [ metadata => {} ],
	[ creditAccountId => $carol->{account} ], [ hold => JSON::PP::true ],
	[ debitAccountId => $carol->{account} ])
{
	my ($field, $value) = @$row;
	my $other = Kedge::Wallet::post($alice, '/transfers', { %body, $field => $value }, key => 'k1');
	is($other->{status}, 409, "the same key with another $field is refused");
	is($other->{json}{code}, 'IDEMPOTENCY_KEY_REUSED', 'the code is IDEMPOTENCY_KEY_REUSED');
}
is(Kedge::Wallet::post($bob, '/transfers',
		{ %body, debitAccountId => $to, creditAccountId => $from, amount => 50 }, key => 'k1')->{status},
	201, 'the same key of another user is another key');
is($w->state_of($from), '9000/0/9000', 'repetitions move no money');

# A refused request is not stored: its key can be used again when the account has enough
# money.
$r = $w->move($carol, $carol->{account}, $to, 70, key => 'later');
is("$r->{status} $r->{json}{code}", '422 INSUFFICIENT_FUNDS', 'a transfer without funds is refused');
$w->fund($carol->{account}, 100);
is($w->move($carol, $carol->{account}, $to, 70, key => 'later')->{status}, 201, 'the same key succeeds when there are funds');
$w->move($carol, $carol->{account}, $to, 30);
$r = $w->move($carol, $carol->{account}, $to, 70, key => 'later');
is($r->{headers}{'idempotency-replayed'}, 'true', 'the repeated answer stays the same when the funds are spent');

# ---- keys -------------------------------------------------------------------------

for my $key (undef, '') {
	my $r = $alice->post("$base/transfers", \%body,
		headers => defined $key ? { 'Idempotency-Key' => $key } : {});
	is("$r->{status} $r->{json}{code}", '400 IDEMPOTENCY_KEY_REQUIRED', 'a transfer without an idempotency key is refused');
}
for my $key ('a b', 'x' x 256) {
	my $r = Kedge::Wallet::post($alice, '/transfers', \%body, key => $key);
	is($r->{status}, 400, 'no key: ' . substr jencode($key), 0, 20);
	is($r->{json}{fields}[0]{field}, 'Idempotency-Key', 'the error names the field Idempotency-Key');
}
for my $key ('!', '~' x 255, q{"quoted"}) {
	is(Kedge::Wallet::post($alice, '/transfers', { %body, amount => 1 }, key => $key)->{status},
		201, 'a key: ' . substr $key, 0, 20);
}

# ---- refusals ---------------------------------------------------------------------

my $euro = $alice->post("$base/accounts", { name => 'Euros', currency => 'EUR' })->{json}{id};
my ($house) = grep { $_->{name} eq 'external:USD' }
    @{ $w->{operator}->get("$base/accounts?kind=system")->{json}{items} };
my @refusals = (
	[ 422, INSUFFICIENT_FUNDS => amount => 9_000 ],
	[ 422, SAME_ACCOUNT => creditAccountId => $from ],
	[ 422, CURRENCY_MISMATCH => creditAccountId => $euro ],
	[ 404, ACCOUNT_NOT_FOUND => creditAccountId => $nowhere ],
	[ 404, ACCOUNT_NOT_FOUND => debitAccountId => $nowhere ],
	[ 404, ACCOUNT_NOT_FOUND => debitAccountId => $carol->{account} ],
	[ 404, ACCOUNT_NOT_FOUND => creditAccountId => $house->{id} ],
	[ 404, ACCOUNT_NOT_FOUND => debitAccountId => $house->{id} ],
	map { [ 422, AMOUNT_OUT_OF_RANGE => amount => $_ ] } 0, -1, 9007199254740992,
	9223372036854775807, -9223372036854775807
);
for my $row (@refusals) {
	my ($status, $code, $field, $value) = @$row;
	my $r = Kedge::Wallet::post($alice, '/transfers', { %body, $field => $value });
	is("$r->{status} $r->{json}{code}", "$status $code", "$field $value is refused with $status $code");
}
my @bad = (
	[ amount => '5' ], [ amount => 1.5 ], [ amount => undef ], [ amount => {} ],
	[ debitAccountId => 'x' ], [ creditAccountId => undef ], [ memo => 'x' x 501 ], [ memo => 7 ],
	[ metadata => [] ], [ metadata => 'x' ], [ metadata => { a => 'x' x 4096 } ],
	[ hold => 'yes' ], [ expiresInSeconds => 60 ], [ surprise => 1 ], [ userId => $bob->{id} ],
);
for my $row (@bad) {
	my ($field, $value) = @$row;
	my $r = Kedge::Wallet::post($alice, '/transfers', { %body, $field => $value });
	is($r->{status}, 400, "$field " . substr jencode($value), 0, 30) or diag($r->{body});
	is($r->{json}{fields}[0]{field}, $field, "the error names the field $field");
}
for my $field (qw(debitAccountId creditAccountId amount)) {
	my %less = %body;
	delete $less{$field};
	is(Kedge::Wallet::post($alice, '/transfers', \%less)->{json}{fields}[0]{problem}, 'missing',
		"a transfer without $field is refused");
}
is($alice->post("$base/transfers", undef, type => 'application/json',
		body => '{"amount":99999999999999999999}', headers => { 'Idempotency-Key' => 'n' })->{status},
	400, 'an amount beyond 64 bits is refused');
is($k->client->post("$base/transfers", \%body)->{status}, 401, 'a transfer without a session is refused');
is($w->state_of($from), '8997/0/8997', 'the refused transfers moved no money');
my $deep = {};
$deep = { d => $deep } for 1 .. 20;
for my $row ([ memo => "\x{1F600}" x 500 ], [ memo => '' ], [ metadata => { a => 'x' x 4088 } ],
	[ metadata => {} ], [ metadata => $deep ], [ metadata => { n => 12345678901234567 } ])
{
	my ($field, $value) = @$row;
	my $r = Kedge::Wallet::post($alice, '/transfers', { %body, amount => 1, $field => $value });
	is($r->{status}, 201, "$field " . substr jencode($value), 0, 30) or diag($r->{body});
	is_deeply($alice->get("$base/transfers/$r->{json}{id}")->{json}{$field}, $value, "the transfer has $field as it was given");
}

# An operator may transfer other users' money, and money of the system's accounts.
$r = $w->move($w->{operator}, $from, $house->{id}, 10);
is($r->{status}, 201, 'an operator moves money into a system account') or diag($r->{body});
is($w->move($w->{operator}, $house->{id}, $from, 10)->{status}, 201, 'an operator moves money out of a system account');
# Balances stay within the numbers that JSON represents exactly.
$w->fund($euro, 9007199254740991);
$r = $w->deposit($euro, 1);
is("$r->{status} $r->{json}{code}", '422 AMOUNT_OUT_OF_RANGE', 'a balance beyond 2^53 - 1 is refused');
$w->check;
done_testing;
