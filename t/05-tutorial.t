# The tutorial docs/ADDING-A-SERVICE.md: its blocks are executed from top to bottom, in a
# copy of the source tree.  t/05-service.t executes the section "By hand".
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(need);
use Kedge::Checkout;
use Kedge::Page;
use Kedge::Upstream;

need(qw(make curl git));
Kedge::Upstream::need_python(qw(jwt waitress psycopg2));
my $page = Kedge::Page->new('docs/ADDING-A-SERVICE.md');
my %seen;
is_deeply([ grep { !$seen{$_}++ } map { $_->{section} } $page->blocks ],
	[ 'In C', 'In Python', 'By hand', 'Who the user is, in other languages' ], 'the page has its sections');

sub blocks
{
	my ($section) = @_;
	return grep { $_->{section} eq $section } $page->blocks;
}

# ---- the script ---------------------------------------------------------------------------

my $copy = Kedge::Checkout->new;
$copy->commit;
my ($root, $build) = ($copy->root, $copy->build);
my ($port, $upstream) = (Kedge::free_port(), Kedge::free_port());
END { $copy->run_here("$root/$build/kedge", 'down', '--dir', "$root/.run") if defined $root }

# A command of the page as it is run here: with the build of this run, on free ports, in a
# directory of its own, and without installing packages.
sub as_here
{
	my ($text) = @_;
	$text =~ s/^make\b/make BUILD=$build/gm;
	$text =~ s{^\./kedge test (.*)}{ join ' ', "make BUILD=$build all",
		map({ m{^t/unit/(.*)\.c$} ? "$build/t/unit/$1" : () } split ' ', $1), '&& prove --exec t/lib/run',
		map({ m{^t/unit/(.*)\.c$} ? "$build/t/unit/$1" : $_ } split ' ', $1) }gme;
	$text =~ s{^\./kedge up\b.*}{$build/kedge up --detach --dir $root/.run --port $port}gm;
	$text =~ s{^\./kedge down\b}{$build/kedge down --dir $root/.run}gm;
	$text =~ s{^\./kedge\b}{$build/kedge}gm;
	$text =~ s{--language python$}{--language python --external http://127.0.0.1:$upstream}m;
	$text =~ s{--stack \.run}{--stack $root/.run}g;
	$text =~ s{127\.0\.0\.1:8080}{127.0.0.1:$port}g;
	$text =~ s{127\.0\.0\.1:8101}{127.0.0.1:$upstream}g;
	$text =~ s{^(kill .*)}{cp services/memos/identity.py $root/build/identity.py\n$1}m;
	return $text;
}

# Replaces the row of kedge.json that has the name of the given one.
my $replace_row = <<'PERL';
my ($old, $row) = map { local (@ARGV, $/) = $_; scalar <> } @ARGV;
my ($name) = $row =~ /("name": "\w+")/ or die 'no name';
$row =~ s/\n\z//;
$old =~ s/\{[^{}]*$name[^{}]*\}/$row/ or die 'no row';
open my $out, '>', $ARGV[0] or die;
print $out $old;
PERL
# Replaces the list of routes, with the comment before it.
my $replace_routes = <<'PERL';
my ($old, $new) = map { local (@ARGV, $/) = $_; scalar <> } @ARGV;
$old =~ s/^# Each route:.*?^\}\n/$new/ms or die 'no list of routes';
open my $out, '>', $ARGV[0] or die;
print $out $old;
PERL
$copy->put("build/$_->[0]", $_->[1]) for [ 'row.pl', $replace_row ], [ 'routes.pl', $replace_routes ];
my $script = "set -e\n";
for my $block (map { blocks($_) } 'In C', 'In Python') {
	my ($language, $file, $text) = @$block{qw(language file text)};
	$text = as_here($text) if $language =~ /^(?:sh|json)$/;
	if ($language eq 'sh') {
		$script .= $text;
		next;
	}
	my $part = $language eq 'json' || $file =~ m{/main\.py$} ? 'build/part' : $file;
	$script .= "mkdir -p \$(dirname $part)\ncat >$part <<'END_OF_FILE'\n${text}END_OF_FILE\n";
	$script .= "perl build/row.pl kedge.json build/part\n" if $language eq 'json';
	$script .= "perl build/routes.pl $file build/part\n" if $part ne $file && $language eq 'python';
}
my ($status, $out, $err) = $copy->run_here({ in => $script, timeout => 500 }, 'sh');
is($status, 0, 'the commands of the tutorial succeed') or diag($script, $out, $err);
like($out, qr/"items":\[\{"id":"[^"]+","title":"Milk","body":null,"version":1/, 'the note is in the list');
like($out, qr/"code":"UNAUTHENTICATED"/, 'nobody is refused');
like($out, qr/"openapi":"3\.1.*"NoteCreate"/, 'the service describes itself');
like($out, qr/memos does not answer at 127\.0\.0\.1:$upstream yet/, 'up says that the program does not run yet');
like($out, qr/\{"items": \[\{"id": "[^"]+", "title": "Milk"\}\]\}/, 'the memo is in the list');
is(() = $out =~ /^Result: PASS$/mg, 3, 'each run of tests passes');
unlike("$out$err", qr/skipped/, 'no test is skipped');
# The text of the page and its tests are its reader's own files.
(undef, my $left) = $copy->run_here('git', 'status', '--porcelain', '-uall');
is($left, '', 'what the tutorial has made is removed again') or diag($left);

# ---- the other languages ----------------------------------------------------------------

my %code = map { $_->{language} => $_->{text} } blocks('Who the user is, in other languages');
is_deeply([ sort keys %code ], [qw(go js python)], 'the page has three languages');
is($code{python}, $copy->text('build/identity.py'), 'the Python of the page is what kedge add makes');
($status, undef, $err) = $copy->kedge('add', 'service', 'search', '--language', 'node');
is($status, 0, 'a service in node is made') or diag($err);
is($code{js}, $copy->text('services/search/identity.mjs'), 'the JavaScript of the page is what kedge add makes');
for my $language (sort keys %code) {
	cmp_ok(scalar(() = $code{$language} =~ /\n/g), '<=', 76, "$language needs few lines");
}
done_testing;
