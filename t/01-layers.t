# The source's own rules: arrows between layers go one way, a service never
# sees another, each library's header is named in one folder, and what the
# style guide bans stays out.  Runs without building anything.
use strict;
use warnings;
use Test::More;

# A folder may include what is listed, and itself.
my %may_see = (
    'fcgi/base'   => [],
    'fcgi/process' => ['base'],
    'fcgi/db'     => ['base'],
    'fcgi/cache'  => ['base'],
    'fcgi/http_client' => ['base'],
    'fcgi/fastcgi' => [qw(base process)],
    'fcgi/web'    => [qw(base fastcgi)],
    'fcgi/job'    => [qw(base process db cache http_client fastcgi web)],
    'fcgi/app'    => [qw(base process db cache http_client fastcgi web job)],
    'cli'         => [qw(base db web app)],
);
# Where a foreign header may be named, outside of tests.
my %home_of = (
    'libpq-fe.h'  => 'fcgi/db',
    'hiredis'     => 'fcgi/cache',
    'systemd/'    => 'fcgi/process',
    'curl/'       => 'fcgi/http_client',
    'openssl/'    => 'fcgi/base',
    'jansson.h'   => 'fcgi/base',
    'fcgiapp.h'   => 'fcgi/fastcgi',
    'libscrypt.h' => 'services/auth/password',
    'utf8proc.h'  => 'fcgi/base',
);
my @library = map { m{^fcgi/(\w+)} ? $1 : () } sort keys %may_see;

sub includes_of {
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!";
    return map { /^\s*#\s*include\s*([<"])([^>"]+)[>"]/ ? [$1, $2] : () } <$in>;
}

my @sources = grep { !m{^(?:t|fuzz|bench)/} } split /\n/,
    qx(git ls-files -co --exclude-standard '*.c' '*.h');
cmp_ok(scalar @sources, '>', 50, 'the sources are found');

my (@wrong_layer, @wrong_home, @banned);
for my $file (@sources) {
    my ($folder) = $file =~ m{^(fcgi/\w+|services/\w+|cli)/};
    next unless defined $folder;
    for (includes_of($file)) {
        my ($mark, $name) = @$_;
        if ($mark eq '<') {
            for my $header (keys %home_of) {
                next unless index($name, $header) == 0;
                push @wrong_home, "$file: <$name>"
                    unless index($file, "$home_of{$header}/") == 0;
            }
            next;
        }
        my ($first) = $name =~ m{^(\w+)/} or next;
        my @allowed
            = $folder =~ m{^services/(\w+)} ? ($1, @library)
            : ($folder =~ m{(\w+)$}, @{ $may_see{$folder} // [] });
        push @wrong_layer, "$file: \"$name\""
            unless grep { $_ eq $first } @allowed;
    }
}
is_deeply(\@wrong_layer, [], 'includes follow the layers');
is_deeply(\@wrong_home, [], 'each foreign header is named in its folder alone');

for my $file (@sources) {
    open my $in, '<', $file or die "$file: $!";
    my $code = do { local $/; <$in> };
    $code =~ s{/\*.*?\*/}{}gs;
    $code =~ s{"(?:[^"\\]|\\.)*"}{""}g;
    push @banned, "$file: $1" while $code =~ m{\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|alloca|system|tmpnam|rand|srand)\s*\(}g;
    push @banned, "$file: // comment" if $code =~ m{//};
    push @banned, "$file: fcgi_stdio.h" if $code =~ m{fcgi_stdio\.h};
}
is_deeply(\@banned, [], 'nothing that the style guide bans');

# Invariant 1: the identity tables are auth's alone.
my @foreign;
for my $file (split /\n/, qx(git ls-files -co --exclude-standard 'sql/*.sql')) {
    next if $file =~ m{^sql/auth/};
    open my $in, '<', $file or die "$file: $!";
    my $sql = do { local $/; <$in> };
    push @foreign, $file
        if $sql =~ /create\s+table\s+(?:if\s+not\s+exists\s+)?"?(?:user|session|account_identity|verification)"?\s*\(/i;
}
is_deeply(\@foreign, [], 'identity tables are created for auth alone');

# Invariant 3: who someone is comes from the assertion, so outside of auth no
# code reads a cookie, an Authorization header or a user id that a client sent.
my @readers;
for my $file (grep { m{^services/(?!auth/)} } @sources) {
    open my $in, '<', $file or die "$file: $!";
    while (<$in>) {
        push @readers, "$file:$.: $_" if /req_header\(.*"(?:COOKIE|AUTHORIZATION|X_)/;
    }
}
is_deeply(\@readers, [], 'base services read no credentials');

# Nothing of this machine, no secret, nothing generated.
my @tracked = split /\n/, qx(git ls-files);
is_deeply([grep { m{(?:^|/)(?:node_modules|build|\.run)/|\.(?:o|a|so|pem|key)$} } @tracked],
    [], 'no generated file is tracked');

done_testing;
