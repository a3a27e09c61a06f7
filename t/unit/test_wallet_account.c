#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "db/db.h"
#include "schema.h"
#include "servers.h"
#include "wallet/account/account.h"
#include "wallet/account/account_store.h"

static char *app_url, *owner_url;
static struct arena *a;
static struct db *db;

static void
set_up(void)
{
	a = arena_new();
	db = schema_open(app_url, 8);
}

static void
tear_down(void)
{
	db_close(db);
	arena_free(a);
}

static int64_t
list(const char *user, const struct account **ret_accounts)
{
	const struct account_owner owner = { .user_id = user };
	struct account_page page = { .limit = 10 };
	int64_t count;

	ck_assert_int_eq(
	    account_find_page(db, a, &owner, &page, ret_accounts, &count),
	    ERR_OK);
	return count;
}

static void *
ensure_once(void *ctx)
{
	struct arena *arena = arena_new();

	ck_assert_int_eq(account_ensure(db, arena, ctx, "USD", NULL), ERR_OK);
	arena_free(arena);
	return NULL;
}

START_TEST(fifty_first_contacts_leave_one_account)
{
	static char alice[] = "alice";
	const struct account *accounts;
	pthread_t threads[50];

	for (int i = 0; i < 50; i++)
		pthread_create(&threads[i], NULL, ensure_once, alice);
	for (int i = 0; i < 50; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(list("alice", &accounts), 1);
	ck_assert_str_eq(accounts[0].currency, "USD");
	ck_assert_int_eq(accounts[0].balance_minor, 0);
	ck_assert_int_eq(accounts[0].held_minor, 0);
	ck_assert_int_eq(accounts[0].available_minor, 0);
}
END_TEST

START_TEST(ensure_of_unknown_currency_makes_nothing)
{
	const struct account *accounts;

	ck_assert_int_eq(
	    account_ensure(db, a, "bob", "QQQ", NULL), ERR_INTERNAL);
	ck_assert_int_eq(list("bob", &accounts), 0);
	/*
	 * No wallet was created either, so the next request, with a valid
	 * currency, creates both the wallet and the account.
	 */
	ck_assert_int_eq(account_ensure(db, a, "bob", "JPY", NULL), ERR_OK);
	ck_assert_int_eq(list("bob", &accounts), 1);
	ck_assert_str_eq(accounts[0].currency, "JPY");
}
END_TEST

START_TEST(ensure_with_another_currency_changes_nothing)
{
	const struct account *accounts;

	ck_assert_int_eq(account_ensure(db, a, "carol", "EUR", NULL), ERR_OK);
	ck_assert_int_eq(account_ensure(db, a, "carol", "USD", NULL), ERR_OK);
	ck_assert_int_eq(list("carol", &accounts), 1);
	ck_assert_str_eq(accounts[0].currency, "EUR");
}
END_TEST

START_TEST(list_of_a_user_without_wallet_makes_it)
{
	struct account_page page = { .limit = 10 };
	const struct account *accounts;
	int64_t count;

	ck_assert_int_eq(
	    account_list(db, a, "dave", "EUR", NULL, &page, &accounts, &count),
	    ERR_OK);
	ck_assert_int_eq(count, 1);
}
END_TEST

START_TEST(another_persons_account_is_not_found)
{
	const struct account_owner erin = { .user_id = "erin" },
				   mallory = { .user_id = "mallory" },
				   any = { .any = true };
	const struct account *accounts;
	struct account account;

	ck_assert_int_eq(account_ensure(db, a, "erin", "EUR", NULL), ERR_OK);
	ck_assert_int_eq(list("erin", &accounts), 1);
	ck_assert_int_eq(
	    account_find(db, a, &erin, accounts[0].id, &account), ERR_OK);
	ck_assert_int_eq(
	    account_find(db, a, &mallory, accounts[0].id, &account),
	    ERR_NOT_FOUND);
	ck_assert_int_eq(
	    account_find(db, a, &any, accounts[0].id, &account), ERR_OK);
}
END_TEST

START_TEST(currencies_are_seeded_with_their_exponents)
{
	ck_assert_str_eq(
	    schema_run(app_url,
		"DO $$BEGIN ASSERT (SELECT string_agg(code || exponent, ' '"
		" ORDER BY code) FROM currency WHERE code IN ('USD', 'EUR',"
		" 'JPY', 'KWD', 'CLF', 'ISK', 'XXX')) ="
		" 'CLF4 EUR2 ISK0 JPY0 KWD3 USD2'; END$$"),
	    "");
}
END_TEST

/* ------------------------------------------------------------- the books */

/*
 * Statements are run as the tables' owner, who has every right, so what is
 * refused is refused by triggers and constraints.  SETTING creates accounts of
 * a user in USD: u, with 1000, and v; accounts of the system: s in USD and e in
 * EUR; and two transfers: t, 100 from s to u, and h, a hold of 50 from u for v.
 */
#define SETTING                                                             \
	"CREATE TEMP TABLE x (name text, id uuid);"                         \
	"INSERT INTO wallet VALUES ('u' || uuidv7());"                      \
	"WITH m AS (INSERT INTO account (kind, user_id, name, currency) "   \
	"SELECT 'user', max(user_id), 'u', 'USD' FROM wallet UNION ALL "    \
	"SELECT 'user', max(user_id), 'v', 'USD' FROM wallet UNION ALL "    \
	"SELECT 'system', NULL, 's' || uuidv7(), 'USD' UNION ALL "          \
	"SELECT 'system', NULL, 'e' || uuidv7(), 'EUR' RETURNING name, id)" \
	" INSERT INTO x SELECT left(name, 1), id FROM m;"                   \
	"INSERT INTO x SELECT 't', uuidv7(); INSERT INTO x SELECT 'h', "    \
	"uuidv7();" MOVE("uuidv7()", "s", "u", "USD", "1000")               \
	    MOVE(ID("t"), "s", "u", "USD",                                  \
		"100") "INSERT INTO transfer (id,"                          \
		       " status, expires_at, debit_account_id, "            \
		       "credit_account_id, "                                \
		       "currency, amount) SELECT " ID(                      \
			   "h") ", 'held', now() + "                        \
				"interval '1 hour', " ID("u") ", " ID(      \
				    "v") ", 'USD', 50;"
#define ID(name) "(SELECT id FROM x WHERE name = '" name "')"
#define MOVE(id, debit, credit, currency, amount)                         \
	"INSERT INTO transfer (id, debit_account_id, credit_account_id, " \
	"currency, amount) SELECT " id                                    \
	", " ID(debit) ", " ID(credit) ", "                               \
				       "'" currency "', " amount ";"
#define ENTRY(name, currency, amount)                                          \
	"INSERT INTO entry (transfer_id, account_id, currency, amount) SELECT" \
	" " ID("t") ", " ID(name) ", '" currency "', " amount ";"
#define STATE(name, balance, held)                                            \
	"DO $$BEGIN ASSERT (SELECT (balance::bigint, held::bigint) FROM "     \
	"account JOIN x "                                                     \
	"USING (id) WHERE x.name = '" name "') = (" balance "::bigint, " held \
	"::bigint); END$$;"
#define SET(name, what) "UPDATE transfer SET " what " WHERE id = " ID(name) ";"

static const struct {
	const char *what, *sql, *state;
} books[] = {
	{ "a transfer moves both balances, a hold what is held",
	    SETTING STATE("u", "1100", "50") STATE("v", "0", "0"), "" },
	{ "its entries add up and say what they left",
	    SETTING "DO $$BEGIN ASSERT (SELECT array_agg(amount || ' ' || "
		    "balance_after ORDER BY seq) FROM entry JOIN x ON x.id = "
		    "account_id WHERE x.name = 'u') = '{1000 1000,100 1100}';"
		    " END$$;",
	    "" },
	{ "captured in part",
	    SETTING SET("h", "status = 'captured', captured_amount = 20")
		STATE("u", "1080", "0") STATE("v", "20", "0"),
	    "" },
	{ "released",
	    SETTING SET("h", "status = 'released'") STATE("u", "1100", "0")
		STATE("v", "0", "0"),
	    "" },
	{ "reversed by a reversal",
	    SETTING "INSERT INTO transfer (kind, reverses, debit_account_id,"
		    " credit_account_id, currency, amount) SELECT 'reversal', "
		    "" ID("t") ", " ID("u") ", " ID("s") ", 'USD', 100;" STATE(
			"u", "1000", "50") "DO $$BEGIN ASSERT (SELECT status "
					   "FROM transfer WHERE id = " ID(
					       "t") ") = 'reversed'; END$$;",
	    "" },
	{ "reversed twice",
	    SETTING
	    "INSERT INTO transfer (kind, reverses, debit_account_id,"
	    " credit_account_id, currency, amount) SELECT 'reversal', "
	    "" ID("t") ", " ID("u") ", " ID("s") ", 'USD', 60 FROM "
						 "generate_series(1, 2);",
	    "23514" },
	{ "a reversal between others",
	    SETTING "INSERT INTO transfer (kind, reverses, debit_account_id,"
		    " credit_account_id, currency, amount) SELECT 'reversal', "
		    "" ID("t") ", " ID("u") ", " ID("v") ", 'USD', 60;",
	    "23503" },
	{ "a reversal of nothing",
	    SETTING "INSERT INTO transfer (kind, debit_account_id,"
		    " credit_account_id, currency, amount) SELECT 'reversal', "
		    "" ID("u") ", " ID("s") ", 'USD', 60;",
	    "23514" },
	{ "balanced entries beside a transfer's own",
	    SETTING ENTRY("s", "USD", "-100") ENTRY("u", "USD", "100")
		STATE("u", "1200", "50"),
	    "" },
	{ "half a transfer", SETTING ENTRY("u", "USD", "100"), "23514" },
	{ "one minor unit too many",
	    SETTING ENTRY("s", "USD", "-100") ENTRY("u", "USD", "101"),
	    "23514" },
	{ "zero over two currencies is not zero",
	    SETTING ENTRY("e", "EUR", "-100") ENTRY("u", "USD", "100"),
	    "23514" },
	{ "an entry of zero", SETTING ENTRY("u", "USD", "0"), "23503" },
	{ "an entry in another currency than its account's",
	    SETTING ENTRY("s", "EUR", "-100") ENTRY("u", "EUR", "100"),
	    "23503" },
	{ "an entry of no transfer",
	    SETTING "INSERT INTO entry (transfer_id, account_id, currency, "
		    "amount) SELECT uuidv7(), " ID("u") ", 'USD', 1;",
	    "23503" },
	{ "a transfer in another currency than its accounts'",
	    SETTING MOVE("uuidv7()", "u", "v", "EUR", "1"), "23503" },
	{ "a transfer between two currencies",
	    SETTING MOVE("uuidv7()", "u", "e", "USD", "1"), "23503" },
	{ "a hold between two currencies",
	    SETTING "INSERT INTO transfer (status, expires_at, "
		    "debit_account_id, credit_account_id, currency, amount) "
		    "SELECT 'held', now(), " ID("u") ", " ID("e") ", 'USD', 1;",
	    "23503" },
	{ "a transfer from nowhere",
	    "INSERT INTO transfer (debit_account_id, credit_account_id, "
	    "currency, amount) SELECT uuidv7(), uuidv7(), 'USD', 1;",
	    "23503" },
	{ "a user below zero", SETTING MOVE("uuidv7()", "v", "s", "USD", "1"),
	    "23514" },
	{ "a user below what is held",
	    SETTING MOVE("uuidv7()", "u", "s", "USD", "1051"), "23514" },
	{ "a hold of more than there is",
	    SETTING "INSERT INTO transfer (status, expires_at, "
		    "debit_account_id, credit_account_id, currency, amount) "
		    "SELECT 'held', now(), " ID("u") ", " ID("v") ", 'USD', "
								  "1051;",
	    "23514" },
	{ "a transfer of nothing",
	    SETTING MOVE("uuidv7()", "u", "v", "USD", "0"), "23514" },
	{ "a transfer of less", SETTING MOVE("uuidv7()", "u", "v", "USD", "-1"),
	    "23514" },
	{ "beyond what a client can read exactly",
	    SETTING MOVE("uuidv7()", "s", "e", "USD", "9007199254740992"),
	    "23514" },
	{ "a balance beyond it",
	    SETTING MOVE("uuidv7()", "s", "v", "USD", "9007199254740991"),
	    "23514" },
	{ "beyond bigint",
	    SETTING MOVE("uuidv7()", "s", "v", "USD", "9223372036854775808"),
	    "22003" },
	{ "a changed entry", SETTING "UPDATE entry SET amount = amount;",
	    "42501" },
	{ "a deleted entry", SETTING "DELETE FROM entry;", "42501" },
	{ "emptied books", "TRUNCATE entry;", "42501" },
	{ "emptied books, from below", "TRUNCATE account CASCADE;", "42501" },
	{ "a deleted transfer", SETTING "DELETE FROM transfer;", "42501" },
	{ "all transfers gone", "TRUNCATE transfer CASCADE;", "42501" },
	{ "a deleted account", "DELETE FROM account;", "42501" },
	{ "a balance by hand", SETTING "UPDATE account SET balance = 5;",
	    "42501" },
	{ "what is held, by hand", SETTING "UPDATE account SET held = 0;",
	    "42501" },
	{ "an account given away",
	    SETTING "UPDATE account SET user_id = 'zed';", "42501" },
	{ "an account in another currency",
	    SETTING "UPDATE account SET currency = 'EUR';", "42501" },
	{ "an account born rich",
	    "INSERT INTO account (kind, name, currency, balance) VALUES "
	    "('system', 'rich', 'USD', 5);",
	    "42501" },
	{ "a currency with other digits", "UPDATE currency SET exponent = 0;",
	    "42501" },
	{ "another amount", SETTING SET("t", "amount = 1"), "23514" },
	{ "another amount of a hold", SETTING SET("h", "amount = 1"), "23514" },
	{ "another payee",
	    SETTING SET("t", "credit_account_id = debit_account_id"), "23514" },
	{ "posted, held", SETTING SET("t", "status = 'held'"), "23514" },
	{ "posted, captured", SETTING SET("t", "status = 'captured'"),
	    "23514" },
	{ "posted, reversed by hand",
	    SETTING SET("t", "status = 'reversed', reversed_amount = 100"),
	    "23514" },
	{ "held, posted", SETTING SET("h", "status = 'posted'"), "23514" },
	{ "held, captured for nothing", SETTING SET("h", "status = 'captured'"),
	    "23514" },
	{ "held, captured for more",
	    SETTING SET("h", "status = 'captured', captured_amount = 51"),
	    "23514" },
	{ "released twice",
	    SETTING SET("h", "status = 'released'")
		SET("h", "status = 'released'"),
	    "23514" },
	{ "released and captured",
	    SETTING SET("h", "status = 'released'")
		SET("h", "status = 'captured', captured_amount = 50"),
	    "23514" },
	{ "born captured",
	    SETTING "INSERT INTO transfer (status, debit_account_id, "
		    "credit_account_id, currency, amount, captured_amount) "
		    "SELECT 'captured', " ID("u") ", " ID("v") ", 'USD', 1, "
							       "1;",
	    "23514" },
	{ "a hold for ever",
	    SETTING "INSERT INTO transfer (status, debit_account_id, "
		    "credit_account_id, currency, amount) "
		    "SELECT 'held', " ID("u") ", " ID("v") ", 'USD', 1;",
	    "23514" },
	{ "a transfer between an account and itself",
	    SETTING MOVE("uuidv7()", "u", "u", "USD", "1"), "23514" },
	{ "a system account of a user",
	    "INSERT INTO wallet VALUES ('zed'); INSERT INTO account (kind,"
	    " user_id, name, currency) VALUES ('system', 'zed', 'n', 'USD');",
	    "23514" },
	{ "a user account of nobody",
	    "INSERT INTO account (name, currency) VALUES ('n', 'USD');",
	    "23514" },
	{ "a statement that does not add up",
	    SETTING "INSERT INTO statement (account_id, month, currency, "
		    "opening, closing, credits, debits, entries, "
		    "last_seq) SELECT "
		    "" ID("u") ", '2026-01-01', 'USD', 1, 2, 0, 0, 0, 0;",
	    "23514" },
};

START_TEST(statements_of_the_owner_role_have_the_expected_result)
{
	char *sql = arena_printf(a, "BEGIN; %s COMMIT;", books[_i].sql);
	const char *state = schema_run(owner_url, sql);

	ck_assert_msg(strcmp(state, books[_i].state) == 0, "%s: %s",
	    books[_i].what, state);
}
END_TEST

/*
 * Statements that a defective program might run, with the rights of the
 * application's role.
 */
static const char *const forbidden[] = {
	"UPDATE account SET balance = 100",
	"UPDATE account SET held = 0",
	"INSERT INTO account (user_id, name, currency, balance)"
	" VALUES ('alice', 'n', 'USD', 100)",
	"INSERT INTO account (kind, name, currency)"
	" VALUES ('system', 'n', 'USD')",
	"UPDATE account SET frozen = true",
	"UPDATE account SET name = 'n'",
	"INSERT INTO transfer (debit_account_id, credit_account_id, currency,"
	" amount) VALUES (uuidv7(), uuidv7(), 'USD', 1)",
	"UPDATE transfer SET status = 'released'",
	"DELETE FROM transfer",
	"SELECT FROM idempotency",
	"INSERT INTO idempotency VALUES ('alice', 'k', '\\x00')",
	"DELETE FROM idempotency",
	"INSERT INTO external_reference VALUES ('p', 'r', uuidv7())",
	"INSERT INTO statement VALUES (uuidv7(), '2026-01-01', 'USD')",
	"SELECT transfer_reverse(uuidv7(), NULL)",
	"SELECT account_external('USD')",
	"INSERT INTO entry (transfer_id, account_id, currency, amount)"
	" VALUES (uuidv7(), uuidv7(), 'USD', 1)",
	"UPDATE entry SET amount = 1",
	"DELETE FROM entry",
	"TRUNCATE entry",
	"DELETE FROM account",
	"DELETE FROM wallet",
	"UPDATE currency SET exponent = 0",
	"INSERT INTO currency VALUES ('FUN', 2)",
	"ALTER TABLE entry DISABLE TRIGGER ALL",
	"DROP TRIGGER entry_refuse ON entry",
	"CREATE TABLE y (n int)",
	"SET session_replication_role = replica",
};

START_TEST(application_role_may_not)
{
	ck_assert_str_eq(schema_run(app_url, forbidden[_i]), "42501");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("wallet_account");
	TCase *tc = tcase_create("database");
	const char *url = servers_start_postgres();

	schema_create(url, "wallet");
	app_url = schema_url(url, "wallet", SCHEMA_APP);
	owner_url = schema_url(url, "wallet", SCHEMA_OWNER);

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, fifty_first_contacts_leave_one_account);
	tcase_add_test(tc, ensure_of_unknown_currency_makes_nothing);
	tcase_add_test(tc, ensure_with_another_currency_changes_nothing);
	tcase_add_test(tc, list_of_a_user_without_wallet_makes_it);
	tcase_add_test(tc, another_persons_account_is_not_found);
	tcase_add_test(tc, currencies_are_seeded_with_their_exponents);
	tcase_add_loop_test(tc,
	    statements_of_the_owner_role_have_the_expected_result, 0,
	    (int)COUNT_OF(books));
	tcase_add_loop_test(
	    tc, application_role_may_not, 0, (int)COUNT_OF(forbidden));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
