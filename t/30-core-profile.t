# GET and PATCH /api/core/me: the user's profile.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Kedge;

my $k = Kedge->up;
my $alice = $k->user('alice');
my $me = '/api/core/me';
my $r = $alice->get($me);
is($r->{status}, 200, 'the first request creates a profile');
is($r->{json}{userId}, $alice->{id}, 'a user gets the own profile');
is($r->{json}{displayName}, undef, 'a new profile has no display name');
is($r->{json}{timezone}, 'UTC', 'a new profile has the time zone UTC');
like($r->{json}{createdAt}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
	'the times of a profile are RFC 3339 in UTC');

my @good = (
	[ displayName => 'Alice', 'Alice' ], [ displayName => 'x', 'x' ],
	[ displayName => "\x{1F600}" x 100, "\x{1F600}" x 100 ],
	[ displayName => '<b>"&\\', '<b>"&\\' ], [ displayName => undef, undef ],
	[ timezone => 'Europe/Berlin', 'Europe/Berlin' ],
	[ timezone => 'America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires' ],
	[ timezone => 'UTC', 'UTC' ], [ timezone => 'Asia/Kolkata', 'Asia/Kolkata' ],
	# Old names of time zones that browsers send are stored unchanged.
	(map { [ timezone => $_, $_ ] }
		    qw(Asia/Calcutta Asia/Saigon Asia/Katmandu Europe/Kiev America/Buenos_Aires)),
	[ locale => 'de', 'de' ], [ locale => 'de-CH', 'de-CH' ],
	[ locale => 'zh-Hant-TW', 'zh-Hant-TW' ],
	[ locale => 'EN-us', 'en-US' ], [ locale => 'sr-Latn-RS', 'sr-Latn-RS' ],
	[ locale => 'es-419', 'es-419' ],
	[ locale => 'de-1996', 'de-1996' ], [ locale => 'en-u-ca-gregory', 'en-u-ca-gregory' ],
);
for my $row (@good) {
	my ($field, $value, $want) = @$row;
	my $name = "$field " . Kedge::jencode($value);
	my $r = $alice->patch($me, { $field => $value });
	is($r->{status}, 200, $name) or diag($r->{body});
	is($r->{json}{$field}, $want, "$name: the answer has the new value");
	is($alice->get($me)->{json}{$field}, $want, "$name: the new value is stored");
}
my @bad = (
	[ displayName => '' ], [ displayName => 'x' x 101 ], [ displayName => 7 ],
	[ displayName => [] ], [ displayName => \1 ], [ displayName => '  ' ],
	[ displayName => "evil\x{7}" ], [ displayName => "a\tb" ],
	[ timezone => '' ], [ timezone => 'Nowhere/Land' ], [ timezone => '../../etc/passwd' ],
	[ timezone => '/etc/passwd' ],
	[ timezone => 'Europe' ], [ timezone => 'Europe/' ], [ timezone => 'europe/berlin' ],
	[ timezone => 'Europe/Berlin ' ],
	[ timezone => 'posixrules' ], [ timezone => 'tzdata.zi' ], [ timezone => 'zone.tab' ],
	[ timezone => 'leapseconds' ],
	[ timezone => '+02:00' ], [ timezone => 'x' x 1000 ], [ timezone => undef ],
	[ timezone => 2 ], [ timezone => 'Europe//Berlin' ],
	[ timezone => 'Europe/./Berlin' ], [ timezone => 'posix/UTC' ], [ timezone => 'right/UTC' ],
	[ locale => '' ], [ locale => 'x' ], [ locale => 'de_DE' ], [ locale => 'de-' ],
	[ locale => '-de' ], [ locale => 'de--CH' ],
	[ locale => 'deutsch-land-und-mehr' ], [ locale => 'abcdefghi' ], [ locale => 'de-CH ' ],
	[ locale => 'de-€' ], [ locale => undef ],
	[ locale => 'en-u' ], [ locale => 'de-DE-DE-DE' ], [ locale => '12' ], [ locale => 7 ],
	[ userId => 'x' ], [ createdAt => '2020-01-01T00:00:00Z' ], [ surprise => 1 ],
);
my $before = $alice->get($me)->{body};
for my $row (@bad) {
	my ($field, $value) = @$row;
	my $name = "$field " . substr Kedge::jencode($value), 0, 40;
	my $r = $alice->patch($me, { $field => $value });
	is($r->{status}, 400, "$name: the change is refused") or diag($r->{body});
	is($r->{json}{fields}[0]{field}, $field, "$name: the error names the field");
}
is($alice->get($me)->{body}, $before, 'a refused change leaves the profile as it was');
$r = $alice->patch($me, { displayName => 'Both', timezone => 'Nowhere/Land' });
is($r->{status}, 400, 'a change with an invalid field is refused');
is($alice->get($me)->{body}, $before, 'a change with one invalid field is refused as a whole');
is($alice->patch($me, {})->{status}, 200, 'an empty change is accepted');
is($alice->patch($me, { timezone => 'Europe/Paris' })->{json}{locale}, 'en-u-ca-gregory',
	'fields that PATCH does not name keep their values');

my $bob = $k->user('bob');
is($bob->get($me)->{json}{timezone}, 'UTC', "another user's profile has its own time zone");
isnt($bob->get($me)->{json}{userId}, $alice->{id}, "another user's profile has another user id");
done_testing;
