# The pages of the documentation whose commands run on a stack: each block is executed, from
# top to bottom, and prints what the page shows. t/system/pages.t executes the blocks for a
# server.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use File::Temp qw(tempdir);
use Kedge qw(jdecode jencode need run slurp);
use Kedge::Page;

need(qw(curl));
my $k = Kedge->up;

# The pages, and for each the replacements that its commands need in a test.
my @pages = (
	[ 'docs/FIRST-HOUR.md' ],
	[ 'docs/MAIL.md', as => \&elsewhere ],
	[ 'docs/AUDIT.md' ],
	[ 'docs/MONITORING.md' ],
	[ 'docs/CAPACITY.md' ],
	[ 'docs/TROUBLESHOOTING.md', as => \&ask_again ],
	[ 'docs/SECURITY-MODEL.md' ],
	[ 'docs/SECRETS.md' ],
	[ 'docs/METRICS.md' ],
	[ 'docs/BACKUP.md', as => \&elsewhere ],
	# These start the stack with other variables.
	map { [ $_, as => \&start_again ] } 'docs/ORIGINS.md', 'docs/CONFIGURATION.md',
);

# The doctor has just sent hundreds of requests, and log lines of one kind are limited in
# each second: a request whose line was dropped is sent again, for ten seconds at most.
sub ask_again
{
	my ($text) = @_;
	return $text =~ s{^(id=.*\n)(kedge logs --request "\$id")$}
	    {for n in \$(seq 50); do\n$1$2 2>/dev/null && break\nsleep 0.2\ndone}mr;
}

# Backups go to a directory of this test, and the stack keeps its port.
sub elsewhere
{
	my ($text) = @_;
	my ($port, $to) = ($k->port, $k->dir . '-backups');
	$text =~ s{/srv/backups}{$to}g;
	$text =~ s{\.run/}{$k->dir . '/'}ge;
	$text =~ s{kedge up --detach}{$& --port $port}g;
	return $text;
}

# The command starts a stack that runs: stop it first.
sub start_again
{
	my ($text) = @_;
	my $port = $k->port;
	is($text =~ s{^(.*\./kedge up)$}{./kedge down\n$1 --detach --port $port}gm, 1, 'the block starts a stack');
	return $text;
}

for my $row (@pages) {
	my ($path, %opt) = @$row;
	Kedge::Page->new($path)->run_on_stack($k, %opt);
	ok($k->wait_healthy, "$path: the services are ready afterwards");
}

# Parts of kedge.json: what is shown becomes nginx's configuration.
for my $row ([ 'docs/TLS.md', qr{ssl_certificate /etc/ssl/kedge/app\.pem;} ],
	[ 'docs/PROXY.md', qr{set_real_ip_from 10\.0\.0\.0/8;} ],
	[ 'docs/SERVICES.md', qr{location [^\n]*/wiki/} ]) {
	my ($path, $like) = @$row;
	my ($block) = Kedge::Page->new($path)->blocks('json');
	my $shown = jdecode($block->{text});
	my $spec = jdecode(slurp("$Kedge::ROOT/kedge.json"));
	push @{ $spec->{services} }, $shown if $shown->{name};
	@$spec{ keys %$shown } = values %$shown if !$shown->{name};
	my $to = tempdir(CLEANUP => 1);
	open my $file, '>', "$to/kedge.json" or die $!;
	print {$file} jencode($spec);
	close $file;
	my ($status, undef, $err) = run(Kedge->binary('kedge'), qw(render --no-test --what nginx --spec),
		"$to/kedge.json", '--to', $to);
	is($status, 0, "$path: kedge render accepts what it shows for kedge.json") or diag($err);
	like(join('', map { slurp($_) } glob "$to/etc/kedge/generated/nginx/*"), $like, "$path: nginx follows it");
}
done_testing;
