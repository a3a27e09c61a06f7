package Kedge::Page;

# The code blocks of a documentation page, and their execution.
#
# The line that opens a block has the language, and after it where the block is executed:
#
# 	```sh            on a stack of `kedge up` (t/51-pages.t lists the pages), and, for
# 	                 the pages that t/system/pages.t lists, also on a server
# 	```sh stack      on a stack only
# 	```sh server     only on a server, a Debian that is booted for it
# 	```sh elsewhere  on a server whose databases are on another one: t/system/operate.t
# 	```sh releases   on a stack of the previous release: t/72-previous-release.t
# 	```sh pitr       by PostgreSQL's administrator: t/77-pitr.t
# 	```text          not code: what the block before it prints, each line somewhere in
# 	                 the output, in this order; "…" stands for any text of one line
#
# Readers run the blocks of a page from top to bottom in one shell, and so do the tests.

use strict;
use warnings;

use File::Temp ();
use Test::More;

use Kedge qw(run slurp);

# Returns { name, text } of a page, whose path is relative to the top of the tree.
sub new
{
	my ($class, $path) = @_;
	my $text = slurp("$Kedge::ROOT/$path") // die "$path: $!";
	return bless { path => $path, text => $text }, $class;
}

sub text { return $_[0]{text} }

# Returns the blocks: { language, where, text, section, file, expected (lines) }. "file" is
# the last file of a service, a migration or a test that the text before the block names.
sub blocks
{
	my ($self, $language, $where) = @_;
	my (@blocks, $section);
	my $rest = $self->{text};
	while ($rest =~ /\G(.*?)^```(\w+)(?: (\w+))?\n(.*?)^```$/gms) {
		my ($before, $is, $at, $text) = ($1, $2, $3, $4);
		$section = (split /\n/, $1)[0] while $before =~ /^## ([^\n]+)/gm;
		if ($is eq 'text' && @blocks && !$blocks[-1]{expected} && $before =~ /^\s*$/) {
			$blocks[-1]{expected} = [ split /\n/, $text ];
			next;
		}
		my @named = $before =~ m{`((?:services|sql|t)/[\w/.-]+\.\w+|kedge\.json)`}g;
		push @blocks, { language => $is, where => $at // '', text => $text,
			section => $section // '', file => $named[-1] };
	}
	return @blocks if !defined $language;
	return grep { $_->{language} eq $language && $_->{where} eq ($where // '') } @blocks;
}

# Runs shell blocks in one shell by $runner, which gets a script and returns (status, what
# it printed). Checks that all succeed, and print what the page shows. Returns the output.
sub run_blocks
{
	my ($self, $blocks, $runner) = @_;
	my $script = "set -e -o pipefail\nexec 2>&1\n";
	my $n = 0;
	$script .= "printf '\\n=== block $_->[0]\\n'\n$_->[1]{text}" for map { [ $n++, $_ ] } @$blocks;
	my ($status, $out) = $runner->($script);
	my $page = $self->{path};
	is($status, 0, "$page: its $n blocks succeed") or diag("$script\n$out");
	my @printed = split /^=== block \d+\n/m, $out;
	shift @printed;
	for my $i (grep { $blocks->[$_]{expected} } 0 .. $n - 1) {
		my $printed = $printed[$i] // '';
		my $pattern = join '.*^', map {
			join '[^\n]*?', map {quotemeta} split /\s*…\s*/, $_, -1
		} @{ $blocks->[$i]{expected} };
		# Columns may have other widths.
		$pattern =~ s/(?:\\ )+/ +/g;
		like($printed, qr/^$pattern/ms, "$page: block " . ($i + 1) . ' prints what the page shows');
	}
	return $out;
}

# Executes the blocks for a stack on $stack, as its reader would: `kedge` and `./kedge` are
# this build's, on the stack's directory. Options: as (a function that changes the text of
# a block), dir (where they run).
sub run_on_stack
{
	my ($self, $stack, %opt) = @_;
	my $place = $opt{dir} // File::Temp::tempdir(CLEANUP => 1);
	my @blocks = grep { !$opt{only} || $opt{only}->($_) }
	    grep { $_->{language} eq 'sh' && $_->{where} =~ /^(?:stack)?$/ } $self->blocks;
	my $port = $stack->port;
	for my $text (map { \$_->{text} } @blocks) {
		$$text = $opt{as}->($$text) if $opt{as};
		$$text =~ s{(?:127\.0\.0\.1|localhost):8080}{127.0.0.1:$port}g;
		# A server has a port for monitoring, a stack has a socket.
		$$text =~ s{http://127\.0\.0\.1:9180/}{--unix-socket '@{[ $stack->dir ]}/run/monitoring.sock' http://localhost/}g;
		$$text =~ s{\.run/run/monitoring\.sock}{@{[ $stack->dir ]}/run/monitoring.sock}g;
		$$text =~ s{https://app\.example\.com}{http://127.0.0.1:$port}g;
	}
	mkdir "$place/bin";
	my $program = Kedge->binary('kedge');
	# Some commands have no directory.
	for my $path ("$place/bin/kedge", "$place/kedge") {
		open my $kedge, '>', $path or die "$path: $!";
		print $kedge "#!/bin/sh\n'$program' \"\$1\" --help | grep -q -e '--dir D' || exec '$program' \"\$@\"\n",
		    "for a in \"\$@\"; do [ \"\$a\" != -- ] || { c=\$1; shift; exec '$program' \"\$c\" --dir '",
		    $stack->dir, "' \"\$@\"; }; done\nexec '$program' \"\$@\" --dir '", $stack->dir, "'\n";
		close $kedge or die "$path: $!";
		chmod 0755, $path;
	}
	return $self->run_blocks(\@blocks, sub {
		my ($s, $out, $err) = run({ dir => $place, in => $_[0], timeout => 300,
				env => { %{ $stack->{env} }, PATH => "$place/bin:$ENV{PATH}" } },
			'/bin/bash', '-s');
		return ($s, "$out$err");
	});
}

1;
