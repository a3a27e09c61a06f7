package Kedge::Sql;

# Splits SQL into tokens like PostgreSQL's lexer, as far as comparing two files needs
# it.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(statements);

# In SQL, comments can contain comments.
my $block = qr{(?<block>/\*(?:[^*/]++|\*(?!/)|/(?!\*)|(?&block))*+\*/)};

# Returns the text without comments, and with each run of white space replaced by one
# space.  Text in dollar quotes is treated as code; other quoted text is kept as it is.
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
