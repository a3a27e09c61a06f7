/*
 * seat: a request with all that it needs, so that it can be handed from the
 * event loop to a thread.
 */
#ifndef FASTCGI_SEAT_H
#define FASTCGI_SEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "fastcgi/conn.h"
#include "web/request.h"

struct arena;
struct flow;
struct link;
struct service;

struct seat {
	struct conn conn;
	struct arena *arena;
	struct req_source source;
	struct req req;
	struct link *link;
	int64_t queued_us; /* when it began to wait for a thread */
	struct flow *flow; /* of the queue that it is in */
	struct seat *next; /* of a list that it is in */
};

struct seat *seat_new(void);
void seat_free(struct seat *seat); /* NULL is fine */
/* For a new request of the connection. */
void seat_begin(struct seat *seat, const struct service *s);
/*
 * Has it answered with this error, without a handler: there is no room for it.
 */
void seat_refuse(struct seat *seat, enum err e);
/*
 * Answers the request, and forgets it.  False: the connection has been ended;
 * it is in any case unless `may_keep`.
 */
MUST_CHECK bool
seat_answer(struct seat *seat, const struct service *s, bool may_keep);
/*
 * Likewise, without reading the rest of the request: the connection can take
 * no other one.  False: it has been ended.
 */
MUST_CHECK bool seat_answer_last(struct seat *seat, const struct service *s);

#endif
