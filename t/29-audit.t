# The audit log: each act of an operator has its row, written in its transaction; nobody can
# change rows unseen; retention; and what administrators read.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use Test::More;
use Kedge qw(jdecode jencode parallel slurp wait_until);

my $k = Kedge->up;
my $place = tempdir('kedge-audit-XXXXXX', DIR => $ENV{TMPDIR}, CLEANUP => 1);
my $alice = $k->user('alice');
my $root = $k->user('root');
my ($s, $out, $err) = $k->kedge('user', 'role', $root->{email}, 'admin');
is($s, 0, 'kedge user role') or diag($err);
$root = $k->again($root);
my ($me) = (getpwuid $<)[0];

sub audit { return $k->kedge('audit', @_) }
sub events
{
	my ($service, $query) = @_;
	my $r = $root->get("/api/$service/audit" . ($query ? "?$query" : ''));
	is($r->{status}, 200, "$service: the log is read") or diag($r->{body});
	return @{ $r->{json}{items} // [] };
}

# ---- auth: the command ----------------------------------------------------------------

my ($e) = events('auth', 'action=user.role');
is_deeply([ @$e{qw(actor actorKind objectKind objectId address)} ], [ $me, 'command', 'user', $root->{id}, undef ],
	'a command: who has called it, and for whom');
is_deeply([ $e->{before}, $e->{after} ], [ { role => 'user' }, { role => 'admin' } ], 'before and after');
for my $act ([ 'ban', '--reason', 'spam' ], ['unban'], ['sign-out']) {
	my ($verb, @args) = @$act;
	is(($k->kedge('user', $verb, $alice->{email}, @args))[0], 0, "kedge user $verb");
	($e) = events('auth', "action=user.$verb&objectId=$alice->{id}");
	is($e->{actor}, $me, "$verb is in the log");
}
($e) = events('auth', 'action=user.ban');
is_deeply($e->{after}, { banned => 'true', reason => 'spam', until => undef }, 'with its reason');
is(($k->kedge('user', 'create', 'carol@example.com', { in => '' }))[0], 0, 'kedge user create');
($e) = events('auth', 'action=user.create');
is_deeply($e->{after}, { role => 'user' }, 'is in the log, without the password');
is(($k->kedge('user', 'password', 'carol@example.com', '--generate'))[0], 0, 'kedge user password');
is(($k->kedge('user', 'delete', 'carol@example.com', '--yes'))[0], 0, 'kedge user delete');
is_deeply([ map { $_->{action} } events('auth', "objectId=$e->{objectId}") ],
	[qw(user.delete user.password user.create)], 'are in the log');
is(($k->kedge('user', 'ban', 'nobody@example.com'))[0], 1, 'an act that fails');
is(scalar(events('auth', 'action=user.ban')), 1, 'has no row');
$alice = $k->again($alice);

# ---- wallet, jobs, webhooks -----------------------------------------------------------

my ($account) = map { $_->{id} } @{ $alice->get('/api/wallet/accounts')->{json}{items} };
my $r = $root->post("/api/wallet/accounts/$account/freeze", { reason => 'stolen phone' });
is($r->{status}, 200, 'freeze') or diag($r->{body});
($e) = events('wallet', 'action=account.freeze');
is_deeply([ @$e{qw(actor actorKind objectId address requestId)} ],
	[ $root->{id}, 'user', $account, '127.0.0.1', $r->{headers}{'x-request-id'} ], 'who, from where, and in which request');
is_deeply([ $e->{before}, $e->{after} ],
	[ { status => 'open', reason => undef }, { status => 'frozen', reason => 'stolen phone' } ], 'before and after');
is($root->post("/api/wallet/accounts/$account/unfreeze", {})->{status}, 200, 'unfreeze');
my @deposit = ('/api/wallet/deposits', { accountId => $account, amount => 500, provider => 'bank', reference => 'r1' });
my $deposit = $root->post(@deposit)->{json}{id};
($e) = events('wallet', 'action=transfer.deposit');
is($e->{objectId}, $deposit, 'deposit');
is_deeply([ @{ $e->{after} }{qw(creditAccountId amount provider reference)} ], [ $account, '500', 'bank', 'r1' ], 'with what it moved');
$root->post(@deposit);
is(scalar(events('wallet', 'action=transfer.deposit')), 1, 'a repetition does nothing, and has no row');
is($root->post("/api/wallet/transfers/$deposit/reverse", { amount => 100, reason => 'too much' },
		headers => { 'Idempotency-Key' => 'rev' })->{status}, 200, 'reverse');
($e) = events('wallet', 'action=transfer.reverse');
is($e->{after}{reason}, 'too much', 'is in the log');
is($root->post('/api/wallet/currencies', { code => 'GLD', exponent => 3, reason => 'points' })->{status}, 201, 'a currency');
is((events('wallet', 'objectId=GLD'))[0]{action}, 'currency.add', 'is in the log');
is($alice->post("/api/wallet/accounts/$account/freeze", {})->{status}, 403, 'a refused request');
is(scalar(events('wallet', "actor=$alice->{id}")), 0, 'has no row');

is($root->post('/api/wallet/webhooks', { url => 'https://user:pass@example.com/in', kinds => ['*'] })->{status}, 400,
	'an address with a password is refused');
my $hook = $root->post('/api/wallet/webhooks', { url => 'https://example.com/in?token=t0ken', kinds => ['*'] });
my $id = $hook->{json}{id};
is($root->post("/api/wallet/webhooks/$id/rotate", {})->{status}, 200, 'rotate a webhook');
is($root->del("/api/wallet/webhooks/$id")->{status}, 204, 'delete it');
my @of = events('wallet', "objectId=$id");
is_deeply([ map { $_->{action} } @of ], [qw(webhook.delete webhook.rotate-secret webhook.create)], 'webhooks');
is($of[0]{after}, undef, 'nothing is there afterwards');
unlike(jencode(\@of), qr/whsec_|t0ken|pass/, 'without secrets');
my $job = $root->post('/api/core/jobs', { kind => $root->get('/api/core/jobs/schedules')->{json}{items}[0]{kind} });
is($job->{status}, 201, 'enqueue a job') or diag($job->{body});
wait_until(sub { $root->get("/api/core/jobs/$job->{json}{id}")->{json}{state} eq 'completed' }, 20);
is($root->post("/api/core/jobs/$job->{json}{id}/retry", {})->{status}, 200, 'run it again');
is(($k->kedge('jobs', 'core', 'pause', 'default'))[0], 0, 'pause a queue');
is(($k->kedge('jobs', 'core', 'resume', 'default'))[0], 0, 'resume it');
is_deeply([ map {"$_->{actor} $_->{action}"} events('core') ],
	[ "$me queue.resume", "$me queue.pause", "$root->{id} job.retry", "$root->{id} job.enqueue" ], 'jobs are in the log');

# ---- reading --------------------------------------------------------------------------

my @all = events('wallet');
my (@seen, $cursor);
do {
	my $page = $root->get('/api/wallet/audit?limit=2' . ($cursor ? "&cursor=$cursor" : ''))->{json};
	push @seen, map { $_->{id} } @{ $page->{items} };
	$cursor = $page->{nextCursor};
} while (defined $cursor && @seen < 100);
is_deeply(\@seen, [ map { $_->{id} } @all ], 'pages');
my ($now) = $all[3]{at};
is_deeply([ map { $_->{id} } events('wallet', "to=$now") ], [ map { $_->{id} } @all[ 4 .. $#all ] ], 'up to a time');
is_deeply([ map { $_->{id} } events('wallet', "from=$now") ], [ map { $_->{id} } @all[ 0 .. 3 ] ], 'from a time');
is($root->get("/api/wallet/audit?$_")->{status}, 400, "?$_ is refused") for 'limit=0', 'cursor=x', 'from=x', 'to=0000-01-01T00:00:00Z';
$r = $root->get('/api/wallet/audit/export?action=account.freeze');
like($r->{headers}{'content-type'}, qr{^text/csv}, 'CSV');
my @lines = split /\r\n/, $r->{body};
like($lines[0], qr/^seq,id,at,actor,/, 'with a head');
is(scalar @lines, 2, 'and the rows of the filter');
like($lines[1], qr/"account\.freeze","account","$account","127\.0\.0\.1"/, 'which are quoted');
is($alice->get('/api/wallet/audit')->{status}, 403, 'a user does not read it');
is($alice->get('/api/wallet/audit/export')->{status}, 403, 'nor as CSV');

# ---- the chain, by itself ------------------------------------------------------------------

# The maintenance of the jobs makes it, and writes its end to the log.  (So does each
# "kedge audit"; none has run yet.)
ok(wait_until(sub { $k->log_text('wallet') =~ /"msg":"audit chain extended","seq":\d+,"sha256":"[0-9a-f]{64}"/ }, 60),
	'the end of the chain is in the log');

# ---- only appended ----------------------------------------------------------------------

for my $sql ('UPDATE audit_event SET actor = actor', 'DELETE FROM audit_event', 'TRUNCATE audit_event',
	'UPDATE audit_link SET seq = seq', 'DELETE FROM audit_link', 'INSERT INTO audit_link SELECT * FROM audit_link',
	"INSERT INTO audit_event (id, actor, actor_kind, action, object_kind, object_id)
		VALUES (uuidv7(), 'x', 'user', 'a.b', 'c', 'd')",
	"INSERT INTO audit_event (at, actor, actor_kind, action, object_kind, object_id)
		VALUES (now(), 'x', 'user', 'a.b', 'c', 'd')",
	"SELECT audit_forget(now(), 'x')", 'DELETE FROM audit_unlinked')
{
	($s, $out, $err) = $k->sql_as_app('wallet', $sql);
	isnt($s, 0, "the service's role may not: $sql");
	like($err, qr/permission denied/, 'because it has no right to');
}
for my $sql ('UPDATE audit_event SET actor = actor', 'DELETE FROM audit_event', 'TRUNCATE audit_event', 'DELETE FROM audit_link',
	'UPDATE audit_link SET seq = seq', 'TRUNCATE audit_link')
{
	($s, $out, $err) = $k->try_sql('wallet', $sql);
	isnt($s, 0, "the owner neither: $sql");
	like($err, qr/append-only/, 'a trigger refuses it');
}

# ---- the chain ----------------------------------------------------------------------------

($s, $out, $err) = audit('verify');
is($s, 0, 'the chains are intact') or diag($err);
my $n = $k->sql('wallet', 'SELECT count(*) FROM audit_event') + 0;
like($out, qr/^wallet: intact: $n events, $n links$/m, 'of all events');
# Many acts at once do not wait for each other, and all get a link.
my @racers = map { $k->user("racer$_") } 1 .. 4;
my @accounts = map { $_->get('/api/wallet/accounts')->{json}{items}[0]{id} } @racers;
my @status = map { @$_ } parallel(4, sub {
	my ($i) = @_;
	return [ map { $root->copy->post("/api/wallet/accounts/$accounts[$i]/" . ($_ % 2 ? 'freeze' : 'unfreeze'), {})->{status} } 1 .. 5 ];
});
is_deeply([ grep { $_ != 200 } @status ], [], 'many acts at once');
($s, $out, $err) = audit('anchor', 'wallet', '--to', "$place/anchors");
is($s, 0, 'an anchor') or diag($err);
my $anchor = jdecode(slurp("$place/anchors"));
is($anchor->{seq}, $n + 20, 'which names the last link');
($s, $out, $err) = audit('verify', 'wallet', '--anchors', "$place/anchors");
is($s, 0, 'the chain has the anchor') or diag($err);
like($out, qr/, 1 anchors$/m, 'which was compared');
($s, $out, $err) = audit('verify', 'wallet', '--anchors', (glob "$k->{dir}/log/wallet*.log")[0]);
is($s, 0, 'the log of the service has anchors, too') or diag($err);

# An attacker who may do everything in the database. Each attempt has its own copy of it.
my $off = 'SET session_replication_role = replica';
my $rehash = "DO \$\$ DECLARE l record; h bytea := ''; BEGIN FOR l IN SELECT * FROM audit_link ORDER BY seq LOOP
	h := sha256(h || int8send(l.seq) || l.event_sha256);
	UPDATE audit_link SET sha256 = h WHERE seq = l.seq; END LOOP; END \$\$";
my $of = sub { "(SELECT event_id FROM audit_link WHERE seq = $_[0])" };
for my $row (
	[ 'a changed event', qr/event 3 \(\S+\) was changed/, "UPDATE audit_event SET actor = 'somebody' WHERE id = " . $of->(3) ],
	[ 'a changed time', qr/event 3 \(\S+\) was changed/, "UPDATE audit_event SET at = at + interval '1 second' WHERE id = " . $of->(3) ],
	[ 'a changed object', qr/event 3 \(\S+\) was changed/, "UPDATE audit_event SET after = '{}' WHERE id = " . $of->(3) ],
	[ 'values that moved between columns', qr/event 1 \(\S+\) was changed/,
		"UPDATE audit_event SET object_kind = object_id, object_id = object_kind WHERE id = " . $of->(1) ],
	[ 'a removed event', qr/1 events were removed, the first has the number 4/, 'DELETE FROM audit_event WHERE id = ' . $of->(4) ],
	[ 'a removed event with its link', qr/link 4 was removed/,
		'DELETE FROM audit_event WHERE id = ' . $of->(4), 'DELETE FROM audit_link WHERE seq = 4' ],
	[ 'the first one', qr/link 1 was removed/, 'DELETE FROM audit_event WHERE id = ' . $of->(1), 'DELETE FROM audit_link WHERE seq = 1' ],
	[ 'a removed link', qr/event \S+ has no link/, 'DELETE FROM audit_link WHERE seq = ' . ($n + 20) ],
	[ 'two links that changed places', qr/link 2 was changed, inserted or reordered/,
		'UPDATE audit_link SET seq = seq + 1000 WHERE seq IN (2, 3)', 'UPDATE audit_link SET seq = 1005 - seq WHERE seq > 1000' ],
	[ 'a link that was inserted', qr/link 2 was changed, inserted or reordered/,
		'UPDATE audit_link SET seq = seq + 1000 WHERE seq >= 2', 'UPDATE audit_link SET seq = seq - 999 WHERE seq > 1000',
		"INSERT INTO audit_event (actor, actor_kind, action, object_kind, object_id) VALUES ('x', 'user', 'a.b', 'c', 'd')",
		q{INSERT INTO audit_link SELECT 2, e.id, sha256(audit_bytes(e)), sha256(audit_bytes(e)) FROM audit_event e WHERE actor = 'x'} ],
	[ 'an event of an earlier time', qr/was inserted later: it is older/,
		"INSERT INTO audit_event (at, actor, actor_kind, action, object_kind, object_id)
			VALUES (now() - interval '1 day', 'x', 'user', 'a.b', 'c', 'd')",
		"INSERT INTO audit_unlinked SELECT id FROM audit_event WHERE actor = 'x'" ],
	[ 'an event that was removed before it had a link', qr/event \S+ was removed before it got a link/,
		'INSERT INTO audit_unlinked VALUES (uuidv7())' ],
	[ 'a truncated end', qr/the end was cut off: an anchor names link/,
		'DELETE FROM audit_event e USING audit_link l WHERE l.event_id = e.id AND l.seq > 5', 'DELETE FROM audit_link WHERE seq > 5' ],
	[ 'a chain that was written again', qr/the chain was written again/,
		"UPDATE audit_event SET actor = 'somebody' WHERE id = " . $of->(3),
		q{UPDATE audit_link l SET event_sha256 = sha256(audit_bytes(e)) FROM audit_event e WHERE e.id = l.event_id}, $rehash ],
	[ 'all of it', qr/the end was cut off/, 'DELETE FROM audit_event', 'DELETE FROM audit_link' ],
    )
{
	my ($name, $like, @sql) = @$row;
	$k->sql('auth', 'CREATE DATABASE tampered TEMPLATE template0');
	Kedge::run(Kedge::tool('sh'), '-c', "pg_dump -h '$k->{dir}/pg' -U kedge wallet | psql -qX -v ON_ERROR_STOP=1 -h '$k->{dir}/pg' -U kedge tampered");
	($s, $out, $err) = $k->try_sql('tampered', join ';', $off, @sql);
	is($s, 0, "$name: done") or diag($err);
	local $ENV{WALLET_MIGRATION_URL} = $k->url_as('kedge', 'tampered');
	($s, $out, $err) = audit('verify', 'wallet', '--anchors', "$place/anchors");
	is($s, 1, "$name: found");
	like($err, $like, "$name: and named");
	$k->sql('auth', 'DROP DATABASE tampered');
}

# ---- retention ------------------------------------------------------------------------------

$k->sql('wallet', "$off; UPDATE audit_event SET at = at - interval '400 days' WHERE id IN (SELECT event_id FROM audit_link WHERE seq <= 3);
	UPDATE audit_link l SET event_sha256 = sha256(audit_bytes(e)) FROM audit_event e WHERE e.id = l.event_id; $rehash");
($s, $out, $err) = audit('forget', 'wallet', '--days', 365);
is($s, 0, 'forget counts first');
like($out, qr/^wallet: 3 events that are older than 365 days would be deleted$/m, 'what it would delete');
($s, $out, $err) = audit('forget', 'wallet', '--days', 365, '--yes');
is($s, 0, 'forget --yes') or diag($err);
($s, $out, $err) = audit('verify', 'wallet');
is($s, 0, 'the chain is intact') or diag($err);
like($out, qr/^wallet: events up to number 3 were deleted by "kedge audit forget"$/m, 'and verify tells it');
($e) = events('wallet', 'action=audit.forget');
is_deeply([ $e->{actor}, $e->{after}{throughSeq}, $e->{after}{events} ], [ $me, 3, 3 ], 'so does an event');
for my $wrong ([], ['show'], [ 'forget', 'wallet' ], [ 'forget', '--days', 0 ], [ 'verify', '--days', 3 ], [ 'verify', '--anchors' ]) {
	($s, $out, $err) = audit(@$wrong);
	is($s, 2, "audit @$wrong: wrong usage");
	isnt($err, '', 'with a message');
}
done_testing;
