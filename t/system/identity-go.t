# docs/ADDING-A-SERVICE.md in Go: the block is compiled, and answers those whom auth asserts
# and nobody else. It is in this set because Debian's golang-go has 250 MB.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp qw(tempdir);
use Test::More;
use Kedge qw(need run);
use Kedge::Page;
use Kedge::Upstream;

need('go');
my $dir = tempdir('kedge-go-XXXXXX', DIR => $ENV{TMPDIR}, CLEANUP => 1);
mkdir "$dir/identity" or die "$dir: $!";
sub put
{
	my ($file, $text) = @_;
	open my $out, '>', "$dir/$file" or die "$file: $!";
	print $out $text;
	close $out or die "$file: $!";
	return;
}
my @blocks = Kedge::Page->new('docs/ADDING-A-SERVICE.md')->blocks('go');
is(scalar @blocks, 1, 'the page has one block in Go');
put('identity/identity.go', $blocks[0]{text});
put('go.mod', "module example.org/audit\n\ngo 1.19\n");
put('main.go', <<'GO');
package main

import (
	"encoding/json"
	"net/http"
	"os"

	"example.org/audit/identity"
)

func main() {
	http.HandleFunc("/api/audit/whoami", func(w http.ResponseWriter, r *http.Request) {
		claims, err := identity.Identify(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"userId": claims.Subject, "roles": claims.Roles})
	})
	panic(http.ListenAndServe(os.Getenv("AUDIT_LISTEN"), nil))
}
GO
my %go = (dir => $dir, timeout => 600, env => { GOCACHE => "$dir/cache", GOPATH => "$dir/path", GOFLAGS => '-mod=mod', GOPROXY => 'off' });
my ($status, $out, $err) = run(\%go, qw(go build -o audit .));
is($status, 0, 'it is compiled') or diag($out, $err);
($status, $out, $err) = run(\%go, qw(go vet ./...));
is($status, 0, 'go vet finds nothing') or diag($out, $err);
is((run(\%go, qw(gofmt -l .)))[1], '', 'it is formatted');

my $u = Kedge::Upstream->start('audit', { dir => $dir }, 'sh', '-c',
	'd=$2; set -a; l=$AUDIT_LISTEN; . "$d/env/audit.env"; AUDIT_LISTEN=$l exec ./audit', 'audit');
my $k = $u->stack;
my $alice = $k->user('alice');
my $r = $alice->get('/api/audit/whoami', headers => { 'Kedge-Identity' => 'x' });
is($r->{status}, 200, 'a signed-in user is answered') or diag($r->{body});
is($r->{json}{userId}, $alice->{id}, 'the user is the one whom auth asserts');
is($k->client->get('/api/audit/whoami')->{status}, 401, 'nginx refuses a request without a session');
my %claims = (iss => 'auth', aud => 'audit', sub => 'u1', sid => 's1', roles => ['staff'],
	accounts => [], iat => time, exp => time + 30);
sub without { my ($name) = @_; return { map { $_ => $claims{$_} } grep { $_ ne $name } keys %claims } }
$r = $u->ask('/api/audit/whoami', $u->sign(\%claims));
is_deeply($r->{json}, { userId => 'u1', roles => ['staff'] }, 'a valid assertion is accepted') or diag($r->{body});
for my $row (
	[ 'no assertion', undef ], [ 'garbage', 'x' ], [ 'garbage in three parts', 'x.y.z' ],
	[ 'an assertion with another key', $u->sign(\%claims, key => 'k' x 32) ],
	[ 'an assertion without a signature', $u->sign(\%claims, alg => 'none') ],
	[ 'an assertion with another algorithm', $u->sign(\%claims, alg => 'HS384') ],
	[ 'an assertion for another service', $u->sign({ %claims, aud => 'core' }) ],
	[ 'an assertion of another issuer', $u->sign({ %claims, iss => 'core' }) ],
	[ 'an expired assertion', $u->sign({ %claims, iat => time - 90, exp => time - 60 }) ],
	[ 'an assertion without expiry', $u->sign(without('exp')) ],
	[ 'an assertion without a user', $u->sign(without('sub')) ])
{
	my ($name, $assertion) = @$row;
	$r = $u->ask('/api/audit/whoami', $assertion);
	is($r->{status}, 401, "$name is refused") or diag($r->{body});
}
done_testing;
