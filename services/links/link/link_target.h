/*
 * link_target: checks the address to which a short link leads.
 *
 * Only the text is checked: nothing is resolved or fetched.  An address is
 * http or https, at most TARGET_MAX bytes of visible ASCII (other characters
 * percent-encoded, host names in punycode), without a user name or password,
 * which could make "https://bank.example@evil.example" look like something
 * else, and without a backslash, which browsers read as a slash.
 */
#ifndef LINKS_LINK_TARGET_H
#define LINKS_LINK_TARGET_H

#include "base/attr.h"

struct arena;

enum { TARGET_MIN = 8, TARGET_MAX = 2048 };

enum target_problem {
	TARGET_FITS,
	TARGET_NOT_HTTP,
	TARGET_CHARACTERS,
	TARGET_HOST,
	TARGET_CREDENTIALS,
	TARGET_LOOP, /* a short link of this service */
	TARGET_BLOCKED, /* the operator has blocked the host */
};

struct target_rules {
	const char *own_url; /* "" or "https://go.example.com" */
	const char *own_host; /* the host of the request; may be "" */
	const char *blocked_hosts; /* separated by commas; with subdomains */
};

MUST_CHECK enum target_problem target_check(
    struct arena *a, const char *target, const struct target_rules *rules);

#endif
