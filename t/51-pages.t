# The pages of the documentation whose commands run on a stack: each block is executed, from
# top to bottom, and prints what the page shows. t/system/pages.t executes the blocks for a
# server.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(need);
use Kedge::Page;

need(qw(curl));
my $k = Kedge->up;

# The pages, and what is different here.
my @pages = (
	[ 'docs/FIRST-HOUR.md' ],
	[ 'docs/MONITORING.md' ],
);
for my $row (@pages) {
	my ($path, %opt) = @$row;
	Kedge::Page->new($path)->run_on_stack($k, %opt);
	ok($k->wait_healthy, "$path: the services are ready afterwards");
}
done_testing;
