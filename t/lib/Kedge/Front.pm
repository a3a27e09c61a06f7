package Kedge::Front;

# A front end that "kedge new" has made: builds it, serves it, and sends a browser there.

use strict;
use warnings;

use IO::Socket::INET;
use Test::More;

use Kedge qw(run run_tap slurp tool wait_until);
use Kedge::Node;

my $chromium;
my $count = 0;

# Skips the test file when Node.js or a browser is missing.  Installs the packages of
# t/compat, and those of its folders that are named.
sub ready
{
	my (@folders) = @_;
	Kedge::Node::ready();
	Kedge::Node::install("$Kedge::ROOT/t/compat/$_") for @folders;
	($chromium) = grep {defined} map { tool($_) } qw(chromium chromium-browser google-chrome);
	Kedge::skip_file('chromium is not installed') unless $chromium;
	return;
}

# Makes one in a directory below the given one.
sub new
{
	my ($class, $place, $template, @args) = @_;
	my $dir = "$place/$template" . ++$count;
	my ($status, $out, $err) = run(Kedge->binary('kedge'), 'new', $dir, '--template', $template, @args);
	die "kedge new: $err" if $status;
	return bless { dir => $dir, said => $out }, $class;
}

# One that exists.
sub at { my ($class, $dir) = @_; return bless { dir => $dir }, $class }

sub chromium { return $chromium }
sub path { return "$_[0]{dir}/$_[1]" }
sub said { return $_[0]{said} }

# Puts the packages in place that are installed in a folder of t/compat, as npm would.
sub modules
{
	my ($self, $folder) = @_;
	my $from = "$Kedge::ROOT/t/compat/$folder/node_modules";
	# Another file system has no room for links.
	system("cp -al '$from' '$self->{dir}/' 2>/dev/null || cp -a '$from' '$self->{dir}/'") == 0
	    or die "cannot copy $from";
	return;
}

sub run_here
{
	my ($self, @cmd) = @_;
	return run({ dir => $self->{dir}, timeout => 900, env => { CI => 1, NEXT_TELEMETRY_DISABLED => 1 } }, @cmd);
}

# Changes a file: the function gets its text in $_.
sub change
{
	my ($self, $file, $code) = @_;
	local $_ = slurp($self->path($file));
	my $before = $_;
	$code->();
	die "$file is as it was" if $_ eq $before;
	open my $out, '>', $self->path($file) or die "$file: $!";
	print $out $_;
	close $out or die "$file: $!";
	return;
}

sub answers { return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $_[0]) }

# Starts a server in the front end's directory, and waits until it listens on the port.
sub serve
{
	my ($self, $port, @cmd) = @_;
	$self->stop;
	$self->{log} = "$self->{dir}.log";
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		Kedge::in_child();
		setpgrp;
		chdir $self->{dir} or die "$self->{dir}: $!";
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', $self->{log};
		open STDERR, '>&', \*STDOUT;
		exec @cmd or die "$cmd[0]: $!";
	}
	$self->{pid} = $pid;
	# A busy machine starts the development server of Next.js in half a minute.
	wait_until(sub { answers($port) }, 120) or die "@cmd does not listen: " . slurp($self->{log});
	return;
}

# Stops the server with the processes that it has started.
sub stop
{
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	local ($?, $!);
	kill TERM => -$pid;
	waitpid $pid, 0;
	return;
}
sub DESTROY { $_[0]->stop; return }

# Does in a browser what a person does.  SCREENSHOTS=DIR keeps pictures.
sub tour
{
	my ($self, $page, $name, @args) = @_;
	note($name);
	subtest $name => sub {
		run_tap('node', "$Kedge::ROOT/t/compat/front.mjs", '--page', "$page/", '--chromium', $chromium, @args,
			$ENV{SCREENSHOTS} ? ('--screenshots', "$ENV{SCREENSHOTS}/" . $name =~ s/\W+/-/gr) : ());
		done_testing;
	};
	return;
}

1;
