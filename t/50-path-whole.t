# All services together: the README's commands work, and each service describes itself
# correctly.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp ();
use Test::More;
use Kedge qw(tool);
use Kedge::Page;

my $k = Kedge->up;

# The README's blocks. The stack starts again where its reader starts it.
SKIP: {
	skip 'curl is not installed', 1 unless tool('curl');
	my $readme = Kedge::Page->new('README.md');
	my $place = File::Temp::tempdir(CLEANUP => 1);
	chmod 0755, $place;
	mkdir "$place/kedge" or die "$place/kedge: $!";
	my $port = $k->port;
	my $out = $readme->run_on_stack($k, dir => "$place/kedge",
		as => sub { $_[0] =~ s{^(\./kedge up\b.*)}{./kedge down\n$1 --detach --port $port}gmr });
	like($out, qr/"userId"/, 'an example makes a verified request');
	like($out, qr/"currency"\s*:\s*"USD"/, 'an example reads the wallet');
	like($out, qr/"amount"\s*:\s*5000/, 'an example deposits money as an administrator');
	like($out, qr/ledger/, 'an example prints the schedules of the wallet');
	my @errors = $out =~ /"code"\s*:\s*"(\w+)"/g;
	is_deeply([ grep { $_ ne 'UNAUTHENTICATED' } @errors ], [],
		'the only errors of the examples are those that they show');
	like($k->client->get('/')->{body}, qr{<title>shop</title>}, 'at the end Kedge serves the page that was made');

	# t/system executes the pages from which these commands are.
	my %executed = map { $_ => 1 } map { split /\n/, $_->{text} } map { Kedge::Page->new($_)->blocks('sh', 'server') }
	    qw(docs/INSTALL.md docs/FIRST-HOUR.md);
	my @server = map { split /\n/, $_->{text} } $readme->blocks('sh', 'server');
	cmp_ok(scalar @server, '>', 2, 'the README has commands for a server');
	is_deeply([ grep { !$executed{$_} } @server ], [], 'they are those of the pages that are executed on one');
}

# The same for docs/API.md, in a stack without the README's users. Each answer that a
# comment shows is given.
SKIP: {
	skip 'curl is not installed', 1 unless tool('curl');
	my $page = Kedge::Page->new('docs/API.md');
	my $out = $page->run_on_stack(Kedge->up);
	like($out, qr/Idempotency-Replayed: true/i, 'a repetition is marked');
	my @shown = $page->text =~ /^# \{"code":"(\w+)"/mg;
	is_deeply([ $out =~ /\{"code":"(\w+)"/g ], \@shown, 'the errors are those that the page shows');
	like($out, qr/"fields":\[\{"field":"title","in":"body","problem":"type"/, 'with the wrong field');
	like($out, qr/"status":"done"/, 'a change with If-Match is made');
	like($out, qr/"title":"a part"/, 'a part of a task is found by its parent');
	like($out, qr/"name":"Savings"/, 'a second account is made');
	like($out, qr/"displayName":"Ada L\."/, 'the profile is changed');
}

# Every declared route has the guard that it declares.
for my $service (Kedge::services()) {
	my $spec = $k->client->get("/api/$service/openapi.json")->{json};
	ok($spec && $spec->{paths}, "$service has an OpenAPI document") or next;
	for my $path (sort keys %{ $spec->{paths} }) {
		my $item = $spec->{paths}{$path};
		my $at =
		      $path =~ m{^/}
		    ? $path
		    : (($spec->{servers}[0]{url} // "/api/$service") . $path);
		$at =~ s/\{\w+\}/01890a5d-ac96-774b-bcce-b302099a8057/g;
		for my $method (sort grep {/^(get|post|put|patch|delete)$/} keys %$item) {
			my $r = $k->client->request(uc $method, $at,
				$method eq 'get' ? () : (json => {}));
			my $open = !@{ $item->{$method}{security} // [1] };
			if ($service ne 'auth' && !$open) {
				isnt($r->{status}, 404, "$method $at exists");
				is($r->{status}, 401, "$method $at requires a session");
			}
			my $e = $r->{status};
			ok(            exists $item->{$method}{responses}{$e}
				    || exists $item->{$method}{responses}{default},
				"$service: OpenAPI has the status $e of $method $path");
		}
	}
}
done_testing;
