# auth serves a database created by the real BetterAuth, with the same secret: old
# passwords sign in, old cookies are valid; and BetterAuth can use the database again.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use Test::More;
use Kedge qw(run_tap);
use Kedge::Node;

Kedge::Node::ready();
my $adoption = "$Kedge::ROOT/t/compat/adoption.mjs";
for my $version ('1.7.25', '1.7.7', '1.4.18') {
	note("a database of BetterAuth $version");
	my $k = Kedge->up;
	my $secret = $k->service_env('auth')->{AUTH_SECRET};
	my $state = tempdir(CLEANUP => 1) . '/state.json';
	my @old = ('--database', $k->node_url('auth', 'auth_owner'), '--secret', $secret, '--state',
		$state);

	$k->sql('postgres', 'DROP DATABASE auth WITH (FORCE)');
	$k->sql('postgres', 'CREATE DATABASE auth OWNER auth_owner');
	run_tap('node', $adoption, 'prepare', '--version', $version, @old);
	$k->down;
	$k->start;
	is($k->client->get('/health/auth')->{status}, 200, 'auth serves it');
	run_tap('node', $adoption, 'check', '--base', $k->base, '--state', $state);
	run_tap('node', $adoption, 'back', @old);
	ok($k->destroy, "nothing to complain of");
}
done_testing;
