#include "tool.h"

#include <dirent.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

#include "message.h"

#define POSTGRES_DIRS "/usr/lib/postgresql"
static const char servers[] = "/usr/local/sbin:/usr/sbin:/sbin:"
			      "/usr/local/bin:/usr/bin:/bin";

static const char *
find_in(struct arena *a, const char *path, const char *name)
{
	const char *file;
	size_t len;

	for (; *path != '\0'; path += len + (path[len] == ':')) {
		len = strcspn(path, ":");
		if (path[0] != '/')
			continue;
		file = arena_printf(a, "%.*s/%s", (int)len, path, name);
		if (access(file, X_OK) == 0)
			return file;
	}
	return NULL;
}

const char *
tool_look_for(struct arena *a, const char *name)
{
	const char *path = getenv("PATH");
	const char *file = NULL;

	if (path != NULL)
		file = find_in(a, path, name);
	return file != NULL ? file : find_in(a, servers, name);
}

const char *
tool_find(struct arena *a, const char *name)
{
	const char *file = tool_look_for(a, name);

	if (file == NULL)
		print_error(
		    "%s is missing; install its package (in a checkout, "
		    "\"kedge setup\" installs what is needed)",
		    name);
	return file;
}

static const char *
newest_version(struct arena *a)
{
	struct dirent *entry;
	int64_t newest = 0;
	int64_t n;
	DIR *d;

	d = opendir(POSTGRES_DIRS);
	if (d == NULL)
		return NULL;
	while ((entry = readdir(d)) != NULL)
		if (str_i64(entry->d_name, 10, 999, &n) && n > newest &&
		    access(arena_printf(a, POSTGRES_DIRS "/%s/bin/postgres",
			       entry->d_name),
			X_OK) == 0)
			newest = n;
	closedir(d);
	if (newest == 0)
		return NULL;
	return arena_i64(a, newest);
}

const char *
tool_find_postgres(struct arena *a, const char *version)
{
	const char *wanted = version != NULL ? version : newest_version(a);
	const char *in_path;
	const char *dir;

	if (wanted != NULL) {
		dir = arena_printf(a, POSTGRES_DIRS "/%s/bin", wanted);
		if (access(arena_printf(a, "%s/postgres", dir), X_OK) == 0)
			return dir;
	}
	in_path = version == NULL ? tool_look_for(a, "postgres") : NULL;
	if (in_path != NULL)
		return arena_strndup(
		    a, in_path, strlen(in_path) - strlen("/postgres"));
	if (version != NULL)
		print_error(
		    "the cluster was made by PostgreSQL %s, which is not "
		    "installed",
		    version);
	else
		print_error(
		    "PostgreSQL's server is missing; install the package "
		    "postgresql (in a checkout, \"kedge setup\" "
		    "installs what is needed)");
	return NULL;
}
