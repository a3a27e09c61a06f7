package Kedge::JobTest;

# A PostgreSQL of its own and the service jobtest (t/service/jobtest), which has only
# jobs: for tests of job workers that need jobs which hang or crash.
#
# 	my $j = Kedge::JobTest->up;
# 	my $id = $j->enqueue('write');
# 	$j->work(WORKER_PROCESSES => 2);
# 	ok($j->reached($id, 'completed'));
#
# Everything stops when the test ends for any reason: a guard process waits for the end
# of a pipe that only the test holds open.

use strict;
use warnings;

use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use POSIX qw(setsid);
use Test::More;
use Kedge::Psql;
use Kedge qw(run slurp tool files wait_until jencode jdecode);

my $BUILD = Kedge::build_dir();
my $BINARY = "$BUILD/t/service/jobtest/jobtest";

# PostgreSQL refuses to run as root, so it runs as another user.
my $AS = $> == 0 ? getpwnam('postgres') : undef;

sub program
{
	my ($name) = @_;
	my ($path) = reverse sort glob "/usr/lib/postgresql/*/bin/$name";
	return $path // tool($name);
}

sub as_postgres
{
	my (@cmd) = @_;
	return @cmd if $> != 0;
	return ('setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', @cmd);
}

sub up
{
	my ($class, %opt) = @_;
	plan(skip_all => "$BINARY is not built") unless -x $BINARY;
	plan(skip_all => 'PostgreSQL is not installed') unless program('initdb');
	plan(skip_all => 'no user postgres to run PostgreSQL as') if $> == 0 && !defined $AS;
	my $dir = tempdir('kedge-jobs-XXXXXX', DIR => $ENV{TMPDIR} // '/tmp');
	chown $AS, -1, $dir if defined $AS;
	chmod 0755, $dir;
	my $self = bless { dir => $dir, masters => [], logs => 0 }, $class;
	$self->guard;
	my ($status, $out, $err) = run({ dir => '/' }, as_postgres(program('initdb'),
		'-D', "$dir/pg", '--no-sync', '--auth=trust', '--username=kedge',
		'--encoding=UTF8', '--locale=C'));
	die "initdb: $out$err" if $status != 0;
	$self->start_postgres;
	$self->make_schema;
	return $self;
}

sub start_postgres
{
	my ($self) = @_;
	my ($status, $out, $err) = run({ dir => '/' }, as_postgres(program('pg_ctl'), '-w', '-D',
		"$self->{dir}/pg", '-l', "$self->{dir}/pg/server.log", '-o',
		"-k $self->{dir} -c listen_addresses= -c fsync=off -c max_connections=60"
		    . ' -c shared_buffers=32MB', 'start'));
	die "pg_ctl: $out$err" if $status != 0;
	return;
}

sub stop_postgres
{
	my ($self, $mode) = @_;
	run({ dir => '/' }, as_postgres(program('pg_ctl'), '-w', '-D', "$self->{dir}/pg",
		'-m', $mode // 'immediate', 'stop'));
	return;
}

sub make_schema
{
	my ($self) = @_;
	$self->{database} = 'postgres';
	$self->sql('CREATE ROLE jobtest LOGIN; ALTER ROLE jobtest SET search_path = public');
	$self->sql('CREATE DATABASE jobtest');
	$self->{database} = 'jobtest';
	$self->sql("SET kedge.service = 'jobtest';\n"
		    . join "\n", map { slurp("$Kedge::ROOT/$_") // die "no $_" }
		    (map { s{^\Q$Kedge::ROOT/}{}r } map { sort glob "$Kedge::ROOT/sql/$_/*.sql" } qw(base job)),
		't/service/jobtest/jobtest.sql');
	$self->sql('GRANT SELECT, INSERT ON jobtest_effect, jobtest_deferred TO jobtest');
	return;
}

# ---- SQL -------------------------------------------------------------------

sub try_sql
{
	my ($self, $sql) = @_;
	return run({ in => $sql, env => { PGCONNECT_TIMEOUT => 5 } }, tool('psql'), '-AtqX',
		'-v', 'ON_ERROR_STOP=1', '-h', $self->{dir}, '-U', 'kedge', '-d',
		$self->{database});
}

# Runs SQL as superuser; returns the rows as text, one per line, columns separated by |.
sub sql
{
	my ($self, $sql) = @_;
	my $database = $self->{database};
	$self->{psql}{$database} //=
	    Kedge::Psql->new('-h', $self->{dir}, '-U', 'kedge', '-d', $database);
	return $self->{psql}{$database}->sql($sql);
}

# Opens a psql session in which a test can keep a transaction open; the caller closes
# the handle.
sub session
{
	my ($self) = @_;
	open my $psql, '|-', tool('psql'), '-AtqX', '-o', "$self->{dir}/session.out", '-h',
	    $self->{dir}, '-U', 'kedge', '-d', $self->{database}
	    or die "psql: $!";
	$psql->autoflush(1);
	return $psql;
}

sub quote
{
	my ($text) = @_;
	return 'NULL' unless defined $text;
	return "'" . ($text =~ s/'/''/gr) . "'";
}

# The settings of jobtest's kinds for job_enqueue(): the database does not know them
# before a worker has started.
my @at_once = (backoff => 'constant', backoff_base_s => 1, backoff_max_s => 1);
my %kinds = (
	noop => [ queue => 'bulk' ],
	limited => [ queue => 'limited' ],
	'write.wait' => \@at_once,
	wait => \@at_once,
	fail => [ max_attempts => 3, @at_once ],
	'fail.sql' => [ max_attempts => 1 ],
	'fail.once' => \@at_once,
	crash => [ max_attempts => 2, @at_once ],
	deferred => [ max_attempts => 1 ],
	late => [ max_attempts => 1 ],
);

# Enqueues a job and returns its id: enqueue('write', {…}, priority => 1).  The options
# are the parameters of job_enqueue() without "p_".
sub enqueue
{
	my ($self, $kind, $payload, %named) = @_;
	%named = (@{ $kinds{$kind} // [] }, %named);
	my $named = join '', map { ", p_$_ => " . quote($named{$_}) } sort keys %named;
	return $self->sql('SELECT job_id FROM job_enqueue('
		    . quote($kind) . ', ' . quote(jencode($payload // {})) . "$named);\n"
		    . 'NOTIFY job;');
}

sub job
{
	my ($self, $id) = @_;
	return jdecode($self->sql('SELECT to_jsonb(j) FROM job j WHERE id = ' . quote($id)));
}

sub state
{
	my ($self, $id) = @_;
	return $self->sql('SELECT state FROM job WHERE id = ' . quote($id));
}

# Waits until the job has reached the given state.
sub reached
{
	my ($self, $id, $state, $deadline_s) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $good = wait_until { $self->state($id) eq $state } $deadline_s // 15;
	diag(explain($self->job($id))) unless $good;
	return $good;
}

# Waits until the SQL query returns the given text.
sub becomes
{
	my ($self, $sql, $text, $deadline_s) = @_;
	my $last;
	my $good = wait_until { ($last = $self->sql($sql)) eq $text } $deadline_s // 15;
	diag("still: $last") unless $good;
	return $good;
}

# Returns how often the effect of the job has happened.
sub effects
{
	my ($self, $id) = @_;
	return $self->sql('SELECT count(*) FROM jobtest_effect WHERE job_id = ' . quote($id));
}

# ---- workers ---------------------------------------------------------------

# Starts a master of job workers and returns its pid; environment variables are given
# without JOBTEST_.
sub work
{
	my ($self, %env) = @_;
	my $log = "$self->{dir}/worker-" . ++$self->{logs} . '.log';
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		Kedge::in_child();
		delete $self->{guard_w};
		%env = (DATABASE_URL => "host=$self->{dir} user=jobtest dbname=jobtest",
			WORKER_PROCESSES => 1, WORKER_POLL_MS => 200, WORKER_LEASE_S => 5, %env);
		$ENV{"JOBTEST_$_"} = $env{$_} for keys %env;
		open STDIN, '<', '/dev/null' or POSIX::_exit(126);
		open STDOUT, '>', $log or POSIX::_exit(126);
		open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
		exec { $BINARY } $BINARY, '--worker' or POSIX::_exit(127);
	}
	push @{ $self->{masters} }, $pid;
	syswrite $self->{guard_w}, "$pid\n";
	return $pid;
}

# Returns the pids of a master's worker processes.
sub runners
{
	my ($self, $master) = @_;
	return split ' ', slurp("/proc/$master/task/$master/children") // '';
}

# Sends SIGTERM to a master and waits for its end; returns its exit status.
sub stop
{
	my ($self, $master, $signal) = @_;
	kill $signal // 'TERM', $master;
	my $ended = wait_until { waitpid($master, POSIX::WNOHANG()) == $master } 30;
	my $status = $?;
	kill KILL => $master unless $ended;
	@{ $self->{masters} } = grep { $_ != $master } @{ $self->{masters} };
	return $ended ? $status : undef;
}

sub log_text
{
	my ($self) = @_;
	return join '', map { slurp($_) // '' } files($self->{dir}, qr/^worker-.*\.log$/);
}

# ---- cleaning up -----------------------------------------------------------

sub guard
{
	my ($self) = @_;
	pipe my $r, my $w or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		close $w;
		setsid();
		$SIG{$_} = 'IGNORE' for qw(INT TERM HUP PIPE);
		for my $fd (0 .. 255) {
			POSIX::close($fd) unless $fd == fileno $r;
		}
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', '/dev/null';
		my $pids = '';
		while (sysread $r, my $some, 4096) {
			$pids .= $some;
		}
		for my $master (split ' ', $pids) {
			my $exe = readlink "/proc/$master/exe" // '';
			kill KILL => $master if $exe =~ m{/jobtest( \(deleted\))?$};
		}
		$self->stop_postgres;
		remove_tree($self->{dir});
		POSIX::_exit(0);
	}
	close $r;
	$self->{guard_w} = $w;
	$self->{guard_pid} = $pid;
	$self->{owner} = $$;
	return;
}

# Stops everything; returns false when a log has lines that are errors in every test.
sub down
{
	my ($self) = @_;
	my $w = delete $self->{guard_w} or return 1;
	$self->stop($_) for @{ $self->{masters} };
	my @complaints = grep {
		/Assertion .* failed|(?:Address|Leak|Thread|Memory)Sanitizer|runtime error: /
	} split /\n/, $self->log_text;
	diag("in the log: $_") for @complaints;
	diag($self->log_text) unless Test::More->builder->is_passing;
	close $w;
	waitpid $self->{guard_pid}, 0;
	return !@complaints;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $!, $@);
	$self->down if $self->{owner} && $self->{owner} == $$;
	return;
}

1;
