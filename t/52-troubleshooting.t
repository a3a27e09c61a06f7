# docs/TROUBLESHOOTING.md quotes what the product prints, logs and answers: each quoted
# message is in the sources, and some are provoked. docs/UPGRADE.md's, too.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jdecode need run slurp wait_until);
use Kedge::Page;

# Every text in C sources and shell scripts; "…" in place of what varies.
my @literals;
for my $file (split /\n/, qx(git ls-files 'cli/*.c' 'fcgi/*.c' 'fcgi/*.h' 'services/*.c' 'services/*.h' 'systemd/*.sh')) {
	my $text = slurp($file);
	$text =~ s/"\s*PRI[diu]64\s*"/d/g;
	$text =~ s/"\s*\n\s*"//g;
	for my $literal ($text =~ /"((?:[^"\\\n]|\\.)+)"/g) {
		$literal =~ s/\\n/\n/g;
		$literal =~ s/\\(.)/$1/g;
		$literal =~ s/%[-0-9.*]*(?:l|ll|z|j)?[sdiuxc]/…/g;
		push @literals, $literal;
	}
}
cmp_ok(scalar @literals, '>', 1000, 'the sources have texts');
my %codes = map { $_ => 1 } slurp('docs/ERRORS.md') =~ /^\| `(\w+)` \| \d+/mg;

# Whether the product has the message, in which "…" stands for what varies.
sub exists_in_sources
{
	my ($message) = @_;
	return 1 if $codes{$message};
	# A value that the page has made concrete (a table, a number) is a "…" there.
	my @words = split /\s*…\s*/, $message;
	for my $literal (@literals) {
		my $at = 0;
		my $all = 1;
		for my $word (grep {length} @words) {
			my $found = index $literal, $word, $at;
			$all &&= $found >= 0;
			$at = $found + length $word;
		}
		return 1 if $all && grep {length} @words;
	}
	return 0;
}
ok(!exists_in_sources('a message that nobody prints'), 'this test finds a message that does not exist');

my $page = Kedge::Page->new('docs/TROUBLESHOOTING.md');
my @rows = $page->text =~ /^\| ([^|\n]*) \| [^|\n]* \| [^|\n]* \|$/mg;
my @quoted = map {/`([^`]+)`/g} @rows;
cmp_ok(scalar @quoted, '>', 50, 'the page quotes messages');
for my $message (@quoted) {
	# What a health check answers has two literals.
	next if $message =~ /^"(\w+)":"(\w+)"$/ && exists_in_sources($2);
	ok(exists_in_sources($message), "the product has: $message");
}
my @upgrade = map {/`([^`]+)`/g} Kedge::Page->new('docs/UPGRADE.md')->text =~ /^\| (`[^|\n]*) \| [^|\n]* \|$/mg;
cmp_ok(scalar @upgrade, '>', 3, 'docs/UPGRADE.md quotes messages');
for my $message (@upgrade) {
	my $general = $message =~ s/^(?:core|links):/…:/r =~ s{sql/core/0031_….sql \(in a transaction\)}{sql/…/… (…)}r
	    =~ s/AccessExclusiveLock on public.task \(about 2000000 rows, 400 MB\).*/… on … (about … rows, …): …/r;
	ok(exists_in_sources($general), "upgrade --check has: $message");
}

# ---- provoked ------------------------------------------------------------------------------

need(qw(curl));
my $k = Kedge->up;

# Returns the page's pattern for a message, as a regular expression.
sub said
{
	my ($message) = @_;
	ok((grep { $_ eq $message } @quoted), "the page has: $message");
	return join '.*?', map {quotemeta} split /\s*…\s*/, $message, -1;
}
my $like = said('port … is in use; choose another with --port');
my $port = $k->port;
my ($status, $out, $err) = run(Kedge->binary('kedge'), 'up', '--detach', '--port', $port, '--dir', $k->dir . '-other');
like($err, qr/$like/, 'a port that is in use');
$like = said('… is in use by process …');
($status, $out, $err) = $k->kedge('up', '--detach');
like($err, qr/$like/, 'a stack that runs');
$like = said('there is no stack in …');
($status, $out, $err) = run(Kedge->binary('kedge'), 'user', 'list', '--dir', $k->dir . '-none');
like($err, qr/$like/, 'a directory without a stack');
$like = said('… is set, but … has no such variable');
($status, $out, $err) = $k->kedge('config', 'core', { env => { CORE_THREDS => 3 } });
like($err, qr/$like/, 'a mistyped variable');
$like = said('no line was found; successful requests may not be logged …');
($status, $out, $err) = $k->kedge('logs', '--request', 'abc');
like($err, qr/$like/, 'a request that is not in the logs');
my $db = said('"database":"away"');
my ($postmaster) = $k->pids('postgres');
$k->kill_pid(KILL => $postmaster);
ok(
	wait_until(
		sub {
			my $r = $k->monitor->get('/health/core');
			return $r->{status} == 503 && $r->{body} =~ /$db/;
		},
		20),
	'the health of a service without PostgreSQL') or diag($k->monitor->get('/health/core')->{body});
done_testing;
