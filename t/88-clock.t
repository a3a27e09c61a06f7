# The clock is set forward and back by hours during transfers and jobs: no effect is
# lost or happens twice, and schedules still fire.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(wait_until);
use Kedge::Clock;
use Kedge::JobTest;
use Kedge::Load;
use Kedge::Wallet;

my $clock = Kedge::Clock->use;

# ---- transfers ------------------------------------------------------------------------

my $k = Kedge->up;
my $w = Kedge::Wallet->new($k);
my @users = map { $w->user($_, 100_000) } qw(alice bob);
my @ids = map { $_->{account} } @users;

sub off { return $k->sql('wallet', 'SELECT extract(epoch FROM clock_timestamp())') - time }
$clock->set(3600);
cmp_ok(abs(off() - 3600), '<', 60, 'the clock of PostgreSQL is set');
$clock->set(0);
cmp_ok(abs(off()), '<', 60, 'the clock of the test is right again');

my $old = Kedge::Wallet::post($users[0], '/transfers',
	{ debitAccountId => $ids[0], creditAccountId => $ids[1], amount => 1 }, key => 'before');
my $hold = $w->move($users[0], $ids[0], $ids[1], 50, hold => JSON::PP::true, expiresInSeconds => 3600);
is($hold->{json}{status}, 'held', 'a hold of an hour is made');

# Each client repeats its request with its key until it is answered.
my $load = Kedge::Load->start(procs => 4, code => sub {
	my ($i) = @_;
	my @me = map { my $c = $_->copy; $c->{quiet} = 1; $c } @users;
	my ($n, $key) = (0);
	return sub {
		$key //= join '-', 'clock', $i, ++$n;
		my $from = ($i + $n) % 2;
		my $r = Kedge::Wallet::post($me[$from], '/transfers',
			{ debitAccountId => $ids[$from], creditAccountId => $ids[ 1 - $from ],
				amount => 1 + $n % 5, memo => $key }, key => $key);
		return $r->{status} if $r->{status} != 201;
		my $kept = "$key $r->{json}{id}";
		undef $key;
		return (201, $kept);
	};
});
for my $step ([ 7_200, 'two hours forward' ], [ -3_600, 'three hours back' ], [ 0, 'right' ]) {
	my ($shift_s, $name) = @$step;
	$clock->set($shift_s);
	my $before = $k->sql('wallet', 'SELECT count(*) FROM transfer');
	ok(wait_until(sub { $k->sql('wallet', 'SELECT count(*) FROM transfer') > $before + 60 }, 60),
		"the clock is set $name: transfers succeed");
	next if $shift_s <= 0;
	ok(wait_until(sub {
		$k->sql('wallet', "SELECT status FROM transfer WHERE id = '$hold->{json}{id}'") eq 'expired'
	}, 90), 'an expired hold is ended by its job when the clock is right');
}
my ($count, undef, $kept) = $load->stop;
# The only refusals are of assertions that were issued before the clock was set and read
# after it.
is(join(' ', grep { !/^(201|401|503)$/ } keys %$count), '', 'a request fails at most once') or diag(explain($count));
my %made = map { split /\|/ } split /\n/,
    $k->sql('wallet', "SELECT memo, id FROM transfer WHERE memo LIKE 'clock-%'");
is_deeply([ grep { my ($key, $id) = split / /; ($made{$key} // '') ne $id } @$kept ], [],
	@$kept . ' were acknowledged: each is there');
is($k->sql('wallet', "SELECT count(*) - count(DISTINCT memo) FROM transfer WHERE memo LIKE 'clock-%'"), 0,
	'no transfer was made twice');
my $again = Kedge::Wallet::post($users[0], '/transfers',
	{ debitAccountId => $ids[0], creditAccountId => $ids[1], amount => 1 }, key => 'before');
is($again->{body}, $old->{body}, 'a key from before the change of the clock is known');
is($again->{headers}{'idempotency-replayed'}, 'true', 'a repeated transfer is replayed after the clock was set');
$w->check('whatever the clock did');
$k->down;

# ---- jobs ---------------------------------------------------------------------------------

my $j = Kedge::JobTest->up;
$j->work(WORKER_PROCESSES => 2);
for my $step ([ 7_200, 'forward' ], [ -3_600, 'back' ], [ 0, 'right' ]) {
	my ($shift_s, $name) = @$step;
	my $id = $j->enqueue('write.wait', { ms => 2_000 });
	ok($j->reached($id, 'running'), 'a job runs when the clock is set');
	$clock->set($shift_s);
	ok($j->reached($id, 'completed', 30), "the clock is set $name: the running job is completed");
	is($j->sql("SELECT count(*) FROM jobtest_effect WHERE job_id = '$id'"), 1, 'the running job has its effect once');
	$id = $j->enqueue('write');
	ok($j->reached($id, 'completed', 30), 'a job after the change of the clock is completed');
	$id = $j->enqueue('fail.once');
	ok($j->reached($id, 'completed', 30), 'a job that failed is retried after the change of the clock');
}
done_testing;
