#include "web/origin_pattern.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/str.h"

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

/* `pattern` is "scheme://" or "scheme://host", in lower case. */
static bool
scheme_matches(const char *pattern, const char *url)
{
	size_t scheme = origin_scheme_length(url);
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
	size_t scheme = origin_scheme_length(url);
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

bool
origin_pattern_matches(
    const struct origin_pattern *p, const char *url, const char *origin)
{
	switch (p->kind) {
	case ORIGIN_EXACT:
		return origin != NULL && strcmp(p->text, origin) == 0;
	case ORIGIN_GLOB:
		return origin != NULL && glob_match(p->text, origin) &&
		       (!means_ipv4(strstr(p->text, "://") + 3) ||
			   is_ipv4(strstr(origin, "://") + 3));
	case ORIGIN_HOST_GLOB:
		return origin != NULL &&
		       host_glob_match(p->text, strstr(origin, "://") + 3);
	case ORIGIN_SCHEME:
		return origin == NULL && scheme_matches(p->text, url);
	case ORIGIN_SCHEME_GLOB:
		return origin == NULL && scheme_glob_matches(p->text, url);
	}
	return false;
}

/* Reading */

static const char host_bytes[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789.-_[]:";
static const char glob_bytes[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789.-_[]:*?";

/* The suggestion is `prefix` with `len` bytes of `text`. */
static bool
refuse(struct origin_problem *p, const char *why, const char *prefix,
    const char *text, size_t len)
{
	size_t at = strlen(prefix);

	p->why = why;
	p->instead[0] = '\0';
	if (len > 0 && at + len < sizeof(p->instead)) {
		memcpy(p->instead, prefix, at);
		memcpy(p->instead + at, text, len);
		p->instead[at + len] = '\0';
	}
	return false;
}

/* Whether the text can be an entry at all, whatever its kind is. */
static bool
check_text(const char *text, struct origin_problem *p)
{
	size_t len = strlen(text);

	(void)str_copy(p->entry, sizeof(p->entry), text);
	if (len >= ORIGIN_MAX)
		return refuse(p, "it is longer than 299 bytes", "", "", 0);
	if (strpbrk(text, "\"'") != NULL)
		return refuse(p, "an origin contains no quotation marks", "",
		    text + 1, len > 2 ? strcspn(text + 1, "\"'") : 0);
	if (strcasecmp(text, "null") == 0)
		return refuse(p,
		    "local files and sandboxed pages of everybody have the "
		    "origin null, so it cannot be trusted",
		    "", "", 0);
	for (const char *s = text; *s != '\0'; s++) {
		if ((unsigned char)*s >= 0x80)
			return refuse(p,
			    "browsers send an international name in ASCII "
			    "(xn--...), so write it in that form",
			    "", "", 0);
	}
	if (!origin_is_plain(text, text + len))
		return refuse(p,
		    "an origin contains no spaces, control characters or "
		    "backslashes",
		    "", "", 0);
	return true;
}

/* Where ":port" begins in the authority, or its end. */
static size_t
host_end(const char *authority, size_t len)
{
	size_t n = len;

	while (n > 0 && authority[n - 1] >= '0' && authority[n - 1] <= '9')
		n--;
	return n > 0 && n < len && authority[n - 1] == ':' ? n - 1 : len;
}

static bool
check_glob_port(const char *text, size_t scheme, struct origin_problem *p)
{
	const char *authority = text + scheme;
	size_t len = strlen(authority);
	size_t end = host_end(authority, len);
	const char *port = authority + end;
	int implied = origin_default_port(text);
	int64_t n;

	if (end == len)
		return true;
	if (port[1] == '0' || !str_i64(port + 1, 1, 65535, &n))
		return refuse(p, "its port is not a port from 1 to 65535", "",
		    text, scheme + end);
	if (n == implied || (implied == 0 && (n == 80 || n == 443)))
		return refuse(p,
		    "browsers leave out the default port of the scheme", "",
		    text, scheme + end);
	return true;
}

/* Checks an entry for http and https pages that has wildcards. */
static bool
check_glob(const char *text, size_t scheme, struct origin_problem *p)
{
	const char *authority = text + scheme;
	size_t len = strspn(authority, glob_bytes);

	if (authority[len] == '@')
		return refuse(p, "an origin contains no user name",
		    scheme == 8   ? "https://"
		    : scheme == 7 ? "http://"
				  : "",
		    authority + len + 1,
		    strspn(authority + len + 1, glob_bytes));
	if (authority[len] == '/' || authority[len] == '#')
		return refuse(p, "an origin ends after the host and port", "",
		    text, len == 0 ? 0 : scheme + len);
	if (authority[len] != '\0')
		return refuse(p,
		    "it contains a character that no host contains", "", "", 0);
	if (len == 0)
		return refuse(p, "it names no host", "", "", 0);
	return check_glob_port(text, scheme, p);
}

/* Reads an http or https origin without wildcards. */
static bool
read_exact(const char *text, size_t scheme, struct origin_pattern *ret,
    struct origin_problem *p)
{
	const char *authority = text + scheme;
	size_t len = strspn(authority, host_bytes);

	if (authority[0] == '.')
		return refuse(p, "a wildcard is missing before the dot",
		    scheme == 8 ? "https://"
				  "*"
				: "http://"
				  "*",
		    authority, len);
	if (authority[len] == '@')
		return refuse(p, "an origin contains no user name",
		    scheme == 8 ? "https://" : "http://", authority + len + 1,
		    strspn(authority + len + 1, host_bytes));
	if (authority[len] == ';')
		return refuse(p, "entries are separated by commas", "", text,
		    scheme + len);
	/* One final slash is allowed: the address bar of a browser shows it. */
	if (strchr("/#", authority[len]) != NULL && authority[len] != '\0' &&
	    strcmp(authority + len, "/") != 0)
		return refuse(p, "an origin ends after the host and port", "",
		    text, len == 0 ? 0 : scheme + len);
	if (!origin_of(text, ret->text))
		return refuse(p,
		    "it is not scheme://host or scheme://host:port", "", "", 0);
	ret->kind = ORIGIN_EXACT;
	return true;
}

/* Checks the scheme or host of a native application. */
static bool
check_native(const char *text, size_t scheme, struct origin_problem *p)
{
	size_t len = strcspn(text + scheme, "/?#");

	if (text[scheme + len] != '\0')
		return refuse(p,
		    "it ends after the host, unless it has a wildcard", "",
		    text, scheme + len);
	return true;
}

static bool
is_loopback(const char *text)
{
	size_t len = host_end(text, strlen(text));

	return (len == 9 && strncasecmp(text, "localhost", len) == 0) ||
	       (strncmp(text, "127.", 4) == 0 &&
		   strspn(text, "0123456789.") >= len) ||
	       (len == 5 && strncmp(text, "[::1]", len) == 0);
}

static bool
check_unknown_scheme(const char *text, struct origin_problem *p)
{
	const char *rest = strstr(text, "://");
	char origin[ORIGIN_MAX];

	if (rest != NULL)
		return refuse(p,
		    "its scheme is none: a scheme contains no wildcard",
		    "https:", rest + 1, strlen(rest + 1));
	/* A development server on this host has no certificate. */
	(void)refuse(p, "it has no scheme",
	    is_loopback(text) ? "http://" : "https://", text,
	    strspn(text, host_bytes));
	if (!origin_of(p->instead, origin) || !str_eq(p->instead, origin))
		p->instead[0] = '\0';
	return false;
}

bool
origin_pattern_read(const char *text, struct origin_pattern *ret_pattern,
    struct origin_problem *ret_problem)
{
	struct origin_pattern p = { .kind = ORIGIN_EXACT };
	bool glob = strpbrk(text, "*?") != NULL;
	size_t scheme = origin_scheme_length(text);
	bool web = origin_default_port(text) != 0;

	if (!check_text(text, ret_problem))
		return false;
	if (scheme > 0)
		scheme += 3;
	if (scheme == 0 && (!glob || strstr(text, "://") != NULL))
		return check_unknown_scheme(text, ret_problem);
	if (web && !glob) {
		if (!read_exact(text, scheme, &p, ret_problem))
			return false;
		*ret_pattern = p;
		return true;
	}
	if (web || scheme == 0) {
		p.kind = web ? ORIGIN_GLOB : ORIGIN_HOST_GLOB;
		if (!check_glob(text, scheme, ret_problem))
			return false;
	} else {
		p.kind = glob ? ORIGIN_SCHEME_GLOB : ORIGIN_SCHEME;
		if (!glob && !check_native(text, scheme, ret_problem))
			return false;
	}
	memcpy(p.text, text, strlen(text) + 1);
	str_lower(p.text);
	*ret_pattern = p;
	return true;
}

bool
origin_pattern_is_everything(const struct origin_pattern *p)
{
	const char *host = strstr(p->text, "://");
	size_t len;

	if (p->kind != ORIGIN_GLOB && p->kind != ORIGIN_HOST_GLOB)
		return false;
	host = host == NULL ? p->text : host + 3;
	len = strcspn(host, ":/");
	for (size_t i = 0; i < len; i++) {
		if (str_is_alnum(host[i]))
			return false;
	}
	return true;
}

/* The regular expression */

#define OCTET "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define IPV4 OCTET "\\." OCTET "\\." OCTET "\\." OCTET

static void
add_literal(struct buf *b, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '?') {
			buf_puts(b, "[^/]");
			continue;
		}
		if (strchr(".[]+", text[i]) != NULL)
			buf_putc(b, '\\');
		buf_putc(b, text[i]);
	}
}

/*
 * The text between two stars is searched from left to right and, once found,
 * never again at another place (an atomic group): a later place cannot make the
 * rest match if the first one does not.  So the time is limited, whatever
 * origin is sent.
 */
static void
add_glob(struct buf *b, const char *glob, size_t len)
{
	const char *end = glob + len;
	const char *star = memchr(glob, '*', len);
	const char *next;

	add_literal(b, glob, (size_t)((star != NULL ? star : end) - glob));
	for (; star != NULL; star = next) {
		next = memchr(star + 1, '*', (size_t)(end - star - 1));
		buf_puts(b, next != NULL ? "(?>[^/]*?" : "[^/]*");
		add_literal(b, star + 1,
		    (size_t)((next != NULL ? next : end) - star - 1));
		if (next != NULL)
			buf_putc(b, ')');
	}
}

bool
origin_pattern_add_regex(const struct origin_pattern *p, struct buf *b)
{
	size_t scheme = origin_scheme_length(p->text);
	const char *host = p->text + (scheme > 0 ? scheme + 3 : 0);
	bool exact = p->kind == ORIGIN_EXACT || p->kind == ORIGIN_SCHEME;
	size_t len = strcspn(host, "/");
	char host_glob[ORIGIN_MAX];

	if (strspn(host, glob_bytes) < len ||
	    (host[len] == '/' && !glob_match(host + len, "/")))
		return false;
	memcpy(host_glob, host, len);
	host_glob[len] = '\0';
	buf_putc(b, '^');
	if (!exact && means_ipv4(host_glob))
		buf_puts(b, "(?=[^/]*//" IPV4 "(?::|\\z))");
	if (scheme == 0)
		buf_puts(b, "https?://");
	else
		add_literal(b, p->text, scheme + 3);
	if (len == 0)
		buf_puts(b, "[^/]*");
	else if (exact)
		add_literal(b, host, len);
	else
		add_glob(b, host, len);
	buf_puts(b, "\\z");
	return true;
}
