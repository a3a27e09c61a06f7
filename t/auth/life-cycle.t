# Mail and the life cycle of an account are compared with BetterAuth: the same requests to
# both, with the links that each has sent, and the official clients of three versions.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Kedge;
use Kedge::Node;

Kedge::Node::ready();
my $k = Kedge->up;
$k->sql('postgres', 'CREATE DATABASE oracle');
my $oracle = Kedge::Node->oracle(version => '1.7.25', database => $k->node_url('oracle'),
	secret => $k->service_env('auth')->{AUTH_SECRET}, mail => 'off');
Kedge::run_tap('node', "$Kedge::ROOT/t/compat/differential.mjs", '--script', 'life-cycle',
	'--a', $oracle->{base}, '--a-db', $k->node_url('oracle'), '--b', $k->base,
	'--b-db', $k->node_url('auth'), '--b-mail', $k->dir . '/mail');
for my $version ('1.7.25', '1.7.7', '1.4.18') {
	note("better-auth/client $version");
	Kedge::run_tap('node', "$Kedge::ROOT/t/compat/plugin.mjs", '--script', 'life-cycle',
		'--base', $k->base, '--version', $version, '--mail', $k->dir . '/mail');
}
ok($k->destroy, 'the logs have no sanitizer report or failed assertion');
done_testing;
