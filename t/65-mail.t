# Mail through a real mail server (t/lib/smtp_server.py): a message is tried again while
# the server stalls, says 4xx or drops the line, is given up with the reason at 5xx, is
# sent once, and leaves nothing behind; a wrong configuration stops the service.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use Test::More;
use Kedge qw(jdecode run slurp wait_until);

plan skip_all => 'python3-aiosmtpd is not there (./kedge setup test)'
    if system('/usr/bin/python3', '-c', 'import aiosmtpd') != 0;

my $dir = tempdir(CLEANUP => 1);
system("cd $dir && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    . " -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out ca.pem 2>err && cat key.pem ca.pem >cert.pem") == 0
    or BAIL_OUT('openssl: ' . slurp("$dir/err"));
my $server = fork // die "fork: $!";
if ($server == 0) {
	Kedge::in_child();
	open STDERR, '>', "$dir/stderr";
	exec('/usr/bin/python3', "$FindBin::Bin/lib/smtp_server.py", $dir) or POSIX::_exit(127);
}
END { kill 'KILL', $server if $server }
ok(wait_until(sub { -e "$dir/ports" }, 20), 'the mail server has started');
my %port = map { split / / } split /\n/, slurp("$dir/ports");

sub mode { my ($m) = @_; open my $f, '>', "$dir/mode" or die; print $f $m; close $f; return }
sub taken { return map { jdecode(slurp($_)) } sort { ($a =~ /(\d+)\.json/)[0] <=> ($b =~ /(\d+)\.json/)[0] } glob "$dir/*.json" }
my %base = (AUTH_MAIL_FROM => "M\x{c3}\x{bc}ller & Co. <kedge\@example.org>", AUTH_MAIL_TIMEOUT_MS => 700,
	AUTH_MAIL_CA_FILE => "$dir/ca.pem");

mode('accept');
my $k = Kedge->up(env => { %base, AUTH_MAIL_URL => "smtp://127.0.0.1:$port{auth}", AUTH_MAIL_USER => 'kedge',
	AUTH_MAIL_PASSWORD => 'secret' });
my $ann = $k->user('ann');
sub ask { return $k->client->post('/api/auth/request-password-reset', { email => $ann->{email} }) }
sub newest { return $k->sql('auth', q{SELECT id FROM job WHERE kind = 'mail.send' ORDER BY id DESC LIMIT 1}) }
sub state_of { my ($id) = @_; return $k->sql('auth', "SELECT state FROM job WHERE id = '$id'") }
# The next attempt is made now, not after the pause.
sub hurry { my ($id) = @_; $k->kedge('jobs', 'auth', 'retry', $id) if state_of($id) eq 'retryable'; return }
sub reason { my ($id) = @_; return $k->sql('auth', "SELECT attempts[array_upper(attempts, 1)] ->> 'error' FROM job WHERE id = '$id'") }

is(ask()->{status}, 200, 'a message is asked for');
ok(wait_until(sub { taken() == 1 }, 20), 'the server takes it over') or diag($k->log_text('auth'));
my $mail = (taken())[0];
is($mail->{from}, 'kedge@example.org', 'from the sender');
is_deeply($mail->{to}, [ $ann->{email} ], 'to the user');
ok($mail->{tls} && $mail->{auth}, 'over TLS, after signing in');
like($mail->{data}, qr/^From: =\?UTF-8\?B\?TcO8bGxlciAmIENvLg==\?=\r\n <kedge\@example\.org>\r\n/m, 'the name of the sender is encoded');
my $first = newest();
like($mail->{data}, qr/^Message-ID: <\Q$first\E\@example\.org>\r$/m, 'the Message-ID is that of the job');
ok(wait_until(sub { $k->sql('auth', 'SELECT count(*) FROM kedge_mail') eq '0' }, 10), 'no row is left');

# ---- failures that pass -----------------------------------------------------------------

for my $row ([ 'defer-rcpt' => qr/450 4\.2\.1/ ], [ 'defer-data' => qr/451 4\.3\.0/ ], [ 'busy' => qr/421/ ],
	[ 'stall-mail' => qr/timed out|Timeout|aborted/i ], [ 'stall-data' => qr/timed out|Timeout|aborted/i ], [ 'drop-data' => qr/\S/ ]) {
	my ($how, $why) = @$row;
	my $before = taken();
	mode($how);
	ask();
	my $id = newest();
	ok(wait_until(sub { state_of($id) eq 'retryable' }, 20), "$how: it is to be tried again")
	    or diag(state_of($id), reason($id));
	is(taken() - $before, 0, "$how: nothing was taken over");
	like(reason($id), $why, "$how: the reason is kept");
	mode('accept');
	hurry($id);
	ok(wait_until(sub { hurry($id); state_of($id) eq 'completed' }, 20), "$how: the next attempt succeeds") or diag(state_of($id));
	is(taken() - $before, 1, "$how: one message was taken over");
	like((taken())[-1]{data}, qr/^Message-ID: <\Q$id\E\@/m, "$how: with the id of the job");
}

# The server accepts the message, and closes the connection before it has answered.
my $before = taken();
mode('drop-end');
ask();
my $id = newest();
ok(wait_until(sub { taken() > $before && state_of($id) eq 'retryable' }, 20), 'drop-end: taken over without an answer');
mode('accept');
ok(wait_until(sub { hurry($id); state_of($id) eq 'completed' }, 20), 'drop-end: it is sent again');
my @twice = (taken())[ $before .. taken() - 1 ];
is(scalar @twice, 2, 'drop-end: that is the one case in which it arrives twice');
is($twice[0]{data}, $twice[1]{data}, 'drop-end: the same message, to the last byte');

# ---- failures for good ------------------------------------------------------------------

for my $row ([ 'reject-rcpt' => qr/550 5\.1\.1 there is no such mailbox/ ], [ 'reject-data' => qr/554 5\.6\.0/ ], [ 'reject-mail' => qr/550 5\.7\.1/ ]) {
	my ($how, $why) = @$row;
	mode($how);
	ask();
	$id = newest();
	ok(wait_until(sub { state_of($id) eq 'discarded' }, 20), "$how: it is given up") or diag(state_of($id));
	like(reason($id), $why, "$how: the reason is kept");
	is($k->sql('auth', 'SELECT count(*) FROM kedge_mail'), '0', "$how: the link is not");
}
mode('accept');
like($k->log_text('auth'), qr/"msg":"mail failed".*"code":550/, 'failures are logged');
unlike($k->log_text('auth'), qr{reset-password/[A-Za-z0-9]{43}\?callback}, 'without the link');
unlike($k->log_text('auth'), qr/"msg":"mail [^}]*\Q$ann->{email}\E/, 'or the address');

# A message whose link has expired is not sent any more.
mode('defer-rcpt');
ask();
$id = newest();
ok(wait_until(sub { state_of($id) eq 'retryable' }, 20), 'a message waits');
$k->sql('auth', q{UPDATE kedge_mail SET expires_at = now() - interval '1 s'});
mode('accept');
ok(wait_until(sub { hurry($id); state_of($id) eq 'discarded' }, 20), 'when its link has expired, it is given up');
like(reason($id), qr/expired/, 'and says so');

ok($k->destroy, 'the logs have no sanitizer report or failed assertion');

# ---- a server without TLS, a wrong password, wrong settings -------------------------------

$k = Kedge->up(env => { %base, AUTH_MAIL_URL => "smtp://127.0.0.1:$port{plain}" });
$ann = $k->user('ann');
$before = taken();
ask();
$id = newest();
ok(wait_until(sub { state_of($id) eq 'retryable' }, 20), 'without STARTTLS nothing is sent') or diag(state_of($id));
is(taken() - $before, 0, 'nothing at all');
ok($k->destroy, 'the logs have no sanitizer report or failed assertion');

$k = Kedge->up(env => { %base, AUTH_MAIL_URL => "smtp://127.0.0.1:$port{auth}", AUTH_MAIL_USER => 'kedge', AUTH_MAIL_PASSWORD => 'wrong' });
$ann = $k->user('ann');
ask();
$id = newest();
ok(wait_until(sub { state_of($id) eq 'retryable' }, 20), 'with a wrong password the message waits until it is right') or diag(state_of($id));
like(reason($id), qr/535/, 'and the reason is kept');

# An operator's template with a placeholder that does not exist.
my $own = $k->dir . '/mail-templates';
mkdir $own or die "$own: $!";
open my $f, '>', "$own/reset-password.en.txt" or die;
print $f "Subject: Mine\n\nHello {{name}}, {{url}}\n";
close $f;
my @doctor = $k->kedge('doctor');
like("$doctor[1]$doctor[2]", qr/mail templates: reset-password\.en\.txt, line 3: there is no placeholder \{\{name\}\}/, 'kedge doctor finds a wrong template')
    or diag(@doctor);
unlink "$own/reset-password.en.txt";

my $auth = Kedge->binary('auth');
my %env = (%{ $k->service_env('auth') }, AUTH_LOG_LEVEL => 'error');
for my $row ([ { AUTH_MAIL_URL => 'http://x' }, 'AUTH_MAIL_URL' ], [ { AUTH_MAIL_FROM => 'x' }, 'AUTH_MAIL_FROM' ],
	[ { AUTH_MAIL_TLS => 'opportunistic', AUTH_MAIL_URL => 'smtp://mx.example.org', AUTH_MAIL_PASSWORD => 'p' }, 'AUTH_MAIL_TLS' ],
	[ { AUTH_MAIL_SHIPPED => "$dir/none" }, 'invalid mail templates' ]) {
	my ($more, $named) = @$row;
	my ($status, $out, $err) = run({ env => { %env, %$more }, timeout => 20 }, $auth, '--check');
	isnt($status, 0, "auth does not start with a wrong $named");
	like("$out$err", qr/$named/, 'and names it') or diag($out, $err);
}
ok($k->destroy, 'the logs have no sanitizer report or failed assertion');
done_testing;
