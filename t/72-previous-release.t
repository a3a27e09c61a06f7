# The programs of the previous release run on the schema of this one, before and after a
# restart; and this release starts again on what they have written.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jdecode run wait_until);
use Kedge::Page;
use Kedge::Release;
use Kedge::Wallet;

my $previous = eval { Kedge::Release::previous() };
if (!defined $previous) {
	fail('the previous release is built') or diag($@);
	done_testing;
	exit 1;
}
my $k = Kedge->up(build => $previous);
my $w = Kedge::Wallet->new($k);
my $bob = $w->user('bob');
my $old; # a user who signed up before the migration

sub run_job
{
	my ($when, $service, $kind, @payload) = @_;
	my ($status, $out, $err) = $k->kedge('jobs', $service, 'enqueue', $kind, @payload, '--json');
	is($status, 0, "$when: a job $kind is enqueued") or diag($err);
	my $id = (jdecode($out) // {})->{id} // 'none';
	ok(wait_until(sub {
			($status, $out, $err) = $k->kedge('jobs', $service, 'show', $id, '--json');
			((jdecode($out) // {})->{state} // '') eq 'completed';
		}, 20), "$when: the job is completed") or diag("$out$err");
	return;
}

# Makes one pass through the services, as a new user and as an older one.
sub make_pass
{
	my ($when) = @_;
	my $alice = $w->user('alice', 1000);
	is($alice->session->{user}{email}, $alice->{email}, "$when: a user signs up");
	for my $who ($alice, $old // ()) {
		my $again = $k->again($who);
		my $r = $again->post('/api/core/tasks', { title => "A task $when" });
		is($r->{status}, 201, "$when: $who->{name} signs in and makes a task") or diag($r->{body});
		$r = $again->patch("/api/core/tasks/$r->{json}{id}", { status => 'done' },
			headers => { 'If-Match' => $r->{headers}{etag} // '*' });
		is($r->{status}, 200, "$when: the task is changed") or diag($r->{body});
		$r = $again->get('/api/core/tasks');
		is($r->{json}{items}[0]{title}, "A task $when", "$when: the list of tasks begins with the new task");
		$r = $w->move($again, $who->{account}, $bob->{account}, 100);
		is($r->{status}, 201, "$when: a transfer is made") or diag($r->{body});
		$r = $again->sign_out;
		is($r->{status}, 200, "$when: sign-out succeeds") or diag($r->{body});
		is($again->get('/api/core/me')->{status}, 401, "$when: the session is refused after sign-out");
	}
	run_job($when, 'core', 'example.factorize', '{"number":"91"}');
	run_job($when, 'wallet', 'ledger.check');
	$old //= $alice;
	return;
}

make_pass('before the migration');
# The commands of docs/UPGRADE.md, by this release. The databases are migrated before the
# restart, so that the previous release serves on them.
my ($block) = Kedge::Page->new('docs/UPGRADE.md')->blocks('sh', 'releases');
my @commands = $block->{text} =~ m{^\./kedge (.*)}mg;
is_deeply(\@commands, [ 'upgrade --check', 'restart' ], 'docs/UPGRADE.md has the commands of an upgrade');
my ($said, $out, $err) = run(Kedge->binary('kedge'), split(' ', $commands[0]), '--dir', $k->dir);
is($said, 0, "this release: $commands[0], while the previous one serves") or diag($out, $err);
my %old = map { $_ => 1 } Kedge::services_of($previous);
for my $service (Kedge::services()) {
	my $like = $old{$service} ? 'these migrations will be run' : 'the service is new; its database will be made';
	like($out, qr/^$service: $like/m, "$commands[0] says what will happen to $service");
}
for my $service (sort keys %old) {
	my ($status, undef, $problem) = run(Kedge->binary('kedge'), 'migrate', '--dir', $k->dir, $service);
	is($status, 0, "this release migrates $service while the previous one serves") or diag($problem);
}
make_pass('on the new schema');
$k->down;
$k->start(port => $k->port);
make_pass('restarted on the new schema');

# ---- this release starts again ------------------------------------------------------

$k->{build} = Kedge::build_dir();
$k->{env} = { Kedge::without_rates($k->{build}) };
($said, $out, $err) = $k->kedge($commands[1]);
is($said, 0, "this release: $commands[1]") or diag($err);
make_pass('with this release again');
done_testing;
