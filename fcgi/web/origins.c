#include "web/origins.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

enum { PATTERNS_MAX = 64 };

struct origins {
	char own[ORIGIN_MAX];
	struct origin_pattern patterns[PATTERNS_MAX];
	size_t count;
};

bool
origins_trust(const struct origins *o, const char *url)
{
	char origin[ORIGIN_MAX];
	bool web = origin_of(url, origin);

	if (!web &&
	    (origin_default_port(url) != 0 || origin_scheme_length(url) == 0 ||
		strlen(url) > ORIGIN_URL_MAX || !origin_is_plain(url, url)))
		return false;
	for (size_t i = 0; i < o->count; i++) {
		if (origin_pattern_matches(
			&o->patterns[i], url, web ? origin : NULL))
			return true;
	}
	return false;
}

/*
 * A path on this host that every browser and router interprets in the same way.
 * "//host" and encoded slashes are refused, and so are backslashes and control
 * characters (U+0000 to U+001F, U+007F to U+009F), which browsers drop or turn
 * into slashes.
 */
static bool
is_safe_path(const char *url)
{
	size_t path_len = strcspn(url, "?#");

	if (url[0] != '/' || url[1] == '/')
		return false;
	for (const char *p = url; *p != '\0'; p++) {
		unsigned char c = (unsigned char)p[0];

		if (c < ' ' || c == 0x7f || c == '\\' ||
		    (c == 0xc2 && (unsigned char)p[1] < 0xa0))
			return false;
		if (c == '%' && (size_t)(p - url) < path_len &&
		    (strncasecmp(p, "%2f", 3) == 0 ||
			strncasecmp(p, "%5c", 3) == 0))
			return false;
	}
	return true;
}

bool
origins_trust_target(const struct origins *o, const char *url)
{
	return *url == '/' ? is_safe_path(url) : origins_trust(o, url);
}

const char *
origins_own(const struct origins *o)
{
	return o->own;
}

const struct origin_pattern *
origins_pattern(const struct origins *o, size_t n)
{
	return n < o->count ? &o->patterns[n] : NULL;
}

static bool
add(struct origins *o, const char *text, struct origin_problem *ret_problem)
{
	if (o->count == PATTERNS_MAX) {
		(void)str_copy(
		    ret_problem->entry, sizeof(ret_problem->entry), text);
		ret_problem->why = "there are more than 63 entries";
		ret_problem->instead[0] = '\0';
		return false;
	}
	if (!origin_pattern_read(text, &o->patterns[o->count], ret_problem))
		return false;
	o->count++;
	return true;
}

/* The public URL is an origin: no pattern, and no native application. */
static bool
add_own(struct origins *o, const char *own, struct origin_problem *ret_problem)
{
	ret_problem->is_own = true;
	if (!add(o, own, ret_problem))
		return false;
	if (o->patterns[0].kind != ORIGIN_EXACT) {
		ret_problem->why = "it must be the one origin of the site";
		ret_problem->instead[0] = '\0';
		return false;
	}
	ret_problem->is_own = false;
	memcpy(o->own, o->patterns[0].text, sizeof(o->own));
	return true;
}

struct origins *
origins_new(
    const char *own, const char *patterns, struct origin_problem *ret_problem)
{
	struct origins *o = calloc(1, sizeof(*o));
	char *list = strdup(patterns), *rest = NULL;
	bool ok;

	if (o == NULL || list == NULL)
		abort();
	ok = add_own(o, own, ret_problem);
	for (char *item = strtok_r(list, ", ", &rest); ok && item != NULL;
	     item = strtok_r(NULL, ", ", &rest))
		ok = add(o, item, ret_problem);
	free(list);
	if (!ok) {
		origins_free(o);
		return NULL;
	}
	return o;
}

void
origins_free(struct origins *o)
{
	free(o);
}
