# Load: transfers in both directions from 32 clients, while processes are killed.  No
# deadlock occurs and no request is refused.  An acknowledged transfer exists exactly
# once, and so does one that was repeated with its key until it was acknowledged.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(parallel wait_until);
use Kedge::Load;
use Kedge::Money qw(at_once hold_lock later said wait_blocked);
use Kedge::Wallet;

my $k = Kedge->up(env => { WALLET_PROCESSES => 2, WALLET_DATABASE_TIMEOUT_MS => 4_000 });
my $w = Kedge::Wallet->new($k);
my $base = '/api/wallet';
my $yes = JSON::PP::true;
my @users = map { $w->user($_, 1_000_000) } qw(alice bob);
my @ids = map { $_->{account} } @users;

sub post { return Kedge::Wallet::post(@_[ 0 .. 2 ], key => $_[3]) }

sub order
{
	my ($from, $amount, %more) = @_;
	return { debitAccountId => $ids[$from], creditAccountId => $ids[ 1 - $from ], amount => $amount, %more };
}

sub deadlocks
{
	return $k->sql('postgres', "SELECT deadlocks FROM pg_stat_database WHERE datname = 'wallet'")
}

sub balances { return map { $w->account($_)->{balance} } @_ ? @_ : @ids }

# ---- all operations at once -----------------------------------------------------------

# All operations use the same two accounts and, for deposits and withdrawals, the
# system's account: if they locked the accounts in different orders, they would soon
# deadlock.
my ($count) = at_once(32, sub {
	my ($i) = @_;
	my @me = map { $_->copy } @users;
	my $operator = $w->{operator}->copy;
	my ($from, $other) = ($i % 2, 1 - $i % 2);
	my $left = { status => 201 };
	my $try = sub { my ($r) = @_; $left = $r if $r->{status} >= 300; return $r->{json} };
	for my $n (1 .. 4) {
		my $key = "all-$i-$n";
		$try->(post($me[$from], '/transfers', order($from, 3), "$key-a"));
		my $hold = $try->(post($me[$from], '/transfers', order($from, 2, hold => $yes), "$key-b"));
		$try->(post($me[$from], '/transfers/batch', { transfers => [
			map { order($from, $_) } 1 .. 5 ] }, "$key-c"));
		$try->(post($operator, '/transfers/batch', { atomic => $yes, transfers => [
			order(0, 1), order(1, 1), order(1, 1), order(0, 1) ] }, "$key-d"));
		$try->($operator->post("$base/" . ($n % 2 ? 'deposits' : 'withdrawals'),
			{ accountId => $ids[$from], amount => 5, provider => 'storm', reference => $key }));
		my $t = $try->(post($me[$other], "/transfers/$hold->{id}/capture", { amount => 1 }, "$key-e"));
		$try->(post($operator, "/transfers/$t->{id}/reverse", {}, "$key-f"));
	}
	return $left;
});
is_deeply($count, { 201 => 32 }, '32 clients that move money in both directions all succeed');
is(deadlocks(), 0, 'no deadlock occurred, not even one that was retried');
is(join(' ', balances()), '1000000 1000000', 'both balances are the same as before');
$w->check('after all of it at once');

# ---- many clients spend the same balance ------------------------------------------------

# Many requests together need all the money of an account that is always locked. Each
# gets its part; one more request, for which no money is left, is refused.
my $pot = $w->user('pot', 32 * 5 * 7);
my $tin = $w->user('tin');
($count) = at_once(32, sub {
	my $c = $pot->copy;
	my $r;
	for (1 .. 5) {
		$r = $w->move($c, $pot->{account}, $tin->{account}, 7);
		last if $r->{status} != 201;
	}
	return $r;
});
is_deeply($count, { 201 => 32 }, 'requests that wait for one account all succeed');
is(join(' ', balances($pot->{account}, $tin->{account})), '0 ' . 32 * 5 * 7, 'all money of the first account has arrived in the second');
is(said($w->move($pot, $pot->{account}, $tin->{account}, 1)), '422 INSUFFICIENT_FUNDS', 'a further transfer is INSUFFICIENT_FUNDS');

# An account with less money: as many requests succeed as it has money for.
$w->fund($pot->{account}, 10 * 7 + 6);
($count) = at_once(32, sub { return $w->move($pot->copy, $pot->{account}, $tin->{account}, 7,
	$_[0] % 2 ? (hold => $yes) : ()) });
is_deeply($count, { 201 => 10, '422 INSUFFICIENT_FUNDS' => 22 }, 'transfers at once succeed as often as there are funds');

# ---- waiting ------------------------------------------------------------------------------

# A psql session locks one account, and this test's session locks the other one.
my ($low, $high) = sort @ids;
my $from = $low eq $ids[0] ? 0 : 1;
my $unlock = hold_lock($k, "SELECT FROM account WHERE id = '$high' FOR UPDATE");
my $moving = later(sub { said(post($users[$from]->copy, '/transfers', order($from, 11), 'crossed')) });
wait_blocked($k, 1); # the transfer has locked one account and waits for the other
my $cross = later(sub { ($k->try_sql('wallet', "SELECT FROM account WHERE id = '$low' FOR UPDATE"))[2] });
ok(wait_until(sub {
	$k->sql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE usename = 'kedge'"
		    . " AND wait_event_type = 'Lock'") == 1
}), 'another session waits behind the transfer');
$unlock->();
is($moving->(), '201', 'the transfer that has one lock gets the other');
is($cross->(), '', 'the session that waited behind the transfer gets its lock');

# Now the session also waits for the transfer's account: PostgreSQL aborts one of the
# two, and the service retries the transfer.  Sometimes the retry is faster than the
# waiting session, and is aborted again.
$unlock = hold_lock($k, "SET deadlock_timeout = '60s'; SELECT FROM account WHERE id = '$high' FOR UPDATE");
my $circle = later(sub { said(post($users[$from]->copy, '/transfers', order($from, 12), 'circle')) });
wait_blocked($k, 1);
$unlock->("SELECT FROM account WHERE id = '$low' FOR UPDATE");
is($circle->(), '201', 'the transfer that PostgreSQL chose as deadlock victim is retried and succeeds');
ok(wait_until(sub { deadlocks() >= 1 }, 15), 'PostgreSQL has counted the deadlock');

# An account stays locked for longer than a statement may take: nothing was moved, the
# answer is not one for lack of money, and the key can be used again.
$unlock = hold_lock($k, "SELECT FROM account WHERE id = '$ids[0]' FOR UPDATE");
my $stuck = later(sub { said(post($users[0]->copy, '/transfers', order(0, 13), 'stuck')) });
wait_blocked($k, 1);
$w->fund($pot->{account}, 8);
($count) = at_once(8, sub { return $w->move($pot->copy, $pot->{account}, $tin->{account}, 1) });
is_deeply($count, { 201 => 8 }, 'transfers of other accounts do not wait for the lock');
like($stuck->(), qr/^503 UNAVAILABLE/, 'a transfer that waits too long for a lock gets 503');
my $start = time;
($count) = at_once(4, sub {
	my ($i) = @_;
	my $r = post($users[ $i % 2 ]->copy, '/transfers', order($i % 2, 13), "late-$i");
	$r->{json}{code} .= ' ' . ($r->{headers}{'retry-after'} // 'no Retry-After');
	return $r;
});
is((grep { !/^503 UNAVAILABLE \d+$/ } keys %$count), 0, 'a locked account gives 503 with Retry-After')
    or diag(explain($count));
cmp_ok(time - $start, '<', 15, 'the transfer gets its 503 within 15 s');
$unlock->();
is($k->sql('wallet', 'SELECT count(*) FROM transfer WHERE amount = 13'), 0, 'the transfer that got 503 moved no money');
($count) = at_once(4, sub {
	my ($i) = @_;
	return post($users[ $i % 2 ]->copy, '/transfers', order($i % 2, 13), "late-$i");
});
is_deeply($count, { 201 => 4 }, 'the transfers succeed with the same keys');
$w->check('after waiting');

# ---- kill -9 ---------------------------------------------------------------------------------

# Each client repeats its request with its key until it is answered.  The test records
# the key and the id of each transfer.
my $storms = 0;

sub storm
{
	my (%opt) = @_;
	my $name = 'storm-' . ++$storms;
	my $load = Kedge::Load->start(procs => $opt{procs} // 8, code => sub {
		my ($i) = @_;
		my @me = map { my $c = $_->copy(timeout => 10); $c->{quiet} = 1; $c } @users;
		my ($n, $key, $tries) = (0);
		return sub {
			($key, $tries) = (join('-', $name, $i, ++$n), 0) if !defined $key;
			my $from = ($i + $n) % 2;
			my $order = order($from, 1 + $n % 7, memo => $key);
			my $is_batch = $n % 5 == 0;
			my $r = $is_batch
			    ? post($me[$from], '/transfers/batch', { atomic => $yes, transfers => [$order] }, $key)
			    : post($me[$from], '/transfers', $order, $key);
			$tries++;
			my $code = $r->{json} && $r->{json}{code} // '';
			return "$r->{status} $code" if $r->{status} >= 300;
			my $t = $is_batch ? $r->{json}{results}[0]{transfer} : $r->{json};
			my $done = "$key $t->{id}";
			my $is_again = ($r->{headers}{'idempotency-replayed'} // '') eq 'true';
			undef $key;
			return ($is_again ? 'again' : $tries > 1 ? 'at last' : 'done', $done);
		};
	});
	return ($name, $load);
}

sub acknowledged
{
	my ($name, $load, $procs) = @_;
	my ($count, $slowest, $kept) = $load->stop;
	note(join(', ', map {"$_: $count->{$_}"} sort keys %$count), sprintf ', slowest %.1f s', $slowest);
	my (%is, @twice);
	for my $line (split /\n/, $k->sql('wallet', "SELECT memo, id FROM transfer WHERE memo LIKE '$name-%'")) {
		my ($key, $id) = split /\|/, $line;
		push @twice, $key if $is{$key};
		$is{$key} = $id;
	}
	my @lost = grep { my ($key, $id) = split / /; (delete $is{$key} // '') ne $id } @$kept;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is_deeply(\@lost, [], @$kept . ' were acknowledged: each is there');
	is_deeply(\@twice, [], 'no acknowledged transfer was made twice');
	cmp_ok(scalar keys %is, '<=', $procs, 'transfers without acknowledgement are at most one for each client');
	my ($a, $b) = balances();
	is($a + $b, 2_000_000, 'the sum of the balances is unchanged');
	$w->check;
	return $count;
}

# Waits until this many more transfers were made.
sub goes_on
{
	my ($name, $more) = @_;
	my $before;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok(
		wait_until(
			sub {
				my ($status, $n) = $k->try_sql('wallet', 'SELECT count(*) FROM transfer');
				return 0 if $status != 0;
				$before //= $n;
				return $n >= $before + $more;
			},
			60
		),
		$name
	);
	return;
}

my $circles = deadlocks();
my ($name, $load) = storm(procs => 32);
goes_on('a storm of 32', 400);
$count = acknowledged($name, $load, 0);
is_deeply([ keys %$count ], ['done'], 'all transfers in both directions succeed at once');
is(deadlocks(), $circles, 'no further deadlock occurred');

# Kills one process of a kind and waits until it is replaced.
sub kill_one
{
	my ($kind) = @_;
	my @before = $k->pids($kind) or return fail("$kind runs before it is killed");
	$k->kill_pid(KILL => $before[ $storms % @before ]);
	my %old = map { $_ => 1 } @before;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok(wait_until(sub { grep { !$old{$_} } $k->pids($kind) }, 30), "after kill -9 another $kind starts");
	goes_on('and it goes on', 20);
	return;
}

($name, $load) = storm();
kill_one($_) for qw(wallet-api wallet-api wallet wallet-worker nginx-worker redis-wallet);
$count = acknowledged($name, $load, 8);
my $outage = qr/^(?:done|again|at last|502 \S*|503 \S*|504 \S*|599 )$/;
is(join(', ', grep { !/$outage/ } keys %$count), '', 'each failed request got 5xx');
cmp_ok(($count->{again} // 0) + ($count->{'at last'} // 0), '>', 0, 'some requests succeeded after a repetition');

($name, $load) = storm();
kill_one('postgres-backend');
my ($backend) = split /\n/, $k->sql('postgres',
	"SELECT pid FROM pg_stat_activity WHERE usename = 'wallet' AND query LIKE '%ledger_transfer%'");
$k->kill_pid(KILL => $backend);
goes_on('kill -9 of a session that moves money', 20);
kill_one('postgres');
$k->sql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'wallet'");
goes_on('all sessions are cut', 20);
$count = acknowledged($name, $load, 8);
is(join(', ', grep { !/$outage/ } keys %$count), '', 'each failed request got 5xx');
cmp_ok(($count->{again} // 0) + ($count->{'at last'} // 0), '>', 0, 'some requests succeeded after a repetition');
done_testing;
