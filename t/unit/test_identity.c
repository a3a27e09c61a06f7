#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/jws.h"
#include "web/identity.h"

enum { NOW = 1767323045 };
#define NOW_MS (NOW * INT64_C(1000) + 7)

static const char secret[] = "0123456789abcdef0123456789abcdef";

static struct arena *a;
static unsigned char key[IDENTITY_KEY_SIZE];
static const struct identity_keys keys = { .current = key };

static void
setup(void)
{
	a = arena_new();
	identity_derive_key(secret, "core", key);
}

static void
teardown(void)
{
	arena_free(a);
}

static const char *const role_items[] = { "user", "ad\"min" };
static const char *const account_items[] = { "core" };
static const struct identity alice = {
	.user_id = "u1",
	.session_id = "s1",
	.roles = { role_items, 2 },
	.accounts = { account_items, 1 },
};

START_TEST(sign_then_verify_is_the_same)
{
	const char *token = identity_sign(a, key, "core", &alice, NOW_MS);
	const struct identity *who =
	    identity_verify(a, &keys, "core", token, NOW);

	ck_assert_ptr_nonnull(who);
	ck_assert_str_eq(who->user_id, "u1");
	ck_assert_str_eq(who->session_id, "s1");
	ck_assert_uint_eq(who->roles.count, 2);
	ck_assert(strings_has(&who->roles, "ad\"min"));
	ck_assert(!strings_has(&who->roles, "ad"));
	ck_assert(!strings_has(&who->roles, ""));
	ck_assert_uint_eq(who->accounts.count, 1);
	ck_assert(strings_has(&who->accounts, "core"));
}
END_TEST

START_TEST(verify_accepts_the_previous_key)
{
	unsigned char old[IDENTITY_KEY_SIZE];
	unsigned char older[IDENTITY_KEY_SIZE];
	const struct identity_keys both = { .current = key, .previous = old };
	const struct identity *who;

	identity_derive_key("an old secret", "core", old);
	identity_derive_key("an older secret", "core", older);
	who = identity_verify(a, &both, "core",
	    identity_sign(a, old, "core", &alice, NOW_MS), NOW);
	ck_assert_ptr_nonnull(who);
	ck_assert_str_eq(who->user_id, alice.user_id);
	ck_assert_ptr_nonnull(identity_verify(a, &both, "core",
	    identity_sign(a, key, "core", &alice, NOW_MS), NOW));
	ck_assert_ptr_null(identity_verify(a, &both, "core",
	    identity_sign(a, older, "core", &alice, NOW_MS), NOW));
	ck_assert_ptr_null(identity_verify(a, &keys, "core",
	    identity_sign(a, old, "core", &alice, NOW_MS), NOW));
}
END_TEST

START_TEST(sign_tells_when_and_for_which_roles)
{
	struct identity who = alice;
	const struct identity *read;

	read = identity_verify(
	    a, &keys, "core", identity_sign(a, key, "core", &who, NOW_MS), NOW);
	ck_assert_ptr_nonnull(read);
	ck_assert_int_eq(read->issued_at_ms, NOW_MS);
	ck_assert(!read->role_gated);

	who.role_gated = true;
	read = identity_verify(
	    a, &keys, "core", identity_sign(a, key, "core", &who, NOW_MS), NOW);
	ck_assert_ptr_nonnull(read);
	ck_assert(read->role_gated);
	ck_assert_uint_eq(read->required_roles.count, 0);

	who.required_roles = (struct strings){ role_items, 2 };
	read = identity_verify(
	    a, &keys, "core", identity_sign(a, key, "core", &who, NOW_MS), NOW);
	ck_assert_ptr_nonnull(read);
	ck_assert(strings_has(&read->required_roles, "ad\"min"));
}
END_TEST

START_TEST(sign_tells_the_credential_and_what_plugins_say)
{
	struct identity who = alice;
	const struct identity *read;

	read = identity_verify(
	    a, &keys, "core", identity_sign(a, key, "core", &who, NOW_MS), NOW);
	ck_assert_ptr_nonnull(read);
	ck_assert_ptr_null(read->credential);
	ck_assert_ptr_null(read->claims);

	who.credential = "bearer";
	who.role_gated = true;
	read = identity_verify(
	    a, &keys, "core", identity_sign(a, key, "core", &who, NOW_MS), NOW);
	ck_assert_ptr_nonnull(read);
	ck_assert_str_eq(read->credential, "bearer");
	ck_assert(read->role_gated);

	who.claims_text = "{\"team\":\"red\"}";
	read = identity_verify(
	    a, &keys, "core", identity_sign(a, key, "core", &who, NOW_MS), NOW);
	ck_assert_ptr_nonnull(read);
	ck_assert_str_eq(read->credential, "bearer");
	ck_assert_str_eq(json_member_string(read->claims, "team"), "red");
}
END_TEST

/* clang-format off */
static const struct {
	int now_after_s;
	bool valid, expired;
} ages[] = {
	{ 0, true, false },
	{ IDENTITY_TTL_S + 4, true, false },
	{ IDENTITY_TTL_S + 5, true, true },
	{ IDENTITY_BODY_MAX_S, true, true },
	{ IDENTITY_BODY_MAX_S + 1, false, true },
	{ -4, true, false },
	{ -5, false, false },
};
/* clang-format on */

START_TEST(verify_aged_has_a_bound)
{
	const char *token = identity_sign(a, key, "core", &alice, NOW_MS);
	int64_t now_s = NOW + ages[_i].now_after_s;
	const struct identity *who =
	    identity_verify_aged(a, &keys, "core", token, now_s);

	ck_assert_int_eq(who != NULL, ages[_i].valid);
	if (who != NULL)
		ck_assert(identity_is_expired(who, now_s) == ages[_i].expired);
}
END_TEST

/*
 * An assertion of an older release has its issue time in whole seconds: it
 * counts as issued at the end of its second.
 */
START_TEST(verify_without_milliseconds_is_as_young_as_can_be)
{
	static const char claims[] =
	    "{\"iss\":\"auth\",\"aud\":\"core\",\"sub\":\"u\",\"sid\":\"s\","
	    "\"roles\":[],\"accounts\":[],\"iat\":1767323045,"
	    "\"exp\":1767323075}";
	const struct identity *who = identity_verify(a, &keys, "core",
	    jws_sign(a, key, sizeof(key), claims, sizeof(claims) - 1), NOW);

	ck_assert_ptr_nonnull(who);
	ck_assert(!who->has_issued_ms);
	ck_assert_int_eq(who->issued_at_ms, NOW * INT64_C(1000) + 999);
}
END_TEST

START_TEST(verify_without_roles_has_none)
{
	const struct identity bob = { .user_id = "b", .session_id = "s" };
	const char *token = identity_sign(a, key, "core", &bob, NOW_MS);
	const struct identity *who =
	    identity_verify(a, &keys, "core", token, NOW);

	ck_assert_ptr_nonnull(who);
	ck_assert_uint_eq(who->roles.count, 0);
	ck_assert(!strings_has(&who->roles, "admin"));
}
END_TEST

START_TEST(sign_more_than_a_token_holds_is_null)
{
	const char *items[600];
	struct identity who = alice;

	for (size_t i = 0; i < COUNT_OF(items); i++)
		items[i] = "a role with a long name";
	who.roles = (struct strings){ items, COUNT_OF(items) };
	ck_assert_ptr_null(identity_sign(a, key, "core", &who, NOW_MS));
}
END_TEST

/* clang-format off */
static const struct {
	int now_after_s;
	bool valid;
} times[] = {
	{ 0, true },
	{ IDENTITY_TTL_S - 1, true },
	{ IDENTITY_TTL_S + 4, true }, /* within the difference between clocks that is allowed */
	{ IDENTITY_TTL_S + 5, false },
	{ IDENTITY_TTL_S + 3600, false },
	{ -4, true },
	{ -5, false },
	{ -3600, false },
};
/* clang-format on */

START_TEST(verify_at_times)
{
	const char *token = identity_sign(a, key, "core", &alice, NOW_MS);

	ck_assert_int_eq(identity_verify(a, &keys, "core", token,
			     NOW + times[_i].now_after_s) != NULL,
	    times[_i].valid);
}
END_TEST

#define WHO "\"sub\":\"u\",\"sid\":\"s\","
#define LISTS "\"roles\":[],\"accounts\":[],"
#define OURS "\"iss\":\"auth\",\"aud\":\"core\","
#define TIMES "\"iat\":1767323045,\"exp\":1767323075"

/*
 * Assertions that are signed with the right key, but whose claims are not
 * valid.
 */
static const char *const bad_claims[] = {
	"{}",
	"{" WHO LISTS TIMES "}",
	"{\"iss\":\"core\",\"aud\":\"core\"," WHO LISTS TIMES "}",
	"{\"iss\":\"auth\",\"aud\":\"wallet\"," WHO LISTS TIMES "}",
	"{\"iss\":\"auth\",\"aud\":[\"core\"]," WHO LISTS TIMES "}",
	"{\"iss\":\"auth\",\"aud\":\"\"," WHO LISTS TIMES "}",
	"{\"iss\":\"auth\"," WHO LISTS TIMES "}",
	"{\"aud\":\"core\"," WHO LISTS TIMES "}",
	"{" OURS "\"sid\":\"s\"," LISTS TIMES "}",
	"{" OURS "\"sub\":\"\",\"sid\":\"s\"," LISTS TIMES "}",
	"{" OURS "\"sub\":7,\"sid\":\"s\"," LISTS TIMES "}",
	"{" OURS "\"sub\":null,\"sid\":\"s\"," LISTS TIMES "}",
	"{" OURS "\"sub\":\"u\"," LISTS TIMES "}",
	"{" OURS "\"sub\":\"u\",\"sid\":\"\"," LISTS TIMES "}",
	"{" OURS WHO TIMES "}",
	"{" OURS WHO "\"roles\":[]," TIMES "}",
	"{" OURS WHO "\"roles\":\"admin\",\"accounts\":[]," TIMES "}",
	"{" OURS WHO "\"roles\":[1],\"accounts\":[]," TIMES "}",
	"{" OURS WHO "\"roles\":[],\"accounts\":{}," TIMES "}",
	"{" OURS WHO LISTS "\"iat\":1767323045}",
	"{" OURS WHO LISTS "\"exp\":1767323075}",
	"{" OURS WHO LISTS "\"iat\":1767323045.0,\"exp\":1767323075}",
	"{" OURS WHO LISTS "\"iat\":\"1767323045\",\"exp\":1767323075}",
	"{" OURS WHO LISTS "\"iat\":1767323045,\"exp\":1767323346}",
	"{" OURS WHO LISTS "\"iat\":1767323076,\"exp\":1767323075}",
	"{" OURS WHO LISTS "\"iat\":-9223372036854775808,"
	"\"exp\":9223372036854775807}",
	"{" OURS WHO LISTS "\"iat\":0,\"exp\":9223372036854775807}",
	"{" OURS WHO LISTS "\"iat\":-1,\"exp\":1767323075}",
};

START_TEST(verify_bad_claims_is_null)
{
	const char *claims = bad_claims[_i];
	const char *token =
	    jws_sign(a, key, sizeof(key), claims, strlen(claims));

	ck_assert_ptr_null(identity_verify(a, &keys, "core", token, NOW));
}
END_TEST

START_TEST(verify_claims_that_are_good_is_not_null)
{
	static const char claims[] = "{" OURS WHO LISTS TIMES "}";
	const char *token =
	    jws_sign(a, key, sizeof(key), claims, sizeof(claims) - 1);

	ck_assert_ptr_nonnull(identity_verify(a, &keys, "core", token, NOW));
}
END_TEST

#define LIST_OF(list) OURS WHO "\"roles\":" list ",\"accounts\":[]," TIMES
#define SUB_OF(sub) OURS "\"sub\":" sub ",\"sid\":\"s\"," LISTS TIMES
#define IAT_OF(iat) OURS WHO LISTS "\"iat\":" iat ",\"exp\":1767323075"

#define MORE(members) IAT_OF("1767323045") members

/* Claims in JSON, without their first brace: the test puts it in front. */
static const char *const two_ways[] = {
	LIST_OF("[\"a\",\"b\"]") "}",
	LIST_OF("[\"a\", \"b\"]") "}",
	LIST_OF("[\"a\",]") "}",
	LIST_OF("[,\"a\"]") "}",
	LIST_OF("[\"a\"\"b\"]") "}",
	LIST_OF("[\"a\"") "}",
	LIST_OF("\"a\"") "}",
	LIST_OF("[\"\"]") "}",
	LIST_OF("[\"a\\\"\"]") "}",
	LIST_OF("[\"a\\\",\"]") "}",
	LIST_OF("[\"\\u0061\"]") "}",
	LIST_OF("[\"\x7f\"]") "}",
	LIST_OF("[\"\x01\"]") "}",
	LIST_OF("[\"\xc3\xa9\"]") "}",
	LIST_OF("[\"\xc3\"]") "}",
	LIST_OF("[null]") "}",
	SUB_OF("\"u/~ x\"") "}",
	SUB_OF("u") "}",
	SUB_OF("\"u") "}",
	SUB_OF("\"\"") "}",
	IAT_OF("1767323045") "}",
	IAT_OF("01767323045") "}",
	IAT_OF("+1767323045") "}",
	IAT_OF("") "}",
	IAT_OF("0") "}",
	IAT_OF("1767323045.0") "}",
	IAT_OF("176732304500000000000000000000") "}",
	IAT_OF("1767323045") "} ",
	IAT_OF("1767323045") "}x",
	IAT_OF("1767323045") "}}",
	IAT_OF("1767323045") ",\"x\":1}",
	IAT_OF("1767323045") ",\"sub\":\"root\"}",
	IAT_OF("1767323045"),
	MORE(",\"iat_ms\":1767323045007}"),
	MORE(",\"iat_ms\":1767323045999}"),
	MORE(",\"iat_ms\":1767323046000}"),
	MORE(",\"iat_ms\":1767323045}"),
	MORE(",\"iat_ms\":0}"),
	MORE(",\"iat_ms\":\"1767323045007\"}"),
	MORE(",\"iat_ms\":null}"),
	MORE(",\"iat_ms\":1767323045007,\"iat_ms\":1767323045007}"),
	MORE(",\"required_roles\":[]}"),
	MORE(",\"required_roles\":[\"a\"]}"),
	MORE(",\"required_roles\":null}"),
	MORE(",\"iat_ms\":1767323045007,\"required_roles\":[\"a\",\"b\"]}"),
	MORE(",\"required_roles\":[\"a\"],\"iat_ms\":1767323045007}"),
	"",
};

/*
 * Two parsers must give the same result: the fast one, and the general JSON
 * parser, which is used when a space follows the first brace.
 */
START_TEST(verify_reads_alike_in_both_ways)
{
	const char *texts[2] = {
		arena_printf(a, "{%s", two_ways[_i]),
		arena_printf(a, "{ %s", two_ways[_i]),
	};
	const struct identity *who[2];

	for (int i = 0; i < 2; i++) {
		const char *token =
		    jws_sign(a, key, sizeof(key), texts[i], strlen(texts[i]));

		who[i] = identity_verify(a, &keys, "core", token, NOW);
	}
	ck_assert_int_eq(who[0] != NULL, who[1] != NULL);
	if (who[0] == NULL)
		return;
	ck_assert_str_eq(who[0]->user_id, who[1]->user_id);
	ck_assert_str_eq(who[0]->session_id, who[1]->session_id);
	ck_assert_uint_eq(who[0]->roles.count, who[1]->roles.count);
	for (size_t i = 0; i < who[0]->roles.count; i++)
		ck_assert_str_eq(
		    who[0]->roles.items[i], who[1]->roles.items[i]);
	ck_assert_uint_eq(who[0]->accounts.count, who[1]->accounts.count);
	ck_assert_int_eq(who[0]->issued_at_ms, who[1]->issued_at_ms);
	ck_assert(who[0]->role_gated == who[1]->role_gated);
	ck_assert_uint_eq(
	    who[0]->required_roles.count, who[1]->required_roles.count);
}
END_TEST

START_TEST(verify_reads_as_many_roles_as_a_token_holds)
{
	const char *items[64];
	struct identity who = alice;
	const struct identity *read;

	for (size_t i = 0; i < COUNT_OF(items); i++)
		items[i] = arena_printf(a, "role%zu", i);
	for (size_t n = 0; n < COUNT_OF(items); n++) {
		who.roles = (struct strings){ items, n };
		read = identity_verify(a, &keys, "core",
		    identity_sign(a, key, "core", &who, NOW_MS), NOW);
		ck_assert_ptr_nonnull(read);
		ck_assert_uint_eq(read->roles.count, n);
		for (size_t i = 0; i < n; i++)
			ck_assert_str_eq(read->roles.items[i], items[i]);
	}
}
END_TEST

START_TEST(verify_other_key_or_audience_is_null)
{
	const char *token = identity_sign(a, key, "core", &alice, NOW_MS);
	unsigned char other[IDENTITY_KEY_SIZE];

	identity_derive_key(secret, "wallet", other);
	ck_assert_mem_ne(key, other, sizeof(key));
	ck_assert_ptr_null(identity_verify(
	    a, &(struct identity_keys){ other, NULL }, "core", token, NOW));
	ck_assert_ptr_null(identity_verify(a, &keys, "wallet", token, NOW));
	ck_assert_ptr_null(identity_verify(a, &keys, "cor", token, NOW));
}
END_TEST

START_TEST(verify_of_an_empty_token_is_null)
{
	ck_assert_ptr_null(identity_verify(a, &keys, "core", NULL, NOW));
	ck_assert_ptr_null(identity_verify(a, &keys, "core", "", NOW));
	ck_assert_ptr_null(identity_verify(a, &keys, "core", "..", NOW));
}
END_TEST

START_TEST(verify_any_changed_or_missing_byte_is_null)
{
	const char *token = identity_sign(a, key, "core", &alice, NOW_MS);
	char *copy = arena_strdup(a, token);

	for (size_t i = 0; token[i] != '\0'; i++) {
		copy[i] = token[i] == 'A' ? 'B' : 'A';
		ck_assert_ptr_null(
		    identity_verify(a, &keys, "core", copy, NOW));
		copy[i] = '\0';
		ck_assert_ptr_null(
		    identity_verify(a, &keys, "core", copy, NOW));
		copy[i] = token[i];
	}
	ck_assert_ptr_nonnull(identity_verify(a, &keys, "core", copy, NOW));
}
END_TEST

START_TEST(read_key_takes_what_encoding_gives)
{
	const char *text = base64url_encode(a, key, sizeof(key));
	unsigned char read[IDENTITY_KEY_SIZE];

	ck_assert(identity_read_key(text, read));
	ck_assert_mem_eq(read, key, sizeof(key));
}
END_TEST

static const char *const bad_keys[] = {
	"",
	"AAAA",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", /* 33 bytes */
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
};

START_TEST(read_key_bad_is_refused)
{
	unsigned char read[IDENTITY_KEY_SIZE] = { 7 };

	ck_assert(!identity_read_key(bad_keys[_i], read));
	ck_assert_int_eq(read[0], 7);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("identity");
	TCase *tc = tcase_create("identity");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, verify_accepts_the_previous_key);
	tcase_add_test(tc, sign_then_verify_is_the_same);
	tcase_add_test(tc, sign_tells_when_and_for_which_roles);
	tcase_add_test(tc, sign_tells_the_credential_and_what_plugins_say);
	tcase_add_loop_test(tc, verify_aged_has_a_bound, 0, COUNT_OF(ages));
	tcase_add_test(tc, verify_without_milliseconds_is_as_young_as_can_be);
	tcase_add_test(tc, verify_without_roles_has_none);
	tcase_add_test(tc, sign_more_than_a_token_holds_is_null);
	tcase_add_loop_test(tc, verify_at_times, 0, COUNT_OF(times));
	tcase_add_loop_test(
	    tc, verify_bad_claims_is_null, 0, COUNT_OF(bad_claims));
	tcase_add_loop_test(
	    tc, verify_reads_alike_in_both_ways, 0, COUNT_OF(two_ways));
	tcase_add_test(tc, verify_reads_as_many_roles_as_a_token_holds);
	tcase_add_test(tc, verify_claims_that_are_good_is_not_null);
	tcase_add_test(tc, verify_other_key_or_audience_is_null);
	tcase_add_test(tc, verify_of_an_empty_token_is_null);
	tcase_add_test(tc, verify_any_changed_or_missing_byte_is_null);
	tcase_add_test(tc, read_key_takes_what_encoding_gives);
	tcase_add_loop_test(tc, read_key_bad_is_refused, 0, COUNT_OF(bad_keys));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
