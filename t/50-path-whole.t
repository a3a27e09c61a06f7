# All services together: the README's commands work, and each service describes itself
# correctly.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge qw(jdecode run slurp tool);

my $k = Kedge->up;

# Runs the README's curl examples in one shell, with a ./kedge that uses this test's
# stack.
SKIP: {
	skip 'curl is not installed', 1 unless tool('curl');
	my $readme = slurp("$Kedge::ROOT/README.md");
	my @all = $readme =~ /^```(\w+)\n(.*?)^```$/gms;
	my @blocks;
	while (my ($language, $text) = splice @all, 0, 2) {
		push @blocks, $text if $language eq 'sh' && $text =~ /\bcurl\b/;
	}
	is(scalar @blocks, 2, 'the README has two blocks of curl examples');
	my $script = join "\n", @blocks;
	$script =~ s/^\$ //gm;
	$script =~ s/127\.0\.0\.1:8080|localhost:8080/'127.0.0.1:' . $k->port/ge;
	my $place = File::Temp::tempdir(CLEANUP => 1);
	open my $kedge, '>', "$place/kedge" or die "$place/kedge: $!";
	print $kedge "#!/bin/sh\nexec '", Kedge->binary('kedge'), q{' "$@" --dir '}, $k->dir, "'\n";
	close $kedge;
	chmod 0755, "$place/kedge";
	my ($status, $out, $err) =
	    run({ dir => $place, in => "set -e\n$script" }, '/bin/bash', '-s');
	is($status, 0, 'the curl examples of the README succeed') or diag("$script\n$out$err");
	like($out, qr/"userId"/, 'an example makes a verified request');
	like($out, qr/"currency"\s*:\s*"USD"/, 'an example reads the wallet');
	like($out, qr/"amount"\s*:\s*5000/, 'an example deposits money as an administrator');
	like($out, qr/ledger/, 'an example prints the schedules of the wallet');
	my @errors = $out =~ /"code"\s*:\s*"(\w+)"/g;
	is_deeply([ grep { $_ ne 'UNAUTHENTICATED' } @errors ], [],
		'the only errors of the examples are those that they show');
}

# The same for docs/API.md, in a stack without the README's users. Each answer that a
# comment shows is given.
SKIP: {
	skip 'curl is not installed', 1 unless tool('curl');
	my $own = Kedge->up;
	my $page = slurp("$Kedge::ROOT/docs/API.md");
	my $script = join "\n", $page =~ /^```sh\n(.*?)^```$/gms;
	$script =~ s/127\.0\.0\.1:8080/'127.0.0.1:' . $own->port/ge;
	my ($status, $out, $err) = run(
		{ dir => File::Temp::tempdir(CLEANUP => 1), in => "set -e -o pipefail\n$script" },
		'/bin/bash', '-s');
	is($status, 0, 'the examples of API.md succeed') or diag("$script\n$out$err");
	like($out, qr/Idempotency-Replayed: true/i, 'a repetition is marked');
	my @shown = $page =~ /^# \{"code":"(\w+)"/mg;
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
