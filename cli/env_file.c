#include "env_file.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include "file.h"
#include "message.h"

void
environment_put(struct environment *e, const char *name, const char *value)
{
	assert(e->count < (int)COUNT_OF(e->names));
	e->names[e->count] = name;
	e->values[e->count] = value;
	e->count++;
}

const char *
environment_find(const struct environment *e, const char *name)
{
	int i;

	for (i = 0; i < e->count; i++)
		if (str_eq(e->names[i], name))
			return e->values[i];
	return NULL;
}

bool
environment_parse(struct arena *a, const char *path, struct environment *e)
{
	char *at = file_read(a, path, /* ret_len= */ NULL);
	char *equals;
	char *line;

	if (at == NULL)
		return false;
	while ((line = strsep(&at, "\n")) != NULL) {
		if (line[0] == '\0' || line[0] == '#')
			continue;
		equals = strchr(line, '=');
		if (equals == NULL || e->count == (int)COUNT_OF(e->names)) {
			print_error("%s: a line must be NAME=value", path);
			return false;
		}
		*equals = '\0';
		environment_put(e, line, equals + 1);
	}
	return true;
}

const char *
environment_text(struct arena *a, const char *head, const struct environment *e)
{
	struct buf b;
	int i;

	buf_init(&b, a, FILE_MAX_BYTES);
	buf_puts(&b, head);
	for (i = 0; i < e->count; i++)
		buf_printf(&b, "%s=%s\n", e->names[i], e->values[i]);
	return b.data;
}
