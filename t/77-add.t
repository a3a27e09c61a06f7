# kedge add makes services that build, are formatted and pass their tests at once; what is
# refused leaves nothing behind.  All this happens in a copy of the source tree.
use strict;
use warnings;
no warnings qw(qw); # values with commas are meant
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jdecode need slurp);
use Kedge::Checkout;

need(qw(make git));
my $copy = Kedge::Checkout->new;
my $build = $copy->build;
$copy->commit;
my $first = (split /\s/, ($copy->run_here('git', 'rev-parse', 'HEAD'))[1])[0];
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
	is($status, $code // 1, "add service @$args is refused");
	like($err, $says, "add service @$args says what to do");
	is($out, '', "add service @$args prints no success");
}
for my $file (qw(sql/notes/0001_x.sql t/35-notes.t services/notes/x.c t/endpoints/notes.json)) {
	$copy->put($file, '');
	$copy->commit;
	my ($status, undef, $err) = $copy->kedge('add', 'service', 'notes');
	is($status, 1, "$file is there is refused");
	my ($named) = $file =~ m{^((?:sql|services)/\w+|t/.*)};
	like($err, qr/\Q$named\E exists already; move it away, or choose another name/,
		"$file is named");
	is_deeply([ $copy->changes ], [], "$file: the refusal leaves nothing");
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
is($status, 1, 'a file that cannot be made is an error');
like($err, qr{cannot (?:change|make).*t/endpoints}, 'the error names it') or diag($err);
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
	like($out, qr{^made     services/$args->[0]/main\.c$}m, 'the command lists what it has made');
	like($out, qr/make && make manual/, 'the command says what comes next');
}
is(substr($copy->text('kedge.json'), 0, length($before) - 7),
	substr($before, 0, length($before) - 7), 'kedge.json is as it was before the new rows');
my @rows = @{ jdecode($copy->text('kedge.json'))->{services} }[ -3 .. -1 ];
is_deeply([ map {"$_->{name} $_->{prefix} $_->{guard}"} @rows ],
	[ 'notes /api/notes/ standard', 'reports /r/e-p/ role-gated', 'board /api/board/ none' ],
	'kedge.json declares them');
like($copy->text('kedge.json'), qr/^    \{\n      "name": "board",\n/m, 'the new row is formatted like those before');
my (undef, $sums) = $copy->run_here('sha256sum', '--quiet', '-c', 'services/notes/.scaffold');
is($sums, '', 'the checksums of the files are recorded');


# ---- entities -------------------------------------------------------------------------

my @no = (
	[ [qw(nosuch note title:text)], qr/kedge\.json has no service nosuch; make it with/ ],
	[ [qw(core note title:text)], qr/core was not made by "kedge add service"/ ],
	[ [qw(board note title:text)], qr/board has the guard none.*change it to standard/ ],
	[ [qw(notes note)], qr/name at least one field/ ],
	[ [qw(notes Note title:text)], qr/"Note": a name has lower-case letters/ ],
	[ [qw(notes notes title:text)], qr/entity notes: the service has this name/ ],
	[ [qw(notes table title:text)], qr/table: this is a key word of SQL/ ],
	[ [qw(notes int title:text)], qr/int: this is a word of C/ ],
	[ [qw(notes job title:text)], qr/job: Kedge has this name already/ ],
	[ [qw(notes note_usage title:text)], qr/note_usage: Kedge has this name/ ],
	[ [qw(notes request_key title:text)], qr/request_key: Kedge has this name/ ],
	[ [qw(notes note order:text)], qr/order: this is a key word of SQL; .*order_name/, 2 ],
	[ [qw(notes note id:uuid)], qr/id: each entity has this already/, 2 ],
	[ [qw(notes note title)], qr/title: the type is missing; write title:text/, 2 ],
	[ [qw(notes note title:string)], qr/there is no type "string".*the types are text, integer/, 2 ],
	[ [qw(notes note title:txet)], qr/there is no type "txet" \(text\?\)/, 2 ],
	[ [qw(notes note), 'title:text(0)'], qr/"0" is not a length from 1 to 80000/, 2 ],
	[ [qw(notes note), 'title:text(20'], qr/"text\(20" is not closed/, 2 ],
	[ [qw(notes note), 'n:integer(3)'], qr/"integer" has no length; only text has/, 2 ],
	[ [qw(notes note n:integer:line)], qr/"line" is a rule for text/, 2 ],
	[ [qw(notes note n:text:min=3)], qr/"min=3" is a rule for integer and money/, 2 ],
	[ [qw(notes note n:integer:min=x)], qr/"x" is not a whole number/, 2 ],
	[ [qw(notes note n:integer:min=5:max=4)], qr/allows no value: min is above max/, 2 ],
	[ [qw(notes note n:text:in=a,a)], qr/"a" is there twice/, 2 ],
	[ [qw(notes note n:text:in=a,,b)], qr/"" is not a value of letters/, 2 ],
	[ [qw(notes note n:text:big)], qr/"big" is not a rule: they are line and in=a,b/, 2 ],
	[ [qw(notes note due_at:date dueat:date due_at:date)], qr/due_at: there are two/ ],
	[ [qw(notes note), map {"t$_:text"} 1 .. 9 ], qr/all texts together have 90000 characters.*80000/ ],
	[ [qw(notes)], qr/needs a service and a name/, 2 ],
);
$copy->commit;
for my $row (@no) {
	my ($args, $says, $code) = @$row;
	($status, $out, $err) = $copy->kedge('add', 'entity', @$args);
	is($status, $code // 1, "add entity @$args is refused");
	like($err, $says, "add entity @$args says what to do");
}
is_deeply([ $copy->changes ], [], 'nothing is left of what was refused');

# Each type, with and without null, and each rule; names that PostgreSQL has as types.
my @types = ('slug:text(60):line', 'status:text(10):in=open,done', 'nick:text(3)?', 'body:text?',
	'mood:text?:in=good,bad', 'count:integer:min=-2:max=10', 'many:integer?', 'done:boolean', 'seen:boolean?',
	'due_at:timestamp', 'until:timestamp?', 'day:date', 'end_day:date?', 'ref:uuid', 'other_ref:uuid?',
	'price:money', 'discount:money?');
for my $args ([ 'notes', 'note', 'title:text(200)', 'body:text?' ], [ 'notes', 'box', 'open:boolean?' ],
	[ 'reports', 'blog_entry', @types ])
{
	($status, $out, $err) = $copy->kedge('add', 'entity', @$args);
	is($status, 0, "add entity @$args") or diag($err);
}
($status, undef, $err) = $copy->kedge('add', 'entity', 'notes', 'note', 'title:text');
is($status, 1, 'an entity that exists is refused');
like($err, qr/creates a table note already; choose another name/, 'the refusal names the migration with its table');
(undef, $sums) = $copy->run_here('sha256sum', '--quiet', '-c', 'services/notes/.scaffold');
is($sums, '', 'the checksums are those of the changed files');

my @new = glob join ' ', map { $copy->root . "/$_" }
    qw(services/{notes,reports,board}/*.[ch] services/{notes,reports}/*/*.[ch] t/unit/test_{notes,reports}_*.c);
cmp_ok(scalar @new, '>', 25, 'the sources are found');
SKIP: {
	skip 'clang-format 14 is not installed', 1
	    if (Kedge::run('clang-format', '--version'))[1] !~ /version 14\./;
	($status, undef, $err) = $copy->run_here('clang-format', '--dry-run', '--Werror', @new);
	is($status, 0, 'the sources are formatted') or diag($err);
}
SKIP: {
	skip 'cppcheck is not installed', 1 if !Kedge::tool('cppcheck');
	my ($command) = slurp("$Kedge::ROOT/lint.mk") =~ /^\t(cppcheck .*?[^\\])\n/ms;
	$command =~ s/\\\n//g;
	$command =~ s{fcgi services cli$}{services/notes services/reports services/board};
	($status, $out, $err) = $copy->run_here('sh', '-c', $command);
	is($status, 0, 'cppcheck finds nothing') or diag($out, $err);
}
my @units = map {"$build/t/unit/test_$_"} qw(notes_note notes_box reports_blog_entry);
($status, $out, $err) = make('all', 'manual', @units);
is($status, 0, 'the services build') or diag($out, $err);
unlike("$out$err", qr/warning:/, 'the services build without a warning');
passes('t/00-config.t', 't/01-layers.t', 't/03-docs.t', 't/03-errors.t', 't/14-endpoints.t',
	@units, map { s{.*/t/}{t/}r } glob $copy->root . '/t/35-*.t');

# ---- remove -----------------------------------------------------------------------------

($status, $out, $err) = $copy->kedge('remove', 'service', 'notes');
is($status, 1, 'without a terminal, remove refuses');
like($err, qr/with --yes it does not ask/, 'the refusal names --yes');
for my $row ([ 'core', qr/core was not made by "kedge add service".*by hand/ ],
	[ 'nosuch', qr/kedge\.json has no service nosuch/ ])
{
	($status, $out, $err) = $copy->kedge('remove', 'service', $row->[0], '--yes', '--force');
	is($status, 1, "remove $row->[0] is refused");
	like($err, $row->[1], "remove $row->[0]: the refusal says why");
}
my $rules = $copy->text('services/notes/note/note.c');
$copy->put('services/notes/note/note.c', "$rules\n/* changed */\n");
$copy->put('services/notes/note/extra.c', "/* added */\n");
$copy->put('sql/notes/0009_more.sql', "SELECT 1;\n");
unlink $copy->root . '/services/notes/notes.c';
my @with_changes = $copy->changes;
($status, $out, $err) = $copy->kedge('remove', 'service', 'notes', '--yes');
is($status, 1, 'changed files are a reason to refuse');
like($err, qr/$_/, "the refusal matches $_")
    for qr{note/note\.c has changed since it was made}, qr{note/extra\.c was not made by "kedge add"},
    qr{0009_more\.sql was not made}, qr{notes/notes\.c is missing}, qr/--force removes it with these files/;
is_deeply([ $copy->changes ], \@with_changes, 'nothing is removed');
for my $args ([ 'notes', '--yes', '--force' ], [ 'board', '--yes' ], [ 'reports', '--yes' ]) {
	($status, $out, $err) = $copy->kedge('remove', 'service', @$args);
	is($status, 0, "remove service @$args") or diag($err);
	like($out, qr/DROP DATABASE $args->[0]' -c 'DROP ROLE $args->[0], $args->[0]_owner'/,
		'it says how to drop the database');
}
(undef, $out) = $copy->run_here('git', 'diff', '--stat', $first);
is($out, '', 'nothing is left of the services');
(undef, $out) = $copy->run_here('git', 'ls-files', '-o', '--exclude-standard');
is($out, '', 'and no new file');
($status, $out, $err) = make('all');
is($status, 0, 'the rest builds') or diag($out, $err);
done_testing;
