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
is_deeply([ sort keys %{ $stats->() } ], [qw(profiles tasks)], 'the statistics have profiles and tasks');
my $before = $stats->();
my @people = map { $k->user("p$_") } 1 .. 3;
is($stats->()->{profiles}, $before->{profiles}, 'sign-up alone creates no profile');
$_->post('/api/core/tasks', { title => 't' }) for @people, @people;
my $after = $stats->();
is($after->{profiles} - $before->{profiles}, 3, 'first contact adds a profile for each user');
is($after->{tasks} - $before->{tasks}, 6, 'the statistics count the six new tasks');
is($people[0]->get('/api/core/admin/stats')->{status}, 403, 'a user may not see the statistics');
is($k->client->get('/api/core/admin/stats')->{status}, 401, 'the statistics require a session');
for my $path (
	'/api/core//admin/stats', '/api/core/./admin/stats', '/api/core/x/../admin/stats',
	'/api/core/%61dmin/stats',
	'/api/core/admin%2fstats', '/api/core/Admin/stats', '/api/core/admin;x/stats',
	'/api/core/admin/stats/'
) {
	my $r = $people[0]->get($path);
	like($r->{status}, qr/^(400|403|404)$/, "$path does not lead to the statistics");
	unlike($r->{body}, qr/profiles/, "$path returns no statistics");
}
done_testing;
