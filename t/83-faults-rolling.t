# A rolling restart and dying workers under load: not one GET fails.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(files slurp wait_until);
use Kedge::Load;

my $k = Kedge->up;
my $alice = $k->user('alice');
$alice->get($_) for '/api/core/me', '/api/wallet/accounts';

sub load
{
	my (%opt) = @_;
	return Kedge::Load->start(
		procs => 4,
		code => sub {
			my ($i) = @_;
			my $c = $alice->copy(%opt);
			my @path = ('/api/core/whoami', '/api/core/me', '/api/wallet/accounts',
				'/api/auth/get-session');
			my $n = $i;
			return sub { return $c->get($path[ $n++ % 4 ])->{status} };
		});
}

sub no_failure
{
	my ($name, $count, $slowest) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is_deeply([ sort keys %$count ], [200],
		"$name: not one GET of " . ($count->{200} // 0) . ' failed')
	    or diag(explain($count));
	cmp_ok($count->{200} // 0, '>=', 10, "$name: at least ten requests were made meanwhile");
	note(sprintf '%s: slowest %.2f s', $name, $slowest);
	return;
}

# ---- SIGHUP: the workers are replaced one by one, the master stays ------------------

for my $service (qw(core wallet auth)) {
	my ($master) = $k->pids($service);
	my %old = map { $_ => 1 } map { $k->pids("$service-$_") } qw(api verify);
	my $load = load();
	kill HUP => $master;
	my $replaced = wait_until(
		sub {
			my @now = map { $k->pids("$service-$_") } qw(api verify);
			@now >= keys %old && !grep { $old{$_} } @now;
		},
		30);
	ok($replaced, "$service: SIGHUP replaces every worker");
	is(($k->pids($service))[0], $master, "$service: the master keeps its process id");
	no_failure("$service: rolling restart", $load->stop);
}
# Several SIGHUPs are sent at once, and another one during the restart.
my $load = load();
my %masters = map { $_ => ($k->pids($_))[0] } Kedge::services();
for (1 .. 3) {
	kill HUP => values %masters;
	wait_until(sub { $k->monitor->get('/health/core')->{status} == 200 }, 5);
}
ok($k->wait_healthy, 'three SIGHUPs in a row lose no request');
no_failure('hasty restarts', $load->stop);
is(($k->pids($_))[0], $masters{$_}, "$_: the master keeps its process id") for sort keys %masters;
ok(
	wait_until(
		sub { @{ [ $k->pids('core-api') ] } == 2 && @{ [ $k->pids('auth-verify') ] } == 2 },
		20
	),
	'as many workers run as before'
) or diag(explain([ $k->processes ]));

# Counters keep their values over a restart.
my $counted = sub {
	my $n = 0;
	for (split /\n/, $k->monitor->get('/metrics/core')->{body}) {
		$n += $1 if /^\w*requests\w*(?:\{[^}]*\})? (\d+)/ && !/_bucket|_sum/
	}
	return $n
};
my $before = $counted->();
kill HUP => $masters{core};
wait_until(sub { $k->monitor->get('/health/core')->{status} == 200 }, 5);
cmp_ok($counted->(), '>=', $before, 'the counters of metrics are kept');

# nginx reloads its configuration, too.  Each request uses a new connection: a client
# must expect that a kept connection may be closed.
$load = load(keep_alive => 0);
my ($nginx) = $k->pids('nginx');
my %workers = map { $_ => 1 } $k->pids('nginx-worker');
kill HUP => $nginx;
ok(
	wait_until(
		sub {
			my @now = $k->pids('nginx-worker');
			@now && !grep { $workers{$_} } @now
		},
		20
	),
	'nginx has replaced its workers');
no_failure('nginx reload', $load->stop);

# ---- a worker dies, and nginx repeats a GET --------------------------------------------

for my $kind (qw(auth-verify core-api auth-api wallet-api)) {
	my $load = load();
	for (1 .. 3) {
		my ($victim) = $k->pids($kind) or next;
		$k->kill_pid(KILL => $victim);
		ok(
			wait_until(
				sub {
					my @now = $k->pids($kind);
					@now && !grep { $_ == $victim } @now
				},
				10
			),
			"$kind: the killed process is replaced");
		# One worker crashes at a time: a request that two crashes hit may fail.
		my $well = 0;
		wait_until(
			sub {
				$well =
				       $alice->get('/api/core/me')->{status} == 200
				    && $alice->get('/api/wallet/accounts')->{status} == 200
				    ? $well + 1
				    : 0;
				$well == 10
			},
			20);
	}
	no_failure("$kind: kill -9", $load->stop);
}

# ---- draining: what was begun is finished ------------------------------------------------

# The restart happens while a password is being hashed, so that a POST is certainly in
# progress.  (If nginx sends a request on a kept connection at the moment in which the
# service closes it, nginx repeats a GET, but no POST.)
my ($master) = $k->pids('auth');
my @finished;
for my $round (1 .. 12) {
	last if @finished == 6;
	my @workers = $k->pids('auth-api');
	pipe my $r, my $w or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		Kedge::in_child();
		print $w $k->client->post('/api/auth/sign-in/email',
			{ email => $alice->{email}, password => $alice->{password} })->{status};
		close $w;
		POSIX::_exit(0);
	}
	close $w;
	my $hashing = wait_until(sub {
		grep { (slurp("$_/stat") // '') =~ /\) R / }
		    map { files("/proc/$_/task") } @workers }, 5);
	kill HUP => $master;
	my $status = do { local $/; <$r> };
	push @finished, $status if $hashing; # otherwise the request finished before the restart
	waitpid $pid, 0;
	my %old = map { $_ => 1 } @workers;
	wait_until(sub { my @now = $k->pids('auth-api'); @now == 2 && !grep { $old{$_} } @now }, 20);
}
is("@finished", '200 200 200 200 200 200', 'requests that have begun are finished, POSTs too');
done_testing;
