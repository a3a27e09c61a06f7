# Checks the nginx configuration generated from kedge.json: each service is declared
# once, no location leads to a service without auth_request, and no directive is used
# that is known to let requests bypass auth_request.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jdecode need run slurp tool);

need(qw(nginx));
my $k = Kedge->up;
my $shape = jdecode(slurp("$Kedge::ROOT/kedge.json"));
ok($shape, 'kedge.json is valid JSON');
my %service = map { $_->{name} => $_ } grep { !$_->{upstream} } @{ $shape->{services} };
is_deeply([ sort keys %service ],
	[ sort map { m{([^/]+)/main\.c$} } glob "$Kedge::ROOT/services/*/main.c" ],
	'kedge.json names exactly the services that have a main.c');

# ---- nginx's whole configuration, includes resolved ----------------------

my ($master) = $k->pids('nginx');
my ($args) = slurp("/proc/$master/cmdline") =~ /master process (.*?)[\0\s]*$/s;
my ($nginx, @args) = split ' ', $args =~ s/\0/ /gr;
$nginx = tool('nginx') unless $nginx =~ m{^/};
@args = grep { !/daemon/ } @args if grep {/^-g/} @args;
@args = grep { $_ ne '-g' } @args;
my ($status, $dump, $err) = run({ dir => $k->dir }, $nginx, @args, '-T');
is($status, 0, 'nginx -T accepts the configuration') or diag($err);
$err =~ s/^.*worker_connections exceed open file resource limit.*\n//m; # nginx warns of this shell's descriptor limit
unlike($err, qr/\[(warn|error|emerg)\]/, 'nginx -T prints no warning');

my %file;
while ($dump =~ /^# configuration file (.*?):\n(.*?)(?=^# configuration file |\z)/gms) {
	$file{$1} = $2;
}
my ($top) = $dump =~ /^# configuration file (.*?):$/m;

sub tokens
{
	my ($text) = @_;
	my @t;
	while ($text =~
/\G(?:\s+|#[^\n]*)*(?:("(?:\\.|[^"\\])*")|('(?:\\.|[^'\\])*')|([{};])|((?:\\.|\$\{\w+\}|[^\s{};"'\\])+))/gc
	) {
		push @t,
		      defined $1 ? eval_quoted($1)
		    : defined $2 ? eval_quoted($2)
		    : defined $3 ? \"$3"
		    : $4;
	}
	return @t;
}

sub eval_quoted { my $s = substr $_[0], 1, -1; $s =~ s/\\(["'\\])/$1/g; return $s }

# Parses nginx's configuration into a tree of { name, args, block => [...] }; included
# files are inserted in their place.
sub parse
{
	my ($tokens) = @_;
	my (@out, @words);
	while (@$tokens) {
		my $t = shift @$tokens;
		if (!ref $t) {
			push @words, $t;
		} elsif ($$t eq '}') {
			last;
		} else {
			my ($name, @args) = splice @words;
			my %node = (name => $name, args => \@args);
			$node{block} = parse($tokens) if $$t eq '{';
			push @out, $name eq 'include' ? included($args[0]) : \%node;
		}
	}
	return \@out;
}

sub included
{
	my ($pattern) = @_;
	my $re = join '[^/]*', map {quotemeta} split /\*/, $pattern, -1;
	my @match = grep {m{(?:^|/)$re$}} sort keys %file;
	return map { @{ parse([ tokens($file{$_}) ]) } } @match;
}

my $tree = parse([ tokens($file{$top}) ]);

my (@all, @locations);

sub walk
{
	my ($nodes, @above) = @_;
	for my $node (@$nodes) {
		push @all, $node;
		push @locations, { node => $node, above => [@above] }
		    if $node->{name} eq 'location';
		walk($node->{block}, @above, $node) if $node->{block};
	}
	return;
}
walk($tree);
cmp_ok(scalar @locations, '>=', 6, "this test finds nginx's locations");

# ---- directives that are not allowed ---------------------------------------

# Each "if" ends a request and cannot let one through (preflight.conf, foreign_path.conf,
# web_hidden.conf, monitored.conf).
my %may_end = map { $_ => 1 } 'if ($kedge_preflight) { return 418 }', 'if ($kedge_unclear_path) { return 400 }',
    'if ($kedge_hidden_path) { return 417 }', 'if ($kedge_forwarded) { return 403 }';
is_deeply(
	[
		grep { !$may_end{$_} }
		    map { my $n = $_; "if @{ $n->{args} } { " . join('; ', map {"$_->{name} @{ $_->{args} }"}
			    @{ $n->{block} }) . ' }' }
		    grep { $_->{name} eq 'if' } @all
	],
	[],
	'nginx/ has no "if" except those that refuse, and the one for preflights');
for my $name (qw(rewrite satisfy proxy_cache fastcgi_cache fastcgi_cache_valid
	auth_request_cache alias sub_filter perl autoindex)) {
	is_deeply(
		[ map {"$_->{name} @{ $_->{args} }"} grep { $_->{name} eq $name } @all ],
		[], "nginx/ has no $name");
}
is_deeply(
	[ map {"@{ $_->{args} }"} grep { $_->{name} eq 'location' && $_->{args}[0] =~ /^~/ } @all ],
	[], 'no location is chosen by a regular expression');
# The variables $kedge_log... are for the access log only: no directive that decides
# about a request uses them.
my @maps = grep { $_->{name} eq 'map' } @all;
my ($of_log, $others) = (qr/^\$kedge_log/, qr/\$kedge_log/);
# The variables $kedge_cors... and $kedge_preflight... are used only to add headers to the
# answers for pages of other origins, and to answer preflights.
my ($of_cors, $cors) = (qr/^\$kedge_(?:cors|preflight)/, qr/\$kedge_(?:cors|preflight)/);
is_deeply(
	[
		map {"$_->{name} @{ $_->{args} }"} grep { "@{ $_->{args} }" =~ $cors }
		    grep { $_->{name} !~ /^(?:add_header|if)$/ && join(' ', $_->{name}, $_->{args}[0] // '') ne 'return 403' }
		    grep { join(' ', $_->{name}, $_->{args}[-1] // '') ne 'try_files $kedge_preflight_answer' }
		    grep { $_->{name} ne 'map' || $_->{args}[1] !~ $of_cors }
		    grep {
			my $d = $_;
			!grep { my $m = $_; grep { $_ == $d } @{ $m->{block} } } grep { $_->{args}[1] =~ $of_cors } @maps
		    } @all
	],
	[],
	'the CORS variables of nginx only set headers and answer preflights');
is_deeply(
	[
		grep {/^~/} map { $_->{name} } map { @{ $_->{block} } }
		    grep { $_->{args}[0] ne '$binary_remote_addr' && $_->{args}[1] !~ $of_log
			    && $_->{args}[1] !~ $of_cors && $_->{args}[1] !~ /^\$kedge_(?:web_|unclear_path$|hidden_path$)/ } @maps
	],
	[],
	"no map of a client's text uses a regular expression, except to refuse it");
is_deeply(
	[
		map {"$_->{name} @{ $_->{args} }"} grep { "@{ $_->{args} }" =~ $others }
		    grep { $_->{name} !~ /^(?:access_log|log_format|split_clients)$/ }
		    grep { $_->{name} ne 'map' || $_->{args}[1] !~ $of_log }
		    grep {
			my $d = $_;
			!grep { my $m = $_; grep { $_ == $d } @{ $m->{block} } } grep { $_->{args}[1] =~ $of_log } @maps
		    } @all
	],
	[],
	'the maps for the access log are used by it only');
is_deeply(
	[
		grep { !/^(?:map \$http_accept|error_page (?:\d+ )+(?:=404 )?|try_files (?:\/none|\$uri \$uri\/) )/ }
		    map {"$_->{name} @{ $_->{args} }"} grep { "@{ $_->{args} }" =~ /\$kedge_web_/ } @all
	],
	[],
	'Accept decides about nothing but the form of a missing page');
is_deeply(
	[ grep {/^~/} map { @{ $_->{args} } } grep { $_->{name} eq 'server_name' } @all ], [],
	'no server name is a regular expression');
is_deeply(
	[
		map { $_->{name} . ' ' . join ' ', @{ $_->{args} } } grep {
			grep {/\$[0-9]/}
			    @{ $_->{args} }
		} @all
	],
	[],
	'no directive uses a capture of a regular expression');

sub values_of
{
	my ($name) = @_;
	return map {"@{ $_->{args} }"} grep { $_->{name} eq $name } @all
}
is_deeply([ values_of('underscores_in_headers') ], ['off'], 'underscores_in_headers is off');
is_deeply([ values_of('server_tokens') ], ['off'], 'server_tokens is off');
ok(     (grep { /^1m$/i || /^1024k$/i || $_ eq '1048576' } values_of('client_max_body_size')),
	'nginx accepts bodies of up to 1 MiB');
# $kedge_forwarded only refuses (see above).
ok(     !(grep {/\$http_host|\$http_x_forwarded|\$http_forwarded/i} map { @{ $_->{args} } }
		grep { ($_->{args}[1] // '') ne '$kedge_forwarded' } @all),
	"no directive lets anything through by the client's Host or X-Forwarded headers");

# ---- every location that leads to a service --------------------------------

# Returns a directive that applies to a location: an inner level (location, server,
# http) replaces the directive of the outer ones.
sub effective
{
	my ($loc, $name) = @_;
	for my $level ($loc->{node}, reverse @{ $loc->{above} }) {
		my @found = grep { $_->{name} eq $name } @{ $level->{block} };
		return @found if @found;
	}
	return ();
}

sub params
{
	my ($loc) = @_;
	my %p;
	$p{ $_->{args}[0] } = $_->{args}[1] for effective($loc, 'fastcgi_param');
	return \%p;
}

# A service refuses a request if any of these parameters is missing.
my ($table) = slurp('fcgi/web/params.c') =~ /required\[\] = \{(.*?)\n\};/s;
my @required = $table =~ /\{ "(\w+)"/g;
cmp_ok(scalar @required, '>', 5, 'params.c lists the parameters that a service requires');

my (%guarded, %open, @verify);
for my $loc (@locations) {
	my @pass = grep { $_->{name} =~ /^(?:fastcgi|proxy|uwsgi|scgi|grpc)_pass$/ }
	    @{ $loc->{node}{block} };
	next unless @pass;
	my $where = "@{ $loc->{node}{args} }";
	my ($foreign) = grep { $where =~ m{ \Q$_->{prefix}\E$} } grep { $_->{upstream} } @{ $shape->{services} };
	if ($foreign) { # t/18-upstreams.t has the rest
		my $asks = grep { $_->{args}[0] ne 'off' } effective($loc, 'auth_request');
		is(!!$asks, $foreign->{guard} ne 'none', "$where: asks verify, unless its guard is none");
		my ($header) = grep { $_->{args}[0] =~ /^(?:HTTP_)?KEDGE[-_]IDENTITY$/i }
		    effective($loc, 'proxy_set_header'), effective($loc, 'fastcgi_param');
		is($header && $header->{args}[1], $asks ? '$kedge_identity' : '',
			"$where: the application gets the verdict's assertion, and no client's");
		next;
	}
	my $p = params($loc);
	my @needed = grep { $_ ne 'QUERY_STRING' || $pass[0]{args}[0] !~ /verify/ } @required;
	is_deeply([ grep { !exists $p->{$_} } @needed ], [], "$where: nginx passes each parameter that services require");
	is_deeply([ grep {/^HTTP_/} keys %$p ], [], "$where: no parameter has a name that a client header could have");
	my %has = map { $_->{name} => "@{ $_->{args} }" } @{ $loc->{node}{block} };
	my ($listen) = map {"@{ $_->{args} }"} grep { $_->{name} eq 'listen' }
	    map { @{ $_->{block} } } grep { $_->{name} eq 'server' } @{ $loc->{above} };
	# Only programs on this host reach the listener for monitoring, and nothing else is there.
	my $local = $listen =~ m{^unix:run/monitoring\.sock( |$)};
	is(!!($where =~ m{^= /(?:health|metrics)(?:/|$)}), !!$local, "$where: is for monitoring, or is not");
	if ($pass[0]{args}[0] =~ /verify/ && $listen =~ /unix:/ && !$local) {
		is($p->{KEDGE_INTERNAL}, '1', "$where: verify gets the name of the service");
		is($p->{$_} // '', '', "$where: $_, which only verify gets, is empty")
		    for qw(KEDGE_AUDIENCE KEDGE_GUARD KEDGE_METHOD CONTENT_LENGTH);
		next;
	}
	# A question without an audience is not one for a verdict: see service_handle.c.
	if ($pass[0]{args}[0] =~ /verify/ && $where =~ m{^= /(?:health|metrics)/\w+/verify$}) {
		ok($local, "$where: only for programs on this host");
		ok(!exists $p->{$_}, "$where: verify gets no $_") for qw(KEDGE_AUDIENCE KEDGE_GUARD);
		like($p->{KEDGE_PATH}, qr{^/(?:health/ready|metrics)$}, "$where: the path is fixed");
		next;
	}
	if ($pass[0]{args}[0] =~ /verify/) {
		push @verify, $where;
		is($p->{KEDGE_INTERNAL} // '', '', "$where: KEDGE_INTERNAL is empty in requests to services");
		ok(exists $has{internal}, "$where: the location is internal");
		ok(exists $p->{$_}, "$where: nginx passes $_ to verify")
		    for
		    qw(KEDGE_AUDIENCE KEDGE_GUARD KEDGE_METHOD KEDGE_PATH KEDGE_HOST REMOTE_ADDR);
		is($p->{CONTENT_LENGTH} // '', '', "$where: verify gets no request body");
		next;
	}
	is($p->{KEDGE_HOST}, '$host', "$where: KEDGE_HOST is the host that nginx has checked");
	ok(exists $p->{KEDGE_IDENTITY}, "$where: KEDGE_IDENTITY is set, so a client cannot set it");
	my ($auth) = effective($loc, 'auth_request');
	if ($auth && $auth->{args}[0] ne 'off') {
		$guarded{$where} = 1;
		like($p->{KEDGE_IDENTITY}, qr/^\$\w+$/, "$where: KEDGE_IDENTITY comes from the verdict");
		ok(
			( grep { $_->{args}[0] eq $p->{KEDGE_IDENTITY} }
				    effective($loc, 'auth_request_set')
			),
			"$where: KEDGE_IDENTITY is set by auth_request_set only");
	} else {
		$open{$where} = 1;
		is($p->{KEDGE_IDENTITY}, '', "$where: KEDGE_IDENTITY is empty");
		my ($path) = $where =~ m{(/\S*)$};
		ok(            $local
			    || $listen =~ /unix:/
			    || $where =~ m{^(?:= )?(?:\^~ )?/api/auth/}
			    || (grep { $where eq "= $_->{prefix}openapi.json" } values %service)
			    || (grep { $_->{prefix} eq $path && $_->{guard} eq 'none' } values %service)
			    || (grep { $path eq $_ || $where eq '= ' . s{/$}{}r }
				map { @{ $_->{public} // [] } } values %service),
			"$where: a location without guard is one that may have none");
	}
}
cmp_ok(scalar @verify, '>=', 1, 'nginx/ has a location for verify');
for my $s (values %service) {
	for my $l ($s, @{ $s->{locations} // [] }) {
		my $guard = $l->{guard};
		my @place = grep {m{(?:^|\s)\Q$l->{prefix}\E$}} keys %guarded, keys %open;
		is(scalar @place, 1, "$l->{prefix}: nginx has one location for it") or next;
		is(     $guarded{ $place[0] } ? 'guarded' : 'open',
			$guard eq 'none' ? 'open' : 'guarded',
			"$l->{prefix}: the location has the guard $guard");
	}
}

# ---- nginx's errors have the codes of the services ----------------------------

my %code = slurp("$Kedge::ROOT/fcgi/base/err.c") =~ /\[ERR_\w+\] = \{ (\d+), "(\w+)",/g;
cmp_ok(scalar keys %code, '>=', 10, 'the error codes of the services are found');
my @written = grep { $_->{name} eq 'return' && @{ $_->{args} } == 2 } @all;
cmp_ok(scalar @written, '>=', 10, 'the error bodies of nginx are found');
for my $return (@written) {
	my ($status, $body) = @{ $return->{args} };
	next if $body =~ /^<!doctype html>/; # for a browser (web.conf)
	my $error = jdecode($body) // {};
	is_deeply([ sort keys %$error ], [qw(code message requestId)], "$status: nginx's body has the members of every error");
	next if $status == 403 && ($error->{code} // '') eq 'ORIGIN_NOT_TRUSTED';
	is($error->{code}, $code{$status} // $error->{code}, "$status: nginx uses the code of the services");
}

# ---- the variables that the binaries print with --config -------------------

my %out_of_config;
for my $name (sort keys %service) {
	my $bin = Kedge->binary($name);
	my $prefix = uc $name;
	my %clean = map { $_ => undef } grep {/^${prefix}_/} keys %ENV;
	my ($s, $out, $e) = run({ env => \%clean }, $bin, '--config');
	is($s, 0, "$name --config succeeds");
	$out_of_config{$name} = $out;
	my @vars = $out =~ /\b(${prefix}_[A-Z0-9_]+)\b/g;
	my $manual = slurp("$Kedge::ROOT/docs/CONFIGURATION.md") // '';
	my %seen;
	is_deeply([ grep { !$seen{$_}++ && $manual !~ /\b$_\b/ } @vars ], [],
		"$name: CONFIGURATION.md has each variable");
	($s, $out, $e) = run({ env => \%clean }, $bin, '--check');
	isnt($s, 0, "$name --check fails without the required variables");
	like("$out$e", qr/${prefix}_DATABASE_URL/, "$name: the error names the missing variable");
	my $env = $k->service_env($name);
	($s, $out, $e) = run({ env => $env, dir => $k->dir }, $bin, '--check');
	is($s, 0, "$name --check succeeds with the required variables") or diag("$out$e");
	my ($var) = grep {/_THREADS$/} @vars;
	($s, $out, $e) = run({ env => { %$env, $var => 'many' }, dir => $k->dir }, $bin, '--check');
	isnt($s, 0, "$name --check fails with $var=many");
	like("$out$e", qr/$var/, "$name: the error names $var");
	for my $secret (grep {/SECRET|KEY|DATABASE_URL/} keys %$env) {
		unlike("$out$e", qr/\Q$env->{$secret}\E/, "$name: the output does not contain $secret");
	}
	# A secret from a file instead, and every secret that has two sources.
	for my $secret ($out_of_config{$name} =~ /^\| `(\w+)` \|.* Secret; also from `\1_FILE`/mg) {
		next unless length($env->{$secret} // '');
		my $file = $k->dir . "/secret-of-$name";
		open my $fh, '>', $file or die "$file: $!";
		print {$fh} "$env->{$secret}\n";
		close $fh;
		chmod 0600, $file;
		my %other = (%$env, "${secret}_FILE" => $file);
		($s, $out, $e) = run({ env => \%other, dir => $k->dir }, $bin, '--check');
		isnt($s, 0, "$name --check refuses $secret beside ${secret}_FILE");
		like("$out$e", qr/\b$secret\b.*\b${secret}_FILE\b/, "$name: the error names both sources of the secret");
		unlike("$out$e", qr/\Q$env->{$secret}\E/, "$name: the error does not contain the secret");
		$other{$secret} = undef;
		($s, $out, $e) = run({ env => \%other, dir => $k->dir }, $bin, '--check');
		is($s, 0, "$name --check accepts ${secret}_FILE") or diag("$out$e");
		is($e, '', "$name: a secret from a file causes no warning");
		chmod 0644, $file;
		($s, $out, $e) = run({ env => \%other, dir => $k->dir }, $bin, '--check');
		is($s, 0, "$name --check succeeds with a secret file that others can read");
		like($e, qr/"level":"warn".*accessible to other users.*"$secret".*"0644"/,
			"$name: a secret file that others can read causes a warning");
		unlink $file;
	}
	for my $row ([ 'postgresql://u:swanfish@127.0.0.1:70000/d', 'port' ],
		[ 'host=127.0.0.1 port=5432,x password=swanfish', 'port' ],
		[ 'hostaddr=localhost password=swanfish', 'hostaddr' ],
		[ 'host=a!b password=swanfish', 'host' ]) {
		my ($url, $part) = @$row;
		($s, $out, $e) = run({ env => { %$env, "${prefix}_DATABASE_URL" => $url }, dir => $k->dir },
			$bin, '--check');
		isnt($s, 0, "$name --check refuses an invalid $part");
		like("$out$e", qr/${prefix}_DATABASE_URL.*\b$part\b/, "$name: the error names the part of the connection string");
		unlike("$out$e", qr/swanfish/, "$name: the error does not contain the password");
	}
	# With an unescaped "@" in a password, the rest of the password would be taken
	# for the host name, looked up, and written into messages.
	for my $row ([ DATABASE_URL => 'postgresql://u:swan%sfish@127.0.0.1/d' ],
		[ REDIS_URL => 'redis://u:swan%sfish@127.0.0.1:1/0' ]) {
		my ($url_var, $format) = ("${prefix}_$row->[0]", $row->[1]);
		for my $c ('@', '/', '?') {
			($s, $out, $e) = run({ env => { %$env, $url_var => sprintf($format, $c) },
				dir => $k->dir }, $bin, '--check');
			isnt($s, 0, "$name --check refuses an unescaped $c in $url_var");
			like("$out$e", qr/"$url_var"/, "$name: the error names the variable");
			unlike("$out$e", qr/swan|fish/, "$name: the error contains no part of the password");
		}
		($s, $out, $e) = run({ env => { %$env, $url_var => sprintf($format, '%40%2F%3F') },
			dir => $k->dir }, $bin, '--check');
		is($s, 0, "$name --check accepts the escaped characters") or diag("$out$e");
	}
	($s, $out, $e) = run({ env => $env, dir => $k->dir }, $bin, '--openapi');
	is(jdecode($out)->{openapi} =~ /^3\.1/ ? 1 : 0, 1, "$name --openapi prints an OpenAPI 3.1 document");
}
done_testing;
