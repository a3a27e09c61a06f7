/*
 * error: BetterAuth's error bodies, {"message","code"}, and its validator's
 * sentences ("[body.email] Invalid input: expected string, received
 * undefined; ...").
 */
#ifndef AUTH_ERROR_H
#define AUTH_ERROR_H

#include "base/err.h"

struct arena;
struct req;

/* The hook: answers for every failure. */
void error_answer(struct req *r, enum err e);
/* All problems of the request's input in one sentence. */
const char *error_sentence(struct req *r);
/*
 * Completes what schema_read() found by the fields whose format only auth
 * knows (FMT_EMAIL), in the order of the rows.  ERR_INVALID if there are any.
 */
enum err error_check_formats(struct req *r);

#endif
