# Rate limits of one user for writes, reads and the items of batches.  Other users are
# not affected.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(parallel wait_until);

my $k = Kedge->up(
	env => { CORE_WRITE_RATE => 20, CORE_READ_RATE => 20, WALLET_BATCH_RATE => 1000,
		CORE_TASKS_MAX => 300, CORE_TASK_BYTES_MAX => 15_000 });
my $alice = $k->user('alice');
my $bob = $k->user('bob');
my $tasks = '/api/core/tasks';

# Sends as many requests as ten seconds allow, from several browsers of one user; the
# limit is so low that even a slow machine reaches it.
my @browser = ($alice, map { $k->again($alice) } 1 .. 3);
my @status = map {@$_} parallel(
	4,
	sub {
		my $c = $browser[ $_[0] ];
		return [ map { $c->post($tasks, { title => 't' })->{status} } 1 .. 50 ];
	});
my $made = grep { $_ == 201 } @status;
cmp_ok($made, '>=', 20, "at least 20 of 200 writes are accepted ($made)");
is((grep { $_ != 201 && $_ != 429 } @status), 0, 'each other write is answered with 429');
cmp_ok((grep { $_ == 429 } @status) + 0, '>=', 10, 'at least 10 writes are answered with 429') or diag("$made made");
my $r;
ok(wait_until(sub { $r = $alice->post($tasks, { title => 't' }); $r->{status} == 429 }, 10),
	'a user with too many writes gets 429');
like($r->{headers}{'retry-after'} // '', qr/^[1-9]\d*$/, 'the 429 has Retry-After');
is($r->{json}{code}, 'RATE_LIMITED', 'the 429 has the code RATE_LIMITED');
for my $way (
	[ PATCH => "$tasks/01890a5d-ac96-774b-bcce-b302099a8057" ], [ PATCH => '/api/core/me' ],
	[ DELETE => "$tasks/01890a5d-ac96-774b-bcce-b302099a8057" ]
) {
	my ($method, $path) = @$way;
	like($alice->request($method, $path, json => {})->{status}, qr/^(429|400|404|200)$/,
		"$method is limited, or accepted");
}
is($alice->get($tasks)->{status}, 200, 'a user with too many writes may read');
is($bob->post($tasks, { title => 't' })->{status}, 201, 'another user may write');
is($alice->get('/api/core/whoami')->{status}, 200, 'a user with too many writes is still verified');
is($k->sql('core', "SELECT count(*) FROM task WHERE user_id = '$alice->{id}'") >= $made, 1,
	'each acknowledged write is stored');
ok(wait_until(sub { $alice->post($tasks, { title => 't' })->{status} == 201 }, 20),
	'the user may write again after some seconds');

# ---- reads --------------------------------------------------------------------------

my $carol = $k->user('carol');
$carol->get('/api/core/me');
@browser = ($carol, map { $k->again($carol) } 1 .. 3);
@status = map {@$_} parallel(
	4,
	sub {
		my $c = $browser[ $_[0] ];
		return [ map { $c->get($tasks)->{status} } 1 .. 50 ];
	});
cmp_ok((grep { $_ == 200 } @status) + 0, '>=', 19, 'reads of one user are limited');
is((grep { $_ != 200 && $_ != 429 } @status), 0, 'each read is answered with 200 or 429');
cmp_ok((grep { $_ == 429 } @status) + 0, '>=', 10, 'at least 10 reads are answered with 429');
ok(wait_until(sub { $r = $carol->get('/api/core/me'); $r->{status} == 429 }, 10), 'a user with too many reads gets 429');
like($r->{headers}{'retry-after'} // '', qr/^[1-9]\d*$/, 'the 429 of a read has Retry-After');
is($r->{json}{code}, 'RATE_LIMITED', 'the 429 of a read has the code RATE_LIMITED');
is($carol->get('/api/core/whoami')->{status}, 200, 'routes without a database are served at the limit');
is($carol->post($tasks, { title => 't' })->{status}, 201, 'writes have a limit of their own');
is($bob->get($tasks)->{status}, 200, 'another user may read');

# ---- quotas of one user -----------------------------------------------------------------

my $dave = $k->user('dave');
my $note = 'n' x 10_000;
my $long = $dave->post($tasks, { title => 't', notes => $note });
is($long->{status}, 201, 'a task of 10 000 bytes fits into a limit of 15 000');
$r = $dave->post($tasks, { title => 't', notes => $note });
is($r->{status}, 422, 'a task beyond the limit of bytes is refused');
is($r->{json}{code}, 'TASK_BYTES_EXCEEDED', 'the code is TASK_BYTES_EXCEEDED');
my $short = $dave->post($tasks, { title => 't' });
is($short->{status}, 201, 'a short task fits into the rest');
$r = $dave->patch("$tasks/$short->{json}{id}", { notes => $note });
is($r->{status}, 422, 'a task cannot be changed beyond the limit of bytes');
is($r->{json}{code}, 'TASK_BYTES_EXCEEDED', 'the code of the refused change is TASK_BYTES_EXCEEDED');
is($dave->get("$tasks/$short->{json}{id}")->{json}{notes}, undef, 'the refused change is not stored');
is($dave->patch("$tasks/$long->{json}{id}", { notes => 'short' })->{status}, 200, 'a task can be made shorter at the limit of bytes');
is($dave->patch("$tasks/$short->{json}{id}", { notes => $note })->{status}, 200, 'bytes that became free can be used by another task');
$k->sql('core', "INSERT INTO task (user_id, title)
	SELECT '$dave->{id}', 't' FROM generate_series(1, 298)");
$r = $dave->post($tasks, { title => 't' });
is($r->{status}, 422, 'a task beyond the 300th is refused');
is($r->{json}{code}, 'TOO_MANY_TASKS', 'the code is TOO_MANY_TASKS');
$dave->del("$tasks/$short->{json}{id}");
is($dave->post($tasks, { title => 't' })->{status}, 201, 'a task can be created after one was deleted');

# ---- each item of a batch counts ---------------------------------------------------------

sub batch
{
	my ($who, $n) = @_;
	my @of = map { $_->{id} } @{ $who->get('/api/wallet/accounts')->{json}{items} };
	return $who->post('/api/wallet/transfers/batch',
		{ transfers => [ map { { debitAccountId => $of[0], creditAccountId => $of[1],
			amount => 1 } } 1 .. $n ] },
		headers => { 'Idempotency-Key' => 'batch-' . ++$k->{batches} });
}
$_->get('/api/wallet/accounts'), $_->post('/api/wallet/accounts', { name => 'n', currency => 'USD' })
    for $alice, $bob;
is(batch($alice, 1000)->{status}, 200, 'a batch with as many items as a minute allows is accepted');
$r = batch($alice, 1000);
is($r->{status}, 429, 'a batch with more items than a minute allows gets 429') or diag($r->{body});
is($r->{json}{code}, 'RATE_LIMITED', 'the 429 of a batch has the code RATE_LIMITED');
like($r->{headers}{'retry-after'} // '', qr/^[1-9]\d*$/, 'the 429 of a batch has Retry-After');
is(batch($bob, 10)->{status}, 200, 'the limit of another user is separate');
done_testing;
