#include "base/timezone.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/str.h"

/*
 * Files in tzdata's directory that are no time zones of the database: the place
 * holder for a host without a zone, and files of old packages.  All other such
 * files (posix/, right/, localtime, posixrules) begin with a lower-case letter,
 * which no zone does.
 */
static const char *const not_zones[] = { "Factory", "SystemV/" };

/*
 * Checks the spelling of a name, such as "Etc/GMT+1" or
 * "America/Argentina/Buenos_Aires": parts of letters, digits, "+", "-" and "_",
 * separated by "/".  A name without dots cannot lead out of the directory.
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

/* RFC 9636 section 3.1: a time zone file begins with "TZif". */
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

/*
 * If the line is "L TARGET NAME" with the given name, copies TARGET and returns
 * true.
 */
static bool
take_target(const char *line, const char *name, char out[TIMEZONE_NAME_MAX + 1])
{
	char target[TIMEZONE_NAME_MAX + 1], link[TIMEZONE_NAME_MAX + 1];

	if (sscanf(line, "L %64s %64s", target, link) != 2 ||
	    strcmp(link, name) != 0 || !is_spelled_well(target))
		return false;
	memcpy(out, target, sizeof(target));
	return true;
}

/*
 * Looks up the target of a link in tzdata.zi.  The whole file is read each
 * time, which is slow; but links are rare.
 */
static bool
find_target(const char *dir, const char *name, char out[TIMEZONE_NAME_MAX + 1])
{
	char path[256], line[256];
	bool found = false;
	FILE *list;
	int n;

	n = snprintf(path, sizeof(path), "%s/tzdata.zi", dir);
	if (n < 0 || (size_t)n >= sizeof(path))
		return false;
	list = fopen(path, "re");
	if (list == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), list) != NULL)
		found = line[0] == 'L' && take_target(line, name, out);
	fclose(list);
	return found;
}

bool
timezone_valid(const char *dir, const char *name)
{
	char target[TIMEZONE_NAME_MAX + 1];

	/*
	 * "UTC" is the default and must be valid on a host without tzdata, too.
	 */
	if (strcmp(name, "UTC") == 0)
		return true;
	if (!is_spelled_well(name))
		return false;
	return is_zone_file(dir, name) ||
	       (find_target(dir, name, target) && is_zone_file(dir, target));
}

void
timezone_resolve(
    const char *dir, const char *name, char out[TIMEZONE_NAME_MAX + 1])
{
	if (strcmp(name, "UTC") != 0 && find_target(dir, name, out))
		return;
	str_copy(out, TIMEZONE_NAME_MAX + 1, name);
}
