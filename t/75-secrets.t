# kedge secrets: rotation while the services run. No request fails, nobody is signed out,
# and what was replaced is refused afterwards.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Digest::SHA qw(hmac_sha256_base64);
use Fcntl qw(:flock);
use File::Temp qw(tempdir);
use POSIX ();
use Kedge qw(jdecode jencode need run slurp tool wait_until);
use Kedge::Load;
use Kedge::Redis;

need(qw(nginx redis-server redis-cli psql));

# Core's Redis is one with a password, on a unix socket of this test.
my $place = tempdir('kedge-secrets-XXXXXX', DIR => $ENV{TMPDIR}, CLEANUP => 1);
write_file("$place/redis.conf", join "\n", 'port 0', "unixsocket $place/redis.sock",
	"dir $place", 'save ""', 'user core on >first-password ~* &* +@all', '');
my $redis_pid = fork // die "fork: $!";
if ($redis_pid == 0) {
	Kedge::in_child();
	open STDOUT, '>', '/dev/null' or POSIX::_exit(126);
	open STDERR, '>', '/dev/null' or POSIX::_exit(126);
	exec tool('redis-server'), "$place/redis.conf"
	    or POSIX::_exit(127);
}
my $owner = $$;
END { kill TERM => $redis_pid if $redis_pid && $$ == $owner }
ok(wait_until(sub { -S "$place/redis.sock" }, 20), 'a Redis with a password');
my $redis_file = "$place/redis-url";
write_file($redis_file, "unix:$place/redis.sock?user=core&password=first-password\n");

sub write_file
{
	my ($file, $text) = @_;
	open my $fh, '>', $file or die "$file: $!";
	chmod 0600, $file;
	print {$fh} $text;
	close $fh or die "$file: $!";
	return;
}

my $k = Kedge->up(env => {
	AUTH_PLUGINS => 'email-password,admin,bearer',
	CORE_REDIS_URL_FILE => $redis_file,
});
my $dir = $k->dir;
my $secret_file = "$dir/secrets/auth/AUTH_SECRET";

sub secret { return slurp($secret_file) =~ s/\n\z//r }

# The secret that has signed a session cookie; undef: another one.
sub signed_by
{
	my ($client, @secrets) = @_;
	my ($raw) = $client->cookie_header =~ /session_token=([^;]+)/;
	$raw =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
	my ($token, $mac) = $raw =~ /^(.+)\.([^.]+)$/;
	return (grep { hmac_sha256_base64($token, $_) . '=' eq $mac } @secrets)[0];
}

my $alice = $k->user('alice');
$alice->get($_) for '/api/core/me', '/api/wallet/accounts';
$alice->post('/api/core/tasks', { title => "task $_" }) for 1 .. 3;

sub load
{
	my ($who) = @_;
	return Kedge::Load->start(
		procs => 3,
		code => sub {
			my ($i) = @_;
			my $c = $who->copy;
			my $cookie = $who->cookie_header; # always the same one
			my $n = $i;
			my $next;
			my @turn = (
				sub { $c->get('/api/core/whoami', cookie => $cookie) },
				sub { $c->get('/api/core/me', cookie => $cookie) },
				sub { $c->get('/api/auth/get-session', cookie => $cookie) },
				sub { $c->post('/api/core/tasks', { title => 'x' }, cookie => $cookie) },
				sub { $c->get('/api/wallet/accounts', cookie => $cookie) },
				sub {
					my $r = $c->get('/api/core/tasks?limit=1' . ($next ? "&cursor=$next" : ''),
						cookie => $cookie);
					$next = $r->{json}{nextCursor};
					return $r;
				},
				# First contact: core tells auth of a new user.
				sub {
					my $new = $k->user("load$i");
					return $new->get('/api/core/me');
				},
			);
			return sub {
				my $r = $turn[ $n++ % @turn ]->();
				return $r->{status} == 201 ? 200 : $r->{status};
			};
		});
}

sub no_failure
{
	my ($name, $count) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is_deeply([ sort keys %$count ], [200],
		"$name: not one of " . ($count->{200} // 0) . ' requests failed')
	    or diag(explain($count));
	cmp_ok($count->{200} // 0, '>=', 10, "$name: under load");
	return;
}

sub rotate
{
	my (@what) = @_;
	return $k->kedge('secrets', 'rotate', @what);
}

# ---- list ---------------------------------------------------------------------------

my ($s, $out, $err) = $k->kedge('secrets', 'list');
is($s, 0, 'secrets list succeeds') or diag($err);
like($out, qr/^auth-secret\s+AUTH_SECRET\s+0d0h/m, 'secrets list shows the secret of auth');
like($out, qr/^assertion\s+WALLET_IDENTITY_KEY_PREVIOUS\s/m, 'secrets list shows the keys of assertions');
like($out, qr/^database\s+CORE_DATABASE_URL\s.*role core$/m, 'secrets list shows the role in PostgreSQL');
like($out, qr/^redis\s+WALLET_REDIS_URL\s.*no password: nothing to rotate$/m,
	'secrets list shows that a Redis has no password');
like($out, qr/^redis\s+CORE_REDIS_URL\s.*user core$/m, 'secrets list shows the user of a Redis with a password');
my $all_secrets = join '|', map {quotemeta} secret(), 'first-password';
unlike($out, qr/$all_secrets/, 'secrets list prints no secret');
($s, $out, $err) = $k->kedge('secrets', 'list', '--json');
my ($row) = grep { $_->{variable} eq 'AUTH_SECRET' } @{ jdecode($out) // [] };
is($row->{path}, $secret_file, 'list --json names the file');

for my $wrong ([], ['show'], [ 'rotate', 'passwords' ], [ 'rotate', 'auth-secret', 'core' ],
	[ 'rotate', 'database', 'nobody' ], ['rotate']) {
	($s, $out, $err) = $k->kedge('secrets', @$wrong);
	is($s, 2, "secrets @$wrong: wrong usage");
	isnt($err, '', 'the refused command prints an error');
}

# ---- auth's secret ------------------------------------------------------------------

my $first = secret();
is(signed_by($alice, $first), $first, 'a cookie is signed with the secret');
my $bearer = $k->client->post('/api/auth/sign-in/email',
	{ email => $alice->{email}, password => $alice->{password} })->{headers}{'set-auth-token'};
ok($bearer, 'a signed bearer token');

my $load = load($alice);
($s, $out, $err) = rotate('auth-secret');
is($s, 0, 'rotate auth-secret') or diag($err);
my $count = $load->stop;
no_failure('rotation of the secret', $count);
my $second = secret();
isnt($second, $first, 'there is a new secret');
is(slurp("$dir/secrets/auth/AUTH_SECRET_PREVIOUS"), "$first\n", 'the old one is the previous one');
ok(!-e "$dir/secrets/auth/.rotation", 'no state of the rotation is left');
is($alice->copy->get($_)->{status}, 200, "$_: the old cookie is accepted")
    for '/api/core/whoami', '/api/auth/get-session';
is($k->client->get('/api/core/whoami', headers => { Authorization => "Bearer $bearer" })->{status},
	200, 'the old bearer token is accepted');
my $bob = $k->user('bob');
is(signed_by($bob, $first, $second), $second, 'a new cookie is signed with the new secret');

# A session that is due to be extended gets a cookie with the new signature.
my $carol = $k->again($alice);
my $old_cookie = $alice->cookie_header;
$k->sql('auth', qq{UPDATE session SET "expiresAt" = now() + interval '5 days',
	"updatedAt" = now() - interval '2 days' WHERE token = '$alice->{token}'});
my $refreshed = $alice->copy;
$refreshed->get('/api/auth/get-session');
is(signed_by($refreshed, $first, $second), $second, 'an extended session has a new signature');

# A second rotation would sign out users who have sent no request since the first one.
($s, $out, $err) = rotate('auth-secret');
is($s, 1, 'a second rotation is refused');
like($err, qr/Wait until 168 h after it, or say --force/, 'the message says why and what to do');
is(secret(), $second, 'a refused rotation changes no secret');

# A rotation that is killed after its first step.
$load = load($bob);
pipe my $r, my $w or die "pipe: $!";
my $pid = fork // die "fork: $!";
if ($pid == 0) {
	Kedge::in_child();
	open STDOUT, '>&', $w or POSIX::_exit(126);
	close $r;
	exec "$ENV{BUILD}/kedge", 'secrets', 'rotate', 'auth-secret', '--force', '--dir', $dir
	    or POSIX::_exit(127);
}
close $w;
like(scalar <$r>, qr/all services accept the new secret/, 'the first step has ended');
kill KILL => $pid;
waitpid $pid, 0;
($s, $out, $err) = $k->kedge('secrets', 'list');
like($err, qr/was interrupted; "kedge secrets rotate auth-secret" ends it/, 'list tells it');
is($bob->get('/api/core/whoami')->{status}, 200, 'all goes on');
($s, $out, $err) = rotate('auth-secret');
is($s, 0, 'the next rotation ends it') or diag($err);
like($out, qr/continuing the rotation/, 'the next rotation says that it continues the interrupted one');
no_failure('an interrupted rotation', scalar $load->stop);
my $third = secret();
is(slurp("$dir/secrets/auth/AUTH_SECRET_PREVIOUS"), "$second\n", 'the second secret is accepted');
is($k->client->get($_->[0], cookie => $old_cookie)->{status},
	$_->[1], "$_->[0]: a cookie of two generations ago is refused")
    for [ '/api/core/whoami', 401 ];
is($k->client->get('/api/auth/get-session', cookie => $old_cookie)->{body},
	'null', 'get-session knows nobody');
is($k->client->get('/api/core/whoami', headers => { Authorization => "Bearer $bearer" })->{status},
	401, 'a bearer token of two generations ago is refused');
is($bob->get('/api/core/whoami')->{status}, 200, 'a cookie of the last generation is accepted');
is($refreshed->get('/api/core/whoami')->{status}, 200, 'and the one that was signed again');

# Two rotations at once.
open my $lock, '>', "$dir/secrets/.lock" or die $!;
flock $lock, LOCK_EX or die $!;
($s, $out, $err) = rotate('auth-secret', '--force');
is($s, 1, 'a second rotation at the same time is refused');
like($err, qr/another "kedge secrets rotate" runs/, 'the refusal of a concurrent rotation says why');
close $lock;

# ---- the database -------------------------------------------------------------------

my $old_url = $k->database_url('core');
$load = load($bob);
($s, $out, $err) = rotate('database');
is($s, 0, 'rotate database succeeds') or diag($err);
no_failure('rotation of the databases', scalar $load->stop);
my $new_url = $k->database_url('core');
like($new_url, qr/user='core_2'/, 'core logs in with its second role');
my $login = sub { run({ env => { PGCONNECT_TIMEOUT => 5 }, in => $_[1] // 'SELECT current_user' },
	    tool('psql'), '-AtqX', '-v', 'ON_ERROR_STOP=1', '-d', $_[0]) };
is(($login->($new_url))[1], "core\n", 'which has the rights of the first one');
isnt(($login->($old_url))[0], 0, 'the old password is refused');
is($k->sql('core', q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'core'}),
	0, 'no connection of the old login is left');
isnt(($login->($new_url, 'CREATE TABLE forbidden ()'))[0], 0, 'the second role may not create tables');
for my $service (Kedge::services('postgres')) {
	is($k->monitor->get("/health/$service")->{status}, 200, "$service is ready");
}
$load = load($bob);
($s, $out, $err) = rotate('database', 'core');
is($s, 0, 'rotate database core') or diag($err);
no_failure('the second rotation', scalar $load->stop);
like($k->database_url('core'), qr/user='core'/, 'the roles take turns');
isnt(($login->($new_url))[0], 0, 'the second role has no password any more');
like($k->database_url('wallet'), qr/user='wallet_2'/, 'the other services were left alone');

# Where the administrator is no superuser, as with a hosted PostgreSQL, the server's log may
# have every statement.
my $log = "$dir/log/postgres.log";
$k->sql('core', $_) for q{CREATE ROLE manager LOGIN CREATEROLE PASSWORD 'm'}, q{ALTER ROLE manager SET log_statement = 'all'},
    'GRANT core, core_2 TO manager WITH ADMIN OPTION', 'GRANT CONNECT ON DATABASE postgres TO manager';
{
	local $ENV{KEDGE_ADMIN_URL} = $k->url_as('manager:m', 'postgres');
	($s, $out, $err) = rotate('database', 'core');
}
is($s, 0, 'rotate database core, not as a superuser') or diag($err);
my ($fresh) = $k->database_url('core') =~ /password='(\w+)'/;
ok($fresh, 'the password of the database was replaced');
is($k->monitor->get('/health/core')->{status}, 200, 'which the service can use');
like(slurp($log), qr/ALTER ROLE core_2 LOGIN INHERIT PASSWORD 'SCRAM-SHA-256\$/, 'the log has the statement');
unlike(slurp($log), qr/\Q$fresh/, 'the log of statements does not have the password');
$k->sql('core', $_) for 'DROP OWNED BY manager', 'DROP ROLE manager';

# ---- Redis --------------------------------------------------------------------------

($s, $out, $err) = rotate('redis', 'wallet');
is($s, 0, 'rotate redis wallet');
like($out, qr/wallet: .* nothing to rotate/, 'rotate redis says that this Redis has no password');
chmod 0640, $redis_file;
chown -1, 33, $redis_file; # a group of the service's, on a server
my @was = (stat $redis_file)[ 2, 4, 5 ];
$load = load($bob);
($s, $out, $err) = rotate('redis', 'core');
is($s, 0, 'rotate redis core') or diag($err);
no_failure('rotation of the Redis password', scalar $load->stop);
my $url = slurp($redis_file);
unlike($url, qr/first-password/, 'the file has a new password');
is_deeply([ (stat $redis_file)[ 2, 4, 5 ] ], \@was, "the operator's file keeps its mode and owner");
my ($password) = $url =~ /password=(\w+)/;
my $redis = Kedge::Redis->new("$place/redis.sock");
is(eval { $redis->cmd('AUTH', 'core', $password) }, 'OK', 'which Redis accepts');
is(eval { $redis->cmd('AUTH', 'core', 'first-password') }, undef, 'and the old one no longer');
unlike(slurp("$place/redis.conf"), qr/first-password/, 'Redis has saved it');
is(jdecode($k->monitor->get('/health/core')->{body})->{redis}, 'ok', 'core is ready');

# ---- starts after rotations, and with an earlier release's secrets ---------------------

$k->down;
($s, $out, $err) = rotate('auth-secret', '--force');
is($s, 0, 'rotate auth-secret while nothing runs') or diag($err);
my $fourth = secret();
$k->start(port => $k->port);
is(signed_by($bob, $second), $second, 'a cookie of two generations ago');
is($bob->get('/api/core/whoami')->{status}, 401, 'a cookie of two generations ago is refused');
is($k->again($bob)->get('/api/core/me')->{status}, 200, 'all services work');
unlike($k->database_url('wallet'), qr/wallet_2/, 'after a start, the first role is used again');
is($k->sql('wallet', q{SELECT count(*) FROM pg_authid WHERE rolname LIKE '%\_2' AND rolpassword IS NOT NULL}),
	0, 'no second role has a password');
$k->down;

my %old = map { $_ => slurp("$dir/secrets/core/$_") =~ s/\n\z//r } 'CORE_DATABASE_PASSWORD';
system('rm', '-r', "$dir/secrets");
write_file("$dir/env/secrets", "# Made once.\nAUTH_SECRET=$fourth\n"
	    . "CORE_DATABASE_PASSWORD=$old{CORE_DATABASE_PASSWORD}\n");
$k->start(port => $k->port);
is(secret(), $fourth, "an earlier release's secrets are moved");
is(slurp("$dir/secrets/core/CORE_DATABASE_PASSWORD"), "$old{CORE_DATABASE_PASSWORD}\n",
	'each to its file');
ok(!-e "$dir/env/secrets", 'the file of an earlier release is removed');
is($k->again($bob)->get('/api/core/me')->{status}, 200, 'all services work');

# ---- a secret that is set elsewhere ---------------------------------------------------

$k->down;
$k->{env}{AUTH_SECRET} = 'of the environment' x 3;
$k->start(port => $k->port);
($s, $out, $err) = rotate('auth-secret', '--force');
is($s, 1, 'a secret in the environment is not rotated');
like($err, qr{auth does not read AUTH_SECRET from \Q$secret_file\E}, 'the refusal says that auth does not read the file');
is(secret(), $fourth, 'the refused rotation changes no secret');

# ---- on a server ----------------------------------------------------------------------

# In a mount namespace with an /etc of its own, and with a systemctl that writes down what
# it is told and which secrets there are at that time.
SKIP: {
	skip 'needs root for a mount namespace', 15 if $> != 0;
	my $etc = "$place/etc";
	my $bin = "$place/bin";
	mkdir $_ or die "$_: $!" for $etc, $bin, "$etc/kedge", "$etc/kedge/secrets";
	my $spec = jdecode(slurp("$Kedge::ROOT/kedge.json"));
	$spec->{services} = [ grep { $_->{name} =~ /^(?:auth|core|wallet)$/ } @{ $spec->{services} } ];
	write_file("$etc/kedge/kedge.json", jencode($spec));
	write_file("$etc/group", slurp('/etc/group') . join '',
		map {"kedge-$_->[0]:x:$_->[1]:\n"} [ auth => 60001 ], [ core => 60002 ], [ wallet => 60003 ]);
	write_file("$etc/passwd", slurp('/etc/passwd'));
	write_file("$bin/systemctl", <<'SH');
#!/bin/sh
cd /etc/kedge/secrets
for f in auth/AUTH_SECRET auth/AUTH_SECRET_PREVIOUS core/CORE_IDENTITY_KEY core/CORE_IDENTITY_KEY_PREVIOUS; do
	printf '%s ' "$(cat $f)"
done >>"$CALLS"
echo "$*" >>"$CALLS"
SH
	chmod 0755, "$bin/systemctl";
	my $on_server = sub {
		my ($command) = @_;
		return run({ env => { CALLS => "$place/calls", PATH => "$bin:$ENV{PATH}",
					KEDGE_ROOT => $Kedge::ROOT } }, tool('unshare'), '-m', 'sh', '-c',
			"mount --bind '$etc' /etc && exec '$ENV{BUILD}/kedge' $command");
	};
	for my $file ([ auth => AUTH_SECRET => 'a' x 43 ], [ auth => AUTH_SECRET_PREVIOUS => 'b' x 43 ],
		(map { my $s = $_; map { [ $s, uc($s) . "_IDENTITY_KEY$_", 'k' ] } '', '_PREVIOUS' } qw(core wallet)),
		[ core => CORE_DATABASE_URL => 'postgresql://core@/core?host=/run/postgresql' ]) {
		mkdir "$etc/kedge/secrets/$file->[0]";
		write_file("$etc/kedge/secrets/$file->[0]/$file->[1]", "$file->[2]\n");
	}
	($s, $out, $err) = $on_server->('secrets rotate auth-secret --system');
	is($s, 0, 'rotate on a server') or diag($err);
	my @calls = map { [ split ' ', $_, 5 ] } split /\n/, slurp("$place/calls");
	my @units = map {"restart $_"} 'kedge-auth.service kedge-auth-verify.service kedge-auth-worker.service',
	    'kedge-core.service kedge-core-worker.service', 'kedge-wallet.service kedge-wallet-worker.service';
	is_deeply([ map { $_->[4] } @calls ], [ @units, @units ], 'each unit is restarted twice');
	my ($new) = slurp("$etc/kedge/secrets/auth/AUTH_SECRET") =~ /^(\w{43})$/;
	isnt($new, 'a' x 43, 'there is a new secret');
	is_deeply([ map {"$_->[0] $_->[1]"} @calls ],
		[ ('a' x 43 . " $new") x 3, ("$new " . 'a' x 43) x 3 ],
		'first it is accepted, then it signs');
	is($calls[0][2], $calls[3][3], 'the same with the keys of a service');
	is($calls[0][3], $calls[3][2], 'of both secrets');
	my @stat = stat "$etc/kedge/secrets/core/CORE_IDENTITY_KEY";
	is(sprintf('%04o %d %d', $stat[2] & 07777, @stat[ 4, 5 ]), '0640 0 60002',
		"the service's group may read its key");
	($s, $out, $err) = $on_server->('secrets rotate database core --system');
	is($s, 0, 'rotate a database');
	like($out, qr/core: logs in to PostgreSQL without a password/, 'peer authentication has no password');
	write_file("$etc/kedge/core.env", qq{# mine\n CORE_DATABASE_URL_FILE = "$place/core url"\n});
	write_file("$place/core url", "postgresql://other:pw\@/core?host=/run/postgresql\n");
	($s, $out, $err) = $on_server->('secrets list --system');
	like($out, qr{^database\s+CORE_DATABASE_URL\s.*role other$}m, 'a file that core.env names in quotes') or diag($err);
	write_file("$etc/kedge/core.env", "CORE_THREADS=2\nexport CORE_IDENTITY_KEY=x\n");
	($s, $out, $err) = $on_server->('secrets list --system');
	is($s, 1, 'a wrong line in core.env');
	like($err, qr{/etc/kedge/core\.env:2: "export CORE_IDENTITY_KEY" is no name}, 'the error names the line');
	write_file("$etc/kedge/core.env", "CORE_IDENTITY_KEY='x'\n");
	($s, $out, $err) = $on_server->('secrets rotate auth-secret --force --system');
	is($s, 1, 'a key in core.env is not rotated');
	like($err, qr/core does not read CORE_IDENTITY_KEY/, 'the message names it');
	($s, $out, $err) = $on_server->('secrets list --system');
	like($out, qr/CORE_IDENTITY_KEY +- +in the environment: cannot be rotated/, 'list tells it');
}
done_testing;
