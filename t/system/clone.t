# The README's first commands on a machine that has nothing but git: a clone, `./kedge up`
# and `./kedge test`, as an ordinary user with sudo, and as root.
#
# It is a small Debian or Ubuntu in namespaces of its own, except for the network, which
# apt and npm need. Needs root, debootstrap and the network. KEDGE_SUITE chooses the
# release.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(free_port run);
use Kedge::Machine;
use Kedge::Server;

Kedge::Server::need();
my $suite = Kedge::Server::suite();

# The clone has what is committed.
sub clone
{
	my ($machine, $dir, $owner) = @_;
	my ($status, $out, $err) = run('git', 'clone', '-q', '--no-local', "file://$Kedge::ROOT",
		$machine->root . $dir);
	is($status, 0, "a clone in $dir") or BAIL_OUT($err);
	$machine->succeeds("of $owner", 'chown', '-R', "$owner:$owner", $dir);
	return;
}

sub up
{
	my ($machine, $who, @as) = @_;
	my $port = free_port();
	my $start = time;
	my ($status, $out, $err) = $machine->in(@as, "./kedge up --detach --port $port");
	is($status, 0, "$who: ./kedge up") or diag substr "$out$err", -3000;
	like($out, qr{ready on http://127\.0\.0\.1:$port}, 'it is ready');
	diag sprintf '%s: ./kedge up from a clone on a bare machine: %.0f s', $who, time - $start;
	my $url = "http://127.0.0.1:$port";
	like($machine->succeeds('sign up', 'curl', '-sS', '-c', '/tmp/jar', '-H', "Origin: $url", '-H',
			'Content-Type: application/json', '-d',
			'{"name":"Ada","email":"ada@example.com","password":"correct horse battery"}',
			"$url/api/auth/sign-up/email"), qr/"user":/, 'it answers');
	like($machine->succeeds('wallet', 'curl', '-sS', '-b', '/tmp/jar', "$url/api/wallet/accounts"),
		qr/"currency":"USD"/, 'so does a service');
	$machine->succeeds("$who: ./kedge down", @as, './kedge down');
	return;
}

{
	my $machine = Kedge::Machine->new($suite, qw(git sudo ca-certificates));
	$machine->succeeds('a user', qw(useradd -m -s /bin/bash ada));
	$machine->write('/etc/sudoers.d/ada', "ada ALL=(ALL) NOPASSWD: ALL\n");
	clone($machine, '/home/ada/kedge', 'ada');
	my @ada = qw(runuser -u ada -- env HOME=/home/ada USER=ada sh -c);
	up($machine, 'an ordinary user', 'env', '-C', '/home/ada/kedge', @ada);

	my $start = time;
	my ($status, $out, $err) = $machine->in({ timeout => 3000 }, 'env', '-C', '/home/ada/kedge', @ada,
		'./kedge test t/10-edge.t t/00-config.t t/unit/test_json.c');
	is($status, 0, './kedge test FILES: what tests need is installed') or diag substr "$out$err", -3000;
	like($out, qr/^Result: PASS/m, 'the tests pass');
	diag sprintf './kedge test, set-up and three files: %.0f s', time - $start;
}
{
	my $machine = Kedge::Machine->new($suite, qw(git ca-certificates));
	clone($machine, '/root/kedge', 'root');
	up($machine, 'root', qw(env -C /root/kedge sh -c));
}
done_testing;
