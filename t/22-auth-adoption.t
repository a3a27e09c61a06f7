# auth serves a database created by the real BetterAuth, with the same secret: passwords
# and cookies from before still work.  Afterwards BetterAuth can use the database again.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use Test::More;
use Kedge qw(run run_tap tool);
use Kedge::Node;

Kedge::Node::ready();
my $adoption = "$Kedge::ROOT/t/compat/adoption.mjs";
for ([ '1.7.25' ], [ '1.7.7' ], [ '1.4.18' ], [ '1.7.25', 'uuid' ], [ '1.7.25', 'serial' ]) {
	my ($version, $ids) = @$_;
	my @ids = $ids ? ('--ids', $ids) : ();
	note("a database of BetterAuth $version" . ($ids ? ", ids: $ids" : ''));
	my $k = Kedge->up;
	my $secret = $k->service_env('auth')->{AUTH_SECRET};
	my $state = tempdir(CLEANUP => 1) . '/state.json';
	my $url = $k->node_url('auth', 'auth_owner');
	my @old = ('--database', $url, '--secret', $secret, '--state', $state, @ids);

	$k->sql('postgres', 'DROP DATABASE auth WITH (FORCE)');
	$k->sql('postgres', 'CREATE DATABASE auth OWNER auth_owner');
	run_tap('node', $adoption, 'prepare', '--version', $version, @old);
	my ($status, undef, $err) = run(tool('psql'), '--single-transaction', '-v', 'ON_ERROR_STOP=1',
		'-qXf', "$Kedge::ROOT/sql/adopt_ids.sql", $k->url_as('auth_owner', 'auth'));
	is($status, 0, 'a BetterAuth database with text ids is adopted') or diag($err);
	$k->down;
	$k->start;
	is($k->monitor->get('/health/auth')->{status}, 200, 'auth is healthy on the adopted database');
	run_tap('node', $adoption, 'check', '--base', $k->base, '--state', $state, @ids);
	run_tap('node', $adoption, 'back', @old);
	ok($k->destroy, 'the logs have no sanitizer report or failed assertion');
}
done_testing;
