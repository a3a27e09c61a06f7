#include "cors.h"

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "web/origins.h"

#include "file.h"
#include "message.h"
#include "template.h"

static void
print_problem(
    const struct cors_list *list, const struct origin_problem *problem)
{
	const char *variable =
	    problem->is_own ? list->url_variable : list->list_variable;

	if (problem->instead[0] != '\0')
		print_error("%s: \"%s\" matches no page: %s; write \"%s\"",
		    variable, problem->entry, problem->why, problem->instead);
	else
		print_error("%s: \"%s\" matches no page: %s; write for example "
			    "https://app.example.com or https://*.example.com",
		    variable, problem->entry, problem->why);
}

bool
cors_check(const struct cors_list *list)
{
	struct origin_problem problem;
	struct origins *origins = origins_new(list->url, list->list, &problem);

	if (origins == NULL) {
		print_problem(list, &problem);
		return false;
	}
	origins_free(origins);
	return true;
}

/* Adds a line of nginx's map for each pattern. */
static void
add_patterns(struct buf *b, struct arena *a, const struct origins *origins)
{
	const struct origin_pattern *p;
	struct buf regex;
	size_t i;

	for (i = 0; (p = origins_pattern(origins, i)) != NULL; i++) {
		buf_init(&regex, a, FILE_MAX_BYTES);
		if (origin_pattern_add_regex(p, &regex))
			buf_printf(b, "\t\"~%s\" $kedge_cors_other_origin;\n",
			    regex.data);
	}
}

bool
cors_add_map(struct buf *b, struct arena *a, const char *templates,
    const struct cors_list *list)
{
	struct origin_problem problem;
	struct origins *origins = origins_new(list->url, list->list, &problem);
	struct buf patterns;

	if (origins == NULL) {
		print_problem(list, &problem);
		return false;
	}
	buf_init(&patterns, a, FILE_MAX_BYTES);
	add_patterns(&patterns, a, origins);
	origins_free(origins);
	const struct template_value values[] = {
		{ "url_variable", list->url_variable },
		{ "list_variable", list->list_variable },
		{ "patterns", patterns.data },
		{ NULL },
	};

	return !buf_failed(&patterns) &&
	       template_add_file(b, a,
		   arena_printf(a, "%s/cors_map.conf.in", templates), values);
}
