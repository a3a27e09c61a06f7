/* answer: from what a handler or a failure left behind to r->response. */
#ifndef WEB_ANSWER_H
#define WEB_ANSWER_H

#include "base/attr.h"
#include "base/err.h"

struct req;
struct service;

/*
 * The largest answer that is no stream: that to a batch of 1 MiB.  nginx holds
 * it in memory, see fastcgi_buffers in nginx/http.conf.
 */
enum { ANSWER_MAX_BYTES = 2 * 1024 * 1024 };

/*
 * Answers by the route's out schema.  ERR_INTERNAL, logged: the answer is
 * larger than any that a client could want.
 */
MUST_CHECK enum err answer_output(struct req *r, const void *out_struct);
/*
 * Answers with an error.  What was added before the failure stays (a cookie
 * that is to be forgotten, where to sign in); what was to be answered does not.
 */
void answer_error(const struct service *s, struct req *r, enum err e);
/*
 * Adds Cache-Control: no-store to every error, and to what only its user may
 * see unless the handler knows better.
 */
void answer_forbid_storing(const struct service *s, struct req *r);

#endif
