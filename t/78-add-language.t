# kedge add makes services in other languages, which check the assertion themselves, and
# puts applications that exist behind the guard.  All this happens in a copy of the source
# tree.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jdecode need);
use Kedge::Checkout;
use Kedge::Node;
use Kedge::Upstream;

need(qw(make git));
Kedge::Upstream::need_python(qw(jwt waitress));
Kedge::Node::ready();
my $copy = Kedge::Checkout->new;
$copy->commit;

for my $row (
	[ [qw(x --language rust)], qr/there is no language rust; the languages are c, python and node/ ],
	[ [qw(x --language python --worker)], qr/--worker is for services in C/ ],
	[ [qw(x --external http://127.0.0.1:1 --worker)], qr/--worker is for services in C/ ],
	[ [qw(x --language c --external http://127.0.0.1:1)], qr/a service in C has no URL/ ],
	[ [qw(x --language node --external fastcgi:127.0.0.1:1)], qr{listens on http://HOST:PORT} ],
	[ [qw(x --external https://example.com)], qr/upstream: must be/ ],
	[ [qw(x --external ftp://example.com)], qr/upstream: must be/ ],
) {
	my ($args, $says) = @$row;
	my ($status, undef, $err) = $copy->kedge('add', 'service', @$args);
	is($status, 1, "add service @$args is refused");
	like($err, $says, "the refusal of add service @$args says why");
}
is_deeply([ $copy->changes ], [], 'a refused command leaves nothing');

my ($first, $second) = (Kedge::free_port(), Kedge::free_port());
my @made = ([ 'search', '--language', 'python' ],
	[ 'reports', '--language', 'node', '--guard', 'role-gated', '--roles', 'staff' ],
	[ 'board', '--language', 'python', '--guard', 'none', '--prefix', '/board/', '--external', "http://127.0.0.1:$first" ],
	[ 'wiki', '--external', "fastcgi:127.0.0.1:$second", '--prefix', '/wiki/' ]);
for my $args (@made) {
	my ($status, undef, $err) = $copy->kedge('add', 'service', @$args);
	is($status, 0, "add service @$args succeeds") or diag($err);
}
my %row = map { $_->{name} => $_ } @{ jdecode($copy->text('kedge.json'))->{services} };
is_deeply([ map { $row{ $_->[0] }{upstream} } @made ],
	[ 'http://127.0.0.1:8101', 'http://127.0.0.1:8102', "http://127.0.0.1:$first", "fastcgi:127.0.0.1:$second" ],
	'each application has an address of its own');
ok($row{wiki}{external} && !$row{search}{external}, 'only the application that existed is external');
ok(-x $copy->root . "/services/$_", "$_ can be executed") for 'search/main.py', 'reports/main.mjs';
symlink "$Kedge::ROOT/t/compat/node_modules", $copy->root . '/services/reports/node_modules'
    or die "node_modules: $!";

my ($status, $out, $err) = $copy->run_here('prove', '--exec', 't/lib/run', 't/00-config.t', 't/03-docs.t',
	map { s{.*/t/}{t/}r } glob $copy->root . '/t/35-*.t');
is($status, 0, 'the tests of the new services pass, and those of the tree') or diag($out, $err);
unlike($out, qr/skipped/, 'no test is skipped');

# `up` starts none of them, and says so.
my @up = ("$copy->{root}/$copy->{build}/kedge", 'up', '--detach', '--port', 0, '--dir', $copy->root . '/d');
($status, $out, $err) = $copy->run_here(@up);
is($status, 0, 'the stack starts without the applications') or diag($err);
for my $name (qw(board wiki)) {
	my ($address) = $row{$name}{upstream} =~ /([\d.]+:\d+)$/;
	like($out, qr/^$name does not answer at \Q$address\E yet: start it, and \Q$row{$name}{prefix}\E will be served$/m,
		"up says that $name does not answer");
}
$copy->run_here($up[0], 'down', '--dir', $copy->root . '/d');

unlink $copy->root . '/services/reports/node_modules';
mkdir $copy->root . '/services/reports/node_modules' or die $!;
$copy->put('services/reports/node_modules/x/index.js', "\n");
system 'rm', '-rf', $copy->root . '/d';
for my $args (@made) {
	($status, $out, $err) = $copy->kedge('remove', 'service', $args->[0], '--yes');
	is($status, 0, "remove service $args->[0] succeeds") or diag($err);
	unlike($out, qr/DROP DATABASE/, "$args->[0] has no database that must be dropped");
	ok(!-e $copy->root . "/services/$args->[0]", "nothing of $args->[0] is left, not even what npm or Python made");
}
is_deeply([ $copy->changes ], [], 'remove leaves the tree as it was');
done_testing;
