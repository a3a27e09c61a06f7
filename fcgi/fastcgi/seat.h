/*
 * seat: a request with all that it needs, so that it can be handed from the
 * event loop to a thread.
 */
#ifndef FASTCGI_SEAT_H
#define FASTCGI_SEAT_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "fastcgi/conn.h"
#include "fastcgi/request_source.h"

struct application;
struct arena;
struct flow;
struct link;

struct seat {
	struct conn conn;
	struct arena *arena;
	struct request_source source;
	struct link *link;
	int64_t queued_us; /* when it began to wait for a thread */
	struct flow *flow; /* of the queue that it is in */
	struct seat *next; /* of a list that it is in */
	enum err refusal; /* not ERR_OK: what to answer instead of serving */
	/* The application's: application.h. */
	alignas(max_align_t) unsigned char request[];
};

struct seat *seat_new(const struct application *app);
void seat_free(struct seat *seat); /* NULL is fine */
/* For a new request of the connection. */
void seat_begin(struct seat *seat, const struct application *app);
/*
 * Has it answered with this error, without a handler: there is no room for it.
 */
void seat_refuse(struct seat *seat, enum err e);
/*
 * Answers the request, and forgets it.  False: the connection has been ended;
 * it is in any case unless `may_keep`.
 */
MUST_CHECK bool
seat_answer(struct seat *seat, const struct application *app, bool may_keep);
/*
 * Likewise, without reading the rest of the request: the connection can take
 * no other one.  False: it has been ended.
 */
MUST_CHECK bool
seat_answer_last(struct seat *seat, const struct application *app);

#endif
