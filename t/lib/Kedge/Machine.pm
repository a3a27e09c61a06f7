# A bare machine: a small system in a directory (Kedge::System) with processes of its own,
# but with the network of this host, which apt and npm need. systemd does not run there.
package Kedge::Machine;
use strict;
use warnings;
use parent 'Kedge::System';
use File::Temp qw(tempdir);
use Test::More;
use Kedge qw(slurp wait_until);

# The first process: it only waits, for children, too. What a container manager would
# mount is mounted before.
my $INIT = <<'SH';
root=$1
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mount -t tmpfs -o mode=755 run "$root/run"
mkdir -p "$root/run/lock"
mount -t tmpfs -o mode=755 dev "$root/dev"
for device in null zero full random urandom tty; do
	: >"$root/dev/$device"
	mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
hostname machine
exec chroot "$root" perl -e '$SIG{CHLD} = "IGNORE"; $0 = "init"; sleep 60 while 1'
SH

# The packages are what the machine has before the test.
sub new
{
	my ($class, $suite, @packages) = @_;
	my $self = $class->empty($suite);
	my $root = $self->root;
	Kedge::System::in_chroot($root, qw(apt-get -q -y --no-install-recommends install), @packages);
	$self->write('/etc/hosts', "127.0.0.1 localhost machine\n");
	# Certificates that this host trusts in addition, such as that of a proxy.
	if (my @own = glob '/usr/local/share/ca-certificates/*.crt') {
		Kedge::System::call('cp', '-t', "$root/usr/local/share/ca-certificates", @own);
		Kedge::System::in_chroot($root, 'update-ca-certificates');
	}
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDIN, '<', '/dev/null' or POSIX::_exit(126);
		exec qw(unshare --mount --pid --uts --ipc --fork --kill-child --propagation private sh -euc),
		    $INIT, 'sh', $root or POSIX::_exit(127);
	}
	$self->{pid} = $pid;
	wait_until {
		my ($init) = (slurp("/proc/$pid/task/$pid/children") // '') =~ /^(\d+)/;
		$self->{init} = $init;
		return $init && (slurp("/proc/$init/cmdline") // '') =~ /^init/;
	} 20 or die 'the machine does not start';
	return $self;
}

sub in
{
	my ($self, @command) = @_;
	my $options = ref $command[0] ? shift @command : {};
	return Kedge::run({ timeout => 1800, %$options }, qw(nsenter -m -p -u -i -t), $self->{init}, 'chroot',
		$self->root, 'env', '-i', 'PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root',
		'LANG=C.UTF-8', 'DEBIAN_FRONTEND=noninteractive', @command);
}

1;
