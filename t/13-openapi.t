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

# ---- headers ------------------------------------------------------------------------

# A client with types from the document must not forget a header that the route needs.
my $missing = $alice->post('/api/wallet/transfers', { debitAccountId => '00000000-0000-4000-8000-000000000000',
	creditAccountId => '00000000-0000-4000-8000-000000000001', amount => 1 });
is($missing->{json}{code}, 'IDEMPOTENCY_KEY_REQUIRED', 'a transfer needs an Idempotency-Key');
my %requires;
for my $service (Kedge::services()) {
	my $paths = $spec{$service}{paths};
	for my $path (keys %$paths) {
		for my $method (grep { ref $paths->{$path}{$_} eq 'HASH' } keys %{ $paths->{$path} }) {
			for my $p (@{ $paths->{$path}{$method}{parameters} // [] }) {
				$requires{"$method $path"} = $p->{required} ? 1 : 0
				    if ($p->{name} // '') eq 'Idempotency-Key';
			}
		}
	}
}
is_deeply([ sort grep { $requires{$_} } keys %requires ],
	[ map { "post /api/wallet/transfers$_" } '', '/batch', '/{id}/capture', '/{id}/reverse' ],
	'the documents say which routes need it') or diag(explain \%requires);
is($requires{'post /api/core/tasks'}, 0, 'and that others only read it');

# ---- members ------------------------------------------------------------------------

my $found = $alice->get('/api/auth/get-session')->{json};
ok(exists $found->{user}{hasCoreAccount}, 'the user object has hasCoreAccount');
is_deeply(untold('auth', { '$ref' => '#/components/schemas/User' }, $found->{user}), [],
	'the schema User has each member of the user object');
my $hook = $root->post('/api/core/webhooks', { url => 'http://127.0.0.1:1/', kinds => ['*'] });
my $job = $root->post("/api/core/webhooks/$hook->{json}{id}/test", {})->{json}{jobId};
$job = $root->get("/api/core/jobs/$job")->{json};
ok(exists $job->{payload}, 'a job has its payload');
is_deeply(untold('core', { '$ref' => '#/components/schemas/Job' }, $job), [],
	'the schema Job has each member of a job');
for my $list ([ wallet => '/currencies' ], [ core => '/jobs/queues' ], [ core => '/jobs/schedules' ],
	[ wallet => '/jobs/queues' ], [ auth => '/jobs/schedules' ])
{
	my ($service, $path) = @$list;
	my $page = $root->get("/api/$service$path")->{json};
	is_deeply([ sort keys %$page ], [ 'items', 'nextCursor' ], "$service$path has the members of a page");
	is($page->{nextCursor}, undef, "$service$path has a single page");
	my $told = schema($service,
		operation($service, 'get', $path)->{responses}{200}{content}{'application/json'}{schema});
	is_deeply($told->{required}, [ 'items', 'nextCursor' ], "$service$path: both members of a page are required in OpenAPI");
}

# ---- headers and statuses -----------------------------------------------------------

my $made = $alice->post('/api/core/tasks', { title => 'x' });
my $told = operation('core', 'post', '/tasks')->{responses}{201}{headers};
for my $name (qw(Location ETag)) {
	ok(length($made->{headers}{ lc $name } // ''), "POST /tasks returns $name");
	ok(exists $told->{$name}, "OpenAPI has the header $name");
}
my $path = "/api/core/tasks/$made->{json}{id}";
my $seen = $alice->get($path, headers => { 'If-None-Match' => $made->{headers}{etag} });
is($seen->{status}, 304, 'an unchanged task is answered with 304');
$told = operation('core', 'get', '/tasks/{id}')->{responses};
ok(exists $told->{304}{headers}{ETag}, 'OpenAPI has the 304 with ETag');
ok(exists $told->{200}{headers}{ETag}, 'OpenAPI has the ETag of a task');
ok(!exists operation('core', 'get', '/tasks')->{responses}{304}, 'OpenAPI has no 304 for a list');
ok(exists operation('core', 'patch', '/tasks/{id}')->{responses}{200}{headers}{ETag},
	'OpenAPI has the ETag of a changed task');
my $account = $alice->post('/api/wallet/accounts', { name => 'x', currency => 'EUR' });
ok(length($account->{headers}{location} // ''), 'POST /accounts returns Location');
ok(exists operation('wallet', 'post', '/accounts')->{responses}{201}{headers}{Location},
	'OpenAPI has the Location of a new account');
ok(exists operation('auth', 'get', '/error')->{responses}{302}{headers}{Location},
	'OpenAPI has the Location of a redirect');

# ---- the document lists exactly what a client can use -------------------------------

is_deeply([ sort map { $_->{name} } @{ operation('auth', 'get', '/get-session')->{parameters} } ],
	[qw(disableCookieCache disableRefresh)], 'OpenAPI has the query parameters of get-session');
is(operation('auth', 'post', '/get-session'), undef, 'OpenAPI leaves out POST /get-session, which is always refused');
is($alice->post('/api/auth/provision', {})->{status}, 404, 'OpenAPI has no route that is for services only');
ok(!exists $spec{auth}{paths}{'/api/auth/provision'}, 'OpenAPI leaves out the internal path /provision');

# ---- codes ----------------------------------------------------------------------------

my ($table) = slurp("$Kedge::ROOT/services/wallet/README.md") =~ /^## Error codes\n(.*?)^## /ms
    or die 'the README of wallet has no table of error codes';
for my $line (split /\n/, $table) {
	my ($codes, $status) = $line =~ /^\| (.*) \| (\d+) \|$/ or next;
	my $ref = operation('wallet', 'post', '/transfers')->{responses}{$status}{'$ref'};
	my $text = $spec{wallet}{components}{responses}{ $ref =~ s{.*/}{}r }{description};
	like($text, qr/^- `$_`: \w/m, "OpenAPI has the error $_ under $status") for $codes =~ /`([A-Z_]+)`/g;
}
unlike(jdecode((run(Kedge->binary('core'), '--openapi'))[1])
	    ->{components}{responses}{UNPROCESSABLE}{description}, qr/INSUFFICIENT_FUNDS/,
	'the errors of a service are in its own document only');
done_testing;
