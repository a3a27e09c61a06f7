#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/json.h"
#include "wallet/entry/entry_csv.h"
#include "wallet/ledger/ledger_code.h"
#include "wallet/operation/operation.h"
#include "web/request.h"

static struct arena *a;

static void
set_up(void)
{
	a = arena_new();
}

static void
tear_down(void)
{
	arena_free(a);
}

/* ----------------------------------------------------------------- codes */

static const struct {
	const char *code;
	enum err err;
} codes[] = {
	{ "INSUFFICIENT_FUNDS", ERR_UNPROCESSABLE },
	{ "ACCOUNT_NOT_FOUND", ERR_NOT_FOUND },
	{ "IDEMPOTENCY_KEY_REUSED", ERR_CONFLICT },
	{ "IDEMPOTENCY_KEY_REQUIRED", ERR_INVALID },
	{ "NOT_THE_PAYEE", ERR_FORBIDDEN },
	{ "SOMETHING_ELSE", ERR_INTERNAL },
};

START_TEST(each_ledger_code_has_its_error)
{
	struct req r = { .arena = a };

	ck_assert_int_eq(ledger_refuse(&r, codes[_i].code), codes[_i].err);
	if (codes[_i].err == ERR_INTERNAL) {
		ck_assert_ptr_null(r.error_code);
		return;
	}
	ck_assert_str_eq(r.error_code, codes[_i].code);
	ck_assert_str_eq(r.error_message, ledger_code_message(codes[_i].code));
}
END_TEST

/* ------------------------------------------------------------------ keys */

static const struct {
	const char *key;
	bool valid;
} keys[] = {
	{ "a", true },
	{ "!~", true },
	{ "", false },
	{ " ", false },
	{ "a b", false },
	{ "a\tb", false },
	{ "a\x7f", false },
	{ "caf\xc3\xa9", false },
};

START_TEST(key_is_visible_ascii)
{
	ck_assert(operation_key_is_valid(keys[_i].key) == keys[_i].valid);
}
END_TEST

START_TEST(key_has_a_length)
{
	char key[OPERATION_KEY_MAX + 2];

	memset(key, 'k', sizeof(key));
	key[OPERATION_KEY_MAX + 1] = '\0';
	ck_assert(!operation_key_is_valid(key));
	key[OPERATION_KEY_MAX] = '\0';
	ck_assert(operation_key_is_valid(key));
}
END_TEST

START_TEST(missing_key_is_refused)
{
	struct req r = { .arena = a };
	struct operation o;

	ck_assert_int_eq(
	    operation_begin_request(&o, &r, "x", NULL), ERR_INVALID);
	ck_assert_str_eq(r.error_code, "IDEMPOTENCY_KEY_REQUIRED");
}
END_TEST

/* --------------------------------------------------------------- digests */

static const char *
digest_of(const char *name, const char *text, int64_t n, const char *json)
{
	struct operation o;
	const char *problem;

	operation_begin(&o, a, name, "k");
	operation_add_text(&o, text);
	operation_add_int(&o, n);
	operation_add_json(&o,
	    json != NULL ? json_read(a, json, strlen(json), &problem) : NULL);
	operation_end(&o);
	ck_assert_uint_eq(strlen(o.sha256_hex), 64);
	return o.sha256_hex;
}

#define BASE_JSON "{\"a\":1,\"b\":{\"c\":[1,2.5,null],\"d\":\"x\"}}"

static const struct {
	const char *name, *text;
	int64_t n;
	const char *json;
	bool same;
} digests[] = {
	{ "t", "x", 1, BASE_JSON, true },
	{ "t", "x", 1,
	    " { \"b\" : {\"d\":\"\\u0078\",\"c\":[1,2.50,null]},\"a\":1}",
	    true },
	{ "u", "x", 1, BASE_JSON, false },
	{ "t", "y", 1, BASE_JSON, false },
	{ "t", NULL, 1, BASE_JSON, false },
	{ "t", "null", 1, BASE_JSON, false },
	{ "t", "x", 2, BASE_JSON, false },
	{ "t", "x", 1, NULL, false },
	{ "t", "x", 1, "{}", false },
	{ "t", "x", 1, "{\"a\":1,\"b\":{\"c\":[2.5,1,null],\"d\":\"x\"}}",
	    false },
	{ "t", "x", 1, "{\"a\":1.0,\"b\":{\"c\":[1,2.5,null],\"d\":\"x\"}}",
	    false },
	{ "t", "x", 1, "{\"a\":1,\"b\":{\"c\":[1,2.5],\"d\":\"x\"}}", false },
	{ "t", "x", 1, "{\"a\":1,\"b\":{\"c\":[1,2.5,null]},\"d\":\"x\"}",
	    false },
};

START_TEST(equal_requests_have_equal_digests)
{
	const char *first = digest_of("t", "x", 1, BASE_JSON);
	const char *other = digest_of(digests[_i].name, digests[_i].text,
	    digests[_i].n, digests[_i].json);

	ck_assert((strcmp(first, other) == 0) == digests[_i].same);
}
END_TEST

START_TEST(digest_of_texts_does_not_run_together)
{
	struct operation o, p;

	operation_begin(&o, a, "t", NULL);
	operation_add_text(&o, "a\",\"b");
	operation_end(&o);
	operation_begin(&p, a, "t", NULL);
	operation_add_text(&p, "a");
	operation_add_text(&p, "b");
	operation_end(&p);
	ck_assert_str_ne(o.sha256_hex, p.sha256_hex);
}
END_TEST

/* ------------------------------------------------------------------- CSV */

static const struct {
	const char *memo, *written;
} memos[] = {
	{ NULL, "" },
	{ "", "\"\"" },
	{ "plain", "\"plain\"" },
	{ "a,b", "\"a,b\"" },
	{ "a\"b\"", "\"a\"\"b\"\"\"" },
	{ "a\r\nb", "\"a\r\nb\"" },
	{ "=cmd()", "\"'=cmd()\"" },
	{ "+1", "\"'+1\"" },
	{ "-1", "\"'-1\"" },
	{ "@a", "\"'@a\"" },
	{ "\tx", "\"'\tx\"" },
	{ "\"=1", "\"\"\"=1\"" },
	{ "a=1", "\"a=1\"" },
};

START_TEST(csv_quotes_texts_of_users)
{
	struct entry entry = {
		.id = "i",
		.transfer_id = "t",
		.amount_minor = -5,
		.balance_after_minor = 7,
		.memo = memos[_i].memo,
		.created_at = "2026-01-02T03:04:05.678Z",
	};
	struct buf b;

	buf_init(&b, a, 4096);
	entry_csv_write(&b, &entry);
	ck_assert_str_eq(
	    b.data, arena_printf(a, "i,t,-5,7,%s,2026-01-02T03:04:05.678Z\r\n",
			memos[_i].written));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("wallet_ledger");
	TCase *tc = tcase_create("parts");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(
	    tc, each_ledger_code_has_its_error, 0, (int)COUNT_OF(codes));
	tcase_add_loop_test(tc, key_is_visible_ascii, 0, (int)COUNT_OF(keys));
	tcase_add_test(tc, key_has_a_length);
	tcase_add_test(tc, missing_key_is_refused);
	tcase_add_loop_test(
	    tc, equal_requests_have_equal_digests, 0, (int)COUNT_OF(digests));
	tcase_add_test(tc, digest_of_texts_does_not_run_together);
	tcase_add_loop_test(
	    tc, csv_quotes_texts_of_users, 0, (int)COUNT_OF(memos));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
