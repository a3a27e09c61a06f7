/*
 * doctor_http: sends raw requests to the live server. An HTTP library would
 * normalise exactly what the requests of the checks are about.
 */
#ifndef CLI_DOCTOR_HTTP_H
#define CLI_DOCTOR_HTTP_H

#include <stdbool.h>

#include "base/attr.h"

#include "doctor.h"

struct doctor_response {
	int status; /* 0: the connection was closed without an answer */
	const char *head; /* the status line and the headers */
	const char *body;
};

/*
 * Sends the text on a connection of its own, and reads the response to its end.
 * False: nothing answers at the stack's address.
 */
MUST_CHECK bool
doctor_http(struct doctor *d, const char *text, struct doctor_response *ret);
/* The value of a header in lower case; NULL: it is not there. */
const char *doctor_http_header(
    struct doctor *d, const struct doctor_response *r, const char *name);

#endif
