package Kedge::Receiver;

# A webhook receiver on a port of its own, which answers by the path:
#
# 	/ok/…        204                /big/…       200 and a body without end
# 	/gone/…      410                /slow/…      nothing
# 	/redirect/…  302 to /ok/moved   /N/…         the status N, and its name
# 	/late/…      204, after a second and a half
# 	/pause/N/…   204, after N milliseconds; others are answered meanwhile
# 	/script/…    the statuses that were given to script(), one after the other;
# 	             "slow" is no answer, "503/60" has a Retry-After
#
# requests() returns what was received, oldest first: { method, path, headers (lower
# case), body, at (s) }.  The receiver ends when the object is destroyed, or when the
# test ends.

use strict;
use warnings;

use File::Temp ();
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(time);
use Kedge qw(jdecode jencode slurp wait_until);

sub new
{
	my ($class) = @_;
	my $listener = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1',
		LocalPort => 0, ReuseAddr => 1) or die "receiver: $!";
	my $self = bless { port => $listener->sockport, log => File::Temp->new,
		script => File::Temp->new, owner => $$ }, $class;
	# The receiver's process ends when no process has the other end of this pipe
	# open any more.
	pipe my $r, my $w or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		Kedge::in_child();
		close $w;
		$self->{owner} = 0;
		eval { $self->serve($listener, $r) };
		POSIX::_exit(0);
	}
	close $r;
	@$self{qw(pid end_pipe)} = ($pid, $w);
	return $self;
}

sub DESTROY
{
	my ($self) = @_;
	return if $self->{owner} != $$;
	close $self->{end_pipe};
	# Forked children of the test, such as other receivers, may have copies of the
	# pipe's other end.
	kill KILL => $self->{pid};
	local $?;
	waitpid $self->{pid}, 0;
	return;
}

sub url { return "http://127.0.0.1:$_[0]{port}$_[1]" }

sub script
{
	my ($self, @statuses) = @_;
	open my $f, '>', $self->{script}->filename or die "script: $!";
	print $f join(' ', @statuses);
	close $f;
	return;
}

# Returns the requests whose path begins with the given text.
sub requests
{
	my ($self, $path) = @_;
	my @all = map { jdecode($_) } split /\n/, slurp($self->{log}->filename);
	return grep { index($_->{path}, $path // '/') == 0 } @all;
}

# Waits until there are that many requests; returns them, or nothing when the time is
# over.
sub wait_for
{
	my ($self, $path, $count, $deadline_s) = @_;
	wait_until { $self->requests($path) >= $count } $deadline_s;
	my @found = $self->requests($path);
	return @found >= $count ? @found : ();
}

# ---- in the child --------------------------------------------------------------------

sub serve
{
	my ($self, $listener, $end_pipe) = @_;
	$SIG{CHLD} = 'IGNORE';
	$SIG{PIPE} = 'IGNORE';
	my @slow; # connections that get no answer and are kept open
	while (1) {
		my $bits = '';
		vec($bits, fileno $_, 1) = 1 for $listener, $end_pipe;
		next if select($bits, undef, undef, undef) < 1;
		return if vec($bits, fileno $end_pipe, 1);
		my $c = $listener->accept or next;
		push @slow, $c if eval { $self->answer($c) };
	}
}

# Answers one request; returns true when the connection must stay open.
sub answer
{
	my ($self, $c) = @_;
	my $request = read_request($c) or return 0;
	open my $log, '>>', $self->{log}->filename or die "log: $!";
	syswrite $log, jencode($request) . "\n";
	close $log;
	my ($what) = $request->{path} =~ m{^/(\w+)};
	$what = $self->next_of_script if $what eq 'script';
	return 1 if $what eq 'slow';
	return pause($c, $1) if $request->{path} =~ m{^/pause/(\d+)/};
	select undef, undef, undef, 1.5 if $what eq 'late';
	if ($what eq 'big') {
		print $c "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";
		my $block = 'x' x 65536;
		for (1 .. 1000) {
			last unless print $c $block;
		}
		return 0;
	}
	($what, my $after) = split m{/}, $what =~ s/%20/ /gr;
	my $status = $what =~ /^(?:ok|late)$/ ? 204 : $what eq 'gone' ? 410
	    : $what eq 'redirect' ? 302 : $what;
	my $body = $status == 204 ? '' : "it is $status \e[31m";
	my $more = $status == 302 ? 'Location: ' . $self->url('/ok/moved') . "\r\n" : '';
	$more .= "Retry-After: $after\r\n" if defined $after;
	print $c "HTTP/1.1 $status X\r\n${more}Content-Length: ", length $body,
	    "\r\nConnection: close\r\n\r\n$body";
	return 0;
}

sub pause
{
	my ($c, $ms) = @_;
	return 0 if fork // die "fork: $!";
	select undef, undef, undef, $ms / 1000;
	print $c "HTTP/1.1 204 X\r\nConnection: close\r\n\r\n";
	POSIX::_exit(0);
}

sub next_of_script
{
	my ($self) = @_;
	my ($first, @rest) = split / /, slurp($self->{script}->filename);
	$self->script(@rest ? @rest : $first);
	return $first;
}

sub read_request
{
	my ($c) = @_;
	local $SIG{ALRM} = sub { die "slow client\n" };
	alarm 10;
	my $text = '';
	while ($text !~ /\r\n\r\n/) {
		sysread($c, $text, 65536, length $text) or return undef;
	}
	my ($head, $body) = split /\r\n\r\n/, $text, 2;
	my ($first, @lines) = split /\r\n/, $head;
	my ($method, $path) = split / /, $first;
	my %headers = map { /^([^:]+):\s*(.*)$/ ? (lc $1, $2) : () } @lines;
	while (length $body < ($headers{'content-length'} // 0)) {
		sysread($c, $body, 65536, length $body) or return undef;
	}
	alarm 0;
	return { method => $method, path => $path, headers => \%headers, body => $body,
		at => time };
}

1;
