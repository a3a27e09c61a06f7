package Kedge::Node;

# Runs programs with Node.js: installs the packages of t/compat on first use, and starts
# the real BetterAuth as a server.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use File::Temp ();
use Fcntl qw(:flock);
use IPC::Open2 qw(open2);
use Test::More;

use Kedge ();

# Skips the test file when Node.js is missing, or when the packages cannot be installed.
sub ready
{
	Kedge::need(qw(node npm));
	my $dir = "$Kedge::ROOT/t/compat";
	install($dir);
	my ($version, $arch) = (Kedge::run(Kedge::tool('node'), '-p',
		'process.version + process.arch'))[1] =~ /^v(\d+)[\d.]+(\w+)/;
	return if $version >= 20;
	# Debian 12 and Ubuntu 24.04 have Node.js 18, which runs npm.
	install("$dir/node");
	my $bin = "$dir/node/node_modules/node-linux-$arch/bin";
	Kedge::skip_file("node $version is too old, and there is no other for $arch")
	    unless -x "$bin/node";
	$ENV{PATH} = "$bin:$ENV{PATH}";
	return;
}

# Installs the packages of a directory with a package-lock.json, and again when that
# file has changed.
sub install
{
	my ($dir) = @_;
	my $stamp = "$dir/node_modules/.stamp";
	my $want = sha256_hex(Kedge::slurp("$dir/package-lock.json"));
	mkdir "$Kedge::ROOT/build";
	open my $lock, ">", "$Kedge::ROOT/build/compat.lock" or die "compat.lock: $!";
	flock $lock, LOCK_EX;
	return if (Kedge::slurp($stamp) // '') eq $want;
	my ($status, $out, $err) = Kedge::run({ dir => $dir, timeout => 300 },
	    Kedge::tool('npm'), 'ci', '--ignore-scripts', '--no-audit', '--no-fund');
	if ($status != 0) {
		die "npm ci: $out$err" if $ENV{CI};
		Kedge::skip_file('npm ci failed (no network?): '
		    . (split /\n/, $err)[0]);
	}
	open my $f, '>', $stamp or die "$stamp: $!";
	print $f $want;
	close $f;
	return;
}

# Starts a BetterAuth server, which stops when this object is destroyed; returns { base
# }.
sub oracle
{
	my ($class, %opt) = @_;
	# The messages of Node.js are printed only when the server does not start.
	my $log = File::Temp->new;
	open my $stderr, '>&', \*STDERR or die "dup: $!";
	open STDERR, '>', $log->filename or die "$log: $!";
	my $pid = open2(my $out, my $in, 'node', "$Kedge::ROOT/t/compat/oracle.mjs",
	    '--version', $opt{version}, '--database', $opt{database},
	    '--secret', $opt{secret}, '--trusted', $opt{trusted} // '',
	    '--plugins', $opt{plugins} // '', '--options', $opt{options} // '{}',
	    ($opt{mail} ? ('--mail', $opt{mail}) : ()), ($opt{rate_limit} ? '--rate-limit' : ()));
	open STDERR, '>&', $stderr or die "dup: $!";
	while (my $line = <$out>) {
		return bless { base => $1, pid => $pid, in => $in, out => $out, log => $log }, $class
		    if $line =~ /^listening on (\S+)/;
	}
	die "BetterAuth $opt{version} did not start: " . Kedge::slurp($log->filename);
}

# Compares a plugin of auth with BetterAuth's plugin: its script in t/compat/script is
# run against both, and so is the official client with its plugin.  Options: env (of
# auth), options (JSON, of BetterAuth's plugin).  Returns the stack.
sub compare_plugin
{
	my ($class, $name, %opt) = @_;
	ready();
	my $k = Kedge->up(env => { AUTH_PLUGINS => "email-password,admin,$name", %{ $opt{env} // {} } });
	$k->sql('postgres', 'CREATE DATABASE oracle');
	my $oracle = $class->oracle(
		version => '1.7.25', database => $k->node_url('oracle'),
		secret => $k->service_env('auth')->{AUTH_SECRET},
		plugins => $name . (defined $opt{options} ? "=$opt{options}" : ''));
	my $script = $opt{script} // $name;
	Kedge::run_tap('node', "$Kedge::ROOT/t/compat/differential.mjs", '--script', $script,
		'--a', $oracle->{base}, '--a-db', $k->node_url('oracle'), '--b', $k->base, '--b-db',
		$k->node_url('auth'));
	return $k if $script ne $name;
	for my $version ('1.7.25', '1.7.7', '1.4.18') {
		note("better-auth/client $version");
		Kedge::run_tap('node', "$Kedge::ROOT/t/compat/plugin.mjs", '--script', $script,
			'--base', $k->base, '--version', $version);
	}
	Kedge::run_tap('node', "$Kedge::ROOT/t/compat/plugin.mjs", '--script', $script,
		'--base', $oracle->{base}, '--version', '1.7.25', '--oracle');
	return $k;
}

sub DESTROY
{
	my ($self) = @_;
	local $?;
	close $self->{in}; # the server waits for the end of its standard input
	waitpid $self->{pid}, 0;
	return;
}

1;
