#include "template.h"

#include <stddef.h>
#include <string.h>

#include "base/buf.h"

#include "file.h"
#include "message.h"

static const struct template_value *
find_value(const struct template_value *values, const char *name, size_t len)
{
	for (; values->name != NULL; values++)
		if (strlen(values->name) == len &&
		    memcmp(values->name, name, len) == 0)
			return values;
	return NULL;
}

bool
template_add(struct buf *b, const char *text,
    const struct template_value *values, const char **ret_unknown)
{
	const struct template_value *v;
	const char *open, *close;

	while ((open = strstr(text, "{{")) != NULL) {
		buf_put(b, text, (size_t)(open - text));
		close = strstr(open, "}}");
		v = close == NULL ? NULL
		                  : find_value(values, open + 2,
					(size_t)(close - open - 2));
		if (v == NULL) {
			*ret_unknown = open;
			return false;
		}
		buf_puts(b, v->value);
		text = close + 2;
	}
	buf_puts(b, text);
	return true;
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
	print_error("%s: unknown placeholder %.32s", path, unknown);
	return false;
}
