# Confirming an address by a link, required or not; signing up where that is required
# tells nobody who has an account; changing the address is confirmed at both ends.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Kedge qw(parallel run wait_until);
use Kedge::Mail;

my $password = 'correct horse battery';
my $k = Kedge->up;
my $base = $k->base;
sub verified { my ($email) = @_; return $k->sql('auth', qq{SELECT "emailVerified" FROM "user" WHERE email = '$email'}) }
sub open_link { my ($url, $who) = @_; return ($who // $k->client)->get(Kedge::Mail::path($url)) }
sub code_of { my ($r) = @_; return [ $r->{status}, $r->{json}{code} // '' ] }

# ---- asked for --------------------------------------------------------------------------

my $ann = $k->user('ann');
is($ann->session->{user}{emailVerified}, JSON::PP::false, 'off: a new user is not verified');
my $r = $ann->post('/api/auth/send-verification-email', { email => $ann->{email}, callbackURL => '/in?a=b' });
is_deeply([ $r->{status}, $r->{json} ], [ 200, { status => JSON::PP::true } ], 'a link is asked for');
my $m = Kedge::Mail::to($k, $ann->{email});
like($m->{url}, qr{^\Q$base\E/api/auth/verify-email\?token=[\w.-]+&callbackURL=%2Fin%3Fa%3Db$}, 'it is a link of BetterAuth');
is_deeply(code_of($ann->post('/api/auth/send-verification-email', { email => 'other@example.com' })), [ 400, 'EMAIL_MISMATCH' ],
	'not for another address, when signed in');
for my $evil ('https://evil.example', '//evil.example', '/\\evil.example', 'javascript:alert(1)') {
	is_deeply(code_of($ann->post('/api/auth/send-verification-email', { email => $ann->{email}, callbackURL => $evil })),
		[ 403, 'INVALID_CALLBACK_URL' ], "no link leads to $evil");
	my $link = Kedge::Mail::path($m->{url} =~ s/callbackURL=.*/"callbackURL=" . $evil =~ s{([^\w])}{sprintf '%%%02X', ord $1}ger/er);
	is_deeply(code_of($k->client->get($link)), [ 403, 'INVALID_CALLBACK_URL' ], 'nor can one be made to');
}
is(verified($ann->{email}), 'f', 'none of that verifies it');
my $no_target = Kedge::Mail::path($m->{url} =~ s/&callbackURL=.*//r);
my ($token) = $m->{url} =~ /token=([\w.-]+)/;
for my $row ([ 'x', 'INVALID_TOKEN' ], [ $token . 'x', 'INVALID_TOKEN' ], [ ($token =~ s/\.[^.]+$/./r), 'INVALID_TOKEN' ]) {
	my ($wrong, $code) = @$row;
	is_deeply(code_of($k->client->get("/api/auth/verify-email?token=$wrong")), [ 401, $code ], 'a wrong token is refused');
	$r = $k->client->get("/api/auth/verify-email?token=$wrong&callbackURL=%2Fin%3Fa%3Db");
	is_deeply([ $r->{status}, $r->{headers}{location} ], [ 302, "/in?a=b&error=$code" ], 'in a browser it leads to the page');
}
is($k->client->get('/api/auth/verify-email')->{json}{code}, 'VALIDATION_ERROR', 'without a token the request is refused');
my $visitor = $k->client;
$r = open_link($m->{url}, $visitor);
is_deeply([ $r->{status}, $r->{headers}{location} ], [ 302, '/in?a=b' ], 'the link leads to the page');
is(verified($ann->{email}), 't', 'the address is verified');
is($visitor->session, undef, 'who opens it is not signed in');
is($ann->session->{user}{emailVerified}, JSON::PP::true, 'the session shows it at once');
$r = $k->client->get($no_target);
is_deeply([ $r->{status}, $r->{json} ], [ 200, { status => JSON::PP::true, user => undef } ], 'opened again it changes nothing');
is_deeply(code_of($ann->post('/api/auth/send-verification-email', { email => $ann->{email} })), [ 400, 'EMAIL_ALREADY_VERIFIED' ],
	'another one is not sent');
# Without a session the answer is the same for everybody.
my $bob = $k->user('bob');
my %answer;
for my $email ($ann->{email}, $bob->{email}, 'nobody@example.com') {
	$r = $k->client->post('/api/auth/send-verification-email', { email => $email });
	$answer{"$r->{status} $r->{body}"}++;
}
is_deeply([ keys %answer ], [ '200 {"status":true}' ], 'verified, not verified and unknown addresses get one answer');
ok(Kedge::Mail::settle($k), 'all messages are sent');
is(Kedge::Mail::count($k, $ann->{email}), 1, 'a verified address gets no link');
is(Kedge::Mail::count($k, $bob->{email}), 1, 'another one does');
is(Kedge::Mail::count($k, 'nobody@example.com'), 0, 'nobody does not');
# The address of the token must still be the user's.
my $bobs_link = Kedge::Mail::to($k, $bob->{email})->{url};
$k->sql('auth', qq{UPDATE "user" SET email = 'bob2\@example.com' WHERE email = '$bob->{email}'});
$k->sql('auth', qq{UPDATE "user" SET email = '$bob->{email}', "emailVerified" = false WHERE email = '$ann->{email}'});
is_deeply(code_of($k->client->get(Kedge::Mail::path($bobs_link =~ s/&callback.*//r))), [ 401, 'INVALID_TOKEN' ], 'a link does not verify the address for its next owner');

# ---- changed ----------------------------------------------------------------------------

my $cas = $k->user('cas');
my $old = $cas->{email};
$k->sql('auth', qq{UPDATE "user" SET "emailVerified" = true WHERE email = '$old'});
is_deeply(code_of($cas->post('/api/auth/change-email', { newEmail => uc $old })), [ 400, '' ], 'the same address is refused');
is($k->client->post('/api/auth/change-email', { newEmail => 'x@example.com' })->{status}, 401, 'a change needs a session');
$k->client->post('/api/auth/request-password-reset', { email => $old });
my $reset = Kedge::Mail::to($k, $old);
$r = $cas->post('/api/auth/change-email', { newEmail => 'Cas.New@example.com', callbackURL => '/settings' });
is_deeply([ $r->{status}, $r->{json} ], [ 200, { status => JSON::PP::true } ], 'a verified user asks for another address');
$m = Kedge::Mail::to($k, $old, 2);
like($m->{subject}, qr/^Another e-mail address/, 'the old address is asked first');
unlike($m->{text}, qr/cas\.new/i, 'the message has no address in it');
is_deeply(code_of($bob->get(Kedge::Mail::path($m->{url} =~ s/&callback.*//r))), [ 401, 'INVALID_USER' ], 'another user does not confirm it');
$r = open_link($m->{url});
is_deeply([ $r->{status}, $r->{headers}{location} ], [ 302, '/settings' ], 'opening that link leads to the page');
is($cas->session->{user}{email}, $old, 'and changes nothing yet');
my $new = Kedge::Mail::to($k, 'cas.new@example.com');
my $second = Kedge::Mail::path($new->{url} =~ s/&callback.*//r);
# Of 16 visits at once one changes the address; the others find it changed.
my @all = parallel(16, sub { code_of($k->client->get($second)) });
is(scalar(grep { $_->[0] == 200 } @all), 1, 'of 16 visits one changes the address') or diag(explain(\@all));
is($cas->session->{user}{email}, 'cas.new@example.com', 'the session has the new address at once');
is($cas->session->{user}{emailVerified}, JSON::PP::true, 'which is as verified as the old one');
is_deeply(code_of($k->client->get($second)), [ 401, 'INVALID_TOKEN' ], 'the link does not work again');
like(Kedge::Mail::to($k, $old, 3)->{subject}, qr/was changed$/, 'the old address is told');
is($k->client->post('/api/auth/reset-password', { newPassword => 'another horse', token => ($reset->{url} =~ m{reset-password/(\w+)})[0] })->{json}{code},
	'INVALID_TOKEN', 'a link for a new password that the old address has does not work any more');
is($k->client->post('/api/auth/sign-in/email', { email => 'cas.new@example.com', password => $password })->{status}, 200, 'one signs in with the new address');

# An address that somebody has: the same answer, and nothing arrives there.
my $before = Kedge::Mail::count($k, 'bob2@example.com');
$r = $cas->post('/api/auth/change-email', { newEmail => 'bob2@example.com' });
is_deeply($r->{json}, { status => JSON::PP::true }, 'an address that is taken gets the same answer');
$m = Kedge::Mail::to($k, 'cas.new@example.com', 2);
is(open_link($m->{url})->{status}, 302, 'also at the next step');
ok(Kedge::Mail::settle($k), 'all messages are sent');
is(Kedge::Mail::count($k, 'bob2@example.com'), $before, 'its owner hears nothing');
ok($k->destroy, 'the logs have no sanitizer report or failed assertion');

# ---- required ---------------------------------------------------------------------------

$k = Kedge->up(env => { AUTH_EMAIL_VERIFICATION => 'required', AUTH_EMAIL_VERIFICATION_SIGN_IN => 'on' });
sub sign_up { my ($email, $c) = @_; return ($c // $k->client)->post('/api/auth/sign-up/email', { name => 'N', email => $email, password => $password, callbackURL => '/welcome' }) }
my $dan = $k->client;
$r = sign_up('dan@example.com', $dan);
is_deeply([ $r->{status}, $r->{json}{token}, $r->{json}{user}{email} ], [ 200, undef, 'dan@example.com' ], 'sign-up begins no session');
is_deeply($r->{cookies}, [], 'and sets no cookie');
my $again = sign_up('dan@example.com');
my %shape = map { my $u = $_->{json}{user}; (join(',', map { "$_=" . (/^(?:id|createdAt|updatedAt)$/ ? length $u->{$_} : $u->{$_} // 'null') } sort keys %$u) => 1) } $r, $again;
is(scalar keys %shape, 1, 'an address that a user has gets the same answer') or diag(explain(\%shape));
isnt($again->{json}{user}{id}, $r->{json}{user}{id}, 'with an id of nobody');
is($k->sql('auth', 'SELECT count(*) FROM "user"'), '1', 'there is one user');
$m = Kedge::Mail::to($k, 'dan@example.com');
ok(Kedge::Mail::settle($k), 'all messages are sent');
is(Kedge::Mail::count($k, 'dan@example.com'), 1, 'and one message');
is_deeply(code_of($dan->post('/api/auth/sign-in/email', { email => 'dan@example.com', password => $password })), [ 403, 'EMAIL_NOT_VERIFIED' ], 'the right password does not sign in');
is_deeply(code_of($dan->post('/api/auth/sign-in/email', { email => 'dan@example.com', password => 'wrong password' })), [ 401, 'INVALID_EMAIL_OR_PASSWORD' ], 'a wrong one is told first');
my $browser = $k->client;
$r = open_link($m->{url}, $browser);
is_deeply([ $r->{status}, $r->{headers}{location} ], [ 302, '/welcome' ], 'the link leads to the page of the sign-up');
is($browser->session->{user}{email}, 'dan@example.com', 'and signs in');
is($dan->post('/api/auth/sign-in/email', { email => 'dan@example.com', password => $password })->{status}, 200, 'now the password does');
my $other = $k->client;
open_link($m->{url}, $other);
is($other->session, undef, 'opened again, the link signs nobody in');
# A banned user is not signed in by a link.
sign_up('eve@example.com');
$m = Kedge::Mail::to($k, 'eve@example.com');
$k->sql('auth', q{UPDATE "user" SET banned = true WHERE email = 'eve@example.com'});
is_deeply(code_of(open_link($m->{url}, $other)), [ 403, 'BANNED_USER' ], 'a banned user is not signed in');
is($other->session, undef, 'really not');
ok($k->destroy, 'the logs have no sanitizer report or failed assertion');

# ---- settings ---------------------------------------------------------------------------

$k = Kedge->up(env => { AUTH_EMAIL_VERIFICATION_CHANGE => 'off', AUTH_MAIL_URL => '' });
$ann = $k->user('ann');
is_deeply(code_of($ann->post('/api/auth/change-email', { newEmail => 'x@example.com' })), [ 400, 'CHANGE_EMAIL_DISABLED' ], 'AUTH_EMAIL_VERIFICATION_CHANGE=off');
is_deeply(code_of($ann->post('/api/auth/send-verification-email', { email => $ann->{email} })), [ 400, 'VERIFICATION_EMAIL_NOT_ENABLED' ], 'without mail no link is sent');
my %env = (%{ $k->service_env('auth') });
for my $row ([ { AUTH_EMAIL_VERIFICATION => 'sometimes' }, 'must be off, on-sign-up or required' ], [ { AUTH_EMAIL_VERIFICATION => 'required' }, 'needs mail' ]) {
	my ($status, $out, $err) = run({ env => { %env, %{ $row->[0] } }, timeout => 20 }, Kedge->binary('auth'), '--check');
	isnt($status, 0, "auth does not start: $row->[1]");
	like("$out$err", qr/$row->[1]/, 'and says why');
}
ok($k->destroy, 'the logs have no sanitizer report or failed assertion');
done_testing;
