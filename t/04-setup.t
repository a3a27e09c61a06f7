# How setup treats an installed libfcgi that must not be used.  The test replaces only
# the version of the library, and what apt would do about it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Copy qw(copy);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;
use Kedge qw(run slurp);

plan(skip_all => 'no dpkg here') unless -x '/usr/bin/dpkg';

my $dir = tempdir(CLEANUP => 1);
make_path("$dir/cli", "$dir/bin");
copy("$Kedge::ROOT/cli/setup.sh", "$dir/cli/setup.sh") or die "copy: $!";

sub script
{
	my ($name, $text) = @_;
	open my $out, '>', "$dir/$name" or die "$name: $!";
	print $out "#!/bin/sh\n$text\n";
	close $out;
	chmod 0755, "$dir/$name";
	return;
}
script('bin/dpkg-query', "cat $dir/version");
script('bin/sudo', 'exec "$@"');

# Runs setup.sh when the packages $before are installed and apt offers $after; returns
# its status and output.
sub setup
{
	my ($before, $after) = @_;
	unlink "$dir/installed";
	script('cli/install.sh', "echo \"\$@\" >$dir/installed; printf %s $after >$dir/version");
	open my $out, '>', "$dir/version" or die $!;
	print $out $before;
	close $out;
	my ($status, $said, $err) =
	    run({ env => { PATH => "$dir/bin:$ENV{PATH}" } }, 'sh', "$dir/cli/setup.sh", 'up');
	return ($status, $said . $err);
}

my ($status, $said) = setup('2.4.2-2+deb12u1', 'none');
is($status, 0, 'an installed version with the fix is accepted');
ok(!-e "$dir/installed", 'kedge does not install packages that are installed');
like(slurp("$dir/build/setup"), qr/\bup\b/, 'kedge notes the installed set for the next time');

($status, $said) = setup('2.4.2-2', '2.4.2-2+deb12u1');
is($status, 0, 'a set with a missing package is installed');
is(slurp("$dir/installed"), "--log $dir/build/setup.log libfcgi-dev\n", 'only the missing package is installed');

for my $row (
	[ '2.4.2-2',         '2.4.2-2+deb12u1' ],
	[ '2.4.2-2.1build1', '2.4.2-2.1ubuntu0.24.04.1' ],
	[ '2.4.4-1',         '2.4.5' ])
{
	my ($version, $fixed) = @$row;
	($status, $said) = setup($version, $version);
	isnt($status, 0, "$version: without another version, the comparison with libfcgi is not built");
	like($said,
		qr/^kedge: libfcgi-dev \Q$version\E has CVE-2025-23016; \Q$fixed\E has the fix/m,
		"$version: the error gives the reason");
}

# ---- what is printed ----------------------------------------------------------------

# apt's output goes to the log; one line for each step is shown.
copy("$Kedge::ROOT/cli/install.sh", "$dir/cli/install.real") or die "copy: $!";
sub as_root
{
	my ($install, @args) = @_;
	script('cli/install.sh', $install);
	open my $out, '>', "$dir/version" or die $!;
	print $out '2.4.2-2';
	close $out;
	unlink "$dir/build/setup", "$dir/build/setup.log";
	return run({ env => { PATH => "$dir/bin:$ENV{PATH}" } }, 'sh', "$dir/cli/setup.sh", @args, 'up');
}
my $err;
my $good = 'shift; log=$1; shift; echo "installing $*"; seq 1 100 >>"$log"; ';
($status, $said, $err) = as_root("$good echo 2.4.5 >$dir/version");
is($status, 0, 'an installation') or diag($err);
is($said, "installing libfcgi-dev\n", 'shows only its steps');
is((slurp("$dir/build/setup.log") =~ tr/\n//), 100, 'the rest is in the log');
($status, $said, $err) = as_root("$good echo 'E: no such package' >>\"\$log\"; exit 100");
is($status, 1, 'an installation that fails');
like($err, qr{^kedge: the installation failed\. The end of \Q$dir\E/build/setup\.log:$}m, 'names the log');
like($err, qr/^  87\n(?:  \d+\n){13}  E: no such package\n\z/m, 'and shows its end');

# The real install.sh, with an apt-get that says much.
script('bin/apt-get', 'echo "apt-get $*"; echo "many words" >&2; case "$*" in *fails*) exit 100 ;; esac');
script('bin/deb-systemd-helper', ':');
SKIP: {
	skip 'installs as root in a mount namespace', 4 if $> != 0;
	my $real = sub {
		return run({ env => { PATH => "$dir/bin:$ENV{PATH}" } }, 'unshare', '-m', 'sh', '-c',
			'for d in /usr/sbin /etc; do mount -t tmpfs none $d || exit 9; done; exec sh "$0" --log "$@"',
			"$dir/cli/install.real", "$dir/log", @_);
	};
	($status, $said, $err) = $real->('one', 'two');
	is($status, 0, 'install.sh') or diag($err);
	is("$said$err", "reading the lists of packages (apt-get update)\ninstalling 2 packages (apt-get install): one two\n",
		'prints one line for each step');
	like(slurp("$dir/log"), qr/^apt-get -q update\nmany words\napt-get .* install one two\nmany words\n\z/, 'and the rest to the log');
	($status) = $real->('fails');
	is($status, 100, 'a failure of apt is one of install.sh');
}

# What may not be installed is one line to paste.
script('cli/install.sh', 'exit 7');
($status, $said, $err) = as_root('exit 7', '--dry-run');
is($status, 1, '--dry-run fails if something is missing');
is($said, "sudo apt-get install --no-install-recommends libfcgi-dev\n", 'and prints the line');
is($err, '', 'and nothing else');
{
	script('bin/sudo', 'exit 1');
	script('bin/id', 'echo 1000');
	($status, $said, $err) = as_root('exit 7');
	is($status, 1, 'without the right to install');
	is($err, "kedge: packages are missing, and sudo does not let you install them:\n"
		    . "sudo apt-get install --no-install-recommends libfcgi-dev\n", 'the reason and the line are printed');
}
done_testing;
