# One pass through every endpoint.  The services' OpenAPI documents list them: each
# endpoint is called once successfully, and its response has a status and a body that
# the document allows.  A route that no row calls is reported.
#
# The rows are in t/endpoints/*.json, with a file for each service, and one for each
# optional part of a service:
#
# 	{ "job": a body for POST /jobs,
# 	  "pass": [ [ who, "METHOD /path", body, name of the created item ], ... ] }
#
# Rows run in order.  The user of a row signs up when first named; "nobody" sends no
# cookie, and "admin" has that role.  {name} is replaced by the id of the created item;
# {email of who}, {password} and {token of who again} by values of a user, the last one
# being the token of another session.  {app code of x} and {backup code of x} are codes of
# the second factor that a row named x has enabled.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(hmac_sha256);
use MIME::Base64 qw(encode_base64url);
use Test::More;
use Kedge qw(files jdecode jencode slurp);
use Kedge::Mail;
use Kedge::Totp;

# All plugins of auth are enabled.  Jobs are not run, so that they can be cancelled and
# retried; only auth's queue of mail is.
my @plugins = map { m{([^/]+)$} ? $1 =~ tr/_/-/r : () } grep {-d}
    files("$Kedge::ROOT/services/auth/plugin");
my $k = Kedge->up(env => { AUTH_PLUGINS => join(',', @plugins),
	map { uc . '_WORKER_PROCESSES' => $_ eq 'auth' ? 1 : 0 } Kedge::services() });
# update-session changes fields of the application; there must be one.
$k->sql('auth', 'ALTER TABLE session ADD theme text');
$k->down;
$k->{env}{AUTH_ADDITIONAL_FIELDS} = '{"session":{"theme":{"type":"string"}}}';
$k->start;
my ($paused, undef, $why) = $k->kedge('jobs', 'auth', 'pause', 'default');
is($paused, 0, "auth's other jobs do not run") or diag($why);
my %who = (nobody => $k->client);
my (@pass, %job);
for my $file (files("$FindBin::Bin/endpoints", qr/\.json$/)) {
	my $rows = jdecode(slurp($file)) or die "$file is not JSON";
	my ($name) = $file =~ m{([^/]+)\.json$};
	$job{$name} = $rows->{job} if $rows->{job};
	push @pass, @{ $rows->{pass} };
}

# The rows for every service that has jobs.
for my $service (sort keys %job) {
	push @pass, map { $_->[1] =~ s{ /}{ /api/$service/}; $_ } (
		[ admin => 'POST /jobs', $job{$service}, "$service job" ],
		[ admin => 'GET /jobs' ],
		[ admin => 'GET /audit' ],
		[ admin => 'GET /audit/export' ],
		[ admin => 'GET /jobs/queues' ],
		[ admin => 'GET /jobs/schedules' ],
		[ admin => "GET /jobs/{$service job}" ],
		[ admin => "POST /jobs/{$service job}/cancel" ],
		[ admin => "POST /jobs/{$service job}/retry" ],
		[ admin => 'POST /jobs/queues/default/pause' ],
		[ admin => 'POST /jobs/queues/default/resume' ],
		[ admin => 'POST /webhooks', { url => 'https://example.com/', kinds => ['*'] },
			"$service hook"
		],
		[ admin => 'GET /webhooks' ],
		[ admin => "GET /webhooks/{$service hook}" ],
		[ admin => "PATCH /webhooks/{$service hook}", { kinds => ['*'] } ],
		[ admin => "POST /webhooks/{$service hook}/disable" ],
		[ admin => "POST /webhooks/{$service hook}/enable" ],
		[ admin => "POST /webhooks/{$service hook}/rotate" ],
		[ admin => "POST /webhooks/{$service hook}/test" ],
		[ admin => "GET /webhooks/{$service hook}/deliveries" ],
		[ admin => "DELETE /webhooks/{$service hook}" ],
	);
}

# ---- the specifications -------------------------------------------------------------

my (%spec, %missing, @patterns);
# An application that is not Kedge's (upstream) documents itself in its own way.
for my $row (grep { !$_->{upstream} } @{ jdecode(slurp("$Kedge::ROOT/kedge.json"))->{services} }) {
	my $service = $row->{name};
	my $spec = $spec{$service} = $k->client->get("$row->{prefix}openapi.json")->{json};
	ok($spec, "$service has an OpenAPI document") or next;
	for my $path (sort keys %{ $spec->{paths} }) {
		for my $method (grep {/^(?:get|put|post|patch|delete)$/} sort keys %{ $spec->{paths}{$path} }) {
			my $route = uc($method) . " $path";
			my $re = join '[^/]+', map {quotemeta} split /\{\w+\}/, $route, -1;
			$missing{$route} = 1;
			push @patterns, [ $re, $route, $service, $spec->{paths}{$path}{$method} ];
		}
	}
}
# When a path without parameters and a path with parameters both match, the one without
# parameters is taken.
@patterns = sort { ($a->[1] =~ tr/{//) <=> ($b->[1] =~ tr/{//) } @patterns;

sub resolve
{
	my ($service, $thing) = @_;
	while (my $ref = $thing->{'$ref'}) {
		my ($group, $name) = $ref =~ m{^#/components/(\w+)/(\w+)$} or die $ref;
		$thing = $spec{$service}{components}{$group}{$name} // die "no $ref";
	}
	return $thing;
}

sub type_of
{
	my ($value) = @_;
	return 'null' if !defined $value;
	return 'object' if ref $value eq 'HASH';
	return 'array' if ref $value eq 'ARRAY';
	return 'boolean' if ref $value;
	my $text = jencode($value);
	return $text =~ /^"/ ? 'string' : $text =~ /^-?\d+$/ ? 'integer' : 'number';
}

# Returns how a value violates a schema, as a list of sentences.
sub problems
{
	my ($service, $schema, $value, $at) = @_;
	$schema = resolve($service, $schema);
	my @all = map { problems($service, $_, $value, $at) } @{ $schema->{allOf} // [] };
	my @any = @{ $schema->{anyOf} // $schema->{oneOf} // [] };
	push @all, "$at: none of the schemas"
	    if @any && !grep { !problems($service, $_, $value, $at) } @any;
	my $type = type_of($value);
	my @types = ref $schema->{type} ? @{ $schema->{type} } : $schema->{type} // ();
	return (@all, "$at: is of type $type, not @types")
	    if @types && !grep { $_ eq $type || $_ eq 'number' && $type eq 'integer' } @types;
	if ($type eq 'object') {
		push @all, map {"$at.$_: is missing"}
		    grep { !exists $value->{$_} } @{ $schema->{required} // [] };
		for my $name (sort keys %$value) {
			my $member = $schema->{properties}{$name} or next;
			push @all, problems($service, $member, $value->{$name}, "$at.$name");
		}
	}
	if ($type eq 'array' && $schema->{items}) {
		push @all, map { problems($service, $schema->{items}, $value->[$_], "$at\[$_]") } 0 .. $#$value;
	}
	push @all, "$at: \"$value\" is not allowed"
	    if $type eq 'string' && $schema->{enum} && !grep { defined && $_ eq $value } @{ $schema->{enum} };
	return @all;
}

# ---- one request for each endpoint ----------------------------------------------------

my (%made, $keys);

# Returns the named user, who signs up when first used.
my %uri; # the addresses for authenticator apps

sub person
{
	my ($name) = @_;
	return $who{$name} //= do {
		my $c = $k->user($name);
		$k->role($c, 'admin') if $name eq 'admin';
		$c;
	};
}

sub value_of
{
	my ($name) = @_;
	return $made{$name} if defined $made{$name};
	return person($1)->{email} if $name =~ /^email of (\w+)$/;
	return person('alice')->{password} if $name eq 'password';
	return $k->again(person($1))->{token} if $name =~ /^token of (\w+) again$/;
	return Kedge::Totp::code($uri{$1}) if $name =~ /^app code of (\w+)$/ && $uri{$1};
	# The token of a link that was sent: "reset-password: of ann" is what follows
	# "reset-password:".
	return $k->sql('auth', sprintf q{SELECT substr(identifier, %d) FROM verification
	    WHERE starts_with(identifier, '%s') AND value = (SELECT id FROM "user" WHERE email = '%s')
	    ORDER BY "createdAt" DESC LIMIT 1}, 1 + length $1, $1, person($2)->{email})
	    if $name =~ /^([a-z-]+[:-]) of (\w+)$/;
	if ($name =~ /^email token of (\w+)$/) {
		my $text = join '.', map { encode_base64url($_) } '{"alg":"HS256"}',
		    jencode({ email => person($1)->{email}, exp => time + 60 });
		return $text . '.' . encode_base64url(hmac_sha256($text, $k->service_env('auth')->{AUTH_SECRET}));
	}
	if ($name =~ /^second account of (\w+)$/) {
		$k->sql('auth', sprintf q{INSERT INTO account (id, "accountId", "providerId", "userId", "updatedAt")
		    SELECT 'second', 'x', 'github', id, now() FROM "user" WHERE email = '%s'}, person($1)->{email});
		return 'second';
	}
	if ($name =~ /^mailed code of (\w+)$/) {
		my ($code) = Kedge::Mail::to($k, person($1)->{email})->{text} =~ /^(\d{6})$/m;
		return $code;
	}
	return "no $name";
}

# Replaces each {name} in the text by its value.
sub filled
{
	my ($thing) = @_;
	return { map { $_ => filled($thing->{$_}) } keys %$thing } if ref $thing eq 'HASH';
	return [ map { filled($_) } @$thing ] if ref $thing eq 'ARRAY';
	return $thing if ref $thing || !defined $thing || $thing !~ /\{/;
	return $thing =~ s/\{([^}]+)\}/value_of($1)/ger;
}

for my $row (@pass) {
	my ($who, $call, $body, $name) = @$row;
	my ($method, $path) = split / /, filled($call), 2;
	my ($of) = grep { "$method $path" =~ /^$_->[0](?:\?.*)?$/ } @patterns;
	ok($of, "$call: the OpenAPI document has the operation") or next;
	my (undef, $route, $service, $operation) = @$of;
	delete $missing{$route};
	my @headers = map { resolve($service, $_) } @{ $operation->{parameters} // [] };
	my %opt;
	$opt{headers} = { 'Idempotency-Key' => 'pass-' . ++$keys }
	    if grep { $_->{in} eq 'header' && $_->{name} eq 'Idempotency-Key' } @headers;
	$opt{json} = filled($body) if defined $body;
	my $r = person($who)->request($method, $path, %opt);
	my ($status) = grep { $_ < 400 } sort keys %{ $operation->{responses} };
	is($r->{status}, $status, "$call: the request succeeds") or diag($r->{body});
	my $content = resolve($service, $operation->{responses}{$status})->{content};
	my $schema = $content && $content->{'application/json'} && $content->{'application/json'}{schema};
	if ($schema) {
		is_deeply([ problems($service, $schema, $r->{json}, 'body') ], [],
			"$call: the body fits the schema") or diag($r->{body});
	}
	next if !defined $name;
	$made{$name} = $r->{json}{id};
	$uri{$name} = $r->{json}{totpURI};
	$made{"backup code of $name"} = $r->{json}{backupCodes}[0] if $r->{json}{backupCodes};
}
is_deeply([ sort keys %missing ], [], 'each route of each service has a row in t/endpoints');

# problems() finds violations, so the check above can fail.
my %schema = (type => 'object', required => [ 'a', 'b' ], properties => {
	a => { type => 'integer' }, b => { type => [ 'string', 'null' ], enum => [ 'x', undef ] },
	c => { type => 'array', items => { type => 'boolean' } } });
is_deeply([ problems('core', \%schema, { a => 1, b => undef, c => [ \1 ], d => 2 }, 'v') ], [],
	'a value of the schema has no problem');
is_deeply([ problems('core', \%schema, { a => 'x', b => 'y', c => [ \1, 5 ] }, 'v') ],
	[ 'v.a: is of type string, not integer', 'v.b: "y" is not allowed',
		'v.c[1]: is of type integer, not boolean'
	],
	'this test finds a member that the schema lacks');
is_deeply([ problems('core', \%schema, { a => 1 }, 'v') ], ['v.b: is missing'], 'a missing member is found');
done_testing;
