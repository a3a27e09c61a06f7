/*
 * error: the standard body of error responses:
 * {"code","message","requestId"[,"fields":[{"field","in","problem","message"}]]}
 */
#ifndef WEB_ERROR_H
#define WEB_ERROR_H

#include "base/err.h"
#include "web/schema.h"

struct req;

/*
 * Writes the body for the error `e`, with what req_fail() and req_invalid()
 * recorded.
 */
void error_write(struct req *r, enum err e);

/*
 * Returns the name of a kind of problem, as in the body and in the documents:
 * "missing".
 */
const char *error_problem_name(enum problem_kind kind);
const char *error_from_name(enum field_from from);

#endif
