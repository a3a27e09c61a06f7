# The pages for operators, on a server: each block that is for a server is executed, from top
# to bottom, on a Debian that is booted for it, and prints what the page shows. The upgrade
# and the way back run under load.
#
# Needs root, debootstrap and, the first time, Debian's archive. KEDGE_SUITE chooses the
# release.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use Test::More;
use Kedge qw(slurp wait_until);
use Kedge::Page;
use Kedge::Server;

Kedge::Server::need();
my $suite = Kedge::Server::suite();
my $deb = Kedge::Server::package_of($suite);
my $newer = Kedge::Server::package_of($suite, 'newer', change => Kedge::Server::newer_release());
my $server = Kedge::Server->new($suite, $deb, $newer, qw(age certbot pebble openssl));
# The packages are here without those that they only recommend.
$server->write('/etc/apt/apt.conf.d/test', qq(APT::Install-Recommends "false";\n));
$server->boot;

# Executes the blocks of a page that are for a server; with the name of a section, only those
# of that section.
sub follow
{
	my ($path, $section, %env) = @_;
	my $page = Kedge::Page->new($path);
	my @blocks = grep {
		     $_->{language} eq 'sh'
		    && $_->{where} =~ /^(?:server)?$/
		    && (!defined $section || $_->{section} eq $section)
	} $page->blocks;
	ok(scalar @blocks, "$path: there are blocks for a server");
	for my $text (map { \$_->{text} } @blocks) {
		$$text =~ s/127\.0\.0\.1:8080/127.0.0.1/g;
		# The issuer of certificates is one for tests.
		$$text =~ s{^kedge domain .*}{$& --acme https://localhost:14000/dir}gm;
		$$text =~ s{^certbot -q renew --dry-run}{$& --server https://localhost:14000/dir}gm;
		# Nothing synchronises the clock of this machine, which is a warning: status 1.
		$$text =~ s{^kedge doctor(?: --json)?$}{$& || [ \$? = 1 ]}gm;
		$$text =~ s/-p 5433/'-p ' . $server->port/ge;
	}
	my $export = join '', map {"export $_='$env{$_}'\n"} sort keys %env;
	return $page->run_blocks(\@blocks, sub {
		my ($status, $out, $err) = $server->in({ in => "cd /root\n$export$_[0]", timeout => 600 }, 'bash', '-s');
		return ($status, "$out$err");
	});
}

follow('docs/INSTALL.md', 'Install');
$server->active('installed');
follow('docs/INSTALL.md', 'Restart and reload');
$server->sign_up;
$server->no_limits;
$server->load('the commands of docs/UPGRADE.md', sub { follow('docs/UPGRADE.md') });
$server->active('back again');
$server->nothing_lost('each POST that was answered is stored, once');
is($server->out(qw(dpkg-query -W -f ${Version} kedge)), '0.1.0', 'the previous release is installed again');

# ---- with a name and a certificate ---------------------------------------------------------

my $name = 'app.example.com';
$server->write('/etc/hosts', "127.0.0.1 localhost kedge-test $name\n");
$server->begin_acme;
my %tls = (REQUESTS_CA_BUNDLE => '/root/acme.pem', CURL_CA_BUNDLE => '/root/root.pem');
follow('docs/INSTALL.md', 'A name, and TLS', %tls);
@$server{qw(url curl)} = ("https://$name", [qw(--cacert /root/root.pem)]);
$server->sign_in('sign in over https');
follow("docs/$_.md", undef, %tls) for qw(TLS FIRST-HOUR);
# Both pages make a key.
$server->succeeds('the key is moved to another place', qw(mv /root/backup.key /root/first.key));
follow("docs/$_.md", undef, %tls)
    for qw(BACKUP SECRETS MONITORING CAPACITY TROUBLESHOOTING SECURITY-MODEL);

$server->answers(200, 'a session of before is valid', '/api/core/me');
# Request the pages as another machine would: from an address outside 127.0.0.0/8.
$server->succeeds('another address', qw(ip address add 10.9.9.9/32 dev lo));
is(($server->curl('-o', '/dev/null', '--resolve', "$name:443:10.9.9.9", "/$_"))[0], 403, "/$_ is not for other machines")
    for 'metrics/core', 'health';

# ---- services ------------------------------------------------------------------------------

my $json = JSON::PP->new->canonical->pretty;

sub edit
{
	my ($change) = @_;
	my $spec = $json->decode(slurp($server->root . '/etc/kedge/kedge.json'));
	$change->($spec);
	$server->write('/etc/kedge/kedge.json', $json->encode($spec));
	return;
}
edit(sub { $_[0]{services} = [ grep { $_->{name} ne 'links' } @{ $_[0]{services} } ] });
follow('docs/SERVICES.md', undef, %tls);
is($server->out(qw(systemctl list-units --plain --no-legend), 'kedge-links*'), '', 'links does not run any more');
is($server->sql('postgres', q{SELECT count(*) FROM pg_database WHERE datname = 'links'}), '0', 'its database is gone');
my ($row) = map { $json->decode($_->{text}) } Kedge::Page->new('docs/SERVICES.md')->blocks('json');
edit(sub { push @{ $_[0]{services} }, $row });
$server->succeeds('kedge apply with the application of the page', qw(kedge apply));
is(($server->curl('-o', '/dev/null', '-b', '', "$server->{url}/wiki/"))[0], 403, 'its guard asks for a role');
$server->active('at the end', 'links');
done_testing;
