#include "template.h"

#include <stddef.h>
#include <string.h>

#include "base/buf.h"

#include "file.h"
#include "message.h"

enum { SECTIONS_MAX = 8 }; /* the most sections around a placeholder */

/* The values of a section's item; `outer`: of the surrounding section. */
struct scope {
	const struct template_value *values;
	const struct scope *outer;
	int level;
};

struct filler {
	struct buf *out;
	const char *unknown; /* the first tag that could not be filled */
};

/* A tag: "{{name}}", "{{#name}}" or "{{/name}}". */
struct tag {
	const char *begin, *end; /* with the braces */
	const char *name;
	size_t len;
};

static const struct template_value *
find_value(const struct scope *scope, const struct tag *tag)
{
	const struct template_value *v;

	for (; scope != NULL; scope = scope->outer)
		for (v = scope->values; v->name != NULL; v++)
			if (strlen(v->name) == tag->len &&
			    memcmp(v->name, tag->name, tag->len) == 0)
				return v;
	return NULL;
}

/* Finds the first tag in the text. False: there is none before `end`. */
static bool
find_tag(const char *text, const char *end, struct tag *ret_tag)
{
	const char *begin = strstr(text, "{{");
	const char *close;

	if (begin == NULL || begin >= end)
		return false;
	close = strstr(begin, "}}");
	if (close == NULL || close >= end)
		close = end;
	*ret_tag = (struct tag){
		.begin = begin,
		.end = close == end ? end : close + 2,
		.name = begin + 2,
		.len = (size_t)(close - begin - 2),
	};
	return true;
}

static bool
ends_section(const struct tag *tag, const struct tag *opening)
{
	return tag->len == opening->len && tag->name[0] == '/' &&
	       memcmp(tag->name + 1, opening->name + 1, tag->len - 1) == 0;
}

/* Finds the end of the section that `opening` begins. */
static bool
find_end(const struct tag *opening, const char *end, struct tag *ret_closing)
{
	const char *at = opening->end;

	while (find_tag(at, end, ret_closing)) {
		if (ends_section(ret_closing, opening))
			return true;
		at = ret_closing->end;
	}
	return false;
}

/*
 * If a section's tag is alone in its line, extends it to the whole line. `text`
 * is the beginning of the template.
 */
static void
take_line(const char *text, const char *end, struct tag *tag)
{
	const char *begin = tag->begin, *after = tag->end;

	while (begin > text && (begin[-1] == ' ' || begin[-1] == '\t'))
		begin--;
	if ((begin > text && begin[-1] != '\n') || after == end ||
	    *after != '\n')
		return;
	tag->begin = begin;
	tag->end = after + 1;
}

static bool
fail(struct filler *f, const struct tag *tag)
{
	f->unknown = tag->begin;
	return false;
}

static bool add_text(struct filler *f, const char *text, const char *end,
    const struct scope *scope);

/* The recursion is limited by SECTIONS_MAX. */
static bool
add_section(/* NOLINT(misc-no-recursion) */
    struct filler *f, const char *text, const char *end,
    const struct scope *scope, struct tag *opening, const char **ret_after)
{
	struct tag name = *opening;
	const struct template_value *v;
	const struct template_value *const *item;
	struct tag closing;

	name.name++;
	name.len--;
	v = find_value(scope, &name);
	if (v == NULL || v->items == NULL || scope->level == SECTIONS_MAX ||
	    !find_end(opening, end, &closing))
		return fail(f, opening);
	take_line(text, end, opening);
	take_line(text, end, &closing);
	for (item = v->items; *item != NULL; item++) {
		const struct scope inner = { *item, scope, scope->level + 1 };

		if (!add_text(f, opening->end, closing.begin, &inner))
			return false;
	}
	*ret_after = closing.end;
	return true;
}

static bool
add_text(/* NOLINT(misc-no-recursion) */
    struct filler *f, const char *text, const char *end,
    const struct scope *scope)
{
	const char *at = text;
	const struct template_value *v;
	struct tag tag;

	while (find_tag(at, end, &tag)) {
		if (tag.len > 1 && tag.name[0] == '#') {
			struct tag line = tag;

			take_line(text, end, &line);
			buf_put(f->out, at, (size_t)(line.begin - at));
			if (!add_section(f, text, end, scope, &tag, &at))
				return false;
			continue;
		}
		v = find_value(scope, &tag);
		if (v == NULL || v->value == NULL)
			return fail(f, &tag);
		buf_put(f->out, at, (size_t)(tag.begin - at));
		buf_puts(f->out, v->value);
		at = tag.end;
	}
	buf_put(f->out, at, (size_t)(end - at));
	return true;
}

const struct template_value *const *
template_when(bool condition)
{
	static const struct template_value no_values[] = { { NULL } };
	static const struct template_value *const once[] = { no_values, NULL };

	return condition ? once : once + 1;
}

bool
template_add(struct buf *b, const char *text,
    const struct template_value *values, const char **ret_unknown)
{
	const struct scope scope = { values, NULL, 0 };
	struct filler f = { .out = b };

	if (add_text(&f, text, text + strlen(text), &scope))
		return true;
	*ret_unknown = f.unknown;
	return false;
}

bool
template_add_file(struct buf *b, struct arena *a, const char *path,
    const struct template_value *values)
{
	const char *text = file_read(a, path, /* ret_len= */ NULL);
	const char *unknown;

	if (text == NULL)
		return false;
	if (template_add(b, text, values, &unknown))
		return true;
	print_error("%s: unknown placeholder, or a section without its end: "
		    "%.32s",
	    path, unknown);
	return false;
}
