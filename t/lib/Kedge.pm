package Kedge;

# A stack of its own for a test: PostgreSQL, Redis, the services and nginx, on a free
# port, in a directory that is removed after the test.
#
# 	my $k = Kedge->up(env => { AUTH_RATE_LIMIT => 'on' });
# 	my $alice = $k->user('alice');
# 	is($alice->get('/api/core/whoami')->{status}, 200);
#
# The stack stops when the test ends for any reason: a guard process waits for the end
# of a pipe that only the test holds open.  KEEP=1 keeps the directory.

use strict;
use warnings;

use Cwd qw(abs_path);
use Digest::SHA qw(sha256_hex);
use Exporter qw(import);
use Fcntl qw(:flock);
use File::Basename qw(basename dirname);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP ();
use POSIX qw(:sys_wait_h setsid);
use Test::More;
use Time::HiRes qw(time);

use Kedge::Client;
use Kedge::Monitor;
use Kedge::Psql;
use Kedge::Redis;

our @EXPORT_OK = qw(wait_until parallel need run_tap tool slurp free_port run
    jdecode jencode median files services);

our $ROOT = abs_path(dirname(__FILE__) . '/../..');
my $BUILD = $ENV{BUILD} // 'build/plain';
$BUILD = "$ROOT/$BUILD" unless $BUILD =~ m{^/};
my @stacks;

# Sets TMPDIR for this test and for the processes that it starts.
{
	open my $said, '-|', 'sh', "$ROOT/t/lib/tmpdir" or die "t/lib/tmpdir: $!";
	chomp($ENV{TMPDIR} = <$said>);
}

# ---- small tools -----------------------------------------------------------

my $json = JSON::PP->new->utf8->allow_nonref->canonical;
sub jdecode { return eval { $json->decode($_[0]) } }
sub jencode { return $json->encode($_[0]) }

sub slurp
{
	my ($path) = @_;
	open my $f, '<:raw', $path or return undef;
	local $/;
	return scalar <$f>;
}

sub median
{
	my @v = sort { $a <=> $b } @_;
	return $v[@v / 2];
}

# Calls the function until it returns a true value, and returns that value; returns
# undef when the deadline has passed.  The pause between two calls only leaves the
# processor to other processes.
sub wait_until(&;$)
{
	my ($condition, $deadline_s) = @_;
	my $end = time + ($deadline_s // 10);
	while (1) {
		my $value = $condition->();
		return $value if $value;
		return undef if time > $end;
		select undef, undef, undef, 0.01;
	}
}

sub tool
{
	my ($name) = @_;
	for my $dir (split(/:/, $ENV{PATH} // ''), '/usr/sbin', '/sbin') {
		return "$dir/$name" if -x "$dir/$name" && !-d "$dir/$name";
	}
	return undef;
}

# Returns the files of a directory, sorted by name.  glob is not used, because it splits
# a path at spaces.
sub files
{
	my ($dir, $like) = @_;
	opendir my $d, $dir or return ();
	return map { "$dir/$_" } sort grep { !/^\.\.?$/ && (!defined $like || /$like/) } readdir $d;
}

# Skips the whole test file.  After the file's first test this is an error instead:
# something that existed is missing, such as a program that is being rebuilt.
sub skip_file
{
	my ($why) = @_;
	die "in the middle of the test: $why\n" if Test::More->builder->current_test > 0;
	plan(skip_all => $why);
}

# Skips the whole test file when one of the tools is not installed, and names the tool.
sub need
{
	for my $name (@_) {
		skip_file("$name is not installed") unless tool($name);
	}
}

# Runs a command; returns its exit status, its standard output and its standard error.
sub run
{
	my (@cmd) = @_;
	my $opt = ref $cmd[0] eq 'HASH' ? shift @cmd : {};
	my $out = File::Temp->new;
	my $err = File::Temp->new;
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		chdir($opt->{dir} // $ROOT);
		setsid() if $opt->{setsid};
		my %env = %{ $opt->{env} // {} }; # undef: remove the variable
		for my $name (keys %env) {
			if (defined $env{$name}) {
				$ENV{$name} = $env{$name};
			} else {
				delete $ENV{$name};
			}
		}
		if (defined $opt->{in}) {
			my $in = File::Temp->new;
			binmode $in;
			print $in $opt->{in};
			$in->flush;
			open STDIN, '<', $in->filename or POSIX::_exit(126);
		} else {
			open STDIN, '<', '/dev/null' or POSIX::_exit(126);
		}
		open STDOUT, '>', $out->filename or POSIX::_exit(126);
		open STDERR, '>', $err->filename or POSIX::_exit(126);
		exec { $cmd[0] } @cmd or POSIX::_exit(127);
	}
	my $end = time + ($opt->{timeout} // 120);
	while (waitpid($pid, WNOHANG) == 0) {
		if (time > $end) {
			kill KILL => $pid;
			waitpid $pid, 0;
			return (124, slurp($out->filename),
			    slurp($err->filename) . "\n(killed: no end in time)");
		}
		select undef, undef, undef, 0.005;
	}
	my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	return ($status, slurp($out->filename), slurp($err->filename));
}

# Runs a program that prints TAP, and reports its results as results of this test file.
sub run_tap
{
	my (@cmd) = @_;
	open my $tap, '-|', @cmd or die "$cmd[0]: $!";
	my ($planned, $seen) = (undef, 0);
	while (my $line = <$tap>) {
		chomp $line;
		if ($line =~ /^(not )?ok \d+ - (.*)$/) {
			$seen++;
			local $Test::Builder::Level = $Test::Builder::Level + 1;
			ok(!$1, $2);
		} elsif ($line =~ /^1\.\.0 # SKIP (.*)/) {
			SKIP: { skip $1, 1 }
			$planned = $seen;
		} elsif ($line =~ /^1\.\.(\d+)/) {
			$planned = $1;
		} elsif ($line =~ /^# ?(.*)/) {
			diag($1);
		}
	}
	close $tap;
	is($seen, $planned, basename($cmd[1] // $cmd[0]) . ' came to its end');
	return;
}

# Runs the code in n processes that start at the same time; returns the results of all.
sub parallel
{
	my ($n, $code) = @_;
	pipe my $gate_r, my $gate_w or die "pipe: $!";
	my @kids;
	for my $i (0 .. $n - 1) {
		pipe my $r, my $w or die "pipe: $!";
		my $pid = fork // die "fork: $!";
		if ($pid == 0) {
			Kedge::in_child();
			close $gate_w;
			close $r;
			sysread $gate_r, my $byte, 1;
			my $value = eval { $code->($i) };
			print $w jencode([ $value, $@ || undef ]);
			close $w;
			POSIX::_exit(0);
		}
		close $w;
		push @kids, [ $pid, $r ];
	}
	close $gate_r;
	close $gate_w; # go
	my @values;
	for my $kid (@kids) {
		my ($pid, $r) = @$kid;
		local $/;
		my $text = <$r>;
		waitpid $pid, 0;
		my $pair = jdecode($text // '') // [ undef, 'died' ];
		diag("in parallel: $pair->[1]") if $pair->[1];
		push @values, $pair->[0];
	}
	return @values;
}

# Returns a port on which nothing listens at the moment.  Another process may take it
# first, so the code that starts a server on it must be prepared to try another port.
sub free_port
{
	my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1',
	    LocalPort => 0) or die "no free port: $!";
	return $s->sockport;
}

# ---- the stack -------------------------------------------------------------

sub binary { return "$BUILD/$_[1]" }
sub build_dir { return $BUILD }

# Returns the names of Kedge's own services in kedge.json, which have a binary; given a need
# ("redis"), of those that have it; given the source of another release, of its services.
sub services
{
	my ($need, $root) = @_;
	$root //= $ROOT;
	my $spec = jdecode(slurp("$root/kedge.json")) // die "$root/kedge.json is not JSON";
	my @found = grep { !$_->{upstream} } @{ $spec->{services} };
	@found = grep { grep { $_ eq $need } @{ $_->{needs} } } @found if defined $need;
	return map { $_->{name} } @found;
}

# Returns the services of the release that has this build directory.
sub services_of
{
	my ($build) = @_;
	return services(undef, $build eq $BUILD ? $ROOT : "$build/../..");
}

# Returns the environment variables of a service, as the service prints them: NAME =>
# default.
sub variables
{
	my ($service, $build) = @_;
	my (undef, $out, $err) = run(($build // $BUILD) . "/$service", '--config');
	my %default = $out =~ /^\| `([A-Z0-9_]+)` \| (\S+) \|/mg;
	die "$service --config: $err" unless %default;
	return \%default;
}

# Switches all rate limits off: tests send more requests than one client may.
sub without_rates
{
	my ($build) = @_;
	my %env;
	for my $name (map { keys %{ variables($_, $build) } } services_of($build)) {
		$env{$name} = 0 if $name =~ /_RATE$/;
		$env{$name} = 'off' if $name =~ /_RATE_LIMIT$/;
	}
	return %env;
}

# Creates and starts a stack.  Options: env (environment variables), template => 0 (do
# not copy the template), args (arguments of kedge up), build (the build directory of
# another release, whose programs run the stack; without the template), start => 0 (only
# name the directory, which the test's own commands make).
sub up
{
	my ($class, %opt) = @_;
	my $build = $opt{build} // $BUILD;
	for my $name ('kedge', services_of($build)) {
		skip_file("$build/$name is not built") unless -x "$build/$name";
	}
	my $self = bless {
		build => $build,
		dir => tempdir('kedge-t-XXXXXX', DIR => $ENV{TMPDIR}),
		env => { without_rates($build), %{ $opt{env} // {} } },
		owner => $$,
	}, $class;
	chmod 0755, $self->{dir};
	$self->{dir} .= '/d'; # kedge up creates this directory
	$self->guard;
	my $start = $opt{start} // 1;
	$self->from_template if $start && ($opt{template} // !defined $opt{build});
	$self->start(%opt) if $start;
	push @stacks, $self;
	return $self;
}

sub dir { return $_[0]{dir} }
sub port { return $_[0]{port} }
sub base { return "http://127.0.0.1:$_[0]{port}" }

# Starts the stack, for the first time or after down().  With port 0 the kernel chooses
# a free port, so that no two stacks use the same one.
sub start
{
	my ($self, %opt) = @_;
	my ($status, $out, $err) = $self->kedge('up', '--port', $opt{port} // 0,
	    '--detach', @{ $opt{args} // [] });
	die "kedge up: exit $status\n$out$err" if $status != 0;
	$self->{up_output} = $out . $err;
	($self->{port}) = "$out$err" =~ m{ready on http://127\.0\.0\.1:(\d+)}
	    or die "kedge up does not say where: $out$err";
	return $self;
}

sub down
{
	my ($self) = @_;
	my ($status, $out, $err) = $self->kedge('down');
	die "kedge down: exit $status\n$out$err" if $status != 0;
	return;
}

# Runs the kedge command on this stack's directory; returns (status, stdout, stderr).
sub kedge
{
	my ($self, $command, @args) = @_;
	my $opt = ref $args[-1] eq 'HASH' ? pop @args : {};
	my %env = (%{ $self->{env} }, %{ $opt->{env} // {} });
	return run({ %$opt, env => \%env }, "$self->{build}/kedge", $command,
	    '--dir', $self->{dir}, @args);
}

# Starts the guard process, which stops the stack and removes its directory, however
# this test ends.
sub guard
{
	my ($self) = @_;
	my $top = dirname($self->{dir});
	pipe my $r, my $w or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		close $w;
		close $_->{guard_w} for grep { $_->{guard_w} } @stacks;
		setsid();
		$SIG{$_} = 'IGNORE' for qw(INT TERM HUP PIPE);
		# prove waits until no process has its pipe open any more, and
		# Test::More has duplicated that descriptor.
		for my $fd (0 .. 255) {
			POSIX::close($fd) unless $fd == fileno $r;
		}
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', '/dev/null';
		my $failed = '';
		while (sysread $r, my $byte, 1) {
			$failed .= $byte;
		}
		system "$self->{build}/kedge", 'down', '--dir', $self->{dir};
		if ($failed ne '') {
			my $keep = "$BUILD/t-log/" . basename($0);
			make_path($keep);
			system 'cp', '-r', "$self->{dir}/log/.", $keep;
		}
		remove_tree($top) unless $ENV{KEEP};
		POSIX::_exit(0);
	}
	close $r;
	$self->{guard_w} = $w;
	$self->{guard_pid} = $pid;
	return;
}

# In a forked child: closes the pipe to the guard, so that the guard does not wait for
# this process.
sub in_child
{
	close $_->{guard_w} for grep { $_->{guard_w} } @stacks;
	delete $_->{guard_w} for @stacks;
	$SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
	return;
}

# Returns the log lines that are errors in every test.
sub complaints
{
	my ($self) = @_;
	return grep { /Assertion .* failed|(?:Address|Leak|Thread|Memory)Sanitizer|runtime error: / }
	    split /\n/, $self->log_text('');
}

# Stops the stack; returns false when a log has lines that are errors in every test.
sub destroy
{
	my ($self) = @_;
	my $w = delete $self->{guard_w} or return 1;
	eval { $self->down }; # a sanitizer reports leaks when a process ends
	my @complaints = $self->complaints;
	diag("in the log: $_") for @complaints;
	syswrite $w, 'f' if @complaints || !Test::More->builder->is_passing;
	close $w;
	waitpid $self->{guard_pid}, 0;
	diag("kept: $self->{dir}") if $ENV{KEEP};
	return !@complaints;
}

$SIG{INT} = $SIG{TERM} = $SIG{HUP} = sub { die "caught SIG$_[0]\n" };

END {
	my $status = $?;
	for my $stack (grep { $_->{owner} == $$ } @stacks) {
		$status ||= 1 unless $stack->destroy;
	}
	$? = $status;
}

# Copies the template: the first stack of a build is created once and kept, with its
# database cluster, applied migrations and generated secrets.
sub from_template
{
	my ($self) = @_;
	my $key = substr sha256_hex(join "\0", map { "$_:" . ((stat)[9] // '') }
	    (map { "$BUILD/$_" } 'kedge', services()),
	    "$ROOT/kedge.json", files("$ROOT/nginx"),
	    map { files($_, qr/\.sql$/) } files("$ROOT/sql")), 0, 12;
	my $place = "$BUILD/t-template";
	my $template = "$place/$key";
	make_path($place);
	open my $lock, '>', "$place/lock" or die "$place/lock: $!";
	flock $lock, LOCK_EX;
	if (!-e "$template/done") {
		remove_tree(files($place, qr/^[0-9a-f]{12}$/));
		$self->start;
		$self->down;
		make_path($template);
		system('cp', '-a', $self->{dir}, "$template/d") == 0
		    or die "cannot keep a template in $template";
		open my $done, '>', "$template/done" or die "$template/done: $!";
		return;
	}
	system('cp', '-a', "$template/d", $self->{dir}) == 0
	    or die "cannot copy $template";
	return;
}

# ---- clients ---------------------------------------------------------------

sub client
{
	my ($self, %opt) = @_;
	return Kedge::Client->new(base => $self->base, %opt);
}

# Returns what reads /health and /metrics: only the listener for monitoring has them.
sub monitor { return Kedge::Monitor->new($_[0]{dir}) }

my $unique = 0;

# Returns a client that has just signed up.  Its e-mail address is unique within the
# stack.
sub user
{
	my ($self, $name, %opt) = @_;
	my $c = $self->client;
	$c->{name} = $name // 'user';
	$c->{email} = lc sprintf '%s-%d-%d@example.com', $c->{name}, $$, ++$unique;
	$c->{password} = 'correct horse battery';
	my $r = $c->post('/api/auth/sign-up/email', {
		name => $c->{name}, email => $c->{email},
		password => $c->{password}, %opt,
	});
	die "sign-up of $c->{email}: $r->{status} $r->{body}"
	    unless $r->{status} == 200;
	$c->{id} = $r->{json}{user}{id};
	$c->{token} = $r->{json}{token};
	return $c;
}

# Signs the same user in with another browser.
sub again
{
	my ($self, $who, %opt) = @_;
	my $c = $self->client;
	@$c{qw(name email password id)} = @$who{qw(name email password id)};
	my $r = $c->sign_in(%opt);
	die "sign-in of $c->{email}: $r->{status} $r->{body}"
	    unless $r->{status} == 200;
	$c->{token} = $r->{json}{token};
	return $c;
}

sub role
{
	my ($self, $who, $role) = @_;
	my ($status, $out, $err) = $self->kedge('user', 'role', $who->{email}, $role);
	die "kedge user role: $status $out$err" if $status != 0;
	return;
}

# ---- PostgreSQL and Redis --------------------------------------------------

# Returns the environment variables of a service, as kedge up has written them, with the
# secrets themselves instead of the paths of their files.
sub service_env
{
	my ($self, $service) = @_;
	my $text = slurp("$self->{dir}/env/$service.env")
	    // die "no $self->{dir}/env/$service.env";
	my %env;
	for my $line (split /\n/, $text) {
		next unless $line =~ /^(?:export )?([A-Z0-9_]+)=(.*)$/;
		my ($name, $value) = ($1, $2);
		$value =~ s/^(['"])(.*)\1$/$2/;
		$env{$name} = $value;
	}
	# A secret is in a file of its own.
	for my $name (grep {/_FILE$/} keys %env) {
		my $text = $name =~ /_LOG_FILE$/ ? undef : slurp($env{$name});
		next unless defined $text;
		delete $env{$name};
		$text =~ s/\n\z//;
		$env{ $name =~ s/_FILE$//r } = $text;
	}
	return \%env;
}

sub database_url
{
	my ($self, $service) = @_;
	return $self->service_env($service)->{ uc($service) . '_DATABASE_URL' };
}

# Returns a connection string for the superuser or a service's _owner role, which the
# user who runs the stack may use.
sub url_as
{
	my ($self, $role, $database) = @_;
	my $host = "$self->{dir}/pg" =~ s{([^A-Za-z0-9/._-])}{sprintf '%%%02X', ord $1}ger;
	return "postgresql://$role@/$database?host=$host";
}

# Returns the connection string for Node.js, whose driver takes the directory of the
# socket as the host.
sub node_url
{
	my ($self, $database, $role) = @_;
	my $host = "$self->{dir}/pg" =~ s{([^A-Za-z0-9._-])}{sprintf '%%%02X', ord $1}ger;
	return 'postgresql://' . ($role // 'kedge') . "\@$host/$database";
}

# Runs SQL as superuser; returns the rows as text, one per line, columns separated by |.
sub sql
{
	my ($self, $database, $sql) = @_;
	$self->{psql}{$database} //= Kedge::Psql->new('-d', $self->url_as('kedge', $database));
	return $self->{psql}{$database}->sql($sql);
}

sub try_sql
{
	my ($self, $database, $sql) = @_;
	return run({ in => $sql, env => { PGCONNECT_TIMEOUT => 5, LC_ALL => 'C.UTF-8' } },
	    tool('psql'), '-AtqX', '-v', 'ON_ERROR_STOP=1',
	    '-d', $self->url_as('kedge', $database));
}

# Runs SQL with the service's own role; returns (status, stdout, stderr).
sub sql_as_app
{
	my ($self, $service, $sql, $database) = @_;
	my $url = $self->database_url($service);
	$url =~ s{/\Q$service\E(?=\?|$)}{/$database} if defined $database;
	return run({ in => $sql, env => { PGCONNECT_TIMEOUT => 5 } },
	    tool('psql'), '-AtqX', '-v', 'ON_ERROR_STOP=1', '-d', $url);
}

sub redis
{
	my ($self, $service) = @_;
	my $url = $self->service_env($service)->{ uc($service) . '_REDIS_URL' };
	my ($path) = $url =~ /^unix:(.+)/ or die "no socket in $url";
	return Kedge::Redis->new("$self->{dir}/$path");
}

# Sends requests until auth has cached the session of $client: after a change of the
# user (first contact is one) the session is not cached for some seconds.
sub wait_cached
{
	my ($self, $client) = @_;
	my $redis = $self->redis('auth');
	return wait_until(
		sub {
			$client->get('/api/core/whoami');
			return
			    grep { ($redis->cmd('GET', $_) // '') =~ /\t\Q$client->{id}\E\t/ }
			    $redis->keys_like('*');
		},
		30);
}

# ---- processes -------------------------------------------------------------

# Returns every process of the stack as { pid, ppid, exe, cmd, state }.  The processes
# are recognised by their working directory, which is the stack's.
sub processes
{
	my ($self) = @_;
	my $dir = abs_path($self->{dir}) // $self->{dir};
	my @found;
	for my $proc (files('/proc', qr/^\d+$/)) {
		my $cwd = readlink "$proc/cwd" // next;
		next unless $cwd eq $dir || index($cwd, "$dir/") == 0;
		my $stat = slurp("$proc/stat") // next;
		next unless $stat =~ /^(\d+) \((.*)\) (\S) (\d+)/s;
		my ($pid, $comm, $state, $ppid) = ($1, $2, $3, $4);
		next if $state eq 'Z';
		my $cmd = slurp("$proc/cmdline") // '';
		$cmd =~ s/\0+$//;
		$cmd =~ s/\0/ /g;
		my $exe = basename(readlink("$proc/exe") // $comm);
		$exe =~ s/ \(deleted\)$//;
		push @found, { pid => $pid, ppid => $ppid, comm => $comm,
			exe => $exe, cmd => $cmd, state => $state };
	}
	@found = sort { $a->{pid} <=> $b->{pid} } @found;
	return @found;
}

# Returns process ids by kind: supervisor, nginx, nginx-worker, auth, core, wallet (the
# masters), auth-api, auth-verify, core-api, wallet-api, core-worker (their workers, by
# pool), postgres, redis-auth…
sub pids
{
	my ($self, $kind) = @_;
	my @all = $self->processes;
	my %by_pid = map { $_->{pid} => $_ } @all;
	my @out;
	for my $p (@all) {
		my $parent = $by_pid{ $p->{ppid} };
		my $leads = !$parent || $parent->{exe} ne $p->{exe};
		my $is =
		    $p->{exe} eq 'kedge' ? 'supervisor'
		    : $p->{exe} =~ /^nginx/ ? ($leads ? 'nginx' : 'nginx-worker')
		    : $p->{exe} eq 'postgres' ? ($leads ? 'postgres' : 'postgres-backend')
		    : $p->{exe} =~ /^redis/ ? 'redis-' . $self->redis_name($p)
		    : $leads ? $p->{exe}
		    : "$p->{exe}-" . $self->pool_name($p);
		push @out, $p->{pid} if $is eq $kind;
	}
	return @out;
}

# Returns the service to which a Redis process belongs, by its working directory or its
# socket.
sub redis_name
{
	my ($self, $p) = @_;
	my $cwd = readlink "/proc/$p->{pid}/cwd" // '';
	for my $text ($cwd, $p->{cmd}) {
		return $1 if $text =~ m{redis[/-]([a-z0-9]+)\b};
	}
	return '?';
}

# Returns the pool of a process, by its listening socket: it has that of its own pool
# and no other, and job workers have none.
sub pool_name
{
	my ($self, $p) = @_;
	my %listening;
	for my $line (split /\n/, slurp('/proc/net/unix')) {
		my (undef, undef, undef, $flags, undef, undef, $inode, $path) = split ' ', $line;
		$listening{$inode} = $path if defined $path && $flags eq '00010000';
	}
	for my $fd (files("/proc/$p->{pid}/fd")) {
		my ($inode) = (readlink $fd // '') =~ /^socket:\[(\d+)\]/ or next;
		return $listening{$inode} =~ /verify/ ? 'verify' : 'api'
		    if defined $listening{$inode};
	}
	return 'worker';
}

sub is_gone
{
	my ($pid) = @_;
	return !-d "/proc/$pid" || (slurp("/proc/$pid/stat") // '') !~ /\) [^Z] /;
}

# Kills processes and waits until they are gone; each must be a process of this stack.
# A process that has ended by itself meanwhile is no error.
sub kill_pid
{
	my ($self, $signal, @pids) = @_;
	my @all = $self->processes;
	my %ours = map { $_->{pid} => 1 } @all;
	# A PostgreSQL backend notices some time later that its postmaster is gone, and
	# may answer until then.
	my @with = grep { my $p = $_; $p->{exe} eq 'postgres' && grep { $_ == $p->{ppid} } @pids } @all;
	for my $pid (@pids) {
		next if is_gone($pid);
		die "not of this stack: $pid" unless $ours{$pid};
		kill $signal => $pid;
	}
	# A signal takes effect some time after it was sent, so wait for that.
	my $heeded = $signal eq 'KILL' ? \&is_gone : $signal eq 'STOP' ? \&is_stopped : return;
	push @pids, map { $_->{pid} } @with if $signal eq 'KILL';
	for my $pid (@pids) {
		wait_until(sub { $heeded->($pid) }, 10);
	}
	return;
}

# Returns whether the process is suspended, with all of its threads.
sub is_stopped
{
	my ($pid) = @_;
	return !grep { (slurp("$_/stat") // ') T ') !~ /\) [TtXZ] / } files("/proc/$pid/task");
}

# Waits until all services answer again, after a test has broken something.
sub wait_healthy
{
	my ($self, $deadline_s) = @_;
	return wait_until(sub {
		my $ok = 1;
		for my $service (services_of($self->{build})) {
			my $r = $self->monitor->get("/health/$service");
			$ok &&= $r->{status} == 200;
		}
		$ok;
	}, $deadline_s // 20);
}

sub log_text
{
	my ($self, $name) = @_;
	return join '', map { slurp($_) // '' } files("$self->{dir}/log", qr/^\Q$name\E.*\.log$/);
}

1;
