package Bench;

# Functions for every benchmark: flags, a directory and child processes that are removed
# at the end, medians, and lines that say whether a target is met.

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Getopt::Long;
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(sleep time);

our @EXPORT = qw(%option $root $build $dir $cores options wanted median
    percentile processor_ticks free_port spawn end_child wait_until write_file
    row judge need);

our $root = abs_path(dirname(__FILE__) . '/../..');
our $build = "$root/" . ($ENV{BUILD} // 'build/plain');
our $cores = do { my $n = qx(nproc); chomp $n; $n };
our $dir = tempdir('kedge-bench-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $dir;

# The flags of all benchmarks, so that `make bench` can pass all of them to each.
our %option = (rounds => 5, seconds => 4, load => 300, soak => 0, full => 0);
my %parts = (
    run => [qw(verified tails signin storm memory start peer)],
    jobs => [qw(drain wakeup flow backlog)],
    ledger => [qw(single hot batch)],
    links => [qw(redirect)],
);
my %want;
my $owner = $$;
my @children;    # ids of the processes that we started

END {
    if ($$ == $owner) {
        my $status = $?;
        kill 'TERM', @children;
        waitpid $_, 0 for @children;
        $? = $status;
    }
}
$SIG{INT} = $SIG{TERM} = sub { exit 130 };

# Reads the command line of the benchmark $name; exits when --only names none of its
# parts.
sub options {
    my ($name) = @_;
    $| = 1;
    GetOptions(\%option, 'rounds=i', 'seconds=i', 'load=i', 'soak=i', 'full',
        'only=s') && !@ARGV or die "usage: see the head of $0\n";
    my %known = map { $_ => 1 } map { @$_ } values %parts;
    my @only = split /,/, $option{only} // join ',', keys %known;
    for (@only) {
        die "--only: there is no $_\n" unless $known{$_};
    }
    my %only = map { $_ => 1 } @only;
    %want = map { $_ => 1 } grep { $only{$_} } @{ $parts{$name} };
    exit 0 unless %want;
    -x "$build/kedge" or die "$build/kedge is missing: run make bench\n";
    return;
}

sub wanted { return $want{ $_[0] } }

sub median {
    my @s = sort { $a <=> $b } @_;
    return ($s[(@s - 1) / 2] + $s[@s / 2]) / 2;
}

sub percentile {
    my ($p, @values) = @_;
    my @s = sort { $a <=> $b } @values;
    my $i = int(@s * $p / 100);
    return $s[$i < @s ? $i : -1];
}

# Returns the ticks that all processors have counted since boot, and how many of these the
# host has given to other virtual machines.
sub processor_ticks {
    open my $stat, '<', '/proc/stat' or die "/proc/stat: $!";
    my (undef, @ticks) = split ' ', <$stat>;
    my $all = 0;
    $all += $_ for @ticks[0 .. 7];    # these include the later values
    return ($all, $ticks[7]);
}

sub free_port {
    my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
        or die "no free port: $!";
    return $socket->sockport;
}

sub spawn {
    my ($where, @command) = @_;
    die "$command[0] is missing: run make bench\n"
        if $command[0] =~ m{^/} && !-x $command[0];
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        chdir $where or die "$where: $!";
        open STDERR, '>>', "$dir/bench.log";
        open STDOUT, '>&', \*STDERR;
        exec @command or POSIX::_exit(127);
    }
    push @children, $pid;
    return $pid;
}

sub end_child {
    my ($pid) = @_;
    kill 'TERM', $pid;
    waitpid $pid, 0;
    @children = grep { $_ != $pid } @children;
    return;
}

sub wait_until {
    my ($what, $test, $seconds) = @_;
    $seconds //= 30;
    my $deadline = time + $seconds;
    until ($test->()) {
        die "$what: not within $seconds s\n" if time > $deadline;
        sleep 0.002;
    }
    return;
}

sub write_file {
    my ($name, $text) = @_;
    open my $out, '>', "$dir/$name" or die "$dir/$name: $!";
    print $out $text;
    close $out;
    return "$dir/$name";
}

# Returns false, and prints a line, when a program is not installed.
sub need {
    my ($what, @programs) = @_;
    for my $program (@programs) {
        next if grep { -x "$_/$program" } split /:/, $ENV{PATH};
        print "$what: $program is not here; left out\n";
        return 0;
    }
    return 1;
}

sub row {
    printf "%-34s %10s %9s %9s %7s  %s\n", @_;
    return;
}

sub judge {
    my ($value, $bound, $at_least) = @_;
    my $met = $at_least ? $value >= $bound : $value <= $bound;
    return sprintf '%.2f (%s %s: %s)', $value, $at_least ? '>=' : '<=', $bound,
        $met ? 'met' : 'NOT MET';
}

1;
