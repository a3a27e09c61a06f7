# Applications that are not Kedge's, behind the same guard: who the user is travels in
# headers that no client can set.  Also: public prefixes, the largest body, proxies.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(hmac_sha256);
use File::Temp qw(tempdir);
use MIME::Base64 qw(decode_base64url encode_base64url);
use Test::More;
use Kedge::Echo;
use Kedge qw(jdecode jencode need slurp wait_until);
use Kedge::Raw qw(raw_http);

need(qw(nginx));
my $http = Kedge::Echo->http;
my $fcgi = Kedge::Echo->fastcgi;
my $shape = jdecode(slurp("$Kedge::ROOT/kedge.json"));
my $root = tempdir(CLEANUP => 1);
chmod 0755, $root;
symlink "$Kedge::ROOT/$_", "$root/$_" for qw(nginx sql mail web);
push @{ $shape->{services} },
    { name => 'wiki', prefix => '/wiki/', guard => 'standard', public => [ '/wiki/static/', '/w/' ], uploads => 5_000_000,
	locations => [ { prefix => '/wiki/admin/', guard => 'role-gated', roles => ['editor'] } ],
	upstream => "http://127.0.0.1:" . $http->port },
    { name => 'legacy', prefix => '/legacy/', guard => 'standard', public => ['/legacy/open/'],
	upstream => "fastcgi:127.0.0.1:" . $fcgi->port, external => JSON::PP::true() };
my ($core) = grep { $_->{name} eq 'core' } @{ $shape->{services} };
$core->{uploads} = 1000;
$shape->{trustedProxies} = [ '127.0.7.0/24', '10.0.0.0/8' ];
open my $f, '>', "$root/kedge.json" or die $!;
print $f jencode($shape);
close $f;
my $k = Kedge->up(env => { KEDGE_ROOT => $root });
my $alice = $k->user('alice');
my $nobody = $k->client;

# Headers by which a client could try to be somebody else.
my %forged = map { $_ => 'root' } map { ($_, uc, lc) } qw(Remote-User Remote-Email Remote-Groups Kedge-Identity
	Remote_User REMOTE-USER X-Remote-User);
my %named = map { lc $_ => 1 } qw(Remote-User Remote-Email Remote-Groups Kedge-Identity);

# ---- over HTTP ----------------------------------------------------------------------------

is($nobody->get('/wiki/page')->{status}, 401, 'nobody is refused');
is($nobody->get('/wiki/page', headers => { %forged })->{status}, 401, 'whatever headers are sent');
my $r = $alice->get('/wiki/page?x=1', headers => { %forged, 'X-Forwarded-For' => '9.9.9.9', 'X-Real-IP' => '9.9.9.9',
	Forwarded => 'for=9.9.9.9', 'X-Forwarded-Host' => 'evil', 'X-Forwarded-Prefix' => '/evil', Proxy => 'http://evil' });
is($r->{status}, 200, 'a user is let through') or diag(explain $r);
my $h = $r->{json}{headers};
is($r->{json}{path}, '/wiki/page?x=1', 'the application gets the path as it was sent');
is($h->{'remote-user'}, $alice->{id}, 'Remote-User is the user');
is($h->{'remote-groups'}, 'user', 'Remote-Groups are the roles');
is($h->{'remote-email'}, undef, 'an address that was not verified is not told');
my ($head, $payload, $signature) = split /\./, $h->{'kedge-identity'} // '..';
my $claims = jdecode(decode_base64url($payload));
is_deeply([ @$claims{qw(aud sub)} ], [ 'wiki', $alice->{id} ], 'the assertion is for this service');
my $key = decode_base64url(slurp($k->service_env('wiki')->{WIKI_IDENTITY_KEY_FILE} // "$k->{dir}/secrets/wiki/WIKI_IDENTITY_KEY") =~ s/\s+//gr);
is(encode_base64url(hmac_sha256("$head.$payload", $key)), $signature, "the assertion is signed with the application's key");
is_deeply([ @$h{qw(x-forwarded-for x-real-ip x-forwarded-proto x-forwarded-host)} ],
	[ '127.0.0.1', '127.0.0.1', 'http', '127.0.0.1' ], 'the client\'s address, scheme and host are nginx\'s');
is_deeply([ @$h{qw(forwarded x-forwarded-prefix proxy)} ], [undef, undef, undef], 'other headers about proxies are removed');
unlike(jencode($h), qr/evil|9\.9\.9\.9/, 'no value of the client\'s');
is(scalar(grep { $h->{$_} =~ /root/ && $named{$_} } keys %$h), 0, 'no forged identity');
is($r->{headers}{'kedge-identity'}, undef, 'the application cannot send an assertion to the client');
is($r->{headers}{'content-security-policy'}, 'default-src *', "the application's own Content-Security-Policy is passed on");
ok($r->{headers}{'x-request-id'}, 'the request has an id');
is($h->{'x-request-id'}, $r->{headers}{'x-request-id'}, 'which the application knows');

is($alice->get('/wiki/admin/x')->{status}, 403, 'a prefix for editors');
$k->role($alice, 'editor,user');
$k->sql('auth', qq{UPDATE "user" SET "emailVerified" = true WHERE id = '$alice->{id}'});
Kedge::wait_until(sub { ($alice->get('/wiki/admin/x')->{json}{headers}{'remote-email'} // '') ne '' }, 10);
$h = $alice->get('/wiki/admin/x')->{json}{headers};
is($h->{'remote-groups'}, 'editor,user', 'lets them in, with their roles');
is($h->{'remote-email'}, $alice->{email} // $k->sql('auth', qq{SELECT email FROM "user" WHERE id = '$alice->{id}'}) =~ s/\s+//r, 'Remote-Email after verification');
$k->sql('auth', qq{UPDATE "user" SET email = 'other\@example.com' WHERE id = '$alice->{id}'});
ok(Kedge::wait_until(sub { ($alice->get('/wiki/x')->{json}{headers}{'remote-email'} // '') eq 'other@example.com' }, 10),
	'a changed address is told soon');

for my $path ('/wiki/static/a.css', '/wiki/static', '/w/x', '/w') {
	my $r = $nobody->get($path, headers => {%forged});
	is($r->{status}, 200, "$path is public");
	is_deeply([ grep { $named{$_} } keys %{ $r->{json}{headers} } ], [], "$path: and has no identity");
	is_deeply([ grep { $named{$_} } keys %{ $alice->get($path)->{json}{headers} } ], [], "$path: not even a user's");
}
# The application gets the path as the client sent it. So it could read one of these paths
# as a path with another guard than the guard that nginx has applied.
for my $path ('/wiki/static/../page', '/wiki/static/%2e%2e/page', '/wiki/static//../page', '/w/../wiki/page', '/wiki//page',
	'/wiki/page/..%2fstatic/a.css', '/wiki/page/%2e%2e%2Fstatic/a.css', '/wiki/page/%2E./static/x', '/wiki/static/..;/page',
	'/wiki/static/.;x=1/page', '/wiki/static/\\..\\page', '/wiki/static/%5c..%5Cpage', '/wiki/static%2fa.css', '/wiki/static/..#',
	'/legacy/x/..%2fopen/y', '/legacy/open/..;/x', '/legacy/open/../x', '/legacy/open/./x', '/openapi/..%2fwiki/static/x') {
	my $answer = raw_http($k->port, "GET $path HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
	is($answer->{status}, 400, "$path: not a way around the guard");
}
for my $path ('/wiki/admin/..%2fx', '/legacy/x/..%2fy') {
	is($alice->get($path)->{status}, 400, "$path: nor around the guard of another prefix");
}
for my $path ('/wiki/static/.well-known/..a/a..b;c=d%20e', '/w/?next=/a/../b//c%2fd\\e') {
	is($nobody->get($path)->{json}{path}, $path, "$path: is clear");
}

# After a change of the protocol, nginx passes on whatever a client sends: also requests
# that nobody was asked about, with headers of the client's own.
for (
	[ 'websocket', 'websocket', 'upgrade' ],
	[ 'WebSocket', 'websocket', 'upgrade' ],
	[ 'h2c', undef, undef ],
	[ 'h2c, websocket', undef, undef ],
    )
{
	my ($upgrade, @passed) = @$_;
	my $h = $nobody->get('/w/x', headers => { Upgrade => $upgrade, Connection => 'Upgrade, HTTP2-Settings, Remote-User' })
	    ->{json}{headers};
	is_deeply([ $h->{upgrade}, $h->{connection} ], \@passed, "Upgrade: $upgrade");
}
$r = $alice->post('/wiki/upload', undef, body => 'x' x 4_000_000, type => 'text/plain');
is($r->{json}{bytes}, 4_000_000, 'a large upload') or diag(explain $r);
is($alice->post('/wiki/upload', undef, body => 'x' x 5_000_001, type => 'text/plain')->{status}, 413, "a body over the service's limit is refused");
is($alice->post('/api/core/tasks', { title => 'x' x 2000 })->{status}, 413, 'a smaller limit of a service');
is($alice->request(POST => '/wiki/x', body => 'x', origin => 'http://evil.example')->{status}, 403, 'CSRF applies to it');

# ---- over FastCGI -------------------------------------------------------------------------

is($nobody->get('/legacy/x', headers => {%forged})->{status}, 401, 'fastcgi: nobody is refused');
$r = $alice->get('/legacy/a/b?c=d', headers => { %forged, 'X-Forwarded-For' => '9.9.9.9', Proxy => 'evil' });
is($r->{status}, 200, 'fastcgi: a user is let through');
my $p = $r->{json}{params};
is_deeply([ @$p{qw(REMOTE_USER HTTP_REMOTE_USER HTTP_REMOTE_GROUPS HTTP_REMOTE_EMAIL)} ],
	[ $alice->{id}, $alice->{id}, 'editor,user', 'other@example.com' ], 'fastcgi: who it is');
is($p->{KEDGE_IDENTITY}, $p->{HTTP_KEDGE_IDENTITY}, 'fastcgi: the assertion');
is(jdecode(decode_base64url((split /\./, $p->{KEDGE_IDENTITY})[1]))->{aud}, 'legacy', 'fastcgi: for this service');
is_deeply([ map { $_ // '' } @$p{qw(SCRIPT_NAME PATH_INFO QUERY_STRING REQUEST_METHOD REMOTE_ADDR HTTP_X_FORWARDED_FOR HTTP_PROXY)} ],
	[ '', '/legacy/a/b', 'c=d', 'GET', '127.0.0.1', '127.0.0.1', '' ], 'fastcgi: the parameters of CGI');
$r = $nobody->get('/legacy/open/x', headers => {%forged});
is($r->{status}, 200, 'fastcgi: public');
is_deeply([ map { $r->{json}{params}{$_} // '' } qw(REMOTE_USER HTTP_REMOTE_USER KEDGE_IDENTITY HTTP_KEDGE_IDENTITY) ],
	[ '', '', '', '' ], 'fastcgi: without an identity');
ok(!-e "$k->{dir}/env/legacy.env", 'an external service has no environment file');
ok(-e "$k->{dir}/env/wiki.env", 'another one has');

# ---- requests to upstreams are in the access log --------------------------------------------

for my $path ('/w/logged', '/wiki/logged', '/legacy/open/logged', '/legacy/logged') {
	my $r = $alice->get($path);
	is("$r->{status} " . ($r->{headers}{'kedge-logged'} // ''), '200 ', "$path: Kedge-Logged goes no further");
	my $log = "$k->{dir}/log/nginx.log";
	ok(wait_until(sub { grep {/"request_id":"$r->{headers}{'x-request-id'}"/} split /\n/, slurp($log) }, 5),
		"$path: nginx writes the access line");
}

# ---- signed out means out -------------------------------------------------------------------

is($alice->sign_out->{status}, 200, 'signed out');
is($alice->get('/wiki/page')->{status}, 401, 'and refused');

# ---- the client's address -------------------------------------------------------------------

sub seen
{
	my ($from, $forwarded, $proto) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $k->port, LocalAddr => $from) or die "$from: $!";
	print $s "GET /w/x HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
	    . (defined $forwarded ? "X-Forwarded-For: $forwarded\r\n" : '') . (defined $proto ? "X-Forwarded-Proto: $proto\r\n" : '') . "\r\n";
	local $/;
	my ($body) = <$s> =~ /\r\n\r\n(.*)/s;
	my $h = jdecode($body)->{headers};
	return "$h->{'x-real-ip'} $h->{'x-forwarded-proto'}";
}
is(seen('127.0.0.1', '9.9.9.9', 'https'), '127.0.0.1 http', 'a client that is no proxy is itself');
is(seen('127.0.7.1', '9.9.9.9', 'https'), '9.9.9.9 https', 'a proxy names its client, and its scheme');
is(seen('127.0.7.1', '1.1.1.1, 9.9.9.9', 'http'), '9.9.9.9 http', 'the last address that is no proxy');
is(seen('127.0.7.1', '1.1.1.1, 9.9.9.9, 10.1.2.3, 127.0.7.8', 'x'), '9.9.9.9 http', 'behind several proxies');
is(seen('127.0.7.1', '1.1.1.1, junk'), '127.0.7.1 http', 'a forwarded text that is not an address is ignored');
is(seen('127.0.7.1', undef, undef), '127.0.7.1 http', 'a proxy that names nobody');
done_testing;
