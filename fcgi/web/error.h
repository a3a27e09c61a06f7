/*
 * error: the standard body of error responses:
 * {"code","message","requestId"[,"fields":[{"field","in","problem","message"}]]}
 */
#ifndef WEB_ERROR_H
#define WEB_ERROR_H

#include "base/err.h"
#include "web/schema.h"

struct req;

/* Writes the body for `e`, with what req_fail() and req_invalid() recorded. */
void error_write(struct req *r, enum err e);

/* The names used in the body and in the documents: "missing", "query". */
const char *error_problem_name(enum problem_kind kind);
const char *error_from_name(enum field_from from);

#endif
