# docs/MONITORING.md: each alert has its section and no other, and Prometheus collects the
# numbers of a stack with the page's configuration.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Test::More;
use Kedge qw(jdecode slurp tool wait_until);
use Kedge::Page;

my @relays;
END { kill TERM => $_ for @relays }
my $page = Kedge::Page->new('docs/MONITORING.md');
my $rules = slurp("$Kedge::ROOT/monitoring/alerts.yml");
my %severity = $rules =~ /^ +- alert: (\w+)\n(?:(?! +- alert).*\n)*? +labels: \{ severity: (\w+) \}/mg;
my %section = $page->text =~ /^### (\w+)\n\n(.*?)(?=^##)/msg;
cmp_ok(scalar keys %severity, '>', 10, 'there are alerts');
is_deeply([ sort keys %section ], [ sort keys %severity ], 'each alert has a section, and each section an alert');
like($section{$_} // '', qr/\A\*\Q$severity{$_}\E\.\* /, "$_: the section has its severity") for sort keys %severity;

# A stack serves its metrics on a Unix socket, a server on a port. Prometheus reads only
# ports.
sub relay
{
	my ($socket) = @_;
	my $listener = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1') or die $!;
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		Kedge::in_child();
		$SIG{CHLD} = 'IGNORE';
		while (1) {
			my $client = $listener->accept or next;
			next if fork // 1;
			my $server = IO::Socket::UNIX->new(Peer => $socket) or POSIX::_exit(1);
			my %other = (fileno($client) => $server, fileno($server) => $client);
			while (1) {
				my $reads = '';
				vec($reads, $_, 1) = 1 for keys %other;
				select $reads, undef, undef, undef;
				for my $from ($client, $server) {
					next unless vec $reads, fileno($from), 1;
					sysread $from, my $part, 65536 or POSIX::_exit(0);
					syswrite $other{ fileno $from }, $part;
				}
			}
		}
	}
	push @relays, $pid;
	return $listener->sockport;
}

SKIP: {
	my $prometheus = tool('prometheus');
	skip 'prometheus is not there (./kedge setup lint)', 3 if !$prometheus;
	my $k = Kedge->up;
	my $dir = tempdir(CLEANUP => 1);
	my ($yaml) = map { $_->{text} } $page->blocks('yaml');
	my $port = relay($k->dir . '/run/monitoring.sock');
	is($yaml =~ s/127\.0\.0\.1:9180/127.0.0.1:$port/g, 1, 'the configuration names the address for monitoring');
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
