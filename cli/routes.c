#include "routes.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"

#include "command.h"
#include "message.h"
#include "options.h"
#include "service_named.h"
#include "stack.h"

enum { DOCUMENT_MAX = 8 * 1024 * 1024 };

struct listing {
	struct arena *arena;
	const char *service;
	const char *path; /* the path whose methods are being visited */
	struct buf *json; /* NULL: print a table */
	int count;
};

static void
add_json(struct listing *l, const char *method, const char *summary)
{
	buf_puts(l->json, l->count > 0 ? ",{\"service\":" : "{\"service\":");
	json_write_string(l->json, l->service);
	buf_puts(l->json, ",\"method\":");
	json_write_string(l->json, method);
	buf_puts(l->json, ",\"path\":");
	json_write_string(l->json, l->path);
	buf_puts(l->json, ",\"summary\":");
	json_write_string(l->json, summary);
	buf_puts(l->json, "}");
}

static void
visit_method(void *ctx, const char *name, const struct json *operation)
{
	static const char *const methods[] = { "get", "post", "put", "patch",
		"delete" };
	struct listing *l = ctx;
	const char *summary = json_member_string(operation, "summary");
	char *method = arena_strdup(l->arena, name);
	bool known = false;

	for (size_t i = 0; i < COUNT_OF(methods); i++)
		known = known || str_eq(name, methods[i]);
	if (!known)
		return; /* "parameters" and the like are no methods */
	for (char *c = method; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	if (l->json != NULL)
		add_json(l, method, summary);
	else
		printf("%-6s %-44s %s\n", method, l->path,
		    summary != NULL ? summary : "");
	l->count++;
}

static void
visit_path(void *ctx, const char *name, const struct json *methods)
{
	struct listing *l = ctx;

	l->path = name;
	json_each(methods, visit_method, l);
}

/* Lists the routes in the OpenAPI document that the service prints. */
static bool
list_service(const struct stack *s, const char *name, struct listing *l)
{
	struct arena *a = s->arena;
	const char *const argv[] = { arena_printf(a, "%s/%s", s->bin, name),
		"--openapi", NULL };
	const char *text;
	const struct json *document;
	const char *problem;

	if (!command_check(a, &(struct command){ .argv = argv }, &text))
		return false;
	document = json_read(a, text, strlen(text), &problem);
	if (document == NULL) {
		print_error("%s --openapi: %s", name, problem);
		return false;
	}
	l->service = name;
	if (json_member(document, "paths") != NULL)
		json_each(json_member(document, "paths"), visit_path, l);
	return true;
}

static bool
list(const struct stack *s, const char *only, bool as_json)
{
	struct listing l = { .arena = s->arena };
	struct buf b;

	buf_init(&b, s->arena, DOCUMENT_MAX);
	if (as_json)
		l.json = &b;
	for (int i = 0; i < s->spec.nservices; i++)
		if ((only == NULL || str_eq(s->spec.services[i].name, only)) &&
		    !list_service(s, s->spec.services[i].name, &l))
			return false;
	if (as_json)
		printf("[%s]\n", b.data);
	return true;
}

int
routes_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct options options;
	const char *only;
	struct stack s;
	int status = OPTIONS_USAGE;

	if (options_read(
		&options, argc, argv, OPTIONS_JSON, /* args_max= */ 1)) {
		only = options.nargs > 0 ? options.args[0] : NULL;
		if (!stack_open(&s, a, /* dir_option= */ NULL))
			status = 1;
		else if (only == NULL || service_named(&s.spec, only) != NULL)
			status = list(&s, only, options.json) ? 0 : 1;
	}
	arena_free(a);
	return status;
}
