# docs/MONITORING.md: each alert has its section and no other, and Prometheus collects the
# numbers of a stack with the page's configuration.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use IO::Socket::INET;
use Test::More;
use Kedge qw(jdecode slurp tool wait_until);
use Kedge::Page;

my $page = Kedge::Page->new('docs/MONITORING.md');
my $rules = slurp("$Kedge::ROOT/monitoring/alerts.yml");
my %severity = $rules =~ /^ +- alert: (\w+)\n(?:(?! +- alert).*\n)*? +labels: \{ severity: (\w+) \}/mg;
my %section = $page->text =~ /^### (\w+)\n\n(.*?)(?=^##)/msg;
cmp_ok(scalar keys %severity, '>', 10, 'there are alerts');
is_deeply([ sort keys %section ], [ sort keys %severity ], 'each alert has a section, and each section an alert');
like($section{$_} // '', qr/\A\*\Q$severity{$_}\E\.\* /, "$_: the section has its severity") for sort keys %severity;

SKIP: {
	my $prometheus = tool('prometheus');
	skip 'prometheus is not there (./kedge setup lint)', 3 if !$prometheus;
	my $k = Kedge->up;
	my $dir = tempdir(CLEANUP => 1);
	my ($yaml) = map { $_->{text} } $page->blocks('yaml');
	my $port = $k->port;
	is($yaml =~ s/127\.0\.0\.1:8080/127.0.0.1:$port/g, 1, 'the configuration names the address of nginx');
	# Collect more often than each minute, so that the test need not wait.
	my %file = ('prometheus.yml' => "global:\n  scrape_interval: 1s\n$yaml", 'alerts.yml' => $rules);
	for my $name (keys %file) {
		open my $f, '>', "$dir/$name" or die "$name: $!";
		print {$f} $file{$name};
		close $f or die "$name: $!";
	}
	my $own = Kedge::free_port();
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		Kedge::in_child();
		open STDOUT, '>', "$dir/log" or POSIX::_exit(126);
		open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
		exec $prometheus, "--config.file=$dir/prometheus.yml", "--storage.tsdb.path=$dir/data",
		    "--web.listen-address=127.0.0.1:$own" or POSIX::_exit(127);
	}
	my $api = Kedge::Client->new(base => "http://127.0.0.1:$own");
	wait_until { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$own") } 30;
	my $up;
	my $all = wait_until(
		sub {
			my $r = $api->get('/api/v1/query?query=up');
			$up = { map { $_->{metric}{instance} => $_->{value}[1] } @{ $r->{json}{data}{result} // [] } };
			return 5 == grep { $_ eq '1' } values %$up;
		},
		30);
	ok($all, 'Prometheus collects from each service and from verify') or diag(explain($up), slurp("$dir/log"));
	my $r = $api->get('/api/v1/rules');
	is(scalar @{ $r->{json}{data}{groups}[0]{rules} // [] }, scalar keys %severity, 'it has the alerts');
	kill TERM => $pid;
	waitpid $pid, 0;
}
done_testing;
