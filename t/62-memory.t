# Parsing bodies takes memory.  No client can make a service use much of it, temporarily
# or permanently: under each attack the service's processes stay below three times their
# normal memory (proportional set size).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jencode parallel slurp wait_until);
use Kedge::Raw qw(raw_open);
use Kedge::Wallet;

# AddressSanitizer keeps freed memory back, up to this size in each process.
$ENV{ASAN_OPTIONS} = join ':', $ENV{ASAN_OPTIONS} // (), 'quarantine_size_mb=1';

my $k = Kedge->up(env => { AUTH_HASH_QUEUE => 2 });
my $w = Kedge::Wallet->new($k);
my $alice = $w->user('alice', 1000);
my $bob = $w->user('bob');
my $clients = 40;

sub field
{
	my ($file, $name) = @_;
	my ($kb) = (slurp($file) // '') =~ /^$name:\s+(\d+) kB/m;
	return $kb // 0;
}

sub sum { my $n = 0; $n += $_ for @_; return $n }
sub pss { return sum(map { field("/proc/$_/smaps_rollup", 'Pss') } @_) }

# Returns the most memory that the processes have used since the last call, in kB: their
# current memory, plus how far the kernel's peak values exceed it.
sub peak
{
	my (@pids) = @_;
	my $most = pss(@pids)
	    + sum(map { field("/proc/$_/status", 'VmHWM') - field("/proc/$_/status", 'VmRSS') } @pids);
	for my $pid (@pids) {
		open my $out, '>', "/proc/$pid/clear_refs" or die "clear_refs: $!";
		print $out "5\n";
		close $out;
	}
	return $most;
}

# On all connections at once, sends a small request, so that all threads exist, and then
# a large request, twice: memory that is never freed would grow.
sub attack
{
	my ($name, $statuses, $case, $large) = @_;
	my @pids = @{ $case->{pids} };
	my $storm = sub {
		my ($body) = @_;
		return map { $_->{status} }
		    parallel($clients, sub { return $case->{send}->($_[0], $body) });
	};
	peak(@pids);
	$storm->($case->{small});
	peak(@pids);
	my $calm = pss(@pids);
	# With a sanitizer, the normal memory exceeds the limit that is given in bytes.
	my $limit = 3 * $calm;
	$limit = $case->{limit_kb} if ($case->{limit_kb} // 0) > $limit;
	my %by;
	$by{$_}++ for map { $storm->($large) } 1, 2;
	my $most = peak(@pids);
	is(join(' ', grep { !/^(?:$statuses)$/ } sort keys %by), '', "$name: each request is answered")
	    or diag(explain(\%by));
	cmp_ok($most, '<', $limit, "$name: the memory is bounded") or diag("$most kB of $calm kB");
	ok(wait_until(sub { pss(@pids) < 3 * $calm }, 10), "$name: the memory is returned to the system")
	    or diag(pss(@pids) . " kB of $calm kB");
	note("$name: calm $calm kB, at most $most kB, then " . pss(@pids) . ' kB; '
		    . join ', ', map {"$_: $by{$_}"} sort keys %by);
	return;
}

# ---- the wallet -------------------------------------------------------------------------

my @who = map { $alice->copy } 1 .. $clients;
my $none = '01890000-0000-7000-8000-000000000001';
my %item = (debitAccountId => $none, creditAccountId => $bob->{account}, amount => 1);
my %batches = (
	pids => [ $k->pids('wallet-api') ], # the wallet's two processes
	small => jencode({ transfers => [ \%item ] }),
	send => sub {
		my ($i, $body) = @_;
		return $who[$i]->request(POST => '/api/wallet/transfers/batch', body => $body,
			type => 'application/json', headers => { 'Idempotency-Key' => Kedge::Wallet::key() });
	},
);
my $empties = '{"transfers":[' . join(',', ('{}') x 340_000) . ']}';
attack('objects', '413|503', \%batches, $empties);
attack('numbers', '413|503', \%batches, '[' . '0,' x 500_000 . '0]');
attack('names', '413|503', \%batches, '{' . join(',', map {"\"$_\":0"} 1 .. 80_000) . '}');
attack('nesting', '400|503', \%batches, '[' x 1_000_000);

# Requests with the largest accepted body: two of them at once in each process.
@item{qw(memo metadata)} = ('m' x 400, { map { ("k$_" => {}) } 1 .. 10 });
attack('batches', '200|503', { %batches, limit_kb => 64 * 1024 },
	jencode({ transfers => [ (\%item) x 1000 ] }));
is($alice->get('/api/wallet/accounts')->{status}, 200, 'another user is answered meanwhile');

# ---- sign-ins, without an account ---------------------------------------------------------

sub sign_in
{
	my ($more) = @_;
	return '{"email":"nobody@example.com","password":"correct horse battery"' . $more . '}';
}
my %sign_ins = (
	pids => [ $k->pids('auth-api') ],
	small => sign_in(''),
	send => sub {
		my ($i, $body) = @_;
		return $k->client->request(POST => '/api/auth/sign-in/email', body => $body,
			type => 'application/json');
	},
);
attack('sign-ins: objects', '413', \%sign_ins, sign_in(',"x":[' . join(',', ('{}') x 21_000) . ']'));

# ---- bodies that begin and do not end -----------------------------------------------------

# Each client sends twelve bodies, all without the last byte.
my $begun = sign_in(',"x":"' . 'x' x 60_000 . '"}');
my %unfinished = (
	%sign_ins,
	send => sub {
		my ($i, $body) = @_;
		return $sign_ins{send}->($i, $body) if length $body < 1000;
		my @open = map { raw_open($k->port, LocalAddr => "127.0.$i.$_") } 1 .. 12;
		for my $s (@open) {
			print $s "POST /api/auth/sign-in/email HTTP/1.1\r\nHost: a\r\n"
			    . "Content-Type: application/json\r\nContent-Length: @{[ length $body ]}\r\n\r\n"
			    . substr $body, 0, -1;
			$s->flush;
		}
		# Some bodies are refused, so that others find room; the others wait.
		wait_until(sub { $k->monitor->get('/metrics/auth')->{body}
		    =~ /^kedge_connections\{[^}]*pool="api"[^}]*state="body"\} [1-9]/m }, 10) or die 'none waits';
		return { status => 'begun' };
	},
);
# In each process at most 256 connections wait for a body (fastcgi/bodies.h), with 20 KiB
# of memory each, and all received bodies of this size have 1 MiB together.
attack('bodies that do not end', 'begun', { %unfinished, limit_kb => 16 * 1024 }, $begun);
$k->down;
done_testing;
