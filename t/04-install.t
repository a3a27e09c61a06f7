# "make install": what it installs is found and runs, and the units of systemd are
# confined.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;
use Kedge qw(run slurp);

my $place = tempdir(CLEANUP => 1);
my $build = $ENV{BUILD} // 'build/plain';
my $san = $build =~ m{^build/(?!plain)(.+)} ? $1 : '';
my ($status, $out, $err) = run({ timeout => 120 }, 'make', '-s', 'install', "DESTDIR=$place",
	'PREFIX=/opt/k', ($san ? "SAN=$san" : ()));
is($status, 0, 'make install') or diag $err;

my $prefix = "$place/opt/k";
for my $file (
	qw(bin/kedge lib/kedge/auth lib/kedge/core lib/kedge/programs/core/factorize.py
	share/kedge/kedge.json share/kedge/sql/auth/0001_identity.sql share/kedge/nginx/http.conf
	share/kedge/systemd/service.in share/kedge/web/index.html share/kedge/monitoring/alerts.yml share/kedge/templates/service/main.c.in share/kedge/templates/app/static/app.js share/man/man8/kedge.8)) {
	ok(-f "$prefix/$file", "$file is installed");
}

# An installed kedge changes none of its files: services are added to a checkout.
($status, $out, $err) = run("$prefix/bin/kedge", 'add', 'service', 'notes');
is($status, 1, 'an installed kedge adds no service');
like($err, qr/is not a checkout of Kedge: run \.\/kedge in one, or set KEDGE_ROOT/, 'the error says where services are added');
is($out, '', 'the refused command changes nothing');

# An installed kedge keeps a private stack (data and sockets) below the home directory of
# the user who runs it. It finds nginx/, sql/ and web/ relative to the path of its binary.
my $home = "$place/home";
mkdir $home or die "$home: $!";
{
	local $ENV{HOME} = $home;
	delete local $ENV{XDG_DATA_HOME};
	delete local $ENV{KEDGE_ROOT};
	($status, $out, $err) =
	    run({ timeout => 90 }, "$prefix/bin/kedge", 'up', '--detach', '--port', 0);
	is($status, 0, 'kedge up, as it is installed') or diag $err;
	like($out, qr{ready on (http://127\.0\.0\.1:\d+)}, 'up prints the address');
	is(slurp("$home/.local/share/kedge/run/url") // '', "$1\n", 'the stack is below HOME')
	    if $out =~ m{ready on (http://127\.0\.0\.1:\d+)};
	my $env = slurp("$home/.local/share/kedge/env/core.env") // '';
	like($env, qr{^CORE_PROGRAMS=\Q$prefix\E/lib/kedge/programs/core$}m,
		'jobs find their programs');
	($status, $out, $err) = run({ timeout => 60 }, "$prefix/bin/kedge", 'down');
	is($status, 0, 'kedge down') or diag $err;
	delete local $ENV{HOME};
	($status, $out, $err) = run({ timeout => 20 }, "$prefix/bin/kedge", 'status');
	like($err, qr/HOME is not set; name the stack's directory with --dir/,
		'without HOME it says what to do');
}

# A pool may have a process of its own, as in the units.
for my $wrong ([qw(core --verify)], [qw(core api)], [qw(auth --check --pool)]) {
	my ($service, @args) = @$wrong;
	($status, $out, $err) = run({ timeout => 20, env => { AUTH_SECRET => 'x' x 32 } },
		"$prefix/lib/kedge/$service", @args);
	is($status, 2, "@$wrong: there is no such pool");
	like($err, qr/^usage: $service \[\[--check\] \[--api \|/, 'the usage names the pools');
}

# The units that "kedge render" writes for the services of kedge.json.
SKIP: {
	skip 'systemd-analyze is not there', 12 if !qx(sh -c 'command -v systemd-analyze');
	my $root = "$place/root";
	my $own = "$root/usr/lib/systemd/system";
	make_path($own);
	system('cp', '-r', glob("$prefix/share/kedge/systemd/kedge*"), $own);
	($status, $out, $err) = run({ timeout => 20 }, "$prefix/bin/kedge", 'render', '--no-test',
		'--spec', 'kedge.json', '--to', $root);
	is($status, 0, 'kedge render') or diag $err;
	my @units = map {m{([^/]+)$}} glob("$root/etc/systemd/system/kedge-*.service");
	cmp_ok(scalar @units, '>=', 7, 'units');
	for my $unit (@units, 'kedge-redis@auth.service', 'kedge-migrate.service') {
		($status, $out, $err) = run({ timeout => 20 }, 'systemd-analyze', 'security',
			'--offline=yes', "--root=$root", '--threshold=15', $unit);
		is($status, 0, "$unit has an exposure of at most 1.5")
		    or diag $out =~ /(Overall.*)/, $err;
	}
	# Those that call no other server have no network.
	for my $unit (qw(kedge-auth-verify kedge-core kedge-wallet)) {
		my $text = slurp("$root/etc/systemd/system/$unit.service") // '';
		like($text, qr/^PrivateNetwork=yes\nRestrictAddressFamilies=AF_UNIX$/m,
			"$unit has no network");
	}
}

# ---- scripts that root runs ----------------------------------------------------------------

for my $script (map { glob "$Kedge::ROOT/$_" } qw(systemd/*.sh debian/*.postinst debian/*.prerm debian/*.postrm)) {
	my @shared = slurp($script) =~ m{^(?!\s*#)(.*(?:/tmp|/dev/shm|/run/lock)\b.*)$}mg;
	is_deeply(\@shared, [], "$script uses no directory in which every user can make files");
}

# The function that writes the files of PostgreSQL's cluster, in a directory of the user
# postgres, who has put a link to another file there.
if ($> == 0 && defined(my $postgres = getpwnam 'postgres')) {
	my $dir = tempdir(CLEANUP => 1);
	my ($write) = slurp("$Kedge::ROOT/systemd/apply.sh") =~ /^(write\(\) \{.*?^\})/ms;
	chmod 0755, $dir;
	mkdir "$dir/c";
	for (["$dir/victim", "precious\n"], ["$dir/c/pg_hba.conf", "old\n"]) {
		open my $f, '>', $_->[0] or die $!;
		print $f $_->[1];
	}
	symlink "$dir/victim", "$dir/c/pg_hba.conf.new";
	chown $postgres, -1, "$dir/c", "$dir/c/pg_hba.conf";
	chmod 0640, "$dir/c/pg_hba.conf";
	for my $changed (1, 0) {
		($status) = run({}, 'sh', '-euc', "$write\necho new | write '$dir/c/pg_hba.conf'");
		is($status == 0, $changed == 1, $changed ? 'apply.sh replaces a file' : 'and not again');
	}
	is(slurp("$dir/c/pg_hba.conf"), "new\n", 'with the new content');
	is((stat "$dir/c/pg_hba.conf")[2] & 07777, 0640, 'and the same mode');
	is(slurp("$dir/victim"), "precious\n", 'and follows no link');
	is((stat "$dir/victim")[4], 0, 'nor gives away another file');
}
done_testing;
