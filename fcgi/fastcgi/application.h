/*
 * application: the functions that the FastCGI server calls in the layer above
 * it.
 *
 * The server knows connections, records and parameters.  The application
 * decides what a request means and how it is answered.  For each request the
 * server keeps `request_bytes` of memory for the application, in the same
 * allocation as the connection's buffer.
 *
 * begin() is called first.  When the parameters of the request have been read,
 * the event loop calls is_nonblocking() and prefetch(), and just before it
 * answers the request, is_still_ready().  It calls flow_key() for a request
 * that has to wait for a thread, and also body_max() for a request whose body
 * has not been received completely.  handle() or refuse() makes the response,
 * and done() is told how much of the response was sent.  The calls for one
 * request never overlap, but they come from different threads.
 */
#ifndef FASTCGI_APPLICATION_H
#define FASTCGI_APPLICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct arena;
struct request_source;
struct response;
struct sent;

enum {
	APPLICATION_ROUND_MAX = 32
}; /* the most requests in one call of prefetch() */

struct application {
	const void *ctx; /* the first argument of all functions */
	size_t request_bytes;

	/*
	 * Called for a new request.  The arena and the source of the request
	 * stay valid until done() has returned.
	 */
	void (*begin)(const void *ctx, void *request, struct arena *a,
	    const struct request_source *source);

	/* Returns true when handle() will not wait for anything. */
	bool (*is_nonblocking)(const void *ctx, const void *request);
	/*
	 * Reads, in one round trip, what the given requests need, which have
	 * arrived in one round of the event loop.  On entry ret_ready[i] is the
	 * result of is_nonblocking() for requests[i]; prefetch() may change it.
	 */
	void (*prefetch)(const void *ctx, void *const *requests,
	    bool *ret_ready, size_t count);
	/*
	 * Returns false when the result of prefetch() is too old, so that
	 * handle() might wait.
	 */
	bool (*is_still_ready)(const void *ctx, void *request);
	/*
	 * Returns the key of the request's flow (flow_queue.h): requests with
	 * the same key share the threads that one user may have.
	 */
	uint64_t (*flow_key)(const void *ctx, const void *request);
	/*
	 * Returns how many bytes of the request's body should be kept.  A
	 * longer body will be refused.
	 */
	size_t (*body_max)(const void *ctx, const void *request);
	int64_t body_timeout_us; /* the time limit for a body: bodies.h */

	/*
	 * Returns the response, which lives as long as the request.
	 * `started_us` is the monotonic time at which the request began.
	 */
	const struct response *(*handle)(
	    const void *ctx, void *request, int64_t started_us);
	/* Like handle(), for a request that is answered with the error `e`. */
	const struct response *(*refuse)(
	    const void *ctx, void *request, int64_t started_us, enum err e);
	void (*done)(const void *ctx, const void *request, struct sent sent);
};

#endif
