#include "nginx_config.h"

#include <fnmatch.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum { ARGS_MAX = 4096, FILES_MAX = 1024, INCLUDES_MAX = 16 };

struct source {
	const char *path;
	const char *text;
	size_t len;
};

struct parser {
	struct arena *arena;
	struct source files[FILES_MAX];
	size_t nfiles;
	const char *directory; /* of the main file */
	const char *problem;
};

/* The place in one file. */
struct cursor {
	const char *at;
	const char *end;
	const struct source *source;
	size_t line;
};

/* The block to which directives are added. */
struct place {
	struct nginx_directive *block;
	struct nginx_directive **tail;
};

static const char before[] = "# configuration file ";

/* Splits the dump at the lines "# configuration file PATH:". */
static bool
split(struct parser *p, const char *dump)
{
	const char *at = dump, *end, *text, *next;

	while ((at = strstr(at, before)) != NULL && p->nfiles < FILES_MAX) {
		at += strlen(before);
		end = strstr(at, ":\n");
		if (end == NULL)
			break;
		text = end + 2;
		next = strstr(text, arena_printf(p->arena, "\n%s", before));
		p->files[p->nfiles++] = (struct source){
			.path = arena_strndup(p->arena, at, (size_t)(end - at)),
			.text = text,
			.len = next == NULL ? strlen(text)
			                    : (size_t)(next - text) + 1,
		};
		at = text;
	}
	return p->nfiles > 0 && p->nfiles < FILES_MAX;
}

/* Advances to the last character before the end of the line. */
static void
skip_comment(struct cursor *c)
{
	while (c->end - c->at > 1 && c->at[1] != '\n')
		c->at++;
}

static void
skip_space(struct cursor *c)
{
	for (; c->at < c->end; c->at++) {
		if (*c->at == '\n')
			c->line++;
		else if (*c->at == '#')
			skip_comment(c);
		else if (*c->at != ' ' && *c->at != '\t' && *c->at != '\r')
			return;
	}
}

/* Reads one word. The cursor is at its first character. */
static const char *
read_word(struct arena *a, struct cursor *c)
{
	char quote = (char)(*c->at == '"' || *c->at == '\'' ? *c->at : '\0');
	struct buf b;

	buf_init(&b, a, (size_t)(c->end - c->at) + 1);
	if (quote != '\0')
		c->at++;
	for (; c->at < c->end; c->at++) {
		if (quote != '\0'
			? *c->at == quote
			: strchr(" \t\r\n;", *c->at) != NULL || *c->at == '{')
			break;
		c->line += *c->at == '\n';
		if (*c->at == '\\' && c->end - c->at > 1 &&
		    strchr("\"'\\", c->at[1]) != NULL) {
			c->at++;
		} else if (*c->at == '$' && c->end - c->at > 1 &&
			   c->at[1] == '{') {
			buf_putc(&b, '$');
			c->at++; /* the brace belongs to the variable */
		}
		buf_putc(&b, *c->at);
	}
	if (quote != '\0' && c->at < c->end)
		c->at++;
	return b.data;
}

/* Reads words up to ";" or "{" or "}", and returns that character. */
static char
read_words(struct parser *p, struct cursor *c, const char **words, int *ret_n)
{
	for (*ret_n = 0; *ret_n < ARGS_MAX;) {
		skip_space(c);
		if (c->at >= c->end)
			return '\0';
		if (*c->at == ';' || *c->at == '{' || *c->at == '}')
			return *c->at++;
		words[(*ret_n)++] = read_word(p->arena, c);
	}
	return '\0';
}

static struct nginx_directive *
add(struct parser *p, struct place *place, const struct cursor *c,
    const char *const *words, int n)
{
	struct nginx_directive *d = arena_alloc(p->arena, sizeof(*d));
	const char **args =
	    arena_alloc(p->arena, (size_t)(n + 1) * sizeof(*args));

	memcpy(args, words, (size_t)n * sizeof(*args));
	*d = (struct nginx_directive){
		.name = n > 0 ? args[0] : "",
		.args = args + (n > 0),
		.nargs = n > 0 ? n - 1 : 0,
		.file = c->source->path,
		.line = c->line,
		.parent = place->block,
	};
	*place->tail = d;
	place->tail = &d->next;
	return d;
}

static bool parse_file(struct parser *p, const struct source *source,
    struct place *place, int depth);

static bool
include(struct parser *p, const char *pattern, struct place *place, int depth)
{
	const char *whole = pattern[0] == '/' ? pattern
	                                      : arena_printf(p->arena, "%s/%s",
						    p->directory, pattern);
	size_t i;

	for (i = 0; i < p->nfiles; i++)
		if (fnmatch(whole, p->files[i].path,
			FNM_PATHNAME | FNM_PERIOD) == 0 &&
		    !parse_file(p, &p->files[i], place, depth + 1))
			return false;
	return true;
}

static bool
fail(struct parser *p, const struct cursor *c, const char *problem)
{
	p->problem = arena_printf(
	    p->arena, "%s:%zu: %s", c->source->path, c->line, problem);
	return false;
}

/*
 * Parses one file. Its directives are added to the block of `place`, which may
 * be one of another file; every block that the file opens ends in the file.
 */
static bool
parse_file(struct parser *p, const struct source *source, struct place *place,
    int depth)
{
	struct cursor c = { source->text, source->text + source->len, source,
		1 };
	const char **words = arena_alloc(p->arena, ARGS_MAX * sizeof(*words));
	struct place stack[INCLUDES_MAX];
	struct nginx_directive *d;
	int open = 0, n;
	char end;

	if (depth > INCLUDES_MAX)
		return fail(p, &c, "files include each other");
	while ((end = read_words(p, &c, words, &n)) != '\0') {
		if (end == '}') {
			if (open == 0)
				return fail(p, &c, "unexpected \"}\"");
			*place = stack[--open];
		} else if (end == ';' && n == 2 &&
			   str_eq(words[0], "include")) {
			if (!include(p, words[1], place, depth))
				return false;
		} else {
			d = add(p, place, &c, words, n);
			if (end == ';')
				continue;
			if (open == INCLUDES_MAX)
				return fail(p, &c, "too many nested blocks");
			stack[open++] = *place;
			*place = (struct place){ d, &d->first };
		}
	}
	return open == 0 || fail(p, &c, "a block does not end");
}

struct nginx_directive *
nginx_config_parse(struct arena *a, const char *dump, const char **ret_problem)
{
	struct parser *p = arena_alloc(a, sizeof(*p));
	struct nginx_directive *top = arena_alloc(a, sizeof(*top));
	struct place place = { top, &top->first };
	const char *slash;

	p->arena = a;
	*top = (struct nginx_directive){ .name = "" };
	if (!split(p, dump)) {
		*ret_problem = "there is no configuration file";
		return NULL;
	}
	slash = strrchr(p->files[0].path, '/');
	p->directory = slash == NULL ? "."
	                             : arena_strndup(a, p->files[0].path,
					   (size_t)(slash - p->files[0].path));
	if (parse_file(p, &p->files[0], &place, /* depth= */ 0))
		return top;
	*ret_problem = p->problem;
	return NULL;
}

const struct nginx_directive *
nginx_config_find(const struct nginx_directive *d, const char *name,
    const struct nginx_directive *after)
{
	const struct nginx_directive *found =
	    after == NULL ? d->first : after->next;

	while (found != NULL && !str_eq(found->name, name))
		found = found->next;
	return found;
}

const struct nginx_directive *
nginx_config_effective(const struct nginx_directive *d, const char *name)
{
	const struct nginx_directive *found = NULL;

	for (; d != NULL && found == NULL; d = d->parent)
		found = nginx_config_find(d, name, /* after= */ NULL);
	return found;
}

const struct nginx_directive *
nginx_config_next(const struct nginx_directive *d)
{
	if (d->first != NULL)
		return d->first;
	while (d != NULL && d->next == NULL)
		d = d->parent;
	return d == NULL ? NULL : d->next;
}
