#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "db/db_script.h"

#include "audit_verify.h"
#include "database_url.h"
#include "file.h"
#include "message.h"
#include "options.h"
#include "stack.h"

enum { ANCHORS_MAX = 100000, DAYS_MAX = 36500 };

/* The log event that the services write, and the lines of "kedge audit anchor".
 */
#define ANCHOR_EVENT "audit chain extended"

struct audit {
	struct stack stack;
	const struct spec_service *only; /* NULL: all services */
	const char *anchors; /* file; or NULL */
	const char *to; /* file; or NULL */
	int64_t days; /* 0: the option is missing */
	bool yes;
};

const char *
audit_caller(struct arena *a)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw;

	if (geteuid() == 0 && sudo != NULL && *sudo != '\0')
		return sudo;
	pw = getpwuid(getuid());
	return pw != NULL ? arena_strdup(a, pw->pw_name)
	                  : arena_printf(a, "uid %ld", (long)getuid());
}

static bool
has_log(const struct spec_service *service)
{
	return service->needs_postgres && !service->external &&
	       service->workers > 0;
}

static struct db_script *
open_database(const struct audit *t, const struct spec_service *service)
{
	const char *url = database_owner_url(&t->stack, service);
	struct db_script *script;
	const char *problem;

	if (url == NULL)
		return NULL;
	if (db_script_open(t->stack.arena, url, &script, &problem) == ERR_OK)
		return script;
	print_error("%s: %s", service->name, problem);
	return NULL;
}

/* -- verify -- */

/*
 * Reads a line {"service":...,"msg":"audit chain extended","seq":...,
 * "sha256":...} of the service's log, or of "kedge audit anchor".
 */
static bool
read_anchor(struct arena *a, const char *service, const char *line,
    struct audit_anchor *ret_anchor)
{
	const char *problem;
	const struct json *j;

	if (strstr(line, ANCHOR_EVENT) == NULL)
		return false;
	j = json_read(a, line, strlen(line), &problem);
	if (j == NULL || !str_eq(json_member_string(j, "msg"), ANCHOR_EVENT) ||
	    !str_eq(json_member_string(j, "service"), service))
		return false;
	ret_anchor->found = false;
	ret_anchor->sha256_hex = json_member_string(j, "sha256");
	return ret_anchor->sha256_hex != NULL &&
	       json_member_int(j, "seq", &ret_anchor->seq);
}

static bool
read_anchors(const struct audit *t, struct audit_check *c)
{
	struct arena *a = t->stack.arena;
	char *line = NULL;
	size_t size = 0;
	FILE *f = fopen(t->anchors, "re");

	if (f == NULL) {
		print_error("--anchors: cannot read %s: %s", t->anchors,
		    strerror(errno));
		return false;
	}
	c->anchors = arena_alloc(a, ANCHORS_MAX * sizeof(*c->anchors));
	while (c->nanchors < ANCHORS_MAX && getline(&line, &size, f) != -1) {
		line[strcspn(line, "\n")] = '\0';
		if (read_anchor(a, c->service, line, &c->anchors[c->nanchors]))
			c->nanchors++;
	}
	free(line);
	if (!feof(f)) {
		print_error("--anchors: %s has more than %d anchors, or cannot "
			    "be read",
		    t->anchors, ANCHORS_MAX);
		fclose(f);
		return false;
	}
	fclose(f);
	return true;
}

static bool
verify_one(const struct audit *t, const struct spec_service *service)
{
	struct audit_check c = { .service = service->name };
	bool ok;

	if (t->anchors != NULL && !read_anchors(t, &c))
		return false;
	c.script = open_database(t, service);
	if (c.script == NULL)
		return false;
	ok = audit_verify(t->stack.arena, &c);
	db_script_close(c.script);
	if (!ok)
		return false;
	if (t->anchors != NULL && c.nanchors == 0 && c.links > 0) {
		print_error("%s: %s has no anchor of this service, so its end "
			    "was not checked",
		    c.service, t->anchors);
		return false;
	}
	if (c.forgotten > 0)
		print_message("%s: events up to number %lld were deleted by "
			      "\"kedge audit forget\"",
		    c.service, (long long)c.forgotten);
	if (c.problems > 0) {
		print_error("%s: the audit log was tampered with (%lld "
			    "problems)",
		    c.service, (long long)c.problems);
		return false;
	}
	print_message("%s: intact: %lld events, %lld links%s", c.service,
	    (long long)c.events, (long long)c.links,
	    c.nanchors > 0
		? arena_printf(t->stack.arena, ", %d anchors", c.nanchors)
		: "");
	return true;
}

/* -- anchor -- */

static bool
print_anchor(const struct audit *t, const struct spec_service *service, int fd)
{
	struct arena *a = t->stack.arena;
	struct db_script *script = open_database(t, service);
	struct db_rows rows;
	const char *line;
	bool ok;

	if (script == NULL)
		return false;
	ok = db_script_query(script, a,
		 "SELECT last_seq, last_sha256,"
		 " to_char(now() AT TIME ZONE 'UTC',"
		 " 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
		 " FROM public.audit_chain(9223372036854775807)",
		 DB_NO_ARGS, &rows) == ERR_OK;
	if (!ok)
		print_error("%s: %s", service->name, db_script_problem(script));
	if (ok && !db_is_null(&rows, 0, 0)) {
		line = arena_printf(a,
		    "{\"time\":\"%s\",\"service\":\"%s\",\"msg\":"
		    "\"" ANCHOR_EVENT "\",\"seq\":%s,\"sha256\":\"%s\"}\n",
		    db_get_text(&rows, 0, 2), service->name,
		    db_get_text(&rows, 0, 0), db_get_text(&rows, 0, 1));
		ok = write(fd, line, strlen(line)) == (ssize_t)strlen(line);
		if (!ok)
			print_error(
			    "cannot write the anchor: %s", strerror(errno));
	}
	db_script_close(script);
	return ok;
}

static bool
anchor_one(const struct audit *t, const struct spec_service *service)
{
	int fd = STDOUT_FILENO;
	bool ok;

	if (t->to != NULL)
		fd = open(
		    t->to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd == -1) {
		print_error("cannot open %s: %s", t->to, strerror(errno));
		return false;
	}
	ok = print_anchor(t, service, fd);
	if (t->to != NULL) {
		ok = fsync(fd) == 0 && ok;
		close(fd);
	}
	return ok;
}

/* -- forget -- */

static bool
forget_one(const struct audit *t, const struct spec_service *service)
{
	struct arena *a = t->stack.arena;
	struct db_script *script = open_database(t, service);
	const char *days = arena_i64(a, t->days);
	struct db_rows rows;
	enum err e;

	if (script == NULL)
		return false;
	if (t->yes)
		e = db_script_query(script, a,
		    "SELECT public.audit_forget("
		    "now() - $1::bigint * interval '1 day', $2)",
		    DB_ARGS(days, audit_caller(a)), &rows);
	else
		e = db_script_query(script, a,
		    "SELECT count(*) FROM public.audit_event"
		    " WHERE at < now() - $1::bigint * interval '1 day'",
		    DB_ARGS(days), &rows);
	if (e != ERR_OK)
		print_error("%s: %s", service->name, db_script_problem(script));
	else
		print_message("%s: %s events that are older than %s days %s",
		    service->name, db_get_text(&rows, 0, 0), days,
		    t->yes ? "were deleted" : "would be deleted");
	db_script_close(script);
	return e == ERR_OK;
}

/* -- the command -- */

static int
for_each(const struct audit *t,
    bool (*run)(const struct audit *t, const struct spec_service *service))
{
	const struct spec *spec = &t->stack.spec;
	bool ok = true;
	int i;

	for (i = 0; i < spec->nservices; i++)
		if (has_log(&spec->services[i]) &&
		    (t->only == NULL || t->only == &spec->services[i]))
			ok = run(t, &spec->services[i]) && ok;
	return ok ? 0 : 1;
}

static int
usage(const char *what)
{
	print_error("audit: %s; see \"kedge audit --help\"", what);
	return OPTIONS_USAGE;
}

/*
 * Takes "--anchors FILE" and "--days N" out of the arguments: only this command
 * has them. False: an error was printed.
 */
static bool
take_own(struct audit *t, int *argc, char **argv)
{
	const char **target;
	const char *days = NULL;
	int n = 1;

	for (int i = 1; i < *argc; i++) {
		target = str_eq(argv[i], "--anchors") ? &t->anchors
		         : str_eq(argv[i], "--days")  ? &days
		                                      : NULL;
		if (target == NULL) {
			argv[n++] = argv[i];
		} else if (i + 1 == *argc) {
			print_error("audit: %s needs a value", argv[i]);
			return false;
		} else {
			*target = argv[++i];
		}
	}
	argv[n] = NULL;
	*argc = n;
	if (days == NULL || str_i64(days, 1, DAYS_MAX, &t->days))
		return true;
	print_error(
	    "audit: --days %s: say a number from 1 to %d", days, DAYS_MAX);
	return false;
}

/* The paths are relative to where the command was called. */
static bool
absolute(struct arena *a, const char **path)
{
	char *cwd;

	if (*path == NULL || (*path)[0] == '/')
		return true;
	cwd = getcwd(NULL, 0);
	if (cwd == NULL)
		return false;
	*path = arena_printf(a, "%s/%s", cwd, *path);
	free(cwd);
	return true;
}

static bool
open_audit(struct audit *t, struct arena *a, const struct options *o)
{
	t->to = o->to;
	t->yes = o->yes;
	if (!absolute(a, &t->to) || !absolute(a, &t->anchors) ||
	    !stack_open_either(&t->stack, a, o->dir, o->system) ||
	    (!t->stack.is_system && !stack_enter(&t->stack)))
		return false;
	if (o->nargs < 2)
		return true;
	t->only = spec_find(&t->stack.spec, o->args[1]);
	if (t->only != NULL && has_log(t->only))
		return true;
	print_error("%s has no audit log", o->args[1]);
	return false;
}

int
audit_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct audit *t = arena_alloc(a, sizeof(*t));
	const char *verb;
	struct options o;
	int status = 1;

	if (!take_own(t, &argc, argv) ||
	    !options_read(&o, argc, argv,
		OPTIONS_DIR | OPTIONS_SYSTEM | OPTIONS_TO | OPTIONS_YES,
		/* args_max= */ 2)) {
		arena_free(a);
		return OPTIONS_USAGE;
	}
	verb = o.nargs > 0 ? o.args[0] : "";
	if (!str_eq(verb, "verify") && !str_eq(verb, "anchor") &&
	    !str_eq(verb, "forget"))
		status = usage("say \"verify\", \"anchor\" or \"forget\"");
	else if (str_eq(verb, "forget") != (t->days > 0))
		status = usage("forget needs --days N, and only forget has it");
	else if (!open_audit(t, a, &o))
		status = 1;
	else
		status = for_each(t, str_eq(verb, "verify")   ? verify_one
				     : str_eq(verb, "anchor") ? anchor_one
							      : forget_one);
	if (status == 0 && str_eq(verb, "forget") && !t->yes)
		print_message("nothing was changed; \"--yes\" does it");
	arena_free(a);
	return status;
}
