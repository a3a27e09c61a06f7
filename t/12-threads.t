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
is($alice->get('/api/wallet/accounts')->{status}, 200, 'wallet answers a first request');
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
	'the log says that no thread can be started');
is(threads(), $before, 'the threads that had been started still run');
$unlock->();
waitpid $clients, 0;
is($?, 0, 'all clients are served by the threads that run');
is(ask(8), '', 'no client waits for an idle connection of nginx');
unlink "$home/no-threads";
is(ask(8), '', 'all clients are served when threads can be started again');
ok(wait_until(sub { ask(8); threads() > $before }, 20), 'more threads are started when that is possible again');
($api) = $k->pids('wallet-api');
is(scalar(() = $k->log_text('wallet') =~ /worker exited unexpectedly/g), 0, 'the process was not replaced');
done_testing;
