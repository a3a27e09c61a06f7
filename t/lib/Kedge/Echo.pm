package Kedge::Echo;

# Applications that are not Kedge's, on ports of their own: each answers with JSON that
# says what it got.  Over HTTP: { method, path, headers (lower case; a header that occurs
# twice is joined by "|"), bytes }; over FastCGI: { params, bytes }.  The one for
# WebSockets answers 101 to a request for one, and 401 to any other.  They end with this
# object or with the test.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Kedge qw(jencode);

sub http { my ($class) = @_; return $class->start(\&serve_http) }
sub fastcgi { my ($class) = @_; return $class->start(\&serve_fastcgi) }
sub websocket { my ($class) = @_; return $class->start(\&serve_websocket) }
sub port { return $_[0]{port} }

sub start
{
	my ($class, $serve) = @_;
	my $listener = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1', ReuseAddr => 1)
	    or die "echo: $!";
	pipe my $r, my $w or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		Kedge::in_child();
		close $w;
		$SIG{CHLD} = 'IGNORE';
		my $select = IO::Select->new($listener, $r);
		while (my @ready = $select->can_read) {
			POSIX::_exit(0) if grep { $_ == $r } @ready;
			my $c = $listener->accept or next;
			next if fork;
			close $listener;
			eval { $serve->($c) };
			POSIX::_exit(0);
		}
	}
	close $r;
	return bless { port => $listener->sockport, pid => $pid, end => $w, owner => $$ }, $class;
}

sub DESTROY
{
	my ($self) = @_;
	return if $self->{owner} != $$;
	close $self->{end};
	kill KILL => $self->{pid};
	local $?;
	waitpid $self->{pid}, 0;
	return;
}

sub serve_http
{
	my ($c) = @_;
	my $buf = '';
	while (1) {
		$buf .= "" while $buf !~ /\r\n\r\n/ && sysread $c, $buf, 65536, length $buf;
		$buf =~ s/^(.*?)\r\n\r\n//s or return;
		my ($first, @lines) = split /\r\n/, $1;
		my ($method, $path) = $first =~ /^(\S+) (\S+)/;
		my %h;
		for (@lines) {
			my ($name, $value) = /^([^:]+):\s*(.*)$/;
			$h{ lc $name } = exists $h{ lc $name } ? "$h{lc $name}|$value" : $value;
		}
		my $bytes = $h{'content-length'} // 0;
		while (length $buf < $bytes) { sysread $c, $buf, 65536, length $buf or return }
		substr $buf, 0, $bytes, '';
		my $body = jencode({ method => $method, path => $path, headers => \%h, bytes => 0 + $bytes });
		syswrite $c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${\length $body}\r\n"
		    . "Kedge-Identity: forged\r\nKedge-Logged: 1\r\nX-Accel-Redirect: /_verify\r\nContent-Security-Policy: default-src *\r\n\r\n$body";
	}
}

sub serve_websocket
{
	my ($c) = @_;
	my $buf = '';
	1 while $buf !~ /\r\n\r\n/ && sysread $c, $buf, 65536, length $buf;
	syswrite $c, $buf =~ /^Upgrade: websocket\r$/mi
	    ? "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
	    : "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	return;
}

sub read_bytes
{
	my ($c, $n) = @_;
	my $buf = '';
	while (length $buf < $n) { sysread $c, $buf, $n - length $buf, length $buf or die "end\n" }
	return $buf;
}

sub serve_fastcgi
{
	my ($c) = @_;
	my ($params, $bytes) = ('', 0);
	while (1) {
		my ($type, $id, $len, $pad) = unpack 'xCnnCx', read_bytes($c, 8);
		my $data = $len > 0 ? read_bytes($c, $len) : '';
		read_bytes($c, $pad) if $pad > 0;
		$params .= $data if $type == 4;
		next unless $type == 5;
		$bytes += $len;
		next if $len > 0;
		my %p;
		while (length $params) {
			my @len = map {
				my $n = unpack 'C', $params;
				$n < 128 ? (substr($params, 0, 1, ''), $n)[1] : unpack('N', substr $params, 0, 4, '') & 0x7fffffff
			} 1, 2;
			my $name = substr $params, 0, $len[0], '';
			my $value = substr $params, 0, $len[1], '';
			$p{$name} = exists $p{$name} ? "$p{$name}|$value" : $value;
		}
		my $out = "Content-Type: application/json\r\nKedge-Identity: forged\r\nKedge-Logged: 1\r\n\r\n"
		    . jencode({ params => \%p, bytes => $bytes });
		syswrite $c, pack('CCnnCx', 1, 6, 1, length $out, 0) . $out . pack('CCnnCxNCx3', 1, 3, 1, 8, 0, 0, 0);
		return;
	}
}

1;
