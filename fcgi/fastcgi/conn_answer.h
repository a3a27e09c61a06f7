/*
 * conn_answer: sends responses on a connection from the web server, as the
 * records of fastcgi/record.h, always within a time limit.
 */
#ifndef FASTCGI_CONN_ANSWER_H
#define FASTCGI_CONN_ANSWER_H

#include "base/attr.h"
#include "fastcgi/response.h"

struct arena;
struct conn;

/*
 * Writes the complete response.  If that fails, or a stream breaks off, the
 * connection is ended instead.
 */
MUST_CHECK struct sent
conn_answer(struct conn *c, struct arena *a, const struct response *p);

#endif
