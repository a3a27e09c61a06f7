# A process that cannot start a further thread serves with the threads that it has, and
# starts one when that is possible again.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(parallel slurp wait_until);
use Kedge::Money qw(hold_lock);
use Kedge::Preload;

my $home = Kedge::Preload->use('scarce');
my $k = Kedge->up(env => { WALLET_PROCESSES => 1 }); # the id of the process whose threads are counted
my $alice = $k->user('alice');
is($alice->get('/api/wallet/accounts')->{status}, 200, 'served');
my ($api) = $k->pids('wallet-api');

sub threads { return (slurp("/proc/$api/status") =~ /^Threads:\s+(\d+)/m)[0] }

# Sends requests that query the database, so each needs a thread.
sub ask
{
	my ($n) = @_;
	my @statuses = map { @{ $_ // [] } } parallel($n, sub {
		my $c = $alice->copy(timeout => 10);
		return [ map { $c->get('/api/wallet/accounts')->{status} } 1 .. 20 ];
	});
	return join ' ', grep { $_ != 200 } @statuses;
}

open my $no, '>', "$home/no-threads" or die $!;
close $no;
my $before = threads();
# A lock keeps the existing threads waiting until another thread was needed.
my $unlock = hold_lock($k, 'LOCK TABLE account');
my $clients = fork // die "fork: $!";
if ($clients == 0) {
	Kedge::in_child();
	POSIX::_exit(ask(8) eq '' ? 0 : 1);
}
ok(wait_until(sub { $k->log_text('wallet') =~ /cannot start thread/ }, 20),
	'no thread can be started: the log says so');
is(threads(), $before, 'there are those that were there');
$unlock->();
waitpid $clients, 0;
is($?, 0, 'and everybody is served all the same');
is(ask(8), '', 'nobody waits for a connection that nginx only keeps');
unlink "$home/no-threads";
is(ask(8), '', 'and as before when they can be started');
ok(wait_until(sub { ask(8); threads() > $before }, 20), 'which they are');
($api) = $k->pids('wallet-api');
is(scalar(() = $k->log_text('wallet') =~ /worker exited unexpectedly/g), 0, 'the process is the same');
done_testing;
