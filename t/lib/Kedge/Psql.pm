package Kedge::Psql;

# Runs SQL by one psql process that is kept: starting a psql for each statement would take
# more processor time than most tests take otherwise.
#
#	my $psql = Kedge::Psql->new('-d', $url);
#	my $rows = $psql->sql('SELECT 1'); # dies if it fails
#
# Each call begins like a new session: only what the previous call committed is kept.  If
# the session has ended meanwhile (its server stopped, or ended it), a new one is opened.

use strict;
use warnings;

use Fcntl qw(SEEK_END SEEK_SET);
use File::Temp ();
use IO::Select;
use IPC::Open3 qw(open3);
use Time::HiRes qw(time);

use Kedge ();

my $TIMEOUT_S = 120;
my $marks = 0;

sub new
{
	my ($class, @args) = @_;
	return bless { args => \@args }, $class;
}

sub open_session
{
	my ($self) = @_;
	$self->{errors} = File::Temp->new;
	local $ENV{PGCONNECT_TIMEOUT} = 5;
	local $ENV{LC_ALL} = 'C.UTF-8';
	$self->{pid} = open3(
		my $in, my $out, '>&' . fileno($self->{errors}),
		Kedge::tool('psql'), '-AtqX', '-v', 'ON_ERROR_STOP=1', @{ $self->{args} });
	binmode $_ for $in, $out;
	$in->autoflush(1);
	@$self{qw(in out owner)} = ($in, $out, $$);
	return;
}

sub close_session
{
	my ($self) = @_;
	my ($pid, $owner) = delete @$self{qw(pid owner)};
	delete @$self{qw(in out)};
	return if !defined $pid || $owner != $$; # a forked child only has copies of the handles
	local $?;
	waitpid $pid, 0;
	return;
}

sub DESTROY { $_[0]->close_session }

# Sends the text; returns what the session prints, or undef if the session has ended.
sub talk
{
	my ($self, $text) = @_;
	my $mark = 'kedge-psql-' . ++$marks;
	local $SIG{PIPE} = 'IGNORE';
	print { $self->{in} } "$text\n\\echo $mark\n";
	my ($said, $end) = ('', time + $TIMEOUT_S);
	my $readable = IO::Select->new($self->{out});
	while ($said !~ s/^\Q$mark\E\n\z//m) {
		if (!$readable->can_read($end - time)) {
			kill KILL => $self->{pid};
			die "psql: no answer in $TIMEOUT_S s: $text\n";
		}
		return undef if !sysread $self->{out}, $said, 1 << 16, length $said;
	}
	return $said;
}

# Returns what the session has written to standard error since the last call.
sub errors
{
	my ($self, $since) = @_;
	seek $self->{errors}, $since, SEEK_SET;
	local $/;
	return readline($self->{errors}) // '';
}

# The rows as text: one line per row, columns separated by |.
sub sql
{
	my ($self, $sql) = @_;
	if (defined $self->{pid} && ($self->{owner} != $$ || !defined $self->talk('SELECT WHERE false;'))) {
		$self->close_session;
	}
	$self->open_session if !defined $self->{pid};
	my $since = -s $self->{errors};
	my $said = $self->talk("$sql\n;\nROLLBACK;\nDISCARD ALL;");
	if (!defined $said) {
		$self->close_session;
		die 'psql: ' . $self->errors($since);
	}
	chomp $said;
	return $said;
}

1;
