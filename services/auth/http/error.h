/*
 * error: error bodies in BetterAuth's format, {"message","code"} and for some
 * of them our own "help", and the sentences of its validator ("[body.email]
 * Invalid input: expected string, received undefined; ...").
 */
#ifndef AUTH_ERROR_H
#define AUTH_ERROR_H

#include "base/err.h"

struct arena;
struct req;

/* The hook: writes the response for every failure. */
void error_answer(struct req *r, enum err e);
/* All problems of the request's input in one sentence. */
const char *error_sentence(struct req *r);
/*
 * Adds the problems of fields whose format only auth checks (FMT_EMAIL) to
 * those of schema_read(), in the order of the rows.  ERR_INVALID if there are
 * any problems.
 */
enum err error_check_formats(struct req *r);

#endif
