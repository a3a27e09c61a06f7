# The statements of a released migration never change.  Its comments may be rewritten,
# if the file then has the checksum of the released text (kedge(8), migrate).
# sql/released has the checksums of each file, with and without comments.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha256_hex);
use Test::More;
use Kedge qw(files slurp);
use Kedge::Sql qw(statements);

# ---- what the statements of a file are -----------------------------------------------

my @same = (
	[ 'a comment to the end of the line', "a -- b\n,c", 'a ,c' ],
	[ 'one at the end of the file', "a;\n-- b", 'a;' ],
	[ 'a block', "a /* b */ c", 'a c' ],
	[ 'a block between words', "a/* b\n'*/c", 'a c' ],
	[ 'a block in a block', "a /* b /* c */ d */ e", 'a e' ],
	[ 'white space', " a\n\n\tb ", 'a b' ],
	[ 'a string', "'a -- b  c'", "'a -- b  c'" ],
	[ 'a string with a quote', "'a''--b' -- c", "'a''--b'" ],
	[ 'a string with a backslash', "'a\\' -- b'", "'a\\'" ],
	[ 'a string with escapes', "E'a\\' -- b' -- c", "E'a\\' -- b'" ],
	[ 'a name in quotes', '"a -- b"  c', '"a -- b" c' ],
	[ 'a body', "AS \$\$ a -- b's\n c \$\$", 'AS $$a c$$' ],
	[ 'a body with a tag', "\$x\$ a \$\$ b  -- \$y\$\n\$\$ \$x\$ -- c", '$x$a $$b$$$x$' ],
	[ 'a parameter', "f(\$1, \$2) -- \$\$\n", 'f($1, $2)' ],
	[ 'a name with dollars', 'a$b$c -- $b$', 'a$b$c' ],
	[ 'operators', 'a - b / c * d', 'a - b / c * d' ],
);
is(statements($_->[1]), $_->[2], "statements: $_->[0]") for @same;
for my $row ([ "'a  b'", "'a b'" ], [ 'a b', 'ab' ], [ "'--a'", "'--b'" ], [ '"a"', 'a' ],
	[ "\$\$ '-- a' \$\$", "\$\$ '-- b' \$\$" ])
{
	isnt(statements($row->[0]), statements($row->[1]), "different statements: $row->[0], $row->[1]");
}

# ---- the files of the tree -------------------------------------------------------------

my %released;
for (split /\n/, slurp("$Kedge::ROOT/sql/released")) {
	next if /^#/;
	my ($file, $whole, $statements) = /^(\S+) ([0-9a-f]{64}) ([0-9a-f]{64})$/
	    or die "sql/released: $_";
	$released{$file} = { whole => $whole, statements => $statements };
}
my @there = map { files($_, qr/\.sql$/) } grep {-d} files("$Kedge::ROOT/sql");
cmp_ok(scalar @there, '>', 20, 'the migrations are found');
for my $path (@there) {
	my $file = $path =~ s{^\Q$Kedge::ROOT/sql/}{}r;
	my $text = slurp($path);
	my $row = delete $released{$file};
	my $sums = sha256_hex($text) . ' ' . sha256_hex(statements($text));
	ok($row, "$file: sql/released has a line for it") or diag("add the line\n$file $sums") or next;
	is(sha256_hex(statements($text)), $row->{statements}, "$file: its statements are those that were released");
	my @texts = (sha256_hex($text), $text =~ /^-- kedge: formerly (\S+)$/mg);
	ok((grep { $_ eq $row->{whole} } @texts), "$file: the text, or a \"formerly\" line, has the released checksum")
	    or diag("if only comments were changed, add this comment before the first statement:\n"
		    . "-- kedge: formerly $row->{whole}");
}
is_deeply([ sort keys %released ], [], 'each file in sql/released exists');
done_testing;
