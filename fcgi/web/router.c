/*
 * router: scans the rows one by one.  A table of some dozens of rows is scanned
 * faster than a path is hashed, because nearly every row differs from the path
 * within its first bytes.
 */
#include "web/router.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "web/request.h"
#include "web/service.h"

/* The most methods of one path: more than any path has. */
enum { ALLOW_MAX = 16 };

/*
 * Consumes {name} of the pattern and one segment of the path.  Returns false
 * when the segment is empty.
 */
static bool
take_value(struct req *r, const char **pattern, const char **path)
{
	size_t pattern_len = strcspn(*pattern, "}");
	size_t len = strcspn(*path, "/");

	assert((*pattern)[pattern_len] == '}');
	assert(r->npath < PATH_VALUES_MAX);
	if (len == 0)
		return false;
	/* If this row is chosen, keep_values() copies the value. */
	r->path_values[r->npath++] = (struct path_value){
		.name = *pattern + 1,
		.name_len = pattern_len - 1,
		.value = *path,
	};
	*pattern += pattern_len + 1;
	*path += len;

	return true;
}

/*
 * Compares segments byte by byte; {name} matches any segment that is not empty.
 */
static bool
matches(struct req *r, const char *pattern, const char *path)
{
	r->npath = 0;
	for (;;) {
		if (*pattern == '{') {
			if (!take_value(r, &pattern, &path))
				return false;
			continue;
		}
		if (*pattern != *path)
			return false;
		if (*pattern == '\0')
			return true;
		pattern++;
		path++;
	}
}

static void
keep_values(struct req *r)
{
	for (int i = 0; i < r->npath; i++) {
		struct path_value *v = &r->path_values[i];

		v->value =
		    arena_strndup(r->arena, v->value, strcspn(v->value, "/"));
	}
}

/*
 * Whether a route can match the path.  nginx merges slashes; if it is
 * configured not to, no route matches a path with "//".
 */
static bool
is_routable(const char *path)
{
	size_t len = strlen(path);

	return len > 0 && *path == '/' && path[len - 1] != '/' &&
	       strstr(path, "//") == NULL;
}

/*
 * Two parts of a path: one is compared with the routes below the service's
 * prefix, the other with the routes that declare a whole path.  A part is NULL
 * when no route of its kind can match.
 */
struct comparable {
	const char *below;
	const char *whole;
};

static struct comparable
comparable_of(const struct service *s, const char *path)
{
	size_t prefix_len = strlen(s->prefix);
	struct comparable c = { 0 };

	if (strncmp(path, s->prefix, prefix_len) != 0)
		c.whole = is_routable(path) ? path : NULL;
	else if (is_routable(path + prefix_len))
		c.below = path + prefix_len;
	return c;
}

/* The part of the path that this row must match; NULL: it cannot match. */
static const char *
part_for(const struct comparable *c, const struct route *row)
{
	return row->whole_path ? c->whole : c->below;
}

/* Adds a method to the list, which is sorted and has no duplicates. */
static void
add_method(const char **methods, int *count, const char *method)
{
	int i = 0;

	while (i < *count && strcmp(methods[i], method) < 0)
		i++;
	if (i < *count && strcmp(methods[i], method) == 0)
		return;
	assert(*count < ALLOW_MAX);
	memmove(methods + i + 1, methods + i,
	    (size_t)(*count - i) * sizeof(*methods));
	methods[i] = method;
	(*count)++;
}

static const char *
join_methods(struct arena *a, const char *const *methods, int count)
{
	const char *text = methods[0];

	for (int i = 1; i < count; i++)
		text = arena_printf(a, "%s, %s", text, methods[i]);
	return text;
}

/* RFC 9110 section 9.3.2: HEAD is GET without the response body. */
static bool
takes(const struct route *row, const char *method)
{
	return strcmp(row->method, method) == 0 ||
	       (strcmp(row->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

enum err
router_find(const struct service *s, struct req *r, int *ret_index,
    const char **ret_allow)
{
	struct comparable path = comparable_of(s, r->path);
	const char *methods[ALLOW_MAX];
	int count = 0, index = 0;

	for (const struct route *const *list = s->routes; *list != NULL;
	     list++) {
		const struct route *row = *list;

		for (; row->method != NULL; row++, index++) {
			const char *part = part_for(&path, row);

			if (part == NULL || !matches(r, row->path, part))
				continue;
			if (takes(row, r->method)) {
				keep_values(r);
				r->route = row;
				*ret_index = index;
				return ERR_OK;
			}
			add_method(methods, &count, row->method);
			if (strcmp(row->method, "GET") == 0)
				add_method(methods, &count, "HEAD");
		}
	}
	r->npath = 0;
	if (count == 0)
		return ERR_NOT_FOUND;
	*ret_allow = join_methods(r->arena, methods, count);

	return ERR_METHOD;
}

const struct route *
router_path_row(const struct service *s, struct arena *a, const char *method,
    const char *path)
{
	struct req probe = { .arena = a };
	const struct route *first = NULL;
	struct comparable parts;
	size_t len = strlen(path);

	while (len > 0 && path[len - 1] == '/')
		len--;
	parts = comparable_of(s, arena_strndup(a, path, len));
	for (const struct route *const *list = s->routes; *list != NULL;
	     list++) {
		for (const struct route *row = *list; row->method != NULL;
		     row++) {
			const char *part = part_for(&parts, row);

			if (part == NULL || !matches(&probe, row->path, part))
				continue;
			if (takes(row, method))
				return row;
			if (first == NULL)
				first = row;
		}
	}
	return first;
}

int
router_count(const struct service *s)
{
	int count = 0;

	for (const struct route *const *list = s->routes; *list != NULL;
	     list++) {
		for (const struct route *row = *list; row->method != NULL;
		     row++)
			count++;
	}
	return count;
}
