/* cookie: parses Cookie headers and writes Set-Cookie headers (RFC 6265). */
#ifndef WEB_COOKIE_H
#define WEB_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/*
 * Returns the first value of the cookie with exactly that name, without
 * surrounding quotes, not percent-decoded; NULL when there is none.  `header`
 * may be NULL.
 */
const char *cookie_find(struct arena *a, const char *header, const char *name);
/*
 * Iterates over the values of the cookies with that name: *rest is the header
 * at first, then the text that follows the last value.  A browser sends several
 * cookies of one name when they were set for different paths or domains,
 * without telling which is which.
 */
const char *cookie_next(struct arena *a, const char **rest, const char *name);

enum { COOKIE_SESSION = -1 }; /* no Max-Age: deleted when the browser closes */

struct cookie {
	const char *name;
	const char
	    *value; /* only cookie octets: percent-encode other text first */
	int64_t max_age_s; /* COOKIE_SESSION, 0 to delete, or seconds */
	const char *domain; /* the attribute Domain; or NULL */
	bool secure;
};
/*
 * Writes Name=value; Max-Age=; Domain=; Path=/; HttpOnly; Secure; SameSite=Lax.
 */
const char *cookie_write(struct arena *a, const struct cookie *c);

#endif
