# A forgotten password: the link in a message works once, ends every session and every
# other link, and asking for it tells nobody who has an account.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Kedge qw(parallel wait_until);
use Kedge::Mail;

my $password = 'correct horse battery';
my $k = Kedge->up;

sub ask
{
	my ($email, %more) = @_;
	return $k->client->post('/api/auth/request-password-reset', { email => $email, %more });
}
sub reset_with
{
	my ($token, $new) = @_;
	my $r = $k->client(timeout => 90)->post('/api/auth/reset-password', { newPassword => $new, token => $token });
	return [ $r->{status}, $r->{json}{code} // '' ];
}
sub token_of { my ($m) = @_; return $m->{url} =~ m{/reset-password/([A-Za-z0-9]+)\?} ? $1 : undef }
sub sign_in { my ($email, $with) = @_; return $k->client->post('/api/auth/sign-in/email', { email => $email, password => $with })->{status} }
my %answer = (status => JSON::PP::true,
	message => 'If this email exists in our system, check your email for the reset link');

my $ann = $k->user('ann');
my $email = $ann->session->{user}{email};
my $r = ask($email, redirectTo => '/new?a=b');
is_deeply([ $r->{status}, $r->{json} ], [ 200, \%answer ], 'the answer for a user');
$r = ask('nobody@example.com', redirectTo => '/new');
is_deeply([ $r->{status}, $r->{json} ], [ 200, \%answer ], 'the same answer for nobody');

# ---- the message ------------------------------------------------------------------------

my $m = Kedge::Mail::to($k, $email);
my $base = $k->base;
is($m->{subject}, "A new password for 127.0.0.1:" . $k->port, 'the subject names the site');
like($m->{url}, qr{^\Q$base\E/api/auth/reset-password/[A-Za-z0-9]{43}\?callbackURL=%2Fnew%3Fa%3Db$}, 'the link');
my $escaped = $m->{url} =~ s/&/&amp;/gr;
like($m->{html}, qr{href="\Q$escaped\E"}, 'the HTML part has it too');
unlike($m->{text}, qr/ann|Ann/, 'the text has no name');
is($m->{header}{'auto-submitted'}, 'auto-generated', 'no vacation message answers it');
like($m->{id}, qr/^[0-9a-f-]{36}$/, 'the Message-ID is an id');
is($k->sql('auth', "SELECT state FROM job WHERE id = '$m->{id}'"), 'completed', 'namely that of the job');
ok(Kedge::Mail::settle($k), 'no row is left of it');
is(Kedge::Mail::count($k, 'nobody@localhost'), 0, 'nothing is sent for nobody');
is(scalar(grep { $_->{to} =~ /nobody/ } Kedge::Mail::all($k)), 0, 'to no address at all');
my $token = token_of($m);
my $seen = $k->sql('auth', q{SELECT string_agg(j::text, '') FROM job j WHERE kind = 'mail.send'});
ok(index($seen, $token) < 0 && index($seen, $email) < 0, 'the job shows neither the link nor the address');
is($k->sql('auth', q{SELECT count(DISTINCT (SELECT count(*) FROM jsonb_object_keys(payload))) FROM job WHERE kind = 'mail.send'}),
	'1', 'the jobs for a user and for nobody look the same');

# The language of the browser.
$k->client->request(POST => '/api/auth/request-password-reset', json => { email => $email },
	headers => { 'Accept-Language' => 'fr, de-AT;q=0.8' });
$m = Kedge::Mail::to($k, $email, 2);
like($m->{subject}, qr/^Ein neues Passwort/, 'the message is in the language of the browser');
is($m->{header}{'content-language'}, 'de', 'and says so');
my $older = token_of($m);

# ---- the link ---------------------------------------------------------------------------

my $link = Kedge::Mail::path($m->{url} =~ s/callbackURL=.*//r);
for my $row ([ '/new', "$base/new?token=$older" ], [ '/new?token=x&a=b#c', "$base/new?a=b&token=$older#c" ],
	[ "$base/n", "$base/n?token=$older" ], [ '', "$base/api/auth/error?error=INVALID_TOKEN" ]) {
	my ($url, $to) = @$row;
	$r = $k->client->get($link . 'callbackURL=' . ($url =~ s/([^\w])/sprintf '%%%02X', ord $1/ger));
	is_deeply([ $r->{status}, $r->{headers}{location} ], [ 302, $to ], "the link leads to \"$url\" with the token");
}
$r = $k->client->get('/api/auth/reset-password/wrong?callbackURL=%2Fnew%3Fa%3Db');
is_deeply([ $r->{status}, $r->{headers}{location} ], [ 302, "$base/new?a=b&error=INVALID_TOKEN" ], 'a wrong token leads there with an error');
for my $evil ('https://evil.example', '//evil.example', '/\\evil.example', 'javascript:alert(1)', 'https:evil.example',
	"$base\@evil.example/", '/%5cevil.example', "/\r\nSet-Cookie: a=b") {
	my $sent = $evil =~ s/([^\w])/sprintf '%%%02X', ord $1/ger;
	$r = $k->client->get("${link}callbackURL=$sent");
	is_deeply([ $r->{status}, $r->{json}{code}, $r->{headers}{location} ], [ 403, 'INVALID_CALLBACK_URL', undef ], "the link does not lead to $sent");
	$r = ask($email, redirectTo => $evil);
	is_deeply([ $r->{status}, $r->{json}{code} ], [ 403, 'INVALID_REDIRECT_URL' ], "and none is sent that does: $sent");
}
is($k->client->get("${link}callbackURL=/a&callbackURL=/b")->{status}, 400, 'callbackURL twice is refused');

# ---- the new password -------------------------------------------------------------------

is_deeply(reset_with($older, 'short'), [ 400, 'PASSWORD_TOO_SHORT' ], 'a short password is refused');
is_deeply(reset_with($older, 'x' x 129), [ 400, 'PASSWORD_TOO_LONG' ], 'a long one is');
is_deeply(reset_with('wrong', 'another horse'), [ 400, 'INVALID_TOKEN' ], 'a wrong token is');
is_deeply(reset_with('', 'another horse'), [ 400, 'INVALID_TOKEN' ], 'an empty one is');
my $second = $k->client;
$second->post('/api/auth/sign-in/email', { email => $email, password => $password });
is($second->session->{user}{email}, $email, 'there are two sessions');

# 64 at once with one token: one succeeds.
my @all = parallel(64, sub { my ($i) = @_; reset_with($older, "new password $i") });
my @won = grep { $all[$_][0] == 200 } 0 .. 63;
is(scalar @won, 1, 'of 64 requests with one token one succeeds') or diag(explain(\@all));
is_deeply([ grep { $_->[0] != 200 && !($_->[0] == 400 && $_->[1] eq 'INVALID_TOKEN') && $_->[0] !~ /^(?:429|503|504)$/ } @all ], [],
	'the others are told that it is invalid, or to come back later') or diag(explain(\@all));
my $new = "new password $won[0]";
is(sign_in($email, $new), 200, 'the new password works');
is(sign_in($email, $password), 401, 'the old one does not');
is($_->session, undef, 'a session from before is over') for $ann, $second;
is($k->client->get("/api/core/whoami")->{status}, 401, 'as for everybody without one');
is_deeply(reset_with($token, 'a third one'), [ 400, 'INVALID_TOKEN' ], 'the other link that was outstanding does not work any more');
is_deeply(reset_with($older, 'a third one'), [ 400, 'INVALID_TOKEN' ], 'nor the one that was used');
$m = Kedge::Mail::to($k, $email, 3);
like($m->{subject}, qr/^Your password .* was changed$/, 'the user is told by mail');
ok(!defined $m->{url}, 'without a link');

# Somebody who has no password yet gets one.
my $bob = $k->user('bob');
my $bobs = $bob->session->{user}{email};
$k->sql('auth', qq{DELETE FROM account WHERE "userId" = (SELECT id FROM "user" WHERE email = '$bobs')});
ask($bobs);
$token = token_of(Kedge::Mail::to($k, $bobs));
is_deeply(reset_with($token, 'first password'), [ 200, '' ], 'a user without a password gets one');
is(sign_in($bobs, 'first password'), 200, 'and signs in with it');

# The token may be in the query; an expired one is none; a deleted user is told so.
ask($bobs);
$token = token_of(Kedge::Mail::to($k, $bobs, 3));
$k->sql('auth', qq{UPDATE verification SET "expiresAt" = now() - interval '1 s' WHERE identifier = 'reset-password:$token'});
is_deeply(reset_with($token, 'another horse'), [ 400, 'INVALID_TOKEN' ], 'an expired token is invalid');
$r = $k->client->get("/api/auth/reset-password/$token?callbackURL=/n");
is($r->{headers}{location}, "$base/n?error=INVALID_TOKEN", 'also for its link');
ask($bobs);
$token = token_of(Kedge::Mail::to($k, $bobs, 4));
$r = $k->client->post("/api/auth/reset-password?token=$token", { newPassword => 'by the query' });
is($r->{status}, 200, 'the token may be in the query');
is(sign_in($bobs, 'by the query'), 200, 'and works');

# An address in other letters is the same one; one that mail cannot reach is not told.
$r = ask(uc $bobs);
is($r->{status}, 200, 'an address in capitals is known');
is(Kedge::Mail::to($k, $bobs, 6)->{to}, $bobs, 'the mail goes to the stored one');
for my $bad ('a@b@c', "a\@example.com\r\nBcc: x\@example.com", "m\x{fc}ller\@example.com", "a\x{ff20}example.com", '"a b"@example.com', 'a' x 300 . '@example.com') {
	$r = ask($bad);
	is_deeply([ $r->{status}, $r->{json}{code} ], [ 400, 'VALIDATION_ERROR' ], 'a malformed address is refused');
}
is(scalar(grep { $_->{raw} =~ /^Bcc:/m } Kedge::Mail::all($k)), 0, 'no message has another header');
ok($k->destroy, 'the logs have no sanitizer report or failed assertion');

# ---- limits, and without mail -----------------------------------------------------------

$k = Kedge->up(env => { AUTH_RATE_LIMIT => 'on', AUTH_MAIL_PER_ADDRESS => 2,
	AUTH_PLUGINS => 'email-password,admin,password-reset,two-factor' });
my $fay = $k->user('fay');
$k->sql('auth', qq{INSERT INTO verification (id, identifier, value, "expiresAt", "updatedAt") VALUES
    ('1', 'trust-device-x', '$fay->{id}', now() + interval '1 day', now()), ('2', 'trust-device-y', 'other', now() + interval '1 day', now())});
ask($fay->{email});
is_deeply(reset_with(token_of(Kedge::Mail::to($k, $fay->{email})), 'another horse'), [ 200, '' ], 'a user with a trusted browser resets the password');
is($k->sql('auth', q{SELECT string_agg(identifier, ',') FROM verification WHERE starts_with(identifier, 'trust-device-')}), 'trust-device-y',
	'the browser is not trusted any more');
my $cas = $k->user('cas');
my $limits = $k->redis('auth');
my %last;
for my $to ($cas->session->{user}{email}, 'nobody@example.com') {
	for (1 .. 3) {
		# The limit by address of the client has a counter of its own.
		$limits->cmd(DEL => $_) for $limits->keys_like('*ip|*');
		$last{$to} = ask($to);
		is($last{$to}{status}, $_ < 3 ? 200 : 429, "request $_ for one address");
	}
	ok($last{$to}{headers}{'retry-after'} > 60, 'says when to come back');
}
ok($k->destroy, 'the logs have no sanitizer report or failed assertion');

$k = Kedge->up(env => { AUTH_MAIL_URL => '' });
$r = ask($k->user('dan')->session->{user}{email});
is_deeply([ $r->{status}, $r->{json}{code} ], [ 400, 'RESET_PASSWORD_DISABLED' ], 'without mail the request is refused');
ok($k->destroy, 'the logs have no sanitizer report or failed assertion');
done_testing;
