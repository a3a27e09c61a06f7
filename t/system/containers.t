# docker-compose.yml, run by podman: the services as containers, from a clone, without
# editing a file. Needs root, podman, buildah and podman-compose.
#
# No registry is needed: the base image is made by debootstrap, and the images of
# PostgreSQL and Redis are stand-ins from t/containers. podman-compose of Debian 12 knows
# no conditions, so this test waits where docker compose would.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Cwd qw(abs_path);
use File::Path qw(make_path);
use JSON::PP;
use Test::More;
use Kedge qw(free_port run slurp wait_until);
use Kedge::System;

plan skip_all => 'needs root' if $>;
for my $tool (qw(podman buildah podman-compose debootstrap)) {
	plan skip_all => "$tool is not there (./kedge setup system)" if !qx(sh -c 'command -v $tool');
}
# crun refuses a host that has the hierarchies of cgroup v1 and v2. So this test runs in a
# mount namespace of its own without that of v2, and podman without cgroups.
if (!$ENV{KEDGE_MOUNTS}) {
	$ENV{KEDGE_MOUNTS} = 1;
	exec 'unshare', '-m', 'sh', '-c',
	    'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"', 'sh', $^X, $0;
}

my $root = abs_path("$FindBin::Bin/../..");
my $suite = 'bookworm';
my $home = "$root/build/system/containers";
my $project = "kedge$$";
my $port = free_port();
make_path("$home/run");
# podman's own defaults exceed what a container manager around this host may allow.
write_file("$home/containers.conf", <<'CONF');
[containers]
cgroups = "disabled"
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
write_file("$home/storage.conf", <<"CONF");
[storage]
driver = "overlay"
graphroot = "$home/storage"
runroot = "$home/run"
CONF
$ENV{CONTAINERS_CONF} = "$home/containers.conf";
$ENV{CONTAINERS_STORAGE_CONF} = "$home/storage.conf";
$ENV{KEDGE_LISTEN} = "127.0.0.1:$port";
$ENV{KEDGE_URL} = my $url = "http://localhost:$port";
$ENV{COMPOSE_PROJECT_NAME} = $project;

sub write_file
{
	my ($path, $text) = @_;
	open my $file, '>', $path or die "$path: $!";
	print {$file} $text;
	close $file or die "$path: $!";
	return;
}

sub ok_run
{
	my ($name, @command) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $out, $err) = run({ dir => $root, timeout => 900 }, @command);
	is($status, 0, $name) or diag(substr $out . $err, -3000);
	return $out . $err;
}

sub compose { return run({ dir => $root, timeout => 300 }, 'podman-compose', '-p', $project, @_) }
sub container { return "${project}_$_[0]_1" }
sub state_of { return (run('podman', 'inspect', '-f', $_[1], container($_[0])))[1] =~ s/\s+\z//r }

# What "docker compose up" does, with its conditions: starts the containers, and waits until
# they are healthy or have ended.
sub start
{
	my (@services) = @_;
	my (undef, $out, $err) = compose('up', '-d', @services);
	return "$out$err";
}

sub has_succeeded { return state_of($_[0], '{{.State.Status}} {{.State.ExitCode}}') eq 'exited 0' }
sub is_healthy { return (run('podman', 'healthcheck', 'run', container($_[0])))[0] == 0 }

sub log_of { return (run('podman', 'logs', '--tail', '20', container($_[0])))[2] }

END {
	my $status = $?;
	if (defined $project && $ENV{KEDGE_MOUNTS}) {
		compose('down', '-v', '-t', '2') if defined $root;
		run('sh', '-c', 'podman ps -aq --filter name=^"$1"_ | xargs -r podman rm -f', 'sh', $project);
	}
	$? = $status;
}

# ---- the file --------------------------------------------------------------------

my $rendered = File::Temp::tempdir(CLEANUP => 1);
ok_run('kedge render', Kedge->binary('kedge'), 'render', '--spec', "$root/kedge.json", '--what',
	'compose', '--to', $rendered);
is(slurp("$rendered/etc/kedge/generated/compose/$_"), slurp("$root/$_"),
	"$_ is what kedge render writes")
    for 'docker-compose.yml', 'docker-compose.production.yml';

# ---- the images ------------------------------------------------------------------

my $base = Kedge::System::archive($suite);
if ((run('podman', 'image', 'exists', 'docker.io/library/debian:bookworm-slim'))[0] != 0) {
	ok_run('the base image', 'podman', 'import', $base, 'docker.io/library/debian:bookworm-slim');
}
for my $store ([ postgres => 17 ], [ redis => 7 ]) {
	my ($name, $version) = @$store;
	ok_run("the stand-in of $name", 'buildah', 'bud', '--layers', '--isolation', 'chroot', '-q',
		'-t', "docker.io/library/$name:$version", '-f', "t/containers/$name.Dockerfile",
		't/containers');
}
ok_run('the image of Kedge', 'buildah', 'bud', '--layers', '--isolation', 'chroot', '-q', '-t',
	'kedge:latest', '.');
my ($image) = @{ decode_json((run('podman', 'image', 'inspect', 'kedge:latest'))[1]) };
my ($from) = @{ decode_json((run('podman', 'image', 'inspect',
	'docker.io/library/debian:bookworm-slim'))[1]) };
diag sprintf 'image: %d MB, %d MB of them are the base', $image->{Size} / 1e6, $from->{Size} / 1e6;
is($image->{User}, 'kedge', 'its user is not root');
my (undef, $suid) = run('podman', 'run', '--rm', '--network', 'none', 'kedge:latest', 'sh', '-c',
	'ls /usr/lib/kedge; command -v gcc make git || :');
is_deeply([ sort split ' ', $suid ], [ sort 'programs', Kedge::services() ],
	'has the services, and no compiler');

# ---- starting all containers -----------------------------------------------------

my @services = Kedge::services();
my @stores = map { ("$_-db", "$_-redis") } @services;
start('setup');
ok((wait_until { has_succeeded('setup') } 60), 'setup makes the secrets') or diag(log_of('setup'));
start(@stores);
for my $store (@stores) {
	ok((wait_until { is_healthy($store) } 90), "$store is healthy") or diag(log_of($store));
}
start(map {"$_-migrate"} @services);
for my $service (@services) {
	ok((wait_until { has_succeeded("$service-migrate") } 60), "$service is migrated")
	    or diag(log_of("$service-migrate"));
}
my @pools = ('auth-verify', @services);
start(@pools, map {"$_-worker"} @services);
for my $pool (@pools) {
	ok((wait_until { is_healthy($pool) } 60), "$pool is healthy") or diag(log_of($pool));
}
start('nginx');
ok((wait_until { is_healthy('nginx') } 60), 'nginx is healthy') or diag(log_of('nginx'));

# ---- a client --------------------------------------------------------------------

my $jar = "$rendered/jar";
sub request
{
	my ($method, $path, $body) = @_;
	my @data = defined $body
	    ? ('-H', 'Content-Type: application/json', '-H', "Idempotency-Key: $path-$$", '-d', encode_json($body))
	    : ();
	my (undef, $out) = run('curl', '-s', '-w', "\n%{http_code}", '-b', $jar, '-c', $jar, '-X', $method,
		'-H', "Origin: $url", @data, "$url$path");
	my ($text, $code) = $out =~ /\A(.*)\n(\d+)\z/s;
	return { status => $code, json => Kedge::jdecode($text // '') };
}

my $answer = request('POST', '/api/auth/sign-up/email',
	{ name => 'Ada', email => 'ada@example.com', password => 'correct horse battery' });
is($answer->{status}, 200, 'sign up') or diag(explain $answer);
is(request('GET', '/api/core/whoami')->{status}, 200, 'a verified request');
$answer = request('GET', '/api/wallet/accounts');
is($answer->{status}, 200, 'the wallet, with first contact through nginx');
is(scalar @{ $answer->{json}{items} }, 1, 'made an account');
is(request('POST', '/api/core/tasks', { title => 'in a container' })->{status}, 201, 'a task');

# ---- isolation -------------------------------------------------------------------

sub connects
{
	my ($from, $to, $port) = @_;
	return (run({ timeout => 20 }, 'podman', 'exec', container($from), 'timeout', '5', 'bash', '-c',
		"exec 3<>/dev/tcp/$to/$port"))[0] == 0;
}
ok(connects('core', 'core-db', 5432), 'core reaches its database');
ok(connects('core', 'nginx', 8081), "and nginx's port for services");
ok(!connects('core', $_->[0], $_->[1]), "but not $_->[0]")
    for [ 'wallet-db', 5432 ], [ 'auth-db', 5432 ], [ 'wallet-redis', 6379 ], [ 'wallet', 9000 ],
    [ 'auth', 9000 ], [ 'auth-verify', 9000 ];
my (undef, $address) = run('podman', 'inspect', '-f',
	"{{(index .NetworkSettings.Networks \"${project}_wallet-data\").IPAddress}}", container('wallet-db'));
$address =~ s/\s+\z//;
like($address, qr/^\d+\.\d+\.\d+\.\d+$/, 'the address of another database');
ok(!connects('core', $address, 5432), 'core does not reach it by its address either');
my ($status, $out, $err) = run('podman', 'exec', container('core'), 'sh', '-c',
	'id -un; ls /run/credentials; ls /etc/kedge/secrets; touch /x /usr/x 2>&1');
like($out, qr/^kedge-core$/m, 'core runs as a user of its own');
like($out, qr/^CORE_DATABASE_URL$/m, 'has its secrets');
unlike($out, qr/AUTH_|WALLET_/, "and nobody else's");
like($out, qr/touch: cannot touch '\/x'/, 'and cannot write to its file system');
my ($config) = @{ decode_json((run('podman', 'inspect', container('core')))[1]) };
unlike(join(' ', @{ $config->{Config}{Env} }), qr/PASSWORD|SECRET|_KEY=|postgresql:/,
	'no secret is in the environment, which "inspect" shows');

# ---- several containers of one service -------------------------------------------

# What "docker compose up --scale core=3" does: two containers more with the same name in
# the network.
my (undef, $up, $up_err) = compose('up', '-d', 'core');
my ($command) = "$up$up_err" =~ /^(podman run --name=\Q@{[ container('core') ]}\E .*)$/m;
ok($command, 'the command that runs core') or diag("$up$up_err");
for my $n (2, 3) {
	my $another = $command =~ s/--name=(\S+)_1 /--name=$1_$n /r =~ s/--healthcheck-command .*--healthcheck-retries \d+//r;
	ok_run("core $n", 'sh', '-c', $another);
}
sub served { return (run('sh', '-c', 'podman logs "$1" 2>&1 | grep -c /api/core/whoami', 'sh', "${project}_core_$_[0]"))[1] }
my $failed = 0;
ok((wait_until {
	$failed += request('GET', '/api/core/whoami')->{status} != 200;
	served(2) > 0 && served(3) > 0;
} 60), 'nginx finds the new containers');
is($failed, 0, 'without a failed request');

# ---- restarts --------------------------------------------------------------------

run('podman', 'restart', '-t', '5', container($_)) for 'auth-db', 'auth-redis', 'auth', 'auth-verify';
ok((wait_until { request('GET', '/api/core/whoami')->{status} == 200 } 60),
	'the session is still valid after a restart of auth and its stores');
start('setup');
is(request('GET', '/api/core/whoami')->{status}, 200, 'and setup changes no secret');

done_testing;
