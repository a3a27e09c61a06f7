package Kedge::Load;

# Sends requests continuously, in separate processes, while the test breaks something,
# and counts the results.
#
# 	my $load = Kedge::Load->start(procs => 2, code => sub {
# 		my ($i) = @_;           # called once in each process
# 		my $c = …;
# 		return sub { $c->get('/api/core/whoami')->{status} };
# 	});
# 	…
# 	my $count = $load->stop;        # { 200 => 1234, 503 => 2 }

use strict;
use warnings;

use POSIX ();
use Time::HiRes qw(time);

use Kedge ();

sub start
{
	my ($class, %opt) = @_;
	my $self = bless { kids => [] }, $class;
	my $parent = $$;
	for my $i (0 .. ($opt{procs} // 2) - 1) {
		pipe my $r, my $w or die "pipe: $!";
		my $pid = fork // die "fork: $!";
		if ($pid == 0) {
			Kedge::in_child();
			close $r;
			work($opt{code}->($i), $w, $parent);
			POSIX::_exit(0);
		}
		close $w;
		push @{ $self->{kids} }, { pid => $pid, r => $r };
	}
	# Wait for the first result of each process, so that all send requests before
	# the test continues.
	sysread $_->{r}, my $byte, 1 for @{ $self->{kids} };
	return $self;
}

sub work
{
	my ($request, $w, $parent) = @_;
	my $stop = 0;
	local $SIG{TERM} = sub { $stop = 1 };
	local $SIG{PIPE} = 'IGNORE';
	my (%count, $slowest, @kept);
	my $first = 1;
	$slowest = 0;
	# The processes also stop when the test has ended for any reason.
	until ($stop || getppid != $parent) {
		my $t = time;
		my ($result, $keep) = eval { $request->() };
		$result = "died: $@" if $@;
		$count{$result}++;
		push @kept, $keep if defined $keep;
		my $took = time - $t;
		$slowest = $took if $took > $slowest;
		if ($first) {
			syswrite $w, '.';
			$first = 0;
		}
	}
	print $w Kedge::jencode({ count => \%count, slowest => $slowest, kept => \@kept });
	close $w;
	return;
}

# Stops the processes; returns how often each result occurred and, in list context, also
# the longest time of a request in seconds, and the values that the requests returned
# for keeping.
sub stop
{
	my ($self) = @_;
	my (%sum, @kept);
	my $slowest = 0;
	kill TERM => map { $_->{pid} } @{ $self->{kids} };
	for my $kid (@{ $self->{kids} }) {
		my $r = $kid->{r};
		local $/;
		my $result = Kedge::jdecode(scalar <$r>) // { count => { lost => 1 }, kept => [] };
		waitpid $kid->{pid}, 0;
		$sum{$_} += $result->{count}{$_} for keys %{ $result->{count} };
		push @kept, @{ $result->{kept} };
		$slowest = $result->{slowest} if ($result->{slowest} // 0) > $slowest;
	}
	$self->{kids} = [];
	return wantarray ? (\%sum, $slowest, \@kept) : \%sum;
}

sub DESTROY
{
	my ($self) = @_;
	kill KILL => map { $_->{pid} } @{ $self->{kids} };
	return;
}

1;
