# The endpoints of BetterAuth: the table in auth and the one in docs/COMPATIBILITY.md are
# those of the npm package and of auth's routes, and an endpoint that is not served says
# so, also through the official client.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp;
use Test::More;
use Kedge qw(jdecode jencode run slurp tool);
use Kedge::Node;

Kedge::Node::ready();
my $script = "$Kedge::ROOT/t/compat/endpoints.mjs";
my ($status, $out, $err) = run('node', $script, '--c');
is($status, 0, 'the package lists its endpoints') or diag($err);
cmp_ok(scalar(() = $out =~ /^\t\{ "/mg), '>', 100, 'more than a hundred');
is($out, slurp("$Kedge::ROOT/services/auth/http/endpoint_table.c"), 'auth has the same table')
    or diag('node t/compat/endpoints.mjs --c > services/auth/http/endpoint_table.c');

# The routes of auth, by default and with every plugin on.
my @plugins = slurp("$Kedge::ROOT/services/auth/plugins.c") =~ /&(\w+)_plugin/g;
s/_/-/g for @plugins;
my $default = Kedge::variables('auth')->{AUTH_PLUGINS} =~ tr/`//dr;
sub routes
{
	my ($k) = @_;
	my $paths = $k->client->get('/api/auth/openapi.json')->{json}{paths};
	my @found;
	for my $path (sort keys %$paths) {
		push @found, map { uc($_) . ' ' . $path =~ s{^/api/auth}{}r } sort keys %{ $paths->{$path} };
	}
	return @found;
}
my $k = Kedge->up;
my @on = routes($k);
my %off;
for my $plugin (grep { ",$default," !~ /,$_,/ } @plugins) {
	my $with = Kedge->up(env => { AUTH_PLUGINS => "$default,$plugin" });
	for my $route (routes($with)) {
		$off{$route} = $plugin unless grep { $_ eq $route } @on;
	}
	$with->down;
}
my $file = File::Temp->new;
print $file jencode({ on => \@on, off => \%off });
close $file;
($status, $out, $err) = run('node', $script, '--markdown', '--routes', "$file");
is($status, 0, 'as a table') or diag($err);
my ($table) = slurp("$Kedge::ROOT/docs/COMPATIBILITY.md") =~ /^(\| endpoint \| client .*)\z/ms;
is($table, $out, 'docs/COMPATIBILITY.md has the same') or diag("it must be:\n$out");

# ---- paths of BetterAuth that are not served -------------------------------------------

my $anyone = $k->client;
my @said = (
	[ POST => '/sign-in/social', qr{^POST /sign-in/social of BetterAuth is not in this release} ],
	[ GET => '/callback/github', qr{^GET /callback/:id of BetterAuth is not} ],
	[ POST => '/passkey/delete-passkey', qr/plugin passkey, of which this release does not have it/ ],
	[ POST => '/organization/create', qr/plugin organization,/ ],
	[ POST => '/sign-in/username', qr/plugin username, which is off; add username to AUTH_PLUGINS/ ],
);
for my $row (@said) {
	my ($method, $path, $message) = @$row;
	my $r = $anyone->request($method => "/api/auth$path", ($method eq 'POST' ? (json => {}) : ()));
	is($r->{status}, 404, "$method $path: 404");
	is($r->{json}{code}, 'NOT_SUPPORTED', 'with a code');
	like($r->{json}{message}, $message, 'and a message');
}
for my $path ('/nothing', '/sign-in/social/x', '/callback/', '/sign-in') {
	my $r = $anyone->post("/api/auth$path", {});
	is("$r->{status} $r->{body}", '404 ', "$path: not BetterAuth's, 404 as there");
}
my $code = <<"JS";
import { createAuthClient } from "better-auth-1.7.25/client";
import { organizationClient } from "better-auth-1.7.25/client/plugins";
const client = createAuthClient({ baseURL: "${\ $k->base }", plugins: [organizationClient()],
	fetchOptions: { headers: { origin: "${\ $k->base }" } } });
const { error } = await client.organization.create({ name: "x", slug: "x" });
console.log(error.status, error.code, error.message);
JS
($status, $out, $err) = run({ dir => "$Kedge::ROOT/t/compat" }, 'node', '--input-type=module', '-e', $code);
like($out, qr/^404 NOT_SUPPORTED POST \/organization\/create belongs to BetterAuth's plugin organization/,
	'the official client shows it') or diag($err);
done_testing;
