package Kedge::Relay;

# A unix socket that is forwarded to another one until cut() is called: so one process
# loses a server that all others still reach.

use strict;
use warnings;

use IO::Select;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(SOCK_STREAM);

use Kedge;

sub start
{
	my ($class, %opt) = @_; # options: from, to: the paths of the two sockets
	my $self = bless {%opt}, $class;
	unlink $self->{from};
	my $listener = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $self->{from},
		Listen => 128) or die "$self->{from}: $!";
	chmod 0777, $self->{from};
	my $parent = $$;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		Kedge::in_child();
		$SIG{PIPE} = 'IGNORE';
		relay($listener, $self->{to}) while getppid == $parent;
		POSIX::_exit(0);
	}
	$self->{pid} = $pid;
	return $self;
}

# Forwards data in both directions; when one side closes, both connections are closed.
sub relay
{
	my ($listener, $to) = @_;
	our ($select, %peer);
	$select //= IO::Select->new($listener);
	for my $from ($select->can_read(1)) {
		if ($from == $listener) {
			my $client = $listener->accept or next;
			my $server = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $to) or next;
			@peer{ $client, $server } = ($server, $client);
			$select->add($client, $server);
			next;
		}
		my $to = $peer{$from} or next;
		my $n = sysread $from, my $data, 65536;
		next if $n && defined syswrite $to, $data;
		$select->remove($from, $to);
		delete @peer{ $from, $to };
		close $_ for $from, $to;
	}
	return;
}

# Refuses new connections and closes the existing ones.
sub cut
{
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	kill KILL => $pid;
	waitpid $pid, 0;
	unlink $self->{from};
	return;
}

sub DESTROY { my ($self) = @_; local ($?, $!); $self->cut; return }

1;
