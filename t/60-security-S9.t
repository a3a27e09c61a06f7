# S9, redirects and e-mail addresses: redirects go only to listed origins, an address
# has one canonical form, and nothing is accepted that two parsers could read
# differently.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jencode);

my $trusted = 'https://app.example';
my $k = Kedge->up(env => { AUTH_TRUSTED_ORIGINS => "$trusted,http://localhost:3000" });
my $alice = $k->user('alice');
my $base = $k->base;
my $host = $base =~ s{http://}{}r;

sub sign_in
{
	my ($url) = @_;
	return $k->client->post('/api/auth/sign-in/email',
		{ email => $alice->{email}, password => $alice->{password}, callbackURL => $url })
}

for my $url ('/', '/home', '/a/b?c=d&e=f', '/home#x', "$base/home", $trusted, "$trusted/x?y=z",
	'http://localhost:3000/') {
	my $r = sign_in($url);
	is($r->{status}, 200, "a sign-in with callbackURL $url succeeds") or diag($r->{body});
	is($r->{json}{url}, $url, "the answer has the url $url");
	is($r->{headers}{location}, $url, "the answer has the Location $url");
}
my @evil = (
	'//evil.example', '///evil.example', '/\\evil.example', '\\/evil.example',
	'\\\\evil.example', '/%2fevil.example', '/%2Fevil.example', '/%5cevil.example',
	'/%5Cevil.example',
	"/\t/evil.example", "/\n/evil.example", "\t//evil.example", ' //evil.example', "/\r\nX: y",
	"/home\r\nSet-Cookie: a=b", "/home\nX", '/home%0d%0aX: y' . "\n", "/\0/evil.example",
	'https:evil.example', 'https:/evil.example', 'https:///evil.example', 'http:evil.example',
	'https://evil.example', 'HTTPS://EVIL.EXAMPLE', 'evil.example', 'www.evil.example/x',
	"https://app.example\@evil.example", "https://app.example%40evil.example",
	'https://app.example:x@evil.example', "https://evil.example#$trusted",
	"https://evil.example?$trusted",
	"https://evil.example\\\@app.example", 'https://app.example.evil.example',
	'https://app.examplee', 'https://xapp.example', 'https://app.example:444',
	'http://app.example',
	'https://app.example.', "https://app.ex\x{430}mple", "https://\x{ff41}pp.example",
	'https://app%2eexample', 'https://app.example%2f@evil.example',
	'https://APP.EXAMPLE.evil.example',
	'javascript:alert(1)', 'JavaScript:alert(1)', "java\tscript:alert(1)", 'data:text/html,x',
	'vbscript:x', 'file:///etc/passwd', 'about:blank', 'blob:https://app.example/x',
	'ftp://app.example/', 'ws://app.example/',
	"$base\@evil.example", "$base.evil.example", "http://evil.example\@evil2.example/$host",
	"//$host", "http://127.0.0.1", 'http://localhost:3001/', 'http://localhost',
	'http://[::1]:3000/', '?x', '#x', '.', '..', './home', '../home',
	'*', 'null', 'undefined', 'x' x 10_000, "https://app.example/\r\nX: y",
	"https://app.example /x", "https://app.example\t/");
for my $url (@evil) {
	my $r = sign_in($url);
	my $name = jencode(substr $url, 0, 50);
	like($r->{status}, qr/^(400|403)$/, "a sign-in with $name as callbackURL is refused") or diag("$r->{status} $r->{body}");
	ok(!defined $r->{headers}{location}, "a sign-in with $name has no Location") if $r->{status} != 403;
	ok(!@{ $r->{cookies} }, "a sign-in with $name begins no session");
}
is(
	$k->client->post(
		'/api/auth/sign-up/email',
		{ name => 'x', email => 'redirected@example.com',
			password => 'correct horse battery', callbackURL => '//evil.example'
		}
	)->{status},
	403,
	'a sign-up with a foreign callbackURL is refused');
is($k->sql('auth', q{SELECT count(*) FROM "user" WHERE email = 'redirected@example.com'}), 0,
	'no user is stored for the refused sign-up');

# The error page redirects to the root of our own site, with a sanitised code.
for my $q ('error=%3Cscript%3E', 'error=//evil.example', 'error=a&error_description=%0d%0aX:y',
	'error=a&error_description=%22onload=', 'error=http://evil.example') {
	my $r = $k->client->get("/api/auth/error?$q");
	is($r->{status}, 302, "/error?$q is redirected");
	like($r->{headers}{location},
		qr{^/\?error=[A-Za-z0-9_'-]+(?:&error_description=[^\s<>"]*)?$}, 'to ourselves');
}

# E-mail addresses are refused or converted to one form.
my @address = (
	'a@b@c.example', 'a@@example.com', '@example.com', 'a@', 'a', 'a@b', 'a @example.com',
	"a\@example.com\r\nBcc: x\@y.example", "a\n\@example.com", "a\0\@example.com",
	"a\@example.com\0",
	'"quoted"@example.com', '"a b"@example.com', 'a(comment)@example.com', '<a@example.com>',
	'A <a@example.com>', 'a@example.com,b@example.com', 'a@example.com;b@example.com',
	'mailto:a@example.com', "a\x{ff20}example.com", "a\@ex\x{e4}mple.com",
	"\x{430}\@example.com", 'a@[127.0.0.1]', 'a@127.0.0.1', 'a@-example.com', 'a@.example.com',
	'a@example..com',
	'a@example.com.', '.a@example.com', 'a.@example.com', 'a..b@example.com',
	'x' x 10_000 . '@example.com', 'a@' . 'x' x 10_000 . '.com', "a\@example.com\x{202e}",
	' a@example.com', 'a@example.com ',
	'a@exa_mple.com', 'a@example.c', 'a@example.123', 'a!b@example.com', 'a%b@example.com',
	'a/b@example.com');
for my $email (@address) {
	my $r = $k->client->post('/api/auth/sign-up/email',
		{ name => 'x', email => $email, password => 'correct horse battery' });
	like($r->{status}, qr/^(400|413)$/, 'not an address: ' . jencode(substr $email, 0, 40))
	    or diag($r->{body});
}
for my $pair ([ 'Simple@Example.COM', 'simple@example.com' ],
	[ 'dot.ted+tag@sub.example.co.uk', 'dot.ted+tag@sub.example.co.uk' ],
	[ "o'brien\@example.com", "o'brien\@example.com" ],
	[ 'x_y-z@ex-ample.com', 'x_y-z@ex-ample.com' ]) {
	my ($given, $stored) = @$pair;
	my $c = $k->client;
	is(
		$c->post(
			'/api/auth/sign-up/email',
			{ name => 'x', email => $given, password => 'correct horse battery' }
		)->{json}{user}{email},
		$stored,
		"the address $given is stored as $stored");
	is(
		$k->client->post(
			'/api/auth/sign-in/email',
			{ email => uc $given, password => 'correct horse battery' }
		)->{status},
		200,
		"the user of $given can sign in with capitals");
}
# Letters that other systems convert to ASCII letters: they give neither a second
# account nor access to an existing one.
for my $letter ("\x{130}", "\x{131}", "\x{17f}", "\x{212a}") {
	my $r = $k->client->post('/api/auth/sign-in/email',
		{ email => "s${letter}mple\@example.com", password => 'correct horse battery' });
	isnt($r->{status}, 200, sprintf 'U+%04X is not folded into somebody', ord $letter);
}
is(
	$k->sql('auth',
q{SELECT count(*) FROM "user" WHERE email <> lower(email) OR email !~ '^[[:ascii:]]+$'}
	),
	0,
	'each stored address is in lower case');
done_testing;
