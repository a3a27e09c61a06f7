# Pages of other origins in a real browser: the official client, core and wallet; what the
# page of an origin that is not listed can see.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(free_port run_tap tool);
use Kedge::Node;

Kedge::Node::ready();
my ($chromium) = grep {defined} map { tool($_) } qw(chromium chromium-browser google-chrome);
plan(skip_all => 'chromium is not installed') unless $chromium;
my ($page, $refused) = (free_port(), free_port());
my $k = Kedge->up(env => { AUTH_TRUSTED_ORIGINS => "http://127.0.0.1:$page" });
run_tap('node', "$Kedge::ROOT/t/compat/cors.mjs", '--base', $k->base, '--page', $page,
	'--refused', $refused, '--chromium', $chromium);
done_testing;
