package Bench::Product;

# Starts the product by `kedge up`, signs users up, and makes databases for benchmarks.

use strict;
use warnings;

use Exporter qw(import);
use HTTP::Tiny;
use JSON::PP;

use Bench;

our @EXPORT = qw(start_product stop_product product_port sign_up
    settle psql_command sql_file sql make_database seed_accounts);

my $port;    # of the product, while it runs

END {
    my $status = $?;
    stop_product() if $port;
    $? = $status;
}

sub start_product {
    my ($wish) = @_;
    $wish //= free_port();
    local $ENV{AUTH_RATE_LIMIT} = 'off';
    local $ENV{CORE_WRITE_RATE} = 0;
    local $ENV{WALLET_WRITE_RATE} = 0;
    local $ENV{CORE_READ_RATE} = 1000000;
    local $ENV{WALLET_READ_RATE} = 1000000;
    local $ENV{WALLET_BATCH_RATE} = 0;
    system("$build/kedge up --dir $dir/product --port $wish --detach >$dir/up.log")
        == 0 or die "kedge up failed\n";
    $port = $wish;
    return $port;
}

sub stop_product {
    undef $port;
    system("$build/kedge down --dir $dir/product >/dev/null");
    return;
}

sub product_port { return $port }

sub cookie_of {
    my ($what, $answer) = @_;
    die "$what: $answer->{status} $answer->{content}\n"
        unless $answer->{success};
    my $cookies = $answer->{headers}{'set-cookie'};
    my ($cookie) = grep { /session_token=/ } ref $cookies ? @$cookies : $cookies;
    return $cookie =~ s/;.*//r;
}

sub post_auth {
    my ($base, $path, %body) = @_;
    return cookie_of($path, HTTP::Tiny->new->post("$base/api/auth/$path", {
        headers => { 'content-type' => 'application/json', origin => $base },
        content => encode_json({ %body,
            password => 'correct horse battery staple' }) }));
}

# Signs up a new user; returns the Cookie header.
sub sign_up {
    my ($base, $name) = @_;
    return post_auth($base, 'sign-up/email', name => $name,
        email => "$name\@example.com");
}

# Waits until the user's first contact with the services is over: it changes the session,
# and a session is not cached for ten seconds after a change.
sub settle {
    my ($base, $cookie) = @_;
    my $http = HTTP::Tiny->new(default_headers => { cookie => $cookie });
    $http->get("$base$_") for '/api/core/me', '/api/wallet/accounts';
    sleep 11;
    $http->get("$base/api/core/whoami") for 1 .. 20;
    return;
}

# --- databases --------------------------------------------------------------

# Creates another database in the PostgreSQL cluster of the product.  The superuser of
# that cluster is the user who ran `kedge up`.
sub make_database {
    my ($name) = @_;
    my $password = join '', map { sprintf '%02x', rand 256 } 1 .. 16;
    sql('postgres', "CREATE ROLE $name LOGIN PASSWORD '$password'");
    sql('postgres', "CREATE DATABASE $name OWNER $name");
    return "postgresql://$name:$password\@/$name?host=$dir/product/pg";
}

sub psql_command {
    my ($database) = @_;
    return ('psql', '-AtqX', '-v', 'ON_ERROR_STOP=1', '-h', "$dir/product/pg",
        '-U', 'kedge', '-d', $database);
}

# Runs SQL as the superuser of the cluster; returns the rows as text.
sub sql {
    my ($database, $text) = @_;
    open my $out, '-|', psql_command($database), '-c', $text or die "psql: $!";
    my $rows = do { local $/; <$out> } // '';
    close $out or die "psql failed: $text\n";
    chomp $rows;
    return $rows;
}

sub sql_file {
    my ($database, $file, @settings) = @_;
    system(psql_command($database), map({ ('-c', $_) } @settings), '-f', $file)
        == 0 or die "$file failed\n";
    return;
}

# Creates accounts of one user with money in them, and the file `accounts` with their
# ids.  The money comes from deposits, each of which is a transfer from the system
# account; a trigger inserts its entries.  Deposits are made in small transactions,
# because each one leaves a dead version of the system account's row.
sub seed_accounts {
    my ($user, $accounts) = @_;
    my $each = 1_000_000_000;
    sql('wallet', <<"SQL");
INSERT INTO account (user_id, name, currency)
SELECT '$user', 'bench ' || i, 'USD' FROM generate_series(1, $accounts) AS i;
INSERT INTO account (kind, name, currency)
VALUES ('system', 'external:USD', 'USD') ON CONFLICT DO NOTHING
SQL
    sql('wallet', <<"SQL");
DO \$\$
DECLARE
    v_from uuid := (SELECT id FROM account WHERE name = 'external:USD');
    v_account uuid;
    v_count integer := 0;
BEGIN
    FOR v_account IN SELECT id FROM account
        WHERE user_id = '$user' AND name LIKE 'bench %'
    LOOP
        INSERT INTO transfer (kind, user_id, debit_account_id,
            credit_account_id, currency, amount, provider, reference)
        VALUES ('deposit', '$user', v_from, v_account, 'USD', $each, 'bench',
            v_account);
        v_count := v_count + 1;
        IF v_count % 100 = 0 THEN
            COMMIT;
        END IF;
    END LOOP;
END
\$\$
SQL
    sql('wallet', 'VACUUM ANALYZE');
    write_file('accounts', sql('wallet', "SELECT id FROM account
        WHERE user_id = '$user' AND name LIKE 'bench %' ORDER BY id") . "\n");
    return;
}

1;
