#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "base/timezone.h"

static char dir[] = "/tmp/kedge-zones-XXXXXX";

static void
put(const char *name, const char *bytes)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(
	    write(fd, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
	close(fd);
}

static void
put_dir(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void
make_zones(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	put_dir("Europe");
	put_dir("America");
	put_dir("America/Argentina");
	put_dir("Etc");
	put_dir("posix");
	put_dir("posix/Europe");
	put_dir("SystemV");
	put("Europe/Berlin", "TZif2....");
	put("America/Argentina/Buenos_Aires", "TZif2....");
	put("America/Port-au-Prince", "TZif2....");
	put("Etc/GMT+1", "TZif2....");
	put("EST5EDT", "TZif2....");
	put("GMT0", "TZif");
	put("posix/Europe/Berlin", "TZif2....");
	put("SystemV/AST4", "TZif2....");
	put("localtime", "TZif2....");
	put("posixrules", "TZif2....");
	put("Factory", "TZif2....");
	put("zone.tab", "# tzdb data");
	put("Cut", "TZi");
	put("Other", "ZZif2....");
	put("Europe/..Berlin", "TZif2....");
	put("leapseconds", "TZif2....");
	/*
	 * A zone database like tzdata, in which links have no files of their
	 * own.
	 */
	put("tzdata.zi",
	    "# version 2026a\n"
	    "R d 1916 o - Jun 14 23s 1 S\n"
	    "Z Europe/Berlin 0:53:28 - LMT 1893 Ap\n"
	    "L Europe/Berlin Europe/Stockholm\n"
	    "L America/Argentina/Buenos_Aires America/Buenos_Aires\n"
	    "L Europe/Paris Europe/Monaco\n"
	    "L Europe/../Berlin Europe/Odd\n"
	    "L Etc/UTC Zulu\n"
	    "L Cut\n"
	    "L Europe/Berlin Last/Without_A_Newline");
}

static void
remove_zones(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static const char *const good[] = {
	"UTC", /* always valid, even though the directory has no such file */
	"Europe/Berlin",
	"America/Argentina/Buenos_Aires",
	"America/Port-au-Prince",
	"Etc/GMT+1",
	"EST5EDT",
	"GMT0",
	/* Links that have no files of their own. */
	"Europe/Stockholm",
	"America/Buenos_Aires",
	"Last/Without_A_Newline",
};

START_TEST(good_is_valid)
{
	ck_assert(timezone_valid(dir, good[_i]));
}
END_TEST

static const char *const resolved[][2] = {
	{ "Europe/Stockholm", "Europe/Berlin" },
	{ "America/Buenos_Aires", "America/Argentina/Buenos_Aires" },
	{ "Europe/Berlin", "Europe/Berlin" },
	{ "UTC", "UTC" },
	{ "Nowhere/Land", "Nowhere/Land" },
	{ "Europe/Odd", "Europe/Odd" },
};

START_TEST(link_is_resolved_to_its_target)
{
	char name[TIMEZONE_NAME_MAX + 1];

	timezone_resolve(dir, resolved[_i][0], name);
	ck_assert_str_eq(name, resolved[_i][1]);
}
END_TEST

static const char *const bad[] = {
	"",
	"utc",
	"europe/berlin", /* names are case-sensitive */
	"EUROPE/BERLIN",
	"Europe",
	"Europe/",
	"/Europe/Berlin",
	"Europe//Berlin",
	"Europe/Berlin/",
	"Europe/./Berlin",
	"Europe/../Europe/Berlin",
	"Europe/..Berlin",
	"../zones/Europe/Berlin",
	"Europe/Paris", /* a zone that this directory does not have */
	"Europe/Monaco", /* a link to the missing zone Europe/Paris */
	"Europe/Odd",
	"Zulu",
	"europe/stockholm",
	"Europe/Stockholm\nL",
	"R",
	"posix/Europe/Berlin",
	"right/Europe/Berlin",
	"SystemV/AST4",
	"localtime",
	"posixrules",
	"Factory",
	"leapseconds",
	"zone.tab",
	"Cut",
	"Other",
	"Europe/Berlin ",
	" Europe/Berlin",
	"Europe/Berlin\n",
	"Europe\\Berlin",
	"Europe/B\xc3\xa9rlin",
	"+01:00",
	"GMT+1",
	"EuropeEuropeEuropeEuropeEuropeEuropeEuropeEuropeEuropeEuropeEurope",
};

START_TEST(bad_is_invalid)
{
	ck_assert(!timezone_valid(dir, bad[_i]));
}
END_TEST

START_TEST(missing_directory_knows_utc_only)
{
	ck_assert(timezone_valid("/nonexistent", "UTC"));
	ck_assert(!timezone_valid("/nonexistent", "Europe/Berlin"));
}
END_TEST

START_TEST(installed_database_has_the_usual_zones)
{
	if (access(TIMEZONE_DIR "/Europe/Berlin", R_OK) != 0)
		return;
	ck_assert(timezone_valid(TIMEZONE_DIR, "Europe/Berlin"));
	ck_assert(timezone_valid(TIMEZONE_DIR, "Asia/Kolkata"));
	/*
	 * Old names that Chrome sends; Debian has their files in the package
	 * tzdata-legacy.
	 */
	ck_assert(timezone_valid(TIMEZONE_DIR, "Asia/Calcutta"));
	ck_assert(timezone_valid(TIMEZONE_DIR, "Asia/Saigon"));
	ck_assert(timezone_valid(TIMEZONE_DIR, "Asia/Katmandu"));
	ck_assert(timezone_valid(TIMEZONE_DIR, "Europe/Kiev"));
	ck_assert(timezone_valid(TIMEZONE_DIR, "America/Buenos_Aires"));
	ck_assert(timezone_valid(TIMEZONE_DIR, "Etc/UTC"));
	ck_assert(!timezone_valid(TIMEZONE_DIR, "Mars/Olympus"));
	ck_assert(!timezone_valid(TIMEZONE_DIR, "tzdata.zi"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("timezone");
	TCase *tc = tcase_create("valid");

	tcase_add_unchecked_fixture(tc, make_zones, remove_zones);
	tcase_add_loop_test(
	    tc, good_is_valid, 0, (int)(sizeof(good) / sizeof(good[0])));
	tcase_add_loop_test(
	    tc, bad_is_invalid, 0, (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_loop_test(tc, link_is_resolved_to_its_target, 0,
	    (int)(sizeof(resolved) / sizeof(resolved[0])));
	tcase_add_test(tc, missing_directory_knows_utc_only);
	tcase_add_test(tc, installed_database_has_the_usual_zones);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
