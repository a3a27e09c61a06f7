package Kedge::FastCGI;

# A FastCGI client, which sends what nginx sends to a service, or what nginx would never
# send.

use strict;
use warnings;

use Exporter qw(import);
use IO::Select;
use IO::Socket::UNIX;
use Socket qw(SOCK_STREAM);
use Time::HiRes qw(time);

our @EXPORT_OK = qw(fcgi_request fcgi_send fcgi_open fcgi_record fcgi_pair fcgi_answer
    FCGI_BEGIN_REQUEST FCGI_ABORT_REQUEST FCGI_END_REQUEST FCGI_PARAMS FCGI_STDIN FCGI_STDOUT);

use constant {
	FCGI_BEGIN_REQUEST => 1, FCGI_ABORT_REQUEST => 2, FCGI_END_REQUEST => 3,
	FCGI_PARAMS => 4, FCGI_STDIN => 5, FCGI_STDOUT => 6,
};

sub fcgi_record
{
	my ($type, $content, %opt) = @_;
	my $padding = $opt{padding} // 0;
	return pack('CCnnCC', $opt{version} // 1, $type, $opt{id} // 1,
	    $opt{length} // length $content, $padding, 0)
	    . $content . "\0" x $padding;
}

sub fcgi_length { my ($n) = @_; return $n < 128 ? pack('C', $n) : pack('N', $n | 0x80000000) }

sub fcgi_pair
{
	my ($name, $value) = @_;
	return fcgi_length(length $name) . fcgi_length(length $value) . $name . $value;
}

# The socket's path may be longer than sun_path, so connect from its directory.
sub fcgi_open
{
	my ($path) = @_;
	my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path)
	    or die "connect to $path: $!";
	binmode $s;
	return $s;
}

# Sends one request with these parameters; returns { status, headers, body, end }.
sub fcgi_request
{
	my ($path, $params, $body, %opt) = @_;
	return fcgi_answer(fcgi_send($path, $params, $body), $opt{deadline_s});
}

# Sends a complete request; returns the connection, from which the response can be read.
sub fcgi_send
{
	my ($path, $params, $body) = @_;
	my $s = fcgi_open($path);
	$body //= '';
	my $pairs = ref $params eq 'ARRAY' ? $params : [%$params];
	my $stream = '';
	for (my $i = 0; $i < @$pairs; $i += 2) {
		$stream .= fcgi_pair($pairs->[$i], $pairs->[ $i + 1 ]);
	}
	my $bytes = fcgi_record(FCGI_BEGIN_REQUEST, pack('nCx5', 1, 0));
	$bytes .= fcgi_record(FCGI_PARAMS, substr $stream, 0, 65535, '') while length $stream;
	$bytes .= fcgi_record(FCGI_PARAMS, '');
	$bytes .= fcgi_record(FCGI_STDIN, substr $body, 0, 65535, '') while length $body;
	$bytes .= fcgi_record(FCGI_STDIN, '');
	local $SIG{PIPE} = 'IGNORE';
	print $s $bytes;
	$s->flush;
	return $s;
}

sub fcgi_answer
{
	my ($s, $deadline_s) = @_;
	my $end = time + ($deadline_s // 10);
	my $select = IO::Select->new($s);
	my ($in, $out, $done) = ('', '', undef);
	while (!defined $done && (my $left = $end - time) > 0) {
		next unless $select->can_read($left);
		sysread($s, $in, 65536, length $in) or last;
		while (length $in >= 8) {
			my (undef, $type, undef, $len, $pad) = unpack 'CCnnC', $in;
			last if length $in < 8 + $len + $pad;
			my $content = substr $in, 8, $len;
			substr $in, 0, 8 + $len + $pad, '';
			$out .= $content if $type == FCGI_STDOUT;
			$done = [ unpack 'NC', $content ] if $type == FCGI_END_REQUEST;
		}
	}
	my %a = (status => undef, headers => {}, body => '', end => $done);
	my ($head, $body) = split /\r?\n\r?\n/, $out, 2;
	for my $line (split /\r?\n/, $head // '') {
		my ($name, $value) = split /:\s*/, $line, 2;
		$a{headers}{ lc $name } = $value;
	}
	$a{body} = $body // '';
	$a{status} = defined $head && $head ne '' ?
	    (($a{headers}{status} // '200') =~ /^(\d+)/)[0] : undef;
	return \%a;
}

1;
