# kedge.json determines what runs, and errors in it are reported before anything starts.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(hmac_sha256);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use MIME::Base64 qw(decode_base64url encode_base64url);
use Test::More;
use Kedge::FastCGI qw(fcgi_send);
use Kedge qw(jdecode jencode run slurp wait_until);

my $good = jdecode(slurp("$Kedge::ROOT/kedge.json"));
my $root = tempdir(CLEANUP => 1);
chmod 0755, $root;
symlink "$Kedge::ROOT/$_", "$root/$_" for qw(nginx sql mail web);

sub write_shape
{
	my ($text) = @_;
	open my $f, '>', "$root/kedge.json" or die "kedge.json: $!";
	print $f $text;
	close $f;
	return;
}

sub clone { return jdecode(jencode($_[0])) }

sub changed
{
	my ($code) = @_;
	my $shape = clone($good);
	$code->($shape, { map { $_->{name} => $_ } @{ $shape->{services} } });
	return jencode($shape);
}

# ---- errors in kedge.json -----------------------------------------------------------

my @bad = (
	[ 'no JSON', '{"services":' ], [ 'nothing', '' ], [ 'a list', '[]' ],
	[ 'no services', '{}' ], [ 'none', '{"services":[]}' ],
	[ 'a guard that is none', changed(sub { $_[1]{core}{guard} = 'whatever' }) ],
	[ 'a guard that is missing', changed(sub { delete $_[1]{core}{guard} }) ],
	[ 'a guard in capitals', changed(sub { $_[1]{core}{guard} = 'Standard' }) ],
	[ 'a guard of the future', changed(sub { $_[1]{core}{guard} = 'flexible' }),
		qr/services\[1\]\.guard: .*not supported yet/
	],
	[ 'a prefix without its end', changed(sub { $_[1]{core}{prefix} = '/api/core' }) ],
	[ 'a prefix with a regular expression',
		changed(sub { $_[1]{core}{prefix} = '~ /api/core/' })
	],
	[ 'a prefix that ends the block',
		changed(sub { $_[1]{core}{prefix} = '/api/core/ { } location /' })
	],
	[ 'a prefix of another', changed(sub { $_[1]{wallet}{prefix} = $_[1]{core}{prefix} }) ],
	[ 'auth where its clients do not look',
		changed(sub { $_[1]{auth}{prefix} = '/id/'; delete $_[1]{auth}{locations} }),
		qr{services\[0\]\.prefix: must be "/api/auth/"}
	],
	[ 'two of one name', changed(sub { $_[1]{wallet}{name} = 'core' }) ],
	[ 'a name with a path', changed(sub { $_[1]{core}{name} = '../core' }) ],
	[ 'a name in SQL', changed(sub { $_[1]{core}{name} = 'core; DROP' }) ],
	[ 'no pools', changed(sub { delete $_[1]{core}{pools} }) ],
	[ 'no process', changed(sub { $_[1]{core}{pools}{api}{processes} = 0 }) ],
	[ 'half a thread', changed(sub { $_[1]{core}{pools}{api}{threads} = 0.5 }) ],
	[ 'a thread in words', changed(sub { $_[1]{core}{pools}{api}{threads} = 'many' }) ],
	[ 'a million threads', changed(sub { $_[1]{core}{pools}{api}{threads} = 1_000_000 }) ],
	[ 'more kept connections than a process has room for',
		changed(sub { $_[1]{core}{pools}{api} =
			{ processes => 1, threads => 16, keepalive => 200 } }),
		qr/than the 256 connections that the pool api can keep/
	],
	[ 'the same of verify',
		changed(sub { $_[1]{auth}{pools}{verify}{keepalive} = 256;
			$_[0]{nginx}{workers} = 8 }),
		qr/than the 512 connections that the pool verify can keep/
	],
	[ 'a network that may have all connections',
		changed(sub { $_[0]{nginx} = { workers => 1, connections => 2000,
			perNetwork => 501 } }),
		qr/nginx: perNetwork must be at most a quarter of the connections/
	],
	[ 'an address that may have more than its network',
		changed(sub { $_[0]{nginx}{perAddress} = 2000 }),
		qr/nginx: perAddress must not be above perNetwork/
	],
	[ 'no connections', changed(sub { $_[0]{nginx}{connections} = 0 }),
		qr/nginx\.connections: must be a whole number from 64 to 1000000/
	],
	[ 'role-gated for nobody', changed(sub { $_[1]{core}{locations}[0]{roles} = [] }) ],
	[ 'role-gated without roles', changed(sub { delete $_[1]{core}{locations}[0]{roles} }) ],
	[ 'a role with a comma', changed(sub { $_[1]{core}{locations}[0]{roles} = ['a,b'] }) ],
	[ 'a role with a quote', changed(sub { $_[1]{core}{locations}[0]{roles} = ['a"; x'] }) ],
	[ 'a location outside of its service',
		changed(sub { $_[1]{core}{locations}[0]{prefix} = '/api/wallet/admin/' })
	],
	[ 'workers without a database',
		changed(sub { $_[1]{core}{pools}{worker} = { processes => 1 };
			$_[1]{core}{needs} = ['redis'] })
	],
	[ 'more processes than a master counts',
		changed(sub { $_[1]{core}{pools}{worker} = { processes => 64 } }) ],
	[ 'no workers', changed(sub { $_[1]{core}{pools}{worker} = { processes => 0 } }) ],
	[ 'threads of workers',
		changed(sub { $_[1]{core}{pools}{worker} = { processes => 1, threads => 2 } })
	],
	[ 'a word that nobody knows', changed(sub { $_[1]{core}{gaurd} = 'none' }) ],
	[ 'nobody to verify', changed(sub { delete $_[1]{auth}{pools}{verify} }) ],
);
for my $row (@bad) {
	my ($name, $text, $says) = @$row;
	write_shape($text);
	my ($status, $out, $err) =
	    run({ env => { KEDGE_ROOT => $root }, timeout => 20 }, Kedge->binary('kedge'), 'up',
		'--dir', "$root/d", '--port', '0', '--detach');
	isnt($status, 0, "$name: kedge.json is refused");
	is(scalar(() = "$out$err" =~ /\n/g), 1, "$name: the error is one line") or diag("$out$err");
	like("$out$err", qr/kedge\.json/, "$name: the error names the file") or diag("$out$err");
	like("$out$err", $says, "$name: the error gives the reason") if $says;
	run(Kedge->binary('kedge'), 'down', '--dir', "$root/d") if $status == 0;
}

# ---- kedge.json decides what runs -----------------------------------------------------

write_shape(changed(sub {
	my ($shape, $s) = @_;
	$shape->{nginx} =
	    { workers => 1, connections => 200, perAddress => 3, perNetwork => 5 };
	$s->{wallet}{guard} = 'role-gated';
	$s->{wallet}{roles} = [ 'payer', 'auditor' ];
	delete $s->{wallet}{pools}{api}{processes};
	$s->{core}{pools}{api}{processes} = 3;
	$s->{core}{pools}{api}{threads} = 6;
	$s->{core}{pools}{api}{keepalive} = 1;
}));
my $k = Kedge->up(env => { KEDGE_ROOT => $root });
my $alice = $k->user('alice');
is($alice->get('/api/core/me')->{status}, 200, 'core answers in a stack with other numbers of processes');
is(scalar(my @workers = $k->pids('core-api')), 3, 'core has the three processes of kedge.json');
is(scalar(@{ [ $k->pids('wallet-api') ] }), 2, 'wallet, whose number is not given, has two processes');
sub threads { return (slurp("/proc/$_[0]/status") =~ /^Threads:\s+(\d+)/m)[0] }
cmp_ok(threads($workers[0]), '<=', 5, 'an idle process has few threads');
# Occupies threads with requests that wait for a lock in the database.  Each request is
# of another user, because one user may use only a share of the threads.
my $key = decode_base64url($k->service_env('core')->{CORE_IDENTITY_KEY});
sub assertion
{
	my ($user) = @_;
	my $ms = int(1000 * time);
	my $text = join '.', map { encode_base64url(jencode($_)) } { alg => 'HS256' },
	    { iss => 'auth', aud => 'core', sub => $user, sid => $user, roles => ['user'],
		accounts => ['core'], iat => int($ms / 1000), exp => int($ms / 1000) + 30, iat_ms => $ms };
	return "$text." . encode_base64url(hmac_sha256($text, $key));
}
sub begin
{
	my ($user) = @_;
	return fcgi_send("$k->{dir}/run/core.sock", { REQUEST_METHOD => 'GET', QUERY_STRING => '',
		KEDGE_PATH => '/api/core/tasks', KEDGE_RAW_URI => '/api/core/tasks',
		KEDGE_HOST => '127.0.0.1', KEDGE_SCHEME => 'http', REMOTE_ADDR => '127.0.0.1',
		KEDGE_IDENTITY => assertion($user) });
}
open my $psql, '|-', Kedge::tool('psql'), '-AtqX', '-d', $k->url_as('kedge', 'core') or die;
$psql->autoflush;
print {$psql} "BEGIN; LOCK TABLE task IN ACCESS EXCLUSIVE MODE;\n";
ok(wait_until(sub { $k->sql('core', q{SELECT count(*) FROM pg_locks
	WHERE relation = 'task'::regclass AND mode = 'AccessExclusiveLock' AND granted}) > 0 }, 10),
	'another session locks a table');
my @held;
for my $worker (@workers) {
	my @others = grep { $_ != $worker } @workers;
	$k->kill_pid(STOP => @others);
	push @held, map { begin("user-$_") } 1 .. 12;
	ok(wait_until(sub { threads($worker) >= 6 }, 10), 'a busy process starts the six threads of kedge.json');
	$k->kill_pid(CONT => @others);
}
cmp_ok(threads($_), '<=', 10, 'a process has no more threads than kedge.json allows') for @workers;
close $_ for @held;
close $psql;
is($alice->get('/api/wallet/accounts')->{status}, 403, 'wallet has the guard role-gated in the changed kedge.json');

# ---- nginx's limits for one client ----------------------------------------------------

# Sends a request without its body: nginx logs when it starts to wait for the body.
sub trickle
{
	my ($address) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $k->port,
		LocalAddr => $address) or die "$address: $!";
	syswrite $s, "POST /api/auth/sign-in/email HTTP/1.1\r\nHost: 127.0.0.1\r\n"
	    . "Content-Type: application/json\r\nContent-Length: 100\r\n"
	    . "Expect: 100-continue\r\n\r\n";
	sysread $s, my $answer, 4096;
	return ($s, $answer);
}
my %limit = (address => 3, network => 5);
@held = ();
for (1 .. $limit{address}) {
	my ($s, $answer) = trickle('127.0.2.1');
	like($answer, qr{^HTTP/1.1 100 }, 'nginx accepts as many requests of one address as kedge.json allows');
	push @held, $s;
}
my ($refused, $answer) = trickle('127.0.2.1');
like($answer, qr{^HTTP/1.1 429 }, 'one more request of the address gets 429');
like($answer, qr/"code":"RATE_LIMITED"/, 'the 429 has the code RATE_LIMITED');
like($answer, qr/^Retry-After: 1\r$/m, 'the 429 has Retry-After');
like($answer, qr{^Content-Type: application/json}m, 'the 429 is JSON');
for (1 .. $limit{network} - $limit{address}) {
	my ($s, $answer) = trickle('127.0.2.2');
	like($answer, qr{^HTTP/1.1 100 }, "another address of the network gets the rest of the network's limit");
	push @held, $s;
}
like((trickle('127.0.2.3'))[1], qr{^HTTP/1.1 429 }, 'one more request of the network gets 429');
like((trickle('127.0.3.1'))[1], qr{^HTTP/1.1 100 }, 'a request of another network is accepted');
is($alice->get('/api/core/me')->{status}, 200, 'a user of another network is served');
close shift @held;
ok(wait_until(sub { (trickle('127.0.2.3'))[1] =~ m{^HTTP/1.1 100 } }, 10),
	'when a request of the network ends, another is accepted');
close $_ for @held;
for my $role ('payer', 'auditor', 'user,auditor', 'admin') {
	$k->role($alice, $role);
	is($alice->get('/api/wallet/accounts')->{status}, 200, "wallet with the guard role-gated accepts the role $role");
}
for my $role ('pay', 'payers', 'PAYER', 'user') {
	$k->role($alice, $role);
	is($alice->get('/api/wallet/accounts')->{status}, 403, "wallet with the guard role-gated refuses the role $role");
}
is($k->client->get('/api/wallet/accounts')->{status}, 401, 'wallet with the guard role-gated answers 401 without a session');
$k->destroy;

# ---- other prefixes ---------------------------------------------------------------------

write_shape(changed(sub {
	my ($shape, $s) = @_;
	$s->{wallet}{prefix} = '/money/';
	$_->{prefix} =~ s{^/api/core/}{/api/to-do/v1/} for $s->{core}, @{ $s->{core}{locations} };
}));
$k = Kedge->up(env => { KEDGE_ROOT => $root, CORE_WEBHOOK_ALLOW_PRIVATE => 'on' });
$alice = $k->user('alice');
my $todo = '/api/to-do/v1';
is($alice->get("$todo/whoami")->{json}{userId}, $alice->{id}, 'core answers at its other prefix');
is($alice->get('/api/core/whoami')->{status}, 404, 'core does not answer at its former prefix');
is($k->client->get("$todo/whoami")->{status}, 401, "core's other prefix requires a session");
is($alice->get("$todo/admin/stats")->{status}, 403, 'the location of a role below the other prefix refuses a user');
$k->role($alice, 'admin');
is($alice->get("$todo/admin/stats")->{status}, 200, 'the location of a role below the other prefix accepts the role');
is($alice->get("$todo/me")->{status}, 200, "core at its other prefix makes the user's record");
is($alice->get('/money/accounts')->{json}{items}[0]{currency}, 'USD', 'wallet answers at its other prefix');
ok(wait_until(sub { my $user = $alice->get('/api/auth/get-session')->{json}{user};
	$user->{hasCoreAccount} && $user->{hasWalletAccount} }, 5), 'auth has the service accounts of both services');
for my $new ([ "$todo/tasks", { title => 'x' } ], [ "$todo/webhooks", { url => 'http://127.0.0.1:1/', kinds => ['*'] } ],
	[ '/money/accounts', { name => 'x', currency => 'EUR' } ])
{
	my ($path, $body) = @$new;
	my $r = $alice->post($path, $body);
	is($r->{status}, 201, "POST $path is answered with 201");
	is($r->{headers}{location}, "$path/$r->{json}{id}", "POST $path: Location has the other prefix");
	is($alice->get($r->{headers}{location} // '/')->{json}{id}, $r->{json}{id},
		"POST $path: Location leads to the new object");
}
for my $prefix ("$todo/", '/money/') {
	my $spec = $k->client->get("${prefix}openapi.json")->{json};
	ok($spec, "$prefix: the service has an OpenAPI document");
	is_deeply([ grep { !/^\Q$prefix\E/ } keys %{ $spec->{paths} } ], [], "$prefix: the OpenAPI document has paths of this prefix only");
}
like($k->{up_output}, qr{http://127\.0\.0\.1:\d+/money/accounts$}m, 'kedge up suggests a command with the other prefix');
my $core = { %{ $k->service_env('core') } };
is($core->{CORE_PREFIX}, "$todo/", "core's environment has the prefix of kedge.json");
my $spec = jdecode((run({ env => $core, dir => $k->dir }, Kedge->binary('core'), '--openapi'))[1]);
ok(exists $spec->{paths}{"$todo/tasks"}, 'core --openapi uses CORE_PREFIX');
for my $wrong ('api/x/', '/api/x', '/', '//', '/a//b/', '/a b/', '/a/../', '/A/') {
	my ($status, $out, $err) = run({ env => { %$core, CORE_PREFIX => $wrong }, dir => $k->dir },
		Kedge->binary('core'), '--check');
	isnt($status, 0, "CORE_PREFIX=$wrong is refused");
	like("$out$err", qr/CORE_PREFIX/, 'the error names CORE_PREFIX');
}
done_testing;
