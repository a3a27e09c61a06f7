#include "base/err.h"

#include <assert.h>
#include <stddef.h>

#include "base/attr.h"

/* clang-format off */
static const struct err_info rows[] = {
	[ERR_OK] = { 200, "OK", "Done" },
	[ERR_INVALID] = { 400, "INVALID_REQUEST",
	    "The request is not valid" },
	[ERR_UNAUTHENTICATED] = { 401, "UNAUTHENTICATED",
	    "Sign in to continue" },
	[ERR_FORBIDDEN] = { 403, "FORBIDDEN",
	    "You are not allowed to do this" },
	[ERR_NOT_FOUND] = { 404, "NOT_FOUND",
	    "There is nothing here" },
	[ERR_METHOD] = { 405, "METHOD_NOT_ALLOWED",
	    "This address does not take that method" },
	[ERR_TIMEOUT] = { 408, "REQUEST_TIMEOUT",
	    "The body of the request did not come in time" },
	[ERR_CONFLICT] = { 409, "CONFLICT",
	    "Something with this key exists already" },
	[ERR_GONE] = { 410, "GONE", "This is not available any more" },
	[ERR_STALE] = { 412, "PRECONDITION_FAILED",
	    "This has been changed since you read it" },
	[ERR_TOO_LARGE] = { 413, "PAYLOAD_TOO_LARGE",
	    "The request is too large" },
	[ERR_MEDIA_TYPE] = { 415, "UNSUPPORTED_MEDIA_TYPE",
	    "The body is of a type that is not read here" },
	[ERR_UNPROCESSABLE] = { 422, "UNPROCESSABLE",
	    "The request cannot be carried out" },
	[ERR_RATE_LIMITED] = { 429, "RATE_LIMITED",
	    "Too many requests: try again later" },
	[ERR_ABANDONED] = { 499, "CLIENT_CLOSED_REQUEST",
	    "The client has not waited for the answer" },
	[ERR_UNAVAILABLE] = { 503, "UNAVAILABLE",
	    "The service is not available: try again later" },
	[ERR_INTERNAL] = { 500, "INTERNAL_ERROR",
	    "Something went wrong on our side" },
};
/* clang-format on */
static_assert(COUNT_OF(rows) == ERR__MAX, "each error has its row");

const struct err_info *
err_info(enum err e)
{
	assert((unsigned)e < ERR__MAX);
	assert(rows[e].code != NULL);
	return &rows[e];
}
