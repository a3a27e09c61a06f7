/*
 * additional_fields: BetterAuth's option additionalFields of user and session:
 * columns of the application, which clients may read and, if that is allowed,
 * set.
 *
 * AUTH_ADDITIONAL_FIELDS is an object as in BetterAuth's options,
 * {"user":{NAME:FIELD},"session":{NAME:FIELD}}, or the path of a file with it.
 * The fields become a part of auth like a plugin: its columns are composed into
 * statements and schemas as those of plugins are (columns.h).
 */
#ifndef AUTH_ADDITIONAL_FIELDS_H
#define AUTH_ADDITIONAL_FIELDS_H

#include <stdbool.h>

#include "auth/plugin.h"
#include "base/attr.h"

/* The name of the part, as in messages. */
#define ADDITIONAL_FIELDS "additional-fields"

/*
 * Reads the value of the variable; NULL or "" declares no fields.  Returns NULL
 * if the value is wrong; *ret_problem then says why.  The returned plugin and
 * the text of *ret_problem are valid until the process ends.
 */
const struct auth_plugin *
additional_fields_read(const char *value, const char **ret_problem);

/*
 * Whether the database has the columns, with types that fit.  The log says
 * which one is wrong, with the statement that makes it.  True also if the
 * database cannot be reached: then requests get 503 until it can.
 */
MUST_CHECK bool additional_fields_check(
    const struct auth_plugin *fields, const char *database_url);

#endif
