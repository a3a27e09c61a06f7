# kill -9 of each kind of process under load: no acknowledged write is lost, and the
# service recovers by itself.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(wait_until);
use Kedge::Load;
use Kedge::Receiver;
use Kedge::Wallet;

my @services = Kedge::services();
# The jobs of a killed master go to another host's workers when its lease has expired.
my $k = Kedge->up(
	env => {
		map { ("${_}_WEBHOOK_ALLOW_PRIVATE" => 'on', "${_}_WORKER_LEASE_S" => 5) }
		map {uc} @services
	});
my $w = Kedge::Wallet->new($k);
my $alice = $w->user('alice');
$alice->get('/api/core/me');
my $root = $k->user('root');
$k->role($root, 'admin');

# ---- writes under load ---------------------------------------------------------------

# Each job sends a webhook, so that its execution can be observed from outside.  Most
# take 50 ms, which does not count as slow (a slow receiver would delay later
# deliveries).  A second receiver of each service does not answer its first request, so
# that the worker which sent it is in the middle of that job until it is killed.
my $receiver = Kedge::Receiver->new;
my %holding = map { $_ => Kedge::Receiver->new } @services;
my (%endpoint, %holding_endpoint, %held);
sub add_endpoint
{
	my ($service, $url) = @_;
	my $r = $root->post("/api/$service/webhooks", { url => $url, kinds => ['written'] });
	return $r->{json}{id};
}
for my $service (@services) {
	$endpoint{$service} = add_endpoint($service, $receiver->url("/pause/50/$service"));
	$holding{$service}->script('slow', 204);
	$holding_endpoint{$service} = add_endpoint($service, $holding{$service}->url('/script'));
}

sub enqueue
{
	my ($service, $name, $endpoint) = @_;
	$endpoint //= $endpoint{$service};
	my $payload = qq({"endpointId":"$endpoint","eventId":"$name","type":"written",)
	    . '"data":{},"timestamp":"2026-01-01T00:00:00Z"}';
	# SQL creates the delivery jobs, because they cannot be created over HTTP.
	my ($status, $id) =
	    $k->try_sql($service, "SELECT job_id FROM job_enqueue('webhook.deliver', '$payload')");
	chomp $id;
	return $status == 0 ? { status => 201, json => { id => $id } } : { status => 503 };
}

# Waits for a job that a worker has begun and cannot finish: its request has reached the
# receiver.
sub hold_a_worker
{
	my ($service) = @_;
	my $r = enqueue($service, "held-$service", $holding_endpoint{$service});
	$held{$service} = $r->{json}{id};
	return $holding{$service}->wait_for('/', 1, 30);
}

# The acknowledged writes by database and table: a row with the returned id must exist.
my %write = (
	'core.task' => sub { return $alice->post('/api/core/tasks', { title => $_[0] }) },
	'wallet.transfer' => sub { return $w->deposit($alice->{account}, 1) },
	map {
		my $service = $_;
		("$service.job" => sub { return enqueue($service, $_[0]) })
	} @services,
);
my @tables = sort keys %write;
my $writes = 0;

# Returns the result of one write: its status, and the row if it was acknowledged.
sub write_to
{
	my ($table) = @_;
	my $r = $write{$table}->("written-$$-" . ++$writes);
	return ($r->{status}, $r->{status} == 201 ? "$table $r->{json}{id}" : undef);
}

# Returns the acknowledged rows that are missing.
sub lost
{
	my (@rows) = @_;
	my %there;
	for my $table (@tables) {
		my ($database, $name) = split /\./, $table;
		$there{"$table $_"} = 1 for split /\n/, $k->sql($database, "SELECT id FROM $name");
	}
	return [ grep { !$there{$_} } @rows ];
}

# Returns how many jobs of a service are in that state.
sub jobs
{
	my ($service, $how) = @_;
	return $k->sql($service,
		"SELECT count(*) FROM job WHERE kind = 'webhook.deliver' AND $how");
}

# ---- the processes that are killed -----------------------------------------------------

# When nginx is killed, clients lose their connections; when a process that serves
# requests is killed, its requests fail.  No request waits for Redis or a job worker.
sub outage
{
	my ($kind) = @_;
	return $kind =~ /^nginx/ ? qr/^(?:502|503|504|599)$/
	    : $kind =~ /^redis-|-worker$/ ? qr/^(?!)/
	    : qr/^(?:502|503|504)$/;
}

# Kills one process of a kind, or all job workers while one of them is in the middle of
# a job.  Returns true when as many new processes have started.
sub kill_kind
{
	my ($kind) = @_;
	my @victims = $k->pids($kind);
	if (my ($service) = $kind =~ /^(?!nginx)(\w+)-worker$/) {
		ok(hold_a_worker($service), "$kind: the worker runs a job");
	} else {
		@victims = $victims[0];
	}
	$k->kill_pid(KILL => @victims);
	my %victim = map { $_ => 1 } @victims;
	return wait_until(
		sub {
			my @now = $k->pids($kind);
			@now >= @victims && !grep { $victim{$_} } @now;
		},
		15);
}

sub redis_answers
{
	my ($service) = @_;
	return eval { $k->redis($service)->cmd('PING') eq 'PONG' };
}

my @acknowledged;

# Writing clients record what was acknowledged; reading clients count statuses.
sub under_load
{
	my ($kind) = @_;
	my $writers = Kedge::Load->start(
		procs => 2,
		code => sub {
			my ($i) = @_;
			$_->{quiet} = 1 for $alice, $root, $w->{operator};
			my $n = $i;
			return sub { return write_to($tables[ $n++ % @tables ]) };
		});
	my $readers = Kedge::Load->start(
		procs => 1,
		code => sub {
			my $c = $alice->copy;
			$c->{quiet} = 1;
			return sub { return $c->get('/api/core/whoami')->{status} };
		});
	ok(kill_kind($kind), "$kind: a killed process is replaced");
	ok($k->wait_healthy(20), "$kind: all services are healthy again");
	# Requests can succeed before the killed process is replaced, and can still fail
	# when the new one has started.
	ok(wait_until(sub { @services == grep { redis_answers($_) } @services }, 15),
		'each Redis answers again');
	my @after;
	for my $table (@tables) {
		my $row;
		wait_until(sub { (undef, $row) = write_to($table); $row }, 15);
		ok($row, "$table takes writes again");
		push @after, $row // ();
	}
	my ($written, undef, $rows) = $writers->stop;
	my ($read) = $readers->stop;
	cmp_ok($written->{201} // 0, '>=', 1, 'some writes were acknowledged');
	push @acknowledged, @$rows, @after;
	is_deeply(lost(@$rows, @after), [], 'no acknowledged write is lost');
	for (@after) {
		my ($service, $id) = /^(\w+)\.job (.*)/ or next;
		ok(wait_until(sub { jobs($service, "id = '$id' AND state = 'completed'") }, 60),
			"the jobs of $service are completed again");
	}
	my $outage = outage($kind);
	my $odd = join ' ', sort grep { !/^20[01]$/ && !/$outage/ } keys %$written, keys %$read;
	is($odd, '', 'each failed write got 5xx') or diag(explain([ $written, $read ]));
	note(join ' ', 'writes', map({"$_=$written->{$_}"} sort keys %$written), 'reads',
		map {"$_=$read->{$_}"} sort keys %$read);
	return;
}

for my $kind (
	'auth-verify', (map { ("$_-api", "$_-worker", $_) } @services), qw(nginx-worker nginx),
	(map {"redis-$_"} @services), qw(postgres-backend postgres)
) {
	my @pids = $k->pids($kind);
	ok(scalar @pids, "$kind runs before it is killed") or next;
	note("kill -9 $kind");
	under_load($kind);
}

# ---- nothing is lost ---------------------------------------------------------------------

is_deeply(lost(@acknowledged), [], @acknowledged . ' writes were acknowledged: each is there');
for my $service (@services) {
	# The attempt of a killed worker counts as failed, and the job is retried later.
	ok(wait_until(sub { !jobs($service, "state <> 'completed'") }, 60),
		"$service: each job is completed");
	cmp_ok(jobs($service, "id = '$held{$service}' AND attempt > 1"),
		'==', 1, 'the job that each killed worker ran has one attempt more');
	my %told = map { $_->{headers}{'webhook-id'} => 1 }
	    $receiver->requests("/pause/50/$service"), $holding{$service}->requests;
	my @events = split /\n/,
	    $k->sql($service, "SELECT payload->>'eventId' FROM job WHERE kind = 'webhook.deliver'");
	is_deeply([ grep { !$told{$_} } @events ], [], 'each event was delivered to the receiver');
}
is($alice->get('/api/core/whoami')->{status}, 200, 'the session from before is still valid');
is($k->sql('wallet', "SELECT count(*) FROM account WHERE user_id = '$alice->{id}'"), 1,
	'the user still has one wallet account');
done_testing;
