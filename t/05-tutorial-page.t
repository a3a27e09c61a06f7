# docs/TUTORIAL.md: its blocks are executed from top to bottom, and a browser does between
# them what the text tells its reader to do.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;
use Kedge qw(free_port need run slurp tool);
use Kedge::Front;
use Kedge::Page;

need(qw(curl git));
Kedge::Front::ready('vite');
my $page = Kedge::Page->new('docs/TUTORIAL.md');
my $place = tempdir('kedge-tutorial-XXXXXX', DIR => $ENV{TMPDIR}, CLEANUP => 1);
chmod 0755, $place;
my $dev = free_port();
my $k = Kedge->up;
$k->down;
make_path("$place/kedge");
open my $command, '>', "$place/kedge/kedge" or die "kedge: $!";
my ($program, $dir, $port) = (Kedge->binary('kedge'), $k->dir, $k->port);
# The reader's ./kedge, with the directory and port of this test.
print $command <<"SH";
#!/bin/sh
case \$1 in
new) exec '$program' "\$@" ;;
up) exec '$program' "\$@" --dir '$dir' --port $port ;;
*) exec '$program' "\$@" --dir '$dir' ;;
esac
SH
close $command or die "kedge: $!";
chmod 0755, "$place/kedge/kedge";

my %front; # the servers that run
my $modules = "$Kedge::ROOT/t/compat/vite/node_modules";
sub execute
{
	my ($name, $text) = @_;
	$text =~ s{127\.0\.0\.1:8080}{127.0.0.1:$port}g;
	$text =~ s{127\.0\.0\.1:5173}{127.0.0.1:$dev}g;
	# npm ci has installed them; then npm runs the script "prepare".
	$text =~ s{^npm install$}{(cp -al '$modules' . 2>/dev/null || cp -a '$modules' .) && npm run prepare}m;
	my ($status, $out, $err) = run({ dir => "$place/kedge", timeout => 300, env => $k->{env},
			in => "set -e -o pipefail\nurl=http://127.0.0.1:$port\n$text" }, 'bash', '-s');
	is($status, 0, $name) or diag($text, $out, $err);
	return $out;
}
sub browse
{
	my ($part, $at) = @_;
	Kedge::run_tap('node', "$Kedge::ROOT/t/compat/tutorial.mjs", '--page', $at // $k->base, '--part', $part, '--dir', $place,
		'--chromium', Kedge::Front::chromium());
	return;
}

my (%seen, %printed);
for my $block ($page->blocks) {
	my ($section, $language, $text) = @$block{qw(section language text)};
	my $name = "$section: block " . ++$seen{$section};
	if ($language eq 'diff') {
		my $file = $section eq 'Money' ? 'send.diff' : 'due.diff';
		open my $diff, '>', "$place/shop/$file" or die "$file: $!";
		print $diff $text;
		close $diff or die "$file: $!";
	} elsif ($text =~ /^npm run dev$/m) {
		$front{dev} = Kedge::Front->at("$place/studio");
		$front{dev}->serve($dev, 'npx', 'vite', '--port', $dev);
	} else {
		is($language, 'sh', "$name is executed");
		$printed{$name} = execute($name, $text);
	}
	browse('people') if $name eq 'A page: block 1';
	browse('due') if $name eq 'A field more: block 2';
	browse('poor') if $name eq 'Money: block 2';
	browse('rich') if $name eq 'Money: block 3';
	browse('same') if $name eq 'The same with a build: block 3';
	browse('same', "http://127.0.0.1:$dev") if $name eq 'On another port: block 1';
}
is_deeply(\%seen, { 'A page' => 1, 'A field more' => 2, 'Errors' => 1, 'Money' => 3, 'The same with a build' => 3,
	'On another port' => 1, 'On a server' => 1 }, 'the page has these blocks');
like($printed{'Errors: block 1'}, qr/"code":"INVALID_REQUEST".*"fields":\[\{"field":"dueTo"/, 'an error looks like the one shown');
like($printed{'Money: block 3'}, qr/"amount":5000/, 'the deposit is answered');
is(($k->kedge('status'))[0], 3, 'at the end nothing runs');
done_testing;
