package Kedge::Money;

# Helpers for tests of the ledger with attacks and many transfers: SQL under each role
# and the SQLSTATE that results, a digest of the ledger's tables, locks that make
# requests wait, and many clients at once.

use strict;
use warnings;

use Exporter qw(import);
use File::Temp ();
use IPC::Open2 qw(open2);
use POSIX ();
use Test::More;

use Kedge qw(jdecode jencode parallel tool wait_until);

our @EXPORT_OK = qw(attempt refused books hold_lock wait_blocked at_once said later);

my %session;

# One psql session is kept for each role: starting a process for each of hundreds of
# attacks would take longer than the attacks.
sub session
{
	my ($k, $role) = @_;
	return $session{$role} if $session{$role} && $session{$role}{of} == $k;
	my $url =
	    $role eq 'app' ? $k->database_url('wallet')
	    : $k->url_as($role eq 'owner' ? 'wallet_owner' : 'kedge', 'wallet');
	my $err = File::Temp->new;
	pipe my $in_r, my $in_w or die "pipe: $!";
	pipe my $out_r, my $out_w or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		Kedge::in_child();
		$ENV{LC_ALL} = 'C.UTF-8';
		open STDIN, '<&', $in_r or POSIX::_exit(126);
		open STDOUT, '>&', $out_w or POSIX::_exit(126);
		open STDERR, '>', $err->filename or POSIX::_exit(126);
		close $_ for $in_r, $in_w, $out_r, $out_w;
		my @psql = (tool('psql'), '-AtqX', '-v', 'VERBOSITY=verbose', '-d', $url);
		exec { $psql[0] } @psql or POSIX::_exit(127);
	}
	close $in_r;
	close $out_w;
	$in_w->autoflush(1);
	return $session{$role} = { of => $k, in => $in_w, out => $out_r, err => $err, seen => 0 };
}

# Runs SQL as app, owner or superuser; returns ('', rows), or (SQLSTATE, message) of the
# first error.  The SQL leaves nothing in the session.
sub attempt
{
	my ($k, $role, $sql) = @_;
	my $s = session($k, $role);
	# After a COPY's data, psql 17 would read an empty statement as more data.
	my $end = $sql =~ /\\\.\z/ ? '' : ';';
	print { $s->{in} } "$sql\n$end\n\\echo =rows\nROLLBACK;\nDISCARD ALL;\n\\echo =end\n";
	my ($rows, $is_rows) = ('', 1);
	while (1) {
		my $line = readline $s->{out} // die "the session of $role is gone: $sql";
		last if $line eq "=end\n";
		$is_rows = 0 if $line eq "=rows\n";
		$rows .= $line if $is_rows;
	}
	my $said = substr Kedge::slurp($s->{err}->filename), $s->{seen};
	$s->{seen} += length $said;
	return ($1, $2) if $said =~ /(?:ERROR|FATAL):  (\w{5}): ([^\n]*)/;
	chomp $rows;
	return ('', $rows);
}

# Asserts that the statement is refused with exactly that SQLSTATE: a misspelled
# statement fails with another one.
sub refused
{
	my ($k, $role, $want, $sql, $name) = @_;
	my ($got, $message) = attempt($k, $role, $sql);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	like($got, qr/^(?:$want)\z/, $name // "$role: " . ($sql =~ s/\s+/ /gr))
	    or diag($got eq '' ? "done: $message" : $message, "\n$sql");
	return;
}

# Returns a digest of each table that must not change.
sub books
{
	my ($k) = @_;
	my @tables = qw(account currency entry external_reference idempotency statement transfer);
	return $k->sql('wallet', join "\nUNION ALL ", map {
		"SELECT '$_ ' || count(*) || ' ' || coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '')"
		    . " FROM $_ t"
	} @tables);
}

# Takes a lock as the superuser (LOCK TABLE, or SELECT ... FOR UPDATE) in the wallet's
# or another database.  Returns a function that releases the lock, and before that may
# run more SQL.
sub hold_lock
{
	my ($k, $sql, $database) = @_;
	my $pid = open2(my $out, my $in, tool('psql'), '-AtqX', '-d',
		$k->url_as('kedge', $database // 'wallet'));
	print $in "BEGIN;\n$sql;\n\\echo locked\n";
	$in->flush;
	while (1) {
		my $line = readline $out // die "no lock: $sql";
		last if $line eq "locked\n";
	}
	return sub {
		my ($more) = @_;
		print $in "$more;\n" if defined $more;
		# Quit explicitly: forked children have copies of the pipe, so closing
		# it here is not enough.
		print $in "ROLLBACK;\n\\q\n";
		close $in;
		waitpid $pid, 0;
	};
}

# Waits until this many of the service's statements wait for a lock.
sub wait_blocked
{
	my ($k, $n) = @_;
	return wait_until(
		sub {
			$k->sql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE usename ="
				    . " 'wallet' AND wait_event_type = 'Lock'") >= $n
		},
		20
	) || die "not $n statements that wait";
}

# Runs the code for n clients at once; returns how many got each answer ("201", "201
# again" for a replay, "409 CODE"), and the bodies of successful responses.
sub at_once
{
	my ($n, $code) = @_;
	my (%count, %body);
	for my $r (parallel($n, sub { my $r = $code->(@_); [ said($r), $r->{body} ] })) {
		$count{ $r->[0] }++;
		$body{ $r->[1] // '' } = 1 if $r->[0] =~ /^2/;
	}
	return (\%count, sort keys %body);
}

sub said
{
	my ($r) = @_;
	my $again = $r->{headers}{'idempotency-replayed'};
	return $r->{status}
	    . ($r->{status} >= 300 ? ' ' . ($r->{json}{code} // 'no code')
		: defined $again ? $again eq 'true' ? ' again' : " again=$again" : '');
}

# Starts the code in a separate process; returns a function that waits for its result
# and returns it.
sub later
{
	my ($code) = @_;
	pipe my $r, my $w or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		Kedge::in_child();
		close $r;
		print $w jencode([ eval { $code->() }, $@ || undef ]);
		close $w;
		POSIX::_exit(0);
	}
	close $w;
	return sub {
		local $/;
		my $text = <$r>;
		waitpid $pid, 0;
		my ($value, $error) = @{ jdecode($text // '') // [ undef, 'died' ] };
		die "later: $error" if $error;
		return $value;
	};
}

1;
