# Behind TLS, and with a configured name prefix: the cookie's name and its Secure flag.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge;

my $origin = 'https://kedge.example';
my $k = Kedge->up(
	env => {AUTH_URL => $origin,
		AUTH_COOKIE_PREFIX => 'anchor',
		AUTH_TRUSTED_ORIGINS => 'https://app.example,https://other.example:8443',
	});
my $c = $k->client(origin => $origin);
my $r = $c->post('/api/auth/sign-up/email',
	{ name => 'S', email => 'secure@example.com', password => 'correct horse battery' });
is($r->{status}, 200, 'sign-up on https succeeds') or diag($r->{body});
like(   $r->{cookies}[0],
qr/^__Secure-anchor\.session_token=\S+; Max-Age=604800; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
	'the session cookie has Secure and the prefix __Secure-');
is($c->get('/api/core/whoami')->{status}, 200, 'verify reads the cookie with the configured prefix');
my ($value) = values %{ $c->{jar} };
for my $name (
	'anchor.session_token', 'better-auth.session_token', '__Secure-better-auth.session_token',
	'__Host-anchor.session_token', '__secure-anchor.session_token'
) {
	is($k->client->get('/api/core/whoami', cookie => "$name=$value")->{status}, 401,
		"verify does not read the cookie under the name $name");
}
$r = $c->sign_out;
like(   $r->{cookies}[0],
	qr/^__Secure-anchor\.session_token=; Max-Age=0; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
	'sign-out clears the cookie under its prefixed name');

# AUTH_TRUSTED_ORIGINS lists the origins whose pages may sign in.
my %login = (email => 'secure@example.com', password => 'correct horse battery');
for my $trusted ($origin, 'https://app.example', 'https://other.example:8443') {
	is($k->client->post('/api/auth/sign-in/email', {%login}, origin => $trusted)->{status},
		200, "sign-in from the trusted origin $trusted is accepted");
}
for my $foreign (
	$k->base, 'http://kedge.example', 'https://kedge.example:8443', 'https://other.example',
	'https://app.example.evil.example', 'https://evil-app.example', 'null',
	'https://app.example@evil.example',
	'https://APP.example.', 'file://'
) {
	is($k->client->post('/api/auth/sign-in/email', {%login}, origin => $foreign)->{status},
		403, "sign-in from the origin $foreign is refused");
}
done_testing;
