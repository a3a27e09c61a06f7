/*
 * fuzz_auth_origin: an origin that was read from a URL is in canonical form
 * (reading it again changes nothing) and contains the host of the URL.  Only
 * our own origin and URLs of its pages are trusted.  A redirect target that is
 * trusted is a path or such a URL, and contains nothing that a browser would
 * interpret differently.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/str.h"
#include "web/origins.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_origin(const char *url)
{
	char origin[ORIGIN_MAX], again[ORIGIN_MAX];
	const char *host;

	if (!origin_of(url, origin))
		return;
	assert(origin_of(origin, again));
	assert(str_eq(origin, again));
	assert(strpbrk(origin, "@\\?# \t\r\n") == NULL);
	host = strstr(origin, "://") + 3;
	assert(*host != '\0' && strchr(host, '/') == NULL);
	/* The URL has the host directly after the scheme, as the origin has. */
	assert(strncasecmp(url, origin, (size_t)(host - origin) + 1) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct origin_problem problem;
	static struct origins *o;
	struct arena *a = arena_new();
	const char *url = arena_strndup(a, (const char *)data, len);
	char origin[ORIGIN_MAX];

	if (o == NULL)
		o = origins_new("https://own.example:8443", "", &problem);
	assert(o != NULL);

	check_origin(url);
	if (origins_trust(o, url)) {
		assert(origin_of(url, origin));
		assert(str_eq(origin, "https://own.example:8443"));
	}
	if (origins_trust_target(o, url)) {
		assert(strpbrk(url, "\\\r\n\t") == NULL);
		assert(*url == '/' ? url[1] != '/' : origins_trust(o, url));
	}
	arena_free(a);
	return 0;
}
