# The command-line conventions: every command has help, which needs nothing built;
# wrong usage ends with status 2 and one line that says what to do; and the commands
# that look into a stack or end it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Cwd qw(abs_path);
use File::Temp;
use JSON::PP;
use Test::More;
use Kedge qw(files free_port run slurp wait_until);

my $kedge = Kedge->binary('kedge');
my $root = abs_path("$FindBin::Bin/..");

# ---- help -----------------------------------------------------------------------

my ($status, $overview, $err) = run($kedge, 'help');
is($status, 0, 'kedge help');
my @commands = $overview =~ /^  ([a-z][a-z-]*) /mg;
cmp_ok(scalar @commands, '>', 15, 'lists the commands');
is_deeply(
	[ sort @commands ],
	[ sort grep { $_ ne 'kedge' } map {s{.*/}{}r} files("$root/cli/help") ],
	'each command has a help text, and each text a command');
my $table = slurp("$root/cli/main.c");
is_deeply([ sort $table =~ /^\t\{ "([a-z-]+)", /mg ], [ sort @commands ],
	'the program has the same commands');
cmp_ok(scalar(() = $overview =~ /\n/g), '<=', 60, 'the list fits on a screen');
for my $command (@commands) {
	my @answers = map { [ run(@$_) ] } [ $kedge, $command, '--help' ], [ $kedge, 'help', $command ];
	is($_->[0], 0, "$command: help") for @answers;
	is($answers[0][1], $answers[1][1], "$command: --help and help print the same");
	like($answers[0][1], qr/^usage: kedge $command\b/, "$command: usage");
	like($answers[0][1], qr/^Examples?:\n  \S/m, "$command: an example")
	    if $command ne 'version';
	is((grep { length > 80 } split /\n/, $answers[0][1])[0], undef, "$command: 80 columns");
}

# The script prints the same from a tree where nothing is built or installed.
my $bare = File::Temp::tempdir(CLEANUP => 1);
system('cp', '-r', "$root/kedge", "$root/cli", "$root/kedge.json", $bare) == 0 or die;
($status, my $out, $err) = run({ env => { PATH => '/usr/bin:/bin' } }, "$bare/kedge", 'up', '--help');
is($status, 0, 'up --help in a bare checkout');
is($out, slurp("$root/cli/help/up"), 'prints the help');
ok(!-e "$bare/build", 'and builds nothing');
for my $look ('status', 'logs', 'user', 'jobs', 'psql') {
	($status, $out, $err) = run("$bare/kedge", $look);
	isnt($status, 0, "$look in a bare checkout fails");
	like($err, qr/^kedge: nothing is built yet.*"kedge up".*\n\z/, 'the error says what to do');
}
for my $look ([ 'migrate', '--status' ], [ 'migrate', 'core', '--dry-run' ]) {
	($status, $out, $err) = run("$bare/kedge", @$look);
	like($err, qr/^kedge: nothing is built yet.*\n\z/, "@$look only looks");
}
ok(!-e "$bare/build", 'and builds nothing');

# ---- wrong usage ----------------------------------------------------------------

sub wrong
{
	my ($name, $like, @args) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($s, $o, $e) = run($kedge, @args);
	is($s, 2, "$name: status 2");
	is($o, '', "$name: nothing on standard output");
	like($e, $like, "$name: what to do");
	is(scalar(() = $e =~ /\n/g), 1, "$name: one line");
	return;
}
wrong('a mistyped command', qr/there is no command statsu; did you mean "kedge status"\?/, 'statsu');
wrong('an unknown command', qr/there is no command frobnicate; "kedge help" lists all/, 'frobnicate');
wrong('a mistyped option', qr/up has no option --prot \(--port\?\); see "kedge up --help"/,
	'up', '--prot', '1');
wrong('an unknown option', qr/down has no option --frobnicate; see/, 'down', '--frobnicate=1');
wrong('an option of another command', qr/down has no option --json/, 'down', '--json');
wrong('a letter', qr/status has no option -x; see/, 'status', '-x');
wrong('an option without its value', qr/up: --port needs a value/, 'up', '--port');
wrong('a port', qr/--port 70000: a port is a number from 0 to 65535/, 'up', '--port', '70000');
wrong('too many arguments', qr/migrate: unexpected argument b; see/, 'migrate', 'a', 'b');
wrong('psql of nothing', qr/psql needs a service/, 'psql');
wrong('routes of no service', qr/there is no service nosuch$/, 'routes', 'nosuch');
wrong("$_ of a mistyped service", qr/there is no service cor; did you mean core\?/, $_, 'cor') for qw(routes migrate);
wrong('a mistyped verb', qr/user has no verb creat \(create\?\); see "kedge user --help"/, 'user', 'creat');
wrong('no verb', qr/user needs a verb; see/, 'user');
wrong('a mistyped verb of jobs', qr/jobs has no verb lst \(list\?\); see/, 'jobs', 'core', 'lst');
for my $command ('user', 'jobs') {
	my ($list) = slurp("$root/cli/subcommand.c") =~ /${command}_verbs\[\] = \{(.*?)NULL/s;
	is_deeply([ sort $list =~ /"([a-z-]+)"/g ],
		[ sort map { split / \| / } (slurp("$root/cli/help/$command") =~ s/^Examples?:.*//msr) =~ /^  ([a-z][a-z-]*(?: \| [a-z-]+)*) /mg ],
		"$command: the help has the verbs");
}
wrong('completion of no shell', qr/kedge completion bash/, 'completion', 'fish');
for my $args ([ 'test', 'nosuch.t' ], [ 'test', '--nosuch' ]) {
	($status, $out, $err) = run("$bare/kedge", @$args);
	is($status, 2, "@$args: status 2");
	is(scalar(() = $err =~ /\n/g), 1, 'one line') or diag($err);
	like($err, qr/nosuch/, 'that names it');
}
ok(!-e "$bare/build", 'before anything is built');

# ---- routes, completion ---------------------------------------------------------

($status, $out) = run($kedge, 'routes', 'core');
is($status, 0, 'routes');
like($out, qr{^POST   /api/core/tasks +Create a task$}m, 'method, path, summary');
($status, $out) = run($kedge, 'routes', '--json');
my $routes = decode_json($out);
my %services = map { $_->{service} => 1 } @$routes;
ok($services{$_}, "routes --json has $_") for Kedge::services();
SKIP: {
	skip 'bash is missing', 2 if system('bash -c true 2>/dev/null') != 0;
	my $complete = sub {
		my @words = @_;
		my $n = $#words;
		my $array = join ' ', map {"'$_'"} @words;
		return (run('bash', '-c', ". <($kedge completion bash); COMP_WORDS=($array);"
			    . " COMP_CWORD=$n; _kedge; printf '%s ' \"\${COMPREPLY[\@]}\""))[1];
	};
	is($complete->($kedge, 'resta'), 'restart ', 'completes commands');
	like($complete->($kedge, 'jobs', 'wal'), qr/^wallet /, 'completes services');
	for my $row ([ 'user', 'passw', 'password' ], [ 'user', 'password', '--gen', '--generate' ],
		[ 'logs', '--lev', '--level' ], [ 'logs', '--fol', '--follow' ], [ 'migrate', '--sta', '--status' ],
		[ 'migrate', '--dry', '--dry-run' ], [ 'setup', '--dry', '--dry-run' ], [ 'jobs', 'core', 'resu', 'resume' ])
	{
		my $want = pop @$row;
		is(join(' ', sort { $a cmp $b } keys %{ { map { $_ => 1 } split / /, $complete->($kedge, @$row) } }), $want,
			"completes @$row");
	}
}

# ---- a running stack ------------------------------------------------------------

my $k = Kedge->up;
my $alice = $k->user('alice');

($status, $out) = $k->kedge('status', '--json');
is($status, 0, 'status --json');
my $state = decode_json($out);
is($state->{url}, $k->base, 'the address');
my %process = map { $_->{name} => $_ } @{ $state->{processes} };
is($process{core}{state}, 'ready', 'the state of a process');
ok($process{core}{ready}, 'the service is ready');
is($process{core}{health}{status}, 'ok', 'and says so itself');
cmp_ok($state->{disk}{freeMiB}, '>', 0, 'the disk');

($status, $out) = $k->kedge('open');
is($status, 0, 'open');
like($out, qr/^\Q@{[ $k->base ]}\E$/, 'prints the address');

($status, $out, $err) = $k->kedge('psql', 'core', '--', '-Atc', 'SELECT current_user');
is("$status $out", "0 core\n", 'psql is the role of the service') or diag($err);
($status, $out, $err) =
    $k->kedge('psql', 'core', '--owner', '--', '-Atc', 'SELECT current_user');
is("$status $out", "0 core_owner\n", 'psql --owner connects as the owner') or diag($err);

my %worker = map { $_->{name} => $_->{pid} } values %process;
($status, $out, $err) = $k->kedge('reload', 'core');
is($status, 0, 'reload of one service') or diag($err);
like($out, qr/^\d+ workers were replaced/, 'waits until the workers are replaced');
is($alice->get('/api/core/whoami')->{status}, 200, 'the service answers');
($status, $out, $err) = $k->kedge('reload');
is($status, 0, 'reload of all') or diag($err);
is($alice->get('/api/core/whoami')->{status}, 200, 'all answer');
($status, $out) = $k->kedge('status', '--json');
is({ map { $_->{name} => $_->{pid} } @{ decode_json($out)->{processes} } }->{core},
	$worker{core}, 'the process of the service is the same');

($status, $out, $err) = $k->kedge('restart');
is($status, 0, 'restart') or diag($err);
like($out, qr/\Q@{[ $k->base ]}\E/, 'the restarted stack has the same port');
is($alice->get('/api/core/whoami')->{status}, 200, 'the session is still there');

# A dependency that is away is reported.
my ($redis) = grep { $_->{name} eq 'redis-core' } @{ decode_json(($k->kedge('status', '--json'))[1])->{processes} };
kill STOP => $redis->{pid};
ok((wait_until { ($k->kedge('status'))[1] =~ /^core is ready, but degraded: .*redis/m }), "status names it")
    or diag(($k->kedge('status'))[1]);
kill CONT => $redis->{pid};

# ---- destroy --------------------------------------------------------------------

($status, $out, $err) = run('sh', '-c', '"$0" destroy --dir "$1" </dev/null', $kedge, $k->dir);
is($status, 1, 'destroy does not delete without asking');
like($err, qr/--yes/, 'destroy without a terminal names --yes');
is($alice->get('/api/core/whoami')->{status}, 200, 'nothing has happened');
my $dir = $k->dir;
my $cluster = abs_path("$dir/pg");
($status, $out, $err) = run($kedge, 'destroy', '--yes', '--dir', $dir);
is($status, 0, 'destroy --yes') or diag($err);
ok(!-e $dir, 'the directory is deleted');
ok(!-e $cluster, 'the cluster, too');
($status, $out, $err) = run($kedge, 'destroy', '--yes', '--dir', $dir);
is($status, 1, 'destroy of nothing fails');
($status) = run($kedge, 'status', '--dir', $dir);
is($status, 3, 'nothing runs');

done_testing;
