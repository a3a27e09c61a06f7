# S5, actor from the body: the session determines who acts; no member of a body or a
# query changes that, on any declared route.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jencode);

my $k = Kedge->up;
my $alice = $k->user('alice');
my $bob = $k->user('bob');
my $bobs = $bob->post('/api/core/tasks', { title => "bob's task" })->{json};
my $bobs_account = $bob->get('/api/wallet/accounts')->{json}{items}[0]{id};
$_->get('/api/core/me') for $alice, $bob;

my %actor = (
	userId => $bob->{id}, user_id => $bob->{id}, user => $bob->{id}, id => $bob->{id},
	sub => $bob->{id}, ownerId => $bob->{id},
	accountId => $bobs_account, email => $bob->{email}, role => 'admin', roles => ['admin'],
	isAdmin => \1, admin => \1, verified => \1,
	emailVerified => \1, orgId => 'x', permissions => ['*'], scope => 'admin', banned => \0,
	sessionId => 'x', sid => 'x',
	kedgeIdentity => 'x', KEDGE_IDENTITY => 'x', __proto__ => { role => 'admin' },
	constructor => { role => 'admin' }, impersonatedBy => $bob->{id},
);

sub snapshot
{
	my $state = '';
	$state .= $k->sql('core', "SELECT * FROM profile WHERE user_id = '$bob->{id}'");
	$state .= $k->sql('core', "SELECT * FROM task WHERE user_id = '$bob->{id}' ORDER BY id");
	$state .=
	    $k->sql('wallet', "SELECT * FROM account WHERE user_id = '$bob->{id}' ORDER BY id");
	$state .= $k->sql('auth', qq{SELECT * FROM "user" WHERE id = '$bob->{id}'});
	$state .=
	    $k->sql('auth', qq{SELECT id FROM session WHERE "userId" = '$bob->{id}' ORDER BY id});
	$state .=
	    $k->sql('auth',
qq{SELECT id, role, banned, "emailVerified", email FROM "user" WHERE id = '$alice->{id}'}
	    );
	return $state;
}

# Calls every route of the OpenAPI documents with a valid body that also names another
# user as the actor, in one member at a time and in all together.
my %body = (
	'POST /api/core/tasks' => { title => 't' },
	'PATCH /api/core/tasks/{id}' => { title => 'stolen' },
	'PATCH /api/core/me' => { displayName => 'A' },
	'POST /api/auth/update-user' => { name => 'A' },
);
# These routes end sessions or change passwords: other tests cover them.
my $not = qr{^POST /api/auth/(sign-|revoke-|change-password|provision)};
my $before = snapshot();
my $tried = 0;
for my $service (Kedge::services()) {
	my $spec = $k->client->get("/api/$service/openapi.json")->{json};
	ok($spec, "$service has an OpenAPI document");
	for my $path (sort keys %{ $spec->{paths} }) {
		for my $method (map {uc}
			sort grep {/^(get|post|put|patch|delete)$/} keys %{ $spec->{paths}{$path} })
		{
			my $full = $path =~ m{^/api/} ? $path : "/api/$service$path";
			my $route = "$method $full";
			next if $route =~ $not;
			my @bodies =
			    $method eq 'GET' || $method eq 'DELETE'
			    ? (undef)
			    : (
				(
					map { { %{ $body{$route} // {} }, $_ => $actor{$_} } }
					sort keys %actor
				),
				{ %{ $body{$route} // {} }, %actor });
			my @queries =
			    ('',
				map { "?$_=" . (ref $actor{$_} ? 'admin' : $actor{$_}) }
				sort keys %actor);
			for my $target ($bobs->{id}, $bobs_account) {
				my $at = $full =~ s/\{\w+\}/$target/r;
				for my $data (@bodies) {
					my $r = $alice->request($method, $at,
						defined $data ? (json => $data) : ());
					$tried++;
					unlike( $r->{status},
						qr/^5/,
						"$route "
						    . ( defined $data
							? substr(jencode($data), 0, 50)
							: ''
						    )
					) if $r->{status} >= 500;
					fail("$route returns the id of another user")
					    if $r->{body} =~
					    /\Q$bob->{email}\E|bob's task|\Q$bobs_account\E/
					    && $full !~ /\{/;
				}
				for my $q ($method eq 'GET' || $method eq 'DELETE' ? @queries : ())
				{
					my $r = $alice->request($method, "$at$q");
					$tried++;
					fail("$route$q returns the id of another user")
					    if $r->{body} =~ /\Q$bob->{email}\E|bob's task/;
					fail("$route$q: $r->{status}") if $r->{status} >= 500;
				}
				last unless $full =~ /\{/;
			}
		}
	}
}
cmp_ok($tried, '>=', 200, "at least 200 requests were made ($tried)");
is(snapshot(), $before, 'nothing of another user has changed, and no identity');
is($alice->get('/api/core/admin/stats')->{status}, 403, 'the user is no administrator');
is($alice->get('/api/core/whoami')->{json}{userId}, $alice->{id}, 'whoami returns the same user as before');

# Members that a sign-up may not set for the new user.
my $n = 0;
for my $name (sort keys %actor) {
	next if $name eq 'email';
	my $c = $k->client;
	my $email = 's5-' . ++$n . '@example.com';
	my $r = $c->post(
		'/api/auth/sign-up/email',
		{ name => 'x', email => $email, password => 'correct horse battery',
			$name => $actor{$name}
		});
	next if $r->{status} == 400;
	is($r->{status}, 200, "sign-up with $name succeeds") or next;
	my $u = $r->{json}{user};
	isnt($u->{id}, $bob->{id}, "sign-up with $name creates another user");
	is($u->{role}, 'user', 'the new user has the role user');
	ok(!$u->{emailVerified}, 'the new user is not verified');
	is($c->get('/api/core/admin/stats')->{status}, 403, 'the new user is not an administrator');
}

# Duplicate JSON keys: a check and the action must not use different values.
for my $body ('{"title":"a","title":"b"}',
	qq({"title":"a","userId":"$bob->{id}","userId":"$alice->{id}"})) {
	is(
		$alice->request(
			POST => '/api/core/tasks', body => $body, type => 'application/json'
		)->{status},
		400,
		'duplicate keys are refused');
}
my $twice =
'{"name":"x","email":"one@example.com","email":"two@example.com","password":"correct horse battery"}';
my $r = $k->client->request(POST => '/api/auth/sign-up/email', body => $twice,
	type => 'application/json');
is($r->{status}, 400, 'a sign-up with two addresses is refused');
is(
	$k->sql('auth',
		q{SELECT count(*) FROM "user" WHERE email IN ('one@example.com', 'two@example.com')}
	),
	0,
	'no user is stored for two addresses');
$r = $k->client->request(
	POST => '/api/auth/sign-in/email',
	body => "email=$alice->{email}&email=$bob->{email}&password=correct+horse+battery",
	type => 'application/x-www-form-urlencoded');
is($r->{status}, 400, 'a form with two addresses is refused') or diag($r->{body});

# revoke-session cannot end another user's session by its token.
is($alice->post('/api/auth/revoke-session', { token => $bob->{token} })->{json}{status},
	JSON::PP::true, "revoking another user's session is answered as by BetterAuth");
is($bob->get('/api/core/whoami')->{status}, 200, "a request to revoke another user's session does not end it");
done_testing;
