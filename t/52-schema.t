# kedge.schema.json accepts what the parser accepts, and refuses what it refuses, except
# for contradictions between values that a schema cannot express.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempfile);
use Test::More;
use Kedge qw(jdecode jencode run tool);
use Kedge::Node;
use Kedge::SpecCases qw(spec_cases);

Kedge::Node::ready();
my @cases = spec_cases();
my ($f, $file) = tempfile(UNLINK => 1);
print $f jencode([ map { $_->{spec} } @cases ]);
close $f;
my ($status, $out, $err) = run({ dir => "$Kedge::ROOT/t/compat" }, tool('node'), 'schema.mjs',
	"$Kedge::ROOT/kedge.schema.json", $file);
is($status, 0, 'the validator') or BAIL_OUT($err);
my $verdicts = jdecode($out);
is(scalar @$verdicts, scalar @cases, 'has looked at each');
for my $i (0 .. $#cases) {
	my $case = $cases[$i];
	my $is_good = $case->{good} || $case->{parser_only};
	is($verdicts->[$i] eq '' ? 1 : 0, $is_good ? 1 : 0, "$case->{name}: " . ($is_good ? 'accepted' : 'refused'))
	    or diag($verdicts->[$i]);
}
done_testing;
