# links: which properties of a click are counted, the statistics, and links with a password.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX qw(strftime);
use Test::More;
use Kedge qw(parallel wait_until);

my $k = Kedge->up(env => { LINKS_HASH_CONCURRENCY => 1 });
my $alice = $k->user('alice');
my $anybody = $k->client(origin => undef);
my $links = '/api/links/links';

sub make { my $r = $alice->post($links, $_[0]); $r->{status} == 201 or diag($r->{body}); return $r->{json} }
sub stats { return $alice->get("$links/$_[0]{id}/stats" . ($_[1] // ''))->{json} }
sub by { my ($name, $rows) = @_; return { map { $_->{$name} => $_->{clicks} } @$rows } }

is(make({ target => 'https://example.com/', slug => 'address' })->{url}, $k->base . '/l/address',
	'without LINKS_URL the address is that of this host');

# ---- statistics --------------------------------------------------------------------------

my $link = make({ target => 'https://example.com/', slug => 'counted' });
my $firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';
my $bot = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
for my $visit (
	[ $firefox, 'https://news.example/item?id=1' ], [ $firefox, 'https://news.example/' ],
	[ $firefox, undef ], [ $bot, undef ], [ $bot, undef ], [ 'curl/8.0', 'about:blank' ],
	[ 'x' x 500, 'https://' . 'a' x 200 . '.example/' ])
{
	my ($agent, $referrer) = @$visit;
	$anybody->get('/l/counted', headers => { 'User-Agent' => $agent,
		defined $referrer ? (Referer => $referrer) : () });
}
my $today = strftime('%Y-%m-%d', gmtime);
my $s;
ok(wait_until(sub { ($s = stats($link))->{clicks} == 7 }, 10), 'seven clicks within a second or two')
    or diag(explain($s));
sub check
{
	my ($when) = @_;
	is($s->{bots}, 2, "$when: two of bots");
	is(scalar @{ $s->{days} }, 1, "$when: one day") or diag(explain($s->{days}));
	is($s->{days}[0]{clicks}, 7, "$when: with all of them");
	is_deeply(by(referrer => $s->{referrers}),
		{ 'news.example' => 2, '(direct)' => 3, '(other)' => 2 }, "$when: by referrer")
	    or diag(explain($s->{referrers}));
	is_deeply(by(agent => $s->{agents}), { Firefox => 3, bot => 2, curl => 1, other => 1 },
		"$when: by program") or diag(explain($s->{agents}));
	is($alice->get("$links/$link->{id}")->{json}{clicks}, 7, "$when: the link has the total");
	return;
}
check('buffered');

sub run_job
{
	my ($kind) = @_;
	my ($status, undef, $err) = $k->kedge('jobs', 'links', 'enqueue', $kind);
	is($status, 0, "$kind is enqueued") or diag($err);
	return;
}
run_job('link.count');
ok(wait_until(sub { $k->sql('links', 'SELECT count(*) FROM click_buffer') == 0 }, 20),
	'the job empties the buffer');
$s = stats($link);
check('summed up');
$anybody->get('/l/counted', headers => { 'User-Agent' => $firefox });
ok(wait_until(sub { ($s = stats($link))->{clicks} == 8 }, 10), 'a click after that is added');
is($alice->get("$links/$link->{id}")->{json}{clicks}, 8, 'to the total, too');

# What is stored says nothing about a person.
my $stored = join "\n", map { $k->sql('links', "SELECT coalesce(string_agg(t::text, E'\\n'), '') FROM $_ t") }
    qw(click_buffer click_day click_total);
unlike($stored, qr/127\.0\.0\.1|Mozilla|Gecko|item\?id/, 'no address, no header and no path is stored');

# ---- statistics of a period --------------------------------------------------------------

$k->sql('links', "INSERT INTO click_day VALUES ('$link->{id}', '2024-02-29', 'all', '', 5),"
	    . " ('$link->{id}', '2024-02-29', 'agent', 'bot', 1),"
	    . " ('$link->{id}', '2024-03-01', 'all', '', 7)");
$s = stats($link, '?from=2024-02-29&to=2024-02-29');
is($s->{clicks}, 5, 'one day');
is_deeply($s->{days}, [ { day => '2024-02-29', clicks => 5 } ], 'alone');
is(stats($link, '?from=2024-02-01&to=2024-03-31')->{clicks}, 12, 'two months');
is_deeply([ map { $_->{day} } @{ stats($link, '?from=2024-02-01&to=2024-03-31')->{days} } ],
	[ '2024-02-29', '2024-03-01' ], 'in order');
for my $bad ('?from=2024-03-02&to=2024-03-01', '?from=2023-02-28&to=2024-03-01', '?from=2023-02-29',
	'?to=2024-13-01', '?from=yesterday', '?to=1969-12-31', '?day=2024-01-01', '?from=')
{
	my $r = $alice->get("$links/$link->{id}/stats$bad");
	is("$r->{status} $r->{json}{code}", '400 INVALID_REQUEST', "$bad is refused") or diag($r->{body});
}
is($alice->get("$links/$link->{id}/stats?from=2023-03-02&to=2024-03-01")->{status}, 200, 'a year is allowed');
run_job('link.forget-clicks');
ok(wait_until(sub { $k->sql('links', "SELECT count(*) FROM click_day WHERE day < '2025-01-01'") == 0 }, 20),
	'old days are deleted');
is($alice->get("$links/$link->{id}")->{json}{clicks}, 8, 'the total stays');

# A client that sends many referrers cannot fill the table.
my $many = make({ target => 'https://example.com/', slug => 'many-referrers' });
$k->sql('links', "INSERT INTO click_buffer SELECT '$many->{id}', current_date, 'host' || n, 'curl', 1"
	    . ' FROM generate_series(1, 300) n');
run_job('link.count');
ok(wait_until(sub { $k->sql('links', "SELECT count(*) FROM click_buffer") == 0 }, 20), 'counted');
is($k->sql('links', "SELECT count(*) FROM click_day WHERE link_id = '$many->{id}' AND dimension = 'referrer'"),
	101, 'a hundred referrers, and the rest in one');
is($k->sql('links', "SELECT sum(clicks) FROM click_day WHERE link_id = '$many->{id}' AND dimension = 'referrer'"),
	300, 'no click is lost');
$k->sql('links', "INSERT INTO click_buffer VALUES ('$many->{id}', current_date, 'another', 'curl', 1),"
	    . " ('00000000-0000-7000-8000-000000000000', current_date, 'x', 'curl', 1),"
	    . " ('$many->{id}', current_date, (SELECT value FROM click_day WHERE link_id = '$many->{id}'"
	    . " AND dimension = 'referrer' AND value <> '(other)' LIMIT 1), 'curl', 1)");
run_job('link.count');
ok(wait_until(sub { $k->sql('links', "SELECT count(*) FROM click_buffer") == 0 }, 20), 'counted again');
is($k->sql('links', "SELECT string_agg(clicks::text, ' ' ORDER BY clicks DESC) FROM (SELECT clicks FROM click_day"
		. " WHERE link_id = '$many->{id}' AND dimension = 'referrer' ORDER BY clicks DESC LIMIT 2) t"),
	'201 2', 'known referrers are counted by themselves, new ones with the rest, deleted links not at all');

# Clicks of several processes at once.
my $busy = make({ target => 'https://example.com/', slug => 'busy' });
parallel(4, sub { my $c = $k->client(origin => undef); $c->get('/l/busy') for 1 .. 100; return 1 });
ok(wait_until(sub { $alice->get("$links/$busy->{id}")->{json}{clicks} == 400 }, 10), 'none is lost or added')
    or diag($alice->get("$links/$busy->{id}")->{body});
is($alice->del("$links/$busy->{id}")->{status}, 204, 'a link with clicks is deleted');
run_job('link.count');
ok(wait_until(sub { $k->sql('links', "SELECT count(*) FROM click_day WHERE link_id = '$busy->{id}'") == 0 }, 20),
	'deleting a link deletes its clicks');

# ---- passwords ---------------------------------------------------------------------------

my $secret = make({ target => 'https://example.com/?a=1&b="<x>"' =~ s/["<>]/%22/gr, slug => 'secret',
	password => "\x{c4}pfel und Birnen" });
ok($secret->{hasPassword}, 'a link with a password says so');
ok(!exists $secret->{password} && !exists $secret->{passwordHash}, 'but not which');
like($k->sql('links', "SELECT password_hash FROM link WHERE slug = 'secret'"), qr/^scrypt:16384:8:1:\w{32}:\w{64}$/,
	'the password is stored as a hash');
my $r = $anybody->get('/l/secret');
is($r->{status}, 200, 'a link with a password asks for it');
like($r->{headers}{'content-type'}, qr{^text/html}, 'by a page');
like($r->{body}, qr/<form[^>]* method="post"/, 'the page of a link with a password has a form');
unlike($r->{body}, qr/example\.com|<script|style=/, 'that says nothing of the target');
is($r->{headers}{location}, undef, 'no header names the target of a link with a password');
my @policies = ref $r->{headers}{'content-security-policy'}
    ? @{ $r->{headers}{'content-security-policy'} } : $r->{headers}{'content-security-policy'};
like("@policies", qr/default-src 'none';.*form-action 'self'/, 'the page with the form has a strict policy');
like($r->{headers}{'cache-control'}, qr/no-store/, 'the page with the form is not stored');

sub try_password
{
	my ($password, $client) = @_;
	return ($client // $anybody)->request(POST => '/l/secret', type => 'application/x-www-form-urlencoded',
		body => 'password=' . join '', map { sprintf '%%%02X', ord } split //, $password);
}
$r = try_password("\xc3\x84pfel und Birnen");
is($r->{status}, 200, 'the right password');
like($r->{body}, qr/http-equiv="refresh" content="0; url=https:\/\/example\.com\/\?a=1&amp;b=/, 'leads on');
# The same text, of which the first letter is written as two characters.
is(try_password("A\xcc\x88pfel und Birnen")->{status}, 200, 'in another form of Unicode, too');
for my $wrong ('wrong', '', "\xc3\x84pfel und birnen", 'x' x 128) {
	$r = try_password($wrong);
	is($r->{status}, $wrong eq '' ? 403 : 403, 'a wrong password') or diag($r->{body});
	unlike($r->{body}, qr/example\.com/, 'learns nothing');
}
is(try_password('x' x 129)->{status}, 400, 'one that is too long is refused');
ok(wait_until(sub { $alice->get("$links/$secret->{id}")->{json}{clicks} == 2 }, 10), 'two visits are counted');
is($anybody->request(POST => '/l/counted', type => 'application/x-www-form-urlencoded', body => 'password=x')
	    ->{status}, 200, 'a link without a password needs none');
is($anybody->request(POST => '/l/unknown', type => 'application/x-www-form-urlencoded', body => 'password=x')
	    ->{status}, 404, 'an unknown link stays unknown');

# The password is removed and the target changed by SQL, while the cache still has the old
# target: the old target, which the password protected, is not revealed.
is(make({ target => 'https://example.com/hidden', slug => 'changing', password => 'to be removed' })->{hasPassword} ? 1 : 0,
	1, 'another link with a password');
my $redis = $k->redis('links');
$redis->cmd('DEL', $_) for $redis->keys_like('*:l:changing'); # the mark of its creation
ok(wait_until(sub { $anybody->get('/l/changing'); grep { ($redis->cmd('GET', $_) // '') =~ /hidden/ } $redis->keys_like('*:l:changing') }, 20),
	'is cached');
$k->sql('links', "UPDATE link SET password_hash = NULL, target = 'https://example.com/open' WHERE slug = 'changing'");
$r = $anybody->request(POST => '/l/changing', type => 'application/x-www-form-urlencoded', body => 'password=x');
like($r->{body}, qr{url=https://example\.com/open"}, 'without a password, the target that needs none');

# The limit is ten attempts in a minute, right or wrong; six were made before.
my @status = map { try_password('guess')->{status} } 1 .. 8;
is($status[0], 403, 'the first ones are answered');
is($status[-1], 429, 'further attempts are refused with 429') or diag("@status");
$r = try_password("\xc3\x84pfel und Birnen");
is($r->{status}, 429, 'for the right password, too');
like($r->{headers}{'retry-after'}, qr/^[1-9]\d*$/, 'the 429 has Retry-After');
ok(!(grep {/127\.0\.0\.1/} $k->redis('links')->keys_like('*')), 'no address is in Redis');

is($alice->patch("$links/$secret->{id}", { password => undef })->{status}, 200, 'the password is removed');
is($anybody->get('/l/secret')->{status}, 302, 'at once');
is($alice->patch("$links/$secret->{id}", { password => 'other one' })->{json}{hasPassword} ? 1 : 0, 1, 'another is set');
is($anybody->get('/l/secret')->{status}, 200, 'at once');
is($alice->patch("$links/$secret->{id}", { title => 'x' })->{json}{hasPassword} ? 1 : 0, 1,
	'another change leaves it alone');
$r = $alice->post($links, { target => 'https://example.com/', password => 'abc' });
is($r->{status}, 400, 'a password that is too short is refused');

# The same request with a key, and the digest of a request with a password.
my %once = (headers => { 'Idempotency-Key' => 'pw' });
my $body = { target => 'https://example.com/', password => 'guessable' };
my $first = $alice->post($links, $body, %once);
is($alice->post($links, $body, %once)->{json}{id}, $first->{json}{id}, 'the same request is answered again');
is($alice->post($links, { %$body, password => 'other' }, %once)->{status}, 409, 'another password is another request');

# Many hashes at once: some are refused, and everything else goes on.
my @answers = parallel(12, sub { $k->client(origin => undef)->request(POST => '/l/secret',
	type => 'application/x-www-form-urlencoded', body => 'password=x')->{status} });
is_deeply([ grep { !/^(?:403|429)$/ } @answers ], [], 'each of many at once is answered') or diag("@answers");
done_testing;
