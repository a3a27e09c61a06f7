#include "add_service.h"

#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"

#include "file.h"
#include "message.h"
#include "scaffold_name.h"
#include "scaffold_text.h"
#include "template.h"

enum { FIRST_PORT = 8101 };

/* A template and the file that is made of it; NAME stands for the service. */
struct part {
	const char *template;
	const char *path;
};

static const struct part c_parts[] = {
	{ "service/main.c", "services/NAME/main.c" },
	{ "service/NAME.c", "services/NAME/NAME.c" },
	{ "service/NAME.h", "services/NAME/NAME.h" },
	{ "service/README.md", "services/NAME/README.md" },
	{ "service/request_key.sql", "sql/NAME/0001_request_key.sql" },
	{ "service/endpoints.json", "t/endpoints/NAME.json" },
	{ "service/test.t", "t/35-NAME.t" },
	{ NULL, NULL },
};

static const struct part python_parts[] = {
	{ "python/main.py", "services/NAME/main.py" },
	{ "python/identity.py", "services/NAME/identity.py" },
	{ "python/README.md", "services/NAME/README.md" },
	{ "foreign/test.t", "t/35-NAME.t" },
	{ NULL, NULL },
};

static const struct part node_parts[] = {
	{ "node/main.mjs", "services/NAME/main.mjs" },
	{ "node/identity.mjs", "services/NAME/identity.mjs" },
	{ "node/package.json", "services/NAME/package.json" },
	{ "node/README.md", "services/NAME/README.md" },
	{ "foreign/test.t", "t/35-NAME.t" },
	{ NULL, NULL },
};

/*
 * The differences between the languages. `needs` is a Perl statement of the
 * test, which skips the test when something is not installed; then the test
 * starts `command`.
 */
static const struct language {
	const char *name;
	const struct part *parts;
	const char *command;
	const char *needs;
} languages[] = {
	{ "c", c_parts, "", "" },
	{ "python", python_parts, "'/usr/bin/python3', 'main.py'",
	    "Kedge::Upstream::need_python(qw(jwt waitress));" },
	{ "node", node_parts, "Kedge::tool('node'), 'main.mjs'",
	    "Kedge::Upstream::need_node('NAME', 'jose');" },
};

static const struct part worker_parts[] = {
	{ "service/NAME_jobs.c", "services/NAME/NAME_jobs.c" },
	{ "service/NAME_jobs.h", "services/NAME/NAME_jobs.h" },
	{ NULL, NULL },
};

static bool
is_c(const struct add_service *order)
{
	return order->language == NULL || str_eq(order->language, "c");
}

/*
 * Whether the order is for an application that exists already, outside of this
 * checkout.
 */
static bool
is_external(const struct add_service *order)
{
	return order->url != NULL && order->language == NULL;
}

/* -- reasons to refuse the order -- */

static bool
check_prefix(const struct stack *stack, const char *prefix)
{
	const struct spec_service *other;
	const char *theirs;
	int i, k;

	for (i = 0; i < stack->spec.nservices; i++) {
		other = &stack->spec.services[i];
		for (k = 0; k < other->nlocations; k++) {
			theirs = other->locations[k].prefix;
			if (!str_has_prefix(prefix, theirs) &&
			    !str_has_prefix(theirs, prefix))
				continue;
			print_error("the prefix %s overlaps %s of the service "
				    "%s; choose another with --prefix",
			    prefix, theirs, other->name);
			return false;
		}
	}
	return true;
}

static bool
check_free(struct arena *a, const struct stack *stack, const char *name)
{
	static const char *const dirs[] = { "services", "sql", "fcgi" };
	const char *path;
	size_t i;

	if (spec_find(&stack->spec, name) != NULL) {
		print_error("kedge.json has a service %s already; choose "
			    "another name",
		    name);
		return false;
	}
	for (i = 0; i < COUNT_OF(dirs); i++) {
		path = arena_printf(a, "%s/%s", dirs[i], name);
		if (!file_exists(path))
			continue;
		print_error("%s exists already; move it away, or choose "
			    "another name",
		    path);
		return false;
	}
	if (stack->spec.nservices < SPEC_SERVICES_MAX)
		return true;
	print_error("kedge.json has %d services, which is the limit",
	    SPEC_SERVICES_MAX);
	return false;
}

static const struct language *
find_language(const char *name)
{
	size_t i;

	for (i = 0; i < COUNT_OF(languages); i++)
		if (str_eq(languages[i].name, name))
			return &languages[i];
	print_error("there is no language %s; the languages are c, python and "
		    "node, and --external URL is for an application that "
		    "exists",
	    name);
	return NULL;
}

static bool
check_kind(const struct add_service *order)
{
	if (order->worker && (is_external(order) || !is_c(order))) {
		print_error("--worker is for services in C");
		return false;
	}
	if (order->url == NULL || is_external(order) || !is_c(order))
		return true;
	print_error("a service in C has no URL: leave out --external or "
		    "--language c");
	return false;
}

static bool
check_roles(const struct add_service *order)
{
	bool is_gated = str_eq(order->guard, "role-gated");

	if (is_gated == (order->roles != NULL))
		return true;
	print_error(is_gated ? "the guard role-gated needs --roles, for "
			       "example --roles admin,staff"
			     : "--roles needs --guard role-gated");
	return false;
}

/* -- the row of kedge.json -- */

static void
write_member(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, ",\n  \"%s\": ", name);
	json_write_string(b, value);
}

static void
write_roles(struct arena *a, struct buf *b, const char *roles)
{
	size_t len;

	buf_puts(b, ",\n  \"roles\": [");
	for (;;) {
		len = strcspn(roles, ",");
		json_write_string(b, arena_strndup(a, roles, len));
		if (roles[len] == '\0')
			break;
		buf_puts(b, ", ");
		roles += len + 1;
	}
	buf_putc(b, ']');
}

/*
 * Values that a person has typed are written as they are; the parser of
 * kedge.json judges them.
 */
static const char *
spec_row(struct arena *a, const struct add_service *order, const char *prefix,
    const char *url)
{
	static const char pools[] =
	    ",\n  \"pools\": { \"api\": { \"threads\": 8 } },\n"
	    "  \"needs\": [\"postgres\", \"redis\"]";
	static const char pools_with_worker[] =
	    ",\n  \"pools\": {\n"
	    "    \"api\": { \"threads\": 8 },\n"
	    "    \"worker\": { \"processes\": 1 }\n"
	    "  },\n"
	    "  \"needs\": [\"postgres\", \"redis\"]";
	struct buf b;

	buf_init(&b, a, FILE_MAX_BYTES);
	buf_printf(&b, "{\n  \"name\": \"%s\"", order->name);
	write_member(&b, "prefix", prefix);
	write_member(&b, "guard", order->guard);
	if (order->roles != NULL)
		write_roles(a, &b, order->roles);
	if (url != NULL)
		write_member(&b, "upstream", url);
	if (is_external(order))
		buf_puts(&b, ",\n  \"external\": true");
	if (url == NULL)
		buf_puts(&b, order->worker ? pools_with_worker : pools);
	buf_puts(&b, "\n}");
	return b.data;
}

/*
 * Inserts the row, and reads the result like the stack will, so that nothing is
 * written that is refused later.
 */
static bool
edit_spec(struct scaffold *s, const struct add_service *order,
    const char *prefix, const char *url)
{
	const char *text = scaffold_text(s, "kedge.json");
	const char *candidate = "build/kedge.json.candidate";
	struct spec *spec = arena_alloc(s->arena, sizeof(*spec));
	const char *edited;
	bool ok;

	if (text == NULL)
		return false;
	edited = text_insert_service(
	    s->arena, text, spec_row(s->arena, order, prefix, url));
	if (edited == NULL) {
		print_error("kedge.json: there is no list \"services\"");
		return false;
	}
	ok = file_make_dir("build", 0755) &&
	     file_write(s->arena, candidate, 0600, edited) &&
	     spec_read(s->arena, candidate, spec);
	unlink(candidate);
	return ok && scaffold_edit(s, "kedge.json", edited);
}

/* -- the files -- */

/* The path with NAME replaced by the name of the service. */
static const char *
path_of(struct arena *a, const char *pattern, const char *name)
{
	const char *at;

	while ((at = strstr(pattern, "NAME")) != NULL)
		pattern = arena_printf(
		    a, "%.*s%s%s", (int)(at - pattern), pattern, name, at + 4);
	return pattern;
}

static bool
make_parts(struct scaffold *s, const struct part *parts, const char *name,
    const struct template_value *values)
{
	for (; parts->template != NULL; parts++)
		if (!scaffold_make(s, path_of(s->arena, parts->path, name),
			parts->template, values))
			return false;
	return true;
}

static bool
edit_errors(struct scaffold *s, const struct stack *stack,
    const struct template_value *values)
{
	static const char page[] = "docs/ERRORS.md";
	const char *text = scaffold_text(s, page);
	const char *last = stack->spec.services[stack->spec.nservices - 1].name;
	struct buf b;

	buf_init(&b, s->arena, FILE_MAX_BYTES);
	return text != NULL &&
	       template_add_file(&b, s->arena,
		   arena_printf(
		       s->arena, "%s/service/errors.md.in", s->templates),
		   values) &&
	       scaffold_edit(
		   s, page, text_insert_section(s->arena, text, last, b.data));
}

static const char *
guard_sentence(struct arena *a, const struct add_service *order)
{
	if (str_eq(order->guard, "role-gated"))
		return arena_printf(a,
		    "users with one of the roles %s, or with the role admin",
		    order->roles != NULL ? order->roles : "");
	return str_eq(order->guard, "none") ? "everybody"
	                                    : "users who are signed in";
}

/*
 * The address of an application in another language: the first port from 8101
 * that no other service of kedge.json has.
 */
static const char *
choose_listen(struct arena *a, const struct stack *stack)
{
	const char *listen = NULL;
	bool taken = true;
	int port, i;

	for (port = FIRST_PORT; taken; port++) {
		listen = arena_printf(a, "127.0.0.1:%d", port);
		taken = false;
		for (i = 0; i < stack->spec.nservices; i++)
			taken = taken ||
			        str_eq(stack->spec.services[i].upstream.address,
				    listen);
	}
	return listen;
}

static bool
make_all(struct scaffold *s, const struct stack *stack,
    const struct add_service *order, const struct language *language,
    const struct template_value *values)
{
	if (is_external(order))
		return true;
	s->record = scaffold_record(s->arena, order->name);
	return make_parts(s, language->parts, order->name, values) &&
	       (!order->worker ||
		   make_parts(s, worker_parts, order->name, values)) &&
	       (!is_c(order) || edit_errors(s, stack, values));
}

bool
add_service(struct scaffold *s, const struct stack *stack,
    const struct add_service *order)
{
	static const char http[] = "http://";
	struct arena *a = s->arena;
	const struct language *language =
	    find_language(order->language != NULL ? order->language : "c");
	struct name name = name_spell(a, order->name);
	const char *prefix = order->prefix != NULL
	                         ? order->prefix
	                         : arena_printf(a, "/api/%s/", order->name);
	bool is_gated = str_eq(order->guard, "role-gated");
	bool is_open = str_eq(order->guard, "none");
	const char *roles = order->roles != NULL ? order->roles : "";
	const char *url = order->url;

	if (language == NULL || !check_kind(order))
		return false;
	if (url == NULL && !is_c(order))
		url = arena_printf(a, "%s%s", http, choose_listen(a, stack));
	if (!is_c(order) && !str_has_prefix(url, http)) {
		print_error("--external %s: a service in %s listens on "
			    "http://HOST:PORT",
		    url, order->language);
		return false;
	}
	const struct template_value values[] = {
		{ "service", order->name },
		{ "Service", name.pascal },
		{ "SERVICE", name.capitals },
		{ "prefix", prefix },
		{ "bare_prefix", arena_strndup(a, prefix, strlen(prefix) - 1) },
		{ "who", guard_sentence(a, order) },
		{ "role", arena_strndup(a, roles, strcspn(roles, ",")) },
		{ "listen", url != NULL && str_has_prefix(url, http)
				? url + strlen(http)
				: "" },
		{ "command", language->command },
		{ "needs", path_of(a, language->needs, order->name) },
		{ "worker", .items = template_when(order->worker) },
		{ "gated", .items = template_when(is_gated) },
		{ "open", .items = template_when(is_open) },
		{ "guarded", .items = template_when(!is_open) },
		{ NULL },
	};

	return name_check_service(order->name) && check_roles(order) &&
	       check_free(a, stack, order->name) &&
	       check_prefix(stack, prefix) &&
	       edit_spec(s, order, prefix, url) &&
	       make_all(s, stack, order, language, values);
}
