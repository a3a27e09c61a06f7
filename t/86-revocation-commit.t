# A sign-out whose commit is slow: meanwhile Redis may lose the tombstones, the client
# may get 503, and a worker may die.  A deferred trigger makes COMMIT as slow as a
# stalled disk would.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use Kedge qw(parallel wait_until);
use Kedge::Load;

my $k = Kedge->up;

# A trigger that sleeps at COMMIT, in spite of statement_timeout; until then other
# transactions still see the deleted row.
sub slow_commit
{
	my ($seconds) = @_;
	$k->sql('auth', <<~SQL);
		DROP TRIGGER IF EXISTS slow_commit ON session;
		CREATE OR REPLACE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS \$\$
		DECLARE till timestamptz := now() + interval '$seconds s'; -- once, for all rows
		BEGIN
			WHILE clock_timestamp() < till LOOP
				BEGIN
					PERFORM pg_sleep(extract(epoch FROM till - clock_timestamp()));
				EXCEPTION WHEN query_canceled THEN NULL;
				END;
			END LOOP;
			RETURN NULL;
		END \$\$;
		CREATE CONSTRAINT TRIGGER slow_commit AFTER DELETE ON session DEFERRABLE INITIALLY DEFERRED
		    FOR EACH ROW EXECUTE FUNCTION slow_commit();
		SQL
	return;
}
sub quick_commit { $k->sql('auth', 'DROP TRIGGER IF EXISTS slow_commit ON session'); return }

sub committing
{
	return $k->sql('postgres',
"SELECT count(*) FROM pg_stat_activity WHERE usename = 'auth' AND query ILIKE 'commit%' AND state = 'active'"
	)
}

# Runs a request in a separate process; returns a function that returns the response.
sub later
{
	my ($code) = @_;
	pipe my $r, my $w or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		Kedge::in_child();
		close $r;
		print $w $code->();
		close $w;
		POSIX::_exit(0);
	}
	close $w;
	return sub { local $/; my $text = <$r>; waitpid $pid, 0; return $text };
}

# Sends requests continuously to both processes of verify, until the response has
# arrived.
sub ask_until
{
	my (@clients) = @_;
	return Kedge::Load->start(
		procs => scalar @clients,
		code => sub {
			my $c = $clients[ $_[0] ]->copy;
			return sub {
				select undef, undef, undef,
				    0.005; # let other processes run
				return $c->get('/api/core/whoami')->{status};
			};
		});
}

my %way = (
	'sign-out' => sub { my ($c) = @_; return $c->copy->sign_out->{status} },
	'revoke-session' => sub {
		my ($c, $o) = @_;
		return $o->copy->post('/api/auth/revoke-session', { token => $c->{token} })
		    ->{status}
	},
	'revoke-other-sessions' => sub {
		my ($c, $o) = @_;
		return $o->copy->post('/api/auth/revoke-other-sessions', {})->{status}
	},
	'revoke-sessions' => sub {
		my ($c, $o) = @_;
		return $o->copy->post('/api/auth/revoke-sessions', {})->{status}
	},
	'change-password' => sub {
		my ($c, $o) = @_;
		return $o->copy->post(
			'/api/auth/change-password',
			{ currentPassword => $c->{password},
				newPassword => 'another password',
				revokeOtherSessions => JSON::PP::true
			}
		)->{status}
	},
);

# ---- Redis loses the tombstones before the commit -------------------------------------

my @loss = (
	[
		'Redis is killed' => sub {
			my ($old) = $k->pids('redis-auth');
			$k->kill_pid(KILL => $old);
			wait_until(
				sub {
					my ($now) = $k->pids('redis-auth');
					$now && $now != $old && $k->redis('auth')
				},
				10);
		}
	],
	[ 'Redis is emptied' => sub { $k->redis('auth')->cmd('FLUSHALL') } ],
	[ 'all keys are deleted' =>
		    sub { my $r = $k->redis('auth'); $r->cmd('DEL', $_) for $r->keys_like('*') }
	],
);
for my $row (@loss) {
	my ($what, $lose) = @$row;
	my %people = map { my $c = $k->user('slow'); ($_ => [ $c, $k->again($c) ]) } sort keys %way;
	$_->[0]->get('/api/core/whoami') for values %people;
	slow_commit(4);
	my %answer = map {
		my $name = $_;
		($name => later(sub { $way{$name}->(@{ $people{$name} }) }))
	} sort keys %way;
	ok(wait_until(sub { committing() >= keys %way }, 10), "$what: all revocations wait in their commit")
	    or diag(committing());
	$lose->();
	my $load = ask_until(map { $_->[0] } values %people);
	my %status = map { $_ => $answer{$_}->() } sort keys %answer;
	my %after = map {
		my $name = $_;
		(
			$name => [
				map { $people{$name}[0]->copy->get('/api/core/whoami')->{status} }
				    1 .. 5
			])
	} sort keys %way;
	my ($count) = $load->stop;
	quick_commit();
	for my $name (sort keys %way) {
		is($status{$name}, 200, "$what while $name commits: the revocation is answered with 200");
		is("@{ $after{$name} }", '401 401 401 401 401',
			"$what while $name commits: the session is refused");
	}
	is(join(' ', grep { !/^(200|401)$/ } keys %$count), '',
		"$what: each request got 200 or 401");
	ok($k->wait_healthy(15), "$what: all services are healthy again");
}

# ---- a commit that takes longer than every timeout ------------------------------------

# The commit takes longer than a client waits for the database, and than a tombstone
# lives in Redis.
{
	my %people =
	    map { my $c = $k->user('stall'); ($_ => [ $c, $k->again($c) ]) } sort keys %way;
	$_->[0]->get('/api/core/whoami') for values %people;
	slow_commit(14);
	my %first = map {
		my $name = $_;
		($name => later(sub { $way{$name}->(@{ $people{$name} }) }))
	} sort keys %way;
	ok(wait_until(sub { committing() >= keys %way }, 10), 'a stall: all revocations wait in their commit');
	my $load = ask_until(map { $_->[0] } values %people);
	my %status = map { $_ => $first{$_}->() } sort keys %first;
	is((grep { !/^(200|503)$/ } values %status), 0,
		'a stall: each revocation gets 200 or 503')
	    or diag(explain(\%status));
	# The client repeats the request, as the response has asked.
	my %again;
	for my $name (sort keys %way) {
		next if $status{$name} == 200;
		my $r = $way{$name};
		ok(
			wait_until(
				sub {
					$again{$name} = $r->(@{ $people{$name} });
					$again{$name} != 503
				},
				40
			),
			"a stall: $name succeeds when repeated");
	}
	# A client that got 200 is signed out.  For the others the sign-out is effective
	# when the commit has ended; a changed password has ended the old session (401).
	ok(wait_until(sub { committing() == 0 }, 40), 'a stall: the commits have ended');
	for my $name (grep { $status{$_} != 200 && $again{$_} != 200 } sort keys %way) {
		ok(
			wait_until(
				sub {
					$people{$name}[0]->copy->get('/api/core/whoami')->{status}
					    == 401
				},
				10
			),
			"a stall: $name without a 200 takes effect soon");
	}
	my %after = map {
		my $name = $_;
		(
			$name => [
				map { $people{$name}[0]->copy->get('/api/core/whoami')->{status} }
				    1 .. 5
			])
	} sort keys %way;
	my ($count) = $load->stop;
	quick_commit();
	for my $name (sort keys %way) {
		my $rows = $k->sql('auth',
			"SELECT count(*) FROM session WHERE token = '$people{$name}[0]{token}'");
		is($rows, 0, "a stall: $name has deleted the session");
		is("@{ $after{$name} }", '401 401 401 401 401', "a stall: the session of $name is refused")
		    or diag("first $status{$name}, then " . ($again{$name} // '-'));
	}
	ok($k->wait_healthy(15), 'a stall: all services are healthy again');
}

# ---- the worker dies while it commits --------------------------------------------------

{
	my $c = $k->user('crash');
	$c->get('/api/core/whoami');
	slow_commit(13);
	my $answer = later(sub { return $c->copy->sign_out->{status} });
	ok(wait_until(sub { committing() >= 1 }, 10), 'a crash: the revocation waits in its commit');
	$k->kill_pid(KILL => $k->pids('auth-api'));
	my $load = ask_until($c, $c);
	isnt($answer->(), 200, 'a crash: the sign-out gets no answer');
	ok(wait_until(sub { committing() == 0 }, 40),
		'a crash: the commit succeeds');
	is($k->sql('auth', "SELECT count(*) FROM session WHERE token = '$c->{token}'"), 0,
		'a crash: the row of the session is deleted');
	ok(wait_until(sub { $c->copy->get('/api/core/whoami')->{status} == 401 }, 5),
		'a crash: verify refuses the session');
	$load->stop;
	my @after = map { $c->copy->get('/api/core/whoami')->{status} } 1 .. 5;
	is("@after", '401 401 401 401 401', 'a crash: verify goes on refusing the session');
	quick_commit();
}
done_testing;
