# auth runs jobs like every service: administrators manage them through verify, expired
# sessions are deleted, and a sign-up is an event for webhooks.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(hmac_sha256);
use IO::Socket::UNIX;
use MIME::Base64 qw(decode_base64url encode_base64url);
use Test::More;
use Kedge qw(jdecode jencode wait_until);
use Kedge::FastCGI qw(fcgi_request);
use Kedge::Raw qw(raw_answers raw_read);
use Kedge::Receiver;

my $k = Kedge->up(env => { AUTH_WEBHOOK_ALLOW_PRIVATE => 'on' });
my $root = $k->user('root');
$k->role($root, 'admin');
my $alice = $k->user('alice');
my $jobs = '/api/auth/jobs';
my $hooks = '/api/auth/webhooks';
my $nobody = '01890000-0000-7000-8000-000000000001';

sub job { return $root->get("$jobs/$_[0]")->{json} }

# ---- only admins may use the routes ----------------------------------------------------

for my $path ($jobs, "$jobs/queues", "$jobs/schedules", "$jobs/$nobody", $hooks, "$hooks/$nobody") {
	is($k->client->get($path)->{status}, 401, "$path is answered with 401 without a session");
	is($alice->get($path)->{status}, 403, "$path is answered with 403 to a user");
	my $r = $root->get($path);
	is($r->{status}, $path =~ /$nobody/ ? 404 : 200, "$path is served to an admin, or 404 for an unknown id") or diag($r->{body});
}
my $bad = $root->get("$jobs?limit=0");
is($bad->{status}, 400, 'an invalid query parameter is answered with 400');
is($bad->{json}{fields}[0]{field}, 'limit', 'the field error names the parameter limit');
is($root->get("$jobs/x")->{json}{fields}[0]{in}, 'path', 'the field error has the place "path"');
is_deeply([ map { $_->{name} } @{ $root->get("$jobs/schedules")->{json}{items} } ],
	[ 'mail.sweep', 'session.sweep', 'verification.sweep' ], 'auth has its three schedules');
is($root->post("$jobs/queues/default/pause", undef, origin => 'https://evil.example')
	->{status}, 403, 'POST from another origin does not pause a queue');
is($root->post("$jobs/queues/default/pause")->{status}, 200, 'an admin pauses a queue');
ok($root->get("$jobs/queues")->{json}{items}[0]{paused}, 'the list of queues shows the paused queue');
is($root->post("$jobs/queues/default/resume")->{status}, 200, 'an admin resumes the queue');
$k->role($root, 'user');
is($root->get($jobs)->{status}, 403, 'an admin whose role was removed is refused at once');
$k->role($root, 'admin');

# ---- the assertion, and nothing else ---------------------------------------------------

sub sign
{
	my ($claims, $key) = @_;
	my $text = encode_base64url(jencode({ alg => 'HS256', typ => 'JWT' })) . '.'
	    . encode_base64url(jencode($claims));
	return "$text." . encode_base64url(hmac_sha256($text, $key));
}

# Derives a service's key from the secret: HKDF (RFC 5869) with no salt and one block of
# output.
sub derive
{
	my ($service) = @_;
	my $prk = hmac_sha256($k->service_env('auth')->{AUTH_SECRET}, "\0" x 32);
	return hmac_sha256("kedge identity $service\1", $prk);
}
my $core_key = decode_base64url($k->service_env('core')->{CORE_IDENTITY_KEY});
is(unpack('H*', derive('core')), unpack('H*', $core_key), "core's key is derived from auth's secret");

my $now = int time;
my %claims = (iss => 'auth', aud => 'auth', sub => $root->{id}, sid => 's', roles => ['admin'],
	accounts => [], iat => $now, exp => $now + 20);
my $ask = sub {
	my (%more) = @_;
	return fcgi_request("$k->{dir}/run/auth.sock", {
		REQUEST_METHOD => 'GET', KEDGE_PATH => $jobs, QUERY_STRING => '', CONTENT_TYPE => '',
		CONTENT_LENGTH => '', REMOTE_ADDR => '127.0.0.1', KEDGE_HOST => '127.0.0.1',
		KEDGE_SCHEME => 'http', KEDGE_REQUEST_ID => 'test-test', KEDGE_RAW_URI => $jobs, %more
	})->{status};
};
is($ask->(), 401, "without an assertion auth's jobs are 401");
is($ask->(HTTP_COOKIE => $root->cookie_header), 401, "without an assertion auth's jobs are 401, whatever the cookie");
is($ask->(KEDGE_IDENTITY => sign(\%claims, derive('auth'))), 200, 'a valid assertion of auth is accepted');
is($ask->(KEDGE_IDENTITY => sign({ %claims, roles => ['user'] }, derive('auth'))), 403,
	'an assertion without the role admin is refused');
is($ask->(KEDGE_IDENTITY => sign({ %claims, aud => 'core' }, $core_key)), 401, "an assertion with core's key is refused");
is($ask->(KEDGE_IDENTITY => sign(\%claims, $core_key)), 401, "an assertion with core's key for auth is refused");
is($ask->(KEDGE_IDENTITY => sign(\%claims, $k->service_env('auth')->{AUTH_SECRET})), 401,
	"an assertion with auth's secret as key is refused");

# An assertion is for a user, so it does not authenticate a service.
my $s = IO::Socket::UNIX->new(Peer => "$k->{dir}/run/internal.sock") or die;
my $token = sign({ %claims, sub => $alice->{id} }, derive('auth'));
print $s "POST /api/auth/provision HTTP/1.1\r\nHost: auth.internal\r\n"
    . "Authorization: Bearer $token\r\nContent-Type: application/json\r\n"
    . "Content-Length: 2\r\nConnection: close\r\n\r\n{}";
$s->flush;
is(scalar(raw_answers(raw_read($s)))->{status}, 401, 'provision refuses an assertion for auth');
is($k->sql('auth', q{SELECT count(*) FROM service_account WHERE service = 'auth'}), 0,
	'auth creates no service account of its own');

# ---- the job that deletes expired rows -------------------------------------------------

$k->sql('auth', qq{
	INSERT INTO session (id, token, "userId", "updatedAt", "expiresAt")
	SELECT 'old' || n, 'old' || n, '$alice->{id}', now(), now() - interval '25 h'
	FROM generate_series(1, 5000) n;
	INSERT INTO session (id, token, "userId", "updatedAt", "expiresAt")
	VALUES ('late', 'late', '$alice->{id}', now(), now() - interval '23 h')});
my $epoch = $k->sql('auth', 'SELECT epoch FROM kedge_session_epoch');
my $id = $k->sql('auth', q{SELECT job_id FROM job_enqueue('session.sweep', '{}')});
ok(wait_until(sub { job($id)->{state} eq 'completed' }, 20), 'the sweep of sessions is completed') or diag(jencode(job($id)));
is_deeply(job($id)->{result}, { sessions => 5000 }, 'the sweep deletes sessions in several batches');
is($k->sql('auth', q{SELECT count(*) FROM session WHERE id LIKE 'old%'}), 0, 'each session that expired more than a day ago is deleted');
is($k->sql('auth', q{SELECT count(*) FROM session WHERE id = 'late'}), 1, 'a session that expired less than a day ago is kept');
is($alice->get('/api/core/whoami')->{status}, 200, 'the session of a signed-in user is kept');
is($k->sql('auth', 'SELECT epoch FROM kedge_session_epoch'), $epoch, 'the sweep does not raise the epoch');

# Expired one-time values (verification) are deleted like expired sessions.
$k->sql('auth', q{
	INSERT INTO verification (id, identifier, value, "expiresAt")
	SELECT 'old' || n, 'otp', 'x', now() - interval '25 h' FROM generate_series(1, 3) n;
	INSERT INTO verification (id, identifier, value, "expiresAt")
	VALUES ('late', 'otp', 'x', now() - interval '23 h')});
$id = $k->sql('auth', q{SELECT job_id FROM job_enqueue('verification.sweep', '{}')});
ok(wait_until(sub { job($id)->{state} eq 'completed' }, 20), 'the sweep of verification is completed')
    or diag(jencode(job($id)));
is_deeply(job($id)->{result}, { verifications => 3 }, 'the sweep deletes what expired more than a day ago');
is($k->sql('auth', q{SELECT string_agg(id, ',') FROM verification}), 'late', 'a verification that expired less than a day ago is kept');

# A trigger makes the run of the job take some time.
$k->sql('auth', qq{
	CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
		'BEGIN PERFORM pg_sleep(3); RETURN old; END';
	CREATE TRIGGER slow BEFORE DELETE ON session FOR EACH ROW
		WHEN (old.id LIKE 'slow%') EXECUTE FUNCTION slow()});

sub slow_sweep
{
	$k->sql('auth', qq{INSERT INTO session (id, token, "userId", "updatedAt", "expiresAt")
		VALUES ('slow$_[0]', 'slow$_[0]', '$alice->{id}', now(), now() - interval '25 h')});
	my $slow = $k->sql('auth', q{SELECT job_id FROM job_enqueue('session.sweep', '{}')});
	wait_until(sub { job($slow)->{state} eq 'running' }, 20);
	return $slow;
}
$id = slow_sweep(1);
is($root->post("$jobs/$id/cancel")->{status}, 200, 'a running sweep can be cancelled');
ok(wait_until(sub { job($id)->{state} eq 'cancelled' }, 20), 'a cancelled sweep stops after the present batch');

# On SIGTERM auth finishes the running job, and answers requests until then.
$id = slow_sweep(2);
my ($master) = $k->pids('auth');
kill TERM => $master;
my (%seen, $ended);
wait_until(sub {
	my $status = $alice->get('/api/core/whoami')->{status};
	$ended = $k->sql('auth', "SELECT state FROM job WHERE id = '$id'") ne 'running';
	# A request after the end of the job does not count, because the socket may be
	# closed then.
	$seen{$status}++ unless $ended;
	$ended;
}, 20);
ok($ended, 'the running job ends during the drain');
is_deeply([ keys %seen ], [200], 'each request is served during the drain');
ok(wait_until(sub { Kedge::is_gone($master) }, 20), 'the old master exits after the drain');
ok($k->wait_healthy, 'all services are healthy after the drain');
is(job($id)->{state}, 'completed', 'the job was completed before the process ended');
is(job($id)->{attempt}, 1, 'the job ran once');

# ---- user.created ----------------------------------------------------------------------

my $receiver = Kedge::Receiver->new;
is($root->post($hooks, { url => $receiver->url('/ok/new'), kinds => ['user.created'] })->{status}, 201,
	'an endpoint for user.created is added');
my $bob = $k->user('bob');
ok(wait_until(sub { $receiver->requests > 0 }, 20), 'the endpoint receives an event');
my ($request) = $receiver->requests;
my $event = jdecode($request->{body});
is($event->{type}, 'user.created', 'the event has the type user.created');
is($event->{data}{id}, $bob->{id}, "the event has the user's id");
is($event->{data}{email}, $bob->{email}, "the event has the user's address");
is_deeply([ sort keys %{ $event->{data} } ], [qw(createdAt email id name)], 'the event has four members');
my $again = $k->client->post('/api/auth/sign-up/email',
	{ email => $bob->{email}, name => 'bob', password => 'another-password' });
isnt($again->{status}, 200, 'a second sign-up with the address is refused');
is($k->sql('auth', q{SELECT count(*) FROM job WHERE kind = 'webhook.deliver'}), 1, 'a refused sign-up causes no event');
$k->sql('auth', q{INSERT INTO "user" (id, name, email, "emailVerified")
	VALUES ('by-hand', 'x', 'by-hand@example.com', false)});
ok(wait_until(sub { $receiver->requests == 2 }, 20), 'a user inserted by SQL causes an event');

# ---- what is not read -------------------------------------------------------------------

# Routes that are Kedge's own refuse unknown members; BetterAuth's routes ignore them,
# as BetterAuth does.
is($root->get('/api/auth/jobs?stat=completed')->{status}, 400, 'jobs: an unknown query parameter is refused');
is($root->request(POST => '/api/auth/jobs', body => '{}', type => 'text/plain')->{status}, 415,
	'jobs: a body of another media type is refused');
is($root->get('/api/auth/get-session?whatever=1')->{status}, 200, 'get-session ignores an unknown query parameter');
is($root->get('/api/auth/ok?x')->{status}, 200, 'GET /api/auth/ok ignores an unknown parameter');

# ---- on the command line and in the metrics --------------------------------------------

like(($k->kedge('jobs', 'auth', 'list'))[1], qr/session\.sweep/, 'kedge jobs auth list shows the job');
ok(wait_until(sub { $k->monitor->get('/metrics/auth')->{body} =~ /session\.sweep/ }, 20),
	'the metrics show the kind session.sweep');

# ---- a database that is adopted --------------------------------------------------------

# A trigger of the owner may use objects in `public`, so nobody else may create objects
# there.
sub fresh_database
{
	$k->sql('postgres', $_) for 'DROP DATABASE auth WITH (FORCE)', 'CREATE DATABASE auth OWNER auth_owner';
	$k->sql('auth', $_) for @_, 'GRANT CREATE ON SCHEMA public TO auth';
	return $k->kedge('migrate', 'auth');
}
# The schema belongs to another role, so the owner of the database cannot revoke the
# right to create objects.
my ($status, undef, $err) = fresh_database('ALTER SCHEMA public OWNER TO current_user',
	'GRANT ALL ON SCHEMA public TO auth_owner');
isnt($status, 0, 'a schema in which PUBLIC may create is refused');
like($err, qr/REVOKE CREATE ON SCHEMA public FROM auth/, 'the error says which privilege to revoke');
$k->sql('auth', 'REVOKE CREATE ON SCHEMA public FROM auth');
is(($k->kedge('migrate', 'auth'))[0], 0, 'the database is migrated after the privilege was revoked');
is((fresh_database())[0], 0, 'a database whose owner can revoke the privilege is migrated at once');
is($k->sql('auth', q{SELECT has_schema_privilege('auth', 'public', 'CREATE')}), 'f', 'the privilege was revoked by the migration');
done_testing;
