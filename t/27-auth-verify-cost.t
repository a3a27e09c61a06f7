# The cost of a verdict: one round trip to Redis, or one query when Redis does not
# answer.  verify writes nothing to the database.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(wait_until);


my $k = Kedge->up;
my $alice = $k->user('alice');
$alice->get($_) for '/api/core/me', '/api/wallet/accounts';
ok($k->wait_cached($alice), 'the session is cached');

# Returns how often Redis received each command, without the commands of this test.
sub asked
{
	my %calls = $k->redis('auth')->cmd('INFO', 'commandstats') =~ /^cmdstat_([^:]+):calls=(\d+)/mg;
	delete $calls{info};
	return %calls;
}

# PostgreSQL logs each statement before it runs it. Returns the statements of auth from that
# log.
$k->sql('postgres', 'ALTER SYSTEM SET log_statement = \'all\'');
$k->sql('postgres', 'ALTER SYSTEM SET log_line_prefix = \'%u \'');
$k->sql('postgres', 'SELECT pg_reload_conf()');
my $from = 0;

sub statements
{
	my @all = $k->log_text('postgres') =~ /^auth LOG:  (?:execute [^:]+|statement): (.*(?:\n\t.*)*)/mg;
	return @all;
}

# Returns two lists of the statements since the last call: those that read sessions, and
# those that write.
sub touched
{
	my @new = statements();
	splice @new, 0, $from;
	$from += @new;
	return ([ grep {/\b(?:from|join)\s+\(?"?session"?(?!\w)/i && !/^\s*(?:update|delete)/i} @new ],
		[ grep {/^\s*(?:insert|update|delete)\b.*\b(?:session|"?user"?|account|verification)\b/is} @new ]);
}
# The statements of a sign-in appear in the log, so auth's statements are logged.
$k->again($alice);
ok(wait_until(sub { my (undef, $written) = touched(); @$written > 0 }, 10), 'the log of PostgreSQL has the statements that write');

my %before = asked();
is($alice->get('/api/core/whoami')->{status}, 200, 'a verified request with Redis is served') for 1 .. 20;
my %after = asked();
is_deeply({ map { $_ => $after{$_} - ($before{$_} // 0) }
		grep { $after{$_} != ($before{$_} // 0) } keys %after },
	{ mget => 20 }, 'each of twenty verdicts reads Redis once');
my ($read, $written) = touched();
is_deeply($read, [], 'no verdict with Redis reads PostgreSQL');
is_deeply($written, [], 'no verdict with Redis writes to PostgreSQL');

$k->kill_pid(STOP => $k->pids('redis-auth'));
is($alice->get('/api/core/whoami')->{status}, 200, 'a verified request without Redis is served') for 1 .. 10;
$k->kill_pid(CONT => $k->pids('redis-auth'));
($read, $written) = touched();
is(scalar @$read, 10, 'each of ten verdicts without Redis reads PostgreSQL once') or diag(explain($read));
is_deeply($written, [], 'no verdict without Redis writes to PostgreSQL');

done_testing;
