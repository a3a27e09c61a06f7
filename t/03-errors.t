# docs/ERRORS.md lists exactly the error codes of the sources, each with its status.
use strict;
use warnings;
use Test::More;

sub slurp
{
	my ($file) = @_;
	open my $in, '<', $file or die "$file: $!";
	local $/;
	return scalar <$in>;
}

my $code = qr/"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)"/;
my %status; # of ERR_*
my $table = slurp('fcgi/base/err.c');
$status{$1} = $2 while $table =~ /\[(ERR_\w+)\] = \{ (\d{3}), $code/g;
cmp_ok(scalar keys %status, '>', 10, 'err.c has a row for each kind of error');

# ---- error codes in the sources -----------------------------------------------------

# The section of docs/ERRORS.md to which the error codes of a source file belong.
sub section_of
{
	my ($file) = @_;
	return $1 if $file =~ m{^services/(\w+)/};
	return $file =~ m{^fcgi/job/} ? 'Jobs and webhooks' : 'Everywhere';
}

my (%answered, %where); # structure: section => code => status
sub found
{
	my ($file, $name, $number) = @_;
	return if $name eq 'OK'; # no error
	my $section = section_of($file);
	return if ($answered{Everywhere}{$name} // '') eq $number;
	$answered{$section}{$name} = $number;
	$where{"$section $name"} = $file;
}

# Finds a code written as a literal next to an ERR_*, in a call or in a row of a table.
sub read_source
{
	my ($file) = @_;
	my $text = slurp($file);
	found($file, $2, $status{$1}) while $text =~ /\b(ERR_\w+),\s*$code/g;
	found($file, $1, $status{$2}) while $text =~ /\{\s*$code,\s*(ERR_\w+)/g;
	found($file, $2, $1) while $text =~ /= \{ (\d{3}), $code/g;
	found($file, $2, $1) while $text =~ /return (\d{3}) '\{"code":$code/g;
	# Finds the codes in calls of the function fail() of body.c.
	found($file, $1, 400) while $text =~ /\bfail\(\s*r,\s*$code/g;
	if ($text =~ /codes\[\] = \{(.*?)\};.*?req_fail\(\s*r,\s*(ERR_\w+),\s*codes\[/s) {
		my ($rows, $err) = ($1, $2);
		found($file, $1, $status{$err}) while $rows =~ /$code/g;
	}
	return $text;
}

my @sources = split /\n/, qx(git ls-files -co --exclude-standard fcgi/base/err.c fcgi/fastcgi fcgi/web fcgi/app fcgi/job services nginx);
@sources = grep { -f && (/\.c$/ || /\.conf(?:\.in)?$/) } @sources;
my %text = map { $_ => read_source($_) }
    sort { (section_of($b) eq 'Everywhere') <=> (section_of($a) eq 'Everywhere') || $a cmp $b }
    @sources;

# A call whose code is not a literal would not be found: each such call is listed here,
# and takes its code from a table that was searched above.
my @tables = ('row->code', 'codes[refusal]', 'err_info(ERR_INVALID)->code', 'code',
	'REFUSAL_NO_CODE');
for my $file (grep { /\.c$/ && $_ ne 'fcgi/web/request.c' } @sources) {
	my @unread;
	while ($text{$file} =~ /\breq_fail\(\s*[^,]+,\s*([^,]+),\s*([^,;]+),/g) {
		my ($err, $name) = ($1, $2);
		next if grep { $name eq $_ } @tables;
		next if $name =~ /^$code$/ && exists $answered{section_of($file)}{$1};
		next if $name =~ /^$code$/ && exists $answered{Everywhere}{$1};
		push @unread, "$err, $name";
	}
	is_deeply(\@unread, [], "$file: this test finds the status of each code")
	    or diag('write the code as a literal beside its ERR_*, or teach ' . __FILE__);
}

# ---- what the page says ----------------------------------------------------------------

my (%said, $section);
for (split /\n/, slurp('docs/ERRORS.md')) {
	$section = $1 if /^## (.+)/;
	next unless /^\| `([A-Z0-9_]+)` \|/;
	my (undef, $name, $number, $cause, $advice) = split /\s*\|\s*/;
	$name =~ tr/`//d;
	ok(!exists $said{$section}{$name}, "$section: $name has one row")
	    if exists $said{$section}{$name};
	$said{$section}{$name} = $number;
	ok(length $cause && length $advice, "$name has a cause and a remedy") unless
	    length($cause // '') && length($advice // '');
}

for my $part (sort keys %{ { %answered, %said } }) {
	my @missing = grep { ($said{$part}{$_} // '') ne $answered{$part}{$_} }
	    sort keys %{ $answered{$part} };
	is_deeply(\@missing, [], "$part: each code has a row with its status in docs/ERRORS.md")
	    or diag("docs/ERRORS.md, section \"$part\", wants the rows:",
		map { "\n| `$_` | $answered{$part}{$_} | cause | what the caller does |"
			. "   (from $where{\"$part $_\"})" } @missing);
	my @gone = grep { !exists $answered{$part}{$_} } sort keys %{ $said{$part} };
	is_deeply(\@gone, [], "$part: docs/ERRORS.md has no row for a code that does not exist")
	    or diag("no source answers these: take the rows out of docs/ERRORS.md");
}

my %problem = slurp('docs/ERRORS.md') =~ /^\| `([a-z_]+)` (\|)/mg;
is_deeply([ sort keys %problem ],
	[ sort map { /"(\w+)"/ } grep { /\[PROBLEM_/ } split /\n/, slurp('fcgi/web/error.c') ],
	'docs/ERRORS.md has exactly the problems of fields that the source has');
done_testing;
