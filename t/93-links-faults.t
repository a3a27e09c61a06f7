# links: without Redis, without PostgreSQL, with dead processes.  A change is seen by the
# next request in any case, and clicks are not lost beyond what the README says.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(parallel slurp wait_until);

my $k = Kedge->up(env => { LINKS_CACHE_LEASE_MS => 1000 });
my $alice = $k->user('alice');
my $links = '/api/links/links';
my $redis = $k->redis('links');

# Each request has a connection of its own, so that both processes answer some.
my %followed;

sub follow
{
	my ($slug) = @_;
	my $r = $k->client(origin => undef, keep_alive => 0)->get("/l/$slug");
	$followed{$slug}++ if $r->{status} == 302;
	return $r;
}

sub locations
{
	my ($slug) = @_;
	my %seen;
	$seen{ $_->{headers}{location} // $_->{status} }++ for map { follow($slug) } 1 .. 12;
	return join ' ', sort keys %seen;
}

# Follows the link until Redis has it with that target; returns the value.
sub cached
{
	my ($slug, $target) = @_;
	return wait_until(
		sub {
			follow($slug);
			my ($value) = grep { defined && /\Q$target\E$/ } map { $redis->cmd('GET', $_) }
			    $redis->keys_like("*:l:$slug");
			return $value;
		},
		30);
}

my %id;
for my $slug (qw(full frozen gone deleted)) {
	my $r = $alice->post($links, { target => "https://old.example/$slug", slug => $slug });
	is($r->{status}, 201, "$slug: made") or diag($r->{body});
	$id{$slug} = $r->{json}{id};
}
ok(cached($_, "https://old.example/$_"), "$_: in Redis") for sort keys %id;

# ---- Redis refuses writes, and can still be read ------------------------------------------

# Redis has no memory left: the old value can still be read, and no tombstone can be
# stored.
$redis->cmd('CONFIG', 'SET', 'maxmemory', 1);
my $r = $alice->patch("$links/$id{full}", { target => 'https://new.example/full' });
is($r->{status}, 200, 'full: changed') or diag($r->{body});
is(locations('full'), 'https://new.example/full', 'full: the next requests see it');
like(join(' ', map { $redis->cmd('GET', $_) // '' } $redis->keys_like('*:l:full')), qr{https://old\.example/full},
	'full: although Redis has the old one');
is($alice->del("$links/$id{deleted}")->{status}, 204, 'full: another is deleted');
is(locations('deleted'), '404', 'full: and gone');
$r = $alice->post($links, { target => 'https://new.example/made', slug => 'made' });
is($r->{status}, 201, 'full: one is made');
is(locations('made'), 'https://new.example/made', 'full: and can be followed');
$r = $alice->post("$links/batch", { links => [ map { { target => "https://b.example/$_" } } 1 .. 5 ] });
is($r->{json}{made}, 5, 'full: a batch is made') or diag($r->{body});
is(follow($r->{json}{results}[4]{link}{slug})->{status}, 302, 'full: and can be followed');
$redis->cmd('CONFIG', 'SET', 'maxmemory', 0);
is(locations('full'), 'https://new.example/full', 'with room again: the new one');
is(locations('deleted'), '404', 'with room again: still gone');
ok(cached('full', 'https://new.example/full'), 'with room again: Redis gets it');

# ---- Redis is frozen, and thaws with its old contents --------------------------------------

my ($pid) = $k->pids('redis-links');
$k->kill_pid(STOP => $pid);
is(locations('frozen'), 'https://old.example/frozen', 'frozen: PostgreSQL answers');
is($alice->patch("$links/$id{frozen}", { target => 'https://new.example/frozen' })->{status}, 200,
	'frozen: changed');
is(locations('frozen'), 'https://new.example/frozen', 'frozen: the next requests see it');
$k->kill_pid(CONT => $pid);
is(locations('frozen'), 'https://new.example/frozen', 'thawed: still');
ok(cached('frozen', 'https://new.example/frozen'), 'thawed: Redis gets it');

# ---- Redis loses everything ----------------------------------------------------------------

$redis->cmd('FLUSHALL');
is(locations('gone'), 'https://old.example/gone', 'emptied: PostgreSQL answers');
$k->kill_pid(KILL => $k->pids('redis-links'));
is(locations('gone'), 'https://old.example/gone', 'killed: PostgreSQL answers');
is($alice->patch("$links/$id{gone}", { target => 'https://new.example/gone' })->{status}, 200, 'killed: changed');
is(locations('gone'), 'https://new.example/gone', 'killed: seen');
ok(wait_until(sub { ($k->pids('redis-links'))[0] && $k->monitor->get('/health/links')->{body} =~ /"redis":"ok"/ }, 30),
	'it is back');
is(locations('gone'), 'https://new.example/gone', 'back: still seen');
$redis = $k->redis('links');

# ---- slugs that nobody has -----------------------------------------------------------------

parallel(2, sub { my $n = $_[0]; my $c = $k->client(origin => undef); $c->get("/l/none-$n-$_") for 1 .. 300; 1 });
my @absent = $redis->keys_like('*:l:none-*');
cmp_ok(scalar @absent, '>', 0, 'slugs without a link are in Redis, too');
cmp_ok($redis->cmd('PTTL', $absent[0]), '<=', 30_000, 'for a short time');
my $taken = $absent[0] =~ s/.*:l://r;
is(follow($taken)->{status}, 404, 'one of them');
is($alice->post($links, { target => 'https://example.com/', slug => $taken })->{status}, 201, 'a slug whose absence is cached can be taken');
is(locations($taken), 'https://example.com/', 'the new link redirects at once');

# ---- PostgreSQL is away --------------------------------------------------------------------

$r = $alice->post($links, { target => 'https://example.com/', slug => 'counted' });
my $counted = $r->{json}{id};
ok(cached('counted', 'https://example.com/'), 'a link is in Redis');
sub clicks { return $alice->get("$links/$counted")->{json}{clicks} // -1 }
ok(wait_until(sub { clicks() == $followed{counted} }, 20), 'all its clicks are written');
my @postgres = ($k->pids('postgres'), $k->pids('postgres-backend'));
$k->kill_pid(STOP => @postgres);
my @status = map { follow('counted')->{status} } 1 .. 5;
is_deeply([ grep { $_ != 302 && $_ != 503 } @status ], [], 'PostgreSQL is frozen: each is answered') or diag("@status");
is($status[0], 302, 'from Redis at first');
ok(wait_until(sub { follow('counted')->{status} == 503 }, 30),
	'without PostgreSQL nobody knows of changes, so Redis is not used for long');
$k->kill_pid(CONT => @postgres);
ok(wait_until(sub { follow('counted')->{status} == 302 }, 30), 'it is back');
ok(wait_until(sub { clicks() >= $followed{counted} }, 20), 'the clicks of that time are counted')
    or diag(clicks() . " of $followed{counted}");

# ---- processes end -------------------------------------------------------------------------

ok(cached('counted', 'https://example.com/'), 'the link is in Redis again');
# A write whose outcome was unknown when PostgreSQL was frozen may have counted twice.
sub extra { return clicks() - $followed{counted} }
my $extra;
ok(wait_until(sub { follow('counted'); wait_until(sub { extra() >= 0 }, 5);
	my $now = extra(); my $same = defined $extra && $now == $extra; $extra = $now; $same }, 30),
	'all clicks until now are written');
follow('counted') for 1 .. 40;
is(($k->kedge('reload'))[0], 0, 'the processes are replaced');
ok(wait_until(sub { extra() == $extra }, 20), 'which loses no click') or diag(extra() . " and not $extra");
follow('counted') for 1 .. 40;
ok(wait_until(sub { extra() == $extra }, 20), 'forty more are counted');
$k->kill_pid(KILL => $k->pids('links-api'));
ok(wait_until(sub { follow('counted')->{status} == 302 }, 20), 'killed processes are replaced');
ok(wait_until(sub { extra() == $extra }, 20), 'what was written stays, and what comes is added');
done_testing;
