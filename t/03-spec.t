# Errors in kedge.json: each message has the file, the line, the path, what was expected
# and what was found.  The members that the parser knows are those of kedge.schema.json
# (t/52-schema.t compares the values that both accept).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use Test::More;
use Kedge qw(jdecode jencode slurp);
use Kedge::SpecCases qw(spec_cases read_spec);

my $root = tempdir(CLEANUP => 1);
my $text = slurp("$Kedge::ROOT/kedge.json");

for my $case (spec_cases()) {
	my $message = read_spec($root, jencode($case->{spec}));
	if ($case->{good}) {
		is($message, '', "$case->{name}: accepted");
		next;
	}
	like($message, qr{^kedge: \Q$root\E/kedge\.json:1: .*\n\z}, "$case->{name}: refused in one line");
	like($message, $case->{says}, "$case->{name}: with what is wrong") if $case->{says};
}

# ---- lines --------------------------------------------------------------------------

# Returns the line on which the text occurs first.
sub line_of { return 1 + (() = substr($_[0], 0, index $_[0], $_[1]) =~ /\n/g) }

my @edits = (
	[ '"threads": 48', '"threads": 480', qr/services\[0\]\.pools\.api\.threads: .*; found 480$/m ],
	[ '"prefix": "/api/core/admin/"', '"prefix": "/api/core/admin"', qr/services\[1\]\.locations\[0\]\.prefix: .*; found "\/api\/core\/admin"$/m ],
	[ '"keepalive": 32', '"keepalvie": 32', qr/services\[2\]\.pools\.api: unknown member "keepalvie"; did you mean "keepalive"\?$/m ],
	[ '"name": "wallet"', '"name": "core"', qr/services\[2\]: another service has the same name$/m ],
	[ '"prefix": "/api/wallet/",', '"prefix": "/api/wallet/" ', qr/the text is not JSON: .*'"guard"'$/m, 1 ],
	[ '"guard": "standard",', '"guard": "standard", "guard": "none",', qr/a key occurs twice in one object: .*guard/m ],
);
for (@edits) {
	my ($from, $to, $says, $below) = @$_;
	my $edited = $text =~ s/\Q$from\E/$to/r;
	isnt($edited, $text, "$to: an edit");
	my $line = line_of($text, $from) + ($below // 0);
	my $message = read_spec($root, $edited);
	like($message, qr{kedge\.json:(\d+): }, "$to: refused");
	my ($said) = $message =~ /kedge\.json:(\d+): /;
	# An error about a whole service names the line of its opening brace.
	$line-- if $message =~ /same name/;
	is($said, $line, "$to: on its line") or diag($message);
	like($message, $says, "$to: and says what is wrong");
}
like(read_spec($root, "\n\n{ \"nginx\": { \"workers\": 2 },\n \"services\": [\n\n7 ] }"),
	qr/kedge\.json:6: services\[0\]: must be an object; found 7$/m, 'an item has a line');
like(read_spec($root, '[' x 40 . ']' x 40), qr/kedge\.json: the value is nested too deeply$/m, 'depth');
like(read_spec($root, ''), qr/kedge\.json:1: .*expected/, 'an empty file');
like(read_spec($root, $text =~ s/"standard"/'"' . 'x' x 500 . '"'/er), qr/; found "x{79}\.\.\.$/m, 'a long value is cut');

# ---- parser and schema have the same members ----------------------------------------

my $schema = jdecode(slurp("$Kedge::ROOT/kedge.schema.json"));
sub members { return join ', ', sort keys %{ $_[0]{properties} } }
my $definition = $schema->{definitions};
my %properties = (
	'' => $schema,
	'nginx' => $schema->{properties}{nginx},
	'tls' => $schema->{properties}{tls},
	'mail' => $schema->{properties}{mail},
	'log' => $schema->{properties}{log},
	'web' => (grep { $_->{properties} } @{ $schema->{properties}{web}{oneOf} })[0],
	'services[1]' => $definition->{service},
	'services[1].locations[0]' => $definition->{location},
	'services[1].pools' => $definition->{service}{properties}{pools},
	'services[1].pools.api' => $definition->{pool},
	'services[0].pools.verify' => $definition->{pool},
	'services[1].pools.worker' => $definition->{service}{properties}{pools}{properties}{worker},
);
for my $path (sort keys %properties) {
	my $spec = jdecode($text);
	$spec->{serverNames} = ['a'];
	$spec->{tls} = { certificate => '/c', key => '/k' };
	$spec->{mail} = { url => 'smtp://a:1', from => 'a@b' };
	$spec->{log} = { destination => 'files' };
	$spec->{web} = { directory => 'web' };
	my $at = $spec;
	$at = /^\d+$/ ? $at->[$_] : $at->{$_} for grep {length} split /[.\[\]]+/, $path;
	$at->{frobnicate} = 1;
	my ($known) = read_spec($root, jencode($spec)) =~ /unknown member "frobnicate"; expected one of (.*)$/m;
	is(join(', ', sort split /, /, $known // ''), members($properties{$path}), "the members of '$path'");
}
done_testing;
