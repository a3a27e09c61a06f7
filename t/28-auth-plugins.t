# Plugins of auth: their sources are separate from the rest of auth; all sessions are
# created by the same function; and AUTH_PLUGINS enables and disables a plugin with
# everything that it declares.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jencode run slurp);

chdir $Kedge::ROOT or die;

# ---- the source ------------------------------------------------------------------------

my @sources = grep { /\.[ch]$/ } split /\n/, qx(git ls-files -co --exclude-standard services/auth);
my %code; # the source without its comments
for my $file (grep { -f } @sources) {
	$code{$file} = slurp($file) =~ s{/\*.*?\*/}{}gsr;
}
cmp_ok(scalar keys %code, '>', 50, 'the sources of auth are found');

sub those
{
	my ($pattern) = @_;
	return [ sort grep { $code{$_} =~ $pattern } keys %code ];
}

my $identity = 'services/auth/identity';
is_deeply(those(qr/INSERT\s+INTO\s+(?:\\")?session\b/i), ["$identity/session_store.c"],
	'one file inserts sessions');
is_deeply(those(qr/\bsession_insert\(/),
	[ "$identity/session.c", "$identity/session_store.c", "$identity/session_store.h" ],
	'session_begin() alone calls it');
is_deeply(those(qr/\bsession_cookie_tokens\(/), [ map {"services/auth/http/$_"}
	    qw(credential.c session_cookie.c session_cookie.h) ],
	'credential_of() alone reads the session cookie');
my @names = map { m{/plugin/(\w+)/} ? $1 : () } keys %code;
cmp_ok(scalar @names, '>', 1, 'services/auth/plugin has several folders');
my @foreign;
for my $file (sort keys %code) {
	my ($own) = $file =~ m{/plugin/(\w+)/};
	push @foreign, map {"$file: $_"} grep { $_ ne ($own // '') }
	    $code{$file} =~ m{#include "auth/plugin/(\w+)/}g;
}
is_deeply([ grep { !m{^services/auth/plugins\.c:} } @foreign ], [],
	'only plugins.c names plugins');
is_deeply([ map {s/.*: //r} @foreign ], [ do { my %s; sort grep { !$s{$_}++ } @names } ],
	'plugins.c names each plugin');
for my $name (do { my %s; sort grep { !$s{$_}++ } @names }) {
	ok(-f "services/auth/plugin/$name/README.md", "$name has a README");
}

# ---- start ------------------------------------------------------------------------------

my $auth = Kedge->binary('auth');
for (   [ 'nope', qr/there is no plugin \\"nope\\"/ ], [ 'admin,admin', qr/admin is named twice/ ],
	[ 'session', qr/there is no plugin \\"session\\"/ ]) {
	my ($names, $says) = @$_;
	for my $flag ('--check', '--openapi') {
		my ($status, $out, $err) = run({ env => { AUTH_PLUGINS => $names } }, $auth, $flag);
		is($status, 1, "AUTH_PLUGINS=$names: auth $flag is refused");
		like($err, $says, 'the error gives the reason');
	}
}
my ($status, $out) = run({ env => { AUTH_PLUGINS => 'admin' } }, $auth, '--openapi');
is($status, 0, 'auth --openapi succeeds without email-password');
unlike($out, qr{/sign-in/email}, 'OpenAPI has no path of a disabled plugin');

# ---- a plugin that is off ----------------------------------------------------------------

my $k = Kedge->up(env => { AUTH_PLUGINS => 'email-password' });
my $alice = $k->user('alice');
my $r = $alice->get('/api/auth/get-session');
is_deeply([ sort keys %{ $r->{json}{user} } ],
	[ sort qw(id name email emailVerified image createdAt updatedAt),
		map { 'has' . ucfirst($_) . 'Account' } grep { $_ ne 'auth' } Kedge::services() ],
	'the user has no role and no ban when the plugin admin is off');
is_deeply([ sort keys %{ $r->{json}{session} } ],
	[ sort qw(id token userId expiresAt createdAt updatedAt ipAddress userAgent) ],
	'a session has no impersonatedBy when the plugin admin is off');
is($alice->post('/api/auth/update-user', { role => 'admin', name => 'A' })->{status}, 200,
	'update-user ignores the member role when the plugin admin is off');
is($k->sql('auth', qq{SELECT role IS NULL AND banned IS NULL FROM "user" WHERE id = '$alice->{id}'}),
	't', 'the ignored members are not stored');
is($alice->get('/api/core/admin/stats')->{status}, 403, 'a user is not an admin when the plugin admin is off');
my ($failed, undef, $why) = $k->kedge('user', 'create', 'x@example.com', '--role', 'admin');
is($failed, 1, 'kedge user create --role fails');
like($why, qr/plugin admin is off/, 'the error of kedge user says that the plugin admin is off');
# A ban that is stored stays effective when the plugin is disabled.
$k->sql('auth', qq{UPDATE "user" SET banned = true WHERE id = '$alice->{id}'});
is($k->client->post('/api/auth/sign-in/email',
	{ email => $alice->{email}, password => $alice->{password} })->{json}{code}, 'BANNED_USER',
	'a banned user cannot sign in when the plugin admin is off');
ok($k->destroy, 'the logs have no sanitizer report or failed assertion');

$k = Kedge->up(env => { AUTH_PLUGINS => 'admin' });
for my $path ('sign-up/email', 'sign-in/email', 'change-password') {
	$r = $k->client->post("/api/auth/$path", { email => 'a@b.co', password => 'x' });
	is_deeply([ $r->{status}, $r->{json}{code} ], [ 404, 'NOT_SUPPORTED' ],
		"$path is 404 when email-password is off");
}
is($k->client->get('/api/auth/get-session')->{body}, 'null', 'get-session answers when all plugins are off');
unlike(jencode($k->client->get('/api/auth/openapi.json')->{json}), qr/sign-up/,
	'OpenAPI has no sign-up when email-password is off');
done_testing;
