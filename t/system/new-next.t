# kedge new --template next: the page is built, and a browser does what a person does: from
# the files that were built, from the development server behind Kedge, and with an origin of
# its own.  It is in this set because the packages have 400 MB, and a build takes a minute.
# t/17-new.t does the same with the other templates.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp qw(tempdir);
use Test::More;
use Kedge qw(free_port jdecode slurp);
use Kedge::Front;

Kedge::Front::ready('next');
my $place = tempdir('kedge-new-XXXXXX', DIR => $ENV{TMPDIR}, CLEANUP => 1);
my $port = free_port();
my $k = Kedge->up(env => { AUTH_TRUSTED_ORIGINS => "http://127.0.0.1:$port" });
my $next = Kedge::Front->new($place, 'next');
my ($made, $installed) = map { jdecode(slurp($_)) } $next->path('package.json'), "$Kedge::ROOT/t/compat/next/package.json";
is_deeply($installed->{$_}, $made->{$_}, "t/compat/next has the same $_") for qw(dependencies devDependencies);
$next->modules('next');
for my $script (qw(types check build)) {
	my ($status, $out, $err) = $next->run_here('npm', 'run', $script);
	is($status, 0, "npm run $script") or diag($out, $err);
}
$k->down;
$k->start(args => [ '--web', $next->path('out') ]);
$next->tour($k->base, 'next, built', '--quick');

my @dev = ('npx', 'next', 'dev', '-H', '127.0.0.1', '-p', $port);
$next->serve($port, @dev);
$k->down;
$k->start(args => [ '--web', "http://127.0.0.1:$port" ]);
$next->tour($k->base, 'next');
$next->stop;
$next->change('.env', sub { s/^NEXT_PUBLIC_KEDGE=\K/$k->base/me });
$next->serve($port, @dev);
$next->tour("http://127.0.0.1:$port", 'next, own origin', '--quick');
$next->stop;
done_testing;
