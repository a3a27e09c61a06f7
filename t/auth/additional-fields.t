# Columns of the application in the tables user and session, as BetterAuth's option
# additionalFields declares them: the answers are BetterAuth's.  A declaration that is
# wrong, or that does not fit the database, is refused at start.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp qw(tempdir);
use Test::More;
use Kedge qw(jdecode jencode run run_tap);
use Kedge::Node;
use Kedge::Page;

Kedge::Node::ready();
my $fields = {
	user => {
		plan => { type => 'string', required => \0, input => \0, defaultValue => 'free' },
		credit => { type => 'number', required => \0, input => \0 },
		nickname => { type => 'string', required => \1 },
		points => { type => 'number', required => \0 },
		wantsMail => { type => 'boolean', required => \0, defaultValue => \1 },
		birthday => { type => 'date', required => \0 },
		tags => { type => 'string[]', required => \0 },
		note => { type => 'string', required => \0, returned => \0 },
		team => { type => 'string', required => \0, fieldName => 'team_name' },
	},
	session => {
		theme => { type => 'string', required => \0, defaultValue => q{it's "light"} },
		visits => { type => 'number', required => \0, defaultValue => 1 },
		secret => { type => 'string', required => \0, returned => \0, defaultValue => 's' },
	},
};

# ---- what is refused -----------------------------------------------------------------

my $auth = Kedge->binary('auth');
my $dir = tempdir(CLEANUP => 1);
for my $row (
	[ 'no JSON', '{', qr/no JSON/ ],
	[ 'a list', '[]', qr/it must be an object/ ],
	[ 'a file that there is not', "$dir/none.json", qr/none\.json cannot be read/ ],
	[ 'a table of another kind', '{"account":{}}', qr/fields are those of \\"user\\" or \\"session\\"/ ],
	[ 'a field without a type', '{"user":{"a":{}}}', qr/user\.a: type is missing/ ],
	[ 'an unknown type', '{"user":{"a":{"type":"json"}}}', qr/user\.a: type must be/ ],
	[ 'an unknown key', '{"user":{"a":{"type":"string","requird":true}}}', qr/there is no key \\"requird\\"/ ],
	[ 'a flag that is none', '{"user":{"a":{"type":"string","input":"no"}}}', qr/input must be true or false/ ],
	[ 'a default of another type', '{"user":{"a":{"type":"number","defaultValue":"1"}}}', qr/defaultValue is not/ ],
	[ 'a name with a quote', '{"user":{"a\"b":{"type":"string"}}}', qr/a name has letters, digits/ ],
	[ 'a column with a quote', '{"user":{"a":{"type":"string","fieldName":"b c"}}}', qr/fieldName must be a name/ ],
	[ 'the flag of the second factor', '{"user":{"twoFactorEnabled":{"type":"boolean"}}}', qr/meaning of its own/ ],
	[ 'its column', '{"user":{"a":{"type":"boolean","fieldName":"twoFactorEnabled"}}}', qr/meaning of its own/ ],
	[ 'a member of another part', '{"user":{"hasCoreAccount":{"type":"boolean"}}}', qr/meaning of its own/ ],
	[ 'a column of BetterAuth', '{"user":{"a":{"type":"boolean","fieldName":"emailVerified"}}}', qr/has the column/ ],
	[ 'a column of a plugin', '{"user":{"role":{"type":"string"}}}', qr/both have/ ],
	[ 'a member of the session', '{"session":{"token":{"type":"string"}}}', qr/has the column/ ],
	)
{
	my ($name, $value, $like) = @$row;
	my ($status, $out, $err) = run({ env => { AUTH_ADDITIONAL_FIELDS => $value } }, $auth, '--openapi');
	is($status, 1, "$name is refused");
	like($err, $like, "$name: the log says why");
}

# The example of docs/COMPATIBILITY.md.
my ($example) = grep { $_->{language} eq 'json' } Kedge::Page->new('docs/COMPATIBILITY.md')->blocks;
my ($status, $out, $err) = run({ env => { AUTH_ADDITIONAL_FIELDS => $example->{text} } }, $auth, '--openapi');
is($status, 0, 'the example of the manual is right') or diag($err);
like($out, qr/"team":\{/, 'and its field is documented');

# ---- the columns -----------------------------------------------------------------------

my $k = Kedge->up;
$k->down;
$k->{env}{AUTH_ADDITIONAL_FIELDS} = jencode($fields);
($status, $out, $err) = $k->kedge('up', '--port', 0, '--detach');
is($status, 1, 'auth does not start without the columns');
my %statement;
# The error of "up" and the log have the lines as JSON.
for my $line (split /\n/, "$out$err" . ($k->log_text('auth') // '')) {
	my ($json) = $line =~ /(\{.*\})/ or next;
	my $event = jdecode($json) or next;
	$statement{ $event->{statement} } = 1 if $event->{statement};
}
is_deeply([ sort keys %statement ], [ sort(
		(map {qq{ALTER TABLE "user" ADD "$_->[0]" $_->[1]}} [ plan => 'text' ], [ credit => 'integer' ],
			[ nickname => 'text' ], [ points => 'integer' ], [ wantsMail => 'boolean' ], [ birthday => 'timestamptz' ],
			[ tags => 'jsonb' ], [ note => 'text' ], [ team_name => 'text' ]),
		(map {qq{ALTER TABLE "session" ADD "$_->[0]" $_->[1]}} [ theme => 'text' ], [ visits => 'integer' ],
			[ secret => 'text' ])) ], 'the log has the statement for each') or diag("$out$err");
delete $k->{env}{AUTH_ADDITIONAL_FIELDS};
$k->start;
$k->sql('auth', $_) for sort keys %statement;
$k->sql('auth', 'ALTER TABLE "user" ALTER points TYPE text');
$k->down;
open my $file, '>', "$dir/fields.json" or die "$dir/fields.json: $!";
print $file jencode($fields);
close $file;
$k->{env}{AUTH_ADDITIONAL_FIELDS} = "$dir/fields.json";
($status, $out, $err) = $k->kedge('up', '--port', 0, '--detach');
is($status, 1, 'auth does not start with a column of another type');
like("$out$err" . $k->log_text('auth'), qr/ALTER TABLE \\"user\\" ALTER \\"points\\" TYPE integer/,
	'the log has the statement for it');
delete $k->{env}{AUTH_ADDITIONAL_FIELDS};
$k->start;
$k->sql('auth', 'ALTER TABLE "user" ALTER points TYPE integer USING points::integer');
$k->down;
$k->{env}{AUTH_ADDITIONAL_FIELDS} = "$dir/fields.json";
$k->start;

# ---- compared with BetterAuth ------------------------------------------------------------

$k->sql('postgres', 'CREATE DATABASE oracle');
my $oracle = Kedge::Node->oracle(
	version => '1.7.25', database => $k->node_url('oracle'),
	secret => $k->service_env('auth')->{AUTH_SECRET},
	options => jencode({ map { $_ => { additionalFields => $fields->{$_} } } keys %$fields }));
run_tap('node', "$Kedge::ROOT/t/compat/differential.mjs", '--script', 'additional-fields',
	'--a', $oracle->{base}, '--a-db', $k->node_url('oracle'), '--b', $k->base, '--b-db', $k->node_url('auth'));
is($k->sql('auth', q{SELECT note FROM "user" WHERE email = 'empty@example.com'}), '', 'a hidden field is stored');
is($k->sql('auth', q{SELECT DISTINCT secret FROM session}), 's', 'a hidden field of a session, too');
# Of a bigint, PostgreSQL's driver for Node.js makes a text.
for my $database ('auth', 'oracle') {
	$k->sql($database, 'ALTER TABLE "user" ALTER credit TYPE bigint');
	$k->sql($database, q{UPDATE "user" SET credit = 9007199254740993});
}
my ($ours, $theirs) = map { my $c = Kedge::Client->new(base => $_);
	$c->post('/api/auth/sign-in/email', { email => 'min@example.com', password => 'correct horse battery' }) }
    $k->base, $oracle->{base};
is($ours->{json}{user}{credit}, '9007199254740993', 'a bigint keeps its value');
is_deeply([ map { $_->{body} =~ /("credit":[^,]+)/ } $ours ], [ map { $_->{body} =~ /("credit":[^,]+)/ } $theirs ],
	'a bigint has the form that BetterAuth writes');
# OpenAPI documents the fields.
my $openapi = $k->client->get('/api/auth/openapi.json')->{json};
my $user = $openapi->{components}{schemas}{User};
ok($user->{properties}{nickname}, 'OpenAPI has a field of the user');
ok(!$user->{properties}{note}, 'OpenAPI has no hidden field');
ok($k->destroy, 'the logs have no sanitizer report or failed assertion');
done_testing;
