package Kedge::Wallet;

# Helpers for tests of the ledger: users with money, and requests that move it.
#
# 	my $w = Kedge::Wallet->new($k);        # with an operator
# 	my $alice = $w->user('alice', 1000);   # her first account has 10.00 USD
# 	$w->move($alice, $alice->{account}, $bob->{account}, 250);

use strict;
use warnings;

use Exporter qw(import);
use Test::More;

our @EXPORT_OK = qw(item batch codes);
our $base = '/api/wallet';
my $count = 0;

sub new
{
	my ($class, $k) = @_;
	my $self = bless { k => $k }, $class;
	$self->{operator} = $k->user('operator');
	$k->role($self->{operator}, 'operator');
	return $self;
}

# Returns a new, unused idempotency key.
sub key { return sprintf 'key-%d-%d', $$, ++$count }

sub user
{
	my ($self, $name, $funds) = @_;
	my $c = $self->{k}->user($name);
	$c->{account} = $c->get("$base/accounts")->{json}{items}[0]{id};
	$self->fund($c->{account}, $funds) if $funds;
	return $c;
}

sub fund
{
	my ($self, $account, $amount) = @_;
	my $r = $self->deposit($account, $amount);
	die "deposit: $r->{status} $r->{body}" if $r->{status} != 201;
	return $r->{json};
}

sub deposit
{
	my ($self, $account, $amount, %more) = @_;
	return $self->{operator}->post("$base/deposits",
	    { accountId => $account, amount => $amount, provider => 'bank', reference => key(), %more });
}

# Sends a POST with an Idempotency-Key: `key`, or a new one.
sub post
{
	my ($who, $path, $data, %opt) = @_;
	my $key = delete $opt{key} // key();
	return $who->post("$base$path", $data, headers => { 'Idempotency-Key' => $key }, %opt);
}

sub move
{
	my ($self, $who, $from, $to, $amount, %more) = @_;
	my %opt = (key => delete $more{key});
	return post($who, '/transfers',
	    { debitAccountId => $from, creditAccountId => $to, amount => $amount, %more }, %opt);
}

# item() returns an item of a batch, batch() sends a batch, and codes() returns the
# status or the error code of each item.
sub item
{
	my ($from, $to, $amount, %more) = @_;
	return { debitAccountId => $from, creditAccountId => $to, amount => $amount, %more };
}

sub batch
{
	my ($who, $atomic, $items, %opt) = @_;
	return post($who, '/transfers/batch',
		{ atomic => $atomic ? JSON::PP::true : JSON::PP::false, transfers => $items }, %opt);
}

sub codes
{
	my ($r) = @_;
	return join ' ', map { $_->{error} ? $_->{error}{code} : $_->{transfer}{status} } @{ $r->{json}{results} };
}

sub account
{
	my ($self, $id) = @_;
	return $self->{operator}->get("$base/accounts/$id")->{json};
}

# Returns "balance/held/available" of an account, for comparison.
sub state_of
{
	my ($self, $id) = @_;
	my $a = $self->account($id);
	return join '/', @$a{qw(balance held available)};
}

# Asserts that the ledger is consistent; prints the mismatches.
sub check
{
	my ($self, $name) = @_;
	my $r = $self->{operator}->get("$base/ledger/check?full=true");
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($r->{status} == 200 && $r->{json}{ok}, $name // 'the books are right')
	    or diag($r->{body});
	return $r->{json};
}

1;
