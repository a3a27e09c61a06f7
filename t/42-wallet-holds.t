# Holds are created, captured in full or in part, released, and expire.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(parallel wait_until);
use Kedge::Money qw(hold_lock);
use Kedge::Raw qw(raw_http);
use Kedge::Wallet;

my $k = Kedge->up;
my $w = Kedge::Wallet->new($k);
my $base = '/api/wallet';
my $alice = $w->user('alice', 1000);
my $bob = $w->user('bob');
my $carol = $w->user('carol');
my ($from, $to) = ($alice->{account}, $bob->{account});

sub hold
{
	my ($amount, %more) = @_;
	return $w->move($alice, $from, $to, $amount, hold => JSON::PP::true, %more);
}
sub act
{
	my ($who, $id, $verb, $body, %opt) = @_;
	return Kedge::Wallet::post($who, "/transfers/$id/$verb", $body, %opt);
}
sub expect
{
	my ($r, $status, $code, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is("$r->{status} " . ($r->{json}{code} // $r->{json}{status} // ''), "$status $code", $name)
	    or diag($r->{body});
	return;
}

# ---- held, then captured ------------------------------------------------------------

my $r = hold(300, expiresInSeconds => 3600);
expect($r, 201, 'held', 'a hold is answered with 201');
my $t = $r->{json};
my $made = $r->{body};
like($t->{expiresAt}, qr/^\d{4}-/, 'the hold has a time at which it expires');
is($w->state_of($from), '1000/300/700', 'a hold lowers the available amount, not the balance');
is($w->state_of($to), '0/0/0', 'a hold moves no money to the payee');
expect($w->move($alice, $from, $to, 701), 422, 'INSUFFICIENT_FUNDS', 'a transfer of held money is refused');
expect(hold(701), 422, 'INSUFFICIENT_FUNDS', 'a hold of held money is refused');
is(scalar @{ $alice->get("$base/accounts/$from/entries")->{json}{items} }, 1, 'a hold has no entry');

expect(act($alice, $t->{id}, 'capture', {}), 403, 'NOT_THE_PAYEE', 'the payer may not capture the hold');
expect(act($alice, $t->{id}, 'release'), 403, 'NOT_THE_PAYEE', 'the payer may not release the hold');
expect(act($carol, $t->{id}, $_), 404, 'TRANSFER_NOT_FOUND', "a user who takes no part does not see the hold ($_)")
    for qw(capture release);
expect(act($bob, $t->{id}, 'capture', { amount => 301 }), 422, 'CAPTURE_TOO_LARGE', 'a capture of more than the hold is refused');
expect(act($bob, $t->{id}, 'capture', { amount => $_ }), 422, 'AMOUNT_OUT_OF_RANGE', "a capture of $_ is refused")
    for 0, -5;
is(act($bob, $t->{id}, 'capture', { amount => 'x' })->{status}, 400, 'a capture with an invalid amount is refused');
expect($bob->post("$base/transfers/$t->{id}/capture", {}), 400, 'IDEMPOTENCY_KEY_REQUIRED', 'a capture without an idempotency key is refused');
$r = act($bob, $t->{id}, 'capture', { amount => 120 }, key => 'c1');
expect($r, 200, 'captured', 'a part of the hold can be captured');
is_deeply([ @{ $r->{json} }{qw(amount capturedAmount id)} ], [ 300, 120, $t->{id} ], 'a part of the hold is captured');
is($w->state_of($from), '880/0/880', 'the rest of the hold is available again');
is($w->state_of($to), '120/0/120', 'the captured part arrives');
my $again = act($bob, $t->{id}, 'capture', { amount => 120 }, key => 'c1');
is($again->{body}, $r->{body}, 'a repeated capture gets the same answer');
is($again->{headers}{'idempotency-replayed'}, 'true', 'the repeated capture has Idempotency-Replayed');
expect(act($bob, $t->{id}, 'capture', { amount => 119 }, key => 'c1'), 409, 'IDEMPOTENCY_KEY_REUSED',
	'the key of a capture with another amount is refused');
expect(act($bob, $t->{id}, $_, {}), 422, 'HOLD_NOT_OPEN', "a second $_ of a hold is refused") for qw(capture);
expect(act($bob, $t->{id}, 'release'), 422, 'HOLD_NOT_OPEN', 'a captured hold cannot be released');
$again = hold(300, expiresInSeconds => 3600, key => 'other');
is($again->{status}, 201, 'another hold is made');
$r = act($bob, $again->{json}{id}, 'capture', undef);
expect($r, 200, 'captured', 'a capture without a body captures the whole hold');
is($r->{json}{capturedAmount}, 300, 'a capture without an amount captures the whole hold');

# A replayed request gets the first response, whatever has happened to the hold since.
$r = hold(50, key => 'h1');
act($bob, $r->{json}{id}, 'capture', { amount => 1 });
$again = hold(50, key => 'h1');
is($again->{body}, $r->{body}, 'repeating the hold after its capture returns the hold as it was made');
is($alice->get("$base/transfers/$r->{json}{id}")->{json}{status}, 'captured', 'GET returns the hold as captured');

# ---- releasing a hold ---------------------------------------------------------------

my $before = $w->state_of($from);
$r = hold(100);
expect(act($bob, $r->{json}{id}, 'release'), 200, 'released', 'the payee releases the hold');
is($w->state_of($from), $before, 'releasing the hold frees its whole amount');
$again = act($bob, $r->{json}{id}, 'release');
expect($again, 200, 'released', 'a second release succeeds');
is($again->{headers}{'idempotency-replayed'}, 'true', 'a repeated release is answered as a repetition');
expect(act($bob, $r->{json}{id}, 'capture', {}), 422, 'HOLD_NOT_OPEN', 'a released hold cannot be captured');
$r = hold(100);
expect(act($w->{operator}, $r->{json}{id}, 'release'), 200, 'released', 'an operator may release a hold');
my $posted = $w->move($alice, $from, $to, 1)->{json}{id};
expect(act($bob, $posted, $_, {}), 422, 'HOLD_NOT_OPEN', "a transfer that is not a hold has no $_") for qw(capture);
for my $row ([ expiresInSeconds => 0 ], [ expiresInSeconds => -1 ], [ expiresInSeconds => 1e9 ],
	[ expiresInSeconds => '5' ])
{
	is(hold(1, @$row)->{status}, 400, "a hold with $row->[0] $row->[1] is refused");
}

# ---- expired ------------------------------------------------------------------------

$before = $w->state_of($from);
$r = hold(100, expiresInSeconds => 1);
my $id = $r->{json}{id};
$k->sql('wallet', "SELECT pg_sleep(greatest(0, extract(epoch FROM expires_at - clock_timestamp())))
    FROM transfer WHERE id = '$id'");
# A capture is refused whether or not the job has run.
expect(act($bob, $id, 'capture', {}), 422, 'HOLD_EXPIRED', 'an expired hold cannot be captured');
$k->sql('wallet', 'SELECT ledger_expire(100)');
is($alice->get("$base/transfers/$id")->{json}{status}, 'expired', 'the job ends the expired hold');
is($w->state_of($from), $before, 'the expired hold frees its whole amount');
expect(act($bob, $id, $_, {}), 422, 'HOLD_EXPIRED', "a hold that the job has ended has no $_") for qw(capture);
expect(act($bob, $id, 'release'), 422, 'HOLD_EXPIRED', 'a hold that the job has ended cannot be released');

# Holds that cannot be released do not prevent the release of others: a row whose update
# fails (as by a defect), an account that a transaction has locked, and metadata stored
# before metadata were checked.
my $aside = $alice->post("$base/accounts", { name => 'Aside', currency => 'USD' })->{json}{id};
$w->fund($aside, 100);
my %due = (
	'that refuses' => hold(1, memo => 'refuses'),
	'of a locked account' => $w->move($alice, $aside, $to, 1, hold => JSON::PP::true),
	'with a NUL in its metadata' => hold(1, metadata => { a => 'x' }),
	'like any' => hold(1),
);
$_ = $_->{json}{id} for values %due;
my %status = map { $_ => 'expired' } keys %due;
my $statuses = sub { return { map { $_ => $alice->get("$base/transfers/$due{$_}")->{json}{status} } keys %due } };
sub expire_now
{
	my $job = $k->sql('wallet', "SELECT job_id FROM job_enqueue('ledger.expire', '{}', p_max_attempts => 1)");
	wait_until(sub { $k->sql('wallet', "SELECT finished_at IS NOT NULL FROM job WHERE id = '$job'") eq 't' }, 60);
	return $k->sql('wallet', "SELECT state || ' ' || (result->>'failed') FROM job WHERE id = '$job'");
}
$k->sql('wallet', "SELECT job_pause('webhooks', true);
    INSERT INTO webhook_endpoint (url, secret, kinds)
    VALUES ('http://127.0.0.1:9/', 'whsec_' || repeat('A', 43) || '=', '{transfer.released}');
    CREATE FUNCTION test_refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
    AS 'BEGIN RAISE EXCEPTION ''no'' USING ERRCODE = ''XX001''; END';
    CREATE TRIGGER test_refuse BEFORE UPDATE ON transfer FOR EACH ROW WHEN (OLD.memo = 'refuses')
    EXECUTE FUNCTION test_refuse()");
my $unlock = hold_lock($k, "SELECT FROM account WHERE id = '$aside' FOR UPDATE");
$k->sql('wallet', q(SET session_replication_role = replica;
    UPDATE transfer SET metadata = '{"a":"\\u0000"}' WHERE id = ) . "'$due{'with a NUL in its metadata'}';
    UPDATE transfer SET expires_at = now() - interval '1 minute' WHERE id IN ('" . join("', '", values %due) . "')");
is(expire_now(), 'discarded 1', 'the job reports one hold that it could not expire');
is_deeply($statuses->(), { %status, 'that refuses' => 'held', 'of a locked account' => 'held' },
	'the other expired holds are released');
like($k->log_text('wallet'), qr/"msg":"cannot expire hold".*"transfer":"$due{'that refuses'}"/, 'the log names the hold that could not be expired');
is($k->sql('wallet', "SELECT payload->'data'->>'settledAt' IS NOT NULL, payload->'data'->'metadata' FROM job
    WHERE kind = 'webhook.deliver' AND payload->'data'->>'id' = '$due{'with a NUL in its metadata'}'"), 't|null',
	'the event of the expiry leaves out metadata that contain a NUL');
$unlock->();
$k->sql('wallet', 'DROP TRIGGER test_refuse ON transfer');
is(expire_now(), 'completed 0', 'the job expires all holds when nothing prevents it');
is_deeply($statuses->(), \%status, 'all expired holds are released');
# Metadata with a NUL or half a surrogate pair are refused by every function.
for my $text ('{"a":"\\u0000"}', '{"a":"\\ud800"}', '{"\\udc00":1}', '{"a":["\\udc00\\ud800"]}') {
	my $transfer = qq({"debitAccountId":"$from","creditAccountId":"$to","amount":1,"metadata":$text});
	for my $row ([ transfers => $transfer ], [ 'transfers/batch' => qq({"transfers":[$transfer]}) ]) {
		is($alice->request('POST', "$base/$row->[0]", body => $row->[1], headers => {
			'Content-Type' => 'application/json', 'Idempotency-Key' => Kedge::Wallet::key() })->{status}, 400,
			"$row->[0] with the body $text is refused");
	}
	my ($status, undef, $err) = $k->sql_as_app('wallet', "\\set VERBOSITY verbose
	    SELECT ledger_transfer('$alice->{id}', false, '" . Kedge::Wallet::key() . "', 'x', '$from', '$to', 1, NULL, '$text', NULL)");
	like($err, qr/ERROR:  22P0[25]/, "the SQL functions refuse the metadata $text");
}

# ---- one job is enough ------------------------------------------------------------------

# While its queue is paused, a schedule leaves one waiting job, not many.
$k->sql('wallet', "SELECT job_pause('default', true)");
my @names = split /\n/, $k->sql('wallet', 'SELECT name FROM job_schedule ORDER BY name');
for my $name (@names) {
	for my $time (1, 2) {
		$k->sql('wallet', "UPDATE job_schedule SET next_at = now() WHERE name = '$name'");
		ok(wait_until(sub { $k->sql('wallet', "SELECT next_at > now() FROM job_schedule WHERE name = '$name'") eq 't' }, 60),
			"the schedule $name fires");
	}
	is($k->sql('wallet', "SELECT count(*) FROM job WHERE state = 'available' AND tags @> ARRAY['schedule:$name']"), 1,
		"$name: one job of the schedule waits");
}
$k->sql('wallet', "SELECT job_pause('default', false)");

# ---- what is not read is not dropped --------------------------------------------------

# A body without a media type, as curl -H 'Content-Type:' sends it: if it were ignored,
# a capture without an amount would capture everything.
sub raw_act
{
	my ($id, $verb, $body, %opt) = @_;
	my $who = $verb eq 'reverse' ? $w->{operator} : $bob;
	my $key = Kedge::Wallet::key();
	my $head = "POST $base/transfers/$id/$verb HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
	    . 'Cookie: ' . $who->cookie_header . "\r\nOrigin: " . $k->base . "\r\n"
	    . join('', map {"$_\r\n"} @{ $opt{lines} // ["Idempotency-Key: $key"] });
	$head .= "Content-Type: $opt{type}\r\n" if defined $opt{type};
	return raw_http($k->port, $opt{chunked}
	    ? $head . sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", length $body, $body)
	    : $head . sprintf("Content-Length: %d\r\n\r\n%s", length $body, $body));
}

my $kept = hold(100)->{json}{id};
my $done = $w->move($alice, $from, $to, 100)->{json}{id};
my $state = $w->state_of($from);
for my $chunked (0, 1) {
	for my $row ([ 'no type', undef, '{"amount":30}', 415, 'UNSUPPORTED_MEDIA_TYPE' ],
		[ 'no type, no JSON', undef, 'not json', 415, 'UNSUPPORTED_MEDIA_TYPE' ],
		[ 'an empty type', '', '{"amount":30}', 415, 'UNSUPPORTED_MEDIA_TYPE' ],
		[ 'another type', 'text/plain', '{"amount":30}', 415, 'UNSUPPORTED_MEDIA_TYPE' ],
		[ 'two types', "application/json\r\nContent-Type: text/plain", '{"amount":30}',
			qr/40[03]|415/, qr/\w+/ ],
		[ 'a coding', "application/json\r\nContent-Encoding: gzip", '{"amount":30}', 415,
			'UNSUPPORTED_MEDIA_TYPE' ])
	{
		my ($name, $type, $body, $status, $code) = @$row;
		$name .= ', chunked' if $chunked;
		for my $act ([ $kept, 'capture' ], [ $kept, 'release' ], [ $done, 'reverse' ]) {
			my $answer = raw_act(@$act, $body, type => $type, chunked => $chunked);
			like($answer->{status}, qr/^$status$/, "$act->[1] with $name is refused");
			like($answer->{body}, qr/"code":"$code"/, "$act->[1] with $name: the error has the code");
		}
	}
	my $answer = raw_act($kept, 'release', '{"amount":30}', type => 'application/json', chunked => $chunked);
	like("$answer->{status} $answer->{body}", qr/^400 .*"field":"amount"/, 'release with an amount is refused');
}
is($w->state_of($from), $state, 'the refused operations moved no money');
expect($bob->get("$base/transfers/$kept"), 200, 'held', 'the hold is still open after the refused requests');

# Headers that change the meaning of a request are refused if they occur twice or are
# not understood.
for my $lines ([ 'Idempotency-Key: a', 'Idempotency-Key: b' ], [ 'Idempotency-Key: a', 'Idempotency-Key: a' ],
	['Idempotency-Key: a, b'], ['Idempotency_Key: a'], [ 'Idempotency-Key: if', 'If-Match: "1"' ])
{
	# verify refuses a header that occurs twice; older versions of nginx do not join
	# it.
	like(raw_act($kept, 'capture', '{"amount":30}', type => 'application/json', lines => $lines)->{status},
		qr/^40[03]$/, join ' and ', @$lines);
}
is($w->state_of($from), $state, 'the refused captures moved no money');

# 100.0 and 1e2 are integers.  A number that is an integer only after rounding is not.
for my $amount ('100.00000000000000001', '1.5', '1e-1', '"100"', '1e400', '10000000000000000.0') {
	my $answer = raw_act($kept, 'capture', qq({"amount":$amount}), type => 'application/json');
	like($answer->{status}, qr/^4(00|22)$/, "a capture of $amount is refused");
}
my $answer = raw_act($kept, 'capture', '{"amount":10.0}', type => 'application/json');
like($answer->{body}, qr/"capturedAmount":10,/, 'a capture of 10.0 captures 10');
$answer = raw_act($done, 'reverse', '{"amount":1e1}', type => 'application/json', chunked => 1);
is($answer->{status}, 200, 'a reversal of 1e1 in a chunked body is accepted') or diag($answer->{body});

# ---- one of many --------------------------------------------------------------------

# Captures, releases and the expiry of one hold at the same moment: exactly one
# succeeds.
for my $round (1 .. 5) {
	my $before = $w->account($from)->{balance};
	my $id = hold(10)->{json}{id};
	my @won = grep { $_->{status} == 200 && !$_->{headers}{'idempotency-replayed'} } parallel(8, sub {
		my ($i) = @_;
		my $who = $bob->copy;
		return $i % 2 ? act($who, $id, 'release') : act($who, $id, 'capture', { amount => $i + 1 });
	});
	is(scalar @won, 1, 'of eight operations at once one settles the hold') or diag(explain(\@won));
	my $moved = $won[0]{json}{capturedAmount} // 0;
	is($w->state_of($from), join('/', $before - $moved, 0, $before - $moved), 'the balance follows from the operation that succeeded');
}
$w->check;
done_testing;
