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
	db = db_open(&(struct db_options){
	    .url = app_url,
	    .application_name = "test_wallet_account",
	    .connections = 8,
	    .acquire_timeout_ms = 20000,
	    .statement_timeout_ms = 20000,
	});
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
	struct account_page page = { .limit = 10 };
	int64_t count;

	ck_assert_int_eq(
	    account_find_page(db, a, user, &page, ret_accounts, &count),
	    ERR_OK);
	return count;
}

static void *
ensure_once(void *ctx)
{
	struct arena *arena = arena_new();

	ck_assert_int_eq(account_ensure(db, arena, ctx, "USD"), ERR_OK);
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

	ck_assert_int_eq(account_ensure(db, a, "bob", "QQQ"), ERR_INTERNAL);
	ck_assert_int_eq(list("bob", &accounts), 0);
	/* Not even a wallet, so the next one, configured well, makes both. */
	ck_assert_int_eq(account_ensure(db, a, "bob", "JPY"), ERR_OK);
	ck_assert_int_eq(list("bob", &accounts), 1);
	ck_assert_str_eq(accounts[0].currency, "JPY");
}
END_TEST

START_TEST(ensure_with_another_currency_changes_nothing)
{
	const struct account *accounts;

	ck_assert_int_eq(account_ensure(db, a, "carol", "EUR"), ERR_OK);
	ck_assert_int_eq(account_ensure(db, a, "carol", "USD"), ERR_OK);
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
	    account_list(db, a, "dave", "EUR", &page, &accounts, &count),
	    ERR_OK);
	ck_assert_int_eq(count, 1);
}
END_TEST

START_TEST(another_persons_account_is_not_found)
{
	const struct account *accounts;
	struct account account;

	ck_assert_int_eq(account_ensure(db, a, "erin", "EUR"), ERR_OK);
	ck_assert_int_eq(list("erin", &accounts), 1);
	ck_assert_int_eq(
	    account_find(db, a, "erin", accounts[0].id, &account), ERR_OK);
	ck_assert_int_eq(
	    account_find(db, a, "mallory", accounts[0].id, &account),
	    ERR_NOT_FOUND);
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
 * As the owner, who has every right: what is refused here is refused by the
 * tables.  The setting has the accounts u and v of a user in USD, s of the
 * system in USD, e of the system in EUR, and a transfer that waits for entries.
 */
#define SETTING                                                              \
	"CREATE TEMP TABLE x (name text, id uuid);"                          \
	"INSERT INTO wallet VALUES (gen_random_uuid()::text), ('z-' ||"      \
	" gen_random_uuid()::text);"                                         \
	"WITH m AS (INSERT INTO account (kind, user_id, name, currency) "    \
	"SELECT"                                                             \
	" 'user', max(user_id), 'u', 'USD' FROM wallet UNION ALL SELECT "    \
	"'user',"                                                            \
	" max(user_id), 'v', 'USD' FROM wallet UNION ALL SELECT 'system', "  \
	"NULL,"                                                              \
	" 's' || gen_random_uuid(), 'USD' UNION ALL SELECT 'system', NULL, " \
	"'e'"                                                                \
	" || gen_random_uuid(), 'EUR' RETURNING name, id)"                   \
	" INSERT INTO x SELECT left(name, 1), id FROM m;"                    \
	"INSERT INTO x SELECT 't', uuidv7();"                                \
	"INSERT INTO transfer (id, debit_account_id, credit_account_id,"     \
	" currency, amount) SELECT (SELECT id FROM x WHERE name = 't'),"     \
	" (SELECT id FROM x WHERE name = 's'), (SELECT id FROM x WHERE"      \
	" name = 'u'), 'USD', 100;"
#define ENTRY(name, currency, amount)                                          \
	"INSERT INTO entry (transfer_id, account_id, currency, amount) SELECT" \
	" (SELECT id FROM x WHERE name = 't'), (SELECT id FROM x WHERE name =" \
	" '" name "'), '" currency "', " amount ";"
#define BALANCE(name, amount)                                              \
	"DO $$BEGIN ASSERT (SELECT balance FROM account JOIN x USING (id)" \
	" WHERE x.name = '" name "') = " amount "; END$$;"

static const struct {
	const char *what, *sql, *state;
} books[] = {
	{ "a balanced transfer moves both balances",
	    SETTING ENTRY("s", "USD", "-100") ENTRY("u", "USD", "100")
		BALANCE("u", "100") BALANCE("s", "-100"),
	    "" },
	{ "entries carry the balance after them",
	    SETTING ENTRY("s", "USD", "-100") ENTRY("u", "USD", "60") ENTRY("u",
		"USD",
		"40") "DO $$BEGIN ASSERT (SELECT array_agg(balance_after ORDER "
		      "BY"
		      " entry.id) FROM entry JOIN x ON x.id = account_id WHERE"
		      " x.name = 'u') = '{60,100}'; END$$;",
	    "" },
	{ "half a transfer", SETTING ENTRY("u", "USD", "100"), "23514" },
	{ "one minor unit too many",
	    SETTING ENTRY("s", "USD", "-100") ENTRY("u", "USD", "101"),
	    "23514" },
	{ "zero over two currencies is not zero",
	    SETTING ENTRY("e", "EUR", "-100") ENTRY("u", "USD", "100"),
	    "23514" },
	{ "an entry of zero", SETTING ENTRY("u", "USD", "0"), "23514" },
	{ "an entry in another currency than its account's",
	    SETTING ENTRY("s", "EUR", "-100") ENTRY("u", "EUR", "100"),
	    "23503" },
	{ "a user below zero",
	    SETTING ENTRY("u", "USD", "-1") ENTRY("s", "USD", "1"), "23514" },
	{ "a user below what is held",
	    SETTING ENTRY("s", "USD", "-100") ENTRY("u", "USD",
		"100") "UPDATE account SET held = 60 WHERE id = (SELECT id "
		       "FROM x"
		       " WHERE name = 'u');" ENTRY("u", "USD", "-50")
			   ENTRY("s", "USD", "50"),
	    "23514" },
	{ "beyond what a client can read exactly",
	    SETTING ENTRY("s", "USD", "-9007199254740992"), "23514" },
	{ "a balance beyond it, in two steps",
	    SETTING ENTRY("s", "USD", "-9007199254740991")
		ENTRY("s", "USD", "-1"),
	    "23514" },
	{ "beyond bigint", SETTING ENTRY("s", "USD", "-9223372036854775809"),
	    "22003" },
	{ "a changed entry",
	    SETTING ENTRY("s", "USD", "-100")
		ENTRY("u", "USD", "100") "UPDATE entry SET amount = amount;",
	    "42501" },
	{ "a deleted entry",
	    SETTING ENTRY("s", "USD", "-100")
		ENTRY("u", "USD", "100") "DELETE FROM entry;",
	    "42501" },
	{ "emptied books", "TRUNCATE entry;", "42501" },
	{ "emptied books, from below", "TRUNCATE account CASCADE;", "42501" },
	{ "a transfer between an account and itself",
	    SETTING "INSERT INTO transfer (debit_account_id,"
		    " credit_account_id, currency, amount) SELECT id, id,"
		    " 'USD', 1 FROM x WHERE name = 'u';",
	    "23514" },
	{ "a system account of a user",
	    "INSERT INTO wallet VALUES ('zed'); INSERT INTO account (kind,"
	    " user_id, name, currency) VALUES ('system', 'zed', 'n', 'USD');",
	    "23514" },
	{ "a user account of nobody",
	    "INSERT INTO account (name, currency) VALUES ('n', 'USD');",
	    "23514" },
};

START_TEST(books_as_the_owner)
{
	char *sql = arena_printf(a, "BEGIN; %s COMMIT;", books[_i].sql);
	const char *state = schema_run(owner_url, sql);

	ck_assert_msg(strcmp(state, books[_i].state) == 0, "%s: %s",
	    books[_i].what, state);
}
END_TEST

/* A wrong program, under the rights it has. */
static const char *const forbidden[] = {
	"UPDATE account SET balance = 100",
	"UPDATE account SET held = 0",
	"INSERT INTO account (user_id, name, currency, balance)"
	" VALUES ('alice', 'n', 'USD', 100)",
	"INSERT INTO account (kind, name, currency)"
	" VALUES ('system', 'n', 'USD')",
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
	tcase_add_loop_test(tc, books_as_the_owner, 0, (int)COUNT_OF(books));
	tcase_add_loop_test(
	    tc, application_role_may_not, 0, (int)COUNT_OF(forbidden));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
