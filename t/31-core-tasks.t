# core's tasks: fields, trees, pages, versions, and ownership.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jencode parallel wait_until);

my $k = Kedge->up;
my $alice = $k->user('alice');
my $bob = $k->user('bob');
my $tasks = '/api/core/tasks';
my $nowhere = '01890a5d-ac96-774b-bcce-b302099a8057';

sub make { my ($c, %t) = @_; return $c->post($tasks, { title => 't', %t }) }

# ---- one task -------------------------------------------------------------------

my $r =
    make($alice, title => 'Buy milk', notes => "two\nlitres", dueAt => '2030-01-02T03:04:05+02:00');
is($r->{status}, 201, 'POST /tasks is answered with 201') or diag($r->{body});
my $id = $r->{json}{id};
like($id, qr/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
	'the id is a UUID of version 7');
is($r->{headers}{location}, "$tasks/$id", 'Location is the path of the new task');
my $etag = $r->{headers}{etag};
like($etag, qr/^"[^"]+"$/, 'a strong ETag');
is($r->{json}{title}, 'Buy milk', 'the new task has the given title');
is($r->{json}{notes}, "two\nlitres", 'the new task has the given notes');
is($r->{json}{status}, 'open', 'the new task has the status open');
is($r->{json}{parentId}, undef, 'the new task has no parent');
like($r->{json}{dueAt}, qr/^2030-01-02T01:04:05(\.000)?Z$/, 'the new task is due at the given time, in UTC');
is_deeply($alice->get("$tasks/$id")->{json}, $r->{json}, 'GET returns the task as POST did');
is($alice->get("$tasks/$id")->{headers}{etag}, $etag, 'GET returns the ETag that POST returned');
is($alice->get("$tasks/$id", headers => { 'If-None-Match' => $etag })->{status}, 304,
	'GET with If-None-Match is answered with 304');
is($alice->get("$tasks/" . uc $id)->{status}, 200, 'an id in capitals finds the same task');

# ---- fields ---------------------------------------------------------------------

my @good = (
	[ title => 'x' ], [ title => "\x{1F600}" x 200 ], [ title => '  spaces  ' ],
	[ notes => 'n' x 10_000 ], [ notes => '' ],
	[ notes => undef ], [ notes => "\x{e9}" x 10_000 ], [ dueAt => undef ],
	[ dueAt => '2030-12-31T23:59:59Z' ], [ dueAt => '2030-01-01T00:00:00.123Z' ],
	[ dueAt => '2028-02-29T12:00:00-11:30' ], [ status => 'done' ], [ status => 'open' ],
	[ parentId => undef ],
);
for my $row (@good) {
	my ($field, $value) = @$row;
	my $name = "$field " . substr jencode($value), 0, 40;
	my $r = make($alice, $field => $value);
	is($r->{status}, 201, $name) or diag($r->{body});
	is($r->{json}{$field}, $value, "$name: the task has the given value") if $field ne 'dueAt';
}
my @bad = (
	[ title => '' ], [ title => 'x' x 201 ], [ title => "\x{1F600}" x 201 ],
	[ title => undef ], [ title => 7 ], [ title => {} ],
	[ title => ' ' ], [ title => "\x{a0}\x{200b}" ], [ title => "two\nlines" ],
	[ title => "bell\x{7}" ], [ title => "next\x{85}" ], [ title => "para\x{2029}" ],
	[ notes => 'n' x 10_001 ], [ notes => 7 ], [ status => 'late' ], [ status => '' ],
	[ status => undef ], [ status => 'OPEN' ],
	[ dueAt => 'tomorrow' ], [ dueAt => '2030-01-01' ], [ dueAt => '2030-13-01T00:00:00Z' ],
	[ dueAt => '2030-02-30T00:00:00Z' ],
	[ dueAt => '2030-01-01T25:00:00Z' ], [ dueAt => '2030-01-01T00:00:00' ],
	[ dueAt => 1893456000 ], [ dueAt => '2029-02-29T00:00:00Z' ],
	[ dueAt => '0000-01-01T00:00:00Z' ], [ dueAt => '+012030-01-01T00:00:00Z' ],
	[ parentId => 'x' ], [ parentId => '' ], [ parentId => 7 ], [ id => $nowhere ],
	[ userId => $bob->{id} ], [ version => 9 ], [ surprise => 1 ],
);
my $count = scalar @{ $alice->get("$tasks?limit=100")->{json}{items} };
for my $row (@bad) {
	my ($field, $value) = @$row;
	my $name = "$field " . substr jencode($value), 0, 40;
	my $r = make($alice, $field => $value);
	is($r->{status}, 400, "$name: POST is refused") or diag($r->{body});
	is($r->{json}{fields}[0]{field}, $field, "$name: the error names the field");
	is($alice->patch("$tasks/$id", { $field => $value })->{status}, 400,
		"$name: PATCH is refused");
}
is($alice->post($tasks, {})->{status}, 400, 'a task without a title is refused');
like(make($alice, parentId => $nowhere)->{status}, qr/^(404|409|422)$/,
	'a parent that does not exist is refused');
is(scalar @{ $alice->get("$tasks?limit=100")->{json}{items} }, $count, 'no task was created by the refused requests');
is($alice->get("$tasks/x")->{status}, 400, 'an id that is not a UUID is 400')
    or diag($alice->get("$tasks/x")->{status});
is($alice->get("$tasks/$nowhere")->{status}, 404, 'an unknown id is 404');
is($alice->patch("$tasks/$nowhere", { title => 'x' })->{status}, 404, 'PATCH of a task that does not exist is 404');
is($alice->del("$tasks/$nowhere")->{status}, 404, 'DELETE of a task that does not exist is 404');

# A filter with a misspelled name is refused, because without it the list would contain
# everything.
for my $row ([ 'stat=open', 'stat' ], [ 'status=open&limt=1', 'limt' ], [ 'Status=open', 'Status' ],
	[ 'status=open&', undef ], [ 'status=open&status=done', 'status' ], [ 'limit=1e1', 'limit' ],
	[ 'limit=', 'limit' ], [ 'cursor=x', 'cursor' ])
{
	my ($query, $named) = @$row;
	my $r = $alice->get("/api/core/tasks?$query");
	is($r->{status}, defined $named ? 400 : 200, "GET /tasks?$query is refused if it names an unknown parameter");
	is_deeply([ map { "$_->{field} $_->{in}" } @{ $r->{json}{fields} // [] } ],
		defined $named ? ["$named query"] : [], 'the error names the unknown parameter');
}

# ---- versions -------------------------------------------------------------------

$r = $alice->patch("$tasks/$id", { status => 'done' }, headers => { 'If-Match' => $etag });
is($r->{status}, 200, 'PATCH with the current ETag succeeds');
isnt($r->{headers}{etag}, $etag, 'a changed task has another ETag');
is($r->{json}{title}, 'Buy milk', 'members that PATCH does not name keep their values');
my $second = $r->{headers}{etag};
$r = $alice->patch("$tasks/$id", { title => 'stale' }, headers => { 'If-Match' => $etag });
is($r->{status}, 412, 'PATCH with an old ETag is 412');
is($alice->get("$tasks/$id")->{json}{title}, 'Buy milk', 'PATCH with an old If-Match changes nothing');
is($alice->del("$tasks/$id", headers => { 'If-Match' => $etag })->{status}, 412,
	'DELETE with an old If-Match is 412');
is($alice->patch("$tasks/$id", { title => 'any' }, headers => { 'If-Match' => '*' })->{status},
	200, 'PATCH with If-Match: * is accepted');
is(
	$alice->patch(
		"$tasks/$id", { title => 'list' },
		headers =>
		    { 'If-Match' => qq{"nothing", } . $alice->get("$tasks/$id")->{headers}{etag} }
	)->{status},
	200, 'PATCH with a list of ETags that has the current one is accepted');
is(
	$alice->patch(
		"$tasks/$id", { title => 'weak' },
		headers => { 'If-Match' => 'W/' . $alice->get("$tasks/$id")->{headers}{etag} }
	)->{status},
	412,
	'a weak ETag never matches');
like($alice->patch("$tasks/$id", { title => 'bad' }, headers => { 'If-Match' => 'garbage' })
	    ->{status}, qr/^(400|412)$/, 'an invalid If-Match is refused');
is($alice->patch("$tasks/$id", { title => 'free' })->{status}, 200,
	'PATCH without If-Match overwrites');
my $tag = $alice->get("$tasks/$id")->{headers}{etag};
my @race = parallel(
	8,
	sub {
		return $alice->copy->patch("$tasks/$id", { title => "racer $_[0]" },
			headers => { 'If-Match' => $tag })->{status}
	});
is_deeply([ sort @race ], [ 200, (412) x 7 ], 'of eight changes with one ETag exactly one succeeds');

# ---- trees ----------------------------------------------------------------------

my @chain;
for my $depth (1 .. 8) {
	$r = make($alice, title => "level $depth", parentId => $chain[-1]);
	is($r->{status}, 201, "a task at level $depth is created") or diag($r->{body});
	push @chain, $r->{json}{id};
}
is(make($alice, parentId => $chain[-1])->{status}, 422, 'a task at the ninth level is refused');
my @loop = ([ 0, 7, 'its own descendant' ], [ 0, 1, 'its child' ], [ 3, 3, 'itself' ]);
for my $row (@loop) {
	my ($what, $where, $name) = @$row;
	is($alice->patch("$tasks/$chain[$what]", { parentId => $chain[$where] })->{status}, 422,
		"a task cannot be moved below $name");
}
my $pair = make($alice, title => 'pair')->{json}{id};
my $child = make($alice, title => 'child', parentId => $pair)->{json}{id};
is($alice->patch("$tasks/$pair", { parentId => $chain[6] })->{status}, 422,
	'a subtree that would be too deep is not moved');
is($alice->patch("$tasks/$pair", { parentId => $chain[5] })->{status}, 200, 'a subtree that is not too deep is moved');
is($alice->patch("$tasks/$pair", { parentId => undef })->{json}{parentId}, undef,
	'a subtree is moved back to the top');
is_deeply([ map { $_->{id} } @{ $alice->get("$tasks?parentId=$pair")->{json}{items} } ], [$child],
	'the list with parentId has the children of the task');
my $a = make($alice, title => 'a')->{json}{id};
my $b = make($alice, title => 'b')->{json}{id};
@race = parallel(
	2,
	sub {
		my ($x, $y) = $_[0] ? ($a, $b) : ($b, $a);
		return $alice->copy->patch("$tasks/$x", { parentId => $y })->{status}
	});
is_deeply([ sort @race ], [ 200, 422 ], 'of two moves that would make a cycle one succeeds')
    or diag("@race");
is($alice->del("$tasks/$chain[2]")->{status}, 204, 'a task with a subtree is deleted');
is_deeply([ map { $alice->get("$tasks/$_")->{status} } @chain ], [ 200, 200, (404) x 6 ],
	'deleting a task deletes its subtree and no other task');

# ---- pages ----------------------------------------------------------------------

my $carol = $k->user('carol');
my @made = map { make($carol, title => "task $_", status => $_ % 3 ? 'open' : 'done')->{json}{id} }
    1 .. 25;
for my $limit (1, 7, 24, 25, 26, 100) {
	my (@seen, $cursor);
	my $pages = 0;
	do {
		my $page =
		    $carol->get("$tasks?limit=$limit" . (defined $cursor ? "&cursor=$cursor" : ''))
		    ->{json};
		cmp_ok(scalar @{ $page->{items} }, '<=', $limit, "a page of $limit has no more than $limit tasks")
		    if $limit == 7;
		push @seen, map { $_->{id} } @{ $page->{items} };
		$cursor = $page->{nextCursor};
		$pages++;
	} while (defined $cursor && $pages < 40);
	is_deeply([ sort @seen ], [ sort @made ], "limit $limit: the pages have each task once");
	is_deeply(\@seen, [ reverse @made ], "limit $limit: the pages have the newest task first") or diag("@seen[0..2]");
}
is(scalar @{ $carol->get("$tasks?status=done&limit=100")->{json}{items} }, 8, 'the list with status=done has only tasks that are done');
is(scalar @{ $carol->get("$tasks?status=open&limit=100")->{json}{items} }, 17, 'the list with status=open has only open tasks');
my $page = $carol->get("$tasks?limit=10")->{json};
$carol->del("$tasks/" . $page->{items}[9]{id});
make($carol, title => 'newer');
my $next = $carol->get("$tasks?limit=100&cursor=$page->{nextCursor}")->{json};
is(scalar @{ $next->{items} }, 15, 'a cursor stays valid when tasks are created and deleted');
for my $q (
	'limit=0', 'limit=101', 'limit=x', 'limit=-1', 'limit=', 'limit=1e1', 'limit=10&limit=20',
	'status=late', 'parentId=x', 'cursor=x',
	'cursor=' . 'x' x 5000, "limit=5&status=done&cursor=$page->{nextCursor}",
	'limit=9999999999999999999999', 'limit=%00', 'status=%ff'
) {
	is($carol->get("$tasks?$q")->{status}, 400, "GET /tasks?$q is refused");
}
is($bob->get("$tasks?limit=100&cursor=$page->{nextCursor}")->{status}, 400,
	"another user's cursor is refused");

# ---- Idempotency-Key -----------------------------------------------------------

sub once
{
	my ($c, $key, %t) = @_;
	return $c->post($tasks, { title => 'once', %t }, headers => { 'Idempotency-Key' => $key });
}
my $dave = $k->user('dave');
my %order = (notes => "two\nlines", dueAt => '2030-01-02T03:04:05+02:00', status => 'done');
my $first = once($dave, 'k1', %order);
is($first->{status}, 201, 'POST with an idempotency key creates a task') or diag($first->{body});
is($first->{headers}{'idempotency-replayed'}, undef, 'the first answer has no Idempotency-Replayed');
$dave->patch("$tasks/$first->{json}{id}", { title => 'changed' });
my $again = once($dave, 'k1', %order);
is($again->{status}, 201, 'POST with the same idempotency key is answered again');
is($again->{body}, $first->{body}, 'the repeated answer is the same, byte for byte');
is($again->{headers}{$_}, $first->{headers}{$_}, "the repeated answer has the same header $_") for qw(location etag);
is($again->{headers}{'idempotency-replayed'}, 'true', 'the repeated answer has Idempotency-Replayed');
is($dave->request('POST', $tasks, type => 'application/json', headers => { 'Idempotency-Key' => 'k1' },
	body => ' {"status":"done","dueAt":"2030-01-02T03:04:05+02:00", "notes":"two\\u000alines","title":"once"}'
)->{body}, $first->{body}, 'an idempotency key without quotes is the same as one in quotes');
my $reused = once($dave, 'k1', %order, title => 'another');
is($reused->{status}, 409, 'another request with the same key is refused');
is($reused->{json}{code}, 'IDEMPOTENCY_KEY_REUSED', 'another body with the same key is IDEMPOTENCY_KEY_REUSED');
is(once($bob, 'k1')->{status}, 201, 'the same key of another user is another key');
$dave->del("$tasks/$first->{json}{id}");
is(once($dave, 'k1', %order)->{body}, $first->{body}, 'a key is answered after its task was deleted');
is(once($dave, $_)->{status}, 400, 'no key: ' . substr $_, 0, 20)
    for 'two words', 'x' x 256;
is(once($dave, 'x' x 255)->{status}, 201, 'a key of 255 characters is accepted');
my @bodies = map { $_->[0] } parallel(8, sub { [ once($dave, 'at-once')->{body} ] });
is((keys %{ { map { $_ => 1 } @bodies } }) + 0, 1, 'eight requests at once with one key get one answer');
is($k->sql('core', "SELECT count(*) FROM task WHERE user_id = '$dave->{id}' AND title = 'once'"), 2,
	'requests at once with one key create one task');
$k->sql('core', "UPDATE task_key SET created_at = now() - interval '25 hours' WHERE key = 'k1'");
$k->sql('core', q{SELECT job_enqueue('task.forget-keys', '{}')});
ok(wait_until(sub { $k->sql('core', "SELECT count(*) FROM task_key WHERE key = 'k1'") == 0 }, 20),
	'a key can be used again after a day');
is($k->sql('core', "SELECT count(*) FROM task_key WHERE key = 'at-once'"), 1, 'the old keys of the user are deleted, and one is kept');

# ---- tasks of other users -------------------------------------------------------

is($bob->get("$tasks/$id")->{status}, 404, "another user's task is 404");
is($bob->patch("$tasks/$id", { title => 'mine' })->{status}, 404, "another user's task cannot be changed");
is($bob->patch("$tasks/$id", { title => 'mine' }, headers => { 'If-Match' => '*' })->{status}, 404,
	"another user's task cannot be changed with If-Match: *");
is($bob->del("$tasks/$id")->{status}, 404, "another user's task cannot be deleted");
is(make($bob, parentId => $id)->{status}, make($bob, parentId => $nowhere)->{status},
	"another user's task is refused as a parent, like one that does not exist");
is_deeply($bob->get("$tasks?parentId=$id")->{json}{items}, [], "another user's subtree is not listed");
is_deeply([ map { $_->{title} } @{ $bob->get($tasks)->{json}{items} } ], ['once'],
	'the other user has no task');
is($alice->get("$tasks/$id")->{status}, 200, 'the task still belongs to its user');
done_testing;
