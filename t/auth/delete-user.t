# Users delete their own account: by a link that only they can use, once, or with their
# password where there is no mail.  Everything of theirs in auth goes, and services are
# told.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Kedge qw(jdecode parallel wait_until);
use Kedge::Mail;

my $k = Kedge->up(env => { AUTH_WEBHOOK_ALLOW_PRIVATE => 'on' });
my $base = $k->base;
sub code_of { my ($r) = @_; return [ $r->{status}, $r->{json}{code} // '' ] }
sub exists_in { my ($email) = @_; return $k->sql('auth', qq{SELECT count(*) FROM "user" WHERE email = '$email'}) }

my $root = $k->user('root');
$k->role($root, 'admin');
is($root->post('/api/auth/webhooks', { url => 'http://127.0.0.1:1/', kinds => ['user.deleted'] })->{status}, 201, 'somebody wants to know of deletions');
my $ann = $k->user('ann');
my $mallory = $k->user('mallory');
is($ann->get('/api/core/me')->{status}, 200, 'a user has a record in core');
my $r = $ann->post('/api/auth/delete-user', { callbackURL => '/bye' });
is_deeply([ $r->{status}, $r->{json} ], [ 200, { success => JSON::PP::true, message => 'Verification email sent' } ], 'a link is sent');
my $m = Kedge::Mail::to($k, $ann->{email});
like($m->{url}, qr{^\Q$base\E/api/auth/delete-user/callback\?token=\w{43}&callbackURL=%2Fbye$}, 'it is a link of BetterAuth');
my $link = Kedge::Mail::path($m->{url});
my ($token) = $link =~ /token=(\w+)/;
is_deeply(code_of($ann->post('/api/auth/delete-user', { callbackURL => 'https://evil.example' })), [ 403, 'INVALID_CALLBACK_URL' ], 'no link leads elsewhere');
is_deeply(code_of($ann->get($link =~ s/callbackURL=.*/callbackURL=https%3A%2F%2Fevil.example/r)), [ 403, 'INVALID_CALLBACK_URL' ], 'nor can one be made to');

# Visits of others do not use it up.
is_deeply(code_of($k->client->get($link)), [ 404, 'FAILED_TO_GET_USER_INFO' ], 'who is not signed in deletes nobody');
is_deeply(code_of($mallory->get($link)), [ 404, 'INVALID_TOKEN' ], 'another user does not');
is_deeply(code_of($mallory->post('/api/auth/delete-user', { token => $token })), [ 404, 'INVALID_TOKEN' ], 'in no way');
is_deeply(code_of($ann->get('/api/auth/delete-user/callback?token=wrong')), [ 404, 'INVALID_TOKEN' ], 'a wrong token is none');
is(exists_in($_->{email}), '1', "$_->{name} is still there") for $ann, $mallory;

# The owner's visit does; of 8 at once, one.
my @all = parallel(8, sub { my $x = $ann->copy->get($link); [ $x->{status}, $x->{headers}{location} // $x->{json}{code} // '' ] });
is(scalar(grep { $_->[0] == 302 && $_->[1] eq '/bye' } @all), 1, 'of 8 visits of the owner one deletes') or diag(explain(\@all));
is(exists_in($ann->{email}), '0', 'the user is gone');
is($k->sql('auth', qq{SELECT count(*) FROM session s WHERE "userId" = '$ann->{id}'}), '0', 'with the sessions');
is($k->sql('auth', qq{SELECT count(*) FROM account WHERE "userId" = '$ann->{id}'}), '0', 'and the accounts');
is($ann->session, undef, 'nobody is signed in');
is($ann->get('/api/core/me')->{status}, 401, 'also for core');
is(exists_in($mallory->{email}), '1', 'others stay');
is($k->sql('auth', qq{SELECT count(*) FROM job WHERE kind = 'webhook.deliver' AND payload ->> 'type' = 'user.deleted' AND payload -> 'data' ->> 'id' = '$ann->{id}'}), '1', 'the event is sent, with the id');

# The password is checked where it is given; the address is free again.
my $bob = $k->user('bob');
is_deeply(code_of($bob->post('/api/auth/delete-user', { password => 'wrong password' })), [ 400, 'INVALID_PASSWORD' ], 'a wrong password is refused');
is($bob->post('/api/auth/delete-user', { password => $bob->{password} })->{json}{message}, 'Verification email sent', 'a right one is not enough, where there is mail');
is($k->client->post('/api/auth/sign-up/email', { name => 'A', email => $ann->{email}, password => 'correct horse battery' })->{status}, 200, 'the address can be used again');
is($k->client->post('/api/auth/delete-user', {})->{status}, 401, 'without a session nothing happens');
# A link that has expired is none.
$bob->post('/api/auth/delete-user', {});
my $second = Kedge::Mail::to($k, $bob->{email}, 2);
$k->sql('auth', qq{UPDATE verification SET "expiresAt" = now() - interval '1 s' WHERE value = '$bob->{id}'});
is_deeply(code_of($bob->get(Kedge::Mail::path($second->{url}))), [ 404, 'INVALID_TOKEN' ], 'a link that has expired is none');
ok($k->destroy, 'the logs have no sanitizer report or failed assertion');

# ---- without mail -----------------------------------------------------------------------

$k = Kedge->up(env => { AUTH_MAIL_URL => '' });
my $cas = $k->user('cas');
$k->sql('auth', qq{UPDATE session SET "createdAt" = now() - interval '2 days' WHERE "userId" = '$cas->{id}'});
is_deeply(code_of($cas->post('/api/auth/delete-user', {})), [ 400, 'SESSION_EXPIRED' ], 'a session of two days is too old');
$r = $cas->post('/api/auth/delete-user', { password => $cas->{password} });
is_deeply($r->{json}, { success => JSON::PP::true, message => 'User deleted' }, 'with the password it is not');
is(exists_in($cas->{email}), '0', 'the user is gone');
my $dan = $k->user('dan');
is($dan->post('/api/auth/delete-user', {})->{json}{message}, 'User deleted', 'a new session is enough');
is($dan->session, undef, 'and is over');

# ---- accounts ---------------------------------------------------------------------------

my $eve = $k->user('eve');
$r = $eve->get('/api/auth/list-accounts');
is_deeply([ map { [ @$_{qw(providerId accountId userId scopes)} ] } @{ $r->{json} } ], [ [ 'credential', $eve->{id}, $eve->{id}, [] ] ], 'list-accounts');
is_deeply([ sort keys %{ $r->{json}[0] } ], [ qw(accountId createdAt id providerId scopes updatedAt userId) ], 'without tokens and password');
my $own = $r->{json}[0]{id};
is_deeply(code_of($eve->post('/api/auth/unlink-account', { accountId => $own })), [ 400, 'FAILED_TO_UNLINK_LAST_ACCOUNT' ], 'the last account stays');
$k->sql('auth', qq{INSERT INTO account (id, "accountId", "providerId", "userId", scope, "updatedAt") SELECT 'a' || n, 'at-' || n, 'github', '$eve->{id}', 'read:user,user:email', now() FROM generate_series(1, 2) n});
is_deeply($eve->get('/api/auth/list-accounts')->{json}[1]{scopes}, [ 'read:user', 'user:email' ], 'scopes are a list');
is_deeply(code_of($k->user('fay')->post('/api/auth/unlink-account', { accountId => 'a1' })), [ 400, 'FAILED_TO_UNLINK_LAST_ACCOUNT' ], 'an account of another user is not touched');
is_deeply(code_of($eve->post('/api/auth/unlink-account', { accountId => 'none' })), [ 400, 'ACCOUNT_NOT_FOUND' ], 'an unknown account is refused');
is($eve->post('/api/auth/unlink-account', { providerId => 'github', accountId => 'at-1' })->{status}, 200, 'as clients of 1.4 say it');
my @two = parallel(2, sub { my ($i) = @_; $eve->copy->post('/api/auth/unlink-account', { accountId => $i ? 'a2' : $own })->{status} });
is_deeply([ sort @two ], [ 200, 400 ], 'two requests at once leave one account');
$k->sql('auth', qq{UPDATE session SET "createdAt" = now() - interval '2 days' WHERE "userId" = '$eve->{id}'});
is_deeply(code_of($eve->post('/api/auth/unlink-account', { accountId => 'a2' })), [ 403, 'SESSION_NOT_FRESH' ], 'an old session does not unlink');
ok($k->destroy, 'the logs have no sanitizer report or failed assertion');
done_testing;
