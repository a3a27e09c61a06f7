# Webhooks: who may register endpoints, what is sent to them and when, and how
# slow, failing and hostile receivers are handled.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(hmac_sha256_base64);
use MIME::Base64 qw(decode_base64);
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(free_port jdecode jencode slurp files wait_until);
use Kedge::Receiver;

my $k = Kedge->up(env => { CORE_WEBHOOK_ALLOW_PRIVATE => 'on' });
my $receiver = Kedge::Receiver->new;
my $root = $k->user('root');
$k->role($root, 'admin');
my $alice = $k->user('alice');
my $hooks = '/api/core/webhooks';
my $nobody = '01890000-0000-7000-8000-000000000001';
my @secrets;

sub register
{
	my ($url, @kinds) = @_;
	my $r = $root->post($hooks, { url => $url, kinds => [ @kinds ? @kinds : '*' ] });
	die "register: $r->{status} $r->{body}" unless $r->{status} == 201;
	push @secrets, $r->{json}{secret};
	return $r->{json};
}

sub hook { return $root->get("$hooks/$_[0]")->{json} }
sub remove
{
	$root->del("$hooks/$_") for @_;
	return;
}
sub job { return $root->get("/api/core/jobs/$_[0]")->{json} }

sub queue
{
	my ($name) = @_;
	my ($q) = grep { $_->{name} eq $name } @{ $root->get('/api/core/jobs/queues')->{json}{items} };
	return $q;
}

sub emit { return $k->sql('core', "SELECT webhook_emit('$_[0]', '" . jencode($_[1]) . "')") }

sub emit_many
{
	my ($n) = @_;
	return $k->sql('core',
		"SELECT webhook_emit('x', jsonb_build_object('n', n)) FROM generate_series(1, $n) n");
}

sub deliveries
{
	my ($id, $query) = @_;
	return @{ $root->get("$hooks/$id/deliveries" . ($query // ''))->{json}{items} };
}

# Waits until the only delivery of an endpoint is in that state, and returns it.
sub delivery
{
	my ($id, $state) = @_;
	my $found = wait_until { my ($d) = deliveries($id); $d && $d->{state} eq $state } 20;
	my ($d) = deliveries($id);
	diag('the delivery is ' . ($d ? $d->{state} : 'not there')) unless $found;
	return $d ? job($d->{id}) : undef;
}

sub signed
{
	my ($request, $secret) = @_;
	my %h = %{ $request->{headers} };
	my ($key) = $secret =~ /^whsec_(.+)$/;
	my $mac = hmac_sha256_base64("$h{'webhook-id'}.$h{'webhook-timestamp'}.$request->{body}",
		decode_base64($key));
	return grep { $_ eq "v1,$mac=" } split / /, $h{'webhook-signature'};
}

# ---- only admins may use the routes ---------------------------------------------------------

for my $row (
	[ GET => $hooks ], [ POST => $hooks ], [ GET => "$hooks/$nobody" ], [ PATCH => "$hooks/$nobody" ],
	[ DELETE => "$hooks/$nobody" ], [ GET => "$hooks/$nobody/deliveries" ],
	map { [ POST => "$hooks/$nobody/$_" ] } qw(enable disable rotate test)
) {
	my ($method, $path) = @$row;
	my @body = $path eq $hooks && $method eq 'POST' || $method eq 'PATCH'
	    ? (json => { url => 'https://example.com/', kinds => ['*'] }) : ();
	is($alice->request($method, $path, @body)->{status}, 403, "$method $path: a user gets 403");
	is($k->client->request($method, $path, @body)->{status}, 401, "$method $path: without a session 401");
	is($root->request($method, $path, @body)->{status}, 404, "$method $path: an unknown endpoint is 404")
	    unless $path eq $hooks;
}

# ---- registering -------------------------------------------------------------------------------

my $url = $receiver->url('/ok/first');
my $r = $root->post($hooks, { url => $url, kinds => [ 'order.made', 'order.paid' ], description => 'ours' });
is($r->{status}, 201, 'POST /webhooks registers an endpoint');
my $first = $r->{json};
push @secrets, $first->{secret};
like($first->{secret}, qr{^whsec_[A-Za-z0-9+/]{43}=$}, 'the response has the secret');
is($r->{headers}{location}, "$hooks/$first->{id}", 'the Location header has its path');
is(hook($first->{id})->{url}, $url, 'the endpoint can be read');
is_deeply(hook($first->{id})->{kinds}, [ 'order.made', 'order.paid' ], 'the endpoint has its event types');
ok(!exists hook($first->{id})->{secret}, 'reading the endpoint does not show the secret');
unlike($root->get($hooks)->{body}, qr/whsec_/, 'the list does not show the secret');
my @bad = (
	[ 'no URL', { kinds => ['*'] }, 'url' ], [ 'no events', { url => $url }, 'kinds' ],
	[ 'an empty list', { url => $url, kinds => [] }, 'kinds' ],
	[ 'an event that is none', { url => $url, kinds => ['Order Made'] }, 'kinds' ],
	[ 'a number of events', { url => $url, kinds => [1] }, 'kinds' ],
	[ '51 events', { url => $url, kinds => [ map { "a$_" } 1 .. 51 ] }, 'kinds' ],
	[ 'another scheme', { url => 'ftp://example.com/', kinds => ['*'] }, 'url' ],
	[ 'a file', { url => 'file:///etc/passwd', kinds => ['*'] }, 'url' ],
	[ 'a password', { url => 'http://u:p@example.com/', kinds => ['*'] }, 'url' ],
	[ 'a line break', { url => "http://example.com/\r\nX: y", kinds => ['*'] }, 'url' ],
	[ 'a long URL', { url => 'http://example.com/' . 'x' x 2000, kinds => ['*'] }, 'url' ],
	[ 'a short secret', { url => $url, kinds => ['*'], secret => 'whsec_QUJD' }, 'secret' ],
	[ 'what nobody knows', { url => $url, kinds => ['*'], enabled => \1 }, 'enabled' ],
);
for my $row (@bad) {
	my ($name, $body, $field) = @$row;
	$r = $root->post($hooks, $body);
	is($r->{status}, 400, "an endpoint with $name is refused");
	is($r->{json}{fields}[0]{field}, $field, 'the error names the field') or diag($r->{body});
}
is($root->patch("$hooks/$first->{id}", { url => 'ftp://x/' })->{status}, 400, 'an endpoint cannot be changed to a refused URL');
is($root->patch("$hooks/$first->{id}", { description => 'theirs' })->{json}{description}, 'theirs', 'the description of an endpoint is changed');

# ---- deliveries ------------------------------------------------------------------------------------

my $all = register($receiver->url('/ok/all'));
my $other = register($receiver->url('/ok/other'), 'user.left');
is(emit('order.made', { amount => 5, memo => "caf\x{e9}" }), 2, 'the event has a delivery for two of three endpoints');
my ($a) = $receiver->wait_for('/ok/first', 1);
my ($b) = $receiver->wait_for('/ok/all', 1);
ok($a && $b, 'both endpoints get the event');
is($a->{method}, 'POST', 'the event is sent by POST');
is($a->{headers}{'content-type'}, 'application/json', 'the body is JSON');
my $body = jdecode($a->{body});
is($body->{type}, 'order.made', 'the body has the event type');
is_deeply($body->{data}, { amount => 5, memo => "caf\x{e9}" }, 'the body has the data');
is($a->{headers}{'webhook-id'}, $b->{headers}{'webhook-id'}, 'both deliveries have the same webhook-id');
cmp_ok(abs($a->{headers}{'webhook-timestamp'} - time), '<', 60, 'webhook-timestamp is the time of the attempt');
ok(signed($a, $first->{secret}), 'the signature uses the secret of the endpoint');
ok(!exists $a->{headers}{traceparent}, 'there is no traceparent without a trace');
ok(!signed($a, $all->{secret}), 'the signature does not use the secret of the other endpoint');
my $job = delivery($first->{id}, 'completed');
is($job->{kind}, 'webhook.deliver', 'the delivery job is completed');
is($job->{result}{status}, 204, 'the job has the status of the response');
is(emit('nobody.cares', {}), 1, 'an event that one endpoint wants has one delivery');
$k->sql('core', q{BEGIN; SELECT webhook_emit('order.made', '{"never": true}'); ROLLBACK});
emit('order.made', { after => 1 });
is(scalar(my @three = $receiver->wait_for('/ok/all', 3)), 3, 'the events that were committed are sent');
ok(!(grep { $_->{body} =~ /never/ } $receiver->requests), 'an event that was rolled back is not sent');
is(scalar $receiver->requests('/ok/other'), 0, 'no endpoint gets an event type that it does not want');
is($root->post("/api/core/jobs/$job->{id}/retry")->{status}, 200, 'a completed delivery can be retried');
ok(wait_until(sub { 3 == grep { $_->{path} eq '/ok/first' } $receiver->requests }), 'the retried delivery is sent');
my @replayed = grep { $_->{headers}{'webhook-id'} eq $a->{headers}{'webhook-id'} } $receiver->requests('/ok/first');
is(scalar @replayed, 2, 'the retried delivery has the same webhook-id');
is($replayed[1]{body}, $replayed[0]{body}, 'the retried delivery has the same body');

$r = $root->post("$hooks/$other->{id}/test");
is($r->{status}, 202, 'POST test enqueues a test event');
my ($test) = $receiver->wait_for('/ok/other', 1);
is(jdecode($test->{body})->{type}, 'webhook.test', 'the test event is sent to its endpoint');
is((deliveries($other->{id}))[0]{id}, $r->{json}{jobId}, 'the test event is among the deliveries');
is($root->del("$hooks/$_->{id}")->{status}, 204, 'the endpoint is deleted') for $all, $other;
is(emit('user.left', {}), 0, 'no endpoint is left');

my $trace = '4bf92f3577b34da6a3ce929d0e0e4736';
my $traced = register($receiver->url('/ok/traced'), 'traced');
$k->sql('core', "SELECT webhook_emit('traced', '{}', '$_', 'request-1')") for $trace, "$trace\nX: y";
my @traced = $receiver->wait_for('/ok/traced', 2);
is_deeply([ sort map { ($_->{headers}{traceparent} // 'none') =~ s/-[0-9a-f]{16}-01$/-parent/r } @traced ],
	[ "00-$trace-parent", 'none' ], 'a valid trace id is passed on');
is(job((deliveries($traced->{id}))[1]{id})->{traceId}, $trace, 'traceparent has the trace id of the job');
is($root->del("$hooks/$traced->{id}")->{status}, 204, 'the traced endpoint is deleted');

# ---- delivery jobs that webhook_emit() did not make ---------------------------------------------------

my $unsure = register($receiver->url('/ok/unsure'));
my %made = (endpointId => $unsure->{id}, eventId => 'evt_1', type => 'x', timestamp => 'now', data => {});
my @odd = ({}, [], 5, map { { %made, %$_ } } { eventId => undef }, { eventId => 7 }, { type => [] },
	{ endpointId => 'no uuid' }, { endpointId => {} }, { timestamp => undef }, { eventId => "a\r\nb: c" });
my @odd_ids = map { $k->sql('core', "SELECT job_id FROM job_enqueue('webhook.deliver', '"
	. jencode($_) . "', p_max_attempts => 1, p_queue => 'webhooks')") } @odd;
$k->sql('core', 'NOTIFY job');
for my $i (0 .. $#odd) {
	ok(wait_until(sub { job($odd_ids[$i])->{state} eq 'discarded' }), 'discarded: ' . jencode($odd[$i]));
	unlike(job($odd_ids[$i])->{lastError} // '', qr/died/, 'the worker goes on running');
}
is(scalar $receiver->requests('/ok/unsure'), 0, 'an endpoint whose secret cannot be used gets no delivery');
# The last attempt of a delivery has failed, which has disabled the endpoint.
$root->post("$hooks/$unsure->{id}/enable");
$k->sql('core', "UPDATE webhook_endpoint SET secret = 'whsec_" . '=' x 40 . "' WHERE id = '$unsure->{id}'");
emit('x', {});
like(delivery($unsure->{id}, 'retryable')->{lastError}, qr/secret cannot sign/, 'nothing is sent without a signature');
is($root->del("$hooks/$unsure->{id}")->{status}, 204, 'the endpoint whose secret cannot be used is deleted');

# ---- secrets that change ---------------------------------------------------------------------------------

my $rotated = $root->post("$hooks/$first->{id}/rotate")->{json};
push @secrets, $rotated->{secret};
isnt($rotated->{secret}, $first->{secret}, 'rotate returns a new secret');
ok(defined $rotated->{oldSecretUntil}, 'the old secret stays valid for a while');
emit('order.paid', {});
my $last = ($receiver->wait_for('/ok/first', 4))[3];
ok(signed($last, $rotated->{secret}), 'the new secret signs');
ok(signed($last, $first->{secret}), 'the delivery is also signed with the old secret');
$k->sql('core', q{UPDATE webhook_endpoint SET old_secret_until = now() WHERE old_secret IS NOT NULL});
emit('order.paid', {});
$last = ($receiver->wait_for('/ok/first', 5))[4];
ok(signed($last, $rotated->{secret}), 'later the new secret signs');
ok(!signed($last, $first->{secret}), 'later the old secret does not sign');
$root->del("$hooks/$first->{id}");

# ---- receivers that fail -------------------------------------------------------------------------------------

$receiver->script(500, 503, 429, 200);
my $flaky = register($receiver->url('/script/flaky'));
emit('x', {});
$job = delivery($flaky->{id}, 'retryable');
like($job->{lastError}, qr/^HTTP 500: it is 500 /, 'the error has the status and the beginning of the body');
unlike($job->{lastError}, qr/\e/, 'the error has no control characters');
is(hook($flaky->{id})->{failures}, 1, 'the failure is counted');
ok(wait_until(sub { job($job->{id})->{attempt} == 2 }, 15), 'the delivery waits for a retry');
is(scalar(my @two = $receiver->wait_for('/script/flaky', 2)), 2, 'the retry is due some seconds later');
for my $n (3, 4) {
	wait_until { job($job->{id})->{state} eq 'retryable' };
	$root->post("/api/core/jobs/$job->{id}/retry");
	$receiver->wait_for('/script/flaky', $n);
}
$job = delivery($flaky->{id}, 'completed');
is_deeply([ map { $_->{outcome} } @{ $job->{attempts} } ], [qw(failed failed failed completed)],
	'the history has each attempt');
my @ids = map { $_->{headers}{'webhook-id'} } $receiver->requests('/script/flaky');
is(scalar(grep { $_ eq $ids[0] } @ids), 4, 'all attempts have the same webhook-id');
ok(wait_until(sub { hook($flaky->{id})->{failures} == 0 }), 'a success resets the failures');
$root->del("$hooks/$flaky->{id}");

# Rows: a receiver's Retry-After, and the least and most seconds until the next attempt.
for my $row (
	[ '503/120', 1, 110, 120 ], [ '429/99999999', 1, 21590, 21600 ], [ '429/10', 300, 260, 330 ],
	[ '503/soon', 1, 0, 2 ], [ '503/-9', 1, 0, 2 ], [ '503/Fri, 31 Dec 1999 23:59:59 GMT', 1, 0, 2 ],
	[ '500/120', 1, 0, 2 ]
) {
	my ($answer, $backoff_s, $min_s, $max_s) = @$row;
	$receiver->script($answer =~ s/ /%20/gr);
	my $busy = register($receiver->url('/script/busy'));
	$k->sql('core', <<~"E");
		BEGIN; SELECT webhook_emit('x', '{}');
		UPDATE job SET backoff = 'constant', backoff_base_s = $backoff_s WHERE tags[1] = 'endpoint:$busy->{id}';
		COMMIT
		E
	$job = delivery($busy->{id}, 'retryable');
	my $in_s = $k->sql('core', "SELECT extract(epoch FROM run_at - now()) FROM job WHERE id = '$job->{id}'");
	cmp_ok($in_s, '>=', $min_s - 10, "$answer: the next attempt is not too early");
	cmp_ok($in_s, '<=', $max_s, "$answer: the next attempt is not too late");
	is(defined hook($busy->{id})->{notBefore}, $answer =~ m{^(?:503|429)/\d} ? 1 : '',
		'Retry-After pauses the whole endpoint');
	remove($busy->{id});
	$k->sql('core', "SELECT job_cancel('$job->{id}')");
}

my $gone = register($receiver->url('/gone/x'));
emit('x', {});
$job = delivery($gone->{id}, 'discarded');
is($job->{attempt}, 1, 'a delivery answered with 410 is discarded');
ok(wait_until(sub { !hook($gone->{id})->{enabled} }), 'an endpoint that answers 410 is disabled');
like(hook($gone->{id})->{disabledReason}, qr/410/, 'the reason is stored');
is(emit('x', {}), 0, 'a disabled endpoint gets no event');
is($root->post("$hooks/$gone->{id}/test")->{status}, 409, 'a disabled endpoint cannot be tested');
is($root->post("$hooks/$gone->{id}/enable")->{json}{enabled}, JSON::PP::true, 'an enabled endpoint can be tested');
$root->del("$hooks/$gone->{id}");

my $moved = register($receiver->url('/redirect/x'));
emit('x', {});
$job = delivery($moved->{id}, 'retryable');
like($job->{lastError}, qr/^HTTP 302: redirects are not followed/, 'a redirect is a failure');
is(scalar $receiver->requests('/ok/moved'), 0, 'a redirect is not followed');
is($root->post("$hooks/$moved->{id}/disable")->{json}{disabledReason}, 'by hand', 'an administrator disables the endpoint');
$root->post("/api/core/jobs/$job->{id}/retry");
$job = delivery($moved->{id}, 'discarded');
is($job->{lastError}, 'the endpoint is disabled', 'a waiting delivery to a disabled endpoint is discarded');
$root->del("$hooks/$moved->{id}");

my $big = register($receiver->url('/big/x'));
emit('x', {});
$job = delivery($big->{id}, 'completed');
is($job->{result}{status}, 200, 'the body of a 2xx response does not matter');
cmp_ok(length $job->{result}{response}, '<=', 200, 'only the beginning of the body is stored');
$root->del("$hooks/$big->{id}");

my $dead = register('http://127.0.0.1:' . free_port() . '/');
emit('x', {});
$job = delivery($dead->{id}, 'retryable');
like($job->{lastError}, qr/connect/i, 'without a receiver the delivery is tried again');
$root->del("$hooks/$dead->{id}");
$root->post("/api/core/jobs/$job->{id}/retry");
ok(wait_until(sub { job($job->{id})->{state} eq 'discarded' }), 'a delivery to a deleted endpoint is discarded');
is(job($job->{id})->{lastError}, 'the endpoint was deleted', 'the reason is stored');

# ---- endpoints are disabled after long failures---------------------------------------------------------------------

my $failing = register($receiver->url('/500/x'));
$k->sql('core', q{UPDATE webhook_endpoint SET failures = 9, failing_since = now() - interval '73 h'});
emit('x', {});
ok(wait_until(sub { !hook($failing->{id})->{enabled} }), 'an endpoint is disabled after three days of failures');
is(hook($failing->{id})->{disabledReason}, 'it failed for 3 days', 'the reason is stored');
like($k->log_text('core'), qr/webhook endpoint disabled/, 'the log says that the endpoint was disabled');
$root->post("$hooks/$failing->{id}/enable");
my $id = $k->sql('core', "SELECT webhook_send('$failing->{id}', 'evt_x', 'x', '{}', 1, NULL, NULL)");
ok(wait_until(sub { job($id)->{state} eq 'discarded' }), 'a delivery fails in its last attempt');
ok(wait_until(sub { !hook($failing->{id})->{enabled} }), 'a delivery without attempts left disables the endpoint');
$root->post("$hooks/$failing->{id}/enable");
$id = $root->post("$hooks/$failing->{id}/test")->{json}{jobId};
ok(wait_until(sub { job($id)->{state} eq 'discarded' }), 'a test event fails');
ok(hook($failing->{id})->{enabled}, 'a failed test event does not disable the endpoint');
$root->del("$hooks/$failing->{id}");

# ---- pages ------------------------------------------------------------------------------------------------------

my $many = register($receiver->url('/ok/many'));
emit('x', { n => $_ }) for 1 .. 5;
$receiver->wait_for('/ok/many', 5);
$r = $root->get("$hooks/$many->{id}/deliveries?limit=2");
is(scalar @{ $r->{json}{items} }, 2, 'the first page of deliveries');
my $next = $root->get("$hooks/$many->{id}/deliveries?limit=3&cursor=$r->{json}{nextCursor}");
is(scalar @{ $next->{json}{items} }, 3, 'the second page has three deliveries');
is($next->{json}{nextCursor}, undef, 'the last page has no cursor');
is($root->get("$hooks/$many->{id}/deliveries?state=discarded&cursor=$r->{json}{nextCursor}")->{status},
	400, 'a cursor with another filter is refused');
register($receiver->url("/ok/p$_")) for 1 .. 2;
$r = $root->get("$hooks?limit=2");
is(scalar @{ $r->{json}{items} }, 2, 'the first page of endpoints');
is(scalar @{ $root->get("$hooks?cursor=$r->{json}{nextCursor}")->{json}{items} }, 1, 'the second page has one endpoint');
$k->sql('core', 'DELETE FROM webhook_endpoint');

# ---- a receiver that does not answer------------------------------------------------------------------------------------

my $slow = register($receiver->url('/slow/x'));
emit('x', {});
ok($receiver->wait_for('/slow/x', 1), 'a receiver does not answer yet');
is($k->sql('core', "SELECT job_id FROM job_enqueue('example.factorize', '{\"number\": \"15\"}', p_queue => 'cpu')")
	=~ /^([0-9a-f-]{36})$/, 1, 'another job is enqueued');
my $busy = $1;
ok(wait_until(sub { job($busy)->{state} eq 'completed' }, 60), 'the other job is completed');
$job = delivery($slow->{id}, 'retryable');
# Checks the times that are stored in the database.
is($k->sql('core', "SELECT b.attempts[1]->>'endedAt' < d.attempts[1]->>'endedAt' FROM job b, job d"
	. " WHERE b.id = '$busy' AND d.id = '$job->{id}'"), 't', 'the other job does not wait for the receiver');
is($k->sql('core', "SELECT (attempts[1]->>'endedAt')::timestamptz - (attempts[1]->>'startedAt')::timestamptz"
	. " BETWEEN interval '9 s' AND interval '20 s' FROM job WHERE id = '$job->{id}'"), 't',
	'the delivery fails after ten seconds');
like($job->{lastError}, qr/timeout/i, 'the error is a time-out');
$root->del("$hooks/$slow->{id}");

# ---- other endpoints are served meanwhile------------------------------------------------------------------------------

# Returns how many deliveries of one endpoint were sent before the last delivery of the
# other.
sub before
{
	my ($path, $other, $n) = @_;
	my $at = ($receiver->requests($other))[ $n - 1 ]{at};
	return scalar grep { $_->{at} < $at } map { ref $_ ? $_->requests : $receiver->requests($_) } $path;
}

sub ids { my %seen; return grep { !$seen{$_}++ } map { $_->{headers}{'webhook-id'} } $receiver->requests($_[0]) }

$receiver->script('slow', 204);
my $mute = register($receiver->url('/script/mute'));
# Makes it look as if the endpoint had failed before: a pause is as long as the endpoint
# has been failing, here twenty seconds after one time-out, long enough to be seen on a
# slow machine.
$k->sql('core', "UPDATE webhook_endpoint SET failures = 1, last_error = 'x',"
	. " failing_since = now() - interval '10 s' WHERE id = '$mute->{id}'");
my $well = register($receiver->url('/ok/well'));
emit_many(20);
ok($receiver->wait_for('/ok/well', 20, 60), 'an endpoint that answers gets all events');
is(before('/script/mute', '/ok/well', 20), 1, 'the delivery waits for one time-out of the other endpoint');
ok(wait_until(sub { hook($mute->{id})->{putOff} == 19 }), 'further deliveries to the silent endpoint are put off');
my $h = hook($mute->{id});
ok(defined $h->{notBefore}, 'the silent endpoint is paused');
is($h->{failures}, 2, 'the endpoint that does not answer has two failures');
is(scalar $receiver->requests('/script/mute'), 1, 'one delivery was attempted');
my @waiting = grep { $_->{state} eq 'available' && $_->{attempt} == 0 } deliveries($mute->{id}, '?limit=100');
is(scalar @waiting, 19, 'no attempt is counted for deliveries that were put off');
ok($receiver->wait_for('/script/mute', 21, 60), 'when the endpoint answers, all deliveries are sent');
ok(wait_until(sub { 20 == grep { $_->{state} eq 'completed' } deliveries($mute->{id}, '?limit=100') }), 'all 20 deliveries are completed when the endpoint answers');
is(scalar ids('/script/mute'), 20, 'the endpoint got 20 different deliveries');
is(scalar $receiver->requests('/script/mute'), 21, 'the endpoint got each delivery once after the first attempt');
ok(wait_until(sub { !defined hook($mute->{id})->{notBefore} }), 'the endpoint is not paused any more');
is_deeply([ @{ hook($mute->{id}) }{qw(putOff failures)} ], [ 0, 0 ], 'webhook_waiting has no row left');
is(job($waiting[0]{id})->{attempt}, 1, 'only deliveries that were sent have an attempt');
remove($mute->{id}, $well->{id});

my @dumb = map { register($receiver->url("/slow/$_")) } 1, 2;
$well = register($receiver->url('/ok/well-too'));
emit_many(20);
ok($receiver->wait_for('/ok/well-too', 20, 120), '20 deliveries arrive although two endpoints never answer');
cmp_ok(before('/slow/', '/ok/well-too', 20), '<', 10, '20 deliveries wait for fewer than 10 time-outs');
remove($well->{id}, map { $_->{id} } @dumb);

my $tardy = Kedge::Receiver->new;
my $late = register($tardy->url('/late/x'));
$well = register($receiver->url('/ok/beside'));
emit_many(5);
ok($receiver->wait_for('/ok/beside', 5, 60), 'a slow endpoint gets events');
cmp_ok(before($tardy, '/ok/beside', 5), '<', 3, 'deliveries to another endpoint arrive between those to a slow one');
ok($tardy->wait_for('/late/x', 5, 30), 'the slow endpoint gets all events');
is(hook($late->{id})->{failures}, 0, 'the slow endpoint has no failures');
remove($late->{id}, $well->{id});

# A slow receiver takes at most half of a worker's time.
sub beside
{
	my ($path, $quick_path) = @_;
	my @both = map { register($receiver->url($_)) } $path, $quick_path;
	$k->sql('core', q{SELECT webhook_emit('x', '{}') FROM generate_series(1, 40)});
	ok($receiver->wait_for($quick_path, 40, 60), "beside $path a quick endpoint gets all events");
	cmp_ok(before($path, $quick_path, 40), '<', 20, 'the quick endpoint is served before half of the slow one');
	ok($receiver->wait_for($path, 6, 30), 'the slow endpoint gets all events in the end');
	my @at = map { $_->{at} } $receiver->requests($path);
	remove(map { $_->{id} } @both);
	# A delivery that arrives before the end of the pause was sent at the same time
	# as another one.
	my ($s) = map { $_ / 1000 } $path =~ m{^/pause/(\d+)/};
	return grep { $at[$_] - $at[ $_ - 1 ] < $s } 1 .. $#at;
}
is_deeply([ beside('/pause/900/x', '/ok/beside-900') ], [], 'the slow endpoint gets one delivery at a time');
is_deeply([ beside('/pause/250/x', '/ok/beside-250') ], [], 'an endpoint that answers after 250 ms gets one delivery at a time');

for my $way ('a test event that succeeds', 'enabling the endpoint') {
	my $path = '/ok/' . ($way =~ s/\W/-/gr);
	my $shy = register($receiver->url($path));
	$k->sql('core', "UPDATE webhook_endpoint SET not_before = now() + interval '1 hour' WHERE id = '$shy->{id}'");
	emit('x', { n => $_ }) for 1 .. 12;
	ok(wait_until(sub { hook($shy->{id})->{putOff} == 12 }, 20), 'the endpoint is paused for an hour');
	($job) = deliveries($shy->{id});
	is($root->post("/api/core/jobs/$job->{id}/retry")->{status}, 200, 'a delivery is retried by hand');
	ok(wait_until(sub { $k->sql('core', "SELECT fence, state FROM job WHERE id = '$job->{id}'") eq '3|available' }, 20),
		'a delivery retried by hand is put off');
	is(scalar $receiver->requests($path), 0, 'the delivery that was put off is not sent');
	$root->post("$hooks/$shy->{id}/" . ($way =~ /test/ ? 'test' : 'enable'));
	ok($receiver->wait_for($path, 12 + ($way =~ /test/)), "$way resumes all deliveries");
	is(hook($shy->{id})->{notBefore}, undef, 'the endpoint is not paused any more');
	remove($shy->{id});
}

# ---- concurrency ----------------------------------------------------------------------------------------------------

is(queue('webhooks')->{concurrency}, 1, 'by default one delivery is sent at a time');
$k->down;
$k->{env}{CORE_WEBHOOK_CONCURRENCY} = 2;
$k->start;
$_ = $k->again($_) for $root;
is(queue('webhooks')->{concurrency}, 2, 'WEBHOOK_CONCURRENCY deliveries are sent at a time');
my @pair = map { register($receiver->url("/pause/9000/$_"), "to.$_") } qw(a b);
for my $name (qw(a b)) {
	emit("to.$name", {});
	ok($receiver->wait_for("/pause/9000/$name", 1), "a delivery is sent to $name");
}
my ($one, $two) = map { ($receiver->requests("/pause/9000/$_"))[0]{at} } qw(a b);
cmp_ok(abs($one - $two), "<", 9, 'a delivery is sent while another receiver has not answered');
remove(map { $_->{id} } @pair);
# Two deliveries may be sent before the worker knows that the endpoint is slow.
is_deeply([ grep { $_ > 1 } beside('/pause/901/x', '/ok/beside-901') ], [],
	'a paused endpoint gets one delivery at a time');

# ---- private addresses -----------------------------------------------------------------------------------------------

my $inside = register($receiver->url('/ok/inside'));
$k->down;
$k->{env}{CORE_WEBHOOK_ALLOW_PRIVATE} = 'off';
$k->start;
$_ = $k->again($_) for $root;
for my $private ($receiver->url('/ok/x'), 'http://localhost/', 'http://10.0.0.1/', 'http://[::1]/',
	'http://169.254.169.254/latest/meta-data', 'http://0x7f.1/', 'http://2130706433/') {
	$r = $root->post($hooks, { url => $private, kinds => ['*'] });
	is($r->{status}, 400, "the private address $private is refused");
	is($r->{json}{fields}[0]{field}, 'url', 'the error says that the address is private');
}
is($root->post($hooks, { url => 'https://example.com/hook', kinds => ['never.told'] })->{status}, 201,
	'a public address is accepted');
# As with a name that resolves to a private address only after the endpoint was
# registered.
emit('x', {});
$job = delivery($inside->{id}, 'retryable');
is($job->{lastError}, 'address not allowed', 'an address that was registered before is refused at the delivery');
is(scalar $receiver->requests('/ok/inside'), 0, 'a private address gets no request');

# ---- secrets in logs -----------------------------------------------------------------------------------------------------

my $logs = join '', map { slurp($_) // '' } files($k->dir . '/log');
ok(!(grep { my $s = substr $_, 6; index($logs, $s) >= 0 } @secrets), 'no log contains a secret');
done_testing;
