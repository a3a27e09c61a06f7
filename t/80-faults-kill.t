# kill -9 of each kind of process under load: no acknowledged write is lost, and
# the service is back by itself.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(wait_until);
use Kedge::Load;

my $k = Kedge->up;
my $alice = $k->user('alice');
$alice->get($_) for '/api/core/me', '/api/wallet/accounts';

# Writers note what was acknowledged; readers count what they got.
sub under_load
{
	my ($break) = @_;
	my $writers = Kedge::Load->start(
		procs => 2,
		code => sub {
			my ($i) = @_;
			my $c = $alice->copy;
			my $n = 0;
			return sub {
				my $r = $c->post('/api/core/tasks', { title => "w$i-" . ++$n });
				return ($r->{status}, $r->{status} == 201 ? $r->{json}{id} : undef);
			};
		});
	my $readers = Kedge::Load->start(
		procs => 1,
		code => sub {
			my $c = $alice->copy;
			return sub { return $c->get('/api/core/whoami')->{status} };
		});
	$break->();
	ok($k->wait_healthy(20), 'back by itself');
	ok(
		wait_until(
			sub {
				$alice->post('/api/core/tasks', { title => 'after' })->{status} ==
				    201
			},
			15
		),
		'and takes writes');
	my ($written, undef, $ids) = $writers->stop;
	my ($read) = $readers->stop;
	cmp_ok($written->{201} // 0, '>=', 1, 'some were acknowledged');
	my %there = map { $_ => 1 } split /\n/,
	    $k->sql('core', "SELECT id FROM task WHERE user_id = '$alice->{id}'");
	is_deeply([ grep { !$there{$_} } @$ids ], [], 'and none of those is lost');
	my $odd = join ' ', sort grep { !/^(200|201|502|503|504|599)$/ } keys %$written,
	    keys %$read;
	is($odd, '', 'what failed, failed as an outage') or diag(explain([ $written, $read ]));
	note(join ' ', 'writes', map({"$_=$written->{$_}"} sort keys %$written), 'reads',
		map {"$_=$read->{$_}"} sort keys %$read);
	return $read;
}

for my $kind (
	qw(core-api core auth-verify auth-api auth wallet-api wallet nginx-worker nginx redis-auth redis-core postgres-backend postgres)
) {
	my @pids = $k->pids($kind);
	ok(scalar @pids, "$kind: there") or next;
	note("kill -9 $kind");
	under_load(sub {
		my ($victim) = $k->pids($kind);
		$k->kill_pid(KILL => $victim);
		wait_until(
			sub {
				my @now = $k->pids($kind);
				@now && !grep { $_ == $victim } @now
			},
			15);
	});
}
is($alice->get('/api/core/whoami')->{status}, 200, 'still the same session');
is($k->sql('wallet', "SELECT count(*) FROM account WHERE user_id = '$alice->{id}'"), 1,
	'still one wallet account');
done_testing;
