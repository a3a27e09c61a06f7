package Kedge::Raw;

# Sends HTTP as raw bytes, so also what no normal client sends.

use strict;
use warnings;

use Exporter qw(import);
use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(time);

our @EXPORT_OK = qw(raw_open raw_read raw_http raw_answers);

sub raw_open
{
	my ($port, %more) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port,
	    Timeout => 10, %more) or die "connect to $port: $!";
	$s->blocking(1);
	binmode $s;
	return $s;
}

# Reads until the server closes the connection, or the deadline has passed.
sub raw_read
{
	my ($socket, $deadline_s) = @_;
	my $select = IO::Select->new($socket);
	my $end = time + ($deadline_s // 10);
	my $text = '';
	while ((my $left = $end - time) > 0) {
		next unless $select->can_read($left);
		my $n = sysread $socket, $text, 65536, length $text;
		last unless $n;
	}
	return $text;
}

# Sends the bytes on a connection; returns the responses in order.
sub raw_http
{
	my ($port, $bytes, $deadline_s) = @_;
	my $s = raw_open($port);
	local $SIG{PIPE} = 'IGNORE';
	my $sent = 0;
	while ($sent < length $bytes) {
		my $n = syswrite $s, $bytes, length($bytes) - $sent, $sent;
		last unless defined $n; # the write failed: the server has closed the connection
		$sent += $n;
	}
	return raw_answers(raw_read($s, $deadline_s));
}

sub raw_answers
{
	my ($text) = @_;
	my @answers;
	while ($text =~ s/^HTTP\/1\.[01] (\d+)[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n//) {
		my %a = (status => $1, head => $2, headers => {});
		for my $line (split /\r\n/, $2) {
			my ($name, $value) = split /:\s*/, $line, 2;
			$a{headers}{ lc $name } = $value;
		}
		if ($a{status} == 100) {
			next;
		} elsif (defined(my $len = $a{headers}{'content-length'})) {
			$a{body} = substr $text, 0, $len, '';
		} elsif (($a{headers}{'transfer-encoding'} // '') eq 'chunked') {
			$a{body} = '';
			while ($text =~ s/^([0-9a-f]+)\r\n//i) {
				my $n = hex $1;
				$a{body} .= substr $text, 0, $n, '';
				$text =~ s/^\r\n//;
				last if $n == 0;
			}
		} elsif ($a{status} == 204 || $a{status} == 304) {
			$a{body} = '';
		} else {
			($a{body}, $text) = ($text, '');
		}
		push @answers, \%a;
	}
	return wantarray ? @answers : $answers[0];
}

1;
