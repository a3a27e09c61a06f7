#include "web/origin.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

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

bool
origin_is_plain(const char *s, const char *authority_end)
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

int
origin_default_port(const char *url)
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
	int implied = origin_default_port(url);
	const char *authority, *end;
	size_t scheme_len, host_len, at = 0;
	int port;

	if (implied == 0 || strlen(url) > ORIGIN_URL_MAX)
		return false;
	scheme_len = implied == 443 ? 8 : 7;
	authority = url + scheme_len;
	end = authority + strcspn(authority, "/?#");
	host_len = host_length(authority);
	if (host_len == 0 || scheme_len + host_len + 8 > ORIGIN_MAX ||
	    authority + host_len > end || !origin_is_plain(url, end))
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

/* RFC 3986 section 3.1; the length of the scheme before "://", or 0. */
size_t
origin_scheme_length(const char *url)
{
	size_t n = 0;

	while (str_is_alnum(url[n]) ||
	       (n > 0 && (url[n] == '+' || url[n] == '-' || url[n] == '.')))
		n++;
	return n > 0 && strncmp(url + n, "://", 3) == 0 ? n : 0;
}
