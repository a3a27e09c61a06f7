# Settings that stay: kedge.env, kedge config, and starts on another database.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Copy qw(move);
use JSON::PP;
use Test::More;
use Kedge qw(free_port run slurp);

my $kedge = Kedge->binary('kedge');
my $k = Kedge->up;
my $dir = $k->dir;

sub setting
{
	my ($name, %env) = @_;
	my ($service) = $name =~ /^([A-Z]+)_/;
	my ($status, $out, $err) =
	    run({ env => \%env }, $kedge, 'config', lc $service, '--json', '--dir', $dir);
	die "kedge config: $err" if $status != 0;
	return (grep { $_->{name} eq $name } @{ decode_json($out) })[0];
}

# ---- reading settings ----------------------------------------------------------

my $v = setting('CORE_THREADS');
is("$v->{value} $v->{source}", '16 default', 'a default, with its source');
$v = setting('CORE_LISTEN');
is("$v->{value} $v->{source}", 'unix:run/core.sock kedge up', 'a value that up has made');
$v = setting('CORE_THREADS', CORE_THREADS => 9);
is("$v->{value} $v->{source}", '9 environment', 'a value of the environment');
$v = setting('CORE_DATABASE_URL');
is($v->{value}, undef, 'a secret is not shown');
ok($v->{secret}, 'config shows that a variable is a secret');
my ($status, $out, $err) = $k->kedge('config', 'core');
unlike($out, qr/\Q@{[ $k->service_env('core')->{CORE_IDENTITY_KEY} ]}\E/, 'the table of config has no secret');
like($out, qr/^CORE_THREADS +16 +default$/m, 'config prints a table with value and source');
like($out, qr/^CORE_IDENTITY_KEY +\(secret\) +kedge up$/m, 'a secret in a file of its own is set');
($status, $out, $err) =
    run({ env => { CORE_THREDS => 3 } }, $kedge, 'config', 'core', '--dir', $dir);
like($err, qr/CORE_THREDS is set, but core has no such variable; did you mean CORE_THREADS\?/,
	'a mistyped variable is named');

# ---- changing settings ---------------------------------------------------------

($status, $out, $err) = $k->kedge('config', 'set', 'CORE_THREADS=5', 'AUTH_RATE_LIMIT=off');
is($status, 0, 'config set succeeds') or diag($err);
like($out, qr/kedge\.env: CORE_THREADS is set; "kedge restart"/, 'config set says how the change takes effect');
is(slurp("$dir/kedge.env"), "CORE_THREADS=5\nAUTH_RATE_LIMIT=off\n", 'writes the file');
is((stat "$dir/kedge.env")[2] & 07777, 0600, 'for its owner only');
$v = setting('CORE_THREADS');
is("$v->{value} $v->{source}", '5 kedge.env', 'config shows the value of kedge.env');
$v = setting('CORE_THREADS', CORE_THREADS => 9);
is("$v->{value} $v->{source}", '9 environment', 'the environment takes precedence');
is(($k->kedge('restart'))[0], 0, 'restart');
is($k->service_env('core')->{CORE_THREADS}, 5, 'the services get it');
open my $f, '>', "$dir/kedge.env" or die;
print $f "# mine\nCORE_THREADS=5\n\nCORE_TASKS_MAX=\"77\"\n";
close $f;
is(($k->kedge('config', 'set', 'CORE_THREADS=6'))[0], 0, 'set again');
is(slurp("$dir/kedge.env"), "# mine\nCORE_THREADS=6\n\nCORE_TASKS_MAX=\"77\"\n",
	'other lines stay as they are');
$v = setting('CORE_TASKS_MAX');
is($v->{value}, 77, 'quotes are removed');
is(($k->kedge('config', 'unset', 'CORE_THREADS'))[0], 0, 'unset');
is(slurp("$dir/kedge.env"), "# mine\n\nCORE_TASKS_MAX=\"77\"\n", 'removes the line');

for my $row (
	[ qr/core has no variable CORE_THREDS \(CORE_THREADS\?\)/, 'set', 'CORE_THREDS=5' ],
	[ qr/PATH begins with no service's name/, 'set', 'PATH=/tmp' ],
	[ qr/KEDGE_ROOT: .* a stack reads KEDGE_TRUSTED_PROXIES alone/, 'set', 'KEDGE_ROOT=/tmp' ],
	[ qr{KEDGE_TRUSTED_PROXIES: "10/8" must be an address or a network}, 'set', 'KEDGE_TRUSTED_PROXIES=10/8' ],
	[ qr/core_threads is no name of a variable/, 'set', 'core_threads=1' ],
	[ qr/it is NAME=VALUE/, 'set', 'CORE_THREADS' ],
	[ qr/config set needs NAME=VALUE/, 'set' ],
	[ qr/it is NAME\b/, 'unset', 'CORE_THREADS=5' ])
{
	my ($like, @args) = @$row;
	($status, $out, $err) = $k->kedge('config', @args);
	isnt($status, 0, "config @args is refused");
	like($err, $like, 'the refusal says why');
	is(scalar(() = $err =~ /\n/g), 1, 'the refusal is one line');
}
is(slurp("$dir/kedge.env"), "# mine\n\nCORE_TASKS_MAX=\"77\"\n", 'refused settings change nothing in kedge.env');

# A wrong line stops the commands, with its number.
for my $row ([ 'CORE_THREADS', qr/kedge\.env:2: CORE_THREADS has no "="/ ],
	[ 'HTTP_PROXY=x', qr/kedge\.env:2: HTTP_PROXY begins with no service's name/ ],
	[ 'export CORE_THREADS=5', qr/kedge\.env:2: "export CORE_THREADS" is no name of a variable/ ],
	[ "CORE_THREADS=5\n# x\\", qr/kedge\.env:3: a comment that ends with "\\"/ ],
	[ "CORE_THREADS=5\0", qr/kedge\.env: the file has a NUL byte/ ],
	[ 'CORE_LOG_LEVEL="info', qr/kedge\.env:2: the quotes around the value of CORE_LOG_LEVEL/ ])
{
	open $f, '>', "$dir/kedge.env" or die;
	print $f "# first\n$row->[0]\n";
	close $f;
	for my $command ([ 'user', 'list' ], [ 'jobs', 'core', 'queues' ], ['migrate'], ['config'], ['restart']) {
		($status, $out, $err) = $k->kedge(@$command);
		isnt($status, 0, "$row->[0]: @$command is refused");
		like($err, $row->[1], 'the error names the line and the reason');
	}
}
is($k->client->get('/api/auth/ok')->{status}, 200, 'a restart that is refused stops nothing');
unlink "$dir/kedge.env";

# One list of trusted origins for nginx's CORS, verify, auth and all services: a reload
# changes none of them and says so, a restart changes all.
my $page = 'https://page.example';
my $erin = $k->user('erin');
sub trusted
{
	my $c = $erin->copy;
	return [
		map({ $c->get($_, origin => $page)->{headers}{'access-control-allow-origin'} // 'no' }
			'/api/core/whoami', '/api/auth/get-session', '/api/none'),
		$k->client->request(OPTIONS => '/api/wallet/accounts', origin => $page,
			headers => { 'Access-Control-Request-Method' => 'POST' })->{headers}{'access-control-allow-origin'} // 'no',
		$c->post('/api/core/tasks', { title => 'x' }, origin => $page)->{status},
		$c->post('/api/auth/update-user', { name => 'e' }, origin => $page)->{status},
	];
}
is_deeply(trusted(), [ ('no') x 4, 403, 403 ], 'an origin that is not trusted');
is(($k->kedge('config', 'set', "AUTH_TRUSTED_ORIGINS=$page"))[0], 0, 'it is put on the list');
($status, $out, $err) = $k->kedge('reload');
is($status, 0, 'reload');
like("$out$err", qr/AUTH_TRUSTED_ORIGINS was changed after the start: "kedge restart" makes it take effect/, 'says that it is not enough');
is_deeply(trusted(), [ ('no') x 4, 403, 403 ], 'nothing trusts the origin yet');
is(($k->kedge('restart'))[0], 0, 'restart');
is_deeply(trusted(), [ ($page) x 4, 201, 200 ], 'nginx, verify, auth and services trust it');
($status, $out, $err) = $k->kedge('reload');
unlike("$out$err", qr/was changed/, 'a reload has nothing to say then');
unlink "$dir/kedge.env";
is(($k->kedge('restart'))[0], 0, 'restart');
is_deeply(trusted(), [ ('no') x 4, 403, 403 ], 'and without it no longer');

# ---- what the next start uses ---------------------------------------------------

sub warned { return [ (run($kedge, 'doctor', 'files', '--dir', $dir))[1] =~ /^warning +(.*)/mg ] }

is(($k->kedge('config', 'set', "AUTH_TRUSTED_ORIGINS=$page"))[0], 0, 'an origin in kedge.env');
like(warned()->[0] // '', qr{nginx/cors_map\.conf differs}, 'the doctor sees what a restart would change');
is(($k->kedge('restart'))[0], 0, 'restart');
is_deeply(warned(), [], 'and nothing after it');
unlink "$dir/kedge.env";
is(($k->kedge('down'))[0], 0, 'down');

# A restart has the variables of the last start, wherever they came from.
my $given_page = 'https://given.example';
my $others = 'https://other.example';
sub allowed { my ($origin) = @_; return $k->client->get('/api/auth/ok', origin => $origin)->{headers}{'access-control-allow-origin'} }
my @start = ($kedge, 'up', '--dir', $dir, '--port', $k->port, '--detach');
my $web = File::Temp::tempdir(CLEANUP => 1);
chmod 0755, $web;
open $f, '>', "$web/index.html" or die;
print $f "my own page\n";
close $f;
($status, $out, $err) = run({ env => { AUTH_TRUSTED_ORIGINS => $given_page, CORE_TASKS_MAX => 33,
	KEDGE_TRUSTED_PROXIES => '192.0.2.7' } }, @start, '--web', $web, '--listen', '127.0.0.2');
is($status, 0, 'up with variables in its environment') or diag($err);
like($out, qr{^"kedge down --dir \Q$dir\E" stops it}m, 'up says how to stop a stack that is not the default one');
($status, $out, $err) = run(@start);
like($err, qr{"kedge down --dir \Q$dir\E" stops it}, 'and so does the refusal of a second start');
is_deeply(warned(), [], 'the doctor knows them, although its own environment does not have them');
is(setting('AUTH_TRUSTED_ORIGINS')->{value}, $given_page, 'config shows the value');
for my $n (1, 2) {
	($status, $out, $err) = run($kedge, 'restart', '--dir', $dir);
	is($status, 0, "restart $n in another environment") or diag($err);
	is(allowed($given_page), $given_page, 'nginx has the origin of the last start');
	is($k->client->get('/')->{body}, "my own page\n", 'and the page of --web');
	is((run('curl', '-s', 'http://127.0.0.2:' . $k->port . '/'))[1], "my own page\n", 'at the address of --listen');
	is_deeply(warned(), [], 'the doctor has nothing to say');
	is($k->service_env('auth')->{AUTH_TRUSTED_ORIGINS}, $given_page, 'auth, too');
	is($k->service_env('core')->{CORE_TASKS_MAX}, 33, 'and core its variable');
	like(slurp("$dir/nginx/nginx.conf") . join('', map { slurp($_) // '' } glob("$dir/nginx/*.conf")),
		qr/set_real_ip_from 192\.0\.2\.7;/, 'and nginx the proxy');
}
is((run({ env => { CORE_TASKS_MAX => 34 } }, $kedge, 'restart', '--dir', $dir))[0], 0, 'restart');
is($k->service_env('core')->{CORE_TASKS_MAX}, 34, 'the environment of the restart takes precedence');
is(($k->kedge('config', 'set', "AUTH_TRUSTED_ORIGINS=$others"))[0], 0, 'config set');
($status, $out, $err) = run($kedge, 'restart', '--dir', $dir);
is($status, 0, 'restart');
like($out, qr/AUTH_TRUSTED_ORIGINS is taken from kedge\.env, not from the environment of the last start/, 'says that kedge.env is used');
is(allowed($others), $others, 'kedge.env takes precedence over the last start');
is(allowed($given_page), undef, 'which is over');

# A value that would stop the start is refused before anything stops.
($status, $out, $err) = $k->kedge('config', 'set', 'AUTH_TRUSTED_ORIGINS=127.0.0.1:18273');
isnt($status, 0, 'config set refuses an origin that matches no page');
like($err, qr{it has no scheme; write "http://127\.0\.0\.1:18273"}, 'and says what to write: http for this host');
for my $row ([ 'localhost:5173', 'http://localhost:5173' ], [ '[::1]:5173', 'http://[::1]:5173' ],
	[ 'localhost.example', 'https://localhost.example' ], [ '127.0.0.1.example', 'https://127.0.0.1.example' ])
{
	($status, $out, $err) = $k->kedge('config', 'set', "AUTH_TRUSTED_ORIGINS=$row->[0]");
	like($err, qr{write "\Q$row->[1]\E"}, "$row->[0]: the scheme");
}
($status, $out, $err) = $k->kedge('config', 'set', 'AUTH_URL=app.example.com');
like($err, qr{^kedge: AUTH_URL: "app\.example\.com" matches no page}, 'the same of AUTH_URL');
is(slurp("$dir/kedge.env"), "AUTH_TRUSTED_ORIGINS=$others\n", 'kedge.env stays as it was');
open $f, '>', "$dir/kedge.env" or die;
print $f "AUTH_TRUSTED_ORIGINS=127.0.0.1:18273\n";
close $f;
($status, $out, $err) = $k->kedge('restart');
isnt($status, 0, 'a restart with such a line is refused');
like($err, qr{write "http://127\.0\.0\.1:18273"}, 'with the same message');
is(allowed($others), $others, 'and nothing was stopped');
unlink "$dir/kedge.env";
is(($k->kedge('down'))[0], 0, 'down');
($status, $out, $err) = run(@start);
is($status, 0, 'up') or diag($err);
is(allowed($given_page), undef, 'a new start has only its own environment');

# The rules of systemd's EnvironmentFile=.
for my $row (
	[ 'x',               'x' ],
	[ '',                '' ],
	[ "  x y \t ",      'x y' ],
	[ '"x"',             'x' ],
	[ "'x  '  ",         'x  ' ],
	[ q{"a'b" 'c"d' e f}, q{a'bc"de f} ],
	[ q{a"b"'c'},        q{a"b"'c'} ],
	[ q{"a\"b\\\\c\`d\$e\n"}, q{a"b\\c`d$e\n} ],
	[ q{'a\b'},          q{a\b} ],
	[ 'a\\ b\\\\c\\"d', 'a b\\c"d' ],
	[ "a\\\nb",         'ab' ],
	[ "\"a\\\nb\"",     'ab' ],
	[ 'a#b;c',           'a#b;c' ],
	[ "x\r",            'x' ],
	[ "1\n# 2\n;3\nCORE_LOG_LEVEL=4", '4' ],
) {
	my ($text, $value) = @$row;
	open $f, '>', "$dir/kedge.env" or die;
	print $f "; first\n  CORE_LOG_LEVEL = $text\nCORE_TASKS_MAX=77";
	close $f;
	my $v = setting('CORE_LOG_LEVEL');
	is($v->{value}, $value, encode_json([$text]) . ' is read as systemd does');
	is(setting('CORE_TASKS_MAX')->{value}, 77, 'the line after a quoted value is read');
	is(($k->kedge('config', 'set', 'CORE_LOG_LEVEL=a"b ')) [0], 0, 'config set in its place');
	is(setting('CORE_LOG_LEVEL')->{value}, 'a"b ', 'writes what is read again');
	is(($k->kedge('config', 'unset', 'CORE_LOG_LEVEL')) [0], 0, 'unset');
	is(slurp("$dir/kedge.env"), ($text =~ /#/ && $text =~ /\n/ ? "; first\n# 2\n;3\n" : "; first\n") . "CORE_TASKS_MAX=77\n",
		'removes all of its lines');
}
unlink "$dir/kedge.env";

# ---- up --env ------------------------------------------------------------------

open $f, '>', "$dir/../mine.env" or die;
print $f "CORE_THREADS=7\n";
close $f;
is(($k->kedge('down'))[0], 0, 'down');
($status, $out, $err) = run({ dir => "$dir/.." }, $kedge, 'up', '--dir', $dir, '--port', $k->port,
	'--detach', '--env', 'mine.env');
is($status, 0, 'up --env') or diag($err);
is($k->service_env('core')->{CORE_THREADS}, 7, 'the file is read');
is(($k->kedge('restart'))[0], 0, 'restart');
is($k->service_env('core')->{CORE_THREADS}, 7, 'the file of --env is read at the next start');
is(($k->kedge('config', 'set', 'CORE_THREADS=8'))[0], 0, 'config set');
is(slurp("$dir/../mine.env"), "CORE_THREADS=8\n", 'changes that file');
is(($k->kedge('down'))[0], 0, 'down');
move("$dir/../mine.env", "$dir/../gone.env");
($status, $out, $err) = run($kedge, 'up', '--dir', $dir, '--port', $k->port, '--detach');
isnt($status, 0, 'a start without the file is refused');
like($err, qr/mine\.env: "kedge up --env" named this file, and it is gone/, 'the error names the file that is gone');
($status, $out, $err) = run($kedge, 'up', '--dir', $dir, '--env', "$dir/nosuch");
like($err, qr/--env \S+nosuch: No such file/, 'a file that does not exist');
unlink "$dir/env/source";

# ---- another database ----------------------------------------------------------

# The databases of a second stack are given to the first one.
my $other = Kedge->up;
my %given = (
	CORE_DATABASE_URL => $other->database_url('core'),
	CORE_REDIS_URL => 'unix:' . $other->dir . '/run/redis-core.sock');
my @up = ($kedge, 'up', '--dir', $dir, '--port', $k->port, '--detach');
($status, $out, $err) = run({ env => \%given }, @up);
isnt($status, 0, 'a start on another database is refused');
like($err, qr/^kedge: core used another database at the last start: the stack's private one, and now core on .*--database given\n\z/,
	'the error names the service and the option');
unlike($err, qr/\Q@{[ $k->service_env('core')->{CORE_IDENTITY_KEY} ]}\E|:[^@ ]+@/, 'the error has no password');
($status, $out, $err) = run({ env => \%given }, @up, '--database', 'private');
isnt($status, 0, 'a start with --database private is refused, too');
($status, $out, $err) = run({ env => \%given }, @up, '--database', 'given');
is($status, 0, 'a start with --database given succeeds') or diag($err);
like($out, qr/the database of core is not migrated: CORE_MIGRATION_URL is not set/,
	'up says that it does not migrate a given database');
is($k->service_env('core')->{CORE_DATABASE_URL}, $given{CORE_DATABASE_URL},
	'env/core.env has what is in force');
($status, $out) = $k->kedge('status', '--json');
my %process = map { $_->{name} => 1 } @{ decode_json($out)->{processes} };
ok(!$process{'redis-core'}, 'no Redis of its own for a service whose Redis is given');
ok($process{'redis-auth'} && $process{postgres}, 'a PostgreSQL and a Redis run for the other services');
my $alice = $k->user('alice');
is($alice->post('/api/core/tasks', { title => 'elsewhere' })->{status}, 201, 'core works on the given database');
is($other->sql('core', 'SELECT count(*) FROM task'), 1, 'the task is in the given database');
is(($k->kedge('down'))[0], 0, 'down');

($status, $out, $err) = run(@up);
isnt($status, 0, 'a plain start afterwards is refused');
like($err, qr/core used another database at the last start: core on .*, and now the stack's private one/,
	'it would be on the private database');
($status, $out, $err) = run(@up, '--database', 'private');
is($status, 0, 'a start with --database private succeeds') or diag($err);
is(($k->kedge('down'))[0], 0, 'down');
($status, $out, $err) = run(@up, '--database', 'theirs');
isnt($status, 0, 'another word is refused');
like($err, qr/it is "private" or "given"/, 'the error names the allowed words');

# If the databases of all services are given, no PostgreSQL is started.
my %all;
for my $service (Kedge::services()) {
	my $env = $other->service_env($service);
	$all{ uc($service) . '_DATABASE_URL' } = $env->{ uc($service) . '_DATABASE_URL' };
	$all{ uc($service) . '_REDIS_URL' } = 'unix:' . $other->dir . "/run/redis-$service.sock";
}
$all{AUTH_SECRET} = $other->service_env('auth')->{AUTH_SECRET};
$all{AUTH_URL} = 'https://app.example.com';
($status, $out, $err) = run({ env => \%all }, @up, '--database', 'given');
is($status, 0, 'all databases are given') or diag($err);
like($out, qr{https://app\.example\.com: let the proxy there pass requests}, 'the hints are about AUTH_URL');
unlike($out, qr/curl/, 'up prints no curl command if the address cannot sign in');
($status, $out) = $k->kedge('status', '--json');
is_deeply([ sort map { $_->{name} } @{ decode_json($out)->{processes} } ],
	[ sort 'nginx', Kedge::services() ], 'only nginx and the services run');
is(($k->kedge('down'))[0], 0, 'down');

# ---- a copied stack ------------------------------------------------------------

# PostgreSQL does not run as root, and cannot reach a private directory of root.
SKIP: {
	skip 'only as root is the cluster elsewhere', 9 if $> != 0;
	my $private = File::Temp::tempdir(CLEANUP => 1);
	chmod 0700, $private;
	my @start = ('up', '--detach', '--port', free_port(), '--dir');
	($status, $out, $err) = run($kedge, @start, "$private/one");
	is($status, 0, 'up in a private directory of root') or diag($err);
	my ($cluster) = $out =~ m{the data stays in \S+/one and (/var/lib/kedge/pg-\w+)$}m;
	ok(-d ($cluster // ''), 'names the directory of the cluster, too') or diag($out);
	is((run($kedge, 'down', '--dir', "$private/one"))[0], 0, 'down');
	system('cp', '-a', "$private/one", "$private/two") == 0 or die;
	($status, $out, $err) = run($kedge, @start, "$private/two");
	isnt($status, 0, 'a copy does not start on the databases of the original');
	like($err, qr{/two is a copy of \S+/one, and its databases in \Q$cluster\E}, 'the error names both stacks');
	rename "$private/one", "$private/moved" or die;
	($status, $out, $err) = run($kedge, @start, "$private/moved");
	is($status, 0, 'a stack that was moved starts') or diag($err);
	($status, $out, $err) = run($kedge, 'destroy', '--yes', '--dir', "$private/moved");
	is($status, 0, 'destroy') or diag($err);
	ok(!-e "$private/moved", 'deletes the stack');
	ok(!-e $cluster, 'destroy deletes the cluster');
}

done_testing;
