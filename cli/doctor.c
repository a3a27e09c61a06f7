#include "doctor.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "http_client/http_client.h"

#include "file.h"
#include "lock.h"
#include "message.h"
#include "nearest.h"
#include "options.h"
#include "record.h"
#include "settings.h"
#include "start_options.h"

/* Exit statuses, for programs that call this. */
enum { DOCTOR_WELL = 0, DOCTOR_WARNINGS = 1, DOCTOR_ERRORS = 2 };

struct check {
	const char *name;
	void (*run)(struct doctor *d);
	bool needs_stack; /* makes sense only while something runs */
};

/* clang-format off */
static const struct check checks[] = {
	{ "files", doctor_files },
	{ "disk", doctor_disk },
	{ "processes", doctor_processes },
	{ "databases", doctor_databases, .needs_stack = true },
	{ "redis", doctor_redis, .needs_stack = true },
	{ "certificate", doctor_certificate },
	{ "clock", doctor_clock },
	{ "mail", doctor_mail },
	{ "nginx", doctor_nginx },
	/*
	 * before bypass, whose many requests exceed the lines that nginx logs
	 * for one address
	 */
	{ "address", doctor_address, .needs_stack = true },
	{ "bypass", doctor_bypass, .needs_stack = true },
};
/* clang-format on */

static const char *const severities[] = {
	[SEVERITY_NOTE] = "note",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_ERROR] = "error",
};

static size_t
count(const struct doctor *d, enum severity severity)
{
	size_t n = 0, i;

	for (i = 0; i < d->n; i++)
		n += d->findings[i].severity == severity;
	return n;
}

static void
print_text(const struct doctor *d)
{
	const struct finding *f;
	size_t i;

	for (i = 0; i < d->n; i++) {
		f = &d->findings[i];
		printf("%-8s %s: %s\n", severities[f->severity], f->check,
		    f->what);
		if (*f->advice != '\0')
			printf("         %s\n", f->advice);
	}
	printf("%zu errors, %zu warnings\n", count(d, SEVERITY_ERROR),
	    count(d, SEVERITY_WARNING));
}

static void
print_json(const struct doctor *d)
{
	const struct finding *f;
	struct buf b;
	size_t i;

	buf_init(&b, d->arena, FILE_MAX_BYTES);
	buf_printf(&b, "{\"errors\":%zu,\"warnings\":%zu,\"findings\":[",
	    count(d, SEVERITY_ERROR), count(d, SEVERITY_WARNING));
	for (i = 0; i < d->n; i++) {
		f = &d->findings[i];
		buf_printf(&b,
		    "%s{\"severity\":\"%s\",\"check\":\"%s\","
		    "\"what\":",
		    i == 0 ? "" : ",", severities[f->severity], f->check);
		json_write_string(&b, f->what);
		buf_puts(&b, ",\"advice\":");
		json_write_string(&b, f->advice);
		buf_putc(&b, '}');
	}
	buf_puts(&b, "]}");
	printf("%s\n", b.data);
}

/* The address at which the live nginx answers. */
static const char *
find_url(struct doctor *d)
{
	struct record record;

	if (d->site.is_server)
		return "http://127.0.0.1";
	if (lock_holder() == 0 || !record_read(d->arena, &record))
		return NULL;
	return record.url;
}

static bool
open_site(struct doctor *d, const struct options *o)
{
	struct stack *s = d->stack;
	const char *colon;
	int64_t port = 0;

	if (o->system ? !stack_open_system(s, d->arena)
		      : !stack_open(s, d->arena, o->dir))
		return false;
	if (!s->is_system && stack_wants_system(s, o->dir) &&
	    !stack_open_system(s, d->arena))
		return false;
	if (s->is_system) {
		d->site = site_of_server(s);
		d->url = find_url(d);
		return true;
	}
	if (!stack_enter(s))
		return false;
	d->url = find_url(d);
	/* what "kedge restart" would use: nginx's files depend on it */
	if (d->url != NULL && (!settings_load_running(d->arena, &s->spec,
				   lock_holder(), /* changed= */ NULL) ||
				  !start_options_apply(s) ||
				  !spec_take_proxies(d->arena, &s->spec)))
		return false;
	colon = d->url == NULL ? NULL : strrchr(d->url, ':');
	if (colon != NULL && !str_i64(colon + 1, 1, 65535, &port))
		port = 0;
	d->site = site_of_stack(s, (int)port);
	return true;
}

/* Whether the check was asked for; without names, all are. */
static bool
is_wanted(const struct options *o, const char *name)
{
	int i;

	for (i = 0; i < o->nargs; i++)
		if (str_eq(o->args[i], name))
			return true;
	return o->nargs == 0;
}

static bool
check_names(const struct options *o)
{
	const char *names[COUNT_OF(checks) + 1] = { NULL };
	const char *meant;
	size_t i;
	int k;

	for (i = 0; i < COUNT_OF(checks); i++)
		names[i] = checks[i].name;
	for (k = 0; k < o->nargs; k++) {
		for (i = 0; names[i] != NULL; i++)
			if (str_eq(names[i], o->args[k]))
				break;
		if (names[i] != NULL)
			continue;
		meant = nearest_name(names, o->args[k]);
		print_error("there is no check %s%s%s%s", o->args[k],
		    meant != NULL ? "; did you mean \"" : "",
		    meant != NULL ? meant : "", meant != NULL ? "\"?" : "");
		return false;
	}
	return true;
}

static void
run_checks(struct doctor *d, const struct options *o)
{
	size_t i;

	http_client_init();
	for (i = 0; i < COUNT_OF(checks); i++) {
		d->check = checks[i].name;
		if (is_wanted(o, d->check) &&
		    (d->url != NULL || !checks[i].needs_stack))
			checks[i].run(d);
	}
}

static int
examine(struct doctor *d, const struct options *o)
{
	d->fix = o->fix;
	run_checks(d, o);
	if (o->json)
		print_json(d);
	else
		print_text(d);
	if (count(d, SEVERITY_ERROR) > 0)
		return DOCTOR_ERRORS;
	return count(d, SEVERITY_WARNING) > 0 ? DOCTOR_WARNINGS : DOCTOR_WELL;
}

int
doctor_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct stack s;
	struct doctor d = { .arena = a, .stack = &s };
	struct options o;
	int status = OPTIONS_USAGE;

	if (options_read(&o, argc, argv,
		OPTIONS_DIR | OPTIONS_SYSTEM | OPTIONS_JSON | OPTIONS_FIX,
		/* args_max= */ COUNT_OF(checks)) &&
	    check_names(&o))
		status = open_site(&d, &o) ? examine(&d, &o) : DOCTOR_ERRORS;
	arena_free(a);
	return status;
}
