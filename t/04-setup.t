# How setup treats an installed libfcgi that must not be used.  The test replaces only
# the version of the library, and what apt would do about it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Copy qw(copy);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;
use Kedge qw(run slurp);

plan(skip_all => 'no dpkg here') unless -x '/usr/bin/dpkg';

my $dir = tempdir(CLEANUP => 1);
make_path("$dir/cli", "$dir/bin");
copy("$Kedge::ROOT/cli/setup.sh", "$dir/cli/setup.sh") or die "copy: $!";

sub script
{
	my ($name, $text) = @_;
	open my $out, '>', "$dir/$name" or die "$name: $!";
	print $out "#!/bin/sh\n$text\n";
	close $out;
	chmod 0755, "$dir/$name";
	return;
}
script('bin/dpkg-query', "cat $dir/version");
script('bin/sudo', 'exec "$@"');

# Runs setup.sh when the packages $before are installed and apt offers $after; returns
# its status and output.
sub setup
{
	my ($before, $after) = @_;
	unlink "$dir/installed";
	script('cli/install.sh', "echo \"\$@\" >$dir/installed; printf %s $after >$dir/version");
	open my $out, '>', "$dir/version" or die $!;
	print $out $before;
	close $out;
	my ($status, $said, $err) =
	    run({ env => { PATH => "$dir/bin:$ENV{PATH}" } }, 'sh', "$dir/cli/setup.sh", 'up');
	return ($status, $said . $err);
}

my ($status, $said) = setup('2.4.2-2+deb12u1', 'none');
is($status, 0, 'an installed version with the fix is accepted');
ok(!-e "$dir/installed", 'kedge does not install packages that are installed');
like(slurp("$dir/build/setup"), qr/\bup\b/, 'kedge notes the installed set for the next time');

($status, $said) = setup('2.4.2-2', '2.4.2-2+deb12u1');
is($status, 0, 'a set with a missing package is installed');
is(slurp("$dir/installed"), "libfcgi-dev\n", 'only the missing package is installed');

for my $row (
	[ '2.4.2-2',         '2.4.2-2+deb12u1' ],
	[ '2.4.2-2.1build1', '2.4.2-2.1ubuntu0.24.04.1' ],
	[ '2.4.4-1',         '2.4.5' ])
{
	my ($version, $fixed) = @$row;
	($status, $said) = setup($version, $version);
	isnt($status, 0, "$version: without another version, the comparison with libfcgi is not built");
	like($said,
		qr/^kedge: libfcgi-dev \Q$version\E has CVE-2025-23016; \Q$fixed\E has the fix/m,
		"$version: the error gives the reason");
}
done_testing;
