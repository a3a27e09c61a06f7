package Kedge::Clock;

# The wall clock of what is started after use(): set forward and back at once in
# all of it, while nothing else of the machine notices (t/clock/shift.c).
#
#	my $clock = Kedge::Clock->use;   # before anything is started
#	$clock->set(7200);               # two hours ahead of the machine's

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Kedge ();

sub use
{
	my ($class) = @_;
	my $library = abs_path(Kedge::build_dir() . '/t/clock/shift.so');
	die 'shift.so is not built' unless defined $library && -e $library;
	my $self = bless { home => tempdir('kedge-clock-XXXXXX', TMPDIR => 1, CLEANUP => 1) }, $class;
	chmod 0755, $self->{home};
	$self->set(0);
	$ENV{HOME} = $self->{home};
	$ENV{LD_PRELOAD} = $library;
	$ENV{ASAN_OPTIONS} = join ':', $ENV{ASAN_OPTIONS} // (), 'verify_asan_link_order=0';
	return $self;
}

# In seconds, ahead of the machine's clock; negative: behind.
sub set
{
	my ($self, $shift_s) = @_;
	my $path = "$self->{home}/clock-shift";
	open my $out, -e $path ? '+<' : '>', $path or die "$path: $!";
	syswrite $out, pack 'q', $shift_s;
	chmod 0644, $path;
	return;
}

1;
