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

/* The value of the login for a keyword; NULL: the login does not have it. */
static const char *
value_of(const struct db_login *login, const char *keyword)
{
	if (str_eq(keyword, "user"))
		return login->user;
	if (str_eq(keyword, "password"))
		return login->password;
	return str_eq(keyword, "dbname") ? login->database : NULL;
}

const char *
db_login_replace(struct arena *a, const char *url, const struct db_login *with)
{
	PQconninfoOption *options = PQconninfoParse(url, /* errmsg= */ NULL);
	const char *value;
	struct buf b;

	if (options == NULL)
		abort(); /* the caller has read the string before */
	buf_init(&b, a, URL_MAX_BYTES);
	for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
		value = value_of(with, o->keyword);
		if (value == NULL)
			value = o->val;
		if (value != NULL)
			put(&b, o->keyword, value);
	}
	PQconninfoFree(options);
	if (buf_failed(&b))
		abort(); /* longer than any URL that was read */
	return b.data;
}
