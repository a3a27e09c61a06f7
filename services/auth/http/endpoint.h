/*
 * endpoint: the endpoints of BetterAuth 1.7.25 and its plugins, so that a
 * request for one that is not served here is told so, and why, instead of an
 * empty 404: the official client shows the message to its developer.
 */
#ifndef AUTH_ENDPOINT_H
#define AUTH_ENDPOINT_H

struct req;

struct endpoint {
	const char *method; /* NULL ends the table */
	const char *path; /* ":name" is one segment */
	const char *plugin; /* "": of BetterAuth itself */
};

/* endpoint_table.c */
extern const struct endpoint endpoints[];

/*
 * Returns the error message for a request that matches no route, or NULL if
 * BetterAuth has no such endpoint either.
 */
const char *endpoint_explain(const struct req *r);

#endif
