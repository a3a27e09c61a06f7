# Tests that run in Node.js: BetterAuth's official clients of several versions, the
# OpenAPI documents in a validator, and a user in a real browser.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use Test::More;
use Kedge qw(run run_tap slurp tool);
use Kedge::Node;
use Kedge::Page;

Kedge::Node::ready();
my $k = Kedge->up;
my $compat = "$Kedge::ROOT/t/compat";
for my $version ('1.7.25', '1.7.7', '1.4.18') {
	note("better-auth/client $version");
	run_tap('node', "$compat/client.mjs", '--base', $k->base, '--version', $version);
}

# Runs the README's example in Node.js.
$k->client->post('/api/auth/sign-up/email',
	{ name => 'Ada', email => 'ada@example.com', password => 'correct horse battery' });
my ($example) = slurp("$Kedge::ROOT/README.md") =~ /^```js\n(.*?)^```/ms;
for my $version ('1.7.25', '1.7.7', '1.4.18') {
	my $code = $example =~ s/127\.0\.0\.1:8080/'127.0.0.1:' . $k->port/egr;
	$code =~ s/'better-auth\//'better-auth-$version\//g;
	my ($status, $out, $err) =
	    run({ dir => $compat }, tool('node'), '--input-type=module', '-e', $code);
	is($status, 0, "the example of the README succeeds with $version") or diag($err);
	is($out, "ada\@example.com\n", 'the BetterAuth client signs in') or diag($err);
}

# The TypeScript of API.md: its types are checked, and a browser executes it.
Kedge::Node::install("$compat/vite");
my @typescript = Kedge::Page->new('docs/API.md')->blocks('ts');
is(scalar @typescript, 2, 'API.md has two blocks of TypeScript');
my $dir = tempdir('kedge-api-XXXXXX', DIR => $ENV{TMPDIR}, CLEANUP => 1);
symlink "$compat/vite/node_modules", "$dir/node_modules" or die "node_modules: $!";
open my $blocks, '>', "$dir/example.ts" or die "example.ts: $!";
print $blocks map({ $_->{text} =~ s/127\.0\.0\.1:8080/'127.0.0.1:' . $k->port/egr } @typescript),
    "export { auth, call, session };\n";
close $blocks or die "example.ts: $!";
my ($typed, $faults) = run({ dir => $dir, timeout => 300 }, "$compat/vite/node_modules/.bin/tsc", '--strict', '--noEmit', '--skipLibCheck',
	'--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler', '--lib', 'es2022,dom', 'example.ts');
is($typed, 0, 'the types of the TypeScript in API.md are right') or diag($faults);

run_tap('node', "$compat/openapi.mjs", '--base', $k->base, Kedge::services());
SKIP: {
	my ($chromium) =
	    grep {defined} map { tool($_) } qw(chromium chromium-browser google-chrome);
	skip 'chromium is not installed', 1 unless $chromium;
	run_tap('node', "$compat/api.mjs", '--base', $k->base, '--file', "$dir/example.ts", '--chromium', $chromium);
	run_tap('node', "$compat/browser.mjs", '--base', $k->base, '--chromium', $chromium,
		$ENV{SCREENSHOTS} ? ('--screenshots', $ENV{SCREENSHOTS}) : ());
}
done_testing;
