# A service is added by hand with the files shown in docs/ADDING-A-SERVICE.md: it is built,
# migrated, served, guarded and documented.  Another service needs neither PostgreSQL nor Redis.
# All this happens in a copy of the source tree, which then has five services.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jdecode jencode need run slurp);
use Kedge::Checkout;
use Kedge::Page;

need(qw(make curl));
my $page = Kedge::Page->new('docs/ADDING-A-SERVICE.md');
my @blocks = grep { $_->{section} eq 'By hand' } $page->blocks;
ok(scalar @blocks, 'the page says how to add a service by hand') or BAIL_OUT('no section');
is_deeply([ map {"$_->{language} " . ($_->{file} // '')} @blocks ],
	[ 'c services/hello/main.c', 'sql sql/hello/0001_greeting.sql', 'json kedge.json',
		'json t/endpoints/hello.json', 'sh ' ],
	'the page has all files of the service and the commands');

# ---- a copy of the tree with a service more ---------------------------------------------

# The copy includes the existing build, so that only the new service must be compiled.
my $copy = Kedge::Checkout->new;
my ($root, $build) = ($copy->root, $copy->build);
sub put { return $copy->put(@_) }

my $spec = jdecode(slurp("$root/kedge.json"));
put('services/bare/main.c', slurp("$Kedge::ROOT/t/service/bare/main.c"));
push @{ $spec->{services} }, { name => 'bare', prefix => '/api/bare/', guard => 'standard',
	pools => { api => { processes => 1, threads => 2 } }, needs => [] };
put('t/endpoints/bare.json', jencode({ pass => [ [ 'alice', 'POST /api/bare/visits' ] ] }));
for my $block (@blocks) {
	next if !$block->{file};
	if ($block->{file} ne 'kedge.json') {
		put($block->{file}, $block->{text});
		next;
	}
	my $row = jdecode($block->{text});
	is($row->{name}, 'hello', 'the row for kedge.json is valid JSON');
	push @{ $spec->{services} }, $row;
	put('kedge.json', jencode($spec));
}

# ---- the commands of the tutorial --------------------------------------------------------

my $dir = "$root/d";
my ($script) = map { $_->{text} } grep { $_->{language} eq 'sh' } @blocks;
# Starts the copy on a free port, in a separate directory, with the build options of
# this run.
$script =~ s/^make\b/make BUILD=$build/gm;
is($script =~ s{^\./kedge up\b.*}{$build/kedge up --detach --dir $dir --port 0 | tee $root/said
port=\$(sed -n 's,.*ready on http://127.0.0.1:\\([0-9]*\\).*,\\1,p' $root/said)}m, 1, 'the commands start a stack');
is($script =~ s/127\.0\.0\.1:8080/127.0.0.1:\$port/g, 2, 'the commands call the service twice');
my ($status, $out, $err) =
    $copy->run_here({ in => "set -e\n$script", env => { BARE_WRITE_RATE => 5 } }, 'sh');
END { run(Kedge->binary('kedge'), 'down', '--dir', $dir) if defined $dir }
is($status, 0, 'the commands of the page succeed') or diag($out, $err);
my @compiled = "$out$err" =~ / -c -o \S+ (\S+\.c)$/mg;
is_deeply([ sort @compiled ], [ map {"services/$_/main.c"} qw(bare hello) ], 'only the sources of the added services are compiled')
    or diag(scalar @compiled, ' files');
like($out, qr/migrating hello: 0001_greeting\.sql/, 'the database of hello is migrated');
like($out, qr{^HTTP/1\.1 401 .*"code":"UNAUTHENTICATED"}ms, 'hello requires a session');
like($out, qr/"openapi":"3\.1.*"Greeting"/, 'it describes itself');
like(slurp("$root/docs/CONFIGURATION.md"), qr/^## hello\n\n.*^\| `HELLO_DATABASE_URL` \|/ms,
	'CONFIGURATION.md has the variables of hello');

# ---- a service without PostgreSQL and Redis ------------------------------------------------

my ($port) = $out =~ m{ready on http://127\.0\.0\.1:(\d+)};
my $bob = Kedge::Client->new(base => "http://127.0.0.1:$port");
is($bob->post('/api/auth/sign-up/email', { name => 'bob', email => 'bob@example.com',
		password => 'correct horse battery' })->{status}, 200, 'a user signs up');
my $r = $bob->post('/api/bare/visits');
is($r->{status}, 200, 'bare: a service without PostgreSQL and Redis answers') or diag($r->{body});
is($r->{json}{number}, 1, "bare: the answer comes from the process's own memory");
is_deeply(Kedge::Monitor->new($dir)->get('/health/bare')->{json}, { status => 'ok', pools => { api => 'ok' } },
	'bare: health names no database and no Redis');
is_deeply([ sort keys %{ Kedge::Monitor->new($dir)->get('/health/hello')->{json} } ],
	[qw(database pools redis status)], 'hello: health names the database and Redis');
my @not = qr/^(?:# \w+ )?(kedge_(?:db|redis|cache)_\w+)/m;
is_deeply([ Kedge::Monitor->new($dir)->get('/metrics/bare')->{body} =~ /$not[0]/g ], [], 'bare: the metrics have none of the database and Redis');
my %seen = map { s/_.*//r => 1 } map { s/^kedge_//r } Kedge::Monitor->new($dir)->get('/metrics/hello')->{body} =~ /$not[0]/g;
is_deeply([ sort keys %seen ], [qw(cache db redis)], 'hello: the metrics have those of the database and Redis');
unlike(slurp("$dir/env/bare.env"), qr/DATABASE|REDIS/, 'bare: no metric has a database or Redis in its name');
unlike((run("$root/$build/bare", '--config'))[1], qr/_DATABASE_|_REDIS_/, 'bare: the service has no variables for a database or Redis');
my $running = (run({ dir => $root }, "$build/kedge", 'status', '--dir', $dir))[1];
like($running, qr/^redis-hello\b/m, 'hello: a Redis runs for the service');
unlike($running, qr/redis-bare/, 'bare: no Redis runs for the service');
is((run(Kedge::tool('psql'), '-AtqXd', "postgresql://kedge@/postgres?host=$dir/pg", '-c',
		"SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname"
		    . " IN ('bare', 'hello')"))[1], "hello\n", 'bare: the service has no database');
is((run(Kedge::tool('psql'), '-AtqXd', "postgresql://kedge@/hello?host=$dir/pg", '-c',
		"SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosqlbody IS NULL"
		    . " AND NOT coalesce(proconfig, '{}') @> ARRAY['search_path=pg_catalog, public, pg_temp']"))[1], "0\n",
	'hello: its functions resolve their names by a search_path of their own');
my @limited = map { $bob->post('/api/bare/visits')->{status} } 1 .. 20;
is($limited[-1], 429, 'bare: the rate limit is counted in the process');
is($limited[0], 200, 'bare: not every request is limited');

# ---- the tests of the tree ---------------------------------------------------------------

# The tests of endpoints and isolation read the services from kedge.json, so they cover
# the new one.
my ($tested, $tap, $why) = run({ dir => $root, timeout => 300, env => { BUILD => $build } },
	$^X, '-It/lib', 't/14-endpoints.t');
is($tested, 0, 't/14-endpoints.t succeeds with the new service') or diag($why);
like($tap, qr{^ok \d+ - POST /api/hello/greetings: the request succeeds$}m, 't/14-endpoints.t calls the route of hello');
unlink "$root/t/endpoints/hello.json";
($tested, $tap, $why) = run({ dir => $root, timeout => 300, env => { BUILD => $build } },
	$^X, '-It/lib', 't/14-endpoints.t');
isnt($tested, 0, 't/14-endpoints.t fails when the route has no row');
like($why, qr{^#\s+\$got->\[0\] = 'POST /api/hello/greetings'}m, 't/14-endpoints.t names the route that has no row');
done_testing;
