# kedge user creates users on the command line.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge;

my $k = Kedge->up;
sub create { my $opt = ref $_[-1] ? pop : {}; return $k->kedge('user', 'create', @_, $opt) }

my ($status, $out, $err) =
    create('Root@Example.com', '--name', 'Root', '--role', 'admin', '--password-stdin',
	{ in => "correct horse battery\n" });
is($status, 0, 'create') or diag("$out$err");
my $root = $k->client;
@$root{qw(email password)} = ('root@example.com', 'correct horse battery');
is($root->sign_in->{status}, 200, 'signs in with the password from stdin');
is($root->get('/api/core/admin/stats')->{status}, 200, 'is an administrator');
is($root->session->{user}{name}, 'Root', 'has the name');
unlike("$out$err", qr/correct horse/, 'the password is not printed');

my @bad = (
	[ 'twice', ['root@example.com'], "correct horse battery" ],
	[ 'twice in other letters', ['ROOT@EXAMPLE.COM'], "correct horse battery" ],
	[ 'no address', ['root'], "correct horse battery" ],
	[ 'a short password', ['a@example.com'], 'short' ],
	[ 'a long password', ['a@example.com'], 'x' x 129 ],
	[ 'no password', ['a@example.com'], '' ],
	[ 'an unknown option', [ 'a@example.com', '--surprise' ], 'correct horse battery' ],
);
for my $row (@bad) {
	my ($name, $args, $password) = @$row;
	my ($s, $o, $e) = create(@$args, '--password-stdin', { in => $password });
	isnt($s, 0, "$name: refused");
	like("$o$e", qr/^.+\n\z/, "$name: in one line") or diag("$o$e") unless "$o$e" =~ /^usage/;
}
is($k->sql('auth', q{SELECT count(*) FROM "user"}), 1, 'and nothing was written');

my $alice = $k->user('alice');
($status, $out) = $k->kedge('user', 'list');
is($status, 0, 'list');
like($out, qr/root\@example\.com.*admin|admin.*root\@example\.com/, 'the administrator');
like($out, qr/\Q$alice->{email}\E/, 'and everyone');
unlike($out, qr/[0-9a-f]{32}:|\Q$alice->{token}\E/, 'no hash, no token');

is($alice->get('/api/core/admin/stats')->{status}, 403, 'alice is not one');
($status, $out, $err) = $k->kedge('user', 'role', $alice->{email}, 'admin');
is($status, 0, 'role') or diag("$out$err");
is($alice->get('/api/core/admin/stats')->{status}, 200, 'now she is, at once');
isnt(($k->kedge('user', 'role', 'nobody@example.com', 'admin'))[0], 0, 'nobody gets no role');
for my $roles ('', ',', ',admin', 'admin,', 'admin,,editor', 'admin, editor') {
	my ($s, $o, $e) = $k->kedge('user', 'role', $alice->{email}, $roles);
	isnt($s, 0, "the roles '$roles': refused");
	like($e, qr/comma/, 'with how to write them');
	isnt((create('roles@example.com', '--role', $roles))[0], 0, 'also for a new user');
}
is($k->sql('auth', qq{SELECT role FROM "user" WHERE id = '$alice->{id}'}),
	'admin', 'and the role is as it was');
is(($k->kedge('user', 'role', $alice->{email}, 'editor,admin'))[0], 0, 'several roles');
isnt(($k->kedge('user', 'surprise'))[0], 0, 'an unknown command');
done_testing;
