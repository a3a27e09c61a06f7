# Changes that an operator makes in psql take effect within a second or two, although
# the session is cached; and a transaction that the operator leaves open stops nobody.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use List::Util qw(max);
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(wait_until);

my $k = Kedge->up;
my $root = $k->user('root');

my @deed = (
	[ 'a ban' => 403, sub {qq{UPDATE "user" SET banned = true WHERE id = '$_[0]{id}'}} ],
	[ 'a ban for ever' => 403,
		sub {
qq{UPDATE "user" SET banned = true, "banExpires" = 'infinity' WHERE id = '$_[0]{id}'}
		}
	],
	[ 'a ban with an end' => 403,
		sub {
qq{UPDATE "user" SET banned = true, "banExpires" = now() + interval '1 hour' WHERE id = '$_[0]{id}'}
		}
	],
	[ 'a deleted session' => 401, sub {qq{DELETE FROM session WHERE token = '$_[0]{token}'}} ],
	[ 'an expired session' => 401,
		sub {qq{UPDATE session SET "expiresAt" = now() WHERE token = '$_[0]{token}'}}
	],
	[ 'a session that ended before time began' => 401,
		sub {qq{UPDATE session SET "expiresAt" = '-infinity' WHERE token = '$_[0]{token}'}}
	],
	[ 'another token' => 401,
		sub {qq{UPDATE session SET token = token || 'x' WHERE token = '$_[0]{token}'}}
	],
	[ 'a deleted user' => 401, sub {qq{DELETE FROM "user" WHERE id = '$_[0]{id}'}} ],
	[ 'all sessions at once' => 401, sub {'DELETE FROM session'} ],
	[ 'TRUNCATE' => 401, sub {'TRUNCATE session'} ],
);
for my $row (@deed) {
	my ($name, $want, $sql) = @$row;
	my $c = $k->user('by-hand');
	ok($k->wait_cached($c), "$name: the session is cached before");
	$k->sql('auth', $sql->($c));
	ok(wait_until(sub { $c->get('/api/core/whoami')->{status} == $want }, 3), "$name: verify answers $want within 3 s")
	    or diag($c->get('/api/core/whoami')->{status});
	my @after = map { $c->copy->get('/api/core/whoami')->{status} } 1 .. 4;
	is("@after", join(' ', ($want) x 4), "$name: verify goes on answering $want");
}
my $admin = $k->user('promoted');
ok($k->wait_cached($admin), 'a role: the session is cached before the change');
$k->sql('auth', qq{UPDATE "user" SET role = 'admin' WHERE id = '$admin->{id}'});
ok(wait_until(sub { $admin->get('/api/core/admin/stats')->{status} == 200 }, 3), 'a role that is given by SQL is effective');
ok($k->wait_cached($admin), 'a role: the session is cached after the change');
$k->sql('auth', qq{UPDATE "user" SET role = NULL WHERE id = '$admin->{id}'});
ok(wait_until(sub { $admin->get('/api/core/admin/stats')->{status} == 403 }, 3), 'a role that is removed by SQL is not effective');
is($admin->get('/api/core/whoami')->{status}, 200, 'a role: NULL counts as user');
my $ever = $k->user('ever');
$k->sql('auth', qq{UPDATE session SET "expiresAt" = 'infinity' WHERE token = '$ever->{token}'});
is($ever->get('/api/core/whoami')->{status}, 200, 'verify accepts a session that expires at infinity');
is($ever->get('/api/auth/get-session')->{status}, 200, 'get-session accepts a session that expires at infinity');

sub revoke_and_sign_out
{
	my ($name) = @_;
	my $c = $k->user($name);
	my $other = $k->again($c);
	my $t = time;
	is($other->post('/api/auth/revoke-session', { token => $c->{token} })->{status}, 200,
		"$name: a session is revoked");
	is($c->get('/api/core/whoami')->{status}, 401, "$name: the session is refused");
	is($other->get('/api/core/me')->{status}, 200, "$name: a first contact succeeds");
	is($other->copy->sign_out->{status}, 200, "$name: a sign-out succeeds");
	is($other->get('/api/core/whoami')->{status}, 401, "$name: the signed-out session is refused");
	return time - $t;
}
my $calm_s = revoke_and_sign_out('calm');

# ---- a transaction that stays open ---------------------------------------------------

my $pid = fork // die;
if (!$pid) {
	Kedge::in_child();
	$k->try_sql('auth',
qq{BEGIN; UPDATE "user" SET role = 'x' WHERE id = '$admin->{id}'; SELECT pg_sleep(60)}
	);
	POSIX::_exit(0);
}
ok(
	wait_until(
		sub {
			$k->sql('postgres',
"SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state = 'active' AND pid <> pg_backend_pid()"
			)
		},
		10
	),
	'another session holds an open transaction');
my $took_s = revoke_and_sign_out('meanwhile');
cmp_ok($took_s, '<', max(3, 10 * $calm_s), 'a request does not wait for the open transaction');
$k->sql('postgres',
"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()"
);
waitpid $pid, 0;
done_testing;
