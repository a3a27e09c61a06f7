# Rules for the source itself: includes between layers go one way and never in a circle,
# a service includes nothing of another service, each library's header is included in
# one folder only, and nothing occurs that the style guide bans.  Builds nothing.
use strict;
use warnings;
use Test::More;

# The folders of the library from the ground up: a folder includes only from folders
# before it in this list.
my @library = qw(base process db cache http_client mail fastcgi web audit job app);
# Besides itself, a folder may include from the listed folders.
my %may_see = (
    'fcgi/base'   => [],
    'fcgi/process' => ['base'],
    'fcgi/db'     => ['base'],
    'fcgi/cache'  => ['base'],
    'fcgi/http_client' => ['base'],
    'fcgi/mail'   => ['base'],
    'fcgi/fastcgi' => [qw(base process)],
    'fcgi/web'    => [qw(base fastcgi)],
    'fcgi/audit'  => [qw(base db web)],
    'fcgi/job'    => [qw(base process db cache http_client mail fastcgi web audit)],
    'fcgi/app'    => [qw(base process db cache http_client mail fastcgi web audit job)],
    'cli'         => [qw(base db cache http_client mail web app)],
);
# The folder that may include a third-party header; tests may include any.
my %home_of = (
    'libpq-fe.h'  => 'fcgi/db',
    'hiredis'     => 'fcgi/cache',
    'systemd/'    => 'fcgi/process',
    'curl/'       => qr{fcgi/(?:http_client|mail)},
    'openssl/'    => 'fcgi/base',
    'sodium.h'    => 'fcgi/base',
    'jansson.h'   => 'fcgi/base',
    'fcgiapp.h'   => 'fcgi/fastcgi',
    # A service includes nothing of another one, so each has a folder of its own.
    'libscrypt.h' => qr{services/(?:auth|links)/password},
    'utf8proc.h'  => 'fcgi/base',
    'png.h'       => 'services/links/qr',
    'qrencode.h'  => 'services/links/qr',
);
# Headers of C, POSIX and Linux, and those that belong to the compiler.
my $system = qr{^(?:(?:arpa|net|netinet|linux|sys|sanitizer)/[\w/]+
    |assert|ctype|dirent|errno|fcntl|float|fnmatch|ftw|getopt|glob|grp|inttypes|limits
    |malloc|math|netdb|poll|pthread|pwd|regex|sched|semaphore|signal|spawn
    |std(?:align|arg|atomic|bool|def|int|io|lib)|strings?|termios|time|unistd)\.h$}x;

sub includes_of {
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!";
    return map { /^\s*#\s*include\s*([<"])([^>"]+)[>"]/ ? [$1, $2] : () } <$in>;
}

my @sources = grep { !m{^(?:t|fuzz|bench)/} } split /\n/,
    qx(git ls-files -co --exclude-standard '*.c' '*.h');
cmp_ok(scalar @sources, '>', 50, 'git lists the source files');

my (@wrong_layer, @wrong_home, @banned);
for my $file (@sources) {
    my ($folder) = $file =~ m{^(fcgi/\w+|services/\w+|cli)/};
    next unless defined $folder;
    for (includes_of($file)) {
        my ($mark, $name) = @$_;
        if ($mark eq '<') {
            next if $name =~ $system;
            my @home = map { $home_of{$_} } grep { index($name, $_) == 0 } keys %home_of;
            push @wrong_home, "$file: <$name>"
                unless @home && $file =~ m{^$home[0]/};
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
is_deeply(\@wrong_home, [], 'each third-party header is included from its own folder only');

# The folders in their order: no folder may include from one that comes after it.
my %level = map { $library[$_] => $_ } 0 .. $#library;
is_deeply([ sort map { m{/(\w+)$} ? $1 : () } grep { m{^fcgi/} } keys %may_see ], [ sort @library ],
    '@library lists the folders of the library');
my @upwards;
for my $from (grep { m{^fcgi/} } sort keys %may_see) {
    my ($folder) = $from =~ m{/(\w+)$};
    push @upwards, map { "$folder may include $_" }
        grep { $level{$_} >= $level{$folder} } @{ $may_see{$from} };
}
is_deeply(\@upwards, [], 'a folder of the library includes only from folders before it');

# ---- include cycles -----------------------------------------------------------------

# The includes between nodes: $of maps a file to its node (a file, a module or a
# folder).
sub graph {
    my ($of, @files) = @_;
    my %is_source = map { $_ => 1 } @files;
    my %to;
    for my $file (@files) {
        my ($folder) = $file =~ m{^(.*)/};
        $to{ $of->($file) } //= {};
        for (grep { $_->[0] eq '"' } includes_of($file)) {
            my $name = $_->[1];
            my ($target) = grep { $is_source{$_} } "fcgi/$name", "services/$name", "$folder/$name";
            next unless defined $target;
            my ($x, $y) = ($of->($file), $of->($target));
            $to{$x}{$y} = 1 if $x ne $y;
        }
    }
    return \%to;
}

# Returns one circle of includes as text, or ''.  Nodes that include no remaining node
# are removed repeatedly; what is left contains a circle.
sub circle {
    my ($to) = @_;
    my %left = map { $_ => { %{ $to->{$_} } } } keys %$to;
    my $removed = 1;
    while ($removed) {
        $removed = 0;
        for my $node (sort keys %left) {
            next if grep { exists $left{$_} } keys %{ $left{$node} };
            delete $left{$node};
            $removed = 1;
        }
    }
    my ($node) = sort keys %left or return '';
    my (@path, %at);
    while (!exists $at{$node}) {
        $at{$node} = @path;
        push @path, $node;
        ($node) = sort grep { exists $left{$_} } keys %{ $left{$node} };
    }
    return join ' -> ', @path[ $at{$node} .. $#path ], $node;
}
is(circle(graph(sub { $_[0] }, @sources)), '', 'no file includes itself by way of other files');
# A module consists of a header and its source file.
is(circle(graph(sub { $_[0] =~ s/\.[ch]$//r }, @sources)), '', 'no module includes a module that includes it');

# The names that a source file defines for others (functions, and data with an
# initialiser), and all the names that it uses.
sub names_of {
    my ($code) = @_;
    my (%defines, %uses);
    $code =~ s{/\*.*?\*/}{}gs;
    $code =~ s{"(?:[^"\\]|\\.)*"}{""}g;
    my $before = '';
    for (split /\n/, $code) {
        $defines{$1} = 1 if /^(\w+)\(/ && $before !~ /\bstatic\b/;
        $defines{$1} = 1
            if /^(?!(?:static|extern|typedef)\b)\w[\w *]*?[ *](\w+)(?:\[[^\]]*\])* = /;
        $before = $_;
    }
    # Not the members after "." or "->".
    $uses{$_} = 1 for $code =~ /(?<![\w.>])([a-z]\w+)/g;
    return (\%defines, \%uses);
}

# Which file uses a name that which other file defines.  A program does not see the
# names of another program.
sub uses_between {
    my %code = @_;
    my (%uses, %files_of, %to);
    my $program = sub { $_[0] =~ m{^(services/\w+|cli)/} ? $1 : 'fcgi' };
    for my $file (keys %code) {
        my ($defines, $uses) = names_of($code{$file});
        push @{ $files_of{$_} }, $file for keys %$defines;
        $uses{$file} = $uses;
    }
    for my $file (keys %code) {
        $to{$file} = {};
        for my $name (keys %{ $uses{$file} }) {
            my @there = grep { $program->($_) eq 'fcgi' || $program->($_) eq $program->($file) }
                @{ $files_of{$name} // [] };
            next if grep { $_ eq $file } @there;
            $to{$file}{$_} = 1 for @there;
        }
    }
    return \%to;
}
my %code = map {
    open my $in, '<', $_ or die "$_: $!";
    ($_ => do { local $/; <$in> });
} grep { m{^(?:fcgi|services|cli)/.*\.c$} } @sources;
is(circle(uses_between(%code)), '', 'no source file uses a name of a source file that uses one of its names');
is( circle(uses_between(
        'cli/a.c' => "void\na_run(void)\n{\n\tb_run();\n}\n",
        'cli/b.c' => "const struct rows b_rows[] = {\n};\nstatic int\nhelp(void)\nint\nb_run(void)\n",
        'cli/c.c' => "/* a_run */ x = c.a_run + \"a_run\"; help(b_rows);\n",
        'cli/d.c' => "int\nd(void)\n{ return b_rows[0]; }\n")), '', 'this test accepts source files that use others in one direction');
is( circle(uses_between(
        'cli/a.c' => "void\na_run(void)\n{\n\tb_run();\n}\n",
        'cli/b.c' => "const struct rows b_rows[] = {\n};\nint\nb_run(void)\n{ c_run(); }\n",
        'cli/c.c' => "int\nc_run(void)\n{ return a_run(); }\n")), 'cli/a.c -> cli/b.c -> cli/c.c -> cli/a.c',
    'this test finds source files that use each other');
is(circle({ a => { b => 1 }, b => { c => 1 }, c => { b => 1 }, d => { a => 1 } }), 'b -> c -> b',
    'this test finds circles');

for my $file (@sources) {
    open my $in, '<', $file or die "$file: $!";
    my $code = do { local $/; <$in> };
    $code =~ s{/\*.*?\*/}{}gs;
    $code =~ s{"(?:[^"\\]|\\.)*"}{""}g;
    push @banned, "$file: $1" while $code =~ m{\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|alloca|system|tmpnam|rand|srand)\s*\(}g;
    push @banned, "$file: // comment" if $code =~ m{//};
    push @banned, "$file: fcgi_stdio.h" if $code =~ m{fcgi_stdio\.h};
}
is_deeply(\@banned, [], 'no source uses a function or comment style that is banned');

# Invariant 1: only auth's database has the identity tables.
my @foreign;
for my $file (split /\n/, qx(git ls-files -co --exclude-standard 'sql/*.sql')) {
    next if $file =~ m{^sql/auth/};
    open my $in, '<', $file or die "$file: $!";
    my $sql = do { local $/; <$in> };
    push @foreign, $file
        if $sql =~ /create\s+table\s+(?:if\s+not\s+exists\s+)?"?(?:user|session|account_identity|verification)"?\s*\(/i;
}
is_deeply(\@foreign, [], 'only sql/auth creates identity tables');

# Invariant 3: identity comes from the assertion, so outside of auth no code reads a
# cookie, an Authorization header or a user id sent by a client.
my @readers;
for my $file (grep { m{^services/(?!auth/)} } @sources) {
    open my $in, '<', $file or die "$file: $!";
    while (<$in>) {
        push @readers, "$file:$.: $_" if /req_header\(.*"(?:COOKIE|AUTHORIZATION|X_)/;
    }
}
is_deeply(\@readers, [], 'base services read no credentials');

# The repository contains no path of a developer's machine, no secret and no generated
# file.
my @tracked = split /\n/, qx(git ls-files);
is_deeply([grep { m{(?:^|/)(?:node_modules|build|\.run)/|\.(?:o|a|so|pem|key)$} } @tracked],
    [], 'git tracks no generated file');

done_testing;
