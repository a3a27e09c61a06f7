/*
 * origin_pattern: one entry of the list of trusted origins, with the same
 * meaning as in BetterAuth:
 *
 *   https://app.example.com     that origin
 *   "https://" "*.example.com"  (written as one word) subdomains of any depth,
 *                               with that scheme
 *   *.example.com:8443          by host and port, with http and https
 *   myapp://  myapp://host      a native application's scheme, or one host
 *
 * An entry that could never match any origin is refused as a mistake, with a
 * message that says what to write instead.
 */
#ifndef WEB_ORIGIN_PATTERN_H
#define WEB_ORIGIN_PATTERN_H

#include <stdbool.h>

#include "base/attr.h"

#include "web/origin.h"

struct buf;

enum origin_pattern_kind {
	ORIGIN_EXACT, /* must equal the origin */
	ORIGIN_GLOB, /* pattern for the origin */
	ORIGIN_HOST_GLOB, /* pattern for host[:port] */
	ORIGIN_SCHEME, /* "myapp://" or "myapp://host" */
	ORIGIN_SCHEME_GLOB, /* "myapp://" HOST-GLOB [/PATH-GLOB] */
};

struct origin_pattern {
	enum origin_pattern_kind kind;
	char text[ORIGIN_MAX]; /* in lower case */
};

struct origin_problem {
	bool is_own; /* the public URL itself, not an entry of the list */
	char entry[ORIGIN_MAX]; /* as written; shortened if it is longer */
	const char *why;
	char instead[ORIGIN_MAX]; /* what to write; "": no suggestion */
};

MUST_CHECK bool origin_pattern_read(const char *text,
    struct origin_pattern *ret_pattern, struct origin_problem *ret_problem);

/* `origin` is the origin of `url`, NULL if it is not an http or https URL. */
bool origin_pattern_matches(
    const struct origin_pattern *p, const char *url, const char *origin);

/* Whether the pattern names no host, such as "https://" "*". */
bool origin_pattern_is_everything(const struct origin_pattern *p);

/*
 * Appends a regular expression (PCRE) that matches the same origins, if they
 * are in canonical form and nothing but origins.  In a quoted string of nginx's
 * configuration the expression needs no escapes.  False: the pattern is for
 * redirects only and matches no origin; nothing was appended.
 */
MUST_CHECK bool
origin_pattern_add_regex(const struct origin_pattern *p, struct buf *b);

#endif
