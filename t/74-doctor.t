# kedge doctor: each finding is provoked on a running stack, and is gone afterwards.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use Test::More;
use Kedge::Clock;
use Kedge::Echo;
use Kedge qw(jdecode jencode need run slurp wait_until);

need(qw(nginx openssl));
my $root = tempdir(CLEANUP => 1);
chmod 0755, $root;
symlink "$Kedge::ROOT/$_", "$root/$_" for qw(nginx mail web);
system('cp', '-r', "$Kedge::ROOT/sql", "$root/sql") == 0 or die;
my $app = Kedge::Echo->http;
my $chat = Kedge::Echo->websocket;
my $shape = jdecode(slurp("$Kedge::ROOT/kedge.json"));
push @{ $shape->{services} }, { name => 'wiki', prefix => '/wiki/', guard => 'standard', public => ['/w/'],
	upstream => 'http://127.0.0.1:' . $app->port, external => JSON::PP::true() };

sub write_file { my ($path, $text) = @_; open my $f, '>', $path or die "$path: $!"; print $f $text; close $f; return }

sub shape
{
	my ($code) = @_;
	my $spec = jdecode(jencode($shape));
	$code->($spec, { map { $_->{name} => $_ } @{ $spec->{services} } }) if $code;
	write_file("$root/kedge.json", jencode($spec));
	return;
}
shape();
my $k = Kedge->up(env => { KEDGE_ROOT => $root });

# Returns (exit status, findings of one check or of all, but no notes).
sub doctor
{
	my ($check, @args) = @_;
	my ($status, $out, $err) = run({ env => { KEDGE_ROOT => $root }, timeout => 60 }, Kedge->binary('kedge'),
		'doctor', '--json', '--dir', $k->dir, defined $check ? $check : (), @args);
	my $json = jdecode($out) or die "doctor: $out$err";
	return ($status, grep { $_->{severity} ne 'note' && (!defined $check || $_->{check} eq $check) } @{ $json->{findings} });
}

sub found { my (undef, @found) = doctor(@_); return @found }

# Checks that the doctor reports a finding after `do`, and no longer after `undo`.
sub finds
{
	my ($name, $check, $severity, $what, $advice, $do, $undo) = @_;
	$do->();
	my ($status, @found) = doctor($check);
	my ($f) = grep { $_->{what} =~ $what } @found;
	ok($f, "$name: found") or diag(explain \@found);
	is($f->{severity}, $severity, "$name: $severity");
	like($f->{advice} // '', $advice, "$name: and what to do");
	is($status, 2, "$name: exit status") if $severity eq 'error';
	cmp_ok($status, '>=', 1, "$name: exit status") if $severity eq 'warning';
	$undo->();
	ok(wait_until(sub { !grep { $_->{what} =~ $what } found($check) }, 20), "$name: gone afterwards")
	    or diag(explain [ doctor($check) ]);
	return;
}

# A service that has started before its Redis notices it a little later.
wait_until(sub { !found('processes') }, 20);
my ($status, @found) = doctor();
is_deeply(\@found, [], 'a new stack is well') or diag(explain \@found);
is($status, 0, 'the doctor exits with 0 when nothing is wrong');
my (undef, $text) = run({ env => { KEDGE_ROOT => $root } }, Kedge->binary('kedge'), 'doctor', '--dir', $k->dir);
like($text, qr/^0 errors, 0 warnings\n\z/m, 'the text says that nothing is wrong');
like($text, qr/address: a request from 127\.0\.0\.1 is seen as 127\.0\.0\.1, whatever it claims/, 'the address is printed');
like($text, qr/bypass: \d{3,} requests without a session were sent/, 'the text says how many requests were sent');

# ---- files, processes, sockets --------------------------------------------------------------

my $dir = $k->dir;
sub edit { my ($file, $code) = @_; my $old = slurp("$dir/$file"); my $new = $old; $code->() for $new; write_file("$dir/$file", $new); return $old }
my $old;
finds('an edited file', 'files', 'warning', qr{nginx/limits\.conf differs}, qr/kedge restart/,
	sub { $old = edit('nginx/limits.conf', sub { s/limit_conn_status 429/limit_conn_status 503/ }) },
	sub { write_file("$dir/nginx/limits.conf", $old) });
finds('another kedge.json', 'files', 'warning', qr{nginx/services\.conf differs}, qr/kedge restart/,
	sub { shape(sub { $_[1]{core}{guard} = 'role-gated'; $_[1]{core}{roles} = ['x'] }) }, sub { shape() });
finds('a socket that is gone', 'processes', 'error', qr{nothing listens on the socket run/core\.sock}, qr/kedge status/,
	sub { rename "$dir/run/core.sock", "$dir/run/away" or die }, sub { rename "$dir/run/away", "$dir/run/core.sock" or die });
finds('a service that hangs', 'processes', 'error', qr/wallet is not ready: it does not answer/, qr/log/,
	sub { $k->kill_pid(STOP => $k->pids('wallet-api')) }, sub { $k->kill_pid(CONT => $k->pids('wallet-api')) });

# ---- the disk ---------------------------------------------------------------------------------

# The doctor has a mount namespace of its own, with a small disk at the directory.
sub small_disk
{
	my ($at) = @_;
	my ($s, $out, $err) = run({ env => { KEDGE_ROOT => $root } }, 'unshare', '-m', 'sh', '-c',
		'mount -t tmpfs -o size=1m none "$1" && exec "$2" doctor disk --json --dir "$3"', 'sh',
		$at, Kedge->binary('kedge'), $k->dir);
	return ($s, map { "$_->{severity}: $_->{what}: $_->{advice}" } @{ (jdecode($out) or die $err)->{findings} });
}
is_deeply([ found('disk') ], [], 'the disk is well');
SKIP: {
	skip 'only root mounts a small disk', 6 if $> != 0;
	mkdir "$dir/backups";
	for my $row ([ log => 'logs' ], [ backups => 'backups' ]) {
		my ($at, $name) = @$row;
		my ($s, @full) = small_disk("$dir/$at");
		is($s, 2, "$at is full: exit status");
		is(scalar(@full), 1, "$at is full: found once");
		like($full[0], qr/^error: the disk of the $name \($at\) is nearly full: [01] MiB \(\d+ %\) are free: .*backups/, "$at is full: and what to do");
	}
	rmdir "$dir/backups";
}

# ---- databases --------------------------------------------------------------------------------

finds('a migration that was not run', 'databases', 'error', qr/core: 1 migrations were not run, 9000_more\.sql first/, qr/kedge migrate/,
	sub { write_file("$root/sql/core/9000_more.sql", "SELECT 1;\n") }, sub { unlink "$root/sql/core/9000_more.sql" });
my @sql = (
	[ 'a role that may make databases', qr/core: the role of the service has CREATEDB/, qr/ALTER ROLE core NOSUPERUSER/,
		'ALTER ROLE core CREATEDB', 'ALTER ROLE core NOCREATEDB' ],
	[ 'a superuser', qr/core: the role of the service has SUPERUSER/, qr/ALTER ROLE core NOSUPERUSER/,
		'ALTER ROLE core SUPERUSER', 'ALTER ROLE core NOSUPERUSER' ],
	[ 'a role in a foreign database', qr/core: the role of the service may connect to wallet$/, qr/REVOKE CONNECT/,
		'GRANT CONNECT ON DATABASE wallet TO core', 'REVOKE CONNECT ON DATABASE wallet FROM core' ],
	[ 'a role that may create', qr/the role core may create in the schema public/, qr/REVOKE CREATE ON SCHEMA public FROM core/,
		'GRANT CREATE ON SCHEMA public TO core', 'REVOKE CREATE ON SCHEMA public FROM core' ],
	[ 'a role of the owner', qr/the role core is a member of core_owner/, qr/REVOKE core_owner FROM core/,
		'GRANT core_owner TO core', 'REVOKE core_owner FROM core' ],
	(map { [ "$_ off", qr/core: PostgreSQL has $_ = off: a crash may lose/, qr/ALTER SYSTEM SET $_ = on/,
		"ALTER SYSTEM SET $_ = off", "ALTER SYSTEM RESET $_" ] } qw(fsync full_page_writes synchronous_commit)),
);
for (@sql) {
	my ($name, $what, $advice, $do, $undo) = @$_;
	my $reload = sub { $k->sql('core', $_[0]); $k->sql('core', 'SELECT pg_reload_conf()'); return };
	$do = [$do]; $undo = [$undo];
	finds($name, 'databases', 'error', $what, $advice, sub {
			$reload->(@$do);
			# A reload takes effect a moment later.
			wait_until(sub { grep { $_->{what} =~ $what } found('databases') }, 10) },
		sub { $reload->(@$undo) });
}
finds('too few connections', 'databases', 'warning', qr/max_connections is \d+, and all pools together may need \d+/, qr/max_connections = \d+/,
	sub { shape(sub { $_->{pools}{api}{processes} = 30 for @{ $_[1] }{qw(core wallet)} }) }, sub { shape() });

# A database with another encoding, which PostgreSQL makes where no locale is set.
$k->sql('core', q{CREATE DATABASE ascii OWNER core_owner TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'});
{
	local $ENV{CORE_MIGRATION_URL} = $k->url_as('kedge', 'ascii');
	my ($f) = grep { $_->{what} =~ /^core: the database has the encoding SQL_ASCII$/ } found('databases');
	is($f->{severity}, 'error', 'another encoding');
	like($f->{advice}, qr/ENCODING 'UTF8'/, 'another encoding: and what to do');
	ok((grep { $_->{what} =~ /^core: \d+ migrations were not run/ } found('databases')), 'an empty database: all migrations');
}
$k->sql('core', 'DROP DATABASE ascii');

# The doctor's clock is two hours ahead of PostgreSQL's clock.
{
	local %ENV = %ENV;
	my $clock = Kedge::Clock->use;
	$clock->set(7200);
	my ($f) = grep { $_->{what} =~ /^core: the clock of PostgreSQL's host differs by -7\d{6} ms$/ } found('databases');
	is($f->{severity}, 'error', 'a clock that differs');
	like($f->{advice}, qr/NTP/, 'a clock that differs: and what to do');
}
is_deeply([ found('databases') ], [], 'the databases are well');

# ---- Redis --------------------------------------------------------------------------------------

for ([ 'maxmemory-policy', 'allkeys-lru', 'noeviction', 'error' ], [ 'appendonly', 'yes', 'no', 'warning' ], [ 'save', '60 1', '', 'warning' ]) {
	my ($name, $bad, $good, $severity) = @$_;
	my $set = sub { my ($value) = @_; run(Kedge::tool('redis-cli'), '-s', "$dir/run/redis-core.sock", 'CONFIG', 'SET', $name, $value) };
	finds("Redis: $name", 'redis', $severity, qr/core: its Redis has $name "\Q$bad\E"/, qr/CONFIG SET $name '\Q$good\E'/,
		sub { $set->($bad) }, sub { $set->($good) });
}

# ---- the certificate and mail -----------------------------------------------------------------------

sub certificate
{
	my ($name, $days, $host) = @_;
	my ($status, $out, $err) = run(Kedge::tool('openssl'), qw(req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x),
		'-addext', "subjectAltName=DNS:$host", '-days', $days, '-keyout', "$root/$name.key", '-out', "$root/$name.pem");
	die "openssl: $err" if $status != 0;
	return;
}
# Signs the certificate again, for days that are over.
sub expire
{
	my ($name) = @_;
	my ($status, $out, $err) = run(Kedge::tool('openssl'), 'x509', '-in', "$root/$name.pem", '-signkey', "$root/$name.key",
		'-days', -1, '-out', "$root/$name.pem");
	die "openssl: $err" if $status != 0;
	return;
}
certificate('good', 90, 'app.example');
certificate('soon', 5, 'app.example');
certificate('other', 90, 'other.example');
certificate('old', 3, 'app.example');
expire('old');
sub tls { my ($c, $key) = @_; return sub { shape(sub { $_[0]{serverNames} = ['app.example']; $_[0]{tls} = { certificate => "$root/$c.pem", key => "$root/$key.key" } }) } }
tls('good', 'good')->();
is_deeply([ found('certificate') ], [], 'a certificate that is well');
finds('one that expires soon', 'certificate', 'warning', qr/soon\.pem expires in [45] days/, qr/renew/, tls('soon', 'soon'), \&shape);
finds('one that has expired', 'certificate', 'error', qr/old\.pem has expired \d+ days ago/, qr/renew/, tls('old', 'old'), \&shape);
finds('one for another name', 'certificate', 'error', qr/is not for the name app\.example/, qr/serverNames/, tls('other', 'other'), \&shape);
finds('another key', 'certificate', 'error', qr/good\.key cannot be read, or does not belong/, qr/tls\.key/, tls('other', 'good'), \&shape);
finds('no certificate', 'certificate', 'error', qr/none\.pem has no certificate/, qr/tls\.certificate/, tls('none', 'good'), \&shape);

my $smtp = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die;
my $mail = sub { my ($port) = @_; shape(sub { $_[0]{mail} = { url => "smtp://127.0.0.1:$port", from => 'a@b' } }) };
$mail->($smtp->sockport);
is_deeply([ found('mail') ], [], 'a mail server that answers');
my $port = $smtp->sockport;
close $smtp;
finds('a mail server that does not', 'mail', 'error', qr/mail server smtp:\S+ does not answer: Connection refused/, qr/kedge\.json/,
	sub { $mail->($port) }, sub { shape() });

# What is in force: the start has written it into env/auth.env.
my $notes = sub {
	my (undef, $json) = run({ env => { KEDGE_ROOT => $root } }, Kedge->binary('kedge'), qw(doctor mail --json --dir), $k->dir);
	return join "\n", map { "$_->{severity}: $_->{what}" } @{ jdecode($json)->{findings} };
};
is($notes->(), 'note: mail goes to nobody, but into files in mail', 'mail into files is a note');
my $url = sub { my ($to) = @_; return edit('env/auth.env', sub { s/^AUTH_MAIL_URL=\K.*$/$to/m }) };
my $env = $url->('');
is($notes->(), 'note: mail is off: nobody can set a new password by mail', 'that mail is off is a note');
for ([ "smtp://127.0.0.1:$port", qr/mail server smtp:\S+ does not answer: Connection refused/, qr/AUTH_MAIL_URL in kedge\.env/ ],
	[ 'smtp://[::1]:1', qr/mail server \S+ does not answer/, qr/AUTH_MAIL_URL/ ],
	[ 'mail.example.com', qr/AUTH_MAIL_URL in .* is "mail\.example\.com"/, qr{smtp://HOST:PORT} ])
{
	my ($to, $what, $advice) = @$_;
	finds("AUTH_MAIL_URL=$to", 'mail', 'error', $what, $advice, sub { $url->($to) }, sub { write_file("$dir/env/auth.env", $env) });
}

# ---- nginx ---------------------------------------------------------------------------------------------

my @nginx = (
	[ 'a location without a question', 'location /open/ { fastcgi_pass kedge_core; }', qr{location /open/ .* passes requests to core without auth_request} ],
	[ 'one by an address', 'location /open/ { fastcgi_pass unix:run/wallet.sock; }', qr{location /open/ .* passes requests to wallet without} ],
	[ 'one by a regular expression', 'location ~ "^/x{2}" { fastcgi_pass kedge_core; }', qr{location ~ \^/x\{2\} .* without auth_request} ],
	[ 'a question that is off', 'location /api/core/x/ { auth_request off; fastcgi_pass kedge_core; }', qr{location /api/core/x/ .* without auth_request} ],
	[ 'an application without a question', 'location /wiki/x/ { proxy_set_header Remote-User ""; proxy_pass http://kedge_wiki; }', qr{passes requests to wiki without auth_request} ],
	[ 'an address that is enough', 'location /api/core/x/ { satisfy any; allow 10.0.0.0/8; deny all; auth_request /_verify; fastcgi_pass kedge_core; }', qr{"satisfy any"} ],
	[ 'another guard', 'location /api/core/admin/x/ { set $kedge_guard standard; auth_request /_verify; fastcgi_pass kedge_core; }', qr{has the guard standard, and kedge\.json says role-gated} ],
	[ 'an identity of the client', 'location /api/core/x/ { auth_request /_verify; fastcgi_param KEDGE_IDENTITY $http_x; fastcgi_pass kedge_core; }', qr{sets KEDGE_IDENTITY from what the client sends} ],
	[ 'a header of the client', 'location /wiki/x/ { auth_request /_verify; proxy_set_header X y; proxy_pass http://kedge_wiki; }', qr{passes the client's own header Remote-User to wiki} ],
	[ 'verify for clients', 'location /ask/ { fastcgi_pass kedge_auth_verify; }', qr{lets clients ask verify} ],
	[ 'a directive that there is not', 'frobnicate on;', qr{does not accept its configuration: .*frobnicate} ],
);
for (@nginx) {
	my ($name, $line, $what) = @$_;
	finds($name, 'nginx', 'error', $what, qr/./,
		sub { $old = edit('nginx/services.conf', sub { $_ .= "$line\n" }) }, sub { write_file("$dir/nginx/services.conf", $old) });
}
for my $line ('location /w/x/ { proxy_set_header Remote-User ""; proxy_pass http://kedge_wiki; }',
	'location /mine/ { allow 127.0.0.1; deny all; fastcgi_pass kedge_core; }', 'location /other/ { proxy_pass http://127.0.0.1:1; }')
{
	$old = edit('nginx/services.conf', sub { $_ .= "$line\n" });
	is_deeply([ found('nginx') ], [], "well: $line");
	write_file("$dir/nginx/services.conf", $old);
}

# ---- the live server -------------------------------------------------------------------------------------

# Reloads nginx and waits until no old worker can get a request any more.
sub reload
{
	my ($seen) = @_;
	my %old = map { $_ => 1 } $k->pids('nginx-worker');
	$k->kill_pid(HUP => $k->pids('nginx'));
	ok(wait_until(sub { my @now = $k->pids('nginx-worker'); @now && !grep { $old{$_} } @now }, 30), 'nginx has reloaded');
	wait_until(sub { $seen->() }, 20);
	return;
}
for (
	[ 'an open door', 'location ^~ /api/core/admin/ { default_type application/json; return 200 "{}"; }', '/api/core/admin/x', qr{core answers 200 without a session to: GET /api/core/admin/doctor} ],
	[ 'one of an application', 'location = /wiki/doctor { include foreign_http.conf; proxy_pass http://kedge_wiki; }', '/wiki/doctor', qr{wiki answers 200 without a session to: GET /wiki/doctor} ],
	[ 'a WebSocket', 'location = /wiki/doctor { include foreign_http.conf; proxy_pass http://127.0.0.1:' . $chat->port . '; } location = /wiki/loaded { return 200; }', '/wiki/loaded', qr{wiki answers 101 without a session to: GET /wiki/doctor, Host: \S+, Upgrade: websocket} ],
    )
{
	my ($name, $line, $path, $what) = @$_;
	my $get = sub { $k->client->get($path)->{status} };
	finds($name, 'bypass', 'error', $what, qr/nginx/,
		sub {
			$old = edit('nginx/services.conf', sub { s/^location \^~ \/api\/core\/admin\/ \{/location ^~ \/api\/core\/elsewhere\/ {/m; $_ .= "$line\n" });
			reload(sub { $get->() == 200 });
		},
		sub { write_file("$dir/nginx/services.conf", $old); reload(sub { $get->() == 401 }) });
}
finds('an address that can be claimed', 'address', 'warning', qr/can claim any address/, qr/trustedProxies/,
	sub {
		$old = edit('nginx/realip.conf', sub { $_ .= "set_real_ip_from 127.0.0.1;\nreal_ip_header X-Forwarded-For;\n" });
		reload(sub { grep { $_->{what} =~ /claim/ } found('address') });
	},
	sub { write_file("$dir/nginx/realip.conf", $old); reload(sub { 1 }) });

($status, @found) = doctor();
is_deeply(\@found, [], 'all is well again') or diag(explain \@found);
$k->kill_pid(KILL => $k->pids('redis-core'));
ok(wait_until(sub { grep { $_->{what} =~ /redis-core was restarted 1 times/ } found('processes') }, 20), 'a restart is told');
$k->wait_healthy;
$k->down;
($status, @found) = doctor('processes');
like($found[0]{what}, qr/^nothing runs in /, 'a stack that does not run');
is($status, 2, 'is an error');
is((run(Kedge->binary('kedge'), 'doctor', '--frob'))[0], 2, 'wrong usage');
like((run(Kedge->binary('kedge'), 'doctor', '--dir', $dir, 'clocks'))[2], qr/there is no check clocks; did you mean "clock"\?/, 'a check that there is not');
done_testing;
