# The documentation agrees with the programs.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge ();
use Kedge::Page;

my $build = $ENV{BUILD} // 'build/plain';

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!";
    local $/;
    return <$in>;
}

# The environment variables of each service, as the service prints them.
my $written = qx(docs/configuration $build 2>&1);
ok($written eq slurp('docs/CONFIGURATION.md'), 'CONFIGURATION.md has what the services print with --config')
    or diag('"make manual" writes it', $? ? "\n$written" : '');
for my $service (Kedge::services()) {
    cmp_ok(scalar(() = $written =~ /^\| `\U$service\E_\w+` \| /mg), '>', 10,
        "$service: CONFIGURATION.md has its variables");
}

# Every relative link leads to an existing file.
for my $page (grep { -f } split /\n/, qx(git ls-files -co --exclude-standard '*.md')) {
    my ($folder) = $page =~ m{^(.*/)};
    my @links = grep { !m{^(?:[a-z]+:|#)} } slurp($page) =~ m{\]\(([^)\s]+)\)}g;
    is_deeply([grep { !-e ($folder // '') . s/#.*//r } @links], [], "$page: each link leads to a file");
}

# Every page with code is executed, or its code is compared with something, by a test that
# names the page. The commands of BENCHMARKS.md take half an hour.
my $tests = join '', map { slurp($_) } grep { $_ ne 't/03-docs.t' } glob 't/*.t t/system/*.t';
for my $path (grep { -f && m{^(?:docs/|README|CONTRIB|SECURITY)} } split /\n/,
	qx(git ls-files -co --exclude-standard '*.md')) {
	my @code = grep { $_->{language} ne 'text' } Kedge::Page->new($path)->blocks;
	next if !@code || $path eq 'docs/BENCHMARKS.md';
	like($tests, qr/\Q$path\E/, "$path: a test executes its blocks") if grep { !$_->{where} } @code;
	# A block is for a stack, or for one of the places that Kedge::Page names.
	is_deeply([ grep { !/^(?:|stack|server|elsewhere|releases|pitr)$/ } map { $_->{where} } @code ], [], "$path: each block says where it runs");
}
# The index names every page.
my $index = slurp('docs/README.md');
for my $page (grep { $_ ne 'docs/README.md' } glob 'docs/*.md') {
	my ($name) = $page =~ m{([^/]+)$};
	like($index, qr/\]\(\Q$name\E[)#]/, "docs/README.md lists $name");
}

# The newest section of the CHANGELOG is the version of the package and of the command.
my ($newest) = slurp('CHANGELOG.md') =~ /^## (\S+) \(\d{4}-\d\d-\d\d\)/m;
like(slurp('debian/changelog'), qr/^kedge \(\Q$newest\E[)-]/, 'CHANGELOG.md begins with the version of the package');
is(qx($build/kedge version), "kedge $newest\n", 'and of kedge version');

# Tests that a page names exist, except those that its reader makes.
for my $path (grep { !/ADDING|ARCHITECTURE/ } glob 'docs/*.md') {
	my @named = slurp($path) =~ m{`(t/[\w/.-]+\.t)`}g;
	is_deeply([ grep { !-e } @named ], [], "$path: each test that it names exists") if @named;
}

# The README links to every page, and its figures are those of the benchmarks.
{
    my $readme = slurp('README.md');
    is_deeply([grep { $readme !~ /\(\Q$_\E[)#]/ } glob 'docs/*.md'], [], 'README.md links to each page in docs/');
    my ($costs) = $readme =~ /^## What it costs\n(.*?)^## /ms;
    my @figures = map { split /, p99 /, $_ } $costs =~ /^\| [^|]+ \| ([^|]*\d[^|]*) \|/mg;
    cmp_ok(scalar @figures, '>', 4, 'the README has figures');
    my $measured = slurp('docs/BENCHMARKS.md');
    is_deeply([grep { $measured !~ /\Q$_\E/ } @figures], [], 'each is in docs/BENCHMARKS.md');
}

# Every command in the README's shell blocks exists.
my @used = slurp('README.md') =~ m{^\./kedge (\w+)}mg;
my $help = qx($build/kedge help 2>&1);
like($help, qr/\b$_\b/, "./kedge $_, which a document shows, is a command") for @used;

# Files that the README's commands create in the checkout (cookies of a session) are
# ignored by git.
my @jars = do { my %seen; grep { !$seen{$_}++ } slurp('README.md') =~ m{ -c (\w+)}g };
cmp_ok(scalar @jars, '>', 0, 'the examples of the README store cookies in ignored files');
is(system("git check-ignore -q $_"), 0, "git ignores $_") for @jars;

# The manual names each set of packages that `kedge setup` knows.
my ($sets) = slurp('cli/setup.sh') =~ m{^\t\t(up \|.*)\) "need_}m;
like(slurp('docs/kedge.8'), qr/^\.Op Cm \Q$sets\E \.\.\.$/m, 'kedge.8 lists the sets that kedge setup can install');

# Every test file that a documentation page names exists.
for my $page ('README.md', 'CONTRIBUTING.md') {
    my @tests = slurp($page) =~ m{\./kedge test (t/\S+?\.[tc])\b}g;
    is_deeply([grep { !-e } @tests], [], "$page: each test that it names exists");
}

done_testing;
