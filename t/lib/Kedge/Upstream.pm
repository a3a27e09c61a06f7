package Kedge::Upstream;

# A service in another language behind the guard of a stack: starts a stack whose
# kedge.json names a free port as the service's upstream, and the program on that port.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256 hmac_sha384);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use MIME::Base64 qw(decode_base64url encode_base64url);
use POSIX ();

use Kedge qw(jdecode jencode run slurp wait_until);

# Skip the test file when a program or its libraries are not installed.
sub need_python
{
	my (@modules) = @_;
	Kedge::skip_file('/usr/bin/python3 is not there') if !-x '/usr/bin/python3';
	for my $module (@modules) {
		Kedge::skip_file("Python has no module $module: install python3-$module")
		    if (run('/usr/bin/python3', '-c', "import $module"))[0] != 0;
	}
	return;
}

sub need_node
{
	my ($service, @modules) = @_;
	Kedge::need('node');
	for my $module (@modules) {
		Kedge::skip_file("services/$service has no package $module: run npm install there")
		    if !-d "$Kedge::ROOT/services/$service/node_modules/$module";
	}
	return;
}

sub start
{
	my ($class, $service, @command) = @_;
	# Options: dir (where the program runs).
	my $opt = ref $command[0] ? shift @command : {};
	my $port = Kedge::free_port();
	my $root = tempdir(CLEANUP => 1);
	chmod 0755, $root;
	my $spec = jdecode(slurp("$Kedge::ROOT/kedge.json"));
	my ($row) = grep { $_->{name} eq $service } @{ $spec->{services} };
	if (!$row) {
		$row = { name => $service, prefix => "/api/$service/", guard => 'standard' };
		push @{ $spec->{services} }, $row;
	}
	$row->{upstream} = "http://127.0.0.1:$port";
	symlink "$Kedge::ROOT/$_", "$root/$_" for qw(nginx sql mail web);
	open my $f, '>', "$root/kedge.json" or die "kedge.json: $!";
	print $f jencode($spec);
	close $f or die "kedge.json: $!";
	my $self = bless { service => $service, port => $port, root => $root,
		dir => $opt->{dir} // "$Kedge::ROOT/services/$service",
		stack => Kedge->up(env => { KEDGE_ROOT => $root }) }, $class;
	$self->begin(@command);
	return $self;
}

sub begin
{
	my ($self, @command) = @_;
	my $said = $self->{stack}->dir . '/log/program.log';
	$self->{pid} = fork // die "fork: $!";
	if ($self->{pid} == 0) {
		Kedge::in_child();
		chdir $self->{dir} or POSIX::_exit(126);
		$ENV{ uc($self->{service}) . '_LISTEN' } = "127.0.0.1:$self->{port}";
		open STDIN, '<', '/dev/null' or POSIX::_exit(126);
		open STDOUT, '>', $said or POSIX::_exit(126);
		open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
		exec { $command[0] } @command, '--stack', $self->{stack}->dir or POSIX::_exit(127);
	}
	my $ended;
	my $up = wait_until(sub {
		$ended = waitpid($self->{pid}, POSIX::WNOHANG) != 0;
		return $ended || IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port});
	}, 30);
	die "@command: ", slurp($said) // '' if !$up || $ended;
	return;
}

sub stack { return $_[0]{stack} }

# Asks the program itself, without nginx.
sub ask
{
	my ($self, $path, $assertion) = @_;
	return Kedge::Client->new(base => "http://127.0.0.1:$self->{port}")->get($path,
		headers => { defined $assertion ? ('Kedge-Identity' => $assertion) : () });
}

# Signs claims as auth does.  Options: key (32 bytes), alg.
sub sign
{
	my ($self, $claims, %opt) = @_;
	my $name = uc($self->{service}) . '_IDENTITY_KEY';
	my $env = $self->{stack}->service_env($self->{service});
	my $key = $opt{key} // decode_base64url(
		($env->{$name} // slurp($env->{"${name}_FILE"})) =~ s/\s+//gr);
	my $alg = $opt{alg} // 'HS256';
	my $text = join '.', map { encode_base64url(jencode($_)) } { alg => $alg, typ => 'JWT' }, $claims;
	my $mac = $alg eq 'HS256' ? hmac_sha256($text, $key)
	    : $alg eq 'HS384' ? hmac_sha384($text, $key) : '';
	return "$text." . encode_base64url($mac);
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $!);
	return if !$self->{pid};
	kill TERM => $self->{pid};
	waitpid $self->{pid}, 0;
	return;
}

1;
