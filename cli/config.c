#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"

#include "cors.h"
#include "environment.h"
#include "file.h"
#include "lock.h"
#include "message.h"
#include "nearest.h"
#include "options.h"
#include "service_named.h"
#include "settings.h"
#include "stack.h"
#include "unknown_variables.h"
#include "variable_list.h"

extern char **environ;

#define PROXIES "KEDGE_TRUSTED_PROXIES"

enum { JSON_MAX_BYTES = 4 * 1024 * 1024 };

/* Where the value of a variable comes from. */
enum source {
	SOURCE_DEFAULT,
	SOURCE_UP, /* "kedge up" has made it: paths, secrets, kedge.json */
	SOURCE_SETTINGS,
	SOURCE_ENVIRONMENT,
	SOURCE_NONE,
};

static const char *
source_name(enum source source)
{
	switch (source) {
	case SOURCE_DEFAULT:
		return "default";
	case SOURCE_UP:
		return "kedge up";
	case SOURCE_SETTINGS:
		return settings_path();
	case SOURCE_ENVIRONMENT:
		return "environment";
	case SOURCE_NONE:
		break;
	}
	return "not set";
}

struct listing {
	const struct stack *stack;
	struct buf *json; /* NULL: print a table */
	int count;
};

/* The value in env/NAME.env, which the last start has written. */
static const char *
value_of_start(
    const struct stack *s, const struct spec_service *service, const char *name)
{
	char *at = file_find(s->arena,
	    arena_printf(s->arena, "env/%s.env", service->name),
	    /* ret_len= */ NULL);
	size_t len = strlen(name);
	char *line;

	while (at != NULL && (line = strsep(&at, "\n")) != NULL)
		if (strncmp(line, name, len) == 0 && line[len] == '=')
			return line + len + 1;
	return NULL;
}

static const char *
value_of(const struct stack *s, const struct spec_service *service,
    const struct variable *v, enum source *ret_source)
{
	const char *file = arena_printf(s->arena, "%s_FILE", v->name);
	const char *value = getenv(v->name);

	*ret_source = settings_has(v->name) || settings_has(file)
	                  ? SOURCE_SETTINGS
	                  : SOURCE_ENVIRONMENT;
	if (value != NULL)
		return value;
	if (getenv(file) != NULL)
		return arena_printf(s->arena, "(in %s)", getenv(file));
	value = value_of_start(s, service, v->name);
	*ret_source = SOURCE_UP;
	/* A secret of the stack is in a file of its own. */
	if (value == NULL && v->secret)
		value = value_of_start(s, service, file);
	if (value != NULL &&
	    (v->fallback == NULL || !str_eq(value, v->fallback)))
		return value;
	*ret_source = v->fallback != NULL ? SOURCE_DEFAULT : SOURCE_NONE;
	return v->fallback;
}

static void
add(struct listing *l, const struct spec_service *service,
    const struct variable *v)
{
	enum source source;
	const char *value = value_of(l->stack, service, v, &source);

	if (v->secret && value != NULL && value[0] != '\0')
		value = "(secret)";
	if (l->json == NULL) {
		printf("%-34s %-32s %s\n", v->name, value != NULL ? value : "",
		    source_name(source));
		return;
	}
	buf_puts(l->json, l->count++ > 0 ? ",{\"service\":" : "{\"service\":");
	json_write_string(l->json, service->name);
	buf_puts(l->json, ",\"name\":");
	json_write_string(l->json, v->name);
	buf_puts(l->json, ",\"value\":");
	json_write_string(l->json, v->secret ? NULL : value);
	buf_printf(
	    l->json, ",\"secret\":%s,\"unit\":", v->secret ? "true" : "false");
	json_write_string(l->json, v->unit[0] != '\0' ? v->unit : NULL);
	buf_puts(l->json, ",\"source\":");
	json_write_string(l->json, source_name(source));
	buf_puts(l->json, "}");
}

static bool
list_service(struct listing *l, const struct spec_service *service)
{
	struct variable_list list;

	if (!variable_list_read(l->stack, service, &list))
		return false;
	for (int i = 0; i < list.count; i++)
		add(l, service, &list.items[i]);
	unknown_variables_print(l->stack, service, &list);
	return true;
}

static int
show(const struct stack *s, const char *only, bool as_json)
{
	struct listing l = { .stack = s };
	const struct spec_service *service;
	struct buf b;

	if (only != NULL && service_named(&s->spec, only) == NULL)
		return OPTIONS_USAGE;
	buf_init(&b, s->arena, JSON_MAX_BYTES);
	if (as_json)
		l.json = &b;
	for (int i = 0; i < s->spec.nservices; i++) {
		service = &s->spec.services[i];
		if ((only == NULL || str_eq(service->name, only)) &&
		    spec_is_own(service) && !list_service(&l, service))
			return 1;
	}
	if (as_json)
		printf("[%s]\n", b.data);
	return 0;
}

/* -- set and unset -- */

/*
 * Returns the service whose name is the prefix of the variable's name; NULL:
 * there is none.
 */
static const struct spec_service *
service_of(const struct spec *spec, const char *name)
{
	size_t len;

	for (int i = 0; i < spec->nservices; i++) {
		len = strlen(spec->services[i].variable);
		if (str_has_prefix(name, spec->services[i].variable) &&
		    name[len] == '_')
			return &spec->services[i];
	}
	return NULL;
}

/* Whether a person may set the variable: the service must know it. */
static bool
check_known(const struct stack *s, const char *name)
{
	const struct spec_service *service = service_of(&s->spec, name);
	struct variable_list list;
	const char *meant, *base = name;
	size_t len = strlen(name);

	if (service == NULL && str_has_prefix(name, "KEDGE_") &&
	    !str_eq(name, PROXIES)) {
		print_error("%s: of the variables that begin with KEDGE_, a "
			    "stack reads " PROXIES " alone",
		    name);
		return false;
	}
	if (service == NULL || !spec_is_own(service))
		return true; /* settings_change() decides */
	if (str_eq(name + strlen(service->variable), "_MIGRATION_URL"))
		return true;
	if (len > 5 && str_eq(name + len - 5, "_FILE"))
		base = arena_strndup(s->arena, name, len - 5);
	if (!variable_list_read(s, service, &list))
		return false;
	if (variable_list_find(&list, base) != NULL)
		return true;
	meant = nearest_name(list.names, base);
	print_error(
	    "%s has no variable %s%s%s%s; \"kedge config %s\" lists all",
	    service->name, name, meant != NULL ? " (" : "",
	    meant != NULL ? meant : "", meant != NULL ? "?)" : "",
	    service->name);
	return false;
}

/* A list of origins with a mistake would stop the next start. */
static bool
check_origins(const struct stack *s, const char *name, const char *value)
{
	const char *prefix = s->spec.verifier->variable;
	struct cors_list list = {
		.url_variable = arena_printf(s->arena, "%s_URL", prefix),
		.url = "http://localhost",
		.list_variable =
		    arena_printf(s->arena, "%s_TRUSTED_ORIGINS", prefix),
		.list = "",
	};

	if (str_eq(name, list.url_variable))
		list.url = value;
	else if (str_eq(name, list.list_variable))
		list.list = value;
	return cors_check(&list);
}

static bool
change(struct stack *s, const char *name, const char *value)
{
	if (value != NULL && str_eq(name, PROXIES) &&
	    !spec_set_proxies(s->arena, &s->spec, value))
		return false; /* "kedge up" would refuse it */
	if ((value != NULL &&
		(!check_known(s, name) || !check_origins(s, name, value))) ||
	    !settings_change(s->arena, &s->spec, name, value))
		return false;
	print_message("%s: %s %s%s", settings_path(), name,
	    value != NULL ? "is set" : "is not set any more",
	    lock_holder() != 0 ? "; \"kedge restart\" makes it take effect"
			       : "");
	return true;
}

/*
 * Sets or unsets the variables of all arguments: NAME=value for "set", NAME for
 * "unset".
 */
static int
change_all(struct stack *s, const struct options *o)
{
	bool set = str_eq(o->args[0], "set");
	char *equals;

	if (o->nargs < 2) {
		print_error("config %s needs %s; see \"kedge config --help\"",
		    o->args[0], set ? "NAME=VALUE" : "NAME");
		return OPTIONS_USAGE;
	}
	for (int i = 1; i < o->nargs; i++) {
		equals = strchr(o->args[i], '=');
		if (set != (equals != NULL)) {
			print_error("config %s %s: it is %s", o->args[0],
			    o->args[i], set ? "NAME=VALUE" : "NAME");
			return OPTIONS_USAGE;
		}
		if (equals != NULL)
			*equals = '\0';
		if (!change(s, o->args[i], equals != NULL ? equals + 1 : NULL))
			return 1;
	}
	return 0;
}

static int
run(struct stack *s, const struct options *o)
{
	const char *first = o->nargs > 0 ? o->args[0] : NULL;

	if (str_eq(first, "set") || str_eq(first, "unset"))
		return change_all(s, o);
	if (o->nargs > 1) {
		print_error("config: unexpected argument %s; see \"kedge "
			    "config --help\"",
		    o->args[1]);
		return OPTIONS_USAGE;
	}
	return show(s, first, o->json);
}

int
config_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct options options;
	struct stack s;
	int status = 1;

	if (!options_read(
		&options, argc, argv, OPTIONS_DIR | OPTIONS_JSON, argc))
		status = OPTIONS_USAGE;
	else if (stack_open(&s, a, options.dir) && stack_enter(&s) &&
		 settings_load(a, &s.spec))
		status = run(&s, &options);
	arena_free(a);
	return status;
}
