# kedge new: what it refuses; the pages that it makes are built, and a browser does on each
# what a person does: behind Kedge, and with an origin of their own.  t/system/new-next.t
# does the same with the template next.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;
use Kedge qw(files free_port jdecode run run_tap slurp tool);
use Kedge::Front;

my $kedge = Kedge->binary('kedge');
my $place = tempdir('kedge-new-XXXXXX', DIR => $ENV{TMPDIR}, CLEANUP => 1);

# ---- what is refused ----------------------------------------------------------------------

make_path("$place/full");
open my $file, '>', "$place/full/thesis.txt" or die "thesis.txt: $!";
close $file;
sub refused
{
	my ($name, $want, $says, @args) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $out, $err) = run({ dir => $place }, $kedge, 'new', @args);
	is($status, $want, "$name: exit status");
	is($out, '', "$name: nothing on standard output");
	like($err, qr/^kedge: [^\n]*$says[^\n]*\n\z/, "$name: one line, which says what to do");
	return;
}
refused('no directory', 2, qr/name a directory/, '--template', 'vite');
refused('no template', 2, qr/--template vite, next or static/, 'shop');
refused('a mistyped template', 2, qr/there is no template vit; did you mean vite\?/, 'shop', '--template', 'vit');
refused('an unknown template', 2, qr/there is no template angular; there are vite, next and static/, 'shop',
	'--template', 'angular');
refused('an unknown option', 2, qr/unknown option --prot.*kedge new --help/, 'shop', '--template', 'vite', '--prot', '1');
refused('an option without its value', 2, qr/--template, or its value is missing/, 'shop', '--template');
refused('two directories', 2, qr/unexpected argument b/, 'a', 'b', '--template', 'static');
for my $name ('Shop', '.hidden', '-x', 'my shop', "caf\xc3\xa9", 'a"b', 'a' x 65, '/') {
	refused("the name $name", 2, qr/is not a name for a front end/, '--template', 'static', '--', $name);
}
for my $url ('127.0.0.1:8080', 'http://', 'http://a/b', "http://a'+alert(1)+'", 'ftp://a', 'HTTP://A') {
	refused("the address $url", 2, qr/--url .*must be http:/, 'shop', '--template', 'static', '--url', $url);
}
refused('a directory with a file', 1, qr/full is not empty: it has thesis\.txt/, 'full', '--template', 'static');
refused('a file', 1, qr/cannot open full\/thesis.txt: Not a directory/, 'full/thesis.txt', '--template', 'static');
is_deeply([ map { s{.*/}{}r } files($place, qr/^[^.]/) ], ['full'], 'what is refused leaves nothing');
# When a file cannot be written, here because it is larger than the limit, the files that
# were written before it are removed again.
my ($status, $out, $err) = run({ dir => $place }, 'sh', '-c', 'trap "" XFSZ; ulimit -f 140; exec "$0" new deep/shop --template static', $kedge);
is($status, 1, 'a file that cannot be written');
like($err, qr{deep/shop/public/vendor/\S+: File too large}, 'is named');
ok(!-e "$place/deep", 'and nothing is left');

# ---- what is made ----------------------------------------------------------------------------

make_path("$place/git/.git");
($status, $out, $err) = run({ dir => "$place/git" }, $kedge, 'new', '.', '--template', 'static');
is($status, 0, 'a new repository is as good as an empty directory') or diag($err);
like(slurp("$place/git/public/index.html"), qr{<title>git</title>}, 'its name is that of the directory');
like($out, qr{^Next: \./kedge up --web \./public\nThen open http://127\.0\.0\.1:8080\.$}m, 'the next steps');
like($out, qr{AUTH_TRUSTED_ORIGINS=http://127\.0\.0\.1:5173\.$}m, 'and what another origin needs');
is(slurp("$place/git/openapi/core.json"), (run(Kedge->binary('core'), '--openapi'))[1],
	'the documents are those of the services');
is_deeply([ map { s{.*/}{}r } files("$place/git/openapi", qr/./) ], [ sort map {"$_.json"} grep { $_ ne 'auth' } Kedge::services() ],
	'of all but auth');
my %used = map { $_ => 1 } slurp("$Kedge::ROOT/cli/new_files.c") =~ /^\t\{ [A-Z |]+, "([^"]+)",/mg;
my (undef, $there) = run({ dir => "$Kedge::ROOT/templates/app" }, qw(find . -type f));
is_deeply([ sort keys %used ], [ sort map { s{^\./}{}r } split /\n/, $there ], 'each file of the templates is used');

# ---- vite, built ---------------------------------------------------------------------------------

Kedge::Front::ready('vite');
my $port = free_port();
my $k = Kedge->up(env => { AUTH_TRUSTED_ORIGINS => "http://127.0.0.1:$port" });
my $vite = Kedge::Front->new($place, 'vite');
my ($made, $installed) = map { jdecode(slurp($_)) } $vite->path('package.json'), "$Kedge::ROOT/t/compat/vite/package.json";
is_deeply($installed->{$_}, $made->{$_}, "vite: t/compat/vite has the same $_") for qw(dependencies devDependencies);
$vite->modules('vite');
($status, $out, $err) = $vite->run_here('npm', 'run', 'types');
is($status, 0, 'vite: the types are made') or diag($out, $err);
($status, $out, $err) = $vite->run_here('npm', 'run', 'build');
is($status, 0, 'vite: the page is built') or diag($out, $err);
$k->down;
$k->start(args => [ '--web', $vite->path('dist') ]);
$vite->tour($k->base, 'vite, built', '--quick');
# A field that the service does not have is an error of the types.
$vite->change('src/Tasks.tsx', sub { s/task\.title\b/task.titel/ });
($status, $out) = $vite->run_here('npx', 'tsc');
isnt($status, 0, 'vite: a mistyped field is an error');
like($out, qr/Property 'titel' does not exist/, 'vite: which names it');
$vite->change('src/Tasks.tsx', sub { s/task\.titel\b/task.title/ });

# ---- vite, in development ------------------------------------------------------------------------

$vite->serve($port, 'npx', 'vite', '--port', $port);
$k->down;
$k->start(args => [ '--web', "http://127.0.0.1:$port" ]);
$vite->tour($k->base, 'vite');
$vite->stop;
$vite->change('.env', sub { s/^VITE_KEDGE=\K/$k->base/me });
$vite->serve($port, 'npx', 'vite', '--port', $port);
$vite->tour("http://127.0.0.1:$port", 'vite, own origin', '--quick');
my $stranger = free_port();
$vite->serve($stranger, 'npx', 'vite', '--port', $stranger);
$vite->tour("http://127.0.0.1:$stranger", 'vite, an origin that is not in the list', '--refused');
$vite->stop;

# ---- static --------------------------------------------------------------------------------------

is((run('node', "$Kedge::ROOT/t/compat/vendor.mjs"))[1], slurp("$Kedge::ROOT/templates/app/static/better-auth-client.js"),
	'the client in the template is that of npm: node t/compat/vendor.mjs writes it');
my $static = Kedge::Front->new($place, 'static');
is((stat $static->path('public/app.js'))[2] & 0777, 0644, 'files can be read by all');
system('cp', '-r', $vite->path('src/types'), $static->path('types')) == 0 or die 'types';
$static->modules('vite');
($status, $out) = $static->run_here('npx', 'tsc', '-p', 'jsconfig.json');
is($status, 0, 'static: the scripts have the types of the services') or diag($out);
$k->down;
$k->start(args => [ '--web', $static->path('public') ]);
$static->tour($k->base, 'static');
my $own = Kedge::Front->new($place, 'static', '--url', $k->base);
like($own->said, qr{^Next: cd \S+ && python3 -m http\.server -b 127\.0\.0\.1 -d public 5173\nIn a second terminal: AUTH_TRUSTED_ORIGINS=http://127\.0\.0\.1:5173 \./kedge up --port \d+\nThen open http://127\.0\.0\.1:5173\.$}m,
	'static: what to do for an origin of its own');
$own->serve($port, 'python3', '-m', 'http.server', '-b', '127.0.0.1', '-d', 'public', $port);
$own->tour("http://127.0.0.1:$port", 'static, own origin', '--quick');
$own->serve($stranger, 'python3', '-m', 'http.server', '-b', '127.0.0.1', '-d', 'public', $stranger);
$own->tour("http://127.0.0.1:$stranger", 'static, an origin that is not in the list', '--refused');
$own->stop;
done_testing;
