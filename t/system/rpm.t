# The files of rpm/kedge.spec, as far as Debian's rpmbuild can show.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Kedge::System;

plan skip_all => 'needs root' if $>;
plan skip_all => 'debootstrap is not there (./kedge setup system)'
    if !qx(sh -c 'command -v debootstrap');

my $files = Kedge::System::build_rpm($ENV{KEDGE_SUITE} // 'bookworm');
for my $file (
	qw(/usr/bin/kedge /usr/lib/kedge/auth /etc/kedge/kedge.json /usr/share/kedge/sql/auth/0001_identity.sql
	/usr/lib/systemd/system/kedge.target /usr/lib/systemd/system/kedge-.service.d/10-sandbox.conf)) {
	like($files, qr/^\Q$file\E$/m, "$file is in the package");
}
done_testing;
