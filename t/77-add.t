# kedge add makes services that build, are formatted and pass their tests at once; what is
# refused leaves nothing behind.  All this happens in a copy of the source tree.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jdecode need slurp);
use Kedge::Checkout;

need(qw(make git));
my $copy = Kedge::Checkout->new;
my $build = $copy->build;
$copy->commit;
my $before = $copy->text('kedge.json');

sub make
{
	my (@targets) = @_;
	return $copy->run_here('make', '--no-print-directory', "BUILD=$build", @targets);
}

# Runs test files of the copy.
sub passes
{
	my (@files) = @_;
	my ($status, $out, $err) = $copy->run_here('prove', '--exec', 't/lib/run', @files);
	return is($status, 0, "@files: pass") || diag($out, $err);
}

# ---- what is refused ----------------------------------------------------------------

# Each row: the arguments, and what the message has to name.
my @refused = (
	[ ['core'], qr/kedge\.json has a service core already; choose another name/ ],
	[ ['user'], qr/user: this is a key word of SQL; choose/ ],
	[ ['order'], qr/order: this is a key word of SQL/ ],
	[ ['static'], qr/static: this is a word of C/ ],
	[ ['web'], qr/fcgi\/web exists already; move it away, or choose/ ],
	[ ['nginx'], qr/nginx: Kedge or one of its servers has this name/ ],
	[ ['redisx'], qr/redisx: Kedge or one of its servers/ ],
	[ ['Notes'], qr/"Notes": a name has lower-case letters and digits/ ],
	[ ['my_notes'], qr/"my_notes": a name has lower-case letters and digits/ ],
	[ ['../notes'], qr/"\.\.\/notes": a name has/ ],
	[ [ 'notes', '--prefix', '/api/core/notes/' ], qr{/api/core/notes/ overlaps /api/core/ of the service core; .*--prefix} ],
	[ [ 'notes', '--prefix', '/api/' ], qr{/api/ overlaps /api/auth/} ],
	[ [ 'notes', '--prefix', '/notes' ], qr/prefix: must be a path like/ ],
	[ [ 'notes', '--guard', 'open' ], qr/guard: must be one of/ ],
	[ [ 'notes', '--guard', 'role-gated' ], qr/role-gated needs --roles/ ],
	[ [ 'notes', '--roles', 'staff' ], qr/--roles needs --guard role-gated/ ],
	[ [ 'notes', '--guard', 'role-gated', '--roles', 'a"b' ], qr/a role may have only letters/ ],
	[ [], qr/the name is missing/, 2 ],
	[ [ 'notes', 'more' ], qr/more than one name/, 2 ],
	[ [ 'notes', '--gaurd', 'none' ], qr/unknown option --gaurd/, 2 ],
	[ [ 'notes', '--prefix' ], qr/--prefix, or its value is missing/, 2 ],
);
for my $row (@refused) {
	my ($args, $says, $code) = @$row;
	my ($status, $out, $err) = $copy->kedge('add', 'service', @$args);
	is($status, $code // 1, "add service @$args: refused");
	like($err, $says, "add service @$args: with what to do");
	is($out, '', "add service @$args: nothing is done");
}
for my $file (qw(sql/notes/0001_x.sql t/35-notes.t services/notes/x.c t/endpoints/notes.json)) {
	$copy->put($file, '');
	$copy->commit;
	my ($status, undef, $err) = $copy->kedge('add', 'service', 'notes');
	is($status, 1, "$file is there: refused");
	my ($named) = $file =~ m{^((?:sql|services)/\w+|t/.*)};
	like($err, qr/\Q$named\E exists already; move it away, or choose another name/,
		"$file: by its name");
	is_deeply([ $copy->changes ], [], "$file: nothing else is there");
	unlink $copy->root . "/$file";
	rmdir $copy->root . "/$_" for qw(sql/notes services/notes);
}
# A directory in which no file can be made: the files before it are removed again.  Root
# may write everywhere, so a file stands where the directory is needed.
$copy->commit;
$copy->put('sql/notes', "not a directory\n");
rename $copy->root . '/sql/notes', $copy->root . '/sql.notes';
rename $copy->root . '/t/endpoints', $copy->root . '/t/endpoints.away';
$copy->put('t/endpoints', "not a directory\n");
my @now = $copy->changes;
my ($status, $out, $err) = $copy->kedge('add', 'service', 'notes');
is($status, 1, 'a file that cannot be made: refused');
like($err, qr{cannot (?:change|make).*t/endpoints}, 'by its name') or diag($err);
is_deeply([ $copy->changes ], \@now, 'the files before it are gone again');
unlink $copy->root . $_ for '/t/endpoints', '/sql.notes';
rename $copy->root . '/t/endpoints.away', $copy->root . '/t/endpoints';
is_deeply([ $copy->changes ], [], 'all is as it was');
is_deeply([ glob $copy->root . '/build/add-*' ], [], 'nothing is left in build/');

# ---- services -------------------------------------------------------------------------

for my $args ([ 'notes', '--worker' ],
	[ 'reports', '--guard', 'role-gated', '--roles', 'staff,audit', '--prefix', '/r/e-p/' ],
	[ 'board', '--guard', 'none' ])
{
	($status, $out, $err) = $copy->kedge('add', 'service', @$args);
	is($status, 0, "add service @$args") or diag($err);
	like($out, qr{^made     services/$args->[0]/main\.c$}m, 'it says what it made');
	like($out, qr/make && make manual/, 'and what comes next');
}
is(substr($copy->text('kedge.json'), 0, length($before) - 7),
	substr($before, 0, length($before) - 7), 'kedge.json is as it was before the new rows');
my @rows = @{ jdecode($copy->text('kedge.json'))->{services} }[ -3 .. -1 ];
is_deeply([ map {"$_->{name} $_->{prefix} $_->{guard}"} @rows ],
	[ 'notes /api/notes/ standard', 'reports /r/e-p/ role-gated', 'board /api/board/ none' ],
	'kedge.json declares them');
like($copy->text('kedge.json'), qr/^    \{\n      "name": "board",\n/m, 'formatted like the rows before');
my (undef, $sums) = $copy->run_here('sha256sum', '--quiet', '-c', 'services/notes/.scaffold');
is($sums, '', 'the checksums of the files are recorded');

my @new = map { m{^services/.*\.[ch]$} ? $_ : () } $copy->changes;
SKIP: {
	skip 'clang-format 14 is not installed', 1
	    if (Kedge::run('clang-format', '--version'))[1] !~ /version 14\./;
	($status, undef, $err) = $copy->run_here('clang-format', '--dry-run', '--Werror', @new);
	is($status, 0, 'the sources are formatted') or diag($err);
}
($status, $out, $err) = make('all', 'manual');
is($status, 0, 'they build without a warning') or diag($out, $err);
unlike("$out$err", qr/warning:/, 'without any');
passes('t/00-config.t', 't/01-layers.t', 't/03-docs.t', 't/03-errors.t', 't/14-endpoints.t',
	glob $copy->root . '/t/35-*.t');
done_testing;
