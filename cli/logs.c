#include "logs.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"

#include "file.h"
#include "logs_select.h"
#include "message.h"
#include "options.h"
#include "stack.h"
#include "tool.h"

enum { FILES_MAX = 64 };

static int
select_log(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 4 && str_eq(entry->d_name + len - 4, ".log") ? 1 : 0;
}

/* Finds the names of all logs in log/, sorted. Returns their number. */
static size_t
list_all(struct arena *a, char **files, size_t room)
{
	struct dirent **entries;
	size_t count = 0;
	int n, i;

	n = scandir("log", &entries, select_log, alphasort);
	if (n == -1)
		return 0;
	for (i = 0; i < n; i++) {
		if (count < room)
			files[count++] =
			    arena_printf(a, "log/%s", entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return count;
}

static size_t
list_one(struct arena *a, const char *name, char **files)
{
	/* A name with "/" could lead to a file outside log/. */
	if (strchr(name, '/') != NULL)
		return 0;
	files[0] = arena_printf(a, "log/%s.log", name);
	return file_exists(files[0]) ? 1 : 0;
}

/* Runs tail(1), which can show and follow several files. */
static int
show(const struct stack *s, const struct options *o)
{
	const char *tail = tool_find(s->arena, "tail");
	char *argv[FILES_MAX + 4];
	size_t first = 0;
	size_t n;

	if (tail == NULL)
		return 1;
	argv[first++] = arena_strdup(s->arena, "tail");
	argv[first++] = arena_strdup(s->arena, "-n");
	argv[first++] = arena_strdup(s->arena, o->nargs > 0 ? "200" : "20");
	if (o->follow)
		argv[first++] = arena_strdup(s->arena, "-F");
	n = o->nargs > 0
	        ? list_one(s->arena, o->args[0], argv + first)
	        : list_all(s->arena, argv + first, COUNT_OF(argv) - first - 1);
	if (n == 0) {
		print_error("there is no log%s%s in %s/log",
		    o->nargs > 0 ? " of " : "", o->nargs > 0 ? o->args[0] : "",
		    s->dir);
		return 1;
	}
	argv[first + n] = NULL;
	execv(tail, argv);
	print_error("cannot run %s: %s", tail, strerror(errno));
	return 1;
}

static bool
select_lines(const struct stack *s, const struct options *o)
{
	struct logs_filter filter = {
		.request = o->request,
		.service = o->nargs > 0 ? o->args[0] : NULL,
	};

	if (filter.service != NULL && strchr(filter.service, '/') != NULL) {
		print_error("there is no log of %s", filter.service);
		return false;
	}
	if (o->since != NULL) {
		filter.since = logs_read_since(s->arena, o->since);
		if (filter.since == NULL)
			return false;
	}
	return (o->request == NULL || logs_is_request(o->request)) &&
	       logs_select(s, &filter);
}

int
logs_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct options options;
	bool selects;
	struct stack s;
	int status = 1;

	if (!options_read(&options, argc, argv,
		OPTIONS_DIR | OPTIONS_FOLLOW | OPTIONS_SYSTEM |
		    OPTIONS_REQUEST | OPTIONS_SINCE,
		/* args_max= */ 1)) {
		status = OPTIONS_USAGE;
	} else {
		selects = options.request != NULL || options.since != NULL;
		if (selects && options.follow) {
			print_error("logs: --request and --since show what was "
				    "written, and cannot follow (-f)");
			status = OPTIONS_USAGE;
		} else if (stack_open_either(
			       &s, a, options.dir, options.system) &&
			   (s.is_system || stack_enter(&s))) {
			if (selects || s.is_system)
				status = select_lines(&s, &options) ? 0 : 1;
			else
				status = show(&s, &options);
		}
	}
	arena_free(a);
	return status;
}
