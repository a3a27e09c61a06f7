# The package is built in a Debian of its own, twice: its bytes must not depend on where
# and when it is built. lintian checks it. Needs root and debootstrap; KEDGE_SUITE chooses
# the release.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Digest::SHA qw(sha256_hex);
use File::Basename qw(basename);
use Test::More;
use Kedge qw(slurp);
use Kedge::System;

plan skip_all => 'needs root' if $>;
plan skip_all => 'debootstrap is not there (./kedge setup system)'
    if !qx(sh -c 'command -v debootstrap');

my $suite = $ENV{KEDGE_SUITE} // 'bookworm';
my $dir = Kedge::System::build($suite, 'first');
my $again = Kedge::System::build($suite, 'second-build', no_cache => 1);
my @packages = glob "$dir/*.deb";
is(scalar @packages, 2, 'the package, and its debug symbols');
for my $file (@packages) {
	my $name = basename($file);
	is(sha256_hex(slurp("$again/$name")), sha256_hex(slurp($file)), "$name is reproducible");
	diag sprintf '%s: %d bytes', $name, -s $file;
}
my ($status, $out) = Kedge::System::lintian($suite, $dir);
is($status, 0, 'lintian finds no error and no warning');
diag $out if $out ne '';
done_testing;
