# A batch made in one step has the same result as one made item by item (answers,
# balances, holds, entries and keys), whatever the batch contains and whatever plans
# PostgreSQL uses.  Rows are never matched by their position.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Kedge qw(jencode);
use Kedge::Wallet;

my $k = Kedge->up;
my $w = Kedge::Wallet->new($k);
my $alice = $w->user('alice', 300);
my $bob = $w->user('bob', 50);
my $savings = $alice->post('/api/wallet/accounts', { name => 'Savings', currency => 'USD' })->{json}{id};
my $euro = $alice->post('/api/wallet/accounts', { name => 'Euro', currency => 'EUR' })->{json}{id};
my $frozen = $alice->post('/api/wallet/accounts', { name => 'Frozen', currency => 'USD' })->{json}{id};
$w->fund($frozen, 100);
is($w->{operator}->post("/api/wallet/accounts/$frozen/freeze")->{status}, 200, 'an operator freezes an account');
my $house = $k->sql('wallet', "SELECT id FROM account WHERE name = 'external:USD'");
my @accounts = (($alice->{account}) x 4, ($savings) x 3, ($bob->{account}) x 3, $house, $euro, $frozen,
	'01890a5d-ac96-774b-bcce-b302099a8057');

# test_outcome() and test_keyed() return the result of a batch as text, and roll the batch
# back.  In test_keyed() all items have keys: they are made one by one by one statement,
# together as a batch commit makes them, or alone by a statement each.
$k->sql('wallet', <<~'SQL');
	CREATE FUNCTION test_state(p_made ledger_made[]) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		v_ids uuid[] := ARRAY(SELECT id FROM unnest(p_made));
	BEGIN
		RETURN concat_ws(E'\n',
			(SELECT string_agg(concat(item, ' ', code, ' ', replayed), ', ' ORDER BY item)
				FROM unnest(p_made)),
			(SELECT string_agg(concat(id, ' ', balance, ' ', held, ' ', version), ', ' ORDER BY id)
				FROM account),
			(SELECT string_agg(concat(account_id, ' ', seq, ' ', amount, ' ', balance_after, ' ',
				replace(id::text, left(transfer_id::text, 35), '')), ', '
				ORDER BY account_id, seq) FROM entry WHERE transfer_id = ANY(v_ids)),
			(SELECT string_agg(concat(m.item, ' ', status, ' ', debit_account_id, ' ',
				credit_account_id, ' ', amount, ' ', memo), ', ' ORDER BY m.item)
				FROM unnest(p_made) m JOIN transfer t ON t.id = m.id),
			(SELECT string_agg(concat(user_id, ' ', key), ', ' ORDER BY user_id, key)
				FROM idempotency));
	END
	$$;
	CREATE FUNCTION test_outcome(p_items json, p_user text, p_operator boolean, p_atomic boolean,
		p_each boolean) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		v_items ledger_item[] := ledger_items(p_items, p_user, p_operator);
		v_new_ids uuid[];
		v_made ledger_made[];
	BEGIN
		v_new_ids := (ledger_take_keys(v_items, NULL, NULL, NULL, NULL)).new_ids;
		v_made := CASE WHEN p_each THEN ledger_make_each(v_items, p_atomic, v_new_ids)
			ELSE ledger_make(v_items, p_atomic, v_new_ids) END;
		DELETE FROM idempotency WHERE transfer_id = ANY(v_new_ids)
			AND p_atomic AND v_made[1].code IS NOT NULL;
		RAISE EXCEPTION SQLSTATE 'KT001' USING MESSAGE = test_state(v_made);
	EXCEPTION WHEN SQLSTATE 'KT001' THEN
		RETURN SQLERRM;
	END
	$$;
	CREATE FUNCTION test_keyed(p_items json, p_how text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		v_items ledger_item[] := ledger_items(p_items, NULL, NULL);
		i ledger_item;
		v ledger_made;
		v_made ledger_made[];
	BEGIN
		IF p_how = 'each' THEN
			v_made := ledger_make_each(v_items, false,
				(ledger_take_keys(v_items, NULL, NULL, NULL, NULL)).new_ids);
		ELSIF p_how = 'together' THEN
			v_made := ARRAY(SELECT m::ledger_made FROM ledger_transfers(p_items) m);
		ELSE
			FOREACH i IN ARRAY v_items LOOP
				v := ledger_transfer(i.user_id, i.is_operator, i.key, i.sha256, i.debit,
					i.credit, i.amount, i.memo, i.metadata, i.hold_s);
				v.item := i.n;
				v_made := v_made || v;
			END LOOP;
		END IF;
		RAISE EXCEPTION SQLSTATE 'KT001' USING MESSAGE = test_state(v_made);
	EXCEPTION WHEN SQLSTATE 'KT001' THEN
		RETURN SQLERRM;
	END
	$$
	SQL

my $seed = $ENV{KEDGE_SEED} // time;
diag("KEDGE_SEED=$seed");
srand $seed;
sub pick { return $_[ rand @_ ] }

# Each setting disables some of PostgreSQL's ways to join, sort and scan.
my @methods = qw(bitmapscan hashagg hashjoin incremental_sort indexonlyscan indexscan material memoize
    mergejoin nestloop seqscan sort);

my ($n, %codes) = (0);
for my $round (1 .. 200) {
	my %used;
	my @items = map {
		my %item = (d => pick(@accounts), c => pick(@accounts), a => pick(1, 1, 2, 5, 20, 90, 0));
		$item{h} = 86_400 if rand() < 0.2;
		$item{m} = 'memo ' . ++$n if rand() < 0.3;
		my $key = rand() < 0.1 ? 'old-' . int rand 8 : "new-$n-" . int rand 1000;
		if (rand() < 0.3 && !$used{$key}++) {
			$item{k} = $key;
			$item{s} = pick('00', '00', '01');
		}
		\%item;
	} 1 .. pick(1, 2, 3, 8, 20);
	my $items = jencode(\@items) =~ s/'/''/gr;
	my ($operator, $atomic) = (pick(qw(true true false)), pick(qw(true false false)));
	my $ask = "test_outcome('$items', '$alice->{id}', $operator, $atomic";
	my $plans = join ' ', 'SET jit = off;', map {"SET enable_$_ = off;"} grep { rand() < 0.3 } @methods;
	my $outcome = $k->sql('wallet',
		"$plans SELECT at_once = each, at_once, each FROM (SELECT $ask, false), $ask, true)) o (at_once, each)");
	if ($outcome !~ /^t\|/) {
		fail("$plans operator: $operator, atomic: $atomic: $items") or diag($outcome);
		last;
	}
	$codes{$_}++ for $outcome =~ /([A-Z]{3,}_[A-Z_]+)/g;
	# Sometimes a transfer is committed, so that later batches can refer to it.
	$k->sql('wallet', "SELECT ledger_batch('$alice->{id}', true, 'kept-$round', '\\x00', false, '$items')")
	    if $round % 5 == 0;
}
pass('200 batches have the same results by both plans');
cmp_ok(scalar keys %codes, '>=', 5, 'the batches had refusals of at least five kinds') or diag(explain(\%codes));

# ---- transfers with keys, of several users ----------------------------------------

my ($made, $refused) = (0, 0);
for my $round (1 .. 150) {
	my $rare = pick(0, 0.1);
	my @items = map {
		my $at = $_;
		my $payer = pick(0 .. 1);
		my %item = (d => $payer ? $bob->{account} : pick($alice->{account}, $savings),
			c => pick($alice->{account}, $savings, $bob->{account}), a => pick(1, 1, 2, 5, 20, 90),
			u => ($bob, $alice)[ $payer ? 0 : 1 ]->{id}, o => JSON::PP::false,
			k => "keyed-$round-$at", s => '00', r => 'request');
		($item{d}, $item{c}) = (pick(@accounts), pick(@accounts)) if rand() < $rare;
		$item{a} = pick(0, -1, '9007199254740992', '9223372036854775807') if rand() < $rare;
		$item{c} = $house if rand() < $rare;
		$item{d} = $house if rand() < $rare / 2;
		$item{o} = JSON::PP::true if rand() < $rare;
		$item{h} = 86_400 if rand() < $rare;
		$item{m} = 'memo' if rand() < 0.3;
		$item{x} = { n => $at } if rand() < 0.3;
		@item{qw(k s)} = ('kept-' . int(rand $round) . "-$at", pick('00', '01'))
		    if rand() < $rare;
		\%item;
	} 1 .. pick(1, 1, 2, 2, 3, 8);
	my $items = jencode(\@items) =~ s/'/''/gr;
	my ($same, $outcome) = split /\|/, $k->sql('wallet', <<~"SQL"), 2;
		SELECT each = together AND each = alone, CASE WHEN each = together AND each = alone
			THEN each ELSE concat_ws(E'\n\n', each, together, alone) END
		FROM (SELECT test_keyed('$items', 'each'), test_keyed('$items', 'together'),
			test_keyed('$items', 'alone')) o (each, together, alone)
		SQL
	if ($same ne 't') {
		fail("with keys: $items") or diag($outcome);
		last;
	}
	$outcome =~ /[A-Z]{3,}_/ ? $refused++ : $made++;
	$k->sql('wallet', 'SELECT count(*) FROM ledger_transfers(\''
		    . ($items =~ s/keyed-$round-/kept-$round-/gr) . "')") if $round % 5 == 0;
}
pass('transfers with keys have the same results made together, one by one and alone');
cmp_ok($made, '>=', 20, 'many of them had no refusal');
cmp_ok($refused, '>=', 20, 'many of them had refusals');
$w->check('and the books are right');
done_testing;
