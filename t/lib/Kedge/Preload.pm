package Kedge::Preload;

# What is started after use(NAME) has t/preload/NAME.c preloaded, and a home of
# its own, where that looks for what it is to do.
#
#	my $home = Kedge::Preload->use('scarce');

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Kedge ();

sub use
{
	my ($class, $name) = @_;
	my $library = abs_path(Kedge::build_dir() . "/t/preload/$name.so");
	die "$name.so is not built" unless defined $library && -e $library;
	my $home = tempdir("kedge-$name-XXXXXX", TMPDIR => 1, CLEANUP => 1);
	chmod 0755, $home;
	$ENV{HOME} = $home;
	$ENV{LD_PRELOAD} = $library;
	$ENV{ASAN_OPTIONS} = join ':', $ENV{ASAN_OPTIONS} // (), 'verify_asan_link_order=0';
	return $home;
}

1;
