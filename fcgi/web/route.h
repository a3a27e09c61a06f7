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

/* A header of a route's successful responses, for OpenAPI. */
struct route_header {
	const char *name;
	const char *doc;
};
#define LOCATION_HEADER                                      \
	{                                                    \
		"Location", "The address of what was made.", \
	}

enum route_guard {
	GUARD_IDENTITY, /* a valid assertion is required, otherwise 401; the
	                   default */
	GUARD_NONE, /* anybody may call the route */
};

/*
 * The rate limit for one client: `burst` requests at once, which become
 * available again evenly over the period.
 */
struct route_rate {
	int64_t burst; /* 0: the service's general limit */
	int64_t period_s;
};

struct route {
	const char *method; /* NULL ends the list; GET also accepts HEAD */
	const char *path; /* below the service's prefix: "/tasks/{id}" */
	/*
	 * When the handler returns ERR_OK, it has filled *out_struct, which the
	 * schema `out` describes, or has called req_answer().
	 */
	enum err (*handler)(
	    struct req *r, const void *in_struct, void *out_struct);
	const char *summary;
	enum route_guard guard;
	/*
	 * A role that the user must have, too; users with the role admin always
	 * pass.  NULL: no role is required.
	 */
	const char *role;
	unsigned flags; /* flags that the service's own hooks read */
	/*
	 * The rate limit, which the service's hooks apply; a row with a limit
	 * has its own counter.
	 */
	struct route_rate rate;
	struct schema in;
	struct schema out;
	int status; /* the status of success; 0: 200, or 204 without `out` */
	size_t body_max_bytes; /* 0: 64 KiB */
	bool body_form; /* a form body is accepted as well as JSON */
	bool body_optional; /* a missing body is read as {} */
	/*
	 * `path` is a whole path, for a prefix of `public` in kedge.json that
	 * is not below the service's own.
	 */
	bool whole_path;
	/*
	 * A POST or PATCH whose repetition has no further effect, as with PUT
	 * (RFC 9110 section 9.2.2).  It accepts an Idempotency-Key without
	 * reading it.  Other routes that do not read the key refuse it, because
	 * they would execute the repetition.
	 */
	bool idempotent;
	/*
	 * The query is ignored, even a malformed one: for an address to which
	 * others append parameters, such as a link that is shared.
	 */
	bool ignores_query;
	/*
	 * Neither the handler nor a hook of the service waits for anything: the
	 * event loop answers by itself, without a thread.
	 */
	bool nonblocking;
	/*
	 * The errors that the handler may return, as BIT(ERR_...), for OpenAPI.
	 */
	unsigned errors;
	/* The members from here on are for OpenAPI only. */
	const struct route_header
	    *headers; /* of a successful response; a NULL name ends the list */
	const struct field
	    *query; /* query parameters that the handler reads by itself */
	bool unlisted; /* left out of the OpenAPI document: of no use to a
	                  client */
};
#define BIT(e) (1u << (unsigned)(e))
/*
 * A flag that the library reads; a service's own flags start at 1.  The route
 * works without the user's record, so there is no first contact.
 */
#define ROUTE_NO_RECORD (1u << 31)

#endif
