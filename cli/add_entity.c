#include "add_entity.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

#include "file.h"
#include "message.h"
#include "scaffold_name.h"
#include "scaffold_text.h"
#include "template.h"

enum {
	/* parameters of the SQL function besides the fields */
	CREATE_PARAMETERS = 6,
	UPDATE_PARAMETERS = 2,
	/*
	 * The characters of all texts of a row: nginx accepts bodies of 1 MiB,
	 * in which each character may be escaped as 12 bytes.
	 */
	TEXT_SUM_MAX = 80000,
};

/* What the command line asks for (`order`), and what is derived from it. */
struct entity {
	struct scaffold *scaffold;
	struct arena *arena;
	const struct add_entity *order;
	const struct spec_service *service;
	struct name name;
	struct name service_name;
	const char *migration; /* NNNN_name.sql */
	const struct template_value *values;
};

/* -- reasons to refuse the order -- */

static bool
check_service(struct entity *e, const struct stack *stack)
{
	const char *name = e->order->service;

	e->service = spec_find(&stack->spec, name);
	if (e->service == NULL) {
		print_error("kedge.json has no service %s; make it with "
			    "\"kedge add service %s\"",
		    name, name);
		return false;
	}
	if (!file_exists(e->scaffold->record) ||
	    !file_exists(arena_printf(e->arena, "services/%s/main.c", name))) {
		print_error("%s was not made by \"kedge add service\" in C, so "
			    "the places for an entity are not known; "
			    "CONTRIBUTING.md says how to add one by hand",
		    name);
		return false;
	}
	if (!str_eq(e->service->locations[0].guard, "none"))
		return true;
	print_error("%s has the guard none, so nobody's identity is known; "
		    "change it to standard in kedge.json, since each row of an "
		    "entity belongs to a user",
	    name);
	return false;
}

static bool
check_fields(const struct add_entity *order)
{
	int64_t texts = 0;
	int i, k;

	if (order->nfields == 0) {
		print_error("entity %s: name at least one field, for example "
			    "title:text(200)",
		    order->name);
		return false;
	}
	for (i = 0; i < order->nfields; i++) {
		for (k = 0; k < i; k++)
			if (str_eq(order->fields[i].name.camel,
				order->fields[k].name.camel)) {
				print_error("field %s: there are two of this "
					    "name",
				    order->fields[i].name.snake);
				return false;
			}
		if (order->fields[i].type == ADD_FIELD_TEXT)
			texts += order->fields[i].max;
	}
	if (texts <= TEXT_SUM_MAX)
		return true;
	print_error("entity %s: all texts together have %lld characters, and a "
		    "request has room for %d; write shorter ones, for example "
		    "body:text(5000)",
	    order->name, (long long)texts, TEXT_SUM_MAX);
	return false;
}

/*
 * Numbers the new migration one above the highest.  Fails if an existing
 * migration creates the table.
 */
static bool
choose_migration(struct entity *e)
{
	const char *dir = arena_printf(e->arena, "sql/%s", e->order->service);
	const char *table =
	    arena_printf(e->arena, "CREATE TABLE %s (", e->name.snake);
	const struct dirent *entry;
	int64_t n, highest = 0;
	const char *text, *name;
	bool ok = true;
	DIR *d = opendir(dir);

	if (d == NULL) {
		print_error("cannot read %s: %s", dir, strerror(errno));
		return false;
	}
	while (ok && (entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		name = arena_printf(e->arena, "%s/%s", dir, entry->d_name);
		n = 0;
		for (int i = 0; i < 4 && entry->d_name[i] >= '0' &&
				entry->d_name[i] <= '9';
		     i++)
			n = n * 10 + (entry->d_name[i] - '0');
		if (n > highest)
			highest = n;
		text = file_read(e->arena, name, /* ret_len= */ NULL);
		ok = text != NULL;
		if (ok && strstr(text, table) != NULL) {
			print_error("%s creates a table %s already; choose "
				    "another name",
			    name, e->name.snake);
			ok = false;
		}
	}
	closedir(d);
	if (ok && highest >= 9999) {
		print_error("%s: the numbers of migrations end with 9999", dir);
		ok = false;
	}
	e->migration = arena_printf(
	    e->arena, "%04lld_%s.sql", (long long)highest + 1, e->name.snake);
	return ok;
}

/* -- the values of the templates -- */

static const char *
join(struct entity *e, const char *separator,
    const char *(*text)(struct arena *a, const struct add_field *f))
{
	struct buf b;
	int i;

	buf_init(&b, e->arena, FILE_MAX_BYTES);
	for (i = 0; i < e->order->nfields; i++)
		buf_printf(&b, "%s%s", i > 0 ? separator : "",
		    text(e->arena, &e->order->fields[i]));
	return b.data;
}

static const char *
column_name(struct arena *a UNUSED, const struct add_field *f)
{
	return f->name.snake;
}

static const char *
parameter_name(struct arena *a, const struct add_field *f)
{
	return arena_printf(a, "p_%s", f->name.snake);
}

/* "$1, $2, ..." */
static const char *
dollars(struct arena *a, int n)
{
	const char *text = "$1";
	int i;

	for (i = 2; i <= n; i++)
		text = arena_printf(a, "%s, $%d", text, i);
	return text;
}

/* The constants of the lengths of all texts, as a sum in C; NULL: none. */
static const char *
text_sum(const struct entity *e)
{
	const char *text = NULL;
	int i;

	for (i = 0; i < e->order->nfields; i++) {
		const struct add_field *f = &e->order->fields[i];

		if (f->type != ADD_FIELD_TEXT)
			continue;
		text = f->nvalues > 0
		           ? arena_printf(e->arena, "%s%s%lld",
				 text != NULL ? text : "",
				 text != NULL ? " + " : "", (long long)f->max)
		           : arena_printf(e->arena, "%s%s%s_%s_MAX",
				 text != NULL ? text : "",
				 text != NULL ? " + " : "", e->name.capitals,
				 f->name.capitals);
	}
	return text;
}

static bool
has(const struct entity *e, enum add_field_type type)
{
	int i;

	for (i = 0; i < e->order->nfields; i++)
		if (e->order->fields[i].type == type)
			return true;
	return false;
}

static bool
has_nullable(const struct entity *e, bool is_number)
{
	const struct add_field *f = e->order->fields;
	int i;

	for (i = 0; i < e->order->nfields; i++, f++)
		if (f->nullable && !add_field_is_string(f) &&
		    add_field_is_number(f) == is_number)
			return true;
	return false;
}

/*
 * Whether the struct of a patch needs web/schema.h, because a field is nullable
 * or not a string.
 */
static bool
has_patch_opt(const struct entity *e)
{
	const struct add_field *f = e->order->fields;
	int i;

	for (i = 0; i < e->order->nfields; i++, f++)
		if (f->nullable || !add_field_is_string(f))
			return true;
	return false;
}

static const char *
capitalized(struct arena *a, const char *s)
{
	char *out = arena_strdup(a, s);

	if (out[0] >= 'a' && out[0] <= 'z')
		out[0] = (char)(out[0] - 'a' + 'A');
	return out;
}

static const char *
first_role(struct arena *a, const char *roles)
{
	return arena_strndup(a, roles, strcspn(roles, ","));
}

static const struct template_value *
make_values(struct entity *e)
{
	struct arena *a = e->arena;
	const struct add_entity *order = e->order;
	const struct spec_location *at = &e->service->locations[0];
	const struct add_field *first = &order->fields[0];
	bool is_gated = str_eq(at->guard, "role-gated");
	const char *word = e->name.words;
	const char *sum = text_sum(e);
	const struct template_value **fields = arena_alloc(
	    a, ((size_t)order->nfields + 1) * sizeof(struct template_value *));
	struct template_value *copy;
	int i;

	for (i = 0; i < order->nfields; i++)
		fields[i] = add_field_values(a, &e->name, &order->fields[i], i);
	fields[i] = NULL;
	const struct template_value list[] = {
		{ "service", order->service },
		{ "SERVICE", e->service_name.capitals },
		{ "bare_prefix",
		    arena_strndup(a, at->prefix, strlen(at->prefix) - 1) },
		{ "role", first_role(a, at->roles) },
		{ "who", is_gated ? "admin" : "alice" },
		{ "entity", e->name.snake },
		{ "entities", e->name.snakes },
		{ "kebabs", e->name.kebabs },
		{ "Entity", e->name.pascal },
		{ "ENTITY", e->name.capitals },
		{ "ENTITIES", e->name.capitalss },
		{ "word", word },
		{ "words", e->name.wordss },
		{ "Words", capitalized(a, e->name.wordss) },
		{ "a_word",
		    arena_printf(a, "%s %s",
			strchr("aeiou", word[0]) != NULL ? "an" : "a", word) },
		{ "migration", e->migration },
		{ "made_id", arena_printf(a, "{%s %s}", order->service, word) },
		{ "columns", join(e, ", ", column_name) },
		{ "parameters", join(e, ", ", parameter_name) },
		{ "args", join(e, ", ", add_field_argument) },
		{ "is_empty", join(e, " && ", add_field_is_unset) },
		{ "json_body", join(e, ", ", add_field_json) },
		{ "dollars", dollars(a, order->nfields + CREATE_PARAMETERS) },
		{ "nargs", arena_i64(a, order->nfields + CREATE_PARAMETERS) },
		{ "update_nargs",
		    arena_i64(a, order->nfields + UPDATE_PARAMETERS) },
		{ "first", first->name.snake },
		{ "first_json", first->name.camel },
		{ "first_member", add_field_json(a, first) },
		{ "first_patch", add_field_patch(a, first) },
		{ "first_check", add_field_patch_check(a, first) },
		{ "text_sum", sum },
		{ "fields", .items = fields },
		{ "gated", .items = template_when(is_gated) },
		{ "has_text", .items = template_when(sum != NULL) },
		{ "no_text", .items = template_when(sum == NULL) },
		{ "has_timestamp",
		    .items = template_when(has(e, ADD_FIELD_TIMESTAMP)) },
		{ "has_bool",
		    .items = template_when(has(e, ADD_FIELD_BOOLEAN)) },
		{ "has_opt_int",
		    .items = template_when(has_nullable(e, true)) },
		{ "has_opt_bool",
		    .items = template_when(has_nullable(e, false)) },
		{ "has_opt", .items = template_when(has_nullable(e, true) ||
						    has_nullable(e, false)) },
		{ "has_patch_opt", .items = template_when(has_patch_opt(e)) },
		{ NULL },
	};
	copy = arena_alloc(a, sizeof(list));
	memcpy(copy, list, sizeof(list));
	return copy;
}

/* -- the files -- */

static bool
make_files(struct entity *e)
{
	struct arena *a = e->arena;
	const char *service = e->order->service, *entity = e->name.snake;
	const char *stem =
	    arena_printf(a, "services/%s/%s/%s", service, entity, entity);
	const struct {
		const char *path, *template;
	} files[] = {
		{ arena_printf(a, "%s.h", stem), "entity/rules.h" },
		{ arena_printf(a, "%s.c", stem), "entity/rules.c" },
		{ arena_printf(a, "%s_store.h", stem), "entity/store.h" },
		{ arena_printf(a, "%s_store.c", stem), "entity/store.c" },
		{ arena_printf(a, "%s_routes.h", stem), "entity/routes.h" },
		{ arena_printf(a, "%s_routes.c", stem), "entity/routes.c" },
		{ arena_printf(a, "sql/%s/%s", service, e->migration),
		    "entity/migration.sql" },
		{ arena_printf(a, "t/unit/test_%s_%s.c", service, entity),
		    "entity/test.c" },
		{ arena_printf(a, "t/35-%s-%s.t", service, e->name.kebabs),
		    "entity/test.t" },
	};
	size_t i;

	for (i = 0; i < COUNT_OF(files); i++)
		if (!scaffold_make(e->scaffold, files[i].path,
			files[i].template, e->values))
			return false;
	return true;
}

/* Fills a short template that is inserted into a file. NULL: that failed. */
static const char *
fill(struct entity *e, const char *template)
{
	struct buf b;

	buf_init(&b, e->arena, FILE_MAX_BYTES);
	if (!template_add_file(&b, e->arena,
		arena_printf(e->arena, "%s/entity/%s.in",
		    e->scaffold->templates, template),
		e->values))
		return NULL;
	return b.data;
}

/*
 * Inserts a row into a file that people edit, before the line `end` after the
 * line that begins with `begin`.
 */
static bool
insert(struct entity *e, const char *path, const char *begin, const char *end,
    const char *row)
{
	const char *text = scaffold_text(e->scaffold, path);
	const char *edited;

	if (text == NULL || row == NULL)
		return false;
	edited = text_insert_row(e->arena, text, begin, end, row);
	if (edited != NULL)
		return scaffold_edit(e->scaffold, path, edited);
	print_error(
	    "%s: there is no line \"%s\" with a line \"%s\" after it, "
	    "before which this belongs; put it back for the moment:\n%s",
	    path, begin, end + strspn(end, "\t "), row);
	return false;
}

static bool
edit_sources(struct entity *e)
{
	struct arena *a = e->arena;
	const char *service = e->order->service, *entity = e->name.snake;
	const char *source = arena_printf(a, "services/%s/main.c", service);
	const char *text, *edited;

	if (!insert(e, source, "static const struct route *const routes[] = {",
		"\tNULL,", arena_printf(a, "\t%s_routes,\n", entity)) ||
	    !insert(e, source, "static const struct config_var vars[] = {",
		"\t{ 0 },", fill(e, "var.c")) ||
	    !insert(e, arena_printf(a, "services/%s/%s.h", service, service),
		arena_printf(a, "struct %s_config {", service), "};",
		fill(e, "config.h")) ||
	    !insert(e, arena_printf(a, "services/%s/%s.c", service, service),
		arena_printf(
		    a, "const struct service_code %s_codes[] = {", service),
		"\t{ 0 },", fill(e, "code.c")))
		return false;
	text = scaffold_text(e->scaffold, source);
	edited = text_insert_include(a, text,
	    arena_printf(a, "%s/%s/%s_routes.h", service, entity, entity));
	return edited != NULL && scaffold_edit(e->scaffold, source, edited);
}

/*
 * Adds the entity's rows at the end of "pass" in t/endpoints/NAME.json, where
 * the last row has no comma after it.
 */
static bool
edit_endpoints(struct entity *e)
{
	struct arena *a = e->arena;
	const char *path =
	    arena_printf(a, "t/endpoints/%s.json", e->order->service);
	const char *text = scaffold_text(e->scaffold, path);
	const char *rows = fill(e, "endpoints.json");
	const char *end, *before, *edited;

	if (text == NULL || rows == NULL)
		return false;
	end = strstr(text, "\n  ]");
	if (end == NULL) {
		print_error(
		    "%s: there is no line \"  ]\" at the end of "
		    "\"pass\", before which the rows belong; put it back",
		    path);
		return false;
	}
	before = arena_strndup(a, text, (size_t)(end - text));
	edited = arena_printf(a, "%s%s\n%.*s%s", before,
	    before[strlen(before) - 1] == '[' ? "" : ",", (int)strlen(rows) - 1,
	    rows, end);
	return scaffold_edit(e->scaffold, path, edited);
}

static bool
edit_pages(struct entity *e)
{
	struct arena *a = e->arena;
	const char *readme =
	    arena_printf(a, "services/%s/README.md", e->order->service);
	const char *errors = scaffold_text(e->scaffold, "docs/ERRORS.md");
	const char *text = scaffold_text(e->scaffold, readme);
	const char *section = fill(e, "readme.md");
	const char *row = fill(e, "errors.md");

	if (errors == NULL || text == NULL || section == NULL || row == NULL)
		return false;
	errors = text_append_to_section(a, errors, e->order->service, row);
	if (errors == NULL) {
		print_error("docs/ERRORS.md: there is no section \"## %s\" for "
			    "the service's error codes; put it back",
		    e->order->service);
		return false;
	}
	return scaffold_edit(e->scaffold, "docs/ERRORS.md", errors) &&
	       scaffold_edit(e->scaffold, readme,
		   text_insert_section_before(a, text, "Invariants", section));
}

bool
add_entity(struct scaffold *s, const struct stack *stack,
    const struct add_entity *order)
{
	struct entity e = {
		.scaffold = s,
		.arena = s->arena,
		.order = order,
		.name = name_spell(s->arena, order->name),
		.service_name = name_spell(s->arena, order->service),
	};

	s->record = scaffold_record(s->arena, order->service);
	if (!check_service(&e, stack) ||
	    !name_check_entity(order->service, order->name) ||
	    !check_fields(order) || !choose_migration(&e))
		return false;
	e.values = make_values(&e);
	return make_files(&e) && edit_sources(&e) && edit_endpoints(&e) &&
	       edit_pages(&e);
}
