# Debian systems in directories, for the tests of the package: made by debootstrap,
# booted in namespaces. Needs root.
#
# What takes long is kept in build/system: SUITE.tar (a small system), SUITE-build (a
# system in which the package is built) and SUITE-archives (the packages that it needs).
package Kedge::System;
use strict;
use warnings;
use Carp qw(croak);
use Cwd qw(abs_path);
use Fcntl qw(LOCK_EX);
use File::Basename qw(basename dirname);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use POSIX qw(WNOHANG);
use Test::More ();
use Time::HiRes qw(time);
use Kedge qw(slurp wait_until);

my $TOP = abs_path(dirname(__FILE__) . '/../../..');
my $CACHE = "$TOP/build/system";
# Suites that are not listed here are Debian's. debootstrap of Debian 12 has neither a
# script nor the keys of noble; its own apt has them, and checks all that it installs
# later.
my %UBUNTU = (
	mirror => 'http://archive.ubuntu.com/ubuntu',
	options => ['--components=main,universe', '--no-check-gpg'],
	script => ['/usr/share/debootstrap/scripts/gutsy'],
);
my %SUITES = (noble => \%UBUNTU);
my %DEBIAN = (mirror => 'http://deb.debian.org/debian', options => [], script => []);
my @BOOT = qw(systemd systemd-sysv dbus ca-certificates curl iproute2 procps);
my @BUILD = qw(build-essential ccache debhelper lintian);

# A test that is stopped halts its systems, too.
$SIG{INT} = $SIG{TERM} = sub { exit 1 };

# Runs a command; its output goes to the log. Dies when it fails.
sub call
{
	my @command = @_;
	make_path($CACHE);
	open my $log, '>>', "$CACHE/log" or die "$CACHE/log: $!";
	print {$log} "+ @command\n";
	close $log or die $!;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDIN, '<', '/dev/null' or POSIX::_exit(126);
		open STDOUT, '>>', "$CACHE/log" or POSIX::_exit(126);
		open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
		exec { $command[0] } @command or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	return if $? == 0;
	my $said = slurp("$CACHE/log");
	croak "@command: status $?\n" . substr $said, -4000;
}

sub in_chroot
{
	my ($root, @command) = @_;
	return call('chroot', $root, 'env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
		'HOME=/root', 'LANG=C.UTF-8', 'DEBIAN_FRONTEND=noninteractive',
		@command);
}

# Makes the archive of a small system, unless it is there.
sub archive
{
	my ($suite) = @_;
	my $tar = "$CACHE/$suite.tar";
	return $tar if -e $tar;
	my $root = "$CACHE/$suite-new";
	remove_tree($root);
	make_path($CACHE);
	my $of = $SUITES{$suite} // \%DEBIAN;
	call('debootstrap', '--variant=minbase', @{ $of->{options} }, '--include=' . join(',', @BOOT),
		$suite, $root, $ENV{KEDGE_MIRROR} // $of->{mirror}, @{ $of->{script} });
	# The disk of a test need not survive a power failure.
	_write("$root/etc/dpkg/dpkg.cfg.d/test", "force-unsafe-io\n");
	_write("$root/etc/hostname", "kedge-test\n");
	_write("$root/etc/hosts", "127.0.0.1 localhost kedge-test\n");
	_write("$root/etc/machine-id", ('0123456789abcdef' x 2) . "\n");
	in_chroot($root, qw(apt-get -q update));
	in_chroot($root, qw(apt-get clean));
	call('tar', '-C', $root, '-cf', "$tar.new", '.');
	remove_tree($root);
	rename "$tar.new", $tar or die "$tar: $!";
	return $tar;
}

sub _write
{
	my ($path, $text) = @_;
	open my $file, '>', $path or die "$path: $!";
	print {$file} $text;
	close $file or die "$path: $!";
	return;
}

# Makes the system in which the package is built, unless it is there.
sub _build_root
{
	my ($suite) = @_;
	my $root = "$CACHE/$suite-build";
	my $control = slurp("$TOP/debian/control");
	return $root if (slurp("$root/.made") // '') eq $control;
	if (!-e "$root/.made") {
		my $tar = archive($suite);
		remove_tree($root);
		make_path($root);
		call('tar', '-C', $root, '-xpf', $tar);
		in_chroot($root, qw(apt-get -q -y --no-install-recommends install), @BUILD);
	}
	make_path("$root/src");
	call('cp', '-r', "$TOP/debian", "$root/src/");
	in_chroot($root, qw(apt-get -q -y --no-install-recommends build-dep /src));
	_write("$root/.made", $control);
	return $root;
}

# The shell command that lists the files of this tree, $1.
my $LIST = q{cd "$1" && { git ls-files; git ls-files -o --exclude-standard; } | sort -u |}
    . q{ while read -r f; do [ ! -f "$f" ] || printf '%s\n' "$f"; done};

# Runs a shell command in the system, with the compiler's cache: a shared one
# (CCACHE_DIR) makes it quick.
sub _compile
{
	my ($root, $command) = @_;
	make_path("$root/ccache");
	call('unshare', '-m', 'sh', '-euc',
		'[ -z "$2" ] || mount --bind "$2" "$1/ccache"; exec chroot "$1" env -i'
		. ' PATH=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8'
		. ' CCACHE_DIR=/ccache sh -euc "$3"', 'sh', $root, $ENV{CCACHE_DIR} // '', $command);
	return;
}

# Two tests at once must not make the same directory. The lock ends with the variable.
sub _lock
{
	my ($suite) = @_;
	make_path($CACHE);
	open my $lock, '>>', "$CACHE/$suite.lock" or die "$CACHE/$suite.lock: $!";
	flock $lock, LOCK_EX or die "$CACHE/$suite.lock: $!";
	return $lock;
}

# Builds the package of this tree in a directory of that name, unless it has been built
# from the same files. Returns the directory with the results. Options: change, a shell
# command that changes the sources, in their directory; no_cache, compile everything.
sub build
{
	my ($suite, $name, %option) = @_;
	my $lock = _lock($suite);
	my $root = _build_root($suite);
	my $dir = "$root/src/$name";
	my $source = "$dir/kedge";
	# The tests are not part of the package.
	my ($status, $sum, $err) = Kedge::run('sh', '-c',
		"$LIST | grep -v ^t/ | xargs -d '\\n' sha256sum | sha256sum",
		'sh', $TOP);
	croak $err if $status != 0;
	$sum .= $option{change} // '';
	return $dir if (slurp("$dir/.built") // '') eq $sum;
	remove_tree($dir);
	make_path($source);
	call('sh', '-c', qq{$LIST | tar -cf - -T - | tar -C "\$2" -xf -}, 'sh', $TOP, $source);
	call('sh', '-euc', 'cd "$1"; eval "$2"', 'sh', $source, $option{change}) if $option{change};
	_compile($root, ($option{no_cache} ? 'export CCACHE_DISABLE=1;' : '') . " cd /src/$name/kedge;"
		. ' DEB_BUILD_OPTIONS=parallel=$(nproc) dpkg-buildpackage -us -uc -b');
	_write("$dir/.built", $sum);
	return $dir;
}

# Builds rpm/kedge.spec. Returns the names of the files in the package.
sub build_rpm
{
	my ($suite) = @_;
	my $root = _build_root($suite);
	my $dir = "$root/src/rpm";
	in_chroot($root, qw(apt-get -q -y --no-install-recommends install rpm)) if !-e "$root/usr/bin/rpmbuild";
	remove_tree($dir);
	make_path($dir);
	call('sh', '-c', qq{$LIST | tar --transform 's,^,kedge-0.1.0/,' -czf "\$2/kedge-0.1.0.tar.gz" -T -}, 'sh',
		$TOP, $dir);
	call('cp', "$TOP/rpm/kedge.spec", $dir);
	# rpmbuild knows none of Debian's packages, hence --nodeps.
	_compile($root, 'cd /src/rpm; rpmbuild -bb --nodeps --define "_topdir /src/rpm/out"'
		. ' --define "_sourcedir /src/rpm" kedge.spec; rpm -qlp out/RPMS/*/kedge-0*.rpm >files');
	return slurp("$dir/files");
}

# Returns the messages of lintian about the results of build().
sub lintian
{
	my ($suite, $dir) = @_;
	my $root = _build_root($suite);
	my ($status, $out, $err) = Kedge::run({ timeout => 300 }, 'chroot', $root, 'lintian',
		'--allow-root', '--fail-on', 'error,warning', glob("$dir/*.changes") =~ s/^\Q$root\E//r);
	return ($status, "$out$err");
}

# A system in a new directory.
sub empty
{
	my ($class, $suite) = @_;
	my $tar = archive($suite);
	my $root = tempdir('system.XXXXXX', DIR => $CACHE, CLEANUP => 0);
	my $self = bless { root => $root, suite => $suite, owner => $$ }, $class;
	chmod 0755, $root;
	call('tar', '-C', $root, '-xpf', $tar);
	return $self;
}

# A system in a new directory, which can install the packages (files, or names) and what
# they need without a network.
sub new
{
	my ($class, $suite, @packages) = @_;
	my $self = $class->empty($suite);
	my $root = $self->{root};
	my $archives = "$CACHE/$suite-archives";
	my $here = "$root/var/cache/apt/archives";
	make_path($archives);
	my @there = glob "$archives/*.deb";
	call('cp', '-t', $here, @there) if @there;
	call('cp', $_, "$root/root/") for grep {m{/}} @packages;
	for my $package (map { m{/} ? '/root/' . basename($_) : $_ } @packages) {
		in_chroot($root, qw(apt-get -q -y --no-install-recommends --download-only install),
			$package);
	}
	call('cp', '-u', '-t', $archives, glob "$here/*.deb");
	return $self;
}

sub root { return $_[0]{root} }

sub _cgroups
{
	my ($mount) = slurp('/proc/mounts') =~ m{^\S+ (\S+) cgroup2 }m;
	return $mount // croak 'there is no cgroup2 mount';
}

# Boots the system, and waits until it is up. Returns the seconds that it took.
sub boot
{
	my ($self) = @_;
	my $start = time;
	my $cgroup = _cgroups() . '/' . basename($self->{root});
	mkdir $cgroup;
	$self->{cgroup} = $cgroup;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDOUT, '>>', "$CACHE/log" or POSIX::_exit(126);
		open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
		exec "$TOP/t/system/boot", $self->{root}, $cgroup or POSIX::_exit(127);
	}
	$self->{pid} = $pid;
	wait_until {
		my ($init) = (slurp("/proc/$pid/task/$pid/children") // '') =~ /^(\d+)/;
		$self->{init} = $init;
		return $init && (slurp("/proc/$init/comm") // '') eq "systemd\n";
	} 20 or croak "systemd does not start, see $CACHE/log";
	wait_until { ($self->in('systemctl', 'is-system-running'))[1] =~ /^(running|degraded)/ } 60
	    or croak 'the system does not become ready';
	return time - $start;
}

# Runs a command in the booted system; like Kedge::run().
sub in
{
	my ($self, @command) = @_;
	my $options = ref $command[0] ? shift @command : {};
	return Kedge::run({ timeout => 300, %$options }, 'nsenter', '-a', '-t', $self->{init}, 'env', '-i',
		'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'LANG=C.UTF-8',
		'DEBIAN_FRONTEND=noninteractive', @command);
}

# Runs a command, which must succeed; returns its output.
sub succeeds
{
	my ($self, $name, @command) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $out, $err) = $self->in(@command);
	Test::More::is($status, 0, $name) or Test::More::diag("$out$err");
	return $out;
}

# Returns the output of a command, without the newline at the end.
sub out
{
	my ($self, @command) = @_;
	my $out = ($self->in(@command))[1];
	$out =~ s/\s+\z//;
	return $out;
}

# Writes a file of the system.
sub write
{
	my ($self, $path, $text) = @_;
	open my $file, '>', $self->root . $path or die "$path: $!";
	print {$file} $text;
	close $file or die "$path: $!";
	return;
}

# Waits until the system has halted by itself.
sub wait_halted
{
	my ($self) = @_;
	return wait_until { waitpid($self->{pid}, WNOHANG) == $self->{pid} } 60;
}

sub halt
{
	my ($self) = @_;
	return if !$self->{pid};
	kill KILL => $self->{init} if $self->{init};
	waitpid delete $self->{pid}, 0;
	return;
}

sub DESTROY
{
	my ($self) = @_;
	return if $self->{owner} != $$;
	local ($?, $@);
	$self->halt;
	if ($self->{cgroup}) {
		# The processes of the killed namespace end soon after its init.
		wait_until {
			system "find '$self->{cgroup}' -depth -type d -exec rmdir {} + 2>/dev/null";
			return !-e $self->{cgroup};
		} 10;
	}
	remove_tree($self->{root}) if !$ENV{KEDGE_KEEP};
	return;
}

1;
