package Bench::Talk;

# A child process with a line-oriented protocol: a psql session, or one of the programs
# bench/*.mjs.

use strict;
use warnings;

use IPC::Open3 qw(open3);

use Bench;
use Bench::Product;

my @open;
my $owner = $$;

END {
    return if $$ != $owner;
    my $status = $?;
    kill 'TERM', map { $_->{pid} } @open;    # a child may not be reading its input
    $_->end for my @all = @open;
    $? = $status;
}

sub start {
    my ($class, @command) = @_;
    open my $log, '>>', "$dir/bench.log" or die "bench.log: $!";
    my $pid = open3(my $in, my $out, '>&' . fileno $log, @command);
    my $self = bless { name => $command[1], pid => $pid, in => $in,
        out => $out }, $class;
    push @open, $self;
    return $self;
}

sub say {
    my ($self, $line) = @_;
    local $SIG{PIPE} = 'IGNORE';
    syswrite $self->{in}, "$line\n";
    return;
}

sub hear {
    my ($self) = @_;
    my $line = readline $self->{out};
    die "$self->{name} has ended; see its last words:\n"
        . qx(tail -5 $dir/bench.log) unless defined $line;
    chomp $line;
    return $line;
}

sub end {
    my ($self) = @_;
    return unless $self->{in};
    close delete $self->{in};
    waitpid $self->{pid}, 0;
    @open = grep { $_ != $self } @open;
    return;
}

# --- psql -------------------------------------------------------------------

sub psql {
    my ($class, $database) = @_;
    return $class->start(psql_command($database));
}

# Sends SQL statements, waits until they have ended, and returns their rows as lines.
sub run {
    my ($self, $statements) = @_;
    $self->begin($statements);
    return $self->finish;
}

sub begin {
    my ($self, $statements) = @_;
    $self->say("$statements;\n\\echo -- done");
    return;
}

sub finish {
    my ($self) = @_;
    my @rows;
    while ((my $line = $self->hear) ne '-- done') {
        push @rows, $line;
    }
    return @rows;
}

1;
