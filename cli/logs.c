#include "logs.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/str.h"

#include "file.h"
#include "logs_file.h"
#include "logs_journal.h"
#include "logs_merge.h"
#include "message.h"
#include "nearest.h"
#include "options.h"
#include "stack.h"

enum {
	NAMES_MAX = 16,
	/* More would not be read by a person, and fill the memory. */
	NEWEST_MAX = 200000,
	NEWEST_DEFAULT = 200,
	NEWEST_FOLLOWED = 20,
	TAIL_BYTES = 4 * 1024 * 1024,
	/* how often files are looked at */
	TICK_MS = 200,
	/*
	 * How long a followed line waits for one that is older and was written
	 * to another log.
	 */
	WAIT_US = 300 * 1000,
};

struct logs {
	const struct stack *stack;
	const struct options *options;
	const char *names[NAMES_MAX];
	int nnames;
	struct logs_filter filter;
	int64_t newest;
	bool is_tail; /* only the newest lines are asked for */
	struct logs_file_set *files;
	struct logs_journal *journal; /* NULL: none */
	struct logs_merge *merge;
};

/* -- the names of the logs to print -- */

static bool
add_name(struct logs *l, const char *name)
{
	if (l->nnames == NAMES_MAX) {
		print_error("logs: at most %d names", NAMES_MAX);
		return false;
	}
	l->names[l->nnames++] = name;
	return true;
}

/*
 * Reads the names of logs from the arguments, and from --service, where commas
 * separate them.
 */
static bool
read_names(struct logs *l)
{
	const struct options *o = l->options;
	const char *p = o->service;
	size_t len;

	for (int i = 0; i < o->nargs; i++)
		if (!add_name(l, o->args[i]))
			return false;
	for (; p != NULL && *p != '\0'; p += len + (p[len] == ',')) {
		len = strcspn(p, ",");
		if (!add_name(l, arena_strndup(l->stack->arena, p, len)))
			return false;
	}
	return true;
}

static bool
read_filter(struct logs *l)
{
	const struct options *o = l->options;

	l->filter.level = LOG_DEBUG;
	if (o->level != NULL && !logs_level_read(o->level, &l->filter.level)) {
		print_error("logs: --level %s: say debug, info, warn or error",
		    o->level);
		return false;
	}
	if (o->request != NULL && !logs_is_request(o->request))
		return false;
	l->filter.request = o->request;
	if (o->since != NULL) {
		l->filter.since = logs_since_read(l->stack->arena, o->since);
		if (l->filter.since == NULL)
			return false;
	}
	l->is_tail = o->since == NULL && o->request == NULL;
	l->newest = !l->is_tail ? NEWEST_MAX
	            : o->follow ? NEWEST_FOLLOWED
	                        : NEWEST_DEFAULT;
	if (o->lines > 0)
		l->newest = o->lines;
	return true;
}

static bool
is_known(const struct logs *l, const char *name)
{
	const char *const *log = logs_files_names(l->files);

	for (; *log != NULL; log++)
		if (logs_is_named(*log, &name, 1))
			return true;
	return str_eq(name, "nginx") ||
	       spec_find(
		   &l->stack->spec, str_has_prefix(name, "redis-")
					? name + strlen("redis-")
					: arena_strndup(l->stack->arena, name,
					      strcspn(name, "-"))) != NULL;
}

/* Every name must be that of a log; if not, prints which was meant. */
static bool
check_names(const struct logs *l)
{
	const char *const *logs = logs_files_names(l->files);
	const char *names[SPEC_SERVICES_MAX + 2] = { "nginx" };
	const struct spec *spec = &l->stack->spec;
	const char *meant;
	int i;

	for (i = 0; i < spec->nservices; i++)
		names[i + 1] = spec->services[i].name;
	for (i = 0; i < l->nnames; i++) {
		if (is_known(l, l->names[i]))
			continue;
		meant = nearest_name(logs, l->names[i]);
		if (meant == NULL)
			meant = nearest_name(names, l->names[i]);
		print_error("there is no log of %s%s%s%s", l->names[i],
		    meant != NULL ? "; did you mean " : "",
		    meant != NULL ? meant : "", meant != NULL ? "?" : "");
		return false;
	}
	return true;
}

/* -- where it is -- */

static const char *const *
patterns(const struct stack *s)
{
	const char **list = arena_alloc(s->arena, 3 * sizeof(*list));
	const struct spec_log *log = &s->spec.log;

	if (!s->is_system) {
		list[0] = "log/*.log";
		return list;
	}
	list[0] = "/var/log/nginx/*.log";
	/* Each service has a directory of its own in it. */
	if (log->destination == SPEC_LOG_FILES)
		list[1] = arena_printf(s->arena, "%s/*/*.log", log->directory);
	return list;
}

/*
 * Whether only the logs of nginx are asked for: they are files, also where the
 * services log to the journal.
 */
static bool
needs_no_journal(const struct logs *l)
{
	for (int i = 0; i < l->nnames; i++)
		if (!str_eq(l->names[i], "nginx"))
			return false;
	return l->nnames > 0;
}

static void
open_sources(struct logs *l)
{
	const struct stack *s = l->stack;

	l->merge = logs_merge_new(s->arena, &l->filter, l->newest);
	l->files = logs_files_new(
	    s->arena, &(struct logs_file_options){
			  .spec = &s->spec,
			  .patterns = patterns(s),
			  .names = l->names,
			  .nnames = l->nnames,
			  .since = l->filter.since,
			  .tail_bytes = l->is_tail ? TAIL_BYTES : 0,
		      });
	/*
	 * Where services write to files, the journal still has what systemd
	 * says about them, and the last words of a process.
	 */
	if (s->is_system && !needs_no_journal(l))
		l->journal = logs_journal_new(
		    s->arena, &(struct logs_journal_options){
				  .spec = &s->spec,
				  .names = l->names,
				  .nnames = l->nnames,
				  .since = l->filter.since,
				  .request = l->filter.request,
				  .newest = l->is_tail ? 10 * l->newest : 0,
			      });
}

/* -- reading and printing -- */

/* Waits for a tick, or until the journal has something. */
static void
wait_for_lines(const struct logs *l)
{
	struct pollfd fd = { .fd = -1, .events = POLLIN };

	if (l->journal != NULL)
		fd.fd = logs_journal_fd(l->journal);
	(void)!poll(&fd, 1, TICK_MS);
	/* More may come at once: they are sorted together. */
	if (fd.revents != 0)
		(void)!poll(NULL, 0, TICK_MS / 4);
}

static bool
follow(struct logs *l)
{
	const struct stack *s = l->stack;

	if (l->journal != NULL && !logs_journal_follow(l->journal))
		return false;
	for (;;) {
		wait_for_lines(l);
		if (!s->is_system && !file_exists("log")) {
			print_error("%s was deleted", s->dir);
			return false;
		}
		if (!logs_files_read(l->files, l->merge) ||
		    (l->journal != NULL &&
			!logs_journal_read_new(l->journal, l->merge)))
			return false;
		logs_merge_print(l->merge, clock_monotonic_us() - WAIT_US);
		if (fflush(stdout) != 0)
			return false;
	}
}

static bool
show(struct logs *l)
{
	bool follows = l->options->follow;
	int64_t n;

	if (!logs_files_read(l->files, l->merge) ||
	    (l->journal != NULL && !logs_journal_read(l->journal, l->merge)))
		return false;
	if (!follows)
		logs_files_end(l->files);
	n = logs_merge_print(l->merge, INT64_MAX);
	if (!l->is_tail && l->options->lines == 0 &&
	    logs_merge_has_lost(l->merge))
		print_error("these are only the newest %d lines; say a later "
			    "--since, or --level, --service or --request",
		    NEWEST_MAX);
	if (fflush(stdout) != 0)
		return false;
	if (follows)
		return follow(l);
	if (n == 0)
		print_error("no line was found; successful requests may not "
			    "be logged (LOG_SAMPLE, logSample), and older logs "
			    "than NAME.log.1 are not searched");
	return n > 0;
}

static int
run(struct logs *l)
{
	bool ok;

	if (!read_names(l) || !read_filter(l))
		return OPTIONS_USAGE;
	open_sources(l);
	ok = check_names(l) && show(l);
	logs_merge_free(l->merge);
	return ok ? 0 : 1;
}

int
logs_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct options options;
	struct stack s;
	int status = 1;

	if (!options_read(&options, argc, argv,
		OPTIONS_DIR | OPTIONS_FOLLOW | OPTIONS_SYSTEM |
		    OPTIONS_REQUEST | OPTIONS_SINCE | OPTIONS_LEVEL |
		    OPTIONS_SERVICE | OPTIONS_LINES,
		NAMES_MAX))
		status = OPTIONS_USAGE;
	else if (stack_open_either(&s, a, options.dir, options.system) &&
		 (s.is_system || stack_enter(&s)))
		status =
		    run(&(struct logs){ .stack = &s, .options = &options });
	arena_free(a);
	return status;
}
