# docs/METRICS.md lists every metric, and the dashboard and the alerts use no other
# metric.
use strict;
use warnings;
use Test::More;
use File::Temp;
use JSON::PP;

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!";
    local $/;
    return <$in>;
}

my %documented = slurp('docs/METRICS.md') =~ /^\| `(kedge_\w+)` \| (counter|gauge|histogram), [^|]+ \| \S/mg;
cmp_ok(scalar keys %documented, '>', 40, 'METRICS.md has rows');

my %named;
for my $file (split /\n/, qx(git ls-files -co --exclude-standard 'fcgi/*.c' 'services/*.c')) {
    $named{$_} = $file for slurp($file) =~ /"(kedge_[a-z_]*[a-z])"/g;
}
is_deeply([ grep { !$documented{$_} } sort keys %named ], [], 'each metric in the source has a row in METRICS.md');
is_deeply([ grep { !$named{$_} } sort keys %documented ], [], 'each row of METRICS.md is a metric in the source');
is_deeply([ grep { ($documented{$_} eq 'counter') != /_total$/ } sort keys %documented ],
    [], 'the names of counters end in _total, and those of other metrics do not');

# Returns the names of the metrics in a PromQL expression, without the suffixes of
# histograms.
sub unknown {
    my ($text) = @_;
    my %unknown;
    for my $name ($text =~ /\b(kedge_\w+)/g) {
        my $family = $name =~ s/_(?:bucket|sum|count)$//r;
        # A histogram only has series whose names end with one of these suffixes.
        my $type = $family ne $name ? 'histogram' : '';
        my $is = $documented{$type ? $family : $name} // 'none';
        $unknown{$name} = 1 if $is eq 'none' || ($is eq 'histogram') != ($type eq 'histogram');
    }
    return [ sort keys %unknown ];
}
my $rules = slurp('monitoring/alerts.yml');
is_deeply(unknown($rules), [], 'the alerts use existing metrics only');
my $dashboard = decode_json(slurp('monitoring/grafana.json'));
my @expressions = map { $_->{expr} } map { @{ $_->{targets} // [] } } @{ $dashboard->{panels} };
cmp_ok(scalar @expressions, '>', 30, 'the dashboard has expressions');
is_deeply(unknown(join "\n", @expressions, map { $_->{query} } @{ $dashboard->{templating}{list} }),
    [], 'the dashboard uses existing metrics only');
is_deeply(unknown('kedge_db_errors_total_bucket kedge_job_run_seconds kedge_made_up'),
    [qw(kedge_db_errors_total_bucket kedge_job_run_seconds kedge_made_up)], 'this test finds metrics that do not exist');

SKIP: {
    skip 'promtool is not there (./kedge setup lint)', 3 if !qx(sh -c 'command -v promtool');
    is(qx(promtool check rules monitoring/alerts.yml 2>&1 >/dev/null), '', 'promtool accepts the alert rules');
    my $said = qx(promtool test rules monitoring/alerts.test.yml 2>&1);
    is($?, 0, 'promtool: the alerts fire at the expected values') or diag($said);
    # The expressions are written as recording rules, because promtool checks only
    # those.
    my $file = File::Temp->new(SUFFIX => '.yml');
    my $n = 0;
    my @rules = map {
        { record => 'a:b:c' . $n++, expr => s/\$__rate_interval/5m/gr =~ s/\$service/.*/gr }
    } @expressions;
    print {$file} encode_json({ groups => [ { name => 'dashboard', rules => \@rules } ] });
    close $file;
    $said = qx(promtool check rules $file 2>&1);
    is($?, 0, "promtool: the dashboard's expressions") or diag($said);
}

done_testing;
