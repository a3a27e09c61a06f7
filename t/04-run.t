# How prove shows a unit test (its log when it fails, nothing when it passes), and the
# order in which test files are started.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use Test::More;
use Kedge qw(files run slurp);

my $dir = tempdir(CLEANUP => 1);
mkdir "$dir/tmp" or die "mkdir: $!";

# Runs a test program with this text; returns its status, standard output and standard
# error.
sub run_program
{
	my ($text) = @_;
	open my $out, '>', "$dir/program" or die "program: $!";
	print $out "#!/bin/sh\n$text\n";
	close $out;
	chmod 0755, "$dir/program";
	return run({ env => { TMPDIR => "$dir/tmp" } }, "$Kedge::ROOT/t/lib/run", "$dir/program");
}

my $noise = 'echo 1..1; echo logged >&2;';
for my $row (
	[ 'that passes', "$noise exit 0", 0, '' ],
	[ 'that fails', "$noise exit 3", 3, "logged\n" ],
	[ 'that a signal ends', "$noise kill -ABRT \$\$", 128 + 6, "logged\n" ])
{
	my ($name, $text, $want, $shown) = @$row;
	my ($status, $out, $err) = run_program($text);
	is($status, $want, "$name: t/lib/run returns its exit status");
	is($out, "1..1\n", "$name: t/lib/run prints its TAP");
	like($err, qr/^\Q$shown\E/, "$name: t/lib/run prints its log");
	unlike($err, qr/./, "$name: t/lib/run prints nothing else to standard error") if $shown eq '';
	is_deeply([ glob "$dir/tmp/*" ], [], "$name: t/lib/run leaves no file");
}

# ---- the slowest test files start first ---------------------------------------------

my @slow = grep {!/^#/} split /\n/, slurp("$Kedge::ROOT/t/lib/slow");
my %there = map { s{.*/}{}r =~ s/^(test_\w+)\.c$/$1/r => 1 } files("$Kedge::ROOT/t", qr/\.t$/),
    files("$Kedge::ROOT/t/unit", qr/^test_.*\.c$/);
is_deeply([ grep { !$there{$_} } @slow ], [], 'each file in t/lib/slow exists');
my ($status, $out, $err) = run("$Kedge::ROOT/t/lib/slowest_first", 't/01-a.t', "t/$slow[1]", "b/$slow[2]",
	't/02-b.t', "t/$slow[0]");
is($status, 0, 'slowest_first succeeds') or diag($err);
is($out, join('', map {"$_\n"} "t/$slow[0]", "t/$slow[1]", "b/$slow[2]", 't/01-a.t', 't/02-b.t'),
	'slowest_first prints each file once: the slowest first, the others in the given order');
done_testing;
