# Compares auth with a real BetterAuth 1.7.25: the responses to the same requests, and
# the tables, column by column.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(run_tap);
use Kedge::Node;

Kedge::Node::ready();
my $trusted = 'https://trusted.example';
my $k = Kedge->up(env => { AUTH_TRUSTED_ORIGINS => $trusted });
$k->sql('postgres', 'CREATE DATABASE oracle');
my $oracle = Kedge::Node->oracle(
	version => '1.7.25', database => $k->node_url('oracle'),
	secret => $k->service_env('auth')->{AUTH_SECRET}, trusted => $trusted);
run_tap('node', "$Kedge::ROOT/t/compat/differential.mjs",
	'--a', $oracle->{base}, '--a-db', $k->node_url('oracle'), '--b', $k->base, '--b-db',
	$k->node_url('auth'));

# auth has all columns that BetterAuth has.  A column that a plugin adds must allow NULL
# or have a default, so that BetterAuth can insert rows without it.
sub compare_with_oracle
{
	my ($what, $query, $more) = @_;
	my %ours = map { $_ => 1 } split /\n/, $k->sql('auth', $query);
	my @theirs = split /\n/, $k->sql('oracle', $query);
	cmp_ok(scalar @theirs, '>', 3, "BetterAuth has several $what");
	is_deeply([ grep { !delete $ours{$_} } @theirs ], [], "auth has each of the $what of BetterAuth");
	is_deeply([ grep { !/$more/ } sort keys %ours ], [], "auth has no $what that BetterAuth does not know");
	return;
}
compare_with_oracle('columns', q{
    SELECT table_name, column_name, data_type, is_nullable, coalesce(column_default, '')
    FROM information_schema.columns WHERE table_schema = 'public'
    AND table_name IN ('user', 'session', 'account', 'verification') ORDER BY 1, 2},
	qr/\|YES\||\|NO\|.+/);
# A deferred trigger (constraint type t) is not a key of the table.
compare_with_oracle('keys', q{SELECT conrelid::regclass, conname, pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE contype <> 't' AND conrelid IN ('"user"'::regclass, 'session'::regclass,
    'account'::regclass, 'verification'::regclass) ORDER BY 1, 2}, qr/UNIQUE/);
compare_with_oracle('indexes', q{SELECT indexname, indexdef FROM pg_indexes
    WHERE tablename IN ('user', 'session', 'account', 'verification') ORDER BY 1}, qr/INDEX/);

# Rate limits would affect all other steps, so their script runs on a separate pair of
# servers.
my $l = Kedge->up(env => { AUTH_RATE_LIMIT => 'on' });
$l->sql('postgres', 'CREATE DATABASE oracle');
my $limited = Kedge::Node->oracle(
	version => '1.7.25', database => $l->node_url('oracle'),
	secret => $l->service_env('auth')->{AUTH_SECRET}, rate_limit => 1);
run_tap('node', "$Kedge::ROOT/t/compat/differential.mjs", '--limits',
	'--a', $limited->{base}, '--a-db', $l->node_url('oracle'),
	'--b', $l->base, '--b-db', $l->node_url('auth'));
done_testing;
