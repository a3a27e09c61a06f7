package Kedge::Totp;

# An authenticator app (RFC 6238).

use strict;
use warnings;

use Digest::SHA qw(hmac_sha1);
use Exporter 'import';

our @EXPORT_OK = qw(code);

# The code that an app shows which has read this otpauth address, some periods from now.
sub code
{
	my ($uri, $periods) = @_;
	my ($secret) = $uri =~ /secret=([A-Z2-7]+)/;
	my $bits = join '', map { sprintf '%05b', index('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', $_) } split //, $secret;
	my $key = pack 'B*', substr $bits, 0, 8 * int(length($bits) / 8);
	my $mac = hmac_sha1(pack('Q>', int(time / 30) + ($periods // 0)), $key);
	my $at = ord(substr $mac, -1) & 15;
	return sprintf '%06d', (unpack('N', substr $mac, $at, 4) & 0x7fffffff) % 1_000_000;
}

1;
