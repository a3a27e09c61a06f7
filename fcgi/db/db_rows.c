#include <assert.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/str.h"
#include "db/db.h"

bool
db_is_null(const struct db_rows *rows, int row, int column)
{
	assert(row >= 0 && row < rows->count);
	assert(column >= 0 && column < PQnfields(rows->result));
	return PQgetisnull(rows->result, row, column) != 0;
}

const char *
db_find_text(const struct db_rows *rows, int row, int column)
{
	if (db_is_null(rows, row, column))
		return NULL;
	return PQgetvalue(rows->result, row, column);
}

const char *
db_get_text(const struct db_rows *rows, int row, int column)
{
	const char *text = db_find_text(rows, row, column);

	assert(text != NULL);
	return text;
}

int64_t
db_get_i64(const struct db_rows *rows, int row, int column)
{
	int64_t n;
	bool ok =
	    str_i64(db_get_text(rows, row, column), INT64_MIN, INT64_MAX, &n);

	assert(ok); /* the statement must return an integer here */
	return n;
}

bool
db_get_bool(const struct db_rows *rows, int row, int column)
{
	const char *text = db_get_text(rows, row, column);

	assert(strcmp(text, "t") == 0 || strcmp(text, "f") == 0);
	return text[0] == 't';
}
