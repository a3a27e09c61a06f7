package Kedge::Sql;

# SQL as PostgreSQL's lexer cuts it, as far as a comparison of two files needs.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(statements);

# Nested, as in SQL.
my $block = qr{(?<block>/\*(?:[^*/]++|\*(?!/)|/(?!\*)|(?&block))*+\*/)};

# The text without its comments, and each run of white space as one blank.  A text in
# dollar quotes is taken for code, too.  What is quoted otherwise stays as it is.
sub statements
{
	my ($text) = @_;
	my $out = '';
	for ($text) {
		while (!/\G\z/gc) {
			if (/\G(?:\s+|--[^\n]*|$block)+/gc) {
				$out .= ' ';
			} elsif (/\G\$((?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?)\$(.*?)\$\1\$/gcs) {
				my ($tag, $body) = ("\$$1\$", $2);
				$out .= $tag . statements($body) . $tag;
			} elsif (/\G(?:[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*")/gcs
				|| /\G[\w\$\x80-\xff]+/gc
				|| /\G./gcs) {
				$out .= $&;
			}
		}
	}
	return $out =~ s/\A | \z//gr;
}

1;
