# Under node: the official client of both lines, the specifications in a real
# validator, a person in a real browser.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(run_tap tool);
use Kedge::Node;

Kedge::Node::ready();
my $k = Kedge->up;
my $compat = "$Kedge::ROOT/t/compat";
for my $version ('1.7', '1.4') {
	note("better-auth/client $version");
	run_tap('node', "$compat/client.mjs", '--base', $k->base, '--version', $version);
}
run_tap('node', "$compat/openapi.mjs", '--base', $k->base, qw(auth core wallet));
SKIP: {
	my ($chromium) =
	    grep {defined} map { tool($_) } qw(chromium chromium-browser google-chrome);
	skip 'chromium is not installed', 1 unless $chromium;
	run_tap('node', "$compat/browser.mjs", '--base', $k->base, '--chromium', $chromium,
		$ENV{SCREENSHOTS} ? ('--screenshots', $ENV{SCREENSHOTS}) : ());
}
done_testing;
