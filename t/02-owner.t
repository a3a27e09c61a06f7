# Database functions that run as the owner (SECURITY DEFINER) do what their own text
# says, whatever settings and objects a session of the application's role has made
# before.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(need);
use Kedge::Wallet;

need(qw(psql));
# Start no workers: they could not run the jobs that the test enqueues.
my $k = Kedge->up(env => { map { uc . '_WORKER_PROCESSES' => 0 } Kedge::services() });
my @services = Kedge::services('postgres');

# ---- each function has a search_path --------------------------------------------

# In a function that the application may call, names must be resolved by a search_path
# of the function itself, or were bound when it was created.  An SQL function without
# one is parsed anew in each calling statement; that is allowed if only functions with a
# search_path call it.
my $unsafe = <<'SQL';
SELECT p.oid::regprocedure FROM pg_proc p
	JOIN pg_language l ON l.oid = p.prolang
	JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
	AND l.lanname NOT IN ('internal', 'c') AND p.prosqlbody IS NULL
	AND NOT coalesce(p.proconfig, '{}')
		@> ARRAY['search_path=pg_catalog, public, pg_temp']
	AND (l.lanname <> 'sql' OR p.prosecdef
		OR has_function_privilege(current_database(), p.oid, 'EXECUTE'))
ORDER BY 1
SQL
for my $service (@services) {
	is($k->sql($service, $unsafe), '', "$service: each function sets a safe search_path");
	cmp_ok($k->sql($service, 'SELECT count(*) FROM pg_proc'
			    . " WHERE pronamespace = 'public'::regnamespace"), '>', 0,
		"$service: the database has functions");
	$k->sql($service, 'CREATE FUNCTION forgotten() RETURNS integer LANGUAGE plpgsql'
		    . ' AS $$BEGIN RETURN 1; END$$');
	is($k->sql($service, $unsafe), 'forgotten()', "$service: this test finds a function without a search_path");
	$k->sql($service, 'DROP FUNCTION forgotten()');
}

# ---- the application's role shadows names by temporary objects ------------------

# In the role's temporary schema: a domain for each type, and a view for each table,
# that a function could name.  Each reports the role that uses it.
my $arm = <<'SQL';
SET statement_timeout = '10s';
CREATE FUNCTION pg_temp.tell() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF current_user <> session_user THEN
		RAISE WARNING 'the attack runs as %', current_user;
	END IF;
	RETURN true;
END
$$;
DO $$
DECLARE
	v record;
BEGIN
	FOR v IN SELECT typname FROM pg_type
		WHERE typnamespace = 'pg_catalog'::regnamespace AND typname IN ('text',
			'uuid', 'json', 'jsonb', 'bytea', 'date', 'timestamptz', 'int2',
			'int4', 'int8', 'bool', 'numeric', 'float8', 'interval', 'name')
	LOOP
		EXECUTE format('CREATE DOMAIN pg_temp.%1$I AS pg_catalog.%1$I'
			' CHECK (pg_temp.tell())', v.typname);
	END LOOP;
	FOR v IN SELECT relname FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
	LOOP
		EXECUTE format('CREATE TEMP VIEW %1$I AS SELECT * FROM public.%1$I'
			' WHERE pg_temp.tell()', v.relname);
	END LOOP;
END
$$;
SQL

# Calls each function that the application's role may call, in the order of their oids,
# or only those that run as the owner; each argument gets some value.
my $call = <<'SQL';
DO $$
DECLARE
	v_user pg_catalog.text := 'mallory';
	v record;
	v_arguments pg_catalog.text;
BEGIN
	FOR v IN
		SELECT p.oid, p.oid::pg_catalog.regproc AS name, p.prosecdef,
			p.proargtypes::pg_catalog.oid[] AS types, p.proargnames AS names,
			p.pronargs
		FROM pg_catalog.pg_proc p
		WHERE p.pronamespace = 'public'::pg_catalog.regnamespace AND p.prokind = 'f'
			AND p.prorettype <> 'trigger'::pg_catalog.regtype
			AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
			AND p.prosecdef >= ONLY_OWNERS
		ORDER BY p.oid
	LOOP
		SELECT pg_catalog.string_agg(pg_catalog.format('%s::%s', CASE
			WHEN name = 'p_user' THEN '''mallory'''
			WHEN name = 'p_operator' THEN 'true'
			WHEN name = 'p_currency' THEN '''USD'''
			WHEN name = 'p_amount' THEN '5'
			WHEN name IN ('p_key', 'p_reference') THEN
				pg_catalog.quote_literal(pg_catalog.gen_random_uuid())
			WHEN name IN ('p_name', 'p_provider', 'p_type', 'p_kind') THEN '''deposit'''
			WHEN name IN ('p_limit', 'p_count') THEN '1'
			WHEN name = 'p_debit' THEN '''00000000-0000-7000-8000-000000000001'''
			WHEN name IN ('p_credit', 'p_account') THEN
				'''00000000-0000-7000-8000-000000000002'''
			WHEN type = 'uuid'::pg_catalog.regtype THEN
				'''00000000-0000-7000-8000-000000000003'''
			WHEN type = 'bytea'::pg_catalog.regtype THEN '''00'''
			WHEN type = 'pg_catalog.jsonb'::pg_catalog.regtype THEN '''{}'''
			WHEN type = 'timestamptz'::pg_catalog.regtype THEN '''now'''
			WHEN type = 'date'::pg_catalog.regtype THEN '''2020-01-01'''
			ELSE 'NULL' END, pg_catalog.format_type(type, NULL)), ', ' ORDER BY n)
		INTO v_arguments
		FROM ROWS FROM (pg_catalog.unnest(v.types),
			pg_catalog.unnest(v.names[1:v.pronargs])) WITH ORDINALITY AS a (type, name, n);
		BEGIN
			EXECUTE pg_catalog.format('SELECT %s(%s)', CASE
				WHEN v.name::pg_catalog.text LIKE '%.%' THEN v.name::pg_catalog.text
				ELSE 'public.' || v.name END, v_arguments);
			IF v.prosecdef THEN
				RAISE NOTICE 'called %', v.name;
			END IF;
		EXCEPTION WHEN OTHERS THEN
			IF v.prosecdef THEN
				RAISE NOTICE 'refused %: %', v.name, SQLERRM;
			END IF;
		END;
	END LOOP;
END
$$;
SQL

# Statements of the application's role that fire triggers.
my %fire = (
	auth => <<'SQL',
INSERT INTO public."user" (id, name, email, "emailVerified")
	VALUES ('mallory', 'm', 'm@example.com', false);
INSERT INTO public.session (id, "expiresAt", token, "updatedAt", "userId")
	VALUES ('m', now() + interval '1 hour', 'm', now(), 'mallory');
UPDATE public.session SET "expiresAt" = now() - interval '1 hour';
UPDATE public."user" SET role = 'x' WHERE id = 'mallory';
DELETE FROM public."user" WHERE id = 'mallory';
SQL
	core => '',
	links => '',
	wallet => '',
);

# Events are emitted only if an endpoint exists, and transfers need money.  A service
# without jobs has no webhooks.
for my $service (@services) {
	next if $k->sql($service, "SELECT to_regclass('webhook_endpoint') IS NULL") eq 't';
	$k->sql($service, 'INSERT INTO webhook_endpoint (url, secret, kinds) VALUES'
		    . " ('https://example.com/', 'whsec_' || repeat('A', 32), '{*}')");
}
$k->sql('wallet', <<'SQL');
INSERT INTO wallet (user_id) VALUES ('mallory');
INSERT INTO account (id, user_id, name, currency)
	SELECT ('00000000-0000-7000-8000-00000000000' || n)::uuid, 'mallory', 'a', 'USD'
	FROM generate_series(1, 2) n;
SELECT ledger_external('op', 'deposit', '00000000-0000-7000-8000-000000000001', 1000, 'p', 'r', NULL);
SQL

# A function that breaks the rule: the attack must succeed with it, or the test would
# find nothing.
my $control = <<'SQL';
CREATE FUNCTION control() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
	v text := 'x';
BEGIN
	RETURN length(v);
END
$$;
SQL

sub attack
{
	my ($service, $also) = @_;
	my (undef, undef, $err) = $k->sql_as_app($service, join "\n", $arm,
		'SET search_path = pg_temp, pg_catalog, public;',
		map({ $call =~ s/ONLY_OWNERS/$_/r } 'false', 'true'),
		$fire{$service} // '', $also // '');
	return $err;
}

for my $service (@services) {
	my (undef, undef, $err) = $k->sql_as_app($service, $arm);
	like($err, qr/permission denied for database|temporary tables/,
		"$service: the role cannot create temporary objects");
}
for my $service (@services) {
	$k->sql($service, "GRANT TEMPORARY ON DATABASE $service TO PUBLIC");
	my $err = attack($service);
	unlike($err, qr/the attack runs as/, "$service: no code of the application role runs as the owner")
	    or diag($err);
	unlike($err, qr/ERROR/, "$service: each statement of the attack was executed") or diag($err);
	if ($service eq 'wallet') {
		my $called = () = $err =~ /NOTICE:  called ledger_/g;
		cmp_ok($called, '>', 10, "$service: the attack has called functions of the owner")
		    or diag($err);
	}
	$k->sql($service, "SET ROLE ${service}_owner; $control");
	like(attack($service), qr/the attack runs as ${service}_owner/,
		"$service: a function without a search_path would run the attack's code");
	$k->sql($service, 'DROP FUNCTION control()');
}

# ---- commits wait for the disk -----------------------------------------------------

# At its commit, each transaction reports whether the commit waits for the disk.  The
# services are those of Kedge, whose writes are known here.
my %written = (auth => '"user"', core => 'task', links => 'link', wallet => 'transfer');
my @written = grep { $written{$_} } @services;
my $seen = 'SELECT string_agg(DISTINCT setting, \' \') FROM seen';
for my $service (@written) {
	$k->sql($service, <<"SQL");
CREATE TABLE seen (setting text);
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS \$\$
BEGIN
	INSERT INTO seen VALUES (current_setting('synchronous_commit'));
	RETURN NULL;
END
\$\$;
CREATE CONSTRAINT TRIGGER zz_see AFTER INSERT OR UPDATE ON $written{$service}
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION see();
SQL
	my ($status, undef, $err) = $k->sql_as_app($service, "ALTER ROLE $service SET"
		    . ' synchronous_commit = off');
	is($status, 0, "$service: the role can turn synchronous_commit off") or diag($err);
	is(($k->sql_as_app($service, 'SHOW synchronous_commit'))[1], "off\n",
		"$service: its later sessions have synchronous_commit off");
}
# Close the services' current connections, which began before the change.
$k->sql('postgres', 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity'
	    . " WHERE usename IN ('auth', 'core', 'links', 'wallet')");
my $alice = $k->user('alice');
is($alice->post('/api/core/tasks', { title => 'x' })->{status}, 201, 'core: a task is created');
is($alice->post('/api/links/links', { target => 'https://example.com/' })->{status}, 201,
	'links: a link is created');
my $account = $alice->get('/api/wallet/accounts')->{json}{items}[0]{id};
$k->sql('wallet', "SELECT ledger_external('op', 'deposit', '$account', 100, 'p', 'd', NULL)");
$k->sql('wallet', 'DELETE FROM seen');
my $made = Kedge::Wallet::post($alice, '/transfers', { debitAccountId => $account, amount => 1,
	creditAccountId => '00000000-0000-7000-8000-000000000001' }, key => 'durable');
is($made->{status}, 201, 'wallet: a transfer is made') or diag($made->{body});
is($k->sql($_, $seen), 'on', "$_: commits of the service wait for the disk") for @written;

$k->sql('wallet', 'DELETE FROM seen');
my ($done, $out, $error) = $k->sql_as_app('wallet', 'SELECT code IS NULL FROM'
	    . " ledger_transfer('$alice->{id}', false, 'k', '\\x00', '$account',"
	    . " '00000000-0000-7000-8000-000000000001', 1, NULL, NULL, NULL)");
is($out, "t\n", 'wallet: a transfer is made by a session with synchronous_commit off') or diag($error);
is($k->sql('wallet', $seen), 'on', 'wallet: the commit of that transfer waits for the disk');
$k->sql('postgres', "ALTER ROLE $_ RESET ALL") for @services;

# ---- no role can take all connections of the server ----------------------------------

my $servers = $k->sql('postgres', 'SHOW max_connections');
my $all = $k->sql('postgres', 'SELECT sum(rolconnlimit) FROM pg_roles'
	    . " WHERE rolname IN ('auth', 'core', 'links', 'wallet')");
cmp_ok($all, '<', $servers - 10, 'the connection limits of all roles leave connections for others');
my %limit = map { $_ => $k->sql('postgres',
	"SELECT rolconnlimit FROM pg_roles WHERE rolname = '$_'") } @services;
# The connections of core by kedge.json: two processes of the pool api with 8
# connections each, and two workers with 8 and two more each; the sum is doubled for a
# rolling restart, plus eight.
is($limit{core}, 2 * (2 * 8 + 0 * 10) + 8, 'core: its connection limit follows from its processes');
my $page = Kedge::slurp("$Kedge::ROOT/docs/DATABASES.md");
my ($written_limit) = $page =~ /CONNECTION LIMIT (\d+);/;
is($written_limit, 2 * (2 * 8 + 2 * 10) + 8, 'docs has the limits of the present kedge.json');
is($limit{auth}, 2 * (2 * 8 + 2 * 8 + 0 * 10) + 8, 'auth: its connection limit includes the pool verify');
my $psql = Kedge::tool('psql');
my @sleepers;
for (1 .. $limit{core} + 5) {
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		Kedge::in_child();
		open STDERR, '>', '/dev/null';
		exec {$psql} $psql, '-qXd', $k->database_url('core'), '-c',
		    'SELECT pg_sleep(60)' or POSIX::_exit(127);
	}
	push @sleepers, $pid;
}
ok( Kedge::wait_until(
		sub {
			$k->sql('postgres', 'SELECT count(*) FROM pg_stat_activity'
				    . " WHERE usename = 'core'") >= $limit{core};
		}, 30),
	'core: it opens all connections that its limit allows');
is($alice->get('/api/wallet/accounts')->{status}, 200, 'wallet answers while core uses all its connections');
is($alice->get('/api/auth/list-sessions')->{status}, 200, 'auth answers while core uses all its connections');
kill TERM => @sleepers;
waitpid $_, 0 for @sleepers;
$k->sql('postgres', 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity'
	    . " WHERE usename = 'core' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()");

# ---- objects that the role may create -------------------------------------------

sub may
{
	my ($service) = @_;
	return $k->sql($service, <<"SQL");
SELECT concat_ws(' ', role, what)
FROM (VALUES ('public'), ('$service')) AS r (role), LATERAL (VALUES
	('temp', has_database_privilege(role, current_database(), 'TEMPORARY')),
	('database', has_database_privilege(role, current_database(), 'CREATE')),
	('schema', has_schema_privilege(role, 'public', 'CREATE'))) AS m (what, may)
WHERE may ORDER BY 1
SQL
}

for my $service (@services) {
	$k->sql($service, "GRANT CREATE ON SCHEMA public TO PUBLIC, $service;"
		    . " GRANT CREATE ON DATABASE $service TO $service");
	isnt(may($service), '', "$service: at first PUBLIC may create objects in the database");
	my ($status, $out, $err) = $k->kedge('migrate', $service);
	is($status, 0, "$service: the database is migrated") or diag($err);
	is(may($service), '', "$service: after migrating, only the owner may create objects");
}

# If the migrations cannot revoke the rights, they change nothing and say what to do.
my @beyond = (
	[ 'a database of another owner', 'ALTER DATABASE core OWNER TO kedge;'
		    . ' GRANT CONNECT ON DATABASE core TO core_owner;'
		    . ' GRANT TEMPORARY ON DATABASE core TO PUBLIC',
		qr/everybody may create temporary objects.*: REVOKE TEMPORARY, CREATE ON DATABASE core FROM PUBLIC$/,
		'REVOKE TEMPORARY, CREATE ON DATABASE core FROM PUBLIC;'
		    . ' ALTER DATABASE core OWNER TO core_owner'
	],
	[ 'a schema of another owner', 'ALTER SCHEMA public OWNER TO kedge;'
		    . ' GRANT USAGE ON SCHEMA public TO core_owner;'
		    . ' GRANT CREATE ON SCHEMA public TO core',
		qr/the role core may create in the schema public.*: REVOKE CREATE ON SCHEMA public FROM core$/,
		'REVOKE CREATE ON SCHEMA public FROM core;'
		    . ' ALTER SCHEMA public OWNER TO core_owner'
	],
	[ 'a role that is a member of the owner', 'GRANT core_owner TO core',
		qr/the role core is a member of core_owner.*: REVOKE core_owner FROM core$/,
		'REVOKE core_owner FROM core'
	],
	[ 'a role that owns something',
		'CREATE FUNCTION planted() RETURNS integer LANGUAGE sql AS $$SELECT 1$$;'
		    . ' ALTER FUNCTION planted() OWNER TO core',
		qr/the role core owns objects.*: REASSIGN OWNED BY core TO core_owner$/,
		'DROP FUNCTION planted()'
	],
);
for my $row (@beyond) {
	my ($name, $before, $like, $after) = @$row;
	$k->sql('core', $before);
	my ($status, undef, $err) = $k->kedge('migrate', 'core');
	is($status, 1, "$name: kedge migrate refuses the database");
	like($err, $like, "$name: the error says what to do");
	$k->sql('core', $after);
	is(($k->kedge('migrate', 'core'))[0], 0, "$name: kedge migrate succeeds once that is done");
}

# Creates a database as the manual says; the roles exist already.
my ($manual) = Kedge::slurp("$Kedge::ROOT/docs/DATABASES.md") =~ /^```sql\n(.*?)^```/ms;
$manual =~ s/^CREATE ROLE .*\n//mg;
$manual =~ s/(DATABASE|connect) core\b/$1 manual/g;
my ($made_status, undef, $problem) = $k->try_sql('postgres', $manual);
is($made_status, 0, 'the statements of docs/DATABASES.md succeed') or diag($problem);
$k->sql('postgres', "ALTER ROLE core_owner PASSWORD 'one secret'");
my $url = $k->url_as('core_owner', 'manual') =~ s/core_owner/core_owner:one%20secret/r;
($made_status, undef, $problem) =
    $k->kedge('migrate', 'core', { env => { CORE_MIGRATION_URL => $url } });
is($made_status, 0, 'kedge migrate succeeds in a database made by these statements') or diag($problem);
is($k->sql('manual', <<'SQL'), '', 'only the owner may create objects in a database made by these statements');
SELECT role || ' ' || what FROM (VALUES ('public'), ('core')) AS r (role), LATERAL (VALUES
	('temp', has_database_privilege(role, 'manual', 'TEMPORARY')),
	('schema', has_schema_privilege(role, 'public', 'CREATE'))) AS m (what, may)
WHERE may
SQL
done_testing;
