# links: creating, following, changing and deleting short links, and what is refused.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(parallel wait_until);

my $k = Kedge->up(env => { LINKS_BLOCKED_HOSTS => 'bad.example, evil.test',
	LINKS_LINKS_MAX => 20, LINKS_IDEMPOTENCY_KEYS_MAX => 3, LINKS_URL => 'https://go.example' });
my $alice = $k->user('alice');
my $bob = $k->user('bob');
my $anybody = $k->client(origin => undef);
my $links = '/api/links/links';

sub follow { return $anybody->get("/l/$_[0]", @_[ 1 .. $#_ ]) }

# ---- a link, and what it does ------------------------------------------------------------

my $r = $alice->post($links, { target => 'https://example.com/a?b=c#d', slug => 'Sale-2026',
	title => 'The sale' });
is($r->{status}, 201, 'a link is made') or diag($r->{body});
my $link = $r->{json};
is($link->{slug}, 'sale-2026', 'the slug of the new link is in small letters');
is($link->{url}, 'https://go.example/l/sale-2026', 'the address of the new link is below LINKS_URL');
is($r->{headers}{location}, "$links/$link->{id}", 'Location');
is($r->{headers}{etag}, '"1"', 'ETag');
is($link->{clicks}, 0, 'nobody has followed it');

for my $slug ('sale-2026', 'SALE-2026', 'sale-2026?fbclid=1&x=', 'sale-2026?%zz') {
	$r = follow($slug);
	is($r->{status}, 302, "$slug: a redirect") or diag($r->{body});
	is($r->{headers}{location}, 'https://example.com/a?b=c#d', "$slug: to the target");
	like($r->{headers}{'cache-control'}, qr/no-store/, "$slug: which is not stored");
	is($r->{body}, '', "$slug: without a body");
}
$r = $anybody->request(HEAD => '/l/sale-2026');
is($r->{status}, 302, 'HEAD is answered, too');
follow('sale-2026', headers => { 'Sec-Purpose' => 'prefetch;prerender' });
is($alice->get("$links/$link->{id}")->{status}, 200, 'the owner reads it');
ok(wait_until(sub { $alice->get("$links/$link->{id}")->{json}{clicks} == 4 }, 10),
	'four clicks are counted; HEAD and a prefetch are not')
    or diag($alice->get("$links/$link->{id}")->{body});

for my $slug ('nothing-here', 'a', 'x' x 65, '%C3%A4bc', 'a.b.c', '-ab') {
	$r = follow($slug);
	is($r->{status}, 404, "$slug: there is none") or diag($r->{body});
	is($r->{json}{code}, 'LINK_NOT_FOUND', "$slug: by its code");
}
is($anybody->get('/l')->{status}, 404, 'the prefix is no link');
is($anybody->get('/l/')->{status}, 404, 'the public prefix with its slash is 404');
is($anybody->get('/l/a/b')->{status}, 404, 'a path with two parts below the public prefix is 404');
is($anybody->get('/api/links/l/sale-2026')->{status}, 401, "the public path is not served below the service's own prefix");
is($alice->get('/api/links/l/sale-2026')->{status}, 404, 'for nobody');
is($alice->get('/l/links')->{status}, 404, 'the API is not below the short addresses');
$r = $anybody->request(PUT => '/l/sale-2026');
is($r->{status}, 405, 'another method is refused');
is($r->{headers}{allow}, 'GET, HEAD, POST', 'Allow lists the methods of the public path');
$r = $anybody->get('/l/nothing-here', headers => { Accept => 'text/html,*/*;q=0.8' });
is($r->{status}, 404, 'a browser gets a page');
like($r->{headers}{'content-type'}, qr{^text/html}, 'of HTML');
# The other policy is nginx's; browsers apply both.
my @policies = @{ $r->{headers}{'content-security-policy'} };
is(scalar @policies, 2, 'the page of links has a policy of its own');
like("@policies", qr/default-src 'none'/, 'which allows nothing but its style');
like($r->{headers}{'referrer-policy'}, qr/^strict-origin/, 'the target sees no more than the origin in Referer');

# ---- the next request sees a change ------------------------------------------------------

for my $case (
	[ 'another target' => { target => 'http://example.org/' }, 302, 'http://example.org/' ],
	[ 'disabled' => { enabled => \0 }, 410, 'LINK_DISABLED' ],
	[ 'enabled' => { enabled => \1 }, 302, 'http://example.org/' ],
	[ 'expired' => { expiresAt => '2020-01-01T00:00:00Z' }, 410, 'LINK_EXPIRED' ],
	[ 'unlimited' => { expiresAt => undef }, 302, 'http://example.org/' ],
) {
	my ($name, $patch, $status, $what) = @$case;
	is($alice->patch("$links/$link->{id}", $patch)->{status}, 200, "$name: changed");
	for (1 .. 3) {
		$r = follow('sale-2026');
		is($r->{status}, $status, "$name: at once") or diag($r->{body});
		is($r->{headers}{location} // $r->{json}{code}, $what, "$name: $what");
	}
}
$r = $alice->post($links, { target => 'https://example.com/', slug => 'nothing-here' });
is($r->{status}, 201, 'a slug that was asked for in vain');
is(follow('nothing-here')->{status}, 302, 'leads on at once');
my $soon = $r->{json};

# When a link has expired is decided by the clock, not by the cache.
ok(wait_until(sub { follow('nothing-here'); grep {/:l:nothing-here$/} $k->redis('links')->keys_like('*:l:*') }, 20),
	'a link that does not change is in Redis');

# ---- versions, and other users -----------------------------------------------------------

$r = $alice->patch("$links/$link->{id}", { title => 'x' }, headers => { 'If-Match' => '"1"' });
is($r->{status}, 412, 'an old version is not changed');
$r = $alice->get("$links/$link->{id}");
is($r->{json}{title}, 'The sale', 'the refused change has changed nothing');
is($alice->get("$links/$link->{id}", headers => { 'If-None-Match' => $r->{headers}{etag} })->{status},
	304, 'a known version is not sent again');
is($alice->patch("$links/$link->{id}", { title => undef }, headers => { 'If-Match' => $r->{headers}{etag} })
	    ->{status}, 200, 'the current version is changed');
for my $call ([ GET => '' ], [ PATCH => '', { enabled => \0 } ], [ DELETE => '' ], [ GET => '/stats' ]) {
	my ($method, $rest, $body) = @$call;
	is($bob->request($method, "$links/$link->{id}$rest", $body ? (json => $body) : ())->{status}, 404,
		"$method$rest of another user's link: there is none");
}
is(scalar @{ $bob->get($links)->{json}{items} }, 0, "the link is in no other user's list");
is(follow('sale-2026')->{status}, 302, 'nothing has happened to it');

# ---- slugs -------------------------------------------------------------------------------

for my $row ([ 'sale-2026', 'SLUG_TAKEN', 409 ], [ 'SALE-2026', 'SLUG_TAKEN', 409 ],
	[ 'sa1e-2o26', 'SLUG_TAKEN', 409 ], [ 'sale_2026', 'SLUG_TAKEN', 409 ],
	[ 'admin', 'SLUG_RESERVED', 422 ], [ 'ADM1N', 'SLUG_RESERVED', 422 ],
	[ 'sign_in', 'SLUG_RESERVED', 422 ], [ 'ab', 'INVALID_REQUEST', 400 ],
	[ 'a' x 65, 'INVALID_REQUEST', 400 ], [ 'a b', 'INVALID_REQUEST', 400 ],
	[ '-abc', 'INVALID_REQUEST', 400 ], [ 'abc_', 'INVALID_REQUEST', 400 ],
	[ "p\x{e4}ypal", 'INVALID_REQUEST', 400 ], [ 'a/b', 'INVALID_REQUEST', 400 ],
	[ 'a.b', 'INVALID_REQUEST', 400 ], [ '', 'INVALID_REQUEST', 400 ])
{
	my ($slug, $code, $status) = @$row;
	$r = $bob->post($links, { target => 'https://example.com/', slug => $slug });
	is("$r->{status} $r->{json}{code}", "$status $code", 'the slug "' . $slug =~ s/[^ -~]/?/gr . '"')
	    or diag($r->{body});
}
my %generated;
for (1 .. 5) {
	$r = $bob->post($links, { target => 'https://example.com/' });
	is($r->{status}, 201, 'a link without a given slug is made') or diag($r->{body});
	like($r->{json}{slug}, qr/^[2-9bcdfghjkmnpqrstvwxyz]{10}$/, 'one is made');
	$generated{ $r->{json}{slug} } = 1;
	is(follow($r->{json}{slug})->{status}, 302, 'which leads on');
}
is(scalar keys %generated, 5, 'each of its own');

# Several users ask for the same slug at once: exactly one of them gets it.
my @who = map { $k->user("racer$_") } 1 .. 4;
my @status = parallel(4, sub { $who[ $_[0] ]->post($links,
	{ target => "https://example.com/$_[0]", slug => 'wanted' })->{status} });
is_deeply([ sort @status ], [ 201, 409, 409, 409 ], 'one of four gets the slug');

# Of many requests with a key of their own, no more are accepted than keys are stored.
my $greedy = $k->user('greedy');
my @codes = map { @$_ } parallel(6, sub {
	my ($i) = @_;
	return [ map { my $r = $greedy->post($links, { target => 'https://example.com/' },
			headers => { 'Idempotency-Key' => "k$i-$_" });
		$r->{json}{code} // $r->{status} } 1 .. 2 ];
});
is_deeply([ sort @codes ], [ (201) x 3, ('TOO_MANY_IDEMPOTENCY_KEYS') x 9 ], 'three keys are stored, also of concurrent requests');

# ---- deleting ----------------------------------------------------------------------------

is($alice->del("$links/$soon->{id}")->{status}, 204, 'a link is deleted');
is(follow('nothing-here')->{status}, 404, 'a deleted link is gone at once');
is($alice->get("$links/$soon->{id}")->{status}, 404, 'for its owner, too');
$r = $bob->post($links, { target => 'https://example.com/', slug => 'nothing-here' });
is($r->{status}, 409, 'nobody else gets its slug') or diag($r->{body});
$r = $alice->post($links, { target => 'https://example.com/new', slug => 'nothing-here' });
is($r->{status}, 201, 'the user of a deleted slug can use it again');
is(follow('nothing-here')->{headers}{location}, 'https://example.com/new', 'the new link of the slug leads to the new target');
is($alice->del("$links/$r->{json}{id}", headers => { 'If-Match' => '"7"' })->{status}, 412,
	'a version that does not exist is not deleted');

# ---- targets -----------------------------------------------------------------------------

for my $row (
	[ 'ftp://example.com/', 'INVALID_REQUEST' ], [ 'javascript:alert(1)//', 'INVALID_REQUEST' ],
	[ 'data:text/html,x', 'INVALID_REQUEST' ], [ '//example.com/', 'INVALID_REQUEST' ],
	[ '/relative/path', 'INVALID_REQUEST' ], [ 'https://user:pw@example.com/', 'INVALID_REQUEST' ],
	[ 'https://bank.example@other.example/', 'INVALID_REQUEST' ], [ 'https:///path', 'INVALID_REQUEST' ],
	[ "https://example.com/\r\nSet-Cookie: a=b", 'INVALID_REQUEST' ],
	[ "https://example.com/\t", 'INVALID_REQUEST' ], [ 'https://example.com/a b', 'INVALID_REQUEST' ],
	[ "https://ex\x{e4}mple.com/", 'INVALID_REQUEST' ], [ 'https://example.com\\@x/', 'INVALID_REQUEST' ],
	[ 'https://example.com:99999/', 'INVALID_REQUEST' ], [ 'https://example..com/', 'INVALID_REQUEST' ],
	[ 'https://example.com/' . 'a' x 2048, 'INVALID_REQUEST' ], [ 'https:', 'INVALID_REQUEST' ],
	[ 'https://example.com/"><script>', 'INVALID_REQUEST' ],
	[ 'https://go.example/l/sale-2026', 'TARGET_LOOP' ], [ 'https://GO.example./%6c/x', 'TARGET_LOOP' ],
	[ 'http://go.example:8080/a/../l/x', 'TARGET_LOOP' ], [ 'https://127.0.0.1/l/x', 'TARGET_LOOP' ],
	[ 'https://bad.example/', 'TARGET_BLOCKED' ], [ 'https://www.Evil.test:8443/x', 'TARGET_BLOCKED' ],
) {
	my ($target, $code) = @$row;
	my $name = substr $target =~ s/[^ -~]/?/gr, 0, 50;
	$r = $alice->post($links, { target => $target });
	is($r->{json}{code}, $code, "$name: refused") or diag($r->{body});
	$r = $alice->patch("$links/$link->{id}", { target => $target });
	is($r->{json}{code}, $code, "$name: and not changed to") or diag($r->{body});
}
for my $target ('https://notbad.example/', 'https://go.example/other', 'http://[2001:db8::1]:8080/l/x',
	'HTTPS://Example.COM', 'https://example.com/%E4%B8%AD?a=b&c=%20#x')
{
	is($alice->patch("$links/$link->{id}", { target => $target })->{status}, 200, "$target: allowed");
	is(follow('sale-2026')->{headers}{location}, $target, "$target: as it was given");
}

# ---- the same request again, and limits --------------------------------------------------

my %once = (headers => { 'Idempotency-Key' => 'one' });
my $first = $alice->post($links, { target => 'https://example.com/once' }, %once);
is($first->{status}, 201, 'a request with a key');
my $second = $alice->post($links, { target => 'https://example.com/once' }, %once);
is($second->{status}, 201, 'a repeated request with a key is answered');
is($second->{body}, $first->{body}, 'a repeated request with a key gets the same link');
is($second->{headers}{'idempotency-replayed'}, 'true', 'a repeated request has Idempotency-Replayed');
$r = $alice->post($links, { target => 'https://example.com/other' }, %once);
is("$r->{status} $r->{json}{code}", '409 IDEMPOTENCY_KEY_REUSED', 'another request with the key is refused');

my $carol = $k->user('carol');
@status = map { $carol->post($links, { target => 'https://example.com/' })->{status} } 1 .. 21;
is_deeply([ @status ], [ (201) x 20, 422 ], 'twenty links are allowed');
is($carol->post($links, { target => 'https://example.com/' })->{json}{code}, 'TOO_MANY_LINKS', 'by its code');
my (@seen, $cursor);
do {
	$r = $carol->get("$links?limit=7" . ($cursor ? "&cursor=$cursor" : ''));
	push @seen, map { $_->{id} } @{ $r->{json}{items} };
	$cursor = $r->{json}{nextCursor};
} while ($cursor);
is(scalar @seen, 20, 'the pages have each link');
is_deeply(\@seen, [ reverse sort @seen ], 'once, the newest first');
is($bob->get("$links?limit=7&cursor=" . ($carol->get("$links?limit=7")->{json}{nextCursor}))->{status}, 400,
	'a cursor is of no use to another user');
done_testing;
