# Every rule of the ledger is attacked with SQL: as the service's own role, which a
# defective or compromised program has, and as the owner of the tables, whom triggers
# and constraints must stop.  Each attack must be refused with the expected SQLSTATE,
# and must change nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(wait_until);
use Kedge::Money qw(attempt refused books hold_lock later);
use Kedge::Wallet;

my $k = Kedge->up;
my $w = Kedge::Wallet->new($k);
my $base = '/api/wallet';
my $most = 9007199254740991;

my $alice = $w->user('alice', 10_000);
my $bob = $w->user('bob', 500);
my ($a, $b) = ($alice->{account}, $bob->{account});
my $euro = $alice->post("$base/accounts", { name => 'Euros', currency => 'EUR' })->{json}{id};
$w->fund($euro, 700);
my $house = $k->sql('wallet', "SELECT id FROM account WHERE name = 'external:USD'");
my $nowhere = '01890a5d-ac96-774b-bcce-b302099a8057';

sub done
{
	my ($r) = @_;
	die "$r->{status} $r->{body}" if $r->{status} !~ /^20[01]$/;
	return $r->{json}{id};
}
sub hold { return done($w->move($alice, $a, $b, 100, hold => JSON::PP::true)) }
sub on { return Kedge::Wallet::post($_[0], "/transfers/$_[1]/$_[2]", $_[3] // {}) }

# Creates one transfer in each status.
my %t = (posted => done($w->move($alice, $a, $b, 100)), map { $_ => hold() }
	    qw(held captured released expired));
done(on($bob, $t{captured}, 'capture', { amount => 60 }));
done(on($bob, $t{released}, 'release'));
$k->sql('wallet', "UPDATE transfer SET status = 'expired' WHERE id = '$t{expired}'");
$t{reversed} = done($w->move($alice, $a, $b, 100));
done(on($w->{operator}, $t{reversed}, 'reverse'));
my $reversal = $k->sql('wallet', "SELECT id FROM transfer WHERE reverses = '$t{reversed}'");
$w->check('to begin with');
my $before = books($k);

# Asserts that the attacks since the last call have not changed the ledger.
sub unmoved
{
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(books($k), $before, "$name: no balance or entry has changed");
	$w->check("$name: the books are right");
	return;
}

# Returns an INSERT of a transfer between alice and bob; %change replaces columns.
my @columns = qw(status kind debit_account_id credit_account_id currency amount expires_at
    captured_amount reversed_amount reverses metadata settled_at settled_by settled_reason);
my %plain = (status => 'posted', kind => 'transfer', debit_account_id => $a,
	credit_account_id => $b, currency => 'USD', amount => 10, reversed_amount => 0);

sub transfer_sql
{
	my (%change) = @_;
	my %row = (%plain, %change);
	return 'INSERT INTO transfer (' . join(', ', @columns) . ') VALUES ('
	    . join(', ', map { defined $row{$_} ? "'$row{$_}'" : 'NULL' } @columns) . ')';
}

# ---- what the application's role has ------------------------------------------------

# All rights of the application's role; a new one must be added here.
is($k->sql('wallet', <<~'SQL'), <<~'RIGHTS' =~ s/\n\z//r, 'the application role has exactly these rights');
	SELECT c.relname || coalesce('.' || a.attname, '') || ' ' ||
		string_agg(acl.privilege_type, ' ' ORDER BY acl.privilege_type)
	FROM pg_class c
		CROSS JOIN LATERAL (
			SELECT NULL::name AS attname, c.relacl AS rights
			UNION ALL SELECT attname, attacl FROM pg_attribute
			WHERE attrelid = c.oid AND attacl IS NOT NULL
		) a
		CROSS JOIN LATERAL aclexplode(a.rights) acl
	WHERE c.relnamespace = 'public'::regnamespace AND c.relname !~ '^(job|webhook)'
		AND acl.grantee IN (0, 'wallet'::regrole)
	GROUP BY c.relname, a.attname ORDER BY c.relname COLLATE "C", a.attname COLLATE "C" NULLS FIRST
	SQL
	account SELECT
	audit_event SELECT
	audit_event.acting_as INSERT
	audit_event.action INSERT
	audit_event.actor INSERT
	audit_event.actor_kind INSERT
	audit_event.address INSERT
	audit_event.after INSERT
	audit_event.before INSERT
	audit_event.object_id INSERT
	audit_event.object_kind INSERT
	audit_event.request_id INSERT
	audit_link SELECT
	currency SELECT
	entry SELECT
	ledger_checked SELECT
	statement SELECT
	transfer SELECT
	wallet SELECT
	RIGHTS

# The functions that the role may call.  It must not be able to call others, and nobody
# may make a function that runs as the owner a trigger of a table of another role.
my @doors = qw(add_currency add_currency batch batch capture capture check check_entries check_new check_rest
    check_transfers expire expire_holds external external forget_keys forget_keys freeze freeze note_check note_check
    open_account open_account_once open_first release release reverse reverse transfer transfers
    write_missing_statements write_statements);
is($k->sql('wallet', <<~'SQL'), join("\n", 'audit_chain', map {"ledger_$_"} @doors), 'the application role can call exactly these functions of the owner');
	SELECT proname FROM pg_proc
	WHERE pronamespace = 'public'::regnamespace AND prosecdef
		AND has_function_privilege('wallet', oid, 'EXECUTE')
	ORDER BY proname COLLATE "C"
	SQL
is($k->sql('wallet', <<~'SQL'), '', 'each function has a safe search_path');
	SELECT oid::regprocedure FROM pg_proc
	WHERE pronamespace = 'public'::regnamespace AND prosecdef
		AND NOT coalesce(proconfig, '{}') && '{"search_path=public, pg_temp",
			"search_path=pg_catalog, public, pg_temp"}'
	SQL
is($k->sql('wallet', <<~'SQL'), '', 'the application role can call only its functions of the ledger');
	SELECT oid::regprocedure FROM pg_proc
	WHERE pronamespace = 'public'::regnamespace AND NOT prosecdef
		AND proname ~ '^(ledger|transfer|account|entry)_' AND proname <> 'entry_seq_at'
		AND has_function_privilege('wallet', oid, 'EXECUTE')
	SQL

# ---- tables, as the application -----------------------------------------------------

my %column = (account => 'balance', account_freeze => 'reason', currency => 'exponent', entry => 'amount',
	external_reference => 'transfer_id', idempotency => 'transfer_id', ledger_checkpoint => 'balance',
	ledger_checkpoint_moved => 'moved_at',
	statement => 'closing', transfer => 'amount', wallet => 'created_at');
for my $table (sort keys %column) {
	my $c = $column{$table};
	refused($k, 'app', '42501', $_) for (
		"UPDATE $table SET $c = NULL",
		"DELETE FROM $table",
		"DELETE FROM $table WHERE false",
		"TRUNCATE $table CASCADE",
		"INSERT INTO $table ($c) VALUES (NULL)",
		"INSERT INTO $table TABLE $table",
		"COPY $table ($c) FROM STDIN;\n\\.",
		"SELECT FROM $table FOR UPDATE",
		"SELECT FROM $table FOR KEY SHARE",
		"BEGIN; LOCK TABLE $table IN EXCLUSIVE MODE",
		"MERGE INTO $table USING (SELECT) x ON true WHEN MATCHED THEN UPDATE SET $c = NULL",
		"MERGE INTO $table USING (SELECT) x ON true WHEN MATCHED THEN DELETE",
		"ALTER TABLE $table DISABLE TRIGGER ALL",
		"ALTER TABLE $table ALTER $c DROP NOT NULL",
		"ALTER TABLE $table OWNER TO wallet",
		"DROP TABLE $table CASCADE",
		"CREATE INDEX ON $table ($c)",
		"CREATE RULE r AS ON INSERT TO $table DO INSTEAD NOTHING",
		"CREATE TRIGGER x BEFORE INSERT ON $table FOR EACH ROW EXECUTE FUNCTION entry_refuse()",
		"CREATE POLICY p ON $table",
	);
}
refused($k, 'app', '42501', $_) for (
	'SELECT * FROM idempotency',
	'SELECT * FROM external_reference',
	"INSERT INTO idempotency (user_id, key, request_sha256) VALUES ('$alice->{id}', 'x', 'x')",
	"INSERT INTO entry (transfer_id, account_id, currency, amount)"
	    . " VALUES ('$t{posted}', '$a', 'USD', 1), ('$t{posted}', '$b', 'USD', -1)",
	transfer_sql(),
	'UPDATE account SET frozen = false',
	"UPDATE account SET name = 'x' WHERE id = '$a'",
	"INSERT INTO account (user_id, name, currency, balance)"
	    . " VALUES ('$alice->{id}', 'x', 'USD', 1)",
	"INSERT INTO account (kind, name, currency) VALUES ('system', 'external:EUR', 'EUR')",
	"INSERT INTO account (user_id, name, currency) VALUES ('$alice->{id}', 'x', 'USD')"
	    . ' ON CONFLICT (id) DO UPDATE SET balance = 1',
	"INSERT INTO currency (code, exponent) VALUES ('XYZ', 2)",
	'ALTER TABLE entry DISABLE TRIGGER entry_refuse',
	'DROP TRIGGER transfer_apply ON transfer',
	'ALTER TABLE account DROP CONSTRAINT account_sound',
	'ALTER DOMAIN minor_units DROP CONSTRAINT minor_units_check',
	'ALTER DOMAIN unsigned_units ADD CHECK (VALUE < 5) NOT VALID',
	'ALTER TYPE ledger_answer ADD ATTRIBUTE more text',
	'DROP DOMAIN unsigned_units CASCADE',
	'ALTER FUNCTION ledger_forget_keys(integer) SECURITY INVOKER',
	'ALTER FUNCTION ledger_check(integer) SET search_path = pg_temp',
	'DROP FUNCTION transfer_apply() CASCADE',
	"CREATE OR REPLACE FUNCTION uuidv7() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'",
	"COMMENT ON TABLE entry IS 'mine'",
);
unmoved('tables');

# ---- statements of the application's role -------------------------------------------

refused($k, 'app', '42501', $_) for (
	'SELECT transfer_apply()',
	'SELECT ledger_refuse_write()',
	'SELECT entry_post()',
	'SELECT entry_check_zero()',
	'SELECT account_moved()',
	'SELECT transfer_check_change(t, t) FROM transfer t',
	"SELECT transfer_reverse('$t{posted}', t) FROM transfer t WHERE id = '$t{posted}'",
	"SELECT transfer_emit('transfer.posted', t, NULL) FROM transfer t",
	"SELECT transfer_as_made('$t{posted}')",
	'SELECT transfer_event(t) FROM transfer t',
	"SELECT transfer_lock('$t{posted}')",
	"SELECT ledger_replay('$alice->{id}', 'x', 'x')",
	"SELECT ledger_take_keys('{}', '$alice->{id}', 'x', 'x', '{}')",
	"SELECT ledger_free_key('$alice->{id}', 'x')",
	'SELECT ledger_make_one(NULL)',
	"SELECT transfer_metadata('{}')",
	"SELECT ledger_check_move('$a', '$b', 1, 0)",
	"SELECT ledger_check_hold(t, 'x', true) FROM transfer t",
	"SELECT ledger_make(ledger_items('[]', 'x', true), false, '{}')",
	"SELECT ledger_make_each('{}', false, '{}')",
	"SELECT ledger_items('[]', 'x', true)",
	"SELECT ledger_items('x', true, 'x', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')",
	"SELECT ledger_codes('{}')",
	"SELECT ledger_id(1, 'x')",
	"SELECT ledger_made_again('$alice->{id}', 'x', 'x')",
	"SELECT account_external('EUR')",
	"SELECT account_owner('$a')",
	'SELECT account_emit(a, NULL) FROM account a',
	"SELECT account_emit('account.frozen', a, NULL) FROM account a",
	'SELECT account_event(a) FROM account a',
	"SELECT ledger_emit('transfer.posted', '{}', NULL)",
	'SELECT ledger_mismatches(1)',
	'SELECT ledger_held_mismatches()',
	'SELECT ledger_checkpoint_mismatches()',
);
unmoved('inner functions');

# ---- temporary objects with the names of the ledger's ---------------------------------

refused($k, 'app', '42501', $_) for (
	'CREATE TEMP TABLE account (id uuid)',
	'CREATE TEMP TABLE x AS SELECT 1',
	'SELECT 1 INTO TEMP x',
	'CREATE TEMP SEQUENCE x',
	'CREATE TEMP VIEW account AS SELECT 1',
	"CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
	'CREATE DOMAIN pg_temp.minor_units AS text',
	'CREATE SCHEMA mine',
	'CREATE SCHEMA wallet AUTHORIZATION wallet',
	'CREATE TABLE public.mine (i int)',
	'CREATE VIEW public.v AS SELECT 1',
	"CREATE FUNCTION public.transfer_emit(text, text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
	"CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
	"CREATE FUNCTION pg_catalog.now(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
	"CREATE PROCEDURE public.p() LANGUAGE sql AS 'SELECT 1'",
	'CREATE OPERATOR public.<= (leftarg = text, rightarg = text, function = texteq)',
	"CREATE TYPE public.mine AS ENUM ('x')",
	'CREATE EXTENSION hstore',
	'CREATE COLLATION public.c FROM "C"',
	'ALTER SCHEMA public OWNER TO wallet',
	'CREATE PUBLICATION p',
	'ALTER DEFAULT PRIVILEGES FOR ROLE wallet_owner GRANT ALL ON TABLES TO wallet',
);
# The caller may change these settings, but they do not affect the functions.
my ($state, $answer) = attempt($k, 'app', <<~SQL);
	SET search_path = pg_temp, pg_catalog;
	SET default_transaction_isolation = 'serializable';
	SET timezone = 'Asia/Kathmandu';
	SET datestyle = 'SQL, DMY';
	SET standard_conforming_strings = off;
	SELECT code FROM public.ledger_transfer('$alice->{id}', false, 'strange', 'x',
		'$a', '$b', 1000000, NULL, NULL, NULL);
	SELECT accounts > 0, mismatches FROM public.ledger_check(10);
	SQL
is("$state$answer", "INSUFFICIENT_FUNDS\nt|[]", 'settings of the session change no result');
($state, $answer) = attempt($k, 'app', "SELECT code FROM ledger_transfer('somebody', NULL, 'nobody', 'x',
	'$a', '$b', 1, NULL, NULL, NULL)");
is("$state$answer", 'ACCOUNT_NOT_FOUND', 'NULL as the operator flag means no operator');
unmoved('names');

# ---- statements that leave the role --------------------------------------------------------

refused($k, 'app', '42501', $_) for (
	'SET ROLE wallet_owner',
	'SET ROLE kedge',
	'SET ROLE core',
	'SET SESSION AUTHORIZATION wallet_owner',
	"SET session_replication_role = 'replica'",
	'SET allow_system_table_mods = on',
	'SET lo_compat_privileges = on',
	'ALTER ROLE wallet SUPERUSER',
	"ALTER ROLE wallet_owner PASSWORD 'x'",
	"ALTER ROLE wallet SET session_replication_role = 'replica'",
	'CREATE ROLE mallory',
	'DROP ROLE wallet_owner',
	'GRANT wallet_owner TO wallet',
	'GRANT pg_write_server_files TO wallet',
	'REASSIGN OWNED BY wallet_owner TO wallet',
	'DROP OWNED BY wallet_owner',
	'ALTER DATABASE wallet OWNER TO wallet',
	'CREATE DATABASE mine',
	"ALTER SYSTEM SET fsync = 'off'",
	"UPDATE pg_class SET relowner = 'wallet'::regrole",
	'UPDATE pg_proc SET prosecdef = true',
	'DELETE FROM pg_trigger',
	'INSERT INTO pg_auth_members TABLE pg_auth_members',
	'SELECT * FROM pg_authid',
	"COPY (SELECT 1) TO '/tmp/x'",
	"COPY (SELECT 1) TO PROGRAM 'true'",
	"SELECT pg_read_file('postgresql.conf')",
	"SELECT pg_ls_dir('.')",
	"SELECT lo_import('/etc/passwd')",
	'SELECT lo_create(0)',
	"SELECT lo_from_bytea(0, 'x')",
	'SELECT pg_reload_conf()',
	'SELECT pg_switch_wal()',
	"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'kedge'",
	"LOAD '/tmp/x.so'",
	"CREATE FUNCTION f() RETURNS int LANGUAGE c AS '/tmp/x.so'",
	'CREATE FOREIGN DATA WRAPPER w',
	'CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION entry_refuse()',
	"CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p",
);
for my $database (qw(auth core postgres template1)) {
	my ($status, undef, $err) = $k->sql_as_app('wallet', 'SELECT 1', $database);
	isnt($status, 0, "the role of wallet cannot connect to $database");
	like($err, qr/permission denied for database/, 'the error says that permission to connect is denied');
}
unmoved('roles');

# ---- calls of the ledger's functions with arguments that no client can send -------------

my $n = 0;

sub move_sql
{
	my ($from, $to, $amount, $hold) = @_;
	return sprintf "ledger_transfer('%s', true, 'door-%d', 'x', %s, %s, %s, NULL, NULL, %s)",
	    $alice->{id}, ++$n, $from, $to, $amount, $hold // 'NULL';
}

# rows: [the call, the code that it returns]
my @calls = (
	(map { [ move_sql("'$a'", "'$b'", $_), 'AMOUNT_OUT_OF_RANGE' ] } 0, -1, -$most, $most + 1,
		'9223372036854775807', "'-9223372036854775808'"),
	[ move_sql("'$a'", "'$b'", $most), 'AMOUNT_OUT_OF_RANGE' ],
	[ move_sql("'$a'", "'$b'", 10_000), 'INSUFFICIENT_FUNDS' ],
	[ move_sql("'$a'", "'$b'", 10_000, 60), 'INSUFFICIENT_FUNDS' ],
	[ move_sql("'$a'", "'$a'", 1), 'SAME_ACCOUNT' ],
	[ move_sql("'$a'", "'$euro'", 1), 'CURRENCY_MISMATCH' ],
	[ move_sql("'$a'", "'$nowhere'", 1), 'ACCOUNT_NOT_FOUND' ],
	[ move_sql("'$nowhere'", "'$a'", 1), 'ACCOUNT_NOT_FOUND' ],
	[ move_sql('NULL', "'$a'", 1), 'ACCOUNT_NOT_FOUND' ],
	[ move_sql("'$house'", "'$a'", $most), 'AMOUNT_OUT_OF_RANGE' ],
	(map { [ "ledger_capture('x', true, 'door-" . ++$n . "', 'x', '$_->[0]', $_->[1])", $_->[2] ] }
		[ $t{held}, 101, 'CAPTURE_TOO_LARGE' ],
		[ $t{held}, $most + 1, 'CAPTURE_TOO_LARGE' ],
		[ $t{held}, 0, 'AMOUNT_OUT_OF_RANGE' ],
		[ $t{held}, -100, 'AMOUNT_OUT_OF_RANGE' ],
		(map { [ $t{$_}, 1, 'HOLD_NOT_OPEN' ] } qw(posted captured released reversed)),
		[ $t{expired}, 1, 'HOLD_EXPIRED' ],
		[ $nowhere, 1, 'TRANSFER_NOT_FOUND' ]),
	(map { [ "ledger_release('x', true, '$t{$_}')", 'HOLD_NOT_OPEN' ] }
		    qw(posted captured reversed)),
	[ "ledger_release('x', true, '$t{expired}')", 'HOLD_EXPIRED' ],
	(map { [ "ledger_reverse('x', 'door-" . ++$n . "', 'x', '$_->[0]', $_->[1], NULL)", $_->[2] ] }
		[ $t{posted}, 101, 'REVERSAL_TOO_LARGE' ],
		[ $t{posted}, 0, 'AMOUNT_OUT_OF_RANGE' ],
		[ $t{posted}, -100, 'AMOUNT_OUT_OF_RANGE' ],
		[ $t{captured}, 61, 'REVERSAL_TOO_LARGE' ],
		[ $t{reversed}, 1, 'ALREADY_REVERSED' ],
		[ $reversal, 1, 'NOT_REVERSIBLE' ],
		(map { [ $t{$_}, 1, 'NOT_REVERSIBLE' ] } qw(held released expired)),
		[ $nowhere, 1, 'TRANSFER_NOT_FOUND' ]),
	(map { [ "ledger_external('x', '$_->[0]', '$_->[1]', $_->[2], 'p', 'door-" . ++$n . "', NULL)",
			$_->[3] ] }
		[ deposit => $a, 0, 'AMOUNT_OUT_OF_RANGE' ],
		[ deposit => $a, -1, 'AMOUNT_OUT_OF_RANGE' ],
		[ deposit => $a, $most, 'AMOUNT_OUT_OF_RANGE' ],
		[ withdrawal => $a, 10_000, 'INSUFFICIENT_FUNDS' ],
		[ withdrawal => $a, -1, 'AMOUNT_OUT_OF_RANGE' ],
		[ deposit => $house, 1, 'ACCOUNT_NOT_FOUND' ],
		[ withdrawal => $nowhere, 1, 'ACCOUNT_NOT_FOUND' ]),
);
for my $row (@calls) {
	my ($call, $code) = @$row;
	my $columns = $call =~ /^ledger_reverse/ ? '(answer).code' : 'code';
	my ($state, $answer) = attempt($k, 'app', "SELECT $columns FROM $call");
	is($state || $answer, $code, $call);
}
# Arguments that are NULL, or refer to rows that do not exist.
refused($k, 'app', '23502|23514|55000', "SELECT code FROM $_") for (
	move_sql("'$a'", "'$b'", 'NULL'),
	"ledger_transfer('x', true, NULL, 'x', '$a', '$b', 1, NULL, NULL, NULL)",
	"ledger_transfer('x', true, 'door', NULL, '$a', '$b', 1, NULL, NULL, NULL)",
	"ledger_transfer(NULL, true, 'door', 'x', '$a', '$b', 1, NULL, NULL, NULL)",
	"ledger_capture('x', true, NULL, 'x', '$t{held}', 1)",
	"ledger_external('x', 'gift', '$a', 1, 'p', 'door', NULL)",
	"ledger_external('x', 'reversal', '$a', 1, 'p', 'door', NULL)",
	"ledger_external('x', 'deposit', '$a', 1, NULL, 'door', NULL)",
	"ledger_external('x', 'deposit', '$a', 1, 'p', NULL, NULL)",
);

# Batches: an item sees the effects of the items before it, and each key occurs once.
# Tested with the current format, and with that of the previous release.
sub batch_sql
{
	my ($arrays, @items) = @_;
	my $items = join ', ', map {
		sprintf '{"d": "%s", "c": "%s", "a": %s%s}', @$_[ 0 .. 2 ], $_->[3] ? qq(, "h": $_->[3]) : ''
	} @items;
	my @columns = map { my $c = $_; join ',', map { $_->[$c] // 'NULL' } @items } 0 .. 3;
	return sprintf "SELECT item - 1, code FROM ledger_batch('%s', true, 'door-%d', 'x', true, %s)",
	    $alice->{id}, ++$n, $arrays
	    ? "'o', '{$columns[0]}', '{$columns[1]}', '{$columns[2]}', NULL, NULL, '{$columns[3]}', NULL, NULL"
	    : "'[$items]'";
}
# The available amount of a system account stays a number that JSON represents exactly.
my $outside = $k->sql('wallet', "SELECT balance - held FROM account WHERE id = '$house'");
for my $row (
	[ '1|INSUFFICIENT_FUNDS', [ $b, $a, 400 ], [ $b, $a, 400 ] ],
	[ '0|AMOUNT_OUT_OF_RANGE', [ $a, $b, -1 ] ],
	[ '0|AMOUNT_OUT_OF_RANGE', [ $a, $b, '9223372036854775807' ] ],
	[ '1|AMOUNT_OUT_OF_RANGE', [ $house, $a, $most - 20_000 ], [ $house, $a, 20_000 ] ],
	[ '1|INSUFFICIENT_FUNDS', [ $b, $a, 600, 60 ], [ $b, $a, 200 ] ],
	[ '1|AMOUNT_OUT_OF_RANGE', [ $house, $a, $most + $outside, 60 ], [ $house, $a, 1, 60 ] ],
	[ '1|CURRENCY_MISMATCH', [ $a, $b, 1 ], [ $a, $euro, 1 ] ],
	[ '2|SAME_ACCOUNT', [ $a, $b, 1 ], [ $b, $a, 1 ], [ $a, $a, 1 ] ],
	[ '23502', [ $a, $b, 'null' ] ],
) {
	my ($want, @items) = @$row;
	for my $arrays (0, 1) {
		my $sql = batch_sql($arrays, @items);
		my ($state, $answer) = attempt($k, 'app', $sql);
		is($state || $answer, $want, $sql);
	}
}
for my $columns ("'{$a}', NULL, '{1}'", "NULL, '{$b}', '{1}'", "'{$a,$a}', '{$b}', '{1,1}'") {
	my $sql = sprintf "SELECT code FROM ledger_batch('%s', true, 'door-%d', 'x', true, 'o', %s,"
	    . " NULL, NULL, NULL, NULL, NULL)", $alice->{id}, ++$n, $columns;
	my ($state, $answer) = attempt($k, 'app', $sql);
	is($state || $answer, 'ACCOUNT_NOT_FOUND', $sql);
}
unmoved('doors');

# The effects of a transaction that was not committed do not exist.
($state) = attempt($k, 'app', sprintf 'BEGIN; SELECT code FROM %s; SELECT code FROM %s; ROLLBACK',
	move_sql("'$a'", "'$b'", 5), move_sql("'$a'", "'$b'", 5, 60));
is($state, '', 'a transaction that calls the ledger can be rolled back');
($state) = attempt($k, 'app', 'SET statement_timeout = 50; SELECT code FROM'
	    . " generate_series(1, 100000) i, ledger_transfer('x', true, 'door-t' || i, 'x', '$house', '$b',"
	    . ' 1, NULL, NULL, NULL)');
is($state, '57014', 'the statement is interrupted');
unmoved('half done');

# One SQL statement calls the function repeatedly: each call sees the effects of the
# calls before it.
my $left = $w->account($b)->{balance};
($state, $answer) = attempt($k, 'app', <<~SQL);
	SELECT string_agg(coalesce(l.code, 'done'), ' ' ORDER BY i)
	FROM generate_series(1, 8) i, ledger_transfer('$bob->{id}', false, 'series-' || i, 'x',
		'$b', '$a', $left / 3, NULL, NULL, CASE WHEN i % 2 = 0 THEN 60 END) l;
	SQL
is($answer, join(' ', ('done') x 3, ('INSUFFICIENT_FUNDS') x 5), 'a query that calls the ledger for each row moves money while there are funds');

# Keys cannot be deleted: without its key, a repeated request would move money again.
my %body = (debitAccountId => $a, creditAccountId => $b, amount => 1000);
my $kept = Kedge::Wallet::post($alice, '/transfers', \%body, key => 'kept');
is($kept->{status}, 201, 'a transfer with a key succeeds');
attempt($k, 'app', "SELECT ledger_forget_keys($_)") for 0, -1, -1_000_000, 'NULL';
is(Kedge::Wallet::post($alice, '/transfers', \%body, key => 'kept')->{body}, $kept->{body},
	'a key that is less than 30 days old cannot be deleted');
$w->check;
$before = books($k);

# ---- the owner: entries ---------------------------------------------------------------------

sub entry_sql
{
	my ($transfer, @entries) = @_;
	return 'INSERT INTO entry (transfer_id, account_id, currency, amount) VALUES ' . join ', ', map {
		my ($account, $amount, $currency, $other) = @$_;
		sprintf "('%s', '%s', '%s', %s)", $other // $transfer, $account, $currency // 'USD', $amount
	} @entries;
}
refused($k, 'owner', '42501', $_) for (
	'UPDATE entry SET amount = 1',
	'UPDATE entry SET created_at = now() WHERE false',
	'DELETE FROM entry',
	'DELETE FROM entry WHERE false',
	'TRUNCATE entry',
	'TRUNCATE transfer CASCADE',
	'TRUNCATE account CASCADE',
	'TRUNCATE wallet CASCADE',
	'TRUNCATE currency CASCADE',
	'MERGE INTO entry e USING (SELECT) x ON true WHEN MATCHED THEN DELETE',
	'MERGE INTO entry e USING (SELECT) x ON true WHEN MATCHED THEN UPDATE SET amount = 1',
	entry_sql($t{posted}, [ $a, 1 ]) . ' ON CONFLICT (account_id, seq) DO UPDATE SET amount = 2',
	'WITH gone AS (DELETE FROM entry RETURNING *) SELECT * FROM gone',
	"SET session_replication_role = 'replica'",
);
for my $row (
	[ '23514', 'one side', $t{posted}, [ $a, 5 ] ],
	[ '23514', 'the other', $t{posted}, [ $a, -5 ] ],
	[ '23514', 'not the same', $t{posted}, [ $a, 5 ], [ $b, -4 ] ],
	[ '23514', 'each in a currency of its own', $t{posted}, [ $a, 5 ], [ $euro, -5, 'EUR' ] ],
	[ '23514', 'made up for by another transfer', $t{posted}, [ $a, 5 ], [ $b, -5, 'USD', $t{captured} ] ],
	[ '23503', 'of no transfer', $nowhere, [ $a, 5 ], [ $b, -5 ] ],
	[ '23503', 'of no account', $t{posted}, [ $nowhere, 5 ], [ $b, -5 ] ],
	[ '23503', 'in another currency', $t{posted}, [ $a, 5, 'EUR' ], [ $b, -5, 'EUR' ] ],
	[ '23503', 'of nothing', $t{posted}, [ $a, 0 ] ],
	[ '23514', 'more than there is', $t{posted}, [ $b, -100_000 ], [ $house, 100_000 ] ],
	[ '23514', 'more than a balance can be', $t{posted}, [ $a, $most ], [ $house, -$most ] ],
	[ '23514', 'less than one can be', $t{posted}, [ $house, -$most ], [ $b, $most ] ],
	[ '23514', 'more than an amount can be', $t{posted}, [ $a, $most + 1 ] ],
	[ '22003', 'more than any number', $t{posted}, [ $a, '9223372036854775808' ] ],
) {
	my ($state, $name, $transfer, @entries) = @$row;
	refused($k, 'owner', $state, entry_sql($transfer, @entries), "entries with $name are refused");
}
my ($free) = $k->sql('wallet', "SELECT balance - held FROM account WHERE id = '$b'");
refused($k, 'owner', '23514', entry_sql($t{posted}, [ $b, -$free - 1 ], [ $house, $free + 1 ]),
	'entries that use held money are refused');
my ($one, $two) = (entry_sql($t{posted}, [ $a, 5 ]), entry_sql($t{posted}, [ $b, -5 ]));
refused($k, 'owner', '23514', "BEGIN; SET CONSTRAINTS ALL DEFERRED; SAVEPOINT s; $one; RELEASE s; COMMIT",
	'entries in a savepoint are refused');
refused($k, 'owner', '23514', "BEGIN; $one; SET CONSTRAINTS ALL IMMEDIATE; $two", 'entries that do not add up are refused when checked at once');
refused($k, 'owner', '23514|55000', "BEGIN; $one; PREPARE TRANSACTION 'x'", 'entries in a prepared transaction are refused');
unmoved('entries, by the owner');

# ---- the owner: accounts ----------------------------------------------------------------------

for my $column (qw(balance held version)) {
	refused($k, 'owner', '42501', $_) for (
		"UPDATE account SET $column = $column",
		"UPDATE account SET $column = 1 WHERE false",
		"UPDATE account SET (name, $column) = ('x', 5)",
		"INSERT INTO account (id, user_id, name, currency) VALUES ('$a', '$alice->{id}', 'x',"
		    . " 'USD') ON CONFLICT (id) DO UPDATE SET $column = 5",
		"MERGE INTO account a USING (SELECT) x ON a.id = '$a'"
		    . " WHEN MATCHED THEN UPDATE SET $column = 5",
		"WITH x AS (UPDATE account SET $column = 5 RETURNING *) SELECT * FROM x",
		"DO \$\$ BEGIN UPDATE account SET $column = 5; END \$\$",
	);
}
refused($k, 'owner', '42501', "UPDATE account SET $_ WHERE id = '$a'")
    for "id = '$nowhere'", "kind = 'system'", 'least = -1000000', "user_id = '$bob->{id}'", "currency = 'EUR'",
    'created_at = now()';
refused($k, 'owner', '42501', $_) for (
	'DELETE FROM account',
	"DELETE FROM account WHERE id = '$euro'",
	'MERGE INTO account a USING (SELECT) x ON true WHEN MATCHED THEN DELETE',
	"INSERT INTO account (user_id, name, currency, balance) VALUES ('$alice->{id}', 'x', 'USD', 1)",
	"INSERT INTO account (user_id, name, currency, balance, held)"
	    . " VALUES ('$alice->{id}', 'x', 'USD', 1, 1)",
	"INSERT INTO account (kind, name, currency, balance) VALUES ('system', 'x', 'USD', -1)",
	"COPY account (user_id, name, currency, balance) FROM STDIN;\n$alice->{id}\tx\tUSD\t5\n\\.",
	'UPDATE currency SET exponent = 3',
	"UPDATE currency SET created_by = 'x'",
	"UPDATE currency SET code = 'USX' WHERE code = 'USD'",
	'DELETE FROM currency',
	"INSERT INTO currency VALUES ('USD', 3) ON CONFLICT (code) DO UPDATE SET exponent = 3",
);
refused($k, 'owner', '23514', "INSERT INTO account (kind, user_id, name, currency) VALUES ($_)") for (
	"'user', NULL, 'x', 'USD'",
	"'system', '$alice->{id}', 'x', 'USD'",
	"'other', '$alice->{id}', 'x', 'USD'",
	"'user', '$alice->{id}', '', 'USD'",
	"'user', '$alice->{id}', repeat('x', 101), 'USD'",
);
refused($k, 'owner', '23514', "INSERT INTO currency VALUES ($_)")
    for "'usd', 2", "'X', 2", "'XY Z', 2", "'XYZ', -1", "'XYZ', 19", "'XYZ', 10";
refused($k, 'owner', '23502', "INSERT INTO account (kind, name, currency) VALUES (NULL, 'x', 'USD')");
refused($k, 'owner', '23505',
	"INSERT INTO account (kind, name, currency) VALUES ('system', 'external:USD', 'USD')");
refused($k, 'owner', '23503', $_) for (
	"INSERT INTO account (user_id, name, currency) VALUES ('$alice->{id}', 'x', 'ZZZ')",
	"INSERT INTO account (user_id, name, currency) VALUES ('nobody', 'x', 'USD')",
	"INSERT INTO account (kind, name, currency) VALUES ('system', 'x', 'ZZZ')",
	"DELETE FROM wallet WHERE user_id = '$alice->{id}'",
	"UPDATE wallet SET user_id = 'x' WHERE user_id = '$alice->{id}'",
);
# The role can insert neither accounts nor wallets directly, not even valid ones: only
# functions enforce the limit and emit the events.
refused($k, 'app', '42501', $_) for (
	"INSERT INTO account (user_id, name, currency) VALUES ('$alice->{id}', 'x', 'USD')",
	"INSERT INTO wallet (user_id) VALUES ('nobody')",
);
refused($k, 'owner', '42501', $_) for (
	'DELETE FROM account_freeze', 'UPDATE account_freeze SET reason = NULL', 'TRUNCATE account_freeze',
);
unmoved('accounts, by the owner');

# ---- the owner: transfers -----------------------------------------------------------------------

my $soon = '2999-01-01';
my %back = (kind => 'reversal', debit_account_id => $b, credit_account_id => $a, amount => 1);
for my $row (
	(map { [ '23514', status => $_ ] } qw(captured released expired reversed strange held)),
	[ '23514', expires_at => $soon ],
	[ '23514', captured_amount => 10 ],
	[ '23514', status => 'held', expires_at => $soon, captured_amount => 10 ],
	[ '23514', reversed_amount => 1 ],
	[ '23514', reversed_amount => -1 ],
	(map { [ '23514', $_ => $_ eq 'settled_at' ? 'now' : 'x' ] } qw(settled_at settled_by settled_reason)),
	(map { [ '22P05|22P02|22003', metadata => $_ ] } '{"a":"\\u0000"}', '{"\\u0000":1}',
		'{"a":["\\ud800"]}', '{"a":"\\ude00\\ud83d"}', '{"a":1e999999}'),
	[ '23514', kind => 'gift' ],
	[ '23514', kind => 'reversal' ],
	[ '23514', reverses => $t{posted} ],
	(map { [ '23514', amount => $_ ] } 0, -1, $most + 1),
	[ '23502', amount => undef ],
	[ '23502', debit_account_id => undef ],
	[ '23502', currency => undef ],
	[ '23514', credit_account_id => $a ],
	[ '23503', credit_account_id => $nowhere ],
	[ '23503', debit_account_id => $nowhere ],
	[ '23503', status => 'held', expires_at => $soon, credit_account_id => $nowhere ],
	[ '23503', currency => 'EUR' ],
	[ '23503', credit_account_id => $euro ],
	[ '23503', credit_account_id => $euro, currency => 'EUR' ],
	[ '23514', amount => 10_000 ],
	[ '23514', amount => 10_000, status => 'held', expires_at => $soon ],
	[ '23514', debit_account_id => $b, credit_account_id => $a, amount => $free + 1 ],
	[ '23514', debit_account_id => $house, amount => $most ],
	# Reversals: only of a posted or captured transfer, in the opposite direction,
	# and of no more than its amount.
	(map { [ '23514', %back, reverses => $_ ] } @t{qw(held released expired reversed)}),
	[ '23514', %back, reverses => $t{captured}, amount => 61 ],
	[ '23514', %back, reverses => $t{posted}, amount => 101 ],
	[ '23503', %back, reverses => $nowhere ],
	[ '23503', %back, reverses => $reversal, debit_account_id => $a, credit_account_id => $b ],
	[ '23503', %back, reverses => $t{posted}, debit_account_id => $a, credit_account_id => $b ],
	[ '23503', %back, reverses => $t{posted}, credit_account_id => $house ],
) {
	my ($state, %change) = @$row;
	refused($k, 'owner', $state, transfer_sql(%change),
		'no transfer with ' . join ', ', map { "$_ " . ($change{$_} // 'NULL') } sort keys %change);
}
refused($k, 'owner', '23514', "BEGIN; UPDATE account SET frozen = true WHERE id = '$_'; " . transfer_sql(),
	'a transfer from or to a frozen account is refused') for $a, $b;
refused($k, 'owner', '42501', $_) for (
	'DELETE FROM transfer',
	"DELETE FROM transfer WHERE id = '$t{held}'",
	'MERGE INTO transfer t USING (SELECT) x ON true WHEN MATCHED THEN DELETE',
	'TRUNCATE transfer, entry, account, account_freeze, statement, external_reference',
);

# Tries to change each status to each other one, with each amount that could be captured
# or reversed: only the few allowed changes succeed.
my $ways = join ', ', map {"('$_', '$t{$_}'::uuid)"} sort keys %t;
($state, $answer) = attempt($k, 'owner', <<~SQL);
	CREATE TEMP TABLE possible (way text);
	DO \$\$
	DECLARE
		r record;
		v_count integer := 0;
	BEGIN
		FOR r IN
			SELECT f.status AS f, f.id, s.status AS s, c.amount AS c, v.amount AS v
			FROM (VALUES $ways) AS f (status, id),
				unnest('{posted,held,captured,released,expired,reversed}'::text[]) AS s (status),
				unnest('{NULL,1,60,100,101}'::bigint[]) AS c (amount),
				unnest('{0,1,60,100,101}'::bigint[]) AS v (amount)
		LOOP
			v_count := v_count + 1;
			BEGIN
				UPDATE transfer SET status = r.s, captured_amount = r.c, reversed_amount = r.v
				WHERE id = r.id;
				RAISE SQLSTATE 'KX001';
			EXCEPTION
				WHEN check_violation THEN NULL;
				WHEN SQLSTATE 'KX001' THEN
					INSERT INTO possible VALUES (format('%s-%s %s %s', r.f, r.s, r.c, r.v));
			END;
		END LOOP;
		INSERT INTO possible VALUES ('of ' || v_count);
	END \$\$;
	SELECT way FROM possible ORDER BY way COLLATE "C";
	SQL
is($answer, join("\n", (map {"held-captured $_ 0"} 1, 100, 60), 'held-expired  0', 'held-released  0',
		'of ' . 6 * 6 * 5 * 5), 'each sequence of operations has the expected result');
is($state, '', 'the query for all ways of a transfer succeeds');

# No statement, whatever it does to the status, can change the other columns of a
# transfer.
my %other = (id => "'$nowhere'", debit_account_id => "'$house'", credit_account_id => "'$house'",
	currency => "'EUR'", amount => '99', memo => "'x'", created_at => 'now()', kind => "'deposit'",
	user_id => "'x'", metadata => "'{}'", expires_at => "'$soon'", reverses => "'$t{posted}'",
	provider => "'x'", reference => "'x'", reason => "'x'");
my @settled = qw(settled_at settled_by settled_reason);
for my $column (split /\n/, $k->sql('wallet', "SELECT attname FROM pg_attribute WHERE attrelid ="
		. " 'transfer'::regclass AND attnum > 0 AND NOT attisdropped"
		. " AND attname NOT IN ('status', 'captured_amount', 'reversed_amount') AND attname !~ '^settled_'"))
{
	ok($other{$column}, "this test has a row for the column $column") or next;
	refused($k, 'owner', '23514',
		"UPDATE transfer SET status = 'released', $column = $other{$column} WHERE id = '$t{held}'");
	refused($k, 'owner', '23514', "UPDATE transfer SET $column = $other{$column} WHERE id = '$_'")
	    for @t{qw(held posted captured)};
}
# The user who settled a hold is stored when the hold is settled, and never changed.
for my $id (@t{qw(held posted captured released)}) {
	refused($k, 'owner', '23514', "UPDATE transfer SET $_ = " . ($_ eq 'settled_at' ? 'now()' : "'x'")
		    . " WHERE id = '$id'") for @settled;
}
refused($k, 'owner', '23514', "INSERT INTO statement (account_id, month, currency, opening, closing,"
	    . " credits, debits, entries, last_seq) VALUES ('$a', $_, 0)")
    for "'2020-01-01', 'USD', 5, 6, 0, 0, 0", "'2020-01-02', 'USD', 5, 5, 0, 0, 0",
    "'2020-01-01', 'USD', 5, 4, -1, 0, 0";
refused($k, 'owner', '23503', "INSERT INTO statement (account_id, month, currency, opening, closing,"
	    . " credits, debits, entries, last_seq) VALUES ('$nowhere', '2020-01-01', 'USD', 5, 5, 0, 0, 0, 0)");
unmoved('transfers, by the owner');

# ---- the same statements with valid arguments succeed ---------------------------------------------

for my $row (
	[ 'a transfer' ],
	[ 'a hold', status => 'held', expires_at => $soon ],
	[ 'a reversal', %back, reverses => $t{captured}, amount => 5 ],
) {
	my ($name, %change) = @$row;
	my ($state, $answer) = attempt($k, 'owner', transfer_sql(%change));
	is($state, '', "the owner role can insert $name") or diag($answer);
}
is(done(on($bob, $t{held}, 'capture', { amount => 40 })), $t{held}, 'a hold is captured');
$w->check('all of it in the books');

# ---- the ledger check finds rows that the owner has falsified ----------------------------------------

# Runs all slices of a full check, with this many rows in each slice; returns the
# mismatch, or ''.
$k->sql('wallet', <<~'SQL');
	CREATE FUNCTION test_slices(p_rows integer) RETURNS text LANGUAGE plpgsql
	SET search_path = pg_catalog, public, pg_temp AS $$
	DECLARE
		e record;
		t record;
		v_account uuid := '00000000-0000-0000-0000-000000000000';
		v_seq bigint := 1;
		v_running bigint := 0;
		v_id uuid := v_account;
		v_sides bigint[] := '{0,0,0,0,0,0}';
		v_said text := (SELECT mismatches::text FROM ledger_check_rest());
	BEGIN
		LOOP
			SELECT * INTO e FROM ledger_check_entries(v_account, v_seq, v_running, 'infinity', p_rows);
			v_said := v_said || e.mismatches;
			v_sides := ARRAY[v_sides[1] + e.debits, v_sides[2] # e.debit_hash, v_sides[3] + e.credits,
				v_sides[4] # e.credit_hash, 0, 0];
			EXIT WHEN e.next_account IS NULL;
			v_account := e.next_account;
			v_seq := e.next_seq;
			v_running := e.next_running;
		END LOOP;
		LOOP
			SELECT * INTO t FROM ledger_check_transfers(v_id, 'infinity', p_rows);
			v_said := v_said || t.mismatches;
			v_sides[5] := v_sides[5] + t.moved;
			v_sides[6] := v_sides[6] # t.moved_hash;
			EXIT WHEN t.next_id IS NULL;
			v_id := t.next_id;
		END LOOP;
		IF v_sides[1] <> v_sides[5] OR v_sides[3] <> v_sides[5] OR v_sides[2] <> v_sides[6]
			OR v_sides[4] <> v_sides[6] THEN
			v_said := v_said || 'unpaired';
		END IF;
		RETURN replace(v_said, '[]', '');
	END
	$$
	SQL
is($k->sql('wallet', "SELECT string_agg(test_slices(n), '' ORDER BY n) FROM unnest('{1,2,3,5,7,100,100000}'::int[]) n"), '',
	'slices of any size find no mismatch');

# Only without triggers can the ledger become inconsistent at all: then each check
# reports it.  Later, when checkpoints have moved past these rows, the check of new
# entries finds fewer mismatches.
my @attacks;

sub broken
{
	my ($sql, $ask) = @_;
	return attempt($k, 'superuser', "BEGIN; SET LOCAL session_replication_role = replica; $sql; $ask; ROLLBACK");
}

sub seen
{
	my ($kind, $name, $sql) = @_;
	push @attacks, [ $name, $sql ];
	my ($state, $answer) = broken($sql, 'SELECT DISTINCT kind FROM ledger_mismatches(100)');
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	like($state . $answer, qr/^$kind$/m, "the check finds $name");
	($state, $answer) = broken($sql, 'SELECT mismatches FROM ledger_check_new(100, false)');
	like($state . $answer, qr/"kind"/, "the check of new entries finds $name");
	($state, $answer) = broken($sql, 'SELECT test_slices(3)');
	like($state . $answer, qr/"kind"|unpaired/, "the check in slices finds $name");
	return;
}
my $entries = 'INSERT INTO entry (transfer_id, account_id, seq, currency, amount, balance_after)';
seen(balance => 'a balance that moved alone', "UPDATE account SET balance = balance + 1 WHERE id = '$a'");
seen(balance => 'money from one to the other', "UPDATE account SET balance = balance +"
	    . " CASE id WHEN '$a' THEN 1 ELSE -1 END WHERE id IN ('$a', '$b')");
seen(currency => 'an entry that is gone', "DELETE FROM entry WHERE account_id = '$a' AND seq = 2");
seen(transfer => 'both entries gone', "DELETE FROM entry WHERE transfer_id = '$t{posted}'");
seen(transfer => 'entries twice', "$entries SELECT transfer_id, account_id, seq + 1000, currency, amount, 0"
	    . " FROM entry WHERE transfer_id = '$t{posted}'");
seen(transfer => 'entries of another transfer',
	"UPDATE entry SET transfer_id = '$t{captured}' WHERE transfer_id = '$t{posted}'");
seen(transfer => 'entries of no transfer',
	"UPDATE entry SET transfer_id = '$nowhere' WHERE transfer_id = '$t{posted}'");
seen(transfer => 'entries of other accounts', "UPDATE entry SET account_id = '$house', seq = 5000"
	    . " WHERE transfer_id = '$t{posted}' AND account_id = '$b'");
seen(transfer => 'entries the other way round',
	"UPDATE entry SET amount = -amount WHERE transfer_id = '$t{posted}'");
seen(transfer => 'another amount', "UPDATE transfer SET amount = amount + 1 WHERE id = '$t{posted}'");
seen(transfer => 'another amount captured',
	"UPDATE transfer SET captured_amount = 61 WHERE id = '$t{captured}'");
seen(transfer => 'a transfer that is gone', "DELETE FROM transfer WHERE id = '$t{posted}'");
seen(transfer => 'one that moved nothing', transfer_sql());
seen(transfer => 'a capture that moved nothing', "UPDATE transfer SET status = 'captured',"
	    . " captured_amount = 100 WHERE id = '$t{released}'");
seen(running => 'what a balance was', 'UPDATE entry SET balance_after = balance_after + 1'
	    . " WHERE transfer_id = '$t{posted}'");
seen(held => 'a hold that holds nothing', "UPDATE account SET held = held + 1 WHERE id = '$a'");
seen(held => 'a hold that is gone', "UPDATE transfer SET status = 'released' WHERE status = 'held'");
seen(reversal => 'a reversal that is not noted',
	"UPDATE transfer SET reversed_amount = 0 WHERE id = '$t{captured}'");
seen(reversal => 'a reversal of another',
	"UPDATE transfer SET reverses = '$t{posted}' WHERE reverses = '$t{captured}'");
seen(transfer => 'another currency', "UPDATE transfer SET currency = 'EUR' WHERE id = '$t{posted}'");
seen(reversal => 'reversed, without one',
	"UPDATE transfer SET status = 'reversed' WHERE id = '$t{posted}'");
$w->check('and after all that');

# ---- checkpoints --------------------------------------------------------------------------------------

sub check_new { return $k->sql('wallet', "SELECT entries, since IS NOT NULL, mismatches FROM ledger_check_new(100, $_[0])") }
my $entries_now = $k->sql('wallet', 'SELECT count(*) FROM entry');
is(check_new('false'), "$entries_now|f|[]", 'at first all entries are new');
is($k->sql('wallet', 'SELECT count(*) FROM ledger_checkpoint'), 0, 'a check that does not move checkpoints stores none');
is(join('', broken($attacks[0][1], 'SELECT FROM ledger_check_new(100, true); SELECT count(*) FROM ledger_checkpoint')),
	'0', 'a check that finds a mismatch moves no checkpoint');
# Of two concurrent checks only one moves the checkpoints, because the two saw different
# states.
my $release = hold_lock($k, 'SELECT FROM ledger_checkpoint_moved FOR UPDATE');
my $late = later(sub { check_new('true') });
ok(wait_until(sub { $k->sql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
    AND query LIKE '%ledger_check_new%'") > 0 }, 30), 'one check waits for the other');
$release->("UPDATE ledger_checkpoint_moved SET moved_at = now(); COMMIT; BEGIN");
is($late->(), "$entries_now|f|[]", 'the check that waited finds no mismatch');
is($k->sql('wallet', 'SELECT count(*) FROM ledger_checkpoint'), 0, 'the check that waited stores no checkpoint');
$k->sql('wallet', "UPDATE ledger_checkpoint_moved SET moved_at = '-infinity'");
is(check_new('true'), "$entries_now|f|[]", 'a check that finds no mismatch stores checkpoints');
is(check_new('true'), '0|t|[]', 'after a check no entry is new');
is($k->sql('wallet', 'SELECT bool_and(c.seq = a.version AND c.balance = a.balance AND c.before_seq = 1)
    FROM ledger_checkpoint c JOIN account a ON a.id = c.account_id'), 't', 'the checkpoints move once in two hours');
done($w->move($alice, $a, $b, 1));
is(check_new('true'), '2|t|[]', 'new entries are checked next time');
# Makes the data look as if everything had happened hours ago, and the checkpoints had
# moved twice since.
$k->sql('wallet', "UPDATE ledger_checkpoint_moved SET moved_at = moved_at - interval '3 hours'");
is(check_new('true'), '2|t|[]', 'entries of the last two hours are checked again');
$k->sql('wallet', "UPDATE ledger_checkpoint SET before_seq = seq;
    UPDATE ledger_checkpoint_moved SET moved_at = now() + interval '3 hours'");
is($k->sql('wallet', 'SELECT bool_and(c.seq = a.version AND c.balance = a.balance AND c.before_seq = c.seq)
    FROM ledger_checkpoint c JOIN account a ON a.id = c.account_id'), 't', 'the checkpoints are at the last entry of each account');
is(check_new('false'), '0|t|[]', 'no entry is new after the checkpoints');
my @unseen = map { $_->[0] } grep {
	my ($state, $answer) = broken($_->[1], 'SELECT mismatches FROM ledger_check_new(100, false)');
	$state ne '' || $answer eq '[]';
} @attacks;
is_deeply(\@unseen, [
	'an entry that is gone', 'both entries gone', 'entries of another transfer', 'entries of no transfer',
	'entries the other way round', 'another amount', 'another amount captured', 'a transfer that is gone',
	'one that moved nothing', 'a capture that moved nothing', 'what a balance was', 'a reversal that is not noted',
	'a reversal of another', 'another currency', 'reversed, without one',
], 'a check of new entries does not find damage behind the checkpoints');
my ($full_state, $full) = broken(join('; ', map { $_->[1] } grep { $_->[0] eq 'another amount' } @attacks),
	'SELECT test_slices(4)');
like($full_state . $full, qr/"kind"/, 'a full check ignores the checkpoints');
# The checkpoints themselves are changed.
for my $row (
	[ 'another balance', "UPDATE ledger_checkpoint SET balance = balance + 1 WHERE account_id = '$a'" ],
	[ 'a balance and its checkpoint', "UPDATE account SET balance = balance + 1 WHERE id = '$a';"
		    . " UPDATE ledger_checkpoint SET balance = balance + 1 WHERE account_id = '$a'" ],
	[ 'these and the entry', "UPDATE account SET balance = balance + 1 WHERE id = '$a';"
		    . " UPDATE ledger_checkpoint SET balance = balance + 1 WHERE account_id = '$a'; UPDATE entry SET"
		    . " balance_after = balance_after + 1 WHERE (account_id, seq) = (SELECT account_id, seq"
		    . " FROM ledger_checkpoint WHERE account_id = '$a')" ],
	[ 'these and the amount', "UPDATE account SET balance = balance + 1 WHERE id = '$a';"
		    . " UPDATE ledger_checkpoint SET balance = balance + 1 WHERE account_id = '$a'; UPDATE entry SET"
		    . " balance_after = balance_after + 1, amount = amount + 1 WHERE (account_id, seq) = (SELECT"
		    . " account_id, seq FROM ledger_checkpoint WHERE account_id = '$a')" ],
	[ 'one ahead', "UPDATE ledger_checkpoint SET seq = seq + 1 WHERE account_id = '$a'" ],
	[ 'one of an earlier entry', "UPDATE ledger_checkpoint SET seq = seq - 1, before_seq = 1 WHERE account_id = '$a'" ],
	[ 'one of no account', "INSERT INTO ledger_checkpoint VALUES ('$nowhere', 2, 0, 1)" ],
) {
	my ($state, $answer) = broken($row->[1], 'SELECT mismatches FROM ledger_check_new(100, false)');
	like($state . $answer, qr/"kind":"(?:checkpoint|balance|running)"/, "a full check finds a false checkpoint: $row->[0]");
}
# If a checkpoint is missing, the check takes longer, and nothing else changes.
is((broken("DELETE FROM ledger_checkpoint WHERE account_id = '$b'",
	'SELECT entries > 0, mismatches FROM ledger_check_new(100, false)'))[1] =~ /^t\|/ ? 'read again' : '', 'read again',
	'a full check finds a missing checkpoint');

# ---- random statements --------------------------------------------------------------

# Random calls as a defective program might make them: the result is a code or an error,
# and the ledger stays consistent.
my $seed = $ENV{KEDGE_SEED} // time;
note("KEDGE_SEED=$seed");
srand $seed;
sub pick { return $_[ rand @_ ] }
my @ids = map { defined ? "'$_'" : 'NULL' } undef, $a, $b, $euro, $house, $nowhere, values %t;
my @amounts = ('NULL', 0, 1, 1, 7, 50, -1, $most, $most + 1, '9223372036854775807', "'-9223372036854775808'");
my %codes;
for (1 .. 400) {
	my ($user, $operator) = (pick('NULL', "''", map {"'$_->{id}'"} $alice, $bob), pick(qw(NULL true false)));
	my ($key, $digest) = (pick('NULL', "''", "'same'", ("'door-" . ++$n . "'") x 5), pick('NULL', "'x'", "'y'"));
	my ($id, $other, $amount) = (pick(@ids), pick(@ids), pick(@amounts));
	my $call = pick(
		"ledger_transfer($user, $operator, $key, $digest, $id, $other, $amount, NULL, NULL, "
		    . pick('NULL', 0, -5, 60) . ')',
		"ledger_capture($user, $operator, $key, $digest, $id, $amount)",
		"ledger_release($user, $operator, $id)",
		"ledger_reverse($user, $key, $digest, $id, $amount, NULL)",
		"ledger_external($user, " . pick(qw('deposit' 'withdrawal' 'transfer' NULL))
		    . ", $id, $amount, 'p', $key, NULL)",
		"ledger_batch($user, $operator, $key, $digest, " . pick(qw(true false NULL)) . ', '
		    . pick('NULL', "'[]'", "'{}'", "'[null]'",
			("'[" . join(',', map { sprintf '{"d": %s, "c": %s, "a": %s}',
				(map { pick(@ids) =~ s/'/"/gr =~ s/NULL/null/r } 1, 2), pick(qw(1 5 -1 null 5000)) } 1 .. 3)
			    . "]'") x 4) . ')',
		"ledger_batch($user, $operator, $key, $digest, " . pick(qw(true false NULL)) . ", 'o', "
		    . join(', ', (map { pick('NULL', "'{}'", ("ARRAY[$id, $other, " . pick(@ids) . ']::uuid[]') x 6) } 1, 2),
			pick('NULL', ("'{1,5," . pick(qw(1 -1 NULL 5000)) . "}'") x 6), pick('NULL', "'{memo}'"),
			pick('NULL', qq('{"{\\"x\\": 1}",NULL}')), pick('NULL', "'{NULL,60,-5}'"),
			pick('NULL', "'{NULL,same,door-" . ++$n . "}'"), pick('NULL', "'{x,x,x}'")) . ')',
		"ledger_transfers(" . pick('NULL', "'[]'", "'{}'", "'[null]'",
			("'[" . join(',', map {
				sprintf '{"u": %s, "o": %s, "k": %s, "s": "00", "d": %s, "c": %s, "a": %s}',
				(map { pick($_, 'null') } "\"$alice->{id}\"", pick(qw(true false)), '"door-' . ++$n . '"'),
				(map { pick(@ids) =~ s/'/"/gr =~ s/NULL/null/r } 1, 2), pick(qw(1 5 -1 null 5000)) } 1 .. 3)
			    . "]'") x 4) . ')',
		'ledger_expire(' . pick('NULL', -1, 0, 5) . ')',
	);
	my ($state, $answer) = attempt($k, 'app', "SELECT * FROM $call AS answer");
	$codes{ $state || 'answered' }++;
	# Errors that are allowed: for values out of range, NULL, missing rows and
	# invalid JSON.  An error that means a defect in a function is not allowed.
	like($state, qr/^(?:|22\w{3}|23\w{3}|55000|40001)\z/, $call) or diag($answer)
	    if $state !~ /^(?:|22\w{3}|23\w{3}|55000)\z/;
}
cmp_ok($codes{answered}, '>', 100, 'many calls are answered');
cmp_ok(scalar keys %codes, '>', 2, 'some calls are refused') or diag(explain(\%codes));
note(join ' ', map {"$_=$codes{$_}"} sort keys %codes);
$w->check('whatever is called, by whom and how');
done_testing;
