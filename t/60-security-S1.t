# S1, path canonicalisation: whatever a path looks like, nginx's location, verify and
# the service all use the same path.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge;
use Kedge::Raw qw(raw_answers raw_open raw_read);

my $k = Kedge->up;
my $alice = $k->user('alice');
my $root = $k->user('root');
$k->role($root, 'admin');
$root->post('/api/core/tasks', { title => 'secret of root' });

# Spellings of a protected path that another program could read as another path.
my @protected = ('/api/core/whoami', '/api/core/me', '/api/core/tasks', '/api/core/admin/stats',
	'/api/wallet/accounts', '/api/auth/jobs/schedules');
my @open = ('/api/auth/ok', '/', '/app.js', '/api/core/openapi.json', '/api/auth/get-session');
my %form;
for my $path (@protected) {
	my ($head, $tail) = $path =~ m{^(/api/\w+)/(.*)$};
	my $hex = join '', map { sprintf '%%%02x', ord } split //, $tail;
	$form{$_} = $path
	    for $path, "/$path", "//$path", "$path/", "$path//", "$path/.", "$path/x/..",
	    "$path%2f", "$path%2e", "$path.", "$path%20",
	    "$path?", "$path?x=/api/auth/ok", "$path#", "$path%23", "$path%3f", "$path;",
	    "$path;v=1", "$path;/../ok", "$path%00", "$path%00.js", "$path.js", "$path/app.js",
	    "$path%0a", "$path%0d%0a", "$path%09", "$path\\", "$path%5c", "$path%5c..%5cok",
	    "$path/..%2f..%2fauth/ok", "$path/%2e%2e/%2e%2e/auth/ok/../../core/$tail",
	    "$head//$tail", "$head/./$tail", "$head/x/../$tail", "$head/%2e/$tail",
	    "$head/x/%2e%2e/$tail", "$head%2f$tail", "$head\\$tail", "$head%5c$tail", "$head/$hex",
	    uc $path, ucfirst($head) . "/$tail", "$head/" . uc $tail, "$head/%c0%af$tail",
	    "$head/%ef%bc%8f$tail", "$head/$tail%ff",
	    "/api/auth/..%2f" . substr($path, 5), '/api/auth/../' . substr($path, 5),
	    "/api/auth/%2e%2e/" . substr($path, 5), "/api/auth/ok/../../" . substr($path, 5),
	    '/api/auth/ok;/../../' . substr($path, 5), "/app.js/../$path", "/app.js/..$path",
	    "/.$path", "/..$path", "/%2e%2e$path", "/x/..$path", "/%2f$path", "/%252e%252e$path",
	    "/api/auth//$path", "/api/auth$path", "/api%2f" . substr($path, 5),
	    '/%61pi/' . substr($path, 5), "/api/core/openapi.json/../" . substr($path, 10),
	    "/api/core/openapi.json/..;/" . substr($path, 10),
	    "/api/core/openapi.json%2f..%2f" . substr($path, 10), "http://127.0.0.1$path",
	    "http://evil.example$path",
	    "http://127.0.0.1//$path", "/_verify/..$path", "/health/..$path",
	    "/health/core/..$path", "/health/%2e%2e$path", "/metrics/core/../..$path";
}

# Each request uses a separate connection, so that an odd path cannot shift the
# responses of other requests.
sub ask
{
	my ($cookie, @paths) = @_;
	my @answers;
	for my $path (@paths) {
		my $s = raw_open($k->port);
		print $s "GET $path HTTP/1.1\r\nHost: 127.0.0.1:" . $k->port . "\r\n",
		    (defined $cookie ? "Cookie: $cookie\r\n" : ''),
		    "Connection: close\r\n\r\n";
		$s->flush;
		push @answers, [ $path, scalar raw_answers(raw_read($s, 5)) ];
	}
	return @answers;
}

my @forms = sort keys %form;
note(scalar(@forms) . ' forms');
my $inside = qr/"userId"|"roles"|"timezone"|"profiles"|"currency"|"nextCursor"|"cron"|secret of root/;

# Requests without a session never pass and never crash a service.
my (@leak, @crash, @odd);
for (ask(undef, @forms)) {
	my ($path, $a) = @$_;
	push @leak, $path if ($a->{body} // '') =~ $inside && $path !~ m{openapi\.json$};
	push @crash, "$path $a->{status}" if ($a->{status} // 0) >= 500 || !defined $a->{status};
	push @odd, "$path $a->{status}"
	    if defined $a->{status} && $a->{status} !~ /^(200|301|302|400|401|403|404|405)$/;
}
is_deeply(\@leak, [], 'no form of a path reaches a protected handler without a session');
is_deeply(\@crash, [], 'no form of a path causes a 5xx');
is_deeply(\@odd, [], 'each refusal has an expected status');

# A user's request never returns what only an administrator may see.
@leak = @crash = ();
for (ask($alice->cookie_header, grep { $form{$_} =~ /admin|jobs/ } @forms)) {
	my ($path, $a) = @$_;
	push @leak, $path if ($a->{body} // '') =~ /"profiles"|"cron"/;
	push @crash, "$path $a->{status}" if ($a->{status} // 500) >= 500;
}
is_deeply(\@leak, [], "no form of a path reaches the administrator's data as a user");
is_deeply(\@crash, [], 'no form of a path causes a 5xx for a user');

# For an administrator, the handler of the canonical path runs, or no handler at all.
my %sign = (
	'/api/core/whoami' => qr/"roles"/, '/api/core/me' => qr/"timezone"(?!.*"cron")/,
	'/api/core/tasks' => qr/secret of root/,
	'/api/core/admin/stats' => qr/"profiles"/, '/api/wallet/accounts' => qr/"currency"/,
	'/api/auth/jobs/schedules' => qr/"cron"/);
my @wrong;
my $ran = 0;
for (ask($root->cookie_header, @forms)) {
	my ($path, $a) = @$_;
	next unless ($a->{status} // 0) == 200;
	my @hit = grep { ($a->{body} // '') =~ $sign{$_} } sort keys %sign;
	$ran += @hit;
	push @wrong, "$path ran @hit" if @hit && ($hit[0] ne $form{$path});
}
is_deeply(\@wrong, [], 'no form of a path reaches the handler of another path');
cmp_ok($ran, '>=', scalar @protected, 'the plain forms of the paths reach handlers');

# Paths with ambiguous bytes are refused by nginx or by the service.
for my $tail ('%00', '%2e%2e/%00', '%0d%0aX: y') {
	my ($row) = ask($root->cookie_header, "/api/core/$tail/whoami");
	like($row->[1]{status}, qr/^(400|404)$/, "$tail after a path is 400 or 404");
}

# A path that another program could read differently from nginx is refused by every
# service, even for an administrator, whichever prefix it was sent to.
my @ambiguous = (
	'/api/core/admin%2f../whoami', '/api/core/admin%2F..%2Fwhoami',
	'/api/core/%2e%2e/core/whoami', '/api/core/%2E/whoami', '/api/core/who%2eami',
	'/api/core/x/../whoami', '/api/core/./whoami', '/api/core//whoami', '//api/core/whoami',
	'/api/core/x%5c..%5cwhoami', '/api/core/whoami\\', '/api/auth/..%2fcore/admin/stats',
	'/api/auth/../core/whoami', '/api/auth/jobs%2fschedules', '/api/auth//ok',
	'/api/auth/./get-session', '/api/wallet/x/../accounts', '/api/wallet//currencies',
	'/api/wallet/accounts%2f..', '/api/wallet/accounts/..', '/api/wallet/accounts/.',
	'/api/core/openapi.json/../whoami', '/api/core//openapi.json');
for (ask($root->cookie_header, @ambiguous)) {
	my ($path, $a) = @$_;
	is($a->{status}, 400, "$path is answered with 400");
	like(substr($a->{body} // '', 0, 200), qr/"code":"INVALID_REQUEST"/, "$path is refused with INVALID_REQUEST");
}
# Characters that need no encoding may be encoded, and a query may contain anything.
my ($task) = map { $_->{id} } @{ $root->get('/api/core/tasks')->{json}{items} };
(my $encoded = $task) =~ s/(.)/sprintf '%%%02x', ord $1/ge;
for my $path ("/api/core/tasks/$encoded", "/api/core/tasks/$task", "/api/core/%77hoami",
	'/api/auth/ok?x=/../%2f%5c//%2e&y=\\')
{
	my ($row) = ask($root->cookie_header, $path);
	is($row->[1]{status}, 200, "$path, which is valid, is served");
}

# Random encodings of the same characters, from a seed that the test prints.
my $seed = $ENV{SEED} // time;
srand $seed;
my @bits =
    ('/', '//', '/./', '/x/../', '%2f', '%5c', ';', '%00', '.', '%2e', '..', '%2e%2e', '\\', '?',
	'#', '%', '%25', '%252f', "\t", '%c0%ae');
my @mutants = map {
	my $path = $protected[ rand @protected ];
	for (0 .. rand 3) {
		my $at = int rand length $path;
		my $how = int rand 3;
		substr $path, $at, 0, $bits[ rand @bits ] if $how == 0;
		substr $path, $at, 1, sprintf '%%%02x', ord substr $path, $at, 1 if $how == 1;
		substr $path, $at, 1, uc substr $path, $at, 1 if $how == 2;
	}
	$path =~ s/\s/%20/g;
	$path;
} 1 .. 300;
@leak = map { $_->[0] } grep { ($_->[1]{body} // '') =~ $inside } ask(undef, @mutants);
is_deeply(\@leak, [], "300 mutations of paths reach no protected handler (SEED=$seed)");
@leak = map { $_->[0] }
    grep { ($_->[1]{body} // '') =~ /"profiles"/ } ask($alice->cookie_header, @mutants);
is_deeply(\@leak, [], '300 mutations of paths reach no data below /admin/');
is($alice->get('/api/core/whoami')->{status}, 200, 'core serves requests after all these paths');
done_testing;
