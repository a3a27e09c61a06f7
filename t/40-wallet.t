# wallet creates one account on first contact, counts in minor units, and its tables
# stay double-entry and append-only, whoever writes to them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge;

my $k = Kedge->up;
my $alice = $k->user('alice');
my $bob = $k->user('bob');
my $accounts = '/api/wallet/accounts';

my $r = $alice->get($accounts);
is($r->{status}, 200, 'the list of accounts is answered with 200');
is(scalar @{ $r->{json}{items} }, 1, 'a new user has one account');
my $account = $r->{json}{items}[0];
is($account->{currency}, 'USD', 'the first account has the default currency');
is_deeply([ @$account{qw(balance held available)} ], [ 0, 0, 0 ], 'the first account is empty');
like($r->{body}, qr/"balance":0[,}]/, 'the balance is a JSON integer');
like($account->{id}, qr/^[0-9a-f-]{36}$/, 'the account has a UUID');
like($account->{createdAt}, qr/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, 'the account has the time of its creation');
is_deeply($alice->get("$accounts/$account->{id}")->{json}, $account, 'GET of the account returns what the list has');
is($alice->get($accounts)->{body}, $r->{body}, 'a second GET of the list returns the same account');

my $other = $bob->get($accounts)->{json}{items}[0]{id};
isnt($other, $account->{id}, 'another user has another account');
is($alice->get("$accounts/$other")->{status}, 404, "another user's account is 404");
is($alice->get("$accounts/01890a5d-ac96-774b-bcce-b302099a8057")->{status}, 404,
	'an account that does not exist is 404');
is($alice->get("$accounts/x")->{status}, 400, 'an id that is not a UUID is 400');
is($alice->patch("$accounts/$account->{id}", { balance => 1_000_000 })->{status}, 405,
	'PATCH of a balance is 405');

# ---- the books ----------------------------------------------------------------

sub app { return ($k->sql_as_app('wallet', $_[0]))[0] }
sub owner { return ($k->try_sql('wallet', "SET ROLE wallet_owner; $_[0]"))[0] }
for my $sql (
	'UPDATE account SET balance = 1000000', 'UPDATE account SET held = 1',
	'DELETE FROM account', 'DELETE FROM wallet',
	'TRUNCATE account CASCADE', "UPDATE account SET currency = 'EUR'", 'DELETE FROM entry',
	'UPDATE entry SET amount = 1',
	'ALTER TABLE entry DISABLE TRIGGER ALL',
"INSERT INTO account (user_id, name, currency, balance) VALUES ('$alice->{id}', 'x', 'USD', 5)"
) {
	isnt(app($sql), 0, "the application role may not run: $sql");
}
my $house = "INSERT INTO account (kind, name, currency) VALUES ('system', 'house', 'USD')";
is(owner($house), 0, 'the owner role can insert a system account');
my $house_id = $k->sql('wallet', "SELECT id FROM account WHERE name = 'house'");
my $make = 'INSERT INTO transfer (id, debit_account_id, credit_account_id, currency, amount)';
my $t = '00000000-0000-7000-8000-000000000001';
is(owner("$make VALUES ('$t', '$house_id', '$account->{id}', 'USD', 100)"), 0, 'the owner role can insert a transfer');
is_deeply([ @{ $alice->get("$accounts/$account->{id}")->{json} }{qw(balance held available)} ],
	[ 100, 0, 100 ], 'the transfer changes the balance of the account');

sub entries
{
	return join '', 'BEGIN;', (
		map {
			"INSERT INTO entry (transfer_id, account_id, currency, amount)
		VALUES ('$t', '$_->[0]', 'USD', $_->[1]);"
		} @_
	), 'COMMIT;';
}
isnt(owner(entries([ $account->{id}, 100 ])), 0, 'a single entry is refused');
isnt(owner(entries([ $house_id, -100 ], [ $account->{id}, 99 ])),
	0, 'entries that do not add up to zero are refused');
is($alice->get("$accounts/$account->{id}")->{json}{balance}, 100, 'the balance is unchanged after the refused transfers');
isnt(owner("$make VALUES (uuidv7(), '$account->{id}', '$house_id', 'USD', 101)"), 0,
	"a user's balance cannot fall below zero");
isnt(owner('UPDATE account SET balance = 1000'), 0, 'the balance cannot be set by UPDATE');
isnt(owner("UPDATE entry SET amount = amount * 2"), 0, 'entries cannot be changed');
isnt(owner('DELETE FROM entry'), 0, 'entries cannot be deleted');
isnt(owner('TRUNCATE entry'), 0, 'entries cannot be truncated');
is($k->sql('wallet', 'SELECT coalesce(sum(amount), 0) FROM entry'), 0,
	'all entries add up to zero');
is(
	$k->sql('wallet',
'SELECT count(*) FROM account a WHERE balance <> (SELECT coalesce(sum(amount), 0) FROM entry WHERE account_id = a.id)'
	),
	0,
	"each balance is the sum of the account's entries");
is(
	$k->sql('wallet',
		"SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public'
    AND table_name NOT LIKE 'job%' AND (data_type IN ('real', 'double precision', 'money') OR (column_name ~ 'amount|balance|held' AND data_type <> 'bigint'))"
	),
	0,
	'each column with money is bigint');

# ---- another default currency -----------------------------------------------------

my $j = Kedge->up(env => { WALLET_CURRENCY => 'JPY' });
is($j->user('ren')->get($accounts)->{json}{items}[0]{currency}, 'JPY', 'WALLET_CURRENCY is the currency of the first account');
my ($status, $out, $err) = Kedge::run(
	{ dir => $j->dir, env => { %{ $j->service_env('wallet') }, WALLET_CURRENCY => 'dollars' } },
	Kedge->binary('wallet'), '--check');
isnt($status, 0, 'an unknown WALLET_CURRENCY is refused');
done_testing;
