#include "variable_list.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"

#include "command.h"
#include "message.h"

enum { VARIABLES_MAX = 256 };

/*
 * Returns the next cell of a row of a table in markdown, without the blanks
 * around it, and moves *at behind it; NULL: the row has no further cell.
 */
static char *
next_cell(char **at)
{
	char *cell = *at;
	char *end = strstr(cell, " | ");

	if (end == NULL)
		return NULL;
	*end = '\0';
	*at = end + strlen(" | ");
	cell += strspn(cell, " ");
	return cell;
}

/* Removes the backquotes around a text. NULL: it has none. */
static char *
quoted(char *text)
{
	size_t len = strlen(text);

	if (len < 2 || text[0] != '`' || text[len - 1] != '`')
		return NULL;
	text[len - 1] = '\0';
	return text + 1;
}

/* Reads a row "| `NAME` | default | unit | range | meaning |". */
static bool
read_row(char *line, struct variable *ret)
{
	char *at = line;
	char *name, *fallback, *unit, *range;

	if (!str_has_prefix(line, "| `"))
		return false;
	at += 2;
	name = next_cell(&at);
	fallback = name != NULL ? next_cell(&at) : NULL;
	unit = fallback != NULL ? next_cell(&at) : NULL;
	range = unit != NULL ? next_cell(&at) : NULL;
	if (range == NULL)
		return false;
	*ret = (struct variable){
		.name = quoted(name),
		.required = str_eq(fallback, "required"),
		.fallback = quoted(fallback),
		.unit = unit,
		/* the meaning of a secret ends with "Secret; also from ..." */
		.secret = strstr(at, " Secret;") != NULL,
	};
	return ret->name != NULL;
}

bool
variable_list_read(const struct stack *s, const struct spec_service *service,
    struct variable_list *ret_list)
{
	struct arena *a = s->arena;
	const char *const argv[] = { arena_printf(
					 a, "%s/%s", s->bin, service->name),
		"--config", NULL };
	struct variable_list list = { 0 };
	const char *output;
	char *at, *line;

	if (!command_check(a, &(struct command){ .argv = argv }, &output))
		return false;
	at = arena_strdup(a, output);
	list.items = arena_alloc(a, VARIABLES_MAX * sizeof(*list.items));
	list.names = arena_alloc(a, (VARIABLES_MAX + 1) * sizeof(*list.names));
	while ((line = strsep(&at, "\n")) != NULL && list.count < VARIABLES_MAX)
		if (read_row(line, &list.items[list.count])) {
			list.names[list.count] = list.items[list.count].name;
			list.count++;
		}
	list.names[list.count] = NULL;
	*ret_list = list;
	if (list.count == 0)
		print_error("%s --config printed no variables", argv[0]);
	return list.count > 0;
}

const struct variable *
variable_list_find(const struct variable_list *list, const char *name)
{
	for (int i = 0; i < list->count; i++)
		if (str_eq(list->items[i].name, name))
			return &list->items[i];
	return NULL;
}
