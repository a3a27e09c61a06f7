# A server with Kedge: a Kedge::System on which the package is installed, what its
# administrator does there, and what a client asks of it.
#
# 	my $server = Kedge::Server->new('bookworm', Kedge::Server::package_of('bookworm'));
# 	$server->boot;
# 	$server->install;
# 	$server->sign_up;
# 	$server->answers(200, 'a call of wallet', '/api/wallet/accounts');
package Kedge::Server;
use strict;
use warnings;
use parent 'Kedge::System';
use File::Basename qw(basename dirname);
use File::Temp;
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(slurp wait_until);

my $LOAD = dirname(__FILE__) . '/../../system/load';
my $NAME = 'http://kedge-test';

sub suite { return $ENV{KEDGE_SUITE} // 'bookworm' }

# Skips the test file where it cannot run.
sub need
{
	plan skip_all => 'needs root' if $>;
	plan skip_all => 'debootstrap is not there (./kedge setup system)'
	    if !qx(sh -c 'command -v debootstrap');
	return;
}

# The package of this tree; or, with its name and options of Kedge::System::build, that of
# a changed one.
sub package_of
{
	my ($suite, $name, %option) = @_;
	my $dir = Kedge::System::build($suite, $name // 'first', %option);
	my ($deb) = grep { !/dbgsym/ } glob "$dir/*.deb";
	ok($deb, 'the package is built: ' . basename($deb // '')) or BAIL_OUT('there is no package');
	return $deb;
}

# What makes a newer release of the sources: two migrations more, other programs, and a
# higher version.
sub newer_release { return <<'SH' }
sed -i '1s/0\.1\.0/0.1.1/' debian/changelog
sed -i 's/"0\.1\.0"/"0.1.1"/' fcgi/web/service.h
echo "ALTER TABLE task ADD COLUMN newer text;" >sql/core/0900_newer.sql
{ echo '-- kedge: no transaction'
echo 'CREATE INDEX CONCURRENTLY IF NOT EXISTS task_newer ON task (newer);'; } >sql/core/0901_newer_index.sql
SH

sub new
{
	my ($class, $suite, $deb, @packages) = @_;
	my $self = $class->SUPER::new($suite, $deb, @packages);
	@$self{qw(deb url curl posted)} = ($deb, $NAME, [], 0);
	return $self;
}

# Installs the package; the installation must not ask anything, because standard input is
# empty.
sub install
{
	my ($self) = @_;
	my $start = time;
	$self->succeeds('the package is installed', qw(apt-get -q -y --no-install-recommends install),
		'/root/' . basename($self->{deb}));
	diag sprintf 'installation with what it depends on: %.1f s', time - $start;
	return;
}

# Starts pebble, a server of ACME for tests, at https://localhost:14000/dir. Its own
# certificate is /root/acme.pem, the root of those that it makes /root/root.pem. The packages
# certbot, pebble and openssl must be there to be installed.
sub begin_acme
{
	my ($self) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$self->succeeds('certbot is installed',
		qw(apt-get -q -y --no-install-recommends install certbot pebble openssl));
	$self->write('/root/pebble.json', encode_json({ pebble => { listenAddress => '127.0.0.1:14000',
		managementListenAddress => '127.0.0.1:15000', certificate => '/root/acme.pem',
		privateKey => '/root/acme.key', httpPort => 80, tlsPort => 443 } }));
	$self->succeeds('a certificate of the issuer itself', qw(openssl req -x509 -newkey rsa:2048 -nodes
		-days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout /root/acme.key
		-out /root/acme.pem));
	$self->succeeds('pebble', qw(systemd-run --unit=pebble -E PEBBLE_VA_NOSLEEP=1
		-E PEBBLE_WFE_NONCEREJECT=0 pebble -config /root/pebble.json));
	ok((wait_until { ($self->in(qw(curl -sS --cacert /root/acme.pem -o /root/root.pem
		https://localhost:15000/roots/0)))[0] == 0 } 20), 'pebble answers');
	return;
}

# The value of a property of a unit.
sub shows
{
	my ($self, $property, $unit) = @_;
	return $self->out(qw(systemctl show -P), $property, $unit);
}

# What the cluster answers to a statement of its administrator.
sub sql
{
	my ($self, $database, $sql) = @_;
	return $self->out('psql', '-h', '/run/postgresql', '-p', $self->port, '-U', 'postgres',
		'-AtXc', $sql, $database);
}

sub port { return $_[0]{port} //= ($_[0]->out('pg_lsclusters', '-h') =~ /^\S+\s+kedge\s+(\d+)/m)[0] }
sub version { return $_[0]{version} //= ($_[0]->out('pg_lsclusters', '-h') =~ /^(\S+)\s+kedge\s/m)[0] }

sub active
{
	my ($self, $when, $without) = @_;
	my @units = qw(kedge.target kedge-auth.socket kedge-auth-verify.socket kedge-core.socket
	    kedge-wallet.socket kedge-links.socket kedge-auth kedge-auth-verify kedge-auth-worker
	    kedge-core kedge-core-worker kedge-wallet kedge-wallet-worker kedge-links
	    kedge-links-worker kedge-redis@auth kedge-redis@core kedge-redis@wallet nginx);
	@units = grep { !/\Q$without\E/ } @units if defined $without;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $out) = $self->in('systemctl', 'is-active', @units);
	is($status, 0, "$when: each unit is active") or diag join ' ', $out =~ /(\w+)/g;
	# Units of systemd itself want what namespaces do not have, such as kernel modules.
	my $failed = ($self->in(qw(systemctl --failed --plain --no-legend)))[1];
	is(join("\n", grep { !/^systemd-/ } split /\n/, $failed), '', "$when: no unit has failed");
	return;
}

# A request of the client that signed up: the status, and the body. The last argument is
# the path, or an address.
sub curl
{
	my ($self, @args) = @_;
	my $address = pop @args;
	$address = $self->{url} . $address if $address =~ m{^/};
	my ($status, $out, $err) = $self->in('curl', '-sS', '-m', 20, '-w', "\n%{http_code}",
		'-H', "Origin: $self->{url}", '-H', 'Content-Type: application/json', '-b', '/root/jar',
		'-c', '/root/jar', @{ $self->{curl} }, @args, $address);
	my ($body, $code) = $out =~ /^(.*)\n(\d+)$/s;
	return ($code // 0, ($body // '') . $err);
}

sub answers
{
	my ($self, $expected, $name, @args) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($code, $body) = $self->curl(@args);
	is($code, $expected, $name) or diag $body;
	return $body;
}

# Waits until a request is answered with the status; returns the seconds that it took.
sub recovers
{
	my ($self, $name, $expected, @args) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $start = time;
	my ($code, $body);
	ok((wait_until { ($code, $body) = $self->curl(@args); $code eq $expected } 120), $name)
	    or diag "$code $body";
	my $took = time - $start;
	diag sprintf '%s: after %.1f s', $name, $took;
	return $took;
}

my $PASSWORD = 'correct horse battery';

sub sign_up
{
	my ($self) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$self->answers(200, 'sign up through nginx', '-d',
		qq({"name":"Ada","email":"ada\@example.com","password":"$PASSWORD"}),
		'/api/auth/sign-up/email');
	return;
}

sub sign_in
{
	my ($self, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$self->answers(200, $name, '-d', qq({"email":"ada\@example.com","password":"$PASSWORD"}),
		'/api/auth/sign-in/email');
	return;
}

# No rate limits, since one client makes all requests of load().
sub no_limits
{
	my ($self) = @_;
	$self->write('/etc/kedge/auth.env', "AUTH_RATE_LIMIT=off\n");
	$self->write('/etc/kedge/core.env', "CORE_WRITE_RATE=0\n");
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$self->succeeds('kedge apply', qw(kedge apply));
	return;
}

# Does something while clients send requests. None may fail, except with the statuses
# that are allowed; returns the counts by kind and status.
sub load
{
	my ($self, $name, $during, $allowed) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($cookie) = map { (split /\t/)[6] } grep { /session_token/ } split /\n/,
	    slurp($self->root . '/root/jar');
	my $stop = $self->root . '/root/stop';
	unlink $stop;
	my $result = File::Temp->new;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDOUT, '>', $result->filename or POSIX::_exit(126);
		exec 'nsenter', '-n', '-u', '-t', $self->{init}, $LOAD, $stop, 'http://127.0.0.1',
		    $self->{url}, "better-auth.session_token=$cookie", 4
		    or POSIX::_exit(127);
	}
	select undef, undef, undef, 0.5; # some requests before
	my $begin = time;
	$during->();
	my $took = time - $begin;
	select undef, undef, undef, 0.5; # and some after
	open my $file, '>', $stop or die $!;
	close $file;
	waitpid $pid, 0;
	my $counts = eval { decode_json(slurp($result->filename)) } // {};
	my @bad = grep { /^(get|post) [^2]/ && !(defined $allowed && /$allowed/) } sort keys %$counts;
	ok(!@bad, "$name: no request failed") or diag join "\n", map {"$counts->{$_} x $_"} @bad;
	cmp_ok($counts->{'get 200'} // 0, '>', 50, "$name: there was load");
	$self->{posted} += $counts->{'post 201'} // 0;
	diag sprintf '%s: %.1f s, %d GETs, %d POSTs, %d failed, longest %d and %d ms', $name, $took,
	    $counts->{'get 200'} // 0, $counts->{'post 201'} // 0, scalar @bad,
	    $counts->{'longest get ms'} // 0, $counts->{'longest post ms'} // 0;
	return $counts;
}

# Each POST of load() that was answered is in the database, once.
sub nothing_lost
{
	my ($self, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $tasks = $self->sql('core', "SELECT count(*) FROM task WHERE title LIKE 'load %'");
	is($tasks, $self->{posted}, $name);
	return;
}

1;
