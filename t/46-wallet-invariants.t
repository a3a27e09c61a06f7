# The books under attack: as the application's role, as the owner, and through
# the functions that the application may call.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(parallel);
use Kedge::Wallet;

my $k = Kedge->up;
my $w = Kedge::Wallet->new($k);
my ($alice, $bob) = (map { $w->user($_, 1000) } qw(alice bob));
my ($a, $b) = ($alice->{account}, $bob->{account});
my $t = $w->move($alice, $a, $b, 100)->{json}{id};
my $hold = $w->move($alice, $a, $b, 50, hold => JSON::PP::true)->{json}{id};
my $house = $k->sql('wallet', "SELECT id FROM account WHERE name = 'external:USD'");

sub fingerprint
{
	return $k->sql('wallet', "SELECT md5(string_agg(x, '' ORDER BY x)) FROM (
	    SELECT account::text FROM account UNION ALL SELECT transfer::text FROM transfer
	    UNION ALL SELECT entry::text FROM entry UNION ALL SELECT currency::text FROM currency
	    UNION ALL SELECT idempotency::text FROM idempotency) AS t (x)");
}
my $before = fingerprint();

# ---- every right that the application must not have -----------------------------------

my %tables = (
	account => "balance = 5", transfer => "amount = 5", entry => "amount = 5",
	idempotency => "key = 'x'", external_reference => "reference = 'x'", statement => "opening = 5",
	currency => "exponent = 5",
);
for my $table (sort keys %tables) {
	for my $sql ("UPDATE $table SET $tables{$table}", "DELETE FROM $table", "TRUNCATE $table CASCADE",
		"ALTER TABLE $table DISABLE TRIGGER ALL", "DROP TABLE $table CASCADE",
		"ALTER TABLE $table OWNER TO wallet", "CREATE RULE r AS ON INSERT TO $table DO INSTEAD NOTHING",
		"CREATE TRIGGER x BEFORE INSERT ON $table EXECUTE FUNCTION ledger_refuse_write()")
	{
		my ($status, undef, $err) = $k->sql_as_app('wallet', $sql);
		isnt($status, 0, "the service may not: $sql");
		like($err, qr/permission denied|must be owner/, 'because of its rights');
	}
}
for my $sql (
	"INSERT INTO transfer (debit_account_id, credit_account_id, currency, amount) VALUES ('$house', '$a', 'USD', 5)",
	"INSERT INTO entry (transfer_id, account_id, currency, amount) VALUES ('$t', '$a', 'USD', 5)",
	"INSERT INTO entry (transfer_id, account_id, currency, amount) VALUES ('$t', '$a', 'USD', 5), ('$t', '$b', 'USD', -5)",
	"INSERT INTO account (kind, name, currency) VALUES ('system', 'mine', 'USD')",
	"INSERT INTO account (user_id, name, currency, balance) VALUES ('$alice->{id}', 'x', 'USD', 5)",
	"INSERT INTO account (user_id, name, currency, held) VALUES ('$alice->{id}', 'x', 'USD', 5)",
	"INSERT INTO idempotency VALUES ('$alice->{id}', 'k', '\\x00')",
	"SELECT * FROM idempotency", "INSERT INTO currency VALUES ('FUN', 2)",
	"CREATE OR REPLACE FUNCTION transfer_apply() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
	"CREATE FUNCTION now() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL'",
	"SELECT transfer_apply()", "SELECT transfer_reverse('$t', NULL)", "SELECT account_external('USD')",
	"SELECT transfer_lock('$t')", "SELECT transfer_emit('x', NULL)",
	"SET session_replication_role = replica", "SET ROLE wallet_owner", "COPY transfer FROM '/etc/passwd'",
) {
	isnt(($k->sql_as_app('wallet', $sql))[0], 0, "the service may not: $sql");
}
# Nothing of one's own can stand in front of what the functions mean: no temporary
# table, and they look in their own schema alone.
like(($k->sql_as_app('wallet', 'CREATE TEMP TABLE account (LIKE public.account)'))[2],
	qr/permission denied/, 'no temporary tables');
is($k->sql('wallet', "SELECT count(*) FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace
    AND NOT coalesce(proconfig::text LIKE '%search_path=public, pg_temp%', false)
    AND prosrc NOT LIKE '%set_config(''search_path'', ''public, pg_temp''%'"),
	0, 'and every function that runs as the owner says where its names are');
is(
	($k->sql_as_app('wallet', "SET search_path = pg_catalog;
    SELECT code FROM public.ledger_transfer('x', false, 'k', '\\x00', '$a', '$b', 1, NULL, NULL, NULL)"))[1],
	"ACCOUNT_NOT_FOUND\n", 'whatever the session says');
is(fingerprint(), $before, 'none of it left a trace');

# ---- the functions, with arguments that no request has ---------------------------------

# As a wrong program might call them: nothing but codes comes back, and the books stay right.
my @values = ('NULL', "'$a'", "'$b'", "'$house'", "'$t'", "'$hold'", "'00000000-0000-0000-0000-000000000000'");
my @amounts = ('NULL', 0, 1, -1, 9007199254740991, 9007199254740992, 9223372036854775807,
	'-9223372036854775808');
srand(my $seed = $ENV{SEED} // time);
diag("SEED=$seed");
sub pick { return $_[ rand @_ ] }
my @calls;
my $key = 0;
for my $n (1 .. 400) {
	my $user = pick('NULL', "'$alice->{id}'", "'$bob->{id}'", "''");
	my $op = pick('NULL', 'true', 'false');
	my $k = pick("'x" . ++$key . "'", "'x1'", 'NULL', "''");
	my $sha = pick("'\\x01'", "'\\x02'", 'NULL');
	my ($v, $u) = (pick(@values), pick(@values));
	my $amount = pick(@amounts);
	push @calls, pick(
		"ledger_transfer($user, $op, $k, $sha, $v, $u, $amount, NULL, NULL, " . pick('NULL', 0, -5, 60) . ')',
		"ledger_capture($user, $op, $k, $sha, $v, $amount)", "ledger_release($user, $op, $v)",
		"ledger_reverse($user, $k, $sha, $v, $amount, NULL)",
		"ledger_external($user, " . pick("'deposit'", "'withdrawal'", "'gift'", 'NULL')
		    . ", $v, $amount, 'p', $k, NULL)",
		"ledger_batch($user, $op, $k, $sha, " . pick('true', 'false', 'NULL')
		    . ", " . pick('NULL', "'[]'", "'{}'",
			sprintf(q{'[{"d":"%s","c":"%s","a":%s}]'}, pick($a, $b, $house), pick($a, $b, $house),
			    pick(1, -1, 'null', 5000))) . ')',
		"ledger_freeze($v, " . pick('false', 'NULL') . ')', 'ledger_expire(' . pick('NULL', -1, 5) . ')',
	);
}
my ($status, $out, $err) = $k->sql_as_app('wallet',
	join '', "\\set ON_ERROR_STOP off\n", map { "SELECT * FROM $_;\n" } @calls);
my @errors = grep { /ERROR/ } split /\n/, $err;
cmp_ok(scalar @errors, '<', scalar @calls, 'calls that no request makes: some answer, some raise');
unlike($err, qr/internal error|server closed|division|out of range/, 'as they should') or diag($err);
$w->check('whatever is called, the books are right');

# ---- the owner: a wrong function --------------------------------------------------------

# t/unit/test_wallet_account.c has them one by one; here by chance, committed when allowed.
my @sets = ("status = 'posted'", "status = 'held'", "status = 'captured'", "status = 'released'",
	"status = 'expired'", "status = 'reversed'", 'captured_amount = 1', 'captured_amount = NULL',
	'reversed_amount = 1', 'reversed_amount = 0', 'amount = amount + 1', "memo = 'x'", 'expires_at = now()',
	'credit_account_id = debit_account_id');
my @sql;
for my $n (1 .. 400) {
	my ($v, $u) = (pick($a, $b, $house), pick($a, $b, $house));
	my $amount = pick(1, -1, 0, 7, 100_000);
	push @sql, pick(
		'UPDATE transfer SET ' . join(', ', pick(@sets), map { $_ } grep { rand() < 0.4 } 'version_is_none')
		    . " WHERE id = '" . pick($t, $hold) . "'",
		'UPDATE transfer SET ' . pick(@sets) . " WHERE id = '" . pick($t, $hold) . "'",
		'UPDATE transfer SET ' . pick("status = 'captured', captured_amount = 3",
			"status = 'reversed', reversed_amount = amount") . " WHERE status = '" . pick(qw(held posted)) . "'",
		"INSERT INTO transfer (status, debit_account_id, credit_account_id, currency, amount, expires_at)
		    VALUES ('" . pick(qw(posted held captured)) . "', '$v', '$u', '" . pick(qw(USD EUR)) . "', $amount, "
		    . pick('NULL', 'now()') . ')',
		"INSERT INTO transfer (kind, reverses, debit_account_id, credit_account_id, currency, amount)
		    VALUES ('reversal', '" . pick($t, $hold) . "', '$v', '$u', 'USD', $amount)",
		"INSERT INTO entry (transfer_id, account_id, currency, amount) VALUES ('$t', '$v', 'USD', $amount)",
		"UPDATE account SET " . pick('balance = balance + 1', 'held = 0', 'version = 1', "currency = 'EUR'")
		    . " WHERE id = '$v'",
		'DELETE FROM ' . pick(qw(entry transfer account)), 'TRUNCATE entry, transfer CASCADE',
	);
}
($status, $out, $err) = $k->try_sql('wallet',
	join '', "SET ROLE wallet_owner;\n\\set ON_ERROR_STOP off\n", map { "$_;\n" } @sql);
my $refused = () = $err =~ /ERROR/g;
cmp_ok($refused, '>', 200, "the owner is refused $refused of 400");
cmp_ok($refused, '<', 400, 'but not all: what is right is done');
$w->check('whatever the owner writes, the books are right');
is($k->sql('wallet', "SELECT count(*) FROM account WHERE kind = 'user' AND NOT (balance >= held AND held >= 0)"),
	0, 'no user is below what is held');
done_testing;
