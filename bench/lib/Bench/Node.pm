package Bench::Node;

# Runs the peers that need node: the packages of bench/package.json, and the programs
# bench/*.mjs that process jobs with them.

use strict;
use warnings;

use Digest::SHA;
use Exporter qw(import);
use List::Util qw(max min sum0);

use Bench;
use Bench::Talk;

our @EXPORT = qw(packages_ready node_version drain_with);

# Installs the packages of bench/package.json unless they are installed.  Returns false,
# and prints a line, when they cannot be installed.
sub packages_ready {
    my ($what) = @_;
    return 0 unless need($what, qw(node npm));
    my $stamp = "$root/bench/node_modules/.stamp";
    my $lock = Digest::SHA->new(256)->addfile("$root/bench/package-lock.json")
        ->hexdigest;
    if (open my $in, '<', $stamp) {
        return 1 if readline($in) eq $lock;
    }
    my $log = "$dir/npm.log";
    if (system("cd $root/bench && npm ci --ignore-scripts --no-audit --no-fund"
            . " >$log 2>&1") != 0) {
        print "$what: npm ci failed, left out:\n", qx(tail -3 $log);
        return 0;
    }
    open my $out, '>', $stamp or die "$stamp: $!";
    print $out $lock;
    close $out;
    return 1;
}

sub node_version {
    my $version = qx(node --version);
    chomp $version;
    return $version;
}

# Starts the given number of processes of a program in its role `worker`.  When all are
# ready, lets them work until $jobs jobs are done.  Returns the seconds from the start of
# the first job to the end of the last job.
sub drain_with {
    my ($jobs, $processes, $program, @arguments) = @_;
    my @workers = map { Bench::Talk->start('node', "$root/bench/$program",
        'worker', @arguments) } 1 .. $processes;
    $_->hear for @workers;
    $_->say('go') for @workers;
    my @said;
    do {
        @said = map { [split ' ', $_->hear] } @workers;
    } until sum0(map { $_->[0] } @said) >= $jobs;
    $_->end for @workers;
    my @worked = grep { $_->[0] > 0 } @said;
    return (max(map { $_->[2] } @worked) - min(map { $_->[1] } @worked)) / 1e3;
}

1;
