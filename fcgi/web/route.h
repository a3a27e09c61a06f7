/*
 * route: one row of a service's route tables: the requests that it accepts,
 * their input and output, and the handler.
 */
#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "web/schema.h"

struct req;

/* A header of a route's successful response, for OpenAPI. */
struct route_header {
	const char *name;
	const char *doc;
};
#define LOCATION_HEADER                                      \
	{                                                    \
		"Location", "The address of what was made.", \
	}

enum route_guard {
	GUARD_IDENTITY, /* the default: a valid assertion, otherwise 401 */
	GUARD_NONE, /* anybody */
};

/* The rate limit for one client: `burst` requests at once, refilled evenly. */
struct route_rate {
	int64_t burst; /* 0: the service's general limit */
	int64_t period_s;
};

struct route {
	const char *method; /* NULL ends the list; GET also accepts HEAD */
	const char *path; /* below the prefix: "/tasks/{id}" */
	/*
	 * If it returns ERR_OK, `out` describes *out_struct, or req_answer()
	 * was called.
	 */
	enum err (*handler)(
	    struct req *r, const void *in_struct, void *out_struct);
	const char *summary;
	enum route_guard guard;
	const char *role; /* a role that is required besides; admin always
	                     passes; NULL: none */
	unsigned flags; /* the service's own, for its hooks */
	struct route_rate rate; /* for the hooks, too; a row with a rate has its
	                           own counter */
	struct schema in;
	struct schema out;
	int status; /* for success; 0: 200, or 204 without `out` */
	size_t body_max_bytes; /* 0: 64 KiB */
	bool body_form; /* a form body is accepted as well as JSON */
	bool body_optional; /* a missing body is read as {} */
	/*
	 * Neither the handler nor a hook of the service waits for anything: the
	 * event loop answers by itself, without a thread.
	 */
	bool nonblocking;
	unsigned errors; /* BIT(ERR_...): declared, for OpenAPI */
	/* The members from here on are for OpenAPI only. */
	const struct route_header
	    *headers; /* of a successful response; a NULL name ends the list */
	const struct field
	    *query; /* query parameters that the handler reads by itself */
	bool unlisted; /* left out of the document: of no use to a client */
};
#define BIT(e) (1u << (unsigned)(e))
/*
 * A flag of the library; a service's own flags start at 1.  The route works
 * without the user's record, so there is no first contact.
 */
#define ROUTE_NO_RECORD (1u << 31)

#endif
