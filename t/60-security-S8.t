# S8, completeness of limits: every spelling of a name or path counts for the same
# limit, and other users are not locked out.  t/23-auth-limits.t tests the numbers.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Test::More;
use Kedge qw(parallel);
use Kedge::Raw qw(raw_answers raw_read);

my $k = Kedge->up(env => { AUTH_RATE_LIMIT => 'on' });
my $port = $k->port;

# The client's address can be any of 127/8, which are all local.
sub post_from
{
	my ($address, $path, $body, @headers) = @_;
	my $s =
	    IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, LocalAddr => $address)
	    or die "from $address: $!";
	print $s join "\r\n", "POST $path HTTP/1.1", "Host: 127.0.0.1:$port",
	    "Origin: http://127.0.0.1:$port", 'Content-Type: application/json',
	    'Content-Length: ' . length $body, @headers, 'Connection: close', '', $body;
	$s->flush;
	return raw_answers(raw_read($s));
}
my $password = 'x' x 129; # is refused without hashing, so that a slow machine is fast enough
my $try = sub {
	my ($address, $email, @headers) = @_;
	return post_from(
		$address, '/api/auth/sign-in/email',
		Kedge::jencode({ email => $email, password => $password }), @headers
	)->{status};
};

my @variant = (
	'target@example.com', 'TARGET@example.com', 'Target@Example.Com', 'target@EXAMPLE.COM',
	' target@example.com', 'target@example.com ',
	"target\@example.com\t", "\x{ff54}arget\@example.com", 'target+x@example.com',
	't.arget@example.com');
my @status = map { $try->('127.0.0.2', $_) } @variant;
is((grep { $_ != 429 } @status), 3, 'three guesses from one address are allowed, however the name is spelled')
    or diag("@status");
is(     $try->('127.0.0.2', 'target@example.com', "X-Forwarded-For: 10.0.0.$_"), 429,
	"X-Forwarded-For 10.0.0.$_ gives no further guess"
) for 1 .. 3;
$password = 'wrong password';
is($try->('127.0.0.3', 'neighbour@example.com'), 401, 'another address is not limited');
is($try->('127.0.0.3', 'target@example.com'), 401, 'the owner is not limited at another address');
is(     post_from('127.0.0.2', '/api/auth/sign-up/email', '{}')->{status}, 400,
	'another path of the same address is not limited');

# Guessing the current password with a stolen session is limited as sign-in is.
my $c = $k->client;
my $r = $c->post(
	'/api/auth/sign-up/email',
	{ name => 'x', email => 'stolen@example.com', password => 'correct horse battery' });
is($r->{status}, 200, 'a right password is accepted');
@status = parallel(
	6,
	sub {
		$c->copy->post(
			'/api/auth/change-password',
			{ currentPassword => "guess number $_[0]",
				newPassword => 'another password'
			}
		)->{status}
	});
is((grep { $_ == 400 } @status), 3, 'three guesses at change-password are allowed') or diag("@status");
is((grep { $_ == 429 } @status), 3, 'the guesses after the limit get 429');

# Twenty attempts at one account from one network, whichever of its addresses they come
# from and however the address of the account is spelled; then the owner signs in from
# another network.
my $wrong = { email => 'stolen@example.com', password => 'wrong password' };
my $from = 10;
my $next = sub {
	my ($email) = @_;
	return post_from(
		'127.9.9.' . $from++, '/api/auth/sign-in/email',
		Kedge::jencode({ %$wrong, email => $email }));
};
@status = map { $next->($_ % 2 ? 'Stolen@Example.COM' : 'stolen@example.com')->{status} } 1 .. 24;
my $open = grep { $_ == 401 } @status;
cmp_ok($open, '>=', 20, 'twenty guesses at one account are allowed');
cmp_ok($open, '<=', 22, 'at most one guess each half minute is allowed after 20') or diag("@status");
is($status[-1], 429, 'the last guess from one network gets 429');
my $late = $next->('stolen@example.com');
like($late->{headers}{'retry-after'} // '', qr/^\d+$/, 'the 429 has Retry-After');
is($next->('unknown@example.com')->{status}, 401, 'guesses at another account are allowed');
is(     post_from('127.8.8.8', '/api/auth/sign-in/email', Kedge::jencode($wrong))->{status}, 401,
	'a wrong password from another network gets 401');
is(
	post_from(
		'127.8.8.9', '/api/auth/sign-in/email',
		Kedge::jencode({ %$wrong, password => 'correct horse battery' })
	)->{status},
	200,
	'the owner signs in from another network');
# Attempts at an address without an account are counted in the same way, so that the
# limit does not reveal which accounts exist.
@status = map { $next->('nobody-at-all@example.com')->{status} } 1 .. 24;
is($status[-1], 429, 'an unknown address is limited like a known one');

# Sign-in with a known and with an unknown address gets the same response, byte for
# byte.
my @answer = map {
	post_from(
		'127.0.0.4', '/api/auth/sign-in/email',
		Kedge::jencode({ email => $_, password => 'wrong password' }))
} 'stolen@example.com', 'unknown@example.com';
is($answer[0]{body}, $answer[1]{body}, 'known and unknown users get the same body');
is(     join(',', sort keys %{ $answer[0]{headers} }),
	join(',', sort keys %{ $answer[1]{headers} }),
	'known and unknown users get the same headers');
done_testing;
