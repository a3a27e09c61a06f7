# S4, single use under concurrency: an action that may succeed once succeeds once.
# (Codes by mail and recovery codes are not tested here.)
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jdecode parallel wait_until);

my $k = Kedge->up;

sub tally { my %n; $n{$_}++ for @_; return \%n }

# 32 sign-ups at once with one address, in different upper and lower case.
my @r = parallel(
	32,
	sub {
		my ($i) = @_;
		my $email = $i % 2 ? 'Once@Example.com' : 'once@example.COM';
		my $r =
		    $k->client(timeout => 60)
		    ->post('/api/auth/sign-up/email',
			{ name => "n$i", email => $email, password => 'correct horse battery' });
		return $r->{status};
	});
my $n = tally(@r);
is($n->{200}, 1, 'of 32 sign-ups with one address one succeeds') or diag(explain($n));
is(($n->{200} // 0) + ($n->{422} // 0) + ($n->{429} // 0), 32, 'the other sign-ups get 422 or 429');
is($k->sql('auth', q{SELECT count(*) FROM "user" WHERE lower(email) = 'once@example.com'}), 1,
	'the table has one user with the address');
is(
	$k->sql('auth',
q{SELECT count(*) FROM account a JOIN "user" u ON u.id = a."userId" WHERE u.email = 'once@example.com'}
	),
	1,
	'the user has one account');
is(
	$k->sql('auth',
q{SELECT count(*) FROM session s JOIN "user" u ON u.id = s."userId" WHERE u.email = 'once@example.com'}
	),
	1,
	'the user has one session');

# A password is changed from 16 browsers at once: one change succeeds.
my $alice = $k->user('alice');
@r = parallel(
	16,
	sub {
		my ($i) = @_;
		my $r = $alice->copy->post(
			'/api/auth/change-password',
			{ currentPassword => 'correct horse battery',
				newPassword => "new password number $i",
				revokeOtherSessions => JSON::PP::true
			});
		return $r->{status};
	});
$n = tally(@r);
is($n->{200}, 1, 'of 16 changes of one password one succeeds') or diag(explain($n));
is((grep {/^5/} keys %$n), 0, 'no change of the password gets a 5xx');
my @in = grep {
	my $c = $k->client;
	$c->post('/api/auth/sign-in/email',
		{ email => $alice->{email}, password => "new password number $_" })->{status} == 200
} 0 .. 15;
is(scalar @in, 1, 'exactly one of the new passwords signs in');
isnt(
	$k->client->post(
		'/api/auth/sign-in/email',
		{ email => $alice->{email}, password => 'correct horse battery' }
	)->{status},
	200,
	'the old password does not sign in');

# A session is signed out 32 times at once.
my $bob = $k->user('bob');
@r = parallel(32, sub { return $bob->copy->sign_out->{status} });
is_deeply(tally(@r), { 200 => 32 }, '32 sign-outs at once all succeed');
is($bob->get('/api/core/whoami')->{status}, 401, 'a session is refused after 32 sign-outs at once');

# Every session revokes all others at once: at most one session is left.
my $carol = $k->user('carol');
my @browser = map { $k->again($carol) } 1 .. 8;
parallel(8,
	sub { return $browser[ $_[0] ]->post('/api/auth/revoke-other-sessions', {})->{status} });
my $left = $k->sql('auth', qq{SELECT count(*) FROM session WHERE "userId" = '$carol->{id}'});
cmp_ok($left, '<=', 1, 'revoke-other-sessions from eight browsers leaves one session at most');
my @alive = grep { $_->get('/api/core/whoami')->{status} == 200 } @browser, $carol;
is(scalar @alive, $left, 'the table has as many sessions as verify accepts');

# A process crashes in the middle of a change: it is made completely or not at all.
my $dave = $k->user('dave');
my @kids;
for my $i (1 .. 8) {
	my $pid = fork // die;
	if (!$pid) {
		Kedge::in_child();
		my $c = $k->client(timeout => 30);
		$c->post(
			'/api/auth/sign-up/email',
			{ name => 'crash', email => "crash$i\@example.com",
				password => 'correct horse battery'
			});
		POSIX::_exit(0);
	}
	push @kids, $pid;
}
wait_until(sub { $k->sql('auth', q{SELECT count(*) FROM "user" WHERE email LIKE 'crash%'}) > 0 },
	10);
$k->kill_pid(KILL => $k->pids('auth-api'));
waitpid $_, 0 for @kids;
ok(wait_until(sub { $k->client->get('/api/auth/ok')->{status} == 200 }, 10), 'auth answers again after the crash');
is(
	$k->sql('auth', q{SELECT count(*) FROM "user" u WHERE email LIKE 'crash%'
    AND NOT EXISTS (SELECT FROM account a WHERE a."userId" = u.id AND a.password IS NOT NULL)}
	),
	0,
	'no user without an account is left');
for my $i (1 .. 8) {
	my $c = $k->client;
	my $up = $c->post(
		'/api/auth/sign-up/email',
		{ name => 'crash', email => "crash$i\@example.com",
			password => 'correct horse battery'
		}
	)->{status};
	my $in = $c->post('/api/auth/sign-in/email',
		{ email => "crash$i\@example.com", password => 'correct horse battery' })->{status};
	ok(($up == 200 || $up == 422) && $in == 200, "crash$i: the user exists completely, or can sign up again")
	    or diag("$up $in");
}
done_testing;
