# Behind nginx, Caddy and HAProxy, with the blocks of docs/PROXY.md: the address that
# limits and logs see is the client's, whatever the client writes into its headers, and
# monitoring is not reachable.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Kedge qw(free_port jdecode run slurp tool wait_until);
use Kedge::Raw qw(raw_answers raw_read);

my $dir = tempdir('kedge-proxy-XXXXXX', DIR => $ENV{TMPDIR}, CLEANUP => 1);
my $k = Kedge->up(env => { KEDGE_TRUSTED_PROXIES => '127.0.0.1, 10.9.0.0/16' });
my $manual = slurp("$Kedge::ROOT/docs/PROXY.md");
my @pids;
my $test = $$;
END { kill TERM => @pids if @pids && $$ == $test }

# Sends a request from an address of the loopback network; returns the answer.
sub ask
{
	my ($port, $from, $path, @headers) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, LocalAddr => $from)
	    or die "$from: $!";
	syswrite $s, join "\r\n", "GET $path HTTP/1.1", 'Host: app.example.com', @headers,
	    'Connection: close', '', '';
	my ($r) = raw_answers(raw_read($s));
	return $r;
}

# The address that Kedge has logged for a request.
sub address_of
{
	my ($port, $from, @headers) = @_;
	my $r = ask($port, $from, '/api/nothing', @headers);
	my $id = $r->{headers}{'x-request-id'} // return "status $r->{status}";
	my $line = wait_until(sub { (grep {/"\Q$id\E"/} split /\n/, $k->log_text('nginx'))[0] }, 10);
	return jdecode($line // '{}')->{ip} // 'not logged';
}

# ---- without a proxy's help -----------------------------------------------------------------

is(address_of($k->port, '127.0.5.1'), '127.0.5.1', 'the client itself');
is(address_of($k->port, '127.0.5.1', 'X-Forwarded-For: 192.0.2.1'), '127.0.5.1',
	'who is no proxy cannot name another address');
is(address_of($k->port, '127.0.0.1', 'X-Forwarded-For: 192.0.2.1'), '192.0.2.1', 'a proxy can');
is(address_of($k->port, '127.0.0.1', 'X-Forwarded-For: 198.51.100.9, 192.0.2.1'), '192.0.2.1',
	'what stands before it was written by the client');
is(address_of($k->port, '127.0.0.1', 'X-Forwarded-For: 192.0.2.1, 10.9.1.1'), '192.0.2.1',
	'two proxies');
for my $named (undef, 'X-Forwarded-For: 192.0.2.1', 'X-Forwarded-For: 127.0.0.1', 'Forwarded: for=192.0.2.1') {
	is(ask($k->port, '127.0.0.1', $_, $named // ())->{status}, 404,
		($named // 'the host itself') . ": $_ is not at the address of clients")
	    for '/metrics/core', '/health', '/health/core';
}

# ---- nginx, Caddy and HAProxy in front of nginx -----------------------------------------------

sub block { my ($language) = @_; return ($manual =~ /^```$language\n(.*?)^```/ms)[0] }
sub write_file { my ($name, $text) = @_; open my $f, '>', "$dir/$name" or die $!; print $f $text;
	close $f; return "$dir/$name" }
sub start
{
	my ($name, $port, @cmd) = @_;
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		Kedge::in_child();
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$dir/$name.log";
		open STDERR, '>&', \*STDOUT;
		$ENV{HOME} = $dir;
		exec @cmd or POSIX::_exit(127);
	}
	push @pids, $pid;
	ok(wait_until(sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) }, 30),
		"$name listens") or diag(slurp("$dir/$name.log"));
	return;
}
my $upstream = '127.0.0.1:' . $k->port;

# TLS needs a certificate and another client; what is tested are the headers, so each
# block listens without TLS here.
my %proxy = (
	nginx => sub {
		my ($port) = @_;
		my $server = block('nginx') =~ s/listen 443 ssl;/listen 127.0.0.1:$port;/r;
		$server =~ s/^\s*ssl_.*\n//mg;
		$server =~ s/127\.0\.0\.1:8080/$upstream/;
		my $file = write_file('nginx.conf', "daemon off; pid $dir/nginx.pid; error_log stderr;"
			    . ($> == 0 ? ' user root;' : '')
			    . "events {}\nhttp { access_log off;\n"
			    . join('', map {"${_}_temp_path $dir/$_;"} qw(client_body proxy fastcgi uwsgi scgi))
			    . "\n$server}\n");
		return (tool('nginx'), '-p', $dir, '-e', 'stderr', '-c', $file);
	},
	caddy => sub {
		my ($port) = @_;
		my $site = block('caddy') =~ s/^app\.example\.com/http:\/\/app.example.com:$port/mr;
		$site =~ s/127\.0\.0\.1:8080/$upstream/;
		return (tool('caddy'), 'run', '--adapter', 'caddyfile', '--config',
			write_file('Caddyfile', "{\n\tadmin off\n}\n$site"));
	},
	haproxy => sub {
		my ($port) = @_;
		my $text = block('haproxy') =~ s/bind :443 ssl crt \S+/bind 127.0.0.1:$port/r;
		$text =~ s/127\.0\.0\.1:8080/$upstream/;
		return (tool('haproxy'), '-db', '-f', write_file('haproxy.cfg', "defaults\n\tmode http\n"
			    . "\ttimeout connect 5s\n\ttimeout client 30s\n\ttimeout server 30s\n$text"));
	},
);
for my $name (sort keys %proxy) {
	SKIP: {
		skip "$name is not installed", 1 unless tool($name);
		my $port = free_port();
		start($name, $port, $proxy{$name}->($port));
		is(address_of($port, '127.0.6.1'), '127.0.6.1', "$name: the client's address");
		is(address_of($port, '127.0.6.2', 'X-Forwarded-For: 192.0.2.7'), '127.0.6.2',
			"$name: not the one that the client has invented");
		is(ask($port, '127.0.6.1', $_)->{status}, 404, "$name: $_ is not reachable")
		    for '/health', '/health/core', '/metrics/core';
		is(ask($port, '127.0.6.1', '/api/auth/ok')->{status}, 200, "$name: services are");
	}
}

# ---- --listen -------------------------------------------------------------------------------------

for my $row (
	[ { KEDGE_TRUSTED_PROXIES => undef }, '0.0.0.0',
		qr/^kedge: --listen 0\.0\.0\.0: passwords and cookies would cross the network in the clear/ ],
	[ { KEDGE_TRUSTED_PROXIES => '' }, '192.0.2.1', qr/docs\/PROXY\.md.*--force/ ],
	[ {}, 'localhost', qr/must be an IPv4 address/ ],
	[ { KEDGE_TRUSTED_PROXIES => '10.0.0.0/33' }, '127.0.0.2',
		qr{KEDGE_TRUSTED_PROXIES: "10\.0\.0\.0/33" must be an address or a network} ])
{
	my ($env, $address, $says) = @$row;
	my ($status, $out, $err) = $k->kedge('up', '--port', '0', '--detach', '--dir', "$k->{dir}-2",
		'--listen', $address, { env => $env });
	is($status, 1, "--listen $address is refused");
	like($err, $says, 'and says why');
}
$k->down;
$k->start(args => [ '--listen', '127.0.7.7' ]);
for my $address ('127.0.0.1', '127.0.7.7') {
	my $s = IO::Socket::INET->new(PeerAddr => $address, PeerPort => $k->port) or die "$address: $!";
	syswrite $s, "GET /api/auth/ok HTTP/1.0\r\n\r\n";
	is((raw_answers(raw_read($s)))[0]{status}, 200, "it listens on $address");
}
# A stack keeps its proxies in kedge.env.
$k->down;
sub trusted { return [ Kedge::slurp("$k->{dir}/nginx/realip.conf") =~ /^\s*set_real_ip_from (\S+);/mg ] }
is(($k->kedge('config', 'set', 'KEDGE_TRUSTED_PROXIES=192.0.2.9'))[0], 0, 'config set');
my @up = ('up', '--port', $k->port, '--detach', '--listen', '127.0.7.7', { env => { KEDGE_TRUSTED_PROXIES => undef } });
is(($k->kedge(@up))[0], 0, 'up');
is_deeply(trusted(), ['192.0.2.9'], 'the proxies of kedge.env are trusted');
is(($k->kedge('restart', { env => { KEDGE_TRUSTED_PROXIES => undef } }))[0], 0, 'restart');
is_deeply(trusted(), ['192.0.2.9'], 'after a restart, too');
is(($k->kedge('config', 'unset', 'KEDGE_TRUSTED_PROXIES'))[0], 0, 'config unset');
$k->down;
my $other = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.7.8', LocalPort => 0) or die "listen: $!";
my ($status, $out, $err) = $k->kedge('up', '--port', $other->sockport, '--detach', '--listen', '0.0.0.0');
is($status, 1, 'up refuses a port that another program has on another address');
like($err, qr/^kedge: port \d+ of 0\.0\.0\.0 is in use; choose another with --port$/m, 'the error says what to do');
$k->start(args => [ '--listen', '0.0.0.0' ]);
is($k->client->get('/api/auth/ok')->{status}, 200, 'on all addresses, with a trusted proxy');
done_testing;
