/* answer: turns the result of a handler, or a failure, into r->response. */
#ifndef WEB_ANSWER_H
#define WEB_ANSWER_H

#include "base/attr.h"
#include "base/err.h"

struct req;
struct service;

/*
 * The limit for a response that is not a stream.  The largest of these
 * responses answers a batch of 1 MiB.  nginx keeps a response in memory, see
 * fastcgi_buffers in nginx/http.conf.
 */
enum { ANSWER_MAX_BYTES = 2 * 1024 * 1024 };

/*
 * Makes the response from *out_struct by the route's `out` schema.
 * ERR_INTERNAL, logged: the response exceeds ANSWER_MAX_BYTES.
 */
MUST_CHECK enum err answer_output(struct req *r, const void *out_struct);
/*
 * Answers with an error.  Headers and cookies that were added before the
 * failure are kept (for example a cookie that is deleted); the body is not.
 */
void answer_error(const struct service *s, struct req *r, enum err e);
/*
 * Adds Cache-Control: no-store to every error, and to a response that only its
 * user may see, unless the handler has set Cache-Control.
 */
void answer_forbid_storing(const struct service *s, struct req *r);

#endif
