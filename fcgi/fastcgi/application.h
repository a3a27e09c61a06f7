/*
 * application: what the FastCGI server asks of the layer above it.
 *
 * The server knows connections, records and parameters.  What a request means,
 * how long its answer takes and what the answer says is the application's
 * business.  For each request the server keeps `request_bytes` of memory that
 * belong to the application, in the same allocation as the connection's buffer.
 *
 * begin() comes first.  When the parameters have been read, the event loop asks
 * is_nonblocking() and prefetch(), and just before it answers is_still_ready();
 * flow_key() is asked for a request that has to wait for a thread, and, with
 * body_max(), for one whose body is not here whole.  handle() or refuse() makes
 * the response, done() learns what was sent of it.  The calls for one request
 * never overlap, but they come from different threads.
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

enum { APPLICATION_ROUND_MAX = 32 }; /* requests in one prefetch() */

struct application {
	const void *ctx; /* the first argument of all functions */
	size_t request_bytes;

	/* A new request.  The arena and the source live until after done(). */
	void (*begin)(const void *ctx, void *request, struct arena *a,
	    const struct request_source *source);

	/* Whether handle() will wait for nothing. */
	bool (*is_nonblocking)(const void *ctx, const void *request);
	/*
	 * Gets what the requests of a round need, in one round trip.
	 * ret_ready[i] is what is_nonblocking() said of requests[i];
	 * prefetch() may change it.
	 */
	void (*prefetch)(const void *ctx, void *const *requests,
	    bool *ret_ready, size_t count);
	/* False: what prefetch() got is too old, handle() may wait after all.
	 */
	bool (*is_still_ready)(const void *ctx, void *request);
	/* Requests of one key share the threads that one user may have. */
	uint64_t (*flow_key)(const void *ctx, const void *request);
	/*
	 * How many bytes of its body are worth keeping; a longer one will be
	 * refused.
	 */
	size_t (*body_max)(const void *ctx, const void *request);
	int64_t body_timeout_us; /* the total time of a body: bodies.h */

	/*
	 * The response, which lives as long as the request.  `begun_us` is the
	 * monotonic time at which the request began.
	 */
	const struct response *(*handle)(
	    const void *ctx, void *request, int64_t begun_us);
	/* The same for a request that is answered with this error. */
	const struct response *(*refuse)(
	    const void *ctx, void *request, int64_t begun_us, enum err e);
	void (*done)(const void *ctx, const void *request, struct sent sent);
};

#endif
