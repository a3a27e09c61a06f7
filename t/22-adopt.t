# kedge adopt takes over the database of a BetterAuth server: it looks first and changes
# nothing, stops where somebody would be locked out, gives Kedge its roles, migrates, and
# leads back.  The real BetterAuth uses the database before, meanwhile and afterwards.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use Test::More;
use Kedge qw(jdecode run run_tap slurp tool);
use Kedge::Node;

Kedge::Node::ready();
my $adoption = "$Kedge::ROOT/t/compat/adoption.mjs";
my $secret = 'the secret of the server that was there before';
my $tmp = tempdir(CLEANUP => 1);

# What the command takes for a plugin that works is on the list of auth's plugins.
{
	my $names = join ' ', map { slurp($_) =~ /\.name = "([^"]+)",\n\t\.(?:routes|user_columns|vars|hooks|refusals)/g }
	    glob "$Kedge::ROOT/services/auth/plugin/*/*.c";
	my $look = slurp("$Kedge::ROOT/cli/adopt_look.c");
	my %known = $look =~ /\{ "([a-z-]+)", \.works = (true|false) \}/g;
	cmp_ok(scalar keys %known, '>', 10, 'the plugins that the command knows are found');
	for my $name (sort keys %known) {
		is($known{$name}, $names =~ /(?:^| )\Q$name\E(?: |$)/ ? 'true' : 'false',
			"the command says rightly whether auth has the plugin $name");
	}
}

# A server with a database of its own for the shop, and a stack that is to adopt it.
my $server = Kedge->up;
$server->sql('postgres', 'DROP DATABASE auth WITH (FORCE)');
$server->sql('postgres', "DROP ROLE $_") for qw(auth auth_owner);
my $k = Kedge->up;
$k->down;
# The settings of the stack's environment would take precedence over kedge.env.
delete $k->{env}{AUTH_SECRET};

sub url
{
	my ($user) = @_;
	return $server->url_as('kedge', 'shop') unless $user;
	return $server->url_as("$user:secret", 'shop');
}
sub node_url { return $server->node_url('shop', $_[0] ? "$_[0]:secret" : undef) }

# Makes the database anew, as its role or the superuser, and lets BetterAuth fill it.
sub prepare
{
	my ($version, $role, @ids) = @_;
	$server->{psql} = {};
	$server->sql('postgres', 'DROP DATABASE IF EXISTS shop WITH (FORCE)');
	$server->sql('postgres', "DROP ROLE IF EXISTS $_") for qw(auth auth_owner shop);
	$server->sql('postgres', "CREATE ROLE $role LOGIN PASSWORD 'secret'") if $role;
	$server->sql('postgres', 'CREATE DATABASE shop' . ($role ? " OWNER $role" : ''));
	my @old = ('--database', node_url($role), '--secret', $secret, '--state', "$tmp/state.json",
		map { ('--ids', $_) } @ids);
	run_tap('node', $adoption, 'prepare', '--version', $version, @old);
	unlink "$k->{dir}/kedge.env";
	return @old;
}

sub adopt
{
	my $opt = ref $_[-1] eq 'HASH' ? pop : {};
	return $k->kedge('adopt', @_, { env => { AUTH_SECRET => $secret, %{ $opt->{env} // {} } } });
}

# Everything about the database that the adoption could change.
sub shape
{
	return join "\n", map { (run(@$_))[1] =~ s/^\\(un)?restrict .*$//mgr }
	    [ tool('pg_dump'), '--schema-only', '-d', url() ],
	    [ tool('pg_dumpall'), '--roles-only', '-d', $server->url_as('kedge', 'postgres') ];
}

sub cookie
{
	my $state = jdecode(slurp("$tmp/state.json"));
	my $cookies = $state->{users}{ $_[0] // 'plain' }{cookies};
	return join '; ', map {"$_=$cookies->{$_}"} sort keys %$cookies;
}

# ---- looking --------------------------------------------------------------------------

my @old = prepare('1.7.25', 'shop');
my $before = shape();
my ($status, $out, $err) = adopt('--from', url('shop'));
is($status, 1, 'a user who could not sign in is a reason to stop') or diag("$out$err");
like($out, qr/^Users who could not sign in:\n  - 1 user has no password and only an account of github/m,
	'the report names their number and the provider');
like($err, qr/--accept-lockout 1\n/, 'the error says how to go on');
like($out, qr/The role shop is not enough: it cannot create roles\./, 'it says what the role lacks');
unlike("$out$err", qr/secret\@|\Q$secret\E/, 'no password and no secret is printed');
($status, $out, $err) = adopt('--from', url('shop'), '--json');
is($status, 1, 'the status is the same with --json');
my $json = jdecode($out);
is($json->{users}{total}, 9, 'JSON: the number of users');
is_deeply($json->{users}{providers}, { github => 1 }, 'JSON: the providers');
is($json->{users}{lockedOut}, 1, 'JSON: who could not sign in');
is_deeply([ map { $_->{level} } grep { $_->{what} =~ /github/ } @{ $json->{findings} } ], ['lockout'],
	'JSON: the finding');
is((adopt('--from', url('shop'), '--accept-lockout', 1))[0], 0, 'an accepted lock-out is no reason to stop');
for my $number (0, 2) {
	($status, $out, $err) = adopt('--from', url('shop'), '--accept-lockout', $number);
	is($status, 1, "another number ($number) than that of the users is refused");
	like($err, qr/--accept-lockout says $number, and 1 user could/, 'the error has both numbers');
}

# Settings that auth would refuse later, or read in another way, are reasons to stop now.
for my $row (
	[ 'a base path', qr/BETTER_AUTH_URL has the path \/auth: it is BetterAuth's base path/,
		BETTER_AUTH_URL => 'https://shop.example.com/auth' ],
	[ 'an address of something else', qr/BETTER_AUTH_URL is no address with http or https/,
		BETTER_AUTH_URL => 'shop.example.com' ],
	[ 'fields that are no JSON', qr/AUTH_ADDITIONAL_FIELDS: no JSON/, AUTH_ADDITIONAL_FIELDS => '{"user"' ],
	[ 'a misspelt key', qr/AUTH_ADDITIONAL_FIELDS: user\.plan: there is no key "typ"/,
		AUTH_ADDITIONAL_FIELDS => '{"user":{"plan":{"typ":"string"}}}' ],
	[ 'a field without a column', qr/has the field user\.plaan, and the table has no column plaan/,
		AUTH_ADDITIONAL_FIELDS => '{"user":{"plaan":{"type":"string"}}}' ],
	[ 'a field of another type', qr/says that user\.plan is of the type number, and the column is of the type text/,
		AUTH_ADDITIONAL_FIELDS => '{"user":{"plan":{"type":"number"}}}' ],
	[ 'a plugin that auth does not have', qr/AUTH_PLUGINS: .*nosuch/, AUTH_PLUGINS => 'email-password,nosuch' ],
	)
{
	my ($name, $like, %env) = @$row;
	$server->sql('shop', 'ALTER TABLE "user" ADD plan text');
	($status, $out, $err) = adopt('--from', url('shop'), '--accept-lockout', 1, { env => \%env });
	is($status, 1, "$name: a reason to stop");
	like($out =~ s/\n +/ /gr, $like, "$name: the report names it") or diag("$out$err");
	$server->sql('shop', 'ALTER TABLE "user" DROP plan');
}
for my $url ('https://Shop.example.com:443/', 'https://shop.example.com/api/auth') {
	($status, $out, $err) = adopt('--from', url('shop'), '--accept-lockout', 1, '--url', $url);
	is($status, 0, "$url is an address") or diag("$out$err");
}
($status, $out, $err) = adopt('--from', url('shop') . '&schema=public');
like($err, qr/--from: invalid URI query parameter: "schema"\. It is one of Prisma/, 'a parameter of Prisma is named');

# Problems of the secret are found before anything is changed.
my @run = ('--from', url('shop'), '--accept-lockout', 1, '--run');
my @admin = ('--admin', url());
for my $row (
	[ 'another secret', qr/the secret is wrong: this cookie was not signed with it\. Nothing was changed/,
		[ @run, @admin, '--cookie', cookie() ], { env => { AUTH_SECRET => 'x' x 40 } } ],
	[ 'a short secret', qr/the secret has 3 bytes/, [ @run, @admin ], { env => { AUTH_SECRET => 'abc' } } ],
	[ 'no secret', qr/the secret is missing/, [ @run, @admin, '--cookie', cookie() ],
		{ env => { AUTH_SECRET => undef } } ],
	[ 'no cookie', qr/--cookie is missing: .* live sessions would end/, [ @run, @admin ] ],
	[ 'a cookie that is none', qr/this is no signed cookie/, [ @run, @admin, '--cookie', 'a=b' ] ],
	[ 'no administrator', qr/the role shop is not enough: it cannot create roles/,
		[ @run, '--cookie', cookie() ] ],
	[ 'no acceptance', qr/say --accept-lockout 1/,
		[ '--from', url('shop'), '--run', @admin, '--cookie', cookie() ] ],
	[ 'an unreachable database', qr/^kedge: --from: /, [ '--from', 'postgresql:///nothing?host=/nowhere' ] ],
	[ 'a database of something else', qr/reasons? to stop/, [ '--from', $server->url_as('kedge', 'core') ] ],
	)
{
	my ($name, $like, $args, $opt) = @$row;
	($status, $out, $err) = adopt(@$args, $opt // {});
	is($status, 1, "$name: refused");
	like($err, $like, "$name: the error says why") or diag("$out$err");
}
is(shape(), $before, 'looking and refusing have changed nothing');
# A directory is made only when nothing is left to be checked, and belongs to the stack then.
($status, $out, $err) = adopt(@run, '--no-cookie', '--dir', "$tmp/none");
like($err, qr/the role shop is not enough/, 'an adoption that is refused in a new directory');
ok(!-e "$tmp/none", 'makes no directory');
for my $row ([ '--frobnicate' ], [ '--json', '--run' ], [ '--sql', '--run' ], [ 'word' ], [ '--accept-lockout', 'all' ]) {
	is((adopt('--from', url('shop'), @$row))[0], 2, "@$row: wrong usage");
}

# ---- what the report finds --------------------------------------------------------------

for my $row (
	[ 'a required column of the application', qr/your column user\.plan \(text.*is NOT NULL without a default/s,
		'ALTER TABLE "user" ADD plan text; UPDATE "user" SET plan = 1; ALTER TABLE "user" ALTER plan SET NOT NULL',
		'ALTER TABLE "user" DROP plan' ],
	[ 'columns of another adapter', qr/user\.emailVerified has the name email_verified/,
		'ALTER TABLE "user" RENAME "emailVerified" TO email_verified',
		'ALTER TABLE "user" RENAME email_verified TO "emailVerified"' ],
	[ 'times without a zone', qr/session\.expiresAt is of the type timestamp without time zone/,
		'ALTER TABLE session ALTER "expiresAt" TYPE timestamp', 'ALTER TABLE session ALTER "expiresAt" TYPE timestamptz' ],
	[ 'a short token', qr/session\.token is of the type character varying\(40\)/,
		'ALTER TABLE session ALTER token TYPE varchar(40)', 'ALTER TABLE session ALTER token TYPE text' ],
	[ 'a table with a name of ours', qr/there is a table job already/, 'CREATE TABLE job (a int)', 'DROP TABLE job' ],
	[ 'a renamed flag of the second factor', qr/there is a table twoFactor, but no column/,
		'CREATE TABLE "twoFactor" (a int)', 'DROP TABLE "twoFactor"' ],

	)
{
	my ($name, $like, $do, $undo) = @$row;
	next unless $like;
	$server->sql('shop', $do);
	($status, $out, $err) = adopt('--from', url('shop'), '--accept-lockout', 1);
	is($status, 1, "$name: a reason to stop");
	like($out =~ s/\n +/ /gr, $like, "$name: the report names it") or diag($out);
	like($err, qr/not adopted: \d reasons? to stop/, "$name: the error counts it");
	$server->sql('shop', $undo);
}
$server->sql('shop', q{ALTER TABLE "user" ADD "twoFactorEnabled" boolean, ADD points int, ADD tags jsonb;
    UPDATE "user" SET "twoFactorEnabled" = true WHERE name IN ('unicode', 'astral');
    UPDATE account SET password = 'bcrypt' WHERE "accountId" = (SELECT id FROM "user" WHERE name = 'browser');
    CREATE TABLE orders (id int PRIMARY KEY, buyer text REFERENCES "user");
    CREATE TABLE passkey (id text); INSERT INTO passkey VALUES ('p'); ALTER TABLE passkey OWNER TO shop});
($status, $out, $err) = adopt('--from', url('shop'));
my $text = $out =~ s/\n +/ /gr;
like($text, qr/- 2 users have enabled a second factor, and auth asks for it/, 'the report counts second factors');
like($text, qr/- 2 users have a second factor, but no app for codes/, 'and those without an app');
like($text, qr/1 user has a password hash that is not of BetterAuth's own format/, 'and foreign hashes');
like($text, qr/the plugin passkey \(passkey, 1 row\): the rows stay/, 'and rows of plugins');
like($text, qr/tables of your application are left as they are: 1 \(referring to "user": 1\)/, 'and tables');
like($text, qr/your column user\.points \(integer/, 'and columns');
like($out, qr/^  \Q{"user":{"points":{"type":"number","required":false,"input":false},"tags":{"type":"string[]",\E/m,
	'and proposes additional fields');
like($err, qr/not adopted: 4 users could not sign in/, 'all who could not sign in are counted once');
$server->sql('shop', q{SET ROLE shop; CREATE TABLE "twoFactor" (id text PRIMARY KEY, secret text NOT NULL,
    "backupCodes" text NOT NULL, "userId" text NOT NULL REFERENCES "user" ON DELETE CASCADE);
    INSERT INTO "twoFactor" SELECT id, '', '', id FROM "user" WHERE name = 'astral'; RESET ROLE});
($status, $out, $err) = adopt('--from', url('shop'));
like($err, qr/not adopted: 3 users could not sign in/, 'a user with an app can sign in') or diag("$out$err");
($status, $out, $err) = adopt('--from', url('shop'), { env => { AUTH_PLUGINS => 'email-password,admin' } });
like($out =~ s/\n +/ /gr, qr/- 2 users have enabled a second factor, and AUTH_PLUGINS has no two-factor: auth refuses/,
	'without the plugin nobody with a second factor can sign in');
like($err, qr/not adopted: 4 users could not sign in/, 'and all of them are counted');

# ---- an ordinary role owns the tables -----------------------------------------------------

@old = prepare('1.7.25', 'shop');
$before = shape();
my $beside = Kedge::Node->oracle(version => '1.7.25', database => node_url('shop'), secret => $secret);
($status, $out, $err) = adopt(@run, @admin, '--cookie', cookie(), '--url', 'https://Shop.example.com:443/');
is($status, 0, 'kedge adopt --run succeeds while BetterAuth runs') or diag("$out$err");
like($out, qr/The secret is right: it has signed the cookie of a live session of plain\@adopted\.example/,
	'it says whose cookie it has checked');
like($out, qr/Accepted: 1 user cannot sign in/, 'it says what was accepted');
is($server->sql('shop', 'SELECT accepted_lockout FROM kedge_adoption'), 1, 'the database records it');
is($server->sql('shop', q{SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = '"user"'::regclass}),
	'shop', 'its role stays the owner');
like(slurp("$k->{dir}/kedge.env"), qr{^AUTH_URL=https://shop\.example\.com$}m, 'AUTH_URL is the origin only');
$k->kedge('config', 'unset', 'AUTH_URL'); # the stack's own again
is((stat "$k->{dir}/kedge.env")[2] & 07777, 0600, 'the settings are readable by their owner only');
($status, $out, $err) = $k->kedge('up', '--port', 0, '--detach');
is($status, 1, 'kedge up on another database asks for a word');
($status, $out, $err) = $k->kedge('up', '--port', 0, '--detach', '--database', 'private');
is($status, 1, 'and another word is refused');
like($err, qr/AUTH_DATABASE_URL names a database for auth \(shop on .*Remove it .* from \S+kedge\.env/,
	'the error names the line') or diag($err);
$k->start(args => [ '--database', 'given' ]);
run_tap('node', $adoption, 'check', '--base', $k->base, '--state', "$tmp/state.json");
($status, $out) = $k->kedge('user', 'list');
like($out, qr/plain\@adopted\.example/, 'kedge user uses the adopted database');
# Another directory has no password of the role auth.
($status, $out, $err) = adopt(@run, @admin, '--cookie', cookie(), '--dir', "$tmp/second");
is($status, 1, 'a second adoption is refused while Kedge runs');
like($err, qr/Kedge runs on this database already \(on 1 host\), and the role auth would get another password/,
	'the error says what would be lost');
ok(!-e "$tmp/second", 'and no directory is made');
($status, $out, $err) = $k->kedge('migrate', 'auth');
is($status, 0, 'kedge migrate uses the adopted database') or diag($err);

# Both servers at once.
sub oracle_call
{
	my ($method, $path, %opt) = @_;
	my $c = Kedge::Client->new(base => $beside->{base});
	return $c->request($method, $path, %opt, origin => $beside->{base});
}
my $theirs = oracle_call(POST => '/api/auth/sign-up/email', json =>
	    { name => 'Theirs', email => 'theirs@example.com', password => 'correct horse battery' });
is($theirs->{status}, 200, 'BetterAuth signs somebody up beside Kedge') or diag($theirs->{body});
my ($their_cookie) = map {/^(better-auth\.session_token=[^;]+)/} @{ $theirs->{cookies} };
my $ours = $k->client->post('/api/auth/sign-up/email',
	{ name => 'Ours', email => 'ours@example.com', password => 'correct horse battery' });
is($ours->{status}, 200, 'Kedge signs somebody up beside BetterAuth');
my ($our_cookie) = map {/^(better-auth\.session_token=[^;]+)/} @{ $ours->{cookies} };
is($k->client->get('/api/core/whoami', cookie => $their_cookie)->{json}{userId}, $theirs->{json}{user}{id},
	'Kedge accepts the session of BetterAuth');
is(oracle_call(GET => '/api/auth/get-session', cookie => $our_cookie)->{json}{user}{id}, $ours->{json}{user}{id},
	'BetterAuth accepts the session of Kedge');
is(oracle_call(POST => '/api/auth/sign-out', json => {}, cookie => $our_cookie)->{status}, 200,
	'BetterAuth ends the session of Kedge');
ok(Kedge::wait_until { $k->client->get('/api/core/whoami', cookie => $our_cookie)->{status} == 401 },
	'Kedge refuses it');
is($k->client->post('/api/auth/sign-out', {}, cookie => $their_cookie)->{status}, 200,
	'Kedge ends the session of BetterAuth');
is(oracle_call(GET => '/api/auth/get-session', cookie => $their_cookie)->{body}, 'null', 'BetterAuth refuses it');

# ---- the way back --------------------------------------------------------------------------

($status, $out, $err) = adopt('--undo', '--run', @admin);
is($status, 1, 'the way back is refused while Kedge runs');
like($err, qr/auth of Kedge still runs on this database/, 'the error says that Kedge runs');
$k->down;
($status, $out, $err) = adopt('--undo', @admin);
is($status, 0, 'kedge adopt --undo prints the SQL') or diag($err);
like($out, qr/^DROP ROLE IF EXISTS auth;$/m, 'it drops the role');
isnt(shape(), $before, 'printing it has changed nothing');
($status, $out, $err) = adopt('--undo', '--run', '--from', url('shop'));
is($status, 1, 'the role of BetterAuth is not enough for the way back');
like($err, qr/the role shop is not enough: it cannot drop roles.*"kedge adopt --undo --sql"/, 'the error says so');
is($server->sql('shop', q{SELECT to_regclass('kedge_session_host') IS NOT NULL}), 't', 'nothing was dropped');
# An administrator runs what the record says; its owner is not one.
for my $statement ('ALTER ROLE shop SUPERUSER', 'DROP ROLE IF EXISTS auth; ALTER ROLE shop SUPERUSER',
	'REASSIGN OWNED BY auth_owner TO "x"; ALTER ROLE shop SUPERUSER; --"', 'DROP ROLE IF EXISTS shop')
{
	$server->sql('shop', qq{UPDATE kedge_adoption SET undo = undo || \$\$$statement;\n\$\$});
	($status, $out, $err) = adopt('--undo', '--run', @admin);
	is($status, 1, "a record with '$statement' is refused");
	like($err, qr/somebody has changed it\. Nothing was run/, 'the error says so');
	$server->sql('shop', qq{UPDATE kedge_adoption SET undo = replace(undo, \$\$$statement;\n\$\$, '')});
}
($status, $out, $err) = adopt('--undo', '--run', @admin);
is($status, 0, 'kedge adopt --undo --run succeeds') or diag("$out$err");
like($out, qr/^Removed from \S+kedge\.env: AUTH_MIGRATION_URL, AUTH_DATABASE_URL, AUTH_SECRET, /m,
	'it says which settings it has removed');
unlike(slurp("$k->{dir}/kedge.env"), qr/^AUTH_/m, 'the settings are gone');
is($server->sql('shop', q{SELECT count(*) FROM pg_class WHERE relname ~ '^(kedge|job|webhook|service)'
    AND relnamespace = 'public'::regnamespace}), 0, 'no table of Kedge is left');
is($server->sql('shop', q{SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace}), 0,
	'no function of Kedge is left');
is($server->sql('shop', q{SELECT count(*) FROM pg_roles WHERE rolname IN ('auth', 'auth_owner')}), 0,
	'no role of Kedge is left');
my $added = qr/"?(?:username|displayUsername|twoFactorEnabled)"? (?:text|boolean)/;
$server->sql('shop', 'DROP TABLE "twoFactor"'); # BetterAuth's own, which stays
my $after = shape() =~ s/,\n    $added//gr;
$after =~ s/--\n-- Name: user_username_key;.*?;\n\n+//s;
ok($after eq $before, 'but for columns that may be NULL the database is as before') or do {
	for ([ before => $before ], [ after => $after ]) {
		open my $f, '>', "$tmp/$_->[0]" or die;
		print $f $_->[1];
	}
	diag((run('diff', '-u', "$tmp/before", "$tmp/after"))[1]);
};
for my $version ('1.7.25', '1.4.18') {
	run_tap('node', $adoption, 'back', '--version', $version, @old);
}
($status, $out, $err) = adopt('--undo', '--run', @admin, '--from', url('shop'));
is($status, 1, 'a second undo is refused');
like($err, qr/it was undone/, 'and says why');
undef $beside;

# ---- other databases -----------------------------------------------------------------------

for my $row ([ '1.4.18', '' ], [ '1.7.7', 'auth' ], [ '1.7.25', 'shop', 'uuid' ], [ '1.7.25', '', 'serial' ]) {
	my ($version, $role, @ids) = @$row;
	my $name = "BetterAuth $version, owned by " . ($role || 'a superuser') . (@ids ? ", ids: @ids" : '');
	note($name);
	@old = prepare($version, $role, @ids);
	@run = ('--from', url($role), '--accept-lockout', 1, '--cookie', cookie(), '--run');
	($status, $out, $err) = adopt(@run, $role ? @admin : ());
	is($status, 0, "$name: adopted") or diag("$out$err");
	is($server->sql('shop', q{SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = '"user"'::regclass}),
		$role eq 'shop' ? 'shop' : 'auth_owner', "$name: the owner is an ordinary role");
	$k->start(args => [ '--database', 'given' ]);
	run_tap('node', $adoption, 'check', '--base', $k->base, '--state', "$tmp/state.json", map { ('--ids', $_) } @ids);
	# BetterAuth with the same connection string.
	run_tap('node', $adoption, 'back', '--version', $version, @old);
	$k->down;
	($status, $out, $err) = adopt('--undo', '--run', @admin);
	is($status, 0, "$name: undone") or diag("$out$err");
	is($server->sql('shop', q{SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = '"user"'::regclass}),
		$role || 'kedge', "$name: the tables have their owner again");
	run_tap('node', $adoption, 'back', '--version', $version, @old);
}

# ---- by hand -------------------------------------------------------------------------------

@old = prepare('1.7.25', 'shop');
@run = ('--from', url('shop'), '--accept-lockout', 1);
($status, my $sql, $err) = adopt(@run, '--sql');
is($status, 0, 'kedge adopt --sql prints the SQL') or diag($err);
my @psql = (tool('psql'), '-X', '-v', 'ON_ERROR_STOP=1', '-d', url());
isnt((run({ in => $sql }, @psql))[0], 0, 'it needs a password');
($status, $out, $err) = run({ in => $sql }, @psql, '-v', 'auth_password=by hand');
is($status, 0, 'a superuser runs it') or diag($err);
my %by_hand = (env => { AUTH_DATABASE_URL => $server->url_as('auth:by%20hand', 'shop') });
($status, $out, $err) = adopt(@run, '--cookie', cookie(), '--run', \%by_hand);
is($status, 0, 'then the role of BetterAuth is enough') or diag("$out$err");
$k->start(args => [ '--database', 'given' ]);
run_tap('node', $adoption, 'check', '--base', $k->base, '--state', "$tmp/state.json");
($status, $out, $err) = adopt(@run, '--cookie', cookie('unicode'), '--run', \%by_hand);
is($status, 0, 'a second run finds nothing to do') or diag("$out$err");
ok($k->destroy, 'the logs have no sanitizer report or failed assertion');
done_testing;
