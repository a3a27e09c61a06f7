#include "unit.h"

#include "base/arena.h"
#include "db/db_login.h"

static struct arena *a;
static struct db_login login;

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

START_TEST(read_takes_the_parts_of_a_uri)
{
	ck_assert(db_login_read(
	    a, "postgresql://core:p%40ss@db.internal:5433/app", &login));
	ck_assert_str_eq(login.user, "core");
	ck_assert_str_eq(login.password, "p@ss");
	ck_assert_str_eq(login.database, "app");
	ck_assert(db_login_read(a, "host=/run/postgresql", &login));
	ck_assert_ptr_null(login.user);
	ck_assert_ptr_null(login.password);
	ck_assert(!db_login_read(a, "postgresql://[", &login));
}
END_TEST

START_TEST(replace_changes_only_role_and_password)
{
	const char *url = db_login_replace(a,
	    "postgresql://core:old@h1,h2:5433/app"
	    "?target_session_attrs=read-write&sslmode=require",
	    &(struct db_login){ "core_2", "it's a \\ secret", NULL });

	ck_assert_str_eq(url,
	    "user='core_2' password='it\\'s a \\\\ secret' dbname='app'"
	    " host='h1,h2' port=',5433' sslmode='require'"
	    " target_session_attrs='read-write'");
	ck_assert(db_login_read(a, url, &login));
	ck_assert_str_eq(login.user, "core_2");
	ck_assert_str_eq(login.password, "it's a \\ secret");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("db_login");
	TCase *tc = tcase_create("db_login");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, read_takes_the_parts_of_a_uri);
	tcase_add_test(tc, replace_changes_only_role_and_password);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
