/*
 * How plugins are composed: names that two plugins may not both declare, a
 * disabled plugin that leaves nothing behind, and what is made of the rows that
 * plugins declare.
 */
#include "unit.h"

#include <string.h>

#include "auth/auth.h"
#include "auth/config.h"
#include "auth/http/refusal.h"
#include "auth/identity/identity.h"
#include "auth/identity/session_claims.h"
#include "auth/identity/session_view.h"
#include "auth/identity/user_store.h"
#include "auth/identity/user_view.h"
#include "auth/plugins.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/json.h"
#include "base/str.h"
#include "job/job.h"
#include "web/service.h"

static struct arena *a;
static struct plugin_set set;
static char problem[PLUGIN_PROBLEM_MAX];

static void
setup(void)
{
	a = arena_new();
}

static void
teardown(void)
{
	arena_free(a);
}

static bool
compose_on(const struct auth_plugin *one, const struct auth_plugin *two,
    const char *names)
{
	const struct auth_plugin *const all[] = { one, two, NULL };

	return plugin_set_compose(&set, auth_core, all, names,
	    offsetof(struct auth_config, plugin_config), problem);
}

struct red_config {
	int64_t size;
	const char *colour;
};

/* clang-format off */
static const struct route red_routes[] = {
	{ "GET", "/red", NULL, .guard = GUARD_NONE },
	{ "POST", "/red/{id}/take", NULL, .guard = GUARD_NONE },
	{ 0 },
};
static const struct auth_column red_columns[] = {
	{ "redName", "redName", COLUMN_TEXT, .from_client = true,
	  .is_key = true },
	{ "redSince", "since", COLUMN_TIME },
	{ 0 },
};
static const struct auth_column red_session_columns[] = {
	{ "redTeam", "team", COLUMN_TEXT },
	{ 0 },
};
static const struct refusal red_refusals[] = {
	{ ERR_INVALID, "RED_IS_GONE", "Red is gone" },
	{ 0 },
};
static const struct auth_cookie red_cookies[] = { { "red" }, { 0 } };
static const struct config_var red_vars[] = {
	{ CONFIG(struct red_config, colour, "RED_COLOUR"), .fallback = "red" },
	{ 0 },
};
static const struct job_kind red_jobs[] = {
	{ .name = "red.sweep" },
	{ 0 },
};
static const struct job_schedule red_schedules[] = {
	{ "red.sweep", "1 2 * * *", .kind = "red.sweep" },
	{ 0 },
};
static const struct auth_claim red_claims[] = {
	{ "team", "s.\"redTeam\"", .asserted = true },
	{ "hidden", "u.\"redName\"" },
	{ 0 },
};
/* clang-format on */

static const struct auth_plugin red = {
	.name = "red",
	.routes = red_routes,
	.user_columns = red_columns,
	.session_columns = red_session_columns,
	.refusals = red_refusals,
	.cookies = red_cookies,
	.vars = red_vars,
	.config_size = sizeof(struct red_config),
	.jobs = red_jobs,
	.schedules = red_schedules,
	.claims = red_claims,
};
static const struct auth_plugin blue = { .name = "blue" };

/* clang-format off */
static const struct {
	struct auth_plugin other;
	const char *says;
} conflicts[] = {
	{ { .name = "red" }, "two plugins have the name red" },
	{ { .name = "session" }, "two plugins have the name session" },
	{ { .name = "b", .routes = (const struct route[]){
	    { "GET", "/red", NULL }, { 0 } } },
	  "the plugins red and b both have the path /red" },
	{ { .name = "b", .routes = (const struct route[]){
	    { "POST", "/red/{name}/take", NULL }, { 0 } } },
	  "path /red/{" },
	{ { .name = "b", .routes = (const struct route[]){
	    { "GET", "/get-session", NULL }, { 0 } } },
	  "the plugins session and b both have the path /get-session" },
	{ { .name = "b", .routes = (const struct route[]){
	    { "GET", "/jobs/{id}", NULL }, { 0 } } },
	  "the plugins jobs and b both have the path" },
	{ { .name = "b", .routes = (const struct route[]){
	    { "GET", "/b", NULL }, { "GET", "/b", NULL }, { 0 } } },
	  "the plugins b and b both have the path /b" },
	{ { .name = "b", .user_columns = (const struct auth_column[]){
	    { "redName", "other", COLUMN_TEXT }, { 0 } } },
	  "both have the column of \"user\" redName" },
	{ { .name = "b", .user_columns = (const struct auth_column[]){
	    { "other", "redName", COLUMN_TEXT }, { 0 } } },
	  "both have the member of the user redName" },
	{ { .name = "b", .user_columns = (const struct auth_column[]){
	    { "email", "other", COLUMN_TEXT }, { 0 } } },
	  "the plugin b has the column email" },
	{ { .name = "b", .session_columns = (const struct auth_column[]){
	    { "other", "userId", COLUMN_TEXT }, { 0 } } },
	  "the plugin b has the column other" },
	{ { .name = "b", .session_columns = (const struct auth_column[]){
	    { "redTeam", "x", COLUMN_TEXT }, { 0 } } },
	  "both have the column of session redTeam" },
	{ { .name = "b", .session_columns = (const struct auth_column[]){
	    { "x", "team", COLUMN_TEXT }, { 0 } } },
	  "both have the member of the session team" },
	{ { .name = "b", .cookies = (const struct auth_cookie[]){
	    { "red" }, { 0 } } }, "both have the cookie red" },
	{ { .name = "b", .cookies = (const struct auth_cookie[]){
	    { "session_token" }, { 0 } } },
	  "the plugins http and b both have the cookie session_token" },
	{ { .name = "b", .vars = (const struct config_var[]){
	    { .name = "RED_COLOUR" }, { 0 } } },
	  "does not begin with its name" },
	{ { .name = "b", .vars = (const struct config_var[]){
	    { .name = "SECRET" }, { 0 } } },
	  "does not begin with its name" },
	{ { .name = "b", .vars = (const struct config_var[]){
	    { .name = "B_X" }, { .name = "B_X" }, { 0 } } },
	  "the plugins b and b both have the variable B_X" },
	{ { .name = "b", .refusals = (const struct refusal[]){
	    { ERR_INVALID, "RED_IS_GONE", "It is" }, { 0 } } },
	  "both have the refusal RED_IS_GONE" },
	{ { .name = "b", .refusals = (const struct refusal[]){
	    { ERR_FORBIDDEN, "INVALID_PASSWORD", "Invalid password" },
	    { 0 } } },
	  "the plugins http and b both have the refusal INVALID_PASSWORD" },
	{ { .name = "b", .jobs = (const struct job_kind[]){
	    { .name = "red.sweep" }, { 0 } } }, "both have the job red.sweep" },
	{ { .name = "b", .schedules = (const struct job_schedule[]){
	    { .name = "session.sweep" }, { 0 } } },
	  "both have the schedule session.sweep" },
	{ { .name = "b", .claims = (const struct auth_claim[]){
	    { "team", "1" }, { 0 } } }, "both have the claim team" },
	/*
	 * Two plugins may declare the same error code if they also declare the
	 * same text for it.
	 */
	{ { .name = "b", .refusals = red_refusals }, NULL },
	{ { .name = "b", .routes = (const struct route[]){
	    { "PUT", "/red", NULL }, { "GET", "/red/{id}", NULL }, { 0 } } },
	  NULL },
};
/* clang-format on */

/*
 * A conflict between two plugins is reported whether they are enabled or not:
 * starting must not depend on AUTH_PLUGINS.
 */
START_TEST(plugins_that_claim_the_same_name_are_refused)
{
	const struct auth_plugin *other = &conflicts[_i].other;
	bool composed = compose_on(&red, other, "");

	if (conflicts[_i].says == NULL) {
		ck_assert_msg(composed, "%s", problem);
		return;
	}
	ck_assert(!composed);
	ck_assert_msg(strstr(problem, conflicts[_i].says) != NULL, "%s: not %s",
	    problem, conflicts[_i].says);
}
END_TEST

/* clang-format off */
static const struct {
	const char *names;
	size_t on;
	const char *says;
} selections[] = {
	{ "", 0, NULL },
	{ "red", 1, NULL },
	{ "blue,red", 2, NULL },
	{ " red , blue ,", 2, NULL },
	{ "green", 0, "there is no plugin \"green\"" },
	{ "re", 0, "there is no plugin \"re\"" },
	{ "Red", 0, "there is no plugin \"Red\"" },
	{ "red,red", 0, "red is named twice" },
	{ "session", 0, "there is no plugin \"session\"" },
	{ "red;blue", 0, "there is no plugin \"red;blue\"" },
};
/* clang-format on */

START_TEST(names_enable_plugins)
{
	bool composed = compose_on(&red, &blue, selections[_i].names);

	if (selections[_i].says != NULL) {
		ck_assert(!composed);
		ck_assert_msg(strstr(problem, selections[_i].says) != NULL,
		    "%s", problem);
		return;
	}
	ck_assert_msg(composed, "%s", problem);
	ck_assert_uint_eq(set.non - set.ncore, selections[_i].on);
}
END_TEST

static bool
has_list(const struct route *list)
{
	for (size_t i = 0; set.routes[i] != NULL; i++) {
		if (set.routes[i] == list)
			return true;
	}
	return false;
}

START_TEST(enabled_plugin_is_in_all_tables)
{
	size_t n = 0;

	ck_assert_msg(compose_on(&red, &blue, "red"), "%s", problem);
	ck_assert(has_list(red_routes));
	ck_assert_uint_eq(set.user_columns.count, 2);
	ck_assert_int_eq(columns_find(&set.user_columns, "since"), 1);
	ck_assert_int_eq(columns_find(&set.user_columns, "redSince"), -1);
	ck_assert_uint_eq(set.session_columns.count, 1);
	ck_assert_uint_eq(set.nclaims, 2);
	while (set.schedules[n].name != NULL)
		n++;
	ck_assert_str_eq(set.schedules[n - 1].name, "red.sweep");
}
END_TEST

/*
 * Of a disabled plugin only the environment variables are known, so that a
 * wrong value is still reported.
 */
START_TEST(disabled_plugin_is_in_no_table)
{
	const char *last = NULL;

	ck_assert_msg(compose_on(&red, &blue, "blue"), "%s", problem);
	ck_assert(!has_list(red_routes));
	ck_assert_uint_eq(set.user_columns.count, 0);
	ck_assert_uint_eq(set.session_columns.count, 0);
	ck_assert_uint_eq(set.nclaims, 0);
	for (size_t i = 0; set.schedules[i].name != NULL; i++)
		ck_assert_str_ne(set.schedules[i].name, "red.sweep");
	for (size_t i = 0; set.vars[i].name != NULL; i++)
		last = set.vars[i].name;
	ck_assert_str_eq(last, "RED_COLOUR");
}
END_TEST

START_TEST(variables_of_a_plugin_are_its_own)
{
	struct auth_config config = { .plugin_set = &set };
	struct auth auth = { .config = &config, .plugins = &set };
	const struct red_config *own;
	struct config_var one[2] = { { 0 } };

	ck_assert_msg(compose_on(&blue, &red, "red"), "%s", problem);
	for (size_t i = 0; set.vars[i].name != NULL; i++)
		one[0] = set.vars[i];
	ck_assert(config_load("TEST", one, &config));
	own = plugin_config(&auth, red.vars);
	ck_assert_str_eq(own->colour, "red");
}
END_TEST

static bool
has_field(const struct field *fields, const char *name)
{
	for (; fields->name != NULL; fields++) {
		if (str_eq(fields->name, name))
			return true;
	}
	return false;
}

/*
 * Responses contain the members of user and session objects that enabled
 * plugins add, and none of those of disabled plugins.
 */
START_TEST(objects_have_the_columns_of_enabled_plugins)
{
	ck_assert(config_compose(&set, "email-password", /* fields= */ NULL));
	ck_assert(!has_field(user_schema.fields, "role"));
	ck_assert(!has_field(session_rows, "impersonatedBy"));
	ck_assert(has_field(session_rows, "id"));
	ck_assert_ptr_null(strstr(user_columns(), "banReason"));
	ck_assert(
	    config_compose(&set, "email-password,admin", /* fields= */ NULL));
	ck_assert(has_field(user_schema.fields, "role"));
	ck_assert(has_field(session_rows, "impersonatedBy"));
	ck_assert(has_field(user_schema.fields, "id"));
	ck_assert_ptr_nonnull(strstr(user_columns(), "banReason"));
}
END_TEST

static struct session_claims
claims_with(const char *team, const char *hidden)
{
	return (struct session_claims){
		.user_id = "u",
		.session_id = "s",
		.roles = "user",
		.accounts = "",
		.email = "",
		.more = { team, hidden },
	};
}

START_TEST(claims_of_a_plugin_are_remembered_and_asserted)
{
	struct session_claims in = claims_with("red \"1\"", "x"), out;
	const char *text, *asserted;

	ck_assert_msg(compose_on(&red, &blue, "red"), "%s", problem);
	identity_compose(&set);
	ck_assert_ptr_nonnull(strstr(session_claims_select(), "s.\"redTeam\""));
	text = session_claims_write(a, &in);
	ck_assert_int_eq(session_claims_read(a, text, &out), ERR_OK);
	ck_assert_str_eq(out.more[0], "red \"1\"");
	ck_assert_str_eq(out.more[1], "x");
	ck_assert(session_claims_asserted(a, &out, &asserted));
	ck_assert_str_eq(asserted, "{\"team\":\"red \\\"1\\\"\"}");
	in = claims_with("", "x");
	ck_assert(session_claims_asserted(a, &in, &asserted));
	ck_assert_ptr_null(asserted);

	/*
	 * When the plugin is disabled, cached claims that were written with it
	 * count as another version, so reading them is a miss.
	 */
	ck_assert_msg(compose_on(&red, &blue, ""), "%s", problem);
	identity_compose(&set);
	ck_assert_int_eq(session_claims_read(a, text, &out), ERR_NOT_FOUND);
}
END_TEST

/* All plugins of the source tree can be composed at the same time. */
START_TEST(all_plugins_can_be_enabled_together)
{
	const char *names = "";

	for (size_t i = 0; plugins_all[i] != NULL; i++)
		names = arena_printf(a, "%s,%s", names, plugins_all[i]->name);
	ck_assert(config_compose(&set, names, /* fields= */ NULL));
	ck_assert(config_compose(&set, "", /* fields= */ NULL));
	ck_assert(config_compose(&set, NULL, /* fields= */ NULL));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("auth_plugin");
	TCase *tc = tcase_create("plugin");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, plugins_that_claim_the_same_name_are_refused, 0,
	    COUNT_OF(conflicts));
	tcase_add_loop_test(tc, names_enable_plugins, 0, COUNT_OF(selections));
	tcase_add_test(tc, enabled_plugin_is_in_all_tables);
	tcase_add_test(tc, disabled_plugin_is_in_no_table);
	tcase_add_test(tc, variables_of_a_plugin_are_its_own);
	tcase_add_test(tc, objects_have_the_columns_of_enabled_plugins);
	tcase_add_test(tc, claims_of_a_plugin_are_remembered_and_asserted);
	tcase_add_test(tc, all_plugins_can_be_enabled_together);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
