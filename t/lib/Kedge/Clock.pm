package Kedge::Clock;

# A wall clock for all processes started after use(): it can be set forward and back in
# all of them at once, without affecting the rest of the machine (t/preload/shift.c).
#
# 	my $clock = Kedge::Clock->use;   # before anything is started
# 	$clock->set(7200);               # two hours ahead of the machine's

use strict;
use warnings;

use Kedge::Preload;

sub use
{
	my ($class) = @_;
	my $self = bless {}, $class;
	$self->{home} = Kedge::Preload->use('shift');
	$self->set(0);
	return $self;
}

# Sets the clock to this many seconds ahead of the machine's clock; a negative number
# sets it back.
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
