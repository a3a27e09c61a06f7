# The plugin two-factor answers like BetterAuth's and works with BetterAuth's client.  A
# code, a backup code and a sign-in that waits for a code can be used once, however many
# requests try at the same time.  What happens between the password and the code counts.
# BetterAuth and auth can use each other's secrets in one database.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Kedge qw(parallel wait_until);
use Kedge::Mail;
use Kedge::Node;
use Kedge::Totp qw(code);

my $password = 'correct horse battery';
my $k = Kedge::Node->compare_plugin('two-factor', env => {
	AUTH_TWO_FACTOR_ISSUER => 'Better Auth', AUTH_MAIL_URL => '' }); # BetterAuth there sends no mail

sub post
{
	my ($c, $path, $in) = @_;
	return $c->post("/api/auth/$path", $in);
}

sub said { return join ' ', $_[0]{status}, $_[0]{json}{code} // () }

# Every code that was used can be used again, as if its time had come again.
sub forget_codes { return $k->sql('auth', 'UPDATE "twoFactor" SET kedge_used_step = NULL') }

my $count = 0;
# A user with an app: the name, the address for the app, the backup codes, the browser.
sub enrolled
{
	my (%more) = @_;
	my $name = 'person' . ++$count;
	my $c = $k->client;
	post($c, 'sign-up/email', { name => $name, email => "$name\@example.com", password => $password, %more });
	my $r = post($c, 'two-factor/enable', { password => $password });
	my ($uri, $codes) = @{ $r->{json} }{qw(totpURI backupCodes)};
	is(said(post($c, 'two-factor/verify-totp', { code => code($uri) })), 200, "$name has a second factor");
	forget_codes();
	return ($name, $uri, $codes, $c);
}

# A browser that has shown the password, and not the code.
sub half_in
{
	my ($name, $base) = @_;
	my $c = $base ? Kedge::Client->new(base => $base) : $k->client;
	my $r = post($c, 'sign-in/email', { email => "$name\@example.com", password => $password });
	ok($r->{json}{twoFactorRedirect}, "$name: the password alone is not enough") or diag($r->{body});
	return $c;
}

sub signed_in { my $r = $_[0]->get('/api/auth/get-session'); return $r->{json} && $r->{json}{user}{name} }

note('one code, one sign-in');
my ($name, $uri, $codes, $owner) = enrolled();
for my $row ([ 'verify-totp' => sub { code($uri) } ], [ 'verify-backup-code' => sub { $codes->[0] } ]) {
	my ($path, $code) = @$row;
	my $c = half_in($name);
	my $cookie = $c->cookie_header;
	my $sent = $code->();
	my @said = parallel(64, sub { my $r = $k->client->request(POST => "/api/auth/two-factor/$path",
		json => { code => $sent }, cookie => $cookie); return said($r) });
	is(scalar(grep { $_ eq '200' } @said), 1, "$path: of 64 requests at the same time one signs in")
		or diag(join "\n", @said);
	is(scalar(grep { !/^(?:200|401 INVALID_(?:CODE|BACKUP_CODE|TWO_FACTOR_COOKIE)|400 TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE|409.*|429 ACCOUNT_TEMPORARILY_LOCKED)$/ } @said),
		0, "$path: the others are refused") or diag(join "\n", @said);
	$k->sql('auth', 'UPDATE "twoFactor" SET "failedVerificationCount" = 0, "lockedUntil" = NULL');
}
my $again = half_in($name);
is(said(post($again, 'two-factor/verify-backup-code', { code => $codes->[0] })), '401 INVALID_BACKUP_CODE',
	'a used backup code is wrong');
is(signed_in($again), undef, 'nobody is signed in by it');

note('guessing');
my @browsers = map { half_in($name) } 1 .. 3;
my %seen;
$seen{ said(post($browsers[int($_ / 4)], 'two-factor/verify-totp', { code => '000000' })) }++ for 0 .. 10;
is_deeply(\%seen, { '401 INVALID_CODE' => 9, '429 ACCOUNT_TEMPORARILY_LOCKED' => 2 },
	'after ten wrong codes in a row, in whichever sign-in, no code is looked at')
	or diag(explain(\%seen));
my $locked = half_in($name);
my $r = post($locked, 'two-factor/verify-totp', { code => code($uri) });
is(said($r), '429 ACCOUNT_TEMPORARILY_LOCKED', 'nor the right one');
cmp_ok($r->{headers}{'retry-after'}, '>', 0, 'and the answer says when to try again');
ok(signed_in($owner), 'who is signed in stays so');
$k->sql('auth', q{UPDATE "twoFactor" SET "lockedUntil" = now() - interval '1 s'});
forget_codes();
is(said(post($locked, 'two-factor/verify-totp', { code => code($uri) })), 200, 'it is good again afterwards');
is($k->sql('auth', qq{SELECT "failedVerificationCount", "lockedUntil" IS NULL FROM "twoFactor" t
	JOIN "user" u ON u.id = t."userId" WHERE u.name = '$name'}), '0|t', 'and the wrong ones are forgotten');

note('between the password and the code');
for my $row (
	[ 'the password was changed', 'UPDATE account SET password = reverse(password) WHERE "userId" = $$ID$$' ],
	[ 'the user was banned', 'UPDATE "user" SET banned = true WHERE id = $$ID$$' ],
	[ 'the user was deleted', 'DELETE FROM "user" WHERE id = $$ID$$' ],
	[ 'the sign-in expired', q{UPDATE verification SET "expiresAt" = now() WHERE value = $$ID$$} ]) {
	my ($what, $sql) = @$row;
	my ($who, $address) = enrolled();
	my $c = half_in($who);
	my $id = $k->sql('auth', qq{SELECT id FROM "user" WHERE name = '$who'});
	$k->sql('auth', $sql =~ s/ID/$id/r);
	$r = post($c, 'two-factor/verify-totp', { code => code($address) });
	like(said($r), qr/^(?:401 INVALID_TWO_FACTOR_COOKIE|403 BANNED_USER)$/, "$what: the code is refused");
	is(signed_in($c), undef, "$what: nobody is signed in");
}

note('a browser that is trusted');
($name, $uri, $codes, $owner) = enrolled();
my $trusted = half_in($name);
is(said(post($trusted, 'two-factor/verify-totp', { code => code($uri), trustDevice => \1 })), 200, 'it is trusted');
my $sign_in = { email => "$name\@example.com", password => $password };
ok(post($trusted, 'sign-in/email', $sign_in)->{json}{token}, 'and is not asked for a code');
my ($other, $other_uri) = enrolled();
$r = post($trusted, 'sign-in/email', { email => "$other\@example.com", password => $password });
ok($r->{json}{twoFactorRedirect}, 'another user is asked in it');
$trusted = half_in($name);
forget_codes();
post($trusted, 'two-factor/verify-totp', { code => code($uri), trustDevice => \1 });
is(said(post($owner, 'change-password', { currentPassword => $password, newPassword => 'another password' })), 200,
	'the password is changed');
$r = post($trusted, 'sign-in/email', { %$sign_in, password => 'another password' });
ok($r->{json}{twoFactorRedirect}, 'it is not trusted any more');

note('BetterAuth on the same database');
my $oracle = Kedge::Node->oracle(version => '1.7.25', database => $k->node_url('auth'),
	secret => $k->service_env('auth')->{AUTH_SECRET}, plugins => 'two-factor');
my $there = Kedge::Client->new(base => $oracle->{base});
$name = 'there';
post($there, 'sign-up/email', { name => $name, email => "$name\@example.com", password => $password });
$r = post($there, 'two-factor/enable', { password => $password });
($uri, $codes) = @{ $r->{json} }{qw(totpURI backupCodes)};
is(said(post($there, 'two-factor/verify-totp', { code => code($uri) })), 200, 'a user of BetterAuth has a second factor');
my $here = half_in($name);
is(said(post($here, 'two-factor/verify-totp', { code => code($uri) })), 200, 'its app works with auth');
$here = half_in($name);
is(said(post($here, 'two-factor/verify-backup-code', { code => $codes->[3] })), 200, 'and its backup codes');
$there = half_in($name, $oracle->{base});
is(said(post($there, 'two-factor/verify-backup-code', { code => $codes->[3] })), '401 INVALID_BACKUP_CODE',
	'which then are used for BetterAuth, too');
is(said(post($there, 'two-factor/verify-backup-code', { code => $codes->[4] })), 200, 'the others work there');
($name, $uri) = enrolled();
$there = half_in($name, $oracle->{base});
is(said(post($there, 'two-factor/verify-totp', { code => code($uri) })), 200, 'an app that auth has enrolled works with BetterAuth');
undef $oracle;

note('another AUTH_SECRET');
my $before = $k->sql('auth', 'SELECT string_agg(secret, chr(10) ORDER BY id) FROM "twoFactor"');
my $secret = $k->service_env('auth')->{AUTH_SECRET};
$k->down;
$k->{env} = { %{ $k->{env} }, AUTH_SECRET => 'x' x 40, AUTH_SECRET_PREVIOUS => $secret };
$k->start;
my ($enqueued, undef, $why) = $k->kedge('jobs', 'auth', 'enqueue', 'two-factor.rekey');
is($enqueued, 0, 'the job two-factor.rekey is enqueued') or diag($why);
ok(wait_until(sub { ($k->kedge('jobs', 'auth', 'list', '--state', 'completed'))[1] =~ /two-factor\.rekey/ }, 30),
	'and runs');
my $after = $k->sql('auth', 'SELECT string_agg(secret, chr(10) ORDER BY id) FROM "twoFactor"');
isnt($after, $before, 'it encrypts the secrets anew');
$k->down;
$k->{env}{AUTH_SECRET_PREVIOUS} = '';
$k->start;
$here = half_in($name);
forget_codes();
is(said(post($here, 'two-factor/verify-totp', { code => code($uri) })), 200,
	'so that they are good without the secret of before');

note('every way to sign in');
my $by_name = Kedge->up(env => { AUTH_PLUGINS => 'email-password,username,two-factor' });
my $with_name = $by_name->client;
post($with_name, 'sign-up/email', { name => 'n', email => 'n@example.com', password => $password, username => 'by_name' });
$r = post($with_name, 'two-factor/enable', { password => $password });
is(said(post($with_name, 'two-factor/verify-totp', { code => code($r->{json}{totpURI}) })), 200, 'with a user name');
$r = post($by_name->client, 'sign-in/username', { username => 'by_name', password => $password });
ok($r->{json}{twoFactorRedirect}, 'sign-in/username asks for the second factor') or diag($r->{body});

note('codes by mail');
my $mail = $by_name; # this stack sends mail
sub new_person
{
	my ($who) = @_;
	my $c = $mail->client;
	post($c, 'sign-up/email', { name => $who, email => "$who\@example.com", password => $password });
	return $c;
}
my $sent = 0;
# The code of the newest message to this person.
sub mailed
{
	my ($who, $n) = @_;
	my $m = Kedge::Mail::to($mail, "$who\@example.com", $n);
	my ($code) = $m->{text} =~ /^(\d{6})$/m or diag($m->{text});
	unlike($m->{subject}, qr/\d{6}/, 'the subject, which a locked screen shows, does not have the code');
	return $code;
}
my $ann = new_person('ann');
$r = post($ann, 'two-factor/enable', { password => $password, method => 'otp' });
is_deeply($r->{json}, { method => 'otp' }, 'enable by mail');
ok(!$ann->session->{user}{twoFactorEnabled}, 'the password alone changes nothing');
is(said(post($ann, 'two-factor/verify-otp', { code => '000000' })), '400 OTP_HAS_EXPIRED', 'there is no code before one is sent');
is(said(post($ann, 'two-factor/send-otp', {})), 200, 'a code is sent');
my $code = mailed('ann', 1);
my $wrong = $code eq '000000' ? '000001' : '000000';
is(said(post($ann, 'two-factor/verify-otp', { code => $wrong })), '401 INVALID_CODE', 'a wrong code is refused');
$r = post($ann, 'two-factor/verify-otp', { code => $code });
ok($r->{json}{user}{twoFactorEnabled}, 'the right code turns it on') or diag($r->{body});
is(said(post($ann, 'two-factor/verify-otp', { code => $code })), '400 OTP_HAS_EXPIRED', 'once');
$here = $mail->client;
$r = post($here, 'sign-in/email', { email => 'ann@example.com', password => $password });
is_deeply($r->{json}{twoFactorMethods}, ['otp'], 'a sign-in asks for a code by mail');
post($here, 'two-factor/send-otp', {});
my $first = mailed('ann', 2);
post($here, 'two-factor/send-otp', {});
$code = mailed('ann', 3);
is(said(post($here, 'two-factor/verify-otp', { code => $first })), '401 INVALID_CODE', 'a new code replaces the one before')
	if $first ne $code;
my $cookie = $here->cookie_header;
my @raced = parallel(8, sub { return said($mail->client->request(POST => '/api/auth/two-factor/verify-otp',
	json => { code => $code }, cookie => $cookie)) });
is(scalar(grep { $_ eq '200' } @raced), 1, 'of requests with one code at the same time one signs in') or diag("@raced");
$here = $mail->client;
post($here, 'sign-in/email', { email => 'ann@example.com', password => $password });
my %tried;
for my $round (1 .. 2) {
	post($here, 'two-factor/send-otp', {});
	$code = mailed('ann', 3 + $round);
	$wrong = $code eq '000000' ? '000001' : '000000';
	$tried{ said(post($here, 'two-factor/verify-otp', { code => $wrong })) }++ for 1 .. 4;
}
is_deeply(\%tried, { '401 INVALID_CODE' => 5, '400 TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE' => 3 },
	'a new code gives a sign-in no new tries') or diag(explain(\%tried));
is(said(post($here, 'two-factor/verify-otp', { code => $code })), '400 TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE',
	'nor is the right one accepted then');
my $eve = new_person('eve');
$r = post($eve, 'two-factor/enable', { password => $password });
post($eve, 'two-factor/verify-totp', { code => code($r->{json}{totpURI}) });
is(said(post($eve, 'two-factor/enable', { password => $password, method => 'otp' })), '400 TOTP_ALREADY_ENABLED',
	'who has an app cannot turn to codes by mail');
$here = $mail->client;
$r = post($here, 'sign-in/email', { email => 'eve@example.com', password => $password });
is_deeply($r->{json}{twoFactorMethods}, ['totp'], 'and is asked for the code of the app');
is(said(post($here, 'two-factor/send-otp', {})), '400 OTP_NOT_ENABLED', 'not sent one');
my $jobs = $mail->sql('auth', q{SELECT string_agg(j::text, '') FROM job j WHERE kind = 'mail.send'});
ok(index($jobs, $code) < 0, 'the jobs do not show the codes');
ok($by_name->destroy, 'the logs have no sanitizer report or failed assertion');

ok($k->destroy, 'the logs have no sanitizer report or failed assertion');
done_testing;
