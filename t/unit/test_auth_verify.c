/* Which requests verify allows, and the cached claims that it uses. */
#include "unit.h"

#include <string.h>

#include "auth/auth.h"
#include "auth/config.h"
#include "auth/http/address.h"
#include "auth/identity/session_claims.h"
#include "auth/identity/user.h"
#include "auth/verify/assertion.h"
#include "auth/verify/guard.h"
#include "base/arena.h"
#include "base/attr.h"

static struct arena *a;

static void
setup(void)
{
	static struct plugin_set set;

	ck_assert(
	    config_compose(&set, /* plugins= */ NULL, /* fields= */ NULL));
	a = arena_new();
}

static void
teardown(void)
{
	arena_free(a);
}

/* clang-format off */
static const struct {
	const char *text;
	bool known;
	enum guard guard;
} guards[] = {
	{ "standard", true, GUARD_STANDARD },
	{ "role-gated", true, GUARD_ROLES },
	{ "none", true, GUARD_OPEN },
	{ "flexible", false, 0 }, /* refused until device sessions exist */
	{ "", false, 0 },
	{ NULL, false, 0 },
	{ "None", false, 0 },
	{ "none ", false, 0 },
	{ "standard,none", false, 0 },
};

static const struct {
	const char *has, *wanted;
	bool passes;
} roles[] = {
	{ "user", "user", true },
	{ "user", "admin", false },
	{ "user", "", false },
	{ "", "", false },
	{ "", "user", false },
	{ "admin", "", true },
	{ "admin", "editor", true },
	{ "user,editor", "boss, editor", true },
	{ " user , boss ", "editor,boss", true },
	{ "administrator", "admin", false },
	{ "edit", "editor", false },
	{ "Admin", "admin", false },
};

static const struct {
	const char *list;
	size_t count;
	const char *first, *last;
} lists[] = {
	{ "", 0, NULL, NULL },
	{ ",", 0, NULL, NULL },
	{ " , ,\t,", 0, NULL, NULL },
	{ "a", 1, "a", "a" },
	{ " a b ", 1, "a b", "a b" },
	{ "a,b,c", 3, "a", "c" },
	{ ",a,,b,", 2, "a", "b" },
};

static const struct {
	const char *ip, *address, *network;
} addresses[] = {
	{ "192.0.2.77", "192.0.2.77", "192.0.2.0" },
	{ "::ffff:192.0.2.77", "192.0.2.77", "192.0.2.0" },
	{ "::ffff:c000:024d", "192.0.2.77", "192.0.2.0" },
	{ "2001:DB8:1:2:3:4:5:6", "2001:0db8:0001:0002:0000:0000:0000:0000",
	  "2001:0db8:0001:0000:0000:0000:0000:0000" },
	{ "2001:db8:1:2::", "2001:0db8:0001:0002:0000:0000:0000:0000",
	  "2001:0db8:0001:0000:0000:0000:0000:0000" },
	{ "::1", "0000:0000:0000:0000:0000:0000:0000:0000",
	  "0000:0000:0000:0000:0000:0000:0000:0000" },
	{ "unix:", "", "" },
	{ "", "", "" },
	{ NULL, "", "" },
	{ "192.0.2.7, 10.0.0.1", "", "" },
	{ "192.0.2.077", "", "" },
	{ "1.2.3", "", "" },
};

/*
 * Invalid cached claims.  After the version, valid ones have the fields session
 * id, user id, expiry of the session, banned, expiry of the ban, accounts,
 * roles.
 */
static const char *const unreadable[] = {
	"", "x",
	"s\tu\t1\tf\t0\t\t", /* one field too few */
	"s\tu\t1\tf\t0\t\t\t\t", /* one field too many */
	"s\tu\t\tf\t0\t\t\t",
	"s\tu\t1x\tf\t0\t\t\t",
	"s\tu\t1\t\t0\t\t\t",
	"s\tu\t1\ttrue\t0\t\t\t",
	"s\tu\t1\tf\t-\t\t\t",
	"\tu\t1\tf\t0\t\t\t",
	"s\t\t1\tf\t0\t\t\t",
};
/*
 * Cached claims in the format of an older release, without a version, and of a
 * later release.
 */
static const char *const of_another_version[] = {
	"", "x", "{}",
	"1\t1\t-\tu\ts\t\t",
	"2-00000000\ts\tu\t1\tf\t0\t\t",
	"s\tu\t1\tf\t0\t\t",
};
/* clang-format on */

START_TEST(guards_decide_as_expected)
{
	enum guard guard;
	bool known = guard_read(guards[_i].text, &guard);

	ck_assert(known == guards[_i].known);
	if (known)
		ck_assert_int_eq(guard, guards[_i].guard);
}
END_TEST

START_TEST(roles_match_as_expected)
{
	struct strings has = user_list(a, roles[_i].has);
	struct strings wanted = user_list(a, roles[_i].wanted);

	ck_assert(guard_roles_pass(&has, &wanted) == roles[_i].passes);
}
END_TEST

START_TEST(lists_contain_names_as_expected)
{
	struct strings list = user_list(a, lists[_i].list);

	ck_assert_uint_eq(list.count, lists[_i].count);
	if (list.count > 0) {
		ck_assert_str_eq(list.items[0], lists[_i].first);
		ck_assert_str_eq(list.items[list.count - 1], lists[_i].last);
	}
}
END_TEST

START_TEST(list_is_bounded)
{
	char text[4 * USER_LIST_MAX + 1] = "";

	for (int i = 0; i < 2 * USER_LIST_MAX; i++)
		strcat(text, "a,");
	ck_assert_uint_eq(user_list(a, text).count, USER_LIST_MAX);
}
END_TEST

START_TEST(addresses_are_normalised_as_expected)
{
	ck_assert_str_eq(
	    address_of(a, addresses[_i].ip), addresses[_i].address);
	ck_assert_str_eq(
	    address_network(a, addresses[_i].ip), addresses[_i].network);
}
END_TEST

START_TEST(claims_are_read_as_written)
{
	struct session_claims in = {
		.user_id = "u\"\\\xc3\xbc",
		.session_id = "s",
		.roles = "admin, user",
		.accounts = "core,wallet",
		.email = "\xc3\xbc@example.org",
		.expires_at_ms = 1893456000000,
		.banned = _i > 0,
		.ban_expires_ms = _i > 1 ? 1893456000001 : 0,
	};
	struct session_claims out;

	ck_assert_int_eq(
	    session_claims_read(a, session_claims_write(a, &in), &out), ERR_OK);
	ck_assert_str_eq(out.user_id, in.user_id);
	ck_assert_str_eq(out.session_id, in.session_id);
	ck_assert_str_eq(out.roles, in.roles);
	ck_assert_str_eq(out.accounts, in.accounts);
	ck_assert_str_eq(out.email, in.email);
	ck_assert_int_eq(out.expires_at_ms, in.expires_at_ms);
	ck_assert(out.banned == in.banned);
	ck_assert_int_eq(out.ban_expires_ms, in.ban_expires_ms);
}
END_TEST

/* Returns the version of the claims' format: the text before the first tab. */
static const char *
version(void)
{
	const char *text =
	    session_claims_write(a, &(struct session_claims){ .user_id = "u",
					.session_id = "s",
					.roles = "",
					.accounts = "",
					.email = "" });

	return arena_strndup(a, text, strcspn(text, "\t"));
}

START_TEST(malformed_claims_are_refused)
{
	struct session_claims out;

	ck_assert_int_eq(
	    session_claims_read(
		a, arena_printf(a, "%s\ts\tu\t1\tf\t0\t\t\t", version()), &out),
	    ERR_OK);
	ck_assert_int_eq(
	    session_claims_read(
		a, arena_printf(a, "%s\t%s", version(), unreadable[_i]), &out),
	    ERR_INVALID);
}
END_TEST

START_TEST(claims_of_another_version_are_a_miss)
{
	struct session_claims out;

	ck_assert_int_eq(session_claims_read(a, of_another_version[_i], &out),
	    ERR_NOT_FOUND);
}
END_TEST

START_TEST(claims_too_long_are_not_kept)
{
	char *long_list = arena_alloc(a, 8192);

	memset(long_list, 'r', 8191);
	ck_assert_ptr_null(session_claims_write(a, &(struct session_claims){
						       .user_id = "u",
						       .session_id = "s",
						       .roles = long_list,
						       .accounts = "",
						       .email = "",
						   }));
}
END_TEST

static bool
is_signed(int nroles, const char *role)
{
	static const struct audience core = { .name = "core" };
	const char *list = role;

	for (int i = 1; i < nroles; i++)
		list = arena_printf(a, "%s,%s", list, role);
	return assertion_sign(a, &core,
		   &(struct assertion_facts){
		       .claims =
			   &(struct session_claims){
			       .user_id = "u",
			       .session_id = "s",
			       .roles = list,
			       .accounts = "",
			   },
		       .credential = "cookie",
		   },
		   /* now_ms= */ 0) != NULL;
}

/*
 * An assertion never has a part of the user's roles, because a service would
 * take the part for all roles: with too many roles there is no assertion.
 */
START_TEST(assertion_has_all_roles_or_is_none)
{
	ck_assert(is_signed(USER_LIST_MAX, "r"));
	ck_assert(!is_signed(USER_LIST_MAX + 1, "r"));
	ck_assert(is_signed(32, "a-role-of-32-letters-and-digits."));
	ck_assert(!is_signed(64, "a-role-of-64-letters-and-digits."
				 "a-role-of-64-letters-and-digits."));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("auth_verify");
	TCase *tc = tcase_create("rules");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, guards_decide_as_expected, 0, COUNT_OF(guards));
	tcase_add_loop_test(tc, roles_match_as_expected, 0, COUNT_OF(roles));
	tcase_add_loop_test(
	    tc, lists_contain_names_as_expected, 0, COUNT_OF(lists));
	tcase_add_test(tc, list_is_bounded);
	tcase_add_loop_test(
	    tc, addresses_are_normalised_as_expected, 0, COUNT_OF(addresses));
	tcase_add_loop_test(tc, claims_are_read_as_written, 0, 3);
	tcase_add_loop_test(
	    tc, malformed_claims_are_refused, 0, COUNT_OF(unreadable));
	tcase_add_loop_test(tc, claims_of_another_version_are_a_miss, 0,
	    COUNT_OF(of_another_version));
	tcase_add_test(tc, claims_too_long_are_not_kept);
	tcase_add_test(tc, assertion_has_all_roles_or_is_none);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
