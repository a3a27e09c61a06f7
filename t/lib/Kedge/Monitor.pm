package Kedge::Monitor;

# A program that watches a stack: it reads health and metrics on the socket that is for
# that.  A response is a hash like that of Kedge::Client.

use strict;
use warnings;

use IO::Socket::UNIX;
use JSON::PP ();

my $json = JSON::PP->new->utf8->allow_nonref;

sub new
{
	my ($class, $dir) = @_;
	return bless { path => "$dir/run/monitoring.sock" }, $class;
}

# Options: headers; host (localhost).
sub get
{
	my ($self, $path, %opt) = @_;
	my $socket = IO::Socket::UNIX->new(Peer => $self->{path});
	my $text = '';
	if ($socket) {
		my %headers = (Host => $opt{host} // 'localhost', %{ $opt{headers} // {} });
		local $SIG{PIPE} = 'IGNORE';
		print {$socket} "GET $path HTTP/1.0\r\n", (map {"$_: $headers{$_}\r\n"} sort keys %headers), "\r\n";
		$socket->flush;
		local $SIG{ALRM} = sub { die "$path: no answer\n" };
		alarm 20;
		eval { local $/; $text = <$socket> // ''; 1 } or $text = '';
		alarm 0;
	}
	my ($head, $body) = split /\r\n\r\n/, $text, 2;
	return {
		status => (($head // '') =~ m{^HTTP/1\.\d (\d+)})[0] // 599,
		headers => { map { /^([^:]+):\s*(.*)/ ? (lc $1 => $2) : () } split /\r\n/, $head // '' },
		body => $body // '',
		json => scalar eval { $json->decode($body) },
	};
}

1;
