#include "core/profile/timezone.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/str.h"

/*
 * In the directory, but no zones of the database: the place holder for a host
 * without one, and what old packages carried.  The others (posix/, right/,
 * localtime, posixrules) begin in lower case, as no zone does.
 */
static const char *const not_zones[] = { "Factory", "SystemV/" };

/*
 * Parts of letters, digits, + - _ with / between them: "Etc/GMT+1",
 * "America/Argentina/Buenos_Aires".  No dots, so no way out of the directory.
 */
static bool
is_spelled_well(const char *name)
{
	bool in_part = false;

	if (strlen(name) > TIMEZONE_NAME_MAX)
		return false;
	for (const char *p = name; *p != '\0'; p++) {
		if (*p == '/') {
			if (!in_part)
				return false;
			in_part = false;
		} else if (str_is_alnum(*p) || strchr("+-_", *p) != NULL) {
			in_part = true;
		} else {
			return false;
		}
	}
	if (!in_part || name[0] < 'A' || name[0] > 'Z')
		return false;
	for (size_t i = 0; i < COUNT_OF(not_zones); i++) {
		if (str_has_prefix(name, not_zones[i]))
			return false;
	}
	return true;
}

/* RFC 9636 section 3.1: a file of the format begins with "TZif". */
static bool
is_zone_file(const char *dir, const char *name)
{
	char magic[4];
	struct stat st;
	bool is_zone;
	int dir_fd, fd;

	dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return false;
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	close(dir_fd);
	if (fd < 0)
		return false;
	is_zone = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	          read(fd, magic, sizeof(magic)) == (ssize_t)sizeof(magic) &&
	          memcmp(magic, "TZif", sizeof(magic)) == 0;
	close(fd);
	return is_zone;
}

bool
timezone_valid(const char *dir, const char *name)
{
	/* The default must hold on a host without tzdata too. */
	if (strcmp(name, "UTC") == 0)
		return true;
	return is_spelled_well(name) && is_zone_file(dir, name);
}
