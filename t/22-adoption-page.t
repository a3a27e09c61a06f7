# docs/ADOPTION.md: its blocks are executed from top to bottom, as by somebody whose
# BetterAuth server runs meanwhile.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use Test::More;
use Kedge qw(jencode);
use Kedge::Node;
use Kedge::Page;

Kedge::Node::ready();
my $server = Kedge->up;
$server->sql('postgres', $_) for 'DROP DATABASE auth WITH (FORCE)', 'DROP ROLE auth', 'DROP ROLE auth_owner',
    q{CREATE ROLE shop LOGIN PASSWORD 'secret'}, q{CREATE ROLE boss SUPERUSER LOGIN PASSWORD 'administrator'},
    'CREATE DATABASE shop OWNER shop';
my $secret = 'the secret of the server that was there before';
my $theirs = Kedge::Node->oracle(version => '1.7.25', database => $server->node_url('shop', 'shop:secret'),
	secret => $secret, options => jencode({ user => { additionalFields =>
		{ plan => { type => 'string', required => \0, input => \0 } } } }));
my $cookie;
for my $name ('ada', 'bob') {
	my $c = Kedge::Client->new(base => $theirs->{base});
	my $r = $c->post('/api/auth/sign-up/email', { name => $name, email => "$name\@example.com",
		password => 'correct horse battery' });
	is($r->{status}, 200, "$name signs up at BetterAuth");
	($cookie) = map {/^(better-auth\.session_token=[^;]+)/} @{ $r->{cookies} } if $name eq 'ada';
}
$server->sql('shop', q{INSERT INTO "user" (id, name, email, "emailVerified") VALUES ('s', 'S', 's@example.com', true);
    INSERT INTO account (id, "accountId", "providerId", "userId", "updatedAt") VALUES ('s', '1', 'github', 's', now())});

# As on a new clone: there is no directory of a stack until a block of the page makes it.
my $k = Kedge->up(start => 0);
$k->{port} = my $port = Kedge::free_port();
my $dir = tempdir(CLEANUP => 1);
open my $env, '>', "$dir/.env" or die "$dir/.env: $!";
printf $env "DATABASE_URL='%s'\nBETTER_AUTH_SECRET='%s'\nBETTER_AUTH_URL=%s\n",
    $server->url_as('shop:secret', 'shop'), $secret, $theirs->{base};
close $env;
my $admin = $server->url_as('boss:administrator', 'shop');
my $out = Kedge::Page->new('docs/ADOPTION.md')->run_on_stack($k, dir => $dir, as => sub {
	my ($text) = @_;
	$text =~ s{better-auth\.session_token=TOKEN\.SIGNATURE}{$cookie}g;
	$text =~ s{postgresql://postgres:administrator\@db\.internal/shop}{'$admin'}g;
	# One user cannot sign in, and the reader has decided to accept that.
	$text =~ s{kedge adopt(?= --(?:cookie|sql))}{kedge adopt --accept-lockout 1}g;
	$text =~ s{kedge up --database given}{kedge up --database given --port $port};
	return $text;
});
ok(-e $k->dir . '/kedge.env', 'kedge adopt --run has made the directory') or diag($out);
like($out, qr/"plan":null/, 'a column of the application is in the answer');
is($server->sql('shop', q{SELECT to_regclass('kedge_adoption') IS NULL}), 't', 'the page ends with the way back');
is(Kedge::Client->new(base => $theirs->{base})->get('/api/auth/get-session', cookie => $cookie)->{json}{user}{email},
	'ada@example.com', 'and BetterAuth has run all the time');
done_testing;
