/*
 * redirect: where a link in a message leads the browser after it has been
 * opened: a path of this site, or a URL of a trusted origin (csrf.h).
 */
#ifndef AUTH_REDIRECT_H
#define AUTH_REDIRECT_H

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct req;

/*
 * Reads the query's callbackURL: NULL when it is missing, "" when it is empty.
 * 403 INVALID_CALLBACK_URL when it is not trusted, 400 when it is there twice.
 */
MUST_CHECK enum err redirect_target(struct req *r, const char **ret_url);

/*
 * The URL with one more parameter, before its fragment.  A parameter of this
 * name that it has is removed, so that the page cannot read another one.
 */
const char *redirect_add(
    struct arena *a, const char *url, const char *name, const char *value);
/* Makes a path of this site a URL with its origin; others stay as they are. */
const char *redirect_resolve(struct req *r, const char *url);

/* Answers 302. */
enum err redirect_to(struct req *r, const char *url);

#endif
