package Kedge::Mail;

# Reads the messages that a stack has sent: the .eml files in its directory mail.
#
# 	my $m = Kedge::Mail::to($k, 'ann@example.com');       # the newest, or waits for one
# 	get($m->{url});  $m->{subject}, $m->{text}, $m->{html}, $m->{id}, $m->{raw}

use strict;
use warnings;

use MIME::Base64 qw(decode_base64);
use MIME::QuotedPrint qw(decode_qp);
use Test::More;

use Kedge qw(slurp wait_until);

sub decode_words
{
	my ($s) = @_;
	$s =~ s/\r?\n[ \t]+/ /g;
	$s =~ s/\?=\s+=\?/?==?/g;
	$s =~ s/=\?UTF-8\?B\?([^?]*)\?=/decode_base64($1)/ge;
	return $s;
}

sub parse
{
	my ($raw) = @_;
	my ($head, $body) = split /\r\n\r\n/, $raw, 2;
	my %m = (raw => $raw);
	my $unfolded = $head =~ s/\r\n[ \t]+/ /gr;
	for (split /\r\n/, $unfolded) {
		my ($name, $value) = split /: ?/, $_, 2;
		$m{header}{ lc $name } = decode_words($value);
	}
	($m{to}) = $m{header}{to} =~ /<([^<>]+)>$/;
	$m{subject} = $m{header}{subject};
	($m{id}) = $m{header}{'message-id'} =~ /^<([^@]+)@/;
	my ($boundary) = $m{header}{'content-type'} =~ /boundary="([^"]+)"/;
	for my $part ($boundary ? split /\r\n--\Q$boundary\E(?:--)?\r\n|^--\Q$boundary\E\r\n/, $body : ()) {
		my ($h, $text) = split /\r\n\r\n/, $part, 2;
		next unless defined $text;
		$text = decode_qp($text) if $h =~ /quoted-printable/;
		$text =~ s/\r\n/\n/g;
		$m{ $h =~ m{text/html} ? 'html' : 'text' } = $text;
	}
	($m{url}) = ($m{text} // '') =~ m{^(https?://\S+)$}m;
	return \%m;
}

# All messages, in the order in which they were enqueued.
sub all
{
	my ($k) = @_;
	my $dir = $k->dir . '/mail';
	opendir my $d, $dir or return;
	my @files = sort grep { /^[^.].*\.eml$/ } readdir $d;
	closedir $d;
	return map { parse(slurp("$dir/$_")) } @files;
}

sub count { my ($k, $to) = @_; return scalar grep { $_->{to} eq $to } all($k) }

# Waits until at least n messages have gone to the address, and returns the newest.
sub to
{
	my ($k, $to, $n) = @_;
	$n //= 1;
	my @found;
	wait_until { @found = grep { $_->{to} eq $to } all($k); @found >= $n } 20;
	BAIL_OUT("no mail to $to arrives: " . $k->log_text('auth')) if @found < $n;
	return $found[-1];
}

# Waits until no message waits any more.
sub settle
{
	my ($k) = @_;
	return wait_until { $k->sql('auth', 'SELECT count(*) FROM kedge_mail') eq '0' } 20;
}

# The path of a link on this stack, for a client.
sub path { my ($url) = @_; return $url =~ s{^https?://[^/]+}{}r }

1;
