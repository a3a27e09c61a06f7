/*
 * fuzz_links_target: a target that is allowed is safe to send in a header and
 * to show in a page, and begins with http or https; and a cached link is read
 * as it was written.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "links/link/link_target.h"
#include "links/redirect/redirect_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_allowed(const char *target)
{
	const char *authority;

	if (strncasecmp(target, "http://", 7) == 0)
		authority = target + 7;
	else
		authority = target + 8;
	assert(
	    authority == target + 7 || strncasecmp(target, "https://", 8) == 0);
	for (const char *p = target; *p != '\0'; p++)
		assert(*p > ' ' && *p <= '~' && *p != '\\' && *p != '"' &&
		       *p != '<' && *p != '>');
	assert(strcspn(authority, "/?#") > 0);
	assert(memchr(authority, '@', strcspn(authority, "/?#")) == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct target_rules rules = {
		.own_url = "https://go.example:8443",
		.own_host = "own.example",
		.blocked_hosts = "bad.example,evil.test",
	};
	struct arena *a = arena_new();
	const char *target = arena_strndup(a, (const char *)data, len);
	struct redirect link, again;

	if (target_check(a, target, &rules) == TARGET_FITS)
		check_allowed(target);
	if (redirect_read(a, target, &link)) {
		assert(redirect_read(a, redirect_write(a, &link), &again));
		assert((again.link_id == NULL) == (link.link_id == NULL));
		assert(link.link_id == NULL ||
		       strcmp(again.target, link.target) == 0);
	}
	arena_free(a);
	return 0;
}
