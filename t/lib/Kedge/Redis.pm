package Kedge::Redis;

# Sends commands to a Redis server on a unix socket.  A reply is text, undef, or a list
# of replies.

use strict;
use warnings;

use IO::Socket::UNIX;
use Socket qw(SOCK_STREAM);

sub new
{
	my ($class, $path) = @_;
	my $socket = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path)
	    or return undef;
	return bless { socket => $socket }, $class;
}

sub cmd
{
	my ($self, @args) = @_;
	my $s = $self->{socket};
	print $s '*' . @args . "\r\n", map { '$' . length($_) . "\r\n$_\r\n" } @args;
	$s->flush;
	return $self->reply;
}

sub reply
{
	my ($self) = @_;
	my $s = $self->{socket};
	my $line = <$s> // die "Redis hung up\n";
	$line =~ s/\r\n$//;
	my ($kind, $rest) = $line =~ /^(.)(.*)$/s;
	return $rest if $kind eq '+' || $kind eq ':';
	die "Redis: $rest\n" if $kind eq '-';
	return undef if $rest < 0;
	if ($kind eq '$') {
		read $s, my $data, $rest + 2;
		return substr $data, 0, $rest;
	}
	return [ map { $self->reply } 1 .. $rest ];
}

sub keys_like
{
	my ($self, $pattern) = @_;
	return sort @{ $self->cmd('KEYS', $pattern) };
}

1;
