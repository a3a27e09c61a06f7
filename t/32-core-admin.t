# GET /api/core/admin/stats returns counts to administrators.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge;

my $k = Kedge->up;
my $root = $k->user('root');
$k->role($root, 'admin');
my $stats = sub { return $root->get('/api/core/admin/stats')->{json} };
is_deeply([ sort keys %{ $stats->() } ], [qw(profiles tasks)], 'profiles and tasks');
my $before = $stats->();
my @people = map { $k->user("p$_") } 1 .. 3;
is($stats->()->{profiles}, $before->{profiles}, 'signing up makes no profile');
$_->post('/api/core/tasks', { title => 't' }) for @people, @people;
my $after = $stats->();
is($after->{profiles} - $before->{profiles}, 3, 'first contact does');
is($after->{tasks} - $before->{tasks}, 6, 'six tasks');
is($people[0]->get('/api/core/admin/stats')->{status}, 403, 'not for everyone');
is($k->client->get('/api/core/admin/stats')->{status}, 401, 'nor for nobody');
for my $path (
	'/api/core//admin/stats', '/api/core/./admin/stats', '/api/core/x/../admin/stats',
	'/api/core/%61dmin/stats',
	'/api/core/admin%2fstats', '/api/core/Admin/stats', '/api/core/admin;x/stats',
	'/api/core/admin/stats/'
) {
	my $r = $people[0]->get($path);
	like($r->{status}, qr/^(400|403|404)$/, "not as $path");
	unlike($r->{body}, qr/profiles/, 'and nothing leaks');
}
done_testing;
