package Kedge::Sql;

# Splits SQL like PostgreSQL's lexer, as far as needed to compare two files.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(statements);

# Comments nest in SQL.
my $block = qr{(?<block>/\*(?:[^*/]++|\*(?!/)|/(?!\*)|(?&block))*+\*/)};

# The text without its comments, and with each run of white space replaced by one space.
# Text in dollar quotes is treated as code; other quoted text is kept as it is.
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
