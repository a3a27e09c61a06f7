# The library of Standard Webhooks accepts the signatures of deliveries.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp ();
use Test::More;
use Kedge qw(jencode run_tap);
use Kedge::Node;
use Kedge::Receiver;

Kedge::Node::ready();
my $k = Kedge->up(env => { CORE_WEBHOOK_ALLOW_PRIVATE => 'on' });
my $receiver = Kedge::Receiver->new;
my $root = $k->user('root');
$k->role($root, 'admin');

sub check
{
	my ($requests, @secrets) = @_;
	my $file = File::Temp->new;
	print $file jencode($_) . "\n" for @$requests;
	close $file;
	run_tap('node', "$Kedge::ROOT/t/compat/webhooks.mjs", '--deliveries', $file->filename, @secrets);
	return;
}

my $hook = $root->post('/api/core/webhooks',
	{ url => $receiver->url('/ok/a'), kinds => ['*'] })->{json};
$k->sql('core', q{SELECT webhook_emit('order.made', '{"n": 1}');
    SELECT webhook_emit('order.made', '{"text": "caf\u00e9 \ud83d\ude00 \"quoted\" \\\\", "deep": {"a": [1, null, true, 1.50]}}');
    SELECT webhook_emit('order.made', '[]')});
my @got = $receiver->wait_for('/ok/a', 3);
is(scalar @got, 3, 'three deliveries are received');
check(\@got, '--secret', $hook->{secret});

note('after a rotation, both secrets sign');
my $rotated = $root->post("/api/core/webhooks/$hook->{id}/rotate")->{json};
isnt($rotated->{secret}, $hook->{secret}, 'the secret is rotated');
$k->sql('core', q{SELECT webhook_emit('order.made', '{"n": 2}')});
@got = $receiver->wait_for('/ok/a', 4);
check([ $got[3] ], '--secret', $rotated->{secret}, '--old-secret', $hook->{secret});

note('with a secret that the receiver chose');
my $own = 'whsec_' . 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGk=';
$root->post('/api/core/webhooks',
	{ url => $receiver->url('/ok/b'), kinds => ['order.made'], secret => $own });
$k->sql('core', q{SELECT webhook_emit('order.made', '{"n": 3}')});
@got = $receiver->wait_for('/ok/b', 1);
check(\@got, '--secret', $own);
done_testing;
