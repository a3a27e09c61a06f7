# Webhook events: which are emitted, with what content, and that their jobs have the id
# of the request that caused them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jdecode parallel);
use Kedge::Wallet qw(item batch);

my $k = Kedge->up;
my $w = Kedge::Wallet->new($k);
my $base = '/api/wallet';
my $op = $w->{operator};
my ($alice, $bob) = map { $w->user($_, 1000) } qw(alice bob);
my ($a, $b) = ($alice->{account}, $bob->{account});
$w->move($alice, $a, $b, 1);
is($k->sql('wallet', "SELECT count(*) FROM job WHERE kind = 'webhook.deliver'"), 0,
	'without an endpoint no event is sent');

# No receiver exists; the test looks only at the delivery jobs.
$k->sql('wallet', "SELECT job_pause('webhooks', true);
    INSERT INTO webhook_endpoint (url, secret, kinds) VALUES ('http://127.0.0.1:9/', 'whsec_' || repeat('A', 43) || '=', '{*}')");

# Returns the type and request id of the events emitted since the last call, in order.
sub told
{
	my $rows = $k->sql('wallet', "WITH gone AS (DELETE FROM job WHERE kind = 'webhook.deliver' RETURNING *)
	    SELECT json_build_object('type', payload->>'type', 'data', payload->'data', 'request', request_id,
		'trace', trace_id) FROM gone ORDER BY id");
	return map { jdecode($_) } split /\n/, $rows;
}

# Asserts that this request emitted exactly these events, and that they have its request
# id.
sub brought
{
	my ($r, $name, @types) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @told = told();
	is(join(' ', map { $_->{type} } @told), "@types", $name) or diag($r->{body});
	is(join(' ', map { $_->{request} // 'none' } @told), join(' ', ($r->{headers}{'x-request-id'}) x @types),
		'the event has the id of the request');
	return @told;
}

my $r = $w->move($alice, $a, $b, 5, memo => 'lunch');
my ($event) = brought($r, 'a transfer', 'transfer.posted');
is_deeply($event->{data}, $r->{json}, 'the event has the transfer as it was answered');
$r = $w->move($alice, $a, $b, 5, hold => \1);
brought($r, 'a hold', 'transfer.held');
$r = Kedge::Wallet::post($bob, "/transfers/$r->{json}{id}/capture", { amount => 2 });
brought($r, 'its capture', 'transfer.captured');
$r = Kedge::Wallet::post($op, "/transfers/$r->{json}{id}/reverse", {});
brought($r, 'and reversal', 'transfer.posted', 'transfer.reversed');
my $held = $w->move($alice, $a, $b, 5, hold => \1)->{json}{id};
told();
brought($bob->post("$base/transfers/$held/release"), 'a release', 'transfer.released');
brought($w->deposit($a, 7), 'a deposit', 'transfer.posted');
brought(batch($alice, 0, [ map { item($a, $b, $_) } 1 .. 3 ]), 'a batch', ('transfer.posted') x 3);
brought(batch($alice, 0, [ item($a, $b, 1), item($a, $b, 1_000_000) ]), 'of which one is refused',
	'transfer.posted');
brought($alice->post("$base/accounts", { name => 'n', currency => 'EUR' }), 'an account', 'account.created');

# Events of operators' actions contain the operator and the reason.
sub says
{
	my ($event, $name, %want) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is_deeply({ map { $_ => $event->{data}{$_} } keys %want }, \%want, $name);
	return;
}
my @why = (reason => 'case 17');
($event) = brought($op->post("$base/accounts/$b/freeze", {@why}), 'a freeze', 'account.frozen');
says($event, 'by whom and why', id => $b, frozen => JSON::PP::true, freezeChangedBy => $op->{id},
	freezeReason => 'case 17');
($event) = brought($op->post("$base/accounts/$b/unfreeze"), 'its end', 'account.unfrozen');
says($event, 'by whom', id => $b, frozen => JSON::PP::false, freezeChangedBy => $op->{id}, freezeReason => undef);
($event) = brought($w->deposit($a, 7, @why), 'a deposit', 'transfer.posted');
says($event, 'by whom and why', createdBy => $op->{id}, @why);
my $back = $event->{data}{id};
($event) = brought(Kedge::Wallet::post($op, "/transfers/$back/reverse", {@why}), 'a reversal', 'transfer.posted',
	'transfer.reversed');
says($event, 'by whom and why', kind => 'reversal', reverses => $back, createdBy => $op->{id}, @why);
($held) = map { $w->move($alice, $a, $b, 5, hold => \1)->{json}{id} } 1;
told();
($event) = brought($op->post("$base/transfers/$held/release", {@why}), 'a release', 'transfer.released');
says($event, 'by whom and why', createdBy => $alice->{id}, settledBy => $op->{id}, settledReason => 'case 17');
($event) = brought($op->post("$base/currencies", { code => 'POINTS', exponent => 0, @why }), 'a currency',
	'currency.created');
says($event, 'by whom and why', code => 'POINTS', createdBy => $op->{id}, @why);
my $carol = $k->user('carol');
brought($carol->get("$base/accounts"), 'a first contact', 'account.created');
brought($w->move($alice, $a, $b, 1_000_000), 'what is refused');

# Requests that are served by one SQL statement: each emits its own events.
my @asked = parallel(8, sub {
	return [ map { my $m = $w->move($alice, $a, $b, 1); "$m->{headers}{'x-request-id'} $m->{json}{id}" } 1 .. 5 ];
});
is_deeply([ sort map { "$_->{request} $_->{data}{id}" } told() ], [ sort map { @$_ } @asked ],
	'forty transfers at once have events with their own request ids');

my $trace = '4bf92f3577b34da6a3ce929d0e0e4736';
$alice->request('POST', "$base/transfers", json => { debitAccountId => $a, creditAccountId => $b, amount => 1 },
	headers => { 'Idempotency-Key' => 'traced', traceparent => "00-$trace-00f067aa0ba902b7-01" });
is_deeply([ map { $_->{trace} } told() ], [$trace], 'the event has the trace id of the request');
done_testing;
