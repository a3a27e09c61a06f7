# links: many links in one request, CSV in both directions, and QR codes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Compress::Zlib ();
use Test::More;
use Kedge qw(wait_until);

my $k = Kedge->up(env => { LINKS_CREATE_RATE => 1300, LINKS_URL => 'https://go.example' });
my $alice = $k->user('alice');
my $anybody = $k->client(origin => undef);
my $links = '/api/links/links';

# ---- a batch -----------------------------------------------------------------------------

my @items = ({ target => 'https://example.com/1', slug => 'one' }, { target => 'ftp://example.com/' },
	{ target => 'https://example.com/2', slug => 'ONE' }, { target => 'https://example.com/3' },
	{ target => 'https://go.example/l/one' }, { target => 'https://example.com/4', slug => 'admin' });
my $r = $alice->post("$links/batch", { links => \@items }, headers => { 'Idempotency-Key' => 'b' });
is($r->{status}, 200, 'a batch') or diag($r->{body});
is($r->{json}{made}, 2, 'two are made');
is_deeply([ map { $_->{error} ? $_->{error}{code} : 'made' } @{ $r->{json}{results} } ],
	[ 'made', 'INVALID_REQUEST', 'SLUG_TAKEN', 'made', 'TARGET_LOOP', 'SLUG_RESERVED' ],
	'each has its own result, in order');
is_deeply([ map { $_->{line} } @{ $r->{json}{results} } ], [ 1 .. 6 ], 'by its number');
is($r->{json}{results}[1]{error}{field}, 'target', 'which names the field');
is($anybody->get('/l/one')->{headers}{location}, 'https://example.com/1', 'a link of a batch leads on');
my $again = $alice->post("$links/batch", { links => \@items }, headers => { 'Idempotency-Key' => 'b' });
is_deeply([ map { $_->{link}{id} } @{ $again->{json}{results} } ], [ map { $_->{link}{id} } @{ $r->{json}{results} } ],
	'the same request again makes nothing new');
is(scalar @{ $alice->get($links)->{json}{items} }, 2, 'two links in all');
$r = $alice->post("$links/batch", { links => [ { target => 'https://example.com/x' } ] },
	headers => { 'Idempotency-Key' => 'b' });
is($r->{json}{results}[0]{error}{code}, 'IDEMPOTENCY_KEY_REUSED', 'another request with the key is refused');
for my $bad ({ links => [] }, { links => [ map { { target => 'https://example.com/' } } 1 .. 501 ] }, {},
	{ links => [ { slug => 'abc' } ] }, { links => [ { target => 'https://example.com/', x => 1 } ] },
	{ links => [ { target => 'https://example.com/', password => 'secret' } ] })
{
	is($alice->post("$links/batch", $bad)->{status}, 400, 'a malformed batch is refused');
}
is($alice->post("$links/batch", { links => [ { target => 'https://example.com/' } ] },
	headers => { 'Idempotency-Key' => 'k' x 241 })->{status}, 400, 'a key that is too long is refused');

# ---- import and export -------------------------------------------------------------------

my $csv = "\xef\xbb\xbf" . join "\r\n", 'title,slug,target,expiresAt,enabled,notes',
    '"Say ""hello"", all",hello,https://example.com/hello,2099-01-01T01:00:00+01:00,true,x',
    '"two', 'lines",lines,https://example.com/lines,,,', ',disabled,https://example.com/off,,false',
    ',,https://example.com/generated', '', ',bad,ftp://example.com/,,', ',late,https://example.com/,tomorrow,',
    ",maybe,https://example.com/,,perhaps", ',hello,https://example.com/,,', ',nothing,,,', "'=1+1,formula,https://example.com/f";
sub utf8_text { my ($t) = @_; utf8::decode($t); return $t }
$r = $alice->post("$links/import", { csv => utf8_text($csv) });
is($r->{status}, 200, 'an import') or diag($r->{body});
is_deeply([ map { $_->{line} . ' ' . ($_->{error} ? ($_->{error}{field} // '') . ' ' . $_->{error}{code} : 'made') }
		@{ $r->{json}{results} } ],
	[ '2 made', '3 title INVALID_REQUEST', '5 made', '6 made', '8 target INVALID_REQUEST',
		'9 expiresAt INVALID_REQUEST', '10 enabled INVALID_REQUEST', '11  SLUG_TAKEN',
		'12 target INVALID_REQUEST', '13 made' ], 'each row by its line')
    or diag(explain($r->{json}));
is($r->{json}{results}[0]{link}{title}, 'Say "hello", all', 'quotes are read');
is($r->{json}{results}[0]{link}{expiresAt}, '2099-01-01T00:00:00.000Z', 'times, too');
is($r->{json}{results}[9]{link}{title}, '=1+1', 'a title that looks like a formula is one');
is($anybody->get('/l/disabled')->{status}, 410, 'a disabled link is disabled');
for my $bad ('', "slug,title\r\na,b", "target\r\n\"https://example.com/", "target\r\nx\"y", "target\r\n\"x\"y",
	"target\n" . "https://example.com/\n" x 501, 'target,' . ',' x 20)
{
	$r = $alice->post("$links/import", { csv => $bad });
	is($r->{status}, 400, 'a file that cannot be read is refused') or diag($r->{body});
}
like($alice->post("$links/import", { csv => "target\nhttps://example.com/\nx\"y" })->{json}{fields}[0]{message},
	qr/^line 3: a quote/, 'with the line');

$r = $alice->get("$links/export");
is($r->{status}, 200, 'an export');
like($r->{headers}{'content-type'}, qr{^text/csv}, 'of CSV');
my @lines = split /\r\n/, $r->{body};
is($lines[0], 'slug,target,title,expiresAt,enabled,clicks,createdAt,url', 'the CSV has a head');
is(scalar @lines, 7, 'the CSV has a row for each link') or diag($r->{body});
like($r->{body}, qr/^formula,"https:\/\/example\.com\/f","'=1\+1",,true,0,/m, 'no cell is a formula');
my $bob = $k->user('bob');
is(scalar(() = $bob->get("$links/export")->{body} =~ /\r\n/g), 1, 'others export their own: none');
# What was exported can be imported by another user, with other slugs.
my $moved = $r->{body} =~ s/^(\w+[\w-]*),/$1-b,/mgr =~ s/^slug-b/slug/r;
my $import = $bob->post("$links/import", { csv => utf8_text($moved) });
is($import->{json}{made}, 6, 'another user can import what was exported') or diag(explain($import->{json}));
my @titles = sort map { $_->{title} // '' } @{ $alice->get($links)->{json}{items} };
is_deeply([ sort map { $_->{title} // '' } @{ $bob->get($links)->{json}{items} } ], \@titles, 'the imported links have the same titles');

# A long list is exported whole.
for (1 .. 2) {
	$r = $alice->post("$links/batch", { links => [ map { { target => "https://example.com/$_" } } 1 .. 250 ] });
	is($r->{json}{made}, 250, 'two hundred and fifty at once') or diag(substr $r->{body}, 0, 300);
}
@lines = split /\r\n/, $alice->get("$links/export")->{body};
is(scalar @lines, 507, 'all of them are exported');
my %slugs = map { (split /,/)[0] => 1 } @lines;
is(scalar keys %slugs, 507, 'each once');
$r = $alice->post("$links/batch", { links => [ map { { target => 'https://example.com/' } } 1 .. 500 ] }) for 1 .. 2;
is($r->{status}, 429, 'more than LINKS_CREATE_RATE in an hour is too much') or diag(substr $r->{body}, 0, 300);
is($r->{json}{code}, 'RATE_LIMITED', 'by its code');

# ---- QR codes ----------------------------------------------------------------------------

my ($one) = grep { $_->{slug} eq 'hello-b' } @{ $bob->get("$links?limit=100")->{json}{items} };

# The modules of a PNG image, as rows of 0 and 1, one for `scale` pixels.
sub modules_of_png
{
	my ($bytes, $scale) = @_;
	my ($width, $height, $depth, $type) = unpack 'x16 N N C C', $bytes;
	my ($data, $at) = ('', 8);
	while ($at < length $bytes) {
		my ($len, $name) = unpack "x$at N a4", $bytes;
		$data .= substr $bytes, $at + 8, $len if $name eq 'IDAT';
		$at += $len + 12;
	}
	my @raw = unpack 'C*', Compress::Zlib::uncompress($data);
	my @above = (0) x $width;
	my @rows;
	for my $y (0 .. $height - 1) {
		my $filter = shift @raw;
		my @row = splice @raw, 0, $width;
		for my $x (0 .. $width - 1) {
			my ($a, $b, $c) = ($x ? $row[ $x - 1 ] : 0, $above[$x], $x ? $above[ $x - 1 ] : 0);
			my $p = $a + $b - $c;
			my ($pa, $pb, $pc) = (abs($p - $a), abs($p - $b), abs($p - $c));
			$row[$x] = ($row[$x] + (0, $a, $b, int(($a + $b) / 2),
				$pa <= $pb && $pa <= $pc ? $a : $pb <= $pc ? $b : $c)[$filter]) % 256;
		}
		@above = @row;
		push @rows, join '', map { $row[ $_ * $scale ] ? 0 : 1 } 0 .. $width / $scale - 1 if $y % $scale == 0;
	}
	return ($width, $depth, $type, @rows);
}

sub modules_of_svg
{
	my ($text) = @_;
	my ($size) = $text =~ /viewBox="0 0 (\d+) \1"/ or return;
	my @rows = ('0' x $size) x $size;
	while ($text =~ /M(\d+) (\d+)h(\d+)v1h-\3z/g) {
		substr $rows[$2], $1, $3, '1' x $3;
	}
	return @rows;
}
for my $case ([ 'M', 4, 8, '' ], [ 'H', 4, 1, '?level=H&scale=1' ], [ 'L', 0, 3, '?level=L&margin=0&scale=3' ]) {
	my ($level, $margin, $scale, $query) = @$case;
	my $svg = $bob->get("$links/$one->{id}/qr$query");
	is($svg->{status}, 200, "$level: an SVG") or diag($svg->{body});
	like($svg->{headers}{'content-type'}, qr{^image/svg\+xml}, "$level: by its type");
	my @svg = modules_of_svg($svg->{body});
	my $png = $bob->get("$links/$one->{id}/qr" . ($query ? "$query&format=png" : '?format=png'));
	is($png->{status}, 200, "$level: a PNG");
	is($png->{headers}{'content-type'}, 'image/png', "$level: by its type");
	like($png->{body}, qr/^\x89PNG\r\n\x1a\n/, "$level: which it is");
	my ($width, $depth, $type, @png) = modules_of_png($png->{body}, $scale);
	is_deeply(\@png, \@svg, "$level: both show the same");
	is($width, @svg * $scale, "$level: at this size");
	# Three corners have the pattern by which readers find the code.
	my @finder = qw(1111111 1000001 1011101 1011101 1011101 1000001 1111111);
	my $end = @svg - $margin - 7;
	for my $corner ([ $margin, $margin ], [ $end, $margin ], [ $margin, $end ]) {
		my ($x, $y) = @$corner;
		is_deeply([ map { substr $svg[ $y + $_ ], $x, 7 } 0 .. 6 ], \@finder, "$level: a corner");
	}
	is(substr($svg[0], 0, $margin), '0' x $margin, "$level: the margin");
}
SKIP: {
	my $reader = Kedge::tool('zbarimg') or skip('zbarimg is not installed', 1);
	my $png = File::Temp->new(SUFFIX => '.png');
	binmode $png;
	print $png $bob->get("$links/$one->{id}/qr?format=png")->{body};
	close $png;
	is(qx($reader -q --raw $png), "https://go.example/l/hello-b\n", 'a reader reads the address');
}
for my $bad ('?scale=0', '?scale=17', '?margin=17', '?level=X', '?format=gif', '?size=3') {
	is($bob->get("$links/$one->{id}/qr$bad")->{status}, 400, "$bad is refused");
}
is($alice->get("$links/$one->{id}/qr")->{status}, 404, 'of another user\'s link there is none');
done_testing;
