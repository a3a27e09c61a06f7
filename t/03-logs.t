# Each log event is a constant of a log_events.h, is logged, and has a row in
# docs/LOGS.md with its levels, its fields, its meaning and a remedy.
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

my @sources = grep { -f } split /\n/,
    qx(git ls-files -co --exclude-standard 'fcgi/*.[ch]' 'services/*.[ch]');

# ---- the constants ---------------------------------------------------------------------

my (%text, %folder, @elsewhere); # of EVENT_*
for my $file (@sources) {
	my $source = slurp($file);
	if ($file =~ m{^(.+)/log_events\.h$}) {
		my $folder = $1;
		while ($source =~ /#define (EVENT_\w+)\s*(?:\\\s*)?LOG_EVENT\(\s*(?:\\\s*)?"([^"]+)"\)/g) {
			ok(!exists $text{$1}, "$1 is defined once") if exists $text{$1};
			@text{$1} = $2;
			$folder{$1} = $folder;
		}
	} elsif ($file ne 'fcgi/base/log_event.h' && $source =~ /\bLOG_EVENT\(|\(struct log_event\)/) {
		push @elsewhere, $file;
	}
}
cmp_ok(scalar keys %text, '>', 80, 'the log_events.h define events');
is_deeply(\@elsewhere, [], 'each event is defined in a log_events.h');
my %named = reverse %text;
is(scalar keys %named, scalar keys %text, 'no two events have the same text');
is_deeply([ grep { /^(?!FastCGI)[A-Z][a-z]|\.$/ } sort values %text ], [],
	'each event begins in lower case and has no full stop');

# ---- calls that log events -------------------------------------------------------------

my (%used, %levels, %fields);

sub field_names { return map { /"(\w+)"/g } $_[0] =~ /\bLOG_(?:TEXT|NUM)\(([^,]*),/g }

# Returns the events that a call logs: the constants that it names or, if its event or
# fields are variables, all constants that its file names.
for my $file (grep { /\.c$/ } @sources) {
	my $source = slurp($file);
	my @all = $source =~ /\b(EVENT_\w+)/g;
	my @fields_of_all = field_names($source);
	while ($source =~ /\b(?:log_event|log_event_from|write_own_event)(\((?:[^()"]++|"(?:[^"\\]|\\.)*+"|(?1))*+\));/g) {
		my $call = $1;
		my @events = $call =~ /\b(EVENT_\w+)/g;
		my ($level) = $call =~ /^\(\s*LOG_(DEBUG|INFO|WARN|ERROR)\b/;
		@events = @all unless @events;
		my @fields = $call =~ /\bfields\)$/ ? @fields_of_all : field_names($call);
		for my $event (@events) {
			$used{$event} = $file;
			$levels{$event}{ lc($level // 'any') } = 1;
			$fields{$event}{$_} = 1 for @fields;
		}
	}
}
is_deeply([ grep { !exists $text{$_} } sort keys %used ], [], 'each constant that a call uses is defined');
is_deeply([ grep { !exists $used{$_} } sort keys %text ], [], 'each constant that is defined is used');

# ---- the page --------------------------------------------------------------------------

my (%row, $folder);
for (split /\n/, slurp('docs/LOGS.md')) {
	($folder) = /`([^`]+)`/ if /^###? /;
	next unless /^\| `([^`]+)` \| ((?:debug|info|warn|error)(?:, (?:debug|info|warn|error))*) \|/;
	my (undef, $name, $levels, $fields, $meaning, $remedy) = split /\s*\|\s*/;
	$name =~ tr/`//d;
	ok(!exists $row{$name}, "$name has one row in docs/LOGS.md") if exists $row{$name};
	$row{$name} = { folder => $folder, levels => $levels,
		fields => join(' ', sort $fields =~ /`(\w+)`/g) };
	ok(length($meaning // '') && length($remedy // ''), "$name: the row has a meaning and a remedy")
	    unless length($meaning // '') && length($remedy // '');
}

is_deeply([ grep { !exists $row{$_} } sort keys %named ], [], 'each event has a row in docs/LOGS.md')
    or diag('add the rows: | `event` | level | fields | meaning | what to do |');
is_deeply([ grep { !exists $named{$_} } sort keys %row ], [], 'docs/LOGS.md has no event that is not in the source')
    or diag('no source logs these: take the rows out of docs/LOGS.md');
for my $name (grep { exists $row{$_} } sort keys %named) {
	my ($event, $row) = ($named{$name}, $row{$name});
	is($row->{folder}, $folder{$event}, "$name: the row is in the section of the event's folder")
	    if ($row->{folder} // '') ne $folder{$event};
	is($row->{fields}, join(' ', sort keys %{ $fields{$event} }), "$name: the fields are those of the code");
	next if $levels{$event}{any};
	is(join(' ', sort split /, /, $row->{levels}), join(' ', sort keys %{ $levels{$event} }),
		"$name: the level is that of the code");
}
done_testing;
