package Kedge::Checkout;

# A copy of the source tree with its build, in which a test adds services.  Only what the
# test changes must be compiled.

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);

use Kedge qw(run slurp);

# Returns { root, build }: the copy's directory, and its build directory relative to it.
sub new
{
	my ($class) = @_;
	my $root = tempdir('kedge-t-XXXXXX', DIR => $ENV{TMPDIR}, CLEANUP => 1);
	chmod 0755, $root;
	my $build = Kedge::build_dir() =~ s{^\Q$Kedge::ROOT\E/}{}r;
	make_path("$root/$build");
	for my $path (Kedge::files($Kedge::ROOT, qr/^[^.]|^\.(?:clang|git)/)) {
		my ($name) = $path =~ m{([^/]+)$};

		next if grep { $_ eq $name } qw(.git build node_modules);
		my ($status, undef, $err) = run('tar', '-C', $Kedge::ROOT, '-cf', "$root/one.tar",
			'--exclude=node_modules', $name);
		$status ||= (run('tar', '-C', $root, '-xf', "$root/one.tar"))[0];
		die "cannot copy $name: $err" if $status;
	}
	for my $name (qw(cli fcgi services libkedge.a kedge), Kedge::services()) {
		system('cp', '-a', Kedge::build_dir() . "/$name", "$root/$build/") == 0
		    or die "cannot copy $name";
	}
	unlink "$root/one.tar";
	return bless { root => $root, build => $build }, $class;
}

sub root { return $_[0]{root} }
sub build { return $_[0]{build} }

sub put
{
	my ($self, $file, $text) = @_;
	make_path(dirname("$self->{root}/$file"));
	open my $out, '>', "$self->{root}/$file" or die "$self->{root}/$file: $!";
	print $out $text;
	close $out or die "$self->{root}/$file: $!";
	return;
}

sub text { my ($self, $file) = @_; return slurp("$self->{root}/$file") }

# Runs a program in the copy; returns exit status, output and errors.  The options of an
# outer make do not count there.
sub run_here
{
	my ($self, @cmd) = @_;
	my $opt = ref $cmd[0] eq 'HASH' ? shift @cmd : {};
	my %as_here = map { $_ => undef } grep {/^(?:MAKE|MFLAGS)/} keys %ENV;
	return run({ timeout => 300, %$opt, dir => $self->{root},
			env => { %as_here, BUILD => $self->{build}, %{ $opt->{env} // {} } } },
		@cmd);
}

# Runs the copy's command kedge.
sub kedge
{
	my ($self, @args) = @_;
	return $self->run_here("$self->{root}/$self->{build}/kedge", @args);
}

# Makes the copy a git repository with one commit, so that git tells what changes.
sub commit
{
	my ($self) = @_;
	my ($status, undef, $err) = $self->run_here('sh', '-ec', <<'SH');
test -d .git || git init -q .
git add -A
git -c user.name=test -c user.email=test@example.com commit -q --allow-empty -m test
SH
	die "git: $err" if $status;
	return;
}

# Returns the lines of `git status`, without the leading mark.
sub changes
{
	my ($self) = @_;
	my (undef, $out) = $self->run_here('git', 'status', '--porcelain', '-uall');
	return sort map {substr $_, 3} split /\n/, $out;
}

1;
