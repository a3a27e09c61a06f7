#include "auth/http/origin.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth/log_events.h"
#include "base/log.h"
#include "base/str.h"

enum { PATTERNS_MAX = 64, URL_MAX_BYTES = 4096 };

enum pattern_kind {
	PATTERN_ORIGIN, /* must equal the origin */
	PATTERN_GLOB, /* pattern for the origin */
	PATTERN_HOST_GLOB, /* pattern for host[:port] */
	PATTERN_SCHEME, /* "myapp://" or "myapp://host" */
	PATTERN_SCHEME_GLOB, /* "myapp://" HOST-GLOB [/PATH-GLOB] */
};

struct pattern {
	enum pattern_kind kind;
	char text[ORIGIN_MAX];
};

struct origins {
	char own[ORIGIN_MAX];
	struct pattern patterns[PATTERNS_MAX];
	size_t count;
};

static bool
is_host_byte(char c)
{
	return str_is_alnum(c) || c == '.' || c == '-' || c == '_';
}

/*
 * The length of the host at s: a name, an IPv4 address or "[v6]"; 0 if there is
 * none.
 */
static size_t
host_length(const char *s)
{
	size_t n;

	if (*s == '[') {
		n = 1 + strspn(s + 1, "0123456789abcdefABCDEF:.");
		return n > 2 && s[n] == ']' ? n + 1 : 0;
	}
	for (n = 0; is_host_byte(s[n]); n++)
		;
	return n;
}

/* No spaces, control characters or backslashes; non-ASCII only in the path. */
static bool
is_plain(const char *s, const char *authority_end)
{
	for (const char *p = s; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c <= ' ' || c == '\\' || c == 0x7f ||
		    (c >= 0x80 && p < authority_end))
			return false;
	}
	return true;
}

/* Reads ":port" at s up to `end`; -1 if there is none, -2 if it is invalid. */
static int
read_port(const char *s, const char *end)
{
	int port = 0;

	if (s == end)
		return -1;
	if (*s++ != ':' || end - s > 5)
		return -2;
	if (s == end)
		return -1;
	for (; s < end; s++) {
		if (*s < '0' || *s > '9')
			return -2;
		port = port * 10 + (*s - '0');
	}
	return port <= 65535 ? port : -2;
}

static int
default_port(const char *url)
{
	if (strncasecmp(url, "https://", 8) == 0)
		return 443;
	if (strncasecmp(url, "http://", 7) == 0)
		return 80;
	return 0;
}

static void
put_number(char *out, size_t *at, int n)
{
	char text[STR_I64_MAX];
	size_t len;
	const char *digits = str_from_i64(n, text, &len);

	memcpy(out + *at, digits, len);
	*at += len;
}

bool
origin_of(const char *url, char out[ORIGIN_MAX])
{
	int implied = default_port(url);
	const char *authority, *end;
	size_t scheme_len, host_len, at = 0;
	int port;

	if (implied == 0 || strlen(url) > URL_MAX_BYTES)
		return false;
	scheme_len = implied == 443 ? 8 : 7;
	authority = url + scheme_len;
	end = authority + strcspn(authority, "/?#");
	host_len = host_length(authority);
	if (host_len == 0 || scheme_len + host_len + 8 > ORIGIN_MAX ||
	    authority + host_len > end || !is_plain(url, end))
		return false;
	port = read_port(authority + host_len, end);
	if (port == -2)
		return false;

	for (; at < scheme_len + host_len; at++)
		out[at] = url[at];
	out[at] = '\0';
	str_lower(out);
	if (port >= 0 && port != implied) {
		out[at++] = ':';
		put_number(out, &at, port);
		out[at] = '\0';
	}
	return true;
}

/* '*' matches any number of bytes except '/', '?' matches one of them. */
static bool
glob_match(const char *glob, const char *text)
{
	const char *star = NULL, *resume = NULL;

	while (*text != '\0') {
		if (*glob == '*') {
			star = glob++;
			resume = text;
		} else if (*glob == *text || (*glob == '?' && *text != '/')) {
			glob++;
			text++;
		} else if (star != NULL && *resume != '/') {
			text = ++resume;
			glob = star + 1;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return *glob == '\0';
}

/* RFC 3986 section 3.1; the length of the scheme before "://", or 0. */
static size_t
scheme_length(const char *s)
{
	size_t n = 0;

	while (str_is_alnum(s[n]) ||
	       (n > 0 && (s[n] == '+' || s[n] == '-' || s[n] == '.')))
		n++;
	return n > 0 && strncmp(s + n, "://", 3) == 0 ? n : 0;
}

/* `pattern` is "scheme://" or "scheme://host", in lower case. */
static bool
scheme_matches(const char *pattern, const char *url)
{
	size_t scheme = scheme_length(url);
	const char *host, *want;
	size_t host_len;

	if (scheme == 0 || strncasecmp(pattern, url, scheme + 3) != 0)
		return false;
	want = pattern + scheme + 3;
	host = url + scheme + 3;
	host_len = strcspn(host, "/?#");
	return *want == '\0' || (strlen(want) == host_len &&
				    strncasecmp(want, host, host_len) == 0);
}

/*
 * A pattern of digits, dots and wildcards ("http://10.*") is meant for
 * addresses, not for names: "10.evil.example" must not match it.
 */
static bool
means_ipv4(const char *host_glob)
{
	size_t len = strspn(host_glob, "0123456789.*?");
	size_t digit = strcspn(host_glob, "0123456789");

	return digit < len && (host_glob[len] == '\0' || host_glob[len] == ':');
}

static bool
is_ipv4(const char *host)
{
	char text[INET_ADDRSTRLEN];
	size_t len = strcspn(host, ":");
	struct in_addr address;

	if (len >= sizeof(text))
		return false;
	memcpy(text, host, len);
	text[len] = '\0';
	return inet_pton(AF_INET, text, &address) == 1;
}

static bool
host_glob_match(const char *glob, const char *host)
{
	return glob_match(glob, host) && (!means_ipv4(glob) || is_ipv4(host));
}

/*
 * Schemes are compared, host and path are each matched with a pattern; without
 * a pattern for the path, any path matches.  A path that could be interpreted
 * in two ways (dot segments, percent-encoding) matches no pattern.
 */
static bool
scheme_glob_matches(const char *pattern, const char *url)
{
	size_t scheme = scheme_length(url);
	const char *want, *want_path, *path;
	char host_glob[ORIGIN_MAX], host[ORIGIN_MAX];
	size_t host_len;

	if (scheme == 0 || strncasecmp(pattern, url, scheme + 3) != 0)
		return false;
	want = pattern + scheme + 3;
	want_path = want + strcspn(want, "/");
	host_len = strcspn(url + scheme + 3, "/?#");
	if (host_len >= sizeof(host))
		return false;
	memcpy(host_glob, want, (size_t)(want_path - want));
	host_glob[want_path - want] = '\0';
	memcpy(host, url + scheme + 3, host_len);
	host[host_len] = '\0';
	str_lower(host);
	if (strchr(host, '@') != NULL ||
	    (*host_glob != '\0' && !host_glob_match(host_glob, host)))
		return false;
	if (*want_path == '\0')
		return true;
	path = url + scheme + 3 + host_len;
	return strchr(path, '%') == NULL && strstr(path, "/.") == NULL &&
	       glob_match(want_path, *path == '/' ? path : "/");
}

static bool
pattern_matches(const struct pattern *p, const char *url, const char *origin)
{
	switch (p->kind) {
	case PATTERN_ORIGIN:
		return origin != NULL && strcmp(p->text, origin) == 0;
	case PATTERN_GLOB:
		return origin != NULL && glob_match(p->text, origin) &&
		       (!means_ipv4(strstr(p->text, "://") + 3) ||
			   is_ipv4(strstr(origin, "://") + 3));
	case PATTERN_HOST_GLOB:
		return origin != NULL &&
		       host_glob_match(p->text, strstr(origin, "://") + 3);
	case PATTERN_SCHEME:
		return origin == NULL && scheme_matches(p->text, url);
	case PATTERN_SCHEME_GLOB:
		return origin == NULL && scheme_glob_matches(p->text, url);
	}
	return false;
}

bool
origins_trust(const struct origins *o, const char *url)
{
	char origin[ORIGIN_MAX];
	bool web = origin_of(url, origin);

	if (!web && (default_port(url) != 0 || scheme_length(url) == 0 ||
			strlen(url) > URL_MAX_BYTES || !is_plain(url, url)))
		return false;
	for (size_t i = 0; i < o->count; i++) {
		if (pattern_matches(&o->patterns[i], url, web ? origin : NULL))
			return true;
	}
	return false;
}

/*
 * A path on this host that every browser and router interprets in the same way.
 * Refused are "//host", backslashes and control characters (U+0000 to U+001F,
 * U+007F to U+009F), which browsers drop or turn into slashes, and encoded
 * slashes.
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

static bool
pattern_read(const char *text, struct pattern *ret_pattern)
{
	struct pattern p = { .kind = PATTERN_ORIGIN };
	bool glob = strpbrk(text, "*?") != NULL;
	size_t scheme = scheme_length(text);

	if (strlen(text) >= ORIGIN_MAX || !is_plain(text, text + strlen(text)))
		return false;
	if (glob) {
		if (scheme == 0)
			p.kind = PATTERN_HOST_GLOB;
		else if (default_port(text) == 0)
			p.kind = PATTERN_SCHEME_GLOB;
		else
			p.kind = PATTERN_GLOB;
	} else if (default_port(text) != 0) {
		if (!origin_of(text, p.text) ||
		    strcspn(text + scheme + 3, "/?#") + scheme + 3 + 1 <
			strlen(text))
			return false; /* more than a final slash */
		*ret_pattern = p;
		return true;
	} else {
		p.kind = PATTERN_SCHEME;
		if (scheme == 0 || strpbrk(text + scheme + 3, "/?#") != NULL)
			return false;
	}
	memcpy(p.text, text, strlen(text) + 1);
	str_lower(p.text);
	*ret_pattern = p;
	return true;
}

static bool
origins_add(struct origins *o, const char *text)
{
	if (o->count == PATTERNS_MAX ||
	    !pattern_read(text, &o->patterns[o->count])) {
		log_event(LOG_ERROR, EVENT_TRUSTED_ORIGIN_INVALID,
		    LOG_TEXT("origin", text));
		return false;
	}
	o->count++;
	return true;
}

struct origins *
origins_new(const char *own, const char *patterns)
{
	struct origins *o = calloc(1, sizeof(*o));
	char *list = strdup(patterns), *rest = NULL;
	bool ok;

	if (o == NULL || list == NULL)
		abort();
	ok = origin_of(own, o->own) && origins_add(o, own);
	if (!ok)
		log_event(
		    LOG_ERROR, EVENT_PUBLIC_URL_INVALID, LOG_TEXT("url", own));
	for (char *item = strtok_r(list, ", ", &rest); ok && item != NULL;
	     item = strtok_r(NULL, ", ", &rest))
		ok = origins_add(o, item);
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
