# Locks: every operation locks first its keys, then its accounts, then transfers.  So no
# two operations deadlock, and a request that waits for a key keeps no other request
# from an account.  At the end PostgreSQL's log contains no deadlock.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use IPC::Open2 qw(open2);
use Kedge qw(parallel slurp tool wait_until);
use Kedge::Money qw(at_once hold_lock later said wait_blocked);
use Kedge::Wallet qw(item batch codes);

my $k = Kedge->up(env => { WALLET_PROCESSES => 2, WALLET_DATABASE_TIMEOUT_MS => 4_000 });
my $w = Kedge::Wallet->new($k);
my ($alice, $mallory, $shop) = map { $w->user($_, 100_000) } qw(alice mallory shop);
my $other = $mallory->post('/api/wallet/accounts', { name => 'Other', currency => 'USD' })->{json}{id};
$w->fund($other, 1000);

# ---- a request that waits for a key delays no other ------------------------------------

# A batch has locked its key and waits for an account that a test session has locked.  A
# transfer with the same key waits for the batch; meanwhile all others can pay the shop.
my $unlock = hold_lock($k, "SELECT FROM account WHERE id = '$mallory->{account}' FOR UPDATE");
my $whole = later(sub {
	said(batch($mallory->copy, 0, [ map { item($mallory->{account}, $shop->{account}, $_) } 1 .. 150 ],
		key => 'same'))
});
wait_blocked($k, 1);
my $single = later(sub { said($w->move($mallory->copy, $other, $shop->{account}, 7, key => 'same')) });
wait_blocked($k, 2);
my ($count) = at_once(8, sub { return $w->move($alice->copy, $alice->{account}, $shop->{account}, 1) });
is_deeply($count, { 201 => 8 }, 'other users pay the shop while two requests with one key wait');
$unlock->();
is(join(', ', $whole->(), $single->()), '200, 409 IDEMPOTENCY_KEY_REUSED', 'the first request with the key makes the transfer');

# The attack: pairs of requests with the same key, and with the same accounts in
# opposite orders.
($count) = at_once(8, sub {
	my ($i) = @_;
	my $me = $mallory->copy;
	my ($from, $to) = $i % 2 ? ($other, $mallory->{account}) : ($mallory->{account}, $other);
	my @last;
	for my $n (1 .. 10) {
		my $key = 'pair-' . int($i / 2) . "-$n";
		push @last, $i % 4 < 2
		    ? batch($me, 0, [ item($from, $shop->{account}, 1), item($from, $to, 1) ], key => $key)
		    : $w->move($me, $from, $i % 3 ? $shop->{account} : $to, 1, key => $key);
	}
	return (grep { $_->{status} !~ /^(?:200|201|409)$/ } @last)[0] // { status => 201 };
});
is_deeply($count, { 201 => 8 }, 'pairs of operations with one key succeed or are refused');

# ---- all pairs of operations -------------------------------------------------------------

my ($a, $b, $c) = sort $alice->{account}, $mallory->{account}, $other;
my %user = ($alice->{account} => $alice->{id}, $mallory->{account} => $mallory->{id}, $other => $mallory->{id});
my $euro = $alice->post('/api/wallet/accounts', { name => 'Euro', currency => 'EUR' })->{json}{id};
$w->fund($euro, 1000);
my $house = $k->sql('wallet', "SELECT id FROM account WHERE name = 'external:USD'");
my $user = $mallory->{id};

sub hold
{
	my ($from, $to) = @_;
	return $k->sql('wallet', "SELECT id FROM ledger_transfer('$user', true, gen_random_uuid()::text, 'x', '$from',"
		    . " '$to', 5, NULL, NULL, 86400)");
}
my ($there, $back) = (hold($a, $b), hold($b, $a));
my $posted = $k->sql('wallet', "SELECT id FROM ledger_transfer('$user', true, gen_random_uuid()::text, 'x', '$c',"
	    . " '$a', 5, NULL, NULL, NULL)");
# Two holds that have expired but were not released yet, so that the job which releases
# them waits for locks, too.
my @over = (hold($a, $c), hold($c, $b));
$k->sql('wallet', "SET session_replication_role = replica;
    UPDATE transfer SET expires_at = now() - interval '1 s' WHERE id IN ('$over[0]', '$over[1]');
    INSERT INTO idempotency (user_id, key, request_sha256, created_at)
    VALUES ('$user', 'old-1', 'x', '2020-01-01'), ('$user', 'old-2', 'x', '2020-01-01');
    UPDATE account SET created_at = now() - interval '3 months'");

sub batch_sql
{
	my ($key, $atomic, @items) = @_;
	my @column = map { my $n = $_; join ',', map { $_->[$n] // 'NULL' } @items } 0 .. 3;
	my $digests = join ',', map { defined $_->[3] ? 'x' : 'NULL' } @items;
	return "SELECT count(*) FROM ledger_batch('$user', true, '$key', 'x', $atomic, 'o', '{$column[0]}',"
	    . " '{$column[1]}', '{$column[2]}', NULL, NULL, NULL, '{$column[3]}', '{$digests}')";
}

sub batch_commit_sql
{
	return "SELECT count(*) FROM ledger_transfers('[" . join(', ', map {
		sprintf '{"u": "%s", "o": true, "k": "%s", "s": "00", "d": "%s", "c": "%s", "a": 1}', $user, @$_
	} @_) . "]')";
}

sub move_sql
{
	my ($key, $from, $to) = @_;
	return "SELECT ledger_transfer('$user', true, '$key', 'x', '$from', '$to', 1, NULL, NULL, NULL)";
}

sub external_sql
{
	my ($kind, $account, $reference) = @_;
	return "SELECT ledger_external('$user', '$kind', '$account', 1, 'p', '$reference', NULL)";
}

my %operation = (
	'transfer' => move_sql('k1', $a, $b),
	'transfer back' => move_sql('k2', $c, $a),
	'batch' => batch_sql('k1', 'false', [ $a, $b, 1 ], [ $c, $b, 1 ]),
	'batch of keys' => batch_sql('k3', 'false', [ $c, $b, 1, 'k2' ], [ $b, $a, 1, 'k1' ], [ $a, $c, 1, 'old-2' ]),
	'batch whose key is another\'s item' => batch_sql('k2', 'false', [ $b, $c, 1, 'k3' ], [ $a, $b, 1, 'k1' ]),
	'batch with a refusal' => batch_sql('k2', 'false', [ $c, $a, 1, 'k1' ], [ $b, $a, 9_000_000 ]),
	'atomic batch' => batch_sql('k1', 'true', [ $b, $a, 1, 'k2' ], [ $c, $b, 1, 'k3' ]),
	'atomic batch with a refusal' => batch_sql('k3', 'true', [ $c, $b, 1, 'k1' ], [ $a, $b, 9_000_000, 'k2' ]),
	'batch commit' => batch_commit_sql([ k2 => $b, $c ], [ k1 => $a, $b ]),
	'batch commit with old keys' => batch_commit_sql([ k1 => $c, $b ], [ 'old-2' => $b, $a ], [ 'old-1' => $a, $b ]),
	'capture' => "SELECT ledger_capture('$user', true, 'k1', 'x', '$there', NULL)",
	'capture back' => "SELECT ledger_capture('$user', true, 'k2', 'x', '$back', 1)",
	'release' => "SELECT ledger_release('$user', true, '$there')",
	'reverse' => "SELECT ledger_reverse('$user', 'k2', 'x', '$posted', NULL, NULL)",
	'expire' => 'SELECT ledger_expire(10)',
	'deposit' => external_sql('deposit', $b, 'r1'),
	'withdrawal with its reference' => external_sql('withdrawal', $euro, 'r1'),
	'deposit with another' => external_sql('deposit', $a, 'r2'),
	'freeze' => "SELECT ledger_freeze('$b', true)",
	'statements' => 'SELECT ledger_write_missing_statements()',
	'statements of a month' =>
	    "SELECT ledger_write_statements(date_trunc('month', now() - interval '1 month')::date)",
	'forget keys' => 'SELECT ledger_forget_keys(1)',
	'open an account once' => "SELECT ledger_open_account_once('$user', 'k1', 'x', 'x', 'USD', NULL)",
	'open an account' => "SELECT ledger_open_account('$user', 'x', 'USD')",
	'first contact' => "SELECT ledger_open_first('nobody', 'USD')",
	'check' => 'SELECT ledger_check(1)',
	'check what is new' => 'SELECT ledger_check_new(1, true)',
	'forget some keys' => 'SELECT ledger_forget_keys(1, 0, 10)',
	'expire one' => "SELECT ledger_expire_holds('{$over[0]}', 10000)",
);

# Locks that a test session holds while a pair of operations begins.
my %gate = (
	(map { ("account $_->[0]" => "SELECT FROM account WHERE id = '$_->[1]' FOR UPDATE") }
		[ a => $a ], [ b => $b ], [ c => $c ], [ outside => $house ]),
	(map { ("key $_" => "INSERT INTO idempotency (user_id, key, request_sha256) VALUES ('$user', '$_', 'x')") }
		qw(k1 k2 k3)),
	'an old key' => "SELECT FROM idempotency WHERE key = 'old-2' FOR UPDATE",
	'a hold' => "SELECT FROM transfer WHERE id = '$there' FOR UPDATE",
	'a reference' => 'INSERT INTO external_reference VALUES (\'p\', \'r1\', \'' . $posted . '\')',
	'checkpoints' => 'SELECT FROM ledger_checkpoint_moved FOR UPDATE',
	'a wallet' => "SELECT FROM wallet WHERE user_id = '$user' FOR UPDATE",
);

# A psql session whose results the test reads without waiting for them.
sub session
{
	my ($role) = @_;
	my $pid = open2(my $out, my $in, 'sh', '-c', 'exec "$@" 2>&1', 'sh', tool('psql'), '-AtqX', '-v',
		'VERBOSITY=sqlstate', '-d', $k->url_as('kedge', 'wallet'));
	my $s = { in => $in, out => $out, pid => $pid, text => '' };
	$s->{backend} = ask($s, "SET deadlock_timeout = '20ms'; SET ROLE $role; SELECT pg_backend_pid()");
	return $s;
}

sub begin
{
	my ($s, $sql) = @_;
	print { $s->{in} } "$sql;\n\\echo =end\n";
	$s->{in}->flush;
	$s->{text} = '';
	return;
}

# Returns the statement's result; undef while it is still running.
sub answer
{
	my ($s, $wait) = @_;
	until ($s->{text} =~ s/=end\n\z//) {
		my $bits = '';
		vec($bits, fileno $s->{out}, 1) = 1;
		return undef if !$wait && !select $bits, undef, undef, 0;
		sysread $s->{out}, $s->{text}, 65536, length $s->{text} or die 'psql is gone';
	}
	chomp(my $text = $s->{text});
	return $text;
}

sub ask
{
	my ($s, $sql) = @_;
	begin($s, $sql);
	return answer($s, 1);
}

my ($keeper, $watcher, @pair) = (session('kedge'), session('kedge'), session('wallet'), session('wallet'));

# Waits until the statement has ended, or waits for a lock of the test; returns true if
# it waits for a lock.  (A wait for autovacuum does not count.)  This runs thousands of
# times, for which wait_until() would pause too long.
sub waits
{
	my ($s) = @_;
	my $end = time + 60;
	while (time < $end) {
		return 0 if defined answer_kept($s);
		return 1 if ask($watcher, "SELECT pg_blocking_pids($s->{backend}) && '{"
			    . join(',', map { $_->{backend} } $keeper, @pair) . "}'::int[]") eq 't';
		select undef, undef, undef, 0.001;
	}
	die 'neither an end nor a lock that it waits for';
}

sub answer_kept
{
	my ($s) = @_;
	$s->{answer} //= answer($s);
	return $s->{answer};
}

sub start
{
	my ($s, $name) = @_;
	undef $s->{answer};
	begin($s, "BEGIN;\n$operation{$name};\nROLLBACK");
	return waits($s);
}

sub finish
{
	my ($s) = @_;
	return $s->{answer} // answer($s, 1);
}

# Records which locks stop which operation.  An operation that no lock stops never waits
# for another operation.
my (%stopped, %waits);
for my $gate (sort keys %gate) {
	for my $name (sort keys %operation) {
		ask($keeper, "BEGIN;\n$gate{$gate}");
		if (start($pair[0], $name)) {
			push @{ $stopped{$gate} }, $name;
			$waits{$name} = 1;
		}
		ask($keeper, 'ROLLBACK');
		finish($pair[0]);
	}
}
is_deeply([ grep { !$waits{$_} } sort keys %operation ], [ 'check', 'first contact', 'forget keys', 'forget some keys' ],
	'the operations that wait for no other are those that are expected');

my (@locked_out, $rounds);
for my $gate (sort keys %gate) {
	for my $first (@{ $stopped{$gate} }) {
		for my $second (sort keys %waits) {
			ask($keeper, "BEGIN;\n$gate{$gate}");
			start($pair[0], $first);
			start($pair[1], $second);
			ask($keeper, 'ROLLBACK');
			my @said = map { finish($_) } @pair;
			$rounds++;
			push @locked_out, "$first, $second ($gate)" if "@said" =~ /40P01/;
		}
	}
}
is(join("\n", @locked_out), '', 'no two operations deadlock with each other');
note("$rounds rounds");
$w->check('and nothing came of it');

is(join("\n", grep { /deadlock detected/ } split /\n/, slurp($k->dir . '/log/postgres.log') // ''), '',
	'the log of PostgreSQL has no deadlock');
is($k->sql('postgres', "SELECT deadlocks FROM pg_stat_database WHERE datname = 'wallet'"), 0,
	'PostgreSQL has counted no deadlock');
done_testing;
