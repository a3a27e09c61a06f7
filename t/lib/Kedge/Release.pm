package Kedge::Release;

# The previous release: its source is taken out of the history, and its programs are
# built into build/previous, once.
#
# 	my $build = Kedge::Release::previous();    # the directory with kedge and the services
#
# A tree without that history (a shallow clone, an unpacked archive) names a directory
# with the source of that release in KEDGE_PREVIOUS_RELEASE instead.

use strict;
use warnings;

use Fcntl qw(:flock);
use File::Path qw(make_path remove_tree);

use Kedge qw(files run slurp tool);

my $place = "$Kedge::ROOT/build/previous";

sub commit
{
	my ($commit) = (slurp("$Kedge::ROOT/sql/previous-release") // '') =~ /^([0-9a-f]{40})$/m
	    or die "sql/previous-release names no commit\n";
	return $commit;
}

# Runs a command, and dies with its error output when it fails.
sub must
{
	my ($what, @cmd) = @_;
	my ($status, $out, $err) = run({ timeout => 600, env => { MAKEFLAGS => undef, MAKELEVEL => undef } }, @cmd);
	die "$what: exit $status\n$err" if $status != 0;
	return $out;
}

sub extract
{
	my ($commit, $to) = @_;
	my $given = $ENV{KEDGE_PREVIOUS_RELEASE};
	make_path($to);
	if (defined $given) {
		-e "$given/kedge.json" or die "KEDGE_PREVIOUS_RELEASE: $given has no kedge.json\n";
		must("copying $given", 'cp', '-R', "$given/.", $to);
		remove_tree("$to/build");
		return;
	}
	my ($status, undef, $err) = run('git', 'cat-file', '-e', "$commit^{commit}");
	die "the previous release, commit $commit, is not in the history of $Kedge::ROOT.\n"
	    . "In a shallow clone, run \"git fetch --unshallow\". In a tree without history, set"
	    . " KEDGE_PREVIOUS_RELEASE\nto a directory with the source of that release.\ngit says: $err"
	    if $status != 0;
	must("reading $commit", 'git', 'archive', '-o', "$to.tar", $commit);
	must("unpacking $commit", 'tar', '-xf', "$to.tar", '-C', $to);
	unlink "$to.tar";
	return;
}

# Warnings are off: a newer compiler may have some about code that will not change.
sub build
{
	my ($source) = @_;
	my $cc = $ENV{CC} // 'cc';
	$cc = "ccache $cc" if tool('ccache') && $cc !~ /ccache/;
	must('building the previous release', 'nice', 'make', '-C', $source, '-j2', "CC=$cc",
		'CFLAGS=-O1', 'WARN=-w', 'SAN=');
	return;
}

# Returns the directory of the programs.  Dies with the reason when it cannot make them.
sub previous
{
	my $commit = commit();
	my $name = defined $ENV{KEDGE_PREVIOUS_RELEASE} ? 'given' : $commit;
	my $source = "$place/$name";
	make_path($place);
	open my $lock, '>', "$place/lock" or die "$place/lock: $!";
	flock $lock, LOCK_EX;
	# A given directory may have changed since.
	if ($name eq 'given' || !-e "$source.done") {
		remove_tree(files($place, qr/^(?!lock$)/));
		extract($commit, $source);
		build($source);
		open my $done, '>', "$source.done" or die "$source.done: $!";
	}
	return "$source/build/plain";
}

1;
