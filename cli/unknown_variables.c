#include "unknown_variables.h"

#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

#include "message.h"
#include "nearest.h"
#include "variable_list.h"

static const char file_suffix[] = "_FILE"; /* the value is in a file */

static const char *
prefix_of(const struct stack *s, const struct spec_service *service)
{
	return arena_printf(s->arena, "%s_", service->variable);
}

void
unknown_variables_print(const struct stack *s,
    const struct spec_service *service, const struct variable_list *list)
{
	const size_t suffix = sizeof(file_suffix) - 1;
	const char *prefix = prefix_of(s, service);
	const char *name, *meant;
	size_t len;

	for (char **p = environ; *p != NULL; p++) {
		if (!str_has_prefix(*p, prefix))
			continue;
		name = arena_strndup(s->arena, *p, strcspn(*p, "="));
		len = strlen(name);
		if (len > suffix && str_eq(name + len - suffix, file_suffix))
			name = arena_strndup(s->arena, name, len - suffix);
		if (variable_list_find(list, name) != NULL ||
		    str_eq(name + strlen(prefix), "MIGRATION_URL"))
			continue;
		meant = nearest_name(list->names, name);
		print_error("%s is set, but %s has no such variable%s%s%s",
		    name, service->name, meant != NULL ? "; did you mean " : "",
		    meant != NULL ? meant : "", meant != NULL ? "?" : "");
	}
}

static bool
any_is_set(const char *prefix)
{
	for (char **p = environ; *p != NULL; p++)
		if (str_has_prefix(*p, prefix))
			return true;
	return false;
}

bool
unknown_variables_print_all(const struct stack *s)
{
	const struct spec_service *service;
	struct variable_list list;
	int i;

	for (i = 0; i < s->spec.nservices; i++) {
		service = &s->spec.services[i];
		if (!spec_is_own(service) || !any_is_set(prefix_of(s, service)))
			continue;
		if (!variable_list_read(s, service, &list))
			return false;
		unknown_variables_print(s, service, &list);
	}
	return true;
}
