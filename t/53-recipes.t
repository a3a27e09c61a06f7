# docs/RECIPES.md: each program is executed against a stack.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Kedge qw(jdecode jencode need run run_tap slurp tool wait_until);
use Kedge::Node;
use Kedge::Page;
use Kedge::Upstream;

need(qw(curl));
Kedge::Node::ready();
Kedge::Upstream::need_python(qw(jwt));
my $page = Kedge::Page->new('docs/RECIPES.md');
my ($chromium) = grep {defined} map { tool($_) } qw(chromium chromium-browser google-chrome);
my $dir = tempdir('kedge-recipes-XXXXXX', DIR => $ENV{TMPDIR}, CLEANUP => 1);
chmod 0755, $dir;

sub put
{
	my ($path, $text) = @_;
	my ($folder) = "$dir/$path" =~ m{^(.*)/};
	system('mkdir', '-p', $folder) == 0 or die $folder;
	open my $file, '>', "$dir/$path" or die "$path: $!";
	print {$file} $text;
	close $file or die "$path: $!";
	return "$dir/$path";
}

# Each program is named in its first line.
my %program;
for my $block (grep { $_->{language} =~ /^(?:js|python)$/ } $page->blocks) {
	my ($path) = $block->{text} =~ m{\A(?:// |""")([\w./]+)};
	ok(defined $path, "$block->{section}: the first line names the file") or next;
	$program{$path} = put($path, $block->{text});
}
is_deeply([ sort keys %program ],
	[qw(app.js change.js hooks.mjs hooks.py pages.js retry.js services/board/board.py services/pages/pages.mjs session.js)],
	'the page has these programs');
put('package.json', '{"type":"module"}');
symlink "$Kedge::ROOT/t/compat/node_modules", "$dir/node_modules" or die $!;
put('web/index.html', '<!doctype html><title>tasks</title>');

# The services, with what `kedge add` makes for them.
my %port = map { $_ => Kedge::free_port() } qw(pages board hooks.mjs hooks.py);
my $spec = jdecode(slurp("$Kedge::ROOT/kedge.json"));
my ($row) = map { jdecode($_->{text}) } $page->blocks('json');
is($row->{name}, 'pages', 'the page shows the row of pages');
for my $name (qw(pages board)) {
	push @{ $spec->{services} },
	    { %$row, name => $name, prefix => "/$name/", upstream => "http://127.0.0.1:$port{$name}" };
	my $template = $name eq 'pages' ? 'node/identity.mjs' : 'python/identity.py';
	my $text = slurp("$Kedge::ROOT/templates/$template.in");
	my $upper = uc $name;
	$text =~ s/\{\{service\}\}/$name/g;
	$text =~ s/\{\{SERVICE\}\}/$upper/g;
	put("services/$name/" . $template =~ s{.*/}{}r, $text);
}
put('kedge.json', jencode($spec));
symlink "$Kedge::ROOT/$_", "$dir/$_" for qw(nginx sql mail);
my $k = Kedge->up(args => [ '--web', "$dir/web" ], env => { KEDGE_ROOT => $dir,
	AUTH_PLUGINS => 'email-password,admin,bearer', WALLET_WEBHOOK_ALLOW_PRIVATE => 'on' });

# ---- clients -------------------------------------------------------------------------------

my $alice = $k->user('alice');
run_tap('node', "$Kedge::ROOT/t/compat/recipes.mjs", '--base', $k->base, '--dir', $dir, '--email', $alice->{email},
	$chromium ? ('--chromium', $chromium) : ());

# ---- programs that wait for requests -------------------------------------------------------

my %pid;
END {
	local $?;
	kill TERM => values %pid;
	waitpid $_, 0 for values %pid;
}

sub begin
{
	my ($name, $port, $env, @command) = @_;
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		Kedge::in_child();
		%pid = ();
		@ENV{ keys %$env } = values %$env;
		open STDIN, '<', '/dev/null' or POSIX::_exit(126);
		open STDOUT, '>', "$dir/$name.out" or POSIX::_exit(126);
		open STDERR, '>', "$dir/$name.err" or POSIX::_exit(126);
		exec { $command[0] } @command or POSIX::_exit(127);
	}
	$pid{$name} = $pid;
	ok(wait_until(sub { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") }, 20), "$name: it listens")
	    or diag(slurp("$dir/$name.err"));
	return;
}

for my $name (qw(pages board)) {
	my $upper = uc $name;
	my ($path) = grep {/$name\.\w+$/} map { $program{$_} } grep {m{^services/}} sort keys %program;
	begin($name, $port{$name},
		{ %{ $k->service_env($name) }, "${upper}_LISTEN" => "127.0.0.1:$port{$name}",
			"${upper}_KEDGE_URL" => $k->base },
		$name eq 'pages' ? tool('node') : '/usr/bin/python3', $path);
	my $bob = $k->user($name);
	my $r = $bob->request('POST', "/$name/", body => 'title=%3Cb%3E+%26+milk',
		type => 'application/x-www-form-urlencoded');
	is($r->{status}, 303, "$name: the form adds a task") or diag($r->{body}, slurp("$dir/$name.err"));
	$r = $bob->get("/$name/");
	like($r->{body}, qr{<li>(?:&lt;|&#60;)b(?:&gt;|&#62;) (?:&amp;|&#38;) milk</li>}, "$name: the page shows it, escaped")
	    or diag($r->{status}, $r->{body});
	$r = $bob->request('POST', "/$name/", body => 'title=x',
		type => 'application/x-www-form-urlencoded', origin => 'https://evil.example');
	is($r->{status}, 403, "$name: the form of another site is refused");
	$r = $k->client->get("/$name/", headers => { Accept => 'text/html', 'Sec-Fetch-Mode' => 'navigate' });
	is($r->{status}, 302, "$name: a visitor without a session is sent to sign in") or diag($r->{body});
	is(Kedge::Client->new(base => "http://127.0.0.1:$port{$name}")->get("/$name/")->{status}, 401,
		"$name: a request that does not come through nginx is refused");
}

# ---- webhooks ------------------------------------------------------------------------------

my $root = $k->user('root');
$k->role($root, 'admin');
my ($register) = map { $_->{text} } $page->blocks('sh');
open my $jar, '>', "$dir/root" or die $!;
print {$jar} join "\t", '127.0.0.1', 'FALSE', '/', 'FALSE', 0, 'better-auth.session_token', $root->{jar}{'better-auth.session_token'};
print {$jar} "\n";
close $jar;
for my $name (qw(hooks.mjs hooks.py)) {
	my $command = $register =~ s{https://hooks\.example\.com/kedge}{http://127.0.0.1:$port{$name}/kedge}r;
	my ($status, $out, $err) = run({ dir => $dir, env => { url => $k->base }, in => $command }, '/bin/bash', '-s');
	my $hook = jdecode($out);
	like($hook->{secret}, qr/^whsec_/, "$name: the command of the page registers the address") or diag($out, $err);
	begin($name, $port{$name}, { PORT => $port{$name}, WEBHOOK_SECRET => $hook->{secret} },
		$name =~ /py$/ ? '/usr/bin/python3' : tool('node'), $program{$name});
}
my $carol = $k->user('carol');
my $account = $carol->get('/api/wallet/accounts')->{json}{items}[0]{id};
my $r = $root->post('/api/wallet/deposits',
	{ accountId => $account, amount => 100, provider => 'bank', reference => 'A-1' });
is($r->{status}, 201, 'money is deposited') or diag($r->{body});
for my $name (qw(hooks.mjs hooks.py)) {
	ok(wait_until(sub { (slurp("$dir/$name.out") // '') =~ /^transfer\.posted \{.*100/m }, 30),
		"$name: the event is received, and its signature is right")
	    or diag(slurp("$dir/$name.out"), slurp("$dir/$name.err"));
	my $forged = Kedge::Client->new(base => "http://127.0.0.1:$port{$name}")->request('POST', '/kedge',
		body => '{"type":"forged","data":{}}', headers => { 'Content-Type' => 'application/json',
			'webhook-id' => 'evt_1', 'webhook-timestamp' => time, 'webhook-signature' => 'v1,AAAA' });
	is($forged->{status}, 401, "$name: a wrong signature is refused");
	unlike(slurp("$dir/$name.out"), qr/forged/, "$name: and nothing is done");
}
done_testing;
