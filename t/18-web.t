# One's own front end at "/": files with an index for a path that its script reads, or a
# development server; a browser gets pages and a program JSON; the paths of services and
# of monitoring are never those of the front end.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use Test::More;
use Kedge qw(jdecode slurp wait_until);
use Kedge::Raw qw(raw_open);

my $page = 'text/html,application/xhtml+xml,*/*;q=0.8';
sub open_page { my ($k, $path) = @_; return $k->client->get($path, headers => { Accept => $page }) }
sub fetch { my ($k, $path, $accept) = @_;
	return $k->client->get($path, headers => { Accept => $accept // '*/*' }) }
sub write_file
{
	my ($path, $text) = @_;
	make_path($path =~ s{/[^/]*$}{}r);
	open my $f, '>', $path or die "$path: $!";
	print $f $text;
	close $f;
	return;
}

sub keeps_others
{
	my ($k, $name) = @_;
	for my $path ('/api', '/api/', '/api/nothing', '/api/core', '/health/nothing', '/healthy',
		'/metrics', '/metrics/nothing', '/_verify', '/_error/400')
	{
		my $r = open_page($k, $path);
		is("$r->{status} " . ($r->{json}{code} // $r->{body}), '404 NOT_FOUND',
			"$name: $path is not the front end's");
	}
	my $r = fetch($k, '/api/core/whoami');
	is("$r->{status} $r->{json}{code}", '401 UNAUTHENTICATED', "$name: services are as before");
	is(fetch($k, '/api/auth/ok')->{status}, 200, "$name: so is auth");
	return;
}

# ---- the page of this distribution --------------------------------------------------------

my $k = Kedge->up;
my $r = open_page($k, '/nothing');
is($r->{status}, 404, 'a page that does not exist');
like($r->{headers}{'content-type'}, qr{^text/html}, 'an unknown path is a page for a browser');
like($r->{body}, qr/Not found/, 'which says so');
$r = fetch($k, '/nothing');
is("$r->{status} $r->{json}{code}", '404 NOT_FOUND', 'an unknown path is JSON for a program');
keeps_others($k, 'page');
$k->down;

# ---- a directory --------------------------------------------------------------------------

my $web = tempdir('kedge-web-XXXXXX', DIR => $ENV{TMPDIR}, CLEANUP => 1) . '/dist';
write_file("$web/index.html", '<!doctype html><title>mine</title><script>1</script>');
write_file("$web/assets/app.js", 'export {};');
write_file("$web/about/index.html", 'about');
write_file("$web/empty/x.txt", 'x');
write_file("$web/$_", "hidden $_") for '.git/config', '.env', 'assets/.htpasswd', "x\n/.git/config", '.well-known/.env';
write_file("$web/.well-known/assetlinks.json", '[]');
write_file("$web/assets/a..b.txt", 'dots');
sub hides
{
	my ($k, $name) = @_;
	for my $path ('/.git/config', '/.git', '/.git/', '/.env', '/%2eenv', '/assets/.htpasswd', '/assets/%2Ehtpasswd',
		'//.env', '/assets/../.env', '/x%0a/.git/config', '/.well-known/.env', '/assets/.well-known/x', '/.nothing',
		'/.Well-known/x', '/.well-knownx')
	{
		my $r = open_page($k, $path);
		is($r->{status}, 404, "$name: $path does not exist");
		unlike($r->{body}, qr/hidden|<title>mine/, "$name: $path: and shows nothing");
		$r = fetch($k, $path);
		is("$r->{status} $r->{json}{code}", '404 NOT_FOUND', "$name: $path: nor for a program");
	}
	is(fetch($k, '/.well-known/assetlinks.json')->{body}, '[]', "$name: but .well-known");
	is(fetch($k, '/assets/a..b.txt')->{body}, 'dots', "$name: and a dot elsewhere in a name");
	return;
}
$k->start(args => [ '--web', $web ]);
hides($k, 'directory');
for my $path ('/', '/index.html', '/deep/link', '/deep/link?x=y', '/api-docs', '/apiary/x') {
	$r = open_page($k, $path);
	is($r->{status}, 200, "$path: the application");
	like($r->{body}, qr/<title>mine/, 'the answer is the page');
}
unlike($r->{headers}{'content-security-policy'}, qr/default-src|script-src/,
	'the author of the page decides about its scripts');
like($r->{headers}{'content-security-policy'}, qr/frame-ancestors 'none'/, 'the page cannot be framed');
is($r->{headers}{'x-content-type-options'}, 'nosniff', 'browsers do not guess the type of a file');
$r = open_page($k, '/assets/app.js');
is("$r->{status} $r->{body}", '200 export {};', 'a file');
like($r->{headers}{'content-type'}, qr{^text/javascript}, 'a file has its media type');
is(open_page($k, '/about/')->{body}, 'about', 'a directory with an index');
is(open_page($k, '/empty/')->{status}, 404, 'a directory without one');
$r = fetch($k, '/assets/old.js');
is("$r->{status} $r->{json}{code}", '404 NOT_FOUND', 'a script that is gone is no page');
is(fetch($k, '/deep/link', 'application/json')->{status}, 404, 'a deep path is 404 for a program');
$r = $k->client->request(POST => '/deep/link', headers => { Accept => $page });
is($r->{status}, 405, 'files are only read');
for my $path ('/../kedge.json', '/%2e%2e/env/secrets', '/assets/../../env/secrets', '/..%2fenv') {
	unlike(open_page($k, $path)->{body}, qr/SECRET|"services"/, "$path: nothing outside");
}
keeps_others($k, 'directory');
$k->down;

# ---- "web" in kedge.json --------------------------------------------------------------------

write_file("$web/404.html", '<h1>my own 404</h1>');
my $root = "$k->{dir}-root";
make_path($root);
symlink "$Kedge::ROOT/$_", "$root/$_" for qw(nginx sql mail web);
my $shape = jdecode(slurp("$Kedge::ROOT/kedge.json"));
$shape->{web} = $web;
write_file("$root/kedge.json", Kedge::jencode($shape));
$k->{env}{KEDGE_ROOT} = $root;
$k->start;
is(open_page($k, '/')->{status}, 200, '"web" in kedge.json');
$r = open_page($k, '/deep/link');
is("$r->{status} $r->{body}", '404 <h1>my own 404</h1>', 'without "spa": the own 404 page, with its status');
is(fetch($k, '/deep/link')->{json}{code}, 'NOT_FOUND', 'JSON for a program');
is(open_page($k, '/empty/')->{status}, 404, 'a directory without an index');
keeps_others($k, 'kedge.json');
hides($k, 'kedge.json');
$k->down;
delete $k->{env}{KEDGE_ROOT};

# ---- a development server ---------------------------------------------------------------------

my $server = IO::Socket::INET->new(Listen => 20, LocalAddr => '127.0.0.1', LocalPort => 0)
    or die "listen: $!";
my $upstream = 'http://127.0.0.1:' . $server->sockport;
my $pid = fork // die "fork: $!";
if ($pid == 0) {
	Kedge::in_child();
	while (my $s = $server->accept) {
		my $head = '';
		while ($head !~ /\r\n\r\n/ && sysread $s, my $bytes, 4096) {
			$head .= $bytes;
		}
		if ($head =~ /^Upgrade: websocket/mi) {
			syswrite $s, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			    . "Connection: Upgrade\r\n\r\n";
			while (sysread $s, my $bytes, 4096) {
				syswrite $s, uc $bytes;
			}
		} else {
			$head =~ s/\r//g;
			syswrite $s, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: "
			    . length($head) . "\r\nConnection: close\r\n\r\n$head";
		}
		close $s;
	}
	POSIX::_exit(0);
}
close $server;
my $test = $$;
END { kill KILL => $pid if $pid && $$ == $test }
$k->start(args => [ '--web', $upstream ]);
$r = $k->client->get('/src/main.ts?t=1', headers => { 'X-Forwarded-For' => '1.2.3.4',
	'Remote-User' => 'root', 'Kedge-Identity' => 'x' });
is($r->{status}, 200, 'a development server');
like($r->{body}, qr{^GET /src/main\.ts\?t=1 HTTP/1\.1\n}, 'gets the path and the query');
like($r->{body}, qr/^X-Forwarded-For: 127\.0\.0\.1$/m, 'the development server gets the address that nginx saw');
unlike($r->{body}, qr/1\.2\.3\.4|Remote-User|Kedge-Identity/, 'the development server gets no identity from the client');
my $ws = raw_open($k->port);
syswrite $ws, "GET /hmr HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
sysread $ws, my $switched, 4096;
like($switched, qr{^HTTP/1\.1 101 }, 'a WebSocket');
syswrite $ws, 'reload';
sysread $ws, my $echo, 4096;
is($echo, 'RELOAD', 'a WebSocket works in both directions');
close $ws;
keeps_others($k, 'development server');
kill TERM => $pid;
waitpid $pid, 0;
$r = open_page($k, '/');
is($r->{status}, 502, 'when it is away');
like($r->{body}, qr/\Q$upstream\E/, 'the browser says which');
is(fetch($k, '/')->{json}{code}, 'BAD_GATEWAY', 'without a development server, a program gets JSON');
is(fetch($k, '/api/auth/ok')->{status}, 200, 'services do not need it');
$k->down;

# ---- what is refused ----------------------------------------------------------------------------

for my $row (
	[ "$web/nothing", qr{^kedge: --web \S+/nothing: No such file} ],
	[ "$web/assets", qr{assets has no index\.html; build the front end first} ],
	[ 'https://127.0.0.1:5173', qr{must be a directory, or http://HOST:PORT} ],
	[ 'http://127.0.0.1:5173/path', qr{without a path} ])
{
	my ($given, $says) = @$row;
	my ($status, $out, $err) = $k->kedge('up', '--port', '0', '--detach', '--web', $given);
	is($status, 1, "--web $given is refused");
	like($err, $says, 'the error says why');
}
done_testing;
