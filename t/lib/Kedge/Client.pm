package Kedge::Client;

# One browser: it has cookies, sends an Origin, and uses JSON in both directions.  A
# response is a hash: status, headers (lower case), body, json, cookies (Set-Cookie
# lines).

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP ();

my $json = JSON::PP->new->utf8->allow_nonref->canonical;

sub new
{
	my ($class, %opt) = @_;
	return bless {
		base => $opt{base},
		origin => exists $opt{origin} ? $opt{origin} : $opt{base},
		jar => {},
		http => HTTP::Tiny->new(timeout => $opt{timeout} // 20,
		    max_redirect => 0, agent => 'kedge-test',
		    keep_alive => $opt{keep_alive} // 1),
	}, $class;
}

# Options: json, body, type, headers, origin (undef: none), cookie (a Cookie header
# instead of the jar's cookies; the response's cookies are then not stored; '' for
# none).
sub request
{
	my ($self, $method, $path, %opt) = @_;
	my %headers = %{ $opt{headers} // {} };
	my $cookie = $opt{cookie} // $self->cookie_header;
	$headers{Cookie} = $cookie if $cookie ne '';
	my $origin = exists $opt{origin} ? $opt{origin} : $self->{origin};
	$headers{Origin} = $origin if defined $origin;
	my %args = (headers => \%headers);
	if (exists $opt{json}) {
		$args{content} = $json->encode($opt{json});
		$headers{'Content-Type'} = 'application/json';
	} elsif (defined $opt{body}) {
		$args{content} = $opt{body};
	}
	$headers{'Content-Type'} = $opt{type} if defined $opt{type};
	my $url = $path =~ /^http:/ ? $path : $self->{base} . $path;
	# HTTP::Tiny repeats a GET by itself when the connection closes, which would
	# hide the failure of the first attempt.  It calls `peer` for each attempt.  (A
	# kept connection that is closed before it is used does not count as an
	# attempt.)
	my $attempts = 0;
	$args{peer} = sub {
		die "the connection was closed without an answer\n" if $attempts++;
		return $_[0];
	};
	my $r = $self->{http}->request($method, $url, \%args);
	# Status 599 is an error of HTTP::Tiny itself, so print its text.
	print STDERR "# $method $path: $r->{content}" if $r->{status} == 599 && !$self->{quiet};
	my $lines = $r->{headers}{'set-cookie'} // [];
	$lines = [$lines] unless ref $lines;
	$self->keep($lines) unless defined $opt{cookie};
	return {
		status => $r->{status},
		reason => $r->{reason},
		headers => $r->{headers},
		body => $r->{content},
		json => scalar eval { $json->decode($r->{content}) },
		cookies => $lines,
	};
}

sub get { my ($self, $path, %o) = @_; return $self->request(GET => $path, %o) }
sub del { my ($self, $path, %o) = @_; return $self->request(DELETE => $path, %o) }

sub post
{
	my ($self, $path, $data, %opt) = @_;
	return $self->request(POST => $path, (defined $data ? (json => $data) : ()), %opt);
}

sub patch
{
	my ($self, $path, $data, %opt) = @_;
	return $self->request(PATCH => $path, (defined $data ? (json => $data) : ()), %opt);
}

sub sign_in
{
	my ($self, %opt) = @_;
	return $self->post('/api/auth/sign-in/email', {
		email => $self->{email}, password => $self->{password}, %opt });
}

sub sign_out { return $_[0]->post('/api/auth/sign-out', {}) }

sub session { return $_[0]->get('/api/auth/get-session')->{json} }

sub keep
{
	my ($self, $lines) = @_;
	for my $line (@$lines) {
		my ($pair, @attributes) = split /;\s*/, $line;
		my ($name, $value) = split /=/, $pair, 2;
		if (grep { /^Max-Age=0$/i } @attributes) {
			delete $self->{jar}{$name};
		} else {
			$self->{jar}{$name} = $value;
		}
	}
	return;
}

sub cookie_header
{
	my ($self) = @_;
	return join '; ', map { "$_=$self->{jar}{$_}" } sort keys %{ $self->{jar} };
}

# Returns another browser with the same cookies, such as a thief's or a second tab.
sub copy
{
	my ($self, %opt) = @_;
	my $c = Kedge::Client->new(base => $self->{base}, %opt);
	@$c{qw(name email password id token)} = @$self{qw(name email password id token)};
	$c->{jar} = { %{ $self->{jar} } };
	return $c;
}

1;
