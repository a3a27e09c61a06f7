#include "db/db_login.h"

#include <stdlib.h>

#include <libpq-fe.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum { URL_MAX_BYTES = 64 * 1024 };

static const char *
copy_value(struct arena *a, const PQconninfoOption *options, const char *name)
{
	for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
		if (str_eq(o->keyword, name) && o->val != NULL)
			return arena_strdup(a, o->val);
	return NULL;
}

bool
db_login_read(struct arena *a, const char *url, struct db_login *ret_login)
{
	PQconninfoOption *options = PQconninfoParse(url, /* errmsg= */ NULL);

	if (options == NULL)
		return false;
	*ret_login = (struct db_login){
		.user = copy_value(a, options, "user"),
		.password = copy_value(a, options, "password"),
		.database = copy_value(a, options, "dbname"),
	};
	PQconninfoFree(options);
	return true;
}

static void
put(struct buf *b, const char *keyword, const char *value)
{
	buf_printf(b, "%s%s='", b->len > 0 ? " " : "", keyword);
	for (; *value != '\0'; value++) {
		if (*value == '\'' || *value == '\\')
			buf_putc(b, '\\');
		buf_putc(b, *value);
	}
	buf_putc(b, '\'');
}

const char *
db_login_replace(
    struct arena *a, const char *url, const char *user, const char *password)
{
	PQconninfoOption *options = PQconninfoParse(url, /* errmsg= */ NULL);
	struct buf b;

	buf_init(&b, a, URL_MAX_BYTES);
	for (const PQconninfoOption *o = options;
	     o != NULL && o->keyword != NULL; o++)
		if (o->val != NULL && !str_eq(o->keyword, "user") &&
		    !str_eq(o->keyword, "password"))
			put(&b, o->keyword, o->val);
	PQconninfoFree(options);
	put(&b, "user", user);
	put(&b, "password", password);
	if (options == NULL || buf_failed(&b))
		abort(); /* the caller has read the string before */
	return b.data;
}
