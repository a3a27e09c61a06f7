#include "links/link/link_target.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/str.h"
#include "links/links.h"
#include "web/query.h"

/* The bytes of an address between "://" and the path, without the port. */
struct host {
	const char *text; /* in small letters, without a dot at the end */
	const char *rest; /* the path, query and fragment */
};

static const char *
after_scheme(const char *target)
{
	if (strncasecmp(target, "https://", 8) == 0)
		return target + 8;
	return strncasecmp(target, "http://", 7) == 0 ? target + 7 : NULL;
}

static bool
has_plain_bytes(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s <= ' ' || *s > '~' || strchr("\\\"<>^`{|}", *s) != NULL)
			return false;
	}
	return true;
}

static bool
is_port(const char *s, size_t len)
{
	int64_t port = 0;

	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		port = port * 10 + (s[i] - '0');
	}
	return port >= 1 && port <= 65535;
}

/* Whether the text is a host name with at most 253 bytes. */
static bool
is_name(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > 253 || s[0] == '.' || s[0] == '-' ||
	    strstr(s, "..") != NULL)
		return false;
	return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == len;
}

static bool
is_bracketed(const char *s)
{
	size_t len = strlen(s);

	return len > 3 && len <= 47 && s[0] == '[' && s[len - 1] == ']' &&
	       strspn(s + 1, "0123456789abcdef:.") == len - 2;
}

/* Reads the host after "://"; false: there is none. */
static bool
read_host(struct arena *a, const char *authority, struct host *ret_host)
{
	size_t len = strcspn(authority, "/?#");
	char *text = arena_strndup(a, authority, len);
	char *port = text[0] == '[' ? strchr(text, ']') : strchr(text, ':');

	if (port != NULL && *port == ']')
		port = port[1] == '\0' ? NULL : port + 1;
	if (port != NULL) {
		if (*port != ':' || !is_port(port + 1, strlen(port + 1)))
			return false;
		*port = '\0';
	}
	str_lower(text);
	len = strlen(text);
	if (len > 0 && text[len - 1] == '.')
		text[len - 1] = '\0';
	*ret_host =
	    (struct host){ text, authority + strcspn(authority, "/?#") };
	return is_bracketed(text) || is_name(text);
}

/* Whether the host is one of the list, or below one. */
static bool
is_listed(const char *host, const char *list)
{
	size_t host_len = strlen(host);

	for (const char *p = list; *p != '\0';) {
		size_t len;

		p += strspn(p, ", ");
		len = strcspn(p, ", ");
		if (len > 0 && len <= host_len &&
		    strncasecmp(host + host_len - len, p, len) == 0 &&
		    (len == host_len || host[host_len - len - 1] == '.'))
			return true;
		p += len;
	}
	return false;
}

static bool
is_own(struct arena *a, const char *host, const struct target_rules *rules)
{
	const char *authority = after_scheme(rules->own_url);
	struct host own;

	if (strcasecmp(host, rules->own_host) == 0)
		return true;
	return authority != NULL && read_host(a, authority, &own) &&
	       str_eq(own.text, host);
}

/*
 * Whether nginx, which decodes and normalises paths, may read this one as that
 * of a short link.
 */
static bool
may_be_short(struct arena *a, const char *rest)
{
	const char *path =
	    percent_decode(a, rest, strcspn(rest, "?#"), /* plus= */ false);

	return path == NULL || strstr(path, LINKS_PUBLIC_PATH) != NULL ||
	       strstr(path, "/../") != NULL || strstr(path, "//") != NULL;
}

enum target_problem
target_check(
    struct arena *a, const char *target, const struct target_rules *rules)
{
	const char *authority = after_scheme(target);
	struct host host;

	if (authority == NULL)
		return TARGET_NOT_HTTP;
	if (!has_plain_bytes(target))
		return TARGET_CHARACTERS;
	if (memchr(authority, '@', strcspn(authority, "/?#")) != NULL)
		return TARGET_CREDENTIALS;
	if (!read_host(a, authority, &host))
		return TARGET_HOST;
	if (is_own(a, host.text, rules) && may_be_short(a, host.rest))
		return TARGET_LOOP;
	return is_listed(host.text, rules->blocked_hosts) ? TARGET_BLOCKED
	                                                  : TARGET_FITS;
}
