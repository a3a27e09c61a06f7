/*
 * request_context: a request with everything that it needs, so that the event
 * loop can hand it to a thread.
 */
#ifndef FASTCGI_REQUEST_CONTEXT_H
#define FASTCGI_REQUEST_CONTEXT_H

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
struct client_connection;

struct request_context {
	struct conn conn;
	struct arena *arena;
	struct request_source source;
	struct client_connection *client;
	int64_t queued_us; /* when the request began to wait for a thread */
	struct flow *flow; /* the request's flow in flow_queue.h */
	struct request_context *next; /* the next context in a list */
	enum err refusal; /* not ERR_OK: the error to answer with */
	/* The application's memory: request_bytes of application.h. */
	alignas(max_align_t) unsigned char request[];
};

struct request_context *request_context_new(const struct application *app);
void
request_context_free(struct request_context *context); /* NULL is allowed */
/* Prepares the context for a new request of its connection. */
void request_context_begin(
    struct request_context *context, const struct application *app);
/* Lets request_context_answer() answer with this error, without a handler. */
void request_context_refuse(struct request_context *context, enum err e);
/*
 * Answers the request, and clears the context.  Returns false when the
 * connection has been ended, which always happens without `may_keep`.
 */
MUST_CHECK bool request_context_answer(struct request_context *context,
    const struct application *app, bool may_keep);
/*
 * Like request_context_answer(), without reading the rest of the request: the
 * connection cannot be used for another request.  Returns false when the
 * connection has been ended.
 */
MUST_CHECK bool request_context_answer_last(
    struct request_context *context, const struct application *app);

#endif
