/* cookie: reading Cookie, writing Set-Cookie (RFC 6265). */
#ifndef WEB_COOKIE_H
#define WEB_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/*
 * The first value under that exact name, without surrounding quotes, not
 * percent-decoded; NULL when there is none.  `header` may be NULL.
 */
const char *cookie_find(struct arena *a, const char *header, const char *name);
/*
 * The same, one after the other: *rest is the header at first, then what
 * follows the value.  A browser sends several of one name when they were set
 * for several paths or domains, and says of none what it was set for.
 */
const char *cookie_next(struct arena *a, const char **rest, const char *name);

enum { COOKIE_SESSION = -1 }; /* no Max-Age: gone when the browser closes */

struct cookie {
	const char *name;
	const char *value; /* of cookie octets: percent-encode first */
	int64_t max_age_s; /* COOKIE_SESSION, 0 to delete, or seconds */
	const char *domain; /* or NULL */
	bool secure;
};
/* Name=value; Max-Age=; Domain=; Path=/; HttpOnly; Secure; SameSite=Lax. */
const char *cookie_write(struct arena *a, const struct cookie *c);

#endif
