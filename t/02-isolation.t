# Each service has its own database, its own role and its own Redis; nothing of a stack
# can be reached from another machine, or by another user through files.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Socket qw(inet_ntoa);
use Test::More;
use Kedge qw(files need slurp);

need(qw(psql));
my $k = Kedge->up;
my @services = Kedge::services('postgres');
my $alice = $k->user('alice');
$alice->get($_) for '/api/core/me', '/api/wallet/accounts';

# ---- databases ---------------------------------------------------------------

for my $service (@services) {
	my ($status, $out, $err) =
	    $k->sql_as_app($service, 'SELECT current_user, current_database()');
	is($out, "$service|$service\n", "$service: the service connects with its own role to its own database") or diag($err);
	for my $other (grep { $_ ne $service } @services, 'postgres', 'template1') {
		($status, $out, $err) = $k->sql_as_app($service, 'SELECT 1', $other);
		isnt($status, 0, "$service: its role cannot connect to the database of $other");
		like($err, qr/permission denied for database|CONNECT privilege/,
			"$service: the error says that permission to connect is denied");
	}
	for my $sql (
		'CREATE TABLE mine (a int)', 'CREATE SCHEMA mine', 'CREATE TEMP TABLE mine (a int)',
		'CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS $$SELECT 1$$',
		'CREATE ROLE mine', "ALTER ROLE $service SUPERUSER", "SET ROLE ${service}_owner",
		"COPY (SELECT 1) TO PROGRAM 'true'", "SELECT pg_read_file('PG_VERSION')",
		"ALTER DATABASE $service SET search_path = x"
	) {
		($status) = $k->sql_as_app($service, $sql);
		isnt($status, 0, "$service: its role may not run: $sql");
	}
	is(
		$k->sql($service,
			"SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
	    WHERE pg_get_userbyid(relowner) = '$service' AND nspname NOT LIKE 'pg_%'"
		),
		0,
		"$service: its role owns no object, so it can alter none");
	is(
		$k->sql($service,
			"SELECT has_database_privilege('public', current_database(), 'CONNECT')
	    OR has_schema_privilege('public', 'public', 'CREATE')"
		),
		'f',
		"$service: PUBLIC has no privilege in the database");
	like(   $k->sql('postgres', "SELECT rolpassword FROM pg_authid WHERE rolname = '$service'"),
		qr/^SCRAM-SHA-256\$/, "$service: its password is stored as SCRAM-SHA-256");
	is(
		$k->sql('postgres',
"SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls OR rolreplication
	    FROM pg_authid WHERE rolname = '$service'"
		),
		'f',
		"$service: its role has no special attribute");
}
for my $identity (qw(user session account verification)) {
	for my $service (@services) {
		is(
			$k->sql($service,
"SELECT count(*) FROM information_schema.tables WHERE table_name = '$identity'
		    AND table_schema = 'public'" . (  $identity eq 'account' && $service eq 'wallet'
					? " AND EXISTS (SELECT FROM information_schema.columns WHERE table_name = 'account'
			    AND column_name = 'providerId')"
					: ''
				)
			),
			$service eq 'auth' ? 1 : 0,
			"$service: the table $identity exists in auth only");
	}
}
my $bad_password = $k->database_url('core') =~ s{(://[^:]+:)[^@]+@}{$1wrong\@}r;
my ($status, undef, $err) = Kedge::run(
	{ env => { PGCONNECT_TIMEOUT => 5 } }, Kedge::tool('psql'), '-AtqX',
	'-d', $bad_password, '-c', 'SELECT 1');
isnt($status, 0, 'a wrong password does not connect');

# ---- no identity outside auth's database -----------------------------------

for my $service (qw(core wallet)) {
	my $dump = '';
	for my $table (
		split /\n/,
		$k->sql($service, "SELECT quote_ident(tablename) FROM pg_tables
	    WHERE schemaname = 'public'"
		)
	) {
		$dump .= $k->sql($service, "SELECT t::text FROM $table t");
	}
	like($dump, qr/\Q$alice->{id}\E/, "$service: its rows contain the user's id");
	unlike($dump, qr/\Q$alice->{email}\E/, "$service: its database does not contain the user's address");
	unlike($dump, qr/\Q$alice->{token}\E/, "$service: its database does not contain the session token");
}

# ---- Redis ------------------------------------------------------------------

my %run_id;
my @with_redis = Kedge::services('redis');
for my $service (@with_redis) {
	my $redis = $k->redis($service);
	my ($id) = $redis->cmd('INFO', 'server') =~ /^run_id:(\w+)/m;
	$run_id{$id} = $service;
	my $env = $k->service_env($service);
	for my $other (grep { $_ ne $service } @services) {
		my $url = $k->service_env($other)->{ uc($other) . '_REDIS_URL' };
		ok(!(grep { defined && $_ eq $url } values %$env),
			"$service: its environment has no address of the Redis of $other");
		my $db = $k->service_env($other)->{ uc($other) . '_DATABASE_URL' };
		ok(!(grep { defined && $_ eq $db } values %$env),
			"$service: its environment has no URL of the database of $other");
	}
	is((grep { $redis->cmd('CONFIG', 'GET', 'port')->[1] eq $_ } '0'), 1,
		"$service: its Redis listens on no TCP port");
}
is(scalar keys %run_id, scalar @with_redis, 'each service has its own Redis process');
my $secret = $k->service_env('auth')->{AUTH_SECRET};
cmp_ok(length $secret, '>=', 32, "auth's secret has at least 32 characters");
for my $service (qw(core wallet)) {
	unlike(join("\n", values %{ $k->service_env($service) }), qr/\Q$secret\E/,
		"$service: its environment does not contain auth's secret");
}
isnt(   $k->service_env('core')->{CORE_IDENTITY_KEY},
	$k->service_env('wallet')->{WALLET_IDENTITY_KEY},
	'core and wallet have different identity keys');

# ---- files, sockets, ports -------------------------------------------------

my $dir = $k->dir;
my @env = (files("$dir/env"), map { files($_) } files("$dir/secrets"));
cmp_ok(scalar @env, '>=', 12, 'the files with secrets are found');
is(sprintf('%04o', (stat $_)[2] & 07777), '0700', "$_: only its owner has access")
    for "$dir/secrets", files("$dir/secrets");
for my $file (@env) {
	is(sprintf('%04o', (stat $file)[2] & 07777), '0600', "$file: only its owner has access");
}
# nginx creates its sockets writable for everyone; the directory's permissions protect
# them.
for my $socket (grep {-S} files("$dir/run"), files("$dir/pg")) {
	my $folder = $socket =~ s{/[^/]+$}{}r;
	ok(!((stat $socket)[2] & 07 && (stat $folder)[2] & 01), "$socket: other users cannot open it");
}
cmp_ok(scalar(grep {-S} files("$dir/run")), '>=', 8, 'the sockets of the stack are found');
my %inode;
for my $p ($k->processes) {
	for my $fd (files("/proc/$p->{pid}/fd")) {
		my $to = readlink $fd // next;
		$inode{$1} = $p->{exe} if $to =~ /^socket:\[(\d+)\]/;
	}
}
my @outside;
my $http = 0;
for my $table (qw(tcp tcp6)) {
	for my $line (split /\n/, slurp("/proc/net/$table") // '') {
		my (undef, $local, undef, $state, undef, undef, undef, undef, undef, $inode) =
		    split ' ', $line;
		next unless ($state // '') eq '0A' && $inode{$inode};
		my ($addr, $port) = split /:/, $local;
		my $loopback = $addr eq '0100007F' || $addr eq '00000000000000000000000001000000';
		push @outside, "$inode{$inode} $local" unless $loopback;
		$http++ if hex $port == $k->port;
		isnt($inode{$inode} =~ /postgres|redis/ ? 'tcp' : '', 'tcp',
			"$inode{$inode}: no process listens on TCP");
	}
}
is_deeply(\@outside, [], 'no process listens beyond this machine');
is($http, 1, 'nginx listens on its port');

# Other users of the machine can read the arguments of a process, so these contain no
# secret.
for my $p ($k->processes) {
	unlike($p->{cmd}, qr/\Q$secret\E|postgres(ql)?:\/\/[^:\/]+:[^@]+@/,
		"$p->{exe} $p->{pid}: its arguments contain no secret");
}
done_testing;
