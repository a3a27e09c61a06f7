#include "migrate_cli.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "db/db_script.h"

#include "message.h"
#include "migrate.h"
#include "migration_file.h"
#include "options.h"
#include "service_named.h"
#include "settings.h"
#include "stack.h"

enum { JSON_MAX = 4 * 1024 * 1024 };

static bool
is_wanted(const struct spec_service *service, const char *only)
{
	return service->needs_postgres &&
	       (only == NULL || str_eq(only, service->name));
}

static bool
migrate_all(const struct stack *s, const char *only)
{
	const struct spec_service *service;

	for (int i = 0; i < s->spec.nservices; i++) {
		service = &s->spec.services[i];
		if (is_wanted(service, only) && !migrate_service(s, service))
			return false;
	}
	print_message("the databases are up to date");
	return true;
}

/* -- what would be run -- */

static bool
print_sql(void *ctx, const char *folder, const struct migration *m)
{
	int *count = ctx;
	bool alone = str_has_prefix(m->text, "-- kedge: no transaction");

	printf("-- sql/%s/%s\n", folder, m->name);
	printf(alone ? "%s\n" : "BEGIN;\n%s\nCOMMIT;\n\n", m->text);
	++*count;
	return true;
}

static bool
dry_run_all(const struct stack *s, const char *only)
{
	const struct spec_service *service;
	int count;

	for (int i = 0; i < s->spec.nservices; i++) {
		service = &s->spec.services[i];
		if (!is_wanted(service, only))
			continue;
		count = 0;
		printf("-- %s\n", service->name);
		if (!migrate_each_pending(s, service, print_sql, &count))
			return false;
		if (count == 0)
			printf("-- nothing to run\n\n");
	}
	return fflush(stdout) == 0;
}

/* -- how it is -- */

struct names {
	struct arena *arena;
	const char **items; /* "job/0001_what.sql", in the order of the run */
	size_t count;
	size_t room;
};

static bool
add_name(void *ctx, const char *folder, const struct migration *m)
{
	struct names *n = ctx;

	if (n->count == n->room) {
		size_t room = n->room == 0 ? 16 : 2 * n->room;

		n->items = arena_grow(n->arena, n->items,
		    n->room * sizeof(*n->items), room * sizeof(*n->items));
		n->room = room;
	}
	n->items[n->count++] = arena_printf(n->arena, "%s/%s", folder, m->name);
	return true;
}

static void
print_state(const char *service, int napplied, const struct names *pending)
{
	if (pending->count == 0) {
		printf("%s: up to date, %d files\n", service, napplied);
		return;
	}
	printf("%s: %zu of %d files to run:\n", service, pending->count,
	    napplied + (int)pending->count);
	for (size_t i = 0; i < pending->count; i++)
		printf("  sql/%s\n", pending->items[i]);
}

static void
write_state(struct buf *b, const char *service, bool known, int napplied,
    const struct names *pending)
{
	buf_puts(b, b->data[b->len - 1] == '[' ? "{" : ",{");
	buf_puts(b, "\"service\":");
	json_write_string(b, service);
	if (known) {
		buf_printf(b, ",\"upToDate\":%s,\"applied\":%d,\"pending\":",
		    pending->count == 0 ? "true" : "false", napplied);
		json_write_strings(b, pending->items, pending->count);
	} else {
		buf_puts(b, ",\"upToDate\":null,\"applied\":null,"
			    "\"pending\":null");
	}
	buf_putc(b, '}');
}

/*
 * Looks at each service, also after one whose database cannot be looked at: its
 * members are null, and an error is printed.
 */
static bool
status_all(const struct stack *s, const char *only, bool as_json)
{
	const struct spec_service *service;
	struct migrate_look look;
	bool known, ok = true;
	struct buf b;

	buf_init(&b, s->arena, JSON_MAX);
	buf_puts(&b, "{\"services\":[");
	for (int i = 0; i < s->spec.nservices; i++) {
		struct names pending = { .arena = s->arena };

		service = &s->spec.services[i];
		if (!is_wanted(service, only))
			continue;
		known = migrate_look(s, service, &look);
		if (known) {
			db_script_close(look.script);
			known = look.npending == 0 ||
			        migrate_each_pending(
				    s, service, add_name, &pending);
		}
		ok = ok && known;
		if (as_json)
			write_state(
			    &b, service->name, known, look.napplied, &pending);
		else if (known)
			print_state(service->name, look.napplied, &pending);
	}
	if (as_json)
		printf("%s]}\n", b.data);
	return fflush(stdout) == 0 && ok;
}

/* -- the command -- */

/*
 * Whether the databases of all services that are meant are named by variables,
 * so that no stack is needed.
 */
static bool
has_urls(const struct stack *s, const char *only)
{
	const struct spec_service *service;

	for (int i = 0; i < s->spec.nservices; i++) {
		service = &s->spec.services[i];
		if (is_wanted(service, only) &&
		    getenv(migrate_url_variable(s->arena, service)) == NULL)
			return false;
	}
	return true;
}

static bool
enter(struct stack *s, const char *only)
{
	if (stack_is_made(s))
		return stack_enter(s) && settings_load(s->arena, &s->spec);
	if (has_urls(s, only))
		return true;
	print_error("there is no stack in %s, and %s set; \"kedge up\" makes "
		    "a stack",
	    s->dir,
	    only == NULL ? "not every NAME_MIGRATION_URL is"
			 : arena_printf(s->arena, "%s is not",
			       migrate_url_variable(
				   s->arena, spec_find(&s->spec, only))));
	return false;
}

static bool
check_options(const struct options *o)
{
	if (o->json && !o->status)
		print_error("migrate: --json prints what --status looks at");
	else if (o->status && o->dry_run)
		print_error("migrate: say --status or --dry-run");
	else
		return true;
	return false;
}

static int
run(struct stack *s, const struct options *o)
{
	const char *only = o->nargs > 0 ? o->args[0] : NULL;
	bool ok;

	if (only != NULL && service_named(&s->spec, only) == NULL)
		return OPTIONS_USAGE;
	if (!s->is_system && !enter(s, only))
		return 1;
	if (o->status)
		ok = status_all(s, only, o->json);
	else if (o->dry_run)
		ok = dry_run_all(s, only);
	else
		ok = migrate_all(s, only);
	return ok ? 0 : 1;
}

int
migrate_command(int argc, char **argv)
{
	struct options options;
	struct arena *a = arena_new();
	struct stack s;
	int status = 1;

	if (!options_read(&options, argc, argv,
		OPTIONS_DIR | OPTIONS_SYSTEM | OPTIONS_STATUS |
		    OPTIONS_DRY_RUN | OPTIONS_JSON,
		/* args_max= */ 1) ||
	    !check_options(&options))
		status = OPTIONS_USAGE;
	else if (stack_open_either(&s, a, options.dir, options.system))
		status = run(&s, &options);
	arena_free(a);
	return status;
}
