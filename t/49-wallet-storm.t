# Storms: money to and fro between two accounts, while everything that can be
# killed is killed.  What was acknowledged is there, once; the books are right.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(wait_until);
use Kedge::Load;
use Kedge::Wallet;

my $k = Kedge->up(env => { WALLET_PROCESSES => 2 });
my $w = Kedge::Wallet->new($k);
my $base = '/api/wallet';
my @users = map { $w->user($_, 1_000_000) } qw(alice bob);
my @ids = map { $_->{account} } @users;
my $total = sub { my $n = 0; $n += $w->account($_)->{balance} for @ids; return $n };

# Each request has a key of its own; what was not answered is asked again with it,
# as a client would, until there is an answer.
sub storm
{
	my (%opt) = @_;
	return Kedge::Load->start(procs => $opt{procs} // 6, code => sub {
		my ($i) = @_;
		my @me = map { my $c = $_->copy; $c->{quiet} = 1; $c } @users;
		my $n = 0;
		my ($key, $body, $from);
		return sub {
			if (!defined $key) {
				$from = ($i + $n) % 2;
				$key = join '-', 'storm', $opt{name}, $$, ++$n;
				$body = { debitAccountId => $ids[$from], creditAccountId => $ids[ 1 - $from ],
					amount => 1 + $n % 7, memo => $key };
			}
			my $path = $n % 5 ? '/transfers' : '/transfers/batch';
			my $r = Kedge::Wallet::post($me[$from], $path,
				$n % 5 ? $body : { atomic => JSON::PP::true, transfers => [$body] }, key => $key);
			if ($r->{status} == 201 || $r->{status} == 200) {
				my $t = $r->{json}{id} ? $r->{json} : $r->{json}{results}[0]{transfer};
				my $done = "$key $t->{id} $from " . $t->{amount};
				$key = undef;
				return ('done', $done);
			}
			return $r->{json}{code} // "status $r->{status}";
		};
	});
}

# Every acknowledged transfer exists exactly once, and nothing else does beyond
# those that were still being asked for.
sub account_for
{
	my ($name, $done, $open) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my %there;
	for my $line (split /\n/, $k->sql('wallet',
			"SELECT memo, id, status, amount FROM transfer WHERE memo LIKE 'storm-$name-%'"))
	{
		my ($memo, $id, $status, $amount) = split /\|/, $line;
		push @{ $there{$memo} }, [ $id, $status, $amount ];
	}
	my $wrong = 0;
	for my $text (@$done) {
		my ($key, $id, undef, $amount) = split / /, $text;
		my $found = delete $there{$key} // [];
		$wrong++ unless @$found == 1 && $found->[0][0] eq $id && $found->[0][1] eq 'posted'
		    && $found->[0][2] == $amount;
	}
	is($wrong, 0, scalar(@$done) . ' acknowledged: each is there, once');
	cmp_ok(scalar keys %there, '<=', $open, 'others only of who was never answered');
	is($total->(), 2_000_000, 'all the money is there');
	$w->check;
	return;
}

# ---- to and fro ---------------------------------------------------------------------

my $load = storm(name => 'calm', procs => 12);
ok(wait_until(sub {
	$k->sql('wallet', "SELECT count(*) FROM transfer WHERE memo LIKE 'storm-calm-%'") > 600
}, 60), 'six hundred transfers');
my ($count, $slowest, $kept) = $load->stop;
diag(join ', ', map { "$count->{$_} $_" } sort keys %$count);
is_deeply([ keys %$count ], ['done'], 'A to B and B to A: no deadlock is seen, nothing is refused');
account_for('calm', $kept, 0);

# ---- service processes --------------------------------------------------------------

$load = storm(name => 'workers');
for my $round (1 .. 6) {
	my $before = $k->sql('wallet', 'SELECT count(*) FROM transfer');
	$k->kill_pid(KILL => (($k->pids('wallet-api'))[ $round % 2 ]) // $k->pids('wallet-api'));
	ok(wait_until(sub { $k->sql('wallet', 'SELECT count(*) FROM transfer') > $before + 50 }, 30),
		'a worker is killed, and it goes on');
}
($count, $slowest, $kept) = $load->stop;
diag(join ', ', map { "$count->{$_} $_" } sort keys %$count);
ok(!$count->{INSUFFICIENT_FUNDS}, 'never as if there were no funds');
account_for('workers', $kept, 6);

# ---- PostgreSQL ---------------------------------------------------------------------

$load = storm(name => 'postgres');
for my $round (1 .. 3) {
	my @backends = $k->pids('postgres-backend');
	$k->kill_pid(KILL => $round == 2 ? $k->pids('postgres') : $backends[ $round % @backends ]);
	ok(wait_until(sub { $w->{operator}->get("$base/accounts/$ids[0]")->{status} == 200 }, 60),
		'PostgreSQL is killed, and comes back');
	my $before = wait_until { my ($s, $out) = $k->try_sql('wallet', 'SELECT count(*) FROM transfer');
		$s == 0 && $out + 0 } 60;
	ok(wait_until(sub { $k->sql('wallet', 'SELECT count(*) FROM transfer') > $before + 50 }, 30),
		'and it goes on');
}
($count, $slowest, $kept) = $load->stop;
diag(join ', ', map { "$count->{$_} $_" } sort keys %$count);
my @codes = grep { !/^(?:done|UNAVAILABLE|BAD_GATEWAY|GATEWAY_TIMEOUT|INTERNAL_ERROR|status 599)$/ } keys %$count;
is_deeply(\@codes, [], 'what is away is said to be away');
ok(!$count->{INTERNAL_ERROR}, 'and nothing is our mistake');
account_for('postgres', $kept, 6);
done_testing;
