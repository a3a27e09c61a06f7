package Bench::Wrk;

# Measures HTTP requests with wrk, and compares programs ("sides") that are measured in
# turns.

use strict;
use warnings;

use Exporter qw(import);

use Bench;

our @EXPORT = qw(wrk wrk_start wrk_stop take_turns compare side_row);

# Runs wrk; returns { rps, p50, p99 (ms), errors, requests }.
sub wrk { return read_figures(wrk_start(@_)) }

sub wrk_start {
    my (%arg) = @_;
    my @command = ('wrk', '--latency', '-t', 1, '-c', $arg{connections} // 16,
        '-d', ($arg{seconds} // $option{seconds}) . 's', '--timeout', '10s');
    push @command, '-H', $_ for @{ $arg{headers} // [] };
    push @command, '-s', $arg{script} if $arg{script};
    push @command, $arg{url};
    push @command, '--', @{ $arg{arguments} } if $arg{arguments};
    my $pid = open my $out, '-|', @command or die "wrk: $!";
    return { pid => $pid, out => $out };
}

# Stops wrk early; returns what it has measured until then.
sub wrk_stop {
    my ($wrk) = @_;
    kill 'INT', $wrk->{pid};
    return read_figures($wrk);
}

sub read_figures {
    my ($wrk) = @_;
    my $text = do { local $/; readline $wrk->{out} };
    close $wrk->{out};
    my %got = (errors => 0);
    my %in_ms = (us => 1e-3, ms => 1, s => 1e3, m => 6e4);
    ($got{rps}) = $text =~ m{Requests/sec:\s*([\d.]+)};
    ($got{requests}) = $text =~ m{(\d+) requests in};
    for (50, 99) {
        $got{"p$_"} = $1 * $in_ms{$2} if $text =~ m{\b$_%\s+([\d.]+)(us|ms|s|m)\b};
    }
    $got{errors} = $1 if $text =~ /Non-2xx or 3xx responses: (\d+)/;
    $got{errors} += $1 + $2 + $3 + $4 if $text
        =~ /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/;
    die "wrk said: $text" unless defined $got{rps};
    return \%got;
}

# Runs the code of one side; returns its figures and `stolen`, the percentage of processor
# time that the host gave to other virtual machines meanwhile.
sub under_weather {
    my ($code) = @_;
    my ($all, $stolen) = processor_ticks();
    my $m = $code->(0);
    my ($all_after, $stolen_after) = processor_ticks();
    my $ticks = $all_after - $all;
    $m->{stolen} = $ticks ? 100 * ($stolen_after - $stolen) / $ticks : 0;
    return $m;
}

# Compares sides [name, code].  code->(warm) measures once and returns figures that
# include rps; with `warm` it only runs briefly, and the result is dropped.  Returns name
# => medians of the figures and of `ratio`, the rps divided by that of the first side in
# the same round, during which other load on the machine was the same for both.
sub take_turns {
    my (@sides) = @_;
    my %runs;
    $_->[1]->(1) for @sides;
    for (1 .. $option{rounds}) {
        push @{ $runs{ $_->[0] } }, under_weather($_->[1]) for @sides;
    }
    my %median;
    my $first = $runs{ $sides[0][0] };
    for my $name (keys %runs) {
        my $mine = $runs{$name};
        for my $figure (keys %{ $mine->[0] }) {
            $median{$name}{$figure} = median(map { $_->{$figure} } @$mine);
        }
        $median{$name}{ratio} = median(
            map { $mine->[$_]{rps} / $first->[$_]{rps} } 0 .. $#$mine);
    }
    return \%median;
}

# Like take_turns(), for sides that are measured by wrk: [name, wrk arguments...].
sub compare {
    my (@sides) = @_;
    return take_turns(map {
        my ($name, @arguments) = @$_;
        [$name, sub {
            my ($warm) = @_;
            my $m = wrk(@arguments, $warm ? (seconds => 1) : ());
            die "$name: $m->{errors} requests failed\n" if $m->{errors};
            return $m;
        }];
    } @sides);
}

sub side_row {
    my ($label, $m, $verdict) = @_;
    row($label, sprintf('%.0f/s', $m->{rps}), map({
        defined $m->{$_} ? sprintf '%.2f ms', $m->{$_} : ''
    } qw(p50 p99)), sprintf('%.0f %%', $m->{stolen}), $verdict // '');
    return;
}

1;
