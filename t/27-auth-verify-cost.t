# What a verdict costs: one round trip to Redis, or one query when Redis does not
# answer; and nothing is written.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(wait_until);


my $k = Kedge->up;
my $alice = $k->user('alice');
$alice->get($_) for '/api/core/me', '/api/wallet/accounts';
ok($k->wait_cached($alice), 'a session that is cached');

# What Redis was asked, by command; what we ask it here does not count.
sub asked
{
	my %calls = $k->redis('auth')->cmd('INFO', 'commandstats') =~ /^cmdstat_([^:]+):calls=(\d+)/mg;
	delete $calls{info};
	return %calls;
}

# How often BetterAuth's tables were read, and their rows written.
sub touched
{
	my ($what) = @_;
	return $k->sql('auth', "SELECT sum($what) FROM pg_stat_user_tables WHERE relname IN "
		    . q{('session', 'user', 'account', 'verification')});
}
my $reads = q{CASE relname WHEN 'session' THEN seq_scan + coalesce(idx_scan, 0) ELSE 0 END};
my $writes = 'n_tup_ins + n_tup_upd + n_tup_del';

# PostgreSQL counts a session's doings ten seconds after it has become idle, at the
# latest, and nothing tells that it has: only that time.
sub settled
{
	my $before = touched($reads);
	sleep 11;
	return touched($reads) == $before;
}
ok(wait_until(sub { settled() }, 60), 'nothing else goes on');
my ($read, $written) = (touched($reads), touched($writes));

my %before = asked();
is($alice->get('/api/core/whoami')->{status}, 200, 'with Redis') for 1 .. 20;
my %after = asked();
is_deeply({ map { $_ => $after{$_} - ($before{$_} // 0) }
		grep { $after{$_} != ($before{$_} // 0) } keys %after },
	{ mget => 20 }, 'each of twenty verdicts asks Redis once');

$k->kill_pid(STOP => $k->pids('redis-auth'));
is($alice->get('/api/core/whoami')->{status}, 200, 'without') for 1 .. 10;
$k->kill_pid(CONT => $k->pids('redis-auth'));
ok(wait_until(sub { touched($reads) >= $read + 10 }, 30), 'each of ten asks PostgreSQL')
    or diag(touched($reads) - $read);
is(touched($reads) - $read, 10, 'once, and those before have not');
is(touched($writes), $written, 'none of them wrote');

done_testing;
