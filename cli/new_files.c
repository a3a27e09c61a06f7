#include "new_files.h"

#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include "command.h"
#include "file.h"
#include "file_set.h"
#include "message.h"
#include "nearest.h"
#include "stack.h"
#include "template.h"

enum {
	STATIC = 1,
	VITE = 2,
	NEXT = 4,
};

/* A file of templates/app/; one that ends with ".in" has placeholders. */
struct source {
	unsigned templates;
	const char *from;
	const char *to;
};

/* clang-format off */
static const struct source sources[] = {
	{ VITE, "vite/README.md.in", "README.md" },
	{ VITE, "vite/gitignore", ".gitignore" },
	{ VITE, "vite/package.json.in", "package.json" },
	{ VITE, "vite/tsconfig.json", "tsconfig.json" },
	{ VITE, "vite/vite.config.ts", "vite.config.ts" },
	{ VITE, "vite/env.in", ".env" },
	{ VITE, "vite/index.html.in", "index.html" },
	{ VITE, "vite/main.tsx", "src/main.tsx" },
	{ VITE, "vite/origin.ts", "src/origin.ts" },
	{ NEXT, "next/README.md.in", "README.md" },
	{ NEXT, "next/gitignore", ".gitignore" },
	{ NEXT, "next/package.json.in", "package.json" },
	{ NEXT, "next/tsconfig.json", "tsconfig.json" },
	{ NEXT, "next/next.config.ts", "next.config.ts" },
	{ NEXT, "next/env.in", ".env" },
	{ NEXT, "next/layout.tsx.in", "src/app/layout.tsx" },
	{ NEXT, "next/page.tsx", "src/app/page.tsx" },
	{ NEXT, "next/origin.ts", "src/origin.ts" },
	{ VITE | NEXT, "react/redocly.yaml.in", "redocly.yaml" },
	{ VITE | NEXT, "react/api.ts", "src/api.ts" },
	{ VITE | NEXT, "react/App.tsx.in", "src/App.tsx" },
	{ VITE | NEXT, "react/SignIn.tsx", "src/SignIn.tsx" },
	{ VITE | NEXT, "react/Tasks.tsx", "src/Tasks.tsx" },
	{ VITE | NEXT, "react/Wallet.tsx", "src/Wallet.tsx" },
	{ VITE | NEXT, "style.css", "src/style.css" },
	{ STATIC, "static/README.md.in", "README.md" },
	{ STATIC, "static/jsconfig.json", "jsconfig.json" },
	{ STATIC, "static/index.html.in", "public/index.html" },
	{ STATIC, "static/config.js.in", "public/config.js" },
	{ STATIC, "static/api.js", "public/api.js" },
	{ STATIC, "static/app.js", "public/app.js" },
	{ STATIC, "static/better-auth-client.js",
	    "public/vendor/better-auth-client.js" },
	{ STATIC, "style.css", "public/style.css" },
};
/* clang-format on */

/* In the order of the flags. */
static const struct new_template templates[] = {
	{ "static", "http://127.0.0.1:5173",
	    "python3 -m http.server -b 127.0.0.1 -d public 5173", "public" },
	{ "vite", "http://127.0.0.1:5173", "npm run dev", NULL },
	{ "next", "http://127.0.0.1:3000", "npm run dev", NULL },
};

/* Templates use these services. */
static const char *const used[] = { "core", "wallet" };

const struct new_template *
new_template_find(const char *name)
{
	const char *names[COUNT_OF(templates) + 1] = { NULL };
	const char *meant;

	for (size_t i = 0; i < COUNT_OF(templates); i++) {
		if (str_eq(templates[i].name, name))
			return &templates[i];
		names[i] = templates[i].name;
	}
	meant = nearest_name(names, name);
	if (meant != NULL)
		print_error("new: there is no template %s; did you mean %s?",
		    name, meant);
	else
		print_error(
		    "new: there is no template %s; there are vite, next and "
		    "static",
		    name);
	return NULL;
}

/* -- the OpenAPI documents -- */

/* auth is called by BetterAuth's client, which has types of its own. */
static bool
has_document(const struct stack *s, const struct spec_service *service)
{
	return service->upstream.kind == SPEC_UPSTREAM_NONE &&
	       service != s->spec.verifier;
}

static bool
check_services(const struct stack *s)
{
	const struct spec_service *service;

	for (size_t i = 0; i < COUNT_OF(used); i++) {
		service = spec_find(&s->spec, used[i]);
		if (service != NULL && has_document(s, service))
			continue;
		print_error("new: the templates use the services core and "
			    "wallet, and %s/kedge.json has no %s",
		    s->root, used[i]);
		return false;
	}
	return true;
}

static bool
add_document(const struct stack *s, const char *name, struct file_set *set)
{
	struct arena *a = s->arena;
	const char *const argv[] = { arena_printf(a, "%s/%s", s->bin, name),
		"--openapi", NULL };
	const char *text;

	if (!command_check(a, &(struct command){ .argv = argv }, &text))
		return false;
	file_set_add(set, arena_printf(a, "openapi/%s.json", name), 0644, text);
	return true;
}

/* Returns the items of the section "services", and makes their documents. */
static const struct template_value *const *
add_documents(
    const struct stack *s, struct file_set *set, const char **ret_names)
{
	struct arena *a = s->arena;
	const struct template_value **items = arena_alloc(a,
	    ((size_t)s->spec.nservices + 1) * sizeof(struct template_value *));
	struct template_value *values;
	size_t n = 0;

	*ret_names = "";
	for (int i = 0; i < s->spec.nservices; i++) {
		const struct spec_service *service = &s->spec.services[i];

		if (!has_document(s, service))
			continue;
		if (!add_document(s, service->name, set))
			return NULL;
		*ret_names = arena_printf(
		    a, "%s%s%s", *ret_names, n > 0 ? "," : "", service->name);
		values = arena_alloc(a, 2 * sizeof(*values));
		values[0] = (struct template_value){ .name = "service",
			.value = service->name };
		items[n++] = values;
	}
	return items;
}

/* -- the templates -- */

static bool
add_file(const struct stack *s, const struct source *source,
    const struct template_value *values, struct file_set *set)
{
	struct arena *a = s->arena;
	const char *path =
	    arena_printf(a, "%s/templates/app/%s", s->root, source->from);
	size_t len = strlen(source->from);
	const char *text;
	struct buf b;

	if (!str_eq(source->from + len - 3, ".in")) {
		text = file_read(a, path, /* ret_len= */ NULL);
		if (text != NULL)
			file_set_add(set, source->to, 0644, text);
		return text != NULL;
	}
	buf_init(&b, a, FILE_MAX_BYTES);
	if (!template_add_file(&b, a, path, values))
		return false;
	if (buf_failed(&b)) {
		print_error("%s: more than %d bytes", path, FILE_MAX_BYTES);
		return false;
	}
	file_set_add(set, source->to, 0644, b.data);
	return true;
}

bool
new_files_make(
    const struct stack *s, const struct new_order *order, struct file_set *set)
{
	const struct new_template *t = order->template;
	const struct template_value *const *items;
	const char *names;
	unsigned flag = 1U << (t - templates);

	if (!check_services(s))
		return false;
	items = add_documents(s, set, &names);
	if (items == NULL)
		return false;
	const struct template_value values[] = {
		{ .name = "name", .value = order->name },
		{ .name = "origin", .value = t->origin },
		{ .name = "api", .value = order->api },
		{ .name = "url", .value = order->own_origin ? order->api : "" },
		/* as curl takes them in a URL */
		{ .name = "names",
		    .value = arena_printf(s->arena, "{%s}", names) },
		{ .name = "services", .items = items },
		{ 0 },
	};

	for (size_t i = 0; i < COUNT_OF(sources); i++)
		if ((sources[i].templates & flag) != 0 &&
		    !add_file(s, &sources[i], values, set))
			return false;
	return true;
}
