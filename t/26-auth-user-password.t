# kedge user password on a terminal: the password is not shown, and whatever interrupts the
# question gives the terminal back as it was.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Fcntl;
use IO::Handle;
use POSIX ();
use Test::More;
use Kedge qw(slurp wait_until);

my $k = Kedge->up;
my $alice = $k->user('alice');
my @command = (Kedge->binary('kedge'), 'user', 'password', $alice->{email}, '--dir', $k->dir);

# A pseudo-terminal, whose session leader runs the command in the foreground, as a shell
# does.  Each state of the command is a line in $report; each line of $orders continues it.
my ($terminal, $other_end, $pts, $shown, $orders, $report);

sub start
{
	sysopen $terminal, '/dev/ptmx', O_RDWR | O_NOCTTY or die "/dev/ptmx: $!";
	my $number = pack 'i', 0;
	ioctl $terminal, 0x40045431, $number or die "TIOCSPTLCK: $!";
	ioctl $terminal, 0x80045430, $number or die "TIOCGPTN: $!";
	$pts = '/dev/pts/' . unpack 'i', $number;
	# Without a process that has the other end open, it cannot be read.
	sysopen $other_end, $pts, O_RDWR | O_NOCTTY or die "$pts: $!";
	$shown = '';
	pipe my $order, $orders or die $!;
	pipe $report, my $state or die $!;
	$_->autoflush(1) for $orders, $state;
	my $shell = fork // die $!;
	if ($shell == 0) {
		close $_ for $terminal, $other_end, $orders, $report;
		POSIX::setsid();
		open STDIN, '+<', $pts or die $!;
		open STDOUT, '>&', \*STDIN;
		open STDERR, '>&', \*STDIN;
		$SIG{TTOU} = 'IGNORE';
		my $pid = fork // die $!;
		if ($pid == 0) {
			POSIX::setpgid(0, 0);
			POSIX::tcsetpgrp(0, POSIX::getpid());
			$SIG{TTOU} = 'DEFAULT';
			exec @command or die $!;
		}
		while (waitpid($pid, POSIX::WUNTRACED()) == $pid) {
			# $? does not tell a stopped process from one that has ended.
			my $stopped = (slurp("/proc/$pid/stat") // '') =~ /\) T /;
			print {$state} $stopped ? "stopped\n"
			    : $? & 127 ? 'signal ' . ($? & 127) . "\n"
			    : 'exit ' . ($? >> 8) . "\n";
			last unless $stopped;
			POSIX::tcsetpgrp(0, POSIX::getpid());
			<$order> // last;
			POSIX::tcsetpgrp(0, $pid);
			kill CONT => $pid;
		}
		POSIX::_exit(0);
	}
	close $order;
	close $state;
	return $shell;
}

# Reads what the terminal shows until it matches.
sub shows
{
	my ($like, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $reads = '';
	vec($reads, fileno($terminal), 1) = 1;
	while ($shown !~ $like) {
		last unless select(my $ready = $reads, undef, undef, 20);
		sysread($terminal, $shown, 4096, length $shown) or last;
	}
	my $ok = like($shown, $like, $name);
	$shown = '';
	return $ok;
}

sub echo { return `stty -F $pts -a` =~ /(?<!\S)echo(?!\S)/ ? 1 : 0 }
sub state { my $line = <$report> // ''; chomp $line; return $line }

# ---- a password is typed ------------------------------------------------------------

my $shell = start();
is(echo(), 1, 'a terminal echoes');
shows(qr/Password: /, 'the password is asked for');
ok(wait_until(sub { !echo() }, 10), 'and not shown');
print {$terminal} "typed on a terminal\n";
$terminal->flush;
shows(qr/Again: /, 'twice');
ok(wait_until(sub { !echo() }, 10), 'and not shown either');
syswrite $terminal, "typed on a terminal\n";
is(state(), 'exit 0', 'the password is set');
is(echo(), 1, 'the terminal echoes again');
waitpid $shell, 0;
$alice->{password} = 'typed on a terminal';
is($alice->sign_in->{status}, 200, 'the user signs in with it');

# ---- interruptions --------------------------------------------------------------------

$shell = start();
shows(qr/Password: /, 'the question');
ok(wait_until(sub { !echo() }, 10), 'is hidden');
syswrite $terminal, "half a pass\x1a";
is(state(), 'stopped', 'Ctrl-Z stops the command');
is(echo(), 1, 'the terminal echoes while it is stopped');
print {$orders} "fg\n";
shows(qr/Password: /, 'in the foreground again, it asks again');
ok(wait_until(sub { !echo() }, 10), 'hidden');
syswrite $terminal, "another password\n";
shows(qr/Again: /, 'what was typed before the stop does not count');
ok(wait_until(sub { !echo() }, 10), 'hidden');
syswrite $terminal, "\x03";
is(state(), 'signal 2', 'Ctrl-C ends the command as it ends others');
is(echo(), 1, 'the terminal echoes');
waitpid $shell, 0;
is($alice->sign_in->{status}, 200, 'the password has not changed');

$shell = start();
shows(qr/Password: /, 'the question');
ok(wait_until(sub { !echo() }, 10), 'is hidden');
syswrite $terminal, "first password\n";
shows(qr/Again: /, 'twice');
syswrite $terminal, "another password\n";
shows(qr/the two passwords differ/, 'two different passwords are refused');
is(state(), 'exit 1', 'with a failure');
is(echo(), 1, 'the terminal echoes');
waitpid $shell, 0;

done_testing;
