package Kedge::SpecCases;

# Good and bad versions of kedge.json: t/03-spec.t gives them to the parser,
# t/52-schema.t to a validator with kedge.schema.json.  Both must agree.

use strict;
use warnings;
use Exporter qw(import);
use Kedge qw(jdecode jencode slurp);

our @EXPORT_OK = qw(spec_cases spec_numbers read_spec);

my $good = jdecode(slurp("$Kedge::ROOT/kedge.json"));

# Returns kedge.json after the code has changed it.  The code gets the whole value and
# its services by name.
sub changed
{
	my ($code) = @_;
	my $spec = jdecode(jencode($good));
	$code->($spec, { map { $_->{name} => $_ } @{ $spec->{services} } });
	return $spec;
}

# Makes core a service that is somebody else's.
sub foreign
{
	my ($core, %more) = @_;
	delete @$core{qw(pools needs)};
	%$core = (%$core, upstream => 'http://127.0.0.1:3000', %more);
	return;
}

# [ name, code, 1: good, text in the message, 1: only the parser refuses it ]
my @cases = (
	[ 'as it is', sub { }, 1 ],
	[ 'a schema', sub { $_[0]{'$schema'} = './kedge.schema.json' }, 1 ],
	[ 'a schema that is no text', sub { $_[0]{'$schema'} = 1 }, 0, qr/\$schema: must be a text; found 1/ ],
	[ 'a misspelled member', sub { $_[1]{core}{gaurd} = 'none' }, 0, qr/unknown member "gaurd"; did you mean "guard"\?/ ],
	[ 'a member in other letters', sub { $_[0]{servernames} = ['x'] }, 0, qr/did you mean "serverNames"\?/ ],
	[ 'a member like no other', sub { $_[0]{frobnicate} = 1 }, 0, qr/unknown member "frobnicate"; expected one of \$schema, nginx, services, web,/ ],
	[ 'no services', sub { delete $_[0]{services} }, 0, qr/services: must be a list of 1 to 128 items; it is missing/ ],
	[ 'no nginx', sub { delete $_[0]{nginx} }, 0, qr/nginx: must be an object; it is missing/ ],
	[ 'services as an object', sub { $_[0]{services} = {} }, 0, qr/; found an object/ ],
	[ 'no guard', sub { delete $_[1]{core}{guard} }, 0, qr/services\[1\]\.guard: must be one of none, standard, role-gated; it is missing/ ],
	[ 'another guard', sub { $_[1]{core}{guard} = 'open' }, 0, qr/; found "open"/ ],
	[ 'a guard of the future', sub { $_[1]{core}{guard} = 'flexible' }, 0 ],
	[ 'roles of another guard', sub { $_[1]{core}{roles} = ['x'] }, 0 ],
	[ 'no roles', sub { $_[1]{core}{guard} = 'role-gated' }, 0 ],
	[ 'roles', sub { @{ $_[1]{core} }{qw(guard roles)} = ('role-gated', ['x']) }, 1 ],
	[ 'a role with a space', sub { @{ $_[1]{core} }{qw(guard roles)} = ('role-gated', ['x y']) }, 0 ],
	[ 'a reserved name', sub { $_[1]{core}{name} = 'pgcat' }, 0, qr/name: is reserved; found "pgcat"/ ],
	[ 'a name in capitals', sub { $_[1]{core}{name} = 'Core' }, 0 ],
	[ 'a name that is a number', sub { $_[1]{core}{name} = '1core' }, 0 ],
	(map { my $p = $_; [ "prefix $p", sub { $_[1]{wallet}{prefix} = $p }, 0 ] }
		'/', '//', '/api/wallet', 'api/wallet/', '/api//wallet/', '/Api/', '/api/%20/', '/health/x/', '/metrics/', '/_verify/', '/' . 'x' x 127 . '/'),
	[ 'a long prefix', sub { $_[1]{wallet}{prefix} = '/' . 'x' x 126 . '/' }, 1 ],
	[ 'locations elsewhere', sub { $_[1]{core}{locations}[0]{prefix} = '/admin/' }, 0, qr/must begin with the service's own; found/, 1 ],
	[ 'a pool without threads', sub { delete $_[1]{core}{pools}{api}{threads} }, 0 ],
	[ 'jobs without a database', sub { $_[1]{core}{needs} = ['redis'] }, 0, qr/jobs are kept in postgres/ ],
	[ 'another need', sub { $_[1]{core}{needs} = [ 'postgres', 'mysql' ] }, 0, qr/needs\[1\]: must be "postgres" or "redis"; found "mysql"/ ],

	[ 'public', sub { $_[1]{core}{public} = [ '/api/core/hook/', '/hook/' ] }, 1 ],
	[ 'nothing public', sub { $_[1]{core}{public} = [] }, 0 ],
	[ 'public without a slash', sub { $_[1]{core}{public} = ['/l'] }, 0 ],
	[ 'public number', sub { $_[1]{core}{public} = [7] }, 0, qr/public\[0\]: must be a path.*; found 7/ ],
	[ 'public of another', sub { $_[1]{core}{public} = ['/api/wallet/x/'] }, 0, qr{overlaps /api/core/.*|/api/wallet/x/}, 1 ],
	[ 'public and guarded', sub { $_[1]{core}{public} = ['/api/core/admin/'] }, 0, qr/used twice/, 1 ],

	[ 'uploads of its own', sub { $_[1]{core}{uploads} = 1048576 }, 1 ],
	[ 'large uploads of its own', sub { $_[1]{core}{uploads} = 1048577 }, 0 ],
	[ 'no uploads', sub { $_[1]{core}{uploads} = 0 }, 0 ],
	[ 'large uploads', sub { foreign($_[1]{core}, uploads => 1073741824) }, 1 ],
	[ 'too large uploads', sub { foreign($_[1]{core}, uploads => 1073741825) }, 0 ],

	(map { my $u = $_; [ "upstream $u", sub { foreign($_[1]{core}, upstream => $u) }, 1 ] }
		'fastcgi:unix:/run/app.sock', 'fastcgi:127.0.0.1:9000', 'fastcgi:[::1]:9000', 'http://127.0.0.1:1', 'http://app.internal:65535'),
	(map { my $u = $_; [ "upstream $u", sub { foreign($_[1]{core}, upstream => $u) }, 0, qr/upstream: must be "fastcgi:unix/ ] }
		'', 'unix:/run/app.sock', 'fastcgi:unix:app.sock', 'fastcgi:unix:/a;b', 'fastcgi:unix:/a/../b', 'http://127.0.0.1', 'http://127.0.0.1:0', 'http://127.0.0.1:65536',
		'http://127.0.0.1:80/path', 'https://127.0.0.1:443', 'http://unix:/run/x', 'http://a b:1', 'http://$host:80', 'http://:80'),
	[ 'an upstream with pools', sub { $_[1]{core}{upstream} = 'http://127.0.0.1:1' }, 0, qr/pools: a service with "upstream"/ ],
	[ 'an upstream with a database', sub { foreign($_[1]{core}, needs => ['postgres']) }, 1 ],
	[ 'external', sub { foreign($_[1]{core}, external => JSON::PP::true()) }, 1 ],
	[ 'not external', sub { $_[1]{core}{external} = JSON::PP::false() }, 1 ],
	[ 'external without an upstream', sub { $_[1]{core}{external} = JSON::PP::true() }, 0 ],
	[ 'external with a database', sub { foreign($_[1]{core}, external => JSON::PP::true(), needs => []) }, 0 ],
	[ 'external in words', sub { foreign($_[1]{core}, external => 'yes') }, 0, qr/external: must be true or false; found "yes"/ ],

	(map { my $w = $_; [ 'web ' . jencode([$w]), sub { $_[0]{web} = $w }, 1 ] }
		'web', 'apps/site', '/srv/site', 'http://127.0.0.1:5173', { directory => 'dist', spa => JSON::PP::true() }, { upstream => 'http://127.0.0.1:5173' }),
	(map { my $w = $_; [ 'web ' . jencode([$w]), sub { $_[0]{web} = $w }, 0, qr/: web/ ] }
		'', '../site', 'a b', 'http://127.0.0.1', 1, [], {}, { directory => 'x', upstream => 'http://127.0.0.1:1' }, { directory => 'x', spa => 'on' }, { directory => 1 },
		{ upstream => 'https://127.0.0.1:1' }, { directory => 'x', root => 'y' }),

	(map { my $n = $_; [ "name $n", sub { $_[0]{serverNames} = [$n] }, 1 ] }
		'localhost', 'app.example.com', 'xn--bcher-kva.example', '10.0.0.1', 'a' x 63 . '.example'),
	(map { my $n = $_; [ "name $n", sub { $_[0]{serverNames} = [$n] }, 0, qr/serverNames\[0\]: must be a host name/ ] }
		'', '*.example.com', 'App.example.com', 'a_b', '-a', 'a-', 'a..b', 'a.', '.a', 'a b', 'a;', 'a:80', '~^.*$', 'a' x 64 . '.example', 'x.' x 127),
	[ 'a name twice', sub { $_[0]{serverNames} = [ 'a', 'a' ] }, 0, qr/serverNames\[1\]: occurs twice/ ],
	[ 'no names', sub { $_[0]{serverNames} = [] }, 0 ],

	[ 'tls', sub { @{ $_[0] }{qw(serverNames tls)} = (['a'], { certificate => '/c.pem', key => '/k.pem' }) }, 1 ],
	[ 'tls without names', sub { $_[0]{tls} = { certificate => '/c.pem', key => '/k.pem' } }, 0, qr/tls: needs "serverNames"/ ],
	[ 'tls without a key', sub { @{ $_[0] }{qw(serverNames tls)} = (['a'], { certificate => '/c.pem' }) }, 0, qr/tls\.key: must be an absolute path.*; it is missing/ ],
	[ 'tls with a relative path', sub { @{ $_[0] }{qw(serverNames tls)} = (['a'], { certificate => 'c.pem', key => '/k.pem' }) }, 0 ],
	[ 'tls with a quote', sub { @{ $_[0] }{qw(serverNames tls)} = (['a'], { certificate => '/c.pem', key => '/k";' }) }, 0 ],

	(map { my $n = $_; [ "proxy $n", sub { $_[0]{trustedProxies} = [$n] }, 1 ] } '10.0.0.1', '10.0.0.0/8', '0.0.0.0/0', '::1', '2001:db8::/32', '::ffff:10.0.0.1'),
	(map { my $n = $_; [ "proxy $n", sub { $_[0]{trustedProxies} = [$n] }, 0, qr/trustedProxies\[0\]: must be an address/ ] }
		'', '10.0.0.0/33', '10.0.0', 'proxy.example', '10.0.0.0/8;', '2001:db8::/129', '10.0.0.0/08'),

	[ 'mail', sub { $_[0]{mail} = { url => 'smtp://mail.example:587', from => 'app@example.com' } }, 1 ],
	[ 'mail over tls', sub { $_[0]{mail} = { url => 'smtps://mail.example:465', from => 'a@b' } }, 1 ],
	[ 'mail with a password', sub { $_[0]{mail} = { url => 'smtp://u:p@mail.example:587', from => 'a@b' } }, 0, qr/mail\.url: .*are secrets/ ],
	[ 'mail from nobody', sub { $_[0]{mail} = { url => 'smtp://mail.example:587' } }, 0, qr/mail\.from: must be an e-mail address; it is missing/ ],
	[ 'mail from two', sub { $_[0]{mail} = { url => 'smtp://mail.example:587', from => 'a@b, c@d' } }, 0 ],

	[ 'journald', sub { $_[0]{log} = { destination => 'journald' } }, 1 ],
	[ 'files', sub { $_[0]{log} = { destination => 'files' } }, 1 ],
	[ 'files elsewhere', sub { $_[0]{log} = { destination => 'files', directory => '/srv/log' } }, 1 ],
	[ 'journald elsewhere', sub { $_[0]{log} = { destination => 'journald', directory => '/srv/log' } }, 0, qr/log\.directory: is allowed only with/ ],
	(map { my $n = $_; [ "metrics at $n", sub { $_[0]{metrics} = { listen => $n } }, 1 ] } '127.0.0.1:9180', '[::1]:1', '127.0.0.1:65535'),
	(map { my $n = $_; [ "metrics at $n", sub { $_[0]{metrics} = { listen => $n } }, 0, qr/metrics\.listen: must be "127\.0\.0\.1:PORT"/ ] }
		'0.0.0.0:9180', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:80', '127.0.0.1:443', '[::1]:8080', '127.0.0.1:65536', '127.0.0.1:09180', '127.0.0.1:9180;', 'unix:/m.sock', '10.0.0.1:9180', ''),
	[ 'metrics nowhere', sub { $_[0]{metrics} = {} }, 0, qr/metrics\.listen: .*it is missing/ ],
	[ 'metrics and more', sub { $_[0]{metrics} = { listen => '127.0.0.1:9180', path => '/m' } }, 0 ],
	[ 'syslog', sub { $_[0]{log} = { destination => 'syslog' } }, 0, qr/log\.destination: must be "journald" or "files"; found "syslog"/ ],
);

# Numbers: [ path, smallest, largest, how to set it ].
sub spec_numbers
{
	return (
		[ 'nginx.workers', 1, 64, sub { $_[0]{nginx}{workers} = $_[2];
			delete $_->{keepalive} for map { values %{ $_->{pools} } } values %{ $_[1] } } ],
		[ 'nginx.connections', 64, 1000000, sub { @{ $_[0]{nginx} }{qw(perAddress perNetwork connections)} = (1, 1, $_[2]) } ],
		[ 'nginx.perAddress', 1, 65535, sub { @{ $_[0]{nginx} }{qw(perAddress perNetwork connections)} = ($_[2], 65535, 1000000) } ],
		[ 'nginx.perNetwork', 1, 65535, sub { @{ $_[0]{nginx} }{qw(perAddress perNetwork connections)} = (1, $_[2], 1000000) } ],
		[ 'nginx.logSample', 1, 10000, sub { $_[0]{nginx}{logSample} = $_[2] } ],
		[ 'services[1].uploads', 1, 1048576, sub { $_[1]{core}{uploads} = $_[2] } ],
		[ 'services[1].pools.api.processes', 1, 64, sub { $_[1]{core}{pools}{api}{processes} = $_[2]; delete $_[1]{core}{pools}{worker} } ],
		[ 'services[1].pools.api.threads', 1, 256, sub { $_[1]{core}{pools}{api}{threads} = $_[2] } ],
		[ 'services[1].pools.api.keepalive', 0, 256, sub { $_[1]{core}{pools}{api}{keepalive} = $_[2] } ],
		[ 'services[1].pools.worker.processes', 1, 63, sub { @{ $_[1]{core}{pools} }{qw(api worker)} = ({ processes => 1, threads => 1 }, { processes => $_[2] }) } ],
		[ 'tls.hsts', 0, 63072000, sub { @{ $_[0] }{qw(serverNames tls)} = (['a'], { certificate => '/c', key => '/k', hsts => $_[2] }) } ],
	);
}

# Returns every case as { name, spec, good, says, parser_only }.
sub spec_cases
{
	my @all = map {
		{ name => $_->[0], spec => changed($_->[1]), good => $_->[2], says => $_->[3], parser_only => $_->[4] }
	} @cases;
	for my $row (spec_numbers()) {
		my ($path, $min, $max, $set) = @$row;
		for my $n ([ $min, 1 ], [ $min - 1, 0 ], [ $max, 1 ], [ $max + 1, 0 ], [ "$min", 0 ], [ $min + 0.5, 0 ]) {
			my ($value, $is_good) = @$n;
			push @all, { name => "$path: " . jencode([$value]), good => $is_good,
				spec => changed(sub { $set->(@_, $value) }),
				says => $is_good ? undef : qr/\Q$path\E: must be a whole number from $min to $max; found / };
		}
	}
	return @all;
}

# Writes the text to kedge.json in the directory, and lets the command read it.  Returns
# '' when it is accepted, or the message.
sub read_spec
{
	my ($root, $text) = @_;
	open my $f, '>', "$root/kedge.json" or die "kedge.json: $!";
	print $f $text;
	close $f;
	my (undef, $out, $err) = Kedge::run({ env => { KEDGE_ROOT => $root }, timeout => 20 },
		Kedge->binary('kedge'), 'status', '--dir', "$root/none");
	return $err =~ /kedge\.json/ ? $err : '';
}

1;
