/*
 * error: the standard body of answers that are not a success:
 * {"code","message","requestId"[,"fields":[{"field","in","problem","message"}]]}
 */
#ifndef WEB_ERROR_H
#define WEB_ERROR_H

#include "base/err.h"
#include "web/schema.h"

struct req;

/* Answers with the body for `e` and what req_fail and req_invalid recorded. */
void error_write(struct req *r, enum err e);

/* "missing", "query": as the body's fields and the documents spell them. */
const char *error_problem_name(enum problem_kind kind);
const char *error_from_name(enum field_from from);

#endif
