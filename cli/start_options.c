#include "start_options.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include "file.h"
#include "stack.h"

#define OPTIONS_FILE "run/options"

bool
start_options_write(struct arena *a, const struct start_options *o)
{
	struct buf b;

	buf_init(&b, a, FILE_MAX_BYTES);
	if (o->listen != NULL)
		buf_printf(&b, "listen %s\n", o->listen);
	if (o->web != NULL)
		buf_printf(&b, "web %s\n", o->web);
	if (o->force)
		buf_puts(&b, "force\n");
	return file_write(a, OPTIONS_FILE, 0600, b.data);
}

struct start_options
start_options_read(struct arena *a)
{
	char *at = file_find(a, OPTIONS_FILE, /* ret_len= */ NULL);
	struct start_options o = { 0 };
	char *line;

	while (at != NULL && (line = strsep(&at, "\n")) != NULL) {
		if (str_has_prefix(line, "listen "))
			o.listen = line + strlen("listen ");
		else if (str_has_prefix(line, "web "))
			o.web = line + strlen("web ");
		else if (str_eq(line, "force"))
			o.force = true;
	}
	return o;
}

bool
start_options_apply(struct stack *s)
{
	struct start_options o = start_options_read(s->arena);

	s->listen = o.listen;
	return o.web == NULL || spec_set_web(&s->spec, o.web);
}
