# The OpenAPI documents describe what the services do: members, headers, statuses and
# codes of real responses must be in them.  t/52-compat.t runs a validator on the
# documents.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jdecode run slurp);

my $k = Kedge->up(env => { CORE_WEBHOOK_ALLOW_PRIVATE => 'on' });
my $alice = $k->user('alice');
my $root = $k->user('root');
$k->role($root, 'admin');
my %spec = map { $_ => $k->client->get("/api/$_/openapi.json")->{json} } Kedge::services();

sub operation
{
	my ($service, $method, $path) = @_;
	return $spec{$service}{paths}{"/api/$service$path"}{$method};
}

sub schema
{
	my ($service, $schema) = @_;
	while (my $ref = $schema->{'$ref'} // $schema->{allOf}[0]{'$ref'}) {
		$schema = $spec{$service}{components}{schemas}{ $ref =~ s{.*/}{}r };
	}
	return $schema;
}

# Returns the members of a response that its schema does not have.
sub untold
{
	my ($service, $schema, $value) = @_;
	$schema = schema($service, $schema);
	my @patterns = keys %{ $schema->{patternProperties} // {} };
	return [
		grep {
			my $name = $_;
			!exists $schema->{properties}{$name} && !grep { $name =~ /$_/ } @patterns
		} sort keys %$value
	];
}

# ---- members ------------------------------------------------------------------------

my $found = $alice->get('/api/auth/get-session')->{json};
ok(exists $found->{user}{hasCoreAccount}, 'a user shows its accounts');
is_deeply(untold('auth', { '$ref' => '#/components/schemas/User' }, $found->{user}), [],
	'and its schema tells of them');
my $hook = $root->post('/api/core/webhooks', { url => 'http://127.0.0.1:1/', kinds => ['*'] });
my $job = $root->post("/api/core/webhooks/$hook->{json}{id}/test", {})->{json}{jobId};
$job = $root->get("/api/core/jobs/$job")->{json};
ok(exists $job->{payload}, 'a job shows what it was given');
is_deeply(untold('core', { '$ref' => '#/components/schemas/Job' }, $job), [],
	'and its schema tells of all');
for my $list ([ wallet => '/currencies' ], [ core => '/jobs/queues' ], [ core => '/jobs/schedules' ],
	[ wallet => '/jobs/queues' ], [ auth => '/jobs/schedules' ])
{
	my ($service, $path) = @$list;
	my $page = $root->get("/api/$service$path")->{json};
	is_deeply([ sort keys %$page ], [ 'items', 'nextCursor' ], "$service$path is a page");
	is($page->{nextCursor}, undef, "$service$path: the only one");
	my $told = schema($service,
		operation($service, 'get', $path)->{responses}{200}{content}{'application/json'}{schema});
	is_deeply($told->{required}, [ 'items', 'nextCursor' ], "$service$path: as it is told");
}

# ---- headers and statuses -----------------------------------------------------------

my $made = $alice->post('/api/core/tasks', { title => 'x' });
my $told = operation('core', 'post', '/tasks')->{responses}{201}{headers};
for my $name (qw(Location ETag)) {
	ok(length($made->{headers}{ lc $name } // ''), "a task is made with $name");
	ok(exists $told->{$name}, 'which is told');
}
my $path = "/api/core/tasks/$made->{json}{id}";
my $seen = $alice->get($path, headers => { 'If-None-Match' => $made->{headers}{etag} });
is($seen->{status}, 304, 'it has not changed');
$told = operation('core', 'get', '/tasks/{id}')->{responses};
ok(exists $told->{304}{headers}{ETag}, 'which is told, with the ETag');
ok(exists $told->{200}{headers}{ETag}, 'that the task has');
ok(!exists operation('core', 'get', '/tasks')->{responses}{304}, 'and not where it cannot be');
ok(exists operation('core', 'patch', '/tasks/{id}')->{responses}{200}{headers}{ETag},
	'a changed one has, too');
my $account = $alice->post('/api/wallet/accounts', { name => 'x', currency => 'EUR' });
ok(length($account->{headers}{location} // ''), 'an account is opened with Location');
ok(exists operation('wallet', 'post', '/accounts')->{responses}{201}{headers}{Location},
	'which is told');
ok(exists operation('auth', 'get', '/error')->{responses}{302}{headers}{Location},
	'a redirect says where to');

# ---- what a client can use, all of it and nothing else ------------------------------

is_deeply([ sort map { $_->{name} } @{ operation('auth', 'get', '/get-session')->{parameters} } ],
	[qw(disableCookieCache disableRefresh)], 'get-session: its parameters');
is(operation('auth', 'post', '/get-session'), undef, 'and no method that it always refuses');
is($alice->post('/api/auth/provision', {})->{status}, 404, 'provision is for services');
ok(!exists $spec{auth}{paths}{'/api/auth/provision'}, 'and so it is not told of');

# ---- codes ----------------------------------------------------------------------------

my ($table) = slurp("$Kedge::ROOT/services/wallet/README.md") =~ /^## Refusals\n(.*?)^## /ms;
for my $line (split /\n/, $table) {
	my ($codes, $status) = $line =~ /^\| (.*) \| (\d+) \|$/ or next;
	my $ref = operation('wallet', 'post', '/transfers')->{responses}{$status}{'$ref'};
	my $text = $spec{wallet}{components}{responses}{ $ref =~ s{.*/}{}r }{description};
	like($text, qr/^- `$_`: \w/m, "$_ is told under $status") for $codes =~ /`([A-Z_]+)`/g;
}
unlike(jdecode((run(Kedge->binary('core'), '--openapi'))[1])
	    ->{components}{responses}{UNPROCESSABLE}{description}, qr/INSUFFICIENT_FUNDS/,
	'each service has its own');
done_testing;
