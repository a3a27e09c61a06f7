package Kedge::Preload;

# Processes started after use(NAME) have t/preload/NAME.c preloaded, and a home
# directory of their own, whose files control the preloaded code.
#
# 	my $home = Kedge::Preload->use('scarce');

use strict;
use warnings;

use File::Copy qw(copy);
use File::Temp qw(tempdir);
use Kedge ();

sub use
{
	my ($class, $name) = @_;
	my $home = tempdir("kedge-$name-XXXXXX", TMPDIR => 1, CLEANUP => 1);
	# The user that PostgreSQL runs as must be able to read the directory, too.
	chmod 0755, $home;
	copy(Kedge::build_dir() . "/t/preload/$name.so", "$home/$name.so")
	    or die "$name.so is not built";
	$ENV{HOME} = $home;
	$ENV{LD_PRELOAD} = "$home/$name.so";
	$ENV{ASAN_OPTIONS} = join ':', $ENV{ASAN_OPTIONS} // (), 'verify_asan_link_order=0';
	return $home;
}

1;
